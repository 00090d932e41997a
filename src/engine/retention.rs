//! Keeps the journal bounded: what is old and settled is removed beside everything else, in small steps.

use std::sync::Arc;
use std::time::Duration;

use domain::{FlowId, RetentionPolicy, Wake};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::inner::Inner;
use crate::journal::{Batch, FormerKey, JournalError, Reader, Removed, Room, Step};
use crate::reconcile::KEPT;
use crate::{Compaction, CompactionCause, Engine, Fact};

/// How long after the start it is looked for the first time, and how long from one time to the next.
const FIRST: Duration = Duration::from_mins(1);
const AGAIN: Duration = Duration::from_hours(1);

/// How many flows are looked at together, and of how many something is removed in one transaction: about two
/// milliseconds for whoever waits behind it.
const LOOKED_AT: usize = 256;
const TOGETHER: usize = 16;

/// How many rows are walked together for the facts of no flow.
const WALKED: usize = 2_000;

/// How many pages are given back together.
const PAGES: u32 = 64;

/// What a compaction did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompactionReport {
    /// What was removed.
    pub removed: Compaction,
    /// Whether nothing was done, and only counted.
    pub preview: bool,
    /// The file before.
    pub before: Room,
    /// The file now; what was freed at its end is given back within the next seconds.
    pub after: Room,
}

/// What is known of a file that stays larger than it should be, so that it is not walked every hour for nothing.
#[derive(Debug, Default)]
pub(crate) struct TooLarge(Option<Walked>);

/// A walk after which the file was too large still.
#[derive(Debug, Clone, Copy)]
struct Walked {
    /// When, in monotonic time.
    at: Duration,
    /// The newest fact of a flow at that time.
    newest: Option<(u64, Timestamp)>,
    /// What happened before this could have gone.
    before: Timestamp,
}

impl Walked {
    /// Tells whether another walk may find what this one did not.
    ///
    /// What settles after it may go after a day at the earliest, so that there is none before; and none at all when
    /// everything was older than that already and nothing has happened since.
    fn is_over(&self, now: Duration, newest: Option<(u64, Timestamp)>) -> bool {
        let was_all_old = self.newest.is_none_or(|(_, at)| at < self.before);
        let is_same = self.newest == newest;
        now.saturating_sub(self.at) >= RetentionPolicy::LEAST && !(is_same && was_all_old)
    }
}

/// Up to when things are removed.
#[derive(Debug, Clone, Copy)]
struct Horizon {
    flows: Timestamp,
    bodies: Timestamp,
}

impl Engine {
    /// Removes what had settled before an instant, or what is older than `[engine.retention]` keeps it. Of what happened
    /// within the last day, or within the window of a brake, nothing is removed whatever is asked for. An engine that
    /// sends nothing gives back all room that is not used; a file of an older format is written anew for it.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be written: what was removed until then is removed, and nothing is half
    /// removed.
    pub async fn compact(
        &self,
        before: Option<Timestamp>,
    ) -> Result<CompactionReport, JournalError> {
        let inner = self.inner();
        let _alone = inner.compacting.lock().await;
        let horizon = inner.horizon(before);
        let room = inner.reader.room()?;
        let removed = inner
            .remove(horizon, CompactionCause::ByHand, inner.sends)
            .await?;
        if !inner.sends {
            // Nobody waits for the writer, so the file may be written anew if that is what it takes.
            inner.journal.tend(Step::GiveBack).await?;
        }
        Ok(CompactionReport {
            removed,
            preview: false,
            before: room,
            after: inner.reader.room()?,
        })
    }

    /// Counts what [`compact`](Self::compact) would remove.
    pub async fn compact_preview(
        &self,
        before: Option<Timestamp>,
    ) -> Result<CompactionReport, JournalError> {
        let inner = self.inner();
        let (reader, horizon) = (inner.reader.clone(), inner.horizon(before));
        let counted = tokio::task::spawn_blocking(move || preview(&reader, horizon)).await;
        counted.map_err(|_| JournalError::Closed)?
    }
}

