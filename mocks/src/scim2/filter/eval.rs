//! Holds a filter against a resource: names are bound to the schema once, values are compared many times.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Comparison, Filter, Literal, Operator};
use crate::scim2::{
    path::{AttributePath, Target},
    schema::{Attribute, Kind, Returned, Type},
};

/// How strings are compared where a personality departs from the schema.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Matching {
    /// Compares every string with case, whatever `caseExact` says.
    pub(crate) exact_case: bool,
}

/// A filter whose names were found in the schema of one kind of resource.
#[derive(Debug)]
pub(crate) enum Bound {
    /// A name the kind does not have: there is no value (RFC 7644, section 3.4.2.2).
    Absent(Option<(Operator, Literal)>),
    Present(Target),
    Test(Target, Operator, Literal),
    Values(Target, Box<Bound>),
    And(Vec<Bound>),
    Or(Vec<Bound>),
    Not(Box<Bound>),
}

/// An equality that an index can answer, found in the filter or in its top-level `and`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Equality<'a> {
    /// The attribute as the schema spells it, with its sub-attribute: `userName`, `members.value`.
    pub(crate) attribute: String,
    /// The value it is compared with.
    pub(crate) value: &'a str,
}

impl Bound {
    /// Binds a filter to a kind of resource.
    ///
    /// # Errors
    /// A sentence when an operator does not fit the attribute's type, or the attribute must not be asked for.
    pub(crate) fn new(filter: &Filter, kind: Kind) -> Result<Self, String> {
        bind(filter, &|name| name.resolve(kind))
    }

    /// Binds the filter of a value path to the sub-attributes of its attribute.
    ///
    /// # Errors
    /// As [`Bound::new`].
    pub(crate) fn inside(filter: &Filter, attribute: &'static Attribute) -> Result<Self, String> {
        bind(filter, &|name| within(name, attribute))
    }

    /// Tells whether the resource, or the value of a value path, matches.
    pub(crate) fn holds(&self, object: &Map<String, Value>, matching: Matching) -> bool {
        match self {
            Self::Absent(test) => match test {
                Some((Operator::Eq, Literal::Null)) => true,
                Some((Operator::Ne, literal)) => *literal != Literal::Null,
                None | Some(_) => false,
            },
            Self::Present(target) => values(object, target, false).any(is_assigned),
            Self::Test(target, operator, literal) => {
                test(object, target, *operator, literal, matching)
            }
            Self::Values(target, inner) => values(object, target, false)
                .filter_map(Value::as_object)
                .any(|value| inner.holds(value, matching)),
            Self::And(parts) => parts.iter().all(|part| part.holds(object, matching)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(object, matching)),
            Self::Not(inner) => !inner.holds(object, matching),
        }
    }

    /// Returns the equalities that every match must fulfil.
    pub(crate) fn equalities(&self) -> Vec<Equality<'_>> {
        match self {
            Self::Test(target, Operator::Eq, Literal::Text(value)) => {
                let mut spelled = target.spelling();
                if target.sub.is_none()
                    && target
                        .attribute
                        .is_some_and(|attribute| attribute.sub("value").is_some())
                {
                    spelled.push_str(".value");
                }
                vec![Equality {
                    attribute: spelled,
                    value,
                }]
            }
            Self::Values(target, inner) => inner
                .equalities()
                .into_iter()
                .map(|found| Equality {
                    attribute: format!("{}.{}", target.spelling(), found.attribute),
                    ..found
                })
                .collect(),
            Self::And(parts) => parts.iter().flat_map(Self::equalities).collect(),
            Self::Absent(_) | Self::Present(_) | Self::Test(..) | Self::Or(_) | Self::Not(_) => {
                Vec::new()
            }
        }
    }

    /// Returns the value that every element made for this filter must have, when it says so by `eq` and `and` only.
    pub(crate) fn template(&self) -> Option<Map<String, Value>> {
        let mut made = Map::new();
        match self {
            Self::Test(
                Target {
                    attribute: Some(attribute),
                    ..
                },
                Operator::Eq,
                literal,
            ) => {
                let value = match literal {
                    Literal::Text(text) => Value::String(text.clone()),
                    Literal::Number(number) => Value::Number(number.clone()),
                    Literal::Boolean(value) => Value::Bool(*value),
                    Literal::Null => return None,
                };
                made.insert(attribute.name.to_owned(), value);
                Some(made)
            }
            Self::And(parts) => {
                for part in parts {
                    made.extend(part.template()?);
                }
                Some(made)
            }
            _ => None,
        }
    }
}

