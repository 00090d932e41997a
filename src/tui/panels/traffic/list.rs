//! The list of exchanges: what its title says, and which columns fit.

use ratatui::layout::Rect;

use super::{BESIDE, Mode, Older, Traffic};
use crate::paint::{Column, Pen, counted};
use crate::stream::{Row, What};
use crate::world::World;

impl Traffic {
    pub(super) fn draw_list(&self, world: &World, pen: &mut Pen<'_>, area: Rect, focused: bool) {
        let stream = &world.board.stream;
        let len = self.len(world);
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
                (0, _) if !world.board.begun => String::new(),
                (0, _) => {
                    "Nothing yet. t triggers something that happens to a user; 5 shows the targets."
                        .to_owned()
                }
                (all, _) => self.none_match(world, all),
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

    pub(super) fn note(&self, world: &World, width: u16) -> String {
        let stream = &world.board.stream;
        let state = match self.mode {
            Mode::Follow => "FOLLOW",
            Mode::Held => "HELD",
            Mode::Paused => "PAUSED",
        };
        let state = match self.new_rows(world) {
            new if new > 0 && self.mode != Mode::Follow => format!("{state} +{new}"),
            _ => state.to_owned(),
        };
        if width < 60 {
            return state;
        }
        let is_gone = |number: u64| self.mode != Mode::Follow && stream.row(number).is_none();
        let gone = if stream.len() > 0 && self.selected.is_some_and(is_gone) {
            ", its row was let go"
        } else {
            ""
        };
        let rows = if stream.filter().is_open() {
            counted(stream.len(), "row")
        } else {
            format!("{} of {} match", stream.shown(), stream.len())
        };
        let lost = match (stream.dropped + world.board.missed, self.has_older()) {
            (0, false) => String::new(),
            // Where there is little room, the rest of it would go for that.
            (0, true) if stream.len() == 0 || width < 80 => String::new(),
            (0, true) => "  older in the journal".to_owned(),
            (dropped, false) => format!("  {dropped} only in the journal"),
            (dropped, true) => format!("  {dropped}+ only in the journal"),
        };
        let memory = if width >= BESIDE {
            format!("  mem {}/{} MB", stream.bytes() >> 20, stream.limit() >> 20)
        } else {
            String::new()
        };
        format!("{state}{gone}  {rows}{lost}{memory}")
    }
}

impl Traffic {
    /// Says that none of so many rows match, and how to look further. Only what is here can be marked.
    fn none_match(&self, world: &World, all: usize) -> String {
        const CLEARS: &str = "Esc clears the filter.";
        let oldest = world.board.stream.oldest_at();
        let Some(oldest) = oldest.filter(|_| self.has_older() && !self.shows_marked()) else {
            return format!("0 of {all} match. {CLEARS}");
        };
        let since = world.moment(oldest);
        let here = format!("None of the {all} rows here matches; they go back to {since}.");
        if self.older == Older::Asked {
            format!("{here} Older ones are being read from the journal. {CLEARS}")
        } else {
            format!("{here} PgUp looks through older ones in the journal. {CLEARS}")
        }
    }
}

/// Which columns fit.
pub(super) struct Layout {
    time: u16,
    target: u16,
    op: u16,
    subject: u16,
    path: u16,
    trace: bool,
}

impl Layout {
    pub(super) fn of(width: u16) -> Self {
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

    pub(super) fn head(&self, pen: &mut Pen<'_>, row: Rect) {
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

    pub(super) fn row(&self, world: &World, pen: &mut Pen<'_>, cells: Rect, row: &Row) {
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
            _ if row.death().is_some() => "dead".to_owned(),
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
            _ => row
                .death()
                .map_or_else(String::new, |death| death.told.clone()),
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
        if row.marked {
            // In the blank behind the time: the times stand below each other, and no column loses a cell.
            let behind = cells.x + self.time;
            pen.put(
                behind,
                cells.y,
                u16::from(behind < cells.right()),
                "*",
                theme.dim,
            );
        }
    }
}

pub(super) fn path_of(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| url.to_owned(),
        |url| match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        },
    )
}

pub(super) fn short_id(id: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_twelve_letters_is_whole_at_80_columns() {
        // Inside the frame.
        assert_eq!(Layout::of(78).subject, 12);
    }
}
