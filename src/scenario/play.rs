//! Plays a scenario step by step and notes what is seen.

use std::collections::BTreeSet;
use std::path::Path;

use domain::{
    ApplicationId, Change, Claim, Claims, Clock as _, ConnectionId, NewUser, QualifiedName,
    Request, RoleName, Source, SystemClock, TriggerKind, Verdict,
};
use engine::{FlowTrace, SubmitError, WaitVerdict};
use mocks::Target;

use super::file::{EntryKind, Scenario, StepEntry, TriggerEntry, Wait, line_and_column};
use super::seen::{CallerSeen, ChangeSeen, DecisionSeen, ExchangeSeen, Played, StepSeen};
pub use super::stage::PlayError;
use super::stage::Stage;
use super::{check, remote};

/// Plays a scenario. `told` hears of every step when it is over.
///
/// # Errors
/// [`PlayError`] when it cannot be played at all. An expectation that is not met is no error: it is in what comes back.
pub async fn play(
    scenario: &Scenario,
    text: &str,
    path: &Path,
    keep: Option<&Path>,
    told: &mut dyn FnMut(usize, &StepSeen),
) -> Result<Played, PlayError> {
    let clock = SystemClock::default();
    let mut stage = Stage::set(scenario, path, keep).await?;
    let mut steps = Vec::new();
    for (at, entry) in scenario.steps.iter().enumerate() {
        let (line, _) = line_and_column(text, entry.span().start);
        let seen = step(&mut stage, entry.get_ref(), line).await?;
        told(at + 1, &seen);
        steps.push(seen);
    }
    stage.strike().await;
    Ok(Played {
        title: scenario.title.clone(),
        file: path.display().to_string(),
        seed: scenario.seed,
        steps,
        took: clock.monotonic(),
    })
}

async fn step(stage: &mut Stage, entry: &StepEntry, line: usize) -> Result<StepSeen, PlayError> {
    let clock = SystemClock::default();
    let mut seen = StepSeen {
        name: entry.name.clone(),
        watch: entry.watch.clone(),
        line,
        ..StepSeen::default()
    };
    let wrong = |told: String| PlayError::Step { line, told };
    if let Some(fault) = &entry.fault {
        let target = fault.target;
        stage
            .lab()
            .mock(target)
            .arm(&fault.spec)
            .map_err(|error| wrong(error.to_string()))?;
        seen.done
            .push(format!("arms {} at the {target} mock", fault.spec));
    }
    for edit in &entry.edit {
        seen.done.push(stage.edit(edit).await.map_err(wrong)?);
    }
    stage.configure(&entry.configure).await?;
    seen.done.extend(
        entry
            .configure
            .iter()
            .map(|change| format!("sets {} = {}", change.path, change.value)),
    );
    let began = stage.passed();
    if let Some(advance) = &entry.advance {
        let by = config::duration(advance)
            .ok_or_else(|| wrong(format!("`advance = \"{advance}\"` is no time such as `3d`")))?;
        if !stage.advance(by).await {
            return Err(wrong(
                "`advance` needs `clock = \"virtual\"` at the top of the scenario".to_owned(),
            ));
        }
        seen.done.push(format!("{advance} pass"));
    }
    if entry.wait.is_some() && entry.trigger.is_none() && entry.resolve.is_none() {
        return Err(wrong(
            "`wait` needs a `trigger` or a `resolve` to wait for".to_owned(),
        ));
    }
    let mut flow = None;
    if let Some(trigger) = &entry.trigger {
        let request = request(trigger).map_err(wrong)?;
        seen.done.push(sentence(trigger));
        match stage.submit(request).await {
            Ok(outcome) => flow = Some(outcome.flow),
            Err(SubmitError::Directory(error)) => {
                seen.caller = Some(CallerSeen {
                    accepted: false,
                    told: format!("refused: {error}"),
                });
            }
            Err(SubmitError::Journal(error)) => return Err(error.into()),
            Err(SubmitError::Stopped) => return Err(wrong("the engine is stopped".to_owned())),
        }
    }
    for connector in &entry.reconcile {
        let found = remote::compare(stage.engine(), connector)
            .await
            .map_err(wrong)?;
        seen.done
            .push(format!("compares the accounts of {connector}"));
        seen.found.extend(found);
    }
    if let Some(resolve) = &entry.resolve {
        let of = remote::resolve(stage.engine(), resolve)
            .await
            .map_err(wrong)?;
        let who = resolve.user.as_deref().or(resolve.group.as_deref());
        seen.done.push(format!(
            "{} what differs of {} at {}",
            resolve.resolution,
            who.unwrap_or("?"),
            resolve.connector
        ));
        flow = flow.or(of);
    }
    if entry.restart {
        stage.restart().await?;
        seen.done.push(
            "power cut: the engine is killed and started again on the same journal".to_owned(),
        );
    }
    if let Some(flow) = flow {
        let wait = entry.wait.unwrap_or(Wait::Settled);
        if !stage.wait(flow, wait).await? {
            seen.misses
                .push("the operations did not settle within a minute".to_owned());
        }
        if let Some(trace) = stage.trace(flow)? {
            note_flow(&mut seen, &trace);
        }
    } else if entry.restart && !stage.settle().await {
        seen.misses
            .push("what was owed did not settle within a minute".to_owned());
    }
    while let Some(entry) = stage.feed().try_next() {
        seen.changes
            .extend(entry.changes.iter().map(|change| ChangeSeen {
                target: entry.mock.to_owned(),
                object: change.object.to_owned(),
                name: change.name.clone(),
                field: change.field.clone(),
                before: change.before.clone(),
                after: change.after.clone(),
            }));
    }
    seen.passed = stage
        .passed()
        .map(|now| now.saturating_sub(began.unwrap_or_default()));
    let reader = stage.reader();
    let mut there = BTreeSet::new();
    for name in entry.expect.directory.keys() {
        if reader.user(&QualifiedName::new(name))?.is_some() {
            there.insert(name.as_str());
        }
    }
    let objects = |name: &str| {
        let target = name.parse::<Target>().ok()?;
        stage.lab().url(target)?;
        Some(stage.lab().mock(target).objects())
    };
    let misses = check::check(&entry.expect, &seen, objects, |user| there.contains(user));
    seen.misses.extend(misses);
    seen.took = clock.monotonic();
    Ok(seen)
}

