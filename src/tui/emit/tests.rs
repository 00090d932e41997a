//! Whatever comes after whatever: a terminal that reads the bytes shows the frame.

use proptest::prelude::*;
use ratatui::style::Style;

use super::*;

/// Returns a terminal of so many cells.
pub(crate) fn terminal(width: u16, height: u16) -> vt100::Parser {
    vt100::Parser::new(height.try_into().unwrap(), width.try_into().unwrap(), 0)
}

fn vt_color(color: Color) -> vt100::Color {
    match color {
        Color::Reset => vt100::Color::Default,
        Color::Indexed(index) => vt100::Color::Idx(index),
        Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        named => {
            let all = [
                Color::Black,
                Color::Red,
                Color::Green,
                Color::Yellow,
                Color::Blue,
                Color::Magenta,
                Color::Cyan,
                Color::Gray,
                Color::DarkGray,
                Color::LightRed,
                Color::LightGreen,
                Color::LightYellow,
                Color::LightBlue,
                Color::LightMagenta,
                Color::LightCyan,
                Color::White,
            ];
            let at = all.iter().position(|one| *one == named).unwrap();
            vt100::Color::Idx(u8::try_from(at).unwrap())
        }
    }
}

/// Says where the terminal shows something else than the frame.
fn difference(screen: &vt100::Screen, frame: &Buffer) -> Option<String> {
    for y in 0..frame.area.height {
        for x in 0..frame.area.width {
            let wanted = &frame[(x, y)];
            let shown = screen.cell(y, x).unwrap();
            if wanted.symbol().is_empty() {
                if !shown.is_wide_continuation() {
                    return Some(format!("({x},{y}) is not covered"));
                }
                continue;
            }
            let text = if shown.has_contents() {
                shown.contents()
            } else {
                " "
            };
            if text != wanted.symbol() {
                return Some(format!("({x},{y}) {text:?} for {:?}", wanted.symbol()));
            }
            let looks_alike = if is_blank(wanted) {
                shown.bgcolor() == vt100::Color::Default && !shown.inverse() && !shown.underline()
            } else {
                shown.fgcolor() == vt_color(wanted.fg)
                    && shown.bgcolor() == vt_color(wanted.bg)
                    && shown.bold() == wanted.modifier.contains(Modifier::BOLD)
                    && shown.italic() == wanted.modifier.contains(Modifier::ITALIC)
                    && shown.underline() == wanted.modifier.contains(Modifier::UNDERLINED)
                    && shown.inverse() == wanted.modifier.contains(Modifier::REVERSED)
            };
            if !looks_alike {
                return Some(format!("({x},{y}) {text:?} does not look like {wanted:?}"));
            }
        }
    }
    None
}

/// Something that happens to a frame.
#[derive(Debug, Clone)]
enum Step {
    Write {
        x: u16,
        y: u16,
        text: &'static str,
        look: usize,
    },
    Scroll {
        top: u16,
        bottom: u16,
        by: u16,
        up: bool,
    },
    Clear {
        y: u16,
    },
    Show,
}

const TEXTS: [&str; 12] = [
    "a",
    "12:04:11 POST /scim2/Users",
    "201",
    "日本語",
    "日",
    "zoe\u{308}",
    "──────────",
    "▌",
    "     ",
    "│",
    "\u{1f642}",
    "x y  z   w    v",
];

fn looks() -> [Style; 8] {
    let plain = Style::new();
    [
        plain,
        plain.fg(Color::LightRed).add_modifier(Modifier::BOLD),
        plain.fg(Color::Gray),
        plain.add_modifier(Modifier::REVERSED),
        plain.bg(Color::Blue),
        plain.add_modifier(Modifier::UNDERLINED | Modifier::BOLD),
        plain.fg(Color::Indexed(123)),
        plain.fg(Color::Rgb(1, 2, 3)).bg(Color::White),
    ]
}

fn step(width: u16, height: u16) -> impl Strategy<Value = Step> {
    let write =
        (0..width, 0..height, 0..TEXTS.len(), 0..looks().len()).prop_map(|(x, y, text, look)| {
            Step::Write {
                x,
                y,
                text: TEXTS[text],
                look,
            }
        });
    let scroll =
        (0..height, 0..height, 1..4_u16, any::<bool>()).prop_map(|(a, b, by, up)| Step::Scroll {
            top: a.min(b),
            bottom: a.max(b) + 1,
            by,
            up,
        });
    prop_oneof![
        6 => write,
        2 => scroll,
        1 => (0..height).prop_map(|y| Step::Clear { y }),
        3 => Just(Step::Show),
    ]
}

fn take(frame: &mut Buffer, step: &Step) {
    let width = usize::from(frame.area.width);
    match step {
        Step::Write { x, y, text, look } => {
            frame.set_string(*x, *y, text, looks()[*look]);
        }
        Step::Scroll {
            top,
            bottom,
            by,
            up,
        } => {
            let rows = usize::from(*top) * width..usize::from(*bottom) * width;
            let block = &mut frame.content[rows];
            let moved = (usize::from(*by) * width).min(block.len());
            if *up {
                block.rotate_left(moved);
            } else {
                block.rotate_right(moved);
            }
        }
        Step::Clear { y } => {
            let rows = usize::from(*y) * width..usize::from(*y + 1) * width;
            frame.content[rows].iter_mut().for_each(Cell::reset);
        }
        Step::Show => {}
    }
}

