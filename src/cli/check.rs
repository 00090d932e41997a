//! `outbound check`: every mistake and every doubt of `workbench.toml`.

use clap::Args;
use config::{FileSecrets, Finding, LintOptions, LoadError, Loaded, Severity};
use connectors::CATALOGUE;
use decide::{Decider, Policies};
use domain::ConnectorRef;
use engine::Reader;

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
    findings.extend(unconfigured(loaded, &reader.counts().map_err(failed)?));
    Ok(findings)
}

/// Work and accounts of connectors that are no longer configured: nothing is sent for them any more.
fn unconfigured(
    loaded: &Loaded,
    counts: &std::collections::BTreeMap<
        ConnectorRef,
        std::collections::BTreeMap<engine::State, u64>,
    >,
) -> Vec<Finding> {
    counts
        .keys()
        .filter(|connector| loaded.configuration.connector(connector).is_none())
        .map(|connector| {
            let message = format!("the journal knows {connector}, which is not configured any more");
            let fix = "give the connection its id back: links hang on it. To change what people see, change its `name`";
            loaded.finding(Severity::Warning, "journal-knows-more", "connections", &message, fix)
        })
        .collect()
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
