//! The brakes: too many accounts that are taken away at once wait for somebody's approval.
//!
//! Deletes, deactivations and group removals are counted by themselves, at each connector, as they are decided. What is
//! more than the policy allows is kept, and so is everything of the same kind that comes after it, until a named person
//! approves, for a time, or rejects. What undoes a refused request is not counted: it takes away what was just made. What
//! a pause or a quarantine kept for longer than the window is counted once more when it ends, for then it goes all at once.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use decide::Decisions;
use domain::{Brake, BrakePolicy, ConnectorRef, Reason, Step, TraceLine, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::engine::or_gone;
use crate::handle::CommandError;
use crate::inner::{Inner, Owed};
use crate::journal::{Batch, JournalError, Open, Reader};
use crate::retry::{later, until};
use crate::setup::Setup;
use crate::{Fact, OperationView};

/// The longest time for which an approval may be given.
pub const LONGEST_APPROVAL: Duration = Duration::from_hours(7 * 24);

/// How many operations are released or given up in one commit.
const PAGE: usize = 200;

/// A brake that has engaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngagedBrake {
    /// The connector.
    pub connector: ConnectorRef,
    /// What is kept.
    pub brake: Brake,
    /// Since when.
    pub since: Timestamp,
    /// How many would have been taken away, the one that was too many included.
    pub counted: u64,
    /// Of how many accounts.
    pub accounts: u64,
    /// The policy at that time.
    pub percent: u32,
    /// The policy at that time.
    pub count: u32,
    /// The policy at that time.
    pub window: Duration,
}

impl EngagedBrake {
    /// Makes the fact that is committed with what made it engage.
    pub(crate) fn fact(self) -> Fact {
        tracing::warn!(connector = %self.connector, told = %self.told(), "a brake has engaged");
        Fact::BrakeEngaged {
            engaged: Box::new(self),
        }
    }

    /// Returns why it engaged and what lets go of it, in a sentence.
    pub fn told(&self) -> String {
        format!(
            "{} {} of {} within {} minutes is more than {} and {} %; approve or reject with `outbound brake`",
            self.counted,
            self.brake.says(),
            self.accounts,
            self.window.as_secs().div_ceil(60),
            self.count,
            self.percent
        )
    }
}

/// Somebody's word that it is meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// The connector.
    pub connector: ConnectorRef,
    /// What may be taken away.
    pub brake: Brake,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Until when what is taken away is not counted.
    pub until: Timestamp,
}

/// What a brake counts: one kind at one connector.
type Key = (ConnectorRef, Brake);

/// All brakes of all connectors.
#[derive(Debug, Default)]
pub(crate) struct Brakes {
    states: Mutex<HashMap<Key, State>>,
    /// Held from reading what is released until it is released, and while somebody approves or rejects: so nothing is counted
    /// twice, and nothing comes to be kept by a brake that has just been let go of.
    releasing: tokio::sync::Mutex<()>,
    loose: Loose,
}

/// Whether there may be operations that are kept by a brake which keeps them no longer; see [`Brakes::loosen`].
#[derive(Debug, Default)]
struct Loose {
    /// How often there may have come to be some.
    count: AtomicU64,
    /// Up to which of those times they have been looked after.
    settled: AtomicU64,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// When how many were taken away, the newest last, as [`Tick`]s.
    taken: VecDeque<(Duration, u32)>,
    /// The accounts from which they are taken; asked for once in a window, when the count is reached.
    accounts: Option<u64>,
    engaged: Option<EngagedBrake>,
    /// What comes before this is not counted.
    approved: Option<Timestamp>,
}

/// Says that nobody else releases what was held.
pub(crate) type Alone<'a> = tokio::sync::MutexGuard<'a, ()>;

/// A moment: by the wall clock for people and expiry, and by the monotonic one for what is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick {
    pub(crate) now: Timestamp,
    /// Shifted, so that what was before the process began has its place.
    pub(crate) passed: Duration,
}

/// By how much the monotonic clock is shifted.
const BEFORE: Duration = Duration::from_hours(24 * 3660);

