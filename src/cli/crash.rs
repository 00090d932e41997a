//! `outbound bench crash`: the campaign, and the process that it kills.

use std::path::PathBuf;

use clap::Args;

use super::out::{self, Out};
use super::trouble::Trouble;
use crate::crash;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(super) struct CrashArgs {
    /// How many runs, each with mocks, a journal and a seed of its own
    #[arg(long, default_value_t = 20)]
    runs: u32,
    /// The seed of the first run; the next has the next number
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often the process of one run is killed
    #[arg(long, default_value_t = 8)]
    kills: u32,
}

#[derive(Debug, Args)]
pub(super) struct WorkerArgs {
    #[arg(long)]
    folder: PathBuf,
    #[arg(long)]
    seed: u64,
    #[arg(long)]
    generation: u32,
    #[arg(long)]
    drain: bool,
}

pub(super) async fn campaign(out: Out, args: CrashArgs) -> Result<Exit, Trouble> {
    let failed = |error: &dyn std::fmt::Display| {
        Trouble::new(Exit::Failed, "carry out the crash campaign", error)
    };
    let options = crash::Options {
        runs: args.runs,
        seed: args.seed,
        kills: args.kills,
        program: std::env::current_exe().map_err(|error| failed(&error))?,
    };
    let report = crash::campaign(&options, &mut |run| {
        out.text(&run.to_string());
        out.value(run);
    })
    .await
    .map_err(|error| failed(&error))?;
    out.text(&report.to_string());
    Ok(if report.is_clean() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

pub(super) async fn work(args: WorkerArgs) -> Result<Exit, Trouble> {
    let order = crash::Order {
        folder: args.folder,
        seed: args.seed,
        generation: args.generation,
        mode: if args.drain {
            crash::Mode::Drain
        } else {
            crash::Mode::Traffic
        },
    };
    let (told, engine) = crash::work(&order)
        .await
        .map_err(|error| Trouble::new(Exit::Failed, "work for the crash campaign", error))?;
    out::export(&told);
    if order.mode == crash::Mode::Traffic {
        std::future::pending::<()>().await; // until it is killed
    }
    engine.shutdown().await;
    Ok(Exit::Done)
}
