//! `outbound links` and `outbound connector`: remote identities, and the connectors that keep them.

use std::collections::BTreeMap;

use clap::Subcommand;
use config::Loaded;
use connectors::CATALOGUE;
use domain::{
    Clock as _, ConnectorRef, ConnectorSettings, Exchange, Link, LocalRef, QualifiedName, Quota,
    Reason, RemoteId, SystemClock, Tap, TriggerKind,
};
use engine::{ClaimError, LIMIT_BELIEVED, LearntLimit, LeftBehind, LimitView, Reader};
use jiff::Timestamp;
use serde::Serialize;

use super::out::{Out, note};
use super::seat::{Seat, nonsense};
use super::session::journal_trouble;
use super::trouble::Trouble;
use super::{Global, render, session};
use crate::control::{Answer, Ask};
use crate::exit::Exit;
use crate::workbench;

#[derive(Debug, Subcommand)]
pub(super) enum LinksCommand {
    /// Lists links
    List {
        /// Only at this connector: CONNECTION/CONNECTOR
        #[arg(long)]
        connector: Option<ConnectorRef>,
        /// How many at most
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Shows the links of one user, with what was last written
    Show {
        /// name or STORE/name
        user: String,
    },
    /// Lists accounts that stayed when their user or group left: the connector was disabled then, or the deprovision failed
    Leftover {
        /// Only at this connector: CONNECTION/CONNECTOR
        #[arg(long)]
        connector: Option<ConnectorRef>,
    },
    /// Links a user or group to an account, after the target has shown it; the account stays as it is, and gets into the groups there that its user is in
    Link {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// name or STORE/name
        name: String,
        /// The target's id of the account
        remote_id: String,
        /// It is a group
        #[arg(long)]
        group: bool,
    },
    /// Forgets a link; the account stays at the target as it is
    Unlink {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// name or STORE/name
        #[arg(required_unless_present_any = ["account", "all"], conflicts_with_all = ["account", "all"])]
        name: Option<String>,
        /// It is a group
        #[arg(long, conflicts_with = "all")]
        group: bool,
        /// The link to the account of this id at the target, also when its user or group is here no longer
        #[arg(long, value_name = "ID", conflicts_with = "all")]
        account: Option<String>,
        /// Every link of a connector that is not configured any more
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConnectorCommand {
    /// Lists the configured connectors: enabled or not, held or not, what is owed
    List,
    /// Sends nothing to a connector from now on; the work is kept
    Pause {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// Why, for the journal
        #[arg(long, default_value = "by hand")]
        why: String,
    },
    /// Goes on sending, beginning with what is owed
    Resume {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// Why, for the journal
        #[arg(long, default_value = "by hand")]
        why: String,
        /// How long to wait for what is owed, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15)]
        wait: u64,
    },
    /// Asks the target whether we may speak to it; nothing is changed there
    Check {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// Shows the exchanges in full
        #[arg(long)]
        wire: bool,
    },
}

pub(super) async fn links(
    global: &Global,
    out: Out,
    command: LinksCommand,
) -> Result<Exit, Trouble> {
    match command {
        LinksCommand::Link {
            connector,
            name,
            remote_id,
            group,
        } => {
            let id = RemoteId(remote_id);
            claim(global, out, &connector, &name, group, Some(&id)).await
        }
        LinksCommand::Unlink {
            connector,
            name: Some(name),
            group,
            ..
        } => claim(global, out, &connector, &name, group, None).await,
        LinksCommand::Unlink {
            connector,
            group,
            account,
            ..
        } => unlink(global, out, &connector, group, account.map(RemoteId)).await,
        list => show(&session::reader(global)?, out, list),
    }
}

/// Links a user or group to an account, or without one forgets its link.
async fn claim(
    global: &Global,
    out: Out,
    connector: &ConnectorRef,
    name: &str,
    group: bool,
    account: Option<&RemoteId>,
) -> Result<Exit, Trouble> {
    let name = QualifiedName::new(name);
    let (_, seat) = Seat::take(global, false).await?;
    let result = async {
        let (local, name) = local_of(&seat.reader(), &name, group, account.is_some())?;
        let owed = seat.owed(Some(connector))?;
        let ask = match account.cloned() {
            Some(remote_id) => Ask::Link {
                connector: connector.clone(),
                local,
                name: name.clone(),
                remote_id,
            },
            None => Ask::Unlink {
                connector: connector.clone(),
                local,
                name: name.clone(),
                leftover: false,
            },
        };
        match seat.ask(ask).await? {
            Answer::Linked { link } => Ok((name, link, seat.left_owed(connector, &owed)?)),
            _ => Err(nonsense()),
        }
    };
    let result = result.await;
    seat.leave().await;
    let (name, link, groups) = result?;
    match account {
        Some(_) => {
            out.text(&format!(
                "{connector}  {name} is linked to {} ({}); what differs says `outbound reconcile {connector}`",
                link.remote_name, link.remote_id
            ));
            told_groups(out, connector, groups);
            out.value(&link);
        }
        None => told_unlinked(out, &name, &link),
    }
    Ok(if groups > 0 { Exit::Owed } else { Exit::Done })
}

/// Says that an account is still to be put into groups, when no engine runs that does it.
pub(super) fn told_groups(out: Out, connector: &ConnectorRef, groups: usize) {
    match groups {
        0 => {}
        1 => out.text(&format!(
            "{connector}  the account is still to be put into a group there: `outbound drain` does it"
        )),
        _ => out.text(&format!(
            "{connector}  the account is still to be put into {groups} groups there: `outbound drain` does it"
        )),
    }
}

fn told_unlinked(out: Out, name: &QualifiedName, link: &Link) {
    out.text(&format!(
        "{}  {name} is linked to {} ({}) no longer; the account stays there as it is",
        link.connector, link.remote_name, link.remote_id
    ));
    out.value(link);
}

/// Forgets the link to one account, whoever it is of, or without one every link of a connector that is not configured
/// any more.
async fn unlink(
    global: &Global,
    out: Out,
    connector: &ConnectorRef,
    group: bool,
    account: Option<RemoteId>,
) -> Result<Exit, Trouble> {
    const PAGE: usize = 500;
    let (_, seat) = Seat::take(global, false).await?;
    let is_of_kind = |link: &Link| group == matches!(link.local, LocalRef::Group(_));
    let is_account = |link: &Link| {
        let account = account.as_ref();
        account.is_none_or(|account| link.remote_id == *account)
    };
    // Whether there is such an account, of the other kind.
    let mut is_other_kind = false;
    let unlinking = async {
        let reader = seat.reader();
        let mut unlinked: u64 = 0;
        let mut after: Option<LocalRef> = None;
        loop {
            let from = after.map(|local| (local, connector));
            let page = reader
                .links(Some(connector), from, PAGE)
                .map_err(|error| journal_trouble(&error))?;
            let Some(last) = page.last() else {
                return Ok(unlinked);
            };
            after = Some(last.local);
            for link in page.iter().filter(|link| is_account(link)) {
                if account.is_some() && !is_of_kind(link) {
                    is_other_kind = true;
                    continue;
                }
                let name = name_of(&reader, link)?;
                let ask = Ask::Unlink {
                    connector: connector.clone(),
                    local: link.local,
                    name: name.clone(),
                    // Whether the connector is configured says the engine: the file may not be the one that it works by.
                    leftover: account.is_none(),
                };
                match seat.ask(ask).await? {
                    Answer::Linked { link } => told_unlinked(out, &name, &link),
                    _ => return Err(nonsense()),
                }
                unlinked += 1;
            }
        }
    };
    let unlinked = unlinking.await;
    seat.leave().await;
    match (unlinked?, &account) {
        (0, Some(account)) => {
            let told = format!("nothing is linked to {account} at {connector}");
            let (told, advice) = match (is_other_kind, group) {
                (true, true) => (format!("{told} as a group; a user is"), "leave --group out"),
                (true, false) => (format!("{told} as a user; a group is"), "write --group"),
                (false, _) => (
                    told,
                    "see `outbound links list` and `outbound links leftover`",
                ),
            };
            Err(Trouble::new(Exit::Usage, "unlink", told).advise(advice))
        }
        (0, None) => {
            out.text(&format!("{connector}  nothing is linked there"));
            out.value(&serde_json::json!({ "connector": connector.to_string(), "unlinked": 0 }));
            Ok(Exit::Done)
        }
        _ => Ok(Exit::Done),
    }
}

/// Returns the name of whoever a link is of; of somebody who is here no longer, the name at the target.
pub(super) fn name_of(reader: &Reader, link: &Link) -> Result<QualifiedName, Trouble> {
    let name = local_name(reader, link.local)?;
    Ok(name.unwrap_or_else(|| QualifiedName::new(&link.remote_name)))
}

fn local_name(reader: &Reader, local: LocalRef) -> Result<Option<QualifiedName>, Trouble> {
    let name = match local {
        LocalRef::User(id) => reader.user_by_id(id).map(|user| user.map(|user| user.name)),
        LocalRef::Group(id) => reader
            .group_by_id(id)
            .map(|group| group.map(|group| group.name)),
    };
    name.map_err(|error| journal_trouble(&error))
}

/// Finds a user or group by its name, in the spelling of the directory.
fn local_of(
    reader: &Reader,
    name: &QualifiedName,
    group: bool,
    links: bool,
) -> Result<(LocalRef, QualifiedName), Trouble> {
    let found = if group {
        reader
            .group(name)
            .map(|group| group.map(|group| (LocalRef::Group(group.id), group.name)))
    } else {
        reader
            .user(name)
            .map(|user| user.map(|user| (LocalRef::User(user.id), user.name)))
    };
    found
        .map_err(|error| journal_trouble(&error))?
        .ok_or_else(|| {
            let kind = if group { "group" } else { "user" };
            let tried = if links { "link" } else { "unlink" };
            Trouble::new(Exit::Usage, tried, format!("there is no {kind} {name}"))
                .advise(format!("see `outbound {kind}s list`"))
        })
}

/// Says why a link was not changed.
pub(super) fn claim_trouble(tried: &str, error: &ClaimError) -> Trouble {
    let usage = |advice: &str| Trouble::new(Exit::Usage, tried, error).advise(advice);
    match error {
        ClaimError::ConnectorUnknown(_) => usage("see `outbound connector list`"),
        ClaimError::Configured(_) => usage(
            "name a user, a group (--group) or an --account; or take the connection out of workbench.toml first, and have \
             the engine that runs read it again: `outbound reload`",
        ),
        ClaimError::Held { reason, .. } => usage(reason.fix()),
        ClaimError::NotThere(_) => usage("see what the target has: `outbound reconcile`"),
        ClaimError::Taken { .. } => {
            usage("see `outbound links list`, and unlink one of them first")
        }
        ClaimError::NotLinked => usage("see `outbound links list`"),
        ClaimError::OnItsWay => {
            usage("see `outbound journal operations`, or wait for it: `outbound drain`")
        }
        ClaimError::NotOurs { .. } => usage(
            "an account that is not ours is never touched; link it by hand (`outbound links link`) if it should be",
        ),
        ClaimError::HasLeft { .. } => usage("take it away: `outbound reconcile take-away`"),
        ClaimError::Unavailable(unavailable) => {
            Trouble::new(Exit::Input, tried, &unavailable.cause).advise(unavailable.advice.clone())
        }
        ClaimError::Target(failure) => {
            Trouble::new(Exit::Target, tried, failure).advise(failure.advice.clone())
        }
        ClaimError::Submit(cause) => super::trigger::not_taken(cause.clone()),
    }
}

fn show(reader: &Reader, out: Out, command: LinksCommand) -> Result<Exit, Trouble> {
    match command {
        LinksCommand::Link { .. } | LinksCommand::Unlink { .. } => {}
        LinksCommand::List { connector, limit } => {
            let links = reader
                .links(connector.as_ref(), None, limit)
                .map_err(|error| journal_trouble(&error))?;
            let rows = links
                .iter()
                .map(|link| link_row(reader, link))
                .collect::<Result<Vec<_>, _>>()?;
            out.table(
                &[
                    "CONNECTOR",
                    "LOCAL",
                    "REMOTE NAME",
                    "REMOTE ID",
                    "STATE",
                    "SINCE",
                ],
                &rows,
            );
            for link in &links {
                out.value(link);
            }
        }
        LinksCommand::Leftover { connector } => leftover(reader, out, connector.as_ref())?,
        LinksCommand::Show { user } => {
            let user = reader
                .user(&QualifiedName::new(&user))
                .map_err(|error| journal_trouble(&error))?
                .ok_or_else(|| {
                    Trouble::new(
                        Exit::Usage,
                        "show the links",
                        format!("there is no user {user}"),
                    )
                    .advise("see `outbound users list`")
                })?;
            for link in reader
                .links_of(LocalRef::User(user.id))
                .map_err(|error| journal_trouble(&error))?
            {
                out.text(&format!(
                    "{}  {} ({}), {}",
                    link.connector,
                    link.remote_name,
                    link.remote_id,
                    state(&link)
                ));
                for (attribute, value) in &link.written {
                    out.text(&format!("  {attribute} = {value}"));
                }
                for (field, exception) in &link.exceptions {
                    out.text(&format!(
                        "  {field}: {} {}, where {} would be desired",
                        exception.resolution, exception.actual, exception.desired
                    ));
                }
                out.value(&link);
            }
        }
    }
    Ok(Exit::Done)
}

/// Lists the accounts that were left behind.
fn leftover(reader: &Reader, out: Out, connector: Option<&ConnectorRef>) -> Result<(), Trouble> {
    let mut left = reader
        .left_behind()
        .map_err(|error| journal_trouble(&error))?;
    left.retain(|left| connector.is_none_or(|connector| left.link.connector == *connector));
    if left.is_empty() {
        out.text("no account was left behind");
        return Ok(());
    }
    let mut rows = Vec::new();
    for left in &left {
        let name = left.name.as_ref().map(ToString::to_string);
        let since = left_at(reader, left.link.local)?;
        rows.push(vec![
            left.link.connector.to_string(),
            format!("{} {}", left.link.local.object(), name.unwrap_or_default()),
            left.link.remote_name.clone(),
            left.link.remote_id.to_string(),
            since.map_or_else(|| "not kept any more".to_owned(), |at| at.to_string()),
        ]);
        out.value(&Left { left, since });
    }
    out.table(
        &["CONNECTOR", "WHO LEFT", "REMOTE NAME", "REMOTE ID", "SINCE"],
        &rows,
    );
    Ok(())
}

/// An account of the list as JSON.
#[derive(Serialize)]
struct Left<'l> {
    #[serde(flatten)]
    left: &'l LeftBehind,
    /// When its user or group left; the link has its own `since`, when the account came.
    since: Option<Timestamp>,
}

/// Returns when a user or group left, as long as the journal keeps it.
fn left_at(reader: &Reader, local: LocalRef) -> Result<Option<Timestamp>, Trouble> {
    /// What may have come after it: restores and removals by hand.
    const FLOWS: usize = 10;
    let failed = |error| journal_trouble(&error);
    for flow in reader.flows_about(local, FLOWS).map_err(failed)? {
        let trace = reader.trace(flow).map_err(failed)?;
        let mut triggers = trace.iter().flat_map(|trace| &trace.triggers);
        let left = triggers.find(|entry| {
            let kind = entry.trigger.kind;
            entry.trigger.subject == local
                && matches!(kind, TriggerKind::UserDeleted | TriggerKind::GroupDeleted)
        });
        if let Some(entry) = left {
            return Ok(Some(entry.trigger.at));
        }
    }
    Ok(None)
}

fn link_row(reader: &Reader, link: &Link) -> Result<Vec<String>, Trouble> {
    let name = local_name(reader, link.local)?;
    Ok(vec![
        link.connector.to_string(),
        format!(
            "{} {}",
            link.local.object(),
            name.map_or_else(|| "(deleted)".to_owned(), |name| name.to_string())
        ),
        link.remote_name.clone(),
        link.remote_id.to_string(),
        state(link).to_owned(),
        link.since.to_string(),
    ])
}

fn state(link: &Link) -> &'static str {
    match (link.gone, link.active) {
        (true, _) => "gone at the target",
        (false, true) => "active",
        (false, false) => "deactivated",
    }
}

pub(super) async fn connector(
    global: &Global,
    out: Out,
    command: ConnectorCommand,
) -> Result<Exit, Trouble> {
    match command {
        ConnectorCommand::List => list(global, out).await,
        ConnectorCommand::Pause { connector, why } => {
            let (_, seat) = Seat::take(global, false).await?;
            let ask = Ask::Pause {
                connector: connector.clone(),
                why,
            };
            let result = seat.done(ask).await;
            seat.leave().await;
            result?;
            told(out, &connector, "paused");
            Ok(Exit::Done)
        }
        ConnectorCommand::Resume {
            connector,
            why,
            wait,
        } => {
            let (_, seat) = Seat::take(global, true).await?;
            let result = async {
                let owed = seat.owed(Some(&connector))?;
                let connector = connector.clone();
                seat.done(Ask::Resume { connector, why }).await?;
                seat.settle(&owed, std::time::Duration::from_secs(wait))
                    .await
            };
            let result = result.await;
            seat.leave().await;
            result?;
            told(out, &connector, "resumed");
            Ok(Exit::Done)
        }
        ConnectorCommand::Check { connector, wire } => check(global, out, &connector, wire).await,
    }
}

async fn list(global: &Global, out: Out) -> Result<Exit, Trouble> {
    let (configuration, broken) = session::readable(global)?;
    let journal = workbench::journal_file(
        &configuration,
        &session::base(global),
        global.journal.as_deref(),
    );
    let place = session::Place {
        path: journal.clone(),
        broken,
    };
    place.tell(global);
    let in_force = in_force(global, &place).await;
    let now = SystemClock::default().now();
    let failed = |error| journal_trouble(&error);
    let (holds, counts, learnt, brakes) = if journal.exists() {
        let reader = Reader::open(&journal).map_err(failed)?;
        (
            reader.holds().map_err(failed)?,
            reader.counts().map_err(failed)?,
            reader.learnt_limits().map_err(failed)?,
            reader.brakes().map_err(failed)?,
        )
    } else {
        Default::default()
    };
    let mut rows = Vec::new();
    for connection in &configuration.connections {
        for settings in &connection.connectors {
            let connector = ConnectorRef {
                connection: connection.id.clone(),
                kind: settings.kind.clone(),
            };
            let hold = holds.iter().find(|hold| hold.connector == connector);
            let state = match hold {
                Some(hold) => format!("{} ({})", hold.reason, hold.detail),
                None if settings.paused => "paused (by the configuration)".to_owned(),
                None if !connection.enabled => "connection disabled".to_owned(),
                None if !settings.enabled => "disabled".to_owned(),
                None => "enabled".to_owned(),
            };
            let kept: Vec<&str> = brakes
                .iter()
                .filter(|brake| brake.connector == connector)
                .map(|brake| brake.brake.word())
                .collect();
            let state = if kept.is_empty() {
                state
            } else {
                format!("{state}, brake on {}", kept.join(" and "))
            };
            let limit = learnt
                .iter()
                .find(|(known, ..)| *known == connector)
                .map(|(_, at, limit)| (*at, limit));
            let live = in_force.get(&connector.to_string());
            let owed: u64 = counts
                .get(&connector)
                .into_iter()
                .flatten()
                .filter(|(state, _)| state.is_open())
                .map(|(_, count)| count)
                .sum();
            out.value(&serde_json::json!({
                "connector": connector.to_string(), "name": connection.name, "state": state, "owed": owed,
                "concurrency": settings.concurrency,
                "rate": settings.rate.map(rate_text),
                "learnt": limit.map(|(at, limit)| serde_json::json!({ "at": at, "limit": limit })),
                "in_force": live,
            }));
            rows.push(vec![
                connector.to_string(),
                connection.name.clone(),
                state,
                owed.to_string(),
                limit_text(settings, live, limit, now),
            ]);
        }
    }
    out.table(
        &["CONNECTOR", "CONNECTION", "STATE", "OWED", "LIMIT"],
        &rows,
    );
    Ok(Exit::Done)
}

/// Returns what limits each connector at the moment, as the engine that runs on the journal knows it; nothing when none runs.
async fn in_force(global: &Global, place: &session::Place) -> BTreeMap<String, LimitView> {
    let Ok(client) = place.engine(global).await else {
        return BTreeMap::new();
    };
    let Some(status) = client.status().await else {
        note(&format!(
            "the engine that runs on {} does not say how it stands: what limits a connector at the moment is not known",
            place.path.display()
        ));
        return BTreeMap::new();
    };
    status.limits
}

/// Says how fast a connector is sent to: by the configuration, and by what was learnt of its target. Only a running engine
/// knows what is in force; what the journal has was so when it was learnt.
fn limit_text(
    settings: &ConnectorSettings,
    live: Option<&LimitView>,
    learnt: Option<(Timestamp, &LearntLimit)>,
    now: Timestamp,
) -> String {
    let mut parts = vec![format!("{} at once", settings.concurrency)];
    parts.extend(settings.rate.map(rate_text));
    if settings.learn_limit {
        parts.extend(match live {
            Some(live) => live_text(live, learnt),
            None => learnt.and_then(|(at, limit)| learnt_text(settings, at, limit, now)),
        });
    }
    parts.join("; ")
}

/// Says what was learnt and is in force; nothing when the target gets all that the configuration allows.
fn live_text(live: &LimitView, learnt: Option<(Timestamp, &LearntLimit)>) -> Option<String> {
    let slots = (live.concurrency < live.concurrency_allowed)
        .then(|| format!("{} at once", live.concurrency));
    let rate = live.rate.filter(|_| live.learnt.is_some());
    let now: Vec<String> = slots.into_iter().chain(rate.map(rate_of)).collect();
    if now.is_empty() {
        return None;
    }
    let since = learnt.map_or_else(String::new, |(at, limit)| {
        format!(" (learnt {}: {})", clock_text(at), limit.why)
    });
    Some(format!("now {}{since}", now.join(", ")))
}

/// Says what the next engine begins with; nothing when what was learnt is too old for that.
fn learnt_text(
    settings: &ConnectorSettings,
    at: Timestamp,
    limit: &LearntLimit,
    now: Timestamp,
) -> Option<String> {
    if now.duration_since(at).unsigned_abs() >= LIMIT_BELIEVED {
        return None;
    }
    let slots = (limit.concurrency < settings.concurrency)
        .then(|| format!("{} at once", limit.concurrency));
    let rate = limit.requests_per_second.map(rate_of);
    let then: Vec<String> = slots.into_iter().chain(rate).collect();
    Some(format!(
        "learnt {}, may have risen since: {} ({})",
        clock_text(at),
        then.join(", "),
        limit.why
    ))
}

fn rate_of(rate: f64) -> String {
    format!("{rate:.2} a second")
}

fn rate_text(rate: Quota) -> String {
    format!("{} per {} s", rate.requests, rate.per.as_secs_f64())
}

fn told(out: Out, connector: &ConnectorRef, state: &str) {
    out.text(&format!("{connector} is {state}"));
    out.value(&serde_json::json!({ "connector": connector.to_string(), "state": state }));
}

/// Speaks to one target, without the journal: nothing is changed anywhere.
pub(super) async fn check(
    global: &Global,
    out: Out,
    connector: &ConnectorRef,
    wire: bool,
) -> Result<Exit, Trouble> {
    let loaded = session::load(global)?;
    let base = session::base(global);
    let options = workbench::options(
        loaded.configuration.clone().into(),
        &base,
        std::path::PathBuf::new(),
        0,
    );
    let tried = format!("speak to {connector}");
    if let Some((key, address)) = forbidden(&loaded, connector) {
        let told = format!(
            "{key} is {address}, outside this machine ({})",
            Reason::RealTargetNotAllowed
        );
        return Err(
            Trouble::new(Exit::Input, tried, told).advise(Reason::RealTargetNotAllowed.fix())
        );
    }
    let built = options
        .connectors
        .build(&loaded.configuration, connector)
        .map_err(|error| {
            Trouble::new(Exit::Input, tried.clone(), &error.cause).advise(error.advice.clone())
        })?;
    let tap = Shown { out, wire };
    let health = built.check(&tap).await.map_err(|failure| {
        Trouble::new(Exit::Target, tried, &failure).advise(failure.advice.clone())
    })?;
    for finding in &health.findings {
        out.text(&format!("{connector}  {finding}"));
    }
    out.value(
        &serde_json::json!({ "connector": connector.to_string(), "findings": health.findings }),
    );
    Ok(Exit::Done)
}

/// Returns the address of a connector that may not be spoken to, by the name of its setting.
fn forbidden<'l>(loaded: &'l Loaded, connector: &ConnectorRef) -> Option<(&'static str, &'l str)> {
    let configuration = &loaded.configuration;
    if configuration.engine.real_targets {
        return None;
    }
    let (_, settings) = configuration.connector(connector)?;
    CATALOGUE.of(&settings.kind)?.outside_address(settings)
}

