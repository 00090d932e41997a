//! PATCH (RFC 7644, section 3.5.2): reads the operations and applies them, in order, to a copy of the resource.
//!
//! The copy is what makes it atomic: it is kept only when every operation succeeded and the result still is a resource.

mod apply;
mod items;
mod selected;

use http::StatusCode;
use serde_json::{Map, Value};

use super::{
    error::Refusal,
    filter::{self, PatchPath},
    path::Target,
    personality::Personality,
    resource,
    schema::{Kind, Mutability},
};

pub(crate) use apply::{Password, Patched};

/// The schema of a PATCH body.
pub(crate) const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What an operation does. The word is taken in any case: Entra says `Add`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Replace,
    Remove,
}

/// One operation as sent.
#[derive(Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) verb: Verb,
    pub(crate) path: Option<&'a str>,
    pub(crate) value: Option<&'a Value>,
}

/// Reads the body of a PATCH.
pub(crate) fn read<'a>(
    body: &'a Value,
    personality: &Personality,
) -> Result<Vec<Operation<'a>>, Refusal> {
    let Value::Object(body) = body else {
        return Err(Refusal::invalid_syntax("A PATCH body must be an object."));
    };
    resource::check_schemas(body, &[PATCH_SCHEMA], &[], personality)?;
    let operations = resource::get(body, "Operations").and_then(Value::as_array);
    let operations =
        operations.ok_or_else(|| Refusal::invalid_syntax("'Operations' must be a list."))?;
    read_operations(operations)
}

/// Reads a bare list of operations, as Bulk may carry it (RFC 7644, section 3.7.3).
pub(crate) fn read_operations(operations: &[Value]) -> Result<Vec<Operation<'_>>, Refusal> {
    if operations.is_empty() {
        return Err(Refusal::invalid_syntax("'Operations' must not be empty."));
    }
    operations.iter().map(read_operation).collect()
}

fn read_operation(sent: &Value) -> Result<Operation<'_>, Refusal> {
    let Value::Object(sent) = sent else {
        return Err(Refusal::invalid_syntax("An operation must be an object."));
    };
    let verb = match resource::get(sent, "op").and_then(Value::as_str) {
        Some(word) if word.eq_ignore_ascii_case("add") => Verb::Add,
        Some(word) if word.eq_ignore_ascii_case("replace") => Verb::Replace,
        Some(word) if word.eq_ignore_ascii_case("remove") => Verb::Remove,
        _ => {
            return Err(Refusal::invalid_syntax(
                "'op' must be add, replace or remove.",
            ));
        }
    };
    let path = match resource::get(sent, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) => Some(path.trim()).filter(|path| !path.is_empty()),
        Some(_) => return Err(Refusal::invalid_path("'path' must be a string.")),
    };
    let value = resource::get(sent, "value");
    match (verb, path, value) {
        (Verb::Remove, None, _) => Err(Refusal::no_target("A remove needs a path.")),
        (Verb::Add | Verb::Replace, _, None) => {
            Err(Refusal::invalid_value("An add or replace needs a value."))
        }
        _ => Ok(Operation { verb, path, value }),
    }
}

/// A path whose names were found.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) target: Target,
    pub(crate) selection: Option<filter::Bound>,
}

impl Place {
    /// Finds what a path points to.
    fn find(path: &PatchPath, kind: Kind) -> Result<Self, Refusal> {
        let unknown =
            || Refusal::invalid_path(format!("The attribute '{}' is not known.", path.name));
        let mut target = path.name.resolve(kind).ok_or_else(unknown)?;
        let Some(filter) = &path.filter else {
            return Ok(Self {
                target,
                selection: None,
            });
        };
        let attribute = target
            .attribute
            .filter(|attribute| attribute.multi_valued && attribute.sub("value").is_some());
        // Addresses are the one list of objects without a `value`.
        let attribute = attribute.or(target
            .attribute
            .filter(|attribute| attribute.name == "addresses"));
        let attribute = attribute.ok_or_else(|| {
            Refusal::invalid_path(format!("'{}' has no values to select from.", path.name))
        })?;
        if let Some(sub) = &path.sub {
            let found = attribute.sub(sub);
            target.sub = Some(found.ok_or_else(|| {
                Refusal::invalid_path(format!(
                    "'{}' has no sub-attribute '{sub}'.",
                    attribute.name
                ))
            })?);
        }
        let selection =
            filter::Bound::inside(filter, attribute).map_err(Refusal::invalid_filter)?;
        Ok(Self {
            target,
            selection: Some(selection),
        })
    }
}

