//! The one place that builds HTTP clients, and sends one request within its bounds.
//!
//! TLS is always verified; a connector's own authorities are added to the system's. Redirects are followed for reads to
//! the same origin only. Bodies are bounded after decompression, and the whole of a request, its body included, is
//! bounded in time. A name of another machine never leads into this one. Proxies of the environment are not used: `workbench.toml` says whom we speak to, and nobody else
//! hears of it.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::{
    Body, Clock, Exchange, ExchangeId, Failure, FailureKind, OperationId, Purpose, Remedy,
    Response, Secret, Tap,
};
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use reqwest::{Method, redirect};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::classify::{self, Replay};
use super::json;
use super::resolve::Resolver;
use super::tap::Redaction;
use super::veil::{Hidden, Veil};

/// The largest body that is read, decompressed, in bytes.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// So many redirects in a row are followed.
const HOPS: usize = 4;

/// Words of a target longer than this are cut before they are quoted.
const QUOTED: usize = 600;

/// The bounds of one connector's requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The longest that one request may take, body included.
    pub(crate) request: Duration,
    /// The longest that connecting may take.
    pub(crate) connect: Duration,
    /// How many connections are kept open while idle.
    pub(crate) idle: usize,
}

/// A request's content.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    /// Its media type.
    pub(crate) content_type: Cow<'static, str>,
    /// Its bytes.
    pub(crate) bytes: Bytes,
}

/// One request.
#[derive(Clone)]
pub(crate) struct Call {
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// The method.
    pub(crate) method: Method,
    /// The address.
    pub(crate) url: Url,
    /// What kind of answer is asked for.
    pub(crate) accept: &'static str,
    /// Further headers; credentials come as these.
    pub(crate) headers: HeaderMap,
    /// The content.
    pub(crate) payload: Option<Payload>,
    /// Whether it may be sent again without looking.
    pub(crate) replay: Replay,
    /// The operation that it belongs to, sent for correlation.
    pub(crate) operation: Option<OperationId>,
    /// Secrets in it that are nobody else's: a user's password.
    pub(crate) hidden: Vec<Secret>,
}

impl Call {
    /// Makes a request without content that may be sent again.
    pub(crate) fn new(purpose: Purpose, method: Method, url: Url) -> Self {
        Self {
            purpose,
            method,
            url,
            accept: "application/json",
            headers: HeaderMap::new(),
            payload: None,
            replay: Replay::Safe,
            operation: None,
            hidden: Vec::new(),
        }
    }

    /// Makes a read.
    pub(crate) fn get(purpose: Purpose, url: Url) -> Self {
        Self::new(purpose, Method::GET, url)
    }

    /// Adds JSON content.
    pub(crate) fn json(mut self, content_type: &'static str, content: &Value) -> Self {
        self.payload = Some(Payload {
            content_type: content_type.into(),
            // A value has nothing that could not be written.
            bytes: serde_json::to_vec(content)
                .map_or_else(|_| content.to_string().into(), Bytes::from),
        });
        self
    }

    /// Adds form content.
    pub(crate) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let text = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.payload = Some(Payload {
            content_type: "application/x-www-form-urlencoded".into(),
            bytes: Bytes::from(text),
        });
        self
    }
}

/// What came back.
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body; of a refusal whose body could not be read, as much as came.
    pub(crate) body: Bytes,
    replay: Replay,
}

impl Answer {
    /// Makes an answer for a test.
    #[cfg(test)]
    pub(crate) fn sample(status: u16, content: &Value) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::from(content.to_string()),
            replay: Replay::Safe,
        }
    }

    /// Tells whether the target says that it was done.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the body as JSON. The content type is not asked: some servers write JSON and call it text.
    ///
    /// # Errors
    /// `Garbled` when it is none, or would take too much memory.
    pub(crate) fn json(&self) -> Result<Value, Failure> {
        json::parse(&self.body).map_err(|told| classify::garbled(self.status, told, self.replay))
    }

    /// Returns some fields of the body, which is JSON; nothing is built of the others.
    ///
    /// # Errors
    /// `Garbled` when it is none.
    pub(crate) fn fields(&self, names: &[&str]) -> Result<Value, Failure> {
        json::pick(&self.body, names)
            .map_err(|told| classify::garbled(self.status, told, self.replay))
    }

    /// Returns the body as JSON when it is some.
    pub(crate) fn maybe_json(&self) -> Option<Value> {
        json::parse(&self.body).ok()
    }

    /// Returns the beginning of the body as text, to be quoted where the target has no words of a known form.
    pub(crate) fn excerpt(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let text = text.trim();
        if text.is_empty() {
            return "no explanation".to_owned();
        }
        let short = &text[..text.floor_char_boundary(200)];
        domain::visible(short).into_owned()
    }
}

