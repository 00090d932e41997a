//! The one thread that writes: what is handed over while a commit is under way is committed together.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use domain::FlowId;
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::{broadcast, oneshot};

use super::checkpoint::Checkpointer;
use super::fold::{self, Context};
use super::lock::Lock;
use super::pack::{self, Run};
use super::reconcile::{self, Note};
use super::retain::{self, Removed, Step};
use super::{JournalError, code, migrate, read, schema};
use crate::handle::News;
use crate::{Fact, Record};

/// How many batches are committed together at most.
const GROUP: usize = 1024;

/// When so many batches were committed together there is much to do, and the next commit waits a moment for company: each
/// writes the same few pages at the ends of tables and indexes once more, however little comes with it. How long, the size of
/// the last one says: so much for each of its batches, up to a limit.
const BUSY: u32 = 16;
const COMPANY_EACH: Duration = Duration::from_micros(20);
const COMPANY: Duration = Duration::from_millis(2);

/// Facts that are committed together or not at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    facts: Vec<(Option<FlowId>, Fact)>,
    /// How far a comparison has come, which is no fact.
    note: Option<Box<Note>>,
}

impl Batch {
    /// Starts with the facts of one flow.
    pub(crate) fn of(flow: FlowId, facts: impl IntoIterator<Item = Fact>) -> Self {
        let mut batch = Self::default();
        for fact in facts {
            batch.push(Some(flow), fact);
        }
        batch
    }

    fn of_records(records: Vec<Record>, note: Option<Box<Note>>) -> Self {
        Self {
            facts: records
                .into_iter()
                .map(|record| (record.flow, record.fact))
                .collect(),
            note,
        }
    }

    pub(crate) fn push(&mut self, flow: Option<FlowId>, fact: Fact) {
        self.facts.push((flow, fact));
    }

    /// Notes together with the facts how far a comparison has come.
    pub(crate) fn note(&mut self, note: Note) {
        self.note = Some(Box::new(note));
    }

    /// Tells whether an account came to be known, changed or went.
    pub(crate) fn changes_links(&self) -> bool {
        let mut facts = self.facts.iter().map(|(_, fact)| fact);
        facts.any(|fact| matches!(fact, Fact::Linked { .. } | Fact::Unlinked { .. }))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.note.is_none()
    }

    pub(crate) fn len(&self) -> usize {
        self.facts.len()
    }

    /// Takes away what came after the first facts.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.facts.truncate(len);
    }
}

/// A batch that was not committed comes back with the reason, so that it can be handed over again.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: JournalError,
    pub(crate) batch: Batch,
}

type Reply = oneshot::Sender<Result<u64, Box<Refused>>>;
type Committed = oneshot::Receiver<Result<u64, Box<Refused>>>;

/// The journal has been closed, or its writer has ended.
fn closed() -> Refused {
    Refused {
        error: JournalError::Closed,
        batch: Batch::default(),
    }
}

/// A batch as the writer takes it: everything that can be made before is made.
#[derive(Debug)]
pub(super) struct Entries {
    at: Timestamp,
    records: Vec<Record>,
    runs: Vec<Run>,
    note: Option<Box<Note>>,
}

impl Entries {
    pub(super) fn of(batch: Batch, at: Timestamp) -> Result<Self, Box<Refused>> {
        let Batch { facts, note } = batch;
        let records: Vec<Record> = facts
            .into_iter()
            .map(|(flow, fact)| Record {
                seq: 0,
                at,
                flow,
                fact,
            })
            .collect();
        match pack::runs(&records) {
            Ok(runs) => Ok(Self {
                at,
                records,
                runs,
                note,
            }),
            Err(error) => {
                let batch = Batch::of_records(records, note);
                Err(Box::new(Refused { error, batch }))
            }
        }
    }

