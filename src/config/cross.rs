//! Errors that only the whole file shows: what is named twice, what is named and not there, what must not be together.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Catalogue, Configuration, ConnectorSettings, ConnectorType, Deprovision, Provisioner,
    SecretRef, Setting, StoreDomain, is_loopback,
};

use crate::finding::Problem;
use crate::place::Places;
use crate::words::nearest;

/// Checks one aspect of the whole.
type Rule = fn(&Whole<'_>) -> Vec<Problem>;

const RULES: [Rule; 9] = [
    ids_are_unique,
    types_are_unique,
    ports_are_unique,
    logins_exist,
    provisioners_exist,
    stores_exist,
    mappings_make_sense,
    secrets_are_references,
    deletes_are_possible,
];

/// Returns everything that is wrong with the whole.
pub(crate) fn check(
    configuration: &Configuration,
    places: &Places,
    catalogue: &Catalogue,
) -> Vec<Problem> {
    let whole = Whole {
        configuration,
        places,
        catalogue,
    };
    RULES.iter().flat_map(|rule| rule(&whole)).collect()
}

/// The configuration with the places of its keys.
pub(crate) struct Whole<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) places: &'a Places,
    pub(crate) catalogue: &'a Catalogue,
}

impl<'a> Whole<'a> {
    /// Returns each connector with its connection's index, its type and its path.
    pub(crate) fn connectors(
        &self,
    ) -> impl Iterator<Item = (usize, &'a ConnectorSettings, &'static ConnectorType, String)> + '_
    {
        self.configuration
            .connections
            .iter()
            .enumerate()
            .flat_map(move |(i, connection)| {
                connection
                    .connectors
                    .iter()
                    .enumerate()
                    .filter_map(move |(k, connector)| {
                        let kind = self.catalogue.of(&connector.kind)?;
                        Some((
                            i,
                            connector,
                            kind,
                            format!("connections[{i}].connectors[{k}]"),
                        ))
                    })
            })
    }

    /// Returns each provisioner with its level (`None` for the organization, else the application's index) and its path.
    pub(crate) fn provisioners(
        &self,
    ) -> impl Iterator<Item = (Option<usize>, &'a Provisioner, String)> + '_ {
        let resident = self
            .configuration
            .resident
            .iter()
            .enumerate()
            .map(|(k, entry)| (None, entry, format!("resident.provisioners[{k}]")));
        let own =
            self.configuration
                .applications
                .iter()
                .enumerate()
                .flat_map(|(i, application)| {
                    application
                        .provisioners
                        .iter()
                        .enumerate()
                        .map(move |(k, entry)| {
                            (
                                Some(i),
                                entry,
                                format!("applications[{i}].provisioners[{k}]"),
                            )
                        })
                });
        resident.chain(own)
    }
}

/// Returns the addresses that a connector speaks to, as configured or by default.
pub(crate) fn addresses<'c>(
    connector: &'c ConnectorSettings,
    kind: &ConnectorType,
) -> Vec<(&'static str, &'c str)> {
    kind.target
        .address_settings
        .iter()
        .filter_map(|key| Some((*key, connector.text(key)?)))
        .collect()
}

fn ids_are_unique(whole: &Whole<'_>) -> Vec<Problem> {
    let connections = whole
        .configuration
        .connections
        .iter()
        .enumerate()
        .map(|(i, connection)| {
            (
                "connection",
                connection.id.0.as_str(),
                format!("connections[{i}].id"),
            )
        });
    let applications =
        whole
            .configuration
            .applications
            .iter()
            .enumerate()
            .map(|(i, application)| {
                (
                    "application",
                    application.id.0.as_str(),
                    format!("applications[{i}].id"),
                )
            });
    let mut seen = BTreeSet::new();
    connections
        .chain(applications)
        .filter(|(_, id, _)| !id.is_empty())
        .filter(|(noun, id, _)| !seen.insert((*noun, *id)))
        .map(|(noun, id, path)| {
            Problem::error(
                "duplicate",
                whole.places.value(&path),
                format!("there are two {noun}s with the id `{id}`"),
                "give one of them another id",
            )
        })
        .collect()
}

fn types_are_unique(whole: &Whole<'_>) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    whole
        .connectors()
        .filter(|(connection, _, kind, _)| !seen.insert((*connection, kind.kind)))
        .map(|(_, _, kind, path)| {
            Problem::error(
                "duplicate",
                whole.places.value(&format!("{path}.type")),
                format!(
                    "this connection has two connectors of the type {}",
                    kind.kind
                ),
                "keep one, or make a second connection",
            )
        })
        .collect()
}

