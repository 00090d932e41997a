//! *Journal*: the operations by state; what is owed, in doubt, dead, and what to do about it.

use std::collections::BTreeSet;
use std::time::Duration;

use crossterm::event::KeyCode;
use domain::{ConnectorRef, FlowId, OperationId};
use engine::{FlowTrace, Life, OperationView, State};
use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::keymap::{Key, Move};
use crate::modal::{Modal, Question, Sheet};
use crate::paint::{Column, Pen, Span, cells, counted};
use crate::panel::Panel;
use crate::panels::BESIDE;
use crate::panels::safeguards::{approval, approved, banners, causes, culprits};
use crate::screen::movement;
use crate::why;
use crate::widgets::{Button, Field, Form, List, Text};
use crate::wish::{Answer, Deed, Errand, Query, Safeguards, Wish};
use crate::world::World;

/// The tabs: all, then each state.
const STATES: [Option<State>; 9] = [
    None,
    Some(State::Queued),
    Some(State::InFlight),
    Some(State::InDoubt),
    Some(State::Retrying),
    Some(State::Held),
    Some(State::Dead),
    Some(State::Settled),
    Some(State::Discarded),
];

/// How many more operations are read at most when somebody wants the last one. Pressed again, it reads on.
const AT_ONCE: usize = 10_000;

/// The panel.
#[derive(Default)]
pub(crate) struct Journal {
    tab: usize,
    list: List,
    text: Text,
    operations: Vec<OperationView>,
    version: Option<u64>,
    read: Option<usize>,
    asked: bool,
    is_all: bool,
    open: bool,
    trace: Option<(FlowId, Option<Box<FlowTrace>>)>,
    asked_trace: Option<FlowId>,
    asked_at: u64,
    /// Reading goes on until so many operations are here, or all: somebody wants the last one.
    to_last: Option<usize>,
    safeguards: Safeguards,
    /// For which state of the operations they were read, and whether with the causes of dead letters.
    guarded: Option<(u64, bool)>,
    is_guarding: bool,
    marked: BTreeSet<OperationId>,
    /// Somebody went away from the newest operation; that others came above it since is no such thing.
    left_newest: bool,
    /// The list is to begin with the newest when it was read: somebody came back to it.
    to_newest: bool,
    /// What was selected and has left the list for the moment, as what is tried again leaves the dead ones: it is selected
    /// again when it comes back, unless somebody went on.
    gone: Option<OperationId>,
}

impl Journal {
    /// Selects an operation again in a list that was read anew, by itself and not by its place.
    fn reselect(&mut self, selected: Option<OperationId>) {
        let place = |id: OperationId| self.operations.iter().position(|one| one.operation == id);
        if let Some(at) = self.gone.and_then(place) {
            self.list.at = at;
            self.gone = None;
        } else if let Some(at) = selected.and_then(place) {
            self.list.at = at;
        } else {
            self.gone = self.gone.or(selected);
        }
    }

    fn selected(&self) -> Option<&OperationView> {
        self.operations
            .get(self.list.selected(self.operations.len())?)
    }

    /// Asks for the operations after the last one that is here, unless that is the last of all.
    fn more(&mut self) -> Option<Query> {
        if self.is_all || self.asked {
            return None;
        }
        let before = Some(self.operations.last()?.seq);
        self.asked = true;
        Some(Query::Operations {
            state: STATES[self.tab],
            before,
        })
    }

    /// Goes on to the last operation, when somebody wants it.
    fn on_to_last(&mut self) -> Vec<Wish> {
        let Some(enough) = self.to_last else {
            return Vec::new();
        };
        self.list.go(Move::Last, self.operations.len());
        let more = if self.operations.len() < enough {
            self.more()
        } else {
            None
        };
        if more.is_none() {
            self.to_last = None;
        }
        more.into_iter().map(Wish::Ask).collect()
    }

