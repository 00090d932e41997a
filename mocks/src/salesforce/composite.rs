//! `composite`, `composite/batch`, `composite/tree`: several calls in one, the first with references between them.
//!
//! Source: REST API Developer Guide, "Composite", "Composite Batch", "sObject Tree".

use std::{borrow::Cow, collections::HashMap};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{
    Salesforce,
    error::{self, Outcome, Problem},
    rest::{Call, version_of},
};
use crate::vendor::{Answer, Change};

const MOST_PARTS: usize = 25;
const MOST_RECORDS: usize = 200;
const ROLLED_BACK: &str =
    "The transaction was rolled back since another operation in the same transaction failed.";

/// The answer to one part: its status, its body, and where a new record is.
struct Part {
    status: StatusCode,
    body: Value,
    location: Option<String>,
}

impl Part {
    fn of(answer: &Answer) -> Self {
        let location = answer
            .headers
            .get(http::header::LOCATION)
            .and_then(|value| value.to_str().ok());
        Self {
            status: answer.status,
            body: serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
            location: location.map(str::to_owned),
        }
    }

    fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::of(&error::answer(&[Problem::bad(code, message)]))
    }

    fn failed(&self) -> bool {
        self.status.is_client_error() || self.status.is_server_error()
    }
}

impl Salesforce {
    /// Answers everything below `composite`.
    pub(crate) fn composite_resource(
        &mut self,
        call: &Call,
        path: &[&str],
        changes: &mut Vec<Change>,
    ) -> Outcome<Answer> {
        match *path {
            [] if call.method == Method::GET => {
                let root = call.root();
                let body = json!({
                    "tree": format!("{root}/composite/tree"),
                    "batch": format!("{root}/composite/batch"),
                    "sobjects": format!("{root}/composite/sobjects"),
                });
                Ok(error::ok(StatusCode::OK, &body))
            }
            [] => {
                call.allow(&[Method::GET, Method::POST])?;
                self.composite(call, changes)
            }
            ["batch"] => {
                call.allow(&[Method::POST])?;
                self.batch(call, changes)
            }
            ["tree", name] => {
                call.allow(&[Method::POST])?;
                self.tree(call, name, changes)
            }
            ["sobjects", ..] => self.collections(call, &path[1..], changes),
            ["graph"] => Err(Problem::not_offered("Composite graph").into()),
            _ => Err(Problem::not_found().into()),
        }
    }

    fn composite(&mut self, call: &Call, changes: &mut Vec<Change>) -> Outcome<Answer> {
        let body = call.object()?;
        let parts = list(body, "compositeRequest")?;
        let all = body
            .get("allOrNone")
            .and_then(Value::as_bool)
            .unwrap_or_default();
        let mut names = Vec::new();
        for part in parts {
            let name = part
                .get("referenceId")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let good =
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !good || names.contains(&name) {
                let message = format!(
                    "Provided referenceId ('{name}') must start with a letter or a number, can contain only letters, numbers and underscores, and must be unique"
                );
                return Err(Problem::bad("INVALID_INPUT", message).into());
            }
            names.push(name);
        }
        let (before, reported) = (self.clone(), changes.len());
        let mut known = HashMap::new();
        let mut answers: Vec<Part> = Vec::new();
        for (part, name) in parts.iter().zip(&names) {
            let halted = all && answers.iter().any(Part::failed);
            let answer = if halted {
                Part::refused("PROCESSING_HALTED", ROLLED_BACK)
            } else {
                self.part(call, part, &known, changes)
            };
            known.insert(
                (*name).to_owned(),
                if answer.failed() {
                    Value::Null
                } else {
                    answer.body.clone()
                },
            );
            answers.push(answer);
        }
        if all && let Some(failed) = answers.iter().position(Part::failed) {
            *self = before;
            changes.truncate(reported);
            for (_, answer) in answers
                .iter_mut()
                .enumerate()
                .filter(|(place, _)| *place != failed)
            {
                *answer = Part::refused("PROCESSING_HALTED", ROLLED_BACK);
            }
        }
        let answers: Vec<Value> = answers
            .into_iter()
            .zip(names)
            .map(|(part, name)| {
                let headers = part.location.map_or_else(|| json!({}), |location| json!({"Location": location}));
                json!({"body": part.body, "httpHeaders": headers, "httpStatusCode": part.status.as_u16(), "referenceId": name})
            })
            .collect();
        Ok(error::ok(
            StatusCode::OK,
            &json!({"compositeResponse": answers}),
        ))
    }

