//! Operations on the values that a path's filter selects.

use serde_json::{Map, Value};

use super::{
    Verb,
    apply::merge_into,
    items::{drop_hollow, put_items, set_sub, take_items},
};
use crate::scim2::{
    error::Refusal,
    filter::{Bound, Matching},
    personality::Personality,
    resource::{coerce, coerce_one},
    schema::{Attribute, Mutability},
};

#[expect(
    clippy::too_many_arguments,
    reason = "each is one part of one operation; a struct would only rename them"
)]
pub(super) fn apply_selected(
    holder: &mut Map<String, Value>,
    attribute: &Attribute,
    sub: Option<&Attribute>,
    selection: &Bound,
    verb: Verb,
    value: &Value,
    named: bool,
    personality: &Personality,
) -> Result<(), Refusal> {
    let hits = |item: &Value| {
        item.as_object()
            .is_some_and(|item| selection.holds(item, Matching::default()))
    };
    let mut items = take_items(holder, attribute);
    if !items.iter().any(hits) {
        // A remove of what is not there has nothing to do; RFC 7644 asks for noTarget where a value must be put.
        let added = match verb {
            Verb::Remove => None,
            Verb::Replace if named => {
                return Err(Refusal::no_target(
                    "The filter of the path selects no value.",
                ));
            }
            Verb::Add | Verb::Replace => {
                Some(new_item(attribute, sub, selection, value, personality)?)
            }
        };
        items.extend(added);
        put_items(holder, attribute, items);
        return Ok(());
    }
    match (verb, sub) {
        (Verb::Remove, None) => items.retain(|item| !hits(item)),
        (Verb::Add | Verb::Replace, None) => {
            for item in items.iter_mut().filter(|item| hits(item)) {
                select_value(item, attribute, verb, value, personality)?;
            }
            items.retain(|item| !item.is_null());
        }
        (_, Some(sub)) => {
            let value = if verb == Verb::Remove {
                None
            } else {
                coerce(sub, value, personality)?
            };
            items
                .iter_mut()
                .filter(|item| hits(item))
                .for_each(|item| set_sub(item, sub, value.as_ref()));
            drop_hollow(&mut items, sub, value.is_none());
        }
    }
    put_items(holder, attribute, items);
    Ok(())
}

/// Adds to, or replaces, one selected value. It becomes null when nothing is left.
fn select_value(
    item: &mut Value,
    attribute: &Attribute,
    verb: Verb,
    value: &Value,
    personality: &Personality,
) -> Result<(), Refusal> {
    let sent = one_of(value);
    if let (Verb::Add, Value::Object(sent), Some(item)) = (verb, sent, item.as_object_mut()) {
        return merge_into(item, attribute, sent, personality);
    }
    let mut made = coerce_one(attribute, sent, personality)?.unwrap_or(Value::Null);
    // What may not change about a member stays when the replacement leaves it out.
    if let (Some(made), Some(old)) = (made.as_object_mut(), item.as_object()) {
        let immutable = |sub: &&Attribute| sub.mutability == Mutability::Immutable;
        for sub in attribute.sub_attributes.iter().filter(immutable) {
            if let Some(old) = old.get(sub.name) {
                made.entry(sub.name).or_insert_with(|| old.clone());
            }
        }
    }
    *item = made;
    Ok(())
}

/// Makes the value that a filter such as `type eq "work"` describes, as Entra expects of an add.
fn new_item(
    attribute: &Attribute,
    sub: Option<&Attribute>,
    selection: &Bound,
    value: &Value,
    personality: &Personality,
) -> Result<Value, Refusal> {
    let template = selection.template();
    let mut made = template.ok_or_else(|| {
        Refusal::no_target("The filter of the path selects no value and describes none.")
    })?;
    match (sub, one_of(value)) {
        (Some(sub), _) => {
            if let Some(value) = coerce(sub, value, personality)? {
                made.insert(sub.name.to_owned(), value);
            }
        }
        (None, Value::Object(sent)) => merge_into(&mut made, attribute, sent, personality)?,
        (None, _) => {
            return Err(Refusal::invalid_value(format!(
                "A value of '{}' must be an object.",
                attribute.name
            )));
        }
    }
    Ok(Value::Object(made))
}

/// Takes a list of one for the one.
fn one_of(value: &Value) -> &Value {
    match value {
        Value::Array(items) if items.len() == 1 => &items[0],
        other => other,
    }
}
