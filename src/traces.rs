//! Traces for a collector, over OTLP/HTTP. Off unless `[engine.traces]` names one.
//!
//! One flow is one trace, its id the flow's. Spans are made from the facts as they are committed: the flow, what was
//! decided, each operation, its attempts, and their requests. An attempt's span is the one that its requests name in
//! their `traceparent`, so that the target's own spans hang below it. No name, no body and no secret is told.
//!
//! The engine never waits for the collector: what comes faster than it is taken is dropped, and said once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{ConnectorRef, Exchange, FlowId, OperationId, TracesSettings};
use engine::{Engine, Fact, News, Reader, Record, Settlement, Subscription, span_of};
use jiff::Timestamp;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How many spans wait for the collector at most, how many go together, and how long the first of them waits.
const WAITING: usize = 4096;
const TOGETHER: usize = 512;
const PAUSE: Duration = Duration::from_millis(200);

/// How long the collector may take, and how long a stop waits for it.
const PATIENCE: Duration = Duration::from_secs(10);
const FAREWELL: Duration = Duration::from_secs(3);

/// How many open operations are known by heart; others are looked up in the journal.
const KNOWN: usize = 50_000;

/// So much of a collector's answer is read.
const ANSWER: usize = 64 << 10;

/// Traces that are being told.
#[derive(Debug)]
pub struct Traces {
    stop: oneshot::Sender<()>,
    telling: JoinHandle<()>,
}

impl Traces {
    /// Begins to tell what an engine does from now on.
    ///
    /// # Errors
    /// A sentence about the setting that cannot be used. That the collector cannot be reached is no error.
    pub fn of(engine: &Engine, settings: &TracesSettings) -> Result<Self, String> {
        let exporter = exporter(settings)?;
        let (spans, waiting) = mpsc::channel(WAITING);
        let (stop, stopped) = oneshot::channel();
        let teller = Teller {
            reader: engine.reader(),
            known: HashMap::new(),
            spans,
            drops: AtomicBool::new(false),
            begun: None,
        };
        tokio::spawn(teller.follow(engine.subscribe(), stopped));
        let telling = tokio::spawn(tell(exporter, waiting));
        Ok(Self { stop, telling })
    }

    /// Tells what has happened, for a short while, and ends.
    pub async fn end(self) {
        let _ = self.stop.send(()); // it has ended already, perhaps
        if tokio::time::timeout(FAREWELL, self.telling).await.is_err() {
            tracing::warn!("the collector takes long; the last spans are not told");
        }
    }
}

fn exporter(settings: &TracesSettings) -> Result<SpanExporter, String> {
    connectors::install_crypto();
    let builder = || {
        reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
    };
    let client = builder()
        .build()
        .or_else(|_| builder().tls_certs_only([]).build())
        .map_err(|error| error.to_string())?;
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Wire(client))
        .with_endpoint(&settings.endpoint)
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| error.to_string())?;
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "outbound"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build();
    exporter.set_resource(&resource);
    Ok(exporter)
}

/// The client under the exporter: the one that the connectors use.
#[derive(Debug)]
struct Wire(reqwest::Client);

#[async_trait]
impl HttpClient for Wire {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut answer = self.0.execute(request.try_into()?).await?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > ANSWER {
                return Err("the collector's answer has no end".into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response::builder().status(status).body(body.into())?)
    }
}

/// Hands spans to the collector until there are no more. Says once that it cannot, and once that it can again.
async fn tell(exporter: SpanExporter, mut waiting: mpsc::Receiver<SpanData>) {
    let mut fails = false;
    while let Some(first) = waiting.recv().await {
        let mut batch = vec![first];
        while batch.len() < TOGETHER {
            match tokio::time::timeout(PAUSE, waiting.recv()).await {
                Ok(Some(span)) => batch.push(span),
                Ok(None) | Err(_) => break,
            }
        }
        match exporter.export(batch).await {
            Ok(()) if fails => {
                fails = false;
                tracing::info!("the collector takes traces again");
            }
            Ok(()) => {}
            Err(error) if !fails => {
                fails = true;
                tracing::warn!(%error, "the collector of [engine.traces] does not take traces; they are lost until it does, and everything else goes on");
            }
            Err(error) => tracing::debug!(%error, "the collector still takes no traces"),
        }
    }
}

