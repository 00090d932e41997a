//! Who is proposed where: provisioners, levels, Just-in-Time, blocking.

use std::collections::BTreeSet;

use domain::{Application, NameRule, Provisioner};

use super::{Entry, Ground};
use crate::finding::Problem;

pub(super) fn disabled_and_listed(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (_, provisioner, path) in ground.whole.provisioners() {
        let Some((connection, connector)) =
            ground.whole.configuration.connector(&provisioner.connector)
        else {
            continue;
        };
        let (key, what, line) = if connection.enabled {
            ("connector", "connector", connector.line)
        } else {
            ("connection", "connection", connection.line)
        };
        if connection.enabled && connector.enabled {
            continue;
        }
        let line = line.map_or(String::new(), |line| format!(" in line {line}"));
        problems.push(ground.warn_at(
            &format!("{path}.{key}"),
            "disabled-and-listed",
            format!(
                "the {what} of {} is disabled, so this provisions nothing",
                provisioner.connector
            ),
            format!("write enabled = true at the {what}{line}, or remove the provisioner"),
        ));
    }
    problems
}

pub(super) fn enabled_and_unlisted(ground: &Ground<'_>) -> Vec<Problem> {
    ground
        .connectors()
        .filter(|entry| {
            // At a disabled connection nothing is sent, whatever its connectors say.
            let is_on = entry.connection.enabled && entry.settings.enabled;
            is_on && entry.connection.login.is_none() && !ground.is_listed(entry)
        })
        .map(|entry| {
            ground.warn_at(
                &format!("{}.enabled", entry.path),
                "enabled-and-unlisted",
                format!(
                    "no provisioner names {}/{}, and nobody logs in through the connection",
                    entry.connection.id, entry.settings.kind
                ),
                "list it under [[resident.provisioners]] or an application, or disable it",
            )
        })
        .collect()
}

pub(super) fn jit_half_configured(ground: &Ground<'_>) -> Vec<Problem> {
    let configuration = ground.whole.configuration;
    let is_on = |id| {
        configuration
            .connection(id)
            .is_some_and(|connection| connection.jit.enabled)
    };
    let mut problems = Vec::new();
    for (level, provisioner, path) in ground.whole.provisioners() {
        let path = format!("{path}.jit");
        let fed = match level {
            Some(i) => configuration.applications[i].login.iter().any(is_on),
            None => configuration
                .connections
                .iter()
                .any(|connection| connection.jit.enabled),
        };
        // The organization level's own default says nothing about what was meant.
        if provisioner.jit && !fed && ground.whole.places.has(&path) {
            problems.push(ground.warn_at(
                &path,
                "jit-half-configured",
                "JIT Outbound is on, and no connection that people log in through has Just-in-Time Provisioning on",
                "write [connections.jit] enabled = true at the login's connection, or jit = false here",
            ));
        }
    }
    for (i, connection) in configuration
        .connections
        .iter()
        .enumerate()
        .filter(|(_, connection)| connection.jit.enabled)
    {
        let speaks_itself = connection.enabled
            && connection
                .connectors
                .iter()
                .any(|connector| connector.enabled);
        let spoken_for = configuration
            .applications
            .iter()
            .filter(|application| application.login.contains(&connection.id))
            .any(|application| {
                let falls_back = application.provisioners.is_empty()
                    && configuration.engine.application_fallback;
                let entries = if falls_back {
                    &configuration.resident
                } else {
                    &application.provisioners
                };
                entries.iter().any(|provisioner| provisioner.jit)
            });
        if !speaks_itself && !spoken_for {
            problems.push(ground.warn_at(
                &format!("connections[{i}].jit.enabled"),
                "jit-half-configured",
                "users are created here at their first login, and no provisioner with JIT Outbound and no connector of this connection sends them on",
                "write jit = true at a provisioner of an application that logs in through this connection, or enable a connector here",
            ));
        }
    }
    problems
}

pub(super) fn one_target_twice(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let enabled: Vec<Entry<'_>> = ground
        .connectors()
        .filter(|entry| entry.settings.enabled && entry.connection.enabled)
        .collect();
    for (at, entry) in enabled.iter().enumerate() {
        let other = enabled[..at].iter().find(|other| {
            is_one_target(ground, entry, other) && have_people_in_common(ground, entry, other)
        });
        let Some(other) = other else { continue };
        let name = |entry: &Entry<'_>| format!("{}/{}", entry.connection.id, entry.settings.kind);
        problems.push(ground.warn_at(
            &entry.path,
            "one-target-twice",
            format!(
                "{} and {} write to the same target, so a user of both has one account there: the second takes it over where the target tells that it is ours, and is refused as by a stranger's account where it does not; each writes over the other's values{}",
                name(entry),
                name(other),
                who_keeps(entry, other)
            ),
            "keep one of the two, or give one its own address, domain or user store domain",
        ));
    }
    for (level, provisioner, path) in ground.whole.provisioners() {
        let Some((connection, connector)) =
            ground.whole.configuration.connector(&provisioner.connector)
        else {
            continue;
        };
        let logs_in = |application: &Application| application.login.contains(&connection.id);
        let applications = &ground.whole.configuration.applications;
        let shared = match level {
            Some(i) => logs_in(&applications[i]),
            None => applications.iter().any(|application| {
                logs_in(application)
                    && application.provisioners.is_empty()
                    && ground.whole.configuration.engine.application_fallback
            }),
        };
        if shared && provisioner.jit && connection.jit.enabled && connector.enabled {
            problems.push(ground.warn_at(
                &path,
                "one-target-twice",
                format!("a first login reaches {} twice: through this provisioner, and because the login's own connection has it", provisioner.connector),
                "one operation is made of the two, which blocks if either does; to keep one, write jit = false here or disable the connector",
            ));
        }
    }
    problems
}

