//! The way that all methods share: token, parameters, body, handler, answer.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::{self, Error, JSON};
use super::fields::Fields;
use super::methods::{self, Endpoint, Target, kind_of, target};
use super::params::Params;
use super::scope::Scopes;
use super::shapes::{Projection, User};
use super::{Google, batch, etag, token};
use crate::{
    Body,
    vendor::{Answer, Change, Operation, Request, UNSUPPORTED_HEADER},
};

/// What a handler gets.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    /// The path's keys, decoded, in order.
    pub(super) keys: Vec<String>,
    pub(super) params: Params,
    /// The body's fields; none when there was no JSON object.
    pub(super) body: &'a Map<String, Value>,
    /// The user on whose behalf the call is made.
    pub(super) caller: u64,
}

impl Call<'_> {
    /// Returns one of the path's keys; the route made sure that it is there.
    pub(super) fn key(&self, place: usize) -> &str {
        self.keys.get(place).map_or("", String::as_str)
    }

    /// Checks `If-Match` against the version that is there now.
    ///
    /// # Errors
    /// `conditionNotMet` when another version is asked for.
    pub(super) fn if_match(&self, now: &str) -> Result<(), Error> {
        match self.request.header("if-match") {
            Some(wanted) if !etag::names(wanted, now) => Err(Error::stale()),
            _ => Ok(()),
        }
    }
}

/// What a handler gives.
pub(super) enum Reply {
    /// 200 and a resource of this kind (a name that [`super::fields`] knows).
    Shown(&'static str, Value),
    /// 200 and a user, as much of it as the projection says.
    User(Arc<User>, Projection),
    /// 204.
    Done,
}

/// Tells what a request is about.
pub(super) fn classify(request: &Request) -> Operation {
    methods::classify(&overridden(request))
}

/// Answers one request.
pub(super) fn answer(google: &mut Google, request: &Request, changes: &mut Vec<Change>) -> Answer {
    let request = overridden(request);
    match target(&request) {
        Target::Token => token::answer(&google.store, &mut google.tokens, &request),
        Target::Batch => batch::answer(google, &request, changes),
        Target::Nowhere => {
            let what = format!("{} {}", request.method, request.path);
            error::lost(&request.path).with_header(UNSUPPORTED_HEADER, &what)
        }
        Target::NotKept(name) => {
            let params = Params::of(&request);
            let error = authenticate(google, &request, &params, name)
                .err()
                .unwrap_or(Error::not_kept(name));
            error.answer(params.pretty(), params.newer_errors())
        }
        Target::Kept(endpoint, keys) => {
            let params = Params::of(&request);
            let (pretty, newer) = (params.pretty(), params.newer_errors());
            match call(google, &request, endpoint, keys, params, changes) {
                Ok(answer) => answer,
                Err(error) => error.answer(pretty, newer),
            }
        }
    }
}

fn call(
    google: &mut Google,
    request: &Request,
    endpoint: &Endpoint,
    keys: Vec<String>,
    params: Params,
    changes: &mut Vec<Change>,
) -> Result<Answer, Error> {
    let (subject, scopes) = authenticate(google, request, &params, endpoint.name)?;
    if !scopes.meets(endpoint.scopes) {
        return Err(Error::scope(endpoint.name));
    }
    let caller = authorize(google, subject, endpoint, &params)?;
    params.check(endpoint.params)?;
    let body = body(request)?;
    let call = Call {
        request,
        keys,
        params,
        body,
        caller,
    };
    // The selection is checked before anything is written: a refused request must not have changed a thing.
    let fields = call.params.fields(kind_of(endpoint.name))?;
    match (endpoint.handler)(google, &call, changes)? {
        Reply::Done => Ok(Answer::empty(StatusCode::NO_CONTENT)),
        Reply::Shown(kind, value) => {
            debug_assert_eq!(kind, kind_of(endpoint.name), "the table of kinds is wrong");
            let etag = value.get("etag").and_then(Value::as_str).map(str::to_owned);
            Ok(shown(&call, &value, etag.as_deref(), fields.as_ref()))
        }
        Reply::User(user, projection) => {
            debug_assert_eq!(
                kind_of(endpoint.name),
                "user",
                "the table of kinds is wrong"
            );
            let view = user.view(&google.tenant, &projection);
            Ok(shown(&call, &view, Some(&user.etag()), fields.as_ref()))
        }
    }
}

fn shown(
    call: &Call<'_>,
    whole: &impl Serialize,
    etag: Option<&str>,
    fields: Option<&Fields>,
) -> Answer {
    let unchanged = call.request.method == Method::GET
        && match (etag, call.request.header("if-none-match")) {
            (Some(etag), Some(known)) => etag::names(known, etag),
            _ => false,
        };
    let mut answer = if unchanged {
        Answer::empty(StatusCode::NOT_MODIFIED)
    } else if fields.is_some() || call.params.get("callback").is_some() {
        selected(call, whole, fields)
    } else {
        let text = error::text(whole, call.params.pretty());
        Answer::bytes(StatusCode::OK, JSON, text)
    };
    if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
        answer.headers.insert(header::ETAG, etag);
    }
    answer
}

