//! From one frame to the next in few bytes: what a slow line carries is what differs, and a list that moved is moved.
//!
//! Only what every terminal since the VT102 knows is written: cursor movements, erasing, lines inserted and deleted
//! within a scroll region, and the sixteen colours in their short form.

use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthChar;

use crate::paint::cells;

/// The look of a cell that the terminal is told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Look {
    const PLAIN: Self = Self {
        fg: Color::Reset,
        bg: Color::Reset,
        modifier: Modifier::empty(),
    };

    fn of(cell: &Cell) -> Self {
        Self {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        }
    }
}

/// Modifiers that can be seen on a blank.
const SEEN_ON_A_BLANK: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::CROSSED_OUT);

/// Each modifier that is written, with what turns it on and what turns it off.
const MODIFIERS: [(Modifier, &str, &str); 5] = [
    (Modifier::BOLD, "1", "22"),
    (Modifier::ITALIC, "3", "23"),
    (Modifier::UNDERLINED, "4", "24"),
    (Modifier::REVERSED, "7", "27"),
    (Modifier::CROSSED_OUT, "9", "29"),
];

/// Knows what the terminal shows, and writes what turns it into another frame.
#[derive(Debug)]
pub(crate) struct Emitter {
    shown: Buffer,
    /// Whether the terminal really shows that; not at the beginning, nor after somebody else wrote on it.
    known: bool,
    look: Look,
    /// Where the cursor is, when that is certain.
    cursor: Option<(u16, u16)>,
}

impl Emitter {
    pub(crate) fn new() -> Self {
        Self {
            shown: Buffer::empty(Rect::ZERO),
            known: false,
            look: Look::PLAIN,
            cursor: None,
        }
    }

    /// Forgets what the terminal shows: the next frame is written in full.
    pub(crate) fn forget(&mut self) {
        self.known = false;
    }

    /// Returns the frame that the terminal shows.
    #[cfg(test)]
    pub(crate) fn shown(&self) -> &Buffer {
        &self.shown
    }

    /// Writes what turns the frame that is shown into this one, and takes it as shown.
    ///
    /// The buffer that is no longer shown is left in `next`. Nothing is written when nothing differs.
    pub(crate) fn frame(&mut self, next: &mut Buffer, out: &mut Vec<u8>) {
        normalize(next);
        if !self.known || self.shown.area != next.area {
            out.extend_from_slice(b"\x1b[m\x1b[2J");
            self.look = Look::PLAIN;
            self.cursor = None;
            self.shown.resize(next.area);
            self.shown.reset();
            self.known = true;
        } else if let Some(shift) = Shift::find(&self.shown, next) {
            self.shift(&shift, out);
        }
        for y in 0..next.area.height {
            self.row(next, y, out);
        }
        std::mem::swap(&mut self.shown, next);
    }

    /// Moves a block of rows, on the terminal and in what is known of it.
    fn shift(&mut self, shift: &Shift, out: &mut Vec<u8>) {
        // Lines that come in take the background of the moment.
        self.style(Look::PLAIN, out);
        let count = usize::from(shift.count);
        let last = shift.bottom - 1;
        let _ = write!(out, "\x1b[{};{}r", shift.top + 1, shift.bottom); // a vector takes everything
        let _ = write!(out, "\x1b[{}H\x1b[", shift.top + 1); // likewise
        if count > 1 {
            let _ = write!(out, "{count}"); // likewise
        }
        out.extend_from_slice(if shift.up { b"M\x1b[r" } else { b"L\x1b[r" });
        self.cursor = Some((0, 0));
        let width = usize::from(self.shown.area.width);
        let rows = usize::from(shift.top) * width..usize::from(last + 1) * width;
        let block = &mut self.shown.content[rows];
        let moved = count * width;
        let len = block.len();
        if shift.up {
            block.rotate_left(moved);
            block[len - moved..].iter_mut().for_each(Cell::reset);
        } else {
            block.rotate_right(moved);
            block[..moved].iter_mut().for_each(Cell::reset);
        }
    }

