//! Attribute paths as a mapping writes them, and how they flatten into JSON.
//!
//! `title`, `name.givenName`, `emails[type eq "work"].value`, and any of these behind a schema's URN:
//! `urn:…:enterprise:2.0:User:manager.displayName` (RFC 7644, section 3.10).

use serde_json::{Map, Value};

/// An attribute path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AttributePath {
    /// The URN of the schema, when one stands in front.
    pub(crate) schema: Option<String>,
    /// The attribute.
    pub(crate) name: String,
    /// What tells one element of a list from the others.
    pub(crate) filter: Vec<(String, Value)>,
    /// What follows: sub-attributes, outermost first.
    pub(crate) rest: Vec<String>,
}

impl AttributePath {
    /// Reads a path. What cannot be read as a filter is taken as part of a name: the target will say what it thinks.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim();
        let (head, filter, tail) = split_filter(text);
        let (schema, head) = match head.rsplit_once(':') {
            Some((schema, rest))
                if text
                    .get(..4)
                    .is_some_and(|urn| urn.eq_ignore_ascii_case("urn:")) =>
            {
                // The version of a schema has a dot (`2.0`), so names start behind the last colon only.
                (Some(schema.to_owned()), rest)
            }
            _ => (None, head),
        };
        let mut names = head.split('.').map(str::to_owned);
        let name = names.next().unwrap_or_default();
        let mut rest: Vec<String> = names.collect();
        rest.extend(
            tail.split('.')
                .filter(|part| !part.is_empty())
                .map(str::to_owned),
        );
        Self {
            schema,
            name,
            filter,
            rest,
        }
    }

    /// Writes a value at this path; `null` takes away what is there.
    pub(crate) fn put(&self, resource: &mut Value, value: &Value) {
        let mut place = resource;
        if let Some(schema) = &self.schema {
            if value.is_null() && find(place, schema).is_none() {
                return;
            }
            place = entry(place, schema);
        }
        if self.filter.is_empty() {
            let mut names = vec![self.name.as_str()];
            names.extend(self.rest.iter().map(String::as_str));
            return set(place, &names, value);
        }
        self.put_element(place, value);
    }

    /// Reads the value at this path; `None` where nothing is shown there.
    ///
    /// Of a list it is the element that the filter selects, and of an element its `value`.
    pub(crate) fn get<'v>(&self, resource: &'v Value) -> Option<&'v Value> {
        let place = match &self.schema {
            Some(schema) => find(resource, schema)?,
            None => resource,
        };
        let mut found = find(place, &self.name)?;
        if !self.filter.is_empty() {
            found = found.as_array()?.iter().find(|item| self.selects(item))?;
            if self.rest.is_empty() {
                return Some(find(found, "value").unwrap_or(found));
            }
        }
        for name in &self.rest {
            found = find(found, name)?;
        }
        Some(found)
    }

    fn put_element(&self, place: &mut Value, value: &Value) {
        if value.is_null() && find(place, &self.name).is_none() {
            return;
        }
        let list = entry(place, &self.name);
        if !list.is_array() {
            *list = Value::Array(Vec::new());
        }
        let Some(items) = list.as_array_mut() else {
            return;
        };
        let at = items.iter().position(|item| self.selects(item));
        if value.is_null() && self.is_element_value() {
            items.retain(|item| !self.selects(item));
            return;
        }
        let at = match at {
            Some(at) => at,
            None if value.is_null() => return,
            None => {
                items.push(self.element());
                items.len() - 1
            }
        };
        match (self.rest.is_empty(), value) {
            (true, Value::Object(fields)) => {
                for (name, field) in fields {
                    set(&mut items[at], &[name], field);
                }
            }
            (true, _) => set(&mut items[at], &["value"], value),
            (false, _) => {
                let names: Vec<&str> = self.rest.iter().map(String::as_str).collect();
                set(&mut items[at], &names, value);
            }
        }
    }

    /// Tells whether clearing this path leaves an element without a point: its `value` or the whole of it.
    pub(crate) fn is_element_value(&self) -> bool {
        match self.rest.as_slice() {
            [] => true,
            [only] => only.eq_ignore_ascii_case("value"),
            _ => false,
        }
    }

    /// Returns the path of the element itself, as a filter of the protocol writes it.
    pub(crate) fn element_path(&self) -> String {
        let filter: Vec<String> = self
            .filter
            .iter()
            .map(|(name, value)| format!("{name} eq {value}"))
            .collect();
        format!("{}[{}]", self.list_path(), filter.join(" and "))
    }

    /// Returns the path of the attribute without what follows it.
    pub(crate) fn list_path(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}:{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Tells whether two paths lead into the same element of the same list.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.schema == other.schema && self.name == other.name && self.filter == other.filter
    }

    /// Returns a fresh element that the filter selects.
    pub(crate) fn element(&self) -> Value {
        self.filter
            .iter()
            .cloned()
            .collect::<Map<String, Value>>()
            .into()
    }

    fn selects(&self, item: &Value) -> bool {
        self.filter.iter().all(|(name, wanted)| {
            find(item, name).is_some_and(|have| match (have.as_str(), wanted.as_str()) {
                (Some(have), Some(wanted)) => have.eq_ignore_ascii_case(wanted),
                _ => have == wanted,
            })
        })
    }
}

/// Returns a field by name without regard to case, as SCIM names compare (RFC 7643, section 2.1).
pub(crate) fn find<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let fields = value.as_object()?;
    fields.get(name).or_else(|| {
        fields
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, field)| field)
    })
}

/// Returns the place of a field, under the spelling it already has, made when it is missing.
fn entry<'v>(value: &'v mut Value, name: &str) -> &'v mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(fields) = value else {
        unreachable!("made an object right above");
    };
    let key = fields
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))
        .cloned()
        .unwrap_or_else(|| name.to_owned());
    fields.entry(key).or_insert(Value::Null)
}

