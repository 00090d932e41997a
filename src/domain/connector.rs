//! The port to a target: try once, and say what happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    AccountPage, AttributeChange, Configuration, ConnectorRef, Deprovision, Desired, Exchange,
    Failure, FailureKind, Link, Object, OperationId, PageRequest, Remedy, RemoteId, Secret, Tap,
    Verb,
};

/// Carries out one order at one target. Tries once: retries, order and durability are the engine's.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Carries out an order and returns what the target confirmed.
    ///
    /// # Errors
    /// [`Failure`] with the remedy that the answer (or its absence) asks for. A create whose name is taken is
    /// `Conflict` with `AskFirst`; an update of an account that is gone is `NotFound` with `AskFirst`. A deprovision of
    /// an account that is gone is no failure but [`Confirmation::AlreadyGone`].
    async fn carry_out(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure>;

    /// Looks for an account: by remote id when given, else by external id, else by name.
    ///
    /// `Ok(None)` means that the target was asked and has no such account.
    ///
    /// # Errors
    /// [`Failure`] while the target cannot be asked.
    async fn find(&self, key: &MatchKey, tap: &dyn Tap) -> Result<Option<RemoteAccount>, Failure>;

    /// Reads one page of the accounts that the target holds, ours or not. One request, token calls apart.
    ///
    /// # Errors
    /// [`Failure`] while the target cannot be asked; `Unsupported` with `GiveUp` when it lists nothing of this kind.
    async fn list(&self, page: &PageRequest<'_>, _tap: &dyn Tap) -> Result<AccountPage, Failure> {
        Err(Failure {
            kind: FailureKind::Unsupported,
            remedy: Remedy::GiveUp,
            status: None,
            told: format!("the target does not list its {}s", page.object),
            advice: "Compare the accounts by hand.".to_owned(),
        })
    }

    /// Returns attributes of an account as this connector would write them, by the names of the mapping.
    ///
    /// An attribute that the account does not show is left out: it may be empty, or not be given back. No value is nested
    /// deeper than [`DEEPEST`]. No request.
    fn attributes(
        &self,
        _object: Object,
        _account: &RemoteAccount,
        _names: &[String],
    ) -> BTreeMap<String, Value> {
        BTreeMap::new()
    }

    /// Checks whether we may speak to the target at all: credentials, reachability, discovery.
    ///
    /// # Errors
    /// [`Failure`] as for an order.
    async fn check(&self, tap: &dyn Tap) -> Result<Health, Failure>;

    /// Sends a recorded request once more, with the credentials of now; every answer is one, whatever its status.
    ///
    /// # Errors
    /// [`Failure`] when the request was meant for another target, or no answer came.
    async fn replay(&self, exchange: &Exchange, tap: &dyn Tap) -> Result<(), Failure> {
        let _ = (exchange, tap);
        Err(Failure {
            kind: FailureKind::Unsupported,
            remedy: Remedy::GiveUp,
            status: None,
            told: "this connector sends nothing again by hand".to_owned(),
            advice: "Trigger the change again instead.".to_owned(),
        })
    }
}

/// How deep a value may be nested that a connector shows of an account. It comes to stand in facts, which have levels of their
/// own, and what is nested without end cannot be read again.
pub const DEEPEST: usize = 16;

/// One thing to do, with everything that is needed for it.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// The operation; its id is the idempotency identity, sent where a target takes one.
    pub operation: OperationId,
    /// What to do.
    pub verb: Verb,
    /// The account as it should be.
    pub desired: &'a Desired,
    /// What differs from what was last written. Empty for a create and a deprovision.
    pub changes: &'a [AttributeChange],
    /// The link; always there for an update and a deprovision.
    pub link: Option<&'a Link>,
    /// What *deprovision* means here.
    pub deprovision: Deprovision,
    /// The password to send, when one goes with it.
    pub password: Option<&'a Secret>,
}

/// What the target confirmed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmed {
    /// What was done.
    pub what: Confirmation,
    /// The account's id, from the target's own answer.
    pub remote_id: RemoteId,
    /// The account's name, as the target now has it.
    pub remote_name: String,
    /// What was written, attribute by attribute; `null` for cleared. Never a password.
    pub written: BTreeMap<String, Value>,
}

/// What the target confirmed to have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// The account was created.
    Created,
    /// The account was changed.
    Updated,
    /// The account was deleted.
    Deleted,
    /// The account was deactivated.
    Deactivated,
    /// The account was not there any more.
    AlreadyGone,
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchKey {
    /// User or group.
    pub object: Object,
    /// The target's id, when it is known.
    pub remote_id: Option<RemoteId>,
    /// Our id as the target's external id.
    pub external_id: String,
    /// The name at the target.
    pub remote_name: String,
}

/// An account as a target describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoteAccount {
    /// The target's id.
    pub remote_id: RemoteId,
    /// The name at the target.
    pub remote_name: String,
    /// The external id, where the target keeps one.
    pub external_id: Option<String>,
    /// Whether the account may be used.
    pub active: bool,
    /// When it was created, where the target says so.
    pub created_at: Option<Timestamp>,
    /// The account in the target's own shape.
    pub content: Value,
}

/// What a check found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Findings in words: who we are there, what the target supports, what it lacks.
    pub findings: Vec<String>,
}

/// Why a connector could not be built from its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("connector {connector} cannot be used: {cause}")]
pub struct Unavailable {
    /// The connector.
    pub connector: ConnectorRef,
    /// What is wrong, naming the setting.
    pub cause: String,
    /// What a person can do about it.
    pub advice: String,
}

/// Builds connectors from the configuration; the engine knows them by this port only.
pub trait Connectors: Send + Sync {
    /// Builds the connector of one configured entry. No request is made and no secret is read yet.
    ///
    /// # Errors
    /// [`Unavailable`] when a setting makes it impossible.
    fn build(
        &self,
        configuration: &Configuration,
        connector: &ConnectorRef,
    ) -> Result<Arc<dyn Connector>, Unavailable>;
}

impl Order<'_> {
    /// Returns the kind of the thing.
    pub fn object(&self) -> Object {
        self.desired.object()
    }
}
