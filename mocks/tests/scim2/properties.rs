//! What holds whatever is sent.

use std::collections::{HashMap, HashSet};

use outbound_mocks::Vendor;
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

use super::{Desk, ENTERPRISE, GROUP, USER};

/// One request of a random run; numbers choose among what is there.
#[derive(Debug, Clone)]
enum Step {
    CreateUser(u8, bool),
    CreateGroup(u8, Vec<u8>),
    Rename(u8, u8),
    Replace(u8, u8),
    Patch(u8, Vec<u8>),
    AddMembers(u8, Vec<u8>),
    RemoveMember(u8, u8),
    ReplaceMembers(u8, Vec<u8>),
    Nest(u8, u8),
    DeleteUser(u8),
    DeleteGroup(u8),
    Bulk(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let few = || vec(any::<u8>(), 0..4);
    prop_oneof![
        4 => (any::<u8>(), any::<bool>()).prop_map(|(a, b)| Step::CreateUser(a, b)),
        2 => (any::<u8>(), few()).prop_map(|(a, b)| Step::CreateGroup(a, b)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Rename(a, b)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Replace(a, b)),
        2 => (any::<u8>(), few()).prop_map(|(a, b)| Step::Patch(a, b)),
        2 => (any::<u8>(), few()).prop_map(|(a, b)| Step::AddMembers(a, b)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::RemoveMember(a, b)),
        1 => (any::<u8>(), few()).prop_map(|(a, b)| Step::ReplaceMembers(a, b)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Nest(a, b)),
        1 => any::<u8>().prop_map(Step::DeleteUser),
        1 => any::<u8>().prop_map(Step::DeleteGroup),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Bulk(a, b)),
    ]
}

fn ids(desk: &mut Desk, endpoint: &str) -> Vec<String> {
    let list = desk
        .get(&format!("{endpoint}?attributes=id"))
        .expect(200)
        .body;
    list["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect()
}

fn pick(ids: &[String], at: u8) -> String {
    if ids.is_empty() {
        "nobody".to_owned()
    } else {
        ids[at as usize % ids.len()].clone()
    }
}

/// A few operations, good and bad, on a user.
fn operation(at: u8) -> Value {
    match at % 8 {
        0 => {
            json!({"op": "add", "path": "emails", "value": [{"value": format!("e{at}@x"), "type": "work", "primary": true}]})
        }
        1 => json!({"op": "remove", "path": "emails[type eq \"work\"]"}),
        2 => json!({"op": "replace", "path": "title", "value": format!("t{at}")}),
        3 => json!({"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "d"}),
        4 => json!({"op": "remove", "path": ENTERPRISE}),
        5 => json!({"op": "replace", "path": "nothing", "value": "x"}),
        6 => json!({"op": "replace", "path": "emails[value eq \"none\"].value", "value": "x"}),
        _ => json!({"op": "Replace", "path": "active", "value": at % 16 == 7}),
    }
}

fn carry_out(desk: &mut Desk, step: &Step) -> u16 {
    let (users, groups) = (ids(desk, "/Users"), ids(desk, "/Groups"));
    let members = |of: &[u8]| -> Vec<Value> {
        of.iter()
            .map(|at| json!({"value": pick(&users, *at)}))
            .collect()
    };
    let reply = match step {
        Step::CreateUser(at, upper) => {
            let name = format!("user{}", at % 12);
            let name = if *upper { name.to_uppercase() } else { name };
            desk.post("/Users", &json!({"schemas": [USER], "userName": name, "externalId": format!("x{at}")}))
        }
        Step::CreateGroup(at, of) => {
            desk.post("/Groups", &json!({"schemas": [GROUP], "displayName": format!("g{at}"), "members": members(of)}))
        }
        Step::Rename(at, to) => {
            let value = json!({"userName": format!("user{}", to % 12), "displayName": format!("d{to}")});
            desk.patch(&format!("/Users/{}", pick(&users, *at)), &json!([{"op": "replace", "value": value}]))
        }
        Step::Replace(at, to) => desk.put(
            &format!("/Users/{}", pick(&users, *at)),
            &json!({"schemas": [USER], "userName": format!("user{}", to % 12), "title": format!("t{to}")}),
        ),
        Step::Patch(at, of) => {
            let operations: Vec<Value> = of.iter().map(|at| operation(*at)).collect();
            desk.patch(&format!("/Users/{}", pick(&users, *at)), &Value::Array(operations))
        }
        Step::AddMembers(at, of) => {
            let op = json!([{"op": "add", "path": "members", "value": members(of)}]);
            desk.patch(&format!("/Groups/{}", pick(&groups, *at)), &op)
        }
        Step::RemoveMember(at, of) => {
            let op = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", pick(&users, *of))}]);
            desk.patch(&format!("/Groups/{}", pick(&groups, *at)), &op)
        }
        Step::ReplaceMembers(at, of) => {
            let op = json!([{"op": "replace", "path": "members", "value": members(of)}]);
            desk.patch(&format!("/Groups/{}", pick(&groups, *at)), &op)
        }
        Step::Nest(at, of) => {
            let op = json!([{"op": "add", "path": "members", "value": [{"value": pick(&groups, *of)}]}]);
            desk.patch(&format!("/Groups/{}", pick(&groups, *at)), &op)
        }
        Step::DeleteUser(at) => desk.delete(&format!("/Users/{}", pick(&users, *at))),
        Step::DeleteGroup(at) => desk.delete(&format!("/Groups/{}", pick(&groups, *at))),
        Step::Bulk(at, of) => desk.post(
            "/Bulk",
            &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
                {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"schemas": [GROUP], "displayName": format!("b{at}"), "members": [{"value": "bulkId:u"}]}},
                {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"schemas": [USER], "userName": format!("user{}", of % 12)}}]}),
        ),
    };
    reply.status
}

