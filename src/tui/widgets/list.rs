//! A list that draws the rows that can be seen and no others.

use std::cell::Cell;

use ratatui::layout::Rect;

use crate::keymap::Move;
use crate::paint::Pen;

/// Where a list stands: the selected row and the first one that is shown.
///
/// Drawing tells back how many rows fit, which the next movement needs; nothing else is changed by it.
#[derive(Debug, Default, Clone)]
pub(crate) struct List {
    pub(crate) at: usize,
    top: Cell<usize>,
    height: Cell<usize>,
}

impl List {
    /// Returns the selected row, when there is one.
    pub(crate) fn selected(&self, len: usize) -> Option<usize> {
        (len > 0).then(|| self.at.min(len - 1))
    }

    /// Moves the selection.
    pub(crate) fn go(&mut self, to: Move, len: usize) {
        let page = self.height.get().max(2) - 1;
        let last = len.saturating_sub(1);
        let at = self.at.min(last);
        self.at = match to {
            Move::Up => at.saturating_sub(1),
            Move::Down => (at + 1).min(last),
            Move::PageUp => at.saturating_sub(page),
            Move::PageDown => (at + page).min(last),
            Move::First => 0,
            Move::Last => last,
        };
    }

    /// Returns the rows that fitted when the list was drawn last.
    pub(crate) fn height(&self) -> usize {
        self.height.get()
    }

    /// Draws the visible rows; `row` is given the cells right of the gutter mark.
    pub(crate) fn draw(
        &self,
        pen: &mut Pen<'_>,
        area: Rect,
        len: usize,
        focused: bool,
        row: impl FnMut(&mut Pen<'_>, Rect, usize),
    ) {
        self.draw_at(pen, area, self.at, len, focused, row);
    }

    /// Draws with the selection at a place that somebody else keeps.
    pub(crate) fn draw_at(
        &self,
        pen: &mut Pen<'_>,
        area: Rect,
        at: usize,
        len: usize,
        focused: bool,
        mut row: impl FnMut(&mut Pen<'_>, Rect, usize),
    ) {
        let height = usize::from(area.height);
        self.height.set(height);
        let at = at.min(len.saturating_sub(1));
        let mut top = self.top.get().min(len.saturating_sub(height));
        if at < top {
            top = at;
        }
        if height > 0 && at >= top + height {
            top = at + 1 - height;
        }
        self.top.set(top);
        if area.width < 2 {
            return;
        }
        for (y, index) in (area.y..area.bottom()).zip(top..len) {
            if index == at {
                let mark = match (pen.theme.ascii, focused) {
                    (true, true) => ">",
                    (true, false) => "-",
                    (false, true) => "▌",
                    (false, false) => "╎",
                };
                let style = if focused {
                    pen.theme.focus
                } else {
                    pen.theme.dim
                };
                pen.put(area.x, y, 1, mark, style);
            }
            let cells = Rect {
                x: area.x + 1,
                y,
                width: area.width - 1,
                height: 1,
            };
            row(pen, cells, index);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_selection_exists_or_the_list_is_empty(moves in prop::collection::vec((0..6_u8, 0..40_usize), 0..60)) {
            let mut list = List::default();
            for (step, len) in moves {
                let to = [Move::Up, Move::Down, Move::PageUp, Move::PageDown, Move::First, Move::Last][usize::from(step)];
                list.go(to, len);
                if let Some(at) = list.selected(len) { prop_assert!(at < len) } else { prop_assert_eq!(len, 0) }
            }
        }
    }
}
