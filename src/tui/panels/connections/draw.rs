//! How the list and the detail of *Connections* are drawn.

use std::fmt::Write as _;

use domain::{Connection, ConnectorRef, OnEmpty};
use ratatui::layout::Rect;

use super::told::{connector_lines, lines};
use super::{Connections, Tab, keys, row_keys};
use crate::paint::{Column, Pen, cells};
use crate::panels::BESIDE;
use crate::world::World;

/// From so many cells on a row of the list has room for all its words.
const ROOMY: u16 = 90;

/// Names what a connection provisions by.
fn kinds_of(world: &World, one: &Connection) -> String {
    let connectors = one.connectors.iter();
    let kinds: Vec<&str> = connectors
        .map(|settings| {
            let kind = world.catalogue.of(&settings.kind);
            kind.map_or(settings.kind.0.as_str(), |kind| kind.label)
        })
        .collect();
    if kinds.is_empty() {
        "-".to_owned()
    } else {
        kinds.join(", ")
    }
}

impl Connections {
    pub(super) fn draw_list(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let shown = self.shown(world);
        let inner = pen.frame(area, "Connections", &format!("{}", shown.len()), !self.open);
        if shown.is_empty() {
            let text = self.search.why_empty(" No connections yet. n adds one.");
            pen.paragraph(inner, text, theme.dim);
            return;
        }
        // Where there is little room, no column takes more of it than it needs.
        let widest = shown.iter().map(|one| cells(&kinds_of(world, one))).max();
        let widest = u16::try_from(widest.unwrap_or(0)).unwrap_or(u16::MAX);
        self.list
            .draw(pen, inner, &keys(&shown), !self.open, |pen, row, at| {
                let one = shown[at];
                let kinds = kinds_of(world, one);
                let enabled = one
                    .connectors
                    .iter()
                    .filter(|settings| settings.enabled)
                    .count();
                let (state, style) = if !one.enabled {
                    ("disabled".to_owned(), theme.dim)
                } else if enabled == 0 {
                    let told = if row.width < ROOMY {
                        "none on"
                    } else {
                        "no connector on"
                    };
                    (told.to_owned(), theme.warn)
                } else {
                    (format!("{enabled} enabled"), theme.good)
                };
                let calls = world
                    .board
                    .last
                    .iter()
                    .filter(|(connector, _)| connector.connection == one.id);
                let last = calls.max_by_key(|(_, call)| call.at).map(|(_, call)| call);
                let told = last.map_or_else(
                    || "never called".to_owned(),
                    |call| {
                        let status = call
                            .status
                            .map_or_else(|| "-".to_owned(), |status| status.to_string());
                        format!(
                            "{} {status} {} {}",
                            world.time(call.at),
                            call.op,
                            call.subject
                        )
                    },
                );
                let last_style = last.map_or(theme.dim, |call| theme.status(call.status));
                let (kind, on) = match row.width {
                    ..70 => (10, 9),
                    70..ROOMY => (widest.clamp(10, 14), 9),
                    ROOMY.. => (14, 15),
                };
                pen.columns(
                    row,
                    &[
                        Column::new(&one.name, 22, theme.text),
                        Column::new(&kinds, kind, theme.dim),
                        Column::new(&state, on, style),
                        Column::new(&told, row.width.saturating_sub(25 + kind + on), last_style),
                    ],
                );
            });
    }

    pub(super) fn draw_detail(&self, world: &World, pen: &mut Pen<'_>, area: Rect) {
        let theme = world.theme;
        let Some(one) = self.selected(world) else {
            pen.frame(area, "Detail", "", false);
            return;
        };
        let inner = pen.frame(area, &one.name, "[ ] tabs", self.open);
        let mut x = inner.x + 1;
        let wide = inner.width >= 110;
        for tab in Tab::ALL {
            let title = tab.title(wide);
            let (text, style) = if tab == self.tab {
                (format!("[{title}]"), theme.focus)
            } else {
                (title.to_owned(), theme.text)
            };
            if x < inner.right() {
                x += pen.put(x, inner.y, inner.right() - x, &text, style) + 2;
            }
        }
        let body = Rect {
            x: inner.x + 1,
            y: inner.y + 2.min(inner.height),
            width: inner.width.saturating_sub(2),
            height: inner.height.saturating_sub(2),
        };
        match self.tab {
            Tab::Outbound => self.draw_outbound(world, pen, body, one),
            Tab::Attributes | Tab::Roles if !row_keys(one, self.tab).is_empty() => {
                self.draw_rows(world, pen, body, one);
            }
            tab => {
                let lines = lines(world, one, tab, &self.read);
                self.text
                    .draw(pen, body, lines.len(), |at| lines[at].clone());
            }
        }
    }

