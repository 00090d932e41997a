//! Applications and the provisioners they (and the organization) list.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ConnectionId, ConnectorRef};

/// The stable id of an application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApplicationId(pub String);

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for ApplicationId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// A service provider with its own login flow and, optionally, its own provisioners.
#[derive(Debug, Clone)]
pub struct Application {
    /// The stable id.
    pub id: ApplicationId,
    /// The name people see.
    pub name: String,
    /// The connections of its login flow.
    pub login: Vec<ConnectionId>,
    /// Its provisioners; empty means that the organization level speaks (unless the fallback is off).
    pub provisioners: Vec<Provisioner>,
    /// The line in `workbench.toml`, from 1.
    pub line: Option<usize>,
}

/// An entry (connection, connector, flags) of the resident application or of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioner {
    /// *Provisioning Connection* and *Provisioning Connector*.
    pub connector: ConnectorRef,
    /// *Blocking*.
    pub blocking: bool,
    /// *Enable Rules*.
    pub rules: bool,
    /// *JIT Outbound*.
    pub jit: bool,
    /// What a failed blocking operation does to the local change.
    pub on_failure: OnFailure,
    /// How long a blocking caller waits; `None` for the engine's default.
    pub timeout: Option<Duration>,
    /// The line in `workbench.toml`, from 1.
    pub line: Option<usize>,
}

/// What a failed blocking operation does to the local change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The local change is not made, and what was already created elsewhere is deprovisioned again.
    #[default]
    Reject,
    /// The local change stands and the operation goes on retrying.
    Accept,
}