impl Inner {
    /// Removes what is too old, again and again, until the engine ends.
    ///
    /// A clock that is moved by hand moves on to the next instant for which somebody sleeps; it must not stop every hour
    /// for this, so that nothing is removed by itself then.
    pub(crate) async fn keep_bounded(self: Arc<Self>) {
        let mut at = self.clock.monotonic().saturating_add(FIRST);
        loop {
            let Wake::After(pause) = self.clock.wake(at) else {
                return;
            };
            tokio::time::sleep(pause).await;
            if self.setup().configuration.engine.retention.enabled {
                let mut too_large = self.compacting.lock().await;
                if let Err(error) = self.remove_old(&mut too_large).await {
                    tracing::warn!(%error, "what is old could not be removed from the journal; it is tried again in an hour");
                }
            }
            at = self.clock.monotonic().saturating_add(AGAIN);
        }
    }

    pub(crate) async fn remove_old(&self, too_large: &mut TooLarge) -> Result<(), JournalError> {
        let policy = self.setup().configuration.engine.retention;
        let horizon = self.horizon(None);
        self.remove(horizon, CompactionCause::Age, true).await?;
        if self.reader.room()?.used_bytes <= policy.size_bytes || self.is_stopping() {
            return Ok(());
        }
        let (at, newest) = (self.clock.monotonic(), self.reader.newest_of_flows()?);
        if too_large
            .0
            .is_some_and(|walked| !walked.is_over(at, newest))
        {
            return Ok(());
        }
        let least = self.least();
        let all = Horizon {
            flows: least,
            bodies: least,
        };
        self.remove(all, CompactionCause::Size, true).await?;
        let used = self.reader.room()?.used_bytes;
        if self.is_stopping() {
            return Ok(());
        }
        let is_too_large = used > policy.size_bytes;
        if is_too_large {
            tracing::warn!(
                used_bytes = used,
                size_bytes = policy.size_bytes,
                "the journal is larger than [engine.retention] lets it become: the rest is owed, dead, of the last day, or says how accounts stand"
            );
        }
        *too_large = TooLarge(is_too_large.then_some(Walked {
            at,
            newest,
            before: least,
        }));
        Ok(())
    }

    /// What happened after this is kept in any case.
    fn least(&self) -> Timestamp {
        let least = RetentionPolicy::LEAST.max(self.setup().longest_brake());
        ago(self.clock.now(), least)
    }

    fn horizon(&self, before: Option<Timestamp>) -> Horizon {
        let policy = self.setup().configuration.engine.retention;
        let now = self.clock.now();
        let least = self.least();
        let time = |kept| before.unwrap_or_else(|| ago(now, kept)).min(least);
        Horizon {
            flows: time(policy.flows),
            bodies: time(policy.bodies.min(policy.flows)),
        }
    }

    /// Removes what is older. With `gently` most of the time is left to everybody else.
    async fn remove(
        &self,
        horizon: Horizon,
        cause: CompactionCause,
        gently: bool,
    ) -> Result<Compaction, JournalError> {
        let hand = Hand {
            inner: self,
            horizon,
            gently,
            // When it is for the size, a tenth is made free.
            enough: (cause == CompactionCause::Size).then(|| {
                let size = self.setup().configuration.engine.retention.size_bytes;
                size / 10 * 9
            }),
        };
        let done = hand.work().await;
        // What was removed before it failed is told all the same.
        let removed = self.reader.untold()?;
        let compaction = compaction(cause, horizon, &removed);
        if !compaction.is_empty() {
            let mut batch = Batch::default();
            let fact = Fact::Compacted {
                compaction: compaction.clone(),
            };
            batch.push(None, fact);
            let told = self.journal.append(self.clock.now(), batch).await;
            told.map_err(|refused| refused.error)?;
            tracing::info!(
                flows = compaction.flows,
                exchanges = compaction.exchanges,
                bodies = compaction.bodies,
                former_links = compaction.former_links,
                "what is old was removed from the journal"
            );
        }
        done.map(|()| compaction)
    }
}

