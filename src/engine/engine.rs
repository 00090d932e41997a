//! The engine's handle: start, ask, command, watch, stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use domain::{Brake, Configuration, ConnectorRef, Hold, OperationId, Reason, Request};
use jiff::Timestamp;
use tokio::sync::{broadcast, oneshot, watch};

use crate::backlog::{Reading, entry};
use crate::blocking::{Progress, Waits};
use crate::brake::{Brakes, EngagedBrake, Tick};
use crate::dead::DecidedAgain;
use crate::directory::{self, Import, ImportError, ImportReport, Seed, Seeded};
use crate::handle::{
    CommandError, Idle, Options, Outcome, Plan, StartError, SubmitError, Subscription,
};
use crate::ids::Ids;
use crate::inner::{Inner, Owed, Owner, Tasks, Timer};
use crate::journal::{Batch, Journal, JournalError, Open, Reader};
use crate::keys::Keys;
use crate::lanes::Lanes;
use crate::limiter::{LIMIT_BELIEVED, LimitView};
use crate::passwords::Passwords;
use crate::quarantine::{Quarantine, Wards};
use crate::replay::ReplayError;
use crate::retry::{later, until};
use crate::runner::process_ended;
use crate::setup::Setup;
use crate::{Fact, Life};

/// How many pieces of news a subscriber may be behind before the oldest are dropped.
const NEWS: usize = 8192;

