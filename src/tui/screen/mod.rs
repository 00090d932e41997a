//! The screen: sections, overlays, the status row and the key row; what a happening changes and what it asks for.

mod capture;
mod draw;
mod edits;
mod help;
mod keys;
mod notes;
mod offer;
mod plain;
mod quarantine;
mod review;
mod standing;

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::KeyCode;

use crate::draft::Draft;
use crate::keymap::{Key, Move};
use crate::modal::Modal;
use crate::panel::Panel;
use crate::seat::NO_ENGINE;
use crate::wish::{Answer, Deed, Happening, Query, Wish};
use crate::world::World;

use notes::Notes;
use review::Asked;

/// What is said while an engine is being started here.
const STARTING: &str = "the engine is started here …";

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

/// What a failure is about, so that it goes when that was put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Concern {
    /// `workbench.toml`: read, written, and taken by an engine.
    File,
    /// A change of the draft.
    Edit,
    /// The editor that has the file's text.
    Editor,
    /// The engine of this process.
    Engine,
    /// How the workbench stands to an engine that is not its own.
    Seat,
    /// What the file says now, which no engine has taken.
    Taken,
    /// What was to be there before the workbench was opened.
    Opening,
    /// The journal, which is read.
    Journal,
    /// What is put back at a mock.
    Mock,
    /// Connectors that are left alone.
    Quarantine,
}