    /// Says how many operations there are in which state.
    fn counted(&self, world: &World) -> String {
        let board = &world.board;
        let counts: Vec<String> = STATES
            .iter()
            .flatten()
            .map(|state| (state.word(), board.count(*state)))
            .filter(|(_, count)| *count > 0)
            .map(|(word, count)| format!("{word} {count}"))
            .collect();
        match (counts.is_empty(), self.operations.is_empty()) {
            // Until all are counted, only those that are owed are.
            (true, true) if !board.is_counted() => String::new(),
            (true, true) => "no operation yet".to_owned(),
            (true, false) => "nothing is owed now".to_owned(),
            (false, _) if board.owed() == 0 => {
                format!("nothing is owed now · {}", counts.join(" · "))
            }
            (false, _) => counts.join(" · "),
        }
    }

    /// Returns the marked operations, or all that are shown, as far as something can be done with them.
    fn meant(&self, can: fn(&Life) -> bool) -> impl Iterator<Item = &OperationView> {
        self.operations.iter().filter(move |one| {
            can(&one.life) && (self.marked.is_empty() || self.marked.contains(&one.operation))
        })
    }

    fn several(&self, can: fn(&Life) -> bool) -> Vec<OperationId> {
        self.meant(can).map(|one| one.operation).collect()
    }

    /// Asks whether several operations are to be tried again.
    fn ask_retry(&self, world: &World) -> Vec<Wish> {
        let all = self.several(is_retried);
        let real: BTreeSet<String> = self
            .meant(is_retried)
            .filter(|one| !world.is_mock(&one.connector))
            .map(|one| one.connector.to_string())
            .collect();
        let count = counted(all.len(), "operation");
        let mut body = vec![format!("Tried again now: {count}.")];
        if !real.is_empty() {
            let real = Vec::from_iter(real).join(", ");
            body.push(format!("No mocks, so it is sent for real: {real}."));
        }
        let which = if self.marked.is_empty() {
            "Retry all?"
        } else {
            "Retry what is marked?"
        };
        // The marks go when it is done: who cancels has them still.
        let does = vec![
            Wish::Do(Deed::Retry(all)),
            Wish::Act("journal", "unmark-all"),
        ];
        let answers = vec![("Retry", does), ("Cancel", Vec::new())];
        let question = Question::new(which, body, None, answers);
        vec![Wish::Show(Box::new(Modal::Question(question)))]
    }

    /// Returns what can be done with the selected operation, or with all that are marked as far as it can.
    fn steps(&self, one: &OperationView) -> Vec<Action> {
        let (retry, discard) = (Key::letter('r'), Key::letter('D'));
        if self.marked.is_empty() {
            let id = one.operation;
            // In a list of one state all rows have the same keys.
            let place = |action: Action| match STATES[self.tab] {
                None => action.varies(),
                Some(_) => action,
            };
            let mut steps = Vec::new();
            if is_retried(&one.life) {
                let retry = Action::new("retry", retry, "Retry");
                steps.push(place(retry.like(format!("outbound journal retry {id}"))));
            }
            if is_discarded(&one.life) {
                let discard = Action::new("discard", discard, "Discard");
                let command = format!("outbound journal discard {id}");
                steps.push(place(discard.like(command)));
            }
            return steps;
        }
        let of = |id, key, word: &str, count: usize| {
            let label = format!("{word}: {count} marked");
            (count > 0).then(|| Action::new(id, key, label))
        };
        let steps = [
            of("retry", retry, "Retry", self.several(is_retried).len()),
            of(
                "discard",
                discard,
                "Discard",
                self.several(is_discarded).len(),
            ),
        ];
        steps.into_iter().flatten().collect()
    }

    /// Says how many are marked, in whatever state they are by now.
    fn note(&self) -> String {
        match self.marked.len() {
            0 => "[ ] states".to_owned(),
            count => format!("{count} marked · [ ] states"),
        }
    }

