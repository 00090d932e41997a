//! Leaving a connector alone when too much fails there: who brought it about, probes instead of a flood, and the way out.
//!
//! A quarantine is a hold that the engine puts on by itself. What is owed is kept; a probe asks the target whether it may
//! be spoken to and then lets one operation through, every minute at first and every hour at last. When that works, or
//! somebody says so, the connector goes on, and what had failed for good only because of the credentials is tried again.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{
    ConnectorRef, Exchange, Failure, FailureKind, FlowId, Hold, OperationId, QualifiedName,
    QuarantinePolicy, Reason, Tap, Verb,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::brake::Tick;
use crate::caught::caught;
use crate::handle::CommandError;
use crate::inner::Inner;
use crate::journal::{Batch, JournalError};
use crate::retry::{later, until};
use crate::runner::broke_down;
use crate::ward::{Bearing, Ward};
use crate::{Death, Fact, Life};

/// How many held operations are read at once when one is looked for.
const PAGE: usize = 200;

/// A connector that is left alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quarantine {
    /// The connector.
    pub connector: ConnectorRef,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub cause: QuarantineCause,
    /// The operations that brought it about, the newest first; at most twenty.
    pub culprits: Vec<Culprit>,
    /// How many probes have failed.
    pub probes: u32,
    /// The pause before the next probe.
    pub pause: Duration,
    /// When it is made.
    pub next_probe: Timestamp,
    /// What the last probe met, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_probe: Option<String>,
}

impl Quarantine {
    /// Returns since when, why and how it ends, in a sentence.
    pub fn told(&self) -> String {
        format!(
            "in quarantine since {}: {}; the next probe is at {}",
            self.since.strftime("%Y-%m-%d %H:%M:%S"),
            self.cause.told(),
            self.next_probe.strftime("%H:%M:%S")
        )
    }
}

/// Why a connector is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuarantineCause {
    /// Too large a share of its operations failed.
    TooManyFailed {
        /// How many.
        failed: u64,
        /// Of how many that were tried.
        of: u64,
        /// Within which time.
        window: Duration,
    },
    /// The target refused the credentials again and again.
    Refused {
        /// How many operations running.
        running: u32,
    },
}

impl QuarantineCause {
    /// Returns the cause in words.
    pub fn told(&self) -> String {
        match self {
            Self::TooManyFailed { failed, of, window } => {
                format!(
                    "{failed} of {of} operations failed within {} minutes",
                    window.as_secs() / 60
                )
            }
            Self::Refused { running } => {
                format!("the target refused the credentials of {running} operations running")
            }
        }
    }
}

/// An operation whose failure counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Culprit {
    /// The operation.
    pub operation: OperationId,
    /// Its flow.
    pub flow: FlowId,
    /// The local user or group.
    pub name: QualifiedName,
    /// What was to be done.
    pub verb: Verb,
    /// The attempt; its requests are in the journal under operation and attempt.
    pub attempt: u32,
    /// When.
    pub at: Timestamp,
    /// What the target said.
    pub failure: Failure,
}

/// What an operation's turn showed of its connector.
#[derive(Debug, Default)]
pub(crate) struct Showing {
    /// Whether the target was sent or asked anything, and it came to an end.
    pub(crate) answered: bool,
    /// The last failure that counts against the connector.
    pub(crate) failed: Option<Failure>,
    /// Why it should be left alone from now on, and who brought it about.
    pub(crate) tripped: Option<(QuarantineCause, Vec<Culprit>)>,
}

/// How all connectors fare, and which are left alone.
#[derive(Debug)]
pub(crate) struct Wards {
    watched: Mutex<HashMap<ConnectorRef, Watched>>,
    /// When the next probe is due, in nanoseconds of the monotonic clock.
    next: AtomicU64,
    /// How many probes are under way.
    probing: AtomicUsize,
}

#[derive(Debug, Default)]
struct Watched {
    ward: Ward,
    quarantine: Option<Quarantine>,
    /// When the next probe is due.
    due: Duration,
    is_probed: bool,
    /// The pause that the last quarantine had come to, and when a probe ended it.
    before: Option<(Duration, Duration)>,
}

