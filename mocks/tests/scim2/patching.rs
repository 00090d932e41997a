//! PATCH in every path form: RFC 7644, section 3.5.2.

use serde_json::{Value, json};

use super::{Desk, ENTERPRISE, PATCH};

fn start() -> (Desk, String) {
    let mut desk = Desk::new();
    let more = json!({"title": "Guide", "name": {"givenName": "Kim", "familyName": "Ng"},
        "emails": [{"value": "k@work", "type": "work", "primary": true}, {"value": "k@home", "type": "home"}],
        ENTERPRISE: {"department": "Tours", "division": "South"}});
    let id = desk.user_with("kim", more);
    (desk, format!("/Users/{id}"))
}

/// Applies one operation to a fresh user and returns what one pointer then shows.
#[track_caller]
fn after(operation: Value, pointer: &str) -> Value {
    let (mut desk, path) = start();
    let reply = desk.patch(&path, &json!([operation])).expect(200);
    assert_eq!(reply.body, desk.get(&path).body);
    reply.body.pointer(pointer).cloned().unwrap_or(Value::Null)
}

#[test]
fn add_puts_where_the_path_says() {
    let op = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
    assert_eq!(after(op("nickName", json!("K")), "/nickName"), "K");
    assert_eq!(after(op("NICKNAME", json!("K")), "/nickName"), "K");
    assert_eq!(
        after(op("name.middleName", json!("J")), "/name"),
        json!({"givenName": "Kim", "familyName": "Ng", "middleName": "J"})
    );
    assert_eq!(
        after(op("name", json!({"givenName": "Kimi"})), "/name"),
        json!({"givenName": "Kimi", "familyName": "Ng"})
    );
    assert_eq!(
        after(op("emails", json!([{"value": "k@3"}])), "/emails/2"),
        json!({"value": "k@3"})
    );
    assert_eq!(
        after(op("emails", json!({"value": "k@3"})), "/emails/2"),
        json!({"value": "k@3"})
    );
    // The same value again makes no double; what it brings along is kept.
    let same = after(
        op(
            "emails",
            json!([{"value": "k@home", "type": "home", "display": "H"}]),
        ),
        "/emails",
    );
    assert_eq!(same.as_array().unwrap().len(), 2);
    assert_eq!(
        same[1],
        json!({"value": "k@home", "type": "home", "display": "H"})
    );
    assert_eq!(
        after(
            op("emails[type eq \"home\"]", json!({"display": "H"})),
            "/emails/1/display"
        ),
        "H"
    );
    assert_eq!(
        after(
            op("emails[type eq \"home\"].display", json!("H")),
            "/emails/1/display"
        ),
        "H"
    );
    // Entra adds a value by a filter that nothing fulfils yet.
    assert_eq!(
        after(
            op("phoneNumbers[type eq \"mobile\"].value", json!("1")),
            "/phoneNumbers"
        ),
        json!([{"type": "mobile", "value": "1"}])
    );
    let department = format!("{ENTERPRISE}:department");
    assert_eq!(
        after(
            op(&department, json!("Sales")),
            &format!("/{ENTERPRISE}/department")
        ),
        "Sales"
    );
    assert_eq!(
        after(
            op(ENTERPRISE, json!({"costCenter": "9"})),
            &format!("/{ENTERPRISE}")
        ),
        json!({"costCenter": "9", "division": "South", "department": "Tours"})
    );
    assert_eq!(
        after(
            op("addresses[type eq \"work\"].locality", json!("Berne")),
            "/addresses/0"
        ),
        json!({"type": "work", "locality": "Berne"})
    );
}

