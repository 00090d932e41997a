//! A text to read: styled lines, wrapped while they are drawn, only those that can be seen.

use std::cell::Cell;

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::keymap::Move;
use crate::paint::{Line, Pen, Span, cells, parts};

/// Stands for the end of a text, wherever that is when it is drawn.
const END: usize = usize::MAX;

/// Where a text stands.
///
/// Drawing tells back how far a page goes and from which line on the end can be seen, which the next movement needs;
/// nothing else is changed by it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text {
    top: usize,
    /// How many lines a page goes down and up from what was drawn last, so that none is passed over unseen.
    page: Cell<(usize, usize)>,
    /// The first line that is shown when the last one is, as it was drawn last.
    end: Cell<Option<usize>>,
    /// How many lines were below the page that was drawn last.
    below: Cell<usize>,
}

impl Text {
    /// Moves what is shown. Before anything was drawn only the number of lines says where the end is.
    pub(crate) fn go(&mut self, to: Move, len: usize) {
        let (down, up) = self.page.get();
        let end = self.end.get().unwrap_or(len.saturating_sub(1));
        let top = self.top.min(end);
        self.top = match to {
            Move::Up => top.saturating_sub(1),
            Move::Down => (top + 1).min(end),
            Move::PageUp => top.saturating_sub(up.max(1)),
            Move::PageDown => (top + down.max(1)).min(end),
            Move::First => 0,
            Move::Last => END,
        };
    }

    /// Tells whether there is more of it than could be seen when it was drawn last; before that, there may be.
    pub(crate) fn scrolls(&self) -> bool {
        self.end.get() != Some(0)
    }

    /// Returns how many lines were below what was drawn last.
    pub(crate) fn below(&self) -> usize {
        self.below.get()
    }

    /// Draws the lines from the first that is shown; `line` is asked for those of this page, the one before and the last.
    pub(crate) fn draw<L: AsRef<[Span]>>(
        &self,
        pen: &mut Pen<'_>,
        area: Rect,
        len: usize,
        mut line: impl FnMut(usize) -> L,
    ) {
        let end = last_page(area, len, &mut line);
        self.end.set(Some(end));
        let top = self.top.min(end);
        // One row of what was read stays in sight.
        let before = Rect {
            height: area.height.saturating_sub(1),
            ..area
        };
        let up = top - last_page(before, top, &mut line);
        let mut down = 0;
        let mut y = area.y;
        for index in top..len {
            if y >= area.bottom() {
                break;
            }
            let rest = Rect {
                y,
                height: area.bottom() - y,
                ..area
            };
            let rows = wrapped(rest, line(index).as_ref(), |x, y, width, text, style| {
                pen.put(x, y, width, text, style)
            });
            // A line that ends with the page may go on below it.
            down += usize::from(rows < rest.height);
            y += rows;
        }
        self.page.set((down, up));
        let is_end = top >= end;
        self.below.set(if is_end { 0 } else { len - top - down });
    }
}

/// Returns the first line of the page that ends with the last line.
fn last_page<L: AsRef<[Span]>>(area: Rect, len: usize, line: &mut impl FnMut(usize) -> L) -> usize {
    // More than a page of one line need not be known.
    let measured = Rect {
        y: 0,
        height: area.height.saturating_add(1),
        ..area
    };
    let (mut at, mut rows) = (len, 0_usize);
    while at > 0 {
        let more = wrapped(measured, line(at - 1).as_ref(), |_, _, width, text, _| {
            u16::try_from(cells(text)).unwrap_or(u16::MAX).min(width)
        });
        rows += usize::from(more);
        if rows > usize::from(area.height) {
            break;
        }
        at -= 1;
    }
    at.min(len.saturating_sub(1))
}

/// Cuts a line into the rows that it is wrapped to. As lines of their own they can be scrolled through one by one, where the
/// whole of it takes more than a page.
pub(crate) fn in_rows(line: &[Span], width: u16) -> Vec<Line> {
    let endless = Rect {
        x: 0,
        y: 0,
        width,
        height: u16::MAX,
    };
    let mut rows: Vec<Line> = Vec::new();
    wrapped(endless, line, |x, y, room, text, style| {
        let y = usize::from(y);
        rows.resize(rows.len().max(y + 1), Line::new());
        if rows[y].is_empty() && x > 0 {
            rows[y].push(Span::new(" ".repeat(usize::from(x)), Style::new()));
        }
        rows[y].push(Span::new(text, style));
        u16::try_from(cells(text)).unwrap_or(u16::MAX).min(room)
    });
    rows
}

