//! Creating, changing and deleting one record, with the changes it made. All of REST, collections, composite and
//! seeds comes through here.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Salesforce,
    error::{Outcome, Problem},
    id::Id,
    input::{Cells, Purpose},
    schema::{CALCULATED, Kind, Object, ObjectType, UNIQUE, USER, WRITE},
    store::{Cell, Record},
};
use crate::vendor::Change;

/// Who does something, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actor {
    pub(crate) user: Id,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
}

impl Salesforce {
    /// Creates a record; `text` is the request it came in, for the position of what does not fit.
    pub(crate) fn insert(
        &mut self,
        object: Object,
        body: &Map<String, Value>,
        text: &str,
        actor: Actor,
        changes: &mut Vec<Change>,
    ) -> Outcome<Id> {
        let schema = Arc::clone(&self.schema);
        let kind = schema.get(object);
        if !kind.createable {
            let message = format!("entity type cannot be inserted: {}", kind.label);
            return Err(Problem::record("INVALID_TYPE_FOR_OPERATION", message, &[]).into());
        }
        let cells = self.read_fields(object, body, Purpose::Create, text)?;
        self.permit(object, None, actor)?;
        let id = Id::new(kind.prefix, self.store.coming_serial());
        let mut record = Record::new(id);
        let given = apply(&mut record, cells);
        match object {
            USER => self.fill_user(&mut record, &given),
            _ => fill(kind, &mut record),
        }
        self.accept(object, kind, &mut record, None)?;
        stamp(kind, &mut record, actor, true);
        self.store.next_serial();
        changes.push(Change {
            object: kind.name,
            id: id.to_string(),
            name: known_as(kind, &record),
            field: "*".to_owned(),
            before: None,
            after: Some(given_content(kind, &record, &given)),
        });
        self.replace(object, None, record);
        Ok(id)
    }

    /// Changes a record.
    pub(crate) fn update(
        &mut self,
        object: Object,
        id: Id,
        body: &Map<String, Value>,
        text: &str,
        actor: Actor,
        changes: &mut Vec<Change>,
    ) -> Outcome<()> {
        let schema = Arc::clone(&self.schema);
        let kind = schema.get(object);
        let before = self
            .store
            .get(object, id)
            .cloned()
            .ok_or_else(Problem::not_found)?;
        if !kind.updateable {
            let message = format!("entity type cannot be updated: {}", kind.label);
            return Err(Problem::record("INVALID_TYPE_FOR_OPERATION", message, &[]).into());
        }
        let cells = self.read_fields(object, body, Purpose::Update, text)?;
        self.permit(object, Some(id), actor)?;
        let mut record = Record::clone(&before);
        apply(&mut record, cells);
        self.accept(object, kind, &mut record, Some(&before))?;
        stamp(kind, &mut record, actor, false);
        report(kind, &before, &record, &known_as(kind, &record), changes);
        self.replace(object, Some(&before), record);
        Ok(())
    }

    /// Deletes a record; users never are.
    pub(crate) fn delete(
        &mut self,
        object: Object,
        id: Id,
        actor: Actor,
        changes: &mut Vec<Change>,
    ) -> Outcome<()> {
        let schema = Arc::clone(&self.schema);
        let kind = schema.get(object);
        let record = self
            .store
            .get(object, id)
            .cloned()
            .ok_or_else(Problem::not_found)?;
        if !kind.deletable {
            let message = "insufficient access rights on object id";
            return Err(Problem::record("INSUFFICIENT_ACCESS_OR_READONLY", message, &[]).into());
        }
        self.permit(object, None, actor)?;
        changes.push(Change {
            object: kind.name,
            id: id.to_string(),
            name: known_as(kind, &record),
            field: "*".to_owned(),
            before: Some(content(kind, &record)),
            after: None,
        });
        self.store.remove(&schema, object, id, actor.now);
        Ok(())
    }

    /// Holds a record against all that must be true of it.
    fn accept(
        &self,
        object: Object,
        kind: &ObjectType,
        record: &mut Record,
        before: Option<&Record>,
    ) -> Outcome<()> {
        let missing: Vec<&str> = kind
            .fields
            .iter()
            .enumerate()
            .filter(|(place, field)| field.is_required() && record.get(*place).is_none())
            .map(|(_, field)| field.name.as_ref())
            .collect();
        if !missing.is_empty() {
            let message = format!("Required fields are missing: [{}]", missing.join(", "));
            return Err(Problem::record("REQUIRED_FIELD_MISSING", message, &missing).into());
        }
        if object == USER {
            self.accept_user(record, before)?;
        }
        self.accept_unique(object, kind, record)?;
        if kind.name == "PermissionSetAssignment" || kind.name == "GroupMember" {
            self.accept_pair(object, record)?;
        }
        Ok(())
    }

