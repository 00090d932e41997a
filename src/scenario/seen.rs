//! What was observed while a scenario was played.

use std::time::Duration;

use domain::TraceLine;
use serde::Serialize;
use serde_json::Value;

/// A whole scenario, played.
#[derive(Debug, Clone, Serialize)]
pub struct Played {
    /// The scenario's title.
    pub title: String,
    /// The file, as it was named.
    pub file: String,
    /// The seed of the run.
    pub seed: u64,
    /// The steps, in order.
    pub steps: Vec<StepSeen>,
    /// How long it took.
    #[serde(serialize_with = "as_millis")]
    pub took: Duration,
}

impl Played {
    /// Tells whether everything that was expected was seen.
    pub fn passed(&self) -> bool {
        self.steps.iter().all(|step| step.misses.is_empty())
    }
}

/// One step, played.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StepSeen {
    /// The step's name.
    pub name: String,
    /// What to watch.
    pub watch: String,
    /// The line of the scenario file, from 1.
    pub line: usize,
    /// What was done, in words, one line each.
    pub done: Vec<String>,
    /// What the caller was told; `None` when there was no trigger.
    pub caller: Option<CallerSeen>,
    /// What a comparison found, one line each.
    pub found: Vec<String>,
    /// The event's own trace lines (steps 1 and 2).
    pub event: Vec<TraceLine>,
    /// The decisions, in order.
    pub decisions: Vec<DecisionSeen>,
    /// The exchanges, token and discovery calls included, in order.
    pub exchanges: Vec<ExchangeSeen>,
    /// What changed at the targets, in order.
    pub changes: Vec<ChangeSeen>,
    /// What was expected and not seen, one diff each.
    pub misses: Vec<String>,
    /// How long the step took.
    #[serde(serialize_with = "as_millis")]
    pub took: Duration,
    /// How much time passed on the virtual clock; `None` when the scenario goes by the system's.
    #[serde(
        serialize_with = "as_optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub passed: Option<Duration>,
}

/// What the caller was told.
#[derive(Debug, Clone, Serialize)]
pub struct CallerSeen {
    /// Whether the change was made.
    pub accepted: bool,
    /// Why not, or what the caller waited for.
    pub told: String,
}

/// One decision with how its operation ended.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionSeen {
    /// The connector.
    pub connector: String,
    /// `create`, `update`, `deprovision`; `None` for nothing.
    pub operation: Option<&'static str>,
    /// The reason of *nothing*, or of a held operation.
    pub reason: Option<&'static str>,
    /// What exactly, in this case.
    pub detail: String,
    /// The state of the operation.
    pub state: Option<String>,
    /// The levels that proposed it, in the words of the trace.
    pub levels: Vec<String>,
    /// The steps 1 to 6.
    pub trace: Vec<TraceLine>,
}

/// One exchange.
#[derive(Debug, Clone, Serialize)]
pub struct ExchangeSeen {
    /// The connector.
    pub connector: String,
    /// What it was for.
    pub purpose: domain::Purpose,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The status; 0 when no answer came.
    pub status: u16,
    /// Why no answer came.
    pub error: Option<String>,
    /// How long it took.
    #[serde(serialize_with = "as_millis")]
    pub took: Duration,
}

/// One changed field at a target.
#[derive(Debug, Clone, Serialize)]
pub struct ChangeSeen {
    /// The mock.
    pub target: String,
    /// `User`, `Group` …
    pub object: String,
    /// The object's name.
    pub name: String,
    /// The field; `*` when the whole object came or went.
    pub field: String,
    /// What it held before.
    pub before: Option<Value>,
    /// What it holds now.
    pub after: Option<Value>,
}

fn as_millis<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(took.as_secs_f64() * 1000.0)
}

#[expect(
    clippy::ref_option,
    reason = "the shape that serde's attribute asks for"
)]
fn as_optional_millis<S: serde::Serializer>(
    took: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    as_millis(&took.unwrap_or_default(), serializer)
}