    fn row(&mut self, next: &Buffer, y: u16, out: &mut Vec<u8>) {
        let width = usize::from(next.area.width);
        let start = usize::from(y) * width;
        let wanted = &next.content[start..start + width];
        // Set behind a glyph that may have covered more than it should.
        let mut spoilt = false;
        let mut x = 0;
        while x < width {
            let glyph = glyph(wanted, x);
            let old = &self.shown.content[start + x..start + x + glyph];
            if old == &wanted[x..x + glyph] && !spoilt {
                x += glyph;
                continue;
            }
            let column = u16::try_from(x).unwrap_or(u16::MAX);
            if pays_to_erase(&self.shown.content[start + x..start + width], &wanted[x..]) {
                self.go(next, column, y, out);
                // What is erased takes the background of the moment.
                if !self.look_is_bare() {
                    self.style(Look::PLAIN, out);
                }
                out.extend_from_slice(b"\x1b[K");
                let erased = &mut self.shown.content[start + x..start + width];
                erased.iter_mut().for_each(Cell::reset);
                spoilt = false;
                continue;
            }
            self.go(next, column, y, out);
            let cell = &wanted[x];
            self.style_for(cell, out);
            out.extend_from_slice(cell.symbol().as_bytes());
            self.advance(cell.symbol(), column, y, glyph, width);
            spoilt |= is_unsure(cell.symbol());
            x += glyph;
        }
    }

    /// Says where the cursor is after a symbol.
    fn advance(&mut self, symbol: &str, x: u16, y: u16, glyph: usize, width: usize) {
        let after = usize::from(x) + glyph;
        // Behind the last column terminals differ.
        let certain = after < width && !is_unsure(symbol);
        self.cursor = certain.then(|| (u16::try_from(after).unwrap_or(u16::MAX), y));
    }

    /// Brings the cursor to a place in the cheapest way, perhaps by writing what stands between once more.
    fn go(&mut self, next: &Buffer, x: u16, y: u16, out: &mut Vec<u8>) {
        if self.cursor == Some((x, y)) {
            return;
        }
        let mut best = match (x, y) {
            (0, 0) => "\x1b[H".to_owned(),
            (0, y) => format!("\x1b[{}H", y + 1),
            (x, y) => format!("\x1b[{};{}H", y + 1, x + 1),
        };
        if let Some((from_x, from_y)) = self.cursor {
            let mut offer = |other: String| {
                if other.len() < best.len() {
                    best = other;
                }
            };
            if from_y == y && from_x < x {
                offer(forward(x - from_x));
                if let Some(again) = self.again(next, from_x, x, y) {
                    offer(again);
                }
            }
            if from_y == y && x < from_x {
                offer("\x08".repeat(usize::from(from_x - x)));
            }
            if from_y == y {
                offer(format!("\r{}", forward(x)));
            }
            if y > from_y {
                let down = "\n".repeat(usize::from(y - from_y));
                let across = if x < from_x {
                    "\x08".repeat(usize::from(from_x - x))
                } else {
                    forward(x - from_x)
                };
                offer(format!("{down}{across}"));
                offer(format!("\r{down}{}", forward(x)));
            }
        }
        out.extend_from_slice(best.as_bytes());
        self.cursor = Some((x, y));
    }

    /// Returns what stands between two columns when it can be written again as it is.
    fn again(&self, next: &Buffer, from: u16, to: u16, y: u16) -> Option<String> {
        let width = usize::from(next.area.width);
        let start = usize::from(y) * width;
        let between = &next.content[start + usize::from(from)..start + usize::from(to)];
        if between.len() > 4 {
            return None;
        }
        let mut text = String::new();
        for cell in between {
            let plain = cell.symbol().len() == 1;
            let same = Look::of(cell) == self.look || (is_unseen(cell) && self.look_is_bare());
            if !plain || !same {
                return None;
            }
            text.push_str(cell.symbol());
        }
        Some(text)
    }

