//! Errors in the vendor's words. The REST API answers an array of them; collections say `statusCode` where all
//! others say `errorCode`.
//!
//! Source: REST API Developer Guide, "Status Codes and Error Responses"; SOAP API Developer Guide, "StatusCode".

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{sheet, vendor::Answer};

/// The media type of every REST answer, as the vendor writes it.
pub(crate) const JSON: &str = "application/json;charset=UTF-8";

/// One error of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    /// The status of the whole answer when this is its first error.
    pub(crate) status: StatusCode,
    /// The vendor's code, such as `REQUIRED_FIELD_MISSING`.
    pub(crate) code: &'static str,
    /// The sentence for people.
    pub(crate) message: String,
    /// The fields it is about; errors of a record always list them, even when there are none.
    pub(crate) fields: Option<Vec<String>>,
}

/// The result of whatever may be refused in the vendor's words.
pub(crate) type Outcome<T> = Result<T, Vec<Problem>>;

impl From<Problem> for Vec<Problem> {
    fn from(problem: Problem) -> Self {
        vec![problem]
    }
}

impl Problem {
    /// An error of the request as a whole.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            fields: None,
        }
    }

    /// A 400 of the request as a whole.
    pub(crate) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// A 400 about fields of a record.
    pub(crate) fn record(code: &'static str, message: impl Into<String>, fields: &[&str]) -> Self {
        let fields = Some(fields.iter().map(|&field| field.to_owned()).collect());
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
            fields,
        }
    }

    /// The 404 for whatever does not exist.
    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "The requested resource does not exist",
        )
    }

    /// The 404 for a key that names no external id field or no record.
    pub(crate) fn no_external_id(key: &str) -> Self {
        let message =
            format!("Provided external ID field does not exist or is not accessible: {key}");
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// The 401 for a missing, expired or foreign session.
    pub(crate) fn session() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_SESSION_ID",
            "Session expired or invalid",
        )
    }

    /// The answer for what the vendor offers and this mock does not.
    pub(crate) fn not_offered(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "FUNCTIONALITY_NOT_ENABLED",
            format!("{what} is not offered by this mock"),
        )
    }

    /// The error as an element of a REST error array.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({"message": self.message, "errorCode": self.code});
        if let Some(fields) = &self.fields {
            error["fields"] = json!(fields);
        }
        error
    }

    /// The error as an element of a collection's or save result's `errors`.
    pub(crate) fn to_save_error(&self) -> Value {
        json!({"statusCode": self.code, "message": self.message, "fields": self.fields.as_deref().unwrap_or_default()})
    }
}

/// Answers the error array.
pub(crate) fn answer(problems: &[Problem]) -> Answer {
    let status = problems
        .first()
        .map_or(StatusCode::INTERNAL_SERVER_ERROR, |problem| problem.status);
    let body = Value::Array(problems.iter().map(Problem::to_json).collect());
    let answer = Answer::json(status, JSON, &body);
    if status == StatusCode::UNAUTHORIZED {
        answer.with_header(http::header::WWW_AUTHENTICATE, "Token")
    } else {
        answer
    }
}

/// Answers what an outcome holds: the answer, or its errors.
pub(crate) fn settle(outcome: Outcome<Answer>) -> Answer {
    outcome.unwrap_or_else(|problems| answer(&problems))
}

/// Answers JSON.
pub(crate) fn ok(status: StatusCode, body: &impl Serialize) -> Answer {
    Answer::bytes(status, JSON, sheet::json(body))
}
