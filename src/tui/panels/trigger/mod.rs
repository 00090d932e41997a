//! *Trigger*: makes something happen to a user or group. What would follow is shown before anything is done.

mod example;
mod outlook;
mod request;
mod roles;
mod who;

use std::time::Duration;

use crossterm::event::KeyCode;
use domain::{Change, FlowId, Request};
use engine::Plan;
use ratatui::layout::Rect;

use example::{Example, Kinds};
use outlook::outlook;
use request::request;

pub(crate) use request::sets;

use crate::action::Action;
use crate::draft::Draft;
use crate::keymap::{Key, Move};
use crate::modal::{Modal, Question};
use crate::outcome::Outcome;
use crate::paint::{Line, Pen, Span, counted, wrap};
use crate::panel::Panel;
use crate::why;
use crate::widgets::{Button, Choice, Field, Form, Pressed, Text};
use crate::wish::{Answer, Deed, DirectoryTab, Errand, Known, Offer, Query, Who, Wish};
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
    ("role-created", "Create a role", "role-created"),
    ("role-renamed", "Rename a role", "role-renamed"),
    ("role-deleted", "Delete a role", "role-deleted"),
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
const ROLES: &[&str] = &[
    "role-assigned",
    "role-revoked",
    "role-renamed",
    "role-deleted",
];
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

/// The action that gives up what was filled in; only its question leads there.
const DISCARD: &str = "discard-form";
/// The action that hands in what a question was about; only that question leads there.
const HAND_IN: &str = "hand-in";

/// The rows of the form, frame and buttons among them, where what would follow stands below it.
const MOST_FORM: u16 = 14;
const LEAST_FORM: u16 = 5;

/// What is said while a request that was handed in is not answered.
const UNDER_WAY: &str = "under way; a blocking provisioner makes the caller wait";

/// What is said where no form is filled in.
const NOTHING: &str = "Nothing is filled in. t fills in a new user as an example; the palette (:) has the other things that \
                       can happen, as to a role, a group or a password. What would follow is shown before anything is done.";

/// What is said where what would follow is shown.
const FIRST: &str = "Press Trigger (or Dry run): what would follow is shown here first, and nothing is done. Press Trigger \
                     again to do it.";

/// What help says of a field that is a claim.
const CLAIM: &str = "A claim of the user. Each target gets it as its connection's attribute mapping says, or, where there \
                     is none, as its connector does by itself.";
const GROUPS_ABOUT: &str = "They have to be in the directory. A target that keeps groups hears of the membership once it has \
                            the group and the user.";

/// The panel.
#[derive(Default)]
pub(crate) struct Trigger {
    form: Option<Form>,
    plan: Option<Result<Box<Plan>, String>>,
    /// The plan on the screen is for what the form says now.
    planned: bool,
    /// How many dry runs were asked for and are not answered.
    plans: usize,
    waits: Waits,
    text: Text,
    reading: bool,
    count: u64,
    example: Example,
    /// Who is in the directory, and the board's version when that was asked for.
    offer: Option<Offer>,
    offered_at: Option<u64>,
    is_offering: bool,
    kinds: Kinds,
    /// What is handed in once the question about it is answered.
    request: Option<Request>,
    sent: Sent,
    /// What was told last of the last request: what came of it, or why nothing did.
    last_told: Option<String>,
    followed: Option<Followed>,
    /// The panel that `Esc` leads back to, when the form was filled in from there.
    back: Option<&'static str>,
    /// What the directory says of whom the form is about.
    who: Option<(Who, Known)>,
    asked_who: Option<Who>,
    /// The form was opened for one role.
    is_of_role: bool,
}

/// What is waited for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Waits {
    #[default]
    Nothing,
    Plan,
    /// The answer to a request that was handed in: until it comes, nothing else is.
    Answer,
}

/// A flow that was handed in here, until it is known what became of it.
struct Followed {
    flow: FlowId,
    /// It was read at least once.
    is_read: bool,
    is_asked: bool,
    /// The board's last fact when it was asked for.
    asked_at: u64,
    /// How it stood when that was told last.
    told: Option<Outcome>,
}

impl Followed {
    fn new(flow: FlowId) -> Self {
        Self {
            flow,
            is_read: false,
            is_asked: false,
            asked_at: 0,
            told: None,
        }
    }
}

