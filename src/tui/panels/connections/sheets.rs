//! The forms of a connection's tabs, and the edits that they make.

use config::edit::Value;
use domain::{Connection, ConnectorKind, JitScheme, OnEmpty, RoleName};

use super::told::{scheme_label, scheme_word, sync_word};
use super::{Connections, mapping_key, mapping_named, path};
use crate::draft::Edit;
use crate::modal::{Modal, Question, Sheet};
use crate::panels::applications::{name_fits, name_is_right};
use crate::widgets::{Button, Choice, Field, Form, Input};
use crate::wish::Wish;
use crate::world::World;

/// What the id of the sheet of a mapping begins with; the mapping's key follows.
pub(super) const MAPPING: &str = "map:";
/// What the id of the sheet of a connector begins with; the connector's type follows.
pub(super) const CONNECTOR: &str = "connector:";
/// What stands in the id of a sheet before the connection that it is about. Another one may be selected when it is sent
/// off: somebody else may have removed this one.
const OF: &str = " of ";

/// Returns the id of a sheet about a connection.
pub(super) fn sheet_of(what: &str, one: &Connection) -> String {
    format!("{what}{OF}{}", one.id)
}

/// Returns what a sheet is, and the id of the connection that it is about.
pub(super) fn parts(sheet: &str) -> (&str, &str) {
    sheet.rsplit_once(OF).unwrap_or((sheet, ""))
}

impl Connections {
    /// Refuses a name that another connection has.
    pub(super) fn taken(
        world: &World,
        sheet: &str,
        name: &str,
        own: Option<&Connection>,
    ) -> Option<Vec<Wish>> {
        let mut others = world.config().connections.iter();
        let is_other = |one: &&Connection| own.is_none_or(|own| own.id != one.id);
        let is_taken = others.any(|one| is_other(&one) && one.name.eq_ignore_ascii_case(name));
        is_taken.then(|| {
            vec![Wish::RefuseSheet {
                id: sheet.to_owned(),
                field: Some("name".to_owned()),
                told: "a connection already exists with this name".to_owned(),
            }]
        })
    }

