//! The mocks where only one pane is shown: what there is to tell of each stands in its own rows, so that an arrow moves
//! the mark and changes nothing else.

use domain::LabMock;
use ratatui::layout::Rect;

use super::{Place, Targets, address_of, state, state_of, told_faults};
use crate::paint::{Column, Pen, counted, wrap};
use crate::world::World;

/// The most rows of a mock; the last of them is blank.
const ROWS: usize = 3;
/// The cells before what stands in the second row.
const INDENT: u16 = 12;
/// The rows that are left for what a mock holds, and the blank one above them.
const LEFT: u16 = 3;
/// What is left of them where what a client needs takes more.
const LEAST: u16 = 1;
const HINT: &str = "Enter shows what a client needs to be let in, and what the mock holds.";

impl Targets {
    /// Draws as many rows of each mock as there is room for.
    pub(super) fn draw_alone(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let count = world.mocks.len().max(1);
        let height = usize::from(area.height);
        let each = (height / count).clamp(1, ROWS);
        let at = self.list.selected(count).unwrap_or(0);
        let focused = self.place == Place::Mocks;
        let rows = count * each;
        self.list
            .draw_at(pen, area, at * each, rows, focused, |pen, row, nth| {
                let Some(mock) = world.mocks.get(nth / each) else {
                    return;
                };
                match nth % each {
                    0 => draw_first(world, pen, row, mock),
                    1 => draw_second(world, pen, row, mock),
                    _ => {}
                }
            });
        let left = u16::try_from(height.saturating_sub(rows)).unwrap_or(0);
        let below = Rect {
            x: area.x + 1,
            y: area.bottom() - left,
            width: area.width.saturating_sub(2),
            height: left,
        };
        pen.paragraph(below, HINT, world.theme.dim);
    }
}

/// Its name, state and address, and how much it holds.
fn draw_first(world: &World, pen: &mut Pen<'_>, row: Rect, mock: &LabMock) {
    let theme = world.theme;
    let (state, style) = state_of(mock, &theme);
    // What another process's mock holds is not known here.
    let holds = if mock.elsewhere.is_some() {
        "-".to_owned()
    } else {
        let users = counted(mock.users, "user");
        format!("{users}  {}", counted(mock.groups, "group"))
    };
    pen.columns(
        row,
        &[
            Column::new(&mock.target, INDENT - 1, theme.name),
            Column::new(state, 9, style),
            Column::new(address_of(mock), 30, theme.text),
            Column::new(&holds, row.width.saturating_sub(53), theme.text),
        ],
    );
}

/// What it was asked, whose manners it has, what changed, and what is armed.
fn draw_second(world: &World, pen: &mut Pen<'_>, row: Rect, mock: &LabMock) {
    let theme = world.theme;
    let row = Rect {
        x: row.x + INDENT,
        width: row.width.saturating_sub(INDENT),
        ..row
    };
    if mock.elsewhere.is_some() {
        let told = "of another process: Enter tells how it is steered";
        pen.put(row.x, row.y, row.width, told, theme.dim);
        return;
    }
    let requests = usize::try_from(mock.requests).unwrap_or(usize::MAX);
    let mut told = vec![counted(requests, "request")];
    let manners = mock.personality.as_ref();
    told.extend(manners.map(|name| format!("manners of {name}")));
    let tally = state::tally(world, &mock.target);
    told.extend(Some(tally).filter(|tally| !tally.is_empty()));
    let used = pen.put(row.x, row.y, row.width, &told.join(" · "), theme.dim) + 2;
    let left = row.width.saturating_sub(used);
    let style = if mock.armed.is_empty() {
        theme.dim
    } else {
        theme.warn
    };
    let faults = told_faults(mock, usize::from(left));
    pen.put(row.x + used, row.y, left, &faults, style);
}

/// Writes what a client needs to be let in, and returns the room that is left for what the mock holds.
pub(super) fn draw_access(pen: &mut Pen<'_>, area: Rect, mock: &LabMock) -> Rect {
    let Some(access) = &mock.access else {
        return area;
    };
    let width = area.width.saturating_sub(2);
    let needed = wrap(access, usize::from(width)).len();
    let has_room = needed + usize::from(LEFT) <= usize::from(area.height);
    let room = Rect {
        x: area.x + 1,
        width,
        height: area
            .height
            .saturating_sub(if has_room { LEFT } else { LEAST }),
        ..area
    };
    let used = pen.excerpt(room, access, pen.theme.dim) + u16::from(has_room);
    Rect {
        y: area.y + used,
        height: area.height.saturating_sub(used),
        ..area
    }
}
