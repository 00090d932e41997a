//! Help: what can be done here, in a dialog too, and what the field that has the keys is for.

use domain::FieldKind;

use super::Screen;
use crate::action::Action;
use crate::modal::{Help, Modal, Reading};
use crate::paint::{Line, Span};
use crate::theme::Theme;
use crate::widgets::{Field, Form, Input, Text};
use crate::world::World;

/// What the fields of every form know.
const IN_FORMS: &[(&str, &str)] = &[
    ("Shift-Tab", "the field before; the arrows go up and down"),
    ("Space", "the next choice; on and off"),
    ("Ctrl-U", "empties a text; Ctrl-W takes a word back"),
    ("Ctrl-R", "shows a secret that was typed for ten seconds"),
    ("F1", "what the field that has the keys is for"),
    ("* ~", "has to be filled in; was changed"),
];

/// What works in every dialog.
const IN_DIALOGS: &[(&str, &str)] = &[
    ("? F1", "this help; ? is a letter where one is typed"),
    ("F12", "screenshot"),
    ("Ctrl-C", "close"),
    ("Ctrl-L", "paint again"),
    ("Ctrl-Z", "suspend"),
];

impl Screen {
    /// Shows what can be done here: in the dialog that is open, or else in the section. Asked for again it closes.
    pub(super) fn help(&mut self) {
        if self.is_helping() {
            self.modals.pop();
            return;
        }
        let help = match self.modals.last() {
            None => {
                let panel = &self.panels[self.at];
                let actions = panel.actions(&self.world);
                let elsewhere = self.elsewhere().into_iter();
                // What the section does by itself with the same words and key is told there.
                let mut everywhere = self.everywhere();
                everywhere.retain(|one| {
                    let is_same = |own: &Action| own.id == one.id && own.label == one.label;
                    !actions.iter().any(is_same)
                });
                Modal::Help(Help {
                    title: panel.title(),
                    actions,
                    everywhere,
                    elsewhere: elsewhere.map(|(title, _, list)| (title, list)).collect(),
                    text: Text::default(),
                })
            }
            Some(modal) => {
                let lines = of_dialog(modal, &self.world.theme);
                let title = format!("Help: {}", modal.title());
                Modal::Reading(Reading::help(title, lines))
            }
        };
        self.modals.push(help);
    }

    /// Shows what the field is for that has the keys; where there is none, what can be done here.
    pub(super) fn field_help(&mut self) {
        let says = self.modals.last().map_or_else(Vec::new, Modal::told);
        let field = match self.modals.last() {
            Some(modal) => modal.form().and_then(Form::focused),
            None => self.panels[self.at].form().and_then(|form| form.focused()),
        };
        let told = field.map(|field| {
            let lines = of_field(field, &says, &self.world);
            (format!("Help: {}", field.label), lines)
        });
        match told {
            Some((title, lines)) => {
                let help = Reading::help(title, lines);
                self.modals.push(Modal::Reading(help));
            }
            None => self.help(),
        }
    }

    fn is_helping(&self) -> bool {
        match self.modals.last() {
            Some(Modal::Help(_)) => true,
            Some(Modal::Reading(reading)) => reading.is_help,
            _ => false,
        }
    }
}

