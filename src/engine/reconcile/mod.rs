//! Comparing a target's accounts with what was written and with what should be there, within a budget of reads; and what
//! is decided about the differences.
//!
//! `run` reads and compares, `rest` looks for what no page showed, `unfinished` goes on where a comparison stopped,
//! `account` says what the journal knows of one account, `resolve` accepts, restores and ignores, `claim` links and unlinks
//! by hand. Nothing is written at a target but by an ordinary operation, and nothing happens to an account that was not
//! created or adopted here.

mod account;
mod claim;
mod resolve;
mod rest;
mod run;
mod tap;
mod unfinished;

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{
    ConnectorRef, Divergence, Exceptions, Failure, Orphan, Reason, Resolution, RunId, Unavailable,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::SubmitError;
use crate::journal::JournalError;

pub use claim::ClaimError;
pub use resolve::{ResolveError, Wish};
pub(crate) use unfinished::{KEPT, Unfinished};

/// How many accounts that are not ours are named; the others are only counted.
const NAMED: usize = 20;

/// How much may be read of one target at once. A comparison that needs more goes on the next time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadBudget {
    /// Requests at most: pages, and questions about single accounts. Token calls count too.
    pub requests: u32,
    /// Accounts at most.
    pub accounts: u64,
    /// Accounts that one page asks for; targets have limits of their own.
    pub page: usize,
    /// An account that was written less than this ago is not called different or missing: targets need time to show it.
    pub patience: Duration,
}

impl Default for ReadBudget {
    fn default() -> Self {
        Self {
            requests: 500,
            accounts: 250_000,
            page: 500,
            patience: Duration::from_mins(1),
        }
    }
}

/// What one comparison counted, from its beginning: one that went on counts what was read before as well.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Accounts that the target listed.
    pub accounts: u64,
    /// Requests that were made.
    pub requests: u32,
    /// Pages that were read.
    pub pages: u64,
    /// Accounts that there are in all, as far as the target said so; 0 when it did not.
    pub announced: u64,
    /// Linked accounts that were compared.
    pub compared: u64,
    /// Those that are as they should be.
    pub in_sync: u64,
    /// Those with fields that differ.
    pub differing: u64,
    /// Linked accounts that the target does not have.
    pub missing: u64,
    /// Accounts that may be used and should not be there.
    pub unwanted: u64,
    /// Fields that differ and were let stand.
    pub excepted: u64,
    /// Accounts with an operation on its way; they are looked at next time.
    pub on_their_way: u64,
    /// Accounts that were written only just now; they are looked at next time.
    pub fresh: u64,
    /// Linked accounts of which it cannot be said what they should be, by reason.
    pub unsaid: BTreeMap<Reason, u64>,
    /// Fields that could not be compared because the target does not show them, with how many accounts.
    pub unseen: BTreeMap<String, u64>,
    /// Accounts of ours that nothing is linked to.
    pub ours: u64,
    /// Accounts that are not ours. They are never touched.
    pub strangers: u64,
    /// The names of some of them.
    pub stranger_names: Vec<String>,
    /// Entries of the lists that were no accounts.
    pub unreadable: u64,
    /// Links whose accounts were not looked for because reading stopped before.
    pub not_looked_for: u64,
    /// Why not everything was read.
    pub not_read: Option<NotRead>,
    /// Whether the next comparison goes on where this one stopped.
    pub goes_on: bool,
    /// Where it went on that had stopped before its end.
    pub continued: Option<Continued>,
    /// The comparison that it did not go on with, and begins in place of.
    pub given_up: Option<GivenUp>,
}

impl Tally {
    /// Tells whether everything was read and nothing differs.
    pub fn is_in_sync(&self) -> bool {
        self.found() == 0 && self.not_read.is_none()
    }

    /// Returns how many things were found that somebody should decide about.
    pub fn found(&self) -> u64 {
        self.differing + self.missing + self.unwanted + self.ours
    }
}

