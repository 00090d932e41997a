//! What stands open on the screen, asked one question a line.

use std::collections::BTreeSet;
use std::io::Write;

use super::{Plain, ROWS};
use crate::app::RunError;
use crate::keymap::Key;
use crate::widgets::Form;

/// What the next line answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// It is a command.
    Command,
    /// An action was done: what is to be seen now is printed first.
    Arrived,
    /// A plan was asked for and is awaited.
    Plan,
    /// A field of the open form, by its place; those before it are done.
    Field { at: usize, done: BTreeSet<usize> },
    /// One of the open form's buttons.
    Button,
    /// One of the open menu's items.
    Menu,
}

impl<W: Write> Plain<W> {
    /// Asks what stands open, once everything that was asked for is there.
    pub(super) fn ask(&mut self) -> Result<(), RunError> {
        if self.waiting > 0 || self.ended.is_some() {
            return Ok(());
        }
        let depth = self.screen.depth();
        let Some(top) = self.screen.top() else {
            self.asked = None;
            return self.ask_panel();
        };
        let name = (depth, top.title().to_owned());
        if self.asked.as_ref() == Some(&name) {
            return Ok(());
        }
        let told = top.told();
        let menu = top.items();
        let has_fields = top.form().is_some_and(|form| !form.fields.is_empty());
        let has_buttons = top.form().is_some_and(|form| !form.buttons.is_empty());
        self.asked = Some(name.clone());
        self.say(&format!("== {} ==", name.1))?;
        for line in &told {
            self.say(if line.is_empty() { " " } else { line })?;
        }
        if !menu.is_empty() {
            for (at, (label, told)) in menu.iter().enumerate() {
                self.say(&format!("{:>3}  {label}  {told}", at + 1))?;
            }
            self.step = Step::Menu;
            return self.question("Which one? (`.` gives up)");
        }
        if has_fields {
            let wrong = wrong_fields(self.form());
            return self.ask_again(wrong);
        }
        if has_buttons {
            return self.ask_button();
        }
        // There is nothing to answer: it was read.
        self.screen.close();
        self.step = Step::Command;
        self.ask()
    }

    fn ask_panel(&mut self) -> Result<(), RunError> {
        if self.step != Step::Arrived {
            return Ok(());
        }
        self.step = Step::Command;
        match self.screen.panel_form() {
            Some(form) if !form.is_asked() => self.next_field(BTreeSet::new()),
            Some(_) => {
                self.show(super::MOST_ROWS.min(200))?;
                self.ask_button()
            }
            None => self.show(ROWS),
        }
    }

    /// Says what is wrong with fields and asks for those alone; for all of them where nothing is.
    fn ask_again(&mut self, wrong: Vec<(usize, String)>) -> Result<(), RunError> {
        let mut done = BTreeSet::new();
        if !wrong.is_empty() {
            let count = self.form().map_or(0, |form| form.fields.len());
            done.extend(0..count);
        }
        for (at, told) in wrong {
            done.remove(&at);
            self.complain(&format!("x {told}"))?;
        }
        self.next_field(done)
    }

    fn question(&mut self, text: &str) -> Result<(), RunError> {
        if self.invites {
            write!(self.out, "{} ", domain::visible(text))?;
            self.out.flush()?;
            return Ok(());
        }
        self.say(text)
    }

    fn form(&mut self) -> Option<&mut Form> {
        if self.screen.depth() > 0 {
            self.screen.top().and_then(|top| top.form_mut())
        } else {
            self.screen.panel_form()
        }
    }

    /// Asks for the first field that is shown, can be changed and was not asked for yet; then for a button.
    fn next_field(&mut self, done: BTreeSet<usize>) -> Result<(), RunError> {
        let next = self.form().and_then(|form| {
            let at = (0..form.fields.len()).find(|at| {
                let field = &form.fields[*at];
                !done.contains(at) && form.shows(field) && field.is_asked()
            })?;
            Some((at, form.fields[at].asks()))
        });
        match next {
            Some((at, text)) => {
                self.step = Step::Field { at, done };
                self.question(&text)
            }
            None => self.ask_button(),
        }
    }

    fn ask_button(&mut self) -> Result<(), RunError> {
        let labels: Vec<String> = self.form().map_or_else(Vec::new, |form| {
            let buttons = form.buttons.iter().enumerate();
            buttons
                .map(|(at, button)| format!("{} {}", at + 1, button.label))
                .collect()
        });
        self.step = Step::Button;
        self.question(&format!("{}? (`.` gives up)", labels.join(", ")))
    }

