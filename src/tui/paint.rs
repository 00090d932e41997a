//! Putting text into cells: the one place where text from outside becomes something on the screen.
//!
//! Everything passes `domain::visible`, and the width of wide and combining characters is respected.

use std::borrow::Cow;
use std::fmt::Display;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::theme::Theme;

/// A piece of text with its style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl Span {
    pub(crate) fn new(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }
}

/// A line of pieces.
pub(crate) type Line = Vec<Span>;

/// A column of a row: text, width, style, and whether it stands at the right edge of its width.
pub(crate) struct Column<'t> {
    pub(crate) text: &'t str,
    pub(crate) width: u16,
    pub(crate) style: Style,
    pub(crate) right: bool,
}

impl<'t> Column<'t> {
    pub(crate) fn new(text: &'t str, width: u16, style: Style) -> Self {
        Self {
            text,
            width,
            style,
            right: false,
        }
    }

    pub(crate) fn right(text: &'t str, width: u16, style: Style) -> Self {
        Self {
            right: true,
            ..Self::new(text, width, style)
        }
    }
}

/// Writes into a buffer in a theme.
pub(crate) struct Pen<'a> {
    pub(crate) buffer: &'a mut Buffer,
    pub(crate) theme: &'a Theme,
}

impl Pen<'_> {
    /// Writes text into at most `width` cells, with a mark where it was cut. Returns the cells used.
    pub(crate) fn put(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = self.buffer.area;
        if width == 0 || y >= area.bottom() || x >= area.right() || y < area.y || x < area.x {
            return 0;
        }
        let width = width.min(area.right() - x);
        self.uncover(x, y);
        let mut text = domain::visible(text);
        if self.theme.ascii && !text.is_ascii() {
            text = Cow::Owned(text.chars().map(plain_sign).collect());
        }
        if cells(&text) <= usize::from(width) {
            let (end, _) = self
                .buffer
                .set_stringn(x, y, &text, usize::from(width), style);
            return end - x;
        }
        // A wide letter that would be cut in half leaves room for the mark, and perhaps a blank.
        let mark = if self.theme.ascii { "~" } else { "…" };
        let (end, _) = self
            .buffer
            .set_stringn(x, y, &text, usize::from(width - 1), style);
        self.buffer.set_stringn(end, y, mark, 1, style);
        width
    }

    /// Writes columns with one cell between them.
    pub(crate) fn columns(&mut self, row: Rect, columns: &[Column<'_>]) {
        let mut x = row.x;
        for column in columns {
            if x >= row.right() {
                break;
            }
            let width = column.width.min(row.right() - x);
            let used = u16::try_from(cells(&domain::visible(column.text))).unwrap_or(u16::MAX);
            let shift = if column.right {
                width.saturating_sub(used)
            } else {
                0
            };
            self.put(x + shift, row.y, width - shift, column.text, column.style);
            x += column.width + 1;
        }
    }

    /// Takes away a wide character that reaches into a cell from the left: half of it cannot be shown.
    fn uncover(&mut self, x: u16, y: u16) {
        if x <= self.buffer.area.x {
            return;
        }
        if let Some(left) = self.buffer.cell_mut((x - 1, y))
            && left.symbol().len() > 1
            && cells(left.symbol()) > 1
        {
            left.set_symbol(" ");
        }
    }

    /// Empties an area.
    pub(crate) fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            self.uncover(area.x, y);
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }

    /// Draws a frame with a title on the left and a note on the right, and returns what is inside.
    ///
    /// Focus changes the title only: recolouring a whole border costs hundreds of bytes.
    pub(crate) fn frame(&mut self, area: Rect, title: &str, note: &str, focused: bool) -> Rect {
        let area = area.intersection(self.buffer.area);
        if area.width < 4 || area.height < 3 {
            return area;
        }
        if !self.theme.boxes {
            let aside = if note.is_empty() {
                String::new()
            } else {
                format!("  ({note})")
            };
            let title = format!("== {title}{aside} ==");
            self.put(area.x, area.y, area.width, &title, self.theme.title);
            return Rect {
                y: area.y + 1,
                height: area.height - 1,
                ..area
            };
        }
        let [corner_tl, corner_tr, corner_bl, corner_br, flat, tall] = if self.theme.ascii {
            ["+", "+", "+", "+", "-", "|"]
        } else {
            ["┌", "┐", "└", "┘", "─", "│"]
        };
        let border = self.theme.border;
        let line = flat.repeat(usize::from(area.width - 2));
        let bottom = area.bottom() - 1;
        self.put(area.x + 1, area.y, area.width - 2, &line, border);
        self.put(area.x + 1, bottom, area.width - 2, &line, border);
        for y in area.y + 1..bottom {
            self.put(area.x, y, 1, tall, border);
            self.put(area.right() - 1, y, 1, tall, border);
        }
        self.put(area.x, area.y, 1, corner_tl, border);
        self.put(area.right() - 1, area.y, 1, corner_tr, border);
        self.put(area.x, bottom, 1, corner_bl, border);
        self.put(area.right() - 1, bottom, 1, corner_br, border);
        self.heading(
            Rect {
                x: area.x + 2,
                width: area.width - 4,
                ..area
            },
            title,
            note,
            focused,
        );
        Rect {
            x: area.x + 1,
            y: area.y + 1,
            width: area.width - 2,
            height: area.height - 2,
        }
    }

    /// Writes a pane's title and note into one row.
    pub(crate) fn heading(&mut self, row: Rect, title: &str, note: &str, focused: bool) {
        let style = if focused {
            self.theme.focus
        } else {
            self.theme.title
        };
        let used = self.put(row.x, row.y, row.width, &format!(" {title} "), style);
        let room = row.width.saturating_sub(used + 1);
        let wanted = u16::try_from(cells(note))
            .unwrap_or(u16::MAX)
            .saturating_add(2);
        if !note.is_empty() && wanted <= room {
            let x = row.right() - wanted;
            self.put(x, row.y, wanted, &format!(" {note} "), self.theme.dim);
        }
    }

    /// Writes wrapped text and returns the rows used.
    pub(crate) fn paragraph(&mut self, area: Rect, text: &str, style: Style) -> u16 {
        let mut y = area.y;
        for line in text.lines() {
            for part in parts(line, usize::from(area.width)) {
                if y >= area.bottom() {
                    return area.height;
                }
                self.put(area.x, y, area.width, part, style);
                y += 1;
            }
        }
        y - area.y
    }

    /// Writes wrapped text, with a mark where it is longer than its room, and returns the rows used.
    pub(crate) fn excerpt(&mut self, area: Rect, text: &str, style: Style) -> u16 {
        let width = usize::from(area.width);
        let lines: Vec<&str> = text.lines().flat_map(|line| parts(line, width)).collect();
        for (nth, y) in (area.y..area.bottom()).enumerate() {
            let Some(rest) = lines.get(nth..).filter(|rest| !rest.is_empty()) else {
                return y - area.y;
            };
            let line = if y + 1 == area.bottom() {
                rest.join(" ")
            } else {
                rest[0].to_owned()
            };
            self.put(area.x, y, area.width, &line, style);
        }
        area.height
    }
}

