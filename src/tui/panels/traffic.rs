//! *Traffic*: the stream of exchanges, and for the selected one why it was made, what went over the wire, and what
//! changed at the target. Side by side where there is room, as tabs where there is not.

use std::time::Duration;

use crossterm::event::KeyCode;
use domain::{Exchange, ExchangeId, FlowId};
use engine::FlowTrace;
use ratatui::layout::Rect;
use serde_json::Value;

use crate::action::Action;
use crate::filter::{Filter, FilterError};
use crate::keymap::{Key, Move};
use crate::modal::{Menu, Modal, Question};
use crate::paint::{Column, Line, Pen, Span};
use crate::panel::Panel;
use crate::screen::movement;
use crate::stream::{Row, What};
use crate::why::{self, WhyLine};
use crate::widgets::{Field, Form, List, Text, body_lines, json_line};
use crate::wish::{Answer, Deed, Errand, Query, Wish};
use crate::world::World;

/// From this width on the detail stands below the list and follows the selection.
const BESIDE: u16 = 100;

/// Which part of the detail has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Why,
    Wire,
    Target,
}

impl Tab {
    const ALL: [Self; 3] = [Self::Why, Self::Wire, Self::Target];

    fn title(self) -> &'static str {
        match self {
            Self::Why => "Why",
            Self::Wire => "Wire",
            Self::Target => "Target",
        }
    }

    fn at(self) -> usize {
        self as usize
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Follow,
    Held,
    Paused,
}

/// The panel.
pub(crate) struct Traffic {
    list: List,
    mode: Mode,
    /// The selected row by its number, so that it stays when rows come and go.
    selected: Option<u64>,
    /// How many rows there were when following ended.
    held_at: usize,
    filter: Form,
    filtering: bool,
    bad_filter: Option<FilterError>,
    detail: Option<Tab>,
    tab: Tab,
    texts: [Text; 3],
    trace: Option<(FlowId, Option<Box<FlowTrace>>)>,
    asked: Option<FlowId>,
    /// The board's last fact when the shown flow was asked for.
    asked_at: u64,
    field: usize,
    older: Older,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Older {
    Perhaps,
    Asked,
    None,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            list: List::default(),
            mode: Mode::Follow,
            selected: None,
            held_at: 0,
            filter: Form::new(vec![Field::text("filter", "/", "")], Vec::new()),
            filtering: false,
            bad_filter: None,
            detail: None,
            tab: Tab::Why,
            texts: [Text::default(), Text::default(), Text::default()],
            trace: None,
            asked: None,
            asked_at: 0,
            field: 0,
            older: Older::Perhaps,
        }
    }
}

impl Traffic {
    /// Returns the place of the selected row.
    fn place(&self, world: &World) -> Option<usize> {
        let stream = &world.board.stream;
        let len = stream.shown();
        match (self.mode, self.selected) {
            (Mode::Follow, _) | (_, None) => len.checked_sub(1),
            (_, Some(number)) => (len > 0).then(|| stream.place(number).min(len - 1)),
        }
    }

