//! *Traffic*: the stream of exchanges, and for the selected one why it was made, what went over the wire, and what
//! changed at the target. Side by side where there is room, as tabs where there is not.

mod deeds;
mod detail;
mod list;
mod mark;
mod wire;

use std::time::Duration;

use crossterm::event::KeyCode;
use domain::{FlowId, OperationId};
use engine::{FlowTrace, State};
use ratatui::layout::Rect;

use crate::action::Action;
use crate::filter::Filter;
use crate::keymap::{Key, Move};
use crate::paint::Pen;
use crate::panel::Panel;
use crate::panels::BESIDE;
use crate::screen::movement;
use crate::stream::{Row, WINDOW};
use crate::widgets::{Field, Form, List, Text};
use crate::wish::{Answer, Errand, Query, Wish};
use crate::world::World;

/// The filter that lets only marked rows pass.
const MARKED: &str = "is:marked";

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
    /// The newest row when following ended, by its number.
    held_at: u64,
    filter: Form,
    filtering: bool,
    /// The text of the filter that is in force: the last one that could be read.
    good_filter: String,
    /// The one that was in force before the present typing began.
    held_filter: String,
    detail: Option<Tab>,
    tab: Tab,
    texts: [Text; 3],
    trace: Option<(FlowId, Option<Box<FlowTrace>>)>,
    asked: Option<FlowId>,
    /// The board's last fact when the shown flow was asked for.
    asked_at: u64,
    field: usize,
    older: Older,
    /// What is to be shown as soon as it has a row.
    sought: Option<Sought>,
}

/// A flow, or one operation of it, that is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sought {
    flow: FlowId,
    operation: Option<OperationId>,
    /// The row that is shown until there is one of something that was done: it says that nothing was, at one connector.
    until: Option<u64>,
}

impl Sought {
    fn flow(flow: FlowId) -> Self {
        Self {
            flow,
            operation: None,
            until: None,
        }
    }

    fn is(self, row: &Row) -> bool {
        row.flow == Some(self.flow) && (self.operation.is_none() || row.operation == self.operation)
    }
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
            good_filter: String::new(),
            held_filter: String::new(),
            detail: None,
            tab: Tab::Why,
            texts: [Text::default(), Text::default(), Text::default()],
            trace: None,
            asked: None,
            asked_at: 0,
            field: 0,
            older: Older::Perhaps,
            sought: None,
        }
    }
}

impl Traffic {
    /// Returns how many rows are shown: while paused, those that were there then.
    fn len(&self, world: &World) -> usize {
        let stream = &world.board.stream;
        let shown = stream.shown();
        match self.mode {
            Mode::Follow | Mode::Held => shown,
            // The last of them stays, whatever the stream lets go.
            Mode::Paused => stream.place(self.held_at + 1).clamp(shown.min(1), shown),
        }
    }

    /// Returns how many rows came since following ended.
    fn new_rows(&self, world: &World) -> usize {
        let stream = &world.board.stream;
        stream
            .shown()
            .saturating_sub(stream.place(self.held_at + 1))
    }

    /// Stays where the selection is.
    fn hold(&mut self, world: &World, mode: Mode) {
        self.mode = mode;
        self.held_at = world.board.stream.last();
    }

    /// Follows the newest row.
    fn follow(&mut self) -> Vec<Wish> {
        self.mode = Mode::Follow;
        self.sought = None;
        vec![Wish::Newest]
    }

    /// Returns the place of the selected row.
    fn place(&self, world: &World) -> Option<usize> {
        let stream = &world.board.stream;
        let len = self.len(world);
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
        let at = self.place(world).unwrap_or(0);
        self.sought = None;
        if to.is_up() && self.mode == Mode::Follow {
            self.hold(world, Mode::Held);
        }
        let mut wishes = Vec::new();
        if to == Move::Last {
            wishes = self.follow();
        }
        self.list.at = at;
        self.list.go(to, self.len(world));
        self.selected = stream.get(self.list.at).map(|row| row.number);
        self.field = 0;
        self.texts = [Text::default(), Text::default(), Text::default()];
        if to.is_up() && (self.list.at < self.list.height() || self.len(world) == 0) {
            wishes.extend(self.read_back(world));
        }
        wishes
    }

