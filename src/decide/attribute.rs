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
//! A value that is longer than the target's limit is a warning in the trace, not a reason: limits change, and the
//! target's own answer is the truth.

use std::collections::BTreeMap;

use domain::{
    AttributeMapping, Claim, DefaultMapping, DesiredAttribute, Fallback, MappedFrom, Nothing,
    OnEmpty, Origin, Reason, Step, User,
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
    required(walk, &rows, &list)?;
    Ok(list)
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
    let value = value(walk, remote, &texts, many, trace);
    let mut text = format!("{remote} = {value} ({origin}");
    if let Some(line) = row.line {
        text = format!("{text}, workbench.toml:{line}");
    }
    text.push(')');
    if left_out > 0 {
        text = format!(
            "{text}; it holds one value, {left_out} more left out (write {remote}[] to send all)"
        );
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

/// Makes the JSON value, and warns of what the target may not take.
fn value(walk: &Walk<'_>, remote: &str, texts: &[&str], many: bool, trace: &mut Trace) -> Value {
    let spec = &walk.target.kind.target;
    if let Some((_, most)) = spec
        .max_lengths
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(remote))
        && texts.iter().any(|text| text.chars().count() > *most)
    {
        trace.say(
            Step::Map,
            format!("warning: {remote} holds at most {most} characters; the target will judge"),
        );
    }
    let boolean = spec
        .booleans
        .iter()
        .any(|name| name.eq_ignore_ascii_case(remote));
    let mut typed = |text: &&str| {
        if !boolean {
            return Value::from(*text);
        }
        match text.trim().to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => {
                trace.say(
                    Step::Map,
                    format!("warning: {remote} holds true or false, not {text}"),
                );
                Value::from(*text)
            }
        }
    };
    if many {
        texts.iter().map(typed).collect()
    } else {
        texts.first().map_or(Value::Null, &mut typed)
    }
}

/// Checks the attributes without which the target refuses the account.
///
/// An account that is there has them already, so an update misses only what it would clear.
fn required(walk: &Walk<'_>, rows: &[Row<'_>], list: &[DesiredAttribute]) -> Result<(), Nothing> {
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
                None => format!("{name} (not mapped)"),
            }
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Nothing {
        reason: Reason::AttributeMissing,
        detail: format!("no value for {}", missing.join(", ")),
    })
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
