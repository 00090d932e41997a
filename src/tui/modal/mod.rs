//! What lies over a panel: palette, help, a question, a menu, a sheet with a form, a text to read.

mod palette;
mod question;
mod sheet;
mod told;

use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use crate::action::Whose;
use crate::keymap::{Key, Move};
use crate::paint::{Pen, middle};
use crate::widgets::Pressed;
use crate::wish::Wish;

pub(crate) use palette::{Help, Palette};
pub(crate) use question::{Menu, Question};
pub(crate) use sheet::{Reading, Sheet};

/// One overlay.
pub(crate) enum Modal {
    Palette(Palette),
    Help(Help),
    Question(Question),
    Menu(Menu),
    Sheet(Sheet),
    Reading(Reading),
}

/// What a key did to an overlay.
pub(crate) enum Said {
    /// It goes on.
    Open,
    /// It was closed, perhaps with wishes.
    Closed(Vec<Wish>),
    /// It was to be closed, and what was filled in would be lost.
    Left,
    /// An action was chosen.
    Act(&'static str, Whose),
    /// A button of a sheet was pressed.
    Pressed(&'static str),
    /// A value of a sheet changed.
    Changed,
}

impl Modal {
    /// Tells whether letters are typed into a field.
    pub(crate) fn takes_text(&self) -> bool {
        match self {
            Self::Palette(_) => true,
            Self::Question(question) => question.form.takes_text(),
            Self::Sheet(sheet) => sheet.form.takes_text(),
            Self::Help(_) | Self::Menu(_) | Self::Reading(_) => false,
        }
    }

    /// Says whether it speaks of the file as it is, and then whether *Update* was asked for.
    pub(crate) fn of_file(&self) -> Option<bool> {
        match self {
            Self::Reading(reading) => reading.of_file,
            Self::Palette(_)
            | Self::Help(_)
            | Self::Question(_)
            | Self::Menu(_)
            | Self::Sheet(_) => None,
        }
    }

    /// Tells whether something was filled in that closing it would lose.
    pub(crate) fn would_lose(&self) -> bool {
        match self {
            Self::Sheet(sheet) => sheet.form.is_filled_in(),
            Self::Reading(reading) => reading.ends_form,
            Self::Palette(_) | Self::Help(_) | Self::Question(_) | Self::Menu(_) => false,
        }
    }

    /// Tells whether it only explains what lies below it.
    pub(crate) fn is_aside(&self) -> bool {
        match self {
            Self::Help(_) => true,
            Self::Reading(reading) => reading.is_help,
            Self::Palette(_) | Self::Question(_) | Self::Menu(_) | Self::Sheet(_) => false,
        }
    }

    /// Tells whether it asks if what was filled into the form below may be lost.
    pub(crate) fn asks_about_form(&self) -> bool {
        matches!(self, Self::Question(question) if question.is_about_form)
    }

    /// Tells whether it asks if the program is to be left.
    pub(crate) fn asks_to_leave(&self) -> bool {
        matches!(self, Self::Question(question) if question.is_about_leaving)
    }

    /// Takes a key.
    pub(crate) fn key(&mut self, key: Key, now: Duration) -> Said {
        if key.code == KeyCode::Esc || (key == Key::letter('q') && !self.takes_text()) {
            return if self.would_lose() {
                Said::Left
            } else {
                Said::Closed(Vec::new())
            };
        }
        match self {
            Self::Palette(palette) => palette.key(key),
            Self::Help(help) => {
                if let Some(to) = Move::of(key) {
                    let lines = help.lines(&crate::theme::Theme::plain()).len();
                    help.text.go(to, lines);
                }
                Said::Open
            }
            Self::Question(question) => question.key(key),
            Self::Menu(menu) => menu.key(key),
            Self::Reading(reading) => reading.key(key),
            // Saving what is open is what its first button does.
            Self::Sheet(sheet) if key == Key::ctrl('s') => {
                sheet.form.put_focus_on_button(0);
                self.key(Key::of(KeyCode::Enter), now)
            }
            Self::Sheet(sheet) => match sheet.form.key(key, now) {
                Pressed::Button("cancel") => Said::Closed(Vec::new()),
                Pressed::Button(id) => Said::Pressed(id),
                Pressed::Changed => Said::Changed,
                Pressed::Nothing | Pressed::Moved => Said::Open,
            },
        }
    }

    pub(crate) fn paste(&mut self, text: &str) {
        match self {
            Self::Palette(palette) => palette.form.paste(text),
            Self::Question(question) => question.form.paste(text),
            Self::Sheet(sheet) => sheet.form.paste(text),
            Self::Help(_) | Self::Menu(_) | Self::Reading(_) => {}
        }
    }

    pub(crate) fn draw(&self, pen: &mut Pen<'_>, area: Rect, now: Duration) {
        match self {
            Self::Palette(palette) => palette.draw(pen, area),
            Self::Help(help) => {
                let lines = help.lines(pen.theme);
                let height = u16::try_from(lines.len())
                    .unwrap_or(u16::MAX)
                    .saturating_add(2);
                let area = middle(area, 100, height);
                pen.clear(area);
                let inner = pen.frame(area, &format!("Help: {}", help.title), "Esc closes", true);
                help.text
                    .draw(pen, inner, lines.len(), |at| lines[at].clone());
            }
            Self::Question(question) => question.draw(pen, area),
            Self::Menu(menu) => menu.draw(pen, area),
            Self::Sheet(sheet) => sheet.draw(pen, area, now),
            Self::Reading(reading) => reading.draw(pen, area),
        }
    }
}