/// One walk over what is old.
struct Hand<'a> {
    inner: &'a Inner,
    horizon: Horizon,
    gently: bool,
    /// Stops when the file holds no more than this.
    enough: Option<u64>,
}

impl Hand<'_> {
    async fn work(&self) -> Result<(), JournalError> {
        let mut announced = false;
        // Before the operations that prove it: what took an account away may be of a flow that goes.
        if self.enough.is_none() {
            self.former_links(&mut announced).await?;
            self.unfinished().await?;
        }
        let _is_enough = self.flows(&mut announced).await?
            || self.bodies(&mut announced).await?
            || self.apart(&mut announced).await?;
        while !self.inner.is_stopping()
            && self.step(Step::Shrink { pages: PAGES }).await?.can_shrink
        {}
        Ok(())
    }

    /// Removes the ends of links that tell nothing any more.
    async fn former_links(&self, announced: &mut bool) -> Result<(), JournalError> {
        let before = self.horizon.flows;
        let mut after = FormerKey::default();
        loop {
            let began = self.inner.clock.monotonic();
            let from = after.clone();
            let former = self
                .look(move |reader| reader.former_links(&from, before, WALKED))
                .await?;
            self.rest(began).await;
            for keys in former.spent.chunks(TOGETHER * 4) {
                self.announce(announced).await?;
                let keys = keys.to_vec();
                self.step(Step::FormerLinks { keys, before }).await?;
                if self.inner.is_stopping() {
                    return Ok(());
                }
            }
            match former.next {
                Some(next) if !self.inner.is_stopping() => after = next,
                _ => return Ok(()),
            }
        }
    }

    /// Forgets how far comparisons have come that are too old to be gone on with.
    async fn unfinished(&self) -> Result<(), JournalError> {
        let before = ago(self.inner.clock.now(), KEPT);
        if self.inner.reader.has_unfinished(before)? {
            self.step(Step::Unfinished { before }).await?;
        }
        Ok(())
    }

    /// Says before the first removal from when on the journal is whole.
    async fn announce(&self, announced: &mut bool) -> Result<(), JournalError> {
        if !std::mem::replace(announced, true) {
            let step = Step::Announce {
                before: self.horizon.flows,
                bodies_before: self.horizon.bodies,
            };
            self.inner.journal.tend(step).await?;
        }
        Ok(())
    }

    /// Returns whether nothing more is to be removed.
    async fn flows(&self, announced: &mut bool) -> Result<bool, JournalError> {
        let before = self.horizon.flows;
        let mut after: Option<FlowId> = None;
        loop {
            let from = after;
            let began = self.inner.clock.monotonic();
            let old = self
                .look(move |reader| reader.old_flows(from, before, LOOKED_AT))
                .await?;
            // Most of what is old may have to stay: looking at it is not to keep a core busy either.
            self.rest(began).await;
            if self.inner.is_stopping() {
                return Ok(true);
            }
            for flows in old.flows.chunks(TOGETHER) {
                self.announce(announced).await?;
                let flows = flows.to_vec();
                let removed = self.step(Step::Flows { flows, before }).await?;
                let is_enough = self
                    .enough
                    .is_some_and(|enough| removed.used_bytes <= enough);
                if is_enough || self.inner.is_stopping() {
                    return Ok(true);
                }
            }
            after = old.next;
            if after.is_none() {
                return Ok(false);
            }
        }
    }

    async fn bodies(&self, announced: &mut bool) -> Result<bool, JournalError> {
        let before = self.horizon.bodies;
        let (mut after, _) = self.inner.reader.looked_at()?;
        loop {
            let bare = self
                .look(move |reader| reader.bare(after, before, None, TOGETHER))
                .await?;
            let Some(next) = bare.next else {
                return Ok(false);
            };
            if !bare.rows.is_empty() {
                self.announce(announced).await?;
            }
            let step = Step::Bodies {
                rows: bare.rows,
                up_to: next,
            };
            self.step(step).await?;
            after = next;
            if self.inner.is_stopping() {
                return Ok(true);
            }
        }
    }

    async fn apart(&self, announced: &mut bool) -> Result<bool, JournalError> {
        let before = self.horizon.flows;
        let (_, mut after) = self.inner.reader.looked_at()?;
        loop {
            let apart = self
                .look(move |reader| reader.apart(after, before, WALKED))
                .await?;
            if apart.up_to > after {
                for rows in apart.rows.chunks(TOGETHER * 4) {
                    self.announce(announced).await?;
                    let up_to = rows.last().copied().unwrap_or(apart.up_to);
                    let rows = rows.to_vec();
                    self.step(Step::Apart { rows, up_to }).await?;
                }
                let step = Step::Apart {
                    rows: Vec::new(),
                    up_to: apart.up_to,
                };
                self.step(step).await?;
                after = apart.up_to;
            }
            if apart.is_all || self.inner.is_stopping() {
                return Ok(self.inner.is_stopping());
            }
        }
    }

    /// Reads without keeping a worker of the runtime from its work.
    async fn look<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Reader) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let reader = self.inner.reader.clone();
        let read = tokio::task::spawn_blocking(move || what(&reader)).await;
        read.map_err(|_| JournalError::Closed)?
    }

    async fn step(&self, step: Step) -> Result<Removed, JournalError> {
        let began = self.inner.clock.monotonic();
        let removed = self.inner.journal.tend(step).await?;
        self.rest(began).await;
        Ok(removed)
    }

    /// Leaves three quarters of the time to others, as long as a step takes no longer than a third of a second.
    async fn rest(&self, began: Duration) {
        if self.gently {
            let pause = self.inner.clock.monotonic().saturating_sub(began) * 3;
            tokio::time::sleep(pause.clamp(Duration::from_millis(5), Duration::from_secs(1))).await;
        }
    }
}

