//! What ties resources together: the members of a group, the groups of a user, a user's manager.
//!
//! `$ref` is never taken from the client where the resource is known. It is kept as [`HERE`] and a path, and the base
//! address is put in when it is shown, so that a fork on another port shows its own address.

use std::{collections::HashSet, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    error::Refusal,
    personality::{Personality, UnknownMembers},
    render::encoded,
    schema::{ENTERPRISE, Kind},
    store::{Row, Store},
};

/// Stands for the base address in a kept `$ref`.
pub(crate) const HERE: char = '\u{1}';

/// Completes the references of a resource before it is kept.
pub(crate) fn complete(
    content: &mut Map<String, Value>,
    kind: Kind,
    store: &Store,
    personality: &Personality,
) -> Result<(), Refusal> {
    match kind {
        Kind::Group => complete_members(content, store, personality),
        Kind::User => {
            complete_manager(content, store);
            Ok(())
        }
    }
}

fn complete_members(
    content: &mut Map<String, Value>,
    store: &Store,
    personality: &Personality,
) -> Result<(), Refusal> {
    let Some(Value::Array(members)) = content.remove("members") else {
        return Ok(());
    };
    let mut seen = HashSet::new();
    let mut kept = Vec::with_capacity(members.len());
    for member in members {
        let Value::Object(mut member) = member else {
            continue;
        };
        let Some(id) = member_id(&member) else {
            return Err(Refusal::invalid_value("A member must have a 'value'."));
        };
        if !seen.insert(id.clone()) {
            continue;
        }
        if is_complete(&member) || complete_member(&mut member, &id, store, personality)? {
            kept.push(Value::Object(member));
        }
    }
    if personality
        .resources
        .max_members
        .is_some_and(|most| kept.len() > most as usize)
    {
        return Err(Refusal::new(
            http::StatusCode::PAYLOAD_TOO_LARGE,
            "The group has too many members.",
        ));
    }
    if !kept.is_empty() {
        content.insert("members".to_owned(), Value::Array(kept));
    }
    Ok(())
}

/// Returns the identifier of a member: its `value`, or the last segment of its `$ref`.
fn member_id(member: &Map<String, Value>) -> Option<String> {
    let value = member
        .get("value")
        .and_then(Value::as_str)
        .filter(|value| !value.is_empty());
    let from_ref = || {
        member
            .get("$ref")?
            .as_str()?
            .rsplit('/')
            .next()
            .filter(|segment| !segment.is_empty())
    };
    value.or_else(from_ref).map(str::to_owned)
}

/// Tells whether a member was completed before; a large group is not looked up again for one new member.
fn is_complete(member: &Map<String, Value>) -> bool {
    member.contains_key("display")
        && member
            .get("$ref")
            .and_then(Value::as_str)
            .is_some_and(|address| address.starts_with(HERE))
}

/// Completes one member. `false` when it is to be left out.
fn complete_member(
    member: &mut Map<String, Value>,
    id: &str,
    store: &Store,
    personality: &Personality,
) -> Result<bool, Refusal> {
    let given = member.remove("display");
    let Some((kind, row)) = store.find_any(id) else {
        match personality.resources.unknown_members {
            UnknownMembers::Drop => return Ok(false),
            UnknownMembers::Refuse => {
                return Err(Refusal::invalid_value(format!(
                    "The member '{id}' does not exist."
                )));
            }
            UnknownMembers::Keep => {}
        }
        member.insert("value".to_owned(), id.into());
        if let Some(given) = given {
            member.insert("display".to_owned(), given);
        }
        return Ok(true);
    };
    let display = given.unwrap_or_else(|| display_name(&row.content(), kind).into());
    *member = Map::new();
    member.insert("value".to_owned(), id.into());
    member.insert("$ref".to_owned(), address(kind, id).into());
    member.insert("type".to_owned(), kind.name().into());
    member.insert("display".to_owned(), display);
    Ok(true)
}

fn complete_manager(content: &mut Map<String, Value>, store: &Store) {
    let Some(manager) = content
        .get_mut(ENTERPRISE.id)
        .and_then(|extension| extension.get_mut("manager"))
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let Some(id) = member_id(manager) else { return };
    if store.by_id(Kind::User, &id).is_some() {
        manager.insert("value".to_owned(), id.as_str().into());
        manager.insert("$ref".to_owned(), address(Kind::User, &id).into());
    }
}

fn address(kind: Kind, id: &str) -> String {
    format!("{HERE}/{}/{}", kind.endpoint(), encoded(id))
}

/// Returns the name a resource is shown by.
pub(crate) fn display_name(content: &Map<String, Value>, kind: Kind) -> String {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    text(content.get("displayName"))
        .or_else(|| text(content.get("name").and_then(|name| name.get("formatted"))))
        .or_else(|| text(content.get(kind.naming_attribute())))
        .unwrap_or_default()
}

/// Returns the identifiers of the members in a group's content.
pub(crate) fn member_ids(content: &Map<String, Value>) -> Vec<Arc<str>> {
    let members = content.get("members").and_then(Value::as_array);
    members
        .into_iter()
        .flatten()
        .filter_map(|member| member.get("value")?.as_str().map(Arc::from))
        .collect()
}

/// Returns the groups of a resource, direct ones first, each once; a circle of groups ends.
pub(crate) fn groups_of(store: &Store, id: &str) -> Vec<(Arc<Row>, bool)> {
    let mut found: Vec<(Arc<Row>, bool)> = Vec::new();
    let mut seen: HashSet<Arc<str>> = HashSet::new();
    let mut waiting: Vec<(Arc<str>, bool)> = store
        .groups_with(id)
        .iter()
        .map(|group| (group.clone(), true))
        .collect();
    let mut at = 0;
    while let Some((group, direct)) = waiting.get(at).cloned() {
        at += 1;
        if !seen.insert(group.clone()) {
            continue;
        }
        waiting.extend(
            store
                .groups_with(&group)
                .iter()
                .map(|parent| (parent.clone(), false)),
        );
        found.extend(
            store
                .by_id(Kind::Group, &group)
                .map(|(_, row)| (row, direct)),
        );
    }
    found
}

/// Returns the value of a user's `groups`, read-only and derived (RFC 7643, section 4.1.2).
pub(crate) fn groups_value(store: &Store, id: &str, base: &str) -> Vec<Value> {
    groups_of(store, id)
        .into_iter()
        .map(|(row, direct)| {
            json!({
                "value": *row.id,
                "$ref": format!("{base}/Groups/{}", encoded(&row.id)),
                "display": *row.name,
                "type": if direct { "direct" } else { "indirect" },
            })
        })
        .collect()
}
