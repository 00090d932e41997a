//! What a monitoring system is told, in the text format of Prometheus. Off unless `[engine.metrics]` says where to listen.
//!
//! Counters count from the start of the process and are fed by the facts as they are committed; gauges are read from the
//! journal when somebody asks.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use domain::{ConnectorRef, OperationId};
use engine::{Engine, Fact, JournalError, Life, News, Reader, Settlement, Subscription};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

/// Upper bounds in seconds: one exchange takes milliseconds to the request timeout, one operation up to the end of its schedule.
const EXCHANGE: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
const OPERATION: [f64; 10] = [
    0.01, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0, 3600.0, 86_400.0, 604_800.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    connector: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    connector: String,
    verb: String,
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    connector: String,
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    connector: String,
    method: String,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    connector: String,
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HeldFor {
    connector: String,
    reason: String,
}

/// The figures of one running engine.
pub struct Metrics {
    registry: Registry,
    reader: Reader,
    ended: Family<Ended, Counter>,
    failures: Family<Failed, Counter>,
    retries: Family<At, Counter>,
    exchanges: Family<Answered, Counter>,
    exchange_seconds: Family<At, Histogram>,
    operation_seconds: Family<At, Histogram>,
    missed: Counter,
    open: Family<InState, Gauge>,
    held: Family<HeldFor, Gauge>,
    oldest: Gauge,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Begins to count what an engine does.
    pub fn of(engine: &Engine) -> Arc<Self> {
        let metrics = Arc::new(Self::new(engine.reader()));
        tokio::spawn(follow(Arc::clone(&metrics), engine.subscribe()));
        metrics
    }

    fn new(reader: Reader) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("outbound"),
            reader,
            ended: Family::default(),
            failures: Family::default(),
            retries: Family::default(),
            exchanges: Family::default(),
            exchange_seconds: Family::new_with_constructor(|| Histogram::new(EXCHANGE)),
            operation_seconds: Family::new_with_constructor(|| Histogram::new(OPERATION)),
            missed: Counter::default(),
            open: Family::default(),
            held: Family::default(),
            oldest: Gauge::default(),
        };
        let Self {
            registry,
            ended,
            failures,
            retries,
            exchanges,
            exchange_seconds,
            operation_seconds,
            missed,
            open,
            held,
            oldest,
            ..
        } = &mut metrics;
        registry.register("operations", "Operations that ended", ended.clone());
        registry.register("attempt_failures", "Attempts that failed", failures.clone());
        registry.register("retries", "Attempts that are made again", retries.clone());
        registry.register("exchanges", "Requests to targets", exchanges.clone());
        registry.register(
            "exchange_seconds",
            "Time from a request to its answer",
            exchange_seconds.clone(),
        );
        registry.register(
            "operation_seconds",
            "Time from the trigger to the end of an operation",
            operation_seconds.clone(),
        );
        registry.register(
            "facts_missed",
            "Facts that came too fast to be counted here",
            missed.clone(),
        );
        registry.register("operations_open", "Operations that are owed", open.clone());
        registry.register(
            "connector_held",
            "Connectors that are not sent to, by the reason",
            held.clone(),
        );
        registry.register(
            "oldest_open_timestamp_seconds",
            "When the operation that is owed longest was queued; 0 when nothing is owed",
            oldest.clone(),
        );
        metrics
    }

    fn see(&self, fact: &Fact, at: jiff::Timestamp) -> Result<(), JournalError> {
        match fact {
            Fact::ExchangeRecorded {
                connector,
                exchange,
                ..
            } => {
                let status = exchange
                    .response
                    .as_ref()
                    .map_or_else(|| "none".to_owned(), |response| response.status.to_string());
                self.exchanges
                    .get_or_create(&Answered {
                        connector: connector.to_string(),
                        method: exchange.method.clone(),
                        status,
                    })
                    .inc();
                self.exchange_seconds
                    .get_or_create(&at_connector(connector))
                    .observe(exchange.took.as_secs_f64());
            }
            Fact::AttemptFailed {
                operation,
                failure,
                then,
                ..
            } => {
                let Some(view) = self.reader.operation(*operation)? else {
                    return Ok(());
                };
                self.failures
                    .get_or_create(&Failed {
                        connector: view.connector.to_string(),
                        kind: failure.kind.word().to_owned(),
                    })
                    .inc();
                if matches!(then, Life::Retrying { .. }) {
                    self.retries
                        .get_or_create(&at_connector(&view.connector))
                        .inc();
                }
            }
            Fact::Settled {
                operation, outcome, ..
            } => {
                let outcome = match outcome {
                    Settlement::Confirmed(_) | Settlement::Found(_) => "done",
                    Settlement::Nothing { .. } => "nothing",
                };
                self.end(*operation, outcome, at)?;
            }
            Fact::OperationDead { operation, .. } => self.end(*operation, "dead", at)?,
            Fact::Discarded { operation, .. } => self.end(*operation, "discarded", at)?,
            _ => {}
        }
        Ok(())
    }

    fn end(
        &self,
        operation: OperationId,
        outcome: &str,
        at: jiff::Timestamp,
    ) -> Result<(), JournalError> {
        let Some(view) = self.reader.operation(operation)? else {
            return Ok(());
        };
        self.ended
            .get_or_create(&Ended {
                connector: view.connector.to_string(),
                verb: view.verb.word().to_owned(),
                outcome: outcome.to_owned(),
            })
            .inc();
        self.operation_seconds
            .get_or_create(&at_connector(&view.connector))
            .observe(at.duration_since(view.queued).as_secs_f64().max(0.0));
        Ok(())
    }

    /// Writes the figures of this moment.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be read.
    pub fn text(&self) -> Result<String, JournalError> {
        self.open.clear();
        for (connector, states) in self.reader.counts()? {
            for (state, count) in states.into_iter().filter(|(state, _)| state.is_open()) {
                self.open
                    .get_or_create(&InState {
                        connector: connector.to_string(),
                        state: state.word().to_owned(),
                    })
                    .set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
        self.held.clear();
        for hold in self.reader.holds()? {
            self.held
                .get_or_create(&HeldFor {
                    connector: hold.connector.to_string(),
                    reason: hold.reason.code().to_owned(),
                })
                .set(1);
        }
        let oldest = self.reader.oldest_open()?;
        self.oldest
            .set(oldest.map_or(0, jiff::Timestamp::as_second));
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|error| JournalError::Store {
            told: error.to_string(),
        })?;
        Ok(text)
    }
}