    /// Tells whether a blank can be written without a trace of the present look.
    fn look_is_bare(&self) -> bool {
        self.look.bg == Color::Reset && !self.look.modifier.intersects(SEEN_ON_A_BLANK)
    }

    fn style_for(&mut self, cell: &Cell, out: &mut Vec<u8>) {
        if is_unseen(cell) && self.look_is_bare() {
            return;
        }
        self.style(Look::of(cell), out);
    }

    /// Changes the look, by what differs or from the beginning, whichever is shorter.
    fn style(&mut self, wanted: Look, out: &mut Vec<u8>) {
        if wanted == self.look {
            return;
        }
        let step = codes(self.look, wanted);
        let fresh = codes(Look::PLAIN, wanted);
        // `ESC [ m` begins afresh; `ESC [ 0 ; … m` does so on the way.
        let fresh = if fresh.is_empty() {
            String::new()
        } else {
            format!("0;{fresh}")
        };
        let best = if fresh.len() < step.len() {
            fresh
        } else {
            step
        };
        let _ = write!(out, "\x1b[{best}m"); // a vector takes everything
        self.look = wanted;
    }
}

/// Returns the codes that lead from one look to another, joined by semicolons.
fn codes(from: Look, to: Look) -> String {
    let mut list: Vec<String> = Vec::new();
    for (modifier, on, off) in MODIFIERS {
        match (
            from.modifier.contains(modifier),
            to.modifier.contains(modifier),
        ) {
            (false, true) => list.push(on.to_owned()),
            (true, false) => list.push(off.to_owned()),
            (true, true) | (false, false) => {}
        }
    }
    if from.fg != to.fg {
        list.push(color(to.fg, 30));
    }
    if from.bg != to.bg {
        list.push(color(to.bg, 40));
    }
    list.join(";")
}

/// Writes a colour: 30 begins the foregrounds, 40 the backgrounds.
fn color(color: Color, base: u8) -> String {
    let (light, nth) = match color {
        Color::Reset => return (base + 9).to_string(),
        Color::Indexed(index) => return format!("{};5;{index}", base + 8),
        Color::Rgb(r, g, b) => return format!("{};2;{r};{g};{b}", base + 8),
        Color::Black => (false, 0),
        Color::Red => (false, 1),
        Color::Green => (false, 2),
        Color::Yellow => (false, 3),
        Color::Blue => (false, 4),
        Color::Magenta => (false, 5),
        Color::Cyan => (false, 6),
        Color::Gray => (false, 7),
        Color::DarkGray => (true, 0),
        Color::LightRed => (true, 1),
        Color::LightGreen => (true, 2),
        Color::LightYellow => (true, 3),
        Color::LightBlue => (true, 4),
        Color::LightMagenta => (true, 5),
        Color::LightCyan => (true, 6),
        Color::White => (true, 7),
    };
    (base + nth + if light { 60 } else { 0 }).to_string()
}

fn forward(cells: u16) -> String {
    match cells {
        0 => String::new(),
        1 => "\x1b[C".to_owned(),
        more => format!("\x1b[{more}C"),
    }
}

/// Returns the codes that a plain terminal is given for the look of a cell; empty for a plain one.
pub(crate) fn codes_of(cell: &Cell) -> String {
    codes(Look::PLAIN, Look::of(cell))
}

/// Tells whether a cell looks like an erased one.
pub(crate) fn is_blank(cell: &Cell) -> bool {
    is_unseen(cell) && cell.bg == Color::Reset
}

/// Tells whether the look of a cell can be seen in its background only.
fn is_unseen(cell: &Cell) -> bool {
    cell.symbol() == " " && cell.bg == Color::Reset && !cell.modifier.intersects(SEEN_ON_A_BLANK)
}

