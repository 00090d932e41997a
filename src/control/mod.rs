//! The way to command an engine that runs in another process: a socket beside its journal, one question and one answer
//! per line, each a JSON value. Reading needs none of this: the journal is read beside a running engine. Who follows an
//! engine is answered with a line for whatever happens, until one of the two leaves.
//!
//! The socket is there as long as the engine runs. Only its owner may open it, and only a process of the same user is
//! answered. Passwords pass it in clear, from one process of a user to another, and are kept nowhere.

mod ask;
mod client;
mod server;
mod wire;

use std::path::{Path, PathBuf};

use domain::{FlowId, Link};
use engine::{
    CompactionReport, DecidedAgain, LimitView, Quarantine, ReconcileReport, Seeded, Started,
};
use serde::{Deserialize, Serialize};

pub use ask::Ask;
pub use client::{Client, ClientError, Follower, GREETING};
pub use server::{Door, Listener};

/// How often who follows hears at least that the engine is there, when nothing happens.
pub const BEAT: std::time::Duration = std::time::Duration::from_secs(2);

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
    /// So many operations go on, or are given up.
    Count {
        /// How many.
        count: u64,
    },
    /// How a dead letter was decided anew.
    DecidedAgain {
        /// What was decided.
        again: Box<DecidedAgain>,
    },
    /// What a comparison found.
    Compared {
        /// The report.
        report: Box<ReconcileReport>,
    },
    /// It was decided about a difference.
    Resolved {
        /// The flow, when something is to be written at the target.
        flow: Option<FlowId>,
    },
    /// A link as it was made or ended.
    Linked {
        /// The link.
        link: Box<Link>,
    },
    /// How much of a seed was new.
    Seeded {
        /// The counts.
        seeded: Seeded,
    },
    /// What was removed from the journal.
    Compacted {
        /// What was removed, or would be.
        report: Box<CompactionReport>,
    },
    /// How the engine stands.
    Status {
        /// The state.
        status: Box<Status>,
    },
    /// What happened: facts up to this number are in the journal, and these requests are under way. To who follows only;
    /// the first line comes as soon as nothing is missed any more, and then one at least every [`BEAT`].
    Heard {
        /// The number of the newest fact since one follows; 0 before there is one.
        last: u64,
        /// Requests that have begun and not ended since the line before.
        under_way: Vec<Started>,
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
        /// Whether that is because what was to be made is there already.
        #[serde(default)]
        there: bool,
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
    /// What limits each connector at the moment.
    #[serde(default)]
    pub limits: std::collections::BTreeMap<String, LimitView>,
    /// The connectors that are left alone.
    #[serde(default)]
    pub quarantines: Vec<Quarantine>,
}

impl Status {
    /// Tells whether the engine works by this file.
    #[must_use]
    pub fn works_by(&self, file: &Path) -> bool {
        real(&self.configuration) == real(file)
    }
}

/// Returns what a path leads to, over links.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Returns where the socket of a journal is.
pub fn socket_of(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".socket");
    PathBuf::from(name)
}
