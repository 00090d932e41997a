//! What follows for others: members, groups, managers.

use serde_json::json;

use super::{BASE, Desk, ENTERPRISE, GROUP, USER};

#[test]
fn a_group_and_its_members_know_each_other() {
    let mut desk = Desk::new();
    let kim = desk.user_with("kim", json!({"displayName": "Kim Ng"}));
    let group = desk.group("staff", &[&kim]);
    let member = json!({"value": kim, "$ref": format!("{BASE}/scim/v2/Users/{kim}"), "type": "User", "display": "Kim Ng"});
    assert_eq!(
        desk.get(&format!("/Groups/{group}")).body["members"],
        json!([member])
    );
    let of_kim = json!({"value": group, "$ref": format!("{BASE}/scim/v2/Groups/{group}"), "display": "staff", "type": "direct"});
    let with_group = desk.get(&format!("/Users/{kim}")).body;
    assert_eq!(with_group["groups"], json!([of_kim]));

    let renamed = desk
        .patch(
            &format!("/Groups/{group}"),
            &json!([{"op": "replace", "value": {"displayName": "crew"}}]),
        )
        .expect(200);
    assert_eq!(
        renamed.told(),
        [r#"Group crew displayName: "staff" -> "crew""#]
    );
    let after = desk.get(&format!("/Users/{kim}")).body;
    assert_eq!(after["groups"][0]["display"], "crew");
    assert_ne!(after["meta"]["version"], with_group["meta"]["version"]);

    let renamed = desk.patch(
        &format!("/Users/{kim}"),
        &json!([{"op": "replace", "path": "displayName", "value": "Kimi"}]),
    );
    assert_eq!(renamed.changes.len(), 2);
    assert_eq!(
        renamed.changes[1].field,
        format!(r#"members[value eq "{kim}"]"#)
    );
    assert_eq!(
        desk.get(&format!("/Groups/{group}")).body["members"][0]["display"],
        "Kimi"
    );

    let gone = desk.delete(&format!("/Users/{kim}")).expect(204);
    assert_eq!(gone.changes.len(), 2);
    assert_eq!(
        gone.changes[0].field,
        format!(r#"members[value eq "{kim}"]"#)
    );
    assert_eq!(
        (gone.changes[1].field.as_str(), &gone.changes[1].after),
        ("*", &None)
    );
    assert!(
        desk.get(&format!("/Groups/{group}"))
            .body
            .get("members")
            .is_none()
    );
}

#[test]
fn a_nested_group_reaches_through_and_a_circle_ends() {
    let mut desk = Desk::new();
    let kim = desk.user("kim");
    let inner = desk.group("inner", &[&kim]);
    let outer = desk.group("outer", &[&inner]);
    desk.patch(
        &format!("/Groups/{inner}"),
        &json!([{"op": "add", "path": "members", "value": [{"value": outer}]}]),
    )
    .expect(200);
    let groups = desk.get(&format!("/Users/{kim}")).body["groups"].clone();
    let seen: Vec<_> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["display"].as_str().unwrap(),
                it["type"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(seen, [("inner", "direct"), ("outer", "indirect")]);
    let members = desk.get(&format!("/Groups/{outer}")).body["members"].clone();
    assert_eq!(
        (&members[0]["type"], &members[0]["display"]),
        (&json!("Group"), &json!("inner"))
    );
    desk.delete(&format!("/Groups/{inner}")).expect(204);
    assert!(
        desk.get(&format!("/Users/{kim}"))
            .body
            .get("groups")
            .is_none()
    );
    assert!(
        desk.get(&format!("/Groups/{outer}"))
            .body
            .get("members")
            .is_none()
    );
}

#[test]
fn members_are_added_once_removed_one_by_one_and_replaced() {
    let mut desk = Desk::new();
    let ids: Vec<String> = (0..4).map(|at| desk.user(&format!("u{at}"))).collect();
    let group = desk.group("g", &[&ids[0], &ids[0]]);
    let path = format!("/Groups/{group}");
    let members = |desk: &mut Desk| -> Vec<String> {
        let body = desk.get(&path).body;
        let members = body["members"].as_array().cloned().unwrap_or_default();
        members
            .iter()
            .map(|member| member["value"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(members(&mut desk), [ids[0].clone()]);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ids[0]}, {"value": ids[1], "$ref": null}, {"value": ids[2]}]}]);
    let reply = desk.patch(&path, &add).expect(200);
    assert_eq!(reply.changes.len(), 2);
    // Entra's removal takes exactly that member.
    desk.patch(
        &path,
        &json!([{"op": "Remove", "path": "members", "value": [{"value": ids[1]}]}]),
    )
    .expect(200);
    assert_eq!(members(&mut desk), [ids[0].clone(), ids[2].clone()]);
    let again = desk
        .patch(
            &path,
            &json!([{"op": "Remove", "path": "members", "value": [{"value": ids[1]}]}]),
        )
        .expect(200);
    assert!(again.changes.is_empty());
    desk.patch(
        &path,
        &json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", ids[0])}]),
    )
    .expect(200);
    assert_eq!(members(&mut desk), [ids[2].clone()]);
    desk.patch(
        &path,
        &json!([{"op": "replace", "path": "members", "value": [{"value": ids[3]}]}]),
    )
    .expect(200);
    assert_eq!(members(&mut desk), [ids[3].clone()]);
    desk.patch(&path, &json!([{"op": "replace", "path": format!("members[value eq \"{}\"].value", ids[3]), "value": "x"}])).refused(400, "mutability");
    desk.patch(&path, &json!([{"op": "remove", "path": "members"}]))
        .expect(200);
    assert!(members(&mut desk).is_empty());
    for id in &ids {
        assert!(
            desk.get(&format!("/Users/{id}"))
                .body
                .get("groups")
                .is_none()
        );
    }
}

#[test]
fn a_member_that_is_nobody_is_kept_as_it_came() {
    let mut desk = Desk::new();
    let body = json!({"schemas": [GROUP], "displayName": "g", "members": [{"value": "later", "display": "L"}, {"$ref": "https://x.example/Users/7"}]});
    let made = desk.post("/Groups", &body).expect(201);
    assert_eq!(
        made.body["members"],
        json!([{"value": "later", "display": "L"}, {"$ref": "https://x.example/Users/7", "value": "7"}])
    );
}

#[test]
fn a_manager_is_linked_where_known() {
    let mut desk = Desk::new();
    let boss = desk.user("boss");
    let kim = desk.user_with("kim", json!({ENTERPRISE: {"manager": boss}}));
    let manager = desk.get(&format!("/Users/{kim}")).body[ENTERPRISE]["manager"].clone();
    assert_eq!(
        manager,
        json!({"value": boss, "$ref": format!("{BASE}/scim/v2/Users/{boss}")})
    );
    let lee = desk.user_with(
        "lee",
        json!({ENTERPRISE: {"manager": {"value": "elsewhere", "displayName": "no"}}}),
    );
    let manager = desk.get(&format!("/Users/{lee}")).body[ENTERPRISE]["manager"].clone();
    assert_eq!(manager, json!({"value": "elsewhere"}));
    let patched = desk
        .patch(
            &format!("/Users/{kim}"),
            &json!([{"op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": ""}]),
        )
        .expect(200);
    assert!(patched.body.get(ENTERPRISE).is_none());
    assert_eq!(patched.body["schemas"], json!([USER]));
}
