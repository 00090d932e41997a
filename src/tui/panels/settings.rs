//! A connector's settings as a form, made from the catalogue, and what was filled in as entries of the file.

use config::edit::{Value, secret};
use domain::{
    AttributeMapping, ConnectorSettings, ConnectorType, Deprovision, FieldKind, OnExisting,
    Setting, Starter, StartsFrom,
};

use crate::draft::Edit;
use crate::widgets::{Choice, Field, Form};
use crate::world::World;

/// Returns the fields of a connector type, filled in with what is configured.
pub(crate) fn fields(
    kind: &'static ConnectorType,
    settings: Option<&ConnectorSettings>,
    world: &World,
) -> Vec<Field> {
    let base = world.base();
    let real_targets = world.config().engine.real_targets;
    let mut out = Vec::new();
    for field in kind.fields {
        let present = settings.and_then(|settings| settings.settings.get(field.key));
        let text = match present {
            Some(Setting::Text(text)) => text.clone(),
            Some(Setting::Flag(on)) => on.to_string(),
            Some(Setting::List(list)) => list.join(", "),
            Some(Setting::Secret(_)) | None => field.default.unwrap_or_default().to_owned(),
        };
        let mut one = match field.kind {
            FieldKind::Flag => Field::toggle(field.key, field.label, text == "true"),
            FieldKind::Choice(words) => {
                let options = words.iter().map(|word| Choice::plain(*word)).collect();
                Field::choice(field.key, field.label, options, &text)
            }
            FieldKind::Secret | FieldKind::SecretFile => {
                let reference = match present {
                    Some(Setting::Secret(reference)) => Some(reference),
                    _ => None,
                };
                Field::secret(field.key, field.label, reference)
                    .refers_from(base, reference)
                    .kept_out(move |form| is_away(kind, form))
            }
            FieldKind::Url => Field::text(field.key, field.label, &text).check(config::address),
            FieldKind::Email => Field::text(field.key, field.label, &text).check(config::email),
            FieldKind::Domain => {
                Field::text(field.key, field.label, &text).check(config::domain_name)
            }
            FieldKind::Pattern => Field::text(field.key, field.label, &text).check(pattern),
            FieldKind::Text | FieldKind::Claim => {
                Field::text(field.key, field.label, &text).bound(config::name)
            }
            FieldKind::List => Field::text(field.key, field.label, &text),
        }
        .hint(field.hint)
        .doubts(move |text| config::doubt(kind, field.key, text, real_targets));
        if present.is_none() {
            // A default; what is typed is meant in its place.
            one = one.offered();
        }
        one.required = field.required;
        if let Some((key, values)) = field.only_when {
            one = one.only_when(key, values);
        }
        out.push(one);
    }
    let deprovision = settings.map_or(kind.target.default_deprovision, |settings| {
        settings.deprovision
    });
    let mut ways = vec![Choice::new("deactivate", "deactivate the account")];
    if kind.target.can_delete {
        ways.insert(0, Choice::new("delete", "delete the account"));
    }
    let on_existing = settings.map_or(OnExisting::Fail, |settings| settings.on_existing);
    out.push(
        Field::choice(
            "deprovision",
            "Deprovision",
            ways,
            deprovision_word(deprovision),
        )
        .hint("What happens to the remote account when the user goes.")
        .in_file("deprovision, in [[connections.connectors]]"),
    );
    let choices = vec![
        Choice::new("fail", "leave it alone, and say so"),
        Choice::new("adopt", "take it over"),
    ];
    out.push(
        Field::choice(
            "on_existing",
            "On existing",
            choices,
            on_existing_word(on_existing),
        )
        .hint("When an account of that name exists that did not come from here.")
        .in_file("on_existing, in [[connections.connectors]]"),
    );
    out
}

/// Says which address in a connector's form keeps its secrets out of the file.
fn is_away(kind: &ConnectorType, form: &Form) -> Option<String> {
    let shown = form.fields.iter().filter(|field| form.shows(field));
    let addresses: Vec<(&str, String)> = shown
        .filter(|field| kind.target.address_settings.contains(&field.key.as_str()))
        .filter_map(|field| {
            // What is left empty is not written, and then the default holds.
            let given = Some(field.value()).filter(|text| !text.is_empty());
            let default = || kind.field(&field.key)?.default.map(str::to_owned);
            Some((field.label.as_str(), given.or_else(default)?))
        })
        .collect();
    let addresses: Vec<(&str, &str)> = addresses
        .iter()
        .map(|(label, address)| (*label, address.as_str()))
        .collect();
    config::connector_is_away(&addresses)
}

fn deprovision_word(deprovision: Deprovision) -> &'static str {
    match deprovision {
        Deprovision::Delete => "delete",
        Deprovision::Deactivate => "deactivate",
    }
}

fn on_existing_word(on_existing: OnExisting) -> &'static str {
    match on_existing {
        OnExisting::Adopt => "adopt",
        OnExisting::Fail => "fail",
    }
}

