//! The token endpoint: the JWT-bearer grant of a service account with domain-wide delegation.
//!
//! Sources: developers.google.com/identity/protocols/oauth2/service-account; error texts as seen in
//! google/oauth2l#130, apigee/apigeecli#26, googleapis/google-auth-library-ruby#210.

use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode, header};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value, json};

use super::error;
use super::etag;
use super::scope::Scopes;
use super::store::{Owner, Store};
use super::{CLIENT_EMAIL, CLIENT_ID};
use crate::vendor::{Answer, Request};

/// The key that the mock's service account signs with; public on purpose, see `mocks/keys/README.md`.
pub(super) const PRIVATE_KEY: &str = include_str!("../../keys/google-service-account.pem");
const PUBLIC_KEY: &str = include_str!("../../keys/google-service-account.pub.pem");

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";
/// The audiences of libraries from before 2021.
const OLDER_AUDIENCES: [&str; 2] = [
    "https://www.googleapis.com/oauth2/v4/token",
    "https://accounts.google.com/o/oauth2/token",
];

const HOUR: i64 = 3600;
/// How far clocks may be apart. The vendor names no figure.
const SKEW: i64 = 300;
/// The most tokens that are remembered; the oldest go first.
const REMEMBERED: usize = 10_000;

/// One access token that was handed out.
#[derive(Debug, Clone)]
pub(super) struct Token {
    text: Arc<str>,
    /// The impersonated user; `None` for the service account itself, which has no rights in the directory.
    pub(super) subject: Option<u64>,
    pub(super) scopes: Scopes,
    until: i64,
}

/// The access tokens that are good now.
#[derive(Debug, Clone, Default)]
pub(super) struct Tokens {
    serial: u64,
    known: imbl::OrdMap<u64, Token>,
}

impl Tokens {
    /// Finds a token by its text, unless it is past its hour.
    pub(super) fn find(&self, text: &str, now: Timestamp) -> Option<&Token> {
        let serial = URL_SAFE_NO_PAD.decode(text.strip_prefix(LEAD)?).ok()?;
        let serial = u64::from_be_bytes(*serial.first_chunk::<8>()?);
        let token = self.known.get(&serial)?;
        (*token.text == *text && now.as_second() < token.until).then_some(token)
    }

    pub(super) fn forget_all(&mut self) {
        self.known.clear();
    }

    fn issue(&mut self, subject: Option<u64>, scopes: Scopes, now: Timestamp) -> Arc<str> {
        self.serial += 1;
        let mut bytes = self.serial.to_be_bytes().to_vec();
        for part in 0..3_u8 {
            let mut seed = b"access token".to_vec();
            seed.push(part);
            seed.extend_from_slice(&self.serial.to_be_bytes());
            seed.extend_from_slice(&now.as_nanosecond().to_be_bytes());
            bytes.extend_from_slice(&etag::digest(&seed));
        }
        let text: Arc<str> = format!("{LEAD}{}", URL_SAFE_NO_PAD.encode(bytes)).into();
        let until = now.as_second() + HOUR;
        self.known.insert(
            self.serial,
            Token {
                text: Arc::clone(&text),
                subject,
                scopes,
                until,
            },
        );
        while self.known.len() > REMEMBERED
            || self
                .known
                .get_min()
                .is_some_and(|(_, token)| token.until <= now.as_second())
        {
            let Some((serial, _)) = self.known.get_min() else {
                break;
            };
            let serial = *serial;
            self.known.remove(&serial);
        }
        text
    }
}

/// How tokens of service accounts begin.
const LEAD: &str = "ya29.c.";

/// A refusal of the token endpoint.
struct Refusal(StatusCode, &'static str, String);

impl Refusal {
    fn grant(text: &str) -> Self {
        Self(StatusCode::BAD_REQUEST, "invalid_grant", text.into())
    }

    fn timeframe() -> Self {
        Self::grant(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check \
             your iat and exp values in the JWT claim.",
        )
    }
}

/// Answers a request to the token endpoint.
pub(super) fn answer(store: &Store, tokens: &mut Tokens, request: &Request) -> Answer {
    if request.method != Method::POST {
        return error::lost(&request.path);
    }
    match exchange(store, tokens, request) {
        Ok(token) => {
            let body =
                json!({ "access_token": *token, "expires_in": 3599, "token_type": "Bearer" });
            uncached(Answer::bytes(
                StatusCode::OK,
                "application/json; charset=utf-8",
                error::text(&body, true),
            ))
        }
        Err(Refusal(status, code, text)) => refusal(status, code, &text),
    }
}

/// Writes a refusal as the token endpoint does.
pub(super) fn refusal(status: StatusCode, code: &str, text: &str) -> Answer {
    let body = json!({ "error": code, "error_description": text });
    uncached(Answer::bytes(
        status,
        "application/json; charset=utf-8",
        error::text(&body, true),
    ))
}

fn uncached(answer: Answer) -> Answer {
    answer.with_header(
        header::CACHE_CONTROL,
        "no-cache, no-store, max-age=0, must-revalidate",
    )
}

fn exchange(store: &Store, tokens: &mut Tokens, request: &Request) -> Result<Arc<str>, Refusal> {
    let bad = |code, text: &str| Refusal(StatusCode::BAD_REQUEST, code, text.into());
    let form = form(request);
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let grant = field("grant_type").ok_or_else(|| {
        bad(
            "invalid_request",
            "Required parameter is missing: grant_type",
        )
    })?;
    if grant != GRANT {
        return Err(bad(
            "unsupported_grant_type",
            &format!("Invalid grant_type: {grant}"),
        ));
    }
    let assertion = field("assertion").ok_or_else(|| {
        bad(
            "invalid_request",
            "Required parameter is missing: assertion",
        )
    })?;
    let claims = claims(assertion)?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    if claim("iss") != Some(CLIENT_EMAIL) && claim("iss") != Some(CLIENT_ID) {
        return Err(Refusal::grant("Invalid grant: account not found"));
    }
    verify(assertion)?;
    audience(claims.get("aud"), request)?;
    times(&claims, request.now)?;
    let subject = match claim("sub").filter(|sub| *sub != CLIENT_EMAIL) {
        None => None,
        Some(sub) => {
            Some(subject(store, sub).ok_or_else(|| Refusal::grant("Invalid email or User ID"))?)
        }
    };
    let scopes = scopes(claim("scope").unwrap_or_default(), subject.is_some())?;
    Ok(tokens.issue(subject, scopes, request.now))
}

/// Reads the form, or the JSON that the endpoint takes just as well.
fn form(request: &Request) -> Vec<(String, String)> {
    let json = request
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    if json {
        let body = request.body.json().ok().and_then(Value::as_object);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        return body
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), text(value)?)))
            .collect();
    }
    url::form_urlencoded::parse(&request.body)
        .into_owned()
        .collect()
}

