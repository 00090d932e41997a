//! *Targets*: the mock targets: start, stop, faults, what they hold, and what changed there. Side by side where there is
//! room, one after the other where there is not.

mod alone;
mod arm;
mod state;

use std::collections::VecDeque;

use crossterm::event::KeyCode;
use domain::{LabMock, LabObject};
use jiff::Timestamp;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::action::Action;
use crate::keymap::Key;
use crate::paint::{Column, Pen, cells, counted, shortened, wrap};
use crate::panel::Panel;
use crate::panels::BESIDE;
use crate::screen::movement;
use crate::theme::Theme;
use crate::widgets::{Form, List, Search, Text};
use crate::wish::{Answer, Deed, PutBack, Query, Wish};
use crate::world::World;

/// How many times of putting a mock back are remembered.
const PUT_BACK: usize = 20;

/// What has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Mocks,
    Objects,
    Object,
    Changes,
}

/// The panel.
pub(crate) struct Targets {
    place: Place,
    list: List,
    objects_list: List,
    text: Text,
    objects: Vec<LabObject>,
    /// The mock that holds them.
    holder: Option<String>,
    search: Search,
    /// The form that was handed in and is not answered yet.
    handed_in: Option<String>,
    /// What putting mocks back has changed, newest first.
    put_back: VecDeque<(Timestamp, PutBack)>,
    /// The mock whose objects were read, and the version of the board then.
    read: Option<(String, u64)>,
    asked: Option<String>,
    /// The version of the board in which the mocks were read; none when that failed.
    mocks_version: Option<u64>,
    asked_mocks: bool,
}

impl Default for Targets {
    fn default() -> Self {
        Self {
            place: Place::Mocks,
            list: List::default(),
            objects_list: List::default(),
            text: Text::default(),
            objects: Vec::new(),
            holder: None,
            search: Search::default(),
            handed_in: None,
            put_back: VecDeque::new(),
            read: None,
            asked: None,
            mocks_version: Some(0),
            asked_mocks: false,
        }
    }
}

/// Tells whether there are mocks and none of them runs, neither here nor in another process.
fn all_stopped(world: &World) -> bool {
    let mut mocks = world.mocks.iter();
    !world.mocks.is_empty() && mocks.all(|mock| mock.url.is_none() && mock.elsewhere.is_none())
}

