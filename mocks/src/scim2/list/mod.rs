//! Queries: filter, sort, page (RFC 7644, sections 3.4.2 and 3.4.3; cursors: RFC 9865).

mod cursor;
mod query;
mod sort;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    error::Refusal,
    filter::{Bound, Matching},
    projection::Projection,
    render::Renderer,
    schema::Kind,
    store::{Key, Row, Store},
};
use cursor::{Cursor, Position};

pub(crate) use cursor::CURSOR_SECONDS;
pub(crate) use query::Query;

/// The schema of a list answer.
pub(crate) const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// One hit: the kind, the row's number, the row.
type Hit = (Kind, u64, Arc<Row>);

/// Answers a query with the text of a list.
pub(crate) fn run(
    query: &Query,
    kinds: &[Kind],
    shown: Renderer<'_>,
    now: Timestamp,
) -> Result<Vec<u8>, Refusal> {
    let lists = &shown.personality.lists;
    let wanted = query
        .count
        .unwrap_or(i64::from(lists.default_page))
        .clamp(0, i64::from(lists.max_page));
    let wanted = usize::try_from(wanted).unwrap_or(0);
    let cursor = match query.cursor.as_deref() {
        None => None,
        Some(text) => Some(Cursor::read(text, query.digest(kinds), now)?),
    };
    let skipped = match cursor {
        None => usize::try_from(query.start_index.unwrap_or(1).max(1) - 1).unwrap_or(usize::MAX),
        Some(_) => 0,
    };
    let matching = matches(query, kinds, shown)?;
    let total = matching.as_ref().map_or_else(
        || kinds.iter().map(|kind| shown.store.len(*kind)).sum(),
        Vec::len,
    );
    let mut page: Vec<Hit> = match (matching, cursor) {
        (None, None) => rows(shown.store, kinds, Position::default())
            .skip(skipped)
            .take(wanted)
            .collect(),
        (None, Some(cursor)) => rows(shown.store, kinds, cursor.after)
            .take(wanted + 1)
            .collect(),
        (Some(hits), None) => hits.into_iter().skip(skipped).take(wanted).collect(),
        (Some(hits), Some(cursor)) if query.sort_by.is_some() => hits
            .into_iter()
            .skip(cursor.after.offset)
            .take(wanted + 1)
            .collect(),
        (Some(hits), Some(cursor)) => hits
            .into_iter()
            .filter(|hit| cursor.after.is_before(kinds, hit))
            .take(wanted + 1)
            .collect(),
    };
    let next = match cursor {
        Some(cursor) if page.len() > wanted && wanted > 0 => {
            page.truncate(wanted);
            let last = page.last().map_or(cursor.after, |hit| {
                Position::of(kinds, hit, cursor.after.offset + wanted)
            });
            Some(Cursor { after: last }.write(query.digest(kinds), now))
        }
        Some(_) => {
            page.truncate(wanted);
            None
        }
        None => None,
    };
    Ok(list_text(
        query,
        &page,
        total,
        (cursor.is_none()).then_some(skipped + 1),
        next,
        shown,
    ))
}

/// Collects what matches, sorted; `None` when everything does and nothing is sorted.
fn matches(
    query: &Query,
    kinds: &[Kind],
    shown: Renderer<'_>,
) -> Result<Option<Vec<Hit>>, Refusal> {
    if query.filter.is_none() && query.sort_by.is_none() {
        return Ok(None);
    }
    let mut hits = Vec::new();
    for kind in kinds {
        match &query.filter {
            None => hits.extend(rows(shown.store, &[*kind], Position::default())),
            Some(filter) => {
                let bound = Bound::new(filter, *kind).map_err(Refusal::invalid_filter)?;
                collect(&bound, *kind, shown, &mut hits);
            }
        }
    }
    if let Some(sort_by) = &query.sort_by {
        sort::sort(&mut hits, sort_by, query.descending, shown);
    }
    Ok(Some(hits))
}

