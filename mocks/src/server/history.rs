//! Older states of a vendor, kept while a fault makes reads lag.

use std::{collections::VecDeque, time::Duration};

use crate::fault::Behind;

/// How many states are kept; beyond it reads lag less than asked, which is better than memory without an end.
const KEPT: usize = 4096;

#[derive(Debug)]
struct State<V> {
    since: Duration,
    request: u64,
    vendor: V,
}

/// The states that were, oldest first; the last one is the present.
#[derive(Debug)]
pub(super) struct History<V> {
    states: VecDeque<State<V>>,
}

impl<V: Clone> History<V> {
    pub(super) fn new() -> Self {
        Self {
            states: VecDeque::new(),
        }
    }

    /// Keeps what holds from now on, as the given request left it.
    pub(super) fn keep(&mut self, since: Duration, request: u64, vendor: &V) {
        if self.states.len() == KEPT {
            self.states.pop_front();
        }
        self.states.push_back(State {
            since,
            request,
            vendor: vendor.clone(),
        });
    }

    pub(super) fn clear(&mut self) {
        self.states.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Returns the state that held so long ago, or the oldest there is; `None` when that is the present.
    pub(super) fn behind(&self, behind: Behind, now: Duration, request: u64) -> Option<V> {
        let known = |state: &State<V>| match behind {
            Behind::Time(lag) => state.since.saturating_add(lag) <= now,
            Behind::Requests(lag) => state.request.saturating_add(lag) < request,
        };
        let after = self.states.partition_point(known);
        let at = after.saturating_sub(1);
        (at + 1 < self.states.len()).then(|| self.states[at].vendor.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lagging_read_sees_the_state_of_its_time() {
        let mut history = History::new();
        for (since, request, state) in [(0, 0, "old"), (10, 5, "middle"), (20, 8, "new")] {
            history.keep(Duration::from_secs(since), request, &state);
        }
        let by_time = |now| {
            history.behind(
                Behind::Time(Duration::from_secs(5)),
                Duration::from_secs(now),
                9,
            )
        };
        assert_eq!(
            [
                by_time(2),
                by_time(14),
                by_time(15),
                by_time(24),
                by_time(25)
            ],
            [
                Some("old"),
                Some("old"),
                Some("middle"),
                Some("middle"),
                None
            ]
        );
        let by_count = |request| history.behind(Behind::Requests(3), Duration::ZERO, request);
        assert_eq!(
            [by_count(8), by_count(9), by_count(11), by_count(12)],
            [Some("old"), Some("middle"), Some("middle"), None]
        );
    }
}
