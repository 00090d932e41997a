//! Imports and bulk triggers: carried out away from the screen, with progress, and stopped when somebody says so.

use std::path::Path;
use std::time::Duration;

use domain::Request;
use engine::{Import, ImportFormat, ImportReport};
use tokio::sync::oneshot;

use super::Hands;
use crate::screen::told;
use crate::seat::Submitted;
use crate::wish::{Answer, Happening};
use crate::work::{Stage, Work};

/// How many rows of an import are submitted at once.
const AT_ONCE: usize = 16;
/// How often progress is told at most.
const BEAT: Duration = Duration::from_millis(200);

impl Hands {
    /// Begins to bring users from a file, one trigger per row.
    pub(super) fn import(&mut self, path: &Path, send: impl FnOnce(Answer) + Send + 'static) {
        let name = path.file_name().map_or_else(
            || path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        let Some(stop) = self.begin() else {
            return send(Answer::Done(Err(BUSY.to_owned())));
        };
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) => {
                let told = format!("cannot import {}: {error}", path.display());
                return send(Answer::Done(Err(told)));
            }
        };
        let size = file.metadata().map_or(0, |data| data.len()).max(1);
        let source = Import {
            content: Box::new(file),
            format: format(path),
            concurrency: AT_ONCE,
        };
        let (seat, sender, clock) = (self.seat.clone(), self.sender.clone(), self.clock.clone());
        let work = Work::begin(format!("import {name}"));
        let report = std::sync::Arc::new(std::sync::Mutex::new(work));
        tokio::spawn(async move {
            let shared = report.clone();
            let mut last = clock.monotonic();
            let progress = move |now: &ImportReport| {
                let mut work = shared
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                count(&mut work, now, size);
                let passed = clock.monotonic();
                if passed.saturating_sub(last) >= BEAT {
                    last = passed;
                    let answer = Answer::Work(work.clone());
                    let _ = sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
                }
            };
            let result = tokio::select! {
                result = engine::import(seat.intake(), source, progress) => Some(result),
                _ = stop => None,
            };
            let mut work = report
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .clone();
            work.stage = match result {
                Some(Ok(ended)) => {
                    count(&mut work, &ended, size);
                    Stage::Ended
                }
                Some(Err(error)) => Stage::Broken(told(&error)),
                None => Stage::Stopped,
            };
            send(Answer::Work(work));
        });
    }

    /// Begins to make several things happen, one after the other.
    pub(super) fn bulk(
        &mut self,
        what: String,
        requests: Vec<Request>,
        send: impl FnOnce(Answer) + Send + 'static,
    ) {
        let Some(mut stop) = self.begin() else {
            return send(Answer::Done(Err(BUSY.to_owned())));
        };
        let (seat, sender, clock) = (self.seat.clone(), self.sender.clone(), self.clock.clone());
        tokio::spawn(async move {
            let mut work = Work::begin(what);
            let all = u64::try_from(requests.len()).unwrap_or(u64::MAX).max(1);
            let (mut made, mut operations) = (0_u64, 0);
            let mut last = clock.monotonic();
            for request in requests {
                let name = subject(&request);
                // What was begun is owed and goes on; only the rest is not begun.
                let result = tokio::select! {
                    biased;
                    _ = &mut stop => {
                        work.stage = Stage::Stopped;
                        break;
                    }
                    result = seat.submit(request) => result,
                };
                work.done += 1;
                work.percent = work.done * 100 / all;
                match result {
                    Ok(Submitted {
                        rejected: None,
                        operations: count,
                        ..
                    }) => {
                        made += 1;
                        operations += count;
                    }
                    Ok(_) => work.wrong(format!("{name}: refused, a blocking provisioner failed")),
                    Err(refusal) if refusal.is_over => {
                        work.stage = Stage::Broken(refusal.told);
                        break;
                    }
                    Err(refusal) => work.wrong(format!("{name}: {}", refusal.told)),
                }
                work.told = format!(
                    "{made} made, {operations} operations, {} failed",
                    work.failed
                );
                let passed = clock.monotonic();
                if passed.saturating_sub(last) >= BEAT {
                    last = passed;
                    let answer = Answer::Work(work.clone());
                    let _ = sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
                }
            }
            if work.is_under_way() {
                work.stage = Stage::Ended;
            }
            send(Answer::Work(work));
        });
    }

    /// Returns what stops new work; `None` while other work is under way.
    fn begin(&mut self) -> Option<oneshot::Receiver<()>> {
        if self.stop.as_ref().is_some_and(|stop| !stop.is_closed()) {
            return None;
        }
        let (stop, stopped) = oneshot::channel();
        self.stop = Some(stop);
        Some(stopped)
    }
}

const BUSY: &str = "other work is under way; wait for its end, or stop it with Ctrl-C";

fn count(work: &mut Work, report: &ImportReport, size: u64) {
    work.done = report.created + report.skipped + report.failed;
    work.percent = (report.bytes * 100 / size).min(100);
    work.told = format!(
        "{} created, {} were there already, {} failed",
        report.created, report.skipped, report.failed
    );
    work.failed = report.failed;
    for error in report.errors.iter().skip(work.errors.len()) {
        let name = error.name.as_deref().unwrap_or("?");
        work.errors
            .push(format!("row {} ({name}): {}", error.row, error.told));
    }
}

/// Reads from a file's name how it is written: `.json` and `.scim` are SCIM, everything else is CSV.
fn format(path: &Path) -> ImportFormat {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json" | "jsonl" | "ndjson" | "scim") => ImportFormat::Scim,
        _ => ImportFormat::Csv,
    }
}

fn subject(request: &Request) -> String {
    match &request.change {
        domain::Change::CreateUser { user, .. } | domain::Change::LogIn { identity: user } => {
            user.name.to_string()
        }
        domain::Change::AssignRole { user, .. }
        | domain::Change::RevokeRole { user, .. }
        | domain::Change::SetPassword { user, .. }
        | domain::Change::UpdateUser { user, .. }
        | domain::Change::DeleteUser { user } => user.to_string(),
        domain::Change::CreateGroup { group, .. }
        | domain::Change::ChangeGroup { group, .. }
        | domain::Change::RenameGroup { group, .. }
        | domain::Change::DeleteGroup { group } => group.to_string(),
    }
}
