//! Traces for a collector, over OTLP/HTTP. Off unless `[engine.traces]` names one.
//!
//! One flow is one trace, its id the flow's. Spans are made from the facts as they are committed: the flow, what was
//! decided, each operation, its attempts, and their requests. An attempt's span is the one that its requests name in
//! their `traceparent`, so that the target's own spans hang below it. No name, no body and no secret is told.
//!
//! The engine never waits for the collector: what comes faster than it is taken is dropped, and said once.

use std::collections::{HashMap, HashSet, VecDeque};
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

/// How many operations are known by heart; others are looked up in the journal.
const KNOWN: usize = 50_000;

/// How many of the flows that began last are known to have begun.
const BEGUN: usize = 1_000;

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
            operations: Operations::default(),
            spans,
            drops: AtomicBool::new(false),
            begun: Begun::default(),
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
    let client = match builder().build() {
        Ok(client) => client,
        // Nobody is to be trusted on the way to a collector that is reached without TLS.
        Err(error) if !is_https(&settings.endpoint) => {
            tracing::info!(error = %told(&error), "no authorities were found; a collector without TLS needs none");
            builder()
                .tls_certs_only([])
                .build()
                .map_err(|error| no_client(&error))?
        }
        Err(error) => {
            let told = no_client(&error);
            return Err(format!(
                "{told}; a collector over TLS needs this machine's certificate authorities (`ca-certificates`)"
            ));
        }
    };
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

fn is_https(endpoint: &str) -> bool {
    url::Url::parse(endpoint).is_ok_and(|url| url.scheme() == "https")
}

fn no_client(error: &reqwest::Error) -> String {
    format!("no HTTP client can be made: {}", told(error))
}

/// An error with what brought it about.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
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

/// What is known of an operation that is not done.
#[derive(Debug, Clone)]
struct Known {
    connector: ConnectorRef,
    verb: &'static str,
    /// When it was queued; after a death since when it is dead, or is tried again.
    since: Timestamp,
    /// The attempt under way.
    attempt: Option<(u32, Timestamp)>,
    /// How often it failed for good.
    deaths: u32,
}

impl Known {
    /// The span of the operation, or of what follows its last death.
    fn span(&self, operation: OperationId) -> u64 {
        match self.deaths {
            0 => low(operation.0),
            // No attempt has such a number.
            deaths => span_of(operation, u32::MAX - deaths),
        }
    }
}

/// Operations by what their facts say. Of one that is here every fact up to now was seen.
#[derive(Debug, Default)]
struct Operations(HashMap<OperationId, Known>);

impl Operations {
    fn add(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::OperationQueued { queued } => {
                let known = Known {
                    connector: queued.connector.clone(),
                    verb: queued.verb.word(),
                    since: at,
                    attempt: None,
                    deaths: 0,
                };
                self.0.insert(queued.operation, known);
            }
            Fact::AttemptStarted {
                operation, number, ..
            } => self.change(*operation, |known| known.attempt = Some((*number, at))),
            Fact::AttemptFailed { operation, .. } => {
                self.change(*operation, |known| known.attempt = None);
            }
            Fact::OperationDead { operation, .. } => self.change(*operation, |known| {
                known.attempt = None;
                known.since = at;
                known.deaths += 1;
            }),
            // What was dead until now begins again; what was not goes on.
            Fact::Retried { operation, .. } => self.change(*operation, |known| {
                if known.deaths > 0 {
                    known.since = at;
                }
            }),
            Fact::Settled { operation, .. } | Fact::Discarded { operation, .. } => {
                self.0.remove(operation);
            }
            _ => {}
        }
    }

    fn change(&mut self, operation: OperationId, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self.0.get_mut(&operation) {
            change(known);
        }
    }

    /// Forgets everything when so many more would be too many: it is looked up again.
    fn make_room(&mut self, more: usize) {
        if self.0.len() + more > KNOWN {
            self.0.clear();
        }
    }
}

/// The flows that began last, so that each is told once however many triggers it has and what comes in between.
#[derive(Debug, Default)]
struct Begun {
    known: HashSet<FlowId>,
    order: VecDeque<FlowId>,
}

