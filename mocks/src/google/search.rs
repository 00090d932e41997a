//! What a query finds: which users and groups meet the clauses that [`super::query`] read.
//!
//! Case never counts. Sources: developers.google.com/workspace/admin/directory/v1/guides/search-users and
//! …/search-groups, "Fields" and "Operators".

use serde_json::Value;

use super::error::Error;
use super::query::{Clause, Op};
use super::shapes::{Group, User};
use super::store::{Owner, Store};

/// What a field of a user is.
enum Field {
    /// Texts, any of which may match.
    Texts(Vec<String>),
    /// A boolean.
    Flag(bool),
    /// Values of a custom field.
    Custom(Vec<Value>),
}

/// Checks that every field is known and knows its operator.
///
/// # Errors
/// `invalid` for the first that is not.
pub(super) fn check_users(clauses: &[Clause]) -> Result<(), Error> {
    for clause in clauses {
        let Some(field) = clause.field.as_deref() else {
            continue;
        };
        let known: &[Op] = match field {
            "email" | "givenName" | "familyName" => &[Op::Is, Op::Has, Op::Starts],
            "isAdmin" | "isDelegatedAdmin" | "isSuspended" | "isArchived" => {
                if !["true", "false"].contains(&clause.value.to_lowercase().as_str()) {
                    return Err(Error::invalid("query"));
                }
                &[Op::Is]
            }
            "manager" | "managerId" | "directManager" | "directManagerId" | "phone"
            | "orgUnitPath" => &[Op::Is],
            "address" => &[Op::Has],
            "name" | "im" | "externalId" => &[Op::Is, Op::Has],
            _ if part_of("address", ADDRESS, field).is_some() => &[Op::Is, Op::Has],
            _ if part_of("org", ORGANIZATION, field).is_some() => &[Op::Is, Op::Has],
            _ if custom(field).is_some() => &[
                Op::Is,
                Op::Has,
                Op::Starts,
                Op::Between,
                Op::Above,
                Op::AtLeast,
                Op::Below,
                Op::AtMost,
            ],
            _ => return Err(Error::invalid("query")),
        };
        if !known.contains(&clause.op) {
            return Err(Error::invalid("query"));
        }
    }
    Ok(())
}

/// Returns the address that a query pins down exactly, if it does.
pub(super) fn exact_email(clauses: &[Clause]) -> Option<&str> {
    exact("email", clauses)
}

/// Returns the external id that a query pins down exactly, if it does.
pub(super) fn exact_external_id(clauses: &[Clause]) -> Option<&str> {
    exact("externalId", clauses)
}

fn exact<'a>(field: &str, clauses: &'a [Clause]) -> Option<&'a str> {
    clauses
        .iter()
        .find(|clause| clause.op == Op::Is && clause.field.as_deref() == Some(field))
        .map(|clause| clause.value.as_str())
}

/// Tells whether a user meets every clause.
pub(super) fn user_matches(store: &Store, user: &User, clauses: &[Clause]) -> bool {
    clauses.iter().all(|clause| match clause.field.as_deref() {
        None => any_text(&anywhere(user), clause),
        Some("orgUnitPath") => org_unit(&user.org_unit, &clause.value),
        Some("manager" | "managerId") => managed(store, user, &clause.value, false),
        Some("directManager" | "directManagerId") => managed(store, user, &clause.value, true),
        Some(field) => match field_of(user, field) {
            Field::Texts(texts) => any_text(&texts, clause),
            Field::Flag(flag) => {
                clause
                    .value
                    .eq_ignore_ascii_case(if flag { "true" } else { "false" })
            }
            Field::Custom(values) => values.iter().any(|value| custom_matches(value, clause)),
        },
    })
}

/// Checks the clauses of a search for groups.
///
/// # Errors
/// `invalid` for an unknown field or operator, and for `memberKey` beside another field.
pub(super) fn check_groups(clauses: &[Clause]) -> Result<(), Error> {
    let member = clauses
        .iter()
        .any(|clause| clause.field.as_deref() == Some("memberKey"));
    let good = clauses.iter().all(|clause| match clause.field.as_deref() {
        Some("email" | "name") => !member && matches!(clause.op, Op::Is | Op::Starts),
        Some("memberKey") => clause.op == Op::Is,
        _ => false,
    });
    if good {
        Ok(())
    } else {
        Err(Error::invalid("query"))
    }
}

/// Tells whether a group meets every clause.
pub(super) fn group_matches(store: &Store, group: &Group, clauses: &[Clause]) -> bool {
    clauses.iter().all(|clause| match clause.field.as_deref() {
        Some("email") => {
            let mut texts = vec![group.email.to_string()];
            texts.extend(group.aliases.iter().map(ToString::to_string));
            any_text(&texts, clause)
        }
        Some("name") => any_text(&[group.name.to_string()], clause),
        _ => member_key(store, &clause.value).is_some_and(|key| group.members.contains_key(&key)),
    })
}

fn member_key(store: &Store, text: &str) -> Option<u64> {
    if let Some(user) = store.find_user(text) {
        return Some(user.key);
    }
    store.find_group(text).map(|group| group.key)
}

const ADDRESS: &[(&str, &str)] = &[
    ("PoBox", "poBox"),
    ("Extended", "extendedAddress"),
    ("Street", "streetAddress"),
    ("Locality", "locality"),
    ("Region", "region"),
    ("PostalCode", "postalCode"),
    ("Country", "country"),
];

const ORGANIZATION: &[(&str, &str)] = &[
    ("Name", "name"),
    ("Title", "title"),
    ("Department", "department"),
    ("Description", "description"),
    ("CostCenter", "costCenter"),
];

