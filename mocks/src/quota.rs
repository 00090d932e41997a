//! Rates that are really counted: token buckets by kind, operation and caller, and the allocation of a day.
//!
//! Nothing is limited unless asked for. [`Quota::published`] holds what the vendors publish.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    str::FromStr,
    time::Duration,
};

use crate::{Kind, Operation, Target, Trouble, fault::whole_seconds};

/// How many callers' buckets are kept at most; full buckets are forgotten first, since a new one is full, too.
const CALLERS: usize = 10_000;
const HOUR: Duration = Duration::from_hours(1);

/// So many requests per time, and how many of them at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Requests.
    pub requests: u32,
    /// The time over which they are spread.
    pub per: Duration,
    /// How many may come at once.
    pub burst: u32,
}

impl Rate {
    /// Makes a rate that may be used up at once.
    pub const fn new(requests: u32, per: Duration) -> Self {
        Self {
            requests,
            per,
            burst: requests,
        }
    }

    /// Limits how many may come at once.
    #[must_use]
    pub const fn with_burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }

    fn per_second(self) -> f64 {
        f64::from(self.requests) / self.per.as_secs_f64()
    }
}

/// Why a text is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rate; write requests/seconds, as `600/60`, or with a burst `600/60/180`")]
pub struct NoRate(String);

impl FromStr for Rate {
    type Err = NoRate;

    /// Reads `600/60` (requests/seconds) or `600/60/180` (with a burst).
    fn from_str(text: &str) -> Result<Self, NoRate> {
        let wrong = || NoRate(text.to_owned());
        let positive = |part: &str| {
            part.trim()
                .parse::<u32>()
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(wrong)
        };
        let parts = text.split('/').collect::<Vec<_>>();
        let (requests, seconds, burst) = match parts[..] {
            [requests, seconds] => (requests, seconds, requests),
            [requests, seconds, burst] => (requests, seconds, burst),
            _ => return Err(wrong()),
        };
        let per = Duration::from_secs(u64::from(positive(seconds)?));
        Ok(Self {
            requests: positive(requests)?,
            per,
            burst: positive(burst)?,
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.requests, self.per.as_secs())?;
        if self.burst == self.requests {
            Ok(())
        } else {
            write!(f, "/{}", self.burst)
        }
    }
}

/// A token bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    rate: Rate,
    tokens: f64,
    at: Duration,
}

impl Bucket {
    pub(crate) fn full(rate: Rate, elapsed: Duration) -> Self {
        Self {
            rate,
            tokens: f64::from(rate.burst),
            at: elapsed,
        }
    }

    /// Takes a token, or tells how long it takes until there is one.
    pub(crate) fn take(&mut self, elapsed: Duration) -> Result<(), Duration> {
        self.wait(elapsed).map_or_else(
            || {
                self.tokens -= 1.0;
                Ok(())
            },
            Err,
        )
    }

    /// Tells how long it takes until there is a token; `None` when there is one.
    fn wait(&mut self, elapsed: Duration) -> Option<Duration> {
        let passed = elapsed.saturating_sub(self.at).as_secs_f64();
        self.tokens =
            (self.tokens + passed * self.rate.per_second()).min(f64::from(self.rate.burst));
        self.at = elapsed;
        (self.tokens < 1.0)
            .then(|| Duration::from_secs_f64((1.0 - self.tokens) / self.rate.per_second()))
    }

    fn is_full(&self, elapsed: Duration) -> bool {
        self.clone().wait(elapsed).is_none() && {
            let passed = elapsed.saturating_sub(self.at).as_secs_f64();
            self.tokens + passed * self.rate.per_second() >= f64::from(self.rate.burst)
        }
    }
}

/// Whose requests share a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Everybody's.
    Account,
    /// Those of one user or client; a refusal is [`Trouble::UserRate`].
    Caller,
}

/// One limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// What it counts; a request is counted once.
    pub counts: Vec<Counted>,
    /// Whose requests share the bucket.
    pub sharing: Sharing,
    /// How many.
    pub rate: Rate,
}

/// What a limit counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// Every operation of a kind.
    Kind(Kind),
    /// One operation, by its name.
    Operation(String),
}