impl Default for Wards {
    fn default() -> Self {
        Self {
            watched: Mutex::default(),
            next: AtomicU64::new(u64::MAX),
            probing: AtomicUsize::new(0),
        }
    }
}

impl Wards {
    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectorRef, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a result that is not a failure of the connector.
    pub(crate) fn well(
        &self,
        connector: &ConnectorRef,
        policy: &QuarantinePolicy,
        operation: OperationId,
        now: Duration,
    ) {
        let mut wards = self.lock();
        // The name is copied the first time only: this is every operation's way.
        if let Some(watched) = wards.get_mut(connector) {
            watched.ward.well(policy, operation, now);
            return;
        }
        let watched = wards.entry(connector.clone()).or_default();
        watched.ward.well(policy, operation, now);
    }

    /// Counts a failure; returns why the connector should be left alone, when it should and is not yet.
    pub(crate) fn failed(
        &self,
        connector: &ConnectorRef,
        policy: &QuarantinePolicy,
        bearing: Bearing,
        culprit: Culprit,
        now: Duration,
    ) -> Option<(QuarantineCause, Vec<Culprit>)> {
        let mut wards = self.lock();
        let watched = wards.entry(connector.clone()).or_default();
        let tripped = watched.ward.failed(policy, bearing, culprit, now);
        tripped.filter(|_| watched.quarantine.is_none())
    }

    /// Returns the quarantines, in the order of the connectors' names.
    pub(crate) fn quarantines(&self) -> Vec<Quarantine> {
        let wards = self.lock();
        let mut all: Vec<Quarantine> = wards
            .values()
            .filter_map(|watched| watched.quarantine.clone())
            .collect();
        all.sort_by(|one, other| one.connector.cmp(&other.connector));
        all
    }

    fn get(&self, connector: &ConnectorRef) -> Option<Quarantine> {
        self.lock().get(connector)?.quarantine.clone()
    }

    fn set(&self, quarantine: Quarantine, due: Duration) {
        {
            let mut wards = self.lock();
            let watched = wards.entry(quarantine.connector.clone()).or_default();
            watched.quarantine = Some(quarantine);
            watched.due = due;
        }
        self.reckon();
    }

    /// Ends a quarantine. One that a probe ended and that comes back soon goes on with its pauses.
    fn end(&self, connector: &ConnectorRef, by_probe: bool, now: Duration) {
        if let Some(watched) = self.lock().get_mut(connector) {
            let ended = watched.quarantine.take();
            watched.ward.clear();
            watched.before = ended.filter(|_| by_probe).map(|ended| (ended.pause, now));
        }
        self.reckon();
    }

    fn reckon(&self) {
        let wards = self.lock();
        let next = wards
            .values()
            .filter(|watched| watched.quarantine.is_some() && !watched.is_probed)
            .map(|watched| nanos(watched.due))
            .min();
        self.next.store(next.unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Returns when the next probe is due.
    pub(crate) fn next_probe(&self) -> Option<Duration> {
        let next = self.next.load(Ordering::Acquire);
        (next != u64::MAX).then(|| Duration::from_nanos(next))
    }

    /// Returns how many probes are under way.
    pub(crate) fn probing(&self) -> usize {
        self.probing.load(Ordering::Acquire)
    }

    /// Takes the connectors whose probes are due; each is under way until it is put back.
    pub(crate) fn due(&self, now: Duration) -> Vec<ConnectorRef> {
        if self.next.load(Ordering::Acquire) > nanos(now) {
            return Vec::new();
        }
        let mut due = Vec::new();
        for (connector, watched) in self.lock().iter_mut() {
            if watched.quarantine.is_some() && !watched.is_probed && watched.due <= now {
                watched.is_probed = true;
                due.push(connector.clone());
            }
        }
        self.probing.fetch_add(due.len(), Ordering::AcqRel);
        self.reckon();
        due
    }

    fn probed(&self, connector: &ConnectorRef) {
        if let Some(watched) = self.lock().get_mut(connector) {
            watched.is_probed = false;
        }
        self.probing.fetch_sub(1, Ordering::AcqRel);
        self.reckon();
    }

    /// Has every quarantined connector probed now: something was changed that may have mended it.
    fn hurry(&self, which: Option<&ConnectorRef>) {
        for (connector, watched) in self.lock().iter_mut() {
            if which.is_none_or(|which| which == connector) {
                watched.due = Duration::ZERO;
            }
        }
        self.reckon();
    }

    /// Returns the first pause of a new quarantine.
    fn first_pause(
        &self,
        connector: &ConnectorRef,
        policy: &QuarantinePolicy,
        now: Duration,
    ) -> Duration {
        let wards = self.lock();
        let before = wards.get(connector).and_then(|watched| watched.before);
        let again = before.filter(|(_, ended)| now.saturating_sub(*ended) < policy.window);
        let pause = again.map_or(policy.probe, |(pause, _)| pause.saturating_mul(2));
        pause.min(policy.probe_at_most)
    }
}

fn nanos(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).unwrap_or(u64::MAX - 1)
}

/// Keeps what a check said and heard.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<Exchange>>);

impl Tap for Kept {
    fn started(&self, _exchange: &Exchange) {}

