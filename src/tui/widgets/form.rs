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
            let field = &self.fields[*index];
            let error = if field.required && field.is_empty() {
                Some(format!("{} is required", field.label))
            } else {
                field.fault_in(self)
            };
            if error.is_some() && first.is_none() {
                first = Some(at);
            }
            self.fields[*index].error = error;
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
            // What was refused as it stands is still refused.
            field.error = field.fault().or_else(|| field.error.take());
            field.look();
        }
        // What keeps a secret out of the file may stand in any of the others.
        for index in visible {
            if self.fields[index].may_be_kept_out() {
                let error = self.fields[index].fault_in(self);
                self.fields[index].error = error;
            }
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
            .min(usize::from(width) / 2);
        u16::try_from(longest).unwrap_or(0)
    }

    /// Returns the rows that it takes at a width.
    pub(crate) fn height(&self, width: u16) -> u16 {
        let visible = self.visible();
        let label_width = self.label_width(&visible, width);
        let fields: u16 = self.rows(&visible, label_width, width).iter().sum();
        let told = self.told_rows(&visible, width);
        fields + told + u16::from(!self.buttons.is_empty()) * 2
    }

    /// Returns the rows below the fields in which the hint of the focused one is told: as many as the longest takes, so that
    /// nothing moves when another field gets the keys. Over a slow line all that moves is written anew.
    fn told_rows(&self, visible: &[usize], width: u16) -> u16 {
        let room = usize::from(width.saturating_sub(2));
        let most = if room < 60 { MOST_TOLD } else { 2 };
        let fields = visible.iter().map(|index| &self.fields[*index]);
        let rows = fields
            .filter_map(hint_of)
            .map(|hint| parts(&hint, room).take(most).count());
        u16::try_from(rows.max().unwrap_or(0)).unwrap_or(0)
    }

    /// Returns how many of those rows there are in a room that has so many for them and the fields: what the fields leave,
    /// a quarter of it where that is more, and one however small it is. The field that has the keys is always to be seen.
    fn told_within(&self, told: u16, rows: &[u16], room: u16) -> u16 {
        let left = room.saturating_sub(rows.iter().sum());
        let focused = rows.get(self.focus).copied().unwrap_or(0);
        let most = left.max(room / 4).max(1);
        told.min(most).min(room.saturating_sub(focused))
    }

    /// Returns how many rows the buttons take below so many of fields and hints: the blank one above them goes to the fields
    /// where there is no room for all of those.
    fn button_rows(&self, above: u16, room: u16) -> u16 {
        match (self.buttons.is_empty(), above + 2 > room) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        }
    }

    /// Draws the form, shifted so that the focused field can be seen. Returns the rows used.
    pub(crate) fn draw(&self, pen: &mut Pen<'_>, area: Rect, focused: bool, now: Duration) -> u16 {
        let visible = self.visible();
        let whole = area;
        let mut area = area;
        let mut label_width = self.label_width(&visible, area.width);
        let mut rows = self.rows(&visible, label_width, area.width);
        let told = self.told_rows(&visible, area.width);
        let buttons = self.button_rows(rows.iter().sum::<u16>() + told, area.height);
        let told = self.told_within(told, &rows, area.height.saturating_sub(buttons));
        let room = area.height.saturating_sub(buttons + told);
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
        let below = Rect {
            x: whole.x + 1,
            y: area.y + used,
            width: whole.width.saturating_sub(2),
            height: told,
        };
        if let Some(hint) = self.focused().and_then(hint_of) {
            let style = pen.theme.dim;
            pen.excerpt(below, &hint, style);
        }
        self.draw_buttons(
            pen,
            Rect {
                y: area.y + used + told,
                height: buttons,
                ..whole
            },
            visible.len(),
            focused,
        );
        used + told + buttons
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
                let below = match said(field) {
                    Some(text) if is_current => wrapped(&text, room),
                    Some(_) => 1,
                    None => 0,
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
        let whole = Rect {
            x: area.x + lead,
            width: area.width - lead,
            height: 1,
            ..area
        };
        // Its hint is cut there; below the fields it is told while the field has the keys.
        let is_beside = field.beside && whole.width >= LEAST_FOR_BOTH;
        let value = Rect {
            width: if is_beside {
                whole.width / 3
            } else {
                whole.width
            },
            ..whole
        };
        field.draw(pen, value, focused, now);
        if is_beside {
            let x = value.right() + 2;
            pen.put(x, whole.y, whole.right() - x, &field.hint, theme.dim);
        }
        let most = u16::try_from(MOST_BELOW).unwrap_or(u16::MAX);
        let below = Rect {
            y: area.y + 1,
            height: area.height.saturating_sub(1).min(most),
            ..whole
        };
        let style = if field.error.is_some() {
            theme.bad
        } else {
            theme.warn
        };
        if let Some(text) = said(field) {
            pen.excerpt(below, &text, style);
        }
    }

    fn draw_buttons(&self, pen: &mut Pen<'_>, area: Rect, fields: usize, focused: bool) {
        if area.height == 0 {
            return;
        }
        let theme = *pen.theme;
        let y = area.bottom() - 1;
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
                y,
                area.right() - x,
                &format!("[ {} ]", button.label),
                style,
            ) + 2;
        }
    }
}

