//! Folds one fact into the tables, within the transaction that appends it.

use std::collections::HashMap;

use domain::{FlowId, Link, OnFailure, OperationId, Reason, RoleName, TriggerId, User};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::code::{self, key, micros, signed};
use super::pack::{self, Run};
use super::{JournalError, reconcile, retain, standing};
use crate::doubt::Doubt;
use crate::lifecycle::{IllegalFact, Move};
use crate::{Cause, DirectoryChange, Fact, Queued, Record, Settlement, State, WaitVerdict};

/// What the facts of one batch need to know of each other.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// Where each trigger's decisions stand.
    decided: HashMap<TriggerId, u64>,
    /// The flow whose first trigger was seen last; a flow's triggers come in one batch, one after the other.
    begun: Option<FlowId>,
    /// Operations that are queued and started in this batch, with the number of the attempt.
    started: HashMap<OperationId, u32>,
}

impl Context {
    pub(super) fn of(records: &[Record]) -> Self {
        let mut context = Self::default();
        if !matches!(
            records.first().map(|record| &record.fact),
            Some(Fact::TriggerRecorded { .. })
        ) {
            return context;
        }
        for record in records {
            if let Fact::AttemptStarted {
                operation, number, ..
            } = record.fact
            {
                context.started.insert(operation, number);
            }
        }
        context
    }
}

/// Appends a run of facts as one row.
pub(super) fn append(
    db: &Connection,
    seq: u64,
    at: Timestamp,
    run: &Run,
) -> Result<(), JournalError> {
    db.prepare_cached(
        "INSERT INTO facts (seq, at, flow, kind, count, exchanges, format, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        signed(seq),
        micros(at),
        flow_bytes(run.flow),
        run.kind,
        i64::try_from(run.count).unwrap_or(1),
        i64::try_from(run.exchanges).unwrap_or(0),
        run.packed.format,
        run.packed.body
    ])?;
    Ok(())
}