/// Returns the sign that stands for one of ours where only ASCII can be shown. Letters of names stay.
fn plain_sign(sign: char) -> char {
    match sign {
        '·' => '|',
        '…' => '~',
        '▸' => '>',
        '•' => '*',
        '→' => '-',
        '←' => '<',
        '↑' => '^',
        '↓' => 'v',
        other => other,
    }
}

/// Writes a count with its word, which gets an `s` unless it is one.
pub(crate) fn counted<N: Copy + Display + From<u8> + PartialEq>(count: N, what: &str) -> String {
    let more = if count == N::from(1) { "" } else { "s" };
    format!("{count} {what}{more}")
}

/// Returns the number of cells that a text takes.
pub(crate) fn cells(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Cuts a text to so many cells, with a mark where it was cut; a few letters say nothing, and are left out.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    const LEAST: usize = 8;
    if cells(text) <= width {
        return text.to_owned();
    }
    if width < LEAST {
        return String::new();
    }
    let mut out = String::new();
    let mut used = 1;
    for letter in text.chars() {
        used += letter_cells(letter);
        if used > width {
            break;
        }
        out.push(letter);
    }
    out.push('…');
    out
}

/// Cuts a line into parts of at most so many cells, at blanks where there are some.
pub(crate) fn wrap(line: &str, width: usize) -> Vec<&str> {
    parts(line, width).collect()
}

/// Cuts a line as [`wrap`] does, a part whenever one is asked for: where twenty rows are shown, the rest is not looked at.
pub(crate) fn parts(line: &str, width: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let (part, more) = line.split_at(cut(line, width, letter_cells));
        let more = more.trim_start_matches(' ');
        rest = (!more.is_empty()).then_some(more);
        Some(part)
    })
}

