//! *Applications*: the login flow and the Provisioning tab of each application.

use crossterm::event::KeyCode;
use domain::{Application, ApplicationId, ConnectionId};
use ratatui::layout::Rect;

use crate::action::Action;
use crate::draft::Edit;
use crate::keymap::Key;
use crate::modal::{Modal, Question, Sheet};
use crate::paint::{Column, Pen, counted};
use crate::panel::Panel;
use crate::panels::BESIDE;
use crate::panels::provisioners::{self, Owner};
use crate::screen::movement;
use crate::widgets::{Button, Field, Form, Picked, Search};
use crate::wish::Wish;
use crate::world::World;

/// The panel.
#[derive(Default)]
pub(crate) struct Applications {
    list: Picked,
    entries: Picked,
    open: bool,
    search: Search,
    /// The application that the open form is about. Another one may be selected when it is sent off: somebody else may
    /// have removed this one.
    about: Option<ApplicationId>,
}

/// Returns what a list knows applications by.
fn keys<'w>(shown: &[&'w Application]) -> Vec<&'w str> {
    shown.iter().map(|one| one.id.0.as_str()).collect()
}

impl Applications {
    fn shown<'w>(&self, world: &'w World) -> Vec<&'w Application> {
        let all = world.config().applications.iter();
        all.filter(|one| self.search.finds(&[&one.name, &one.id.0]))
            .collect()
    }

    fn selected<'w>(&self, world: &'w World) -> Option<&'w Application> {
        let shown = self.shown(world);
        shown.get(self.list.at(&keys(&shown))?).copied()
    }

    /// Returns the application that the open form is about, while it is there.
    fn about<'w>(&self, world: &'w World) -> Option<&'w Application> {
        let id = self.about.as_ref()?;
        let mut all = world.config().applications.iter();
        all.find(|one| one.id == *id)
    }

    /// Returns the place of the selected provisioner in the selected application.
    fn entry(&self, world: &World) -> Option<usize> {
        let owner = self.owner(world)?;
        self.entries.at(&owner.keys(world.config()))
    }

    fn owner(&self, world: &World) -> Option<Owner> {
        self.selected(world)
            .map(|one| Owner::Application(one.id.clone()))
    }

    fn draw_list(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let shown = self.shown(world);
        let count = shown.len().to_string();
        let inner = pen.frame(area, "Applications", &count, !self.open);
        if shown.is_empty() {
            let told = self.search.why_empty(" No applications yet. n adds one.");
            pen.paragraph(inner, told, theme.dim);
            return;
        }
        self.list
            .draw(pen, inner, &keys(&shown), !self.open, |pen, row, at| {
                let one = shown[at];
                let login: Vec<&str> = one.login.iter().map(|id| id.0.as_str()).collect();
                let login = if login.is_empty() {
                    "local login".to_owned()
                } else {
                    format!("login: {}", login.join(", "))
                };
                let count = counted(one.provisioners.len(), "provisioner");
                let third = row.width / 3;
                pen.columns(
                    row,
                    &[
                        Column::new(&one.name, third, theme.text),
                        Column::new(&login, third, theme.dim),
                        Column::new(&count, third, theme.dim),
                    ],
                );
            });
    }

    fn draw_detail(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let Some(one) = self.selected(world) else {
            return;
        };
        let inner = pen.frame(area, &format!("{}: Provisioning", one.name), "", self.open);
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(1),
            ..inner
        };
        let login: Vec<&str> = one.login.iter().map(|id| id.0.as_str()).collect();
        let flow = if login.is_empty() {
            "local login only".to_owned()
        } else {
            login.join(", ")
        };
        pen.put(
            inner.x,
            inner.y,
            inner.width,
            &format!("Login flow   {flow}"),
            theme.text,
        );
        let rest = Rect {
            y: inner.y + 1,
            height: inner.height.saturating_sub(1),
            ..inner
        };
        if one.provisioners.is_empty() {
            let text = if world.config().engine.application_fallback {
                "No outbound provisioners: the organization level speaks for this application."
            } else {
                "No outbound provisioners: users who come through it stay local (application_fallback is off)."
            };
            pen.paragraph(rest, text, theme.dim);
            return;
        }
        let owner = Owner::Application(one.id.clone());
        let rows = u16::try_from(one.provisioners.len())
            .unwrap_or(4)
            .saturating_add(2)
            .min(rest.height / 2 + 1);
        provisioners::rows(
            world,
            &owner,
            &self.entries,
            pen,
            Rect {
                height: rows,
                ..rest
            },
            self.open,
        );
        let below = Rect {
            y: rest.y + rows,
            height: rest.height.saturating_sub(rows),
            ..rest
        };
        provisioners::draw_meanings(world, &owner, self.entry(world), pen, below);
    }
}

