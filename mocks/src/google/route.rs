//! Which method a request means, and the way that all of them share: token, parameters, body, handler, answer.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value};

use super::error::{self, Error, JSON};
use super::params::Params;
use super::scope::Scopes;
use super::{Google, aliases, batch, customer, etag, groups, members, token, users};
use crate::vendor::{Answer, Change, Kind, Operation, Request, UNSUPPORTED_HEADER};

/// What a handler gets.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    /// The path's keys, decoded, in order.
    pub(super) keys: Vec<String>,
    pub(super) params: Params,
    /// The body's fields; none when there was no JSON object.
    pub(super) body: Map<String, Value>,
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
    /// 204.
    Done,
}

type Handler = fn(&mut Google, &Call<'_>, &mut Vec<Change>) -> Result<Reply, Error>;

/// One method of the API that the mock keeps.
struct Endpoint {
    name: &'static str,
    method: Method,
    /// The path below `/admin/directory/v1`; `{}` is a key, `{*}` the rest.
    path: &'static str,
    kind: Kind,
    scopes: Scopes,
    params: &'static [&'static str],
    handler: Handler,
}

const USER_LIST: &[&str] = &[
    "customFieldMask",
    "customer",
    "domain",
    "event",
    "maxResults",
    "orderBy",
    "pageToken",
    "projection",
    "query",
    "showDeleted",
    "sortOrder",
    "viewType",
];
const GROUP_LIST: &[&str] = &[
    "customer",
    "domain",
    "maxResults",
    "orderBy",
    "pageToken",
    "query",
    "sortOrder",
    "userKey",
];

macro_rules! endpoints {
    ($($name:literal $method:ident $path:literal $kind:ident $scopes:ident $params:expr => $handler:path;)*) => {
        [$(Endpoint {
            name: $name,
            method: Method::$method,
            path: $path,
            kind: Kind::$kind,
            scopes: Scopes::$scopes,
            params: $params,
            handler: $handler,
        }),*]
    };
}

static ENDPOINTS: [Endpoint; 34] = endpoints! {
    "users.insert" POST "users" Write USER &["resolveConflictAccount"] => users::insert;
    "users.list" GET "users" Read USER_READ USER_LIST => users::list;
    "users.get" GET "users/{}" Read USER_GET &["customFieldMask", "projection", "viewType"] => users::get;
    "users.update" PUT "users/{}" Write USER &[] => users::update;
    "users.patch" PATCH "users/{}" Write USER &[] => users::patch;
    "users.delete" DELETE "users/{}" Write USER &[] => users::delete;
    "users.undelete" POST "users/{}/undelete" Write USER &[] => users::undelete;
    "users.makeAdmin" POST "users/{}/makeAdmin" Write USER &[] => users::make_admin;
    "users.signOut" POST "users/{}/signOut" Write SECURITY &[] => users::sign_out;
    "users.aliases.insert" POST "users/{}/aliases" Write ALIAS &[] => aliases::insert_user;
    "users.aliases.list" GET "users/{}/aliases" Read ALIAS_READ &["event"] => aliases::list_user;
    "users.aliases.delete" DELETE "users/{}/aliases/{}" Write ALIAS &[] => aliases::delete_user;
    "groups.insert" POST "groups" Write GROUP &[] => groups::insert;
    "groups.list" GET "groups" Read GROUP_READ GROUP_LIST => groups::list;
    "groups.get" GET "groups/{}" Read GROUP_READ &[] => groups::get;
    "groups.update" PUT "groups/{}" Write GROUP &[] => groups::update;
    "groups.patch" PATCH "groups/{}" Write GROUP &[] => groups::update;
    "groups.delete" DELETE "groups/{}" Write GROUP &[] => groups::delete;
    "groups.aliases.insert" POST "groups/{}/aliases" Write GROUP &[] => aliases::insert_group;
    "groups.aliases.list" GET "groups/{}/aliases" Read GROUP_READ &[] => aliases::list_group;
    "groups.aliases.delete" DELETE "groups/{}/aliases/{}" Write GROUP &[] => aliases::delete_group;
    "members.insert" POST "groups/{}/members" Write MEMBER &[] => members::insert;
    "members.list" GET "groups/{}/members" Read MEMBER_READ &["includeDerivedMembership", "maxResults", "pageToken", "roles"] => members::list;
    "members.get" GET "groups/{}/members/{}" Read MEMBER_READ &[] => members::get;
    "members.update" PUT "groups/{}/members/{}" Write MEMBER &[] => members::update;
    "members.patch" PATCH "groups/{}/members/{}" Write MEMBER &[] => members::update;
    "members.delete" DELETE "groups/{}/members/{}" Write MEMBER &[] => members::delete;
    "members.hasMember" GET "groups/{}/hasMember/{}" Read MEMBER_READ &[] => members::has_member;
    "customers.get" GET "customers/{}" Read CUSTOMER_READ &[] => customer::get;
    "domains.list" GET "customer/{}/domains" Read DOMAIN_READ &[] => customer::domains;
    "domains.get" GET "customer/{}/domains/{}" Read DOMAIN_READ &[] => customer::domain;
    "orgunits.list" GET "customer/{}/orgunits" Read ORGUNIT_READ &["orgUnitPath", "type"] => customer::org_units;
    "orgunits.get" GET "customer/{}/orgunits/{*}" Read ORGUNIT_READ &[] => customer::org_unit;
    "users.watch" POST "users/watch" Read USER_READ USER_LIST => not_kept_watch;
};