/// Folds a fact into the tables.
pub(super) fn fold(
    db: &Connection,
    context: &mut Context,
    record: &Record,
) -> Result<(), JournalError> {
    match &record.fact {
        Fact::TriggerRecorded { trigger } => {
            db.prepare_cached(
                "INSERT INTO triggers (seq, flow, at, local, first) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                signed(record.seq),
                trigger.flow.0.as_bytes(),
                micros(trigger.at),
                trigger.subject.uuid().as_bytes(),
                context.begun.replace(trigger.flow) != Some(trigger.flow),
            ])?;
        }
        Fact::Decided { trigger, .. } => {
            context.decided.insert(*trigger, record.seq);
        }
        Fact::OperationQueued { queued } => insert_operation(db, context, record, queued)?,
        // Queued as started already.
        Fact::AttemptStarted { operation, .. } if context.started.contains_key(operation) => {}
        Fact::AttemptStarted { .. }
        | Fact::AttemptFailed { .. }
        | Fact::Asked { .. }
        | Fact::Settled { .. }
        | Fact::OperationDead { .. }
        | Fact::Held { .. }
        | Fact::Released { .. }
        | Fact::Retried { .. }
        | Fact::Discarded { .. } => move_operation(db, record)?,
        Fact::ExchangeRecorded {
            operation,
            attempt,
            connector,
            exchange,
        } => {
            db.prepare_cached(
                "INSERT INTO exchanges (seq, operation, attempt, connector, method, status)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                signed(record.seq),
                operation.map(|id| *id.0.as_bytes()),
                attempt,
                connector.to_string(),
                exchange.method,
                exchange.response.as_ref().map(|response| response.status),
            ])?;
        }
        Fact::Linked { link } => {
            put_link(db, link, record.seq)?;
            if link.gone {
                reconcile::ended(db, record.at, link)?;
            }
        }
        Fact::Unlinked { link } => {
            db.prepare_cached("DELETE FROM links WHERE local = ?1 AND connector = ?2")?
                .execute(params![
                    link.local.uuid().as_bytes(),
                    link.connector.to_string()
                ])?;
            reconcile::ended(db, record.at, link)?;
            reconcile::forget(db, &link.connector, link.local)?;
        }
        Fact::ReconcileStarted { .. }
        | Fact::DriftFound { .. }
        | Fact::DriftCleared { .. }
        | Fact::DriftResolved { .. }
        | Fact::OrphanFound { .. }
        | Fact::OrphanCleared { .. }
        | Fact::OrphanResolved { .. }
        | Fact::ReconcileEnded { .. } => reconcile::fold(db, record)?,
        Fact::Compensated { .. } => {}
        Fact::CallerWaited { on_failure, .. } => {
            db.prepare_cached(
                "INSERT INTO waits (flow, seq, reject, verdict) VALUES (?1, ?2, ?3, 0)",
            )?
            .execute(params![
                flow_bytes(record.flow),
                signed(record.seq),
                *on_failure == OnFailure::Reject,
            ])?;
        }
        Fact::CallerReleased { verdict } => {
            let code = match verdict {
                WaitVerdict::Confirmed | WaitVerdict::Accepted { .. } => 1,
                WaitVerdict::Rejected { .. } => 2,
            };
            db.prepare_cached("UPDATE waits SET verdict = ?2 WHERE flow = ?1")?
                .execute(params![flow_bytes(record.flow), code])?;
        }
        Fact::DirectoryChanged { changes } => {
            for (nth, change) in changes.iter().enumerate() {
                change_directory(db, change, record.seq, nth)?;
            }
        }
        Fact::ConnectorHeld {
            connector,
            reason,
            detail,
        } => {
            db.prepare_cached(
                "INSERT OR REPLACE INTO holds (connector, reason, detail, at) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                connector.to_string(),
                reason.code(),
                detail,
                micros(record.at)
            ])?;
        }
        Fact::ConnectorReleased {
            connector, reason, ..
        } => {
            db.prepare_cached("DELETE FROM holds WHERE connector = ?1 AND reason = ?2")?
                .execute(params![connector.to_string(), reason.code()])?;
            if *reason == Reason::Quarantined {
                standing::end(db, connector, standing::QUARANTINE)?;
            }
        }
        Fact::Quarantined { quarantine } => {
            db.prepare_cached(
                "INSERT OR REPLACE INTO holds (connector, reason, detail, at) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                quarantine.connector.to_string(),
                Reason::Quarantined.code(),
                quarantine.told(),
                micros(record.at)
            ])?;
            standing::put(
                db,
                &quarantine.connector,
                standing::QUARANTINE,
                record.at,
                quarantine,
            )?;
        }
        Fact::BrakeEngaged { engaged } => {
            let what = standing::brake(engaged.brake);
            standing::put(db, &engaged.connector, &what, record.at, engaged)?;
        }
        Fact::BrakeApproved { approval } => {
            let (connector, kind) = (&approval.connector, approval.brake);
            standing::end(db, connector, &standing::brake(kind))?;
            standing::put(
                db,
                connector,
                &standing::approval(kind),
                record.at,
                approval,
            )?;
        }
        Fact::BrakeRejected {
            connector, brake, ..
        } => {
            standing::end(db, connector, &standing::brake(*brake))?;
            standing::end(db, connector, &standing::approval(*brake))?;
        }
        Fact::Compacted { .. } => retain::told(db)?,
        Fact::LimitLearnt { connector, limit } => {
            standing::put(db, connector, standing::LIMIT, record.at, limit)?;
        }
    }
    Ok(())
}

fn flow_bytes(flow: Option<FlowId>) -> Option<[u8; 16]> {
    flow.map(|flow| *flow.0.as_bytes())
}

