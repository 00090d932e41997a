//! How a test gets in without being a client library: the `Authorization` header of each mock.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::{Request, Server, Vendor, google::Google, salesforce::Salesforce, scim2::Scim2};

/// No token was given: a fault or a quota is in the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token endpoint of {mock} answered {status}")]
pub struct NoToken {
    /// The mock.
    pub mock: &'static str,
    /// What it answered; 0 when it hung up.
    pub status: u16,
}

impl Server<Scim2> {
    /// Returns an `Authorization` header that is let in.
    pub fn authorization(&self) -> String {
        self.with_vendor(|scim2| format!("Bearer {}", scim2.credentials().bearer_token))
    }
}

impl Server<Google> {
    /// Logs in as the administrator by way of the service account and returns the `Authorization` header, good for an
    /// hour and for every scope. The token call is in the log like a client's.
    ///
    /// # Errors
    /// [`NoToken`] when the token endpoint refuses.
    pub async fn authorization(&self) -> Result<String, NoToken> {
        let key = self.with_vendor(|google| google.service_account_json(&self.base_url()));
        let text = |name: &str| key[name].as_str().unwrap_or_default();
        let now = self.clock().now().as_second();
        let claims = json!({
            "iss": text("client_email"),
            "sub": self.with_vendor(Google::subject),
            "scope": SCOPES.join(" "),
            "aud": "https://oauth2.googleapis.com/token",
            "iat": now,
            "exp": now + 3600,
        });
        let key = EncodingKey::from_rsa_pem(text("private_key").as_bytes())
            .expect("the mock's own key is RSA");
        let header = Header::new(Algorithm::RS256);
        let assertion =
            jsonwebtoken::encode(&header, &claims, &key).expect("claims are text and numbers");
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        token(
            self,
            "/token",
            &[("grant_type", grant), ("assertion", &assertion)],
        )
        .await
    }
}

const SCOPES: [&str; 3] = [
    "https://www.googleapis.com/auth/admin.directory.user",
    "https://www.googleapis.com/auth/admin.directory.group",
    "https://www.googleapis.com/auth/admin.directory.user.security",
];

impl Server<Salesforce> {
    /// Logs in with name and password and returns the `Authorization` header. The token call is in the log like a
    /// client's.
    ///
    /// # Errors
    /// [`NoToken`] when the token endpoint refuses.
    pub async fn authorization(&self) -> Result<String, NoToken> {
        let known = self.with_vendor(|salesforce| salesforce.credentials(&self.base_url()));
        let text = |name: &str| known[name].as_str().unwrap_or_default();
        let password = format!("{}{}", text("password"), text("security_token"));
        let form = [
            ("grant_type", "password"),
            ("username", text("username")),
            ("password", &password),
            ("client_id", text("consumer_key")),
            ("client_secret", text("consumer_secret")),
        ];
        token(self, "/services/oauth2/token", &form).await
    }
}

async fn token<V: Vendor>(
    server: &Server<V>,
    path: &str,
    form: &[(&str, &str)],
) -> Result<String, NoToken> {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    let request = Request {
        method: Method::POST,
        path: path.to_owned(),
        query: String::new(),
        headers,
        body: Bytes::from(
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(form)
                .finish(),
        ),
        now: server.clock().now(),
        base_url: server.base_url(),
    };
    let answer = server.ask(request).await.ok_or(NoToken {
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
