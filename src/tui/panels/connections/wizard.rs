//! *New Connection* from templates, and *New Connector* in three steps.

use std::collections::BTreeMap;

use config::edit::Value;
use domain::{AttributeMapping, Connection, ConnectorType};

use super::sheets::{
    CONNECTOR, MAPPING, UNSAVED, description_field, general_sheet, parts, sheet, sheet_of,
};
use super::{Connections, path};
use crate::draft::Edit;
use crate::modal::{Menu, Modal, Reading};
use crate::paint::{Line, Span};
use crate::panels::applications::{name_fits, name_is_right, no_id, slug};
use crate::panels::settings;
use crate::widgets::{Button, Choice, Field, Form};
use crate::wish::Wish;
use crate::world::World;

/// The id of the sheet of step 1 of *New Connector*.
pub(super) const TYPE: &str = "wizard:type";
/// The id of the sheet of step 2.
const SETTINGS: &str = "wizard:settings";

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
        if id == SETTINGS {
            return self.submitted_settings(world, form, button);
        }
        let (what, of) = parts(id);
        let Some(one) = world.config().connection(&of.into()) else {
            return refused(id, &format!("there is no connection {of} any more"));
        };
        match what {
            TYPE => {
                let Some(kind) = world.catalogue.find(&form.value("kind")) else {
                    return Vec::new();
                };
                let target = Target::Present(one.id.0.clone());
                self.configure(world, target, kind)
            }
            "general" => Self::submitted_general(world, one, id, form),
            "jit" => Self::submitted_jit(world, one, form),
            "roles" => Self::submitted_roles(one, form),
            "map" => Self::submitted_new_mapping(one, id, form),
            other if other.starts_with(MAPPING) => Self::submitted_mapping(one, id, form),
            other => {
                let Some(word) = other.strip_prefix(CONNECTOR) else {
                    return Vec::new();
                };
                let mut connectors = one.connectors.iter();
                let Some(settings) = connectors.find(|settings| settings.kind.0 == word) else {
                    return refused(id, &format!("{of} has no connector {word} any more"));
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
        }
    }

    pub(super) fn templates(world: &World) -> Vec<Wish> {
        let mut items = vec![
            (
                "Custom Connector".to_owned(),
                "a target; its connectors are added afterwards".to_owned(),
                new_sheet(world, "custom", ("", "")),
            ),
            (
                "Standard-Based IdP (OIDC)".to_owned(),
                "an identity provider that people log in through".to_owned(),
                oidc_sheet(world),
            ),
        ];
        for kind in world.catalogue.0 {
            items.push((
                kind.label.to_owned(),
                "a target with its connector, which is enabled".to_owned(),
                new_sheet(world, kind.kind, ("", "")),
            ));
        }
        vec![Wish::Show(Box::new(Modal::Menu(Menu::new(
            "New Connection",
            items,
        ))))]
    }

    /// Step 1 of *New Connector*: the type. Unless one was chosen already, the first that the connection does not have.
    /// `is_begun` says that the step after it was filled in already.
    pub(super) fn wizard_type(
        world: &World,
        one: &Connection,
        chosen: Option<&'static ConnectorType>,
        is_begun: bool,
    ) -> Vec<Wish> {
        let kinds = world.catalogue.0.iter();
        let options = kinds.map(|kind| Choice::new(kind.kind, kind.label));
        let free = || world.catalogue.0.iter().find(|kind| !has(one, kind));
        let first = chosen.or_else(free).map_or("", |kind| kind.kind);
        let field = Field::choice("kind", "Connector Types", options.collect(), first).required();
        let mut form = Form::new(
            vec![field],
            vec![
                Button::acts("next", "Next"),
                Button::leaves("cancel", "Cancel"),
            ],
        );
        if is_begun {
            form.set_begun();
        }
        let says = type_says(world, one, &form.value("kind"));
        let title = "Create outbound provisioning connector";
        sheet(
            &sheet_of(TYPE, one),
            title,
            "1 of 3: Connector selection",
            form,
            says,
        )
    }

    /// Goes to step 2 for a type. What was filled in for it before is still there, whatever was chosen in between.
    fn configure(
        &mut self,
        world: &World,
        target: Target,
        kind: &'static ConnectorType,
    ) -> Vec<Wish> {
        let kept = self.wizard.take();
        let kept = kept.filter(|wizard| wizard.target.is_like(&target));
        let mut wizard = Wizard {
            target,
            kind,
            forms: kept.map(|wizard| wizard.forms).unwrap_or_default(),
        };
        let missing = settings::starters(kind, wizard.target.mappings(world));
        let form = wizard.forms.entry(kind.kind).or_insert_with(|| {
            let mut fields = settings::fields(kind, None, world);
            fields.extend(settings::asked(&missing));
            connector_form(fields, false)
        });
        form.focus_first();
        let wishes = wizard_settings(world, &wizard);
        self.wizard = Some(wizard);
        wishes
    }

    /// Takes step 2, on the way on or back; either way what was filled in is kept.
    fn submitted_settings(&mut self, world: &World, form: &Form, button: &str) -> Vec<Wish> {
        let Some(wizard) = &mut self.wizard else {
            return Vec::new();
        };
        wizard.forms.insert(wizard.kind.kind, form.clone());
        if let Target::Present(id) = &wizard.target
            && world.config().connection(&id.as_str().into()).is_none()
        {
            return refused(SETTINGS, &format!("there is no connection {id} any more"));
        }
        if button != "back" {
            return self.wizard_summary(world);
        }
        match &wizard.target {
            Target::New {
                name, description, ..
            } => new_sheet(world, wizard.kind.kind, (name, description)),
            Target::Present(id) => {
                let Some(one) = world.config().connection(&id.as_str().into()) else {
                    return Vec::new();
                };
                let is_begun = wizard.forms.values().any(Form::is_filled_in);
                Self::wizard_type(world, one, Some(wizard.kind), is_begun)
            }
        }
    }

    /// Step 3: everything that will be added, with secrets as references.
    fn wizard_summary(&self, world: &World) -> Vec<Wish> {
        let Some(wizard) = &self.wizard else {
            return Vec::new();
        };
        let Some(form) = wizard.forms.get(wizard.kind.kind) else {
            return Vec::new();
        };
        let theme = world.theme;
        let plain = |text: String| vec![Span::new(text, theme.text)];
        let kind = wizard.kind;
        let (id, is_new) = match &wizard.target {
            Target::Present(id) => (id, false),
            Target::New { id, .. } => (id, true),
        };
        let at = format!("connections[id={id}]");
        let present = world.config().connection(&id.as_str().into());
        let replaced = present.filter(|one| has(one, kind));
        let mut edit = Edit::new(format!("New Connector {} of {id}", kind.label));
        let mut lines: Vec<Line> = vec![
            vec![Span::new("This will be added with Update:", theme.title)],
            Line::new(),
        ];
        if replaced.is_some() {
            let told = format!("The {} connector that is there goes for it.", kind.label);
            lines.insert(1, vec![Span::new(told, theme.warn)]);
            edit = edit.remove(format!("{at}.connectors[type={}]", kind.kind));
        }
        if let Target::New { name, .. } = &wizard.target {
            edit.words = format!("New Connection {id}: {name}");
        }
        for (header, array, entries) in wizard.blocks(world, form, &at) {
            lines.push(vec![Span::new(header, theme.name)]);
            for (key, value) in &entries {
                let is_secret = kind.field(key).is_some_and(|field| field.kind.is_secret());
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
            lines.push(Line::new());
            edit = edit.insert(array, entries);
        }
        lines.push(plain(if is_new {
            "The connector is enabled; nothing is sent before a provisioner names it.".to_owned()
        } else {
            "The connector starts disabled: Space under Outbound Provisioning enables it."
                .to_owned()
        }));
        let made = Wish::Made {
            panel: "connections",
            key: id.clone(),
            part: (!is_new).then(|| kind.kind.to_owned()),
        };
        let answers = vec![
            ("Finish", vec![Wish::Edit(edit), made]),
            ("Previous", wizard_settings(world, wizard)),
            ("Cancel", Vec::new()),
        ];
        vec![Wish::Show(Box::new(Modal::Reading(
            Reading::new(wizard.title(), lines, answers)
                .ready()
                .ends_form("3 of 3: Summary"),
        )))]
    }

    /// Takes what a new connection is to be called: it is made, or its connector comes next.
    fn submitted_new(&mut self, world: &World, template: &str, form: &Form) -> Vec<Wish> {
        let name = form.value("name");
        if let Some(refused) = Self::taken(world, &format!("new:{template}"), &name, None) {
            return refused;
        }
        let known = world.config().connections.iter();
        let Some(id) = slug(&name, known.map(|one| one.id.0.as_str())) else {
            return no_id(&format!("new:{template}"));
        };
        let description = form.value("description");
        if let Some(kind) = world.catalogue.find(template) {
            let target = Target::New {
                id,
                name,
                description,
            };
            return self.configure(world, target, kind);
        }
        let head = head(&id, &name, &description);
        let words = format!("New Connection {id}: {name}");
        let mut edit = Edit::new(words).insert("connections", head);
        if template == "oidc" {
            let path = format!("connections[id={id}]");
            edit = edit.set(format!("{path}.login.protocol"), "oidc");
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
        }
        let made = Wish::Made {
            panel: "connections",
            key: id,
            part: None,
        };
        vec![Wish::Edit(edit), made]
    }
}

/// What is being made in several steps.
pub(super) struct Wizard {
    target: Target,
    kind: &'static ConnectorType,
    /// What was filled in, by type.
    forms: BTreeMap<&'static str, Form>,
}

/// A header of the file, the array that it stands for, and the entries below it.
type Block = (&'static str, String, Vec<(String, Value)>);

impl Wizard {
    /// Returns the title of the steps that know the type.
    fn title(&self) -> String {
        let label = self.kind.label;
        format!("Create outbound provisioning connector: {label}")
    }

    /// Returns everything that is added, in the order of the file; `at` is the connection's path.
    fn blocks(&self, world: &World, form: &Form, at: &str) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut is_new = false;
        if let Target::New {
            id,
            name,
            description,
        } = &self.target
        {
            is_new = true;
            blocks.push((
                "[[connections]]",
                "connections".to_owned(),
                head(id, name, description),
            ));
        }
        let is_alone = match &self.target {
            Target::New { .. } => true,
            Target::Present(id) => {
                let one = world.config().connection(&id.as_str().into());
                let mut connectors = one.into_iter().flat_map(|one| &one.connectors);
                connectors.all(|one| one.kind.0 == self.kind.kind)
            }
        };
        for starter in settings::starters(self.kind, self.target.mappings(world)) {
            let mut entries = settings::mapping(starter, form);
            if !is_alone {
                // The other connectors have never asked for it.
                entries.push(("connector".to_owned(), self.kind.kind.into()));
            }
            let array = format!("{at}.attributes");
            blocks.push(("[[connections.attributes]]", array, entries));
        }
        blocks.push((
            "[[connections.connectors]]",
            format!("{at}.connectors"),
            settings::entries(self.kind, form, is_new),
        ));
        blocks
    }
}

/// The connection that gets the connector.
enum Target {
    /// One that is there, by its id.
    Present(String),
    New {
        id: String,
        name: String,
        description: String,
    },
}

impl Target {
    /// Tells whether what was filled in for the one is meant for the other, too; a new one may be called otherwise since.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Present(one), Self::Present(other)) => one == other,
            (Self::New { .. }, Self::New { .. }) => true,
            (Self::Present(_), Self::New { .. }) | (Self::New { .. }, Self::Present(_)) => false,
        }
    }

    /// Returns the attribute mappings that it has.
    fn mappings<'w>(&self, world: &'w World) -> &'w [AttributeMapping] {
        match self {
            Self::Present(id) => {
                let one = world.config().connection(&id.as_str().into());
                one.map_or(&[][..], |one| one.attributes.as_slice())
            }
            Self::New { .. } => &[],
        }
    }
}

