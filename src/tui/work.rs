//! Long work: an import or a bulk trigger, how far it has come, and what went wrong in it.

use std::collections::BTreeSet;

use domain::{Change, Claims, QualifiedName, Request, RoleName, Source};

/// How far long work has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    /// What it is: `import users.csv`.
    pub(crate) what: String,
    /// The part that is behind it, in percent.
    pub(crate) percent: u64,
    /// What came of it, in words: `4 rows: 3 created, 1 was there already`.
    pub(crate) told: String,
    /// What went wrong; only the first thousand are kept.
    pub(crate) wrong: Vec<Wrong>,
    /// How many went wrong.
    pub(crate) failed: u64,
    /// How many were begun whose outcome is not known yet.
    pub(crate) under_way: u64,
    /// Somebody stopped it, and what was begun is waited for.
    pub(crate) stopping: bool,
    pub(crate) stage: Stage,
}

/// One that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The row of the file, where there is one.
    pub(crate) row: Option<u64>,
    pub(crate) name: String,
    pub(crate) told: String,
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

/// How many of those that went wrong are kept.
pub(crate) const KEPT: usize = 1_000;
/// How many names stand in one line of a report.
const NAMES: usize = 5;

impl Work {
    pub(crate) fn begin(what: String) -> Self {
        Self {
            what,
            percent: 0,
            told: String::new(),
            wrong: Vec::new(),
            failed: 0,
            under_way: 0,
            stopping: false,
            stage: Stage::UnderWay,
        }
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.stage == Stage::UnderWay
    }

    /// Counts one that went wrong.
    pub(crate) fn wrong(&mut self, row: Option<u64>, name: String, told: String) {
        self.failed += 1;
        if self.wrong.len() < KEPT {
            self.wrong.push(Wrong { row, name, told });
        }
    }

    /// Tells in one line how it goes, or how it ended.
    pub(crate) fn line(&self) -> String {
        let Self {
            what,
            percent,
            told,
            ..
        } = self;
        match &self.stage {
            Stage::UnderWay if self.stopping => {
                let open = self.under_way.max(1);
                format!("{what}: stopping, {open} begun and waited for: {told}")
            }
            Stage::UnderWay => format!("{what}: {percent} % (Ctrl-C stops): {told}"),
            Stage::Ended => format!("{what}: {told}"),
            Stage::Stopped => format!("{what} was stopped: {told}"),
            Stage::Broken(why) if self.under_way > 0 => {
                let open = self.under_way;
                format!("{what} stopped by itself: {why}; {told}, {open} of which nothing is known")
            }
            Stage::Broken(why) => format!("{what} stopped by itself: {why}; {told}"),
        }
    }

    /// Tells what went wrong, in order; what went wrong in the same way is told once, with everybody that it happened to.
    pub(crate) fn report(&self) -> Vec<String> {
        let mut all: Vec<&Wrong> = self.wrong.iter().collect();
        // Those without a row stay in the order in which they came.
        all.sort_by_key(|one| one.row);
        let mut lines = Vec::new();
        let mut told = BTreeSet::new();
        for first in &all {
            if !told.insert(&first.told) {
                continue;
            }
            let same: Vec<String> = all
                .iter()
                .filter(|one| one.told == first.told)
                .map(|one| one.whose())
                .collect();
            if let [one] = &same[..] {
                lines.push(format!("{one}: {}", first.told));
                continue;
            }
            lines.push(format!("{} x {}", same.len(), first.told));
            let parts = same.chunks(NAMES);
            lines.extend(parts.map(|part| format!("   {}", part.join(", "))));
        }
        let kept = u64::try_from(self.wrong.len()).unwrap_or(u64::MAX);
        if self.failed > kept {
            lines.push(format!("… and {} more", self.failed - kept));
        }
        lines
    }
}

impl Wrong {
    fn whose(&self) -> String {
        match self.row {
            Some(row) => format!("row {row} ({})", self.name),
            None => self.name.clone(),
        }
    }
}

/// What happens to each of many users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Each {
    Assign(RoleName),
    Revoke(RoleName),
    Update(Claims),
    Delete,
}

impl Each {
    /// Returns the request for one of them.
    pub(crate) fn of(&self, user: QualifiedName) -> Request {
        let change = match self {
            Self::Assign(role) => Change::AssignRole {
                user,
                role: role.clone(),
            },
            Self::Revoke(role) => Change::RevokeRole {
                user,
                role: role.clone(),
            },
            Self::Update(set) => Change::UpdateUser {
                user,
                set: set.clone(),
                remove: BTreeSet::new(),
                rename: None,
            },
            Self::Delete => Change::DeleteUser { user },
        };
        Request {
            change,
            source: Source::Console,
            application: None,
            connection: None,
        }
    }
}

/// Whom something happens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whom {
    Named(Vec<QualifiedName>),
    /// All whose names contain a text, so many when that was counted. They are read page by page as it goes on.
    All {
        search: String,
        count: u64,
    },
}

impl Whom {
    /// Returns how many they are.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Named(names) => u64::try_from(names.len()).unwrap_or(u64::MAX),
            Self::All { count, .. } => *count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_in_the_order_of_the_rows_and_tells_equal_failures_once() {
        let mut work = Work::begin("import people.csv".to_owned());
        for row in (3..=9).rev() {
            work.wrong(Some(row), format!("user{row}"), "no such role".to_owned());
        }
        work.wrong(Some(2), "kim".to_owned(), "it has no `userName`".to_owned());
        work.stage = Stage::Ended;
        work.told = "9 rows: 1 created, 0 were there already, 8 failed".to_owned();
        assert_eq!(
            work.line(),
            "import people.csv: 9 rows: 1 created, 0 were there already, 8 failed"
        );
        assert_eq!(
            work.report(),
            [
                "row 2 (kim): it has no `userName`",
                "7 x no such role",
                "   row 3 (user3), row 4 (user4), row 5 (user5), row 6 (user6), row 7 (user7)",
                "   row 8 (user8), row 9 (user9)",
            ]
        );
        work.failed = 2_000;
        assert_eq!(work.report().last().unwrap(), "… and 1992 more");
    }
}
