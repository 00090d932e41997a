//! *New Connection* from templates, and *New Connector* in three steps.

use domain::{Connection, ConnectorType};

use super::sheets::{general_sheet, name_is_right, sheet};
use super::{Connections, path};
use crate::draft::Edit;
use crate::modal::{Menu, Modal, Reading};
use crate::paint::{Line, Span};
use crate::panels::applications::slug;
use crate::panels::settings;
use crate::widgets::{Button, Choice, Field, Form};
use crate::wish::Wish;
use crate::world::World;

impl Connections {
    pub(super) fn take_sheet(
        &mut self,
        world: &World,
        id: &str,
        form: &Form,
        button: &str,
    ) -> Vec<Wish> {
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
                let wishes = Self::wizard_settings(world, &wizard);
                self.wizard = Some(wizard);
                wishes
            }
            "general" => Self::submitted_general(one, form),
            "jit" => Self::submitted_jit(world, one, form),
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

    pub(super) fn templates(world: &World) -> Vec<Wish> {
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
    pub(super) fn wizard_type(world: &World, one: &Connection) -> Vec<Wish> {
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
    pub(super) fn wizard_settings(world: &World, wizard: &Wizard) -> Vec<Wish> {
        let mocks = world.mocks.iter();
        let mock = mocks
            .filter(|mock| mock.target == wizard.kind.kind)
            .find_map(|mock| mock.access.as_ref());
        let says = mock.map(|access| format!("The mock on this machine: {access}."));
        let title = format!(
            "Create outbound provisioning connector: {}",
            wizard.kind.label
        );
        sheet(
            "wizard:settings",
            &title,
            "2 of 3: Connector Details",
            wizard.form.clone(),
            says.into_iter().collect(),
        )
    }

    /// Step 3: what will be added, with secrets as references.
    pub(super) fn wizard_summary(&self, world: &World) -> Vec<Wish> {
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
            ("Previous", Self::wizard_settings(world, wizard)),
            ("Cancel", Vec::new()),
        ];
        vec![Wish::Show(Box::new(Modal::Reading(
            Reading::new("3 of 3: Summary", lines, answers).ready(),
        )))]
    }

    pub(super) fn submitted_new(
        &mut self,
        world: &World,
        template: &str,
        form: &Form,
    ) -> Vec<Wish> {
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
        let wishes = Self::wizard_settings(world, &wizard);
        self.wizard = Some(wizard);
        wishes
    }
}

/// What is being made in several steps.
#[derive(Clone)]
pub(super) struct Wizard {
    /// The connection's id, or what it is to be called.
    pub(super) connection: Target,
    pub(super) kind: &'static ConnectorType,
    pub(super) form: Form,
}

#[derive(Clone)]
pub(super) enum Target {
    Present(String),
    New {
        id: String,
        name: String,
        description: String,
    },
}

pub(super) fn oidc_sheet() -> Vec<Wish> {
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

pub(super) fn connector_form(fields: Vec<Field>, is_edit: bool) -> Form {
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
