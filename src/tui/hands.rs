//! The hands of the screen: they read the journal, command the engine and the mocks, and write the file, elsewhere.

mod long;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::edit::Document;
use config::{LintOptions, Loaded, Severity};
use domain::{
    Catalogue, Clock, Configuration, ConnectorRef, Lab, LabFeed, OperationId, QualifiedName,
};
use engine::{
    DeadFilter, ExchangeFilter, JournalError, News, OperationFilter, Page, ReadBudget, Reader,
    State, Subscription,
};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::clipboard;
use crate::draft::{Draft, Review, affected};
use crate::screen::told;
use crate::seat::Seat;
use crate::stream::{Row, read_back};
use crate::wish::{Answer, Deed, Happening, Query, Safeguards};
use crate::{Setup, View};

/// How many rows are read at once.
const ROWS: usize = 200;
/// How many operations, users or groups are read at once.
const LIST: usize = 500;
/// How many facts are read after some were missed; what is older stays in the journal.
const CATCH_UP: usize = 5_000;
/// How much of the log's end is shown.
const LOG_BYTES: u64 = 256 * 1024;

pub(crate) struct Hands {
    seat: Arc<dyn Seat>,
    reader: Reader,
    lab: Arc<dyn Lab>,
    file: PathBuf,
    catalogue: Catalogue,
    running: Arc<Configuration>,
    log: Option<PathBuf>,
    sender: UnboundedSender<Happening>,
    /// Where questions go to the thread that reads; it is started with the first of them.
    desk: std::sync::Mutex<Option<std::sync::mpsc::Sender<Query>>>,
    /// The file's text as it was seen last, as a fingerprint; shared with the task that saves.
    seen: Arc<std::sync::Mutex<Seen>>,
    clock: Arc<dyn Clock>,
    /// Stops the long work that is under way.
    stop: Option<oneshot::Sender<()>>,
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
        Self {
            seat: setup.seat,
            reader: setup.reader,
            lab: setup.lab,
            file: view.file.clone(),
            catalogue: view.catalogue,
            running: Arc::clone(&view.configuration),
            log: setup.log,
            sender,
            desk: std::sync::Mutex::new(None),
            seen: Arc::new(std::sync::Mutex::new(seen)),
            clock: Arc::clone(&view.clock),
            stop: None,
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
        let mut seen = self
            .seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
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
            let mut desk = self
                .desk
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            match &*desk {
                Some(desk) => Ok(desk.clone()),
                None => self
                    .desk("screen-reader")
                    .inspect(|new| *desk = Some(new.clone())),
            }
        };
        let told = match asked.map(|desk| desk.send(query)) {
            Ok(Ok(())) => return,
            Ok(Err(_)) => "the reader broke down".to_owned(),
            Err(error) => error.to_string(),
        };
        let answer = Answer::Done(Err(format!("cannot read the journal: {told}")));
        let _ = self.sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
    }

    /// Starts a thread that reads what it is asked for, one after the other, until nobody can ask any more.
    fn desk(&self, name: &str) -> std::io::Result<std::sync::mpsc::Sender<Query>> {
        let (desk, questions) = std::sync::mpsc::channel();
        let sender = self.sender.clone();
        let reader = self.reader.clone();
        let lab = Arc::clone(&self.lab);
        let log = self.log.clone();
        let work = move || {
            for query in questions {
                let answer =
                    read(&reader, lab.as_ref(), log.as_deref(), query).unwrap_or_else(|error| {
                        Answer::Done(Err(format!("cannot read the journal: {}", told(&error))))
                    });
                let _ = sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
            }
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)?;
        Ok(desk)
    }

    /// Does something; what came of it is sent back.
    pub(crate) fn act(&mut self, deed: Deed, draft: Option<&Draft>) {
        let sender = self.sender.clone();
        let send = move |answer: Answer| {
            let _ = sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
        };
        let seat = Arc::clone(&self.seat);
        match deed {
            Deed::Quit | Deed::Suspend | Deed::Repaint | Deed::Mouse(_) | Deed::Record(_) => {}
            Deed::Copy { what, text } => {
                send(Answer::Done(clipboard::copy(what, &text, Path::new(""))));
            }
            Deed::Write { path, text } => {
                let result = std::fs::write(&path, text)
                    .map(|()| format!("written to {}", path.display()))
                    .map_err(|error| format!("cannot write {}: {error}", path.display()));
                send(Answer::Done(result));
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
                    send(Answer::Done(compare(seat.as_ref(), &connectors).await));
                });
            }
            Deed::Resolve(wishes) => {
                tokio::spawn(
                    async move { send(Answer::Done(resolve(seat.as_ref(), &wishes).await)) },
                );
            }
            Deed::Pause(connector) => {
                tokio::spawn(async move {
                    let result = seat.pause(&connector, "paused in the workbench").await;
                    send(Answer::Done(
                        result.map(|()| format!("{connector} is paused")),
                    ));
                });
            }
            Deed::Resume(connector) => {
                tokio::spawn(async move {
                    let result = seat.resume(&connector, "resumed in the workbench").await;
                    send(Answer::Done(
                        result.map(|()| format!("{connector} goes on")),
                    ));
                });
            }
            Deed::Probe(connector) => {
                tokio::spawn(async move {
                    let result = seat.probe(&connector).await;
                    send(Answer::Done(
                        result.map(|()| format!("{connector} is probed")),
                    ));
                });
            }
            Deed::Release(connector) => {
                tokio::spawn(async move {
                    let result = seat.release(&connector, "released in the workbench").await;
                    send(Answer::Done(
                        result.map(|()| format!("{connector} goes on")),
                    ));
                });
            }
            Deed::Approve {
                connector,
                brake,
                by,
                reason,
                expires,
            } => {
                tokio::spawn(async move {
                    let result = seat.approve(&connector, brake, &by, &reason, expires).await;
                    send(Answer::Done(result.map(|count| {
                        format!("{count} operation(s) ({brake}) go on")
                    })));
                });
            }
            Deed::Reject {
                connector,
                brake,
                by,
                reason,
            } => {
                tokio::spawn(async move {
                    let result = seat.reject(&connector, brake, &by, &reason).await;
                    send(Answer::Done(result.map(|count| {
                        format!("{count} operation(s) ({brake}) are given up")
                    })));
                });
            }
            Deed::Review => {
                let Some(draft) = draft else { return };
                let document = draft.document().clone();
                let after = Arc::clone(&draft.configuration);
                let (before, reader, catalogue) = (
                    Arc::clone(&self.running),
                    self.reader.clone(),
                    self.catalogue,
                );
                tokio::task::spawn_blocking(move || {
                    send(Answer::Reviewed(Box::new(review(
                        &document, &before, &after, &reader, &catalogue,
                    ))));
                });
            }
            Deed::Save => self.save(draft, send),
            Deed::Reload => {
                let result =
                    config::load(&self.file, &self.catalogue).map_err(|error| told(&error));
                self.take(result, send, Answer::Reloaded);
            }
            Deed::Wait(limit) => {
                let until = self.clock.now() + limit;
                tokio::spawn(async move {
                    let idle = seat.idle_until(until).await;
                    send(Answer::Done(idle.map(|idle| waited(&idle))));
                });
            }
            Deed::Import(path) => self.import(&path, send),
            Deed::Bulk(what, requests) => self.bulk(what, requests, send),
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

    /// Saves the draft; then the engine works by it.
    fn save(&mut self, draft: Option<&Draft>, send: impl FnOnce(Answer) + Send + 'static) {
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
        self.take(result, send, Answer::Saved);
    }

    fn look(&self) {
        *self
            .seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Seen::look(&self.file);
    }

    /// Lets the engine work by what was read.
    fn take(
        &mut self,
        result: Result<Loaded, String>,
        send: impl FnOnce(Answer) + Send + 'static,
        answer: fn(Result<Box<Loaded>, String>) -> Answer,
    ) {
        let seat = Arc::clone(&self.seat);
        if let Ok(loaded) = &result {
            self.running = Arc::new(loaded.configuration.clone());
        }
        tokio::spawn(async move {
            let taken = match result {
                Err(error) => Err(error),
                Ok(loaded) => seat
                    .reconfigure(Arc::new(loaded.configuration.clone()))
                    .await
                    .map(|()| Box::new(loaded))
                    .map_err(|told| format!("the engine goes on with the old settings: {told}")),
            };
            send(answer(taken));
        });
    }

    fn lab(&self, deed: Deed, send: impl FnOnce(Answer) + Send + 'static) {
        let lab = Arc::clone(&self.lab);
        let mocks = self.sender.clone();
        tokio::spawn(async move {
            let result = match deed {
                Deed::LabStart(target) => lab
                    .start(&target)
                    .await
                    .map(|url| format!("{target} runs at {url}")),
                Deed::LabStop(target) => lab
                    .stop(&target)
                    .await
                    .map(|()| format!("{target} is stopped")),
                Deed::Arm { target, spec } => lab
                    .arm(&target, &spec)
                    .map(|number| format!("armed at {target} as {number}: {spec}")),
                Deed::Disarm { target, number } => lab
                    .disarm(&target, number)
                    .map(|count| format!("{count} fault(s) disarmed at {target}")),
                Deed::Reset(target) => lab
                    .reset(&target)
                    .map(|()| format!("{target} is as it was seeded")),
                Deed::Snapshot { target, name } => lab
                    .snapshot(&target, &name)
                    .map(|()| format!("{target} kept as {name}")),
                Deed::Wear {
                    target,
                    personality,
                } => lab
                    .wear(&target, &personality)
                    .map(|()| format!("{target} has the manners of {personality} now")),
                Deed::Restore { target, name } => lab
                    .restore(&target, &name)
                    .map(|()| format!("{target} is as it was kept as {name}")),
                _ => return,
            };
            send(Answer::Done(result.map_err(|error| error.to_string())));
            let now = Answer::Mocks(lab.mocks(), lab.faults());
            let _ = mocks.send(Happening::Answer(Box::new(now))); // the screen may be gone
        });
    }
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
    for operation in operations {
        seat.retry(*operation).await?;
    }
    Ok(format!("{} operation(s) tried again", operations.len()))
}

