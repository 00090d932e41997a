//! The workbench on an engine that runs in another process: the journal is read as it grows, and commands go through the
//! control socket. When that engine ends it is said, and when one is there again it is followed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Brake, Clock, Configuration, ConnectorRef, Exchange, OperationId, Request};
use engine::{
    Idle, Intake, Intaken, JournalError, News, OperationFilter, OperationView, Options, Page, Plan,
    ReadBudget, Reader, State, Subscription, Tally, WaitVerdict, Wish,
};
use jiff::Timestamp;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tui::{Refusal, Seat, Standing, Submitted};

use crate::control::{Answer, Ask, Client, Follower};
use crate::exit::Exit;

/// How many pieces of news a screen may be behind before the oldest are dropped.
const NEWS: usize = 8192;
/// How many facts are read at once; of more than that the screen is told how many it missed, and reads the newest.
const FACTS: usize = 4096;
/// How often it is looked whether an engine is there again, and what a process without a socket has written.
const LOOK: Duration = Duration::from_secs(1);
/// How many of these looks are let pass after an engine was met that works by another file.
const PASSED: u32 = 10;
/// How long an engine may take to say how it stands, and that it is followed.
const GREETING: Duration = Duration::from_secs(10);
/// How often a wait looks at the journal.
const WAIT: Duration = Duration::from_millis(100);

/// Why the workbench does not work on another process's engine.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The engine works by another `workbench.toml` than is edited here.
    #[error(transparent)]
    OtherFile(#[from] OtherFile),
}

/// An engine that works by another `workbench.toml`: what is seen and changed in the forms here would not be what it does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the engine of process {process} runs on this journal by {}", .file.display())]
pub struct OtherFile {
    /// The process.
    pub process: u32,
    /// Its file.
    pub file: PathBuf,
}

impl OtherFile {
    /// Returns what to do about it.
    pub fn advice(&self) -> String {
        format!(
            "open it with --config {}, or on another journal with --journal",
            self.file.display()
        )
    }
}

/// What is opened on another process's engine.
pub struct Opens {
    /// What an engine of our own would be started with.
    pub options: Options,
    /// The `workbench.toml` that is edited here.
    pub file: PathBuf,
    /// Whether a recorded request may be sent once more to a target that is no mock.
    pub may_replay: bool,
}

/// An engine of another process.
pub struct Attached {
    way: Way,
    reader: Reader,
    may_replay: bool,
    /// What a plan is made by.
    options: Mutex<Options>,
    news: broadcast::Sender<News>,
    following: JoinHandle<()>,
}

impl Attached {
    /// Follows the journal of another process's engine.
    ///
    /// # Errors
    /// [`AttachError`] when the journal cannot be read, or the engine works by another file.
    pub async fn to(opens: Opens) -> Result<Self, AttachError> {
        let Opens {
            options,
            file,
            may_replay,
        } = opens;
        let reader = Reader::open(&options.journal)?;
        let news = broadcast::Sender::new(NEWS);
        let engine = Place {
            journal: options.journal.clone(),
            file,
        };
        let follows = Follows {
            engine: engine.clone(),
            reader: reader.clone(),
            news: news.clone(),
            at: reader.last()?,
        };
        let first = follows.engine.attach().await?;
        let now = first
            .as_ref()
            .map_or(Standing::Deaf, |(process, _)| Standing::Attached {
                process: *process,
            });
        let (tells, standing) = watch::channel(now);
        let following = tokio::spawn(follows.run(first.map(|(_, follower)| follower), tells));
        Ok(Self {
            way: Way { engine, standing },
            reader,
            may_replay,
            options: Mutex::new(options),
            news,
            following,
        })
    }

