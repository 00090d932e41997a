//! Sorts hits by an attribute.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Hit;
use crate::scim2::{
    path::AttributePath,
    render::Renderer,
    schema::{Kind, Type},
};

/// Sorts by an attribute (RFC 7644, section 3.4.2.3): the primary or first value counts, nothing comes last.
pub(super) fn sort(hits: &mut Vec<Hit>, by: &AttributePath, descending: bool, shown: Renderer<'_>) {
    let mut keyed: Vec<(Option<SortKey>, Hit)> = std::mem::take(hits)
        .into_iter()
        .map(|hit| (sort_key(&shown.view(hit.0, &hit.2), by, hit.0), hit))
        .collect();
    keyed.sort_by(|(left, _), (right, _)| {
        let order = match (left, right) {
            (Some(left), Some(right)) => left.partial_cmp(right).unwrap_or(Ordering::Equal),
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
        };
        if descending { order.reverse() } else { order }
    });
    hits.extend(keyed.into_iter().map(|(_, hit)| hit));
}

#[derive(Debug, PartialEq, PartialOrd)]
enum SortKey {
    Flag(bool),
    Number(f64),
    Time(Timestamp),
    Text(String),
}

fn sort_key(view: &Map<String, Value>, by: &AttributePath, kind: Kind) -> Option<SortKey> {
    let target = by.resolve(kind)?;
    let leaf = target.leaf()?;
    let holder = match target.extension {
        None => view,
        Some(schema) => view.get(schema.id)?.as_object()?,
    };
    let value = match holder.get(target.attribute?.name)? {
        Value::Array(items) => {
            let primary = items
                .iter()
                .find(|item| item.get("primary") == Some(&Value::Bool(true)));
            primary.or_else(|| items.first())?
        }
        one => one,
    };
    let value = match value {
        Value::Object(object) => object.get(leaf.name)?,
        other => other,
    };
    Some(match value {
        Value::Bool(flag) => SortKey::Flag(*flag),
        Value::Number(number) => SortKey::Number(number.as_f64()?),
        Value::String(text) if leaf.kind == Type::DateTime => SortKey::Time(text.parse().ok()?),
        Value::String(text) if leaf.case_exact => SortKey::Text(text.clone()),
        Value::String(text) => SortKey::Text(text.to_lowercase()),
        _ => return None,
    })
}
