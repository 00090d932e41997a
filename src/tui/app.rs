//! The loop: happenings in, frames out. It sleeps until something happens and draws only when something changed.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{
    Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind,
};
use domain::Clock;
use engine::{Page, Reader};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;

use crate::cast::Cast;
use crate::editor::Opened;
use crate::frame::Governor;
use crate::hands::Hands;
use crate::keymap::Key;
use crate::screen::{Order, Screen};
use crate::terminal::background::{self, Heard};
use crate::terminal::{self, Canvas, Guard};
use crate::theme::{Surroundings, Theme, ThemeName};
use crate::wish::{Answer, Deed, Happening};
use crate::world::World;
use crate::{Setup, View, hands, panels};

/// How many keys are taken between two frames.
const MOST_AT_ONCE: usize = 4_096;
/// Nobody types so many letters between two frames: that is a paste of a terminal that does not mark it as one.
const LIKE_A_PASTE: usize = 64;

/// How many pieces of news are taken at once.
const BATCH: usize = 1_024;
/// How long a stream is let run on between two looks at it: waking up for each piece of news costs more than the news.
const LISTEN: Duration = Duration::from_millis(40);
/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// How the workbench ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody quit.
    Quit,
    /// SIGTERM, SIGHUP, SIGINT or SIGQUIT.
    Signal,
}

/// Why the workbench could not go on. The terminal was given back.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no terminal to draw on.
    #[error("standard input and output are no terminal")]
    NoTerminal,
    /// The terminal cannot be used any more.
    #[error("cannot use the terminal")]
    Terminal(#[from] io::Error),
    /// The recording cannot be begun.
    #[error("cannot record into {}: {told}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What the system said.
        told: io::Error,
    },
    /// Something panicked; what it said is on the terminal.
    #[error("a part of the program panicked")]
    Panicked,
}

/// The screen with its first frame on the terminal, before there is an engine. Dropping it gives the terminal back.
pub struct Curtain {
    screen: Screen,
    canvas: Canvas,
    background: Option<background::Answer>,
    /// What is to be read once the engine has started.
    orders: Vec<Order>,
    view: View,
    signals: Signals,
    // The last to be dropped.
    guard: Guard,
}

impl Curtain {
    /// Takes the terminal and draws the first frame.
    ///
    /// # Errors
    /// [`RunError`] when the terminal cannot be used. It is given back then.
    pub fn raise(view: View) -> Result<Self, RunError> {
        if !terminal::is_there() {
            return Err(RunError::NoTerminal);
        }
        let theme = Theme::new(view.theme, &view.surroundings);
        let world = World::open(&view, theme);
        let mut screen = Screen::new(world, panels::all(), "traffic");
        let mut canvas = Canvas::new();
        // A signal that comes while the engine starts is taken up when it has.
        let signals = Signals::listen()?;
        let guard = Guard::enter()?;
        let size = terminal::size()?;
        (screen.world.width, screen.world.height) = size;
        canvas.draw(size, |buffer, area| screen.draw(buffer, area));
        canvas.flush()?;
        canvas.written();
        // Behind the first frame, which does not wait for it.
        let background = if view.surroundings.asks_background(view.theme) {
            terminal::ask_background()?;
            Some(background::Answer::awaited(view.clock.monotonic()))
        } else {
            None
        };
        Ok(Self {
            screen,
            canvas,
            background,
            orders: Vec::new(),
            view,
            signals,
            guard,
        })
    }

    /// Shows the newest rows of a journal, as many as there is room for, while the engine still starts.
    ///
    /// # Errors
    /// [`RunError`] when the terminal cannot be used any more. A journal that cannot be read is the engine's to tell of.
    pub fn preview(&mut self, reader: &Reader) -> Result<(), RunError> {
        let height = usize::from(self.screen.world.height);
        let read = reader.last().and_then(|last| {
            let rows = hands::rows(reader, Page::newest(height))?;
            Ok(Answer::Begun {
                last,
                open: Vec::new(),
                rows,
                roles: reader.roles()?,
            })
        });
        let Ok(begun) = read else { return Ok(()) };
        // What the panels want to read now is read when there is somebody to do it.
        let orders = self.screen.update(Happening::Answer(Box::new(begun)));
        self.orders.extend(orders);
        if !terminal::is_waiting() {
            let size = (self.screen.world.width, self.screen.world.height);
            let screen = &self.screen;
            self.canvas
                .draw(size, |buffer, area| screen.draw(buffer, area));
            self.canvas.flush()?;
            self.canvas.written();
        }
        Ok(())
    }

