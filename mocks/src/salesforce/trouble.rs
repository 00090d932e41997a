//! Armed failures in the vendor's words. Salesforce knows no 429 and no `Retry-After`: what is used up is 403
//! `REQUEST_LIMIT_EXCEEDED`, for the day as for concurrency.
//!
//! Source: REST API Developer Guide, "Status Codes and Error Responses"; Salesforce Developer Limits.

use http::{HeaderName, StatusCode};

use super::{
    Salesforce,
    error::{self, Problem},
    login, rest, soap, user,
};
use crate::vendor::{Answer, Request, Trouble};

impl Salesforce {
    /// Answers an armed failure.
    pub(crate) fn in_trouble(&self, request: &Request, trouble: Trouble) -> Answer {
        let segments = request.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        match path[..] {
            ["services", "oauth2", ..] => login_trouble(trouble),
            ["services", "Soap", ..] => {
                let problem = problem(trouble);
                soap::fault(problem.code, &problem.message)
            }
            _ => {
                let told = request.header(crate::vendor::USAGE_HEADER.as_str());
                let all = self.limits.usage().1;
                let used = match (told, trouble) {
                    (Some(told), _) => format!("api-usage={told}"),
                    (None, Trouble::DailyLimit) => format!("api-usage={all}/{all}"),
                    (None, _) => self.limits.header(),
                };
                let answer = error::answer(&[problem(trouble)]);
                if answer.status == StatusCode::UNAUTHORIZED {
                    return answer;
                }
                answer.with_header(HeaderName::from_static("sforce-limit-info"), &used)
            }
        }
    }
}

fn login_trouble(trouble: Trouble) -> Answer {
    let denied = |status, error, description| login::denied(status, (error, description));
    match trouble {
        Trouble::Status(status) if status.is_server_error() => denied(
            status,
            "server_error",
            "unexpected error, please try again later",
        ),
        Trouble::Status(status) => denied(status, "unknown_error", "unknown error"),
        Trouble::UserRate { .. }
        | Trouble::AccountRate { .. }
        | Trouble::Concurrency
        | Trouble::DailyLimit => denied(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "login rate exceeded",
        ),
        Trouble::TokenExpired => denied(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "expired access/refresh token",
        ),
        Trouble::Licences => denied(StatusCode::BAD_REQUEST, "inactive_user", "user is inactive"),
    }
}

fn problem(trouble: Trouble) -> Problem {
    let limit = |message| Problem::new(StatusCode::FORBIDDEN, "REQUEST_LIMIT_EXCEEDED", message);
    match trouble {
        Trouble::Status(status) => failure(status),
        Trouble::UserRate { .. } => limit("ConcurrentPerOrgLongTxn Limit exceeded."),
        Trouble::Concurrency | Trouble::AccountRate { .. } => {
            limit("ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
        }
        Trouble::DailyLimit => rest::daily_limit(),
        Trouble::TokenExpired => Problem::session(),
        Trouble::Licences => user::licence_limit(),
    }
}

fn failure(status: StatusCode) -> Problem {
    let (code, message) = match status {
        StatusCode::UNAUTHORIZED => return Problem::session(),
        StatusCode::FORBIDDEN => (
            "INSUFFICIENT_ACCESS",
            "insufficient access rights on cross-reference id",
        ),
        StatusCode::NOT_FOUND => return Problem::not_found(),
        StatusCode::CONFLICT => (
            "CONFLICT",
            "The request conflicts with the current state of the resource",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "SERVER_UNAVAILABLE",
            "We are down for maintenance. Sorry for the inconvenience. Please try again later.",
        ),
        status if status.is_server_error() => (
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred. Please include this ErrorId if you contact support: 1764000000-12345 (-1234567890)",
        ),
        _ => ("UNKNOWN_EXCEPTION", "The request couldn't be processed"),
    };
    Problem::new(status, code, message)
}
