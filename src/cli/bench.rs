//! `outbound bench`: measurements that anyone can rerun.

use clap::Subcommand;
use mocks::bench::Options;

use super::out::Out;
use super::trouble::Trouble;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// The mocks, each beside a static server measured in the same run
    Mocks {
        /// How many users the mocks hold
        #[arg(long, default_value_t = 10_000)]
        users: usize,
        /// Requests of one round
        #[arg(long, default_value_t = 20_000)]
        requests: usize,
        /// Rounds; mock and static server take turns
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// The screen, in a pseudo-terminal: bytes, memory, processor time, large journals
    Screen {
        /// How many exchanges the large journal has
        #[arg(long, default_value_t = 1_000_000)]
        exchanges: u64,
        /// How often a start is timed; the median counts
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
        runs: u16,
    },
}

pub(super) async fn bench(out: Out, command: BenchCommand) -> Result<Exit, Trouble> {
    let (users, requests, rounds) = match command {
        BenchCommand::Mocks {
            users,
            requests,
            rounds,
        } => (users, requests, rounds),
        BenchCommand::Screen { exchanges, runs } => return screen(out, exchanges, runs),
    };
    let options = Options {
        users,
        requests,
        rounds,
        ..Options::default()
    };
    let report = mocks::bench::run(&options)
        .await
        .map_err(|error| Trouble::new(Exit::Failed, "measure the mocks", error))?;
    out.text(&report.to_string());
    out.value(&report);
    Ok(Exit::Done)
}

fn screen(out: Out, exchanges: u64, runs: u16) -> Result<Exit, Trouble> {
    let options = crate::screen_bench::Options {
        sizes: vec![(80, 24), (160, 50)],
        exchanges,
        runs: usize::from(runs),
    };
    let report =
        tokio::task::block_in_place(|| crate::screen_bench::run(&options, super::out::note))
            .map_err(|error| Trouble::new(Exit::Failed, "measure the screen", error))?;
    out.text(&report.to_string());
    out.value(&report);
    Ok(Exit::Done)
}
