//! Custom fields: the schemas that define them with the methods of `schemas`, and their values in a user.
//!
//! Sources: developers.google.com/workspace/admin/directory/v1/guides/manage-schemas; discovery document, `Schema` and
//! `SchemaFieldSpec`. A value that no schema knows or that does not fit is 400 `invalid`, "Invalid Input:
//! custom_schema" (SCRT-HQ/PSGSuite#202, #340; taers232c/GAMADV-XTD3#201).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Map, Value, json};

use super::Google;
use super::customer::{check, sealed};
use super::error::Error;
use super::etag;
use super::limits::{flag, is_address, present};
use super::route::{Call, Reply};
use super::shapes::User;
use super::store::Tenant;
use super::users;
use crate::vendor::Change;

/// The most schemas, and the most fields in all of them, that an account can have (guide, "Custom schema limits").
const MOST: usize = 100;
/// Who may see a field's values; the first one is the default.
const READERS: [&str; 2] = ["ALL_DOMAIN_USERS", "ADMINS_AND_SELF"];

/// One schema of the account.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    pub(super) name: Box<str>,
    id: Box<str>,
    display: Option<Box<str>>,
    fields: Vec<Field>,
}

/// One custom field.
#[derive(Debug, Clone)]
struct Field {
    name: Box<str>,
    id: Box<str>,
    display: Option<Box<str>>,
    kind: Kind,
    multi_valued: bool,
    /// Whether it is indexed, if somebody said so.
    indexed: Option<bool>,
    readers: &'static str,
    /// `numericIndexingSpec`, as it came.
    range: Option<Value>,
}

/// The type of a custom field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Date,
    Double,
    Email,
    Int64,
    Phone,
    String,
}

const KINDS: [(&str, Kind); 7] = [
    ("BOOL", Kind::Bool),
    ("DATE", Kind::Date),
    ("DOUBLE", Kind::Double),
    ("EMAIL", Kind::Email),
    ("INT64", Kind::Int64),
    ("PHONE", Kind::Phone),
    ("STRING", Kind::String),
];

/// What `type` of one of several values may say.
const VALUE_TYPES: [&str; 4] = ["custom", "home", "other", "work"];

impl Schema {
    /// Reads a body of `schemas.insert`; `draw` gives ids.
    ///
    /// # Errors
    /// `required` for what is missing, `invalid` for what is not good.
    pub(super) fn read(
        body: &Map<String, Value>,
        draw: &mut impl FnMut() -> u64,
    ) -> Result<Self, Error> {
        let blank = Self {
            name: word(body, "schemaName")?,
            id: id(draw()),
            display: None,
            fields: Vec::new(),
        };
        if present(body, "fields").is_none() {
            return Err(Error::required("fields"));
        }
        blank.changed(body, draw)
    }

    /// Lays a body over the schema: what is absent stays, `fields` is replaced as a whole.
    ///
    /// # Errors
    /// `invalid` for what is not good, and for what the guide does not allow: renaming, another type, one value where
    /// there were many.
    fn changed(
        &self,
        body: &Map<String, Value>,
        draw: &mut impl FnMut() -> u64,
    ) -> Result<Self, Error> {
        let mut changed = self.clone();
        if present(body, "schemaName").is_some_and(|name| *name != *self.name) {
            return Err(Error::invalid("schemaName"));
        }
        if let Some(display) = display(body)? {
            changed.display = Some(display);
        }
        let Some(fields) = present(body, "fields") else {
            return Ok(changed);
        };
        let fields = fields.as_array().ok_or_else(|| Error::invalid("fields"))?;
        if fields.is_empty() {
            return Err(Error::required("fields"));
        }
        changed.fields.clear();
        for field in fields {
            let body = field.as_object().ok_or_else(|| Error::invalid("fields"))?;
            let field = Field::read(body, &self.fields, draw)?;
            if changed.field(&field.name).is_some() {
                return Err(Error::invalid("fields"));
            }
            changed.fields.push(field);
        }
        Ok(changed)
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| *field.name == *name)
    }

    fn show(&self) -> Value {
        let mut shown = json!({
            "kind": "admin#directory#schema",
            "schemaId": *self.id,
            "etag": "",
            "schemaName": *self.name,
        });
        if let Some(display) = &self.display {
            shown["displayName"] = (**display).into();
        }
        shown["fields"] = self.fields.iter().map(Field::show).collect();
        sealed(shown)
    }
}

