//! The hands of the screen: they read the journal, command the engine and the mocks, and write the file, elsewhere.

mod lab;
mod long;
mod read;
mod review;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::Loaded;
use domain::{Catalogue, Clock, Configuration, ConnectorRef, Lab, LabFeed, OperationId};
use engine::{ReadBudget, Reader, Subscription, Tally};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::clipboard;
use crate::draft::Draft;
use crate::logbook::LogBook;
use crate::paint::counted;
use crate::screen::told;
use crate::seat::{Command, Seat};
use crate::wish::{Answer, Deed, Happening, Query};
use crate::{Setup, View};

pub(crate) use read::rows;

/// How long the log is let grow on before the screen hears of it again: lines come in crowds.
const LOGGED: Duration = Duration::from_millis(200);
/// How long after something could not be read that is said: whoever hears of it may ask again at once.
const AGAIN: Duration = Duration::from_secs(1);

pub(crate) struct Hands {
    seat: Arc<dyn Seat>,
    reader: Reader,
    lab: Arc<dyn Lab>,
    file: PathBuf,
    catalogue: Catalogue,
    /// What the file says as far as an engine has taken it; shared with the task that starts one.
    running: Arc<std::sync::Mutex<Arc<Configuration>>>,
    log: LogBook,
    sender: UnboundedSender<Happening>,
    /// Where questions go to the thread that reads; it is started with the first of them.
    desk: std::sync::Mutex<Option<std::sync::mpsc::Sender<Query>>>,
    /// The file's text as it was seen last, as a fingerprint; shared with the task that saves.
    seen: Arc<std::sync::Mutex<Seen>>,
    clock: Arc<dyn Clock>,
    /// Stops the long work that is under way.
    stop: Option<oneshot::Sender<()>>,
    /// Says of the review that was begun last that nobody waits for it any more.
    unwanted: Arc<AtomicBool>,
}

#[derive(Default, Clone, PartialEq)]
struct Seen {
    modified: Option<std::time::SystemTime>,
    fingerprint: String,
}

impl Seen {
    fn look(file: &Path) -> Self {
        Self {
            modified: std::fs::metadata(file)
                .and_then(|data| data.modified())
                .ok(),
            fingerprint: std::fs::read_to_string(file)
                .map(|text| config::fingerprint(&text))
                .unwrap_or_default(),
        }
    }
}

impl Hands {
    pub(crate) fn new(setup: Setup, view: &View, sender: UnboundedSender<Happening>) -> Self {
        let seen = Seen::look(&view.file);
        if let Some(mut standing) = setup.seat.standing() {
            let sender = sender.clone();
            tokio::spawn(async move {
                loop {
                    let now = standing.borrow_and_update().clone();
                    let is_seen = sender.send(Happening::Standing(now)).is_ok();
                    if !is_seen || standing.changed().await.is_err() {
                        return;
                    }
                }
            });
        }
        for note in setup.notes {
            if sender.send(Happening::Note(note)).is_err() {
                break;
            }
        }
        let mut written = setup.log.follow();
        let hears = sender.clone();
        tokio::spawn(async move {
            while written.changed().await.is_ok() {
                if hears.send(Happening::Logged).is_err() {
                    return;
                }
                tokio::time::sleep(LOGGED).await;
            }
        });
        Self {
            seat: setup.seat,
            reader: setup.reader,
            lab: setup.lab,
            file: view.file.clone(),
            catalogue: view.catalogue,
            running: Arc::new(std::sync::Mutex::new(Arc::clone(&view.configuration))),
            log: setup.log,
            sender,
            desk: std::sync::Mutex::new(None),
            seen: Arc::new(std::sync::Mutex::new(seen)),
            clock: Arc::clone(&view.clock),
            stop: None,
            unwanted: Arc::default(),
        }
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        self.seat.subscribe()
    }

    pub(crate) fn follow(&self) -> Box<dyn LabFeed> {
        self.lab.follow()
    }

