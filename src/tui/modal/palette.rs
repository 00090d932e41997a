//! The command palette and the help page: every action that is valid now.

use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::Said;
use crate::action::{Action, score};
use crate::keymap::{EVERYWHERE, Key, Move};
use crate::paint::{Line, Pen, Span, middle};
use crate::theme::Theme;
use crate::widgets::{Field, Form, List, Text};

/// Every action that is valid now, found by typing.
pub(crate) struct Palette {
    /// The action, and whether it is the screen's own.
    pub(crate) actions: Vec<(Action, bool)>,
    pub(super) form: Form,
    pub(super) list: List,
}

impl Palette {
    pub(crate) fn new(actions: Vec<(Action, bool)>) -> Self {
        Self {
            actions,
            form: Form::new(vec![Field::text("typed", ":", "")], Vec::new()),
            list: List::default(),
        }
    }

    pub(super) fn found(&self) -> Vec<usize> {
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

    pub(super) fn key(&mut self, key: Key) -> Said {
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

    pub(super) fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
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
    /// What can be done everywhere, by its name.
    everywhere: Vec<Action>,
    pub(super) text: Text,
}

impl Help {
    pub(crate) fn new(title: String, actions: Vec<Action>, everywhere: Vec<Action>) -> Self {
        Self {
            title,
            actions,
            everywhere: everywhere
                .into_iter()
                .filter(|action| action.key.is_none())
                .collect(),
            text: Text::default(),
        }
    }

    pub(super) fn lines(&self, theme: &Theme) -> Vec<Line> {
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
        for action in &self.everywhere {
            lines.push(vec![
                Span::new(format!(" {:<10}", ":"), theme.key),
                Span::new(action.label.clone(), theme.text),
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
