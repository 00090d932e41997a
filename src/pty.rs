//! A program in a pseudo-terminal of its own: what it writes, what its screen shows, and how it leaves the terminal.
//!
//! The measurements of `outbound bench screen` and the journeys over the real program look through the same glass.

use std::io::{self, Read as _, Write as _};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use domain::{Clock as _, SystemClock};
use portable_pty::{
    Child, ChildKiller, CommandBuilder, ExitStatus, MasterPty, PtyPair, PtySize, SlavePty,
    native_pty_system,
};

/// Why a program in a pseudo-terminal did not do what was waited for.
#[derive(Debug, thiserror::Error)]
pub enum PtyError {
    /// There is no pseudo-terminal, or the program does not start in it.
    #[error("no program in a pseudo-terminal: {0}")]
    Start(String),
    /// The terminal is gone.
    #[error("the pseudo-terminal is gone")]
    Gone(#[from] io::Error),
    /// What was waited for did not come. The screen is told as it was at the end.
    #[error("{what} did not come within {waited:?}; the screen shows\n{screen}")]
    Missing {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// What the screen showed instead.
        screen: String,
    },
}

/// What came out of the terminal.
struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    /// When the last byte came.
    last: Duration,
    exit: Option<ExitStatus>,
    /// When the program ended.
    ended: Duration,
}

struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
    clock: SystemClock,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running program and its terminal. Dropping it ends the program.
pub struct Pty {
    shared: Arc<Shared>,
    master: Box<dyn MasterPty + Send>,
    slave: Option<Box<dyn SlavePty + Send>>,
    writer: Box<dyn io::Write + Send>,
    reader: Option<JoinHandle<()>>,
    waiter: Option<JoinHandle<()>>,
    killer: Box<dyn ChildKiller + Send + Sync>,
    pid: u32,
}