/// Returns a filled-in field as a value of the file; `None` when it is empty.
fn value(kind: &'static ConnectorType, field: &Field) -> Option<Value> {
    let is_list = kind
        .field(&field.key)
        .is_some_and(|one| one.kind == FieldKind::List);
    if let Some(reference) = field.secret_value() {
        return Some(secret(&reference));
    }
    let text = field.value();
    match kind.field(&field.key).map(|one| one.kind) {
        Some(FieldKind::Flag) => Some((text == "true").into()),
        _ if text.trim().is_empty() => None,
        _ if is_list => Some(text.split(',').map(|part| part.trim().to_owned()).collect()),
        _ => Some(text.into()),
    }
}

/// Returns the entries of a new connector; what equals its default stays out of the file.
pub(crate) fn entries(
    kind: &'static ConnectorType,
    form: &Form,
    enabled: bool,
) -> Vec<(String, Value)> {
    let mut out: Vec<(String, Value)> = vec![
        ("type".to_owned(), kind.kind.into()),
        ("enabled".to_owned(), enabled.into()),
    ];
    for field in form.fields.iter().filter(|field| form.shows(field)) {
        if field.key.starts_with(ASKED) {
            continue;
        }
        let default = match field.key.as_str() {
            "deprovision" => Some(deprovision_word(kind.target.default_deprovision)),
            "on_existing" => Some("fail"),
            key => kind.field(key).and_then(|one| one.default),
        };
        if default == Some(field.value().as_str()) && field.secret_value().is_none() {
            continue;
        }
        let is_off = matches!(
            kind.field(&field.key).map(|one| one.kind),
            Some(FieldKind::Flag)
        ) && field.value() == "false"
            && default.is_none();
        if is_off || (field.key.is_empty()) {
            continue;
        }
        if let Some(value) = value(kind, field) {
            out.push((field.key.clone(), value));
        }
    }
    out
}

/// What the key of a field begins with that asks for a mapping's constant.
const ASKED: &str = "attribute:";

/// Returns the mappings that a target asks for and a connection does not have.
pub(crate) fn starters(
    kind: &'static ConnectorType,
    present: &[AttributeMapping],
) -> Vec<&'static Starter> {
    let is_there = |starter: &&Starter| {
        present.iter().any(|mapping| {
            let here = mapping.connector.as_ref();
            mapping.remote.eq_ignore_ascii_case(starter.remote)
                && here.is_none_or(|limit| limit.0 == kind.kind)
        })
    };
    let starters = kind.target.starters.iter();
    starters.filter(|starter| !is_there(starter)).collect()
}

/// Returns the fields for what only whoever sets the connection up can know of these mappings.
pub(crate) fn asked(starters: &[&Starter]) -> Vec<Field> {
    let fields = starters.iter().filter_map(|starter| match starter.from {
        StartsFrom::Asked(hint) => {
            let field = Field::text(&format!("{ASKED}{}", starter.remote), starter.remote, "");
            let field = field.required().bound(config::name).hint(hint);
            Some(field.in_file("value, in [[connections.attributes]]"))
        }
        StartsFrom::Claim(..) | StartsFrom::Constant(_) => None,
    });
    fields.collect()
}

/// Returns the entries of one of these mappings, with what was filled in.
pub(crate) fn mapping(starter: &Starter, form: &Form) -> Vec<(String, Value)> {
    let entry = |key: &str, value: &str| (key.to_owned(), Value::from(value));
    let mut entries = vec![entry("remote", starter.remote)];
    match starter.from {
        StartsFrom::Claim(claim, default) => {
            entries.push(entry("local", claim));
            entries.extend(default.map(|default| entry("default", default)));
        }
        StartsFrom::Constant(value) => entries.push(entry("value", value)),
        StartsFrom::Asked(_) => {
            let given = form.value(&format!("{ASKED}{}", starter.remote));
            entries.push(entry("value", &given));
        }
    }
    entries
}

/// Returns the change that an edited form makes at a connector's path; only what was changed is touched.
pub(crate) fn changes(
    kind: &'static ConnectorType,
    form: &Form,
    path: &str,
    name: &str,
    before: &ConnectorSettings,
) -> Option<Edit> {
    let mut labels = Vec::new();
    let mut edit = Edit::new("");
    for field in form
        .fields
        .iter()
        .filter(|field| field.changed && form.shows(field))
    {
        labels.push(field.label.clone());
        let at = format!("{path}.{}", field.key);
        match value(kind, field) {
            Some(value) => edit = edit.set(at, value),
            None if before.settings.contains_key(&field.key) => edit = edit.remove(at),
            None => {}
        }
    }
    edit.words = format!("{name}: {}", labels.join(", "));
    (!edit.steps.is_empty()).then_some(edit)
}

fn pattern(text: &str) -> Result<(), String> {
    decide::pattern::Pattern::parse(text)
        .map(|_| ())
        .map_err(|error| error.to_string())
}
