//! Who may be sent now: one lane per user or group and connector, strictly in order; different lanes side by side.
//!
//! Pure bookkeeping in monotonic time. It knows what is owed and when, not what it is.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use domain::{ConnectorRef, LocalRef, OperationId, Planned};

use crate::backlog::{LOW, Tail, WINDOW};
use crate::begin::Begun;
use crate::journal::Open;
use crate::limiter::{Allowed, Answered, LearntLimit, LimitView, Limiter, Refusal};

/// An operation with what it is to do, kept in memory while it is fresh.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) head: Open,
    pub(crate) planned: Arc<Planned>,
    /// Whether it is known that its request put nobody into a group.
    pub(crate) alone: bool,
}

/// One operation in its lane.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The order within the lane.
    pub(crate) seq: u64,
    pub(crate) operation: OperationId,
    /// Not before this.
    pub(crate) due: Duration,
    pub(crate) held: bool,
    /// The operation itself, when it is fresh; else it is read from the journal.
    pub(crate) job: Option<Arc<Job>>,
}

/// An operation whose turn has come.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) connector: ConnectorRef,
    pub(crate) local: LocalRef,
    pub(crate) operation: OperationId,
    pub(crate) job: Option<Arc<Job>>,
    /// What is sent, when the attempt was begun with the operation.
    pub(crate) begun: Option<Begun>,
}

/// What becomes of an operation after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has ended; the lane goes on.
    Gone,
    /// It stays at the head of its lane and is due at this time.
    Again(Duration),
    /// It stays at the head of its lane until it is released.
    Held,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Ready,
    Later(Duration),
    Busy,
    Held,
    /// Nowhere: it has nothing, or is about to be put where it belongs.
    Nowhere,
}

#[derive(Debug)]
struct Lane {
    entries: VecDeque<Entry>,
    place: Place,
}

/// The lanes of one connector.
#[derive(Debug)]
struct Pipe {
    connector: ConnectorRef,
    lanes: HashMap<LocalRef, Lane>,
    /// May name lanes that are not ready any more; `ready_count` does not.
    ready: VecDeque<LocalRef>,
    ready_count: usize,
    held_count: usize,
    /// All operations in all lanes.
    total: usize,
    later: BTreeSet<(Duration, LocalRef)>,
    running: usize,
    limiter: Limiter,
    held: bool,
    /// The target asked for quiet until then.
    quiet_until: Duration,
    /// What stands in the journal only.
    tail: Option<Tail>,
    /// Every operation up to this number that was open then was read from the journal.
    read_to: u64,
    /// Lanes from which nothing is taken for a moment; see [`Lanes::keep`].
    staying: HashMap<LocalRef, Stay>,
}

/// How long at most others may make a lane stay that stays already: each of them is done in a moment, and under load there
/// is always another.
const LONGEST_STAY: Duration = Duration::from_secs(1);

/// A lane that stays as it is.
#[derive(Debug, Clone, Copy)]
struct Stay {
    /// How many want it.
    count: usize,
    since: Duration,
}

/// All lanes.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    pipes: Vec<Pipe>,
    by_connector: HashMap<ConnectorRef, usize>,
    turn: usize,
    running: usize,
    limit: usize,
    /// How many jobs are kept in memory.
    kept: usize,
    /// Attempts that were begun with their operations, to be carried out.
    begun: Vec<Turn>,
}

/// How many fresh operations keep their bodies in memory; the rest is read when its turn comes.
const KEPT: usize = 4_000;

/// How many operations wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Ready or running.
    pub(crate) active: usize,
    pub(crate) waiting: usize,
    pub(crate) held: usize,
}

impl Lanes {
    /// Sets the limits and which connectors are held; connectors that are gone keep their lanes, held.
    pub(crate) fn configure(
        &mut self,
        overall: usize,
        limits: impl Iterator<Item = (ConnectorRef, Allowed)>,
        held: &BTreeSet<ConnectorRef>,
    ) {
        self.limit = overall.max(1);
        for (connector, allowed) in limits {
            let at = self.pipe(&connector);
            self.pipes[at].limiter.allow(allowed);
        }
        for pipe in &mut self.pipes {
            let is_held = held.contains(&pipe.connector);
            // Whoever lets a connector go on wants to see it sent to, whatever its target asked for before.
            if pipe.held && !is_held {
                pipe.quiet_until = Duration::ZERO;
            }
            pipe.held = is_held;
        }
    }