    /// Tells whether somebody else changed the file since it was looked at last.
    pub(crate) fn file_changed(&self) -> bool {
        let mut seen = lock(&self.seen);
        let modified = std::fs::metadata(&self.file)
            .and_then(|data| data.modified())
            .ok();
        if modified == seen.modified {
            return false;
        }
        let now = Seen::look(&self.file);
        let changed = now.fingerprint != seen.fingerprint && !now.fingerprint.is_empty();
        *seen = now;
        changed
    }

    /// Reads something, away from the screen's thread.
    pub(crate) fn ask(&self, query: Query) {
        // Counting reads every operation there is; what is looked at meanwhile does not wait for it.
        let asked = if query == Query::Counts {
            self.desk("screen-counts")
        } else {
            let mut desk = lock(&self.desk);
            match &*desk {
                Some(desk) => Ok(desk.clone()),
                None => self
                    .desk("screen-reader")
                    .inspect(|new| *desk = Some(new.clone())),
            }
        };
        let (query, told) = match asked.map(|desk| desk.send(query.clone())) {
            Ok(Ok(())) => return,
            Ok(Err(unsent)) => {
                // Another one is started with the next question.
                *lock(&self.desk) = None;
                (unsent.0, "the reader broke down".to_owned())
            }
            Err(error) => (query, error.to_string()),
        };
        let answer = Answer::Unread(query, format!("cannot read the journal: {told}"));
        let sender = self.sender.clone();
        tokio::spawn(async move {
            tokio::time::sleep(AGAIN).await;
            let _ = sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
        });
    }

    /// Starts a thread that reads what it is asked for, one after the other, until nobody can ask any more.
    fn desk(&self, name: &str) -> std::io::Result<std::sync::mpsc::Sender<Query>> {
        let (desk, questions) = std::sync::mpsc::channel::<Query>();
        let sender = self.sender.clone();
        let reader = self.reader.clone();
        let lab = Arc::clone(&self.lab);
        let log = self.log.clone();
        let work = move || {
            for query in questions {
                let read = read::read(&reader, lab.as_ref(), &log, query.clone());
                let answer = read.unwrap_or_else(|error| {
                    std::thread::sleep(AGAIN);
                    Answer::Unread(query, format!("cannot read the journal: {}", told(&error)))
                });
                let _ = sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
            }
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)?;
        Ok(desk)
    }

    /// Sends back what came of something that was done at the terminal.
    pub(crate) fn answer(&self, answer: Answer) {
        let _ = self.sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
    }

