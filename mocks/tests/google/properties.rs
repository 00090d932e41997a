//! What holds after any sequence of requests, and that no bytes make the mock panic.

use std::collections::{BTreeMap, BTreeSet};

use outbound_mocks::{Object, Vendor};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::lab::{Lab, address, person, sign};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// One step of a random history; names are few so that steps meet.
#[derive(Debug, Clone)]
enum Step {
    Insert(usize),
    Rename(usize, usize),
    Change(usize, u8),
    Delete(usize),
    Undelete(usize),
    Alias(usize, usize),
    DropAlias(usize, usize),
    Group(usize),
    RenameGroup(usize, usize),
    DropGroup(usize),
    GroupAlias(usize, usize),
    Join(usize, usize),
    Guest(usize, usize),
    Part(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 0..NAMES.len();
    let two = (name.clone(), name.clone());
    let step = prop_oneof![
        4 => name.clone().prop_map(Step::Insert),
        2 => two.clone().prop_map(|(one, other)| Step::Rename(one, other)),
        2 => (name.clone(), any::<u8>()).prop_map(|(one, how)| Step::Change(one, how)),
        2 => name.clone().prop_map(Step::Delete),
        1 => name.clone().prop_map(Step::Undelete),
        2 => two.clone().prop_map(|(one, other)| Step::Alias(one, other)),
        1 => two.clone().prop_map(|(one, other)| Step::DropAlias(one, other)),
        3 => name.clone().prop_map(Step::Group),
        1 => two.clone().prop_map(|(one, other)| Step::RenameGroup(one, other)),
        1 => name.prop_map(Step::DropGroup),
        1 => two.clone().prop_map(|(one, other)| Step::GroupAlias(one, other)),
        4 => two.clone().prop_map(|(one, other)| Step::Join(one, other)),
        1 => two.clone().prop_map(|(one, other)| Step::Guest(one, other)),
        2 => two.prop_map(|(one, other)| Step::Part(one, other)),
    ];
    prop::collection::vec(step, 1..40)
}

fn take(lab: &mut Lab, step: &Step, ids: &mut Vec<String>) -> u16 {
    let at = |name: &usize| address(NAMES[*name]);
    let told = match step {
        Step::Insert(name) => {
            let told = lab.post("users", &person(NAMES[*name]));
            ids.extend(told.body["id"].as_str().map(str::to_owned));
            told
        }
        Step::Rename(name, new) => lab.put(
            &format!("users/{}", at(name)),
            &json!({ "primaryEmail": at(new) }),
        ),
        Step::Change(name, how) => {
            let body = match how % 5 {
                0 => json!({ "suspended": how % 2 == 0 }),
                1 => json!({ "name": { "givenName": format!("N{how}") } }),
                2 => json!({ "phones": [{ "value": how.to_string() }] }),
                3 => json!({ "phones": null }),
                _ => {
                    json!({ "archived": how % 2 == 0, "orgUnitPath": if *how > 250 { "/x" } else { "/" } })
                }
            };
            lab.put(&format!("users/{}", at(name)), &body)
        }
        Step::Delete(name) => lab.delete(&format!("users/{}", at(name))),
        Step::Undelete(place) => {
            let id = ids.get(*place).cloned().unwrap_or_else(|| "1".repeat(21));
            lab.post(&format!("users/{id}/undelete"), &json!({}))
        }
        Step::Alias(name, alias) => lab.post(
            &format!("users/{}/aliases", at(name)),
            &json!({ "alias": at(alias) }),
        ),
        Step::DropAlias(name, alias) => {
            lab.delete(&format!("users/{}/aliases/{}", at(name), at(alias)))
        }
        Step::Group(name) => lab.post("groups", &json!({ "email": at(name) })),
        Step::RenameGroup(name, new) => lab.patch(
            &format!("groups/{}", at(name)),
            &json!({ "email": at(new) }),
        ),
        Step::DropGroup(name) => lab.delete(&format!("groups/{}", at(name))),
        Step::GroupAlias(name, alias) => lab.post(
            &format!("groups/{}/aliases", at(name)),
            &json!({ "alias": at(alias) }),
        ),
        Step::Join(group, member) => lab.post(
            &format!("groups/{}/members", at(group)),
            &json!({ "email": at(member) }),
        ),
        Step::Guest(group, guest) => {
            let guest = format!("{}@elsewhere.example", NAMES[*guest]);
            lab.post(
                &format!("groups/{}/members", at(group)),
                &json!({ "email": guest }),
            )
        }
        Step::Part(group, member) => {
            lab.delete(&format!("groups/{}/members/{}", at(group), at(member)))
        }
    };
    told.status.as_u16()
}

/// Returns every version with the content it stands for, for users and groups alike.
fn versions(objects: &[Object]) -> BTreeMap<String, (Value, Value)> {
    let split = |object: &Object| {
        let mut content = object.content.clone();
        let map = content.as_object_mut().unwrap();
        let etag = map.shift_remove("etag").unwrap();
        // The list of members is no part of a group; only their number is.
        map.shift_remove("members");
        (object.id.clone(), (etag, content))
    };
    objects.iter().map(split).collect()
}

fn check(lab: &mut Lab) {
    let objects = lab.google.objects();
    let mut taken = BTreeSet::new();
    for object in &objects {
        let own = [&object.content["primaryEmail"], &object.content["email"]]
            .into_iter()
            .filter_map(Value::as_str);
        let aliases = object.content["aliases"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        for one in own.chain(aliases) {
            assert!(taken.insert(one.to_owned()), "`{one}` is held twice");
        }
    }
    let live: BTreeSet<&str> = objects.iter().map(|object| object.id.as_str()).collect();
    for group in objects.iter().filter(|object| object.object == "Group") {
        let members = group.content["members"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let people = members.iter().filter(|one| one["type"] != "GROUP").count();
        assert_eq!(group.content["directMembersCount"], people.to_string());
        for member in &members {
            let email = member["email"].as_str().expect("a member has an address");
            assert!(
                email.ends_with("@elsewhere.example")
                    || live.contains(member["id"].as_str().unwrap()),
                "{member}"
            );
        }
    }
    let count = |told: Value, key: &str| told[key].as_array().map_or(0, Vec::len);
    let users = lab.get("users?customer=my_customer&maxResults=500").ok();
    let groups = lab.get("groups?customer=my_customer").ok();
    assert_eq!(
        count(users, "users") + count(groups, "groups"),
        objects.len()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_keeps_addresses_counts_versions_and_memberships_true(history in steps()) {
        let mut lab = Lab::new();
        let mut ids = Vec::new();
        for step in &history {
            let before = lab.google.objects();
            let status = take(&mut lab, step, &mut ids);
            let after = lab.google.objects();
            prop_assert!(status != 500);
            if status >= 400 {
                prop_assert_eq!(&before, &after, "a refused {:?} changed something", step);
                prop_assert!(lab.changes.is_empty());
            }
            prop_assert_eq!(before == after, lab.changes.is_empty(), "{:?} and {:?}", step, lab.changes);
            let (old, new) = (versions(&before), versions(&after));
            for (id, (etag, content)) in &new {
                if let Some((old_etag, old_content)) = old.get(id) {
                    prop_assert_eq!(etag == old_etag, content == old_content, "the version of {} lies", id);
                }
            }
            check(&mut lab);
        }
    }

    #[test]
    fn pages_of_any_size_hold_everybody_once(count in 0_usize..12, size in 1_usize..5, down in any::<bool>()) {
        let mut lab = Lab::new();
        for number in 0..count {
            lab.user(&format!("user{number}"));
        }
        let order = if down { "&orderBy=email&sortOrder=DESCENDING" } else { "" };
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = lab.get(&format!("users?customer=my_customer&maxResults={size}{order}{token}")).ok();
            let users = page["users"].as_array().cloned().unwrap_or_default();
            prop_assert!(users.len() <= size && !users.is_empty());
            found.extend(users.iter().map(|user| user["id"].to_string()));
            let Some(next) = page["nextPageToken"].as_str() else { break };
            token = format!("&pageToken={}", url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>());
        }
        prop_assert_eq!(found.len(), count + 1);
        prop_assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), count + 1);
    }

    #[test]
    fn a_selection_never_shows_what_the_whole_does_not(fields in "[a-z*/(),]{0,24}|(id|name|emails|kind|aliases)([,/(](id|address|fullName|givenName|\\*)\\)?){0,3}") {
        let mut lab = Lab::new();
        let whole = lab.get("users/admin@acme.example").ok();
        let encoded: String = url::form_urlencoded::byte_serialize(fields.as_bytes()).collect();
        let told = lab.get(&format!("users/admin@acme.example?fields={encoded}"));
        prop_assert!(told.status == 200 || told.status == 400);
        if told.status == 200 {
            for (key, value) in told.body.as_object().unwrap() {
                prop_assert!(whole[key].to_string().len() >= value.to_string().len());
            }
        }
    }
}

fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("users"),
        Just("groups"),
        Just("members"),
        Just("aliases"),
        Just("admin@acme.example"),
        Just("customer"),
        Just("my_customer"),
        Just("undelete"),
        Just("makeAdmin"),
        Just("hasMember"),
        Just("orgunits"),
        Just("schemas"),
        Just("domains"),
        Just("roles"),
        Just("%00"),
        Just("%ff%fe"),
        Just("..%2f"),
        Just(""),
        Just("111111111111111111111"),
    ];
    let api = prop::collection::vec(part, 0..5)
        .prop_map(|parts| format!("/admin/directory/v1/{}", parts.join("/")));
    prop_oneof![4 => api, 1 => Just("/token".to_owned()), 1 => Just("/batch".to_owned()), 1 => "\\PC{0,20}"]
}

