//! A bound query asked of the store. Equality on the id, a name, or a key goes through an index.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use jiff::{ToSpan, civil::Date};
use serde_json::{Map, Value, json};

use super::{
    bind::{Function, Operand, Output, Path, Query, Test},
    parser::Comparison,
};
use crate::salesforce::{
    Salesforce,
    id::Id,
    schema::Kind,
    store::{Cell, Record},
    time,
};

/// What a query found.
pub(crate) enum Rows {
    /// Records, to be shown with these columns.
    Records { ids: Vec<Id>, columns: Vec<Path> },
    /// Computed rows.
    Aggregates(Vec<Value>),
    /// The number alone.
    Count(usize),
}

/// What a field of a record holds, for comparing.
#[derive(Debug, Clone, PartialEq)]
enum Seen<'a> {
    Null,
    Flag(bool),
    Text(&'a str),
    Number(f64),
    Moment(i64),
    Id(Id),
}

/// Runs a query.
pub(crate) fn find(salesforce: &Salesforce, query: &Query) -> Rows {
    let mut found = matching(salesforce, query);
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let limit = query.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    if query.bare_count {
        return Rows::Count(found.len().saturating_sub(offset).min(limit));
    }
    let mut columns = Vec::new();
    for output in &query.outputs {
        if let Output::Field(path) = output {
            columns.push(path.clone());
        }
    }
    if columns.len() < query.outputs.len() || !query.group.is_empty() {
        let rows = aggregate(salesforce, query, &found);
        return Rows::Aggregates(rows.into_iter().skip(offset).take(limit).collect());
    }
    if !query.order.is_empty() {
        found.sort_by(|a, b| compare(salesforce, query, a, b));
    }
    let ids = found
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|record| record.id)
        .collect();
    Rows::Records { ids, columns }
}

/// The values one field has among the records a query finds, in the form of [`Operand::key`].
pub(crate) fn keys(salesforce: &Salesforce, query: &Query, path: &Path) -> HashSet<String> {
    let limit = query.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    matching(salesforce, query)
        .iter()
        .take(limit)
        .filter_map(|record| salesforce.seen(record, path, |seen| seen.key()))
        .collect()
}

fn matching(salesforce: &Salesforce, query: &Query) -> Vec<Arc<Record>> {
    let table = salesforce.store.table(query.object);
    let fits = |record: &&Arc<Record>| {
        query
            .test
            .as_ref()
            .is_none_or(|test| salesforce.holds(record, test))
    };
    match query
        .test
        .as_ref()
        .and_then(|test| salesforce.candidates(query, test))
    {
        Some(ids) => ids
            .iter()
            .filter_map(|id| table.get(*id))
            .filter(fits)
            .cloned()
            .collect(),
        None => table.iter().filter(fits).cloned().collect(),
    }
}