fn within(name: &AttributePath, attribute: &'static Attribute) -> Option<Target> {
    if name.urn.is_some() || name.sub.is_some() {
        return None;
    }
    Some(Target {
        extension: None,
        attribute: Some(attribute.sub(&name.name)?),
        sub: None,
    })
}

fn bind(
    filter: &Filter,
    resolve: &dyn Fn(&AttributePath) -> Option<Target>,
) -> Result<Bound, String> {
    let all = |parts: &[Filter]| {
        parts
            .iter()
            .map(|part| bind(part, resolve))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match filter {
        Filter::Present(name) => match resolve(name) {
            None => Bound::Absent(None),
            Some(target) => Bound::Present(readable(target)?),
        },
        Filter::Test(name, operator, literal) => match resolve(name) {
            None => Bound::Absent(Some((*operator, literal.clone()))),
            Some(target) => bind_test(target, *operator, literal)?,
        },
        Filter::Values {
            name,
            inner,
            behind,
        } => match resolve(name) {
            Some(
                target @ Target {
                    attribute: Some(attribute),
                    ..
                },
            ) if attribute.kind == Type::Complex => {
                let inner = Bound::inside(inner, attribute)?;
                let behind = behind
                    .as_ref()
                    .map(|behind| bind_behind(behind, attribute))
                    .transpose()?;
                let whole = match behind {
                    None => inner,
                    Some(behind) => Bound::And(vec![inner, behind]),
                };
                Bound::Values(readable(target)?, Box::new(whole))
            }
            _ => Bound::Absent(None),
        },
        Filter::And(parts) => Bound::And(all(parts)?),
        Filter::Or(parts) => Bound::Or(all(parts)?),
        Filter::Not(inner) => Bound::Not(Box::new(bind(inner, resolve)?)),
    })
}

fn bind_behind(
    (sub, comparison): &(String, Comparison),
    attribute: &'static Attribute,
) -> Result<Bound, String> {
    let name = AttributePath {
        urn: None,
        name: sub.clone(),
        sub: None,
    };
    let filter = match comparison {
        Comparison::Present => Filter::Present(name),
        Comparison::Test(operator, literal) => Filter::Test(name, *operator, literal.clone()),
    };
    Bound::inside(&filter, attribute)
}

fn bind_test(target: Target, operator: Operator, literal: &Literal) -> Result<Bound, String> {
    let target = readable(target)?;
    let ordering = matches!(
        operator,
        Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le
    );
    let Some(leaf) = target.leaf() else {
        return Ok(Bound::Absent(Some((operator, literal.clone()))));
    };
    if ordering && matches!(leaf.kind, Type::Boolean | Type::Binary) {
        return Err(format!(
            "'{}' cannot be compared with '{}'",
            target.spelling(),
            operator.word()
        ));
    }
    if ordering && matches!(literal, Literal::Boolean(_) | Literal::Null) {
        return Err(format!("'{}' takes no such value", operator.word()));
    }
    Ok(Bound::Test(target, operator, literal.clone()))
}

/// Refuses attributes that are never returned: a filter would tell them letter by letter.
fn readable(target: Target) -> Result<Target, String> {
    match target.attribute {
        Some(attribute) if attribute.returned == Returned::Never => {
            Err(format!("'{}' cannot be filtered by", attribute.name))
        }
        _ => Ok(target),
    }
}

