//! `sobjects/…`: create, read, change, upsert by key, passwords, what changed lately.
//!
//! Source: REST API Developer Guide, "sObject Basic Information" to "sObject User Password".

use http::{Method, StatusCode, header};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

use super::{
    Salesforce,
    error::{self, Outcome, Problem},
    id::Id,
    rest::Call,
    schema::{Kind, Object, ObjectType, USER},
    store::{Cell, Record},
    time,
};
use crate::vendor::{Answer, Change};

/// The answer to a record that was created or changed by its key.
#[derive(Serialize)]
struct Saved {
    id: String,
    success: bool,
    errors: [Value; 0],
    /// Since version 46, and of an upsert only.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<bool>,
}

impl Salesforce {
    /// Answers everything below `sobjects`.
    pub(crate) fn sobjects(
        &mut self,
        call: &Call,
        path: &[&str],
        changes: &mut Vec<Change>,
    ) -> Outcome<Answer> {
        let Some((name, rest)) = path.split_first() else {
            call.allow(&[Method::GET])?;
            return Ok(self.describe_global(call));
        };
        let object = self.schema.find(name).ok_or_else(Problem::not_found)?;
        match *rest {
            [] if call.method == Method::POST => self.create(call, object, changes),
            [] => {
                call.allow(&[Method::GET, Method::POST])?;
                Ok(error::ok(
                    StatusCode::OK,
                    &self.describe_brief(call, object),
                ))
            }
            ["describe"] => {
                call.allow(&[Method::GET])?;
                Ok(self.describe(call, object))
            }
            [
                "describe" | "listviews" | "quickActions" | "namedLayouts" | "defaultValues"
                | "relevantItems",
                ..,
            ] => Err(Problem::not_offered("This part of the description").into()),
            ["updated"] => self.touched(call, object, true),
            ["deleted"] => self.touched(call, object, false),
            [id] => self.record(call, object, id, changes),
            [id, "password"] if object == USER => self.password(call, id),
            [key, value] => self.keyed(call, object, key, value, changes),
            _ => Err(Problem::not_found().into()),
        }
    }

    fn create(
        &mut self,
        call: &Call,
        object: Object,
        changes: &mut Vec<Change>,
    ) -> Outcome<Answer> {
        let body = call.object()?;
        let id = self.insert(object, body, call.text(), call.actor, changes)?;
        Ok(self.created(call, object, id, None))
    }

    /// 201, with `created` where an upsert says it (since version 46).
    fn created(&self, call: &Call, object: Object, id: Id, upsert: Option<bool>) -> Answer {
        let body = Saved {
            id: id.to_string(),
            success: true,
            errors: [],
            created: upsert.filter(|_| call.version >= 46),
        };
        let created = upsert != Some(false);
        let status = if created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        let answer = error::ok(status, &body);
        if created {
            answer.with_header(header::LOCATION, &self.url(call, object, id))
        } else {
            answer
        }
    }

    /// Returns the path of a record.
    pub(crate) fn url(&self, call: &Call, object: Object, id: Id) -> String {
        format!(
            "/services/data/v{}.0/sobjects/{}/{id}",
            call.version,
            self.schema.get(object).name
        )
    }

    fn record(
        &mut self,
        call: &Call,
        object: Object,
        id: &str,
        changes: &mut Vec<Change>,
    ) -> Outcome<Answer> {
        call.allow(&[Method::GET, Method::PATCH, Method::DELETE])?;
        let id = record_id(id)?;
        match call.method {
            Method::PATCH => {
                let body = call.object()?;
                self.update(object, id, body, call.text(), call.actor, changes)?;
                Ok(Answer::empty(StatusCode::NO_CONTENT))
            }
            Method::DELETE => {
                self.delete(object, id, call.actor, changes)?;
                Ok(Answer::empty(StatusCode::NO_CONTENT))
            }
            _ => self.retrieve(call, object, id),
        }
    }

    fn retrieve(&self, call: &Call, object: Object, id: Id) -> Outcome<Answer> {
        let record = self.store.get(object, id).ok_or_else(Problem::not_found)?;
        let places = match call.parameter("fields") {
            None => (0..self.schema.get(object).fields.len()).collect(),
            Some(names) => self.places(object, names.split(','))?,
        };
        let shown = self.written(call, object, record, &places);
        Ok(error::ok(StatusCode::OK, &shown))
    }

