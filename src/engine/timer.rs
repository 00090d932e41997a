//! Waiting by a clock, whichever kind it is.

use std::time::Duration;

use domain::{Clock, Wake};

/// Sleeps until the clock's monotonic time has reached `at`.
pub(crate) async fn sleep_until(clock: &dyn Clock, at: Duration) {
    match clock.wake(at) {
        Wake::After(pause) => tokio::time::sleep(pause).await,
        Wake::Moved(moved) => moved.await,
    }
}
