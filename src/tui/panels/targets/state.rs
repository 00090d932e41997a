//! What a mock holds and what changed there, as lines: requests, and what putting it back did.

use std::cmp::Reverse;

use domain::{LabChange, LabObject};
use jiff::Timestamp;
use serde_json::Value;

use super::Targets;
use crate::board::Tally;
use crate::paint::{Line, Span, counted};
use crate::panels::changes::{FieldChange, fields};
use crate::widgets::json_line;
use crate::wish::PutBack;
use crate::world::World;

/// How many requests are shown.
const REQUESTS: usize = 200;
/// How many changes are shown of one time of putting back, or of one object.
const CHANGES: usize = 60;

/// Counts the objects that came, changed and went since the workbench was opened, or since the mock was put back to an
/// earlier state; nothing where none did.
pub(super) fn tally(world: &World, target: &str) -> String {
    let tally = world.board.changes_at(target);
    tally.map(Tally::counts).unwrap_or_default()
}

impl Targets {
    /// The selected object: what it was and became, then what it is.
    pub(super) fn object_lines(&self, world: &World) -> Vec<Line> {
        let theme = world.theme;
        let Some(object) = self.object(world) else {
            return Vec::new();
        };
        let mut lines = vec![vec![
            Span::new(format!("{} {}", object.object, object.name), theme.title),
            Span::new(format!("  {}", object.id), theme.dim),
        ]];
        let history = self.history(world, object);
        if !history.is_empty() {
            lines.push(vec![Span::new("Before and after, newest first", theme.dim)]);
            lines.extend(history);
            lines.push(vec![Span::new("Now", theme.dim)]);
        }
        let text = serde_json::to_string_pretty(&object.content).unwrap_or_default();
        lines.extend(text.lines().map(|line| json_line(line, &theme)));
        lines
    }

    /// What became of an object since the workbench was opened.
    fn history(&self, world: &World, object: &LabObject) -> Vec<Line> {
        let theme = world.theme;
        let is_of_it =
            |change: &LabChange| change.object == object.object && change.id == object.id;
        let Some(mock) = self.mock(world) else {
            return Vec::new();
        };
        let mut found: Vec<(Timestamp, String, &LabChange)> = Vec::new();
        for entry in world.board.lab_of(&mock.target) {
            for change in entry.changes.iter().filter(|change| is_of_it(change)) {
                found.push((entry.at, format!("{} {}", entry.method, entry.path), change));
            }
        }
        for (at, one) in self.put_back_of(&mock.target) {
            for change in one.changes.iter().filter(|change| is_of_it(change)) {
                found.push((*at, format!("put back to {}", one.to), change));
            }
        }
        found.sort_by_key(|(at, ..)| Reverse(*at));
        let mut lines = Vec::new();
        let mut last = None;
        let more = found.len().saturating_sub(CHANGES);
        for (at, by, change) in found.into_iter().take(CHANGES) {
            if last.as_ref() != Some(&(at, by.clone())) {
                lines.push(vec![
                    Span::new(format!(" {} ", world.time(at)), theme.dim),
                    Span::new(by.clone(), theme.text),
                ]);
                last = Some((at, by));
            }
            let line = if change.field == "*" {
                whole_line(world, change)
            } else {
                field_line(world, "", &as_field(change))
            };
            lines.push(line);
        }
        if more > 0 {
            let more = counted(more, "older change");
            lines.push(vec![Span::new(format!(" … and {more} of it"), theme.dim)]);
        }
        let tally = world.board.changes_at(&mock.target);
        if tally.is_some_and(|tally| tally.let_go > 0) {
            let oldest = world.board.lab_of(&mock.target).last();
            let since = oldest.map_or(world.now, |entry| entry.at);
            let told = format!(
                " Changes by requests before {} are not kept here: outbound mock log {}",
                world.moment(since),
                mock.target
            );
            lines.push(vec![Span::new(told, theme.dim)]);
        }
        lines
    }

