//! What an answer, or its absence, asks for, before a vendor's own words are looked at.

use std::error::Error as _;
use std::time::Duration;

use domain::{Failure, FailureKind, Remedy};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::resolve::LeadsInside;

/// Whether sending the same request again could do the thing twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replay {
    /// Sending again does no harm: reads, and writes that set a state.
    Safe,
    /// Sending again could make a second account: look first.
    AskFirst,
}

impl Replay {
    /// Returns the remedy for a request that may have been carried out.
    pub(crate) fn after_doubt(self) -> Remedy {
        match self {
            Self::Safe => Remedy::Retry { after: None },
            Self::AskFirst => Remedy::AskFirst,
        }
    }
}

/// Makes a failure without a status.
pub(crate) fn failure(
    kind: FailureKind,
    remedy: Remedy,
    told: impl Into<String>,
    advice: &str,
) -> Failure {
    Failure {
        kind,
        remedy,
        status: None,
        told: told.into(),
        advice: advice.to_owned(),
    }
}

/// Gives a failure another advice.
pub(crate) fn advise(failure: &mut Failure, advice: &str) {
    advice.clone_into(&mut failure.advice);
}

/// Names the failure of a request that brought no status line.
///
/// What failed while connecting was never sent; everything later may have been carried out.
pub(crate) fn no_answer(error: &reqwest::Error, replay: Replay) -> Failure {
    let told = causes(error);
    if error.is_builder() {
        return failure(
            FailureKind::Misconfigured,
            Remedy::GiveUp,
            told,
            "Correct the address or the header that cannot be sent.",
        );
    }
    if leads_inside(error) {
        return failure(
            FailureKind::Unreachable,
            Remedy::Retry { after: None },
            told,
            "A name of another machine may not lead to this one: correct the address or the name service; this machine \
             itself is named localhost.",
        );
    }
    if error.is_connect() {
        return failure(
            FailureKind::Unreachable,
            Remedy::Retry { after: None },
            told.as_str(),
            connect_advice(&told),
        );
    }
    let told = if error.is_timeout() {
        "no answer within the request timeout".to_owned()
    } else {
        told
    };
    failure(
        FailureKind::ReplyLost,
        replay.after_doubt(),
        told,
        "The request may have been carried out; it is looked for before it is sent again where that matters.",
    )
}

fn leads_inside(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(source) = cause {
        if source.downcast_ref::<LeadsInside>().is_some() {
            return true;
        }
        cause = source.source();
    }
    false
}

fn connect_advice(told: &str) -> &'static str {
    if told.contains("UnknownIssuer") || told.contains("CaUsedAsEndEntity") {
        "The target's certificate comes from an authority that is not trusted here: name the authority's PEM file in \
         the connector's `ca_file`."
    } else if told.contains("certificate") {
        "The target's certificate does not fit its address, or has expired: correct the address or have the \
         certificate renewed."
    } else if told.contains("dns") || told.contains("lookup") {
        "The host name is not known: correct the address."
    } else {
        "Check that the target runs and that the address and port are right."
    }
}

/// Returns an error with its causes, outermost first, each said once and without the address.
fn causes(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(source) = cause {
        let text = source.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        cause = source.source();
    }
    if parts.is_empty() {
        parts.push("the request could not be sent".to_owned());
    }
    parts.join(": ")
}

/// Names the failure of a body that broke off, came too slowly, or was too large or unreadable.
pub(crate) fn garbled(status: u16, told: impl Into<String>, replay: Replay) -> Failure {
    Failure {
        kind: FailureKind::Garbled,
        remedy: replay.after_doubt(),
        status: Some(status),
        told: told.into(),
        advice: "Look at the exchange: what answered there may not be the target at all."
            .to_owned(),
    }
}

