//! `outbound check`: every mistake and every doubt of `workbench.toml`.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use config::{FileSecrets, Finding, LintOptions, LoadError, Loaded, Severity};
use connectors::CATALOGUE;
use decide::{Decider, Policies};
use domain::ConnectorRef;
use engine::{Counts, Reader, State};

use super::out::Out;
use super::trouble::Trouble;
use super::{Global, links, out, session};
use crate::exit::Exit;
use crate::workbench;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Resolves every secret: reads variables and files, runs commands
    #[arg(long)]
    secrets: bool,
    /// Speaks to every enabled connector's target; nothing is changed there
    #[arg(long)]
    targets: bool,
    /// Doubts fail the command, too
    #[arg(long)]
    strict: bool,
}

pub(super) async fn check(global: &Global, out: Out, args: CheckArgs) -> Result<Exit, Trouble> {
    let loaded = match config::load(&global.config, &CATALOGUE) {
        Ok(loaded) => loaded,
        Err(LoadError::Invalid(findings)) => return Ok(tell(out, &findings, args.strict)),
        Err(LoadError::Unreadable { source, .. }) => {
            return Err(Trouble::new(
                Exit::Input,
                format!("read {}", global.config.display()),
                source,
            )
            .advise("name the file with --config, or run the command in its folder"));
        }
    };
    let base = session::base(global);
    let secrets = FileSecrets::new(&base);
    let mut findings = loaded.warnings.clone();
    findings.extend(config::lint(
        &loaded,
        &CATALOGUE,
        LintOptions {
            secrets: args.secrets.then_some(&secrets as &dyn domain::Secrets),
        },
    ));
    findings.extend(mock_settings(&loaded, &base));
    findings.extend(rules_and_names(global, &loaded)?);
    let mut exit = tell(out, &findings, args.strict);
    if args.targets {
        for connector in enabled(&loaded) {
            if let Err(trouble) = links::check(global, out, &connector, false).await {
                out::note(&trouble.to_string());
                out.value(&trouble.to_json());
                if exit == Exit::Done {
                    exit = trouble.exit;
                }
            }
        }
    }
    Ok(exit)
}

fn enabled(loaded: &Loaded) -> Vec<ConnectorRef> {
    let connections = loaded
        .configuration
        .connections
        .iter()
        .filter(|connection| connection.enabled);
    connections
        .flat_map(|connection| {
            connection
                .connectors
                .iter()
                .filter(|connector| connector.enabled)
                .map(|connector| ConnectorRef {
                    connection: connection.id.clone(),
                    kind: connector.kind.clone(),
                })
        })
        .collect()
}

/// What only the mocks know: their personalities and faults.
fn mock_settings(loaded: &Loaded, base: &std::path::Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, settings) in &loaded.configuration.mocks {
        if let Some(personality) = &settings.personality {
            let file = base.join(personality);
            let named = if file.is_file() {
                file.display().to_string()
            } else {
                personality.clone()
            };
            if let Err(error) = mocks::standalone::personality(&named) {
                let path = format!("mocks.{name}.personality");
                let fix = "name a built-in personality, or a file of fixtures/personalities' kind";
                let told = error.to_string();
                findings.push(loaded.finding(
                    Severity::Error,
                    "personality-unknown",
                    &path,
                    &told,
                    fix,
                ));
            }
        }
        for fault in &settings.faults {
            let spec = fault.parse::<mocks::fault::FaultSpec>();
            let checked = spec.and_then(|spec| match name.parse() {
                Ok(target) => spec.check_at(&[target]),
                Err(_) => spec.check(), // a mock of no known name is another finding
            });
            if let Err(error) = checked {
                let path = format!("mocks.{name}.faults");
                let fix = "see `outbound mock faults` for what can be armed";
                let told = error.to_string();
                findings.push(loaded.finding(Severity::Error, "fault-invalid", &path, &told, fix));
            }
        }
    }
    findings
}