/// Refuses a form about an application that is gone; what was filled in stays to be seen.
fn gone(sheet: &str) -> Vec<Wish> {
    vec![Wish::RefuseSheet {
        id: sheet.to_owned(),
        field: None,
        told: "there is no such application any more: somebody else removed it, and nothing of the form is taken"
            .to_owned(),
    }]
}

impl Panel for Applications {
    fn id(&self) -> &'static str {
        "applications"
    }

    fn title(&self) -> &'static str {
        "Applications"
    }

    fn short(&self) -> &'static str {
        "Apps"
    }

    fn draw(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let area = self.search.draw(pen, area);
        let rows = u16::try_from(world.config().applications.len())
            .unwrap_or(4)
            .clamp(1, 8)
            + 2;
        if area.width >= BESIDE && area.height >= rows + 8 {
            self.draw_list(
                world,
                pen,
                Rect {
                    height: rows,
                    ..area
                },
            );
            self.draw_detail(
                world,
                pen,
                Rect {
                    y: area.y + rows,
                    height: area.height - rows,
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
            self.entries = Picked::default();
            return is_taken.then(Vec::new);
        }
        if matches!(key.code, KeyCode::Tab | KeyCode::BackTab) {
            self.open = !self.open;
            return Some(Vec::new());
        }
        let to = movement(key, false)?;
        if self.open {
            let owner = self.owner(world)?;
            self.entries.go(to, &owner.keys(world.config()));
        } else {
            let shown = self.shown(world);
            self.list.go(to, &keys(&shown));
            self.entries = Picked::default();
        }
        Some(Vec::new())
    }

    fn paste(&mut self, _world: &World, text: &str) -> Vec<Wish> {
        self.search.paste(text);
        Vec::new()
    }

    fn actions(&self, world: &World) -> Vec<Action> {
        let mut actions = Vec::new();
        let search = Action::new("search", Key::letter('/'), "Search by name");
        let Some(one) = self.selected(world) else {
            actions.push(new_application());
            if !self.search.is_empty() {
                actions.push(search);
            }
            return actions;
        };
        let place = format!("applications[id={}]", one.id);
        if self.open {
            actions.push(
                Action::new("new", Key::letter('n'), "New Provisioner").like(format!(
                    "outbound config add {place}.provisioners connection=ID connector=TYPE"
                )),
            );
            if let Some(at) = self.entry(world) {
                let entry = format!("{place}.provisioners[{at}]");
                let set = format!("outbound config set {entry}.blocking true");
                actions.push(Action::new("edit", Key::of(KeyCode::Enter), "Edit").like(set));
                actions.push(Action::new("edit", Key::letter('e'), "Edit").quiet());
                actions.push(
                    Action::new("delete", Key::letter('D'), "Delete")
                        .like(format!("outbound config remove {entry}")),
                );
            }
        } else {
            actions.push(Action::new(
                "open",
                Key::of(KeyCode::Enter),
                "Open its Provisioning tab",
            ));
            actions.push(new_application());
            actions.push(search);
            actions.push(
                Action::new("flow", Key::letter('e'), "Edit name and login flow")
                    .like(format!("outbound config set {place}.name TEXT")),
            );
            actions.push(
                Action::new("remove", Key::letter('D'), "Delete")
                    .like(format!("outbound config remove {place}")),
            );
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        let at = self.entry(world).unwrap_or(0);
        if let Some(one) = self.selected(world) {
            // What is done now is about this one, whatever comes into the list meanwhile.
            self.list.choose(&one.id.0);
        }
        match (id, self.owner(world)) {
            ("open", _) => self.open = true,
            ("search", _) => self.search.open(),
            ("new", Some(owner)) => {
                self.about = self.selected(world).map(|one| one.id.clone());
                return provisioners::new_sheet(world, "applications", &owner);
            }
            ("edit", Some(owner)) => {
                self.about = self.selected(world).map(|one| one.id.clone());
                return provisioners::edit_sheet(world, "applications", &owner, at);
            }
            ("delete", Some(owner)) => return provisioners::delete(world, &owner, at),
            ("add", _) => return sheet(world, "application", "New application", None),
            ("flow", _) => {
                self.about = self.selected(world).map(|one| one.id.clone());
                return sheet(world, "flow", "Application", self.selected(world));
            }
            ("remove", _) => {
                let Some(one) = self.selected(world) else {
                    return Vec::new();
                };
                let body = vec![
                    format!(
                        "{} and its provisioners are taken out of the file with Update.",
                        one.name
                    ),
                    "They make no new accounts then. Those that exist stay, and their links keep them up to date."
                        .to_owned(),
                ];
                let edit = Edit::new(format!("Delete application {}", one.name))
                    .remove(format!("applications[id={}]", one.id));
                let answers = vec![("Delete", vec![Wish::Edit(edit)]), ("Cancel", Vec::new())];
                let question =
                    Question::new("Are you sure?", body, Some(one.name.clone()), answers);
                return vec![Wish::Show(Box::new(Modal::Question(question)))];
            }
            _ => {}
        }
        Vec::new()
    }

    fn submitted(&mut self, world: &World, id: &str, form: &Form, _button: &str) -> Vec<Wish> {
        let given = form.value("login");
        let ids = given.split(',').map(str::trim);
        let ids: Vec<&str> = ids.filter(|id| !id.is_empty()).collect();
        let login = || -> config::edit::Value { ids.iter().map(|id| (*id).to_owned()).collect() };
        let known = |id: &&str| {
            let mut connections = world.config().connections.iter();
            connections.any(|one| one.id.0 == *id)
        };
        if let Some(unknown) = ids.iter().copied().find(|id| !known(id)) {
            return vec![Wish::RefuseSheet {
                id: id.to_owned(),
                field: Some("login".to_owned()),
                told: format!("there is no connection with the id `{unknown}`"),
            }];
        }
        // One that stands there already is left alone.
        let before: &[ConnectionId] = match self.about(world).filter(|_| id == "flow") {
            Some(one) => &one.login,
            None => &[],
        };
        let is_new_target = |id: &&str| {
            let mut connections = world.config().connections.iter();
            !before.iter().any(|known| known.0 == *id)
                && connections.any(|one| one.id.0 == *id && one.login.is_none())
        };
        if let Some(target) = ids.iter().copied().find(is_new_target) {
            return vec![Wish::RefuseSheet {
                id: id.to_owned(),
                field: Some("login".to_owned()),
                told: format!(
                    "nobody logs in through `{target}`: it is a target only, without [connections.login]"
                ),
            }];
        }
        match id {
            "application" => {
                let name = form.value("name");
                let known = world.config().applications.iter();
                let Some(new) = slug(&name, known.map(|one| one.id.0.as_str())) else {
                    return no_id(id);
                };
                let words = format!("New application {new}: {name}");
                let mut entries = vec![
                    ("id".to_owned(), new.as_str().into()),
                    ("name".to_owned(), name.into()),
                ];
                if !ids.is_empty() {
                    entries.push(("login".to_owned(), login()));
                }
                let edit = Edit::new(words).insert("applications", entries);
                let made = Wish::Made {
                    panel: "applications",
                    key: new,
                    part: None,
                };
                vec![Wish::Edit(edit), made]
            }
            "flow" => {
                let Some(one) = self.about(world) else {
                    return gone(id);
                };
                let path = format!("applications[id={}]", one.id);
                let mut edit = Edit::new(format!("Application {}", one.name));
                if form.value("name") != one.name {
                    edit = edit.set(format!("{path}.name"), form.value("name"));
                }
                let before: Vec<&str> = one.login.iter().map(|id| id.0.as_str()).collect();
                if ids != before {
                    let at = format!("{path}.login");
                    edit = if ids.is_empty() {
                        edit.remove(at)
                    } else {
                        edit.set(at, login())
                    };
                }
                if edit.steps.is_empty() {
                    Vec::new()
                } else {
                    vec![Wish::Edit(edit)]
                }
            }
            sheet => match self.about(world) {
                Some(one) => {
                    let owner = Owner::Application(one.id.clone());
                    provisioners::submitted(world, &owner, sheet, form)
                }
                None => gone(sheet),
            },
        }
    }

    fn sheet_changed(&self, world: &World, sheet: &str, form: &mut Form) -> Option<Vec<String>> {
        if matches!(sheet, "application" | "flow") {
            return None;
        }
        let one = self.about(world)?;
        let owner = Owner::Application(one.id.clone());
        Some(provisioners::sheet_changed(world, &owner, form))
    }

    fn made(&mut self, key: &str, part: Option<&str>) {
        self.search.clear();
        self.list.choose(key);
        if let Some(part) = part {
            self.entries.choose(part);
        }
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        let closed = self.search.close() || std::mem::take(&mut self.open) || self.search.clear();
        closed.then(Vec::new)
    }

    fn crumbs(&self, world: &World) -> Vec<String> {
        if self.open {
            self.selected(world)
                .map(|one| one.name.clone())
                .into_iter()
                .collect()
        } else {
            Vec::new()
        }
    }

    fn status(&self, world: &World) -> String {
        counted(world.config().applications.len(), "application")
    }
}

fn sheet(world: &World, id: &str, title: &str, one: Option<&Application>) -> Vec<Wish> {
    let connections = world.config().connections.iter();
    let known: Vec<&str> = connections
        .filter(|one| one.login.is_some())
        .map(|one| one.id.0.as_str())
        .collect();
    let there = if known.is_empty() {
        "There is none that people log in through.".to_owned()
    } else {
        format!("People log in through: {}", known.join(", "))
    };
    let hint = format!("Ids of connections, separated by commas; empty for local login. {there}");
    let login: Vec<&str> = one
        .map(|one| one.login.iter().map(|id| id.0.as_str()).collect())
        .unwrap_or_default();
    let fields = vec![
        Field::text("name", "Name", one.map_or("", |one| &one.name))
            .required()
            .check(name_is_right)
            .bound(name_fits)
            .hint("What people call it. The id is made of it, and stays when the name changes.")
            .in_file("name, in [[applications]]"),
        Field::text("login", "Login flow", &login.join(", "))
            .hint(&hint)
            .in_file("login, in [[applications]]"),
    ];
    vec![Wish::Show(Box::new(Modal::Sheet(Sheet {
        panel: "applications",
        id: id.to_owned(),
        title: title.to_owned(),
        note: String::new(),
        form: Form::new(
            fields,
            vec![
                Button::acts("ok", "Finish"),
                Button::leaves("cancel", "Cancel"),
            ],
        ),
        says: Vec::new(),
    })))]
}

/// Says what is wrong with the name of a connection or an application: the Console's length, and what the file's check
/// says.
pub(crate) fn name_is_right(name: &str) -> Result<(), String> {
    match name.chars().count() {
        0..3 => Err(LENGTH.to_owned()),
        _ => name_fits(name),
    }
}

/// Says what is wrong with such a name whatever is written on.
pub(crate) fn name_fits(name: &str) -> Result<(), String> {
    match name.chars().count() {
        0..=120 => config::name(name),
        _ => Err(LENGTH.to_owned()),
    }
}

const LENGTH: &str = "a name has 3 to 120 characters";

/// Makes an id of a name, different from those that exist; of its plain letters and digits where it has some, else of
/// those of its own alphabet. `None` when there is nothing in it to make one of.
pub(crate) fn slug<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let made_of = |is_taken: fn(char) -> bool| {
        let mut id = String::new();
        for letter in name.to_lowercase().chars() {
            if is_taken(letter) {
                id.push(letter);
            } else if !id.is_empty() && !id.ends_with('-') {
                id.push('-');
            }
        }
        let id = id.trim_end_matches('-').to_owned();
        (!id.is_empty()).then_some(id)
    };
    let id = made_of(|letter| letter.is_ascii_alphanumeric())
        .or_else(|| made_of(char::is_alphanumeric))?;
    let known: Vec<&str> = known.collect();
    if !known.contains(&id.as_str()) {
        return Some(id);
    }
    // One of so many numbers is free.
    (2..=known.len() + 2)
        .map(|n| format!("{id}-{n}"))
        .find(|id| !known.contains(&id.as_str()))
}

/// Refuses a name that no id can be made of.
pub(crate) fn no_id(sheet: &str) -> Vec<Wish> {
    vec![Wish::RefuseSheet {
        id: sheet.to_owned(),
        field: Some("name".to_owned()),
        told: "a name needs a letter or a digit: its id is made of them".to_owned(),
    }]
}

fn new_application() -> Action {
    Action::new("add", Key::letter('n'), "New application")
        .like("outbound config add applications id=ID name=NAME")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_a_name_and_is_never_taken() {
        let id = |name: &str, known: &[&str]| slug(name, known.iter().copied());
        assert_eq!(id("HR (SCIM 2)", &[]).as_deref(), Some("hr-scim-2"));
        assert_eq!(id("HR", &["hr", "hr-2"]).as_deref(), Some("hr-3"));
        assert_eq!(id("Zoë & Søn", &[]).as_deref(), Some("zo-s-n"));
        assert_eq!(id("日本 支社", &[]).as_deref(), Some("日本-支社"));
        assert_eq!(id("日本", &["日本"]).as_deref(), Some("日本-2"));
        assert_eq!(id("🙂 !!!", &[]), None);
    }

    #[test]
    fn a_name_has_the_length_of_the_console_and_nothing_that_cannot_be_seen() {
        for name in [
            "HR",
            "x".repeat(121).as_str(),
            "HR\u{1b}[31m",
            "pay\u{202e}lap",
        ] {
            assert!(name_is_right(name).is_err(), "{name:?}");
        }
        for name in ["HR1", "日本語", "O'Brien & Søn"] {
            assert_eq!(name_is_right(name), Ok(()), "{name}");
        }
    }
}
