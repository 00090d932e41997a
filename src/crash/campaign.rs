//! Runs of traffic, kill and restart, and what is left at the end of each.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use engine::Reader;
use mocks::Lab;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::compare::{Verdict, Watch, compare, known};
use super::stage::{self, FAULTS};
use super::traffic::{Mode, Told};
use super::{CrashError, system};

/// What a campaign does.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many runs; each has mocks, a journal and a seed of its own.
    pub runs: u32,
    /// The seed of the first run; the next has the next number.
    pub seed: u64,
    /// How often the process of one run is killed.
    pub kills: u32,
    /// The program, which is started as the working process.
    pub program: PathBuf,
}

/// What a campaign found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The runs.
    pub runs: Vec<Run>,
}

/// What one run found.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// How often the process was killed.
    pub kills: u32,
    /// Requests that the targets saw.
    pub requests: u64,
    /// What the last process said.
    #[serde(flatten)]
    pub told: Told,
    /// What is wrong.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The folder with the journal, kept when something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
}

impl Run {
    /// Tells whether the promise was kept: nothing is wrong, and nothing was left undone.
    pub fn is_clean(&self) -> bool {
        self.verdict.is_clean() && self.told.open == 0 && self.told.dead == 0
    }
}

impl Report {
    /// Tells whether the promise was kept in every run.
    pub fn is_clean(&self) -> bool {
        self.runs.iter().all(Run::is_clean)
    }

    fn sum(&self, of: impl Fn(&Run) -> u64) -> u64 {
        self.runs.iter().map(of).sum()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {:<6} kills {:>3}  operations {:>5}  requests {:>6}  lost {}  duplicated {}  ghosts {}  order violations {}",
            self.seed,
            self.kills,
            self.told.operations,
            self.requests,
            self.verdict.lost,
            self.verdict.duplicated,
            self.verdict.ghosts,
            self.verdict.order_violations,
        )?;
        if self.told.open + self.told.dead > 0 {
            write!(f, "  open {}  dead {}", self.told.open, self.told.dead)?;
        }
        for told in &self.verdict.told {
            write!(f, "\n  {told}")?;
        }
        if let Some(folder) = &self.folder {
            write!(
                f,
                "\n  kept: {}\n  again: outbound bench crash --runs 1 --kills {} --seed {}",
                folder.display(),
                self.kills,
                self.seed
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} runs, {} kills, {} operations, {} requests: lost {}, duplicated {}, ghosts {}, order violations {}",
            self.runs.len(),
            self.sum(|run| run.kills.into()),
            self.sum(|run| run.told.operations),
            self.sum(|run| run.requests),
            self.sum(|run| run.verdict.lost),
            self.sum(|run| run.verdict.duplicated),
            self.sum(|run| run.verdict.ghosts),
            self.sum(|run| run.verdict.order_violations),
        )?;
        let (open, dead) = (self.sum(|run| run.told.open), self.sum(|run| run.told.dead));
        if open + dead > 0 {
            write!(f, ", left open {open}, dead {dead}")?;
        }
        Ok(())
    }
}

/// Carries out a campaign. `told` hears of every run when it is over.
///
/// # Errors
/// [`CrashError`] when it cannot be carried out. What is found wrong is in the report.
pub async fn campaign(options: &Options, told: &mut dyn FnMut(&Run)) -> Result<Report, CrashError> {
    let mut report = Report::default();
    for at in 0..options.runs {
        let run = run(options, options.seed.wrapping_add(at.into())).await?;
        told(&run);
        report.runs.push(run);
    }
    Ok(report)
}