    fn finished(&self, exchange: Exchange) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(exchange);
    }
}

impl Inner {
    /// Takes up what the last process left: quarantines, and what failed lately.
    pub(crate) fn resume_wards(&self) -> Result<(), JournalError> {
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        for quarantine in self.reader.quarantines()? {
            let due = monotonic.saturating_add(until(now, quarantine.next_probe));
            self.wards.set(quarantine, due);
        }
        if !self.sends {
            return Ok(());
        }
        let setup = self.setup();
        for (connector, at, culprit, operation) in self.reader.outcomes(now)? {
            let policy = setup.quarantine(&connector);
            // The monotonic clock begins with this process, so what was before it stands at its beginning.
            if until(at, now) > policy.window {
                continue;
            }
            match culprit {
                Some(culprit) => {
                    let bearing = Bearing::of(Some(&culprit.failure));
                    if bearing.is_failure() {
                        // It takes one more failure to leave the connector alone.
                        let _ = self
                            .wards
                            .failed(&connector, policy, bearing, culprit, monotonic);
                    }
                }
                None => self.wards.well(&connector, policy, operation, monotonic),
            }
        }
        Ok(())
    }

    /// Leaves a connector alone from now on.
    pub(crate) async fn quarantine(
        self: &Arc<Self>,
        connector: &ConnectorRef,
        cause: QuarantineCause,
        culprits: Vec<Culprit>,
    ) -> Result<(), JournalError> {
        if self.wards.get(connector).is_some() {
            return Ok(());
        }
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        let setup = self.setup();
        let pause = self
            .wards
            .first_pause(connector, setup.quarantine(connector), monotonic);
        let quarantine = Quarantine {
            connector: connector.clone(),
            since: now,
            cause,
            culprits,
            probes: 0,
            pause,
            next_probe: later(now, pause),
            last_probe: None,
        };
        tracing::warn!(%connector, told = %quarantine.cause.told(), "the connector is in quarantine");
        self.wards
            .set(quarantine.clone(), monotonic.saturating_add(pause));
        self.enforce(&quarantine).await?;
        self.waits
            .hold(connector, Reason::Quarantined, &quarantine.told());
        self.beat();
        Ok(())
    }

    /// Commits a quarantine as it stands and puts it into force.
    async fn enforce(self: &Arc<Self>, quarantine: &Quarantine) -> Result<(), JournalError> {
        let hold = Hold {
            connector: quarantine.connector.clone(),
            reason: Reason::Quarantined,
            detail: quarantine.told(),
        };
        {
            let mut holds = self.holds.write().unwrap_or_else(PoisonError::into_inner);
            holds.retain(|known| {
                !(known.connector == hold.connector && known.reason == hold.reason)
            });
            holds.push(hold);
        }
        self.regulate();
        let mut batch = Batch::default();
        batch.push(
            None,
            Fact::Quarantined {
                quarantine: Box::new(quarantine.clone()),
            },
        );
        self.append(batch).await
    }

