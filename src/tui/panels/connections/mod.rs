//! *Connections*: the list, *New Connection* from templates, and the detail with its tabs.

mod acts;
mod delete;
mod draw;
mod sheets;
mod told;
mod wizard;

use std::time::Duration;

use crossterm::event::KeyCode;
use domain::{Connection, ConnectorSettings};
use ratatui::layout::Rect;

use wizard::Wizard;

use crate::action::Action;
use crate::keymap::Key;
use crate::paint::Pen;
use crate::panel::Panel;
use crate::screen::movement;
use crate::widgets::{Field, Form, List, Text};
use crate::wish::Wish;
use crate::world::World;

/// The tabs of the detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    General,
    Attributes,
    Outbound,
    Roles,
    Jit,
    Raw,
}

impl Tab {
    const ALL: [Self; 6] = [
        Self::General,
        Self::Attributes,
        Self::Outbound,
        Self::Roles,
        Self::Jit,
        Self::Raw,
    ];

    fn title(self, wide: bool) -> &'static str {
        match (self, wide) {
            (Self::General, _) => "General",
            (Self::Attributes, _) => "Attributes",
            (Self::Outbound, true) => "Outbound Provisioning",
            (Self::Outbound, false) => "Outbound",
            (Self::Roles, true) => "Outbound Provisioning Roles",
            (Self::Roles, false) => "Roles",
            (Self::Jit, true) => "Just-in-Time Provisioning",
            (Self::Jit, false) => "JIT",
            (Self::Raw, _) => "Raw TOML",
        }
    }
}

/// The panel.
pub(crate) struct Connections {
    list: List,
    rows: List,
    text: Text,
    tab: Tab,
    open: bool,
    search: Form,
    searching: bool,
    wizard: Option<Wizard>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            list: List::default(),
            rows: List::default(),
            text: Text::default(),
            tab: Tab::General,
            open: false,
            search: Form::new(vec![Field::text("search", "/", "")], Vec::new()),
            searching: false,
            wizard: None,
        }
    }
}

fn path(connection: &Connection) -> String {
    format!("connections[id={}]", connection.id)
}

impl Connections {
    fn shown<'w>(&self, world: &'w World) -> Vec<&'w Connection> {
        let wanted = self.search.value("search").to_lowercase();
        world
            .config()
            .connections
            .iter()
            .filter(|one| {
                wanted.is_empty()
                    || one.name.to_lowercase().contains(&wanted)
                    || one.id.0.contains(&wanted)
            })
            .collect()
    }

    fn selected<'w>(&self, world: &'w World) -> Option<&'w Connection> {
        let shown = self.shown(world);
        shown.get(self.list.selected(shown.len())?).copied()
    }

    fn connector<'w>(&self, one: &'w Connection) -> Option<&'w ConnectorSettings> {
        one.connectors
            .get(self.rows.selected(one.connectors.len())?)
    }

    fn rows_len(&self, world: &World) -> usize {
        self.selected(world).map_or(0, |one| match self.tab {
            Tab::Attributes => one.attributes.len(),
            Tab::Outbound => one.connectors.len(),
            Tab::Roles => one.outbound_roles.len(),
            Tab::General | Tab::Jit | Tab::Raw => 0,
        })
    }
}

