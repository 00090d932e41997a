//! The port between the shared server and one mocked target.
//!
//! A [`Vendor`] is a state machine over requests: no socket, no clock, no task. That makes it cheap to fork, to
//! snapshot, to drive by a property test and to hold under a virtual clock. Everything that is not the vendor's own
//! word (sockets, gzip, faults, quotas, the request log) lives in the server around it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;

use crate::Body;

/// The request header in which the server tells a vendor how many calls the last 24 hours saw and how many are allowed:
/// `18/5000`. The server sets it when a daily limit is set, and takes away what a client sent under that name.
pub const USAGE_HEADER: HeaderName = HeaderName::from_static("x-mock-api-usage");

/// The answer header with which a vendor names a parameter it does not honour. The server takes it off the answer and
/// writes it to the request log, so that nothing is ignored in silence.
pub const UNSUPPORTED_HEADER: HeaderName = HeaderName::from_static("x-mock-unsupported");

/// One request as the shared server hands it over: decompressed, bounded, with the time attached.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method, as sent.
    pub method: Method,
    /// The path as sent, still percent-encoded, without the query.
    pub path: String,
    /// The query as sent, still encoded, without the `?`; empty when absent.
    pub query: String,
    /// The headers, as sent.
    pub headers: HeaderMap,
    /// The body after `Content-Encoding` was undone. At most the server's body limit.
    pub body: Body,
    /// When the request arrived, by the server's clock.
    pub now: Timestamp,
    /// `http://host:port` under which this server is reached, without a trailing slash.
    pub base_url: String,
}

impl Request {
    /// Returns the decoded query pairs in order (`+` and `%20` are both blanks).
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .into_owned()
            .collect()
    }

    /// Returns the first decoded value of one query parameter.
    pub fn query_value(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// Returns the text that the first of these fields holds that a JSON body has.
    pub(crate) fn body_text(&self, names: &[&str]) -> Option<String> {
        let body = self.body.json().ok()?.as_object()?;
        let found = names.iter().find_map(|name| body.get(*name))?;
        found.as_str().map(str::to_owned)
    }

    /// Returns a header as text, when it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the path's segments, percent-decoded, without empty ones at the ends.
    pub fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| {
                percent_encoding::percent_decode_str(segment)
                    .decode_utf8_lossy()
                    .into_owned()
            })
            .collect()
    }
}

/// What goes back to the client.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers; the server adds `Content-Length`, `Date` and, when asked for, gzip.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

impl Answer {
    /// Answers with a status and nothing else.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// Answers with bytes of one media type.
    pub fn bytes(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    /// Answers with JSON under one media type.
    pub fn json(status: StatusCode, media_type: &'static str, body: &Value) -> Self {
        Self::bytes(status, media_type, body.to_string())
    }

    /// Adds a header; a value that is no legal header value is left out, never split.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// What a request is about, as the fault matcher and the request log name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The vendor's method name: `users.insert`, `User.update`, `Users.patch`, `token`, `unknown`.
    pub name: &'static str,
    /// The user or group it is about, when the request alone tells (path key, or the name in the body).
    pub subject: Option<String>,
    /// What it costs and whether it changes anything.
    pub kind: Kind,
}

/// The coarse kind of an operation; quotas and read lag go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reads state.
    Read,
    /// Changes state.
    Write,
    /// Asks for a token.
    Token,
    /// Discovery or metadata that costs nothing.
    Meta,
}

/// A failure that is armed from outside and must be answered in the vendor's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A plain failure with this status (`500`, `503`, `400` …).
    Status(StatusCode),
    /// The per-user or per-client rate is used up. Google: 403 `userRateLimitExceeded`; SCIM: 429 with `Retry-After`.
    UserRate {
        /// Seconds until a token is there again.
        retry_after_seconds: u64,
    },
    /// Too many concurrent requests of a kind, or too many in all. Google: 403 `quotaExceeded`.
    Concurrency,
    /// The account-wide rate is used up. Google: 429 `rateLimitExceeded`.
    AccountRate {
        /// Seconds until a token is there again.
        retry_after_seconds: u64,
    },
    /// The allocation of the day is used up. Salesforce: 403 `REQUEST_LIMIT_EXCEEDED`.
    DailyLimit,
    /// The token that came is no longer good.
    TokenExpired,
    /// No licence (seat) is left for another account.
    Licences,
}

