//! What changes when there is much of it: a journal with many users and exchanges, a backlog, and many plans at once.

use std::path::Path;
use std::time::Duration;

use domain::{Clock as _, SystemClock};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::durable::{Load, engine, provision, size};
use super::gauge::{figure, median, peak_bytes, resident_bytes};
use super::venue::{Addresses, client};
use super::{BenchError, people};

/// How many users are created in one window of the growth, and how many windows there are.
const WINDOW: u64 = 4_000;

/// Throughput and cost once the journal holds so much.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Size {
    /// Users, links and exchanges in the journal when the measurement began.
    pub(super) held: u64,
    /// The median of the windows.
    pub(super) per_second: f64,
    /// The most memory so far.
    pub(super) peak_bytes: u64,
    /// The journal at the end of the windows, divided by what it holds then.
    pub(super) journal_bytes: f64,
}

/// Fills a journal step by step, and measures at each.
pub(super) async fn grow(
    addresses: &Addresses,
    load: Load,
    sizes: &[u64],
    windows: u64,
) -> Result<Vec<Size>, BenchError> {
    let folder = super::folder()?;
    let engine = engine(folder.path(), addresses, load, true).await?;
    let clock = SystemClock::default();
    let mut done = 0;
    let mut out = Vec::new();
    for held in sizes {
        // The target is emptied now and then: its own growth is not what is measured.
        while done < *held {
            let some = (held - done).min(50_000);
            provision(&engine, load, done, some).await?;
            done += some;
            addresses.reset().await?;
        }
        let mut rates = Vec::new();
        for _ in 0..windows {
            addresses.reset().await?;
            let began = clock.monotonic();
            provision(&engine, load, done, WINDOW).await?;
            let took = clock.monotonic().saturating_sub(began);
            rates.push(figure(WINDOW) / took.as_secs_f64());
            done += WINDOW;
        }
        out.push(Size {
            held: *held,
            per_second: median(rates),
            peak_bytes: peak_bytes(),
            journal_bytes: figure(size(folder.path())) / figure(done),
        });
    }
    engine.shutdown().await;
    Ok(out)
}

/// Fills a journal with operations that nobody has sent.
pub(super) async fn queue(
    folder: &Path,
    addresses: &Addresses,
    load: Load,
) -> Result<(), BenchError> {
    let engine = engine(folder, addresses, load, false).await?;
    let mut workers = tokio::task::JoinSet::new();
    let width = load.concurrency as u64;
    for worker in 0..width {
        let engine = engine.clone();
        workers.spawn(async move {
            let mut number = worker;
            while number < load.users {
                engine.submit(people::request(load.seed, number)).await?;
                number += width;
            }
            Ok(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        let worker: Result<(), BenchError> =
            worker.map_err(|error| BenchError::Process(error.to_string()))?;
        worker?;
    }
    engine.shutdown().await;
    Ok(())
}

/// How an engine starts on a backlog.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Start {
    /// From the call that starts the engine until the target has the first request.
    pub(super) first_send: Duration,
    /// The memory that is resident then.
    pub(super) resident_bytes: u64,
}

/// Starts an engine on a backlog and stops it after the first request.
pub(super) async fn start(
    folder: &Path,
    addresses: &Addresses,
    load: Load,
) -> Result<Start, BenchError> {
    let clock = SystemClock::default();
    let client = client(1)?;
    let (control, authorization) = addresses.control();
    let log = |wait: &str| {
        client
            .get(format!("{control}/log?after=0&wait={wait}"))
            .header(reqwest::header::AUTHORIZATION, authorization)
    };
    let wire = |error: reqwest::Error| BenchError::Wire(error.to_string());
    log("0s").send().await.map_err(wire)?; // so that its connection is there
    let began = clock.monotonic();
    let first = tokio::spawn(log("60s").send());
    let engine = engine(folder, addresses, load, true).await?;
    let told = first
        .await
        .map_err(|error| BenchError::Process(error.to_string()))?
        .map_err(wire)?;
    let first_send = clock.monotonic().saturating_sub(began);
    let resident_bytes = resident_bytes();
    engine.abort().await;
    let told: Value = told.json().await.map_err(wire)?;
    if told["entries"].as_array().is_none_or(Vec::is_empty) {
        return Err(BenchError::Unconfirmed(
            "nothing was sent within a minute".to_owned(),
        ));
    }
    Ok(Start {
        first_send,
        resident_bytes,
    })
}

/// Plans the creation of users at three targets, one after the other, and returns how long it took.
pub(super) async fn plan(addresses: &Addresses, load: Load) -> Result<Duration, BenchError> {
    let folder = super::folder()?;
    let engine = engine(folder.path(), addresses, load, false).await?;
    let requests: Vec<_> = (0..load.users)
        .map(|number| people::request(load.seed, number))
        .collect();
    let clock = SystemClock::default();
    let began = clock.monotonic();
    let mut operations = 0;
    for request in &requests {
        let plan = engine.plan(request)?;
        operations += plan
            .triggers
            .iter()
            .flat_map(|trigger| &trigger.decisions)
            .filter(|decision| matches!(decision.verdict, domain::Verdict::Operation(_)))
            .count() as u64;
    }
    let took = clock.monotonic().saturating_sub(began);
    engine.shutdown().await;
    if operations != load.users * load.targets.count() {
        return Err(BenchError::Unconfirmed(format!(
            "{operations} operations were planned for {} users",
            load.users
        )));
    }
    Ok(took)
}
