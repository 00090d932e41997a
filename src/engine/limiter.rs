//! How fast one connector may be sent to: what the configuration allows, and what its target was seen to take.
//!
//! Two things are learnt from the answers, each in the manner of congestion control: a little more is tried as long as it
//! goes well, and much less after a refusal. *Too many requests* (429, a quota, `Retry-After`) sets the **rate**: what got
//! through since the last refusal, over the time that it took and the pause that was asked for, is what the target takes.
//! Where it took more before, it soon goes back up to nearly that, and carefully from there: a refusal may have been one of
//! a bad moment, or have come while there was little to send, and then says little of what the target takes.
//! Timeouts, 5xx and answers that come ever more slowly set the **slots**: how many may be in flight at once. Refusals
//! that belong together, because the requests had left before the first of them came back, count once.
//!
//! Pure bookkeeping in monotonic time.

use std::time::Duration;

use domain::Quota;
use serde::{Deserialize, Serialize};

/// How far the rate goes down below what the target was seen to take.
const CUT: f64 = 0.85;

/// How much faster, per second, it becomes while a limit is kept to; never more than [`STEP`] per request.
const CREEP: f64 = 0.01;
const STEP: f64 = 0.006;

/// The same while the limit is looked for: twice as fast every second. After the first refusal, and as long as too little
/// got through to tell anything of the limit, a single request may double the rate: a target that names a long pause at
/// once is not known to be slow.
const LEAP: f64 = 0.7;
const STRIDE: f64 = 0.1;
const FIRST_STRIDE: f64 = 1.0;

/// A limit that is passed by so much without a refusal is none any more: it is looked for again.
const PASSED: f64 = 1.2;

/// From so many requests between two refusals on, what got through tells the limit by itself.
const TELLING: u64 = 10;

/// No limit is taken to be lower than this, in requests per second: five a minute. What a target wants beyond that it says
/// by the pauses that it asks for, and where it refuses every other request, however slowly they come, it is not the rate.
const LOWEST: f64 = 5.0 / 60.0;

/// What a target took for so long without a refusal, and at least [`TELLING`] requests of it, has held.
const HELD_FOR: Duration = Duration::from_secs(2);

/// So much of what held is gone back to as fast as a limit is looked for after the first refusal.
const NEAR: f64 = 0.9;

/// How many requests must get through after a refusal before it is gone back to: twice as many after each time that it was
/// refused on the way, and as many as at first again once it lasted for [`LASTED`] requests and [`LASTED_FOR`] from when it
/// was gone back to. A target that takes less for good is so seldom asked for more.
const FIRST_PATIENCE: u64 = 5;
const LONGEST_PATIENCE: u64 = 500;
const LASTED: u64 = 100;
const LASTED_FOR: Duration = Duration::from_secs(10);

/// The pause after a refusal that names none, doubling up to the longest: what Google and others ask for.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(64);

/// The share of failing answers, smoothed, from which on fewer are sent at once.
const TOO_MANY_FAIL: f64 = 0.3;

/// How often as many as there are slots must go well before there is one more; below and at what failed before.
const ROUNDS: usize = 10;
const ROUNDS_AT_CEILING: usize = 100;

/// What the configuration allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) concurrency: usize,
    pub(crate) rate: Option<Quota>,
    pub(crate) learns: bool,
}

/// How a turn's requests were answered, as far as the limiter cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// The target took them, whatever it thought of their content.
    Fine,
    /// It did not answer, or is in trouble.
    Overloaded,
    /// It asked for quiet; told by [`Limiter::too_many`] already.
    TooMany,
}

/// One turn as the limiter sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    /// When its last request left, in monotonic time.
    pub(crate) started: Duration,
    /// How long the answer took.
    pub(crate) took: Duration,
    /// How many requests it was.
    pub(crate) requests: u32,
    pub(crate) said: Said,
}

/// How long a limit that was learnt is believed in without a word of the target.
pub const LIMIT_BELIEVED: Duration = Duration::from_hours(24);

/// What was learnt of a target, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearntLimit {
    /// How many requests per second the target was seen to take; `None` while only their number at once is limited.
    pub requests_per_second: Option<f64>,
    /// The most that it took per second for a while without refusing any; `None` when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_per_second: Option<f64>,
    /// How many could be in flight at once from then on.
    pub concurrency: usize,
    /// From what, in words. It tells of that moment: the limit rises again while it goes well.
    pub why: String,
}

