//! `outbound import`: users from a file, one trigger per row.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use clap::{Args, ValueEnum};
use domain::{FlowId, Request};
use engine::{Import, ImportError, ImportFormat, ImportReport, Intake, Intaken};
use indicatif::{ProgressBar, ProgressStyle};

use super::out::Out;
use super::seat::Seat;
use super::trouble::Trouble;
use super::{Global, out, session};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// How the file is written
    #[arg(value_enum)]
    format: Format,
    /// The file
    file: PathBuf,
    /// How many rows are submitted at once
    #[arg(long, default_value_t = 32)]
    concurrency: usize,
    /// How long to wait for the operations of these rows afterwards, in seconds; what is not settled then stays owed
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A header with userName, store, roles, groups, password and claims; then one user per row
    Csv,
    /// SCIM 2.0 users: a list response, an array, or one user per line
    Scim,
}

pub(super) async fn import(global: &Global, out: Out, args: ImportArgs) -> Result<Exit, Trouble> {
    let tried = format!("import {}", args.file.display());
    let file =
        File::open(&args.file).map_err(|error| Trouble::new(Exit::Input, tried.clone(), error))?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let (_, seat) = Seat::take(global, true).await?;
    let handing = Arc::new(Handing {
        seat,
        flows: Mutex::default(),
        refused: Mutex::default(),
    });
    let bar = if out.shows_progress() {
        ProgressBar::new(size)
    } else {
        ProgressBar::hidden()
    };
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {percent}%  {msg}  {eta} left")
            .expect("the template is a constant"),
    );
    let source = Import {
        content: Box::new(file),
        format: match args.format {
            Format::Csv => ImportFormat::Csv,
            Format::Scim => ImportFormat::Scim,
        },
        concurrency: args.concurrency.max(1),
    };
    let intake: Arc<dyn Intake> = handing.clone();
    let work = engine::import(intake, source, |report| {
        bar.set_position(report.bytes);
        bar.set_message(format!(
            "{} created, {} failed",
            report.created, report.failed
        ));
    });
    let result = tokio::select! {
        result = work => result.map_err(|error| handing.not_imported(tried, &error)),
        () = crate::workbench::stop_signal() => Err(Trouble::new(Exit::Interrupted, tried, "stopped by a signal")
            .advise(AGAIN)),
    };
    bar.finish_and_clear();
    let owed = match &result {
        Ok(_) => handing.settled(Duration::from_secs(args.wait)).await,
        Err(_) => Ok(0), // it is said why, and nothing of the rows
    };
    handing.seat.leave().await;
    let (report, owed) = (result?, owed?);
    tell(out, &report, owed);
    Ok(match (report.failed, owed) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Owed,
        _ => Exit::Failed,
    })
}

/// Hands the rows to the engine, whosever it is.
struct Handing {
    seat: Seat,
    /// What came of the rows: beside a running engine there is more that is owed.
    flows: Mutex<Vec<FlowId>>,
    /// What to do next, when the engine takes nothing more.
    refused: Mutex<Option<String>>,
}

const AGAIN: &str = "run the same command again: users that are there are skipped";

impl Handing {
    fn flows(&self) -> MutexGuard<'_, Vec<FlowId>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self) -> MutexGuard<'_, Option<String>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says why an import stopped before its end: for the file, or because the engine takes nothing more.
    fn not_imported(&self, tried: String, error: &ImportError) -> Trouble {
        match error {
            ImportError::Unreadable { .. } => {
                Trouble::new(Exit::Input, tried, error).advise(format!("mend the file and {AGAIN}"))
            }
            ImportError::Stopped { .. } => {
                let first = self.refused().take();
                let first = first.map_or_else(String::new, |first| format!("{first}; then "));
                Trouble::new(Exit::Journal, tried, error).advise(format!("{first}{AGAIN}"))
            }
        }
    }

    /// Waits for the operations of the rows, and returns how many of them are still owed.
    async fn settled(&self, wait: Duration) -> Result<u64, Trouble> {
        let flows = std::mem::take(&mut *self.flows());
        self.seat.settle_flows(&flows, wait).await?;
        let reader = self.seat.reader();
        let mut owed = 0;
        for flow in flows {
            let states = reader.states_of(flow);
            let states = states.map_err(|error| session::journal_trouble(&error))?;
            owed += states
                .into_iter()
                .filter(|(state, _)| state.is_open())
                .map(|(_, count)| count)
                .sum::<u64>();
        }
        Ok(owed)
    }
}

#[async_trait]
impl Intake for Handing {
    async fn take(&self, request: Request) -> Intaken {
        match self.seat.submit(request).await {
            Ok((flow, accepted)) => {
                self.flows().push(flow);
                if accepted {
                    Intaken::Created
                } else {
                    Intaken::Refused(engine::BLOCKED.to_owned())
                }
            }
            Err(trouble) if trouble.there => Intaken::There,
            Err(trouble) if trouble.exit == Exit::Journal => {
                *self.refused() = trouble.advice;
                Intaken::Stopped(trouble.happened.join(" "))
            }
            Err(trouble) => Intaken::Refused(trouble.happened.join(" ")),
        }
    }
}

fn tell(out: Out, report: &ImportReport, owed: u64) {
    for error in &report.errors {
        let name = error.name.as_deref().unwrap_or("?");
        out::note(&format!("row {} ({name}): {}", error.row, error.told));
    }
    out.text(&format!(
        "{}: {} created, {} were there already, {} failed; owed: {}",
        out::counted(report.rows, "row"),
        report.created,
        report.skipped,
        report.failed,
        out::counted(owed, "operation")
    ));
    let errors: Vec<_> = report
        .errors
        .iter()
        .map(|error| serde_json::json!({ "row": error.row, "user": error.name, "error": error.told }))
        .collect();
    out.value(&serde_json::json!({
        "rows": report.rows, "created": report.created, "skipped": report.skipped, "failed": report.failed,
        "owed": owed, "errors": errors,
    }));
}
