//! The draft on the screen: edited, reviewed, saved, given up, and met by a file that changed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use config::edit::Document;
use config::{Finding, Loaded};

use super::{Concern, Order, Screen, told};
use crate::draft::{Affected, Draft, Edit, Merged, Review};
use crate::editor::{self, Edited, Job};
use crate::modal::{Modal, Question, Reading};
use crate::paint::{Line, Span, cells, counted, shortened};
use crate::theme::Theme;
use crate::wish::{Deed, Wish};
use crate::work::{Stage, Work};
use crate::world::World;

/// How long after the end of long work `Ctrl-C` is taken for one that was meant to stop it.
const JUST_NOW: Duration = Duration::from_secs(3);

impl Screen {
    pub(super) fn edit(&mut self, edit: &Edit) {
        if self.change(edit) {
            self.say(format!(
                "{} (not saved: Ctrl-S updates, u undoes)",
                edit.words
            ));
        }
    }

    /// Makes a change and writes it at once, as the Console does with the toggle of a connector. Beside other unsaved
    /// changes it waits with them: nobody has asked for those to be written.
    pub(super) fn edit_at_once(&mut self, edit: &Edit, orders: &mut Vec<Order>) {
        if self.is_dirty() {
            return self.edit(edit);
        }
        // A draft without changes may be older than the file.
        self.world.draft = None;
        self.conflict = false;
        if !self.change(edit) {
            return;
        }
        let draft = self.world.draft.as_ref();
        let Some(draft) = draft.filter(|draft| draft.is_changed()) else {
            return;
        };
        let words = edit.words.clone();
        if !draft.errors.is_empty() {
            return self.say(format!(
                "{words} (not saved: the file has errors, Ctrl-S shows them)"
            ));
        }
        self.toggled = Some((draft.document().stamp(), words.clone()));
        self.concerned = None;
        self.at_once = Some(words);
        self.at_once_again = false;
        // Whom it concerns is worked out by what holds until then.
        orders.push(Order::Do(Deed::Review));
        orders.push(Order::Do(Deed::Save));
    }

    /// The draft could not be written. A change that is written at once goes on top of what somebody else has left in the
    /// file meanwhile, when the two do not touch; else it is said that it waits.
    pub(super) fn not_saved(&mut self, text: String, orders: &mut Vec<Order>) {
        let Some(words) = self.at_once.take() else {
            return self.fail_of(Concern::File, text);
        };
        let was_again = std::mem::replace(&mut self.at_once_again, true);
        if !was_again && self.goes_on_top() {
            self.at_once = Some(words);
            return orders.push(Order::Do(Deed::Save));
        }
        self.toggled = None;
        if !self.is_dirty() {
            self.world.draft = None;
            return self.say(format!("{words}: the file says so already"));
        }
        self.fail_of(
            Concern::File,
            format!("not saved, Ctrl-S saves it: {words}\n{text}"),
        );
    }

    /// Makes the only change of the draft again on the file as it is now, and tells whether it can be saved like that
    /// without a question.
    fn goes_on_top(&mut self) -> bool {
        let World {
            file,
            catalogue,
            running,
            draft,
            ..
        } = &mut self.world;
        let only = draft.as_mut().filter(|mine| mine.changes() == 1);
        let Some(mine) = only else { return false };
        match mine.onto_the_file(file, catalogue, running) {
            Ok(merged) if merged.is_smooth() && merged.draft.errors.is_empty() => {
                *mine = merged.draft;
                mine.is_changed()
            }
            _ => false,
        }
    }

    /// Makes a change in the draft, and tells whether that was possible.
    fn change(&mut self, edit: &Edit) -> bool {
        let opened = match self.world.draft.take() {
            Some(draft) => Ok(draft),
            None => Draft::open(&self.world.file, &self.world.catalogue, &self.world.running),
        };
        let concern = if opened.is_ok() {
            Concern::Edit
        } else {
            Concern::File
        };
        let result = opened.and_then(|mut draft| {
            let result = draft.make(edit);
            self.world.draft = Some(draft);
            result
        });
        match &result {
            Ok(()) => {
                self.righted(Concern::Edit);
                self.notes.untell(Some(Concern::Edit));
            }
            Err(error) => self.fail_of(concern, told(error)),
        }
        result.is_ok()
    }