fn compare(salesforce: &Salesforce, query: &Query, a: &Record, b: &Record) -> Ordering {
    for (path, descending, nulls_last) in &query.order {
        let ordering = salesforce.seen(a, path, |a| {
            salesforce.seen(b, path, |b| {
                let nulls = (a == Seen::Null).cmp(&(b == Seen::Null));
                // The vendor puts empty values first, whichever way the rest is sorted.
                let nulls = if *nulls_last { nulls } else { nulls.reverse() };
                let values = if *descending {
                    b.order(&a)
                } else {
                    a.order(&b)
                };
                nulls.then(if nulls == Ordering::Equal {
                    values
                } else {
                    Ordering::Equal
                })
            })
        });
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    a.id.cmp(&b.id)
}

fn aggregate(salesforce: &Salesforce, query: &Query, found: &[Arc<Record>]) -> Vec<Value> {
    let mut order: Vec<Vec<Option<String>>> = Vec::new();
    let mut groups: HashMap<Vec<Option<String>>, Vec<&Arc<Record>>> = HashMap::new();
    if query.group.is_empty() {
        order.push(Vec::new());
        groups.insert(Vec::new(), Vec::new());
    }
    for record in found {
        let key: Vec<_> = query
            .group
            .iter()
            .map(|path| salesforce.seen(record, path, |seen| seen.key()))
            .collect();
        groups
            .entry(key.clone())
            .or_insert_with(|| {
                order.push(key);
                Vec::new()
            })
            .push(record);
    }
    if !query.order.is_empty() {
        order.sort_by(|a, b| match (groups[a].first(), groups[b].first()) {
            (Some(a), Some(b)) => compare(salesforce, query, a, b),
            _ => Ordering::Equal,
        });
    }
    order
        .iter()
        .map(|key| aggregate_row(salesforce, query, &groups[key]))
        .collect()
}

fn aggregate_row(salesforce: &Salesforce, query: &Query, members: &[&Arc<Record>]) -> Value {
    let mut row = Map::new();
    row.insert("attributes".to_owned(), json!({"type": "AggregateResult"}));
    for output in &query.outputs {
        match output {
            Output::Field(_) => {}
            Output::Grouped(path, name) => {
                let value = members
                    .first()
                    .map_or(Value::Null, |record| salesforce.shown(record, path));
                row.insert(name.clone(), value);
            }
            Output::Aggregate(function, path, name) => {
                row.insert(
                    name.clone(),
                    salesforce.compute(*function, path.as_ref(), members),
                );
            }
        }
    }
    Value::Object(row)
}

impl Salesforce {
    fn compute(&self, function: Function, path: Option<&Path>, members: &[&Arc<Record>]) -> Value {
        let Some(path) = path else {
            return json!(members.len());
        };
        let filled = members
            .iter()
            .filter(|record| self.seen(record, path, |seen| seen != Seen::Null));
        let by_value = |a: &&&Arc<Record>, b: &&&Arc<Record>| {
            self.seen(a, path, |a| self.seen(b, path, |b| a.order(&b)))
        };
        match function {
            Function::Count => json!(filled.count()),
            Function::CountDistinct => {
                let distinct: BTreeSet<_> = filled
                    .filter_map(|record| self.seen(record, path, |seen| seen.key()))
                    .collect();
                json!(distinct.len())
            }
            Function::Min => filled
                .min_by(by_value)
                .map_or(Value::Null, |record| self.shown(record, path)),
            Function::Max => filled
                .max_by(by_value)
                .map_or(Value::Null, |record| self.shown(record, path)),
        }
    }

    /// Follows a path to the record that holds the field.
    fn follow_path<'a>(&'a self, record: &'a Record, path: &Path) -> Option<&'a Record> {
        let mut record = record;
        for (object, place) in &path.ways {
            let id = record.get(*place)?.as_id()?;
            let target = self
                .schema
                .target(&self.schema.get(*object).fields[*place])?;
            record = self.store.get(target, id)?;
        }
        Some(record)
    }

    fn shown(&self, record: &Record, path: &Path) -> Value {
        let kind = self.schema.get(path.object);
        self.follow_path(record, path)
            .map_or(Value::Null, |record| record.to_json(kind, path.place))
    }

    fn seen<T>(&self, record: &Record, path: &Path, look: impl FnOnce(Seen<'_>) -> T) -> T {
        let Some(record) = self.follow_path(record, path) else {
            return look(Seen::Null);
        };
        let seen = match self.schema.get(path.object).fields[path.place].kind {
            Kind::Id => Seen::Id(record.id),
            Kind::Boolean => Seen::Flag(record.flag(path.place)),
            kind => match record.get(path.place) {
                None => Seen::Null,
                Some(Cell::Time(moment)) => Seen::Moment(*moment),
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "counts of this size are exact in a double"
                )]
                Some(Cell::Integer(number)) => Seen::Number(*number as f64),
                Some(Cell::Double(number)) => Seen::Number(*number),
                Some(Cell::Reference(id)) => Seen::Id(*id),
                Some(Cell::Flag(flag)) => Seen::Flag(*flag),
                Some(cell @ (Cell::Text(_) | Cell::Fixed(_))) => {
                    let text = cell.as_text().unwrap_or_default();
                    let day = if kind == Kind::Date {
                        time::parse_date(text)
                    } else {
                        None
                    };
                    day.map_or(Seen::Text(text), Seen::Moment)
                }
            },
        };
        look(seen)
    }

    fn holds(&self, record: &Record, test: &Test) -> bool {
        match test {
            Test::And(tests) => tests.iter().all(|test| self.holds(record, test)),
            Test::Or(tests) => tests.iter().any(|test| self.holds(record, test)),
            Test::Not(test) => !self.holds(record, test),
            Test::Compare(path, comparison, operand) => {
                self.seen(record, path, |seen| seen.stands(*comparison, operand))
            }
            Test::In {
                path,
                keys,
                null,
                negated,
            } => {
                let inside = self
                    .seen(record, path, |seen| seen.key())
                    .map_or(*null, |key| keys.contains(&key));
                inside != *negated
            }
        }
    }

    /// The only records a condition can hold for, when an index tells.
    fn candidates(&self, query: &Query, test: &Test) -> Option<Vec<Id>> {
        let ids = match test {
            Test::And(tests) => return tests.iter().find_map(|test| self.candidates(query, test)),
            Test::Or(tests) => {
                let mut ids = Vec::new();
                for test in tests {
                    ids.extend(self.candidates(query, test)?);
                }
                ids
            }
            Test::Compare(
                path,
                Comparison::Equal,
                operand @ (Operand::Text(_) | Operand::Id(_)),
            ) => self.listed(query, path, &operand.key())?,
            Test::In {
                path,
                keys,
                null: false,
                negated: false,
            } => {
                let mut ids = Vec::new();
                for key in keys {
                    ids.extend(self.listed(query, path, key)?);
                }
                ids
            }
            Test::Compare(..) | Test::In { .. } | Test::Not(_) => return None,
        };
        let unique: BTreeSet<Id> = ids.into_iter().collect();
        Some(unique.into_iter().collect())
    }

    fn listed(&self, query: &Query, path: &Path, key: &str) -> Option<Vec<Id>> {
        let field = &self.schema.get(query.object).fields[path.place];
        if !path.ways.is_empty() {
            return None;
        }
        match field.kind {
            Kind::Id => Some(Id::parse(key).into_iter().collect()),
            kind if kind.is_text() && field.is_indexed() => {
                Some(self.store.table(query.object).find(path.place, key))
            }
            _ => None,
        }
    }
}