    fn draw_list(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let state = STATES[self.tab].map_or("all", State::word);
        let title = format!("Journal  [{state}]");
        let inner = pen.frame(area, &title, &self.note(), !self.open);
        if inner.height < 3 {
            return;
        }
        let counts = self.counted(world);
        let width = inner.width.saturating_sub(1);
        pen.put(inner.x + 1, inner.y, width, &counts, theme.dim);
        let mut top = 1;
        for banner in banners(&self.safeguards, world) {
            if top + 3 > inner.height {
                break;
            }
            let room = Rect {
                x: inner.x + 1,
                y: inner.y + top,
                width: inner.width.saturating_sub(1),
                height: (inner.height - top - 2).min(2),
            };
            top += pen.excerpt(room, &banner, theme.warn);
        }
        let rows = Rect {
            y: inner.y + top,
            height: inner.height - top,
            ..inner
        };
        if self.operations.is_empty() {
            let text = match STATES[self.tab] {
                None => " No operations yet. t triggers something.",
                Some(State::Dead) => " No dead letters.",
                Some(_) => " None in this state.",
            };
            pen.paragraph(rows, text, theme.dim);
            return;
        }
        self.list.draw(
            pen,
            rows,
            self.operations.len(),
            !self.open,
            |pen, row, at| {
                let one = &self.operations[at];
                let probe = world.next_probe(&one.connector);
                let (state, style) = match one.life {
                    life if why::awaited_probe(life, probe).is_some() => {
                        ("waits for a probe".to_owned(), theme.warn)
                    }
                    Life::Settled => ("settled".to_owned(), theme.good),
                    Life::Dead => ("dead".to_owned(), theme.bad),
                    Life::Retrying { at } => (format!("retrying {}", due(world, at)), theme.warn),
                    Life::InDoubt { at } => (format!("in doubt {}", due(world, at)), theme.warn),
                    Life::Held { reason } => (format!("held {reason}"), theme.warn),
                    other => (other.word().to_owned(), theme.text),
                };
                let mark = if self.marked.contains(&one.operation) {
                    "*"
                } else {
                    ""
                };
                // Behind the time, so that the times stand below each other.
                let time = format!("{}{mark}", world.time(one.queued));
                let name = one.name.to_string();
                if row.width < NARROW {
                    // What is done to whom comes before when, and where: Why tells the rest.
                    let state = format!("{}{mark}", one.life.word());
                    let columns = [
                        Column::new(&state, 10, style),
                        Column::new(one.verb.word(), 11, theme.text),
                        Column::new(&name, row.width.saturating_sub(10 + 11 + 2), theme.text),
                    ];
                    pen.columns(row, &columns);
                    return;
                }
                let tries = one.attempts.to_string();
                let error = &one.told_error().unwrap_or_default();
                let rest = row.width.saturating_sub(9 + 18 + 22 + 11 + 16 + 3 + 6);
                let connector_width = if rest > 12 { 22 } else { 15 };
                let connector = connector_within(world, &one.connector, connector_width.into());
                let columns = [
                    Column::new(&time, 9, theme.dim),
                    Column::new(&state, 18, style),
                    Column::new(&connector, connector_width, theme.text),
                    Column::new(one.verb.word(), 11, theme.text),
                    Column::new(&name, 16, theme.text),
                    Column::right(&tries, 3, theme.dim),
                    Column::new(error, rest, theme.dim),
                ];
                pen.columns(row, &columns);
            },
        );
        // Newer ones come above what is selected, and are told of where they cannot be seen.
        let above = self.list.above();
        if above > 0 {
            let told = format!("  ↑{above} newer");
            let wide = u16::try_from(cells(&told)).unwrap_or(0).min(inner.width);
            pen.put(inner.right() - wide, inner.y, wide, &told, theme.warn);
        }
    }

    fn draw_why(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let inner = pen.frame(area, "Why", "", self.open);
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(1),
            ..inner
        };
        let Some(one) = self.selected() else { return };
        match &self.trace {
            Some((flow, Some(trace))) if *flow == one.flow => {
                let (time, probe) = (
                    |at| world.time(at),
                    |one: &ConnectorRef| world.next_probe(one),
                );
                let lines = why::tell(trace, Some(&one.connector), &theme, &time, &probe);
                self.text
                    .draw(pen, inner, lines.len(), |at| lines[at].line.clone());
            }
            Some((flow, None)) if *flow == one.flow => {
                pen.paragraph(
                    inner,
                    "The journal has no facts of this flow any more.",
                    theme.dim,
                );
            }
            _ => {
                self.text
                    .draw(pen, inner, 1, |_| vec![Span::new("reading …", theme.dim)]);
            }
        }
    }
}