/// Shows the fields that were asked for, perhaps as a call of a function.
fn selected(call: &Call<'_>, whole: &impl Serialize, fields: Option<&Fields>) -> Answer {
    let whole = serde_json::to_value(whole).expect("what is shown has text keys only");
    let part = fields.and_then(|fields| fields.apply(&whole));
    let body = part.as_ref().unwrap_or(&whole);
    match call.params.wrap(body) {
        Some(script) => Answer::bytes(StatusCode::OK, "text/javascript; charset=UTF-8", script),
        None => Answer::bytes(
            StatusCode::OK,
            JSON,
            error::text(body, call.params.pretty()),
        ),
    }
}

/// Names the user on whose behalf a request comes, if it carries a token that is good.
pub(super) fn caller(google: &Google, request: &Request) -> Option<String> {
    let (subject, _) = authenticate(google, request, &Params::of(request), "").ok()?;
    Some(google.store.user(subject?)?.primary.to_string())
}

/// Finds out on whose behalf a request comes and what it may touch.
fn authenticate(
    google: &Google,
    request: &Request,
    params: &Params,
    method: &str,
) -> Result<(Option<u64>, Scopes), Error> {
    let header = request.header("authorization").and_then(|text| {
        let (scheme, token) = text.trim().split_once(' ')?;
        // `OAuth` is the older word that some libraries still send.
        (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth"))
            .then(|| token.trim())
    });
    let in_query = params
        .get("access_token")
        .or_else(|| params.get("oauth_token"));
    let Some(text) = header.or(in_query) else {
        let other = request.headers.contains_key(header::AUTHORIZATION);
        return Err(if other {
            Error::bad_token()
        } else {
            Error::no_token(method)
        });
    };
    let token = google
        .tokens
        .find(text, request.now)
        .ok_or_else(Error::bad_token)?;
    Ok((token.subject, token.scopes))
}

/// Checks that the user acted for is an administrator, or asks for what every colleague may see.
fn authorize(
    google: &Google,
    subject: Option<u64>,
    endpoint: &Endpoint,
    params: &Params,
) -> Result<u64, Error> {
    let user = subject
        .and_then(|key| google.store.user(key))
        .ok_or_else(Error::forbidden)?;
    let public = matches!(endpoint.name, "users.get" | "users.list")
        && params.get("viewType") == Some("domain_public");
    // "Delegated administrators … cannot create or undelete users, or make users administrators"
    // (discovery document, User.isDelegatedAdmin).
    let super_only = matches!(
        endpoint.name,
        "users.insert" | "users.undelete" | "users.makeAdmin"
    );
    let may = user.admin || (user.delegated_admin && !super_only) || public;
    if may && user.suspended.is_none() {
        Ok(user.key)
    } else {
        Err(Error::forbidden())
    }
}

/// Reads the body as a JSON object.
///
/// A JSON text that is no object counts as empty (googleapis/google-api-python-client#581: a body encoded twice is
/// answered as one without names).
fn body(request: &Request) -> Result<&Map<String, Value>, Error> {
    static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    let blank = request.body.iter().all(u8::is_ascii_whitespace);
    if blank || request.method == Method::GET || request.method == Method::DELETE {
        return Ok(&NOTHING);
    }
    if request
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    {
        return Err(Error::bad_request(
            "This API does not support parsing form-encoded input.",
        ));
    }
    match request.body.json() {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Ok(&NOTHING),
        Err(_) => Err(Error::new(400, "parseError", "Parse Error")),
    }
}

/// Undoes `X-HTTP-Method-Override`: the Python client sends a GET with a long query as a POST of a form.
fn overridden(request: &Request) -> Cow<'_, Request> {
    let wanted = (request.method == Method::POST)
        .then(|| request.header("x-http-method-override"))
        .flatten()
        .and_then(|name| Method::from_bytes(name.trim().to_ascii_uppercase().as_bytes()).ok());
    let Some(method) = wanted.filter(|method| *method != Method::POST) else {
        return Cow::Borrowed(request);
    };
    let mut meant = request.clone();
    let form = request
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if form {
        let query = String::from_utf8_lossy(&request.body);
        meant.query = if meant.query.is_empty() {
            query.into_owned()
        } else {
            format!("{}&{query}", meant.query)
        };
        meant.body = Body::default();
        meant.headers.remove(header::CONTENT_TYPE);
    }
    meant.method = method;
    Cow::Owned(meant)
}