/// Everything that can be seen.
pub(crate) struct Screen {
    pub(crate) world: World,
    panels: Vec<Box<dyn Panel>>,
    at: usize,
    modals: Vec<Modal>,
    notes: Notes,
    pub(crate) events: Vec<Message>,
    zoomed: bool,
    pub(crate) mouse: bool,
    /// The file that the screen is recorded into.
    pub(crate) recording: Option<String>,
    /// The file was changed by somebody else while there is a draft.
    conflict: bool,
    /// Leave as soon as the draft is saved.
    leaving: bool,
    /// The operations are being counted; and they are to be counted once more then, because news were missed meanwhile.
    counting: bool,
    count_again: bool,
    /// An engine is being started here, and nothing was heard of it yet.
    starting: bool,
    /// The process whose engine was followed last.
    followed: Option<u32>,
    /// What *Update* would do, as long as that is asked for and not shown.
    asked: Option<Asked>,
    /// The change that is being written without *Update*, in words.
    at_once: Option<String>,
    /// It is written for the second time: the file was changed by somebody else meanwhile.
    at_once_again: bool,
    /// The stamp of the document in which that change was made, and its words, until it is known whom it concerns.
    toggled: Option<(String, String)>,
    /// Whom it concerns, until it is written.
    concerned: Option<String>,
    /// When the last long work ended.
    work_ended: Option<Duration>,
    /// What was written in an editor and could not be taken: where it is kept, and what it began with.
    untaken: Option<(PathBuf, String)>,
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
            notes: Notes::default(),
            events: Vec::new(),
            zoomed: false,
            mouse: false,
            recording: None,
            conflict: false,
            leaving: false,
            counting: false,
            count_again: false,
            starting: false,
            followed: None,
            asked: None,
            at_once: None,
            at_once_again: false,
            toggled: None,
            concerned: None,
            work_ended: None,
            untaken: None,
        }
    }

    /// Returns what is to be read first.
    pub(crate) fn begin(&mut self) -> Vec<Order> {
        for copy in crate::editor::kept(&self.world.file) {
            self.tell(format!(
                "{}: a text from an editor that was not taken is kept there; delete it when it is not needed",
                copy.display()
            ));
        }
        // It has its turn with the first happening: the clock here is that of the first frame, and an engine takes a while
        // to start.
        self.counting = true;
        let mut orders = vec![
            Order::Ask(Query::Begin),
            Order::Ask(Query::Mocks),
            Order::Ask(Query::Counts),
        ];
        orders.extend(self.want());
        orders
    }

    /// Returns when, by the monotonic clock, something that is shown changes by itself; `None` while nothing does.
    pub(crate) fn wakes(&self) -> Option<Duration> {
        let passed = self.world.passed;
        let toast = self.notes.until();
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
            .map(|wait| passed + wait);
        toast.into_iter().chain(revealed).chain(second).min()
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
        let is_done_here = matches!(
            happening,
            Happening::Key(_) | Happening::Paste(_) | Happening::Wheel(_) | Happening::Click { .. }
        );
        if is_done_here && let Some(asked) = &mut self.asked {
            asked.is_awaited = false;
        }
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
            // What was there long enough goes below.
            Happening::Resize | Happening::Tick => {}
            Happening::News(news) => {
                let missed = self.world.board.missed;
                let was_whole = self.world.board.hole().is_none();
                for one in news {
                    self.world.board.hear(one);
                }
                if self.world.board.missed > missed {
                    // What is being read already is read on by its answer.
                    if let Some(seq) = self.world.board.hole().filter(|_| was_whole) {
                        orders.push(Order::Ask(Query::Since { seq }));
                    }
                    self.count(&mut orders);
                }
            }
            Happening::Lab(entries) => {
                for entry in entries {
                    self.world.board.lab(entry);
                }
            }
            Happening::Answer(answer) => self.answer(*answer, &mut orders),
            Happening::FileChanged => self.file_changed(&mut orders, false),
            Happening::Logged => self.world.logged += 1,
            Happening::Standing(standing) => {
                self.starting = false;
                self.notes.past(STARTING);
                self.tell_standing(&standing);
                self.world.standing = Some(standing);
            }
            Happening::Note(note) if note.is_failure => {
                self.fail_of(Concern::Opening, note.text);
            }
            Happening::Note(note) => self.tell(note.text),
        }
        self.keep_to_draft(&mut orders);
        self.tell_quarantines();
        if self.world.board.take_miscounted() {
            self.count(&mut orders);
        }
        orders.extend(self.want());
        self.settle();
        orders
    }

    /// Has all operations counted, once at a time: each time reads every one of them.
    fn count(&mut self, orders: &mut Vec<Order>) {
        if std::mem::replace(&mut self.counting, true) {
            self.count_again = true;
            return;
        }
        self.world.board.recount();
        orders.push(Order::Ask(Query::Counts));
    }

    /// Takes that the counting has ended, whether it could be done or not.
    fn count_ended(&mut self, orders: &mut Vec<Order>) {
        self.counting = false;
        if std::mem::take(&mut self.count_again) {
            self.count(orders);
        }
    }

    fn want(&mut self) -> Vec<Order> {
        let mut queries = self.panels[self.at].wants(&self.world);
        for panel in &mut self.panels {
            queries.extend(panel.follows(&self.world));
        }
        queries.into_iter().map(Order::Ask).collect()
    }

    /// Says something in answer to somebody.
    fn say(&mut self, text: String) {
        self.keep_message(&text, false);
        self.notes.say(text, self.world.passed);
    }

    /// Says something that nobody has asked for.
    fn tell(&mut self, text: String) {
        self.keep_message(&text, false);
        self.notes.tell(None, text);
    }

    /// Says something that nobody has asked for, and that something newer may take the place of.
    fn tell_of(&mut self, concern: Concern, text: String) {
        self.keep_message(&text, false);
        self.notes.tell(Some(concern), text);
    }

    /// Says that something failed. Where only an engine is missing, that is past as soon as one is there.
    fn fail(&mut self, text: String) {
        let of = text.starts_with(NO_ENGINE).then_some(Concern::Seat);
        self.keep_message(&text, true);
        self.notes.fail(of, text);
    }

    /// Says that something failed which may be put right.
    fn fail_of(&mut self, concern: Concern, text: String) {
        self.keep_message(&text, true);
        self.notes.fail(Some(concern), text);
    }

    fn keep_message(&mut self, text: &str, is_failure: bool) {
        let sign = if is_failure { "x " } else { "" };
        self.events.push(Message {
            text: format!("{} {sign}{text}", self.world.time(self.world.now)),
            is_failure,
        });
    }

    /// What failed there was put right: it is told no longer. Messages keeps it.
    fn righted(&mut self, concern: Concern) {
        self.notes.righted(concern);
    }

    /// Lets the next note have its turn. What is under way has the status row for itself, and zoomed there is none.
    fn settle(&mut self) {
        let is_covered = self.is_working() || self.is_reviewing() || self.zoomed;
        self.notes.settle(self.world.passed, is_covered);
    }

    fn place_of(&self, id: &str) -> Option<usize> {
        self.panels.iter().position(|panel| panel.id() == id)
    }

    /// Shows another section.
    fn show(&mut self, at: usize, orders: &mut Vec<Order>) {
        self.point();
        self.at = at;
        let wishes = self.panels[at].arrive(&self.world);
        self.grant(wishes, orders);
    }

    /// Takes note of who is selected, for the panel that is shown next.
    fn point(&mut self) {
        let mut panels = self.panels.iter();
        let selected = panels.find_map(|panel| panel.selection(&self.world));
        self.world.selected = selected;
    }

    /// Says what is wrong in an open form, at its field; in the status row where it is about none, or the form was closed.
    fn refuse(&mut self, id: &str, field: Option<&str>, told: String) {
        let sheet = self.modals.iter_mut().find_map(|modal| match modal {
            Modal::Sheet(sheet) if sheet.id == id => Some(sheet),
            _ => None,
        });
        let is_shown = sheet
            .zip(field)
            .is_some_and(|(sheet, field)| sheet.form.refuse(field, &told));
        if !is_shown {
            self.fail(told);
        }
    }

    fn grant(&mut self, wishes: Vec<Wish>, orders: &mut Vec<Order>) {
        for wish in wishes {
            match wish {
                Wish::Ask(query) => {
                    if matches!(query, Query::Older { .. }) {
                        // What comes has to fit in front of what is here now.
                        self.world.board.stream.read_back();
                    }
                    orders.push(Order::Ask(query));
                }
                Wish::Do(Deed::Quit) => self.quit(orders),
                Wish::Do(Deed::Review) => self.ask_review(orders),
                Wish::Do(deed) => {
                    if matches!(deed, Deed::Plan(_) | Deed::Submit(_)) {
                        self.notes.make_room();
                    }
                    self.conflict &= !matches!(deed, Deed::Save);
                    orders.push(Order::Do(deed));
                }
                Wish::Show(modal) => self.modals.push(*modal),
                // The form is where it was put back when its button was pressed.
                Wish::KeepSheet => {}
                Wish::CloseSheet(id) => {
                    let is_it = |modal: &Modal| matches!(modal, Modal::Sheet(one) if one.id == id);
                    let before = self.modals.len();
                    self.modals.retain(|modal| !is_it(modal));
                    if self.modals.len() < before {
                        // Whether it may be lost is no question any more.
                        self.modals.retain(|modal| !modal.asks_about_form());
                    }
                }
                Wish::DropForm => self.drop_form(),
                Wish::RefuseSheet { id, field, told } => self.refuse(&id, field.as_deref(), told),
                Wish::Go(id, errand) => {
                    if let Some(at) = self.place_of(id) {
                        match errand {
                            None => self.show(at, orders),
                            Some(errand) => {
                                self.point();
                                self.at = at;
                                let more = self.panels[at].errand(&self.world, errand);
                                self.grant(more, orders);
                            }
                        }
                    }
                }
                Wish::Lead { from, to, errand } => {
                    if self.modals.is_empty() && self.panels[self.at].id() == from {
                        self.grant(vec![Wish::Go(to, errand)], orders);
                    }
                }
                Wish::Act(id, action) => {
                    if let Some(at) = self.place_of(id) {
                        let more = self.panels[at].act(&self.world, action);
                        self.grant(more, orders);
                    }
                }
                Wish::Tell(id, errand) => {
                    if let Some(at) = self.place_of(id) {
                        let more = self.panels[at].errand(&self.world, errand);
                        self.grant(more, orders);
                    }
                }
                Wish::Say(text) => self.say(text),
                Wish::Fail(text) => self.fail(text),
                Wish::Past(text) => self.notes.past(&text),
                Wish::Edit(edit) => self.edit(&edit),
                Wish::EditAtOnce(edit) => self.edit_at_once(&edit, orders),
                Wish::Made { panel, key, part } => {
                    let panel = self.panels.iter_mut().find(|one| one.id() == panel);
                    if let Some(panel) = panel {
                        panel.made(&key, part.as_deref());
                    }
                }
                Wish::OpenEditor => self.open_editor(orders),
                Wish::OpenCopy => self.open_copy(orders),
                Wish::DropCopy => self.drop_copy(),
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
                Wish::TakeBack { at, words } => self.take_back(at, &words),
                Wish::Filter(filter) => self.world.board.stream.set_filter(filter),
                Wish::Mark(number) => self.world.board.stream.mark(number),
                Wish::Prepend(rows) => {
                    self.world.board.stream.prepend(rows);
                }
                Wish::Newest => self.world.board.stream.follow(),
                Wish::TakeDraft(draft) => {
                    self.world.draft = Some(*draft);
                    self.conflict = false;
                    self.say(
                        "the changes here stand on top of the file as it is now; Ctrl-S updates"
                            .to_owned(),
                    );
                }
                Wish::Leave => orders.push(Order::Do(Deed::Quit)),
                Wish::AskToDrop => self.ask_to_drop(),
                Wish::DropDraft => {
                    self.world.draft = None;
                    let name = self.world.file_name();
                    let words = if std::mem::take(&mut self.conflict) {
                        format!("given up here; {name} stays as somebody else left it")
                    } else {
                        format!("changes discarded; {name} is as it was")
                    };
                    self.say(words);
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
            Answer::Counts {
                last,
                counts,
                quarantines,
            } => {
                self.righted(Concern::Journal);
                self.world.board.counted(last, counts);
                self.world.board.quarantines.read(last, quarantines);
                self.count_ended(orders);
            }
            Answer::Since(news) => {
                self.righted(Concern::Journal);
                if let Some(seq) = self.world.board.catch_up(news) {
                    orders.push(Order::Ask(Query::Since { seq }));
                }
            }
            Answer::Unread(query, told) => {
                match query {
                    Query::Since { .. } => self.world.board.skip_hole(),
                    Query::Counts => self.count_ended(orders),
                    _ => {}
                }
                // It is tried again and again, and told once.
                if !self.notes.has_failed(&told) {
                    self.fail_of(Concern::Journal, told);
                }
            }
            Answer::Mocks(mocks, faults) => {
                self.world.board.mocks_run(&mocks);
                self.world.mocks = mocks;
                self.world.faults = faults;
            }
            Answer::Done(Ok(text)) | Answer::Compared(Ok(text)) => self.say(text),
            Answer::Done(Err(text)) | Answer::Compared(Err(text)) => self.fail(text),
            Answer::PutBack(Err(text)) => self.fail_of(Concern::Mock, text),
            Answer::PutBack(Ok(put_back)) => {
                self.righted(Concern::Mock);
                self.say(put_back.told());
            }
            Answer::Edited(edited) => self.edited(edited, orders),
            Answer::Reviewed(review) => self.reviewed(review, orders),
            Answer::Saved(Ok(loaded)) => {
                self.saved(*loaded, None);
                if self.leaving && !self.is_dirty() {
                    orders.push(Order::Do(Deed::Quit));
                }
            }
            Answer::Untaken {
                loaded,
                why,
                is_ours: true,
            } => {
                // It is not left before that was seen.
                self.stay();
                self.saved(*loaded, Some(&why));
            }
            Answer::Untaken {
                loaded,
                why,
                is_ours: false,
            } => {
                // It can be used; and what was told of an engine that works by it was the file before.
                self.righted(Concern::File);
                self.notes.untell(Some(Concern::File));
                self.world.running = std::sync::Arc::new(loaded.configuration);
                let (name, mine) = (self.world.file_name(), self.kept_here());
                self.fail_of(
                    Concern::Taken,
                    format!(
                        "{name} was changed by somebody else; no engine works by it yet{mine}\n{why}"
                    ),
                );
            }
            Answer::Reloaded(Ok(loaded)) => {
                self.righted(Concern::File);
                self.righted(Concern::Taken);
                self.world.running = std::sync::Arc::new(loaded.configuration);
                let (name, mine) = (self.world.file_name(), self.kept_here());
                let now = if mine.is_empty() {
                    "the engine works by it now"
                } else {
                    "in use now"
                };
                self.tell_of(
                    Concern::File,
                    format!("{name} was changed by somebody else; {now}{mine}"),
                );
            }
            Answer::Reloaded(Err(text)) => {
                let name = self.world.file_name();
                self.fail_of(
                    Concern::File,
                    format!("{name} was changed and cannot be used; the engine goes on as before\n{text}"),
                );
            }
            // That it runs is told by how the workbench stands to it.
            Answer::RunsHere(Ok(loaded)) => {
                for concern in [
                    Concern::Engine,
                    Concern::Seat,
                    Concern::Taken,
                    Concern::File,
                ] {
                    self.righted(concern);
                }
                self.world.running = std::sync::Arc::new(loaded.configuration);
            }
            Answer::RunsHere(Err(text)) => {
                self.starting = false;
                self.notes.past(STARTING);
                self.fail_of(Concern::Engine, format!("no engine runs here\n{text}"));
            }
            Answer::Work(work) => self.work(work),
            Answer::Saved(Err(text)) => {
                self.stay();
                self.not_saved(text, orders);
            }
            // These belong to the panels, which have heard them.
            Answer::Older { .. }
            | Answer::Trace(..)
            | Answer::Operations { .. }
            | Answer::Safeguards(_)
            | Answer::Found { .. }
            | Answer::Who(..)
            | Answer::Offer(_)
            | Answer::Importing
            | Answer::NotImported(_)
            | Answer::Outcome(..)
            | Answer::Links(..)
            | Answer::Objects(..)
            | Answer::Log(_)
            | Answer::Planned(_)
            | Answer::Submitted(_)
            | Answer::Steered(_) => {}
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
