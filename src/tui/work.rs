//! Long work: an import or a bulk trigger, how far it has come, and what went wrong in it.

/// How far long work has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    /// What it is: `import users.csv`.
    pub(crate) what: String,
    /// Rows or requests done.
    pub(crate) done: u64,
    /// The part that is done, in percent.
    pub(crate) percent: u64,
    /// What came of them, in words: `3 created, 1 skipped`.
    pub(crate) told: String,
    /// What went wrong, one line each; only the first thousand are kept.
    pub(crate) errors: Vec<String>,
    /// How many went wrong.
    pub(crate) failed: u64,
    pub(crate) stage: Stage,
}

/// Whether work goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    UnderWay,
    Ended,
    /// Somebody stopped it.
    Stopped,
    /// It could not go on.
    Broken(String),
}

/// How many errors are kept.
pub(crate) const KEPT: usize = 1_000;

impl Work {
    pub(crate) fn begin(what: String) -> Self {
        Self {
            what,
            done: 0,
            percent: 0,
            told: String::new(),
            errors: Vec::new(),
            failed: 0,
            stage: Stage::UnderWay,
        }
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.stage == Stage::UnderWay
    }

    /// Counts one that went wrong.
    pub(crate) fn wrong(&mut self, told: String) {
        self.failed += 1;
        if self.errors.len() < KEPT {
            self.errors.push(told);
        }
    }

    /// Tells in one line how it goes, or how it ended.
    pub(crate) fn line(&self) -> String {
        let Self {
            what,
            done,
            percent,
            told,
            ..
        } = self;
        match &self.stage {
            Stage::UnderWay => {
                format!("{what}: {percent} %, {done} done (Ctrl-C stops): {told}")
            }
            Stage::Ended => format!("{what}: {done} done, {told}"),
            Stage::Stopped => format!("{what} was stopped after {done}: {told}"),
            Stage::Broken(why) => format!("{what} stopped after {done}: {why}; {told}"),
        }
    }
}