fn note_flow(seen: &mut StepSeen, trace: &FlowTrace) {
    for trigger in &trace.triggers {
        seen.event.extend(trigger.event.iter().cloned());
        for decided in &trigger.decisions {
            let decision = &decided.decision;
            let operation = decided.operation.and_then(|id| trace.operation(id));
            let (verb, reason, detail) = match &decision.verdict {
                Verdict::Operation(planned) => (
                    Some(planned.verb.word()),
                    planned.held.map(domain::Reason::code),
                    String::new(),
                ),
                Verdict::Nothing(nothing) => {
                    (None, Some(nothing.reason.code()), nothing.detail.clone())
                }
            };
            seen.decisions.push(DecisionSeen {
                connector: decision.candidate.connector.to_string(),
                operation: verb,
                reason,
                detail,
                state: operation.map(|operation| operation.life.word().to_owned()),
                levels: decision
                    .candidate
                    .levels
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                trace: decision.trace.to_vec(),
            });
        }
    }
    let mut exchanges: Vec<_> = trace
        .operations
        .iter()
        .flat_map(|operation| {
            operation
                .attempts
                .iter()
                .flat_map(|attempt| &attempt.exchanges)
                .map(move |exchange| (operation.queued.connector.to_string(), exchange))
        })
        .collect();
    exchanges.sort_by_key(|(_, exchange)| (exchange.at, exchange.id));
    seen.exchanges = exchanges
        .into_iter()
        .map(|(connector, exchange)| ExchangeSeen {
            connector,
            purpose: exchange.purpose,
            method: exchange.method.clone(),
            path: path_of(&exchange.url),
            status: exchange
                .response
                .as_ref()
                .map_or(0, |response| response.status),
            error: exchange.error.clone(),
            took: exchange.took,
        })
        .collect();
    seen.caller = Some(caller(trace));
}

fn caller(trace: &FlowTrace) -> CallerSeen {
    match trace
        .wait
        .as_ref()
        .and_then(|wait| Some((wait, wait.ended.as_ref()?)))
    {
        None => CallerSeen {
            accepted: true,
            told: "accepted at once; nobody waited".to_owned(),
        },
        Some((_, (_, WaitVerdict::Confirmed))) => CallerSeen {
            accepted: true,
            told: "accepted after every blocking target had confirmed".to_owned(),
        },
        Some((_, (_, WaitVerdict::Accepted { cause }))) => CallerSeen {
            accepted: true,
            told: format!("accepted although {cause}"),
        },
        Some((_, (_, WaitVerdict::Rejected { cause }))) => CallerSeen {
            accepted: false,
            told: format!("rejected: {cause}"),
        },
    }
}

fn path_of(url: &str) -> String {
    url.split_once("://")
        .and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()))
        .unwrap_or_default()
}

