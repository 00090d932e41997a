//! Custom fields: the schemas that define them, and their values in a user.
//!
//! Sources: developers.google.com/workspace/admin/directory/v1/guides/manage-schemas; discovery document, `Schema` and
//! `SchemaFieldSpec`. A value that no schema knows or that does not fit is 400 `invalid`, "Invalid Input:
//! custom_schema" (SCRT-HQ/PSGSuite#202, #340; taers232c/GAMADV-XTD3#201).

use serde_json::{Map, Value};

use super::error::Error;
use super::limits::{flag, is_address, present};
use super::shapes::User;

/// One schema of the account.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    pub(super) name: Box<str>,
    fields: Vec<Field>,
}

/// One custom field.
#[derive(Debug, Clone)]
struct Field {
    name: Box<str>,
    kind: Kind,
    multi_valued: bool,
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
    /// Reads a body of `schemas.insert`.
    ///
    /// # Errors
    /// `required` for what is missing, `invalid` for what is not good.
    pub(super) fn read(body: &Map<String, Value>) -> Result<Self, Error> {
        let name = text(body, "schemaName")?;
        let fields = match present(body, "fields") {
            Some(Value::Array(fields)) if !fields.is_empty() => fields,
            Some(Value::Array(_)) | None => return Err(Error::required("fields")),
            Some(_) => return Err(Error::invalid("fields")),
        };
        let mut known: Vec<Field> = Vec::with_capacity(fields.len());
        for field in fields {
            let field = field
                .as_object()
                .ok_or_else(|| Error::invalid("fields"))
                .and_then(Field::read)?;
            if known.iter().any(|one| one.name == field.name) {
                return Err(Error::invalid("fields"));
            }
            known.push(field);
        }
        Ok(Self {
            name,
            fields: known,
        })
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| *field.name == *name)
    }
}

impl Field {
    fn read(body: &Map<String, Value>) -> Result<Self, Error> {
        let word = text(body, "fieldType")?;
        let kind = KINDS
            .iter()
            .find(|(name, _)| *name == &*word)
            .ok_or_else(|| Error::invalid("fieldType"))?
            .1;
        Ok(Self {
            name: text(body, "fieldName")?,
            kind,
            multi_valued: flag(body, "multiValued")?.unwrap_or(false),
        })
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

/// Returns a text that has to be there: letters, digits, `-` and `_`.
fn text(body: &Map<String, Value>, field: &str) -> Result<Box<str>, Error> {
    let text = present(body, field).ok_or_else(|| Error::required(field))?;
    let good = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    match text {
        Value::String(text) if !text.is_empty() && text.chars().all(good) => {
            Ok(text.as_str().into())
        }
        _ => Err(Error::invalid(field)),
    }
}