    fn part(
        &mut self,
        call: &Call,
        part: &Value,
        known: &HashMap<String, Value>,
        changes: &mut Vec<Change>,
    ) -> Part {
        let url = part.get("url").and_then(Value::as_str).unwrap_or_default();
        let url = match substitute(url, known, |value| {
            utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
        }) {
            Ok(url) => url,
            Err(message) => return Part::refused("PROCESSING_HALTED", message),
        };
        let mut body = part.get("body").cloned();
        if let Some(Err(message)) = body.as_mut().map(|body| fill_in(body, known)) {
            return Part::refused("PROCESSING_HALTED", message);
        }
        let method = part
            .get("method")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let Some(path) = url.strip_prefix("/services/data/") else {
            return Part::refused(
                "INVALID_INPUT",
                format!("The request url must begin with /services/data/vXX.X/: {url}"),
            );
        };
        self.run(call, method, path, body, part.get("httpHeaders"), changes)
    }

    /// Runs one part whose address begins with the version.
    fn run(
        &mut self,
        call: &Call,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: Option<&Value>,
        changes: &mut Vec<Change>,
    ) -> Part {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let mut segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode);
        let version = segments.next().as_deref().and_then(version_of);
        let (Some(version), Ok(method)) = (version, method.parse::<Method>()) else {
            return Part::of(&error::answer(&[Problem::not_found()]));
        };
        let path: Vec<String> = segments.collect();
        // Only collections may stand inside a composite call, or calls would nest without end.
        if path.first().is_some_and(|first| first == "composite")
            && path.get(1).is_none_or(|second| second != "sobjects")
        {
            return Part::refused(
                "INVALID_INPUT",
                "This composite resource cannot be a part of another one",
            );
        }
        let inner = Call {
            method,
            path: path.into(),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers: Cow::Owned(headers_of(headers)),
            body: Cow::Owned(body.map(|body| body.to_string()).unwrap_or_default().into()),
            version,
            actor: call.actor,
            base_url: call.base_url.clone(),
        };
        Part::of(&error::settle(self.resource(&inner, changes)))
    }

    fn batch(&mut self, call: &Call, changes: &mut Vec<Change>) -> Outcome<Answer> {
        let body = call.object()?;
        let halts = body
            .get("haltOnError")
            .and_then(Value::as_bool)
            .unwrap_or_default();
        let (mut failed, mut results) = (false, Vec::new());
        for part in list(body, "batchRequests")? {
            if failed && halts {
                let halted = [Problem::bad(
                    "BATCH_PROCESSING_HALTED",
                    "Batch processing halted by request",
                )];
                results.push(json!({"statusCode": 412, "result": [halted[0].to_json()]}));
                continue;
            }
            let text = |key: &str| part.get(key).and_then(Value::as_str).unwrap_or_default();
            let path = text("url")
                .trim_start_matches('/')
                .trim_start_matches("services/data/");
            let answer = self.run(
                call,
                text("method"),
                path,
                part.get("richInput").cloned(),
                None,
                changes,
            );
            failed |= answer.failed();
            results.push(json!({"statusCode": answer.status.as_u16(), "result": answer.body}));
        }
        Ok(error::ok(
            StatusCode::OK,
            &json!({"hasErrors": failed, "results": results}),
        ))
    }

    /// Creates up to 200 records or none. Children inside a record have no place: users have none.
    fn tree(&mut self, call: &Call, name: &str, changes: &mut Vec<Change>) -> Outcome<Answer> {
        let object = self.schema.find(name).ok_or_else(Problem::not_found)?;
        let body = call.object()?;
        let records = body.get("records").and_then(Value::as_array);
        let records =
            records.ok_or_else(|| Problem::bad("MISSING_ARGUMENT", "records not specified"))?;
        if records.len() > MOST_RECORDS {
            return Err(Problem::bad(
                "EXCEEDED_ID_LIMIT",
                "record limit reached. cannot submit more than 200 records into this call",
            )
            .into());
        }
        let (before, reported) = (self.clone(), changes.len());
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for record in records {
            let reference = record
                .pointer("/attributes/referenceId")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let fields = record.as_object().cloned().unwrap_or_default();
            match self.insert(object, &fields, call.text(), call.actor, changes) {
                Ok(id) => good.push(json!({"referenceId": reference, "id": id.to_string()})),
                Err(problems) => {
                    let errors: Vec<Value> = problems.iter().map(Problem::to_save_error).collect();
                    bad.push(json!({"referenceId": reference, "errors": errors}));
                }
            }
        }
        if bad.is_empty() {
            return Ok(error::ok(
                StatusCode::CREATED,
                &json!({"hasErrors": false, "results": good}),
            ));
        }
        *self = before;
        changes.truncate(reported);
        Ok(error::ok(
            StatusCode::BAD_REQUEST,
            &json!({"hasErrors": true, "results": bad}),
        ))
    }
}