/// Applies the operations to a copy of the content.
pub(crate) fn apply<'a>(
    content: Map<String, Value>,
    operations: &[Operation<'_>],
    kind: Kind,
    personality: &'a Personality,
) -> Result<Patched<'a>, Refusal> {
    let mut patched = Patched::new(content, kind, personality);
    for operation in operations {
        match (operation.path, operation.value) {
            (Some(path), value) => {
                let path = filter::parse_path(path).map_err(|reason| {
                    Refusal::invalid_path(format!("The path '{path}' is not valid: {reason}."))
                })?;
                let place = Place::find(&path, kind)?;
                check_mutability(&place, operation.verb)?;
                patched.apply(operation.verb, &place, value.unwrap_or(&Value::Null), true)?;
            }
            (None, Some(Value::Object(values))) => {
                for (key, value) in values {
                    // What the schema does not have, or is not the client's to write, is taken and not kept.
                    let place = filter::parse_path(key)
                        .ok()
                        .and_then(|path| Place::find(&path, kind).ok());
                    let Some(place) =
                        place.filter(|place| check_mutability(place, operation.verb).is_ok())
                    else {
                        continue;
                    };
                    patched.apply(operation.verb, &place, value, false)?;
                }
            }
            (None, _) => {
                return Err(Refusal::invalid_value(
                    "Without a path the value must be an object.",
                ));
            }
        }
    }
    Ok(patched)
}

fn check_mutability(place: &Place, verb: Verb) -> Result<(), Refusal> {
    let Target { attribute, sub, .. } = place.target;
    let Some(attribute) = attribute else {
        return Ok(());
    };
    let named = place.target.spelling();
    let read_only = |mutability| mutability == Mutability::ReadOnly;
    if read_only(attribute.mutability) || sub.is_some_and(|sub| read_only(sub.mutability)) {
        return Err(Refusal::mutability(format!("'{named}' is read-only.")));
    }
    if sub.is_some_and(|sub| sub.mutability == Mutability::Immutable) {
        return Err(Refusal::mutability(format!("'{named}' cannot be changed.")));
    }
    if verb == Verb::Remove && attribute.required && sub.is_none() {
        return Err(Refusal::mutability(format!(
            "'{named}' is required and cannot be removed."
        )));
    }
    Ok(())
}

/// Refuses what a personality's PATCH does not change.
fn check_personality(
    place: &Place,
    kind: Kind,
    verb: Verb,
    value: &Value,
    personality: &Personality,
) -> Result<(), Refusal> {
    let rules = &personality.patch;
    let refused = |detail: String| {
        let status =
            StatusCode::from_u16(rules.refused_attribute).unwrap_or(StatusCode::BAD_REQUEST);
        Err(Refusal::new(status, detail))
    };
    let changeable = match kind {
        Kind::User => &rules.user_attributes,
        Kind::Group => &rules.group_attributes,
    };
    let name = place
        .target
        .attribute
        .map_or("", |attribute| attribute.name);
    let is_listed =
        place.target.extension.is_none() && changeable.iter().any(|listed| listed == name);
    if !changeable.is_empty() && !is_listed {
        return refused(format!(
            "PATCH of '{}' is not supported.",
            place.target.spelling()
        ));
    }
    if place.selection.is_some() && !rules.value_paths {
        return refused("Paths with a filter are not supported.".to_owned());
    }
    if name != "members" || place.selection.is_some() {
        return Ok(());
    }
    let without_values = value.as_array().is_none_or(Vec::is_empty);
    match verb {
        Verb::Replace if !rules.replace_members => Err(Refusal::invalid_value(
            "The members cannot be replaced as a whole.",
        )),
        Verb::Remove if without_values && !rules.remove_all_members => Err(Refusal::invalid_value(
            "The members cannot be removed as a whole.",
        )),
        Verb::Remove if !without_values && !rules.remove_by_value => {
            Err(Refusal::invalid_value("A remove takes no value."))
        }
        _ => Ok(()),
    }
}
