//! What this process says of itself: the newest lines of its log, kept in memory for the panel *Log*.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// How many bytes of lines are kept.
const LIMIT_BYTES: usize = 256 * 1024;

/// The newest lines of a log. Whoever writes the log writes here as well; clones are the same book.
#[derive(Debug, Clone, Default)]
pub struct LogBook {
    kept: Arc<Mutex<Kept>>,
    /// Counts what was written.
    written: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<String>,
    bytes: usize,
}

impl LogBook {
    /// Adds what was logged, one or more whole lines; the oldest lines are let go when there are too many.
    pub fn write(&self, text: &str) {
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for line in text.lines() {
                kept.bytes += line.len();
                kept.lines.push_back(line.to_owned());
            }
            while kept.bytes > LIMIT_BYTES {
                let Some(oldest) = kept.lines.pop_front() else {
                    break;
                };
                kept.bytes -= oldest.len();
            }
        }
        self.written.send_modify(|count| *count += 1);
    }

    /// Returns the lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.lines.iter().cloned().collect()
    }

    /// Tells whenever something was written from now on.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_stay_within_their_bytes_and_a_follower_hears_of_them() {
        let book = LogBook::default();
        let mut heard = book.follow();
        assert!(!heard.has_changed().unwrap());
        book.clone().write("INFO one\nWARN two\n");
        assert!(heard.has_changed().unwrap());
        heard.mark_unchanged();
        assert_eq!(book.lines(), ["INFO one", "WARN two"]);
        let long = "x".repeat(1_000);
        for _ in 0..1_000 {
            book.write(&long);
        }
        let lines = book.lines();
        assert_eq!(lines.len(), LIMIT_BYTES / long.len());
        assert!(lines.iter().all(|line| *line == long));
    }
}