fn part_of(lead: &str, parts: &[(&str, &'static str)], field: &str) -> Option<&'static str> {
    let rest = field.strip_prefix(lead)?;
    parts
        .iter()
        .find(|(name, _)| *name == rest)
        .map(|(_, key)| *key)
}

/// `schemaName.fieldName`.
fn custom(field: &str) -> Option<(&str, &str)> {
    field
        .split_once('.')
        .filter(|(schema, name)| !schema.is_empty() && !name.is_empty())
}

fn field_of(user: &User, field: &str) -> Field {
    let list = |name: &str, key: &str| -> Vec<String> {
        let all = user.entries(name);
        all.iter()
            .filter_map(|one| one[key].as_str())
            .map(str::to_owned)
            .collect()
    };
    match field {
        "name" => Field::Texts(vec![user.full_name()]),
        "email" => Field::Texts(emails(user)),
        "givenName" => Field::Texts(vec![user.given.to_string()]),
        "familyName" => Field::Texts(vec![user.family.to_string()]),
        "isAdmin" => Field::Flag(user.admin),
        "isDelegatedAdmin" => Field::Flag(user.delegated_admin),
        "isSuspended" => Field::Flag(user.suspended.is_some()),
        "isArchived" => Field::Flag(user.archived.is_some()),
        "im" => Field::Texts(list("ims", "im")),
        "externalId" => Field::Texts(list("externalIds", "value")),
        "phone" => Field::Texts(list("phones", "value")),
        "address" => {
            let keys = ADDRESS.iter().map(|(_, key)| *key).chain(["formatted"]);
            Field::Texts(keys.flat_map(|key| list("addresses", key)).collect())
        }
        _ => {
            if let Some(key) = part_of("address", ADDRESS, field) {
                return Field::Texts(list("addresses", key));
            }
            if let Some(key) = part_of("org", ORGANIZATION, field) {
                return Field::Texts(list("organizations", key));
            }
            let found = custom(field).and_then(|(schema, name)| {
                user.extra("customSchemas")?.get(schema)?.get(name).cloned()
            });
            Field::Custom(match found {
                // A multi-valued custom field is a list of `{type, value}`.
                Some(Value::Array(all)) => all
                    .iter()
                    .map(|one| one.get("value").unwrap_or(one).clone())
                    .collect(),
                Some(one) => vec![one],
                None => Vec::new(),
            })
        }
    }
}

fn emails(user: &User) -> Vec<String> {
    let mut all = vec![user.primary.to_string()];
    all.extend(user.aliases.iter().map(ToString::to_string));
    let written = user.entries("emails");
    all.extend(
        written
            .iter()
            .filter_map(|one| one["address"].as_str())
            .map(str::to_owned),
    );
    all
}

fn anywhere(user: &User) -> Vec<String> {
    let mut all = emails(user);
    all.push(user.given.to_string());
    all.push(user.family.to_string());
    all
}

fn any_text(texts: &[String], clause: &Clause) -> bool {
    let value = clause.value.to_lowercase();
    texts
        .iter()
        .map(|text| text.to_lowercase())
        .any(|text| match clause.op {
            Op::Is => text == value,
            Op::Starts => text.starts_with(&value),
            _ => has_words(&text, &value),
        })
}

/// Tells whether a text contains the words of another, in order and side by side: `jane` is in `jane ann`, not in
/// `janet`.
fn has_words(text: &str, value: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (text, value) = (words(text), words(value));
    !value.is_empty() && text.windows(value.len()).any(|part| part == value)
}

/// A unit holds itself and all below it.
fn org_unit(path: &str, value: &str) -> bool {
    let (path, value) = (path.to_lowercase(), value.to_lowercase());
    let value = value.trim_end_matches('/');
    path == value
        || path
            .strip_prefix(value)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Tells whether somebody is a user's manager, directly or up the chain.
fn managed(store: &Store, user: &User, value: &str, direct: bool) -> bool {
    let Some(wanted) = store.find_user(value).map(|manager| manager.key) else {
        return false;
    };
    let manager = |user: &User| {
        let all = user.entries("relations");
        let found = all
            .iter()
            .find(|one| one["type"].as_str() == Some("manager"));
        match found
            .and_then(|one| one["value"].as_str())
            .and_then(|address| store.owner(address))
        {
            Some(Owner::User(key)) => Some(key),
            _ => None,
        }
    };
    let mut seen = std::collections::BTreeSet::from([user.key]);
    let mut next = manager(user);
    while let Some(key) = next {
        if key == wanted {
            return true;
        }
        if direct || !seen.insert(key) {
            return false;
        }
        next = store.user(key).and_then(|user| manager(user));
    }
    false
}

fn custom_matches(value: &Value, clause: &Clause) -> bool {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let order = |bound: &str| {
        compare(
            &text,
            bound
                .trim()
                .trim_matches(|letter| letter == '\'' || letter == '"'),
        )
    };
    match clause.op {
        Op::Is | Op::Has | Op::Starts => any_text(&[text], clause),
        Op::Between => {
            let (low, high) = clause.value.split_once(',').unwrap_or_default();
            order(low).is_ge() && order(high).is_le()
        }
        Op::Above => order(&clause.value).is_gt(),
        Op::AtLeast => order(&clause.value).is_ge(),
        Op::Below => order(&clause.value).is_lt(),
        Op::AtMost => order(&clause.value).is_le(),
    }
}

/// Compares numbers as numbers and the rest as text; dates (`YYYY-MM-DD`) order as text.
fn compare(left: &str, right: &str) -> std::cmp::Ordering {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.total_cmp(&right),
        _ => left.to_lowercase().cmp(&right.to_lowercase()),
    }
}
