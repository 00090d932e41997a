//! The screen: sections, overlays, the status row and the key row; what a happening changes and what it asks for.

mod capture;
mod draw;
mod edits;
mod keys;
mod plain;

use std::time::Duration;

use crossterm::event::KeyCode;

use crate::draft::Draft;
use crate::keymap::{Key, Move};
use crate::modal::Modal;
use crate::panel::Panel;
use crate::seat::Standing;
use crate::wish::{Answer, Deed, Happening, Query, Wish};
use crate::world::World;

/// How long a message stays.
const TOAST: Duration = Duration::from_secs(4);

/// What the outside is to do.
pub(crate) enum Order {
    Ask(Query),
    Do(Deed),
}

/// What was said in the status row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) is_failure: bool,
}

/// Everything that can be seen.
pub(crate) struct Screen {
    pub(crate) world: World,
    panels: Vec<Box<dyn Panel>>,
    at: usize,
    modals: Vec<Modal>,
    toast: Option<(String, Duration)>,
    /// A failure stays until somebody looked.
    failure: Option<String>,
    pub(crate) events: Vec<Message>,
    zoomed: bool,
    mouse: bool,
    /// The file that the screen is recorded into.
    pub(crate) recording: Option<String>,
    /// The file was changed by somebody else while there is a draft.
    conflict: bool,
    /// Leave as soon as the draft is saved.
    leaving: bool,
}

impl Screen {
    pub(crate) fn new(world: World, panels: Vec<Box<dyn Panel>>, first: &str) -> Self {
        let at = panels
            .iter()
            .position(|panel| panel.id() == first)
            .unwrap_or(0);
        Self {
            world,
            panels,
            at,
            modals: Vec::new(),
            toast: None,
            failure: None,
            events: Vec::new(),
            zoomed: false,
            mouse: false,
            recording: None,
            conflict: false,
            leaving: false,
        }
    }

    /// Returns what is to be read first.
    pub(crate) fn begin(&mut self) -> Vec<Order> {
        let mut orders = vec![
            Order::Ask(Query::Begin),
            Order::Ask(Query::Mocks),
            Order::Ask(Query::Counts),
        ];
        orders.extend(self.want());
        orders
    }

    /// Tells whether something visible depends on time passing, and until when nothing changes.
    pub(crate) fn ticks(&self) -> Option<Duration> {
        let passed = self.world.passed;
        let toast = self.toast.as_ref().map(|(_, until)| *until);
        // A secret that was revealed is masked again by itself.
        let revealed = self
            .modals
            .iter()
            .filter_map(Modal::revealed)
            .chain(self.panels[self.at].revealed())
            .filter(|until| *until > passed)
            .min();
        let second = self.panels[self.at]
            .counts_down(&self.world)
            .then(|| passed + Duration::from_secs(1));
        let next = toast.into_iter().chain(revealed).chain(second).min()?;
        Some(next.saturating_sub(passed).max(Duration::from_millis(50)))
    }

    /// Tells whether this is a section's root with nothing over it.
    #[cfg(test)]
    pub(crate) fn is_at_root(&mut self) -> bool {
        self.modals.is_empty() && self.panels[self.at].back().is_none()
    }

