//! The workbench without a screen: the same panels and actions, read line by line and told in plain lines.
//!
//! No cursor is moved and nothing is painted, so that it works for screen readers, on a dumb terminal and over a pipe.
//! What a panel would draw is printed as text; what an overlay would ask is asked one question a line.

mod prompt;
mod speech;

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyCode;
use domain::Clock;
use engine::News;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::action::{Action, Whose, score};
use crate::app::{Ended, RunError};
use crate::filter::Filter;
use crate::hands::Hands;
use crate::keymap::Key;
use crate::screen::{Order, Screen};
use crate::wish::{Answer, Deed, Happening};
use crate::world::World;
use crate::{Setup, View, panels};

use prompt::Step;

/// How many rows of a panel are printed unless somebody asks for more.
const ROWS: u16 = 40;
/// How many rows are printed at most.
const MOST_ROWS: u16 = 1_000;
/// How long *wait* waits unless somebody says otherwise.
const WAIT: Duration = Duration::from_secs(30);
/// How many pieces of news are told at once.
const BATCH: usize = 256;
/// After how many rows of a file progress is told, where nobody knows how many it has.
const THOUSAND: u64 = 1_000;

/// Makes a request of a command line that begins with `trigger` or `plan`; says whether it is only a plan.
pub type ReadRequest = fn(&str) -> Result<(bool, domain::Request), String>;

/// How the plain workbench was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainEnded {
    /// Why it ended.
    pub ended: Ended,
    /// How many commands were not understood or failed.
    pub failed: usize,
}

/// Runs the workbench on lines of input until they end or somebody quits.
///
/// `invites` says whether a `>` is printed when a line is awaited: for people, not for pipes.
///
/// # Errors
/// [`RunError::Terminal`] when nothing can be written any more.
pub async fn run_plain(
    view: View,
    setup: Setup,
    input: impl BufRead + Send + 'static,
    output: impl Write,
    invites: bool,
    read_request: ReadRequest,
) -> Result<PlainEnded, RunError> {
    let (lines, receiver) = mpsc::channel(1);
    // Reading blocks, so it has a thread of its own. It ends with the input, or with the process.
    std::thread::spawn(move || {
        for line in input.lines() {
            let Ok(line) = line else { break };
            if lines.blocking_send(line).is_err() {
                break;
            }
        }
    });
    let world = World::open(&view, crate::theme::Theme::plain());
    let screen = Screen::new(world, panels::all(), "traffic");
    let (sender, answers) = mpsc::unbounded_channel();
    let plain = Plain {
        screen,
        clock: Arc::clone(&view.clock),
        hands: Hands::new(setup, &view, sender),
        answers,
        lines: receiver,
        out: output,
        invites,
        read_request,
        waiting: 0,
        told: 0,
        failed: 0,
        follows: true,
        step: Step::Command,
        asked: None,
        listed: Vec::new(),
        tenth: 0,
        news: Vec::new(),
        ended: None,
    };
    plain.go().await
}

