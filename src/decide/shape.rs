//! Step 6, *shape*: create, update with what differs, deprovision, or nothing; and the same question asked again right
//! before sending, when the link may have changed.

use domain::{
    AttributeChange, ConnectorRef, Deprovision, Desired, Link, LocalRef, Nothing, Object,
    PasswordPlan, Planned, Reason, Step, Verb,
};
use serde_json::Value;

use crate::links::{Known, MEMBERS, State, member_ids};
use crate::target::Target;
use crate::trace::Trace;
use crate::{Decider, Walk, password};

/// The attribute of a group's name. Only SCIM targets keep groups. Source: RFC 7643, section 4.2.
const GROUP_NAME: &str = "displayName";

/// What an operation has become right before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Shaped {
    /// It is to be sent.
    Send {
        /// What to do now.
        verb: Verb,
        /// What differs from what was last written; for a create, everything; for a deprovision, nothing.
        changes: Vec<AttributeChange>,
        /// Which password goes with it now.
        password: PasswordPlan,
    },
    /// There is nothing left to do: `unchanged` or `never-provisioned`.
    Nothing(Reason),
}

impl Decider<'_> {
    /// Shapes an operation once more, against the link as it is at the moment of sending.
    ///
    /// | planned | no link, or gone | linked |
    /// |---|---|---|
    /// | create, update | create | update with the difference, else `unchanged` |
    /// | deprovision | `never-provisioned` (no link) | deprovision; `unchanged` when it would only deactivate again |
    ///
    /// A create that becomes an update carries no password; an update that becomes a create carries the one that a
    /// create carries. A link whose account is gone still lets a deprovision through: the target's *already gone*
    /// clears it away.
    pub fn reshape(
        &self,
        connector: &ConnectorRef,
        desired: &Desired,
        verb: Verb,
        link: Option<&Link>,
    ) -> Shaped {
        let target = self.target(connector);
        let known = link.map(Known::from_link);
        if verb == Verb::Deprovision {
            let deprovision = target.map_or(Deprovision::Delete, |target| target.deprovision());
            return match known {
                None => Shaped::Nothing(Reason::NeverProvisioned),
                Some(known) if is_deactivated_already(&known, deprovision) => {
                    Shaped::Nothing(Reason::Unchanged)
                }
                Some(_) => Shaped::Send {
                    verb,
                    changes: Vec::new(),
                    password: PasswordPlan::None,
                },
            };
        }
        let known = known.filter(Known::is_there);
        let changes = changes(
            name_attribute(target.as_ref(), desired.object()),
            desired,
            known.as_ref(),
        );
        let Some(known) = known else {
            let password = match (verb, target) {
                (Verb::Update, Some(target)) if desired.object() == Object::User => {
                    let carried = desired.password == PasswordPlan::FromTrigger;
                    password::on_create(&target, carried)
                }
                _ => desired.password,
            };
            return Shaped::Send {
                verb: Verb::Create,
                changes,
                password,
            };
        };
        let password = match verb {
            Verb::Update => desired.password,
            Verb::Create | Verb::Deprovision => PasswordPlan::None,
        };
        if has_nothing_to_do(&known, &changes, password) {
            return Shaped::Nothing(Reason::Unchanged);
        }
        Shaped::Send {
            verb: Verb::Update,
            changes,
            password,
        }
    }

    /// Returns a configured connector, enabled or not.
    pub(crate) fn target(&self, connector: &ConnectorRef) -> Option<Target<'_>> {
        let (connection, settings) = self.configuration.connector(connector)?;
        Some(Target {
            connection,
            settings,
            kind: self.catalogue.of(&settings.kind)?,
        })
    }
}

/// Shapes a create or an update.
pub(crate) fn bring(
    walk: &Walk<'_>,
    desired: Desired,
    trace: &mut Trace,
) -> Result<Planned, Nothing> {
    let known = walk.known.as_ref().filter(|known| known.is_there());
    let changes = changes(
        name_attribute(Some(&walk.target), desired.object()),
        &desired,
        known,
    );
    let verb = match known {
        None => {
            trace.say(Step::Shape, "create");
            Verb::Create
        }
        Some(known) if has_nothing_to_do(known, &changes, desired.password) => {
            return Err(Nothing {
                reason: Reason::Unchanged,
                detail: format!("{} is as it was last written", known.name),
            });
        }
        Some(known) => {
            trace.say(Step::Shape, update_text(known, &changes, desired.password));
            Verb::Update
        }
    };
    Ok(Planned {
        local: desired.local,
        verb,
        desired,
        changes,
        deprovision: walk.deprovision,
        held: None,
    })
}

fn update_text(known: &Known, changes: &[AttributeChange], password: PasswordPlan) -> String {
    let mut what: Vec<String> = changes.iter().map(change_text).collect();
    if known.state == State::Inactive {
        what.push("activate the account again".to_owned());
    }
    if password != PasswordPlan::None {
        what.push("the password".to_owned());
    }
    format!("update: {}", what.join("; "))
}

fn change_text(change: &AttributeChange) -> String {
    match &change.before {
        Some(before) => format!("{} {before} -> {}", change.remote, change.after),
        None => format!("{} -> {}", change.remote, change.after),
    }
}

