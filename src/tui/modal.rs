//! What lies over a panel: palette, help, a question, a menu, a sheet with a form, a text to read.

use std::cell::Cell;
use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use crate::action::{Action, score};
use crate::keymap::{EVERYWHERE, Key, Move};
use crate::paint::{Line, Pen, Span, middle};
use crate::theme::Theme;
use crate::widgets::{Button, Field, Form, List, Pressed, Text};
use crate::wish::Wish;

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
    /// An action was chosen.
    Act(&'static str, bool),
    /// A button of a sheet was pressed.
    Pressed(&'static str),
    /// A value of a sheet changed.
    Changed,
}

/// Every action that is valid now, found by typing.
pub(crate) struct Palette {
    /// The action, and whether it is the screen's own.
    pub(crate) actions: Vec<(Action, bool)>,
    form: Form,
    list: List,
}

impl Palette {
    pub(crate) fn new(actions: Vec<(Action, bool)>) -> Self {
        Self {
            actions,
            form: Form::new(vec![Field::text("typed", ":", "")], Vec::new()),
            list: List::default(),
        }
    }

    fn found(&self) -> Vec<usize> {
        let typed = self.form.value("typed");
        let mut found: Vec<(usize, usize)> = self
            .actions
            .iter()
            .enumerate()
            .filter_map(|(at, (action, _))| Some((score(&action.label, &typed)?, at)))
            .collect();
        found.sort_by_key(|(score, at)| (*score, *at));
        found.into_iter().map(|(_, at)| at).collect()
    }

    fn key(&mut self, key: Key) -> Said {
        let found = self.found();
        match key.code {
            KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => {
                if let Some(to) = Move::of(key) {
                    self.list.go(to, found.len());
                }
            }
            KeyCode::Enter => {
                let chosen = self
                    .list
                    .selected(found.len())
                    .map(|at| &self.actions[found[at]]);
                return chosen.map_or(Said::Open, |(action, own)| Said::Act(action.id, *own));
            }
            _ => {
                self.form.key(key, Duration::ZERO);
                self.list = List::default();
            }
        }
        Said::Open
    }

    fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
        let area = middle(area, 76, 18);
        pen.clear(area);
        let inner = pen.frame(area, "Command", "Esc closes", true);
        if inner.height < 3 {
            return;
        }
        let theme = *pen.theme;
        self.form
            .draw(pen, Rect { height: 1, ..inner }, true, Duration::ZERO);
        let found = self.found();
        let rows = Rect {
            y: inner.y + 1,
            height: inner.height - 2,
            ..inner
        };
        self.list
            .draw(pen, rows, found.len(), true, |pen, row, at| {
                let (action, _) = &self.actions[found[at]];
                let key = action.key.map_or_else(String::new, |key| key.to_string());
                let room = row.width.saturating_sub(12);
                pen.put(row.x, row.y, room, &action.label, theme.text);
                pen.put(row.right().saturating_sub(11), row.y, 10, &key, theme.key);
            });
        let foot = self
            .list
            .selected(found.len())
            .and_then(|at| self.actions[found[at]].0.command.clone())
            .map_or_else(
                || format!("{} of {}", found.len(), self.actions.len()),
                |command| format!("same as: {command}"),
            );
        pen.put(
            inner.x + 1,
            inner.bottom() - 1,
            inner.width.saturating_sub(2),
            &foot,
            theme.dim,
        );
    }
}

/// The keys that are valid now and those that always are.
pub(crate) struct Help {
    pub(crate) title: String,
    pub(crate) actions: Vec<Action>,
    text: Text,
}

impl Help {
    pub(crate) fn new(title: String, actions: Vec<Action>) -> Self {
        Self {
            title,
            actions,
            text: Text::default(),
        }
    }

    fn lines(&self, theme: &Theme) -> Vec<Line> {
        let mut lines = vec![vec![Span::new("Here", theme.title)]];
        for action in &self.actions {
            let key = action
                .key
                .map_or_else(|| ":".to_owned(), |key| key.to_string());
            let mut line = vec![
                Span::new(format!(" {key:<10}"), theme.key),
                Span::new(action.label.clone(), theme.text),
            ];
            if let Some(command) = &action.command {
                line.push(Span::new(format!("   {command}"), theme.dim));
            }
            lines.push(line);
        }
        lines.push(Line::new());
        lines.push(vec![Span::new("Everywhere", theme.title)]);
        for (key, what) in EVERYWHERE {
            lines.push(vec![
                Span::new(format!(" {key:<10}"), theme.key),
                Span::new(*what, theme.text),
            ]);
        }
        if self.title == "Traffic" {
            lines.push(Line::new());
            lines.push(vec![Span::new("Filter words", theme.title)]);
            for (word, what) in crate::filter::WORDS {
                lines.push(vec![
                    Span::new(format!(" {word:<10}"), theme.key),
                    Span::new(*what, theme.text),
                ]);
            }
            let example = " blank = and, | = or, ! = not:  target:corp-scim st>=400 !op:lookup";
            lines.push(vec![Span::new(example, theme.dim)]);
        }
        lines
    }
}

