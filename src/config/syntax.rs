//! Where the file is no TOML: each mistake once, not everything that follows from it.

use std::ops::Range;

use toml::de::{DeTable, Error};

use crate::finding::Problem;

/// Says what is wrong, at most once a line.
///
/// One bracket that is not closed makes nonsense of the whole rest, so each table is looked at alone, from its header to
/// the next one. What only shows in the whole file (a table that is defined twice) is told when nothing else is.
pub(crate) fn errors(text: &str, broken: &[Error]) -> Vec<Problem> {
    let touched = |table: &Range<usize>| {
        let starts = broken.iter().filter_map(|error| Some(error.span()?.start));
        starts
            .into_iter()
            .any(|start| table.contains(&start) || start == table.end)
    };
    let mut found = Vec::new();
    for table in tables(text).into_iter().filter(touched) {
        let (_, own) = DeTable::parse_recoverable(&text[table.clone()]);
        found.extend(own.iter().map(|error| {
            let span = error.span().unwrap_or_default();
            problem(error, span.start + table.start..span.end + table.start)
        }));
    }
    if found.is_empty() {
        found.extend(
            broken
                .iter()
                .map(|error| problem(error, error.span().unwrap_or_default())),
        );
    }
    found.sort_by_key(|problem| problem.span.start);
    found.dedup_by_key(|problem| {
        text[..text.floor_char_boundary(problem.span.start)]
            .matches('\n')
            .count()
    });
    found
}

/// Cuts the text before every line that begins like a header.
fn tables(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at > 0 && line.trim_start().starts_with('[') {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(start, end)| start..end)
        .collect()
}

fn problem(error: &Error, span: Range<usize>) -> Problem {
    let message = error.message().trim().replace('\n', ", ");
    if message.contains("duplicate key") {
        return Problem::error(
            "duplicate",
            span,
            "this key is set twice in one table",
            "keep one of the two",
        );
    }
    Problem::error(
        "syntax",
        span,
        format!("this is no TOML: {message}"),
        "correct the line; a text stands in quotes, and every bracket is closed",
    )
}