proptest! {
    #[test]
    fn a_terminal_shows_every_frame_as_it_was_drawn(
        (width, height, steps) in (3..50_u16, 2..16_u16).prop_flat_map(|(width, height)| {
            (Just(width), Just(height), prop::collection::vec(step(width, height), 1..80))
        })
    ) {
        let area = Rect::new(0, 0, width, height);
        let mut terminal = terminal(width, height);
        let mut emitter = Emitter::new();
        let mut frame = Buffer::empty(area);
        for step in steps.iter().chain([&Step::Show]) {
            take(&mut frame, step);
            if matches!(step, Step::Show) {
                let mut out = Vec::new();
                emitter.frame(&mut frame.clone(), &mut out);
                terminal.process(&out);
                let told = difference(terminal.screen(), emitter.shown());
                prop_assert!(told.is_none(), "{}", told.unwrap_or_default());
                let mut again = Vec::new();
                emitter.frame(&mut frame.clone(), &mut again);
                prop_assert!(again.is_empty(), "the same frame cost {} bytes", again.len());
            }
        }
    }
}

/// A list in a frame, with a mark at its last row, as a stream is followed.
fn list(first: u32, width: u16, height: u16) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    for y in 0..height {
        let row = first + u32::from(y);
        let text = format!(
            "│ 12:{:02}:{:02} corp-scim/scim2 create user-{row} POST {} {:>4}",
            row / 60 % 60,
            row % 60,
            200 + row % 7,
            row * 37 % 997
        );
        buffer.set_string(0, y, text, Style::new());
        buffer.set_string(width - 1, y, "│", Style::new().fg(Color::Gray));
    }
    buffer.set_string(1, height - 1, "▌", Style::new());
    buffer
}

#[test]
fn a_list_that_moves_by_one_row_costs_one_row() {
    let (width, height) = (80, 20);
    let mut emitter = Emitter::new();
    let mut terminal = terminal(width, height);
    let mut out = Vec::new();
    emitter.frame(&mut list(0, width, height), &mut out);
    let full = out.len();
    terminal.process(&out);
    for first in 1..10 {
        out.clear();
        emitter.frame(&mut list(first, width, height), &mut out);
        terminal.process(&out);
        assert_eq!(difference(terminal.screen(), emitter.shown()), None);
        assert!(out.len() < 130, "{} bytes of {full}", out.len());
    }
}

#[test]
fn a_letter_behind_another_is_one_byte() {
    let area = Rect::new(0, 0, 20, 3);
    let mut emitter = Emitter::new();
    let mut frame = Buffer::empty(area);
    let mut out = Vec::new();
    emitter.frame(&mut frame.clone(), &mut out);
    for (x, letter) in ["k", "i", "m"].into_iter().enumerate() {
        frame.set_string(u16::try_from(x).unwrap() + 2, 1, letter, Style::new());
        out.clear();
        emitter.frame(&mut frame.clone(), &mut out);
    }
    assert_eq!(out, b"m");
}

#[test]
fn a_long_text_in_front_of_a_border_is_erased_and_the_border_written_again() {
    let area = Rect::new(0, 0, 60, 2);
    let mut emitter = Emitter::new();
    let mut terminal = terminal(60, 2);
    let mut show = |text: &str| {
        let mut frame = Buffer::empty(area);
        frame.set_string(0, 0, text, Style::new().fg(Color::Gray));
        frame.set_string(59, 0, "│", Style::new().fg(Color::Gray));
        let mut out = Vec::new();
        emitter.frame(&mut frame, &mut out);
        terminal.process(&out);
        assert_eq!(difference(terminal.screen(), emitter.shown()), None);
        out.len()
    };
    show("What the address is made of: the name and the domain");
    let cost = show("What");
    assert!(cost <= 25, "{cost} bytes");
    // A few letters are cheaper written over than a border written again.
    show("Whatever");
    let cost = show("What");
    assert!(cost <= 12, "{cost} bytes");
}

#[test]
fn a_mark_that_moves_down_goes_back_by_one_and_down_by_one() {
    let area = Rect::new(0, 0, 20, 6);
    let mut emitter = Emitter::new();
    let mut show = |row: u16| {
        let mut frame = Buffer::empty(area);
        frame.set_string(1, row, ">", Style::new());
        let mut out = Vec::new();
        emitter.frame(&mut frame, &mut out);
        out
    };
    show(1);
    // A blank over the old one, and the new one below it.
    assert_eq!(show(2), b"\x08 \n\x08>");
}

#[test]
fn what_is_forgotten_is_written_in_full() {
    let mut emitter = Emitter::new();
    let mut out = Vec::new();
    emitter.frame(&mut list(0, 40, 5), &mut out);
    let first = out.clone();
    emitter.forget();
    out.clear();
    emitter.frame(&mut list(0, 40, 5), &mut out);
    assert_eq!(out.len(), first.len());
    let mut terminal = terminal(40, 5);
    terminal.process(b"somebody else's text\x1b[31m");
    terminal.process(&out);
    assert_eq!(difference(terminal.screen(), emitter.shown()), None);
}

#[test]
fn a_glyph_that_a_terminal_gives_more_cells_spoils_nothing_behind_it() {
    let area = Rect::new(0, 0, 20, 2);
    let mut emitter = Emitter::new();
    let mut terminal = terminal(20, 2);
    let mut show = |name: &str| {
        let mut frame = Buffer::empty(area);
        frame.set_string(0, 0, name, Style::new());
        frame.set_string(4, 0, "active", Style::new());
        let mut out = Vec::new();
        emitter.frame(&mut frame, &mut out);
        terminal.process(&out);
        terminal.screen().contents_between(0, 4, 0, 10)
    };
    assert_eq!(show("kim"), "active");
    // A hand and its colour: two cells by the tables, four in a terminal that does not put them together.
    assert_eq!(show("\u{1f44d}\u{1f3fd}"), "active");
    assert_eq!(show("kim"), "active");
}