    /// The draft was written. What was changed while that was under way goes on top of it. `untaken` says why no engine
    /// works by it: the file stays as it is, and the next engine that is started does.
    pub(super) fn saved(&mut self, loaded: Loaded, untaken: Option<&str>) {
        self.world.running = Arc::new(loaded.configuration);
        let draft = self.world.draft.take();
        let World {
            file,
            catalogue,
            running,
            ..
        } = &self.world;
        let rest = draft.map(|draft| draft.since(&loaded.text, file, catalogue, running));
        match rest.transpose() {
            Ok(rest) => {
                self.righted(Concern::File);
                self.world.draft = rest.flatten();
            }
            Err(error) => self.fail_of(Concern::File, told(&error)),
        }
        let time = self.world.time(self.world.now);
        let name = self.world.file_name();
        let at_once = self.at_once.take();
        let concerned = self.concerned.take();
        if let Some(why) = untaken {
            let what = at_once.unwrap_or_else(|| format!("Updated {time}"));
            let told = format!("{name} is written; no engine has taken it yet ({what})\n{why}");
            return self.fail_of(Concern::Taken, told);
        }
        self.righted(Concern::Taken);
        self.say(match (at_once, concerned) {
            (Some(words), Some(whom)) => saved_for(&whom, &words),
            (Some(words), None) => format!("{words}: saved {time}, the engine works by it"),
            (None, _) => format!("Updated {time}: the engine works by {name}"),
        });
    }

    /// Says what is wrong with the draft; it cannot be saved like that.
    pub(super) fn draft_is_bad(&mut self) -> bool {
        let draft = self.world.draft.as_ref().filter(|draft| draft.is_changed());
        let Some(draft) = draft else {
            self.leaving = false;
            self.say("nothing to update: there are no changes".to_owned());
            return true;
        };
        if draft.errors.is_empty() {
            return false;
        }
        // They are to be mended first, here.
        self.leaving = false;
        self.show_errors(true);
        true
    }

    /// Tells whether the draft cannot be saved as it is.
    pub(super) fn is_faulty(&self) -> bool {
        let draft = self.world.draft.as_ref();
        draft.is_some_and(|draft| draft.is_changed() && !draft.errors.is_empty())
    }

    /// Shows what is wrong with the draft and which change brought it, and offers to take that one back. `updates` says that
    /// *Update* was asked for.
    pub(super) fn show_errors(&mut self, updates: bool) {
        let Some(draft) = &self.world.draft else {
            return;
        };
        let theme = self.world.theme;
        let mut lines = vec![
            vec![Span::new(
                "The changes cannot be saved like this:",
                theme.bad,
            )],
            Line::new(),
        ];
        for finding in &draft.errors {
            lines.extend(
                finding
                    .to_string()
                    .lines()
                    .map(|line| vec![Span::new(line, theme.text)]),
            );
            lines.push(Line::new());
        }
        let last = draft.changes().saturating_sub(1);
        let earlier = draft.faulty().filter(|(at, _)| *at < last);
        let alone = earlier.filter(|(at, _)| draft.without(*at).is_some());
        let undo = if let Some((at, words)) = alone {
            let told = format!("It came with: {words}");
            lines.push(vec![Span::new(told, theme.warn)]);
            lines.push(vec![Span::new(
                "Undo it takes back that one alone; what was changed after it stays.",
                theme.text,
            )]);
            let words = words.to_owned();
            ("Undo it", vec![Wish::TakeBack { at, words }])
        } else {
            let words = draft.last_words().unwrap_or_default();
            let told = format!("Undo the last takes back: {words}");
            lines.push(vec![Span::new(told, theme.warn)]);
            ("Undo the last", vec![Wish::Undo])
        };
        let answers = vec![undo, ("Stay", Vec::new())];
        let reading = Reading::new("Errors", lines, answers).of_file(updates);
        self.modals.push(Modal::Reading(reading));
    }