fn insert_operation(
    db: &Connection,
    context: &Context,
    record: &Record,
    queued: &Queued,
) -> Result<(), JournalError> {
    let started = context.started.get(&queued.operation);
    let state = match (legal(record)?.to.state(), started) {
        (State::Queued, Some(_)) => State::InFlight,
        (_, Some(_)) => return Err(illegal(Some(State::Held), record)),
        (state, None) => state,
    };
    let (body_seq, nth, undoes) = match &queued.cause {
        Cause::Decision(nth) => {
            let at = context
                .decided
                .get(&queued.trigger)
                .copied()
                .ok_or_else(|| JournalError::Store {
                    told: format!(
                        "no decision of trigger {} in the same batch",
                        queued.trigger
                    ),
                })?;
            (at, Some(i64::try_from(*nth).unwrap_or(i64::MAX)), None)
        }
        Cause::Undoes { operation, .. } => (record.seq, None, Some(*operation.0.as_bytes())),
        Cause::MemberLinked { .. } => (record.seq, None, None),
    };
    db.prepare_cached(
        "INSERT INTO operations (seq, id, flow, trigger_id, connector, object, local, name, remote_key, verb,
            blocking, undoes, body_seq, nth, queued_at, state, reason, attempts, first_started)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
    )?
    .execute(params![
        signed(record.seq),
        queued.operation.0.as_bytes(),
        flow_bytes(record.flow),
        queued.trigger.0.as_bytes(),
        queued.connector.to_string(),
        code::object_code(queued.local.object()),
        queued.local.uuid().as_bytes(),
        queued.name.to_string(),
        key(&queued.remote_name),
        code::verb_code(queued.verb),
        queued.blocking,
        undoes,
        signed(body_seq),
        nth,
        micros(record.at),
        code::state_code(state),
        queued.held.map(domain::Reason::code),
        started.copied().unwrap_or(0),
        started.map(|_| micros(record.at)),
    ])?;
    Ok(())
}

fn legal(record: &Record) -> Result<Move, JournalError> {
    match Move::of(&record.fact) {
        Some(step) if step.to_is_legal() => Ok(step),
        _ => Err(illegal(None, record)),
    }
}

fn illegal(before: Option<crate::State>, record: &Record) -> JournalError {
    JournalError::Illegal(IllegalFact {
        before,
        fact: record.fact.word(),
        operation: record.fact.moves(),
    })
}

/// Moves an operation along its lifecycle; the condition on the state before is part of the statement.
fn move_operation(db: &Connection, record: &Record) -> Result<(), JournalError> {
    let step = legal(record)?;
    let Some(id) = record.fact.moves() else {
        return Err(illegal(None, record));
    };
    let none = Doubt::NONE;
    let (attempts, started, doubt, told) = match &record.fact {
        Fact::AttemptStarted { number, .. } => {
            (i64::from(*number), Some(micros(record.at)), none, None)
        }
        Fact::AttemptFailed {
            number, failure, ..
        } => (
            i64::from(*number),
            None,
            Doubt::left_by(failure),
            Some(failure.to_string()),
        ),
        Fact::OperationDead { death, .. } => {
            let doubt = death.failure.as_ref().map_or(none, Doubt::left_by);
            (0, None, doubt, Some(death.told.clone()))
        }
        Fact::Settled {
            outcome: Settlement::Nothing { detail, .. },
            ..
        } => (0, None, none, Some(detail.clone())),
        Fact::Discarded { why, .. } => (0, None, none, Some(why.clone())),
        _ => (0, None, none, None),
    };
    let is_resolved =
        matches!(&record.fact, Fact::Asked { answer, .. } if Doubt::is_ended_by(answer));
    let reason = match step.to {
        crate::Life::Held { reason } => Some(reason.code()),
        _ => None,
    };
    let moved = db
        .prepare_cached(
            "UPDATE operations SET state = ?2, due = ?3, reason = ?4, attempts = max(attempts, ?5),
                first_started = coalesce(first_started, ?6), unsure = CASE WHEN ?11 THEN 0 ELSE unsure | ?7 END, ended_at = ?8,
                last_error = coalesce(?9, last_error)
             WHERE id = ?1 AND ((1 << state) & ?10) <> 0",
        )?
        .execute(params![
            id.0.as_bytes(),
            code::state_code(step.to.state()),
            step.to.due().map(micros),
            reason,
            attempts,
            started,
            doubt.code(),
            (!step.to.is_open()).then_some(micros(record.at)),
            told,
            code::mask(step.from),
            is_resolved,
        ])?;
    if moved == 1 {
        return Ok(());
    }
    let before: Option<i64> = db
        .prepare_cached("SELECT state FROM operations WHERE id = ?1")?
        .query_row([id.0.as_bytes()], |row| row.get(0))
        .optional()?;
    Err(illegal(before.map(code::state), record))
}

