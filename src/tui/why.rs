//! *Why*: the eight steps of a decision, with every attempt and what was confirmed, as lines to read.

use domain::{ConnectorRef, ExchangeId, Purpose, Step, TraceLine, Verdict};
use engine::{
    Answer, AttemptTrace, FlowTrace, Life, OperationTrace, PlannedTrigger, Settlement, WaitTrace,
    WaitVerdict,
};
use jiff::Timestamp;

use crate::paint::{Line, Span};
use crate::theme::Theme;

/// A line, and the attribute or exchange that it is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct WhyLine {
    pub(crate) line: Line,
    pub(crate) field: Option<String>,
    pub(crate) exchange: Option<ExchangeId>,
}

/// Writes lines in a theme.
struct Teller<'a> {
    out: Vec<WhyLine>,
    theme: &'a Theme,
    time: &'a dyn Fn(Timestamp) -> String,
    probe: Probe<'a>,
}

/// Says when a connector in quarantine is probed next; nothing when it is in none.
type Probe<'a> = &'a dyn Fn(&ConnectorRef) -> Option<Timestamp>;

/// Tells a flow at one connector, or at all of them.
pub(crate) fn tell(
    trace: &FlowTrace,
    only: Option<&ConnectorRef>,
    theme: &Theme,
    time: &dyn Fn(Timestamp) -> String,
    probe: Probe<'_>,
) -> Vec<WhyLine> {
    let mut teller = Teller {
        out: Vec::new(),
        theme,
        time,
        probe,
    };
    for trigger in &trace.triggers {
        teller.trigger(&trigger.trigger, &trigger.event);
        let decisions = trigger.decisions.iter().filter(|decided| {
            only.is_none_or(|only| decided.decision.candidate.connector == *only)
        });
        for decided in decisions {
            let operation = decided.operation.and_then(|id| trace.operation(id));
            let end = operation.map(|operation| teller.ending(operation));
            teller.decision(&decided.decision, end);
            if let Some(operation) = operation {
                teller.operation(operation);
            }
        }
    }
    let decided: Vec<_> = trace
        .triggers
        .iter()
        .flat_map(|trigger| &trigger.decisions)
        .filter_map(|decided| decided.operation)
        .collect();
    for extra in &trace.operations {
        let here = only.is_none_or(|only| extra.queued.connector == *only);
        if here && !decided.contains(&extra.queued.operation) {
            let head = format!(
                "{} {} (undoes or follows another)",
                extra.queued.connector, extra.queued.verb
            );
            teller.head(&head);
            teller.operation(extra);
        }
    }
    if let Some(wait) = &trace.wait {
        teller.wait(wait, trace);
    }
    teller.out
}

/// What is to be done about a change that a blocking provisioner refused.
pub(crate) const AGAIN: &str =
    "do: make the change again when that is mended; it is not tried again by itself";

/// Tells a plan: the same steps, with nothing sent.
pub(crate) fn tell_plan(
    triggers: &[PlannedTrigger],
    theme: &Theme,
    time: &dyn Fn(Timestamp) -> String,
) -> Vec<WhyLine> {
    let nothing_waits = |_: &ConnectorRef| None;
    let mut teller = Teller {
        out: Vec::new(),
        theme,
        time,
        probe: &nothing_waits,
    };
    for trigger in triggers {
        teller.trigger(&trigger.trigger, &trigger.event);
        for decision in &trigger.decisions {
            teller.decision(decision, None);
        }
    }
    teller.out
}

