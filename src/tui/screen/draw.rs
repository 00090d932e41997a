//! How the screen is drawn: head, sections, the panel, what lies over it, status and keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Screen;
use crate::modal::Modal;
use crate::paint::{Pen, cells};
use crate::seat::Standing;

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
        let dirty = if self.is_dirty() { "*" } else { "" };
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
        let right = format!("{recorded}{queue}{}{dirty}", self.world.file_name());
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
        let theme = *pen.theme;
        let (text, style) = if let Some(failure) = &self.failure {
            let first = failure.lines().next().unwrap_or_default();
            (format!("x {first}  (! shows it, Esc clears)"), theme.bad)
        } else if let Some(work) = self.world.work.as_ref().filter(|work| work.is_under_way()) {
            (work.line(), theme.warn)
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
            let panel = self.panels[self.at].status(&self.world);
            match &self.world.standing {
                None => (panel, theme.dim),
                Some(Standing::Attached { process }) => (
                    format!("attached to the engine of process {process} · {panel}"),
                    theme.dim,
                ),
                Some(Standing::Deaf) => (
                    format!("another process works on the journal and takes no commands · {panel}"),
                    theme.warn,
                ),
                Some(Standing::Alone) => (
                    format!("no engine runs: nothing is sent · {panel}"),
                    theme.warn,
                ),
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

/// Below this the screen says what it needs.
pub(super) const LEAST: (u16, u16) = (40, 12);
