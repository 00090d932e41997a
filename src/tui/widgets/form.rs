//! A form: fields, their validation, and buttons. Enter in a field goes on to the next one; only a button acts.

use std::cell::Cell;
use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use crate::keymap::Key;
use crate::paint::{Pen, cells, parts};

use super::field::{Field, Input};

/// A button with the word that the form's owner knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Button {
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    /// Whether the fields must be right before it acts.
    pub(crate) validates: bool,
}

impl Button {
    pub(crate) const fn acts(id: &'static str, label: &'static str) -> Self {
        Self {
            id,
            label,
            validates: true,
        }
    }

    pub(crate) const fn leaves(id: &'static str, label: &'static str) -> Self {
        Self {
            id,
            label,
            validates: false,
        }
    }
}

/// What a key did to a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// The key was not for the form.
    Nothing,
    /// Focus or a cursor moved.
    Moved,
    /// A value changed.
    Changed,
    /// A button acts.
    Button(&'static str),
}

/// Fields and buttons, one of which has the keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    pub(crate) fields: Vec<Field>,
    pub(crate) buttons: Vec<Button>,
    /// Counts the visible fields, then the buttons.
    pub(crate) focus: usize,
    top: Cell<u16>,
    /// Its fields were asked for line by line.
    asked: bool,
    /// What stands in it was filled in, here or a step before, though no field says so.
    begun: bool,
}

impl Form {
    /// Returns until when a secret may be read in it.
    pub(crate) fn revealed(&self) -> Option<Duration> {
        self.fields.iter().filter_map(Field::revealed).max()
    }

    pub(crate) fn new(fields: Vec<Field>, buttons: Vec<Button>) -> Self {
        let mut form = Self {
            fields,
            buttons,
            focus: 0,
            top: Cell::new(0),
            asked: false,
            begun: false,
        };
        form.focus = form.next_stop(form.stops(), true).min(form.first_stop());
        form
    }

    /// Returns a field's value by its key; empty when there is no such field or it is hidden.
    pub(crate) fn value(&self, key: &str) -> String {
        self.fields
            .iter()
            .find(|field| field.key == key && self.shows(field))
            .map_or(String::new(), Field::value)
    }

    pub(crate) fn is_on(&self, key: &str) -> bool {
        self.value(key) == "true"
    }

    pub(crate) fn field_mut(&mut self, key: &str) -> Option<&mut Field> {
        self.fields.iter_mut().find(|field| field.key == key)
    }

    /// Returns the field that has the keys.
    pub(crate) fn focused(&self) -> Option<&Field> {
        let visible = self.visible();
        visible.get(self.focus).map(|index| &self.fields[*index])
    }

    /// Tells whether typed letters go into a field.
    pub(crate) fn takes_text(&self) -> bool {
        self.focused().is_some_and(Field::takes_text)
    }

    /// Tells whether something was filled in that closing it would lose.
    pub(crate) fn is_filled_in(&self) -> bool {
        self.begun || self.fields.iter().any(|field| field.changed)
    }

    /// Says that it holds what was filled in before it was made: an earlier step of the same thing, or this one.
    pub(crate) fn set_begun(&mut self) {
        self.begun = true;
    }

    /// Gives the keys to a button.
    pub(crate) fn focus_button(&mut self, id: &str) {
        if let Some(at) = self.buttons.iter().position(|button| button.id == id) {
            self.focus = self.visible().len() + at;
        }
    }

    /// Gives the keys to a field; tells whether it is to be seen.
    pub(crate) fn focus_field(&mut self, key: &str) -> bool {
        let visible = self.visible();
        let mut shown = visible.iter().map(|index| &self.fields[*index]);
        let found = shown.position(|field| field.key == key);
        self.focus = found.unwrap_or(self.focus);
        found.is_some()
    }

    /// Gives the keys to the first field.
    pub(crate) fn focus_first(&mut self) {
        self.focus = 0;
    }

    /// Says what is wrong with a field and gives it the keys; tells whether there is such a field to be seen.
    pub(crate) fn refuse(&mut self, key: &str, told: &str) -> bool {
        let visible = self.visible();
        let found = visible
            .iter()
            .position(|index| self.fields[*index].key == key);
        if let Some(at) = found {
            self.fields[visible[at]].error = Some(told.to_owned());
            self.focus = at;
        }
        found.is_some()
    }