/// The cells that the signs behind a label take: `*`, it has to be filled in, as in the Console; `~`, it was changed.
const SIGNS: usize = 3;
/// The most rows of what is said below the field that has the keys.
const MOST_BELOW: usize = 6;
/// The most rows of what is told of it.
const MOST_TOLD: usize = 4;
/// From so many cells on there is room for a value and its hint beside it.
const LEAST_FOR_BOTH: u16 = 45;
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

/// Returns what is told below the fields while one has the keys.
fn hint_of(field: &Field) -> Option<String> {
    let hint = &field.hint;
    (!hint.is_empty()).then(|| format!("{}: {hint}", field.label))
}

/// Returns what stands below a field: what is wrong with it, or what is doubtful.
fn said(field: &Field) -> Option<String> {
    let error = field.error.as_ref().map(|error| format!("x {error}"));
    let doubt = || field.doubt.as_ref().map(|doubt| format!("! {doubt}"));
    error.or_else(doubt)
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
    fn where_hints_stand_beside_the_values_nothing_moves_when_another_field_gets_the_keys() {
        let long = "the operation, with a star for anything and a bar for or: see the kind of it";
        let fields = vec![
            Field::text("op", "op", "").hint(long).beside(),
            Field::text("nth", "nth", "").hint("a range").beside(),
        ];
        let mut form = Form::new(fields, vec![Button::acts("ok", "Arm")]);
        let first = shown(&form, 60, 10);
        press(&mut form, &[KeyCode::Tab]);
        let second = shown(&form, 60, 10);
        for word in ["op ", "nth ", "[ Arm ]", "a range"] {
            let place = |text: &str| text.lines().position(|line| line.contains(word));
            assert!(place(&first).is_some(), "{word}: {first}");
            assert_eq!(place(&first), place(&second), "{word}: {first}\n{second}");
        }
        // Cut beside the value, and in full below the fields while it has the keys.
        let end = "see the kind of it";
        assert!(first.contains(end) && !second.contains(end), "{second}");
        assert_eq!(form.height(60), 2 + 2 + 2);
        // Where there is no room beside it.
        let narrow = shown(&form, 40, 10);
        assert_eq!(narrow.matches("a range").count(), 1, "{narrow}");
    }

    #[test]
    fn a_hint_has_a_row_where_there_is_little_room_and_no_fewer_for_one_more_to_spare() {
        let fields = |count: usize| {
            let hint = "what it is for, in so many words that two rows of this width are full";
            let first = Field::text("first", "First", "").hint(hint);
            let more = (1..count).map(|nth| Field::text("more", &format!("Field {nth}"), ""));
            let fields = std::iter::once(first).chain(more).collect();
            Form::new(fields, vec![Button::acts("ok", "Finish")])
        };
        // As in a form at 40x12: two rows for all the fields.
        let text = shown(&fields(5), 36, 4);
        let (field, hint) = (text.find(">First"), text.find("First: what it is for"));
        assert!(field.is_some() && field < hint, "{text}");
        // In eight rows, whether the fields leave none of them, one or two.
        for count in [6, 7, 8] {
            let text = shown(&fields(count), 64, 10);
            let is_whole = text.contains("First: what") && text.contains("are full");
            assert!(is_whole, "{count}: {text}");
        }
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
        let text = shown(&form, 40, 3);
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
    fn what_no_letter_puts_right_is_told_while_it_is_typed_and_a_format_when_the_field_is_left() {
        let short = |text: &str| {
            let is_right = text.len() <= 3;
            is_right.then_some(()).ok_or_else(|| "too long".to_owned())
        };
        let even = |text: &str| {
            let is_right = text.len().is_multiple_of(2);
            is_right.then_some(()).ok_or_else(|| "odd".to_owned())
        };
        let field = || Field::text("name", "Name", "").bound(short).check(even);
        let mut form = Form::new(vec![field(), field()], Vec::new());
        let told = |form: &mut Form, code: KeyCode| {
            form.key(Key::of(code), Duration::ZERO);
            form.fields[0].error.clone()
        };
        let letter = KeyCode::Char('a');
        for wanted in [None, None, None, Some("too long")] {
            assert_eq!(told(&mut form, letter).as_deref(), wanted);
        }
        // Until it is right, and then as at the beginning.
        let back = KeyCode::Backspace;
        assert_eq!(told(&mut form, back).as_deref(), Some("odd"));
        assert_eq!(told(&mut form, back), None);
        assert_eq!(told(&mut form, letter), None);
        assert_eq!(told(&mut form, KeyCode::Tab).as_deref(), Some("odd"));
        assert_eq!(told(&mut form, KeyCode::BackTab).as_deref(), Some("odd"));
        assert_eq!(told(&mut form, back), None);
        // A pasted text is whole.
        form.paste("b");
        assert_eq!(form.fields[0].error.as_deref(), Some("odd"));
        // A refusal of what is right as far as the form knows stays until something changes.
        assert_eq!(told(&mut form, back), None);
        form.refuse("name", "somebody else's");
        assert_eq!(
            told(&mut form, KeyCode::Tab).as_deref(),
            Some("somebody else's")
        );
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