/// The running engine. Cheap to clone; all clones are the same engine, which ends when the last one is dropped.
#[derive(Clone)]
pub struct Engine {
    owner: Arc<Owner>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    /// Opens the journal, takes up what was left open, and begins to send.
    ///
    /// What was in flight when the last process ended is asked about first. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] when another process works on the journal, a newer program wrote it, or the rules cannot be used.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options {
            configuration,
            catalogue,
            connectors,
            clock,
            journal: path,
            seed,
            sends,
        } = options;
        let setup = Setup::new(configuration, catalogue, connectors).map_err(StartError::Rules)?;
        let news = broadcast::Sender::new(NEWS);
        let journal = Journal::open(&path, clock.now(), news.clone())?;
        let reader = Reader::open(&path)?;
        let tick = Tick::of(clock.as_ref());
        let inner = Arc::new(Inner {
            brakes: Brakes::load(&reader, &setup, tick)?,
            ids: Ids::new(seed, reader.last()?),
            holds: RwLock::new(reader.holds()?),
            setup: RwLock::new(Arc::new(setup)),
            configured: std::sync::Mutex::new(clock.now()),
            clock,
            journal,
            reader,
            news,
            keys: Keys::default(),
            passwords: Passwords::default(),
            waits: Waits::default(),
            wards: Wards::default(),
            lanes: Mutex::new(Lanes::default()),
            reading: Reading::default(),
            releasing: AtomicBool::new(false),
            tasks: Tasks::default(),
            pulse: watch::Sender::new(0),
            timer: Timer::default(),
            link_changes: 0.into(),
            stopping: watch::Sender::new(false),
            compacting: tokio::sync::Mutex::default(),
            sends,
        });
        inner.regulate();
        inner.resume_limits()?;
        inner.resume_wards()?;
        inner.recover().await?;
        inner.tasks.run(Arc::clone(&inner).keep_time());
        inner.tasks.run(Arc::clone(&inner).keep_unbraked());
        if sends {
            inner.tasks.run(Arc::clone(&inner).keep_bounded());
        }
        inner.pump();
        inner.release_in_time();
        Ok(Self {
            owner: Arc::new(Owner {
                inner,
                ended: false.into(),
            }),
        })
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.owner.inner
    }

    /// Lets a test reach the journal's writer.
    #[cfg(test)]
    pub(crate) fn inner_for_tests(&self) -> Arc<Inner> {
        Arc::clone(self.inner())
    }

    /// Takes a request. From its commit on, what follows from it is owed; a caller with blocking operations waits.
    ///
    /// A caller that stops waiting for this call changes nothing: the request is carried out all the same.
    ///
    /// # Errors
    /// [`SubmitError`] when the directory does not allow it or the journal cannot be written; nothing was done then.
    pub async fn submit(&self, request: Request) -> Result<Outcome, SubmitError> {
        let (reply, outcome) = oneshot::channel();
        let inner = Arc::clone(self.inner());
        inner.waits.stir.rise();
        self.inner().tasks.spawn(async move {
            let outcome = Arc::clone(&inner).submit(request).await;
            let _ = reply.send(outcome); // a caller that no longer waits needs no answer
            inner.waits.stir.rest();
            inner.beat();
        });
        outcome.await.unwrap_or(Err(SubmitError::Stopped))
    }

    /// Decides what a request would lead to. Nothing is written and nothing sent.
    pub fn plan(&self, request: &Request) -> Result<Plan, SubmitError> {
        self.inner().plan(request)
    }

    /// Follows what happens from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription {
            receiver: self.inner().news.subscribe(),
        }
    }

    /// Returns a reader on this engine's journal.
    pub fn reader(&self) -> Reader {
        self.inner().reader.clone()
    }

    /// Returns the configuration that is in force.
    pub fn configuration(&self) -> Arc<Configuration> {
        Arc::clone(&self.inner().setup().configuration)
    }

    /// Returns since when that configuration is in force.
    pub fn configured_at(&self) -> Timestamp {
        let inner = self.inner();
        *inner
            .configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what limits each connector at the moment: what the configuration allows and what was learnt of the target.
    pub fn limits(&self) -> Vec<(ConnectorRef, LimitView)> {
        let inner = self.inner();
        inner.lanes().limits(inner.clock.monotonic())
    }

    /// Waits until nothing is under way and nothing is due; what is due later or held may remain.
    pub async fn idle(&self) -> Idle {
        self.inner().quiet(None).await
    }

    /// Waits until nothing is under way and nothing becomes due before an instant.
    pub async fn idle_until(&self, deadline: Timestamp) -> Idle {
        self.inner().quiet(Some(deadline)).await
    }

    /// Waits until only the clock can set anything going: no request is being worked on, and at most `held` operations
    /// are at their targets. Returns for which monotonic time the next of them waits. For whoever moves a clock by hand.
    pub async fn standstill(&self, held: usize) -> Option<Duration> {
        self.inner().standstill(held).await
    }

    /// Tries an operation again now: a dead letter, or one that waits for its next attempt.
    pub async fn retry(&self, operation: OperationId) -> Result<(), CommandError> {
        self.inner().retry(operation).await
    }

    /// Decides a dead letter anew, by the directory and the configuration of now: a new operation takes its place, and
    /// what changed is told. A preview writes nothing.
    ///
    /// # Errors
    /// [`CommandError`] when it is no dead letter, is out of date, or its user or group is not here any more.
    pub async fn decide_again(
        &self,
        operation: OperationId,
        is_preview: bool,
    ) -> Result<DecidedAgain, CommandError> {
        self.inner().decide_again(operation, is_preview).await
    }

    /// Gives an operation up. What it would have done is not done.
    pub async fn discard(&self, operation: OperationId, why: &str) -> Result<(), CommandError> {
        self.inner().discard(operation, why).await
    }

    /// Sends nothing more to a connector until it is resumed, over restarts too. What is in flight ends.
    pub async fn pause(&self, connector: &ConnectorRef, detail: &str) -> Result<(), CommandError> {
        self.inner().pause(connector, detail).await
    }

    /// Sends to a paused connector again. A connector that `workbench.toml` pauses stays paused.
    pub async fn resume(&self, connector: &ConnectorRef, detail: &str) -> Result<(), CommandError> {
        self.inner().resume(connector, detail).await
    }

    /// Returns the brakes that have engaged.
    pub fn brakes(&self) -> Vec<EngagedBrake> {
        self.inner().engaged_brakes()
    }

    /// Lets what a brake keeps go on, in somebody's name, and does not count what comes until the approval expires.
    /// Returns how many operations go on.
    ///
    /// # Errors
    /// [`CommandError`] when the brake has not engaged, nobody is named, or the time is longer than
    /// [`LONGEST_APPROVAL`](crate::LONGEST_APPROVAL).
    pub async fn approve_brake(
        &self,
        connector: &ConnectorRef,
        brake: Brake,
        by: &str,
        reason: &str,
        expires: Duration,
    ) -> Result<u64, CommandError> {
        let inner = self.inner();
        inner
            .approve_brake(connector, brake, by, reason, expires)
            .await
    }

    /// Gives up what a brake keeps, in somebody's name. Returns how many operations that are.
    pub async fn reject_brake(
        &self,
        connector: &ConnectorRef,
        brake: Brake,
        by: &str,
        reason: &str,
    ) -> Result<u64, CommandError> {
        self.inner()
            .reject_brake(connector, brake, by, reason)
            .await
    }

    /// Returns the connectors that are left alone because too much failed there.
    pub fn quarantines(&self) -> Vec<Quarantine> {
        self.inner().wards.quarantines()
    }

    /// Ends a quarantine by hand: what is owed goes on, and what failed for the credentials alone is tried again.
    pub async fn release_quarantine(
        &self,
        connector: &ConnectorRef,
        why: &str,
    ) -> Result<(), CommandError> {
        self.inner().release_quarantine(connector, why).await
    }

    /// Has a connector in quarantine probed now. How it went is a fact: `connector-released` or `quarantined`.
    pub fn probe(&self, connector: &ConnectorRef) -> Result<(), CommandError> {
        self.inner().probe_now(connector)
    }

    /// Sends a recorded request once more, as an exchange of its own: nothing that is owed changes by it.
    ///
    /// # Errors
    /// [`ReplayError`] when it cannot be sent again, or nothing came back.
    pub async fn replay(
        &self,
        connector: &ConnectorRef,
        exchange: &domain::Exchange,
    ) -> Result<(), ReplayError> {
        self.inner().replay(connector, exchange).await
    }

    /// Works by another configuration from now on. Operations that were decided by the old one are finished.
    ///
    /// # Errors
    /// [`CommandError::Rules`] when its rules cannot be used; the old configuration stays in force.
    pub async fn reconfigure(&self, configuration: Arc<Configuration>) -> Result<(), CommandError> {
        let inner = self.inner();
        let setup = inner
            .setup()
            .with(configuration)
            .map_err(CommandError::Rules)?;
        *inner.setup.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(setup);
        let now = inner.clock.now();
        *inner
            .configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = now;
        inner.regulate();
        inner.review_wards().await?;
        inner.release_held().await?;
        inner.pump();
        inner.beat();
        Ok(())
    }

    /// Puts a starting state into the directory: no triggers, and what is there already is left alone.
    pub async fn seed(&self, seed: &Seed) -> Result<Seeded, SubmitError> {
        directory::put_seed(self.inner(), seed).await
    }

    /// Imports users, one trigger per row. `progress` is called after every row.
    ///
    /// Rows that are there already are skipped, so that an import that was stopped can be started again.
    ///
    /// # Errors
    /// [`ImportError`] when the content cannot be read on or the engine takes nothing more; a row that is wrong by
    /// itself is in the report.
    pub async fn import(
        &self,
        source: Import,
        progress: impl FnMut(&ImportReport) + Send,
    ) -> Result<ImportReport, ImportError> {
        directory::import(Arc::new(self.clone()), source, progress).await
    }

    /// Stops: takes nothing new, lets what is in flight end, and closes the journal.
    ///
    /// Callers that wait are refused or go on as their provisioner says; what is left is taken up at the next start.
    pub async fn shutdown(&self) {
        let inner = self.inner();
        inner.stopping.send_replace(true);
        inner.tasks.ended().await;
        self.close().await;
    }

    /// Ends at once, as a killed process would: nothing is finished, nothing more is written.
    pub async fn abort(&self) {
        let inner = self.inner();
        inner.stopping.send_replace(true);
        inner.tasks.cancel();
        inner.tasks.ended().await;
        self.close().await;
    }

    async fn close(&self) {
        if self.owner.ended.swap(true, Ordering::AcqRel) {
            return;
        }
        let inner = Arc::clone(self.inner());
        inner.tasks.cancel();
        // The writer may have to fold a large log into the file.
        let closed = tokio::task::spawn_blocking(move || inner.journal.close()).await;
        if let Err(error) = closed {
            tracing::error!(%error, "the journal was not closed in order");
        }
    }
}