/// Collects the rows that a filter matches; by an index where it has an equality for one.
fn collect(bound: &Bound, kind: Kind, shown: Renderer<'_>, hits: &mut Vec<Hit>) {
    let equalities = bound.equalities();
    let blind = &shown.personality.filters.blind;
    if equalities
        .iter()
        .any(|equality| blind.contains(&equality.attribute))
    {
        return;
    }
    let matching = Matching {
        exact_case: shown.personality.filters.exact_case,
    };
    let alone = matches!(bound, Bound::Test(..))
        .then(|| equalities.first())
        .flatten();
    // A lone equality on what the row has at hand, which is what most clients ask, needs no look into its text.
    let holds = |row: &Row| match alone {
        Some(asked) if asked.attribute == "id" => *row.id == *asked.value,
        Some(asked) if asked.attribute == kind.naming_attribute() => {
            *row.name == *asked.value
                || (!matching.exact_case && row.name.to_lowercase() == asked.value.to_lowercase())
        }
        _ => bound.holds(&shown.view(kind, row), matching),
    };
    let candidates = equalities.iter().find_map(|equality| {
        let key = match (equality.attribute.as_str(), kind) {
            ("id", _) => Key::Id,
            ("userName", Kind::User) => Key::UserName,
            ("externalId", _) => Key::ExternalId,
            ("displayName", _) => Key::DisplayName,
            ("members.value", Kind::Group) => {
                let ids = shown.store.groups_with(equality.value).iter();
                let mut at: Vec<u64> = ids
                    .filter_map(|id| shown.store.by_id(Kind::Group, id))
                    .map(|found| found.0)
                    .collect();
                at.sort_unstable();
                return Some(at);
            }
            _ => return None,
        };
        Some(shown.store.candidates(kind, key, equality.value).to_vec())
    });
    match candidates {
        Some(candidates) => hits.extend(candidates.into_iter().filter_map(|at| {
            let row = shown.store.row(kind, at)?;
            holds(row).then(|| (kind, at, row.clone()))
        })),
        None => hits.extend(
            shown
                .store
                .rows_after(kind, 0)
                .filter(|(_, row)| holds(row))
                .map(|(at, row)| (kind, at, row.clone())),
        ),
    }
}

/// Walks every row behind a position, kind by kind.
fn rows<'a>(
    store: &'a Store,
    kinds: &'a [Kind],
    after: Position,
) -> impl Iterator<Item = Hit> + 'a {
    kinds
        .iter()
        .enumerate()
        .skip(after.kind)
        .flat_map(move |(place, kind)| {
            let from = if place == after.kind { after.row } else { 0 };
            store
                .rows_after(*kind, from)
                .map(|(at, row)| (*kind, at, row.clone()))
        })
}

fn list_text(
    query: &Query,
    page: &[Hit],
    total: usize,
    start_index: Option<usize>,
    next: Option<String>,
    shown: Renderer<'_>,
) -> Vec<u8> {
    let mut head = Map::new();
    head.insert("schemas".to_owned(), Value::from(vec![LIST_SCHEMA]));
    head.insert("totalResults".to_owned(), total.into());
    if let Some(start_index) = start_index {
        head.insert("startIndex".to_owned(), start_index.into());
    }
    head.insert("itemsPerPage".to_owned(), page.len().into());
    head.extend(next.map(|next| ("nextCursor".to_owned(), next.into())));
    let mut out = Value::Object(head).to_string().into_bytes();
    out.pop();
    let key = if shown.personality.lists.lower_case_resources {
        "resources"
    } else {
        "Resources"
    };
    out.extend_from_slice(format!(r#","{key}":["#).as_bytes());
    for (at, (kind, _, row)) in page.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        if query.projection == Projection::Default {
            shown.write_text(*kind, row, &mut out);
        } else {
            let projected = query
                .projection
                .apply(shown.view(*kind, row), *kind, shown.store);
            out.extend_from_slice(Value::Object(projected).to_string().as_bytes());
        }
    }
    out.extend_from_slice(b"]}");
    out
}