/// What the limiter does at the moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LimitView {
    /// How many requests are in flight.
    pub in_flight: usize,
    /// How many may be at once for the present.
    pub concurrency: usize,
    /// How many may be by the configuration.
    pub concurrency_allowed: usize,
    /// How many requests per second may be sent for the present; `None` when nothing limits them.
    pub rate: Option<f64>,
    /// How many may be by the configuration.
    pub rate_allowed: Option<f64>,
    /// How many the target was seen to take.
    pub learnt: Option<f64>,
    /// Requests since the start.
    pub sent: u64,
    /// Those of them that the target refused because they were too many.
    pub refused: u64,
    /// For how long nothing is sent, because the target asked for quiet.
    pub quiet_for: Duration,
    /// What it was lowered for the last time, in words: it may have risen since.
    pub why: Option<String>,
}

/// What follows from a refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    /// For how long nothing more is sent.
    pub(crate) pause: Duration,
    /// What was learnt, when it is worth keeping.
    pub(crate) learnt: Option<LearntLimit>,
}

/// One connector's limiter.
#[derive(Debug, Clone)]
pub(crate) struct Limiter {
    allowed: Allowed,
    /// Tokens: one per request; less than none when a turn took more than one.
    tokens: f64,
    filled: Duration,
    rate: Option<f64>,
    /// What the target was seen to take.
    ceiling: Option<f64>,
    /// Whether the limit is still looked for.
    seeks: bool,
    /// Whether the target has refused once only.
    is_first: bool,
    /// The most that it took for a while without a refusal.
    held: Option<f64>,
    /// How many must get through after a refusal before that is gone back to.
    patience: u64,
    /// When it was first gone back to since the last refusal, and how many had got through by then.
    went_back: Option<(Duration, u64)>,
    /// Since when `accepted` is counted.
    since: Duration,
    accepted: u64,
    last_answer: Duration,
    /// What left before this belongs to a refusal that was counted.
    cut: Duration,
    pauses: u32,
    kept: Option<(Duration, f64)>,
    slots: usize,
    slots_ceiling: Option<usize>,
    slots_cut: Duration,
    well: usize,
    failing: f64,
    slow: f64,
    best: f64,
    sent: u64,
    refused: u64,
    why: Option<String>,
}

impl Limiter {
    pub(crate) fn new(allowed: Allowed) -> Self {
        Self {
            allowed,
            tokens: 1.0,
            filled: Duration::ZERO,
            rate: None,
            ceiling: None,
            seeks: false,
            is_first: false,
            held: None,
            patience: FIRST_PATIENCE,
            went_back: None,
            since: Duration::ZERO,
            accepted: 0,
            last_answer: Duration::ZERO,
            cut: Duration::ZERO,
            pauses: 0,
            kept: None,
            slots: allowed.concurrency.max(1),
            slots_ceiling: None,
            slots_cut: Duration::ZERO,
            well: 0,
            failing: 0.0,
            slow: 0.0,
            best: f64::INFINITY,
            sent: 0,
            refused: 0,
            why: None,
        }
    }

    /// Puts another configuration into force; what was learnt stays.
    pub(crate) fn allow(&mut self, allowed: Allowed) {
        if allowed == self.allowed {
            return;
        }
        if !allowed.learns {
            *self = Self {
                sent: self.sent,
                refused: self.refused,
                ..Self::new(allowed)
            };
            return;
        }
        self.slots = if self.slots == self.allowed.concurrency.max(1) {
            allowed.concurrency.max(1)
        } else {
            self.slots.min(allowed.concurrency.max(1))
        };
        self.allowed = allowed;
    }

    /// Goes on with what an earlier process learnt.
    pub(crate) fn resume(&mut self, learnt: &LearntLimit) {
        if !self.allowed.learns {
            return;
        }
        self.held = learnt.held_per_second.filter(|held| *held > 0.0);
        if let Some(limit) = learnt.requests_per_second.filter(|limit| *limit > 0.0) {
            self.ceiling = Some(limit);
            self.rate = Some(limit * CUT);
            // It may have learnt that in a bad moment, and did not last long enough to see more get through.
            self.seeks = self.held.is_none();
        }
        self.slots = learnt.concurrency.clamp(1, self.allowed.concurrency.max(1));
        self.why = Some(learnt.why.clone());
    }

    /// Returns how many may be in flight at once.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    /// Returns the time from which on a request may be sent; `None` when one may be now.
    pub(crate) fn not_before(&self, now: Duration) -> Option<Duration> {
        let (rate, most) = self.pace()?;
        let tokens = self.level(now, rate, most);
        // What is missing is less than any clock can tell.
        if tokens >= 1.0 - 1e-6 {
            return None;
        }
        let wait = Duration::try_from_secs_f64((1.0 - tokens) / rate).unwrap_or(Duration::MAX);
        let begin = self.filled.max(now);
        Some(begin.saturating_add(wait.max(Duration::from_micros(1))))
    }