/// Names a refusal by its status alone; a vendor's own code may say more.
pub(crate) fn status(
    status: u16,
    headers: &HeaderMap,
    now: Timestamp,
    told: String,
    replay: Replay,
) -> Failure {
    let retry = Remedy::Retry {
        after: retry_after(headers, now),
    };
    let (kind, remedy, advice) = match status {
        401 => (
            FailureKind::Unauthenticated,
            Remedy::GiveUp,
            "Check the connector's credentials: the target does not accept them.",
        ),
        403 => (
            FailureKind::Forbidden,
            Remedy::GiveUp,
            "Give the account that provisions the right to do this at the target.",
        ),
        404 | 410 => (
            FailureKind::NotFound,
            Remedy::AskFirst,
            "The account is not there; check the endpoint if none ever is.",
        ),
        408 | 425 => (
            FailureKind::TargetError,
            retry,
            "The target was too busy to take the request; what is still owed is sent again.",
        ),
        409 => (
            FailureKind::Conflict,
            Remedy::AskFirst,
            "Link the account with on_existing = \"adopt\", or rename one of the two.",
        ),
        429 => (
            FailureKind::Quota,
            retry,
            "The target's quota is used up; what is still owed is sent again later.",
        ),
        501 | 405 => (
            FailureKind::Unsupported,
            Remedy::GiveUp,
            "The target does not support this; see what it announces with a check of the connector.",
        ),
        502 | 504 if replay == Replay::AskFirst => (
            FailureKind::TargetError,
            Remedy::AskFirst,
            "Something in front of the target gave up waiting; the target may have done it.",
        ),
        500..=599 => (
            FailureKind::TargetError,
            retry,
            "The target has a problem of its own; what is still owed is sent again later.",
        ),
        300..=399 => (
            FailureKind::Redirected,
            Remedy::GiveUp,
            "Write the address that the target redirects to into the settings, if it is the right one.",
        ),
        _ => (
            FailureKind::Rejected,
            Remedy::GiveUp,
            "Correct what the target names: the user's data or the attribute mapping.",
        ),
    };
    Failure {
        kind,
        remedy,
        status: Some(status),
        told,
        advice: advice.to_owned(),
    }
}

/// Reads `Retry-After`: seconds or an HTTP date (RFC 9110, section 10.2.3). A date that has passed means now.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy(code: u16, replay: Replay) -> (FailureKind, Remedy) {
        let failure = status(
            code,
            &HeaderMap::new(),
            Timestamp::UNIX_EPOCH,
            String::new(),
            replay,
        );
        (failure.kind, failure.remedy)
    }

    #[test]
    fn what_is_advised_is_true_of_a_change_that_was_given_up_too() {
        for code in [408, 429, 500, 503] {
            let now = Timestamp::UNIX_EPOCH;
            let failure = status(code, &HeaderMap::new(), now, String::new(), Replay::Safe);
            assert!(failure.advice.contains("what is still owed"), "{failure:?}");
        }
    }

    #[test]
    fn each_status_has_its_remedy() {
        let retry = Remedy::Retry { after: None };
        for (code, kind, safe, create) in [
            (400, FailureKind::Rejected, Remedy::GiveUp, Remedy::GiveUp),
            (
                401,
                FailureKind::Unauthenticated,
                Remedy::GiveUp,
                Remedy::GiveUp,
            ),
            (403, FailureKind::Forbidden, Remedy::GiveUp, Remedy::GiveUp),
            (
                404,
                FailureKind::NotFound,
                Remedy::AskFirst,
                Remedy::AskFirst,
            ),
            (408, FailureKind::TargetError, retry, retry),
            (
                409,
                FailureKind::Conflict,
                Remedy::AskFirst,
                Remedy::AskFirst,
            ),
            (413, FailureKind::Rejected, Remedy::GiveUp, Remedy::GiveUp),
            (422, FailureKind::Rejected, Remedy::GiveUp, Remedy::GiveUp),
            (429, FailureKind::Quota, retry, retry),
            (500, FailureKind::TargetError, retry, retry),
            (
                501,
                FailureKind::Unsupported,
                Remedy::GiveUp,
                Remedy::GiveUp,
            ),
            (502, FailureKind::TargetError, retry, Remedy::AskFirst),
            (503, FailureKind::TargetError, retry, retry),
            (504, FailureKind::TargetError, retry, Remedy::AskFirst),
            (302, FailureKind::Redirected, Remedy::GiveUp, Remedy::GiveUp),
        ] {
            assert_eq!(remedy(code, Replay::Safe), (kind, safe), "{code}");
            assert_eq!(remedy(code, Replay::AskFirst), (kind, create), "{code}");
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        for (value, after) in [
            ("7", Some(7)),
            ("Sun, 22 Nov 2026 10:01:30 GMT", Some(90)),
            ("Sun, 22 Nov 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
            ("99999999999999999999999", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            assert_eq!(
                retry_after(&headers, now),
                after.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}