/// One change of one field of one remote object, as the change feed reports it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Change {
    /// `User` or `Group` (or the vendor's word for another kind of object).
    pub object: &'static str,
    /// The object's immutable id at the target.
    pub id: String,
    /// The name people know it by (primaryEmail, Username, userName, displayName, group address).
    pub name: String,
    /// The field, in the vendor's words; `*` when the whole object came or went.
    pub field: String,
    /// What it held before; absent when it did not exist. Never a password.
    pub before: Option<Value>,
    /// What it holds now; absent when it is gone. Never a password.
    pub after: Option<Value>,
}

/// One remote object for the inspector: what the target holds now.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Object {
    /// `User`, `Group` …
    pub object: &'static str,
    /// The object's immutable id at the target.
    pub id: String,
    /// The name people know it by.
    pub name: String,
    /// The object as the target itself would show it in full. Never a password.
    pub content: Value,
}

/// One mocked target: the state and the vendor's manners.
///
/// Cloning must be cheap (persistent maps or copy on write): forks, snapshots and the read lag are clones.
pub trait Vendor: Clone + Send + Sync + 'static {
    /// The target's name: `google`, `salesforce` or `scim2`.
    const NAME: &'static str;

    /// The path under which clients find it, as `/scim/v2`; empty when the API begins at the root.
    const PATH: &'static str = "";

    /// Returns the path under which clients find it, when that can be changed.
    fn path(&self) -> &str {
        Self::PATH
    }

    /// Tells what a request is about. Must not look at credentials and must not panic on anything.
    fn classify(&self, request: &Request) -> Operation;

    /// Lists every name that [`Vendor::classify`] can give; a fault on another one could never act.
    fn operations() -> Vec<&'static str>;

    /// Answers one request and reports what it changed. Never panics, whatever the bytes.
    fn answer(&mut self, request: &Request, changes: &mut Vec<Change>) -> Answer;

    /// Answers an armed failure in the vendor's own shape and words.
    fn trouble(&self, request: &Request, trouble: Trouble) -> Answer;

    /// Forgets every token that was handed out.
    fn expire_tokens(&mut self);

    /// Limits the number of active accounts; `None` for no limit.
    fn set_licences(&mut self, licences: Option<u64>);

    /// Lets the ids of what is created from here on depend on this seed: with another one the mock stands for another
    /// target, and gives other ids. The same seed and the same requests give the same ids.
    fn number_from(&mut self, seed: u64);

    /// Goes on with the ids where another state of the same target stopped: what was created between then and a reset
    /// is gone, and nothing that comes later may be taken for it.
    fn number_on(&mut self, other: &Self);

    /// Adds the objects of a seed file's `[google]`, `[salesforce]` or `[scim2]` table.
    ///
    /// # Errors
    /// A sentence that names the entry and what is wrong with it; nothing was added then.
    fn seed(&mut self, table: &toml::Table, now: Timestamp) -> Result<(), String>;

    /// Lists what the target holds, in the order of creation, deleted objects left out.
    fn objects(&self) -> Vec<Object>;

    /// Tells on whose behalf a request is made, for rates that are counted by user; by default its credentials.
    fn caller(&self, request: &Request) -> Option<String> {
        request.header("authorization").map(str::to_owned)
    }

    /// Returns the name people know an object by, given its id; a fault on `subject=kim` finds Kim's id with it.
    fn name_of(&self, id: &str) -> Option<String> {
        self.objects()
            .into_iter()
            .find(|object| object.id == id)
            .map(|object| object.name)
    }

    /// Takes over the sessions (tokens, cursors) of a newer state. A read that lags is answered by an older clone, and
    /// lag must not make a good token bad.
    fn adopt_sessions(&mut self, _newer: &Self) {}
}
