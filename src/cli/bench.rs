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
}

pub(super) async fn bench(out: Out, command: BenchCommand) -> Result<Exit, Trouble> {
    let BenchCommand::Mocks {
        users,
        requests,
        rounds,
    } = command;
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
