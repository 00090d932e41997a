//! A form over a panel, and a text to read with its answers.

use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::Said;
use crate::keymap::{Key, Move};
use crate::paint::{Line, Pen, cells, middle, parts};
use crate::widgets::{Button, Form, Pressed, Text};
use crate::wish::Wish;

/// A form over a panel.
pub(crate) struct Sheet {
    /// The panel that is told.
    pub(crate) panel: &'static str,
    /// How the panel knows it.
    pub(crate) id: String,
    pub(crate) title: String,
    /// What stands beside the title where there is room; what is before a colon, where there is little.
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
        let (title, note) = heading(&self.title, &self.note, area.width);
        let inner = pen.frame(area, &title, &note, true);
        let width = usize::from(inner.width.saturating_sub(2));
        let wanted: usize = self
            .says
            .iter()
            .map(|line| parts(line, width).take(usize::from(inner.height)).count())
            .sum();
        // The field that has the keys has to be seen; F1 tells all of it.
        let says = u16::try_from(wanted)
            .unwrap_or(u16::MAX)
            .min(inner.height / 3);
        let room = Rect {
            height: inner.height - says,
            ..inner
        };
        let used = self.form.draw(pen, room, true, now);
        let y = inner.y + used + u16::from(used + says < inner.height);
        let left = Rect {
            x: inner.x + 1,
            y,
            width: inner.width.saturating_sub(2),
            height: inner.bottom().saturating_sub(y),
        };
        let text = self.says.join("\n");
        if wanted <= usize::from(left.height) {
            pen.paragraph(left, &text, theme.text);
        } else if left.height > 0 {
            let aside = Rect {
                width: left.width.saturating_sub(TELLS_ALL.0 + 1),
                ..left
            };
            pen.excerpt(aside, &text, theme.text);
            let x = left.right().saturating_sub(TELLS_ALL.0);
            pen.put(x, left.bottom() - 1, TELLS_ALL.0, TELLS_ALL.1, theme.key);
        }
    }
}

/// What stands at the end of what a form says where that is cut, and its cells: the key that tells all of it.
const TELLS_ALL: (u16, &str) = (2, "F1");

/// Fits a title and its note into a frame of a width. Of a note such as `2 of 3: Details` the step is always shown; for
/// it the title loses its middle, since its end says which one it is.
fn heading(title: &str, note: &str, width: u16) -> (String, String) {
    // Corners, and the blanks around both.
    let room = usize::from(width.saturating_sub(9));
    let whole = (title.to_owned(), note.to_owned());
    let Some((step, _)) = note.split_once(':') else {
        return whole;
    };
    if cells(title) + cells(note) <= room {
        return whole;
    }
    let room = room.saturating_sub(cells(step));
    if cells(title) <= room {
        return (title.to_owned(), step.to_owned());
    }
    let (head, tail) = title.rsplit_once(": ").unwrap_or((title, ""));
    let tail = if tail.is_empty() {
        String::new()
    } else {
        format!(": {tail}")
    };
    let head_room = room.saturating_sub(cells(&tail) + 1).max(1);
    let head = parts(head, head_room).next().unwrap_or_default();
    (format!("{head}…{tail}"), step.to_owned())
}

/// A text, with buttons when something is to be answered.
pub(crate) struct Reading {
    pub(crate) title: String,
    /// What stands beside the title, as at a [`Sheet`].
    pub(super) note: String,
    pub(crate) lines: Vec<Line>,
    pub(super) text: Text,
    pub(super) form: Form,
    pub(super) answers: Vec<Option<Vec<Wish>>>,
    /// It is help, which closes when help is asked for again.
    pub(crate) is_help: bool,
    /// It speaks of the file as it is: when somebody changes that, it is out of date. Says whether *Update* was asked for.
    pub(crate) of_file: Option<bool>,
    /// It is the last step of a form, which is lost with it.
    pub(super) ends_form: bool,
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
            note: "Esc closes".to_owned(),
            lines,
            text: Text::default(),
            form,
            answers: answers
                .into_iter()
                .map(|(_, wishes)| Some(wishes))
                .collect(),
            is_help: false,
            of_file: None,
            ends_form: false,
        }
    }

    /// Says that it is the last step of a form, and which: closing it would lose what was filled in, and `Ctrl-S` gives the
    /// first answer.
    #[must_use]
    pub(crate) fn ends_form(mut self, step: &str) -> Self {
        self.ends_form = true;
        step.clone_into(&mut self.note);
        self
    }

    /// Says that it speaks of the file as it is, and whether *Update* was asked for.
    #[must_use]
    pub(crate) fn of_file(mut self, updates: bool) -> Self {
        self.of_file = Some(updates);
        self
    }

    /// Makes help of lines.
    pub(crate) fn help(title: impl Into<String>, lines: Vec<Line>) -> Self {
        Self {
            is_help: true,
            ..Self::new(title, lines, Vec::new())
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
                return self.answered(id.parse::<usize>().unwrap_or(0));
            }
        } else if key == Key::ctrl('s') && self.ends_form {
            return self.answered(0);
        } else if let Some(to) = Move::of(key) {
            self.text.go(to, self.lines.len());
        }
        Said::Open
    }

    fn answered(&mut self, at: usize) -> Said {
        let answer = self.answers.get_mut(at).and_then(Option::take);
        Said::Closed(answer.unwrap_or_default())
    }

    pub(super) fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
        let area = middle(area, 110, area.height);
        pen.clear(area);
        let (title, note) = heading(&self.title, &self.note, area.width);
        let inner = pen.frame(area, &title, &note, true);
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
            .draw(pen, room, self.lines.len(), |at| &self.lines[at]);
        let below = self.text.below();
        if below > 0 && (buttons > 0 || pen.theme.boxes) {
            // In the blank row above the answers, or else in the frame.
            let y = if buttons > 0 {
                room.bottom()
            } else {
                area.bottom() - 1
            };
            let told = format!("↓{below}");
            let wide = u16::try_from(cells(&told)).unwrap_or(u16::MAX);
            let style = pen.theme.dim;
            let x = room.right().saturating_sub(wide);
            pen.put(x, y, wide, &told, style);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_of_a_wizard_is_shown_however_narrow_the_frame() {
        let (title, note) = (
            "Create outbound provisioning connector: Salesforce",
            "2 of 3: Connector Details",
        );
        let shown = |width| heading(title, note, width);
        assert_eq!(shown(100), (title.to_owned(), note.to_owned()));
        assert_eq!(shown(80), (title.to_owned(), "2 of 3".to_owned()));
        assert_eq!(
            shown(40),
            ("Create…: Salesforce".to_owned(), "2 of 3".to_owned())
        );
        let told = "Nothing is written before Update";
        assert_eq!(heading(title, told, 60).0, title, "a mere note may go");
    }
}
