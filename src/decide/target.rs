//! One connector as the decision sees it: its connection, its settings and its type, read together; and whether it may
//! be used.

use domain::{
    Connection, ConnectorRef, ConnectorSettings, ConnectorType, Deprovision, Nothing, Object,
    Reason,
};

use crate::Decider;
use crate::trace::at;

/// The setting without which a target that could keep groups is not told where.
const GROUP_ENDPOINT: &str = "group_endpoint";

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

    /// Tells whether groups can be provisioned: the type keeps them, and the settings say where, if they have to.
    pub(crate) fn keeps_groups(&self) -> bool {
        self.kind.target.groups
            && (self.kind.field(GROUP_ENDPOINT).is_none() || self.text(GROUP_ENDPOINT).is_some())
    }

    /// Returns what *deprovision* means here: never a delete where accounts cannot be deleted.
    pub(crate) fn deprovision(&self) -> Deprovision {
        if self.kind.target.can_delete {
            self.settings.deprovision
        } else {
            Deprovision::Deactivate
        }
    }
}

/// Finds a candidate's connector and checks that it may be used.
pub(crate) fn available<'a>(
    decider: &Decider<'a>,
    connector: &ConnectorRef,
    object: Object,
    known_name: Option<&str>,
) -> Result<Target<'a>, Nothing> {
    let stays = known_name.map_or_else(String::new, |name| format!("; {name} stays as it is"));
    let nothing = |reason, detail: String| {
        Err(Nothing {
            reason,
            detail: format!("{detail}{stays}"),
        })
    };
    let id = &connector.connection;
    let Some(connection) = decider.configuration.connection(id) else {
        let detail = format!("connection {id} is not configured");
        return nothing(Reason::ConnectionUnknown, detail);
    };
    if !connection.enabled {
        let detail = format!("connection {id}{} is disabled", at(connection.line));
        return nothing(Reason::ConnectionDisabled, detail);
    }
    let found = connection
        .connector(&connector.kind)
        .zip(decider.catalogue.of(&connector.kind));
    let Some((settings, kind)) = found else {
        let detail = format!(
            "connection {id}{} has no connector of type {}",
            at(connection.line),
            connector.kind
        );
        return nothing(Reason::ConnectorUnknown, detail);
    };
    if !settings.enabled {
        let detail = format!("connector {connector}{} is disabled", at(settings.line));
        return nothing(Reason::ConnectorDisabled, detail);
    }
    let target = Target {
        connection,
        settings,
        kind,
    };
    if !decider.configuration.engine.real_targets
        && let Some((key, address)) = kind.outside_address(settings)
    {
        let detail = format!(
            "{key} of {connector}{} is {address}, outside this machine",
            at(settings.line)
        );
        return nothing(Reason::RealTargetNotAllowed, detail);
    }
    if object == Object::Group && !kind.target.groups {
        let detail = format!("{} keeps no groups", kind.label);
        return nothing(Reason::GroupsNotSupported, detail);
    }
    if object == Object::Group && !target.keeps_groups() {
        let detail = format!("{connector}{} has no {GROUP_ENDPOINT}", at(settings.line));
        return nothing(Reason::GroupsNotSupported, detail);
    }
    Ok(target)
}
