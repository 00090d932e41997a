//! `outbound quarantine`: which connectors are left alone, who brought it about, and the ways out.

use clap::Subcommand;
use domain::{ConnectorRef, Exchange};
use engine::{Culprit, ExchangeFilter, ExchangeView, Page, Quarantine, Reader};

use super::out::Out;
use super::seat::Seat;
use super::session::journal_trouble;
use super::trouble::Trouble;
use super::{Global, session};
use crate::control::Ask;
use crate::exit::Exit;

/// How long to wait between two looks at how a probe went.
const LOOK: std::time::Duration = std::time::Duration::from_millis(50);

#[derive(Debug, Subcommand)]
pub(super) enum QuarantineCommand {
    /// Lists the connectors that are left alone because too much failed there
    List,
    /// Names the requests that brought it about: user, operation, status, what the target said
    Show {
        /// CONNECTION/CONNECTOR; all of them when none is named
        connector: Option<ConnectorRef>,
    },
    /// Asks the target now, and lets one operation through; when that works the connector goes on
    Probe {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// How long to wait for it, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15)]
        wait: u64,
    },
    /// Goes on sending at once; what failed for the credentials alone is tried again, too
    Release {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// Why, for the journal
        #[arg(long, default_value = "by hand")]
        why: String,
        /// How long to wait for what is owed, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15)]
        wait: u64,
    },
}

pub(super) async fn quarantine(
    global: &Global,
    out: Out,
    command: QuarantineCommand,
) -> Result<Exit, Trouble> {
    match command {
        QuarantineCommand::List => list(&session::reader(global)?, out),
        QuarantineCommand::Show { connector } => {
            let reader = session::reader(global)?;
            show(global, &reader, out, connector.as_ref())
        }
        QuarantineCommand::Probe { connector, wait } => {
            let ask = Ask::Probe {
                connector: connector.clone(),
            };
            ended(global, out, &connector, ask, wait).await
        }
        QuarantineCommand::Release {
            connector,
            why,
            wait,
        } => {
            let ask = Ask::Release {
                connector: connector.clone(),
                why,
            };
            ended(global, out, &connector, ask, wait).await
        }
    }
}

fn list(reader: &Reader, out: Out) -> Result<Exit, Trouble> {
    let all = reader
        .quarantines()
        .map_err(|error| journal_trouble(&error))?;
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|quarantine| {
            vec![
                quarantine.connector.to_string(),
                clock_text(quarantine.since),
                quarantine.cause.told(),
                quarantine.probes.to_string(),
                clock_text(quarantine.next_probe),
            ]
        })
        .collect();
    if all.is_empty() {
        out.text("no connector is in quarantine");
    } else {
        out.table(
            &["CONNECTOR", "SINCE", "BECAUSE", "PROBES", "NEXT PROBE"],
            &rows,
        );
    }
    for quarantine in &all {
        out.value(quarantine);
    }
    Ok(Exit::Done)
}

fn show(
    global: &Global,
    reader: &Reader,
    out: Out,
    connector: Option<&ConnectorRef>,
) -> Result<Exit, Trouble> {
    let failed = |error| journal_trouble(&error);
    let all = reader.quarantines().map_err(failed)?;
    let wanted: Vec<&Quarantine> = all
        .iter()
        .filter(|quarantine| connector.is_none_or(|wanted| *wanted == quarantine.connector))
        .collect();
    if wanted.is_empty() {
        if let Some(connector) = connector {
            session::configured(global, connector)?;
        }
        let which = connector.map_or_else(
            || "no connector is in quarantine".to_owned(),
            |connector| format!("{connector} is not in quarantine"),
        );
        out.text(&which);
        return Ok(Exit::Done);
    }
    for quarantine in wanted {
        out.text(&format!("{}  {}", quarantine.connector, quarantine.told()));
        if let Some(met) = &quarantine.last_probe {
            out.text(&format!(
                "  the last of {} probes: {met}",
                quarantine.probes
            ));
        }
        let mut culprits = Vec::new();
        for culprit in &quarantine.culprits {
            let requests = requests_of(reader, culprit).map_err(failed)?;
            describe(out, culprit, &requests);
            culprits.push(serde_json::json!({
                "culprit": culprit,
                "requests": requests.iter().map(|view| serde_json::json!({
                    "number": view.seq, "method": view.exchange.method, "url": view.exchange.url,
                    "status": view.exchange.response.as_ref().map(|response| response.status),
                })).collect::<Vec<_>>(),
            }));
        }
        out.text(&format!(
            "  do: mend the cause, then `outbound quarantine probe {}`",
            quarantine.connector
        ));
        out.value(&serde_json::json!({ "quarantine": quarantine, "culprits": culprits }));
    }
    Ok(Exit::Done)
}