/// Says what a trigger is, as a person would.
fn sentence(entry: &TriggerEntry) -> String {
    let who = entry
        .user
        .as_deref()
        .or(entry.group.as_deref())
        .unwrap_or("?");
    let mut text = match (entry.kind, &entry.role) {
        (EntryKind::One(kind), Some(role)) => format!("{kind} {who} {role}"),
        (EntryKind::One(kind), None) => format!("{kind} {who}"),
        (kind, role) => format!("{kind} {}", role.as_deref().unwrap_or("?")),
    };
    if let Some(name) = &entry.rename {
        text.push_str(&format!(", renamed to {name}"));
    }
    let source = entry
        .source
        .unwrap_or(if entry.kind == EntryKind::One(TriggerKind::LoggedIn) {
            Source::Login
        } else {
            Source::Console
        });
    text.push_str(&format!(" ({source}"));
    if let Some(application) = &entry.application {
        text.push_str(&format!(", application {application}"));
    }
    if let Some(connection) = &entry.connection {
        text.push_str(&format!(", connection {connection}"));
    }
    text.push(')');
    text
}

fn request(entry: &TriggerEntry) -> Result<Request, String> {
    let user = || {
        entry
            .user
            .as_deref()
            .map(QualifiedName::new)
            .ok_or_else(|| lacks(entry.kind, "user"))
    };
    let group = || {
        entry
            .group
            .as_deref()
            .map(QualifiedName::new)
            .ok_or_else(|| lacks(entry.kind, "group"))
    };
    let role = || {
        entry
            .role
            .as_deref()
            .map(RoleName::new)
            .ok_or_else(|| lacks(entry.kind, "role"))
    };
    let new_name = || {
        entry
            .rename
            .clone()
            .ok_or_else(|| lacks(entry.kind, "rename"))
    };
    let of = |change: Change| Request {
        change,
        source: if entry.kind == EntryKind::One(TriggerKind::LoggedIn) {
            Source::Login
        } else {
            entry.source.unwrap_or(Source::Console)
        },
        application: entry.application.as_deref().map(ApplicationId::from),
        connection: entry.connection.as_deref().map(ConnectionId::from),
    };
    let names = |list: &[String]| list.iter().map(|name| QualifiedName::new(name)).collect();
    let claims: Claims = entry
        .claims
        .iter()
        .map(|(claim, value)| (Claim::new(claim), value.values()))
        .collect();
    let described = || -> Result<NewUser, String> {
        Ok(NewUser {
            name: user()?,
            claims: claims.clone(),
            roles: entry.roles.iter().map(|role| RoleName::new(role)).collect(),
            groups: names(&entry.groups),
        })
    };
    let kind = match entry.kind {
        EntryKind::One(kind) => kind,
        EntryKind::RoleCreated => {
            return Ok(of(Change::CreateRole {
                role: role()?,
                holders: names(&entry.add),
            }));
        }
        EntryKind::RoleRenamed => {
            return Ok(of(Change::RenameRole {
                role: role()?,
                to: new_name()?,
            }));
        }
        EntryKind::RoleDeleted => return Ok(of(Change::DeleteRole { role: role()? })),
    };
    let change = match kind {
        TriggerKind::UserCreated => Change::CreateUser {
            user: described()?,
            password: entry.password.clone(),
        },
        TriggerKind::UserUpdated => Change::UpdateUser {
            user: user()?,
            set: claims.clone(),
            remove: entry
                .remove_claims
                .iter()
                .map(|claim| Claim::new(claim))
                .collect(),
            rename: entry.rename.clone(),
        },
        TriggerKind::UserDeleted => Change::DeleteUser { user: user()? },
        TriggerKind::PasswordChanged => Change::SetPassword {
            user: user()?,
            password: entry
                .password
                .clone()
                .ok_or_else(|| lacks(entry.kind, "password"))?,
        },
        TriggerKind::LoggedIn => Change::LogIn {
            identity: described()?,
        },
        TriggerKind::RoleAssigned => Change::AssignRole {
            user: user()?,
            role: role()?,
        },
        TriggerKind::RoleRevoked => Change::RevokeRole {
            user: user()?,
            role: role()?,
        },
        TriggerKind::GroupCreated => Change::CreateGroup {
            group: group()?,
            members: names(&entry.add),
        },
        TriggerKind::GroupChanged => Change::ChangeGroup {
            group: group()?,
            add: names(&entry.add),
            remove: names(&entry.remove),
        },
        TriggerKind::GroupRenamed => Change::RenameGroup {
            group: group()?,
            to: new_name()?,
        },
        TriggerKind::GroupDeleted => Change::DeleteGroup { group: group()? },
        TriggerKind::UserReconciled | TriggerKind::GroupReconciled => {
            return Err(format!(
                "a `{}` trigger comes of a comparison: write `reconcile` and `resolve`",
                entry.kind
            ));
        }
    };
    Ok(of(change))
}

fn lacks(kind: EntryKind, key: &str) -> String {
    format!("a `{kind}` trigger needs `{key}`")
}
