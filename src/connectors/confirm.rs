//! What a connector says when its target confirmed something.

use std::collections::BTreeMap;

use domain::{
    Confirmation, Confirmed, DEEPEST, Failure, FailureKind, Link, Object, Order, Remedy, RemoteId,
};
use serde_json::Value;

use crate::http::classify;

/// The name under which membership stands in a link and in a difference.
pub(crate) const MEMBERS: &str = "members";

/// Says that an account now is as desired.
pub(crate) fn written(
    order: &Order<'_>,
    what: Confirmation,
    remote_id: RemoteId,
    remote_name: String,
) -> Confirmed {
    let mut written = order.desired.values();
    for change in order.changes {
        if !written.contains_key(&change.remote) {
            written.insert(change.remote.clone(), change.after.clone());
        }
    }
    if order.object() == Object::Group {
        let members = member_ids(order).into_iter().collect();
        written.insert(MEMBERS.to_owned(), members);
    }
    Confirmed {
        what,
        remote_id,
        remote_name,
        written,
    }
}

/// Says that an account is taken away or put to rest; nothing of it was written that a later update could build on.
pub(crate) fn taken_away(what: Confirmation, link: &Link, remote_name: String) -> Confirmed {
    Confirmed {
        what,
        remote_id: link.remote_id.clone(),
        remote_name,
        written: BTreeMap::new(),
    }
}

/// The longest id or name that is taken from a target, in bytes: an address could hold no longer one anyway.
const LONGEST: usize = 2_048;

/// Takes an id from a target's answer; `None` when it is empty, or no id at all by its length.
pub(crate) fn remote_id(id: &str) -> Option<RemoteId> {
    let is_one = !id.is_empty() && id.len() <= LONGEST;
    is_one.then(|| RemoteId(id.to_owned()))
}

/// Takes a name from a target's answer; `None` when it is no name at all by its length.
pub(crate) fn remote_name(name: &str) -> Option<String> {
    (name.len() <= LONGEST).then(|| name.to_owned())
}

/// Takes a value from a target's answer: what is nested deeper than anything that is written is taken as its text.
pub(crate) fn value(value: Value) -> Value {
    nested(value, DEEPEST)
}

fn nested(value: Value, levels: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if levels == 0 => Value::String(value.to_string()),
        Value::Array(items) => items
            .into_iter()
            .map(|item| nested(item, levels - 1))
            .collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, field)| (name, nested(field, levels - 1)))
            .collect(),
        plain => plain,
    }
}

/// Returns the remote ids of the desired members that have one, in order, each once.
pub(crate) fn member_ids<'o>(order: &Order<'o>) -> std::collections::BTreeSet<&'o str> {
    order
        .desired
        .members
        .iter()
        .filter_map(|member| member.remote_id.as_ref())
        .map(|id| id.0.as_str())
        .collect()
}

/// Returns the name as the target has it; ours where the two differ in case only, for targets compare names without it.
pub(crate) fn name(ours: &str, theirs: Option<&str>) -> String {
    match theirs {
        Some(theirs) if theirs.len() <= LONGEST && theirs.to_lowercase() != ours.to_lowercase() => {
            theirs.to_owned()
        }
        _ => ours.to_owned(),
    }
}

/// Returns the link, which an update and a deprovision always have.
///
/// # Errors
/// `Rejected` when there is none.
pub(crate) fn link<'o>(order: &Order<'o>) -> Result<&'o Link, Failure> {
    order.link.ok_or_else(|| {
        classify::failure(
            FailureKind::Rejected,
            Remedy::GiveUp,
            format!("a {} needs a link, and there is none", order.verb),
            "Find the account at the target and link it.",
        )
    })
}

/// Returns the link of an account that is there but was put to rest.
pub(crate) fn at_rest<'o>(order: &Order<'o>) -> Option<&'o Link> {
    order.link.filter(|link| !link.active && !link.gone)
}

/// Returns the mapped value that says whether the account may be used, under any of the target's spellings.
pub(crate) fn mapped<'o>(order: &Order<'o>, attribute: &str) -> Option<&'o Value> {
    order
        .desired
        .attributes
        .iter()
        .find(|mapped| mapped.remote.eq_ignore_ascii_case(attribute))
        .map(|mapped| &mapped.value)
        .filter(|value| !value.is_null())
}