fn describe(out: Out, culprit: &Culprit, requests: &[ExchangeView]) {
    out.text(&format!(
        "  {}  {} {}: {}",
        clock_text(culprit.at),
        culprit.verb,
        culprit.name,
        culprit.failure
    ));
    for view in requests {
        out.text(&format!(
            "      #{}  {} {} -> {}",
            view.seq,
            view.exchange.method,
            view.exchange.url,
            status(&view.exchange)
        ));
    }
    out.text(&format!(
        "      outbound journal show {} --wire",
        culprit.operation
    ));
}

/// Returns the requests of the attempt that counted, the first one first.
fn requests_of(
    reader: &Reader,
    culprit: &Culprit,
) -> Result<Vec<ExchangeView>, engine::JournalError> {
    let filter = ExchangeFilter {
        operation: Some(culprit.operation),
        ..ExchangeFilter::default()
    };
    let mut requests = reader.exchanges(&filter, Page::newest(100))?;
    requests.retain(|view| view.attempt == culprit.attempt);
    requests.reverse();
    Ok(requests)
}

fn status(exchange: &Exchange) -> String {
    match (&exchange.response, &exchange.error) {
        (Some(response), _) => response.status.to_string(),
        (None, Some(error)) => error.clone(),
        (None, None) => "no answer".to_owned(),
    }
}

/// Has a way out of the quarantine taken, waits for what goes on, and says how the connector stands.
async fn ended(
    global: &Global,
    out: Out,
    connector: &ConnectorRef,
    ask: Ask,
    wait: u64,
) -> Result<Exit, Trouble> {
    let (_, seat) = Seat::take(global, true).await?;
    let result = async {
        let owed = seat.owed(Some(connector))?;
        let probes = probes(&seat.reader(), connector)?;
        seat.done(ask).await?;
        let wait = std::time::Duration::from_secs(wait);
        let settled = async {
            // Until the probe has been told of: what is held may stay so.
            while probes.is_some() && self::probes(&seat.reader(), connector)? == probes {
                tokio::time::sleep(LOOK).await;
            }
            seat.settle(&owed, wait).await
        };
        let settled: Result<(), Trouble> = tokio::select! {
            settled = settled => settled,
            () = tokio::time::sleep(wait) => Ok(()),
        };
        settled?;
        let again = seat.reader().quarantines();
        again.map_err(|error| journal_trouble(&error))
    };
    let again = result.await;
    seat.leave().await;
    Ok(told(out, connector, &again?))
}

/// Returns how often a connector in quarantine was probed; none when it is in none.
fn probes(reader: &Reader, connector: &ConnectorRef) -> Result<Option<u32>, Trouble> {
    let all = reader.quarantines();
    let all = all.map_err(|error| journal_trouble(&error))?;
    let here = all.into_iter().find(|one| one.connector == *connector);
    Ok(here.map(|one| one.probes))
}

/// Says whether a connector is still, or again, left alone.
fn told(out: Out, connector: &ConnectorRef, all: &[Quarantine]) -> Exit {
    let still = all
        .iter()
        .find(|quarantine| quarantine.connector == *connector);
    match still {
        None => {
            out.text(&format!("{connector} is sent to again"));
            out.value(
                &serde_json::json!({ "connector": connector.to_string(), "state": "released" }),
            );
            Exit::Done
        }
        Some(quarantine) => {
            out.text(&format!("{connector} is {}", quarantine.told()));
            if let Some(met) = &quarantine.last_probe {
                out.text(&format!("  the last probe: {met}"));
            }
            out.value(quarantine);
            Exit::Target
        }
    }
}

fn clock_text(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
