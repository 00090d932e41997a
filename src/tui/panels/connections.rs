//! *Connections*: the list, *New Connection* from templates, and the detail with its tabs.

use std::time::Duration;

use crossterm::event::KeyCode;
use domain::{Connection, ConnectorRef, ConnectorSettings, ConnectorType, JitScheme, OnEmpty};
use ratatui::layout::Rect;

use crate::action::Action;
use crate::draft::Edit;
use crate::keymap::Key;
use crate::modal::{Menu, Modal, Question, Reading, Sheet};
use crate::paint::{Column, Line, Pen, Span};
use crate::panel::Panel;
use crate::panels::applications::slug;
use crate::panels::settings;
use crate::screen::movement;
use crate::widgets::{Button, Choice, Field, Form, Input, List, Text};
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

/// What is being made in several steps.
#[derive(Clone)]
struct Wizard {
    /// The connection's id, or what it is to be called.
    connection: Target,
    kind: &'static ConnectorType,
    form: Form,
}

#[derive(Clone)]
enum Target {
    Present(String),
    New {
        id: String,
        name: String,
        description: String,
    },
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

    /// Says who uses a connection, so that it cannot be deleted.
    fn users_of(world: &World, one: &Connection) -> Vec<String> {
        let config = world.config();
        let mut out = Vec::new();
        for entry in &config.resident {
            if entry.connector.connection == one.id {
                out.push(format!(
                    "Outbound Provisioning Configuration: {}",
                    entry.connector
                ));
            }
        }
        for application in &config.applications {
            if application.login.contains(&one.id) {
                out.push(format!("login flow of {}", application.name));
            }
            for entry in &application.provisioners {
                if entry.connector.connection == one.id {
                    out.push(format!(
                        "Provisioning of {}: {}",
                        application.name, entry.connector
                    ));
                }
            }
        }
        out
    }

    fn delete(world: &World, one: &Connection) -> Vec<Wish> {
        let used = Self::users_of(world, one);
        if !used.is_empty() {
            let mut body = vec![format!("{} is used. Remove these first:", one.name)];
            body.extend(used.into_iter().map(|line| format!("  {line}")));
            let question =
                Question::new("Unable to Delete", body, None, vec![("Close", Vec::new())]);
            return vec![Wish::Show(Box::new(Modal::Question(question)))];
        }
        let body = vec![
            format!("{} and its connectors are taken out of the file with Update.", one.name),
            "Accounts at the targets stay. Operations that are owed to it wait until they are discarded.".to_owned(),
        ];
        let edit = Edit::new(format!("Delete connection {}", one.name)).remove(path(one));
        let answers = vec![("Delete", vec![Wish::Edit(edit)]), ("Cancel", Vec::new())];
        let question = Question::new("Are you sure?", body, Some(one.id.0.clone()), answers);
        vec![Wish::Show(Box::new(Modal::Question(question)))]
    }

    fn delete_connector(&self, world: &World, one: &Connection) -> Vec<Wish> {
        let Some(settings) = self.connector(one) else {
            return Vec::new();
        };
        if settings.enabled {
            return vec![Wish::Fail(
                "an enabled connector cannot be deleted; Space disables it first".to_owned(),
            )];
        }
        let connector = ConnectorRef {
            connection: one.id.clone(),
            kind: settings.kind.clone(),
        };
        let config = world.config();
        let used = config
            .resident
            .iter()
            .chain(config.applications.iter().flat_map(|app| &app.provisioners));
        let used = used.filter(|entry| entry.connector == connector).count();
        if used > 0 {
            return vec![Wish::Fail(format!(
                "{connector} is named by {used} provisioner(s); delete those first"
            ))];
        }
        let body = vec![
            format!("{connector} is taken out of the file for good with Update."),
            "Accounts at the target stay, and so do their links until the connector is put back."
                .to_owned(),
        ];
        let edit = Edit::new(format!("Delete connector {connector}")).remove(format!(
            "{}.connectors[type={}]",
            path(one),
            settings.kind
        ));
        let answers = vec![("Delete", vec![Wish::Edit(edit)]), ("Cancel", Vec::new())];
        let question = Question::new(
            "Are you sure?",
            body,
            Some(settings.kind.0.clone()),
            answers,
        );
        vec![Wish::Show(Box::new(Modal::Question(question)))]
    }

    fn templates(world: &World) -> Vec<Wish> {
        let mut items = vec![
            (
                "Custom Connector".to_owned(),
                "a target; its connectors are added under Outbound Provisioning".to_owned(),
                general_sheet("new:custom", "New Connection: Custom Connector", None),
            ),
            (
                "Standard-Based IdP (OIDC)".to_owned(),
                "an identity provider that people log in through".to_owned(),
                oidc_sheet(),
            ),
        ];
        for kind in world.catalogue.0 {
            let title = format!("New Connection: {}", kind.label);
            items.push((
                kind.label.to_owned(),
                "a target with its connector, ready to be enabled".to_owned(),
                general_sheet(&format!("new:{}", kind.kind), &title, None),
            ));
        }
        vec![Wish::Show(Box::new(Modal::Menu(Menu::new(
            "New Connection",
            items,
        ))))]
    }

