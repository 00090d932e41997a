//! Bulk: RFC 7644, section 3.7.

use serde_json::{Value, json};

use super::{BASE, Desk, GROUP, Reply, USER};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

fn bulk(desk: &mut Desk, operations: Value) -> Reply {
    desk.post(
        "/Bulk",
        &json!({"schemas": [BULK], "Operations": operations}),
    )
}

fn statuses(reply: &Reply) -> Vec<String> {
    let operations = reply.body["Operations"].as_array().unwrap();
    operations
        .iter()
        .map(|it| it["status"].as_str().unwrap().to_owned())
        .collect()
}

fn post_user(bulk_id: &str, name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"schemas": [USER], "userName": name}})
}

fn post_group(bulk_id: &str, name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members
        .iter()
        .map(|id| json!({"type": "User", "value": format!("bulkId:{id}")}))
        .collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id,
        "data": {"schemas": [GROUP], "displayName": name, "members": members}})
}

#[test]
fn every_method_is_carried_out_in_one_request() {
    let mut desk = Desk::new();
    let (put, patch, delete) = (desk.user("put"), desk.user("patch"), desk.user("delete"));
    let version = desk.get(&format!("/Users/{patch}")).body["meta"]["version"].clone();
    let reply = bulk(&mut desk, json!([
        post_user("a", "new"),
        {"method": "PUT", "path": format!("/Users/{put}"), "data": {"schemas": [USER], "userName": "put", "title": "x"}},
        {"method": "PATCH", "path": format!("/Users/{patch}"), "version": version, "data": [{"op": "add", "path": "title", "value": "y"}]},
        {"method": "PATCH", "path": format!("/Users/{patch}"), "version": version, "data": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "add", "path": "title", "value": "z"}]}},
        {"method": "DELETE", "path": format!("/Users/{delete}")},
        {"method": "DELETE", "path": "/Users/nobody"},
        {"method": "GET", "path": "/Users"},
        {"method": "POST", "path": "/Users", "data": {}},
        {"method": "POST", "path": "/Schemas", "bulkId": "s", "data": {}}
    ]))
    .expect(200);
    assert_eq!(
        statuses(&reply),
        [
            "201", "200", "200", "412", "204", "404", "400", "400", "404"
        ]
    );
    assert_eq!(
        reply.body["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"])
    );
    let operations = &reply.body["Operations"];
    let location = operations[0]["location"].as_str().unwrap();
    assert!(location.starts_with(&format!("{BASE}/scim/v2/Users/")));
    assert_eq!(operations[0]["bulkId"], "a");
    assert!(operations[0]["version"].as_str().unwrap().starts_with("W/"));
    assert_eq!(operations[5]["response"]["status"], "404");
    assert_eq!(
        operations[5]["location"],
        format!("{BASE}/scim/v2/Users/nobody")
    );
    assert_eq!(desk.get(&format!("/Users/{patch}")).body["title"], "y");
    assert_eq!(reply.changes.len(), 4);
}

#[test]
fn a_reference_may_point_backward_forward_and_into_a_path() {
    let mut desk = Desk::new();
    let reply = bulk(
        &mut desk,
        json!([
            post_group("g", "forward", &["kim"]),
            post_user("kim", "kim"),
            {"method": "PATCH", "path": "/Groups/bulkId:g", "data": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "path": "displayName", "value": "renamed"}]}}
        ]),
    );
    assert_eq!(statuses(&reply), ["201", "201", "200"]);
    let kim = desk.filter("/Users", r#"userName eq "kim""#).body["Resources"][0].clone();
    assert_eq!(kim["groups"][0]["display"], "renamed");
    let order: Vec<_> = reply.body["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["method"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["POST", "POST", "PATCH"]);
}

#[test]
fn a_circle_of_references_is_closed() {
    let mut desk = Desk::new();
    let reply = bulk(
        &mut desk,
        json!([
            post_group("a", "A", &["b"]),
            post_group("b", "B", &["c"]),
            post_group("c", "C", &["a"]),
            post_group("me", "Me", &["me"])
        ]),
    );
    assert_eq!(statuses(&reply), ["201"; 4]);
    for (group, member) in [("A", "B"), ("B", "C"), ("C", "A"), ("Me", "Me")] {
        let found = desk
            .filter("/Groups", &format!("displayName eq \"{group}\""))
            .body["Resources"][0]
            .clone();
        assert_eq!(found["members"][0]["display"], member);
        let told = reply.body["Operations"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["location"] == found["meta"]["location"])
            .unwrap();
        assert_eq!(told["version"], found["meta"]["version"]);
    }
}

#[test]
fn a_reference_to_nothing_or_to_a_failure_is_refused() {
    let mut desk = Desk::new();
    desk.user("taken");
    let reply = bulk(
        &mut desk,
        json!([
            post_group("g", "g", &["nobody"]),
            post_user("u", "taken"),
            post_group("h", "h", &["u"]),
            post_user("u", "again")
        ]),
    );
    assert_eq!(statuses(&reply), ["409", "409", "409", "400"]);
    assert_eq!(
        reply.body["Operations"][1]["response"]["scimType"],
        "uniqueness"
    );
    assert!(reply.body["Operations"][1].get("location").is_none());
    assert_eq!(desk.get("/Groups").body["totalResults"], 0);
}

#[test]
fn errors_are_counted_and_end_the_run() {
    let mut desk = Desk::new();
    let operations = json!([
        post_user("a", "a"),
        post_user("b", "a"),
        post_user("c", "a"),
        post_user("d", "d")
    ]);
    let body =
        |most: u64| json!({"schemas": [BULK], "failOnErrors": most, "Operations": operations});
    let reply = desk.post("/Bulk", &body(2));
    assert_eq!(statuses(&reply), ["201", "409", "409"]);
    assert_eq!(desk.get("/Users").names(), ["a"]);
    desk.post(
        "/Bulk",
        &json!({"schemas": [BULK], "failOnErrors": 0, "Operations": []}),
    )
    .refused(400, "invalidValue");
}

#[test]
fn limits_are_kept() {
    let mut desk = Desk::new();
    let many: Vec<Value> = (0..1001)
        .map(|at| post_user(&at.to_string(), &at.to_string()))
        .collect();
    bulk(&mut desk, Value::Array(many)).refused(413, "");
    let long = "x".repeat(1_048_577);
    bulk(&mut desk, json!([post_user("a", &long)])).refused(413, "");
    bulk(&mut desk, json!("x")).refused(400, "invalidSyntax");
    desk.post("/Bulk", &json!({"Operations": []}))
        .refused(400, "invalidValue");
    assert_eq!(desk.get("/Users").body["totalResults"], 0);
}
