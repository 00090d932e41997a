//! What a person reads when a command fails: what was tried, what happened, what to do, where.

use std::fmt;

use domain::visible;

use crate::exit::Exit;

/// A failed command, in words, with its exit code.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    /// How the process ends.
    pub exit: Exit,
    /// What was tried: a fragment that fits after "cannot".
    pub tried: String,
    /// What happened, one line each.
    pub happened: Vec<String>,
    /// What to do next.
    pub advice: Option<String>,
    /// Whether that is because what was to be made is there already.
    pub there: bool,
}

impl Trouble {
    /// Describes a failure.
    pub(super) fn new(exit: Exit, tried: impl Into<String>, happened: impl fmt::Display) -> Self {
        Self {
            exit,
            tried: tried.into(),
            happened: happened.to_string().lines().map(str::to_owned).collect(),
            advice: None,
            there: false,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub(super) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Returns it as JSON, for `--json`.
    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "error": { "tried": self.tried, "happened": self.happened, "advice": self.advice, "exit": self.exit.code() }
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: cannot {}", visible(&self.tried))?;
        for line in &self.happened {
            write!(f, "\n  {}", visible(line))?;
        }
        if let Some(advice) = &self.advice {
            write!(f, "\n  do: {}", visible(advice))?;
        }
        Ok(())
    }
}