    /// Gives the keys to a button by its place.
    pub(crate) fn put_focus_on_button(&mut self, at: usize) {
        self.focus = self.visible().len() + at;
    }

    /// Tells whether its fields were asked for line by line already.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked
    }

    pub(crate) fn set_asked(&mut self) {
        self.asked = true;
    }

    /// Tells whether a field is shown now.
    pub(crate) fn shows(&self, field: &Field) -> bool {
        field.only_when.as_ref().is_none_or(|(key, values)| {
            let value = self
                .fields
                .iter()
                .find(|other| other.key == *key)
                .map_or(String::new(), Field::value);
            values.iter().any(|one| one.eq_ignore_ascii_case(&value))
        })
    }

    fn visible(&self) -> Vec<usize> {
        (0..self.fields.len())
            .filter(|index| self.shows(&self.fields[*index]))
            .collect()
    }

    fn stops(&self) -> usize {
        self.visible().len() + self.buttons.len()
    }

    fn can_stop(&self, at: usize) -> bool {
        let visible = self.visible();
        visible
            .get(at)
            .is_none_or(|index| !matches!(self.fields[*index].input, Input::ReadOnly(_)))
    }

    fn first_stop(&self) -> usize {
        (0..self.stops()).find(|at| self.can_stop(*at)).unwrap_or(0)
    }

    fn next_stop(&self, from: usize, forward: bool) -> usize {
        let stops = self.stops();
        if stops == 0 {
            return 0;
        }
        let mut at = from;
        for _ in 0..stops {
            at = if forward {
                (at + 1) % stops
            } else {
                (at + stops - 1) % stops
            };
            if self.can_stop(at) {
                return at;
            }
        }
        from.min(stops - 1)
    }

    /// Checks every visible field and gives the keys to the first bad one.
    pub(crate) fn validate(&mut self) -> bool {
        let visible = self.visible();
        let mut first = None;
        for (at, index) in visible.iter().enumerate() {
            let field = &mut self.fields[*index];
            field.error = if field.required && field.is_empty() {
                Some(format!("{} is required", field.label))
            } else {
                let value = field.value();
                match field.check {
                    Some(check) if !value.trim().is_empty() => check(value.trim()).err(),
                    _ => None,
                }
            };
            if field.error.is_some() && first.is_none() {
                first = Some(at);
            }
        }
        if let Some(at) = first {
            self.focus = at;
        }
        first.is_none()
    }

    /// Takes a key.
    pub(crate) fn key(&mut self, key: Key, now: Duration) -> Pressed {
        let visible = self.visible();
        self.focus = self.focus.min(self.stops().saturating_sub(1));
        if let Some(index) = visible.get(self.focus).copied() {
            let before = self.fields[index].changed;
            let value = self.fields[index].value();
            if self.fields[index].key(key, now) {
                let changed =
                    self.fields[index].value() != value || (self.fields[index].changed && !before);
                return if changed {
                    Pressed::Changed
                } else {
                    Pressed::Moved
                };
            }
        }
        let forward = match key.code {
            KeyCode::Tab | KeyCode::Down => true,
            KeyCode::BackTab | KeyCode::Up => false,
            KeyCode::Enter if self.focus < visible.len() => true,
            KeyCode::Left if self.focus >= visible.len() => false,
            KeyCode::Right if self.focus >= visible.len() => true,
            KeyCode::Enter | KeyCode::Char(' ') => {
                return self.press(self.focus - visible.len().min(self.focus));
            }
            _ => return Pressed::Nothing,
        };
        self.check_left();
        self.focus = self.next_stop(self.focus, forward);
        Pressed::Moved
    }

    /// The format of a field is checked when it is left.
    fn check_left(&mut self) {
        let visible = self.visible();
        if let Some(index) = visible.get(self.focus).copied() {
            let field = &mut self.fields[index];
            let value = field.value();
            if let (Some(check), false) = (field.check, value.trim().is_empty()) {
                field.error = check(value.trim()).err();
            }
            field.look();
        }
    }

    fn press(&mut self, at: usize) -> Pressed {
        let Some(button) = self.buttons.get(at).cloned() else {
            return Pressed::Nothing;
        };
        if button.validates && !self.validate() {
            return Pressed::Moved;
        }
        Pressed::Button(button.id)
    }

    /// Takes pasted text.
    pub(crate) fn paste(&mut self, text: &str) {
        let visible = self.visible();
        if let Some(index) = visible.get(self.focus) {
            self.fields[*index].paste(text);
        }
    }

    /// Returns the cells that the labels take of a width; those for which it is too little are wrapped.
    fn label_width(&self, visible: &[usize], width: u16) -> u16 {
        let longest = visible
            .iter()
            .map(|index| cells(&self.fields[*index].label) + SIGNS)
            .max()
            .unwrap_or(0)
            .min(usize::from(width) * 45 / 100);
        u16::try_from(longest).unwrap_or(0)
    }

    /// Returns the rows that it takes at a width.
    pub(crate) fn height(&self, width: u16) -> u16 {
        let visible = self.visible();
        let label_width = self.label_width(&visible, width);
        let fields: u16 = self.rows(&visible, label_width, width).iter().sum();
        fields + u16::from(!self.buttons.is_empty()) * 2
    }

    /// Draws the form, shifted so that the focused field can be seen. Returns the rows used.
    pub(crate) fn draw(&self, pen: &mut Pen<'_>, area: Rect, focused: bool, now: Duration) -> u16 {
        let visible = self.visible();
        let whole = area;
        let mut area = area;
        let mut label_width = self.label_width(&visible, area.width);
        let mut rows = self.rows(&visible, label_width, area.width);
        let buttons = u16::from(!self.buttons.is_empty()) * 2;
        let room = area.height.saturating_sub(buttons);
        let is_long = visible.len() > 1 && rows.iter().sum::<u16>() > room;
        if is_long {
            // At the edge stands how many fields are above and below.
            area.width = area.width.saturating_sub(EDGE);
            label_width = self.label_width(&visible, area.width);
            rows = self.rows(&visible, label_width, area.width);
        }
        let at = self.focus.min(visible.len());
        let start: u16 = rows.iter().take(at).sum();
        let end = start + rows.get(at).copied().unwrap_or(0);
        let total: u16 = rows.iter().sum();
        let mut top = self.top.get().min(total.saturating_sub(room));
        // The buttons are always to be seen: while one of them has the keys, the fields stay where they are.
        if at < visible.len() {
            if end > top + room {
                top = end - room;
            }
            top = top.min(start);
        }
        self.top.set(top);
        let mut row = 0;
        for (nth, index) in visible.iter().enumerate() {
            let height = rows[nth];
            if row >= top && row < top + room {
                let cells = Rect {
                    y: area.y + row - top,
                    height: height.min(top + room - row),
                    ..area
                };
                self.draw_field(
                    pen,
                    cells,
                    label_width,
                    *index,
                    focused && nth == self.focus,
                    now,
                );
            }
            row += height;
        }
        let used = total.min(room);
        if is_long && used > 0 {
            let edge = Rect {
                height: used,
                ..whole
            };
            draw_edge(pen, edge, &rows, top);
        }
        self.draw_buttons(
            pen,
            Rect {
                y: area.y + used,
                height: buttons,
                ..whole
            },
            visible.len(),
            focused,
        );
        used + buttons
    }

    /// Returns how many rows each field takes; labels are wrapped, and so is what is said of the focused one.
    fn rows(&self, visible: &[usize], label_width: u16, width: u16) -> Vec<u16> {
        let room = usize::from(width.saturating_sub(label_width + 2));
        let wrapped = |text: &str, room: usize| parts(text, room).take(MOST_BELOW).count();
        visible
            .iter()
            .enumerate()
            .map(|(nth, index)| {
                let field = &self.fields[*index];
                let is_current = nth == self.focus;
                let said = said(field, is_current);
                let below: usize = if is_current {
                    said.iter().map(|(_, text)| wrapped(text, room)).sum()
                } else if said.is_empty() && field.shows_ghost(is_current) {
                    wrapped(&field.hint, room) - 1
                } else {
                    said.len()
                };
                let label = parts(&label(field), usize::from(label_width)).count();
                u16::try_from(label.max(1 + below)).unwrap_or(1)
            })
            .collect()
    }

    fn draw_field(
        &self,
        pen: &mut Pen<'_>,
        area: Rect,
        label_width: u16,
        index: usize,
        focused: bool,
        now: Duration,
    ) {
        let theme = *pen.theme;
        let field = &self.fields[index];
        let is_current = self.visible().get(self.focus) == Some(&index);
        let said = said(field, is_current);
        let mark = if !focused {
            " "
        } else if theme.ascii {
            ">"
        } else {
            "▌"
        };
        pen.put(area.x, area.y, 1, mark, theme.focus);
        let style = if focused { theme.focus } else { theme.text };
        let named = Rect {
            x: area.x + 1,
            width: label_width,
            ..area
        };
        pen.paragraph(named, &label(field), style);
        let lead = (label_width + 2).min(area.width);
        let value = Rect {
            x: area.x + lead,
            width: area.width - lead,
            height: if said.is_empty() { area.height } else { 1 },
            ..area
        };
        field.draw(pen, value, focused, now);
        let mut y = area.y + 1;
        for (what, text) in said {
            if y >= area.bottom() {
                return;
            }
            let most = u16::try_from(MOST_BELOW).unwrap_or(u16::MAX);
            let room = Rect {
                y,
                height: (area.bottom() - y).min(most),
                ..value
            };
            let style = match what {
                Said::Error => theme.bad,
                Said::Doubt => theme.warn,
                Said::Hint => theme.dim,
            };
            if what != Said::Hint && room.height == 1 {
                // In one row it is cut with a mark.
                pen.put(room.x, room.y, room.width, &text, style);
                y += 1;
            } else {
                y += pen.paragraph(room, &text, style).max(1);
            }
        }
    }

    fn draw_buttons(&self, pen: &mut Pen<'_>, area: Rect, fields: usize, focused: bool) {
        if area.height < 2 {
            return;
        }
        let theme = *pen.theme;
        let mut x = area.x + 1;
        for (at, button) in self.buttons.iter().enumerate() {
            let style = if focused && self.focus == fields + at {
                theme.button
            } else {
                theme.text
            };
            if x >= area.right() {
                break;
            }
            x += pen.put(
                x,
                area.y + 1,
                area.right() - x,
                &format!("[ {} ]", button.label),
                style,
            ) + 2;
        }
    }
}

