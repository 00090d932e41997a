//! The attributes of a desired account: mappings become values, each with its origin.
//!
//! A target's own default mappings come first; the connection's mapping of the same remote attribute takes the place of
//! such a default, and one that is limited to this connector takes the place of a general one. Names of remote
//! attributes are compared without case.
//!
//! | the user's value | `default` set | no default |
//! |---|---|---|
//! | there | the value | the value |
//! | absent, or empty with `on_empty = "skip"` | the default | nothing is sent: the remote value stays |
//! | empty with `on_empty = "clear"` | cleared | cleared |
//! | absent with `on_empty = "clear"` | the default | cleared |
//!
//! *Cleared* is `null`, and only where something was written before: there is nothing to clear at a new account.
//! A constant (`value`) is never overridden. A blank value counts as empty.
//!
//! **Several values.** A remote attribute that is written with `[]` at its end (`phoneNumbers[]`) holds several values:
//! it gets a JSON array of all of them, under its name without the brackets. Any other attribute gets the first value,
//! and the trace says how many were left out.
//!
//! **What the target refuses for certain**, by its own documents, is not sent: a value that is too long, of another form
//! than it must have, or neither `true` nor `false` where it holds only those. A value that was written before was
//! taken then, and stands.

use std::collections::BTreeMap;

use domain::{
    AttributeMapping, Claim, DefaultMapping, DesiredAttribute, Fallback, MappedFrom, Nothing,
    OnEmpty, Origin, Reason, Step, TargetSpec, User,
};
use serde_json::Value;

use crate::Walk;
use crate::links::{Known, State};
use crate::target::Target;
use crate::trace::{Trace, at};

/// One mapping, wherever it was written.
struct Row<'a> {
    remote: &'a str,
    local: Option<Claim>,
    constant: Option<&'a str>,
    default: Option<(String, Origin)>,
    on_empty: OnEmpty,
    line: Option<usize>,
}

/// Makes the desired attributes of a user, and checks that none is missing.
pub(crate) fn all(
    walk: &Walk<'_>,
    user: &User,
    trace: &mut Trace,
) -> Result<Vec<DesiredAttribute>, Nothing> {
    let written = match &walk.known {
        Some(known) if known.is_there() => Some(&known.written),
        _ => None,
    };
    let rows = rows(walk, user, trace);
    let mut list = Vec::new();
    for row in &rows {
        if let Some(attribute) = resolve(walk, row, user, written, trace) {
            list.push(attribute);
        }
    }
    let mut faults: Vec<String> = missing(walk, &rows, &list).into_iter().collect();
    faults.extend(
        list.iter()
            .filter(|attribute| {
                written.and_then(|written| written.get(&attribute.remote)) != Some(&attribute.value)
            })
            .filter_map(|attribute| fault(&walk.target.kind.target, attribute)),
    );
    if faults.is_empty() {
        return Ok(list);
    }
    Err(Nothing {
        reason: Reason::AttributeMissing,
        detail: faults.join("; "),
    })
}

/// Returns the names of all attributes that are mapped at a target, each once.
pub(crate) fn names(target: &Target<'_>) -> Vec<String> {
    let spec = &target.kind.target;
    let defaults = spec.default_mappings.iter().map(|mapping| mapping.remote);
    let own = target.connection.attributes.iter().filter(|mapping| {
        let limited = mapping.connector.as_ref();
        limited.is_none_or(|kind| *kind == target.settings.kind)
    });
    let mut names: Vec<String> = Vec::new();
    for remote in defaults.chain(own.map(|mapping| mapping.remote.as_str())) {
        let remote = bare(remote);
        let is = |name: &str| name.eq_ignore_ascii_case(remote);
        if is(spec.name_attribute) || spec.reserved.iter().any(|name| is(name)) {
            continue;
        }
        if !names.iter().any(|name| is(name)) {
            names.push(remote.to_owned());
        }
    }
    names
}

/// Collects the mappings in order, each remote attribute once.
fn rows<'a>(walk: &Walk<'a>, user: &User, trace: &mut Trace) -> Vec<Row<'a>> {
    let target = walk.target;
    let spec = &target.kind.target;
    let mut rows: Vec<Row<'a>> = spec
        .default_mappings
        .iter()
        .map(|mapping| built_in(&target, mapping, user))
        .collect();
    let own = &target.connection.attributes;
    let general = own.iter().filter(|mapping| mapping.connector.is_none());
    let limited = own
        .iter()
        .filter(|mapping| mapping.connector.as_ref() == Some(&target.settings.kind));
    for mapping in general.chain(limited) {
        let remote = bare(&mapping.remote);
        let fixed = std::iter::once(&spec.name_attribute).chain(spec.reserved);
        if fixed
            .into_iter()
            .any(|name| name.eq_ignore_ascii_case(remote))
        {
            trace.say(
                Step::Map,
                format!(
                    "the mapping of {remote}{} is left aside: the connector sets it itself",
                    at(mapping.line)
                ),
            );
            continue;
        }
        let row = configured(mapping);
        match rows
            .iter()
            .position(|known| bare(known.remote).eq_ignore_ascii_case(remote))
        {
            Some(position) => rows[position] = row,
            None => rows.push(row),
        }
    }
    rows
}

