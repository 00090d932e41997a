//! Asking an OAuth2 token endpoint (RFC 6749, section 5), alike for every vendor that has one.

use std::time::Duration;

use domain::{Failure, FailureKind, Purpose, Remedy, Tap};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::Value;
use url::Url;

use super::client::{Answer, Call, Http};
use super::token::{Granted, Pass};
use super::{Replay, classify};

/// Asks for an access token with a form and returns it as a bearer pass.
///
/// # Errors
/// `Unauthenticated` when the endpoint refuses (400, 401 or 403 with an OAuth error); otherwise as for any request.
pub(crate) async fn bearer(
    http: &Http,
    endpoint: &Url,
    headers: HeaderMap,
    form: &[(&str, &str)],
    tap: &dyn Tap,
) -> Result<Granted, Failure> {
    let mut call = Call::new(Purpose::Token, Method::POST, endpoint.clone()).form(form);
    call.headers = headers;
    let answer = http.send(&call, tap).await?;
    if !answer.is_success() {
        return Err(http.quotable(&call, refusal(&answer, http)));
    }
    let content = answer.json()?;
    let Some(token) = content.get("access_token").and_then(Value::as_str) else {
        return Err(classify::garbled(
            answer.status,
            "the token endpoint's answer holds no access_token",
            Replay::Safe,
        ));
    };
    http.veil().learn(token);
    Ok(Granted {
        pass: Pass::header(AUTHORIZATION, &format!("Bearer {token}"))?,
        lifetime: content.get("expires_in").and_then(seconds),
    })
}

/// Reads `expires_in`: a number by the RFC, a string by some servers.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))?;
    Some(Duration::from_secs(seconds))
}

fn refusal(answer: &Answer, http: &Http) -> Failure {
    let content = answer.maybe_json().unwrap_or_default();
    let code = content.get("error").and_then(Value::as_str);
    let words = content.get("error_description").and_then(Value::as_str);
    let told = match (code, words) {
        (Some(code), Some(words)) => format!("{code}: {words}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => answer.excerpt(),
    };
    let told = format!("no token was granted: {told}");
    if matches!(answer.status, 400 | 401 | 403) {
        return Failure {
            kind: FailureKind::Unauthenticated,
            remedy: Remedy::GiveUp,
            status: Some(answer.status),
            told,
            advice: advice(code.unwrap_or_default()).to_owned(),
        };
    }
    classify::status(
        answer.status,
        &answer.headers,
        http.clock().now(),
        told,
        Replay::Safe,
    )
}

fn advice(code: &str) -> &'static str {
    match code {
        "invalid_grant" => {
            "Check the user, the password or the key, and this machine's clock: the grant itself is refused."
        }
        "invalid_client" | "invalid_client_id" | "disabled_client" => {
            "Check the client id and the client secret."
        }
        "unauthorized_client" => "Allow this client the grant and its scopes at the target.",
        "invalid_scope" => "Check the scopes: the target does not know one of them.",
        "unsupported_grant_type" => {
            "Choose the other way to log in: the target does not take this grant."
        }
        _ => "Check the connector's credentials and its token endpoint.",
    }
}