fn list<'a>(body: &'a Map<String, Value>, name: &str) -> Outcome<&'a Vec<Value>> {
    let parts = body.get(name).and_then(Value::as_array);
    let parts =
        parts.ok_or_else(|| Problem::bad("MISSING_ARGUMENT", format!("{name} not specified")))?;
    if parts.len() > MOST_PARTS {
        return Err(Problem::bad(
            "LIMIT_EXCEEDED",
            format!("Limit of {MOST_PARTS} subrequests exceeded"),
        )
        .into());
    }
    Ok(parts)
}

fn headers_of(headers: Option<&Value>) -> HeaderMap {
    let members = headers.and_then(Value::as_object).into_iter().flatten();
    members
        .filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value.as_str()?).ok()?))
        })
        .collect()
}

/// Puts the values of earlier answers into every text of a body.
fn fill_in(body: &mut Value, known: &HashMap<String, Value>) -> Result<(), String> {
    match body {
        Value::String(text) => {
            let whole = text
                .strip_prefix("@{")
                .and_then(|rest| rest.strip_suffix('}'))
                .filter(|inner| !inner.contains('}'));
            *body = match whole {
                Some(reference) => look_up(reference, known)?,
                None => Value::String(substitute(text, known, str::to_owned)?),
            };
            Ok(())
        }
        Value::Array(values) => values
            .iter_mut()
            .try_for_each(|value| fill_in(value, known)),
        Value::Object(members) => members
            .values_mut()
            .try_for_each(|value| fill_in(value, known)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Replaces every `@{reference.path}` of a text.
fn substitute(
    text: &str,
    known: &HashMap<String, Value>,
    write: impl Fn(&str) -> String,
) -> Result<String, String> {
    let (mut result, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("@{") {
        result.push_str(before);
        let Some((reference, after)) = behind.split_once('}') else {
            return Err(format!(
                "Invalid reference specified. No closing brace in {text}"
            ));
        };
        let value = look_up(reference, known)?;
        result.push_str(&write(
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
                .as_str(),
        ));
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

/// Looks `name.path[0].member` up in the answers so far.
fn look_up(reference: &str, known: &HashMap<String, Value>) -> Result<Value, String> {
    let name = reference.split(['.', '[']).next().unwrap_or_default();
    let missing =
        || format!("Invalid reference specified. No value for {reference} found in {name}");
    let mut value = known.get(name).ok_or_else(missing)?;
    for step in reference[name.len()..]
        .split(['.', '['])
        .filter(|step| !step.is_empty())
    {
        value = match step.strip_suffix(']') {
            Some(place) => place
                .parse::<usize>()
                .ok()
                .and_then(|place| value.get(place)),
            None => value.get(step),
        }
        .ok_or_else(missing)?;
    }
    if value.is_null() {
        Err(missing())
    } else {
        Ok(value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_reach_into_earlier_answers() {
        let known = HashMap::from([("q".to_owned(), json!({"records": [{"Id": "005", "N": 3}]}))]);
        assert_eq!(look_up("q.records[0].Id", &known), Ok(json!("005")));
        assert_eq!(
            substitute(
                "a/@{q.records[0].Id}/@{q.records[0].N}",
                &known,
                str::to_owned
            ),
            Ok("a/005/3".to_owned())
        );
        for wrong in [
            "@{q.records[1].Id}",
            "@{x.id}",
            "@{q",
            "@{}",
            "@{q.records[x]}",
        ] {
            assert!(substitute(wrong, &known, str::to_owned).is_err(), "{wrong}");
        }
    }
}
