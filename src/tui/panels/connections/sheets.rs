//! The forms of a connection's tabs, and the edits that they make.

use domain::{Connection, JitScheme, OnEmpty};

use super::told::{scheme_label, scheme_word, sync_word};
use super::{Connections, path};
use crate::draft::Edit;
use crate::modal::{Modal, Question, Sheet};
use crate::widgets::{Button, Choice, Field, Form, Input};
use crate::wish::Wish;
use crate::world::World;

impl Connections {
    pub(super) fn submitted_general(one: &Connection, form: &Form) -> Vec<Wish> {
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
            return vec![Wish::Show(Box::new(Modal::Question(question)))];
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

    pub(super) fn submitted_mapping(one: &Connection, form: &Form, at: Option<usize>) -> Vec<Wish> {
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

pub(super) fn name_is_right(name: &str) -> Result<(), String> {
    match name.chars().count() {
        3..=120 => Ok(()),
        _ => Err("a name has 3 to 120 characters".to_owned()),
    }
}

pub(super) fn general_sheet(id: &str, title: &str, one: Option<&Connection>) -> Vec<Wish> {
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