impl Field {
    /// Reads one field; it is an old one if there was one of its name.
    fn read(
        body: &Map<String, Value>,
        known: &[Self],
        draw: &mut impl FnMut() -> u64,
    ) -> Result<Self, Error> {
        let name = word(body, "fieldName")?;
        let kind = word(body, "fieldType")?;
        let kind = KINDS.iter().find(|(name, _)| **name == *kind);
        let kind = kind.ok_or_else(|| Error::invalid("fieldType"))?.1;
        let before = known.iter().find(|field| field.name == name);
        // "It is not possible to rename custom schemas or fields."
        let named = present(body, "fieldId").and_then(Value::as_str);
        let renamed = |field: &Self| field.name != name && named == Some(&*field.id);
        if known.iter().any(renamed) {
            return Err(Error::invalid("fieldName"));
        }
        if before.is_some_and(|before| before.kind != kind) {
            return Err(Error::invalid("fieldType"));
        }
        let multi_valued = truth(body, "multiValued")?.unwrap_or(false);
        if before.is_some_and(|before| before.multi_valued && !multi_valued) {
            return Err(Error::invalid("multiValued"));
        }
        let readers = match present(body, "readAccessType") {
            None => READERS[0],
            Some(word) => READERS
                .into_iter()
                .find(|known| word == known)
                .ok_or_else(|| Error::invalid("readAccessType"))?,
        };
        Ok(Self {
            id: before.map_or_else(|| id(draw()), |before| before.id.clone()),
            name,
            display: display(body)?,
            kind,
            multi_valued,
            indexed: truth(body, "indexed")?,
            readers,
            range: range(body, kind)?,
        })
    }

    fn show(&self) -> Value {
        let kind = KINDS.iter().find(|(_, kind)| *kind == self.kind);
        let mut shown = json!({
            "kind": "admin#directory#schema#fieldspec",
            "fieldId": *self.id,
            "etag": "",
            "fieldType": kind.map(|(word, _)| *word),
            "fieldName": *self.name,
        });
        if let Some(display) = &self.display {
            shown["displayName"] = (**display).into();
        }
        shown["multiValued"] = self.multi_valued.into();
        shown["readAccessType"] = self.readers.into();
        if let Some(indexed) = self.indexed {
            shown["indexed"] = indexed.into();
        }
        if let Some(range) = &self.range {
            shown["numericIndexingSpec"] = range.clone();
        }
        sealed(shown)
    }

    /// Brings a value that was good before into the shape that the field has now.
    fn fitted(&self, value: &Value) -> Value {
        match value {
            Value::Array(_) => value.clone(),
            one if self.multi_valued => json!([{ "value": one }]),
            one => one.clone(),
        }
    }

    /// Returns what is kept of a value; `None` when it changes nothing.
    fn taken(&self, value: &Value) -> Result<Option<Value>, Error> {
        match value {
            Value::Array(all) if self.multi_valued => {
                if all.iter().all(|one| self.is_entry(one)) {
                    Ok(Some(value.clone()))
                } else {
                    Err(wrong())
                }
            }
            // Seen in life: 200, and nothing changed (googleapis/google-api-python-client#2269).
            Value::Object(_) if !self.multi_valued => Ok(None),
            one if !self.multi_valued && self.kind.takes(one) => Ok(Some(value.clone())),
            _ => Err(wrong()),
        }
    }

    /// Tells whether a value is one entry of a multi-valued field: `{value, type?, customType?}`.
    fn is_entry(&self, value: &Value) -> bool {
        let Some(entry) = value.as_object() else {
            return false;
        };
        let fits = present(entry, "value").is_some_and(|value| self.kind.takes(value));
        let custom = present(entry, "customType").is_some_and(Value::is_string);
        fits && match present(entry, "type") {
            None => true,
            Some(Value::String(word)) if word == "custom" => custom,
            Some(Value::String(word)) => VALUE_TYPES.contains(&word.as_str()),
            Some(_) => false,
        }
    }
}