/// Returns the bytes of the first part of a line. No letter behind it is looked at but the one that does not fit.
fn cut(line: &str, width: usize, mut cells_of: impl FnMut(char) -> usize) -> usize {
    if width == 0 {
        return line.len();
    }
    let (mut used, mut blank) = (0, None);
    for (at, letter) in line.char_indices() {
        used += cells_of(letter);
        if used > width {
            let end = if letter == ' ' {
                at
            } else {
                blank.unwrap_or(at)
            };
            let least = line.chars().next().map_or(1, char::len_utf8);
            return end.max(least);
        }
        if letter == ' ' && at > 0 {
            blank = Some(at);
        }
    }
    line.len()
}

fn letter_cells(letter: char) -> usize {
    unicode_width::UnicodeWidthChar::width(letter).unwrap_or(0)
}

/// Returns the middle of an area, at most so wide and high.
pub(crate) fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Surroundings, ThemeName};

    fn written(text: &str, width: u16) -> String {
        let theme = Theme::new(
            ThemeName::Mono,
            &Surroundings {
                unicode: true,
                ..Surroundings::default()
            },
        );
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        Pen {
            buffer: &mut buffer,
            theme: &theme,
        }
        .put(0, 0, width, text, Style::new());
        let mut out = String::new();
        for x in 0..width {
            out.push_str(buffer[(x, 0)].symbol());
        }
        out
    }

    #[test]
    fn wide_and_combining_characters_keep_their_cells() {
        assert_eq!(written("日本語", 6), "日 本 語 ");
        assert_eq!(written("日本語x", 6), "日 本 … ");
        assert_eq!(written("zoe\u{308}x", 5), "zoe\u{308}x ");
    }

    #[test]
    fn what_is_written_over_half_a_wide_character_takes_all_of_it_away() {
        let theme = Theme::new(ThemeName::Mono, &Surroundings::default());
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        buffer.set_string(0, 0, "日本語", Style::new());
        let mut pen = Pen {
            buffer: &mut buffer,
            theme: &theme,
        };
        pen.put(3, 0, 1, "|", Style::new());
        let symbols: Vec<&str> = buffer
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert_eq!(symbols, ["日", " ", " ", "|", "語", " "]);
    }

    #[test]
    fn what_could_drive_the_terminal_is_shown_as_a_mark() {
        assert_eq!(written("a\u{1b}[2J", 5), "a␛[2J");
        assert_eq!(written("x\u{202e}y", 10), "x<U+202E>y");
    }

    #[test]
    fn a_text_is_shortened_to_its_cells_or_left_out() {
        assert_eq!(shortened("one two", 7), "one two");
        assert_eq!(shortened("one two three", 9), "one two …");
        assert_eq!(shortened("日本語日本語", 8), "日本語…");
        assert_eq!(shortened("one two three", 7), "");
    }

    #[test]
    fn a_long_line_is_cut_at_blanks_and_never_loses_a_letter() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("日本語", 1), ["日", "本", "語"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("abc   ", 3), ["abc"]);
        assert_eq!(wrap("anything", 0), ["anything"]);
    }

    #[test]
    fn a_long_line_is_walked_through_once_whatever_is_in_it() {
        const LONG: usize = 1 << 20;
        let word = "x".repeat(LONG);
        let words = "some words 日本 ".repeat(LONG / 18);
        let blanks = format!("a{}b", " ".repeat(LONG));
        let marks = format!("a b{}c", "\u{301}".repeat(LONG / 2));
        for line in [word, words, blanks, marks] {
            for width in [1, 7, 78] {
                let mut looks = 0;
                let mut rest = line.as_str();
                while !rest.is_empty() {
                    let at = cut(rest, width, |letter| {
                        looks += 1;
                        letter_cells(letter)
                    });
                    assert!(at > 0, "it gets on");
                    rest = rest[at..].trim_start_matches(' ');
                }
                let letters = line.chars().count();
                assert!(looks <= 3 * letters, "{looks} looks at {letters} letters");
            }
            // What is not shown is not looked at.
            let mut looks = 0;
            let first = cut(&line, 78, |letter| {
                looks += 1;
                letter_cells(letter)
            });
            let part = line[..first].chars().count();
            assert!(
                looks <= 2 * part.max(80),
                "{looks} looks for {part} letters"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn every_part_fits_and_nothing_but_blanks_goes_between_them(line in "[a-c 日\u{301}]{0,60}", width in 2..20_usize) {
            let parts = wrap(&line, width);
            for part in &parts {
                proptest::prop_assert!(cells(part) <= width, "{:?} in {}", part, width);
            }
            let kept = |text: &str| text.replace(' ', "");
            proptest::prop_assert_eq!(kept(&parts.concat()), kept(&line));
        }
    }
}