    /// Says in so many cells what is wrong with changes that are not saved, and which key shows all of it.
    pub(super) fn faulty_line(&self, draft: &Draft, error: &Finding, room: usize) -> String {
        let count = draft.errors.len();
        // Where letters are typed, and in a dialog, `!` is not the key for it.
        let opens_it = self.modals.is_empty() && !self.panels[self.at].takes_text();
        let opens = match (opens_it, count) {
            (false, _) => "",
            (true, 1) => " (! shows it)",
            (true, _) => " (! shows them)",
        };
        let lead = format!("{}{opens}", counted(count, "error"));
        let rest = [
            format!(" · Unsaved ({}) · u undoes", draft.changes()),
            " · u undoes".to_owned(),
        ];
        let fits = |rest: &&String| cells(&lead) + cells(rest) <= room;
        let rest = rest.iter().find(fits).map_or("", String::as_str);
        let words = shortened(
            &error.message,
            room.saturating_sub(cells(&lead) + cells(rest) + 2),
        );
        if words.is_empty() {
            format!("{lead}{rest}")
        } else {
            format!("{lead}: {words}{rest}")
        }
    }

    /// Takes one change of the draft back, unless it is another one by now.
    pub(super) fn take_back(&mut self, at: usize, words: &str) {
        let draft = self.world.draft.as_ref();
        let same = draft.filter(|draft| draft.words().nth(at) == Some(words));
        match same.and_then(|draft| draft.without(at)) {
            Some(rest) => {
                self.world.draft = Some(rest);
                self.say(format!("undone: {words}"));
            }
            None => self.say("nothing is undone: the changes are others by now".to_owned()),
        }
    }

    /// Opens the text as it stands in an editor; what could not be taken the last time, as it was left. Where the text is
    /// another one since then, it is asked first which of the two is meant.
    pub(super) fn open_editor(&mut self, orders: &mut Vec<Order>) {
        let file = self.world.file.clone();
        let present = match &self.world.draft {
            Some(draft) => draft.document().text().to_owned(),
            None => match std::fs::read_to_string(&file) {
                Ok(text) => text,
                Err(error) => {
                    let told = format!("cannot read {}: {error}", file.display());
                    return self.fail_of(Concern::File, told);
                }
            },
        };
        match self.untaken.as_ref().filter(|(copy, _)| copy.exists()) {
            Some((copy, given)) if *given != present => {
                let body = vec![
                    format!(
                        "The text that was edited before and not taken is older than what {} says now. To take it would \
                         undo what was changed since.",
                        self.world.file_name()
                    ),
                    format!("It is kept in {}.", copy.display()),
                ];
                let answers = vec![
                    ("Edit it on", vec![Wish::OpenCopy]),
                    ("Discard it", vec![Wish::DropCopy, Wish::OpenEditor]),
                    ("Cancel", Vec::new()),
                ];
                let question = Question::new("An older text is kept", body, None, answers);
                self.modals.push(Modal::Question(question));
            }
            Some(_) => self.open_copy(orders),
            None => {
                let job = Job {
                    file,
                    given: present,
                    copy: None,
                };
                orders.push(Order::Do(Deed::Editor(Box::new(job))));
            }
        }
    }

    /// Opens what was edited before and not taken, as it was left.
    pub(super) fn open_copy(&mut self, orders: &mut Vec<Order>) {
        let untaken = self.untaken.clone();
        let Some((copy, given)) = untaken.filter(|(copy, _)| copy.exists()) else {
            self.untaken = None;
            return self.open_editor(orders);
        };
        let job = Job {
            file: self.world.file.clone(),
            given,
            copy: Some(copy),
        };
        orders.push(Order::Do(Deed::Editor(Box::new(job))));
    }

    /// Gives up what was edited before and not taken.
    pub(super) fn drop_copy(&mut self) {
        if let Some((copy, _)) = self.untaken.take() {
            let stays = editor::removed(&copy);
            self.say(format!("what was edited by hand is given up{stays}"));
        }
    }

    /// Returns where a text is that was edited by hand and could not be taken.
    pub(crate) fn kept_copy(&self) -> Option<&Path> {
        let (copy, _) = self.untaken.as_ref()?;
        copy.exists().then_some(copy.as_path())
    }

