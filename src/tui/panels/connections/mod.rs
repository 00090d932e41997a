//! *Connections*: the list, *New Connection* from templates, and the detail with its tabs.

mod acts;
mod delete;
mod draw;
mod sheets;
mod told;
mod wizard;

use std::cell::RefCell;

use crossterm::event::KeyCode;
use domain::{AttributeMapping, Connection, ConnectorKind, ConnectorSettings};
use ratatui::layout::Rect;

use wizard::Wizard;

use crate::action::{Action, EDITOR};
use crate::draft::Draft;
use crate::keymap::Key;
use crate::paint::{Pen, counted};
use crate::panel::Panel;
use crate::screen::movement;
use crate::widgets::{Form, Picked, Search, Text};
use crate::wish::Wish;
use crate::world::World;

/// The tabs of the detail.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Tab {
    #[default]
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
#[derive(Default)]
pub(crate) struct Connections {
    list: Picked,
    rows: Picked,
    text: Text,
    tab: Tab,
    open: bool,
    search: Search,
    wizard: Option<Wizard>,
    /// What *Raw TOML* shows, as it was read when it was drawn last.
    read: RefCell<Option<told::Read>>,
}

fn path(connection: &Connection) -> String {
    format!("connections[id={}]", connection.id)
}

/// Returns what the list knows connections by.
fn keys<'w>(shown: &[&'w Connection]) -> Vec<&'w str> {
    shown.iter().map(|one| one.id.0.as_str()).collect()
}

/// Returns what the rows of a tab are known by; none where a tab has no rows.
fn row_keys(one: &Connection, tab: Tab) -> Vec<String> {
    match tab {
        Tab::Attributes => one.attributes.iter().map(mapping_key).collect(),
        Tab::Outbound => {
            let connectors = one.connectors.iter();
            connectors.map(|one| one.kind.to_string()).collect()
        }
        Tab::Roles => {
            let roles = one.outbound_roles.iter();
            roles.map(|role| role.as_str().to_owned()).collect()
        }
        Tab::General | Tab::Jit | Tab::Raw => Vec::new(),
    }
}

/// A connection maps a remote attribute once, or once for each connector.
fn mapping_key(mapping: &AttributeMapping) -> String {
    mapping_named(&mapping.remote, mapping.connector.as_ref())
}

fn mapping_named(remote: &str, connector: Option<&ConnectorKind>) -> String {
    match connector {
        Some(connector) => format!("{remote} {connector}"),
        None => remote.to_owned(),
    }
}

