//! What an account gets: its roles, attributes, name and password.

use domain::{FieldKind, NameRule, PasswordRule};

use super::{Ground, value};
use crate::finding::Problem;
use crate::words::{pattern_tokens, pattern_trouble};

pub(super) fn role_unqualified(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, connection) in ground.whole.configuration.connections.iter().enumerate() {
        for (k, role) in connection.outbound_roles.iter().enumerate() {
            let path = format!("connections[{i}].outbound_roles[{k}]");
            let written = &ground.text[ground.whole.places.value(&path)];
            if !written.contains('/') {
                let doubt = value::unqualified(role);
                problems.push(ground.warn_at(&path, "role-unqualified", doubt.message, doubt.fix));
            }
        }
    }
    problems
}

pub(super) fn mapping_missing(ground: &Ground<'_>) -> Vec<Problem> {
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

pub(super) fn pattern_invalid(ground: &Ground<'_>) -> Vec<Problem> {
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

pub(super) fn pattern_without_store(ground: &Ground<'_>) -> Vec<Problem> {
    let stores = ground.provisioned_stores();
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

pub(super) fn separator_is_a_regex(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in ground.connectors() {
        let NameRule::Pattern { separator, .. } = entry.kind.target.name else {
            continue;
        };
        let text = entry.settings.text(separator).unwrap_or_default();
        if let Some(doubt) = value::separator(text) {
            let path = format!("{}.{separator}", entry.path);
            problems.push(ground.warn_at(&path, "separator-is-a-regex", doubt.message, doubt.fix));
        }
    }
    problems
}

pub(super) fn store_domain_blank(ground: &Ground<'_>) -> Vec<Problem> {
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

pub(super) fn password_without_trigger(ground: &Ground<'_>) -> Vec<Problem> {
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

pub(super) fn api_version_without_v(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in ground.connectors() {
        let version = entry.settings.text(value::API_VERSION);
        let Some(doubt) = version.and_then(value::api_version) else {
            continue;
        };
        let path = format!("{}.{}", entry.path, value::API_VERSION);
        let problem = ground.warn_at(&path, "api-version-without-v", doubt.message, doubt.fix);
        problems.push(problem.meant(doubt.meant));
    }
    problems
}