/// Sends requests on behalf of one connector.
pub(crate) struct Http {
    client: reqwest::Client,
    agent: HeaderValue,
    clock: Arc<dyn Clock>,
    veil: Veil,
    secret_header: Option<HeaderName>,
}

/// Installs the TLS provider (ring) for the process, unless one is installed.
pub fn install_crypto() {
    // An error means that somebody was first, which is just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Http {
    /// Builds a client.
    ///
    /// # Errors
    /// A sentence about the setting that cannot be used.
    pub(crate) fn new(
        limits: Limits,
        user_agent: &str,
        ca_file: Option<&Path>,
        secret_header: Option<HeaderName>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        install_crypto();
        let agent = HeaderValue::from_str(user_agent)
            .map_err(|_| format!("`{user_agent}` cannot be sent as a User-Agent"))?;
        let builder = || {
            reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .dns_resolver(Resolver)
                .timeout(limits.request)
                .connect_timeout(limits.connect)
                .pool_max_idle_per_host(limits.idle)
        };
        let client = match ca_file {
            Some(path) => builder().tls_certs_merge(authorities(path)?).build(),
            // A machine without any authority must still reach its loopback; over TLS it then trusts nobody.
            None => builder()
                .build()
                .or_else(|_| builder().tls_certs_only([]).build()),
        };
        let client = client.map_err(|error| format!("no HTTP client can be made: {error}"))?;
        Ok(Self {
            client,
            agent,
            clock,
            veil: Veil::default(),
            secret_header,
        })
    }

    /// Returns the clock.
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Returns what must not be seen.
    pub(crate) fn veil(&self) -> &Veil {
        &self.veil
    }

    /// Sends a request and returns the answer, whatever its status; each hop passes the tap.
    ///
    /// # Errors
    /// No answer came, a success could not be read, or a redirect leads away.
    pub(crate) async fn send(&self, call: &Call, tap: &dyn Tap) -> Result<Answer, Failure> {
        let mut url = call.url.clone();
        for _ in 0..=HOPS {
            let answer = self.once(call, &url, tap).await?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            url = self.next_hop(call, &url, &answer)?;
        }
        Err(self.redirected(call, &url, "redirects in a circle"))
    }

    fn next_hop(&self, call: &Call, from: &Url, answer: &Answer) -> Result<Url, Failure> {
        let to = answer
            .headers
            .get(LOCATION)
            .and_then(|location| location.to_str().ok())
            .and_then(|location| from.join(location).ok());
        let Some(to) = to else {
            return Err(self.redirected(call, from, "redirects without saying where to"));
        };
        if call.method != Method::GET {
            return Err(self.redirected(call, &to, "redirects a write to"));
        }
        if to.origin() != from.origin() {
            return Err(self.redirected(call, &to, "redirects to another host:"));
        }
        Ok(to)
    }

    fn redirected(&self, call: &Call, to: &Url, what: &str) -> Failure {
        let to = self.redaction(call).url(to);
        classify::failure(
            FailureKind::Redirected,
            Remedy::GiveUp,
            format!("the target {what} {to}"),
            "Write the address that is meant into the settings; other hosts are not followed.",
        )
    }

    fn redaction<'a>(&'a self, call: &'a Call) -> Redaction<'a> {
        Redaction {
            veil: &self.veil,
            more: Hidden::of(&call.hidden),
            header: self.secret_header.as_ref(),
            purpose: call.purpose,
        }
    }

    async fn once(&self, call: &Call, url: &Url, tap: &dyn Tap) -> Result<Answer, Failure> {
        let mut request = self
            .client
            .request(call.method.clone(), url.clone())
            .header(USER_AGENT, self.agent.clone())
            .header(ACCEPT, HeaderValue::from_static(call.accept))
            .headers(call.headers.clone());
        if let Some(payload) = &call.payload {
            request = request
                .header(CONTENT_TYPE, &*payload.content_type)
                .body(payload.bytes.clone());
        }
        if let Some(operation) = call.operation {
            request = request.header("x-request-id", operation.to_string());
        }
        if let Some(traceparent) = tap.traceparent() {
            request = request.header("traceparent", traceparent);
        }
        let request = request
            .build()
            .map_err(|error| classify::no_answer(&error, call.replay))?;

        let redaction = self.redaction(call);
        let mut exchange = self.exchange(call, &request, &redaction);
        tap.started(&exchange);
        let began = self.clock.monotonic();
        let outcome = self.carry(call, request, &mut exchange, &redaction).await;
        exchange.took = self.clock.monotonic().saturating_sub(began);
        let outcome = outcome.map_err(|failure| self.quotable(call, failure));
        if let Err(failure) = &outcome {
            exchange.error = Some(failure.told.clone());
        }
        tap.finished(exchange);
        outcome
    }

    async fn carry(
        &self,
        call: &Call,
        request: reqwest::Request,
        exchange: &mut Exchange,
        redaction: &Redaction<'_>,
    ) -> Result<Answer, Failure> {
        let mut response = self
            .client
            .execute(request)
            .await
            .map_err(|error| classify::no_answer(&error, call.replay))?;
        let status = response.status().as_u16();
        let (bytes, received, trouble) = read(&mut response).await;
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        exchange.response = Some(Response {
            status,
            headers: redaction.headers(response.headers()),
            body: redaction.body(content_type, &bytes, received),
        });
        match trouble {
            // A refusal is a refusal, however badly it is worded.
            Some(told) if status >= 400 => {
                exchange.error = Some(told.clone());
            }
            Some(told) => return Err(classify::garbled(status, told, call.replay)),
            None => {}
        }
        Ok(Answer {
            status,
            headers: std::mem::take(response.headers_mut()),
            body: bytes,
            replay: call.replay,
        })
    }

    fn exchange(
        &self,
        call: &Call,
        request: &reqwest::Request,
        redaction: &Redaction<'_>,
    ) -> Exchange {
        let now = self.clock.now();
        let request_body = call.payload.as_ref().map_or_else(Body::default, |payload| {
            redaction.body(
                &payload.content_type,
                &payload.bytes,
                payload.bytes.len() as u64,
            )
        });
        Exchange {
            id: exchange_id(now),
            purpose: call.purpose,
            at: now,
            method: call.method.as_str().to_owned(),
            url: redaction.url(request.url()),
            request_headers: redaction.headers(request.headers()),
            request_body,
            response: None,
            error: None,
            took: Duration::ZERO,
        }
    }

    /// Returns a failure whose words hold no secret, no control character and no novel.
    pub(crate) fn quotable(&self, call: &Call, mut failure: Failure) -> Failure {
        let told = self.redaction(call).text(failure.told.as_str());
        let told = domain::visible(&told);
        failure.told = match told.char_indices().nth(QUOTED) {
            Some((at, _)) => format!("{}…", &told[..at]),
            None => told.into_owned(),
        };
        failure
    }
}

