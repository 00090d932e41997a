//! `query` and `queryAll`: the pages of a result, and the cursors behind them.
//!
//! Source: REST API Developer Guide, "Query", "Query Options Header"; a user may have ten cursors open.

use std::sync::Arc;

use http::{Method, StatusCode};
use imbl::OrdMap;
use serde_json::{Map, Value, json};

use super::{
    Salesforce,
    error::{self, Outcome, Problem},
    id::Id,
    rest::Call,
    schema::Object,
    soql::{self, Path, Rows},
    store::Record,
};
use crate::vendor::Answer;

/// How many cursors one user may have open; the oldest gives way.
const CURSORS: usize = 10;
/// How long a cursor is good, in milliseconds: two days.
const LIFETIME: i64 = 2 * 24 * 60 * 60 * 1000;
const SMALLEST_PAGE: usize = 200;
const LARGEST_PAGE: usize = 2_000;

/// Open cursors, by the id that stands in their locator.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cursors {
    open: OrdMap<Id, Arc<Cursor>>,
    serial: u64,
}

impl Cursors {
    /// Keeps a cursor and names it; the oldest of its owner gives way.
    fn keep(&mut self, cursor: Arc<Cursor>) -> Id {
        self.serial += 1;
        let (id, owner) = (Id::new("01g", self.serial), cursor.owner);
        self.open.insert(id, cursor);
        let of_owner: Vec<Id> = self
            .open
            .iter()
            .filter(|(_, other)| other.owner == owner)
            .map(|(id, _)| *id)
            .collect();
        for oldest in &of_owner[..of_owner.len().saturating_sub(CURSORS)] {
            self.open.remove(oldest);
        }
        id
    }
}

/// The rest of a result.
#[derive(Debug)]
pub(crate) struct Cursor {
    owner: Id,
    opened: i64,
    object: Object,
    columns: Vec<Path>,
    ids: Vec<Id>,
    page: usize,
}

impl Salesforce {
    /// `GET query?q=…`
    pub(crate) fn query(&mut self, call: &Call) -> Outcome<Answer> {
        call.allow(&[Method::GET])?;
        if call.parameter("explain").is_some() {
            return Err(Problem::not_offered("Query explain").into());
        }
        let text = call.parameter("q").filter(|text| !text.trim().is_empty());
        let text = text
            .ok_or_else(|| Problem::bad("MALFORMED_QUERY", "A query string has to be specified"))?;
        let select = soql::parse(text)?;
        let query = soql::bind(self, text, &select, call.actor.now)?;
        let described = call.parameter("columns");
        if described.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(error::ok(StatusCode::OK, &self.columns(&query)));
        }
        let body = match soql::find(self, &query) {
            Rows::Count(number) => json!({"totalSize": number, "done": true, "records": []}),
            Rows::Aggregates(rows) => {
                json!({"totalSize": rows.len(), "done": true, "records": rows})
            }
            Rows::Records { ids, columns } => {
                let cursor = Cursor {
                    owner: call.actor.user,
                    opened: call.actor.now,
                    object: query.object,
                    columns,
                    ids,
                    page: page_size(call),
                };
                let cursor = Arc::new(cursor);
                let more = cursor.ids.len() > cursor.page;
                let id = more.then(|| self.cursors.keep(Arc::clone(&cursor)));
                self.page(call, &cursor, id, 0)
            }
        };
        Ok(error::ok(StatusCode::OK, &body))
    }

    /// `GET query/<locator>`
    pub(crate) fn query_more(&mut self, call: &Call, locator: &str) -> Outcome<Answer> {
        call.allow(&[Method::GET])?;
        let wrong = || Problem::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
        let (id, start) = locator.split_once('-').ok_or_else(wrong)?;
        let (id, start) = (
            Id::parse(id).ok_or_else(wrong)?,
            start.parse::<usize>().map_err(|_| wrong())?,
        );
        let cursor = self.cursors.open.get(&id).cloned().ok_or_else(wrong)?;
        let good = cursor.owner == call.actor.user
            && call.actor.now < cursor.opened + LIFETIME
            && start < cursor.ids.len();
        if !good {
            return Err(wrong().into());
        }
        Ok(error::ok(
            StatusCode::OK,
            &self.page(call, &cursor, Some(id), start),
        ))
    }

    fn page(&self, call: &Call, cursor: &Cursor, id: Option<Id>, start: usize) -> Value {
        let end = (start + cursor.page).min(cursor.ids.len());
        let found = cursor.ids[start..end]
            .iter()
            .filter_map(|id| self.store.get(cursor.object, *id));
        let records: Vec<Value> = found.map(|record| self.row(call, cursor, record)).collect();
        let mut body = json!({"totalSize": cursor.ids.len(), "done": end == cursor.ids.len()});
        if let Some(id) = id.filter(|_| end < cursor.ids.len()) {
            body["nextRecordsUrl"] = json!(format!("{}/query/{id}-{end}", call.root()));
        }
        body["records"] = json!(records);
        body
    }

    fn row(&self, call: &Call, cursor: &Cursor, record: &Record) -> Value {
        let mut row = self.attributes(call, cursor.object, record);
        for path in &cursor.columns {
            self.put_column(call, &mut row, record, path, &path.ways);
        }
        Value::Object(row)
    }

    fn attributes(&self, call: &Call, object: Object, record: &Record) -> Map<String, Value> {
        let attributes =
            json!({"type": self.schema.get(object).name, "url": self.url(call, object, record.id)});
        Map::from_iter([("attributes".to_owned(), attributes)])
    }

    /// Puts one column in its place; at most as deep as a path may be (five).
    fn put_column(
        &self,
        call: &Call,
        row: &mut Map<String, Value>,
        record: &Record,
        path: &Path,
        ways: &[(Object, usize)],
    ) {
        let Some(((object, way), rest)) = ways.split_first() else {
            let kind = self.schema.get(path.object);
            row.insert(
                kind.fields[path.place].name.to_string(),
                record.to_json(kind, path.place),
            );
            return;
        };
        let field = &self.schema.get(*object).fields[*way];
        let Some((_, name)) = field.refers else {
            return;
        };
        let target = self
            .schema
            .target(field)
            .and_then(|target| Some((target, self.store.get(target, record.get(*way)?.as_id()?)?)));
        let Some((target, next)) = target else {
            row.insert(name.to_owned(), Value::Null);
            return;
        };
        let nested = row
            .entry(name)
            .or_insert_with(|| Value::Object(self.attributes(call, target, next)));
        if let Value::Object(nested) = nested {
            self.put_column(call, nested, next, path, rest);
        }
    }
}

/// Reads `Sforce-Query-Options: batchSize=200`; a hint, kept between the vendor's bounds.
fn page_size(call: &Call) -> usize {
    let options = call
        .headers
        .get("sforce-query-options")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let size = options
        .split([',', ';'])
        .filter_map(|option| option.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("batchSize"))
        .and_then(|(_, size)| size.trim().parse::<usize>().ok());
    size.unwrap_or(LARGEST_PAGE)
        .clamp(SMALLEST_PAGE, LARGEST_PAGE)
}