/// What the last request that was handed in leads to on the screen.
#[derive(Debug, Default)]
struct Sent {
    /// What is there under a new name, to be selected in the directory.
    shows: Option<(DirectoryTab, String)>,
    /// It changes a role, which is a trigger for its holders alone.
    is_of_role: bool,
}

impl Sent {
    fn of(change: &Change) -> Self {
        let shows = match change {
            Change::CreateUser { user, .. } => Some((DirectoryTab::Users, user.name.to_string())),
            Change::UpdateUser {
                user,
                rename: Some(to),
                ..
            } => Some((DirectoryTab::Users, user.renamed(to).to_string())),
            Change::CreateGroup { group, .. } => Some((DirectoryTab::Groups, group.to_string())),
            Change::RenameGroup { group, to } => {
                Some((DirectoryTab::Groups, group.renamed(to).to_string()))
            }
            Change::CreateRole { role, .. } => Some((DirectoryTab::Roles, role.to_string())),
            Change::RenameRole { role, to } => {
                Some((DirectoryTab::Roles, role.renamed(to).to_string()))
            }
            _ => None,
        };
        Self {
            shows,
            is_of_role: matches!(
                change,
                Change::CreateRole { .. } | Change::RenameRole { .. } | Change::DeleteRole { .. }
            ),
        }
    }
}

