//! One field of a form: text, secret, choice, toggle, or something to read.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use config::FileSecrets;
use crossterm::event::KeyCode;
use domain::{Secret, SecretRef};
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use tui_textarea::{CursorMove, TextArea, WrapMode};

use crate::keymap::Key;
use crate::paint::{Pen, cells};

use super::form::Form;

/// How long a secret stays readable after it was revealed.
pub(crate) const REVEALED: Duration = Duration::from_secs(10);
/// How many steps of editing a text are kept.
const HISTORY: usize = 50;
/// The most characters that are pasted into one line. Keys and certificates have a few thousand.
const MOST_PASTED: usize = 16_384;
/// How a secret is called that is written in the file itself.
const IN_THE_FILE: &str = "set in the file itself";
/// What stands for a secret, whatever its length.
const MASK: &str = "••••••••";
const ASCII_MASK: &str = "********";

/// Says what is wrong with a text.
pub(crate) type Check = fn(&str) -> Result<(), String>;

/// Says what is allowed in a text and probably not meant.
type Doubt = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Says what in a form keeps a secret itself out of the file.
type Away = Arc<dyn Fn(&Form) -> Option<String> + Send + Sync>;

/// One value of a choice: what is kept and what is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
}

impl Choice {
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
        }
    }

    /// Makes a choice that is shown as it is kept.
    pub(crate) fn plain(value: impl Into<String>) -> Self {
        let value = value.into();
        Self {
            label: value.clone(),
            value,
        }
    }
}

/// What a field holds.
#[derive(Clone)]
pub(crate) enum Input {
    /// One line.
    Text(Box<TextArea<'static>>),
    /// A reference (`env:NAME`, `file:path`) or the secret itself, which is never shown.
    Secret {
        area: Box<TextArea<'static>>,
        /// Until when it may be read, on the monotonic clock.
        revealed: Option<Duration>,
        /// What is configured now, in words; an untouched field leaves it alone.
        present: Option<String>,
    },
    /// One of some values.
    Choice { options: Vec<Choice>, at: usize },
    /// Yes or no.
    Toggle(bool),
    /// Something to read.
    ReadOnly(String),
}

/// One field.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) key: String,
    pub(crate) label: String,
    pub(crate) input: Input,
    pub(crate) hint: String,
    pub(crate) required: bool,
    /// Shown only while another field has one of these values.
    pub(crate) only_when: Option<(String, Vec<String>)>,
    /// Says what is wrong with a text that is not empty.
    check: Option<Check>,
    /// Says what is wrong with it whatever is written on.
    bound: Option<Check>,
    /// Says what is doubtful in a text that is not empty.
    doubts: Option<Doubt>,
    /// Says what keeps the secret itself out of the file; a reference may stand there always.
    away: Option<Away>,
    pub(crate) error: Option<String>,
    /// Which part of the text the error is about, in bytes of the value.
    wrong: Option<Range<usize>>,
    /// What is allowed and probably not meant.
    pub(crate) doubt: Option<String>,
    /// It holds something else than it began with.
    pub(crate) changed: bool,
    /// What it began with.
    initial: String,
    /// The text is an offer that nobody has touched: what is typed or pasted first takes its place.
    offered: bool,
    /// The hint speaks of keys, which mean nothing where it is asked for line by line.
    hints_keys: bool,
    /// It was chosen before the form was opened, and is not asked for again.
    settled: bool,
    /// Where a secret's reference starts from, and the reference that is configured.
    refers: Option<(PathBuf, Option<SecretRef>)>,
    /// The hint stands beside the value, for forms whose labels say little by themselves.
    pub(crate) beside: bool,
    /// What help says beside the hint: an example, and what becomes of the value.
    pub(crate) about: String,
    /// How `workbench.toml` calls it, where that is no setting of a connector.
    pub(crate) in_file: String,
}

impl std::fmt::Debug for Field {
    /// Leaves the value out: it may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Field")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

fn area(text: &str, history: usize) -> Box<TextArea<'static>> {
    let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
    area.set_max_histories(history);
    area.set_wrap_mode(WrapMode::None);
    area.move_cursor(CursorMove::Bottom);
    area.move_cursor(CursorMove::End);
    Box::new(area)
}

