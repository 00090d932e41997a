//! A failure that a connector reports, with what it asks for.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a failure asks for. Set by the code that read the answer, because only that code knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Try again, not before `after` has passed when the target said so.
    Retry {
        /// The target's own wish (`Retry-After`); never shortened.
        after: Option<Duration>,
    },
    /// The request may have been carried out: look before sending it again.
    AskFirst,
    /// Trying again cannot help until somebody changes something.
    GiveUp,
}

/// The kinds of failures: a closed list, each with its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The settings do not allow a request to be made (a missing secret, a bad key).
    Misconfigured,
    /// The target could not be reached: name, connection, TLS.
    Unreachable,
    /// The connection ended, or time ran out, after the request had left.
    ReplyLost,
    /// 401: the credentials are not accepted.
    Unauthenticated,
    /// 403 that is not a quota: not allowed.
    Forbidden,
    /// A rate or quota is used up.
    Quota,
    /// 5xx: the target has a problem.
    TargetError,
    /// The account is not there.
    NotFound,
    /// An account of that name is there.
    Conflict,
    /// The target refuses the content.
    Rejected,
    /// The answer could not be understood, was too large or came too slowly.
    Garbled,
    /// The target redirects to another host, which is not followed.
    Redirected,
    /// The target does not support what was asked.
    Unsupported,
}

impl FailureKind {
    /// Returns the word used in JSON, filters and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Misconfigured => "misconfigured",
            Self::Unreachable => "unreachable",
            Self::ReplyLost => "reply-lost",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Quota => "quota",
            Self::TargetError => "target-error",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
            Self::Garbled => "garbled",
            Self::Redirected => "redirected",
            Self::Unsupported => "unsupported",
        }
    }
}

/// What went wrong at a target, in its words and ours, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What it asks for.
    pub remedy: Remedy,
    /// The HTTP status, when an answer came.
    pub status: Option<u16>,
    /// What happened: the target's own words where it had any. No secrets.
    pub told: String,
    /// What a person can do about it.
    pub advice: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(
                f,
                "{}: the target answered {status}: {}",
                self.kind.word(),
                self.told
            ),
            None => write!(f, "{}: {}", self.kind.word(), self.told),
        }
    }
}
