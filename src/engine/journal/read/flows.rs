//! Flows: their list, their facts, and the walk over all facts.

use std::collections::{BTreeMap, BTreeSet};

use domain::{FlowId, LocalRef, OperationId, Trigger};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use super::super::code::{self, instant, signed, unsigned};
use super::super::work::OF_FLOW;
use super::super::{JournalError, pack};
use super::{Page, Reader, bounds, cap};
use crate::trace::FlowTrace;
use crate::{Fact, Record, State, WaitVerdict};

/// One flow in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowSummary {
    /// The flow.
    pub flow: FlowId,
    /// The number of its first trigger, or of its only fact where it has none, for paging.
    pub seq: u64,
    /// When it began.
    pub at: Timestamp,
    /// Its triggers. A role that nobody holds is created, renamed and deleted without any.
    pub triggers: Vec<Trigger>,
    /// How many of its operations are in which state.
    pub operations: BTreeMap<State, u64>,
    /// How the caller's wait ended; `None` when nobody waited or somebody still does.
    pub verdict: Option<WaitVerdict>,
}

/// How many facts before a page's end are looked through for flows without a trigger.
const NEAR: i64 = 20_000;

impl Reader {
    /// Lists flows, the newest first.
    ///
    /// Those without a trigger have no entry in the list of triggers and are found among the facts of the page; where few
    /// flows stand between very many facts of comparisons, the oldest of them are left out.
    pub fn flows(&self, page: Page) -> Result<Vec<FlowSummary>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT seq, flow, at FROM triggers WHERE seq < ?1 AND first ORDER BY seq DESC LIMIT ?2",
            )?;
            let firsts = statement
                .query_map(bounds(page), |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect::<Result<Vec<(i64, [u8; 16], i64)>, _>>()?;
            with_those_without_triggers(db, page, firsts)?
                .into_iter()
                .map(|(seq, flow, at)| {
                    let flow = FlowId(code::uuid(&flow)?);
                    Ok(FlowSummary {
                        flow,
                        seq: unsigned(seq),
                        at: instant(at),
                        triggers: triggers(db, flow)?,
                        operations: states(db, flow)?,
                        verdict: verdict(db, flow)?,
                    })
                })
                .collect()
        })
    }

    /// Tells one flow; `None` when there is none of that id.
    pub fn trace(&self, flow: FlowId) -> Result<Option<FlowTrace>, JournalError> {
        let records = self.facts_of(flow)?;
        Ok((!records.is_empty()).then(|| FlowTrace::of(flow, records)))
    }

    /// Returns the facts of one flow in order.
    pub fn facts_of(&self, flow: FlowId) -> Result<Vec<Record>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT seq, at, flow, format, body FROM facts WHERE flow = ?1 ORDER BY seq",
            )?;
            collect(statement.query([flow.0.as_bytes()])?)
        })
    }

    /// Counts the operations of one flow by state.
    pub fn states_of(&self, flow: FlowId) -> Result<BTreeMap<State, u64>, JournalError> {
        self.with(|db| states(db, flow))
    }

    /// Returns the flow of an operation.
    pub fn flow_of(&self, operation: OperationId) -> Result<Option<FlowId>, JournalError> {
        Ok(self.operation(operation)?.map(|view| view.flow))
    }

    /// Returns the flows in which something happened to a user or group, the newest first.
    pub fn flows_about(&self, local: LocalRef, limit: usize) -> Result<Vec<FlowId>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT flow FROM triggers WHERE local = ?1 ORDER BY seq DESC LIMIT ?2",
            )?;
            let flows = statement
                .query_map(params![local.uuid().as_bytes(), cap(limit)], |row| {
                    row.get::<_, [u8; 16]>(0)
                })?
                .collect::<Result<Vec<_>, _>>()?;
            let mut seen = BTreeSet::new();
            let mut out = Vec::new();
            for flow in flows {
                let flow = FlowId(code::uuid(&flow)?);
                if seen.insert(flow) {
                    out.push(flow);
                }
            }
            Ok(out)
        })
    }

    /// Returns facts after a number, the oldest first.
    pub fn facts_since(&self, seq: u64, limit: usize) -> Result<Vec<Record>, JournalError> {
        self.with(|db| {
            // The row that holds this fact may hold later ones, too; it counts for one that is not asked for.
            let mut statement = db.prepare_cached(
                "SELECT seq, at, flow, format, body FROM facts
                 WHERE seq >= coalesce((SELECT max(seq) FROM facts WHERE seq <= ?1), 0) ORDER BY seq LIMIT ?2",
            )?;
            let rows = statement.query(params![signed(seq), cap(limit.saturating_add(1))])?;
            let mut records = collect(rows)?;
            records.retain(|record| record.seq > seq);
            records.truncate(limit);
            Ok(records)
        })
    }

    /// Walks all facts after a number, the oldest first, a page at a time.
    pub fn export(&self, since: u64) -> impl Iterator<Item = Result<Record, JournalError>> + use<> {
        Export {
            reader: self.clone(),
            after: since,
            page: Vec::new().into_iter(),
            done: false,
        }
    }
}

