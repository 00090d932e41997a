//! One mock without its socket: the vendor under its lock, and what every request passes on its way.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Method, header};

use super::history::History;
use crate::{
    Answer, Change, Kind, Object, Operation, Request, Vendor,
    clock::Clock,
    fault::{
        Armed, Asked, Effect, Fault, FaultId, FaultSpec, Faults, Garble, Hangup, Plan, Refusal,
        SpecError, whole_seconds,
    },
    log::{Entry, Feed, Log, redacted_path},
    quota::{Meter, Quota},
    vendor::{UNSUPPORTED_HEADER, USAGE_HEADER},
};

/// How often the lock is tried before a thread goes to sleep for it.
const TRIES: usize = 64;
/// How long it pauses between two tries; all together some tens of microseconds.
const BEATS: usize = 16;

/// What a mock is made with, the vendor aside.
pub(super) struct Settings {
    pub(super) quota: Quota,
    pub(super) licences: Option<u64>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random_seed: u64,
    pub(super) log_limit_bytes: usize,
    pub(super) body_limit_bytes: usize,
}

/// There is no snapshot of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no snapshot is called `{0}`")]
pub struct NoSnapshot(pub String);

/// A mock: the state of one vendor with its faults, quotas, snapshots and log. Clones are handles on the same state;
/// [`Mock::fork`] makes another one.
pub struct Mock<V: Vendor> {
    shared: Arc<Shared<V>>,
}

impl<V: Vendor> Clone for Mock<V> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<V: Vendor> fmt::Debug for Mock<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mock")
            .field("name", &V::NAME)
            .finish_non_exhaustive()
    }
}

struct Shared<V> {
    core: Mutex<Core<V>>,
    clock: Arc<dyn Clock>,
    in_flight: AtomicUsize,
    body_limit_bytes: usize,
    control: String,
}

struct Core<V> {
    vendor: V,
    seeded: V,
    snapshots: BTreeMap<String, V>,
    licences: Option<u64>,
    faults: Faults,
    meter: Meter,
    history: History<V>,
    log: Log,
    requests: u64,
}

/// What a request came to.
pub(super) enum Outcome {
    Answered {
        answer: Answer,
        garble: Option<Garble>,
        slow: Option<Duration>,
    },
    Hangup(Hangup),
}

/// A request that was looked at and not yet worked on.
struct Ticket {
    operation: Operation,
    plan: Plan,
    throttled: bool,
    arrived: Duration,
}

