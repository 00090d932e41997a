//! What the terminal answers when it is asked for its background (OSC 11): read among the keys, however late it comes.
//!
//! Nobody waits for it. A terminal that does not know the question says nothing.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// *What is the background?* (xterm control sequences, OSC 11.)
pub(super) const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";

/// After this an answer is no longer expected.
const LATE: Duration = Duration::from_secs(10);
/// An answer is not longer than this: `11;rgba:ffff/ffff/ffff/ffff`.
const LONGEST: usize = 40;

/// Waits for the answer among the keys.
#[derive(Debug)]
pub(crate) struct Answer {
    until: Duration,
    /// What was heard of it so far; none before its beginning.
    heard: Option<String>,
}

/// What a key was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Somebody's key.
    Key,
    /// A part of the answer.
    Part,
    /// The end of the answer: whether the background is light; nothing when it makes no sense.
    End(Option<bool>),
}

impl Answer {
    /// The question was asked now.
    pub(crate) fn awaited(now: Duration) -> Self {
        Self {
            until: now + LATE,
            heard: None,
        }
    }

    /// Tells whether it may still come.
    pub(crate) fn is_awaited(&self, now: Duration) -> bool {
        self.heard.is_some() || now < self.until
    }

    /// Takes a key that may be a part of the answer: `ESC ]` arrives as Alt-`]`, its end as Alt-`\\` or Ctrl-G.
    pub(crate) fn hear(&mut self, key: KeyEvent) -> Heard {
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let Some(heard) = &mut self.heard else {
            if alt && key.code == KeyCode::Char(']') {
                self.heard = Some(String::new());
                return Heard::Part;
            }
            return Heard::Key;
        };
        match key.code {
            KeyCode::Char('\\') if alt => Heard::End(is_light(heard)),
            KeyCode::Char('g') if ctrl => Heard::End(is_light(heard)),
            KeyCode::Char(letter) if !alt && !ctrl && heard.len() < LONGEST => {
                heard.push(letter);
                Heard::Part
            }
            _ => Heard::End(None),
        }
    }
}

/// Reads `11;rgb:RRRR/GGGG/BBBB`, each with one to four digits.
fn is_light(answer: &str) -> Option<bool> {
    let (_, colours) = answer.strip_prefix("11;rgb")?.split_once(':')?;
    let mut parts = colours.split('/').map(|part| {
        let most = 16_u32
            .checked_pow(u32::try_from(part.len()).ok()?)?
            .checked_sub(1)?;
        let part = u32::from_str_radix(part, 16).ok()?;
        (most > 0).then(|| f64::from(part) / f64::from(most))
    });
    let (red, green, blue) = (parts.next()??, parts.next()??, parts.next()??);
    // How bright an eye finds it (Rec. 709).
    Some(0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str, end: KeyEvent) -> Vec<KeyEvent> {
        let mut keys = vec![KeyEvent::new(KeyCode::Char(']'), KeyModifiers::ALT)];
        keys.extend(text.chars().map(|letter| {
            let shift = if letter.is_uppercase() {
                KeyModifiers::SHIFT
            } else {
                KeyModifiers::NONE
            };
            KeyEvent::new(KeyCode::Char(letter), shift)
        }));
        keys.push(end);
        keys
    }

    #[test]
    fn the_answer_is_read_among_the_keys_and_keys_stay_keys() {
        let st = KeyEvent::new(KeyCode::Char('\\'), KeyModifiers::ALT);
        let bel = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::CONTROL);
        for (text, end, light) in [
            ("11;rgb:ffff/ffff/ffff", st, Some(true)),
            ("11;rgb:FD/F6/E3", bel, Some(true)),
            ("11;rgb:0000/2b2b/3636", bel, Some(false)),
            ("11;rgba:1e1e/1e1e/1e1e/ffff", st, Some(false)),
            ("10;rgb:ffff/ffff/ffff", st, None),
            ("11;rgb:x", st, None),
        ] {
            let mut answer = Answer::awaited(Duration::ZERO);
            let q = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
            assert_eq!(answer.hear(q), Heard::Key);
            let keys = keys(text, end);
            let (last, parts) = keys.split_last().unwrap();
            for key in parts {
                assert_eq!(answer.hear(*key), Heard::Part, "{text}");
            }
            assert_eq!(answer.hear(*last), Heard::End(light), "{text}");
        }
    }

    #[test]
    fn what_breaks_the_answer_off_is_the_end_of_it() {
        let mut answer = Answer::awaited(Duration::ZERO);
        assert!(!answer.is_awaited(LATE));
        let bracket = KeyEvent::new(KeyCode::Char(']'), KeyModifiers::ALT);
        assert_eq!(answer.hear(bracket), Heard::Part);
        assert!(answer.is_awaited(LATE));
        let up = KeyEvent::new(KeyCode::Up, KeyModifiers::NONE);
        assert_eq!(answer.hear(up), Heard::End(None));
    }
}