#[test]
fn replace_puts_in_place_of_what_is_there() {
    let op = |path: &str, value: Value| json!({"op": "Replace", "path": path, "value": value});
    assert_eq!(after(op("title", json!("Chef")), "/title"), "Chef");
    assert_eq!(after(op("title", Value::Null), "/title"), Value::Null);
    assert_eq!(after(op("active", json!("False")), "/active"), false);
    assert_eq!(
        after(op("emails", json!([{"value": "only@x"}])), "/emails"),
        json!([{"value": "only@x"}])
    );
    assert_eq!(after(op("emails", json!([])), "/emails"), Value::Null);
    assert_eq!(
        after(
            op(
                "emails[type eq \"work\"]",
                json!({"value": "n@x", "type": "other"})
            ),
            "/emails/0"
        ),
        json!({"value": "n@x", "type": "other"})
    );
    assert_eq!(
        after(
            op("emails[type eq \"work\"].value", json!("n@x")),
            "/emails/0/value"
        ),
        "n@x"
    );
    assert_eq!(
        after(op("name.familyName", json!("Oh")), "/name/familyName"),
        "Oh"
    );
    assert_eq!(
        after(
            op("name", json!({"familyName": null, "formatted": "K"})),
            "/name"
        ),
        json!({"givenName": "Kim", "formatted": "K"})
    );
    assert_eq!(after(op("nickName", json!("new")), "/nickName"), "new");
    assert_eq!(
        after(
            op(&format!("{ENTERPRISE}:manager"), json!("m-1")),
            &format!("/{ENTERPRISE}/manager")
        ),
        json!({"value": "m-1"})
    );
    assert_eq!(
        after(
            op(&format!("{ENTERPRISE}:manager.value"), json!("m-1")),
            &format!("/{ENTERPRISE}/manager/value")
        ),
        "m-1"
    );
}

#[test]
fn remove_takes_away() {
    let op = |path: &str| json!({"op": "remove", "path": path});
    assert_eq!(after(op("title"), "/title"), Value::Null);
    assert_eq!(after(op("nickName"), "/nickName"), Value::Null);
    assert_eq!(
        after(op("name.givenName"), "/name"),
        json!({"familyName": "Ng"})
    );
    assert_eq!(after(op("emails"), "/emails"), Value::Null);
    assert_eq!(
        after(op("emails[type eq \"work\"]"), "/emails"),
        json!([{"value": "k@home", "type": "home"}])
    );
    assert_eq!(
        after(op("emails[type eq \"none\"]"), "/emails/1/value"),
        "k@home"
    );
    assert_eq!(
        after(op("emails[type eq \"work\"].primary"), "/emails/0"),
        json!({"value": "k@work", "type": "work"})
    );
    assert_eq!(
        after(op("emails[type eq \"work\"].value"), "/emails/0/value"),
        "k@home"
    );
    assert_eq!(
        after(
            op(&format!("{ENTERPRISE}:department")),
            &format!("/{ENTERPRISE}")
        ),
        json!({"division": "South"})
    );
    assert_eq!(after(op(ENTERPRISE), "/schemas/1"), Value::Null);
}

#[test]
fn without_a_path_every_key_is_one() {
    let value = json!({"title": "Chef", "name.givenName": "Kimi", format!("{ENTERPRISE}:department"): "Sales",
        "emails[type eq \"other\"].value": "o@x", "displayName": "Kim N.", "schemas": ["x"], "id": "other",
        "meta": {}, "urn:example:x": {"a": 1}, "unknown": 5, "groups": []});
    let op = json!({"op": "replace", "value": value});
    assert_eq!(after(op.clone(), "/title"), "Chef");
    assert_eq!(
        after(op.clone(), "/name"),
        json!({"givenName": "Kimi", "familyName": "Ng"})
    );
    assert_eq!(
        after(op.clone(), &format!("/{ENTERPRISE}/department")),
        "Sales"
    );
    assert_eq!(
        after(op.clone(), &format!("/{ENTERPRISE}/division")),
        "South"
    );
    assert_eq!(
        after(op.clone(), "/emails/2"),
        json!({"type": "other", "value": "o@x"})
    );
    assert_eq!(after(op.clone(), "/unknown"), Value::Null);
    assert_eq!(
        after(
            json!({"op": "add", "value": {ENTERPRISE: {"costCenter": "1"}}}),
            &format!("/{ENTERPRISE}/costCenter")
        ),
        "1"
    );
}

#[test]
fn a_new_primary_takes_the_mark_from_the_old() {
    let added = after(
        json!({"op": "add", "path": "emails", "value": [{"value": "k@3", "primary": true}]}),
        "/emails",
    );
    assert_eq!(added[0]["primary"], false);
    assert_eq!(added[2]["primary"], true);
    let moved = after(
        json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}),
        "/emails",
    );
    assert_eq!(
        (&moved[0]["primary"], &moved[1]["primary"]),
        (&json!(false), &json!(true))
    );
    let (mut desk, path) = start();
    let two = json!([{"op": "add", "path": "emails", "value": [{"value": "3", "primary": true}, {"value": "4", "primary": true}]}]);
    desk.patch(&path, &two).refused(400, "invalidValue");
}

