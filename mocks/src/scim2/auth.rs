//! Who is asking: HTTP Basic, a bearer token, an API key in a header, and the token endpoint of the OAuth 2.0 client
//! credentials grant (RFC 6749, section 4.4).

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::error::Refusal;
use crate::vendor::{Answer, Request};

/// How long a token of the token endpoint is good.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// What a client must know to be let in. Every way in is open at the same time.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The bearer token.
    pub bearer_token: String,
    /// The user of HTTP Basic.
    pub user_name: String,
    /// The password of HTTP Basic.
    pub password: String,
    /// The header of the API key.
    pub api_key_header: String,
    /// The API key.
    pub api_key: String,
    /// The client id for the token endpoint.
    pub client_id: String,
    /// The client secret for the token endpoint.
    pub client_secret: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            bearer_token: "scim2-mock-token".to_owned(),
            user_name: "admin".to_owned(),
            password: "scim2-mock-password".to_owned(),
            api_key_header: "X-Api-Key".to_owned(),
            api_key: "scim2-mock-key".to_owned(),
            client_id: "scim2-mock-client".to_owned(),
            client_secret: "scim2-mock-secret".to_owned(),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials")
            .field("user_name", &self.user_name)
            .field("api_key_header", &self.api_key_header)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Who a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The provisioning client. The name is known when it came by HTTP Basic.
    Client { user_name: Option<String> },
    /// A user that signed in with its own password; it may see and change itself only.
    User { user_name: String },
}

/// The tokens that were handed out, each with its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    issued: imbl::OrdMap<String, Timestamp>,
    count: u64,
}

impl Tokens {
    pub(crate) fn forget_all(&mut self) {
        self.issued.clear();
    }

    fn issue(&mut self, now: Timestamp) -> String {
        self.count += 1;
        let token = format!(
            "scim2-mock-oauth-{}",
            super::store::made_up_uuid(self.count.wrapping_mul(31))
        );
        let end = now.checked_add(TOKEN_LIFE).unwrap_or(Timestamp::MAX);
        // Tokens that have ended go, so that a long run does not grow.
        self.issued = self
            .issued
            .iter()
            .filter(|(_, end)| **end > now)
            .map(|(token, end)| (token.clone(), *end))
            .collect();
        self.issued.insert(token.clone(), end);
        token
    }

    fn holds(&self, token: &str, now: Timestamp) -> bool {
        self.issued.get(token).is_some_and(|end| *end > now)
    }
}

/// Finds out who asks. `knows` tells whether a user of the directory has this password.
pub(crate) fn authenticate(
    request: &Request,
    credentials: &Credentials,
    tokens: &Tokens,
    knows: impl Fn(&str, &str) -> bool,
) -> Result<Caller, Refusal> {
    let key = request.header(&credentials.api_key_header);
    if key.is_some_and(|key| same(key, &credentials.api_key)) {
        return Ok(Caller::Client { user_name: None });
    }
    let refuse = |detail: &str| Err(Refusal::new(StatusCode::UNAUTHORIZED, detail));
    let Some(value) = request.header(header::AUTHORIZATION.as_str()) else {
        return refuse("Authentication is required.");
    };
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        if same(rest, &credentials.bearer_token) || tokens.holds(rest, request.now) {
            return Ok(Caller::Client { user_name: None });
        }
        return refuse("The access token is not valid.");
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return refuse("The authentication scheme is not supported.");
    }
    match basic(rest) {
        Some((user, password))
            if same(&user, &credentials.user_name) && same(&password, &credentials.password) =>
        {
            Ok(Caller::Client {
                user_name: Some(user),
            })
        }
        Some((user, password)) if knows(&user, &password) => Ok(Caller::User { user_name: user }),
        _ => refuse("User name or password is wrong."),
    }
}

/// Answers a token request.
pub(crate) fn token(request: &Request, credentials: &Credentials, tokens: &mut Tokens) -> Answer {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body)
        .into_owned()
        .collect();
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let header = request.header(header::AUTHORIZATION.as_str());
    let from_header = header
        .and_then(|value| value.split_once(' '))
        .and_then(|(scheme, rest)| {
            if scheme.eq_ignore_ascii_case("basic") {
                basic(rest.trim())
            } else {
                None
            }
        });
    let from_body = field("client_id").zip(field("client_secret"));
    let by_header = from_header.is_some();
    // RFC 6749, section 2.3.1: form-encoded before it goes into the header.
    let from_header = from_header.map(|(id, secret)| (form_decoded(&id), form_decoded(&secret)));
    let known = from_header.or(from_body).is_some_and(|(id, secret)| {
        same(&id, &credentials.client_id) && same(&secret, &credentials.client_secret)
    });
    let refuse = |status, error: &str, description: &str| {
        Answer::json(
            status,
            "application/json",
            &json!({"error": error, "error_description": description}),
        )
    };
    if !known {
        let answer = refuse(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "The client is not known.",
        );
        return if by_header {
            answer.with_header(header::WWW_AUTHENTICATE, r#"Basic realm="scim""#)
        } else {
            answer
        };
    }
    match field("grant_type").as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            return refuse(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "Use client_credentials.",
            );
        }
        None => {
            return refuse(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "grant_type is missing.",
            );
        }
    }
    let mut body = json!({
        "access_token": tokens.issue(request.now),
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFE.as_secs(),
    });
    if let Some(scope) = field("scope") {
        body["scope"] = json!(scope);
    }
    Answer::json(StatusCode::OK, "application/json", &body)
        .with_header(header::CACHE_CONTROL, "no-store")
}

fn basic(encoded: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn form_decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8_lossy()
        .into_owned()
}

/// Compares without telling by its time where two secrets differ.
fn same(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left
            .bytes()
            .zip(right.bytes())
            .fold(0, |seen, (a, b)| seen | (a ^ b))
            == 0
}