/// Everything there is, by id, without `meta`; and the versions.
fn everything(desk: &mut Desk) -> HashMap<String, (Value, String)> {
    let all = desk.get("?count=1000").expect(200).body;
    let mut found = HashMap::new();
    for resource in all["Resources"].as_array().unwrap() {
        let mut content = resource.clone();
        let meta = content.as_object_mut().unwrap().remove("meta").unwrap();
        found.insert(
            content["id"].as_str().unwrap().to_owned(),
            (content, meta["version"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(json!(found.len()), all["totalResults"]);
    found
}

fn check_links(all: &HashMap<String, (Value, String)>) {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    for (id, (content, _)) in all {
        for member in list(content, "members") {
            let Some((other, _)) = all.get(member["value"].as_str().unwrap()) else {
                assert_eq!(member, json!({"value": "nobody"}));
                continue;
            };
            if other.get("userName").is_some() {
                assert!(
                    list(other, "groups")
                        .iter()
                        .any(|it| it["value"] == *id && it["type"] == "direct")
                );
            }
        }
        for group in list(content, "groups")
            .iter()
            .filter(|it| it["type"] == "direct")
        {
            let (other, _) = &all[group["value"].as_str().unwrap()];
            assert_eq!(group["display"], other["displayName"]);
            assert!(list(other, "members").iter().any(|it| it["value"] == *id));
        }
    }
}

fn check_names(desk: &mut Desk, all: &HashMap<String, (Value, String)>) {
    let mut names = HashSet::new();
    for (id, (content, _)) in all {
        let Some(name) = content["userName"].as_str() else {
            continue;
        };
        assert!(names.insert(name.to_lowercase()), "{name} twice");
        let found = desk
            .filter(
                "/Users",
                &format!("userName eq {}", json!(name.to_uppercase())),
            )
            .body;
        assert_eq!(
            (&found["totalResults"], &found["Resources"][0]["id"]),
            (&json!(1), &json!(id))
        );
        if let Some(external) = content["externalId"].as_str() {
            let by_index = desk
                .names("/Users", &format!("externalId eq {}", json!(external)))
                .len();
            let by_scan = desk
                .names(
                    "/Users",
                    &format!("externalId eq {0} or externalId eq {0}", json!(external)),
                )
                .len();
            assert_eq!(by_index, by_scan);
        }
    }
}

fn check_pages(desk: &mut Desk, endpoint: &str, size: usize) {
    let whole = ids(desk, endpoint);
    let mut by_index = Vec::new();
    while by_index.len() < whole.len() {
        let page = desk
            .get(&format!(
                "{endpoint}?startIndex={}&count={size}",
                by_index.len() + 1
            ))
            .expect(200)
            .body;
        assert_eq!(page["totalResults"], json!(whole.len()));
        by_index.extend(
            page["Resources"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["id"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(by_index, whole);
    let (mut by_cursor, mut cursor) = (Vec::new(), Some(String::new()));
    while let Some(at) = cursor {
        let page = desk
            .get(&format!("{endpoint}?cursor={at}&count={size}"))
            .expect(200)
            .body;
        by_cursor.extend(
            page["Resources"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["id"].as_str().unwrap().to_owned()),
        );
        cursor = page["nextCursor"].as_str().map(str::to_owned);
    }
    assert_eq!(by_cursor, whole);
}

/// Any JSON, with names that mean something more often than chance would have it.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("schemas".to_owned()),
        Just("userName".to_owned()),
        Just("emails".to_owned()),
        Just("value".to_owned()),
        Just("members".to_owned()),
        Just("Operations".to_owned()),
        Just("op".to_owned()),
        Just("path".to_owned()),
        Just("bulkId:a".to_owned()),
        Just("emails[type eq \"work\"].value".to_owned()),
        Just("filter".to_owned()),
        Just("$ref".to_owned()),
        Just("replace".to_owned()),
        Just(USER.to_owned()),
        Just(ENTERPRISE.to_owned()),
        Just("manager".to_owned()),
        Just("password".to_owned()),
        Just("data".to_owned()),
        Just("method".to_owned()),
        Just("POST".to_owned()),
        Just("bulkId".to_owned()),
        Just("/Users".to_owned()),
        ".{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            vec((word.clone(), inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Asks every endpoint with one body and one query; the answer is what is looked at, and that there is one.
fn ask_everything(desk: &mut Desk, body: &[u8], query: &str) {
    let user = desk.user("resident");
    let paths = [
        "/Users",
        &format!("/Users/{user}"),
        "/Groups",
        "/.search",
        "/Bulk",
        "/Me",
        "/Schemas",
        "/token",
        "/x",
    ];
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH"] {
            let request = desk.request(method, &format!("{path}?{query}"), body.to_vec());
            let _ = desk.scim.classify(&request);
            let status = desk.scim.answer(&request, &mut Vec::new()).status;
            assert!(
                status != 500 && (200..600).contains(&status.as_u16()),
                "{method} {path}: {status}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_random_run_keeps_names_links_versions_and_pages(steps in vec(step(), 1..40), size in 1..7_usize) {
        let mut desk = Desk::new();
        let mut before = everything(&mut desk);
        for step in &steps {
            let status = carry_out(&mut desk, step);
            let after = everything(&mut desk);
            if status >= 400 {
                prop_assert_eq!(&before, &after, "a refused request changes nothing: {:?}", step);
            }
            for (id, (content, version)) in &after {
                if let Some((old, old_version)) = before.get(id) {
                    prop_assert_eq!(old == content, old_version == version, "{:?}", step);
                }
            }
            check_links(&after);
            before = after;
        }
        check_names(&mut desk, &before);
        check_pages(&mut desk, "/Users", size);
        check_pages(&mut desk, "/Groups", size);
    }

    #[test]
    fn random_json_is_answered(body in any_json(), query in "[a-zA-Z=&%\\[\\]\" ]{0,40}") {
        ask_everything(&mut Desk::new(), body.to_string().as_bytes(), &query);
    }

    #[test]
    fn random_json_in_the_right_frame_is_answered(value in any_json(), path in any_json()) {
        let mut desk = Desk::new();
        let id = desk.user("kim");
        let group = desk.group("g", &[&id]);
        let op = |op: &str| json!({"op": op, "path": path, "value": value});
        for target in [format!("/Users/{id}"), format!("/Groups/{group}")] {
            for verb in ["add", "replace", "remove"] {
                let before = desk.get(&target).body;
                let reply = desk.patch(&target, &json!([op(verb), {"op": "replace", "value": value}]));
                if reply.status >= 400 {
                    prop_assert_eq!(desk.get(&target).body, before);
                }
            }
        }
        let mut body = json!({"schemas": [USER], "userName": "new"});
        if let (Value::Object(body), Value::Object(value)) = (&mut body, &value) {
            body.extend(value.clone());
        }
        desk.post("/Users", &body);
        desk.post("/Bulk", &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [value, path]}));
    }

    #[test]
    fn random_bytes_are_answered(body in vec(any::<u8>(), 0..200), query in vec(any::<u8>(), 0..40)) {
        let query = percent_encoding::percent_encode(&query, percent_encoding::NON_ALPHANUMERIC).to_string();
        ask_everything(&mut Desk::new(), &body, &format!("filter={query}&cursor={query}"));
    }

    #[test]
    fn random_filters_are_answered(filter in "[a-z.:\\[\\]()\"\\\\ ]{0,60}|((userName|emails|active|not|and|or|eq|pr|co|null|true|\"x\"|\\(|\\)|\\[|\\]) ){0,12}") {
        let mut desk = Desk::new();
        desk.user("kim");
        let status = desk.filter("/Users", &filter).status;
        prop_assert!(status == 200 || status == 400);
    }
}
