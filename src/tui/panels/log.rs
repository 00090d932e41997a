//! *Log*: the end of this process's log file. The log never goes to the terminal.

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::keymap::Key;
use crate::paint::{Pen, Span};
use crate::panel::Panel;
use crate::screen::movement;
use crate::widgets::Text;
use crate::wish::{Answer, Query, Wish};
use crate::world::World;

/// The panel.
#[derive(Default)]
pub(crate) struct Log {
    lines: Vec<String>,
    text: Text,
    asked: bool,
    read: bool,
}

impl Panel for Log {
    fn id(&self) -> &'static str {
        "log"
    }

    fn title(&self) -> &'static str {
        "Log"
    }

    fn short(&self) -> &'static str {
        "Log"
    }

    fn draw(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let inner = pen.frame(area, "Log", &format!("{} lines", self.lines.len()), true);
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(1),
            ..inner
        };
        if self.lines.is_empty() {
            pen.paragraph(
                inner,
                "Nothing was logged. `outbound --log-dir DIR` keeps a log, and shows it here.",
                theme.dim,
            );
            return;
        }
        self.text.draw(pen, inner, self.lines.len(), |at| {
            let line = &self.lines[at];
            let style = if line.contains("ERROR") {
                theme.bad
            } else if line.contains("WARN") {
                theme.warn
            } else {
                theme.text
            };
            vec![Span::new(line.clone(), style)]
        });
    }

    fn key(&mut self, _world: &World, key: Key) -> Option<Vec<Wish>> {
        let to = movement(key, false)?;
        self.text.go(to, self.lines.len());
        Some(Vec::new())
    }

    fn actions(&self, _world: &World) -> Vec<Action> {
        vec![
            Action::new("again", Key::of(KeyCode::Enter), "Read again")
                .like("outbound --log-dir DIR"),
        ]
    }

    fn act(&mut self, _world: &World, _id: &str) -> Vec<Wish> {
        self.read = false;
        Vec::new()
    }

    fn wants(&mut self, _world: &World) -> Vec<Query> {
        if self.read || self.asked {
            return Vec::new();
        }
        self.asked = true;
        vec![Query::Log]
    }

    fn answer(&mut self, _world: &World, answer: &Answer) -> Vec<Wish> {
        if let Answer::Log(lines) = answer {
            self.asked = false;
            self.read = true;
            self.lines.clone_from(lines);
            self.text.go(crate::keymap::Move::Last, self.lines.len());
        }
        Vec::new()
    }

    fn status(&self, _world: &World) -> String {
        "the log file's end; Enter reads it again".to_owned()
    }
}
