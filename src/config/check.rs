//! Walks the file against its shape and collects everything that does not fit, all at once.

use std::ops::Range;

use domain::{Catalogue, ConnectorType, Field};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::finding::Problem;
use crate::place::Places;
use crate::shape::{self, CONNECTOR, Key, Kind, MOCK};
use crate::wording::{example, header, key_names, type_of};
use crate::words::{self, Complaint};

/// What the walk has found out.
pub(crate) struct Check<'a> {
    catalogue: &'a Catalogue,
    pub(crate) problems: Vec<Problem>,
    pub(crate) places: Places,
    /// What must not be shown.
    pub(crate) masks: Vec<Range<usize>>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue) -> Self {
        Self {
            catalogue,
            problems: Vec::new(),
            places: Places::default(),
            masks: Vec::new(),
        }
    }

    /// Checks the whole file.
    pub(crate) fn file(&mut self, root: &DeTable<'_>) {
        self.table(root, 0..0, shape::FILE.noun, shape::FILE.keys, "");
    }

    fn table(
        &mut self,
        table: &DeTable<'_>,
        span: Range<usize>,
        noun: &str,
        keys: &[Key],
        path: &str,
    ) {
        for (name, value) in table {
            let known =
                |key: &&Key| key.name == name.get_ref() || key.alias == Some(name.get_ref());
            match keys.iter().find(known) {
                Some(key) => self.entry(key, name, value, &join(path, key.name)),
                None => self.unknown(name, value, noun, keys),
            }
        }
        for key in keys.iter().filter(|key| key.required) {
            if !self.places.has(&join(path, key.name)) {
                self.problems.push(Problem::error(
                    "missing",
                    span.clone(),
                    format!("{noun} needs `{}`", key.name),
                    format!("add {} ({})", example(key), key.doc),
                ));
            }
        }
    }

    fn entry(
        &mut self,
        key: &Key,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        path: &str,
    ) {
        if self.places.has(path) {
            self.problems.push(Problem::error(
                "duplicate",
                name.span(),
                format!("`{}` is set twice, once under its WSO2 name", key.name),
                "keep one of the two",
            ));
        }
        self.places.put(path, name.span(), value.span());
        self.value(key, value, path);
    }

    fn unknown(
        &mut self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        noun: &str,
        keys: &[Key],
    ) {
        let names = keys
            .iter()
            .flat_map(|key| std::iter::once(key.name).chain(key.alias));
        let meant = words::nearest(name.get_ref(), names);
        let harmless = keys.iter().find(|key| {
            meant.is_some() && (meant.as_deref() == Some(key.name) || meant.as_deref() == key.alias)
        });
        if harmless.is_none_or(|key| matches!(key.kind, Kind::Secret)) {
            // Nobody knows what it was meant to be; it may be a misspelt password.
            self.masks.extend(texts_within(value));
        }
        self.problems.push(
            Problem::error(
                "unknown-key",
                name.span(),
                format!("{noun} has no setting `{}`", name.get_ref()),
                format!("remove it, or write one of: {}", key_names(keys)),
            )
            .meant(meant),
        );
    }

    fn value(&mut self, key: &Key, value: &Spanned<DeValue<'_>>, path: &str) {
        let span = value.span();
        match (key.kind, value.get_ref()) {
            (Kind::Flag, DeValue::Boolean(_)) => {}
            (Kind::Count { least, most }, DeValue::Integer(number)) => {
                let count = u64::from_str_radix(number.as_str(), number.radix()).ok();
                if !count.is_some_and(|count| (least..=most).contains(&count)) {
                    self.problems.push(Problem::error(
                        "bad-number",
                        span,
                        format!("`{}` must lie between {least} and {most}", key.name),
                        format!("write a number from {least} to {most}"),
                    ));
                }
            }
            (Kind::Texts | Kind::Names | Kind::Durations, DeValue::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.places
                        .put(&format!("{path}[{index}]"), item.span(), item.span());
                    match (key.kind, item.get_ref()) {
                        (Kind::Durations, DeValue::String(text)) => {
                            self.complain(words::check_duration(text), item.span());
                        }
                        (Kind::Names, DeValue::String(text)) => {
                            self.complain(words::check_seen(text), item.span());
                        }
                        (_, DeValue::String(_)) => {}
                        (_, other) => self.wrong_type(key, other, item.span(), path),
                    }
                }
                if matches!(key.kind, Kind::Durations) && items.is_empty() {
                    self.problems.push(Problem::error(
                        "missing",
                        span,
                        format!("`{}` is empty", key.name),
                        "write at least one duration",
                    ));
                }
            }
            (Kind::Secret, _) => self.secret(key, value, path),
            (Kind::Table(shape), DeValue::Table(table)) => {
                self.table(table, span, shape.noun, shape.keys, path);
            }
            (Kind::Tables(_) | Kind::Connectors, DeValue::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.item(key, item, &format!("{path}[{index}]"));
                }
            }
            (Kind::Mocks, DeValue::Table(table)) => self.mocks(table, path),
            (kind, DeValue::String(text)) if kind.is_text() => self.text(key, text, span),
            (_, other) => self.wrong_type(key, other, span, path),
        }
    }

    fn text(&mut self, key: &Key, text: &str, span: Range<usize>) {
        if text.trim().is_empty() {
            // Blank is the Console's way to leave a setting out.
            if key.required {
                self.problems.push(Problem::error(
                    "missing",
                    span,
                    format!("`{}` is blank", key.name),
                    format!("write {}", example(key)),
                ));
            }
            return;
        }
        if key.kind.is_to_be_seen()
            && let Err(complaint) = words::check_seen(text)
        {
            return self.complain(Err(complaint), span);
        }
        let verdict = match key.kind {
            Kind::Prose { most } => words::check_length(text, most),
            Kind::Id => words::check_id(text),
            Kind::Duration => words::check_duration(text),
            Kind::Quota => words::check_quota(text),
            Kind::Size => words::check_size(text),
            Kind::Listen => words::check_listen(text),
            Kind::Url => words::check_url(text),
            Kind::Domain => words::check_domain(text),
            Kind::Email => words::check_email(text),
            Kind::Choice(choices) => words::check_choice(text, choices),
            _ => Ok(()),
        };
        self.complain(verdict, span);
    }

    fn complain(&mut self, verdict: Result<(), Complaint>, span: Range<usize>) {
        if let Err(complaint) = verdict {
            self.problems.push(
                Problem::error(complaint.code, span, complaint.message, complaint.fix)
                    .meant(complaint.meant),
            );
        }
    }

    fn wrong_type(&mut self, key: &Key, found: &DeValue<'_>, span: Range<usize>, path: &str) {
        let write = match key.kind {
            Kind::Table(_) | Kind::Mocks => format!("[{}]", header(path)),
            Kind::Tables(_) | Kind::Connectors => {
                format!("[[{}]], with two brackets", header(path))
            }
            _ => example(key),
        };
        self.problems.push(Problem::error(
            "wrong-type",
            span,
            format!(
                "`{}` must be {}, not {}",
                key.name,
                key.kind.says(),
                type_of(found)
            ),
            format!("write {write}"),
        ));
    }

    fn item(&mut self, key: &Key, item: &Spanned<DeValue<'_>>, path: &str) {
        self.places.put(path, item.span(), item.span());
        match (key.kind, item.get_ref()) {
            (Kind::Tables(shape), DeValue::Table(table)) => {
                self.table(table, item.span(), shape.noun, shape.keys, path);
            }
            (Kind::Connectors, DeValue::Table(table)) => self.connector(table, item.span(), path),
            (_, other) => self.wrong_type(key, other, item.span(), path),
        }
    }

    fn connector(&mut self, table: &DeTable<'_>, span: Range<usize>, path: &str) {
        let word = table.get("type").and_then(|value| value.get_ref().as_str());
        let Some(kind) = word.and_then(|word| self.catalogue.find(word)) else {
            self.connector_of_no_type(table, span, path);
            return;
        };
        let mut keys = CONNECTOR.keys.to_vec();
        keys.extend(
            kind.fields
                .iter()
                .map(|field| Key::of(field, is_shown(field, kind, table))),
        );
        self.table(
            table,
            span,
            &format!("a {} connector", kind.kind),
            &keys,
            path,
        );
        for field in kind
            .fields
            .iter()
            .filter(|field| !is_shown(field, kind, table))
        {
            let at = join(path, field.key);
            let (Some((other, words)), true) = (field.only_when, self.places.has(&at)) else {
                continue;
            };
            self.problems.push(Problem::warning(
                "unused-setting",
                self.places.key(&at),
                format!(
                    "`{}` is used only when `{other}` is {}",
                    field.key,
                    words.join(" or ")
                ),
                format!("remove it, or change `{other}`"),
            ));
        }
    }

    /// Without a type nobody knows the keys, so only the type is complained about, and nothing is shown.
    fn connector_of_no_type(&mut self, table: &DeTable<'_>, span: Range<usize>, path: &str) {
        let known: Vec<&str> = self.catalogue.0.iter().map(|kind| kind.kind).collect();
        self.masks.extend(
            table
                .iter()
                .filter(|(name, _)| name.get_ref() != "type")
                .flat_map(|(_, value)| texts_within(value)),
        );
        let problem = match table
            .get("type")
            .map(|value| (value.span(), value.get_ref().as_str()))
        {
            Some((span, Some(word))) => Problem::error(
                "unknown-connector-type",
                span,
                format!("there is no connector type `{word}`"),
                format!("write one of: {}", known.join(", ")),
            )
            .meant(words::nearest(word, known)),
            _ => Problem::error(
                "missing",
                span,
                "a connector needs `type`",
                format!("add type = \"…\", one of: {}", known.join(", ")),
            ),
        };
        self.problems.push(problem);
        if let Some((name, value)) = table.get_key_value("type") {
            self.places
                .put(&join(path, "type"), name.span(), value.span());
        }
    }

    fn mocks(&mut self, table: &DeTable<'_>, path: &str) {
        let known: Vec<&str> = self.catalogue.0.iter().map(|kind| kind.kind).collect();
        for (name, value) in table {
            let at = join(path, name.get_ref());
            self.places.put(&at, name.span(), value.span());
            match (
                self.catalogue
                    .0
                    .iter()
                    .any(|kind| kind.kind == name.get_ref()),
                value.get_ref(),
            ) {
                (true, DeValue::Table(mock)) => {
                    self.table(mock, value.span(), MOCK.noun, MOCK.keys, &at);
                }
                (true, other) => self.problems.push(Problem::error(
                    "wrong-type",
                    value.span(),
                    format!("a mock must be a table, not {}", type_of(other)),
                    format!("write [mocks.{}]", name.get_ref()),
                )),
                (false, _) => self.problems.push(
                    Problem::error(
                        "unknown-key",
                        name.span(),
                        format!("there is no mock `{}`", name.get_ref()),
                        format!("write one of: {}", known.join(", ")),
                    )
                    .meant(words::nearest(name.get_ref(), known.iter().copied())),
                ),
            }
        }
    }

    fn secret(&mut self, key: &Key, value: &Spanned<DeValue<'_>>, path: &str) {
        const FORMS: &str = "write { env = \"NAME\" }, { file = \"path\" } or { command = [\"program\", \"argument\"] }";
        let DeValue::Table(table) = value.get_ref() else {
            self.masks.push(value.span());
            match value.get_ref() {
                DeValue::String(text) if key.required && text.trim().is_empty() => {
                    self.problems.push(Problem::error(
                        "missing",
                        value.span(),
                        format!("`{}` is blank", key.name),
                        FORMS,
                    ));
                }
                DeValue::String(_) => {}
                other => self.wrong_type(key, other, value.span(), path),
            }
            return;
        };
        for (name, inner) in table {
            self.places
                .put(&join(path, name.get_ref()), name.span(), inner.span());
            let sound = match (name.get_ref().as_ref(), inner.get_ref()) {
                ("env" | "file", DeValue::String(text)) => !text.trim().is_empty(),
                ("command", DeValue::Array(words)) => {
                    // What follows the program's name may be a secret itself.
                    self.masks.extend(words.iter().skip(1).map(Spanned::span));
                    !words.is_empty() && words.iter().all(|word| word.get_ref().is_str())
                }
                _ => {
                    self.masks.extend(texts_within(inner));
                    false
                }
            };
            if !sound {
                self.problems.push(
                    Problem::error(
                        "bad-secret",
                        name.span(),
                        format!("`{}` does not say where the secret is", name.get_ref()),
                        FORMS,
                    )
                    .meant(
                        words::nearest(name.get_ref(), ["env", "file", "command"])
                            .filter(|word| word != name.get_ref()),
                    ),
                );
            }
        }
        if table.len() != 1 {
            self.problems.push(Problem::error(
                "bad-secret",
                value.span(),
                "a secret has exactly one source",
                FORMS,
            ));
        }
    }
}

