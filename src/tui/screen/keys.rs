//! Keys, clicks and pastes: what takes them, and what they do.

use crossterm::event::KeyCode;

use super::{Order, STARTING, Screen};
use crate::action::{Action, EDITOR, GO_TO};
use crate::keymap::Key;
use crate::modal::{Modal, Palette, Question, Reading, Said};
use crate::paint::{Span, cells};
use crate::seat::Standing;
use crate::wish::{Deed, Errand, Wish};

impl Screen {
    pub(super) fn paste(&mut self, text: &str, orders: &mut Vec<Order>) {
        if let Some(modal) = self.modals.last_mut() {
            modal.paste(text);
        } else {
            let wishes = self.panels[self.at].paste(&self.world, text);
            self.grant(wishes, orders);
        }
        self.sheet_changed();
    }

    pub(super) fn click(&mut self, x: u16, y: u16, orders: &mut Vec<Order>) {
        if y == 1 && self.modals.is_empty() {
            let mut at = 0;
            for (index, label) in self.tabs().iter().enumerate() {
                let width = u16::try_from(cells(label)).unwrap_or(0) + 1;
                if (at..at + width).contains(&x) {
                    self.show(index, orders);
                    orders.extend(self.want());
                    return;
                }
                at += width;
            }
        }
    }

