//! The workbench on an engine that runs in another process: the journal is read as it grows, and commands go through the
//! control socket. When that engine ends it is said, and when one is there again it is followed; one that is started here
//! then is reached the same way, as other processes reach it.

mod follow;
mod idle;
mod place;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Clock, Configuration, ConnectorRef, Exchange, Request};
use engine::{
    Engine, Idle, Intake, Intaken, JournalError, News, Options, Plan, ReadBudget, Reader,
    Subscription, Tally, WaitVerdict,
};
use jiff::Timestamp;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinHandle;
use tui::{Command, NO_ENGINE, Refusal, Rejection, Seat, Standing, Submitted};

use crate::control::{Answer, Ask, Client};
use crate::exit::Exit;
use follow::{Follows, stands};
use idle::idle;
use place::Place;

pub use place::OtherFile;

/// How many pieces of news a screen may be behind before the oldest are dropped.
const NEWS: usize = 8192;
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

/// What is opened on another process's engine.
pub struct Opens {
    /// What an engine of our own would be started with.
    pub options: Options,
    /// The `workbench.toml` that is edited here.
    pub file: PathBuf,
    /// Whether a recorded request may be sent once more to a target that is no mock.
    pub may_replay: bool,
    /// Starts an engine of our own, when there is no other any more.
    pub starter: Box<dyn Starter>,
}

/// Starts an engine in this process that answers at its control socket.
#[async_trait]
pub trait Starter: Send + Sync {
    /// Starts it; what went wrong is told to a person.
    async fn start(&self, options: Options) -> Result<Own, String>;
}

/// An engine of this process.
pub struct Own {
    /// The engine.
    pub engine: Engine,
    /// What answers at its control socket, where that could be opened.
    pub answering: Option<JoinHandle<()>>,
}

impl Own {
    /// Stops it in good order; before that nobody new comes.
    pub async fn stop(self) {
        if let Some(answering) = self.answering {
            answering.abort();
        }
        self.engine.shutdown().await;
    }
}

/// An engine of another process.
pub struct Attached {
    way: Way,
    reader: Reader,
    may_replay: bool,
    /// What a plan is made by, and an engine of our own would be started with.
    options: Mutex<Options>,
    news: broadcast::Sender<News>,
    following: JoinHandle<()>,
    starter: Box<dyn Starter>,
    started: Arc<Notify>,
    own: tokio::sync::Mutex<Option<Own>>,
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
            starter,
        } = opens;
        let reader = Reader::open(&options.journal)?;
        let news = broadcast::Sender::new(NEWS);
        let engine = Place {
            journal: options.journal.clone(),
            file,
        };
        let started = Arc::new(Notify::new());
        let follows = Follows {
            engine: engine.clone(),
            reader: reader.clone(),
            news: news.clone(),
            at: reader.last()?,
            started: Arc::clone(&started),
            clock: Arc::clone(&options.clock),
        };
        let first = follows.engine.attach().await?;
        let now = first
            .as_ref()
            .map_or(Standing::Deaf, |(process, _)| stands(*process));
        let (tells, standing) = watch::channel(now);
        let following = tokio::spawn(follows.run(first.map(|(_, follower)| follower), tells));
        Ok(Self {
            way: Way { engine, standing },
            reader,
            may_replay,
            options: Mutex::new(options),
            news,
            following,
            starter,
            started,
            own: tokio::sync::Mutex::new(None),
        })
    }

    /// Leaves: nothing is followed any more, and an engine that was started here is stopped in good order.
    pub async fn close(&self) {
        self.following.abort();
        if let Some(own) = self.own.lock().await.take() {
            own.stop().await;
        }
    }

    /// Returns a reader of the journal.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    async fn ask(&self, ask: Ask) -> Result<Answer, Refusal> {
        self.way.ask(ask).await
    }

    async fn done(&self, ask: Ask) -> Result<(), String> {
        self.counted(ask).await.map(|_| ())
    }

    /// Asks for something that is done, perhaps to several operations; returns to how many.
    async fn counted(&self, ask: Ask) -> Result<u64, String> {
        match self.ask(ask).await {
            Ok(Answer::Count { count }) => Ok(count),
            Ok(Answer::Done | Answer::Resolved { .. }) => Ok(1),
            Ok(_) => Err(NONSENSE.to_owned()),
            Err(refusal) => Err(refusal.told),
        }
    }

    fn options(&self) -> MutexGuard<'_, Options> {
        self.options.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// Says in the socket's words what an engine is told to do.