/// Compares the accounts of connectors, one after the other.
async fn compare(seat: &dyn Seat, connectors: &[ConnectorRef]) -> Result<String, String> {
    let (mut accounts, mut found, mut unread) = (0, 0, Vec::new());
    for connector in connectors {
        let tally = seat.compare(connector, ReadBudget::default()).await?;
        accounts += tally.accounts;
        found += tally.found();
        if tally.not_read.is_some() {
            unread.push(connector.to_string());
        }
    }
    let said = format!("{accounts} account(s) compared, {found} not as they should be");
    if unread.is_empty() {
        Ok(said)
    } else {
        let list = unread.join(", ");
        Err(format!(
            "{said}; not everything was read of {list} (`outbound reconcile`)"
        ))
    }
}

async fn resolve(seat: &dyn Seat, wishes: &[engine::Wish]) -> Result<String, String> {
    for wish in wishes {
        seat.resolve(wish).await?;
    }
    Ok(format!("{} account(s) decided about", wishes.len()))
}

async fn discard(seat: &dyn Seat, operations: &[OperationId], why: &str) -> Result<String, String> {
    for operation in operations {
        seat.discard(*operation, why).await?;
    }
    Ok(format!("{} operation(s) discarded", operations.len()))
}

fn review(
    document: &Document,
    before: &Configuration,
    after: &Configuration,
    reader: &Reader,
    catalogue: &Catalogue,
) -> Review {
    let mut review = Review {
        diff: document.diff(),
        ..Review::default()
    };
    match document.check() {
        Ok(loaded) => {
            let findings = config::lint(&loaded, catalogue, LintOptions::default());
            review.warnings = findings
                .iter()
                .filter(|finding| finding.severity == Severity::Warning)
                .map(|finding| format!("{} ({}:{})", finding.message, finding.code, finding.line))
                .collect();
        }
        Err(error) => review.errors.push(told(&error)),
    }
    let mut failed = None;
    let mut after_name: Option<QualifiedName> = None;
    let mut page = Vec::new().into_iter();
    let users = std::iter::from_fn(|| {
        loop {
            if let Some(user) = page.next() {
                let user: domain::User = user;
                after_name = Some(user.name.clone());
                let links = reader
                    .links_of(domain::LocalRef::User(user.id))
                    .unwrap_or_default();
                return Some((user, links));
            }
            match reader.users(after_name.as_ref(), LIST) {
                Ok(users) if users.is_empty() => return None,
                Ok(users) => page = users.into_iter(),
                Err(error) => {
                    failed = Some(told(&error));
                    return None;
                }
            }
        }
    });
    match affected(catalogue, before, after, users) {
        Ok((targets, count)) => {
            review.affected = targets;
            review.users = count;
        }
        Err(error) => review.errors.push(error),
    }
    review.errors.extend(failed);
    review
}

