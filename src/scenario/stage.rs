//! What a scenario is played on: private mocks, a scratch journal, an engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use config::edit::Document;
use connectors::CATALOGUE;
use domain::{Clock, FlowId, Request, SystemClock};
use engine::{Engine, FlowTrace, Outcome, Reader, Seed, State, SubmitError};
use mocks::Lab;
use mocks::lab::LabFeed;
use tempfile::TempDir;

use super::file::{ClockKind, EditEntry, Override, Scenario, Wait};
use super::remote;
use crate::mocks_of::{self, MocksError, Ports};
use crate::virtual_time::VirtualTime;
use crate::workbench;

/// How long nobody may wait for a virtual clock before it is looked at again, in real time, and how often.
const MOMENT: Duration = Duration::from_millis(50);
const MOMENTS: u32 = 40;

/// The configuration that scenarios start from unless they name another.
const SHIPPED: &str = include_str!("../../workbench.toml");
/// The key that the shipped configuration names; public, and good for the mock only.
const SHIPPED_KEY: (&str, &[u8]) = (
    "mocks/keys/google-service-account.p12",
    include_bytes!("../../mocks/keys/google-service-account.p12"),
);
/// The longest that a step may take to settle.
const PATIENCE: Duration = Duration::from_mins(1);
/// When the virtual clock begins: every run sees the same times.
const BEGIN: &str = "2026-01-01T00:00:00Z";
/// How far the virtual clock is moved for one wait: what has not come after a year does not come.
const YEAR: Duration = Duration::from_hours(366 * 24);

/// Why a scenario could not be played at all.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// A file that the scenario names, or the scratch folder, cannot be used.
    #[error("{path} cannot be used: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration, with the scenario's changes, has errors.
    #[error("the configuration cannot be used\n{0}")]
    Configuration(String),
    /// A change of the configuration cannot be made.
    #[error("`{path}` cannot be changed: {told}")]
    Override {
        /// The value's path.
        path: String,
        /// Why.
        told: String,
    },
    /// The mocks do not start.
    #[error("the mocks do not start: {0}")]
    Mocks(#[from] MocksError),
    /// The engine does not start.
    #[error("the engine does not start: {0}")]
    Engine(#[from] engine::StartError),
    /// The directory seed cannot be used.
    #[error("the directory seed cannot be used: {0}")]
    Seed(String),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] engine::JournalError),
    /// A step makes no sense.
    #[error("step at line {line}: {told}")]
    Step {
        /// The line of the scenario file.
        line: usize,
        /// Why.
        told: String,
    },
}

/// Mocks, configuration and engine of one played scenario.
pub(super) struct Stage {
    folder: PathBuf,
    base: PathBuf,
    seed: u64,
    lab: Lab,
    feed: LabFeed,
    engine: Engine,
    /// The virtual clock, when the scenario goes by it.
    time: Option<VirtualTime>,
    // Removes the folder at the end, unless it is to be kept.
    _scratch: Option<TempDir>,
}

impl Stage {
    /// Starts everything that the scenario needs.
    pub(super) async fn set(
        scenario: &Scenario,
        path: &Path,
        keep: Option<&Path>,
    ) -> Result<Self, PlayError> {
        let beside = path.parent().unwrap_or(Path::new("")).to_owned();
        let (folder, scratch) = folder(path, keep)?;
        let (text, base) = if let Some(file) = &scenario.config {
            let file = beside.join(file);
            let text = std::fs::read_to_string(&file).map_err(|source| at(&file, source))?;
            (text, file.parent().unwrap_or(Path::new("")).to_owned())
        } else {
            let key = folder.join(SHIPPED_KEY.0);
            std::fs::create_dir_all(key.parent().unwrap_or(&folder))
                .map_err(|source| at(&key, source))?;
            std::fs::write(&key, SHIPPED_KEY.1).map_err(|source| at(&key, source))?;
            (SHIPPED.to_owned(), folder.clone())
        };
        let workbench = folder.join("workbench.toml");
        std::fs::write(&workbench, text).map_err(|source| at(&workbench, source))?;
        change(&workbench, &scenario.overrides)?;
        let mut configuration = load(&workbench, &base)?;
        let targets = scenario.targets.as_ref().map(|file| beside.join(file));
        let time = match scenario.clock {
            ClockKind::System => None,
            ClockKind::Virtual => Some(VirtualTime::at(
                BEGIN.parse().unwrap_or(jiff::Timestamp::UNIX_EPOCH),
            )),
        };
        let mock_clock = time
            .as_ref()
            .map_or_else(system_mock_clock, VirtualTime::mock_clock);
        let lab = mocks_of::start_by(
            mock_clock,
            &configuration,
            &base,
            Ports::Free,
            scenario.seed,
            targets.as_deref(),
        )
        .await?;
        mocks_of::redirect(&mut configuration, &lab);
        let feed = lab.subscribe();
        let options = workbench::options_by(
            clock_of(time.as_ref()),
            Arc::new(configuration),
            &base,
            folder.join("journal.db"),
            scenario.seed,
        );
        let engine = Engine::start(options).await?;
        if let Some(file) = &scenario.directory {
            let file = beside.join(file);
            let text = std::fs::read_to_string(&file).map_err(|source| at(&file, source))?;
            let seed = Seed::parse(&text)
                .map_err(|error| PlayError::Seed(format!("{}: {error}", file.display())))?;
            engine
                .seed(&seed)
                .await
                .map_err(|error| PlayError::Seed(format!("{}: {error}", file.display())))?;
        }
        Ok(Self {
            folder,
            base,
            seed: scenario.seed,
            lab,
            feed,
            engine,
            time,
            _scratch: scratch,
        })
    }