/// Says what losing a role comes to where one of the two connectors is for the holders of roles only.
fn who_keeps(one: &Entry<'_>, other: &Entry<'_>) -> &'static str {
    let is_filtered = |entry: &Entry<'_>| !entry.connection.outbound_roles.is_empty();
    if is_filtered(one) || is_filtered(other) {
        "; whoever loses the roles of one keeps the account as long as the other holds it"
    } else {
        ""
    }
}

/// Tells whether two connectors may give one account there the same name.
///
/// The address of the accounts alone decides: one of the two may have no groups, or ask elsewhere for its tokens.
fn is_one_target(ground: &Ground<'_>, one: &Entry<'_>, other: &Entry<'_>) -> bool {
    if one.kind.kind != other.kind.kind
        || one.kind.account_address(one.settings) != other.kind.account_address(other.settings)
    {
        return false;
    }
    match one.kind.target.name {
        NameRule::Pattern { domain, .. } => {
            one.settings.text(domain) == other.settings.text(domain)
        }
        NameRule::UserName { store_domain } => {
            let stores = |entry: &Entry<'_>| stores_there(ground, entry, store_domain);
            !stores(one).is_disjoint(&stores(other))
        }
    }
}

/// Returns the user stores at the target that a connector writes into, in upper case: the one that it puts in front of
/// every name, or else those that the names bring along. Accounts of different stores are different accounts.
fn stores_there(ground: &Ground<'_>, entry: &Entry<'_>, store_domain: &str) -> BTreeSet<String> {
    match entry.settings.text(store_domain) {
        Some(store) => BTreeSet::from([store.trim().to_uppercase()]),
        None => ground
            .provisioned_stores()
            .iter()
            .map(|store| store.as_str().to_uppercase())
            .collect(),
    }
}

/// Tells whether somebody may come to both connectors: one level lists both, or people whom a level sends to the one log
/// in through the connection of the other.
///
/// An application with provisioners of its own speaks instead of the organization, so whom the one sends the other does
/// not.
fn have_people_in_common(ground: &Ground<'_>, one: &Entry<'_>, other: &Entry<'_>) -> bool {
    let configuration = ground.whole.configuration;
    let lists = |entries: &[Provisioner], entry: &Entry<'_>| {
        entries.iter().any(|provisioner| {
            provisioner.connector.connection == entry.connection.id
                && provisioner.connector.kind == entry.settings.kind
        })
    };
    let lists_both = |entries: &[Provisioner]| lists(entries, one) && lists(entries, other);
    let mut applications = configuration.applications.iter();
    if lists_both(&configuration.resident)
        || applications.any(|application| lists_both(&application.provisioners))
    {
        return true;
    }
    let logs_in = |entry: &Entry<'_>, application: &Application| {
        application.login.contains(&entry.connection.id)
    };
    let is_login = |entry: &Entry<'_>| {
        let mut applications = configuration.applications.iter();
        entry.connection.login.is_some()
            || applications.any(|application| logs_in(entry, application))
    };
    // Whom the organization has sent may log in anywhere; whom an application has sent logs in there.
    let meets = |login: &Entry<'_>, listed: &Entry<'_>| {
        let mut applications = configuration.applications.iter();
        is_login(login)
            && (lists(&configuration.resident, listed)
                || applications.any(|application| {
                    logs_in(login, application) && lists(&application.provisioners, listed)
                }))
    };
    meets(one, other) || meets(other, one) || (is_login(one) && is_login(other))
}

pub(super) fn blocking_without_on_failure(ground: &Ground<'_>) -> Vec<Problem> {
    let said = |path: &str| ground.whole.places.has(path);
    ground
        .whole
        .provisioners()
        .filter(|(_, provisioner, path)| provisioner.blocking && !said(&format!("{path}.on_failure")) && !said("engine.on_failure"))
        .map(|(_, provisioner, path)| {
            ground.warn_at(
                &format!("{path}.blocking"),
                "blocking-without-on-failure",
                format!("while {} fails, the local change is not made either; nobody said that this is meant", provisioner.connector),
                "write on_failure = \"reject\" to say so, or \"accept\" to let the change stand and go on trying",
            )
        })
        .collect()
}
