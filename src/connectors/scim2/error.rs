//! What a SCIM refusal means. Servers word them in many ways; all of them are read (RFC 7644, section 3.12).

use domain::{Failure, FailureKind, Remedy};
use jiff::Timestamp;
use serde_json::Value;

use crate::http::classify::{self, advise};
use crate::http::{Answer, Replay};
use crate::path::find;

/// What was being done when the target refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Making an account.
    Create,
    /// Changing an account, or taking it away.
    Change,
    /// Asking.
    Ask,
}

/// Names a refusal.
pub(crate) fn failure(answer: &Answer, doing: Doing, now: Timestamp) -> Failure {
    let replay = match doing {
        Doing::Create => Replay::AskFirst,
        Doing::Change | Doing::Ask => Replay::Safe,
    };
    let content = answer.maybe_json().unwrap_or_default();
    let told = words(&content).unwrap_or_else(|| answer.excerpt());
    let mut failure = classify::status(answer.status, &answer.headers, now, told, replay);
    match (answer.status, doing) {
        (400..=499, _) if scim_type(&content) == Some("uniqueness") => taken(&mut failure),
        (409, _) => taken(&mut failure),
        (404 | 410, Doing::Create | Doing::Ask) => {
            failure.remedy = Remedy::GiveUp;
            advise(
                &mut failure,
                "Check the endpoint: there is nothing at this address.",
            );
        }
        (412, _) => {
            failure.kind = FailureKind::TargetError;
            failure.remedy = Remedy::Retry { after: None };
            advise(
                &mut failure,
                "The account changed meanwhile; it is read and written again.",
            );
        }
        // Some servers answer 500 where 409 belongs (scimgateway 6.1.18, plugin-loki), so look before the next try.
        (500, Doing::Create) => failure.remedy = Remedy::AskFirst,
        _ => {}
    }
    failure
}

fn taken(failure: &mut Failure) {
    failure.kind = FailureKind::Conflict;
    failure.remedy = Remedy::AskFirst;
    advise(
        failure,
        "Link the account with on_existing = \"adopt\", or rename one of the two.",
    );
}

/// Tells whether a PATCH was refused for its form, so that a full PUT may succeed.
pub(crate) fn refuses_patch(answer: &Answer) -> bool {
    let content = answer.maybe_json().unwrap_or_default();
    match answer.status {
        405 | 501 => true,
        400 => matches!(
            scim_type(&content),
            Some("invalidPath" | "noTarget" | "invalidSyntax" | "invalidFilter")
        ),
        _ => false,
    }
}

fn scim_type(content: &Value) -> Option<&str> {
    find(content, "scimType").and_then(Value::as_str)
}

/// Returns the target's own words: `detail` with `scimType`, or what AWS, Slack and others say instead.
fn words(content: &Value) -> Option<String> {
    let nested = find(content, "Errors").map(|errors| errors.get(0).unwrap_or(errors));
    let places = [Some(content), nested];
    let detail = places
        .into_iter()
        .flatten()
        .find_map(|place| {
            [
                "detail",
                "description",
                "message",
                "error_description",
                "error",
            ]
            .iter()
            .find_map(|name| find(place, name).and_then(Value::as_str))
        })
        .filter(|detail| !detail.trim().is_empty());
    let code = scim_type(content)
        .or_else(|| find(content, "__type").and_then(Value::as_str))
        .filter(|code| !code.is_empty());
    match (detail, code) {
        (Some(detail), Some(code)) => Some(format!("{detail} ({code})")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_targets_own_words_are_found_wherever_they_stand() {
        for (content, told) in [
            (
                json!({"detail": "userName is taken", "scimType": "uniqueness", "status": 409}),
                Some("userName is taken (uniqueness)"),
            ),
            (
                json!({"__type": "ValidationException", "message": "no"}),
                Some("no (ValidationException)"),
            ),
            (
                json!({"Errors": {"description": "user_not_found", "code": 404}}),
                Some("user_not_found"),
            ),
            (json!({"Errors": [{"description": "bad"}]}), Some("bad")),
            (json!({"scimType": "tooMany"}), Some("tooMany")),
            (json!({"detail": "  "}), None),
            (json!([1]), None),
        ] {
            assert_eq!(words(&content).as_deref(), told);
        }
    }
}
