//! The values of a list: set in part, appended once, marked as the primary one.

use serde_json::{Map, Value};

use crate::scim2::{personality::Personality, resource::primaries, schema::Attribute};

pub(super) fn set_sub(item: &mut Value, sub: &Attribute, value: Option<&Value>) {
    let Some(item) = item.as_object_mut() else {
        return;
    };
    match value {
        Some(value) => item.insert(sub.name.to_owned(), value.clone()),
        None => item.shift_remove(sub.name),
    };
}

/// Drops values that lost their `value`, and those that lost everything.
pub(super) fn drop_hollow(items: &mut Vec<Value>, sub: &Attribute, removed: bool) {
    let hollow = |item: &Value| item.as_object().is_none_or(Map::is_empty);
    items.retain(|item| {
        let lost_its_value = removed && sub.name == "value" && item.get("value").is_none();
        !hollow(item) && !lost_its_value
    });
}

/// Appends a value unless it is there; the same value again brings its other sub-attributes along.
pub(super) fn append(items: &mut Vec<Value>, item: Value) {
    let same = |other: &&mut Value| match (item.get("value"), other.get("value")) {
        (Some(new), Some(old)) => {
            new == old && (item.get("type") == other.get("type") || is_member(other))
        }
        (None, None) => **other == item,
        _ => false,
    };
    match (items.iter_mut().find(same), &item) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            if !old.contains_key("$ref") {
                old.extend(new.clone());
            }
        }
        (Some(_), _) => {}
        (None, _) => items.push(item),
    }
}

/// Members are the same by their `value` alone: they carry the address we gave them.
fn is_member(item: &Value) -> bool {
    item.get("$ref").is_some()
}

/// A value that becomes the primary one takes the mark from the value that had it (RFC 7644, section 3.5.2).
pub(super) fn settle_primary(
    holder: &mut Map<String, Value>,
    attribute: &Attribute,
    before: &[Value],
    personality: &Personality,
) {
    if !attribute.has_primary() || !personality.resources.reduce_primaries {
        return;
    }
    let Some(Value::Array(items)) = holder.get_mut(attribute.name) else {
        return;
    };
    if primaries(items) < 2 {
        return;
    }
    let primary = |item: &Value| item.get("primary") == Some(&Value::Bool(true));
    for item in items.iter_mut() {
        let had_it = primary(item)
            && before
                .iter()
                .any(|old| primary(old) && same_value(old, item));
        if let (true, Some(item)) = (had_it, item.as_object_mut()) {
            item.insert("primary".to_owned(), Value::Bool(false));
        }
    }
}

fn same_value(left: &Value, right: &Value) -> bool {
    match (left.get("value"), right.get("value")) {
        (None, None) => left == right,
        (left_value, right_value) => {
            left_value == right_value && left.get("type") == right.get("type")
        }
    }
}

pub(super) fn take_items(holder: &mut Map<String, Value>, attribute: &Attribute) -> Vec<Value> {
    match holder.get_mut(attribute.name) {
        Some(Value::Array(items)) => std::mem::take(items),
        _ => Vec::new(),
    }
}

pub(super) fn put_items(holder: &mut Map<String, Value>, attribute: &Attribute, items: Vec<Value>) {
    if items.is_empty() {
        holder.shift_remove(attribute.name);
    } else {
        holder.insert(attribute.name.to_owned(), Value::Array(items));
    }
}
