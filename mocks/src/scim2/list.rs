//! Queries: filter, sort, page (RFC 7644, sections 3.4.2 and 3.4.3; cursors: RFC 9865).

use std::{cmp::Ordering, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    error::Refusal,
    filter::{self, Bound, Comparison, Filter, Matching},
    path::AttributePath,
    personality::{Filters, Personality, Word},
    projection::Projection,
    render::Renderer,
    resource,
    schema::{Kind, Type},
    store::{Key, Row, Store, hash_of},
};

/// The schema of a list answer.
pub(crate) const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// The schema of a search request.
const SEARCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// How long a cursor lives.
pub(crate) const CURSOR_SECONDS: i64 = 3600;

/// A query, from the address or from the body of a search.
#[derive(Debug, Default)]
pub(crate) struct Query {
    filter: Option<Filter>,
    sort_by: Option<AttributePath>,
    descending: bool,
    start_index: Option<i64>,
    count: Option<i64>,
    cursor: Option<String>,
    pub(crate) projection: Projection,
}

/// The parameters as text or JSON, whichever way they came.
#[derive(Debug, Default)]
struct Raw {
    filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
    cursor: Option<String>,
    attributes: Vec<String>,
    excluded: Vec<String>,
}

impl Query {
    /// Reads a query from the pairs of an address. Names are taken in any case: Microsoft sends `startindex`.
    pub(crate) fn from_pairs(
        pairs: &[(String, String)],
        personality: &Personality,
    ) -> Result<Self, Refusal> {
        let of = |wanted: &str| {
            pairs
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.clone())
        };
        let names = |wanted: &str| {
            of(wanted)
                .map(|list| split_names(&list))
                .unwrap_or_default()
        };
        Self::new(
            Raw {
                filter: of("filter"),
                sort_by: of("sortBy"),
                sort_order: of("sortOrder"),
                start_index: of("startIndex"),
                count: of("count"),
                cursor: of("cursor"),
                attributes: names("attributes"),
                excluded: names("excludedAttributes"),
            },
            personality,
        )
    }

    /// Reads a query from the body of a POST to `.search` (RFC 7644, section 3.4.3).
    pub(crate) fn from_body(body: &Value, personality: &Personality) -> Result<Self, Refusal> {
        let Value::Object(body) = body else {
            return Err(Refusal::invalid_syntax(
                "A search request must be an object.",
            ));
        };
        resource::check_schemas(body, &[SEARCH_SCHEMA], &[], personality)?;
        let text = |name: &str| match resource::get(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(Refusal::invalid_syntax(format!(
                "'{name}' has the wrong type."
            ))),
        };
        let names = |name: &str| match resource::get(body, name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()),
            Some(Value::String(list)) => Ok(split_names(list)),
            Some(_) => Err(Refusal::invalid_syntax(format!("'{name}' must be a list."))),
        };
        Self::new(
            Raw {
                filter: text("filter")?,
                sort_by: text("sortBy")?,
                sort_order: text("sortOrder")?,
                start_index: text("startIndex")?,
                count: text("count")?,
                cursor: text("cursor")?,
                attributes: names("attributes")?,
                excluded: names("excludedAttributes")?,
            },
            personality,
        )
    }

    fn new(raw: Raw, personality: &Personality) -> Result<Self, Refusal> {
        let filter = match raw.filter.filter(|text| !text.trim().is_empty()) {
            None => None,
            Some(text) => {
                let refuse = |reason: String| {
                    Refusal::invalid_filter(format!("The filter is not valid: {reason}."))
                };
                let filter = filter::parse(&text, personality.filters.unquoted).map_err(refuse)?;
                check_dialect(&filter, &personality.filters).map_err(refuse)?;
                Some(filter)
            }
        };
        let sort_by = match raw.sort_by.filter(|name| !name.is_empty()) {
            None => None,
            Some(_) if !personality.features.sort => {
                return Err(Refusal::new(
                    http::StatusCode::NOT_IMPLEMENTED,
                    "Sorting is not supported.",
                ));
            }
            Some(name) => Some(AttributePath::parse(&name).ok_or_else(|| {
                Refusal::invalid_value(format!("'{name}' is no attribute to sort by."))
            })?),
        };
        let descending = match raw.sort_order.as_deref() {
            None | Some("") => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => {
                return Err(Refusal::invalid_value(
                    "'sortOrder' must be ascending or descending.",
                ));
            }
        };
        if raw.cursor.is_some() && !personality.lists.cursor {
            return Err(Refusal::paging(
                "invalidCursor",
                "Cursor paging is not supported.",
            ));
        }
        if raw.cursor.is_some() && raw.start_index.is_some() {
            return Err(Refusal::invalid_value(
                "Either 'cursor' or 'startIndex' may be given, not both.",
            ));
        }
        let with_cursor = raw.cursor.is_some();
        let number = |name: &str, text: Option<String>| match text.filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => text.trim().parse::<i64>().map(Some).map_err(|_| {
                let detail = format!("'{name}' must be a whole number.");
                if with_cursor {
                    Refusal::paging("invalidCount", detail)
                } else {
                    Refusal::invalid_value(detail)
                }
            }),
        };
        let count = number("count", raw.count)?;
        if count == Some(0) && !personality.lists.zero_count {
            return Err(Refusal::invalid_value("'count' must be at least 1."));
        }
        Ok(Self {
            filter,
            sort_by,
            descending,
            start_index: number("startIndex", raw.start_index)?,
            count,
            cursor: raw.cursor,
            projection: Projection::new(&raw.attributes, &raw.excluded)?,
        })
    }

    /// Identifies the query, so that a cursor is used with the query that made it.
    fn digest(&self, kinds: &[Kind]) -> u64 {
        hash_of(
            format!(
                "{kinds:?} {:?} {:?} {}",
                self.filter, self.sort_by, self.descending
            )
            .as_bytes(),
        )
    }
}

