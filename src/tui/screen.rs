//! The screen: sections, overlays, the status row and the key row; what a happening changes and what it asks for.

use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::draft::{Draft, Review};
use crate::keymap::{Key, Move};
use crate::modal::{Help, Modal, Palette, Question, Reading, Said};
use crate::paint::{Line, Pen, Span, cells};
use crate::panel::Panel;
use crate::wish::{Answer, Deed, Errand, Happening, Query, Wish};
use crate::world::World;

/// Below this the screen says what it needs.
const LEAST: (u16, u16) = (20, 5);
/// How long a message stays.
const TOAST: Duration = Duration::from_secs(4);

/// What the outside is to do.
pub(crate) enum Order {
    Ask(Query),
    Do(Deed),
}

/// Everything that can be seen.
pub(crate) struct Screen {
    pub(crate) world: World,
    panels: Vec<Box<dyn Panel>>,
    at: usize,
    modals: Vec<Modal>,
    toast: Option<(String, Duration)>,
    /// A failure stays until somebody looked.
    failure: Option<String>,
    pub(crate) events: Vec<String>,
    zoomed: bool,
    mouse: bool,
    /// The file was changed by somebody else while there is a draft.
    conflict: bool,
    /// Leave as soon as the draft is saved.
    leaving: bool,
}

impl Screen {
    pub(crate) fn new(world: World, panels: Vec<Box<dyn Panel>>, first: &str) -> Self {
        let at = panels
            .iter()
            .position(|panel| panel.id() == first)
            .unwrap_or(0);
        Self {
            world,
            panels,
            at,
            modals: Vec::new(),
            toast: None,
            failure: None,
            events: Vec::new(),
            zoomed: false,
            mouse: false,
            conflict: false,
            leaving: false,
        }
    }

    /// Returns what is to be read first.
    pub(crate) fn begin(&mut self) -> Vec<Order> {
        let mut orders = vec![Order::Ask(Query::Begin), Order::Ask(Query::Mocks)];
        orders.extend(self.want());
        orders
    }

    /// Tells whether something visible depends on time passing, and until when nothing changes.
    pub(crate) fn ticks(&self) -> Option<Duration> {
        self.toast.as_ref().map(|(_, until)| {
            until
                .saturating_sub(self.world.passed)
                .max(Duration::from_millis(50))
        })
    }

    /// Tells whether this is a section's root with nothing over it.
    #[cfg(test)]
    pub(crate) fn is_at_root(&mut self) -> bool {
        self.modals.is_empty() && self.panels[self.at].back().is_none()
    }