fn read(
    reader: &Reader,
    lab: &dyn Lab,
    log: Option<&Path>,
    query: Query,
) -> Result<Answer, JournalError> {
    Ok(match query {
        Query::Begin => {
            let last = reader.last()?;
            let mut open = Vec::new();
            for state in [
                State::Queued,
                State::InFlight,
                State::Retrying,
                State::InDoubt,
                State::Held,
            ] {
                let filter = OperationFilter {
                    state: Some(state),
                    ..OperationFilter::default()
                };
                open.extend(reader.operations(&filter, Page::newest(LIST))?);
            }
            Answer::Begun {
                last,
                open,
                rows: rows(reader, Page::newest(ROWS))?,
                roles: reader.roles()?,
            }
        }
        Query::Counts => {
            let (last, counts) = reader.counts_now()?;
            Answer::Counts { last, counts }
        }
        Query::Older { before } => {
            let rows = rows(reader, Page::before(before, ROWS))?;
            Answer::Older {
                is_all: rows.len() < ROWS,
                rows,
            }
        }
        Query::Since { seq } => {
            let last = reader.last()?;
            let from = seq.max(last.saturating_sub(CATCH_UP as u64));
            let records = reader.facts_since(from, CATCH_UP)?;
            Answer::Since(
                records
                    .into_iter()
                    .map(|record| News::Fact(Arc::new(record)))
                    .collect(),
            )
        }
        Query::Trace(flow) => Answer::Trace(flow, reader.trace(flow)?.map(Box::new)),
        Query::Operations { state, before } => {
            let page = before.map_or_else(|| Page::newest(LIST), |seq| Page::before(seq, LIST));
            let filter = OperationFilter {
                state,
                ..OperationFilter::default()
            };
            Answer::Operations {
                state,
                before,
                list: reader.operations(&filter, page)?,
            }
        }
        Query::Directory { after } => {
            let users = reader.users(after.as_ref(), LIST)?;
            let groups = reader.groups(None, LIST)?;
            Answer::Directory {
                after,
                users,
                groups,
                roles: reader.roles()?,
                count: reader.user_count()?,
            }
        }
        Query::Safeguards { groups } => {
            let mut brakes = Vec::new();
            for brake in reader.brakes()? {
                let kept = reader.kept_by(&brake.connector, brake.brake, LIST)?.len();
                brakes.push((brake, kept));
            }
            Answer::Safeguards(Box::new(Safeguards {
                quarantines: reader.quarantines()?,
                brakes,
                groups: if groups {
                    reader.dead_groups(&DeadFilter::default())?
                } else {
                    Vec::new()
                },
            }))
        }
        Query::Links(local) => {
            let links = reader.links_of(local)?;
            let drifts = links
                .iter()
                .filter_map(|link| reader.drift(&link.connector, local).transpose())
                .collect::<Result<_, _>>()?;
            Answer::Links(local, links, drifts)
        }
        Query::Mocks => Answer::Mocks(lab.mocks(), lab.faults()),
        // A mock that is not there holds nothing; starting it says why it cannot.
        Query::Objects(target) => {
            let objects = lab.objects(&target).unwrap_or_default();
            Answer::Objects(target, objects)
        }
        Query::Log => Answer::Log(log.map(newest).unwrap_or_default()),
    })
}