/// Counts a request while it is under way.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<V: Vendor> Mock<V> {
    pub(super) fn new(vendor: V, settings: Settings) -> Self {
        let core = Core {
            seeded: vendor.clone(),
            vendor,
            snapshots: BTreeMap::new(),
            licences: settings.licences,
            faults: Faults::new(settings.random_seed),
            meter: Meter::new(settings.quota, settings.clock.elapsed()),
            history: History::new(),
            log: Log::new(settings.log_limit_bytes),
            requests: 0,
        };
        Self {
            shared: Arc::new(Shared {
                core: Mutex::new(core),
                clock: settings.clock,
                in_flight: AtomicUsize::new(0),
                body_limit_bytes: settings.body_limit_bytes,
                control: format!("{:032x}", rand::random::<u128>()),
            }),
        }
    }

    fn core(&self) -> MutexGuard<'_, Core<V>> {
        // It is held for microseconds; to be put to sleep and woken up would take longer than the wait. Nor is the
        // processor given away: on a busy machine it would come back after milliseconds.
        for _ in 0..TRIES {
            match self.shared.core.try_lock() {
                Ok(core) => return core,
                Err(TryLockError::Poisoned(core)) => return core.into_inner(),
                Err(TryLockError::WouldBlock) => (0..BEATS).for_each(|_| std::hint::spin_loop()),
            }
        }
        // A vendor that panicked has answered nobody; what it left is still the best there is.
        self.shared
            .core
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn body_limit_bytes(&self) -> usize {
        self.shared.body_limit_bytes
    }

    /// Returns the clock it goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Returns the seed that its ids and the lots of its faults are drawn from.
    pub fn random_seed(&self) -> u64 {
        self.core().faults.seed()
    }

    /// Returns the bearer token of the control surface, see [`CONTROL_PREFIX`](super::CONTROL_PREFIX).
    pub fn control_token(&self) -> &str {
        &self.shared.control
    }

    /// Arms a fault from its text form, as `drop-after:op=users.insert,subject=kim`.
    ///
    /// # Errors
    /// [`SpecError`] when it is written wrong or meant for another mock.
    pub fn arm(&self, spec: &str) -> Result<FaultId, SpecError> {
        self.arm_spec(spec.parse()?)
    }

    /// Arms a fault.
    ///
    /// # Errors
    /// [`SpecError::OtherTarget`] when it is meant for another mock, [`SpecError::UnknownOperation`] when it names no
    /// operation of this one.
    pub fn arm_spec(&self, spec: FaultSpec) -> Result<FaultId, SpecError> {
        if let Some(wanted) = spec.target.filter(|target| target.name() != V::NAME) {
            return Err(SpecError::OtherTarget {
                wanted,
                here: V::NAME.to_owned(),
            });
        }
        spec.check_here(V::NAME, V::operations())?;
        let elapsed = self.shared.clock.elapsed();
        let mut core = self.core();
        if matches!(spec.effect, Effect::Lag(_)) && core.history.is_empty() {
            core.keep_history(elapsed);
        }
        Ok(core.faults.arm(spec, elapsed))
    }

    /// Disarms one fault and returns how far it had come; `None` when it is not armed (any more).
    pub fn disarm(&self, id: FaultId) -> Option<Armed> {
        let mut core = self.core();
        let armed = core.faults.disarm(id);
        core.sweep();
        armed
    }

    /// Disarms everything and returns how many faults that were.
    pub fn disarm_all(&self) -> usize {
        let mut core = self.core();
        let count = core.faults.disarm_all();
        core.sweep();
        count
    }

    /// Lists what is armed, in the order of arming.
    pub fn armed(&self) -> Vec<Armed> {
        self.core().faults.list()
    }

    /// Changes how the target behaves, from now on and after every reset and restore; what it holds stays.
    pub fn reshape(&self, change: impl Fn(V) -> V) {
        let mut core = self.core();
        let core = &mut *core;
        for vendor in core
            .snapshots
            .values_mut()
            .chain([&mut core.vendor, &mut core.seeded])
        {
            *vendor = change(vendor.clone());
        }
    }

    /// Changes what is limited; the counters start anew.
    pub fn set_quota(&self, quota: Quota) {
        self.core().meter = Meter::new(quota, self.shared.clock.elapsed());
    }

    /// Returns the calls of the last 24 hours and how many are allowed, when a daily limit is set.
    pub fn usage(&self) -> Option<(u64, u64)> {
        self.core().meter.usage()
    }

    /// Limits the active accounts; `None` for no limit.
    pub fn set_licences(&self, licences: Option<u64>) {
        let mut core = self.core();
        core.licences = licences;
        core.vendor.set_licences(licences);
    }

    /// Voids every token that was handed out.
    pub fn expire_tokens(&self) {
        self.core().vendor.expire_tokens();
    }

    /// Lists what the target holds, in the order of creation.
    pub fn objects(&self) -> Vec<Object> {
        let vendor = self.core().vendor.clone(); // the list may be long, and clones are cheap
        vendor.objects()
    }

    /// Looks at the vendor itself, for what only it knows. It is a clone that is looked at, so that the look may last
    /// and may ask the mock.
    pub fn with_vendor<T>(&self, look: impl FnOnce(&V) -> T) -> T {
        let vendor = self.core().vendor.clone();
        look(&vendor)
    }

    /// Returns the kept log entries, oldest first.
    pub fn log(&self) -> Vec<Arc<Entry>> {
        self.log_after(0)
    }

    /// Returns the kept log entries with a number above `after`, oldest first.
    pub fn log_after(&self, after: u64) -> Vec<Arc<Entry>> {
        self.core().log.after(after)
    }

    /// Follows the log from here on.
    pub fn subscribe(&self) -> Feed {
        self.core().log.subscribe()
    }

    /// Keeps the present state under a name; a snapshot of that name is replaced.
    pub fn snapshot(&self, name: impl Into<String>) {
        let mut core = self.core();
        let vendor = core.vendor.clone();
        core.snapshots.insert(name.into(), vendor);
    }

    /// Lists the names of the snapshots.
    pub fn snapshots(&self) -> Vec<String> {
        self.core().snapshots.keys().cloned().collect()
    }

    /// Goes back to a snapshot. Faults, quotas and log stay.
    ///
    /// # Errors
    /// [`NoSnapshot`] when there is none of that name.
    pub fn restore(&self, name: &str) -> Result<(), NoSnapshot> {
        let mut core = self.core();
        let vendor = core
            .snapshots
            .get(name)
            .cloned()
            .ok_or_else(|| NoSnapshot(name.to_owned()))?;
        core.go_back(vendor, &*self.shared.clock, "mock.restore", name);
        Ok(())
    }

    /// Goes back to the seed. Faults, quotas and log stay.
    pub fn reset(&self) {
        let mut core = self.core();
        let vendor = core.seeded.clone();
        core.go_back(vendor, &*self.shared.clock, "mock.reset", "");
    }

    /// Adds the objects of a TOML text, as a builder's seed does, and makes the result what [`Mock::reset`] goes back
    /// to.
    ///
    /// # Errors
    /// [`StartError`](super::StartError) when it is written wrong; nothing was added then.
    pub fn seed(&self, toml: &str) -> Result<(), super::StartError> {
        let mut core = self.core();
        let mut vendor = core.vendor.clone();
        super::sow(&mut vendor, toml, self.shared.clock.now()).map_err(|reason| match reason {
            super::Barren::Syntax(source) => super::StartError::SeedSyntax { path: None, source },
            super::Barren::Reason(reason) => super::StartError::Seed { path: None, reason },
        })?;
        core.seeded = vendor.clone();
        core.go_back(vendor, &*self.shared.clock, "mock.seed", "");
        Ok(())
    }

    /// Makes another mock with the same state, for a dry run: what happens to one does not happen to the other. The
    /// fork has the limits and the clock, but no fault, no snapshot and an empty log.
    #[must_use]
    pub fn fork(&self) -> Self {
        let core = self.core();
        Self::new(
            core.vendor.clone(),
            Settings {
                quota: core.meter.quota().clone(),
                licences: core.licences,
                clock: Arc::clone(&self.shared.clock),
                random_seed: core.faults.seed(),
                log_limit_bytes: core.log.limit_bytes(),
                body_limit_bytes: self.shared.body_limit_bytes,
            },
        )
    }

    /// Answers one request without a socket; `None` when a fault hung up.
    pub async fn ask(&self, request: Request) -> Option<Answer> {
        let method = request.method.clone();
        match self.pass(request, method).await {
            Outcome::Answered { answer, .. } => Some(answer),
            Outcome::Hangup(_) => None,
        }
    }

    /// Takes a request through faults, quotas, vendor and log. `method` is what the client sent, for a HEAD that the
    /// vendor sees as GET.
    pub(super) async fn pass(&self, mut request: Request, method: Method) -> Outcome {
        let clock = &*self.shared.clock;
        let arrived = clock.elapsed();
        request.body.read_ahead();
        let in_flight = self.shared.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        let under_way = UnderWay(&self.shared.in_flight);
        let ticket = {
            let mut core = self.core();
            let ticket = core.admit(&mut request, &method, in_flight, arrived);
            if ticket.plan.delay.is_zero() {
                let outcome = core.settle(&request, &method, ticket, clock);
                release(core);
                return outcome;
            }
            ticket
        };
        drop(under_way);
        // A client that gives up waiting has still asked: a real target would do the work, so it is done in any case.
        let mock = self.clone();
        let late = tokio::spawn(async move {
            mock.shared.in_flight.fetch_add(1, Ordering::Relaxed);
            let _under_way = UnderWay(&mock.shared.in_flight);
            mock.shared.clock.sleep(ticket.plan.delay).await;
            let mut core = mock.core();
            let outcome = core.settle(&request, &method, ticket, &*mock.shared.clock);
            release(core);
            outcome
        });
        late.await.unwrap_or(Outcome::Hangup(Hangup::Close))
    }

    /// Answers a request that is refused before the vendor may see it whole, in the vendor's words, and logs it.
    pub(super) fn refuse(&self, request: &Request, status: http::StatusCode) -> Answer {
        let clock = &*self.shared.clock;
        let mut core = self.core();
        let operation = core.vendor.classify(request);
        let answer = core.vendor.trouble(request, crate::Trouble::Status(status));
        let ticket = Ticket {
            operation,
            plan: Plan::default(),
            throttled: false,
            arrived: clock.elapsed(),
        };
        core.note(
            request,
            &request.method,
            &ticket,
            Some(&answer),
            None,
            Vec::new(),
            clock,
        );
        release(core);
        answer
    }
}