impl Tick {
    pub(crate) fn of(clock: &dyn domain::Clock) -> Self {
        Self {
            now: clock.now(),
            passed: clock.monotonic() + BEFORE,
        }
    }
}

impl Brakes {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else releases what was held, and keeps others from it until the guard is dropped.
    pub(crate) async fn alone(&self) -> Alone<'_> {
        self.releasing.lock().await
    }

    /// Takes up what stands in the journal: engaged brakes, approvals, and what was taken away within the windows.
    pub(crate) fn load(reader: &Reader, setup: &Setup, tick: Tick) -> Result<Self, JournalError> {
        let brakes = Self::default();
        let mut states = brakes.lock();
        let mut since: HashMap<Key, Timestamp> = HashMap::new();
        for (at, engaged) in reader.brakes_with_time()? {
            let key = (engaged.connector.clone(), engaged.brake);
            since.insert(key.clone(), at);
            states.entry(key).or_default().engaged = Some(engaged);
        }
        for (at, approval) in reader.approvals_with_time()? {
            let key = (approval.connector.clone(), approval.brake);
            since.insert(key.clone(), at.max(approval.until));
            states.entry(key).or_default().approved = Some(approval.until);
        }
        let is_new = |key: &Key, at: Timestamp| since.get(key).is_none_or(|since| at >= *since);
        let counts = |connector: &ConnectorRef, at: Timestamp| {
            let policy = setup.brakes(connector);
            let is_any_new = || {
                let mut all = Brake::ALL.into_iter();
                all.any(|brake| is_new(&(connector.clone(), brake), at))
            };
            policy.enabled && until(at, tick.now) <= policy.window && is_any_new()
        };
        let longest = setup.longest_brake();
        let mut all = reader.taken_since(tick.now, longest, counts)?;
        // What was queued within the window is among those already.
        let late = reader.released_since(tick.now, longest, |connector, queued, at| {
            until(queued, at) > setup.brakes(connector).window && counts(connector, at)
        })?;
        all.extend(late);
        all.sort_by_key(|taken| taken.at);
        for taken in all {
            let passed = tick.passed.saturating_sub(until(taken.at, tick.now));
            let key = (taken.connector, taken.brake);
            if is_new(&key, taken.at) {
                let state = states.entry(key).or_default();
                state.taken.push_back((passed, taken.amount));
            }
        }
        drop(states);
        Ok(brakes)
    }

    /// Keeps what is too many among decisions, and says so in their traces.
    ///
    /// `counts` is off for a plan: nothing is counted and no brake engages. What was counted is taken back unless the
    /// decisions come to [stand](Judged::stands).
    pub(crate) fn judge<'d>(
        &self,
        decisions: impl Iterator<Item = &'d mut Decisions>,
        setup: &Setup,
        reader: &Reader,
        tick: Tick,
        counts: bool,
    ) -> Result<Judged<'_>, JournalError> {
        let mut judged = Judged {
            brakes: self,
            counted: Vec::new(),
            engaged: Vec::new(),
        };
        // What one plan would take away adds up, too.
        let mut within: HashMap<(ConnectorRef, Brake), u32> = HashMap::new();
        for decision in decisions.flat_map(|all| &mut all.decisions) {
            let Verdict::Operation(planned) = &mut decision.verdict else {
                continue;
            };
            let Some((brake, amount)) = Brake::of(planned) else {
                continue;
            };
            let connector = &decision.candidate.connector;
            let policy = setup.brakes(connector);
            if !policy.enabled {
                continue;
            }
            let key = (connector.clone(), brake);
            let mut states = self.lock();
            let state = states.entry(key.clone()).or_default();
            if state.is_approved(tick) {
                continue;
            }
            let kept = if counts {
                let kept = state.take(&key, policy, amount, reader, tick)?;
                if kept.is_none() {
                    judged.counted.push(Counted {
                        key,
                        passed: tick.passed,
                        amount,
                    });
                }
                kept.map(|kept| {
                    if kept.is_new {
                        judged.engaged.push(kept.by.clone());
                    }
                    kept.by
                })
            } else {
                let before = within.get(&key).copied().unwrap_or(0);
                let kept = state.admit(&key, policy, amount + before, reader, tick)?;
                if kept.is_none() {
                    within.insert(key, before + amount);
                }
                kept
            };
            if let Some(kept) = kept {
                std::sync::Arc::make_mut(planned).held = Some(Reason::BrakeEngaged);
                Arc::make_mut(&mut decision.trace).push(TraceLine {
                    step: Step::Send,
                    text: decision.candidate.kept(&kept.told()),
                    reason: Some(Reason::BrakeEngaged),
                });
            }
        }
        Ok(judged)
    }

    /// Counts what a hold of its connector kept and would let go on now.
    fn recount(
        &self,
        open: &Open,
        setup: &Setup,
        reader: &Reader,
        tick: Tick,
    ) -> Result<Recount, JournalError> {
        let Some((key, amount)) = late(open, setup, reader, tick)? else {
            return Ok(Recount::Free);
        };
        let mut states = self.lock();
        let state = states.entry(key.clone()).or_default();
        if state.is_approved(tick) {
            return Ok(Recount::Free);
        }
        let policy = setup.brakes(&open.connector);
        let kept = state.take(&key, policy, amount, reader, tick)?;
        Ok(match kept {
            Some(kept) => Recount::Kept(kept.is_new.then_some(kept.by)),
            None => Recount::Counted(Counted {
                key,
                passed: tick.passed,
                amount,
            }),
        })
    }

    /// Tells whether a brake that has engaged already would keep an operation whose connector is held no longer.
    pub(crate) fn would_keep(
        &self,
        open: &Open,
        setup: &Setup,
        reader: &Reader,
        tick: Tick,
    ) -> Result<bool, JournalError> {
        let late = late(open, setup, reader, tick)?;
        Ok(late.is_some_and(|((connector, brake), _)| self.is_engaged(&connector, brake)))
    }

    /// Takes back what was counted for an operation that does not go on.
    fn uncount(&self, counted: &Counted) {
        let mut states = self.lock();
        if let Some(state) = states.get_mut(&counted.key) {
            let wanted = (counted.passed, counted.amount);
            // Others may have been counted since.
            if let Some(at) = state.taken.iter().rposition(|taken| *taken == wanted) {
                state.taken.remove(at);
            }
        }
    }

    /// Takes back that brakes have engaged, which is not written down. What others have come to be kept by them since goes
    /// on.
    fn disengage(&self, engaged: &[EngagedBrake]) {
        if engaged.is_empty() {
            return;
        }
        {
            let mut states = self.lock();
            for engaged in engaged {
                let key = (engaged.connector.clone(), engaged.brake);
                if let Some(state) = states.get_mut(&key)
                    && state.engaged.as_ref() == Some(engaged)
                {
                    state.engaged = None;
                }
            }
        }
        self.loosen();
    }

    /// Has what is kept by a brake that keeps it no longer looked after, beside everything else.
    pub(crate) fn loosen(&self) {
        self.loose.count.fetch_add(1, Ordering::AcqRel);
        self.loose.changed.notify_one();
    }

    /// Tells whether something may be kept by a brake that keeps it no longer.
    pub(crate) fn is_loose(&self) -> bool {
        self.loose.settled.load(Ordering::Acquire) != self.loose.count.load(Ordering::Acquire)
    }

    fn is_engaged(&self, connector: &ConnectorRef, brake: Brake) -> bool {
        self.lock()
            .get(&(connector.clone(), brake))
            .is_some_and(|state| state.engaged.is_some())
    }

    /// Lets go of a brake; what was counted before is forgotten.
    fn let_go(&self, connector: &ConnectorRef, brake: Brake, approved: Option<Timestamp>) {
        let state = State {
            approved,
            ..State::default()
        };
        self.lock().insert((connector.clone(), brake), state);
    }

    fn engaged(&self) -> Vec<EngagedBrake> {
        let states = self.lock();
        let mut all: Vec<EngagedBrake> = states
            .values()
            .filter_map(|state| state.engaged.clone())
            .collect();
        all.sort_by(|one, other| (&one.connector, one.brake).cmp(&(&other.connector, other.brake)));
        all
    }
}