    fn pipe(&mut self, connector: &ConnectorRef) -> usize {
        if let Some(at) = self.by_connector.get(connector) {
            return *at;
        }
        self.pipes.push(Pipe {
            connector: connector.clone(),
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            ready_count: 0,
            held_count: 0,
            total: 0,
            later: BTreeSet::new(),
            running: 0,
            limiter: Limiter::new(Allowed {
                concurrency: 1,
                rate: None,
                learns: true,
            }),
            held: false,
            quiet_until: Duration::ZERO,
            tail: None,
            read_to: 0,
            staying: HashMap::new(),
        });
        let at = self.pipes.len() - 1;
        self.by_connector.insert(connector.clone(), at);
        at
    }

    /// Puts an operation into its lane, at the place that its number gives it.
    pub(crate) fn push(
        &mut self,
        connector: &ConnectorRef,
        local: LocalRef,
        mut entry: Entry,
        now: Duration,
    ) {
        let at = self.pipe(connector);
        if self.pipes[at].leaves(entry.seq) {
            return;
        }
        if entry.job.is_some() && self.kept >= KEPT {
            entry.job = None;
        }
        self.kept += usize::from(entry.job.is_some());
        self.pipes[at].push(local, entry, now);
    }

    /// Puts an operation that was committed just now into its lane, unless it was read from the journal already.
    pub(crate) fn enter(
        &mut self,
        connector: &ConnectorRef,
        local: LocalRef,
        entry: Entry,
        now: Duration,
    ) {
        let at = self.pipe(connector);
        if entry.seq > self.pipes[at].read_to {
            self.push(connector, local, entry, now);
        }
    }

    /// Leaves what a connector is owed to the journal.
    pub(crate) fn leave(&mut self, connector: &ConnectorRef, tail: Tail) {
        let at = self.pipe(connector);
        self.pipes[at].tail = Some(tail);
    }

    /// Returns a connector whose lanes have room for more of what stands in the journal, and after which number.
    pub(crate) fn wanted(&self) -> Option<(ConnectorRef, u64)> {
        self.pipes
            .iter()
            .find_map(|pipe| Some((pipe.connector.clone(), pipe.wanted()?)))
    }

    /// Returns after which number there is more of a connector in the journal, when its lanes have room for it, may it be sent
    /// or not.
    pub(crate) fn room(&self, connector: &ConnectorRef) -> Option<u64> {
        let pipe = &self.pipes[*self.by_connector.get(connector)?];
        let tail = pipe.tail.filter(|_| pipe.total < WINDOW);
        tail.map(|tail| tail.after)
    }

    /// Tells whether an operation is the next of its lane and is not worked on.
    pub(crate) fn is_next(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
        operation: OperationId,
    ) -> bool {
        let pipe = self.by_connector.get(connector);
        let lane = pipe.and_then(|at| self.pipes[*at].lanes.get(&local));
        lane.is_some_and(|lane| {
            let next = lane.entries.front();
            lane.place != Place::Busy && next.is_some_and(|next| next.operation == operation)
        })
    }

    /// Returns the operations that are the next of their lanes and wait for their time, the first that is due first.
    pub(crate) fn waiting(&self, connector: &ConnectorRef) -> Vec<(LocalRef, OperationId)> {
        let Some(at) = self.by_connector.get(connector) else {
            return Vec::new();
        };
        let pipe = &self.pipes[*at];
        let next = pipe.later.iter().filter_map(|(_, local)| {
            let head = pipe.lanes.get(local)?.entries.front()?;
            Some((*local, head.operation))
        });
        next.collect()
    }

    /// Takes operations into the lanes that were read from the journal: those after a number, up to another. Nobody else may
    /// have read them meanwhile.
    pub(crate) fn take_up(
        &mut self,
        connector: &ConnectorRef,
        entries: Vec<(LocalRef, Entry)>,
        (after, up_to): (u64, u64),
        whole: bool,
        now: Duration,
    ) {
        let at = self.pipe(connector);
        let pipe = &mut self.pipes[at];
        let Some(tail) = pipe.tail.take_if(|tail| tail.after == after) else {
            return;
        };
        for (local, entry) in entries {
            pipe.push(local, entry, now);
        }
        pipe.read_to = pipe.read_to.max(up_to);
        pipe.tail = tail.read_to(up_to, whole);
    }