/// Gives the lock back, then frees what fell out of the log.
fn release<V: Vendor>(mut core: MutexGuard<'_, Core<V>>) {
    let fallen = core.log.take_fallen();
    drop(core);
    drop(fallen);
}

impl<V: Vendor> Core<V> {
    fn admit(
        &mut self,
        request: &mut Request,
        method: &Method,
        in_flight: usize,
        arrived: Duration,
    ) -> Ticket {
        self.requests += 1;
        let operation = self.vendor.classify(request);
        let mut ticket = Ticket {
            operation,
            plan: Plan::default(),
            throttled: false,
            arrived,
        };
        let operation = &ticket.operation;
        if !self.faults.is_empty() {
            let vendor = &self.vendor;
            let asked = Asked {
                operation,
                method,
                in_flight,
                elapsed: arrived,
            };
            ticket.plan = self.faults.plan(&asked, |id| vendor.name_of(id));
        }
        request.headers.remove(USAGE_HEADER);
        if self.meter.is_off() {
            return ticket;
        }
        if ticket.plan.refusal.is_none() {
            let vendor = &self.vendor;
            if let Err(trouble) =
                self.meter
                    .admit(operation, || vendor.caller(request), in_flight, arrived)
            {
                ticket.plan.refusal = Some(Refusal::Trouble(trouble, None));
                ticket.throttled = true;
            }
        }
        if let Some((used, limit)) = self.meter.usage()
            && let Ok(usage) = HeaderValue::from_str(&format!("{used}/{limit}"))
        {
            request.headers.insert(USAGE_HEADER, usage);
        }
        ticket
    }