struct Plain<W> {
    screen: Screen,
    clock: Arc<dyn Clock>,
    hands: Hands,
    answers: mpsc::UnboundedReceiver<Happening>,
    lines: mpsc::Receiver<String>,
    out: W,
    invites: bool,
    read_request: ReadRequest,
    /// Answers that are still to come.
    waiting: usize,
    /// Messages of the screen that were told.
    told: usize,
    failed: usize,
    /// Whether requests are told as they come.
    follows: bool,
    /// What the next line answers.
    step: Step,
    /// The overlay whose question stands open: how many lie below it, and its title.
    asked: Option<(usize, String)>,
    /// The actions as they were numbered last.
    listed: Vec<(&'static str, Whose)>,
    /// The part of long work that was told last, in tenths of the whole or in thousands.
    tenth: u64,
    /// What happened while a question stood open.
    news: Vec<String>,
    ended: Option<Ended>,
}

const HELLO: &str = "\
outbound, plain: one command a line. `help` lists what can be done, `quit` leaves.";

const HELP: &str = "\
Commands
  help               this list
  actions            what can be done now, here and elsewhere, numbered; the command line that does the same stands beside it
  NUMBER or WORDS    does one of them: `3`, `new connection`, `dry run`; a key that a panel names (`n`) does, too;
                     what another section offers is done there by its number, or with its name first: `journal retry`
  go SECTION         another section, by number or name; `sections` lists them
  show [ROWS]        prints the section again; an empty line does, too
  next, prev [N]     moves the selection; `first`, `last`
  open, back         into the selected thing and out again
  tab, tab back      the next tab of what is open
  filter TEXT        filters Traffic, searches in lists; `filter` alone clears
  trigger …, plan …  as on the command line: `trigger user-created kim --claim lastname=Lee`
  follow on|off      whether requests are told as they come
  wait [SECONDS]     waits until nothing is under way
  update             writes the changes to workbench.toml, after saying what and who is affected
  quit               leaves; unsaved changes are asked about
Questions are asked one a line: an empty line keeps the value in brackets, `.` gives up.";

struct Signals {
    terminate: Signal,
    hangup: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn ended(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

impl<W: Write> Plain<W> {
    async fn go(mut self) -> Result<PlainEnded, RunError> {
        let mut signals = Signals::listen()?;
        let mut news = self.hands.subscribe();
        let mut lab = self.hands.follow();
        let mut open = (true, true);
        self.say(HELLO)?;
        let first = self.screen.begin();
        self.carry_out(first);
        self.settled(&mut news).await?;
        self.show(ROWS)?;
        self.invite()?;
        while self.ended.is_none() {
            tokio::select! {
                biased;
                () = signals.ended() => self.ended = Some(Ended::Signal),
                Some(answer) = self.answers.recv() => {
                    self.happen(answer);
                    self.after()?;
                }
                heard = news.next(), if open.0 => match heard {
                    Some(heard) => self.heard(heard, &mut news)?,
                    None => open.0 = false,
                },
                entry = lab.next(), if open.1 => match entry {
                    Some(entry) => self.happen(Happening::Lab(vec![entry])),
                    None => open.1 = false,
                },
                line = self.lines.recv() => match line {
                    Some(line) => {
                        self.line(line.trim())?;
                        self.settled(&mut news).await?;
                        self.after()?;
                        self.invite()?;
                    }
                    None => self.last(&mut news).await?,
                },
            }
        }
        Ok(PlainEnded {
            ended: self.ended.unwrap_or(Ended::Quit),
            failed: self.failed,
        })
    }

    /// The input has ended: what is under way ends, and what is not saved is told.
    async fn last(&mut self, news: &mut engine::Subscription) -> Result<(), RunError> {
        self.step = Step::Command;
        while self.screen.top().is_some() {
            self.screen.close();
        }
        self.carry_out(vec![Order::Do(Deed::Wait(WAIT))]);
        self.settled(news).await?;
        self.after()?;
        if self.screen.is_dirty() {
            self.failed += 1;
            self.say("The input ended with changes that were not saved; workbench.toml is as it was. `update` saves them.")?;
        }
        self.ended = Some(Ended::Quit);
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<(), RunError> {
        for line in text.lines() {
            writeln!(self.out, "{}", domain::visible(line))?;
        }
        self.out.flush()?;
        Ok(())
    }

    fn invite(&mut self) -> Result<(), RunError> {
        if self.invites && self.ended.is_none() && self.step == Step::Command {
            write!(self.out, "> ")?;
            self.out.flush()?;
        }
        Ok(())
    }

    fn complain(&mut self, text: &str) -> Result<(), RunError> {
        self.failed += 1;
        self.say(text)
    }

    fn happen(&mut self, happening: Happening) {
        if let Happening::Answer(answer) = &happening {
            match answer.as_ref() {
                // Progress is no end; every tenth part is told, or every thousand where nobody knows how many there are.
                Answer::Work(work) if work.is_under_way() => {
                    let step = match work.percent() {
                        Some(percent) => percent / 10,
                        None => work.done / THOUSAND,
                    };
                    if step > self.tenth {
                        self.tenth = step;
                        self.news.push(work.line());
                    }
                }
                // The end of it comes later.
                Answer::Importing => {}
                Answer::Work(_) => {
                    self.tenth = 0;
                    self.waiting = self.waiting.saturating_sub(1);
                }
                _ => self.waiting = self.waiting.saturating_sub(1),
            }
            if let (Step::Plan, Answer::Planned(plan)) = (&self.step, answer.as_ref()) {
                self.step = Step::Command;
                match plan {
                    Ok(plan) => self.news.extend(speech::plan(&self.screen.world, plan)),
                    Err(told) => {
                        self.failed += 1;
                        self.news.push(told.clone());
                    }
                }
            }
        }
        self.screen.world.now = self.clock.now();
        self.screen.world.passed = self.clock.monotonic();
        let is_unread = matches!(
            &happening,
            Happening::Answer(answer) if matches!(answer.as_ref(), Answer::Unread(..))
        );
        let mut orders = self.screen.update(happening);
        if is_unread {
            // The screen tries again by itself until it can be read; a line that waits for the answer would never end.
            orders.retain(|order| !matches!(order, Order::Ask(_)));
        }
        self.carry_out(orders);
    }

    fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Ask(query) => {
                    self.waiting += 1;
                    self.hands.ask(query);
                }
                Order::Do(Deed::Quit) => self.ended = Some(Ended::Quit),
                Order::Do(
                    Deed::Suspend
                    | Deed::Repaint
                    | Deed::Editor(_)
                    | Deed::Mouse(_)
                    | Deed::Record(_),
                ) => {}
                // A clipboard is written through the terminal, which is not touched here.
                Order::Do(Deed::Copy { what, text }) => {
                    let path = PathBuf::from(format!("outbound-{}.txt", what.replace(' ', "-")));
                    self.carry_out(vec![Order::Do(Deed::Write { path, text })]);
                }
                Order::Do(deed) => {
                    self.waiting += deed.answers();
                    self.hands.act(deed, self.screen.world.draft.as_ref());
                }
            }
        }
    }

