//! Shapes what a client sent into what is kept: known attributes only, in the schema's order and spelling, each of its
//! type. What a schema does not have is taken and not kept; identity providers send such things all the time.

use serde_json::{Map, Value};

use super::{
    error::Refusal,
    personality::Personality,
    schema::{Attribute, COMMON, Kind, Mutability, Schema, Type},
};

/// A resource as far as the client decides it.
#[derive(Debug)]
pub(crate) struct Shaped {
    pub(crate) content: Map<String, Value>,
    pub(crate) password: Option<String>,
}

/// Room for so many attributes at most is made in advance; what was sent may have any number of keys.
const KEYS: usize = 32;

/// Shapes the body of a POST or PUT.
pub(crate) fn shape(
    input: &Map<String, Value>,
    kind: Kind,
    personality: &Personality,
) -> Result<Shaped, Refusal> {
    check_schemas(input, &[kind.core().id], kind.extensions(), personality)?;
    let mut content = Map::with_capacity(input.len().min(KEYS));
    let external_id = COMMON
        .iter()
        .find(|attribute| attribute.name == "externalId");
    let mut password = None;
    for attribute in external_id.into_iter().chain(kind.core().attributes) {
        if attribute.mutability == Mutability::ReadOnly || is_absent(attribute, personality) {
            continue;
        }
        let Some(sent) = get(input, attribute.name) else {
            continue;
        };
        let Some(value) = coerce(attribute, sent, personality)? else {
            continue;
        };
        if attribute.mutability == Mutability::WriteOnly {
            password = value.as_str().map(str::to_owned);
        } else {
            content.insert(attribute.name.to_owned(), value);
        }
    }
    for schema in kind.extensions() {
        let Some(sent) = get(input, schema.id) else {
            continue;
        };
        if let Some(value) = coerce_extension(schema, sent, personality)? {
            content.insert(schema.id.to_owned(), value);
        }
    }
    Ok(Shaped { content, password })
}

/// Checks what must hold of every resource, whichever way it was changed, and puts it into its final order.
pub(crate) fn seal(
    mut content: Map<String, Value>,
    has_password: bool,
    id: &str,
    kind: Kind,
    personality: &Personality,
) -> Result<Map<String, Value>, Refusal> {
    for attribute in kind.core().attributes {
        let demanded = personality
            .resources
            .required
            .iter()
            .any(|name| name.eq_ignore_ascii_case(attribute.name));
        if !attribute.required && !demanded {
            continue;
        }
        let there = match content.get(attribute.name) {
            None => attribute.mutability == Mutability::WriteOnly && has_password,
            Some(Value::String(text)) => !text.trim().is_empty(),
            Some(_) => true,
        };
        if !there {
            return Err(Refusal::invalid_value(format!(
                "The attribute '{}' is required.",
                attribute.name
            )));
        }
    }
    let mut sealed = Map::with_capacity(content.len() + 2);
    let mut schemas = vec![Value::from(kind.core().id)];
    schemas.extend(
        kind.extensions()
            .iter()
            .filter(|schema| content.contains_key(schema.id))
            .map(|it| it.id.into()),
    );
    sealed.insert("schemas".to_owned(), Value::Array(schemas));
    sealed.insert("id".to_owned(), id.into());
    let names = ["externalId"].into_iter().chain(
        kind.core()
            .attributes
            .iter()
            .map(|attribute| attribute.name),
    );
    for name in names.chain(kind.extensions().iter().map(|schema| schema.id)) {
        if !content.keys().any(|key| key == name) {
            continue; // as most; a handful of keys is compared sooner than the name is hashed
        }
        let Some(value) = content.remove(name) else {
            continue;
        };
        if let (Some(attribute), Value::Array(items)) = (kind.core().attribute(name), &value) {
            check_items(attribute, items, personality)?;
        }
        sealed.insert(name.to_owned(), value);
    }
    Ok(sealed)
}

fn check_items(
    attribute: &Attribute,
    items: &[Value],
    personality: &Personality,
) -> Result<(), Refusal> {
    let single = personality
        .resources
        .single
        .iter()
        .any(|name| name.eq_ignore_ascii_case(attribute.name));
    if single && items.len() > 1 {
        return Err(Refusal::invalid_value(format!(
            "'{}' takes one value only.",
            attribute.name
        )));
    }
    if attribute.has_primary() && personality.resources.reduce_primaries && primaries(items) > 1 {
        // RFC 7643, section 2.4: "true" must appear no more than once.
        return Err(Refusal::invalid_value(format!(
            "'{}' has more than one primary value.",
            attribute.name
        )));
    }
    Ok(())
}

/// Counts the values that are marked as the primary one.
pub(crate) fn primaries(items: &[Value]) -> usize {
    items
        .iter()
        .filter(|item| item.get("primary") == Some(&Value::Bool(true)))
        .count()
}

/// Checks that a body names the schema it must have, and perhaps that it names no unknown one.
pub(crate) fn check_schemas(
    input: &Map<String, Value>,
    wanted: &[&str],
    extensions: &[&Schema],
    personality: &Personality,
) -> Result<(), Refusal> {
    let named: Vec<&str> = match get(input, "schemas") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) if !personality.resources.schemas_required => vec![one],
        Some(_) => return Err(Refusal::invalid_syntax("'schemas' must be a list of URNs.")),
    };
    let has = |urn: &str| named.iter().any(|name| name.eq_ignore_ascii_case(urn));
    if personality.resources.schemas_required && !wanted.iter().any(|urn| has(urn)) {
        return Err(Refusal::invalid_value(format!(
            "'schemas' must name {}.",
            wanted.join(" or ")
        )));
    }
    let known = |name: &&str| {
        wanted
            .iter()
            .chain(extensions.iter().map(|schema| &schema.id))
            .any(|urn| urn.eq_ignore_ascii_case(name))
    };
    match named.iter().find(|name| !known(name)) {
        Some(name) if personality.resources.refuse_unknown_schemas => Err(Refusal::invalid_value(
            format!("The schema '{name}' is not known."),
        )),
        _ => Ok(()),
    }
}