    /// Step 1 of *New Connector*: the type.
    fn wizard_type(world: &World, one: &Connection) -> Vec<Wish> {
        let options = world
            .catalogue
            .0
            .iter()
            .map(|kind| Choice::new(kind.kind, kind.label))
            .collect();
        let form = Form::new(
            vec![Field::choice("kind", "Connector Types", options, "").required()],
            vec![
                Button::acts("next", "Next"),
                Button::leaves("cancel", "Cancel"),
            ],
        );
        let present: Vec<&str> = one
            .connectors
            .iter()
            .map(|settings| settings.kind.0.as_str())
            .collect();
        let says = if present.is_empty() {
            Vec::new()
        } else {
            vec![format!(
                "A connection holds one connector of each type; it has {}.",
                present.join(", ")
            )]
        };
        sheet(
            "wizard:type",
            "Create outbound provisioning connector",
            "1 of 3: Connector selection",
            form,
            says,
        )
    }

    /// Step 2: the settings, as far as they were filled in already.
    fn wizard_settings(wizard: &Wizard) -> Vec<Wish> {
        let title = format!(
            "Create outbound provisioning connector: {}",
            wizard.kind.label
        );
        sheet(
            "wizard:settings",
            &title,
            "2 of 3: Connector Details",
            wizard.form.clone(),
            Vec::new(),
        )
    }

    /// Step 3: what will be added, with secrets as references.
    fn wizard_summary(&self, world: &World) -> Vec<Wish> {
        let Some(wizard) = &self.wizard else {
            return Vec::new();
        };
        let theme = world.theme;
        let is_new = matches!(wizard.connection, Target::New { .. });
        let entries = settings::entries(wizard.kind, &wizard.form, is_new);
        let mut lines: Vec<Line> = vec![
            vec![Span::new("This will be added with Update:", theme.title)],
            Line::new(),
        ];
        if let Target::New { id, name, .. } = &wizard.connection {
            lines.push(vec![Span::new("[[connections]]", theme.name)]);
            lines.push(vec![Span::new(format!("id = \"{id}\""), theme.text)]);
            lines.push(vec![Span::new(format!("name = \"{name}\""), theme.text)]);
            lines.push(Line::new());
        }
        lines.push(vec![Span::new("[[connections.connectors]]", theme.name)]);
        for (key, value) in &entries {
            let is_secret = wizard
                .kind
                .field(key)
                .is_some_and(|field| field.kind.is_secret());
            let text = if is_secret && value.is_str() {
                "\"***\"  (in the file itself)".to_owned()
            } else {
                value.to_string()
            };
            lines.push(vec![
                Span::new(format!("{key} = "), theme.text),
                Span::new(text.trim().to_owned(), theme.good),
            ]);
        }
        let mut edit = Edit::new(format!("New Connector {}", wizard.kind.label));
        let array = match &wizard.connection {
            Target::Present(id) => format!("connections[id={id}].connectors"),
            Target::New {
                id,
                name,
                description,
            } => {
                edit.words = format!("New Connection {name}");
                let mut head = vec![
                    ("id".to_owned(), id.as_str().into()),
                    ("name".to_owned(), name.as_str().into()),
                ];
                if !description.is_empty() {
                    head.push(("description".to_owned(), description.as_str().into()));
                }
                edit = edit.insert("connections", head);
                format!("connections[id={id}].connectors")
            }
        };
        let edit = edit.insert(array, entries);
        let answers = vec![
            ("Finish", vec![Wish::Edit(edit)]),
            ("Previous", Self::wizard_settings(wizard)),
            ("Cancel", Vec::new()),
        ];
        vec![Wish::Show(Box::new(Modal::Reading(
            Reading::new("3 of 3: Summary", lines, answers).ready(),
        )))]
    }

    fn draw_list(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let shown = self.shown(world);
        let inner = pen.frame(area, "Connections", &format!("{}", shown.len()), !self.open);
        if shown.is_empty() {
            let text = if self.search.value("search").is_empty() {
                " No connections yet. n adds one."
            } else {
                " No results found. Esc clears the search."
            };
            pen.paragraph(inner, text, theme.dim);
            return;
        }
        self.list
            .draw(pen, inner, shown.len(), !self.open, |pen, row, at| {
                let one = shown[at];
                let kinds: Vec<&str> = one
                    .connectors
                    .iter()
                    .map(|settings| {
                        world
                            .catalogue
                            .of(&settings.kind)
                            .map_or(settings.kind.0.as_str(), |kind| kind.label)
                    })
                    .collect();
                let kinds = if kinds.is_empty() {
                    "-".to_owned()
                } else {
                    kinds.join(", ")
                };
                let enabled = one
                    .connectors
                    .iter()
                    .filter(|settings| settings.enabled)
                    .count();
                let (state, style) = if !one.enabled {
                    ("disabled".to_owned(), theme.dim)
                } else if enabled == 0 {
                    ("no connector on".to_owned(), theme.warn)
                } else {
                    (format!("{enabled} enabled"), theme.good)
                };
                let calls = world
                    .board
                    .last
                    .iter()
                    .filter(|(connector, _)| connector.connection == one.id);
                let last = calls.max_by_key(|(_, call)| call.at).map(|(_, call)| call);
                let told = last.map_or_else(
                    || "never called".to_owned(),
                    |call| {
                        let status = call
                            .status
                            .map_or_else(|| "-".to_owned(), |status| status.to_string());
                        format!(
                            "{} {status} {} {}",
                            world.time(call.at),
                            call.op,
                            call.subject
                        )
                    },
                );
                let last_style = last.map_or(theme.dim, |call| theme.status(call.status));
                pen.columns(
                    row,
                    &[
                        Column::new(&one.name, 22, theme.text),
                        Column::new(&kinds, 14, theme.dim),
                        Column::new(&state, 15, style),
                        Column::new(&told, row.width.saturating_sub(54), last_style),
                    ],
                );
            });
    }

