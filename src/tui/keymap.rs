//! Keys: what was pressed, how it is written on the screen, and the grammar that holds everywhere.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// One key with its modifiers. Shift is part of a letter (`D`), and kept for Tab only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) code: KeyCode,
    pub(crate) ctrl: bool,
}

impl Key {
    pub(crate) const fn of(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    pub(crate) const fn letter(letter: char) -> Self {
        Self::of(KeyCode::Char(letter))
    }

    pub(crate) const fn ctrl(letter: char) -> Self {
        Self {
            code: KeyCode::Char(letter),
            ctrl: true,
        }
    }

    /// Reads an event; releases and bare modifiers are nothing, so that every terminal behaves alike.
    pub(crate) fn read(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release || matches!(event.code, KeyCode::Modifier(_)) {
            return None;
        }
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(letter) if ctrl => KeyCode::Char(letter.to_ascii_lowercase()),
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Some(Self { code, ctrl })
    }

    /// Returns the event that a text area reads. Only plain editing keys reach one.
    pub(crate) fn event(self) -> KeyEvent {
        let modifiers = if self.ctrl {
            KeyModifiers::CONTROL
        } else {
            KeyModifiers::NONE
        };
        KeyEvent::new(self.code, modifiers)
    }

    /// Tells whether the key writes a character into a field.
    pub(crate) fn types(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && !self.ctrl
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(letter) if self.ctrl => write!(f, "{}", letter.to_ascii_uppercase()),
            KeyCode::Char(letter) => write!(f, "{letter}"),
            KeyCode::Enter => f.write_str("Enter"),
            KeyCode::Esc => f.write_str("Esc"),
            KeyCode::Tab => f.write_str("Tab"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            KeyCode::F(n) => write!(f, "F{n}"),
            code => write!(f, "{code}"),
        }
    }
}

/// A movement within a list or a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

impl Move {
    /// Reads a movement: arrows, `j k g G`, Home, End, PgUp, PgDn.
    pub(crate) fn of(key: Key) -> Option<Self> {
        if key.ctrl {
            return None;
        }
        Some(match key.code {
            KeyCode::Up | KeyCode::Char('k') => Self::Up,
            KeyCode::Down | KeyCode::Char('j') => Self::Down,
            KeyCode::PageUp => Self::PageUp,
            KeyCode::PageDown => Self::PageDown,
            KeyCode::Home | KeyCode::Char('g') => Self::First,
            KeyCode::End | KeyCode::Char('G') => Self::Last,
            _ => return None,
        })
    }

    /// Tells whether it goes towards the older end, which ends following.
    pub(crate) fn is_up(self) -> bool {
        matches!(self, Self::Up | Self::PageUp | Self::First)
    }
}

/// The grammar that holds in every panel, for the help page. Actions are told from the list of those that are valid now.
pub(crate) const EVERYWHERE: &[(&str, &str)] = &[
    ("1-9", "sections"),
    ("Tab", "next pane or field"),
    ("[ ]", "tabs of a detail"),
    ("j k g G", "move; arrows, Home, End, PgUp, PgDn too"),
    ("Enter", "open"),
    ("Esc q", "back; q at a root quits"),
    ("F1", "help; in a form: what the field is for"),
    ("F12", "screenshot, over dialogs too"),
    ("Ctrl-L", "paint again"),
    ("Ctrl-Z", "suspend"),
    ("Ctrl-C", "stop what is under way, close a dialog, leave"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_people_say_them() {
        for (key, text) in [
            (Key::ctrl('s'), "Ctrl-S"),
            (Key::letter(' '), "Space"),
            (Key::letter('D'), "D"),
            (Key::of(KeyCode::BackTab), "Shift-Tab"),
            (Key::of(KeyCode::PageUp), "PgUp"),
        ] {
            assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn a_release_is_no_key() {
        let mut event = KeyEvent::new(KeyCode::Char('a'), KeyModifiers::NONE);
        assert_eq!(Key::read(event), Some(Key::letter('a')));
        event.kind = KeyEventKind::Release;
        assert_eq!(Key::read(event), None);
    }
}
