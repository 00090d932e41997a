//! Where things go and with which secrets.

use std::path::Path;

use domain::{SecretRef, Setting, is_loopback};

use super::Ground;
use crate::cross::addresses;
use crate::finding::Problem;
use crate::secrets::FileSecrets;

/// Returns every address that is not on this machine: of connectors and of logins.
fn foreign(ground: &Ground<'_>) -> Vec<(String, String)> {
    let connectors = ground.connectors().flat_map(|entry| {
        let found = addresses(entry.settings, entry.kind).into_iter();
        found
            .map(|(key, address)| (format!("{}.{key}", entry.path), address.to_owned()))
            .collect::<Vec<_>>()
    });
    let logins = ground
        .whole
        .configuration
        .connections
        .iter()
        .enumerate()
        .flat_map(|(i, connection)| {
            let login = connection.login.iter();
            login.flat_map(move |login| {
                let ends = [
                    ("token_endpoint", &login.token_endpoint),
                    ("authorization_endpoint", &login.authorization_endpoint),
                ];
                ends.into_iter().filter_map(move |(key, address)| {
                    Some((format!("connections[{i}].login.{key}"), address.clone()?))
                })
            })
        });
    connectors
        .chain(logins)
        .filter(|(_, address)| !is_loopback(address))
        .collect()
}

pub(super) fn plain_http(ground: &Ground<'_>) -> Vec<Problem> {
    foreign(ground)
        .into_iter()
        .filter(|(_, address)| address.to_ascii_lowercase().starts_with("http:"))
        .map(|(path, _)| {
            ground.warn_at(
                &path,
                "plain-http",
                "credentials and people's data would cross the network in clear",
                "use https://",
            )
        })
        .collect()
}

pub(super) fn real_target_not_allowed(ground: &Ground<'_>) -> Vec<Problem> {
    if ground.whole.configuration.engine.real_targets {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for entry in ground.connectors().filter(|entry| entry.settings.enabled) {
        if let Some((key, address)) = addresses(entry.settings, entry.kind)
            .into_iter()
            .find(|(_, address)| !is_loopback(address))
        {
            problems.push(ground.warn_at(
                &format!("{}.{key}", entry.path),
                "real-target-not-allowed",
                format!("{address} is not on this machine, and `real_targets` is off, so nothing will be sent there"),
                "write [engine] real_targets = true once it is meant, or use a mock's address",
            ));
        }
    }
    problems
}

pub(super) fn ca_file_unreadable(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in ground.connectors() {
        let Some(file) = &entry.settings.ca_file else {
            continue;
        };
        if let Err(error) = std::fs::File::open(ground.base.join(file)) {
            problems.push(Problem::error(
                "ca-file-unreadable",
                ground
                    .whole
                    .places
                    .value(&format!("{}.ca_file", entry.path)),
                format!("{} cannot be read: {error}", file.display()),
                "correct the path; it is relative to this file",
            ));
        }
    }
    problems
}

/// Returns every secret of a connector with its path and whether the connector speaks to this machine only.
fn secrets<'a>(ground: &Ground<'a>) -> Vec<(String, &'a SecretRef, bool)> {
    let mut found = Vec::new();
    for entry in ground.connectors() {
        let local = addresses(entry.settings, entry.kind)
            .iter()
            .all(|(_, address)| is_loopback(address));
        for (key, setting) in &entry.settings.settings {
            if let Setting::Secret(reference) = setting {
                found.push((format!("{}.{key}", entry.path), reference, local));
            }
        }
    }
    for (i, connection) in ground.whole.configuration.connections.iter().enumerate() {
        if let Some(reference) = connection
            .login
            .as_ref()
            .and_then(|login| login.client_secret.as_ref())
        {
            found.push((
                format!("connections[{i}].login.client_secret"),
                reference,
                false,
            ));
        }
    }
    found
}

pub(super) fn secret_file_open(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    // What opens a mock on this machine is no secret.
    for (path, reference, _) in secrets(ground).into_iter().filter(|(_, _, local)| !local) {
        let SecretRef::File(file) = reference else {
            continue;
        };
        if is_open(&ground.base.join(file)) {
            problems.push(ground.warn_at(
                &path,
                "secret-file-open",
                format!("everybody on this machine may read {}", file.display()),
                format!("chmod 600 {}", file.display()),
            ));
        }
    }
    problems
}

pub(super) fn secret_file_missing(ground: &Ground<'_>) -> Vec<Problem> {
    // Where every secret is tried, this one is among them.
    if ground.secrets.is_some() {
        return Vec::new();
    }
    let made_at_start = ground.whole.configuration.mock_keys(ground.whole.catalogue);
    let looks = FileSecrets::new(ground.base);
    let mut problems = Vec::new();
    for (path, reference, _) in secrets(ground) {
        let SecretRef::File(file) = reference else {
            continue;
        };
        if made_at_start.iter().any(|key| key.file == file) && !ground.base.join(file).exists() {
            continue;
        }
        if let Err(error) = looks.look(reference) {
            problems.push(ground.warn_at(
                &path,
                "secret-file-missing",
                error.to_string(),
                "put it there, or correct the path; it is relative to this file",
            ));
        }
    }
    problems
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false // access lists are not modes, and nothing else is known here
}

pub(super) fn secret_unresolved(ground: &Ground<'_>) -> Vec<Problem> {
    let Some(resolver) = ground.secrets else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for (path, reference, _) in secrets(ground) {
        if let Err(error) = resolver.resolve(reference) {
            problems.push(Problem::error(
                "secret-unresolved",
                ground.whole.places.value(&path),
                error.to_string(),
                "make it available, or correct the reference",
            ));
        }
    }
    problems
}