    /// Waits until everything that was asked is answered; what happens meanwhile is told.
    async fn settled(&mut self, news: &mut engine::Subscription) -> Result<(), RunError> {
        while self.waiting > 0 && self.ended.is_none() {
            tokio::select! {
                biased;
                heard = news.next() => match heard {
                    Some(heard) => self.heard(heard, news)?,
                    None => return Ok(()),
                },
                answer = self.answers.recv() => match answer {
                    Some(answer) => self.happen(answer),
                    None => return Ok(()),
                },
            }
        }
        Ok(())
    }

    fn heard(&mut self, first: News, news: &mut engine::Subscription) -> Result<(), RunError> {
        let mut batch = vec![first];
        while batch.len() < BATCH {
            let Some(next) = news.try_next() else { break };
            batch.push(next);
        }
        self.happen(Happening::News(batch.clone()));
        if self.follows {
            let told = batch
                .iter()
                .flat_map(|one| speech::told(&self.screen.world, one));
            let told: Vec<String> = told.collect();
            self.news.extend(told);
        }
        if self.step == Step::Command {
            self.tell_news()?;
        }
        Ok(())
    }

    fn tell_news(&mut self) -> Result<(), RunError> {
        for line in std::mem::take(&mut self.news) {
            self.say(&line)?;
        }
        Ok(())
    }

    /// Tells what the screen said, and asks what stands open.
    fn after(&mut self) -> Result<(), RunError> {
        let new = self
            .screen
            .events
            .get(self.told..)
            .unwrap_or_default()
            .to_vec();
        self.told = self.screen.events.len();
        for message in &new {
            self.failed += usize::from(message.is_failure);
            self.say(&message.text)?;
        }
        self.ask()?;
        if self.step == Step::Command {
            self.tell_news()?;
        }
        Ok(())
    }

    fn show(&mut self, rows: u16) -> Result<(), RunError> {
        let mut blank = true;
        for line in self.screen.lines(rows) {
            if line.is_empty() && blank {
                continue;
            }
            blank = line.is_empty();
            self.say(if blank { " " } else { &line })?;
        }
        let status = self.screen.status_line();
        self.say(&status)
    }