    pub(super) fn key(&mut self, key: Key, orders: &mut Vec<Order>) {
        if key == Key::ctrl('z') {
            return orders.push(Order::Do(Deed::Suspend));
        }
        if key == Key::ctrl('l') {
            return orders.push(Order::Do(Deed::Repaint));
        }
        if key == Key::of(KeyCode::F(12)) {
            return self.offer_pictures();
        }
        if key == Key::of(KeyCode::F(1)) {
            return self.field_help();
        }
        if key == Key::ctrl('c') && self.modals.is_empty() && self.is_working() {
            return orders.push(Order::Do(Deed::StopWork));
        }
        if key == Key::ctrl('c') && self.modals.is_empty() && self.stop_review(orders) {
            return;
        }
        if key == Key::ctrl('c') && self.modals.is_empty() && self.tell_ended() {
            return;
        }
        if key == Key::ctrl('c') {
            if self.modals.is_empty() {
                self.quit(orders);
            } else if self.leaving {
                orders.push(Order::Do(Deed::Quit));
            } else {
                self.interrupt();
            }
            return;
        }
        if let Some(modal) = self.modals.last_mut() {
            if key == Key::letter('?') && !modal.takes_text() {
                return self.help();
            }
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
        if key.code == KeyCode::Esc && self.stop_review(orders) {
            return;
        }
        if key.code == KeyCode::Esc {
            self.notes.clear();
            match self.panels[self.at].back() {
                Some(wishes) => self.grant(wishes, orders),
                None => self.notes.hush(),
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
        if key == Key::letter('!') && (self.notes.failure().is_some() || self.is_faulty()) {
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
                self.show(at, orders);
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

    /// Closes what lies on top. What was filled in is asked about first; asked to close that question, too, it goes.
    fn interrupt(&mut self) {
        match self.modals.last() {
            Some(question) if question.asks_about_form() => self.drop_form(),
            Some(form) if form.would_lose() => self.ask_about_form(),
            _ => {
                self.modals.pop();
            }
        }
    }

    fn ask_about_form(&mut self) {
        self.modals.push(Modal::Question(Question::about_form()));
    }

    /// Closes the form on top with what was filled in, and the question about it when that is still open.
    pub(super) fn drop_form(&mut self) {
        if self.modals.last().is_some_and(Modal::asks_about_form) {
            self.modals.pop();
        }
        if self.modals.last().is_some_and(Modal::would_lose) {
            self.modals.pop();
        }
    }

    pub(super) fn said(&mut self, said: Said, orders: &mut Vec<Order>) {
        match said {
            Said::Open => {}
            Said::Left => self.ask_about_form(),
            Said::Changed => self.sheet_changed(),
            Said::Closed(wishes) => {
                let closed = self.modals.pop();
                // Help lies over what was asked, and answers nothing.
                let is_aside = closed.as_ref().is_some_and(Modal::is_aside);
                // Where another lies below, it is that one which says whether the program is left.
                if wishes.is_empty() && !is_aside && self.modals.is_empty() {
                    self.leaving = false;
                }
                self.grant(wishes, orders);
            }
            Said::Act(id, whose) => {
                self.modals.pop();
                self.choose(id, whose, orders);
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
                    // What was filled in is not lost before it is known to be taken.
                    let stays =
                        |wish: &Wish| matches!(wish, Wish::KeepSheet | Wish::RefuseSheet { .. });
                    if wishes.iter().any(stays) {
                        self.modals.push(Modal::Sheet(sheet));
                    }
                    self.grant(wishes, orders);
                }
            }
        }
    }

    pub(super) fn sheet_changed(&mut self) {
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
    pub(super) fn global(&self) -> Vec<Action> {
        let mut actions = vec![
            Action::new("palette", Key::letter(':'), "Command palette").quiet(),
            Action::new("help", Key::letter('?'), "Help"),
            Action::new("something", Key::letter('t'), "Trigger something")
                .like("outbound trigger …")
                .quiet(),
            Action::new("problem", Key::letter('!'), "Next problem")
                .like("outbound journal dead")
                .quiet(),
            Action::new("update", Key::ctrl('s'), "Update (save workbench.toml)")
                .like("outbound config set PATH VALUE")
                .quiet(),
            Action::new("undo", Key::letter('u'), "Undo the last unsaved edit").quiet(),
            Action::new("redo", Key::ctrl('r'), "Redo").quiet(),
            Action::named("discard", "Discard unsaved changes"),
            Action::named("editor", EDITOR),
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
                "Screenshot: this screen as a file (.txt .svg .html .ansi)",
            )
            .quiet(),
            Action::named(
                "record",
                if self.recording.is_some() {
                    "Stop recording"
                } else {
                    "Record the screen (asciicast)"
                },
            )
            .like("outbound --record FILE"),
            Action::named("quit", "Quit"),
        ];
        if let Some(work) = &self.world.work {
            if work.is_under_way() {
                actions.push(Action::named("stop-work", format!("Stop: {}", work.what)));
            } else {
                actions.push(Action::named("report", format!("Report: {}", work.what)));
            }
        }
        let standing = self.world.standing.as_ref();
        if standing.is_some_and(Standing::may_run_here) {
            let label = "Run the engine here";
            actions.push(Action::new("run-here", Key::letter('E'), label).like("outbound serve"));
        }
        for (at, panel) in self.panels.iter().enumerate() {
            let digit = char::from_digit(u32::try_from(at + 1).unwrap_or(0), 10);
            let mut action = Action::named(panel.id(), format!("{GO_TO}{}", panel.title()));
            action.key = digit.map(Key::letter);
            actions.push(action);
        }
        actions
    }

    pub(super) fn act(&mut self, id: &str, orders: &mut Vec<Order>) {
        match id {
            "palette" => {
                let all = self.everything();
                self.modals.push(Modal::Palette(Palette::new(all)));
            }
            "help" => self.help(),
            "something" => {
                let errand = Errand::Trigger {
                    way: "console",
                    user: None,
                    back: None,
                };
                self.grant(vec![Wish::Go("trigger", Some(errand))], orders);
            }
            "problem" => match self.notes.take_failure() {
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
                None if self.is_faulty() => self.show_errors(false),
                None => self.grant(vec![Wish::Go("traffic", Some(Errand::NextProblem))], orders),
            },
            "update" => self.grant(vec![Wish::Do(Deed::Review)], orders),
            "undo" => self.grant(vec![Wish::Undo], orders),
            "redo" => self.grant(vec![Wish::Redo], orders),
            "discard" => self.grant(vec![Wish::AskToDrop], orders),
            "editor" => self.open_editor(orders),
            "events" => {
                let theme = self.world.theme;
                let lines = self
                    .events
                    .iter()
                    .rev()
                    .flat_map(|message| message.text.lines())
                    .map(|line| vec![Span::new(line, theme.text)])
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
            "shot" => self.offer_pictures(),
            "record" => self.toggle_recording(orders),
            "quit" => self.quit(orders),
            "stop-work" => orders.push(Order::Do(Deed::StopWork)),
            "run-here" if self.starting => {
                self.say("the engine is being started here already".to_owned());
            }
            "run-here" => {
                self.starting = true;
                self.say(STARTING.to_owned());
                orders.push(Order::Do(Deed::RunHere));
            }
            "report" => self.work_report(),
            section => {
                if let Some(at) = self.place_of(section) {
                    self.show(at, orders);
                }
            }
        }
    }
}
