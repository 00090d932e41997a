//! A question before something that cannot be undone, and a few things to choose from.

use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::Said;
use crate::keymap::{Key, Move};
use crate::paint::{Pen, Span, middle, wrap};
use crate::widgets::{Button, Field, Form, List, Pressed, Text};
use crate::wish::Wish;

/// A question before something that cannot be undone.
pub(crate) struct Question {
    pub(crate) title: String,
    pub(crate) body: Vec<String>,
    /// The text that must be typed first.
    pub(crate) typed: Option<String>,
    pub(super) form: Form,
    /// Where the body stands when there is no room for all of it.
    text: Text,
    /// The answers with what each of them wants; the last one is the safe one and has the keys, unless a text is asked for.
    pub(super) answers: Vec<Option<Vec<Wish>>>,
    /// It asks whether what was filled into the form below may be lost.
    pub(super) is_about_form: bool,
    /// It asks whether the program is to be left.
    pub(super) is_about_leaving: bool,
}

impl Question {
    /// Asks. `answers` are a word for the button, its label, and what it wants; the safe one comes last.
    pub(crate) fn new(
        title: impl Into<String>,
        body: Vec<String>,
        typed: Option<String>,
        answers: Vec<(&'static str, Vec<Wish>)>,
    ) -> Self {
        const IDS: [&str; 3] = ["0", "1", "2"];
        let fields = typed
            .as_ref()
            .map(|_| Field::text("typed", "Confirm", ""))
            .into_iter()
            .collect();
        let buttons: Vec<Button> = answers
            .iter()
            .zip(IDS)
            .map(|((label, _), id)| Button::leaves(id, label))
            .collect();
        let safe = buttons.last().map_or("", |button| button.id);
        let mut form = Form::new(fields, buttons);
        // Where a text is asked for, it is typed at once: letters must not reach a button, nor what lies behind.
        if typed.is_none() {
            form.focus_button(safe);
        }
        Self {
            title: title.into(),
            body,
            typed,
            form,
            text: Text::default(),
            answers: answers
                .into_iter()
                .map(|(_, wishes)| Some(wishes))
                .collect(),
            is_about_form: false,
            is_about_leaving: false,
        }
    }

    /// Asks whether what was filled into the form below may be lost.
    pub(crate) fn about_form() -> Self {
        let body = vec!["What was filled in is lost then. Nothing was done with it.".to_owned()];
        let answers = vec![("Discard", vec![Wish::DropForm]), ("Stay", Vec::new())];
        Self {
            is_about_form: true,
            ..Self::new("Discard what was filled in?", body, None, answers)
        }
    }

    /// Asks whether the program is to be left, with what was not saved or not done.
    pub(crate) fn about_leaving(
        title: &str,
        body: Vec<String>,
        answers: Vec<(&'static str, Vec<Wish>)>,
    ) -> Self {
        Self {
            is_about_leaving: true,
            ..Self::new(title, body, None, answers)
        }
    }

    /// Returns the line that says what is to be typed.
    pub(super) fn asked(&self) -> Option<String> {
        let typed = self.typed.as_ref()?;
        Some(format!("Type {} to confirm:", typed.trim()))
    }

    pub(super) fn key(&mut self, key: Key) -> Said {
        if matches!(key.code, KeyCode::PageUp | KeyCode::PageDown)
            && let Some(to) = Move::of(key)
        {
            self.text.go(to, self.body.len());
            return Said::Open;
        }
        match self.form.key(key, Duration::ZERO) {
            Pressed::Button(id) => {
                let at = id.parse::<usize>().unwrap_or(0);
                let is_safe = at + 1 == self.answers.len();
                let confirmed = self
                    .typed
                    .as_ref()
                    .is_none_or(|typed| self.form.value("typed") == typed.trim());
                if !is_safe && !confirmed {
                    if let (Some(field), Some(typed)) = (self.form.field_mut("typed"), &self.typed)
                    {
                        field.error = Some(format!("this is not {}", typed.trim()));
                    }
                    self.form.focus_first();
                    return Said::Open;
                }
                Said::Closed(
                    self.answers
                        .get_mut(at)
                        .and_then(Option::take)
                        .unwrap_or_default(),
                )
            }
            _ => Said::Open,
        }
    }

    pub(super) fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
        let theme = *pen.theme;
        let width = 72.min(area.width);
        // A frame and a blank at each side.
        let inside = width.saturating_sub(4);
        let parts = |text: &str| -> Vec<String> {
            let parts = wrap(text, usize::from(inside)).into_iter();
            parts.map(str::to_owned).collect()
        };
        let body: Vec<String> = self.body.iter().flat_map(|line| parts(line)).collect();
        let asked: Vec<String> = self.asked().map_or_else(Vec::new, |text| parts(&text));
        let rows = |list: &[String]| u16::try_from(list.len()).unwrap_or(20);
        let height = rows(&body)
            .saturating_add(rows(&asked))
            .saturating_add(if self.typed.is_some() { 7 } else { 5 });
        let area = middle(area, width, height);
        // What is to be typed, and where, is never pushed out by what is to be read.
        let needed = rows(&asked) + self.form.height(inside);
        let room = area.height.saturating_sub(2).saturating_sub(needed);
        let note = if rows(&body) > room {
            "PgDn reads on"
        } else {
            ""
        };
        pen.clear(area);
        let inner = pen.frame(area, &self.title, note, true);
        let read = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            height: rows(&body).min(room),
            ..inner
        };
        self.text.draw(pen, read, body.len(), |at| {
            vec![Span::new(body[at].clone(), theme.text)]
        });
        let mut left = Rect {
            y: read.bottom(),
            height: inner.bottom().saturating_sub(read.bottom()),
            ..read
        };
        for line in asked.iter().take(usize::from(left.height)) {
            pen.put(left.x, left.y, left.width, line, theme.text);
            left.y += 1;
            left.height -= 1;
        }
        self.form.draw(pen, left, true, Duration::ZERO);
    }
}

