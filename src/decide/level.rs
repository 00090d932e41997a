//! Step 2, *level*: which levels speak, and which connectors they propose. Whether those may be used says `target`.
//!
//! | trigger | organization or application | connection | link |
//! |---|---|---|---|
//! | created | the level that speaks for the source | | |
//! | updated, password changed, deleted | as if created now | where a link is held | where a link is held |
//! | role assigned, revoked | where the outbound roles name the role | same | same, where a link is held |
//! | logged in | | every connector | |
//! | group | the organization | | where a link is held |
//! | reconciled | as if updated, at one connector alone | | where a link is held |

use domain::{
    Application, ApplicationId, Candidate, Connection, ConnectorRef, Level, Nothing, Object,
    OnFailure, Provisioner, Reason, Snapshot, Source, Step, TraceLine, Trigger, TriggerKind,
};

use crate::trace::{Trace, at, line};
use crate::{Decider, event, links};

/// A candidate with what the trace says of it.
#[derive(Debug)]
pub(crate) struct Proposal<'a> {
    pub(crate) candidate: Candidate,
    entries: Vec<&'a Provisioner>,
    /// The application whose own provisioners keep the organization level from proposing this.
    silenced_by: Option<ApplicationId>,
}

/// All candidates of one trigger.
#[derive(Debug)]
pub(crate) struct Proposals<'a> {
    pub(crate) list: Vec<Proposal<'a>>,
    /// Who spoke, for the event's own trace.
    pub(crate) lines: Vec<TraceLine>,
}

/// Who speaks in the place of the resident application.
enum Speaker<'a> {
    Organization,
    Application(&'a Application),
    /// An application without provisioners while the fallback is off.
    Nobody,
}

/// Collects the candidates: the levels in their order, each connector once.
pub(crate) fn proposals<'a>(
    decider: &Decider<'a>,
    trigger: &Trigger,
    snapshot: &Snapshot,
) -> Proposals<'a> {
    let mut table = Table::new(decider);
    let mut lines = Vec::new();
    let mut silent = None;
    if trigger.kind == TriggerKind::LoggedIn {
        table.login(trigger);
    } else {
        let (speaker, said) = speaker(decider, trigger);
        lines.push(line(Step::Level, said, None));
        silent = table.entries(trigger, &speaker);
        table.connection(trigger, snapshot);
        table.links(trigger, snapshot);
    }
    if let Some(only) = &snapshot.only {
        table.rows.retain(|row| row.connector == *only);
    }
    let spoke = !table.rows.is_empty();
    if let Some(application) = silent.filter(|_| snapshot.only.is_none()) {
        table.silenced(trigger, &application);
    }
    lines.push(summary(decider, trigger, snapshot, &table, spoke));
    Proposals {
        list: table.finish(trigger),
        lines,
    }
}

/// Decides who speaks for a source, and says so.
fn speaker<'a>(decider: &Decider<'a>, trigger: &Trigger) -> (Speaker<'a>, String) {
    let asks_application = match trigger.source {
        Source::Console | Source::Import => false,
        Source::Api | Source::SelfSignup | Source::Jit | Source::Login => true,
    } && event::object(trigger.kind) == Object::User;
    let organization = "the organization level speaks";
    let Some(id) = trigger.application.as_ref().filter(|_| asks_application) else {
        return (Speaker::Organization, organization.to_owned());
    };
    let application = decider.configuration.application(id);
    if let Some(application) = application.filter(|entry| !entry.provisioners.is_empty()) {
        let said = format!(
            "application {id}{} speaks with provisioners of its own",
            at(application.line)
        );
        return (Speaker::Application(application), said);
    }
    let why = match application {
        Some(application) => format!(
            "application {id}{} lists no provisioners",
            at(application.line)
        ),
        None => format!("application {id} is not configured"),
    };
    if decider.configuration.engine.application_fallback {
        (Speaker::Organization, format!("{why}, so {organization}"))
    } else {
        let said = format!("{why}, and application_fallback = false under [engine]");
        (Speaker::Nobody, said)
    }
}

/// The candidates while they are collected.
struct Table<'a> {
    decider: Decider<'a>,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    connector: ConnectorRef,
    levels: Vec<Level>,
    entries: Vec<&'a Provisioner>,
    silenced_by: Option<ApplicationId>,
}

impl<'a> Table<'a> {
    fn new(decider: &Decider<'a>) -> Self {
        Self {
            decider: *decider,
            rows: Vec::new(),
        }
    }