    fn draw_detail(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let Some(one) = self.selected(world) else {
            pen.frame(area, "Detail", "", false);
            return;
        };
        let inner = pen.frame(area, &one.name, "[ ] tabs", self.open);
        let mut x = inner.x + 1;
        let wide = inner.width >= 110;
        for tab in Tab::ALL {
            let title = tab.title(wide);
            let (text, style) = if tab == self.tab {
                (format!("[{title}]"), theme.focus)
            } else {
                (title.to_owned(), theme.text)
            };
            if x < inner.right() {
                x += pen.put(x, inner.y, inner.right() - x, &text, style) + 2;
            }
        }
        let body = Rect {
            x: inner.x + 1,
            y: inner.y + 2.min(inner.height),
            width: inner.width.saturating_sub(2),
            height: inner.height.saturating_sub(2),
        };
        match self.tab {
            Tab::Outbound => self.draw_outbound(world, pen, body, one),
            Tab::Attributes | Tab::Roles if self.rows_len(world) > 0 => {
                self.draw_rows(world, pen, body, one);
            }
            tab => {
                let lines = lines(world, one, tab);
                self.text
                    .draw(pen, body, lines.len(), |at| lines[at].clone());
            }
        }
    }

    fn draw_rows(&self, world: &World, pen: &mut Pen<'_>, area: Rect, one: &Connection) {
        let theme = world.theme;
        self.rows.draw(
            pen,
            area,
            self.rows_len(world),
            self.open,
            |pen, row, at| {
                if self.tab == Tab::Roles {
                    pen.put(
                        row.x,
                        row.y,
                        row.width,
                        one.outbound_roles[at].as_str(),
                        theme.text,
                    );
                    return;
                }
                let mapping = &one.attributes[at];
                let from = match (&mapping.local, &mapping.value) {
                    (_, Some(value)) => format!("constant {value:?}"),
                    (Some(claim), None) => format!("claim {claim}"),
                    (None, None) => "nothing".to_owned(),
                };
                let mut aside = mapping
                    .default
                    .as_ref()
                    .map_or_else(String::new, |value| format!("default {value:?}"));
                if mapping.on_empty == OnEmpty::Clear {
                    aside.push_str(" clears when empty");
                }
                let third = row.width / 3;
                pen.columns(
                    row,
                    &[
                        Column::new(&mapping.remote, third, theme.name),
                        Column::new(&from, third, theme.text),
                        Column::new(&aside, third.saturating_sub(2), theme.dim),
                    ],
                );
            },
        );
    }

    fn draw_outbound(&self, world: &World, pen: &mut Pen<'_>, area: Rect, one: &Connection) {
        let theme = world.theme;
        if one.connectors.is_empty() {
            let text = "No outbound provisioning connectors. n adds one; provisioning cannot use this connection until then.";
            pen.paragraph(area, text, theme.dim);
            return;
        }
        let rows = u16::try_from(one.connectors.len())
            .unwrap_or(3)
            .min(area.height);
        let top = Rect {
            height: rows,
            ..area
        };
        self.rows
            .draw(pen, top, one.connectors.len(), self.open, |pen, row, at| {
                let settings = &one.connectors[at];
                let label = world
                    .catalogue
                    .of(&settings.kind)
                    .map_or(settings.kind.0.as_str(), |kind| kind.label);
                let (toggle, style) = if settings.enabled {
                    ("[x] Enabled", theme.good)
                } else {
                    ("[ ] Disabled", theme.dim)
                };
                let connector = ConnectorRef {
                    connection: one.id.clone(),
                    kind: settings.kind.clone(),
                };
                let paused = if settings.paused { "paused" } else { "" };
                let states = world.board.counts.get(&connector);
                let owed: u64 = states
                    .into_iter()
                    .flatten()
                    .filter(|(state, _)| state.is_open())
                    .map(|(_, count)| count)
                    .sum();
                let dead = states
                    .and_then(|states| states.get(&engine::State::Dead))
                    .copied()
                    .unwrap_or(0);
                let told = format!("{owed} owed  {dead} dead  {paused}");
                pen.columns(
                    row,
                    &[
                        Column::new(label, 14, theme.text),
                        Column::new(toggle, 13, style),
                        Column::new(
                            &told,
                            row.width.saturating_sub(30),
                            if dead > 0 { theme.bad } else { theme.dim },
                        ),
                    ],
                );
            });
        if let Some(settings) = self.connector(one) {
            let rest = Rect {
                y: area.y + rows + 1,
                height: area.height.saturating_sub(rows + 1),
                ..area
            };
            let lines = connector_lines(world, settings);
            self.text
                .draw(pen, rest, lines.len(), |at| lines[at].clone());
        }
    }
}

