//! From the JSON of a request to the cells of a record: names, types, lengths, references. What only users must
//! keep is in `user`.

use serde_json::{Map, Value};

use super::{
    Salesforce,
    error::{Outcome, Problem},
    id::Id,
    schema::{CREATE, Field, Kind, Object, ObjectType, RESTRICTED, UPDATE},
    store::Cell,
    time,
};
use crate::Body;

/// Whether fields are given for a new record or for an old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Create,
    Update,
}

/// Fields by their place, each with its new value or with nothing.
pub(crate) type Cells = Vec<(usize, Option<Cell>)>;

/// Reads a body that must be one JSON object.
pub(crate) fn object_of(body: &Body) -> Outcome<&Map<String, Value>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        let message = "The HTTP entity body is required, but this request has no entity body.";
        return Err(Problem::bad("JSON_PARSER_ERROR", message).into());
    }
    match body.json() {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(mismatch("sobject", other, (1, 1)).into()),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default();
            let message = format!(
                "{reason} at [line:{}, column:{}]",
                error.line(),
                error.column()
            );
            Err(Problem::bad("JSON_PARSER_ERROR", message).into())
        }
    }
}

/// The vendor's complaint about a value of the wrong JSON type.
fn mismatch(wanted: &str, value: &Value, (line, column): (usize, usize)) -> Problem {
    let (token, shown) = match value {
        Value::Null => ("VALUE_NULL", "null".to_owned()),
        Value::Bool(true) => ("VALUE_TRUE", "true".to_owned()),
        Value::Bool(false) => ("VALUE_FALSE", "false".to_owned()),
        Value::Number(number) if number.is_f64() => ("VALUE_NUMBER_FLOAT", number.to_string()),
        Value::Number(number) => ("VALUE_NUMBER_INT", number.to_string()),
        Value::String(text) => ("VALUE_STRING", text.clone()),
        Value::Array(_) => ("START_ARRAY", "[".to_owned()),
        Value::Object(_) => ("START_OBJECT", "{".to_owned()),
    };
    let message = format!(
        "Cannot deserialize instance of {wanted} from {token} value {shown} or request may be missing a required field at [line:{line}, column:{column}]"
    );
    Problem::bad("JSON_PARSER_ERROR", message)
}

/// Finds where a member's value begins in the request, for the complaint about it.
fn position(text: &str, member: &str) -> (usize, usize) {
    let at = text
        .find(&format!("\"{member}\""))
        .map_or(0, |at| at + member.len() + 2);
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 2;
    (line, column)
}

impl Salesforce {
    /// Reads the fields of one record.
    pub(crate) fn read_fields(
        &self,
        object: Object,
        body: &Map<String, Value>,
        purpose: Purpose,
        text: &str,
    ) -> Outcome<Cells> {
        let kind = self.schema.get(object);
        let mut cells = Cells::new();
        let mut locked = Vec::new();
        let mut wrong = Vec::new();
        for (name, value) in body.iter().filter(|(name, _)| *name != "attributes") {
            let Some(place) = kind.find(name) else {
                cells.push(self.read_way(kind, name, value)?);
                continue;
            };
            let field = &kind.fields[place];
            if field.kind == Kind::Id {
                let message = "The Id field should not be specified in the sobject data.";
                return Err(Problem::record("INVALID_FIELD", message, &["Id"]).into());
            }
            if !field.has(if purpose == Purpose::Create {
                CREATE
            } else {
                UPDATE
            }) {
                locked.push(field.name.as_ref());
                continue;
            }
            let value = jsonless(field, value)
                .ok_or_else(|| mismatch(field.kind.json_word(), value, position(text, name)))?;
            match self.check(field, value) {
                Ok(cell) => cells.push((place, cell)),
                Err(problem) => wrong.push(problem),
            }
        }
        if !locked.is_empty() {
            let message = format!(
                "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
                locked.join(", ")
            );
            return Err(
                Problem::record("INVALID_FIELD_FOR_INSERT_UPDATE", message, &locked).into(),
            );
        }
        if wrong.is_empty() {
            Ok(cells)
        } else {
            Err(wrong)
        }
    }

