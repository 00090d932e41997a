//! What identity providers really send, request by request.

use serde_json::json;

use super::{Desk, ENTERPRISE, GROUP, USER};

const ADSCIM: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/// The eight requests of Okta's SCIM 2.0 specification test (okta-scim-beta, SCIM_tests_for_Runscope.json).
#[test]
fn okta_finds_what_its_test_asks_for() {
    let mut desk = Desk::new();
    desk.user("first@okta.example");
    // 1. the connection test
    let list = desk.get("/Users?count=1&startIndex=1").expect(200).body;
    for number in ["totalResults", "startIndex", "itemsPerPage"] {
        assert!(list[number].is_number(), "{number}");
    }
    assert_eq!(
        list["schemas"][0],
        "urn:ietf:params:scim:api:messages:2.0:ListResponse"
    );
    let user = &list["Resources"][0];
    for field in ["id", "userName", "active", "meta"] {
        assert!(!user[field].is_null(), "{field}");
    }
    // 2. a user by id
    desk.get(&format!("/Users/{}", user["id"].as_str().unwrap()))
        .expect(200);
    // 3. and 4. nobody, by filter and by id
    assert_eq!(
        desk.filter("/Users", r#"userName eq "nobody@okta.example""#)
            .expect(200)
            .body["totalResults"],
        0
    );
    desk.get("/Users/010101001010101011001010101011")
        .refused(404, "");
    // 5. a new user
    let body = json!({"schemas": [USER], "userName": "runscope@okta.example", "name": {"givenName": "Run", "familyName": "Scope"},
        "emails": [{"primary": true, "value": "runscope@okta.example", "type": "work"}], "displayName": "Run Scope", "active": true,
        "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7", "groups": [], "password": "1mz050nq"});
    let made = desk.post("/Users", &body).expect(201);
    assert_eq!(
        made.body["name"],
        json!({"familyName": "Scope", "givenName": "Run"})
    );
    // 6. and 7. the same user by id, and once more
    assert_eq!(
        desk.get(&format!("/Users/{}", made.id())).expect(200).body["active"],
        true
    );
    desk.post("/Users", &body).refused(409, "uniqueness");
    // 8. groups
    desk.get("/Groups?startIndex=1&count=100").expect(200);
    // deactivation, answered 200 with the user
    let off = desk
        .patch(
            &format!("/Users/{}", made.id()),
            &json!([{"op": "replace", "value": {"active": false}}]),
        )
        .expect(200);
    assert_eq!(off.body["active"], false);
}

/// Entra's documented requests (use-scim-to-provision-users-and-groups), in the form without `aadOptscim062020`.
#[test]
fn entra_provisions_changes_and_removes() {
    let mut desk = Desk::new();
    assert_eq!(
        desk.get("/Users?filter=userName%20eq%20%22Test_User_dfeef4c5%22")
            .expect(200)
            .body["totalResults"],
        0
    );
    let made = desk
        .post(
            "/Users",
            &json!({"schemas": [USER, ENTERPRISE], "externalId": "0a21f0f2", "userName": "Test_User_ab6490ee", "active": true,
                "emails": [{"primary": true, "type": "work", "value": "t@contoso.example"}],
                "meta": {"resourceType": "User"}, "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
                "roles": [], ENTERPRISE: {"manager": "no-such-manager"}}),
        )
        .expect(201);
    let path = format!("/Users/{}", made.id());
    assert_eq!(
        made.body[ENTERPRISE]["manager"],
        json!({"value": "no-such-manager"})
    );
    assert_eq!(
        desk.get(
            "/Users?filter=emails%5Btype%20eq%20%22work%22%5D.value%20eq%20%22t@contoso.example%22"
        )
        .names(),
        ["Test_User_ab6490ee"]
    );
    let patched = desk
        .patch(
            &path,
            &json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "updated@microsoft.example"},
                {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
                {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "555"},
                {"op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "IT"}]),
        )
        .expect(200);
    assert_eq!(
        patched.body["emails"][0],
        json!({"value": "updated@microsoft.example", "type": "work", "primary": true})
    );
    assert_eq!(
        patched.body["phoneNumbers"],
        json!([{"type": "mobile", "value": "555"}])
    );
    let off = desk
        .patch(
            &path,
            &json!([{"op": "Replace", "path": "active", "value": "False"}]),
        )
        .expect(200);
    assert_eq!(off.body["active"], false);
    assert_eq!(
        desk.names("/Users", r#"externalId eq "0a21f0f2""#),
        ["Test_User_ab6490ee"],
        "inactive users stay visible"
    );

    let group = desk.post("/Groups", &json!({"schemas": [GROUP, ADSCIM], "externalId": "8aa1a0c0", "displayName": "displayName", "meta": {"resourceType": "Group"}})).expect(201);
    assert_eq!(group.body["schemas"], json!([GROUP]));
    let target = format!("/Groups/{}", group.id());
    let id = made.id();
    desk.patch(
        &target,
        &json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": id}]}]),
    )
    .expect(200);
    let lean = desk
        .get(&format!("{target}?excludedAttributes=members"))
        .expect(200)
        .body;
    assert!(lean.get("members").is_none());
    let found = desk
        .get("/Groups?excludedAttributes=members&filter=displayName%20eq%20%22displayName%22")
        .expect(200)
        .body;
    assert!(found["Resources"][0].get("members").is_none());
    let mine = desk
        .get(&format!(
            "/Groups?filter=id%20eq%20%22{}%22%20and%20members%20eq%20%22{id}%22&attributes=id",
            group.id()
        ))
        .expect(200);
    assert_eq!(mine.body["totalResults"], 1);
    desk.patch(
        &target,
        &json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": id}]}]),
    )
    .expect(200);
    desk.patch(
        &target,
        &json!([{"op": "Replace", "path": "displayName", "value": "updatedDisplayName"}]),
    )
    .expect(200);
    desk.delete(&target).expect(204);
    desk.delete(&path).expect(204);
}

/// The same with `aadOptscim062020`: one path-less replace, lower case, real booleans.
#[test]
fn entra_with_its_compliance_flag_sends_one_replace() {
    let mut desk = Desk::new();
    let id = desk.user("kim");
    let value = json!({"displayName": "Bjfe", "name.givenName": "Kkom", "name.familyName": "Unua", "active": true,
        format!("{ENTERPRISE}:employeeNumber"): "XLB", format!("{ENTERPRISE}:department"): "QWE"});
    let reply = desk
        .patch(
            &format!("/Users/{id}"),
            &json!([{"op": "replace", "value": value}]),
        )
        .expect(200);
    assert_eq!(
        reply.body["name"],
        json!({"givenName": "Kkom", "familyName": "Unua"})
    );
    assert_eq!(
        reply.body[ENTERPRISE],
        json!({"employeeNumber": "XLB", "department": "QWE"})
    );
    let group = desk.group("g", &[&id]);
    desk.patch(
        &format!("/Groups/{group}"),
        &json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}]),
    )
    .expect(200);
    assert!(
        desk.get(&format!("/Groups/{group}"))
            .body
            .get("members")
            .is_none()
    );
}