impl Trigger {
    /// Fills the form in for a way. Where nobody is named it is offered an example, or somebody who is there; what is done
    /// with a role leaves the user open. What came of an earlier request is not told below it any more.
    fn fill(
        &mut self,
        world: &World,
        way: &str,
        named: Option<&str>,
        role: Option<&str>,
    ) -> Vec<Wish> {
        self.count += 1;
        self.example = Example::of(world.seed.wrapping_add(self.count));
        // Who was there a while ago may have gone; it is asked anew.
        if self.offered_at != Some(world.board.directory_version) {
            self.offer = None;
        }
        let (user, group) = if GROUPS.contains(&way) {
            (None, named)
        } else {
            (named, None)
        };
        let chosen_role = role.or_else(|| world.selected_of(DirectoryTab::Roles));
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
            Field::choice("way", "How", ways, way).key_hint("Left and Right change what happens."),
            Field::text("user", "User", user.unwrap_or_default())
                .required()
                .only_when("way", USERS)
                .hint("NAME, or STORE/NAME for another user store."),
            Field::text("given", "Given name", self.example.given)
                .offered()
                .only_when("way", CREATES)
                .about(CLAIM),
            Field::text("family", "Family name", self.example.family)
                .offered()
                .only_when("way", CREATES)
                .about(CLAIM),
            Field::text("mail", "Mail", "")
                .only_when("way", CREATES)
                .about(CLAIM),
            Field::text("roles", "Roles", "")
                .only_when("way", CREATES)
                .hint(&world.roles_hint()),
            Field::text("groups", "Groups", "")
                .only_when("way", CREATES)
                .hint("Separated by commas.")
                .about(GROUPS_ABOUT),
            Field::choice("connection", "Connection", connections, "")
                .required()
                .only_when("way", &["login"])
                .about("The identity provider that the user comes through."),
            Field::choice("application", "Application", applications, "")
                .only_when("way", &["api", "self-signup", "login"])
                .hint("The application through which it comes."),
            Field::secret("password", "Password", None)
                .only_when("way", &["console", "api", "self-signup", "password"])
                .hint("Kept in memory only, until the first confirmed send."),
            world
                .role_field(chosen_role)
                .required()
                .only_when("way", ROLES)
                .about("A role of the directory, or one that a connection's Outbound Provisioning Roles name."),
            Field::text("renamed", "New name", "")
                .required()
                .only_when("way", &["role-renamed"])
                .about("Within the same audience. Connections know roles by their names: one that asks for the old name \
                        goes on asking for it."),
            Field::text("created", "Role", &world.free_role())
                .offered()
                .required()
                .only_when("way", &["role-created"])
                .hint("NAME for the organization's own (Internal/NAME), or Application/NAME."),
            Field::text("holders", "Holders", "")
                .only_when("way", &["role-created"])
                .hint("Users who hold it from the start, separated by commas."),
            Field::text("set", "Claims", "")
                .required()
                .only_when("way", &["update"])
                .check(|text| sets(text).map(|_| ()))
                .hint("claim=value; claim=value. An empty value empties the claim.")
                .about("For example title=Dr; department="),
            Field::text("group", "Group", group.unwrap_or_default())
                .required()
                .only_when("way", GROUPS)
                .about("NAME, or STORE/NAME for another user store."),
            Field::text("to", "New name", "")
                .required()
                .only_when("way", &["rename", "group-renamed"])
                .about("Within the same user store. Links stay: they hang on the targets' own ids."),
            Field::text("add", "Members", "")
                .only_when("way", &["group-created"])
                .hint("Users, separated by commas."),
            Field::text("add", "Join", "")
                .only_when("way", &["group-changed"])
                .hint("Users who become members, separated by commas."),
            Field::text("gone", "Leave", "")
                .only_when("way", &["group-changed"])
                .hint("Members who leave the group, separated by commas."),
        ];
        let buttons = vec![
            Button::acts("plan", "Dry run"),
            Button::acts("go", "Trigger"),
        ];
        let mut form = Form::new(fields, buttons);
        // Where it is about somebody already, it begins at what is left to fill in; an example has everything.
        let open = match (way, named, role) {
            ("role-assigned" | "role-revoked", Some(_), _) => "role",
            ("role-assigned" | "role-revoked", None, Some(_)) => "user",
            ("role-renamed", _, Some(_)) => "renamed",
            ("update", Some(_), _) => "set",
            ("rename" | "group-renamed", Some(_), _) => "to",
            ("group-changed", Some(_), _) => "add",
            ("password", Some(_), _) => "password",
            // Nothing happens to somebody who was only offered before it was seen who that is.
            (_, None, None) if !makes_new(way) => first_field(way),
            _ => "",
        };
        if open.is_empty() || !form.focus_field(open) {
            form.focus_button("go");
        }
        self.forget();
        self.is_of_role = role.is_some();
        self.form = Some(form);
        self.kinds = Kinds::default();
        self.suit(world);
        let past = self.last_told.take().map(Wish::Past);
        past.into_iter().collect()
    }

    /// Says that what happens was chosen already, so that nobody is asked for it where fields are asked for line by line.
    fn settle_way(&mut self) {
        let form = self.form.as_mut();
        if let Some(way) = form.and_then(|form| form.field_mut("way")) {
            way.settle();
        }
    }

    /// Forgets everything that belongs to what is filled in.
    fn forget(&mut self) {
        self.form = None;
        self.plan = None;
        self.planned = false;
        self.reading = false;
        self.request = None;
        self.back = None;
        self.who = None;
        self.text = Text::default();
    }

    /// Tells whether something was typed that a key too many must not lose.
    fn is_typed(&self) -> bool {
        let mut fields = self.form.iter().flat_map(|form| &form.fields);
        fields.any(|field| field.changed && field.takes_text())
    }

    /// Asks whether what was typed may be lost; then these wishes are granted.
    fn ask_to_discard(then: Vec<Wish>) -> Vec<Wish> {
        let body =
            vec!["What was typed into the form is lost then. Nothing was done with it.".to_owned()];
        let mut discard = vec![Wish::Act("trigger", DISCARD)];
        discard.extend(then);
        let answers = vec![("Discard", discard), ("Stay", Vec::new())];
        let question = Question::new("Discard what was typed?", body, None, answers);
        vec![Wish::Show(Box::new(Modal::Question(question)))]
    }

    /// Returns to where the form was filled in from.
    fn way_back(&self) -> Vec<Wish> {
        let back = self.back.map(|panel| Wish::Go(panel, None));
        back.into_iter().collect()
    }

    /// Hands in what was asked for, once; nothing else is handed in before it is answered.
    fn hand_in(&mut self) -> Vec<Wish> {
        let Some(request) = self.request.take() else {
            return Vec::new();
        };
        self.waits = Waits::Answer;
        self.reading = false;
        self.sent = Sent::of(&request.change);
        // What became of an earlier request is not said of this one.
        self.followed = None;
        let past = self.last_told.take().map(Wish::Past);
        let submit = Wish::Do(Deed::Submit(Box::new(request)));
        past.into_iter().chain([submit]).collect()
    }

    fn submit(&mut self, world: &World, is_plan: bool) -> Vec<Wish> {
        if self.waits == Waits::Answer {
            return vec![Wish::Say(UNDER_WAY.to_owned())];
        }
        let Some(form) = &mut self.form else {
            return Vec::new();
        };
        if !form.validate() {
            return Vec::new();
        }
        match request(form) {
            Err((field, told)) if form.refuse(field, &told) => Vec::new(),
            Err((_, told)) => vec![Wish::Fail(told)],
            Ok(request) if is_plan || !self.planned => {
                self.waits = Waits::Plan;
                self.plans += 1;
                self.planned = true;
                self.plan = None;
                vec![Wish::Do(Deed::Plan(Box::new(request)))]
            }
            Ok(request) => {
                // What would follow has not come yet, and nothing is done before it was seen.
                let Some(Ok(plan)) = &self.plan else {
                    return Vec::new();
                };
                let question = roles::question(world, &request, plan);
                self.request = Some(request);
                match question {
                    Some(question) => vec![Wish::Show(Box::new(question))],
                    None => self.hand_in(),
                }
            }
        }
    }

    /// Returns the rows of the form above what would follow. A refusal takes what it needs of them and no more: what it is
    /// about stands in the form, and is mended there.
    fn form_rows(&self, area: Rect) -> u16 {
        let told = match &self.plan {
            Some(Err(told)) => {
                let width = usize::from(area.width.saturating_sub(4));
                let told = refused(told);
                let rows: usize = told.lines().map(|line| wrap(line, width).len()).sum();
                u16::try_from(rows + 2).unwrap_or(u16::MAX)
            }
            Some(Ok(_)) | None => 0,
        };
        let most = area
            .height
            .saturating_sub(told)
            .clamp(LEAST_FORM, MOST_FORM);
        most.min(area.height)
    }

    fn draw_plan(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let note = match self.waits {
            Waits::Answer => "under way",
            Waits::Nothing | Waits::Plan if self.planned => "dry run",
            Waits::Nothing | Waits::Plan => "",
        };
        let inner = pen.frame(area, "What would follow", note, self.reading);
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        match &self.plan {
            None if self.waits == Waits::Plan => {
                pen.paragraph(inner, "asking …", theme.dim);
            }
            None => {
                let mut lines = self.known(&theme);
                if lines.is_empty() {
                    pen.paragraph(inner, FIRST, theme.dim);
                    return;
                }
                lines.push(Line::new());
                lines.push(vec![Span::new(FIRST, theme.dim)]);
                self.text
                    .draw(pen, inner, lines.len(), |at| lines[at].clone());
            }
            Some(Err(told)) => {
                pen.paragraph(inner, &refused(told), theme.bad);
            }
            Some(Ok(plan)) if plan.triggers.is_empty() => {
                let text = "Nobody is concerned: only the directory changes, and nothing is sent.";
                pen.paragraph(inner, text, theme.dim);
            }
            Some(Ok(plan)) => {
                let mut lines = vec![vec![Span::new(outlook(plan), theme.title)], Line::new()];
                let told = why::tell_plan(&plan.triggers, &theme, &|at| world.time(at));
                lines.extend(told.into_iter().map(|told| told.line));
                self.text
                    .draw(pen, inner, lines.len(), |at| lines[at].clone());
            }
        }
    }
}

