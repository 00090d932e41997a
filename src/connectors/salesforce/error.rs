//! What a Salesforce refusal means: an array of errors, each with a code that says more than the status.

use domain::{Failure, FailureKind, Remedy};
use jiff::Timestamp;
use serde_json::Value;

use crate::http::{Answer, Replay, classify};

/// What was being done when the target refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Making a user.
    Create,
    /// Changing or reading one user.
    Change,
    /// Querying.
    Ask,
}

/// Names a refusal. Source of the codes: api_rest errorcodes, and StatusCode of the SOAP API's core data types.
pub(crate) fn failure(answer: &Answer, doing: Doing, now: Timestamp) -> Failure {
    let replay = match doing {
        Doing::Create => Replay::AskFirst,
        Doing::Change | Doing::Ask => Replay::Safe,
    };
    let content = answer.maybe_json().unwrap_or_default();
    let (code, told) = words(&content);
    let told = told.unwrap_or_else(|| answer.excerpt());
    let mut failure = classify::status(answer.status, &answer.headers, now, told, replay);
    let retry = Remedy::Retry {
        after: classify::retry_after(&answer.headers, now),
    };
    let (kind, remedy, advice) = match (code, doing) {
        ("REQUEST_LIMIT_EXCEEDED", _) => (
            FailureKind::Quota,
            retry,
            "The organization's requests of the last 24 hours are used up; what is still owed is sent again later.",
        ),
        ("DUPLICATE_USERNAME", _) => (
            FailureKind::Conflict,
            Remedy::AskFirst,
            "User names are unique over all Salesforce organizations: link the user with on_existing = \"adopt\", or \
             make the provisioning pattern give another name.",
        ),
        ("DUPLICATE_COMM_NICKNAME", _) => (
            FailureKind::Rejected,
            Remedy::GiveUp,
            "Map CommunityNickname to something unique.",
        ),
        ("LICENSE_LIMIT_EXCEEDED", _) => (
            FailureKind::Rejected,
            Remedy::GiveUp,
            "Every licence of the profile is taken: free one or buy more, then retry.",
        ),
        ("UNABLE_TO_LOCK_ROW" | "SERVER_UNAVAILABLE" | "QUERY_TIMEOUT", _) => (
            FailureKind::TargetError,
            retry,
            "The target is busy; what is still owed is sent again later.",
        ),
        ("NOT_FOUND" | "ENTITY_IS_DELETED", Doing::Change) => (
            FailureKind::NotFound,
            Remedy::AskFirst,
            "The user is not there.",
        ),
        ("NOT_FOUND", Doing::Create | Doing::Ask) => (
            FailureKind::NotFound,
            Remedy::GiveUp,
            "Check `domain_name` and `api_version`: there is nothing at this address.",
        ),
        ("REQUIRED_FIELD_MISSING", _) => (
            FailureKind::Rejected,
            Remedy::GiveUp,
            "Map the fields that the target names under [[connections.attributes]].",
        ),
        (
            "API_DISABLED_FOR_ORG"
            | "API_CURRENTLY_DISABLED"
            | "INSUFFICIENT_ACCESS_OR_READONLY"
            | "INSUFFICIENT_ACCESS",
            _,
        ) => (
            FailureKind::Forbidden,
            Remedy::GiveUp,
            "Give the user that provisions API access and the permission to manage users.",
        ),
        _ => return failure,
    };
    failure.kind = kind;
    failure.remedy = remedy;
    advice.clone_into(&mut failure.advice);
    failure
}

/// Returns the first error's code, and all of them in words. A create's result lists them under `errors`, and a
/// collection's says `statusCode`.
fn words(content: &Value) -> (&str, Option<String>) {
    let errors = content.get("errors").unwrap_or(content);
    let code = |error: &Value| {
        let code = error.get("errorCode").or_else(|| error.get("statusCode"));
        code.and_then(Value::as_str).map(str::to_owned)
    };
    let told: Vec<String> = errors
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| {
            let message = error.get("message").and_then(Value::as_str);
            match (code(error), message) {
                (Some(code), Some(message)) => {
                    Some(format!("{code}: {message}{}", named_fields(error)))
                }
                (Some(one), None) => Some(one),
                (None, message) => message.map(str::to_owned),
            }
        })
        .collect();
    let first = errors
        .get(0)
        .and_then(|error| error.get("errorCode").or_else(|| error.get("statusCode")))
        .and_then(Value::as_str)
        .unwrap_or_default();
    (first, (!told.is_empty()).then(|| told.join("; ")))
}

fn named_fields(error: &Value) -> String {
    let fields: Vec<&str> = error
        .get("fields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if fields.is_empty() {
        String::new()
    } else {
        format!(" [{}]", fields.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_code_decides() {
        let retry = Remedy::Retry { after: None };
        for (status, code, doing, kind, remedy) in [
            (
                403,
                "REQUEST_LIMIT_EXCEEDED",
                Doing::Create,
                FailureKind::Quota,
                retry,
            ),
            (
                400,
                "DUPLICATE_USERNAME",
                Doing::Create,
                FailureKind::Conflict,
                Remedy::AskFirst,
            ),
            (
                400,
                "DUPLICATE_USERNAME",
                Doing::Change,
                FailureKind::Conflict,
                Remedy::AskFirst,
            ),
            (
                400,
                "UNABLE_TO_LOCK_ROW",
                Doing::Change,
                FailureKind::TargetError,
                retry,
            ),
            (
                400,
                "LICENSE_LIMIT_EXCEEDED",
                Doing::Create,
                FailureKind::Rejected,
                Remedy::GiveUp,
            ),
            (
                404,
                "NOT_FOUND",
                Doing::Change,
                FailureKind::NotFound,
                Remedy::AskFirst,
            ),
            (
                404,
                "NOT_FOUND",
                Doing::Ask,
                FailureKind::NotFound,
                Remedy::GiveUp,
            ),
            (
                401,
                "INVALID_SESSION_ID",
                Doing::Change,
                FailureKind::Unauthenticated,
                Remedy::GiveUp,
            ),
            (
                503,
                "SERVER_UNAVAILABLE",
                Doing::Create,
                FailureKind::TargetError,
                retry,
            ),
            (
                400,
                "MALFORMED_QUERY",
                Doing::Ask,
                FailureKind::Rejected,
                Remedy::GiveUp,
            ),
        ] {
            let body = json!([{"message": "words", "errorCode": code, "fields": ["Username"]}]);
            let failure = failure(&Answer::sample(status, &body), doing, Timestamp::UNIX_EPOCH);
            assert_eq!((failure.kind, failure.remedy), (kind, remedy), "{code}");
            assert_eq!(failure.told, format!("{code}: words [Username]"));
        }
    }
}
