//! *Log*: the newest lines that this process logged. They never go to the terminal by themselves.

use ratatui::layout::Rect;

use crate::action::Action;
use crate::keymap::{Key, Move};
use crate::paint::{Pen, Span, counted};
use crate::panel::Panel;
use crate::screen::movement;
use crate::seat::Standing;
use crate::widgets::Text;
use crate::wish::{Answer, Deed, Query, Wish};
use crate::world::World;

/// The panel.
pub(crate) struct Log {
    lines: Vec<String>,
    text: Text,
    asked: bool,
    /// What was logged when the lines were asked for.
    read: Option<u64>,
    /// They have been read; until then nobody knows whether there are any.
    known: bool,
}

impl Default for Log {
    fn default() -> Self {
        let mut text = Text::default();
        // The newest line is shown until somebody goes up.
        text.go(Move::Last, 0);
        Self {
            lines: Vec::new(),
            text,
            asked: false,
            read: None,
            known: false,
        }
    }
}

/// Says why nothing is here, and what to do to see more.
fn nothing(world: &World) -> String {
    let more = "OUTBOUND_LOG=debug logs more; --log-dir DIR keeps the log in files as well.";
    match &world.standing {
        Some(Standing::Attached { process } | Standing::Silent { process, .. }) => format!(
            "Nothing was logged here. The engine of process {process} logs where it was started: this is what the \
             workbench itself has to say. {more}"
        ),
        _ => format!(
            "Nothing was logged since the workbench was opened: attempts that fail, connectors that are left alone and \
             whatever goes wrong stand here as they come. {more}"
        ),
    }
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
        let inner = pen.frame(area, "Log", &counted(self.lines.len(), "line"), true);
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(1),
            ..inner
        };
        if self.lines.is_empty() {
            if self.known {
                pen.paragraph(inner, &nothing(world), theme.dim);
            }
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
        if self.lines.is_empty() {
            return Vec::new();
        }
        vec![Action::new("copy", Key::letter('y'), "Copy all lines")]
    }

    fn act(&mut self, _world: &World, _id: &str) -> Vec<Wish> {
        let text = self.lines.join("\n");
        vec![Wish::Do(Deed::Copy { what: "log", text })]
    }

    fn wants(&mut self, world: &World) -> Vec<Query> {
        if self.asked || self.read == Some(world.logged) {
            return Vec::new();
        }
        self.asked = true;
        self.read = Some(world.logged);
        vec![Query::Log]
    }

    fn answer(&mut self, _world: &World, answer: &Answer) -> Vec<Wish> {
        match answer {
            Answer::Log(lines) => {
                self.asked = false;
                self.known = true;
                self.lines.clone_from(lines);
            }
            Answer::Unread(Query::Log, _) => {
                self.asked = false;
                self.read = None;
            }
            _ => {}
        }
        Vec::new()
    }

    fn status(&self, _world: &World) -> String {
        "the newest lines of this process; --log-dir DIR keeps them in files".to_owned()
    }
}