    /// Returns a reader of the journal.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    async fn ask(&self, ask: Ask) -> Result<Answer, Refusal> {
        self.way.ask(ask).await
    }

    async fn done(&self, ask: Ask) -> Result<(), String> {
        match self.ask(ask).await {
            Ok(_) => Ok(()),
            Err(refusal) => Err(refusal.told),
        }
    }

    async fn count(&self, ask: Ask) -> Result<u64, String> {
        match self.ask(ask).await {
            Ok(Answer::Count { count }) => Ok(count),
            Ok(_) => Err(NONSENSE.to_owned()),
            Err(refusal) => Err(refusal.told),
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// Looks what is under way and what waits; nothing while something is under way or is due before the deadline, or while
/// more is written than can be looked at as it is at one moment.
fn idle(reader: &Reader, deadline: Timestamp) -> Result<Option<Idle>, JournalError> {
    let at = reader.last()?;
    let (mut waiting, mut next, mut held) = (0, None::<Timestamp>, 0);
    for state in [
        State::Queued,
        State::InFlight,
        State::Retrying,
        State::InDoubt,
        State::Held,
    ] {
        let is_idle = each(reader, state, |view| {
            if state == State::Held {
                held += 1;
                return true;
            }
            let Some(due) = view.life.due().filter(|due| *due > deadline) else {
                return false;
            };
            waiting += 1;
            next = Some(next.map_or(due, |next| next.min(due)));
            true
        })?;
        if !is_idle {
            return Ok(None);
        }
    }
    Ok((reader.last()? == at).then_some(Idle {
        waiting,
        next,
        held,
    }))
}

/// Looks at every operation in a state, page by page, until one ends it; returns whether none did.
fn each(
    reader: &Reader,
    state: State,
    mut look: impl FnMut(&OperationView) -> bool,
) -> Result<bool, JournalError> {
    const FIRST: usize = 16; // most often one of the newest ends it
    const MANY: usize = 1000;
    let filter = OperationFilter {
        state: Some(state),
        ..OperationFilter::default()
    };
    let mut page = Page::newest(FIRST);
    loop {
        let views = reader.operations(&filter, page)?;
        if !views.iter().all(&mut look) {
            return Ok(false);
        }
        match views.last() {
            Some(oldest) if views.len() == page.limit => page = Page::before(oldest.seq, MANY),
            _ => return Ok(true),
        }
    }
}

const NONSENSE: &str =
    "the running engine answered something else; use the same version of the program on both ends";

/// The way to the engine that is commanded.
#[derive(Clone)]
struct Way {
    engine: Place,
    standing: watch::Receiver<Standing>,
}

impl Way {
    /// Finds the engine for a command. One that is followed was looked at then; any other is looked at first: it may work
    /// by another file.
    async fn client(&self) -> Result<Client, Refusal> {
        let over = |told: &dyn fmt::Display| Refusal {
            told: told.to_string(),
            is_over: true,
        };
        let Ok(client) = Client::of(&self.engine.journal).await else {
            return Err(over(
                &"no engine takes commands on this journal at the moment\n\
                  Start `outbound serve`, or leave (q) and open `outbound` again, so that the engine runs here.",
            ));
        };
        let is_known = matches!(*self.standing.borrow(), Standing::Attached { .. });
        if is_known {
            return Ok(client);
        }
        match self.engine.look_at(&client).await {
            Ok(Some(_)) => Ok(client),
            Ok(None) => Err(over(&NONSENSE)),
            Err(other) => Err(over(&format!(
                "{other}\nNothing is asked of it from here: {}",
                other.advice()
            ))),
        }
    }

    /// Asks the engine, and words a refusal for a person.
    async fn ask(&self, ask: Ask) -> Result<Answer, Refusal> {
        match self.client().await?.ask(&ask).await {
            Ok(Answer::Refused {
                exit,
                happened,
                advice,
                ..
            }) => {
                let mut told = happened.join("\n");
                if let Some(advice) = advice {
                    told.push_str(&format!("\n{advice}"));
                }
                let is_over = exit == Exit::Journal.code();
                Err(Refusal { told, is_over })
            }
            Ok(answer) => Ok(answer),
            Err(error) => Err(Refusal {
                told: format!("{error}\nWhat was committed goes on; the journal shows it."),
                is_over: true,
            }),
        }
    }
}

/// Where the engine of a journal is found, and which `workbench.toml` it has to work by.
#[derive(Debug, Clone)]
struct Place {
    journal: PathBuf,
    file: PathBuf,
}

impl Place {
    /// Finds the engine; returns its process and its news, or nothing when none answers. Whatever is committed after this
    /// returns is among the news.
    async fn attach(&self) -> Result<Option<(u32, Follower)>, OtherFile> {
        let Ok(client) = Client::of(&self.journal).await else {
            return Ok(None);
        };
        let Ok(mut follower) = client.follow().await else {
            return Ok(None);
        };
        // It is said at once that nothing is missed any more; or that too many follow already.
        let begun = tokio::time::timeout(GREETING, follower.next()).await;
        if !matches!(begun, Ok(Ok(Answer::Heard { .. }))) {
            return Ok(None);
        }
        let process = self.look_at(&client).await?;
        Ok(process.map(|process| (process, follower)))
    }

    /// Asks an engine how it stands; returns its process, or nothing when it does not answer that.
    async fn look_at(&self, client: &Client) -> Result<Option<u32>, OtherFile> {
        let asked = tokio::time::timeout(GREETING, client.ask(&Ask::Status)).await;
        let Ok(Ok(Answer::Status { status })) = asked else {
            return Ok(None);
        };
        if real(&self.file) == real(&status.configuration) {
            return Ok(Some(status.pid));
        }
        Err(OtherFile {
            process: status.pid,
            file: status.configuration,
        })
    }
}

/// Returns what a path leads to, over links.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// What follows an engine and tells the screen.
struct Follows {
    engine: Place,
    reader: Reader,
    news: broadcast::Sender<News>,
    /// The number of the newest fact that was told.
    at: u64,
}

impl Follows {
    /// Tells what happens until nobody listens any more.
    async fn run(mut self, mut follower: Option<Follower>, standing: watch::Sender<Standing>) {
        let (mut passed, mut is_other) = (0, false);
        loop {
            if let Some(mut heard) = follower.take() {
                // What happened while there was nobody to tell it.
                self.catch_up().await;
                while let Ok(answer) = heard.next().await {
                    let Answer::Heard { last, under_way } = answer else {
                        break;
                    };
                    if last > self.at {
                        self.catch_up().await;
                    }
                    for started in under_way {
                        self.tell(News::Started(Arc::new(started)));
                    }
                }
                standing.send_replace(Standing::Alone);
            }
            tokio::time::sleep(LOOK).await;
            if passed > 0 {
                passed -= 1;
                self.catch_up().await;
                continue;
            }
            match self.engine.attach().await {
                Ok(Some((process, again))) => {
                    standing.send_replace(Standing::Attached { process });
                    (follower, is_other) = (Some(again), false);
                    continue;
                }
                Ok(None) => {
                    if is_other {
                        standing.send_replace(Standing::Alone);
                    }
                    is_other = false;
                }
                Err(other) => {
                    // It works on the journal, and takes nothing from here.
                    if !is_other {
                        tracing::warn!(%other, "the engine is not commanded from here: it works by another file");
                        standing.send_replace(Standing::Deaf);
                    }
                    (passed, is_other) = (PASSED, true);
                }
            }
            self.catch_up().await;
        }
    }

    fn tell(&self, news: News) {
        let _ = self.news.send(news); // nobody may be listening yet
    }

    /// Reads the facts after the last one that was told, and tells them.
    async fn catch_up(&mut self) {
        loop {
            let (reader, at) = (self.reader.clone(), self.at);
            let read = tokio::task::spawn_blocking(move || {
                let last = reader.last()?;
                if last <= at {
                    return Ok((at, Vec::new()));
                }
                if last - at > FACTS as u64 {
                    return Ok((last, Vec::new()));
                }
                Ok::<_, JournalError>((last, reader.facts_since(at, FACTS)?))
            });
            match read.await {
                Ok(Ok((last, facts))) if facts.is_empty() => {
                    if last > at {
                        self.at = last;
                        self.tell(News::Missed(last - at));
                    }
                    return;
                }
                Ok(Ok((_, facts))) => {
                    for record in facts {
                        self.at = record.seq;
                        self.tell(News::Fact(Arc::new(record)));
                    }
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the journal cannot be followed at the moment");
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "reading the journal broke down");
                    return;
                }
            }
        }
    }
}

#[async_trait]
impl Seat for Attached {
    fn subscribe(&self) -> Subscription {
        Subscription::of(self.news.subscribe())
    }

    fn standing(&self) -> Option<watch::Receiver<Standing>> {
        Some(self.way.standing.clone())
    }

    fn plan(&self, request: &Request) -> Result<Plan, String> {
        let options = self.options.lock().unwrap_or_else(PoisonError::into_inner);
        let options = options.clone();
        engine::plan(&options, request).map_err(|error| error.to_string())
    }

    async fn submit(&self, request: Request) -> Result<Submitted, Refusal> {
        let Answer::Taken { flow, accepted } = self.ask(Ask::Submit { request }).await? else {
            return Err(Refusal {
                told: NONSENSE.to_owned(),
                is_over: true,
            });
        };
        let reader = self.reader.clone();
        let read = tokio::task::spawn_blocking(move || reader.trace(flow));
        let trace = match read.await {
            Ok(Ok(trace)) => trace,
            // It was taken; only what came of it cannot be told.
            Ok(Err(_)) | Err(_) => None,
        };
        let wait = trace.as_ref().and_then(|trace| trace.wait.as_ref());
        let cause = match wait.and_then(|wait| wait.ended.as_ref()) {
            Some((_, WaitVerdict::Rejected { cause })) => cause.to_string(),
            _ => "a blocking provisioner refused it".to_owned(),
        };
        Ok(Submitted {
            flow,
            operations: trace.map_or(0, |trace| trace.operations.len()),
            rejected: (!accepted).then_some(cause),
        })
    }

    fn intake(&self) -> Arc<dyn Intake> {
        Arc::new(Handing {
            way: self.way.clone(),
        })
    }

    async fn retry(&self, operation: OperationId) -> Result<(), String> {
        self.done(Ask::Retry { operation }).await
    }

    async fn discard(&self, operation: OperationId, why: &str) -> Result<(), String> {
        let why = why.to_owned();
        self.done(Ask::Discard { operation, why }).await
    }

    async fn pause(&self, connector: &ConnectorRef, why: &str) -> Result<(), String> {
        let (connector, why) = (connector.clone(), why.to_owned());
        self.done(Ask::Pause { connector, why }).await
    }

    async fn resume(&self, connector: &ConnectorRef, why: &str) -> Result<(), String> {
        let (connector, why) = (connector.clone(), why.to_owned());
        self.done(Ask::Resume { connector, why }).await
    }

    async fn probe(&self, connector: &ConnectorRef) -> Result<(), String> {
        let connector = connector.clone();
        self.done(Ask::Probe { connector }).await
    }

    async fn release(&self, connector: &ConnectorRef, why: &str) -> Result<(), String> {
        let (connector, why) = (connector.clone(), why.to_owned());
        self.done(Ask::Release { connector, why }).await
    }

    async fn approve(
        &self,
        connector: &ConnectorRef,
        brake: Brake,
        by: &str,
        reason: &str,
        expires: Duration,
    ) -> Result<u64, String> {
        self.count(Ask::Approve {
            connector: connector.clone(),
            brake,
            by: by.to_owned(),
            reason: reason.to_owned(),
            seconds: expires.as_secs(),
        })
        .await
    }

    async fn reject(
        &self,
        connector: &ConnectorRef,
        brake: Brake,
        by: &str,
        reason: &str,
    ) -> Result<u64, String> {
        self.count(Ask::Reject {
            connector: connector.clone(),
            brake,
            by: by.to_owned(),
            reason: reason.to_owned(),
        })
        .await
    }

    async fn compare(&self, connector: &ConnectorRef, budget: ReadBudget) -> Result<Tally, String> {
        let connector = connector.clone();
        match self.ask(Ask::Reconcile { connector, budget }).await {
            Ok(Answer::Compared { report }) => Ok(report.tally),
            Ok(_) => Err(NONSENSE.to_owned()),
            Err(refusal) => Err(refusal.told),
        }
    }

    async fn resolve(&self, wish: &Wish) -> Result<(), String> {
        let wish = wish.clone();
        self.done(Ask::Resolve { wish }).await
    }

    async fn replay(
        &self,
        _connector: &ConnectorRef,
        _exchange: &Exchange,
        number: u64,
    ) -> Result<(), String> {
        self.done(Ask::Replay {
            exchange: number,
            allow: self.may_replay,
        })
        .await
    }

    async fn reconfigure(&self, configuration: Arc<Configuration>) -> Result<(), String> {
        self.done(Ask::Reload).await?;
        let mut options = self.options.lock().unwrap_or_else(PoisonError::into_inner);
        options.configuration = configuration;
        Ok(())
    }

    async fn idle_until(&self, deadline: Timestamp) -> Result<Idle, String> {
        let clock = {
            let options = self.options.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&options.clock)
        };
        loop {
            let reader = self.reader.clone();
            let looked = tokio::task::spawn_blocking(move || idle(&reader, deadline)).await;
            match looked {
                Ok(Ok(Some(idle))) => return Ok(idle),
                Ok(Ok(None)) if Clock::now(clock.as_ref()) < deadline => {}
                Ok(Ok(None)) => return Err("operations are still under way".to_owned()),
                Ok(Err(error)) => return Err(format!("cannot read the journal: {error}")),
                Err(error) => return Err(format!("reading the journal broke down: {error}")),
            }
            tokio::time::sleep(WAIT).await;
        }
    }
}

