//! Imports and bulk triggers: carried out away from the screen, with progress, and stopped when somebody says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{QualifiedName, Request};
use engine::{
    Import, ImportError, ImportFormat, ImportReport, Intake, Intaken, JournalError, Reader,
};
use tokio::sync::oneshot;

use super::Hands;
use super::read::LIST;
use crate::paint::counted;
use crate::screen::told;
use crate::seat::{Refusal, Submitted};
use crate::wish::{Answer, Happening};
use crate::work::{Each, Stage, Whom, Work};

/// How many rows of an import are submitted at once.
const AT_ONCE: usize = 16;
/// The largest file whose rows are counted before it is imported, in bytes.
const COUNTED: u64 = 16 * 1024 * 1024;
/// How often progress is told at most.
const BEAT: Duration = Duration::from_millis(200);

impl Hands {
    /// Begins to bring users from a file, one trigger per row. A file that cannot be imported at all is refused before
    /// anything is begun.
    pub(super) fn import(&mut self, path: PathBuf, send: impl FnOnce(Answer) + Send + 'static) {
        let name = path.file_name().map_or_else(
            || path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        let Some(stop) = self.begin() else {
            return send(Answer::NotImported(BUSY.to_owned()));
        };
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(error) => return send(not_imported(&path, &error.to_string())),
        };
        let (seat, sender, clock) = (self.seat.clone(), self.sender.clone(), self.clock.clone());
        tokio::spawn(async move {
            let all = match rows(&path).await {
                Ok(all) => all,
                Err(why) => {
                    // Whoever hears of it may begin the next.
                    drop(stop);
                    return send(not_imported(&path, &why));
                }
            };
            let source = Import {
                content: Box::new(file),
                format: format(&path),
                concurrency: AT_ONCE,
            };
            let mut work = Work::begin(format!("import {name}"));
            count(&mut work, &ImportReport::default(), all);
            for answer in [Answer::Importing, Answer::Work(work.clone())] {
                let _ = sender.send(Happening::Answer(Box::new(answer))); // the screen may be gone
            }
            let report = Arc::new(std::sync::Mutex::new(work));
            let shared = report.clone();
            let mut last = clock.monotonic();
            let progress = move |now: &ImportReport| {
                let mut work = shared
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                let is_stopped_now = now.stopped && !work.stopping;
                count(&mut work, now, all);
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
                    count(&mut work, &ended, all);
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
            work.all = Some(all);
            let mut came = Came::default();
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
                came.take(result, &name, &mut work);
                work.done = came.asked;
                work.told = came.told(all, work.failed);
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

/// What came of those that a bulk trigger has asked for until now.
#[derive(Default)]
struct Came {
    asked: u64,
    made: u64,
    operations: usize,
    /// How many of the operations a brake keeps.
    braked: usize,
}

impl Came {
    /// Counts what came of one.
    fn take(&mut self, result: Result<Submitted, Refusal>, name: &QualifiedName, work: &mut Work) {
        match result {
            // It was not taken, and neither is any other.
            Err(refusal) if refusal.is_over => {
                work.stage = Stage::Broken(refusal.told);
                return;
            }
            Err(refusal) => work.wrong(None, name.to_string(), refusal.told),
            Ok(Submitted {
                rejected: Some(rejection),
                ..
            }) => work.wrong(None, name.to_string(), rejection.briefly),
            Ok(submitted) => {
                self.made += 1;
                self.operations += submitted.operations;
                self.braked += submitted.braked;
            }
        }
        self.asked += 1;
    }

    fn told(&self, all: u64, failed: u64) -> String {
        let Self { asked, made, .. } = self;
        let operations = counted(self.operations, "operation");
        let waits = match self.braked {
            0 => String::new(),
            1 => ", 1 waits for an approval (Journal, B)".to_owned(),
            braked => format!(", {braked} wait for an approval (Journal, B)"),
        };
        format!("{asked} of {all}: {made} made, {operations}{waits}, {failed} failed")
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

fn count(work: &mut Work, report: &ImportReport, all: Option<u64>) {
    work.stopping = report.stopped;
    work.under_way = report.under_way();
    // Those that are under way are not done, though they were read.
    work.done = report.rows.saturating_sub(work.under_way);
    work.all = all;
    let rows = match all {
        Some(all) if work.done < all => format!("{} of {}", work.done, counted(all, "row")),
        _ => counted(work.done, "row"),
    };
    work.told = format!(
        "{rows}: {} created, {} were there already, {} failed",
        report.created, report.skipped, report.failed
    );
    let known = work.wrong.len();
    for error in report.errors.iter().skip(known) {
        let name = error.name.clone().unwrap_or_else(|| "?".to_owned());
        work.wrong(Some(error.row), name, error.told.clone());
    }
    work.failed = report.failed;
}

fn not_imported(path: &Path, why: &str) -> Answer {
    Answer::NotImported(format!("cannot import {}: {why}", path.display()))
}

/// Counts the rows of a file that is small enough to be read twice; of others nobody knows how many there are.
///
/// # Errors
/// What keeps it from being imported at all, in words: its header, or that it is no file of users.
async fn rows(path: &Path) -> Result<Option<u64>, String> {
    let data = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if data.is_dir() {
        return Err("it is a folder".to_owned());
    }
    // A pipe is read once only.
    if !data.is_file() || data.len() > COUNTED {
        return Ok(None);
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let source = Import {
        content: Box::new(file),
        format: format(path),
        concurrency: AT_ONCE,
    };
    match engine::import(Arc::new(Counting), source, |_| {}).await {
        Ok(report) => Ok(Some(report.rows)),
        Err(ImportError::Unreadable { row: 0, told }) => Err(told),
        // What comes before the place that cannot be read is imported, and the place is told.
        Err(ImportError::Unreadable { .. } | ImportError::Stopped { .. }) => Ok(None),
    }
}

/// Takes the rows of a file to count them, and makes nothing of them.
struct Counting;

#[async_trait]
impl Intake for Counting {
    async fn take(&self, _: Request) -> Intaken {
        Intaken::There
    }
}

/// Reads from a file's name how it is written: `.json` and `.scim` are SCIM, everything else is CSV.
fn format(path: &Path) -> ImportFormat {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json" | "jsonl" | "ndjson" | "scim") => ImportFormat::Scim,
        _ => ImportFormat::Csv,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seat::Rejection;

    #[tokio::test]
    async fn rows_are_counted_before_they_are_imported_and_a_wrong_header_is_found_then() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("people.csv");
        std::fs::write(&file, "userName,givenname\nkim,Kim\nada\nbob,Bob\n").unwrap();
        assert_eq!(rows(&file).await.unwrap(), Some(3), "a bad row is one, too");
        std::fs::write(&file, "name,mail\nkim,x\n").unwrap();
        let why = rows(&file).await.unwrap_err();
        assert_eq!(why, "the header has no column `userName`");
        assert_eq!(rows(folder.path()).await.unwrap_err(), "it is a folder");
    }

    #[test]
    fn of_many_it_is_told_what_waits_for_an_approval_and_what_a_brake_refused() {
        let submitted = |braked: usize, rejected: Option<Rejection>| Submitted {
            flow: crate::samples::flow(),
            operations: 2,
            braked,
            rejected,
        };
        let (mut came, mut work) = (Came::default(), Work::begin("Delete".to_owned()));
        came.take(Ok(submitted(0, None)), &"kim".into(), &mut work);
        assert_eq!(came.told(5, 0), "1 of 5: 1 made, 2 operations, 0 failed");
        came.take(Ok(submitted(1, None)), &"bob".into(), &mut work);
        came.take(Ok(submitted(1, None)), &"ada".into(), &mut work);
        // What each was counted as is another for each of them, and what stopped them is one.
        for (name, counted) in [("ian", "20 deletes"), ("zoe", "21 deletes")] {
            let cause = engine::WaitFailure::Held {
                connector: domain::ConnectorRef::new("my-scim", "scim2"),
                reason: domain::Reason::BrakeEngaged,
                detail: counted.to_owned(),
            };
            let rejected = Some(Rejection::of(&cause));
            came.take(Ok(submitted(0, rejected)), &name.into(), &mut work);
        }
        assert_eq!(
            came.told(5, work.failed),
            "5 of 5: 3 made, 6 operations, 2 wait for an approval (Journal, B), 2 failed"
        );
        assert_eq!(
            work.report()[0],
            "2 x brake-engaged at my-scim/scim2: Journal, B approves; then make the change again"
        );
        // What is not taken at all is not one of those that were asked for.
        let over = Refusal {
            told: "the engine is stopped".to_owned(),
            is_over: true,
        };
        came.take(Err(over), &"eve".into(), &mut work);
        assert_eq!((came.asked, work.is_under_way()), (5, false));
    }

    #[test]
    fn rows_that_are_read_and_not_done_are_no_progress() {
        let mut work = Work::begin("import people.csv".to_owned());
        let report = ImportReport {
            rows: 16,
            bytes: 4_096,
            created: 3,
            failed: 1,
            ..ImportReport::default()
        };
        count(&mut work, &report, Some(59));
        assert_eq!((work.percent(), work.under_way), (Some(6), 12));
        assert_eq!(
            work.told,
            "4 of 59 rows: 3 created, 0 were there already, 1 failed"
        );
        count(&mut work, &report, None);
        assert_eq!(work.percent(), None);
    }
}