    /// Returns what stands in the journal only: the connector, after which number, and whether it is held.
    pub(crate) fn tails(&self) -> Vec<(ConnectorRef, u64, bool)> {
        self.pipes
            .iter()
            .filter_map(|pipe| Some((pipe.connector.clone(), pipe.tail?.after, pipe.held)))
            .collect()
    }

    /// Tells whether an operation stands in the journal only.
    pub(crate) fn is_left(&self, connector: &ConnectorRef, seq: u64) -> bool {
        let pipe = self.by_connector.get(connector);
        pipe.and_then(|at| self.pipes[*at].tail)
            .is_some_and(|tail| tail.has(seq))
    }

    /// Takes as many operations as may be sent now, the connectors in turn.
    ///
    /// Half of what may be in flight over all is set aside, in equal parts, for each connector that is sent to: one whose
    /// target does not answer can fill its own part and what is shared, and no more.
    pub(crate) fn take(&mut self, now: Duration) -> Vec<Turn> {
        let mut turns = std::mem::take(&mut self.begun);
        let mut idle = 0;
        for pipe in &mut self.pipes {
            pipe.wake(now);
        }
        let open = self.pipes.iter().filter(|pipe| !pipe.held).count().max(1);
        let part = self.limit / 2 / open;
        let own = |pipe: &Pipe| part.min(pipe.limiter.slots());
        let set_aside: usize = self.pipes.iter().filter(|pipe| !pipe.held).map(own).sum();
        let shared = self.limit.saturating_sub(set_aside);
        let mut borrowed: usize = self
            .pipes
            .iter()
            .map(|pipe| {
                let own = if pipe.held { 0 } else { own(pipe) };
                pipe.running.saturating_sub(own)
            })
            .sum();
        while idle < self.pipes.len() {
            self.turn = (self.turn + 1) % self.pipes.len();
            let pipe = &mut self.pipes[self.turn];
            let borrows = pipe.running >= own(pipe);
            if borrows && borrowed >= shared {
                idle += 1;
                continue;
            }
            match pipe.take(now) {
                Some(turn) => {
                    idle = 0;
                    self.running += 1;
                    borrowed += usize::from(borrows);
                    self.kept -= usize::from(turn.job.is_some());
                    turns.push(turn);
                }
                None => idle += 1,
            }
        }
        turns
    }

    /// Takes a place for an operation that is about to be committed as begun, when it could be sent at once: its lane is
    /// empty, and nobody waits for the place.
    pub(crate) fn claim(
        &mut self,
        connector: &ConnectorRef,
        local: LocalRef,
        operation: OperationId,
        now: Duration,
    ) -> bool {
        let at = self.pipe(connector);
        let has_place = self.running < self.limit && self.pipes[at].claim(local, operation, now);
        self.running += usize::from(has_place);
        has_place
    }

    /// Carries out what was begun, now that it is committed.
    pub(crate) fn begin(&mut self, seq: u64, turn: Turn) {
        let at = self.pipe(&turn.connector);
        self.pipes[at].number(turn.local, turn.operation, seq);
        self.begun.push(turn);
    }

    /// Gives a place back whose operation was not committed.
    pub(crate) fn abandon(
        &mut self,
        connector: &ConnectorRef,
        local: LocalRef,
        operation: OperationId,
        now: Duration,
    ) {
        // It was never sent, so nothing is learnt of it.
        let _ = self.finish(connector, local, operation, Fate::Gone, None, now);
    }

    /// Takes one operation although its connector is held, to see whether the target works again; that of a lane, or any.
    pub(crate) fn probe(
        &mut self,
        connector: &ConnectorRef,
        local: Option<LocalRef>,
        now: Duration,
    ) -> Option<Turn> {
        let at = self.pipe(connector);
        let pipe = &mut self.pipes[at];
        pipe.wake(now);
        if let Some(local) = local {
            // It is found at the front; where it stood before it is passed over.
            pipe.ready.push_front(local);
        }
        let turn = pipe.take_ready(now)?;
        self.running += 1;
        self.kept -= usize::from(turn.job.is_some());
        Some(turn)
    }

