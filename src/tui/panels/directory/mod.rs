//! *Directory*: local users, groups and roles, and what each target has of them.

mod many;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crossterm::event::KeyCode;
use domain::{Group, Link, LocalRef, QualifiedName, RoleName, User};
use engine::DriftView;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::drift;
use crate::keymap::{Key, Move};
use crate::paint::{Column, Line, Pen, Span, counted};
use crate::panel::Panel;
use crate::screen::movement;
use crate::widgets::{Field, Form, List, Text};
use crate::wish::{Answer, Deed, Errand, Query, Wish};
use crate::world::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Users,
    Groups,
    Roles,
}

/// The panel.
pub(crate) struct Directory {
    tab: Tab,
    list: List,
    text: Text,
    users: Vec<User>,
    groups: Vec<Group>,
    roles: Vec<RoleName>,
    count: u64,
    links: BTreeMap<LocalRef, Vec<Link>>,
    drifts: BTreeMap<LocalRef, Vec<DriftView>>,
    /// The board's version that was read.
    version: Option<u64>,
    asked: bool,
    asked_links: Option<LocalRef>,
    search: Form,
    searching: bool,
    open: bool,
    /// Users that a bulk trigger is about.
    marked: BTreeSet<QualifiedName>,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            tab: Tab::Users,
            list: List::default(),
            text: Text::default(),
            users: Vec::new(),
            groups: Vec::new(),
            roles: Vec::new(),
            count: 0,
            links: BTreeMap::new(),
            drifts: BTreeMap::new(),
            version: None,
            asked: false,
            asked_links: None,
            search: Form::new(vec![Field::text("search", "/", "")], Vec::new()),
            searching: false,
            open: false,
            marked: BTreeSet::new(),
        }
    }
}

impl Directory {
    fn names(&self) -> Vec<(usize, String)> {
        let wanted = self.search.value("search").to_lowercase();
        let all: Box<dyn Iterator<Item = String>> = match self.tab {
            Tab::Users => Box::new(self.users.iter().map(|user| user.name.to_string())),
            Tab::Groups => Box::new(self.groups.iter().map(|group| group.name.to_string())),
            Tab::Roles => Box::new(self.roles.iter().map(ToString::to_string)),
        };
        all.enumerate()
            .filter(|(_, name)| wanted.is_empty() || name.to_lowercase().contains(&wanted))
            .collect()
    }

    fn selected(&self) -> Option<(usize, String)> {
        let names = self.names();
        let at = self.list.selected(names.len())?;
        names.into_iter().nth(at)
    }

    fn local(&self) -> Option<LocalRef> {
        let (at, _) = self.selected()?;
        match self.tab {
            Tab::Users => self.users.get(at).map(|user| LocalRef::User(user.id)),
            Tab::Groups => self.groups.get(at).map(|group| LocalRef::Group(group.id)),
            Tab::Roles => None,
        }
    }

    /// Returns what was found to differ of whoever is selected.
    fn drifts_here(&self) -> impl Iterator<Item = &DriftView> {
        let drifts = self.local().and_then(|local| self.drifts.get(&local));
        drifts.into_iter().flatten()
    }

    fn trigger(&self, way: &'static str) -> Vec<Wish> {
        let user = self.selected().map(|(_, name)| name);
        vec![Wish::Go("trigger", Some(Errand::Trigger { way, user }))]
    }

