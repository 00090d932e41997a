//! The way to command an engine that runs in another process: a socket beside its journal, one question and one answer
//! per line, each a JSON value. Reading needs none of this: the journal is read beside a running engine.
//!
//! The socket is there as long as the engine runs. Only its owner may open it, and only a process of the same user is
//! answered. Passwords pass it in clear, from one process of a user to another, and are kept nowhere.

mod client;
mod server;
mod wire;

use std::path::{Path, PathBuf};

use domain::{ConnectorRef, FlowId, OperationId, Request};
use serde::{Deserialize, Serialize};

pub use client::{Client, ClientError};
pub use server::{Door, Listener};

/// What a running engine can be asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask")]
pub enum Ask {
    /// Take a request.
    Submit {
        /// The request.
        request: Request,
    },
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
    /// Read `workbench.toml` again.
    Reload,
    /// Tell how it stands.
    Status,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum Answer {
    /// It was taken.
    Taken {
        /// The flow.
        flow: FlowId,
        /// Whether the change was made (or the login let in).
        accepted: bool,
    },
    /// It was done.
    Done,
    /// How the engine stands.
    Status {
        /// The state.
        status: Box<Status>,
    },
    /// It was not done, in the words of the command line.
    Refused {
        /// The exit code of a command that ends with this.
        exit: u8,
        /// What was tried: a fragment that fits after "cannot".
        tried: String,
        /// What happened, one line each.
        happened: Vec<String>,
        /// What to do next.
        advice: Option<String>,
    },
}

/// How a running engine stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The process.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// When it was started.
    pub since: jiff::Timestamp,
    /// The configuration's file.
    pub configuration: PathBuf,
    /// When the configuration in force was read.
    pub configured: jiff::Timestamp,
    /// What is wrong with the file, when it was read again and could not be used; the earlier one is in force.
    pub findings: Vec<String>,
    /// Operations that are open, by connector.
    pub owed: std::collections::BTreeMap<String, u64>,
}

/// Returns where the socket of a journal is.
pub fn socket_of(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".socket");
    PathBuf::from(name)
}