impl Limit {
    fn counts(&self, operation: &Operation) -> bool {
        self.counts.iter().any(|counted| match counted {
            Counted::Kind(kind) => *kind == operation.kind,
            Counted::Operation(name) => name == operation.name,
        })
    }
}

/// What a mock limits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Quota {
    /// The rates; a request needs a token from every one that counts it.
    pub limits: Vec<Limit>,
    /// How many requests may be under way at once.
    pub concurrency: Option<usize>,
    /// How many calls 24 hours may see.
    pub daily: Option<u64>,
}

const CALLS: &[Kind] = &[Kind::Read, Kind::Write];
const MINUTE: Duration = Duration::from_mins(1);

impl Quota {
    /// Limits nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Limits reads and writes together, for each caller.
    pub fn rate(rate: Rate) -> Self {
        let counts = CALLS.iter().copied().map(Counted::Kind).collect();
        Self {
            limits: vec![Limit {
                counts,
                sharing: Sharing::Caller,
                rate,
            }],
            ..Self::default()
        }
    }

    /// Returns what the vendor publishes. For SCIM2 that is Slack's, the one provider with figures for everything.
    pub fn published(target: Target) -> Self {
        match target {
            Target::Google => Self::google(),
            Target::Salesforce => Self::salesforce(),
            Target::Scim2 => Self::slack(),
        }
    }

    /// Returns 2,400 queries a minute for each user.
    ///
    /// Source: Admin SDK, "Directory API: limits and quotas".
    pub fn google() -> Self {
        Self::rate(Rate::new(2_400, MINUTE))
    }

    /// Returns 15,000 calls in 24 hours and 25 at once. There is no rate by the second.
    ///
    /// Source: Salesforce developer limits, "API request limits and allocations"; 15,000 is a developer edition's.
    pub fn salesforce() -> Self {
        Self {
            daily: Some(15_000),
            concurrency: Some(25),
            ..Self::default()
        }
    }

    /// Returns writes 600 a minute (burst 180), reads 1,000, each kind of write to users 180 (burst 20).
    ///
    /// Source: Slack, "SCIM API rate limits".
    pub fn slack() -> Self {
        let limit = |counted, rate| Limit {
            counts: vec![counted],
            sharing: Sharing::Account,
            rate,
        };
        let one = |name: &str| {
            limit(
                Counted::Operation(name.to_owned()),
                Rate::new(180, MINUTE).with_burst(20),
            )
        };
        Self {
            limits: vec![
                limit(
                    Counted::Kind(Kind::Write),
                    Rate::new(600, MINUTE).with_burst(180),
                ),
                limit(Counted::Kind(Kind::Read), Rate::new(1_000, MINUTE)),
                one("Users.create"),
                one("Users.patch"),
                one("Users.delete"),
            ],
            ..Self::default()
        }
    }
}

/// What `--quota` takes: a rate, or the name of a preset.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum QuotaSpec {
    /// No limit.
    #[default]
    None,
    /// The vendor's own figures.
    Published,
    /// One rate for each caller.
    Rate(Rate),
}

impl QuotaSpec {
    /// Returns the quota for one target.
    pub fn at(self, target: Target) -> Quota {
        match self {
            Self::None => Quota::none(),
            Self::Published => Quota::published(target),
            Self::Rate(rate) => Quota::rate(rate),
        }
    }
}

impl FromStr for QuotaSpec {
    type Err = NoRate;

    /// Reads `none`, `published`, or a [`Rate`].
    fn from_str(text: &str) -> Result<Self, NoRate> {
        match text {
            "none" => Ok(Self::None),
            "published" => Ok(Self::Published),
            _ => text.parse().map(Self::Rate),
        }
    }
}

/// The counters behind a [`Quota`].
#[derive(Debug)]
pub(crate) struct Meter {
    quota: Quota,
    account: Vec<Bucket>,
    callers: HashMap<String, Vec<Bucket>>,
    /// Calls by the hour, oldest first.
    hours: VecDeque<(u64, u64)>,
    used: u64,
}

