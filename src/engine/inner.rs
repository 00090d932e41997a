//! What all parts of a running engine share, and how they set each other going.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use domain::{Clock, ConnectorRef, FlowId, Hold, LocalRef, OperationId, Planned, Reason};
use jiff::Timestamp;
use tokio::sync::{Notify, broadcast, watch};
use uuid::Uuid;

use crate::backlog::Reading;
use crate::begin::Beginning;
use crate::blocking::Waits;
use crate::brake::Brakes;
use crate::doubt::Doubt;
use crate::handle::News;
use crate::ids::Ids;
use crate::journal::{Batch, Journal, JournalError, Open, Reader, Refused};
use crate::keys::Keys;
use crate::lanes::{Entry, Job, Lanes, Turn};
use crate::passwords::Passwords;
use crate::quarantine::Wards;
use crate::retention::TooLarge;
use crate::setup::Setup;
use crate::timer::sleep_until;
use crate::{Fact, Life, Queued};

/// How long to wait before the journal is tried again after it refused.
pub(crate) const JOURNAL_PAUSE: Duration = Duration::from_secs(1);

/// The running engine's inside.
pub(crate) struct Inner {
    pub(crate) setup: RwLock<Arc<Setup>>,
    /// Since when the configuration is in force.
    pub(crate) configured: Mutex<Timestamp>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Journal,
    pub(crate) reader: Reader,
    pub(crate) news: broadcast::Sender<News>,
    pub(crate) ids: Ids,
    pub(crate) keys: Keys,
    pub(crate) passwords: Passwords,
    pub(crate) waits: Waits,
    /// Connectors held by hand or by quarantine, as the journal has them.
    pub(crate) holds: RwLock<Vec<Hold>>,
    /// What keeps too much from being taken away at once.
    pub(crate) brakes: Brakes,
    /// How each connector fares, and which are left alone.
    pub(crate) wards: Wards,
    pub(crate) lanes: Mutex<Lanes>,
    /// Whether lanes are being filled from the journal.
    pub(crate) reading: Reading,
    /// Whether what was held when the process ended is being released.
    pub(crate) releasing: AtomicBool,
    pub(crate) tasks: Tasks,
    /// Beats whenever something ended or began, for those who wait for quiet.
    pub(crate) pulse: watch::Sender<u64>,
    pub(crate) timer: Timer,
    /// Counts the commits that change links, before they are made.
    pub(crate) link_changes: AtomicU64,
    /// No new request is taken, and nothing more is sent.
    pub(crate) stopping: watch::Sender<bool>,
    /// Held while what is old is removed.
    pub(crate) compacting: tokio::sync::Mutex<TooLarge>,
    /// Whether anything is sent at all.
    pub(crate) sends: bool,
}

/// Facts to commit, with the operations among them that are put into their lanes afterwards.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    pub(crate) batch: Batch,
    queued: Vec<(usize, FlowId, Queued, Arc<Planned>)>,
    /// Those of them whose first attempt is begun in the same commit.
    pub(crate) beginnings: Vec<Beginning>,
    /// Those of them that are not sent before somebody says so.
    deferred: BTreeSet<OperationId>,
}

/// How much was to be committed at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    facts: usize,
    queued: usize,
}

/// What came of one try to commit what has happened already.
#[derive(Debug)]
pub(crate) enum Tried {
    Committed,
    /// There is no room at the moment; this is to be committed later.
    Refused(Owed),
    /// The engine has stopped.
    Closed,
}