    fn put_back_of<'a>(
        &'a self,
        target: &'a str,
    ) -> impl Iterator<Item = &'a (Timestamp, PutBack)> + 'a {
        self.put_back
            .iter()
            .filter(move |(_, one)| one.target == target)
    }

    /// What the selected mock was asked and what that changed, and what putting it back changed; newest first.
    pub(super) fn change_lines(&self, world: &World) -> Vec<Line> {
        let theme = world.theme;
        let Some(mock) = self.mock(world) else {
            return Vec::new();
        };
        let mut put_back = self.put_back_of(&mock.target).peekable();
        let mut lines = Vec::new();
        for entry in world.board.lab_of(&mock.target).take(REQUESTS) {
            while let Some((at, one)) = put_back.next_if(|(at, _)| *at >= entry.at) {
                lines.extend(put_back_lines(world, *at, one));
            }
            let status = entry
                .status
                .map_or_else(|| "-".to_owned(), |status| status.to_string());
            let asked = if entry.is_put_back() {
                format!(" {}", entry.operation)
            } else {
                format!(" {} {}", entry.method, entry.path)
            };
            let mut line = vec![
                Span::new(format!("{} ", world.time(entry.at)), theme.dim),
                Span::new(status, theme.status(entry.status)),
                Span::new(asked, theme.text),
            ];
            if !entry.faults.is_empty() {
                line.push(Span::new(
                    format!("  ! {}", entry.faults.join(", ")),
                    theme.warn,
                ));
            }
            lines.push(line);
            for change in &entry.changes {
                let of = format!("{} {}.", change.object, change.name);
                let changed = fields(change);
                lines.extend(changed.iter().map(|one| field_line(world, &of, one)));
            }
        }
        for (at, one) in put_back {
            lines.extend(put_back_lines(world, *at, one));
        }
        let shown = world.board.lab_of(&mock.target).take(REQUESTS).count();
        let told = world
            .board
            .changes_at(&mock.target)
            .map_or(0, |tally| tally.told);
        if told > shown {
            let older = counted(told - shown, "older request");
            let told = format!(
                "… and {older}, not shown here: outbound mock log {}",
                mock.target
            );
            lines.push(vec![Span::new(told, theme.dim)]);
        }
        if lines.is_empty() {
            lines.push(vec![Span::new(
                "Nobody asked it anything since the workbench was opened.",
                theme.dim,
            )]);
        }
        lines
    }
}

fn as_field(change: &LabChange) -> FieldChange {
    FieldChange {
        field: change.field.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
    }
}

/// One field before and after; `of` is whose it is.
fn field_line(world: &World, of: &str, one: &FieldChange) -> Line {
    let theme = world.theme;
    let value = |value: &Option<Value>| {
        value
            .as_ref()
            .map_or_else(|| "absent".to_owned(), Value::to_string)
    };
    vec![
        Span::new(format!("         {of}{} ", one.field), theme.name),
        Span::new(value(&one.before), theme.bad),
        Span::new(if theme.ascii { " -> " } else { " → " }, theme.dim),
        Span::new(value(&one.after), theme.good),
    ]
}

/// An object that came or went as a whole, in one line.
fn whole_line(world: &World, change: &LabChange) -> Line {
    let theme = world.theme;
    let (word, style) = if change.after.is_some() {
        ("came", theme.good)
    } else {
        ("went", theme.bad)
    };
    vec![
        Span::new(
            format!("         {} {} ", change.object, change.name),
            theme.name,
        ),
        Span::new(word, style),
    ]
}

fn put_back_lines(world: &World, at: Timestamp, one: &PutBack) -> Vec<Line> {
    let theme = world.theme;
    let mut lines = vec![vec![
        Span::new(format!("{} ", world.time(at)), theme.dim),
        Span::new(format!("put back to {}", one.to), theme.title),
    ]];
    if one.changes.is_empty() {
        lines.push(vec![Span::new(
            "         nothing differed from it",
            theme.dim,
        )]);
    }
    for change in &one.changes {
        lines.push(if change.field == "*" {
            whole_line(world, change)
        } else {
            let of = format!("{} {}.", change.object, change.name);
            field_line(world, &of, &as_field(change))
        });
    }
    if one.more > 0 {
        let more = one.more;
        lines.push(vec![Span::new(
            format!("         … and {more} more"),
            theme.dim,
        )]);
    }
    lines
}