    /// Opens the workbench and returns when it was left.
    ///
    /// The engine goes on running; whoever started it stops it.
    ///
    /// # Errors
    /// [`RunError`] when the terminal cannot be used any more. It is given back on every way out.
    pub async fn open(self, setup: Setup) -> Result<Ended, RunError> {
        let Self {
            screen,
            canvas,
            background,
            orders,
            view,
            signals,
            guard,
        } = self;
        let record = setup.record.clone();
        let mut app = App::new(setup, &view, screen, canvas);
        app.background = background;
        app.orders = orders;
        if let Some(path) = record {
            app.record(&path)
                .map_err(|told| RunError::Record { path, told })?;
        }
        // Whoever started the engine is to stop it in good order, whatever broke down here.
        let result = AssertUnwindSafe(app.go(signals)).catch_unwind().await;
        drop(guard);
        if let Some(copy) = app.kept_copy() {
            let place = copy.display().to_string();
            let place = domain::visible(&place);
            // Nobody may read standard error; the file stays anyway.
            let _ = writeln!(
                io::stderr(),
                "The text that was edited by hand and not taken is kept in {place}"
            );
        }
        match result {
            Ok(result) if !terminal::panicked() => result,
            _ => Err(RunError::Panicked),
        }
    }
}

struct App {
    screen: Screen,
    canvas: Canvas,
    governor: Governor,
    clock: Arc<dyn Clock>,
    hands: Hands,
    answers: mpsc::UnboundedReceiver<Happening>,
    /// Something changed since the last frame; whether it may wait for the governor.
    dirty: Option<Urgency>,
    /// The frame that the terminal is taking.
    frame: Option<Frame>,
    /// What is to be done first.
    orders: Vec<Order>,
    /// The terminal was asked for its background.
    background: Option<background::Answer>,
    surroundings: Surroundings,
    cast: Option<Cast>,
    /// The last frame came too soon for the recording.
    untaken: bool,
    ended: Option<Ended>,
    /// What came while an editor had the terminal.
    kept: VecDeque<Happening>,
    /// What an editor had written when this process was told to end.
    left: Option<PathBuf>,
}

/// Keeps what comes while nobody can see it. Of what only says how things are now the newest is enough: an editor may be
/// open for hours.
fn keep(kept: &mut VecDeque<Happening>, happening: Happening) {
    let is_past = |one: &Happening| match (one, &happening) {
        (Happening::Logged, Happening::Logged) => true,
        (Happening::Answer(one), Happening::Answer(new)) => match (one.as_ref(), new.as_ref()) {
            (Answer::Work(one), Answer::Work(new)) => one.is_under_way() && one.what == new.what,
            _ => false,
        },
        _ => false,
    };
    kept.retain(|one| !is_past(one));
    kept.push_back(happening);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Stream,
    Key,
}

/// A frame that was written, or is being written.
struct Frame {
    begun: Duration,
    bytes: u64,
    urgency: Urgency,
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    stop: tokio::signal::unix::Signal,
    continued: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            // As keys they are read like the others; these come from elsewhere.
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }
}

