//! The questions.

use domain::{
    Brake, ConnectorRef, LocalRef, Object, OperationId, QualifiedName, RemoteId, Request,
};
use engine::{ReadBudget, Wish};
use serde::{Deserialize, Serialize};

use super::wire;

/// What an engine can be asked, by a command of its own process or through the socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask")]
pub enum Ask {
    /// Take a request.
    Submit {
        /// The request.
        #[serde(serialize_with = "wire::request")]
        request: Request,
    },
    /// Try an operation again now.
    Retry {
        /// The operation.
        operation: OperationId,
    },
    /// Decide a dead letter anew.
    DecideAgain {
        /// The operation.
        operation: OperationId,
        /// Only say what would be decided.
        preview: bool,
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
        /// For how many seconds what comes is not counted either.
        seconds: u64,
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
    /// Compare a target's accounts with what should be there.
    Reconcile {
        /// The connector.
        connector: ConnectorRef,
        /// How much may be read.
        budget: ReadBudget,
        /// Begin anew where a comparison had stopped before its end.
        #[serde(default)]
        restart: bool,
    },
    /// Decide about a difference.
    Resolve {
        /// What is to become of it.
        wish: Wish,
    },
    /// Link a user or group to an account.
    Link {
        /// The connector.
        connector: ConnectorRef,
        /// The user or group.
        local: LocalRef,
        /// Its name.
        name: QualifiedName,
        /// The account.
        remote_id: RemoteId,
    },
    /// Forget a link.
    Unlink {
        /// The connector.
        connector: ConnectorRef,
        /// The user or group.
        local: LocalRef,
        /// Its name.
        name: QualifiedName,
        /// Only when the engine's configuration has the connector no longer.
        #[serde(default)]
        leftover: bool,
    },
    /// Link an account of ours again.
    Adopt {
        /// The connector.
        connector: ConnectorRef,
        /// User or group.
        object: Object,
        /// The account.
        remote_id: RemoteId,
    },
    /// Take an account of ours away.
    TakeAway {
        /// The connector.
        connector: ConnectorRef,
        /// User or group.
        object: Object,
        /// The account.
        remote_id: RemoteId,
    },
    /// Put a starting state into the directory.
    Seed {
        /// The seed, as its file holds it.
        seed: String,
    },
    /// Send a recorded request once more.
    Replay {
        /// Its number in the journal.
        exchange: u64,
        /// To a target that is no mock as well.
        #[serde(default)]
        allow: bool,
    },
    /// Remove what is old from the journal.
    Compact {
        /// What had settled before this; when left out, as the configuration says.
        before: Option<jiff::Timestamp>,
        /// Only count what would go.
        preview: bool,
    },
    /// Read `workbench.toml` again.
    Reload,
    /// Tell how it stands.
    Status,
    /// Tell what happens, a line for whatever it is, until one of the two leaves.
    Follow,
}

impl Ask {
    /// Tells whether the answer may be long in coming: a target is spoken to, a caller waits for a blocking provisioner, or
    /// much is written.
    pub(super) fn takes_long(&self) -> bool {
        match self {
            Self::Submit { .. }
            | Self::Reconcile { .. }
            | Self::Resolve { .. }
            | Self::Link { .. }
            | Self::Adopt { .. }
            | Self::TakeAway { .. }
            | Self::Seed { .. }
            | Self::Replay { .. }
            | Self::Compact { .. }
            | Self::Follow => true,
            Self::Retry { .. }
            | Self::DecideAgain { .. }
            | Self::Discard { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Probe { .. }
            | Self::Release { .. }
            | Self::Approve { .. }
            | Self::Reject { .. }
            | Self::Unlink { .. }
            | Self::Reload
            | Self::Status => false,
        }
    }
}