    /// Takes what was made of the text in an editor: it becomes the draft, and is lost in no case.
    pub(super) fn edited(&mut self, edited: Result<Box<Edited>, String>, orders: &mut Vec<Order>) {
        let Edited {
            given,
            text,
            copy,
            trouble,
        } = match edited {
            Ok(edited) => *edited,
            Err(told) => return self.fail_of(Concern::Editor, told),
        };
        self.untaken = None;
        if let Some(told) = trouble {
            let place = copy.display();
            let told = format!(
                "{told}; nothing of it is taken\nThe text is kept in {place}. `:editor` opens it again, and so does E on Raw TOML."
            );
            self.untaken = Some((copy, given));
            return self.fail_of(Concern::Editor, told);
        }
        self.righted(Concern::Editor);
        if text == given {
            let stays = editor::removed(&copy);
            return self.say(format!("nothing was changed in the editor{stays}"));
        }
        let begun = |world: &World| Document::of(&world.file, given.clone(), &world.catalogue);
        let present = self.world.draft.as_ref().map(Draft::document).cloned();
        let mut document = present.clone().unwrap_or_else(|| begun(&self.world));
        let checked = document
            .replace(text.clone())
            .map_err(|error| told(&error))
            .and_then(|()| document.check().map_err(|error| told(&error)));
        if let Err(told) = checked {
            self.untaken = Some((copy, given));
            return self.refuse_text(&told);
        }
        let meanwhile = match (&present, &self.world.draft) {
            (Some(one), Some(draft)) if one.text() != given => draft.changes(),
            _ => 0,
        };
        if present.is_none() {
            let draft = Draft::on(begun(&self.world), &self.world.running);
            self.world.draft = Some(draft);
        }
        let edit = Edit::new(format!("{} edited by hand", self.world.file_name())).whole(text);
        if !self.change(&edit) {
            self.untaken = Some((copy, given));
            return;
        }
        let replaces = if meanwhile > 0 {
            let made = counted(meanwhile, "change");
            format!(", in the place of {made} made meanwhile")
        } else {
            String::new()
        };
        let stays = editor::removed(&copy);
        self.say(format!(
            "{}{replaces} (not saved: Ctrl-S says whom it concerns, u undoes){stays}",
            edit.words
        ));
        // Somebody else may have changed the file while it was being edited.
        let now = std::fs::read_to_string(&self.world.file);
        if present.is_none() && now.is_ok_and(|now| now != given) {
            self.file_changed(orders, false);
        }
    }

    /// Says what is wrong with a text that was written by hand, and where it is kept.
    fn refuse_text(&mut self, told: &str) {
        let theme = self.world.theme;
        let plain = |text: &str| vec![Span::new(text, theme.text)];
        let mut lines = vec![
            vec![Span::new(
                "The text cannot be used like this, and nothing of it is taken:",
                theme.bad,
            )],
            Line::new(),
        ];
        lines.extend(told.lines().map(plain));
        if let Some((copy, _)) = &self.untaken {
            lines.push(Line::new());
            lines.push(plain(&format!("It is kept in {}.", copy.display())));
        }
        let answers = vec![
            ("Edit again", vec![Wish::OpenCopy]),
            ("Discard it", vec![Wish::DropCopy]),
            ("Later", Vec::new()),
        ];
        let reading = Reading::new("Errors", lines, answers).ready();
        self.modals.push(Modal::Reading(reading));
    }

    /// Says that what is changed here is still there although somebody else has changed the file.
    pub(super) fn kept_here(&self) -> String {
        let mine = self.world.draft.as_ref().filter(|draft| draft.is_changed());
        mine.map_or_else(String::new, |draft| {
            let kept = counted(draft.changes(), "change");
            format!("; {kept} kept here")
        })
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.world.draft.as_ref().is_some_and(Draft::is_changed)
    }

    pub(super) fn quit(&mut self, orders: &mut Vec<Order>) {
        let held: Vec<String> = self.panels.iter().filter_map(|one| one.holds()).collect();
        let draft = self.world.draft.as_ref().filter(|draft| draft.is_changed());
        if draft.is_none() && held.is_empty() {
            orders.push(Order::Do(Deed::Quit));
            return;
        }
        let mut body = Vec::new();
        if let Some(draft) = draft {
            let changes = counted(draft.changes(), "change");
            let name = self.world.file_name();
            body.push(format!("Not saved to {name}: {changes}. The last one:"));
            body.push(draft.last_words().unwrap_or_default().to_owned());
        }
        // Whatever the answer, the program is left with it: one question is about all of it.
        body.extend(held.iter().map(|what| {
            format!("{what} is lost when the program is left. Nothing was done with it.")
        }));
        let (title, answers) = if draft.is_some() {
            let answers = vec![
                ("Update", vec![Wish::Do(Deed::Review)]),
                ("Discard", vec![Wish::DropDraft]),
                ("Stay", Vec::new()),
            ];
            ("Unsaved changes", answers)
        } else {
            let answers = vec![("Discard", vec![Wish::Leave]), ("Stay", Vec::new())];
            ("Leave, and lose what was typed?", answers)
        };
        self.leaving = true;
        let question = Question::about_leaving(title, body, answers);
        self.modals.push(Modal::Question(question));
    }