/// Puts a line, wrapped, and returns the rows used; following rows are indented by two cells. `put` is given place, room,
/// text and style of each piece, and returns the cells it took.
fn wrapped(
    area: Rect,
    line: &[Span],
    mut put: impl FnMut(u16, u16, u16, &str, Style) -> u16,
) -> u16 {
    let mut y = area.y;
    let mut x = area.x;
    for span in line {
        let text = domain::visible(&span.text);
        let mut rest: &str = &text;
        loop {
            let room = usize::from(area.right().saturating_sub(x));
            if room == 0 {
                // The piece before ended at the edge.
                rest = rest.trim_start_matches(' ');
                if rest.is_empty() {
                    break;
                }
            } else {
                let part = parts(rest, room).next().unwrap_or_default();
                x += put(x, y, area.right() - x, part, span.style);
                rest = rest[part.len().min(rest.len())..].trim_start_matches(' ');
                if rest.is_empty() {
                    // A blank at the end of a piece separates it from the next one.
                    if part.is_empty() && text.ends_with(' ') {
                        x = (x + 1).min(area.right());
                    }
                    break;
                }
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

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::theme::Theme;

    fn shown(text: &Text, lines: &[&str], height: u16) -> String {
        let area = Rect::new(0, 0, 10, height);
        let mut buffer = Buffer::empty(area);
        let theme = Theme::plain();
        let mut pen = Pen {
            buffer: &mut buffer,
            theme: &theme,
        };
        text.draw(&mut pen, area, lines.len(), |at| {
            vec![Span::new(lines[at], Style::new())]
        });
        crate::shot::text(&buffer)
    }

    #[test]
    fn the_end_is_a_full_page_however_long_the_text_was_said_to_be() {
        let lines = ["one", "two", "three", "a line that is too long", "five"];
        let mut text = Text::default();
        // Before the first frame, as a panel does that opens at the end.
        text.go(Move::Last, 10_000);
        let end = shown(&text, &lines, 4);
        assert!(end.contains("a line") && end.contains("five"), "{end}");
        assert!(!end.contains("three"), "{end}");
        text.go(Move::Up, 10_000);
        let above = shown(&text, &lines, 4);
        assert!(above.starts_with("three"), "one key is one line: {above}");
        text.go(Move::PageDown, 10_000);
        assert_eq!(shown(&text, &lines, 4), end, "it never leaves the page");
        text.go(Move::First, 10_000);
        assert!(shown(&text, &lines, 4).starts_with("one"));
    }

    #[test]
    fn what_stands_behind_a_piece_that_ends_at_the_edge_is_in_the_next_row() {
        let pieces = ["0123456789", " ", "next", " to it"];
        let line: Line = pieces.map(|one| Span::new(one, Style::new())).to_vec();
        let area = Rect::new(0, 0, 10, 4);
        let mut buffer = Buffer::empty(area);
        let theme = Theme::plain();
        let mut pen = Pen {
            buffer: &mut buffer,
            theme: &theme,
        };
        Text::default().draw(&mut pen, area, 1, |_| &line);
        let shown = crate::shot::text(&buffer);
        assert!(shown.starts_with("0123456789\n  next to\n"), "{shown}");
        assert!(shown.contains("it"), "{shown}");
        // The rows by themselves are the same.
        let rows = in_rows(&line, 10);
        let told: Vec<String> = rows
            .iter()
            .map(|row| row.iter().map(|span| span.text.as_str()).collect())
            .collect();
        let same: Vec<&str> = shown.lines().take(told.len()).map(str::trim_end).collect();
        let told: Vec<&str> = told.iter().map(|row| row.trim_end()).collect();
        assert_eq!(told, same);
        // A blank alone begins no row.
        let blank = [
            Span::new("0123456789", Style::new()),
            Span::new(" ", Style::new()),
        ];
        assert_eq!(in_rows(&blank, 10).len(), 1);
    }

    #[test]
    fn of_a_line_without_end_a_page_is_shown() {
        let endless = format!("begins {}", "no blank".repeat(1 << 17));
        let lines = ["above", endless.as_str(), "below"];
        let mut text = Text::default();
        let first = shown(&text, &lines, 4);
        assert!(first.starts_with("above\nbegins"), "{first}");
        text.go(Move::Last, lines.len());
        assert!(shown(&text, &lines, 4).contains("below"));
    }

    #[test]
    fn a_page_passes_over_no_line_however_long_they_are() {
        let long: Vec<String> = (0..9)
            .map(|nth| format!("{nth} is too long a line"))
            .collect();
        let lines: Vec<&str> = long.iter().map(String::as_str).collect();
        for turn in [Move::PageDown, Move::PageUp] {
            let mut text = Text::default();
            if turn == Move::PageUp {
                text.go(Move::Last, lines.len());
            }
            let mut seen = String::new();
            for _ in 0..lines.len() {
                seen.push_str(&shown(&text, &lines, 7));
                text.go(turn, lines.len());
            }
            for nth in 0..9 {
                assert!(seen.contains(&format!("{nth} is too")), "{nth}: {seen}");
            }
            let whole = if turn == Move::PageDown { "8" } else { "0" };
            let last = shown(&text, &lines, 7);
            assert!(last.contains(&format!("{whole} is too")), "{last}");
        }
    }
}
