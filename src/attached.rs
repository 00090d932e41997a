//! The workbench on an engine that runs in another process: the journal is read as it grows, and commands go through the
//! control socket. When that engine ends it is said, and when one is there again it is followed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Brake, Clock, Configuration, ConnectorRef, Exchange, OperationId, Request};
use engine::{
    Idle, Intake, Intaken, JournalError, News, OperationFilter, Options, Page, Plan, ReadBudget,
    Reader, State, Subscription, Tally, WaitVerdict, Wish,
};
use jiff::Timestamp;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tui::{Refusal, Seat, Standing, Submitted};

use crate::control::{Answer, Ask, Client, Follower, Status};
use crate::exit::Exit;

/// How many pieces of news a screen may be behind before the oldest are dropped.
const NEWS: usize = 8192;
/// How many facts are read at once; of more than that the screen is told how many it missed, and reads the newest.
const FACTS: usize = 4096;
/// How often it is looked whether an engine is there again, and what a process without a socket has written.
const LOOK: Duration = Duration::from_secs(1);
/// How often a wait looks at the journal.
const WAIT: Duration = Duration::from_millis(100);

/// An engine of another process.
pub struct Attached {
    journal: PathBuf,
    reader: Reader,
    /// What a plan is made by.
    options: Mutex<Options>,
    news: broadcast::Sender<News>,
    standing: watch::Receiver<Standing>,
    following: JoinHandle<()>,
}

impl Attached {
    /// Follows the journal of another process's engine, which `options` describe.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be read.
    pub async fn to(options: Options) -> Result<Self, JournalError> {
        let journal = options.journal.clone();
        let reader = Reader::open(&journal)?;
        let news = broadcast::Sender::new(NEWS);
        let follows = Follows {
            journal: journal.clone(),
            reader: reader.clone(),
            news: news.clone(),
            at: reader.last()?,
        };
        let first = follows.attach().await;
        let now = first
            .as_ref()
            .map_or(Standing::Deaf, |(process, _)| Standing::Attached {
                process: *process,
            });
        let (tells, standing) = watch::channel(now);
        let following = tokio::spawn(follows.run(first.map(|(_, follower)| follower), tells));
        Ok(Self {
            journal,
            reader,
            options: Mutex::new(options),
            news,
            standing,
            following,
        })
    }

    /// Returns a reader of the journal.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Asks how the engine stands; nothing when none answers.
    pub async fn status(&self) -> Option<Status> {
        match self.ask(Ask::Status).await {
            Ok(Answer::Status { status }) => Some(*status),
            _ => None,
        }
    }

    async fn ask(&self, ask: Ask) -> Result<Answer, Refusal> {
        answered(&self.journal, ask).await
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

    /// Looks what is under way and what waits.
    fn idle(&self, deadline: Timestamp) -> Result<Option<Idle>, JournalError> {
        const MANY: usize = 10_000;
        let of = |state| {
            let filter = OperationFilter {
                state: Some(state),
                ..OperationFilter::default()
            };
            self.reader.operations(&filter, Page::newest(MANY))
        };
        let (mut waiting, mut next) = (0, None::<Timestamp>);
        for state in [
            State::Queued,
            State::InFlight,
            State::Retrying,
            State::InDoubt,
        ] {
            for view in of(state)? {
                match view.life.due().filter(|due| *due > deadline) {
                    Some(due) => {
                        waiting += 1;
                        next = Some(next.map_or(due, |next| next.min(due)));
                    }
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(Idle {
            waiting,
            next,
            held: of(State::Held)?.len(),
        }))
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.following.abort();
    }
}

const NONSENSE: &str =
    "the running engine answered something else; use the same version of the program on both ends";

/// Asks the engine of a journal, and words a refusal for a person.
async fn answered(journal: &std::path::Path, ask: Ask) -> Result<Answer, Refusal> {
    let over = |told: String| Refusal {
        told,
        is_over: true,
    };
    let Ok(client) = Client::of(journal).await else {
        return Err(over(
            "no engine takes commands on this journal at the moment\n\
             Start `outbound serve`, or leave (q) and open `outbound` again, so that the engine runs here."
                .to_owned(),
        ));
    };
    match client.ask(&ask).await {
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
        Err(error) => Err(over(format!(
            "{error}\nWhat was committed goes on; the journal shows it."
        ))),
    }
}

/// What follows an engine and tells the screen.
struct Follows {
    journal: PathBuf,
    reader: Reader,
    news: broadcast::Sender<News>,
    /// The number of the newest fact that was told.
    at: u64,
}

impl Follows {
    /// Finds the engine; returns its process and its news.
    async fn attach(&self) -> Option<(u32, Follower)> {
        let client = Client::of(&self.journal).await.ok()?;
        let follower = client.follow().await.ok()?;
        let Ok(Answer::Status { status }) = client.ask(&Ask::Status).await else {
            return None;
        };
        Some((status.pid, follower))
    }

    /// Tells what happens until nobody listens any more.
    async fn run(mut self, mut follower: Option<Follower>, standing: watch::Sender<Standing>) {
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
            if let Some((process, again)) = self.attach().await {
                standing.send_replace(Standing::Attached { process });
                follower = Some(again);
            } else {
                self.catch_up().await;
            }
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
        Some(self.standing.clone())
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
            journal: self.journal.clone(),
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
        self.done(Ask::Replay { exchange: number }).await
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
            match self.idle(deadline) {
                Ok(Some(idle)) => return Ok(idle),
                Ok(None) if Clock::now(clock.as_ref()) < deadline => {}
                Ok(None) => return Err("operations are still under way".to_owned()),
                Err(error) => return Err(format!("cannot read the journal: {error}")),
            }
            tokio::time::sleep(WAIT).await;
        }
    }
}

/// Hands the rows of an import to the running engine.
struct Handing {
    journal: PathBuf,
}

#[async_trait]
impl Intake for Handing {
    async fn take(&self, request: Request) -> Intaken {
        let Ok(client) = Client::of(&self.journal).await else {
            return Intaken::Stopped("the running engine has ended".to_owned());
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
