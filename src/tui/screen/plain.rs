//! What the mode without a screen reads and steers: actions, sections, overlays, and a panel as lines of text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Order, Screen};
use crate::action::{Action, Whose};
use crate::modal::{Modal, Said};
use crate::paint::{Pen, counted};
use crate::widgets::Form;

/// Panels are told as if this were the width: one pane at a time.
const WIDTH: u16 = 99;

/// Actions that mean nothing where there is no screen.
const OF_THE_SCREEN: [&str; 7] = [
    "palette", "help", "mouse", "zoom", "shot", "record", "editor",
];

impl Screen {
    /// Returns everything that can be done now, wherever, and whose it is.
    pub(crate) fn offered(&self) -> Vec<(Action, Whose)> {
        let mut all = self.everything();
        all.retain(|(action, _)| !OF_THE_SCREEN.contains(&action.id));
        all
    }

    /// Does one of them.
    pub(crate) fn run(&mut self, id: &'static str, whose: Whose) -> Vec<Order> {
        let mut orders = Vec::new();
        self.choose(id, whose, &mut orders);
        self.keep_to_draft(&mut orders);
        orders.extend(self.want());
        orders
    }

    /// Returns whose the actions of the section are that is shown.
    pub(crate) fn here(&self) -> Whose {
        Whose::Panel(self.panels[self.at].id())
    }

    pub(crate) fn section_titles(&self) -> Vec<String> {
        let titles = self.panels.iter().map(|panel| panel.title().to_owned());
        titles.collect()
    }

    /// Shows another section.
    pub(crate) fn go(&mut self, at: usize) -> Vec<Order> {
        self.point();
        self.at = at.min(self.panels.len().saturating_sub(1));
        self.want()
    }

    /// Returns how many overlays lie over the panel.
    pub(crate) fn depth(&self) -> usize {
        self.modals.len()
    }

    pub(crate) fn top(&mut self) -> Option<&mut Modal> {
        self.modals.last_mut()
    }

    /// Closes the uppermost overlay, as Esc does.
    pub(crate) fn close(&mut self) {
        self.modals.pop();
        // Where another lies below, it is that one which says whether the program is left.
        self.leaving &= !self.modals.is_empty();
    }

    /// Takes what an overlay said.
    pub(crate) fn hear(&mut self, said: Said) -> Vec<Order> {
        let mut orders = Vec::new();
        self.said(said, &mut orders);
        self.keep_to_draft(&mut orders);
        orders.extend(self.want());
        orders
    }

    /// Tells the panel that a value of its sheet, or of its own form, changed, and returns what the sheet says of it now.
    pub(crate) fn sheet_says(&mut self) -> Vec<String> {
        let before = self.says();
        self.sheet_changed();
        if self.modals.is_empty() {
            self.panels[self.at].form_changed(&self.world);
        }
        let after = self.says();
        if before == after { Vec::new() } else { after }
    }

    fn says(&self) -> Vec<String> {
        match self.modals.last() {
            Some(Modal::Sheet(sheet)) => sheet.says.clone(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn panel_form(&mut self) -> Option<&mut Form> {
        self.panels[self.at].form()
    }

    /// Returns the panel as lines of text, so many at most.
    pub(crate) fn lines(&self, rows: u16) -> Vec<String> {
        let area = Rect::new(0, 0, WIDTH, rows);
        let mut buffer = Buffer::empty(area);
        let mut pen = Pen {
            buffer: &mut buffer,
            theme: &self.world.theme,
        };
        self.panels[self.at].draw(&self.world, &mut pen, area);
        let text = crate::shot::text(&buffer);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    /// Returns what is selected in the panel as lines of text: the row with the mark, and what goes on below it. None where
    /// nothing has the mark.
    pub(crate) fn selected_lines(&self, rows: u16) -> Option<String> {
        // Rows that begin so far in belong to the one above them.
        const GOES_ON: &str = "        ";
        let lines = self.lines(rows);
        let at = lines.iter().position(|line| line.starts_with('>'))?;
        let below = lines[at + 1..].iter();
        let more = below.take_while(|line| line.starts_with(GOES_ON)).count();
        Some(lines[at..=at + more].join("\n"))
    }

    pub(crate) fn status_line(&self) -> String {
        let draft = self.world.draft.as_ref().filter(|draft| draft.is_changed());
        match draft {
            Some(draft) => format!(
                "{}: {}; `update` saves, `undo` takes back",
                counted(draft.changes(), "unsaved change"),
                draft.last_words().unwrap_or_default()
            ),
            None => self.panels[self.at].status(&self.world),
        }
    }
}