    /// Somebody else changed the file: what does not touch the draft is merged, the rest is asked about. The engine
    /// works by the new file as soon as it is right.
    ///
    /// What was said about *Update* is out of date then: it is closed, and worked out anew once the two sides are one.
    /// `updates` says that *Update* was asked for just now.
    pub(super) fn file_changed(&mut self, orders: &mut Vec<Order>, updates: bool) {
        orders.push(Order::Do(Deed::Reload));
        let is_by_key = updates;
        let updates = self.close_outdated() || updates || self.asked.is_some();
        let Some(draft) = self.world.draft.take().filter(Draft::is_changed) else {
            self.conflict = false;
            return;
        };
        let merged =
            draft.onto_the_file(&self.world.file, &self.world.catalogue, &self.world.running);
        let name = self.world.file_name();
        match merged {
            Err(error) => {
                self.world.draft = Some(draft);
                self.conflict = true;
                self.drop_review(orders);
                self.stay();
                let told = told(&error);
                self.fail_of(
                    Concern::File,
                    format!(
                        "{name} was changed by somebody else, and cannot be used as it is; the changes here are kept\n{told}"
                    ),
                );
            }
            Ok(merged) if merged.is_smooth() => {
                self.righted(Concern::File);
                let mine = counted(merged.draft.changes(), "change");
                self.tell_of(
                    Concern::File,
                    format!("{name} was changed by somebody else; yours on top of that ({mine})"),
                );
                self.world.draft = Some(merged.draft);
                self.conflict = false;
                if is_by_key {
                    self.ask_review(orders);
                } else if updates {
                    self.ask_again(orders);
                }
            }
            Ok(merged) => {
                self.world.draft = Some(draft);
                self.conflict = true;
                self.drop_review(orders);
                let is_typing = self.panels[self.at].takes_text();
                if is_by_key || (self.modals.is_empty() && !is_typing) {
                    self.ask_about(merged, updates);
                } else {
                    // Keys that are meant for what lies open answer nothing. Whoever is at that does not leave just now.
                    self.stay();
                    self.tell(self.conflict_line());
                }
            }
        }
    }

    /// Says that somebody else has changed what is changed here, and how to decide about that.
    pub(super) fn conflict_line(&self) -> String {
        let name = self.world.file_name();
        format!("Conflict: somebody else changed {name}, too (after this, Ctrl-S asks)")
    }

    /// Asks whether the draft may be given up: neither undo nor the file brings it back.
    pub(super) fn ask_to_drop(&mut self) {
        let draft = self.world.draft.as_ref().filter(|draft| draft.is_changed());
        let Some(draft) = draft else {
            return self.say("nothing to discard: there are no changes".to_owned());
        };
        let name = self.world.file_name();
        let stays = if self.conflict {
            "stays as somebody else left it"
        } else {
            "stays as it is"
        };
        let body = vec![
            format!(
                "They are lost then, and undo does not bring them back; {name} {stays}. The last one:"
            ),
            draft.last_words().unwrap_or_default().to_owned(),
        ];
        let title = format!("Discard {}?", counted(draft.changes(), "change"));
        let answers = vec![("Discard", vec![Wish::DropDraft]), ("Stay", Vec::new())];
        let question = Question::new(title, body, None, answers);
        self.modals.push(Modal::Question(question));
    }

    /// Closes what speaks of the file as it was, and tells whether *Update* was asked for in any of it.
    fn close_outdated(&mut self) -> bool {
        let mut updates = false;
        self.modals.retain(|modal| {
            let outdated = modal.of_file();
            updates |= outdated == Some(true);
            outdated.is_none()
        });
        updates
    }

