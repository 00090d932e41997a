//! The tree bound to the schema: names become fields, literals become operands of the field's type.

use std::collections::HashSet;

use super::{
    located, malformed,
    parser::{Column, Comparison, Condition, Literal, Name, Select},
};
use crate::salesforce::{
    Salesforce,
    error::Problem,
    id::Id,
    schema::{Kind, Object, ObjectType},
    time,
};

/// The way from a record to a field, over references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// The reference fields on the way, each with the object it lives in.
    pub(crate) ways: Vec<(Object, usize)>,
    pub(crate) object: Object,
    pub(crate) place: usize,
}

/// What an aggregate computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Count,
    CountDistinct,
    Min,
    Max,
}

impl Function {
    /// The function's name in the language.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::CountDistinct => "COUNT_DISTINCT",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }
}

/// One column of the answer.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    Field(Path),
    /// A field of a grouped answer, under the name it has there.
    Grouped(Path, String),
    Aggregate(Function, Option<Path>, String),
}

/// What a field is held against.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Null,
    Flag(bool),
    /// In lower case.
    Text(String),
    /// In lower case, `%`, `_` and backslash escapes as written.
    Pattern(String),
    Number(f64),
    /// From the first moment up to, but without, the second.
    Span(i64, i64),
    Id(Id),
}

/// A condition that can be asked of a record.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Compare(Path, Comparison, Operand),
    /// The values in the form of `eval::key`.
    In {
        path: Path,
        keys: HashSet<String>,
        null: bool,
        negated: bool,
    },
}

/// A query that is ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) object: Object,
    pub(crate) outputs: Vec<Output>,
    /// `SELECT COUNT()`: the number stands beside an empty list.
    pub(crate) bare_count: bool,
    pub(crate) test: Option<Test>,
    pub(crate) group: Vec<Path>,
    pub(crate) order: Vec<(Path, bool, bool)>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: u64,
}

/// Binds a query; `now` is what relative dates go by, in milliseconds since 1970.
pub(crate) fn bind(
    salesforce: &Salesforce,
    text: &str,
    select: &Select,
    now: i64,
) -> Result<Query, Problem> {
    let name = select.from.parts.join(".");
    let object = salesforce.schema.find(&name).ok_or_else(|| {
        let message = format!(
            "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
        );
        located("INVALID_TYPE", text, select.from.at, &message)
    })?;
    Binder {
        salesforce,
        text,
        object,
        alias: select.alias.as_deref(),
        now,
    }
    .query(select)
}

struct Binder<'a> {
    salesforce: &'a Salesforce,
    text: &'a str,
    object: Object,
    alias: Option<&'a str>,
    now: i64,
}

