//! What reconciling leaves behind and builds on: differences that were found, accounts without a link, links that ended;
//! and how far a comparison has come that is to be gone on with.

use std::collections::HashSet;

use domain::{
    Condition, ConnectorRef, Divergence, Link, LocalRef, Object, Orphan, RemoteId, RunId,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::Serialize;

use super::code::{self, instant, micros};
use super::{JournalError, Reader, pack};
use crate::reconcile::{Tally, Unfinished};
use crate::{Fact, Record, State};

/// The tables that came with reconciling.
const TABLES: &str = "
CREATE TABLE former_links (
    connector TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    object INTEGER NOT NULL,
    local BLOB NOT NULL,
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (connector, remote_id, object)
) STRICT, WITHOUT ROWID;

CREATE TABLE drifts (
    local BLOB NOT NULL,
    connector TEXT NOT NULL,
    run BLOB NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (local, connector)
) STRICT, WITHOUT ROWID;
CREATE INDEX drifts_by_connector ON drifts (connector, local);

CREATE TABLE orphans (
    connector TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    object INTEGER NOT NULL,
    run BLOB NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (connector, remote_id, object)
) STRICT, WITHOUT ROWID;

CREATE TABLE reconciles (
    connector TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Makes the tables, and notes the links that ended before there were any.
pub(super) fn introduce(db: &Transaction<'_>) -> Result<(), JournalError> {
    db.execute_batch(TABLES)?;
    let mut statement =
        db.prepare("SELECT seq, at, format, body FROM facts WHERE kind = 'unlinked' ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(3)?.as_blob().unwrap_or(&[]);
        let facts = pack::facts(row.get(0)?, row.get(2)?, body)?;
        if let Some(Fact::Unlinked { link }) = facts.into_iter().next() {
            ended(db, instant(row.get(1)?), &link)?;
        }
    }
    Ok(())
}

/// A difference that the last comparison found and that nobody has decided about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftView {
    /// When it was found.
    pub at: Timestamp,
    /// What was found.
    #[serde(flatten)]
    pub divergence: Divergence,
}

/// How the last comparison of a connector ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReconcileView {
    /// The connector.
    pub connector: ConnectorRef,
    /// When it ended.
    pub at: Timestamp,
    /// What it counted.
    #[serde(flatten)]
    pub tally: Tally,
}

/// How far a comparison has come: committed with what it has found until there, and gone when it ends.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) unfinished: Unfinished,
    /// Whose accounts were seen since the note before, all of the kind that is being read.
    pub(crate) seen: Vec<LocalRef>,
    /// Whether it has come further since the note before: how long it stands still counts from the last that has.
    pub(crate) has_gone_on: bool,
}

/// What a comparison has found so far that nobody has decided about.
#[derive(Debug, Default)]
pub(crate) struct FoundSoFar {
    pub(crate) differing: u64,
    pub(crate) missing: u64,
    pub(crate) unwanted: u64,
    pub(crate) ours: u64,
    /// The first of them.
    pub(crate) divergences: Vec<Divergence>,
    /// The first of them.
    pub(crate) orphans: Vec<Orphan>,
}

/// What the journal knows of one lane when its account is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LaneState {
    /// Whether an operation is owed.
    pub(crate) is_open: bool,
    /// When the newest operation that was done ended.
    pub(crate) last_done: Option<Timestamp>,
}