    fn propose(
        &mut self,
        connector: &ConnectorRef,
        level: Level,
        entry: Option<&'a Provisioner>,
    ) -> &mut Row<'a> {
        let at = self
            .rows
            .iter()
            .position(|row| row.connector == *connector)
            .unwrap_or_else(|| {
                self.rows.push(Row {
                    connector: connector.clone(),
                    levels: Vec::new(),
                    entries: Vec::new(),
                    silenced_by: None,
                });
                self.rows.len() - 1
            });
        let row = &mut self.rows[at];
        if !row.levels.contains(&level) {
            row.levels.push(level);
        }
        row.entries.extend(entry);
        row
    }

    /// The organization or the application. Returns the application that silences the organization.
    fn entries(&mut self, trigger: &Trigger, speaker: &Speaker<'a>) -> Option<ApplicationId> {
        match speaker {
            Speaker::Organization => {
                for entry in &self.decider.configuration.resident {
                    if self.role_concerns(trigger, &entry.connector) {
                        self.propose(&entry.connector, Level::Organization, Some(entry));
                    }
                }
                None
            }
            Speaker::Application(application) => {
                let id = &application.id;
                for entry in &application.provisioners {
                    if self.role_concerns(trigger, &entry.connector) {
                        self.propose(
                            &entry.connector,
                            Level::Application(id.clone()),
                            Some(entry),
                        );
                    }
                }
                Some(id.clone())
            }
            Speaker::Nobody => None,
        }
    }

    /// A login: the connectors of the connection that was used.
    fn login(&mut self, trigger: &Trigger) {
        if let Some(connection) = self.used(trigger) {
            self.whole(connection);
        }
    }

    /// Other triggers that came through a connection: its connectors, where they are concerned.
    fn connection(&mut self, trigger: &Trigger, snapshot: &Snapshot) {
        let Some(connection) = self.used(trigger) else {
            return;
        };
        match trigger.kind {
            TriggerKind::RoleAssigned | TriggerKind::RoleRevoked => {
                if names_role(connection, trigger) {
                    self.whole(connection);
                }
            }
            TriggerKind::UserUpdated | TriggerKind::PasswordChanged | TriggerKind::UserDeleted => {
                for connector in links::held(snapshot) {
                    if connector.connection == connection.id {
                        self.propose(connector, Level::Connection(connection.id.clone()), None);
                    }
                }
            }
            TriggerKind::UserCreated
            | TriggerKind::LoggedIn
            | TriggerKind::GroupCreated
            | TriggerKind::GroupChanged
            | TriggerKind::GroupRenamed
            | TriggerKind::GroupDeleted
            | TriggerKind::UserReconciled
            | TriggerKind::GroupReconciled => {}
        }
    }

    /// The connectors that hold a link. A link outlives the provisioner that led to it.
    fn links(&mut self, trigger: &Trigger, snapshot: &Snapshot) {
        if trigger.kind == TriggerKind::UserCreated || trigger.kind == TriggerKind::GroupCreated {
            return;
        }
        for connector in links::held(snapshot) {
            if self.role_concerns(trigger, connector) {
                self.propose(connector, Level::Link, None);
            }
        }
    }

    /// What the organization would have proposed, had the application no provisioners of its own.
    fn silenced(&mut self, trigger: &Trigger, application: &ApplicationId) {
        let by_jit = is_jit(trigger);
        for entry in &self.decider.configuration.resident {
            let proposed = self.rows.iter().any(|row| row.connector == entry.connector);
            if proposed || (by_jit && !entry.jit) || !self.role_concerns(trigger, &entry.connector)
            {
                continue;
            }
            self.propose(&entry.connector, Level::Organization, Some(entry))
                .silenced_by = Some(application.clone());
        }
    }

    fn whole(&mut self, connection: &'a Connection) {
        for settings in &connection.connectors {
            let connector = ConnectorRef {
                connection: connection.id.clone(),
                kind: settings.kind.clone(),
            };
            self.propose(&connector, Level::Connection(connection.id.clone()), None);
        }
    }

    fn used(&self, trigger: &Trigger) -> Option<&'a Connection> {
        self.decider
            .configuration
            .connection(trigger.connection.as_ref()?)
    }

    /// Tells whether a connector is concerned: a role trigger concerns only connections whose outbound roles name the
    /// role, every other trigger concerns all.
    fn role_concerns(&self, trigger: &Trigger, connector: &ConnectorRef) -> bool {
        match trigger.kind {
            TriggerKind::RoleAssigned | TriggerKind::RoleRevoked => self
                .decider
                .configuration
                .connection(&connector.connection)
                .is_some_and(|connection| names_role(connection, trigger)),
            _ => true,
        }
    }

    fn finish(self, trigger: &Trigger) -> Vec<Proposal<'a>> {
        let defaults = &self.decider.configuration.engine;
        let default_timeout = defaults.blocking_timeout;
        let merge = |row: Row<'a>| {
            let entries = &row.entries;
            let on_failure = if trigger.kind.is_reconciled() {
                // Nothing changes here, so there is nothing to reject.
                OnFailure::Accept
            } else if entries.is_empty() {
                defaults.on_failure
            } else if entries
                .iter()
                .any(|entry| entry.on_failure == OnFailure::Reject)
            {
                OnFailure::Reject
            } else {
                OnFailure::Accept
            };
            Proposal {
                candidate: Candidate {
                    blocking: entries.iter().any(|entry| entry.blocking),
                    rules: entries.iter().any(|entry| entry.rules),
                    jit: entries.iter().any(|entry| entry.jit),
                    on_failure,
                    timeout: entries
                        .iter()
                        .map(|entry| entry.timeout.unwrap_or(default_timeout))
                        .max()
                        .unwrap_or(default_timeout),
                    connector: row.connector,
                    levels: row.levels,
                },
                entries: row.entries,
                silenced_by: row.silenced_by,
            }
        };
        self.rows.into_iter().map(merge).collect()
    }
}