    /// Reads `{"Profile": {"Name": …}}`: a reference given through a key of its target.
    fn read_way(
        &self,
        kind: &ObjectType,
        name: &str,
        value: &Value,
    ) -> Outcome<(usize, Option<Cell>)> {
        let unknown = || {
            Problem::bad(
                "INVALID_FIELD",
                format!("No such column '{name}' on sobject of type {}", kind.name),
            )
        };
        let (Some(place), Value::Object(key)) = (kind.find_way(name), value) else {
            return Err(unknown().into());
        };
        let target = self
            .schema
            .target(&kind.fields[place])
            .ok_or_else(unknown)?;
        let to = self.schema.get(target);
        let (field, wanted) = key
            .iter()
            .find(|(name, _)| *name != "attributes")
            .and_then(|(name, value)| Some((to.find(name)?, value.as_str()?)))
            .ok_or_else(unknown)?;
        if !to.fields[field].is_key() {
            let message = format!(
                "Field name provided, {} is not an External ID or indexed field for {}",
                to.fields[field].name, to.name
            );
            return Err(Problem::bad("INVALID_FIELD", message).into());
        }
        if let [id] = self.find_by_key(target, field, wanted)[..] {
            return Ok((place, Some(Cell::Reference(id))));
        }
        let message = format!(
            "Foreign key external ID: {wanted} not found for field {} in entity {}",
            to.fields[field].name, to.name
        );
        Err(Problem::record("INVALID_FIELD", message, &[]).into())
    }

    /// Finds records by their id or by a key field, ignoring case.
    pub(crate) fn find_by_key(&self, object: Object, place: usize, wanted: &str) -> Vec<Id> {
        if self.schema.get(object).fields[place].kind == Kind::Id {
            return Id::parse(wanted)
                .filter(|id| self.store.get(object, *id).is_some())
                .into_iter()
                .collect();
        }
        self.store.table(object).find(place, wanted)
    }

    /// Holds a value against what the field takes.
    fn check(&self, field: &Field, value: Plain<'_>) -> Result<Option<Cell>, Problem> {
        let text = match value {
            Plain::Nothing if field.kind == Kind::Boolean => {
                let message = format!("{}: value not of required type: ", field.label);
                return Err(Problem::record(
                    "INVALID_TYPE_ON_FIELD_IN_RECORD",
                    message,
                    &[&field.name],
                ));
            }
            Plain::Nothing => return Ok(None),
            Plain::Cell(cell) => return Ok(Some(cell)),
            Plain::Text(text) => text,
        };
        match field.kind {
            Kind::Reference => return self.check_reference(field, text),
            Kind::Picklist => {
                let known = field
                    .choices
                    .iter()
                    .find(|(value, _)| *value == text)
                    .map(|(value, _)| Cell::Fixed(value));
                if known.is_some() || !field.has(RESTRICTED) {
                    return Ok(known.or_else(|| Some(Cell::text(text))));
                }
                let message = format!(
                    "{}: bad value for restricted picklist field: {text}",
                    field.label
                );
                return Err(Problem::record(
                    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                    message,
                    &[&field.name],
                ));
            }
            Kind::Email if !is_email(text) => {
                let message = format!("{}: invalid email address: {text}", field.label);
                return Err(Problem::record(
                    "INVALID_EMAIL_ADDRESS",
                    message,
                    &[&field.name],
                ));
            }
            _ => {}
        }
        if field.length > 0 && text.chars().count() > field.length {
            let message = format!(
                "{}: data value too large: {text} (max length={})",
                field.label, field.length
            );
            return Err(Problem::record("STRING_TOO_LONG", message, &[&field.name]));
        }
        Ok(Some(Cell::text(text)))
    }

