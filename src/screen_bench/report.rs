//! What was measured, each goal beside its figure.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Unit {
    Millis,
    Bytes,
    Mebibytes,
    Percent,
    Count,
}

impl Unit {
    fn word(self) -> &'static str {
        match self {
            Self::Millis => "ms",
            Self::Bytes => "bytes",
            Self::Mebibytes => "MiB",
            Self::Percent => "%",
            Self::Count => "",
        }
    }

    fn decimals(self) -> usize {
        match self {
            Self::Millis | Self::Percent => 2,
            Self::Mebibytes => 1,
            Self::Bytes | Self::Count => 0,
        }
    }
}

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Goal {
    AtMost(f64),
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    what: String,
    value: f64,
    unit: Unit,
    goal: Option<Goal>,
}

impl Figure {
    pub(super) fn new(what: impl Into<String>, value: f64, unit: Unit, goal: Option<Goal>) -> Self {
        Self {
            what: what.into(),
            value,
            unit,
            goal,
        }
    }

    /// Tells whether the goal is met; `None` without one.
    pub fn is_met(&self) -> Option<bool> {
        self.goal.map(|Goal::AtMost(most)| self.value <= most)
    }
}

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    build: &'static str,
    processors: usize,
    journal: String,
    sizes: Vec<Size>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Size {
    columns: u16,
    rows: u16,
    figures: Vec<Figure>,
}

impl Report {
    pub(super) fn new() -> Self {
        Self {
            build: if cfg!(debug_assertions) {
                "debug build: times and memory say little"
            } else {
                "release build"
            },
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            journal: String::new(),
            sizes: Vec::new(),
        }
    }

    pub(super) fn journal(&mut self, exchanges: u64, facts: u64, took: Duration, path: &Path) {
        let bytes = std::fs::metadata(path).map_or(0, |data| data.len());
        self.journal = format!(
            "large journal: {exchanges} exchanges, {facts} facts, {} MiB, written in {:.1} s",
            bytes >> 20,
            took.as_secs_f64()
        );
    }

    pub(super) fn add(&mut self, (columns, rows): (u16, u16), figures: Vec<Figure>) {
        self.sizes.push(Size {
            columns,
            rows,
            figures,
        });
    }

    /// Returns every figure.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.sizes.iter().flat_map(|size| &size.figures)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "outbound bench screen: {}, {} processors",
            self.build, self.processors
        )?;
        writeln!(f, "{}", self.journal)?;
        for size in &self.sizes {
            writeln!(f, "\n{}x{}", size.columns, size.rows)?;
            for figure in &size.figures {
                let decimals = figure.unit.decimals();
                write!(
                    f,
                    "  {:<62} {:>10.decimals$} {:<5}",
                    figure.what,
                    figure.value,
                    figure.unit.word()
                )?;
                if let (Some(Goal::AtMost(most)), Some(met)) = (figure.goal, figure.is_met()) {
                    write!(
                        f,
                        "  goal {most} {}: {}",
                        figure.unit.word(),
                        if met { "met" } else { "missed" }
                    )?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}