impl Operand {
    /// The operand as one text, equal exactly when the values are.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Flag(flag) => flag.to_string(),
            Self::Text(text) | Self::Pattern(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Span(from, _) => from.to_string(),
            Self::Id(id) => id.short().to_owned(),
        }
    }
}

impl Seen<'_> {
    fn key(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Flag(flag) => flag.to_string(),
            Self::Text(text) => text.to_lowercase(),
            Self::Number(number) => number.to_string(),
            Self::Moment(moment) => moment.to_string(),
            Self::Id(id) => id.short().to_owned(),
        })
    }

    /// Orders two values of one field; nothing is settled between nothing and something.
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Flag(a), Self::Flag(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Moment(a), Self::Moment(b)) => a.cmp(b),
            (Self::Id(a), Self::Id(b)) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }

    fn stands(&self, comparison: Comparison, operand: &Operand) -> bool {
        let ordering = match (self, operand) {
            (Self::Null, Operand::Null) => Some(Ordering::Equal),
            (Self::Text(text), Operand::Pattern(pattern)) => {
                return like(&text.to_lowercase(), pattern);
            }
            (Self::Text(a), Operand::Text(b)) => Some(a.to_lowercase().as_str().cmp(b)),
            (Self::Flag(a), Operand::Flag(b)) => Some(a.cmp(b)),
            (Self::Number(a), Operand::Number(b)) => a.partial_cmp(b),
            (Self::Id(a), Operand::Id(b)) => Some(a.cmp(b)),
            (Self::Moment(at), Operand::Span(from, to)) => Some(if at < from {
                Ordering::Less
            } else if at >= to {
                Ordering::Greater
            } else {
                Ordering::Equal
            }),
            _ => None,
        };
        match comparison {
            Comparison::Equal => ordering == Some(Ordering::Equal),
            Comparison::Differs => ordering != Some(Ordering::Equal),
            Comparison::Below => ordering == Some(Ordering::Less),
            Comparison::Above => ordering == Some(Ordering::Greater),
            Comparison::AtMost => ordering.is_some_and(Ordering::is_le),
            Comparison::AtLeast => ordering.is_some_and(Ordering::is_ge),
            Comparison::Like => false,
        }
    }
}