/// A question before something that cannot be undone.
pub(crate) struct Question {
    pub(crate) title: String,
    pub(crate) body: Vec<String>,
    /// The text that must be typed first.
    pub(crate) typed: Option<String>,
    form: Form,
    /// The answers with what each of them wants; the last one is the safe one and has the keys.
    answers: Vec<Option<Vec<Wish>>>,
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
            .map(|typed| Field::text("typed", &format!("Type {typed} to confirm"), ""))
            .into_iter()
            .collect();
        let buttons: Vec<Button> = answers
            .iter()
            .zip(IDS)
            .map(|((label, _), id)| Button::leaves(id, label))
            .collect();
        let safe = buttons.last().map_or("", |button| button.id);
        let mut form = Form::new(fields, buttons);
        form.focus_button(safe);
        Self {
            title: title.into(),
            body,
            typed,
            form,
            answers: answers
                .into_iter()
                .map(|(_, wishes)| Some(wishes))
                .collect(),
        }
    }

    fn key(&mut self, key: Key) -> Said {
        match self.form.key(key, Duration::ZERO) {
            Pressed::Button(id) => {
                let at = id.parse::<usize>().unwrap_or(0);
                let is_safe = at + 1 == self.answers.len();
                let confirmed = self
                    .typed
                    .as_ref()
                    .is_none_or(|typed| self.form.value("typed") == *typed);
                if !is_safe && !confirmed {
                    if let (Some(field), Some(typed)) = (self.form.field_mut("typed"), &self.typed)
                    {
                        field.error = Some(format!("this is not {typed}"));
                    }
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

    fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
        let theme = *pen.theme;
        let width = 72.min(area.width);
        let lines: usize = self
            .body
            .iter()
            .map(|line| crate::paint::wrap(line, usize::from(width.saturating_sub(4))).len())
            .sum();
        let height = u16::try_from(lines)
            .unwrap_or(20)
            .saturating_add(if self.typed.is_some() { 7 } else { 5 });
        let area = middle(area, width, height);
        pen.clear(area);
        let inner = pen.frame(area, &self.title, "", true);
        let room = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        let mut y = room.y;
        for line in &self.body {
            let left = Rect {
                y,
                height: room.bottom().saturating_sub(y),
                ..room
            };
            y += pen.paragraph(left, line, theme.text).max(1);
        }
        let left = Rect {
            y,
            height: room.bottom().saturating_sub(y),
            ..room
        };
        self.form.draw(pen, left, true, Duration::ZERO);
    }
}

/// A few things to choose from.
pub(crate) struct Menu {
    pub(crate) title: String,
    items: Vec<(String, String, Option<Vec<Wish>>)>,
    list: List,
}

impl Menu {
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

    fn key(&mut self, key: Key) -> Said {
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

    fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
        let theme = *pen.theme;
        let height = u16::try_from(self.items.len())
            .unwrap_or(u16::MAX)
            .saturating_add(2);
        let area = middle(area, 72, height.max(3));
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
    fn draw(&self, pen: &mut Pen<'_>, area: Rect, now: Duration) {
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
    text: Text,
    form: Form,
    answers: Vec<Option<Vec<Wish>>>,
    /// Blank rows need not be shown; set while drawing.
    seen: Cell<bool>,
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

    fn key(&mut self, key: Key) -> Said {
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

    fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
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

    /// Takes a key.
    pub(crate) fn key(&mut self, key: Key, now: Duration) -> Said {
        if key.code == KeyCode::Esc || (key == Key::letter('q') && !self.takes_text()) {
            return Said::Closed(Vec::new());
        }
        match self {
            Self::Palette(palette) => palette.key(key),
            Self::Help(help) => {
                if let Some(to) = Move::of(key) {
                    help.text.go(to, help.actions.len() + EVERYWHERE.len());
                }
                Said::Open
            }
            Self::Question(question) => question.key(key),
            Self::Menu(menu) => menu.key(key),
            Self::Reading(reading) => reading.key(key),
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

    /// Returns until when a secret may be read in it.
    pub(crate) fn revealed(&self) -> Option<Duration> {
        match self {
            Self::Sheet(sheet) => sheet.form.revealed(),
            Self::Palette(_)
            | Self::Help(_)
            | Self::Question(_)
            | Self::Menu(_)
            | Self::Reading(_) => None,
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