/// What was counted for decisions that are to be committed, and the brakes that have engaged for them.
///
/// It is taken back when this is dropped before they stand: they were not committed, for whatever reason.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    brakes: &'a Brakes,
    counted: Vec<Counted>,
    engaged: Vec<EngagedBrake>,
}

impl Judged<'_> {
    /// Returns the facts that are committed with the decisions.
    pub(crate) fn facts(&self) -> impl Iterator<Item = Fact> {
        self.engaged.iter().cloned().map(EngagedBrake::fact)
    }

    /// Takes back what was counted for a request that is refused before anything is sent. Of the brakes that it made
    /// engage, only those of the connector that refuses it stay: its caller needs somebody's approval.
    pub(crate) fn refused_by(&mut self, refusing: &ConnectorRef) {
        for counted in self.counted.drain(..) {
            self.brakes.uncount(&counted);
        }
        let (stay, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.engaged)
            .into_iter()
            .partition(|engaged| engaged.connector == *refusing);
        self.engaged = stay;
        self.brakes.disengage(&others);
    }

    /// Leaves everything counted: the decisions are committed.
    pub(crate) fn stands(mut self) {
        self.counted.clear();
        self.engaged.clear();
    }
}

impl Drop for Judged<'_> {
    fn drop(&mut self) {
        for counted in &self.counted {
            self.brakes.uncount(counted);
        }
        self.brakes.disengage(&self.engaged);
    }
}