fn query() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("customer"),
        Just("domain"),
        Just("query"),
        Just("fields"),
        Just("pageToken"),
        Just("maxResults"),
        Just("orderBy"),
        Just("callback"),
        Just("alt"),
        Just("userKey"),
        Just("projection"),
        Just("customFieldMask"),
        Just("$.xgafv"),
        Just("roles"),
        Just("showDeleted"),
        Just("x"),
    ];
    let value = prop_oneof![
        Just("my_customer".to_owned()),
        Just("acme.example".to_owned()),
        Just("true".to_owned()),
        Just("500".to_owned()),
        "[a-zA-Z'\\\\*:=<>()/,.@ \\[\\]]{0,16}",
        "\\PC{0,8}",
    ];
    prop::collection::vec((name, value), 0..4).prop_map(|pairs| {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    })
}

/// Any JSON, with keys that the API knows.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("kim@acme.example")),
        Just(json!("correct horse")),
    ];
    let key = prop_oneof![
        Just("primaryEmail"),
        Just("name"),
        Just("givenName"),
        Just("familyName"),
        Just("password"),
        Just("emails"),
        Just("address"),
        Just("phones"),
        Just("customSchemas"),
        Just("alias"),
        Just("email"),
        Just("id"),
        Just("role"),
        Just("status"),
        Just("orgUnitPath"),
        Just("hashFunction"),
        Just("suspended"),
        Just("externalIds"),
        Just("x"),
    ];
    let json = leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop_oneof![4 => json.prop_map(|json| json.to_string().into_bytes()), 1 => prop::collection::vec(any::<u8>(), 0..64)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_makes_it_panic(
        method in prop_oneof![Just("GET"), Just("POST"), Just("PUT"), Just("PATCH"), Just("DELETE"), Just("BREW")],
        path in path(), query in query(), body in body(),
        header in prop_oneof![Just(("if-match", "x")), Just(("x-http-method-override", "GET")), Just(("content-type", "text/plain"))],
    ) {
        let mut lab = Lab::new();
        let mut request = lab.request(method, &format!("{}?{query}", path.replace('?', "")), &body);
        request.headers.insert(header.0, header.1.parse().unwrap());
        let _ = lab.google.classify(&request); // only that it returns
        let told = lab.send(&request);
        prop_assert!(told.status.as_u16() < 500 || told.status == 501, "{:?}", told);
        if told.status.is_client_error() && request.path.starts_with("/admin") && told.headers["content-type"] != "text/html; charset=UTF-8" {
            prop_assert!(told.body["error"]["code"] == told.status.as_u16());
        }
    }

    #[test]
    fn no_multipart_makes_it_panic(
        lines in prop::collection::vec(prop_oneof![
            Just("--b".to_owned()), Just("--b--".to_owned()), Just("Content-Type: application/http".to_owned()),
            Just("Content-ID: <a + 1>".to_owned()), Just("Content-Length: 99999999999".to_owned()), Just(String::new()),
            Just(" folded".to_owned()), Just("GET /admin/directory/v1/users?customer=my_customer HTTP/1.1".to_owned()),
            Just("POST http://h/admin/directory/v1/users HTTP/1.1".to_owned()), Just("{}".to_owned()), "\\PC{0,16}",
        ], 0..24),
        noise in prop::collection::vec(any::<u8>(), 0..16), end in prop_oneof![Just("\n"), Just("\r\n")],
        kind in prop_oneof![Just("multipart/mixed; boundary=b"), Just("multipart/mixed; boundary=\"b\""), Just("multipart/mixed; boundary="), Just("multipart/mixed")],
    ) {
        let mut lab = Lab::new();
        let mut body = lines.join(end).into_bytes();
        body.extend(noise);
        let mut request = lab.request("POST", "/batch", &body);
        request.headers.insert("content-type", kind.parse().unwrap());
        let told = lab.send(&request);
        prop_assert!(told.status == 200 || told.status == 400);
    }

    #[test]
    fn no_assertion_makes_it_panic_and_none_is_believed(
        head in "\\PC{0,8}|eyJhbGciOiJSUzI1NiJ9", claims in body(), tail in "\\PC{0,24}|[A-Za-z0-9_-]{342}",
    ) {
        use base64::Engine;
        let mut lab = Lab::new();
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
        let assertion = format!("{head}.{claims}.{tail}");
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        prop_assert_eq!(lab.form(&[("grant_type", grant), ("assertion", &assertion)]).status.as_u16(), 400);
    }
}

#[test]
fn signed_nonsense_is_refused_too() {
    let mut lab = Lab::new();
    for claims in [
        json!({}),
        json!([]),
        json!(null),
        json!({ "iss": 1, "sub": [], "aud": {}, "iat": "x", "exp": 1e300 }),
    ] {
        let assertion = sign(&lab.google, &claims);
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        assert_eq!(
            lab.form(&[("grant_type", grant), ("assertion", &assertion)])
                .status,
            400
        );
    }
}