fn compaction(cause: CompactionCause, horizon: Horizon, removed: &Removed) -> Compaction {
    Compaction {
        cause,
        before: horizon.flows,
        bodies_before: horizon.bodies,
        flows: removed.flows,
        operations: removed.operations,
        exchanges: removed.exchanges,
        bodies: removed.bodies,
        facts: removed.facts,
        former_links: removed.former_links,
    }
}

fn preview(reader: &Reader, horizon: Horizon) -> Result<CompactionReport, JournalError> {
    let mut sum = Removed::default();
    let mut after = None;
    loop {
        let old = reader.old_flows(after, horizon.flows, LOOKED_AT)?;
        for flow in old.flows {
            let removed = reader.would_go(flow, horizon.flows)?;
            sum.flows += removed.flows;
            sum.operations += removed.operations;
            sum.exchanges += removed.exchanges;
            sum.facts += removed.facts;
        }
        after = old.next;
        if after.is_none() {
            break;
        }
    }
    let mut after = FormerKey::default();
    loop {
        let former = reader.former_links(&after, horizon.flows, WALKED)?;
        sum.former_links += former.spent.len() as u64;
        match former.next {
            Some(next) => after = next,
            None => break,
        }
    }
    let (mut bared, mut apart) = reader.looked_at()?;
    loop {
        let bare = reader.bare(bared, horizon.bodies, Some(horizon.flows), TOGETHER)?;
        sum.bodies += bare.rows.iter().map(|row| row.bodies).sum::<u64>();
        match bare.next {
            Some(next) => bared = next,
            None => break,
        }
    }
    loop {
        let found = reader.apart(apart, horizon.flows, WALKED)?;
        sum.facts += found.rows.len() as u64;
        apart = found.up_to;
        if found.is_all {
            break;
        }
    }
    let room = reader.room()?;
    Ok(CompactionReport {
        removed: compaction(CompactionCause::ByHand, horizon, &sum),
        preview: true,
        before: room,
        after: room,
    })
}

fn ago(now: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time)
        .ok()
        .and_then(|time| now.checked_sub(time).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