/// The methods of the API that the mock does not keep; they answer `501 notImplemented`.
///
/// Source: discovery document, all of `resources` that is not in [`ENDPOINTS`].
const NOT_KEPT: &[(&str, &str, &str)] = &[
    ("asps.delete", "DELETE", "users/{}/asps/{}"),
    ("asps.get", "GET", "users/{}/asps/{}"),
    ("asps.list", "GET", "users/{}/asps"),
    ("chromeosdevices", "*", "customer/{}/devices/chromeos/{*}"),
    (
        "chromeosdevices.list",
        "GET",
        "customer/{}/devices/chromeos",
    ),
    (
        "customer.devices.chromeos.batchChangeStatus",
        "POST",
        "customer/{}/devices/chromeos:batchChangeStatus",
    ),
    (
        "customer.devices.chromeos.countChromeOsDevices",
        "GET",
        "customer/{}/devices/chromeos:countChromeOsDevices",
    ),
    ("customers.patch", "PATCH", "customers/{}"),
    ("customers.update", "PUT", "customers/{}"),
    ("customers.chrome", "*", "customers/{}/chrome/{*}"),
    ("domainAliases", "*", "customer/{}/domainaliases"),
    ("domainAliases", "*", "customer/{}/domainaliases/{}"),
    ("domains.delete", "DELETE", "customer/{}/domains/{}"),
    ("domains.insert", "POST", "customer/{}/domains"),
    ("mobiledevices", "*", "customer/{}/devices/mobile"),
    ("mobiledevices", "*", "customer/{}/devices/mobile/{*}"),
    ("orgunits.insert", "POST", "customer/{}/orgunits"),
    ("orgunits.delete", "DELETE", "customer/{}/orgunits/{*}"),
    ("orgunits.patch", "PATCH", "customer/{}/orgunits/{*}"),
    ("orgunits.update", "PUT", "customer/{}/orgunits/{*}"),
    ("resources", "*", "customer/{}/resources/{*}"),
    ("roleAssignments", "*", "customer/{}/roleassignments"),
    ("roleAssignments", "*", "customer/{}/roleassignments/{}"),
    ("roles", "*", "customer/{}/roles"),
    ("roles", "*", "customer/{}/roles/{*}"),
    ("schemas", "*", "customer/{}/schemas"),
    ("schemas", "*", "customer/{}/schemas/{}"),
    ("tokens.delete", "DELETE", "users/{}/tokens/{}"),
    ("tokens.get", "GET", "users/{}/tokens/{}"),
    ("tokens.list", "GET", "users/{}/tokens"),
    (
        "twoStepVerification.turnOff",
        "POST",
        "users/{}/twoStepVerification/turnOff",
    ),
    ("users.createGuest", "POST", "users:createGuest"),
    ("users.aliases.watch", "POST", "users/{}/aliases/watch"),
    ("users.photos", "*", "users/{}/photos/thumbnail"),
    (
        "verificationCodes.generate",
        "POST",
        "users/{}/verificationCodes/generate",
    ),
    (
        "verificationCodes.invalidate",
        "POST",
        "users/{}/verificationCodes/invalidate",
    ),
    (
        "verificationCodes.list",
        "GET",
        "users/{}/verificationCodes",
    ),
];

fn not_kept_watch(_: &mut Google, _: &Call<'_>, _: &mut Vec<Change>) -> Result<Reply, Error> {
    Err(Error::not_kept("users.watch"))
}

