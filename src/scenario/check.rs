//! Compares what was seen with what was expected; each miss is a diff that a person can read.

use domain::Purpose;
use mocks::Object;
use serde_json::Value;
use similar::TextDiff;

use super::file::{Caller, DecisionExpected, ExchangeExpected, Expect, TargetExpected};
use super::report::span;
use super::seen::{DecisionSeen, ExchangeSeen, StepSeen};

/// Returns one text per expectation that was not met.
///
/// `objects` gives what a mock holds now, `None` for a mock that does not run; `in_directory` tells whether a user exists.
pub(super) fn check(
    expect: &Expect,
    seen: &StepSeen,
    objects: impl Fn(&str) -> Option<Vec<Object>>,
    in_directory: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut misses = Vec::new();
    misses.extend(expect.caller.and_then(|caller| caller_miss(caller, seen)));
    misses.extend(
        expect
            .decisions
            .as_ref()
            .and_then(|expected| decisions_miss(expected, seen)),
    );
    misses.extend(
        expect
            .exchanges
            .as_ref()
            .and_then(|expected| exchanges_miss(expected, &seen.exchanges)),
    );
    misses.extend(
        expect
            .lasts
            .as_deref()
            .and_then(|wanted| lasts_miss(wanted, seen)),
    );
    misses.extend(
        expect
            .found
            .as_ref()
            .and_then(|expected| found_miss(expected, &seen.found)),
    );
    for expected in &expect.target {
        match objects(&expected.target) {
            Some(held) => misses.extend(target_miss(expected, &held)),
            None => misses.push(format!("target: no mock named `{}` runs", expected.target)),
        }
    }
    for (user, there) in &expect.directory {
        if in_directory(user) != *there {
            misses.push(format!(
                "directory: `{user}` should {}be there",
                if *there { "" } else { "not " }
            ));
        }
    }
    misses
}

