//! *Trigger*: makes something happen to a user or group. What would follow is shown before anything is done.

mod request;

use std::time::Duration;

use crossterm::event::KeyCode;
use engine::Plan;
use ratatui::layout::Rect;

use request::request;

pub(crate) use request::sets;

use crate::action::Action;
use crate::keymap::{Key, Move};
use crate::paint::{Pen, counted};
use crate::panel::Panel;
use crate::why;
use crate::widgets::{Button, Choice, Field, Form, Pressed, Text};
use crate::wish::{Answer, Deed, Errand, Wish};
use crate::world::World;

/// What can be made to happen: word, label, command line.
const WAYS: &[(&str, &str, &str)] = &[
    ("console", "Console: add user", "user-created"),
    ("api", "SCIM API: create user", "user-created --source api"),
    (
        "self-signup",
        "Self sign-up",
        "user-created --source self-signup",
    ),
    (
        "login",
        "Federated login (with JIT: first login)",
        "logged-in",
    ),
    ("role-assigned", "Assign a role", "role-assigned"),
    ("role-revoked", "Revoke a role", "role-revoked"),
    ("password", "Change a password", "password-changed"),
    ("update", "Change claims", "user-updated"),
    ("rename", "Rename a user", "user-updated --rename NEW"),
    ("delete", "Delete a user", "user-deleted"),
    ("group-created", "Create a group", "group-created"),
    ("group-changed", "Change a group's members", "group-changed"),
    ("group-renamed", "Rename a group", "group-renamed"),
    ("group-deleted", "Delete a group", "group-deleted"),
];

const CREATES: &[&str] = &["console", "api", "self-signup", "login"];
const GROUPS: &[&str] = &[
    "group-created",
    "group-changed",
    "group-renamed",
    "group-deleted",
];
const USERS: &[&str] = &[
    "console",
    "api",
    "self-signup",
    "login",
    "role-assigned",
    "role-revoked",
    "password",
    "update",
    "rename",
    "delete",
];

const GIVEN: [&str; 8] = ["Ada", "Kim", "Zoë", "Noor", "Jun", "Mia", "Ravi", "Ewa"];
const FAMILY: [&str; 8] = [
    "Lovelace", "Ng", "Novák", "Haddad", "Sato", "Silva", "Rao", "Nowak",
];

/// The panel.
#[derive(Default)]
pub(crate) struct Trigger {
    form: Option<Form>,
    plan: Option<Result<Box<Plan>, String>>,
    /// The plan on the screen is for what the form says now.
    planned: bool,
    waiting: bool,
    text: Text,
    reading: bool,
    count: u64,
}

impl Trigger {
    /// Fills the form in for a way, with an example when nobody is named.
    fn fill(&mut self, world: &World, way: &str, user: Option<&str>) {
        self.count += 1;
        let pick = usize::try_from((world.seed.wrapping_add(self.count)) % 64).unwrap_or(0);
        let (given, family) = (GIVEN[pick % 8], FAMILY[pick / 8]);
        let example = format!(
            "{}.{}{}",
            ascii(given),
            ascii(family),
            (world.seed.wrapping_add(self.count)) % 1000
        );
        let name = user.map_or(example, str::to_owned);
        let mail = format!(
            "{}@{}",
            name.rsplit('/').next().unwrap_or(&name),
            world.config().organization.tenant_domain
        );
        let ways = WAYS
            .iter()
            .map(|(word, label, _)| Choice::new(*word, *label))
            .collect();
        let mut applications = vec![Choice::new("", "(none)")];
        applications.extend(
            world
                .config()
                .applications
                .iter()
                .map(|one| Choice::new(one.id.0.clone(), one.name.clone())),
        );
        let connections: Vec<Choice> = world
            .config()
            .connections
            .iter()
            .filter(|one| one.login.is_some())
            .map(|one| Choice::new(one.id.0.clone(), one.name.clone()))
            .collect();
        let fields = vec![
            Field::choice("way", "How", ways, way).hint("Left and Right change what happens."),
            Field::text("user", "User", &name)
                .required()
                .only_when("way", USERS)
                .hint("NAME, or STORE/NAME for another user store."),
            Field::text("given", "Given name", given).only_when("way", CREATES),
            Field::text("family", "Family name", family).only_when("way", CREATES),
            Field::text("mail", "Mail", &mail).only_when("way", CREATES),
            Field::text("roles", "Roles", "")
                .only_when("way", CREATES)
                .hint(&world.roles_hint()),
            Field::text("groups", "Groups", "")
                .only_when("way", CREATES)
                .hint("Separated by commas."),
            Field::choice("connection", "Connection", connections, "")
                .required()
                .only_when("way", &["login"]),
            Field::choice("application", "Application", applications, "")
                .only_when("way", &["api", "self-signup", "login"])
                .hint("The application through which it comes."),
            Field::secret("password", "Password", None)
                .only_when("way", &["console", "api", "self-signup", "password"])
                .hint("Kept in memory only, until the first confirmed send."),
            world
                .role_field()
                .required()
                .only_when("way", &["role-assigned", "role-revoked"]),
            Field::text("set", "Claims", "")
                .required()
                .only_when("way", &["update"])
                .hint("claim=value; claim=value. An empty value empties the claim."),
            Field::text("group", "Group", user.unwrap_or("staff"))
                .required()
                .only_when("way", GROUPS),
            Field::text("to", "New name", "")
                .required()
                .only_when("way", &["rename", "group-renamed"]),
            Field::text("add", "Members", "")
                .only_when("way", &["group-created", "group-changed"])
                .hint("Users to add, separated by commas."),
            Field::text("gone", "Leave", "")
                .only_when("way", &["group-changed"])
                .hint("Users to remove."),
        ];
        let buttons = vec![
            Button::acts("plan", "Dry run"),
            Button::acts("go", "Trigger"),
        ];
        let mut form = Form::new(fields, buttons);
        form.focus_button("go");
        self.form = Some(form);
        self.plan = None;
        self.planned = false;
        self.reading = false;
    }

