//! Every mode of the terminal that is turned on, and the one place that turns all of them off again.
//!
//! The way out is the same for quitting, an error, a panic and a signal: [`leave`] undoes what [`enter`] did, once.

#[cfg(not(unix))]
use std::io::Write as _;
use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, SetTitle};
use crossterm::{cursor, queue};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::Notify;

use crate::emit::Emitter;

pub(crate) mod background;
#[cfg(unix)]
mod jobs;

/// Whether our modes are on.
static ON: AtomicBool = AtomicBool::new(false);
/// Whether the terminal was given back because the screen panicked.
static PANICKED: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();
/// The thread that draws. A panic there is the end of the screen; elsewhere it is news.
static SCREEN: Mutex<Option<ThreadId>> = Mutex::new(None);
/// What panicked elsewhere and was not told yet.
static ELSEWHERE: Mutex<Vec<String>> = Mutex::new(Vec::new());
static NEWS: Notify = Notify::const_new();

/// Keeps and gives back the title: XTWINOPS 22 and 23 (xterm control sequences).
const KEEP_TITLE: &[u8] = b"\x1b[22;0t";
const GIVE_TITLE_BACK: &[u8] = b"\x1b[23;0t";
/// Whether writing goes on in the next row behind the last column (DECAWM); we never mean that.
const WRAP_OFF: &[u8] = b"\x1b[?7l";
const WRAP_ON: &[u8] = b"\x1b[?7h";
/// No colour and no emphasis.
const PLAIN: &[u8] = b"\x1b[m";

/// A terminal larger than this gets a screen of this size in its corner.
const LARGEST: (u16, u16) = (1_000, 400);

/// What the screen is drawn on.
pub(crate) struct Canvas {
    emitter: Emitter,
    next: Buffer,
    out: Vec<u8>,
}

impl Canvas {
    pub(crate) fn new() -> Self {
        Self {
            emitter: Emitter::new(),
            next: Buffer::empty(Rect::ZERO),
            out: Vec::new(),
        }
    }

    /// Draws a frame; nothing is written yet.
    pub(crate) fn draw(&mut self, size: (u16, u16), paint: impl FnOnce(&mut Buffer, Rect)) {
        let area = Rect::new(0, 0, size.0, size.1);
        self.next.resize(area);
        self.next.reset();
        paint(&mut self.next, area);
        self.emitter.frame(&mut self.next, &mut self.out);
    }

    /// Writes what the last frame changed, all at once, and returns it.
    pub(crate) fn flush(&mut self) -> io::Result<&[u8]> {
        write(&self.out)?;
        Ok(&self.out)
    }

    /// Forgets the bytes that were written.
    pub(crate) fn written(&mut self) {
        self.out.clear();
        // A full frame of a large terminal is not kept for all the small ones that follow.
        self.out.shrink_to(16 * 1024);
    }

    /// Forgets what the terminal shows, so that the next frame is drawn in full.
    pub(crate) fn forget(&mut self) {
        self.emitter.forget();
    }
}

/// Returns the columns and rows of the terminal.
pub(crate) fn size() -> io::Result<(u16, u16)> {
    let (columns, rows) = crossterm::terminal::size()?;
    Ok((columns.min(LARGEST.0), rows.min(LARGEST.1)))
}

/// What the terminal has not taken yet: it may be full, or somebody may have stopped it.
static QUEUE: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// How long to wait before a full terminal is tried again.
const BREATH: Duration = Duration::from_millis(10);
/// How long the way out waits for a terminal that takes nothing.
const PATIENCE: Duration = Duration::from_millis(500);
/// In how many parts: a terminal may take a little at a time.
const SLICES: u32 = 10;

/// The terminal, opened once more so that writing to it never waits. That is a property of the opening: the shell's own
/// goes on as before. There is none where the terminal has no name, or belongs to another user.
#[cfg(unix)]
static OUT: std::sync::OnceLock<Option<std::os::fd::OwnedFd>> = std::sync::OnceLock::new();

#[cfg(unix)]
fn out() -> Option<std::os::fd::BorrowedFd<'static>> {
    use rustix::fs::{Mode, OFlags};
    let opened = OUT.get_or_init(|| {
        let name = rustix::termios::ttyname(io::stdout(), Vec::new()).ok()?;
        let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::open(name, flags, Mode::empty()).ok()
    });
    opened.as_ref().map(std::os::fd::AsFd::as_fd)
}

/// Writes to the terminal, past the buffer and the lock of standard output: this must work within a panic, too. What it
/// does not take now is taken by [`go_on`].
fn write(bytes: &[u8]) -> io::Result<()> {
    lock(&QUEUE).extend_from_slice(bytes);
    go_on()
}

/// Tells whether the terminal has not taken everything yet.
pub(crate) fn is_waiting() -> bool {
    !lock(&QUEUE).is_empty()
}