#[test]
fn what_cannot_be_done_is_refused_and_nothing_of_it_stays() {
    let (mut desk, path) = start();
    let before = desk.get(&path).body;
    let good = json!({"op": "replace", "path": "title", "value": "changed"});
    let cases = [
        (json!({"op": "remove"}), "noTarget"),
        (
            json!({"op": "replace", "path": "emails[type eq \"none\"].value", "value": "x"}),
            "noTarget",
        ),
        (
            json!({"op": "replace", "path": "emails[type eq \"none\"]", "value": {"value": "x"}}),
            "noTarget",
        ),
        (
            json!({"op": "add", "path": "emails[type ne \"none\" or value pr].nope", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "add", "path": "ims[type co \"x\"].value", "value": "x"}),
            "noTarget",
        ),
        (
            json!({"op": "replace", "path": "nothing", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "name.nothing", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "urn:example:x:y", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "emails[type eq", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "title[value eq \"x\"]", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": 5, "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "id", "value": "x"}),
            "mutability",
        ),
        (
            json!({"op": "replace", "path": "meta.created", "value": "x"}),
            "mutability",
        ),
        (
            json!({"op": "add", "path": "groups", "value": [{"value": "x"}]}),
            "mutability",
        ),
        (
            json!({"op": "replace", "path": format!("{ENTERPRISE}:manager.displayName"), "value": "x"}),
            "mutability",
        ),
        (json!({"op": "remove", "path": "userName"}), "mutability"),
        (
            json!({"op": "replace", "path": "userName", "value": ""}),
            "invalidValue",
        ),
        (
            json!({"op": "replace", "path": "userName", "value": null}),
            "invalidValue",
        ),
        (
            json!({"op": "replace", "path": "title", "value": {"a": 1}}),
            "invalidValue",
        ),
        (
            json!({"op": "replace", "path": "active", "value": "maybe"}),
            "invalidValue",
        ),
        (json!({"op": "replace", "path": "title"}), "invalidValue"),
        (json!({"op": "replace", "value": "x"}), "invalidValue"),
        (
            json!({"op": "move", "path": "title", "value": "x"}),
            "invalidSyntax",
        ),
        (json!("replace"), "invalidSyntax"),
    ];
    for (bad, scim_type) in cases {
        desk.patch(&path, &json!([good, bad]))
            .refused(400, scim_type);
        assert_eq!(desk.get(&path).body, before, "{bad}");
    }
    desk.patch(&path, &json!([])).refused(400, "invalidSyntax");
    desk.send("PATCH", &path, json!({"Operations": [good]}).to_string())
        .refused(400, "invalidValue");
    desk.send("PATCH", &path, json!({"schemas": [PATCH]}).to_string())
        .refused(400, "invalidSyntax");
    desk.patch("/Users/nobody", &json!([good])).refused(404, "");
}

#[test]
fn operations_are_applied_in_order_and_each_change_is_told_once() {
    let (mut desk, path) = start();
    let reply = desk
        .patch(
            &path,
            &json!([
                {"op": "add", "path": "emails", "value": [{"value": "new@x", "type": "other"}]},
                {"op": "remove", "path": "emails[type eq \"home\"]"},
                {"op": "replace", "path": "emails[type eq \"other\"].value", "value": "newer@x"},
                {"op": "replace", "path": "name.givenName", "value": "Kimi"},
                {"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Sales"},
                {"op": "replace", "path": "password", "value": "not to be seen"},
                {"op": "replace", "path": "active", "value": true}
            ]),
        )
        .expect(200);
    let told = reply.told();
    assert!(
        told[1].starts_with("User kim emails: [")
            && told[1].ends_with(r#"{"value":"newer@x","type":"other"}]"#),
        "{told:?}"
    );
    assert_eq!(told[0], r#"User kim name.givenName: "Kim" -> "Kimi""#);
    assert_eq!(
        told[2],
        format!(r#"User kim {ENTERPRISE}:department: "Tours" -> "Sales""#)
    );
    assert_eq!(told[3], "User kim password: - -> -");
    assert_eq!(told.len(), 4);
}

#[test]
fn an_answer_to_a_patch_has_the_attributes_that_are_asked_for() {
    let (mut desk, path) = start();
    let reply = desk
        .patch(
            &format!("{path}?attributes=title"),
            &json!([{"op": "remove", "path": "name"}]),
        )
        .expect(200);
    assert_eq!(
        reply.body.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["schemas", "id", "title"]
    );
}
