//! Writes many facts into a new journal at once, for measurements.

use std::path::Path;

use domain::FlowId;
use jiff::Timestamp;
use rusqlite::Connection;

use super::lock::Lock;
use super::write::{Batch, Entries, make_private};
use super::{JournalError, code, migrate, schema};
use crate::Fact;

/// How many facts one transaction takes.
const TOGETHER: u64 = 100_000;

/// Writes flows into a new journal and returns the number of facts.
pub(crate) fn write_history(
    path: &Path,
    flows: impl Iterator<Item = (Timestamp, FlowId, Vec<Fact>)>,
) -> Result<u64, JournalError> {
    let unusable = |error: &dyn std::fmt::Display| JournalError::Unusable {
        path: path.display().to_string(),
        told: error.to_string(),
    };
    let _lock = Lock::take(path)?;
    make_private(path).map_err(|error| unusable(&error))?;
    let mut connection = Connection::open(path).map_err(|error| unusable(&error))?;
    schema::prepare_writer(&connection)?;
    // A crash leaves half a history, and then it is made again.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -256_000)?;
    let mut flows = flows.peekable();
    let begin = flows.peek().map_or(0, |(at, ..)| code::micros(*at));
    migrate::migrate(&mut connection, path, begin)?;
    let mut next = 1;
    while flows.peek().is_some() {
        let transaction = connection.transaction()?;
        let end = next + TOGETHER;
        while next < end
            && let Some((at, flow, facts)) = flows.next()
        {
            let mut entries =
                Entries::of(Batch::of(flow, facts), at).map_err(|refused| refused.error)?;
            next = entries.put(&transaction, next)?;
        }
        transaction.commit()?;
    }
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(next - 1)
}
