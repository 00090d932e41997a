//! What the Directory API says when it refuses: one envelope, many reasons.
//!
//! Texts and reasons follow `spec/targets.md` 1.5; those the table lacks are named where they are raised.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    sheet,
    vendor::{Answer, UNSUPPORTED_HEADER},
};

/// The media type of every JSON answer of the API.
pub(super) const JSON: &str = "application/json; charset=UTF-8";

const CONSOLE: &str = "See https://developers.google.com/identity/sign-in/web/devconsole-project.";

/// A refusal, before it is written down in one of the two envelopes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Error(Box<Told>);

#[derive(Debug, Clone, PartialEq)]
struct Told {
    status: StatusCode,
    reason: &'static str,
    domain: &'static str,
    message: String,
    /// The text inside `errors[]` where it differs from the outer one.
    short: Option<&'static str>,
    location: Option<(&'static str, String)>,
    /// The canonical code that answers of the newer front end carry beside the reason.
    canonical: Option<&'static str>,
    details: Option<Value>,
    challenge: Option<&'static str>,
    /// What the request log is told: a parameter or method that the mock does not honour.
    unsupported: Option<String>,
}

impl Error {
    pub(super) fn new(status: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Told {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            reason,
            domain: "global",
            message: message.into(),
            short: None,
            location: None,
            canonical: None,
            details: None,
            challenge: None,
            unsupported: None,
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Told)) -> Self {
        change(&mut self.0);
        self
    }

    fn at(self, kind: &'static str, name: &str) -> Self {
        self.with(|told| told.location = Some((kind, name.to_owned())))
    }

    /// A value in the body that is not good.
    pub(super) fn invalid(what: &str) -> Self {
        Self::new(400, "invalid", format!("Invalid Input: {what}"))
    }

    /// A field of the body that is not there.
    pub(super) fn required(what: &str) -> Self {
        Self::new(400, "required", format!("Missing required field: {what}"))
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "badRequest", message)
    }

    /// A query parameter that is not good.
    pub(super) fn parameter(name: &str, message: impl Into<String>) -> Self {
        Self::new(400, "invalidParameter", message).at("parameter", name)
    }

    /// An `alt` other than `json`: this API has no media, and the mock writes no protocol buffers.
    pub(super) fn unsupported_alt() -> Self {
        Self::new(400, "unsupportedOutputFormat", "Unsupported Output Format.")
            .at("parameter", "alt")
    }

