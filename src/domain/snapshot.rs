//! What a decision may look at: the subject before and after, its links, and what stands in the way.

use serde::{Deserialize, Serialize};

use crate::{ConnectorRef, Desired, Group, Link, LocalRef, Reason, User};

/// The subject of a trigger at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A user.
    User(User),
    /// A group.
    Group(Group),
}

/// Everything that a decision may look at besides the configuration and the trigger.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The subject before the change; `None` when it did not exist.
    pub before: Option<Subject>,
    /// The subject after the change; `None` when it no longer exists.
    pub after: Option<Subject>,
    /// The subject's links at all connectors.
    pub links: Vec<Link>,
    /// What operations that are still on their way will have written: the newest desired account per connector.
    ///
    /// `None` stands for a deprovision that is still on its way.
    pub pending: Vec<(ConnectorRef, Option<Desired>)>,
    /// Accounts that may have been made all the same by operations that ended in doubt, and that nothing is linked to.
    pub doubtful: Vec<(ConnectorRef, Desired)>,
    /// Who else holds, or is about to hold, a remote name that this decision may want.
    pub owners: Vec<Owner>,
    /// Connectors that may not be sent to at present.
    pub holds: Vec<Hold>,
    /// Set when the trigger is about one connector alone: no other is a candidate.
    pub only: Option<ConnectorRef>,
    /// The members of a group with their names and links, when the subject is a group.
    pub members: Vec<(User, Vec<Link>)>,
}

/// Somebody who holds a remote name at a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The connector.
    pub connector: ConnectorRef,
    /// The remote name, in lower case.
    pub remote_name: String,
    /// The holder.
    pub local: LocalRef,
    /// The holder's local name, for people.
    pub name: String,
}

/// A connector that may not be sent to at present, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The connector.
    pub connector: ConnectorRef,
    /// `paused`, `quarantined` or `brake-engaged`.
    pub reason: Reason,
    /// Since when, by whom, how it ends.
    pub detail: String,
}