    fn detail(&self, world: &World) -> Vec<Line> {
        let theme = world.theme;
        let mut lines = Vec::new();
        let Some((at, name)) = self.selected() else {
            return lines;
        };
        lines.push(vec![Span::new(name, theme.title)]);
        let pair = |label: &str, value: String| {
            vec![
                Span::new(format!(" {label:<14}"), theme.dim),
                Span::new(value, theme.text),
            ]
        };
        match self.tab {
            Tab::Users => {
                let Some(user) = self.users.get(at) else {
                    return lines;
                };
                lines.push(pair("store", user.name.store.to_string()));
                for (claim, values) in &user.claims {
                    let value = if values.is_empty() {
                        "(empty)".to_owned()
                    } else {
                        values.join(", ")
                    };
                    lines.push(pair(claim.short(), value));
                }
                let list = |names: Vec<String>| {
                    if names.is_empty() {
                        "none".to_owned()
                    } else {
                        names.join(", ")
                    }
                };
                lines.push(pair(
                    "roles",
                    list(user.roles.iter().map(ToString::to_string).collect()),
                ));
                lines.push(pair(
                    "groups",
                    list(user.groups.iter().map(ToString::to_string).collect()),
                ));
                lines.push(pair("id", user.id.to_string()));
            }
            Tab::Groups => {
                let Some(group) = self.groups.get(at) else {
                    return lines;
                };
                let members: Vec<String> = group
                    .members
                    .iter()
                    .map(|id| {
                        let user = self.users.iter().find(|user| user.id == *id);
                        user.map_or_else(|| id.to_string(), |user| user.name.to_string())
                    })
                    .collect();
                lines.push(pair("members", format!("{}", members.len())));
                lines.extend(members.into_iter().map(|name| pair("", name)));
            }
            Tab::Roles => {
                let role = &self.roles[at.min(self.roles.len().saturating_sub(1))];
                let used: Vec<String> = world
                    .config()
                    .connections
                    .iter()
                    .filter(|one| one.outbound_roles.contains(role))
                    .map(|one| one.name.clone())
                    .collect();
                let limits = if used.is_empty() {
                    "no connection".to_owned()
                } else {
                    used.join(", ")
                };
                lines.push(pair("limits", limits));
                let holders = self.users.iter().filter(|user| user.roles.contains(role));
                lines.extend(holders.map(|user| pair("held by", user.name.to_string())));
                return lines;
            }
        }
        lines.push(Line::new());
        lines.push(vec![Span::new("At the targets", theme.title)]);
        let links = self.local().and_then(|local| self.links.get(&local));
        for connection in &world.config().connections {
            for settings in &connection.connectors {
                let connector = domain::ConnectorRef {
                    connection: connection.id.clone(),
                    kind: settings.kind.clone(),
                };
                let link =
                    links.and_then(|links| links.iter().find(|link| link.connector == connector));
                let (text, style) = match link {
                    None => ("no account".to_owned(), theme.dim),
                    Some(link) if link.gone => (format!("{} is gone", link.remote_name), theme.bad),
                    Some(link) if !link.active => (
                        format!("{} ({}) inactive", link.remote_id, link.remote_name),
                        theme.warn,
                    ),
                    Some(link) => (
                        format!("{} ({})", link.remote_id, link.remote_name),
                        theme.good,
                    ),
                };
                lines.push(vec![
                    Span::new(format!(" {:<28} ", connector.to_string()), theme.name),
                    Span::new(text, style),
                ]);
                if let Some(link) = link {
                    for (name, value) in &link.written {
                        lines.push(vec![
                            Span::new(format!("   {name} "), theme.dim),
                            Span::new(value.to_string(), theme.text),
                        ]);
                    }
                }
                let drifts = self
                    .drifts_here()
                    .filter(|drift| drift.divergence.connector == connector);
                for told in drifts.flat_map(drift::lines) {
                    lines.push(vec![Span::new(told, theme.warn)]);
                }
            }
        }
        lines
    }

    fn draw_list(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let tab = |tab: Tab, name: &str| {
            if self.tab == tab {
                format!("[{name}]")
            } else {
                name.to_owned()
            }
        };
        let title = format!(
            "{} {} {}",
            tab(Tab::Users, "Users"),
            tab(Tab::Groups, "Groups"),
            tab(Tab::Roles, "Roles")
        );
        let note = match self.tab {
            Tab::Users => self.users_counted(),
            Tab::Groups => counted(self.groups.len(), "group"),
            Tab::Roles => counted(self.roles.len(), "role"),
        };
        let inner = pen.frame(area, &title, &note, !self.open);
        let names = self.names();
        if names.is_empty() {
            let text = match (self.tab, self.search.value("search").is_empty()) {
                (_, false) => " Nothing of that name. Esc clears.",
                (Tab::Users, true) => {
                    " No users yet. n creates one; i brings many from a file (CSV or SCIM)."
                }
                (Tab::Groups, true) => " No groups yet. n creates one.",
                (Tab::Roles, true) => {
                    " No roles yet: a seed brings them, and a connection's Outbound Provisioning Roles do."
                }
            };
            pen.paragraph(inner, text, theme.dim);
            return;
        }
        self.list
            .draw(pen, inner, names.len(), !self.open, |pen, row, at| {
                let (index, name) = &names[at];
                let aside = match self.tab {
                    Tab::Users => self.users[*index]
                        .roles
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", "),
                    Tab::Groups => counted(self.groups[*index].members.len(), "member"),
                    Tab::Roles => String::new(),
                };
                let width = row.width / 2;
                let is_marked =
                    self.tab == Tab::Users && self.marked.contains(&self.users[*index].name);
                let name = &format!("{}{name}", if is_marked { "* " } else { "" });
                pen.columns(
                    row,
                    &[
                        Column::new(name, width, theme.text),
                        Column::new(&aside, row.width - width, theme.dim),
                    ],
                );
            });
    }
}