impl Teller<'_> {
    fn push(&mut self, spans: Line) {
        self.out.push(WhyLine {
            line: spans,
            ..WhyLine::default()
        });
    }

    fn head(&mut self, text: &str) {
        self.push(Line::new());
        self.push(vec![Span::new(text, self.theme.title)]);
    }

    fn row(&mut self, label: &str, text: impl Into<String>, style: ratatui::style::Style) {
        let line = vec![
            Span::new(format!("{label:<9}"), self.theme.dim),
            Span::new(text, style),
        ];
        self.push(line);
    }

    fn trigger(&mut self, trigger: &domain::Trigger, event: &[TraceLine]) {
        if !self.out.is_empty() {
            self.push(Line::new());
        }
        let head = format!("{} {}", trigger.kind, trigger.subject_name);
        self.push(vec![
            Span::new(head, self.theme.title),
            Span::new(
                format!("  {} {}", trigger.source, (self.time)(trigger.at)),
                self.theme.dim,
            ),
        ]);
        self.steps(event);
    }

    fn steps(&mut self, lines: &[TraceLine]) {
        let mut last = None;
        for line in lines {
            let label = if last == Some(line.step) {
                String::new()
            } else {
                label(line.step)
            };
            last = Some(line.step);
            // The step *map* says `attribute = value (origin)`, one line for each attribute.
            let field = (line.step == Step::Map)
                .then(|| line.text.split_once(" = "))
                .flatten();
            let style = match (line.reason, line.step, field) {
                (Some(_), ..) => self.theme.warn,
                (None, Step::Map, None) => self.theme.dim,
                (None, ..) => self.theme.text,
            };
            self.row(&label, line.text.clone(), style);
            if let (Some((name, _)), Some(last)) = (field, self.out.last_mut()) {
                last.field = Some(name.to_owned());
            }
            if let Some(reason) = line.reason {
                self.row(
                    "",
                    format!("{reason}: {}", reason.sentence()),
                    self.theme.warn,
                );
                self.row("", format!("do: {}", reason.fix()), self.theme.text);
            }
        }
    }

    fn decision(
        &mut self,
        decision: &domain::Decision,
        end: Option<(String, ratatui::style::Style)>,
    ) {
        let connector = &decision.candidate.connector;
        let (head, style) = match &decision.verdict {
            Verdict::Operation(planned) => (
                format!(
                    "{connector}  {} {}",
                    planned.verb, planned.desired.remote_name
                ),
                self.theme.good,
            ),
            Verdict::Nothing(nothing) => (
                format!("{connector}  nothing: {}", nothing.reason),
                self.theme.warn,
            ),
        };
        self.push(Line::new());
        self.push(vec![Span::new(head, style)]);
        if let Some((text, style)) = end {
            self.push(vec![Span::new(format!("  {text}"), style)]);
        }
        let lines: Vec<TraceLine> = decision
            .trace
            .iter()
            .filter(|line| line.step != Step::Event)
            .cloned()
            .collect();
        self.steps(&lines);
    }

    /// Says how an operation stands.
    fn ending(&self, operation: &OperationTrace) -> (String, ratatui::style::Style) {
        let probe = (self.probe)(&operation.queued.connector);
        match awaited_probe(operation.life, probe) {
            Some(at) => {
                let at = (self.time)(at);
                let told =
                    format!("waits until a probe of the connector goes well, the next at {at}");
                (told, self.theme.warn)
            }
            None => ending(operation, self.theme, self.time),
        }
    }

    fn operation(&mut self, operation: &OperationTrace) {
        if operation.attempts.is_empty() {
            let yet = if operation.life.is_open() { " yet" } else { "" };
            let text = format!("nothing was sent{yet}");
            self.row(&label(Step::Send), text, self.theme.text);
        }
        // What was advised then speaks of what goes on; of what was done or given up since it is not true any more.
        let goes_on = operation.life.is_open() || operation.life == Life::Dead;
        for (at, attempt) in operation.attempts.iter().enumerate() {
            let label = if at == 0 {
                label(Step::Send)
            } else {
                String::new()
            };
            let started = (self.time)(attempt.started);
            let password = attempt
                .password
                .map_or_else(String::new, |source| format!(", password: {source:?}"));
            self.row(
                &label,
                format!(
                    "attempt {} at {started} ({}){password}",
                    attempt.number, attempt.verb
                ),
                self.theme.text,
            );
            self.attempt(attempt, goes_on);
        }
        let (text, style) = self.ending(operation);
        self.row(&label(Step::Verify), text, style);
        if let Some(death) = &operation.death {
            self.row("", format!("do: {}", death.advice), self.theme.text);
        }
        if let Some(link) = &operation.link {
            let told = if operation.unlinked {
                "the link ended, it was"
            } else {
                "linked to"
            };
            self.row(
                "",
                format!("{told} {} ({})", link.remote_id, link.remote_name),
                self.theme.text,
            );
        }
        if let Some(by) = operation.undone_by {
            self.row("", format!("undone by operation {by}"), self.theme.warn);
        }
    }

    /// Tells an attempt; `advises` says whether to tell what was advised when it failed.
    fn attempt(&mut self, attempt: &AttemptTrace, advises: bool) {
        for exchange in &attempt.exchanges {
            let status = exchange.response.as_ref().map(|response| response.status);
            let answer = match (status, &exchange.error) {
                (Some(status), _) => status.to_string(),
                (None, Some(error)) => format!("no answer: {error}"),
                (None, None) => "under way".to_owned(),
            };
            let aside = match exchange.purpose {
                Purpose::Token => " token",
                Purpose::Lookup => " lookup",
                Purpose::Discovery => " discovery",
                Purpose::Check => " check",
                Purpose::Replay => " replay",
                Purpose::Write => "",
            };
            let path = url::Url::parse(&exchange.url)
                .map_or_else(|_| exchange.url.clone(), |url| url.path().to_owned());
            let line = vec![
                Span::new(
                    format!("{:<11}{} {path} ", "", exchange.method),
                    self.theme.text,
                ),
                Span::new(answer, self.theme.status(status)),
                Span::new(
                    format!(" {} ms{aside}", exchange.took.as_millis()),
                    self.theme.dim,
                ),
            ];
            self.out.push(WhyLine {
                line,
                field: None,
                exchange: Some(exchange.id),
            });
        }
        if let Some(failure) = &attempt.failure {
            self.row("", format!("  {failure}"), self.theme.bad);
            if advises {
                self.row("", format!("  do: {}", failure.advice), self.theme.text);
            }
        }
        for asked in &attempt.asked {
            let said = match &asked.answer {
                Answer::Ours { remote_id, because } => {
                    format!("asked: it has the account {remote_id}, ours: {because}")
                }
                Answer::Foreign { remote_id, because } => {
                    format!(
                        "asked: it has the account {remote_id}, which did not come from here: {because}"
                    )
                }
                Answer::Absent => "asked: it has no such account".to_owned(),
                Answer::Unanswered { failure } => format!("asked, but {failure}"),
            };
            self.row("", format!("  {said}"), self.theme.text);
        }
    }

    /// Draws the caller's wait and the operations on one time line.
    fn wait(&mut self, wait: &WaitTrace, trace: &FlowTrace) {
        const WIDTH: i64 = 24;
        let (text, style) = waited(wait, self.theme);
        self.head(&text);
        if let Some(last) = self.out.last_mut() {
            last.line[0].style = style;
        }
        if matches!(wait.ended, Some((_, WaitVerdict::Rejected { .. }))) {
            self.row("", AGAIN, self.theme.text);
        }
        let Some((end, _)) = wait.ended else { return };
        let last = trace
            .operations
            .iter()
            .filter_map(|operation| operation.ended)
            .chain([end])
            .max()
            .unwrap_or(end);
        let span = (last.as_millisecond() - wait.began.as_millisecond()).max(1);
        let bar = |from: Timestamp, to: Timestamp| {
            let place = |at: Timestamp| {
                let cells = ((at.as_millisecond() - wait.began.as_millisecond()) * WIDTH / span)
                    .clamp(0, WIDTH);
                usize::try_from(cells).unwrap_or(0)
            };
            let (start, stop) = (place(from), place(to).max(place(from) + 1));
            format!("{}{}", " ".repeat(start), "=".repeat(stop - start))
        };
        let millis = |from: Timestamp, to: Timestamp| to.as_millisecond() - from.as_millisecond();
        let caller = format!(
            "{:<25}| {} ms  the caller",
            bar(wait.began, end),
            millis(wait.began, end)
        );
        self.push(vec![Span::new(caller, self.theme.text)]);
        for operation in &trace.operations {
            let started = operation
                .attempts
                .first()
                .map_or(operation.at, |attempt| attempt.started);
            let ended = operation.ended.unwrap_or(last);
            let name = format!("{} {}", operation.queued.connector, operation.queued.verb);
            let text = format!(
                "{:<25}| {} ms  {name}",
                bar(started, ended),
                millis(started, ended)
            );
            self.push(vec![Span::new(text, self.theme.dim)]);
        }
    }
}

