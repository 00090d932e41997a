//! Users from a file, one trigger per row.

use std::io::Read;

/// A file of users.
pub struct Import {
    /// The content.
    pub content: Box<dyn Read + Send>,
    /// How it is written.
    pub format: ImportFormat,
    /// How many rows are submitted at once.
    pub concurrency: usize,
}

/// How a file of users is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// Comma-separated values; the header names claims by short name or URI, besides `userName`, `store`, `roles`, `groups`.
    Csv,
    /// SCIM 2.0 users as JSON: a list response, an array, or one user per line.
    Scim,
}

/// What has come of an import so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Rows read.
    pub rows: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Users created.
    pub created: u64,
    /// Users that were there already.
    pub skipped: u64,
    /// Rows that could not be imported, with the reason; only the first thousand are kept.
    pub errors: Vec<RowError>,
    /// How many rows could not be imported.
    pub failed: u64,
}

/// A row that could not be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The row, from 1; the header of a CSV file does not count.
    pub row: u64,
    /// The user name, when there is one.
    pub name: Option<String>,
    /// Why.
    pub told: String,
}

/// Why an import stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The content cannot be read on.
    #[error("the file cannot be read after row {row}: {told}")]
    Unreadable {
        /// The last row that was read.
        row: u64,
        /// Why.
        told: String,
    },
    /// The engine takes nothing more.
    #[error("the import stopped after row {row}: {told}")]
    Stopped {
        /// The last row that was taken.
        row: u64,
        /// Why.
        told: String,
    },
}