impl Owed {
    pub(crate) fn of(flow: FlowId, facts: impl IntoIterator<Item = Fact>) -> Self {
        Self {
            batch: Batch::of(flow, facts),
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, flow: FlowId, fact: Fact) {
        self.batch.push(Some(flow), fact);
    }

    pub(crate) fn queue(&mut self, flow: FlowId, queued: Queued, planned: impl Into<Arc<Planned>>) {
        let place = self.batch.len();
        self.queued
            .push((place, flow, queued.clone(), planned.into()));
        self.push(flow, Fact::OperationQueued { queued });
    }

    /// Returns how much is to be committed by now; what comes later can be taken [back](Self::back_to).
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            facts: self.batch.len(),
            queued: self.queued.len(),
        }
    }

    /// Takes back what came after a mark: facts and operations that are neither begun nor deferred.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.batch.truncate(mark.facts);
        self.queued.truncate(mark.queued);
    }

    /// Returns the operations that are queued here.
    pub(crate) fn queued(&self) -> impl Iterator<Item = (FlowId, &Queued, &Planned)> {
        let all = self.queued.iter();
        all.map(|(_, flow, queued, planned)| (*flow, queued, planned.as_ref()))
    }

    /// Keeps an operation that is queued here from being sent until its lane is told to go on with it.
    pub(crate) fn defer(&mut self, operation: OperationId) {
        self.deferred.insert(operation);
    }

    /// Adds what concerns a whole connector and no flow.
    pub(crate) fn apart(&mut self, facts: impl IntoIterator<Item = Fact>) {
        for fact in facts {
            self.batch.push(None, fact);
        }
    }

    /// Keeps the operations out of their lanes: they end in the same commit.
    pub(crate) fn unsent(self) -> Self {
        Self {
            queued: Vec::new(),
            ..self
        }
    }
}