    /// Counts a turn that begins.
    pub(crate) fn take(&mut self, now: Duration) {
        if let Some((rate, most)) = self.pace() {
            self.tokens = self.level(now, rate, most) - 1.0;
            self.filled = self.filled.max(now);
        }
        // Nothing was sent for a while, so what got through before says nothing of what the target takes.
        let lull = self.rate.map_or(0.0, |rate| 3.0 / rate).max(2.0);
        let lull = Duration::try_from_secs_f64(lull).unwrap_or(Duration::MAX);
        if now > self.last_answer.saturating_add(lull) && now > self.since {
            self.since = now;
            self.accepted = 0;
            self.went_back = self.went_back.map(|_| (now, 0));
        }
        self.last_answer = self.last_answer.max(now);
    }

    /// Learns from a turn that has ended.
    pub(crate) fn answered(&mut self, answered: Answered, now: Duration) -> Option<LearntLimit> {
        self.sent += u64::from(answered.requests);
        self.tokens -= f64::from(answered.requests.saturating_sub(1));
        self.last_answer = now;
        if !self.allowed.learns {
            return None;
        }
        match answered.said {
            Said::TooMany => None,
            Said::Overloaded => {
                if answered.started < self.slots_cut {
                    return None;
                }
                self.failing += (1.0 - self.failing) * 0.15;
                if self.failing > TOO_MANY_FAIL {
                    return self
                        .fewer(now, "it did not answer, or answered that it was in trouble");
                }
                None
            }
            Said::Fine => {
                self.accepted += u64::from(answered.requests);
                self.pauses = 0;
                self.failing *= 0.9;
                self.hold(now);
                self.faster(answered.requests, now);
                self.more(answered, now)
            }
        }
    }

    /// Learns that the target asked for quiet, and says for how long nothing more is sent.
    ///
    /// `after` is the target's own wish; without one it is a pause that doubles. `draw` draws a time up to another.
    pub(crate) fn too_many(
        &mut self,
        started: Duration,
        after: Option<Duration>,
        now: Duration,
        draw: impl FnOnce(Duration) -> Duration,
    ) -> Refusal {
        self.refused += 1;
        let is_same = started < self.cut;
        let pause = match after.filter(|after| !after.is_zero()) {
            Some(after) => after,
            None if is_same => self.cut.saturating_sub(now),
            None => {
                let step = FIRST_PAUSE
                    .saturating_mul(1 << self.pauses.min(6))
                    .min(LONGEST_PAUSE);
                self.pauses += 1;
                step / 2 + draw(step / 2)
            }
        };
        if is_same || !self.allowed.learns {
            return Refusal {
                pause,
                learnt: None,
            };
        }
        let until = now.saturating_add(pause);
        let limit = self.limit_seen(until);
        let agrees = self
            .ceiling
            .is_some_and(|before| limit > before * 0.7 && limit < before * 1.4);
        // The first burst says how much the target keeps in hand, not what it takes in the long run.
        let is_told = self.ceiling.is_some() && self.accepted >= TELLING;
        self.seeks = !(is_told || agrees && self.accepted > 0);
        let limit = match self.ceiling {
            // Nothing got through, which says little: others may use the same quota.
            Some(before) if self.accepted == 0 => (before * 0.5).max(limit),
            _ => limit,
        }
        .max(LOWEST);
        if let Some((since, before)) = self.went_back.take() {
            // What the patience waited for is no sign that it lasts.
            let has_lasted = self.accepted.saturating_sub(before) >= LASTED
                && now.saturating_sub(since) >= LASTED_FOR;
            self.patience = if has_lasted {
                FIRST_PATIENCE
            } else {
                self.patience.saturating_mul(2).min(LONGEST_PATIENCE)
            };
        }
        self.is_first = self.ceiling.is_none();
        self.ceiling = Some(limit);
        self.rate = Some(limit * CUT);
        self.tokens = 1.0;
        self.filled = until;
        self.since = until;
        self.accepted = 0;
        self.cut = until;
        self.why = Some(format!(
            "the target refused more than {} requests a second",
            short(limit)
        ));
        Refusal {
            pause,
            learnt: self.worth_keeping(now, limit),
        }
    }

    /// Returns what a refusal shows that the target takes, when nothing is sent until then.
    fn limit_seen(&self, until: Duration) -> f64 {
        let seen = per_second(self.accepted.max(1), until.saturating_sub(self.since));
        let Some(rate) = self.rate else {
            return seen;
        };
        // On the way up less was sent than the target takes for most of the time; half of the rate got through just now.
        let is_on_the_way = (self.seeks || self.went_back.is_some()) && self.accepted >= TELLING;
        let least = if is_on_the_way { rate * 0.5 } else { 0.0 };
        seen.max(least).min(rate)
    }