impl Field {
    fn new(key: &str, label: &str, input: Input) -> Self {
        let mut field = Self {
            key: key.to_owned(),
            label: label.to_owned(),
            input,
            hint: String::new(),
            required: false,
            only_when: None,
            check: None,
            bound: None,
            doubts: None,
            away: None,
            error: None,
            wrong: None,
            doubt: None,
            changed: false,
            initial: String::new(),
            offered: false,
            hints_keys: false,
            settled: false,
            refers: None,
            beside: false,
            about: String::new(),
            in_file: String::new(),
        };
        field.initial = field.value();
        field
    }

    pub(crate) fn text(key: &str, label: &str, value: &str) -> Self {
        let text = area(&value.replace('\n', " "), HISTORY);
        Self::new(key, label, Input::Text(text))
    }

    pub(crate) fn secret(key: &str, label: &str, present: Option<&SecretRef>) -> Self {
        let present = present.map(|reference| match reference {
            SecretRef::Inline(_) => IN_THE_FILE.to_owned(),
            other => other.to_string(),
        });
        let input = Input::Secret {
            area: area("", 0),
            revealed: None,
            present,
        };
        Self::new(key, label, input)
    }

    pub(crate) fn choice(key: &str, label: &str, options: Vec<Choice>, value: &str) -> Self {
        let at = options
            .iter()
            .position(|option| option.value.eq_ignore_ascii_case(value))
            .unwrap_or(0);
        Self::new(key, label, Input::Choice { options, at })
    }

    pub(crate) fn toggle(key: &str, label: &str, on: bool) -> Self {
        Self::new(key, label, Input::Toggle(on))
    }

    pub(crate) fn read_only(label: &str, value: &str) -> Self {
        Self::new("", label, Input::ReadOnly(value.to_owned()))
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        hint.clone_into(&mut self.hint);
        self
    }

    /// Sets a hint that speaks of keys.
    #[must_use]
    pub(crate) fn key_hint(mut self, hint: &str) -> Self {
        self.hints_keys = true;
        self.hint(hint)
    }

    /// Says that it was chosen before the form was opened, so that it is not asked for line by line.
    pub(crate) fn settle(&mut self) {
        self.settled = true;
    }

    /// Says what help tells beside the hint.
    #[must_use]
    pub(crate) fn about(mut self, about: &str) -> Self {
        about.clone_into(&mut self.about);
        self
    }

    /// Says how `workbench.toml` calls it, for help.
    #[must_use]
    pub(crate) fn in_file(mut self, key: &str) -> Self {
        key.clone_into(&mut self.in_file);
        self
    }

    /// Offers other values, one of which it begins with.
    pub(crate) fn offer(&mut self, options: Vec<Choice>, value: &str) {
        let at = options.iter().position(|option| option.value == value);
        self.input = Input::Choice {
            options,
            at: at.unwrap_or(0),
        };
        self.initial = self.value();
    }

    /// Says that its text is only an offer: what is typed or pasted first takes its place, as with a selected text.
    #[must_use]
    pub(crate) fn offered(mut self) -> Self {
        self.offered = matches!(self.input, Input::Text(_)) && !self.value().is_empty();
        self
    }

    /// Offers another text in the place of what nobody has touched: an offer, or nothing at all.
    pub(crate) fn suggest(&mut self, text: &str) {
        let is_untouched = self.offered || (!self.changed && self.value().is_empty());
        if !is_untouched || !matches!(self.input, Input::Text(_)) || self.value() == text {
            return;
        }
        self.input = Input::Text(area(text, HISTORY));
        self.initial = self.value();
        self.offered = !self.initial.is_empty();
        self.error = None;
        self.wrong = None;
    }

    /// Lets it look whether what the reference of a secret names is there; a relative file starts at `base`.
    #[must_use]
    pub(crate) fn refers_from(mut self, base: &Path, present: Option<&SecretRef>) -> Self {
        let present = present.filter(|one| !matches!(one, SecretRef::Inline(_)));
        self.refers = Some((base.to_owned(), present.cloned()));
        self.look();
        self
    }

    /// Looks for what is doubtful: in a text, or whether what the reference of a secret names is there. It may come later, so
    /// this is a doubt and no error.
    pub(crate) fn look(&mut self) {
        if self.doubts.is_some() {
            self.doubt = self.doubtful();
        }
        let Some((base, present)) = &self.refers else {
            return;
        };
        let reference = self.secret_value().or_else(|| present.clone());
        let looked = reference.map(|reference| FileSecrets::new(base).look(&reference));
        self.doubt = looked.and_then(Result::err).map(|error| error.to_string());
    }

    /// Says that its hint stands beside the value, whichever field has the keys.
    #[must_use]
    pub(crate) fn beside(mut self) -> Self {
        self.beside = true;
        self
    }