/// What only the decision knows: policies that do not compile, and users who would get the same remote name.
fn rules_and_names(global: &Global, loaded: &Loaded) -> Result<Vec<Finding>, Trouble> {
    let policies = match Policies::compile(&loaded.configuration.rules) {
        Ok(policies) => policies,
        Err(errors) => {
            let finding = |error: &decide::PolicyError| {
                let help = error.help.as_deref().unwrap_or("correct the policy");
                let message = format!("{} line {}: {}", error.from, error.line, error.cause);
                loaded.finding(Severity::Error, "rule-invalid", "rules", &message, help)
            };
            return Ok(errors.iter().map(finding).collect());
        }
    };
    let journal = workbench::journal_file(
        &loaded.configuration,
        &session::base(global),
        global.journal.as_deref(),
    );
    if !journal.exists() {
        return Ok(Vec::new());
    }
    let failed = |error| session::journal_trouble(&error);
    let reader = Reader::open(&journal).map_err(failed)?;
    let mut users = Vec::new();
    loop {
        const PAGE: usize = 1000;
        let part = reader
            .users(users.last().map(|user: &domain::User| &user.name), PAGE)
            .map_err(failed)?;
        let ended = part.len() < PAGE;
        users.extend(part);
        if ended {
            break;
        }
    }
    let decider = Decider {
        configuration: &loaded.configuration,
        catalogue: &CATALOGUE,
        policies: &policies,
    };
    let listed = |connector: &ConnectorRef| {
        let configuration = &loaded.configuration;
        let applications = configuration
            .applications
            .iter()
            .flat_map(|application| &application.provisioners);
        configuration
            .resident
            .iter()
            .chain(applications)
            .any(|provisioner| provisioner.connector == *connector)
    };
    let place = |connector: &ConnectorRef| {
        let connections = &loaded.configuration.connections;
        let at = connections
            .iter()
            .position(|connection| connection.id == connector.connection);
        at.map_or_else(String::new, |at| format!("connections[{at}].id"))
    };
    let mut findings: Vec<Finding> = decide::collisions(&decider, users.iter())
        .into_iter()
        // Whoever logs in through a connection is looked at then; everybody else is never sent there.
        .filter(|collision| listed(&collision.connector))
        .map(|collision| {
            let names: Vec<String> = collision
                .users
                .iter()
                .map(|(_, name)| name.to_string())
                .collect();
            let message = format!(
                "{} would all be `{}` at {}",
                names.join(", "),
                collision.remote_name,
                collision.connector
            );
            let fix =
                "make the remote names differ (a pattern with UD or TD), or rename one of them";
            loaded.finding(
                Severity::Warning,
                "name-collision",
                &place(&collision.connector),
                &message,
                fix,
            )
        })
        .collect();
    let (counts, links) = (
        reader.counts().map_err(failed)?,
        reader.link_counts().map_err(failed)?,
    );
    findings.extend(unconfigured(loaded, &counts, &links));
    Ok(findings)
}

/// Work and accounts of connectors that are no longer configured: nothing is sent for them any more.
///
/// What has settled says nothing that somebody should do something about.
fn unconfigured(
    loaded: &Loaded,
    counts: &Counts,
    links: &BTreeMap<ConnectorRef, u64>,
) -> Vec<Finding> {
    let known: BTreeSet<&ConnectorRef> = counts.keys().chain(links.keys()).collect();
    let gone = known
        .into_iter()
        .filter(|connector| loaded.configuration.connector(connector).is_none());
    gone.filter_map(|connector| {
        let states = counts.get(connector).into_iter().flatten();
        let (mut owed, mut dead) = (0, 0);
        for (state, count) in states {
            match state {
                State::Dead => dead += count,
                state if state.is_open() => owed += count,
                _ => {}
            }
        }
        let left = Left {
            connector,
            links: links.get(connector).copied().unwrap_or(0),
            owed,
            dead,
        };
        let message = left.told()?;
        Some(loaded.finding(
            Severity::Warning,
            "journal-knows-more",
            "connections",
            &message,
            &left.way_out(),
        ))
    })
    .collect()
}

/// What the journal holds of a connector that is not configured any more.
struct Left<'a> {
    connector: &'a ConnectorRef,
    links: u64,
    owed: u64,
    dead: u64,
}

impl Left<'_> {
    /// Says what there is; `None` when there is nothing to be settled.
    fn told(&self) -> Option<String> {
        let parts: Vec<String> = [
            (self.links, "linked account", "linked accounts"),
            (
                self.owed,
                "operation that is owed",
                "operations that are owed",
            ),
            (self.dead, "dead letter", "dead letters"),
        ]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
        (!parts.is_empty()).then(|| {
            format!(
                "the journal knows {}, which is not configured any more: {}",
                self.connector,
                parts.join(", ")
            )
        })
    }

    /// Says how the connector comes back, and how what is left of it is settled when it does not.
    fn way_out(&self) -> String {
        let connector = self.connector;
        let mut steps = Vec::new();
        if self.owed > 0 {
            steps.push(format!(
                "`outbound drain` makes dead letters of what is owed (what is held: `outbound journal operations --connector {connector} --state held`, and `outbound journal discard` each)"
            ));
        }
        if self.owed + self.dead > 0 {
            steps.push(format!(
                "`outbound journal dead discard --connector {connector} --why gone` gives them up"
            ));
        }
        if self.links > 0 {
            steps.push(format!(
                "`outbound links list --connector {connector}` shows the accounts that stay at the target, and `outbound links unlink {connector} --all` forgets them"
            ));
        }
        format!(
            "give the connection its id back: links hang on it, and what people see is its `name`. When it is gone for good: {}",
            steps.join("; then ")
        )
    }
}

fn tell(out: Out, findings: &[Finding], strict: bool) -> Exit {
    for finding in findings {
        out.text(&finding.to_string());
        out.text("\n");
        out.value(finding);
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    let doubts = findings.len() - errors;
    let count = |number: usize, word: &str| {
        format!("{number} {word}{}", if number == 1 { "" } else { "s" })
    };
    out.text(&format!(
        "{}, {}",
        count(errors, "mistake"),
        count(doubts, "doubt")
    ));
    if errors > 0 || (strict && doubts > 0) {
        Exit::Input
    } else {
        Exit::Done
    }
}