    /// Writes all of it, numbered from `first` on, and returns the number after the last.
    pub(super) fn put(&mut self, db: &Connection, first: u64) -> Result<u64, JournalError> {
        let mut context = Context::of(&self.records);
        let mut row = first;
        for run in &self.runs {
            // All facts of a batch have one time.
            fold::append(db, row, self.at, run)?;
            row += run.count as u64;
        }
        for (seq, record) in (first..).zip(&mut self.records) {
            record.seq = seq;
            fold::fold(db, &mut context, record)?;
        }
        if let Some(note) = &self.note {
            reconcile::keep(db, self.at, note)?;
        }
        Ok(row)
    }

    fn into_batch(self) -> Batch {
        Batch::of_records(self.records, self.note)
    }
}

enum Command {
    Append {
        entries: Entries,
        reply: Reply,
    },
    /// Removes what is old, after what is to be committed.
    Tend {
        step: Step,
        reply: oneshot::Sender<Result<Removed, JournalError>>,
    },
    Close,
    #[cfg(test)]
    Run(Box<dyn FnOnce(&Connection) + Send>),
}

/// The writing end of the journal.
#[derive(Debug)]
pub(crate) struct Journal {
    sender: Sender<Command>,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Opens or makes the file, takes its lock, brings it to the present format and starts the writer.
    pub(crate) fn open(
        path: &Path,
        now: Timestamp,
        news: broadcast::Sender<News>,
    ) -> Result<Self, JournalError> {
        let unusable = |told: String| JournalError::Unusable {
            path: path.display().to_string(),
            told,
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(|error| unusable(error.to_string()))?;
        }
        let lock = Lock::take(path)?;
        make_private(path).map_err(|error| unusable(error.to_string()))?;
        let mut connection = Connection::open(path).map_err(|error| unusable(error.to_string()))?;
        migrate::check(&connection)?;
        schema::prepare_writer(&connection)?;
        migrate::migrate(&mut connection, path, code::micros(now))?;
        let last = read::last(&connection)?;
        let checkpointer = Checkpointer::start(path, &mut connection)?;
        let (sender, receiver) = channel();
        let writer = Writer {
            connection,
            next: last + 1,
            news,
            checkpointer: Some(checkpointer),
            _lock: lock,
        };
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(|error| unusable(error.to_string()))?;
        Ok(Self {
            sender,
            thread: std::sync::Mutex::new(Some(thread)),
        })
    }

    /// Commits a batch and returns the number of its first fact; the others follow without a gap.
    pub(crate) async fn append(&self, at: Timestamp, batch: Batch) -> Result<u64, Box<Refused>> {
        self.hand_over(at, batch)?
            .await
            .map_err(|_| Box::new(closed()))?
    }

    /// Commits batches that are handed over together, and returns what came of each; one that is refused does not keep the
    /// others.
    pub(crate) async fn append_each(
        &self,
        at: Timestamp,
        batches: Vec<Batch>,
    ) -> Vec<Result<u64, Box<Refused>>> {
        let handed: Vec<_> = batches
            .into_iter()
            .map(|batch| self.hand_over(at, batch))
            .collect();
        let mut done = Vec::with_capacity(handed.len());
        for committed in handed {
            done.push(match committed {
                Ok(committed) => committed.await.unwrap_or_else(|_| Err(Box::new(closed()))),
                Err(refused) => Err(refused),
            });
        }
        done
    }

    fn hand_over(&self, at: Timestamp, batch: Batch) -> Result<Committed, Box<Refused>> {
        let entries = Entries::of(batch, at)?;
        let (reply, committed) = oneshot::channel();
        let handed = self.sender.send(Command::Append { entries, reply });
        handed.map_err(|_| Box::new(closed()))?;
        Ok(committed)
    }

    /// Has the writer remove something that is old.
    pub(crate) async fn tend(&self, step: Step) -> Result<Removed, JournalError> {
        let (reply, done) = oneshot::channel();
        let handed = self.sender.send(Command::Tend { step, reply });
        handed.map_err(|_| JournalError::Closed)?;
        done.await.map_err(|_| JournalError::Closed)?
    }

