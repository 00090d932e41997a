//! The draft on the screen: edited, reviewed, saved, given up, and met by a file that changed.

use super::{Order, Screen, told};
use crate::draft::{Draft, Merged, Review};
use crate::modal::{Modal, Question, Reading};
use crate::paint::{Line, Span};
use crate::theme::Theme;
use crate::wish::{Deed, Wish};
use crate::work::{Stage, Work};

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
    pub(super) fn file_changed(&mut self, orders: &mut Vec<Order>) {
        orders.push(Order::Do(Deed::Reload));
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
            Ok(merged) if merged.clashes.is_empty() => {
                self.say(format!(
                    "{name} was changed by somebody else; the {} change(s) here go on top of that",
                    merged.draft.changes()
                ));
                self.world.draft = Some(merged.draft);
                self.conflict = false;
            }
            Ok(merged) => {
                self.world.draft = Some(draft);
                self.conflict = true;
                self.ask_about(merged);
            }
        }
    }

    /// Asks what is to become of changes that somebody else has made as well.
    fn ask_about(&mut self, merged: Merged) {
        let theme = self.world.theme;
        let plain = |text: &str| vec![Span::new(text.to_owned(), theme.text)];
        let mut lines = vec![
            plain(
                "Somebody else changed what is changed here, too. Nothing is overwritten before you say so.",
            ),
            Line::new(),
        ];
        let clashes = merged.clashes.iter();
        lines.extend(clashes.map(|clash| vec![Span::new(format!(" {clash}"), theme.warn)]));
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
        let answers = vec![
            ("Take theirs", vec![Wish::DropDraft]),
            ("Mine on top", vec![Wish::TakeDraft(Box::new(merged.draft))]),
            ("Decide later", Vec::new()),
        ];
        let title = format!("{} was changed by somebody else", self.world.file_name());
        self.modals
            .push(Modal::Reading(Reading::new(title, lines, answers)));
    }

    /// Takes how the long work goes; its end is told, and what went wrong in it can be read.
    pub(super) fn work(&mut self, work: Work) {
        let line = work.line();
        match &work.stage {
            Stage::UnderWay => {}
            Stage::Ended if work.failed == 0 => self.say(line),
            Stage::Ended | Stage::Stopped | Stage::Broken(_) => self.fail(line),
        }
        let shows = !work.is_under_way() && !work.errors.is_empty();
        self.world.work = Some(work);
        if shows {
            self.work_report();
        }
    }

    /// Shows what went wrong in the last long work, row by row.
    pub(super) fn work_report(&mut self) {
        let theme = self.world.theme;
        let Some(work) = &self.world.work else {
            return;
        };
        let mut lines = vec![vec![Span::new(work.line(), theme.title)], Line::new()];
        lines.extend(
            work.errors
                .iter()
                .map(|error| vec![Span::new(error.clone(), theme.text)]),
        );
        let kept = u64::try_from(work.errors.len()).unwrap_or(u64::MAX);
        if work.failed > kept {
            let more = format!("… and {} more", work.failed - kept);
            lines.push(vec![Span::new(more, theme.dim)]);
        }
        self.modals
            .push(Modal::Reading(Reading::new("Report", lines, Vec::new())));
    }

    /// Tells whether an import or a bulk trigger is under way.
    pub(super) fn is_working(&self) -> bool {
        self.world.work.as_ref().is_some_and(Work::is_under_way)
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
        lines.extend(diff_lines(&review.diff, &theme));
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
