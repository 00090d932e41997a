//! Pictures of the screen from its buffer: plain text, text with colours, SVG and HTML.
//!
//! Whoever takes a picture draws the screen with every secret masked (`Screen::masked`); what is masked on the screen is
//! masked here.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::emit;
use crate::paint::cells;

/// A kind of picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Plain text.
    Txt,
    /// A drawing for documents; letters stay letters.
    Svg,
    /// A page that can be opened by itself.
    Html,
    /// Text with the terminal's own colours: `cat` shows it.
    Ansi,
}

impl Format {
    /// Every kind.
    pub(crate) const ALL: [Self; 4] = [Self::Txt, Self::Svg, Self::Html, Self::Ansi];

    /// Returns the ending of its files.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Txt => "txt",
            Self::Svg => "svg",
            Self::Html => "html",
            Self::Ansi => "ansi",
        }
    }

    /// Says what it is good for.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Txt => "plain text",
            Self::Svg => "a drawing for documents",
            Self::Html => "a page that opens by itself",
            Self::Ansi => "text with colours, for cat",
        }
    }

    /// Draws the picture. `light` says that the terminal's background is.
    pub(crate) fn draw(self, buffer: &Buffer, light: bool) -> String {
        match self {
            Self::Txt => text(buffer),
            Self::Svg => svg(buffer, light),
            Self::Html => html(buffer, light),
            Self::Ansi => ansi(buffer),
        }
    }
}

/// Neighbours that look alike.
struct Run<'b> {
    /// Where it begins, and how many cells it takes.
    x: usize,
    width: usize,
    text: String,
    cell: &'b Cell,
}

/// Cuts a row into runs that look alike, without blanks at its end that show nothing.
fn runs(row: &[Cell]) -> Vec<Run<'_>> {
    let mut list: Vec<Run<'_>> = Vec::new();
    let mut x = 0;
    let end = row
        .iter()
        .rposition(|cell| !(emit::is_blank(cell) || cell.symbol().is_empty()))
        .map_or(0, |at| at + cells(row[at].symbol()).max(1));
    while x < end {
        let cell = &row[x];
        let width = cells(cell.symbol()).max(1);
        let symbol = if cell.symbol().is_empty() {
            " "
        } else {
            cell.symbol()
        };
        match list.last_mut() {
            Some(run) if look(run.cell) == look(cell) => {
                run.width += width;
                run.text.push_str(symbol);
            }
            _ => list.push(Run {
                x,
                width,
                text: symbol.to_owned(),
                cell,
            }),
        }
        x += width;
    }
    list
}

fn look(cell: &Cell) -> (Color, Color, Modifier) {
    (cell.fg, cell.bg, cell.modifier)
}

fn rows(buffer: &Buffer) -> impl Iterator<Item = &[Cell]> {
    buffer
        .content
        .chunks_exact(usize::from(buffer.area.width).max(1))
}

