//! What happens at the targets themselves: somebody edits accounts there, and the accounts are compared and decided about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{
    AttributeChange, Condition, Configuration, Connector, ConnectorRef, Connectors, Deprovision,
    Desired, DesiredAttribute, Exceptions, Exchange, FlowId, Link, LinkOrigin, LocalRef, MatchKey,
    Object, OperationId, Order, Origin, PasswordPlan, QualifiedName, RemoteAccount, Tap, UserId,
    Verb, Whose,
};
use engine::{Engine, ReadBudget, ReconcileReport, Wish};
use serde_json::Value;
use uuid::Uuid;

use super::file::{EditEntry, ResolveEntry};

/// Nobody looks at what a stranger says to the target.
struct Unseen;

impl Tap for Unseen {
    fn started(&self, _: &Exchange) {}

    fn finished(&self, _: Exchange) {}
}

/// Changes, makes or deletes an account as somebody with a tool of their own would: over the wire, unknown to the engine.
///
/// # Errors
/// A sentence about what the target refused.
pub(super) async fn edit(
    connectors: &dyn Connectors,
    configuration: &Configuration,
    entry: &EditEntry,
) -> Result<String, String> {
    let reference: ConnectorRef = entry.connector.parse()?;
    let connector = connectors
        .build(configuration, &reference)
        .map_err(|error| error.to_string())?;
    let local = LocalRef::User(UserId(Uuid::now_v7()));
    let set: BTreeMap<String, Value> = entry
        .set
        .iter()
        .map(|(name, value)| {
            let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
            Ok((name.clone(), value))
        })
        .collect::<Result<_, String>>()?;
    let desired = Desired {
        local,
        remote_name: entry.rename.clone().unwrap_or_else(|| entry.name.clone()),
        attributes: set
            .iter()
            .map(|(remote, value)| DesiredAttribute {
                remote: remote.clone(),
                value: value.clone(),
                origin: Origin::Constant,
            })
            .collect(),
        members: Vec::new(),
        password: PasswordPlan::None,
    };
    let changes: Vec<AttributeChange> = set
        .iter()
        .map(|(remote, after)| AttributeChange {
            remote: remote.clone(),
            before: None,
            after: after.clone(),
        })
        .collect();
    let (verb, link) = if entry.create {
        (Verb::Create, None)
    } else {
        let account = find(connector.as_ref(), entry).await?;
        let verb = if entry.delete {
            Verb::Deprovision
        } else {
            Verb::Update
        };
        (verb, Some(linked(&reference, local, account)))
    };
    let order = Order {
        operation: OperationId(Uuid::now_v7()),
        verb,
        desired: &desired,
        changes: &changes,
        link: link.as_ref(),
        deprovision: Deprovision::Delete,
        password: None,
    };
    connector
        .carry_out(&order, &Unseen)
        .await
        .map_err(|failure| format!("{} at {reference}: {failure}", entry.name))?;
    Ok(sentence(entry, &set))
}

async fn find(connector: &dyn Connector, entry: &EditEntry) -> Result<RemoteAccount, String> {
    let key = MatchKey {
        object: Object::User,
        remote_id: None,
        external_id: String::new(),
        remote_name: entry.name.clone(),
    };
    let found = connector
        .find(&key, &Unseen)
        .await
        .map_err(|failure| failure.to_string())?;
    found.ok_or_else(|| format!("there is no {} at {}", entry.name, entry.connector))
}

fn linked(connector: &ConnectorRef, local: LocalRef, account: RemoteAccount) -> Link {
    Link {
        connector: connector.clone(),
        local,
        remote_id: account.remote_id,
        remote_name: account.remote_name,
        written: BTreeMap::new(),
        origin: LinkOrigin::Adopted,
        active: true,
        gone: false,
        since: jiff::Timestamp::UNIX_EPOCH,
        exceptions: Exceptions::new(),
    }
}