/// Tells whether the personality does without an attribute.
pub(crate) fn is_absent(attribute: &Attribute, personality: &Personality) -> bool {
    personality
        .resources
        .absent
        .iter()
        .any(|name| name.eq_ignore_ascii_case(attribute.name))
}

/// Looks a key up, case ignored (RFC 7643, section 2.1); the exact spelling wins.
pub(crate) fn get<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let mut near = None;
    for (key, value) in object {
        if key == name {
            return Some(value);
        }
        if near.is_none() && key.eq_ignore_ascii_case(name) {
            near = Some(value);
        }
    }
    near
}

/// Brings an extension's object into shape. `None` when nothing is left of it.
pub(crate) fn coerce_extension(
    schema: &Schema,
    sent: &Value,
    personality: &Personality,
) -> Result<Option<Value>, Refusal> {
    let object = match sent {
        Value::Null => return Ok(None),
        Value::Object(object) => object,
        _ => {
            return Err(Refusal::invalid_value(format!(
                "'{}' must be an object.",
                schema.id
            )));
        }
    };
    let mut made = Map::new();
    for attribute in schema.attributes {
        let Some(sent) = get(object, attribute.name) else {
            continue;
        };
        if let Some(value) = coerce(attribute, sent, personality)? {
            made.insert(attribute.name.to_owned(), value);
        }
    }
    Ok((!made.is_empty()).then_some(Value::Object(made)))
}

/// Brings the value of an attribute into shape. `None` when it is unassigned: null, or a list of nothing
/// (RFC 7643, section 2.5).
pub(crate) fn coerce(
    attribute: &Attribute,
    sent: &Value,
    personality: &Personality,
) -> Result<Option<Value>, Refusal> {
    if !attribute.multi_valued {
        return coerce_one(attribute, sent, personality);
    }
    let items = match sent {
        Value::Null => return Ok(None),
        Value::Array(items) => items.as_slice(),
        Value::String(_) if !personality.resources.plain_strings => {
            return Err(wrong_type(attribute, "a list"));
        }
        Value::String(_) | Value::Object(_) => std::slice::from_ref(sent),
        Value::Bool(_) | Value::Number(_) => return Err(wrong_type(attribute, "a list")),
    };
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        kept.extend(coerce_one(attribute, item, personality)?);
    }
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// Brings one value, or one element of a list, into shape.
pub(crate) fn coerce_one(
    attribute: &Attribute,
    sent: &Value,
    personality: &Personality,
) -> Result<Option<Value>, Refusal> {
    Ok(match (attribute.kind, sent) {
        (_, Value::Null) => None,
        (Type::String | Type::Binary, Value::String(_)) | (Type::Boolean, Value::Bool(_)) => {
            Some(sent.clone())
        }
        // A leading U+0001 marks an address of ours (see `links`); nobody else may write it.
        (Type::Reference, Value::String(text)) => Some(text.trim_start_matches('\u{1}').into()),
        // Entra sends booleans as the strings "True" and "False".
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => {
            Some(Value::Bool(true))
        }
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => {
            Some(Value::Bool(false))
        }
        (Type::Integer, Value::Number(number)) if number.is_i64() => Some(sent.clone()),
        (Type::DateTime, Value::String(text)) if text.parse::<jiff::Timestamp>().is_ok() => {
            Some(sent.clone())
        }
        (Type::Complex, Value::Object(object)) => coerce_complex(attribute, object, personality)?,
        // Entra sends the enterprise manager as a bare identifier; an empty one takes the manager away.
        (Type::Complex, Value::String(text)) if attribute.name == "manager" => {
            (!text.is_empty()).then(|| serde_json::json!({"value": text}))
        }
        (Type::Complex, Value::String(text))
            if attribute.multi_valued
                && attribute.sub("value").is_some()
                && personality.resources.plain_strings =>
        {
            Some(serde_json::json!({"value": text}))
        }
        (Type::String | Type::Binary | Type::Reference, _) => {
            return Err(wrong_type(attribute, "a string"));
        }
        (Type::Boolean, _) => return Err(wrong_type(attribute, "true or false")),
        (Type::Integer, _) => return Err(wrong_type(attribute, "a whole number")),
        (Type::DateTime, _) => return Err(wrong_type(attribute, "a date and time")),
        (Type::Complex, _) => return Err(wrong_type(attribute, "an object")),
    })
}

fn coerce_complex(
    attribute: &Attribute,
    object: &Map<String, Value>,
    personality: &Personality,
) -> Result<Option<Value>, Refusal> {
    let mut made = Map::with_capacity(object.len().min(KEYS));
    for sub in attribute.sub_attributes {
        if sub.mutability == Mutability::ReadOnly {
            continue;
        }
        let Some(sent) = get(object, sub.name) else {
            continue;
        };
        if let Some(value) = coerce(sub, sent, personality)? {
            made.insert(sub.name.to_owned(), value);
        }
    }
    Ok((!made.is_empty()).then_some(Value::Object(made)))
}

fn wrong_type(attribute: &Attribute, wanted: &str) -> Refusal {
    Refusal::invalid_value(format!("'{}' must be {wanted}.", attribute.name))
}