impl Directory {
    fn users_counted(&self) -> String {
        counted(usize::try_from(self.count).unwrap_or(usize::MAX), "user")
    }
}

impl Panel for Directory {
    fn id(&self) -> &'static str {
        "directory"
    }

    fn title(&self) -> &'static str {
        "Directory"
    }

    fn short(&self) -> &'static str {
        "Dir"
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
        let wide = area.width >= 100;
        let left = if wide {
            Rect {
                width: area.width / 2,
                ..area
            }
        } else {
            area
        };
        let right = if wide {
            Rect {
                x: left.right(),
                width: area.width - left.width,
                ..area
            }
        } else {
            area
        };
        if wide || !self.open {
            self.draw_list(world, pen, left);
        }
        if wide || self.open {
            let inner = pen.frame(right, "Detail", "", self.open);
            let inner = Rect {
                x: inner.x + 1,
                width: inner.width.saturating_sub(1),
                ..inner
            };
            let lines = self.detail(world);
            self.text
                .draw(pen, inner, lines.len(), |at| lines[at].clone());
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
            if self.open {
                let len = self.detail(world).len();
                self.text.go(to, len);
                return Some(Vec::new());
            }
            let len = self.names().len();
            let at_end = self.list.at + 1 >= len;
            self.list.go(to, len);
            self.text = Text::default();
            let more =
                self.tab == Tab::Users && !self.asked && (self.users.len() as u64) < self.count;
            if more && at_end && matches!(to, Move::Down | Move::PageDown | Move::Last) {
                self.asked = true;
                let after = self.users.last().map(|user| user.name.clone());
                return Some(vec![Wish::Ask(Query::Directory { after })]);
            }
            return Some(Vec::new());
        }
        match key.code {
            KeyCode::Char(sign @ ('[' | ']')) => {
                let tabs = [Tab::Users, Tab::Groups, Tab::Roles];
                let at = tabs.iter().position(|tab| *tab == self.tab).unwrap_or(0);
                self.tab = tabs[(at + if sign == ']' { 1 } else { 2 }) % 3];
                self.list = List::default();
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

    fn actions(&self, _world: &World) -> Vec<Action> {
        let name = self
            .selected()
            .map_or_else(|| "NAME".to_owned(), |(_, name)| name);
        let mut actions = vec![Action::new("search", Key::letter('/'), "Search")];
        match self.tab {
            Tab::Users => {
                actions.push(
                    Action::new("new", Key::letter('n'), "New user")
                        .like("outbound trigger user-created NAME"),
                );
                actions.push(
                    Action::new("import", Key::letter('i'), "Import a file (CSV, SCIM)")
                        .like("outbound import csv FILE"),
                );
                if self.selected().is_some() {
                    actions.extend([
                        Action::new("open", Key::of(KeyCode::Enter), "Open")
                            .like(format!("outbound users show {name}")),
                        Action::new("edit", Key::letter('e'), "Edit claims").like(format!(
                            "outbound trigger user-updated {name} --set CLAIM=VALUE"
                        )),
                        Action::new("assign", Key::letter('a'), "Assign a role")
                            .like(format!("outbound trigger role-assigned {name} ROLE")),
                        Action::new("revoke", Key::letter('A'), "Revoke a role")
                            .like(format!("outbound trigger role-revoked {name} ROLE"))
                            .quiet(),
                        Action::new("rename", Key::letter('R'), "Rename")
                            .like(format!("outbound trigger user-updated {name} --rename NEW"))
                            .quiet(),
                        Action::new("delete", Key::letter('D'), "Delete")
                            .like(format!("outbound trigger user-deleted {name}")),
                        Action::new("mark", Key::letter(' '), "Mark for a bulk trigger").quiet(),
                        Action::new("bulk", Key::letter('B'), self.several_label()).quiet(),
                    ]);
                    if !self.marked.is_empty() {
                        actions.push(Action::named("unmark", "Take all marks away"));
                    }
                }
            }
            Tab::Groups => {
                actions.push(
                    Action::new("new", Key::letter('n'), "New group")
                        .like("outbound trigger group-created NAME"),
                );
                if self.selected().is_some() {
                    actions.extend([
                        Action::new("open", Key::of(KeyCode::Enter), "Open")
                            .like(format!("outbound groups show {name}")),
                        Action::new("edit", Key::letter('e'), "Change members")
                            .like(format!("outbound trigger group-changed {name} --add USER")),
                        Action::new("rename", Key::letter('R'), "Rename")
                            .like(format!("outbound trigger group-renamed {name} NEW")),
                        Action::new("delete", Key::letter('D'), "Delete")
                            .like(format!("outbound trigger group-deleted {name}")),
                    ]);
                }
            }
            Tab::Roles => {
                if self.selected().is_some() {
                    actions.push(
                        Action::new("open", Key::of(KeyCode::Enter), "Open")
                            .like("outbound roles list"),
                    );
                }
            }
        }
        if self.tab != Tab::Roles {
            actions.push(
                Action::new("compare", Key::letter('c'), "Compare with the targets")
                    .like("outbound reconcile")
                    .quiet(),
            );
        }
        if self.drifts_here().next().is_some() {
            actions.push(
                Action::new("decide", Key::letter('x'), "Decide about what differs")
                    .like(format!("outbound reconcile restore {name}")),
            );
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        let is_group = self.tab == Tab::Groups;
        match id {
            "compare" => return vec![Wish::Do(Deed::Compare(drift::connectors(world)))],
            "decide" => return drift::decide(self.drifts_here()),
            "search" => self.searching = true,
            "open" => self.open = true,
            "import" => return Self::import_sheet(),
            "mark" => self.mark(),
            "unmark" => self.marked.clear(),
            "bulk" => return self.bulk_sheet(world),
            "new" => {
                let way = if is_group { "group-created" } else { "console" };
                return vec![Wish::Go(
                    "trigger",
                    Some(Errand::Trigger { way, user: None }),
                )];
            }
            "edit" => return self.trigger(if is_group { "group-changed" } else { "update" }),
            "assign" => return self.trigger("role-assigned"),
            "revoke" => return self.trigger("role-revoked"),
            "rename" => return self.trigger(if is_group { "group-renamed" } else { "rename" }),
            "delete" => return self.trigger(if is_group { "group-deleted" } else { "delete" }),
            _ => {}
        }
        Vec::new()
    }

    fn submitted(&mut self, _world: &World, _sheet: &str, form: &Form, button: &str) -> Vec<Wish> {
        self.submitted_many(form, button)
    }

    fn wants(&mut self, world: &World) -> Vec<Query> {
        let mut queries = Vec::new();
        let version = world.board.directory_version;
        if self.version != Some(version) && !self.asked {
            self.asked = true;
            self.version = Some(version);
            self.links.clear();
            self.drifts.clear();
            queries.push(Query::Directory { after: None });
        }
        if let Some(local) = self.local().filter(|local| !self.links.contains_key(local))
            && self.asked_links.is_none()
        {
            self.asked_links = Some(local);
            queries.push(Query::Links(local));
        }
        queries
    }

    fn answer(&mut self, world: &World, answer: &Answer) -> Vec<Wish> {
        match answer {
            Answer::Directory {
                after,
                users,
                groups,
                roles,
                count,
            } => {
                self.asked = false;
                if after.is_none() {
                    self.users.clear();
                }
                self.users.extend(users.iter().cloned());
                self.groups.clone_from(groups);
                // Those that connections ask for can be assigned, too.
                self.roles = world.roles_with(roles);
                self.count = *count;
            }
            Answer::Links(local, links, drifts) => {
                self.asked_links = None;
                self.links.insert(*local, links.clone());
                self.drifts.insert(*local, drifts.clone());
            }
            _ => {}
        }
        Vec::new()
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

    fn crumbs(&self, _world: &World) -> Vec<String> {
        let tab = match self.tab {
            Tab::Users => "Users",
            Tab::Groups => "Groups",
            Tab::Roles => "Roles",
        };
        vec![tab.to_owned()]
    }

    fn status(&self, _world: &World) -> String {
        let shown = if (self.users.len() as u64) < self.count {
            format!(", {} read", self.users.len())
        } else {
            String::new()
        };
        format!(
            "{}{shown} · {} · {}",
            self.users_counted(),
            counted(self.groups.len(), "group"),
            counted(self.roles.len(), "role")
        )
    }
}