fn claims(assertion: &str) -> Result<Map<String, Value>, Refusal> {
    let wrong = |what: &str| Refusal::grant(&format!("Invalid JWT: {what}"));
    let parts: Vec<&str> = assertion.split('.').collect();
    let [head, body, _] = parts[..] else {
        return Err(wrong("A JWT has three parts joined by dots."));
    };
    let part = |text: &str| -> Option<Map<String, Value>> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?).ok()
    };
    let head = part(head).ok_or_else(|| wrong("Failed to decode the header."))?;
    if head.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(wrong("Invalid algorithm in the header; RS256 is expected."));
    }
    part(body).ok_or_else(|| wrong("Failed to decode the claim set."))
}

fn verify(assertion: &str) -> Result<(), Refusal> {
    static KEY: OnceLock<Option<DecodingKey>> = OnceLock::new();
    let wrong = || Refusal::grant("Invalid JWT Signature.");
    let key = KEY.get_or_init(|| DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()).ok());
    let (message, signature) = assertion.rsplit_once('.').ok_or_else(wrong)?;
    let signature = signature.trim_end_matches('=');
    let key = key.as_ref().ok_or_else(wrong)?;
    match jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, Algorithm::RS256) {
        Ok(true) => Ok(()),
        _ => Err(wrong()),
    }
}

/// Both Google libraries sign for the real address, whatever `token_uri` says; others sign for ours.
fn audience(value: Option<&Value>, request: &Request) -> Result<(), Refusal> {
    let own = format!("{}/token", request.base_url);
    let own_older = format!("{}/oauth2/v4/token", request.base_url);
    let good = |text: &str| {
        text == AUDIENCE || text == own || text == own_older || OLDER_AUDIENCES.contains(&text)
    };
    match value {
        Some(Value::String(text)) if good(text) => Ok(()),
        _ => Err(Refusal::grant(&format!(
            "Invalid JWT: Failed audience check. The right audience is {AUDIENCE}"
        ))),
    }
}

fn times(claims: &Map<String, Value>, now: Timestamp) -> Result<(), Refusal> {
    let second = |name: &str| {
        claims
            .get(name)
            .and_then(number)
            .ok_or_else(Refusal::timeframe)
    };
    let (issued, expires, now) = (second("iat")?, second("exp")?, now.as_second());
    let lives = expires.saturating_sub(issued);
    let good = issued <= now.saturating_add(SKEW)
        && expires.saturating_add(SKEW) > now
        && (1..=HOUR).contains(&lives);
    if good {
        Ok(())
    } else {
        Err(Refusal::timeframe())
    }
}

/// Reads a NumericDate (RFC 7519, section 2): a number, maybe with a fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked, the fraction is not wanted"
)]
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        value
            .as_f64()
            .filter(|at| at.abs() < 1e15)
            .map(|at| at as i64)
    })
}

/// Finds the user to act as: a live one who is not suspended.
fn subject(store: &Store, sub: &str) -> Option<u64> {
    let Owner::User(key) = store.owner(sub)? else {
        return None;
    };
    store
        .user(key)
        .filter(|user| user.suspended.is_none())
        .map(|user| user.key)
}

fn scopes(text: &str, delegated: bool) -> Result<Scopes, Refusal> {
    let mut all = Scopes::NONE;
    let mut known = true;
    for scope in text.split_ascii_whitespace() {
        match Scopes::find(scope) {
            Some(scope) => all = all.and(scope),
            None => known = false,
        }
    }
    if text.split_ascii_whitespace().next().is_none() {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            "invalid_scope",
            "Empty or missing scope not allowed.".into(),
        ));
    }
    if delegated && !(known && all.within(Scopes::DELEGATED)) {
        return Err(Refusal(
            StatusCode::UNAUTHORIZED,
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, or client not authorized for \
             any of the scopes requested."
                .into(),
        ));
    }
    if !known {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            "invalid_scope",
            format!("Invalid OAuth scope or ID token audience provided: {text}."),
        ));
    }
    Ok(all)
}
