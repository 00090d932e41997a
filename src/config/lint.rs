//! What is allowed and probably not meant: one question, one function, one line in the list.
//!
//! A lint looks at the configuration only; what needs the directory's users (two of them under one remote name) is found
//! by the decision and added through [`Loaded::finding`].

use std::collections::BTreeMap;
use std::path::Path;

use domain::{
    Catalogue, Connection, ConnectorSettings, ConnectorType, FieldKind, NameRule, PasswordRule,
    SecretRef, Secrets, Setting, is_loopback,
};

use crate::cross::{Whole, addresses};
use crate::finding::{Finding, Problem};
use crate::load::Loaded;
use crate::words::{pattern_tokens, pattern_trouble};

/// One question that is asked of a configuration.
pub struct Lint {
    /// The code of its findings.
    pub code: &'static str,
    /// What it finds, in a sentence.
    pub says: &'static str,
    run: fn(&Ground<'_>) -> Vec<Problem>,
}

/// What a lint may look at beside the configuration.
#[derive(Clone, Copy, Default)]
pub struct LintOptions<'a> {
    /// Resolves every secret to see whether that works; this may read files and run programs.
    pub secrets: Option<&'a dyn Secrets>,
}

struct Ground<'a> {
    whole: Whole<'a>,
    text: &'a str,
    base: &'a Path,
    secrets: Option<&'a dyn Secrets>,
}

/// Returns what looks wrong, in file order.
pub fn lint(loaded: &Loaded, catalogue: &Catalogue, options: LintOptions<'_>) -> Vec<Finding> {
    let ground = Ground {
        whole: Whole {
            configuration: &loaded.configuration,
            places: &loaded.places,
            catalogue,
        },
        text: &loaded.text,
        base: &loaded.base,
        secrets: options.secrets,
    };
    let mut problems: Vec<Problem> = LINTS.iter().flat_map(|lint| (lint.run)(&ground)).collect();
    problems.sort_by_key(|problem| (problem.span.start, problem.severity));
    problems
        .into_iter()
        .map(|problem| loaded.source.finding(problem))
        .collect()
}

const fn entry(
    code: &'static str,
    says: &'static str,
    run: fn(&Ground<'_>) -> Vec<Problem>,
) -> Lint {
    Lint { code, says, run }
}

/// Every lint.
pub static LINTS: &[Lint] = &[
    entry(
        "disabled-and-listed",
        "A provisioner names a connector that is disabled, or whose connection is.",
        disabled_and_listed,
    ),
    entry(
        "enabled-and-unlisted",
        "A connector is enabled, no provisioner names it and nobody logs in through its connection.",
        enabled_and_unlisted,
    ),
    entry(
        "jit-half-configured",
        "Just-in-Time Provisioning is on at one of the two places that it takes, and off at the other.",
        jit_half_configured,
    ),
    entry(
        "one-target-twice",
        "Two connectors, or two levels, provision the same people to one target.",
        one_target_twice,
    ),
    entry(
        "blocking-without-on-failure",
        "A provisioner blocks, and nobody said what a failure does to the local change.",
        blocking_without_on_failure,
    ),
    entry(
        "role-unqualified",
        "An outbound role has no audience; it is read as `Internal/…`.",
        role_unqualified,
    ),
    entry(
        "mapping-missing",
        "The target requires an attribute that nothing provides.",
        mapping_missing,
    ),
    entry(
        "pattern-invalid",
        "A provisioning pattern cannot be read.",
        pattern_invalid,
    ),
    entry(
        "pattern-without-store",
        "Users of several stores, and a pattern that does not tell them apart.",
        pattern_without_store,
    ),
    entry(
        "separator-is-a-regex",
        "WSO2 Identity Server reads the separator as a regular expression; here it is literal.",
        separator_is_a_regex,
    ),
    entry(
        "store-domain-blank",
        "User Store Domain is set and blank; some versions of WSO2 Identity Server then send `/name`.",
        store_domain_blank,
    ),
    entry(
        "password-without-trigger",
        "Password provisioning at a connection that provisions on role assignment, which carries no password.",
        password_without_trigger,
    ),
    entry(
        "api-version-without-v",
        "The API version goes into the address as it is, and has no `v`.",
        api_version_without_v,
    ),
    entry(
        "plain-http",
        "Credentials would cross the network in clear.",
        plain_http,
    ),
    entry(
        "real-target-not-allowed",
        "A target outside this machine, while `real_targets` is off.",
        real_target_not_allowed,
    ),
    entry(
        "ca-file-unreadable",
        "The file with additional authorities cannot be read.",
        ca_file_unreadable,
    ),
    entry(
        "secret-file-open",
        "Everybody on this machine may read the file with a secret.",
        secret_file_open,
    ),
    entry(
        "secret-unresolved",
        "A secret cannot be had. Asked for only on demand.",
        secret_unresolved,
    ),
];

/// A connector with its type, connection and path.
struct Entry<'a> {
    connection: &'a Connection,
    settings: &'a ConnectorSettings,
    kind: &'static ConnectorType,
    path: String,
}