/// A comparison that had stopped before its end and went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continued {
    /// When it began.
    pub began: Timestamp,
    /// When it had stopped.
    pub stopped: Timestamp,
    /// Pages that had been read by then.
    pub pages: u64,
    /// Accounts that had been read by then.
    pub accounts: u64,
}

/// A comparison that had stopped before its end and was not gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// When it began.
    pub began: Timestamp,
    /// When it had stopped.
    pub stopped: Timestamp,
    /// Why another was begun.
    #[serde(flatten)]
    pub why: Anew,
}

/// Why a comparison was begun anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "anew", rename_all = "kebab-case")]
pub enum Anew {
    /// What accounts are compared by was changed.
    Configuration,
    /// It had stopped too long ago.
    Age,
    /// The target does not know any more where it had stopped.
    Place {
        /// How it refused to go on there.
        failure: Failure,
    },
}

/// Why a comparison did not read everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stopped", rename_all = "kebab-case")]
pub enum NotRead {
    /// The budget of requests is used up.
    Requests {
        /// The budget.
        budget: u32,
    },
    /// The budget of accounts is used up.
    Accounts {
        /// The budget.
        budget: u64,
    },
    /// The connector is paused, quarantined, disabled, or may not be spoken to.
    Held {
        /// The reason.
        reason: Reason,
        /// Since when, by whom.
        detail: String,
    },
    /// The target asked for quiet.
    Quiet {
        /// Until then.
        until: Timestamp,
    },
    /// The target could not be asked.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// The engine was stopped.
    Stopped,
}

/// What came of comparing one connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReconcileReport {
    /// The comparison.
    pub run: RunId,
    /// The connector.
    pub connector: ConnectorRef,
    /// When it began.
    pub at: Timestamp,
    /// What was counted.
    pub tally: Tally,
    /// The linked accounts that are not as they should be; all of them are in the journal, and here the first.
    pub divergences: Vec<Divergence>,
    /// The accounts of ours that nothing is linked to.
    pub orphans: Vec<Orphan>,
}

/// Why a comparison could not begin.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReconcileError {
    /// No such connector.
    #[error("there is no connector {0}")]
    ConnectorUnknown(ConnectorRef),
    /// The connector cannot be used as it is configured.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl From<JournalError> for ResolveError {
    fn from(error: JournalError) -> Self {
        Self::Submit(SubmitError::Journal(error))
    }
}

/// Returns the differences that are still let stand once something was written: a field that was written otherwise is
/// ours again.
pub(crate) fn left(exceptions: &Exceptions, written: &BTreeMap<String, Value>) -> Exceptions {
    exceptions
        .iter()
        .filter(|(field, exception)| {
            let stays = match exception.resolution {
                Resolution::Accept => &exception.actual,
                Resolution::Ignore => &exception.desired,
                Resolution::Restore => return false,
            };
            // Members and whether an account may be used are let stand by leaving them out of every update.
            written.get(*field).is_none_or(|value| value == stays)
                || *field == crate::blocking::MEMBERS
        })
        .map(|(field, exception)| (field.clone(), exception.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::Exception;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_exception_ends_when_the_field_is_written_otherwise() {
        let exception = |resolution| Exception {
            resolution,
            actual: json!("theirs"),
            desired: json!("ours"),
        };
        for (resolution, written, stays) in [
            (Resolution::Accept, Some("theirs"), true),
            (Resolution::Accept, Some("ours"), false),
            (Resolution::Accept, None, true),
            (Resolution::Ignore, Some("ours"), true),
            (Resolution::Ignore, Some("new"), false),
            (Resolution::Restore, None, false),
        ] {
            let exceptions = Exceptions::from([("title".to_owned(), exception(resolution))]);
            let written = written.map(|value| ("title".to_owned(), json!(value)));
            let left = left(&exceptions, &written.into_iter().collect());
            assert_eq!(!left.is_empty(), stays, "{resolution} {left:?}");
        }
    }
}