impl Inner {
    /// Goes on with what the last process learnt of the targets' limits.
    fn resume_limits(&self) -> Result<(), JournalError> {
        let now = self.clock.now();
        let learnt = self.reader.learnt_limits()?;
        let mut lanes = self.lanes();
        for (connector, at, limit) in learnt {
            if until(at, now) < LIMIT_BELIEVED {
                lanes.resume_limit(&connector, &limit);
            }
        }
        Ok(())
    }

    /// Takes up what the last process left: attempts in doubt, open operations, callers who waited.
    async fn recover(self: &Arc<Self>) -> Result<(), JournalError> {
        self.doubt_interrupted().await?;
        self.leave_backlog()?;
        for unresolved in self.reader.unresolved()? {
            self.resolve(&unresolved).await?;
            // What only undoes a refused flow passes no gate, so none would ever be taken down.
            if unresolved.refused {
                self.close_when_ended(unresolved.flow)?;
            }
        }
        // The last process may have ended before what no brake keeps any more went on.
        self.brakes.loosen();
        Ok(())
    }

    /// Releases held operations whose connector is no longer held.
    pub(crate) async fn release_held(&self) -> Result<(), JournalError> {
        let mut after = 0;
        while !self.is_stopping() {
            // Read while nobody else releases, so that nothing is counted twice.
            let alone = self.brakes.alone().await;
            let held = self.held_connectors();
            let page = self.reader.held(after, 500)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.seq;
            let released: Vec<Open> = page
                .into_iter()
                .filter(|open| {
                    let by_connector = matches!(
                        open.life,
                        Life::Held {
                            reason: Reason::Paused | Reason::Quarantined
                        }
                    );
                    by_connector && !held.contains(&open.connector)
                })
                .collect();
            self.release_counted(&alone, released).await?;
        }
        Ok(())
    }