impl Kind {
    /// Tells whether a value fits; numbers and flags may come as text, as administrators' tools send them.
    fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Bool, Value::Bool(_))
            | (Self::Double, Value::Number(_))
            | (Self::Phone | Self::String, Value::String(_)) => true,
            (Self::Int64, Value::Number(number)) => number.is_i64(),
            (Self::Bool, Value::String(text)) => {
                ["true", "false"].contains(&text.to_ascii_lowercase().as_str())
            }
            (Self::Double, Value::String(text)) => text.parse::<f64>().is_ok_and(f64::is_finite),
            (Self::Int64, Value::String(text)) => text.parse::<i64>().is_ok(),
            (Self::Date, Value::String(text)) => text.parse::<jiff::civil::Date>().is_ok(),
            (Self::Email, Value::String(text)) => is_address(text),
            _ => false,
        }
    }
}

pub(super) fn list(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let all = google.tenant.schemas.iter().map(Schema::show).collect();
    Ok(Reply::Shown(
        "schemas",
        users::collection("schemas", all, None),
    ))
}

pub(super) fn get(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let at = find(&google.tenant, call.key(1))?;
    Ok(Reply::Shown("schema", google.tenant.schemas[at].show()))
}

pub(super) fn insert(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let schema = Schema::read(call.body, &mut || google.store.draw().1)?;
    let mut schemas = google.tenant.schemas.clone();
    if schemas.iter().any(|known| known.name == schema.name) {
        return Err(Error::duplicate());
    }
    schemas.push(schema.clone());
    keep(google, schemas)?;
    tell(changes, None, Some(&schema));
    Ok(Reply::Shown("schema", schema.show()))
}

pub(super) fn update(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    if present(call.body, "fields").is_none() {
        return Err(Error::required("fields"));
    }
    patch(google, call, changes)
}

pub(super) fn patch(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let at = find(&google.tenant, call.key(1))?;
    let mut schemas = google.tenant.schemas.clone();
    let before = schemas[at].clone();
    if let Some(etag) = before.show().get("etag").and_then(Value::as_str) {
        call.if_match(etag)?;
    }
    schemas[at] = before.changed(call.body, &mut || google.store.draw().1)?;
    let after = schemas[at].clone();
    keep(google, schemas)?;
    tell(changes, Some(&before), Some(&after));
    follow(google, changes);
    Ok(Reply::Shown("schema", after.show()))
}

/// Deletes a schema, and with it the values of its fields.
pub(super) fn delete(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let at = find(&google.tenant, call.key(1))?;
    let mut schemas = google.tenant.schemas.clone();
    let gone = schemas.remove(at);
    keep(google, schemas)?;
    tell(changes, Some(&gone), None);
    follow(google, changes);
    Ok(Reply::Done)
}

/// Finds a schema by its name or id.
fn find(tenant: &Tenant, key: &str) -> Result<usize, Error> {
    let found = tenant
        .schemas
        .iter()
        .position(|schema| *schema.name == *key || *schema.id == *key);
    found.ok_or_else(|| Error::not_found("schemaKey"))
}

/// Makes these the account's schemas.
fn keep(google: &mut Google, schemas: Vec<Schema>) -> Result<(), Error> {
    let fields: usize = schemas.iter().map(|schema| schema.fields.len()).sum();
    if schemas.len() > MOST || fields > MOST {
        return Err(Error::condition(
            "The account has no room for another custom schema or field.",
        ));
    }
    Arc::make_mut(&mut google.tenant).schemas = schemas;
    Ok(())
}

/// Takes from the users what is defined no more: "Other fields are deleted, and any data contained will be lost"
/// (GAM-team/GAM#229).
fn follow(google: &mut Google, changes: &mut Vec<Change>) {
    let holders: Vec<Arc<User>> = google
        .store
        .users()
        .filter(|user| user.extra("customSchemas").is_some())
        .cloned()
        .collect();
    for before in holders {
        let mut user = User::clone(&before);
        fit(&mut user, &google.tenant.schemas);
        let user = google.put_user(user);
        users::tell(changes, &before, &user);
    }
}

fn tell(changes: &mut Vec<Change>, before: Option<&Schema>, after: Option<&Schema>) {
    let Some(schema) = after.or(before) else {
        return;
    };
    changes.push(Change {
        object: "Schema",
        id: schema.id.to_string(),
        name: schema.name.to_string(),
        field: "*".to_owned(),
        before: before.map(Schema::show),
        after: after.map(Schema::show),
    });
}

