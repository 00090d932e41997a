//! Create, read, replace, delete: RFC 7644, sections 3.3 to 3.6, with entity tags and projection.

use serde_json::json;

use super::{BASE, Desk, ENTERPRISE, GROUP, USER};

#[test]
fn a_user_is_created_read_replaced_and_deleted() {
    let mut desk = Desk::new();
    let made = desk
        .post(
            "/Users",
            &json!({"schemas": [USER, ENTERPRISE], "userName": "bjensen", "externalId": "701984",
                "name": {"givenName": "Barbara", "familyName": "Jensen"}, "password": "t1meMa$heen",
                "emails": [{"value": "b@x.example", "type": "work", "primary": true}],
                ENTERPRISE: {"department": "Tours"}}),
        )
        .expect(201);
    let id = made.id();
    let location = format!("{BASE}/scim/v2/Users/{id}");
    assert_eq!(made.headers["location"], location.as_str());
    assert_eq!(
        made.headers["etag"],
        made.body["meta"]["version"].as_str().unwrap()
    );
    assert_eq!(made.body["meta"]["location"], location.as_str());
    assert_eq!(made.body["meta"]["resourceType"], "User");
    assert_eq!(made.body["meta"]["created"], "2026-11-22T01:02:04.456Z");
    assert_eq!(made.body["schemas"], json!([USER, ENTERPRISE]));
    assert!(made.body.get("password").is_none());
    assert_eq!(
        made.told(),
        [format!(
            "User bjensen *: - -> {}",
            made.changes[0].after.as_ref().unwrap()
        )]
    );
    assert!(!made.told()[0].contains("t1meMa"));

    assert_eq!(
        desk.get(&format!("/Users/{id}")).expect(200).body,
        made.body
    );
    let put = desk
        .put(
            &format!("/Users/{id}"),
            &json!({"schemas": [USER], "userName": "bjensen", "title": "Guide"}),
        )
        .expect(200);
    assert_eq!(put.body["title"], "Guide");
    assert!(put.body.get("name").is_none() && put.body.get("externalId").is_none());
    assert_eq!(put.body["schemas"], json!([USER]));
    assert_eq!(put.body["meta"]["created"], made.body["meta"]["created"]);
    assert_ne!(put.body["meta"]["version"], made.body["meta"]["version"]);

    desk.delete(&format!("/Users/{id}")).expect(204);
    desk.get(&format!("/Users/{id}")).refused(404, "");
    desk.delete(&format!("/Users/{id}")).refused(404, "");
    desk.put(
        &format!("/Users/{id}"),
        &json!({"schemas": [USER], "userName": "bjensen"}),
    )
    .refused(404, "");
    assert_ne!(desk.user("bjensen"), id, "the name may be used again");
}

#[test]
fn a_user_name_is_unique_whatever_its_case() {
    let mut desk = Desk::new();
    desk.user("Kim");
    let other = desk.user("lee");
    desk.post("/Users", &json!({"schemas": [USER], "userName": "KIM"}))
        .refused(409, "uniqueness");
    desk.put(
        &format!("/Users/{other}"),
        &json!({"schemas": [USER], "userName": "kim"}),
    )
    .refused(409, "uniqueness");
    desk.patch(
        &format!("/Users/{other}"),
        &json!([{"op": "replace", "path": "userName", "value": "kIm"}]),
    )
    .refused(409, "uniqueness");
    desk.patch(
        &format!("/Users/{other}"),
        &json!([{"op": "replace", "path": "userName", "value": "LEE"}]),
    )
    .expect(200);
}

#[test]
fn what_is_missing_or_wrong_is_refused() {
    let mut desk = Desk::new();
    desk.post("/Users", &json!({"schemas": [USER]}))
        .refused(400, "invalidValue");
    desk.post("/Users", &json!({"userName": "x"}))
        .refused(400, "invalidValue");
    desk.post("/Users", &json!({"schemas": [GROUP], "userName": "x"}))
        .refused(400, "invalidValue");
    desk.post("/Users", &json!({"schemas": [USER], "userName": "  "}))
        .refused(400, "invalidValue");
    desk.post("/Users", &json!({"schemas": [USER], "userName": 7}))
        .refused(400, "invalidValue");
    desk.post(
        "/Users",
        &json!({"schemas": [USER], "userName": "x", "active": "maybe"}),
    )
    .refused(400, "invalidValue");
    desk.post(
        "/Users",
        &json!({"schemas": [USER], "userName": "x", "name": "Kim"}),
    )
    .refused(400, "invalidValue");
    desk.post(
        "/Users",
        &json!({"schemas": [USER], "userName": "x", "emails": ["a@x"]}),
    )
    .refused(400, "invalidValue");
    let primaries = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
    desk.post(
        "/Users",
        &json!({"schemas": [USER], "userName": "x", "emails": primaries}),
    )
    .refused(400, "invalidValue");
    desk.post("/Groups", &json!({"schemas": [GROUP]}))
        .refused(400, "invalidValue");
    desk.post(
        "/Groups",
        &json!({"schemas": [GROUP], "displayName": "g", "members": [{"display": "x"}]}),
    )
    .refused(400, "invalidValue");
    desk.send("POST", "/Users", "{")
        .refused(400, "invalidSyntax");
    desk.send("POST", "/Users", "")
        .refused(400, "invalidSyntax");
    desk.send("POST", "/Users", "[]")
        .refused(400, "invalidSyntax");
    assert_eq!(desk.get("/Users").body["totalResults"], 0);
}

