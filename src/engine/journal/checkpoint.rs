//! Folds the log into the file beside the writer, so that no commit waits for it and the log stays short.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::JournalError;

/// The log is folded whenever it has grown by so many pages: 8 MiB.
const GROWN: i32 = 2_000;

/// From so many pages on, 64 MiB, the writer begins the log anew as soon as nearly all of it has been folded.
const LONG: i32 = 16_000;

/// The thread that folds, as the writer knows it.
#[derive(Debug)]
pub(super) struct Checkpointer {
    /// How many pages the log has.
    pages: Arc<AtomicI32>,
    /// How many it had when it was last asked to be folded.
    asked_at: i32,
    /// How many it had when the last folding began; all of these are in the file.
    folded: Arc<AtomicI32>,
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread and takes the folding away from the writer's connection.
    ///
    /// # Errors
    /// The file cannot be opened once more, or no thread can be started.
    pub(super) fn start(path: &Path, writer: &mut Connection) -> Result<Self, JournalError> {
        let store = |error: std::io::Error| JournalError::Store {
            told: error.to_string(),
        };
        let pages = Arc::new(AtomicI32::new(0));
        let folded = Arc::new(AtomicI32::new(0));
        let counted = Arc::clone(&pages);
        // A hook takes the place of the folding that SQLite does by itself within a commit.
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            counted.store(pages, Ordering::Release);
            Ok(())
        }))?;
        let connection = Connection::open(path)?;
        let (ask, asked) = sync_channel(1);
        let (seen, done) = (Arc::clone(&pages), Arc::clone(&folded));
        let thread = std::thread::Builder::new()
            .name("journal-fold".to_owned())
            .spawn(move || fold(&connection, &asked, &seen, &done))
            .map_err(store)?;
        Ok(Self {
            pages,
            asked_at: 0,
            folded,
            ask: Some(ask),
            thread: Some(thread),
        })
    }

    /// Looks after the log; called after every commit.
    pub(super) fn tend(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Acquire);
        if pages < self.asked_at {
            self.asked_at = 0; // the log has begun anew
        }
        if pages - self.asked_at >= GROWN
            && let Some(ask) = &self.ask
            && ask.try_send(()).is_ok()
        {
            self.asked_at = pages;
        }
        if pages >= LONG && pages - self.folded.load(Ordering::Acquire) < GROWN {
            // Little is left to fold. While a reader looks at the old log this does nothing, and is tried again.
            self.folded.store(0, Ordering::Release);
            if let Err(error) = checkpoint(writer, "RESTART") {
                tracing::warn!(%error, "the journal's log cannot begin anew; it grows until it can");
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that folds the journal's log panicked");
        }
    }
}

fn fold(connection: &Connection, asked: &Receiver<()>, pages: &AtomicI32, folded: &AtomicI32) {
    while asked.recv().is_ok() {
        let at = pages.load(Ordering::Acquire);
        match checkpoint(connection, "PASSIVE") {
            Ok(()) => folded.store(at, Ordering::Release),
            Err(error) => {
                tracing::warn!(%error, "the journal's log cannot be folded into the file now; it is tried again");
            }
        }
    }
}

fn checkpoint(connection: &Connection, how: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()))
}