/// Returns the keys that work in a dialog now, and what they do. `is_narrow` says that there may not be room for all of
/// them: those that a form is filled in with come first then.
pub(super) fn keys_of(modal: &Modal, is_narrow: bool) -> Vec<(&'static str, String)> {
    let own = |keys: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        let owned = keys.iter().map(|(key, what)| (*key, (*what).to_owned()));
        owned.collect()
    };
    let form = modal.form();
    let in_field = form.is_some_and(|form| form.focused().is_some());
    let enter = ("Enter", if in_field { "next" } else { "press" });
    let chooses = match form.and_then(Form::focused).map(|field| &field.input) {
        Some(Input::Choice { .. }) => &[("←→ Space", "choose")][..],
        Some(Input::Toggle(_)) => &[("Space", "on/off")][..],
        Some(Input::Text(_) | Input::Secret { .. } | Input::ReadOnly(_)) | None => &[],
    };
    let is_secret = |field: &Field| matches!(field.input, Input::Secret { .. });
    let reveals = form.and_then(Form::focused).is_some_and(is_secret);
    let reveals = reveals.then(|| ("Ctrl-R", "show".to_owned()));
    match modal {
        Modal::Sheet(sheet) => {
            let finishes = sheet.form.buttons.first();
            let finishes = finishes.map(|first| ("Ctrl-S", first.label.to_lowercase()));
            if is_narrow {
                // How to close it is the same everywhere; how to fill it in is not.
                let mut keys = own(chooses);
                keys.extend(own(&[("Tab", "next")]));
                keys.extend(finishes);
                keys.extend(own(&[("Esc", "cancel"), enter]));
                keys.extend(reveals);
                return keys;
            }
            // What differs from field to field stands last, so that little of the row is written when another gets the keys.
            let mut keys = own(&[("Tab", "next"), ("Esc", "cancel")]);
            keys.extend(finishes);
            keys.extend(own(&[enter]));
            keys.extend(own(chooses));
            keys.extend(reveals);
            keys
        }
        Modal::Question(_) => own(&[("Tab", "next"), enter, ("Esc", "cancel")]),
        Modal::Palette(_) => own(&[("↑↓", "choose"), ("Enter", "run"), ("Esc", "close")]),
        Modal::Menu(_) => own(&[("↑↓", "move"), ("Enter", "choose"), ("Esc", "close")]),
        Modal::Reading(_) if modal.would_lose() => own(&[
            ("j k", "scroll"),
            ("Tab", "next"),
            ("Enter", "press"),
            ("Ctrl-S", "finish"),
            ("Esc", "close"),
        ]),
        Modal::Reading(_) if form.is_some_and(|form| !form.buttons.is_empty()) => own(&[
            ("j k", "scroll"),
            ("Tab", "next"),
            ("Enter", "press"),
            ("Esc", "close"),
        ]),
        Modal::Help(_) | Modal::Reading(_) => own(&[("j k", "scroll"), ("Esc", "close")]),
    }
}

fn of_dialog(modal: &Modal, theme: &Theme) -> Vec<Line> {
    let mut lines = vec![vec![Span::new("Here", theme.title)]];
    for (key, what) in keys_of(modal, false) {
        lines.push(key_line(key, &what, theme));
    }
    if modal.form().is_some_and(|form| !form.fields.is_empty()) {
        lines.extend(
            IN_FORMS
                .iter()
                .map(|(key, what)| key_line(key, what, theme)),
        );
    }
    lines.extend(
        IN_DIALOGS
            .iter()
            .map(|(key, what)| key_line(key, what, theme)),
    );
    // What is to be read stands in the dialog itself.
    if let Modal::Sheet(_) = modal {
        lines.extend(meaning(&modal.told(), theme));
    }
    lines
}

fn key_line(key: &str, what: &str, theme: &Theme) -> Line {
    vec![
        Span::new(format!(" {key:<10}"), theme.key),
        Span::new(what.to_owned(), theme.text),
    ]
}

/// What a form says of itself, below a heading.
fn meaning(says: &[String], theme: &Theme) -> Vec<Line> {
    if says.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![
        Line::new(),
        vec![Span::new("What the form is about", theme.title)],
    ];
    // What is listed in one line stands in one each, so that all of it can be scrolled through.
    let listed = says.iter().flat_map(|line| line.split(" · "));
    lines.extend(listed.map(|line| vec![Span::new(format!(" {line}"), theme.text)]));
    lines
}

