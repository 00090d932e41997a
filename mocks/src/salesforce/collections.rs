//! `composite/sobjects`: up to 200 records in one call, each with a result of its own.
//!
//! Source: REST API Developer Guide, "sObject Collections". Errors say `statusCode` here.

use std::collections::HashSet;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    Salesforce,
    error::{self, Outcome, Problem},
    id::Id,
    rest::Call,
    schema::{Kind, Object},
};
use crate::vendor::{Answer, Change};

const MOST_RECORDS: usize = 200;
const MOST_CHUNKS: usize = 10;
const MOST_READ: usize = 2_000;

/// What became of one record; `created` where an upsert tells.
type Saved = Outcome<(Id, Option<bool>)>;

impl Salesforce {
    /// Answers everything below `composite/sobjects`.
    pub(crate) fn collections(
        &mut self,
        call: &Call,
        path: &[&str],
        changes: &mut Vec<Change>,
    ) -> Outcome<Answer> {
        match (path, &call.method) {
            ([], &Method::POST) => {
                let (records, all) = records_of(call)?;
                Ok(
                    self.together(all, changes, &records, |this, record, changes| {
                        let object = this.type_of(record)?;
                        let fields = without(record, &["attributes"]);
                        Ok((
                            this.insert(object, &fields, call.text(), call.actor, changes)?,
                            None,
                        ))
                    }),
                )
            }
            ([], &Method::PATCH) => {
                let (records, all) = records_of(call)?;
                let mut seen = HashSet::new();
                Ok(
                    self.together(all, changes, &records, |this, record, changes| {
                        let object = this.type_of(record)?;
                        let id = id_in(record).ok_or_else(missing_id)?;
                        if !seen.insert(id) {
                            return Err(Problem::record(
                                "DUPLICATE_VALUE",
                                format!("duplicate id specified: {id}"),
                                &[],
                            )
                            .into());
                        }
                        let fields = without(record, &["attributes", "id"]);
                        this.update(object, id, &fields, call.text(), call.actor, changes)
                            .map_err(as_cross_reference)?;
                        Ok((id, None))
                    }),
                )
            }
            ([], &Method::DELETE) => self.delete_many(call, changes),
            ([], &Method::GET) => self.retrieve_many(call, None),
            ([name], &Method::GET | &Method::POST) => self.retrieve_many(call, Some(name)),
            ([name, key], &Method::PATCH) => self.upsert_many(call, name, key, changes),
            ([], _) => call
                .allow(&[Method::GET, Method::POST, Method::PATCH, Method::DELETE])
                .and_then(|()| Err(Problem::not_found().into())),
            ([_], _) => call
                .allow(&[Method::GET, Method::POST])
                .and_then(|()| Err(Problem::not_found().into())),
            ([_, _], _) => call
                .allow(&[Method::PATCH])
                .and_then(|()| Err(Problem::not_found().into())),
            _ => Err(Problem::not_found().into()),
        }
    }

    /// Does something with every record and answers a result for each. With `all`, one failure undoes everything.
    fn together(
        &mut self,
        all: bool,
        changes: &mut Vec<Change>,
        records: &[Map<String, Value>],
        mut save: impl FnMut(&mut Self, &Map<String, Value>, &mut Vec<Change>) -> Saved,
    ) -> Answer {
        let (before, reported) = (self.clone(), changes.len());
        let mut results: Vec<Saved> = records
            .iter()
            .map(|record| save(self, record, changes))
            .collect();
        if all && results.iter().any(Result::is_err) {
            *self = before;
            changes.truncate(reported);
            for result in results.iter_mut().filter(|result| result.is_ok()) {
                let message = "Record rolled back because not all records were valid and the request was using AllOrNone header";
                *result =
                    Err(Problem::record("ALL_OR_NONE_OPERATION_ROLLED_BACK", message, &[]).into());
            }
        }
        error::ok(
            StatusCode::OK,
            &results.iter().map(result).collect::<Value>(),
        )
    }