fn ports_are_unique(whole: &Whole<'_>) -> Vec<Problem> {
    let mut seen = BTreeMap::new();
    let mocks = whole
        .configuration
        .mocks
        .iter()
        .filter(|(_, mock)| mock.port != 0);
    mocks
        .filter_map(|(name, mock)| Some((name, seen.insert(mock.port, name)?, mock.port)))
        .map(|(name, other, port)| {
            let path = format!("mocks.{name}.port");
            Problem::error(
                "duplicate",
                whole.places.value(&path),
                format!("the mocks {other} and {name} share port {port}"),
                "give each its own port, or 0 for any free one",
            )
        })
        .collect()
}

fn connection_ids<'a>(whole: &Whole<'a>) -> Vec<&'a str> {
    whole
        .configuration
        .connections
        .iter()
        .map(|connection| connection.id.0.as_str())
        .collect()
}

fn logins_exist(whole: &Whole<'_>) -> Vec<Problem> {
    let known = connection_ids(whole);
    let applications = whole.configuration.applications.iter().enumerate();
    applications
        .flat_map(|(i, application)| {
            application
                .login
                .iter()
                .enumerate()
                .map(move |(k, id)| (i, k, id))
        })
        .filter(|(_, _, id)| !known.contains(&id.0.as_str()))
        .map(|(i, k, id)| {
            Problem::error(
                "unknown-reference",
                whole.places.value(&format!("applications[{i}].login[{k}]")),
                format!("there is no connection `{id}` to log in through"),
                known_as("connections", &known),
            )
            .meant(nearest(&id.0, known.iter().copied()))
        })
        .collect()
}

fn provisioners_exist(whole: &Whole<'_>) -> Vec<Problem> {
    let known = connection_ids(whole);
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for (level, entry, path) in whole.provisioners() {
        let (id, kind) = (&entry.connector.connection.0, &entry.connector.kind.0);
        if id.is_empty() || kind.is_empty() {
            continue; // missing, and said so
        }
        let Some(connection) = whole.configuration.connection(&entry.connector.connection) else {
            problems.push(
                Problem::error(
                    "unknown-reference",
                    whole.places.value(&format!("{path}.connection")),
                    format!("there is no connection `{id}`"),
                    known_as("connections", &known),
                )
                .meant(nearest(id, known.iter().copied())),
            );
            continue;
        };
        let kinds: Vec<&str> = connection
            .connectors
            .iter()
            .map(|connector| connector.kind.0.as_str())
            .collect();
        if !kinds.contains(&kind.as_str()) {
            problems.push(
                Problem::error(
                    "unknown-reference",
                    whole.places.value(&format!("{path}.connector")),
                    format!("the connection `{id}` has no connector `{kind}`"),
                    known_as("connectors", &kinds),
                )
                .meant(nearest(kind, kinds.iter().copied())),
            );
        }
        if !seen.insert((level, &entry.connector)) {
            problems.push(Problem::error(
                "duplicate",
                whole.places.value(&path),
                format!("{} is listed twice here", entry.connector),
                "keep one of the two entries",
            ));
        }
    }
    problems
}

fn known_as(noun: &str, known: &[&str]) -> String {
    if known.is_empty() {
        format!("add it; there are no {noun} yet")
    } else {
        format!("add it, or name one of: {}", known.join(", "))
    }
}

fn stores_exist(whole: &Whole<'_>) -> Vec<Problem> {
    let organization = &whole.configuration.organization;
    let provisioned = organization
        .provisioned_stores
        .iter()
        .enumerate()
        .map(|(k, store)| (store, format!("organization.provisioned_stores[{k}]")));
    let jit = whole
        .configuration
        .connections
        .iter()
        .enumerate()
        .map(|(i, connection)| {
            (
                &connection.jit.user_store,
                format!("connections[{i}].jit.user_store"),
            )
        });
    let known: Vec<&str> = organization
        .user_stores
        .iter()
        .map(StoreDomain::as_str)
        .collect();
    provisioned
        .chain(jit)
        .filter(|(store, _)| !organization.user_stores.contains(store))
        .map(|(store, path)| {
            Problem::error(
                "unknown-reference",
                whole.places.value(&path),
                format!("there is no user store `{store}`"),
                known_as("user stores", &known),
            )
            .meant(nearest(store.as_str(), known.iter().copied()))
        })
        .collect()
}

