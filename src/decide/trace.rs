//! The trace: lines as the steps find things, and the plain text that people read.

use std::fmt::Write as _;

use domain::{Decision, Nothing, Reason, Step, TraceLine, Verdict, visible};

use crate::Decisions;

/// The lines of one decision while it is being made.
#[derive(Debug, Default)]
pub(crate) struct Trace(Vec<TraceLine>);

impl Trace {
    /// Adds a finding.
    pub(crate) fn say(&mut self, step: Step, text: impl AsRef<str>) {
        self.0.push(line(step, text, None));
    }

    /// Adds the finding that ended the decision.
    pub(crate) fn end(&mut self, nothing: &Nothing) {
        let reason = nothing.reason;
        self.0
            .push(line(reason.step(), &nothing.detail, Some(reason)));
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
pub(crate) fn line(step: Step, text: impl AsRef<str>, reason: Option<Reason>) -> TraceLine {
    TraceLine {
        step,
        text: visible(text.as_ref()).into_owned(),
        reason,
    }
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
    let mut last = None;
    for line in lines {
        let head = if last == Some(line.step) {
            String::new()
        } else {
            format!("{} {}", line.step.number(), line.step)
        };
        last = Some(line.step);
        let reason = line
            .reason
            .map_or_else(String::new, |reason| format!("  [{reason}]"));
        let _ = writeln!(out, "{indent}{head:<8} {}{reason}", line.text); // writing to a string cannot fail
        if let Some(reason) = line.reason {
            let _ = writeln!(out, "{indent}{:<8} do: {}", "", reason.fix());
        }
    }
}

/// Names the steps that have no line: those after the reason, or those that only sending can tell.
fn not_reached(out: &mut String, verdict: &Verdict, lines: &[TraceLine]) {
    let why = match verdict {
        Verdict::Operation(_) => "not yet",
        Verdict::Nothing(_) => "not reached",
    };
    let last = lines.iter().map(|line| line.step).max();
    for step in Step::ALL {
        if Some(step) > last {
            let head = format!("{} {step}", step.number());
            let _ = writeln!(out, "  {head:<8} {why}"); // writing to a string cannot fail
        }
    }
}