    /// Asks for the window before the oldest row, if there may be one.
    fn read_back(&mut self, world: &World) -> Option<Wish> {
        let stream = &world.board.stream;
        let may_be = match self.older {
            Older::Perhaps => true,
            Older::Asked => false,
            // What the stream has let go since is there again.
            Older::None => stream.dropped > 0,
        };
        let before = stream.oldest().filter(|_| may_be)?;
        Some(self.read_before(world, before))
    }

    /// Asks for the window before a number of the journal, as far as there is room for it.
    fn read_before(&mut self, world: &World, before: u64) -> Wish {
        if !world.board.stream.has_room() {
            return Wish::Say(format!(
                "no more fits into memory here; older ones: outbound journal exchanges --before {before}"
            ));
        }
        self.older = Older::Asked;
        Wish::Ask(Query::Older { before })
    }

    /// Tells whether the journal may have older rows than those that were read.
    fn has_older(&self) -> bool {
        self.older != Older::None
    }

    /// Tells whether somebody looks for rows that match, and none does yet.
    fn seeks(&self, world: &World, older: &[Row]) -> bool {
        let stream = &world.board.stream;
        let filter = stream.filter();
        self.mode != Mode::Follow
            && !filter.is_open()
            && !self.shows_marked()
            && stream.shown() == 0
            && !older.iter().any(|row| filter.passes(row))
    }

    fn select(&mut self, world: &World, number: u64) {
        self.selected = Some(number);
        self.sought = None;
        if self.mode == Mode::Follow {
            self.hold(world, Mode::Held);
        }
        self.field = 0;
    }