    fn submit(&mut self, is_plan: bool) -> Vec<Wish> {
        let Some(form) = &self.form else {
            return Vec::new();
        };
        match request(form) {
            Err(told) => vec![Wish::Fail(told)],
            Ok(request) if is_plan || !self.planned => {
                self.waiting = true;
                self.planned = true;
                vec![Wish::Do(Deed::Plan(Box::new(request)))]
            }
            Ok(request) => {
                self.waiting = true;
                let told = "under way; a blocking provisioner makes the caller wait".to_owned();
                vec![Wish::Do(Deed::Submit(Box::new(request))), Wish::Say(told)]
            }
        }
    }

    fn draw_plan(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let inner = pen.frame(
            area,
            "What would follow",
            if self.planned { "dry run" } else { "" },
            self.reading,
        );
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        match &self.plan {
            None => {
                let text = if self.waiting {
                    "asking …"
                } else {
                    "Press Trigger (or Dry run): what would follow is shown here first, and nothing is done. \
                     Press Trigger again to do it."
                };
                pen.paragraph(inner, text, theme.dim);
            }
            Some(Err(told)) => {
                pen.paragraph(inner, told, theme.bad);
            }
            Some(Ok(plan)) => {
                let lines = why::tell_plan(&plan.triggers, &theme, &|at| world.time(at));
                self.text
                    .draw(pen, inner, lines.len(), |at| lines[at].line.clone());
            }
        }
    }
}

/// Returns the letters of a name that everybody can type.
fn ascii(name: &str) -> String {
    name.chars()
        .filter_map(|letter| match letter {
            'ë' => Some('e'),
            'á' => Some('a'),
            letter => letter
                .is_ascii_alphabetic()
                .then(|| letter.to_ascii_lowercase()),
        })
        .collect()
}