/// Shapes a deprovision: of a subject that was deleted, or that is no longer in scope.
pub(crate) fn take_away(walk: &Walk<'_>, trace: &mut Trace) -> Result<Planned, Nothing> {
    let Some(known) = &walk.known else {
        return take_away_unseen(walk, trace);
    };
    if is_deactivated_already(known, walk.deprovision) {
        return Err(Nothing {
            reason: Reason::Unchanged,
            detail: format!("{} is deactivated already", known.name),
        });
    }
    let how = match walk.deprovision {
        Deprovision::Delete => "delete",
        Deprovision::Deactivate => "deactivate",
    };
    trace.say(Step::Shape, format!("deprovision: {how} {}", known.name));
    Ok(deprovision(walk, &known.name))
}

/// Takes away what a create that ended in doubt may have made: the target is asked before anything is sent.
fn take_away_unseen(walk: &Walk<'_>, trace: &mut Trace) -> Result<Planned, Nothing> {
    let connector = &walk.candidate.connector;
    let doubtful = walk
        .snapshot
        .doubtful
        .iter()
        .find(|(at, _)| at == connector);
    let Some((_, desired)) = doubtful else {
        return Err(never_provisioned(walk));
    };
    let name = &desired.remote_name;
    trace.say(
        Step::Shape,
        format!(
            "deprovision: {name} may have been made by an attempt that was never answered; the target is asked first"
        ),
    );
    Ok(deprovision(walk, name))
}

fn deprovision(walk: &Walk<'_>, remote_name: &str) -> Planned {
    let local = local(walk);
    Planned {
        local,
        verb: Verb::Deprovision,
        desired: Desired {
            local,
            remote_name: remote_name.to_owned(),
            attributes: Vec::new(),
            members: Vec::new(),
            password: PasswordPlan::None,
        },
        changes: Vec::new(),
        deprovision: walk.deprovision,
        held: None,
    }
}

pub(crate) fn never_provisioned(walk: &Walk<'_>) -> Nothing {
    Nothing {
        reason: Reason::NeverProvisioned,
        detail: format!(
            "{} has no account at {} that came from here",
            walk.trigger.subject_name, walk.candidate.connector
        ),
    }
}

/// Marks an operation that is kept and may not be sent yet. The brake holds only what takes accounts away.
pub(crate) fn hold(walk: &Walk<'_>, mut planned: Planned, trace: &mut Trace) -> Planned {
    let paused = walk.target.settings.paused.then(|| {
        let line = crate::trace::at(walk.target.settings.line);
        (Reason::Paused, format!("paused = true{line}"))
    });
    let holds = walk
        .snapshot
        .holds
        .iter()
        .filter(|hold| hold.connector == walk.candidate.connector)
        .filter(|hold| hold.reason != Reason::BrakeEngaged || planned.verb == Verb::Deprovision)
        .map(|hold| (hold.reason, hold.detail.clone()));
    let mut first = None;
    for (reason, detail) in paused.into_iter().chain(holds) {
        first.get_or_insert(reason);
        trace.push(crate::trace::line(
            Step::Send,
            walk.candidate.kept(&detail),
            Some(reason),
        ));
    }
    planned.held = first;
    planned
}

fn local(walk: &Walk<'_>) -> LocalRef {
    walk.trigger.subject
}

fn is_deactivated_already(known: &Known, deprovision: Deprovision) -> bool {
    known.state == State::Inactive && deprovision == Deprovision::Deactivate
}

/// A deactivated account always needs its update: that is what activates it again.
fn has_nothing_to_do(known: &Known, changes: &[AttributeChange], password: PasswordPlan) -> bool {
    changes.is_empty() && password == PasswordPlan::None && known.state == State::Active
}

/// Returns the attribute that holds the name of an account or group at a target.
pub(crate) fn name_attribute(target: Option<&Target<'_>>, object: Object) -> &'static str {
    match object {
        Object::Group => GROUP_NAME,
        Object::User => target.map_or("name", |target| target.kind.target.name_attribute),
    }
}

/// Returns what differs from what is known; everything when nothing is known.
fn changes(name_attribute: &str, desired: &Desired, known: Option<&Known>) -> Vec<AttributeChange> {
    let mut changes = Vec::new();
    let before_name = known.map(|known| known.name.as_str());
    if !before_name.is_some_and(|before| is_same_name(desired, before)) {
        changes.push(AttributeChange {
            remote: name_attribute.to_owned(),
            before: before_name.map(Value::from),
            after: Value::from(desired.remote_name.as_str()),
        });
    }
    for attribute in &desired.attributes {
        push_change(&mut changes, known, &attribute.remote, &attribute.value);
    }
    if desired.object() == Object::Group {
        push_change(&mut changes, known, MEMBERS, &member_ids(desired));
    }
    changes
}

/// Users' names are compared without case, as every target of ours does; a group's name is text for people.
fn is_same_name(desired: &Desired, before: &str) -> bool {
    match desired.object() {
        Object::User => before.to_lowercase() == desired.remote_name.to_lowercase(),
        Object::Group => before == desired.remote_name,
    }
}

fn push_change(
    changes: &mut Vec<AttributeChange>,
    known: Option<&Known>,
    remote: &str,
    after: &Value,
) {
    let before = known.and_then(|known| known.written.get(remote));
    if is_nothing(before) && is_nothing(Some(after)) || before == Some(after) {
        return;
    }
    changes.push(AttributeChange {
        remote: remote.to_owned(),
        before: before.cloned(),
        after: after.clone(),
    });
}

/// An attribute that was never written, that is cleared, and a list without members are the same.
fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    }
}
