//! The REST API's front door: versions, sessions, the count of calls, and which resource a path names.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{
    Salesforce,
    dml::Actor,
    error::{self, Outcome, Problem},
    input::object_of,
};
use crate::{
    Body,
    vendor::{Answer, Change, Request, UNSUPPORTED_HEADER},
};

/// The newest version that is listed. The ones up to [`NEWEST_SERVED`] are served as well.
const NEWEST_LISTED: u16 = 68;
const OLDEST: u16 = 20;
const NEWEST_SERVED: u16 = 70;

/// The query parameters that something looks at. The vendor passes over the others; the request log names them.
const PARAMETERS: [&str; 10] = [
    "_HttpMethod",
    "allOrNone",
    "columns",
    "end",
    "explain",
    "fields",
    "ids",
    "q",
    "start",
    "updateOnly",
];

/// One call of the API: a request, or a part of a composite one.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// The decoded segments behind the version.
    pub(crate) path: Cow<'a, [String]>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Cow<'a, HeaderMap>,
    pub(crate) body: Cow<'a, Body>,
    pub(crate) version: u16,
    pub(crate) actor: Actor,
    pub(crate) base_url: Cow<'a, str>,
}

impl Call<'_> {
    /// Returns the first value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the body as text, for a complaint that names a place in it.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// Returns the body, which must be one JSON object.
    pub(crate) fn object(&self) -> Outcome<&Map<String, Value>> {
        object_of(&self.body)
    }

    /// Returns `/services/data/vXX.0`.
    pub(crate) fn root(&self) -> String {
        format!("/services/data/v{}.0", self.version)
    }

    /// Refuses other methods than these.
    pub(crate) fn allow(&self, methods: &[Method]) -> Outcome<()> {
        if methods.contains(&self.method) {
            return Ok(());
        }
        let allowed = methods
            .iter()
            .map(Method::as_str)
            .collect::<Vec<_>>()
            .join(",");
        let message = format!(
            "HTTP Method '{}' not allowed. Allowed are {allowed}",
            self.method
        );
        Err(Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            message,
        )
        .into())
    }
}

/// Reads `v59.0` as 59.
pub(crate) fn version_of(segment: &str) -> Option<u16> {
    let number = segment.strip_prefix('v')?.strip_suffix(".0")?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit()) && number.len() == 2;
    let version = plain.then(|| number.parse().ok())??;
    (OLDEST..=NEWEST_SERVED)
        .contains(&version)
        .then_some(version)
}

/// `GET /services/data/`, which needs no session.
pub(crate) fn versions() -> Value {
    let seasons = ["Winter", "Spring", "Summer"];
    let list = (OLDEST..=NEWEST_LISTED).map(|version| {
        let (season, year) = (
            seasons[usize::from((version - OLDEST) % 3)],
            11 + (version - OLDEST) / 3,
        );
        json!({
            "label": format!("{season} '{year}"),
            "url": format!("/services/data/v{version}.0"),
            "version": format!("{version}.0"),
        })
    });
    list.collect()
}

impl Salesforce {
    /// Answers everything below `/services/data`.
    pub(crate) fn rest(
        &mut self,
        request: &Request,
        segments: &[String],
        changes: &mut Vec<Change>,
    ) -> Answer {
        let Some((version, path)) = segments.split_first() else {
            let known = matches!(request.method, Method::GET | Method::HEAD);
            return if known {
                error::ok(StatusCode::OK, &versions())
            } else {
                error::answer(&[Problem::not_found()])
            };
        };
        let Some(version) = version_of(version) else {
            return error::answer(&[Problem::not_found()]);
        };
        let session = match self.session(request) {
            Ok(session) => session,
            Err(problem) => return error::answer(&[problem]),
        };
        let now = request.now.as_millisecond();
        let actor = Actor {
            user: session.user,
            now,
        };
        let mut answer = if self
            .limits
            .count(now, request.header(crate::vendor::USAGE_HEADER.as_str()))
        {
            let call = call(request, version, path, actor);
            error::settle(call.and_then(|call| self.resource(&call, changes)))
        } else {
            error::answer(&[daily_limit()])
        };
        let ignored = ignored_parameters(request);
        if !ignored.is_empty() {
            answer = answer.with_header(UNSUPPORTED_HEADER, &ignored);
        }
        answer.with_header(
            HeaderName::from_static("sforce-limit-info"),
            &self.limits.header(),
        )
    }

