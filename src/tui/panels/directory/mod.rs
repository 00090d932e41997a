//! *Directory*: local users, groups and roles, and what each target has of them.

mod many;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use crossterm::event::KeyCode;
use domain::{ConnectorRef, Group, Link, LocalRef, QualifiedName, RoleName, User};
use engine::DriftView;
use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::drift;
use crate::keymap::{Key, Move};
use crate::paint::{Column, Line, Pen, Span, counted};
use crate::panel::Panel;
use crate::panels::BESIDE;
use crate::screen::movement;
use crate::widgets::{Field, Form, List, Text};
use crate::wish::{Answer, Deed, DirectoryTab as Tab, Errand, Known, Query, Who, Wish};
use crate::world::World;

/// The panel's id, for the way back here.
const HERE: &str = "directory";

fn search() -> Form {
    Form::new(vec![Field::text("search", "/", "")], Vec::new())
}

/// What a search has found in the whole directory, as far as it was read.
struct Found {
    text: String,
    users: Vec<User>,
    /// How many there are.
    count: u64,
    /// The board's version that it was found in.
    version: u64,
}

/// The names that are shown, each with its place in its list.
type Names = Rc<Vec<(usize, String)>>;

/// What names were made of: the list, what is searched for in it, and the state of what was read.
type MadeOf = (Tab, String, u64);

/// The panel.
pub(crate) struct Directory {
    tab: Tab,
    list: List,
    text: Text,
    users: Vec<User>,
    groups: Vec<Group>,
    roles: Vec<RoleName>,
    /// Counts how often what is listed was read anew.
    reads: u64,
    /// The names as they were made last: of many users they would be made several times for each key.
    names: RefCell<Option<(MadeOf, Names)>>,
    /// How many of the users that were read hold each role.
    held: BTreeMap<RoleName, usize>,
    count: u64,
    links: BTreeMap<LocalRef, Vec<Link>>,
    drifts: BTreeMap<LocalRef, Vec<DriftView>>,
    /// When what stands in a link was written.
    written: BTreeMap<(LocalRef, ConnectorRef), Timestamp>,
    /// Those that were read whose accounts were found to differ.
    differing: BTreeSet<LocalRef>,
    /// Since when everybody's accounts are being compared, as somebody asked here.
    comparing: Option<Timestamp>,
    /// The members of groups by their names, and how many there are.
    members: BTreeMap<QualifiedName, (Vec<QualifiedName>, usize)>,
    /// The board's version that was read.
    version: Option<u64>,
    asked: bool,
    asked_links: Option<LocalRef>,
    asked_members: Option<QualifiedName>,
    /// The board's version in which a search goes on.
    asked_find: Option<u64>,
    found: Option<Found>,
    search: Form,
    searching: bool,
    open: bool,
    /// Users that a bulk trigger is about.
    marked: BTreeSet<QualifiedName>,
    /// What is to be selected as soon as it is there: it was made, or got this name, a moment ago.
    wanted: Option<String>,
    /// A file was asked to be imported, and it is not known yet whether it can be.
    importing: bool,
    /// What is to happen to many, in words, once somebody has said yes.
    begins: Option<String>,
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
            reads: 0,
            names: RefCell::default(),
            held: BTreeMap::new(),
            count: 0,
            links: BTreeMap::new(),
            drifts: BTreeMap::new(),
            written: BTreeMap::new(),
            differing: BTreeSet::new(),
            comparing: None,
            members: BTreeMap::new(),
            version: None,
            asked: false,
            asked_links: None,
            asked_members: None,
            asked_find: None,
            found: None,
            search: search(),
            searching: false,
            open: false,
            marked: BTreeSet::new(),
            wanted: None,
            importing: false,
            begins: None,
        }
    }
}

impl Directory {
    /// Returns what is searched for, in lower case.
    fn sought(&self) -> String {
        self.search.value("search").to_lowercase()
    }