    /// A query parameter that this method does not know.
    ///
    /// The newer front end refuses it; the older one, until 2018, ignored it
    /// (googleapis/google-api-nodejs-client#693).
    pub(super) fn unknown_parameter(name: &str) -> Self {
        let message = format!(
            "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. \
             Field '{name}' could not be found in request message."
        );
        let details = json!([{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{ "description": message }],
        }]);
        Self::new(400, "badRequest", message).with(|told| {
            told.canonical = Some("INVALID_ARGUMENT");
            told.details = Some(details);
            told.unsupported = Some(name.to_owned());
        })
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(404, "notFound", format!("Resource Not Found: {what}"))
    }

    pub(super) fn domain_not_found() -> Self {
        Self::new(404, "notFound", "Domain not found.")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(
            403,
            "forbidden",
            "Not Authorized to access this resource/api",
        )
    }

    pub(super) fn duplicate() -> Self {
        Self::new(409, "duplicate", "Entity already exists.")
    }

    pub(super) fn condition(message: &str) -> Self {
        Self::new(412, "conditionNotMet", message)
    }

    /// An `If-Match` that names another version.
    pub(super) fn stale() -> Self {
        Self::condition("Precondition Failed").at("header", "If-Match")
    }

    /// No seat is left (seen as `412 limitExceeded`, "Domain user limit reached.").
    pub(super) fn no_licence() -> Self {
        Self::new(412, "limitExceeded", "Domain user limit reached.")
    }

    /// A token that never was, or is no longer, good.
    pub(super) fn bad_token() -> Self {
        let message = format!(
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie \
             or other valid authentication credential. {CONSOLE}"
        );
        Self::new(401, "authError", message)
            .at("header", "Authorization")
            .with(|told| {
                told.short = Some("Invalid Credentials");
                told.canonical = Some("UNAUTHENTICATED");
                told.challenge =
                    Some("Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"");
            })
    }

    /// No token at all.
    pub(super) fn no_token(method: &str) -> Self {
        let message = format!(
            "Request is missing required authentication credential. Expected OAuth 2 access token, login \
             cookie or other valid authentication credential. {CONSOLE}"
        );
        Self::new(401, "required", message)
            .at("header", "Authorization")
            .with(|told| {
                told.short = Some("Login Required.");
                told.canonical = Some("UNAUTHENTICATED");
                told.details = Some(error_info("CREDENTIALS_MISSING", method));
                told.challenge = Some("Bearer realm=\"https://accounts.google.com/\"");
            })
    }

    /// A token without any of the scopes that a method accepts.
    pub(super) fn scope(method: &str) -> Self {
        let message = "Request had insufficient authentication scopes.";
        Self::new(403, "insufficientPermissions", message).with(|told| {
            told.short = Some("Insufficient Permission");
            told.canonical = Some("PERMISSION_DENIED");
            told.details = Some(error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", method));
            told.challenge =
                Some("Bearer realm=\"https://accounts.google.com/\", error=\"insufficient_scope\"");
        })
    }

    /// One of the quota errors; their domain is `usageLimits`.
    pub(super) fn quota(status: u16, reason: &'static str, message: &str) -> Self {
        Self::new(status, reason, message).with(|told| told.domain = "usageLimits")
    }

    /// A method of the API that this mock does not keep.
    pub(super) fn not_kept(name: &str) -> Self {
        let message =
            format!("Operation is not implemented, or supported, or enabled: directory.{name}");
        Self::new(501, "notImplemented", message).with(|told| {
            told.canonical = Some("UNIMPLEMENTED");
            told.unsupported = Some(format!("directory.{name}"));
        })
    }

    /// Returns the text, for those who have no use for the envelope.
    pub(super) fn told(self) -> String {
        self.0.message
    }

    /// Writes the envelope. `$.xgafv=2` leaves the list of reasons out and names the canonical code instead.
    pub(super) fn body(&self, newer: bool) -> Value {
        let told = &self.0;
        let mut error = Map::new();
        error.insert("code".into(), told.status.as_u16().into());
        error.insert("message".into(), told.message.clone().into());
        if !newer {
            let mut one = Map::new();
            one.insert("message".into(), told.short.unwrap_or(&told.message).into());
            one.insert("domain".into(), told.domain.into());
            one.insert("reason".into(), told.reason.into());
            if let Some((kind, name)) = &told.location {
                one.insert("location".into(), name.clone().into());
                one.insert("locationType".into(), (*kind).into());
            }
            error.insert("errors".into(), Value::Array(vec![one.into()]));
        }
        if newer || told.canonical.is_some() {
            error.insert(
                "status".into(),
                told.canonical.unwrap_or(canonical(told.status)).into(),
            );
        }
        if let Some(details) = &told.details {
            error.insert("details".into(), details.clone());
        }
        json!({ "error": error })
    }

    /// Writes the refusal as an answer.
    pub(super) fn answer(&self, pretty: bool, newer: bool) -> Answer {
        let mut answer = Answer::bytes(self.0.status, JSON, text(&self.body(newer), pretty));
        if let Some(challenge) = self.0.challenge {
            answer.headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            );
        }
        match &self.0.unsupported {
            Some(what) => answer.with_header(UNSUPPORTED_HEADER, what),
            None => answer,
        }
    }
}

/// Writes JSON as the API does: indented by two unless asked not to, with a line end.
pub(super) fn text(body: &impl Serialize, pretty: bool) -> Bytes {
    sheet::written(|pen| {
        if pretty {
            serde_json::to_writer_pretty(&mut *pen, body)?;
        } else {
            serde_json::to_writer(&mut *pen, body)?;
        }
        pen.push(b'\n');
        Ok(())
    })
}

/// The page that Google's front end shows for a path or a method that nothing listens to.
pub(super) fn lost(path: &str) -> Answer {
    let shown: String = path
        .chars()
        .take(1024)
        .flat_map(|letter| match letter {
            '&' => "&amp;".chars().collect::<Vec<_>>(),
            '<' => "&lt;".chars().collect(),
            '>' => "&gt;".chars().collect(),
            '"' => "&quot;".chars().collect(),
            letter if letter.is_control() => vec![' '],
            letter => vec![letter],
        })
        .collect();
    let page = format!(
        "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 404 (Not Found)!!1</title>\n  \
         <p><b>404.</b> <ins>That\u{2019}s an error.</ins>\n  <p>The requested URL <code>{shown}</code> was not \
         found on this server.  <ins>That\u{2019}s all we know.</ins>\n"
    );
    Answer::bytes(StatusCode::NOT_FOUND, "text/html; charset=UTF-8", page)
}

fn error_info(reason: &str, method: &str) -> Value {
    json!([{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": { "service": "admin.googleapis.com", "method": internal_name(method) },
    }])
}

/// `users.list` is `ccc.hosted.frontend.directory.v1.DirectoryUsers.List` inside Google, and shows as that.
fn internal_name(method: &str) -> String {
    let (resource, verb) = method.rsplit_once('.').unwrap_or(("", method));
    let upper = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_ascii_uppercase().to_string() + letters.as_str()
        })
    };
    let resource: String = resource.split('.').map(upper).collect();
    format!(
        "ccc.hosted.frontend.directory.v1.Directory{resource}.{}",
        upper(verb)
    )
}

/// Returns the canonical code that belongs to a status (google.rpc.Code).
fn canonical(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ALREADY_EXISTS",
        412 => "FAILED_PRECONDITION",
        429 => "RESOURCE_EXHAUSTED",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}
