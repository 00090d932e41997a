//! What each operation does to the copy (RFC 7644, sections 3.5.2.1 to 3.5.2.3).

use serde_json::{Map, Value};

use super::{Place, Verb, check_personality};
use crate::scim2::{
    error::Refusal,
    filter::{Bound, Matching},
    path::Target,
    personality::Personality,
    resource::{coerce, coerce_extension, coerce_one, get, primaries},
    schema::{Attribute, Kind, Mutability, Schema, Type},
};

/// What a PATCH did to the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Password {
    Kept,
    Set(String),
    Removed,
}

/// The copy while it is being changed.
#[derive(Debug)]
pub(crate) struct Patched<'a> {
    pub(crate) content: Map<String, Value>,
    pub(crate) password: Password,
    kind: Kind,
    personality: &'a Personality,
    member_changes: usize,
}

impl<'a> Patched<'a> {
    pub(super) fn new(
        content: Map<String, Value>,
        kind: Kind,
        personality: &'a Personality,
    ) -> Self {
        Self {
            content,
            password: Password::Kept,
            kind,
            personality,
            member_changes: 0,
        }
    }

    /// Applies one operation at one place. `named` tells whether the client named the place in a path; a replace
    /// that finds nothing there is refused only then.
    pub(super) fn apply(
        &mut self,
        verb: Verb,
        place: &Place,
        value: &Value,
        named: bool,
    ) -> Result<(), Refusal> {
        check_personality(place, self.kind, verb, value, self.personality)?;
        let Target {
            extension,
            attribute,
            ..
        } = place.target;
        let Some(attribute) = attribute else {
            return extension.map_or(Ok(()), |schema| self.apply_extension(verb, schema, value));
        };
        if attribute.mutability == Mutability::WriteOnly {
            return self.apply_password(verb, attribute, value);
        }
        // `schemas` follows from what the resource holds.
        if attribute.name == "schemas" {
            return Ok(());
        }
        if attribute.name == "members" {
            self.count_member_changes(value)?;
        }
        let personality = self.personality;
        let holder = self.holder(extension);
        let before = holder
            .get(attribute.name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        match &place.selection {
            Some(selection) => {
                apply_selected(
                    holder,
                    attribute,
                    place.target.sub,
                    selection,
                    verb,
                    value,
                    named,
                    personality,
                )?;
            }
            None => match place.target.sub {
                Some(sub) => apply_sub(holder, attribute, sub, verb, value, personality)?,
                None => apply_whole(holder, attribute, verb, value, personality)?,
            },
        }
        settle_primary(holder, attribute, &before, personality);
        if let Some(schema) = extension
            && self
                .content
                .get(schema.id)
                .and_then(Value::as_object)
                .is_some_and(Map::is_empty)
        {
            self.content.shift_remove(schema.id);
        }
        Ok(())
    }

    fn holder(&mut self, extension: Option<&'static Schema>) -> &mut Map<String, Value> {
        let Some(schema) = extension else {
            return &mut self.content;
        };
        let entry = self
            .content
            .entry(schema.id)
            .or_insert_with(|| Value::Object(Map::new()));
        entry
            .as_object_mut()
            .expect("an extension is kept as an object")
    }

    fn apply_extension(
        &mut self,
        verb: Verb,
        schema: &'static Schema,
        value: &Value,
    ) -> Result<(), Refusal> {
        if verb == Verb::Remove || value.is_null() {
            self.content.shift_remove(schema.id);
            return Ok(());
        }
        let Value::Object(sent) = value else {
            return Err(Refusal::invalid_value(format!(
                "'{}' must be an object.",
                schema.id
            )));
        };
        let personality = self.personality;
        // Coerced as a whole first, so that a wrong type is found before anything is changed.
        coerce_extension(schema, value, personality)?;
        for attribute in schema.attributes {
            if let Some(sent) = get(sent, attribute.name) {
                apply_whole(
                    self.holder(Some(schema)),
                    attribute,
                    verb,
                    sent,
                    personality,
                )?;
            }
        }
        if self.holder(Some(schema)).is_empty() {
            self.content.shift_remove(schema.id);
        }
        Ok(())
    }

    fn apply_password(
        &mut self,
        verb: Verb,
        attribute: &Attribute,
        value: &Value,
    ) -> Result<(), Refusal> {
        self.password = match (verb, coerce_one(attribute, value, self.personality)?) {
            (Verb::Add | Verb::Replace, Some(Value::String(text))) => Password::Set(text),
            _ => Password::Removed,
        };
        Ok(())
    }

    fn count_member_changes(&mut self, value: &Value) -> Result<(), Refusal> {
        self.member_changes += value.as_array().map_or(1, Vec::len);
        match self.personality.patch.max_member_changes {
            Some(most) if self.member_changes > most as usize => Err(Refusal::invalid_value(
                format!("One request changes at most {most} members."),
            )),
            _ => Ok(()),
        }
    }
}

fn apply_whole(
    holder: &mut Map<String, Value>,
    attribute: &Attribute,
    verb: Verb,
    value: &Value,
    personality: &Personality,
) -> Result<(), Refusal> {
    match verb {
        Verb::Remove => remove_whole(holder, attribute, value),
        Verb::Add if attribute.multi_valued => {
            let Some(Value::Array(added)) = coerce(attribute, value, personality)? else {
                return Ok(());
            };
            let mut items = take_items(holder, attribute);
            added.into_iter().for_each(|item| append(&mut items, item));
            put_items(holder, attribute, items);
            Ok(())
        }
        Verb::Add | Verb::Replace if !attribute.multi_valued && attribute.kind == Type::Complex => {
            merge(holder, attribute, value, personality)
        }
        Verb::Add | Verb::Replace => {
            match coerce(attribute, value, personality)? {
                Some(value) => {
                    holder.insert(attribute.name.to_owned(), value);
                }
                None if verb == Verb::Replace => {
                    holder.shift_remove(attribute.name);
                }
                None => {}
            }
            Ok(())
        }
    }
}

/// Removes an attribute, or of a list the values that are named: Entra's way to remove one member.
fn remove_whole(
    holder: &mut Map<String, Value>,
    attribute: &Attribute,
    value: &Value,
) -> Result<(), Refusal> {
    let named = match value {
        Value::Array(items) if attribute.multi_valued => items.as_slice(),
        Value::Object(_) | Value::String(_) if attribute.multi_valued => {
            std::slice::from_ref(value)
        }
        _ => {
            holder.shift_remove(attribute.name);
            return Ok(());
        }
    };
    let mut gone = Vec::with_capacity(named.len());
    for item in named {
        let id = match item {
            Value::String(_) => Some(item),
            Value::Object(object) => get(object, "value"),
            _ => None,
        };
        gone.push(
            id.ok_or_else(|| Refusal::invalid_value("A value to remove must have a 'value'."))?,
        );
    }
    let mut items = take_items(holder, attribute);
    items.retain(|item| !item.get("value").is_some_and(|value| gone.contains(&value)));
    put_items(holder, attribute, items);
    Ok(())
}

/// Merges sub-attributes into a complex attribute; those that are not named stay.
fn merge(
    holder: &mut Map<String, Value>,
    attribute: &Attribute,
    value: &Value,
    personality: &Personality,
) -> Result<(), Refusal> {
    let Value::Object(sent) = value else {
        match coerce(attribute, value, personality)? {
            Some(whole) => holder.insert(attribute.name.to_owned(), whole),
            None => holder.shift_remove(attribute.name),
        };
        return Ok(());
    };
    let entry = holder
        .entry(attribute.name)
        .or_insert_with(|| Value::Object(Map::new()));
    let object = entry
        .as_object_mut()
        .expect("a complex attribute is kept as an object");
    merge_into(object, attribute, sent, personality)?;
    if object.is_empty() {
        holder.shift_remove(attribute.name);
    }
    Ok(())
}

fn merge_into(
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    sent: &Map<String, Value>,
    personality: &Personality,
) -> Result<(), Refusal> {
    for sub in attribute.sub_attributes {
        let Some(sent) = get(sent, sub.name).filter(|_| sub.mutability != Mutability::ReadOnly)
        else {
            continue;
        };
        match coerce(sub, sent, personality)? {
            Some(value) => object.insert(sub.name.to_owned(), value),
            None => object.shift_remove(sub.name),
        };
    }
    Ok(())
}

/// Changes one sub-attribute: of the one value, or of every value of a list.
fn apply_sub(
    holder: &mut Map<String, Value>,
    attribute: &Attribute,
    sub: &Attribute,
    verb: Verb,
    value: &Value,
    personality: &Personality,
) -> Result<(), Refusal> {
    let value = if verb == Verb::Remove {
        None
    } else {
        coerce(sub, value, personality)?
    };
    if !attribute.multi_valued {
        let entry = holder
            .entry(attribute.name)
            .or_insert_with(|| Value::Object(Map::new()));
        let object = entry
            .as_object_mut()
            .expect("a complex attribute is kept as an object");
        match value {
            Some(value) => object.insert(sub.name.to_owned(), value),
            None => object.shift_remove(sub.name),
        };
        if object.is_empty() {
            holder.shift_remove(attribute.name);
        }
        return Ok(());
    }
    let mut items = take_items(holder, attribute);
    if items.is_empty()
        && let Some(value) = &value
    {
        items.push(Value::Object(Map::from_iter([(
            sub.name.to_owned(),
            value.clone(),
        )])));
    }
    items
        .iter_mut()
        .for_each(|item| set_sub(item, sub, value.as_ref()));
    drop_hollow(&mut items, sub, value.is_none());
    put_items(holder, attribute, items);
    Ok(())
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is one part of one operation; a struct would only rename them"
)]
fn apply_selected(
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
    match (verb, sent, item.as_object_mut()) {
        (Verb::Add, Value::Object(sent), Some(item)) => {
            merge_into(item, attribute, sent, personality)
        }
        _ => {
            let mut made = coerce_one(attribute, sent, personality)?.unwrap_or(Value::Null);
            // What may not change about a member stays when the replacement leaves it out.
            if let (Some(made), Some(old)) = (made.as_object_mut(), item.as_object()) {
                for sub in attribute
                    .sub_attributes
                    .iter()
                    .filter(|sub| sub.mutability == Mutability::Immutable)
                {
                    if let Some(old) = old.get(sub.name) {
                        made.entry(sub.name).or_insert_with(|| old.clone());
                    }
                }
            }
            *item = made;
            Ok(())
        }
    }
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

fn set_sub(item: &mut Value, sub: &Attribute, value: Option<&Value>) {
    let Some(item) = item.as_object_mut() else {
        return;
    };
    match value {
        Some(value) => item.insert(sub.name.to_owned(), value.clone()),
        None => item.shift_remove(sub.name),
    };
}

/// Drops values that lost their `value`, and those that lost everything.
fn drop_hollow(items: &mut Vec<Value>, sub: &Attribute, removed: bool) {
    let hollow = |item: &Value| item.as_object().is_none_or(Map::is_empty);
    items.retain(|item| {
        !hollow(item) && !(removed && sub.name == "value" && item.get("value").is_none())
    });
}

/// Appends a value unless it is there; the same value again brings its other sub-attributes along.
fn append(items: &mut Vec<Value>, item: Value) {
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
fn settle_primary(
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

fn take_items(holder: &mut Map<String, Value>, attribute: &Attribute) -> Vec<Value> {
    match holder.get_mut(attribute.name) {
        Some(Value::Array(items)) => std::mem::take(items),
        _ => Vec::new(),
    }
}

fn put_items(holder: &mut Map<String, Value>, attribute: &Attribute, items: Vec<Value>) {
    if items.is_empty() {
        holder.shift_remove(attribute.name);
    } else {
        holder.insert(attribute.name.to_owned(), Value::Array(items));
    }
}
