//! Tells what a request changed: one [`Change`] for each attribute whose value is another than before.

use serde_json::{Map, Value};

use super::{
    schema::{Attribute, Kind, Type},
    store::Row,
};
use crate::vendor::Change;

/// Collects the changes of one resource.
#[derive(Debug)]
pub(crate) struct Reporter<'a> {
    pub(crate) kind: Kind,
    pub(crate) row: &'a Row,
    pub(crate) into: &'a mut Vec<Change>,
}

impl Reporter<'_> {
    /// Reports that the resource came.
    pub(crate) fn created(&mut self, content: Map<String, Value>) {
        self.push("*".to_owned(), None, Some(shown(content)));
    }

    /// Reports that the resource went.
    pub(crate) fn deleted(&mut self) {
        self.push("*".to_owned(), Some(shown(self.row.content())), None);
    }

    /// Reports that the password is another one; never which.
    pub(crate) fn password_changed(&mut self) {
        self.push("password".to_owned(), None, None);
    }

    /// Reports every attribute that differs between the two.
    pub(crate) fn differences(&mut self, before: &Map<String, Value>, after: &Map<String, Value>) {
        self.single("id", before.get("id"), after.get("id"));
        self.single(
            "externalId",
            before.get("externalId"),
            after.get("externalId"),
        );
        for attribute in self.kind.core().attributes {
            self.attribute(
                "",
                attribute,
                before.get(attribute.name),
                after.get(attribute.name),
            );
        }
        for schema in self.kind.extensions() {
            let (before, after) = (before.get(schema.id), after.get(schema.id));
            for attribute in schema.attributes {
                let of = |object: Option<&'_ Value>| {
                    object
                        .and_then(|object| object.get(attribute.name))
                        .cloned()
                };
                let prefix = format!("{}:", schema.id);
                self.attribute(&prefix, attribute, of(before).as_ref(), of(after).as_ref());
            }
        }
    }

    fn attribute(
        &mut self,
        prefix: &str,
        attribute: &Attribute,
        before: Option<&Value>,
        after: Option<&Value>,
    ) {
        if before == after {
            return;
        }
        let named = format!("{prefix}{}", attribute.name);
        match (attribute.name, attribute.kind, attribute.multi_valued) {
            ("members", _, _) => self.members(before, after),
            (_, Type::Complex, false) => {
                for sub in attribute
                    .sub_attributes
                    .iter()
                    .filter(|sub| sub.name != "$ref")
                {
                    let of = |value: Option<&'_ Value>| {
                        value.and_then(|value| value.get(sub.name)).cloned()
                    };
                    self.single(
                        &format!("{named}.{}", sub.name),
                        of(before).as_ref(),
                        of(after).as_ref(),
                    );
                }
            }
            _ => self.single(&named, before, after),
        }
    }

    fn members(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let list =
            |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
        let (before, after) = (list(before), list(after));
        let by_id = |items: &[Value]| -> std::collections::HashMap<String, Value> {
            let id = |item: &Value| {
                item.get("value")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            items.iter().map(|item| (id(item), item.clone())).collect()
        };
        let (old, new) = (by_id(&before), by_id(&after));
        let named = |id: &str| format!("members[value eq {}]", Value::from(id));
        for item in &before {
            let id = item
                .get("value")
                .and_then(Value::as_str)
                .unwrap_or_default();
            match new.get(id) {
                None => self.push(named(id), Some(plain(item.clone())), None),
                Some(now) if now != item => {
                    self.push(
                        named(id),
                        Some(plain(item.clone())),
                        Some(plain(now.clone())),
                    );
                }
                Some(_) => {}
            }
        }
        for item in &after {
            let id = item
                .get("value")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if !old.contains_key(id) {
                self.push(named(id), None, Some(plain(item.clone())));
            }
        }
    }

    fn single(&mut self, field: &str, before: Option<&Value>, after: Option<&Value>) {
        if before != after {
            self.push(field.to_owned(), before.cloned(), after.cloned());
        }
    }

    fn push(&mut self, field: String, before: Option<Value>, after: Option<Value>) {
        self.into.push(Change {
            object: self.kind.name(),
            id: self.row.id.to_string(),
            name: self.row.name.to_string(),
            field,
            before,
            after,
        });
    }
}

/// Takes our own addresses out: they say nothing that `value` and `type` do not.
fn plain(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.shift_remove("$ref");
    }
    value
}

fn shown(mut content: Map<String, Value>) -> Value {
    if let Some(Value::Array(members)) = content.get_mut("members") {
        for member in members {
            *member = plain(member.take());
        }
    }
    for value in content.values_mut() {
        if let Some(manager) = value.get_mut("manager") {
            *manager = plain(manager.take());
        }
    }
    Value::Object(content)
}
