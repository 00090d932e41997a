//! Where a command works: on an engine of its own, or on the one that runs on the journal already, through its socket.

use std::collections::BTreeSet;
use std::time::Duration;

use config::Loaded;
use domain::{ConnectorRef, FlowId, OperationId, Request};
use engine::{
    Engine, JournalError, OperationFilter, OperationView, Page, Reader, StartError, State,
};
use jiff::Timestamp;

use super::trigger::deadline;
use super::trouble::Trouble;
use super::{Global, answer, session, trigger};
use crate::control::{Answer, Ask, Client, ClientError};
use crate::exit::Exit;
use crate::workbench;

/// How long to wait between two looks at the journal of another process.
const LOOK: Duration = Duration::from_millis(50);

/// How many operations are read from the journal at once.
const MANY: usize = 10_000;

/// The engine that a command works on.
pub(super) enum Seat {
    /// Its own.
    Own(Engine),
    /// That of another process.
    Other(Client, Reader),
}

impl Seat {
    /// Starts an engine on the configured journal, or finds the one that runs on it. With `sends` an own engine goes on
    /// with what is owed; another process's does so anyway. That one works by the file as it took it, so that it is found
    /// whatever is wrong with the file now; what that is comes in the place of the configuration then.
    pub(super) async fn take(
        global: &Global,
        sends: bool,
    ) -> Result<(Result<Loaded, Trouble>, Self), Trouble> {
        let loaded = match session::load(global) {
            Ok(loaded) => loaded,
            Err(trouble) => {
                return match Self::running(global).await? {
                    Some(seat) => Ok((Err(trouble), seat)),
                    None => Err(trouble),
                };
            }
        };
        let options = engine::Options {
            sends,
            ..session::options(global, &loaded)
        };
        let journal = options.journal.clone();
        match Engine::start(options).await {
            Ok(engine) => Ok((Ok(loaded), Self::Own(engine))),
            Err(StartError::Journal(error @ JournalError::InUse { .. })) => {
                let Ok(client) = Client::of(&journal).await else {
                    return Err(session::journal_trouble(&error));
                };
                let reader =
                    Reader::open(&journal).map_err(|error| session::journal_trouble(&error))?;
                Ok((Ok(loaded), Self::Other(client, reader)))
            }
            Err(error) => Err(session::not_started(error)),
        }
    }

    /// Finds the engine that runs on the journal; none when there is none.
    async fn running(global: &Global) -> Result<Option<Self>, Trouble> {
        let Ok(place) = session::place(global) else {
            return Ok(None); // why the file cannot be read is told by whoever asks
        };
        let client = match place.engine(global).await {
            Ok(client) => client,
            Err(_) if place.broken.is_none() => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        let reader = Reader::open(&place.path).map_err(|error| session::journal_trouble(&error))?;
        place.tell(global);
        Ok(Some(Self::Other(client, reader)))
    }

    pub(super) fn reader(&self) -> Reader {
        match self {
            Self::Own(engine) => engine.reader(),
            Self::Other(_, reader) => reader.clone(),
        }
    }

    /// Asks the engine for something; another process's through its socket.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Answer, Trouble> {
        match self {
            Self::Own(engine) => answer::carry_out(engine, ask).await,
            Self::Other(client, _) => heard(client.ask(&ask).await),
        }
    }

    /// Asks for something that nothing is to be told of but that it is done.
    pub(super) async fn done(&self, ask: Ask) -> Result<(), Trouble> {
        self.ask(ask).await.map(|_| ())
    }

    /// Hands in a request; returns its flow and whether it was accepted.
    pub(super) async fn submit(&self, request: Request) -> Result<(FlowId, bool), Trouble> {
        match self.ask(Ask::Submit { request }).await? {
            Answer::Taken { flow, accepted } => Ok((flow, accepted)),
            _ => Err(nonsense()),
        }
    }

    /// Returns what is owed, at one connector or at all of them; the newest when it is very much.
    pub(super) fn owed(
        &self,
        connector: Option<&ConnectorRef>,
    ) -> Result<Vec<OperationId>, Trouble> {
        let reader = self.reader();
        let mut owed = Vec::new();
        for state in State::ALL.into_iter().filter(|state| state.is_open()) {
            let filter = OperationFilter {
                state: Some(state),
                connector: connector.cloned(),
                ..OperationFilter::default()
            };
            let views = reader.operations(&filter, Page::newest(MANY));
            let views = views.map_err(|error| session::journal_trouble(&error))?;
            owed.extend(views.into_iter().map(|view| view.operation));
        }
        Ok(owed)
    }