    /// Starts the probes that are due.
    pub(crate) fn probe_due(self: &Arc<Self>, now: Duration) {
        for connector in self.wards.due(now) {
            self.tasks.spawn(Arc::clone(self).probe(connector));
        }
    }

    /// Sees whether a connector works again: asks its target, then lets one operation through.
    async fn probe(self: Arc<Self>, connector: ConnectorRef) {
        let result = Box::pin(caught(self.try_out(&connector))).await;
        let next = match result {
            Ok(Ok(None)) => self.lift(&connector, "a probe went well", true).await,
            Ok(Ok(Some(met))) => self.probe_failed(&connector, met).await,
            Ok(Err(error)) => Err(error),
            Err(told) => self.probe_failed(&connector, told).await,
        };
        if let Err(error) = next {
            tracing::error!(%connector, %error, "what a probe found could not be written down");
            // It is made again rather than forgotten.
            if let Some(quarantine) = self.wards.get(&connector) {
                let due = self.in_a_while(quarantine.pause);
                self.wards.set(quarantine, due);
            }
        }
        self.wards.probed(&connector);
        self.pump();
        self.beat();
    }

    /// Returns what a probe met; `None` when the connector works.
    ///
    /// That it may be spoken to is the target's word only. What proves it is an operation for which the target was sent or
    /// asked something, and which did not fail; one that turned out to have nothing to send proves nothing, and the next
    /// is tried. Where none may be sent there is nothing that could flood the target, so that its word is enough, unless
    /// it has asked for quiet.
    async fn try_out(
        self: &Arc<Self>,
        connector: &ConnectorRef,
    ) -> Result<Option<String>, JournalError> {
        if self.is_stopping() || !self.sends {
            return Ok(Some("the engine stops".to_owned()));
        }
        let speaker = match self.setup().connector(connector) {
            Ok(speaker) => speaker,
            Err(unavailable) => return Ok(Some(unavailable.cause)),
        };
        let tap = Kept::default();
        let checked = caught(speaker.check(&tap))
            .await
            .unwrap_or_else(|told| Err(broke_down(&told, domain::Remedy::GiveUp)));
        let mut batch = Batch::default();
        for exchange in tap.0.into_inner().unwrap_or_else(PoisonError::into_inner) {
            batch.push(
                None,
                Fact::ExchangeRecorded {
                    operation: None,
                    attempt: 0,
                    connector: connector.clone(),
                    exchange: Box::new(exchange),
                },
            );
        }
        if !batch.is_empty() {
            self.append(batch).await?;
        }
        if let Err(failure) = checked {
            return Ok(Some(failure.to_string()));
        }
        let mut tried = BTreeSet::new();
        while let Some(turn) = self.one_turn(connector, &tried).await? {
            let operation = turn.operation;
            let name = self.reader.head(operation)?.map(|head| head.name);
            let showing = Arc::clone(self).work(turn).await;
            if let Some(failure) = showing.failed {
                return Ok(Some(match name {
                    Some(name) => format!("{name}: {failure}"),
                    None => failure.to_string(),
                }));
            }
            if showing.answered {
                return Ok(None);
            }
            if self.is_stopping() {
                return Ok(Some("the engine stops".to_owned()));
            }
            if !tried.insert(operation) {
                break;
            }
        }
        let quiet = self.lanes().quiet_for(connector, self.clock.monotonic());
        Ok(quiet.map(|left| {
            format!(
                "the target asked for quiet, for another {} s",
                left.as_secs()
            )
        }))
    }

