//! `outbound` without a command, in a terminal: the full-screen workbench.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use domain::{Clock, SystemClock};
use engine::JournalError;
use tui::{Curtain, Ended, Exports, Link, RunError, Setup, Surroundings, ThemeName, View};

use super::trouble::Trouble;
use super::{Global, session};
use crate::exit::Exit;
use crate::lab::MockLab;
use crate::mocks_of::{self, MocksError, Ports};
use crate::{export, workbench};

/// How the screen looks.
#[derive(Debug, Args)]
pub(super) struct ScreenArgs {
    /// The colours of the screen: dark, light, high-contrast, mono, auto
    #[arg(long, value_name = "THEME", default_value = "auto")]
    theme: ThemeName,
    /// Draws less, for a slow line
    #[arg(long)]
    slow_link: bool,
    /// Records the screen into a new file (asciicast); secrets are masked in it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Records so many made-up exchanges a second, for measuring: see `bench screen`
    #[arg(long, hide = true, value_name = "PER_SECOND", requires = "journal")]
    made_up_traffic: Option<u32>,
}

/// Opens the workbench; the engine and the mocks of `workbench.toml` run as long as it is open.
pub(super) async fn open(global: &Global, args: &ScreenArgs) -> Result<Exit, Trouble> {
    let loaded = session::load(global)?;
    let base = session::base(global);
    if let Some(path) = args.record.as_deref().filter(|path| path.exists()) {
        return Err(not_recorded(path, &"there is such a file already"));
    }
    let configuration = Arc::new(loaded.configuration.clone());
    // The first frame needs neither engine nor mocks: they start behind it.
    let curtain = Curtain::raise(View {
        file: global.config.clone(),
        configuration: Arc::clone(&configuration),
        catalogue: connectors::CATALOGUE,
        clock: Arc::new(SystemClock::default()) as Arc<dyn Clock>,
        exports: Exports {
            curl: export::curl,
            har: |exchanges| export::har(exchanges.iter().copied()).to_string(),
        },
        theme: args.theme,
        surroundings: Surroundings::here(),
        seed: workbench::any_seed(),
    })
    .map_err(|error| not_gone_on(&error))?;
    let lab = mocks_of::start(&configuration, &base, Ports::Configured, 0, None)
        .await
        .map_err(|error| not_started(&error))?;
    let lab = Arc::new(lab);
    let engine = session::engine_of(global, &loaded).await?;
    let setup = Setup {
        engine: engine.clone(),
        reader: engine.reader(),
        lab: Arc::new(MockLab(Arc::clone(&lab))),
        link: if args.slow_link {
            Link::Slow
        } else {
            Link::Quick
        },
        log: None,
        record: args.record.clone(),
    };
    let traffic = args
        .made_up_traffic
        .map(|rate| tokio::spawn(made_up_traffic(engine.clone(), rate)));
    let ended = curtain.open(setup).await;
    let broken = match traffic {
        Some(traffic) if traffic.is_finished() => traffic.await.ok(),
        Some(traffic) => {
            traffic.abort();
            None
        }
        None => None,
    };
    engine.shutdown().await;
    lab.shutdown().await;
    if let Some(error) = broken {
        return Err(session::journal_trouble(&error));
    }
    match ended {
        Ok(Ended::Quit) => Ok(Exit::Done),
        Ok(Ended::Signal) => Ok(Exit::Interrupted),
        Err(RunError::Record { path, told }) => Err(not_recorded(&path, &told)),
        Err(error) => Err(not_gone_on(&error)),
    }
}

fn not_recorded(path: &Path, told: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(Exit::Usage, format!("record into {}", path.display()), told)
        .advise("name a file that does not exist yet, in a folder that does")
}

fn not_gone_on(error: &RunError) -> Trouble {
    let mut told = error.to_string();
    if let RunError::Terminal(cause) = error {
        told.push_str(&format!("\n{cause}"));
    }
    Trouble::new(Exit::Failed, "go on with the screen", told)
        .advise("what was committed is in the journal: outbound journal list")
}

/// Lets made-up exchanges happen, so many a second, spread over each second.
///
/// Returns when the journal cannot be written.
async fn made_up_traffic(engine: engine::Engine, rate: u32) -> JournalError {
    const STEP: Duration = Duration::from_millis(10);
    let clock = SystemClock::default();
    let (mut beat, mut nth) = (tokio::time::interval(STEP), 0_u64);
    let mut under_way = tokio::task::JoinSet::new();
    loop {
        beat.tick().await;
        let due = clock.monotonic().as_secs_f64() * f64::from(rate);
        while exchanges(nth) < due {
            let engine = engine.clone();
            under_way.spawn(async move { engine.record_made_up(nth).await });
            nth += 1;
        }
        while let Some(done) = under_way.try_join_next() {
            if let Ok(Err(error)) = done {
                return error;
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
fn exchanges(flows: u64) -> f64 {
    (flows * engine::EXCHANGES_PER_FLOW) as f64
}

fn not_started(error: &MocksError) -> Trouble {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(this) = cause {
        told.push_str(&format!("\n{this}"));
        cause = this.source();
    }
    Trouble::new(Exit::Target, "start the mocks", told)
        .advise("stop the other process that has the port, or set `start = false` under [mocks.*]")
}
