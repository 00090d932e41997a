//! The samples of `fixtures/wire/google`: what the vendor was seen to answer, asked of the mock.

use std::fs;

use http::StatusCode;
use outbound_mocks::{Trouble, Vendor};
use serde_json::{Value, json};

use crate::lab::{ADMIN, Lab};

fn samples() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/wire/google");
    let mut all: Vec<(String, Value)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (
                name,
                serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap(),
            )
        })
        .collect();
    all.sort_by(|left, right| left.0.cmp(&right.0));
    all
}

fn sample(name: &str) -> Value {
    samples()
        .into_iter()
        .find(|(known, _)| known == name)
        .unwrap()
        .1
}

/// Kim, and a group that she is in.
fn staffed() -> Lab {
    let mut lab = Lab::new();
    lab.user("kim");
    lab.group("staff");
    lab.post(
        "groups/staff@acme.example/members",
        &json!({ "email": "kim@acme.example" }),
    )
    .ok();
    lab
}

/// Compares two bodies: the same keys in the same order, the same kinds of values; of errors the values too.
fn same_shape(left: &Value, right: &Value, exact: bool, at: &str) {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let keys =
                |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(left), keys(right), "{at}");
            for (key, value) in left {
                same_shape(value, &right[key], exact, &format!("{at}/{key}"));
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            assert_eq!(left.len(), right.len(), "{at}");
            for (left, right) in left.iter().zip(right) {
                same_shape(left, right, exact, at);
            }
        }
        (left, right) if exact => assert_eq!(left, right, "{at}"),
        (Value::String(left), Value::String(right)) => {
            assert_eq!(left.is_empty(), right.is_empty(), "{at}");
        }
        (left, right) => {
            assert_eq!(
                std::mem::discriminant(left),
                std::mem::discriminant(right),
                "{at}: {left} {right}"
            );
        }
    }
}

#[test]
fn every_sample_names_its_source() {
    for (name, sample) in samples() {
        assert!(
            sample["source"]
                .as_str()
                .is_some_and(|source| source.len() > 10),
            "{name}"
        );
    }
}

#[test]
fn the_mock_answers_every_sampled_request_alike() {
    let mut asked = 0;
    for (name, sample) in samples() {
        let Some(path) = sample["request"]["path"].as_str() else {
            continue;
        };
        let mut lab = staffed();
        if let Some(scopes) = sample["token_scopes"].as_array() {
            let mut claims = lab.claims(ADMIN, &[]);
            claims["scope"] = scopes[0].clone();
            lab.token = lab.exchange(&claims).token();
        }
        let told = lab.call(
            sample["request"]["method"].as_str().unwrap(),
            path,
            &sample["request"]["body"],
        );
        let expected = &sample["response"];
        assert_eq!(told.status.as_u16(), expected["status"], "{name}: {told:?}");
        same_shape(
            &expected["body"],
            &told.body,
            expected["body"].get("error").is_some(),
            &name,
        );
        asked += 1;
    }
    assert!(asked > 15);
}

#[test]
fn the_mock_fails_as_sampled_when_told_to() {
    let lab = Lab::new();
    let request = lab.request("GET", "/admin/directory/v1/users", b"");
    for (name, trouble) in [
        (
            "quota-user",
            Trouble::UserRate {
                retry_after_seconds: 1,
            },
        ),
        ("quota-concurrency", Trouble::Concurrency),
        (
            "quota-account",
            Trouble::AccountRate {
                retry_after_seconds: 1,
            },
        ),
        ("error-licences", Trouble::Licences),
        (
            "error-backend",
            Trouble::Status(StatusCode::SERVICE_UNAVAILABLE),
        ),
    ] {
        let answer = lab.google.trouble(&request, trouble);
        let expected = &sample(name)["response"];
        assert_eq!(answer.status.as_u16(), expected["status"]);
        let body = serde_json::from_slice(&answer.body).unwrap();
        same_shape(&expected["body"], &body, true, name);
    }
}

#[test]
fn the_token_endpoint_answers_as_sampled() {
    let mut lab = Lab::new();
    let good = lab.exchange(&lab.claims(ADMIN, &["user"]));
    same_shape(
        &sample("token")["response"]["body"],
        &good.body,
        false,
        "token",
    );
    let mut claims = lab.claims(ADMIN, &["user"]);
    claims["aud"] = "https://example.com".into();
    let told = lab.exchange(&claims);
    assert_eq!(
        told.body,
        sample("token-error-audience")["response"]["body"]
    );
    let mut claims = lab.claims(ADMIN, &["user"]);
    claims["scope"] = "https://www.googleapis.com/auth/drive".into();
    let told = lab.exchange(&claims);
    assert_eq!(
        told.status.as_u16(),
        sample("token-error-scope")["response"]["status"]
    );
    assert_eq!(told.body, sample("token-error-scope")["response"]["body"]);
}
