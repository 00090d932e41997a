//! The three parts of the detail: why, wire and target.

use domain::{Purpose, Verb};
use engine::{FlowTrace, Life, OperationTrace, Settlement};
use ratatui::layout::Rect;
use serde_json::Value;

use super::list::short_id;
use super::mark::{is_same_field, marked};
use super::wire::{scrollable, wire};
use super::{Tab, Traffic};
use crate::paint::{Line, Pen, Span};
use crate::panels::changes::fields;
use crate::stream::{Row, What};
use crate::why::{self};
use crate::world::World;

impl Traffic {
    pub(super) fn shown_trace(&self, row: &Row) -> Option<&FlowTrace> {
        let (flow, trace) = self.trace.as_ref()?;
        (Some(*flow) == row.flow)
            .then_some(trace.as_deref())
            .flatten()
    }

    /// The attributes that can be selected: those of the decision for this row's connector.
    pub(super) fn fields(&self, world: &World, row: &Row) -> Vec<String> {
        let Some(trace) = self.shown_trace(row) else {
            return Vec::new();
        };
        let connector = row.connector.as_ref();
        why::tell(trace, connector, &world.theme, &|_| String::new(), &|_| {
            None
        })
        .into_iter()
        .filter_map(|line| line.field)
        .collect()
    }

    pub(super) fn field_name(&self, world: &World, row: &Row) -> Option<String> {
        if self.field == 0 {
            return None;
        }
        self.fields(world, row).get(self.field - 1).cloned()
    }