/// Folds a fact that reconciling writes.
pub(super) fn fold(db: &Connection, record: &Record) -> Result<(), JournalError> {
    let at = micros(record.at);
    match &record.fact {
        Fact::ReconcileStarted { run, connector, .. } => {
            forget_unless(db, &connector.to_string(), Some(*run))?;
        }
        Fact::DriftFound { run, divergence } => {
            db.prepare_cached(
                "INSERT OR REPLACE INTO drifts (local, connector, run, at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                divergence.local.uuid().as_bytes(),
                divergence.connector.to_string(),
                run.0.as_bytes(),
                at,
                code::json(divergence)?,
            ])?;
        }
        Fact::DriftCleared { connector, local } => forget(db, connector, *local)?,
        Fact::DriftResolved {
            connector,
            local,
            fields,
            ..
        } => resolve(db, connector, *local, fields)?,
        Fact::OrphanFound { run, orphan } => {
            db.prepare_cached(
                "INSERT OR REPLACE INTO orphans (connector, remote_id, object, run, at, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                orphan.connector.to_string(),
                orphan.remote_id.0,
                code::object_code(orphan.object),
                run.0.as_bytes(),
                at,
                code::json(orphan)?,
            ])?;
        }
        Fact::OrphanCleared {
            connector,
            object,
            remote_id,
        } => forget_orphan(db, connector, *object, remote_id)?,
        Fact::OrphanResolved { orphan, .. } => {
            forget_orphan(db, &orphan.connector, orphan.object, &orphan.remote_id)?;
        }
        Fact::ReconcileEnded {
            run,
            connector,
            tally,
        } => {
            let connector = connector.to_string();
            // What was not read again says nothing of what was found before.
            if tally.not_read.is_none() {
                for table in ["drifts", "orphans"] {
                    db.prepare_cached(&format!(
                        "DELETE FROM {table} WHERE connector = ?1 AND run <> ?2"
                    ))?
                    .execute(params![connector, run.0.as_bytes()])?;
                }
            }
            if !tally.goes_on {
                forget_unless(db, &connector, None)?;
            }
            db.prepare_cached(
                "INSERT OR REPLACE INTO reconciles (connector, at, body) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![connector, at, code::json(tally)?])?;
        }
        _ => {}
    }
    Ok(())
}

/// Remembers a link that ended: the proof that its account came from here.
pub(super) fn ended(db: &Connection, at: Timestamp, link: &Link) -> Result<(), JournalError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO former_links (connector, remote_id, object, local, ended_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        link.connector.to_string(),
        link.remote_id.0,
        code::object_code(link.local.object()),
        link.local.uuid().as_bytes(),
        micros(at),
    ])?;
    Ok(())
}

/// Forgets the difference of an account.
pub(super) fn forget(
    db: &Connection,
    connector: &ConnectorRef,
    local: LocalRef,
) -> Result<(), JournalError> {
    db.prepare_cached("DELETE FROM drifts WHERE local = ?1 AND connector = ?2")?
        .execute(params![local.uuid().as_bytes(), connector.to_string()])?;
    Ok(())
}

fn forget_orphan(
    db: &Connection,
    connector: &ConnectorRef,
    object: Object,
    remote: &RemoteId,
) -> Result<(), JournalError> {
    db.prepare_cached(
        "DELETE FROM orphans WHERE connector = ?1 AND remote_id = ?2 AND object = ?3",
    )?
    .execute(params![
        connector.to_string(),
        remote.0,
        code::object_code(object)
    ])?;
    Ok(())
}

/// Forgets how far the comparison of a connector has come, unless it is this one.
fn forget_unless(db: &Connection, connector: &str, run: Option<RunId>) -> Result<(), JournalError> {
    let run = run.map(|run| run.0.into_bytes());
    for table in ["unfinished_reconciles", "reconcile_seen"] {
        db.prepare_cached(&format!(
            "DELETE FROM {table} WHERE connector = ?1 AND run IS NOT ?2"
        ))?
        .execute(params![connector, run])?;
    }
    Ok(())
}

/// Forgets how far comparisons have come that stand there since before an instant.
pub(super) fn forget_unfinished(db: &Connection, before: Timestamp) -> Result<(), JournalError> {
    db.prepare_cached(
        "DELETE FROM reconcile_seen WHERE connector IN
            (SELECT connector FROM unfinished_reconciles WHERE at < ?1)",
    )?
    .execute([micros(before)])?;
    db.prepare_cached("DELETE FROM unfinished_reconciles WHERE at < ?1")?
        .execute([micros(before)])?;
    Ok(())
}

