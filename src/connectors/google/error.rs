//! What a refusal of the Directory API means: the reason in its error envelope says more than the status.

use domain::{Failure, FailureKind, Remedy};
use jiff::Timestamp;
use serde_json::Value;

use crate::http::classify::{self, advise};
use crate::http::{Answer, Replay};

/// What was being done when the target refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Making a user.
    Create,
    /// Changing, reading or deleting a user.
    Change,
}

/// Reasons of a used-up quota: they come as 403 or 429. Source: directory/v1/limits.
const QUOTA: &[&str] = &[
    "userRateLimitExceeded",
    "rateLimitExceeded",
    "quotaExceeded",
    "dailyLimitExceeded",
    "limitExceeded",
];

/// Names a refusal.
pub(crate) fn failure(answer: &Answer, doing: Doing, now: Timestamp) -> Failure {
    let replay = match doing {
        Doing::Create => Replay::AskFirst,
        Doing::Change => Replay::Safe,
    };
    let content = answer.maybe_json().unwrap_or_default();
    let (reason, message) = words(&content);
    let told = match (reason, message) {
        (Some(reason), Some(message)) => format!("{message} ({reason})"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => answer.excerpt(),
    };
    let mut failure = classify::status(answer.status, &answer.headers, now, told, replay);
    let reason = reason.unwrap_or_default();
    match (answer.status, doing) {
        (403, _) if QUOTA.contains(&reason) => {
            failure.kind = FailureKind::Quota;
            failure.remedy = Remedy::Retry {
                after: classify::retry_after(&answer.headers, now),
            };
            advise(
                &mut failure,
                "The quota is used up; what is still owed is sent again later.",
            );
        }
        (403, _) => advise(&mut failure, forbidden(reason)),
        (404, Doing::Create) => not_ours(&mut failure),
        (404, Doing::Change) if message.is_some_and(|message| message.starts_with("Domain")) => {
            not_ours(&mut failure);
        }
        (412, _) => {
            failure.kind = FailureKind::TargetError;
            failure.remedy = Remedy::Retry { after: None };
            advise(
                &mut failure,
                "Google is still making the user; what is still owed is sent again later.",
            );
        }
        _ => {}
    }
    failure
}

fn not_ours(failure: &mut Failure) {
    failure.kind = FailureKind::Rejected;
    failure.remedy = Remedy::GiveUp;
    advise(
        failure,
        "Set `google_domain` to a domain of this Google Workspace account.",
    );
}

fn forbidden(reason: &str) -> &'static str {
    match reason {
        "insufficientPermissions" => {
            "Delegate the scope admin.directory.user to the service account in the Admin console."
        }
        "accessNotConfigured" => "Enable the Admin SDK API in the service account's project.",
        _ => {
            "The administrator may not do this, or the address is outside the account's domains: check \
             `administrators_email` and `google_domain`."
        }
    }
}

/// Returns the reason and the message, from the envelope or from an OAuth error.
fn words(content: &Value) -> (Option<&str>, Option<&str>) {
    let error = &content["error"];
    if let Some(code) = error.as_str() {
        return (Some(code), content["error_description"].as_str());
    }
    (
        error["errors"][0]["reason"]
            .as_str()
            .or_else(|| error["status"].as_str()),
        error["message"].as_str(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(status: u16, reason: &str, message: &str, doing: Doing) -> (FailureKind, Remedy) {
        let body = json!({"error": {"code": status, "message": message,
            "errors": [{"domain": "global", "reason": reason, "message": message}]}});
        let failure = failure(&Answer::sample(status, &body), doing, Timestamp::UNIX_EPOCH);
        assert_eq!(failure.told, format!("{message} ({reason})"));
        (failure.kind, failure.remedy)
    }

    #[test]
    fn the_reason_decides() {
        let retry = Remedy::Retry { after: None };
        let give_up = Remedy::GiveUp;
        for (status, reason, message, doing, kind, remedy) in [
            (
                403,
                "userRateLimitExceeded",
                "Quota",
                Doing::Create,
                FailureKind::Quota,
                retry,
            ),
            (
                403,
                "quotaExceeded",
                "Quota",
                Doing::Change,
                FailureKind::Quota,
                retry,
            ),
            (
                429,
                "rateLimitExceeded",
                "Quota",
                Doing::Change,
                FailureKind::Quota,
                retry,
            ),
            (
                403,
                "forbidden",
                "Not Authorized",
                Doing::Create,
                FailureKind::Forbidden,
                give_up,
            ),
            (
                404,
                "notFound",
                "Resource Not Found: userKey",
                Doing::Change,
                FailureKind::NotFound,
                Remedy::AskFirst,
            ),
            (
                404,
                "notFound",
                "Domain not found.",
                Doing::Change,
                FailureKind::Rejected,
                give_up,
            ),
            (
                404,
                "notFound",
                "Domain not found.",
                Doing::Create,
                FailureKind::Rejected,
                give_up,
            ),
            (
                409,
                "duplicate",
                "Entity already exists.",
                Doing::Create,
                FailureKind::Conflict,
                Remedy::AskFirst,
            ),
            (
                409,
                "duplicate",
                "Entity already exists.",
                Doing::Change,
                FailureKind::Conflict,
                Remedy::AskFirst,
            ),
            (
                412,
                "conditionNotMet",
                "User creation is not complete",
                Doing::Change,
                FailureKind::TargetError,
                retry,
            ),
            (
                400,
                "invalid",
                "Invalid Password",
                Doing::Create,
                FailureKind::Rejected,
                give_up,
            ),
            (
                503,
                "backendError",
                "Service unavailable",
                Doing::Create,
                FailureKind::TargetError,
                retry,
            ),
        ] {
            assert_eq!(
                named(status, reason, message, doing),
                (kind, remedy),
                "{status} {reason}"
            );
        }
    }
}