/// Opens a sheet of this panel.
fn sheet(id: &str, title: &str, note: &str, form: Form, says: Vec<String>) -> Vec<Wish> {
    vec![Wish::Show(Box::new(Modal::Sheet(Sheet {
        panel: "connections",
        id: id.to_owned(),
        title: title.to_owned(),
        note: note.to_owned(),
        form,
        says,
    })))]
}

fn name_is_right(name: &str) -> Result<(), String> {
    match name.chars().count() {
        3..=120 => Ok(()),
        _ => Err("a name has 3 to 120 characters".to_owned()),
    }
}

fn general_sheet(id: &str, title: &str, one: Option<&Connection>) -> Vec<Wish> {
    let mut fields = vec![
        Field::text("name", "Name", one.map_or("", |one| &one.name))
            .required()
            .check(name_is_right),
        Field::text(
            "description",
            "Description",
            one.map_or("", |one| &one.description),
        ),
    ];
    if let Some(one) = one {
        fields.push(
            Field::toggle("enabled", "Enabled", one.enabled)
                .hint("A disabled connection provisions nothing."),
        );
    }
    let word = if id.starts_with("new:") && id != "new:custom" {
        "Next"
    } else {
        "Finish"
    };
    let form = Form::new(
        fields,
        vec![Button::acts("ok", word), Button::leaves("cancel", "Cancel")],
    );
    sheet(
        id,
        title,
        "Nothing is written before Update",
        form,
        Vec::new(),
    )
}

fn oidc_sheet() -> Vec<Wish> {
    let fields = vec![
        Field::text("name", "Name", "")
            .required()
            .check(name_is_right),
        Field::text("description", "Description", ""),
        Field::text("client_id", "Client ID", "").required(),
        Field::secret("client_secret", "Client secret", None),
        Field::text("authorization_endpoint", "Authorization endpoint URL", ""),
        Field::text("token_endpoint", "Token endpoint URL", ""),
        Field::toggle("jit", "Just-in-Time (JIT) User Provisioning", true),
    ];
    let form = Form::new(
        fields,
        vec![
            Button::acts("ok", "Finish"),
            Button::leaves("cancel", "Cancel"),
        ],
    );
    sheet(
        "new:oidc",
        "New Connection: Standard-Based IdP (OIDC)",
        "Nothing is written before Update",
        form,
        Vec::new(),
    )
}

fn pair(world: &World, label: &str, value: impl Into<String>) -> Line {
    vec![
        Span::new(format!("{label:<31} "), world.theme.dim),
        Span::new(value, world.theme.text),
    ]
}

fn yes(on: bool) -> &'static str {
    if on { "[x]" } else { "[ ]" }
}

/// Says what a tab shows as text.
fn lines(world: &World, one: &Connection, tab: Tab) -> Vec<Line> {
    let theme = world.theme;
    match tab {
        Tab::General => {
            let mut lines = vec![
                pair(world, "Name", &one.name),
                pair(world, "Description", &one.description),
                pair(world, "Id (links hang on it)", one.id.to_string()),
                pair(world, "Enabled", yes(one.enabled)),
            ];
            if let Some(login) = &one.login {
                lines.push(pair(
                    world,
                    "Login",
                    format!("{:?}", login.protocol).to_lowercase(),
                ));
                lines.push(pair(
                    world,
                    "Client ID",
                    login.client_id.clone().unwrap_or_default(),
                ));
                let secret = login
                    .client_secret
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), ToString::to_string);
                lines.push(pair(world, "Client secret", secret));
            }
            let used = Connections::users_of(world, one);
            lines.push(Line::new());
            lines.push(vec![Span::new("Used by", theme.title)]);
            if used.is_empty() {
                lines.push(vec![Span::new(" nobody", theme.dim)]);
            }
            lines.extend(
                used.into_iter()
                    .map(|line| vec![Span::new(format!(" {line}"), theme.text)]),
            );
            lines
        }
        Tab::Attributes => vec![vec![Span::new(
            "No attribute mappings: each connector's own defaults hold. n adds one.",
            theme.dim,
        )]],
        Tab::Roles => vec![vec![Span::new(
            "No outbound provisioning roles: every user is in scope. e chooses roles; then only their holders are, and \
             assigning or revoking one provisions or deprovisions.",
            theme.dim,
        )]],
        Tab::Jit => vec![
            pair(
                world,
                "Just-in-Time (JIT) User Provisioning",
                yes(one.jit.enabled),
            ),
            pair(world, "User store domain", one.jit.user_store.to_string()),
            pair(world, "Provisioning scheme", scheme_label(one.jit.scheme)),
            pair(
                world,
                "Enable local account linking",
                yes(one.jit.associate_local_user),
            ),
            pair(
                world,
                "Skip when no local account",
                yes(one.jit.skip_when_not_found),
            ),
            pair(world, "Attribute synchronization method", sync_word(one)),
            pair(
                world,
                "Override existing roles",
                yes(one.jit.override_roles),
            ),
        ],
        Tab::Raw => raw(world, one),
        Tab::Outbound => Vec::new(),
    }
}

