//! Failures: what went wrong, and how each personality says so (RFC 7644, section 3.12).

use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::personality::{Personality, StatusForm, Vocabulary};
use crate::vendor::{Answer, Trouble};

/// The media type of every answer (RFC 7644, section 8.1).
pub(crate) const MEDIA_TYPE: &str = "application/scim+json";

const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A request that is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) scim_type: Option<&'static str>,
    pub(crate) detail: String,
    /// Whether it is about an identifier that nobody has.
    unknown_id: bool,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type: None,
            detail: detail.into(),
            unknown_id: false,
        }
    }

    fn typed(status: StatusCode, scim_type: &'static str, detail: impl Into<String>) -> Self {
        Self {
            scim_type: Some(scim_type),
            ..Self::new(status, detail)
        }
    }

    pub(crate) fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::typed(StatusCode::BAD_REQUEST, "invalidSyntax", detail)
    }

    pub(crate) fn invalid_value(detail: impl Into<String>) -> Self {
        Self::typed(StatusCode::BAD_REQUEST, "invalidValue", detail)
    }

    pub(crate) fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::typed(StatusCode::BAD_REQUEST, "invalidFilter", detail)
    }

    pub(crate) fn invalid_path(detail: impl Into<String>) -> Self {
        Self::typed(StatusCode::BAD_REQUEST, "invalidPath", detail)
    }

    pub(crate) fn no_target(detail: impl Into<String>) -> Self {
        Self::typed(StatusCode::BAD_REQUEST, "noTarget", detail)
    }

    pub(crate) fn mutability(detail: impl Into<String>) -> Self {
        Self::typed(StatusCode::BAD_REQUEST, "mutability", detail)
    }

    pub(crate) fn uniqueness(detail: impl Into<String>) -> Self {
        Self::typed(StatusCode::CONFLICT, "uniqueness", detail)
    }

    /// A paging error of RFC 9865, section 2: `invalidCursor`, `expiredCursor` or `invalidCount`.
    pub(crate) fn paging(scim_type: &'static str, detail: impl Into<String>) -> Self {
        Self::typed(StatusCode::BAD_REQUEST, scim_type, detail)
    }

    /// Nobody has this identifier.
    pub(crate) fn not_found(id: &str) -> Self {
        Self {
            unknown_id: true,
            ..Self::new(StatusCode::NOT_FOUND, format!("Resource {id} not found."))
        }
    }

    /// Returns the status as the personality gives it.
    fn told_status(&self, personality: &Personality) -> StatusCode {
        let told = match self.status.as_u16() {
            400 | 404 | 409 if personality.errors.lump.is_some() => personality.errors.lump,
            _ if self.unknown_id => Some(personality.errors.not_found),
            _ => None,
        };
        told.and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(self.status)
    }

    /// Returns the error body, as it stands in an answer and in a Bulk operation.
    pub(crate) fn body(&self, personality: &Personality) -> Value {
        let status = self.told_status(personality);
        let mut body = Map::new();
        body.insert("schemas".to_owned(), json!([ERROR_SCHEMA]));
        match personality.errors.status {
            StatusForm::String => {
                body.insert("status".to_owned(), json!(status.as_str()));
            }
            StatusForm::Number => {
                body.insert("status".to_owned(), json!(status.as_u16()));
            }
            StatusForm::Absent => {}
        }
        match personality.errors.vocabulary {
            Vocabulary::Scim => {
                if let Some(scim_type) = self.scim_type {
                    body.insert("scimType".to_owned(), json!(scim_type));
                }
                body.insert("detail".to_owned(), json!(self.detail));
            }
            Vocabulary::Aws => {
                body.insert(
                    "detail".to_owned(),
                    json!(format!("{}: {}", aws_name(status), self.detail)),
                );
            }
        }
        Value::Object(body)
    }

    /// Returns the whole answer.
    pub(crate) fn answer(&self, personality: &Personality) -> Answer {
        let status = self.told_status(personality);
        let answer = if status == StatusCode::UNAUTHORIZED && personality.http.empty_unauthorized {
            Answer::empty(status)
        } else {
            Answer::json(status, MEDIA_TYPE, &self.body(personality))
        };
        let answer = match personality.errors.vocabulary {
            Vocabulary::Aws => answer.with_header(
                header::HeaderName::from_static("x-amzn-errortype"),
                aws_name(status),
            ),
            Vocabulary::Scim => answer,
        };
        match status {
            StatusCode::UNAUTHORIZED => answer.with_header(
                header::WWW_AUTHENTICATE,
                r#"Bearer realm="scim", Basic realm="scim""#,
            ),
            _ => answer,
        }
    }
}

/// AWS's exception for a status. Source: singlesignon developerguide, the "Errors" of each operation.
fn aws_name(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "UnauthorizedException",
        403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        409 => "ConflictException",
        413 | 402 => "ServiceQuotaExceededException",
        429 => "ThrottlingException",
        500..=599 => "InternalServerException",
        _ => "ValidationException",
    }
}

/// Answers an armed failure in SCIM's words.
pub(crate) fn trouble(trouble: Trouble, personality: &Personality) -> Answer {
    let told = |status, detail: &str| Refusal::new(status, detail).answer(personality);
    let too_many = |seconds: u64| {
        told(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many requests; try again later.",
        )
        .with_header(header::RETRY_AFTER, &seconds.to_string())
    };
    match trouble {
        Trouble::Status(status) => told(
            status,
            status.canonical_reason().unwrap_or("The request failed."),
        ),
        Trouble::UserRate {
            retry_after_seconds,
        }
        | Trouble::AccountRate {
            retry_after_seconds,
        } => too_many(retry_after_seconds),
        Trouble::Concurrency => too_many(1),
        // SCIM knows no allocation of the day; a day is the longest any provider's documents name.
        Trouble::DailyLimit => too_many(86_400),
        Trouble::TokenExpired => told(StatusCode::UNAUTHORIZED, "The access token has expired."),
        Trouble::Licences => told(
            StatusCode::FORBIDDEN,
            "No licence is left for another active user.",
        ),
    }
}