impl Begun {
    /// Returns whether the flow is new.
    fn begins(&mut self, flow: FlowId) -> bool {
        if !self.known.insert(flow) {
            return false;
        }
        self.order.push_back(flow);
        if self.order.len() > BEGUN
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

/// Makes spans of facts.
struct Teller {
    reader: Reader,
    operations: Operations,
    spans: mpsc::Sender<SpanData>,
    /// Whether spans are being dropped.
    drops: AtomicBool,
    begun: Begun,
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
                    // Whatever is known may be out of date.
                    self.operations.0.clear();
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
                if self.begun.begins(flow) {
                    let told = span(flow, low(flow.0), "flow", (trigger.at, at));
                    self.put(told.with([kind.clone(), source.clone()]));
                }
                let decided = span(flow, low(trigger.id.0), "decide", (trigger.at, at));
                self.put(decided.below(low(flow.0)).with([kind, source]));
            }
            Fact::OperationQueued { .. } => self.operations.make_room(1),
            Fact::ExchangeRecorded {
                operation: Some(operation),
                attempt,
                connector,
                exchange,
            } => self.put(request(flow, *operation, *attempt, connector, exchange)),
            Fact::AttemptFailed {
                operation, failure, ..
            } => self.attempt(flow, *operation, record, Some(failure.kind.word())),
            Fact::Settled {
                operation, outcome, ..
            } => {
                let outcome = match outcome {
                    Settlement::Confirmed(_) | Settlement::Found(_) => "done",
                    Settlement::Nothing { .. } => "nothing",
                };
                self.attempt(flow, *operation, record, None);
                self.end(flow, *operation, record, outcome);
            }
            Fact::OperationDead { operation, death } => {
                let failed = death.failure.as_ref().map(|failure| failure.kind.word());
                self.attempt(flow, *operation, record, failed);
                self.end(flow, *operation, record, "dead");
            }
            Fact::Discarded { operation, .. } => self.end(flow, *operation, record, "discarded"),
            _ => {}
        }
        self.operations.add(at, &record.fact);
    }

    /// Tells an attempt that ends with a fact, when one is under way.
    fn attempt(
        &mut self,
        flow: FlowId,
        operation: OperationId,
        end: &Record,
        failed: Option<&'static str>,
    ) {
        let Some(known) = self.known(flow, operation, end.seq) else {
            return;
        };
        // Nothing was attempted, or it is told already.
        let Some((number, began)) = known.attempt else {
            return;
        };
        let told = span(flow, span_of(operation, number), "attempt", (began, end.at));
        let mut told = told.below(known.span(operation)).with([
            KeyValue::new("outbound.connector", known.connector.to_string()),
            KeyValue::new("outbound.attempt", i64::from(number)),
        ]);
        if let Some(kind) = failed {
            told.0.status = Status::error(kind);
        }
        self.put(told);
    }

    /// Tells an operation that ends with a fact. A dead letter ends once more when it is retried or given up: with a
    /// span of its own, which begins with the retry or the death.
    fn end(&mut self, flow: FlowId, operation: OperationId, end: &Record, outcome: &'static str) {
        let Some(known) = self.known(flow, operation, end.seq) else {
            return;
        };
        let times = (known.since, end.at);
        let told = span(flow, known.span(operation), "operation", times);
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

    /// Returns an operation as it stood before a fact; read from its flow in the journal unless it is known by heart.
    fn known(&mut self, flow: FlowId, operation: OperationId, seq: u64) -> Option<Known> {
        if !self.operations.0.contains_key(&operation) {
            match self.reader.facts_of(flow) {
                Ok(records) => {
                    let mut read = Operations::default();
                    let earlier = records.iter().filter(|record| record.seq < seq);
                    earlier.for_each(|record| read.add(record.at, &record.fact));
                    // All of the flow's at once: the others will be wanted as well.
                    self.operations.make_room(read.0.len());
                    self.operations.0.extend(read.0);
                }
                Err(error) => tracing::warn!(%error, "a trace lacks an operation"),
            }
        }
        self.operations.0.get(&operation).cloned()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_begins_once_whatever_comes_in_between_and_few_are_remembered() {
        let flow = |number| FlowId(Uuid::from_u64_pair(7, number));
        let mut begun = Begun::default();
        assert!(begun.begins(flow(1)));
        assert!(begun.begins(flow(2)));
        assert!(!begun.begins(flow(1)));
        assert!(!begun.begins(flow(2)));
        for number in (3..).take(2 * BEGUN) {
            assert!(begun.begins(flow(number)));
        }
        assert_eq!((begun.known.len(), begun.order.len()), (BEGUN, BEGUN));
    }

    #[test]
    fn what_follows_a_death_has_a_span_of_its_own() {
        let operation = OperationId(Uuid::from_u64_pair(7, 0x8fc5_3672_6539_5653));
        let spans: HashSet<u64> = (0..3)
            .map(|deaths| {
                let known = Known {
                    connector: ConnectorRef::new("corp-scim", "scim2"),
                    verb: "create",
                    since: Timestamp::UNIX_EPOCH,
                    attempt: None,
                    deaths,
                };
                known.span(operation)
            })
            .chain((1..4).map(|number| span_of(operation, number)))
            .collect();
        assert_eq!(spans.len(), 6);
    }
}
