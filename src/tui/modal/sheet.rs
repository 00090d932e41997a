//! A form over a panel, and a text to read with its answers.

use std::cell::Cell;
use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::Said;
use crate::keymap::{Key, Move};
use crate::paint::{Line, Pen, middle};
use crate::widgets::{Button, Form, Pressed, Text};
use crate::wish::Wish;

/// A form over a panel.
pub(crate) struct Sheet {
    /// The panel that is told.
    pub(crate) panel: &'static str,
    /// How the panel knows it.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) note: String,
    pub(crate) form: Form,
    /// What it means, below the fields.
    pub(crate) says: Vec<String>,
}

impl Sheet {
    pub(super) fn draw(&self, pen: &mut Pen<'_>, area: Rect, now: Duration) {
        let theme = *pen.theme;
        let area = middle(area, 100, area.height);
        pen.clear(area);
        let inner = pen.frame(area, &self.title, &self.note, true);
        let says = u16::try_from(self.says.len())
            .unwrap_or(0)
            .min(inner.height / 3);
        let room = Rect {
            height: inner.height - says,
            ..inner
        };
        let used = self.form.draw(pen, room, true, now);
        let mut y = inner.y + used + u16::from(used + says < inner.height);
        for line in &self.says {
            let left = Rect {
                x: inner.x + 1,
                y,
                width: inner.width.saturating_sub(2),
                height: inner.bottom().saturating_sub(y),
            };
            y += pen.paragraph(left, line, theme.text).max(1);
        }
    }
}

/// A text, with buttons when something is to be answered.
pub(crate) struct Reading {
    pub(crate) title: String,
    pub(crate) lines: Vec<Line>,
    pub(super) text: Text,
    pub(super) form: Form,
    pub(super) answers: Vec<Option<Vec<Wish>>>,
    /// Blank rows need not be shown; set while drawing.
    pub(super) seen: Cell<bool>,
}

impl Reading {
    pub(crate) fn new(
        title: impl Into<String>,
        lines: Vec<Line>,
        answers: Vec<(&'static str, Vec<Wish>)>,
    ) -> Self {
        const IDS: [&str; 3] = ["0", "1", "2"];
        let buttons: Vec<Button> = answers
            .iter()
            .zip(IDS)
            .map(|((label, _), id)| Button::leaves(id, label))
            .collect();
        let safe = buttons.last().map_or("", |button| button.id);
        let mut form = Form::new(Vec::new(), buttons);
        form.focus_button(safe);
        Self {
            title: title.into(),
            lines,
            text: Text::default(),
            form,
            answers: answers
                .into_iter()
                .map(|(_, wishes)| Some(wishes))
                .collect(),
            seen: Cell::new(false),
        }
    }

    /// Gives the keys to the first answer.
    #[must_use]
    pub(crate) fn ready(mut self) -> Self {
        self.form.focus_button("0");
        self
    }

    pub(super) fn key(&mut self, key: Key) -> Said {
        let sideways = matches!(
            key.code,
            KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right | KeyCode::Enter
        );
        if sideways {
            if self.answers.is_empty() {
                return if key.code == KeyCode::Enter {
                    Said::Closed(Vec::new())
                } else {
                    Said::Open
                };
            }
            if let Pressed::Button(id) = self.form.key(key, Duration::ZERO) {
                let at = id.parse::<usize>().unwrap_or(0);
                return Said::Closed(
                    self.answers
                        .get_mut(at)
                        .and_then(Option::take)
                        .unwrap_or_default(),
                );
            }
        } else if let Some(to) = Move::of(key) {
            self.text.go(to, self.lines.len());
        }
        Said::Open
    }

    pub(super) fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
        self.seen.set(true);
        let area = middle(area, 110, area.height);
        pen.clear(area);
        let inner = pen.frame(area, &self.title, "Esc closes", true);
        let buttons = if self.answers.is_empty() {
            0
        } else {
            2.min(inner.height)
        };
        let room = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            height: inner.height - buttons,
            ..inner
        };
        self.text
            .draw(pen, room, self.lines.len(), |at| self.lines[at].clone());
        self.form.draw(
            pen,
            Rect {
                y: room.bottom(),
                height: buttons,
                ..inner
            },
            true,
            Duration::ZERO,
        );
    }
}