fn scheme_label(scheme: JitScheme) -> &'static str {
    match scheme {
        JitScheme::PromptUsernamePasswordConsent => "Prompt for username, password and consent",
        JitScheme::PromptPasswordConsent => "Prompt for password and consent",
        JitScheme::PromptConsent => "Prompt for consent",
        JitScheme::ProvisionSilently => "Provision silently",
    }
}

fn scheme_word(scheme: JitScheme) -> &'static str {
    match scheme {
        JitScheme::PromptUsernamePasswordConsent => "prompt-username-password-consent",
        JitScheme::PromptPasswordConsent => "prompt-password-consent",
        JitScheme::PromptConsent => "prompt-consent",
        JitScheme::ProvisionSilently => "provision-silently",
    }
}

fn sync_word(one: &Connection) -> &'static str {
    match one.jit.attribute_sync {
        domain::AttributeSync::OverrideAll => "override-all",
        domain::AttributeSync::None => "none",
        domain::AttributeSync::PreserveLocal => "preserve-local",
    }
}

/// Returns the lines of the file about one connection, secrets masked.
fn raw(world: &World, one: &Connection) -> Vec<Line> {
    let text = match &world.draft {
        Some(draft) => draft.document().text().to_owned(),
        None => match std::fs::read_to_string(&world.file) {
            Ok(text) => text,
            Err(error) => {
                return vec![vec![Span::new(
                    format!("cannot read the file: {error}"),
                    world.theme.bad,
                )]];
            }
        },
    };
    let start = one.line.unwrap_or(1).saturating_sub(1);
    config::readable(&text, &world.catalogue)
        .into_iter()
        .enumerate()
        .skip(start)
        .take_while(|(at, line)| {
            let line = line.trim_start();
            *at == start
                || !line.starts_with('[')
                || line.trim_start_matches('[').starts_with("connections.")
        })
        .map(|(at, line)| {
            let style = if line.trim_start().starts_with('#') {
                world.theme.dim
            } else if line.trim_start().starts_with('[') {
                world.theme.name
            } else {
                world.theme.text
            };
            vec![
                Span::new(format!("{:>4} ", at + 1), world.theme.dim),
                Span::new(line, style),
            ]
        })
        .collect()
}

/// Says how a connector is configured; secrets as references.
fn connector_lines(world: &World, settings: &ConnectorSettings) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(kind) = world.catalogue.of(&settings.kind) {
        for field in kind.fields {
            let value = match settings.settings.get(field.key) {
                Some(domain::Setting::Text(text)) => text.clone(),
                Some(domain::Setting::Flag(on)) => yes(*on).to_owned(),
                Some(domain::Setting::List(list)) => list.join(", "),
                Some(domain::Setting::Secret(reference)) => match reference {
                    domain::SecretRef::Inline(_) => "•••••••• (in the file itself)".to_owned(),
                    other => format!("•••••••• ({other})"),
                },
                None => match field.default {
                    Some(default) => format!("{default} (default)"),
                    None => continue,
                },
            };
            lines.push(pair(world, field.label, value));
        }
    }
    lines.push(pair(
        world,
        "Deprovision",
        format!("{:?}", settings.deprovision).to_lowercase(),
    ));
    lines.push(pair(
        world,
        "On existing",
        format!("{:?}", settings.on_existing).to_lowercase(),
    ));
    lines
}

fn mapping_sheet(id: &str, title: &str, mapping: Option<&domain::AttributeMapping>) -> Vec<Wish> {
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    let on_empty = mapping.is_some_and(|mapping| mapping.on_empty == OnEmpty::Clear);
    let local = mapping
        .and_then(|mapping| mapping.local.as_ref())
        .map_or("", |claim| claim.short());
    let fields = vec![
        Field::text(
            "remote",
            "Remote attribute",
            mapping.map_or("", |mapping| &mapping.remote),
        )
        .required()
        .hint("In the target's words: LastName"),
        Field::text("local", "Local claim", local).hint("A claim URI or its short name: lastname"),
        Field::text(
            "default",
            "Default",
            &text(mapping.and_then(|mapping| mapping.default.as_ref())),
        )
        .hint("Used when the user has no value."),
        Field::text(
            "value",
            "Constant",
            &text(mapping.and_then(|mapping| mapping.value.as_ref())),
        )
        .hint("Never overridden by a user's value; instead of a claim."),
        Field::toggle("clear", "Clear when empty", on_empty)
            .hint("An emptied claim empties the remote attribute."),
    ];
    let form = Form::new(
        fields,
        vec![
            Button::acts("ok", "Take over"),
            Button::leaves("cancel", "Cancel"),
        ],
    );
    sheet(
        id,
        title,
        "Nothing is written before Update",
        form,
        Vec::new(),
    )
}