    fn settle(
        &mut self,
        request: &Request,
        method: &Method,
        mut ticket: Ticket,
        clock: &dyn Clock,
    ) -> Outcome {
        if ticket.plan.expire_tokens {
            self.vendor.expire_tokens();
        }
        let outcome = match ticket.plan.refusal {
            Some(Refusal::Hangup(hangup)) => {
                self.note(request, method, &ticket, None, None, Vec::new(), clock);
                Outcome::Hangup(hangup)
            }
            Some(Refusal::Trouble(trouble, retry_after)) => {
                let mut answer = self.vendor.trouble(request, trouble);
                if let Some(wait) = retry_after {
                    answer
                        .headers
                        .insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
                }
                self.finish(request, method, &ticket, answer, Vec::new(), clock)
            }
            None => {
                if ticket.plan.duplicate {
                    let mut changes = Vec::new();
                    let mut unheard = self.work(request, &mut ticket, &mut changes, clock);
                    let unsupported = unsupported(request, &ticket, &mut unheard);
                    self.note(
                        request,
                        method,
                        &ticket,
                        Some(&unheard),
                        unsupported,
                        changes,
                        clock,
                    );
                }
                let mut changes = Vec::new();
                let answer = self.work(request, &mut ticket, &mut changes, clock);
                self.finish(request, method, &ticket, answer, changes, clock)
            }
        };
        if !ticket.plan.faults.is_empty() {
            self.sweep();
        }
        outcome
    }

    /// Lets the vendor answer, late or with fewer seats if a fault says so.
    fn work(
        &mut self,
        request: &Request,
        ticket: &mut Ticket,
        changes: &mut Vec<Change>,
        clock: &dyn Clock,
    ) -> Answer {
        if let Some(answer) = self.lagging(request, ticket, clock) {
            return answer;
        }
        let answer = self
            .out_of_seats(request, ticket)
            .unwrap_or_else(|| self.vendor.answer(request, changes));
        if !changes.is_empty() && self.faults.lags() {
            self.keep_history(clock.elapsed());
        }
        answer
    }

    /// Answers as if there were fewer seats, if the plan says so and that is what the request fails for.
    fn out_of_seats(&mut self, request: &Request, ticket: &mut Ticket) -> Option<Answer> {
        let (id, seats) = ticket.plan.licences?;
        let mut full = self.vendor.clone();
        full.set_licences(Some(seats));
        let refused = full.answer(request, &mut Vec::new());
        if !refused.status.is_success() {
            let passes = self
                .vendor
                .clone()
                .answer(request, &mut Vec::new())
                .status
                .is_success();
            if passes {
                return Some(refused);
            }
        }
        // The write takes no seat, or fails for another reason: the fault had nothing to do with it.
        self.faults.give_back(id);
        ticket.plan.faults.retain(|fault| *fault != Fault::Licences);
        None
    }