/// The brake that keeps something.
struct KeptBy {
    by: EngagedBrake,
    /// Whether it has engaged for it.
    is_new: bool,
}

/// What counting comes to when a hold has ended.
enum Recount {
    /// It goes on, and there was nothing to count.
    Free,
    /// It goes on, and was counted.
    Counted(Counted),
    /// A brake keeps it from now on; it is named when it has engaged for it.
    Kept(Option<EngagedBrake>),
}

/// What was counted for one operation.
#[derive(Debug)]
struct Counted {
    key: Key,
    /// When, as a [`Tick`].
    passed: Duration,
    amount: u32,
}

/// Operations whose connector is held no longer, told apart by what counting them came to.
#[derive(Debug, Default)]
struct Sorted {
    going: Vec<Open>,
    /// What was counted for each of those.
    counted: Vec<Option<Counted>>,
    kept: Vec<Open>,
    /// The brakes that have engaged for something of it.
    engaged: Vec<EngagedBrake>,
}

/// Returns what is counted once more when an operation goes on after a hold of its connector; `None` when nothing is.
///
/// It was counted when it was decided, and what was decided within the window is counted still. What waited for longer
/// is not, and may be much: what comes within the window then is what goes on. What a brake kept was never counted.
fn late(
    open: &Open,
    setup: &Setup,
    reader: &Reader,
    tick: Tick,
) -> Result<Option<(Key, u32)>, JournalError> {
    let policy = setup.brakes(&open.connector);
    if open.undoes || !policy.enabled {
        return Ok(None);
    }
    let queued = reader.taking_since(open.operation)?;
    let is_counted = |queued| until(queued, tick.now) <= policy.window && !open.life.is_braked();
    if queued.is_none_or(is_counted) {
        return Ok(None);
    }
    let planned = reader.planned(open.operation)?;
    let taken = planned.as_ref().and_then(Brake::of);
    Ok(taken.map(|(brake, amount)| ((open.connector.clone(), brake), amount)))
}

impl State {
    /// Tells whether somebody has approved of what is taken away now.
    fn is_approved(&self, tick: Tick) -> bool {
        self.engaged.is_none() && self.approved.is_some_and(|until| tick.now < until)
    }

    /// Counts what is taken away, or returns what keeps it. An approval is looked at before.
    fn take(
        &mut self,
        key: &(ConnectorRef, Brake),
        policy: &BrakePolicy,
        amount: u32,
        reader: &Reader,
        tick: Tick,
    ) -> Result<Option<KeptBy>, JournalError> {
        let is_new = self.engaged.is_none();
        let kept = self.admit(key, policy, amount, reader, tick)?;
        match &kept {
            None => self.taken.push_back((tick.passed, amount)),
            Some(brake) if is_new => self.engaged = Some(brake.clone()),
            Some(_) => {}
        }
        Ok(kept.map(|by| KeptBy { by, is_new }))
    }