    pub(crate) fn view(&self, in_flight: usize, quiet_for: Duration) -> LimitView {
        let why = self.why.clone().or_else(|| {
            self.allowed
                .rate
                .map(|quota| format!("rate = \"{}/{:?}\"", quota.requests, quota.per))
        });
        LimitView {
            in_flight,
            concurrency: self.slots,
            concurrency_allowed: self.allowed.concurrency,
            rate: self.pace().map(|(rate, _)| rate),
            rate_allowed: self.allowed.rate.map(|quota| fixed(quota).0),
            learnt: self.ceiling,
            sent: self.sent,
            refused: self.refused,
            quiet_for,
            why,
        }
    }

    /// Returns the rate in force with the number of requests that may come at once.
    fn pace(&self) -> Option<(f64, f64)> {
        let learnt = self.rate.map(|rate| (rate, (rate * 0.1).max(1.0)));
        let own = self.allowed.rate.map(fixed);
        match (learnt, own) {
            (Some(learnt), Some(own)) => Some((learnt.0.min(own.0), learnt.1.min(own.1))),
            (learnt, own) => learnt.or(own),
        }
    }

    fn level(&self, now: Duration, rate: f64, most: f64) -> f64 {
        let passed = now.saturating_sub(self.filled).as_secs_f64();
        (self.tokens + passed * rate).min(most)
    }

    /// Notes what the target took for a while without a refusal.
    fn hold(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.since);
        if passed >= HELD_FOR && self.accepted >= TELLING {
            let took = per_second(self.accepted, passed);
            self.held = Some(self.held.map_or(took, |held| held.max(took)));
        }
    }

    fn faster(&mut self, requests: u32, now: Duration) {
        let (Some(rate), Some(ceiling)) = (self.rate, self.ceiling) else {
            return;
        };
        if let Some(held) = self.held
            && rate < held * NEAR
            && self.accepted >= self.patience
        {
            self.go_back(rate, held, requests, now);
            return;
        }
        let step = if self.seeks && self.is_first && self.accepted < TELLING {
            FIRST_STRIDE.min(LEAP / rate)
        } else if self.seeks {
            STRIDE.min(LEAP / rate)
        } else {
            STEP.min(CREEP / rate)
        };
        let rate = rate * (1.0 + step * f64::from(requests));
        self.rate = Some(rate);
        if rate > ceiling * PASSED {
            self.seeks = true;
        }
        if rate > ceiling * 100.0 {
            self.rate = None;
            self.ceiling = None;
            self.why = None;
        }
    }

    /// Goes back up to nearly what held before, which is what the target takes until it says otherwise.
    fn go_back(&mut self, rate: f64, held: f64, requests: u32, now: Duration) {
        let step = FIRST_STRIDE.min(LEAP / rate);
        let rate = (rate * (1.0 + step * f64::from(requests))).min(held * NEAR);
        self.went_back.get_or_insert((now, self.accepted));
        self.rate = Some(rate);
        if self.ceiling.is_some_and(|ceiling| rate > ceiling) {
            self.ceiling = Some(rate);
            self.why = Some(format!(
                "it goes back to the {} requests a second that the target took before",
                short(held)
            ));
        }
    }

    /// A turn went well: there may be one more slot, unless answers come ever more slowly.
    fn more(&mut self, answered: Answered, now: Duration) -> Option<LearntLimit> {
        let took = answered.took.as_secs_f64();
        self.best = (self.best * 1.0005).min(took.max(1e-6));
        self.slow += (took - self.slow) * 0.1;
        if self.slow > 1.0 + 4.0 * self.best && self.slots > 1 && answered.started >= self.slots_cut
        {
            self.slow = self.best;
            return self.fewer(now, "its answers came ever more slowly");
        }
        let most = self.allowed.concurrency.max(1);
        if self.slots >= most {
            self.slots_ceiling = None;
            return None;
        }
        self.well += 1;
        let is_near = self
            .slots_ceiling
            .is_some_and(|ceiling| self.slots + 1 >= ceiling);
        let rounds = if is_near { ROUNDS_AT_CEILING } else { ROUNDS };
        if self.well >= rounds * self.slots {
            self.well = 0;
            self.slots += 1;
            if self.slots == most && self.rate.is_none() {
                self.why = None;
            }
        }
        None
    }

    fn fewer(&mut self, now: Duration, told: &str) -> Option<LearntLimit> {
        self.failing = 0.0;
        self.well = 0;
        self.slots_cut = now.saturating_add(Duration::from_nanos(1));
        if self.slots == 1 {
            return None;
        }
        // Of what was, and not of how many there are: they become more again while this stands.
        let why = format!("with {} at once {told}", self.slots);
        self.slots_ceiling = Some(self.slots);
        self.slots = (self.slots / 2).max(1);
        self.why = Some(why.clone());
        Some(LearntLimit {
            requests_per_second: self.ceiling,
            held_per_second: self.held,
            concurrency: self.slots,
            why,
        })
    }

    /// A limit is written down when it is new, differs, or the last word on it is old.
    fn worth_keeping(&mut self, now: Duration, limit: f64) -> Option<LearntLimit> {
        let is_news = self.kept.is_none_or(|(at, known)| {
            now > at.saturating_add(Duration::from_mins(10)) || (limit / known - 1.0).abs() > 0.2
        });
        if !is_news {
            return None;
        }
        self.kept = Some((now, limit));
        Some(LearntLimit {
            requests_per_second: Some(limit),
            held_per_second: self.held,
            concurrency: self.slots,
            why: self.why.clone().unwrap_or_default(),
        })
    }
}