    /// Ends a turn.
    pub(crate) fn finish(
        &mut self,
        connector: &ConnectorRef,
        local: LocalRef,
        operation: OperationId,
        fate: Fate,
        answered: Option<Answered>,
        now: Duration,
    ) -> Option<LearntLimit> {
        self.running -= 1;
        let at = self.pipe(connector);
        let pipe = &mut self.pipes[at];
        pipe.finish(local, operation, fate, now);
        answered.and_then(|answered| pipe.limiter.answered(answered, now))
    }

    /// Learns that a target asked for quiet, and keeps it: nothing more is sent to the connector for the time.
    pub(crate) fn too_many(
        &mut self,
        connector: &ConnectorRef,
        started: Duration,
        after: Option<Duration>,
        now: Duration,
        draw: impl FnOnce(Duration) -> Duration,
    ) -> Refusal {
        let at = self.pipe(connector);
        let refusal = self.pipes[at].limiter.too_many(started, after, now, draw);
        self.quiet(connector, now.saturating_add(refusal.pause));
        refusal
    }

    /// Goes on with what an earlier process learnt of a target.
    pub(crate) fn resume_limit(&mut self, connector: &ConnectorRef, learnt: &LearntLimit) {
        let at = self.pipe(connector);
        self.pipes[at].limiter.resume(learnt);
    }

    /// Returns what limits each connector at the moment.
    pub(crate) fn limits(&self, now: Duration) -> Vec<(ConnectorRef, LimitView)> {
        self.pipes
            .iter()
            .map(|pipe| {
                let quiet_for = pipe.quiet_until.saturating_sub(now);
                let view = pipe.limiter.view(pipe.running, quiet_for);
                (pipe.connector.clone(), view)
            })
            .collect()
    }

    /// Sends nothing to a connector until then: its target asked for it.
    pub(crate) fn quiet(&mut self, connector: &ConnectorRef, until: Duration) {
        let at = self.pipe(connector);
        let pipe = &mut self.pipes[at];
        pipe.quiet_until = pipe.quiet_until.max(until);
    }

    /// Returns how long a connector's target still wants quiet, when it does.
    pub(crate) fn quiet_for(&self, connector: &ConnectorRef, now: Duration) -> Option<Duration> {
        let pipe = &self.pipes[*self.by_connector.get(connector)?];
        pipe.quiet_until
            .checked_sub(now)
            .filter(|left| !left.is_zero())
    }

    /// Takes an operation out that is not being worked on; tells whether it was there.
    pub(crate) fn remove(
        &mut self,
        connector: &ConnectorRef,
        local: LocalRef,
        operation: OperationId,
        now: Duration,
    ) -> bool {
        let at = self.pipe(connector);
        let removed = self.pipes[at].remove(local, operation, now);
        if let Some(entry) = &removed {
            self.kept -= usize::from(entry.job.is_some());
        }
        removed.is_some()
    }

    /// Makes a waiting or held operation due now.
    pub(crate) fn hurry(
        &mut self,
        connector: &ConnectorRef,
        local: LocalRef,
        operation: OperationId,
        now: Duration,
    ) {
        let at = self.pipe(connector);
        self.pipes[at].hurry(local, operation, now);
    }

    /// Tells whether an operation waits in its lane, or in the journal, and has not been taken.
    fn is_waiting(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
        operation: OperationId,
        seq: u64,
    ) -> bool {
        if self.is_left(connector, seq) {
            return true;
        }
        let lane = self
            .by_connector
            .get(connector)
            .and_then(|at| self.pipes[*at].lanes.get(&local));
        lane.is_some_and(|lane| {
            let skip = usize::from(lane.place == Place::Busy);
            lane.entries
                .iter()
                .skip(skip)
                .any(|entry| entry.operation == operation)
        })
    }

    /// Keeps an operation that waits, and its whole lane, from being taken until [`let_go`](Self::let_go) is called. Returns
    /// whether it could: the operation may be taken already, or the lane be kept for long enough by others.
    pub(crate) fn keep(
        &mut self,
        connector: &ConnectorRef,
        local: LocalRef,
        operation: OperationId,
        seq: u64,
        now: Duration,
    ) -> bool {
        if !self.is_waiting(connector, local, operation, seq) {
            return false;
        }
        let at = self.pipe(connector);
        self.pipes[at].keep(local, now)
    }

    /// Lets a lane go on that was kept.
    pub(crate) fn let_go(&mut self, connector: &ConnectorRef, local: LocalRef, now: Duration) {
        let at = self.pipe(connector);
        self.pipes[at].let_go(local, now);
    }

