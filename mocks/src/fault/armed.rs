//! The faults that are armed right now: matched, counted, drawn by lot, disarmed.

use std::time::Duration;

use http::Method;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;

use super::{Effect, Fault, FaultSpec, Garble, Lag, Throttle, Times};
use crate::{Kind, Operation, Trouble, quota::Bucket};

/// The number of an armed fault at one mock.
pub type FaultId = u64;

/// An armed fault, as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Armed {
    /// Its number at this mock.
    pub id: FaultId,
    /// What was armed; reads back as a specification.
    pub spec: FaultSpec,
    /// How many requests matched so far.
    pub matched: u64,
    /// How many of them it acted on.
    pub acted: u64,
    /// How often it will act before it disarms itself; absent when it stays.
    pub remaining: Option<u64>,
}

/// How a connection ends without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// An orderly end of the stream.
    Close,
    /// TCP RST.
    Reset,
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Refusal {
    /// The vendor's words, perhaps with `Retry-After`.
    Trouble(Trouble, Option<Duration>),
    /// No word at all.
    Hangup(Hangup),
}

/// What the armed faults make of one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) faults: Vec<Fault>,
    pub(crate) delay: Duration,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) expire_tokens: bool,
    pub(crate) licences: Option<(FaultId, u64)>,
    pub(crate) lag: Option<Lag>,
    pub(crate) duplicate: bool,
    pub(crate) hangup: Option<Hangup>,
    pub(crate) garble: Option<Garble>,
    pub(crate) slow: Option<Duration>,
}

#[derive(Debug)]
struct One {
    shown: Armed,
    lot: StdRng,
    bucket: Option<Bucket>,
}

/// The armed faults of one mock, in the order in which they were armed.
#[derive(Debug)]
pub(crate) struct Faults {
    armed: Vec<One>,
    last: FaultId,
    seed: u64,
}

/// What the faults ask about a request.
pub(crate) struct Asked<'a> {
    pub(crate) operation: &'a Operation,
    pub(crate) method: &'a Method,
    /// How many requests are under way, this one included.
    pub(crate) in_flight: usize,
    /// The clock's [`elapsed`](crate::Clock::elapsed).
    pub(crate) elapsed: Duration,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            armed: Vec::new(),
            last: 0,
            seed,
        }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.armed.is_empty()
    }

    pub(crate) fn arm(&mut self, spec: FaultSpec, elapsed: Duration) -> FaultId {
        self.last += 1;
        let id = self.last;
        let bucket = match &spec.effect {
            Effect::UserRate(Throttle {
                rate: Some(rate), ..
            })
            | Effect::AccountRate(Throttle {
                rate: Some(rate), ..
            }) => Some(Bucket::full(*rate, elapsed)),
            _ => None,
        };
        let remaining = match spec.times {
            Times::Count(count) => Some(count),
            Times::Always => None,
        };
        let shown = Armed {
            id,
            spec,
            matched: 0,
            acted: 0,
            remaining,
        };
        // Each fault draws its own lots, so that the nth match of one does not hang on what else is armed.
        let lot = StdRng::seed_from_u64(
            self.seed
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .wrapping_add(id),
        );
        self.armed.push(One { shown, lot, bucket });
        id
    }

    pub(crate) fn disarm(&mut self, id: FaultId) -> Option<Armed> {
        let at = self.armed.iter().position(|one| one.shown.id == id)?;
        Some(self.armed.remove(at).shown)
    }

    pub(crate) fn disarm_all(&mut self) -> usize {
        let count = self.armed.len();
        self.armed.clear();
        count
    }

    pub(crate) fn list(&self) -> Vec<Armed> {
        self.armed.iter().map(|one| one.shown.clone()).collect()
    }

    /// Tells whether any armed fault makes reads lag, so that older states have to be kept.
    pub(crate) fn lags(&self) -> bool {
        self.armed
            .iter()
            .any(|one| matches!(one.shown.spec.effect, Effect::Lag(_)))
    }

    /// Takes back that a fault acted: it was drawn, but had nothing to do.
    pub(crate) fn give_back(&mut self, id: FaultId) {
        if let Some(one) = self.armed.iter_mut().find(|one| one.shown.id == id) {
            one.shown.acted -= 1;
            one.shown.remaining = one.shown.remaining.map(|left| left + 1);
        }
    }

    /// Disarms what has acted as often as it was to.
    pub(crate) fn sweep(&mut self) {
        self.armed.retain(|one| one.shown.remaining != Some(0));
    }

    /// Draws the faults that act on a request. `name_of` is asked only when a fault names a subject that the request
    /// itself does not.
    pub(crate) fn plan(
        &mut self,
        asked: &Asked<'_>,
        name_of: impl Fn(&str) -> Option<String>,
    ) -> Plan {
        let mut plan = Plan::default();
        let mut name: Option<Option<String>> = None;
        for one in &mut self.armed {
            if plan.refusal.is_some() {
                break; // what comes after a refusal has nothing to act on
            }
            if one.shown.remaining == Some(0)
                || !one.shown.spec.on.fits(asked.operation, asked.method)
            {
                continue;
            }
            if one.shown.spec.on.subject.is_some() {
                let Some(subject) = &asked.operation.subject else {
                    continue;
                };
                let named = one.shown.spec.on.fits_subject(subject) || {
                    let name = name.get_or_insert_with(|| name_of(subject));
                    name.as_ref()
                        .is_some_and(|name| one.shown.spec.on.fits_subject(name))
                };
                if !named {
                    continue;
                }
            }
            one.draw(asked, &mut plan);
        }
        plan
    }
}