impl Meter {
    pub(crate) fn new(quota: Quota, elapsed: Duration) -> Self {
        let account = quota
            .limits
            .iter()
            .map(|limit| Bucket::full(limit.rate, elapsed))
            .collect();
        Self {
            quota,
            account,
            callers: HashMap::new(),
            hours: VecDeque::new(),
            used: 0,
        }
    }

    pub(crate) fn quota(&self) -> &Quota {
        &self.quota
    }

    /// Tells whether there is anything to count.
    pub(crate) fn is_off(&self) -> bool {
        self.quota.limits.is_empty()
            && self.quota.concurrency.is_none()
            && self.quota.daily.is_none()
    }

    /// Returns the calls of the last 24 hours and how many are allowed, when a daily limit is set.
    pub(crate) fn usage(&self) -> Option<(u64, u64)> {
        self.quota.daily.map(|limit| (self.used, limit))
    }

    /// Counts a request, or tells in which way it is one too many; a refused request takes no token.
    pub(crate) fn admit(
        &mut self,
        operation: &Operation,
        caller: impl FnOnce() -> Option<String>,
        in_flight: usize,
        elapsed: Duration,
    ) -> Result<(), Trouble> {
        if !CALLS.contains(&operation.kind) {
            return Ok(());
        }
        self.roll(elapsed);
        if self.quota.daily.is_some_and(|limit| self.used >= limit) {
            return Err(Trouble::DailyLimit);
        }
        if self
            .quota
            .concurrency
            .is_some_and(|limit| in_flight > limit)
        {
            return Err(Trouble::Concurrency);
        }
        self.take(operation, caller, elapsed)?;
        self.count(elapsed);
        Ok(())
    }

    fn take(
        &mut self,
        operation: &Operation,
        caller: impl FnOnce() -> Option<String>,
        elapsed: Duration,
    ) -> Result<(), Trouble> {
        let limits = &self.quota.limits;
        let counted = |limit: &Limit| limit.counts(operation);
        let mut own = if limits.iter().any(|limit| limit.sharing == Sharing::Caller) {
            if self.callers.len() >= CALLERS {
                self.callers
                    .retain(|_, buckets| !buckets.iter().all(|bucket| bucket.is_full(elapsed)));
            }
            let fresh = || {
                limits
                    .iter()
                    .map(|limit| Bucket::full(limit.rate, elapsed))
                    .collect()
            };
            Some(
                self.callers
                    .entry(caller().unwrap_or_default())
                    .or_insert_with(fresh),
            )
        } else {
            None
        };
        let mut wait = None::<(Sharing, Duration)>;
        for (index, limit) in limits
            .iter()
            .enumerate()
            .filter(|(_, limit)| counted(limit))
        {
            let bucket = match (limit.sharing, &mut own) {
                (Sharing::Caller, Some(own)) => &mut own[index],
                _ => &mut self.account[index],
            };
            if let Some(needed) = bucket.wait(elapsed)
                && wait.is_none_or(|(_, longest)| needed > longest)
            {
                wait = Some((limit.sharing, needed));
            }
        }
        if let Some((sharing, needed)) = wait {
            let retry_after_seconds = whole_seconds(needed);
            return Err(match sharing {
                Sharing::Account => Trouble::AccountRate {
                    retry_after_seconds,
                },
                Sharing::Caller => Trouble::UserRate {
                    retry_after_seconds,
                },
            });
        }
        for (index, limit) in limits
            .iter()
            .enumerate()
            .filter(|(_, limit)| counted(limit))
        {
            match (limit.sharing, &mut own) {
                (Sharing::Caller, Some(own)) => own[index].tokens -= 1.0,
                _ => self.account[index].tokens -= 1.0,
            }
        }
        Ok(())
    }

    /// Forgets the hours that are more than a day old.
    fn roll(&mut self, elapsed: Duration) {
        let hour = elapsed.as_secs() / HOUR.as_secs();
        while let Some((oldest, calls)) = self.hours.front().copied() {
            if hour < oldest + 24 {
                break;
            }
            self.used -= calls;
            self.hours.pop_front();
        }
    }