fn label(step: Step) -> String {
    format!("{} {step}", step.number())
}

/// Returns the probe that an operation waits for when its connector is probed next at that time: it is not sent before,
/// though it is its turn or its time has come.
pub(crate) fn awaited_probe(life: Life, probe: Option<Timestamp>) -> Option<Timestamp> {
    let probe = probe?;
    let waits = match life {
        Life::Queued => true,
        Life::Retrying { at } | Life::InDoubt { at } => at <= probe,
        // That it is held for the quarantine is said as such.
        Life::Held { .. } | Life::InFlight | Life::Settled | Life::Dead | Life::Discarded => false,
    };
    waits.then_some(probe)
}

/// Says how an operation stands by itself.
fn ending(
    operation: &OperationTrace,
    theme: &Theme,
    time: &dyn Fn(Timestamp) -> String,
) -> (String, ratatui::style::Style) {
    let attempts = operation.attempts.len();
    let tries = if attempts > 1 {
        format!(" after {attempts} attempts")
    } else {
        String::new()
    };
    match operation.life {
        Life::Settled => match &operation.settlement {
            Some(Settlement::Confirmed(what)) => (
                format!("confirmed by the target: {}{tries}", word(*what)),
                theme.good,
            ),
            Some(Settlement::Found(what)) => (
                format!("found by asking after a lost reply: {}{tries}", word(*what)),
                theme.good,
            ),
            Some(Settlement::Nothing { reason, detail }) => (
                format!("nothing left to do: {reason} ({detail})"),
                theme.text,
            ),
            None => ("settled".to_owned(), theme.good),
        },
        Life::Dead => {
            let told = operation
                .death
                .as_ref()
                .map_or_else(String::new, |death| format!(": {}", death.told));
            (format!("failed for good{tries}{told}"), theme.bad)
        }
        Life::Discarded => {
            let why = operation.discarded.as_deref().unwrap_or("by hand");
            (format!("discarded: {why}"), theme.warn)
        }
        Life::Held { reason } => (format!("held: {reason}; {}", reason.fix()), theme.warn),
        Life::Queued => ("queued".to_owned(), theme.text),
        Life::InFlight => ("in flight".to_owned(), theme.text),
        Life::Retrying { at } => (format!("retrying at {}{tries}", time(at)), theme.warn),
        Life::InDoubt { at } => (format!("in doubt, asks at {}{tries}", time(at)), theme.warn),
    }
}