    /// Returns what is searched for among users of whom not all were read.
    fn beyond(&self) -> Option<String> {
        let is_beyond = self.tab == Tab::Users && self.is_partial();
        Some(self.sought()).filter(|text| is_beyond && !text.is_empty())
    }

    /// Returns what the search that stands has found in the whole directory, once it has.
    fn found(&self) -> Option<&Found> {
        let text = self.beyond()?;
        self.found.as_ref().filter(|found| found.text == text)
    }

    /// Returns the users that are listed: those that were read, or those that a search has found beyond them.
    fn listed(&self) -> &[User] {
        match self.found() {
            Some(found) => &found.users,
            None => &self.users,
        }
    }

    /// Returns the names that are shown, kept until what is listed changes.
    fn names(&self) -> Names {
        let of = (self.tab, self.sought(), self.reads);
        let mut kept = self.names.borrow_mut();
        if let Some((made_of, names)) = &*kept
            && *made_of == of
        {
            return Rc::clone(names);
        }
        let names = Rc::new(self.make_names(&of.1));
        *kept = Some((of, Rc::clone(&names)));
        names
    }

    fn make_names(&self, wanted: &str) -> Vec<(usize, String)> {
        let all: Box<dyn Iterator<Item = String>> = match self.tab {
            Tab::Users => Box::new(self.listed().iter().map(|user| user.name.to_string())),
            Tab::Groups => Box::new(self.groups.iter().map(|group| group.name.to_string())),
            Tab::Roles => Box::new(self.roles.iter().map(ToString::to_string)),
        };
        all.enumerate()
            .filter(|(_, name)| wanted.is_empty() || name.to_lowercase().contains(wanted))
            .collect()
    }

    fn selected(&self) -> Option<(usize, String)> {
        let names = self.names();
        let at = self.list.selected(names.len())?;
        names.get(at).cloned()
    }

    fn local(&self) -> Option<LocalRef> {
        let (at, _) = self.selected()?;
        match self.tab {
            Tab::Users => self.listed().get(at).map(|user| LocalRef::User(user.id)),
            Tab::Groups => self.groups.get(at).map(|group| LocalRef::Group(group.id)),
            Tab::Roles => None,
        }
    }

    /// Returns what was found to differ of whoever is selected.
    fn drifts_here(&self) -> impl Iterator<Item = &DriftView> {
        let drifts = self.local().and_then(|local| self.drifts.get(&local));
        drifts.into_iter().flatten()
    }

    /// Says what the accounts below stand for.
    fn told_compared(&self, world: &World) -> String {
        match self.comparing {
            Some(since) => format!("being compared since {}, everybody's", world.time(since)),
            None => "as last written; c compares with what is there".to_owned(),
        }
    }

    /// Has everybody's accounts compared, once at a time: it may take a while.
    fn compare(&mut self, world: &World) -> Vec<Wish> {
        if let Some(since) = self.comparing {
            let since = world.time(since);
            let told = format!("everybody's accounts are being compared since {since}");
            return vec![Wish::Say(told)];
        }
        let connectors = drift::connectors(world);
        let at = match &connectors[..] {
            [] => {
                let told = "nothing to compare: no connector is enabled";
                return vec![Wish::Say(told.to_owned())];
            }
            [one] => one.to_string(),
            several => counted(several.len(), "connector"),
        };
        self.comparing = Some(world.now);
        let told = format!("comparing everybody's accounts at {at}; what differs is told then");
        vec![Wish::Say(told), Wish::Do(Deed::Compare(connectors))]
    }

    /// Tells whether whoever is selected was found to differ: from the list, until it is read how.
    fn differs_here(&self) -> bool {
        self.local()
            .is_some_and(|local| match self.drifts.get(&local) {
                Some(drifts) => !drifts.is_empty(),
                None => self.differing.contains(&local),
            })
    }