    pub(super) fn submitted_general(
        world: &World,
        one: &Connection,
        sheet: &str,
        form: &Form,
    ) -> Vec<Wish> {
        if let Some(refused) = Self::taken(world, sheet, &form.value("name"), Some(one)) {
            return refused;
        }
        let mut edit = Edit::new(format!("{}: General", one.name));
        for (key, before) in [("name", &one.name), ("description", &one.description)] {
            let now = form.value(key);
            let at = format!("{}.{key}", path(one));
            if now == *before {
                continue;
            }
            edit = if now.is_empty() {
                edit.remove(at)
            } else {
                edit.set(at, now)
            };
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

    pub(super) fn submitted_roles(one: &Connection, form: &Form) -> Vec<Wish> {
        let given = form.value("roles");
        let roles = given.split(',').map(str::trim);
        let roles: Vec<&str> = roles.filter(|role| !role.is_empty()).collect();
        let before = one.outbound_roles.iter().map(RoleName::as_str);
        if before.eq(roles.iter().copied()) {
            return Vec::new();
        }
        let at = format!("{}.outbound_roles", path(one));
        let edit =
            |what: &str| Edit::new(format!("{}: Outbound Provisioning Roles {what}", one.name));
        // Without roles the key goes, too: it would only say what holds anyway.
        vec![Wish::Edit(if roles.is_empty() {
            edit("none: everybody").remove(at)
        } else {
            let value: Value = roles.iter().map(|role| (*role).to_owned()).collect();
            edit(&roles.join(", ")).set(at, value)
        })]
    }

    pub(super) fn submitted_jit(world: &World, one: &Connection, form: &Form) -> Vec<Wish> {
        // As in the Console: people who come through a login flow would have no local user any more.
        let needed: Vec<String> = world
            .config()
            .applications
            .iter()
            .filter(|application| application.login.contains(&one.id))
            .map(|application| format!("  {}", application.name))
            .collect();
        if one.jit.enabled && !form.is_on("enabled") && !needed.is_empty() {
            let mut body = vec![format!(
                "Just-in-Time Provisioning of {} is needed by the login flow of:",
                one.name
            )];
            body.extend(needed);
            body.push("Take the connection out of the login flow first.".to_owned());
            let answers = vec![("Close", Vec::new())];
            let question = Question::new("Operation Not Allowed", body, None, answers);
            // The other fields may hold what is wanted all the same.
            return vec![
                Wish::KeepSheet,
                Wish::Show(Box::new(Modal::Question(question))),
            ];
        }
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

    /// Takes a new mapping.
    pub(super) fn submitted_new_mapping(one: &Connection, sheet: &str, form: &Form) -> Vec<Wish> {
        if let Some(refused) = mapping_fault(one, sheet, form, None) {
            return refused;
        }
        let mut entries: Vec<(String, Value)> = ["remote", "local", "default", "value"]
            .iter()
            .filter(|key| !form.value(key).is_empty())
            .map(|key| ((*key).to_owned(), form.value(key).into()))
            .collect();
        if form.is_on("clear") {
            entries.push(("on_empty".to_owned(), "clear".into()));
        }
        let edit = Edit::new(format!(
            "{}: new mapping {}",
            one.name,
            form.value("remote")
        ));
        let edit = edit.insert(format!("{}.attributes", path(one)), entries);
        vec![
            Wish::Edit(edit),
            mapping_made(one, &form.value("remote"), None),
        ]
    }

    /// Takes a mapping that was edited.
    pub(super) fn submitted_mapping(one: &Connection, sheet: &str, form: &Form) -> Vec<Wish> {
        let key = parts(sheet).0.strip_prefix(MAPPING).unwrap_or_default();
        let mut mappings = one.attributes.iter();
        let Some(at) = mappings.position(|mapping| mapping_key(mapping) == key) else {
            let told = format!("{key} is not mapped here any more: somebody else removed it");
            return vec![Wish::Fail(told)];
        };
        if let Some(refused) = mapping_fault(one, sheet, form, Some(at)) {
            return refused;
        }
        let before = &one.attributes[at];
        let was = |key: &str| match key {
            "local" => before.local.is_some(),
            "default" => before.default.is_some(),
            "value" => before.value.is_some(),
            _ => true,
        };
        let place = mapping_path(one, at);
        let mut edit = Edit::new(format!("{}: mapping {}", one.name, before.remote));
        for field in form.fields.iter().filter(|field| field.changed) {
            let at = format!("{place}.{}", field.key);
            edit = match field.key.as_str() {
                // The place is found by this name, so it changes last.
                "remote" => edit,
                "clear" if form.is_on("clear") => edit.set(format!("{place}.on_empty"), "clear"),
                "clear" => edit.remove(format!("{place}.on_empty")),
                _ if !field.value().is_empty() => edit.set(at, field.value()),
                key if was(key) => edit.remove(at),
                _ => edit,
            };
        }
        let remote = form.value("remote");
        if remote != before.remote {
            edit = edit.set(format!("{place}.remote"), remote.as_str());
        }
        if edit.steps.is_empty() {
            Vec::new()
        } else {
            let made = mapping_made(one, &remote, before.connector.as_ref());
            vec![Wish::Edit(edit), made]
        }
    }
}

/// Selects a mapping that was made, or has another name now.
fn mapping_made(one: &Connection, remote: &str, connector: Option<&ConnectorKind>) -> Wish {
    Wish::Made {
        panel: "connections",
        key: one.id.to_string(),
        part: Some(format!("{MAPPING}{}", mapping_named(remote, connector))),
    }
}

/// Says what the file's check would say of a mapping, where it is filled in.
fn mapping_fault(
    one: &Connection,
    sheet: &str,
    form: &Form,
    own: Option<usize>,
) -> Option<Vec<Wish>> {
    let is_given = |key: &str| !form.value(key).is_empty();
    let remote = form.value("remote");
    let limit = own.and_then(|at| one.attributes[at].connector.as_ref());
    let is_twice = one.attributes.iter().enumerate().any(|(at, other)| {
        Some(at) != own
            && other.remote.eq_ignore_ascii_case(&remote)
            && other.connector.as_ref() == limit
    });
    let (field, told) = if is_twice {
        ("remote", format!("{remote} is mapped already"))
    } else if is_given("value") && (is_given("local") || is_given("default")) {
        let told = "a constant is never overridden: leave it empty, or the claim and the default";
        ("value", told.to_owned())
    } else if ["local", "default", "value"].into_iter().any(is_given) {
        return None;
    } else {
        let told = "a mapping takes its value from a claim, a default or a constant";
        ("local", told.to_owned())
    };
    Some(vec![Wish::RefuseSheet {
        id: sheet.to_owned(),
        field: Some(field.to_owned()),
        told,
    }])
}

/// Names a mapping's place in the file: by its attribute where that says which one is meant, else by counting.
pub(super) fn mapping_path(one: &Connection, at: usize) -> String {
    let remote = &one.attributes[at].remote;
    let same = one
        .attributes
        .iter()
        .filter(|other| other.remote == *remote);
    if same.count() == 1 && !remote.contains(['"', '[', ']']) {
        format!("{}.attributes[remote=\"{remote}\"]", path(one))
    } else {
        format!("{}.attributes[{at}]", path(one))
    }
}

/// What stands beside the title of a sheet that ends in the draft.
pub(super) const UNSAVED: &str = "Nothing is written before Update";

/// Opens a sheet of this panel.
pub(super) fn sheet(id: &str, title: &str, note: &str, form: Form, says: Vec<String>) -> Vec<Wish> {
    vec![Wish::Show(Box::new(Modal::Sheet(Sheet {
        panel: "connections",
        id: id.to_owned(),
        title: title.to_owned(),
        note: note.to_owned(),
        form,
        says,
    })))]
}

/// Opens the sheet about a connection itself; a new one has no toggle.
pub(super) fn general_sheet(
    id: &str,
    title: &str,
    note: &str,
    (name, description): (&str, &str),
    enabled: Option<bool>,
) -> Vec<Wish> {
    let hint = if enabled.is_some() {
        "People see it, and patterns use it as IDP. Provisioners and links hang on the id, which stays."
    } else {
        "People see it, and patterns use it as IDP. The id is made of it, and stays when the name changes."
    };
    let mut fields = vec![
        Field::text("name", "Name", name)
            .required()
            .check(name_is_right)
            .bound(name_fits)
            .hint(hint)
            .in_file("name, in [[connections]]"),
        description_field(description),
    ];
    if let Some(enabled) = enabled {
        fields.push(
            Field::toggle("enabled", "Enabled", enabled)
                .hint("A disabled connection provisions nothing.")
                .in_file("enabled, in [[connections]]"),
        );
    }
    let word = if note.starts_with("1 of") {
        "Next"
    } else {
        "Finish"
    };
    let mut form = Form::new(
        fields,
        vec![Button::acts("ok", word), Button::leaves("cancel", "Cancel")],
    );
    if enabled.is_none() && !name.is_empty() {
        // It was called something a step later, and this is the way back.
        form.set_begun();
    }
    sheet(id, title, note, form, Vec::new())
}

pub(super) fn description_field(description: &str) -> Field {
    Field::text("description", "Description", description)
        .bound(config::description)
        .hint("What it is for, in 1023 characters at most.")
        .in_file("description, in [[connections]]")
}

pub(super) fn mapping_sheet(
    id: &str,
    title: &str,
    mapping: Option<&domain::AttributeMapping>,
) -> Vec<Wish> {
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
        .bound(config::name)
        .hint("In the target's words: LastName")
        .in_file("remote, in [[connections.attributes]]"),
        Field::text("local", "Local claim", local)
            .bound(config::name)
            .hint("A claim URI or its short name: lastname")
            .in_file("local, in [[connections.attributes]]"),
        Field::text(
            "default",
            "Default",
            &text(mapping.and_then(|mapping| mapping.default.as_ref())),
        )
        .hint("Used when the user has no value.")
        .in_file("default, in [[connections.attributes]]"),
        Field::text(
            "value",
            "Constant",
            &text(mapping.and_then(|mapping| mapping.value.as_ref())),
        )
        .hint("Never overridden by a user's value; instead of a claim.")
        .in_file("value, in [[connections.attributes]]"),
        Field::toggle("clear", "Clear when empty", on_empty)
            .hint("An emptied claim empties the remote attribute.")
            .in_file("on_empty = \"clear\", in [[connections.attributes]]"),
    ];
    let form = Form::new(
        fields,
        vec![
            Button::acts("ok", "Finish"),
            Button::leaves("cancel", "Cancel"),
        ],
    );
    sheet(id, title, UNSAVED, form, Vec::new())
}

pub(super) fn jit_sheet(world: &World, one: &Connection) -> Vec<Wish> {
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
        )
        .hint("Whoever logs in through this connection for the first time becomes a local user.")
        .in_file("enabled, in [connections.jit]"),
        Field::choice(
            "user_store",
            "User store domain to always provision users",
            stores,
            one.jit.user_store.as_str(),
        )
        .hint("The store that these users are made in.")
        .in_file("user_store, in [connections.jit]"),
        Field::choice(
            "scheme",
            "Provisioning scheme",
            schemes.to_vec(),
            scheme_word(one.jit.scheme),
        )
        .hint("What somebody is asked for before the local user is made.")
        .in_file("scheme, in [connections.jit]"),
        Field::toggle(
            "associate_local_user",
            "Enable local account linking",
            one.jit.associate_local_user,
        )
        .hint("Whoever comes with the name of a local user is that user, and no second one is made.")
        .in_file("associate_local_user, in [connections.jit]"),
        Field::toggle(
            "skip_when_not_found",
            "Skip user provisioning when no local account is found",
            one.jit.skip_when_not_found,
        )
        .hint("Only who has a local account already is linked; nobody is made.")
        .in_file("skip_when_not_found, in [connections.jit]"),
        Field::choice(
            "attribute_sync",
            "Attribute synchronization method",
            syncs,
            sync_word(one),
        )
        .hint(
            "What a later login does to the local claims: they become those of the login, stay as they are, or only get \
             those that they lack.",
        )
        .in_file("attribute_sync, in [connections.jit]"),
        Field::toggle(
            "override_roles",
            "Override existing roles with external IDP group roles",
            one.jit.override_roles,
        )
        .hint("At a login the roles become those of the groups that the identity provider tells.")
        .in_file("override_roles, in [connections.jit]"),
    ];
    let form = Form::new(
        fields,
        vec![
            Button::acts("ok", "Finish"),
            Button::leaves("cancel", "Cancel"),
        ],
    );
    sheet(
        &sheet_of("jit", one),
        "Just-in-Time Provisioning",
        UNSAVED,
        form,
        Vec::new(),
    )
}
