//! Ids and jitter from one seed. Secrets never come of it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use uuid::{Builder, Uuid};

/// Makes ids that sort by time, and draws the jitter.
#[derive(Debug)]
pub(crate) struct Ids {
    random: Mutex<StdRng>,
}

impl Ids {
    /// Starts from the seed and from how far the journal has come, so that a second start makes other ids.
    pub(crate) fn new(seed: u64, last: u64) -> Self {
        Self {
            random: Mutex::new(StdRng::seed_from_u64(seed ^ last.rotate_left(32))),
        }
    }

    pub(crate) fn next(&self, now: Timestamp) -> Uuid {
        let bytes: [u8; 10] = self.lock().random();
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// Draws a time between zero and `most`: full jitter.
    pub(crate) fn jitter(&self, most: Duration) -> Duration {
        most.mul_f64(self.lock().random_range(0.0..=1.0))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, StdRng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
