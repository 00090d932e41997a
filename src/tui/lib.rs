//! The full-screen workbench: folds facts into a board, draws panels, turns keys into commands.
//!
//! [`Curtain::raise`] takes the terminal and shows the first frame at once, while the engine still starts; the terminal is
//! given back on every way out. Updating is
//! pure (`screen`): a happening goes in, orders come out; `hands` carries them out away from the screen. Drawing reads
//! and changes nothing. The mocks are known through the port `domain::Lab` only.

mod action;
mod app;
mod board;
mod cast;
mod clipboard;
mod draft;
mod drift;
mod editor;
mod emit;
mod filter;
mod frame;
mod hands;
mod keymap;
mod logbook;
mod modal;
mod outcome;
mod paint;
mod panel;
mod panels;
mod plain;
mod quarantines;
#[cfg(test)]
mod samples;
mod screen;
mod seat;
mod shot;
mod stream;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod why;
mod widgets;
mod wish;
mod work;
mod world;

use std::path::PathBuf;
use std::sync::Arc;

use domain::{Catalogue, Clock, Configuration, Lab};
use engine::Reader;

pub use app::{Curtain, Ended, RunError};
pub use frame::Link;
pub use logbook::LogBook;
pub use plain::{PlainEnded, ReadRequest, run_plain};
pub use seat::{Command, NO_ENGINE, Refusal, Rejection, Seat, Standing, Submitted, braked};
pub use theme::{Surroundings, ThemeName};
pub use world::Exports;

/// What the first frame is drawn from.
#[derive(Clone)]
pub struct View {
    /// `workbench.toml`.
    pub file: PathBuf,
    /// The configuration that the engine works by.
    pub configuration: Arc<Configuration>,
    /// The connector types that exist.
    pub catalogue: Catalogue,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How exchanges are exported.
    pub exports: Exports,
    /// The colours.
    pub theme: ThemeName,
    /// What the environment says of the terminal.
    pub surroundings: Surroundings,
    /// Recorded requests may be sent again to targets that are no mocks, after a question.
    pub may_replay: bool,
    /// Chooses example names; any number.
    pub seed: u64,
}

/// What the workbench works on.
pub struct Setup {
    /// The engine: its own, or that of another process.
    pub seat: Arc<dyn Seat>,
    /// A reader of its journal.
    pub reader: Reader,
    /// The mocks.
    pub lab: Arc<dyn Lab>,
    /// How much a stream may draw.
    pub link: Link,
    /// What this process logs, for the panel *Log*.
    pub log: LogBook,
    /// The file that the screen is recorded into from the beginning.
    pub record: Option<PathBuf>,
    /// What happened while the workbench was opened, to be told at once.
    pub notes: Vec<Note>,
}

/// Something to be told in the status row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// In words; the first line is the shortest.
    pub text: String,
    /// Whether something failed, so that it stays until it was seen.
    pub is_failure: bool,
}

/// Tells whether standard input and output are a terminal that the workbench can be shown on.
pub fn has_terminal() -> bool {
    terminal::is_there() && !matches!(std::env::var("TERM").as_deref(), Ok("dumb"))
}