/// Shows exchanges as they end.
struct Shown {
    out: Out,
    wire: bool,
}

impl Tap for Shown {
    fn started(&self, _: &Exchange) {}

    fn finished(&self, exchange: Exchange) {
        if self.wire {
            self.out.text(&render::exchange(&exchange));
            self.out.value(&exchange);
        }
    }
}

fn clock_text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;

    fn settings() -> ConnectorSettings {
        let shipped = include_str!("../../workbench.toml");
        let loaded = config::parse(shipped, "workbench.toml", Path::new(""), &CATALOGUE).unwrap();
        ConnectorSettings {
            concurrency: 8,
            rate: None,
            learn_limit: true,
            ..loaded.configuration.connections[0].connectors[0].clone()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_engine_that_is_stopped_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        // Who comes is let in by the system, and nobody answers.
        let _silent =
            std::os::unix::net::UnixListener::bind(crate::control::socket_of(&path)).unwrap();
        let global = Global {
            config: folder.path().join("workbench.toml"),
            journal: None,
            json: false,
            log_dir: None,
        };
        let place = session::Place { path, broken: None };
        let hour = Duration::from_hours(1);
        let told = tokio::time::timeout(hour, in_force(&global, &place)).await;
        assert!(told.unwrap().is_empty());
    }

    fn learnt() -> LearntLimit {
        LearntLimit {
            requests_per_second: Some(1.16),
            held_per_second: None,
            concurrency: 1,
            why: "with 2 at once it did not answer".to_owned(),
        }
    }

    fn live(concurrency: usize, rate: Option<f64>) -> LimitView {
        LimitView {
            in_flight: 3,
            concurrency,
            concurrency_allowed: 8,
            rate,
            rate_allowed: None,
            learnt: rate.map(|_| 1.16),
            sent: 500,
            refused: 1,
            quiet_for: Duration::ZERO,
            why: None,
        }
    }

    #[test]
    fn a_limit_is_told_as_it_is_in_force_and_what_was_learnt_with_its_time() {
        let (settings, learnt) = (settings(), learnt());
        let at: Timestamp = "2026-11-22T11:27:00Z".parse().unwrap();
        let now = at + Duration::from_mins(9);
        let known = Some((at, &learnt));
        let text = |live: Option<&LimitView>| limit_text(&settings, live, known, now);
        assert_eq!(
            text(Some(&live(3, Some(22.0)))),
            "8 at once; now 3 at once, 22.00 a second (learnt 2026-11-22 11:27:00: with 2 at once it did not answer)"
        );
        // It has risen to what the configuration allows.
        assert_eq!(text(Some(&live(8, None))), "8 at once");
        // No engine runs.
        assert_eq!(
            text(None),
            "8 at once; learnt 2026-11-22 11:27:00, may have risen since: 1 at once, 1.16 a second (with 2 at once it did not answer)"
        );
        let next_day = at + Duration::from_hours(25);
        assert_eq!(limit_text(&settings, None, known, next_day), "8 at once");
    }
}