impl<'a> Ground<'a> {
    fn connectors(&self) -> impl Iterator<Item = Entry<'a>> + '_ {
        let connections = &self.whole.configuration.connections;
        self.whole
            .connectors()
            .map(move |(i, settings, kind, path)| Entry {
                connection: &connections[i],
                settings,
                kind,
                path,
            })
    }

    fn warn_at(
        &self,
        path: &str,
        code: &'static str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Problem {
        Problem::warning(code, self.whole.places.value(path), message, fix)
    }

    fn is_listed(&self, entry: &Entry<'_>) -> bool {
        self.whole.provisioners().any(|(_, provisioner, _)| {
            provisioner.connector.connection == entry.connection.id
                && provisioner.connector.kind == entry.settings.kind
        })
    }
}

fn disabled_and_listed(ground: &Ground<'_>) -> Vec<Problem> {
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

fn enabled_and_unlisted(ground: &Ground<'_>) -> Vec<Problem> {
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

fn jit_half_configured(ground: &Ground<'_>) -> Vec<Problem> {
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

fn one_target_twice(ground: &Ground<'_>) -> Vec<Problem> {
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
        let logs_in =
            |application: &domain::Application| application.login.contains(&connection.id);
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

fn blocking_without_on_failure(ground: &Ground<'_>) -> Vec<Problem> {
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

fn role_unqualified(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, connection) in ground.whole.configuration.connections.iter().enumerate() {
        for (k, role) in connection.outbound_roles.iter().enumerate() {
            let path = format!("connections[{i}].outbound_roles[{k}]");
            let written = &ground.text[ground.whole.places.value(&path)];
            if !written.contains('/') {
                problems.push(ground.warn_at(
                    &path,
                    "role-unqualified",
                    format!(
                        "this role has no audience and is read as `{}`",
                        role.as_str()
                    ),
                    format!(
                        "write \"{}\", or \"Application/…\" for an application's role",
                        role.as_str()
                    ),
                ));
            }
        }
    }
    problems
}

fn mapping_missing(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in ground.connectors() {
        let target = &entry.kind.target;
        let provided = |remote: &str| {
            let mapped = entry.connection.attributes.iter().any(|mapping| {
                mapping.remote.eq_ignore_ascii_case(remote)
                    && mapping
                        .connector
                        .as_ref()
                        .is_none_or(|kind| *kind == entry.settings.kind)
            });
            mapped
                || remote == target.name_attribute
                || target
                    .default_mappings
                    .iter()
                    .any(|mapping| mapping.remote == remote)
        };
        let missing: Vec<&str> = target
            .required
            .iter()
            .copied()
            .filter(|remote| !provided(remote))
            .collect();
        if !missing.is_empty() {
            problems.push(ground.warn_at(
                &format!("{}.type", entry.path),
                "mapping-missing",
                format!(
                    "{} creates nobody without {}",
                    entry.kind.label,
                    missing.join(", ")
                ),
                format!(
                    "add [[connections.attributes]] remote = \"{}\" with local, default or value",
                    missing[0]
                ),
            ));
        }
    }
    problems
}

fn pattern_invalid(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in ground.connectors() {
        for field in entry
            .kind
            .fields
            .iter()
            .filter(|field| field.kind == FieldKind::Pattern)
        {
            let trouble = entry.settings.text(field.key).and_then(pattern_trouble);
            problems.extend(trouble.map(|trouble| {
                Problem::error(
                    "pattern-invalid",
                    ground.whole.places.value(&format!("{}.{}", entry.path, field.key)),
                    trouble,
                    "write tokens (UN user name, UD user store domain, TD tenant domain, IDP connection name) separated by commas in one pair of braces, as in \"{UD,UN}\"",
                )
            }));
        }
    }
    problems
}

fn pattern_without_store(ground: &Ground<'_>) -> Vec<Problem> {
    let organization = &ground.whole.configuration.organization;
    let stores = if organization.provisioned_stores.is_empty() {
        &organization.user_stores
    } else {
        &organization.provisioned_stores
    };
    let mut problems = Vec::new();
    for entry in ground.connectors().filter(|_| stores.len() > 1) {
        let NameRule::Pattern { pattern, .. } = entry.kind.target.name else {
            continue;
        };
        let text = entry.settings.text(pattern).unwrap_or("{UN}");
        if pattern_trouble(text).is_none() && !pattern_tokens(text).any(|token| token == "UD") {
            problems.push(ground.warn_at(
                &format!("{}.{pattern}", entry.path),
                "pattern-without-store",
                format!(
                    "`{text}` gives users of the same name in {} stores one remote name",
                    stores.len()
                ),
                "add UD to the pattern, as in \"{UD,UN}\", or limit provisioned_stores to one",
            ));
        }
    }
    problems
}

fn separator_is_a_regex(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in ground.connectors() {
        let NameRule::Pattern { separator, .. } = entry.kind.target.name else {
            continue;
        };
        let text = entry.settings.text(separator).unwrap_or_default();
        if text.contains(|c| ".+*?()[]{}|^$\\".contains(c)) {
            problems.push(ground.warn_at(
                &format!("{}.{separator}", entry.path),
                "separator-is-a-regex",
                format!("WSO2 Identity Server reads `{text}` as a regular expression and makes other names of the same pattern"),
                "use - or _ where both must agree",
            ));
        }
    }
    problems
}

fn store_domain_blank(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in ground.connectors() {
        let NameRule::UserName { store_domain } = entry.kind.target.name else {
            continue;
        };
        let path = format!("{}.{store_domain}", entry.path);
        if ground.whole.places.has(&path) && entry.settings.text(store_domain).is_none() {
            problems.push(ground.warn_at(
                &path,
                "store-domain-blank",
                "a blank User Store Domain counts as none here, and some versions of WSO2 Identity Server make `/name` of it",
                "remove the line, or name a store",
            ));
        }
    }
    problems
}

fn password_without_trigger(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in ground.connectors() {
        let PasswordRule::Provisioned { enabled, default } = entry.kind.target.password else {
            continue;
        };
        let sends =
            entry.settings.flag(enabled) == Some(true) && entry.settings.secret(default).is_none();
        if sends && !entry.connection.outbound_roles.is_empty() {
            problems.push(ground.warn_at(
                &format!("{}.{enabled}", entry.path),
                "password-without-trigger",
                "being given a role provisions here and carries no password, so those accounts get a random one",
                format!("write {enabled} = false, set {default}, or accept the random password"),
            ));
        }
    }
    problems
}

fn api_version_without_v(ground: &Ground<'_>) -> Vec<Problem> {
    const KEY: &str = "api_version";
    let mut problems = Vec::new();
    for entry in ground.connectors() {
        let Some(version) = entry.settings.text(KEY) else {
            continue;
        };
        if !version.starts_with('v') {
            problems.push(
                ground
                    .warn_at(&format!("{}.{KEY}", entry.path), "api-version-without-v", format!("`{version}` goes into the address as it is, and the target knows versions with a `v` only"), "put a `v` in front")
                    .meant(Some(format!("v{}", version.trim_start_matches('V')))),
            );
        }
    }
    problems
}

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

fn plain_http(ground: &Ground<'_>) -> Vec<Problem> {
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

fn real_target_not_allowed(ground: &Ground<'_>) -> Vec<Problem> {
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

fn ca_file_unreadable(ground: &Ground<'_>) -> Vec<Problem> {
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

fn secret_file_open(ground: &Ground<'_>) -> Vec<Problem> {
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

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false // access lists are not modes, and nothing else is known here
}

fn secret_unresolved(ground: &Ground<'_>) -> Vec<Problem> {
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