    fn trigger(&self, way: &'static str) -> Vec<Wish> {
        let user = self.selected().map(|(_, name)| name);
        let back = Some(HERE);
        let errand = Errand::Trigger { way, user, back };
        vec![Wish::Go("trigger", Some(errand))]
    }

    /// Fills in the form for what happens to the selected role, or to somebody through it.
    fn trigger_role(&self, way: &'static str) -> Vec<Wish> {
        let role = self.selected().map(|(_, role)| role);
        let back = Some(HERE);
        let errand = role.map(|role| Errand::Role { way, role, back });
        errand.map_or_else(Vec::new, |errand| vec![Wish::Go("trigger", Some(errand))])
    }

    fn show_tab(&mut self, tab: Tab) {
        self.tab = tab;
        self.list = List::default();
        self.text = Text::default();
        self.wanted = None;
        // What is searched for in one list is not searched for in another.
        self.stop_searching();
    }

    fn stop_searching(&mut self) {
        self.search = search();
        self.found = None;
        self.reads += 1;
        self.searching = false;
    }

    /// Returns how many match what is searched for, once that is known.
    fn matching(&self) -> Option<u64> {
        if self.sought().is_empty() {
            return None;
        }
        match (self.beyond(), self.found()) {
            (Some(_), found) => found.map(|found| found.count),
            (None, _) => u64::try_from(self.names().len()).ok(),
        }
    }

    /// Says how many there are in the list that is shown, how many of them match, and how many users are marked: marks
    /// stay where a search hides them.
    fn told_count(&self) -> String {
        let all = match self.tab {
            Tab::Users => self.users_counted(),
            Tab::Groups => counted(self.groups.len(), "group"),
            Tab::Roles => counted(self.roles.len(), "role"),
        };
        let shown = match self.matching() {
            Some(count) => format!("{count} of {all}"),
            None => all,
        };
        format!("{shown}{}", self.told_marks())
    }

    fn told_marks(&self) -> String {
        match self.marked.len() {
            0 => String::new(),
            count => format!(" · {count} marked"),
        }
    }

    /// Selects what is to be selected, if it is there by now.
    fn seek(&mut self) {
        let Some(wanted) = &self.wanted else { return };
        if let Some(at) = self.names().iter().position(|(_, name)| name == wanted) {
            self.list.at = at;
            self.text = Text::default();
            self.wanted = None;
        }
    }

    /// Tells whether not all users were read.
    fn is_partial(&self) -> bool {
        (self.users.len() as u64) < self.count
    }