/// What is known of an operation that has not ended.
#[derive(Debug, Clone)]
struct Known {
    connector: ConnectorRef,
    verb: &'static str,
    queued: Timestamp,
    /// The attempt under way.
    attempt: Option<(u32, Timestamp)>,
}

/// Makes spans of facts.
struct Teller {
    reader: Reader,
    known: HashMap<OperationId, Known>,
    spans: mpsc::Sender<SpanData>,
    /// Whether spans are being dropped.
    drops: AtomicBool,
    /// The flow that began last; its triggers come one after the other.
    begun: Option<FlowId>,
}

impl Teller {
    async fn follow(mut self, mut news: Subscription, mut stopped: oneshot::Receiver<()>) {
        loop {
            let piece = tokio::select! {
                biased;
                piece = news.next() => piece,
                _ = &mut stopped => None,
            };
            match piece {
                Some(News::Fact(record)) => self.see(&record),
                Some(News::Missed(missed)) => {
                    tracing::warn!(missed, "facts came too fast for their traces");
                }
                Some(News::Started(_)) => {}
                None => return,
            }
        }
    }

    fn see(&mut self, record: &Arc<Record>) {
        let Some(flow) = record.flow else { return };
        let at = record.at;
        match &record.fact {
            Fact::TriggerRecorded { trigger } => {
                let kind = KeyValue::new("outbound.trigger", trigger.kind.word());
                let source = KeyValue::new("outbound.source", trigger.source.word());
                if self.begun.replace(flow) != Some(flow) {
                    let told = span(flow, low(flow.0), "flow", (trigger.at, at));
                    self.put(told.with([kind.clone(), source.clone()]));
                }
                let decided = span(flow, low(trigger.id.0), "decide", (trigger.at, at));
                self.put(decided.below(low(flow.0)).with([kind, source]));
            }
            Fact::OperationQueued { queued } if self.known.len() < KNOWN => {
                let known = Known {
                    connector: queued.connector.clone(),
                    verb: queued.verb.word(),
                    queued: at,
                    attempt: None,
                };
                self.known.insert(queued.operation, known);
            }
            Fact::AttemptStarted {
                operation, number, ..
            } => {
                if let Some(known) = self.known.get_mut(operation) {
                    known.attempt = Some((*number, at));
                }
            }
            Fact::ExchangeRecorded {
                operation: Some(operation),
                attempt,
                connector,
                exchange,
            } => self.put(request(flow, *operation, *attempt, connector, exchange)),
            Fact::AttemptFailed {
                operation, failure, ..
            } => self.attempt(flow, *operation, at, Some(failure.kind.word())),
            Fact::Settled {
                operation, outcome, ..
            } => {
                let outcome = match outcome {
                    Settlement::Confirmed(_) | Settlement::Found(_) => "done",
                    Settlement::Nothing { .. } => "nothing",
                };
                self.attempt(flow, *operation, at, None);
                self.end(flow, *operation, at, outcome);
            }
            Fact::OperationDead { operation, death } => {
                let failed = death.failure.as_ref().map(|failure| failure.kind.word());
                self.attempt(flow, *operation, at, failed);
                self.end(flow, *operation, at, "dead");
            }
            Fact::Discarded { operation, .. } => self.end(flow, *operation, at, "discarded"),
            _ => {}
        }
    }

    /// Tells an attempt that has ended.
    fn attempt(
        &mut self,
        flow: FlowId,
        operation: OperationId,
        at: Timestamp,
        failed: Option<&'static str>,
    ) {
        let Some(known) = self.known.get_mut(&operation) else {
            return;
        };
        // Nothing was attempted, or it is told already.
        let Some((number, began)) = known.attempt.take() else {
            return;
        };
        let connector = known.connector.to_string();
        let told = span(flow, span_of(operation, number), "attempt", (began, at));
        let mut told = told.below(low(operation.0)).with([
            KeyValue::new("outbound.connector", connector),
            KeyValue::new("outbound.attempt", i64::from(number)),
        ]);
        if let Some(kind) = failed {
            told.0.status = Status::error(kind);
        }
        self.put(told);
    }

