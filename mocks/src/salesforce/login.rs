//! The OAuth 2.0 endpoints: token (password, client credentials, JWT bearer, refresh), revoke, introspect.
//!
//! Source: Salesforce Help, "OAuth Authorization Flows" and "OAuth 2.0 Error Codes"
//! (`remoteaccess_oauth_flow_errors`).

use std::{collections::HashMap, sync::LazyLock};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{Method, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};

use super::{Salesforce, error::JSON, id::Id, schema::USER, session::hmac, store::Record};
use crate::vendor::{Answer, Request};

/// The `grant_type` of the JWT bearer flow.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// What every token of this organization may do.
const SCOPE: &str = "api id web";
/// The furthest `exp` of an assertion, in milliseconds from now, with five seconds for a client's clock.
///
/// The documentation says three minutes; clients that work in life sign five (aiosalesforce 0.6.2,
/// salesforce-jwt-bearer-token-flow 0.2.4).
const FURTHEST: i64 = 5 * 60 * 1000 + 5_000;
/// An `exp` above this is in milliseconds: as seconds it would be the year 5138.
const MILLISECONDS: i64 = 100_000_000_000;
/// How long ago an `exp` in milliseconds may lie. Salesforce's own library writes `Date.now() + 300`, which is past
/// before the request has come when the network is slow (@salesforce/core 9.4.0, `authInfo.ts`).
const MILLISECONDS_LEEWAY: i64 = 60_000;

static PUBLIC_KEY: LazyLock<DecodingKey> = LazyLock::new(|| {
    DecodingKey::from_rsa_pem(include_bytes!("../../keys/salesforce-jwt.pub.pem"))
        .expect("the committed key is a public RSA key")
});

/// An OAuth error: `error`, `error_description`.
type Denied = (&'static str, &'static str);

const AUTHENTICATION_FAILURE: Denied = ("invalid_grant", "authentication failure");
const INVALID_CLIENT_ID: Denied = ("invalid_client_id", "client identifier invalid");
const INVALID_CLIENT: Denied = ("invalid_client", "invalid client credentials");

/// Answers an OAuth error.
pub(crate) fn denied(status: StatusCode, (error, description): Denied) -> Answer {
    plain(
        status,
        &json!({"error": error, "error_description": description}),
    )
}

fn plain(status: StatusCode, body: &Value) -> Answer {
    Answer::json(status, JSON, body)
        .with_header(header::CACHE_CONTROL, "no-cache, no-store")
        .with_header(header::PRAGMA, "no-cache")
}

/// The parameters of a request, from its form and its query.
pub(crate) struct Form(HashMap<String, String>);

impl Form {
    /// Reads a request.
    pub(crate) fn of(request: &Request) -> Self {
        let mut form: HashMap<String, String> = request.query_pairs().into_iter().collect();
        form.extend(url::form_urlencoded::parse(&request.body).into_owned());
        Self(form)
    }

    /// Returns a parameter, empty when it is absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }
}

impl Salesforce {
    /// `POST /services/oauth2/token`
    pub(crate) fn token(&mut self, request: &Request) -> Answer {
        if request.method != Method::POST {
            return denied(
                StatusCode::BAD_REQUEST,
                ("invalid_request", "must use HTTP POST"),
            );
        }
        let form = Form::of(request);
        let user = match form.get("grant_type") {
            "password" => self.by_password(request, &form),
            "client_credentials" => self.client(request, &form).map(|()| self.org.admin),
            JWT_BEARER => self.by_assertion(request, form.get("assertion")),
            "refresh_token" => self.by_refresh(request, &form),
            _ => Err(("unsupported_grant_type", "grant type not supported")),
        };
        match user {
            Ok(user) => self.grant(request, user),
            Err(reason) => denied(StatusCode::BAD_REQUEST, reason),
        }
    }

