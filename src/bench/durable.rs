//! Durable provisioning: trigger committed, decided, sent, confirmed, linked and the exchange recorded, with users from
//! trigger to confirmed always under way in the same number.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{Clock as _, OperationId, SystemClock};
use engine::{Engine, Fact, Life, News, Settlement, Subscription};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::gauge::{figure, peak_bytes, percentile, processor_time, written_bytes};
use super::venue::{Addresses, Targets, configuration, journal};
use super::{BenchError, people};
use crate::workbench;

/// What one run of durable provisioning came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Durable {
    pub(super) per_second: f64,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// Of this process, which is engine, connectors and the loop that submits; the mocks are another. What it takes to make
    /// the requests is not part of it, as it is not of the bare loop, whose bodies are made before the clock starts.
    pub(super) processor_micros: f64,
    /// What stays in the journal's file: pages in use, without its log.
    pub(super) journal_bytes: f64,
    /// What was handed to the disk: the log, and what of it was folded into the file meanwhile.
    pub(super) written_bytes: f64,
    pub(super) peak_bytes: u64,
}

/// How much a run does.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Load {
    pub(super) seed: u64,
    pub(super) users: u64,
    /// How many users are under way at once, and how many requests each connector may have in flight.
    pub(super) concurrency: usize,
    pub(super) targets: Targets,
}

/// Starts an engine as the program does.
pub(super) async fn engine(
    folder: &Path,
    addresses: &Addresses,
    load: Load,
    sends: bool,
) -> Result<Engine, BenchError> {
    let configuration = configuration(folder, addresses, load.targets, load.concurrency)?;
    let options = engine::Options {
        sends,
        ..workbench::options(configuration, folder, journal(folder), load.seed)
    };
    Ok(Engine::start(options).await?)
}

/// Makes one run in a new folder.
pub(super) async fn run(addresses: &Addresses, load: Load) -> Result<Durable, BenchError> {
    let folder = super::folder()?;
    let engine = engine(folder.path(), addresses, load, true).await?;
    // Connections, tokens and what the target announces are there before the clock starts.
    let warm = 2 * load.concurrency as u64;
    provision(&engine, load, 0, warm).await?;
    let before = engine.reader().room()?.used_bytes;
    let written = written_bytes();
    let clock = SystemClock::default();
    let (began, spent) = (clock.monotonic(), processor_time());
    let mut times = provision(&engine, load, warm, load.users).await?;
    let took = clock.monotonic().saturating_sub(began);
    let spent = processor_time().saturating_sub(spent);
    let peak_bytes = peak_bytes();
    let written = written_bytes().saturating_sub(written);
    let grown = engine.reader().room()?.used_bytes.saturating_sub(before);
    engine.shutdown().await;
    let spent = spent.saturating_sub(making(load, warm));
    times.sort();
    let operations = figure(times.len() as u64);
    Ok(Durable {
        per_second: operations / took.as_secs_f64(),
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
        processor_micros: spent.as_secs_f64() * 1e6 / operations,
        journal_bytes: figure(grown) / operations,
        written_bytes: figure(written) / operations,
        peak_bytes,
    })
}

/// Returns what it takes to make the requests of a run: they are made once more, a few at a time.
fn making(load: Load, from: u64) -> Duration {
    const AT_ONCE: usize = 500;
    let clock = SystemClock::default();
    let mut took = Duration::ZERO;
    let numbers: Vec<u64> = (from..from + load.users).collect();
    for numbers in numbers.chunks(AT_ONCE) {
        let began = clock.monotonic();
        let requests: Vec<_> = numbers
            .iter()
            .map(|number| people::request(load.seed, *number))
            .collect();
        took += clock.monotonic().saturating_sub(began);
        drop(std::hint::black_box(requests));
    }
    took
}

/// Returns how much the journal takes on the disk, its log included.
pub(super) fn size(folder: &Path) -> u64 {
    ["outbound.db", "outbound.db-wal"]
        .iter()
        .filter_map(|name| std::fs::metadata(folder.join(name)).ok())
        .map(|file| file.len())
        .sum()
}

