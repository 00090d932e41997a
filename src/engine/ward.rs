//! How each connector fares: what was tried lately and what failed, and when that is reason enough to leave it alone.
//!
//! Pure bookkeeping in monotonic time. An operation counts by its latest result, however often it was tried. What the
//! target says about an account (it is there already, it is gone) or about its quota is no failure of the connector.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use domain::{Failure, FailureKind, OperationId, QuarantinePolicy};

use crate::quarantine::{Culprit, QuarantineCause};

/// Into how many parts the window is cut.
const PARTS: u32 = 10;

/// How many of those who brought it about are named; `refusals` is never more.
pub(crate) const NAMED: usize = 20;

/// Beyond so many failed operations each failure counts, whether it is the same operation or not.
const KNOWN: usize = 10_000;

/// What a result means for the connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bearing {
    /// It works.
    Well,
    /// It does not.
    Failed,
    /// It does not, and it is the credentials.
    Refused,
    /// It says nothing of the connector.
    Nothing,
}

impl Bearing {
    pub(crate) fn of(failure: Option<&Failure>) -> Self {
        match failure.map(|failure| failure.kind) {
            None => Self::Well,
            Some(FailureKind::Unauthenticated | FailureKind::Forbidden) => Self::Refused,
            Some(FailureKind::Quota | FailureKind::NotFound | FailureKind::Conflict) => {
                Self::Nothing
            }
            Some(
                FailureKind::Misconfigured
                | FailureKind::Unreachable
                | FailureKind::ReplyLost
                | FailureKind::TargetError
                | FailureKind::Rejected
                | FailureKind::Garbled
                | FailureKind::Redirected
                | FailureKind::Unsupported,
            ) => Self::Failed,
        }
    }

    pub(crate) fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Refused)
    }
}

/// One part of the window.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    number: u64,
    well: u64,
    failed: u64,
}

/// What was tried at one connector lately.
#[derive(Debug, Default)]
pub(crate) struct Ward {
    parts: VecDeque<Part>,
    /// The operations whose latest result was a failure, with the part that counts it.
    failing: HashMap<OperationId, u64>,
    /// The newest failures, the newest last.
    culprits: VecDeque<Culprit>,
    /// Refusals of the credentials with nothing else between them.
    running: VecDeque<Culprit>,
}

impl Ward {
    /// Counts a result that is not a failure.
    pub(crate) fn well(
        &mut self,
        policy: &QuarantinePolicy,
        operation: OperationId,
        now: Duration,
    ) {
        self.running.clear();
        if !self.failing.is_empty()
            && let Some(number) = self.failing.remove(&operation)
            && let Some(part) = self.parts.iter_mut().find(|part| part.number == number)
        {
            part.failed = part.failed.saturating_sub(1);
        }
        self.part(policy, now).well += 1;
    }

    /// Counts a failure; returns why the connector should be left alone, when it should, and who brought it about.
    pub(crate) fn failed(
        &mut self,
        policy: &QuarantinePolicy,
        bearing: Bearing,
        culprit: Culprit,
        now: Duration,
    ) -> Option<(QuarantineCause, Vec<Culprit>)> {
        let number = self.part(policy, now).number;
        let counted = self.failing.get(&culprit.operation).copied();
        if let Some(before) = counted
            && let Some(part) = self.parts.iter_mut().find(|part| part.number == before)
        {
            part.failed = part.failed.saturating_sub(1);
        }
        if counted.is_some() || self.failing.len() < KNOWN {
            self.failing.insert(culprit.operation, number);
        }
        self.part(policy, now).failed += 1;
        keep(&mut self.culprits, culprit.clone());
        if bearing == Bearing::Refused {
            keep(&mut self.running, culprit);
        }
        if !policy.enabled {
            return None;
        }
        let running = u32::try_from(self.running.len()).unwrap_or(u32::MAX);
        if bearing == Bearing::Refused && running >= policy.refusals {
            let cause = QuarantineCause::Refused { running };
            return Some((cause, named(&self.running)));
        }
        let (failed, of) = self.parts.iter().fold((0, 0), |(failed, of), part| {
            (failed + part.failed, of + part.failed + part.well)
        });
        let is_enough = of >= u64::from(policy.operations)
            && failed * 100 >= of * u64::from(policy.failed_percent);
        is_enough.then(|| {
            let cause = QuarantineCause::TooManyFailed {
                failed,
                of,
                window: policy.window,
            };
            (cause, named(&self.culprits))
        })
    }

    /// Forgets everything: the connector begins anew.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the present part of the window, and forgets those that are too old.
    fn part(&mut self, policy: &QuarantinePolicy, now: Duration) -> &mut Part {
        let length = (policy.window / PARTS).max(Duration::from_millis(1));
        let number = u64::try_from(now.as_nanos() / length.as_nanos()).unwrap_or(u64::MAX);
        let oldest = number.saturating_sub(u64::from(PARTS));
        if self.parts.front().is_some_and(|part| part.number < oldest) {
            self.parts.retain(|part| part.number >= oldest);
            self.failing.retain(|_, part| *part >= oldest);
        }
        if self.parts.back().is_none_or(|part| part.number < number) {
            self.parts.push_back(Part {
                number,
                ..Part::default()
            });
        }
        self.parts.back_mut().expect("pushed above")
    }
}