/// What was found is compared in any order.
fn found_miss(expected: &[String], seen: &[String]) -> Option<String> {
    let sorted = |lines: &[String]| {
        let mut lines = lines.to_vec();
        lines.sort();
        lines
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let (wanted, had) = (sorted(expected), sorted(seen));
    (wanted != had).then(|| {
        let diff = TextDiff::from_lines(&wanted, &had);
        format!("found:\n{}", diff.unified_diff().header("expected", "seen"))
    })
}

fn caller_miss(expected: Caller, seen: &StepSeen) -> Option<String> {
    let accepted = seen.caller.as_ref().map(|caller| caller.accepted);
    let wanted = expected == Caller::Accepted;
    (accepted != Some(wanted)).then(|| {
        let told = seen
            .caller
            .as_ref()
            .map_or("there was no trigger", |caller| caller.told.as_str());
        format!("caller: expected {expected:?}, but {told}").to_lowercase()
    })
}

fn lasts_miss(wanted: &str, seen: &StepSeen) -> Option<String> {
    let had = seen.passed.unwrap_or_default();
    (config::duration(wanted) != Some(had)).then(|| {
        format!(
            "clock: the step should last {wanted}, but {} passed",
            span(had)
        )
    })
}

/// Decisions are compared as a set ordered by connector; only the keys that were written are compared.
fn decisions_miss(expected: &[DecisionExpected], seen: &StepSeen) -> Option<String> {
    let mut wanted: Vec<&DecisionExpected> = expected.iter().collect();
    wanted.sort_by_key(|decision| decision.connector.clone());
    let mut had: Vec<DecisionSeen> = seen.decisions.clone();
    had.sort_by_key(|decision| decision.connector.clone());
    // A reason without a connector is the event's own: nobody proposed anything.
    let event_reasons: Vec<&str> = seen
        .event
        .iter()
        .filter_map(|line| line.reason)
        .map(domain::Reason::code)
        .collect();
    let matched = wanted
        .iter()
        .filter(|decision| decision.connector.is_some())
        .count()
        == had.len()
        && wanted
            .iter()
            .filter(|decision| decision.connector.is_some())
            .zip(&had)
            .all(|(want, seen)| matches(want, seen))
        && wanted
            .iter()
            .filter(|decision| decision.connector.is_none())
            .all(|want| {
                want.reason
                    .as_deref()
                    .is_some_and(|reason| event_reasons.contains(&reason))
            });
    if matched {
        return None;
    }
    let expected_text: String = wanted
        .iter()
        .map(|want| format!("{}\n", wanted_line(want)))
        .collect();
    let mut seen_text: String = event_reasons
        .iter()
        .map(|reason| format!("(event) nothing: {reason}\n"))
        .collect();
    for decision in &had {
        let like = wanted
            .iter()
            .find(|want| want.connector.as_deref() == Some(decision.connector.as_str()));
        seen_text.push_str(&seen_line(decision, like.copied()));
        seen_text.push('\n');
    }
    Some(format!("decisions:\n{}", diff(&expected_text, &seen_text)))
}

fn matches(want: &DecisionExpected, seen: &DecisionSeen) -> bool {
    want.connector.as_deref() == Some(seen.connector.as_str())
        && want
            .operation
            .is_none_or(|verb| seen.operation == Some(verb.word()))
        && want
            .reason
            .as_deref()
            .is_none_or(|reason| seen.reason == Some(reason))
        && want
            .state
            .as_deref()
            .is_none_or(|state| seen.state.as_deref() == Some(state))
        && want
            .levels
            .as_ref()
            .is_none_or(|levels| *levels == seen.levels)
}

fn wanted_line(want: &DecisionExpected) -> String {
    let mut line = want
        .connector
        .clone()
        .unwrap_or_else(|| "(event)".to_owned());
    line.push(' ');
    line.push_str(&what(
        want.operation.map(domain::Verb::word),
        want.reason.as_deref(),
    ));
    if let Some(state) = &want.state {
        line.push_str(&format!(" [{state}]"));
    }
    if let Some(levels) = &want.levels {
        line.push_str(&format!(" by {}", levels.join(", ")));
    }
    line
}

/// Shows of a seen decision what the expectation speaks of, so that the diff shows differences only.
fn seen_line(seen: &DecisionSeen, like: Option<&DecisionExpected>) -> String {
    let mut line = format!("{} {}", seen.connector, what(seen.operation, seen.reason));
    if let Some(state) = seen
        .state
        .as_ref()
        .filter(|_| like.is_none_or(|want| want.state.is_some()))
    {
        line.push_str(&format!(" [{state}]"));
    }
    if like.is_some_and(|want| want.levels.is_some()) {
        line.push_str(&format!(" by {}", seen.levels.join(", ")));
    }
    line
}

fn what(operation: Option<&str>, reason: Option<&str>) -> String {
    match (operation, reason) {
        (Some(operation), Some(reason)) => format!("{operation}, held: {reason}"),
        (Some(operation), None) => operation.to_owned(),
        (None, Some(reason)) => format!("nothing: {reason}"),
        (None, None) => "anything".to_owned(),
    }
}

fn exchanges_miss(expected: &[ExchangeExpected], seen: &[ExchangeSeen]) -> Option<String> {
    let seen: Vec<&ExchangeSeen> = seen
        .iter()
        .filter(|exchange| !matches!(exchange.purpose, Purpose::Token | Purpose::Discovery))
        .collect();
    let expected: Vec<&ExchangeExpected> = expected
        .iter()
        .flat_map(|want| std::iter::repeat_n(want, want.times))
        .collect();
    let met = expected.len() == seen.len()
        && expected.iter().zip(&seen).all(|(want, seen)| {
            want.method == seen.method
                && path_matches(&want.path, &seen.path)
                && want.status.is_none_or(|status| status == seen.status)
        });
    if met {
        return None;
    }
    let wanted_text: String = expected
        .iter()
        .map(|want| match want.status {
            Some(status) => format!("{} {} -> {status}\n", want.method, want.path),
            None => format!("{} {}\n", want.method, want.path),
        })
        .collect();
    let seen_text: String = seen
        .iter()
        .enumerate()
        .map(|(at, seen)| {
            // A path that a `*` stands for is shown as the `*`, so that only real differences are marked.
            let want = expected.get(at);
            let path = want
                .filter(|want| path_matches(&want.path, &seen.path))
                .map_or(&seen.path, |want| &want.path);
            if want.is_some_and(|want| want.status.is_none()) {
                format!("{} {path}\n", seen.method)
            } else {
                format!("{} {path} -> {}\n", seen.method, seen.status)
            }
        })
        .collect();
    Some(format!("exchanges:\n{}", diff(&wanted_text, &seen_text)))
}

/// Compares a path with a pattern in which `*` stands for anything but `/`, `?` and `&`.
fn path_matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, after)) => path.strip_prefix(before).is_some_and(|rest| {
            let end = rest.find(['/', '?', '&']).unwrap_or(rest.len());
            (0..=end)
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| path_matches(after, &rest[at..]))
        }),
    }
}