    /// Answers from an older state, if the plan says so and there is one that knows better.
    fn lagging(&mut self, request: &Request, ticket: &Ticket, clock: &dyn Clock) -> Option<Answer> {
        let lag = ticket.plan.lag?;
        let mut older = self
            .history
            .behind(lag.behind, clock.elapsed(), self.requests)?;
        older.adopt_sessions(&self.vendor);
        let answer = older.answer(request, &mut Vec::new());
        let holds = match ticket.operation.kind {
            // A token that is younger than the state is no sign of lag.
            Kind::Read | Kind::Token | Kind::Meta => {
                answer.status != http::StatusCode::UNAUTHORIZED
            }
            Kind::Write => answer.status == http::StatusCode::NOT_FOUND,
        };
        if holds && ticket.operation.kind == Kind::Read {
            self.vendor.adopt_sessions(&older);
        }
        holds.then_some(answer)
    }

    fn finish(
        &mut self,
        request: &Request,
        method: &Method,
        ticket: &Ticket,
        mut answer: Answer,
        changes: Vec<Change>,
        clock: &dyn Clock,
    ) -> Outcome {
        let unsupported = unsupported(request, ticket, &mut answer);
        self.note(
            request,
            method,
            ticket,
            Some(&answer),
            unsupported,
            changes,
            clock,
        );
        match ticket.plan.hangup {
            Some(hangup) => Outcome::Hangup(hangup),
            None => Outcome::Answered {
                answer,
                garble: ticket.plan.garble,
                slow: ticket.plan.slow,
            },
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one line of the log has that many columns"
    )]
    fn note(
        &mut self,
        request: &Request,
        method: &Method,
        ticket: &Ticket,
        answer: Option<&Answer>,
        unsupported: Option<String>,
        changes: Vec<Change>,
        clock: &dyn Clock,
    ) {
        let took = clock.elapsed().saturating_sub(ticket.arrived);
        if let Some(what) = &unsupported {
            tracing::warn!(
                mock = V::NAME,
                operation = ticket.operation.name,
                ?what,
                "asked for what the mock does not offer"
            );
        }
        self.log.push(Entry {
            number: 0,
            at: request.now,
            mock: V::NAME,
            operation: ticket.operation.name,
            subject: ticket.operation.subject.clone(),
            method: method.as_str().to_owned(),
            path: redacted_path(&request.path, &request.query),
            status: answer.map(|answer| answer.status.as_u16()),
            answered: answer.is_some() && ticket.plan.hangup.is_none(),
            duration_micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            faults: ticket.plan.faults.clone(),
            throttled: ticket.throttled,
            unsupported,
            changes,
        });
    }

    fn go_back(&mut self, mut vendor: V, clock: &dyn Clock, operation: &'static str, name: &str) {
        // Sessions are no content: a client that holds a token must not be thrown out by a reset.
        vendor.adopt_sessions(&self.vendor);
        // Nor are ids: a real target gives none twice, and a client may still hold one of what is gone now.
        vendor.number_on(&self.vendor);
        if self.licences.is_some() {
            vendor.set_licences(self.licences);
        }
        self.vendor = vendor;
        if !self.history.is_empty() {
            self.history.clear();
            self.keep_history(clock.elapsed());
        }
        self.log.push(Entry {
            number: 0,
            at: clock.now(),
            mock: V::NAME,
            operation,
            subject: (!name.is_empty()).then(|| name.to_owned()),
            method: String::new(),
            path: String::new(),
            status: None,
            answered: false,
            duration_micros: 0,
            faults: Vec::new(),
            throttled: false,
            unsupported: None,
            changes: Vec::new(),
        });
    }

    fn keep_history(&mut self, elapsed: Duration) {
        self.history.keep(elapsed, self.requests, &self.vendor);
    }

    fn sweep(&mut self) {
        self.faults.sweep();
        if !self.faults.lags() {
            self.history.clear();
        }
    }
}

/// Returns what the vendor said it does not offer, and takes that note off the answer.
fn unsupported(request: &Request, ticket: &Ticket, answer: &mut Answer) -> Option<String> {
    let noted = answer.headers.remove(UNSUPPORTED_HEADER);
    if let Some(note) = noted {
        return Some(String::from_utf8_lossy(note.as_bytes()).into_owned());
    }
    let missing =
        ticket.operation.name == "unknown" || answer.status == http::StatusCode::NOT_IMPLEMENTED;
    (missing && ticket.plan.refusal.is_none())
        .then(|| format!("{} {}", request.method, request.path))
}