    fn count(&mut self, elapsed: Duration) {
        let hour = elapsed.as_secs() / HOUR.as_secs();
        self.used += 1;
        match self.hours.back_mut() {
            Some((last, calls)) if *last == hour => *calls += 1,
            _ => self.hours.push_back((hour, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(name: &'static str, kind: Kind) -> Operation {
        Operation {
            name,
            subject: None,
            kind,
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_rate_reads_back_as_it_was_written() {
        for text in ["600/60", "600/60/180"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in ["", "600", "0/60", "1/0", "a/b", "1/2/3/4", "-1/5"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_bucket_gives_its_burst_then_one_token_per_interval() {
        let mut bucket = Bucket::full(Rate::new(60, MINUTE).with_burst(3), Duration::ZERO);
        assert_eq!(
            (0..5)
                .filter(|_| bucket.take(Duration::ZERO).is_ok())
                .count(),
            3
        );
        assert_eq!(bucket.take(Duration::ZERO), Err(seconds(1)));
        assert_eq!(bucket.take(seconds(1)), Ok(()));
        assert!(bucket.take(seconds(1)).is_err());
        assert_eq!(
            (0..9)
                .filter(|_| bucket.take(seconds(1000)).is_ok())
                .count(),
            3,
            "never more than the burst"
        );
    }

    #[test]
    fn callers_have_buckets_of_their_own_and_a_refusal_costs_nothing() {
        let mut meter = Meter::new(Quota::rate(Rate::new(2, MINUTE)), Duration::ZERO);
        let mut ask = |caller: &str, at| {
            meter.admit(
                &operation("users.get", Kind::Read),
                || Some(caller.to_owned()),
                1,
                at,
            )
        };
        assert!(ask("kim", seconds(0)).is_ok() && ask("kim", seconds(0)).is_ok());
        for _ in 0..10 {
            assert_eq!(
                ask("kim", seconds(0)),
                Err(Trouble::UserRate {
                    retry_after_seconds: 30
                })
            );
        }
        assert!(ask("lee", seconds(0)).is_ok());
        assert!(ask("kim", seconds(30)).is_ok());
    }

    #[test]
    fn slack_counts_a_kind_of_write_to_users_beside_all_writes() {
        let mut meter = Meter::new(Quota::slack(), Duration::ZERO);
        let mut admitted = |name, kind, tries: usize| {
            (0..tries)
                .filter(|_| {
                    meter
                        .admit(&operation(name, kind), || None, 1, Duration::ZERO)
                        .is_ok()
                })
                .count()
        };
        assert_eq!(admitted("Users.create", Kind::Write, 50), 20);
        assert_eq!(admitted("Users.patch", Kind::Write, 50), 20);
        assert_eq!(admitted("Groups.patch", Kind::Write, 500), 140);
        assert_eq!(admitted("Users.get", Kind::Read, 5_000), 1_000);
        assert_eq!(admitted("token", Kind::Token, 50), 50);
    }

    #[test]
    fn the_day_rolls_on_by_the_hour() {
        let mut meter = Meter::new(
            Quota {
                daily: Some(3),
                ..Quota::none()
            },
            Duration::ZERO,
        );
        let read = operation("query", Kind::Read);
        let mut ask = |at| meter.admit(&read, || None, 1, at);
        assert!(ask(seconds(0)).is_ok() && ask(HOUR * 2).is_ok() && ask(HOUR * 2).is_ok());
        assert_eq!(ask(HOUR * 3), Err(Trouble::DailyLimit));
        assert_eq!(ask(HOUR * 24), Ok(()));
        assert_eq!(ask(HOUR * 24), Err(Trouble::DailyLimit));
        assert_eq!(meter.usage(), Some((3, 3)));
    }

    #[test]
    fn concurrency_refuses_what_is_one_too_many() {
        let mut meter = Meter::new(
            Quota {
                concurrency: Some(2),
                ..Quota::none()
            },
            Duration::ZERO,
        );
        let read = operation("query", Kind::Read);
        assert_eq!(meter.admit(&read, || None, 2, Duration::ZERO), Ok(()));
        assert_eq!(
            meter.admit(&read, || None, 3, Duration::ZERO),
            Err(Trouble::Concurrency)
        );
    }
}