/// Writes the buffer as plain text without trailing blanks.
pub(crate) fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for row in rows(buffer) {
        let line: String = runs(row).into_iter().map(|run| run.text).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Writes the buffer as lines with colours, each of which ends as plain as it began.
fn ansi(buffer: &Buffer) -> String {
    let mut out = String::new();
    for row in rows(buffer) {
        for run in runs(row) {
            let codes = emit::codes_of(run.cell);
            if codes.is_empty() {
                out.push_str(&run.text);
            } else {
                out.push_str(&format!("\x1b[{codes}m{}\x1b[m", run.text));
            }
        }
        out.push('\n');
    }
    out
}

/// The colours of a picture: xterm's sixteen, on a background that they can be read on.
#[derive(Debug, Clone, Copy)]
struct Ink {
    text: &'static str,
    paper: &'static str,
}

impl Ink {
    fn of(light: bool) -> Self {
        if light {
            Self {
                text: "#1a1a1a",
                paper: "#ffffff",
            }
        } else {
            Self {
                text: "#e0e0e0",
                paper: "#16181d",
            }
        }
    }

    /// Returns the colours of letters and ground.
    fn colors(self, cell: &Cell) -> (String, String) {
        let fg = color(cell.fg).unwrap_or_else(|| self.text.to_owned());
        let bg = color(cell.bg).unwrap_or_else(|| self.paper.to_owned());
        if cell.modifier.contains(Modifier::REVERSED) {
            (bg, fg)
        } else {
            (fg, bg)
        }
    }
}

/// Returns a colour as `#rrggbb`; `None` for the terminal's own.
fn color(color: Color) -> Option<String> {
    let named = match color {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Color::Indexed(index) => return Some(indexed(index)),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    Some(indexed(named))
}

/// Returns one of the 256 colours: sixteen names, a cube of six steps, and 24 greys (xterm).
fn indexed(index: u8) -> String {
    const NAMED: [&str; 16] = [
        "#000000", "#cd0000", "#007300", "#cdcd00", "#0000ee", "#910091", "#00cdcd", "#e5e5e5",
        "#646464", "#ff6e6e", "#00ff00", "#ffff00", "#7896ff", "#ff00ff", "#00ffff", "#ffffff",
    ];
    match index {
        0..16 => NAMED[usize::from(index)].to_owned(),
        16..232 => {
            let step = |level: u8| if level == 0 { 0 } else { 55 + 40 * level };
            let index = index - 16;
            let (r, g, b) = (index / 36, index / 6 % 6, index % 6);
            format!("#{:02x}{:02x}{:02x}", step(r), step(g), step(b))
        }
        232.. => {
            let level = 8 + 10 * (index - 232);
            format!("#{level:02x}{level:02x}{level:02x}")
        }
    }
}

/// Writes text so that it means itself in XML and HTML. What XML cannot hold at all becomes the replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

/// Cells of a picture, in hundredths of a pixel, so that no fraction has to be written.
const CELL: (usize, usize) = (840, 1800);
const FONT: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";

fn px(hundredths: usize) -> String {
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    if rest == 0 {
        whole.to_string()
    } else {
        format!("{whole}.{rest:02}")
    }
}

fn svg(buffer: &Buffer, light: bool) -> String {
    let ink = Ink::of(light);
    let (width, height) = (
        usize::from(buffer.area.width) * CELL.0 + 1600,
        usize::from(buffer.area.height) * CELL.1 + 1600,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"{FONT}\" font-size=\"14\">\n<rect width=\"{w}\" height=\"{h}\" rx=\"6\" fill=\"{}\"/>\n",
        ink.paper,
        w = px(width),
        h = px(height),
    );
    for (y, row) in rows(buffer).enumerate() {
        let top = 800 + y * CELL.1;
        for run in runs(row) {
            let (fg, bg) = ink.colors(run.cell);
            let (x, wide) = (px(800 + run.x * CELL.0), px(run.width * CELL.0));
            if bg != ink.paper {
                out.push_str(&format!(
                    "<rect x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{}\" fill=\"{bg}\"/>\n",
                    px(top),
                    px(CELL.1)
                ));
            }
            if run.text.trim().is_empty() && !underlined(run.cell) {
                continue;
            }
            // The length keeps columns straight whatever font is there.
            out.push_str(&format!(
                "<text x=\"{x}\" y=\"{}\" textLength=\"{wide}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" \
                 fill=\"{fg}\"{}>{}</text>\n",
                px(top + 1330),
                svg_look(run.cell),
                escaped(&run.text)
            ));
        }
    }
    out.push_str("</svg>\n");
    out
}

fn underlined(cell: &Cell) -> bool {
    cell.modifier.contains(Modifier::UNDERLINED)
}

fn svg_look(cell: &Cell) -> String {
    let mut out = String::new();
    if cell.modifier.contains(Modifier::BOLD) {
        out.push_str(" font-weight=\"bold\"");
    }
    if cell.modifier.contains(Modifier::ITALIC) {
        out.push_str(" font-style=\"italic\"");
    }
    if underlined(cell) {
        out.push_str(" text-decoration=\"underline\"");
    }
    out
}

fn html(buffer: &Buffer, light: bool) -> String {
    let ink = Ink::of(light);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"/><title>outbound</title></head>\n\
         <body style=\"background:{paper}\">\n<pre style=\"color:{text};background:{paper};font:14px/1.28 {FONT}\">\n",
        text = ink.text,
        paper = ink.paper,
    );
    for row in rows(buffer) {
        for run in runs(row) {
            let (fg, bg) = ink.colors(run.cell);
            let mut style = String::new();
            if fg != ink.text {
                style.push_str(&format!("color:{fg};"));
            }
            if bg != ink.paper {
                style.push_str(&format!("background:{bg};"));
            }
            if run.cell.modifier.contains(Modifier::BOLD) {
                style.push_str("font-weight:bold;");
            }
            if run.cell.modifier.contains(Modifier::ITALIC) {
                style.push_str("font-style:italic;");
            }
            if underlined(run.cell) {
                style.push_str("text-decoration:underline;");
            }
            let text = escaped(&run.text);
            if style.is_empty() {
                out.push_str(&text);
            } else {
                out.push_str(&format!("<span style=\"{style}\">{text}</span>"));
            }
        }
        out.push('\n');
    }
    out.push_str("</pre>\n</body>\n</html>\n");
    out
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    /// What a target could have sent, as the screen shows it.
    fn hostile() -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 4));
        let red = Style::new()
            .fg(Color::LightRed)
            .add_modifier(Modifier::BOLD);
        buffer.set_string(0, 0, "</text><script>alert(\"1\")</script>&amp;", red);
        buffer.set_string(
            0,
            1,
            domain::visible("a\u{1b}[2J\u{0}b\u{202e}c\u{fffe}").as_ref(),
            Style::new(),
        );
        buffer.set_string(0, 2, "日本語 zoe\u{308}", Style::new().bg(Color::Blue));
        buffer.set_string(
            10,
            3,
            "reversed ]]>",
            Style::new().add_modifier(Modifier::REVERSED),
        );
        buffer
    }

    /// Reads XML to its end and returns the text in it.
    fn read_xml(xml: &str) -> String {
        let mut reader = quick_xml::Reader::from_str(xml);
        reader.config_mut().check_end_names = true;
        let mut text = String::new();
        let mut open = 0_i32;
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Start(_) => open += 1,
                quick_xml::events::Event::End(_) => open -= 1,
                quick_xml::events::Event::Text(part) => text.push_str(&part),
                quick_xml::events::Event::GeneralRef(name) => {
                    text.push_str(match &*name {
                        "amp" => "&",
                        "lt" => "<",
                        "gt" => ">",
                        "quot" => "\"",
                        other => panic!("&{other}; is not of XML"),
                    });
                }
                _ => {}
            }
        }
        assert_eq!(open, 0, "not everything is closed");
        text
    }

    #[test]
    fn svg_and_html_are_well_formed_and_what_a_target_sent_is_text() {
        let buffer = hostile();
        for light in [false, true] {
            for format in [Format::Svg, Format::Html] {
                let picture = format.draw(&buffer, light);
                let text = read_xml(&picture);
                assert!(text.contains("</text><script>alert(\"1\")</script>&amp;"));
                assert!(text.contains("a␛[2J"), "{text}");
                assert!(!picture.contains("<script"));
                assert!(!picture.contains(['\u{1b}', '\u{0}', '\u{202e}']));
            }
        }
    }

    #[test]
    fn wide_characters_take_their_cells_in_every_picture() {
        let buffer = hostile();
        assert_eq!(text(&buffer).lines().nth(2), Some("日本語 zoe\u{308}"));
        let drawing = svg(&buffer, false);
        let line = drawing
            .lines()
            .find(|line| line.contains("日本語"))
            .unwrap();
        // Ten cells of 8.4 pixels.
        assert!(line.contains("textLength=\"84\""), "{line}");
    }

    #[test]
    fn ansi_says_the_same_as_the_buffer_and_ends_plain() {
        let buffer = hostile();
        let picture = ansi(&buffer);
        let mut terminal = crate::emit::tests::terminal(60, 5);
        terminal.process(picture.replace('\n', "\r\n").as_bytes());
        let shown = terminal.screen();
        assert_eq!(shown.contents().trim_end(), text(&buffer).trim_end());
        assert_eq!(shown.fgcolor(), vt100::Color::Default);
        assert!(!shown.bold() && !shown.inverse());
        assert_eq!(shown.cell(0, 0).unwrap().fgcolor(), vt100::Color::Idx(9));
        assert!(shown.cell(3, 10).unwrap().inverse());
    }
}
