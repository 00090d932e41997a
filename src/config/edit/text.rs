//! Pieces of text: how values and tables are written, where lines begin and end, what names a connection.

use std::ops::Range;

use domain::Catalogue;
use toml_edit::{InlineTable, Item, Key, Table, Value};

use super::path::Step;
use super::spot::Spot;

/// Writes a value without what was around it where it comes from.
pub(super) fn written(value: Value) -> String {
    value.decorated("", "").to_string()
}

pub(super) fn names(steps: &[Step]) -> String {
    steps
        .iter()
        .map(|step| step.key.as_str())
        .collect::<Vec<_>>()
        .join(".")
}

pub(super) fn block(indent: &str, header: &str, lines: &[String]) -> String {
    let lines: Vec<String> = std::iter::once(header)
        .chain(lines.iter().map(String::as_str))
        .map(|line| format!("{indent}{line}"))
        .collect();
    lines.join("\n")
}

pub(super) fn span_of(spot: Spot<'_>) -> Option<Range<usize>> {
    match spot {
        Spot::Value(value) => value.span(),
        Spot::Inline(table) => table.span(),
        Spot::Table(_) | Spot::Tables(_) => None,
    }
}

/// Returns an inline table's entry with the comma that goes with it.
pub(super) fn inline_entry(
    table: &InlineTable,
    key: Option<&Key>,
    spot: Spot<'_>,
) -> Option<Range<usize>> {
    let (key, value) = (key?.span()?, span_of(spot)?);
    let ends = table
        .iter()
        .filter_map(|(_, value)| Some(value.span()?.end));
    let before = ends.filter(|end| *end <= key.start).max();
    let starts = table
        .iter()
        .filter_map(|(name, _)| Some(table.key(name)?.span()?.start));
    let after = starts.filter(|start| *start >= value.end).min();
    Some(match (before, after) {
        (_, Some(next)) => key.start..next,
        (Some(last), None) => last..value.end,
        (None, None) => key.start..value.end,
    })
}

/// Returns every value that names a connection.
pub(super) fn references(root: &Table) -> Vec<&Value> {
    let none = Catalogue(&[]);
    let applications = entries(root.get("applications"));
    let mut levels: Vec<Spot<'_>> = applications.clone();
    levels.extend(
        root.get("resident")
            .and_then(Item::as_table)
            .map(Spot::Table),
    );
    let mut found = Vec::new();
    for level in levels {
        for provisioner in entries(level.get("provisioners", &none).map(|(_, item)| item)) {
            found.extend(
                provisioner
                    .get("connection", &none)
                    .and_then(|(_, item)| item.as_value()),
            );
        }
        let login = level
            .get("login", &none)
            .and_then(|(_, item)| item.as_array());
        found.extend(login.into_iter().flatten());
    }
    found
}

/// Returns the entries of an array of tables, however it is written.
pub(super) fn entries(item: Option<&Item>) -> Vec<Spot<'_>> {
    match item {
        Some(Item::ArrayOfTables(tables)) => tables.iter().map(Spot::Table).collect(),
        Some(Item::Value(Value::Array(array))) => array
            .iter()
            .filter_map(Value::as_inline_table)
            .map(Spot::Inline)
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns the length of the comment lines that a text begins with, when they close a table rather than open the next.
pub(super) fn remarks(text: &str) -> usize {
    let is_remark = |line: &&str| line.trim_start().starts_with('#');
    let length = text
        .split_inclusive('\n')
        .take_while(is_remark)
        .map(str::len)
        .sum();
    let next = text[length..].lines().next();
    if next.is_none_or(|line| line.trim().is_empty()) {
        length
    } else {
        0
    }
}

/// Returns the length of the blank lines that a text ends with.
pub(super) fn blank_before(text: &str) -> usize {
    let rest = text.trim_end_matches(['\r', '\n']);
    // The newline that ends the last line with something in it is not blank.
    let kept = text[rest.len()..].find('\n').map_or(0, |at| at + 1);
    if rest.is_empty() {
        text.len()
    } else {
        text.len() - rest.len() - kept
    }
}

pub(super) fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

/// Returns the offset behind the newline of an offset's line.
pub(super) fn line_end(text: &str, offset: usize) -> usize {
    text[offset..]
        .find('\n')
        .map_or(text.len(), |at| offset + at + 1)
}