    /// Returns when the next operation becomes due, when one will.
    pub(crate) fn next_due(&self, now: Duration) -> Option<Duration> {
        self.pipes
            .iter()
            .filter_map(|pipe| pipe.next_due(now))
            .min()
    }

    /// Returns how many operations are being worked on.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// Counts what waits.
    pub(crate) fn count(&self, now: Duration) -> Count {
        let mut count = Count::default();
        for pipe in &self.pipes {
            count.active += pipe.running + usize::from(pipe.wanted().is_some());
            let waiting = pipe.later.len();
            let held = pipe.held_count;
            if pipe.held {
                count.held += pipe.total - pipe.running;
            } else if pipe.silent_until(now) > now {
                count.waiting += waiting + pipe.ready_count;
                count.held += held;
            } else {
                count.active += pipe.ready_count;
                count.waiting += waiting;
                count.held += held;
            }
        }
        count
    }
}

impl Pipe {
    /// Leaves a new operation to the journal when older ones stand there, or when there is no room for it.
    fn leaves(&mut self, seq: u64) -> bool {
        if self.tail.is_none() && self.total >= WINDOW {
            self.tail = Some(Tail::after(seq - 1));
        }
        match &mut self.tail {
            Some(tail) if tail.has(seq) => {
                tail.leave(seq);
                true
            }
            _ => false,
        }
    }

    fn wanted(&self) -> Option<u64> {
        let has_room = !self.held && self.ready_count < LOW && self.total < WINDOW;
        self.tail.filter(|_| has_room).map(|tail| tail.after)
    }

    fn push(&mut self, local: LocalRef, entry: Entry, now: Duration) {
        let lane = self.lanes.entry(local).or_insert_with(|| Lane {
            entries: VecDeque::new(),
            place: Place::Nowhere,
        });
        let at = lane.entries.partition_point(|known| known.seq < entry.seq);
        // Whatever is being worked on stays at the head, even when an older operation comes back by hand.
        let at = at.max(usize::from(lane.place == Place::Busy));
        lane.entries.insert(at, entry);
        self.total += 1;
        self.settle(local, now);
    }

    /// Puts a lane where its head belongs.
    fn settle(&mut self, local: LocalRef, now: Duration) {
        let Some(lane) = self.lanes.get_mut(&local) else {
            return;
        };
        let before = lane.place;
        if before == Place::Busy {
            return;
        }
        let place = match lane.entries.front() {
            None => Place::Nowhere,
            Some(head) if head.held || self.staying.contains_key(&local) => Place::Held,
            Some(head) if head.due > now => Place::Later(head.due),
            Some(_) => Place::Ready,
        };
        lane.place = place;
        let empty = lane.entries.is_empty();
        if before != place {
            self.leave(local, before);
            match place {
                Place::Ready => {
                    self.ready.push_back(local);
                    self.ready_count += 1;
                }
                Place::Later(due) => {
                    self.later.insert((due, local));
                }
                Place::Held => self.held_count += 1,
                Place::Busy | Place::Nowhere => {}
            }
        }
        if empty {
            self.lanes.remove(&local);
        }
    }

    fn leave(&mut self, local: LocalRef, place: Place) {
        match place {
            Place::Ready => self.ready_count -= 1,
            Place::Later(due) => {
                self.later.remove(&(due, local));
            }
            Place::Held => self.held_count -= 1,
            Place::Busy | Place::Nowhere => {}
        }
    }

    fn wake(&mut self, now: Duration) {
        while let Some((due, local)) = self.later.first().copied() {
            if due > now {
                break;
            }
            self.settle(local, now);
        }
    }

    fn take(&mut self, now: Duration) -> Option<Turn> {
        if self.held || self.running >= self.limiter.slots() || self.silent_until(now) > now {
            return None;
        }
        self.take_ready(now)
    }

    fn take_ready(&mut self, now: Duration) -> Option<Turn> {
        while let Some(local) = self.ready.pop_front() {
            let Some(lane) = self.lanes.get_mut(&local) else {
                continue;
            };
            if lane.place != Place::Ready {
                continue;
            }
            let Some(head) = lane.entries.front_mut() else {
                continue;
            };
            let turn = Turn {
                connector: self.connector.clone(),
                local,
                operation: head.operation,
                job: head.job.take(),
                begun: None,
            };
            lane.place = Place::Busy;
            self.ready_count -= 1;
            self.running += 1;
            self.limiter.take(now);
            return Some(turn);
        }
        None
    }

