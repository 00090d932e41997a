//! The crash campaign: real traffic in a process of its own, killed at seeded moments while its targets misbehave.
//!
//! `campaign` kills and starts again, `traffic` is what the killed process does, `stage` is the folder and the mocks,
//! `compare` holds the targets' content against the directory at the end.

mod campaign;
mod compare;
mod stage;
mod traffic;

use std::path::PathBuf;

pub use campaign::{Options, Report, Run, campaign};
pub use compare::Verdict;
pub use traffic::{Mode, Order, Told, work};

/// Why a campaign could not be carried out. What it finds wrong is no error: it is in the report.
#[derive(Debug, thiserror::Error)]
pub enum CrashError {
    /// A file or the process cannot be used.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The mocks do not start.
    #[error(transparent)]
    Mocks(#[from] crate::mocks_of::MocksError),
    /// The campaign's own configuration has errors.
    #[error("the campaign's configuration cannot be used\n{0}")]
    Configuration(String),
    /// The engine does not start.
    #[error("the engine does not start: {0}")]
    Engine(#[from] engine::StartError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] engine::JournalError),
    /// The working process ended by itself.
    #[error("the working process ended by itself ({status}); its folder is {}\n{told}", folder.display())]
    Ended {
        /// How.
        status: String,
        /// What it said last.
        told: String,
        /// Its folder, which is kept.
        folder: PathBuf,
    },
}

fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> CrashError {
    let what = what.into();
    move |source| CrashError::System { what, source }
}
