//! `outbound trigger`, `outbound plan` and `outbound drain`.

use std::time::Duration;

use clap::Args;
use domain::{Configuration, FlowId, OperationId, Request, visible};
use engine::{
    DirectoryError, Engine, JournalError, Life, OperationFilter, OperationView, Page, PlanError,
    Reader, State, SubmitError,
};
use jiff::Timestamp;

use super::out::Out;
use super::request::TriggerCommand;
use super::seat::Seat;
use super::trouble::Trouble;
use super::{Global, render, session};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(super) struct TriggerArgs {
    #[command(subcommand)]
    what: TriggerCommand,
    /// How long to wait for the operations, in seconds; what is not settled then stays owed. It begins when the change is
    /// made: a blocking provisioner is waited for before, for as long as its `timeout` says
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 15)]
    wait: u64,
    /// Sends nothing: leaves the operations queued for `outbound drain`; refused when a caller would have to wait
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
    let (_, seat) = Seat::take(global, !args.no_wait).await?;
    let result = async {
        let (flow, accepted) = submit(&seat, request).await?;
        let reader = seat.reader();
        if !args.no_wait {
            let operations = operations_of(&reader, flow)?;
            seat.settle(&operations, Duration::from_secs(args.wait))
                .await?;
        }
        show(&reader, out, flow, accepted, args.trace)
    };
    let result = result.await;
    seat.leave().await;
    result
}

/// Returns the operations of a flow.
pub(super) fn operations_of(reader: &Reader, flow: FlowId) -> Result<Vec<OperationId>, Trouble> {
    let trace = reader
        .trace(flow)
        .map_err(|error| session::journal_trouble(&error))?;
    let operations = trace.into_iter().flat_map(|trace| trace.operations);
    Ok(operations
        .map(|operation| operation.queued.operation)
        .collect())
}

/// Refuses an application that is not configured: a typing mistake must not look like an application without provisioners.
pub(super) fn known_application(
    configuration: &Configuration,
    request: &Request,
) -> Result<(), Trouble> {
    let Some(asked) = &request.application else {
        return Ok(());
    };
    if configuration.application(asked).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = configuration
        .applications
        .iter()
        .map(|application| application.id.0.as_str())
        .collect();
    let told = format!("there is no application `{}`", visible(&asked.0));
    Err(Trouble::new(Exit::Usage, "make the change", told)
        .advise(format!("name one of {}", known.join(", "))))
}

async fn submit(seat: &Seat, request: Request) -> Result<(FlowId, bool), Trouble> {
    let cancelled = || {
        Trouble::new(
            Exit::Interrupted,
            "wait for the answer",
            "stopped by a signal",
        )
    };
    tokio::select! {
        outcome = seat.submit(request) => outcome,
        () = crate::workbench::stop_signal() => Err(cancelled().advise("what was committed goes on: outbound drain")),
    }
}