    /// Takes the answer to what stands open.
    pub(super) fn reply(&mut self, line: &str) -> Result<(), RunError> {
        if line == "." {
            self.step = Step::Command;
            self.asked = None;
            if self.screen.top().is_some() {
                self.screen.close();
            } else {
                self.happen(crate::wish::Happening::Key(Key::of(
                    crossterm::event::KeyCode::Esc,
                )));
                // It was said in so many words, so that nobody is asked whether what was typed may be lost.
                let now = self.screen.world.passed;
                let said = self.screen.top().map(|question| {
                    if let Some(form) = question.form_mut() {
                        form.put_focus_on_button(0);
                    }
                    question.key(Key::of(crossterm::event::KeyCode::Enter), now)
                });
                let orders = said.map_or_else(Vec::new, |said| self.screen.hear(said));
                self.carry_out(orders);
            }
            return self.say("given up");
        }
        match self.step.clone() {
            Step::Field { at, mut done } => {
                let field = self.form().and_then(|form| form.fields.get_mut(at));
                let result = field.map(|field| field.answer(line).map(|()| field.doubt.clone()));
                match result {
                    Some(Err(told)) => self.complain(&told)?,
                    Some(Ok(doubt)) => {
                        done.insert(at);
                        if let Some(doubt) = doubt {
                            self.say(&format!("! {doubt}"))?;
                        }
                    }
                    None => {
                        done.insert(at);
                    }
                }
                for line in self.screen.sheet_says() {
                    self.say(&line)?;
                }
                self.next_field(done)
            }
            Step::Button => {
                let labels: Vec<&str> = self.form().map_or_else(Vec::new, |form| {
                    form.buttons.iter().map(|button| button.label).collect()
                });
                let Some(at) = chosen(line, labels.iter().copied()) else {
                    self.complain(&format!("`{line}` is none of these"))?;
                    return self.ask_button();
                };
                self.press_button(at)
            }
            Step::Menu => {
                let items = self.screen.top().map_or_else(Vec::new, |top| top.items());
                let Some(at) = chosen(line, items.iter().map(|(label, _)| label.as_str())) else {
                    self.complain(&format!("`{line}` is none of these"))?;
                    return self.question("Which one? (`.` gives up)");
                };
                self.asked = None;
                self.step = Step::Arrived;
                let now = self.screen.world.passed;
                let said = self.screen.top().map(|top| top.choose(at, now));
                let orders = said.map_or_else(Vec::new, |said| self.screen.hear(said));
                self.carry_out(orders);
                Ok(())
            }
            Step::Command | Step::Arrived | Step::Plan => Ok(()),
        }
    }

    fn press_button(&mut self, at: usize) -> Result<(), RunError> {
        let now = self.screen.world.passed;
        let overlaid = self.screen.depth() > 0;
        let Some(form) = self.form() else {
            self.step = Step::Command;
            return Ok(());
        };
        form.put_focus_on_button(at);
        let orders = if overlaid {
            let enter = Key::of(crossterm::event::KeyCode::Enter);
            let said = self.screen.top().map(|top| top.key(enter, now));
            said.map_or_else(Vec::new, |said| self.screen.hear(said))
        } else {
            let enter = Key::of(crossterm::event::KeyCode::Enter);
            self.screen.update(crate::wish::Happening::Key(enter))
        };
        let wrong = wrong_fields(self.form());
        self.carry_out(orders);
        let overlaid_still = self.screen.depth() > 0;
        if !wrong.is_empty() && overlaid == overlaid_still {
            return self.ask_again(wrong);
        }
        self.asked = None;
        self.step = Step::Arrived;
        if let Some(form) = self.screen.panel_form() {
            form.set_asked();
        }
        Ok(())
    }
}

/// Returns what is wrong with a form's fields, by their places.
fn wrong_fields(form: Option<&mut Form>) -> Vec<(usize, String)> {
    let fields = form
        .into_iter()
        .flat_map(|form| form.fields.iter().enumerate());
    fields
        .filter_map(|(at, field)| Some((at, field.error.clone()?)))
        .collect()
}

/// Finds what was chosen, by its number or the beginning of its label.
fn chosen<'l>(line: &str, mut labels: impl Iterator<Item = &'l str>) -> Option<usize> {
    let wanted = line.trim().to_lowercase();
    if wanted.is_empty() {
        return None;
    }
    if let Ok(number) = wanted.parse::<usize>() {
        return number.checked_sub(1).filter(|at| *at < labels.count());
    }
    labels.position(|label| label.to_lowercase().starts_with(&wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_is_chosen_by_number_or_by_its_beginning() {
        let labels = ["Update", "Discard", "Stay"];
        for (line, at) in [
            ("2", Some(1)),
            ("st", Some(2)),
            ("UPDATE", Some(0)),
            ("0", None),
            ("4", None),
            ("", None),
            ("nothing", None),
        ] {
            assert_eq!(chosen(line, labels.into_iter()), at, "{line}");
        }
    }
}
