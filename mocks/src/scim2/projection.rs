//! Which attributes an answer has: `attributes`, `excludedAttributes` and the schema's `returned`
//! (RFC 7644, section 3.9).

use serde_json::{Map, Value};

use super::{
    error::Refusal,
    links::display_name,
    path::{AttributePath, Target},
    schema::{Attribute, ENTERPRISE, Kind, Returned},
    store::Store,
};

/// What the client asked to see.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Projection {
    /// What is returned by default.
    #[default]
    Default,
    /// These, and what is always returned.
    Only(Vec<AttributePath>),
    /// What is returned by default, without these.
    Without(Vec<AttributePath>),
}

impl Projection {
    /// Reads the two lists. A name that is none selects nothing.
    pub(crate) fn new(only: &[String], without: &[String]) -> Result<Self, Refusal> {
        let paths = |names: &[String]| {
            names
                .iter()
                .filter_map(|name| AttributePath::parse(name))
                .collect()
        };
        match (only.is_empty(), without.is_empty()) {
            (true, true) => Ok(Self::Default),
            (false, true) => Ok(Self::Only(paths(only))),
            (true, false) => Ok(Self::Without(paths(without))),
            (false, false) => Err(Refusal::invalid_value(
                "Either 'attributes' or 'excludedAttributes' may be given, not both.",
            )),
        }
    }

    /// Applies the projection to a resource as it is returned by default.
    pub(crate) fn apply(
        &self,
        mut resource: Map<String, Value>,
        kind: Kind,
        store: &Store,
    ) -> Map<String, Value> {
        match self {
            Self::Default => resource,
            Self::Only(paths) => {
                let targets: Vec<Target> =
                    paths.iter().filter_map(|path| path.resolve(kind)).collect();
                add_requested(&mut resource, &targets, store);
                only(&resource, &targets, kind)
            }
            Self::Without(paths) => {
                for target in paths.iter().filter_map(|path| path.resolve(kind)) {
                    leave_out(&mut resource, &target);
                }
                resource
            }
        }
    }
}

/// Adds what is returned on request only: the manager's display name.
fn add_requested(resource: &mut Map<String, Value>, targets: &[Target], store: &Store) {
    let wanted = |target: &Target| {
        target
            .sub
            .is_some_and(|sub| sub.returned == Returned::Request)
    };
    if !targets.iter().any(wanted) {
        return;
    }
    let Some(manager) = resource
        .get_mut(ENTERPRISE.id)
        .and_then(|extension| extension.get_mut("manager"))
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let Some((_, row)) = manager
        .get("value")
        .and_then(Value::as_str)
        .and_then(|id| store.by_id(Kind::User, id))
    else {
        return;
    };
    manager.insert(
        "displayName".to_owned(),
        display_name(&row.content(), Kind::User).into(),
    );
}

fn only(resource: &Map<String, Value>, targets: &[Target], kind: Kind) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in resource {
        if let Some(schema) = kind.extension(name) {
            let inside: Vec<&Target> = targets
                .iter()
                .filter(|target| {
                    target
                        .extension
                        .is_some_and(|wanted| wanted.id == schema.id)
                })
                .collect();
            if inside.iter().any(|target| target.attribute.is_none()) {
                kept.insert(name.clone(), value.clone());
            } else if let Some(object) = value.as_object() {
                let mut part = Map::new();
                for (name, value) in object {
                    let Some(attribute) = schema.attribute(name) else {
                        continue;
                    };
                    keep(&mut part, attribute, value, &inside);
                }
                if !part.is_empty() {
                    kept.insert(name.clone(), Value::Object(part));
                }
            }
            continue;
        }
        let Some(attribute) = kind.attribute(name) else {
            continue;
        };
        if attribute.returned == Returned::Always {
            kept.insert(name.clone(), value.clone());
            continue;
        }
        let inside: Vec<&Target> = targets
            .iter()
            .filter(|target| target.extension.is_none())
            .collect();
        keep(&mut kept, attribute, value, &inside);
    }
    kept
}

/// Keeps an attribute, or the sub-attributes of it, that the targets name.
fn keep(into: &mut Map<String, Value>, attribute: &Attribute, value: &Value, targets: &[&Target]) {
    let named: Vec<&&Target> = targets
        .iter()
        .filter(|target| {
            target
                .attribute
                .is_some_and(|wanted| wanted.name == attribute.name)
        })
        .collect();
    if named.is_empty() {
        return;
    }
    if named.iter().any(|target| target.sub.is_none()) {
        into.insert(attribute.name.to_owned(), value.clone());
        return;
    }
    let part = |item: &Value| -> Value {
        let subs = item.as_object().into_iter().flatten();
        let wanted = |name: &str| {
            named
                .iter()
                .any(|target| target.sub.is_some_and(|sub| sub.name == name))
        };
        Value::Object(
            subs.filter(|(name, _)| wanted(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    };
    let kept = match value {
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(part)
                .filter(|item| item != &Value::Object(Map::new()))
                .collect(),
        ),
        one => part(one),
    };
    into.insert(attribute.name.to_owned(), kept);
}

fn leave_out(resource: &mut Map<String, Value>, target: &Target) {
    let always = |attribute: &Attribute| attribute.returned == Returned::Always;
    let Some(attribute) = target.attribute else {
        target
            .extension
            .map(|schema| resource.shift_remove(schema.id));
        return;
    };
    if always(attribute) {
        return;
    }
    let holder = match target.extension {
        None => Some(&mut *resource),
        Some(schema) => resource.get_mut(schema.id).and_then(Value::as_object_mut),
    };
    let Some(holder) = holder else { return };
    match (target.sub, holder.get_mut(attribute.name)) {
        (None, _) => {
            holder.shift_remove(attribute.name);
        }
        (Some(sub), Some(Value::Array(items))) => {
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                item.shift_remove(sub.name);
            }
        }
        (Some(sub), Some(Value::Object(object))) => {
            object.shift_remove(sub.name);
        }
        (Some(_), _) => {}
    }
    if let Some(schema) = target.extension
        && resource
            .get(schema.id)
            .and_then(Value::as_object)
            .is_some_and(Map::is_empty)
    {
        resource.shift_remove(schema.id);
    }
}
