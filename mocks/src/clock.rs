//! Where the mocks take the time from: the system, or a hand that moves it.
//!
//! Token lifetimes, read lag, quotas, latency and the log all go by one [`Clock`], so that a month passes in a test
//! without anybody waiting. [`LabBuilder::clock`](crate::LabBuilder::clock) and
//! [`Builder::clock`](crate::Builder::clock) take any clock, so that mocks and what is tested share one.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::{sync::Arc, time::Duration};
//!
//! use outbound_mocks::{Lab, Target, clock::{Clock, ManualClock}};
//!
//! let clock = ManualClock::at("2026-11-22T10:00:00Z".parse()?);
//! let lab = Lab::builder().clock(Arc::new(clock.clone())).start().await?;
//! // … what is tested asks for a token …
//! clock.advance(Duration::from_secs(28 * 86_400)); // and the token is long dead
//! assert_eq!(lab.google().clock().now(), "2026-12-20T10:00:00Z".parse()?);
//! # Ok(())
//! # }
//! ```

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::watch;

/// A wait that ends when the clock has moved far enough.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The time, as the mocks see it.
pub trait Clock: Send + Sync + 'static {
    /// Returns the time of day.
    fn now(&self) -> Timestamp;

    /// Returns the time since this clock was made; it never goes back.
    fn elapsed(&self) -> Duration;

    /// Waits until so much time has passed.
    fn sleep(&self, length: Duration) -> Sleep;

    /// Moves the time ahead; `false` when this clock cannot be moved.
    fn advance(&self, _by: Duration) -> bool {
        false
    }

    /// Tells whether the clock shows another time than the system's.
    fn is_moved_by_hand(&self) -> bool {
        false
    }
}

/// The system's time.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    made: Instant,
}

impl SystemClock {
    /// Makes a clock that counts from now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else takes"
    )]
    pub fn new() -> Self {
        Self {
            made: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else takes"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.made.elapsed()
    }

    fn sleep(&self, length: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(length))
    }
}

/// A clock that stands still until it is moved by hand. Clones are hands on the same clock.
#[derive(Debug, Clone)]
pub struct ManualClock {
    start: Timestamp,
    passed: Arc<watch::Sender<Duration>>,
}

impl ManualClock {
    /// Makes a clock that shows `start`.
    pub fn at(start: Timestamp) -> Self {
        Self {
            start,
            passed: Arc::new(watch::Sender::new(Duration::ZERO)),
        }
    }

    /// Moves the time ahead and wakes whoever waited for it.
    pub fn advance(&self, by: Duration) {
        self.passed
            .send_modify(|passed| *passed = passed.saturating_add(by));
    }

    /// Returns how many waits are under way; a test advances the clock once it sees one.
    pub fn waiting(&self) -> usize {
        self.passed.receiver_count()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.start
            .checked_add(self.elapsed())
            .unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        *self.passed.borrow()
    }

    fn sleep(&self, length: Duration) -> Sleep {
        let mut passed = self.passed.subscribe();
        let until = self.elapsed().saturating_add(length);
        Box::pin(async move {
            // The sender lives as long as a clock does; without any clock left nobody can end the wait.
            let _ = passed.wait_for(|passed| *passed >= until).await;
        })
    }

    fn advance(&self, by: Duration) -> bool {
        ManualClock::advance(self, by);
        true
    }

    fn is_moved_by_hand(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_when_the_hand_has_moved_far_enough() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let wait = tokio::spawn(Clock::sleep(&clock, Duration::from_secs(10)));
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!wait.is_finished());
        clock.advance(Duration::from_secs(1));
        wait.await.unwrap();
        assert_eq!(clock.now(), "1970-01-01T00:00:10Z".parse().unwrap());
    }

    #[test]
    fn the_end_of_time_is_not_passed() {
        let clock = ManualClock::at(Timestamp::MAX);
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