fn built_in<'a>(target: &Target<'a>, mapping: &DefaultMapping, user: &User) -> Row<'a> {
    let local = match mapping.from {
        MappedFrom::Claim(claim) => Some(Claim::new(claim)),
        MappedFrom::Setting(key) => target.text(key).map(Claim::new),
    };
    let user_name = || (user.name.name.clone(), Origin::Pattern);
    let default = match mapping.fallback {
        Fallback::None => None,
        Fallback::UserName => Some(user_name()),
        Fallback::Setting(key) => Some(
            target
                .text(key)
                .map_or_else(user_name, |text| (text.to_owned(), Origin::Default)),
        ),
    };
    Row {
        remote: mapping.remote,
        local,
        constant: None,
        default,
        on_empty: OnEmpty::Skip,
        line: None,
    }
}

fn configured(mapping: &AttributeMapping) -> Row<'_> {
    Row {
        remote: &mapping.remote,
        local: mapping.local.clone(),
        constant: mapping.value.as_deref(),
        default: mapping
            .default
            .clone()
            .filter(|text| !is_blank(text))
            .map(|text| (text, Origin::Default)),
        on_empty: mapping.on_empty,
        line: mapping.line,
    }
}

/// Returns a remote attribute's name without the mark for several values.
fn bare(remote: &str) -> &str {
    remote.strip_suffix("[]").unwrap_or(remote)
}

/// Finds the value of one mapping, or nothing when the remote value is left as it is.
fn resolve(
    walk: &Walk<'_>,
    row: &Row<'_>,
    user: &User,
    written: Option<&BTreeMap<String, Value>>,
    trace: &mut Trace,
) -> Option<DesiredAttribute> {
    let remote = bare(row.remote);
    let many = remote.len() != row.remote.len();
    let was = written.and_then(|written| written.get(remote));
    let was_written = was.is_some_and(|value| !value.is_null());
    let claimed = row.local.as_ref().and_then(|claim| {
        let values = user.claims.get(claim)?;
        Some((claim, values))
    });
    let (texts, origin) = if let Some(constant) = row.constant.filter(|text| !is_blank(text)) {
        (vec![constant], Origin::Constant)
    } else {
        let filled: Vec<&str> = claimed
            .iter()
            .flat_map(|(_, values)| values.iter())
            .map(String::as_str)
            .filter(|value| !is_blank(value))
            .collect();
        let emptied = claimed.is_some() || row.constant.is_some();
        match (&filled[..], &row.default, row.on_empty) {
            ([_, ..], _, _) => {
                let claim = row.local.clone()?;
                (filled, Origin::Claim(claim))
            }
            ([], Some((text, origin)), OnEmpty::Skip) => (vec![text.as_str()], origin.clone()),
            ([], Some((text, origin)), OnEmpty::Clear) if !emptied => {
                (vec![text.as_str()], origin.clone())
            }
            ([], _, OnEmpty::Clear) => return cleared(row, remote, was_written, trace),
            ([], None, OnEmpty::Skip) => {
                let rest = if was_written {
                    "stays as it is"
                } else {
                    "is not sent"
                };
                trace.say(
                    Step::Map,
                    format!(
                        "{remote} {rest}: {}{}",
                        why_empty(row, emptied),
                        at(row.line)
                    ),
                );
                return None;
            }
        }
    };
    let left_out = if many { 0 } else { texts.len() - 1 };
    let value = value(&walk.target.kind.target, remote, &texts, many);
    let mut text = format!("{remote} = {value} ({origin}");
    if let Some(line) = row.line {
        text.push_str(&format!(", workbench.toml:{line}"));
    }
    text.push(')');
    if left_out > 0 {
        text.push_str(&format!(
            "; it holds one value, {left_out} more left out (write {remote}[] to send all)"
        ));
    }
    trace.say(Step::Map, text);
    Some(DesiredAttribute {
        remote: remote.to_owned(),
        value,
        origin,
    })
}

