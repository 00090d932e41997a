//! Whether anything goes on by itself: for whoever moves the clock by hand and must not pass over what is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::inner::Inner;

/// Counts the requests that are being worked on, as opposed to those that wait for a target, a key or the clock.
#[derive(Debug, Default)]
pub(crate) struct Stir {
    count: AtomicUsize,
}

impl Stir {
    /// A request begins, or goes on after a wait.
    pub(crate) fn rise(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// A request ends, or begins to wait.
    pub(crate) fn rest(&self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    fn is_quiet(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }
}

impl Inner {
    /// Waits for something of another request without counting as being worked on.
    pub(crate) async fn aside<T>(&self, wait: impl Future<Output = T>) -> T {
        self.waits.stir.rest();
        self.beat();
        let got = wait.await;
        self.waits.stir.rise();
        got
    }

    /// Waits until only the clock can set anything going: no request is being worked on, and at most `held` operations
    /// are at their targets. Returns for which monotonic time the next operation or caller waits; at once when the engine
    /// is stopping.
    pub(crate) async fn standstill(self: &Arc<Self>, held: usize) -> Option<Duration> {
        let mut pulse = self.pulse.subscribe();
        loop {
            pulse.mark_unchanged();
            // The clock may have been moved just now, and the time keeper not have run yet.
            self.pump();
            let now = self.clock.monotonic();
            let (running, reads, due, kept) = {
                let lanes = self.lanes();
                let reads = lanes.wanted().is_some() && self.sends;
                let kept = lanes.count(now).held;
                (lanes.running(), reads, lanes.next_due(now), kept)
            };
            let probe = self.wards.next_probe().filter(|_| kept > 0);
            let patience = self.waits.patience();
            let is_still = self.waits.stir.is_quiet()
                && running.max(self.wards.probing()) <= held
                && !reads
                && !self.brakes.is_loose()
                && !self.releasing.load(Ordering::Acquire)
                && patience.is_none_or(|until| until > now);
            if is_still || self.is_stopping() {
                return due.into_iter().chain(patience).chain(probe).min();
            }
            let _ = pulse.changed().await; // the sender lives as long as the engine
        }
    }
}
