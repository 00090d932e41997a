//! An account with a token in hand, and short words for what tests do with it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use outbound_mocks::google::Google;
use outbound_mocks::{Answer, Change, Request, Vendor};
use serde_json::{Value, json};

pub(crate) const BASE: &str = "http://127.0.0.1:9101";
pub(crate) const ADMIN: &str = "admin@acme.example";
const SCOPE: &str = "https://www.googleapis.com/auth/admin.directory.";
const ALL: [&str; 8] = [
    "user",
    "user.security",
    "group",
    "group.member",
    "orgunit",
    "customer.readonly",
    "domain.readonly",
    "userschema",
];

/// A mock, the time, and a token with every scope that the mock keeps.
#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) google: Google,
    pub(crate) now: Timestamp,
    pub(crate) token: String,
    pub(crate) changes: Vec<Change>,
}

/// An answer with its body read as JSON.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Told {
    fn of(answer: Answer) -> Self {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self {
            status: answer.status,
            headers: answer.headers,
            body,
            text,
        }
    }

    /// Returns the body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.body
    }

    /// Returns the access token of a success.
    #[track_caller]
    pub(crate) fn token(self) -> String {
        self.ok()["access_token"].as_str().unwrap().into()
    }

    /// Checks a refusal by status, reason and message, and the whole shape around them.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, reason: &str, message: &str) -> Value {
        let error = &self.body["error"];
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(error["code"], status, "{self:?}");
        assert_eq!(error["errors"][0]["reason"], reason, "{self:?}");
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{self:?}"
        );
        assert!(
            error["errors"][0]["message"].is_string() && error["errors"][0]["domain"].is_string(),
            "{self:?}"
        );
        assert_eq!(
            self.headers["content-type"],
            "application/json; charset=UTF-8"
        );
        self.body
    }
}

impl Lab {
    /// Returns an account that was opened and logged in to once for all tests: signing is what takes long.
    pub(crate) fn new() -> Self {
        static FIRST: LazyLock<Lab> = LazyLock::new(|| {
            let now = "2026-11-22T10:00:00Z".parse().unwrap();
            let mut lab = Lab {
                google: Google::default(),
                now,
                token: String::new(),
                changes: Vec::new(),
            };
            lab.log_in();
            lab
        });
        FIRST.clone()
    }

    /// Fetches a fresh token for the administrator.
    pub(crate) fn log_in(&mut self) {
        let told = self.exchange(&self.claims(ADMIN, &ALL));
        self.token = told.token();
    }

    /// Returns the claims that Google's libraries sign.
    pub(crate) fn claims(&self, subject: &str, scopes: &[&str]) -> Value {
        let scopes: Vec<String> = scopes
            .iter()
            .map(|scope| format!("{SCOPE}{scope}"))
            .collect();
        let now = self.now.as_second();
        json!({
            "iss": "outbound@outbound-mock.iam.gserviceaccount.com",
            "sub": subject,
            "scope": scopes.join(" "),
            "aud": "https://oauth2.googleapis.com/token",
            "iat": now,
            "exp": now + 3600,
        })
    }

    /// Signs claims with the mock's key and exchanges them for a token.
    pub(crate) fn exchange(&mut self, claims: &Value) -> Told {
        let assertion = sign(&self.google, claims);
        self.form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", &assertion),
        ])
    }

    /// Posts a form to the token endpoint.
    pub(crate) fn form(&mut self, fields: &[(&str, &str)]) -> Told {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut request = self.request("POST", "/token", body.as_bytes());
        request.headers.clear();
        request.headers.insert(
            "content-type",
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        self.send(&request)
    }

    /// Builds a request below no prefix; the query may hang on the path.
    pub(crate) fn request(&self, method: &str, path: &str, body: &[u8]) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut headers = HeaderMap::new();
        headers.insert(
            "authorization",
            HeaderValue::from_str(&format!("Bearer {}", self.token)).unwrap(),
        );
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        Request {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: body.to_vec().into(),
            now: self.now,
            base_url: BASE.to_owned(),
        }
    }

    pub(crate) fn send(&mut self, request: &Request) -> Told {
        self.changes.clear();
        Told::of(self.google.answer(request, &mut self.changes))
    }

    /// Calls a method of the API, below `/admin/directory/v1/`.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: &Value) -> Told {
        self.call_with(method, path, body, &[])
    }

    pub(crate) fn call_with(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Told {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut request = self.request(
            method,
            &format!("/admin/directory/v1/{path}"),
            text.as_bytes(),
        );
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request
                .headers
                .insert(name, HeaderValue::from_str(value).unwrap());
        }
        self.send(&request)
    }

    pub(crate) fn get(&mut self, path: &str) -> Told {
        self.call("GET", path, &Value::Null)
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Told {
        self.call("POST", path, body)
    }

    pub(crate) fn put(&mut self, path: &str, body: &Value) -> Told {
        self.call("PUT", path, body)
    }

    pub(crate) fn patch(&mut self, path: &str, body: &Value) -> Told {
        self.call("PATCH", path, body)
    }

    pub(crate) fn delete(&mut self, path: &str) -> Told {
        self.call("DELETE", path, &Value::Null)
    }

    /// Creates a user and returns what the API shows of it.
    #[track_caller]
    pub(crate) fn user(&mut self, name: &str) -> Value {
        self.post("users", &person(name)).ok()
    }

    /// Creates a group.
    #[track_caller]
    pub(crate) fn group(&mut self, name: &str) -> Value {
        self.post("groups", &json!({ "email": address(name) })).ok()
    }

    pub(crate) fn later(&mut self, hours: i64) {
        self.now += SignedDuration::from_hours(hours);
    }

    /// Returns what was reported of the last request, field to (before, after).
    pub(crate) fn told(&self) -> BTreeMap<&str, (Option<&Value>, Option<&Value>)> {
        self.changes
            .iter()
            .map(|change| {
                (
                    change.field.as_str(),
                    (change.before.as_ref(), change.after.as_ref()),
                )
            })
            .collect()
    }
}

pub(crate) fn sign(google: &Google, claims: &Value) -> String {
    let key = google.service_account_json(BASE);
    let key = EncodingKey::from_rsa_pem(key["private_key"].as_str().unwrap().as_bytes()).unwrap();
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, &key).unwrap()
}

pub(crate) fn address(name: &str) -> String {
    format!("{name}@acme.example")
}

pub(crate) fn person(name: &str) -> Value {
    json!({
        "primaryEmail": address(name),
        "password": "correct horse",
        "name": { "givenName": name, "familyName": "Lee" },
    })
}