/// Below so many cells a row says how an operation stands, and what is done to whom; nothing else.
const NARROW: u16 = 60;

/// Names a connector in so many cells: by its connection alone where there is no room for both and it has no other.
fn connector_within(world: &World, connector: &ConnectorRef, room: usize) -> String {
    let whole = connector.to_string();
    if cells(&whole) <= room {
        return whole;
    }
    let connections = world.running.connections.iter();
    let of = connections
        .filter(|one| one.id == connector.connection)
        .flat_map(|one| &one.connectors);
    if of.count() == 1 {
        connector.connection.to_string()
    } else {
        whole
    }
}

/// From how many seconds before it is due they are counted down.
const COUNTED_DOWN: i64 = 600;

/// Says when something is due: in seconds and minutes as long as they can be waited for, else as a time of day.
fn due(world: &World, at: Timestamp) -> String {
    match at.as_second() - world.now.as_second() {
        ..=0 => "now".to_owned(),
        seconds @ 1..60 => format!("in {seconds}s"),
        seconds @ 60..COUNTED_DOWN => format!("in {}m {}s", seconds / 60, seconds % 60),
        _ => world.time(at),
    }
}

/// Tells whether the engine takes an operation to be tried again: what is held is resumed or approved instead, and what
/// was given up is asked for again.
pub(crate) fn is_retried(life: &Life) -> bool {
    matches!(life.state(), State::Retrying | State::InDoubt | State::Dead)
}

fn is_discarded(life: &Life) -> bool {
    life.is_open() || *life == Life::Dead
}

