//! When a failed operation is tried again: the published ladder, full jitter, the target's own wish, and an end.

use std::time::Duration;

use domain::RetryPolicy;
use jiff::{SignedDuration, Timestamp};

/// When to go on, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// After this pause.
    After(Duration),
    /// The schedule has ended.
    Never,
}

/// Says when the next attempt is made.
///
/// `since` is when the schedule began: with the first attempt, so that what was only kept or waited loses nothing of it.
/// `failed` is the number of attempts that failed since then, from 1. `wish` is the target's own (`Retry-After`): it is never
/// shortened, and when it lies beyond the end of the schedule there is no next attempt. Without a wish the last attempt
/// is made at the end of the schedule. `draw` draws a time between zero and the ladder's step.
pub(crate) fn next(
    policy: &RetryPolicy,
    failed: u32,
    wish: Option<Duration>,
    since: Option<Timestamp>,
    now: Timestamp,
    draw: impl FnOnce(Duration) -> Duration,
) -> Next {
    let left = left(policy, since, now);
    if left.is_zero() {
        return Next::Never;
    }
    if let Some(wish) = wish {
        return if wish > left {
            Next::Never
        } else {
            Next::After(wish)
        };
    }
    let step = step(policy, failed);
    let pause = if policy.jitter { draw(step) } else { step };
    Next::After(pause.min(left))
}

/// Returns what is left of the schedule.
pub(crate) fn left(policy: &RetryPolicy, since: Option<Timestamp>, now: Timestamp) -> Duration {
    let age = since.map_or(Duration::ZERO, |since| until(since, now));
    policy.give_up_after.saturating_sub(age)
}

fn step(policy: &RetryPolicy, failed: u32) -> Duration {
    let at = usize::try_from(failed.saturating_sub(1)).unwrap_or(usize::MAX);
    policy
        .ladder
        .get(at)
        .or(policy.ladder.last())
        .copied()
        .unwrap_or(Duration::from_secs(1))
}

/// Adds a pause to an instant.
pub(crate) fn later(now: Timestamp, pause: Duration) -> Timestamp {
    SignedDuration::try_from(pause)
        .ok()
        .and_then(|pause| now.checked_add(pause).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Returns how long it is from now until an instant; zero when it has passed.
pub(crate) fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn policy() -> RetryPolicy {
        RetryPolicy {
            jitter: false,
            ..RetryPolicy::default()
        }
    }

    fn whole(step: Duration) -> Duration {
        step
    }

    #[test]
    fn the_ladder_is_climbed_and_its_last_step_repeats() {
        let seconds: Vec<u64> = (1..=11)
            .map(
                |failed| match next(&policy(), failed, None, Some(START), START, whole) {
                    Next::After(pause) => pause.as_secs(),
                    Next::Never => 0,
                },
            )
            .collect();
        assert_eq!(
            seconds,
            [
                1, 5, 30, 120, 600, 3600, 21_600, 43_200, 86_400, 86_400, 86_400
            ]
        );
    }

    #[test]
    fn the_targets_wish_is_neither_shortened_nor_drawn() {
        let policy = RetryPolicy::default();
        let wish = Some(Duration::from_secs(90));
        let zero = |_| Duration::ZERO;
        assert_eq!(
            next(&policy, 1, wish, None, START, zero),
            Next::After(Duration::from_secs(90))
        );
        let never = Some(Duration::from_hours(40 * 24));
        assert_eq!(
            next(&policy, 1, never, Some(START), START, zero),
            Next::Never
        );
    }

    #[test]
    fn the_last_attempt_is_at_the_end_of_the_schedule_and_none_after_it() {
        let now = later(START, Duration::from_mins(28 * 24 * 60 - 1));
        assert_eq!(
            next(&policy(), 30, None, Some(START), now, whole),
            Next::After(Duration::from_mins(1))
        );
        let end = later(START, Duration::from_hours(28 * 24));
        assert_eq!(
            next(&policy(), 31, None, Some(START), end, whole),
            Next::Never
        );
    }
}