    /// Does something; what came of it is sent back.
    pub(crate) fn act(&mut self, deed: Deed, draft: Option<&Draft>) {
        let sender = self.sender.clone();
        let send = move |answer: Answer| {
            let _ = sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
        };
        let seat = Arc::clone(&self.seat);
        match deed {
            // These are about the terminal.
            Deed::Quit
            | Deed::Suspend
            | Deed::Repaint
            | Deed::Editor(_)
            | Deed::Mouse(_)
            | Deed::Record(_) => {}
            Deed::Copy { what, text } => {
                send(Answer::Done(clipboard::copy(what, &text, Path::new(""))));
            }
            Deed::Write { path, text } => {
                send(Answer::Done(write(&path, &text)));
            }
            Deed::Plan(request) => {
                tokio::task::spawn_blocking(move || {
                    send(Answer::Planned(seat.plan(&request).map(Box::new)));
                });
            }
            Deed::Submit(request) => {
                tokio::spawn(async move {
                    let outcome = seat.submit(*request).await;
                    send(Answer::Submitted(outcome.map_err(|refusal| refusal.told)));
                });
            }
            Deed::Retry(operations) => {
                tokio::spawn(
                    async move { send(Answer::Done(retry(seat.as_ref(), &operations).await)) },
                );
            }
            Deed::Discard(operations, why) => {
                tokio::spawn(async move {
                    send(Answer::Done(
                        discard(seat.as_ref(), &operations, &why).await,
                    ));
                });
            }
            Deed::Compare(connectors) => {
                tokio::spawn(async move {
                    send(Answer::Compared(compare(seat.as_ref(), &connectors).await));
                });
            }
            Deed::Resolve(wishes) => {
                tokio::spawn(
                    async move { send(Answer::Done(resolve(seat.as_ref(), &wishes).await)) },
                );
            }
            Deed::Pause(connector) => {
                let done = format!("{connector} is paused");
                let why = "paused in the workbench".to_owned();
                self.command(Command::Pause { connector, why }, |_| done, send);
            }
            Deed::Resume(connector) => {
                let done = format!("{connector} goes on");
                let why = "resumed in the workbench".to_owned();
                self.command(Command::Resume { connector, why }, |_| done, send);
            }
            Deed::Probe(connector) => {
                let done = format!("{connector} is being probed; what that meets is told here");
                self.command(Command::Probe { connector }, |_| done, send);
            }
            Deed::Release(connector) => {
                let done = format!("{connector} is released from quarantine");
                let why = "released in the workbench".to_owned();
                self.command(Command::Release { connector, why }, |_| done, send);
            }
            Deed::Approve {
                connector,
                brake,
                by,
                reason,
                expires,
            } => {
                let command = Command::Approve {
                    connector,
                    brake,
                    by,
                    reason,
                    expires,
                };
                let done = move |count: u64| match count {
                    0 => format!("approved; nothing was kept, and what comes goes on ({brake})"),
                    count => {
                        let count = counted(count, "operation");
                        format!("approved, to go on: {count} ({brake})")
                    }
                };
                self.command(command, done, send);
            }
            Deed::Reject {
                connector,
                brake,
                by,
                reason,
            } => {
                let command = Command::Reject {
                    connector,
                    brake,
                    by,
                    reason,
                };
                let done = move |count: u64| match count {
                    0 => format!(
                        "let go; nothing was kept, and what comes is counted anew ({brake})"
                    ),
                    count => {
                        let count = counted(count, "operation");
                        format!("rejected and given up: {count} ({brake})")
                    }
                };
                self.command(command, done, send);
            }
            Deed::Review => {
                let Some(draft) = draft else { return };
                let document = draft.document().clone();
                let after = Arc::clone(&draft.configuration);
                let (before, reader, catalogue) = (
                    Arc::clone(&lock(&self.running)),
                    self.reader.clone(),
                    self.catalogue,
                );
                let unwanted = Arc::new(AtomicBool::new(false));
                self.unwanted = Arc::clone(&unwanted);
                tokio::task::spawn_blocking(move || {
                    let review =
                        review::review(&document, &before, &after, &reader, &catalogue, &unwanted);
                    if let Some(review) = review {
                        send(Answer::Reviewed(Box::new(review)));
                    }
                });
            }
            Deed::StopReview => self.unwanted.store(true, Ordering::Relaxed),
            Deed::Save => self.save(draft, send),
            Deed::Reload => {
                let result =
                    config::load(&self.file, &self.catalogue).map_err(|error| told(&error));
                self.take(result, false, send);
            }
            Deed::Wait(limit) => {
                let until = self.clock.now() + limit;
                tokio::spawn(async move {
                    let idle = seat.idle_until(until).await;
                    send(Answer::Done(idle.map(|idle| waited(&idle))));
                });
            }
            Deed::RunHere => self.run_here(send),
            Deed::Import(path) => self.import(path, send),
            Deed::Bulk { what, each, whom } => self.bulk(what, each, whom, send),
            Deed::StopWork => {
                if let Some(stop) = self.stop.take() {
                    let _ = stop.send(()); // work that has ended needs no word
                }
            }
            Deed::Replay {
                connector,
                exchange,
                number,
            } => {
                tokio::spawn(async move {
                    let result = seat.replay(&connector, &exchange, number).await;
                    send(Answer::Done(
                        result.map(|()| format!("sent once more to {connector}")),
                    ));
                });
            }
            deed => self.lab(deed, send),
        }
    }

    /// Tells the engine to do something; `done` says what was done, by the number of operations.
    fn command(
        &self,
        command: Command,
        done: impl FnOnce(u64) -> String + Send + 'static,
        send: impl FnOnce(Answer) + Send + 'static,
    ) {
        let seat = Arc::clone(&self.seat);
        tokio::spawn(async move {
            send(Answer::Done(seat.command(command).await.map(done)));
        });
    }

