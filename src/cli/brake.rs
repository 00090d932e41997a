//! `outbound brake`: what would be taken away too much at once, and somebody's word on it.

use std::time::Duration;

use clap::Subcommand;
use domain::{Brake, ConnectorRef, OperationId};
use engine::{EngagedBrake, Reader};

use super::out::Out;
use super::seat::{Seat, nonsense};
use super::session::journal_trouble;
use super::trouble::Trouble;
use super::{Global, session};
use crate::control::{Answer, Ask};
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum BrakeCommand {
    /// Lists the brakes that have engaged, and the approvals that hold
    List,
    /// Shows what a brake keeps: each operation with its user
    Show {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Lets what a brake keeps go on, in your name and for a time
    Approve {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// deletes, deactivations or group-removals; everything that a brake keeps there when none is named
        brake: Option<Brake>,
        /// Who approves
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why it is meant, for the journal
        #[arg(long)]
        reason: String,
        /// For how long what comes is not counted either, as in 30m or 8h; seven days at most
        #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
        expires: Duration,
        /// How long to wait for what goes on, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15)]
        wait: u64,
    },
    /// Gives up what a brake keeps: nothing of it is taken away
    Reject {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// deletes, deactivations or group-removals; everything that a brake keeps there when none is named
        brake: Option<Brake>,
        /// Who rejects
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why it was not meant, for the journal
        #[arg(long)]
        reason: String,
    },
}

fn duration(text: &str) -> Result<Duration, String> {
    config::duration(text).ok_or_else(|| "write a number and a unit, as in 30m or 8h".to_owned())
}

pub(super) async fn brake(
    global: &Global,
    out: Out,
    command: BrakeCommand,
) -> Result<Exit, Trouble> {
    match command {
        BrakeCommand::List => list(&session::reader(global)?, out),
        BrakeCommand::Show { connector, limit } => {
            show(&session::reader(global)?, out, &connector, limit)
        }
        BrakeCommand::Approve {
            connector,
            brake,
            by,
            reason,
            expires,
            wait,
        } => {
            let (_, seat) = Seat::take(global, true).await?;
            let result = async {
                let mut kept = Vec::new();
                for kind in which(&seat.reader(), &connector, brake)? {
                    kept.extend(keeps(&seat.reader(), &connector, kind)?);
                    let ask = Ask::Approve {
                        connector: connector.clone(),
                        brake: kind,
                        by: by.clone(),
                        reason: reason.clone(),
                        seconds: expires.as_secs(),
                    };
                    let count = count(&seat.ask(ask).await?)?;
                    out.text(&format!(
                        "{connector}: {count} operations ({kind}) go on; {by} approved of it"
                    ));
                    out.value(&serde_json::json!({
                        "connector": connector.to_string(), "brake": kind, "by": by, "released": count,
                    }));
                }
                seat.settle(&kept, Duration::from_secs(wait)).await
            };
            let result = result.await;
            seat.leave().await;
            result.map(|()| Exit::Done)
        }
        BrakeCommand::Reject {
            connector,
            brake,
            by,
            reason,
        } => {
            let (_, seat) = Seat::take(global, false).await?;
            let result = async {
                for kind in which(&seat.reader(), &connector, brake)? {
                    let ask = Ask::Reject {
                        connector: connector.clone(),
                        brake: kind,
                        by: by.clone(),
                        reason: reason.clone(),
                    };
                    let count = count(&seat.ask(ask).await?)?;
                    out.text(&format!(
                        "{connector}: {count} operations ({kind}) are given up; {by} rejected them"
                    ));
                    out.value(&serde_json::json!({
                        "connector": connector.to_string(), "brake": kind, "by": by, "discarded": count,
                    }));
                }
                Ok(())
            };
            let result = result.await;
            seat.leave().await;
            result.map(|()| Exit::Done)
        }
    }
}

fn count(answer: &Answer) -> Result<u64, Trouble> {
    match answer {
        Answer::Count { count } => Ok(*count),
        _ => Err(nonsense()),
    }
}

fn keeps(
    reader: &Reader,
    connector: &ConnectorRef,
    brake: Brake,
) -> Result<Vec<OperationId>, Trouble> {
    let kept = reader.kept_by(connector, brake, usize::MAX);
    let kept = kept.map_err(|error| journal_trouble(&error))?;
    Ok(kept.into_iter().map(|view| view.operation).collect())
}

/// Returns the kinds that a command is about; one that has not engaged is named all the same, and refused by the engine.
fn which(
    reader: &Reader,
    connector: &ConnectorRef,
    named: Option<Brake>,
) -> Result<Vec<Brake>, Trouble> {
    if let Some(named) = named {
        return Ok(vec![named]);
    }
    let engaged = reader.brakes().map_err(|error| journal_trouble(&error))?;
    let here: Vec<Brake> = engaged
        .iter()
        .filter(|brake| brake.connector == *connector)
        .map(|brake| brake.brake)
        .collect();
    Ok(if here.is_empty() {
        vec![Brake::Deletes]
    } else {
        here
    })
}

fn list(reader: &Reader, out: Out) -> Result<Exit, Trouble> {
    let failed = |error| journal_trouble(&error);
    let engaged = reader.brakes().map_err(failed)?;
    let now = domain::Clock::now(&domain::SystemClock::default());
    let mut approvals = reader.approvals().map_err(failed)?;
    approvals.retain(|approval| approval.until > now);
    if engaged.is_empty() {
        out.text("no brake has engaged");
    }
    for brake in &engaged {
        let kept = reader
            .kept_by(&brake.connector, brake.brake, usize::MAX)
            .map_err(failed)?
            .len();
        out.text(&format!(
            "{} {}  since {}: {kept} operations wait\n  {}",
            brake.connector,
            brake.brake,
            clock_text(brake.since),
            brake.told()
        ));
        out.value(&serde_json::json!({ "engaged": brake, "waiting": kept }));
    }
    for approval in &approvals {
        out.text(&format!(
            "{} {}  approved by {} until {}: {}",
            approval.connector,
            approval.brake,
            approval.by,
            clock_text(approval.until),
            approval.reason
        ));
        out.value(&serde_json::json!({ "approval": approval }));
    }
    Ok(Exit::Done)
}

fn show(
    reader: &Reader,
    out: Out,
    connector: &ConnectorRef,
    limit: usize,
) -> Result<Exit, Trouble> {
    let failed = |error| journal_trouble(&error);
    let engaged = reader.brakes().map_err(failed)?;
    let here: Vec<&EngagedBrake> = engaged
        .iter()
        .filter(|brake| brake.connector == *connector)
        .collect();
    if here.is_empty() {
        out.text(&format!("no brake keeps anything of {connector}"));
    }
    for brake in here {
        out.text(&format!("{} {}: {}", connector, brake.brake, brake.told()));
        let kept = reader
            .kept_by(connector, brake.brake, limit)
            .map_err(failed)?;
        let rows: Vec<Vec<String>> = kept
            .iter()
            .map(|view| {
                vec![
                    clock_text(view.queued),
                    view.verb.to_string(),
                    view.name.to_string(),
                    view.operation.to_string(),
                ]
            })
            .collect();
        out.table(&["SINCE", "VERB", "WHO", "OPERATION"], &rows);
        out.value(&serde_json::json!({ "engaged": brake, "kept": kept }));
    }
    Ok(Exit::Done)
}

fn clock_text(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