fn asks(command: Command) -> Ask {
    match command {
        Command::Retry { operation } => Ask::Retry { operation },
        Command::Discard { operation, why } => Ask::Discard { operation, why },
        Command::Pause { connector, why } => Ask::Pause { connector, why },
        Command::Resume { connector, why } => Ask::Resume { connector, why },
        Command::Probe { connector } => Ask::Probe { connector },
        Command::Release { connector, why } => Ask::Release { connector, why },
        Command::Approve {
            connector,
            brake,
            by,
            reason,
            expires,
        } => Ask::Approve {
            connector,
            brake,
            by,
            reason,
            seconds: expires.as_secs(),
        },
        Command::Reject {
            connector,
            brake,
            by,
            reason,
        } => Ask::Reject {
            connector,
            brake,
            by,
            reason,
        },
        Command::Resolve(wish) => Ask::Resolve { wish },
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
            return Err(over(&NO_ENGINE));
        };
        let is_known = matches!(
            *self.standing.borrow(),
            Standing::Attached { .. } | Standing::Silent { .. } | Standing::Here
        );
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

#[async_trait]
impl Seat for Attached {
    fn subscribe(&self) -> Subscription {
        Subscription::of(self.news.subscribe())
    }

    fn standing(&self) -> Option<watch::Receiver<Standing>> {
        Some(self.way.standing.clone())
    }

    fn plan(&self, request: &Request) -> Result<Plan, String> {
        let options = self.options().clone();
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
            Some((_, WaitVerdict::Rejected { cause })) => Rejection::of(cause),
            _ => Rejection::from("a blocking provisioner refused it"),
        };
        let operations = trace.as_ref().map_or(&[][..], |trace| &trace.operations);
        Ok(Submitted {
            flow,
            operations: operations.len(),
            braked: tui::braked(operations.iter().map(|one| one.life)),
            rejected: (!accepted).then_some(cause),
        })
    }

    fn intake(&self) -> Arc<dyn Intake> {
        Arc::new(Handing {
            way: self.way.clone(),
        })
    }

    async fn command(&self, command: Command) -> Result<u64, String> {
        self.counted(asks(command)).await
    }

    async fn compare(&self, connector: &ConnectorRef, budget: ReadBudget) -> Result<Tally, String> {
        let ask = Ask::Reconcile {
            connector: connector.clone(),
            budget,
            restart: false,
        };
        match self.ask(ask).await {
            Ok(Answer::Compared { report }) => Ok(report.tally),
            Ok(_) => Err(NONSENSE.to_owned()),
            Err(refusal) => Err(refusal.told),
        }
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
        self.options().configuration = configuration;
        Ok(())
    }

    async fn idle_until(&self, deadline: Timestamp) -> Result<Idle, String> {
        let clock = Arc::clone(&self.options().clock);
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

    async fn run_here(&self, configuration: Arc<Configuration>) -> Result<(), String> {
        let mut own = self.own.lock().await;
        let standing = self.way.standing.borrow().clone();
        let answered = own.as_ref().is_some_and(|one| one.answering.is_some());
        if answered && Client::of(&self.way.engine.journal).await.is_err() {
            // The one that was started here has ended.
            if let Some(ended) = own.take() {
                ended.stop().await;
            }
        }
        match standing {
            Standing::Attached { process }
            | Standing::Silent { process, .. }
            | Standing::OtherFile { process, .. } => {
                return Err(format!(
                    "the engine of process {process} runs on this journal; stop it first, and E runs one here"
                ));
            }
            Standing::Here => return Err(HERE.to_owned()),
            Standing::Alone | Standing::Deaf if own.is_some() => return Err(HERE.to_owned()),
            Standing::Alone | Standing::Deaf => {}
        }
        let options = Options {
            configuration,
            ..self.options().clone()
        };
        // The journal's lock decides whether there really is no other.
        *own = Some(self.starter.start(options.clone()).await?);
        *self.options() = options;
        self.started.notify_one();
        Ok(())
    }
}

const HERE: &str = "the engine runs here already";

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
                    limits: std::collections::BTreeMap::new(),
                    quarantines: Vec::new(),
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