fn target_miss(expected: &TargetExpected, held: &[Object]) -> Option<String> {
    let found = held
        .iter()
        .find(|object| object.name.eq_ignore_ascii_case(&expected.name));
    match (found, expected.present) {
        (None, false) => None,
        (Some(_), false) => Some(format!(
            "target {}: `{}` should not be there, but is",
            expected.target, expected.name
        )),
        (None, true) => {
            let names: Vec<&str> = held.iter().map(|object| object.name.as_str()).collect();
            Some(format!(
                "target {}: `{}` should be there; it holds {}",
                expected.target,
                expected.name,
                if names.is_empty() {
                    "nothing".to_owned()
                } else {
                    names.join(", ")
                }
            ))
        }
        (Some(object), true) => fields_miss(expected, &object.content),
    }
}

fn fields_miss(expected: &TargetExpected, content: &Value) -> Option<String> {
    let mut wanted_text = String::new();
    let mut seen_text = String::new();
    for (field, wanted) in &expected.fields {
        // JSON pointers write `~1` for a slash within a name; URNs have none, so a plain slash separates.
        let seen = content
            .pointer(&format!("/{field}"))
            .cloned()
            .unwrap_or(Value::Null);
        let wanted = serde_json::to_value(wanted).unwrap_or(Value::Null);
        wanted_text.push_str(&format!("{field} = {wanted}\n"));
        seen_text.push_str(&format!("{field} = {seen}\n"));
    }
    for field in &expected.absent {
        let seen = content
            .pointer(&format!("/{field}"))
            .filter(|value| !value.is_null());
        wanted_text.push_str(&format!("{field} is absent\n"));
        match seen {
            None => seen_text.push_str(&format!("{field} is absent\n")),
            Some(value) => seen_text.push_str(&format!("{field} = {value}\n")),
        }
    }
    (wanted_text != seen_text).then(|| {
        format!(
            "target {}: `{}`\n{}",
            expected.target,
            expected.name,
            diff(&wanted_text, &seen_text)
        )
    })
}

/// Returns a line diff: `-` was expected, `+` was seen.
fn diff(expected: &str, seen: &str) -> String {
    TextDiff::from_lines(expected, seen)
        .iter_all_changes()
        .map(|change| format!("{}{}", change.tag(), change))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_segment_or_one_query_value() {
        for (pattern, path, same) in [
            ("/Users", "/Users", true),
            ("/Users/*", "/Users/17", true),
            ("/Users/*", "/Users/17/x", false),
            (
                "/Users?filter=*",
                "/Users?filter=userName%20eq%20%22kim%22",
                true,
            ),
            ("/Users?filter=*&count=1", "/Users?filter=x&count=1", true),
            ("/Users?filter=*&count=1", "/Users?filter=x&count=2", false),
            ("/*/*/x", "/a/b/x", true),
            ("/a*", "/b", false),
        ] {
            assert_eq!(path_matches(pattern, path), same, "{pattern} {path}");
        }
    }

    #[test]
    fn a_decision_too_many_is_a_miss_and_the_diff_names_it() {
        let seen = StepSeen {
            decisions: vec![DecisionSeen {
                connector: "a/scim2".into(),
                operation: Some("create"),
                reason: None,
                detail: String::new(),
                state: Some("settled".into()),
                levels: vec![],
                trace: vec![],
            }],
            ..StepSeen::default()
        };
        let miss = decisions_miss(&[], &seen).unwrap();
        assert!(miss.contains("+a/scim2 create [settled]"), "{miss}");
    }
}