/// A few things to choose from.
pub(crate) struct Menu {
    pub(crate) title: String,
    pub(super) items: Vec<(String, String, Option<Vec<Wish>>)>,
    pub(super) list: List,
}

impl Menu {
    /// Returns the labels, and what each of them means.
    pub(super) fn labels(&self) -> Vec<(String, String)> {
        let items = self.items.iter();
        items
            .map(|(label, told, _)| (label.clone(), told.clone()))
            .collect()
    }

    /// Makes a menu of labels, what each of them means, and what it wants.
    pub(crate) fn new(title: impl Into<String>, items: Vec<(String, String, Vec<Wish>)>) -> Self {
        Self {
            title: title.into(),
            items: items
                .into_iter()
                .map(|(label, told, wishes)| (label, told, Some(wishes)))
                .collect(),
            list: List::default(),
        }
    }

    pub(super) fn key(&mut self, key: Key) -> Said {
        if key.code == KeyCode::Enter {
            let chosen = self.list.selected(self.items.len());
            return Said::Closed(
                chosen
                    .and_then(|at| self.items[at].2.take())
                    .unwrap_or_default(),
            );
        }
        if let Some(to) = Move::of(key) {
            self.list.go(to, self.items.len());
        }
        Said::Open
    }

    pub(super) fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
        let theme = *pen.theme;
        let height = u16::try_from(self.items.len())
            .unwrap_or(u16::MAX)
            .saturating_add(2);
        let area = middle(area, 110, height.max(3));
        pen.clear(area);
        let inner = pen.frame(area, &self.title, "Enter chooses, Esc closes", true);
        self.list
            .draw(pen, inner, self.items.len(), true, |pen, row, at| {
                let (label, told, _) = &self.items[at];
                let used = pen.put(row.x, row.y, row.width, label, theme.text);
                let x = row.x + used.max(26) + 1;
                pen.put(x, row.y, row.right().saturating_sub(x), told, theme.dim);
            });
    }
}