    #[cfg(test)]
    pub(crate) fn section(&self) -> &'static str {
        self.panels[self.at].id()
    }

    /// Takes what happened and returns what is to be done outside.
    pub(crate) fn update(&mut self, happening: Happening) -> Vec<Order> {
        let mut orders = Vec::new();
        match happening {
            Happening::Key(key) => self.key(key, &mut orders),
            Happening::Paste(text) => self.paste(&text, &mut orders),
            Happening::Wheel(rows) => {
                let code = if rows > 0 { KeyCode::Down } else { KeyCode::Up };
                for _ in 0..rows.unsigned_abs().min(3) {
                    self.key(Key::of(code), &mut orders);
                }
            }
            Happening::Click { x, y } => self.click(x, y, &mut orders),
            Happening::Resize => {}
            Happening::News(news) => {
                let missed = self.world.board.missed;
                for one in news {
                    self.world.board.hear(one);
                }
                if self.world.board.missed > missed {
                    orders.push(Order::Ask(Query::Since {
                        seq: self.world.board.seq,
                    }));
                }
            }
            Happening::Lab(entry) => self.world.board.lab(entry),
            Happening::Answer(answer) => self.answer(*answer, &mut orders),
            Happening::Tick => {
                if self
                    .toast
                    .as_ref()
                    .is_some_and(|(_, until)| *until <= self.world.passed)
                {
                    self.toast = None;
                }
            }
            Happening::FileChanged => self.file_changed(&mut orders),
        }
        orders.extend(self.want());
        orders
    }

    fn want(&mut self) -> Vec<Order> {
        let queries = self.panels[self.at].wants(&self.world);
        queries.into_iter().map(Order::Ask).collect()
    }

    fn say(&mut self, text: String) {
        self.events
            .push(format!("{} {text}", self.world.time(self.world.now)));
        self.toast = Some((text, self.world.passed + TOAST));
    }

    fn fail(&mut self, text: String) {
        self.events
            .push(format!("{} x {text}", self.world.time(self.world.now)));
        self.failure = Some(text);
    }

    fn grant(&mut self, wishes: Vec<Wish>, orders: &mut Vec<Order>) {
        for wish in wishes {
            match wish {
                Wish::Ask(query) => {
                    orders.push(Order::Ask(query));
                }
                Wish::Do(Deed::Quit) => self.quit(orders),
                Wish::Do(deed) => {
                    if matches!(deed, Deed::Review) && self.draft_is_bad() {
                        continue;
                    }
                    self.conflict &= !matches!(deed, Deed::Save);
                    orders.push(Order::Do(deed));
                }
                Wish::Show(modal) => self.modals.push(*modal),
                Wish::Go(id, errand) => {
                    if let Some(at) = self.panels.iter().position(|panel| panel.id() == id) {
                        self.at = at;
                        if let Some(errand) = errand {
                            let more = self.panels[at].errand(&self.world, errand);
                            self.grant(more, orders);
                        }
                    }
                }
                Wish::Say(text) => self.say(text),
                Wish::Fail(text) => self.fail(text),
                Wish::Edit(edit) => self.edit(&edit),
                Wish::Undo => {
                    let words = self.world.draft.as_mut().and_then(Draft::undo);
                    self.say(words.map_or_else(
                        || "nothing to undo".to_owned(),
                        |words| format!("undone: {words}"),
                    ));
                }
                Wish::Redo => {
                    let words = self.world.draft.as_mut().and_then(Draft::redo);
                    self.say(words.map_or_else(
                        || "nothing to redo".to_owned(),
                        |words| format!("done again: {words}"),
                    ));
                }
                Wish::Filter(filter) => self.world.board.stream.set_filter(filter),
                Wish::Mark(number) => self.world.board.stream.mark(number),
                Wish::Prepend(rows) => {
                    self.world.board.stream.prepend(rows);
                }
                Wish::DropDraft => {
                    self.world.draft = None;
                    self.conflict = false;
                    self.say("changes discarded; the file is as it was".to_owned());
                    if self.leaving {
                        orders.push(Order::Do(Deed::Quit));
                    }
                }
            }
        }
    }

    fn edit(&mut self, edit: &crate::draft::Edit) {
        let mut draft = match self.world.draft.take() {
            Some(draft) => draft,
            None => match Draft::open(&self.world.file, &self.world.catalogue, &self.world.running)
            {
                Ok(draft) => draft,
                Err(error) => return self.fail(told(&error)),
            },
        };
        let result = draft.make(edit);
        self.world.draft = Some(draft);
        match result {
            Ok(()) => self.say(format!(
                "{} (not saved: Ctrl-S updates, u undoes)",
                edit.words
            )),
            Err(error) => self.fail(told(&error)),
        }
    }

    /// Says what is wrong with the draft; it cannot be saved like that.
    fn draft_is_bad(&mut self) -> bool {
        let Some(draft) = &self.world.draft else {
            self.say("nothing to update: there are no changes".to_owned());
            return true;
        };
        if draft.errors.is_empty() {
            return false;
        }
        let theme = self.world.theme;
        let mut lines = vec![
            vec![Span::new(
                "The changes cannot be saved like this:",
                theme.bad,
            )],
            Line::new(),
        ];
        for finding in &draft.errors {
            lines.extend(
                finding
                    .to_string()
                    .lines()
                    .map(|line| vec![Span::new(line, theme.text)]),
            );
            lines.push(Line::new());
        }
        let answers = vec![("Undo the last", vec![Wish::Undo]), ("Stay", Vec::new())];
        self.modals
            .push(Modal::Reading(Reading::new("Errors", lines, answers)));
        true
    }

    fn is_dirty(&self) -> bool {
        self.world.draft.as_ref().is_some_and(Draft::is_changed)
    }

    fn quit(&mut self, orders: &mut Vec<Order>) {
        if !self.is_dirty() {
            orders.push(Order::Do(Deed::Quit));
            return;
        }
        self.leaving = true;
        let words = self
            .world
            .draft
            .as_ref()
            .and_then(Draft::last_words)
            .unwrap_or_default()
            .to_owned();
        let changes = self.world.draft.as_ref().map_or(0, Draft::changes);
        let question = Question::new(
            "Unsaved changes",
            vec![
                format!(
                    "{changes} change(s) of {} are not saved. The last one:",
                    self.world.file_name()
                ),
                words,
            ],
            None,
            vec![
                ("Update", vec![Wish::Do(Deed::Review)]),
                ("Discard", vec![Wish::DropDraft]),
                ("Stay", Vec::new()),
            ],
        );
        self.modals.push(Modal::Question(question));
    }

    fn file_changed(&mut self, orders: &mut Vec<Order>) {
        if self.is_dirty() {
            if !self.conflict {
                self.conflict = true;
                let question = Question::new(
                    format!("{} was changed by somebody else", self.world.file_name()),
                    vec![
                        "There are changes here that are not saved. They can be given up, and the new file taken;".to_owned(),
                        "or kept while you look at the file. Nothing is overwritten.".to_owned(),
                    ],
                    None,
                    vec![("Take the file", vec![Wish::DropDraft, Wish::Do(Deed::Save)]), ("Keep mine", Vec::new())],
                );
                self.modals.push(Modal::Question(question));
            }
        } else {
            self.world.draft = None;
            // Saving without a draft reads the file and lets the engine work by it.
            orders.push(Order::Do(Deed::Save));
        }
    }

    fn answer(&mut self, answer: Answer, orders: &mut Vec<Order>) {
        for at in 0..self.panels.len() {
            let wishes = self.panels[at].answer(&self.world, &answer);
            self.grant(wishes, orders);
        }
        match answer {
            Answer::Begun {
                last,
                counts,
                open,
                rows,
            } => self.world.board.begin(last, counts, &open, rows),
            Answer::Since(news) => {
                for one in news {
                    self.world.board.hear(one);
                }
            }
            Answer::Mocks(mocks, faults) => {
                self.world.mocks = mocks;
                self.world.faults = faults;
            }
            Answer::Done(Ok(text)) => self.say(text),
            Answer::Done(Err(text)) => self.fail(text),
            Answer::Reviewed(review) => self.review(&review),
            Answer::Saved(Ok(loaded)) => {
                self.world.running = std::sync::Arc::new(loaded.configuration);
                self.world.draft = None;
                let time = self.world.time(self.world.now);
                self.say(format!(
                    "Updated {time}: the engine works by {}",
                    self.world.file_name()
                ));
                if self.leaving {
                    orders.push(Order::Do(Deed::Quit));
                }
            }
            Answer::Saved(Err(text)) => {
                self.leaving = false;
                self.fail(text);
            }
            // These belong to the panels, which have heard them.
            Answer::Older { .. }
            | Answer::Trace(..)
            | Answer::Operations { .. }
            | Answer::Directory { .. }
            | Answer::Links(..)
            | Answer::Objects(..)
            | Answer::Log(_)
            | Answer::Planned(_)
            | Answer::Submitted(_) => {}
        }
    }

    /// Shows what Update would write and whom it concerns.
    fn review(&mut self, review: &Review) {
        let theme = self.world.theme;
        let mut lines: Vec<Line> = Vec::new();
        let title = |text: &str| vec![Span::new(text, theme.title)];
        lines.push(title("Who is affected"));
        if review.affected.is_empty() {
            lines.push(vec![Span::new(
                format!(" nobody of {} users, as they are now", review.users),
                theme.text,
            )]);
        }
        for (target, who) in &review.affected {
            lines.push(vec![Span::new(format!(" {target}"), theme.name)]);
            for (sign, names, style) in [
                ("+", &who.added, theme.good),
                ("~", &who.changed, theme.warn),
                ("-", &who.removed, theme.bad),
            ] {
                if !names.is_empty() {
                    let some: Vec<&str> = names.iter().take(8).map(String::as_str).collect();
                    let more = if names.len() > 8 { " …" } else { "" };
                    lines.push(vec![
                        Span::new(format!("   {sign}{:<6}", names.len()), style),
                        Span::new(format!("{}{more}", some.join(", ")), theme.text),
                    ]);
                }
            }
        }
        for (head, list, style) in [
            ("Errors", &review.errors, theme.bad),
            ("Warnings", &review.warnings, theme.warn),
        ] {
            if !list.is_empty() {
                lines.push(Line::new());
                lines.push(title(head));
                for text in list {
                    lines.extend(
                        text.lines()
                            .map(|line| vec![Span::new(format!(" {line}"), style)]),
                    );
                }
            }
        }
        lines.push(Line::new());
        lines.push(title(&format!(
            "What Update writes to {}",
            self.world.file_name()
        )));
        for line in review.diff.lines() {
            let style = match line.chars().next() {
                Some('+') => theme.good,
                Some('-') => theme.bad,
                Some('@') => theme.dim,
                _ => theme.text,
            };
            lines.push(vec![Span::new(line, style)]);
        }
        let mut answers = Vec::new();
        if review.errors.is_empty() {
            answers.push(("Update", vec![Wish::Do(Deed::Save)]));
        }
        answers.push(("Discard", vec![Wish::DropDraft]));
        answers.push(("Stay", Vec::new()));
        let mut reading = Reading::new("Update", lines, answers);
        if review.errors.is_empty() {
            reading = reading.ready();
        }
        self.modals.push(Modal::Reading(reading));
    }

    fn paste(&mut self, text: &str, orders: &mut Vec<Order>) {
        if let Some(modal) = self.modals.last_mut() {
            modal.paste(text);
        } else {
            let wishes = self.panels[self.at].paste(&self.world, text);
            self.grant(wishes, orders);
        }
        self.sheet_changed();
    }

    fn click(&mut self, x: u16, y: u16, orders: &mut Vec<Order>) {
        if y == 1 && self.modals.is_empty() {
            let mut at = 0;
            for (index, label) in self.tabs().iter().enumerate() {
                let width = u16::try_from(cells(label)).unwrap_or(0) + 1;
                if (at..at + width).contains(&x) {
                    self.at = index;
                    orders.extend(self.want());
                    return;
                }
                at += width;
            }
        }
    }

    fn key(&mut self, key: Key, orders: &mut Vec<Order>) {
        if key == Key::ctrl('z') {
            return orders.push(Order::Do(Deed::Suspend));
        }
        if key == Key::ctrl('l') {
            return orders.push(Order::Do(Deed::Repaint));
        }
        if key == Key::ctrl('c') {
            if self.modals.is_empty() || self.leaving {
                if self.leaving {
                    orders.push(Order::Do(Deed::Quit));
                } else {
                    self.quit(orders);
                }
            } else {
                self.modals.pop();
            }
            return;
        }
        if let Some(modal) = self.modals.last_mut() {
            let said = modal.key(key, self.world.passed);
            return self.said(said, orders);
        }
        let typing = self.panels[self.at].takes_text();
        if typing
            && (key.types() || matches!(key.code, KeyCode::Enter | KeyCode::Backspace))
            && let Some(wishes) = self.panels[self.at].key(&self.world, key)
        {
            return self.grant(wishes, orders);
        }
        if key.code == KeyCode::Esc {
            self.failure = None;
            match self.panels[self.at].back() {
                Some(wishes) => self.grant(wishes, orders),
                None => self.toast = None,
            }
            return;
        }
        if key == Key::letter('q') && !typing {
            match self.panels[self.at].back() {
                Some(wishes) => self.grant(wishes, orders),
                None => self.quit(orders),
            }
            return;
        }
        if let Some(wishes) = self.panels[self.at].key(&self.world, key) {
            return self.grant(wishes, orders);
        }
        if key == Key::letter('!') && self.failure.is_some() {
            return self.act("problem", orders);
        }
        let own = self.panels[self.at].actions(&self.world);
        if let Some(action) = own.iter().find(|action| action.key == Some(key)) {
            let wishes = self.panels[self.at].act(&self.world, action.id);
            return self.grant(wishes, orders);
        }
        if typing && !key.ctrl {
            return;
        }
        if let KeyCode::Char(digit @ '1'..='9') = key.code {
            let at = usize::from(digit as u8 - b'1');
            if at < self.panels.len() && !key.ctrl {
                self.at = at;
            }
            return;
        }
        if let Some(action) = self
            .global()
            .into_iter()
            .find(|action| action.key == Some(key))
        {
            self.act(action.id, orders);
        }
    }

    fn said(&mut self, said: Said, orders: &mut Vec<Order>) {
        match said {
            Said::Open => {}
            Said::Changed => self.sheet_changed(),
            Said::Closed(wishes) => {
                self.modals.pop();
                if wishes.is_empty() {
                    self.leaving = false;
                }
                self.grant(wishes, orders);
            }
            Said::Act(id, true) => {
                self.modals.pop();
                self.act(id, orders);
            }
            Said::Act(id, false) => {
                self.modals.pop();
                let wishes = self.panels[self.at].act(&self.world, id);
                self.grant(wishes, orders);
            }
            Said::Pressed(button) => {
                if let Some(Modal::Sheet(sheet)) = self.modals.pop() {
                    let panel = self
                        .panels
                        .iter_mut()
                        .find(|panel| panel.id() == sheet.panel);
                    let wishes = panel
                        .map(|panel| panel.submitted(&self.world, &sheet.id, &sheet.form, button))
                        .unwrap_or_default();
                    self.grant(wishes, orders);
                }
            }
        }
    }

    fn sheet_changed(&mut self) {
        if let Some(Modal::Sheet(sheet)) = self.modals.last_mut() {
            let panel = self.panels.iter().find(|panel| panel.id() == sheet.panel);
            if let Some(says) =
                panel.and_then(|panel| panel.sheet_changed(&self.world, &sheet.id, &mut sheet.form))
            {
                sheet.says = says;
            }
        }
    }

    /// What can be done whatever is shown.
    fn global(&self) -> Vec<Action> {
        let mut actions = vec![
            Action::new("palette", Key::letter(':'), "Command palette").quiet(),
            Action::new("help", Key::letter('?'), "Help"),
            Action::new("trigger", Key::letter('t'), "Trigger something")
                .like("outbound trigger …")
                .quiet(),
            Action::new("problem", Key::letter('!'), "Next problem").quiet(),
            Action::new("update", Key::ctrl('s'), "Update (save workbench.toml)").quiet(),
            Action::new("undo", Key::letter('u'), "Undo the last unsaved edit").quiet(),
            Action::new("redo", Key::ctrl('r'), "Redo").quiet(),
            Action::named("discard", "Discard unsaved changes"),
            Action::named("events", "Messages of this session"),
            Action::named("mouse", if self.mouse { "Mouse off" } else { "Mouse on" }),
            Action::new(
                "zoom",
                Key::letter('z'),
                "Zoom: hide and show the frame rows",
            )
            .quiet(),
            Action::new(
                "shot",
                Key::letter('w'),
                "Write this screen to a file (.txt)",
            )
            .quiet(),
            Action::named("quit", "Quit"),
        ];
        for (at, panel) in self.panels.iter().enumerate() {
            let digit = char::from_digit(u32::try_from(at + 1).unwrap_or(0), 10);
            let mut action = Action::named(panel.id(), format!("Go to: {}", panel.title()));
            action.key = digit.map(Key::letter);
            actions.push(action);
        }
        actions
    }

    fn act(&mut self, id: &str, orders: &mut Vec<Order>) {
        match id {
            "palette" => {
                let own = self.panels[self.at]
                    .actions(&self.world)
                    .into_iter()
                    .map(|action| (action, false));
                let all = own
                    .chain(self.global().into_iter().map(|action| (action, true)))
                    .collect();
                self.modals.push(Modal::Palette(Palette::new(all)));
            }
            "help" => {
                let panel = &self.panels[self.at];
                let help = Help::new(panel.title().to_owned(), panel.actions(&self.world));
                self.modals.push(Modal::Help(help));
            }
            "trigger" => {
                let errand = Errand::Trigger {
                    way: "console",
                    user: None,
                };
                self.grant(vec![Wish::Go("trigger", Some(errand))], orders);
            }
            "problem" => match self.failure.take() {
                Some(text) => {
                    let lines = text
                        .lines()
                        .map(|line| vec![Span::new(line, self.world.theme.text)])
                        .collect();
                    self.modals.push(Modal::Reading(Reading::new(
                        "What failed",
                        lines,
                        Vec::new(),
                    )));
                }
                None => self.grant(vec![Wish::Go("traffic", Some(Errand::NextProblem))], orders),
            },
            "update" => self.grant(vec![Wish::Do(Deed::Review)], orders),
            "undo" => self.grant(vec![Wish::Undo], orders),
            "redo" => self.grant(vec![Wish::Redo], orders),
            "discard" => self.grant(vec![Wish::DropDraft], orders),
            "events" => {
                let theme = self.world.theme;
                let lines = self
                    .events
                    .iter()
                    .rev()
                    .map(|line| vec![Span::new(line.clone(), theme.text)])
                    .collect();
                self.modals
                    .push(Modal::Reading(Reading::new("Messages", lines, Vec::new())));
            }
            "mouse" => {
                self.mouse = !self.mouse;
                orders.push(Order::Do(Deed::Mouse(self.mouse)));
                if self.mouse {
                    self.say("mouse on: Shift-drag selects text".to_owned());
                }
            }
            "zoom" => self.zoomed = !self.zoomed,
            "shot" => {
                let text = self.as_text();
                let name = format!(
                    "outbound-{}.txt",
                    self.world.time(self.world.now).replace(':', "")
                );
                orders.push(Order::Do(Deed::Write {
                    path: name.into(),
                    text,
                }));
            }
            "quit" => self.quit(orders),
            section => {
                if let Some(at) = self.panels.iter().position(|panel| panel.id() == section) {
                    self.at = at;
                }
            }
        }
    }

    /// Returns the screen as it would be drawn, as text.
    fn as_text(&self) -> String {
        let area = Rect::new(0, 0, self.world.width.max(80), 40);
        let mut buffer = Buffer::empty(area);
        self.draw(&mut buffer, area);
        crate::shot::text(&buffer)
    }

    fn tabs(&self) -> Vec<String> {
        let width = self.world.width;
        self.panels
            .iter()
            .enumerate()
            .map(|(at, panel)| {
                let mark = match (at == self.at, self.world.theme.ascii) {
                    (false, _) => " ",
                    (true, true) => ">",
                    (true, false) => "▸",
                };
                let name = match width {
                    0..60 => "",
                    60..116 => panel.short(),
                    _ => panel.title(),
                };
                format!("{}{mark}{name}", at + 1)
            })
            .collect()
    }

    /// Draws everything.
    pub(crate) fn draw(&self, buffer: &mut Buffer, area: Rect) {
        let theme = self.world.theme;
        let mut pen = Pen {
            buffer,
            theme: &theme,
        };
        if area.width < LEAST.0 || area.height < LEAST.1 {
            let text = format!(
                "{}x{} is too small; {}x{} needed",
                area.width, area.height, LEAST.0, LEAST.1
            );
            pen.put(area.x, area.y, area.width, &text, theme.text);
            return;
        }
        let (head, foot) = if self.zoomed || area.height < 8 {
            (1, 1)
        } else {
            (2, 2)
        };
        self.head(&mut pen, area);
        if head == 2 {
            self.sections(
                &mut pen,
                Rect {
                    y: area.y + 1,
                    height: 1,
                    ..area
                },
            );
        }
        let body = Rect {
            y: area.y + head,
            height: area.height - head - foot,
            ..area
        };
        self.panels[self.at].draw(&self.world, &mut pen, body);
        for modal in &self.modals {
            modal.draw(&mut pen, body, self.world.passed);
        }
        if foot == 2 {
            self.status(
                &mut pen,
                Rect {
                    y: area.bottom() - 2,
                    height: 1,
                    ..area
                },
            );
        }
        self.keys(
            &mut pen,
            Rect {
                y: area.bottom() - 1,
                height: 1,
                ..area
            },
        );
    }

    fn head(&self, pen: &mut Pen<'_>, area: Rect) {
        let theme = *pen.theme;
        let panel = &self.panels[self.at];
        let arrow = if theme.ascii { ">" } else { "▸" };
        let mut crumbs = vec!["outbound".to_owned(), panel.title().to_owned()];
        crumbs.extend(panel.crumbs(&self.world));
        let owed = self.world.board.owed();
        let dirty = if self.is_dirty() { "*" } else { "" };
        let queue = if owed > 0 {
            format!("queue {owed}  ")
        } else {
            String::new()
        };
        let right = format!("{queue}{}{dirty}", self.world.file_name());
        let room = u16::try_from(cells(&right)).unwrap_or(0) + 2;
        let left = crumbs.join(&format!(" {arrow} "));
        pen.put(
            area.x + 1,
            area.y,
            area.width.saturating_sub(room + 1),
            &left,
            theme.title,
        );
        if area.width > room {
            pen.put(
                area.right() - room + 1,
                area.y,
                room - 1,
                &right,
                if dirty.is_empty() {
                    theme.dim
                } else {
                    theme.warn
                },
            );
        }
    }

    fn sections(&self, pen: &mut Pen<'_>, row: Rect) {
        let theme = *pen.theme;
        let mut x = row.x + 1;
        for (at, label) in self.tabs().iter().enumerate() {
            if x >= row.right() {
                return;
            }
            let style = if at == self.at {
                theme.focus
            } else {
                theme.text
            };
            x += pen.put(x, row.y, row.right() - x, label, style) + 1;
        }
    }

    fn status(&self, pen: &mut Pen<'_>, row: Rect) {
        let theme = *pen.theme;
        let (text, style) = if let Some(failure) = &self.failure {
            let first = failure.lines().next().unwrap_or_default();
            (format!("x {first}  (! shows it, Esc clears)"), theme.bad)
        } else if let Some((toast, _)) = &self.toast {
            (toast.clone(), theme.good)
        } else if let Some(draft) = self.world.draft.as_ref().filter(|draft| draft.is_changed()) {
            let bad = draft.errors.len();
            let errors = if bad > 0 {
                format!("{bad} error(s) · ")
            } else {
                String::new()
            };
            let words = draft.last_words().unwrap_or_default();
            (
                format!(
                    "{errors}Unsaved ({}): {words} · u undoes · Ctrl-S updates",
                    draft.changes()
                ),
                theme.warn,
            )
        } else {
            (self.panels[self.at].status(&self.world), theme.dim)
        };
        pen.put(row.x + 1, row.y, row.width.saturating_sub(2), &text, style);
    }

    /// The keys that are valid now; cut from the right, and help is never cut.
    fn keys(&self, pen: &mut Pen<'_>, row: Rect) {
        const HELP: u16 = 8;
        let theme = *pen.theme;
        let mut x = row.x + 1;
        let end = row.right().saturating_sub(HELP);
        let mut shown: Vec<(String, String)> = Vec::new();
        if let Some(modal) = self.modals.last() {
            let keys: &[(&str, &str)] = match modal {
                Modal::Sheet(_) | Modal::Question(_) => {
                    &[("Tab", "next"), ("Enter", "press"), ("Esc", "cancel")]
                }
                Modal::Palette(_) | Modal::Menu(_) => {
                    &[("↑↓", "choose"), ("Enter", "run"), ("Esc", "close")]
                }
                Modal::Help(_) | Modal::Reading(_) => {
                    &[("j k", "scroll"), ("Tab", "answer"), ("Esc", "close")]
                }
            };
            shown.extend(
                keys.iter()
                    .map(|(key, what)| ((*key).to_owned(), (*what).to_owned())),
            );
        } else {
            for action in self.panels[self.at]
                .actions(&self.world)
                .iter()
                .filter(|action| action.in_row)
            {
                if let Some(key) = action.key {
                    let label = action
                        .label
                        .split([':', ',', '('])
                        .next()
                        .unwrap_or_default()
                        .trim()
                        .to_lowercase();
                    shown.push((key.to_string(), label));
                }
            }
            shown.push((":".to_owned(), "palette".to_owned()));
        }
        for (key, what) in shown {
            let width = u16::try_from(cells(&key) + cells(&what) + 1).unwrap_or(u16::MAX);
            if x.saturating_add(width) > end {
                break;
            }
            x += pen.put(x, row.y, width, &key, theme.key) + 1;
            x += pen.put(x, row.y, width, &what, theme.text) + 2;
        }
        let help = if row.width < 60 { "?" } else { "? help" };
        let x = row
            .right()
            .saturating_sub(u16::try_from(help.len()).unwrap_or(0) + 1);
        pen.put(x, row.y, 6, help, theme.key);
    }
}

/// Writes an error with everything that led to it.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push('\n');
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// Reads a movement that no text field wants.
pub(crate) fn movement(key: Key, typing: bool) -> Option<Move> {
    if typing && key.types() {
        None
    } else {
        Move::of(key)
    }
}