/// Refuses a form whose subject is gone; what was filled in stays to be seen.
fn refused(sheet: &str, told: &str) -> Vec<Wish> {
    vec![Wish::RefuseSheet {
        id: sheet.to_owned(),
        field: None,
        told: format!("{told}: somebody else removed it, and nothing of the form is taken"),
    }]
}

fn has(one: &Connection, kind: &ConnectorType) -> bool {
    one.connectors
        .iter()
        .any(|settings| settings.kind.0 == kind.kind)
}

fn head(id: &str, name: &str, description: &str) -> Vec<(String, Value)> {
    let mut head = vec![
        ("id".to_owned(), id.into()),
        ("name".to_owned(), name.into()),
    ];
    if !description.is_empty() {
        head.push(("description".to_owned(), description.into()));
    }
    head
}

/// Says what choosing a type means for a connection.
pub(super) fn type_says(world: &World, one: &Connection, kind: &str) -> Vec<String> {
    let label = |kind: &str| {
        let known = world.catalogue.find(kind);
        known.map_or_else(|| kind.to_owned(), |known| known.label.to_owned())
    };
    let present: Vec<String> = one
        .connectors
        .iter()
        .map(|settings| label(&settings.kind.0))
        .collect();
    if present.is_empty() {
        return Vec::new();
    }
    let mut says = vec![format!(
        "A connection holds one connector of each type; {} has {}.",
        one.name,
        present.join(", ")
    )];
    if let Some(known) = world.catalogue.find(kind).filter(|kind| has(one, kind)) {
        says.push(format!(
            "! The {} connector that is there is replaced, with all its settings, and the new one starts disabled. \
             Accounts and links stay. To change some of its settings, edit it instead.",
            known.label
        ));
    }
    says
}

