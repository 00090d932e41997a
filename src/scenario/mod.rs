//! Scenarios: one TOML file is a demo, a test and a lesson. The format is described in `docs/scenarios.md`.
//!
//! `file` reads, `play` does, `remote` does at the targets themselves, `seen` is what was observed, `check` compares it with what was expected, `report` tells.

mod check;
mod file;
mod play;
mod remote;
mod report;
mod seen;
mod stage;

pub use file::{FileError, Scenario};
pub use play::{PlayError, play};
pub use report::{junit, step_text};
pub use seen::{Played, StepSeen};