    fn check_reference(&self, field: &Field, text: &str) -> Result<Option<Cell>, Problem> {
        let malformed = || {
            let message = format!("{}: id value of incorrect type: {text}", field.label);
            Problem::record("MALFORMED_ID", message, &[&field.name])
        };
        let id = Id::parse(text).ok_or_else(malformed)?;
        // The one reference here that may point to two kinds of record.
        let either = field.name == "UserOrGroupId";
        let target = self.schema.of(id);
        if target.is_some_and(|target| !either && Some(target) != self.schema.target(field)) {
            return Err(malformed());
        }
        match target.and_then(|target| self.store.get(target, id)) {
            Some(_) => Ok(Some(Cell::Reference(id))),
            None => Err(Problem::record(
                "INVALID_CROSS_REFERENCE_KEY",
                "invalid cross reference id",
                &[],
            )),
        }
    }
}

/// A JSON value once its type is known to fit.
enum Plain<'a> {
    Nothing,
    Text(&'a str),
    Cell(Cell),
}

impl Kind {
    /// The type as the JSON parser's complaint words it.
    fn json_word(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "reference",
            Self::Text
            | Self::TextArea
            | Self::Email
            | Self::Phone
            | Self::Url
            | Self::Picklist => "string",
            Self::Boolean
            | Self::Integer
            | Self::Double
            | Self::Date
            | Self::DateTime
            | Self::Address => self.word(),
        }
    }
}

/// Takes the JSON off a value; `None` when its type does not fit. Blank text is nothing, as at the vendor.
fn jsonless<'a>(field: &Field, value: &'a Value) -> Option<Plain<'a>> {
    let text = match value {
        Value::Null => return Some(Plain::Nothing),
        Value::String(text) => Some(text.trim()),
        _ => None,
    };
    if text == Some("") {
        return Some(Plain::Nothing);
    }
    let cell = match field.kind {
        Kind::Boolean => Cell::Flag(match text {
            Some(text) => text.to_ascii_lowercase().parse().ok()?,
            None => value.as_bool()?,
        }),
        Kind::Integer => {
            Cell::Integer(text.map_or_else(|| value.as_i64(), |text| text.parse().ok())?)
        }
        Kind::Double => {
            let number: f64 = text.map_or_else(|| value.as_f64(), |text| text.parse().ok())?;
            Cell::Double(number.is_finite().then_some(number)?)
        }
        Kind::Date => {
            time::parse_date(text?)?;
            return text.map(Plain::Text);
        }
        Kind::DateTime => Cell::Time(time::parse(text?)?),
        Kind::Id
        | Kind::Text
        | Kind::TextArea
        | Kind::Email
        | Kind::Phone
        | Kind::Url
        | Kind::Picklist
        | Kind::Reference => {
            return text.map(Plain::Text);
        }
        Kind::Address => return None,
    };
    Some(Plain::Cell(cell))
}

/// Tells whether a text has the form of an e-mail address, as far as the vendor checks it.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let local_fits = (1..=64).contains(&local.len())
        && local
            .chars()
            .all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
    let labels: Vec<&str> = domain.split('.').collect();
    local_fits
        && labels.len() > 1
        && labels.iter().all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_text() {
        for good in [
            "kim@example.com",
            "a.b+c@x-y.co.uk",
            "o'neil@example.com",
            "old1-2@example.org",
        ] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "kim",
            "kim@",
            "@example.com",
            "kim@example",
            "kim@-x.com",
            "kim@x..com",
            "a b@example.com",
            "PRIMARY/kim@x.com ",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn a_complaint_names_the_line_and_column_of_the_value() {
        assert_eq!(position("{\"IsActive\":\"yes\"}", "IsActive"), (1, 13));
        assert_eq!(position("{\n \"IsActive\":\"yes\"}", "IsActive"), (2, 13));
    }
}