impl One {
    fn draw(&mut self, asked: &Asked<'_>, plan: &mut Plan) {
        let spec = &self.shown.spec;
        if !suits(&spec.effect, asked.operation.kind) {
            return;
        }
        self.shown.matched += 1;
        // The lot is drawn for every match, so that `nth` does not shift the lots of later ones.
        let hit = spec.chance >= 1.0 || self.lot.random::<f64>() < spec.chance;
        if !hit
            || spec
                .on
                .nth
                .as_ref()
                .is_some_and(|nth| !nth.contains(&self.shown.matched))
        {
            return;
        }
        if !self.act(asked, plan) {
            return;
        }
        self.shown.acted += 1;
        self.shown.remaining = self.shown.remaining.map(|left| left - 1);
        plan.faults.push(self.shown.spec.effect.fault());
    }

    /// Writes the effect into the plan; `false` when there was nothing to do.
    fn act(&mut self, asked: &Asked<'_>, plan: &mut Plan) -> bool {
        match &self.shown.spec.effect {
            Effect::Latency(from, to) => plan.delay += self.lot.random_range(*from..=*to),
            Effect::SlowBody(over) => plan.slow = Some(*over),
            Effect::Status(status, retry_after) => {
                plan.refusal = Some(Refusal::Trouble(Trouble::Status(*status), *retry_after));
            }
            Effect::UserRate(throttle) => {
                match refused_for(*throttle, self.bucket.as_mut(), asked.elapsed) {
                    Some(seconds) => plan.refuse(Trouble::UserRate {
                        retry_after_seconds: seconds,
                    }),
                    None => return false,
                }
            }
            Effect::AccountRate(throttle) => {
                match refused_for(*throttle, self.bucket.as_mut(), asked.elapsed) {
                    Some(seconds) => plan.refuse(Trouble::AccountRate {
                        retry_after_seconds: seconds,
                    }),
                    None => return false,
                }
            }
            Effect::Concurrency(Some(limit)) if asked.in_flight <= *limit => return false,
            Effect::Concurrency(_) => plan.refuse(Trouble::Concurrency),
            Effect::Reset => plan.refusal = Some(Refusal::Hangup(Hangup::Reset)),
            Effect::DropBefore => plan.refusal = Some(Refusal::Hangup(Hangup::Close)),
            Effect::DropAfter { reset } => {
                plan.hangup = Some(if *reset { Hangup::Reset } else { Hangup::Close });
            }
            Effect::GarbledBody(garble) => plan.garble = Some(*garble),
            Effect::TokenExpired => {
                plan.expire_tokens = true;
                plan.refuse(Trouble::TokenExpired);
            }
            Effect::Lag(lag) => plan.lag = Some(*lag),
            Effect::Licences(seats) => plan.licences = Some((self.shown.id, *seats)),
            Effect::DuplicateDelivery => plan.duplicate = true,
            Effect::DailyLimit => plan.refuse(Trouble::DailyLimit),
        }
        true
    }
}

impl Plan {
    fn refuse(&mut self, trouble: Trouble) {
        self.refusal = Some(Refusal::Trouble(trouble, None));
    }
}

/// Tells whether an effect has a meaning on a kind of operation, whatever the matcher says.
fn suits(effect: &Effect, kind: Kind) -> bool {
    match effect {
        Effect::Lag(lag) => kind == Kind::Read || (lag.writes && kind == Kind::Write),
        Effect::Licences(_) => kind == Kind::Write,
        Effect::TokenExpired => kind != Kind::Token,
        _ => true,
    }
}

fn refused_for(throttle: Throttle, bucket: Option<&mut Bucket>, elapsed: Duration) -> Option<u64> {
    let wait = match bucket {
        None => throttle.retry_after,
        Some(bucket) => bucket.take(elapsed).err()?,
    };
    Some(whole_seconds(wait))
}

/// Rounds a wait up to seconds, at least one: `Retry-After: 0` would invite a hammering.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}