    /// Says how many hold a role, as far as that was read.
    fn held_by(&self, world: &World, role: &RoleName) -> String {
        if !world.roles.contains(role) && !self.held.contains_key(role) {
            return "only a connection names it".to_owned();
        }
        let count = self.held.get(role).copied().unwrap_or(0);
        match (self.is_partial(), count) {
            (true, 0) => String::new(),
            (true, count) => format!("held by {count} or more"),
            (false, count) => counted(count, "holder"),
        }
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
                let Some(user) = self.listed().get(at) else {
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
                lines.push(pair("members", group.members.len().to_string()));
                let (named, count) = match self.members.get(&group.name) {
                    Some((named, count)) => (&named[..], *count),
                    None => (&[][..], group.members.len()),
                };
                lines.extend(named.iter().map(|name| pair("", name.to_string())));
                if named.is_empty() && count > 0 {
                    lines.push(pair("", "reading …".to_owned()));
                } else if named.len() < count {
                    lines.push(pair("", format!("… and {} more", count - named.len())));
                }
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
                if self.is_partial() {
                    let read = counted(self.users.len(), "user");
                    let told =
                        format!("of the {read} read so far; the dry run of a change names all");
                    lines.push(pair("", told));
                }
                return lines;
            }
        }
        lines.push(Line::new());
        lines.push(vec![
            Span::new("At the targets", theme.title),
            Span::new(format!("  {}", self.told_compared(world)), theme.dim),
        ]);
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
                let mut line = vec![
                    Span::new(format!(" {:<28} ", connector.to_string()), theme.name),
                    Span::new(text, style),
                ];
                let written = self.local().map(|local| (local, connector.clone()));
                let written = written.and_then(|place| self.written.get(&place));
                if let (Some(at), Some(_)) = (written, link) {
                    line.push(Span::new(format!("  {}", world.moment(*at)), theme.dim));
                }
                lines.push(line);
                if let (Some((at, is_whole)), Some(_)) =
                    (world.board.compared.get(&connector), link)
                {
                    let rest = if *is_whole {
                        ""
                    } else {
                        ", but not all accounts there"
                    };
                    let at = world.moment(*at);
                    let told = format!("   compared with what is there {at}{rest}");
                    lines.push(vec![Span::new(told, theme.dim)]);
                }
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
        let inner = pen.frame(area, &title, &self.told_count(), !self.open);
        let names = self.names();
        if names.is_empty() {
            let text = match (self.tab, self.search.value("search").is_empty()) {
                (_, false) if self.beyond().is_some() && self.found().is_none() => " searching …",
                (_, false) => " Nothing of that name. Esc clears.",
                (Tab::Users, true) => {
                    " No users yet. n creates one; i brings many from a file (CSV or SCIM)."
                }
                (Tab::Groups, true) => " No groups yet. n creates one.",
                (Tab::Roles, true) => {
                    " No roles yet. n creates one; a seed brings them, and a connection's Outbound Provisioning Roles do."
                }
            };
            pen.paragraph(inner, text, theme.dim);
            return;
        }
        self.list
            .draw(pen, inner, names.len(), !self.open, |pen, row, at| {
                let (index, name) = &names[at];
                let aside = match self.tab {
                    Tab::Users => self.listed()[*index]
                        .roles
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", "),
                    Tab::Groups => counted(self.groups[*index].members.len(), "member"),
                    Tab::Roles => self.held_by(world, &self.roles[*index]),
                };
                let width = row.width / 2;
                let (local, is_marked) = match self.tab {
                    Tab::Users => {
                        let user = &self.listed()[*index];
                        let is_marked = self.marked.contains(&user.name);
                        (Some(LocalRef::User(user.id)), is_marked)
                    }
                    Tab::Groups => (Some(LocalRef::Group(self.groups[*index].id)), false),
                    Tab::Roles => (None, false),
                };
                let differs = local.is_some_and(|local| self.differing.contains(&local));
                let mark = if is_marked { "* " } else { "" };
                let sign = if differs { "! " } else { "" };
                let name = &format!("{mark}{sign}{name}");
                let style = if differs { theme.warn } else { theme.text };
                pen.columns(
                    row,
                    &[
                        Column::new(name, width, style),
                        Column::new(&aside, row.width - width, theme.dim),
                    ],
                );
            });
    }
}

impl Directory {
    fn group(&self) -> Option<&Group> {
        let (at, _) = self.selected().filter(|_| self.tab == Tab::Groups)?;
        self.groups.get(at)
    }

    /// Offers to open what is selected, unless it is open.
    fn open_action(&self, command: String) -> Option<Action> {
        let open = Action::new("open", Key::of(KeyCode::Enter), "Open").like(command);
        (!self.open).then_some(open)
    }

    /// Asks for the users after the last one that is listed, unless that is the last of all.
    fn more(&mut self) -> Option<Query> {
        let after = self.listed().last().map(|user| user.name.clone());
        if let Some(text) = self.beyond() {
            let found = self.found()?;
            if found.users.len() as u64 >= found.count {
                return None;
            }
            let version = found.version;
            if self.asked_find.is_some() {
                return None;
            }
            self.asked_find = Some(version);
            return Some(Query::Find { text, after });
        }
        if self.tab != Tab::Users || self.asked || !self.is_partial() {
            return None;
        }
        self.asked = true;
        Some(Query::Directory { after })
    }

