//! Recordings of the screen: asciicast version 2, made from masked frames and never from what was typed.
//!
//! Source: the asciicast v2 file format of asciinema: one JSON header, then one `[seconds, code, data]` a line; `o` is
//! output, `r` a new size.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use crate::emit::Emitter;

/// A pause longer than this is shortened when the recording is played.
const IDLE_LIMIT: f64 = 2.0;

/// A recording that goes on.
pub(crate) struct Cast {
    file: File,
    path: PathBuf,
    emitter: Emitter,
    next: Buffer,
    begun: Option<Duration>,
    size: (u16, u16),
    at: Timestamp,
    /// Frames closer together than this are one.
    last: Option<Duration>,
}

/// The least time between two frames of a recording: ten a second.
const FRAME: Duration = Duration::from_millis(100);

impl Cast {
    /// Makes the file. A file that is there is not overwritten.
    pub(crate) fn create(path: &Path, at: Timestamp) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            emitter: Emitter::new(),
            next: Buffer::empty(Rect::ZERO),
            begun: None,
            size: (0, 0),
            at,
            last: None,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns when the next frame may be taken; frames before that are left out, and the one after shows what they did.
    pub(crate) fn due(&self) -> Duration {
        self.last.map_or(Duration::ZERO, |last| last + FRAME)
    }

    /// Takes a frame of the screen, drawn with every secret masked.
    pub(crate) fn frame(
        &mut self,
        now: Duration,
        size: (u16, u16),
        paint: impl FnOnce(&mut Buffer, Rect),
    ) -> io::Result<()> {
        let area = Rect::new(0, 0, size.0, size.1);
        self.next.resize(area);
        self.next.reset();
        paint(&mut self.next, area);
        let mut bytes = Vec::new();
        self.emitter.frame(&mut self.next, &mut bytes);
        let begun = *self.begun.get_or_insert(now);
        self.last = Some(now);
        if self.size == (0, 0) {
            let header = json!({
                "version": 2,
                "width": size.0,
                "height": size.1,
                "timestamp": self.at.as_second(),
                "idle_time_limit": IDLE_LIMIT,
                "title": "outbound",
                "env": { "TERM": "xterm-256color" },
            });
            writeln!(self.file, "{header}")?;
            // A player's cursor would blink in the corner of every frame.
            bytes.splice(0..0, *b"\x1b[?25l");
        } else if self.size != size {
            self.event(
                now.saturating_sub(begun),
                "r",
                &format!("{}x{}", size.0, size.1),
            )?;
        }
        self.size = size;
        if bytes.is_empty() {
            return Ok(());
        }
        self.event(
            now.saturating_sub(begun),
            "o",
            &String::from_utf8_lossy(&bytes),
        )
    }

    fn event(&mut self, at: Duration, code: &str, data: &str) -> io::Result<()> {
        let seconds = (at.as_secs_f64() * 1e6).round() / 1e6;
        writeln!(self.file, "{}", json!([seconds, code, data]))
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Style};

    use super::*;

    #[test]
    fn a_recording_plays_to_the_screen_it_was_taken_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("screen.cast");
        let mut cast = Cast::create(&path, Timestamp::from_second(1_700_000_000).unwrap()).unwrap();
        let paint = |text: &'static str| {
            move |buffer: &mut Buffer, area: Rect| {
                buffer.set_string(0, 0, text, Style::new().fg(Color::LightGreen));
                buffer.set_string(0, area.height - 1, "日本語 \"quoted\" \\", Style::new());
            }
        };
        let second = Duration::from_secs(1);
        cast.frame(second, (20, 4), paint("one")).unwrap();
        cast.frame(second * 2, (20, 4), paint("two")).unwrap();
        cast.frame(second * 2, (20, 4), paint("two")).unwrap();
        cast.frame(second * 3, (30, 6), paint("three")).unwrap();

        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        let header: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!(
            (&header["version"], &header["width"], &header["height"]),
            (&json!(2), &json!(20), &json!(4))
        );
        let mut player = crate::emit::tests::terminal(20, 4);
        let mut times = Vec::new();
        let mut codes = String::new();
        for line in lines {
            let (seconds, code, data): (f64, String, String) = serde_json::from_str(line).unwrap();
            times.push(seconds);
            codes.push_str(&code);
            match code.as_str() {
                "o" => player.process(data.as_bytes()),
                "r" => {
                    let (width, height) = data.split_once('x').unwrap();
                    player
                        .screen_mut()
                        .set_size(height.parse().unwrap(), width.parse().unwrap());
                }
                other => panic!("{other} is never written: what was typed stays out"),
            }
        }
        assert_eq!(times, [0.0, 1.0, 2.0, 2.0]);
        assert_eq!(codes, "ooro");
        let shown = crate::shot::text(cast.emitter.shown());
        assert_eq!(player.screen().contents().trim_end(), shown.trim_end());
        assert!(player.screen().hide_cursor());
    }

    #[test]
    fn a_file_that_is_there_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "kept").unwrap();
        assert!(Cast::create(&path, Timestamp::UNIX_EPOCH).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
    }
}
