//! What can be done now: one list that key row, palette, help and dispatch are made from.

use crate::keymap::Key;

/// One action that is valid now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Action {
    /// How its panel knows it.
    pub(crate) id: &'static str,
    /// What it does, in words.
    pub(crate) label: String,
    /// The key that does it.
    pub(crate) key: Option<Key>,
    /// The command line that would do the same.
    pub(crate) command: Option<String>,
    /// Whether it belongs into the key row.
    pub(crate) in_row: bool,
    /// Whether it comes and goes with what is selected, and so stands behind all others in the key row.
    pub(crate) varies: bool,
}

/// How the words of an action begin that shows another section.
pub(crate) const GO_TO: &str = "Go to: ";

/// The words of the action that opens the file in an editor: a panel has it with a key, the screen without.
pub(crate) const EDITOR: &str = "Editor: the whole file, in $VISUAL or $EDITOR";

/// Whose an action is, and so who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The screen's own, wherever it is.
    Screen,
    /// A panel's, by the panel's id.
    Panel(&'static str),
}

impl Action {
    /// Makes an action with a key that is shown in the key row.
    pub(crate) fn new(id: &'static str, key: Key, label: impl Into<String>) -> Self {
        Self {
            id,
            label: label.into(),
            key: Some(key),
            command: None,
            in_row: true,
            varies: false,
        }
    }

    /// Makes an action that is reached by its name only.
    pub(crate) fn named(id: &'static str, label: impl Into<String>) -> Self {
        Self {
            id,
            label: label.into(),
            key: None,
            command: None,
            in_row: false,
            varies: false,
        }
    }

    /// Returns how the key row calls it: what its words begin with.
    pub(crate) fn word(&self) -> String {
        let first = self.label.split([':', ',', '(']).next();
        first.unwrap_or_default().trim().to_lowercase()
    }

    /// Says which command line would do the same.
    #[must_use]
    pub(crate) fn like(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// Says that it comes and goes with what is selected: an arrow changes the end of the key row only.
    #[must_use]
    pub(crate) fn varies(mut self) -> Self {
        self.varies = true;
        self
    }

    /// Leaves the action out of the key row.
    #[must_use]
    pub(crate) fn quiet(mut self) -> Self {
        self.in_row = false;
        self
    }
}

/// Scores a text against what was typed: letters in order, beginnings of words first. `None` when it does not fit.
pub(crate) fn score(text: &str, typed: &str) -> Option<usize> {
    let text = text.to_lowercase();
    let mut total = 0;
    for word in typed.to_lowercase().split_whitespace() {
        total += match text.find(word) {
            Some(0) => 0,
            Some(at) if text[..at].ends_with([' ', '-', '/', ':']) => 1 + at,
            Some(at) => 20 + at,
            None => 100 + in_order(&text, word)?,
        };
    }
    Some(total)
}

fn in_order(text: &str, word: &str) -> Option<usize> {
    let mut letters = text.char_indices();
    let mut last = 0;
    for wanted in word.chars() {
        last = letters.by_ref().find(|(_, letter)| *letter == wanted)?.0;
    }
    Some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_prefers_beginnings_and_forgives_gaps() {
        assert!(score("New Provisioner", "prov") < score("Improve", "prov"));
        assert!(score("Update workbench.toml", "udt").is_some());
        assert_eq!(score("Retry", "xyz"), None);
        assert_eq!(score("anything", ""), Some(0));
    }
}
