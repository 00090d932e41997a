//! *Update* before it is done: what it would do is worked out, which may take a while, and shown where it lies over nothing
//! else.

use std::time::Duration;

use super::{Concern, Order, Screen};
use crate::draft::{Draft, Review};
use crate::modal::Modal;
use crate::paint::{cells, counted, shortened};
use crate::wish::Deed;

/// How long after the key what *Update* would do may come with *Update* having the keys. Whoever waited longer may press
/// `Enter` for something else just then.
const AT_ONCE: Duration = Duration::from_secs(2);

/// What *Update* would do, while it is worked out, and until it can be shown.
pub(super) struct Asked {
    /// The stamp of the document that it was asked about.
    of: String,
    /// The section that was shown then, and when that was.
    at: usize,
    since: Duration,
    /// A key asked for it, and none was pressed since.
    pub(super) is_awaited: bool,
    /// What came of it, where that could not be shown at once.
    ready: Option<Box<Review>>,
}

impl Screen {
    /// *Update* was asked for: what it would do is worked out, or shown when that is known already.
    pub(super) fn ask_review(&mut self, orders: &mut Vec<Order>) {
        if self.conflict && self.is_dirty() {
            return self.file_changed(orders, true);
        }
        if self.draft_is_bad() {
            return;
        }
        let Some(draft) = &self.world.draft else {
            return;
        };
        let of = draft.document().stamp();
        self.notes.make_room();
        self.notes.untell(Some(Concern::Edit));
        let known = self.asked.take().filter(|one| one.of == of);
        let is_under_way = known.as_ref().is_some_and(|one| one.ready.is_none());
        if let Some(review) = known.and_then(|one| one.ready) {
            return self.review(&review, true);
        }
        self.asked = Some(Asked {
            of,
            at: self.at,
            since: self.world.passed,
            is_awaited: true,
            ready: None,
        });
        if !is_under_way {
            orders.push(Order::Do(Deed::Review));
        }
    }

    /// What *Update* would do is worked out anew, because what it speaks of has changed; no key asked for that.
    pub(super) fn ask_again(&mut self, orders: &mut Vec<Order>) {
        let before = self.asked.take();
        self.ask_review(orders);
        if let Some(asked) = &mut self.asked {
            asked.is_awaited = false;
            if let Some(before) = before {
                asked.at = before.at;
            }
        }
    }

    /// Tells whether what *Update* would do is being worked out.
    pub(super) fn is_reviewing(&self) -> bool {
        self.asked.as_ref().is_some_and(|one| one.ready.is_none())
    }

    /// Tells whether what *Update* would do is known, and waits for the key.
    pub(super) fn is_reviewed(&self) -> bool {
        let ready = self.asked.as_ref().filter(|one| one.ready.is_some());
        ready
            .zip(self.world.draft.as_ref())
            .is_some_and(|(one, draft)| draft.document().stamp() == one.of)
    }

    /// Gives up working out what *Update* would do; `false` when that is not under way.
    pub(super) fn stop_review(&mut self, orders: &mut Vec<Order>) -> bool {
        if !self.is_reviewing() {
            return false;
        }
        self.drop_review(orders);
        self.leaving = false;
        self.say("Update is given up; the changes stay unsaved".to_owned());
        true
    }

    /// *Update* is asked for no longer: what it would do is neither worked out nor told.
    pub(super) fn drop_review(&mut self, orders: &mut Vec<Order>) {
        if self.is_reviewing() {
            orders.push(Order::Do(Deed::StopReview));
        }
        self.asked = None;
        self.notes.untell(Some(Concern::Edit));
    }

    /// The program is not left once the draft is saved, unless just that is being asked: there the answer says it.
    pub(super) fn stay(&mut self) {
        self.leaving &= self.modals.iter().any(Modal::asks_to_leave);
    }

