//! The measurements behind `outbound bench screen`: the real program in a pseudo-terminal, seen from outside.
//!
//! Bytes are what came out of the terminal, memory and processor time are what the system says of the process. The
//! screen's processor time is that of its own threads: the one that draws and the one that reads the journal for it.

mod places;
mod process;
mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{Clock as _, SystemClock};
use portable_pty::CommandBuilder;
use tempfile::TempDir;

use crate::pty::{Pty, PtyError};
use places::{FORMS, LISTS, Place};
pub use report::{Figure, Report};
use report::{Goal, Unit};

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// The sizes of the terminal. Goals hold for the first one.
    pub sizes: Vec<(u16, u16)>,
    /// How many exchanges the large journal has.
    pub exchanges: u64,
    /// How often a start is timed; the median counts.
    pub runs: usize,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The program did not do what was waited for.
    #[error(transparent)]
    Pty(#[from] PtyError),
    /// The system refused.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
    /// The large journal was not written.
    #[error("the large journal was not written: {0}")]
    Journal(#[from] engine::JournalError),
}

/// The fewest exchanges of a journal whose lists have a row for every arrow: two of them lead down a list of users, each of
/// whom has a flow.
pub const LEAST_EXCHANGES: u64 = 2 * engine::EXCHANGES_PER_FLOW + 1;

/// Longer than anything should take.
const LONG: Duration = Duration::from_mins(2);
/// When nothing was written for so long, a key's frame has arrived.
const SETTLED: Duration = Duration::from_millis(120);
/// How long is waited for a key of which nothing is measured.
const BREATH: Duration = Duration::from_millis(20);
/// Within this a key that changes something has its frame, on a busy machine too.
const ANSWERED: Duration = Duration::from_secs(30);
/// How long is watched what goes on by itself.
const WATCHED: Duration = Duration::from_secs(10);
/// Longer than anything is told in the status row that nobody has asked for.
const TOLD: Duration = Duration::from_secs(5);
/// How many keys are pressed to learn what a frame costs.
const KEYS: u64 = 200;
/// How many of them go in one direction at a time; a page has more rows.
const RUN: u64 = 8;
/// How many pages older windows are read back.
const PAGES: u64 = 100;

const UP: &[u8] = b"\x1b[A";
const DOWN: &[u8] = b"\x1b[B";
const PAGE_UP: &[u8] = b"\x1b[5~";
const PAGE_DOWN: &[u8] = b"\x1b[6~";
const TAB: &[u8] = b"\t";
const TAB_BACK: &[u8] = b"\x1b[Z";
const ENTER: &[u8] = b"\r";
const ESC: &[u8] = b"\x1b";
const CTRL_C: &[u8] = b"\x03";

/// Measures everything; `progress` hears what is being done.
///
/// # Errors
/// [`BenchError`] when the program does not start or does not do what it is for.
pub fn run(options: &Options, mut progress: impl FnMut(&str)) -> Result<Report, BenchError> {
    let stage = Stage::new()?;
    let mut report = Report::new();
    progress(&format!(
        "writing a journal of {} exchanges",
        options.exchanges
    ));
    let clock = SystemClock::default();
    let begun = clock.monotonic();
    let large = stage.path("large.db");
    let facts = engine::write_made_up_journal(&large, options.exchanges, clock.now())?;
    let took = clock.monotonic().saturating_sub(begun);
    report.journal(options.exchanges, facts, took, &large);
    for (nth, size) in options.sizes.iter().enumerate() {
        let mut bench = Bench {
            stage: &stage,
            size: *size,
            figures: Vec::new(),
            with_goals: nth == 0,
        };
        progress(&format!("{}x{}: starts", size.0, size.1));
        bench.starts(options.runs)?;
        progress(&format!("{}x{}: idle and keys in forms", size.0, size.1));
        bench.rest()?;
        progress(&format!("{}x{}: keys in every list", size.0, size.1));
        bench.lists(&large, options.exchanges)?;
        for rate in [100, 1_000] {
            progress(&format!(
                "{}x{}: following {rate} requests a second",
                size.0, size.1
            ));
            bench.follow(rate)?;
        }
        progress(&format!("{}x{}: the large journal", size.0, size.1));
        bench.large(&large, options.exchanges, options.runs)?;
        report.add(*size, bench.figures);
    }
    Ok(report)
}

/// The shipped configuration in a folder of its own, with its mocks on free ports.
struct Stage {
    folder: TempDir,
    program: PathBuf,
}

impl Stage {
    fn new() -> Result<Self, BenchError> {
        let folder = tempfile::tempdir()?;
        let keys = folder.path().join("mocks/keys");
        std::fs::create_dir_all(&keys)?;
        std::fs::write(
            keys.join("google-service-account.p12"),
            include_bytes!("../../mocks/keys/google-service-account.p12"),
        )?;
        let shipped = include_str!("../../workbench.toml");
        let mut text = String::new();
        for line in shipped.lines() {
            text.push_str(if line.starts_with("port = ") {
                "port = 0"
            } else {
                line
            });
            text.push('\n');
        }
        std::fs::write(folder.path().join("workbench.toml"), text)?;
        Ok(Self {
            folder,
            program: std::env::current_exe()?,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the program with a journal of its own.
    fn start(&self, size: (u16, u16), words: &[&str]) -> Result<Pty, BenchError> {
        let mut command = CommandBuilder::new(&self.program);
        command.cwd(self.folder.path());
        command.args(words);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "en_US.UTF-8");
        for name in ["OUTBOUND_CONFIG", "NO_COLOR", "LC_ALL", "LC_CTYPE"] {
            command.env_remove(name);
        }
        Ok(Pty::start(command, size.0, size.1)?)
    }
}

struct Bench<'s> {
    stage: &'s Stage,
    size: (u16, u16),
    figures: Vec<Figure>,
    with_goals: bool,
}

impl Bench<'_> {
    fn note(&mut self, what: impl Into<String>, value: f64, unit: Unit, goal: Option<Goal>) {
        let goal = goal.filter(|_| self.with_goals);
        self.figures.push(Figure::new(what, value, unit, goal));
    }

    fn fresh(&self) -> Result<Pty, BenchError> {
        let path = self.stage.path("fresh.db");
        remove(&path)?;
        self.stage
            .start(self.size, &["--journal", &path.display().to_string()])
    }

    /// From the start of the process to the last byte of the first full frame.
    fn starts(&mut self, runs: usize) -> Result<(), BenchError> {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..runs {
            let mut pty = self.fresh()?;
            times.push(first_frame(&pty)?);
            bytes = pty.wait_quiet(SETTLED, LONG)?;
            quit(&mut pty)?;
        }
        times.sort();
        let median = times[times.len() / 2];
        self.note(
            "first full frame",
            millis(median),
            Unit::Millis,
            Some(Goal::AtMost(50.0)),
        );
        self.note(
            "the same, quickest of the starts",
            millis(times[0]),
            Unit::Millis,
            None,
        );
        self.note("bytes of the start", float(bytes), Unit::Bytes, None);
        Ok(())
    }

    /// Memory, silence and keys, with the engine and three idle mocks.
    fn rest(&mut self) -> Result<(), BenchError> {
        let mut pty = self.fresh()?;
        first_frame(&pty)?;
        pty.wait_quiet(Duration::from_secs(1), LONG)?;
        let pid = pty.pid();
        self.note(
            "resident memory, engine and three idle mocks",
            process::resident(pid)? / 1_048_576.0,
            Unit::Mebibytes,
            Some(Goal::AtMost(25.0)),
        );
        self.note("threads", process::threads(pid)?, Unit::Count, None);

        let (_, before) = pty.written();
        let worked = process::processor(pid, |_| true)?;
        std::thread::sleep(WATCHED);
        let (_, after) = pty.written();
        let worked = process::processor(pid, |_| true)?.saturating_sub(worked);
        self.note(
            "bytes in 10 s when idle",
            float(after - before),
            Unit::Bytes,
            Some(Goal::AtMost(0.0)),
        );
        self.note("processor when idle", share(worked), Unit::Percent, None);

        self.forms(&mut pty)?;
        // What was typed is asked about first.
        pty.send(CTRL_C)?;
        settle(&pty, SETTLED)?;
        quit(&mut pty)
    }

    /// What is typed, and another field that gets the keys.
    fn forms(&mut self, pty: &mut Pty) -> Result<(), BenchError> {
        let (mut letters, mut fields) = (Dearest::default(), Dearest::default());
        for place in &FORMS {
            go_to(pty, place)?;
            letters.press(pty, place.name, place.letters)?;
            fields.press(pty, place.name, place.moves)?;
            walk(pty, place.back)?;
        }
        self.dearest("a letter typed into a form", &letters, 64.0);
        self.dearest("another field gets the keys", &fields, 300.0);
        Ok(())
    }

    /// An arrow in every list.
    fn lists(&mut self, journal: &Path, exchanges: u64) -> Result<(), BenchError> {
        let path = journal.display().to_string();
        let mut pty = self.stage.start(self.size, &["--journal", &path])?;
        pty.wait_text(&newest(exchanges), LONG)?;
        std::thread::sleep(TOLD);
        pty.wait_quiet(Duration::from_secs(1), LONG)?;
        let mut arrows = Dearest::default();
        for place in &LISTS {
            go_to(&mut pty, place)?;
            arrows.press(&mut pty, place.name, place.moves)?;
        }
        self.dearest("an arrow key in a list", &arrows, 64.0);
        quit(&mut pty)
    }

    fn dearest(&mut self, what: &str, of: &Dearest, most: f64) {
        let what = format!("{what}, dearest of {}: {}", of.keys, of.place);
        let goal = Some(Goal::AtMost(most));
        self.note(what, float(of.bytes), Unit::Bytes, goal);
    }

    /// What following a stream costs.
    fn follow(&mut self, rate: u32) -> Result<(), BenchError> {
        let journal = self.stage.path("follow.db");
        remove(&journal)?;
        let mut pty = self.stage.start(
            self.size,
            &[
                "--journal",
                &journal.display().to_string(),
                "--made-up-traffic",
                &rate.to_string(),
            ],
        )?;
        first_frame(&pty)?;
        pty.wait_text("made-", LONG)?;
        std::thread::sleep(Duration::from_secs(2));
        let pid = pty.pid();
        let (_, before) = pty.written();
        let screen = process::processor(pid, process::is_of_the_screen)?;
        let all = process::processor(pid, |_| true)?;
        let begun = pty.now();
        std::thread::sleep(WATCHED);
        let seconds = pty.now().saturating_sub(begun).as_secs_f64();
        let (_, after) = pty.written();
        let screen = process::processor(pid, process::is_of_the_screen)?.saturating_sub(screen);
        let all = process::processor(pid, |_| true)?.saturating_sub(all);
        let resident = process::resident(pid)? / 1_048_576.0;
        let shown = pty.look(|screen| newest_shown(&screen.contents()));
        quit(&mut pty)?;

        // The stream must really have been there: a busy machine cannot commit so much, and then nothing was shown.
        let arrived = shown * 3.0 / (seconds + 2.0);
        let was_there = arrived >= 0.9 * f64::from(rate);
        let follow = |what: &str| {
            if was_there {
                format!("following {rate} requests a second: {what}")
            } else {
                format!("following {arrived:.0} of {rate} requests a second: {what}")
            }
        };
        self.note(
            follow("bytes a second"),
            float(after - before) / seconds,
            Unit::Bytes,
            (rate == 100 && was_there).then_some(Goal::AtMost(15_000.0)),
        );
        self.note(
            follow("the screen's processor"),
            screen.as_secs_f64() / seconds * 100.0,
            Unit::Percent,
            (rate == 1_000 && was_there).then_some(Goal::AtMost(3.0)),
        );
        self.note(
            follow("the whole process"),
            all.as_secs_f64() / seconds * 100.0,
            Unit::Percent,
            None,
        );
        self.note(follow("resident memory"), resident, Unit::Mebibytes, None);
        Ok(())
    }

    /// Opening a large journal, and drawing over it.
    fn large(&mut self, journal: &Path, exchanges: u64, runs: usize) -> Result<(), BenchError> {
        let newest = newest(exchanges);
        let words = ["--journal", &journal.display().to_string()].map(str::to_owned);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut times = Vec::new();
        for _ in 0..runs {
            let mut pty = self.stage.start(self.size, &words)?;
            times.push(pty.wait_text(&newest, LONG)?);
            pty.wait_quiet(SETTLED, LONG)?;
            quit(&mut pty)?;
        }
        times.sort();
        self.note(
            format!("opening {exchanges} exchanges until the newest is there"),
            millis(times[times.len() / 2]),
            Unit::Millis,
            Some(Goal::AtMost(150.0)),
        );

        let mut pty = self.stage.start(self.size, &words)?;
        pty.wait_text(&newest, LONG)?;
        pty.wait_quiet(Duration::from_secs(1), LONG)?;
        let pid = pty.pid();
        // Far from the newest, so that older windows have been read back. A page has fewer rows than the screen: the oldest
        // is not reached.
        for _ in 0..(exchanges / u64::from(self.size.1)).min(PAGES) {
            pty.send(PAGE_UP)?;
            settle(&pty, BREATH)?;
        }
        // Away from the edge, at which a key asks for more.
        pty.send(PAGE_DOWN)?;
        settle(&pty, Duration::from_secs(1))?;
        let run = RUN.min(rows(exchanges) - 1);
        let worked = process::processor(pid, process::is_of_the_screen)?;
        let mut waits = Vec::new();
        for nth in 0..KEYS {
            let key = if (nth / run).is_multiple_of(2) {
                UP
            } else {
                DOWN
            };
            if nth % run == 0 {
                // Up and down that are taken together come to nothing, and have no frame.
                settle(&pty, SETTLED)?;
            }
            let (_, before) = pty.written();
            let begun = pty.now();
            pty.send(key)?;
            let last = pty.wait_more(&frame_of(key, "the large journal"), before, ANSWERED)?;
            waits.push(last.saturating_sub(begun));
        }
        let worked = process::processor(pid, process::is_of_the_screen)?.saturating_sub(worked);
        waits.sort();
        self.note(
            format!("a frame over {exchanges} exchanges, the screen's processor"),
            millis(worked) / float(waits.len()),
            Unit::Millis,
            Some(Goal::AtMost(2.0)),
        );
        self.note(
            "from a key to its bytes, half of them within",
            millis(waits[waits.len() / 2]),
            Unit::Millis,
            None,
        );
        quit(&mut pty)
    }
}

/// The dearest of keys that were pressed, and where that was.
#[derive(Default)]
struct Dearest {
    keys: usize,
    bytes: usize,
    place: &'static str,
}

impl Dearest {
    /// Presses keys one by one.
    fn press(
        &mut self,
        pty: &mut Pty,
        place: &'static str,
        keys: &[&[u8]],
    ) -> Result<(), BenchError> {
        for key in keys {
            let bytes = press(pty, key, place)?;
            self.keys += 1;
            if bytes > self.bytes {
                (self.bytes, self.place) = (bytes, place);
            }
        }
        Ok(())
    }
}

/// Presses a key that changes something on the screen, and returns how many bytes came of it.
fn press(pty: &mut Pty, key: &[u8], place: &str) -> Result<usize, BenchError> {
    let (_, before) = pty.written();
    pty.send(key)?;
    pty.wait_more(&frame_of(key, place), before, ANSWERED)?;
    Ok(pty.wait_quiet(SETTLED, LONG)? - before)
}

/// Says what is waited for when a key was pressed.
fn frame_of(key: &[u8], place: &str) -> String {
    let name = match key {
        UP => "Up".to_owned(),
        DOWN => "Down".to_owned(),
        TAB => "Tab".to_owned(),
        TAB_BACK => "Shift-Tab".to_owned(),
        other => format!("`{}`", other.escape_ascii()),
    };
    format!("a frame for {name} in {place}")
}

/// Presses keys one by one, whether they change anything or not.
fn walk(pty: &mut Pty, keys: &[&[u8]]) -> Result<(), BenchError> {
    for key in keys {
        pty.send(key)?;
        settle(pty, SETTLED)?;
    }
    Ok(())
}

/// Goes to a place, and waits until everything is there.
fn go_to(pty: &mut Pty, place: &Place) -> Result<(), BenchError> {
    walk(pty, place.way)?;
    pty.wait_text(place.shows, LONG)?;
    settle(pty, SETTLED)
}

/// Waits until what was pressed is done, whether it has changed anything or not.
fn settle(pty: &Pty, quiet: Duration) -> Result<(), BenchError> {
    std::thread::sleep(quiet);
    pty.wait_quiet(quiet, LONG)?;
    Ok(())
}

/// Returns how many rows a made-up journal of so many exchanges has in Traffic.
fn rows(exchanges: u64) -> u64 {
    exchanges.div_ceil(engine::EXCHANGES_PER_FLOW) * engine::EXCHANGES_PER_FLOW
}

/// Returns the user of the newest flow in it.
fn newest(exchanges: u64) -> String {
    let nth = exchanges.div_ceil(engine::EXCHANGES_PER_FLOW) - 1;
    format!("made-{nth:07}")
}

/// Waits for the first full frame: the head, the panel, the row of keys.
fn first_frame(pty: &Pty) -> Result<Duration, BenchError> {
    Ok(pty.wait("the first full frame", LONG, |screen| {
        let text = screen.contents();
        text.contains("outbound ▸ Traffic") && text.contains("? help")
    })?)
}

fn quit(pty: &mut Pty) -> Result<(), BenchError> {
    pty.send("\x03")?;
    pty.wait_exit(LONG)?;
    Ok(())
}

/// Returns the number of the newest flow that is on the screen.
fn newest_shown(text: &str) -> f64 {
    text.split("made-")
        .skip(1)
        .filter_map(|rest| rest.get(..7)?.parse().ok())
        .fold(0.0, f64::max)
}

fn remove(journal: &Path) -> Result<(), BenchError> {
    for ending in ["", "-wal", "-shm", ".lock"] {
        let mut path = journal.as_os_str().to_owned();
        path.push(ending);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

fn share(worked: Duration) -> f64 {
    worked.as_secs_f64() / WATCHED.as_secs_f64() * 100.0
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a count of bytes, far below 2^52"
)]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_a_frame_is_named_with_its_place() {
        assert_eq!(frame_of(UP, "Traffic"), "a frame for Up in Traffic");
        assert_eq!(
            frame_of(CTRL_C, "Trigger"),
            "a frame for `\\x03` in Trigger"
        );
    }

    #[test]
    fn the_smallest_journal_has_a_row_for_every_arrow_and_a_smaller_one_has_not() {
        let spans = LISTS.iter().map(|place| {
            let (mut at, mut first, mut last) = (0_i64, 0, 0);
            for key in place.moves {
                at += if *key == DOWN { 1 } else { -1 };
                (first, last) = (first.min(at), last.max(at));
            }
            u64::try_from(last - first).unwrap() + 1
        });
        let needed = spans.max().unwrap();
        let flows = |exchanges: u64| exchanges.div_ceil(engine::EXCHANGES_PER_FLOW);
        assert_eq!(flows(LEAST_EXCHANGES), needed);
        assert!(flows(LEAST_EXCHANGES - 1) < needed);
    }

    #[test]
    fn a_small_journal_has_rows_to_move_between() {
        assert_eq!((rows(1), newest(1)), (3, "made-0000000".to_owned()));
        assert_eq!(
            (rows(20_000), newest(20_000)),
            (20_001, "made-0006666".to_owned())
        );
    }
}