    pub(crate) fn required(mut self) -> Self {
        self.required = true;
        self
    }

    #[must_use]
    pub(crate) fn only_when(mut self, key: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.only_when = Some((key.to_owned(), values));
        self
    }

    /// Says what is wrong with a text. It is told when the field is left, since what is only begun is seldom right; and from
    /// then on while it is typed, until it is right.
    #[must_use]
    pub(crate) fn check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// Says what is wrong with a text whatever is written on: it is too long, or holds what it must not. It is told while it
    /// is typed.
    #[must_use]
    pub(crate) fn bound(mut self, bound: Check) -> Self {
        self.bound = Some(bound);
        self
    }

    /// Refuses the secret itself, in the field or left in the file, where the rest of the form says why.
    #[must_use]
    pub(crate) fn kept_out(
        mut self,
        away: impl Fn(&Form) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.away = Some(Arc::new(away));
        self
    }

    /// Tells whether it holds a secret itself that the rest of the form may keep out of the file.
    pub(crate) fn may_be_kept_out(&self) -> bool {
        let is_inline = match (self.secret_value(), &self.input) {
            (Some(reference), _) => matches!(reference, SecretRef::Inline(_)),
            (None, Input::Secret { present, .. }) => present.as_deref() == Some(IN_THE_FILE),
            (None, _) => false,
        };
        is_inline && self.away.is_some()
    }

    /// Returns what is wrong with its value in its form.
    pub(crate) fn fault_in(&self, form: &Form) -> Option<String> {
        let away = self.away.as_ref().filter(|_| self.may_be_kept_out());
        self.fault().or_else(|| {
            let away = away?;
            let why = away(form)?;
            Some(format!(
                "{why}, so the secret itself may not stand in the file: write env:NAME or file:path"
            ))
        })
    }

    /// Returns what is wrong with its value; nothing is wrong with an empty one.
    pub(crate) fn fault(&self) -> Option<String> {
        fault_of(&self.value(), [self.bound, self.check])
    }

    /// Says what is allowed in it and probably not meant, now and at every change.
    #[must_use]
    pub(crate) fn doubts(
        mut self,
        doubts: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.doubts = Some(Arc::new(doubts));
        self.look();
        self
    }

    fn doubtful(&self) -> Option<String> {
        let doubts = self.doubts.as_ref()?;
        let value = self.value();
        if value.is_empty() {
            None
        } else {
            doubts(&value)
        }
    }

    /// Returns the value as text; a secret's is the empty text.
    pub(crate) fn value(&self) -> String {
        match &self.input {
            Input::Text(area) => area.lines().join(" ").trim().to_owned(),
            Input::Secret { .. } => String::new(),
            Input::Choice { options, at } => options
                .get(*at)
                .map_or(String::new(), |option| option.value.clone()),
            Input::Toggle(on) => on.to_string(),
            Input::ReadOnly(text) => text.clone(),
        }
    }

    /// Returns the secret that was typed as a reference; `None` when nothing was typed.
    pub(crate) fn secret_value(&self) -> Option<SecretRef> {
        let Input::Secret { area, .. } = &self.input else {
            return None;
        };
        let text = area.lines().join("\n");
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        Some(match text.split_once(':') {
            Some(("env", name)) => SecretRef::Env(name.trim().to_owned()),
            Some(("file", path)) => SecretRef::File(path.trim().into()),
            Some(("command", words)) => {
                SecretRef::Command(words.split_whitespace().map(str::to_owned).collect())
            }
            _ => SecretRef::Inline(Secret::new(text)),
        })
    }