pub(super) fn not_taken(error: SubmitError) -> Trouble {
    match error {
        SubmitError::Directory(error) => {
            let there = matches!(
                error,
                DirectoryError::NameTaken { .. } | DirectoryError::RoleTaken { .. }
            );
            // One line, whatever a name holds.
            let told = visible(&error.to_string()).into_owned();
            let advice = match error {
                DirectoryError::StoreUnknown { .. } => {
                    "name one of these, or add it to `user_stores` under [organization]"
                }
                DirectoryError::ConnectionUnknown { .. } => {
                    "see `outbound connector list` for the connections"
                }
                DirectoryError::RoleUnknown { .. } => {
                    "create it (`outbound trigger role-created`); roles come from a seed (`outbound seed`) and from \
                     `outbound_roles` of the connections, too"
                }
                _ => "see `outbound users list`, `outbound groups list` and `outbound roles list`",
            };
            let mut trouble = Trouble::new(Exit::Usage, "make the change", told).advise(advice);
            trouble.there = there;
            trouble
        }
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
pub(super) fn deadline(wait: Duration) -> Timestamp {
    Timestamp::now().checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn show(
    reader: &Reader,
    out: Out,
    flow: FlowId,
    accepted: bool,
    whole: bool,
) -> Result<Exit, Trouble> {
    let trace = reader
        .trace(flow)
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
    if !accepted {
        return Ok(Exit::Rejected);
    }
    Ok(exit_of(&lives))
}

/// Shows flows in short and returns how their operations ended.
pub(super) fn exit_of_flows(reader: &Reader, out: Out, flows: &[FlowId]) -> Result<Exit, Trouble> {
    let mut lives = Vec::new();
    for flow in flows {
        let trace = reader
            .trace(*flow)
            .map_err(|error| session::journal_trouble(&error))?;
        if let Some(trace) = trace {
            out.text(&render::short(&trace));
            out.value(&trace);
            lives.extend(trace.operations.iter().map(|operation| operation.life));
        }
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

pub(super) fn plan(global: &Global, out: Out, args: PlanArgs) -> Result<Exit, Trouble> {
    let request = args.what.into_request()?;
    let loaded = session::load(global)?;
    known_application(&loaded.configuration, &request)?;
    let options = session::options(global, &loaded);
    // On the journal alone: an engine may be running on it.
    let plan = engine::plan(&options, &request).map_err(|error| match error {
        PlanError::Start(error) => session::not_started(error),
        PlanError::Request(error) => not_taken(error),
    })?;
    out.text("plan only: nothing is written and nothing is sent\n");
    for trigger in &plan.triggers {
        out.text(&render::planned(trigger));
    }
    if plan.triggers.is_empty() {
        // A role without holders.
        out.text(render::NOBODY);
    }
    out.value(&plan);
    Ok(Exit::Done)
}

pub(super) async fn drain(global: &Global, out: Out, args: DrainArgs) -> Result<Exit, Trouble> {
    let owed = owed(global).await?;
    let (_, seat) = Seat::take(global, true).await?;
    let operations: Vec<OperationId> = owed.iter().map(|view| view.operation).collect();
    let settled = seat
        .settle(&operations, Duration::from_secs(args.wait))
        .await;
    let reader = seat.reader();
    let now: Result<Vec<_>, _> = owed
        .iter()
        .map(|before| reader.operation(before.operation))
        .collect();
    seat.leave().await;
    settled?;
    let now: Vec<_> = now
        .map_err(|error| session::journal_trouble(&error))?
        .into_iter()
        .flatten()
        .collect();
    for view in &now {
        let error = view.told_error();
        out.text(&format!(
            "{}  {} {}  {}{}",
            view.connector,
            view.verb,
            visible(&view.name.to_string()),
            view.life.word(),
            error.map_or_else(String::new, |error| format!(" ({})", visible(&error))),
        ));
        out.value(view);
    }
    if now.is_empty() {
        out.text("nothing was owed");
    }
    Ok(exit_of(
        &now.iter().map(|view| view.life).collect::<Vec<_>>(),
    ))
}

/// What a journal owes before an engine looks at it.
async fn owed(global: &Global) -> Result<Vec<OperationView>, Trouble> {
    const MANY: usize = 10_000;
    let path = session::place(global)?.path;
    if !path.exists() {
        return Ok(Vec::new());
    }
    let failed = |error| session::journal_trouble(&error);
    let reader = match Reader::open(&path) {
        Err(JournalError::Older { .. }) => {
            // An engine that sends nothing brings the file up to date, so that what is owed can be told first.
            let (_, seat) = Seat::take(global, false).await?;
            seat.leave().await;
            Reader::open(&path)
        }
        opened => opened,
    }
    .map_err(failed)?;
    let mut owed = Vec::new();
    for state in State::ALL.into_iter().filter(|state| state.is_open()) {
        let filter = OperationFilter {
            state: Some(state),
            ..OperationFilter::default()
        };
        owed.extend(
            reader
                .operations(&filter, Page::newest(MANY))
                .map_err(failed)?,
        );
    }
    owed.sort_by_key(|view| view.seq);
    Ok(owed)
}