/// authentik puts users, and replaces a group by one path-less operation that holds all of it.
#[test]
fn authentik_replaces_whole_groups() {
    let mut desk = Desk::new();
    let (a, b) = (desk.user("a"), desk.user("b"));
    let group = desk.group("g", &[&a]);
    let whole = json!({"schemas": [GROUP], "id": group, "externalId": "pk", "displayName": "renamed", "members": [{"value": a}, {"value": b}]});
    let reply = desk
        .patch(
            &format!("/Groups/{group}"),
            &json!([{"op": "replace", "path": null, "value": whole}]),
        )
        .expect(200);
    assert_eq!(
        (
            &reply.body["displayName"],
            reply.body["members"].as_array().unwrap().len()
        ),
        (&json!("renamed"), 2)
    );
    let ops = json!([{"op": "remove", "path": "members", "value": [{"value": a}]}, {"op": "remove", "path": "members", "value": [{"value": b}]}]);
    assert!(
        desk.patch(&format!("/Groups/{group}"), &ops)
            .expect(200)
            .body
            .get("members")
            .is_none()
    );
}

/// Microsoft's inbound client polls by time and starts at 0.
#[test]
fn microsoft_polls_by_time() {
    let mut desk = Desk::new();
    desk.user("old");
    desk.user("new");
    let query = "/Users?filter=meta.lastModified%20ge%20%222026-11-22T01:02:05Z%22%20and%20meta.lastModified%20le%20%222026-11-22T01:02:59Z%22&startindex=0&count=10";
    assert_eq!(desk.get(query).expect(200).names(), ["new"]);
}