    /// Tells whether a required field has nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.input {
            Input::Secret { present, .. } => present.is_none() && self.secret_value().is_none(),
            Input::Choice { options, .. } => options.is_empty() || self.value().is_empty(),
            Input::Toggle(_) | Input::ReadOnly(_) => false,
            Input::Text(_) => self.value().trim().is_empty(),
        }
    }

    /// Returns until when its secret may be read.
    pub(crate) fn revealed(&self) -> Option<Duration> {
        match &self.input {
            Input::Secret { revealed, .. } => *revealed,
            Input::Text(_) | Input::Choice { .. } | Input::Toggle(_) | Input::ReadOnly(_) => None,
        }
    }

    /// Says what is wrong with a text, and with which part of it.
    pub(crate) fn refuse(&mut self, part: Range<usize>, told: impl Into<String>) {
        self.error = Some(told.into());
        self.wrong = Some(part);
    }

    /// Tells whether it can be asked for.
    pub(crate) fn is_asked(&self) -> bool {
        !self.settled && !matches!(self.input, Input::ReadOnly(_))
    }

    /// Asks for the value in one line: what it is; in brackets what an empty line keeps, where there is anything; and in
    /// parentheses what can be said.
    pub(crate) fn asks(&self) -> String {
        let sign = if self.required { " *" } else { "" };
        let (kept, takes) = match &self.input {
            Input::Text(_) | Input::ReadOnly(_) => (self.value(), String::new()),
            Input::Toggle(on) => {
                let now = if *on { "on" } else { "off" };
                (now.to_owned(), "on or off".to_owned())
            }
            Input::Secret { present, .. } => (
                present.clone().unwrap_or_default(),
                "env:NAME, file:path, or the secret".to_owned(),
            ),
            Input::Choice { options, at } => {
                let all: Vec<String> = options
                    .iter()
                    .enumerate()
                    .map(|(at, option)| format!("{} {}", at + 1, option.label))
                    .collect();
                let now = options.get(*at).map_or("", |option| option.label.as_str());
                (now.to_owned(), all.join(", "))
            }
        };
        let kept = if kept.is_empty() {
            kept
        } else {
            format!(" [{kept}]")
        };
        let hint = if self.hints_keys {
            ""
        } else {
            self.hint.as_str()
        };
        let told: Vec<&str> = [takes.as_str(), hint]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let told = if told.is_empty() {
            String::new()
        } else {
            format!("  ({})", told.join("; "))
        };
        format!("{}{sign}{kept}{told}:", self.label)
    }

    /// Takes an answer to that. An empty one keeps what is there, `-` empties a text.
    ///
    /// # Errors
    /// A sentence about what cannot be taken.
    pub(crate) fn answer(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() {
            return Ok(());
        }
        let said = line.to_lowercase();
        match &mut self.input {
            Input::Text(text) => {
                let value = if line == "-" { "" } else { line };
                if let Some(told) = fault_of(value, [self.bound, self.check]) {
                    return Err(told);
                }
                *text = area(value, HISTORY);
            }
            Input::Secret { area: text, .. } => *text = area(line, 0),
            Input::Toggle(on) => match said.as_str() {
                "on" | "yes" | "true" => *on = true,
                "off" | "no" | "false" => *on = false,
                _ => return Err(format!("`{line}` is neither on nor off")),
            },
            Input::Choice { options, at } => {
                let named = options.iter().position(|option| {
                    option.value.to_lowercase() == said || option.label.to_lowercase() == said
                });
                let begun = || {
                    options
                        .iter()
                        .position(|option| option.label.to_lowercase().starts_with(&said))
                };
                let counted = || {
                    let number = said.parse::<usize>().ok()?;
                    number.checked_sub(1).filter(|at| *at < options.len())
                };
                *at = named
                    .or_else(counted)
                    .or_else(begun)
                    .ok_or_else(|| format!("`{line}` is none of these"))?;
            }
            Input::ReadOnly(_) => return Ok(()),
        }
        self.touched();
        self.look();
        Ok(())
    }

    /// Takes note of a change: what was said of the value before holds no longer. Where something was said, it is said again
    /// as long as it is so.
    fn touched(&mut self) {
        let was_told = self.error.is_some();
        self.changed = match &self.input {
            Input::Secret { .. } => self.secret_value().is_some(),
            Input::Text(_) | Input::Choice { .. } | Input::Toggle(_) | Input::ReadOnly(_) => {
                self.value() != self.initial
            }
        };
        self.offered = false;
        let check = self.check.filter(|_| was_told);
        self.error = fault_of(&self.value(), [self.bound, check]);
        self.wrong = None;
        self.doubt = self.doubtful();
    }

    /// Tells whether keys write into it.
    pub(crate) fn takes_text(&self) -> bool {
        matches!(self.input, Input::Text(_) | Input::Secret { .. })
    }

    /// Takes a key, and tells whether it was one for the field.
    pub(crate) fn key(&mut self, key: Key, now: Duration) -> bool {
        let erases = matches!(key.code, KeyCode::Backspace | KeyCode::Delete);
        let replaces = self.offered && (key.types() || erases);
        let taken = match &mut self.input {
            Input::Text(text) if replaces => {
                *text = area("", HISTORY);
                erases || edit(text, key)
            }
            Input::Text(area) => edit(area, key),
            Input::Secret { area, revealed, .. } => {
                if key == Key::ctrl('r') {
                    *revealed = Some(now + REVEALED);
                    return true;
                }
                edit(area, key)
            }
            Input::Choice { options, at } => choose(options.len(), at, key),
            Input::Toggle(on) => match key.code {
                KeyCode::Char(' ') | KeyCode::Left | KeyCode::Right => {
                    *on = !*on;
                    true
                }
                _ => false,
            },
            Input::ReadOnly(_) => false,
        };
        if taken && self.takes_text() && is_movement(key) {
            self.offered = false;
        } else if taken {
            self.touched();
        }
        taken
    }

    /// Takes pasted text as one step; what is too long for a line is refused as a whole.
    pub(crate) fn paste(&mut self, text: &str) {
        let pasted = text.replace("\r\n", "\n").replace(['\r', '\n'], " ");
        let pasted = pasted.trim();
        let length = pasted.chars().count();
        if length > MOST_PASTED && self.takes_text() {
            self.wrong = None;
            self.error = Some(format!(
                "what was pasted has {length} characters, and {MOST_PASTED} is the most that a field takes: nothing of it \
                 is here"
            ));
            return;
        }
        if self.offered && !pasted.is_empty() {
            self.input = Input::Text(area("", HISTORY));
        }
        if let Input::Text(area) | Input::Secret { area, .. } = &mut self.input {
            area.insert_str(pasted);
            self.touched();
            // What is pasted is whole.
            self.error = self.fault();
        }
    }

    /// Draws the value.
    pub(crate) fn draw(&self, pen: &mut Pen<'_>, area: Rect, focused: bool, now: Duration) {
        let theme = *pen.theme;
        let style = if focused { theme.focus } else { theme.text };
        match &self.input {
            Input::Text(text) => {
                let wrong = self.wrong.as_ref().filter(|_| self.error.is_some());
                if focused && self.offered && wrong.is_none() {
                    // Shown as a selected text is: what is typed now takes its place.
                    pen.put(area.x, area.y, area.width, &self.value(), theme.mark);
                } else {
                    draw_text(pen, area, text, focused, wrong);
                }
            }
            Input::Secret {
                area: text,
                revealed,
                present,
            } => {
                let typed = text.lines().join(" ");
                let is_reference = ["env:", "file:", "command:"]
                    .iter()
                    .any(|lead| typed.starts_with(lead));
                if is_reference || (revealed.is_some_and(|until| now < until) && !typed.is_empty())
                {
                    draw_text(pen, area, text, focused, None);
                } else if typed.is_empty() {
                    let told = match present {
                        Some(present) => format!("{} ({present})", mask(theme.ascii)),
                        None => "env:NAME, file:path, or the secret".to_owned(),
                    };
                    let used = u16::from(focused);
                    if focused {
                        pen.put(area.x, area.y, 1, " ", theme.mark);
                    }
                    pen.put(
                        area.x + used,
                        area.y,
                        area.width.saturating_sub(used),
                        &told,
                        theme.dim,
                    );
                } else {
                    let used = pen.put(area.x, area.y, area.width, mask(theme.ascii), style);
                    if focused {
                        pen.put(
                            area.x + used,
                            area.y,
                            area.width.saturating_sub(used),
                            " ",
                            theme.mark,
                        );
                    }
                }
            }
            Input::Choice { options, at } => {
                let label = options
                    .get(*at)
                    .map_or("(nothing to choose)", |option| option.label.as_str());
                let [open, close] = if theme.ascii {
                    ["<", ">"]
                } else {
                    ["‹", "›"]
                };
                let many = if options.len() > 1 {
                    format!("  {} of {}", at + 1, options.len())
                } else {
                    String::new()
                };
                let used = pen.put(
                    area.x,
                    area.y,
                    area.width,
                    &format!("{open} {label} {close}"),
                    style,
                );
                if focused {
                    pen.put(
                        area.x + used,
                        area.y,
                        area.width.saturating_sub(used),
                        &many,
                        theme.dim,
                    );
                }
            }
            Input::Toggle(on) => {
                pen.put(
                    area.x,
                    area.y,
                    area.width,
                    if *on { "[x]" } else { "[ ]" },
                    style,
                );
            }
            Input::ReadOnly(text) => {
                pen.put(area.x, area.y, area.width, text, theme.dim);
            }
        }
    }
}

