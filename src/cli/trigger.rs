//! `outbound trigger`, `outbound plan` and `outbound drain`.

use std::time::Duration;

use clap::Args;
use domain::Request;
use engine::{Engine, Life, Outcome, State, SubmitError};
use jiff::Timestamp;

use super::out::Out;
use super::request::TriggerCommand;
use super::trouble::Trouble;
use super::{Global, render, session};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(super) struct TriggerArgs {
    #[command(subcommand)]
    what: TriggerCommand,
    /// How long to wait for the operations, in seconds; what is not settled then stays owed
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 15)]
    wait: u64,
    /// Leaves the operations queued, for `outbound drain` or a running engine
    #[arg(long, global = true, conflicts_with = "wait")]
    no_wait: bool,
    /// Shows every step and every exchange
    #[arg(long, global = true)]
    trace: bool,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(subcommand)]
    what: TriggerCommand,
}

#[derive(Debug, Args)]
pub(super) struct DrainArgs {
    /// How long to go on, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
}

pub(super) async fn trigger(global: &Global, out: Out, args: TriggerArgs) -> Result<Exit, Trouble> {
    let request = args.what.into_request()?;
    let (_, engine) = session::engine(global).await?;
    let result = submit(&engine, request).await;
    let result = match result {
        Ok(outcome) => {
            if !args.no_wait {
                settle(&engine, Duration::from_secs(args.wait)).await;
            }
            show(&engine, out, &outcome, args.trace)
        }
        Err(trouble) => Err(trouble),
    };
    engine.shutdown().await;
    result
}

async fn submit(engine: &Engine, request: Request) -> Result<Outcome, Trouble> {
    let cancelled = || {
        Trouble::new(
            Exit::Interrupted,
            "wait for the answer",
            "stopped by a signal",
        )
    };
    tokio::select! {
        outcome = engine.submit(request) => outcome.map_err(not_taken),
        () = crate::workbench::stop_signal() => Err(cancelled().advise("what was committed goes on: outbound drain")),
    }
}

fn not_taken(error: SubmitError) -> Trouble {
    match error {
        SubmitError::Directory(error) => Trouble::new(Exit::Usage, "make the change", error)
            .advise("look at `outbound users list`, `outbound groups list`, `outbound roles list`"),
        SubmitError::Journal(error) => session::journal_trouble(&error),
        SubmitError::Stopped => {
            Trouble::new(Exit::Journal, "make the change", "the engine is stopped")
        }
    }
}

/// Waits until nothing is due any more, time runs out, or a signal comes.
pub(super) async fn settle(engine: &Engine, wait: Duration) {
    let deadline = deadline(wait);
    tokio::select! {
        _ = engine.idle_until(deadline) => {}
        () = tokio::time::sleep(wait) => {}
        () = crate::workbench::stop_signal() => {}
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command's patience is counted on the system's clock"
)]
fn deadline(wait: Duration) -> Timestamp {
    Timestamp::now().checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn show(engine: &Engine, out: Out, outcome: &Outcome, whole: bool) -> Result<Exit, Trouble> {
    let trace = engine
        .reader()
        .trace(outcome.flow)
        .map_err(|error| session::journal_trouble(&error))?
        .ok_or_else(|| {
            Trouble::new(
                Exit::Journal,
                "read the flow back",
                "it is not in the journal",
            )
        })?;
    out.text(&if whole {
        render::whole(&trace)
    } else {
        render::short(&trace)
    });
    out.value(&trace);
    let lives: Vec<Life> = trace
        .operations
        .iter()
        .map(|operation| operation.life)
        .collect();
    if !outcome.is_accepted() {
        return Ok(Exit::Rejected);
    }
    Ok(exit_of(&lives))
}

/// The worst state decides: failed for good, then owed, then done.
fn exit_of(lives: &[Life]) -> Exit {
    if lives.iter().any(|life| matches!(life.state(), State::Dead)) {
        Exit::Failed
    } else if lives.iter().any(|life| life.is_open()) {
        Exit::Owed
    } else {
        Exit::Done
    }
}

pub(super) async fn plan(global: &Global, out: Out, args: PlanArgs) -> Result<Exit, Trouble> {
    let request = args.what.into_request()?;
    let (_, engine) = session::engine(global).await?;
    let plan = engine.plan(&request).map_err(not_taken);
    engine.shutdown().await;
    let plan = plan?;
    out.text("plan only: nothing is written and nothing is sent\n");
    for trigger in &plan.triggers {
        out.text(&render::planned(trigger));
    }
    out.value(&plan);
    Ok(Exit::Done)
}

pub(super) async fn drain(global: &Global, out: Out, args: DrainArgs) -> Result<Exit, Trouble> {
    let (_, engine) = session::engine(global).await?;
    settle(&engine, Duration::from_secs(args.wait)).await;
    let counts = engine
        .reader()
        .counts()
        .map_err(|error| session::journal_trouble(&error));
    engine.shutdown().await;
    let counts = counts?;
    let mut owed = 0;
    for (connector, states) in &counts {
        let told: Vec<String> = states
            .iter()
            .map(|(state, count)| format!("{count} {}", state.word()))
            .collect();
        out.text(&format!("{connector}  {}", told.join(", ")));
        out.value(&serde_json::json!({ "connector": connector.to_string(), "operations": states }));
        owed += states
            .iter()
            .filter(|(state, _)| state.is_open())
            .map(|(_, count)| count)
            .sum::<u64>();
    }
    if counts.is_empty() {
        out.text("nothing is owed");
    }
    Ok(if owed == 0 { Exit::Done } else { Exit::Owed })
}