/// Tells whether a setting is shown, and so used, given the others.
pub(crate) fn is_shown(field: &Field, kind: &ConnectorType, table: &DeTable<'_>) -> bool {
    let Some((other, words)) = field.only_when else {
        return true;
    };
    let other = kind.field(other);
    let written = other
        .and_then(|other| find(table, other))
        .map(Spanned::get_ref);
    let value = match written {
        Some(DeValue::Boolean(flag)) => flag.to_string(),
        Some(DeValue::String(text)) if !text.trim().is_empty() => text.to_string(),
        _ => other
            .and_then(|other| other.default)
            .unwrap_or_default()
            .to_owned(),
    };
    words.iter().any(|word| word.eq_ignore_ascii_case(&value))
}

/// Returns a connector's setting under its key or its WSO2 property key.
pub(crate) fn find<'t, 'i>(
    table: &'t DeTable<'i>,
    field: &Field,
) -> Option<&'t Spanned<DeValue<'i>>> {
    table.get(field.key).or_else(|| table.get(field.wso2_key?))
}

/// Returns the ranges of everything in a value but names of keys.
fn texts_within(value: &Spanned<DeValue<'_>>) -> Vec<Range<usize>> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().flat_map(texts_within).collect(),
        DeValue::Table(table) => table
            .iter()
            .flat_map(|(_, value)| texts_within(value))
            .collect(),
        _ => vec![value.span()],
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
