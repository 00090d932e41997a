//! Where a command works: on an engine of its own, or on the one that runs on the journal already, through its socket.

use std::time::Duration;

use config::Loaded;
use domain::{ConnectorRef, FlowId, OperationId, Request};
use engine::{Engine, JournalError, Reader, StartError};
use jiff::Timestamp;

use super::journal::refused;
use super::trigger::{deadline, not_taken};
use super::trouble::Trouble;
use super::{Global, session, trigger};
use crate::control::{Answer, Client, ClientError};
use crate::exit::Exit;
use crate::workbench;

/// How long to wait between two looks at the journal of another process.
const LOOK: Duration = Duration::from_millis(50);

/// The engine that a command works on.
pub(super) enum Seat {
    /// Its own.
    Own(Engine),
    /// That of another process.
    Other(Client, Reader),
}

impl Seat {
    /// Starts an engine on the configured journal, or finds the one that runs on it. With `sends` an own engine goes on
    /// with what is owed; another process's does so anyway.
    pub(super) async fn take(global: &Global, sends: bool) -> Result<(Loaded, Self), Trouble> {
        let loaded = session::load(global)?;
        let options = engine::Options {
            sends,
            ..session::options(global, &loaded)
        };
        let journal = options.journal.clone();
        match Engine::start(options).await {
            Ok(engine) => Ok((loaded, Self::Own(engine))),
            Err(StartError::Journal(error @ JournalError::InUse { .. })) => {
                let Ok(client) = Client::of(&journal).await else {
                    return Err(session::journal_trouble(&error));
                };
                let reader =
                    Reader::open(&journal).map_err(|error| session::journal_trouble(&error))?;
                Ok((loaded, Self::Other(client, reader)))
            }
            Err(error) => Err(session::not_started(error)),
        }
    }

    pub(super) fn reader(&self) -> Reader {
        match self {
            Self::Own(engine) => engine.reader(),
            Self::Other(_, reader) => reader.clone(),
        }
    }

    /// Hands in a request; returns its flow and whether it was accepted.
    pub(super) async fn submit(&self, request: Request) -> Result<(FlowId, bool), Trouble> {
        match self {
            Self::Own(engine) => {
                let outcome = engine.submit(request).await.map_err(not_taken)?;
                Ok((outcome.flow, outcome.is_accepted()))
            }
            Self::Other(client, _) => match heard(client.submit(&request).await)? {
                Answer::Taken { flow, accepted } => Ok((flow, accepted)),
                _ => Err(nonsense()),
            },
        }
    }

    pub(super) async fn retry(&self, operation: OperationId) -> Result<(), Trouble> {
        match self {
            Self::Own(engine) => engine.retry(operation).await.map_err(refused),
            Self::Other(client, _) => heard(client.retry(operation).await).map(|_| ()),
        }
    }

    pub(super) async fn discard(&self, operation: OperationId, why: &str) -> Result<(), Trouble> {
        match self {
            Self::Own(engine) => engine.discard(operation, why).await.map_err(refused),
            Self::Other(client, _) => heard(client.discard(operation, why).await).map(|_| ()),
        }
    }

    pub(super) async fn pause(&self, connector: &ConnectorRef, why: &str) -> Result<(), Trouble> {
        match self {
            Self::Own(engine) => engine.pause(connector, why).await.map_err(refused),
            Self::Other(client, _) => heard(client.pause(connector, why).await).map(|_| ()),
        }
    }

    pub(super) async fn resume(&self, connector: &ConnectorRef, why: &str) -> Result<(), Trouble> {
        match self {
            Self::Own(engine) => engine.resume(connector, why).await.map_err(refused),
            Self::Other(client, _) => heard(client.resume(connector, why).await).map(|_| ()),
        }
    }

    /// Waits until nothing of these operations is due any more, time runs out, or a signal comes. An own engine is
    /// given the time for everything that is owed.
    pub(super) async fn settle(
        &self,
        operations: &[OperationId],
        wait: Duration,
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
            while !is_quiet(reader, operations, until)? {
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
    pub(super) async fn leave(self) {
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
        if let Some(view) = reader.operation(*operation)? {
            let is_late = view.life.due().is_some_and(|due| due > until);
            let is_held = view.life.state() == engine::State::Held;
            if view.life.is_open() && !is_late && !is_held {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Turns what another engine said into what a command says.
pub(super) fn heard(answer: Result<Answer, ClientError>) -> Result<Answer, Trouble> {
    match answer {
        Ok(Answer::Refused {
            exit,
            tried,
            happened,
            advice,
        }) => Err(Trouble {
            exit: Exit::ALL
                .into_iter()
                .find(|known| known.code() == exit)
                .unwrap_or(Exit::Failed),
            tried,
            happened,
            advice,
        }),
        Ok(answer) => Ok(answer),
        Err(error) => Err(
            Trouble::new(Exit::Journal, "ask the running engine", error).advise(
                "what was committed goes on; see `outbound journal list` and `outbound status`",
            ),
        ),
    }
}

fn nonsense() -> Trouble {
    Trouble::new(
        Exit::Journal,
        "ask the running engine",
        "it answered something else",
    )
    .advise("use the same version of the program on both ends")
}
