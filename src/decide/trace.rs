//! The trace: lines as the steps find things, and the plain text that people read.

use std::borrow::Cow;
use std::fmt::Write as _;

use domain::{Decision, Nothing, Reason, Step, TraceLine, Verdict, visible};

use crate::Decisions;

/// The lines of one decision while it is being made.
#[derive(Debug, Default)]
pub(crate) struct Trace(Vec<TraceLine>);

impl Trace {
    /// Adds a finding.
    pub(crate) fn say(&mut self, step: Step, text: impl Into<String>) {
        self.0.push(line(step, text, None));
    }

    /// Adds the finding that ended the decision.
    pub(crate) fn end(&mut self, nothing: &Nothing) {
        let reason = nothing.reason;
        self.0
            .push(line(reason.step(), nothing.detail.as_str(), Some(reason)));
    }

    /// Adds a line that was made elsewhere.
    pub(crate) fn push(&mut self, line: TraceLine) {
        self.0.push(line);
    }

    pub(crate) fn into_lines(self) -> Vec<TraceLine> {
        self.0
    }
}

/// Makes a line. Names and values come from outside, so whatever could drive a terminal is made visible here.
pub(crate) fn line(step: Step, text: impl Into<String>, reason: Option<Reason>) -> TraceLine {
    let mut text = text.into();
    if let Cow::Owned(marked) = visible(&text) {
        text = marked;
    }
    TraceLine { step, text, reason }
}

/// Says where something stands in the configuration: ` (workbench.toml:41)`, or nothing when that is not known.
pub(crate) fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" (workbench.toml:{line})"))
}

/// Writes decisions as plain text: the event once, then each candidate with its numbered steps.
pub fn render(decisions: &Decisions) -> String {
    let mut out = String::new();
    steps(&mut out, "", &decisions.event);
    for decision in &decisions.decisions {
        let _ = writeln!(out, "\n{}", headline(decision)); // writing to a string cannot fail
        let lines: Vec<TraceLine> = decision
            .trace
            .iter()
            .filter(|line| line.step != Step::Event)
            .cloned()
            .collect();
        steps(&mut out, "  ", &lines);
        not_reached(&mut out, &decision.verdict, &lines);
    }
    out
}

/// Says in one line what a decision came to: `corp-scim/scim2: create kim`.
pub fn headline(decision: &Decision) -> String {
    let connector = &decision.candidate.connector;
    match &decision.verdict {
        Verdict::Operation(planned) => format!(
            "{connector}: {} {}{}",
            planned.verb,
            visible(&planned.desired.remote_name),
            planned
                .held
                .map_or_else(String::new, |reason| format!(" (held: {reason})"))
        ),
        Verdict::Nothing(nothing) => format!("{connector}: nothing, {}", nothing.reason),
    }
}

/// Writes lines with the number and the word of their step, each word once.
fn steps(out: &mut String, indent: &str, lines: &[TraceLine]) {
    let mut last: Option<Step> = None;
    for line in lines {
        if let Some(last) = last {
            for step in Step::ALL {
                if step > last && step < line.step {
                    row(out, indent, &head(step), "not needed");
                }
            }
        }
        let head = if last == Some(line.step) {
            String::new()
        } else {
            head(line.step)
        };
        last = Some(line.step);
        match line.reason {
            None => row(out, indent, &head, &line.text),
            Some(reason) => {
                row(out, indent, &head, &format!("{}  [{reason}]", line.text));
                row(out, indent, "", &format!("do: {}", reason.fix()));
            }
        }
    }
}

/// Names the steps after the last one: those behind the reason, or those that only sending can tell.
fn not_reached(out: &mut String, verdict: &Verdict, lines: &[TraceLine]) {
    let why = match verdict {
        Verdict::Operation(_) => "not yet",
        Verdict::Nothing(_) => "not reached",
    };
    let reached = lines.iter().map(|line| line.step).max();
    let rest: Vec<Step> = Step::ALL
        .into_iter()
        .filter(|step| Some(*step) > reached)
        .collect();
    match rest.as_slice() {
        [] => {}
        [only] => row(out, "  ", &head(*only), why),
        [first, .., last] => {
            let numbers = format!("{}-{}", first.number(), last.number());
            row(out, "  ", &numbers, &format!("{why} ({first} to {last})"));
        }
    }
}

fn head(step: Step) -> String {
    format!("{} {step}", step.number())
}

fn row(out: &mut String, indent: &str, head: &str, text: &str) {
    let _ = writeln!(out, "{indent}{head:<8} {text}"); // writing to a string cannot fail
}