async fn run(options: &Options, seed: u64) -> Result<Run, CrashError> {
    let folder = tempfile::Builder::new()
        .prefix("outbound-crash-")
        .tempdir()
        .map_err(system("make the campaign's folder"))?;
    let lab = stage::set(folder.path(), seed).await?;
    let known = known(&lab);
    let follower = Follower::start(&lab);
    let seen = follower.requests.clone();
    for fault in FAULTS {
        lab.arm(fault).map_err(|error| CrashError::System {
            what: format!("arm {fault}"),
            source: std::io::Error::other(error),
        })?;
    }
    let mut dice = StdRng::seed_from_u64(seed);
    for generation in 1..=options.kills {
        let until = seen.borrow().saturating_add(dice.random_range(3..160));
        let late = Duration::from_micros(dice.random_range(0..3000));
        let mut worker = Worker::start(options, folder.path(), seed, generation, Mode::Traffic)?;
        let mut counted = seen.clone();
        // The guard that comes of the wait must not be kept: whoever counts would wait for it.
        let reached = async {
            counted
                .wait_for(|requests| *requests >= until)
                .await
                .is_ok()
        };
        tokio::select! {
            _ = reached => tokio::time::sleep(late).await,
            // It has carried out everything before it was killed: then it is killed at rest.
            ended = worker.line() => if ended?.is_none() {
                return Err(worker.ended(folder).await);
            },
        }
        worker.kill().await?;
    }
    lab.disarm_all();
    let mut worker = Worker::start(options, folder.path(), seed, options.kills + 1, Mode::Drain)?;
    let last = worker.line().await?;
    let said = last.and_then(|line| serde_json::from_str::<Told>(&line).ok());
    let Some(told) = said else {
        return Err(worker.ended(folder).await);
    };
    worker.wait().await?;
    lab.shutdown().await;
    let watch = follower.end().await?;
    let reader = Reader::open(&folder.path().join("journal.db"))?;
    let verdict = compare(&reader, &lab, &known, &watch)?;
    let mut run = Run {
        seed,
        kills: options.kills,
        requests: watch.requests,
        told,
        verdict,
        folder: None,
    };
    if !run.is_clean() {
        run.folder = Some(folder.keep());
    }
    Ok(run)
}

/// Follows what the mocks are asked and what changes there.
struct Follower {
    requests: watch::Receiver<u64>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Watch>,
}

impl Follower {
    fn start(lab: &Lab) -> Self {
        let mut feed = lab.subscribe();
        let (count, requests) = watch::channel(0);
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut watch = Watch::default();
            loop {
                tokio::select! {
                    biased;
                    entry = feed.next() => match entry {
                        Some(entry) => watch.see(&entry),
                        None => break,
                    },
                    _ = &mut stopped => break,
                }
                count.send_replace(watch.requests);
            }
            watch.missed = feed.missed();
            watch
        });
        Self {
            requests,
            stop,
            task,
        }
    }

    /// Returns what was seen until now.
    async fn end(self) -> Result<Watch, CrashError> {
        let _ = self.stop.send(()); // a task that has ended already is what is wanted
        self.task.await.map_err(|error| CrashError::System {
            what: "follow the mocks".to_owned(),
            source: std::io::Error::other(error),
        })
    }
}

/// The process that is killed.
struct Worker {
    child: Child,
    lines: tokio::io::Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(
        options: &Options,
        folder: &Path,
        seed: u64,
        generation: u32,
        mode: Mode,
    ) -> Result<Self, CrashError> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("worker.log"))
            .map_err(system("write the working process's log"))?;
        let mut command = Command::new(&options.program);
        command
            .args(["bench", "crash-worker", "--folder"])
            .arg(folder)
            .args(["--seed", &seed.to_string()])
            .args(["--generation", &generation.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        if mode == Mode::Drain {
            command.arg("--drain");
        }
        let mut child = command
            .spawn()
            .map_err(system("start the working process"))?;
        let stdout = child.stdout.take().ok_or_else(|| CrashError::System {
            what: "listen to the working process".to_owned(),
            source: std::io::Error::other("it has no output"),
        })?;
        Ok(Self {
            child,
            lines: BufReader::new(stdout).lines(),
        })
    }

    /// Waits for what it says; `None` when it has ended.
    async fn line(&mut self) -> Result<Option<String>, CrashError> {
        self.lines
            .next_line()
            .await
            .map_err(system("listen to the working process"))
    }

    /// Ends it with SIGKILL.
    async fn kill(&mut self) -> Result<(), CrashError> {
        self.child
            .kill()
            .await
            .map_err(system("kill the working process"))
    }

    async fn wait(&mut self) -> Result<(), CrashError> {
        let ended = self.child.wait().await;
        ended
            .map(|_| ())
            .map_err(system("wait for the working process"))
    }

    /// Tells how it ended that should not have.
    async fn ended(mut self, folder: TempDir) -> CrashError {
        let status = match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let told = std::fs::read_to_string(folder.path().join("worker.log")).unwrap_or_default();
        CrashError::Ended {
            status,
            told,
            folder: folder.keep(),
        }
    }
}