/// Merges custom fields into a user: schema by schema, field by field; `null` clears.
///
/// # Errors
/// `invalid` for what no schema defines and for a value that does not fit.
pub(super) fn merge(user: &mut User, value: &Value, schemas: &[Schema]) -> Result<(), Error> {
    let given = match value {
        Value::Null => {
            user.set_extra("customSchemas", None);
            return Ok(());
        }
        Value::Object(given) => given,
        _ => return Err(wrong()),
    };
    let mut all = match user.extra("customSchemas") {
        Some(Value::Object(all)) => all,
        _ => Map::new(),
    };
    for (name, fields) in given {
        let schema = schemas.iter().find(|schema| *schema.name == **name);
        let schema = schema.ok_or_else(wrong)?;
        let mut kept = match (fields, all.get(name)) {
            (Value::Object(_), Some(Value::Object(kept))) => kept.clone(),
            (Value::Null | Value::Object(_), _) => Map::new(),
            _ => return Err(wrong()),
        };
        for (name, value) in fields.as_object().into_iter().flatten() {
            let field = schema.field(name).ok_or_else(wrong)?;
            let cleared = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            if cleared {
                kept.shift_remove(name);
            } else if let Some(value) = field.taken(value)? {
                kept.insert(name.clone(), value);
            }
        }
        if kept.is_empty() {
            all.shift_remove(name);
        } else {
            all.insert(name.clone(), kept.into());
        }
    }
    user.set_extra("customSchemas", (!all.is_empty()).then_some(all.into()));
    Ok(())
}

fn wrong() -> Error {
    Error::invalid("custom_schema")
}

/// Drops from a user what the schemas no longer define, and gives the rest the shape that its fields have now.
pub(super) fn fit(user: &mut User, schemas: &[Schema]) {
    let Some(Value::Object(all)) = user.extra("customSchemas") else {
        return;
    };
    let mut fitting = Map::new();
    for (name, values) in &all {
        let Some(schema) = schemas.iter().find(|schema| *schema.name == **name) else {
            continue;
        };
        let kept: Map<String, Value> = values
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), schema.field(name)?.fitted(value))))
            .collect();
        if !kept.is_empty() {
            fitting.insert(name.clone(), kept.into());
        }
    }
    if fitting != all {
        let rest = (!fitting.is_empty()).then_some(fitting.into());
        user.set_extra("customSchemas", rest);
    }
}

/// Returns a name that has to be there: letters, digits, `-` and `_`.
fn word(body: &Map<String, Value>, field: &str) -> Result<Box<str>, Error> {
    let text = present(body, field).ok_or_else(|| Error::required(field))?;
    let good = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    match text {
        Value::String(text) if !text.is_empty() && text.chars().all(good) => {
            Ok(text.as_str().into())
        }
        _ => Err(Error::invalid(field)),
    }
}

fn display(body: &Map<String, Value>) -> Result<Option<Box<str>>, Error> {
    match present(body, "displayName") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str().into())),
        Some(_) => Err(Error::invalid("displayName")),
    }
}

/// Reads a flag, which the guide's own examples write as text.
fn truth(body: &Map<String, Value>, field: &str) -> Result<Option<bool>, Error> {
    match body.get(field) {
        Some(Value::String(text)) if text == "true" => Ok(Some(true)),
        Some(Value::String(text)) if text == "false" => Ok(Some(false)),
        _ => flag(body, field),
    }
}

/// Reads `numericIndexingSpec`, which only numbers have.
fn range(body: &Map<String, Value>, kind: Kind) -> Result<Option<Value>, Error> {
    let Some(range) = present(body, "numericIndexingSpec") else {
        return Ok(None);
    };
    let good = |range: &Map<String, Value>| {
        range.iter().all(|(key, value)| {
            ["minValue", "maxValue"].contains(&key.as_str()) && value.is_number()
        })
    };
    if matches!(kind, Kind::Int64 | Kind::Double) && range.as_object().is_some_and(good) {
        Ok(Some(range.clone()))
    } else {
        Err(Error::invalid("numericIndexingSpec"))
    }
}

/// Writes the id of a schema or field: sixteen bytes in the alphabet of addresses, as `5JijaVh6R7ar7zK0u95XSw==`.
fn id(key: u64) -> Box<str> {
    URL_SAFE
        .encode(&etag::digest(&key.to_be_bytes())[..16])
        .into()
}