    fn grant(&mut self, request: &Request, user: Id) -> Answer {
        let now = request.now.as_millisecond();
        let token = self.log_in(user, now);
        let id = self.identity_url(&request.base_url, user);
        let issued = now.to_string();
        let signature = STANDARD.encode(hmac(&self.org.consumer_secret, &format!("{id}{issued}")));
        let body = json!({
            "access_token": token,
            "signature": signature,
            "scope": SCOPE,
            "instance_url": request.base_url,
            "id": id,
            "token_type": "Bearer",
            "issued_at": issued,
        });
        plain(StatusCode::OK, &body)
    }

    /// Opens a session and notes the login on the user.
    pub(crate) fn log_in(&mut self, user: Id, now: i64) -> String {
        if let Some(record) = self.store.get(USER, user).cloned() {
            let mut record = Record::clone(&record);
            record.set(
                self.user_places().last_login,
                Some(super::store::Cell::Time(now)),
            );
            let schema = std::sync::Arc::clone(&self.schema);
            self.store.put(&schema, USER, record);
        }
        self.sessions
            .issue(self.org.id, &self.org.consumer_secret, user, now)
    }

    /// `https://…/id/<organization>/<user>`
    pub(crate) fn identity_url(&self, base_url: &str, user: Id) -> String {
        format!("{base_url}/id/{}/{user}", self.org.id)
    }