fn set(place: &mut Value, names: &[&str], value: &Value) {
    let Some((name, rest)) = names.split_first() else {
        return;
    };
    if value.is_null() {
        if find(place, name).is_none() {
            return;
        }
        if rest.is_empty() {
            if let Some(fields) = place.as_object_mut() {
                fields.retain(|key, _| !key.eq_ignore_ascii_case(name));
            }
            return;
        }
    }
    let field = entry(place, name);
    if rest.is_empty() {
        *field = value.clone();
    } else {
        set(field, rest, value);
    }
}

/// Splits at the filter in brackets: what stands before it, its comparisons, what follows.
fn split_filter(text: &str) -> (&str, Vec<(String, Value)>, &str) {
    let whole = (text, Vec::new(), "");
    let Some((head, rest)) = text.split_once('[') else {
        return whole;
    };
    let Some(end) = closing(rest) else {
        return whole;
    };
    let Some(filter) = comparisons(&rest[..end]) else {
        return whole;
    };
    (head, filter, rest[end + 1..].trim_start_matches('.'))
}

fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '\\' if quoted && !escaped => {
                escaped = true;
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            ']' if !quoted => return Some(at),
            _ => {}
        }
        escaped = false;
    }
    None
}

/// Reads `name eq value` joined by `and`; anything else is no filter that could be written back as an element.
fn comparisons(text: &str) -> Option<Vec<(String, Value)>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    loop {
        let (name, after) = rest.split_once(char::is_whitespace)?;
        let (operator, after) = after.trim_start().split_once(char::is_whitespace)?;
        if !operator.eq_ignore_ascii_case("eq") {
            return None;
        }
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
        let value = values.next()?.ok()?;
        found.push((name.to_owned(), value));
        rest = after[values.byte_offset()..].trim();
        if rest.is_empty() {
            return Some(found);
        }
        let (and, after) = rest.split_once(char::is_whitespace)?;
        if !and.eq_ignore_ascii_case("and") {
            return None;
        }
        rest = after.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    #[test]
    fn every_form_of_a_path_flattens_into_json() {
        let department = format!("{ENTERPRISE}:department");
        let manager = format!("{ENTERPRISE}:manager.displayName");
        let mut resource = json!({});
        for (path, value) in [
            ("title", json!("Dr \"Q\" 🙂")),
            ("name.givenName", json!("Kim")),
            ("emails[type eq \"work\"].value", json!("k@a.example")),
            ("emails[type eq \"work\"].primary", json!(true)),
            (
                "emails[type eq \"home\" and primary eq false].value",
                json!("h@a.example"),
            ),
            ("addresses[type eq \"a]b\"]", json!({"country": "NO"})),
            (department.as_str(), json!("Sales")),
            (manager.as_str(), json!("Bo")),
        ] {
            AttributePath::parse(path).put(&mut resource, &value);
        }
        assert_eq!(
            resource,
            json!({
                "title": "Dr \"Q\" 🙂",
                "name": {"givenName": "Kim"},
                "emails": [
                    {"type": "work", "value": "k@a.example", "primary": true},
                    {"type": "home", "primary": false, "value": "h@a.example"},
                ],
                "addresses": [{"type": "a]b", "country": "NO"}],
                ENTERPRISE: {"department": "Sales", "manager": {"displayName": "Bo"}},
            })
        );
    }

    #[test]
    fn what_was_put_is_read_back() {
        let department = format!("{ENTERPRISE}:department");
        for (path, value) in [
            ("title", json!("Dr")),
            ("name.givenName", json!("Kim")),
            ("emails[type eq \"work\"].value", json!("k@a.example")),
            ("phones[type eq \"work\"]", json!("+47 1")),
            (department.as_str(), json!("Sales")),
        ] {
            let path = AttributePath::parse(path);
            let mut resource = json!({});
            assert_eq!(path.get(&resource), None, "{path:?}");
            path.put(&mut resource, &value);
            assert_eq!(path.get(&resource), Some(&value), "{path:?}");
        }
        let other = json!({"emails": [{"type": "home", "value": "h"}], "name": "Kim"});
        for path in ["emails[type eq \"work\"].value", "name.givenName"] {
            assert_eq!(AttributePath::parse(path).get(&other), None, "{path}");
        }
    }

    #[test]
    fn null_takes_away_what_is_there_and_makes_nothing() {
        let mut resource = json!({"name": {"givenName": "K", "familyName": "N"},
            "Emails": [{"type": "Work", "value": "k@a"}, {"type": "home", "value": "h"}]});
        for path in [
            "name.givenName",
            "emails[type eq \"work\"].value",
            "phoneNumbers[type eq \"work\"].value",
            "urn:x:User:department",
            "nickName",
            "a.b.c",
        ] {
            AttributePath::parse(path).put(&mut resource, &Value::Null);
        }
        assert_eq!(
            resource,
            json!({"name": {"familyName": "N"}, "Emails": [{"type": "home", "value": "h"}]})
        );
    }

    #[test]
    fn a_broken_filter_is_a_name() {
        for text in ["emails[type eq", "emails[type co \"w\"].value", "emails[]"] {
            assert!(AttributePath::parse(text).filter.is_empty(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_path_and_value_can_be_put(text in ".{0,40}", value in ".{0,10}") {
            let mut resource = json!({"a": 1});
            AttributePath::parse(&text).put(&mut resource, &Value::from(value));
            let _ = AttributePath::parse(&text).get(&resource); // it may be anywhere; it must not panic
            AttributePath::parse(&text).put(&mut resource, &Value::Null);
        }
    }
}
