//! A text to read: styled lines, wrapped while they are drawn, only those that can be seen.

use std::cell::Cell;

use ratatui::layout::Rect;

use crate::keymap::Move;
use crate::paint::{Line, Pen, Span, wrap};

/// Where a text stands.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text {
    pub(crate) top: usize,
    height: Cell<usize>,
}

impl Text {
    /// Moves what is shown.
    pub(crate) fn go(&mut self, to: Move, len: usize) {
        let page = self.height.get().max(2) - 1;
        let last = len.saturating_sub(1);
        self.top = match to {
            Move::Up => self.top.saturating_sub(1),
            Move::Down => (self.top + 1).min(last),
            Move::PageUp => self.top.saturating_sub(page),
            Move::PageDown => (self.top + page).min(last),
            Move::First => 0,
            Move::Last => len.saturating_sub(self.height.get()),
        };
    }

    /// Draws the lines from the first that is shown; `line` is asked for visible ones only.
    pub(crate) fn draw(
        &self,
        pen: &mut Pen<'_>,
        area: Rect,
        len: usize,
        mut line: impl FnMut(usize) -> Line,
    ) {
        self.height.set(usize::from(area.height));
        let mut y = area.y;
        for index in self.top.min(len.saturating_sub(1))..len {
            if y >= area.bottom() {
                return;
            }
            y += put_wrapped(
                pen,
                Rect {
                    y,
                    height: area.bottom() - y,
                    ..area
                },
                &line(index),
            );
        }
    }
}

/// Writes a line, wrapped, and returns the rows used; following rows are indented by two cells.
fn put_wrapped(pen: &mut Pen<'_>, area: Rect, line: &[Span]) -> u16 {
    let mut y = area.y;
    let mut x = area.x;
    for span in line {
        let text = domain::visible(&span.text);
        let mut rest: &str = &text;
        loop {
            let room = usize::from(area.right().saturating_sub(x));
            let part = wrap(rest, room).into_iter().next().unwrap_or_default();
            if room > 0 {
                x += pen.put(x, y, area.right() - x, part, span.style);
            }
            rest = rest[part.len().min(rest.len())..].trim_start_matches(' ');
            if rest.is_empty() {
                // A blank at the end of a piece separates it from the next one.
                if part.is_empty() && room > 0 && text.ends_with(' ') {
                    x = (x + 1).min(area.right());
                }
                break;
            }
            y += 1;
            x = (area.x + 2).min(area.right().saturating_sub(1));
            if y >= area.bottom() || area.width < 4 {
                return y - area.y;
            }
        }
    }
    y + 1 - area.y
}