/// Adds the flows that are one change of the directory and nothing else, and keeps to the page's length.
fn with_those_without_triggers(
    db: &Connection,
    page: Page,
    mut firsts: Vec<(i64, [u8; 16], i64)>,
) -> Result<Vec<(i64, [u8; 16], i64)>, JournalError> {
    let [before, limit] = bounds(page);
    let newest: i64 = db
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM facts")?
        .query_row([], |row| row.get(0))?;
    let before = before.min(newest.saturating_add(1));
    // A full page ends at its last trigger; what is older is on the next one.
    let is_full = i64::try_from(firsts.len()).is_ok_and(|count| count >= limit);
    let end = firsts.last().filter(|_| is_full).map_or(0, |first| first.0);
    let after = end.max(before.saturating_sub(NEAR));
    let mut statement = db.prepare_cached(
        "SELECT seq, flow, at FROM facts f
         WHERE seq < ?1 AND seq > ?2 AND kind = 'directory-changed' AND flow IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM facts o WHERE o.flow = f.flow AND o.seq <> f.seq)
         ORDER BY seq DESC LIMIT ?3",
    )?;
    let alone = statement
        .query_map(params![before, after, limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<Result<Vec<(i64, [u8; 16], i64)>, _>>()?;
    if !alone.is_empty() {
        firsts.extend(alone);
        firsts.sort_unstable_by_key(|first| std::cmp::Reverse(first.0));
        firsts.truncate(page.limit);
    }
    Ok(firsts)
}

/// Reads rows of `seq, at, flow, format, body`; each may hold several facts.
pub(in crate::journal) fn collect(
    mut rows: rusqlite::Rows<'_>,
) -> Result<Vec<Record>, JournalError> {
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let first: i64 = row.get(0)?;
        let at = instant(row.get(1)?);
        let flow = row
            .get::<_, Option<[u8; 16]>>(2)?
            .map(|bytes| code::uuid(&bytes).map(FlowId))
            .transpose()?;
        let facts = pack::facts(first, row.get(3)?, row.get_ref(4)?.as_blob().unwrap_or(&[]))?;
        for (seq, fact) in (unsigned(first)..).zip(facts) {
            out.push(Record {
                seq,
                at,
                flow,
                fact,
            });
        }
    }
    Ok(out)
}

fn triggers(db: &Connection, flow: FlowId) -> Result<Vec<Trigger>, JournalError> {
    let mut statement = db.prepare_cached(
        "SELECT seq, at, flow, format, body FROM facts
         WHERE flow = ?1 AND kind IN ('', 'trigger-recorded') ORDER BY seq",
    )?;
    let records = collect(statement.query([flow.0.as_bytes()])?)?;
    Ok(records
        .into_iter()
        .filter_map(|record| match record.fact {
            Fact::TriggerRecorded { trigger } => Some(trigger),
            _ => None,
        })
        .collect())
}

fn states(db: &Connection, flow: FlowId) -> Result<BTreeMap<State, u64>, JournalError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT state, count(*) FROM operations WHERE {OF_FLOW} GROUP BY state"
    ))?;
    let mut rows = statement.query([flow.0.as_bytes()])?;
    let mut out = BTreeMap::new();
    while let Some(row) = rows.next()? {
        out.insert(code::state(row.get(0)?), unsigned(row.get(1)?));
    }
    Ok(out)
}

fn verdict(db: &Connection, flow: FlowId) -> Result<Option<WaitVerdict>, JournalError> {
    let ended: Option<i64> = db
        .prepare_cached("SELECT verdict FROM waits WHERE flow = ?1 AND verdict <> 0")?
        .query_row([flow.0.as_bytes()], |row| row.get(0))
        .optional()?;
    if ended.is_none() {
        return Ok(None);
    }
    let mut statement = db.prepare_cached(
        "SELECT seq, at, flow, format, body FROM facts
         WHERE flow = ?1 AND kind IN ('', 'caller-released') ORDER BY seq",
    )?;
    let records = collect(statement.query([flow.0.as_bytes()])?)?;
    Ok(records
        .into_iter()
        .rev()
        .find_map(|record| match record.fact {
            Fact::CallerReleased { verdict } => Some(verdict),
            _ => None,
        }))
}

/// How many facts an export reads at once.
const EXPORT_PAGE: usize = 500;

struct Export {
    reader: Reader,
    after: u64,
    page: std::vec::IntoIter<Record>,
    done: bool,
}

impl Iterator for Export {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(record) = self.page.next() {
            self.after = record.seq;
            return Some(Ok(record));
        }
        if self.done {
            return None;
        }
        match self.reader.facts_since(self.after, EXPORT_PAGE) {
            Ok(page) => {
                self.done = page.len() < EXPORT_PAGE;
                self.page = page.into_iter();
                let record = self.page.next()?;
                self.after = record.seq;
                Some(Ok(record))
            }
            Err(error) => {
                self.done = true;
                Some(Err(error))
            }
        }
    }
}
