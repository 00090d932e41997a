//! Asks the mock without a socket.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use outbound_mocks::{Answer, Change, Request, Vendor, salesforce::Salesforce};
use serde_json::{Value, json};

/// Where the mock believes to be.
pub(crate) const BASE: &str = "http://127.0.0.1:9102";

/// An organization, a clock that is moved by hand, and what the last request changed.
pub(crate) struct Org {
    pub(crate) vendor: Salesforce,
    pub(crate) now: Timestamp,
    pub(crate) token: String,
    pub(crate) changes: Vec<Change>,
    pub(crate) last: Answer,
}

impl Org {
    /// A new organization with nobody logged in.
    pub(crate) fn locked() -> Self {
        Self {
            vendor: Salesforce::default(),
            now: "2026-11-22T10:00:00Z".parse().unwrap(),
            token: String::new(),
            changes: Vec::new(),
            last: Answer::empty(http::StatusCode::OK),
        }
    }

    /// A new organization with its administrator logged in.
    pub(crate) fn open() -> Self {
        let mut org = Self::locked();
        let (key, secret) = (
            org.credential("consumer_key"),
            org.credential("consumer_secret"),
        );
        let (status, body) = org.form(
            "/services/oauth2/token",
            &[
                ("grant_type", "client_credentials"),
                ("client_id", &key),
                ("client_secret", &secret),
            ],
        );
        assert_eq!(status, 200, "{body}");
        body["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut org.token);
        org
    }

    pub(crate) fn credential(&self, name: &str) -> String {
        self.vendor.credentials(BASE)[name]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The request as the server would hand it over.
    pub(crate) fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut map = HeaderMap::new();
        if !self.token.is_empty() {
            map.insert(
                "authorization",
                HeaderValue::from_str(&format!("Bearer {}", self.token)).unwrap(),
            );
        }
        for (name, value) in headers {
            map.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        Request {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: map,
            body: body.to_vec().into(),
            now: self.now,
            base_url: BASE.to_owned(),
        }
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, Value) {
        let request = self.request(method, target, headers, body);
        self.changes.clear();
        self.last = self.vendor.answer(&request, &mut self.changes);
        let body = serde_json::from_slice(&self.last.body)
            .unwrap_or_else(|_| json!(String::from_utf8_lossy(&self.last.body)));
        (self.last.status.as_u16(), body)
    }

    /// Sends JSON to a path below `/services/data/v59.0`.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let headers: &[(&str, &str)] = if body.is_null() {
            &[]
        } else {
            &[("content-type", "application/json")]
        };
        self.send(
            method,
            &format!("/services/data/v59.0{path}"),
            headers,
            text.as_bytes(),
        )
    }

    pub(crate) fn get(&mut self, path: &str) -> (u16, Value) {
        self.call("GET", path, &Value::Null)
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> (u16, Value) {
        self.call("POST", path, body)
    }

    pub(crate) fn patch(&mut self, path: &str, body: &Value) -> (u16, Value) {
        self.call("PATCH", path, body)
    }

    /// Asks a query that must be understood.
    pub(crate) fn soql(&mut self, query: &str) -> Value {
        let (status, body) = self.ask(query);
        assert_eq!(status, 200, "{query}: {body}");
        body
    }

    pub(crate) fn ask(&mut self, query: &str) -> (u16, Value) {
        let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        self.get(&format!("/query?q={encoded}"))
    }

    pub(crate) fn form(&mut self, path: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.send(
            "POST",
            path,
            &[("content-type", "application/x-www-form-urlencoded")],
            body.as_bytes(),
        )
    }

    /// The id of a profile.
    pub(crate) fn profile(&mut self, name: &str) -> String {
        let found = self.soql(&format!("SELECT Id FROM Profile WHERE Name = '{name}'"));
        found["records"][0]["Id"].as_str().unwrap().to_owned()
    }

    /// A user with everything that is required.
    pub(crate) fn person(&mut self, name: &str) -> Value {
        let profile = self.profile("Standard User");
        json!({
            "Username": format!("{name}@acme.example"),
            "LastName": name,
            "Email": format!("{name}@acme.example"),
            "Alias": name.chars().take(8).collect::<String>(),
            "TimeZoneSidKey": "Europe/Berlin",
            "LocaleSidKey": "en_US",
            "EmailEncodingKey": "UTF-8",
            "LanguageLocaleKey": "en_US",
            "ProfileId": profile,
        })
    }

    /// Creates a user and returns the id.
    pub(crate) fn hire(&mut self, name: &str) -> String {
        let person = self.person(name);
        let (status, body) = self.post("/sobjects/User", &person);
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// The code of the first error.
    pub(crate) fn code(body: &Value) -> &str {
        body[0]["errorCode"]
            .as_str()
            .unwrap_or_else(|| panic!("no error in {body}"))
    }
}
