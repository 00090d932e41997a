//! Reads a query, from the address or from the body of a search, and refuses what the personality does not do.

use serde_json::Value;

use crate::scim2::{
    error::Refusal,
    filter::{self, Comparison, Filter},
    path::AttributePath,
    personality::{Filters, Personality, Word},
    projection::Projection,
    resource,
    schema::Kind,
    store::hash_of,
};

/// The schema of a search request.
const SEARCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// A query, from the address or from the body of a search.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(super) filter: Option<Filter>,
    pub(super) sort_by: Option<AttributePath>,
    pub(super) descending: bool,
    pub(super) start_index: Option<i64>,
    pub(super) count: Option<i64>,
    pub(super) cursor: Option<String>,
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
    pub(super) fn digest(&self, kinds: &[Kind]) -> u64 {
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
