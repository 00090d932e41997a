//! How the engine is started, asked, commanded and watched.

use std::path::PathBuf;
use std::sync::Arc;

use domain::{
    Brake, Catalogue, Clock, Configuration, ConnectorRef, Connectors, Exchange, FlowId, Object,
    OperationId, QualifiedName, RoleName, StoreDomain, TraceLine, Trigger,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::journal::{JournalError, OperationView};
use crate::trace::TriggerTrace;
use crate::{Record, WaitVerdict};

/// What an engine is started with.
#[derive(Clone)]
pub struct Options {
    /// The configuration.
    pub configuration: Arc<Configuration>,
    /// The connector types that exist.
    pub catalogue: Catalogue,
    /// Builds the connectors.
    pub connectors: Arc<dyn Connectors>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The journal's file.
    pub journal: PathBuf,
    /// The seed of ids and jitter. Passwords never come of it.
    pub seed: u64,
    /// Whether anything is sent. With `false` what is owed stays owed: for work on the journal and the directory alone.
    pub sends: bool,
}

/// Why an engine could not be started.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The rules cannot be used.
    #[error("the rules cannot be used: {0}")]
    Rules(String),
}

/// Why nothing could be planned.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PlanError {
    /// The journal or the rules cannot be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The request cannot be taken.
    #[error(transparent)]
    Request(#[from] SubmitError),
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The flow.
    pub flow: FlowId,
    /// The triggers with their decisions.
    pub triggers: Vec<TriggerTrace>,
    /// The operations as they stand when the caller goes on.
    pub operations: Vec<OperationView>,
    /// How the caller's wait ended; `None` when no operation is blocking.
    pub verdict: Option<WaitVerdict>,
}

impl Outcome {
    /// Tells whether the change was made (or the login let in).
    pub fn is_accepted(&self) -> bool {
        !matches!(self.verdict, Some(WaitVerdict::Rejected { .. }))
    }
}

/// What would come of a request. Nothing was written and nothing sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The triggers with their decisions; `operation` is always empty.
    pub triggers: Vec<PlannedTrigger>,
}

/// One trigger of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedTrigger {
    /// The trigger; its ids are made up for the plan.
    pub trigger: Trigger,
    /// The trace's first step.
    pub event: Vec<TraceLine>,
    /// One decision per candidate.
    pub decisions: Vec<domain::Decision>,
}

/// Why a request was not taken. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// The directory does not allow the change.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The journal cannot be written, so nothing is done.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The engine has been stopped.
    #[error("the engine is stopped")]
    Stopped,
}

/// Why the local directory does not allow a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The store is not among `user_stores`.
    #[error("user store domain {store} does not exist; there are {}", known.join(", "))]
    StoreUnknown {
        /// The store.
        store: StoreDomain,
        /// Those that exist.
        known: Vec<String>,
    },
    /// No such user.
    #[error("there is no user {name}")]
    UserUnknown {
        /// The name.
        name: QualifiedName,
    },
    /// No such group.
    #[error("there is no group {name}")]
    GroupUnknown {
        /// The name.
        name: QualifiedName,
    },
    /// No such role.
    #[error("there is no role {role}; there are {}", known.join(", "))]
    RoleUnknown {
        /// The role.
        role: RoleName,
        /// Those that exist.
        known: Vec<String>,
    },
    /// The role is there already; case makes no difference.
    #[error("there is a role {role} already")]
    RoleTaken {
        /// The role as it is there.
        role: RoleName,
    },
    /// The name is taken; case makes no difference.
    #[error("there is a {object} {name} already")]
    NameTaken {
        /// User or group.
        object: Object,
        /// The name as it is taken.
        name: QualifiedName,
    },
    /// The name cannot be used.
    #[error("the name `{}` cannot be used: {told}", domain::visible(name))]
    NameUnusable {
        /// The name.
        name: String,
        /// Why.
        told: String,
    },
    /// The request lacks something, or says something that cannot be.
    #[error("{told}")]
    Unusable {
        /// What.
        told: String,
    },
    /// The login names a connection that is not configured.
    #[error("there is no connection {connection}")]
    ConnectionUnknown {
        /// The connection.
        connection: String,
    },
}

/// Why a command was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError {
    /// No such operation.
    #[error("there is no operation {0}")]
    OperationUnknown(OperationId),
    /// No such connector.
    #[error("there is no connector {0}")]
    ConnectorUnknown(ConnectorRef),
    /// The operation's state does not allow it.
    #[error("operation {operation} is {state}; {told}")]
    WrongState {
        /// The operation.
        operation: OperationId,
        /// Its state.
        state: &'static str,
        /// What can be done in that state.
        told: String,
    },
    /// A later operation for the same account was done, so that trying the older one again would undo it.
    #[error("operation {operation} is out of date: {by} was done later for the same account")]
    Superseded {
        /// The operation.
        operation: OperationId,
        /// The later one.
        by: OperationId,
    },
    /// No brake has engaged.
    #[error("no brake keeps {1} of {0}")]
    NotBraked(ConnectorRef, Brake),
    /// An approval or a rejection needs a name.
    #[error("nobody's name was given; an approval is somebody's word")]
    NobodyApproves,
    /// An approval is for a limited time.
    #[error("an approval holds for seven days at most")]
    ApprovedTooLong,
    /// The connector is not in quarantine.
    #[error("{0} is not in quarantine")]
    NotQuarantined(ConnectorRef),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The rules of the new configuration cannot be used.
    #[error("the rules cannot be used: {0}")]
    Rules(String),
}

/// What a subscriber is told.
#[derive(Debug, Clone)]
pub enum News {
    /// A fact was committed.
    Fact(Arc<Record>),
    /// A request is under way; its fact follows when it is over.
    Started(Arc<Started>),
    /// The subscriber was too slow; so many were dropped. The journal has them.
    Missed(u64),
}

/// A request that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The flow.
    pub flow: FlowId,
    /// The operation.
    pub operation: OperationId,
    /// The attempt's number.
    pub attempt: u32,
    /// The connector.
    pub connector: ConnectorRef,
    /// The request.
    pub exchange: Exchange,
}

/// Receives what happens from the moment of subscribing on.
#[derive(Debug)]
pub struct Subscription {
    pub(crate) receiver: broadcast::Receiver<News>,
}

impl Subscription {
    /// Follows the news of an engine that runs elsewhere: whoever holds the other end hears of it and tells it.
    pub fn of(receiver: broadcast::Receiver<News>) -> Self {
        Self { receiver }
    }

    /// Waits for the next piece of news; `None` when the engine has ended.
    pub async fn next(&mut self) -> Option<News> {
        match self.receiver.recv().await {
            Ok(news) => Some(news),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(News::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// Returns the next piece of news if there is one already.
    pub fn try_next(&mut self) -> Option<News> {
        match self.receiver.try_recv() {
            Ok(news) => Some(news),
            Err(broadcast::error::TryRecvError::Lagged(missed)) => Some(News::Missed(missed)),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => {
                None
            }
        }
    }
}

/// What is left when the engine has become idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Idle {
    /// Operations that wait for their next attempt or question.
    pub waiting: usize,
    /// When the first of them is due.
    pub next: Option<Timestamp>,
    /// Operations that are held, or whose connector is.
    pub held: usize,
}
