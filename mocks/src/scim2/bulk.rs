//! Bulk (RFC 7644, section 3.7): many changes in one request, tied together by `bulkId`.
//!
//! An operation that refers to one further down waits for it. A circle is opened at its first POST, which is carried
//! out without the references that are still open and completed when they are known (section 3.7.1).

use std::collections::{BTreeMap, HashMap};

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    Scim2, error::Refusal, etag::Precondition, operations::Turn, patch, resource, routes::Place,
    schema::Kind,
};
use crate::vendor::Request;

const REQUEST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
const PREFIX: &str = "bulkId:";

/// One operation as sent.
#[derive(Debug)]
struct Step {
    method: Method,
    bulk_id: Option<String>,
    path: String,
    version: Option<String>,
    data: Value,
}

/// What became of a `bulkId`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Made(String),
    Failed,
}

/// What an operation came to.
#[derive(Debug)]
struct Outcome {
    status: StatusCode,
    location: Option<String>,
    version: Option<String>,
}

#[derive(Debug)]
struct Run {
    steps: Vec<Step>,
    results: BTreeMap<usize, Result<Outcome, Refusal>>,
    fates: HashMap<String, Fate>,
    /// Resources that were made without some reference, by step.
    unfinished: Vec<(usize, String)>,
    fail_on_errors: usize,
}

impl Scim2 {
    /// Carries out a Bulk request and returns the body of the answer.
    pub(crate) fn bulk(
        &mut self,
        request: &Request,
        base: &str,
        turn: &mut Turn<'_>,
    ) -> Result<Value, Refusal> {
        let features = self.personality().features.clone();
        if request.body.len() > features.bulk_max_payload_bytes as usize {
            let most = features.bulk_max_payload_bytes;
            let detail =
                format!("The size of the bulk operation exceeds the maxPayloadSize ({most}).");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        let body = request.body.json();
        let body = body.map_err(|_| Refusal::invalid_syntax("The body is not valid JSON."))?;
        let Value::Object(body) = body else {
            return Err(Refusal::invalid_syntax("A bulk request must be an object."));
        };
        resource::check_schemas(body, &[REQUEST_SCHEMA], &[], self.personality())?;
        let operations = resource::get(body, "Operations").and_then(Value::as_array);
        let operations =
            operations.ok_or_else(|| Refusal::invalid_syntax("'Operations' must be a list."))?;
        if operations.len() > features.bulk_max_operations as usize {
            let most = features.bulk_max_operations;
            let detail = format!("The number of operations exceeds the maxOperations ({most}).");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        let fail_on_errors = match resource::get(body, "failOnErrors") {
            None | Some(Value::Null) => usize::MAX,
            Some(value) => value
                .as_u64()
                .filter(|most| *most > 0)
                .and_then(|most| usize::try_from(most).ok())
                .ok_or_else(|| {
                    Refusal::invalid_value("'failOnErrors' must be a positive whole number.")
                })?,
        };
        let mut run = Run::read(operations, fail_on_errors);
        self.carry_out(&mut run, base, turn);
        Ok(run.answer(self, base))
    }

    fn carry_out(&mut self, run: &mut Run, base: &str, turn: &mut Turn<'_>) {
        let mut waiting: Vec<usize> = (0..run.steps.len())
            .filter(|at| !run.results.contains_key(at))
            .collect();
        while !waiting.is_empty() && !run.is_stopped() {
            let mut still = Vec::new();
            for at in waiting.iter().copied() {
                match run.readiness(at) {
                    _ if run.is_stopped() => break,
                    Readiness::Ready => self.step(run, at, false, base, turn),
                    Readiness::Hopeless(reference) => run.fail(at, unresolved(&reference)),
                    Readiness::Waiting => still.push(at),
                }
            }
            if still.len() == waiting.len() {
                let opened = still
                    .iter()
                    .position(|at| run.steps[*at].method == Method::POST);
                // Only a POST defines a bulkId, so a circle always has one.
                let Some(opened) = opened else { break };
                let at = still.remove(opened);
                self.step(run, at, true, base, turn);
            }
            waiting = still;
        }
        self.finish(run, base, turn);
    }

    /// Carries out one step; `open` leaves out the references that are not known yet.
    fn step(&mut self, run: &mut Run, at: usize, open: bool, base: &str, turn: &mut Turn<'_>) {
        let (path, data) = run.resolved(at, open);
        let step = &run.steps[at];
        let version = step.version.clone();
        let mut inner = Turn {
            now: turn.now,
            precondition: Precondition {
                if_match: version.as_deref(),
                if_none_match: None,
            },
            changes: turn.changes,
        };
        let result = self.perform(&step.method, &path, &data, base, &mut inner);
        match (&result, step.bulk_id.clone()) {
            (Ok((id, _)), Some(bulk_id)) if step.method == Method::POST => {
                run.fates.insert(bulk_id, Fate::Made(id.clone()));
                if open {
                    run.unfinished.push((at, id.clone()));
                }
            }
            (Err(_), Some(bulk_id)) if step.method == Method::POST => {
                run.fates.insert(bulk_id, Fate::Failed);
            }
            _ => {}
        }
        run.results.insert(at, result.map(|(_, outcome)| outcome));
    }

    /// Completes the resources that were made without some reference; takes away those that cannot be completed.
    fn finish(&mut self, run: &mut Run, base: &str, turn: &mut Turn<'_>) {
        for (at, id) in std::mem::take(&mut run.unfinished) {
            let (path, data) = run.resolved(at, false);
            let Some(Place::Collection(kind)) = self.place_in_bulk(&path) else {
                continue;
            };
            let mut inner = Turn {
                now: turn.now,
                precondition: Precondition::default(),
                changes: turn.changes,
            };
            let open = match run.readiness(at) {
                Readiness::Ready => None,
                Readiness::Hopeless(reference) => Some(unresolved(&reference)),
                Readiness::Waiting => Some(unresolved("")),
            };
            let result = match open {
                Some(refusal) => Err(refusal),
                None => self.replace(kind, &id, &data, &mut inner),
            };
            match result {
                Ok(row) => {
                    let version = self.version_of(kind, &row.id, base);
                    if let Some(Ok(outcome)) = run.results.get_mut(&at) {
                        outcome.version = version;
                    }
                }
                Err(refusal) => {
                    // It was made a moment ago by this very request; nobody else can have taken it away.
                    let _ = self.delete(kind, &id, &mut inner);
                    run.results.insert(at, Err(refusal));
                }
            }
        }
    }

    fn perform(
        &mut self,
        method: &Method,
        path: &str,
        data: &Value,
        base: &str,
        turn: &mut Turn<'_>,
    ) -> Result<(String, Outcome), Refusal> {
        let unsupported = || {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("{method} {path} is not supported."),
            )
        };
        let place = self
            .place_in_bulk(path)
            .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, format!("There is no {path}.")))?;
        let (kind, row, status) = match (method, place) {
            (&Method::POST, Place::Collection(kind)) => {
                (kind, self.create(kind, data, turn)?, StatusCode::CREATED)
            }
            (&Method::PUT, Place::Item(kind, id)) if self.personality().http.put => {
                (kind, self.replace(kind, &id, data, turn)?, StatusCode::OK)
            }
            (&Method::PATCH, Place::Item(kind, id)) => {
                let operations = match data {
                    Value::Array(operations) => patch::read_operations(operations)?,
                    body => patch::read(body, self.personality())?,
                };
                (
                    kind,
                    self.patch(kind, &id, &operations, turn)?,
                    StatusCode::OK,
                )
            }
            (&Method::DELETE, Place::Item(kind, id)) => {
                let location = format!("{base}/{}/{id}", kind.endpoint());
                self.delete(kind, &id, turn)?;
                let outcome = Outcome {
                    status: StatusCode::NO_CONTENT,
                    location: Some(location),
                    version: None,
                };
                return Ok((id, outcome));
            }
            _ => return Err(unsupported()),
        };
        let location = Some(self.renderer(base).location(kind, &row));
        let version = self.version_of(kind, &row.id, base);
        Ok((
            row.id.to_string(),
            Outcome {
                status,
                location,
                version,
            },
        ))
    }

    fn version_of(&self, kind: Kind, id: &str, base: &str) -> Option<String> {
        let (_, row) = self
            .store
            .by_id(kind, id)
            .filter(|_| self.personality().features.etag)?;
        Some(self.renderer(base).version(kind, &row))
    }
}

