//! Step 4, *match*: what the subject already has at a connector, operations on their way included.

use std::collections::BTreeMap;

use domain::{ConnectorRef, Deprovision, Desired, Exceptions, Link, Snapshot, Step};
use serde_json::Value;

use crate::trace::Trace;

/// What is known of the subject's account at one connector.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    /// The name at the target.
    pub(crate) name: String,
    /// What was last written, or will have been by the operations on their way.
    pub(crate) written: BTreeMap<String, Value>,
    /// What state the account is in.
    pub(crate) state: State,
    /// Differences at the target that somebody let stand.
    pub(crate) exceptions: Exceptions,
    /// How it is known, for the trace.
    how: String,
}

/// The state of a known account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It may be used.
    Active,
    /// It is deactivated.
    Inactive,
    /// The target said that it is gone.
    Gone,
}

impl Known {
    /// Tells whether there is an account to update.
    pub(crate) fn is_there(&self) -> bool {
        self.state != State::Gone
    }

    /// Returns what is known from a link alone.
    pub(crate) fn from_link(link: &Link) -> Self {
        let state = match (link.gone, link.active) {
            (true, _) => State::Gone,
            (false, true) => State::Active,
            (false, false) => State::Inactive,
        };
        let note = match state {
            State::Active => "",
            State::Inactive => ", deactivated",
            State::Gone => ", but the target said that the account is gone",
        };
        Self {
            name: link.remote_name.clone(),
            written: link.written.clone(),
            state,
            exceptions: link.exceptions.clone(),
            how: format!("linked to {} ({}){note}", link.remote_name, link.remote_id),
        }
    }

    /// Returns what will be known once an operation on its way is confirmed.
    ///
    /// An update says only what it writes, so it lies over what the link already holds.
    fn from_pending(desired: &Desired, link: Option<&Link>) -> Self {
        let mut written = link
            .filter(|link| !link.gone)
            .map(|link| link.written.clone())
            .unwrap_or_default();
        written.extend(desired.values());
        if desired.object() == domain::Object::Group {
            written.insert(MEMBERS.to_owned(), member_ids(desired));
        }
        Self {
            name: desired.remote_name.clone(),
            written,
            state: State::Active,
            exceptions: link
                .filter(|link| !link.gone)
                .map(|link| link.exceptions.clone())
                .unwrap_or_default(),
            how: format!(
                "an operation on its way will have written {}",
                desired.remote_name
            ),
        }
    }
}

/// The name under which group membership stands in a link and in a difference.
pub(crate) const MEMBERS: &str = "members";

/// Returns the remote ids of a group's members that have one, in order, each once.
pub(crate) fn member_ids(desired: &Desired) -> Value {
    let ids: std::collections::BTreeSet<&str> = desired
        .members
        .iter()
        .filter_map(|member| member.remote_id.as_ref())
        .map(|id| id.0.as_str())
        .collect();
    ids.into_iter().collect()
}

/// Returns what is known of the subject at a connector, the newest operation on its way first.
///
/// A deprovision on its way leaves nothing behind, or, where it only deactivates, a deactivated account.
pub(crate) fn known(
    snapshot: &Snapshot,
    connector: &ConnectorRef,
    deprovision: Deprovision,
) -> Option<Known> {
    let link = link(snapshot, connector);
    match pending(snapshot, connector) {
        Pending::Account(desired) => Some(Known::from_pending(desired, link)),
        Pending::NoAccount if deprovision == Deprovision::Delete => None,
        Pending::NoAccount => link.filter(|link| !link.gone).map(|link| Known {
            state: State::Inactive,
            how: format!(
                "linked to {} ({}), a deactivation is on its way",
                link.remote_name, link.remote_id
            ),
            ..Known::from_link(link)
        }),
        Pending::Nothing => link.map(Known::from_link),
    }
}

/// Returns the name of an account that came from here, whatever state the connector's configuration is in.
pub(crate) fn name_at<'s>(snapshot: &'s Snapshot, connector: &ConnectorRef) -> Option<&'s str> {
    match pending(snapshot, connector) {
        Pending::Account(desired) => Some(desired.remote_name.as_str()),
        Pending::NoAccount => None,
        Pending::Nothing => link(snapshot, connector)
            .filter(|link| !link.gone)
            .map(|link| link.remote_name.as_str()),
    }
}

/// Returns the connectors where the subject has, or is about to have, an account.
///
/// Where a deprovision is on its way the link does not speak any more.
pub(crate) fn held(snapshot: &Snapshot) -> std::collections::BTreeSet<&ConnectorRef> {
    let links = snapshot.links.iter().map(|link| &link.connector);
    let on_their_way = snapshot.pending.iter().map(|(connector, _)| connector);
    links
        .chain(on_their_way)
        .filter(|connector| !matches!(pending(snapshot, connector), Pending::NoAccount))
        .collect()
}

/// Says what was found.
pub(crate) fn say(known: Option<&Known>, trace: &mut Trace) {
    match known {
        None => trace.say(Step::Match, "no link"),
        Some(known) => trace.say(Step::Match, &known.how),
    }
}

fn link<'s>(snapshot: &'s Snapshot, connector: &ConnectorRef) -> Option<&'s Link> {
    snapshot
        .links
        .iter()
        .find(|link| link.connector == *connector)
}

/// What operations on their way will leave behind.
enum Pending<'s> {
    /// None is on its way.
    Nothing,
    /// This account.
    Account(&'s Desired),
    /// No account: a deprovision is on its way.
    NoAccount,
}

fn pending<'s>(snapshot: &'s Snapshot, connector: &ConnectorRef) -> Pending<'s> {
    match snapshot.pending.iter().find(|(at, _)| at == connector) {
        None => Pending::Nothing,
        Some((_, Some(desired))) => Pending::Account(desired),
        Some((_, None)) => Pending::NoAccount,
    }
}
