//! How keys and what they hold are spoken of.

use toml::de::DeValue;

use crate::shape::{Key, Kind};

impl Kind {
    /// Tells whether it is written as a text.
    pub(crate) fn is_text(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::Name
                | Self::Prose { .. }
                | Self::Id
                | Self::Duration
                | Self::Quota
                | Self::Size
                | Self::Listen
                | Self::Url
                | Self::Domain
                | Self::Email
                | Self::Path
                | Self::Pattern
                | Self::Choice(_)
        )
    }

    /// Tells whether things are told apart by it, so that nothing in it may be invisible.
    pub(crate) fn is_to_be_seen(self) -> bool {
        matches!(
            self,
            Self::Name | Self::Names | Self::Id | Self::Url | Self::Domain | Self::Email
        )
    }

    /// Says in words what is expected.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::Text | Self::Name | Self::Prose { .. } | Self::Id | Self::Path => "text",
            Self::Flag => "true or false",
            Self::Count { .. } => "a whole number",
            Self::Duration => "a duration",
            Self::Durations => "a list of durations",
            Self::Quota => "a quota",
            Self::Size => "a size",
            Self::Listen => "an address with a port",
            Self::Url => "an address",
            Self::Domain => "a domain name",
            Self::Email => "an e-mail address",
            Self::Pattern => "a pattern",
            Self::Choice(_) => "one of its words",
            Self::Texts | Self::Names => "a list of texts",
            Self::Secret => "a secret",
            Self::Table(_) | Self::Mocks => "a table",
            Self::Tables(_) | Self::Connectors => "an array of tables",
        }
    }
}

/// Writes a key with a value as it could stand in the file.
pub(crate) fn example(key: &Key) -> String {
    let name = key.name;
    match (key.kind, key.default) {
        (Kind::Table(_) | Kind::Mocks, _) => format!("[{name}]"),
        (Kind::Tables(_) | Kind::Connectors, _) => format!("[[{name}]]"),
        (_, Some(default)) => format!("{name} = {}", quoted(key.kind, default)),
        (Kind::Flag, _) => format!("{name} = true"),
        (Kind::Count { least, .. }, _) => format!("{name} = {least}"),
        (Kind::Duration, _) => format!("{name} = \"30s\""),
        (Kind::Quota, _) => format!("{name} = \"2400/60s\""),
        (Kind::Size, _) => format!("{name} = \"4GiB\""),
        (Kind::Listen, _) => format!("{name} = \"127.0.0.1:9464\""),
        (Kind::Url, _) => format!("{name} = \"https://…\""),
        (Kind::Choice(choices), _) => format!("{name} = \"{}\"", choices.join("\" or \"")),
        (Kind::Texts | Kind::Names | Kind::Durations, _) => format!("{name} = [\"…\"]"),
        (Kind::Secret, _) => format!("{name} = {{ env = \"NAME\" }}"),
        _ => format!("{name} = \"…\""),
    }
}

/// The shape's defaults are written as TOML, the catalogue's as bare words.
pub(crate) fn quoted(kind: Kind, default: &str) -> String {
    let bare = matches!(kind, Kind::Flag | Kind::Count { .. });
    if bare || default.starts_with(['"', '[']) {
        default.to_owned()
    } else {
        format!("\"{default}\"")
    }
}

/// Returns a path as a header names it: without the positions.
pub(crate) fn header(path: &str) -> String {
    let keys = path
        .split('.')
        .map(|key| key.split('[').next().unwrap_or(key));
    keys.collect::<Vec<_>>().join(".")
}

pub(crate) fn key_names(keys: &[Key]) -> String {
    keys.iter()
        .map(|key| key.name)
        .collect::<Vec<_>>()
        .join(", ")
}

pub(crate) fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