impl Inner {
    pub(crate) fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.setup.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> Uuid {
        self.ids.next(self.clock.now())
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Commits facts; afterwards the operations among them stand in their lanes.
    pub(crate) async fn commit(&self, owed: Owed) -> Result<u64, JournalError> {
        self.try_commit(owed).await.map_err(|(error, owed)| {
            self.abandon(owed.beginnings);
            error
        })
    }

    async fn try_commit(&self, owed: Owed) -> Result<u64, (JournalError, Owed)> {
        let at = self.clock.now();
        let Owed {
            batch,
            queued,
            beginnings,
            deferred,
        } = owed;
        if batch.changes_links() {
            self.link_changes.fetch_add(1, Ordering::AcqRel);
        }
        match self.journal.append(at, batch).await {
            Ok(first) => {
                self.enter(first, queued, beginnings, &deferred);
                Ok(first)
            }
            Err(refused) => {
                let Refused { error, batch } = *refused;
                let owed = Owed {
                    batch,
                    queued,
                    beginnings,
                    deferred,
                };
                Err((error, owed))
            }
        }
    }

    /// Commits what has happened already, and so must be written: while the journal refuses, it is tried again.
    ///
    /// Returns `false` when the engine stops before there is room; what is not written is in doubt at the next start.
    pub(crate) async fn commit_surely(&self, mut owed: Owed) -> Result<bool, JournalError> {
        loop {
            match self.try_surely(owed).await? {
                Tried::Committed => return Ok(true),
                Tried::Closed => return Ok(false),
                Tried::Refused(back) => owed = back,
            }
            if !self.wait_for_room().await {
                return Ok(false);
            }
        }
    }

    /// Tries once to commit what has happened already.
    pub(crate) async fn try_surely(&self, owed: Owed) -> Result<Tried, JournalError> {
        match self.try_commit(owed).await {
            Ok(_) => Ok(Tried::Committed),
            Err((error @ (JournalError::Illegal(_) | JournalError::Unreadable { .. }), _)) => {
                Err(error)
            }
            Err((JournalError::Closed, _)) => Ok(Tried::Closed),
            Err((error, back)) => {
                tracing::error!(%error, "the journal refused what has happened already; it is tried again");
                Ok(Tried::Refused(back))
            }
        }
    }

    /// Waits before the journal is tried again. Returns `false` when the engine stops meanwhile.
    pub(crate) async fn wait_for_room(&self) -> bool {
        let mut stopping = self.stopping.subscribe();
        let until = self.clock.monotonic() + JOURNAL_PAUSE;
        tokio::select! {
            () = sleep_until(self.clock.as_ref(), until) => true,
            _ = stopping.wait_for(|stopping| *stopping) => false,
        }
    }

    fn enter(
        &self,
        first: u64,
        queued: Vec<(usize, FlowId, Queued, Arc<Planned>)>,
        mut beginnings: Vec<Beginning>,
        deferred: &BTreeSet<OperationId>,
    ) {
        if queued.is_empty() {
            return;
        }
        let now = self.clock.monotonic();
        let alone = queued.iter().all(|(_, _, queued, _)| {
            matches!(queued.local, LocalRef::User(_))
                && matches!(queued.cause, crate::Cause::Decision(_))
        });
        let mut lanes = self.lanes();
        for (index, flow, queued, planned) in queued {
            let seq = first + u64::try_from(index).unwrap_or(0);
            let hold = queued.held;
            let beginning = beginnings
                .iter()
                .position(|beginning| beginning.operation == queued.operation)
                .map(|at| beginnings.swap_remove(at));
            let head = Open {
                seq,
                operation: queued.operation,
                flow,
                trigger: queued.trigger,
                connector: queued.connector,
                local: queued.local,
                name: queued.name,
                life: match (hold, &beginning) {
                    (Some(reason), _) => Life::Held { reason },
                    (None, Some(_)) => Life::InFlight,
                    (None, None) => Life::Queued,
                },
                attempts: u32::from(beginning.is_some()),
                unsure: false,
                doubt: Doubt::NONE,
                undoes: matches!(queued.cause, crate::Cause::Undoes { .. }),
                joins: matches!(queued.cause, crate::Cause::MemberLinked { .. }),
            };
            let connector = head.connector.clone();
            if let Some(beginning) = beginning {
                let turn = Turn {
                    connector,
                    local: queued.local,
                    operation: queued.operation,
                    job: Some(Arc::new(Job {
                        head,
                        planned,
                        alone,
                    })),
                    begun: Some(beginning.begun),
                };
                lanes.begin(seq, turn);
                continue;
            }
            let entry = Entry {
                seq,
                operation: head.operation,
                due: Duration::ZERO,
                held: hold.is_some() || deferred.contains(&head.operation),
                // A held operation is read again when it is released.
                job: hold.is_none().then(|| {
                    Arc::new(Job {
                        head,
                        planned,
                        alone,
                    })
                }),
            };
            lanes.enter(&connector, queued.local, entry, now);
        }
    }

    /// Sends what may be sent now, and has more read where lanes run empty.
    pub(crate) fn pump(self: &Arc<Self>) {
        self.send_turns();
        if !self.is_stopping() && self.sends {
            self.read_on();
        }
    }

    /// Sends what may be sent now.
    pub(crate) fn send_turns(self: &Arc<Self>) {
        if self.is_stopping() || !self.sends {
            return;
        }
        let now = self.clock.monotonic();
        self.probe_due(now);
        let (turns, next) = {
            let mut lanes = self.lanes();
            (lanes.take(now), lanes.next_due(now))
        };
        for turn in turns {
            let inner = Arc::clone(self);
            self.tasks.spawn(async move {
                inner.work(turn).await;
            });
        }
        self.timer
            .set(next.into_iter().chain(self.wards.next_probe()).min());
    }

    /// Tells those who wait for quiet that something changed.
    pub(crate) fn beat(&self) {
        if self.pulse.receiver_count() > 0 {
            self.pulse.send_modify(|beats| *beats += 1);
        }
    }

    /// Wakes the lanes when their time has come, until the engine ends.
    pub(crate) async fn keep_time(self: Arc<Self>) {
        loop {
            let changed = self.timer.changed.notified();
            match self.timer.get() {
                Some(at) => {
                    tokio::select! {
                        () = sleep_until(self.clock.as_ref(), at) => {
                            self.timer.clear();
                            self.pump();
                            self.beat();
                        }
                        () = changed => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    /// Returns the connectors that may not be sent to.
    pub(crate) fn held_connectors(&self) -> BTreeSet<ConnectorRef> {
        let setup = self.setup();
        let mut held: BTreeSet<ConnectorRef> = setup.holds().map(|hold| hold.connector).collect();
        let by_hand = self.holds.read().unwrap_or_else(PoisonError::into_inner);
        held.extend(
            by_hand
                .iter()
                .filter(|hold| hold.reason != Reason::BrakeEngaged)
                .map(|hold| hold.connector.clone()),
        );
        held
    }

    /// Returns why nothing is sent to a connector for the present.
    pub(crate) fn hold_on(&self, connector: &ConnectorRef) -> Option<Hold> {
        let by_hand = self.holds.read().unwrap_or_else(PoisonError::into_inner);
        let setup = self.setup();
        let mut all = by_hand.iter().cloned().chain(setup.holds());
        all.find(|hold| hold.connector == *connector)
    }

    /// Puts limits and holds into force.
    pub(crate) fn regulate(&self) {
        let setup = self.setup();
        let held = self.held_connectors();
        self.lanes().configure(
            setup.configuration.engine.concurrency,
            setup.limits(),
            &held,
        );
    }
}

/// The tasks of one engine: they can be counted out, or ended all at once.
#[derive(Debug)]
pub(crate) struct Tasks {
    cancel: watch::Sender<bool>,
    live: Arc<Live>,
}

#[derive(Debug, Default)]
struct Live {
    count: AtomicUsize,
    none: Notify,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            cancel: watch::Sender::new(false),
            live: Arc::default(),
        }
    }
}

struct Alive(Arc<Live>);

impl Drop for Alive {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none.notify_waiters();
        }
    }
}

impl Tasks {
    /// Runs a task that counts until it ends.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.live.count.fetch_add(1, Ordering::AcqRel);
        let alive = Alive(Arc::clone(&self.live));
        // The work on an operation is kilobytes, which each layer around it would copy once more.
        let task = Box::pin(task);
        self.run(async move {
            task.await;
            drop(alive);
        });
    }

    /// Runs a task that lasts as long as the engine and does not count.
    pub(crate) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut cancel = self.cancel.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = cancel.wait_for(|cancelled| *cancelled) => {}
                () = task => {}
            }
        });
    }

    /// Ends every task where it stands.
    pub(crate) fn cancel(&self) {
        self.cancel.send_replace(true);
    }

    /// Waits until no counted task is left.
    pub(crate) async fn ended(&self) {
        loop {
            let none = self.live.none.notified();
            tokio::pin!(none);
            none.as_mut().enable();
            if self.live.count.load(Ordering::Acquire) == 0 {
                return;
            }
            none.await;
        }
    }
}

/// The instant for which the time keeper sleeps, in nanoseconds of the monotonic clock.
#[derive(Debug)]
pub(crate) struct Timer {
    at: AtomicU64,
    changed: Notify,
}

impl Default for Timer {
    fn default() -> Self {
        Self {
            at: AtomicU64::new(u64::MAX),
            changed: Notify::new(),
        }
    }
}

impl Timer {
    /// Has the time keeper wake at an instant, unless it wakes before anyway.
    fn set(&self, at: Option<Duration>) {
        let Some(at) = at else {
            return;
        };
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX - 1);
        if self.at.fetch_min(nanos, Ordering::AcqRel) > nanos {
            self.changed.notify_one();
        }
    }

    fn get(&self) -> Option<Duration> {
        let at = self.at.load(Ordering::Acquire);
        (at != u64::MAX).then(|| Duration::from_nanos(at))
    }

    fn clear(&self) {
        self.at.store(u64::MAX, Ordering::Release);
    }
}

/// Ends the tasks when the last handle on the engine is dropped; the journal's writer ends with them.
pub(crate) struct Owner {
    pub(crate) inner: Arc<Inner>,
    pub(crate) ended: AtomicBool,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.inner.tasks.cancel();
    }
}
