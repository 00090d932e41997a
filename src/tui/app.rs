//! The loop: happenings in, frames out. It sleeps until something happens and draws only when something changed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, EventStream, MouseEventKind};
use domain::Clock;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use crate::frame::{Governor, Meter};
use crate::hands::Hands;
use crate::keymap::Key;
use crate::screen::{Order, Screen};
use crate::terminal::{self, Canvas, Guard};
use crate::theme::Theme;
use crate::wish::{Deed, Happening};
use crate::world::World;
use crate::{Setup, panels};

/// How many pieces of news are taken at once.
const BATCH: usize = 1_024;
/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// How the workbench ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody quit.
    Quit,
    /// SIGTERM or SIGHUP.
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
    /// Something panicked; what it said is on the terminal.
    #[error("a part of the program panicked")]
    Panicked,
}

/// Opens the workbench and returns when it was left.
///
/// The engine goes on running; whoever started it stops it.
///
/// # Errors
/// [`RunError`] when the terminal cannot be used. It is given back on every way out.
pub async fn run(setup: Setup) -> Result<Ended, RunError> {
    if !terminal::is_there() {
        return Err(RunError::NoTerminal);
    }
    let theme = Theme::new(setup.theme, &setup.surroundings);
    let world = World::open(&setup, theme);
    let screen = Screen::new(world, panels::all(), "traffic");
    let guard = Guard::enter()?;
    let result = App::new(setup, screen)?.go().await;
    drop(guard);
    if terminal::panicked() {
        return Err(RunError::Panicked);
    }
    result
}

struct App {
    screen: Screen,
    canvas: Canvas,
    meter: Arc<Meter>,
    governor: Governor,
    clock: Arc<dyn Clock>,
    hands: Hands,
    answers: mpsc::UnboundedReceiver<Happening>,
    /// Something changed since the last frame; whether it may wait for the governor.
    dirty: Option<Urgency>,
    ended: Option<Ended>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Stream,
    Key,
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    continued: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }
}

impl App {
    fn new(setup: Setup, screen: Screen) -> io::Result<Self> {
        let meter = Arc::new(Meter::default());
        let (sender, answers) = mpsc::unbounded_channel();
        Ok(Self {
            screen,
            canvas: terminal::canvas(&meter)?,
            meter,
            governor: Governor::new(setup.link),
            clock: Arc::clone(&setup.clock),
            hands: Hands::new(setup, sender),
            answers,
            dirty: Some(Urgency::Key),
            ended: None,
        })
    }

    async fn go(mut self) -> Result<Ended, RunError> {
        let mut signals = Signals::listen()?;
        let mut events = EventStream::new();
        let mut news = self.hands.subscribe();
        let mut lab = self.hands.follow();
        let mut lab_open = true;
        let mut news_open = true;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.draw()?;
        let first = self.screen.begin();
        self.carry_out(first, &mut signals).await?;
        loop {
            if let Some(ended) = self.ended {
                return Ok(ended);
            }
            if terminal::panicked() {
                return Err(RunError::Panicked);
            }
            let now = self.clock.monotonic();
            if self.dirty == Some(Urgency::Key)
                || (self.dirty.is_some() && self.governor.due() <= now)
            {
                self.draw()?;
            }
            let frame = self.dirty.map(|_| self.governor.due().saturating_sub(now));
            let tick = self.screen.ticks();
            tokio::select! {
                biased;
                _ = signals.terminate.recv() => self.ended = Some(Ended::Signal),
                _ = signals.hangup.recv() => self.ended = Some(Ended::Signal),
                _ = signals.continued.recv() => self.repaint()?,
                event = events.next() => match event {
                    Some(Ok(event)) => self.input(event, &mut signals).await?,
                    Some(Err(error)) => return Err(error.into()),
                    None => self.ended = Some(Ended::Signal),
                },
                Some(answer) = self.answers.recv() => self.happen(answer, Urgency::Key, &mut signals).await?,
                heard = news.next(), if news_open => match heard {
                    Some(first) => {
                        let mut batch = vec![first];
                        while batch.len() < BATCH {
                            let Some(next) = news.try_next() else { break };
                            batch.push(next);
                        }
                        self.happen(Happening::News(batch), Urgency::Stream, &mut signals).await?;
                    }
                    None => news_open = false,
                },
                entry = lab.next(), if lab_open => match entry {
                    Some(entry) => self.happen(Happening::Lab(entry), Urgency::Stream, &mut signals).await?,
                    None => lab_open = false,
                },
                () = sleep(frame), if frame.is_some() => {}
                () = sleep(tick), if tick.is_some() => self.happen(Happening::Tick, Urgency::Key, &mut signals).await?,
                _ = look.tick() => {
                    if self.hands.file_changed() {
                        self.happen(Happening::FileChanged, Urgency::Key, &mut signals).await?;
                    }
                }
            }
        }
    }

    async fn input(&mut self, event: Event, signals: &mut Signals) -> Result<(), RunError> {
        let happening = match event {
            Event::Key(key) => match Key::read(key) {
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
                self.canvas.clear()?;
                Happening::Resize
            }
            Event::FocusGained | Event::FocusLost => return Ok(()),
        };
        self.happen(happening, Urgency::Key, signals).await
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
                Order::Do(Deed::Suspend) => {
                    terminal::suspend(&mut signals.continued).await?;
                    self.repaint()?;
                }
                Order::Do(deed) => self.hands.act(deed, self.screen.world.draft.as_ref()),
            }
        }
        Ok(())
    }

    fn repaint(&mut self) -> Result<(), RunError> {
        terminal::enter()?;
        self.canvas.clear()?;
        self.dirty = Some(Urgency::Key);
        Ok(())
    }

    fn draw(&mut self) -> Result<(), RunError> {
        let before = self.meter.total();
        let started = self.clock.monotonic();
        let size = self.canvas.size()?;
        self.screen.world.width = size.width;
        let screen = &self.screen;
        self.canvas.draw(|frame| {
            let area = frame.area();
            screen.draw(frame.buffer_mut(), area);
        })?;
        let now = self.clock.monotonic();
        self.governor.drawn(
            now,
            self.meter.total() - before,
            now.saturating_sub(started),
        );
        self.dirty = None;
        Ok(())
    }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}
