//! The reading end: lists, traces and exports, paged by key; works beside a running engine and without one.
//!
//! Here are the connections and the pages; what is read is told apart by its story: flows and facts, operations and
//! exchanges, links, the directory.

mod directory;
mod flows;
mod links;
mod operations;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::code::{signed, unsigned};
use super::{JournalError, migrate, pack, schema};

pub use flows::FlowSummary;
pub(super) use flows::collect;
pub use links::LeftBehind;
pub(super) use links::links_of;
pub use operations::{Counts, ExchangeFilter, ExchangeView, OperationFilter, OperationView};

/// Reads a journal. Cheap to clone; clones share a few connections.
#[derive(Debug, Clone)]
pub struct Reader {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    free: Mutex<Vec<Connection>>,
}

/// Where a page starts and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Entries older than this number; `None` for the newest.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: usize,
}

impl Page {
    /// The newest entries.
    pub fn newest(limit: usize) -> Self {
        Self {
            before: None,
            limit,
        }
    }

    /// The entries before a number.
    pub fn before(seq: u64, limit: usize) -> Self {
        Self {
            before: Some(seq),
            limit,
        }
    }
}

impl Reader {
    /// Opens a journal for reading.
    ///
    /// # Errors
    /// [`JournalError`] when there is no such file, or a newer program wrote it.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let reader = Self {
            pool: Arc::new(Pool {
                path: path.to_owned(),
                free: Mutex::new(Vec::new()),
            }),
        };
        reader.with(|_| Ok(()))?;
        Ok(reader)
    }

    /// Opens an empty journal that is kept nowhere.
    pub(crate) fn empty() -> Result<Self, JournalError> {
        let mut connection = Connection::open_in_memory()?;
        migrate::make(&mut connection)?;
        schema::prepare_reader(&connection)?;
        Ok(Self {
            pool: Arc::new(Pool {
                path: PathBuf::from(":memory:"),
                free: Mutex::new(vec![connection]),
            }),
        })
    }

    /// Lends one of the connections.
    pub(in crate::journal) fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let free = self.lock().pop();
        let connection = match free {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let result = work(&connection);
        self.lock().push(connection);
        result
    }

    /// Lends a connection on which everything is seen as it is at one moment.
    pub(in crate::journal) fn at_once<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        self.with(|db| {
            // Requests are decided by such looks, so that the two words are not read anew each time.
            db.prepare_cached("BEGIN")?.execute([])?;
            let result = work(db);
            let ended = db.prepare_cached("COMMIT")?.execute([]);
            if ended.is_err() && !db.is_autocommit() {
                db.execute_batch("ROLLBACK")?;
            }
            ended?;
            result
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.pool
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> Result<Connection, JournalError> {
        let path = &self.pool.path;
        // Read and write, because the shared memory beside the file may have to be made; `query_only` forbids the rest.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).map_err(|error| JournalError::Unusable {
                path: path.display().to_string(),
                told: error.to_string(),
            })?;
        schema::prepare_reader(&connection)?;
        migrate::check_for_reading(&connection)?;
        Ok(connection)
    }

    /// Returns the number of the newest fact.
    pub fn last(&self) -> Result<u64, JournalError> {
        self.with(last)
    }
}

/// Returns the number of the newest fact; 0 when there is none.
pub(super) fn last(db: &Connection) -> Result<u64, JournalError> {
    let last: Option<i64> = db
        .prepare_cached("SELECT seq + count - 1 FROM facts ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(last.map_or(0, unsigned))
}

/// Reads rows whose only column is a packed body.
pub(super) fn bodies<T: serde::de::DeserializeOwned>(
    mut rows: rusqlite::Rows<'_>,
) -> Result<Vec<T>, JournalError> {
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(pack::unpack(row.get_ref(0)?.as_blob().unwrap_or(&[]))?);
    }
    Ok(out)
}

/// Reads rows whose only column is the body of a link or user.
pub(super) fn brought<T: pack::Brought>(
    db: &Connection,
    mut rows: rusqlite::Rows<'_>,
) -> Result<Vec<T>, JournalError> {
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(pack::brought(db, row.get_ref(0)?.as_blob().unwrap_or(&[]))?);
    }
    Ok(out)
}

fn cap(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn bounds(page: Page) -> [i64; 2] {
    [page.before.map_or(i64::MAX, signed), cap(page.limit)]
}