fn jit_sheet(world: &World, one: &Connection) -> Vec<Wish> {
    let stores = world
        .config()
        .organization
        .user_stores
        .iter()
        .map(|store| Choice::plain(store.as_str()))
        .collect();
    let schemes = [
        JitScheme::PromptUsernamePasswordConsent,
        JitScheme::PromptPasswordConsent,
        JitScheme::PromptConsent,
        JitScheme::ProvisionSilently,
    ]
    .map(|scheme| Choice::new(scheme_word(scheme), scheme_label(scheme)));
    let syncs = vec![
        Choice::new("override-all", "Override all"),
        Choice::new("none", "None"),
        Choice::new("preserve-local", "Preserve local"),
    ];
    let fields = vec![
        Field::toggle(
            "enabled",
            "Just-in-Time (JIT) User Provisioning",
            one.jit.enabled,
        ),
        Field::choice(
            "user_store",
            "User store domain to always provision users",
            stores,
            one.jit.user_store.as_str(),
        ),
        Field::choice(
            "scheme",
            "Provisioning scheme",
            schemes.to_vec(),
            scheme_word(one.jit.scheme),
        ),
        Field::toggle(
            "associate_local_user",
            "Enable local account linking",
            one.jit.associate_local_user,
        ),
        Field::toggle(
            "skip_when_not_found",
            "Skip user provisioning when no local account is found",
            one.jit.skip_when_not_found,
        ),
        Field::choice(
            "attribute_sync",
            "Attribute synchronization method",
            syncs,
            sync_word(one),
        ),
        Field::toggle(
            "override_roles",
            "Override existing roles with external IDP group roles",
            one.jit.override_roles,
        ),
    ];
    let form = Form::new(
        fields,
        vec![
            Button::acts("ok", "Take over"),
            Button::leaves("cancel", "Cancel"),
        ],
    );
    sheet(
        "jit",
        "Just-in-Time Provisioning",
        "Nothing is written before Update",
        form,
        Vec::new(),
    )
}

impl Connections {
    fn submitted_new(&mut self, world: &World, template: &str, form: &Form) -> Vec<Wish> {
        let known = world.config().connections.iter();
        let name = form.value("name");
        if world
            .config()
            .connections
            .iter()
            .any(|one| one.name.eq_ignore_ascii_case(&name))
        {
            return vec![Wish::Fail(
                "A connection already exists with this name".to_owned(),
            )];
        }
        let id = slug(&name, known.map(|one| one.id.0.as_str()));
        let mut head: Vec<(String, config::edit::Value)> = vec![
            ("id".to_owned(), id.as_str().into()),
            ("name".to_owned(), name.as_str().into()),
        ];
        let description = form.value("description");
        if !description.is_empty() {
            head.push(("description".to_owned(), description.as_str().into()));
        }
        let edit = Edit::new(format!("New Connection {name}")).insert("connections", head);
        if template == "oidc" {
            let path = format!("connections[id={id}]");
            let mut edit = edit.set(format!("{path}.login.protocol"), "oidc");
            for key in ["client_id", "authorization_endpoint", "token_endpoint"] {
                if !form.value(key).is_empty() {
                    edit = edit.set(format!("{path}.login.{key}"), form.value(key));
                }
            }
            let secret = form
                .fields
                .iter()
                .find(|field| field.key == "client_secret")
                .and_then(Field::secret_value);
            if let Some(reference) = secret {
                edit = edit.set(
                    format!("{path}.login.client_secret"),
                    config::edit::secret(&reference),
                );
            }
            if form.is_on("jit") {
                edit = edit.set(format!("{path}.jit.enabled"), true);
            }
            return vec![Wish::Edit(edit)];
        }
        let Some(kind) = world.catalogue.find(template) else {
            return vec![Wish::Edit(edit)];
        };
        let form = connector_form(settings::fields(kind, None), false);
        let wizard = Wizard {
            connection: Target::New {
                id,
                name,
                description,
            },
            kind,
            form,
        };
        let wishes = Self::wizard_settings(&wizard);
        self.wizard = Some(wizard);
        wishes
    }

    fn submitted_general(one: &Connection, form: &Form) -> Vec<Wish> {
        let mut edit = Edit::new(format!("{}: General", one.name));
        for (key, before) in [("name", &one.name), ("description", &one.description)] {
            if form.value(key) != *before {
                edit = edit.set(format!("{}.{key}", path(one)), form.value(key));
            }
        }
        if form.is_on("enabled") != one.enabled {
            edit = edit.set(format!("{}.enabled", path(one)), form.is_on("enabled"));
        }
        if edit.steps.is_empty() {
            Vec::new()
        } else {
            vec![Wish::Edit(edit)]
        }
    }

    fn submitted_jit(one: &Connection, form: &Form) -> Vec<Wish> {
        let mut edit = Edit::new(format!("{}: Just-in-Time Provisioning", one.name));
        for field in form.fields.iter().filter(|field| field.changed) {
            let at = format!("{}.jit.{}", path(one), field.key);
            edit = match field.input {
                Input::Toggle(on) => edit.set(at, on),
                _ => edit.set(at, field.value()),
            };
        }
        if edit.steps.is_empty() {
            Vec::new()
        } else {
            vec![Wish::Edit(edit)]
        }
    }

