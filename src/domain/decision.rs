//! Candidates, decisions and the trace that explains them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    ApplicationId, AttributeChange, ConnectionId, ConnectorRef, Deprovision, Desired, LocalRef,
    OnFailure,
};
use crate::{Reason, Verb};

/// A level that proposed a candidate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The resident application's provisioners.
    Organization,
    /// An application's provisioners.
    Application(ApplicationId),
    /// The connection's own connectors, at a login through it.
    Connection(ConnectionId),
    /// The connector holds a link for the subject.
    Link,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization => f.write_str("organization level"),
            Self::Application(id) => write!(f, "application level ({id})"),
            Self::Connection(id) => write!(f, "connection level ({id})"),
            Self::Link => f.write_str("holds a link"),
        }
    }
}

/// One (connection, connector) that some level proposes, with its flags merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The connector.
    pub connector: ConnectorRef,
    /// Every level that proposed it, in the order organization, application, connection, link.
    pub levels: Vec<Level>,
    /// Blocking if any level asks for it.
    pub blocking: bool,
    /// Rules are evaluated if any level asks for it.
    pub rules: bool,
    /// *JIT Outbound* of any level.
    pub jit: bool,
    /// What a failed blocking operation does; `reject` wins over `accept`.
    pub on_failure: OnFailure,
    /// How long a blocking caller waits.
    pub timeout: Duration,
}

impl Candidate {
    /// Says that an operation is kept and why, and what that means for a caller who waits for it.
    #[must_use]
    pub fn kept(&self, why: &str) -> String {
        if self.blocking && self.on_failure == OnFailure::Reject {
            format!("not sent: {why}; a caller waits for it, and without it the change is not made")
        } else {
            format!("kept, not sent: {why}")
        }
    }
}

/// One of the eight named steps of a trace, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// What happened, to whom, from which source.
    Event,
    /// The candidates and who proposed them.
    Level,
    /// JIT gate, user store, outbound roles, rules.
    Scope,
    /// The link.
    Match,
    /// Attributes, pattern, password policy.
    Map,
    /// Create, update, deprovision or nothing.
    Shape,
    /// Attempts and exchanges.
    Send,
    /// What the target confirmed.
    Verify,
}

impl Step {
    /// The steps in order.
    pub const ALL: [Self; 8] = [
        Self::Event,
        Self::Level,
        Self::Scope,
        Self::Match,
        Self::Map,
        Self::Shape,
        Self::Send,
        Self::Verify,
    ];

    /// Returns the word used everywhere.
    pub fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Level => "level",
            Self::Scope => "scope",
            Self::Match => "match",
            Self::Map => "map",
            Self::Shape => "shape",
            Self::Send => "send",
            Self::Verify => "verify",
        }
    }

    /// Returns the step's number, from 1.
    pub fn number(self) -> usize {
        Self::ALL
            .iter()
            .position(|step| *step == self)
            .map_or(0, |at| at + 1)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One line of a trace: a step and what was found there, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceLine {
    /// The step.
    pub step: Step,
    /// What was found, a short sentence without a full stop.
    pub text: String,
    /// Set when the step ended the decision.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

/// What is to be done at one connector, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The candidate.
    pub candidate: Candidate,
    /// The outcome.
    pub verdict: Verdict,
    /// How it was reached: steps 1 to 6. Whoever tells and writes it shares it.
    pub trace: Arc<Vec<TraceLine>>,
}

/// The outcome of one decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// An operation; whoever tells, queues, writes and carries it out shares it.
    Operation(Arc<Planned>),
    /// Nothing, with the reason.
    Nothing(Nothing),
}

/// Nothing is done, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {
    /// The reason, from the closed list.
    pub reason: Reason,
    /// What exactly, in this case: names, values, the line in `workbench.toml`.
    pub detail: String,
}

/// An operation that is to be carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The local user or group.
    pub local: LocalRef,
    /// What to do.
    pub verb: Verb,
    /// The account as it should be. For a deprovision: as it was known, so that it can be found.
    pub desired: Desired,
    /// What differs from what was last written; for a create, everything.
    pub changes: Vec<AttributeChange>,
    /// What *deprovision* means here.
    pub deprovision: Deprovision,
    /// Set when the operation is kept but may not be sent yet: `paused`, `quarantined` or `brake-engaged`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held: Option<Reason>,
}
