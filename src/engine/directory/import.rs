//! Users from a file, one trigger per row.

use std::fmt;
use std::future::Future;
use std::io::Read;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use domain::Request;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::rows::{self, Row};
use crate::Engine;
use crate::flow::import_request;
use crate::handle::{DirectoryError, SubmitError};

/// A file of users.
pub struct Import {
    /// The content.
    pub content: Box<dyn Read + Send>,
    /// How it is written.
    pub format: ImportFormat,
    /// How many rows are submitted at once.
    pub concurrency: usize,
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Import({:?})", self.format)
    }
}

/// How a file of users is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// Comma-separated values; the header names claims by short name or URI, besides `userName`, `store`, `roles`, `groups`,
    /// `password`.
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
    /// Rows that could not be imported, with the reason, in the order of the rows at the end; only the first thousand
    /// are kept.
    pub errors: Vec<RowError>,
    /// How many rows could not be imported.
    pub failed: u64,
    /// Somebody stopped it: no more rows are taken.
    pub stopped: bool,
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

/// Who takes the requests of an import: an engine, or somebody who hands them to one elsewhere.
#[async_trait]
pub trait Intake: Send + Sync + 'static {
    /// Takes one request; answered when its caller may go on.
    async fn take(&self, request: Request) -> Intaken;
}

/// What became of a request of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intaken {
    /// The user was created.
    Created,
    /// The user was there already.
    There,
    /// The user was not created, and why; the import goes on.
    Refused(String),
    /// Nothing more is taken, and why.
    Stopped(String),
}

#[async_trait]
impl Intake for Engine {
    async fn take(&self, request: Request) -> Intaken {
        match self.submit(request).await {
            Ok(outcome) if outcome.is_accepted() => Intaken::Created,
            Ok(_) => Intaken::Refused(BLOCKED.to_owned()),
            Err(SubmitError::Directory(DirectoryError::NameTaken { .. })) => Intaken::There,
            Err(SubmitError::Directory(error)) => Intaken::Refused(error.to_string()),
            Err(error @ (SubmitError::Journal(_) | SubmitError::Stopped)) => {
                Intaken::Stopped(error.to_string())
            }
        }
    }
}

/// Why a row was not imported whose user a blocking provisioner refused.
pub const BLOCKED: &str = "a blocking provisioner failed, so the user was not created";

/// How many errors of rows a report keeps.
const KEPT: usize = 1000;

/// What became of one row.
enum Fate {
    Created,
    Skipped,
    Wrong(RowError),
    Stopped(u64, String),
}

/// Imports users, one request per row, several at once, with a bounded number in memory. `progress` is called after every
/// row.
///
/// Rows that are there already are skipped, so that an import that was stopped can be started again.
///
/// # Errors
/// [`ImportError`] when the content cannot be read on or nothing more is taken; a row that is wrong by itself is in the
/// report.
pub async fn import(
    intake: Arc<dyn Intake>,
    source: Import,
    progress: impl FnMut(&ImportReport) + Send,
) -> Result<ImportReport, ImportError> {
    import_until(intake, source, progress, std::future::pending()).await
}

/// Imports users as [`import`] does, until `stop` comes. Then no more rows are taken; those that were taken are waited for
/// and counted, because what was handed in is made whether anybody waits or not.
///
/// # Errors
/// As [`import`]. Being stopped is no error: the report says so.
pub async fn import_until(
    intake: Arc<dyn Intake>,
    source: Import,
    mut progress: impl FnMut(&ImportReport) + Send,
    stop: impl Future<Output = ()> + Send,
) -> Result<ImportReport, ImportError> {
    let mut stop = pin!(stop);
    let width = source.concurrency.max(1);
    let (sender, mut rows) = mpsc::channel::<Row>(width);
    // Reading blocks, so it has a thread of its own; it ends when nobody takes rows any more.
    let reading = tokio::task::spawn_blocking(move || {
        rows::read(source.content, source.format, &mut |row| {
            sender.blocking_send(row).is_ok()
        })
    });
    let mut report = ImportReport::default();
    let mut under_way = JoinSet::new();
    let mut stopped = None;
    while stopped.is_none() {
        tokio::select! {
            biased;
            () = &mut stop => {
                report.stopped = true;
                progress(&report);
                break;
            }
            Some(fate) = under_way.join_next(), if !under_way.is_empty() => {
                stopped = report.count(fate.unwrap_or_else(|error| Fate::Stopped(0, error.to_string())));
                progress(&report);
            }
            row = rows.recv(), if under_way.len() < width => {
                let Some(row) = row else {
                    break;
                };
                report.rows = row.number;
                report.bytes = row.bytes;
                under_way.spawn(submit(Arc::clone(&intake), row));
            }
        }
    }
    drop(rows);
    while let Some(fate) = under_way.join_next().await {
        let fate = fate.unwrap_or_else(|error| Fate::Stopped(0, error.to_string()));
        stopped = stopped.or(report.count(fate));
        progress(&report);
    }
    report.errors.sort_by_key(|error| error.row);
    if let Some(error) = stopped {
        return Err(error);
    }
    if report.stopped {
        return Ok(report);
    }
    match reading.await {
        Ok(Ok(())) => Ok(report),
        Ok(Err(told)) => Err(ImportError::Unreadable {
            row: report.rows,
            told,
        }),
        Err(error) => Err(ImportError::Unreadable {
            row: report.rows,
            told: error.to_string(),
        }),
    }
}

async fn submit(intake: Arc<dyn Intake>, row: Row) -> Fate {
    let wrong = |told: String| {
        Fate::Wrong(RowError {
            row: row.number,
            name: row.name.clone(),
            told,
        })
    };
    let user = match &row.user {
        Ok(user) => user.clone(),
        Err(told) => return wrong(told.clone()),
    };
    match intake
        .take(import_request(user, row.password.clone()))
        .await
    {
        Intaken::Created => Fate::Created,
        Intaken::There => Fate::Skipped,
        Intaken::Refused(told) => wrong(told),
        Intaken::Stopped(told) => Fate::Stopped(row.number, told),
    }
}

impl ImportReport {
    /// Returns how many rows were taken whose outcome is not known yet, while the import goes on.
    pub fn under_way(&self) -> u64 {
        self.rows
            .saturating_sub(self.created + self.skipped + self.failed)
    }

    fn count(&mut self, fate: Fate) -> Option<ImportError> {
        match fate {
            Fate::Created => self.created += 1,
            Fate::Skipped => self.skipped += 1,
            Fate::Wrong(error) => {
                self.failed += 1;
                if self.errors.len() < KEPT {
                    self.errors.push(error);
                }
            }
            Fate::Stopped(row, told) => return Some(ImportError::Stopped { row, told }),
        }
        None
    }
}
