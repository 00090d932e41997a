//! The draft on the screen: edited, reviewed, saved, given up, and met by a file that changed.

use std::sync::Arc;
use std::time::Duration;

use config::Loaded;
use config::edit::Document;

use super::{Order, Screen, told};
use crate::draft::{Draft, Edit, Merged, Review};
use crate::editor::{self, Edited, Job};
use crate::modal::{Modal, Question, Reading};
use crate::paint::{Line, Span};
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
        let is_made = self.change(edit);
        let draft = self.world.draft.as_ref();
        let is_sound = draft.is_some_and(|draft| draft.is_changed() && draft.errors.is_empty());
        if is_made && is_sound {
            self.at_once = Some(edit.words.clone());
            orders.push(Order::Do(Deed::Save));
        }
    }

    /// Makes a change in the draft, and tells whether that was possible.
    fn change(&mut self, edit: &Edit) -> bool {
        let opened = match self.world.draft.take() {
            Some(draft) => Ok(draft),
            None => Draft::open(&self.world.file, &self.world.catalogue, &self.world.running),
        };
        let result = opened.and_then(|mut draft| {
            let result = draft.make(edit);
            self.world.draft = Some(draft);
            result
        });
        if let Err(error) = &result {
            self.fail(told(error));
        }
        result.is_ok()
    }

    /// The draft was written. What was changed while that was under way goes on top of it.
    pub(super) fn saved(&mut self, loaded: Loaded) {
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
            Ok(rest) => self.world.draft = rest.flatten(),
            Err(error) => self.fail(told(&error)),
        }
        let time = self.world.time(self.world.now);
        let name = self.world.file_name();
        let words = match self.at_once.take() {
            Some(words) => format!("{words}: saved {time}, the engine works by it"),
            None => format!("Updated {time}: the engine works by {name}"),
        };
        self.say(words);
    }

    /// Says what is wrong with the draft; it cannot be saved like that.
    pub(super) fn draft_is_bad(&mut self) -> bool {
        let Some(draft) = &self.world.draft else {
            self.say("nothing to update: there are no changes".to_owned());
            return true;
        };
        if draft.errors.is_empty() {
            return false;
        }
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
        let answers = vec![("Undo the last", vec![Wish::Undo]), ("Stay", Vec::new())];
        self.modals
            .push(Modal::Reading(Reading::new("Errors", lines, answers)));
        true
    }

    /// Opens the text as it stands in an editor; what could not be taken the last time, as it was left.
    pub(super) fn open_editor(&mut self, orders: &mut Vec<Order>) {
        let file = self.world.file.clone();
        let untaken = self.untaken.clone().filter(|(copy, _)| copy.exists());
        let (copy, given) = match (untaken, &self.world.draft) {
            (Some((copy, given)), _) => (Some(copy), given),
            (None, Some(draft)) => (None, draft.document().text().to_owned()),
            (None, None) => match std::fs::read_to_string(&file) {
                Ok(text) => (None, text),
                Err(error) => {
                    return self.fail(format!("cannot read {}: {error}", file.display()));
                }
            },
        };
        let job = Job { file, given, copy };
        orders.push(Order::Do(Deed::Editor(Box::new(job))));
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
            Err(told) => return self.fail(told),
        };
        self.untaken = None;
        if let Some(told) = trouble {
            let place = copy.display();
            let told = format!(
                "{told}; nothing of it is taken\nThe text is kept in {place}. E on Raw TOML opens it again."
            );
            self.untaken = Some((copy, given));
            return self.fail(told);
        }
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
            format!(", in the place of {meanwhile} change(s) made meanwhile")
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
            ("Edit again", vec![Wish::OpenEditor]),
            ("Later", Vec::new()),
        ];
        let reading = Reading::new("Errors", lines, answers).ready();
        self.modals.push(Modal::Reading(reading));
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.world.draft.as_ref().is_some_and(Draft::is_changed)
    }

    pub(super) fn quit(&mut self, orders: &mut Vec<Order>) {
        if !self.is_dirty() {
            orders.push(Order::Do(Deed::Quit));
            return;
        }
        self.leaving = true;
        let words = self
            .world
            .draft
            .as_ref()
            .and_then(Draft::last_words)
            .unwrap_or_default()
            .to_owned();
        let changes = self.world.draft.as_ref().map_or(0, Draft::changes);
        let question = Question::new(
            "Unsaved changes",
            vec![
                format!(
                    "{changes} change(s) of {} are not saved. The last one:",
                    self.world.file_name()
                ),
                words,
            ],
            None,
            vec![
                ("Update", vec![Wish::Do(Deed::Review)]),
                ("Discard", vec![Wish::DropDraft]),
                ("Stay", Vec::new()),
            ],
        );
        self.modals.push(Modal::Question(question));
    }

    /// Somebody else changed the file: what does not touch the draft is merged, the rest is asked about. The engine
    /// works by the new file as soon as it is right.
    ///
    /// What was said about *Update* is out of date then: it is closed, and worked out anew once the two sides are one.
    /// `updates` says that *Update* was asked for just now.
    pub(super) fn file_changed(&mut self, orders: &mut Vec<Order>, updates: bool) {
        orders.push(Order::Do(Deed::Reload));
        let updates = self.close_outdated() || updates || self.reviews > 0;
        let Some(draft) = self.world.draft.take().filter(Draft::is_changed) else {
            return;
        };
        let merged =
            draft.onto_the_file(&self.world.file, &self.world.catalogue, &self.world.running);
        let name = self.world.file_name();
        match merged {
            Err(error) => {
                self.world.draft = Some(draft);
                self.conflict = true;
                self.fail(format!(
                    "{name} was changed by somebody else, and cannot be used as it is; the changes here are kept\n{}",
                    told(&error)
                ));
            }
            Ok(merged) if merged.is_smooth() => {
                self.say(format!(
                    "{name} was changed by somebody else; the {} change(s) here go on top of that",
                    merged.draft.changes()
                ));
                self.world.draft = Some(merged.draft);
                self.conflict = false;
                if updates {
                    self.grant(vec![Wish::Do(Deed::Review)], orders);
                }
            }
            Ok(merged) => {
                self.world.draft = Some(draft);
                self.conflict = true;
                self.ask_about(merged, updates);
            }
        }
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
                " {name} stays as they left it. All {} change(s) made here are lost:",
                changes.len()
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
            ("Take theirs", vec![Wish::DropDraft]),
            ("Mine on top", on_top),
            ("Decide later", Vec::new()),
        ];
        let title = format!("{name} was changed by somebody else");
        let reading = Reading::new(title, lines, answers).of_file(updates);
        self.modals.push(Modal::Reading(reading));
    }

    /// What *Update* would do was worked out. It is shown unless the draft or its file has changed since; then it is
    /// worked out anew.
    pub(super) fn reviewed(&mut self, review: &Review, orders: &mut Vec<Order>) {
        self.reviews = self.reviews.saturating_sub(1);
        let draft = self.world.draft.as_ref().filter(|draft| draft.is_changed());
        let Some(draft) = draft.filter(|_| !self.conflict) else {
            return;
        };
        if draft.document().stamp() == review.of {
            self.review(review);
        } else if self.reviews == 0 {
            self.grant(vec![Wish::Do(Deed::Review)], orders);
        }
    }

    /// Takes how the long work goes; its end is told, and what went wrong in it can be read.
    pub(super) fn work(&mut self, work: Work) {
        let line = work.line();
        match &work.stage {
            Stage::UnderWay => {}
            Stage::Ended if work.failed == 0 => self.say(line),
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

    /// Shows what Update would write and whom it concerns.
    fn review(&mut self, review: &Review) {
        self.close_outdated();
        let theme = self.world.theme;
        let mut lines: Vec<Line> = Vec::new();
        let title = |text: &str| vec![Span::new(text, theme.title)];
        lines.push(title("Who is affected"));
        if review.affected.is_empty() {
            lines.push(vec![Span::new(
                format!(" nobody of {} users, as they are now", review.users),
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
        answers.push(("Discard", vec![Wish::DropDraft]));
        answers.push(("Stay", Vec::new()));
        let mut reading = Reading::new("Update", lines, answers).of_file(true);
        if review.errors.is_empty() {
            reading = reading.ready();
        }
        self.modals.push(Modal::Reading(reading));
    }
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