    fn claim(&mut self, local: LocalRef, operation: OperationId, now: Duration) -> bool {
        let is_free = !self.held
            && self.running < self.limiter.slots()
            && self.silent_until(now) <= now
            && self.ready_count == 0
            && self.tail.is_none()
            && !self.lanes.contains_key(&local);
        if !is_free {
            return false;
        }
        let entry = Entry {
            // Its number is known when it is committed; whatever comes meanwhile is behind it, for it is busy.
            seq: u64::MAX,
            operation,
            due: Duration::ZERO,
            held: false,
            job: None,
        };
        let lane = Lane {
            entries: VecDeque::from([entry]),
            place: Place::Busy,
        };
        self.limiter.take(now);
        self.lanes.insert(local, lane);
        self.total += 1;
        self.running += 1;
        true
    }

    fn number(&mut self, local: LocalRef, operation: OperationId, seq: u64) {
        let lane = self.lanes.get_mut(&local);
        let mut entries = lane.into_iter().flat_map(|lane| &mut lane.entries);
        if let Some(entry) = entries.find(|entry| entry.operation == operation) {
            entry.seq = seq;
        }
    }

    fn finish(&mut self, local: LocalRef, operation: OperationId, fate: Fate, now: Duration) {
        self.running -= 1;
        let Some(lane) = self.lanes.get_mut(&local) else {
            return;
        };
        // The place was left when the turn was taken.
        lane.place = Place::Nowhere;
        if let Some(at) = lane
            .entries
            .iter()
            .position(|entry| entry.operation == operation)
        {
            match fate {
                Fate::Gone => {
                    lane.entries.remove(at);
                    self.total -= 1;
                }
                Fate::Again(due) => {
                    lane.entries[at].due = due;
                    lane.entries[at].held = false;
                }
                Fate::Held => lane.entries[at].held = true,
            }
        }
        lane.entries
            .make_contiguous()
            .sort_by_key(|entry| entry.seq);
        self.settle(local, now);
    }

    fn remove(&mut self, local: LocalRef, operation: OperationId, now: Duration) -> Option<Entry> {
        let lane = self.lanes.get_mut(&local)?;
        let at = lane
            .entries
            .iter()
            .position(|entry| entry.operation == operation)?;
        if lane.place == Place::Busy && at == 0 {
            return None;
        }
        let entry = lane.entries.remove(at);
        self.total -= usize::from(entry.is_some());
        self.settle(local, now);
        entry
    }

    fn hurry(&mut self, local: LocalRef, operation: OperationId, now: Duration) {
        let Some(lane) = self.lanes.get_mut(&local) else {
            return;
        };
        if let Some(entry) = lane
            .entries
            .iter_mut()
            .find(|entry| entry.operation == operation)
        {
            entry.due = Duration::ZERO;
            entry.held = false;
        }
        self.settle(local, now);
    }

    fn keep(&mut self, local: LocalRef, now: Duration) -> bool {
        let stay = self.staying.entry(local).or_insert(Stay {
            count: 0,
            since: now,
        });
        if now.saturating_sub(stay.since) > LONGEST_STAY {
            return false;
        }
        stay.count += 1;
        self.settle(local, now);
        true
    }

    fn let_go(&mut self, local: LocalRef, now: Duration) {
        let Some(stay) = self.staying.get_mut(&local) else {
            return;
        };
        stay.count -= 1;
        if stay.count == 0 {
            self.staying.remove(&local);
            self.settle(local, now);
        }
    }

    fn next_due(&self, now: Duration) -> Option<Duration> {
        if self.held {
            return None;
        }
        // A ready lane that waits for a free place is taken when one ends, not by the clock.
        let silent = self.silent_until(now);
        let is_full = self.running >= self.limiter.slots();
        let quiet = (self.ready_count > 0 && silent > now && !is_full).then_some(silent);
        let later = self.later.first().map(|(due, _)| (*due).max(silent));
        quiet.into_iter().chain(later).min()
    }

    /// Returns until when nothing is sent: the target asked for quiet, or its limit is reached.
    fn silent_until(&self, now: Duration) -> Duration {
        let paced = self.limiter.not_before(now).unwrap_or(Duration::ZERO);
        self.quiet_until.max(paced)
    }
}