/// Hands the rows of an import to the running engine.
struct Handing {
    way: Way,
}

#[async_trait]
impl Intake for Handing {
    async fn take(&self, request: Request) -> Intaken {
        let client = match self.way.client().await {
            Ok(client) => client,
            Err(refusal) => return Intaken::Stopped(refusal.told),
        };
        match client.ask(&Ask::Submit { request }).await {
            Ok(Answer::Taken { accepted: true, .. }) => Intaken::Created,
            Ok(Answer::Taken { .. }) => Intaken::Refused(engine::BLOCKED.to_owned()),
            Ok(Answer::Refused { there: true, .. }) => Intaken::There,
            Ok(Answer::Refused { exit, happened, .. }) => {
                let told = happened.join(" ");
                if exit == Exit::Journal.code() {
                    Intaken::Stopped(told)
                } else {
                    Intaken::Refused(told)
                }
            }
            Ok(_) => Intaken::Stopped(NONSENSE.to_owned()),
            Err(error) => Intaken::Stopped(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::control::{Door, Listener, Status};

    /// An engine that works by some file and counts what it is asked to do.
    struct Stub {
        file: PathBuf,
        asked: AtomicUsize,
        news: broadcast::Sender<News>,
    }

    #[async_trait]
    impl Door for Stub {
        async fn answer(&self, ask: Ask) -> Answer {
            if !matches!(ask, Ask::Status) {
                self.asked.fetch_add(1, Ordering::SeqCst);
                return Answer::Done;
            }
            Answer::Status {
                status: Box::new(Status {
                    pid: 4711,
                    version: "0".to_owned(),
                    since: Timestamp::UNIX_EPOCH,
                    configuration: self.file.clone(),
                    configured: Timestamp::UNIX_EPOCH,
                    findings: Vec::new(),
                    owed: std::collections::BTreeMap::new(),
                }),
            }
        }

        fn follow(&self) -> Subscription {
            Subscription::of(self.news.subscribe())
        }
    }

    #[tokio::test]
    async fn an_engine_by_another_file_is_neither_followed_nor_commanded() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("j.db");
        let stub = Arc::new(Stub {
            file: folder.path().join("workbench.toml"),
            asked: AtomicUsize::new(0),
            news: broadcast::Sender::new(8),
        });
        let (door, listener) = (Arc::clone(&stub), Listener::bind(&journal).unwrap());
        tokio::spawn(async move { listener.serve(door).await });
        let way = |file: &str| {
            let (_, standing) = watch::channel(Standing::Alone);
            let engine = Place {
                journal: journal.clone(),
                file: folder.path().join(file),
            };
            Way { engine, standing }
        };

        let other = way("other.toml");
        let told = other.engine.attach().await.err().unwrap();
        assert_eq!((told.process, &told.file), (4711, &stub.file));
        let refusal = other.ask(Ask::Reload).await.unwrap_err();
        assert!(refusal.told.contains("workbench.toml"), "{}", refusal.told);
        assert!(refusal.is_over);
        assert_eq!(stub.asked.load(Ordering::SeqCst), 0);

        let same = way("workbench.toml");
        let attached = same.engine.attach().await.unwrap();
        assert_eq!(attached.unwrap().0, 4711);
        assert_eq!(same.ask(Ask::Reload).await.unwrap(), Answer::Done);
        assert_eq!(stub.asked.load(Ordering::SeqCst), 1);
    }
}
