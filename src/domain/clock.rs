//! Time as an argument: the system's clock, and one that is moved by hand.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;

/// Tells the time and waits. Everything that would otherwise ask the system takes one of these.
pub trait Clock: Send + Sync + 'static {
    /// Returns the present instant.
    fn now(&self) -> Timestamp;

    /// Returns time passed since some fixed start; never goes backwards, whatever the wall clock does.
    fn monotonic(&self) -> Duration;

    /// Returns how to wait until [`monotonic`](Self::monotonic) has reached `at`.
    fn wake(&self, at: Duration) -> Wake {
        Wake::After(at.saturating_sub(self.monotonic()))
    }
}

/// How to wait for an instant of a clock. The runtime's timer is not known here, so the caller does the sleeping.
#[derive(Debug)]
pub enum Wake {
    /// The clock runs by itself: sleep so long.
    After(Duration),
    /// The clock is moved by hand: this ends when it has been moved that far.
    Moved(Moved),
}

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl Default for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the system for the time"
    )]
    fn default() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the system for the time"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that moves only when it is told to.
#[derive(Debug, Clone)]
pub struct ManualClock {
    state: Arc<Mutex<Manual>>,
}

#[derive(Debug)]
struct Manual {
    now: Timestamp,
    passed: Duration,
    sleepers: Vec<Waker>,
}

impl ManualClock {
    /// Starts the clock at an instant.
    pub fn at(start: Timestamp) -> Self {
        Self {
            state: Arc::new(Mutex::new(Manual {
                now: start,
                passed: Duration::ZERO,
                sleepers: Vec::new(),
            })),
        }
    }

    /// Moves both the wall clock and the monotonic clock forward, and wakes who slept until then.
    pub fn advance(&self, by: Duration) {
        let sleepers = {
            let mut state = self.lock();
            state.now = state.now.checked_add(by).unwrap_or(Timestamp::MAX);
            state.passed += by;
            std::mem::take(&mut state.sleepers)
        };
        for sleeper in sleepers {
            sleeper.wake();
        }
    }

    /// Sets the wall clock, forward or back, and leaves the monotonic clock alone.
    pub fn jump_to(&self, now: Timestamp) {
        self.lock().now = now;
    }

    fn lock(&self) -> MutexGuard<'_, Manual> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn monotonic(&self) -> Duration {
        self.lock().passed
    }

    fn wake(&self, at: Duration) -> Wake {
        Wake::Moved(Moved {
            clock: self.clone(),
            at,
        })
    }
}

/// Ends when a [`ManualClock`] has been moved to an instant.
pub struct Moved {
    clock: ManualClock,
    at: Duration,
}

impl Future for Moved {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.lock();
        if state.passed >= self.at {
            return Poll::Ready(());
        }
        if !state
            .sleepers
            .iter()
            .any(|sleeper| sleeper.will_wake(context.waker()))
        {
            state.sleepers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

impl fmt::Debug for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Moved(until {:?})", self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeper_wakes_when_the_clock_has_been_moved_far_enough() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let Wake::Moved(mut moved) = clock.wake(Duration::from_secs(2)) else {
            panic!("a manual clock is moved");
        };
        let mut context = Context::from_waker(Waker::noop());
        clock.advance(Duration::from_secs(1));
        assert!(Pin::new(&mut moved).poll(&mut context).is_pending());
        clock.advance(Duration::from_secs(1));
        assert!(Pin::new(&mut moved).poll(&mut context).is_ready());
    }
}
