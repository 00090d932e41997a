//! *Targets*: the mock targets: start, stop, faults, what they hold, and what changed there.

mod arm;

use crossterm::event::KeyCode;
use domain::{LabMock, LabObject};
use ratatui::layout::Rect;
use serde_json::Value;

use crate::action::Action;
use crate::keymap::Key;
use crate::modal::{Modal, Question};
use crate::paint::{Column, Line, Pen, Span, counted};
use crate::panel::Panel;
use crate::panels::changes::fields;
use crate::screen::movement;
use crate::widgets::{Form, List, Text, json_line};
use crate::wish::{Answer, Deed, Query, Wish};
use crate::world::World;

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
    /// The mock whose objects were read, and the version of the board then.
    read: Option<(String, u64)>,
    asked: Option<String>,
    mocks_version: u64,
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
            read: None,
            asked: None,
            mocks_version: 0,
            asked_mocks: false,
        }
    }
}

impl Targets {
    fn mock<'w>(&self, world: &'w World) -> Option<&'w LabMock> {
        world.mocks.get(self.list.selected(world.mocks.len())?)
    }

    fn object(&self) -> Option<&LabObject> {
        self.objects
            .get(self.objects_list.selected(self.objects.len())?)
    }

    fn draw_mocks(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let inner = pen.frame(
            area,
            "Targets",
            "mocks on this machine",
            self.place == Place::Mocks,
        );
        if world.mocks.is_empty() {
            pen.paragraph(
                inner,
                " No mocks. [mocks.scim2] start = true in workbench.toml starts one.",
                theme.dim,
            );
            return;
        }
        self.list.draw(
            pen,
            inner,
            world.mocks.len(),
            self.place == Place::Mocks,
            |pen, row, at| {
                let mock = &world.mocks[at];
                let (state, style) = match (&mock.url, &mock.elsewhere) {
                    (Some(_), _) => ("running", theme.good),
                    (None, Some(_)) => ("elsewhere", theme.warn),
                    (None, None) => ("stopped", theme.dim),
                };
                let address = mock.url.as_ref().or(mock.elsewhere.as_ref());
                let faults: Vec<&str> =
                    mock.armed.iter().map(|armed| armed.spec.as_str()).collect();
                let faults = if mock.elsewhere.is_some() {
                    "-".to_owned()
                } else if faults.is_empty() {
                    "no faults".to_owned()
                } else {
                    format!("! {}", faults.join("  "))
                };
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
                        Column::new(address.map_or("-", String::as_str), 30, theme.text),
                        Column::new(&numbers, if row.width > 110 { 36 } else { 9 }, theme.text),
                        Column::new(
                            &faults,
                            row.width
                                .saturating_sub(if row.width > 110 { 90 } else { 63 }),
                            fault_style,
                        ),
                    ],
                );
            },
        );
    }

    fn draw_objects(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let target = self.mock(world).map_or("", |mock| mock.target.as_str());
        let focused = self.place == Place::Objects;
        let inner = pen.frame(
            area,
            &format!("What {target} holds"),
            &format!("{}", self.objects.len()),
            focused,
        );
        if let Some(address) = self.mock(world).and_then(|mock| mock.elsewhere.as_ref()) {
            let text = format!(
                " Another process has {address}: a workbench, or `outbound mock`. What it holds is shown there, and by \
                 `outbound mock objects {target}`; s starts it here once the port is free."
            );
            pen.paragraph(inner, &text, theme.dim);
            return;
        }
        if self.objects.is_empty() {
            pen.paragraph(inner, " Nothing. t triggers a user.", theme.dim);
            return;
        }
        self.objects_list
            .draw(pen, inner, self.objects.len(), focused, |pen, row, at| {
                let object = &self.objects[at];
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

    fn object_lines(&self, world: &World) -> Vec<Line> {
        let theme = world.theme;
        let Some(object) = self.object() else {
            return Vec::new();
        };
        let mut lines = vec![vec![
            Span::new(format!("{} {}", object.object, object.name), theme.title),
            Span::new(format!("  {}", object.id), theme.dim),
        ]];
        let text = serde_json::to_string_pretty(&object.content).unwrap_or_default();
        lines.extend(text.lines().map(|line| json_line(line, &theme)));
        lines
    }

    fn change_lines(&self, world: &World) -> Vec<Line> {
        let theme = world.theme;
        let Some(mock) = self.mock(world) else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        for entry in world.board.lab_of(&mock.target).take(200) {
            let status = entry
                .status
                .map_or_else(|| "-".to_owned(), |status| status.to_string());
            let mut line = vec![
                Span::new(format!("{} ", world.time(entry.at)), theme.dim),
                Span::new(status, theme.status(entry.status)),
                Span::new(format!(" {} {}", entry.method, entry.path), theme.text),
            ];
            if !entry.faults.is_empty() {
                line.push(Span::new(
                    format!("  ! {}", entry.faults.join(", ")),
                    theme.warn,
                ));
            }
            lines.push(line);
            for change in &entry.changes {
                for one in fields(change) {
                    let value = |value: &Option<Value>| {
                        value
                            .as_ref()
                            .map_or_else(|| "absent".to_owned(), Value::to_string)
                    };
                    let name = format!("         {} {}.{} ", change.object, change.name, one.field);
                    lines.push(vec![
                        Span::new(name, theme.name),
                        Span::new(value(&one.before), theme.bad),
                        Span::new(if theme.ascii { " -> " } else { " → " }, theme.dim),
                        Span::new(value(&one.after), theme.good),
                    ]);
                }
            }
        }
        if lines.is_empty() {
            lines.push(vec![Span::new(
                "Nobody asked it anything since the workbench was opened.",
                theme.dim,
            )]);
        }
        lines
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
        let rows = u16::try_from(world.mocks.len()).unwrap_or(3).clamp(1, 6) + 2;
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
        if area.width >= 100 {
            let half = area.width / 2;
            self.draw_objects(
                world,
                pen,
                Rect {
                    width: half,
                    ..rest
                },
            );
            self.draw_text(
                world,
                pen,
                Rect {
                    x: rest.x + half,
                    width: rest.width - half,
                    ..rest
                },
            );
        } else if matches!(self.place, Place::Mocks | Place::Objects) {
            self.draw_objects(world, pen, rest);
        } else {
            self.draw_text(world, pen, rest);
        }
    }

    fn key(&mut self, world: &World, key: Key) -> Option<Vec<Wish>> {
        if let Some(to) = movement(key, false) {
            match self.place {
                Place::Mocks => {
                    self.list.go(to, world.mocks.len());
                    self.objects_list = List::default();
                }
                Place::Objects => {
                    self.objects_list.go(to, self.objects.len());
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
        let word = if mock.url.is_some() { "Stop" } else { "Start" };
        actions.extend([
            Action::new("switch", Key::letter('s'), format!("{word}: {target}"))
                .like(format!("outbound mock {target}")),
            Action::new("all", Key::letter('S'), "Start all")
                .quiet()
                .like("outbound mock all"),
            Action::new("fault", Key::letter('f'), "Fault: arm one")
                .like(format!("outbound mock arm {target} SPEC")),
            Action::new("open", Key::of(KeyCode::Enter), "State browser")
                .like(format!("outbound mock objects {target}")),
            Action::new("changes", Key::letter('d'), "Requests and changes")
                .like(format!("outbound mock log {target}")),
        ]);
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
                return stopped
                    .map(|mock| Wish::Do(Deed::LabStart(mock.target.clone())))
                    .collect();
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
                let body = vec![format!(
                    "Everything that {target} holds goes back to its seed. Links that the engine keeps stay."
                )];
                let answers = vec![
                    ("Reset", vec![Wish::Do(Deed::Reset(target.clone()))]),
                    ("Cancel", Vec::new()),
                ];
                let question = Question::new(format!("Reset {target}?"), body, None, answers);
                return vec![Wish::Show(Box::new(Modal::Question(question)))];
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
        if self.mocks_version != version && !self.asked_mocks {
            self.mocks_version = version;
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

    fn answer(&mut self, _world: &World, answer: &Answer) -> Vec<Wish> {
        match answer {
            Answer::Objects(target, objects) => {
                if self.asked.as_ref() == Some(target) {
                    self.objects.clone_from(objects);
                }
                self.asked = None;
            }
            Answer::Mocks(..) => {
                self.asked_mocks = false;
                self.read = None;
            }
            _ => {}
        }
        Vec::new()
    }

    fn submitted(&mut self, _world: &World, sheet: &str, form: &Form, _button: &str) -> Vec<Wish> {
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
        vec![Wish::Do(deed)]
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        self.place = match self.place {
            Place::Mocks => return None,
            Place::Object => Place::Objects,
            Place::Objects | Place::Changes => Place::Mocks,
        };
        Some(Vec::new())
    }

    fn crumbs(&self, world: &World) -> Vec<String> {
        self.mock(world)
            .map(|mock| mock.target.clone())
            .into_iter()
            .collect()
    }

    fn status(&self, world: &World) -> String {
        let running = world.mocks.iter().filter(|mock| mock.url.is_some()).count();
        match (running, world.mocks.len()) {
            (0, 0) => "no mocks".to_owned(),
            (0, _) => "all stopped: S starts all".to_owned(),
            (running, all) => match self.mock(world).and_then(|mock| mock.access.as_ref()) {
                Some(access) => access.clone(),
                None => format!("{running} of {all} run, on this machine only"),
            },
        }
    }
}