    fn client(&self, request: &Request, form: &Form) -> Result<(), Denied> {
        let basic = request
            .header("authorization")
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, coded)| STANDARD.decode(coded.trim()).ok())
            .and_then(|plain| String::from_utf8(plain).ok());
        let (id, secret) = match basic.as_deref().and_then(|pair| pair.split_once(':')) {
            Some(pair) => pair,
            None => (form.get("client_id"), form.get("client_secret")),
        };
        if id != self.org.consumer_key {
            return Err(INVALID_CLIENT_ID);
        }
        let known = secret == self.org.consumer_secret;
        known.then_some(()).ok_or(INVALID_CLIENT)
    }

    fn by_password(&self, request: &Request, form: &Form) -> Result<Id, Denied> {
        self.client(request, form)?;
        self.password_user(form.get("username"), form.get("password"))
            .ok_or(AUTHENTICATION_FAILURE)
    }

    /// Finds who logs in with a password and the security token behind it, joined.
    pub(crate) fn password_user(&self, username: &str, joined: &str) -> Option<Id> {
        let user = self.active_user(username)?;
        let password = self.passwords.get(&user.id)?;
        let given = joined.strip_suffix(self.org.security_token.as_str())?;
        (given == &**password).then_some(user.id)
    }

    fn by_refresh(&self, request: &Request, form: &Form) -> Result<Id, Denied> {
        // The secret may be left out for a refresh; a wrong one is refused.
        if form.get("client_id") != self.org.consumer_key || !form.get("client_secret").is_empty() {
            self.client(request, form)?;
        }
        let user = self
            .sessions
            .refreshes(form.get("refresh_token"))
            .ok_or(("invalid_grant", "expired access/refresh token"))?;
        let active = self
            .store
            .get(USER, user)
            .is_some_and(|record| record.flag(self.user_places().active));
        if active {
            Ok(user)
        } else {
            Err(("inactive_user", "user is inactive"))
        }
    }

    fn by_assertion(&self, request: &Request, assertion: &str) -> Result<Id, Denied> {
        const INVALID: Denied = ("invalid_grant", "invalid assertion");
        let (message, signature) = assertion.rsplit_once('.').ok_or(INVALID)?;
        let (head, claims) = message.split_once('.').ok_or(INVALID)?;
        let part = |text: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
        };
        let (head, claims) = (part(head).ok_or(INVALID)?, part(claims).ok_or(INVALID)?);
        if head["alg"] != "RS256" {
            return Err(INVALID);
        }
        if claims["iss"] != self.org.consumer_key.as_str() {
            return Err(INVALID_CLIENT_ID);
        }
        let genuine = jsonwebtoken::crypto::verify(
            signature,
            message.as_bytes(),
            &PUBLIC_KEY,
            Algorithm::RS256,
        );
        if !genuine.unwrap_or(false) {
            return Err(INVALID);
        }
        if !is_audience(&claims["aud"], &request.base_url) {
            return Err(("invalid_grant", "Audience validation failed"));
        }
        let now = request.now.as_millisecond();
        match expiry(&claims["exp"]) {
            Some((at, leeway)) if now < at + leeway && at <= now + FURTHEST => {}
            Some(_) => return Err(("invalid_grant", "token validity expired")),
            None => return Err(INVALID),
        }
        // Whom the application may act for is not told apart from who does not exist.
        let username = claims["sub"]
            .as_str()
            .or_else(|| claims["prn"].as_str())
            .unwrap_or_default();
        self.active_user(username)
            .map(|user| user.id)
            .ok_or(("invalid_grant", "user hasn't approved this consumer"))
    }

    /// `POST /services/oauth2/revoke`
    pub(crate) fn revoke(&mut self, request: &Request) -> Answer {
        let form = Form::of(request);
        let token = form.get("token");
        let now = request.now.as_millisecond();
        if let Some(session) =
            self.sessions
                .check(self.org.id, &self.org.consumer_secret, token, now)
        {
            self.sessions.revoke(session);
        } else if !self.sessions.forget(token) {
            return denied(
                StatusCode::BAD_REQUEST,
                ("unsupported_token_type", "this token type is not supported"),
            );
        }
        Answer::empty(StatusCode::OK)
    }

    /// `POST /services/oauth2/introspect` (RFC 7662)
    pub(crate) fn introspect(&self, request: &Request) -> Answer {
        if request.method != Method::POST {
            return denied(
                StatusCode::BAD_REQUEST,
                ("invalid_request", "must use HTTP POST"),
            );
        }
        let form = Form::of(request);
        if let Err(reason) = self.client(request, &form) {
            return denied(StatusCode::UNAUTHORIZED, reason);
        }
        let now = request.now.as_millisecond();
        let token = form.get("token");
        let session = self
            .session_of(token, now)
            .map(|session| (session.user, "access_token", Some(session)));
        let found = session.or_else(|| {
            self.sessions
                .refreshes(token)
                .map(|user| (user, "refresh_token", None))
        });
        let Some((user, token_type, session)) = found else {
            return plain(StatusCode::OK, &json!({"active": false}));
        };
        let username = self
            .store
            .get(USER, user)
            .map(|record| record.text(self.user_places().username).to_owned());
        let mut body = json!({
            "active": true,
            "scope": SCOPE,
            "client_id": self.org.consumer_key,
            "username": username,
            "sub": self.identity_url(&request.base_url, user),
            "token_type": token_type,
        });
        if let Some(session) = session {
            body["iat"] = json!(session.issued / 1000);
            body["nbf"] = json!(session.issued / 1000);
            body["exp"] = json!(session.expires / 1000);
        }
        plain(StatusCode::OK, &body)
    }
}

/// The login hosts, and the address of this very mock, with or without a slash or the token path behind it.
fn is_audience(audience: &Value, base_url: &str) -> bool {
    let fits = |text: &str| {
        let host = text
            .trim_end_matches('/')
            .trim_end_matches("/services/oauth2/token");
        [
            "https://login.salesforce.com",
            "https://test.salesforce.com",
            base_url,
        ]
        .contains(&host)
    };
    match audience {
        Value::String(text) => fits(text),
        Value::Array(several) => several.iter().filter_map(Value::as_str).any(fits),
        _ => false,
    }
}

/// Reads `exp`, as a number or (simple-salesforce) as text, in seconds or ([`MILLISECONDS`]) not; returns milliseconds,
/// and how long ago they may lie.
fn expiry(claim: &Value) -> Option<(i64, i64)> {
    let time = match claim {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }?;
    if time > MILLISECONDS {
        let readable = time < i64::MAX / 2;
        return readable.then_some((time, MILLISECONDS_LEEWAY));
    }
    Some((time.checked_mul(1000)?, 0))
}

fn whole(seconds: f64) -> Option<i64> {
    format!("{:.0}", seconds.floor()).parse().ok()
}
