//! The vendor samples of `fixtures/wire/salesforce`, from the mock's side: each is an answer the mock gives itself.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::kit::{BASE, Org};

fn sample(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures/wire/salesforce")
        .join(name);
    serde_json::from_str(
        &fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    )
    .unwrap()
}

/// Tells whether two answers have the same members of the same types, all the way down.
fn same_shape(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| same_shape(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b))
        }
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

#[test]
fn every_sample_names_its_source() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/wire/salesforce");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let sample: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert!(
            sample["source"]
                .as_str()
                .is_some_and(|source| source.len() > 10),
            "{}",
            path.display()
        );
        assert!(sample["response"]["status"].is_u64(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 12);
}

#[test]
fn the_mock_answers_the_samples_word_for_word_where_nothing_is_variable() {
    let mut org = Org::open();
    org.hire("kim");
    let mut person = org.person("lee");
    person["Username"] = json!("kim@acme.example");
    let (status, body) = org.post("/sobjects/User", &person);
    assert_eq!(
        sample("error-duplicate-username.json")["response"],
        json!({"status": status, "body": body})
    );
    let (status, body) = org.post(
        "/sobjects/User",
        &json!({"Username": "max@acme.example", "Email": "max@acme.example"}),
    );
    assert_eq!(
        sample("error-required-field-missing.json")["response"]["status"],
        status
    );
    assert_eq!(
        body[0]["errorCode"],
        sample("error-required-field-missing.json")["response"]["body"][0]["errorCode"]
    );
    let (status, body) = org.send(
        "GET",
        "/services/data/v59.0/limits",
        &[("authorization", "Bearer 00D!x")],
        b"",
    );
    assert_eq!(
        sample("error-invalid-session.json")["response"],
        json!({"status": status, "body": body})
    );
    let (status, body) = org.get("/sobjects/User/005HX00000zzzzz");
    assert_eq!(
        sample("error-not-found.json")["response"],
        json!({"status": status, "body": body})
    );
    let (status, body) = org.form(
        "/services/oauth2/token",
        &[
            ("grant_type", "password"),
            ("client_id", &org.credential("consumer_key")),
            ("client_secret", &org.credential("consumer_secret")),
        ],
    );
    assert_eq!(
        sample("error-invalid-grant.json")["response"],
        json!({"status": status, "body": body})
    );
    org.vendor.set_daily_limit(0);
    let (status, body) = org.get("/limits");
    assert_eq!(
        sample("error-request-limit.json")["response"],
        json!({"status": status, "body": body})
    );
}

#[test]
fn the_mock_answers_the_samples_in_shape_where_values_differ() {
    let mut org = Org::open();
    let person = org.person("kim");
    let (status, body) = org.post("/sobjects/User", &person);
    let created = sample("user-created.json");
    assert_eq!(created["response"]["status"], status);
    assert!(same_shape(&created["response"]["body"], &body), "{body}");
    let (status, body) = org.patch("/sobjects/User/External_Id__c/7", &json!({}));
    assert_eq!(
        (status, body[0]["errorCode"].as_str()),
        (400, Some("REQUIRED_FIELD_MISSING"))
    );
    let lee = org.person("lee");
    let (status, body) = org.patch("/sobjects/User/External_Id__c/7", &lee);
    let upserted = sample("user-upserted.json");
    assert_eq!(upserted["response"]["status"], status);
    assert!(same_shape(&upserted["response"]["body"], &body), "{body}");
    let body = org.soql("SELECT Id, Username FROM User WHERE Username = 'kim@acme.example'");
    assert!(
        same_shape(&sample("query-one.json")["response"]["body"], &body),
        "{body}"
    );
    let record = |mut person: Value| {
        person["attributes"] = json!({"type": "User"});
        person
    };
    let mut broken = record(org.person("joe"));
    broken["Email"] = json!("joe");
    let good = record(org.person("zoe"));
    let (status, body) = org.post("/composite/sobjects", &json!({"records": [good, broken]}));
    let sampled = sample("collection-mixed.json");
    assert_eq!(sampled["response"]["status"], status);
    assert!(same_shape(&sampled["response"]["body"], &body), "{body}");
    let (key, secret) = (
        org.credential("consumer_key"),
        org.credential("consumer_secret"),
    );
    let (status, body) = org.form(
        "/services/oauth2/token",
        &[
            ("grant_type", "client_credentials"),
            ("client_id", &key),
            ("client_secret", &secret),
        ],
    );
    let token = sample("token.json");
    assert_eq!(token["response"]["status"], status);
    assert!(same_shape(&token["response"]["body"], &body), "{body}");
    assert_eq!(body["instance_url"], BASE);
}