    fn accept_unique(&self, object: Object, kind: &ObjectType, record: &Record) -> Outcome<()> {
        for (place, field) in kind
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.has(UNIQUE))
        {
            let Some(text) = record.get(place).and_then(Cell::as_text) else {
                continue;
            };
            let other = self
                .store
                .table(object)
                .find(place, text)
                .into_iter()
                .find(|other| *other != record.id);
            let Some(other) = other else { continue };
            return Err(match field.name.as_ref() {
                "Username" => duplicate_username(),
                "CommunityNickname" => {
                    let message = "Duplicate Nickname.<br>Another user has already selected this nickname.<br>Please select another.";
                    Problem::record("DUPLICATE_COMM_NICKNAME", message, &["CommunityNickname"])
                }
                name => {
                    let message = format!("duplicate value found: {name} duplicates value on record with id: {}", other.short());
                    Problem::record("DUPLICATE_VALUE", message, &[])
                }
            }
            .into());
        }
        Ok(())
    }

    /// Two references that may be joined once only.
    fn accept_pair(&self, object: Object, record: &Record) -> Outcome<()> {
        let twin = self.store.table(object).iter().find(|other| {
            other.id != record.id && other.get(1) == record.get(1) && other.get(2) == record.get(2)
        });
        let Some(twin) = twin else { return Ok(()) };
        let message = format!(
            "duplicate value found: <unknown> duplicates value on record with id: {}",
            twin.id.short()
        );
        Err(Problem::record("DUPLICATE_VALUE", message, &[]).into())
    }

    /// Puts a record in its table and keeps the seats in step.
    pub(crate) fn replace(&mut self, object: Object, before: Option<&Record>, record: Record) {
        if object == USER {
            self.move_seat(before, Some(&record));
        }
        let schema = Arc::clone(&self.schema);
        self.store.put(&schema, object, record);
    }
}

/// The name people know a record by.
pub(crate) fn known_as(kind: &ObjectType, record: &Record) -> String {
    let place = kind.find("Username").or_else(|| kind.find("Name"));
    let name = place.map(|place| record.text(place)).unwrap_or_default();
    if name.is_empty() {
        record.id.to_string()
    } else {
        name.to_owned()
    }
}

/// The complaint about a name that somebody has, here or anywhere.
pub(crate) fn duplicate_username() -> Problem {
    let message = "Duplicate Username.<br>The username already exists in this or another Salesforce organization. Usernames must be unique across all Salesforce organizations. To resolve, use a different username (it doesn't need to match the user's email address). ";
    Problem::record("DUPLICATE_USERNAME", message, &["Username"])
}

/// Sets the cells and says which fields they were.
fn apply(record: &mut Record, cells: Cells) -> Vec<usize> {
    cells
        .into_iter()
        .map(|(place, cell)| {
            record.set(place, cell);
            place
        })
        .collect()
}

/// Gives what the vendor gives by itself.
fn fill(kind: &ObjectType, record: &mut Record) {
    match kind.name {
        "Group" if record.get(kind.at("Type")).is_none() => {
            record.set(kind.at("Type"), Some(Cell::Fixed("Regular")));
        }
        "PermissionSetAssignment" => record.set(kind.at("IsActive"), Some(Cell::Flag(true))),
        _ => {}
    }
}

/// Writes who touched the record and when.
pub(crate) fn stamp(kind: &ObjectType, record: &mut Record, actor: Actor, created: bool) {
    let stamps = [
        ("CreatedDate", Cell::Time(actor.now), created),
        ("CreatedById", Cell::Reference(actor.user), created),
        ("LastModifiedDate", Cell::Time(actor.now), true),
        ("LastModifiedById", Cell::Reference(actor.user), true),
        ("SystemModstamp", Cell::Time(actor.now), true),
    ];
    for (name, cell, due) in stamps {
        if let Some(place) = kind.find(name).filter(|_| due) {
            record.set(place, Some(cell));
        }
    }
}

/// Reports every field that a person set and that now holds something else.
fn report(
    kind: &ObjectType,
    before: &Record,
    after: &Record,
    name: &str,
    changes: &mut Vec<Change>,
) {
    for (place, field) in kind.fields.iter().enumerate() {
        let (old, new) = (before.to_json(kind, place), after.to_json(kind, place));
        if old != new && field.has(WRITE) && !field.has(CALCULATED) {
            changes.push(Change {
                object: kind.name,
                id: after.id.to_string(),
                name: name.to_owned(),
                field: field.name.to_string(),
                before: Some(old),
                after: Some(new),
            });
        }
    }
}

/// What the request gave a new record. The rest is the vendor's own and stands in the record, where anybody can look.
fn given_content(kind: &ObjectType, record: &Record, given: &[usize]) -> Value {
    let mut members = Map::with_capacity(given.len());
    for place in given {
        let value = record.to_json(kind, *place);
        if !value.is_null() {
            members.insert(kind.fields[*place].name.to_string(), value);
        }
    }
    members.into()
}

/// The record in full, empty fields and unticked boxes left out.
pub(crate) fn content(kind: &ObjectType, record: &Record) -> Value {
    let mut members = Map::with_capacity(40);
    for (place, field) in kind.fields.iter().enumerate() {
        let value = record.to_json(kind, place);
        let unticked = field.kind == Kind::Boolean && value == Value::Bool(false);
        if !value.is_null() && !unticked {
            members.insert(field.name.to_string(), value);
        }
    }
    members.into()
}
