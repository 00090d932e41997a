//! A vendor small enough to see through: things with a name, for the tests of the server around it.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use imbl::OrdMap;
use jiff::Timestamp;
use outbound_mocks::{
    Answer, Change, Kind, Object, Operation, Request, Trouble, UNSUPPORTED_HEADER, USAGE_HEADER,
    Vendor,
};
use serde_json::{Value, json};

/// Things by number; a bearer by number of the session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Toy {
    things: OrdMap<u64, Arc<str>>,
    last: u64,
    session: u64,
    sessions: u64,
    licences: Option<u64>,
}

impl Toy {
    fn change(id: u64, before: Option<&str>, after: Option<&str>) -> Change {
        Change {
            object: "Thing",
            id: id.to_string(),
            name: after.or(before).unwrap_or_default().to_owned(),
            field: "name".to_owned(),
            before: before.map(Value::from),
            after: after.map(Value::from),
        }
    }
}

impl Vendor for Toy {
    const NAME: &'static str = "toy";
    const PATH: &'static str = "/v1";

    fn classify(&self, request: &Request) -> Operation {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (name, subject, kind) = match (&request.method, &segments[..]) {
            (&Method::POST, ["token"]) => ("token", None, Kind::Token),
            (&Method::GET, ["v1", "meta"]) => ("meta", None, Kind::Meta),
            (&Method::GET, ["v1", "things"]) => ("things.list", None, Kind::Read),
            (&Method::POST, ["v1", "things"]) => (
                "things.insert",
                String::from_utf8(request.body.to_vec()).ok(),
                Kind::Write,
            ),
            (&Method::GET, ["v1", "things", id]) => {
                ("things.get", Some((*id).to_owned()), Kind::Read)
            }
            (&Method::PUT, ["v1", "things", id]) => {
                ("things.update", Some((*id).to_owned()), Kind::Write)
            }
            _ => ("unknown", None, Kind::Read),
        };
        Operation {
            name,
            subject,
            kind,
        }
    }

    fn operations() -> Vec<&'static str> {
        [
            "token",
            "meta",
            "things.list",
            "things.insert",
            "things.get",
            "things.update",
            "unknown",
        ]
        .to_vec()
    }

    fn answer(&mut self, request: &Request, changes: &mut Vec<Change>) -> Answer {
        let operation = self.classify(request);
        let thing = operation
            .subject
            .as_ref()
            .and_then(|id| id.parse::<u64>().ok());
        let text = |status, body: String| Answer::bytes(status, "text/plain", body);
        if operation.kind != Kind::Token
            && request.header("authorization").is_some_and(|sent| {
                sent.strip_prefix("Bearer ")
                    .and_then(|session| session.parse().ok())
                    .is_none_or(|session: u64| session <= self.session || session > self.sessions)
            })
        {
            return Answer::empty(StatusCode::UNAUTHORIZED);
        }
        match operation.name {
            "token" => {
                self.sessions += 1;
                text(StatusCode::OK, self.sessions.to_string())
            }
            "meta" => Answer::json(
                StatusCode::OK,
                "application/json",
                &json!({
                    "base_url": request.base_url,
                    "now": request.now,
                    "usage": request.header(USAGE_HEADER.as_str()),
                }),
            ),
            "things.list" => {
                let answer = text(
                    StatusCode::OK,
                    self.things
                        .values()
                        .flat_map(|name| {
                            [
                                &**name, "
",
                            ]
                        })
                        .collect(),
                );
                if request.query.contains("sort") {
                    answer.with_header(UNSUPPORTED_HEADER, "parameter sort")
                } else {
                    answer
                }
            }
            "things.insert" => {
                if self
                    .licences
                    .is_some_and(|seats| self.things.len() as u64 >= seats)
                {
                    return self.trouble(request, Trouble::Licences);
                }
                self.last += 1;
                let name: Arc<str> = String::from_utf8_lossy(&request.body).into();
                changes.push(Self::change(self.last, None, Some(&name)));
                self.things.insert(self.last, name);
                text(StatusCode::CREATED, self.last.to_string()).with_header(
                    header::LOCATION,
                    &format!("{}/v1/things/{}", request.base_url, self.last),
                )
            }
            "things.get" => match thing.and_then(|id| self.things.get(&id)) {
                Some(name) => text(StatusCode::OK, name.to_string()),
                None => Answer::empty(StatusCode::NOT_FOUND),
            },
            "things.update" => {
                match thing.and_then(|id| self.things.get(&id).cloned().map(|name| (id, name))) {
                    Some((id, before)) => {
                        let after: Arc<str> = String::from_utf8_lossy(&request.body).into();
                        changes.push(Self::change(id, Some(&before), Some(&after)));
                        self.things.insert(id, after);
                        Answer::empty(StatusCode::NO_CONTENT)
                    }
                    None => Answer::empty(StatusCode::NOT_FOUND),
                }
            }
            _ => Answer::empty(StatusCode::NOT_FOUND),
        }
    }

    fn trouble(&self, _request: &Request, trouble: Trouble) -> Answer {
        let (status, words, wait) = match trouble {
            Trouble::Status(status) => (status, "failed", None),
            Trouble::UserRate {
                retry_after_seconds,
            } => (
                StatusCode::TOO_MANY_REQUESTS,
                "user rate",
                Some(retry_after_seconds),
            ),
            Trouble::AccountRate {
                retry_after_seconds,
            } => (
                StatusCode::TOO_MANY_REQUESTS,
                "account rate",
                Some(retry_after_seconds),
            ),
            Trouble::Concurrency => (StatusCode::FORBIDDEN, "concurrency", None),
            Trouble::DailyLimit => (StatusCode::FORBIDDEN, "daily limit", None),
            Trouble::TokenExpired => (StatusCode::UNAUTHORIZED, "expired", None),
            Trouble::Licences => (StatusCode::BAD_REQUEST, "licences", None),
        };
        let mut answer = Answer::bytes(status, "text/plain", words);
        if let Some(seconds) = wait {
            answer.headers.insert(
                HeaderName::from_static("retry-after"),
                HeaderValue::from(seconds),
            );
        }
        answer
    }

    fn expire_tokens(&mut self) {
        self.session = self.sessions;
    }

    fn set_licences(&mut self, licences: Option<u64>) {
        self.licences = licences;
    }

    fn number_from(&mut self, _seed: u64) {} // a toy has the same numbers in every run

    fn number_on(&mut self, other: &Self) {
        self.last = self.last.max(other.last);
    }

    fn seed(&mut self, table: &toml::Table, _now: Timestamp) -> Result<(), String> {
        let things = table
            .get("things")
            .and_then(toml::Value::as_array)
            .ok_or("`things` is missing")?;
        for thing in things {
            self.last += 1;
            self.things
                .insert(self.last, thing.as_str().ok_or("a thing is a text")?.into());
        }
        Ok(())
    }

    fn objects(&self) -> Vec<Object> {
        let object = |(id, name): (&u64, &Arc<str>)| Object {
            object: "Thing",
            id: id.to_string(),
            name: name.to_string(),
            content: Value::from(&**name),
        };
        self.things.iter().map(object).collect()
    }

    fn adopt_sessions(&mut self, newer: &Self) {
        self.session = newer.session;
        self.sessions = newer.sessions;
    }
}