    pub(super) fn draw_rows(&self, world: &World, pen: &mut Pen<'_>, area: Rect, one: &Connection) {
        let theme = world.theme;
        let keys = row_keys(one, self.tab);
        self.rows.draw(pen, area, &keys, self.open, |pen, row, at| {
            if self.tab == Tab::Roles {
                pen.put(
                    row.x,
                    row.y,
                    row.width,
                    one.outbound_roles[at].as_str(),
                    theme.text,
                );
                return;
            }
            let mapping = &one.attributes[at];
            let from = match (&mapping.local, &mapping.value) {
                (_, Some(value)) => format!("constant {value:?}"),
                (Some(claim), None) => format!("claim {claim}"),
                (None, None) => "nothing".to_owned(),
            };
            let mut aside = mapping
                .default
                .as_ref()
                .map_or_else(String::new, |value| format!("default {value:?}"));
            if mapping.on_empty == OnEmpty::Clear {
                aside.push_str(" clears when empty");
            }
            if let Some(connector) = &mapping.connector {
                let _ = write!(aside, " for {connector} only"); // a String takes everything
            }
            let third = row.width / 3;
            pen.columns(
                row,
                &[
                    Column::new(&mapping.remote, third, theme.name),
                    Column::new(&from, third, theme.text),
                    Column::new(&aside, third.saturating_sub(2), theme.dim),
                ],
            );
        });
    }

    pub(super) fn draw_outbound(
        &self,
        world: &World,
        pen: &mut Pen<'_>,
        area: Rect,
        one: &Connection,
    ) {
        let theme = world.theme;
        if one.connectors.is_empty() {
            let text = "No outbound provisioning connectors. n adds one; provisioning cannot use this connection until then.";
            pen.paragraph(area, text, theme.dim);
            return;
        }
        let rows = u16::try_from(one.connectors.len())
            .unwrap_or(3)
            .min(area.height);
        let top = Rect {
            height: rows,
            ..area
        };
        let keys = row_keys(one, Tab::Outbound);
        self.rows.draw(pen, top, &keys, self.open, |pen, row, at| {
            let settings = &one.connectors[at];
            let label = world
                .catalogue
                .of(&settings.kind)
                .map_or(settings.kind.0.as_str(), |kind| kind.label);
            let (toggle, style) = if settings.enabled {
                ("[x] Enabled", theme.good)
            } else {
                ("[ ] Disabled", theme.dim)
            };
            let connector = ConnectorRef {
                connection: one.id.clone(),
                kind: settings.kind.clone(),
            };
            let paused = if settings.paused { "paused" } else { "" };
            let states = world.board.counts.get(&connector);
            let owed: u64 = states
                .into_iter()
                .flatten()
                .filter(|(state, _)| state.is_open())
                .map(|(_, count)| count)
                .sum();
            let dead = states
                .and_then(|states| states.get(&engine::State::Dead))
                .copied()
                .unwrap_or(0);
            let told = format!("{owed} owed  {dead} dead  {paused}");
            pen.columns(
                row,
                &[
                    Column::new(label, 14, theme.text),
                    Column::new(toggle, 13, style),
                    Column::new(
                        &told,
                        row.width.saturating_sub(30),
                        if dead > 0 { theme.bad } else { theme.dim },
                    ),
                ],
            );
        });
        let rest = Rect {
            y: area.y + rows + 1,
            height: area.height.saturating_sub(rows + 1),
            ..area
        };
        // Below several of them the settings follow the selection, and are not written anew over a slow line.
        if one.connectors.len() > 1 && world.width < BESIDE && theme.boxes {
            let told = "Enter opens the settings of the selected one.";
            pen.paragraph(rest, told, theme.dim);
        } else if let Some(settings) = self.connector(one) {
            let lines = connector_lines(world, settings);
            self.text
                .draw(pen, rest, lines.len(), |at| lines[at].clone());
        }
    }
}