    /// Takes one operation for a probe: what the credentials kept from being done, what is due, what is held, or what waits
    /// for its time.
    async fn one_turn(
        self: &Arc<Self>,
        connector: &ConnectorRef,
        tried: &BTreeSet<OperationId>,
    ) -> Result<Option<crate::lanes::Turn>, JournalError> {
        // What the last process left is read for nobody else while the connector is held.
        self.read_for_probe(connector).await?;
        let culprits = self.wards.get(connector).map(|known| known.culprits);
        for culprit in culprits.unwrap_or_default() {
            // It may have died again without a request: a password that went with the process, say.
            if tried.contains(&culprit.operation) {
                continue;
            }
            let Some(head) = self.reader.head(culprit.operation)? else {
                continue;
            };
            if head.life == Life::Dead
                && is_of_credentials(&culprit.failure)
                && self.retry(culprit.operation).await.is_ok()
            {
                let now = self.clock.monotonic();
                let turn = self.lanes().probe(connector, Some(head.local), now);
                if turn.is_some() {
                    return Ok(turn);
                }
            }
        }
        let now = self.clock.monotonic();
        if let Some(turn) = self.lanes().probe(connector, None, now) {
            return Ok(Some(turn));
        }
        match self.one_held(connector).await? {
            Some(turn) => Ok(Some(turn)),
            None => self.one_waiting(connector, tried),
        }
    }

    /// Takes one operation for a probe of those that wait for their next attempt: the first that is due and was not tried.
    ///
    /// After a target's trouble they may be all that is owed, and none of them due for hours. The attempt is a step of the
    /// operation's ladder like any other. None is sent before its time when the target asked for quiet, or when its last
    /// request may be under way still.
    fn one_waiting(
        &self,
        connector: &ConnectorRef,
        tried: &BTreeSet<OperationId>,
    ) -> Result<Option<crate::lanes::Turn>, JournalError> {
        let now = self.clock.monotonic();
        let waiting = {
            let lanes = self.lanes();
            if lanes.quiet_for(connector, now).is_some() {
                return Ok(None);
            }
            lanes.waiting(connector)
        };
        for (local, operation) in waiting {
            if tried.contains(&operation) {
                continue;
            }
            let Some(head) = self.reader.head(operation)? else {
                continue;
            };
            if matches!(head.life, Life::InDoubt { .. }) && self.broke_off(&head)? {
                continue;
            }
            let mut lanes = self.lanes();
            lanes.hurry(connector, local, operation, now);
            let turn = lanes.probe(connector, Some(local), now);
            if turn.is_some() {
                return Ok(turn);
            }
        }
        Ok(None)
    }

    /// Takes one operation for a probe of those that are held: the oldest that is the next of its lane and that no brake keeps.
    async fn one_held(
        &self,
        connector: &ConnectorRef,
    ) -> Result<Option<crate::lanes::Turn>, JournalError> {
        let setup = self.setup();
        let mut after = 0;
        loop {
            let alone = self.brakes.alone().await;
            let page = self
                .reader
                .held_for(connector, Reason::Quarantined, after, PAGE)?;
            let Some(last) = page.last() else {
                return Ok(None);
            };
            after = last.seq;
            for held in page {
                let local = held.local;
                let is_next = self.lanes().is_next(connector, local, held.operation);
                let tick = Tick::of(self.clock.as_ref());
                // What a brake would keep goes over to it when the quarantine ends.
                if !is_next || self.brakes.would_keep(&held, &setup, &self.reader, tick)? {
                    continue;
                }
                if !self.release_counted(&alone, vec![held]).await? {
                    continue;
                }
                let now = self.clock.monotonic();
                let turn = self.lanes().probe(connector, Some(local), now);
                if turn.is_some() {
                    return Ok(turn);
                }
            }
        }
    }

    async fn probe_failed(
        self: &Arc<Self>,
        connector: &ConnectorRef,
        met: String,
    ) -> Result<(), JournalError> {
        let Some(mut quarantine) = self.wards.get(connector) else {
            return Ok(());
        };
        if self.is_stopping() {
            return Ok(());
        }
        let setup = self.setup();
        let policy = setup.quarantine(connector);
        let now = self.clock.now();
        quarantine.probes += 1;
        quarantine.pause = quarantine
            .pause
            .saturating_mul(2)
            .min(policy.probe_at_most)
            .max(Duration::from_millis(1));
        quarantine.next_probe = later(now, quarantine.pause);
        quarantine.last_probe = Some(met);
        let due = self.in_a_while(quarantine.pause);
        self.wards.set(quarantine.clone(), due);
        self.enforce(&quarantine).await
    }