    fn type_of(&self, record: &Map<String, Value>) -> Outcome<Object> {
        let name = record
            .get("attributes")
            .and_then(|attributes| attributes.get("type"))
            .and_then(Value::as_str);
        let name = name.unwrap_or_default();
        let unknown = || {
            Problem::record(
                "INVALID_TYPE",
                format!("sObject type '{name}' is not supported."),
                &[],
            )
        };
        Ok(self.schema.find(name).ok_or_else(unknown)?)
    }

    fn upsert_many(
        &mut self,
        call: &Call,
        name: &str,
        key: &str,
        changes: &mut Vec<Change>,
    ) -> Outcome<Answer> {
        let object = self.schema.find(name).ok_or_else(Problem::not_found)?;
        let kind = self.schema.get(object);
        let place = kind
            .find(key)
            .filter(|place| kind.fields[*place].is_key())
            .ok_or_else(|| Problem::no_external_id(key))?;
        let (by_id, key) = (
            kind.fields[place].kind == Kind::Id,
            kind.fields[place].name.to_string(),
        );
        let (records, all) = records_of(call)?;
        let mut seen = HashSet::new();
        Ok(
            self.together(all, changes, &records, |this, record, changes| {
                if this.type_of(record)? != object {
                    let message = "sObject type in the record differs from the one in the address";
                    return Err(Problem::record("INVALID_TYPE", message, &[]).into());
                }
                let value = record
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(&key))
                    .map(|(_, value)| value);
                let value = value
                    .and_then(Value::as_str)
                    .map(str::trim)
                    .filter(|value| !value.is_empty());
                let fields = without(record, &["attributes", "id", &key]);
                let Some(value) = value else {
                    if by_id {
                        return Ok((
                            this.insert(object, &fields, call.text(), call.actor, changes)?,
                            Some(true),
                        ));
                    }
                    return Err(Problem::record(
                        "MISSING_ARGUMENT",
                        format!("{key} not specified"),
                        &[],
                    )
                    .into());
                };
                if !seen.insert(value.to_lowercase()) {
                    return Err(Problem::record(
                        "DUPLICATE_VALUE",
                        format!("Duplicate external id specified: {value}"),
                        &[],
                    )
                    .into());
                }
                let found = this.find_by_key(object, place, value);
                match found[..] {
                    [id] => {
                        this.update(object, id, &fields, call.text(), call.actor, changes)?;
                        Ok((id, Some(false)))
                    }
                    [] if by_id => Err(as_cross_reference(Problem::not_found().into())),
                    [] => {
                        let (id, created) = this.upsert_record(
                            object,
                            (place, value),
                            None,
                            fields,
                            call.text(),
                            (call.actor, changes),
                        )?;
                        Ok((id, Some(created)))
                    }
                    _ => {
                        let message = format!(
                            "{key}: more than one record found for external id field: {found:?}"
                        );
                        Err(Problem::record("DUPLICATE_EXTERNAL_ID", message, &[]).into())
                    }
                }
            }),
        )
    }

    fn delete_many(&mut self, call: &Call, changes: &mut Vec<Change>) -> Outcome<Answer> {
        let ids = call.parameter("ids").unwrap_or_default();
        let all = call
            .parameter("allOrNone")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let records: Vec<_> = ids
            .split(',')
            .map(|id| Map::from_iter([("id".to_owned(), json!(id.trim()))]))
            .collect();
        within(records.len(), MOST_RECORDS)?;
        Ok(
            self.together(all, changes, &records, |this, record, changes| {
                let id = id_in(record).ok_or_else(missing_id)?;
                let object = this.schema.of(id).ok_or_else(missing_id)?;
                this.delete(object, id, call.actor, changes)
                    .map_err(as_cross_reference)?;
                Ok((id, None))
            }),
        )
    }

    /// Reads records by id; what does not exist is `null` in its place.
    fn retrieve_many(&self, call: &Call, name: Option<&str>) -> Outcome<Answer> {
        let (ids, fields) = if call.method == Method::POST {
            let body = call.object()?;
            let texts = |key: &str| -> Vec<String> {
                let list = body.get(key).and_then(Value::as_array);
                list.into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            };
            (texts("ids"), texts("fields"))
        } else {
            let texts = |key: &str| -> Vec<String> {
                let list = call.parameter(key).unwrap_or_default();
                list.split(',')
                    .map(str::trim)
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned)
                    .collect()
            };
            (texts("ids"), texts("fields"))
        };
        within(ids.len(), MOST_READ)?;
        let argument =
            |name: &str| Problem::bad("MISSING_ARGUMENT", format!("{name} not specified"));
        if ids.is_empty() {
            return Err(argument("ids").into());
        }
        let first = || Id::parse(&ids[0]).and_then(|id| self.schema.of(id));
        let object = name.map_or_else(first, |name| self.schema.find(name));
        let object = object.ok_or_else(Problem::not_found)?;
        if fields.is_empty() {
            return Err(argument("fields").into());
        }
        let places = self.places(object, fields.iter().map(String::as_str))?;
        let records: Vec<Value> = ids
            .iter()
            .map(|id| Id::parse(id).and_then(|id| self.store.get(object, id)))
            .map(|record| {
                record.map_or(Value::Null, |record| {
                    self.show(call, object, record, &places)
                })
            })
            .collect();
        Ok(error::ok(StatusCode::OK, &json!(records)))
    }
}