fn at_connector(connector: &ConnectorRef) -> At {
    At {
        connector: connector.to_string(),
    }
}

async fn follow(metrics: Arc<Metrics>, mut news: Subscription) {
    while let Some(piece) = news.next().await {
        match piece {
            News::Fact(record) => {
                if let Err(error) = metrics.see(&record.fact, record.at) {
                    tracing::warn!(%error, "a figure could not be counted");
                }
            }
            News::Missed(missed) => {
                metrics.missed.inc_by(missed);
            }
            News::Started(_) => {}
        }
    }
}

/// Answers `GET /metrics` until it is dropped.
///
/// # Errors
/// When the address cannot be had.
pub async fn listen(
    metrics: Arc<Metrics>,
    address: SocketAddr,
) -> std::io::Result<(SocketAddr, impl Future<Output = std::io::Result<()>>)> {
    let listener = TcpListener::bind(address).await?;
    let here = listener.local_addr()?;
    let told = move || async move {
        match metrics.text() {
            Ok(text) => (
                [(
                    CONTENT_TYPE,
                    "application/openmetrics-text; version=1.0.0; charset=utf-8",
                )],
                text,
            )
                .into_response(),
            Err(error) => {
                tracing::error!(%error, "the figures cannot be told");
                axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        }
    };
    let router = axum::Router::new().route("/metrics", get(told));
    Ok((here, async move { axum::serve(listener, router).await }))
}