    /// Runs the engine here, by the file as it is now.
    fn run_here(&self, send: impl FnOnce(Answer) + Send + 'static) {
        let seat = Arc::clone(&self.seat);
        let loaded = config::load(&self.file, &self.catalogue).map_err(|error| told(&error));
        let running = Arc::clone(&self.running);
        tokio::spawn(async move {
            let runs = match loaded {
                Err(error) => Err(error),
                Ok(loaded) => {
                    let configuration = Arc::new(loaded.configuration.clone());
                    let started = seat.run_here(Arc::clone(&configuration)).await;
                    started.map(|()| {
                        *lock(&running) = configuration;
                        Box::new(loaded)
                    })
                }
            };
            send(Answer::RunsHere(runs));
        });
    }

    /// Saves the draft; then the engine works by it.
    fn save(&self, draft: Option<&Draft>, send: impl FnOnce(Answer) + Send + 'static) {
        let Some(mut document) = draft.map(|draft| draft.document().clone()) else {
            return send(Answer::Saved(
                Err("there are no changes to save".to_owned()),
            ));
        };
        let result = document.save().map_err(|error| told(&error));
        if result.is_ok() {
            // After a refusal somebody else's change is still to be noticed.
            self.look();
        }
        self.take(result, true, send);
    }

    fn look(&self) {
        *lock(&self.seen) = Seen::look(&self.file);
    }

