//! `outbound` without a command, in a terminal: the full-screen workbench.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clap::{Args, Parser};
use config::Loaded;
use domain::{Clock, Request, SystemClock};
use engine::{Engine, JournalError, Options, StartError};
use mocks::{Lab, Target};
use tui::{
    Curtain, Ended, Exports, Link, LogBook, Note, RunError, Seat, Setup, Surroundings, ThemeName,
    View,
};

use super::mock::ControlFile;
use super::request::TriggerCommand;
use super::serve::Served;
use super::trouble::Trouble;
use super::{Global, session};
use crate::attached::{AttachError, Attached, Opens, Own, Starter};
use crate::control::{Client, Listener};
use crate::exit::Exit;
use crate::lab::MockLab;
use crate::mock_keys::{self, Provided};
use crate::mocks_of::{self, MocksError};
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
    /// Records the screen into a new file (asciicast); secrets are masked in it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Records so many made-up exchanges a second, for measuring: see `bench screen`
    #[arg(long, hide = true, value_name = "PER_SECOND", requires = "journal")]
    made_up_traffic: Option<u32>,
}

/// Opens the workbench. Engine and mocks of `workbench.toml` run as long as it is open; where an engine runs on the journal
/// already, it is followed and commanded instead.
pub(super) async fn open(
    global: &Global,
    args: &ScreenArgs,
    book: &LogBook,
) -> Result<Exit, Trouble> {
    let loaded = session::load(global)?;
    if let Some(path) = args.record.as_deref().filter(|path| path.exists()) {
        return Err(not_recorded(path, &"there is such a file already"));
    }
    // The first frame needs neither engine nor mocks: they start behind it.
    let mut curtain =
        Curtain::raise(view(global, args, &loaded)).map_err(|error| not_gone_on(&error))?;
    // The newest rows need no engine either; there is none to read while there is no journal yet.
    if let Ok(reader) = engine::Reader::open(&session::options(global, &loaded).journal) {
        curtain
            .preview(&reader)
            .map_err(|error| not_gone_on(&error))?;
    }
    let opened = Opened::start(global, args, &loaded).await?;
    let traffic = match (&opened.works, args.made_up_traffic) {
        (Works::Own(own), Some(rate)) => {
            Some(tokio::spawn(made_up_traffic(own.engine.clone(), rate)))
        }
        _ => None,
    };
    let ended = curtain.open(opened.setup(args, book)).await;
    let broken = match traffic {
        Some(traffic) if traffic.is_finished() => traffic.await.ok(),
        Some(traffic) => {
            traffic.abort();
            None
        }
        None => None,
    };
    opened.close().await;
    if let Some(error) = broken {
        return Err(session::journal_trouble(&error));
    }
    left(ended)
}