/// Matches `%` (any text) and `_` (one character); a backslash makes the next character plain. Both in lower case.
fn like(text: &str, pattern: &str) -> bool {
    enum Wanted {
        Any,
        One,
        Plain(char),
    }
    let mut wanted = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        wanted.push(match character {
            '%' => Wanted::Any,
            '_' => Wanted::One,
            '\\' => Wanted::Plain(characters.next().unwrap_or('\\')),
            other => Wanted::Plain(other),
        });
    }
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut next, mut star) = (0, 0, None);
    while at < text.len() {
        match wanted.get(next) {
            Some(Wanted::Any) => {
                star = Some((next, at));
                next += 1;
            }
            Some(Wanted::One) => (at, next) = (at + 1, next + 1),
            Some(Wanted::Plain(plain)) if *plain == text[at] => (at, next) = (at + 1, next + 1),
            _ => match star {
                Some((place, from)) => {
                    star = Some((place, from + 1));
                    (at, next) = (from + 1, place + 1);
                }
                None => return false,
            },
        }
    }
    wanted[next..]
        .iter()
        .all(|rest| matches!(rest, Wanted::Any))
}

/// The span of a date literal in UTC: its first moment, and the first one behind it.
pub(crate) fn span(word: &str, days: Option<u32>, now: i64) -> Option<(i64, i64)> {
    let today = time::day_of(now);
    let days = i64::from(days.unwrap_or(90)).min(100_000);
    let add = |date: Date, days: i64| date.checked_add(days.days()).ok();
    // A week begins on Sunday in the locale of a new organization.
    let week = add(today, -i64::from(today.weekday().to_sunday_zero_offset()))?;
    let month = today.first_of_month();
    let year = today.first_of_year();
    let (first, behind) = match word {
        "TODAY" => (today, add(today, 1)?),
        "YESTERDAY" => (add(today, -1)?, today),
        "TOMORROW" => (add(today, 1)?, add(today, 2)?),
        "THIS_WEEK" => (week, add(week, 7)?),
        "LAST_WEEK" => (add(week, -7)?, week),
        "NEXT_WEEK" => (add(week, 7)?, add(week, 14)?),
        "THIS_MONTH" => (month, month.checked_add(1.month()).ok()?),
        "LAST_MONTH" => (month.checked_sub(1.month()).ok()?, month),
        "NEXT_MONTH" => (
            month.checked_add(1.month()).ok()?,
            month.checked_add(2.months()).ok()?,
        ),
        "THIS_YEAR" => (year, year.checked_add(1.year()).ok()?),
        "LAST_YEAR" => (year.checked_sub(1.year()).ok()?, year),
        "NEXT_YEAR" => (
            year.checked_add(1.year()).ok()?,
            year.checked_add(2.years()).ok()?,
        ),
        // The last days reach up to and with today, the next ones begin tomorrow.
        "LAST_90_DAYS" | "LAST_N_DAYS" => (add(today, -days)?, add(today, 1)?),
        _ => (add(today, 1)?, add(today, days + 1)?),
    };
    Some((time::start_of(first)?, time::start_of(behind)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_reference_says() {
        for (text, pattern, fits) in [
            ("kim", "k%", true),
            ("kim", "%i%", true),
            ("kim", "k_m", true),
            ("kim", "kim%%", true),
            ("kim", "k", false),
            ("kim", "_", false),
            ("100%", r"100\%", true),
            ("1000", r"100\%", false),
            ("", "%", true),
            ("aaab", "%a%ab", true),
            ("a\\b", r"a\\b", true),
        ] {
            assert_eq!(like(text, pattern), fits, "{text} like {pattern}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_matched_in_reasonable_time() {
        assert!(!like(&"a".repeat(5_000), &format!("{}b", "%a".repeat(500))));
    }

    #[test]
    fn dates_relative_to_now_have_their_span() {
        let now = time::parse("2026-11-22T10:00:00Z").unwrap(); // a Sunday
        let day = |text: &str| time::parse_date(text).unwrap();
        assert_eq!(
            span("TODAY", None, now),
            Some((day("2026-11-22"), day("2026-11-23")))
        );
        assert_eq!(
            span("THIS_WEEK", None, now),
            Some((day("2026-11-22"), day("2026-11-29")))
        );
        assert_eq!(
            span("LAST_MONTH", None, now),
            Some((day("2026-10-01"), day("2026-11-01")))
        );
        assert_eq!(
            span("LAST_N_DAYS", Some(7), now),
            Some((day("2026-11-15"), day("2026-11-23")))
        );
        assert_eq!(
            span("NEXT_N_DAYS", Some(2), now),
            Some((day("2026-11-23"), day("2026-11-25")))
        );
    }
}