    /// Releases them beside everything else: there may be a million of them.
    fn release_in_time(self: &Arc<Self>) {
        self.releasing.store(true, Ordering::Release);
        let inner = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Err(error) = inner.release_held().await {
                tracing::error!(%error, "operations that are held no longer could not be released; the next start does it");
            }
            inner.releasing.store(false, Ordering::Release);
            inner.pump();
            inner.beat();
        });
    }

    /// Releases held operations; one that has gone on by itself meanwhile does not keep the others.
    pub(crate) async fn release(&self, held: &[Open]) -> Result<(), JournalError> {
        let said = self.release_each(held).await;
        said.into_iter().try_for_each(or_gone)
    }

    /// Releases held operations and returns what came of each.
    pub(crate) async fn release_each(&self, held: &[Open]) -> Vec<Result<(), JournalError>> {
        let said = self
            .say_of_each(held, |open| vec![self.released(open)])
            .await;
        let now = self.clock.monotonic();
        let mut lanes = self.lanes();
        for (open, _) in held.iter().zip(&said).filter(|(_, said)| said.is_ok()) {
            lanes.hurry(&open.connector, open.local, open.operation, now);
        }
        drop(lanes);
        said
    }

    /// Says that a held operation goes on.
    pub(crate) fn released(&self, open: &Open) -> Fact {
        Fact::Released {
            operation: open.operation,
            then: self.onward(open),
        }
    }

    /// Commits what is to be said of each of some operations, and returns what came of each. The writer takes them together,
    /// and yet each stands by itself: one that has gone on by itself meanwhile does not keep the others.
    pub(crate) async fn say_of_each(
        &self,
        all: &[Open],
        facts: impl Fn(&Open) -> Vec<Fact>,
    ) -> Vec<Result<(), JournalError>> {
        let batches = all.iter().map(|open| Batch::of(open.flow, facts(open)));
        let batches = batches.collect();
        let said = self.journal.append_each(self.clock.now(), batches).await;
        said.into_iter()
            .map(|said| said.map(|_| ()).map_err(|refused| refused.error))
            .collect()
    }

    /// How an operation goes on that was stopped: one with an attempt in doubt asks first.
    fn onward(&self, open: &Open) -> Life {
        if open.unsure {
            Life::InDoubt {
                at: self.clock.now(),
            }
        } else {
            Life::Queued
        }
    }

    async fn quiet(self: &Arc<Self>, deadline: Option<Timestamp>) -> Idle {
        let mut pulse = self.pulse.subscribe();
        loop {
            pulse.mark_unchanged();
            // The clock may have been moved just now, and the time keeper not have run yet.
            self.pump();
            let now = self.clock.monotonic();
            let (count, next) = {
                let lanes = self.lanes();
                (lanes.count(now), lanes.next_due(now))
            };
            let tails = self.lanes().tails();
            let is_held = count.held > 0 || tails.iter().any(|(_, _, is_held)| *is_held);
            let probes = self.wards.next_probe().filter(|_| is_held);
            let next = next.into_iter().chain(probes).min();
            let next = next.map(|at| later(self.clock.now(), at.saturating_sub(now)));
            let is_soon = match (next, deadline) {
                (Some(next), Some(deadline)) => next <= deadline,
                _ => false,
            };
            let is_quiet = count.active + self.wards.probing() == 0
                && !is_soon
                && !self.brakes.is_loose()
                && !self.releasing.load(Ordering::Acquire);
            if self.is_stopping() || !self.sends || is_quiet {
                let mut idle = Idle {
                    waiting: count.waiting,
                    next,
                    held: count.held,
                };
                for (connector, after, is_held) in tails {
                    let left = self.reader.open_count(&connector, after);
                    let left = left.unwrap_or_else(|error| {
                        tracing::error!(%error, "what waits in the journal cannot be counted");
                        0
                    });
                    *(if is_held {
                        &mut idle.held
                    } else {
                        &mut idle.waiting
                    }) += left;
                }
                return idle;
            }
            let _ = pulse.changed().await; // the sender lives as long as the engine
        }
    }

    pub(crate) async fn retry(
        self: &Arc<Self>,
        operation: OperationId,
    ) -> Result<(), CommandError> {
        let open = self
            .reader
            .head(operation)?
            .ok_or(CommandError::OperationUnknown(operation))?;
        let wrong = |told: &str| CommandError::WrongState {
            operation,
            state: open.life.word(),
            told: told.to_owned(),
        };
        match open.life {
            Life::Queued | Life::Retrying { .. } | Life::InDoubt { .. } | Life::Dead => {}
            Life::InFlight => return Err(wrong("wait for the answer")),
            Life::Held { .. } => return Err(wrong("resume its connector")),
            Life::Settled => return Err(wrong("there is nothing left to do")),
            Life::Discarded => return Err(wrong("make the change again")),
        }
        if open.life == Life::Dead {
            if !open.undoes && self.reader.is_refused(open.flow)? && !self.is_stray(&open)? {
                return Err(wrong(
                    "its request was refused; make the request again, and discard this",
                ));
            }
            if let Some(by) = self.reader.done_after(&open)? {
                return Err(CommandError::Superseded { operation, by });
            }
        }
        let then = match open.life {
            Life::InDoubt { at } if at > self.clock.now() && self.broke_off(&open)? => {
                return Err(wrong(&format!(
                    "its request may still be under way, and the target is asked at {at:.0}"
                )));
            }
            Life::InDoubt { .. } => Life::InDoubt {
                at: self.clock.now(),
            },
            _ => self.onward(&open),
        };
        let owed = Owed::of(open.flow, [Fact::Retried { operation, then }]);
        match self.commit(owed).await {
            Ok(_) => {}
            Err(JournalError::Illegal(_)) => return Err(wrong("it has gone on meanwhile")),
            Err(error) => return Err(error.into()),
        }
        let now = self.clock.monotonic();
        if open.life == Life::Dead {
            let due = entry(
                &Open {
                    life: then,
                    ..open.clone()
                },
                self.clock.now(),
                now,
            );
            self.lanes().push(&open.connector, open.local, due, now);
        } else {
            self.lanes()
                .hurry(&open.connector, open.local, operation, now);
        }
        self.pump();
        Ok(())
    }

    /// Tells whether the last thing that happened to an operation is that the process ended while its request was under
    /// way: whoever asks too soon asks before the target has carried it out.
    pub(crate) fn broke_off(&self, open: &Open) -> Result<bool, JournalError> {
        let trace = self.reader.trace(open.flow)?;
        let operation = trace.as_ref().and_then(|trace| {
            let mut all = trace.operations.iter();
            all.find(|operation| operation.queued.operation == open.operation)
        });
        let last = operation.and_then(|operation| operation.attempts.last());
        Ok(last.is_some_and(|attempt| {
            let ended = process_ended();
            let failed = attempt.failure.as_ref();
            let is_ended = failed
                .is_some_and(|failure| failure.kind == ended.kind && failure.told == ended.told);
            is_ended && attempt.asked.is_empty()
        }))
    }

    pub(crate) async fn discard(
        self: &Arc<Self>,
        operation: OperationId,
        why: &str,
    ) -> Result<(), CommandError> {
        let open = self
            .reader
            .head(operation)?
            .ok_or(CommandError::OperationUnknown(operation))?;
        let wrong = |told: &str| CommandError::WrongState {
            operation,
            state: open.life.word(),
            told: told.to_owned(),
        };
        let now = self.clock.monotonic();
        match open.life {
            Life::InDoubt { at } if at > self.clock.now() && self.broke_off(&open)? => {
                return Err(wrong(&format!(
                    "its request may still be under way until {at:.0}; the next of its lane would overtake it"
                )));
            }
            Life::Queued | Life::Retrying { .. } | Life::InDoubt { .. } | Life::Held { .. } => {
                let mut lanes = self.lanes();
                let removed = lanes.is_left(&open.connector, open.seq)
                    || lanes.remove(&open.connector, open.local, operation, now);
                drop(lanes);
                if !removed {
                    return Err(wrong("it is being worked on"));
                }
            }
            Life::Dead => {}
            Life::InFlight => return Err(wrong("wait for the answer")),
            Life::Settled => return Err(wrong("it is done")),
            Life::Discarded => return Err(wrong("it is given up already")),
        }
        let fact = Fact::Discarded {
            operation,
            why: why.to_owned(),
        };
        if let Err(error) = self.commit_given_up(&open, fact).await {
            if open.life != Life::Dead {
                let back = entry(&open, self.clock.now(), now);
                self.lanes().push(&open.connector, open.local, back, now);
            }
            return Err(match error {
                JournalError::Illegal(_) => wrong("it has gone on meanwhile"),
                error => error.into(),
            });
        }
        self.passwords.forget(operation);
        self.waits
            .tell(open.flow, operation, Progress::Discarded(why.to_owned()));
        self.pump();
        self.beat();
        Ok(())
    }

    async fn pause(
        self: &Arc<Self>,
        connector: &ConnectorRef,
        detail: &str,
    ) -> Result<(), CommandError> {
        self.known(connector)?;
        let hold = Hold {
            connector: connector.clone(),
            reason: Reason::Paused,
            detail: detail.to_owned(),
        };
        let mut batch = Batch::default();
        batch.push(
            None,
            Fact::ConnectorHeld {
                connector: hold.connector.clone(),
                reason: hold.reason,
                detail: hold.detail.clone(),
            },
        );
        self.append(batch).await?;
        {
            let mut holds = self.holds.write().unwrap_or_else(PoisonError::into_inner);
            holds.retain(|known| !(known.connector == *connector && known.reason == hold.reason));
            holds.push(hold);
        }
        self.regulate();
        self.waits.hold(connector, Reason::Paused, detail);
        self.beat();
        Ok(())
    }

    async fn resume(
        self: &Arc<Self>,
        connector: &ConnectorRef,
        detail: &str,
    ) -> Result<(), CommandError> {
        self.known(connector)?;
        let mut batch = Batch::default();
        batch.push(
            None,
            Fact::ConnectorReleased {
                connector: connector.clone(),
                reason: Reason::Paused,
                detail: detail.to_owned(),
            },
        );
        self.append(batch).await?;
        self.holds
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|known| !(known.connector == *connector && known.reason == Reason::Paused));
        self.regulate();
        self.release_held().await?;
        self.pump();
        self.beat();
        Ok(())
    }

    pub(crate) fn known(&self, connector: &ConnectorRef) -> Result<(), CommandError> {
        match self.setup().configuration.connector(connector) {
            Some(_) => Ok(()),
            None => Err(CommandError::ConnectorUnknown(connector.clone())),
        }
    }

    /// Commits facts that put nothing into a lane.
    pub(crate) async fn append(&self, batch: Batch) -> Result<(), JournalError> {
        self.journal
            .append(self.clock.now(), batch)
            .await
            .map(|_| ())
            .map_err(|refused| refused.error)
    }
}

/// Takes it for well that an operation has gone on by itself before something was said of it.
pub(crate) fn or_gone(said: Result<(), JournalError>) -> Result<(), JournalError> {
    match said {
        Err(JournalError::Illegal(_)) => Ok(()),
        said => said,
    }
}