fn split_names(list: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Refuses what a personality's filters do not have.
fn check_dialect(filter: &Filter, rules: &Filters) -> Result<(), String> {
    let word = |word: Word, text: &str| {
        if rules.words.contains(&word) {
            Ok(())
        } else {
            Err(format!("'{text}' is not supported"))
        }
    };
    let operator = |operator: filter::Operator| {
        if rules.operators.contains(&operator) {
            Ok(())
        } else {
            Err(format!("'{}' is not supported", operator.word()))
        }
    };
    match filter {
        Filter::Present(_) => word(Word::Pr, "pr"),
        Filter::Test(_, used, _) => operator(*used),
        Filter::Values { inner, behind, .. } => {
            if !rules.value_paths {
                return Err("value paths are not supported".to_owned());
            }
            match behind {
                None => {}
                Some((_, Comparison::Present)) => word(Word::Pr, "pr")?,
                Some((_, Comparison::Test(used, _))) => operator(*used)?,
            }
            check_dialect(inner, rules)
        }
        Filter::And(parts) => {
            word(Word::And, "and")?;
            parts.iter().try_for_each(|part| check_dialect(part, rules))
        }
        Filter::Or(parts) => {
            word(Word::Or, "or")?;
            parts.iter().try_for_each(|part| check_dialect(part, rules))
        }
        Filter::Not(inner) => {
            word(Word::Not, "not")?;
            check_dialect(inner, rules)
        }
    }
}

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
        sort(&mut hits, sort_by, query.descending, shown);
    }
    Ok(Some(hits))
}