    pub(super) fn draw_detail(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let Some(row) = self.row(world) else {
            pen.frame(area, "Detail", "", false);
            return;
        };
        let field = self.field_name(world, row);
        if area.width >= 140 {
            let third = area.width / 3;
            let panes = [
                Rect {
                    width: third,
                    ..area
                },
                Rect {
                    x: area.x + third,
                    width: third,
                    ..area
                },
                Rect {
                    x: area.x + 2 * third,
                    width: area.width - 2 * third,
                    ..area
                },
            ];
            for (tab, pane) in Tab::ALL.into_iter().zip(panes) {
                let focused = self.detail == Some(tab);
                let inner = pen.frame(pane, &self.pane_title(tab, row), "", focused);
                self.draw_tab(world, pen, inner, tab, row, field.as_deref());
            }
            return;
        }
        let titles: Vec<String> = Tab::ALL
            .into_iter()
            .map(|tab| {
                if tab == self.tab {
                    format!("[{}]", tab.title())
                } else {
                    tab.title().to_owned()
                }
            })
            .collect();
        let title = format!("{}  {}", titles.join(" "), self.pane_title(self.tab, row));
        let inner = pen.frame(area, &title, "[ ] tabs", self.detail.is_some());
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(1),
            ..inner
        };
        self.draw_tab(world, pen, inner, self.tab, row, field.as_deref());
    }

    pub(super) fn pane_title(&self, tab: Tab, row: &Row) -> String {
        match tab {
            Tab::Why => match row.flow {
                Some(flow) => format!("Why  {}", short_id(&flow.to_string())),
                None => "Why".to_owned(),
            },
            Tab::Wire => format!("Wire  {}", self.tries(row)),
            Tab::Target => format!("Target  {}", row.target),
        }
    }

    /// Says which of its operation's attempts a row belongs to; one that belongs to none says what it is.
    fn tries(&self, row: &Row) -> String {
        if row.is_nothing() || row.death().is_some() {
            return "nothing was sent".to_owned();
        }
        if row.attempt == 0 {
            return row.op.to_owned();
        }
        let of = self
            .shown_trace(row)
            .and_then(|trace| trace.operation(row.operation?))
            .and_then(|operation| u32::try_from(operation.attempts.len()).ok())
            .map_or(row.attempt, |attempts| attempts.max(row.attempt));
        format!("try {} of {of}", row.attempt)
    }

    pub(super) fn draw_tab(
        &self,
        world: &World,
        pen: &mut Pen<'_>,
        area: Rect,
        tab: Tab,
        row: &Row,
        field: Option<&str>,
    ) {
        let lines = match tab {
            Tab::Why => self.why(world, row, field),
            Tab::Wire => scrollable(wire(world, row, field), area),
            Tab::Target => self.target(world, row, field),
        };
        self.texts[tab.at()].draw(pen, area, lines.len(), |at| lines[at].clone());
    }

    pub(super) fn why(&self, world: &World, row: &Row, field: Option<&str>) -> Vec<Line> {
        let theme = world.theme;
        let Some(trace) = self.shown_trace(row) else {
            let text = match (&row.what, row.flow) {
                (What::Nothing(reason, detail), _) => format!("nothing: {reason} ({detail})"),
                (_, None) => match row.exchange().map(|exchange| exchange.purpose) {
                    Some(Purpose::Replay) => {
                        "Sent once more by hand (replay). It belongs to no flow and no operation: the engine does not \
                         count it, and what it changed at the target stands under Target only."
                            .to_owned()
                    }
                    _ => "This request belongs to no flow: it was a check by hand.".to_owned(),
                },
                (_, Some(_)) => "reading …".to_owned(),
            };
            let parts = crate::paint::wrap(&text, 60);
            let parts = parts.into_iter();
            return parts.map(|part| vec![Span::new(part, theme.dim)]).collect();
        };
        let here = row.exchange().map(|exchange| exchange.id);
        let (time, probe) = (
            |at| world.time(at),
            |one: &domain::ConnectorRef| world.next_probe(one),
        );
        why::tell(trace, row.connector.as_ref(), &theme, &time, &probe)
            .into_iter()
            .map(|line| marked(line, here, field, world))
            .collect()
    }

    pub(super) fn target(&self, world: &World, row: &Row, field: Option<&str>) -> Vec<Line> {
        let theme = world.theme;
        let mut lines = Vec::new();
        let entry = row
            .exchange()
            .and_then(|exchange| world.board.lab_entry(exchange));
        let purpose = row.exchange().map(|exchange| exchange.purpose);
        // What is asked beside a write changes nothing there, whatever its operation is about.
        let reads = purpose.and_then(told_of_reading);
        let reads = reads.filter(|_| entry.is_none_or(|entry| entry.changes.is_empty()));
        let is_mock = row
            .exchange()
            .is_some_and(|exchange| world.board.goes_to_mock(exchange));
        if let Some(entry) = entry {
            let status = entry
                .status
                .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            lines.push(vec![Span::new(
                format!("{} -> {status}", entry.operation),
                theme.title,
            )]);
            if !entry.answered {
                lines.push(vec![Span::new("the answer never left the mock", theme.bad)]);
            }
            for fault in &entry.faults {
                lines.push(vec![Span::new(format!("armed fault: {fault}"), theme.warn)]);
            }
            if entry.changes.is_empty() && reads.is_none() {
                lines.push(vec![Span::new("nothing changed there", theme.dim)]);
            }
            let mut last = None;
            for change in &entry.changes {
                if last != Some(&change.id) {
                    lines.push(Line::new());
                    lines.push(vec![Span::new(
                        format!("{} {}  ({})", change.object, change.name, change.id),
                        theme.name,
                    )]);
                    last = Some(&change.id);
                }
                for one in fields(change) {
                    let mark = if is_same_field(field, &one.field) {
                        theme.mark
                    } else {
                        theme.text
                    };
                    let value = |value: &Option<Value>| {
                        value
                            .as_ref()
                            .map_or_else(|| "absent".to_owned(), Value::to_string)
                    };
                    lines.push(vec![
                        Span::new(format!(" {} ", one.field), mark),
                        Span::new(value(&one.before), theme.bad),
                        Span::new(if theme.ascii { " -> " } else { " → " }, theme.dim),
                        Span::new(value(&one.after), theme.good),
                    ]);
                }
            }
            lines.push(Line::new());
        } else if purpose == Some(Purpose::Write) && !is_mock {
            lines.push(vec![Span::new(NO_MOCK, theme.dim)]);
            lines.push(Line::new());
        }
        let operation = self
            .shown_trace(row)
            .and_then(|trace| trace.operation(row.operation?));
        let changing = operation.and_then(|operation| {
            let planned = operation.planned.as_ref()?;
            (!planned.changes.is_empty()).then_some((operation, planned))
        });
        match (reads, changing) {
            (Some(told), _) => lines.push(vec![Span::new(told, theme.dim)]),
            (None, Some((operation, planned))) => {
                lines.push(vec![Span::new(changed(operation), theme.title)]);
                for change in &planned.changes {
                    let mark = if is_same_field(field, &change.remote) {
                        theme.mark
                    } else {
                        theme.text
                    };
                    let mut line = vec![Span::new(format!(" {} ", change.remote), mark)];
                    // In a new account everything is new.
                    if planned.verb != Verb::Create {
                        let before = change
                            .before
                            .as_ref()
                            .map_or_else(|| "absent".to_owned(), Value::to_string);
                        let arrow = if theme.ascii { " -> " } else { " → " };
                        line.push(Span::new(before, theme.bad));
                        line.push(Span::new(arrow, theme.dim));
                    }
                    line.push(Span::new(change.after.to_string(), theme.good));
                    lines.push(line);
                }
            }
            (None, None) if lines.is_empty() => {
                let told = match purpose {
                    Some(Purpose::Replay) => {
                        "Sent once more by hand: what it changed there the target alone can say."
                    }
                    _ => "This changes no field at the target.",
                };
                lines.push(vec![Span::new(told, theme.dim)]);
            }
            (None, None) => {}
        }
        // A token belongs to no account.
        let is_aside = matches!(
            purpose,
            Some(Purpose::Token | Purpose::Discovery | Purpose::Check)
        );
        let link = operation.and_then(|operation| operation.link.as_ref());
        if let Some(link) = link.filter(|_| !is_aside) {
            lines.push(Line::new());
            lines.push(vec![Span::new("What the target confirmed", theme.title)]);
            lines.push(vec![Span::new(
                format!(" {} ({})", link.remote_id, link.remote_name),
                theme.text,
            )]);
            for (name, value) in &link.written {
                let mark = if is_same_field(field, name) {
                    theme.mark
                } else {
                    theme.name
                };
                lines.push(vec![
                    Span::new(format!(" {name} "), mark),
                    Span::new(value.to_string(), theme.text),
                ]);
            }
        }
        lines
    }
}

/// What is said of a request to a target that nobody looks into from here.
const NO_MOCK: &str =
    "This target is no mock of this workbench: what changed there, it alone can say.";

/// Says that a request changes nothing at the target, when that is what it was made for.
fn told_of_reading(purpose: Purpose) -> Option<&'static str> {
    match purpose {
        Purpose::Token => Some("It asks for a token: nothing changes at the target by it."),
        Purpose::Lookup | Purpose::Discovery | Purpose::Check => {
            Some("It only reads: nothing changes at the target by it.")
        }
        Purpose::Write | Purpose::Replay => None,
    }
}

/// Says what the fields are that an operation is about: changed, to be changed, or left as they were.
fn changed(operation: &OperationTrace) -> &'static str {
    match (operation.life, &operation.settlement) {
        (Life::Settled, Some(Settlement::Nothing { .. })) | (Life::Dead | Life::Discarded, _) => {
            "What this operation would have changed"
        }
        (Life::Settled, _) => "What this operation changed",
        (
            Life::Queued
            | Life::InFlight
            | Life::Retrying { .. }
            | Life::InDoubt { .. }
            | Life::Held { .. },
            _,
        ) => "What this operation is to change",
    }
}
