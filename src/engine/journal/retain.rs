//! What is removed when it is old: flows in which everything has settled, the bodies of exchanges, facts of no flow.
//!
//! A reader looks for what may go, and the writer removes it in small steps, each a transaction with its own counts, so
//! that a process that dies in between leaves nothing half removed. What a step removes it looks at once more.

use std::collections::BTreeSet;

use domain::{Confirmation, FlowId, OperationId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::code::{self, instant, micros, signed, unsigned};
use super::pack::{self, Packed};
use super::work::OF_FLOW;
use super::{JournalError, Reader, reconcile, standing};
use crate::{DirectoryChange, Fact, Quarantine, Settlement};

/// What was removed from the journal because it was old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compaction {
    /// What brought it about.
    pub cause: CompactionCause,
    /// What had settled before this may be gone.
    pub before: Timestamp,
    /// Bodies of exchanges in flows that began before this may be gone.
    pub bodies_before: Timestamp,
    /// Flows that are gone.
    pub flows: u64,
    /// Operations that are gone with them.
    pub operations: u64,
    /// Exchanges that are gone, with their flows or without.
    pub exchanges: u64,
    /// Exchanges that lost their bodies.
    pub bodies: u64,
    /// Facts that are gone, of flows and of none.
    pub facts: u64,
    /// Links that had ended and tell nothing any more.
    #[serde(default)]
    pub former_links: u64,
}

impl Compaction {
    /// Tells whether nothing was removed.
    pub fn is_empty(&self) -> bool {
        self.facts == 0 && self.bodies == 0 && self.former_links == 0
    }
}

/// What has things removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CompactionCause {
    /// They are older than `[engine.retention]` keeps them.
    Age,
    /// The file is larger than `[engine.retention]` lets it become.
    Size,
    /// Somebody said so.
    ByHand,
}

/// From when on the journal is whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// What had settled before this may be gone; `None` when nothing was removed yet.
    pub since: Option<Timestamp>,
    /// Bodies of exchanges in flows that began before this may be gone.
    pub bodies_since: Option<Timestamp>,
}

impl Kept {
    /// Tells whether a flow of this id may have been removed.
    pub fn may_have_had(&self, flow: FlowId) -> bool {
        self.since
            .zip(began(flow))
            .is_some_and(|(since, began)| began < since)
    }
}

/// Returns when the flow of an id began, by the id.
fn began(flow: FlowId) -> Option<Timestamp> {
    let (seconds, nanos) = flow.0.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
}

/// How large the file is, without its log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The whole of it.
    pub file_bytes: u64,
    /// What holds something; the rest is used before the file grows.
    pub used_bytes: u64,
}

/// How much of a flow may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// Nothing.
    None,
    /// Its exchanges. The rest says how an account stands, or that a dead letter is out of date.
    Exchanges,
    /// All of it.
    All,
}

/// Flows of which something may go, and where to look on.
#[derive(Debug, Default)]
pub(crate) struct Old {
    pub(crate) flows: Vec<FlowId>,
    /// The last flow that was looked at; `None` when there are no more.
    pub(crate) next: Option<FlowId>,
}

/// A row of facts whose exchanges have lost their bodies.
#[derive(Debug)]
pub(crate) struct Bared {
    pub(crate) seq: u64,
    /// How many exchanges have lost theirs.
    pub(crate) bodies: u64,
    packed: Packed,
}

/// Exchanges without their bodies, and where to look on.
#[derive(Debug, Default)]
pub(crate) struct Bare {
    pub(crate) rows: Vec<Bared>,
    pub(crate) next: Option<FlowId>,
}

/// Facts of no flow, and how far was looked.
#[derive(Debug, Default)]
pub(crate) struct Apart {
    pub(crate) rows: Vec<u64>,
    pub(crate) up_to: u64,
    pub(crate) is_all: bool,
}

/// The end of a link: its connector, the account's id, and the code of its kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormerKey {
    connector: String,
    remote_id: String,
    object: i64,
}

/// Ends of links that tell nothing any more, and where to look on.
#[derive(Debug, Default)]
pub(crate) struct Former {
    pub(crate) spent: Vec<FormerKey>,
    pub(crate) next: Option<FormerKey>,
}

