//! How a test gets in without being a client library: the `Authorization` header of each mock.

use http::{HeaderMap, HeaderValue, Method, header};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::{
    Answer, Request, Server, Vendor, google::Google, salesforce::Salesforce, scim2::Scim2,
};

/// What opens a mock.
#[derive(Debug, Clone)]
pub enum Way {
    /// This `Authorization` header.
    Header(String),
    /// The token that this request is answered with.
    Ask(Box<Request>),
}

/// A vendor that can be entered with its own credentials.
pub trait Login: Vendor {
    /// Returns the way in at a time and an address.
    fn way_in(&self, base_url: &str, now: Timestamp) -> Way;
}

/// No token was given: a fault or a quota is in the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token endpoint of {mock} answered {status}")]
pub struct NoToken {
    /// The mock.
    pub mock: &'static str,
    /// What it answered; 0 when it hung up.
    pub status: u16,
}

impl Login for Scim2 {
    fn way_in(&self, _base_url: &str, _now: Timestamp) -> Way {
        Way::Header(format!("Bearer {}", self.credentials().bearer_token))
    }
}

const SCOPES: [&str; 3] = [
    "https://www.googleapis.com/auth/admin.directory.user",
    "https://www.googleapis.com/auth/admin.directory.group",
    "https://www.googleapis.com/auth/admin.directory.user.security",
];

impl Login for Google {
    fn way_in(&self, base_url: &str, now: Timestamp) -> Way {
        let key = self.service_account_json(base_url);
        let text = |name: &str| key[name].as_str().unwrap_or_default();
        let claims = json!({
            "iss": text("client_email"),
            "sub": self.subject(),
            "scope": SCOPES.join(" "),
            "aud": "https://oauth2.googleapis.com/token",
            "iat": now.as_second(),
            "exp": now.as_second() + 3600,
        });
        let key = EncodingKey::from_rsa_pem(text("private_key").as_bytes())
            .expect("the mock's own key is RSA");
        let header = Header::new(Algorithm::RS256);
        let assertion =
            jsonwebtoken::encode(&header, &claims, &key).expect("claims are text and numbers");
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        form(
            base_url,
            now,
            "/token",
            &[("grant_type", grant), ("assertion", &assertion)],
        )
    }
}

impl Login for Salesforce {
    fn way_in(&self, base_url: &str, now: Timestamp) -> Way {
        let known = self.credentials(base_url);
        let text = |name: &str| known[name].as_str().unwrap_or_default();
        let password = format!("{}{}", text("password"), text("security_token"));
        let pairs = [
            ("grant_type", "password"),
            ("username", text("username")),
            ("password", &password),
            ("client_id", text("consumer_key")),
            ("client_secret", text("consumer_secret")),
        ];
        form(base_url, now, "/services/oauth2/token", &pairs)
    }
}

fn form(base_url: &str, now: Timestamp, path: &str, pairs: &[(&str, &str)]) -> Way {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    Way::Ask(Box::new(Request {
        method: Method::POST,
        path: path.to_owned(),
        query: String::new(),
        headers,
        body: url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
            .into(),
        now,
        base_url: base_url.to_owned(),
    }))
}

/// Reads the `Authorization` header out of the answer of a token endpoint.
pub(crate) fn bearer<V: Vendor>(answer: Option<Answer>) -> Result<String, NoToken> {
    let answer = answer.ok_or(NoToken {
        mock: V::NAME,
        status: 0,
    })?;
    let refused = NoToken {
        mock: V::NAME,
        status: answer.status.as_u16(),
    };
    let body: Value = serde_json::from_slice(&answer.body).map_err(|_| refused.clone())?;
    let token = body
        .get("access_token")
        .and_then(Value::as_str)
        .ok_or(refused)?;
    Ok(format!("Bearer {token}"))
}

impl Server<Scim2> {
    /// Returns an `Authorization` header that is let in.
    pub fn authorization(&self) -> String {
        self.with_vendor(|scim2| format!("Bearer {}", scim2.credentials().bearer_token))
    }
}

impl Server<Google> {
    /// Logs in as the administrator by way of the service account and returns the `Authorization` header, good for an
    /// hour. The token call is in the log like a client's.
    ///
    /// # Errors
    /// [`NoToken`] when the token endpoint refuses.
    pub async fn authorization(&self) -> Result<String, NoToken> {
        log_in(self).await
    }
}

impl Server<Salesforce> {
    /// Logs in with name and password and returns the `Authorization` header. The token call is in the log like a
    /// client's.
    ///
    /// # Errors
    /// [`NoToken`] when the token endpoint refuses.
    pub async fn authorization(&self) -> Result<String, NoToken> {
        log_in(self).await
    }
}

async fn log_in<V: Login>(server: &Server<V>) -> Result<String, NoToken> {
    let (base_url, now) = (server.base_url(), server.clock().now());
    match server.with_vendor(|vendor| vendor.way_in(&base_url, now)) {
        Way::Header(header) => Ok(header),
        Way::Ask(request) => bearer::<V>(server.ask(*request).await),
    }
}