/// Walks the values a target has in an object; `default_value` goes on to the sub-attribute `value` of complex ones.
fn values<'a>(
    object: &'a Map<String, Value>,
    target: &Target,
    default_value: bool,
) -> impl Iterator<Item = &'a Value> + use<'a> {
    let holder = match target.extension {
        None => Some(object),
        Some(schema) => object.get(schema.id).and_then(Value::as_object),
    };
    let found = match target.attribute {
        Some(attribute) => holder.and_then(|holder| holder.get(attribute.name)),
        None => target.extension.and_then(|schema| object.get(schema.id)),
    };
    let sub = target.sub.map(|sub| sub.name).or_else(|| {
        let complex = target
            .attribute
            .is_some_and(|attribute| attribute.sub("value").is_some());
        (default_value && complex).then_some("value")
    });
    let items = match found {
        Some(Value::Array(items)) => items.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    items.iter().filter_map(move |item| match sub {
        None => Some(item),
        Some(sub) => item.get(sub),
    })
}

fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn test(
    object: &Map<String, Value>,
    target: &Target,
    operator: Operator,
    literal: &Literal,
    matching: Matching,
) -> bool {
    let mut found = values(object, target, true)
        .filter(|value| is_assigned(value))
        .peekable();
    if *literal == Literal::Null {
        let absent = found.peek().is_none();
        return match operator {
            Operator::Eq => absent,
            Operator::Ne => !absent,
            _ => false,
        };
    }
    let Some(leaf) = target.leaf() else {
        return false;
    };
    if operator == Operator::Ne {
        return found.peek().is_none()
            || found.any(|value| !compare(leaf, value, Operator::Eq, literal, matching));
    }
    found.any(|value| compare(leaf, value, operator, literal, matching))
}

fn compare(
    leaf: &Attribute,
    value: &Value,
    operator: Operator,
    literal: &Literal,
    matching: Matching,
) -> bool {
    match (value, literal) {
        (Value::Bool(value), Literal::Boolean(wanted)) => {
            operator == Operator::Eq && value == wanted
        }
        // Entra and others quote booleans.
        (Value::Bool(value), Literal::Text(wanted)) => {
            operator == Operator::Eq
                && wanted.eq_ignore_ascii_case(if *value { "true" } else { "false" })
        }
        (Value::Number(value), Literal::Number(wanted)) => {
            match (value.as_f64(), wanted.as_f64()) {
                (Some(value), Some(wanted)) => ordered(value.partial_cmp(&wanted), operator),
                _ => false,
            }
        }
        (Value::String(value), Literal::Text(wanted)) => {
            compare_text(leaf, value, operator, wanted, matching)
        }
        _ => false,
    }
}

fn compare_text(
    leaf: &Attribute,
    value: &str,
    operator: Operator,
    wanted: &str,
    matching: Matching,
) -> bool {
    if leaf.kind == Type::DateTime
        && let (Ok(value), Ok(wanted)) = (value.parse::<Timestamp>(), wanted.parse::<Timestamp>())
        && !matches!(operator, Operator::Co | Operator::Sw | Operator::Ew)
    {
        return ordered(Some(value.cmp(&wanted)), operator);
    }
    if leaf.case_exact || matching.exact_case {
        return text_holds(value, operator, wanted);
    }
    if value.is_ascii() && wanted.is_ascii() && operator == Operator::Eq {
        return value.eq_ignore_ascii_case(wanted);
    }
    text_holds(&value.to_lowercase(), operator, &wanted.to_lowercase())
}

fn text_holds(value: &str, operator: Operator, wanted: &str) -> bool {
    match operator {
        Operator::Co => value.contains(wanted),
        Operator::Sw => value.starts_with(wanted),
        Operator::Ew => value.ends_with(wanted),
        Operator::Eq | Operator::Ne | Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le => {
            ordered(Some(value.cmp(wanted)), operator)
        }
    }
}

fn ordered(order: Option<Ordering>, operator: Operator) -> bool {
    let Some(order) = order else { return false };
    match operator {
        Operator::Eq => order.is_eq(),
        Operator::Ne => order.is_ne(),
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}