/// What kind of thing is said below a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Error,
    Doubt,
    Hint,
}

/// The cells that the signs behind a label take: `*`, it has to be filled in, as in the Console; `~`, it was changed.
const SIGNS: usize = 3;
/// The most rows of each thing that is said below a field.
const MOST_BELOW: usize = 4;
/// The cells at the edge of a form that is longer than its room.
const EDGE: u16 = 4;

/// Returns a field's label with its signs.
fn label(field: &Field) -> String {
    let sign = match (field.required, field.changed) {
        (true, true) => " *~",
        (true, false) => " *",
        (false, true) => " ~",
        (false, false) => "",
    };
    format!("{}{sign}", field.label)
}

/// Says at the edge how many fields are above and below those that are shown.
fn draw_edge(pen: &mut Pen<'_>, area: Rect, rows: &[u16], top: u16) {
    let (mut above, mut below, mut row) = (0, 0, 0);
    for height in rows {
        above += u16::from(row < top);
        below += u16::from(row >= top + area.height);
        row += height;
    }
    let style = pen.theme.dim;
    let wide = EDGE - 1;
    let x = area.right().saturating_sub(wide);
    if above > 0 {
        pen.put(x, area.y, wide, &format!("↑{above}"), style);
    }
    if below > 0 {
        let y = area.bottom() - 1;
        pen.put(x, y, wide, &format!("↓{below}"), style);
    }
}