    /// Asks what is to become of changes that somebody else has made as well, and says what each answer keeps and loses.
    fn ask_about(&mut self, merged: Merged, updates: bool) {
        let theme = self.world.theme;
        let plain = |text: &str| vec![Span::new(text.to_owned(), theme.text)];
        let titled = |text: &str| vec![Span::new(text.to_owned(), theme.title)];
        let listed = |text: &str| vec![Span::new(format!("   {text}"), theme.warn)];
        let name = self.world.file_name();
        let draft = self.world.draft.as_ref();
        let changes: Vec<&str> = draft.into_iter().flat_map(Draft::words).collect();
        let mut lines = vec![
            plain(
                "Somebody else changed what is changed here, too. Nothing is overwritten before you say so.",
            ),
            Line::new(),
            titled("Take theirs"),
            plain(&format!(
                " {name} stays as they left it. What was changed here is lost ({}):",
                counted(changes.len(), "change")
            )),
        ];
        lines.extend(changes.iter().map(|words| listed(words)));
        lines.push(titled("Mine on top"));
        lines.push(plain(
            " What they changed stays, and so does what is changed here, on top of it. Nothing is written before Update.",
        ));
        if !merged.overwrites.is_empty() {
            lines.push(plain(" Of theirs this is overwritten then:"));
            lines.extend(merged.overwrites.iter().map(|told| listed(told)));
        }
        if !merged.lost.is_empty() {
            lines.push(plain(" Of the changes here this is lost:"));
            lines.extend(merged.lost.iter().map(|told| listed(told)));
        }
        lines.push(titled("Decide later"));
        lines.push(plain(&format!(
            " Nothing is lost: {name} stays as they left it, and the changes here stay unsaved. Update asks again.",
        )));
        let mine = self
            .world
            .draft
            .as_ref()
            .map_or_else(String::new, |draft| draft.document().diff());
        for (title, diff) in [
            ("What they changed", merged.theirs),
            ("What is changed here", mine),
        ] {
            lines.push(Line::new());
            lines.push(vec![Span::new(title, theme.title)]);
            lines.extend(diff_lines(&diff, &theme));
        }
        let mut on_top = vec![Wish::TakeDraft(Box::new(merged.draft))];
        if updates {
            on_top.push(Wish::Do(Deed::Review));
        }
        let answers = vec![
            ("Take theirs", vec![Wish::AskToDrop]),
            ("Mine on top", on_top),
            ("Decide later", Vec::new()),
        ];
        let title = format!("{name} was changed by somebody else");
        let reading = Reading::new(title, lines, answers).of_file(updates);
        self.modals.push(Modal::Reading(reading));
    }

    /// Says whom a change concerns that is written at once, when it concerns somebody; until it is written that waits.
    pub(super) fn tell_whom(&mut self, words: &str, review: &Review) {
        let parts: Vec<String> = review
            .affected
            .values()
            .flat_map(Affected::groups)
            .filter(|(_, _, names)| !names.is_empty())
            .map(|(_, what, names)| format!("{} {what}", names.len()))
            .collect();
        if parts.is_empty() {
            return;
        }
        let whom = parts.join("; ");
        if self.at_once.is_some() {
            self.concerned = Some(whom);
        } else {
            self.say(saved_for(&whom, words));
        }
    }

    /// Takes how the long work goes; its end is told, and what went wrong in it can be read.
    pub(super) fn work(&mut self, work: Work) {
        let line = work.line();
        match &work.stage {
            Stage::UnderWay => {}
            Stage::Ended if work.failed == 0 => self.tell(line),
            Stage::Ended | Stage::Stopped | Stage::Broken(_) => self.fail(line),
        }
        if !work.is_under_way() {
            self.work_ended = Some(self.world.passed);
        }
        let shows = !work.is_under_way() && !work.wrong.is_empty();
        self.world.work = Some(work);
        if shows {
            self.work_report();
        }
    }

    /// Says that long work has ended, to somebody who has just pressed the key that would have stopped it; `false` when it
    /// ended a while ago, or there was none.
    pub(super) fn tell_ended(&mut self) -> bool {
        let work = self.world.work.as_ref().filter(|work| !work.is_under_way());
        let just_now = |ended: Duration| self.world.passed.saturating_sub(ended) < JUST_NOW;
        let Some(work) = work.filter(|_| self.work_ended.is_some_and(just_now)) else {
            return false;
        };
        let told = format!("there is nothing to stop any more: {}", work.line());
        self.say(told);
        true
    }

