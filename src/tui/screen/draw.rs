//! How the screen is drawn: head, sections, the panel, what lies over it, status and keys.

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Screen;
use super::help::keys_of;
use crate::action::Action;
use crate::keymap::Key;
use crate::paint::{Pen, cells, shortened};

impl Screen {
    pub(super) fn tabs(&self) -> Vec<String> {
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
                "{}x{} is too small; {}x{} is needed",
                area.width, area.height, LEAST.0, LEAST.1
            );
            pen.paragraph(area, &text, theme.text);
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

    pub(super) fn head(&self, pen: &mut Pen<'_>, area: Rect) {
        let theme = *pen.theme;
        let panel = &self.panels[self.at];
        let arrow = if theme.ascii { ">" } else { "▸" };
        let mut crumbs = vec!["outbound".to_owned(), panel.title().to_owned()];
        crumbs.extend(panel.crumbs(&self.world));
        let owed = self.world.board.owed();
        let dirty = if self.is_dirty() { "~" } else { "" };
        let queue = if owed > 0 {
            format!("queue {owed}  ")
        } else {
            String::new()
        };
        let recorded = if self.recording.is_some() {
            "REC  "
        } else {
            ""
        };
        // Whoever looks elsewhere sees it here; where there is little room, the panel alone says it.
        let others = self.panels.iter().enumerate();
        let mut others = others.filter(|(at, _)| *at != self.at && area.width >= 60);
        let waits = others.find(|(_, panel)| panel.waits());
        let waits = waits.map_or_else(String::new, |(_, panel)| {
            format!("{} waits  ", panel.title())
        });
        let name = self.world.file_name();
        let right = format!("{recorded}{waits}{queue}{name}{dirty}");
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

    pub(super) fn sections(&self, pen: &mut Pen<'_>, row: Rect) {
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

    pub(super) fn status(&self, pen: &mut Pen<'_>, row: Rect) {
        // How to read the rest is never cut; where it leaves no room for the whole line it says less.
        const OPENS: [&str; 2] = ["  (! shows it, Esc clears)", "  (! shows it)"];
        let theme = *pen.theme;
        let room = usize::from(row.width.saturating_sub(2));
        // Where letters are typed, and in a dialog, `!` is not the key for it.
        let opens_it = self.modals.is_empty() && !self.panels[self.at].takes_text();
        let work = self.world.work.as_ref().filter(|work| work.is_under_way());
        let failed = match (self.notes.failure(), opens_it) {
            (None, _) => "",
            (Some(_), true) => "x (! shows what failed)  ",
            (Some(_), false) => "x  ",
        };
        let left = room.saturating_sub(cells(failed));
        // What goes on comes first: how far it is, and how to stop it.
        let (text, style) = if let Some(work) = work {
            let line = work.line();
            let line = if cells(&line) > left {
                work.short_line()
            } else {
                line
            };
            (format!("{failed}{line}"), theme.warn)
        } else if let Some(toast) = self.notes.toast() {
            (with_way_out(toast, room), theme.good)
        } else if self.is_reviewing() {
            let line = with_way_out(self.reviewing_line(), left);
            (format!("{failed}{line}"), theme.warn)
        } else if let Some(failure) = self.notes.failure() {
            let first = failure.lines().next().unwrap_or_default();
            let fits = |opens: &&str| cells(first) + cells(opens) + 2 <= room;
            let opens = if opens_it {
                OPENS.into_iter().find(fits).unwrap_or(OPENS[1])
            } else {
                ""
            };
            let first = shortened(first, room.saturating_sub(cells(opens) + 2));
            (format!("x {first}{opens}"), theme.bad)
        } else if let Some(draft) = self.world.draft.as_ref().filter(|draft| draft.is_changed()) {
            (self.unsaved_line(draft, room), theme.warn)
        } else {
            let panel = self.panels[self.at].status(&self.world);
            if let Some(line) = self.standing_line(room) {
                (format!("{line} · {panel}"), theme.warn)
            } else {
                // At the end of the row, where it stays when the words of the panel change.
                let attached = self.attached_line(room, cells(&panel));
                let width = u16::try_from(cells(&attached)).unwrap_or(0);
                let x = row.right().saturating_sub(width + 1);
                pen.put(x, row.y, width, &attached, theme.dim);
                (panel, theme.dim)
            }
        };
        pen.put(row.x + 1, row.y, row.width.saturating_sub(2), &text, style);
    }

    /// The keys that are valid now; cut from the right, and help is never cut.
    pub(super) fn keys(&self, pen: &mut Pen<'_>, row: Rect) {
        const HELP: u16 = 8;
        let theme = *pen.theme;
        let mut x = row.x + 1;
        let end = row.right().saturating_sub(HELP);
        let mut shown: Vec<(String, String)> = Vec::new();
        let panel = &self.panels[self.at];
        let typing = match self.modals.last() {
            Some(modal) => modal.takes_text(),
            None => panel.takes_text(),
        };
        if let Some(modal) = self.modals.last() {
            let keys = keys_of(modal, row.width < NARROW).into_iter();
            shown.extend(keys.map(|(key, what)| (key.to_owned(), what)));
        } else {
            let keys = if typing {
                panel.typing_keys()
            } else {
                panel.leading_keys()
            };
            let keys = keys.iter();
            shown.extend(keys.map(|(key, what)| ((*key).to_owned(), (*what).to_owned())));
            let actions = panel.actions(&self.world);
            let (last, first): (Vec<&Action>, Vec<&Action>) = actions
                .iter()
                .filter(|action| action.in_row)
                .partition(|action| action.varies);
            // Where letters are typed, they are no commands.
            let is_typed =
                |key: Key| key.types() || matches!(key.code, KeyCode::Enter | KeyCode::Backspace);
            let told = |actions: Vec<&Action>| {
                let with_key = actions.into_iter().filter_map(|action| {
                    let key = action.key.filter(|key| !typing || !is_typed(*key))?;
                    Some((key.to_string(), action.word()))
                });
                with_key.collect::<Vec<_>>()
            };
            shown.extend(told(first));
            if !typing {
                shown.push((":".to_owned(), "palette".to_owned()));
            }
            shown.extend(told(last));
        }
        for (key, what) in shown {
            let width = u16::try_from(cells(&key) + cells(&what) + 1).unwrap_or(u16::MAX);
            if x.saturating_add(width) > end {
                break;
            }
            x += pen.put(x, row.y, width, &key, theme.key) + 1;
            x += pen.put(x, row.y, width, &what, theme.text) + 2;
        }
        let help = match (typing, row.width < 60) {
            (false, true) => "?",
            (false, false) => "? help",
            (true, true) => "F1",
            (true, false) => "F1 help",
        };
        let width = u16::try_from(help.len()).unwrap_or(0);
        let x = row.right().saturating_sub(width + 1);
        pen.put(x, row.y, width, help, theme.key);
    }
}

/// Fits what was said into so many cells. What can be done about it stands in parentheses at the end, and is not cut.
fn with_way_out(text: &str, room: usize) -> String {
    if cells(text) <= room || !text.ends_with(')') {
        return text.to_owned();
    }
    let Some((head, tail)) = text.rsplit_once(" (") else {
        return text.to_owned();
    };
    let head = shortened(head, room.saturating_sub(cells(tail) + 2));
    if head.is_empty() {
        tail.trim_end_matches(')').to_owned()
    } else {
        format!("{head} ({tail}")
    }
}

/// Below so many columns the row of keys has no room for all that a form has.
const NARROW: u16 = 80;

/// Below this the screen says what it needs.
pub(super) const LEAST: (u16, u16) = (40, 12);