    fn submitted_mapping(one: &Connection, form: &Form, at: Option<usize>) -> Vec<Wish> {
        let texts = ["remote", "local", "default", "value"];
        let remote = form.value("remote");
        match at {
            None => {
                let mut entries: Vec<(String, config::edit::Value)> = texts
                    .iter()
                    .filter(|key| !form.value(key).is_empty())
                    .map(|key| ((*key).to_owned(), form.value(key).into()))
                    .collect();
                if form.is_on("clear") {
                    entries.push(("on_empty".to_owned(), "clear".into()));
                }
                let edit = Edit::new(format!("{}: new mapping {remote}", one.name));
                vec![Wish::Edit(
                    edit.insert(format!("{}.attributes", path(one)), entries),
                )]
            }
            Some(at) => {
                let mut edit = Edit::new(format!("{}: mapping {remote}", one.name));
                let Some(before) = one.attributes.get(at) else {
                    return Vec::new();
                };
                let was = |key: &str| match key {
                    "remote" => true,
                    "local" => before.local.is_some(),
                    "default" => before.default.is_some(),
                    _ => before.value.is_some(),
                };
                for field in form.fields.iter().filter(|field| field.changed) {
                    let place = format!("{}.attributes[{at}].{}", path(one), field.key);
                    edit = match field.key.as_str() {
                        "clear" => {
                            let word = if form.is_on("clear") { "clear" } else { "skip" };
                            edit.set(format!("{}.attributes[{at}].on_empty", path(one)), word)
                        }
                        _ if !field.value().is_empty() => edit.set(place, field.value()),
                        key if was(key) => edit.remove(place),
                        _ => edit,
                    };
                }
                if edit.steps.is_empty() {
                    Vec::new()
                } else {
                    vec![Wish::Edit(edit)]
                }
            }
        }
    }
}

