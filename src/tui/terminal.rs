//! Every mode of the terminal that is turned on, and the one place that turns all of them off again.
//!
//! The way out is the same for quitting, an error, a panic and a signal: [`leave`] undoes what [`enter`] did, once.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, SetTitle};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use crate::frame::Meter;

/// Whether our modes are on.
static ON: AtomicBool = AtomicBool::new(false);
/// Whether the terminal was given back because something panicked.
static PANICKED: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// Keeps and gives back the title: XTWINOPS 22 and 23 (xterm control sequences).
const KEEP_TITLE: &[u8] = b"\x1b[22;0t";
const GIVE_TITLE_BACK: &[u8] = b"\x1b[23;0t";

/// The screen that ratatui draws on; writes of one frame leave as one.
pub(crate) type Canvas = Terminal<CrosstermBackend<Counted>>;

/// Standard output, buffered until the end of a frame, with its bytes counted.
pub(crate) struct Counted {
    buffer: Vec<u8>,
    meter: Arc<Meter>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.meter.add(self.buffer.len());
        let mut out = io::stdout().lock();
        let result = out.write_all(&self.buffer).and_then(|()| out.flush());
        self.buffer.clear();
        result
    }
}

/// Holds the terminal in full-screen mode until it is dropped.
pub(crate) struct Guard(());

impl Guard {
    /// Turns the modes on.
    pub(crate) fn enter() -> io::Result<Self> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if leave() {
                    PANICKED.store(true, Ordering::SeqCst);
                }
                before(info);
            }));
        });
        let guard = Self(());
        enter()?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
    }
}

/// Tells whether a panic has taken the terminal away from the screen.
pub(crate) fn panicked() -> bool {
    PANICKED.load(Ordering::SeqCst)
}

/// Makes the canvas. It draws on standard output.
pub(crate) fn canvas(meter: &Arc<Meter>) -> io::Result<Canvas> {
    Terminal::new(CrosstermBackend::new(Counted {
        buffer: Vec::with_capacity(8 * 1024),
        meter: Arc::clone(meter),
    }))
}

/// Tells whether there is a terminal to draw on and to read keys from.
pub(crate) fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Turns our modes on.
pub(crate) fn enter() -> io::Result<()> {
    if ON.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    crossterm::terminal::enable_raw_mode()?;
    let mut out = io::stdout().lock();
    out.write_all(KEEP_TITLE)?;
    execute!(
        out,
        EnterAlternateScreen,
        SetTitle("outbound"),
        EnableBracketedPaste,
        cursor::Hide,
        Clear(ClearType::All)
    )
}

/// Turns our modes off, once; says whether they were on.
///
/// What fails here is not reported: the terminal may be gone, and there is nobody left to tell.
pub(crate) fn leave() -> bool {
    if !ON.swap(false, Ordering::SeqCst) {
        return false;
    }
    let mut out = Vec::new();
    let _ = queue!(
        out,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    ); // a vector takes everything
    out.extend_from_slice(GIVE_TITLE_BACK);
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(&out); // the terminal may be gone
    let _ = stdout.flush(); // likewise
    let _ = crossterm::terminal::disable_raw_mode(); // likewise
    true
}

/// Asks for the signals of the mouse, or stops asking.
pub(crate) fn mouse(on: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if on {
        execute!(out, crossterm::event::EnableMouseCapture)
    } else {
        execute!(out, DisableMouseCapture)
    }
}

/// Puts text on the clipboard of the terminal, however far away it is (OSC 52).
pub(crate) fn copy(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    execute!(
        out,
        crossterm::clipboard::CopyToClipboard::to_clipboard_from(text)
    )
}

/// Stops the process as Ctrl-Z does outside raw mode, and comes back when it is continued.
///
/// The stop is sent to the whole process group, as the terminal itself would send it.
#[cfg(unix)]
pub(crate) async fn suspend(continued: &mut tokio::signal::unix::Signal) -> io::Result<()> {
    leave();
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
    // The signal may reach another thread a little later; where nobody controls jobs it is thrown away.
    tokio::select! {
        _ = continued.recv() => {}
        () = tokio::time::sleep(std::time::Duration::from_millis(100)) => {}
    }
    enter()
}
