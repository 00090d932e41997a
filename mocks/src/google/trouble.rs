//! Armed failures, in the words of the API or, for the token endpoint, of OAuth.
//!
//! The three quota errors and their reasons: developers.google.com/workspace/admin/directory/v1/limits. None of
//! them promises a `Retry-After`.

use http::StatusCode;

use super::error::Error;
use super::params::Params;
use super::route::classify;
use super::token::refusal;
use crate::vendor::{Answer, Kind, Request, Trouble};

/// Answers an armed failure.
pub(super) fn answer(request: &Request, trouble: Trouble) -> Answer {
    if classify(request).kind == Kind::Token {
        return at_token(trouble);
    }
    let params = Params::of(request);
    error(trouble).answer(params.pretty(), params.newer_errors())
}

fn error(trouble: Trouble) -> Error {
    match trouble {
        Trouble::Status(status) => plain(status.as_u16()),
        Trouble::UserRate { .. } => {
            Error::quota(403, "userRateLimitExceeded", "User Rate Limit Exceeded")
        }
        Trouble::Concurrency => Error::quota(
            403,
            "quotaExceeded",
            "Quota exceeded for concurrent requests.",
        ),
        Trouble::AccountRate { .. } => {
            Error::quota(429, "rateLimitExceeded", "Rate Limit Exceeded")
        }
        Trouble::DailyLimit => Error::quota(403, "dailyLimitExceeded", "Daily Limit Exceeded"),
        Trouble::TokenExpired => Error::bad_token(),
        Trouble::Licences => Error::no_licence(),
    }
}

fn plain(status: u16) -> Error {
    match status {
        400 => Error::bad_request("Bad Request"),
        401 => Error::bad_token(),
        403 => Error::forbidden(),
        404 => Error::not_found("userKey"),
        409 => Error::duplicate(),
        412 => Error::condition("User creation is not complete"),
        429 => Error::quota(429, "rateLimitExceeded", "Rate Limit Exceeded"),
        501 => Error::not_kept("users"),
        502 => Error::new(502, "badGateway", "Bad Gateway"),
        503 => Error::new(503, "backendError", "Service unavailable. Please try again"),
        504 => Error::new(504, "gatewayTimeout", "Gateway Timeout"),
        500..600 => Error::new(status, "backendError", "Backend Error"),
        _ => Error::new(status, "badRequest", "Bad Request"),
    }
}

fn at_token(trouble: Trouble) -> Answer {
    let bad = StatusCode::BAD_REQUEST;
    match trouble {
        Trouble::Status(status) if status.is_server_error() => {
            refusal(status, "internal_failure", "Backend Error")
        }
        Trouble::Status(StatusCode::UNAUTHORIZED) => {
            refusal(StatusCode::UNAUTHORIZED, "invalid_client", "Unauthorized")
        }
        Trouble::Status(status) => refusal(status, "invalid_request", "Bad Request"),
        Trouble::UserRate { .. } | Trouble::Concurrency | Trouble::DailyLimit => refusal(
            StatusCode::FORBIDDEN,
            "rate_limit_exceeded",
            "Rate Limit Exceeded",
        ),
        Trouble::AccountRate { .. } => refusal(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_exceeded",
            "Rate Limit Exceeded",
        ),
        Trouble::TokenExpired => {
            refusal(bad, "invalid_grant", "Token has been expired or revoked.")
        }
        Trouble::Licences => refusal(
            StatusCode::UNAUTHORIZED,
            "disabled_client",
            "The OAuth client was disabled.",
        ),
    }
}