/// Says why a dry run comes to nothing.
fn refused(told: &str) -> String {
    format!("Would be refused: {told}")
}

/// Tells whether it makes somebody or something new, who cannot be there yet.
fn makes_new(way: &str) -> bool {
    CREATES.contains(&way) || matches!(way, "group-created" | "role-created")
}

/// Returns the field that says whom or what it happens to.
fn first_field(way: &str) -> &'static str {
    match way {
        "role-created" => "created",
        "role-renamed" | "role-deleted" => "role",
        way if GROUPS.contains(&way) => "group",
        _ => "user",
    }
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
            let inner = Rect {
                x: inner.x + 1,
                width: inner.width.saturating_sub(2),
                ..inner
            };
            pen.paragraph(inner, NOTHING, world.theme.dim);
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
        } else if self.reading || (matches!(self.plan, Some(Ok(_))) && area.height < 30) {
            // The plan takes the room; the form is a Tab away.
            let form_rows = LEAST_FORM.min(area.height);
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
            let form_rows = self.form_rows(area);
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
        // While a request is under way its buttons are dead.
        let has_keys = !self.reading && self.waits != Waits::Answer;
        let inner = pen.frame(left, "Trigger", "", has_keys);
        form.draw(pen, inner, has_keys, world.passed);
        if right.height >= 3 {
            self.draw_plan(world, pen, right);
        }
    }

    fn takes_text(&self) -> bool {
        !self.reading
            && self.waits != Waits::Answer
            && self.form.as_ref().is_some_and(Form::takes_text)
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
        if self.waits == Waits::Answer {
            if matches!(key.code, KeyCode::Enter | KeyCode::Char(' ')) {
                return Some(vec![Wish::Say(UNDER_WAY.to_owned())]);
            }
            self.text.go(Move::of(key)?, 10_000);
            return Some(Vec::new());
        }
        let form = self.form.as_mut()?;
        match form.key(key, world.passed) {
            // A page needs no change of the pane.
            Pressed::Nothing if matches!(key.code, KeyCode::PageUp | KeyCode::PageDown) => {
                self.text.go(Move::of(key)?, 10_000);
                Some(Vec::new())
            }
            Pressed::Nothing => None,
            Pressed::Moved => Some(Vec::new()),
            Pressed::Changed => {
                self.form_changed(world);
                Some(Vec::new())
            }
            Pressed::Button(id) => Some(self.submit(world, id == "plan")),
        }
    }

    fn revealed(&self) -> Option<Duration> {
        self.form.as_ref()?.revealed()
    }

    fn paste(&mut self, world: &World, text: &str) -> Vec<Wish> {
        let takes = !self.reading && self.waits != Waits::Answer;
        if let Some(form) = self.form.as_mut().filter(|_| takes) {
            form.paste(text);
            self.form_changed(world);
        }
        Vec::new()
    }

    fn typing_keys(&self) -> &'static [(&'static str, &'static str)] {
        &[("Tab", "next"), ("Enter", "next"), ("Esc", "back")]
    }

    fn arrive(&mut self, world: &World) -> Vec<Wish> {
        if self.form.is_none() && self.waits == Waits::Nothing {
            return self.fill(world, "console", None, None);
        }
        Vec::new()
    }

    fn holds(&self) -> Option<String> {
        // What was handed in goes on without the screen.
        let form = self.form.as_ref().filter(|_| self.is_typed())?;
        let way = form.value("way");
        let label = WAYS.iter().find(|(word, ..)| *word == way);
        let label = label.map_or("Trigger", |(_, label, _)| label);
        let is_lost = self.waits != Waits::Answer;
        is_lost.then(|| format!("What was typed in Trigger ({label})"))
    }

    fn waits(&self) -> bool {
        self.waits == Waits::Answer
    }

    fn form_changed(&mut self, world: &World) {
        self.planned = false;
        self.plan = None;
        self.suit(world);
    }

    fn actions(&self, world: &World) -> Vec<Action> {
        let command = self.form.as_ref().map_or("user-created", |form| {
            let way = form.value("way");
            WAYS.iter()
                .find(|(word, ..)| *word == way)
                .map_or("user-created", |(.., command)| command)
        });
        let example = if self.form.is_some() {
            "Fill in another example"
        } else {
            "Fill in an example"
        };
        let mut actions = vec![Action::new("example", Key::letter('t'), example)];
        let has_lines = matches!(&self.plan, Some(Ok(_))) || !self.known(&world.theme).is_empty();
        let reads = self.reading || (has_lines && self.text.scrolls());
        if self.form.is_some() && reads {
            let label = if self.reading {
                "To the form"
            } else {
                "Scroll: what would follow (PgUp and PgDn do it, too)"
            };
            // First in the row: where there is little room, the end of what is shown is reached by it alone.
            actions.insert(0, Action::new("read", Key::letter('v'), label));
        }
        if self.form.is_some() && self.waits != Waits::Answer {
            // As in every form, unless there are changes of the file: they are saved by the same key.
            let is_dirty = world.draft.as_ref().is_some_and(Draft::is_changed);
            let go = if is_dirty {
                Action::named("go", "Trigger")
            } else {
                Action::new("go", Key::ctrl('s'), "Trigger").quiet()
            };
            actions.extend([
                Action::new("plan", Key::letter('p'), "Dry run")
                    .like(format!("outbound plan {command} …")),
                go.like(format!("outbound trigger {command} …")),
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
            "read" => self.reading = !self.reading,
            // What is filled in is what waits for its answer.
            _ if self.waits == Waits::Answer => return vec![Wish::Say(UNDER_WAY.to_owned())],
            "plan" => return self.submit(world, true),
            "go" => return self.submit(world, false),
            HAND_IN => return self.hand_in(),
            DISCARD => self.forget(),
            "example" if self.is_typed() => {
                return Self::ask_to_discard(vec![Wish::Act("trigger", "example")]);
            }
            "example" => return self.fill(world, "console", None, None),
            way => {
                let known = WAYS.iter().find(|(word, ..)| *word == way);
                match known {
                    Some((way, ..)) if self.is_typed() => {
                        return Self::ask_to_discard(vec![Wish::Act("trigger", way)]);
                    }
                    Some((way, ..)) => {
                        let past = self.fill(world, way, None, None);
                        self.settle_way();
                        return past;
                    }
                    None => {}
                }
            }
        }
        Vec::new()
    }

    fn wants(&mut self, world: &World) -> Vec<Query> {
        let who = self.is_about().filter(|_| self.asked_who.is_none());
        let who = who.filter(|who| self.who.as_ref().is_none_or(|(known, _)| known != who));
        self.asked_who = self.asked_who.take().or_else(|| who.clone());
        let mut queries: Vec<Query> = who.into_iter().map(Query::Who).collect();
        let version = Some(world.board.directory_version);
        if self.form.is_some() && self.offered_at != version && !self.is_offering {
            self.offered_at = version;
            self.is_offering = true;
            queries.push(Query::Offer);
        }
        queries
    }

    fn follows(&mut self, world: &World) -> Option<Query> {
        let followed = self
            .followed
            .as_mut()
            .filter(|followed| !followed.is_asked)?;
        let has_changed = world.board.changed_since(followed.flow, followed.asked_at);
        if followed.is_read && !has_changed {
            return None;
        }
        followed.is_read = true;
        followed.is_asked = true;
        followed.asked_at = world.board.seq;
        Some(Query::Outcome(followed.flow))
    }

    fn answer(&mut self, world: &World, answer: &Answer) -> Vec<Wish> {
        match answer {
            Answer::Planned(plan) => {
                self.plans = self.plans.saturating_sub(1);
                // Only the last one that was asked for can be about what the form says now.
                if self.plans > 0 || self.waits == Waits::Answer {
                    return Vec::new();
                }
                self.waits = Waits::Nothing;
                if !std::mem::take(&mut self.planned) {
                    return Vec::new();
                }
                self.planned = plan.is_ok();
                self.reading &= plan.is_ok();
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
                self.waits = Waits::Nothing;
                self.planned = false;
                self.plan = None;
                self.last_told = Some(told.clone());
                vec![Wish::Fail(told.clone())]
            }
            Answer::Submitted(Ok(outcome)) => {
                // Without its form it was asked for line by line, and nobody looks elsewhere meanwhile.
                let is_of_form = std::mem::take(&mut self.waits) == Waits::Answer;
                let leads = |to, errand| {
                    if is_of_form {
                        let from = "trigger";
                        Wish::Lead { from, to, errand }
                    } else {
                        Wish::Go(to, errand)
                    }
                };
                let planned = self.plan.as_ref().and_then(|plan| plan.as_ref().ok());
                let whose = planned.and_then(|plan| plan.triggers.first()).map(|one| {
                    let trigger = &one.trigger;
                    format!("{} {}: ", trigger.kind, trigger.subject_name)
                });
                // Nothing was decided about any connector: there is no Why to be read.
                let concerns_nobody = planned.is_some_and(|plan| {
                    let mut triggers = plan.triggers.iter();
                    triggers.all(|trigger| trigger.decisions.is_empty())
                });
                self.forget();
                // Who is there has changed by it.
                self.offer = None;
                self.offered_at = None;
                let sent = std::mem::take(&mut self.sent);
                let go = leads("traffic", Some(Errand::Flow(outcome.flow)));
                if let Some(rejection) = &outcome.rejected {
                    let told = format!(
                        "{}the change was NOT made, because {}\n{}",
                        whose.unwrap_or_default(),
                        rejection.told,
                        why::AGAIN
                    );
                    self.last_told = Some(told.clone());
                    return vec![go, Wish::Fail(told)];
                }
                // How many there are says nothing of what becomes of them.
                self.followed = (outcome.operations > 0).then(|| Followed::new(outcome.flow));
                let select = sent.shows.map(|(tab, name)| Errand::Select { tab, name });
                let mut wishes = Vec::new();
                let told = match outcome.operations {
                    0 if sent.is_of_role => "done: nothing is to be sent for it".to_owned(),
                    0 if concerns_nobody => {
                        "done: no connector asks for it, so nothing is to be sent".to_owned()
                    }
                    0 => "done: nothing is to be sent for it, and Why says why".to_owned(),
                    count => format!("taken: {}", counted(count, "operation")),
                };
                self.last_told = Some(told.clone());
                // The directory is prepared for whoever goes back to it.
                let is_new = select.is_some();
                wishes.extend(select.map(|new| Wish::Tell("directory", new)));
                if outcome.operations > 0 || !(sent.is_of_role || concerns_nobody) {
                    wishes.push(go);
                } else if sent.is_of_role || is_new {
                    wishes.push(leads("directory", None));
                }
                wishes.push(Wish::Say(told));
                wishes
            }
            Answer::Outcome(flow, outcome) => self.came(*flow, outcome),
            Answer::Unread(Query::Outcome(flow), _) => {
                let followed = self.followed.as_mut();
                if let Some(followed) = followed.filter(|one| one.flow == *flow) {
                    followed.is_asked = false;
                    followed.is_read = false;
                }
                Vec::new()
            }
            Answer::Unread(Query::Who(who), _) if self.asked_who.as_ref() == Some(who) => {
                self.asked_who = None;
                Vec::new()
            }
            Answer::Who(who, known) if self.asked_who.as_ref() == Some(who) => {
                self.asked_who = None;
                self.who = Some((who.clone(), known.clone()));
                self.offer_roles(world);
                Vec::new()
            }
            Answer::Offer(offer) => {
                self.is_offering = false;
                self.offer = Some(offer.clone());
                self.suit(world);
                Vec::new()
            }
            // It is asked for again when the directory has changed, and until then nobody is offered.
            Answer::Unread(Query::Offer, _) => {
                self.is_offering = false;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn form(&mut self) -> Option<&mut Form> {
        self.form.as_mut()
    }

    fn errand(&mut self, world: &World, errand: Errand) -> Vec<Wish> {
        match errand {
            Errand::Trigger { .. } | Errand::Role { .. } if self.waits == Waits::Answer => {
                return vec![Wish::Say(UNDER_WAY.to_owned())];
            }
            // Whoever looked elsewhere meanwhile finds the form as it was left.
            Errand::Trigger {
                way: "console",
                user: None,
                ..
            } if self.is_typed() => {
                return vec![Wish::Say("the form is as it was left".to_owned())];
            }
            Errand::Trigger { .. } | Errand::Role { .. } if self.is_typed() => {
                return Self::ask_to_discard(vec![Wish::Go("trigger", Some(errand))]);
            }
            Errand::Trigger { way, user, back } => {
                let past = self.fill(world, way, user.as_deref(), None);
                self.back = back;
                // Whoever comes from a list has said what is to happen, and not yet to whom, where nobody is named.
                if back.is_some() {
                    self.settle_way();
                }
                if let (Some(_), None, Some(form)) = (back, &user, self.form.as_mut()) {
                    form.focus_field(first_field(way));
                }
                return past;
            }
            Errand::Role { way, role, back } => {
                let past = self.fill(world, way, None, Some(&role));
                self.back = back;
                self.settle_way();
                return past;
            }
            Errand::Flow(_)
            | Errand::Operation { .. }
            | Errand::NextProblem
            | Errand::Select { .. }
            | Errand::Failed { .. } => {}
        }
        Vec::new()
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        if std::mem::take(&mut self.reading) {
            return Some(Vec::new());
        }
        if self.waits == Waits::Answer {
            return None;
        }
        if self.plan.take().is_some() {
            self.planned = false;
            return Some(Vec::new());
        }
        let back = self.way_back();
        if self.is_typed() {
            return Some(Self::ask_to_discard(back));
        }
        self.form.take().map(|_| {
            self.forget();
            back
        })
    }

    fn status(&self, _world: &World) -> String {
        if self.waits == Waits::Answer {
            UNDER_WAY.to_owned()
        } else if self.planned && matches!(self.plan, Some(Ok(_))) {
            "This is what would follow. Enter on Trigger does it; Esc goes back.".to_owned()
        } else {
            "The dry run is shown first; nothing is sent before Trigger is pressed again."
                .to_owned()
        }
    }
}
