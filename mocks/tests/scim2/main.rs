//! The SCIM 2.0 mock, asked through the vendor port: no socket, no clock.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "a literal reads better without a sign before it"
)]

mod bulk;
mod credentials;
mod crud;
mod discovery;
mod filters;
mod followers;
mod http;
mod lists;
mod patching;
mod personalities;
mod properties;
mod providers;
mod samples;
mod seeds;

use bytes::Bytes;
use http_types::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use outbound_mocks::{
    Change, Request, Vendor,
    scim2::{Personality, Scim2},
};
use serde_json::{Value, json};

use ::http as http_types;

const BASE: &str = "http://mock.test";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A client at a mock; every request is a second later than the one before.
struct Desk {
    scim: Scim2,
    now: Timestamp,
    headers: Vec<(&'static str, String)>,
}

/// What came back.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
    changes: Vec<Change>,
}

impl Desk {
    fn new() -> Self {
        Self::with(Scim2::default())
    }

    fn personality(name: &str) -> Self {
        Self::with(Scim2::new(Personality::named(name).unwrap()))
    }

    fn with(scim: Scim2) -> Self {
        let token = format!("Bearer {}", scim.credentials().bearer_token);
        let headers = vec![
            ("authorization", token),
            ("accept", "application/scim+json".to_owned()),
            ("user-agent", "desk".to_owned()),
        ];
        Self {
            scim,
            now: "2026-11-22T01:02:03.456Z".parse().unwrap(),
            headers,
        }
    }

    fn header(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(&mut self, name: &str) -> &mut Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    fn request(&self, method: &str, target: &str, body: impl Into<Bytes>) -> Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = if path == "/token" || path.starts_with("/scim") {
            path.to_owned()
        } else {
            format!("/scim/v2{path}")
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        Request {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            path,
            query: query.to_owned(),
            headers,
            body: body.into().into(),
            now: self.now,
            base_url: BASE.to_owned(),
        }
    }

    fn send(&mut self, method: &str, target: &str, body: impl Into<Bytes>) -> Reply {
        self.now += SignedDuration::from_secs(1);
        let request = self.request(method, target, body);
        let mut changes = Vec::new();
        let answer = self.scim.answer(&request, &mut changes);
        let body = if answer.body.is_empty() {
            Value::Null
        } else {
            assert_eq!(
                answer.headers.get("content-type").unwrap(),
                if target == "/token" {
                    "application/json"
                } else {
                    "application/scim+json"
                }
            );
            serde_json::from_slice(&answer.body).unwrap()
        };
        Reply {
            status: answer.status.as_u16(),
            headers: answer.headers,
            body,
            changes,
        }
    }

    fn get(&mut self, target: &str) -> Reply {
        self.send("GET", target, "")
    }

    fn post(&mut self, target: &str, body: &Value) -> Reply {
        self.send("POST", target, body.to_string())
    }

    fn put(&mut self, target: &str, body: &Value) -> Reply {
        self.send("PUT", target, body.to_string())
    }

    fn delete(&mut self, target: &str) -> Reply {
        self.send("DELETE", target, "")
    }

    /// Patches with a list of operations.
    fn patch(&mut self, target: &str, operations: &Value) -> Reply {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        self.send("PATCH", target, body.to_string())
    }

    fn filter(&mut self, endpoint: &str, filter: &str) -> Reply {
        self.get(&format!("{endpoint}?filter={}", encoded(filter)))
    }

    /// Creates a user and returns its id.
    fn user(&mut self, name: &str) -> String {
        self.user_with(name, json!({}))
    }

    fn user_with(&mut self, name: &str, more: Value) -> String {
        let mut body = json!({"schemas": [USER], "userName": name});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let reply = self.post("/Users", &body);
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.id()
    }

    /// Creates a group and returns its id.
    fn group(&mut self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let reply = self.post(
            "/Groups",
            &json!({"schemas": [GROUP], "displayName": name, "members": members}),
        );
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.id()
    }

    /// Returns the userNames, or displayNames, that a filter finds.
    fn names(&mut self, endpoint: &str, filter: &str) -> Vec<String> {
        let reply = self.filter(endpoint, filter);
        assert_eq!(reply.status, 200, "{filter}: {}", reply.body);
        reply.names()
    }
}

impl Reply {
    fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    fn names(&self) -> Vec<String> {
        let name = |it: &Value| {
            it["userName"]
                .as_str()
                .or(it["displayName"].as_str())
                .unwrap()
                .to_owned()
        };
        self.body["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(name)
            .collect()
    }

    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// Expects a failure in the RFC's form.
    #[track_caller]
    fn refused(self, status: u16, scim_type: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(
            self.body["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
        );
        assert_eq!(
            self.body["status"],
            json!(StatusCode::from_u16(status).unwrap().as_str())
        );
        assert_eq!(
            self.body["scimType"].as_str().unwrap_or_default(),
            scim_type,
            "{}",
            self.body
        );
        assert!(self.body["detail"].is_string());
        assert!(self.changes.is_empty());
        self
    }

    /// Returns the changes as `field: before -> after`.
    fn told(&self) -> Vec<String> {
        let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        self.changes
            .iter()
            .map(|it| {
                format!(
                    "{} {} {}: {} -> {}",
                    it.object,
                    it.name,
                    it.field,
                    text(&it.before),
                    text(&it.after)
                )
            })
            .collect()
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
