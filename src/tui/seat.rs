//! The engine that the workbench works on: one of its own, or that of another process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Brake, Configuration, ConnectorRef, Exchange, FlowId, OperationId, Reason, Request};
use engine::{
    CommandError, Engine, Idle, Intake, Life, Plan, ReadBudget, SubmitError, Subscription, Tally,
    WaitFailure, WaitVerdict, Wish,
};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::screen::told;

/// What the workbench asks of an engine. Errors are for people.
#[async_trait]
pub trait Seat: Send + Sync {
    /// Follows what happens from now on.
    fn subscribe(&self) -> Subscription;

    /// Tells how the workbench stands to the engine, and whenever that changes; nothing when it is its own.
    fn standing(&self) -> Option<watch::Receiver<Standing>>;

    /// Decides what a request would lead to. Reads the journal, so it may block.
    fn plan(&self, request: &Request) -> Result<Plan, String>;

    /// Hands in a request; answered when its caller may go on.
    async fn submit(&self, request: Request) -> Result<Submitted, Refusal>;

    /// Takes the requests of an import.
    fn intake(&self) -> Arc<dyn Intake>;

    /// Does what it is told to; returns how many operations it was about.
    async fn command(&self, command: Command) -> Result<u64, String>;

    /// Compares a target's accounts with what should be there.
    async fn compare(&self, connector: &ConnectorRef, budget: ReadBudget) -> Result<Tally, String>;

    /// Sends a recorded request once more; `number` is its number in the journal.
    async fn replay(
        &self,
        connector: &ConnectorRef,
        exchange: &Exchange,
        number: u64,
    ) -> Result<(), String>;

    /// Works by the configuration that was written to `workbench.toml`.
    async fn reconfigure(&self, configuration: Arc<Configuration>) -> Result<(), String>;

    /// Waits until nothing is under way and nothing becomes due before an instant; says so when that does not come about.
    async fn idle_until(&self, deadline: Timestamp) -> Result<Idle, String>;

    /// Runs an engine in this process, by this configuration, where none runs on the journal any more.
    async fn run_here(&self, configuration: Arc<Configuration>) -> Result<(), String>;
}

/// What an engine can be told to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Try an operation again now.
    Retry {
        /// The operation.
        operation: OperationId,
    },
    /// Give an operation up.
    Discard {
        /// The operation.
        operation: OperationId,
        /// Why, for the journal.
        why: String,
    },
    /// Send nothing more to a connector.
    Pause {
        /// The connector.
        connector: ConnectorRef,
        /// Why, for the journal.
        why: String,
    },
    /// Send to a connector again.
    Resume {
        /// The connector.
        connector: ConnectorRef,
        /// Why, for the journal.
        why: String,
    },
    /// See whether a connector in quarantine works again.
    Probe {
        /// The connector.
        connector: ConnectorRef,
    },
    /// End a quarantine.
    Release {
        /// The connector.
        connector: ConnectorRef,
        /// Why, for the journal.
        why: String,
    },
    /// Let what a brake keeps go on.
    Approve {
        /// The connector.
        connector: ConnectorRef,
        /// Which brake.
        brake: Brake,
        /// Who approves.
        by: String,
        /// Why it is meant.
        reason: String,
        /// For how long what comes is not counted either.
        expires: Duration,
    },
    /// Give up what a brake keeps.
    Reject {
        /// The connector.
        connector: ConnectorRef,
        /// Which brake.
        brake: Brake,
        /// Who rejects.
        by: String,
        /// Why it was not meant.
        reason: String,
    },
    /// Decide about a difference.
    Resolve(Wish),
}

/// What a seat refuses with while there is no engine to command.
pub const NO_ENGINE: &str = "no engine takes commands on this journal at the moment\n\
    E runs the engine here; or start `outbound serve`, and this screen attaches to it by itself.";

/// How the workbench stands to an engine that is not its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It follows and commands the engine of this process.
    Attached {
        /// The process.
        process: u32,
    },
    /// It follows an engine that has said nothing for a while, not even that it is there: it is stopped, or has no time.
    Silent {
        /// The process.
        process: u32,
        /// Since when.
        since: Timestamp,
    },
    /// It follows and commands an engine that was started here, after that of another process had ended.
    Here,
    /// An engine runs on the journal by another `workbench.toml`: it is neither followed nor commanded.
    OtherFile {
        /// The process.
        process: u32,
        /// Its file.
        file: PathBuf,
    },
    /// Another process works on the journal and takes no commands: a command that ends soon, for example.
    Deaf,
    /// No engine runs on the journal any more.
    Alone,
}

