//! *Journal*: the operations by state; what is owed, in doubt, dead, and what to do about it.

use std::collections::BTreeSet;

use crossterm::event::KeyCode;
use domain::{FlowId, OperationId};
use engine::{FlowTrace, Life, OperationView, State};
use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::keymap::{Key, Move};
use crate::modal::{Modal, Question, Sheet};
use crate::paint::{Column, Pen, Span};
use crate::panel::Panel;
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
    safeguards: Safeguards,
    /// For which state of the operations they were read, and whether with the causes of dead letters.
    guarded: Option<(u64, bool)>,
    is_guarding: bool,
    marked: BTreeSet<OperationId>,
}

impl Journal {
    fn selected(&self) -> Option<&OperationView> {
        self.operations
            .get(self.list.selected(self.operations.len())?)
    }

    /// Returns the marked operations, or all that are shown, as far as something can be done with them.
    fn several(&self, can: fn(&Life) -> bool) -> Vec<OperationId> {
        let wanted = |one: &&OperationView| {
            can(&one.life) && (self.marked.is_empty() || self.marked.contains(&one.operation))
        };
        let several = self.operations.iter().filter(wanted);
        several.map(|one| one.operation).collect()
    }

    fn draw_list(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let state = STATES[self.tab].map_or("all", State::word);
        let inner = pen.frame(
            area,
            &format!("Journal  [{state}]"),
            "[ ] states",
            !self.open,
        );
        if inner.height < 3 {
            return;
        }
        let counts: Vec<String> = STATES
            .iter()
            .flatten()
            .map(|state| (state.word(), world.board.count(*state)))
            .filter(|(_, count)| *count > 0)
            .map(|(word, count)| format!("{word} {count}"))
            .collect();
        let line = if counts.is_empty() {
            "nothing was owed yet".to_owned()
        } else {
            counts.join(" · ")
        };
        pen.put(
            inner.x + 1,
            inner.y,
            inner.width.saturating_sub(1),
            &line,
            theme.dim,
        );
        let mut top = 1;
        for banner in banners(&self.safeguards, world) {
            if top + 3 > inner.height {
                break;
            }
            let width = inner.width.saturating_sub(1);
            pen.put(inner.x + 1, inner.y + top, width, &banner, theme.warn);
            top += 1;
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
                let (state, style) = match one.life {
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
                let time = format!("{mark}{}", world.time(one.queued));
                let connector = one.connector.to_string();
                let name = one.name.to_string();
                let tries = one.attempts.to_string();
                let error = one.last_error.as_deref().unwrap_or_default();
                let rest = row.width.saturating_sub(8 + 18 + 22 + 11 + 16 + 3 + 6);
                let columns = [
                    Column::new(&time, 8, theme.dim),
                    Column::new(&state, 18, style),
                    Column::new(&connector, if rest > 12 { 22 } else { 16 }, theme.text),
                    Column::new(one.verb.word(), 11, theme.text),
                    Column::new(&name, 16, theme.text),
                    Column::right(&tries, 3, theme.dim),
                    Column::new(error, rest, theme.dim),
                ];
                pen.columns(row, &columns);
            },
        );
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
                let lines = why::tell(trace, Some(&one.connector), &theme, &|at| world.time(at));
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

/// Says when something is due: in seconds and minutes as long as they can be waited for, else as a time of day.
fn due(world: &World, at: Timestamp) -> String {
    match at.as_second() - world.now.as_second() {
        ..=0 => "now".to_owned(),
        seconds @ 1..60 => format!("in {seconds}s"),
        seconds @ 60..600 => format!("in {}m {}s", seconds / 60, seconds % 60),
        _ => world.time(at),
    }
}

fn is_retried(life: &Life) -> bool {
    !matches!(
        life.state(),
        State::Settled | State::InFlight | State::Queued
    )
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
        if area.width >= 100 && area.height >= 16 {
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

    fn key(&mut self, _world: &World, key: Key) -> Option<Vec<Wish>> {
        if let Some(to) = movement(key, false) {
            if self.open {
                self.text.go(to, 10_000);
                return Some(Vec::new());
            }
            let at_end = self.list.at + 1 >= self.operations.len();
            self.list.go(to, self.operations.len());
            self.text = Text::default();
            if at_end
                && !self.is_all
                && !self.asked
                && matches!(to, Move::Down | Move::PageDown | Move::Last)
                && let Some(last) = self.operations.last()
            {
                self.asked = true;
                let query = Query::Operations {
                    state: STATES[self.tab],
                    before: Some(last.seq),
                };
                return Some(vec![Wish::Ask(query)]);
            }
            return Some(Vec::new());
        }
        match key.code {
            KeyCode::Char(sign @ ('[' | ']')) => {
                self.tab =
                    (self.tab + if sign == ']' { 1 } else { STATES.len() - 1 }) % STATES.len();
                self.list = List::default();
                self.operations.clear();
                self.version = None;
            }
            KeyCode::Tab | KeyCode::BackTab => self.open = !self.open,
            _ => return None,
        }
        Some(Vec::new())
    }

    fn actions(&self, world: &World) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(one) = self.selected() {
            let id = one.operation;
            actions.push(
                Action::new("why", Key::of(KeyCode::Enter), "Why")
                    .like(format!("outbound journal show {}", one.flow)),
            );
            actions.push(
                Action::new("traffic", Key::letter('o'), "Show in Traffic").like(format!(
                    "outbound journal exchanges --connector {}",
                    one.connector
                )),
            );
            if one.life.state() != State::Settled {
                actions.push(
                    Action::new("retry", Key::letter('r'), "Retry now")
                        .like(format!("outbound journal retry {id}")),
                );
            }
            if one.life.is_open() || one.life == Life::Dead {
                actions.push(
                    Action::new("discard", Key::letter('D'), "Discard")
                        .like(format!("outbound journal discard {id}")),
                );
            }
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
            let (retried, discarded) = (self.several(is_retried), self.several(is_discarded));
            let which = if self.marked.is_empty() {
                "shown"
            } else {
                "marked"
            };
            if !retried.is_empty() {
                let label = format!("Retry all {} {which}", retried.len());
                actions.push(Action::named("retry-all", label));
            }
            if !discarded.is_empty() {
                let label = format!("Discard all {} {which}", discarded.len());
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
            self.operations.clear();
            self.version = None;
            return Vec::new();
        }
        let Some(one) = self.selected() else {
            return Vec::new();
        };
        match id {
            "why" => self.open = true,
            "traffic" => return vec![Wish::Go("traffic", Some(Errand::Flow(one.flow)))],
            "retry" => {
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
            "retry-all" => {
                let all = self.several(is_retried);
                let body = vec![format!("{} operations are tried again now.", all.len())];
                self.marked.clear();
                let answers = vec![
                    ("Retry", vec![Wish::Do(Deed::Retry(all))]),
                    ("Cancel", Vec::new()),
                ];
                let question = Question::new("Retry all?", body, None, answers);
                return vec![Wish::Show(Box::new(Modal::Question(question)))];
            }
            "mark" => {
                let id = one.operation;
                if !self.marked.remove(&id) {
                    self.marked.insert(id);
                }
            }
            "discard" | "discard-all" => {
                let (sheet, title) = if id == "discard" {
                    (
                        one.operation.to_string(),
                        format!("Discard {} of {} at {}?", one.verb, one.name, one.connector),
                    )
                } else {
                    let count = self.several(is_discarded).len();
                    ("all".to_owned(), format!("Discard {count} operations?"))
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
        let looks = self.open || world.width >= 100;
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
                    let selected = self.selected().map(|one| one.operation);
                    if before.is_none() {
                        self.operations.clear();
                    }
                    self.is_all = list.is_empty();
                    self.operations.extend(list.iter().cloned());
                    if let Some(at) = selected
                        .and_then(|id| self.operations.iter().position(|one| one.operation == id))
                    {
                        self.list.at = at;
                    }
                } else {
                    self.version = None;
                }
            }
            Answer::Safeguards(known) if self.is_guarding => {
                self.is_guarding = false;
                self.safeguards = known.as_ref().clone();
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

    fn counts_down(&self, world: &World) -> bool {
        self.operations.iter().any(|one| {
            matches!(one.life, Life::Retrying { at } | Life::InDoubt { at } if at > world.now)
        })
    }

    fn back(&mut self) -> Option<Vec<Wish>> {
        std::mem::take(&mut self.open).then(Vec::new)
    }

    fn status(&self, world: &World) -> String {
        let dead = world.board.count(State::Dead);
        match (world.board.owed(), dead) {
            (0, 0) => "everything is settled".to_owned(),
            (owed, 0) => format!("{owed} owed"),
            (owed, dead) => format!("{owed} owed · {dead} dead letter(s): r retries, D discards"),
        }
    }
}
