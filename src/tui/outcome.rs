//! What became of what was handed in: counted by how each operation ended, not by how many there are.

use std::collections::BTreeMap;

use domain::OperationId;
use engine::{OperationView, State};

/// How the operations of a flow stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    /// One of those that failed for good, and why.
    pub(crate) why: Option<(OperationId, String)>,
    /// Those that somebody gave up.
    pub(crate) given_up: u64,
    /// Those that wait: for their next attempt, for the target to be asked, or for somebody.
    pub(crate) waiting: u64,
    pub(crate) under_way: u64,
}

impl Outcome {
    /// Counts the operations of a flow by state; `dead` is one of those that failed for good.
    pub(crate) fn of(states: &BTreeMap<State, u64>, dead: Option<&OperationView>) -> Self {
        let mut outcome = Self::default();
        for (state, count) in states {
            match state {
                State::Settled => outcome.done += count,
                State::Dead => outcome.failed += count,
                State::Discarded => outcome.given_up += count,
                State::Queued | State::InFlight => outcome.under_way += count,
                State::Retrying | State::InDoubt | State::Held => outcome.waiting += count,
            }
        }
        outcome.why = dead.map(|dead| {
            let why = dead.last_error.as_deref().unwrap_or("nobody said why");
            (dead.operation, why.to_owned())
        });
        outcome
    }

    /// Tells whether nothing of it goes on by itself any more.
    pub(crate) fn is_over(&self) -> bool {
        self.under_way + self.waiting == 0
    }

    /// Says how it stands: how many are done, given up, waiting and under way, and how many failed for good.
    pub(crate) fn told(&self) -> String {
        if self.failed + self.given_up == 0 && self.is_over() {
            let more = if self.done == 1 { "" } else { "s" };
            return format!("done: {} operation{more}", self.done);
        }
        let parts = [
            (self.done, "done"),
            (self.given_up, "given up"),
            (self.waiting, "waiting"),
            (self.under_way, "under way"),
            (self.failed, "failed for good"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        parts.join(", ")
    }

    /// Says how it stands where something failed for good, why, and by which key the journal shows it.
    pub(crate) fn problem(&self, journal: char) -> String {
        let why = self.why.as_ref().map_or("", |(_, why)| why.as_str());
        format!("{} ({journal} shows it): {why}", self.told())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn outcomes_are_counted_and_a_failure_is_never_called_done() {
        let all = samples::operations();
        let dead = all.iter().find(|one| one.life.state() == State::Dead);
        let states = BTreeMap::from([(State::Settled, 1), (State::Dead, 1), (State::Retrying, 2)]);
        let outcome = Outcome::of(&states, dead);
        assert_eq!(
            outcome.problem('8'),
            "1 done, 2 waiting, 1 failed for good (8 shows it): rejected: the target answered 400: invalid emails[0].value"
        );
        assert!(!outcome.is_over());
        let settled = Outcome::of(&BTreeMap::from([(State::Settled, 1)]), None);
        assert_eq!(settled.told(), "done: 1 operation");
        assert!(settled.is_over());
    }
}