#[test]
fn names_are_read_in_any_case_and_kept_in_the_schemas() {
    let mut desk = Desk::new();
    let made = desk
        .post(
            "/Users",
            &json!({"Schemas": [USER.to_uppercase()], "USERNAME": "kim", "Name": {"GIVENNAME": "Kim"},
                "unknown": 1, "id": "mine", "meta": {"created": "x"}, "roles": [], "title": null,
                "urn:example:other": {"a": 1}, ENTERPRISE.to_uppercase(): {"Department": "x"}}),
        )
        .expect(201);
    assert_eq!(made.body["name"], json!({"givenName": "Kim"}));
    assert_eq!(made.body[ENTERPRISE], json!({"department": "x"}));
    assert_ne!(made.body["id"], "mine");
    for absent in ["unknown", "roles", "title", "urn:example:other", "Name"] {
        assert!(made.body.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn a_put_keeps_the_password_and_the_state_it_does_not_name() {
    let mut desk = Desk::new();
    let id = desk.user_with("kim", json!({"password": "first-Secret", "active": true}));
    let put = desk.put(
        &format!("/Users/{id}"),
        &json!({"schemas": [USER], "userName": "kim", "active": false}),
    );
    assert_eq!(put.told(), ["User kim active: true -> false"]);
    let put = desk
        .put(
            &format!("/Users/{id}"),
            &json!({"schemas": [USER], "userName": "kim"}),
        )
        .expect(200);
    assert_eq!(put.body["active"], false);
    let put = desk.put(
        &format!("/Users/{id}"),
        &json!({"schemas": [USER], "userName": "kim", "password": "other"}),
    );
    assert_eq!(put.told(), ["User kim password: - -> -"]);
}

#[test]
fn the_version_changes_only_with_the_content_and_conditions_go_by_it() {
    let mut desk = Desk::new();
    let id = desk.user("kim");
    let path = format!("/Users/{id}");
    let first = desk.get(&path).headers["etag"].to_str().unwrap().to_owned();
    assert!(first.starts_with("W/\""));
    let same = desk
        .patch(
            &path,
            &json!([{"op": "replace", "path": "active", "value": true}]),
        )
        .expect(200);
    assert_eq!(same.headers["etag"], first.as_str());
    assert_eq!(
        same.body["meta"]["created"],
        same.body["meta"]["lastModified"]
    );
    assert!(same.changes.is_empty());

    desk.header("if-none-match", &first);
    let current = desk.get(&path).expect(304);
    assert!(current.body.is_null());
    assert_eq!(current.headers["etag"], first.as_str());
    desk.without("if-none-match")
        .header("if-match", "W/\"stale\"");
    desk.patch(
        &path,
        &json!([{"op": "replace", "path": "title", "value": "x"}]),
    )
    .refused(412, "");
    desk.put(&path, &json!({"schemas": [USER], "userName": "kim"}))
        .refused(412, "");
    desk.delete(&path).refused(412, "");
    desk.header("if-match", &format!("\"other\", {first}"));
    desk.patch(
        &path,
        &json!([{"op": "replace", "path": "title", "value": "x"}]),
    )
    .expect(200);
    desk.patch(
        &path,
        &json!([{"op": "replace", "path": "title", "value": "y"}]),
    )
    .refused(412, "");
    desk.header("if-match", "*");
    desk.delete(&path).expect(204);
}

#[test]
fn an_answer_has_the_attributes_that_are_asked_for() {
    let mut desk = Desk::new();
    let boss = desk.user_with("boss", json!({"displayName": "The Boss"}));
    let more = json!({"title": "Guide", "name": {"givenName": "Kim", "familyName": "Ng"},
        "emails": [{"value": "k@x", "type": "work"}],
        ENTERPRISE: {"department": "Tours", "division": "South", "manager": {"value": boss}}});
    let id = desk.user_with("kim", more);
    let of = |names: &str| format!("/Users/{id}?attributes={names}");
    let got = desk.get(&of("userName,name.GivenName")).body;
    assert_eq!(
        got,
        json!({"schemas": [USER, ENTERPRISE], "id": id, "userName": "kim", "name": {"givenName": "Kim"}})
    );
    let got = desk.get(&of("emails.type,password")).body;
    assert_eq!(
        got,
        json!({"schemas": [USER, ENTERPRISE], "id": id, "emails": [{"type": "work"}]})
    );
    let got = desk.get(&of(&format!("{ENTERPRISE}:department"))).body;
    assert_eq!(got[ENTERPRISE], json!({"department": "Tours"}));
    let got = desk
        .get(&of(&format!("{ENTERPRISE}:manager.displayName")))
        .body;
    assert_eq!(
        got[ENTERPRISE],
        json!({"manager": {"displayName": "The Boss"}})
    );
    let got = desk.get(&of(ENTERPRISE)).body;
    assert_eq!(got[ENTERPRISE]["division"], "South");
    let got = desk.get(&of(&format!("{USER}:title"))).body;
    assert_eq!(got["title"], "Guide");

    let without =
        format!("/Users/{id}?excludedAttributes=title,id,emails.type,{ENTERPRISE}:division,name");
    let got = desk.get(&without).body;
    assert!(got.get("title").is_none() && got.get("name").is_none());
    assert_eq!(
        got["id"],
        id.as_str(),
        "what is always returned cannot be left out"
    );
    assert_eq!(got["emails"], json!([{"value": "k@x"}]));
    assert!(
        got[ENTERPRISE].get("division").is_none() && got[ENTERPRISE].get("department").is_some()
    );
    desk.get(&format!(
        "/Users/{id}?attributes=title&excludedAttributes=name"
    ))
    .refused(400, "invalidValue");
    let made = desk
        .post(
            "/Users?attributes=userName",
            &json!({"schemas": [USER], "userName": "lee"}),
        )
        .expect(201);
    assert_eq!(made.body.as_object().unwrap().len(), 3);
}

#[test]
fn media_types_methods_and_paths_are_checked() {
    let mut desk = Desk::new();
    let id = desk.user("kim");
    desk.header("content-type", "text/plain");
    desk.post("/Users", &json!({})).refused(415, "");
    desk.header("content-type", "application/json; charset=utf-8");
    desk.post("/Users", &json!({"schemas": [USER], "userName": "lee"}))
        .expect(201);
    desk.header("accept", "text/html");
    desk.get("/Users").refused(406, "");
    for good in [
        "*/*",
        "application/*;q=0.5",
        "application/json",
        "text/html, application/scim+json;q=0.1",
    ] {
        desk.header("accept", good);
        desk.get("/Users").expect(200);
    }
    desk.get("/nothing").refused(404, "");
    desk.get("/users").refused(404, "");
    desk.get("/Users/x/y").refused(404, "");
    desk.send("GET", "/scim/v3/Users", "").refused(404, "");
    let refused = desk
        .send("POST", &format!("/Users/{id}"), "{}")
        .refused(405, "");
    assert_eq!(refused.headers["allow"], "GET, PUT, PATCH, DELETE");
    desk.delete("/Users").refused(405, "");
    desk.put("/Users", &json!({})).refused(405, "");
    let head = desk.send("HEAD", &format!("/Users/{id}"), "");
    assert_eq!(head.status, 200);
    assert!(head.body.is_null() && head.headers.contains_key("etag"));
}

#[test]
fn licences_limit_the_active_users() {
    use outbound_mocks::Vendor;
    let mut desk = Desk::new();
    let kim = desk.user("kim");
    desk.scim.set_licences(Some(1));
    desk.post("/Users", &json!({"schemas": [USER], "userName": "lee"}))
        .refused(403, "");
    let lee = desk.user_with("lee", json!({"active": false}));
    let activate = json!([{"op": "replace", "path": "active", "value": true}]);
    desk.patch(&format!("/Users/{lee}"), &activate)
        .refused(403, "");
    desk.patch(
        &format!("/Users/{kim}"),
        &json!([{"op": "replace", "value": {"active": false}}]),
    )
    .expect(200);
    desk.patch(&format!("/Users/{lee}"), &activate).expect(200);
    desk.scim.set_licences(None);
    desk.patch(&format!("/Users/{kim}"), &activate).expect(200);
}