/// Returns what the first of these checks finds wrong with a value that is not empty.
fn fault_of(value: &str, checks: [Option<Check>; 2]) -> Option<String> {
    let value = value.trim();
    let mut checks = checks.into_iter().flatten().filter(|_| !value.is_empty());
    checks.find_map(|check| check(value).err())
}

fn mask(ascii: bool) -> &'static str {
    if ascii { ASCII_MASK } else { MASK }
}

fn is_movement(key: Key) -> bool {
    matches!(
        key.code,
        KeyCode::Left | KeyCode::Right | KeyCode::Home | KeyCode::End
    )
}

/// The few editing keys that every field has. Up, Down and Enter belong to the form.
fn edit(area: &mut TextArea<'static>, key: Key) -> bool {
    let to = match key.code {
        KeyCode::Left => Some(CursorMove::Back),
        KeyCode::Right => Some(CursorMove::Forward),
        KeyCode::Home => Some(CursorMove::Head),
        KeyCode::End => Some(CursorMove::End),
        _ => None,
    };
    if let Some(to) = to {
        area.move_cursor(to);
        return true;
    }
    match key.code {
        KeyCode::Char('u') if key.ctrl => {
            area.delete_line_by_head();
            true
        }
        KeyCode::Char('w') if key.ctrl => {
            area.delete_word();
            true
        }
        KeyCode::Backspace | KeyCode::Delete => {
            area.input_without_shortcuts(key.event());
            true
        }
        KeyCode::Char(letter) if key.types() => {
            area.insert_char(letter);
            true
        }
        _ => false,
    }
}