    /// Ends the writer after what was handed over, and lets go of the file.
    pub(crate) fn close(&self) {
        let _ = self.sender.send(Command::Close); // a writer that has ended already is what is wanted
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the journal's writer panicked");
        }
    }

    /// Runs something on the writer's connection: how tests make the disk full.
    #[cfg(test)]
    pub(crate) fn run(&self, what: impl FnOnce(&Connection) + Send + 'static) {
        self.sender
            .send(Command::Run(Box::new(what)))
            .expect("the writer runs");
    }
}

struct Writer {
    connection: Connection,
    next: u64,
    news: broadcast::Sender<News>,
    /// Until the end.
    checkpointer: Option<Checkpointer>,
    _lock: Lock,
}

type Handed = (Entries, Reply);

impl Writer {
    fn run(mut self, receiver: &Receiver<Command>) {
        let mut group: Vec<Handed> = Vec::new();
        let mut open = true;
        let mut last = 0;
        while open {
            let Ok(first) = receiver.recv() else {
                break;
            };
            if last >= BUSY {
                std::thread::sleep(COMPANY.min(COMPANY_EACH * last));
            }
            let mut next = Some(first);
            let mut steps = Vec::new();
            while let Some(command) = next.take() {
                match command {
                    Command::Append { entries, reply } => group.push((entries, reply)),
                    Command::Tend { step, reply } => steps.push((step, reply)),
                    Command::Close => {
                        open = false;
                        break;
                    }
                    #[cfg(test)]
                    Command::Run(what) => what(&self.connection),
                }
                if group.len() < GROUP {
                    next = receiver.try_recv().ok();
                }
            }
            last = u32::try_from(group.len()).unwrap_or(u32::MAX);
            self.commit(std::mem::take(&mut group));
            for (step, reply) in steps {
                let _ = reply.send(retain::carry_out(&mut self.connection, &step)); // whoever no longer waits has lost nothing
            }
            if let Some(checkpointer) = &mut self.checkpointer {
                checkpointer.tend(&self.connection);
            }
        }
        self.checkpointer = None;
        if let Err(error) = self
            .connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        {
            tracing::warn!(%error, "the journal's log could not be folded into the file at the end");
        }
    }

    /// Commits all together; when that fails, each batch alone, so that one cannot spoil the others.
    fn commit(&mut self, mut group: Vec<Handed>) {
        if group.is_empty() {
            return;
        }
        let together = self.attempt(group.iter_mut().map(|(entries, _)| entries));
        if let Ok(mut firsts) = together {
            firsts.reverse();
            for (entries, reply) in group {
                let first = firsts.pop().expect("one number per batch");
                self.tell(entries, reply, first);
            }
            return;
        }
        for (mut entries, reply) in group {
            match self.attempt(std::iter::once(&mut entries)) {
                Ok(firsts) => self.tell(entries, reply, firsts[0]),
                Err(error) => {
                    let batch = entries.into_batch();
                    let _ = reply.send(Err(Box::new(Refused { error, batch }))); // a caller that no longer waits has lost nothing
                }
            }
        }
    }

    /// Runs one transaction and returns each batch's first number. Numbers are taken only when it commits.
    fn attempt<'a>(
        &mut self,
        group: impl Iterator<Item = &'a mut Entries>,
    ) -> Result<Vec<u64>, JournalError> {
        let mut next = self.next;
        let mut firsts = Vec::new();
        let transaction = self.connection.transaction()?;
        for entries in group {
            firsts.push(next);
            next = entries.put(&transaction, next)?;
        }
        transaction.commit()?;
        self.next = next;
        Ok(firsts)
    }

    fn tell(&self, entries: Entries, reply: Reply, first: u64) {
        let _ = reply.send(Ok(first)); // a caller that no longer waits has lost nothing
        if self.news.receiver_count() == 0 {
            return;
        }
        for record in entries.records {
            let _ = self.news.send(News::Fact(Arc::new(record))); // nobody listening is fine
        }
    }
}

/// Makes the file, readable by its owner only: it holds everybody's claims. SQLite gives its companions the same mode.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