fn mappings_make_sense(whole: &Whole<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, connection) in whole.configuration.connections.iter().enumerate() {
        let mut seen = BTreeSet::new();
        for (k, mapping) in connection.attributes.iter().enumerate() {
            let path = format!("connections[{i}].attributes[{k}]");
            let remote = whole.places.value(&format!("{path}.remote"));
            if mapping.local.is_none() && mapping.default.is_none() && mapping.value.is_none() {
                problems.push(Problem::error(
                    "missing",
                    whole.places.value(&path),
                    format!("the mapping of `{}` has no source", mapping.remote),
                    "add local = \"claim\", or value = \"constant\"",
                ));
            }
            if mapping.value.is_some() && (mapping.local.is_some() || mapping.default.is_some()) {
                problems.push(Problem::error(
                    "contradiction",
                    whole.places.key(&format!("{path}.value")),
                    "a constant is never overridden, so `local` and `default` have no effect beside it",
                    "keep `value`, or keep the others and write default = \"…\" for users without a value",
                ));
            }
            if let Some(kind) = &mapping.connector
                && !connection
                    .connectors
                    .iter()
                    .any(|connector| connector.kind == *kind)
            {
                let known: Vec<&str> = connection
                    .connectors
                    .iter()
                    .map(|connector| connector.kind.0.as_str())
                    .collect();
                problems.push(
                    Problem::error(
                        "unknown-reference",
                        whole.places.value(&format!("{path}.connector")),
                        format!("this connection has no connector `{kind}`"),
                        known_as("connectors", &known),
                    )
                    .meant(nearest(&kind.0, known.iter().copied())),
                );
            }
            if !mapping.remote.is_empty()
                && !seen.insert((mapping.remote.to_lowercase(), &mapping.connector))
            {
                problems.push(Problem::error(
                    "duplicate",
                    remote.clone(),
                    format!("`{}` is mapped twice", mapping.remote),
                    "keep one of the two",
                ));
            }
            for connector in connection.connectors.iter().filter(|connector| {
                mapping
                    .connector
                    .as_ref()
                    .is_none_or(|kind| *kind == connector.kind)
            }) {
                let reserved = whole
                    .catalogue
                    .of(&connector.kind)
                    .map_or(&[][..], |kind| kind.target.reserved);
                if reserved
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(&mapping.remote))
                {
                    problems.push(Problem::error(
                        "reserved-attribute",
                        remote.clone(),
                        format!("the {} connector sets `{}` itself", connector.kind, mapping.remote),
                        "remove the mapping, or limit it to another connector with connector = \"…\"",
                    ));
                }
            }
        }
    }
    problems
}

fn secrets_are_references(whole: &Whole<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (_, connector, kind, path) in whole.connectors() {
        let Some(why) = connector_is_away(&addresses(connector, kind)) else {
            continue;
        };
        for (name, setting) in &connector.settings {
            if matches!(setting, Setting::Secret(SecretRef::Inline(_))) {
                problems.push(inline_secret(whole, &format!("{path}.{name}"), &why));
            }
        }
    }
    for (i, connection) in whole.configuration.connections.iter().enumerate() {
        let Some(login) = &connection.login else {
            continue;
        };
        let endpoints = login
            .token_endpoint
            .iter()
            .chain(&login.authorization_endpoint);
        let endpoints: Vec<&str> = endpoints.map(String::as_str).collect();
        if matches!(login.client_secret, Some(SecretRef::Inline(_)))
            && let Some(why) = login_is_away(&endpoints)
        {
            let path = format!("connections[{i}].login.client_secret");
            problems.push(inline_secret(whole, &path, &why));
        }
    }
    problems
}

/// Says why the secrets of a connector may not be written in the file itself; `None` when they may. Its addresses are given
/// with what each of them is called.
pub fn connector_is_away(addresses: &[(&str, &str)]) -> Option<String> {
    let away = addresses.iter().find(|(_, one)| !is_loopback(one));
    away.map(|(name, _)| format!("`{name}` is not on this machine"))
}

/// Says why the secret of a login with these endpoints may not be written in the file itself; `None` when it may.
pub fn login_is_away(endpoints: &[&str]) -> Option<String> {
    let is_here = !endpoints.is_empty() && endpoints.iter().all(|one| is_loopback(one));
    (!is_here).then(|| "its endpoints are not all on this machine".to_owned())
}

fn inline_secret(whole: &Whole<'_>, path: &str, why: &str) -> Problem {
    let name = path.rsplit('.').next().unwrap_or(path);
    Problem::error(
        "inline-secret",
        whole.places.value(path),
        format!(
            "`{name}` is written in the file, which is accepted for a target on this machine only; {why}"
        ),
        format!(
            "write {name} = {{ env = \"NAME\" }}, {{ file = \"path\" }} or {{ command = [\"program\"] }}"
        ),
    )
}

fn deletes_are_possible(whole: &Whole<'_>) -> Vec<Problem> {
    whole
        .connectors()
        .filter(|(_, connector, kind, _)| {
            connector.deprovision == Deprovision::Delete && !kind.target.can_delete
        })
        .map(|(_, _, kind, path)| {
            Problem::error(
                "cannot-delete",
                whole.places.value(&format!("{path}.deprovision")),
                format!("{} cannot delete an account", kind.label),
                "write deprovision = \"deactivate\"",
            )
        })
        .collect()
}