/// Step 2: the settings, as far as they were filled in already.
fn wizard_settings(world: &World, wizard: &Wizard) -> Vec<Wish> {
    let Some(form) = wizard.forms.get(wizard.kind.kind) else {
        return Vec::new();
    };
    let mut form = form.clone();
    form.focus_first();
    if matches!(wizard.target, Target::New { .. }) {
        form.set_begun();
    }
    let mocks = world.mocks.iter();
    let mock = mocks
        .filter(|mock| mock.target == wizard.kind.kind)
        .find_map(|mock| mock.access.as_ref());
    let says = mock.map(|access| format!("The mock on this machine takes  {access}"));
    sheet(
        SETTINGS,
        &wizard.title(),
        "2 of 3: Connector Details",
        form,
        says.into_iter().collect(),
    )
}

/// Opens the sheet of a new connection, with what was filled in before.
fn new_sheet(world: &World, template: &str, filled: (&str, &str)) -> Vec<Wish> {
    let id = format!("new:{template}");
    match world.catalogue.find(template) {
        Some(kind) => {
            let title = format!("New Connection: {}", kind.label);
            general_sheet(&id, &title, "1 of 3: General settings", filled, None)
        }
        None => general_sheet(
            &id,
            "New Connection: Custom Connector",
            UNSAVED,
            filled,
            None,
        ),
    }
}