    /// Takes what was found; `goes_on` says whether it comes after what was found before.
    fn heard(
        &mut self,
        text: &str,
        goes_on: bool,
        users: &[User],
        count: u64,
        differing: &BTreeSet<LocalRef>,
    ) {
        let version = self.asked_find.take().unwrap_or_default();
        self.reads += 1;
        self.differing.extend(differing);
        if !goes_on {
            self.found = Some(Found {
                text: text.to_owned(),
                users: users.to_vec(),
                count,
                version,
            });
        } else if let Some(found) = self.found.as_mut().filter(|found| found.text == text) {
            found.users.extend_from_slice(users);
            found.count = count;
        }
        self.seek();
    }

    fn users_counted(&self) -> String {
        counted(self.count, "user")
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
        // What is searched for is to be read as long as it hides anything.
        let has_bar = self.searching || !self.sought().is_empty();
        let (area, bar) = if has_bar && area.height > 3 {
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
        let wide = area.width >= BESIDE;
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
            self.search.draw(pen, bar, self.searching, Duration::ZERO);
        }
    }

    fn takes_text(&self) -> bool {
        self.searching
    }

    fn leading_keys(&self) -> &'static [(&'static str, &'static str)] {
        // Where somebody differs, what the sign asks for stands in its place, in as many cells: the rest of the row stays.
        if self.differs_here() {
            &[]
        } else {
            &[("[ ]", "lists")]
        }
    }

    fn key(&mut self, world: &World, key: Key) -> Option<Vec<Wish>> {
        if self.searching {
            match key.code {
                KeyCode::Enter => self.searching = false,
                KeyCode::Esc => return None,
                _ => {
                    self.search.key(key, world.passed);
                    self.list = List::default();
                    self.wanted = None;
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
            self.wanted = None;
            let reads_on = at_end && matches!(to, Move::Down | Move::PageDown | Move::Last);
            let more = if reads_on { self.more() } else { None };
            return Some(more.into_iter().map(Wish::Ask).collect());
        }
        match key.code {
            KeyCode::Char(sign @ ('[' | ']')) => {
                let tabs = [Tab::Users, Tab::Groups, Tab::Roles];
                let at = tabs.iter().position(|tab| *tab == self.tab).unwrap_or(0);
                self.show_tab(tabs[(at + if sign == ']' { 1 } else { 2 }) % 3]);
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
                    actions.extend(self.open_action(format!("outbound users show {name}")));
                    actions.extend([
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
                    actions.extend(self.open_action(format!("outbound groups show {name}")));
                    actions.extend([
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
                actions.push(
                    Action::new("new", Key::letter('n'), "New role")
                        .like("outbound trigger role-created NAME"),
                );
                if self.selected().is_some() {
                    actions.extend(self.open_action(format!("outbound roles show {name}")));
                    actions.extend([
                        Action::new("edit", Key::letter('e'), "Rename")
                            .like(format!("outbound trigger role-renamed {name} NEW")),
                        Action::new("assign", Key::letter('a'), "Assign to a user")
                            .like(format!("outbound trigger role-assigned USER {name}")),
                        Action::new("revoke", Key::letter('A'), "Revoke from a user")
                            .like(format!("outbound trigger role-revoked USER {name}"))
                            .quiet(),
                        Action::new("delete", Key::letter('D'), "Delete")
                            .like(format!("outbound trigger role-deleted {name}")),
                    ]);
                }
            }
        }
        if self.tab != Tab::Roles {
            actions.push(
                Action::new(
                    "compare",
                    Key::letter('c'),
                    "Compare everybody with the targets",
                )
                .like("outbound reconcile")
                .quiet(),
            );
        }
        if self.differs_here() {
            // First in the row, which is cut where there is little room: it is what the sign in the list asks for.
            actions.insert(
                0,
                Action::new("decide", Key::letter('x'), "Differs: decide about it")
                    .like(drift::command(self.drifts_here())),
            );
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        let is_group = self.tab == Tab::Groups;
        let is_role = self.tab == Tab::Roles;
        match id {
            "compare" => return self.compare(world),
            "decide" if self.drifts_here().next().is_none() => {
                let told = "what differs is still being read: x again asks what becomes of it";
                return vec![Wish::Say(told.to_owned())];
            }
            "decide" => return drift::decide(self.drifts_here()),
            "search" => self.searching = true,
            "open" => self.open = true,
            "import" => return Self::import_sheet(),
            "mark" => self.mark(),
            "unmark" => self.marked.clear(),
            "bulk" => return self.bulk_sheet(world),
            "new" => {
                let way = match self.tab {
                    Tab::Users => "console",
                    Tab::Groups => "group-created",
                    Tab::Roles => "role-created",
                };
                let errand = Errand::Trigger {
                    way,
                    user: None,
                    back: Some(HERE),
                };
                return vec![Wish::Go("trigger", Some(errand))];
            }
            "edit" if is_role => return self.trigger_role("role-renamed"),
            "assign" if is_role => return self.trigger_role("role-assigned"),
            "revoke" if is_role => return self.trigger_role("role-revoked"),
            "delete" if is_role => return self.trigger_role("role-deleted"),
            "edit" => return self.trigger(if is_group { "group-changed" } else { "update" }),
            "assign" => return self.trigger("role-assigned"),
            "revoke" => return self.trigger("role-revoked"),
            "rename" => return self.trigger(if is_group { "group-renamed" } else { "rename" }),
            "delete" => return self.trigger(if is_group { "group-deleted" } else { "delete" }),
            _ => {}
        }
        Vec::new()
    }

    fn selection(&self, world: &World) -> Option<(Tab, String)> {
        let is_fresh = self.version == Some(world.board.directory_version);
        let selected = self.selected().filter(|_| is_fresh);
        selected.map(|(_, name)| (self.tab, name))
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
            self.written.clear();
            self.members.clear();
            queries.push(Query::Directory { after: None });
        }
        if let Some(text) = self.beyond().filter(|_| self.asked_find.is_none())
            && self.found().is_none_or(|found| found.version != version)
        {
            self.asked_find = Some(version);
            queries.push(Query::Find { text, after: None });
        }
        if let Some(group) = self.group().filter(|_| self.asked_members.is_none())
            && !self.members.contains_key(&group.name)
        {
            let name = group.name.clone();
            self.asked_members = Some(name.clone());
            queries.push(Query::Who(Who::Group(name)));
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
            Answer::Compared(_) => self.comparing = None,
            Answer::Directory {
                after,
                users,
                groups,
                roles,
                count,
                differing,
            } => {
                self.asked = false;
                self.reads += 1;
                if after.is_none() {
                    self.users.clear();
                    self.differing.clear();
                }
                self.users.extend(users.iter().cloned());
                self.differing.extend(differing);
                self.groups.clone_from(groups);
                // Those that connections ask for can be assigned, too.
                self.roles = world.roles_with(roles);
                self.held = BTreeMap::new();
                for role in self.users.iter().flat_map(|user| &user.roles) {
                    *self.held.entry(role.clone()).or_default() += 1;
                }
                self.count = *count;
                self.seek();
            }
            Answer::Found {
                text,
                after,
                users,
                count,
                differing,
            } => self.heard(text, after.is_some(), users, *count, differing),
            Answer::Unread(Query::Directory { .. }, _) => {
                self.asked = false;
                self.version = None;
            }
            Answer::Unread(Query::Find { .. }, _) => self.asked_find = None,
            Answer::Unread(Query::Who(Who::Group(_)), _) => self.asked_members = None,
            Answer::Unread(Query::Links(_), _) => self.asked_links = None,
            Answer::Work(work) if self.begins.as_ref() == Some(&work.what) => {
                self.begins = None;
                self.marked.clear();
            }
            Answer::NotImported(told) if std::mem::take(&mut self.importing) => {
                return vec![Wish::RefuseSheet {
                    id: many::IMPORT.to_owned(),
                    field: Some("file".to_owned()),
                    told: told.clone(),
                }];
            }
            Answer::Importing if std::mem::take(&mut self.importing) => {
                return vec![Wish::CloseSheet(many::IMPORT.to_owned())];
            }
            Answer::Links(local, links, drifts, written) => {
                self.asked_links = None;
                self.links.insert(*local, links.clone());
                self.drifts.insert(*local, drifts.clone());
                let written = written.iter();
                self.written
                    .extend(written.map(|(connector, at)| ((*local, connector.clone()), *at)));
            }
            Answer::Who(Who::Group(name), known) => {
                if self.asked_members.as_ref() == Some(name) {
                    self.asked_members = None;
                }
                // One that is not there has none; it is not asked about again.
                let entry = match known {
                    Known::Group(members, count) => (members.clone(), *count),
                    Known::User(_) | Known::Nobody => (Vec::new(), 0),
                };
                self.members.insert(name.clone(), entry);
            }
            _ => {}
        }
        Vec::new()
    }

    fn errand(&mut self, _world: &World, errand: Errand) -> Vec<Wish> {
        if let Errand::Select { tab, name } = errand {
            // A search would hide it, and ends with that.
            self.show_tab(tab);
            self.open = false;
            self.wanted = Some(name);
            self.seek();
        }
        Vec::new()
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        if std::mem::take(&mut self.searching) || std::mem::take(&mut self.open) {
            return Some(Vec::new());
        }
        if !self.search.value("search").is_empty() {
            self.stop_searching();
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
        if let Some(found) = self.found() {
            let read = found.users.len();
            let more = if (read as u64) < found.count {
                format!(", {read} of them read: the end of the list reads on")
            } else {
                String::new()
            };
            let marks = self.told_marks();
            return format!(
                "{} of {} match{more}{marks}",
                found.count,
                self.users_counted()
            );
        }
        if self.matching().is_some() {
            return format!("{} · Esc clears the search", self.told_count());
        }
        let shown = if self.is_partial() {
            format!(", {} read", self.users.len())
        } else {
            String::new()
        };
        format!(
            "{}{shown} · {} · {}{}",
            self.users_counted(),
            counted(self.groups.len(), "group"),
            counted(self.roles.len(), "role"),
            self.told_marks()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::theme::ThemeName;

    #[test]
    fn names_are_kept_from_key_to_key_until_what_is_listed_changes() {
        let world = samples::world(ThemeName::Dark, "workbench.toml".into());
        let mut directory = Directory::default();
        directory.answer(&world, &samples::directory());
        let first = directory.names();
        assert_eq!(first.len(), 3);
        directory.key(&world, Key::letter('j'));
        directory.actions(&world);
        assert!(Rc::ptr_eq(&first, &directory.names()), "nothing changed");
        // Read anew, somebody is there no longer.
        let Answer::Directory { mut users, .. } = samples::directory() else {
            panic!("it is the directory");
        };
        users.pop();
        directory.answer(
            &world,
            &Answer::Directory {
                after: None,
                users,
                groups: Vec::new(),
                roles: Vec::new(),
                count: 2,
                differing: BTreeSet::new(),
            },
        );
        assert_eq!(directory.names().len(), 2);
        // Another list, and what is searched for in it.
        directory.key(&world, Key::letter('['));
        let of_roles = directory.names();
        assert!(!of_roles.is_empty());
        assert!(of_roles.iter().all(|(_, name)| name.contains('/')));
        directory.act(&world, "search");
        directory.key(&world, Key::letter('~'));
        assert!(directory.names().is_empty());
    }
}