    fn end(&mut self, flow: FlowId, operation: OperationId, at: Timestamp, outcome: &'static str) {
        let known = self
            .known
            .remove(&operation)
            .or_else(|| self.look_up(operation));
        let Some(known) = known else { return };
        let told = span(flow, low(operation.0), "operation", (known.queued, at));
        let mut told = told.below(low(flow.0)).with([
            KeyValue::new("outbound.operation", operation.to_string()),
            KeyValue::new("outbound.connector", known.connector.to_string()),
            KeyValue::new("outbound.verb", known.verb),
            KeyValue::new("outbound.outcome", outcome),
        ]);
        if outcome == "dead" {
            told.0.status = Status::error("dead letter");
        }
        self.put(told);
    }

    /// Of an operation that another process queued.
    fn look_up(&self, operation: OperationId) -> Option<Known> {
        match self.reader.operation(operation) {
            Ok(view) => view.map(|view| Known {
                connector: view.connector,
                verb: view.verb.word(),
                queued: view.queued,
                attempt: None,
            }),
            Err(error) => {
                tracing::warn!(%error, "a trace lacks an operation");
                None
            }
        }
    }

    fn put(&self, span: Span) {
        let drops = self.spans.try_send(span.0).is_err();
        if drops && !self.drops.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "spans come faster than the collector takes them; some are dropped from now on"
            );
        }
    }
}

struct Span(SpanData);

impl Span {
    fn below(mut self, parent: u64) -> Self {
        self.0.parent_span_id = SpanId::from_bytes(parent.to_be_bytes());
        self
    }

    fn with(mut self, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        self.0.attributes.extend(attributes);
        self
    }
}

fn low(id: Uuid) -> u64 {
    id.as_u64_pair().1
}

/// A span of a flow's trace, below nothing yet.
fn span(flow: FlowId, id: u64, name: &'static str, (began, ended): (Timestamp, Timestamp)) -> Span {
    let context = SpanContext::new(
        TraceId::from_bytes(*flow.0.as_bytes()),
        SpanId::from_bytes(id.to_be_bytes()),
        TraceFlags::SAMPLED,
        false,
        TraceState::default(),
    );
    Span(SpanData {
        span_context: context,
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: name.into(),
        start_time: SystemTime::from(began),
        // A clock that was put back makes no span that ends before it began.
        end_time: SystemTime::from(ended.max(began)),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("outbound").build(),
    })
}

/// A request: method, address of the machine and status; the rest of an address may name somebody.
fn request(
    flow: FlowId,
    operation: OperationId,
    attempt: u32,
    connector: &ConnectorRef,
    exchange: &Exchange,
) -> Span {
    let took = jiff::SignedDuration::try_from(exchange.took).unwrap_or_default();
    let ended = exchange.at.checked_add(took).unwrap_or(exchange.at);
    let told = span(flow, low(exchange.id.0), "request", (exchange.at, ended));
    let mut told = told.below(span_of(operation, attempt)).with([
        KeyValue::new("http.request.method", exchange.method.clone()),
        KeyValue::new("outbound.connector", connector.to_string()),
    ]);
    told.0.span_kind = SpanKind::Client;
    let url = url::Url::parse(&exchange.url).ok();
    if let Some(host) = url.as_ref().and_then(url::Url::host_str) {
        let host = KeyValue::new("server.address", host.to_owned());
        told.0.attributes.push(host);
    }
    match &exchange.response {
        Some(response) => {
            let status = i64::from(response.status);
            let told_status = KeyValue::new("http.response.status_code", status);
            told.0.attributes.push(told_status);
            if response.status >= 400 {
                told.0.status = Status::error("");
            }
        }
        None => told.0.status = Status::error("no answer"),
    }
    told
}