impl Panel for Connections {
    fn id(&self) -> &'static str {
        "connections"
    }

    fn title(&self) -> &'static str {
        "Connections"
    }

    fn short(&self) -> &'static str {
        "Conn"
    }

    fn draw(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let (area, bar) = if self.searching && area.height > 3 {
            (
                Rect {
                    height: area.height - 1,
                    ..area
                },
                Some(Rect {
                    y: area.bottom() - 1,
                    height: 1,
                    ..area
                }),
            )
        } else {
            (area, None)
        };
        if area.width >= 140 {
            let half = area.width * 2 / 5;
            self.draw_list(
                world,
                pen,
                Rect {
                    width: half,
                    ..area
                },
            );
            self.draw_detail(
                world,
                pen,
                Rect {
                    x: area.x + half,
                    width: area.width - half,
                    ..area
                },
            );
        } else if self.open {
            self.draw_detail(world, pen, area);
        } else {
            self.draw_list(world, pen, area);
        }
        if let Some(bar) = bar {
            self.search.draw(pen, bar, true, Duration::ZERO);
        }
    }

    fn takes_text(&self) -> bool {
        self.searching
    }

    fn key(&mut self, world: &World, key: Key) -> Option<Vec<Wish>> {
        if self.searching {
            match key.code {
                KeyCode::Enter => self.searching = false,
                KeyCode::Esc => return None,
                _ => {
                    self.search.key(key, world.passed);
                    self.list = List::default();
                }
            }
            return Some(Vec::new());
        }
        if let Some(to) = movement(key, false) {
            if !self.open {
                let len = self.shown(world).len();
                self.list.go(to, len);
                self.rows = List::default();
                self.text = Text::default();
            } else if self.rows_len(world) > 0 {
                self.rows.go(to, self.rows_len(world));
                self.text = Text::default();
            } else {
                self.text.go(to, 1_000);
            }
            return Some(Vec::new());
        }
        match key.code {
            KeyCode::Char(sign @ ('[' | ']')) => {
                let at = Tab::ALL
                    .iter()
                    .position(|tab| *tab == self.tab)
                    .unwrap_or(0);
                let step = if sign == ']' { 1 } else { Tab::ALL.len() - 1 };
                self.tab = Tab::ALL[(at + step) % Tab::ALL.len()];
                self.rows = List::default();
                self.text = Text::default();
            }
            KeyCode::Tab | KeyCode::BackTab => self.open = !self.open,
            _ => return None,
        }
        Some(Vec::new())
    }

    fn paste(&mut self, _world: &World, text: &str) -> Vec<Wish> {
        if self.searching {
            self.search.paste(text);
        }
        Vec::new()
    }

    fn actions(&self, world: &World) -> Vec<Action> {
        let Some(one) = self.selected(world) else {
            let mut actions = vec![new_connection()];
            if !self.search.value("search").is_empty() {
                actions.push(Action::new("search", Key::letter('/'), "Search by name"));
            }
            return actions;
        };
        let at = path(one);
        if !self.open {
            let word = if one.enabled { "Disable" } else { "Enable" };
            return vec![
                Action::new("open", Key::of(KeyCode::Enter), "Open"),
                new_connection(),
                Action::new("enable", Key::letter(' '), format!("{word}: {}", one.name))
                    .like(format!("outbound config set {at}.enabled {}", !one.enabled)),
                Action::new("search", Key::letter('/'), "Search by name"),
                Action::new("delete", Key::letter('D'), "Delete")
                    .like(format!("outbound config remove {at}")),
            ];
        }
        let has_rows = self.rows_len(world) > 0;
        let mut actions = Vec::new();
        match self.tab {
            Tab::General => {
                actions.push(
                    Action::new("edit", Key::letter('e'), "Edit")
                        .like(format!("outbound config set {at}.description TEXT")),
                );
                actions.push(
                    Action::new("delete", Key::letter('D'), "Delete")
                        .like(format!("outbound config remove {at}")),
                );
            }
            Tab::Attributes => {
                actions.push(
                    Action::new("map", Key::letter('n'), "New mapping").like(format!(
                        "outbound config add {at}.attributes remote=NAME local=CLAIM"
                    )),
                );
                if has_rows {
                    actions.push(Action::new("edit", Key::letter('e'), "Edit"));
                    actions.push(Action::new("unmap", Key::letter('D'), "Delete"));
                }
            }
            Tab::Outbound => {
                actions.push(
                    Action::new("connector", Key::letter('n'), "New Connector")
                        .like(format!("outbound config add {at}.connectors type=TYPE")),
                );
                if let Some(settings) = self.connector(one) {
                    let word = if settings.enabled {
                        "Disable"
                    } else {
                        "Enable"
                    };
                    let connector = format!("{}/{}", one.id, settings.kind);
                    let place = format!("{at}.connectors[type={}]", settings.kind);
                    actions.push(
                        Action::new("toggle", Key::letter(' '), format!("{word}: {connector}"))
                            .like(format!(
                                "outbound config set {place}.enabled {}",
                                !settings.enabled
                            )),
                    );
                    actions.push(
                        Action::new("edit", Key::letter('e'), "Edit")
                            .like(format!("outbound config set {place}.KEY VALUE")),
                    );
                    actions.push(
                        Action::new("drop", Key::letter('D'), "Delete")
                            .like(format!("outbound config remove {place}")),
                    );
                    let word = if settings.paused { "Resume" } else { "Pause" };
                    actions.push(
                        Action::named("pause", format!("{word} {connector} in the file")).like(
                            format!("outbound config set {place}.paused {}", !settings.paused),
                        ),
                    );
                }
            }
            Tab::Roles => actions.push(Action::new("edit", Key::letter('e'), "Edit").like(
                format!("outbound config set {at}.outbound_roles '[\"Internal/ROLE\"]'"),
            )),
            Tab::Jit => actions.push(
                Action::new("edit", Key::letter('e'), "Edit")
                    .like(format!("outbound config set {at}.jit.enabled true")),
            ),
            Tab::Raw => {}
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        self.carry_out(world, id)
    }

    fn submitted(&mut self, world: &World, id: &str, form: &Form, button: &str) -> Vec<Wish> {
        self.take_sheet(world, id, form, button)
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        if std::mem::take(&mut self.searching) || std::mem::take(&mut self.open) {
            return Some(Vec::new());
        }
        if !self.search.value("search").is_empty() {
            self.search = Form::new(vec![Field::text("search", "/", "")], Vec::new());
            return Some(Vec::new());
        }
        None
    }

    fn crumbs(&self, world: &World) -> Vec<String> {
        match self.selected(world).filter(|_| self.open) {
            Some(one) => vec![one.name.clone(), self.tab.title(true).to_owned()],
            None => Vec::new(),
        }
    }

    fn status(&self, world: &World) -> String {
        let all = world.config().connections.len();
        let on: usize = world
            .config()
            .connections
            .iter()
            .flat_map(|one| &one.connectors)
            .filter(|settings| settings.enabled)
            .count();
        format!("{all} connections · {on} connectors enabled · no unsaved changes")
    }
}

fn new_connection() -> Action {
    Action::new("new", Key::letter('n'), "New Connection")
        .like("outbound config add connections id=ID name=NAME")
}