    /// Returns the brake that keeps so many from being taken away; `None` when they may be. An approval is looked at before.
    fn admit(
        &mut self,
        (connector, brake): &(ConnectorRef, Brake),
        policy: &BrakePolicy,
        amount: u32,
        reader: &Reader,
        tick: Tick,
    ) -> Result<Option<EngagedBrake>, JournalError> {
        if let Some(engaged) = &self.engaged {
            return Ok(Some(engaged.clone()));
        }
        let oldest = tick.passed.saturating_sub(policy.window);
        while self.taken.front().is_some_and(|(at, _)| *at < oldest) {
            self.taken.pop_front();
        }
        if self.taken.is_empty() {
            self.accounts = None;
        }
        let taken: u64 = self.taken.iter().map(|(_, count)| u64::from(*count)).sum();
        let counted = taken + u64::from(amount);
        if counted <= u64::from(policy.count) {
            return Ok(None);
        }
        let accounts = if let Some(accounts) = self.accounts {
            accounts
        } else {
            let first = self.taken.front().map_or(tick.passed, |(at, _)| *at);
            let counted_for = tick.passed.saturating_sub(first);
            reader.accounts(connector, tick.now, counted_for)?
        };
        self.accounts = Some(accounts);
        if counted * 100 <= accounts * u64::from(policy.percent) {
            return Ok(None);
        }
        Ok(Some(EngagedBrake {
            connector: connector.clone(),
            brake: *brake,
            since: tick.now,
            counted,
            accounts,
            percent: policy.percent,
            count: policy.count,
            window: policy.window,
        }))
    }
}