enum Readiness {
    Ready,
    Waiting,
    Hopeless(String),
}

fn unresolved(reference: &str) -> Refusal {
    Refusal::new(
        StatusCode::CONFLICT,
        format!("The reference '{PREFIX}{reference}' cannot be resolved."),
    )
}

impl Run {
    fn read(operations: &[Value], fail_on_errors: usize) -> Self {
        let mut run = Self {
            steps: Vec::with_capacity(operations.len()),
            results: BTreeMap::new(),
            fates: HashMap::new(),
            unfinished: Vec::new(),
            fail_on_errors,
        };
        let mut seen = std::collections::HashSet::new();
        for (at, sent) in operations.iter().enumerate() {
            let text = |name: &str| {
                sent.as_object()
                    .and_then(|sent| resource::get(sent, name))
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            let method = text("method").unwrap_or_default().to_ascii_uppercase();
            let step = Step {
                method: Method::from_bytes(method.as_bytes()).unwrap_or_default(),
                bulk_id: text("bulkId"),
                path: text("path").unwrap_or_default(),
                version: text("version"),
                data: sent.get("data").cloned().unwrap_or(Value::Null),
            };
            let wrong = match (method.as_str(), &step.bulk_id) {
                _ if step.path.is_empty() => Some("'path' is missing."),
                ("POST", None) => Some("A POST needs a 'bulkId'."),
                ("POST", Some(id)) if !seen.insert(id.clone()) => {
                    Some("The 'bulkId' is used twice.")
                }
                ("POST" | "PUT" | "PATCH" | "DELETE", _) => None,
                _ => Some("'method' must be POST, PUT, PATCH or DELETE."),
            };
            run.steps.push(step);
            if let Some(wrong) = wrong {
                run.results.insert(at, Err(Refusal::invalid_syntax(wrong)));
            }
        }
        run
    }

    fn is_stopped(&self) -> bool {
        self.results
            .values()
            .filter(|result| result.is_err())
            .count()
            >= self.fail_on_errors
    }

    fn fail(&mut self, at: usize, refusal: Refusal) {
        if let Some(bulk_id) = self.steps[at]
            .bulk_id
            .clone()
            .filter(|_| self.steps[at].method == Method::POST)
        {
            self.fates.insert(bulk_id, Fate::Failed);
        }
        self.results.insert(at, Err(refusal));
    }

    /// Tells whether everything a step refers to is known.
    fn readiness(&self, at: usize) -> Readiness {
        let step = &self.steps[at];
        let mut references = Vec::new();
        collect_references(&step.data, &mut references);
        references.extend(
            step.path
                .split('/')
                .filter_map(|segment| segment.strip_prefix(PREFIX))
                .map(str::to_owned),
        );
        let mut waits = false;
        for reference in references {
            match self.fates.get(&reference) {
                Some(Fate::Made(_)) => {}
                Some(Fate::Failed) => return Readiness::Hopeless(reference),
                None => {
                    let defined = self.steps.iter().enumerate().any(|(other, step)| {
                        step.method == Method::POST
                            && step.bulk_id.as_ref() == Some(&reference)
                            && !self.results.contains_key(&other)
                    });
                    if !defined {
                        return Readiness::Hopeless(reference);
                    }
                    waits = true;
                }
            }
        }
        if waits {
            Readiness::Waiting
        } else {
            Readiness::Ready
        }
    }

    /// Returns path and data with the known references filled in; `open` leaves the others out.
    fn resolved(&self, at: usize, open: bool) -> (String, Value) {
        let step = &self.steps[at];
        let path = step
            .path
            .split('/')
            .map(|segment| match segment.strip_prefix(PREFIX) {
                Some(reference) => match self.fates.get(reference) {
                    Some(Fate::Made(id)) => super::render::encoded(id),
                    _ => segment.to_owned(),
                },
                None => segment.to_owned(),
            });
        (
            path.collect::<Vec<_>>().join("/"),
            self.filled(&step.data, open).unwrap_or(Value::Null),
        )
    }

    /// Fills references in; `None` when the value is an open reference, or an object whose `value` is one.
    fn filled(&self, value: &Value, open: bool) -> Option<Value> {
        Some(match value {
            Value::String(text) => match text
                .strip_prefix(PREFIX)
                .map(|reference| self.fates.get(reference))
            {
                Some(Some(Fate::Made(id))) => Value::String(id.clone()),
                Some(_) if open => return None,
                _ => value.clone(),
            },
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .filter_map(|item| self.filled(item, open))
                    .collect(),
            ),
            Value::Object(object) => {
                let mut made = Map::new();
                for (key, inner) in object {
                    match self.filled(inner, open) {
                        Some(inner) => {
                            made.insert(key.clone(), inner);
                        }
                        None if key == "value" => return None,
                        None => {}
                    }
                }
                Value::Object(made)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }

    fn answer(&self, vendor: &Scim2, base: &str) -> Value {
        let told = self.results.iter().map(|(at, result)| {
            let step = &self.steps[*at];
            let mut entry = Map::new();
            match result {
                Ok(outcome) => {
                    entry.extend(
                        outcome
                            .location
                            .clone()
                            .map(|location| ("location".to_owned(), location.into())),
                    );
                }
                Err(_) if step.method != Method::POST && !step.path.is_empty() => {
                    let (path, _) = self.resolved(*at, false);
                    entry.insert(
                        "location".to_owned(),
                        format!("{base}/{}", path.trim_start_matches('/')).into(),
                    );
                }
                Err(_) => {}
            }
            entry.insert("method".to_owned(), step.method.as_str().into());
            entry.extend(
                step.bulk_id
                    .clone()
                    .map(|bulk_id| ("bulkId".to_owned(), bulk_id.into())),
            );
            match result {
                Ok(outcome) => {
                    entry.extend(
                        outcome
                            .version
                            .clone()
                            .map(|version| ("version".to_owned(), version.into())),
                    );
                    entry.insert("status".to_owned(), outcome.status.as_str().into());
                }
                Err(refusal) => {
                    entry.insert("status".to_owned(), refusal.status.as_str().into());
                    entry.insert("response".to_owned(), refusal.body(vendor.personality()));
                }
            }
            Value::Object(entry)
        });
        json!({"schemas": [RESPONSE_SCHEMA], "Operations": told.collect::<Vec<_>>()})
    }
}

fn collect_references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.extend(text.strip_prefix(PREFIX).map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, into)),
        Value::Object(object) => object
            .values()
            .for_each(|inner| collect_references(inner, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