/// Reads a body up to the limit; returns it with the size received and what was wrong with it.
async fn read(response: &mut reqwest::Response) -> (Bytes, u64, Option<String>) {
    let announced = response.content_length().unwrap_or_default();
    if announced > LARGEST_BODY as u64 {
        return (Bytes::new(), announced, Some(too_large()));
    }
    // Most bodies come in one piece, which is not copied.
    let mut first = Bytes::new();
    let mut body = BytesMut::new();
    let trouble = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if first.is_empty() && chunk.len() <= LARGEST_BODY => {
                first = chunk;
                continue;
            }
            Ok(Some(chunk)) => {
                if body.is_empty() {
                    body.extend_from_slice(&first);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(None) => break None,
            Err(error) if error.is_timeout() => {
                break Some("the body did not come within the request timeout".to_owned());
            }
            Err(error) if error.is_decode() => {
                break Some("the body cannot be decompressed".to_owned());
            }
            Err(_) => break Some("the connection ended before the body did".to_owned()),
        }
        if body.len() > LARGEST_BODY {
            body.truncate(LARGEST_BODY);
            break Some(too_large());
        }
    };
    let body = if body.is_empty() {
        first
    } else {
        body.freeze()
    };
    let received = body.len() as u64;
    (body, received, trouble)
}

fn too_large() -> String {
    format!("the body is larger than {} MiB", LARGEST_BODY / 1024 / 1024)
}

fn exchange_id(now: jiff::Timestamp) -> ExchangeId {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    ExchangeId(Uuid::new_v7(uuid::Timestamp::from_unix(
        uuid::NoContext,
        seconds,
        nanos,
    )))
}

fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, String> {
    let shown = path.display();
    let pem = std::fs::read(path).map_err(|error| format!("ca_file {shown}: {error}"))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem)
        .map_err(|error| format!("ca_file {shown} holds no PEM certificates: {error}"))?;
    if found.is_empty() {
        return Err(format!("ca_file {shown} holds no PEM certificate"));
    }
    Ok(found)
}