impl Connections {
    fn shown<'w>(&self, world: &'w World) -> Vec<&'w Connection> {
        let all = world.config().connections.iter();
        all.filter(|one| self.search.finds(&[&one.name, &one.id.0]))
            .collect()
    }

    fn selected<'w>(&self, world: &'w World) -> Option<&'w Connection> {
        let shown = self.shown(world);
        shown.get(self.list.at(&keys(&shown))?).copied()
    }

    fn connector<'w>(&self, one: &'w Connection) -> Option<&'w ConnectorSettings> {
        let at = self.rows.at(&row_keys(one, Tab::Outbound))?;
        one.connectors.get(at)
    }

    /// Returns the place of the selected mapping.
    fn mapping(&self, one: &Connection) -> Option<usize> {
        self.rows.at(&row_keys(one, Tab::Attributes))
    }

    /// Begins at the top of what is shown now.
    fn rewind(&mut self) {
        self.rows = Picked::default();
        self.text = Text::default();
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
        let area = self.search.draw(pen, area);
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
    }

    fn takes_text(&self) -> bool {
        self.search.is_open()
    }

    fn key(&mut self, world: &World, key: Key) -> Option<Vec<Wish>> {
        if self.search.is_open() {
            let is_taken = self.search.key(key, world.passed);
            // The first of those that are found is selected.
            self.list = Picked::default();
            self.rewind();
            return is_taken.then(Vec::new);
        }
        if let Some(to) = movement(key, false) {
            let one = self.selected(world).filter(|_| self.open);
            let rows = one.map_or_else(Vec::new, |one| row_keys(one, self.tab));
            if !self.open {
                let shown = self.shown(world);
                self.list.go(to, &keys(&shown));
                self.rewind();
            } else if rows.is_empty() {
                self.text.go(to, 1_000);
            } else {
                self.rows.go(to, &rows);
                self.text = Text::default();
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
                self.rewind();
            }
            KeyCode::Tab | KeyCode::BackTab => self.open = !self.open,
            _ => return None,
        }
        Some(Vec::new())
    }

    fn paste(&mut self, _world: &World, text: &str) -> Vec<Wish> {
        self.search.paste(text);
        Vec::new()
    }

    fn actions(&self, world: &World) -> Vec<Action> {
        let Some(one) = self.selected(world) else {
            let mut actions = vec![new_connection()];
            if !self.search.is_empty() {
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
                Action::new("search", Key::letter('/'), "Search by name"),
                Action::new("delete", Key::letter('D'), "Delete")
                    .like(format!("outbound config remove {at}")),
                // What differs from row to row stands last: an arrow changes the end of the key row only.
                Action::new("enable", Key::letter(' '), format!("{word}: {}", one.name))
                    .like(format!("outbound config set {at}.enabled {}", !one.enabled)),
            ];
        }
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
                if self.mapping(one).is_some() {
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
                    let connector = format!("{}/{}", one.id, settings.kind);
                    let place = format!("{at}.connectors[type={}]", settings.kind);
                    actions.push(
                        Action::new("edit", Key::letter('e'), "Edit")
                            .like(format!("outbound config set {place}.KEY VALUE")),
                    );
                    actions.push(
                        Action::new("drop", Key::letter('D'), "Delete")
                            .like(format!("outbound config remove {place}")),
                    );
                    let label = format!("Open: the settings of {connector}");
                    actions.push(Action::new("settings", Key::of(KeyCode::Enter), label));
                    // What differs from row to row stands last.
                    let word = if settings.enabled {
                        "Disable"
                    } else {
                        "Enable"
                    };
                    // Beside other unsaved changes it waits for Update with them.
                    let waits = world.draft.as_ref().is_some_and(Draft::is_changed);
                    let when = if waits { "" } else { " at once" };
                    let label = format!("{word}{when}: {connector}");
                    actions.push(Action::new("toggle", Key::letter(' '), label).like(format!(
                        "outbound config set {place}.enabled {}",
                        !settings.enabled
                    )));
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
            Tab::Raw => actions.push(Action::new("editor", Key::letter('E'), EDITOR)),
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        self.carry_out(world, id)
    }

    fn submitted(&mut self, world: &World, id: &str, form: &Form, button: &str) -> Vec<Wish> {
        self.take_sheet(world, id, form, button)
    }

    fn sheet_changed(&self, world: &World, sheet: &str, form: &mut Form) -> Option<Vec<String>> {
        let (what, of) = sheets::parts(sheet);
        let one = world.config().connection(&of.into());
        let one = one.filter(|_| what == wizard::TYPE)?;
        Some(wizard::type_says(world, one, &form.value("kind")))
    }

    fn made(&mut self, key: &str, part: Option<&str>) {
        self.wizard = None;
        self.search.clear();
        self.list.choose(key);
        self.rewind();
        if let Some(part) = part {
            let (tab, part) = match part.strip_prefix(sheets::MAPPING) {
                Some(mapping) => (Tab::Attributes, mapping),
                None => (Tab::Outbound, part),
            };
            self.tab = tab;
            self.rows.choose(part);
        }
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        let closed = self.search.close() || std::mem::take(&mut self.open) || self.search.clear();
        closed.then(Vec::new)
    }

    fn crumbs(&self, world: &World) -> Vec<String> {
        match self.selected(world).filter(|_| self.open) {
            Some(one) => vec![one.name.clone(), self.tab.title(true).to_owned()],
            None => Vec::new(),
        }
    }

    fn status(&self, world: &World) -> String {
        let all = &world.config().connections;
        let off = all.iter().filter(|one| !one.enabled).count();
        let off = if off > 0 {
            format!(" ({off} disabled)")
        } else {
            String::new()
        };
        // A connector of a disabled connection cannot be used, whatever its own toggle says.
        let usable = all.iter().filter(|one| one.enabled);
        let on = usable
            .flat_map(|one| &one.connectors)
            .filter(|settings| settings.enabled)
            .count();
        format!(
            "{}{off} · {} enabled · no unsaved changes",
            counted(all.len(), "connection"),
            counted(on, "connector")
        )
    }
}

fn new_connection() -> Action {
    Action::new("new", Key::letter('n'), "New Connection")
        .like("outbound config add connections id=ID name=NAME")
}
