//! What is allowed and probably not meant: one question, one function, one line in the list.
//!
//! A lint looks at the configuration only; what needs the directory's users (two of them under one remote name) is found
//! by the decision and added through [`Loaded::finding`].

use std::path::Path;

use domain::{Catalogue, Connection, ConnectorSettings, ConnectorType, Secrets, StoreDomain};

use crate::cross::Whole;
use crate::finding::{Finding, Problem};
use crate::load::Loaded;

mod levels;
mod naming;
mod safeguards;
mod wire;

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
        levels::disabled_and_listed,
    ),
    entry(
        "enabled-and-unlisted",
        "A connector is enabled, no provisioner names it and nobody logs in through its connection.",
        levels::enabled_and_unlisted,
    ),
    entry(
        "jit-half-configured",
        "Just-in-Time Provisioning is on at one of the two places that it takes, and off at the other.",
        levels::jit_half_configured,
    ),
    entry(
        "one-target-twice",
        "Two connectors, or two levels, provision the same people to one target.",
        levels::one_target_twice,
    ),
    entry(
        "blocking-without-on-failure",
        "A provisioner blocks, and nobody said what a failure does to the local change.",
        levels::blocking_without_on_failure,
    ),
    entry(
        "role-unqualified",
        "An outbound role has no audience; it is read as `Internal/…`.",
        naming::role_unqualified,
    ),
    entry(
        "mapping-missing",
        "The target requires an attribute that nothing provides.",
        naming::mapping_missing,
    ),
    entry(
        "pattern-invalid",
        "A provisioning pattern cannot be read.",
        naming::pattern_invalid,
    ),
    entry(
        "pattern-without-store",
        "Users of several stores, and a pattern that does not tell them apart.",
        naming::pattern_without_store,
    ),
    entry(
        "separator-is-a-regex",
        "WSO2 Identity Server reads the separator as a regular expression; here it is literal.",
        naming::separator_is_a_regex,
    ),
    entry(
        "store-domain-blank",
        "User Store Domain is set and blank; some versions of WSO2 Identity Server then send `/name`.",
        naming::store_domain_blank,
    ),
    entry(
        "password-without-trigger",
        "Password provisioning at a connection that provisions on role assignment, which carries no password.",
        naming::password_without_trigger,
    ),
    entry(
        "api-version-without-v",
        "The API version goes into the address as it is, and has no `v`.",
        naming::api_version_without_v,
    ),
    entry(
        "brake-off",
        "Nothing stops a mass delete: a brake is turned off, or can never engage.",
        safeguards::brake_off,
    ),
    entry(
        "quarantine-off",
        "A target that fails is poured upon: a quarantine is turned off.",
        safeguards::quarantine_off,
    ),
    entry(
        "probe-longer-than-its-end",
        "The pause before the first probe is longer than the longest pause.",
        safeguards::probe_longer_than_its_end,
    ),
    entry(
        "retention-off",
        "The journal grows without end: nothing that is old is removed.",
        safeguards::retention_off,
    ),
    entry(
        "retention-without-effect",
        "A time of the retention is shorter than what is always kept, or bodies would outlive their flows.",
        safeguards::retention_without_effect,
    ),
    entry(
        "plain-http",
        "Credentials would cross the network in clear.",
        wire::plain_http,
    ),
    entry(
        "real-target-not-allowed",
        "A target outside this machine, while `real_targets` is off.",
        wire::real_target_not_allowed,
    ),
    entry(
        "ca-file-unreadable",
        "The file with additional authorities cannot be read.",
        wire::ca_file_unreadable,
    ),
    entry(
        "secret-file-open",
        "Everybody on this machine may read the file with a secret.",
        wire::secret_file_open,
    ),
    entry(
        "secret-file-missing",
        "The file with a secret cannot be read. The key of a built-in mock may be missing: it is written when the mocks start.",
        wire::secret_file_missing,
    ),
    entry(
        "secret-unresolved",
        "A secret cannot be had. Asked for only on demand.",
        wire::secret_unresolved,
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

    /// Returns the user stores whose users are provisioned.
    fn provisioned_stores(&self) -> &'a [StoreDomain] {
        let organization = &self.whole.configuration.organization;
        if organization.provisioned_stores.is_empty() {
            &organization.user_stores
        } else {
            &organization.provisioned_stores
        }
    }

    fn is_listed(&self, entry: &Entry<'_>) -> bool {
        self.whole.provisioners().any(|(_, provisioner, _)| {
            provisioner.connector.connection == entry.connection.id
                && provisioner.connector.kind == entry.settings.kind
        })
    }
}
