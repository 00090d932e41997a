//! Tests of the whole screen: what it shows, what keys do, and that nothing makes it stumble.

mod bytes;
mod captures;
mod directory;
mod disk;
mod editing;
mod faulty;
mod forms;
mod fuzz;
mod journal;
mod live;
mod many;
mod narrow;
mod offers;
mod reviews;
mod roles;
mod snapshots;
mod standing;
mod time;
mod traffic;
mod trigger;
mod updates;

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tempfile::TempDir;

use crate::keymap::Key;
use crate::outcome::Outcome;
use crate::panels;
use crate::samples;
use crate::screen::{Order, Screen};
use crate::theme::ThemeName;
use crate::wish::{Answer, Happening, Query};

/// A screen over the shipped configuration in a folder of its own.
pub(super) struct Stage {
    pub(super) screen: Screen,
    pub(super) folder: TempDir,
    pub(super) size: (u16, u16),
}

impl Stage {
    pub(super) fn new(theme: ThemeName, size: (u16, u16)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("workbench.toml");
        std::fs::write(&file, samples::TOML).unwrap();
        let mut world = samples::world(theme, file);
        world.width = size.0;
        world.height = size.1;
        Self {
            screen: Screen::new(world, panels::all(), "traffic"),
            folder,
            size,
        }
    }

    /// A stage on which one flow happened, with answers to whatever the panels ask.
    pub(super) fn played(theme: ThemeName, size: (u16, u16)) -> Self {
        let mut stage = Self::new(theme, size);
        let orders = stage.screen.begin();
        stage.answer(orders);
        stage.happen(Happening::News(samples::news()));
        stage.happen(Happening::Lab(vec![samples::lab_entry()]));
        stage
    }

    /// Lets something happen and answers what is asked; returns what is to be done.
    pub(super) fn happen(&mut self, happening: Happening) -> Vec<Order> {
        let orders = self.screen.update(happening);
        self.answer(orders)
    }

    fn answer(&mut self, orders: Vec<Order>) -> Vec<Order> {
        let mut deeds = Vec::new();
        let mut open = std::collections::VecDeque::from(orders);
        while let Some(order) = open.pop_front() {
            match order {
                Order::Ask(query) => {
                    let answer = Happening::Answer(Box::new(answer_to(query)));
                    open.extend(self.screen.update(answer));
                }
                deed @ Order::Do(_) => deeds.push(deed),
            }
        }
        deeds
    }

    pub(super) fn press(&mut self, code: KeyCode) -> Vec<Order> {
        self.happen(Happening::Key(Key::of(code)))
    }

    /// Types letters, each as a key.
    pub(super) fn letters(&mut self, text: &str) -> Vec<Order> {
        text.chars()
            .flat_map(|letter| self.press(KeyCode::Char(letter)))
            .collect()
    }

    pub(super) fn ctrl(&mut self, letter: char) -> Vec<Order> {
        self.happen(Happening::Key(Key::ctrl(letter)))
    }

    pub(super) fn buffer(&self) -> Buffer {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let mut buffer = Buffer::empty(area);
        self.screen.draw(&mut buffer, area);
        buffer
    }

    pub(super) fn text(&self) -> String {
        crate::shot::text(&self.buffer())
    }

    /// Says what the file holds.
    pub(super) fn file(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("workbench.toml")).unwrap()
    }
}

fn answer_to(query: Query) -> Answer {
    match query {
        Query::Begin => Answer::Begun {
            last: 0,
            open: Vec::new(),
            rows: Vec::new(),
            roles: vec!["Internal/sales".into(), "Internal/manager".into()],
        },
        Query::Counts => Answer::Counts {
            last: 0,
            counts: std::collections::BTreeMap::default(),
            quarantines: Vec::new(),
        },
        Query::Older { .. } => Answer::Older {
            rows: Vec::new(),
            is_all: true,
        },
        Query::Since { .. } => Answer::Since(Vec::new()),
        Query::Trace(flow) => Answer::Trace(flow, Some(Box::new(samples::trace()))),
        Query::Operations { state, before } => {
            let list = samples::operations()
                .into_iter()
                .filter(|one| {
                    before.is_none() && state.is_none_or(|state| one.life.state() == state)
                })
                .collect();
            Answer::Operations {
                state,
                before,
                list,
            }
        }
        Query::Safeguards { .. } => Answer::Safeguards(Box::default()),
        Query::Directory { after: None } => samples::directory(),
        Query::Directory { after } => Answer::Directory {
            after,
            users: Vec::new(),
            groups: Vec::new(),
            roles: Vec::new(),
            count: 3,
            differing: std::collections::BTreeSet::new(),
        },
        Query::Find { text, after } => samples::found(&text, after),
        Query::Who(who) => {
            let known = samples::known(&who);
            Answer::Who(who, known)
        }
        Query::Offer => Answer::Offer(samples::offer()),
        Query::Outcome(flow) => Answer::Outcome(
            flow,
            Outcome {
                done: 1,
                ..Outcome::default()
            },
        ),
        Query::Links(local) => Answer::Links(
            local,
            if local == samples::local() {
                vec![samples::link()]
            } else {
                Vec::new()
            },
            Vec::new(),
            std::collections::BTreeMap::from([(samples::link().connector, samples::instant(4))]),
        ),
        Query::Mocks => Answer::Mocks(samples::mocks(), samples::faults()),
        Query::Objects(target) => Answer::Objects(target, samples::objects()),
        Query::Log => Answer::Log(vec![
            "INFO the engine is up".to_owned(),
            "WARN a target is slow".to_owned(),
        ]),
    }
}
