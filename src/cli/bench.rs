//! `outbound bench`: measurements that anyone can rerun.

use clap::Subcommand;
use mocks::bench::Options;

use super::out::Out;
use super::trouble::Trouble;
use crate::exit::Exit;
use crate::screen_bench::LEAST_EXCHANGES;

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
    /// The engine, beside a bare loop that makes the same requests
    Engine {
        /// How often each figure is taken; the median counts
        #[arg(long, default_value_t = 5)]
        runs: usize,
        /// What the users are drawn from
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// With a million users and a million queued operations, too
        #[arg(long)]
        full: bool,
    },
    /// The screen, in a pseudo-terminal: bytes, memory, processor time, large journals
    Screen {
        /// How many exchanges the large journal has
        #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(LEAST_EXCHANGES..))]
        exchanges: u64,
        /// How often a start is timed; the median counts
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
        runs: u16,
    },
    /// Kills the working process at seeded moments while its targets misbehave, and counts what is wrong at the end
    Crash(super::crash::CrashArgs),
    /// Trains the dictionary with which the journal's rows are compressed
    #[command(hide = true)]
    Dictionary {
        /// What the users are drawn from
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where it is written
        file: std::path::PathBuf,
    },
    /// What `crash` kills
    #[command(hide = true)]
    CrashWorker(super::crash::WorkerArgs),
    /// One part of `bench engine`, in a process of its own
    #[command(hide = true)]
    Part {
        /// What is to be done
        order: String,
    },
}

pub(super) async fn bench(out: Out, command: BenchCommand) -> Result<Exit, Trouble> {
    match command {
        BenchCommand::Mocks {
            users,
            requests,
            rounds,
        } => mocks(out, users, requests, rounds).await,
        BenchCommand::Engine { runs, seed, full } => engine(out, runs, seed, full).await,
        BenchCommand::Screen { exchanges, runs } => screen(out, exchanges, runs),
        BenchCommand::Crash(args) => super::crash::campaign(out, args).await,
        BenchCommand::CrashWorker(args) => super::crash::work(args).await,
        BenchCommand::Dictionary { seed, file } => {
            let bytes = crate::bench::write_dictionary(seed, &file)
                .await
                .map_err(not_measured)?;
            out.text(&format!("{} has {bytes} bytes", file.display()));
            out.value(&serde_json::json!({ "bytes": bytes }));
            Ok(Exit::Done)
        }
        BenchCommand::Part { order } => {
            let figures = crate::bench::part(&order).await.map_err(not_measured)?;
            out.value(&figures);
            Ok(Exit::Done)
        }
    }
}

fn not_measured(error: crate::bench::BenchError) -> Trouble {
    Trouble::new(Exit::Failed, "measure the engine", error)
        .advise("nothing of yours was touched: the measurement has folders and mocks of its own")
}

async fn engine(out: Out, runs: usize, seed: u64, full: bool) -> Result<Exit, Trouble> {
    let options = crate::bench::Options { runs, seed, full };
    let progress = |what: &str| {
        if out.shows_progress() {
            super::out::note(what);
        }
    };
    let report = crate::bench::run(options, progress)
        .await
        .map_err(not_measured)?;
    out.text(&report.to_string());
    out.value(&report);
    Ok(Exit::Done)
}

async fn mocks(out: Out, users: usize, requests: usize, rounds: usize) -> Result<Exit, Trouble> {
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(subcommand)]
        command: BenchCommand,
    }

    #[test]
    fn a_journal_without_rows_to_move_between_is_refused() {
        let read = |exchanges: u64| {
            let exchanges = exchanges.to_string();
            let line = Line::try_parse_from(["bench", "screen", "--exchanges", &exchanges]);
            line.map(|line| line.command)
        };
        let least = read(LEAST_EXCHANGES);
        let is_taken = matches!(least, Ok(BenchCommand::Screen { exchanges, .. }) if exchanges == LEAST_EXCHANGES);
        assert!(is_taken);
        let refused = read(LEAST_EXCHANGES - 1).unwrap_err();
        assert!(refused.to_string().contains("--exchanges"), "{refused}");
    }
}