impl App {
    fn new(setup: Setup, view: &View, screen: Screen, canvas: Canvas) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        Self {
            screen,
            canvas,
            governor: Governor::new(setup.link),
            clock: Arc::clone(&view.clock),
            hands: Hands::new(setup, view, sender),
            answers,
            dirty: None,
            frame: None,
            orders: Vec::new(),
            background: None,
            surroundings: view.surroundings.clone(),
            cast: None,
            untaken: false,
            ended: None,
            kept: VecDeque::new(),
            left: None,
        }
    }

    /// Returns where a text is that was edited by hand and is nowhere else.
    fn kept_copy(&self) -> Option<&Path> {
        self.left.as_deref().or_else(|| self.screen.kept_copy())
    }

    async fn go(&mut self, mut signals: Signals) -> Result<Ended, RunError> {
        let mut events = EventStream::new();
        let mut news = self.hands.subscribe();
        let mut lab = self.hands.follow();
        let mut lab_open = true;
        let mut news_open = true;
        let mut listen = Duration::ZERO;
        let mut alarm = Alarm::new(Arc::clone(&self.clock));
        let mut first = std::mem::take(&mut self.orders);
        first.extend(self.screen.begin());
        self.carry_out(first, &mut signals).await?;
        loop {
            if let Some(ended) = self.ended {
                return Ok(ended);
            }
            if terminal::panicked() {
                return Err(RunError::Panicked);
            }
            if let Some(kept) = self.kept.pop_front() {
                self.happen(kept, Urgency::Stream, &mut signals).await?;
                continue;
            }
            let now = self.clock.monotonic();
            // A terminal that has not taken the last frame gets no other one.
            let is_due = self.dirty == Some(Urgency::Key)
                || (self.dirty.is_some() && self.governor.due() <= now);
            if is_due && !terminal::is_waiting() {
                self.draw()?;
            }
            let waiting = terminal::is_waiting();
            let take = self
                .cast
                .as_ref()
                .filter(|_| self.untaken)
                .map(|cast| cast.due().saturating_sub(now));
            let frame = self
                .dirty
                .filter(|_| !waiting)
                .map(|_| self.governor.due().saturating_sub(now));
            let tick = self.screen.wakes();
            let listening = listen <= now;
            tokio::select! {
                biased;
                _ = signals.terminate.recv() => self.ended = Some(Ended::Signal),
                _ = signals.hangup.recv() => self.ended = Some(Ended::Signal),
                _ = signals.interrupt.recv() => self.ended = Some(Ended::Signal),
                _ = signals.quit.recv() => self.ended = Some(Ended::Signal),
                text = terminal::broke_down() => {
                    let answer = Answer::Done(Err(text));
                    self.happen(Happening::Answer(Box::new(answer)), Urgency::Key, &mut signals).await?;
                }
                _ = signals.stop.recv() => {
                    terminal::stop(&mut signals.continued).await?;
                    self.repaint()?;
                }
                _ = signals.continued.recv() => self.repaint()?,
                went_on = terminal::go_on_soon(), if waiting => {
                    went_on?;
                    self.flushed();
                }
                event = events.next() => match event {
                    Some(Ok(event)) => {
                        // What waits already is taken before the next frame: a burst of keys costs one. The stream is not
                        // asked: once it has found nothing a thread of its own reads the terminal, which may be lent next.
                        let mut burst = vec![event];
                        while burst.len() < MOST_AT_ONCE
                            && crossterm::event::poll(Duration::ZERO)?
                        {
                            burst.push(crossterm::event::read()?);
                        }
                        terminal::announce_unread();
                        for event in as_pasted(burst) {
                            self.input(event, &mut signals).await?;
                        }
                    }
                    Some(Err(error)) => return Err(error.into()),
                    None => self.ended = Some(Ended::Signal),
                },
                Some(answer) = self.answers.recv() => self.happen(answer, Urgency::Stream, &mut signals).await?,
                () = sleep(Some(listen.saturating_sub(now))), if !listening => {}
                heard = news.next(), if news_open && listening => match heard {
                    Some(first) => {
                        let mut batch = vec![first];
                        while batch.len() < BATCH {
                            let Some(next) = news.try_next() else { break };
                            batch.push(next);
                        }
                        if batch.len() < BATCH {
                            listen = self.clock.monotonic() + LISTEN;
                        }
                        self.happen(Happening::News(batch), Urgency::Stream, &mut signals).await?;
                    }
                    None => news_open = false,
                },
                entry = lab.next(), if lab_open && listening => match entry {
                    Some(first) => {
                        let mut batch = vec![first];
                        while batch.len() < BATCH {
                            let Some(Some(next)) = lab.next().now_or_never() else { break };
                            batch.push(next);
                        }
                        if batch.len() < BATCH {
                            listen = self.clock.monotonic() + LISTEN;
                        }
                        self.happen(Happening::Lab(batch), Urgency::Stream, &mut signals).await?;
                    }
                    None => lab_open = false,
                },
                () = sleep(frame), if frame.is_some() => {}
                () = sleep(take), if take.is_some() => self.take_frame(),
                rung = alarm.ring(tick) => match rung {
                    Rung::Tick => self.happen(Happening::Tick, Urgency::Key, &mut signals).await?,
                    Rung::Look => {
                        if self.hands.file_changed() {
                            self.happen(Happening::FileChanged, Urgency::Key, &mut signals).await?;
                        }
                    }
                },
            }
        }
    }

    async fn input(&mut self, event: Event, signals: &mut Signals) -> Result<(), RunError> {
        if let Event::Key(key) = event
            && self.is_background(key)
        {
            return Ok(());
        }
        let happening = match event {
            Event::Key(key) => match Key::read(key) {
                #[cfg(debug_assertions)]
                Some(key) if key == Key::ctrl('g') && provoke() => return Ok(()),
                Some(key) => Happening::Key(key),
                None => return Ok(()),
            },
            Event::Paste(text) => Happening::Paste(text),
            Event::Mouse(mouse) => match mouse.kind {
                MouseEventKind::ScrollDown => Happening::Wheel(3),
                MouseEventKind::ScrollUp => Happening::Wheel(-3),
                MouseEventKind::Down(_) => Happening::Click {
                    x: mouse.column,
                    y: mouse.row,
                },
                _ => return Ok(()),
            },
            Event::Resize(..) => {
                self.canvas.forget();
                Happening::Resize
            }
            Event::FocusGained | Event::FocusLost => return Ok(()),
        };
        self.happen(happening, Urgency::Key, signals).await
    }

    /// Takes a key that is a part of what the terminal says of its background.
    fn is_background(&mut self, key: KeyEvent) -> bool {
        let now = self.clock.monotonic();
        self.background = self.background.take().filter(|one| one.is_awaited(now));
        let Some(answer) = &mut self.background else {
            return false;
        };
        match answer.hear(key) {
            Heard::Key => return false,
            Heard::Part => {}
            Heard::End(is_light) => {
                self.background = None;
                if is_light == Some(true) {
                    self.screen.world.theme = Theme::new(ThemeName::Light, &self.surroundings);
                    self.dirty = Some(Urgency::Key);
                }
            }
        }
        true
    }

    async fn happen(
        &mut self,
        happening: Happening,
        urgency: Urgency,
        signals: &mut Signals,
    ) -> Result<(), RunError> {
        self.screen.world.now = self.clock.now();
        self.screen.world.passed = self.clock.monotonic();
        self.dirty = self.dirty.max(Some(urgency));
        let orders = self.screen.update(happening);
        self.carry_out(orders, signals).await
    }

    async fn carry_out(
        &mut self,
        orders: Vec<Order>,
        signals: &mut Signals,
    ) -> Result<(), RunError> {
        for order in orders {
            match order {
                Order::Ask(query) => self.hands.ask(query),
                Order::Do(Deed::Quit) => self.ended = Some(Ended::Quit),
                Order::Do(Deed::Repaint) => self.repaint()?,
                Order::Do(Deed::Mouse(on)) => terminal::mouse(on)?,
                Order::Do(Deed::Record(Some(path))) => {
                    let begun = self
                        .record(&path)
                        .map(|()| format!("recording into {}", path.display()))
                        .map_err(|told| format!("cannot record into {}: {told}", path.display()));
                    self.tell(begun);
                }
                Order::Do(Deed::Record(None)) => self.end_recording(Ok(())),
                Order::Do(Deed::Suspend) => {
                    terminal::suspend(&mut signals.stop, &mut signals.continued).await?;
                    self.repaint()?;
                }
                // A key asked for it, so nobody else reads the terminal meanwhile.
                Order::Do(Deed::Editor(job)) => {
                    let keys = terminal::Keys {
                        terminate: &mut signals.terminate,
                        hangup: &mut signals.hangup,
                        interrupt: &mut signals.interrupt,
                        quit: &mut signals.quit,
                        stop: &mut signals.stop,
                        continued: &mut signals.continued,
                    };
                    let mut editing = std::pin::pin!(crate::editor::open(*job, keys));
                    let opened = loop {
                        tokio::select! {
                            opened = editing.as_mut() => break opened,
                            Some(happening) = self.answers.recv() => keep(&mut self.kept, happening),
                        }
                    };
                    match opened {
                        Opened::Back(edited) => {
                            self.repaint()?;
                            self.hands.answer(Answer::Edited(edited));
                        }
                        // The terminal was given back already.
                        Opened::Ended(copy) => {
                            self.left = copy;
                            self.ended = Some(Ended::Signal);
                            return Ok(());
                        }
                    }
                }
                Order::Do(deed) => self.hands.act(deed, self.screen.world.draft.as_ref()),
            }
        }
        Ok(())
    }

    fn repaint(&mut self) -> Result<(), RunError> {
        terminal::enter()?;
        if self.screen.mouse {
            // Whoever had the terminal meanwhile may have turned it off, as our own way out does.
            terminal::mouse(true)?;
        }
        self.canvas.forget();
        self.dirty = Some(Urgency::Key);
        Ok(())
    }

    fn draw(&mut self) -> Result<(), RunError> {
        let size = terminal::size()?;
        (self.screen.world.width, self.screen.world.height) = size;
        let screen = &self.screen;
        self.canvas
            .draw(size, |buffer, area| screen.draw(buffer, area));
        let begun = self.clock.monotonic();
        let bytes = self.canvas.flush()?.len();
        self.canvas.written();
        self.frame = Some(Frame {
            begun,
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            urgency: self.dirty.unwrap_or(Urgency::Stream),
        });
        self.flushed();
        self.dirty = None;
        self.untaken = true;
        self.take_frame();
        Ok(())
    }

    /// Learns how long the terminal needed for a frame, once it has taken all of it.
    fn flushed(&mut self) {
        if terminal::is_waiting() {
            return;
        }
        let Some(frame) = self.frame.take() else {
            return;
        };
        let now = self.clock.monotonic();
        let took = now.saturating_sub(frame.begun);
        match frame.urgency {
            Urgency::Key => self.governor.answered(took),
            Urgency::Stream => self.governor.drawn(now, frame.bytes, took),
        }
    }

    /// Begins a recording.
    fn record(&mut self, path: &Path) -> io::Result<()> {
        self.cast = Some(Cast::create(path, self.clock.now())?);
        self.screen.recording = Some(path.display().to_string());
        Ok(())
    }

    /// Takes the present screen into the recording, if one goes on and it is time.
    fn take_frame(&mut self) {
        let now = self.clock.monotonic();
        let Some(cast) = self.cast.as_mut().filter(|cast| cast.due() <= now) else {
            return;
        };
        self.untaken = false;
        let size = (self.screen.world.width, self.screen.world.height);
        let screen = &mut self.screen;
        let taken = cast.frame(now, size, |buffer, area| screen.draw_masked(buffer, area));
        if taken.is_err() {
            self.end_recording(taken);
        }
    }

    fn end_recording(&mut self, how: io::Result<()>) {
        self.screen.recording = None;
        if let Some(cast) = self.cast.take() {
            let path = cast.path().display();
            let told = match how {
                Ok(()) => Ok(format!("recorded into {path}")),
                Err(error) => Err(format!("the recording into {path} ended: {error}")),
            };
            self.tell(told);
        }
    }

    /// Says something on the screen.
    fn tell(&mut self, told: Result<String, String>) {
        self.screen.world.now = self.clock.now();
        self.screen.world.passed = self.clock.monotonic();
        self.screen
            .update(Happening::Answer(Box::new(Answer::Done(told))));
        self.dirty = Some(Urgency::Key);
    }
}