fn oidc_sheet(world: &World) -> Vec<Wish> {
    let endpoint = |key, label| {
        let field = Field::text(key, label, "").check(config::address);
        field.doubts(config::address_doubt)
    };
    let fields = vec![
        Field::text("name", "Name", "")
            .required()
            .check(name_is_right)
            .bound(name_fits)
            .hint("People see it. The id is made of it, and stays when the name changes.")
            .in_file("name, in [[connections]]"),
        description_field(""),
        Field::text("client_id", "Client ID", "")
            .required()
            .bound(config::name)
            .hint("How the identity provider knows this organization.")
            .in_file("client_id, in [connections.login]"),
        Field::secret("client_secret", "Client secret", None)
            .refers_from(world.base(), None)
            .kept_out(login_is_away)
            .hint(
                "Shows the identity provider that it is this organization who asks. env:NAME or file:path keeps it out of \
                 the file.",
            )
            .in_file("client_secret, in [connections.login]"),
        endpoint("authorization_endpoint", "Authorization endpoint URL")
            .hint("Where people are sent to log in.")
            .in_file("authorization_endpoint, in [connections.login]"),
        endpoint("token_endpoint", "Token endpoint URL")
            .hint("Where the code of a login is exchanged for tokens.")
            .in_file("token_endpoint, in [connections.login]"),
        Field::toggle("jit", "Just-in-Time (JIT) User Provisioning", true)
            .hint(
                "Whoever logs in through this connection for the first time becomes a local user.",
            )
            .in_file("enabled, in [connections.jit]"),
    ];
    let form = Form::new(
        fields,
        vec![
            Button::acts("ok", "Finish"),
            Button::leaves("cancel", "Cancel"),
        ],
    );
    let title = "New Connection: Standard-Based IdP (OIDC)";
    sheet("new:oidc", title, UNSAVED, form, Vec::new())
}

/// Says what of a login keeps its secret out of the file.
fn login_is_away(form: &Form) -> Option<String> {
    let endpoints = ["authorization_endpoint", "token_endpoint"].map(|key| form.value(key));
    let given = endpoints.iter().map(String::as_str);
    let given: Vec<&str> = given.filter(|one| !one.is_empty()).collect();
    config::login_is_away(&given)
}

pub(super) fn connector_form(fields: Vec<Field>, is_edit: bool) -> Form {
    let buttons = if is_edit {
        vec![
            Button::acts("ok", "Finish"),
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
