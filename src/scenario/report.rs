//! Tells what was played: text for people, JUnit for CI systems.

use std::fmt::Write as _;
use std::time::Duration;

use domain::Purpose;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::Value;

use super::seen::{ChangeSeen, DecisionSeen, Played, StepSeen};

/// Writes one step for people: what was done, decision, wire, target change, and what was missed.
pub fn step_text(number: usize, step: &StepSeen) -> String {
    let mut out = format!("\n{number}. {}\n", step.name);
    if !step.watch.is_empty() {
        for line in step.watch.trim().lines() {
            let _ = writeln!(out, "   {}", line.trim()); // writing to a string cannot fail
        }
    }
    for done in &step.done {
        line_of(&mut out, "do", done);
    }
    for found in &step.found {
        line_of(&mut out, "found", found);
    }
    for line in step.event.iter().filter(|line| line.reason.is_some()) {
        let reason = line.reason.map(domain::Reason::code).unwrap_or_default();
        line_of(
            &mut out,
            "decision",
            &format!("nothing: {reason} ({})", line.text),
        );
    }
    for decision in &step.decisions {
        line_of(&mut out, "decision", &decision_text(decision));
    }
    for exchange in &step.exchanges {
        let answer = match (&exchange.error, exchange.status) {
            (Some(error), 0) => format!("no answer: {error}"),
            (_, status) => status.to_string(),
        };
        let aside = match exchange.purpose {
            Purpose::Token => "  (token)",
            Purpose::Discovery => "  (discovery)",
            Purpose::Lookup => "  (lookup)",
            Purpose::Write | Purpose::Check | Purpose::Replay => "",
        };
        let text = format!(
            "{} {} -> {answer}{aside}  [{}]",
            exchange.method, exchange.path, exchange.connector
        );
        line_of(&mut out, "wire", &text);
    }
    for change in &step.changes {
        line_of(&mut out, "target", &change_text(change));
    }
    if let Some(caller) = &step.caller {
        line_of(&mut out, "caller", &caller.told);
    }
    if let Some(passed) = step.passed.filter(|passed| !passed.is_zero()) {
        line_of(&mut out, "clock", &format!("{} passed", span(passed)));
    }
    for miss in &step.misses {
        line_of(&mut out, "MISSED", miss);
    }
    out
}

/// Writes a time as the configuration does: `27d19h12m36s`.
pub(super) fn span(time: Duration) -> String {
    let mut left = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, length) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ] {
        if left >= length {
            let _ = write!(text, "{}{unit}", left / length); // writing to a string cannot fail
            left %= length;
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

fn line_of(out: &mut String, label: &str, text: &str) {
    for (at, line) in text.lines().enumerate() {
        let label = if at == 0 { label } else { "" };
        let _ = writeln!(out, "   {label:<9}{line}"); // writing to a string cannot fail
    }
}

fn decision_text(decision: &DecisionSeen) -> String {
    let levels = decision.levels.join(" + ");
    match (decision.operation, decision.reason) {
        (Some(operation), held) => {
            let state = decision.state.as_deref().unwrap_or("planned");
            let held = held
                .map(|reason| format!(", held: {reason}"))
                .unwrap_or_default();
            format!(
                "{} {operation} [{state}{held}]  by {levels}",
                decision.connector
            )
        }
        (None, reason) => {
            format!(
                "{} nothing: {} ({})",
                decision.connector,
                reason.unwrap_or("?"),
                decision.detail
            )
        }
    }
}

fn change_text(change: &ChangeSeen) -> String {
    let object = format!("{}: {} {}", change.target, change.object, change.name);
    match (change.field.as_str(), &change.before, &change.after) {
        ("*", None, _) => format!("{object} is new"),
        ("*", _, None) => format!("{object} is gone"),
        (field, None, Some(after)) => format!("{object}.{field} = {}", short(after)),
        (field, Some(before), Some(after)) => {
            format!("{object}.{field}: {} -> {}", short(before), short(after))
        }
        (field, _, None) => format!("{object}.{field} cleared"),
    }
}

/// Cuts long values: the whole is in the journal.
fn short(value: &Value) -> String {
    const LIMIT: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LIMIT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// Makes visible what XML cannot hold, and what would drive whatever shows the report; lines stay lines.
fn shown(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(domain::visible).collect();
    lines.join("\n")
}

/// Makes a JUnit report: one suite per scenario, one case per step.
pub fn junit(played: &[Played]) -> Report {
    let mut report = Report::new("outbound");
    for scenario in played {
        let mut suite = TestSuite::new(scenario.file.as_str());
        for (at, step) in scenario.steps.iter().enumerate() {
            let status = if step.misses.is_empty() {
                TestCaseStatus::success()
            } else {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(format!(
                    "{}:{}: {} not met",
                    scenario.file,
                    step.line,
                    step.misses.len()
                ));
                status.set_description(shown(&step.misses.join("\n")));
                status
            };
            let mut case = TestCase::new(shown(&format!("{} {}", at + 1, step.name)), status);
            case.set_classname(shown(&scenario.title));
            case.set_time(step.took);
            case.set_system_out(shown(&step_text(at + 1, step)));
            suite.add_test_case(case);
        }
        suite.set_time(scenario.took);
        report.add_test_suite(suite);
    }
    report
}