    #[cfg(test)]
    pub(crate) fn section(&self) -> &'static str {
        self.panels[self.at].id()
    }

    /// Takes what happened and returns what is to be done outside.
    pub(crate) fn update(&mut self, happening: Happening) -> Vec<Order> {
        let mut orders = Vec::new();
        match happening {
            Happening::Key(key) => self.key(key, &mut orders),
            Happening::Paste(text) => self.paste(&text, &mut orders),
            Happening::Wheel(rows) => {
                let code = if rows > 0 { KeyCode::Down } else { KeyCode::Up };
                for _ in 0..rows.unsigned_abs().min(3) {
                    self.key(Key::of(code), &mut orders);
                }
            }
            Happening::Click { x, y } => self.click(x, y, &mut orders),
            Happening::Resize => {}
            Happening::News(news) => {
                let missed = self.world.board.missed;
                for one in news {
                    self.world.board.hear(one);
                }
                if self.world.board.missed > missed {
                    orders.push(Order::Ask(Query::Since {
                        seq: self.world.board.seq,
                    }));
                }
            }
            Happening::Lab(entries) => {
                for entry in entries {
                    self.world.board.lab(entry);
                }
            }
            Happening::Answer(answer) => self.answer(*answer, &mut orders),
            Happening::Tick => {
                if self
                    .toast
                    .as_ref()
                    .is_some_and(|(_, until)| *until <= self.world.passed)
                {
                    self.toast = None;
                }
            }
            Happening::FileChanged => self.file_changed(&mut orders),
            Happening::Standing(standing) => {
                self.tell_standing(&standing);
                self.world.standing = Some(standing);
            }
        }
        orders.extend(self.want());
        orders
    }

    fn want(&mut self) -> Vec<Order> {
        let queries = self.panels[self.at].wants(&self.world);
        queries.into_iter().map(Order::Ask).collect()
    }

    fn say(&mut self, text: String) {
        self.events.push(Message {
            text: format!("{} {text}", self.world.time(self.world.now)),
            is_failure: false,
        });
        self.toast = Some((text, self.world.passed + TOAST));
    }

    fn fail(&mut self, text: String) {
        self.events.push(Message {
            text: format!("{} x {text}", self.world.time(self.world.now)),
            is_failure: true,
        });
        self.failure = Some(text);
    }

    /// Says that the engine is another process's, or that it has gone.
    fn tell_standing(&mut self, standing: &Standing) {
        match standing {
            Standing::Attached { process } => self.say(format!(
                "attached to the engine of process {process}: it sends, and does what is asked here"
            )),
            Standing::Deaf => self.fail(
                "another process works on this journal and takes no commands\n\
                 What it does is shown here as it happens. When it has ended, leave (q) and open `outbound` again: then \
                 the engine runs here. What only reads works already: lists, traces, dry runs."
                    .to_owned(),
            ),
            Standing::Alone => self.fail(
                "the engine has ended: nothing is sent any more\n\
                 What is owed is in the journal. Leave (q) and open `outbound` again, and the engine runs here; or start \
                 `outbound serve`, and this screen attaches to it by itself."
                    .to_owned(),
            ),
        }
    }

    fn grant(&mut self, wishes: Vec<Wish>, orders: &mut Vec<Order>) {
        for wish in wishes {
            match wish {
                Wish::Ask(query) => {
                    orders.push(Order::Ask(query));
                }
                Wish::Do(Deed::Quit) => self.quit(orders),
                Wish::Do(deed) => {
                    if matches!(deed, Deed::Review) {
                        if self.conflict {
                            self.file_changed(orders);
                            continue;
                        }
                        if self.draft_is_bad() {
                            continue;
                        }
                    }
                    self.conflict &= !matches!(deed, Deed::Save);
                    orders.push(Order::Do(deed));
                }
                Wish::Show(modal) => self.modals.push(*modal),
                Wish::Go(id, errand) => {
                    if let Some(at) = self.panels.iter().position(|panel| panel.id() == id) {
                        self.at = at;
                        if let Some(errand) = errand {
                            let more = self.panels[at].errand(&self.world, errand);
                            self.grant(more, orders);
                        }
                    }
                }
                Wish::Say(text) => self.say(text),
                Wish::Fail(text) => self.fail(text),
                Wish::Edit(edit) => self.edit(&edit),
                Wish::Undo => {
                    let words = self.world.draft.as_mut().and_then(Draft::undo);
                    self.say(words.map_or_else(
                        || "nothing to undo".to_owned(),
                        |words| format!("undone: {words}"),
                    ));
                }
                Wish::Redo => {
                    let words = self.world.draft.as_mut().and_then(Draft::redo);
                    self.say(words.map_or_else(
                        || "nothing to redo".to_owned(),
                        |words| format!("done again: {words}"),
                    ));
                }
                Wish::Filter(filter) => self.world.board.stream.set_filter(filter),
                Wish::Mark(number) => self.world.board.stream.mark(number),
                Wish::Prepend(rows) => {
                    self.world.board.stream.prepend(rows);
                }
                Wish::TakeDraft(draft) => {
                    self.world.draft = Some(*draft);
                    self.conflict = false;
                    self.say(
                        "the changes here stand on top of the file as it is now; Ctrl-S updates"
                            .to_owned(),
                    );
                }
                Wish::DropDraft => {
                    self.world.draft = None;
                    self.conflict = false;
                    self.say("changes discarded; the file is as it was".to_owned());
                    if self.leaving {
                        orders.push(Order::Do(Deed::Quit));
                    }
                }
            }
        }
    }

    fn answer(&mut self, answer: Answer, orders: &mut Vec<Order>) {
        for at in 0..self.panels.len() {
            let wishes = self.panels[at].answer(&self.world, &answer);
            self.grant(wishes, orders);
        }
        match answer {
            Answer::Begun {
                last,
                open,
                rows,
                roles,
            } => {
                self.world.roles = roles;
                self.world.board.begin(last, &open, rows);
            }
            Answer::Directory { roles, .. } => self.world.roles = roles,
            Answer::Counts { last, counts } => self.world.board.counted(last, counts),
            Answer::Since(news) => {
                for one in news {
                    self.world.board.hear(one);
                }
            }
            Answer::Mocks(mocks, faults) => {
                self.world.mocks = mocks;
                self.world.faults = faults;
            }
            Answer::Done(Ok(text)) => self.say(text),
            Answer::Done(Err(text)) => self.fail(text),
            Answer::Reviewed(review) => self.review(&review),
            Answer::Saved(Ok(loaded)) => {
                self.world.running = std::sync::Arc::new(loaded.configuration);
                self.world.draft = None;
                let time = self.world.time(self.world.now);
                self.say(format!(
                    "Updated {time}: the engine works by {}",
                    self.world.file_name()
                ));
                if self.leaving {
                    orders.push(Order::Do(Deed::Quit));
                }
            }
            Answer::Reloaded(Ok(loaded)) => {
                self.world.running = std::sync::Arc::new(loaded.configuration);
                let mine = self.world.draft.as_ref().filter(|draft| draft.is_changed());
                let mine = mine.map_or_else(String::new, |draft| {
                    format!(", and the {} change(s) here are kept", draft.changes())
                });
                self.say(format!(
                    "{} was changed by somebody else; the engine works by it now{mine}",
                    self.world.file_name()
                ));
            }
            Answer::Reloaded(Err(text)) => self.fail(format!(
                "{} was changed by somebody else and cannot be used; the engine goes on as before\n{text}",
                self.world.file_name()
            )),
            Answer::Work(work) => self.work(work),
            Answer::Saved(Err(text)) => {
                self.leaving = false;
                self.fail(text);
            }
            // These belong to the panels, which have heard them.
            Answer::Older { .. }
            | Answer::Trace(..)
            | Answer::Operations { .. }
            | Answer::Safeguards(_)
            | Answer::Links(..)
            | Answer::Objects(..)
            | Answer::Log(_)
            | Answer::Planned(_)
            | Answer::Submitted(_) => {}
        }
    }
}

/// Writes an error with everything that led to it.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push('\n');
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// Reads a movement that no text field wants.
pub(crate) fn movement(key: Key, typing: bool) -> Option<Move> {
    if typing && key.types() {
        None
    } else {
        Move::of(key)
    }
}
