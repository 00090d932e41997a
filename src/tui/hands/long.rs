//! Imports and bulk triggers: carried out away from the screen, with progress, and stopped when somebody says so.

use std::path::Path;
use std::time::Duration;

use domain::QualifiedName;
use engine::{Import, ImportFormat, ImportReport, JournalError, Reader};
use tokio::sync::oneshot;

use super::Hands;
use super::read::LIST;
use crate::paint::counted;
use crate::screen::told;
use crate::seat::Submitted;
use crate::wish::{Answer, Happening};
use crate::work::{Each, Stage, Whom, Work};

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
                let is_stopped_now = now.stopped && !work.stopping;
                count(&mut work, now, size);
                let passed = clock.monotonic();
                if is_stopped_now || passed.saturating_sub(last) >= BEAT {
                    last = passed;
                    let answer = Answer::Work(work.clone());
                    let _ = sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
                }
            };
            let stop = async {
                let _ = stop.await; // that the screen has gone stops it, too
            };
            let result = engine::import_until(seat.intake(), source, progress, stop).await;
            let mut work = report
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .clone();
            work.stage = match result {
                Ok(ended) => {
                    count(&mut work, &ended, size);
                    if ended.stopped {
                        Stage::Stopped
                    } else {
                        Stage::Ended
                    }
                }
                Err(error) => Stage::Broken(told(&error)),
            };
            send(Answer::Work(work));
        });
    }

    /// Begins to make the same happen to several users, one after the other.
    pub(super) fn bulk(
        &mut self,
        what: String,
        each: Each,
        whom: Whom,
        send: impl FnOnce(Answer) + Send + 'static,
    ) {
        let Some(mut stop) = self.begin() else {
            return send(Answer::Done(Err(BUSY.to_owned())));
        };
        let (seat, sender, clock) = (self.seat.clone(), self.sender.clone(), self.clock.clone());
        let tell = move |work: &Work| {
            let answer = Answer::Work(work.clone());
            let _ = sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
        };
        let all = whom.count();
        let mut names = Names::of(whom, self.reader.clone());
        tokio::spawn(async move {
            let mut work = Work::begin(what);
            work.told = format!("0 of {all}");
            let (mut asked, mut made, mut operations) = (0_u64, 0_u64, 0);
            let mut last = clock.monotonic();
            while work.is_under_way() {
                if stop.try_recv() != Err(oneshot::error::TryRecvError::Empty) {
                    work.stage = Stage::Stopped;
                    break;
                }
                let name = match names.next().await {
                    Ok(Some(name)) => name,
                    Ok(None) => {
                        work.stage = Stage::Ended;
                        break;
                    }
                    Err(why) => {
                        work.stage = Stage::Broken(why);
                        break;
                    }
                };
                let mut submitted = seat.submit(each.of(name.clone()));
                // What was handed in is owed and goes on, so it is waited for and counted; only the rest is not begun.
                let result = loop {
                    tokio::select! {
                        biased;
                        result = &mut submitted => break result,
                        _ = &mut stop, if !work.stopping => {
                            work.stopping = true;
                            tell(&work);
                        }
                    }
                };
                asked += 1;
                work.percent = (asked * 100 / all.max(1)).min(100);
                match result {
                    Ok(Submitted {
                        rejected: None,
                        operations: count,
                        ..
                    }) => {
                        made += 1;
                        operations += count;
                    }
                    Ok(_) => {
                        let told = "refused, a blocking provisioner failed".to_owned();
                        work.wrong(None, name.to_string(), told);
                    }
                    Err(refusal) if refusal.is_over => {
                        asked -= 1;
                        work.stage = Stage::Broken(refusal.told);
                    }
                    Err(refusal) => work.wrong(None, name.to_string(), refusal.told),
                }
                work.told = format!(
                    "{asked} of {all}: {made} made, {}, {} failed",
                    counted(operations, "operation"),
                    work.failed
                );
                if work.stopping && work.is_under_way() {
                    work.stage = Stage::Stopped;
                }
                let passed = clock.monotonic();
                if work.is_under_way() && passed.saturating_sub(last) >= BEAT {
                    last = passed;
                    tell(&work);
                }
            }
            // Whoever hears of the end may begin the next.
            drop(stop);
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

/// The users that a bulk trigger is about, one after the other; of all that there are, a page at a time.
enum Names {
    Named(std::vec::IntoIter<QualifiedName>),
    Pages {
        reader: Reader,
        search: String,
        page: std::vec::IntoIter<QualifiedName>,
        after: Option<QualifiedName>,
    },
}

impl Names {
    fn of(whom: Whom, reader: Reader) -> Self {
        match whom {
            Whom::Named(names) => Self::Named(names.into_iter()),
            Whom::All { search, .. } => Self::Pages {
                reader,
                search,
                page: Vec::new().into_iter(),
                after: None,
            },
        }
    }

    /// Returns the next one; what keeps it from being read is told in words.
    async fn next(&mut self) -> Result<Option<QualifiedName>, String> {
        let (reader, search, page, after) = match self {
            Self::Named(names) => return Ok(names.next()),
            Self::Pages {
                reader,
                search,
                page,
                after,
            } => (reader, search, page, after),
        };
        if page.as_slice().is_empty() {
            let (reader, search, from) = (reader.clone(), search.clone(), after.clone());
            // Reading blocks.
            let read = tokio::task::spawn_blocking(move || names(&reader, &search, from.as_ref()));
            *page = match read.await {
                Ok(Ok(names)) => names.into_iter(),
                Ok(Err(error)) => {
                    return Err(format!("cannot read the journal: {}", told(&error)));
                }
                Err(error) => return Err(format!("reading the journal broke down: {error}")),
            };
        }
        let next = page.next();
        after.clone_from(&next);
        Ok(next)
    }
}

/// Reads the names of a page of users that contain a text.
fn names(
    reader: &Reader,
    search: &str,
    after: Option<&QualifiedName>,
) -> Result<Vec<QualifiedName>, JournalError> {
    let users = reader.find_users(search, after, LIST)?;
    Ok(users.into_iter().map(|user| user.name).collect())
}

fn count(work: &mut Work, report: &ImportReport, size: u64) {
    work.stopping = report.stopped;
    work.percent = (report.bytes * 100 / size).min(100);
    work.told = format!(
        "{}: {} created, {} were there already, {} failed",
        counted(usize::try_from(report.rows).unwrap_or(usize::MAX), "row"),
        report.created,
        report.skipped,
        report.failed
    );
    work.under_way = report.under_way();
    let known = work.wrong.len();
    for error in report.errors.iter().skip(known) {
        let name = error.name.clone().unwrap_or_else(|| "?".to_owned());
        work.wrong(Some(error.row), name, error.told.clone());
    }
    work.failed = report.failed;
}

/// Reads from a file's name how it is written: `.json` and `.scim` are SCIM, everything else is CSV.
fn format(path: &Path) -> ImportFormat {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json" | "jsonl" | "ndjson" | "scim") => ImportFormat::Scim,
        _ => ImportFormat::Csv,
    }
}
