//! The samples of `fixtures/wire/scim2/`: bodies from the RFCs and from vendors' documents, replayed.
//!
//! A sample has a `source`; `given`, resources that are there first, by a name of their own; `request`; and `expect`,
//! the status and as much of the answer as the source shows. `{name}` stands for the id of a given resource.

use std::{collections::HashMap, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

use super::Desk;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    source: String,
    #[serde(default)]
    given: Vec<Given>,
    request: Sent,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    name: String,
    path: String,
    body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    method: String,
    path: String,
    body: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: u16,
    #[serde(default)]
    body: Value,
}

/// Tells whether `part` is in `whole`: every key of an object, every element of a list in its place.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (_, Value::Null) => whole.is_null(),
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, part)| contains(whole.get(key).unwrap_or(&Value::Null), part)),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len()
                && whole
                    .iter()
                    .zip(part)
                    .all(|(whole, part)| contains(whole, part))
        }
        _ => whole == part,
    }
}

#[test]
fn every_sample_is_answered_as_its_source_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/wire/scim2");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 12, "{}", files.len());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let sample: Sample = serde_json::from_str(&fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!sample.source.is_empty(), "{name}");
        let mut desk = Desk::new();
        let mut ids: HashMap<String, String> = HashMap::new();
        let fill = |ids: &HashMap<String, String>, text: String| {
            ids.iter().fold(text, |text, (name, id)| {
                text.replace(&format!("{{{name}}}"), id)
            })
        };
        for given in sample.given {
            let body = fill(&ids, given.body.to_string());
            let made = desk.send("POST", &given.path, body).expect(201);
            ids.insert(given.name, made.id());
        }
        let body = sample
            .request
            .body
            .map_or(String::new(), |body| fill(&ids, body.to_string()));
        let reply = desk.send(
            &sample.request.method,
            &fill(&ids, sample.request.path),
            body,
        );
        assert_eq!(reply.status, sample.expect.status, "{name}: {}", reply.body);
        let expected: Value =
            serde_json::from_str(&fill(&ids, sample.expect.body.to_string())).unwrap();
        if !expected.is_null() {
            assert!(contains(&reply.body, &expected), "{name}: {:#}", reply.body);
        }
    }
}