/// What the writer does in one transaction.
#[derive(Debug)]
pub(crate) enum Step {
    /// Says that something is about to be removed: what is older may be gone from now on.
    Announce {
        before: Timestamp,
        bodies_before: Timestamp,
    },
    /// Removes what may go of these flows.
    Flows {
        flows: Vec<FlowId>,
        before: Timestamp,
    },
    /// Takes the bodies from exchanges; everything up to a flow was looked at.
    Bodies { rows: Vec<Bared>, up_to: FlowId },
    /// Removes facts of no flow; everything up to a number was looked at.
    Apart { rows: Vec<u64>, up_to: u64 },
    /// Removes ends of links that tell nothing any more.
    FormerLinks {
        keys: Vec<FormerKey>,
        before: Timestamp,
    },
    /// Forgets how far comparisons have come that nobody has gone on with since.
    Unfinished { before: Timestamp },
    /// Gives room that is not used back to the system: at most so many pages, but for a reserve.
    Shrink { pages: u32 },
    /// Gives back all room that is not used. A file that cannot do that in steps is written anew, and can from then on; this
    /// takes as much room again while it lasts.
    GiveBack,
}

/// What one step, or several, removed, and how the file stands after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) flows: u64,
    pub(crate) operations: u64,
    pub(crate) exchanges: u64,
    pub(crate) bodies: u64,
    pub(crate) facts: u64,
    pub(crate) former_links: u64,
    /// Bytes of the file that hold something.
    pub(crate) used_bytes: u64,
    /// Whether there is more room to give back in small steps.
    pub(crate) can_shrink: bool,
}

/// So many pages stay free for what comes next: 1 MiB.
const RESERVE: u64 = 256;

/// The size of a page in bytes, as SQLite makes them.
const PAGE: u64 = 4096;

/// Has nothing told that was removed: the fact that tells it is committed with this.
pub(super) fn told(db: &Connection) -> Result<(), JournalError> {
    db.execute(
        "UPDATE retention SET flows = 0, operations = 0, exchanges = 0, bodies = 0, facts = 0",
        [],
    )?;
    db.execute(
        "DELETE FROM standing WHERE what = ?1",
        [standing::ENDS_REMOVED],
    )?;
    Ok(())
}

/// Carries a step out on the writer's connection.
pub(super) fn carry_out(db: &mut Connection, step: &Step) -> Result<Removed, JournalError> {
    let mut removed = Removed::default();
    match step {
        Step::Shrink { pages } => shrink(db, *pages)?,
        Step::GiveBack => {
            let (room, can_vacuum) = room(db)?;
            if can_vacuum {
                vacuum(db, (room.file_bytes - room.used_bytes) / PAGE)?;
            } else {
                // What is written anew stands in a file of its own meanwhile, not in memory: it may be gigabytes.
                db.pragma_update(None, "temp_store", "FILE")?;
                let vacuumed = db.execute_batch("VACUUM");
                db.pragma_update(None, "temp_store", "MEMORY")?;
                vacuumed?;
            }
        }
        _ => {
            let transaction = db.transaction()?;
            remove(&transaction, step, &mut removed)?;
            transaction.commit()?;
        }
    }
    let (room, can_vacuum) = room(db)?;
    removed.used_bytes = room.used_bytes;
    removed.can_shrink = can_vacuum && room.file_bytes - room.used_bytes > RESERVE * PAGE;
    Ok(removed)
}

