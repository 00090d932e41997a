//! The measurements behind `outbound bench engine`: the whole path of an operation beside the bare requests that it makes.
//!
//! Every part runs in a process of its own, so that its processor time and its memory are nobody else's, and the mocks
//! run in another: the same for the bare loop and for the engine. Rates on a shared machine drift by a quarter from
//! minute to minute, so bare loop and engine take turns, and what is compared comes from the same round.

mod dictionary;
mod durable;
mod gauge;
mod growth;
mod people;
mod raw;
mod report;
mod venue;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use engine::{JournalError, StartError, SubmitError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

pub use dictionary::write as write_dictionary;
use durable::{Durable, Load};
use growth::{Size, Start};
use raw::Raw;
pub use report::Report;
use venue::{Addresses, Mocks, Targets};

/// How many requests are in flight in the rounds.
const CONCURRENCY: [usize; 4] = [1, 16, 64, 256];

/// Where many are under way: growth, backlog, three targets.
const WIDE: usize = 256;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Rounds; each figure is the median of them.
    pub runs: usize,
    /// What the users are drawn from.
    pub seed: u64,
    /// Measures with a million users and a million queued operations as well, which takes minutes.
    pub full: bool,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A process of a part cannot be run.
    #[error("a part cannot be run: {0}")]
    Process(String),
    /// A part failed; its own words are on standard error.
    #[error("the part `{0}` failed; what it said stands above")]
    Part(&'static str),
    /// The mocks did not say where they are.
    #[error("the mocks did not start")]
    NoMocks,
    /// The configuration cannot be used.
    #[error("the configuration cannot be used: {0}")]
    Configuration(String),
    /// A request of the bare loop failed.
    #[error("a request to a mock failed: {0}")]
    Wire(String),
    /// An operation came to something else than a confirmation.
    #[error("an operation was not confirmed: {0}")]
    Unconfirmed(String),
    /// The engine did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The engine did not take a request.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// One part, as the process that carries it out is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Part {
    Raw(Load),
    Durable(Load),
    Plan(Load),
    Grow {
        load: Load,
        sizes: Vec<u64>,
        windows: u64,
    },
    Queue {
        load: Load,
        folder: PathBuf,
    },
    Start {
        load: Load,
        folder: PathBuf,
    },
}

impl Part {
    fn word(&self) -> &'static str {
        match self {
            Self::Raw(_) => "raw",
            Self::Durable(_) => "durable",
            Self::Plan(_) => "plan",
            Self::Grow { .. } => "grow",
            Self::Queue { .. } => "queue",
            Self::Start { .. } => "start",
        }
    }
}

/// What a process is told to do, as its argument.
#[derive(Serialize, Deserialize)]
struct Order {
    part: Part,
    addresses: Addresses,
}

/// Carries out one part in this process and returns its figures as JSON.
///
/// # Errors
/// [`BenchError`] when the order is none, or something in it fails.
pub async fn part(order: &str) -> Result<serde_json::Value, BenchError> {
    let unreadable = |error: serde_json::Error| BenchError::Process(error.to_string());
    let Order { part, addresses } = serde_json::from_str(order).map_err(unreadable)?;
    match part {
        Part::Raw(load) => serde_json::to_value(raw::run(&addresses, load).await?),
        Part::Durable(load) => serde_json::to_value(durable::run(&addresses, load).await?),
        Part::Plan(load) => serde_json::to_value(growth::plan(&addresses, load).await?),
        Part::Grow {
            load,
            sizes,
            windows,
        } => serde_json::to_value(growth::grow(&addresses, load, &sizes, windows).await?),
        Part::Queue { load, folder } => {
            serde_json::to_value(growth::queue(&folder, &addresses, load).await?)
        }
        Part::Start { load, folder } => {
            serde_json::to_value(growth::start(&folder, &addresses, load).await?)
        }
    }
    .map_err(unreadable)
}