    /// Returns how many operations are owed at a connector that were not before, and are left to another engine: an own one
    /// may not send, and another process's sends at once.
    pub(super) fn left_owed(
        &self,
        connector: &ConnectorRef,
        before: &[OperationId],
    ) -> Result<usize, Trouble> {
        let Self::Own(_) = self else {
            return Ok(0);
        };
        let before: BTreeSet<&OperationId> = before.iter().collect();
        let owed = self.owed(Some(connector))?;
        Ok(owed.iter().filter(|id| !before.contains(id)).count())
    }

    /// Waits until nothing of these operations is due any more, time runs out, or a signal comes. An own engine is
    /// given the time for everything that is owed.
    pub(super) async fn settle(
        &self,
        operations: &[OperationId],
        wait: Duration,
    ) -> Result<(), Trouble> {
        self.settle_when(wait, |reader, until| is_quiet(reader, operations, until))
            .await
    }

    /// Waits as [`Self::settle`] does, for whatever belongs to these flows: also for what follows only when an earlier
    /// operation is done.
    pub(super) async fn settle_flows(
        &self,
        flows: &[FlowId],
        wait: Duration,
    ) -> Result<(), Trouble> {
        let mut left = flows.to_vec();
        self.settle_when(wait, move |reader, until| {
            while let Some(flow) = left.last() {
                let filter = OperationFilter {
                    flow: Some(*flow),
                    ..OperationFilter::default()
                };
                let views = reader.operations(&filter, Page::newest(MANY))?;
                if views.iter().any(|view| is_due(view, until)) {
                    return Ok(false);
                }
                left.pop();
            }
            Ok(true)
        })
        .await
    }

    async fn settle_when(
        &self,
        wait: Duration,
        mut is_quiet: impl FnMut(&Reader, Timestamp) -> Result<bool, JournalError>,
    ) -> Result<(), Trouble> {
        let reader = match self {
            Self::Own(engine) => {
                trigger::settle(engine, wait).await;
                return Ok(());
            }
            Self::Other(_, reader) => reader,
        };
        let until = deadline(wait);
        let looking = async {
            while !is_quiet(reader, until)? {
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        };
        tokio::select! {
            done = looking => done.map_err(|error| session::journal_trouble(&error)),
            () = tokio::time::sleep(wait) => Ok(()),
            () = workbench::stop_signal() => Ok(()),
        }
    }

    /// Stops an own engine; another's goes on.
    pub(super) async fn leave(&self) {
        if let Self::Own(engine) = self {
            engine.shutdown().await;
        }
    }
}

fn is_quiet(
    reader: &Reader,
    operations: &[OperationId],
    until: Timestamp,
) -> Result<bool, JournalError> {
    for operation in operations {
        if let Some(view) = reader.operation(*operation)?
            && is_due(&view, until)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tells whether something may become of an operation until then.
fn is_due(view: &OperationView, until: Timestamp) -> bool {
    let is_late = view.life.due().is_some_and(|due| due > until);
    let is_held = view.life.state() == State::Held;
    view.life.is_open() && !is_late && !is_held
}

/// Turns what another engine said into what a command says.
pub(super) fn heard(answer: Result<Answer, ClientError>) -> Result<Answer, Trouble> {
    match answer {
        Ok(Answer::Refused {
            exit,
            tried,
            happened,
            advice,
            there,
        }) => Err(Trouble {
            exit: Exit::ALL
                .into_iter()
                .find(|known| known.code() == exit)
                .unwrap_or(Exit::Failed),
            tried,
            happened,
            advice,
            there,
        }),
        Ok(answer) => Ok(answer),
        Err(error) => Err(
            Trouble::new(Exit::Journal, "ask the running engine", error).advise(
                "what was committed goes on; see `outbound journal list` and `outbound status`",
            ),
        ),
    }
}

/// Says that an engine of another version answered.
pub(super) fn nonsense() -> Trouble {
    Trouble::new(
        Exit::Journal,
        "ask the running engine",
        "it answered something else",
    )
    .advise("use the same version of the program on both ends")
}
