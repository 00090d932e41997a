//! What stands at a connector until something ends it: written by the fold, read at the start and by whoever shows it.

use std::time::Duration;

use domain::{Brake, ConnectorRef, OperationId, Reason};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::code::{self, instant, micros};
use super::work::Open;
use super::{JournalError, Reader};
use crate::{
    Approval, Culprit, Death, EngagedBrake, Fact, LearntLimit, Quarantine, Record, Settlement,
};

/// The limit that was learnt of the target.
pub(super) const LIMIT: &str = "limit";

/// The quarantine that the connector is in.
pub(super) const QUARANTINE: &str = "quarantine";

/// How many ends of links were removed there that no fact tells of yet, as a decimal number.
pub(super) const ENDS_REMOVED: &str = "ends-removed";

/// The brake that has engaged for a kind.
pub(super) fn brake(kind: Brake) -> String {
    format!("brake/{kind}")
}

/// The newest approval for a kind.
pub(super) fn approval(kind: Brake) -> String {
    format!("approval/{kind}")
}

/// What was taken away, as a brake counts it.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) connector: ConnectorRef,
    pub(crate) brake: Brake,
    pub(crate) at: Timestamp,
    pub(crate) amount: u32,
}

/// How many facts are looked back on for what failed lately, and how many results are taken from them.
const LOOKED_BACK: i64 = 20_000;
const RESULTS: i64 = 2000;

/// Puts something in the place of what stood there.
pub(super) fn put<T: Serialize>(
    db: &Connection,
    connector: &ConnectorRef,
    what: &str,
    at: Timestamp,
    body: &T,
) -> Result<(), JournalError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO standing (connector, what, at, body) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        connector.to_string(),
        what,
        micros(at),
        code::json(body)?
    ])?;
    Ok(())
}

/// Ends what stands there.
pub(super) fn end(
    db: &Connection,
    connector: &ConnectorRef,
    what: &str,
) -> Result<(), JournalError> {
    db.prepare_cached("DELETE FROM standing WHERE connector = ?1 AND what = ?2")?
        .execute(params![connector.to_string(), what])?;
    Ok(())
}

/// A result as the wards count it: the connector, when, the failure if it was one, the operation.
pub(crate) type Outcome = (ConnectorRef, Timestamp, Option<Culprit>, OperationId);

impl Reader {
    /// Returns the connectors that are left alone, with those who brought it about.
    pub fn quarantines(&self) -> Result<Vec<Quarantine>, JournalError> {
        let standing = self.stands(QUARANTINE)?;
        Ok(standing.into_iter().map(|(_, _, body)| body).collect())
    }