fn keep(list: &mut VecDeque<Culprit>, culprit: Culprit) {
    list.retain(|known| known.operation != culprit.operation);
    list.push_back(culprit);
    if list.len() > NAMED {
        list.pop_front();
    }
}

/// Returns the culprits, the newest first.
fn named(list: &VecDeque<Culprit>) -> Vec<Culprit> {
    list.iter().rev().cloned().collect()
}

#[cfg(test)]
mod tests {
    use domain::{FlowId, Remedy, Verb};
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> OperationId {
        OperationId(Uuid::from_u128(number))
    }

    fn culprit(number: u128, kind: FailureKind) -> Culprit {
        Culprit {
            operation: id(number),
            flow: FlowId(Uuid::nil()),
            name: domain::QualifiedName::new("kim"),
            verb: Verb::Create,
            attempt: 1,
            at: Timestamp::UNIX_EPOCH,
            failure: Failure {
                kind,
                remedy: Remedy::GiveUp,
                status: None,
                told: String::new(),
                advice: String::new(),
            },
        }
    }

    fn failed(ward: &mut Ward, number: u128, at: u64) -> Option<QuarantineCause> {
        let culprit = culprit(number, FailureKind::TargetError);
        ward.failed(
            &QuarantinePolicy::default(),
            Bearing::Failed,
            culprit,
            Duration::from_secs(at),
        )
        .map(|(cause, _)| cause)
    }

    fn refused(ward: &mut Ward, number: u128) -> Option<(QuarantineCause, Vec<Culprit>)> {
        let culprit = culprit(number, FailureKind::Unauthenticated);
        ward.failed(
            &QuarantinePolicy::default(),
            Bearing::Refused,
            culprit,
            Duration::ZERO,
        )
    }

    #[test]
    fn both_the_share_and_the_count_must_be_reached() {
        let policy = QuarantinePolicy::default();
        let mut ward = Ward::default();
        for number in 0..19 {
            assert_eq!(failed(&mut ward, number, 0), None, "{number}");
        }
        assert!(matches!(
            failed(&mut ward, 19, 0),
            Some(QuarantineCause::TooManyFailed {
                failed: 20,
                of: 20,
                ..
            })
        ));
        let mut ward = Ward::default();
        for number in 0..30 {
            ward.well(&policy, id(1000 + number), Duration::ZERO);
        }
        for number in 0..29 {
            assert_eq!(failed(&mut ward, number, 0), None, "{number}");
        }
        assert!(failed(&mut ward, 29, 0).is_some());
    }

    #[test]
    fn one_operation_that_fails_again_and_again_is_one() {
        let mut ward = Ward::default();
        for at in 0..500 {
            assert_eq!(failed(&mut ward, 1, at), None);
        }
        let policy = QuarantinePolicy::default();
        ward.well(&policy, id(1), Duration::from_secs(500));
        assert!(ward.failing.is_empty());
        assert_eq!(ward.parts.iter().map(|part| part.failed).sum::<u64>(), 0);
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let mut ward = Ward::default();
        for number in 0..19 {
            failed(&mut ward, number, 0);
        }
        assert_eq!(failed(&mut ward, 19, 661), None);
        assert_eq!(ward.failing.len(), 1);
    }

    #[test]
    fn three_refusals_running_are_enough_and_one_that_works_breaks_the_row() {
        let mut ward = Ward::default();
        assert!(refused(&mut ward, 1).is_none());
        assert!(refused(&mut ward, 2).is_none());
        ward.well(&QuarantinePolicy::default(), id(9), Duration::ZERO);
        assert!(refused(&mut ward, 3).is_none());
        assert!(refused(&mut ward, 3).is_none(), "the same one counts once");
        assert!(refused(&mut ward, 4).is_none());
        let (cause, culprits) = refused(&mut ward, 5).unwrap();
        assert_eq!(cause, QuarantineCause::Refused { running: 3 });
        let named: Vec<_> = culprits.iter().map(|culprit| culprit.operation).collect();
        assert_eq!(named, [id(5), id(4), id(3)]);
    }

    #[test]
    fn a_quarantine_that_is_off_counts_and_says_nothing() {
        let policy = QuarantinePolicy {
            enabled: false,
            ..QuarantinePolicy::default()
        };
        let mut ward = Ward::default();
        for number in 0..50 {
            let culprit = culprit(number, FailureKind::Unauthenticated);
            let tripped = ward.failed(&policy, Bearing::Refused, culprit, Duration::ZERO);
            assert!(tripped.is_none());
        }
    }
}