    /// Lets the engine work by the file as it was written or read; `is_ours` says that it was written here.
    ///
    /// Whether the file is as it is to be, and whether an engine works by it, are two things: what was written stays so.
    fn take(
        &self,
        result: Result<Loaded, String>,
        is_ours: bool,
        send: impl FnOnce(Answer) + Send + 'static,
    ) {
        let loaded = match result {
            Ok(loaded) => Box::new(loaded),
            Err(error) if is_ours => return send(Answer::Saved(Err(error))),
            Err(error) => return send(Answer::Reloaded(Err(error))),
        };
        let seat = Arc::clone(&self.seat);
        let configuration = Arc::new(loaded.configuration.clone());
        *lock(&self.running) = Arc::clone(&configuration);
        tokio::spawn(async move {
            let answer = match seat.reconfigure(configuration).await {
                Ok(()) if is_ours => Answer::Saved(Ok(loaded)),
                Ok(()) => Answer::Reloaded(Ok(loaded)),
                Err(why) => Answer::Untaken {
                    loaded,
                    why,
                    is_ours,
                },
            };
            send(answer);
        });
    }
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Writes a file, and says so where it takes the place of another.
fn write(path: &Path, text: &str) -> Result<String, String> {
    let instead = if path.exists() {
        ", in place of what was there"
    } else {
        ""
    };
    std::fs::write(path, text)
        .map(|()| format!("written to {}{instead}", path.display()))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Says what is left once nothing is under way.
fn waited(idle: &engine::Idle) -> String {
    match (idle.waiting, idle.held) {
        (0, 0) => "nothing is under way, and nothing is owed".to_owned(),
        (waiting, held) => {
            let next = idle
                .next
                .map_or_else(String::new, |next| format!(", the next at {next}"));
            format!("{waiting} wait for their next attempt{next}; {held} are held")
        }
    }
}

async fn retry(seat: &dyn Seat, operations: &[OperationId]) -> Result<String, String> {
    for operation in operations.iter().copied() {
        seat.command(Command::Retry { operation }).await?;
    }
    let count = counted(operations.len(), "operation");
    Ok(format!("{count} tried again"))
}

/// Compares the accounts of connectors, one after the other.
async fn compare(seat: &dyn Seat, connectors: &[ConnectorRef]) -> Result<String, String> {
    let mut all = Vec::new();
    for connector in connectors {
        all.push((
            connector,
            seat.compare(connector, ReadBudget::default()).await?,
        ));
    }
    let unread: Vec<String> = all
        .iter()
        .filter(|(_, tally)| tally.not_read.is_some())
        .map(|(connector, _)| connector.to_string())
        .collect();
    let said = tallied(all.iter().map(|(_, tally)| tally));
    if unread.is_empty() {
        Ok(said)
    } else {
        let list = unread.join(", ");
        Err(format!(
            "{said}; not everything was read of {list}, compare again to go on there"
        ))
    }
}

/// Says what comparisons found, and what they put off: an account that was written a moment ago is no account that is as
/// it should be.
fn tallied<'t>(tallies: impl Iterator<Item = &'t Tally>) -> String {
    let (mut compared, mut found, mut fresh, mut on_their_way, mut unsaid) = (0, 0, 0, 0, 0);
    let mut continued: usize = 0;
    for tally in tallies {
        compared += tally.compared;
        found += tally.found();
        fresh += tally.fresh;
        on_their_way += tally.on_their_way;
        unsaid += tally.unsaid.values().sum::<u64>();
        continued += usize::from(tally.continued.is_some());
    }
    let compared = counted(compared, "account");
    let mut said = format!("{compared} compared, {found} not as they should be");
    if continued > 0 {
        let connectors = counted(continued, "connector");
        said.push_str(&format!(
            "; {connectors} from where the comparison before had stopped"
        ));
    }
    if fresh > 0 {
        said.push_str(&format!(
            "; {fresh} written too recently, compare again in a minute"
        ));
    }
    if on_their_way > 0 {
        said.push_str(&format!(
            "; {on_their_way} with an operation on its way, compare again when it is done"
        ));
    }
    if unsaid > 0 {
        said.push_str(&format!(
            "; of {unsaid} nobody can say what they should be (`outbound reconcile` says why)"
        ));
    }
    said
}

async fn resolve(seat: &dyn Seat, wishes: &[engine::Wish]) -> Result<String, String> {
    for wish in wishes {
        seat.command(Command::Resolve(wish.clone())).await?;
    }
    let count = counted(wishes.len(), "account");
    Ok(format!("{count} decided about"))
}

async fn discard(seat: &dyn Seat, operations: &[OperationId], why: &str) -> Result<String, String> {
    for operation in operations.iter().copied() {
        let why = why.to_owned();
        seat.command(Command::Discard { operation, why }).await?;
    }
    let count = counted(operations.len(), "operation");
    Ok(format!("{count} discarded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_a_file_takes_the_place_of_another_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbound.har");
        let first = write(&path, "one").unwrap();
        assert!(first.ends_with("outbound.har"), "{first}");
        let second = write(&path, "two").unwrap();
        assert!(
            second.ends_with("outbound.har, in place of what was there"),
            "{second}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert!(
            write(folder.path(), "x")
                .unwrap_err()
                .starts_with("cannot write ")
        );
    }

    #[test]
    fn what_a_comparison_put_off_is_told() {
        let google = Tally {
            accounts: 12,
            compared: 9,
            in_sync: 9,
            fresh: 3,
            ..Tally::default()
        };
        let scim = Tally {
            accounts: 12,
            compared: 12,
            in_sync: 11,
            missing: 1,
            on_their_way: 1,
            ..Tally::default()
        };
        assert_eq!(
            tallied([&google, &scim].into_iter()),
            "21 accounts compared, 1 not as they should be; 3 written too recently, compare again in a minute; 1 with an \
             operation on its way, compare again when it is done"
        );
        let rest = Tally {
            compared: 12,
            continued: Some(engine::Continued {
                began: jiff::Timestamp::UNIX_EPOCH,
                stopped: jiff::Timestamp::UNIX_EPOCH,
                pages: 1,
                accounts: 10,
            }),
            ..Tally::default()
        };
        assert_eq!(
            tallied([&rest].into_iter()),
            "12 accounts compared, 0 not as they should be; 1 connector from where the comparison before had stopped"
        );
        assert_eq!(
            tallied([&scim].into_iter()).split(';').next(),
            Some("12 accounts compared, 1 not as they should be")
        );
    }
}