fn choose(len: usize, at: &mut usize, key: Key) -> bool {
    if len == 0 {
        return false;
    }
    match key.code {
        KeyCode::Right | KeyCode::Char(' ') => *at = (*at + 1) % len,
        KeyCode::Left => *at = (*at + len - 1) % len,
        _ => return false,
    }
    true
}

/// Returns the cells that a letter takes once it was made visible.
fn shown_cells(letter: char) -> usize {
    cells(&domain::visible(letter.encode_utf8(&mut [0; 4])))
}

/// Draws text with its cursor, shifted so that the cursor can be seen. The part that is wrong, in bytes of the value, is
/// underlined instead of the whole.
fn draw_text(
    pen: &mut Pen<'_>,
    area: Rect,
    text: &TextArea<'static>,
    focused: bool,
    wrong: Option<&Range<usize>>,
) {
    let theme = *pen.theme;
    let column = text.cursor().1;
    let line = text.lines().first().map_or("", String::as_str);
    let letters: Vec<char> = line.chars().collect();
    let column = column.min(letters.len());
    // What is shown begins as far before the cursor as there is room, and the cursor itself needs a cell.
    let mut start = 0;
    let mut lead = 0;
    if focused {
        start = column;
        while start > 0 {
            let width = shown_cells(letters[start - 1]);
            if lead + width + 1 > usize::from(area.width) {
                break;
            }
            lead += width;
            start -= 1;
        }
    }
    let shown: String = letters
        .iter()
        .skip(start)
        .take(usize::from(area.width) + 1)
        .collect();
    let style = if focused && wrong.is_none() {
        Style::new().add_modifier(Modifier::UNDERLINED)
    } else {
        theme.text
    };
    pen.put(area.x, area.y, area.width, &shown, style);
    if let Some(wrong) = wrong {
        // The value begins behind the blanks that lead.
        let blank = line.len() - line.trim_start().len();
        let letters_before = |bytes: usize| {
            let before = line
                .char_indices()
                .take_while(|(at, _)| *at < blank + bytes);
            before.count()
        };
        let from = letters_before(wrong.start).max(start);
        let to = letters_before(wrong.end).max(from);
        // What is missing at the end has no letter; the cell where it would stand is marked.
        let part: String = if wrong.is_empty() {
            " ".to_owned()
        } else {
            letters[from..to].iter().collect()
        };
        let before: usize = letters[start..from].iter().copied().map(shown_cells).sum();
        let x = area
            .x
            .saturating_add(u16::try_from(before).unwrap_or(u16::MAX));
        if x < area.right() {
            let style = theme.bad.add_modifier(Modifier::UNDERLINED);
            pen.put(x, area.y, area.right() - x, &part, style);
        }
    }
    if focused {
        let x = area.x + u16::try_from(lead).unwrap_or(0);
        let under = letters.get(column).map_or(" ".to_owned(), char::to_string);
        if x < area.right() {
            pen.put(x, area.y, area.right() - x, &under, theme.mark);
        }
    }
    if text.is_empty() && !focused {
        pen.put(area.x, area.y, area.width, "-", theme.dim);
    }
}