fn remove(db: &Connection, step: &Step, removed: &mut Removed) -> Result<(), JournalError> {
    match step {
        Step::Announce {
            before,
            bodies_before,
        } => {
            db.execute(
                "UPDATE retention SET kept_since = max(coalesce(kept_since, ?1), ?1),
                    bodies_since = max(coalesce(bodies_since, ?2), ?2)",
                [micros(*before), micros(*bodies_before)],
            )?;
        }
        Step::Flows { flows, before } => {
            let named = named_by_quarantines(db)?;
            for flow in flows.iter().filter(|flow| !named.contains(flow)) {
                match share(db, *flow, *before)? {
                    Share::None => {}
                    Share::Exchanges => remove_exchanges(db, *flow, removed)?,
                    Share::All => remove_flow(db, *flow, removed)?,
                }
            }
        }
        Step::Bodies { rows, up_to } => {
            let mut write = db.prepare_cached(
                "UPDATE facts SET body = ?2, format = ?3
                 WHERE seq = ?1 AND (kind = 'exchange-recorded' OR exchanges > 0)",
            )?;
            for row in rows {
                let Packed { format, body } = &row.packed;
                let written = write.execute(params![signed(row.seq), body, format])?;
                removed.bodies += row.bodies * written as u64;
            }
            db.execute("UPDATE retention SET bared = ?1", [up_to.0.as_bytes()])?;
        }
        Step::Apart { rows, up_to } => {
            let mut count =
                db.prepare_cached("SELECT count FROM facts WHERE seq = ?1 AND flow IS NULL")?;
            for seq in rows {
                let facts: Option<i64> = count
                    .query_row([signed(*seq)], |row| row.get(0))
                    .optional()?;
                if let Some(facts) = facts {
                    removed.facts += unsigned(facts);
                    remove_row(db, signed(*seq), facts, removed)?;
                }
            }
            db.execute("UPDATE retention SET apart = ?1", [signed(*up_to)])?;
        }
        Step::FormerLinks { keys, before } => {
            let mut find = db.prepare_cached(
                "SELECT local, ended_at FROM former_links WHERE connector = ?1 AND remote_id = ?2 AND object = ?3",
            )?;
            let mut delete = db.prepare_cached(
                "DELETE FROM former_links WHERE connector = ?1 AND remote_id = ?2 AND object = ?3",
            )?;
            for key in keys {
                let end: Option<([u8; 16], i64)> = find
                    .query_row(params![key.connector, key.remote_id, key.object], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()?;
                if let Some((local, ended_at)) = end
                    && is_spent(db, &key.connector, local, ended_at, *before)?
                {
                    let deleted =
                        delete.execute(params![key.connector, key.remote_id, key.object])?;
                    removed.former_links += deleted as u64;
                    count_end(db, &key.connector, *before)?;
                }
            }
        }
        Step::Unfinished { before } => reconcile::forget_unfinished(db, *before)?,
        Step::Shrink { .. } | Step::GiveBack => {}
    }
    db.prepare_cached(
        "UPDATE retention SET flows = flows + ?1, operations = operations + ?2, exchanges = exchanges + ?3,
            bodies = bodies + ?4, facts = facts + ?5",
    )?
    .execute(
        [
            removed.flows,
            removed.operations,
            removed.exchanges,
            removed.bodies,
            removed.facts,
        ]
        .map(signed),
    )?;
    Ok(())
}

/// Counts the end of a link that is removed in the same transaction, until a fact tells of it.
fn count_end(db: &Connection, connector: &str, before: Timestamp) -> Result<(), JournalError> {
    db.prepare_cached(
        "INSERT INTO standing (connector, what, at, body) VALUES (?1, ?2, ?3, CAST(1 AS BLOB))
         ON CONFLICT (connector, what) DO UPDATE
            SET at = excluded.at, body = CAST(CAST(body AS INTEGER) + 1 AS BLOB)",
    )?
    .execute(params![connector, standing::ENDS_REMOVED, micros(before)])?;
    Ok(())
}

/// Removes a row of facts with what tables hold by its numbers.
fn remove_row(
    db: &Connection,
    seq: i64,
    count: i64,
    removed: &mut Removed,
) -> Result<(), JournalError> {
    keep_brought(db, seq, count)?;
    db.prepare_cached("DELETE FROM triggers WHERE seq >= ?1 AND seq < ?2")?
        .execute([seq, seq + count])?;
    removed.exchanges += delete_exchanges(db, seq, count)?;
    db.prepare_cached("DELETE FROM facts WHERE seq = ?1")?
        .execute([seq])?;
    Ok(())
}

fn delete_exchanges(db: &Connection, seq: i64, count: i64) -> Result<u64, JournalError> {
    let deleted = db
        .prepare_cached("DELETE FROM exchanges WHERE seq >= ?1 AND seq < ?2")?
        .execute([seq, seq + count])?;
    Ok(deleted as u64)
}

/// Writes the users and links into their tables that only refer to facts of a row, before the row goes.
fn keep_brought(db: &Connection, seq: i64, count: i64) -> Result<(), JournalError> {
    let mut statement = db.prepare_cached(
        "SELECT format, body FROM facts WHERE seq = ?1 AND kind IN ('', 'linked', 'directory-changed')",
    )?;
    let mut rows = statement.query([seq])?;
    let Some(row) = rows.next()? else {
        return Ok(());
    };
    let body = row.get_ref(1)?.as_blob().unwrap_or(&[]);
    let facts = pack::whole(seq, row.get(0)?, body, count)?;
    for (seq, fact) in (unsigned(seq)..).zip(facts) {
        match fact {
            Fact::Linked { link } => {
                db.prepare_cached(
                    "UPDATE links SET body = ?4 WHERE local = ?1 AND connector = ?2 AND body = ?3",
                )?
                .execute(params![
                    link.local.uuid().as_bytes(),
                    link.connector.to_string(),
                    pack::refer(seq, 0),
                    pack::pack(&link)?,
                ])?;
            }
            Fact::DirectoryChanged { changes } => {
                for (nth, change) in changes.iter().enumerate() {
                    if let DirectoryChange::UserPut(user) = change {
                        db.prepare_cached(
                            "UPDATE users SET body = ?3 WHERE id = ?1 AND body = ?2",
                        )?
                        .execute(params![
                            user.id.0.as_bytes(),
                            pack::refer(seq, nth),
                            pack::pack(user)?,
                        ])?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A row of facts of a flow.
struct FactsRow {
    seq: i64,
    /// How many facts it holds.
    count: i64,
    /// How many of them, in front, are exchanges.
    exchanges: i64,
}

fn rows_of(
    db: &Connection,
    flow: FlowId,
    only_with_exchanges: bool,
) -> Result<Vec<FactsRow>, JournalError> {
    let mut statement = db.prepare_cached(
        "SELECT seq, count, CASE kind WHEN 'exchange-recorded' THEN count ELSE exchanges END FROM facts
         WHERE flow = ?1 AND (NOT ?2 OR kind = 'exchange-recorded' OR exchanges > 0)",
    )?;
    let rows = statement.query_map(params![flow.0.as_bytes(), only_with_exchanges], |row| {
        Ok(FactsRow {
            seq: row.get(0)?,
            count: row.get(1)?,
            exchanges: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Removes the exchanges of a flow; what came of them stays, under its numbers.
fn remove_exchanges(
    db: &Connection,
    flow: FlowId,
    removed: &mut Removed,
) -> Result<(), JournalError> {
    for row in rows_of(db, flow, true)? {
        removed.facts += unsigned(row.exchanges);
        if row.exchanges == row.count {
            remove_row(db, row.seq, row.count, removed)?;
            continue;
        }
        removed.exchanges += delete_exchanges(db, row.seq, row.exchanges)?;
        let rest = db
            .prepare_cached("SELECT format, body FROM facts WHERE seq = ?1")?
            .query_row([row.seq], |found| {
                Ok((found.get(0)?, found.get::<_, Vec<u8>>(1)?))
            })?;
        let Packed { format, body } =
            pack::from(row.seq, rest.0, &rest.1, row.count, row.exchanges)?;
        db.prepare_cached(
            "UPDATE facts SET seq = seq + exchanges, count = count - exchanges, exchanges = 0, format = ?2, body = ?3
             WHERE seq = ?1",
        )?
        .execute(params![row.seq, format, body])?;
    }
    Ok(())
}

fn remove_flow(db: &Connection, flow: FlowId, removed: &mut Removed) -> Result<(), JournalError> {
    // They are found by the facts, so they go first.
    let operations = db
        .prepare_cached(&format!("DELETE FROM operations WHERE {OF_FLOW}"))?
        .execute([flow.0.as_bytes()])?;
    for row in rows_of(db, flow, false)? {
        removed.facts += unsigned(row.count);
        remove_row(db, row.seq, row.count, removed)?;
    }
    db.prepare_cached("DELETE FROM waits WHERE flow = ?1")?
        .execute([flow.0.as_bytes()])?;
    removed.operations += operations as u64;
    removed.flows += 1;
    Ok(())
}

/// Says how much of a flow may go.
///
/// All of it stays while one of its operations is owed, dead or was given up in doubt, while a caller waits, and when
/// something happened in it lately. Its exchanges may go while it holds the newest operation of a lane (that is how an
/// account is known to be ours), or the newest that was done after a dead letter of its lane (that is how the letter is
/// known to be out of date, and an end in doubt to have been looked at since; one of them is enough for every letter before
/// it). The newest fact of all stays: numbers are counted on from it.
fn share(db: &Connection, flow: FlowId, before: Timestamp) -> Result<Share, JournalError> {
    let (last, is_newest, stays): (Option<i64>, bool, bool) = db
        .prepare_cached(&format!(
            "SELECT
                (SELECT at FROM facts WHERE flow = ?1 ORDER BY seq DESC LIMIT 1),
                (SELECT max(seq) FROM facts WHERE flow = ?1) IS (SELECT max(seq) FROM facts),
                EXISTS (SELECT 1 FROM operations
                    WHERE {OF_FLOW} AND (state NOT IN (5, 7) OR (state = 7 AND unsure <> 0)))
                OR EXISTS (SELECT 1 FROM waits WHERE flow = ?1 AND verdict = 0)",
        ))?
        .query_row([flow.0.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    if stays || is_newest || last.is_none_or(|last| last >= micros(before)) {
        return Ok(Share::None);
    }
    let is_needed: bool = db
        .prepare_cached(&format!(
            "SELECT EXISTS (SELECT 1 FROM operations o WHERE o.{OF_FLOW} AND (
                NOT EXISTS (SELECT 1 FROM operations n
                    WHERE n.local = o.local AND n.connector = o.connector AND n.seq > o.seq)
                OR (o.state = 5
                    AND NOT EXISTS (SELECT 1 FROM operations n
                        WHERE n.local = o.local AND n.connector = o.connector AND n.seq > o.seq AND n.state = 5)
                    AND EXISTS (SELECT 1 FROM operations e
                        WHERE e.local = o.local AND e.connector = o.connector AND e.seq < o.seq
                            AND (e.state NOT IN (5, 7) OR (e.state = 7 AND e.unsure <> 0))))))",
        ))?
        .query_row([flow.0.as_bytes()], |row| row.get(0))?;
    if !is_needed {
        return Ok(Share::All);
    }
    let has_exchanges = db
        .prepare_cached(
            "SELECT 1 FROM facts WHERE flow = ?1 AND (kind = 'exchange-recorded' OR exchanges > 0)",
        )?
        .exists([flow.0.as_bytes()])?;
    Ok(if has_exchanges {
        Share::Exchanges
    } else {
        Share::None
    })
}

/// Returns the flows that standing quarantines name as what brought them about.
fn named_by_quarantines(db: &Connection) -> Result<BTreeSet<FlowId>, JournalError> {
    let mut statement = db.prepare_cached("SELECT body FROM standing WHERE what = ?1")?;
    let mut rows = statement.query([standing::QUARANTINE])?;
    let mut out = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let quarantine: Quarantine = pack::unpack(row.get_ref(0)?.as_blob().unwrap_or(&[]))?;
        out.extend(quarantine.culprits.iter().map(|culprit| culprit.flow));
    }
    Ok(out)
}

/// Tells whether the end of a link is from before an instant and of an account that an operation took away, as the target
/// confirmed: it was there, and was deleted.
///
/// The end of a link is what proves later that an account without one is ours, so that it may be linked again or taken
/// away. An account that the target has deleted at our word needs no such proof: should something have its id again, it is
/// not what we made, and without the proof it is left alone. Every other end stays, however old it is: a link that was
/// dropped by hand or passed to another, and one whose account was not there any more when it was to go. A target that does
/// not find an account may find it again, when its address was wrong, or what the credentials may see.
fn is_spent(
    db: &Connection,
    connector: &str,
    local: [u8; 16],
    ended_at: i64,
    before: Timestamp,
) -> Result<bool, JournalError> {
    if ended_at >= micros(before) {
        return Ok(false);
    }
    let mut statement = db.prepare_cached(
        "SELECT id, flow FROM operations
         WHERE local = ?1 AND connector = ?2 AND verb = 2 AND state = 5 AND ended_at = ?3",
    )?;
    let mut rows = statement.query(params![local, connector, ended_at])?;
    while let Some(row) = rows.next()? {
        let operation = OperationId(Uuid::from_bytes(row.get(0)?));
        if is_deleted_by(db, operation, row.get(1)?, ended_at)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tells whether an operation that settled at an instant deleted the account, by its own fact.
fn is_deleted_by(
    db: &Connection,
    operation: OperationId,
    flow: [u8; 16],
    settled_at: i64,
) -> Result<bool, JournalError> {
    // A flow may hold as many operations as there are users, so that its facts are not gone through for each of them.
    let (from, to) = (
        first_since(db, settled_at)?,
        first_since(db, settled_at + 1)?,
    );
    let mut statement = db.prepare_cached(
        "SELECT seq, at, flow, format, body FROM facts
         WHERE seq >= ?1 AND seq < ?2 AND flow = ?3 AND kind IN ('', 'settled')",
    )?;
    let records = super::read::collect(statement.query(params![from, to, flow])?)?;
    Ok(records.into_iter().any(|record| {
        matches!(
            record.fact,
            Fact::Settled {
                operation: settled,
                outcome: Settlement::Confirmed(Confirmation::Deleted),
                ..
            } if settled == operation
        )
    }))
}

/// Returns the number before which all facts are older than an instant, and from which on none is. It is looked for by
/// halves, for facts are numbered as they are written; where a clock went back, it may be another one.
fn first_since(db: &Connection, at: i64) -> Result<i64, JournalError> {
    let newest: Option<i64> = db
        .prepare_cached("SELECT max(seq) FROM facts")?
        .query_row([], |row| row.get(0))?;
    let mut statement =
        db.prepare_cached("SELECT seq, at FROM facts WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
    let (mut low, mut high) = (0, newest.map_or(0, |newest| newest + 1));
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = statement
            .query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match found {
            Some((seq, written)) if written < at => low = seq + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Returns how the file stands, and whether pages can be given back a few at a time.
fn room(db: &Connection) -> Result<(Room, bool), JournalError> {
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")?;
    let used = pages - pragma("freelist_count")?;
    let size = pragma("page_size")?;
    let room = Room {
        file_bytes: unsigned(pages.saturating_mul(size)),
        used_bytes: unsigned(used.saturating_mul(size)),
    };
    Ok((room, pragma("auto_vacuum")? == 2))
}

fn shrink(db: &Connection, pages: u32) -> Result<(), JournalError> {
    let (room, can_vacuum) = room(db)?;
    let free = (room.file_bytes - room.used_bytes) / PAGE;
    let spare = free.saturating_sub(RESERVE).min(u64::from(pages));
    if spare == 0 || !can_vacuum {
        return Ok(());
    }
    vacuum(db, spare)
}

fn vacuum(db: &Connection, pages: u64) -> Result<(), JournalError> {
    // A page is freed at each step of the statement.
    let mut statement = db.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

/// Returns the id that comes before those of all flows that begin at an instant or later.
fn first_of(at: Timestamp) -> [u8; 16] {
    let millis = u128::try_from(at.as_millisecond()).unwrap_or(0);
    (millis << 80).to_be_bytes()
}

/// Returns flows after one of them that began before an instant, the oldest first.
fn flows_between(
    db: &Connection,
    after: Option<FlowId>,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<FlowId>, JournalError> {
    // Ids sort by time, and the index holds nothing else: no fact is looked at.
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT flow FROM facts WHERE flow > ?1 AND flow < ?2 ORDER BY flow LIMIT ?3",
    )?;
    let after = after.map_or([0; 16], |flow| *flow.0.as_bytes());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![after, first_of(before), limit], |row| {
        row.get::<_, [u8; 16]>(0)
    })?;
    rows.map(|id| Ok(FlowId(Uuid::from_bytes(id?)))).collect()
}

impl Reader {
    /// Tells from when on the journal is whole.
    pub fn kept(&self) -> Result<Kept, JournalError> {
        self.with(|db| {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let (since, bodies_since): (Option<i64>, Option<i64>) =
                db.query_row("SELECT kept_since, bodies_since FROM retention", [], row)?;
            Ok(Kept {
                since: since.map(instant),
                bodies_since: bodies_since.map(instant),
            })
        })
    }

    /// Tells how large the file is.
    pub fn room(&self) -> Result<Room, JournalError> {
        self.with(|db| Ok(room(db)?.0))
    }

    /// Looks for flows of which something may go, among so many after one of them.
    pub(crate) fn old_flows(
        &self,
        after: Option<FlowId>,
        before: Timestamp,
        among: usize,
    ) -> Result<Old, JournalError> {
        self.at_once(|db| {
            let all = flows_between(db, after, before, among)?;
            let named = named_by_quarantines(db)?;
            let next = (all.len() == among).then(|| all.last().copied()).flatten();
            let mut flows = Vec::new();
            for flow in all {
                if !named.contains(&flow) && share(db, flow, before)? != Share::None {
                    flows.push(flow);
                }
            }
            Ok(Old { flows, next })
        })
    }

    /// Looks for ends of links that tell nothing any more, among so many after one of them.
    pub(crate) fn former_links(
        &self,
        after: &FormerKey,
        before: Timestamp,
        among: usize,
    ) -> Result<Former, JournalError> {
        self.at_once(|db| {
            let mut statement = db.prepare_cached(
                "SELECT connector, remote_id, object, local, ended_at FROM former_links
                 WHERE (connector, remote_id, object) > (?1, ?2, ?3)
                 ORDER BY connector, remote_id, object LIMIT ?4",
            )?;
            let mut rows = statement.query(params![
                after.connector,
                after.remote_id,
                after.object,
                i64::try_from(among).unwrap_or(i64::MAX)
            ])?;
            let mut found = Former::default();
            let mut looked_at = 0;
            while let Some(row) = rows.next()? {
                let key = FormerKey {
                    connector: row.get(0)?,
                    remote_id: row.get(1)?,
                    object: row.get(2)?,
                };
                looked_at += 1;
                if is_spent(db, &key.connector, row.get(3)?, row.get(4)?, before)? {
                    found.spent.push(key.clone());
                }
                found.next = Some(key);
            }
            if looked_at < among {
                found.next = None;
            }
            Ok(found)
        })
    }

    /// Returns the newest fact that is of a flow, and when it happened.
    pub(crate) fn newest_of_flows(&self) -> Result<Option<(u64, Timestamp)>, JournalError> {
        self.with(|db| {
            let newest: Option<(i64, i64)> = db
                .prepare_cached(
                    "SELECT seq + count - 1, at FROM facts WHERE flow IS NOT NULL ORDER BY seq DESC LIMIT 1",
                )?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            Ok(newest.map(|(seq, at)| (unsigned(seq), instant(at))))
        })
    }

    /// Counts what would go of a flow.
    pub(crate) fn would_go(
        &self,
        flow: FlowId,
        before: Timestamp,
    ) -> Result<Removed, JournalError> {
        self.at_once(|db| {
            let share = share(db, flow, before)?;
            let mut removed = Removed::default();
            if share == Share::None {
                return Ok(removed);
            }
            let is_whole = share == Share::All;
            for row in rows_of(db, flow, false)? {
                removed.facts += unsigned(if is_whole { row.count } else { row.exchanges });
                removed.exchanges += unsigned(row.exchanges);
            }
            if is_whole {
                removed.flows = 1;
                let operations: i64 = db
                    .prepare_cached(&format!("SELECT count(*) FROM operations WHERE {OF_FLOW}"))?
                    .query_row([flow.0.as_bytes()], |row| row.get(0))?;
                removed.operations = unsigned(operations);
            }
            Ok(removed)
        })
    }

    /// Returns up to which flow bodies were looked at, and up to which fact those of no flow.
    pub(crate) fn looked_at(&self) -> Result<(FlowId, u64), JournalError> {
        self.with(|db| {
            let (bared, apart): ([u8; 16], i64) =
                db.query_row("SELECT bared, apart FROM retention", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            Ok((FlowId(Uuid::from_bytes(bared)), unsigned(apart)))
        })
    }

    /// Makes the exchanges of so many flows after one of them anew, without their bodies.
    ///
    /// A flow in which something is owed or dead keeps its bodies as long as itself. With `but_old` those are left out
    /// whose exchanges go altogether because they are older than that.
    pub(crate) fn bare(
        &self,
        after: FlowId,
        before: Timestamp,
        but_old: Option<Timestamp>,
        among: usize,
    ) -> Result<Bare, JournalError> {
        self.at_once(|db| {
            let flows = flows_between(db, Some(after), before, among)?;
            let named = named_by_quarantines(db)?;
            let mut bare = Bare {
                rows: Vec::new(),
                next: flows.last().copied(),
            };
            let mut statement = db.prepare_cached(&format!(
                "SELECT seq, format, body, count FROM facts
                 WHERE flow = ?1 AND (kind = 'exchange-recorded' OR exchanges > 0)
                    AND NOT EXISTS (SELECT 1 FROM operations
                        WHERE {OF_FLOW} AND (state NOT IN (5, 7) OR (state = 7 AND unsure <> 0)))"
            ))?;
            for flow in flows.iter().filter(|flow| !named.contains(flow)) {
                if let Some(old) = but_old
                    && share(db, *flow, old)? != Share::None
                {
                    continue;
                }
                let mut rows = statement.query([flow.0.as_bytes()])?;
                while let Some(row) = rows.next()? {
                    let seq = row.get(0)?;
                    let body = row.get_ref(2)?.as_blob().unwrap_or(&[]);
                    let mut facts = pack::whole(seq, row.get(1)?, body, row.get(3)?)?;
                    let bodies = facts
                        .iter_mut()
                        .filter_map(|fact| forget(fact).then_some(()));
                    let bodies = bodies.count() as u64;
                    if bodies > 0 {
                        bare.rows.push(Bared {
                            seq: unsigned(seq),
                            bodies,
                            packed: pack::pack_facts(&facts)?,
                        });
                    }
                }
            }
            Ok(bare)
        })
    }

    /// Looks for facts of no flow that were written before an instant, among so many rows after a number.
    pub(crate) fn apart(
        &self,
        after: u64,
        before: Timestamp,
        among: usize,
    ) -> Result<Apart, JournalError> {
        self.at_once(|db| {
            let newest = super::read::last(db)?;
            let mut statement = db.prepare_cached(
                "SELECT seq, count, at, flow IS NULL FROM facts WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            )?;
            let among_rows = i64::try_from(among).unwrap_or(i64::MAX);
            let mut rows = statement.query([signed(after), among_rows])?;
            let mut apart = Apart {
                up_to: after,
                ..Apart::default()
            };
            let mut seen = 0;
            while let Some(row) = rows.next()? {
                let (seq, count, at): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let is_newest = unsigned(seq + count - 1) == newest;
                if at >= micros(before) || is_newest {
                    apart.is_all = true;
                    return Ok(apart);
                }
                if row.get(3)? {
                    apart.rows.push(unsigned(seq));
                }
                apart.up_to = unsigned(seq);
                seen += 1;
            }
            apart.is_all = seen < among;
            Ok(apart)
        })
    }

    /// Returns what was removed and is told by no fact yet.
    pub(crate) fn untold(&self) -> Result<Removed, JournalError> {
        self.with(|db| {
            let counts: [i64; 5] = db.query_row(
                "SELECT flows, operations, exchanges, bodies, facts FROM retention",
                [],
                |row| {
                    Ok([
                        row.get(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                    ])
                },
            )?;
            let [flows, operations, exchanges, bodies, facts] = counts.map(code::unsigned);
            let former_links: i64 = db.query_row(
                "SELECT coalesce(sum(CAST(body AS INTEGER)), 0) FROM standing WHERE what = ?1",
                [standing::ENDS_REMOVED],
                |row| row.get(0),
            )?;
            Ok(Removed {
                flows,
                operations,
                exchanges,
                bodies,
                facts,
                former_links: unsigned(former_links),
                ..Removed::default()
            })
        })
    }
}

/// Takes the bodies from an exchange. Returns whether it had any.
fn forget(fact: &mut Fact) -> bool {
    let Fact::ExchangeRecorded { exchange, .. } = fact else {
        return false;
    };
    let request = exchange.request_body.forget();
    let response = exchange
        .response
        .as_mut()
        .is_some_and(|response| response.body.forget());
    request || response
}
