//! `outbound import`: users from a file, one trigger per row.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use clap::{Args, ValueEnum};
use domain::Request;
use engine::{Import, ImportFormat, ImportReport, Intake, Intaken};
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
    /// How long to wait for the operations afterwards, in seconds; what is not settled then stays owed
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
    let seat = Arc::new(seat);
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
    let intake: Arc<dyn Intake> = Arc::new(Handing(Arc::clone(&seat)));
    let work = engine::import(intake, source, |report| {
        bar.set_position(report.bytes);
        bar.set_message(format!(
            "{} created, {} failed",
            report.created, report.failed
        ));
    });
    let result = tokio::select! {
        result = work => result.map_err(|error| Trouble::new(Exit::Input, tried, error)
            .advise("mend the file and run the same command again: users that are there are skipped")),
        () = crate::workbench::stop_signal() => Err(Trouble::new(Exit::Interrupted, tried, "stopped by a signal")
            .advise("run the same command again: users that are there are skipped")),
    };
    bar.finish_and_clear();
    let waited = async {
        if result.is_ok() {
            let wait = std::time::Duration::from_secs(args.wait);
            seat.settle(&seat.owed(None)?, wait).await?;
        }
        let counts = seat.reader().counts();
        counts.map_err(|error| session::journal_trouble(&error))
    };
    let counts = waited.await;
    seat.leave().await;
    let report = result?;
    let owed = counts?
        .values()
        .flatten()
        .filter(|(state, _)| state.is_open())
        .map(|(_, count)| count)
        .sum::<u64>();
    tell(out, &report, owed);
    Ok(match (report.failed, owed) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Owed,
        _ => Exit::Failed,
    })
}

/// Hands the rows to the engine, whosever it is.
struct Handing(Arc<Seat>);

#[async_trait]
impl Intake for Handing {
    async fn take(&self, request: Request) -> Intaken {
        match self.0.submit(request).await {
            Ok((_, true)) => Intaken::Created,
            Ok((_, false)) => Intaken::Refused(engine::BLOCKED.to_owned()),
            Err(trouble) if trouble.there => Intaken::There,
            Err(trouble) if trouble.exit == Exit::Journal => {
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