impl Panel for Trigger {
    fn id(&self) -> &'static str {
        "trigger"
    }

    fn title(&self) -> &'static str {
        "Trigger"
    }

    fn short(&self) -> &'static str {
        "Trigger"
    }

    fn draw(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let Some(form) = &self.form else {
            let inner = pen.frame(area, "Trigger", "", true);
            pen.paragraph(
                inner,
                " t fills in an example; Enter then shows what would follow.",
                world.theme.dim,
            );
            return;
        };
        let (left, right) = if area.width >= 100 {
            let half = area.width / 2;
            (
                Rect {
                    width: half,
                    ..area
                },
                Rect {
                    x: area.x + half,
                    width: area.width - half,
                    ..area
                },
            )
        } else if self.reading || (self.plan.is_some() && area.height < 30) {
            // The plan takes the room; the form is a Tab away.
            let form_rows = 5.min(area.height);
            (
                Rect {
                    height: form_rows,
                    ..area
                },
                Rect {
                    y: area.y + form_rows,
                    height: area.height - form_rows,
                    ..area
                },
            )
        } else {
            let form_rows = 14.min(area.height);
            (
                Rect {
                    height: form_rows,
                    ..area
                },
                Rect {
                    y: area.y + form_rows,
                    height: area.height - form_rows,
                    ..area
                },
            )
        };
        let inner = pen.frame(left, "Trigger", "", !self.reading);
        form.draw(pen, inner, !self.reading, world.passed);
        if right.height >= 3 {
            self.draw_plan(world, pen, right);
        }
    }

    fn takes_text(&self) -> bool {
        !self.reading && self.form.as_ref().is_some_and(Form::takes_text)
    }

    fn key(&mut self, world: &World, key: Key) -> Option<Vec<Wish>> {
        if self.reading {
            if matches!(key.code, KeyCode::Tab | KeyCode::BackTab) {
                self.reading = false;
                return Some(Vec::new());
            }
            let to = Move::of(key)?;
            self.text.go(to, 10_000);
            return Some(Vec::new());
        }
        let form = self.form.as_mut()?;
        match form.key(key, world.passed) {
            Pressed::Nothing => None,
            Pressed::Moved => Some(Vec::new()),
            Pressed::Changed => {
                self.planned = false;
                self.plan = None;
                Some(Vec::new())
            }
            Pressed::Button(id) => Some(self.submit(id == "plan")),
        }
    }

    fn revealed(&self) -> Option<Duration> {
        self.form.as_ref()?.revealed()
    }

    fn paste(&mut self, _world: &World, text: &str) -> Vec<Wish> {
        if let Some(form) = self.form.as_mut().filter(|_| !self.reading) {
            form.paste(text);
            self.planned = false;
        }
        Vec::new()
    }

    fn actions(&self, _world: &World) -> Vec<Action> {
        let command = self.form.as_ref().map_or("user-created", |form| {
            let way = form.value("way");
            WAYS.iter()
                .find(|(word, ..)| *word == way)
                .map_or("user-created", |(.., command)| command)
        });
        let mut actions = vec![Action::new(
            "example",
            Key::letter('t'),
            "Fill in another example",
        )];
        if self.form.is_some() {
            actions.extend([
                Action::new("plan", Key::letter('p'), "Dry run")
                    .like(format!("outbound plan {command} …")),
                Action::named("go", "Trigger").like(format!("outbound trigger {command} …")),
                Action::new("read", Key::letter('v'), "Read what would follow").quiet(),
            ]);
        }
        for (word, label, command) in WAYS {
            actions.push(
                Action::named(word, format!("Trigger: {label}"))
                    .like(format!("outbound trigger {command} …")),
            );
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        match id {
            "example" => self.fill(world, "console", None),
            "plan" => return self.submit(true),
            "go" => return self.submit(false),
            "read" => self.reading = !self.reading,
            way => self.fill(world, way, None),
        }
        Vec::new()
    }

    fn answer(&mut self, _world: &World, answer: &Answer) -> Vec<Wish> {
        match answer {
            Answer::Planned(plan) => {
                self.waiting = false;
                self.planned &= plan.is_ok();
                self.plan = Some(match plan {
                    Ok(plan) => Ok(plan.clone()),
                    Err(told) => Err(told.clone()),
                });
                self.text = Text::default();
                if let Some(form) = &mut self.form {
                    form.focus_button("go");
                }
                Vec::new()
            }
            Answer::Submitted(Err(told)) => {
                self.waiting = false;
                self.planned = false;
                vec![Wish::Fail(told.clone())]
            }
            Answer::Submitted(Ok(outcome)) => {
                self.waiting = false;
                self.planned = false;
                self.plan = None;
                self.form = None;
                let go = Wish::Go("traffic", Some(Errand::Flow(outcome.flow)));
                match &outcome.rejected {
                    Some(cause) => {
                        let told = format!("the change was NOT made, because {cause}");
                        vec![go, Wish::Fail(told)]
                    }
                    None => vec![
                        go,
                        Wish::Say(match outcome.operations {
                            0 => "done: nothing is to be sent for it, and Why says why".to_owned(),
                            count => format!("done: {}", counted(count, "operation")),
                        }),
                    ],
                }
            }
            _ => Vec::new(),
        }
    }

    fn form(&mut self) -> Option<&mut Form> {
        self.form.as_mut()
    }

    fn errand(&mut self, world: &World, errand: Errand) -> Vec<Wish> {
        if let Errand::Trigger { way, user } = errand {
            self.fill(world, way, user.as_deref());
        }
        Vec::new()
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        if std::mem::take(&mut self.reading)
            || self.plan.take().is_some()
            || self.form.take().is_some()
        {
            self.planned = false;
            return Some(Vec::new());
        }
        None
    }

    fn status(&self, _world: &World) -> String {
        if self.planned && matches!(self.plan, Some(Ok(_))) {
            "This is what would follow. Enter on Trigger does it; Esc goes back.".to_owned()
        } else {
            "The dry run is shown first; nothing is sent before Trigger is pressed again."
                .to_owned()
        }
    }
}