/// Returns a configured rate with the number of requests that may come at once: together never more than the quota in any
/// window of its length.
fn fixed(quota: Quota) -> (f64, f64) {
    let requests = f64::from(quota.requests);
    let burst = (requests / 20.0).floor().max(1.0);
    let steady = if burst > 1.0 {
        requests - burst
    } else {
        requests
    };
    (steady / quota.per.as_secs_f64(), burst)
}

/// Returns how many requests that were per second.
fn per_second(requests: u64, time: Duration) -> f64 {
    let requests = u32::try_from(requests).unwrap_or(u32::MAX);
    f64::from(requests) / time.as_secs_f64().max(0.001)
}

/// Writes a rate with as many digits as it is good for.
fn short(rate: f64) -> String {
    if rate >= 10.0 {
        format!("{rate:.0}")
    } else {
        format!("{rate:.2}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn allowed(concurrency: usize) -> Allowed {
        Allowed {
            concurrency,
            rate: None,
            learns: true,
        }
    }

    /// A target with a bucket of tokens, in virtual time.
    struct Bucket {
        capacity: f64,
        rate: f64,
        tokens: f64,
        at: Duration,
        names_the_pause: bool,
        most_at_once: usize,
    }

    impl Bucket {
        fn new(requests: u32, per: Duration) -> Self {
            Self {
                capacity: f64::from(requests),
                rate: f64::from(requests) / per.as_secs_f64(),
                tokens: f64::from(requests),
                at: Duration::ZERO,
                names_the_pause: true,
                most_at_once: usize::MAX,
            }
        }

        /// Takes a request, or says in whole seconds when to come again.
        fn take(&mut self, now: Duration) -> Result<(), Option<Duration>> {
            let passed = now.saturating_sub(self.at).as_secs_f64();
            self.tokens = (self.tokens + passed * self.rate).min(self.capacity);
            self.at = now;
            if self.tokens >= 1.0 {
                self.tokens -= 1.0;
                return Ok(());
            }
            let wait = ((1.0 - self.tokens) / self.rate).ceil().max(1.0);
            Err(self.names_the_pause.then(|| Duration::from_secs_f64(wait)))
        }
    }

    #[derive(Debug, Default)]
    struct Tally {
        sent: u32,
        refused: u32,
        failed: u32,
    }

    impl Tally {
        fn refused_percent(&self) -> f64 {
            100.0 * f64::from(self.refused) / f64::from(self.sent)
        }
    }

    /// Plays a connector with more than enough to send, from when the target was last asked; counts what happens after the
    /// time for learning.
    fn play(
        limiter: &mut Limiter,
        bucket: &mut Bucket,
        latency: Duration,
        learning: Duration,
        end: Duration,
    ) -> Tally {
        let mut tally = Tally::default();
        let mut now = bucket.at;
        let mut quiet = Duration::ZERO;
        // When each request in flight is answered, and how.
        let mut flying: BTreeSet<(Duration, u32, Duration)> = BTreeSet::new();
        let mut answers = std::collections::HashMap::new();
        let mut id = 0;
        while now < end {
            while flying.len() < limiter.slots()
                && quiet <= now
                && limiter.not_before(now).is_none()
            {
                limiter.take(now);
                id += 1;
                let answer = if flying.len() >= bucket.most_at_once {
                    Err(None)
                } else {
                    bucket.take(now).map_err(Some)
                };
                if now >= learning {
                    tally.sent += 1;
                    match answer {
                        Ok(()) => {}
                        Err(Some(_)) => tally.refused += 1,
                        Err(None) => tally.failed += 1,
                    }
                }
                answers.insert(id, answer);
                flying.insert((now + latency, id, now));
            }
            let mut next = flying.first().map(|(at, ..)| *at);
            if flying.len() < limiter.slots() {
                let free = limiter.not_before(now).unwrap_or(now).max(quiet);
                next = Some(next.map_or(free, |at| at.min(free)));
            }
            now = next.expect("something happens").max(now);
            while let Some((at, answered, started)) = flying.first().copied() {
                if at > now {
                    break;
                }
                flying.pop_first();
                let said = match answers[&answered] {
                    Ok(()) => Said::Fine,
                    Err(None) => Said::Overloaded,
                    Err(Some(after)) => {
                        let refusal = limiter.too_many(started, after, now, |most| most / 2);
                        quiet = quiet.max(now + refusal.pause);
                        Said::TooMany
                    }
                };
                let answered = Answered {
                    started,
                    took: at.saturating_sub(started),
                    requests: 1,
                    said,
                };
                limiter.answered(answered, now);
            }
        }
        tally
    }

    #[test]
    fn a_token_bucket_is_hit_less_than_five_times_in_a_hundred_and_used_well() {
        for (requests, per, concurrency, latency) in [
            (100, 1, 8, 5),
            (100, 1, 64, 5),
            (1000, 1, 64, 20),
            (2400, 60, 8, 50),
            (2400, 60, 64, 5),
            (25, 20, 8, 100),
            (10, 60, 8, 20),
            (600, 60, 8, 200),
            (600, 60, 32, 500),
            (2400, 60, 64, 200),
        ] {
            for names_the_pause in [true, false] {
                let per = Duration::from_secs(per);
                let mut bucket = Bucket {
                    names_the_pause,
                    ..Bucket::new(requests, per)
                };
                let mut limiter = Limiter::new(allowed(concurrency));
                let learning = (per * 5).max(Duration::from_secs(20));
                let end = learning + (per * 40).max(Duration::from_secs(40));
                let tally = play(
                    &mut limiter,
                    &mut bucket,
                    Duration::from_millis(latency),
                    learning,
                    end,
                );
                let possible = bucket.rate * end.saturating_sub(learning).as_secs_f64();
                let used = 100.0 * f64::from(tally.sent - tally.refused) / possible;
                let told = format!(
                    "{requests} per {per:?}, {concurrency} at once, pause named: {names_the_pause}; {used:.0} % used, {:.1} % refused, {tally:?}",
                    tally.refused_percent()
                );
                assert!(tally.refused_percent() < 5.0, "{told}");
                assert!(used > 75.0, "{told}");
            }
        }
    }

    #[test]
    fn one_early_refusal_with_a_long_pause_does_not_make_a_fast_target_slow() {
        let mut limiter = Limiter::new(allowed(8));
        let minute = Duration::from_mins(1);
        limiter.take(Duration::ZERO);
        limiter.too_many(Duration::ZERO, Some(minute), Duration::ZERO, |most| most);
        let mut bucket = Bucket::new(1_000_000, Duration::from_secs(1));
        let end = 6 * minute;
        let latency = Duration::from_millis(50);
        let tally = play(&mut limiter, &mut bucket, latency, 5 * minute, end);
        assert!(tally.sent > 60 * 50, "{} in a minute", tally.sent);
    }

    /// One request that is taken at once.
    fn taken(limiter: &mut Limiter, now: Duration) {
        limiter.take(now);
        let answered = Answered {
            started: now,
            took: Duration::ZERO,
            requests: 1,
            said: Said::Fine,
        };
        limiter.answered(answered, now);
    }

    /// A limiter that goes on with half a request a second, and with what is known to have held.
    fn resumed(held_per_second: Option<f64>) -> Limiter {
        let mut limiter = Limiter::new(allowed(8));
        limiter.resume(&LearntLimit {
            requests_per_second: Some(0.5),
            held_per_second,
            concurrency: 8,
            why: "the test says so".to_owned(),
        });
        limiter
    }

    /// A limiter that was told of a low limit twice while there was little to send, after it had sent fifty a second.
    fn told_in_a_bad_moment() -> (Limiter, Duration) {
        let mut limiter = Limiter::new(allowed(8));
        let mut now = Duration::ZERO;
        for _ in 0..1000 {
            taken(&mut limiter, now);
            now += Duration::from_millis(20);
        }
        now += Duration::from_secs(10);
        for _ in 0..2 {
            for _ in 0..12 {
                now = limiter.not_before(now).unwrap_or(now);
                taken(&mut limiter, now);
                now += Duration::from_millis(1500);
            }
            limiter.take(now);
            let second = Some(Duration::from_secs(1));
            let refusal = limiter.too_many(now, second, now, |most| most);
            now += refusal.pause;
        }
        (limiter, now)
    }

    #[test]
    fn after_a_bad_moment_a_target_is_soon_given_what_it_took_before() {
        let (told, now) = told_in_a_bad_moment();
        let start = Duration::ZERO;
        for (how, mut limiter, begin) in [
            ("told in a bad moment", told, now),
            ("resumed with what held", resumed(Some(50.0)), start),
            ("resumed, nothing is known", resumed(None), start),
        ] {
            let before = limiter.view(0, Duration::ZERO).rate;
            assert!(before.is_some_and(|rate| rate < 5.0), "{how}: {before:?}");
            let mut bucket = Bucket {
                at: begin,
                ..Bucket::new(50, Duration::from_secs(1))
            };
            let latency = Duration::from_millis(20);
            let half_a_minute = Duration::from_secs(30);
            let back = begin + half_a_minute;
            let up = play(&mut limiter, &mut bucket, latency, begin, back);
            let then = play(
                &mut limiter,
                &mut bucket,
                latency,
                back,
                back + half_a_minute,
            );
            assert!(then.sent - then.refused > 30 * 45, "{how}: {up:?} {then:?}");
            let (sent, refused) = (up.sent + then.sent, up.refused + then.refused);
            assert!(refused * 20 < sent, "{how}: {up:?} {then:?}");
        }
    }

    #[test]
    fn a_target_that_takes_one_a_second_for_good_is_seldom_asked_for_more() {
        for capacity in [1.0, 5.0, 60.0] {
            for names_the_pause in [true, false] {
                for (how, mut limiter) in [
                    ("new", Limiter::new(allowed(8))),
                    ("nothing is known", resumed(None)),
                    ("it took fifty once", resumed(Some(50.0))),
                ] {
                    let mut bucket = Bucket {
                        capacity,
                        tokens: capacity,
                        names_the_pause,
                        ..Bucket::new(1, Duration::from_secs(1))
                    };
                    let learning = Duration::from_mins(1);
                    let end = learning + Duration::from_mins(10);
                    let latency = Duration::from_millis(50);
                    let tally = play(&mut limiter, &mut bucket, latency, learning, end);
                    let told = format!(
                        "{how}, {capacity} at once, pause named: {names_the_pause}; {tally:?}"
                    );
                    assert!(tally.refused <= 20, "{told}");
                    assert!(tally.refused_percent() < 5.0, "{told}");
                    assert!(tally.sent > 300, "{told}");
                }
            }
        }
    }

    #[test]
    fn a_target_that_refuses_every_other_request_is_given_more_than_one_a_minute() {
        let mut limiter = Limiter::new(allowed(1));
        let mut now = Duration::ZERO;
        for _ in 0..100 {
            now = limiter.not_before(now).unwrap_or(now);
            taken(&mut limiter, now);
            now = limiter.not_before(now).unwrap_or(now);
            limiter.take(now);
            let second = Some(Duration::from_secs(1));
            let refusal = limiter.too_many(now, second, now, |most| most);
            now += refusal.pause;
        }
        assert!(now < Duration::from_mins(50), "{now:?} for two hundred");
    }

    #[test]
    fn a_target_that_takes_so_many_at_once_is_not_given_more() {
        let mut bucket = Bucket {
            most_at_once: 4,
            ..Bucket::new(1_000_000, Duration::from_secs(1))
        };
        let mut limiter = Limiter::new(allowed(32));
        let tally = play(
            &mut limiter,
            &mut bucket,
            Duration::from_millis(100),
            Duration::from_mins(1),
            Duration::from_mins(6),
        );
        let failed = 100.0 * f64::from(tally.failed) / f64::from(tally.sent);
        assert!(failed < 5.0, "{failed:.1} % of {tally:?}");
        assert!(tally.sent > 300 * 20, "{tally:?}");
    }

    #[test]
    fn what_is_said_of_a_limit_stays_true_when_it_has_risen_since() {
        let mut limiter = Limiter::new(allowed(4));
        let mut now = Duration::from_secs(100);
        let mut answer = |limiter: &mut Limiter, said| {
            now += Duration::from_millis(10);
            let answered = Answered {
                started: now,
                took: Duration::from_millis(10),
                requests: 1,
                said,
            };
            limiter.take(now);
            now += Duration::from_millis(10);
            limiter.answered(answered, now)
        };
        let learnt = (0..20)
            .find_map(|_| answer(&mut limiter, Said::Overloaded))
            .expect("so many failures lower it");
        assert_eq!(learnt.concurrency, 2);
        for _ in 0..60 {
            answer(&mut limiter, Said::Fine);
        }
        let view = limiter.view(1, Duration::ZERO);
        assert_eq!(view.concurrency, 3, "{view:?}");
        assert_eq!(
            view.why.unwrap(),
            "with 4 at once it did not answer, or answered that it was in trouble"
        );
    }

    #[test]
    fn a_configured_rate_is_never_exceeded_in_any_window() {
        for (requests, per) in [(1, 1), (5, 1), (100, 1), (2400, 60)] {
            let quota = Quota {
                requests,
                per: Duration::from_secs(per),
            };
            let mut limiter = Limiter::new(Allowed {
                concurrency: 8,
                rate: Some(quota),
                learns: true,
            });
            let mut sent: Vec<Duration> = Vec::new();
            let mut now = Duration::ZERO;
            for _ in 0..3 * requests {
                now = limiter.not_before(now).unwrap_or(now);
                assert_eq!(limiter.not_before(now), None);
                limiter.take(now);
                sent.push(now);
            }
            let window = quota.per.saturating_sub(Duration::from_millis(1));
            for (at, begin) in sent.iter().enumerate() {
                let within = sent[at..]
                    .iter()
                    .take_while(|time| time.saturating_sub(*begin) < window)
                    .count();
                assert!(within <= requests as usize, "{within} of {quota:?}");
            }
        }
    }

    #[test]
    fn a_turn_of_many_requests_is_paid_for_afterwards() {
        let mut limiter = Limiter::new(Allowed {
            concurrency: 8,
            rate: Some(Quota {
                requests: 10,
                per: Duration::from_secs(10),
            }),
            learns: true,
        });
        let now = Duration::from_secs(100);
        limiter.take(now);
        limiter.answered(
            Answered {
                started: now,
                took: Duration::ZERO,
                requests: 4,
                said: Said::Fine,
            },
            now,
        );
        assert_eq!(limiter.not_before(now), Some(now + Duration::from_secs(4)));
    }

    #[test]
    fn one_refusal_for_many_in_flight_is_one_and_a_restart_goes_on_with_it() {
        let mut limiter = Limiter::new(allowed(8));
        let start = Duration::from_secs(10);
        for _ in 0..8 {
            limiter.take(start);
        }
        let now = start + Duration::from_secs(1);
        let first = limiter.too_many(start, Some(Duration::from_secs(9)), now, |most| most);
        let learnt = first.learnt.expect("the first is kept");
        for _ in 0..7 {
            let next = limiter.too_many(start, Some(Duration::from_secs(9)), now, |most| most);
            assert_eq!(next.learnt, None);
        }
        let view = limiter.view(0, Duration::ZERO);
        assert_eq!((view.refused, view.learnt), (8, Some(0.1)));
        let mut next = Limiter::new(allowed(8));
        next.resume(&learnt);
        assert_eq!(next.view(0, Duration::ZERO).learnt, Some(0.1));
        assert_eq!(next.view(0, Duration::ZERO).why, view.why);
    }

    #[test]
    fn a_pause_that_nobody_names_doubles_up_to_a_minute_and_begins_anew_when_it_goes_well() {
        let mut limiter = Limiter::new(allowed(1));
        let mut now = Duration::from_secs(100);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let refusal = limiter.too_many(now, None, now, |most| most);
            pauses.push(refusal.pause.as_secs());
            now += refusal.pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 64]);
        limiter.answered(
            Answered {
                started: now,
                took: Duration::ZERO,
                requests: 1,
                said: Said::Fine,
            },
            now,
        );
        let refusal = limiter.too_many(now, None, now, |most| most);
        assert_eq!(refusal.pause, Duration::from_secs(1));
    }

    #[test]
    fn what_fails_in_passing_costs_no_slots_and_a_black_hole_keeps_one() {
        let mut limiter = Limiter::new(allowed(8));
        let answered = |said, at: u64| Answered {
            started: Duration::from_secs(at),
            took: Duration::from_millis(5),
            requests: 1,
            said,
        };
        for at in 0..200 {
            let said = if at % 20 == 0 {
                Said::Overloaded
            } else {
                Said::Fine
            };
            limiter.answered(answered(said, at), Duration::from_secs(at));
        }
        assert_eq!(limiter.slots(), 8);
        for at in 200..220 {
            limiter.answered(answered(Said::Overloaded, at), Duration::from_secs(at));
        }
        assert_eq!(limiter.slots(), 1);
        for at in 220..1500 {
            limiter.answered(answered(Said::Fine, at), Duration::from_secs(at));
        }
        assert!(limiter.slots() > 4, "{}", limiter.slots());
    }

    #[test]
    fn what_is_not_learnt_is_not_kept_to() {
        let mut limiter = Limiter::new(Allowed {
            learns: false,
            ..allowed(8)
        });
        let now = Duration::from_secs(5);
        let refusal = limiter.too_many(now, Some(Duration::from_secs(3)), now, |most| most);
        assert_eq!(refusal.pause, Duration::from_secs(3));
        assert_eq!(limiter.not_before(now), None);
        assert_eq!(limiter.view(0, Duration::ZERO).learnt, None);
    }
}