    pub(super) fn lab(&self) -> &Lab {
        &self.lab
    }

    pub(super) fn feed(&mut self) -> &mut LabFeed {
        &mut self.feed
    }

    pub(super) fn reader(&self) -> Reader {
        self.engine.reader()
    }

    /// Changes values of the configuration while the engine runs.
    pub(super) async fn configure(&self, changes: &[Override]) -> Result<(), PlayError> {
        if changes.is_empty() {
            return Ok(());
        }
        let workbench = self.folder.join("workbench.toml");
        change(&workbench, changes)?;
        let configuration = self.redirected(&workbench)?;
        self.engine
            .reconfigure(configuration)
            .await
            .map_err(|error| PlayError::Configuration(error.to_string()))
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Does at a target what somebody else does there.
    pub(super) async fn edit(&self, entry: &EditEntry) -> Result<String, String> {
        let configuration = self
            .redirected(&self.folder.join("workbench.toml"))
            .map_err(|error| error.to_string())?;
        let options = workbench::options(
            configuration.clone(),
            &self.base,
            self.folder.join("journal.db"),
            self.seed,
        );
        remote::edit(options.connectors.as_ref(), &configuration, entry).await
    }

    /// Hands in a request; the virtual clock is moved on while the caller waits.
    pub(super) async fn submit(&self, request: Request) -> Result<Outcome, SubmitError> {
        let outcome = self.engine.submit(request);
        let Some(time) = &self.time else {
            return outcome.await;
        };
        let limit = time.passed().saturating_add(YEAR);
        tokio::pin!(outcome);
        loop {
            tokio::select! {
                biased;
                outcome = &mut outcome => return outcome,
                moved = time.step(&self.engine, limit) => if !moved {
                    // Nobody waits for the clock yet; what is awaited comes by itself, or somebody is about to wait.
                    if let Ok(outcome) = tokio::time::timeout(MOMENT, &mut outcome).await {
                        return outcome;
                    }
                },
            }
        }
    }

    /// Returns how far the virtual clock has come.
    pub(super) fn passed(&self) -> Option<Duration> {
        self.time.as_ref().map(VirtualTime::passed)
    }

    /// Lets time pass; `false` when the scenario goes by the system's clock.
    pub(super) async fn advance(&self, by: Duration) -> bool {
        let Some(time) = &self.time else {
            return false;
        };
        time.advance(&self.engine, by).await;
        true
    }

    /// Ends the engine as a power cut would, and starts it again on the same journal.
    pub(super) async fn restart(&mut self) -> Result<(), PlayError> {
        self.engine.abort().await;
        let configuration = self.redirected(&self.folder.join("workbench.toml"))?;
        let options = workbench::options_by(
            clock_of(self.time.as_ref()),
            configuration,
            &self.base,
            self.folder.join("journal.db"),
            self.seed + 1,
        );
        self.engine = Engine::start(options).await?;
        Ok(())
    }

    fn redirected(&self, workbench: &Path) -> Result<Arc<domain::Configuration>, PlayError> {
        let mut configuration = load(workbench, &self.base)?;
        mocks_of::redirect(&mut configuration, &self.lab);
        Ok(Arc::new(configuration))
    }

    /// Waits for the operations of a flow; tells whether they got there in time.
    pub(super) async fn wait(&self, flow: FlowId, wait: Wait) -> Result<bool, PlayError> {
        if let Some(time) = &self.time {
            let limit = time.passed().saturating_add(YEAR);
            let reached = async {
                let mut moments = 0;
                loop {
                    time.still(&self.engine).await;
                    if self.has_reached(flow, wait)? {
                        return Ok(true);
                    }
                    if time.step(&self.engine, limit).await {
                        moments = 0;
                    } else if moments < MOMENTS {
                        // What was done a moment ago may be about to be told, or to wait for the clock.
                        moments += 1;
                        tokio::time::sleep(MOMENT).await;
                    } else {
                        return Ok(false);
                    }
                }
            };
            return tokio::time::timeout(PATIENCE, reached)
                .await
                .unwrap_or(Ok(false));
        }
        let clock = SystemClock::default();
        let mut news = self.engine.subscribe(); // before the look, so that nothing falls between
        loop {
            if self.has_reached(flow, wait)? {
                return Ok(true);
            }
            let Some(left) = PATIENCE
                .checked_sub(clock.monotonic())
                .filter(|left| !left.is_zero())
            else {
                return Ok(false);
            };
            if tokio::time::timeout(left, news.next()).await.is_err() {
                return Ok(false);
            }
        }
    }

    fn has_reached(&self, flow: FlowId, wait: Wait) -> Result<bool, PlayError> {
        Ok(self.trace(flow)?.is_some_and(|trace| {
            trace.operations.iter().all(|operation| match wait {
                Wait::Nothing => true,
                Wait::Tried => !matches!(operation.life.state(), State::Queued | State::InFlight),
                Wait::Settled => !operation.life.is_open() || operation.life.state() == State::Held,
            })
        }))
    }

    /// Waits until nothing is owed that could be sent; tells whether that came in time.
    pub(super) async fn settle(&self) -> bool {
        if let Some(time) = &self.time {
            let limit = time.passed().saturating_add(YEAR);
            while self.engine.idle().await.waiting > 0 {
                if !time.step(&self.engine, limit).await {
                    return false;
                }
            }
            return true;
        }
        let deadline = SystemClock::default()
            .now()
            .checked_add(PATIENCE)
            .unwrap_or(jiff::Timestamp::MAX);
        self.engine.idle_until(deadline).await.waiting == 0
    }

    pub(super) fn trace(&self, flow: FlowId) -> Result<Option<FlowTrace>, PlayError> {
        Ok(self.engine.reader().trace(flow)?)
    }

    /// Stops everything.
    pub(super) async fn strike(self) {
        self.engine.shutdown().await;
        self.lab.shutdown().await;
    }
}

fn clock_of(time: Option<&VirtualTime>) -> Arc<dyn Clock> {
    time.map_or_else(
        || Arc::new(SystemClock::default()) as Arc<dyn Clock>,
        VirtualTime::clock,
    )
}

fn system_mock_clock() -> Arc<dyn mocks::clock::Clock> {
    Arc::new(mocks::clock::SystemClock::new())
}

fn folder(path: &Path, keep: Option<&Path>) -> Result<(PathBuf, Option<TempDir>), PlayError> {
    let Some(keep) = keep else {
        let scratch = tempfile::tempdir().map_err(|source| at(&std::env::temp_dir(), source))?;
        return Ok((scratch.path().to_owned(), Some(scratch)));
    };
    let folder = keep.join(path.file_stem().unwrap_or_default());
    if folder.join("journal.db").exists() {
        let held = std::io::ErrorKind::AlreadyExists;
        return Err(at(
            &folder,
            std::io::Error::new(held, "it holds an earlier run"),
        ));
    }
    std::fs::create_dir_all(&folder).map_err(|source| at(&folder, source))?;
    Ok((folder, None))
}

fn change(workbench: &Path, changes: &[Override]) -> Result<(), PlayError> {
    if changes.is_empty() {
        return Ok(());
    }
    let failed = |path: &str, told: String| PlayError::Override {
        path: path.to_owned(),
        told,
    };
    let mut document = Document::open(workbench, &CATALOGUE)
        .map_err(|error| failed("workbench.toml", error.to_string()))?;
    for entry in changes {
        let value = written(&entry.value).map_err(|told| failed(&entry.path, told))?;
        document
            .set(&entry.path, value)
            .map_err(|error| failed(&entry.path, error.to_string()))?;
    }
    document
        .save()
        .map_err(|error| failed("workbench.toml", error.to_string()))?;
    Ok(())
}

fn written(value: &toml::Value) -> Result<toml_edit::Value, String> {
    value
        .to_string()
        .parse()
        .map_err(|error: toml_edit::TomlError| error.to_string())
}

fn load(workbench: &Path, base: &Path) -> Result<domain::Configuration, PlayError> {
    let text = std::fs::read_to_string(workbench).map_err(|source| at(workbench, source))?;
    let loaded = config::parse(&text, "workbench.toml", base, &CATALOGUE)
        .map_err(|error| PlayError::Configuration(error.to_string()))?;
    Ok(loaded.configuration)
}

fn at(path: &Path, source: std::io::Error) -> PlayError {
    PlayError::File {
        path: path.to_owned(),
        source,
    }
}
