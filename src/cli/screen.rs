//! `outbound` without a command, in a terminal: the full-screen workbench.

use std::sync::Arc;

use clap::Args;
use domain::{Clock, SystemClock};
use tui::{Ended, Exports, Link, RunError, Setup, Surroundings, ThemeName};

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
}

/// Opens the workbench; the engine and the mocks of `workbench.toml` run as long as it is open.
pub(super) async fn open(global: &Global, args: &ScreenArgs) -> Result<Exit, Trouble> {
    let loaded = session::load(global)?;
    let base = session::base(global);
    let lab = mocks_of::start(&loaded.configuration, &base, Ports::Configured, 0, None)
        .await
        .map_err(|error| not_started(&error))?;
    let lab = Arc::new(lab);
    let (loaded, engine) = session::engine(global).await?;
    let setup = Setup {
        engine: engine.clone(),
        reader: engine.reader(),
        file: global.config.clone(),
        configuration: Arc::new(loaded.configuration),
        catalogue: connectors::CATALOGUE,
        lab: Arc::new(MockLab(Arc::clone(&lab))),
        clock: Arc::new(SystemClock::default()) as Arc<dyn Clock>,
        exports: Exports {
            curl: export::curl,
            har: |exchanges| export::har(exchanges.iter().copied()).to_string(),
        },
        theme: args.theme,
        surroundings: Surroundings::here(),
        link: if args.slow_link {
            Link::Slow
        } else {
            Link::Quick
        },
        log: None,
        seed: workbench::any_seed(),
    };
    let ended = tui::run(setup).await;
    engine.shutdown().await;
    lab.shutdown().await;
    match ended {
        Ok(Ended::Quit) => Ok(Exit::Done),
        Ok(Ended::Signal) => Ok(Exit::Interrupted),
        Err(error) => {
            let mut told = error.to_string();
            if let RunError::Terminal(cause) = &error {
                told.push_str(&format!("\n{cause}"));
            }
            Err(Trouble::new(Exit::Failed, "go on with the screen", told)
                .advise("what was committed is in the journal: outbound journal list"))
        }
    }
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
