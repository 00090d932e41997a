//! The notes of the status row, and the rule by which none of them swallows another.
//!
//! What failed stays until somebody looked or it was put right: one note for each concern, the newest on top. What is said
//! in answer to a key is shown at once, before what has failed already; only what fails after it takes its place. What is
//! told unasked waits until there is nothing else to read and has its whole time: what covers it only puts it off.

use std::collections::VecDeque;
use std::time::Duration;

use super::Concern;

/// How long something that was said stays.
const STAYS: Duration = Duration::from_secs(4);

/// What the status row tells, and what waits to be told there.
#[derive(Default)]
pub(super) struct Notes {
    /// The newest last.
    failures: Vec<Failure>,
    toast: Option<Toast>,
    /// What is to be told unasked, in its order.
    waiting: VecDeque<Told>,
}

struct Failure {
    /// What it is about, where that can be put right.
    of: Option<Concern>,
    text: String,
}

/// What is told unasked.
struct Told {
    /// What it is about, where something newer may take its place.
    of: Option<Concern>,
    text: String,
}

/// What is shown for a while. Beside what failed it is an answer to a key.
struct Toast {
    of: Option<Concern>,
    text: String,
    until: Duration,
    is_unasked: bool,
}

impl Notes {
    /// Returns what failed last and was neither seen nor put right.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failures.last().map(|one| one.text.as_str())
    }

    /// Returns what was said, as long as it stays.
    pub(super) fn toast(&self) -> Option<&str> {
        self.toast.as_ref().map(|toast| toast.text.as_str())
    }

    /// Returns when that goes by itself.
    pub(super) fn until(&self) -> Option<Duration> {
        self.toast.as_ref().map(|toast| toast.until)
    }

    /// Tells whether something failed there that was neither seen nor put right.
    pub(super) fn is_failing(&self, concern: Concern) -> bool {
        self.failures.iter().any(|one| one.of == Some(concern))
    }

    /// Tells whether this is among what failed.
    pub(super) fn has_failed(&self, text: &str) -> bool {
        self.failures.iter().any(|one| one.text == text)
    }

    /// Says something at once.
    pub(super) fn say(&mut self, text: String, now: Duration) {
        self.put_off();
        self.toast = Some(Toast {
            of: None,
            text,
            until: now + STAYS,
            is_unasked: false,
        });
    }

    /// Says something when its turn has come. Of one concern only the newest is told.
    pub(super) fn tell(&mut self, of: Option<Concern>, text: String) {
        self.untell(of);
        let shown = self.toast.iter().map(|toast| &toast.text);
        let waiting = self.waiting.iter().map(|one| &one.text);
        if !shown.chain(waiting).any(|one| *one == text) {
            self.waiting.push_back(Told { of, text });
        }
    }

    /// What was told of a concern is not true any more.
    pub(super) fn untell(&mut self, of: Option<Concern>) {
        if of.is_some() {
            self.waiting.retain(|one| one.of != of);
            self.toast.take_if(|toast| toast.of == of);
        }
    }

    /// Says that something failed, at once. Of one concern only the newest is told; while the workbench was opened several
    /// things may have gone wrong.
    pub(super) fn fail(&mut self, of: Option<Concern>, text: String) {
        self.untell(of);
        self.put_off();
        self.toast = None;
        let is_past = |one: &Failure| one.of == of && of != Some(Concern::Opening);
        self.failures
            .retain(|one| !is_past(one) && one.text != text);
        self.failures.push(Failure { of, text });
    }

    /// What failed there was put right.
    pub(super) fn righted(&mut self, concern: Concern) {
        self.failures.retain(|one| one.of != Some(concern));
    }

    /// Takes what failed last: somebody looks at it.
    pub(super) fn take_failure(&mut self) -> Option<String> {
        self.failures.pop().map(|one| one.text)
    }

    /// What failed last has been seen; where an answer is shown before it, that goes first.
    pub(super) fn clear(&mut self) {
        if !self.failures.is_empty() && self.toast.take().is_none() {
            self.failures.pop();
        }
    }

    /// What an earlier key was answered with goes: another one has asked for something, and that is answered later.
    pub(super) fn make_room(&mut self) {
        self.toast.take_if(|toast| !toast.is_unasked);
    }

    /// What was said has been seen.
    pub(super) fn hush(&mut self) {
        self.toast = None;
    }

    /// This is not true any more, wherever it stands.
    pub(super) fn past(&mut self, text: &str) {
        self.failures.retain(|one| one.text != text);
        self.waiting.retain(|one| one.text != text);
        if self.toast() == Some(text) {
            self.toast = None;
        }
    }

    /// Lets go what was there long enough, and shows what waits when there is room. `is_covered` says that the status row
    /// has something more urgent to tell, or is not there.
    pub(super) fn settle(&mut self, now: Duration, is_covered: bool) {
        if self.until().is_some_and(|until| until <= now) {
            self.toast = None;
        }
        if is_covered {
            self.put_off();
        } else if self.failures.is_empty()
            && self.toast.is_none()
            && let Some(Told { of, text }) = self.waiting.pop_front()
        {
            self.toast = Some(Toast {
                of,
                text,
                until: now + STAYS,
                is_unasked: true,
            });
        }
    }

    /// What is shown unasked is shown again later.
    fn put_off(&mut self) {
        if let Some(toast) = self.toast.take_if(|toast| toast.is_unasked) {
            let Toast { of, text, .. } = toast;
            self.waiting.push_front(Told { of, text });
        }
    }
}
