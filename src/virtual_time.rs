//! One clock for engine, connectors and mocks that is moved by whoever waits, so that a month passes in a moment.
//!
//! Only what asks a clock is moved: retries, blocking waits, token lifetimes, quotas, the mocks' delays. Timeouts of real
//! sockets run by the system's time, so a delay of a mock is passed by moving the clock and never meets one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{Clock, ManualClock, Wake};
use engine::Engine;
use jiff::Timestamp;
use mocks::clock::Sleep;
use tokio::sync::watch;

/// How long requests that a mock holds may keep others from going on before the clock is moved all the same: those
/// that wait for a shared token are under way, and yet nothing of them is at a target.
const HELD_UP: Duration = Duration::from_millis(250);

/// The clock. Clones are hands on the same clock.
#[derive(Debug, Clone)]
pub struct VirtualTime {
    clock: ManualClock,
    held: Arc<Held>,
}

/// The waits of the mocks, by number, until when each lasts. A request is held by each.
#[derive(Debug)]
struct Held {
    waits: Mutex<(u64, BTreeMap<u64, Duration>)>,
    changed: watch::Sender<()>,
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Duration>)> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut (u64, BTreeMap<u64, Duration>))) {
        change(&mut self.lock());
        self.changed.send_replace(());
    }
}

/// One wait of a mock; it is over when this is dropped.
struct Wait {
    held: Arc<Held>,
    number: u64,
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.held.change(|(_, waits)| {
            waits.remove(&self.number);
        });
    }
}

impl VirtualTime {
    /// Starts the clock at an instant.
    pub fn at(start: Timestamp) -> Self {
        Self {
            clock: ManualClock::at(start),
            held: Arc::new(Held {
                waits: Mutex::default(),
                changed: watch::Sender::new(()),
            }),
        }
    }

    /// Returns the time as the engine and the connectors take it.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    /// Returns the time as the mocks take it.
    pub fn mock_clock(&self) -> Arc<dyn mocks::clock::Clock> {
        Arc::new(self.clone())
    }

    /// Returns the present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the time passed since the start.
    pub fn passed(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Waits until nothing goes on by itself, then moves the clock to the next instant for which somebody waits, but
    /// not past `limit`. Returns `false`, with the clock unmoved, when nobody waits for anything before that.
    pub async fn step(&self, engine: &Engine, limit: Duration) -> bool {
        let next = [
            self.still(engine).await,
            self.held_until(),
            self.clock.next_wake(),
        ];
        let passed = self.passed();
        let ahead = next.into_iter().flatten().filter(|at| *at > passed);
        match ahead.min().filter(|at| *at <= limit) {
            Some(at) => {
                self.clock
                    .advance(at.saturating_sub(self.clock.monotonic()));
                true
            }
            None => false,
        }
    }

    /// Moves the clock ahead, stopping at every instant for which somebody waits, and waits until all is still again.
    pub async fn advance(&self, engine: &Engine, by: Duration) {
        let limit = self.passed().saturating_add(by);
        while self.step(engine, limit).await {}
        self.clock.advance(limit.saturating_sub(self.passed()));
        self.still(engine).await;
    }

    /// Waits until only the clock can set anything going; returns for when the engine's next work waits.
    pub async fn still(&self, engine: &Engine) -> Option<Duration> {
        let mut changed = self.held.changed.subscribe();
        loop {
            self.clock.heard().await;
            changed.mark_unchanged();
            let held = self.held_now();
            tokio::select! {
                due = engine.standstill(held) => return due,
                _ = changed.changed() => {} // the sender lives as long as this clock
                () = tokio::time::sleep(HELD_UP), if held > 0 => return None,
            }
        }
    }

    fn held_until(&self) -> Option<Duration> {
        self.held.lock().1.values().copied().min()
    }

    fn held_now(&self) -> usize {
        let passed = self.passed();
        let waits = self.held.lock();
        waits.1.values().filter(|until| **until > passed).count()
    }
}

impl mocks::clock::Clock for VirtualTime {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn elapsed(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, length: Duration) -> Sleep {
        let until = self.clock.monotonic().saturating_add(length);
        let wake = self.clock.wake(until);
        let held = Arc::clone(&self.held);
        let mut number = 0;
        held.change(|(next, waits)| {
            number = *next;
            *next += 1;
            waits.insert(number, until);
        });
        let wait = Wait { held, number };
        Box::pin(async move {
            match wake {
                Wake::After(pause) => tokio::time::sleep(pause).await,
                Wake::Moved(moved) => moved.await,
            }
            drop(wait);
        })
    }

    fn advance(&self, by: Duration) -> bool {
        self.clock.advance(by);
        true
    }

    fn is_moved_by_hand(&self) -> bool {
        true
    }
}
