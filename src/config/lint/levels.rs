//! Who is proposed where: provisioners, levels, Just-in-Time, blocking.

use std::collections::BTreeMap;

use domain::{Application, NameRule};

use super::Ground;
use crate::cross::addresses;
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
            entry.settings.enabled && entry.connection.login.is_none() && !ground.is_listed(entry)
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
    let mut seen: BTreeMap<_, String> = BTreeMap::new();
    for entry in ground
        .connectors()
        .filter(|entry| entry.settings.enabled && entry.connection.enabled)
    {
        let within = match entry.kind.target.name {
            NameRule::Pattern { domain, .. } => domain,
            NameRule::UserName { store_domain } => store_domain,
        };
        let target = (
            entry.kind.kind,
            addresses(entry.settings, entry.kind),
            entry.settings.text(within),
        );
        let name = format!("{}/{}", entry.connection.id, entry.settings.kind);
        if let Some(other) = seen.get(&target) {
            problems.push(ground.warn_at(
                &entry.path,
                "one-target-twice",
                format!("{name} and {other} write to the same target, so a user of both meets their own account as a stranger's"),
                "keep one of the two, or give one its own address, domain or user store domain",
            ));
        } else {
            seen.insert(target, name);
        }
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