    /// Returns the newest row of what is sought. One of something that was done goes before one of what was left out.
    fn newest_of<'w>(&self, world: &'w World, sought: Sought) -> Option<&'w Row> {
        let stream = &world.board.stream;
        let mut left_out = None;
        for row in (0..self.len(world)).rev().filter_map(|at| stream.get(at)) {
            if sought.until.is_some_and(|until| row.number <= until) {
                return None;
            }
            match (sought.is(row), row.is_nothing()) {
                (true, false) => return Some(row),
                (true, true) => left_out = left_out.or(Some(row)),
                (false, _) => {}
            }
        }
        left_out.filter(|_| sought.until.is_none())
    }

    /// Goes to what is sought; where it has no row yet, it is shown when one comes, and no other row in its place.
    fn go_to(&mut self, world: &World, sought: Sought) -> Vec<Wish> {
        let Some(row) = self.newest_of(world, sought) else {
            let wishes = self.follow();
            self.sought = Some(sought);
            self.detail = None;
            return wishes;
        };
        self.select(world, row.number);
        self.show_sought(sought, row);
        Vec::new()
    }

    /// Shows why of what is sought, by a row of it that is selected. While it says only what was left out, it is sought on:
    /// what is done has its rows later.
    fn show_sought(&mut self, sought: Sought, row: &Row) {
        self.show_why();
        let until = Some(row.number);
        self.sought = row.is_nothing().then_some(Sought { until, ..sought });
    }

    /// Stays at what is shown of what is sought: somebody does something with that.
    fn rest(&mut self) {
        self.sought.take_if(|sought| sought.until.is_some());
    }

    /// Shows why the selected row was sent.
    fn show_why(&mut self) {
        self.sought = None;
        self.tab = Tab::Why;
        self.detail = Some(Tab::Why);
    }

    /// Goes to the next row with a problem, from the selected one on, then from the beginning.
    fn next_problem(&mut self, world: &World) -> Vec<Wish> {
        let stream = &world.board.stream;
        let len = self.len(world);
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
                self.select(world, number);
                Vec::new()
            }
            // One of another day has no row here, and waits for somebody all the same.
            None if world.board.count(State::Dead) > 0 => {
                let dead = world.board.count(State::Dead);
                let told = format!("no problem in these rows; dead letters in the journal: {dead}");
                vec![
                    Wish::Go("journal", None),
                    Wish::Act("journal", "dead"),
                    Wish::Say(told),
                ]
            }
            None => vec![Wish::Say("no problem in these rows".to_owned())],
        }
    }

    /// Shows why an operation failed, when *Why* of its flow is what is looked at.
    fn show_failed(&mut self, world: &World, flow: FlowId, operation: OperationId) {
        let is_shown = self.detail == Some(Tab::Why)
            && self.row(world).is_some_and(|row| row.flow == Some(flow));
        let is_looked_at = is_shown || self.sought.is_some_and(|sought| sought.flow == flow);
        let stream = &world.board.stream;
        let mut rows = (0..self.len(world)).rev().filter_map(|at| stream.get(at));
        let found = rows.find(|row| row.operation == Some(operation));
        if let Some(number) = found.map(|row| row.number).filter(|_| is_looked_at) {
            self.select(world, number);
            self.show_why();
        }
    }

    /// Puts the typed filter on the stream; while it cannot be read, the last good one.
    fn read_filter(&mut self) -> Vec<Wish> {
        let text = self.filter.value("filter");
        let read = Filter::parse(&text);
        let field = self.filter.field_mut("filter");
        let filter = match read {
            Ok(filter) => {
                if let Some(field) = field {
                    field.error = None;
                }
                self.good_filter = text;
                filter
            }
            Err(error) => {
                if let Some(field) = field {
                    field.refuse(error.part, error.told);
                }
                let (good, filter) = self.last_good(&text);
                self.good_filter = good;
                filter
            }
        };
        vec![Wish::Filter(filter)]
    }

    /// Returns the filter that holds while a text cannot be read: the whole words before the one that is being written, or
    /// what held before. The beginning of a word is no filter that anybody meant, and would empty the list.
    fn last_good(&self, text: &str) -> (String, Filter) {
        let mut rest = text;
        while let Some((before, _)) = rest.rsplit_once(char::is_whitespace) {
            rest = before.trim_end();
            if let Ok(filter) = Filter::parse(rest)
                && !filter.is_open()
            {
                return (rest.to_owned(), filter);
            }
        }
        let held = Filter::parse(&self.held_filter).unwrap_or_default();
        (self.held_filter.clone(), held)
    }

    /// Tells whether the typed filter cannot be read.
    fn is_wrong(&self) -> bool {
        let mut fields = self.filter.fields.iter();
        fields.any(|field| field.error.is_some())
    }

    fn shows_marked(&self) -> bool {
        self.filter.value("filter") == MARKED
    }

    fn set_filter(&mut self, text: &str) -> Vec<Wish> {
        self.filter = Form::new(vec![Field::text("filter", "/", text)], Vec::new());
        self.read_filter()
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
            // What is wrong with it stands below it.
            let rows = self.filter.height(area.width).min(area.height - 3);
            let bar = Rect {
                y: area.bottom() - rows,
                height: rows,
                ..area
            };
            (
                Rect {
                    height: area.height - rows,
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
        }
    }

    fn takes_text(&self) -> bool {
        self.filtering
    }

    fn key(&mut self, world: &World, key: Key) -> Option<Vec<Wish>> {
        self.rest();
        if self.filtering {
            match key.code {
                // What cannot be read is not taken for a filter: it stays open, with the reason below it, until it is
                // mended or given up.
                KeyCode::Enter => self.filtering = self.is_wrong(),
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
        let has_rows = self.len(world) > 0;
        let mut actions = vec![
            Action::new("follow", Key::letter('f'), "Follow the newest")
                .like("outbound journal exchanges"),
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
            if self.detail.is_none() {
                actions.push(
                    Action::new("open", Key::of(KeyCode::Enter), "Detail: why, wire, target")
                        .like(format!("outbound journal show {flow}")),
                );
            }
            actions.extend([
                Action::new("diff", Key::letter('d'), "Target: what changed there"),
                Action::new("copy", Key::letter('y'), "Copy as curl, HAR, JSON"),
                Action::new("problem", Key::letter('!'), "Next problem")
                    .like("outbound journal dead"),
                Action::new("mark", Key::letter('m'), "Mark"),
                Action::new("field", Key::letter('n'), "Next field, marked in all three").quiet(),
                Action::new("field-back", Key::letter('N'), "Previous field").quiet(),
            ]);
            let number = row.filter(|row| row.exchange().is_some());
            if let Some(number) = number.and_then(|row| row.seq) {
                actions.push(
                    Action::new(
                        "replay",
                        Key::letter('R'),
                        "Replay: send this request again",
                    )
                    .like(format!("outbound replay {number}"))
                    .quiet(),
                );
            }
            let retried = row.filter(|row| self.can_retry(world, row));
            if let Some(operation) = retried.and_then(|row| row.operation) {
                actions.push(
                    Action::new("retry", Key::letter('r'), "Retry")
                        .like(format!("outbound journal retry {operation}")),
                );
            }
        }
        if has_rows || self.shows_marked() {
            let label = if self.shows_marked() {
                "Show all, not only marked"
            } else {
                "Show only marked"
            };
            actions.push(Action::new("marked", Key::letter('M'), label).quiet());
        }
        if !world.board.stream.filter().is_open() {
            actions.push(Action::named("clear", "Clear the filter"));
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        match id {
            "follow" => return self.follow(),
            "pause" if self.mode == Mode::Paused => return self.follow(),
            "pause" => {
                self.selected = self.row(world).map(|row| row.number);
                self.hold(world, Mode::Paused);
            }
            "filter" => {
                self.filtering = true;
                self.held_filter.clone_from(&self.good_filter);
            }
            "clear" => return self.set_filter(""),
            "open" => self.detail = Some(self.tab),
            "diff" => {
                self.tab = Tab::Target;
                self.detail = Some(Tab::Target);
            }
            "copy" => return self.copy(world),
            "problem" => return self.next_problem(world),
            "marked" if self.shows_marked() => return self.set_filter(""),
            "marked" => return self.set_filter(MARKED),
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
            "replay" => return self.replay(world),
            _ => {}
        }
        Vec::new()
    }

    fn wants(&mut self, world: &World) -> Vec<Query> {
        let found = self.sought.map(|one| (one, self.newest_of(world, one)));
        if let Some((sought, Some(row))) = found {
            // The newest row goes on being followed: more of the flow may come.
            if self.row(world).is_none_or(|one| one.number != row.number) {
                self.select(world, row.number);
            }
            self.show_sought(sought, row);
        }
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

    fn answer(&mut self, world: &World, answer: &Answer) -> Vec<Wish> {
        match answer {
            Answer::Trace(flow, trace) if self.asked == Some(*flow) => {
                self.asked = None;
                self.trace = Some((*flow, trace.clone()));
            }
            Answer::Unread(Query::Trace(flow), _) if self.asked == Some(*flow) => self.asked = None,
            Answer::Unread(Query::Older { .. }, _) => self.older = Older::Perhaps,
            Answer::Older { rows, is_all } => {
                self.older = if *is_all { Older::None } else { Older::Perhaps };
                // What was read at the start may have come meanwhile, and reaches further back than what was asked from.
                let oldest = world.board.stream.oldest();
                let is_older = |row: &&Row| {
                    let both = row.seq.zip(oldest);
                    both.is_none_or(|(seq, oldest)| seq < oldest)
                };
                let rows: Vec<Row> = rows.iter().filter(is_older).cloned().collect();
                let before = rows.iter().find_map(|row| row.seq).or(oldest);
                let goes_on = self.has_older() && self.seeks(world, &rows);
                let before = before.filter(|_| goes_on);
                let mut wishes = vec![Wish::Prepend(rows)];
                wishes.extend(before.map(|before| self.read_before(world, before)));
                return wishes;
            }
            // As many as are read at once: there may be older ones.
            Answer::Begun { rows, .. } => {
                self.older = if rows.len() < WINDOW {
                    Older::None
                } else {
                    Older::Perhaps
                };
            }
            _ => {}
        }
        Vec::new()
    }

    fn errand(&mut self, world: &World, errand: Errand) -> Vec<Wish> {
        match errand {
            Errand::NextProblem => return self.next_problem(world),
            Errand::Flow(flow) => return self.go_to(world, Sought::flow(flow)),
            Errand::Operation { flow, operation } => {
                let mut sought = Sought::flow(flow);
                sought.operation = Some(operation);
                return self.go_to(world, sought);
            }
            Errand::Failed { flow, operation } => self.show_failed(world, flow, operation),
            Errand::Trigger { .. } | Errand::Role { .. } | Errand::Select { .. } => {}
        }
        Vec::new()
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        self.rest();
        if std::mem::take(&mut self.filtering) {
            if self.is_wrong() {
                let good = std::mem::take(&mut self.good_filter);
                return Some(self.set_filter(&good));
            }
            return Some(Vec::new());
        }
        if self.detail.take().is_some() {
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
        if let Some(sought) = self.sought.filter(|sought| sought.until.is_none()) {
            let what = sought.operation.map_or("flow", |_| "operation");
            let flow = sought.flow;
            format!("none of these rows is of that {what}: outbound journal show {flow}")
        } else if filter.is_open() {
            "filter: (none)   / filters, for example  target:corp-scim st>=400 !op:lookup"
                .to_owned()
        } else {
            format!("filter: {filter}   Esc clears")
        }
    }
}
