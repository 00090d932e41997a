//! What is owed and stands in the journal only: lanes hold a window of it, and the rest is read when there is room.
//!
//! A million queued operations are no reason to start slowly or to fill the memory. Per connector there is a tail: all
//! open operations with a number above some point are in no lane yet. They are read in their order, so that an older
//! operation of a lane is always in it before a newer one; whatever comes meanwhile belongs to the tail as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::ConnectorRef;
use jiff::Timestamp;

use crate::inner::{Inner, JOURNAL_PAUSE};
use crate::journal::{JournalError, Open};
use crate::lanes::Entry;
use crate::retry::{later, until};
use crate::timer::sleep_until;
use crate::{Fact, Life};

/// How many operations are read at once.
const PAGE: usize = 1_000;

/// Lanes with fewer operations that can be sent now than this are given more.
pub(crate) const LOW: usize = 2_000;

/// So many operations of one connector are in lanes at most; what waits for its next attempt counts, too.
pub(crate) const WINDOW: usize = 50_000;

/// The part of one connector's open operations that is in no lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Every open operation above this number is part of it, and none below.
    pub(crate) after: u64,
    /// The newest operation that came while there was a tail.
    newest: u64,
}

impl Tail {
    /// Begins a tail of everything above a number.
    pub(crate) fn after(after: u64) -> Self {
        Self {
            after,
            newest: after,
        }
    }

    /// Tells whether an operation belongs to it.
    pub(crate) fn has(&self, seq: u64) -> bool {
        seq > self.after
    }

    /// Leaves a new operation to it.
    pub(crate) fn leave(&mut self, seq: u64) {
        self.newest = self.newest.max(seq);
    }

    /// Returns what is left after everything up to a number was read. `whole` says that there was nothing more when it
    /// was read; what came later is left all the same.
    pub(crate) fn read_to(self, up_to: u64, whole: bool) -> Option<Self> {
        let left = Self {
            after: self.after.max(up_to),
            ..self
        };
        (!whole || left.newest > left.after).then_some(left)
    }
}

/// Open operations of one connector, in order, as they are at one moment.
#[derive(Debug)]
pub(crate) struct OpenPage {
    pub(crate) operations: Vec<Open>,
    /// Every open operation up to this number was read.
    pub(crate) up_to: u64,
    /// Whether there was nothing more.
    pub(crate) whole: bool,
}

/// Whether somebody reads at the moment; one is enough.
#[derive(Debug, Default)]
pub(crate) struct Reading(AtomicBool);

impl Inner {
    /// Leaves all open operations to the journal, to be read as there is room.
    pub(crate) fn leave_backlog(&self) -> Result<(), JournalError> {
        let connectors = self.reader.open_connectors()?;
        let mut lanes = self.lanes();
        for connector in connectors {
            lanes.leave(&connector, Tail::after(0));
        }
        Ok(())
    }

    /// Has the tails read while lanes want more, unless somebody does already.
    pub(crate) fn read_on(self: &Arc<Self>) {
        if self.lanes().wanted().is_none() || self.reading.0.swap(true, Ordering::AcqRel) {
            return;
        }
        let inner = Arc::clone(self);
        self.tasks.spawn(async move {
            while !inner.is_stopping() {
                let wanted = inner.lanes().wanted();
                let Some((connector, after)) = wanted else {
                    break;
                };
                if let Err(error) = inner.take_up(&connector, after) {
                    tracing::error!(%error, "the journal cannot be read; what waits there is read later");
                    let until = inner.in_a_while(JOURNAL_PAUSE);
                    let mut stopping = inner.stopping.subscribe();
                    tokio::select! {
                        () = sleep_until(inner.clock.as_ref(), until) => {}
                        _ = stopping.wait_for(|stopping| *stopping) => {}
                    }
                }
                inner.send_turns();
                tokio::task::yield_now().await;
            }
            inner.reading.0.store(false, Ordering::Release);
            inner.beat();
            // Room may have come between the last look and the end.
            if !inner.is_stopping() {
                inner.read_on();
            }
        });
    }

    /// Reads the tail of a connector in quarantine into its lanes, as far as there is room: a probe takes one of them, in
    /// their order.
    pub(crate) async fn read_for_probe(
        &self,
        connector: &ConnectorRef,
    ) -> Result<(), JournalError> {
        loop {
            let room = self.lanes().room(connector);
            let Some(after) = room else {
                return Ok(());
            };
            self.take_up(connector, after)?;
            tokio::task::yield_now().await;
        }
    }

    /// Reads a page of a tail into the lanes.
    fn take_up(&self, connector: &ConnectorRef, after: u64) -> Result<(), JournalError> {
        let page = self.reader.open_page(connector, after, PAGE)?;
        let now = self.clock.now();
        let monotonic = self.clock.monotonic();
        let mut waiting = Vec::new();
        let mut entries = Vec::with_capacity(page.operations.len());
        for open in &page.operations {
            let entry = entry(open, now, monotonic);
            if entry.held || entry.due > monotonic {
                waiting.push(open);
            }
            entries.push((open.local, entry));
        }
        let read = (after, page.up_to);
        self.lanes()
            .take_up(connector, entries, read, page.whole, monotonic);
        // Whoever set one going by hand after it was read and before it was in its lane found nothing to hurry.
        for open in waiting {
            let Some(head) = self.reader.head(open.operation)? else {
                continue;
            };
            if head.life != open.life {
                self.lanes()
                    .hurry(connector, open.local, open.operation, monotonic);
            }
        }
        Ok(())
    }

    /// Attempts whose process ended are in doubt. The target is asked about them when nothing of them can be on its way
    /// any more.
    pub(crate) async fn doubt_interrupted(&self) -> Result<(), JournalError> {
        let now = self.clock.now();
        let setup = self.setup();
        loop {
            let page = self.reader.in_flight(PAGE)?;
            if page.is_empty() {
                return Ok(());
            }
            let mut batch = crate::journal::Batch::default();
            for open in page {
                let at = later(now, setup.patience(&open.connector));
                batch.push(
                    Some(open.flow),
                    Fact::AttemptFailed {
                        operation: open.operation,
                        number: open.attempts,
                        failure: crate::runner::process_ended(),
                        then: Life::InDoubt { at },
                    },
                );
            }
            self.journal
                .append(now, batch)
                .await
                .map_err(|refused| refused.error)?;
        }
    }
}

/// Returns an open operation's place in its lane. Wall time becomes monotonic time here, once.
pub(crate) fn entry(open: &Open, now: Timestamp, monotonic: Duration) -> Entry {
    Entry {
        seq: open.seq,
        operation: open.operation,
        due: open
            .life
            .due()
            .map_or(Duration::ZERO, |at| monotonic + until(now, at)),
        held: matches!(open.life, Life::Held { .. }),
        job: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_ends_when_everything_was_read_and_nothing_came_meanwhile() {
        let mut tail = Tail::after(10);
        assert!(tail.has(11) && !tail.has(10));
        assert_eq!(
            tail.read_to(20, false),
            Some(Tail {
                after: 20,
                newest: 10
            })
        );
        assert_eq!(tail.read_to(20, true), None);
        tail.leave(25);
        assert_eq!(
            tail.read_to(20, true),
            Some(Tail {
                after: 20,
                newest: 25
            })
        );
        // It ended by hand before it was read: the next look sees as much.
        assert_eq!(tail.read_to(30, true), None);
    }
}
