//! The journal: one SQLite file with append-only facts and the tables folded from them in the same transaction.
//!
//! One thread writes; whoever has something to write hands it over and awaits its commit, and what is handed over while
//! a commit is under way is committed together. Readers have connections of their own. No type of the database leaves
//! this folder, so that another tenant can take its place.

mod checkpoint;
mod code;
mod fold;
mod history;
mod lock;
mod migrate;
mod pack;
mod press;
mod read;
mod reconcile;
mod retain;
mod schema;
mod shorthand;
mod standing;
mod work;
mod write;

pub(crate) use history::write_history;
#[cfg(test)]
pub(crate) use migrate::VERSION as FORMAT;
pub use press::train_dictionary;
pub use read::{
    Counts, ExchangeFilter, ExchangeView, FlowSummary, LeftBehind, OperationFilter, OperationView,
    Page, Reader,
};
pub(crate) use reconcile::Note;
pub use reconcile::{DriftView, ReconcileView};
pub use retain::{Compaction, CompactionCause, Kept, Room};
pub(crate) use retain::{FormerKey, Removed, Step};
#[cfg(test)]
pub(crate) use schema::FORMAT_1;
pub(crate) use work::{Course, Open, Unresolved};
pub(crate) use write::{Batch, Journal, Refused};

use crate::IllegalFact;

/// Why the journal could not be opened, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The file or its folder cannot be used.
    #[error("journal {path} cannot be used: {told}")]
    Unusable {
        /// The file.
        path: String,
        /// What the system said.
        told: String,
    },
    /// Another process works on this file.
    #[error("journal {path} is in use by {}", pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    InUse {
        /// The file.
        path: String,
        /// The other process, when it can be told.
        pid: Option<u32>,
    },
    /// A newer program wrote the file.
    #[error(
        "the journal has format {found}, and this program knows formats up to {known}; use a newer one"
    )]
    Newer {
        /// The format of the file.
        found: i64,
        /// The newest format that is known here.
        known: i64,
    },
    /// An older program wrote the file, and a reader changes nothing.
    #[error(
        "the journal has format {found}, and this program reads format {known}; an engine that starts on it brings it up to date"
    )]
    Older {
        /// The format of the file.
        found: i64,
        /// The format that is read here.
        known: i64,
    },
    /// The file holds something else.
    #[error("the file is not a journal of this program")]
    NotAJournal,
    /// The database refused: the disk is full, the file is read-only or damaged.
    #[error("the journal cannot be read or written: {told}")]
    Store {
        /// What the database said.
        told: String,
    },
    /// A fact cannot be read back.
    #[error("fact {seq} of the journal cannot be read: {told}")]
    Unreadable {
        /// The fact's number.
        seq: u64,
        /// What is wrong with it.
        told: String,
    },
    /// The engine was about to write what its own table forbids.
    #[error(transparent)]
    Illegal(#[from] IllegalFact),
    /// The writer has ended.
    #[error("the journal is closed")]
    Closed,
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store {
            told: error.to_string(),
        }
    }
}
