//! What each panel shows, as text with a map of its styles.

use std::fmt::Write as _;

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::Stage;
use crate::theme::ThemeName;

/// Writes the text, then for each row the runs of styles: `4 a3 c10` is row 4 with three cells of `a`, ten of `c`.
fn told(buffer: &Buffer) -> String {
    let mut out = crate::shot::text(buffer);
    let mut styles: Vec<Style> = vec![Style::reset()];
    let mut runs = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line: Vec<(usize, usize)> = Vec::new();
        for x in buffer.area.left()..buffer.area.right() {
            let mut style = buffer[(x, y)].style();
            style.underline_color = Style::reset().underline_color;
            let at = styles
                .iter()
                .position(|known| look(*known) == look(style))
                .unwrap_or_else(|| {
                    styles.push(style);
                    styles.len() - 1
                });
            match line.last_mut() {
                Some((last, count)) if *last == at => *count += 1,
                _ => line.push((at, 1)),
            }
        }
        if line.len() > 1 || line.first().is_some_and(|(at, _)| *at > 0) {
            let _ = write!(runs, "{y}");
            for (at, count) in line {
                let letter = char::from(b'a' + u8::try_from(at % 26).unwrap());
                let _ = write!(runs, " {letter}{count}");
            }
            runs.push('\n');
        }
    }
    out.push_str("--- styles\n");
    for (at, style) in styles.iter().enumerate() {
        let letter = char::from(b'a' + u8::try_from(at % 26).unwrap());
        let _ = writeln!(out, "{letter} {}", look(*style));
    }
    out.push_str(&runs);
    out
}

fn look(style: Style) -> String {
    let colour = style
        .fg
        .map_or_else(|| "reset".to_owned(), |fg| fg.to_string());
    format!("{colour} {:?}", style.add_modifier)
}

/// Every panel with what leads to it, and what is opened in it.
const VIEWS: &[(&str, &str)] = &[
    ("connections", "1"),
    ("connection-outbound", "1\n]]"),
    ("provisioning", "2"),
    ("directory", "3GG"),
    ("traffic", "4"),
    ("traffic-why", "4\n"),
    ("traffic-wire", "4\n]"),
    ("traffic-target", "4d"),
    ("targets", "5"),
    ("applications", "6\n"),
    ("trigger", "t"),
    ("journal", "8"),
    ("log", "9"),
    ("palette", ":prov"),
    ("help", "4?"),
    ("new-provisioner", "2n"),
    ("new-connector", "1\n]]n"),
    ("new-connection", "1n"),
    ("connection-general", "1\n"),
    ("connection-attributes", "1\n]"),
    ("connection-roles", "1\n]]]"),
    ("connection-jit", "1\n]]]]"),
    ("connection-raw", "1\n]]]]]"),
    ("connection-delete", "1D"),
    ("directory-groups", "3]"),
    ("directory-roles", "3]]"),
    ("import", "3i"),
    ("bulk", "3gB"),
    ("traffic-copy", "4y"),
    ("traffic-replay", "4R"),
    ("faults", "5f"),
    ("fault", "5f\n"),
    ("personality", "5Gp"),
    ("restore", "5:restore\n"),
    ("application-provisioning", "6\n"),
    ("journal-why", "8\n"),
    ("journal-discard", "8:discard all\n"),
    ("unsaved", "1 q"),
];

#[test]
fn every_panel_looks_as_it_did() {
    for size in [(80, 24), (160, 50)] {
        for theme in [ThemeName::Dark, ThemeName::Mono] {
            for (name, keys) in VIEWS {
                let mut stage = Stage::played(theme, size);
                for letter in keys.chars() {
                    let code = if letter == '\n' {
                        KeyCode::Enter
                    } else {
                        KeyCode::Char(letter)
                    };
                    stage.press(code);
                }
                let shown = told(&stage.buffer());
                insta::assert_snapshot!(
                    format!("{name}-{}x{}-{}", size.0, size.1, theme.word()),
                    shown
                );
            }
        }
    }
}

#[test]
fn the_smallest_sizes_show_something_and_never_panic() {
    for (width, height) in [(48, 14), (40, 12), (39, 11), (5, 1)] {
        for (name, keys) in VIEWS {
            let mut stage = Stage::played(ThemeName::Dark, (width, height));
            for letter in keys.chars() {
                let code = if letter == '\n' {
                    KeyCode::Enter
                } else {
                    KeyCode::Char(letter)
                };
                stage.press(code);
            }
            assert!(
                !stage.text().trim().is_empty(),
                "{name} at {width}x{height}"
            );
        }
    }
    let mut stage = Stage::played(ThemeName::Dark, (39, 11));
    assert_eq!(stage.text().trim(), "39x11 is too small; 40x12 is needed");
    stage.size = (12, 4);
    assert_eq!(stage.text().trim(), "12x4 is too\nsmall; 40x12\nis needed");
    stage.size = (40, 12);
    insta::assert_snapshot!("traffic-40x12", stage.text());
}

#[test]
fn without_unicode_the_screen_is_ascii_but_for_names() {
    let mut stage = Stage::played(ThemeName::Mono, (80, 24));
    stage.screen.world.theme.ascii = true;
    stage.press(KeyCode::Char('1'));
    let text = stage.text();
    let but_for_names = text.replace("zoë.日本", "");
    assert!(but_for_names.is_ascii(), "{text}");
}