fn of_field(field: &Field, says: &[String], world: &World) -> Vec<Line> {
    let theme = world.theme;
    let text = |text: String| vec![Span::new(text, theme.text)];
    let heading = |text: &str| vec![Span::new(text.to_owned(), theme.title)];
    let mut lines = Vec::new();
    if let Some(error) = &field.error {
        lines.push(vec![Span::new(format!("x {error}"), theme.bad)]);
        lines.push(Line::new());
    }
    let told = [&field.hint, &field.about];
    let told = told.into_iter().filter(|told| !told.is_empty());
    lines.extend(told.map(|told| text(told.clone())));
    if !lines.is_empty() {
        lines.push(Line::new());
    }
    lines.push(heading("What it takes"));
    lines.extend(takes(field, &theme));
    if field.required {
        lines.push(text(" It has to be filled in.".to_owned()));
    }
    if let Some(setting) = setting_of(field, world) {
        if let Some(example) = example(setting.kind) {
            lines.push(text(format!(" For example {example}")));
        }
        lines.push(Line::new());
        lines.push(heading("In workbench.toml"));
        lines.push(text(format!(" {}", setting.key)));
        if let Some(default) = setting.default {
            lines.push(text(format!(" Left out it is {default}.")));
        }
        if let Some(key) = setting.wso2_key {
            lines.push(text(format!(
                " WSO2 Identity Server calls it {key}; that name is taken, too."
            )));
        }
    }
    if !field.in_file.is_empty() {
        lines.push(Line::new());
        lines.push(heading("In workbench.toml"));
        lines.push(text(format!(" {}", field.in_file)));
    }
    lines.extend(meaning(says, &theme));
    lines
}

/// Says what can be put into a field.
fn takes(field: &Field, theme: &Theme) -> Vec<Line> {
    let text = |text: &str| vec![Span::new(text.to_owned(), theme.text)];
    match &field.input {
        Input::Text(_) => vec![text(
            " A text. Ctrl-U empties it, Ctrl-W takes a word back.",
        )],
        Input::Secret { .. } => vec![
            text(
                " env:NAME, file:path or command:WORDS, so that the secret itself stays where it is;",
            ),
            text(" or the secret. It is masked; Ctrl-R shows what was typed for ten seconds."),
        ],
        Input::Choice { options, at } => {
            let mut lines = vec![text(" One of these; Space, Left and Right change it:")];
            for (nth, option) in options.iter().enumerate() {
                let mark = if nth == *at { ">" } else { " " };
                let value = if option.value == option.label || option.value.is_empty() {
                    String::new()
                } else {
                    format!("  {}", option.value)
                };
                lines.push(vec![
                    Span::new(format!(" {mark} {}", option.label), theme.text),
                    Span::new(value, theme.dim),
                ]);
            }
            lines
        }
        Input::Toggle(_) => vec![text(" On or off; Space changes it.")],
        Input::ReadOnly(_) => vec![text(" It is only shown.")],
    }
}

/// Returns the connector's setting that a field stands for. Connectors share names; then the words of the hint decide.
fn setting_of(field: &Field, world: &World) -> Option<&'static domain::Field> {
    let kinds = world.catalogue.0.iter();
    let settings = kinds.filter_map(|kind| kind.field(&field.key));
    let named: Vec<&'static domain::Field> = settings
        .filter(|setting| setting.label == field.label)
        .collect();
    let same = named.iter().find(|setting| setting.hint == field.hint);
    same.or(named.first()).copied()
}

/// Returns an example of what a setting holds, where its hint needs one.
fn example(kind: FieldKind) -> Option<&'static str> {
    match kind {
        FieldKind::Domain => Some("corp.example"),
        FieldKind::Email => Some("admin@corp.example"),
        FieldKind::Url => Some("https://corp.example/scim2/Users"),
        FieldKind::Claim => Some("emailaddress, which is http://wso2.org/claims/emailaddress"),
        FieldKind::Pattern => {
            Some("{UD,UN}: the user store and the user's name, with the separator between them")
        }
        FieldKind::List => Some("one, two"),
        FieldKind::Secret => Some("env:TOKEN"),
        FieldKind::SecretFile => Some("file:keys/service-account.p12"),
        FieldKind::Text | FieldKind::Flag | FieldKind::Choice(_) => None,
    }
}
