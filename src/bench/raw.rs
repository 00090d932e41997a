//! The raw limit: the bodies that the engine sends, posted to the same mock by a bare loop that keeps nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::{Clock as _, Exchange, Purpose, SystemClock};
use engine::{ExchangeFilter, Page};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::durable::{Load, engine, provision};
use super::gauge::{figure, percentile, processor_time};
use super::venue::{Addresses, client};
use super::{BenchError, people};

/// What one run of the bare loop came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Raw {
    pub(super) per_second: f64,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) processor_micros: f64,
    /// The size of one body.
    pub(super) body_bytes: usize,
}

/// Makes one run.
pub(super) async fn run(addresses: &Addresses, load: Load) -> Result<Raw, BenchError> {
    let sample = sample(addresses, load).await?;
    addresses.reset().await?;
    let headers = headers(&sample, addresses)?;
    let warm = 2 * load.concurrency;
    let bodies = bodies(&sample, warm as u64 + load.users);
    let body_bytes = bodies[0].len();
    let client = client(load.concurrency)?;
    let (first, rest) = bodies.split_at(warm);
    post(&client, &sample.url, &headers, first.to_vec(), load).await?;
    let clock = SystemClock::default();
    let (began, spent) = (clock.monotonic(), processor_time());
    let mut times = post(&client, &sample.url, &headers, rest.to_vec(), load).await?;
    let took = clock.monotonic().saturating_sub(began);
    let spent = processor_time().saturating_sub(spent);
    times.sort();
    let requests = figure(times.len() as u64);
    Ok(Raw {
        per_second: requests / took.as_secs_f64(),
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
        processor_micros: spent.as_secs_f64() * 1e6 / requests,
        body_bytes,
    })
}

/// Returns the request that the engine makes to create the first user.
async fn sample(addresses: &Addresses, load: Load) -> Result<Exchange, BenchError> {
    let folder = super::folder()?;
    let engine = engine(folder.path(), addresses, load, true).await?;
    let one = Load {
        concurrency: 1,
        ..load
    };
    provision(&engine, one, 0, 1).await?;
    let sent = engine
        .reader()
        .exchanges(&ExchangeFilter::default(), Page::newest(10))?;
    engine.shutdown().await;
    sent.into_iter()
        .map(|view| view.exchange)
        .find(|exchange| exchange.purpose == Purpose::Write)
        .ok_or_else(|| BenchError::Unconfirmed("no write was recorded".to_owned()))
}

fn headers(sample: &Exchange, addresses: &Addresses) -> Result<HeaderMap, BenchError> {
    let wrong = |told: String| BenchError::Wire(told);
    let mut headers = HeaderMap::new();
    for header in &sample.request_headers {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|error| wrong(error.to_string()))?;
        let value = if name == AUTHORIZATION {
            &addresses.authorization
        } else {
            &header.value
        };
        let value = HeaderValue::from_str(value).map_err(|error| wrong(error.to_string()))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Makes as many bodies as are needed: the sample with another name, external id and password each.
fn bodies(sample: &Exchange, count: u64) -> Vec<bytes::Bytes> {
    let text = &sample.request_body.text;
    let external = serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|body| body["externalId"].as_str().map(str::to_owned))
        .unwrap_or_default();
    let first = people::name(0);
    (0..count)
        .map(|number| {
            // The name and the id stand in the body more than once; all have the sample's length.
            text.replace(&first, &people::name(number))
                .replace(&external, &Uuid::from_u128(number.into()).to_string())
                .replace("\"***\"", "\"8#bQx2-pTz4=kWm6+aRd9_vL\"")
                .into()
        })
        .collect()
}

async fn post(
    client: &reqwest::Client,
    url: &str,
    headers: &HeaderMap,
    bodies: Vec<bytes::Bytes>,
    load: Load,
) -> Result<Vec<Duration>, BenchError> {
    let bodies = Arc::new(bodies);
    let next = Arc::new(AtomicUsize::new(0));
    let clock = SystemClock::default();
    let mut workers = JoinSet::new();
    for _ in 0..load.concurrency {
        let (client, headers, url) = (client.clone(), headers.clone(), url.to_owned());
        let (bodies, next) = (Arc::clone(&bodies), Arc::clone(&next));
        workers.spawn(async move {
            let wire = |error: reqwest::Error| BenchError::Wire(error.to_string());
            let mut times = Vec::new();
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let began = clock.monotonic();
                let request = client.post(&url).headers(headers.clone());
                let answer = request.body(body.clone()).send().await.map_err(wire)?;
                let answer = answer.error_for_status().map_err(wire)?;
                answer.bytes().await.map_err(wire)?;
                times.push(clock.monotonic().saturating_sub(began));
            }
            Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(worker) = workers.join_next().await {
        let worker: Result<Vec<Duration>, BenchError> =
            worker.map_err(|error| BenchError::Process(error.to_string()))?;
        times.extend(worker?);
    }
    Ok(times)
}
