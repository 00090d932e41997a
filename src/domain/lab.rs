//! The port to the running mock targets: start, stop, faults, what they hold and what changed there.
//!
//! Screen and lessons know the mocks by this port only; whoever wires the program implements it.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

/// The mock targets beside the workbench.
#[async_trait]
pub trait Lab: Send + Sync {
    /// Returns every mock, running or not, in a fixed order.
    fn mocks(&self) -> Vec<LabMock>;

    /// Starts a mock and returns its address. One that runs already stays as it is.
    ///
    /// # Errors
    /// [`LabError`] when there is no such mock or its port is taken.
    async fn start(&self, target: &str) -> Result<String, LabError>;

    /// Stops a mock; what it holds stays.
    ///
    /// # Errors
    /// [`LabError`] when there is no such mock.
    async fn stop(&self, target: &str) -> Result<(), LabError>;

    /// Returns the faults that can be armed.
    fn faults(&self) -> Vec<LabFault>;

    /// Arms a fault, written as on the command line: `drop-after:op=Users.create,times=1`. Returns its number.
    ///
    /// # Errors
    /// [`LabError`] when it cannot be read, with the setting that is wrong.
    fn arm(&self, target: &str, spec: &str) -> Result<u64, LabError>;

    /// Disarms one fault by its number, or all of a mock, and returns how many.
    ///
    /// # Errors
    /// [`LabError`] when there is no such mock or fault.
    fn disarm(&self, target: &str, number: Option<u64>) -> Result<usize, LabError>;

    /// Returns what a mock holds now.
    ///
    /// # Errors
    /// [`LabError`] when there is no such mock.
    fn objects(&self, target: &str) -> Result<Vec<LabObject>, LabError>;

    /// Returns what a mock was asked after the entry of that number, oldest first; as far as it is still kept.
    ///
    /// # Errors
    /// [`LabError`] when there is no such mock.
    fn log(&self, target: &str, after: u64) -> Result<Vec<Arc<LabEntry>>, LabError>;

    /// Follows all mocks from now on.
    fn follow(&self) -> Box<dyn LabFeed>;

    /// Puts a mock back to its seed.
    ///
    /// # Errors
    /// [`LabError`] when there is no such mock.
    fn reset(&self, target: &str) -> Result<(), LabError>;

    /// Gives a mock the manners of a vendor; what it holds stays.
    ///
    /// # Errors
    /// [`LabError`] when the mock has no manners to choose, or nobody is called that.
    fn wear(&self, target: &str, personality: &str) -> Result<(), LabError>;

    /// Keeps the state of a mock under a name.
    ///
    /// # Errors
    /// [`LabError`] when there is no such mock.
    fn snapshot(&self, target: &str, name: &str) -> Result<(), LabError>;

    /// Goes back to a kept state.
    ///
    /// # Errors
    /// [`LabError`] when there is no such mock or name.
    fn restore(&self, target: &str, name: &str) -> Result<(), LabError>;
}

/// Receives what the mocks are asked.
#[async_trait]
pub trait LabFeed: Send {
    /// Waits for the next entry; `None` when the lab has ended. Whoever is too slow loses the oldest.
    async fn next(&mut self) -> Option<Arc<LabEntry>>;
}

/// One mock target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabMock {
    /// Its name: `google`, `salesforce`, `scim2`.
    pub target: String,
    /// Its address while it runs.
    pub url: Option<String>,
    /// Its address when another process listens there, so that it is steered there and not here.
    pub elsewhere: Option<String>,
    /// What a client needs to be let in, in one line; while it runs.
    pub access: Option<String>,
    /// Whose manners it has, when it can have several.
    pub personality: Option<String>,
    /// Whose manners it can have.
    pub personalities: Vec<String>,
    /// The names that its state was kept under.
    pub snapshots: Vec<String>,
    /// The faults that are armed.
    pub armed: Vec<LabArmed>,
    /// How many requests it has seen.
    pub requests: u64,
    /// How many users it holds.
    pub users: usize,
    /// How many groups it holds.
    pub groups: usize,
}

/// One fault that can be armed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabFault {
    /// Its name in a specification.
    pub name: String,
    /// What it is, in one sentence.
    pub sentence: String,
    /// What a client sees of it.
    pub effect: String,
    /// What it can be told: its own parameters, then what every fault knows; name, and meaning with the default.
    pub parameters: Vec<(String, String)>,
}

/// One fault that is armed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabArmed {
    /// The number that arming gave it.
    pub number: u64,
    /// How the command line writes it.
    pub spec: String,
    /// How often it has acted.
    pub hits: u64,
    /// How often it will act before it disarms itself; nothing when it stays.
    pub left: Option<u64>,
}

impl LabArmed {
    /// Says how often it will act: `once`, `3 times`; nothing when it stays.
    pub fn acts(&self) -> Option<String> {
        self.left.map(|left| match left {
            1 => "once".to_owned(),
            left => format!("{left} times"),
        })
    }
}

/// One thing that a mock holds.
#[derive(Debug, Clone, PartialEq)]
pub struct LabObject {
    /// `User`, `Group` …
    pub object: String,
    /// The id at the target.
    pub id: String,
    /// The name people know it by.
    pub name: String,
    /// The thing in the target's own shape, without secrets.
    pub content: Value,
}

/// One request that a mock saw, with what it changed; or that it was put back to an earlier state.
#[derive(Debug, Clone, PartialEq)]
pub struct LabEntry {
    /// The mock.
    pub target: String,
    /// Counts the requests of this mock from 1.
    pub number: u64,
    /// When it arrived.
    pub at: Timestamp,
    /// The vendor's method name.
    pub operation: String,
    /// The method.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// The status that was answered; absent when the connection was cut before the work.
    pub status: Option<u16>,
    /// Whether the answer was put on the wire.
    pub answered: bool,
    /// The armed faults that acted on it.
    pub faults: Vec<String>,
    /// What it changed, field by field.
    pub changes: Vec<LabChange>,
}

impl LabEntry {
    /// Tells whether it is no request: somebody put the mock back to its seed, or to a state that was kept.
    pub fn is_put_back(&self) -> bool {
        matches!(self.operation.as_str(), "mock.reset" | "mock.restore")
    }
}

/// One field that changed at a mock.
#[derive(Debug, Clone, PartialEq)]
pub struct LabChange {
    /// `User`, `Group` …
    pub object: String,
    /// The object's id.
    pub id: String,
    /// The name people know it by.
    pub name: String,
    /// The field in the vendor's words; `*` when the whole object came or went.
    pub field: String,
    /// What it held before; absent when it did not exist.
    pub before: Option<Value>,
    /// What it holds now; absent when it is gone.
    pub after: Option<Value>,
}

/// Why the lab did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{told}")]
pub struct LabError {
    /// What is wrong, in words.
    pub told: String,
    /// The setting of a fault that cannot be taken, so that a form can point at it.
    pub setting: Option<String>,
    /// Other settings of the same fault that cannot be taken either, each with what is wrong with it.
    pub more: Vec<(String, String)>,
}

impl LabError {
    /// Says what is wrong, of no setting in particular.
    pub fn new(told: impl Into<String>) -> Self {
        Self {
            told: told.into(),
            setting: None,
            more: Vec::new(),
        }
    }
}