fn connector_form(fields: Vec<Field>, is_edit: bool) -> Form {
    let buttons = if is_edit {
        vec![
            Button::acts("ok", "Take over"),
            Button::leaves("cancel", "Cancel"),
        ]
    } else {
        vec![
            Button::acts("next", "Next"),
            Button::leaves("back", "Previous"),
            Button::leaves("cancel", "Cancel"),
        ]
    };
    Form::new(fields, buttons)
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
            return vec![Action::new("new", Key::letter('n'), "New Connection")];
        };
        if !self.open {
            let word = if one.enabled { "Disable" } else { "Enable" };
            return vec![
                Action::new("open", Key::of(KeyCode::Enter), "Open"),
                Action::new("new", Key::letter('n'), "New Connection"),
                Action::new("enable", Key::letter(' '), format!("{word}: {}", one.name)),
                Action::new("search", Key::letter('/'), "Search by name"),
                Action::new("delete", Key::letter('D'), "Delete"),
            ];
        }
        let has_rows = self.rows_len(world) > 0;
        let mut actions = Vec::new();
        match self.tab {
            Tab::General => {
                actions.push(Action::new("edit", Key::letter('e'), "Edit"));
                actions.push(Action::new("delete", Key::letter('D'), "Delete"));
            }
            Tab::Attributes => {
                actions.push(Action::new("map", Key::letter('n'), "New mapping"));
                if has_rows {
                    actions.push(Action::new("edit", Key::letter('e'), "Edit"));
                    actions.push(Action::new("unmap", Key::letter('D'), "Delete"));
                }
            }
            Tab::Outbound => {
                actions.push(Action::new("connector", Key::letter('n'), "New Connector"));
                if let Some(settings) = self.connector(one) {
                    let word = if settings.enabled {
                        "Disable"
                    } else {
                        "Enable"
                    };
                    let connector = format!("{}/{}", one.id, settings.kind);
                    actions.push(Action::new(
                        "toggle",
                        Key::letter(' '),
                        format!("{word}: {connector}"),
                    ));
                    actions.push(Action::new("edit", Key::letter('e'), "Edit"));
                    actions.push(Action::new("drop", Key::letter('D'), "Delete"));
                    actions.push(
                        Action::named("pause", format!("Pause or resume {connector}"))
                            .like(format!("outbound journal pause {connector}")),
                    );
                }
            }
            Tab::Roles | Tab::Jit => actions.push(Action::new("edit", Key::letter('e'), "Edit")),
            Tab::Raw => {}
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        match id {
            "new" => return Self::templates(world),
            "search" => {
                self.searching = true;
                return Vec::new();
            }
            _ => {}
        }
        let Some(one) = self.selected(world) else {
            return Vec::new();
        };
        match (id, self.tab) {
            ("open", _) => self.open = true,
            ("enable", _) => {
                let words = format!(
                    "{}: Enabled {} to {}",
                    one.name,
                    word(one.enabled),
                    word(!one.enabled)
                );
                return vec![Wish::Edit(
                    Edit::new(words).set(format!("{}.enabled", path(one)), !one.enabled),
                )];
            }
            ("delete", _) => return Self::delete(world, one),
            ("map", _) => return mapping_sheet("map:new", "New mapping", None),
            ("connector", _) => return Self::wizard_type(world, one),
            ("unmap", _) => {
                let Some(at) = self.rows.selected(one.attributes.len()) else {
                    return Vec::new();
                };
                let words = format!("{}: delete mapping {}", one.name, one.attributes[at].remote);
                return vec![Wish::Edit(
                    Edit::new(words).remove(format!("{}.attributes[{at}]", path(one))),
                )];
            }
            ("toggle", _) => {
                let Some(settings) = self.connector(one) else {
                    return Vec::new();
                };
                let words = format!(
                    "{}/{}: Enabled {} to {}",
                    one.id,
                    settings.kind,
                    word(settings.enabled),
                    word(!settings.enabled)
                );
                let at = format!("{}.connectors[type={}].enabled", path(one), settings.kind);
                return vec![Wish::Edit(Edit::new(words).set(at, !settings.enabled))];
            }
            ("pause", _) => {
                let Some(settings) = self.connector(one) else {
                    return Vec::new();
                };
                let words = format!(
                    "{}/{}: paused {} to {}",
                    one.id,
                    settings.kind,
                    word(settings.paused),
                    word(!settings.paused)
                );
                let at = format!("{}.connectors[type={}].paused", path(one), settings.kind);
                return vec![Wish::Edit(Edit::new(words).set(at, !settings.paused))];
            }
            ("drop", _) => return self.delete_connector(world, one),
            ("edit", Tab::General) => return general_sheet("general", "General", Some(one)),
            ("edit", Tab::Attributes) => {
                let Some(at) = self.rows.selected(one.attributes.len()) else {
                    return Vec::new();
                };
                return mapping_sheet(&format!("map:{at}"), "Mapping", one.attributes.get(at));
            }
            ("edit", Tab::Roles) => {
                let roles: Vec<&str> = one
                    .outbound_roles
                    .iter()
                    .map(domain::RoleName::as_str)
                    .collect();
                let fields = vec![
                    Field::text("roles", "Role", &roles.join(", "))
                        .hint("Separated by commas: Internal/manager. Empty means everybody."),
                ];
                let form = Form::new(
                    fields,
                    vec![
                        Button::acts("ok", "Take over"),
                        Button::leaves("cancel", "Cancel"),
                    ],
                );
                let says = vec![
                    "Only holders of one of the roles are provisioned here. Assigning a role provisions, revoking the \
                     last one deprovisions."
                        .to_owned(),
                ];
                return sheet("roles", "Outbound Provisioning Roles", "", form, says);
            }
            ("edit", Tab::Jit) => return jit_sheet(world, one),
            ("edit", Tab::Outbound) => {
                let Some(settings) = self.connector(one) else {
                    return Vec::new();
                };
                let Some(kind) = world.catalogue.of(&settings.kind) else {
                    return Vec::new();
                };
                let form = connector_form(settings::fields(kind, Some(settings)), true);
                let title = format!("{}/{}", one.id, settings.kind);
                return sheet(
                    "connector",
                    &title,
                    "Secrets that are left alone stay as they are",
                    form,
                    Vec::new(),
                );
            }
            _ => {}
        }
        Vec::new()
    }

    fn submitted(&mut self, world: &World, id: &str, form: &Form, button: &str) -> Vec<Wish> {
        if let Some(template) = id.strip_prefix("new:") {
            return self.submitted_new(world, template, form);
        }
        if id == "wizard:settings" {
            if let Some(wizard) = &mut self.wizard {
                wizard.form = form.clone();
            }
            return match (
                button,
                self.wizard.as_ref().map(|wizard| &wizard.connection),
            ) {
                ("back", Some(Target::Present(_))) => match self.selected(world) {
                    Some(one) => Self::wizard_type(world, one),
                    None => Vec::new(),
                },
                ("back", _) => Self::templates(world),
                _ => self.wizard_summary(world),
            };
        }
        let Some(one) = self.selected(world) else {
            return Vec::new();
        };
        match id {
            "wizard:type" => {
                let Some(kind) = world.catalogue.find(&form.value("kind")) else {
                    return Vec::new();
                };
                if one
                    .connectors
                    .iter()
                    .any(|settings| settings.kind.0 == kind.kind)
                {
                    let told = format!(
                        "{} has a {} connector already; edit that one instead",
                        one.name, kind.label
                    );
                    return vec![Wish::Fail(told)];
                }
                // Going back and choosing the same type again keeps what was filled in.
                let kept = self.wizard.take().filter(|wizard| {
                    wizard.kind.kind == kind.kind
                        && matches!(&wizard.connection, Target::Present(id) if *id == one.id.0)
                });
                let wizard = kept.unwrap_or_else(|| Wizard {
                    connection: Target::Present(one.id.0.clone()),
                    kind,
                    form: connector_form(settings::fields(kind, None), false),
                });
                let wishes = Self::wizard_settings(&wizard);
                self.wizard = Some(wizard);
                wishes
            }
            "general" => Self::submitted_general(one, form),
            "jit" => Self::submitted_jit(one, form),
            "roles" => {
                let roles: config::edit::Value = form
                    .value("roles")
                    .split(',')
                    .map(str::trim)
                    .filter(|role| !role.is_empty())
                    .map(str::to_owned)
                    .collect();
                let words = format!(
                    "{}: Outbound Provisioning Roles {}",
                    one.name,
                    form.value("roles")
                );
                vec![Wish::Edit(
                    Edit::new(words).set(format!("{}.outbound_roles", path(one)), roles),
                )]
            }
            "connector" => {
                let Some(settings) = self.connector(one) else {
                    return Vec::new();
                };
                let Some(kind) = world.catalogue.of(&settings.kind) else {
                    return Vec::new();
                };
                let at = format!("{}.connectors[type={}]", path(one), settings.kind);
                let name = format!("{}/{}", one.id, settings.kind);
                settings::changes(kind, form, &at, &name, settings)
                    .map(Wish::Edit)
                    .into_iter()
                    .collect()
            }
            other => match other.strip_prefix("map:") {
                Some(at) => Self::submitted_mapping(one, form, at.parse().ok()),
                None => Vec::new(),
            },
        }
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

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