/// Tells whether terminals differ in how many cells they give a glyph: one that is put together of several signs, each
/// of which can stand alone (a flag, a hand with its colour), or whose width a selector changes.
fn is_unsure(symbol: &str) -> bool {
    symbol.len() > 1
        && symbol
            .chars()
            .skip(1)
            .any(|sign| sign == '\u{fe0f}' || UnicodeWidthChar::width(sign) != Some(0))
}

/// Tells whether the rest of a row is better erased, so that what stands behind its first blanks, such as a border, is
/// written once more, than blanks are written over what was there.
fn pays_to_erase(shown: &[Cell], wanted: &[Cell]) -> bool {
    // `ESC [ K` is three bytes.
    const ERASE: usize = 3;
    let blanks = wanted.iter().take_while(|cell| is_blank(cell)).count();
    let differing = shown[..blanks].iter().filter(|cell| !is_blank(cell));
    let saved = differing.count();
    saved > ERASE && saved > ERASE + price(&wanted[blanks..])
}

/// Returns about how many bytes it takes to write what is not blank in a part of a row.
fn price(cells: &[Cell]) -> usize {
    // To get there, and to change the look.
    const STEP: usize = 5;
    let (mut price, mut is_apart, mut look) = (0, true, None);
    for cell in cells {
        if is_blank(cell) {
            is_apart = true;
            continue;
        }
        if std::mem::take(&mut is_apart) {
            price += STEP;
        }
        if look.replace(Look::of(cell)) != Some(Look::of(cell)) {
            price += STEP;
        }
        price += cell.symbol().len();
    }
    price
}

/// Returns how many cells the glyph takes that begins here.
fn glyph(row: &[Cell], x: usize) -> usize {
    1 + row[x + 1..]
        .iter()
        .take_while(|cell| cell.symbol().is_empty())
        .count()
}

/// Gives cells that look alike the same content, so that they compare equal: the cells under a wide glyph are empty and
/// look like it, and a blank has no colour of its own.
fn normalize(buffer: &mut Buffer) {
    let width = usize::from(buffer.area.width);
    if width == 0 {
        return;
    }
    for row in buffer.content.chunks_exact_mut(width) {
        let mut x = 0;
        while x < width {
            let cell = &mut row[x];
            let mut wide = match cell.symbol() {
                symbol if symbol.len() == 1 => 1,
                "" => 0,
                symbol => cells(symbol),
            };
            if wide == 0 || x + wide > width {
                // A half of something wide, or a sign without a width: nothing that can stand here alone.
                cell.set_symbol(" ");
                wide = 1;
            }
            let cell = &mut row[x];
            if is_unseen(cell) {
                cell.reset();
            }
            let look = Look::of(&row[x]);
            for covered in &mut row[x + 1..x + wide] {
                covered.reset();
                covered.set_symbol("");
                covered.fg = look.fg;
                covered.bg = look.bg;
                covered.modifier = look.modifier;
            }
            x += wide;
        }
    }
}

/// A block of whole rows that stands higher or lower in the next frame.
#[derive(Debug, PartialEq, Eq)]
struct Shift {
    /// The first row of the region, and the row behind its last.
    top: u16,
    bottom: u16,
    /// How many rows it moves.
    count: u16,
    up: bool,
}

/// Moving costs about as much as writing so many cells.
const PRICE: i64 = 24;