impl Inner {
    /// Judges decisions that are about to be committed; the brakes that engage are committed with them.
    pub(crate) fn brake(
        &self,
        decisions: &mut [Decisions],
        setup: &Setup,
    ) -> Result<Judged<'_>, JournalError> {
        let tick = Tick::of(self.clock.as_ref());
        self.brakes
            .judge(decisions.iter_mut(), setup, &self.reader, tick, true)
    }

    /// Releases what a hold of its connector kept, or a brake that keeps it no longer, but for what would be too much at
    /// once: a brake keeps that from now on. Whoever calls has read it alone. Returns whether anything goes on.
    ///
    /// # Errors
    /// [`JournalError`] when the journal refuses: what does not go on is not counted either, and is released later.
    pub(crate) async fn release_counted(
        &self,
        _alone: &Alone<'_>,
        held: Vec<Open>,
    ) -> Result<bool, JournalError> {
        let mut sorted = Sorted::default();
        let mut stood = self.sort(held, &mut sorted);
        if stood.is_ok() && !sorted.engaged.is_empty() {
            let mut engaged = Batch::default();
            for brake in &sorted.engaged {
                engaged.push(None, brake.clone().fact());
            }
            // The brake first: what it does not keep yet when the process ends in between, it keeps at the next start.
            stood = self.append(engaged).await;
        }
        if stood.is_err() {
            self.brakes.disengage(&sorted.engaged);
        }
        if stood.is_ok() {
            stood = self.keep_from_now_on(&sorted.kept).await;
        }
        let mut goes_on = false;
        let released = if stood.is_ok() {
            self.release_each(&sorted.going).await
        } else {
            Vec::new()
        };
        let mut released = released.into_iter();
        for counted in &sorted.counted {
            let came = released.next();
            if matches!(came, Some(Ok(()))) {
                goes_on = true;
            } else if let Some(counted) = counted {
                self.brakes.uncount(counted);
            }
            stood = stood.and(came.map_or(Ok(()), or_gone));
        }
        stood.map(|()| goes_on)
    }

    /// Counts operations and tells them apart.
    fn sort(&self, held: Vec<Open>, sorted: &mut Sorted) -> Result<(), JournalError> {
        let setup = self.setup();
        let tick = Tick::of(self.clock.as_ref());
        for open in held {
            let counted = match self.brakes.recount(&open, &setup, &self.reader, tick)? {
                Recount::Free => None,
                Recount::Counted(counted) => Some(counted),
                Recount::Kept(brake) => {
                    sorted.engaged.extend(brake);
                    if !open.life.is_braked() {
                        sorted.kept.push(open);
                    }
                    continue;
                }
            };
            sorted.going.push(open);
            sorted.counted.push(counted);
        }
        Ok(())
    }

    /// Has a brake keep operations that a hold of their connector kept.
    async fn keep_from_now_on(&self, kept: &[Open]) -> Result<(), JournalError> {
        let said = self.say_of_each(kept, |open| {
            vec![
                self.released(open),
                Fact::Held {
                    operation: open.operation,
                    reason: Reason::BrakeEngaged,
                },
            ]
        });
        said.await.into_iter().try_for_each(or_gone)
    }

    /// Lets what a brake keeps go on, and does not count what comes until the approval expires.
    pub(crate) async fn approve_brake(
        self: &Arc<Self>,
        connector: &ConnectorRef,
        brake: Brake,
        by: &str,
        reason: &str,
        expires: Duration,
    ) -> Result<u64, CommandError> {
        if by.trim().is_empty() {
            return Err(CommandError::NobodyApproves);
        }
        if expires > LONGEST_APPROVAL {
            return Err(CommandError::ApprovedTooLong);
        }
        let now = self.clock.now();
        let approval = Approval {
            connector: connector.clone(),
            brake,
            by: by.to_owned(),
            reason: reason.to_owned(),
            at: now,
            until: later(now, expires),
        };
        let _alone = self.brakes.alone().await;
        if !self.brakes.is_engaged(connector, brake) {
            self.known(connector)?;
            return Err(CommandError::NotBraked(connector.clone(), brake));
        }
        let until = approval.until;
        let mut owed = Owed::default();
        owed.apart([Fact::BrakeApproved { approval }]);
        // Nothing goes on, and nothing is left uncounted, by a word that is not written down.
        self.commit(owed).await?;
        self.brakes.let_go(connector, brake, Some(until));
        let released = self.release_braked(connector, brake).await;
        if released.is_err() {
            self.brakes.loosen();
        }
        self.pump();
        self.beat();
        Ok(released?)
    }

    /// Releases what a brake kept that has been let go of.
    async fn release_braked(
        &self,
        connector: &ConnectorRef,
        brake: Brake,
    ) -> Result<u64, JournalError> {
        let mut released = 0;
        let mut after = 0;
        loop {
            let page = self.braked(connector, brake, after)?;
            let Some(last) = page.1 else {
                return Ok(released);
            };
            after = last;
            if !page.0.is_empty() {
                self.release(&page.0).await?;
                released += page.0.len() as u64;
            }
        }
    }

    /// Returns a page of what a brake keeps, with the number of the last that was looked at.
    fn braked(
        &self,
        connector: &ConnectorRef,
        brake: Brake,
        after: u64,
    ) -> Result<(Vec<Open>, Option<u64>), JournalError> {
        let held = self
            .reader
            .held_for(connector, Reason::BrakeEngaged, after, PAGE)?;
        let last = held.last().map(|open| open.seq);
        let mut kept = Vec::with_capacity(held.len());
        for open in held {
            let planned = self.reader.planned(open.operation)?;
            let kind = planned.as_ref().and_then(Brake::of).map(|(kind, _)| kind);
            if kind == Some(brake) {
                kept.push(open);
            }
        }
        Ok((kept, last))
    }

    /// Gives up what a brake keeps: nothing of it is taken away.
    pub(crate) async fn reject_brake(
        self: &Arc<Self>,
        connector: &ConnectorRef,
        brake: Brake,
        by: &str,
        reason: &str,
    ) -> Result<u64, CommandError> {
        if by.trim().is_empty() {
            return Err(CommandError::NobodyApproves);
        }
        let is_engaged = || -> Result<(), CommandError> {
            if self.brakes.is_engaged(connector, brake) {
                return Ok(());
            }
            self.known(connector)?;
            Err(CommandError::NotBraked(connector.clone(), brake))
        };
        is_engaged()?;
        let why = format!("rejected by {by}: {reason}");
        let mut discarded = self.discard_braked(connector, brake, &why).await?;
        // There may be many, and others may release meanwhile; what has come to be kept until then is given up, too.
        let _alone = self.brakes.alone().await;
        is_engaged()?;
        discarded += self.discard_braked(connector, brake, &why).await?;
        let mut owed = Owed::default();
        owed.apart([Fact::BrakeRejected {
            connector: connector.clone(),
            brake,
            by: by.to_owned(),
            reason: reason.to_owned(),
            discarded,
        }]);
        // Only now: what is not given up yet must not go on when the process ends in between.
        self.commit(owed).await?;
        self.brakes.let_go(connector, brake, None);
        // A request that was decided before may have been committed since.
        self.brakes.loosen();
        self.pump();
        self.beat();
        Ok(discarded)
    }

    /// Gives up what a brake keeps and returns how many operations that were.
    async fn discard_braked(
        self: &Arc<Self>,
        connector: &ConnectorRef,
        brake: Brake,
        why: &str,
    ) -> Result<u64, CommandError> {
        let mut discarded = 0;
        let mut after = 0;
        loop {
            let (kept, last) = self.braked(connector, brake, after)?;
            let Some(last) = last else {
                return Ok(discarded);
            };
            after = last;
            for open in kept {
                match self.discard(open.operation, why).await {
                    Ok(()) => discarded += 1,
                    Err(CommandError::Journal(error)) => return Err(error.into()),
                    // It has been given up by somebody else meanwhile.
                    Err(error) => {
                        tracing::info!(operation.id = %open.operation, %error, "what a brake kept is not there any more");
                    }
                }
            }
        }
    }

    /// Looks after what is kept by a brake that keeps it no longer, whenever there may be some, until the engine ends: the
    /// brake was approved or rejected while the operation was decided, or what made it engage was not committed. While the
    /// journal refuses, it is tried again. What the last process left of it is looked after at the start.
    ///
    /// It was not counted when it was decided, so that it is now: what is too much is kept by a brake that engages for it. What
    /// was approved is not counted as long as the approval stands.
    pub(crate) async fn keep_unbraked(self: Arc<Self>) {
        let loose = &self.brakes.loose;
        loop {
            let count = loose.count.load(Ordering::Acquire);
            if count == loose.settled.load(Ordering::Acquire) {
                loose.changed.notified().await;
                continue;
            }
            match self.release_loose().await {
                Ok(()) => {
                    loose.settled.store(count, Ordering::Release);
                    self.pump();
                    self.beat();
                }
                Err(error) => {
                    tracing::error!(%error, "operations that no brake keeps any more could not be released; it is tried again");
                    if !self.wait_for_room().await {
                        return;
                    }
                }
            }
        }
    }

    async fn release_loose(&self) -> Result<(), JournalError> {
        let alone = self.brakes.alone().await;
        for connector in self.reader.braked_connectors()? {
            for brake in Brake::ALL {
                let mut after = 0;
                while !self.brakes.is_engaged(&connector, brake) {
                    let (kept, last) = self.braked(&connector, brake, after)?;
                    let Some(last) = last else { break };
                    after = last;
                    self.release_counted(&alone, kept).await?;
                }
            }
        }
        Ok(())
    }

    /// Returns the brakes that have engaged.
    pub(crate) fn engaged_brakes(&self) -> Vec<EngagedBrake> {
        self.brakes.engaged()
    }
}

impl Reader {
    /// Returns what a brake keeps, the oldest first, as far as one looks.
    pub fn kept_by(
        &self,
        connector: &ConnectorRef,
        brake: Brake,
        limit: usize,
    ) -> Result<Vec<OperationView>, JournalError> {
        let mut out = Vec::new();
        let mut after = 0;
        while out.len() < limit {
            let held = self.held_for(connector, Reason::BrakeEngaged, after, PAGE)?;
            let Some(last) = held.last() else { break };
            after = last.seq;
            for open in held {
                let planned = self.planned(open.operation)?;
                let kind = planned.as_ref().and_then(Brake::of).map(|(kind, _)| kind);
                if kind == Some(brake)
                    && out.len() < limit
                    && let Some(view) = self.operation(open.operation)?
                {
                    out.push(view);
                }
            }
        }
        Ok(out)
    }
}