/// Returns what stands below a field: what is wrong with it, or what is doubtful; and its hint while it has the keys.
fn said(field: &Field, is_current: bool) -> Vec<(Said, String)> {
    let fault = match (&field.error, &field.doubt) {
        (Some(error), _) => Some((Said::Error, format!("x {error}"))),
        (None, Some(doubt)) => Some((Said::Doubt, format!("! {doubt}"))),
        (None, None) => None,
    };
    let hint = is_current && !field.hint.is_empty();
    let hint = hint.then(|| (Said::Hint, field.hint.clone()));
    fault.into_iter().chain(hint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::Choice;

    fn form() -> Form {
        Form::new(
            vec![
                Field::text("name", "Name", "").required(),
                Field::choice(
                    "mode",
                    "Mode",
                    vec![Choice::plain("basic"), Choice::plain("bearer")],
                    "basic",
                ),
                Field::text("user", "Username", "")
                    .required()
                    .only_when("mode", &["basic"]),
                Field::secret("token", "Token", None)
                    .required()
                    .only_when("mode", &["bearer"]),
            ],
            vec![Button::acts("ok", "Finish"), Button::leaves("no", "Cancel")],
        )
    }

    fn press(form: &mut Form, codes: &[KeyCode]) -> Pressed {
        let mut last = Pressed::Nothing;
        for code in codes {
            last = form.key(Key::of(*code), Duration::ZERO);
        }
        last
    }

    #[test]
    fn brackets_hold_what_an_empty_line_keeps_and_nothing_else() {
        let modes = vec![Choice::plain("basic"), Choice::plain("bearer")];
        let mode = Field::choice("mode", "Mode", modes, "basic");
        for (field, asked) in [
            (
                Field::text("name", "Name", "").hint("Of the user."),
                "Name  (Of the user.):",
            ),
            (
                Field::text("name", "Name", "kim").required(),
                "Name * [kim]:",
            ),
            (
                Field::secret("token", "Token", None),
                "Token  (env:NAME, file:path, or the secret):",
            ),
            (
                mode.key_hint("Left and Right change it."),
                "Mode [basic]  (1 basic, 2 bearer):",
            ),
            (
                Field::toggle("blocking", "Blocking", true),
                "Blocking [on]  (on or off):",
            ),
        ] {
            assert_eq!(field.asks(), asked);
        }
    }

    #[test]
    fn an_offer_gives_way_to_another_one_and_what_was_typed_to_none() {
        let mut field = Field::text("name", "Name", "");
        field.suggest("ada");
        assert!(!field.changed && field.value() == "ada");
        field.suggest("bob");
        let key = |letter: char| Key::of(KeyCode::Char(letter));
        field.key(key('k'), Duration::ZERO);
        assert_eq!(field.value(), "k", "it takes the place of the offer");
        field.suggest("ada");
        assert_eq!(field.value(), "k");
        // What was emptied is meant to be empty, and what somebody named is no offer.
        let mut field = Field::text("name", "Name", "ada").offered();
        field.key(Key::of(KeyCode::Backspace), Duration::ZERO);
        field.suggest("bob");
        assert_eq!(field.value(), "");
        let mut field = Field::text("name", "Name", "ada");
        field.suggest("bob");
        assert_eq!(field.value(), "ada");
    }

    #[test]
    fn enter_in_a_field_goes_on_and_never_submits() {
        let mut form = form();
        press(&mut form, &[KeyCode::Char('k'), KeyCode::Enter]);
        assert_eq!(form.focused().unwrap().key, "mode");
        assert_eq!(form.value("name"), "k");
    }

    #[test]
    fn a_button_acts_only_when_the_fields_are_right_and_the_first_bad_one_gets_the_keys() {
        let mut form = form();
        form.focus_button("ok");
        assert_eq!(press(&mut form, &[KeyCode::Enter]), Pressed::Moved);
        assert_eq!(form.focused().unwrap().key, "name");
        assert!(
            form.fields[0]
                .error
                .as_deref()
                .unwrap()
                .contains("required")
        );
        form.focus_button("no");
        assert_eq!(press(&mut form, &[KeyCode::Enter]), Pressed::Button("no"));
    }

    #[test]
    fn what_somebody_else_refuses_is_said_at_the_field_and_nothing_typed_is_lost() {
        let mut form = form();
        press(&mut form, &[KeyCode::Char('k')]);
        form.focus_button("ok");
        assert!(form.refuse("name", "there is a k already, and it is somebody else's"));
        assert_eq!(form.focused().unwrap().key, "name");
        assert_eq!(form.value("name"), "k");
        assert_eq!(form.height(40), 3 + 1 + 1 + 2, "in full where the keys are");
        press(&mut form, &[KeyCode::Char('m')]);
        assert_eq!(form.fields[0].error, None);
        assert!(!form.refuse("token", "it is not shown now"));
    }

    fn shown(form: &Form, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        let theme = crate::theme::Theme::plain();
        let mut pen = Pen {
            buffer: &mut buffer,
            theme: &theme,
        };
        form.draw(&mut pen, area, true, Duration::ZERO);
        crate::shot::text(&buffer)
    }

    #[test]
    fn a_star_is_required_and_a_tilde_is_changed() {
        let mut form = Form::new(
            vec![
                Field::text("name", "Name", "Kim").required(),
                Field::text("note", "Note", ""),
            ],
            Vec::new(),
        );
        let text = shown(&form, 40, 4);
        assert!(text.contains("Name *") && !text.contains('~'), "{text}");
        press(&mut form, &[KeyCode::Char('x'), KeyCode::Tab]);
        press(&mut form, &[KeyCode::Char('y')]);
        let text = shown(&form, 40, 4);
        assert!(
            text.contains("Name *~") && text.contains("Note ~"),
            "{text}"
        );
    }

    #[test]
    fn an_error_stands_before_the_hint_and_does_not_replace_it() {
        let field = Field::text("name", "Name", "")
            .required()
            .hint("Seen by all");
        let mut form = Form::new(vec![field], vec![Button::acts("ok", "Finish")]);
        form.focus_button("ok");
        press(&mut form, &[KeyCode::Enter]);
        let text = shown(&form, 40, 6);
        let (error, hint) = (text.find("x Name is required"), text.find("Seen by all"));
        assert!(error.is_some() && error < hint, "{text}");
        // Where there is no room for both, the error is what is said.
        let text = shown(&form, 40, 4);
        assert!(text.contains("x Name") && !text.contains("Seen"), "{text}");
    }

    #[test]
    fn a_long_label_is_wrapped_and_what_is_out_of_sight_is_counted() {
        let fields = (0..9).map(|nth| Field::text(&nth.to_string(), &format!("Field {nth}"), ""));
        let mut form = Form::new(fields.collect(), Vec::new());
        let text = shown(&form, 30, 4);
        assert!(text.contains("v5") && !text.contains('^'), "{text}");
        press(&mut form, &[KeyCode::Tab; 5]);
        let text = shown(&form, 30, 4);
        assert!(text.contains("^2") && text.contains("v3"), "{text}");
        let field = Field::toggle("skip", "Skip user provisioning when none is found", false);
        let form = Form::new(vec![field], Vec::new());
        let text = shown(&form, 40, 4);
        for word in ["Skip user", "provisioning", "is found"] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }

    #[test]
    fn a_doubt_is_told_at_every_change_and_a_paste_has_a_bound() {
        let doubted = |text: &str| (!text.starts_with('v')).then(|| "no v".to_owned());
        let field = Field::text("version", "Version", "62").doubts(doubted);
        let mut form = Form::new(vec![field], Vec::new());
        assert!(shown(&form, 40, 4).contains("! no v"));
        press(&mut form, &[KeyCode::Home, KeyCode::Char('v')]);
        assert_eq!(form.fields[0].doubt, None);
        form.paste(&"9".repeat(1 << 20));
        assert_eq!(form.value("version"), "v62");
        let text = shown(&form, 60, 6);
        assert!(text.contains("1048576 characters"), "{text}");
    }

    #[test]
    fn a_field_is_asked_for_only_when_it_is_shown() {
        let mut form = form();
        form.paste("kim");
        form.focus = 1;
        press(&mut form, &[KeyCode::Right]);
        form.focus_button("ok");
        assert_eq!(press(&mut form, &[KeyCode::Enter]), Pressed::Moved);
        assert_eq!(form.focused().unwrap().key, "token");
        form.paste("env:TOKEN");
        form.focus_button("ok");
        assert_eq!(press(&mut form, &[KeyCode::Enter]), Pressed::Button("ok"));
        assert_eq!(
            form.fields[3].secret_value().unwrap().to_string(),
            "env:TOKEN"
        );
    }
}