impl Pty {
    /// Starts a program in a terminal of so many columns and rows.
    ///
    /// # Errors
    /// [`PtyError::Start`] when there is no pseudo-terminal, or no such program.
    pub fn start(command: CommandBuilder, columns: u16, rows: u16) -> Result<Self, PtyError> {
        let start = |error: &dyn std::fmt::Display| PtyError::Start(error.to_string());
        let PtyPair { master, slave } = native_pty_system()
            .openpty(size(columns, rows))
            .map_err(|error| start(&error))?;
        let reader = master.try_clone_reader().map_err(|error| start(&error))?;
        let writer = master.take_writer().map_err(|error| start(&error))?;
        let shared = Arc::new(Shared {
            seen: Mutex::new(Seen {
                parser: vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0),
                bytes: Vec::new(),
                last: Duration::ZERO,
                exit: None,
                ended: Duration::ZERO,
            }),
            changed: Condvar::new(),
            clock: SystemClock::default(),
        });
        let child = slave
            .spawn_command(command)
            .map_err(|error| start(&error))?;
        let (killer, pid) = (child.clone_killer(), child.process_id().unwrap_or(0));
        Ok(Self {
            reader: Some(read(reader, Arc::clone(&shared))),
            waiter: Some(wait(child, Arc::clone(&shared))),
            shared,
            master,
            slave: Some(slave),
            writer,
            killer,
            pid,
        })
    }

    /// Returns the program's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the time since the program was started.
    pub fn now(&self) -> Duration {
        self.shared.clock.monotonic()
    }

    /// Returns when the last byte came, and how many came so far.
    pub fn written(&self) -> (Duration, usize) {
        let seen = self.shared.lock();
        (seen.last, seen.bytes.len())
    }

    /// Returns the bytes that came, from one of them on.
    pub fn bytes(&self, from: usize) -> Vec<u8> {
        let seen = self.shared.lock();
        seen.bytes.get(from..).unwrap_or_default().to_vec()
    }

    /// Looks at the screen as it is now.
    pub fn look<T>(&self, with: impl FnOnce(&vt100::Screen) -> T) -> T {
        with(self.shared.lock().parser.screen())
    }

    /// Returns what the screen shows.
    pub fn text(&self) -> String {
        self.look(vt100::Screen::contents)
    }

    /// Does something while nobody reads what the program writes, so that the terminal is full soon.
    pub fn stalled<T>(&mut self, with: impl FnOnce(&mut dyn io::Write) -> T) -> T {
        let held = self.shared.lock();
        let result = with(self.writer.as_mut());
        drop(held);
        result
    }

    /// Types these bytes.
    ///
    /// # Errors
    /// [`PtyError::Gone`] when nobody reads any more.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), PtyError> {
        self.writer.write_all(bytes.as_ref())?;
        Ok(self.writer.flush()?)
    }

    /// Makes the terminal larger or smaller.
    ///
    /// # Errors
    /// [`PtyError::Start`] when the system refuses.
    pub fn resize(&self, columns: u16, rows: u16) -> Result<(), PtyError> {
        let mut seen = self.shared.lock();
        seen.parser
            .screen_mut()
            .set_size(at_least_one(rows), at_least_one(columns));
        drop(seen);
        self.master
            .resize(size(columns, rows))
            .map_err(|error| PtyError::Start(error.to_string()))
    }

    /// Returns how the terminal treats lines.
    ///
    /// # Errors
    /// [`PtyError::Gone`] when the terminal cannot be asked.
    #[cfg(unix)]
    pub fn modes(&self) -> Result<Modes, PtyError> {
        use rustix::fs::{Mode, OFlags};
        use rustix::termios::{InputModes, LocalModes, OutputModes, tcgetattr};
        let name = self
            .master
            .tty_name()
            .ok_or_else(|| io::Error::other("it has no name"))?;
        // Without NOCTTY it could become the terminal of this process.
        let terminal = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())
            .map_err(io::Error::from)?;
        let termios = tcgetattr(&terminal).map_err(io::Error::from)?;
        Ok(Modes {
            edits_lines: termios.local_modes.contains(LocalModes::ICANON),
            echoes: termios.local_modes.contains(LocalModes::ECHO),
            sends_signals: termios.local_modes.contains(LocalModes::ISIG),
            reads_return_as_newline: termios.input_modes.contains(InputModes::ICRNL),
            writes_newline_as_both: termios.output_modes.contains(OutputModes::OPOST),
        })
    }

    /// Waits until the screen is as wanted, and returns when the bytes had come that made it so.
    ///
    /// # Errors
    /// [`PtyError::Missing`] when it is not within the time.
    pub fn wait(
        &self,
        what: &str,
        within: Duration,
        mut is_so: impl FnMut(&vt100::Screen) -> bool,
    ) -> Result<Duration, PtyError> {
        self.until(what, within, |seen| {
            is_so(seen.parser.screen()).then_some(seen.last)
        })
    }

    /// Waits until the screen shows a text.
    ///
    /// # Errors
    /// [`PtyError::Missing`] when it does not within the time.
    pub fn wait_text(&self, text: &str, within: Duration) -> Result<Duration, PtyError> {
        self.wait(&format!("`{text}`"), within, |screen| {
            screen.contents().contains(text)
        })
    }

    /// Waits until more bytes came than so many, and returns when the last one did. An error says what they were to be.
    ///
    /// # Errors
    /// [`PtyError::Missing`] when none does within the time.
    pub fn wait_more(
        &self,
        what: &str,
        than: usize,
        within: Duration,
    ) -> Result<Duration, PtyError> {
        self.until(what, within, |seen| {
            (seen.bytes.len() > than).then_some(seen.last)
        })
    }

    /// Waits until nothing was written for so long, and returns how many bytes there are.
    ///
    /// # Errors
    /// [`PtyError::Missing`] when it goes on and on.
    pub fn wait_quiet(&self, quiet: Duration, within: Duration) -> Result<usize, PtyError> {
        let end = self.now() + within;
        loop {
            let (last, bytes) = self.written();
            let now = self.now();
            if now.saturating_sub(last) >= quiet {
                return Ok(bytes);
            }
            if now >= end {
                return Err(self.missing("silence", within));
            }
            std::thread::sleep(quiet.saturating_sub(now.saturating_sub(last)));
        }
    }

    /// Waits for the end of the program and of everything it wrote.
    ///
    /// # Errors
    /// [`PtyError::Missing`] when it goes on.
    pub fn wait_exit(&mut self, within: Duration) -> Result<Exited, PtyError> {
        let status = self.until("the end of the program", within, |seen| seen.exit.clone())?;
        #[cfg(unix)]
        let modes = self.modes()?;
        // With the last hold on the terminal gone, the reader comes to an end: then everything was read.
        self.slave = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join(); // a reader that panicked has read less, and the tests see it
        }
        Ok(Exited {
            code: status.exit_code(),
            signal: status.signal().map(str::to_owned),
            #[cfg(unix)]
            modes,
        })
    }

    fn until<T>(
        &self,
        what: &str,
        within: Duration,
        mut found: impl FnMut(&Seen) -> Option<T>,
    ) -> Result<T, PtyError> {
        /// How long the last words of a program that has ended are waited for.
        const LAST_WORDS: Duration = Duration::from_secs(2);
        let mut end = self.now() + within;
        let mut seen = self.shared.lock();
        loop {
            if let Some(found) = found(&seen) {
                return Ok(found);
            }
            if seen.exit.is_some() {
                end = end.min(seen.ended + LAST_WORDS);
            }
            let left = end.saturating_sub(self.now());
            if left.is_zero() {
                drop(seen);
                return Err(self.missing(what, within));
            }
            seen = self
                .shared
                .changed
                .wait_timeout(seen, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn missing(&self, what: &str, waited: Duration) -> PtyError {
        PtyError::Missing {
            what: what.to_owned(),
            waited,
            screen: self.text(),
        }
    }
}

/// How a program ended, and how it left the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exited {
    /// The exit code; 1 when a signal ended it.
    pub code: u32,
    /// The signal that ended it.
    pub signal: Option<String>,
    /// How the terminal treats lines now.
    #[cfg(unix)]
    pub modes: Modes,
}

/// How a terminal treats lines (termios). A shell finds all of them on; a full-screen program turns them off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modes {
    /// `ICANON`: it hands over whole lines.
    pub edits_lines: bool,
    /// `ECHO`: it shows what is typed.
    pub echoes: bool,
    /// `ISIG`: Ctrl-C and Ctrl-Z are signals.
    pub sends_signals: bool,
    /// `ICRNL`: Return is read as a newline.
    pub reads_return_as_newline: bool,
    /// `OPOST`: a newline is written with a carriage return.
    pub writes_newline_as_both: bool,
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.shared.lock().exit.is_none() {
            let _ = self.killer.kill(); // it may have ended at this moment
        }
        self.slave = None;
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join(); // nothing is left to tell
        }
    }
}

fn at_least_one(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).unwrap_or(NonZeroU16::MIN)
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn read(mut from: Box<dyn io::Read + Send>, shared: Arc<Shared>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        loop {
            let count = match from.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The other end is closed: end of file, or an input error on Linux.
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            let mut seen = shared.lock();
            seen.last = shared.clock.monotonic();
            seen.parser.process(&buffer[..count]);
            seen.bytes.extend_from_slice(&buffer[..count]);
            drop(seen);
            shared.changed.notify_all();
        }
    })
}

fn wait(mut child: Box<dyn Child + Send + Sync>, shared: Arc<Shared>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let status = child
            .wait()
            .unwrap_or_else(|error| ExitStatus::with_signal(&error.to_string()));
        let mut seen = shared.lock();
        seen.exit = Some(status);
        seen.ended = shared.clock.monotonic();
        drop(seen);
        shared.changed.notify_all();
    })
}
