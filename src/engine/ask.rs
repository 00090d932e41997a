//! Look before sending again.

use domain::{Failure, FailureKind, Remedy};

/// Tells whether a request may have been carried out although it failed.
///
/// A name that is taken and an account that is gone are answers: nothing was done, but there is something to look for.
pub(crate) fn leaves_doubt(failure: &Failure) -> bool {
    failure.remedy == Remedy::AskFirst
        && !matches!(failure.kind, FailureKind::Conflict | FailureKind::NotFound)
}
