//! Exit codes: one list, documented in `docs/command-line.md` and in `outbound exit-codes`.

/// How a command ended, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything that was asked for is done and confirmed.
    Done,
    /// An expectation was not met, or an operation failed for good.
    Failed,
    /// The command line was not understood.
    Usage,
    /// `workbench.toml`, a scenario or another input file has errors.
    Input,
    /// The journal cannot be opened or written, or another process holds it.
    Journal,
    /// A blocking provisioner refused the change; the local change was not made.
    Rejected,
    /// The change stands, and operations are still owed: queued, retrying, in doubt or held.
    Owed,
    /// A target cannot be reached or does not accept our credentials.
    Target,
    /// A comparison found differences, or could not read everything.
    Drift,
    /// Stopped by a signal.
    Interrupted,
}

impl Exit {
    /// Every code.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Input,
        Self::Journal,
        Self::Rejected,
        Self::Owed,
        Self::Target,
        Self::Drift,
        Self::Interrupted,
    ];

    /// Returns the number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Journal => 4,
            Self::Rejected => 5,
            Self::Owed => 6,
            Self::Target => 7,
            Self::Drift => 8,
            Self::Interrupted => 130,
        }
    }

    /// Returns what it means, in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Done => "Everything that was asked for is done and confirmed.",
            Self::Failed => "An expectation was not met, or an operation failed for good.",
            Self::Usage => {
                "The command line was not understood, or names something that does not exist."
            }
            Self::Input => "workbench.toml, a scenario or another input file has errors.",
            Self::Journal => {
                "The journal cannot be opened or written, or another process holds it."
            }
            Self::Rejected => {
                "A blocking provisioner refused the change; the local change was not made."
            }
            Self::Owed => {
                "The change stands, and operations are still owed: queued, retrying, in doubt or held."
            }
            Self::Target => "A target cannot be reached or does not accept our credentials.",
            Self::Drift => {
                "Reconcile found differences that nobody has decided about, or could not read everything."
            }
            Self::Interrupted => "Stopped by a signal before it was done.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_codes_are_the_same() {
        let mut codes: Vec<_> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Exit::ALL.len());
    }
}