fn result(saved: &Saved) -> Value {
    match saved {
        Ok((id, created)) => {
            let mut result = json!({"id": id.to_string(), "success": true, "errors": []});
            if let Some(created) = created {
                result["created"] = json!(created);
            }
            result
        }
        Err(problems) => {
            let errors: Vec<Value> = problems.iter().map(Problem::to_save_error).collect();
            json!({"success": false, "errors": errors})
        }
    }
}

/// Reads `{"allOrNone": …, "records": [{…}]}` and keeps the bounds.
fn records_of(call: &Call) -> Outcome<(Vec<Map<String, Value>>, bool)> {
    let body = call.object()?;
    let list = body.get("records").and_then(Value::as_array);
    let list = list.ok_or_else(|| Problem::bad("MISSING_ARGUMENT", "records not specified"))?;
    within(list.len(), MOST_RECORDS)?;
    let all = body
        .get("allOrNone")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    let records = list
        .iter()
        .map(|record| record.as_object().cloned())
        .collect::<Option<Vec<_>>>();
    let records = records.ok_or_else(|| {
        Problem::bad(
            "JSON_PARSER_ERROR",
            "Every record must be a JSON object at [line:1, column:1]",
        )
    })?;
    let types: Vec<_> = records
        .iter()
        .map(|record| {
            record
                .get("attributes")
                .and_then(|attributes| attributes.get("type"))
        })
        .collect();
    if types.chunk_by(|a, b| a == b).count() > MOST_CHUNKS {
        let message = "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking.";
        return Err(Problem::bad("LIMIT_EXCEEDED", message).into());
    }
    Ok((records, all))
}

fn within(number: usize, most: usize) -> Outcome<()> {
    if number <= most {
        return Ok(());
    }
    let message =
        format!("record limit reached. cannot submit more than {most} records into this call");
    Err(Problem::bad("EXCEEDED_ID_LIMIT", message).into())
}

fn id_in(record: &Map<String, Value>) -> Option<Id> {
    let id = record
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("id"));
    id.and_then(|(_, id)| id.as_str()).and_then(Id::parse)
}

fn missing_id() -> Problem {
    Problem::record(
        "MISSING_ARGUMENT",
        "Id not specified in an update call",
        &["Id"],
    )
}

/// Inside a collection a record that does not exist is a wrong reference, not a 404.
fn as_cross_reference(problems: Vec<Problem>) -> Vec<Problem> {
    if problems
        .iter()
        .any(|problem| problem.status == StatusCode::NOT_FOUND)
    {
        return Problem::record(
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
            &[],
        )
        .into();
    }
    problems
}

fn without(record: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let kept = record
        .iter()
        .filter(|(name, _)| !names.iter().any(|other| name.eq_ignore_ascii_case(other)));
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