    fn row<'w>(&self, world: &'w World) -> Option<&'w Row> {
        world.board.stream.get(self.place(world)?)
    }

    fn go(&mut self, world: &World, to: Move) -> Vec<Wish> {
        let stream = &world.board.stream;
        let len = stream.shown();
        let at = self.place(world).unwrap_or(0);
        if to.is_up() && self.mode == Mode::Follow {
            self.mode = Mode::Held;
            self.held_at = len;
        }
        if to == Move::Last {
            self.mode = Mode::Follow;
        }
        self.list.at = at;
        self.list.go(to, len);
        self.selected = stream.get(self.list.at).map(|row| row.number);
        self.field = 0;
        self.texts = [Text::default(), Text::default(), Text::default()];
        if to.is_up()
            && self.list.at < self.list.height()
            && self.older == Older::Perhaps
            && let Some(before) = stream.oldest()
        {
            self.older = Older::Asked;
            return vec![Wish::Ask(Query::Older { before })];
        }
        Vec::new()
    }

    fn select(&mut self, number: u64) {
        self.selected = Some(number);
        if self.mode == Mode::Follow {
            self.mode = Mode::Held;
        }
        self.field = 0;
    }

    /// Goes to the next row with a problem, from the selected one on, then from the beginning.
    fn next_problem(&mut self, world: &World) -> Vec<Wish> {
        let stream = &world.board.stream;
        let len = stream.shown();
        let from = match self.mode {
            Mode::Follow => 0,
            Mode::Held | Mode::Paused => self.place(world).map_or(0, |at| at + 1),
        };
        let found = (from..len)
            .chain(0..from.min(len))
            .filter_map(|at| stream.get(at))
            .find(|row| row.is_problem());
        match found.map(|row| row.number) {
            Some(number) => {
                self.select(number);
                Vec::new()
            }
            None => vec![Wish::Say("no problem in these rows".to_owned())],
        }
    }

    /// Puts the typed filter on the stream; while it cannot be read, the last good one stays.
    fn read_filter(&mut self) -> Vec<Wish> {
        match Filter::parse(&self.filter.value("filter")) {
            Ok(filter) => {
                self.bad_filter = None;
                vec![Wish::Filter(filter)]
            }
            Err(error) => {
                self.bad_filter = Some(error);
                Vec::new()
            }
        }
    }

    fn set_filter(&mut self, text: &str) -> Vec<Wish> {
        self.filter = Form::new(vec![Field::text("filter", "/", text)], Vec::new());
        self.read_filter()
    }

    fn copy(&self, world: &World) -> Vec<Wish> {
        let Some(row) = self.row(world) else {
            return vec![Wish::Say("nothing to copy yet".to_owned())];
        };
        let mut items = Vec::new();
        let mut add = |label: &str, told: &str, what: &'static str, text: String| {
            items.push((
                label.to_owned(),
                told.to_owned(),
                vec![Wish::Do(Deed::Copy { what, text })],
            ));
        };
        if let Some(exchange) = row.exchange() {
            add(
                "curl",
                "the request as a command, secrets masked",
                "curl",
                (world.exports.curl)(exchange),
            );
            add(
                "HAR",
                "this exchange as an HTTP Archive",
                "HAR",
                (world.exports.har)(&[exchange]),
            );
            add(
                "JSON",
                "this exchange as the journal keeps it",
                "JSON",
                json(exchange),
            );
            add(
                "request body",
                "",
                "request body",
                exchange.request_body.text.clone(),
            );
            if let Some(response) = &exchange.response {
                add(
                    "response body",
                    "",
                    "response body",
                    response.body.text.clone(),
                );
            }
            add("address", "", "address", exchange.url.clone());
        }
        if let Some(trace) = self.shown_trace(row) {
            let lines = why::tell(trace, None, &world.theme, &|at| world.time(at));
            let text: Vec<String> = lines.iter().map(|line| plain(&line.line)).collect();
            add("why", "the whole flow as text", "why", text.join("\n"));
        }
        let shown: Vec<&Exchange> = (0..world.board.stream.shown())
            .filter_map(|at| world.board.stream.get(at)?.exchange())
            .collect();
        let text = (world.exports.har)(&shown);
        items.push((
            "HAR file".to_owned(),
            format!("all {} shown exchanges, to outbound.har", shown.len()),
            vec![Wish::Do(Deed::Write {
                path: "outbound.har".into(),
                text,
            })],
        ));
        vec![Wish::Show(Box::new(Modal::Menu(Menu::new("Copy", items))))]
    }

    fn retry(&self, world: &World) -> Vec<Wish> {
        let Some(row) = self.row(world) else {
            return Vec::new();
        };
        let (Some(operation), Some(connector)) = (row.operation, &row.connector) else {
            return vec![Wish::Say(
                "this row has no operation to try again".to_owned(),
            )];
        };
        let deed = Wish::Do(Deed::Retry(vec![operation]));
        if world.is_mock(connector) {
            return vec![deed];
        }
        let body = vec![
            format!(
                "{connector} is not a mock: {} of {} is sent to it again.",
                row.op, row.subject
            ),
            "The engine looks first whether an earlier attempt arrived.".to_owned(),
        ];
        let answers = vec![("Send", vec![deed]), ("Cancel", Vec::new())];
        vec![Wish::Show(Box::new(Modal::Question(Question::new(
            "Try again at a real target?",
            body,
            None,
            answers,
        ))))]
    }

    fn shown_trace(&self, row: &Row) -> Option<&FlowTrace> {
        let (flow, trace) = self.trace.as_ref()?;
        (Some(*flow) == row.flow)
            .then_some(trace.as_deref())
            .flatten()
    }

    /// The attributes that can be selected: those of the decision for this row's connector.
    fn fields(&self, world: &World, row: &Row) -> Vec<String> {
        let Some(trace) = self.shown_trace(row) else {
            return Vec::new();
        };
        why::tell(trace, row.connector.as_ref(), &world.theme, &|_| {
            String::new()
        })
        .into_iter()
        .filter_map(|line| line.field)
        .collect()
    }

    fn field_name(&self, world: &World, row: &Row) -> Option<String> {
        if self.field == 0 {
            return None;
        }
        self.fields(world, row).get(self.field - 1).cloned()
    }

    fn draw_list(&self, world: &World, pen: &mut Pen<'_>, area: Rect, focused: bool) {
        let stream = &world.board.stream;
        let len = stream.shown();
        let note = self.note(world, area.width);
        let inner = if area.width < 60 {
            pen.heading(Rect { height: 1, ..area }, "Traffic", &note, focused);
            Rect {
                y: area.y + 1,
                height: area.height.saturating_sub(1),
                ..area
            }
        } else {
            pen.frame(area, "Traffic", &note, focused)
        };
        if inner.height < 2 {
            return;
        }
        let layout = Layout::of(inner.width);
        layout.head(pen, Rect { height: 1, ..inner });
        let rows = Rect {
            y: inner.y + 1,
            height: inner.height - 1,
            ..inner
        };
        if len == 0 {
            let text = match (stream.len(), stream.filter().is_open()) {
                (0, _) => {
                    "Nothing yet. t triggers something that happens to a user; 5 shows the targets."
                        .to_owned()
                }
                (all, _) => format!("0 of {all} match. Esc clears the filter."),
            };
            pen.paragraph(
                Rect {
                    x: rows.x + 1,
                    width: rows.width.saturating_sub(2),
                    ..rows
                },
                &text,
                world.theme.dim,
            );
            return;
        }
        self.list.draw_at(
            pen,
            rows,
            self.place(world).unwrap_or(0),
            len,
            focused,
            |pen, cells, at| {
                if let Some(row) = stream.get(at) {
                    layout.row(world, pen, cells, row);
                }
            },
        );
    }

    fn note(&self, world: &World, width: u16) -> String {
        let stream = &world.board.stream;
        let state = match self.mode {
            Mode::Follow => "FOLLOW".to_owned(),
            Mode::Held => match stream.shown().saturating_sub(self.held_at) {
                0 => "HELD".to_owned(),
                new => format!("HELD +{new}"),
            },
            Mode::Paused => "PAUSED".to_owned(),
        };
        if width < 60 {
            return state;
        }
        let rows = if stream.filter().is_open() {
            format!("{} rows", stream.len())
        } else {
            format!("{} of {} match", stream.shown(), stream.len())
        };
        let dropped = stream.dropped + world.board.missed;
        let lost = if dropped > 0 {
            format!("  {dropped} only in the journal")
        } else {
            String::new()
        };
        let memory = if width >= BESIDE {
            format!(
                "  mem {}/{} MB",
                stream.bytes() >> 20,
                crate::stream::LIMIT_BYTES >> 20
            )
        } else {
            String::new()
        };
        format!("{state}  {rows}{lost}{memory}")
    }

    fn draw_detail(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
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

    fn pane_title(&self, tab: Tab, row: &Row) -> String {
        match tab {
            Tab::Why => match row.flow {
                Some(flow) => format!("Why  {}", short_id(&flow.to_string())),
                None => "Why".to_owned(),
            },
            Tab::Wire => {
                let of = self
                    .shown_trace(row)
                    .and_then(|trace| trace.operation(row.operation?))
                    .map_or(row.attempt, |operation| {
                        u32::try_from(operation.attempts.len()).unwrap_or(row.attempt)
                    });
                format!("Wire  try {} of {of}", row.attempt)
            }
            Tab::Target => format!("Target  {}", row.target),
        }
    }

    fn draw_tab(
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
            Tab::Wire => wire(world, row, field),
            Tab::Target => self.target(world, row, field),
        };
        self.texts[tab.at()].draw(pen, area, lines.len(), |at| lines[at].clone());
    }

    fn why(&self, world: &World, row: &Row, field: Option<&str>) -> Vec<Line> {
        let theme = world.theme;
        let Some(trace) = self.shown_trace(row) else {
            let text = match (&row.what, row.flow) {
                (What::Nothing(reason, detail), _) => format!("nothing: {reason} ({detail})"),
                (_, None) => "This request belongs to no flow: it was a check by hand.".to_owned(),
                (_, Some(_)) => "reading …".to_owned(),
            };
            return vec![vec![Span::new(text, theme.dim)]];
        };
        let here = row.exchange().map(|exchange| exchange.id);
        why::tell(trace, row.connector.as_ref(), &theme, &|at| world.time(at))
            .into_iter()
            .map(|line| marked(line, here, field, world))
            .collect()
    }

    fn target(&self, world: &World, row: &Row, field: Option<&str>) -> Vec<Line> {
        let theme = world.theme;
        let mut lines = Vec::new();
        if let Some(entry) = row
            .exchange()
            .and_then(|exchange| world.board.lab_entry(exchange))
        {
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
            if entry.changes.is_empty() {
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
                let mark = if is_same_field(field, &change.field) {
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
                    Span::new(format!(" {} ", change.field), mark),
                    Span::new(value(&change.before), theme.bad),
                    Span::new(if theme.ascii { " -> " } else { " → " }, theme.dim),
                    Span::new(value(&change.after), theme.good),
                ]);
            }
            lines.push(Line::new());
        }
        let operation = self
            .shown_trace(row)
            .and_then(|trace| trace.operation(row.operation?));
        match operation.and_then(|operation| operation.planned.as_ref()) {
            Some(planned) => {
                lines.push(vec![Span::new(
                    "What differs from what was last written",
                    theme.title,
                )]);
                for change in &planned.changes {
                    let mark = if is_same_field(field, &change.remote) {
                        theme.mark
                    } else {
                        theme.text
                    };
                    let before = change
                        .before
                        .as_ref()
                        .map_or_else(|| "absent".to_owned(), Value::to_string);
                    lines.push(vec![
                        Span::new(format!(" {} ", change.remote), mark),
                        Span::new(before, theme.bad),
                        Span::new(if theme.ascii { " -> " } else { " → " }, theme.dim),
                        Span::new(change.after.to_string(), theme.good),
                    ]);
                }
            }
            None if lines.is_empty() => {
                lines.push(vec![Span::new(
                    "This exchange changes nothing at the target.",
                    theme.dim,
                )]);
            }
            None => {}
        }
        if let Some(link) = operation.and_then(|operation| operation.link.as_ref()) {
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

impl Panel for Traffic {
    fn id(&self) -> &'static str {
        "traffic"
    }

    fn title(&self) -> &'static str {
        "Traffic"
    }

    fn short(&self) -> &'static str {
        "Traffic"
    }

    fn draw(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let (area, bar) = if self.filtering && area.height > 3 {
            let bar = Rect {
                y: area.bottom() - 1,
                height: 1,
                ..area
            };
            (
                Rect {
                    height: area.height - 1,
                    ..area
                },
                Some(bar),
            )
        } else {
            (area, None)
        };
        if area.width >= BESIDE && area.height >= 16 {
            let list = area.height * 2 / 5;
            self.draw_list(
                world,
                pen,
                Rect {
                    height: list,
                    ..area
                },
                self.detail.is_none(),
            );
            self.draw_detail(
                world,
                pen,
                Rect {
                    y: area.y + list,
                    height: area.height - list,
                    ..area
                },
            );
        } else if self.detail.is_some() {
            self.draw_detail(world, pen, area);
        } else {
            self.draw_list(world, pen, area, true);
        }
        if let Some(bar) = bar {
            self.filter.draw(pen, bar, true, Duration::ZERO);
            if let Some(error) = &self.bad_filter {
                let half = bar.width / 2;
                pen.put(
                    bar.x + half,
                    bar.y,
                    bar.width - half,
                    &format!("x {error}"),
                    world.theme.bad,
                );
            }
        }
    }

    fn takes_text(&self) -> bool {
        self.filtering
    }

    fn key(&mut self, world: &World, key: Key) -> Option<Vec<Wish>> {
        if self.filtering {
            match key.code {
                KeyCode::Enter => self.filtering = false,
                KeyCode::Esc => return None,
                _ => {
                    self.filter.key(key, world.passed);
                    return Some(self.read_filter());
                }
            }
            return Some(Vec::new());
        }
        if let Some(to) = movement(key, false) {
            match self.detail {
                None => return Some(self.go(world, to)),
                Some(_) => self.texts[self.tab.at()].go(to, 10_000),
            }
            return Some(Vec::new());
        }
        match key.code {
            KeyCode::Tab => {
                self.detail = match self.detail {
                    None => Some(self.tab),
                    Some(tab) => Tab::ALL.get(tab.at() + 1).copied(),
                };
                self.tab = self.detail.unwrap_or(Tab::Why);
            }
            KeyCode::BackTab => {
                self.detail = match self.detail {
                    None => Some(Tab::Target),
                    Some(tab) => tab.at().checked_sub(1).map(|at| Tab::ALL[at]),
                };
                self.tab = self.detail.unwrap_or(Tab::Why);
            }
            KeyCode::Char(']') => {
                self.tab = Tab::ALL[(self.tab.at() + 1) % 3];
                self.detail = self.detail.map(|_| self.tab);
            }
            KeyCode::Char('[') => {
                self.tab = Tab::ALL[(self.tab.at() + 2) % 3];
                self.detail = self.detail.map(|_| self.tab);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn paste(&mut self, _world: &World, text: &str) -> Vec<Wish> {
        if !self.filtering {
            return Vec::new();
        }
        self.filter.paste(text);
        self.read_filter()
    }

    fn actions(&self, world: &World) -> Vec<Action> {
        let has_rows = world.board.stream.shown() > 0;
        let mut actions = vec![
            Action::new("follow", Key::letter('f'), "Follow the newest")
                .like("outbound journal follow"),
            Action::new(
                "pause",
                Key::letter(' '),
                if self.mode == Mode::Paused {
                    "Resume"
                } else {
                    "Pause"
                },
            ),
            Action::new("filter", Key::letter('/'), "Filter"),
        ];
        if has_rows {
            let row = self.row(world);
            let flow = row
                .and_then(|row| row.flow)
                .map_or_else(String::new, |flow| flow.to_string());
            actions.extend([
                Action::new("open", Key::of(KeyCode::Enter), "Detail: why, wire, target")
                    .like(format!("outbound journal show {flow}")),
                Action::new("diff", Key::letter('d'), "Target: what changed there"),
                Action::new("copy", Key::letter('y'), "Copy as curl, HAR, JSON"),
                Action::new("problem", Key::letter('!'), "Next problem"),
                Action::new("mark", Key::letter('m'), "Mark"),
                Action::new("marked", Key::letter('M'), "Show only marked").quiet(),
                Action::new("field", Key::letter('n'), "Next field, marked in all three").quiet(),
                Action::new("field-back", Key::letter('N'), "Previous field").quiet(),
            ]);
            if let Some(operation) = row.and_then(|row| row.operation) {
                actions.push(
                    Action::new("retry", Key::letter('r'), "Retry")
                        .like(format!("outbound journal retry {operation}")),
                );
            }
        }
        if !world.board.stream.filter().is_open() {
            actions.push(Action::named("clear", "Clear the filter"));
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        match id {
            "follow" => self.mode = Mode::Follow,
            "pause" => {
                if self.mode == Mode::Paused {
                    self.mode = Mode::Follow;
                } else {
                    self.selected = self.row(world).map(|row| row.number);
                    self.held_at = world.board.stream.shown();
                    self.mode = Mode::Paused;
                }
            }
            "filter" => self.filtering = true,
            "clear" => return self.set_filter(""),
            "open" => self.detail = Some(self.tab),
            "diff" => {
                self.tab = Tab::Target;
                self.detail = Some(Tab::Target);
            }
            "copy" => return self.copy(world),
            "problem" => return self.next_problem(world),
            "marked" => return self.set_filter("is:marked"),
            "mark" => {
                if let Some(number) = self.row(world).map(|row| row.number) {
                    return vec![Wish::Mark(number)];
                }
            }
            "field" | "field-back" => {
                if let Some(row) = self.row(world) {
                    let stops = self.fields(world, row).len() + 1;
                    let step = if id == "field" { 1 } else { stops - 1 };
                    self.field = (self.field + step) % stops;
                }
            }
            "retry" => return self.retry(world),
            _ => {}
        }
        Vec::new()
    }

    fn wants(&mut self, world: &World) -> Vec<Query> {
        let row = self.row(world);
        let looks = self.detail.is_some() || world.width >= BESIDE;
        let Some(flow) = row.and_then(|row| row.flow).filter(|_| looks) else {
            return Vec::new();
        };
        let known = self.trace.as_ref().is_some_and(|(shown, _)| *shown == flow);
        if self.asked.is_some() || (known && !world.board.changed_since(flow, self.asked_at)) {
            return Vec::new();
        }
        self.asked_at = world.board.seq;
        self.asked = Some(flow);
        vec![Query::Trace(flow)]
    }

    fn answer(&mut self, _world: &World, answer: &Answer) -> Vec<Wish> {
        match answer {
            Answer::Trace(flow, trace) if self.asked == Some(*flow) => {
                self.asked = None;
                self.trace = Some((*flow, trace.clone()));
            }
            Answer::Older { rows, is_all } => {
                self.older = if *is_all { Older::None } else { Older::Perhaps };
                return vec![Wish::Prepend(rows.clone())];
            }
            _ => {}
        }
        Vec::new()
    }

    fn errand(&mut self, world: &World, errand: Errand) -> Vec<Wish> {
        match errand {
            Errand::NextProblem => return self.next_problem(world),
            Errand::Flow(flow) => {
                let stream = &world.board.stream;
                let found = (0..stream.shown())
                    .rev()
                    .filter_map(|at| stream.get(at))
                    .find(|row| row.flow == Some(flow));
                match found.map(|row| row.number) {
                    Some(number) => self.select(number),
                    None => self.mode = Mode::Follow,
                }
                self.tab = Tab::Why;
                self.detail = Some(Tab::Why);
            }
            Errand::Trigger { .. } => {}
        }
        Vec::new()
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        if std::mem::take(&mut self.filtering) || self.detail.take().is_some() {
            return Some(Vec::new());
        }
        (!self.filter.value("filter").is_empty()).then(|| self.set_filter(""))
    }

    fn crumbs(&self, _world: &World) -> Vec<String> {
        self.detail
            .map(|tab| tab.title().to_owned())
            .into_iter()
            .collect()
    }

    fn status(&self, world: &World) -> String {
        let filter = world.board.stream.filter();
        if filter.is_open() {
            "filter: (none)   / filters, for example  target:corp-scim st>=400 !op:lookup"
                .to_owned()
        } else {
            format!("filter: {filter}   Esc clears")
        }
    }
}

fn json(exchange: &Exchange) -> String {
    serde_json::to_string_pretty(exchange).unwrap_or_else(|error| error.to_string())
}

fn plain(line: &Line) -> String {
    line.iter().map(|span| span.text.as_str()).collect()
}

fn short_id(id: &str) -> String {
    id.rsplit('-')
        .next()
        .unwrap_or(id)
        .chars()
        .rev()
        .take(6)
        .collect::<String>()
        .chars()
        .rev()
        .collect()
}

/// Marks the line of the selected exchange and the selected field.
fn marked(line: WhyLine, here: Option<ExchangeId>, field: Option<&str>, world: &World) -> Line {
    let is_field = line
        .field
        .as_deref()
        .is_some_and(|name| is_same_field(field, name));
    let mut spans = line.line;
    if is_field {
        for span in &mut spans {
            span.style = span.style.patch(world.theme.mark);
        }
    } else if line.exchange.is_some() && line.exchange == here {
        spans.push(Span::new(
            if world.theme.ascii { "  <" } else { "  ◂" },
            world.theme.focus,
        ));
    }
    spans
}

/// Tells whether two names mean the same attribute: `name.givenName`, `givenName` and `emails[0].value` at their ends.
fn is_same_field(selected: Option<&str>, name: &str) -> bool {
    let Some(selected) = selected else {
        return false;
    };
    let root = |text: &str| {
        text.split(['.', '['])
            .next()
            .unwrap_or_default()
            .to_lowercase()
    };
    let leaf = |text: &str| {
        text.rsplit(['.', ':'])
            .next()
            .unwrap_or_default()
            .to_lowercase()
    };
    selected.eq_ignore_ascii_case(name)
        || leaf(selected) == leaf(name) && leaf(name) != "value"
        || root(selected) == name.to_lowercase()
}

fn wire(world: &World, row: &Row, field: Option<&str>) -> Vec<Line> {
    let theme = world.theme;
    let Some(exchange) = row.exchange() else {
        return vec![vec![Span::new("Nothing was sent.", theme.dim)]];
    };
    let mut lines = vec![vec![
        Span::new(exchange.method.clone(), theme.title),
        Span::new(format!(" {}", exchange.url), theme.text),
    ]];
    headers(&mut lines, &exchange.request_headers, world);
    body(&mut lines, &exchange.request_body, field, world);
    lines.push(Line::new());
    match (&exchange.response, &exchange.error) {
        (Some(response), error) => {
            lines.push(vec![
                Span::new(
                    response.status.to_string(),
                    theme.status(Some(response.status)),
                ),
                Span::new(format!("  {} ms", exchange.took.as_millis()), theme.dim),
            ]);
            headers(&mut lines, &response.headers, world);
            body(&mut lines, &response.body, field, world);
            if let Some(error) = error {
                lines.push(vec![Span::new(error.clone(), theme.bad)]);
            }
        }
        (None, Some(error)) => {
            lines.push(vec![Span::new(format!("no answer: {error}"), theme.bad)]);
        }
        (None, None) => lines.push(vec![Span::new("under way …", theme.dim)]),
    }
    lines
}

fn headers(lines: &mut Vec<Line>, headers: &[domain::Header], world: &World) {
    for header in headers {
        lines.push(vec![
            Span::new(format!("{}: ", header.name), world.theme.name),
            Span::new(header.value.clone(), world.theme.text),
        ]);
    }
}

fn body(lines: &mut Vec<Line>, body: &domain::Body, field: Option<&str>, world: &World) {
    let text = body_lines(body);
    if !text.is_empty() {
        lines.push(Line::new());
    }
    for line in text {
        let key = line
            .trim_start()
            .strip_prefix('"')
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_default();
        let mut spans = json_line(&line, &world.theme);
        if !key.is_empty() && is_same_field(field, key) {
            for span in &mut spans {
                span.style = span.style.patch(world.theme.mark);
            }
        }
        lines.push(spans);
    }
}

/// Which columns fit.
struct Layout {
    time: u16,
    target: u16,
    op: u16,
    subject: u16,
    path: u16,
    trace: bool,
}

impl Layout {
    fn of(width: u16) -> Self {
        match width {
            0..60 => Self {
                time: 8,
                target: 10,
                op: 0,
                subject: width.saturating_sub(28),
                path: 0,
                trace: false,
            },
            60..100 => Self {
                time: 8,
                target: 18,
                op: 11,
                subject: width.saturating_sub(66),
                path: 0,
                trace: false,
            },
            100..140 => Self {
                time: 12,
                target: 22,
                op: 11,
                subject: 18,
                path: width.saturating_sub(97),
                trace: false,
            },
            _ => Self {
                time: 12,
                target: 26,
                op: 11,
                subject: 22,
                path: width.saturating_sub(112),
                trace: true,
            },
        }
    }

    fn head(&self, pen: &mut Pen<'_>, row: Rect) {
        let style = pen.theme.dim;
        let row = Rect {
            x: row.x + 1,
            width: row.width.saturating_sub(1),
            ..row
        };
        let mut columns = vec![
            Column::new("Time", self.time, style),
            Column::new("Target", self.target, style),
        ];
        if self.op > 0 {
            columns.push(Column::new("Op", self.op, style));
        }
        columns.push(Column::new("User", self.subject, style));
        if self.op > 0 {
            columns.push(Column::new("Method", 6, style));
        }
        if self.path > 0 {
            columns.push(Column::new("Path", self.path, style));
        }
        columns.push(Column::new("St", 4, style));
        if self.op > 0 {
            columns.extend([
                Column::right("ms", 6, style),
                Column::right("Try", 3, style),
            ]);
        }
        if self.trace {
            columns.push(Column::new("Trace", 6, style));
        }
        pen.columns(row, &columns);
    }

    fn row(&self, world: &World, pen: &mut Pen<'_>, cells: Rect, row: &Row) {
        let theme = world.theme;
        let time = if self.time > 8 {
            world.exact_time(row.at)
        } else {
            world.time(row.at)
        };
        let exchange = row.exchange();
        let status = match (&row.what, row.status(), exchange) {
            (What::Nothing(..), _, _) => "skip".to_owned(),
            (_, Some(status), _) => status.to_string(),
            (What::UnderWay(_), _, _) => "…".to_owned(),
            (_, None, Some(exchange)) if exchange.error.is_some() => "lost".to_owned(),
            _ => "-".to_owned(),
        };
        let status_style = match (&row.what, row.is_problem()) {
            (What::Nothing(..), _) => theme.dim,
            (_, true) if row.status().is_none() => theme.bad,
            _ => theme.status(row.status()),
        };
        let path = match (&row.what, exchange) {
            (What::Nothing(reason, detail), _) => format!("{reason}: {detail}"),
            (_, Some(exchange)) => path_of(&exchange.url),
            _ => String::new(),
        };
        let millis = exchange
            .filter(|_| !row.is_under_way())
            .map_or_else(String::new, |exchange| {
                exchange.took.as_millis().to_string()
            });
        let attempt = if row.attempt > 0 {
            row.attempt.to_string()
        } else {
            String::new()
        };
        let subject = match &row.what {
            What::Nothing(reason, _) if self.path == 0 => format!("{} {reason}", row.subject),
            _ => row.subject.to_string(),
        };
        let target = if self.target < 18 {
            row.target.split('/').next().unwrap_or_default()
        } else {
            &row.target
        };
        let mark = if row.marked { "*" } else { "" };
        let time = format!("{mark}{time}");
        let trace = row
            .flow
            .map_or_else(String::new, |flow| short_id(&flow.to_string()));
        let mut columns = vec![
            Column::new(&time, self.time, theme.dim),
            Column::new(target, self.target, theme.text),
        ];
        if self.op > 0 {
            columns.push(Column::new(row.op, self.op, theme.text));
        }
        columns.push(Column::new(&subject, self.subject, theme.text));
        let method = exchange.map_or("-", |exchange| exchange.method.as_str());
        if self.op > 0 {
            columns.push(Column::new(method, 6, theme.text));
        }
        if self.path > 0 {
            columns.push(Column::new(&path, self.path, theme.dim));
        }
        columns.push(Column::new(&status, 4, status_style));
        if self.op > 0 {
            columns.extend([
                Column::right(&millis, 6, theme.text),
                Column::right(&attempt, 3, theme.text),
            ]);
        }
        if self.trace {
            columns.push(Column::new(&trace, 6, theme.dim));
        }
        pen.columns(cells, &columns);
    }
}

fn path_of(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| url.to_owned(),
        |url| match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        },
    )
}