/// Writes as much as the terminal takes of what is left.
pub(crate) fn go_on() -> io::Result<()> {
    let mut queue = lock(&QUEUE);
    let mut written = 0;
    let result = loop {
        if written == queue.len() {
            break Ok(());
        }
        match write_some(&queue[written..]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    queue.drain(..written);
    result
}

fn write_some(bytes: &[u8]) -> io::Result<usize> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        Ok(match out() {
            Some(out) => rustix::io::write(out, bytes)?,
            None => rustix::io::write(io::stdout().as_fd(), bytes)?,
        })
    }
    #[cfg(not(unix))]
    {
        let mut out = io::stdout().lock();
        let count = out.write(bytes)?;
        out.flush()?;
        Ok(count)
    }
}

/// Writes the last that is written, and gives up on a terminal that takes nothing.
fn write_last(bytes: &[u8]) -> io::Result<()> {
    // What is left of a frame would only be in the way.
    lock(&QUEUE).clear();
    write(bytes)?;
    #[cfg(unix)]
    if let Some(out) = out() {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let slice = Timespec::try_from(PATIENCE / SLICES).map_err(io::Error::other)?;
        for _ in 0..SLICES {
            if !is_waiting() {
                return Ok(());
            }
            poll(&mut [PollFd::new(&out, PollFlags::OUT)], Some(&slice))?;
            go_on()?;
        }
        // It takes nothing, and nobody waits for it any longer.
        lock(&QUEUE).clear();
    }
    Ok(())
}

/// Waits a little for a terminal that has not taken everything, and writes on.
pub(crate) async fn go_on_soon() -> io::Result<()> {
    tokio::time::sleep(BREATH).await;
    go_on()
}

/// Holds the terminal in full-screen mode until it is dropped.
pub(crate) struct Guard(());

impl Guard {
    /// Turns the modes on. The calling thread is the one that draws.
    pub(crate) fn enter() -> io::Result<Self> {
        *lock(&SCREEN) = Some(std::thread::current().id());
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if !ON.load(Ordering::SeqCst) {
                    before(info);
                } else if *lock(&SCREEN) == Some(std::thread::current().id()) {
                    leave();
                    PANICKED.store(true, Ordering::SeqCst);
                    before(info);
                } else {
                    // Whoever waits for that thread hears of it; the screen says it and goes on.
                    lock(&ELSEWHERE).push(told(info));
                    NEWS.notify_one();
                }
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

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn told(info: &PanicHookInfo<'_>) -> String {
    let what = info.payload_as_str().unwrap_or("it gave no reason");
    let place = info
        .location()
        .map(|place| format!(" at {}:{}", place.file(), place.line()))
        .unwrap_or_default();
    format!("a part of the program broke down: {what}\n(a panic{place}; please report it)")
}

/// Tells whether a panic has taken the terminal away from the screen.
pub(crate) fn panicked() -> bool {
    PANICKED.load(Ordering::SeqCst)
}

/// Waits until something panics that is not the screen, and returns what it said.
pub(crate) async fn broke_down() -> String {
    loop {
        if let Some(text) = lock(&ELSEWHERE).pop() {
            return text;
        }
        NEWS.notified().await;
    }
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
    let mut out = KEEP_TITLE.to_vec();
    queue!(
        out,
        EnterAlternateScreen,
        SetTitle("outbound"),
        EnableBracketedPaste,
        cursor::Hide,
        Clear(ClearType::All)
    )?;
    out.extend_from_slice(WRAP_OFF);
    write(&out)
}

/// Turns our modes off, once; says whether they were on.
///
/// What fails here is not reported: the terminal may be gone, and there is nobody left to tell.
pub(crate) fn leave() -> bool {
    if !ON.swap(false, Ordering::SeqCst) {
        return false;
    }
    let mut out = [PLAIN, WRAP_ON].concat();
    let _ = queue!(
        out,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    ); // a vector takes everything
    out.extend_from_slice(GIVE_TITLE_BACK);
    let _ = write_last(&out); // the terminal may be gone
    let _ = crossterm::terminal::disable_raw_mode(); // likewise
    true
}

/// Asks for the signals of the mouse, or stops asking.
pub(crate) fn mouse(on: bool) -> io::Result<()> {
    let mut out = Vec::new();
    if on {
        queue!(out, crossterm::event::EnableMouseCapture)?;
    } else {
        queue!(out, DisableMouseCapture)?;
    }
    write(&out)
}

/// Announces once more what was typed and is not read yet, if anything is.
///
/// Keys and changes of size are heard of once (epoll, *edge-triggered*), and may be heard of together; whoever reads them
/// takes one and forgets the other. Typed bytes would then lie there until the next key. Setting the terminal to what it is
/// set to already has the kernel tell its readers again (`n_tty_set_termios` of Linux). Asked after every event, never in
/// between: an idle screen does nothing. Elsewhere than on Linux it may not help, and does no harm.
#[cfg(unix)]
pub(crate) fn announce_unread() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    let stdin = io::stdin();
    let mut looked = [PollFd::new(&stdin, PollFlags::IN)];
    let at_once = Timespec::default();
    let is_unread = poll(&mut looked, Some(&at_once)).is_ok_and(|count| count > 0);
    // A terminal that is gone is told of by whoever reads it.
    if is_unread && let Ok(settings) = tcgetattr(&stdin) {
        let _ = tcsetattr(&stdin, OptionalActions::Now, &settings); // likewise
    }
}

#[cfg(not(unix))]
pub(crate) fn announce_unread() {}

/// Asks for the background's colour; the answer, if one comes, comes like keys.
pub(crate) fn ask_background() -> io::Result<()> {
    write(background::QUESTION)
}

/// Puts text on the clipboard of the terminal, however far away it is (OSC 52).
pub(crate) fn copy(text: &str) -> io::Result<()> {
    let mut out = Vec::new();
    queue!(
        out,
        crossterm::clipboard::CopyToClipboard::to_clipboard_from(text)
    )?;
    write(&out)
}

/// Stops the process group as Ctrl-Z does outside raw mode, and comes back when it is continued.
///
/// The others of the group get the signal as the terminal itself would send it. We listen for it, so that it does not stop
/// us by itself: the terminal is given back first, and what is sent then cannot be listened for.
#[cfg(unix)]
pub(crate) async fn suspend(
    stopped: &mut tokio::signal::unix::Signal,
    continued: &mut tokio::signal::unix::Signal,
) -> io::Result<()> {
    leave();
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
    // Our own, which is done now; it may come a little later.
    let _ = tokio::time::timeout(SOON, stopped.recv()).await;
    stop(continued).await
}

/// Stops this process, because it was asked to, and comes back when it is continued.
#[cfg(unix)]
pub(crate) async fn stop(continued: &mut tokio::signal::unix::Signal) -> io::Result<()> {
    leave();
    // Where nobody would ever continue us the system does not stop us either.
    if !jobs::is_orphaned() {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
        let _ = tokio::time::timeout(SOON, continued.recv()).await;
    }
    enter()
}

/// The signals that the keys of a terminal send, the one with which what was stopped goes on, and those that end us.
#[cfg(unix)]
pub(crate) struct Keys<'s> {
    pub(crate) terminate: &'s mut tokio::signal::unix::Signal,
    pub(crate) hangup: &'s mut tokio::signal::unix::Signal,
    pub(crate) interrupt: &'s mut tokio::signal::unix::Signal,
    pub(crate) quit: &'s mut tokio::signal::unix::Signal,
    pub(crate) stop: &'s mut tokio::signal::unix::Signal,
    pub(crate) continued: &'s mut tokio::signal::unix::Signal,
}