    /// Answers one call; composite requests come back here for each of their parts.
    pub(crate) fn resource(&mut self, call: &Call, changes: &mut Vec<Change>) -> Outcome<Answer> {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        match path[..] {
            [] => call.allow(&[Method::GET]).map(|()| self.resources(call)),
            ["limits"] => call
                .allow(&[Method::GET])
                .map(|()| error::ok(StatusCode::OK, &self.limits.to_json())),
            ["sobjects", ..] => self.sobjects(call, &path[1..], changes),
            ["query" | "queryAll"] => self.query(call),
            ["query" | "queryAll", locator] => self.query_more(call, locator),
            ["composite", ..] => self.composite_resource(call, &path[1..], changes),
            ["recent"] => call
                .allow(&[Method::GET])
                .map(|()| error::ok(StatusCode::OK, &json!([]))),
            ["search", ..] | ["parameterizedSearch"] => {
                Err(Problem::not_offered("SOSL search").into())
            }
            [
                "tooling" | "jobs" | "analytics" | "chatter" | "connect" | "ui-api" | "actions"
                | "process" | "metadata" | "support" | "wave" | "commerce" | "graphql" | "appMenu"
                | "tabs" | "theme" | "quickActions" | "event",
                ..,
            ] => Err(Problem::not_offered(&format!("The resource {}", path[0])).into()),
            _ => Err(Problem::not_found().into()),
        }
    }

    fn resources(&self, call: &Call) -> Answer {
        let root = call.root();
        let mut body = json!({});
        for name in [
            "limits",
            "sobjects",
            "query",
            "queryAll",
            "composite",
            "recent",
        ] {
            body[name] = json!(format!("{root}/{name}"));
        }
        body["identity"] = json!(self.identity_url(&call.base_url, call.actor.user));
        error::ok(StatusCode::OK, &body)
    }
}

/// Names the query parameters that nothing looks at.
fn ignored_parameters(request: &Request) -> String {
    if request.query.is_empty() {
        return String::new();
    }
    let pairs = request.query_pairs();
    let ignored: Vec<String> = pairs
        .iter()
        .filter(|(name, _)| !PARAMETERS.contains(&name.as_str()))
        .map(|(name, _)| format!("parameter {name}"))
        .collect();
    ignored.join(", ")
}

/// The refusal when the allocation of the day is used up.
pub(crate) fn daily_limit() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "REQUEST_LIMIT_EXCEEDED",
        "TotalRequests Limit exceeded.",
    )
}

fn call<'a>(
    request: &'a Request,
    version: u16,
    path: &'a [String],
    actor: Actor,
) -> Outcome<Call<'a>> {
    let query = request.query_pairs();
    // `POST …?_HttpMethod=PATCH`, for clients that cannot say PATCH.
    let other = query
        .iter()
        .find(|(name, _)| name == "_HttpMethod")
        .and_then(|(_, verb)| verb.parse().ok());
    let method = match (&request.method, other) {
        (&Method::POST, Some(other)) => other,
        (&Method::HEAD, _) => Method::GET,
        (method, _) => method.clone(),
    };
    let media = request.header("content-type").map(|media| {
        media
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    });
    if let Some(media) =
        media.filter(|media| !request.body.is_empty() && media != "application/json")
    {
        let message =
            format!("Content-Type header specified in HTTP request is not supported: {media}");
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            message,
        )
        .into());
    }
    if request
        .header(header::ACCEPT.as_str())
        .is_some_and(|accept| accept.trim() == "application/xml")
    {
        return Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "NOT_ACCEPTABLE",
            "This mock answers application/json only",
        )
        .into());
    }
    std::str::from_utf8(&request.body).map_err(|_| {
        Problem::bad(
            "JSON_PARSER_ERROR",
            "Invalid UTF-8 in the request at [line:1, column:1]",
        )
    })?;
    Ok(Call {
        method,
        path: path.into(),
        query,
        headers: Cow::Borrowed(&request.headers),
        body: Cow::Borrowed(&request.body),
        version,
        actor,
        base_url: request.base_url.as_str().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_read_and_nothing_else() {
        for version in 20..=70 {
            assert_eq!(version_of(&format!("v{version}.0")), Some(version));
        }
        for text in [
            "v19.0", "v71.0", "59.0", "v59", "v59.1", "V59.0", "v+9.0", "v059.0", "", "v", "vv.0",
        ] {
            assert_eq!(version_of(text), None, "{text}");
        }
    }

    #[test]
    fn versions_carry_the_names_of_their_releases() {
        let list = versions();
        assert_eq!(
            list[1],
            json!({"label": "Spring '11", "url": "/services/data/v21.0", "version": "21.0"})
        );
        assert_eq!(list[39]["label"], "Winter '24");
        assert_eq!(list[39]["version"], "59.0");
    }
}