fn sentence(entry: &EditEntry, set: &BTreeMap<String, Value>) -> String {
    let (name, connector) = (&entry.name, &entry.connector);
    if entry.create {
        return format!("somebody makes {name} at {connector}");
    }
    if entry.delete {
        return format!("somebody deletes {name} at {connector}");
    }
    let mut what: Vec<String> = set
        .iter()
        .map(|(field, value)| format!("{field} = {value}"))
        .collect();
    what.extend(entry.rename.iter().map(|to| format!("name = {to}")));
    format!("somebody sets {} of {name} at {connector}", what.join(", "))
}

/// Compares a target's accounts.
///
/// # Errors
/// A sentence about why it could not begin.
pub(super) async fn compare(engine: &Engine, connector: &str) -> Result<Vec<String>, String> {
    let reference: ConnectorRef = connector.parse()?;
    let budget = ReadBudget {
        // A scenario knows what it waits for.
        patience: Duration::ZERO,
        ..ReadBudget::default()
    };
    // What is compared is what is there now, also when an earlier comparison stopped in the middle.
    let restart = true;
    let report = engine
        .reconcile(&reference, budget, restart)
        .await
        .map_err(|error| error.to_string())?;
    Ok(lines(&report))
}

/// Says what was found, one line each.
fn lines(report: &ReconcileReport) -> Vec<String> {
    let connector = &report.connector;
    let mut lines = Vec::new();
    for found in &report.divergences {
        let whose = format!("{connector} {} {}", found.local.object(), found.name);
        match &found.condition {
            Condition::Differs { fields } => lines.extend(
                fields
                    .iter()
                    .map(|drift| format!("{whose}: {} ({})", drift.field, drift.drift)),
            ),
            Condition::Missing => lines.push(format!("{whose}: missing")),
            Condition::Unwanted { why } => {
                lines.push(format!("{whose}: should not be there ({})", why.reason));
            }
        }
    }
    for orphan in &report.orphans {
        let what = match orphan.whose {
            Whose::Ours { .. } => "ours, its link is lost",
            Whose::Duplicate { .. } => "ours, one too many",
            Whose::Stranger => "not ours",
        };
        lines.push(format!(
            "{connector} {} {}: {what}",
            orphan.object, orphan.remote_name
        ));
    }
    if report.tally.strangers > 0 {
        lines.push(format!("{connector}: {} not ours", report.tally.strangers));
    }
    if report.tally.not_read.is_some() {
        lines.push(format!("{connector}: not everything was read"));
    }
    lines
}

/// Decides about the differences of one user or group; returns the flow of a restore.
///
/// # Errors
/// A sentence about why it was not done.
pub(super) async fn resolve(
    engine: &Engine,
    entry: &ResolveEntry,
) -> Result<Option<FlowId>, String> {
    let reader = engine.reader();
    let connector: ConnectorRef = entry.connector.parse()?;
    let failed = |error: engine::JournalError| error.to_string();
    let (name, local) = match (&entry.user, &entry.group) {
        (Some(name), None) => {
            let user = reader.user(&QualifiedName::new(name)).map_err(failed)?;
            (name, user.map(|user| LocalRef::User(user.id)))
        }
        (None, Some(name)) => {
            let group = reader.group(&QualifiedName::new(name)).map_err(failed)?;
            (name, group.map(|group| LocalRef::Group(group.id)))
        }
        _ => return Err("`resolve` needs either `user` or `group`".to_owned()),
    };
    let local = local.ok_or_else(|| format!("there is no {name} in the directory"))?;
    let fields: BTreeSet<String> = entry.fields.iter().cloned().collect();
    let wish = Wish {
        connector,
        local,
        fields: (!fields.is_empty()).then_some(fields),
        resolution: entry.resolution,
        recreate: entry.recreate,
        take_away: entry.take_away,
    };
    let outcome = engine
        .resolve(&wish)
        .await
        .map_err(|error| error.to_string())?;
    Ok(outcome.map(|outcome| outcome.flow))
}
