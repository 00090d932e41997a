//! What each mock is asked: how to log in, to make the nth user, to get one by id and to find one.

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

use super::{BenchError, wrong};
use crate::{Request, Server, Vendor, google::Google, salesforce::Salesforce, scim2::Scim2};

/// What a client knows after its login.
pub(super) struct Session {
    pub(super) authorization: String,
    /// The profile that a Salesforce user needs.
    pub(super) profile: String,
}

/// What a filter goes by, and the path of the request that finds the nth user.
pub(super) type Search = (&'static str, fn(usize) -> String);

/// The work of one vendor.
pub(super) trait Work: Vendor {
    /// The filters that are measured: what they go by, and the request for the nth user.
    const FILTERS: &'static [Search];

    /// Lifts what a vendor limits by itself.
    fn without_limits(self) -> Self {
        self
    }

    /// Logs in.
    async fn enter(server: &Server<Self>) -> Result<Session, BenchError>;

    /// Returns path and body that make the nth user.
    fn create(session: &Session, n: usize) -> (&'static str, Value);

    /// Returns the path of one user.
    fn get(id: &str) -> String;

    /// Tells whether an answer to a filter holds exactly one user.
    fn found_one(body: &[u8]) -> bool;
}

fn count(body: &[u8], key: &str) -> Option<usize> {
    let body: Value = serde_json::from_slice(body).ok()?;
    Some(body.get(key)?.as_array()?.len())
}

/// Makes a POST that needs no socket.
pub(super) fn posted<V: Vendor>(
    server: &Server<V>,
    authorization: &str,
    path: &str,
    body: &Value,
) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Ok(value) = HeaderValue::from_str(authorization) {
        headers.insert(header::AUTHORIZATION, value);
    }
    Request {
        method: Method::POST,
        path: path.to_owned(),
        query: String::new(),
        headers,
        body: body.to_string().into(),
        now: server.clock().now(),
        base_url: server.base_url(),
    }
}

impl Work for Google {
    const FILTERS: &'static [Search] = &[
        ("email", |n| {
            format!(
                "/admin/directory/v1/users?customer=my_customer&query=email%3Duser{n}@acme.example"
            )
        }),
        ("externalId", |n| {
            format!(
                "/admin/directory/v1/users?customer=my_customer&query=externalId%3Demployee-{n}"
            )
        }),
    ];

    async fn enter(server: &Server<Self>) -> Result<Session, BenchError> {
        Ok(Session {
            authorization: server.authorization().await?,
            profile: String::new(),
        })
    }

    fn create(_session: &Session, n: usize) -> (&'static str, Value) {
        let body = json!({
            "primaryEmail": format!("user{n}@acme.example"),
            "password": "correct horse battery",
            "name": {"givenName": "Ada", "familyName": format!("User {n}")},
            "externalIds": [{"type": "organization", "value": format!("employee-{n}")}],
        });
        ("/admin/directory/v1/users", body)
    }

    fn get(id: &str) -> String {
        format!("/admin/directory/v1/users/{id}")
    }

    fn found_one(body: &[u8]) -> bool {
        count(body, "users") == Some(1)
    }
}

impl Work for Salesforce {
    const FILTERS: &'static [Search] = &[
        ("Username", |n| {
            format!(
                "/services/data/v62.0/query?q=SELECT+Id+FROM+User+WHERE+Username='user{n}@acme.example'"
            )
        }),
        ("FederationIdentifier", |n| {
            format!(
                "/services/data/v62.0/query?q=SELECT+Id+FROM+User+WHERE+FederationIdentifier='employee-{n}'"
            )
        }),
    ];

    fn without_limits(mut self) -> Self {
        self.set_daily_limit(u64::MAX);
        self.set_licences(Some(u64::MAX));
        self
    }

    async fn enter(server: &Server<Self>) -> Result<Session, BenchError> {
        let authorization = server.authorization().await?;
        let mut query = posted(
            server,
            &authorization,
            "/services/data/v62.0/query",
            &Value::Null,
        );
        query.method = Method::GET;
        "q=SELECT+Id+FROM+Profile+WHERE+Name='Standard+User'".clone_into(&mut query.query);
        let answer = server.ask(query).await;
        let body = answer.map(|answer| answer.body).unwrap_or_default();
        let found: Value = serde_json::from_slice(&body).unwrap_or_default();
        let profile = found.pointer("/records/0/Id").and_then(Value::as_str);
        let profile = profile
            .ok_or_else(|| wrong::<Self>("a query for a profile", 0, &body))?
            .to_owned();
        Ok(Session {
            authorization,
            profile,
        })
    }

    fn create(session: &Session, n: usize) -> (&'static str, Value) {
        let body = json!({
            "Username": format!("user{n}@acme.example"),
            "LastName": format!("User {n}"),
            "FirstName": "Ada",
            "Email": format!("user{n}@acme.example"),
            "Alias": format!("u{n}").chars().take(8).collect::<String>(),
            "CommunityNickname": format!("user{n}"),
            "FederationIdentifier": format!("employee-{n}"),
            "EmailEncodingKey": "UTF-8",
            "LanguageLocaleKey": "en_US",
            "LocaleSidKey": "en_US",
            "TimeZoneSidKey": "Europe/Berlin",
            "ProfileId": session.profile,
        });
        ("/services/data/v62.0/sobjects/User", body)
    }

    fn get(id: &str) -> String {
        format!("/services/data/v62.0/sobjects/User/{id}")
    }

    fn found_one(body: &[u8]) -> bool {
        count(body, "records") == Some(1)
    }
}

impl Work for Scim2 {
    const FILTERS: &'static [Search] = &[
        ("userName", |n| {
            format!("/scim/v2/Users?filter=userName+eq+%22user{n}@acme.example%22")
        }),
        ("externalId", |n| {
            format!("/scim/v2/Users?filter=externalId+eq+%22employee-{n}%22")
        }),
    ];

    async fn enter(server: &Server<Self>) -> Result<Session, BenchError> {
        Ok(Session {
            authorization: server.authorization(),
            profile: String::new(),
        })
    }

    fn create(_session: &Session, n: usize) -> (&'static str, Value) {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("user{n}@acme.example"),
            "externalId": format!("employee-{n}"),
            "name": {"givenName": "Ada", "familyName": format!("User {n}")},
            "emails": [{"value": format!("user{n}@acme.example"), "type": "work", "primary": true}],
            "active": true,
        });
        ("/scim/v2/Users", body)
    }

    fn get(id: &str) -> String {
        format!("/scim/v2/Users/{id}")
    }

    fn found_one(body: &[u8]) -> bool {
        count(body, "Resources") == Some(1)
    }
}