/// Breaks down when the tests ask for it; says whether they did. A release does not know of this.
#[cfg(debug_assertions)]
fn provoke() -> bool {
    match std::env::var("OUTBOUND_PROVOKE").as_deref() {
        Ok("panic") => panic!("provoked by OUTBOUND_PROVOKE"),
        Ok("panic-elsewhere") => {
            tokio::spawn(async { panic!("provoked by OUTBOUND_PROVOKE") });
            true
        }
        _ => false,
    }
}

/// What wakes the loop when nothing comes from outside.
pub(crate) struct Alarm {
    clock: Arc<dyn Clock>,
    look: tokio::time::Interval,
}

/// What it woke up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rung {
    /// Something that is shown changes by itself now.
    Tick,
    /// The file is to be looked at.
    Look,
}

impl Alarm {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self { clock, look }
    }

    /// Waits for what comes first. `tick` is an instant of the clock and no span: whatever wakes the loop before must not
    /// put it off.
    pub(crate) async fn ring(&mut self, tick: Option<Duration>) -> Rung {
        let left = tick.map(|at| at.saturating_sub(self.clock.monotonic()));
        tokio::select! {
            biased;
            () = sleep(left), if left.is_some() => Rung::Tick,
            _ = self.look.tick() => Rung::Look,
        }
    }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// Makes one paste of letters that came faster than anybody types, so that `Enter` among them presses nothing.
