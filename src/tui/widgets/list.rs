//! A list that draws the rows that can be seen and no others; its selection by what the rows stand for, and its search.

use std::cell::Cell;
use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::{Field, Form};
use crate::keymap::{Key, Move};
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

    /// Returns how many rows there were above those that were drawn last.
    pub(crate) fn above(&self) -> usize {
        self.top.get()
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

/// A list whose selection stays with the thing when others come or go, here or in the file. A thing is known by its key.
#[derive(Debug, Default, Clone)]
pub(crate) struct Picked {
    list: List,
    key: Option<String>,
    /// Where the thing was when it was looked for last.
    place: Cell<usize>,
}

impl Picked {
    /// Returns the selected row of those with these keys: that of the thing, or, when it is gone, the one where it was.
    pub(crate) fn at<K: AsRef<str>>(&self, keys: &[K]) -> Option<usize> {
        let key = self.key.as_deref();
        let found = keys.iter().position(|one| Some(one.as_ref()) == key);
        if let Some(found) = found {
            self.place.set(found);
        }
        // Of what is gone the place is known; the last one there is the neighbour of what was behind it.
        let last = keys.len().checked_sub(1);
        found.or_else(|| last.map(|last| self.place.get().min(last)))
    }

    /// Moves the selection.
    pub(crate) fn go<K: AsRef<str>>(&mut self, to: Move, keys: &[K]) {
        self.list.at = self.at(keys).unwrap_or(0);
        self.list.go(to, keys.len());
        self.key = keys.get(self.list.at).map(|key| key.as_ref().to_owned());
        self.place.set(self.list.at);
    }

    /// Selects a thing, which may be there later only.
    pub(crate) fn choose(&mut self, key: &str) {
        self.key = Some(key.to_owned());
    }

    /// Draws the visible rows, as [`List::draw`] does.
    pub(crate) fn draw<K: AsRef<str>>(
        &self,
        pen: &mut Pen<'_>,
        area: Rect,
        keys: &[K],
        focused: bool,
        row: impl FnMut(&mut Pen<'_>, Rect, usize),
    ) {
        let at = self.at(keys).unwrap_or(0);
        self.list.draw_at(pen, area, at, keys.len(), focused, row);
    }
}

/// What is searched for in a list, and the row where it is typed.
#[derive(Debug)]
pub(crate) struct Search {
    form: Form,
    is_open: bool,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            form: Form::new(vec![Field::text("search", "/", "")], Vec::new()),
            is_open: false,
        }
    }
}

impl Search {
    /// Lets it be typed.
    pub(crate) fn open(&mut self) {
        self.is_open = true;
    }

    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Ends the typing, and keeps what is searched for. Tells whether it was open.
    pub(crate) fn close(&mut self) -> bool {
        std::mem::take(&mut self.is_open)
    }

    /// Forgets what is searched for. Tells whether there was anything.
    pub(crate) fn clear(&mut self) -> bool {
        let was_empty = self.form.value("search").is_empty();
        *self = Self::default();
        !was_empty
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.form.value("search").is_empty()
    }

    /// Tells whether a thing with these texts is found.
    pub(crate) fn finds(&self, texts: &[&str]) -> bool {
        let wanted = self.form.value("search").to_lowercase();
        wanted.is_empty()
            || texts
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
    }

    /// Says why nothing is shown.
    pub(crate) fn why_empty<'t>(&self, nothing_yet: &'t str) -> &'t str {
        if self.is_empty() {
            nothing_yet
        } else {
            " No results found. Esc clears the search."
        }
    }

    /// Takes a key while it is open, and tells whether it was one for it; Esc is not.
    pub(crate) fn key(&mut self, key: Key, now: Duration) -> bool {
        match key.code {
            KeyCode::Esc => return false,
            KeyCode::Enter => self.is_open = false,
            _ => {
                self.form.key(key, now);
            }
        }
        true
    }

    /// Takes pasted text while it is open.
    pub(crate) fn paste(&mut self, text: &str) {
        if self.is_open {
            self.form.paste(text);
        }
    }

    /// Draws its row at the bottom of an area while it is open, and returns what is left.
    pub(crate) fn draw(&self, pen: &mut Pen<'_>, area: Rect) -> Rect {
        if !self.is_open || area.height <= 3 {
            return area;
        }
        // What cannot be taken is said below it.
        let rows = self.form.height(area.width).clamp(1, area.height - 2);
        let row = Rect {
            y: area.bottom() - rows,
            height: rows,
            ..area
        };
        self.form.draw(pen, row, true, Duration::ZERO);
        Rect {
            height: area.height - rows,
            ..area
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

    #[test]
    fn the_selection_stays_with_the_thing_and_falls_back_to_its_row() {
        let mut picked = Picked::default();
        picked.go(Move::Down, &["a", "b", "c"]);
        assert_eq!(picked.at(&["new", "a", "b", "c"]), Some(2));
        assert_eq!(picked.at(&["a", "c"]), Some(1), "where it was");
        assert_eq!(picked.at(&["a"]), Some(0));
        assert_eq!(picked.at::<&str>(&[]), None);
        picked.choose("d");
        assert_eq!(picked.at(&["a", "b", "c"]), Some(2), "not there yet");
        assert_eq!(picked.at(&["a", "b", "c", "d"]), Some(3));
        // Chosen and not walked to: when it goes, its neighbour is selected.
        assert_eq!(picked.at(&["a", "b", "c"]), Some(2));
    }
}