/// Where a request goes.
enum Target {
    Token,
    Batch,
    Kept(&'static Endpoint, Vec<String>),
    NotKept(&'static str),
    Nowhere,
}

fn target(request: &Request) -> Target {
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match parts[..] {
        ["token"] | ["oauth2", "v4", "token"] => return Target::Token,
        ["batch", ..] => return Target::Batch,
        _ => {}
    }
    let Some(["admin", "directory", "v1"]) = parts.get(..3) else {
        return match (&request.method, &parts[..]) {
            (&Method::POST, ["admin", "directory_v1", "channels", "stop"]) => {
                Target::NotKept("channels.stop")
            }
            _ => Target::Nowhere,
        };
    };
    let rest = &segments[3..];
    for endpoint in &ENDPOINTS {
        if endpoint.method == request.method
            && let Some(keys) = keys(endpoint.path, rest)
        {
            return Target::Kept(endpoint, keys);
        }
    }
    NOT_KEPT
        .iter()
        .find(|(_, method, path)| {
            (*method == "*" || *method == request.method.as_str()) && keys(path, rest).is_some()
        })
        .map_or(Target::Nowhere, |(name, _, _)| Target::NotKept(name))
}

/// Matches a path and returns its keys.
fn keys(pattern: &str, segments: &[String]) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = segments.iter();
    for part in pattern.split('/') {
        if part == "{*}" {
            let tail: Vec<&str> = rest.as_slice().iter().map(String::as_str).collect();
            found.push(tail.join("/"));
            return if tail.is_empty() { None } else { Some(found) };
        }
        let segment = rest.next()?;
        if part == "{}" {
            found.push(segment.clone());
        } else if part != segment {
            return None;
        }
    }
    rest.next().is_none().then_some(found)
}

/// Tells what a request is about.
pub(super) fn classify(request: &Request) -> Operation {
    let request = overridden(request);
    match target(&request) {
        Target::Token => Operation {
            name: "token",
            subject: None,
            kind: Kind::Token,
        },
        Target::Batch => Operation {
            name: "batch",
            subject: None,
            kind: Kind::Write,
        },
        Target::Kept(endpoint, keys) => {
            let subject = keys.into_iter().next().or_else(|| named(&request));
            Operation {
                name: endpoint.name,
                subject,
                kind: endpoint.kind,
            }
        }
        Target::NotKept(name) => {
            let kind = if request.method == Method::GET {
                Kind::Read
            } else {
                Kind::Write
            };
            Operation {
                name,
                subject: None,
                kind,
            }
        }
        Target::Nowhere => Operation {
            name: "unknown",
            subject: None,
            kind: Kind::Meta,
        },
    }
}

/// Returns the address that an insert is for.
fn named(request: &Request) -> Option<String> {
    if request.method != Method::POST {
        return request.query_value("userKey");
    }
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    let name = body.get("primaryEmail").or_else(|| body.get("email"))?;
    name.as_str().map(str::to_owned)
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
            Ok(shown(&call, &value, fields.as_ref()))
        }
    }
}

/// Returns the kind of resource that a method answers with.
fn kind_of(name: &str) -> &'static str {
    match name {
        "users.insert" | "users.get" | "users.update" | "users.patch" => "user",
        "users.list" => "users",
        "groups.insert" | "groups.get" | "groups.update" | "groups.patch" => "group",
        "groups.list" => "groups",
        "members.insert" | "members.get" | "members.update" | "members.patch" => "member",
        "members.list" => "members",
        "members.hasMember" => "hasMember",
        "users.aliases.insert" | "groups.aliases.insert" => "alias",
        "users.aliases.list" | "groups.aliases.list" => "aliases",
        _ => "other",
    }
}

fn shown(call: &Call<'_>, value: &Value, fields: Option<&super::fields::Fields>) -> Answer {
    let etag = value.get("etag").and_then(Value::as_str).map(str::to_owned);
    let unchanged = call.request.method == Method::GET
        && match (&etag, call.request.header("if-none-match")) {
            (Some(etag), Some(known)) => etag::names(known, etag),
            _ => false,
        };
    let mut answer = if unchanged {
        Answer::empty(StatusCode::NOT_MODIFIED)
    } else {
        let part = fields.and_then(|fields| fields.apply(value));
        let body = part.as_ref().unwrap_or(value);
        match call.params.wrap(body) {
            Some(script) => Answer::bytes(StatusCode::OK, "text/javascript; charset=UTF-8", script),
            None => Answer::bytes(
                StatusCode::OK,
                JSON,
                error::text(body, call.params.pretty()),
            ),
        }
    };
    if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(&etag).ok()) {
        answer.headers.insert(header::ETAG, etag);
    }
    answer
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
fn body(request: &Request) -> Result<Map<String, Value>, Error> {
    let blank = request.body.iter().all(u8::is_ascii_whitespace);
    if blank || request.method == Method::GET || request.method == Method::DELETE {
        return Ok(Map::new());
    }
    if request
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    {
        return Err(Error::bad_request(
            "This API does not support parsing form-encoded input.",
        ));
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Ok(Map::new()),
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
        meant.body = Bytes::new();
        meant.headers.remove(header::CONTENT_TYPE);
    }
    meant.method = method;
    Cow::Owned(meant)
}