impl Binder<'_> {
    fn kind(&self, object: Object) -> &ObjectType {
        self.salesforce.schema.get(object)
    }

    fn query(&self, select: &Select) -> Result<Query, Problem> {
        let group = select
            .group
            .iter()
            .map(|name| self.path(name))
            .collect::<Result<Vec<_>, _>>()?;
        let bare_count = matches!(&select.columns[..], [Column::Call { function, argument: None, alias: None, .. }] if function == "COUNT");
        let mut outputs = Vec::new();
        if !bare_count {
            for column in &select.columns {
                self.column(column, select, &group, &mut outputs)?;
            }
        }
        let aggregated = !group.is_empty()
            || outputs
                .iter()
                .any(|output| matches!(output, Output::Aggregate(..)));
        let plain = outputs.iter().find_map(|output| match output {
            Output::Field(path) => Some(path),
            Output::Grouped(..) | Output::Aggregate(..) => None,
        });
        if let Some(path) = plain.filter(|_| aggregated) {
            let message = format!(
                "Field must be grouped or aggregated: {}",
                self.kind(path.object).fields[path.place].name
            );
            return Err(malformed(self.text, 0, &message));
        }
        let mut order = Vec::new();
        for key in &select.order {
            let path = self.path(&key.name)?;
            if matches!(self.field_kind(&path), Kind::Address | Kind::TextArea) {
                let message = format!(
                    "field '{}' can not be sorted in a query call",
                    key.name.parts.join(".")
                );
                return Err(malformed(self.text, key.name.at, &message));
            }
            order.push((path, key.descending, key.nulls_last));
        }
        let offset = select.offset.unwrap_or_default();
        if offset > 2000 {
            return Err(Problem::bad(
                "NUMBER_OUTSIDE_VALID_RANGE",
                "Maximum SOQL offset allowed is 2000",
            ));
        }
        let test = select
            .condition
            .as_ref()
            .map(|condition| self.test(condition))
            .transpose()?;
        Ok(Query {
            object: self.object,
            outputs,
            bare_count,
            test,
            group,
            order,
            limit: select.limit,
            offset,
        })
    }

    fn column(
        &self,
        column: &Column,
        select: &Select,
        group: &[Path],
        outputs: &mut Vec<Output>,
    ) -> Result<(), Problem> {
        match column {
            Column::Field(name) => {
                let path = self.path(name)?;
                if group.contains(&path) {
                    let shown = self.kind(path.object).fields[path.place].name.to_string();
                    outputs.push(Output::Grouped(path, shown));
                    return Ok(());
                }
                if outputs
                    .iter()
                    .any(|output| matches!(output, Output::Field(other) if *other == path))
                {
                    let message = format!("duplicate field selected: {}", name.parts.join("."));
                    return Err(located("INVALID_FIELD", self.text, name.at, &message));
                }
                outputs.push(Output::Field(path));
            }
            Column::Fields { which, at } => {
                let custom = match which.as_str() {
                    "ALL" => None,
                    "STANDARD" => Some(false),
                    "CUSTOM" => Some(true),
                    other => {
                        return Err(malformed(
                            self.text,
                            *at,
                            &format!("unexpected token: '{other}'"),
                        ));
                    }
                };
                if custom != Some(false) && select.limit.is_none_or(|limit| limit > 200) {
                    return Err(malformed(
                        self.text,
                        *at,
                        "The SOQL FIELDS function must have a LIMIT of at most 200",
                    ));
                }
                let fields = self.kind(self.object).fields.iter().enumerate();
                let wanted = fields
                    .filter(|(_, field)| custom.is_none_or(|custom| field.is_custom() == custom));
                outputs.extend(wanted.map(|(place, _)| {
                    Output::Field(Path {
                        ways: Vec::new(),
                        object: self.object,
                        place,
                    })
                }));
            }
            Column::Call {
                function,
                argument,
                alias,
                at,
            } => {
                let function = match (function.as_str(), argument) {
                    ("COUNT", _) => Function::Count,
                    ("COUNT_DISTINCT", Some(_)) => Function::CountDistinct,
                    ("MIN", Some(_)) => Function::Min,
                    ("MAX", Some(_)) => Function::Max,
                    (other, _) => {
                        return Err(malformed(
                            self.text,
                            *at,
                            &format!("unexpected token: '{other}'"),
                        ));
                    }
                };
                let path = argument.as_ref().map(|name| self.path(name)).transpose()?;
                let named = outputs
                    .iter()
                    .filter(|output| matches!(output, Output::Aggregate(..)))
                    .count();
                outputs.push(Output::Aggregate(
                    function,
                    path,
                    alias.clone().unwrap_or_else(|| format!("expr{named}")),
                ));
            }
        }
        Ok(())
    }

    fn path(&self, name: &Name) -> Result<Path, Problem> {
        let mut parts = &name.parts[..];
        let own = |part: &str| {
            self.alias
                .is_some_and(|alias| alias.eq_ignore_ascii_case(part))
                || part.eq_ignore_ascii_case(self.kind(self.object).name)
        };
        if parts.len() > 1 && own(&parts[0]) {
            parts = &parts[1..];
        }
        let (last, ways) = parts.split_last().expect("a name has at least one part");
        let mut object = self.object;
        let mut followed = Vec::new();
        for way in ways {
            let kind = self.kind(object);
            let next = kind.find_way(way).and_then(|place| {
                Some((place, self.salesforce.schema.target(&kind.fields[place])?))
            });
            let (place, target) = next.ok_or_else(|| {
                let message = format!(
                    "Didn't understand relationship '{way}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."
                );
                located("INVALID_FIELD", self.text, name.at, &message)
            })?;
            followed.push((object, place));
            object = target;
        }
        if followed.len() > 5 {
            return Err(malformed(
                self.text,
                name.at,
                "SOQL queries can follow up to five relationships",
            ));
        }
        let place = self.kind(object).find(last).ok_or_else(|| {
            let message = format!(
                "No such column '{last}' on entity '{}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
                self.kind(object).name
            );
            located("INVALID_FIELD", self.text, name.at, &message)
        })?;
        Ok(Path {
            ways: followed,
            object,
            place,
        })
    }

    fn field_kind(&self, path: &Path) -> Kind {
        self.kind(path.object).fields[path.place].kind
    }

    fn test(&self, condition: &Condition) -> Result<Test, Problem> {
        let all = |conditions: &[Condition]| {
            conditions
                .iter()
                .map(|condition| self.test(condition))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            Condition::And(conditions) => Test::And(all(conditions)?),
            Condition::Or(conditions) => Test::Or(all(conditions)?),
            Condition::Not(inner) => Test::Not(Box::new(self.test(inner)?)),
            Condition::Compare {
                left,
                comparison,
                right,
                at,
            } => {
                let path = self.filterable(left)?;
                let operand = self.operand(left, &path, *comparison, right, *at)?;
                Test::Compare(path, *comparison, operand)
            }
            Condition::In {
                left,
                values,
                negated,
            } => {
                let path = self.filterable(left)?;
                let (mut keys, mut null) = (HashSet::new(), false);
                for (value, at) in values {
                    match self.operand(left, &path, Comparison::Equal, value, *at)? {
                        Operand::Null => null = true,
                        operand => drop(keys.insert(operand.key())),
                    }
                }
                Test::In {
                    path,
                    keys,
                    null,
                    negated: *negated,
                }
            }
            Condition::InQuery {
                left,
                query,
                negated,
            } => {
                let path = self.filterable(left)?;
                let inner = bind(self.salesforce, self.text, query, self.now)?;
                let [Output::Field(selected)] = &inner.outputs[..] else {
                    return Err(malformed(
                        self.text,
                        query.from.at,
                        "A semi join sub-select must select exactly one field",
                    ));
                };
                let linked = |path| matches!(self.field_kind(path), Kind::Id | Kind::Reference);
                if !linked(&path) || !linked(selected) {
                    return Err(malformed(
                        self.text,
                        left.at,
                        "Semi join sub-selects can only query id fields, use of others is not permitted",
                    ));
                }
                let keys = super::eval::keys(self.salesforce, &inner, selected);
                Test::In {
                    path,
                    keys,
                    null: false,
                    negated: *negated,
                }
            }
        })
    }

    fn filterable(&self, name: &Name) -> Result<Path, Problem> {
        let path = self.path(name)?;
        if matches!(self.field_kind(&path), Kind::TextArea | Kind::Address) {
            let message = format!(
                "field '{}' can not be filtered in a query call",
                name.parts.join(".")
            );
            return Err(located("INVALID_FIELD", self.text, name.at, &message));
        }
        Ok(path)
    }

    fn operand(
        &self,
        name: &Name,
        path: &Path,
        comparison: Comparison,
        literal: &Literal,
        at: usize,
    ) -> Result<Operand, Problem> {
        let kind = self.field_kind(path);
        let shown = name.parts.join(".");
        let operator = |message: &str| {
            Err(located(
                "INVALID_QUERY_FILTER_OPERATOR",
                self.text,
                name.at,
                message,
            ))
        };
        if comparison == Comparison::Like
            && (!kind.is_text() || matches!(kind, Kind::Id | Kind::Reference))
        {
            return operator(&format!("invalid operator on {} field", kind.word()));
        }
        if kind == Kind::Boolean && !matches!(comparison, Comparison::Equal | Comparison::Differs) {
            return operator("invalid operator on boolean field");
        }
        Ok(match (kind, literal) {
            (Kind::Boolean, Literal::Null) => Operand::Flag(false),
            (_, Literal::Null) => Operand::Null,
            (Kind::Id | Kind::Reference, Literal::Text { value, .. }) => match Id::parse(value) {
                Some(id) => Operand::Id(id),
                None if value.is_empty() => Operand::Null,
                None => {
                    return Err(located(
                        "INVALID_QUERY_FILTER_OPERATOR",
                        self.text,
                        at,
                        &format!("invalid ID field: {value}"),
                    ));
                }
            },
            (kind, Literal::Text { value, pattern }) if kind.is_text() => match comparison {
                Comparison::Like => Operand::Pattern(pattern.to_lowercase()),
                _ if value.is_empty() => Operand::Null,
                _ => Operand::Text(value.to_lowercase()),
            },
            (Kind::Boolean, Literal::Flag(flag)) => Operand::Flag(*flag),
            (Kind::Integer | Kind::Double, Literal::Number(number)) => Operand::Number(*number),
            (Kind::DateTime, Literal::Moment(text)) => match time::parse(text) {
                Some(moment) => Operand::Span(moment, moment.saturating_add(1)),
                None => return Err(self.wrong_type(&shown, kind, at)),
            },
            (Kind::Date, Literal::Moment(text)) => match time::parse_date(text) {
                Some(day) => Operand::Span(day, day.saturating_add(1)),
                None => return Err(self.wrong_type(&shown, kind, at)),
            },
            (Kind::Date | Kind::DateTime, Literal::Relative(word, days)) => {
                let span = super::eval::span(word, *days, self.now);
                let (from, to) =
                    span.ok_or_else(|| malformed(self.text, at, "The date is out of range"))?;
                Operand::Span(from, to)
            }
            _ => return Err(self.wrong_type(&shown, kind, at)),
        })
    }

    fn wrong_type(&self, name: &str, kind: Kind, at: usize) -> Problem {
        let (word, quotes) = match kind {
            kind if kind.is_text() => (
                if matches!(kind, Kind::Id | Kind::Reference) {
                    "ID"
                } else {
                    "string"
                },
                "should be enclosed in quotes",
            ),
            Kind::DateTime => ("dateTime", "should not be enclosed in quotes"),
            kind => (kind.word(), "should not be enclosed in quotes"),
        };
        let message = format!(
            "value of filter criterion for field '{name}' must be of type {word} and {quotes}"
        );
        located("INVALID_FIELD", self.text, at, &message)
    }
}
