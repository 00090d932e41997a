//! `outbound` without a command, in a terminal: the full-screen workbench.

use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::{Args, Parser};
use domain::{Clock, Configuration, Request, SystemClock};
use engine::Engine;
use mocks::Lab;
use tui::{Ended, Exports, Link, RunError, Setup, Surroundings, ThemeName};

use super::request::TriggerCommand;
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
    /// No screen: commands are read line by line and told in plain lines, for screen readers, pipes and dumb terminals
    #[arg(long)]
    plain: bool,
    /// Lets Traffic send a recorded request again to a target that is no mock, after a question
    #[arg(long)]
    allow_replay: bool,
}

/// Opens the workbench; the engine and the mocks of `workbench.toml` run as long as it is open.
pub(super) async fn open(global: &Global, args: &ScreenArgs) -> Result<Exit, Trouble> {
    let opened = Opened::new(global).await?;
    let ended = tui::run(opened.setup(global, args)).await;
    opened.close().await;
    left(ended)
}

/// Opens the workbench without a screen: commands are read line by line, and told in plain lines.
pub(super) async fn plain(global: &Global, args: &ScreenArgs) -> Result<Exit, Trouble> {
    let opened = Opened::new(global).await?;
    let input = std::io::BufReader::new(std::io::stdin());
    let invites = std::io::stdin().is_terminal();
    let setup = opened.setup(global, args);
    let ended = tui::run_plain(setup, input, std::io::stdout(), invites, read_request).await;
    opened.close().await;
    match ended {
        Ok(ended) if ended.failed > 0 && ended.ended == Ended::Quit && !invites => {
            Err(Trouble::new(
                Exit::Failed,
                "carry out every line",
                format!("{} of them failed or were not understood", ended.failed),
            )
            .advise("what was committed is in the journal: outbound journal list"))
        }
        ended => left(ended.map(|ended| ended.ended)),
    }
}

/// Tells whether somebody asked for lines instead of a screen: by the option, by `ACCESSIBLE=1`, or with a terminal
/// that cannot show one.
pub(super) fn is_plain(args: &ScreenArgs) -> bool {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|is| is == value);
    let here = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    args.plain || here && (is("ACCESSIBLE", "1") || is("TERM", "dumb"))
}

/// Reads a line as the command line would read `outbound trigger …` and `outbound plan …`.
fn read_request(line: &str) -> Result<(bool, Request), String> {
    let words = shlex::split(line).ok_or("a quotation mark is not closed")?;
    let read = RequestLine::try_parse_from(words).map_err(|error| error.render().to_string())?;
    let (is_plan, what) = match read {
        RequestLine::Trigger { what } => (false, what),
        RequestLine::Plan { what } => (true, what),
    };
    let request = what.into_request().map_err(|trouble| trouble.to_string())?;
    Ok((is_plan, request))
}

/// What can be triggered by a line.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_subcommand = true)]
enum RequestLine {
    /// Something happens to a user or group
    Trigger {
        #[command(subcommand)]
        what: TriggerCommand,
    },
    /// The same decision without doing anything
    Plan {
        #[command(subcommand)]
        what: TriggerCommand,
    },
}

/// The engine and the mocks as long as the workbench is open.
struct Opened {
    engine: Engine,
    lab: Arc<Lab>,
    configuration: Arc<Configuration>,
}

impl Opened {
    async fn new(global: &Global) -> Result<Self, Trouble> {
        let loaded = session::load(global)?;
        let base = session::base(global);
        let lab = mocks_of::start(&loaded.configuration, &base, Ports::Configured, 0, None)
            .await
            .map_err(|error| not_started(&error))?;
        let (loaded, engine) = session::engine(global).await?;
        Ok(Self {
            engine,
            lab: Arc::new(lab),
            configuration: Arc::new(loaded.configuration),
        })
    }

    fn setup(&self, global: &Global, args: &ScreenArgs) -> Setup {
        Setup {
            engine: self.engine.clone(),
            reader: self.engine.reader(),
            file: global.config.clone(),
            configuration: Arc::clone(&self.configuration),
            catalogue: connectors::CATALOGUE,
            lab: Arc::new(MockLab(Arc::clone(&self.lab))),
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
            log: global.log_dir.clone(),
            may_replay: args.allow_replay,
            seed: workbench::any_seed(),
        }
    }

    async fn close(self) {
        self.engine.shutdown().await;
        self.lab.shutdown().await;
    }
}

fn left(ended: Result<Ended, RunError>) -> Result<Exit, Trouble> {
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