impl Targets {
    fn mock<'w>(&self, world: &'w World) -> Option<&'w LabMock> {
        world.mocks.get(self.list.selected(world.mocks.len())?)
    }

    /// Returns what the selected mock holds; nothing before it was read.
    fn objects(&self, world: &World) -> &[LabObject] {
        let selected = self.mock(world).map(|mock| &mock.target);
        if selected.is_some() && selected == self.holder.as_ref() {
            &self.objects
        } else {
            &[]
        }
    }

    /// Returns the objects that the search finds, by their places.
    fn found(&self, world: &World) -> Vec<usize> {
        let objects = self.objects(world).iter().enumerate();
        let found =
            objects.filter(|(_, one)| self.search.finds(&[&one.name, &one.id, &one.object]));
        found.map(|(at, _)| at).collect()
    }

    fn object(&self, world: &World) -> Option<&LabObject> {
        let found = self.found(world);
        let at = self.objects_list.selected(found.len())?;
        self.objects(world).get(found[at])
    }

    /// Returns what a client of the selected mock needs to be let in, while it is the mocks that are looked at.
    fn access<'w>(&self, world: &'w World) -> Option<&'w str> {
        let mock = self.mock(world).filter(|_| self.place == Place::Mocks)?;
        mock.access.as_deref()
    }

    fn draw_mocks(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let note = if all_stopped(world) {
            "all stopped: S starts all"
        } else {
            "mocks on this machine"
        };
        let inner = pen.frame(area, "Targets", note, self.place == Place::Mocks);
        if world.mocks.is_empty() {
            pen.paragraph(
                inner,
                " No mocks. [mocks.scim2] start = true in workbench.toml starts one.",
                world.theme.dim,
            );
        } else if area.width < BESIDE {
            self.draw_alone(world, pen, inner);
        } else {
            self.draw_rows(world, pen, inner);
        }
    }

    /// Draws a row for each mock, and below them what a client of the selected one needs.
    fn draw_rows(&self, world: &World, pen: &mut Pen<'_>, inner: Rect) {
        let theme = world.theme;
        let rows = u16::try_from(world.mocks.len()).unwrap_or(u16::MAX);
        let list = Rect {
            height: rows.min(inner.height),
            ..inner
        };
        if let Some(access) = self.access(world) {
            let below = Rect {
                x: inner.x + 1,
                y: list.bottom(),
                width: inner.width.saturating_sub(2),
                height: inner.height - list.height,
            };
            pen.paragraph(below, access, theme.dim);
        }
        self.list.draw(
            pen,
            list,
            world.mocks.len(),
            self.place == Place::Mocks,
            |pen, row, at| {
                let mock = &world.mocks[at];
                let (state, style) = state_of(mock, &theme);
                let faults_width = row
                    .width
                    .saturating_sub(if row.width > 110 { 90 } else { 63 });
                let faults = told_faults(mock, usize::from(faults_width));
                // What another process's mock holds is not known here.
                let numbers = if mock.elsewhere.is_some() {
                    "-".to_owned()
                } else if row.width > 110 {
                    let requests = usize::try_from(mock.requests).unwrap_or(usize::MAX);
                    format!(
                        "{}  {}  {}",
                        counted(mock.users, "user"),
                        counted(mock.groups, "group"),
                        counted(requests, "request")
                    )
                } else {
                    counted(mock.users, "user")
                };
                let fault_style = if mock.armed.is_empty() {
                    theme.dim
                } else {
                    theme.warn
                };
                pen.columns(
                    row,
                    &[
                        Column::new(&mock.target, 11, theme.name),
                        Column::new(state, 9, style),
                        Column::new(address_of(mock), 30, theme.text),
                        Column::new(&numbers, if row.width > 110 { 36 } else { 9 }, theme.text),
                        Column::new(&faults, faults_width, fault_style),
                    ],
                );
            },
        );
    }

    fn draw_objects(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let Some(mock) = self.mock(world) else {
            return;
        };
        let target = &mock.target;
        let focused = self.place == Place::Objects;
        let objects = self.objects(world);
        let found = self.found(world);
        let note = match (self.search.is_empty(), state::tally(world, target).as_str()) {
            (false, _) => format!("{} of {}", found.len(), objects.len()),
            (true, "") => objects.len().to_string(),
            (true, since) => format!("{} · {since}", objects.len()),
        };
        let inner = pen.frame(area, &format!("What {target} holds"), &note, focused);
        let inner = self.search.draw(pen, inner);
        let inner = if world.width < BESIDE {
            alone::draw_access(pen, inner, mock)
        } else {
            inner
        };
        if let Some(text) = self.nothing(world, mock, found.len()) {
            let inner = Rect {
                x: inner.x + 1,
                width: inner.width.saturating_sub(2),
                ..inner
            };
            pen.paragraph(inner, &text, theme.dim);
            return;
        }
        self.objects_list
            .draw(pen, inner, found.len(), focused, |pen, row, at| {
                let object = &objects[found[at]];
                pen.columns(
                    row,
                    &[
                        Column::new(&object.object, 6, theme.dim),
                        Column::new(
                            &object.name,
                            row.width.saturating_sub(30).max(10),
                            theme.text,
                        ),
                        Column::new(&object.id, 22, theme.dim),
                    ],
                );
            });
    }

    /// Returns what stands where no object does, and what to do about it.
    fn nothing(&self, world: &World, mock: &LabMock, found: usize) -> Option<String> {
        let target = &mock.target;
        if let Some(address) = &mock.elsewhere {
            return Some(format!(
                "Another process has {address}: a workbench, or `outbound mock`. It is steered there, or with `outbound \
                 mock arm|disarm|objects|log|reset|snapshot|restore {target}`; s starts it here once the port is free."
            ));
        }
        if found > 0 {
            return None;
        }
        let all = self.objects(world).len();
        Some(if self.holder.as_ref() != Some(target) {
            // It is being read.
            String::new()
        } else if all > 0 {
            format!("0 of {all} match. Esc clears the search.")
        } else if all_stopped(world) {
            format!("All are stopped: S starts all, s starts {target}.")
        } else if mock.url.is_none() {
            format!("{target} is stopped: s starts it.")
        } else {
            "Nothing. t triggers a user.".to_owned()
        })
    }

    fn draw_text(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let (title, lines) = match self.place {
            Place::Object | Place::Objects => ("State", self.object_lines(world)),
            Place::Mocks | Place::Changes => (
                "Requests and changes, newest first",
                self.change_lines(world),
            ),
        };
        let inner = pen.frame(
            area,
            title,
            "",
            matches!(self.place, Place::Object | Place::Changes),
        );
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(1),
            ..inner
        };
        self.text
            .draw(pen, inner, lines.len(), |at| lines[at].clone());
    }
}