impl Shift {
    /// Finds the movement that saves most cells, if one saves any.
    fn find(shown: &Buffer, next: &Buffer) -> Option<Self> {
        let (width, height) = (usize::from(next.area.width), usize::from(next.area.height));
        let old: Vec<u64> = prints(shown, width);
        let new: Vec<u64> = prints(next, width);
        if old.iter().zip(&new).filter(|(a, b)| a != b).count() < 2 {
            return None;
        }
        let row = |buffer: &Buffer, y: usize| -> std::ops::Range<usize> {
            debug_assert!(y < usize::from(buffer.area.height));
            y * width..(y + 1) * width
        };
        let differ = |old_y: usize, new_y: usize| -> i64 {
            if old[old_y] == new[new_y] {
                return 0;
            }
            let pair = shown.content[row(shown, old_y)]
                .iter()
                .zip(&next.content[row(next, new_y)]);
            i64::try_from(pair.filter(|(a, b)| a != b).count()).unwrap_or(i64::MAX)
        };
        let filled = |y: usize| -> i64 {
            let row = &next.content[row(next, y)];
            i64::try_from(row.iter().filter(|cell| !is_blank(cell)).count()).unwrap_or(i64::MAX)
        };
        let in_place: Vec<i64> = (0..height).map(|y| differ(y, y)).collect();
        let mut best: Option<(i64, Self)> = None;
        for (count, up) in candidates(&old, &new, &in_place) {
            // How much each row gains when the row so far away comes here.
            let gain = |y: usize| -> Option<i64> {
                let from = if up { y + count } else { y.checked_sub(count)? };
                (from < height).then(|| in_place[y] - differ(from, y))
            };
            let gains: Vec<i64> = (0..height).map(|y| gain(y).unwrap_or(i64::MIN)).collect();
            // The block with the greatest sum; the rows it leaves behind are blank and have to be written.
            if let Some((start, end)) = blocks(&gains) {
                let (top, bottom, left) = if up {
                    (start, end + count, end..end + count)
                } else {
                    (start - count, end, start - count..start)
                };
                let loss: i64 = left.map(|y| filled(y) - in_place[y]).sum();
                let saved = gains[start..end].iter().sum::<i64>() - loss - PRICE;
                if saved > 0 && best.as_ref().is_none_or(|(most, _)| saved > *most) {
                    let shift = Self {
                        top: u16::try_from(top).ok()?,
                        bottom: u16::try_from(bottom).ok()?,
                        count: u16::try_from(count).ok()?,
                        up,
                    };
                    best = Some((saved, shift));
                }
            }
        }
        best.map(|(_, shift)| shift)
    }
}

/// Returns the three movements that most rows agree on.
fn candidates(old: &[u64], new: &[u64], in_place: &[i64]) -> Vec<(usize, bool)> {
    let mut votes: std::collections::BTreeMap<(usize, bool), usize> =
        std::collections::BTreeMap::new();
    for (y, print) in new.iter().enumerate().filter(|(y, _)| in_place[*y] > 0) {
        for (from, _) in old.iter().enumerate().filter(|(_, old)| *old == print) {
            *votes.entry((from.abs_diff(y), from > y)).or_default() += 1;
        }
    }
    let mut ranked: Vec<_> = votes.into_iter().collect();
    ranked.sort_by_key(|(_, votes)| std::cmp::Reverse(*votes));
    ranked.into_iter().take(3).map(|(shift, _)| shift).collect()
}

/// Returns the block of rows whose gains sum up highest, if any gains.
fn blocks(gains: &[i64]) -> Option<(usize, usize)> {
    let (mut best, mut sum, mut start) = ((0, None), 0_i64, 0);
    for (y, gain) in gains.iter().enumerate() {
        if sum <= 0 || *gain == i64::MIN {
            (sum, start) = (0, y);
        }
        if *gain == i64::MIN {
            start = y + 1;
            continue;
        }
        sum += gain;
        if sum > best.0 {
            best = (sum, Some((start, y + 1)));
        }
    }
    best.1
}

/// Returns a number for each row that equal rows share.
fn prints(buffer: &Buffer, width: usize) -> Vec<u64> {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    buffer
        .content
        .chunks_exact(width.max(1))
        .map(|row| {
            let mut hasher = DefaultHasher::new();
            row.hash(&mut hasher);
            hasher.finish()
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests;
