//! The command palette and the help page: every action that is valid now.

use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::Said;
use crate::action::{Action, GO_TO, Whose, score};
use crate::keymap::{EVERYWHERE, Key, Move};
use crate::paint::{Line, Pen, Span, middle};
use crate::theme::Theme;
use crate::widgets::{Field, Form, List, Text};

/// Every action that is valid now, found by typing.
pub(crate) struct Palette {
    pub(crate) actions: Vec<(Action, Whose)>,
    pub(super) form: Form,
    pub(super) list: List,
}

impl Palette {
    pub(crate) fn new(actions: Vec<(Action, Whose)>) -> Self {
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
                return chosen.map_or(Said::Open, |(action, whose)| Said::Act(action.id, *whose));
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

/// The keys that are valid now and those that always are, and what can be done in the other panels.
pub(crate) struct Help {
    /// The panel's title.
    pub(crate) title: &'static str,
    pub(crate) actions: Vec<Action>,
    /// What can be done everywhere.
    pub(crate) everywhere: Vec<Action>,
    /// What can be done in the other panels, each with its title.
    pub(crate) elsewhere: Vec<(&'static str, Vec<Action>)>,
    pub(crate) text: Text,
}

impl Help {
    pub(super) fn lines(&self, theme: &Theme) -> Vec<Line> {
        let heading = |text: &str| vec![Span::new(text, theme.title)];
        let row = |key: &str, what: &str| {
            vec![
                Span::new(format!(" {key:<10}"), theme.key),
                Span::new(what, theme.text),
            ]
        };
        let action = |action: &Action| {
            let key = action.key.map(|key| key.to_string());
            let mut line = row(key.as_deref().unwrap_or(":"), &action.label);
            if let Some(command) = &action.command {
                line.push(Span::new(format!("   {command}"), theme.dim));
            }
            line
        };
        let mut lines = vec![heading("Here")];
        lines.extend(self.actions.iter().map(action));
        lines.push(Line::new());
        lines.push(heading("Everywhere"));
        lines.extend(EVERYWHERE.iter().map(|(key, what)| row(key, what)));
        // The digits stand for the sections.
        let acts = |action: &&Action| !action.label.starts_with(GO_TO);
        lines.extend(self.everywhere.iter().filter(acts).map(action));
        if self.title == "Traffic" {
            lines.push(Line::new());
            lines.push(heading("Filter words"));
            let words = crate::filter::WORDS.iter();
            lines.extend(words.map(|(word, what)| row(word, what)));
            let rules = [
                " A blank or `and`, `|` or `or`, `!` or `not`, and parentheses; \"and\" in quotes is text.",
                " For example  target:corp-scim st>=400 !op:lookup",
            ];
            lines.extend(rules.map(|rule| vec![Span::new(rule, theme.dim)]));
        }
        for (title, actions) in &self.elsewhere {
            lines.push(Line::new());
            let mut line = heading(title);
            line.push(Span::new("  (: does it from here)", theme.dim));
            lines.push(line);
            lines.extend(actions.iter().map(action));
        }
        lines
    }
}