    /// Ends a quarantine: what is held goes on, and what failed for the credentials alone is tried again.
    async fn lift(
        self: &Arc<Self>,
        connector: &ConnectorRef,
        why: &str,
        by_probe: bool,
    ) -> Result<(), JournalError> {
        let ending = self.wards.get(connector);
        // While nothing is sent yet: when this cannot be written, or the process ends in between, the quarantine stands, and
        // what is left of them is tried again when it ends.
        if let Some(ending) = &ending {
            self.revive(ending).await?;
        }
        let mut batch = Batch::default();
        batch.push(
            None,
            Fact::ConnectorReleased {
                connector: connector.clone(),
                reason: Reason::Quarantined,
                detail: why.to_owned(),
            },
        );
        self.append(batch).await?;
        self.holds
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|known| {
                !(known.connector == *connector && known.reason == Reason::Quarantined)
            });
        self.wards.end(connector, by_probe, self.clock.monotonic());
        tracing::info!(%connector, why, "the quarantine has ended");
        // What was under way may have failed for good while the end was written down; nothing else is sent until now.
        let revived = match &ending {
            Some(ending) => self.revive(ending).await,
            None => Ok(()),
        };
        self.regulate();
        self.release_held().await?;
        self.pump();
        self.beat();
        revived
    }

    /// Tries again what the credentials alone kept from being done since the first of those who brought it about.
    async fn revive(self: &Arc<Self>, ending: &Quarantine) -> Result<(), JournalError> {
        let first = ending.culprits.iter().map(|culprit| culprit.at).min();
        let since = first.unwrap_or(ending.since).min(ending.since);
        for (operation, death) in self.reader.died_since(&ending.connector, since)? {
            let is_theirs = |death: &Death| death.failure.as_ref().is_some_and(is_of_credentials);
            if !is_theirs(&death) {
                continue;
            }
            match self.retry(operation).await {
                Ok(()) => {}
                Err(CommandError::Journal(error)) => return Err(error),
                // Out of date, or its request was refused: it stays the dead letter that it is.
                Err(error) => {
                    tracing::info!(operation.id = %operation, %error, "a dead letter is not tried again");
                }
            }
        }
        Ok(())
    }

    /// Ends quarantines that the configuration does not know any more, and has the others probed now.
    pub(crate) async fn review_wards(self: &Arc<Self>) -> Result<(), JournalError> {
        let setup = self.setup();
        for quarantine in self.wards.quarantines() {
            let connector = &quarantine.connector;
            let is_known = setup.configuration.connector(connector).is_some();
            if is_known && !setup.quarantine(connector).enabled {
                self.lift(connector, "the configuration turned it off", false)
                    .await?;
            }
        }
        self.wards.hurry(None);
        Ok(())
    }

    /// Ends a quarantine by hand.
    pub(crate) async fn release_quarantine(
        self: &Arc<Self>,
        connector: &ConnectorRef,
        why: &str,
    ) -> Result<(), CommandError> {
        self.quarantined(connector)?;
        Ok(self.lift(connector, why, false).await?)
    }

    /// Has a quarantined connector probed now.
    pub(crate) fn probe_now(
        self: &Arc<Self>,
        connector: &ConnectorRef,
    ) -> Result<(), CommandError> {
        self.quarantined(connector)?;
        self.wards.hurry(Some(connector));
        self.pump();
        Ok(())
    }

    fn quarantined(&self, connector: &ConnectorRef) -> Result<Quarantine, CommandError> {
        if let Some(quarantine) = self.wards.get(connector) {
            return Ok(quarantine);
        }
        self.known(connector)?;
        Err(CommandError::NotQuarantined(connector.clone()))
    }
}

/// Tells whether the credentials are to blame, and not what was to be done.
fn is_of_credentials(failure: &Failure) -> bool {
    matches!(
        failure.kind,
        FailureKind::Unauthenticated | FailureKind::Forbidden | FailureKind::Misconfigured
    )
}