/// Writes down how far a comparison has come.
pub(super) fn keep(db: &Connection, at: Timestamp, note: &Note) -> Result<(), JournalError> {
    let Note {
        unfinished,
        seen,
        has_gone_on,
    } = note;
    let connector = unfinished.connector.to_string();
    let run = unfinished.run.0.as_bytes();
    if *has_gone_on {
        db.prepare_cached(
            "INSERT OR REPLACE INTO unfinished_reconciles (connector, run, at, body) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![connector, run, micros(at), code::json(unfinished)?])?;
    } else {
        db.prepare_cached(
            "UPDATE unfinished_reconciles SET body = ?3 WHERE connector = ?1 AND run = ?2",
        )?
        .execute(params![connector, run, code::json(unfinished)?])?;
    }
    if !seen.is_empty() {
        let locals: Vec<u8> = seen
            .iter()
            .flat_map(|local| local.uuid().into_bytes())
            .collect();
        let object = code::object_code(unfinished.object);
        db.prepare_cached(
            "INSERT INTO reconcile_seen (connector, run, object, locals) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![connector, run, object, locals])?;
    }
    Ok(())
}

/// Takes the decided fields out of a difference; without fields, the whole of it.
fn resolve(
    db: &Connection,
    connector: &ConnectorRef,
    local: LocalRef,
    decided: &[String],
) -> Result<(), JournalError> {
    let Some(mut found) = drift(db, connector, local)? else {
        return Ok(());
    };
    if let domain::Condition::Differs { fields } = &mut found.divergence.condition {
        fields.retain(|field| !decided.contains(&field.field));
        if !fields.is_empty() {
            db.prepare_cached("UPDATE drifts SET body = ?3 WHERE local = ?1 AND connector = ?2")?
                .execute(params![
                    local.uuid().as_bytes(),
                    connector.to_string(),
                    code::json(&found.divergence)?
                ])?;
            return Ok(());
        }
    }
    forget(db, connector, local)
}

fn drift(
    db: &Connection,
    connector: &ConnectorRef,
    local: LocalRef,
) -> Result<Option<DriftView>, JournalError> {
    let mut statement =
        db.prepare_cached("SELECT at, body FROM drifts WHERE local = ?1 AND connector = ?2")?;
    let mut rows = statement.query(params![local.uuid().as_bytes(), connector.to_string()])?;
    match rows.next()? {
        Some(row) => Ok(Some(DriftView {
            at: instant(row.get(0)?),
            divergence: body(row.get_ref(1)?)?,
        })),
        None => Ok(None),
    }
}

fn body<T: serde::de::DeserializeOwned>(
    value: rusqlite::types::ValueRef<'_>,
) -> Result<T, JournalError> {
    pack::unpack(value.as_blob().unwrap_or(&[]))
}

impl Reader {
    /// Returns the differences that were found and not decided about, by connector and local id, after one of them.
    pub fn drifts(
        &self,
        connector: Option<&ConnectorRef>,
        after: Option<(&ConnectorRef, LocalRef)>,
        limit: usize,
    ) -> Result<Vec<DriftView>, JournalError> {
        self.with(|db| {
            let only = connector.map(ToString::to_string);
            let from = after.map_or_else(String::new, |(connector, _)| connector.to_string());
            let local = after.map_or([0; 16], |(_, local)| *local.uuid().as_bytes());
            let mut statement = db.prepare_cached(
                "SELECT at, body FROM drifts WHERE (?1 IS NULL OR connector = ?1) AND (connector, local) > (?2, ?3)
                 ORDER BY connector, local LIMIT ?4",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![only, from, local, limit])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(DriftView {
                    at: instant(row.get(0)?),
                    divergence: body(row.get_ref(1)?)?,
                });
            }
            Ok(out)
        })
    }

    /// Returns the difference of one account, when one was found and not decided about.
    pub fn drift(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
    ) -> Result<Option<DriftView>, JournalError> {
        self.with(|db| drift(db, connector, local))
    }

    /// Returns the accounts of ours without a link that were found.
    pub fn orphans(&self, connector: Option<&ConnectorRef>) -> Result<Vec<Orphan>, JournalError> {
        self.with(|db| {
            let only = connector.map(ToString::to_string);
            let mut statement = db.prepare_cached(
                "SELECT body FROM orphans WHERE ?1 IS NULL OR connector = ?1 ORDER BY connector, remote_id",
            )?;
            super::read::bodies(statement.query([only])?)
        })
    }

    /// Returns the accounts of ours of one kind without a link that were found, each with the comparison that found it.
    pub(crate) fn orphans_by_run(
        &self,
        connector: &ConnectorRef,
        object: Object,
    ) -> Result<Vec<(RunId, Orphan)>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT run, body FROM orphans WHERE connector = ?1 AND object = ?2 ORDER BY remote_id",
            )?;
            let mut rows =
                statement.query(params![connector.to_string(), code::object_code(object)])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let run = RunId(code::uuid(&row.get::<_, [u8; 16]>(0)?)?);
                out.push((run, body(row.get_ref(1)?)?));
            }
            Ok(out)
        })
    }

    /// Tells whether an account is known as one of ours without a link.
    pub(crate) fn is_orphan(
        &self,
        connector: &ConnectorRef,
        remote: &RemoteId,
        object: Object,
    ) -> Result<bool, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT 1 FROM orphans WHERE connector = ?1 AND remote_id = ?2 AND object = ?3",
            )?;
            let object = code::object_code(object);
            Ok(statement.exists(params![connector.to_string(), remote.0, object])?)
        })
    }

    /// Returns how far the comparison of a connector has come that did not come to its end, and since when.
    pub(crate) fn unfinished(
        &self,
        connector: &ConnectorRef,
    ) -> Result<Option<(Timestamp, Unfinished)>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT at, body FROM unfinished_reconciles WHERE connector = ?1",
            )?;
            let mut rows = statement.query([connector.to_string()])?;
            match rows.next()? {
                Some(row) => Ok(Some((instant(row.get(0)?), body(row.get_ref(1)?)?))),
                None => Ok(None),
            }
        })
    }

    /// Tells whether any comparison stands where it stopped since before an instant.
    pub(crate) fn has_unfinished(&self, before: Timestamp) -> Result<bool, JournalError> {
        self.with(|db| {
            let mut statement =
                db.prepare_cached("SELECT 1 FROM unfinished_reconciles WHERE at < ?1 LIMIT 1")?;
            Ok(statement.exists([micros(before)])?)
        })
    }

    /// Returns whose accounts a comparison has seen, of the kind that it was reading.
    pub(crate) fn seen(&self, unfinished: &Unfinished) -> Result<HashSet<LocalRef>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT locals FROM reconcile_seen WHERE connector = ?1 AND run = ?2 AND object = ?3",
            )?;
            let object = code::object_code(unfinished.object);
            let mut rows = statement.query(params![
                unfinished.connector.to_string(),
                unfinished.run.0.as_bytes(),
                object
            ])?;
            let mut seen = HashSet::new();
            while let Some(row) = rows.next()? {
                for id in row.get_ref(0)?.as_blob().unwrap_or(&[]).chunks_exact(16) {
                    seen.insert(code::local(object, code::uuid(id)?));
                }
            }
            Ok(seen)
        })
    }

    /// Returns what a comparison has found so far, but for what was decided about or linked since: all of it counted, and
    /// so much of it at most.
    pub(crate) fn found_so_far(
        &self,
        unfinished: &Unfinished,
        most: usize,
    ) -> Result<FoundSoFar, JournalError> {
        self.at_once(|db| {
            let connector = unfinished.connector.to_string();
            let run = unfinished.run.0.as_bytes();
            let mut found = FoundSoFar::default();
            let mut drifts = db.prepare_cached(
                "SELECT body FROM drifts WHERE connector = ?1 AND run = ?2 ORDER BY local",
            )?;
            let mut rows = drifts.query(params![connector, run])?;
            while let Some(row) = rows.next()? {
                let divergence: Divergence = body(row.get_ref(0)?)?;
                match divergence.condition {
                    Condition::Differs { .. } => found.differing += 1,
                    Condition::Missing => found.missing += 1,
                    Condition::Unwanted { .. } => found.unwanted += 1,
                }
                if found.divergences.len() < most {
                    found.divergences.push(divergence);
                }
            }
            let mut orphans = db.prepare_cached(
                "SELECT body FROM orphans o WHERE connector = ?1 AND run = ?2 AND NOT EXISTS
                    (SELECT 1 FROM links l WHERE l.connector = o.connector AND l.remote_id = o.remote_id
                        AND l.object = o.object)
                 ORDER BY remote_id",
            )?;
            let mut rows = orphans.query(params![connector, run])?;
            while let Some(row) = rows.next()? {
                found.ours += 1;
                if found.orphans.len() < most {
                    found.orphans.push(body(row.get_ref(0)?)?);
                }
            }
            Ok(found)
        })
    }

    /// Returns how the last comparison of each connector ended.
    pub fn reconciles(&self) -> Result<Vec<ReconcileView>, JournalError> {
        self.with(|db| {
            let mut statement =
                db.prepare_cached("SELECT connector, at, body FROM reconciles ORDER BY connector")?;
            let mut rows = statement.query([])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(ReconcileView {
                    connector: code::connector(&row.get::<_, String>(0)?)?,
                    at: instant(row.get(1)?),
                    tally: body(row.get_ref(2)?)?,
                });
            }
            Ok(out)
        })
    }

    /// Returns the user or group of a kind that is linked to an account; ids of users and groups may be the same.
    pub(crate) fn linked_as(
        &self,
        connector: &ConnectorRef,
        remote: &RemoteId,
        object: Object,
    ) -> Result<Option<Link>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT body FROM links WHERE connector = ?1 AND remote_id = ?2 AND object = ?3 LIMIT 1",
            )?;
            let rows = statement.query(params![
                connector.to_string(),
                remote.0,
                code::object_code(object)
            ])?;
            let links: Vec<Link> = super::read::brought(db, rows)?;
            Ok(links.into_iter().next())
        })
    }

    /// Tells whether a request for an account of a name is under way, or may have been carried out.
    pub(crate) fn is_being_made(
        &self,
        connector: &ConnectorRef,
        name: &str,
    ) -> Result<bool, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT 1 FROM operations
                 WHERE connector = ?1 AND remote_key = ?2 AND state <= 4 AND (unsure & 1 OR state = ?3) LIMIT 1",
            )?;
            let in_flight = code::state_code(State::InFlight);
            let connector = connector.to_string();
            Ok(statement.exists(params![connector, code::key(name), in_flight])?)
        })
    }

    /// Returns who was linked to an account once, and when that ended.
    pub(crate) fn former_link(
        &self,
        connector: &ConnectorRef,
        remote: &RemoteId,
        object: Object,
    ) -> Result<Option<(LocalRef, Timestamp)>, JournalError> {
        self.with(|db| {
            let found: Option<([u8; 16], i64)> = db
                .prepare_cached(
                    "SELECT local, ended_at FROM former_links
                     WHERE connector = ?1 AND remote_id = ?2 AND object = ?3",
                )?
                .query_row(
                    params![connector.to_string(), remote.0, code::object_code(object)],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            found
                .map(|(local, at)| {
                    let local = code::local(code::object_code(object), code::uuid(&local)?);
                    Ok((local, instant(at)))
                })
                .transpose()
        })
    }

    /// Returns how a lane stands.
    pub(crate) fn lane_state(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
    ) -> Result<LaneState, JournalError> {
        self.with(|db| {
            let (open, done): (bool, Option<i64>) = db
                .prepare_cached(
                    "SELECT coalesce(max(state <= 4), 0), max(CASE WHEN state = 5 THEN ended_at END)
                     FROM operations WHERE local = ?1 AND connector = ?2",
                )?
                .query_row(
                    params![local.uuid().as_bytes(), connector.to_string()],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?;
            Ok(LaneState {
                is_open: open,
                last_done: done.map(instant),
            })
        })
    }
}