    /// Returns the newest results, the oldest first; of a connector that was released, those since then.
    pub(crate) fn outcomes(&self, now: Timestamp) -> Result<Vec<Outcome>, JournalError> {
        // Nobody looks back longer than a day.
        let oldest = before(now, Duration::from_hours(24));
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT seq, at, flow, format, body FROM facts
                 WHERE seq > (SELECT coalesce(max(seq), 0) FROM facts) - ?1 AND at >= ?2
                    AND kind IN ('', 'settled', 'attempt-failed', 'operation-dead', 'connector-released')
                 ORDER BY seq DESC LIMIT ?3",
            )?;
            let rows = statement.query(params![LOOKED_BACK, micros(oldest), RESULTS])?;
            let mut records = super::read::collect(rows)?;
            records.sort_by_key(|record| std::cmp::Reverse(record.seq));
            let mut begun_anew: Vec<ConnectorRef> = Vec::new();
            let mut out = Vec::new();
            for Record { at, fact, .. } in records {
                let (operation, attempt, failure) = match fact {
                    Fact::ConnectorReleased {
                        connector,
                        reason: Reason::Quarantined,
                        ..
                    } => {
                        begun_anew.push(connector);
                        continue;
                    }
                    Fact::Settled {
                        operation,
                        attempts,
                        outcome: Settlement::Confirmed(_),
                    } => (operation, attempts, None),
                    Fact::AttemptFailed {
                        operation,
                        number,
                        failure,
                        ..
                    } => (operation, number, Some(failure)),
                    Fact::OperationDead { operation, death } if death.failure.is_some() => {
                        (operation, 0, death.failure)
                    }
                    _ => continue,
                };
                let Some(head) = super::work::head(db, operation)? else {
                    continue;
                };
                if begun_anew.contains(&head.connector) {
                    continue;
                }
                let culprit = match failure {
                    None => None,
                    Some(failure) => Some(Culprit {
                        operation,
                        flow: head.flow,
                        name: head.name,
                        verb: super::work::planned(db, operation)?
                            .map_or(domain::Verb::Update, |planned| planned.verb),
                        attempt: attempt.max(head.attempts.min(1)),
                        at,
                        failure,
                    }),
                };
                out.push((head.connector, at, culprit, operation));
            }
            out.reverse();
            Ok(out)
        })
    }

    /// Returns when and why an operation last failed for good.
    pub(crate) fn death_of(
        &self,
        operation: OperationId,
    ) -> Result<Option<(Timestamp, Death)>, JournalError> {
        self.with(|db| death_of(db, operation))
    }

    /// Returns the operations of a connector that failed for good since a time, the oldest first, and why.
    pub(crate) fn died_since(
        &self,
        connector: &ConnectorRef,
        since: Timestamp,
    ) -> Result<Vec<(OperationId, Death)>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id FROM operations WHERE state = 6 AND connector = ?1 AND ended_at >= ?2 ORDER BY seq",
            )?;
            let mut rows = statement.query(params![connector.to_string(), micros(since)])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let id = OperationId(code::uuid(&row.get::<_, [u8; 16]>(0)?)?);
                if let Some((_, death)) = death_of(db, id)? {
                    out.push((id, death));
                }
            }
            Ok(out)
        })
    }

    /// Returns the brakes that have engaged.
    pub fn brakes(&self) -> Result<Vec<EngagedBrake>, JournalError> {
        let brakes = self.brakes_with_time()?;
        Ok(brakes.into_iter().map(|(_, engaged)| engaged).collect())
    }

    /// Returns the newest approval of each connector and kind, whether it has expired or not.
    pub fn approvals(&self) -> Result<Vec<Approval>, JournalError> {
        let approvals = self.approvals_with_time()?;
        Ok(approvals
            .into_iter()
            .map(|(_, approval)| approval)
            .collect())
    }

    pub(crate) fn brakes_with_time(&self) -> Result<Vec<(Timestamp, EngagedBrake)>, JournalError> {
        let mut out = Vec::new();
        for kind in Brake::ALL {
            let standing = self.stands(&brake(kind))?;
            out.extend(standing.into_iter().map(|(_, at, body)| (at, body)));
        }
        Ok(out)
    }

    pub(crate) fn approvals_with_time(&self) -> Result<Vec<(Timestamp, Approval)>, JournalError> {
        let mut out = Vec::new();
        for kind in Brake::ALL {
            let standing = self.stands(&approval(kind))?;
            out.extend(standing.into_iter().map(|(_, at, body)| (at, body)));
        }
        Ok(out)
    }

    /// Returns what was decided to be taken away within a time, the oldest first, but for what a brake keeps, what was
    /// given up and what only undoes something. `counts` says whether what was decided at a moment is counted still.
    pub(crate) fn taken_since(
        &self,
        now: Timestamp,
        window: Duration,
        counts: impl Fn(&ConnectorRef, Timestamp) -> bool,
    ) -> Result<Vec<Taken>, JournalError> {
        self.at_once(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id, connector, queued_at FROM operations
                 WHERE (verb = 2 OR object = 1) AND queued_at >= ?1 AND undoes IS NULL AND state <> 7
                    AND (state <> 4 OR reason <> 'brake-engaged')
                 ORDER BY queued_at",
            )?;
            let mut rows = statement.query([micros(before(now, window))])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let connector = code::connector(&row.get::<_, String>(1)?)?;
                let at = instant(row.get(2)?);
                if !counts(&connector, at) {
                    continue;
                }
                let id = OperationId(code::uuid(&row.get::<_, [u8; 16]>(0)?)?);
                out.extend(taken(db, id, connector, at)?);
            }
            Ok(out)
        })
    }

    /// Returns what was released within a time and takes something away, the oldest first; but for what is kept again or
    /// was given up, and what only undoes something. `counts` says whether what was queued at a moment is counted anew
    /// when it is released at another.
    pub(crate) fn released_since(
        &self,
        now: Timestamp,
        window: Duration,
        counts: impl Fn(&ConnectorRef, Timestamp, Timestamp) -> bool,
    ) -> Result<Vec<Taken>, JournalError> {
        let oldest = micros(before(now, window));
        self.at_once(|db| {
            // By their kind alone: there may be millions of them, and few release something.
            let mut walk = db
                .prepare_cached("SELECT seq, at, kind = 'released' FROM facts ORDER BY seq DESC")?;
            let mut rows = walk.query([])?;
            let mut released: Vec<i64> = Vec::new();
            while let Some(row) = rows.next()? {
                if row.get::<_, i64>(1)? < oldest {
                    break;
                }
                if row.get(2)? {
                    released.push(row.get(0)?);
                }
            }
            drop(rows);
            let mut written =
                db.prepare_cached("SELECT seq, at, flow, format, body FROM facts WHERE seq = ?1")?;
            let mut taking = db.prepare_cached(
                "SELECT connector, queued_at FROM operations
                 WHERE id = ?1 AND (verb = 2 OR object = 1) AND undoes IS NULL AND state <> 7
                    AND (state <> 4 OR reason <> 'brake-engaged')",
            )?;
            let mut out = Vec::new();
            for seq in released.into_iter().rev() {
                for Record { at, fact, .. } in super::read::collect(written.query([seq])?)? {
                    let Fact::Released { operation, .. } = fact else {
                        continue;
                    };
                    let mut rows = taking.query([operation.0.as_bytes()])?;
                    let Some(row) = rows.next()? else { continue };
                    let connector = code::connector(&row.get::<_, String>(0)?)?;
                    if counts(&connector, instant(row.get(1)?), at) {
                        out.extend(taken(db, operation, connector, at)?);
                    }
                }
            }
            Ok(out)
        })
    }

    /// Returns when an operation was queued that may take something away; `None` when it cannot.
    pub(crate) fn taking_since(
        &self,
        operation: OperationId,
    ) -> Result<Option<Timestamp>, JournalError> {
        self.with(|db| {
            let queued: Option<i64> = db
                .prepare_cached(
                    "SELECT queued_at FROM operations WHERE id = ?1 AND (verb = 2 OR object = 1)",
                )?
                .query_row([operation.0.as_bytes()], |row| row.get(0))
                .optional()?;
            Ok(queued.map(instant))
        })
    }

    /// Returns how many accounts a connector has, those included that were taken away within a time.
    ///
    /// Walks all links of the connector: asked for once in a while only.
    pub(crate) fn accounts(
        &self,
        connector: &ConnectorRef,
        now: Timestamp,
        window: Duration,
    ) -> Result<u64, JournalError> {
        self.at_once(|db| {
            let there: i64 = db
                .prepare_cached(
                    "SELECT count(*) FROM links WHERE connector = ?1 AND object = 0 AND active",
                )?
                .query_row([connector.to_string()], |row| row.get(0))?;
            // What an older program wrote says it in its body only.
            let mut statement = db.prepare_cached(
                "SELECT body FROM links WHERE connector = ?1 AND object = 0 AND active IS NULL",
            )?;
            let older: Vec<domain::Link> =
                super::read::brought(db, statement.query([connector.to_string()])?)?;
            let older = older.iter().filter(|link| link.active && !link.gone);
            let gone: i64 = db
                .prepare_cached(
                    "SELECT count(*) FROM operations
                     WHERE (verb = 2 OR object = 1) AND verb = 2 AND object = 0 AND queued_at >= ?1
                        AND connector = ?2 AND state = 5 AND undoes IS NULL",
                )?
                .query_row(
                    params![micros(before(now, window)), connector.to_string()],
                    |row| row.get(0),
                )?;
            Ok(older.count() as u64 + code::unsigned(there) + code::unsigned(gone))
        })
    }

    /// Returns the connectors with operations that a brake keeps.
    pub(crate) fn braked_connectors(&self) -> Result<Vec<ConnectorRef>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT DISTINCT connector FROM operations WHERE state = 4 AND reason = 'brake-engaged'",
            )?;
            let mut rows = statement.query([])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(code::connector(&row.get::<_, String>(0)?)?);
            }
            Ok(out)
        })
    }

    /// Returns the operations that a connector keeps for a reason, a page at a time.
    pub(crate) fn held_for(
        &self,
        connector: &ConnectorRef,
        reason: Reason,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Open>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id FROM operations
                 WHERE state = 4 AND seq > ?1 AND connector = ?2 AND reason = ?3 ORDER BY seq LIMIT ?4",
            )?;
            let mut rows = statement.query(params![
                code::signed(after),
                connector.to_string(),
                reason.code(),
                i64::try_from(limit).unwrap_or(i64::MAX)
            ])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let id = OperationId(code::uuid(&row.get::<_, [u8; 16]>(0)?)?);
                out.extend(super::work::head(db, id)?);
            }
            Ok(out)
        })
    }

    /// Returns the limits that were learnt of targets, with the time of each.
    pub fn learnt_limits(
        &self,
    ) -> Result<Vec<(ConnectorRef, Timestamp, LearntLimit)>, JournalError> {
        self.stands(LIMIT)
    }

    /// Returns what stands under a name at all connectors.
    pub(super) fn stands<T: DeserializeOwned>(
        &self,
        what: &str,
    ) -> Result<Vec<(ConnectorRef, Timestamp, T)>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT connector, at, body FROM standing WHERE what = ?1 ORDER BY connector",
            )?;
            let mut rows = statement.query([what])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let body = row.get_ref(2)?.as_blob().unwrap_or(&[]);
                let body = serde_json::from_slice(body).map_err(|error| JournalError::Store {
                    told: format!("what stands as {what} cannot be read: {error}"),
                })?;
                out.push((
                    code::connector(&row.get::<_, String>(0)?)?,
                    instant(row.get(1)?),
                    body,
                ));
            }
            Ok(out)
        })
    }
}