fn as_pasted(events: Vec<Event>) -> Vec<Event> {
    let mut out = Vec::with_capacity(events.len());
    let mut events = events.into_iter().peekable();
    while let Some(event) = events.next() {
        let Some(first) = written_by(&event) else {
            out.push(event);
            continue;
        };
        let mut run = vec![event];
        let mut text = String::from(first);
        while let Some(letter) = events.peek().and_then(written_by) {
            text.push(letter);
            run.extend(events.next());
        }
        if run.len() >= LIKE_A_PASTE {
            out.push(Event::Paste(text));
        } else {
            out.append(&mut run);
        }
    }
    out
}

/// Returns the letter that a key writes when it is part of a pasted text.
fn written_by(event: &Event) -> Option<char> {
    let Event::Key(key) = event else {
        return None;
    };
    let is_plain = key.kind == KeyEventKind::Press
        && !key
            .modifiers
            .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match key.code {
        KeyCode::Char(letter) if is_plain => Some(letter),
        KeyCode::Enter if is_plain => Some('\n'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::{Stage, Work};

    #[test]
    fn letters_that_nobody_types_so_fast_are_one_paste() {
        let key = |code| Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
        let letters = |count| vec![key(KeyCode::Char('a')); count];
        let typed = letters(LIKE_A_PASTE - 1);
        assert_eq!(as_pasted(typed.clone()), typed);
        let mut burst = letters(LIKE_A_PASTE);
        burst.insert(3, key(KeyCode::Enter));
        burst.push(key(KeyCode::Tab));
        burst.extend(letters(1));
        let pasted = format!("aaa\n{}", "a".repeat(LIKE_A_PASTE - 3));
        let expected = [
            Event::Paste(pasted),
            key(KeyCode::Tab),
            key(KeyCode::Char('a')),
        ];
        assert_eq!(as_pasted(burst), expected);
    }

    #[test]
    fn while_an_editor_is_open_only_the_newest_of_what_goes_on_is_kept() {
        let mut kept = VecDeque::new();
        let mut work = Work::begin("import users.csv".to_owned());
        let told = |work: &Work| Happening::Answer(Box::new(Answer::Work(work.clone())));
        for done in 0..100 {
            work.done = done;
            keep(&mut kept, told(&work));
            keep(&mut kept, Happening::Logged);
        }
        keep(&mut kept, Happening::FileChanged);
        work.stage = Stage::Ended;
        keep(&mut kept, told(&work));
        // What another import says is its own.
        keep(&mut kept, told(&Work::begin("import more.csv".to_owned())));
        let works: Vec<(&str, bool)> = kept
            .iter()
            .filter_map(|one| match one {
                Happening::Answer(answer) => match answer.as_ref() {
                    Answer::Work(work) => Some((work.what.as_str(), work.is_under_way())),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        assert_eq!(
            works,
            [("import users.csv", false), ("import more.csv", true)]
        );
        assert_eq!(kept.len(), 4);
    }
}
