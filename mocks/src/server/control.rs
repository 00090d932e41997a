//! The control surface of a mock that runs in another process: HTTP under a reserved path, behind a random bearer.
//!
//! | request | does |
//! |---|---|
//! | `GET /_mock` | name, time, usage, snapshots, counts, the seed of ids and lots |
//! | `GET /_mock/faults` | what is armed, and what could be |
//! | `POST /_mock/faults` `{"spec": "drop-after:…"}` | arms; 201 with its `id` |
//! | `DELETE /_mock/faults`, `DELETE /_mock/faults/{id}` | disarms |
//! | `GET /_mock/log?after=N&wait=10s` | the log above a number; waits for an entry when there is none yet |
//! | `GET /_mock/objects` | what the target holds |
//! | `POST /_mock/reset`, `POST /_mock/tokens/expire` | back to the seed; every token void |
//! | `GET /_mock/snapshots`, `PUT /_mock/snapshots/{name}` | lists; keeps the present state |
//! | `POST /_mock/snapshots/{name}/restore` | goes back |
//! | `GET /_mock/clock`, `POST /_mock/clock` `{"advance": "10s"}` | the time; moves a clock that is moved by hand |

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, StatusCode, header, request::Parts};
use serde_json::{Value, json};

use super::state::Mock;
use crate::{
    Answer, Vendor,
    clock::Clock,
    fault::{Fault, duration},
};

/// The reserved path.
pub const PREFIX: &str = "/_mock";
/// How long a request may wait for the next log entry.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
const JSON: &str = "application/json";

pub(super) fn is_for(path: &str) -> bool {
    path.strip_prefix(PREFIX)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

type Said = Result<(StatusCode, Value), (StatusCode, String)>;

pub(super) async fn answer<V: Vendor>(mock: &Mock<V>, parts: &Parts, body: Bytes) -> Answer {
    let bearer = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let known =
        bearer.and_then(|value| value.strip_prefix("Bearer ")) == Some(mock.control_token());
    if !known {
        let body =
            json!({"error": "the control surface wants the bearer that was printed at the start"});
        return Answer::json(StatusCode::UNAUTHORIZED, JSON, &body)
            .with_header(header::WWW_AUTHENTICATE, "Bearer");
    }
    match dispatch(mock, parts, &body).await {
        Ok((status, body)) => Answer::json(status, JSON, &body),
        Err((status, error)) => Answer::json(status, JSON, &json!({ "error": error })),
    }
}

async fn dispatch<V: Vendor>(mock: &Mock<V>, parts: &Parts, body: &[u8]) -> Said {
    let path = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let decoded = |segment: &str| {
        percent_encoding::percent_decode_str(segment)
            .decode_utf8_lossy()
            .into_owned()
    };
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(decoded)
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ok = |body: Value| Ok((StatusCode::OK, body));
    match (&parts.method, &segments[..]) {
        (&Method::GET, []) => ok(overview(mock)),
        (&Method::GET, ["faults"]) => ok(json!({"armed": mock.armed(), "known": Fault::ALL})),
        (&Method::POST, ["faults"]) => {
            let id = mock
                .arm(&text_field(body, "spec")?)
                .map_err(|error| bad(error.to_string()))?;
            Ok((StatusCode::CREATED, json!({ "id": id })))
        }
        (&Method::DELETE, ["faults"]) => ok(json!({"disarmed": mock.disarm_all()})),
        (&Method::DELETE, ["faults", id]) => {
            let armed = id.parse().ok().and_then(|id| mock.disarm(id));
            let armed = armed.ok_or_else(|| missing(format!("no fault is armed under {id:?}")))?;
            ok(json!({ "disarmed": armed }))
        }
        (&Method::GET, ["log"]) => ok(log(mock, parts.uri.query().unwrap_or_default()).await?),
        (&Method::GET, ["objects"]) => ok(json!({"objects": mock.objects()})),
        (&Method::POST, ["reset"]) => {
            mock.reset();
            ok(overview(mock))
        }
        (&Method::POST, ["tokens", "expire"]) => {
            mock.expire_tokens();
            ok(overview(mock))
        }
        (&Method::GET, ["snapshots"]) => ok(json!({"snapshots": mock.snapshots()})),
        (&Method::PUT, ["snapshots", name]) => {
            mock.snapshot(*name);
            ok(json!({"snapshots": mock.snapshots()}))
        }
        (&Method::POST, ["snapshots", name, "restore"]) => {
            mock.restore(name)
                .map_err(|error| missing(error.to_string()))?;
            ok(overview(mock))
        }
        (&Method::GET, ["clock"]) => ok(time(&**mock.clock())),
        (&Method::POST, ["clock"]) => {
            let by = duration(&text_field(body, "advance")?).map_err(bad)?;
            if !mock.clock().advance(by) {
                return Err((
                    StatusCode::CONFLICT,
                    "this mock goes by the system's clock".to_owned(),
                ));
            }
            ok(time(&**mock.clock()))
        }
        (method, _) => Err(missing(format!(
            "the control surface knows no {method} {}",
            parts.uri.path()
        ))),
    }
}

fn overview<V: Vendor>(mock: &Mock<V>) -> Value {
    let usage = mock
        .usage()
        .map(|(used, limit)| json!({"used": used, "limit": limit}));
    json!({
        "mock": V::NAME,
        "now": mock.clock().now(),
        "objects": mock.objects().len(),
        "requests": mock.log().last().map_or(0, |entry| entry.number),
        "armed": mock.armed().len(),
        "usage": usage,
        "snapshots": mock.snapshots(),
        "random_seed": mock.random_seed(),
    })
}

fn time(clock: &dyn Clock) -> Value {
    json!({"now": clock.now(), "by_hand": clock.is_moved_by_hand()})
}

async fn log<V: Vendor>(mock: &Mock<V>, query: &str) -> Result<Value, (StatusCode, String)> {
    let (mut after, mut wait) = (0, Duration::ZERO);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "after" => after = value.parse().map_err(|_| bad("`after` wants a number"))?,
            "wait" => wait = duration(&value).map_err(bad)?.min(LONGEST_WAIT),
            other => return Err(bad(format!("the log knows no parameter `{other}`"))),
        }
    }
    let mut feed = mock.subscribe(); // before the look, so that nothing falls between
    let mut entries = mock.log_after(after);
    if entries.is_empty() && !wait.is_zero() {
        // Waiting is between the two processes; a clock that stands still must not hold it up.
        let _ = tokio::time::timeout(wait, feed.next()).await;
        entries = mock.log_after(after);
    }
    let entries: Vec<_> = entries.iter().map(Arc::as_ref).collect();
    Ok(json!({ "entries": entries }))
}

fn text_field(body: &[u8], name: &str) -> Result<String, (StatusCode, String)> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| bad(format!("the body is no JSON: {error}")))?;
    let text = body.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| bad(format!("the body wants `{{\"{name}\": \"…\"}}`")))
}

fn bad(reason: impl Into<String>) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, reason.into())
}

fn missing(reason: String) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, reason)
}