/// Puts a link in place of what was there; the whole of it stands in the fact.
fn put_link(db: &Connection, link: &Link, seq: u64) -> Result<(), JournalError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO links (connector, local, object, remote_id, remote_key, body, active)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        link.connector.to_string(),
        link.local.uuid().as_bytes(),
        code::object_code(link.local.object()),
        link.remote_id.0,
        key(&link.remote_name),
        pack::refer(seq, 0),
        link.active && !link.gone,
    ])?;
    Ok(())
}

/// Makes one change; `seq` and `nth` say where it stands.
fn change_directory(
    db: &Connection,
    change: &DirectoryChange,
    seq: u64,
    nth: usize,
) -> Result<(), JournalError> {
    match change {
        DirectoryChange::UserPut(user) => put_user(db, user, &pack::refer(seq, nth))?,
        DirectoryChange::UserRemoved(user) => {
            db.prepare_cached("DELETE FROM users WHERE id = ?1")?
                .execute([user.0.as_bytes()])?;
            db.prepare_cached("DELETE FROM memberships WHERE member = ?1")?
                .execute([user.0.as_bytes()])?;
        }
        DirectoryChange::GroupPut { id, name } => {
            db.prepare_cached(
                "INSERT INTO groups (id, store, key, name) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET store = ?2, key = ?3, name = ?4",
            )?
            .execute(params![
                id.0.as_bytes(),
                name.store.as_str(),
                key(&name.name),
                name.name
            ])?;
        }
        DirectoryChange::GroupRemoved(group) => {
            db.prepare_cached("DELETE FROM groups WHERE id = ?1")?
                .execute([group.0.as_bytes()])?;
            db.prepare_cached("DELETE FROM memberships WHERE grp = ?1")?
                .execute([group.0.as_bytes()])?;
        }
        DirectoryChange::MembersChanged {
            group,
            added,
            removed,
        } => {
            // A member or group that went meanwhile is not brought back by an older change.
            let mut add = db.prepare_cached(
                "INSERT OR IGNORE INTO memberships (member, grp)
                 SELECT u.id, g.id FROM users u, groups g WHERE u.id = ?1 AND g.id = ?2",
            )?;
            for member in added {
                add.execute([member.0.as_bytes(), group.0.as_bytes()])?;
            }
            let mut remove =
                db.prepare_cached("DELETE FROM memberships WHERE member = ?1 AND grp = ?2")?;
            for member in removed {
                remove.execute([member.0.as_bytes(), group.0.as_bytes()])?;
            }
        }
        DirectoryChange::RolePut(role) => put_role(db, role)?,
        DirectoryChange::RoleRenamed { role, to } => {
            remove_role(db, role)?;
            put_role(db, to)?;
        }
        DirectoryChange::RoleRemoved(role) => remove_role(db, role)?,
    }
    Ok(())
}

fn put_role(db: &Connection, role: &RoleName) -> Result<(), JournalError> {
    db.prepare_cached("INSERT OR IGNORE INTO roles (name) VALUES (?1)")?
        .execute([role.as_str()])?;
    Ok(())
}

fn remove_role(db: &Connection, role: &RoleName) -> Result<(), JournalError> {
    db.prepare_cached("DELETE FROM roles WHERE name = ?1")?
        .execute([role.as_str()])?;
    Ok(())
}

fn put_user(db: &Connection, user: &User, body: &[u8]) -> Result<(), JournalError> {
    db.prepare_cached(
        "INSERT INTO users (id, store, key, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET store = ?2, key = ?3, body = ?4",
    )?
    .execute(params![
        user.id.0.as_bytes(),
        user.name.store.as_str(),
        key(&user.name.name),
        body,
    ])?;
    Ok(())
}