/// Reads exchanges back, oldest first, with what is known of their operations.
pub(crate) fn rows(reader: &Reader, page: Page) -> Result<Vec<Row>, JournalError> {
    let mut views = reader.exchanges(&ExchangeFilter::default(), page)?;
    views.sort_by_key(|view| view.seq);
    let mut known = std::collections::HashMap::new();
    let mut rows = Vec::with_capacity(views.len());
    for view in views {
        let operation = match view.operation {
            None => None,
            Some(id) => {
                if let Some(found) = known.get(&id) {
                    Some(found)
                } else {
                    let found = reader.operation(id)?;
                    let told = found
                        .map(|found| (found.verb.word(), Arc::<str>::from(found.name.to_string())));
                    known.insert(id, told);
                    known.get(&id)
                }
            }
        };
        let (verb, name) = match operation {
            Some(Some((verb, name))) => (Some(*verb), Arc::clone(name)),
            _ => (None, "".into()),
        };
        rows.push(read_back(view, verb, name));
    }
    Ok(rows)
}

/// Returns the last lines of the newest file in the log's folder; files are named by their days.
fn newest(folder: &Path) -> Vec<String> {
    let files = match std::fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) => return vec![format!("cannot read {}: {error}", folder.display())],
    };
    let logs = files
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.max().map(|path| tail(&path)).unwrap_or_default()
}

/// Returns the last lines of a file.
fn tail(path: &Path) -> Vec<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let read = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(path)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(LOG_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match read() {
        Ok(text) => text.lines().map(str::to_owned).collect(),
        Err(error) => vec![format!("cannot read {}: {error}", path.display())],
    }
}
