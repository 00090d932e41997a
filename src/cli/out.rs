//! The one place that writes to standard output and standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use domain::visible;
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

/// Where a command's result goes, and in which form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Out {
    json: bool,
}

impl Out {
    /// Makes an output; with `json`, every result is JSON, one value per line.
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Tells whether a person is looking at standard error, where progress is shown.
    pub(super) fn shows_progress(self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// Writes text for people, with control characters made visible; nothing in JSON mode.
    pub(super) fn text(self, text: &str) {
        if self.json {
            return;
        }
        for line in text.lines() {
            write_line(&visible(line));
        }
    }

    /// Writes one JSON value on a line; nothing in text mode.
    pub(super) fn value(self, value: &impl Serialize) {
        if self.json {
            export(value);
        }
    }

    /// Writes a row of columns for people, cells padded to the widths given; nothing in JSON mode.
    pub(super) fn table(self, header: &[&str], rows: &[Vec<String>]) {
        if self.json {
            return;
        }
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| visible(cell).into_owned()).collect())
            .collect();
        let width = |column: usize| {
            cells
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width())
                .chain([header[column].width()])
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        let line = |row: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<String> = row
                .zip(&widths)
                .map(|(cell, width)| {
                    let room = width.saturating_sub(cell.width());
                    format!("{cell}{}", " ".repeat(room))
                })
                .collect();
            write_line(padded.join("  ").trim_end());
        };
        line(&mut header.iter().copied());
        for row in &cells {
            line(&mut row.iter().map(String::as_str));
        }
    }
}

/// Writes one JSON value on a line, in either mode: for exports.
pub(super) fn export(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(line) => write_line(&escaped(&line)),
        Err(error) => note(&format!("error: cannot write the result as JSON: {error}")),
    }
}

/// Writes a line for people to standard error.
pub(super) fn note(text: &str) {
    for line in text.lines() {
        let _ = writeln!(io::stderr(), "{}", visible(line)); // nobody reads standard error: nothing left to tell
    }
}

/// Writes one line to standard output. A reader that went away (`| head`) is no reason to stop: what was begun goes on,
/// and the exit code stays the command's own.
fn write_line(line: &str) {
    static NOBODY_READS: AtomicBool = AtomicBool::new(false);
    if NOBODY_READS.load(Ordering::Relaxed) {
        return;
    }
    if let Err(error) = writeln!(io::stdout(), "{line}") {
        NOBODY_READS.store(true, Ordering::Relaxed);
        if error.kind() != io::ErrorKind::BrokenPipe {
            note(&format!("error: cannot write to standard output: {error}"));
        }
    }
}

/// Writes every character that could drive a terminal as `\uXXXX`. In JSON such characters stand in strings only, so
/// the value stays the same.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if visible(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8() {
            out.push(c);
        } else {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    out
}

/// Writes a count with its word, which gets an `s` unless it is one.
pub(super) fn counted<N: Copy + Display + From<u8> + PartialEq>(count: N, what: &str) -> String {
    let more = if count == N::from(1) { "" } else { "s" };
    format!("{count} {what}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_one_has_its_word_without_an_s() {
        assert_eq!(counted(1_u64, "account"), "1 account");
        assert_eq!(counted(0_usize, "account"), "0 accounts");
    }

    #[test]
    fn json_never_drives_a_terminal_and_reads_back_the_same() {
        let value = serde_json::json!({ "name": "eve\u{9b}2J \u{202e}x\u{200b} é🙂\u{1b}\n" });
        let text = escaped(&value.to_string());
        assert!(
            text.chars()
                .all(|c| visible(&c.to_string()) == c.to_string()),
            "{text}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}
