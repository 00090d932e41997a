//! One thing that is wrong, or looks wrong, in `workbench.toml`, as a person reads it.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The file cannot be used like this.
    Error,
    /// The file can be used, and probably does not do what was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One finding with its place, what to do about it, and never a secret's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A short name that scripts can rely on: `unknown-key`, `pattern-invalid`.
    pub code: &'static str,
    /// The file as it was named to [`parse`](crate::parse).
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The text at that place, secrets masked.
    pub offending: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// The word that was probably meant.
    pub did_you_mean: Option<String>,
    /// The whole line, secrets masked.
    pub source_line: String,
    /// The characters of `source_line` that are meant.
    #[serde(skip)]
    pub(crate) underline: Range<usize>,
}

impl fmt::Display for Finding {
    /// Writes several lines: what is wrong, where, the line with a mark under it, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let marks = "^".repeat(self.underline.len().max(1));
        let lead = " ".repeat(self.underline.start);
        writeln!(f, "{}[{}]: {}", self.severity, self.code, self.message)?;
        writeln!(f, "  at: {}:{}:{}", self.file, self.line, self.column)?;
        if !self.source_line.is_empty() {
            writeln!(f, "  {number} | {}", self.source_line)?;
            writeln!(f, "  {margin} | {lead}{marks}")?;
        }
        if let Some(word) = &self.did_you_mean {
            writeln!(f, "  did you mean: {word}")?;
        }
        write!(f, "  do: {}", self.fix)
    }
}

/// A finding before its place is turned into line and column, and before all secrets are known.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) severity: Severity,
    pub(crate) code: &'static str,
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) fix: String,
    pub(crate) did_you_mean: Option<String>,
}

impl Problem {
    pub(crate) fn error(
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            code,
            span,
            message: message.into(),
            fix: fix.into(),
            did_you_mean: None,
        }
    }

    pub(crate) fn warning(
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, span, message, fix)
        }
    }

    #[must_use]
    pub(crate) fn meant(mut self, word: Option<String>) -> Self {
        self.did_you_mean = word;
        self
    }
}