/// Collects the rows that a filter matches; by an index where it has an equality for one.
fn collect(bound: &Bound, kind: Kind, shown: Renderer<'_>, hits: &mut Vec<Hit>) {
    let equalities = bound.equalities();
    let blind = &shown.personality.filters.blind;
    if equalities
        .iter()
        .any(|equality| blind.iter().any(|name| *name == equality.attribute))
    {
        return;
    }
    let matching = Matching {
        exact_case: shown.personality.filters.exact_case,
    };
    let holds = |row: &Row| bound.holds(&shown.view(kind, row), matching);
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

/// Sorts by an attribute (RFC 7644, section 3.4.2.3): the primary or first value counts, nothing comes last.
fn sort(hits: &mut Vec<Hit>, by: &AttributePath, descending: bool, shown: Renderer<'_>) {
    let mut keyed: Vec<(Option<SortKey>, Hit)> = std::mem::take(hits)
        .into_iter()
        .map(|hit| (sort_key(&shown.view(hit.0, &hit.2), by, hit.0), hit))
        .collect();
    keyed.sort_by(|(left, _), (right, _)| {
        let order = match (left, right) {
            (Some(left), Some(right)) => left.partial_cmp(right).unwrap_or(Ordering::Equal),
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
        };
        if descending { order.reverse() } else { order }
    });
    hits.extend(keyed.into_iter().map(|(_, hit)| hit));
}

#[derive(Debug, PartialEq, PartialOrd)]
enum SortKey {
    Flag(bool),
    Number(f64),
    Time(Timestamp),
    Text(String),
}

fn sort_key(view: &Map<String, Value>, by: &AttributePath, kind: Kind) -> Option<SortKey> {
    let target = by.resolve(kind)?;
    let leaf = target.leaf()?;
    let holder = match target.extension {
        None => view,
        Some(schema) => view.get(schema.id)?.as_object()?,
    };
    let value = match holder.get(target.attribute?.name)? {
        Value::Array(items) => {
            let primary = items
                .iter()
                .find(|item| item.get("primary") == Some(&Value::Bool(true)));
            primary.or_else(|| items.first())?
        }
        one => one,
    };
    let value = match value {
        Value::Object(object) => object.get(leaf.name)?,
        other => other,
    };
    Some(match value {
        Value::Bool(flag) => SortKey::Flag(*flag),
        Value::Number(number) => SortKey::Number(number.as_f64()?),
        Value::String(text) if leaf.kind == Type::DateTime => SortKey::Time(text.parse().ok()?),
        Value::String(text) if leaf.case_exact => SortKey::Text(text.clone()),
        Value::String(text) => SortKey::Text(text.to_lowercase()),
        _ => return None,
    })
}

/// Where a page begins: behind this row, or, in a sorted list, at this offset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Position {
    kind: usize,
    row: u64,
    offset: usize,
}

impl Position {
    fn of(kinds: &[Kind], (kind, row, _): &Hit, offset: usize) -> Self {
        Self {
            kind: kinds.iter().position(|other| other == kind).unwrap_or(0),
            row: *row,
            offset,
        }
    }

    fn is_before(self, kinds: &[Kind], hit: &Hit) -> bool {
        let other = Self::of(kinds, hit, 0);
        (self.kind, self.row) < (other.kind, other.row)
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

/// A place in a list, as text that says nothing to a client.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    after: Position,
}

impl Cursor {
    fn write(self, digest: u64, now: Timestamp) -> String {
        let Position { kind, row, offset } = self.after;
        BASE64_URL_SAFE_NO_PAD.encode(format!(
            "{kind} {row} {offset} {digest} {}",
            now.as_second()
        ))
    }

    /// Reads a cursor; the empty one begins (RFC 9865, section 2).
    fn read(text: &str, digest: u64, now: Timestamp) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Ok(Self {
                after: Position::default(),
            });
        }
        let parsed = Self::parse(text)
            .ok_or_else(|| Refusal::paging("invalidCursor", "The cursor is not valid."))?;
        let (cursor, of, made) = parsed;
        if of != digest {
            return Err(Refusal::paging(
                "invalidCursor",
                "The cursor belongs to another query.",
            ));
        }
        if now.as_second().saturating_sub(made) > CURSOR_SECONDS {
            return Err(Refusal::paging("expiredCursor", "The cursor has expired."));
        }
        Ok(cursor)
    }

    fn parse(text: &str) -> Option<(Self, u64, i64)> {
        let decoded = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = decoded.split(' ');
        let after = Position {
            kind: parts.next()?.parse().ok()?,
            row: parts.next()?.parse().ok()?,
            offset: parts.next()?.parse().ok()?,
        };
        let (digest, made) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        parts
            .next()
            .is_none()
            .then_some((Self { after }, digest, made))
    }
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