impl Standing {
    /// Tells whether an engine may be run here, as far as is known.
    pub(crate) fn may_run_here(&self) -> bool {
        match self {
            Self::Deaf | Self::Alone => true,
            Self::Attached { .. } | Self::Silent { .. } | Self::Here | Self::OtherFile { .. } => {
                false
            }
        }
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The flow.
    pub flow: FlowId,
    /// How many operations follow from it.
    pub operations: usize,
    /// How many of them a brake keeps until somebody approves.
    pub braked: usize,
    /// Why the change was not made, when a blocking provisioner refused it.
    pub rejected: Option<Rejection>,
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// In words, with what to do.
    pub told: String,
    /// Without what is of this change alone: many that are refused for the same are told of once.
    pub briefly: String,
}

impl Rejection {
    /// Tells of what a caller's wait failed for.
    #[must_use]
    pub fn of(cause: &WaitFailure) -> Self {
        let briefly = match cause {
            WaitFailure::Held {
                connector,
                reason: reason @ Reason::BrakeEngaged,
                ..
            } => {
                format!("{reason} at {connector}: Journal, B approves; then make the change again")
            }
            WaitFailure::Held {
                connector, reason, ..
            }
            | WaitFailure::NotProvisioned {
                connector, reason, ..
            } => format!("{reason} at {connector}: {}", reason.fix()),
            WaitFailure::TimedOut { waiting_for, .. } => {
                let names: Vec<String> = waiting_for.iter().map(ToString::to_string).collect();
                format!("{} did not confirm in time", names.join(", "))
            }
            WaitFailure::Failed { .. }
            | WaitFailure::Discarded { .. }
            | WaitFailure::ProcessEnded => cause.to_string(),
        };
        Self {
            told: cause.to_string(),
            briefly,
        }
    }
}

impl From<&str> for Rejection {
    /// Where nothing is known but that it was refused.
    fn from(told: &str) -> Self {
        Self {
            told: told.to_owned(),
            briefly: told.to_owned(),
        }
    }
}

/// Returns how many of some operations a brake keeps.
pub fn braked(lives: impl Iterator<Item = Life>) -> usize {
    let is_braked = |life: &Life| {
        matches!(
            life,
            Life::Held {
                reason: Reason::BrakeEngaged
            }
        )
    };
    lives.filter(is_braked).count()
}

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In words.
    pub told: String,
    /// Whether nothing else will be taken either.
    pub is_over: bool,
}

#[async_trait]
impl Seat for Engine {
    fn subscribe(&self) -> Subscription {
        Self::subscribe(self)
    }

    fn standing(&self) -> Option<watch::Receiver<Standing>> {
        None
    }

    fn plan(&self, request: &Request) -> Result<Plan, String> {
        Self::plan(self, request).map_err(|error| told(&error))
    }

    async fn submit(&self, request: Request) -> Result<Submitted, Refusal> {
        match Self::submit(self, request).await {
            Ok(outcome) => Ok(Submitted {
                flow: outcome.flow,
                operations: outcome.operations.len(),
                braked: braked(outcome.operations.iter().map(|one| one.life)),
                rejected: match outcome.verdict {
                    Some(WaitVerdict::Rejected { cause }) => Some(Rejection::of(&cause)),
                    _ => None,
                },
            }),
            Err(error) => Err(Refusal {
                told: told(&error),
                is_over: matches!(error, SubmitError::Journal(_) | SubmitError::Stopped),
            }),
        }
    }

    fn intake(&self) -> Arc<dyn Intake> {
        Arc::new(self.clone())
    }

    async fn command(&self, command: Command) -> Result<u64, String> {
        let one = |result: Result<(), CommandError>| result.map(|()| 1);
        let result = match command {
            Command::Retry { operation } => one(self.retry(operation).await),
            Command::Discard { operation, why } => one(self.discard(operation, &why).await),
            Command::Pause { connector, why } => one(self.pause(&connector, &why).await),
            Command::Resume { connector, why } => one(self.resume(&connector, &why).await),
            Command::Probe { connector } => one(self.probe(&connector)),
            Command::Release { connector, why } => {
                one(self.release_quarantine(&connector, &why).await)
            }
            Command::Approve {
                connector,
                brake,
                by,
                reason,
                expires,
            } => {
                self.approve_brake(&connector, brake, &by, &reason, expires)
                    .await
            }
            Command::Reject {
                connector,
                brake,
                by,
                reason,
            } => self.reject_brake(&connector, brake, &by, &reason).await,
            Command::Resolve(wish) => {
                let outcome = self.resolve(&wish).await;
                return outcome.map(|_| 1).map_err(|error| told(&error));
            }
        };
        result.map_err(|error| told(&error))
    }

    async fn compare(&self, connector: &ConnectorRef, budget: ReadBudget) -> Result<Tally, String> {
        let report = self.reconcile(connector, budget, false).await;
        report
            .map(|report| report.tally)
            .map_err(|error| told(&error))
    }

    async fn replay(
        &self,
        connector: &ConnectorRef,
        exchange: &Exchange,
        _number: u64,
    ) -> Result<(), String> {
        Self::replay(self, connector, exchange)
            .await
            .map_err(|error| told(&error))
    }

    async fn reconfigure(&self, configuration: Arc<Configuration>) -> Result<(), String> {
        Self::reconfigure(self, configuration)
            .await
            .map_err(|error| told(&error))
    }

    async fn idle_until(&self, deadline: Timestamp) -> Result<Idle, String> {
        Ok(Self::idle_until(self, deadline).await)
    }

    async fn run_here(&self, _configuration: Arc<Configuration>) -> Result<(), String> {
        Err("the engine runs here already".to_owned())
    }
}
