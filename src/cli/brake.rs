//! `outbound brake`: what would be taken away too much at once, and somebody's word on it.

use std::time::Duration;

use clap::Subcommand;
use domain::{Brake, ConnectorRef};
use engine::{EngagedBrake, Reader};

use super::journal::refused;
use super::out::Out;
use super::session::journal_trouble;
use super::trouble::Trouble;
use super::{Global, session};
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
            let (_, engine) = session::engine(global).await?;
            let mut result = Ok(());
            for kind in which(&engine.brakes(), &connector, brake) {
                match engine
                    .approve_brake(&connector, kind, &by, &reason, expires)
                    .await
                {
                    Ok(count) => {
                        out.text(&format!(
                            "{connector}: {count} operations ({kind}) go on; {by} approved of it"
                        ));
                        out.value(&serde_json::json!({
                            "connector": connector.to_string(), "brake": kind, "by": by, "released": count,
                        }));
                    }
                    Err(error) => result = Err(refused(error)),
                }
            }
            if result.is_ok() {
                super::trigger::settle(&engine, Duration::from_secs(wait)).await;
            }
            engine.shutdown().await;
            result.map(|()| Exit::Done)
        }
        BrakeCommand::Reject {
            connector,
            brake,
            by,
            reason,
        } => {
            let (_, engine) = session::engine_at_rest(global).await?;
            let mut result = Ok(());
            for kind in which(&engine.brakes(), &connector, brake) {
                match engine.reject_brake(&connector, kind, &by, &reason).await {
                    Ok(count) => {
                        out.text(&format!(
                            "{connector}: {count} operations ({kind}) are given up; {by} rejected them"
                        ));
                        out.value(&serde_json::json!({
                            "connector": connector.to_string(), "brake": kind, "by": by, "discarded": count,
                        }));
                    }
                    Err(error) => result = Err(refused(error)),
                }
            }
            engine.shutdown().await;
            result.map(|()| Exit::Done)
        }
    }
}

/// Returns the kinds that a command is about; one that has not engaged is named all the same, and refused by the engine.
fn which(engaged: &[EngagedBrake], connector: &ConnectorRef, named: Option<Brake>) -> Vec<Brake> {
    if let Some(named) = named {
        return vec![named];
    }
    let here: Vec<Brake> = engaged
        .iter()
        .filter(|brake| brake.connector == *connector)
        .map(|brake| brake.brake)
        .collect();
    if here.is_empty() {
        vec![Brake::Deletes]
    } else {
        here
    }
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
