//! What each operation does to the copy (RFC 7644, sections 3.5.2.1 to 3.5.2.3).

use serde_json::{Map, Value};

use super::{
    Place, Verb, check_personality,
    items::{append, drop_hollow, put_items, set_sub, settle_primary, take_items},
    selected::apply_selected,
};
use crate::scim2::{
    error::Refusal,
    path::Target,
    personality::Personality,
    resource::{coerce, coerce_extension, coerce_one, get},
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
            for item in added {
                append(&mut items, item);
            }
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

pub(super) fn merge_into(
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
    for item in &mut items {
        set_sub(item, sub, value.as_ref());
    }
    drop_hollow(&mut items, sub, value.is_none());
    put_items(holder, attribute, items);
    Ok(())
}