/// Creates users from a number on and waits until each is confirmed at every target; returns how long each operation took
/// from its trigger to its confirmation.
pub(super) async fn provision(
    engine: &Engine,
    load: Load,
    from: u64,
    users: u64,
) -> Result<Vec<Duration>, BenchError> {
    let watch = Arc::new(Watch::default());
    let watching = tokio::spawn(Arc::clone(&watch).follow(engine.clone(), engine.subscribe()));
    let next = Arc::new(AtomicU64::new(from));
    let mut workers = JoinSet::new();
    for _ in 0..load.concurrency {
        let (engine, watch, next) = (engine.clone(), Arc::clone(&watch), Arc::clone(&next));
        workers.spawn(async move {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= from + users {
                    return Ok(times);
                }
                let request = people::request(load.seed, number);
                let began = watch.clock.monotonic();
                let outcome = engine.submit(request).await?;
                for operation in &outcome.operations {
                    let ended = watch.end(operation.operation).await?;
                    times.push(ended.saturating_sub(began));
                }
            }
        });
    }
    let mut times = Vec::new();
    while let Some(worker) = workers.join_next().await {
        let worker: Result<Vec<Duration>, BenchError> =
            worker.map_err(|error| BenchError::Process(error.to_string()))?;
        times.extend(worker?);
    }
    watching.abort();
    Ok(times)
}

/// Hears which operations have ended.
#[derive(Default)]
struct Watch {
    clock: SystemClock,
    known: Mutex<HashMap<OperationId, Seen>>,
}

enum Seen {
    /// Somebody waits for it.
    Awaited(oneshot::Sender<Result<Duration, String>>),
    /// It ended before anybody asked.
    Ended(Result<Duration, String>),
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, HashMap<OperationId, Seen>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until an operation is confirmed and returns when it was.
    async fn end(&self, operation: OperationId) -> Result<Duration, BenchError> {
        let ended = {
            let mut known = self.lock();
            if let Some(Seen::Ended(ended)) = known.remove(&operation) {
                return ended.map_err(BenchError::Unconfirmed);
            }
            let (sender, ended) = oneshot::channel();
            known.insert(operation, Seen::Awaited(sender));
            ended
        };
        let ended = ended.await;
        ended
            .map_err(|_| BenchError::Unconfirmed("the engine ended".to_owned()))?
            .map_err(BenchError::Unconfirmed)
    }

    fn ended(&self, operation: OperationId, how: Result<Duration, String>) {
        let mut known = self.lock();
        match known.remove(&operation) {
            Some(Seen::Awaited(sender)) => {
                let _ = sender.send(how); // a worker that failed waits no longer
            }
            _ => {
                known.insert(operation, Seen::Ended(how));
            }
        }
    }

    async fn follow(self: Arc<Self>, engine: Engine, mut news: Subscription) {
        while let Some(piece) = news.next().await {
            match piece {
                News::Fact(record) => match &record.fact {
                    Fact::Settled {
                        operation,
                        outcome: Settlement::Confirmed(_) | Settlement::Found(_),
                        ..
                    } => self.ended(*operation, Ok(self.clock.monotonic())),
                    Fact::OperationDead { operation, death } => {
                        self.ended(*operation, Err(death.told.clone()));
                    }
                    Fact::AttemptFailed {
                        operation, failure, ..
                    } => self.ended(*operation, Err(failure.to_string())),
                    _ => {}
                },
                News::Started(_) => {}
                // What was missed stands in the journal.
                News::Missed(_) => self.look(&engine),
            }
        }
    }

    fn look(&self, engine: &Engine) {
        let awaited: Vec<OperationId> = self
            .lock()
            .iter()
            .filter(|(_, seen)| matches!(seen, Seen::Awaited(_)))
            .map(|(operation, _)| *operation)
            .collect();
        let reader = engine.reader();
        for operation in awaited {
            match reader.operation(operation) {
                Ok(Some(view)) if view.life == Life::Settled => {
                    self.ended(operation, Ok(self.clock.monotonic()));
                }
                Ok(_) => {}
                Err(error) => self.ended(operation, Err(error.to_string())),
            }
        }
    }
}