fn cleared(
    row: &Row<'_>,
    remote: &str,
    was_written: bool,
    trace: &mut Trace,
) -> Option<DesiredAttribute> {
    if !was_written {
        trace.say(
            Step::Map,
            format!(
                "{remote} is empty, and there is nothing to clear{}",
                at(row.line)
            ),
        );
        return None;
    }
    trace.say(
        Step::Map,
        format!("{remote} is cleared (on_empty = clear){}", at(row.line)),
    );
    Some(DesiredAttribute {
        remote: remote.to_owned(),
        value: Value::Null,
        origin: row.local.clone().map_or(Origin::Constant, Origin::Claim),
    })
}

fn why_empty(row: &Row<'_>, emptied: bool) -> String {
    match &row.local {
        Some(claim) if emptied => format!("claim {claim} is empty"),
        Some(claim) => format!("no claim {claim}"),
        None if emptied => "the constant is empty".to_owned(),
        None => "the mapping names no claim and no value".to_owned(),
    }
}

/// Makes the JSON value: where the target holds `true` or `false`, those words are no text.
fn value(spec: &TargetSpec, remote: &str, texts: &[&str], many: bool) -> Value {
    let boolean = listed(spec.booleans, remote, |name| name).is_some();
    let typed = |text: &&str| match text.trim() {
        text if boolean && text.eq_ignore_ascii_case("true") => Value::Bool(true),
        text if boolean && text.eq_ignore_ascii_case("false") => Value::Bool(false),
        _ => Value::from(*text),
    };
    if many {
        texts.iter().map(typed).collect()
    } else {
        texts.first().map_or(Value::Null, typed)
    }
}

/// Says what the target refuses in a value, and where the value comes from.
fn fault(spec: &TargetSpec, attribute: &DesiredAttribute) -> Option<String> {
    let remote = attribute.remote.as_str();
    let is_flag = listed(spec.booleans, remote, |name| name).is_some();
    let form = listed(spec.forms, remote, |(name, _)| name);
    let one = |value: &Value| {
        let text = value.as_str()?;
        let fault = if is_flag {
            Some(format!("it holds true or false, not {text}"))
        } else {
            form.and_then(|(_, form)| form.fault(text))
                .or_else(|| too_long(spec, remote, text))
        };
        fault.map(|fault| format!("{remote} ({}): {fault}", attribute.origin))
    };
    match &attribute.value {
        Value::Array(values) => values.iter().find_map(one),
        value => one(value),
    }
}

/// Says that a text is longer than its remote attribute can hold.
pub(crate) fn too_long(spec: &TargetSpec, remote: &str, text: &str) -> Option<String> {
    let (_, most) = listed(spec.max_lengths, remote, |(name, _)| name)?;
    let length = text.chars().count();
    (length > *most).then(|| format!("it holds at most {most} characters, not {length}"))
}

/// Finds the entry of a remote attribute, whose names compare without case.
fn listed<T>(list: &'static [T], remote: &str, name: impl Fn(&T) -> &str) -> Option<&'static T> {
    list.iter()
        .find(|entry| name(entry).eq_ignore_ascii_case(remote))
}

/// Names the attributes without which the target refuses the account.
///
/// An account that is there has them already, so an update misses only what it would clear.
fn missing(walk: &Walk<'_>, rows: &[Row<'_>], list: &[DesiredAttribute]) -> Option<String> {
    let known: Option<&Known> = walk
        .known
        .as_ref()
        .filter(|known| matches!(known.state, State::Active | State::Inactive));
    let is_missing = |name: &&&str| {
        let found = list
            .iter()
            .find(|attribute| attribute.remote.eq_ignore_ascii_case(name));
        match found {
            Some(attribute) => attribute.value.is_null(),
            None => known.is_none(),
        }
    };
    let mut unmapped: Vec<&str> = Vec::new();
    let missing: Vec<String> = walk
        .target
        .kind
        .target
        .required
        .iter()
        .filter(|name| !name.eq_ignore_ascii_case(walk.target.kind.target.name_attribute))
        .filter(is_missing)
        .map(|name| {
            let row = rows
                .iter()
                .find(|row| bare(row.remote).eq_ignore_ascii_case(name));
            match row.and_then(|row| row.local.as_ref()) {
                Some(claim) => format!("{name} (claim {claim})"),
                None if row.is_some() => (*name).to_owned(),
                None => {
                    unmapped.push(name);
                    format!("{name} (not mapped)")
                }
            }
        })
        .collect();
    if missing.is_empty() {
        return None;
    }
    let mut told = format!("no value for {}", missing.join(", "));
    if !unmapped.is_empty() {
        let connection = walk.target.connection;
        told = format!(
            "{told}; Attributes of {}, [[connections.attributes]]{}, is where to map {}",
            connection.id,
            at(connection.line),
            unmapped.join(", ")
        );
    }
    Some(told)
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
