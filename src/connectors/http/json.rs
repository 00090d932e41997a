//! JSON from outside: how deep it goes, and what it would take of memory, is bounded before anything is built from it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The most memory that a value read from an answer may take, by estimate, in bytes.
const LARGEST: usize = 128 * 1024 * 1024;

/// What an object takes beside its fields: its index and its first entries.
const OBJECT: usize = 512;

/// What a value takes where it stands, its key or its place in a list included.
const VALUE: usize = 96;

/// Reads JSON. A body of a few bytes per object grows a hundredfold in memory, so the size of a body is no bound.
///
/// # Errors
/// A sentence: it is none, is nested deeper than 128 levels, or would take too much memory.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, String> {
    if is_too_large(bytes) {
        return Err(too_large());
    }
    serde_json::from_slice(bytes).map_err(|error| format!("the answer is not JSON: {error}"))
}

/// Reads some fields of an object and passes over the others; names compare without case. What is no object has no fields.
///
/// # Errors
/// As [`parse`], but for what stands too deep in a field that is passed over.
pub(crate) fn pick(bytes: &[u8], names: &[&str]) -> Result<Value, String> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return parse(bytes);
    }
    if is_too_large(bytes) {
        return Err(too_large());
    }
    let told = |error: serde_json::Error| format!("the answer is not JSON: {error}");
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let picked = Pick(names).deserialize(&mut json).map_err(told)?;
    json.end().map_err(told)?;
    Ok(Value::Object(picked))
}

struct Pick<'n>(&'n [&'n str]);

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut picked = Map::new();
        while let Some(Name(name)) = fields.next_key()? {
            if self
                .0
                .iter()
                .any(|wanted| name.eq_ignore_ascii_case(wanted))
            {
                picked.insert(name.into_owned(), fields.next_value()?);
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(picked)
    }
}

/// A name that is copied only when it is written with escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

fn too_large() -> String {
    format!(
        "the answer is JSON that would take more than {} MiB of memory",
        LARGEST / 1024 / 1024
    )
}

/// Tells whether the values of a text would take too much. A short one cannot: no byte stands for more than an object.
fn is_too_large(bytes: &[u8]) -> bool {
    bytes.len() > LARGEST / OBJECT - VALUE && estimate(bytes) > LARGEST
}

/// Returns about what the values of a text will take, strings apart: those are no longer than the text itself.
fn estimate(bytes: &[u8]) -> usize {
    let mut total = VALUE;
    let mut quoted = false;
    let mut escaped = false;
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' => total += OBJECT,
            b'[' | b',' => total += VALUE,
            _ => {}
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_strings_costs_nothing() {
        let text = r#"{"a": "{[,,\"{{", "b": [1, 2]}"#;
        assert_eq!(estimate(text.as_bytes()), VALUE + OBJECT + 3 * VALUE);
        assert!(parse(text.as_bytes()).is_ok());
    }

    #[test]
    fn small_objects_without_end_are_not_built() {
        let many = format!("[{}{{}}]", "{},".repeat(1_000_000));
        let told = parse(many.as_bytes()).unwrap_err();
        assert!(told.contains("128 MiB"), "{told}");
        let list = format!("[{}0]", "0,".repeat(3_000_000));
        assert!(parse(list.as_bytes()).is_err());
    }

    #[test]
    fn a_large_group_is_read() {
        let member = r#"{"value":"0198c1de-0000-7000-8000-000000000000","display":"kim"},"#;
        let group = format!(r#"{{"members":[{}{{}}]}}"#, member.repeat(100_000));
        assert!(parse(group.as_bytes()).is_ok());
    }

    #[test]
    fn picked_fields_are_read_as_with_all_others() {
        for text in [
            r#"{"schemas":["a",{"id":1}],"ID":"7","user\u004eame":"kim","x":{"y":[]}}"#,
            r#" {"id":1,"id":2,"username":null} "#,
            r#"{"idx":1}"#,
            "[1,2]",
            "null",
        ] {
            let mut all = parse(text.as_bytes()).unwrap();
            if let Some(fields) = all.as_object_mut() {
                fields.retain(|name, _| {
                    ["id", "userName"]
                        .iter()
                        .any(|wanted| name.eq_ignore_ascii_case(wanted))
                });
            }
            assert_eq!(pick(text.as_bytes(), &["id", "userName"]).unwrap(), all);
        }
        for text in ["", "{", "{}x", r#"{"id":}"#, r#"{"a":{]}"#] {
            assert!(pick(text.as_bytes(), &["id"]).is_err(), "{text}");
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn too_deep_is_no_json() {
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        assert!(parse(deep.as_bytes()).is_err());
    }
}