    fn line(&mut self, line: &str) -> Result<(), RunError> {
        if self.step != Step::Command {
            return self.reply(line);
        }
        let (word, rest) = line
            .split_once(char::is_whitespace)
            .map_or((line, ""), |(word, rest)| (word, rest.trim()));
        let times = rest.parse::<u16>().unwrap_or(1).min(MOST_ROWS);
        match word {
            "" => self.show(ROWS),
            "help" | "?" => {
                self.say(HELP)?;
                self.actions()
            }
            "actions" => self.actions(),
            "sections" => {
                for (at, title) in self.screen.section_titles().into_iter().enumerate() {
                    self.say(&format!("{:>3}  {title}", at + 1))?;
                }
                Ok(())
            }
            "show" => self.show(rest.parse().unwrap_or(ROWS).clamp(4, MOST_ROWS)),
            "go" => self.section(rest),
            "next" | "down" => self.moved(KeyCode::Down, times),
            "prev" | "up" => self.moved(KeyCode::Up, times),
            "first" => self.moved(KeyCode::Home, 1),
            "last" => self.moved(KeyCode::End, 1),
            "back" => self.press(Key::of(KeyCode::Esc)),
            "tab" if rest == "back" => self.press(Key::letter('[')),
            "tab" => self.press(Key::letter(']')),
            "filter" | "search" => self.filter(rest),
            "follow" => {
                self.follows = rest != "off";
                self.say(if self.follows {
                    "requests are told as they come"
                } else {
                    "requests are no longer told"
                })
            }
            "wait" => {
                let limit = rest.parse().map_or(WAIT, Duration::from_secs);
                self.carry_out(vec![Order::Do(Deed::Wait(limit))]);
                Ok(())
            }
            "trigger" | "plan" if !rest.is_empty() => self.request(line),
            "outbound" => self.request(rest),
            _ => self.act(line),
        }
    }

    fn press(&mut self, key: Key) -> Result<(), RunError> {
        self.happen(Happening::Key(key));
        if self.screen.top().is_none() && self.ended.is_none() {
            self.show(ROWS)?;
        }
        Ok(())
    }

    fn moved(&mut self, code: KeyCode, times: u16) -> Result<(), RunError> {
        for _ in 0..times {
            self.happen(Happening::Key(Key::of(code)));
        }
        match self.screen.selected_lines(MOST_ROWS.min(200)) {
            Some(selected) => self.say(&selected),
            None => self.show(ROWS),
        }
    }

    fn section(&mut self, wanted: &str) -> Result<(), RunError> {
        let titles = self.screen.section_titles();
        let at = match wanted.parse::<usize>() {
            Ok(number) => number.checked_sub(1).filter(|at| *at < titles.len()),
            Err(_) => (0..titles.len())
                .filter_map(|at| Some((score(&titles[at], wanted)?, at)))
                .min()
                .map(|(_, at)| at),
        };
        match at.filter(|_| !wanted.is_empty()) {
            Some(at) => {
                let orders = self.screen.go(at);
                self.carry_out(orders);
                self.step = Step::Arrived;
                Ok(())
            }
            None => self.complain(&format!(
                "there is no section `{wanted}`; `sections` lists them"
            )),
        }
    }

    fn filter(&mut self, text: &str) -> Result<(), RunError> {
        let offered = self.screen.offered();
        let here = self.screen.here();
        let known = |id: &str| {
            let mut offered = offered.iter();
            offered.any(|(action, whose)| *whose == here && action.id == id)
        };
        let id = match (known("filter"), known("search")) {
            (true, _) => "filter",
            (false, true) => "search",
            (false, false) => return self.complain("there is nothing to filter here"),
        };
        if let (true, Err(error)) = (id == "filter", Filter::parse(text)) {
            return self.complain(&format!("this is no filter: {error}"));
        }
        let orders = self.screen.run(id, here);
        self.carry_out(orders);
        self.happen(Happening::Key(Key::ctrl('u')));
        self.happen(Happening::Paste(text.to_owned()));
        self.happen(Happening::Key(Key::of(KeyCode::Enter)));
        self.step = Step::Arrived;
        Ok(())
    }