    /// Shows what went wrong in the last long work, row by row.
    pub(super) fn work_report(&mut self) {
        let theme = self.world.theme;
        let Some(work) = &self.world.work else {
            return;
        };
        let mut lines = vec![vec![Span::new(work.line(), theme.title)], Line::new()];
        let report = work.report().into_iter();
        lines.extend(report.map(|line| vec![Span::new(line, theme.text)]));
        self.modals
            .push(Modal::Reading(Reading::new("Report", lines, Vec::new())));
    }

    /// Tells whether an import or a bulk trigger is under way.
    pub(super) fn is_working(&self) -> bool {
        self.world.work.as_ref().is_some_and(Work::is_under_way)
    }

    /// Shows what Update would write and whom it concerns. `is_at_once` says that it answers the key that was pressed last:
    /// then *Update* has the keys, and else the answer that does nothing.
    pub(super) fn review(&mut self, review: &Review, is_at_once: bool) {
        self.close_outdated();
        let theme = self.world.theme;
        let mut lines: Vec<Line> = Vec::new();
        let title = |text: &str| vec![Span::new(text, theme.title)];
        lines.push(title("Who is affected"));
        if review.affected.is_empty() {
            lines.push(vec![Span::new(
                format!(
                    " nobody of {}, as they are now",
                    counted(review.users, "user")
                ),
                theme.text,
            )]);
        }
        for (target, who) in &review.affected {
            lines.push(vec![Span::new(format!(" {target}"), theme.name)]);
            for (sign, what, names) in who.groups() {
                if !names.is_empty() {
                    let style = match sign {
                        "+" => theme.good,
                        "-" => theme.bad,
                        "~" | "!" => theme.warn,
                        _ => theme.text,
                    };
                    let some: Vec<&str> = names.iter().take(8).map(String::as_str).collect();
                    let more = if names.len() > 8 { " …" } else { "" };
                    lines.push(vec![
                        Span::new(format!("   {sign}{} {what}: ", names.len()), style),
                        Span::new(format!("{}{more}", some.join(", ")), theme.text),
                    ]);
                }
            }
        }
        for (head, list, style) in [
            ("Errors", &review.errors, theme.bad),
            ("Warnings", &review.warnings, theme.warn),
        ] {
            if !list.is_empty() {
                lines.push(Line::new());
                lines.push(title(head));
                for text in list {
                    lines.extend(
                        text.lines()
                            .map(|line| vec![Span::new(format!(" {line}"), style)]),
                    );
                }
            }
        }
        if review.older > 0 {
            if review.warnings.is_empty() {
                lines.push(Line::new());
                lines.push(title("Warnings"));
            }
            let older = counted(review.older, "older warning");
            let told = format!(" {older}, which these changes do not bring: outbound check");
            lines.push(vec![Span::new(told, theme.dim)]);
        }
        lines.push(Line::new());
        lines.push(title(&format!(
            "What Update writes to {}",
            self.world.file_name()
        )));
        lines.extend(diff_lines(&review.diff, &theme));
        let mut answers = Vec::new();
        if review.errors.is_empty() {
            answers.push(("Update", vec![Wish::Do(Deed::Save)]));
        }
        answers.push(("Discard", vec![Wish::AskToDrop]));
        answers.push(("Stay", Vec::new()));
        let mut reading = Reading::new("Update", lines, answers).of_file(true);
        if is_at_once && review.errors.is_empty() {
            reading = reading.ready();
        }
        self.modals.push(Modal::Reading(reading));
    }
}

/// Says whom a change concerns that is saved. What it was stands last: whoever made it knows.
fn saved_for(whom: &str, words: &str) -> String {
    format!("saved: {whom} · {words}")
}

/// Colours a diff.
fn diff_lines(diff: &str, theme: &Theme) -> Vec<Line> {
    diff.lines()
        .map(|line| {
            let style = match line.chars().next() {
                Some('+') => theme.good,
                Some('-') => theme.bad,
                Some('@') => theme.dim,
                _ => theme.text,
            };
            vec![Span::new(line, style)]
        })
        .collect()
}
