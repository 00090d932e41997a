//! Time as an argument: the system's clock, and one that is moved by hand.

use std::collections::BTreeMap;
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
    /// Who sleeps, by number: until when, and how to wake them.
    sleepers: BTreeMap<u64, (Duration, Waker)>,
    next: u64,
    /// Those who wait until every sleeper whose time has come is awake.
    listeners: Vec<Waker>,
}

impl Manual {
    fn is_heard(&self) -> bool {
        self.sleepers.values().all(|(at, _)| *at > self.passed)
    }

    /// Takes a sleeper off the list; returns those who may go on because of it.
    fn take_off(&mut self, number: u64) -> Vec<Waker> {
        self.sleepers.remove(&number);
        if self.is_heard() {
            std::mem::take(&mut self.listeners)
        } else {
            Vec::new()
        }
    }
}

impl ManualClock {
    /// Starts the clock at an instant.
    pub fn at(start: Timestamp) -> Self {
        Self {
            state: Arc::new(Mutex::new(Manual {
                now: start,
                passed: Duration::ZERO,
                sleepers: BTreeMap::new(),
                next: 0,
                listeners: Vec::new(),
            })),
        }
    }

    /// Moves both the wall clock and the monotonic clock forward, and wakes those whose time has come.
    pub fn advance(&self, by: Duration) {
        let due: Vec<Waker> = {
            let mut state = self.lock();
            state.now = state.now.checked_add(by).unwrap_or(Timestamp::MAX);
            state.passed = state.passed.saturating_add(by);
            let passed = state.passed;
            let due = state.sleepers.values().filter(|(at, _)| *at <= passed);
            due.map(|(_, waker)| waker.clone()).collect()
        };
        for sleeper in due {
            sleeper.wake();
        }
    }

    /// Returns the next instant, by the monotonic clock, for which somebody sleeps.
    pub fn next_wake(&self) -> Option<Duration> {
        let state = self.lock();
        let ahead = state.sleepers.values().map(|(at, _)| *at);
        ahead.filter(|at| *at > state.passed).min()
    }

    /// Waits until every sleeper whose time has come is awake, so that the clock can be moved on without passing over
    /// what they do at their time.
    pub fn heard(&self) -> Heard {
        Heard {
            clock: self.clone(),
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
            number: None,
        })
    }
}

/// Ends when a [`ManualClock`] has been moved to an instant.
pub struct Moved {
    clock: ManualClock,
    at: Duration,
    /// The place on the clock's list, once it was polled.
    number: Option<u64>,
}

impl Future for Moved {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut state = clock.lock();
        if state.passed >= self.at {
            let heard = self.number.take().map(|number| state.take_off(number));
            drop(state);
            heard.into_iter().flatten().for_each(Waker::wake);
            return Poll::Ready(());
        }
        let number = self.number.unwrap_or(state.next);
        if self.number.is_none() {
            state.next += 1;
            self.number = Some(number);
        }
        state
            .sleepers
            .insert(number, (self.at, context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Moved {
    fn drop(&mut self) {
        if let Some(number) = self.number.take() {
            let heard = self.clock.lock().take_off(number);
            heard.into_iter().for_each(Waker::wake);
        }
    }
}

/// Ends when no sleeper of a [`ManualClock`] is overdue.
#[derive(Debug)]
pub struct Heard {
    clock: ManualClock,
}

impl Future for Heard {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.lock();
        if state.is_heard() {
            return Poll::Ready(());
        }
        state.listeners.push(context.waker().clone());
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

    #[test]
    fn the_clock_knows_who_is_next_and_whether_all_who_were_due_are_awake() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let sleeper = |seconds| {
            let Wake::Moved(moved) = clock.wake(Duration::from_secs(seconds)) else {
                panic!("a manual clock is moved");
            };
            moved
        };
        let mut context = Context::from_waker(Waker::noop());
        let (mut first, mut second) = (sleeper(1), sleeper(5));
        assert_eq!(clock.next_wake(), None, "nobody sleeps yet");
        assert!(Pin::new(&mut first).poll(&mut context).is_pending());
        assert!(Pin::new(&mut second).poll(&mut context).is_pending());
        assert_eq!(clock.next_wake(), Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        let mut heard = clock.heard();
        assert!(Pin::new(&mut heard).poll(&mut context).is_pending());
        assert!(Pin::new(&mut first).poll(&mut context).is_ready());
        assert!(Pin::new(&mut heard).poll(&mut context).is_ready());
        assert_eq!(clock.next_wake(), Some(Duration::from_secs(5)));
        drop(second);
        assert_eq!(clock.next_wake(), None, "who no longer waits is forgotten");
    }
}