/// Runs a part in a process of its own, against mocks of its own.
async fn apart<T: DeserializeOwned>(part: Part) -> Result<T, BenchError> {
    let failed = |error: std::io::Error| BenchError::Process(error.to_string());
    let word = part.word();
    let mocks = Mocks::start().await?;
    let order = Order {
        part,
        addresses: mocks.addresses.clone(),
    };
    let order =
        serde_json::to_string(&order).map_err(|error| BenchError::Process(error.to_string()))?;
    let program = std::env::current_exe().map_err(failed)?;
    let ended = Command::new(program)
        .args(["--json", "bench", "part"])
        .arg(order)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?
        .wait_with_output()
        .await
        .map_err(failed)?;
    if !ended.status.success() {
        return Err(BenchError::Part(word));
    }
    serde_json::from_slice(&ended.stdout).map_err(|error| BenchError::Process(error.to_string()))
}

/// Returns a folder that goes with the value: on the disk of the temporary folder, so `TMPDIR` chooses the disk.
fn folder() -> Result<tempfile::TempDir, BenchError> {
    tempfile::Builder::new()
        .prefix("outbound-bench-")
        .tempdir()
        .map_err(|error| BenchError::Process(error.to_string()))
}

/// Bare loop and engine at one number of requests in flight, in the same round.
type Pair = (Raw, Durable);

/// Everything that was measured, each figure as often as there are runs.
struct Figures {
    options: Options,
    /// For each of [`CONCURRENCY`].
    pairs: Vec<Vec<Pair>>,
    three: Vec<Durable>,
    plans: Vec<Duration>,
    planned: u64,
    sizes: Vec<Size>,
    backlog: u64,
    starts: Vec<Start>,
}

/// Measures everything. `progress` is told what is measured next.
///
/// # Errors
/// [`BenchError`] when a part cannot be carried out.
pub async fn run(options: Options, mut progress: impl FnMut(&str)) -> Result<Report, BenchError> {
    let runs = options.runs.max(1);
    let load = |concurrency: usize, users: u64, targets: Targets| Load {
        seed: options.seed,
        users,
        concurrency,
        targets,
    };
    let mut figures = Figures {
        options,
        pairs: vec![Vec::new(); CONCURRENCY.len()],
        three: Vec::new(),
        plans: Vec::new(),
        planned: 10_000,
        sizes: Vec::new(),
        backlog: if options.full { 1_000_000 } else { 100_000 },
        starts: Vec::new(),
    };
    for round in 1..=runs {
        for (pairs, concurrency) in figures.pairs.iter_mut().zip(CONCURRENCY) {
            progress(&format!(
                "round {round} of {runs}: {concurrency} in flight, bare and durable"
            ));
            let users = (concurrency as u64 * 500).clamp(2_000, 20_000);
            let load = load(concurrency, users, Targets::One);
            pairs.push((
                apart(Part::Raw(load)).await?,
                apart(Part::Durable(load)).await?,
            ));
        }
        progress(&format!(
            "round {round} of {runs}: three targets, and plans"
        ));
        let three = load(WIDE, 6_000, Targets::Three);
        figures.three.push(apart(Part::Durable(three)).await?);
        let plan = load(1, figures.planned, Targets::Three);
        figures.plans.push(apart(Part::Plan(plan)).await?);
    }
    let mut sizes = vec![1_000, 10_000, 100_000];
    if options.full {
        sizes.push(1_000_000);
    }
    progress(&format!("growth up to {} users", sizes[sizes.len() - 1]));
    let part = Part::Grow {
        load: load(WIDE, 0, Targets::One),
        sizes,
        windows: runs as u64,
    };
    figures.sizes = apart(part).await?;
    progress(&format!("a backlog of {} operations", figures.backlog));
    let folder = folder()?;
    let load = load(WIDE, figures.backlog, Targets::One);
    let at = |folder: &Path| folder.to_owned();
    let queue = Part::Queue {
        load,
        folder: at(folder.path()),
    };
    apart::<()>(queue).await?;
    for _ in 0..runs {
        let start = Part::Start {
            load,
            folder: at(folder.path()),
        };
        figures.starts.push(apart(start).await?);
    }
    Ok(Report::of(&figures))
}