/// Opens the workbench without a screen: commands are read line by line, and told in plain lines.
pub(super) async fn plain(
    global: &Global,
    args: &ScreenArgs,
    book: &LogBook,
) -> Result<Exit, Trouble> {
    let loaded = session::load(global)?;
    let opened = Opened::start(global, args, &loaded).await?;
    let input = std::io::BufReader::new(std::io::stdin());
    let invites = std::io::stdin().is_terminal();
    let setup = opened.setup(args, book);
    let ended = tui::run_plain(
        view(global, args, &loaded),
        setup,
        input,
        std::io::stdout(),
        invites,
        read_request,
    )
    .await;
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

/// What the first frame is drawn from.
fn view(global: &Global, args: &ScreenArgs, loaded: &Loaded) -> View {
    View {
        file: global.config.clone(),
        configuration: Arc::new(loaded.configuration.clone()),
        catalogue: connectors::CATALOGUE,
        clock: Arc::new(SystemClock::default()) as Arc<dyn Clock>,
        exports: Exports {
            curl: export::curl,
            har: |exchanges| export::har(exchanges.iter().copied()).to_string(),
        },
        theme: args.theme,
        surroundings: Surroundings::here(),
        may_replay: args.allow_replay,
        seed: workbench::any_seed(),
    }
}

/// The engine and the mocks as long as the workbench is open.
struct Opened {
    works: Works,
    lab: Arc<Lab>,
    mocks: Arc<MockLab>,
    /// What became of key files of the mocks that were not there.
    keys: Vec<Provided>,
    /// Where `outbound mock` finds how they are steered, while they run.
    _note: Option<ControlFile>,
}

/// The engine.
enum Works {
    /// Our own, which answers at its socket too.
    Own(Own),
    /// That of another process, or the one that was started here when that had ended.
    Other(Arc<Attached>),
}

/// How often it is looked whether a process that takes no commands has ended: most commands end soon.
const LOOKS: u32 = 30;
/// How long to wait between two of these looks.
const LOOK: Duration = Duration::from_millis(100);

impl Opened {
    async fn start(global: &Global, args: &ScreenArgs, loaded: &Loaded) -> Result<Self, Trouble> {
        let base = session::base(global);
        let (lab, elsewhere) = mocks_of::start_those_that_can(&loaded.configuration, &base)
            .await
            .map_err(|error| not_started(&error))?;
        // Before the engine goes on with what is owed to a mock.
        let keys = mock_keys::provide(
            &loaded.configuration,
            &connectors::CATALOGUE,
            &base,
            &Target::ALL,
        );
        let works = Works::take(global, args, loaded).await?;
        let note = ControlFile::beside(global, &lab).await;
        let note = note.unwrap_or_else(|trouble| {
            tracing::warn!(%trouble, "the mocks can be steered from here only");
            None
        });
        let lab = Arc::new(lab);
        Ok(Self {
            works,
            mocks: Arc::new(MockLab::new(Arc::clone(&lab), elsewhere)),
            lab,
            keys,
            _note: note,
        })
    }

    fn setup(&self, args: &ScreenArgs, book: &LogBook) -> Setup {
        let (seat, reader): (Arc<dyn Seat>, _) = match &self.works {
            Works::Own(own) => (Arc::new(own.engine.clone()), own.engine.reader()),
            Works::Other(attached) => (Arc::clone(attached) as _, attached.reader()),
        };
        Setup {
            seat,
            reader,
            lab: Arc::clone(&self.mocks) as _,
            link: if args.slow_link {
                Link::Slow
            } else {
                Link::Quick
            },
            log: book.clone(),
            record: args.record.clone(),
            notes: self.keys.iter().map(note_of).collect(),
        }
    }

    async fn close(self) {
        match self.works {
            Works::Own(own) => own.stop().await,
            Works::Other(attached) => attached.close().await,
        }
        self.lab.shutdown().await;
    }
}

impl Works {
    /// Starts an engine, or finds the one that runs on the journal already.
    async fn take(global: &Global, args: &ScreenArgs, loaded: &Loaded) -> Result<Self, Trouble> {
        let options = session::options(global, loaded);
        for _ in 0..LOOKS {
            match run(global, options.clone()).await {
                Ok(own) => return Ok(Self::Own(own)),
                Err(StartError::Journal(JournalError::InUse { .. })) => {}
                Err(error) => return Err(session::not_started(error)),
            }
            if Client::of(&options.journal).await.is_ok() {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        let attached = Attached::to(Opens {
            options,
            file: global.config.clone(),
            may_replay: args.allow_replay,
            starter: Box::new(Here(global.clone())),
        });
        let attached = attached.await.map_err(|error| not_attached(&error))?;
        Ok(Self::Other(Arc::new(attached)))
    }
}

/// Starts the engine here when that of another process has ended.
struct Here(Global);

#[async_trait]
impl Starter for Here {
    async fn start(&self, options: Options) -> Result<Own, String> {
        let own = run(&self.0, options)
            .await
            .map_err(|error| session::not_started(error).to_string())?;
        if own.answering.is_none() {
            own.stop().await;
            return Err(
                "its control socket cannot be opened, and from here it would be reached by that only\n\
                 Leave (q) and open `outbound` again; the log says why the socket cannot be opened."
                    .to_owned(),
            );
        }
        Ok(own)
    }
}

/// Starts the engine, which goes on with what is owed and takes commands from other processes.
async fn run(global: &Global, options: Options) -> Result<Own, StartError> {
    let journal = options.journal.clone();
    let engine = Engine::start(options).await?;
    let answering = answer(global, &engine, &journal);
    Ok(Own { engine, answering })
}

/// Lets other processes command the engine as long as the workbench is open.
fn answer(global: &Global, engine: &Engine, journal: &Path) -> Option<tokio::task::JoinHandle<()>> {
    match Listener::bind(journal) {
        Ok(listener) => {
            let door = Served::new(engine.clone(), global);
            Some(tokio::spawn(async move { listener.serve(door as _).await }))
        }
        Err(error) => {
            tracing::warn!(%error, "no other process can command this engine: its socket cannot be opened");
            None
        }
    }
}

fn note_of(key: &Provided) -> Note {
    Note {
        text: key.told.clone(),
        is_failure: !key.is_there,
    }
}

fn not_attached(error: &AttachError) -> Trouble {
    match error {
        AttachError::Journal(error) => session::journal_trouble(error),
        AttachError::OtherFile(other) => {
            Trouble::new(Exit::Journal, "open the workbench", other).advise(other.advice())
        }
    }
}

fn left(ended: Result<Ended, RunError>) -> Result<Exit, Trouble> {
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