    /// Reads a list of field names; the id is always among them.
    pub(crate) fn places<'a>(
        &self,
        object: Object,
        names: impl Iterator<Item = &'a str>,
    ) -> Outcome<Vec<usize>> {
        let kind = self.schema.get(object);
        let mut places = Vec::new();
        for name in names.map(str::trim).filter(|name| !name.is_empty()) {
            let place = kind.find(name).ok_or_else(|| {
                Problem::bad(
                    "INVALID_FIELD",
                    format!("No such column '{name}' on sobject of type {}", kind.name),
                )
            })?;
            if !places.contains(&place) {
                places.push(place);
            }
        }
        if !places.contains(&0) {
            places.push(0);
        }
        Ok(places)
    }

    /// Shows a record with its `attributes`.
    pub(crate) fn show(
        &self,
        call: &Call,
        object: Object,
        record: &Record,
        places: &[usize],
    ) -> Value {
        serde_json::to_value(self.written(call, object, record, places))
            .expect("a record has text keys only")
    }

    fn written<'a>(
        &'a self,
        call: &Call,
        object: Object,
        record: &'a Record,
        places: &'a [usize],
    ) -> Shown<'a> {
        Shown {
            url: self.url(call, object, record.id),
            kind: self.schema.get(object),
            record,
            places,
        }
    }

    /// `…/<key field>/<value>`, or `…/<id>/<relationship>`.
    fn keyed(
        &mut self,
        call: &Call,
        object: Object,
        key: &str,
        value: &str,
        changes: &mut Vec<Change>,
    ) -> Outcome<Answer> {
        let kind = self.schema.get(object);
        let place = kind.find(key).filter(|place| kind.fields[*place].is_key());
        let Some(place) = place else {
            return match (Id::parse(key), kind.find_way(value)) {
                (Some(id), Some(way)) => self.follow(call, object, id, way),
                _ => Err(Problem::no_external_id(key).into()),
            };
        };
        if kind.fields[place].kind == Kind::Id {
            return self.record(call, object, value, changes);
        }
        call.allow(&[Method::GET, Method::PATCH, Method::DELETE])?;
        let found = self.find_by_key(object, place, value);
        if found.len() > 1 {
            let urls: Value = found.iter().map(|id| self.url(call, object, *id)).collect();
            return Ok(error::ok(StatusCode::MULTIPLE_CHOICES, &urls));
        }
        match (&call.method, found.first()) {
            (&Method::PATCH, first) => {
                self.upsert(call, object, (place, value), first.copied(), changes)
            }
            (_, None) => Err(Problem::not_found().into()),
            (&Method::DELETE, Some(id)) => {
                self.delete(object, *id, call.actor, changes)?;
                Ok(Answer::empty(StatusCode::NO_CONTENT))
            }
            (_, Some(id)) => self.retrieve(call, object, *id),
        }
    }

    /// Goes from a record to the one it refers to.
    fn follow(&self, call: &Call, object: Object, id: Id, way: usize) -> Outcome<Answer> {
        call.allow(&[Method::GET])?;
        let record = self.store.get(object, id).ok_or_else(Problem::not_found)?;
        let target = self
            .schema
            .target(&self.schema.get(object).fields[way])
            .ok_or_else(Problem::not_found)?;
        let to = record
            .get(way)
            .and_then(Cell::as_id)
            .ok_or_else(Problem::not_found)?;
        self.retrieve(call, target, to)
    }

    fn upsert(
        &mut self,
        call: &Call,
        object: Object,
        key: (usize, &str),
        found: Option<Id>,
        changes: &mut Vec<Change>,
    ) -> Outcome<Answer> {
        let body = call.object()?;
        let only_update = call
            .parameter("updateOnly")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if found.is_none() && only_update {
            return Err(Problem::not_found().into());
        }
        let (id, created) = self.upsert_record(
            object,
            key,
            found,
            body.clone(),
            call.text(),
            (call.actor, changes),
        )?;
        // Up to version 45 an update by key answers like any other update.
        if !created && call.version < 46 {
            return Ok(Answer::empty(StatusCode::NO_CONTENT));
        }
        Ok(self.created(call, object, id, Some(created)))
    }

    /// Creates or changes the record behind a key; says which.
    pub(crate) fn upsert_record(
        &mut self,
        object: Object,
        (place, value): (usize, &str),
        found: Option<Id>,
        mut body: Map<String, Value>,
        text: &str,
        (actor, changes): (super::dml::Actor, &mut Vec<Change>),
    ) -> Outcome<(Id, bool)> {
        let name = self.schema.get(object).fields[place].name.to_string();
        if body.keys().any(|key| key.eq_ignore_ascii_case(&name)) {
            let message = format!("The {name} field should not be specified in the sobject data.");
            return Err(Problem::record("INVALID_FIELD", message, &[&name]).into());
        }
        if let Some(id) = found {
            self.update(object, id, &body, text, actor, changes)?;
            return Ok((id, false));
        }
        body.insert(name, json!(value));
        Ok((self.insert(object, &body, text, actor, changes)?, true))
    }

    fn password(&mut self, call: &Call, id: &str) -> Outcome<Answer> {
        call.allow(&[Method::GET, Method::POST, Method::DELETE])?;
        let id = record_id(id)?;
        self.store.get(USER, id).ok_or_else(Problem::not_found)?;
        match call.method {
            Method::POST => {
                let body = call.object()?;
                let password = body.get("NewPassword").and_then(Value::as_str);
                let missing =
                    || Problem::bad("INVALID_NEW_PASSWORD", "Your password cannot be empty");
                self.set_password(id, password.ok_or_else(missing)?, call.actor)?;
                Ok(Answer::empty(StatusCode::NO_CONTENT))
            }
            Method::DELETE => {
                let new = self.invent_password(id);
                self.set_password(id, &new, call.actor)?;
                Ok(error::ok(StatusCode::OK, &json!({"NewPassword": new})))
            }
            _ => Ok(error::ok(StatusCode::OK, &json!({"isExpired": false}))),
        }
    }

    fn invent_password(&mut self, id: Id) -> String {
        let serial = self.store.next_serial();
        let proof = super::session::hmac(
            &self.org.consumer_secret,
            &format!("password {id} {serial}"),
        );
        let text: String = proof
            .iter()
            .take(8)
            .map(|byte| char::from(b'a' + byte % 26))
            .collect();
        format!("{text}{}", serial % 10)
    }

    /// `updated` and `deleted`: ids touched in a span of time.
    fn touched(&self, call: &Call, object: Object, updated: bool) -> Outcome<Answer> {
        call.allow(&[Method::GET])?;
        let moment = |name: &str| {
            // A plus sign that was not encoded arrives as a blank.
            let text = call.parameter(name).map(|text| text.replace(' ', "+"));
            let wrong = || {
                Problem::bad(
                    "INVALID_DATE_FORMAT",
                    format!("Date format is invalid or missing: {name}"),
                )
            };
            text.as_deref().and_then(time::parse).ok_or_else(wrong)
        };
        let (start, end) = (moment("start")?, moment("end")?);
        if end <= start {
            return Err(Problem::bad(
                "INVALID_REPLICATION_DATE",
                "endDate must be at least one minute greater than startDate",
            )
            .into());
        }
        let covered = end.min(call.actor.now);
        let table = self.store.table(object);
        let body = if updated {
            let kind = self.schema.get(object);
            let stamp = kind.at("SystemModstamp");
            let touched = |record: &Record| matches!(record.get(stamp), Some(Cell::Time(at)) if (start..end).contains(at));
            let ids: Vec<String> = table
                .iter()
                .filter(|record| touched(record))
                .map(|record| record.id.to_string())
                .collect();
            json!({"ids": ids, "latestDateCovered": time::wire(covered)})
        } else {
            let gone = table
                .deleted
                .iter()
                .filter(|(_, at)| (start..end).contains(at));
            let list: Vec<Value> = gone
                .map(|(id, at)| json!({"id": id.to_string(), "deletedDate": time::wire(*at)}))
                .collect();
            let earliest = time::wire(start.min(self.founded));
            json!({"deletedRecords": list, "earliestDateAvailable": earliest, "latestDateCovered": time::wire(covered)})
        };
        Ok(error::ok(StatusCode::OK, &body))
    }
}

/// A record with its `attributes`, written field by field: it has a hundred of them, and every read ends with it.
struct Shown<'a> {
    url: String,
    kind: &'a ObjectType,
    record: &'a Record,
    places: &'a [usize],
}

#[derive(Serialize)]
struct Attributes<'a> {
    r#type: &'a str,
    url: &'a str,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        let attributes = Attributes {
            r#type: self.kind.name,
            url: &self.url,
        };
        out.serialize_entry("attributes", &attributes)?;
        for &place in self.places {
            let name = &self.kind.fields[place].name;
            out.serialize_entry(name, &self.record.shown(self.kind, place))?;
        }
        out.end()
    }
}

/// Reads an id from a path. What has not even the length of one is taken for a key, as at the vendor.
fn record_id(text: &str) -> Outcome<Id> {
    Id::parse(text).ok_or_else(|| {
        if matches!(text.len(), 15 | 18) {
            Problem::bad("MALFORMED_ID", format!("malformed id {text}")).into()
        } else {
            Problem::no_external_id(text).into()
        }
    })
}
