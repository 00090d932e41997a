//! The draft on the screen: edited, reviewed, saved, given up, and met by a file that changed.

use super::{Order, Screen, told};
use crate::draft::{Draft, Review};
use crate::modal::{Modal, Question, Reading};
use crate::paint::{Line, Span};
use crate::wish::{Deed, Wish};

impl Screen {
    pub(super) fn edit(&mut self, edit: &crate::draft::Edit) {
        let mut draft = match self.world.draft.take() {
            Some(draft) => draft,
            None => match Draft::open(&self.world.file, &self.world.catalogue, &self.world.running)
            {
                Ok(draft) => draft,
                Err(error) => return self.fail(told(&error)),
            },
        };
        let result = draft.make(edit);
        self.world.draft = Some(draft);
        match result {
            Ok(()) => self.say(format!(
                "{} (not saved: Ctrl-S updates, u undoes)",
                edit.words
            )),
            Err(error) => self.fail(told(&error)),
        }
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

    pub(super) fn is_dirty(&self) -> bool {
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

    pub(super) fn file_changed(&mut self, orders: &mut Vec<Order>) {
        if self.is_dirty() {
            if !self.conflict {
                self.conflict = true;
                let question = Question::new(
                    format!("{} was changed by somebody else", self.world.file_name()),
                    vec![
                        "There are changes here that are not saved. They can be given up, and the new file taken;".to_owned(),
                        "or kept while you look at the file. Nothing is overwritten.".to_owned(),
                    ],
                    None,
                    vec![("Take the file", vec![Wish::DropDraft, Wish::Do(Deed::Save)]), ("Keep mine", Vec::new())],
                );
                self.modals.push(Modal::Question(question));
            }
        } else {
            self.world.draft = None;
            // Saving without a draft reads the file and lets the engine work by it.
            orders.push(Order::Do(Deed::Save));
        }
    }

    /// Shows what Update would write and whom it concerns.
    pub(super) fn review(&mut self, review: &Review) {
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
            for (sign, names, style) in [
                ("+", &who.added, theme.good),
                ("~", &who.changed, theme.warn),
                ("-", &who.removed, theme.bad),
            ] {
                if !names.is_empty() {
                    let some: Vec<&str> = names.iter().take(8).map(String::as_str).collect();
                    let more = if names.len() > 8 { " …" } else { "" };
                    lines.push(vec![
                        Span::new(format!("   {sign}{:<6}", names.len()), style),
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
        for line in review.diff.lines() {
            let style = match line.chars().next() {
                Some('+') => theme.good,
                Some('-') => theme.bad,
                Some('@') => theme.dim,
                _ => theme.text,
            };
            lines.push(vec![Span::new(line, style)]);
        }
        let mut answers = Vec::new();
        if review.errors.is_empty() {
            answers.push(("Update", vec![Wish::Do(Deed::Save)]));
        }
        answers.push(("Discard", vec![Wish::DropDraft]));
        answers.push(("Stay", Vec::new()));
        let mut reading = Reading::new("Update", lines, answers);
        if review.errors.is_empty() {
            reading = reading.ready();
        }
        self.modals.push(Modal::Reading(reading));
    }
}
