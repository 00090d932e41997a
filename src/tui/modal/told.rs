//! What an overlay says and asks, for the mode without a screen.

use std::time::Duration;

use crossterm::event::KeyCode;

use super::{Modal, Said};
use crate::keymap::Key;
use crate::paint::Line;
use crate::widgets::Form;

impl Modal {
    pub(crate) fn title(&self) -> &str {
        match self {
            Self::Palette(_) => "Command",
            Self::Help(help) => help.title,
            Self::Question(question) => &question.title,
            Self::Menu(menu) => &menu.title,
            Self::Sheet(sheet) => &sheet.title,
            Self::Reading(reading) => &reading.title,
        }
    }

    /// Returns what is to be read before anything is asked.
    pub(crate) fn told(&self) -> Vec<String> {
        let plain = |lines: &[Line]| -> Vec<String> {
            let text = |line: &Line| line.iter().map(|span| span.text.as_str()).collect();
            lines.iter().map(text).collect()
        };
        match self {
            Self::Palette(_) | Self::Menu(_) => Vec::new(),
            Self::Help(help) => plain(&help.lines(&crate::theme::Theme::plain())),
            Self::Question(question) => {
                let body = question.body.iter().cloned();
                body.chain(question.asked()).collect()
            }
            Self::Reading(reading) => plain(&reading.lines),
            Self::Sheet(sheet) => {
                let note = (!sheet.note.is_empty()).then(|| sheet.note.clone());
                note.into_iter().chain(sheet.says.clone()).collect()
            }
        }
    }

    /// Returns what can be chosen: labels and what each of them means.
    pub(crate) fn items(&self) -> Vec<(String, String)> {
        match self {
            Self::Menu(menu) => menu.labels(),
            Self::Palette(palette) => {
                let labels = palette.actions.iter();
                labels
                    .map(|(action, _)| (action.label.clone(), String::new()))
                    .collect()
            }
            Self::Help(_) | Self::Question(_) | Self::Sheet(_) | Self::Reading(_) => Vec::new(),
        }
    }

    /// Chooses one of the items.
    pub(crate) fn choose(&mut self, at: usize, now: Duration) -> Said {
        match self {
            Self::Menu(menu) => menu.list.at = at,
            Self::Palette(palette) => palette.list.at = at,
            Self::Help(_) | Self::Question(_) | Self::Sheet(_) | Self::Reading(_) => {}
        }
        self.key(Key::of(KeyCode::Enter), now)
    }

    /// Returns the form that is to be filled in or answered.
    pub(crate) fn form(&self) -> Option<&Form> {
        match self {
            Self::Question(question) => Some(&question.form),
            Self::Sheet(sheet) => Some(&sheet.form),
            Self::Reading(reading) => Some(&reading.form),
            Self::Palette(_) | Self::Help(_) | Self::Menu(_) => None,
        }
    }

    pub(crate) fn form_mut(&mut self) -> Option<&mut Form> {
        match self {
            Self::Question(question) => Some(&mut question.form),
            Self::Sheet(sheet) => Some(&mut sheet.form),
            Self::Reading(reading) => Some(&mut reading.form),
            Self::Palette(_) | Self::Help(_) | Self::Menu(_) => None,
        }
    }

    /// Returns until when a secret may be read in it.
    pub(crate) fn revealed(&self) -> Option<Duration> {
        self.form().and_then(Form::revealed)
    }
}