fn word(what: domain::Confirmation) -> &'static str {
    match what {
        domain::Confirmation::Created => "created",
        domain::Confirmation::Updated => "updated",
        domain::Confirmation::Deleted => "deleted",
        domain::Confirmation::Deactivated => "deactivated",
        domain::Confirmation::AlreadyGone => "already gone",
    }
}

fn waited(wait: &WaitTrace, theme: &Theme) -> (String, ratatui::style::Style) {
    match &wait.ended {
        None => ("the caller waits".to_owned(), theme.warn),
        Some((_, WaitVerdict::Confirmed)) => {
            ("the caller waited: confirmed".to_owned(), theme.good)
        }
        Some((_, WaitVerdict::Accepted { cause })) => (
            format!("the caller waited: the change stands although {cause}"),
            theme.warn,
        ),
        Some((_, WaitVerdict::Rejected { cause })) => (
            format!("the caller waited: the change was NOT made, because {cause}"),
            theme.bad,
        ),
    }
}

#[cfg(test)]
mod tests {
    use engine::{Fact, Record, WaitFailure};

    use super::*;
    use crate::samples;

    fn told(facts: usize) -> String {
        told_of(samples::records().into_iter().take(facts).collect())
    }

    fn told_of(records: Vec<Record>) -> String {
        let trace = FlowTrace::of(samples::flow(), records);
        let lines = tell(&trace, None, &Theme::plain(), &|at| at.to_string(), &|_| {
            None
        });
        let text =
            |line: WhyLine| -> String { line.line.into_iter().map(|span| span.text).collect() };
        lines.into_iter().map(text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_waits_for_a_probe_is_not_said_to_be_tried_before() {
        let told = |probe: Option<Timestamp>| {
            let records: Vec<engine::Record> = samples::records().into_iter().take(7).collect();
            let trace = FlowTrace::of(samples::flow(), records);
            let lines = tell(&trace, None, &Theme::plain(), &|at| at.to_string(), &|_| {
                probe
            });
            let lines = lines.into_iter().flat_map(|line| line.line);
            lines.map(|span| span.text).collect::<String>()
        };
        // Its own time is two seconds on.
        let at = samples::instant(60).to_string();
        let waits = told(Some(samples::instant(60)));
        let wanted = format!("waits until a probe of the connector goes well, the next at {at}");
        assert!(waits.contains(&wanted), "{waits}");
        assert!(!waits.contains("retrying at"), "{waits}");
        for probe in [None, Some(samples::instant(1))] {
            let told = told(probe);
            assert!(told.contains("retrying at"), "{told}");
        }
    }

    #[test]
    fn an_operation_that_has_sent_nothing_says_so() {
        // Up to the operation, and with its first attempt.
        let (queued, begun) = (told(3), told(5));
        assert!(queued.contains("nothing was sent yet"), "{queued}");
        assert!(!begun.contains("nothing was sent"), "{begun}");
        assert!(begun.contains("attempt 1"), "{begun}");
    }

    #[test]
    fn of_a_change_that_was_refused_nothing_is_said_to_be_tried_again() {
        // As far as the first attempt, which failed.
        let mut records: Vec<Record> = samples::records().into_iter().take(7).collect();
        let owed = told_of(records.clone());
        assert!(owed.contains("do: Wait; it is tried again."), "{owed}");
        let Fact::AttemptFailed {
            operation, failure, ..
        } = records[6].fact.clone()
        else {
            panic!("the attempt failed");
        };
        let cause = WaitFailure::TimedOut {
            waiting_for: vec![ConnectorRef::new("corp-scim", "scim2")],
            last: Some(failure),
        };
        let refused = [
            Fact::CallerReleased {
                verdict: WaitVerdict::Rejected { cause },
            },
            Fact::Discarded {
                operation,
                why: "the change was refused".to_owned(),
            },
        ];
        for (fact, seq) in refused.into_iter().zip(8..) {
            records.push(Record {
                seq,
                at: samples::instant(20),
                flow: Some(samples::flow()),
                fact,
            });
        }
        let refused = told_of(records);
        assert!(!refused.contains("it is tried again"), "{refused}");
        for wanted in [
            "discarded: the change was refused",
            "the change was NOT made, because corp-scim/scim2 did not confirm in time; last: ",
            "make the change again when that is mended",
        ] {
            assert!(refused.contains(wanted), "{wanted}: {refused}");
        }
    }
}