    fn request(&mut self, line: &str) -> Result<(), RunError> {
        match (self.read_request)(line) {
            Ok((_, request))
                if request.application.as_ref().is_some_and(|asked| {
                    self.screen.world.config().application(asked).is_none()
                }) =>
            {
                self.complain("there is no such application; `go applications` shows them")
            }
            Ok((is_plan, request)) => {
                let request = Box::new(request);
                let (deed, step) = if is_plan {
                    (Deed::Plan(request), Step::Plan)
                } else {
                    (Deed::Submit(request), Step::Arrived)
                };
                self.step = step;
                self.carry_out(vec![Order::Do(deed)]);
                Ok(())
            }
            Err(told) => {
                // What *Trigger* offers begins as the command line of a request does.
                let offered = self.screen.offered();
                let meant = named(&offered, self.screen.here(), line);
                match meant.filter(|_| line.starts_with("trigger")) {
                    Some((action, whose)) => self.run(action, *whose),
                    None => self.complain(&told),
                }
            }
        }
    }

    /// Prints what can be done now.
    fn actions(&mut self) -> Result<(), RunError> {
        let offered = self.screen.offered();
        let here = self.screen.here();
        self.listed = offered
            .iter()
            .map(|(action, whose)| (action.id, *whose))
            .collect();
        self.say("What can be done now")?;
        let mut part = "";
        for (at, (action, whose)) in offered.iter().enumerate() {
            let of = match whose {
                Whose::Screen => "Everywhere",
                whose if *whose == here => "Here",
                Whose::Panel(_) => "In the other sections",
            };
            if std::mem::replace(&mut part, of) != of {
                self.say(of)?;
            }
            let command = action
                .command
                .as_ref()
                .map_or_else(String::new, |command| format!("   same as: {command}"));
            self.say(&format!("{:>3}  {}{command}", at + 1, action.label))?;
        }
        Ok(())
    }

    /// Does an action by its number or by words of its label.
    fn act(&mut self, wanted: &str) -> Result<(), RunError> {
        let offered = self.screen.offered();
        let chosen = if let Ok(number) = wanted.parse::<usize>() {
            let listed = number.checked_sub(1).and_then(|at| self.listed.get(at));
            let is_it = |(action, whose): &&(Action, Whose)| listed == Some(&(action.id, *whose));
            offered.iter().find(is_it)
        } else {
            named(&offered, self.screen.here(), wanted)
        };
        let Some((action, whose)) = chosen else {
            return self.complain(&format!(
                "`{wanted}` is nothing that can be done here; `actions` lists what can, `help` the commands"
            ));
        };
        self.run(action, *whose)
    }

    fn run(&mut self, action: &Action, whose: Whose) -> Result<(), RunError> {
        self.say(&format!("{} …", action.label))?;
        let orders = self.screen.run(action.id, whose);
        self.carry_out(orders);
        self.step = Step::Arrived;
        Ok(())
    }
}

/// Finds what is meant by words: by its name or key, else by what its label holds. What another section offers is meant
/// only where that is named first.
fn named<'o>(
    offered: &'o [(Action, Whose)],
    here: Whose,
    wanted: &str,
) -> Option<&'o (Action, Whose)> {
    let is_near = |whose: Whose| whose == here || whose == Whose::Screen;
    let exact = offered.iter().find(|(action, whose)| {
        let is_called = action.id.eq_ignore_ascii_case(wanted)
            || action.key.is_some_and(|key| key.to_string() == wanted);
        action.label.eq_ignore_ascii_case(wanted) || is_near(*whose) && is_called
    });
    let section = wanted.split_once(' ').map(|(word, _)| word.to_lowercase());
    let is_meant = |(action, whose): &&(Action, Whose)| {
        let label = action.label.to_lowercase();
        let is_named = section.as_ref().is_some_and(|word| label.starts_with(word));
        is_near(*whose) || is_named
    };
    let fitting = offered.iter().filter(is_meant).filter_map(|one| {
        let score = score(&one.0.label, wanted).filter(|score| *score < 100)?;
        Some((score, one))
    });
    // Of those that fit as well the first one, which is the nearest.
    exact.or_else(|| fitting.min_by_key(|(score, _)| *score).map(|(_, one)| one))
}
