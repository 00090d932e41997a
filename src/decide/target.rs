//! One connector as the decision sees it: its connection, its settings and its type, read together.

use domain::{Connection, ConnectorRef, ConnectorSettings, ConnectorType, Deprovision};

/// A configured connector whose type exists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) settings: &'a ConnectorSettings,
    pub(crate) kind: &'static ConnectorType,
}

impl<'a> Target<'a> {
    /// Returns the connector's name.
    pub(crate) fn connector(&self) -> ConnectorRef {
        ConnectorRef {
            connection: self.connection.id.clone(),
            kind: self.settings.kind.clone(),
        }
    }

    /// Returns a text setting, or the default of its field when it is unset or blank.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.settings.text(key).or_else(|| {
            let default = self.kind.field(key)?.default?;
            (!default.trim().is_empty()).then_some(default)
        })
    }

    /// Returns a yes/no setting, or the default of its field, or no.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.settings.flag(key).unwrap_or_else(|| {
            self.kind
                .field(key)
                .and_then(|field| field.default)
                .is_some_and(|default| default.eq_ignore_ascii_case("true"))
        })
    }

    /// Tells whether a setting is set at all.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.settings.text(key).is_some() || self.settings.secret(key).is_some()
    }

    /// Returns what *deprovision* means here: never a delete where accounts cannot be deleted.
    pub(crate) fn deprovision(&self) -> Deprovision {
        if self.kind.target.can_delete {
            self.settings.deprovision
        } else {
            Deprovision::Deactivate
        }
    }

    /// Returns the settings in use that hold an address, with their values.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let target = *self;
        target
            .kind
            .target
            .address_settings
            .iter()
            .filter(move |key| target.is_used(key))
            .filter_map(move |key| Some((*key, target.text(key)?)))
    }

    /// Tells whether a setting has a meaning, given the settings it depends on.
    fn is_used(&self, key: &str) -> bool {
        let Some((other, values)) = self.kind.field(key).and_then(|field| field.only_when) else {
            return true;
        };
        let is = match self.settings.flag(other) {
            Some(flag) => flag.to_string(),
            None => self.text(other).unwrap_or_default().to_owned(),
        };
        values.iter().any(|value| value.eq_ignore_ascii_case(&is))
    }
}