fn names_role(connection: &Connection, trigger: &Trigger) -> bool {
    trigger
        .role
        .as_ref()
        .is_some_and(|role| connection.outbound_roles.contains(role))
}

/// Tells whether the user comes, or is changed, by just-in-time provisioning.
pub(crate) fn is_jit(trigger: &Trigger) -> bool {
    matches!(trigger.source, Source::Jit | Source::Login)
        && matches!(
            trigger.kind,
            TriggerKind::UserCreated | TriggerKind::UserUpdated
        )
}

/// Lists the candidates of a trigger, or says why there are none.
fn summary(
    decider: &Decider<'_>,
    trigger: &Trigger,
    snapshot: &Snapshot,
    table: &Table<'_>,
    spoke: bool,
) -> TraceLine {
    if spoke {
        let list: Vec<String> = table
            .rows
            .iter()
            .filter(|row| row.silenced_by.is_none())
            .map(|row| row.connector.to_string())
            .collect();
        let text = format!("candidates: {}", list.join(", "));
        return line(Step::Level, text, None);
    }
    let (reason, detail) = why_nobody(decider, trigger, snapshot, table);
    line(Step::Level, detail, Some(reason))
}

fn why_nobody(
    decider: &Decider<'_>,
    trigger: &Trigger,
    snapshot: &Snapshot,
    table: &Table<'_>,
) -> (Reason, String) {
    if !table.rows.is_empty() {
        let detail = "only the organization level lists provisioners for it, and it does not speak";
        return (Reason::ApplicationHasOwnProvisioners, detail.to_owned());
    }
    match (trigger.kind, &trigger.connection) {
        (TriggerKind::LoggedIn, None) => (
            Reason::NoProvisioners,
            "the login names no connection".to_owned(),
        ),
        (TriggerKind::LoggedIn, Some(id)) => match decider.configuration.connection(id) {
            None => (
                Reason::ConnectionUnknown,
                format!("connection {id} is not configured"),
            ),
            Some(connection) if snapshot.after.is_none() && !connection.jit.enabled => (
                Reason::JitDisabledOnConnection,
                format!(
                    "connection {id}{} makes no local users",
                    at(connection.line)
                ),
            ),
            Some(connection) => (
                Reason::NoProvisioners,
                format!("connection {id}{} has no connectors", at(connection.line)),
            ),
        },
        (TriggerKind::RoleAssigned | TriggerKind::RoleRevoked, _) => why_no_role(decider, trigger),
        _ => (
            Reason::NoProvisioners,
            "no provisioner is listed".to_owned(),
        ),
    }
}

/// Tells a role that is named nowhere from one whose connections nobody lists: what to do differs.
fn why_no_role(decider: &Decider<'_>, trigger: &Trigger) -> (Reason, String) {
    let role = trigger.role.as_ref().map_or("?", |role| role.as_str());
    let naming: Vec<&str> = decider
        .configuration
        .connections
        .iter()
        .filter(|connection| names_role(connection, trigger))
        .map(|connection| connection.id.0.as_str())
        .collect();
    if naming.is_empty() {
        let detail = format!("no connection names role {role} among its outbound roles");
        return (Reason::RoleNotNamed, detail);
    }
    let detail = format!(
        "no connection that is listed names role {role} among its outbound roles; named by {}, which no level that speaks here lists",
        naming.join(", ")
    );
    (Reason::NoProvisioners, detail)
}

/// Says who proposed a candidate, and with which flags.
pub(crate) fn say(proposal: &Proposal<'_>, trace: &mut Trace) {
    let candidate = &proposal.candidate;
    let levels: Vec<String> = candidate.levels.iter().map(Level::to_string).collect();
    let entries: Vec<String> = proposal
        .entries
        .iter()
        .filter_map(|entry| Some(format!("workbench.toml:{}", entry.line?)))
        .collect();
    let mut text = levels.join(" and ");
    if !entries.is_empty() {
        text = format!("{text} ({})", entries.join(", "));
    }
    text.push_str(if candidate.blocking {
        ", blocking"
    } else {
        ", not blocking"
    });
    if candidate.rules {
        text.push_str(", rules on");
    }
    trace.say(Step::Level, text);
}

/// Ends the decision of a candidate whose level does not speak.
pub(crate) fn heard(proposal: &Proposal<'_>) -> Result<(), Nothing> {
    match &proposal.silenced_by {
        None => Ok(()),
        Some(application) => Err(Nothing {
            reason: Reason::ApplicationHasOwnProvisioners,
            detail: format!(
                "application {application} lists provisioners of its own, and {} is not among them",
                proposal.candidate.connector
            ),
        }),
    }
}