impl Panel for Targets {
    fn id(&self) -> &'static str {
        "targets"
    }

    fn title(&self) -> &'static str {
        "Targets"
    }

    fn short(&self) -> &'static str {
        "Targets"
    }

    fn draw(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        if area.width < BESIDE {
            match self.place {
                Place::Mocks => self.draw_mocks(world, pen, area),
                Place::Objects => self.draw_objects(world, pen, area),
                Place::Object | Place::Changes => self.draw_text(world, pen, area),
            }
            return;
        }
        // What is needed to be let in is never cut: it stands below the list, in as many rows as it takes.
        let inside = usize::from(area.width.saturating_sub(4));
        let access = self
            .access(world)
            .map_or(0, |told| wrap(told, inside).len());
        let rows = u16::try_from(world.mocks.len()).unwrap_or(3).clamp(1, 6) + 2;
        let rows = rows + u16::try_from(access).unwrap_or(0);
        let top = Rect {
            height: rows.min(area.height),
            ..area
        };
        let rest = Rect {
            y: area.y + top.height,
            height: area.height - top.height,
            ..area
        };
        self.draw_mocks(world, pen, top);
        if rest.height < 3 {
            return;
        }
        let half = area.width / 2;
        let left = Rect {
            width: half,
            ..rest
        };
        let right = Rect {
            x: rest.x + half,
            width: rest.width - half,
            ..rest
        };
        self.draw_objects(world, pen, left);
        self.draw_text(world, pen, right);
    }

    fn takes_text(&self) -> bool {
        self.search.is_open()
    }

    fn paste(&mut self, _world: &World, text: &str) -> Vec<Wish> {
        if self.search.is_open() {
            self.search.paste(text);
            self.objects_list = List::default();
            self.text = Text::default();
        }
        Vec::new()
    }

    fn key(&mut self, world: &World, key: Key) -> Option<Vec<Wish>> {
        if self.search.is_open() {
            let is_taken = self.search.key(key, world.passed);
            self.objects_list = List::default();
            self.text = Text::default();
            return is_taken.then(Vec::new);
        }
        if let Some(to) = movement(key, false) {
            match self.place {
                Place::Mocks => {
                    self.list.go(to, world.mocks.len());
                    self.objects_list = List::default();
                    self.search.clear();
                    self.text = Text::default();
                }
                Place::Objects => {
                    let found = self.found(world).len();
                    self.objects_list.go(to, found);
                    self.text = Text::default();
                }
                Place::Object | Place::Changes => self.text.go(to, 10_000),
            }
            return Some(Vec::new());
        }
        match key.code {
            KeyCode::Tab => {
                self.place = match self.place {
                    Place::Mocks => Place::Objects,
                    Place::Objects => Place::Object,
                    Place::Object => Place::Changes,
                    Place::Changes => Place::Mocks,
                };
                self.text = Text::default();
            }
            KeyCode::BackTab => {
                self.place = match self.place {
                    Place::Mocks => Place::Changes,
                    Place::Objects => Place::Mocks,
                    Place::Object => Place::Objects,
                    Place::Changes => Place::Object,
                };
                self.text = Text::default();
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn actions(&self, world: &World) -> Vec<Action> {
        let mut actions = Vec::new();
        let Some(mock) = self.mock(world) else {
            return actions;
        };
        let target = &mock.target;
        let open = Action::new("open", Key::of(KeyCode::Enter), "State browser")
            .like(format!("outbound mock objects {target}"));
        if mock.elsewhere.is_some() {
            // It belongs to another process, and so does everything that could be done with it. How, is told in the pane that
            // this opens where it does not stand beside the list.
            if self.place == Place::Mocks && world.width < BESIDE {
                actions.push(open);
            }
            let label = format!("Start: {target} here, once its port is free");
            actions.push(
                Action::new("switch", Key::letter('s'), label)
                    .like(format!("outbound mock {target}"))
                    .quiet(),
            );
            actions.push(start_all().quiet());
            return actions;
        }
        let word = if mock.url.is_some() { "Stop" } else { "Start" };
        let switch = Action::new("switch", Key::letter('s'), format!("{word}: {target}"))
            .like(format!("outbound mock {target}"));
        let is_over = all_stopped(world);
        if is_over {
            actions.extend([switch.clone(), start_all()]);
        }
        actions.extend([
            open,
            Action::new("fault", Key::letter('f'), "Fault: arm one")
                .like(format!("outbound mock arm {target} SPEC")),
            Action::new("changes", Key::letter('d'), "Requests and changes")
                .like(format!("outbound mock log {target}")),
        ]);
        if !is_over {
            // What differs from mock to mock stands last: an arrow changes the end of the row only.
            actions.extend([switch, start_all().quiet()]);
        }
        if !mock.armed.is_empty() {
            actions.push(
                Action::new("calm", Key::letter('c'), "Disarm")
                    .like(format!("outbound mock disarm {target}")),
            );
        }
        actions.extend([
            Action::new("reset", Key::letter('R'), "Reset to the seed")
                .like(format!("outbound mock reset {target}")),
            Action::named("keep", format!("Snapshot of {target}"))
                .like(format!("outbound mock snapshot {target} NAME")),
            Action::named("restore", format!("Restore {target}"))
                .like(format!("outbound mock restore {target} NAME")),
        ]);
        if !mock.personalities.is_empty() {
            actions.push(
                Action::new(
                    "personality",
                    Key::letter('p'),
                    "Personality: whose manners it has",
                )
                .like(format!("outbound mock {target} --personality NAME")),
            );
        }
        if !self.objects(world).is_empty() {
            let search = Action::new("search", Key::letter('/'), "Search what it holds");
            actions.push(if self.place == Place::Objects {
                search
            } else {
                search.quiet()
            });
        }
        if let Some(url) = &mock.url {
            actions.push(Action::new("copy", Key::letter('y'), format!("Copy {url}")).quiet());
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        let Some(mock) = self.mock(world) else {
            return Vec::new();
        };
        let target = mock.target.clone();
        match id {
            "switch" if mock.url.is_some() => return vec![Wish::Do(Deed::LabStop(target))],
            "switch" => return vec![Wish::Do(Deed::LabStart(target))],
            "all" => {
                let stopped = world.mocks.iter().filter(|mock| mock.url.is_none());
                let starts: Vec<Wish> = stopped
                    .map(|mock| Wish::Do(Deed::LabStart(mock.target.clone())))
                    .collect();
                if starts.is_empty() {
                    return vec![Wish::Say("all of them run already".to_owned())];
                }
                return starts;
            }
            "search" => {
                self.place = Place::Objects;
                self.search.open();
            }
            "fault" => return arm::fault_menu(world, &target),
            "calm" => return arm::disarm_menu(world, &target),
            "open" => {
                self.place = if self.place == Place::Objects {
                    Place::Object
                } else {
                    Place::Objects
                };
                self.text = Text::default();
            }
            "changes" => {
                self.place = Place::Changes;
                self.text = Text::default();
            }
            "reset" => {
                let title = format!("Reset {target}?");
                let told = format!("Everything that {target} holds goes back to its seed.");
                return arm::put_back(title, &told, "Reset", Deed::Reset(target));
            }
            "keep" => return arm::keep_sheet(&target),
            "restore" => return arm::restore_menu(world, &target),
            "personality" => return arm::personality_menu(world, &target),
            "copy" => {
                let text = mock.url.clone().unwrap_or_default();
                return vec![Wish::Do(Deed::Copy {
                    what: "address",
                    text,
                })];
            }
            _ => {}
        }
        Vec::new()
    }

    fn wants(&mut self, world: &World) -> Vec<Query> {
        let version = world.board.lab_version;
        let mut queries = Vec::new();
        if self.mocks_version != Some(version) && !self.asked_mocks {
            self.mocks_version = Some(version);
            self.asked_mocks = true;
            queries.push(Query::Mocks);
        }
        if let Some(mock) = self.mock(world) {
            let fresh = self
                .read
                .as_ref()
                .is_some_and(|(target, read)| *target == mock.target && *read == version);
            if !fresh && self.asked.is_none() {
                self.asked = Some(mock.target.clone());
                self.read = Some((mock.target.clone(), version));
                queries.push(Query::Objects(mock.target.clone()));
            }
        }
        queries
    }

    fn answer(&mut self, world: &World, answer: &Answer) -> Vec<Wish> {
        match answer {
            Answer::Objects(target, objects) => {
                if self.asked.as_ref() == Some(target) {
                    self.objects.clone_from(objects);
                    self.holder = Some(target.clone());
                }
                self.asked = None;
            }
            Answer::PutBack(Ok(put_back)) => {
                self.put_back.push_front((world.now, put_back.clone()));
                self.put_back.truncate(PUT_BACK);
                self.text = Text::default();
            }
            Answer::Steered(result) => {
                let Some(sheet) = self.handed_in.take() else {
                    return Vec::new();
                };
                return match result {
                    Ok(told) => vec![Wish::CloseSheet(sheet), Wish::Say(told.clone())],
                    // The first comes last: its field gets the keys.
                    Err(error) => {
                        let more = error.more.iter().rev();
                        let more = more.map(|(setting, told)| (Some(setting), told));
                        let all = more.chain([(error.setting.as_ref(), &error.told)]);
                        all.map(|(setting, told)| Wish::RefuseSheet {
                            id: sheet.clone(),
                            field: setting.cloned(),
                            told: told.clone(),
                        })
                        .collect()
                    }
                };
            }
            Answer::Mocks(..) => {
                self.asked_mocks = false;
                self.read = None;
            }
            Answer::Unread(Query::Mocks, _) => {
                self.asked_mocks = false;
                self.mocks_version = None;
            }
            Answer::Unread(Query::Objects(_), _) => {
                self.asked = None;
                self.read = None;
            }
            _ => {}
        }
        Vec::new()
    }

    fn submitted(&mut self, _world: &World, sheet: &str, form: &Form, _button: &str) -> Vec<Wish> {
        // A button that is pressed twice does not arm two faults.
        if self.handed_in.is_some() {
            return vec![Wish::KeepSheet];
        }
        self.handed_in = Some(sheet.to_owned());
        let mut words = sheet.splitn(3, ':');
        let (what, target) = (words.next(), words.next().unwrap_or_default().to_owned());
        let deed = match (what, words.next()) {
            (Some("arm"), Some(fault)) => Deed::Arm {
                target,
                spec: arm::spec(fault, form),
            },
            _ => Deed::Snapshot {
                target,
                name: form.value("name"),
            },
        };
        vec![Wish::KeepSheet, Wish::Do(deed)]
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        if self.search.close() || (self.place != Place::Object && self.search.clear()) {
            return Some(Vec::new());
        }
        self.place = match self.place {
            Place::Mocks => return None,
            Place::Object => Place::Objects,
            Place::Objects | Place::Changes => Place::Mocks,
        };
        Some(Vec::new())
    }

    fn crumbs(&self, world: &World) -> Vec<String> {
        let mock = self.mock(world).filter(|_| self.place != Place::Mocks);
        mock.map(|mock| mock.target.clone()).into_iter().collect()
    }

    fn status(&self, world: &World) -> String {
        if world.mocks.is_empty() {
            return "no mocks".to_owned();
        }
        if all_stopped(world) {
            return "all stopped: S starts all".to_owned();
        }
        let count = |is_meant: fn(&LabMock) -> bool| {
            let mocks = world.mocks.iter();
            mocks.filter(|mock| is_meant(mock)).count()
        };
        let here = count(|mock| mock.url.is_some());
        let all = world.mocks.len();
        match count(|mock| mock.elsewhere.is_some()) {
            0 => format!("{here} of {all} run, on this machine only"),
            elsewhere => format!("{here} of {all} run here, {elsewhere} in another process"),
        }
    }
}

/// Says which faults are armed at a mock: all of them where there is room, or else the first and how many more there are.
/// How often one will act stands before it, where it is not cut.
fn told_faults(mock: &LabMock, width: usize) -> String {
    let armed = mock.armed.iter();
    let specs: Vec<String> = armed
        .map(|armed| match armed.acts() {
            Some(times) => format!("{times} {}", armed.spec),
            None => armed.spec.clone(),
        })
        .collect();
    let [first, more @ ..] = &specs[..] else {
        let nothing = if mock.elsewhere.is_some() {
            "-"
        } else {
            "no faults"
        };
        return nothing.to_owned();
    };
    let all = format!("! {}", specs.join("  "));
    if more.is_empty() || cells(&all) <= width {
        return all;
    }
    let rest = format!(" and {} more", more.len());
    let first = shortened(first, width.saturating_sub(cells(&rest) + 2));
    if first.is_empty() {
        return format!("! {} faults", specs.len());
    }
    format!("! {first}{rest}")
}

/// Says whether a mock runs.
fn state_of(mock: &LabMock, theme: &Theme) -> (&'static str, Style) {
    match (&mock.url, &mock.elsewhere) {
        (Some(_), _) => ("running", theme.good),
        (None, Some(_)) => ("elsewhere", theme.warn),
        (None, None) => ("stopped", theme.dim),
    }
}

fn address_of(mock: &LabMock) -> &str {
    let address = mock.url.as_ref().or(mock.elsewhere.as_ref());
    address.map_or("-", String::as_str)
}

fn start_all() -> Action {
    Action::new("all", Key::letter('S'), "Start all").like("outbound mock all")
}