fn before(now: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time)
        .ok()
        .and_then(|time| now.checked_sub(time).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Returns what an operation takes away that is counted at a moment; `None` when it takes nothing away.
fn taken(
    db: &Connection,
    operation: OperationId,
    connector: ConnectorRef,
    at: Timestamp,
) -> Result<Option<Taken>, JournalError> {
    let planned = super::work::planned(db, operation)?;
    let taken = planned.as_ref().and_then(Brake::of);
    Ok(taken.map(|(brake, amount)| Taken {
        connector,
        brake,
        at,
        amount,
    }))
}

/// Returns when and why an operation last failed for good.
fn death_of(
    db: &Connection,
    operation: OperationId,
) -> Result<Option<(Timestamp, Death)>, JournalError> {
    let mut statement = db.prepare_cached(
        "SELECT seq, at, flow, format, body FROM facts
         WHERE flow = (SELECT flow FROM operations WHERE id = ?1) AND kind IN ('', 'operation-dead')
         ORDER BY seq",
    )?;
    let records = super::read::collect(statement.query([operation.0.as_bytes()])?)?;
    for record in records.into_iter().rev() {
        if let Fact::OperationDead {
            operation: dead,
            death,
        } = record.fact
            && dead == operation
        {
            return Ok(Some((record.at, death)));
        }
    }
    Ok(None)
}