/// How another program came to give the terminal back.
#[cfg(unix)]
pub(crate) enum Lent {
    /// It has ended.
    Ended(std::process::ExitStatus),
    /// This process is to end, and the program was told so.
    Signal,
}

/// Gives the terminal to another program until that has ended, or this process is to end; whoever called takes it back
/// with [`enter`].
///
/// Nobody else may read from the terminal meanwhile. Whoever waits for a key reads it, so this is for what a key asked for.
#[cfg(unix)]
pub(crate) async fn lend(mut command: tokio::process::Command, keys: Keys<'_>) -> io::Result<Lent> {
    use rustix::process::{Pid, Signal, getpid, kill_process};
    leave();
    let mut child = command.spawn()?;
    let told = loop {
        tokio::select! {
            biased;
            _ = keys.terminate.recv() => break Signal::TERM,
            _ = keys.hangup.recv() => break Signal::HUP,
            // Such a key reaches everybody in the group, and is meant for the program.
            _ = keys.interrupt.recv() => {}
            _ = keys.quit.recv() => {}
            // The program has stopped. A shell takes the terminal back only when all of its job has.
            _ = keys.stop.recv() => if !jobs::is_orphaned() {
                kill_process(getpid(), Signal::STOP)?;
                let _ = tokio::time::timeout(SOON, keys.continued.recv()).await;
            },
            status = child.wait() => return status.map(Lent::Ended),
        }
    };
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(program) = id.and_then(Pid::from_raw) {
        let _ = kill_process(program, told); // it may have ended just now
    }
    let _ = tokio::time::timeout(PARTING, child.wait()).await; // it may not care, and we end anyway
    Ok(Lent::Signal)
}

/// How long a program that was told to end is waited for.
#[cfg(unix)]
const PARTING: Duration = Duration::from_secs(2);

/// How long a signal may take to arrive.
#[cfg(unix)]
const SOON: Duration = Duration::from_millis(100);