    /// Lets go what was asked for and told of a draft that is another one by now, whatever made it so. Without a change there
    /// is nothing to update, and nothing to leave with.
    pub(super) fn keep_to_draft(&mut self, orders: &mut Vec<Order>) {
        if !(self.conflict && self.is_dirty()) {
            self.notes.past(&self.conflict_line());
        }
        if !self.is_dirty() {
            self.drop_review(orders);
            return self.stay();
        }
        if !self.is_reviewed() {
            self.notes.untell(Some(Concern::Edit));
        }
    }

    /// What *Update* would do was worked out. It is shown unless the draft or its file has changed since; then it is worked
    /// out anew. Over what was opened meanwhile it does not lie: there it is told that it is ready.
    pub(super) fn reviewed(&mut self, review: Box<Review>, orders: &mut Vec<Order>) {
        let is_toggle = |(stamp, _): &mut (String, String)| *stamp == review.of;
        if let Some((_, words)) = self.toggled.take_if(is_toggle) {
            return self.tell_whom(&words, &review);
        }
        let is_it = |one: &mut Asked| one.of == review.of && one.ready.is_none();
        let Some(asked) = self.asked.take_if(is_it) else {
            return;
        };
        let draft = self.world.draft.as_ref().filter(|draft| draft.is_changed());
        let Some(now) = draft
            .filter(|_| !self.conflict)
            .map(|draft| draft.document().stamp())
        else {
            return;
        };
        if now != review.of {
            self.asked = Some(asked);
            return self.ask_again(orders);
        }
        let is_typing = !asked.is_awaited && self.panels[self.at].takes_text();
        if self.modals.is_empty() && self.at == asked.at && !is_typing {
            let waited = self.world.passed.saturating_sub(asked.since);
            return self.review(&review, asked.is_awaited && waited < AT_ONCE);
        }
        // Whoever is at something else does not leave just now.
        self.stay();
        self.tell_of(
            Concern::Edit,
            "it is worked out who is affected (Ctrl-S shows it)".to_owned(),
        );
        self.asked = Some(Asked {
            ready: Some(review),
            ..asked
        });
    }

    /// Returns what the status row says while it is worked out, and how to give it up: in a dialog `Esc` closes that.
    pub(super) fn reviewing_line(&self) -> &'static str {
        if self.modals.is_empty() {
            "working out who is affected … (Esc cancels)"
        } else {
            "working out who is affected …"
        }
    }

    /// Returns what the status row says of changes that are not saved, in so many cells.
    pub(super) fn unsaved_line(&self, draft: &Draft, room: usize) -> String {
        const UPDATES: [&str; 3] = [
            " · u undoes · Ctrl-S updates",
            " · Ctrl-S updates",
            " · Ctrl-S",
        ];
        const SHOWS: [&str; 3] = [
            " · u undoes · Ctrl-S shows who is affected",
            " · Ctrl-S shows who is affected",
            " · Ctrl-S",
        ];
        const ASKS: [&str; 3] = [" · u undoes · Ctrl-S asks", " · Ctrl-S asks", " · Ctrl-S"];
        if let Some(error) = draft.errors.first().filter(|_| !self.conflict) {
            return self.faulty_line(draft, error, room);
        }
        let bad = draft.errors.len();
        let errors = if bad > 0 {
            format!("{} · ", counted(bad, "error"))
        } else {
            String::new()
        };
        let changes = draft.changes();
        let (lead, words, keys) = if self.conflict {
            let name = self.world.file_name();
            let words = format!("somebody else changed {name}, too");
            (
                format!("{errors}Conflict, unsaved ({changes})"),
                words,
                ASKS,
            )
        } else {
            let words = draft.last_words().unwrap_or_default().to_owned();
            let keys = if self.is_reviewed() { SHOWS } else { UPDATES };
            (format!("Unsaved ({changes})"), words, keys)
        };
        let fits = |keys: &&str| cells(&lead) + cells(keys) <= room;
        let keys = keys.into_iter().find(fits).unwrap_or(UPDATES[2]);
        // What is to be done is never cut; of what was changed the review tells everything.
        let words = shortened(&words, room.saturating_sub(cells(&lead) + cells(keys) + 2));
        let words = if words.is_empty() {
            words
        } else {
            format!(": {words}")
        };
        format!("{lead}{words}{keys}")
    }
}
