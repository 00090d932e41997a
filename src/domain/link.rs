//! The remote identity of a local user or group at one connector.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ConnectorRef, Exceptions, LocalRef};

/// The id under which the target keeps an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteId(pub String);

impl fmt::Display for RemoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The remote identity of one local user or group at one connector, confirmed by the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// The connector.
    pub connector: ConnectorRef,
    /// The local user or group.
    pub local: LocalRef,
    /// The target's id.
    pub remote_id: RemoteId,
    /// The name at the target.
    pub remote_name: String,
    /// What was last written, attribute by attribute. Never a password.
    pub written: BTreeMap<String, Value>,
    /// Whether the account was created or adopted.
    pub origin: LinkOrigin,
    /// Whether the account may be used; `false` after a deactivation.
    pub active: bool,
    /// Set when the target said that the account is gone.
    pub gone: bool,
    /// When the link was made.
    pub since: Timestamp,
    /// Differences at the target that somebody let stand, by field.
    #[serde(default, skip_serializing_if = "Exceptions::is_empty")]
    pub exceptions: Exceptions,
}

/// How a link came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkOrigin {
    /// This workbench created the account.
    Created,
    /// The account was there and was taken over (`on_existing = "adopt"`).
    Adopted,
}