impl Panel for Journal {
    fn id(&self) -> &'static str {
        "journal"
    }

    fn title(&self) -> &'static str {
        "Journal"
    }

    fn short(&self) -> &'static str {
        "Journal"
    }

    fn draw(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        if area.width >= BESIDE && area.height >= 16 {
            let half = area.height / 2;
            self.draw_list(
                world,
                pen,
                Rect {
                    height: half,
                    ..area
                },
            );
            self.draw_why(
                world,
                pen,
                Rect {
                    y: area.y + half,
                    height: area.height - half,
                    ..area
                },
            );
        } else if self.open {
            self.draw_why(world, pen, area);
        } else {
            self.draw_list(world, pen, area);
        }
    }

    fn arrive(&mut self, world: &World) -> Vec<Wish> {
        if !self.open && !self.left_newest {
            self.list.at = 0;
            // What came since is read first.
            self.to_newest = self.version != Some(world.board.operations_version);
        }
        Vec::new()
    }

    fn key(&mut self, _world: &World, key: Key) -> Option<Vec<Wish>> {
        self.to_newest = false;
        if let Some(to) = movement(key, false) {
            if self.open {
                self.text.go(to, 10_000);
                return Some(Vec::new());
            }
            self.gone = None;
            let at_end = self.list.at + 1 >= self.operations.len();
            self.list.go(to, self.operations.len());
            self.left_newest = self.list.at > 0;
            self.text = Text::default();
            self.to_last = (to == Move::Last).then(|| self.operations.len() + AT_ONCE);
            let wants_more = match to {
                Move::Down | Move::PageDown => at_end,
                Move::Last => true,
                Move::Up | Move::PageUp | Move::First => false,
            };
            let more = if wants_more { self.more() } else { None };
            return Some(more.into_iter().map(Wish::Ask).collect());
        }
        match key.code {
            // The states belong to the list, which may not even be shown while Why has the keys.
            KeyCode::Char('[' | ']') if self.open => {}
            KeyCode::Char(sign @ ('[' | ']')) => {
                self.tab =
                    (self.tab + if sign == ']' { 1 } else { STATES.len() - 1 }) % STATES.len();
                self.list = List::default();
                self.gone = None;
                self.left_newest = false;
                self.operations.clear();
                self.version = None;
                self.to_last = None;
            }
            KeyCode::Tab | KeyCode::BackTab => self.open = !self.open,
            _ => return None,
        }
        Some(Vec::new())
    }

    fn actions(&self, world: &World) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(one) = self.selected() {
            if !self.open {
                actions.push(
                    Action::new("why", Key::of(KeyCode::Enter), "Why")
                        .like(format!("outbound journal show {}", one.flow)),
                );
            }
            actions.push(
                Action::new("traffic", Key::letter('o'), "Show in Traffic").like(format!(
                    "outbound journal exchanges --connector {}",
                    one.connector
                )),
            );
            actions.extend(self.steps(one));
            let connector = &one.connector;
            let paused = world.board.count(State::Held) > 0;
            actions.push(
                Action::named("pause", format!("Pause {connector}"))
                    .like(format!("outbound connector pause {connector}")),
            );
            if paused {
                actions.push(
                    Action::named("resume", format!("Resume {connector}"))
                        .like(format!("outbound connector resume {connector}")),
                );
            }
        }
        if let Some(quarantine) = self.safeguards.quarantines.first() {
            actions.push(
                Action::new("quarantine", Key::letter('Q'), "Quarantine: the requests")
                    .like(format!("outbound quarantine show {}", quarantine.connector)),
            );
        }
        if let Some((brake, _)) = self.safeguards.brakes.first() {
            actions.push(
                Action::new("brake", Key::letter('B'), "Brake: approve or reject").like(format!(
                    "outbound brake approve {} --by NAME",
                    brake.connector
                )),
            );
        }
        if STATES[self.tab] == Some(State::Dead) {
            actions.push(
                Action::new("causes", Key::letter('C'), "Dead letters by cause")
                    .like("outbound journal dead"),
            );
        }
        actions.push(
            Action::named("dead", "Journal: dead letters")
                .like("outbound journal operations --state dead"),
        );
        if !self.operations.is_empty() {
            actions.push(Action::new("mark", Key::letter(' '), "Mark").quiet());
            // What is marked has the keys.
            let (retried, discarded) = if self.marked.is_empty() {
                (self.several(is_retried), self.several(is_discarded))
            } else {
                actions.push(Action::named("unmark-all", "Take all marks away"));
                (Vec::new(), Vec::new())
            };
            if !retried.is_empty() {
                let label = format!("Retry all {} shown", retried.len());
                actions.push(Action::named("retry-all", label));
            }
            if !discarded.is_empty() {
                let label = format!("Discard all {} shown", discarded.len());
                actions.push(Action::named("discard-all", label));
            }
        }
        actions
    }

    fn act(&mut self, world: &World, id: &str) -> Vec<Wish> {
        let known = &self.safeguards;
        let modal = match id {
            "quarantine" => known
                .quarantines
                .first()
                .map(|quarantine| culprits(quarantine, world, &world.theme)),
            "brake" => known
                .brakes
                .first()
                .map(|(brake, kept)| approval(brake, *kept)),
            "causes" => Some(causes(&known.groups, world, &world.theme)),
            _ => None,
        };
        if let Some(modal) = modal {
            return vec![Wish::Show(Box::new(modal))];
        }
        if id == "dead" {
            self.tab = 6;
            self.open = false;
            self.gone = None;
            self.left_newest = false;
            self.operations.clear();
            self.version = None;
            self.to_last = None;
            return Vec::new();
        }
        if id == "unmark-all" {
            self.marked.clear();
            return Vec::new();
        }
        // Whoever does something with this one has gone on.
        self.gone = None;
        let Some(one) = self.selected() else {
            return Vec::new();
        };
        match id {
            "why" => self.open = true,
            "traffic" => {
                let errand = Errand::Operation {
                    flow: one.flow,
                    operation: one.operation,
                };
                return vec![Wish::Go("traffic", Some(errand))];
            }
            "retry" if self.marked.is_empty() => {
                let deed = Wish::Do(Deed::Retry(vec![one.operation]));
                if world.is_mock(&one.connector) {
                    return vec![deed];
                }
                let body = vec![format!(
                    "{} is not a mock: {} of {} is sent to it again.",
                    one.connector, one.verb, one.name
                )];
                let answers = vec![("Send", vec![deed]), ("Cancel", Vec::new())];
                let question = Question::new("Try again at a real target?", body, None, answers);
                return vec![Wish::Show(Box::new(Modal::Question(question)))];
            }
            "retry" | "retry-all" => return self.ask_retry(world),
            "mark" => {
                let id = one.operation;
                if !self.marked.remove(&id) {
                    self.marked.insert(id);
                }
            }
            "discard" | "discard-all" => {
                let (sheet, title) = if id == "discard" && self.marked.is_empty() {
                    (
                        one.operation.to_string(),
                        format!("Discard {} of {} at {}?", one.verb, one.name, one.connector),
                    )
                } else {
                    let count = self.several(is_discarded).len();
                    let count = counted(count, "operation");
                    ("all".to_owned(), format!("Discard {count}?"))
                };
                let form = Form::new(
                    vec![
                        Field::text("why", "Why", "")
                            .required()
                            .hint("Stands in the journal beside the operation."),
                    ],
                    vec![
                        Button::acts("discard", "Discard"),
                        Button::leaves("cancel", "Cancel"),
                    ],
                );
                return vec![Wish::Show(Box::new(Modal::Sheet(Sheet {
                    panel: "journal",
                    id: sheet,
                    title,
                    note: String::new(),
                    form,
                    says: vec![
                        "It is given up for good: the target is not asked, and nothing is sent."
                            .to_owned(),
                    ],
                })))];
            }
            "pause" => return vec![Wish::Do(Deed::Pause(one.connector.clone()))],
            "resume" => return vec![Wish::Do(Deed::Resume(one.connector.clone()))],
            _ => {}
        }
        Vec::new()
    }

    fn wants(&mut self, world: &World) -> Vec<Query> {
        let mut queries = Vec::new();
        let version = world.board.operations_version;
        let fresh = self.version == Some(version) && self.read == Some(self.tab);
        if !fresh && !self.asked {
            self.asked = true;
            self.version = Some(version);
            self.read = Some(self.tab);
            queries.push(Query::Operations {
                state: STATES[self.tab],
                before: None,
            });
        }
        let groups = STATES[self.tab] == Some(State::Dead);
        if self.guarded != Some((version, groups)) && !self.is_guarding {
            self.is_guarding = true;
            self.guarded = Some((version, groups));
            queries.push(Query::Safeguards { groups });
        }
        let looks = self.open || world.width >= BESIDE;
        if let Some(flow) = self.selected().map(|one| one.flow).filter(|_| looks) {
            let known = self.trace.as_ref().is_some_and(|(shown, _)| *shown == flow);
            if self.asked_trace.is_none()
                && (!known || world.board.changed_since(flow, self.asked_at))
            {
                self.asked_trace = Some(flow);
                self.asked_at = world.board.seq;
                queries.push(Query::Trace(flow));
            }
        }
        queries
    }

    fn answer(&mut self, _world: &World, answer: &Answer) -> Vec<Wish> {
        match answer {
            Answer::Operations {
                state,
                before,
                list,
            } if self.asked => {
                self.asked = false;
                if *state == STATES[self.tab] {
                    let is_first = before.is_none() && std::mem::take(&mut self.to_newest);
                    let selected = self.selected().filter(|_| !is_first);
                    let selected = selected.map(|one| one.operation);
                    if before.is_none() {
                        self.operations.clear();
                    }
                    self.is_all = list.is_empty();
                    self.operations.extend(list.iter().cloned());
                    if is_first {
                        self.gone = None;
                    }
                    self.reselect(selected);
                    return self.on_to_last();
                }
                self.version = None;
            }
            Answer::Safeguards(known) if self.is_guarding => {
                self.is_guarding = false;
                self.safeguards = known.as_ref().clone();
            }
            Answer::Unread(Query::Operations { .. }, _) => {
                self.asked = false;
                self.version = None;
            }
            Answer::Unread(Query::Safeguards { .. }, _) => {
                self.is_guarding = false;
                self.guarded = None;
            }
            Answer::Unread(Query::Trace(flow), _) if self.asked_trace == Some(*flow) => {
                self.asked_trace = None;
            }
            Answer::Trace(flow, trace) if self.asked_trace == Some(*flow) => {
                self.asked_trace = None;
                self.trace = Some((*flow, trace.clone()));
            }
            _ => {}
        }
        Vec::new()
    }

    fn submitted(&mut self, _world: &World, sheet: &str, form: &Form, button: &str) -> Vec<Wish> {
        if let Some(wishes) = approved(sheet, form, button) {
            return wishes;
        }
        let operations = if sheet == "all" {
            let all = self.several(is_discarded);
            self.marked.clear();
            all
        } else {
            sheet.parse().into_iter().collect()
        };
        if operations.is_empty() {
            return Vec::new();
        }
        vec![Wish::Do(Deed::Discard(operations, form.value("why")))]
    }

    fn counts_down(&self, world: &World) -> Option<Duration> {
        let waits = self.operations.iter().filter_map(|one| match one.life {
            // That it waits for a probe is told without a time.
            life if why::awaited_probe(life, world.next_probe(&one.connector)).is_some() => None,
            Life::Retrying { at } | Life::InDoubt { at } if at > world.now => {
                let left = at.duration_since(world.now).as_secs();
                // Before that it is told by the time of day.
                let still = u64::try_from(left.saturating_sub(COUNTED_DOWN)).unwrap_or(0);
                Some(Duration::from_secs(still.max(1)))
            }
            _ => None,
        });
        waits.min()
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        std::mem::take(&mut self.open).then(Vec::new)
    }

    fn status(&self, world: &World) -> String {
        let dead = world.board.count(State::Dead);
        match (world.board.owed(), dead) {
            (0, 0) => "everything is settled".to_owned(),
            (owed, 0) => format!("{owed} owed"),
            (owed, dead) => {
                let dead = counted(dead, "dead letter");
                format!("{owed} owed · {dead}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use engine::Counts;
    use uuid::Uuid;

    use super::*;
    use crate::samples;
    use crate::theme::ThemeName;

    fn world() -> World {
        samples::world(ThemeName::Dark, "workbench.toml".into())
    }

    fn page(before: Option<u64>, list: Vec<OperationView>) -> Answer {
        Answer::Operations {
            state: None,
            before,
            list,
        }
    }

    #[test]
    fn no_operation_yet_is_not_the_same_as_nothing_owed_now() {
        let (mut world, mut journal) = (world(), Journal::default());
        assert_eq!(journal.counted(&world), "", "nobody knows yet");
        world.board.counted(0, Counts::new());
        assert_eq!(journal.counted(&world), "no operation yet");
        journal.operations = samples::operations();
        assert_eq!(journal.counted(&world), "nothing is owed now");
    }

    #[test]
    fn the_title_counts_what_is_marked() {
        let (world, mut journal) = (world(), Journal::default());
        journal.operations = samples::operations();
        assert_eq!(journal.note(), "[ ] states");
        journal.act(&world, "mark");
        journal.key(&world, Key::letter('j'));
        journal.act(&world, "mark");
        assert_eq!(journal.note(), "2 marked · [ ] states");
        journal.act(&world, "mark");
        assert_eq!(journal.note(), "1 marked · [ ] states");
    }

    #[test]
    fn the_status_stays_and_the_row_says_which_keys_do_something() {
        let (mut world, mut journal) = (world(), Journal::default());
        journal.operations = samples::operations();
        let connector = journal.operations[0].connector.clone();
        let states = std::collections::BTreeMap::from([(State::Dead, 1)]);
        world.board.counted(0, Counts::from([(connector, states)]));
        let keys = |journal: &Journal| {
            let actions = journal.actions(&world).into_iter();
            let shown = actions.filter(|action| action.in_row && action.varies);
            shown.map(|action| action.word()).collect::<Vec<_>>()
        };
        // Settled, retrying, dead, held.
        for (at, wanted) in [
            (0, vec![]),
            (1, vec!["retry", "discard"]),
            (2, vec!["retry", "discard"]),
            (3, vec!["discard"]),
        ] {
            journal.list.at = at;
            assert_eq!(keys(&journal), wanted);
            assert_eq!(journal.status(&world), "0 owed · 1 dead letter");
        }
        // Where all are dead, the keys are the same in every row and stand where there is room for them.
        journal.tab = 6;
        journal.list.at = 2;
        assert!(keys(&journal).is_empty());
        let actions = journal.actions(&world);
        assert!(
            actions
                .iter()
                .any(|one| one.id == "retry" && one.in_row && !one.varies)
        );
    }

    #[test]
    fn what_leaves_the_list_and_comes_back_is_selected_again_unless_somebody_went_on() {
        let (world, mut journal) = (world(), Journal::default());
        let all = samples::operations();
        let mut others = all.clone();
        let retried = others.remove(1).operation;
        let read = |journal: &mut Journal, list: &[OperationView]| {
            journal.asked = true;
            journal.answer(&world, &page(None, list.to_vec()));
            journal.selected().unwrap().operation
        };
        read(&mut journal, &all);
        journal.key(&world, Key::letter('j'));
        assert_eq!(read(&mut journal, &all), retried);
        let next = all[2].operation;
        assert_eq!(read(&mut journal, &others), next);
        assert_eq!(read(&mut journal, &others), next);
        assert_eq!(read(&mut journal, &all), retried);
        // By a key, or by what is done with another one.
        read(&mut journal, &others);
        journal.key(&world, Key::letter('j'));
        assert_eq!(read(&mut journal, &all), all[3].operation);
        journal.key(&world, Key::letter('k'));
        journal.key(&world, Key::letter('k'));
        assert_eq!(read(&mut journal, &others), next);
        journal.act(&world, "mark");
        assert_eq!(read(&mut journal, &all), next);
    }

    #[test]
    fn a_connector_is_named_by_its_connection_where_that_is_enough_and_both_have_no_room() {
        let world = world();
        let google = ConnectorRef::new("acme-google", "google");
        assert_eq!(connector_within(&world, &google, 22), "acme-google/google");
        assert_eq!(connector_within(&world, &google, 15), "acme-google");
        let gone = ConnectorRef::new("gone-from-the-file", "scim2");
        assert_eq!(connector_within(&world, &gone, 15), gone.to_string());
    }

    #[test]
    fn the_last_key_reads_on_to_the_last_operation() {
        let (world, mut journal) = (world(), Journal::default());
        journal.wants(&world);
        journal.answer(&world, &page(None, samples::operations()));
        let asked = journal.key(&world, Key::letter('G')).unwrap();
        let [Wish::Ask(Query::Operations { before, .. })] = &asked[..] else {
            panic!("the operations before the last one are asked for");
        };
        let last = samples::operations().last().unwrap().seq;
        assert_eq!(*before, Some(last));

        let mut older = samples::operations();
        for (one, number) in older.iter_mut().zip(100..) {
            one.operation = OperationId(Uuid::from_u128(number));
        }
        let more = journal.answer(&world, &page(*before, older.clone()));
        assert_eq!(more.len(), 1, "there may be still more");
        let end = journal.answer(&world, &page(*before, Vec::new()));
        assert!(end.is_empty());
        let selected = journal.selected().unwrap().operation;
        assert_eq!(selected, older.last().unwrap().operation);

        journal.key(&world, Key::letter('g'));
        let first = samples::operations()[0].operation;
        assert_eq!(journal.selected().unwrap().operation, first);
    }
}
