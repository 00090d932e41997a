//! Tables of what goes out, and of what comes back in the spelling of other people's servers.

use std::collections::BTreeMap;

use domain::{
    ConnectorRef, Deprovision, Desired, DesiredAttribute, GroupId, Link, LinkOrigin, LocalRef,
    Member, OperationId, Origin, PasswordPlan, Secret, UserId, Verb,
};
use uuid::Uuid;

use super::*;

const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";

fn desired(name: &str, attributes: &[(&str, Value)]) -> Desired {
    Desired {
        local: LocalRef::User(UserId(Uuid::from_u128(7))),
        remote_name: name.to_owned(),
        attributes: attributes
            .iter()
            .map(|(remote, value)| DesiredAttribute {
                remote: (*remote).to_owned(),
                value: value.clone(),
                origin: Origin::Default,
            })
            .collect(),
        members: Vec::new(),
        password: PasswordPlan::None,
    }
}

fn group(name: &str, members: &[&str]) -> Desired {
    Desired {
        local: LocalRef::Group(GroupId(Uuid::from_u128(8))),
        members: members
            .iter()
            .map(|id| Member {
                local: LocalRef::User(UserId(Uuid::from_u128(1))),
                name: (*id).to_owned(),
                remote_id: Some(RemoteId((*id).to_owned())),
            })
            .collect(),
        ..desired(name, &[])
    }
}

fn link(desired: &Desired, name: &str, written: Value) -> Link {
    let written: BTreeMap<String, Value> = serde_json::from_value(written).unwrap();
    Link {
        connector: ConnectorRef::new("c", "scim2"),
        local: desired.local,
        remote_id: RemoteId("r1".to_owned()),
        remote_name: name.to_owned(),
        written,
        origin: LinkOrigin::Created,
        active: true,
        gone: false,
        since: Timestamp::UNIX_EPOCH,
        exceptions: domain::Exceptions::new(),
    }
}

fn changes(list: &[(&str, Value, Value)]) -> Vec<AttributeChange> {
    list.iter()
        .map(|(remote, before, after)| AttributeChange {
            remote: (*remote).to_owned(),
            before: Some(before.clone()).filter(|before| !before.is_null()),
            after: after.clone(),
        })
        .collect()
}

fn order<'a>(
    verb: Verb,
    desired: &'a Desired,
    changes: &'a [AttributeChange],
    link: Option<&'a Link>,
    password: Option<&'a Secret>,
) -> Order<'a> {
    Order {
        operation: OperationId(Uuid::from_u128(9)),
        verb,
        desired,
        changes,
        link,
        deprovision: Deprovision::Delete,
        password,
    }
}

#[test]
fn a_create_is_a_whole_resource_with_our_external_id() {
    let desired = desired(
        "SALES/kim \"🙂\"",
        &[
            ("name.givenName", json!("Kim")),
            ("emails[type eq \"work\"].value", json!("kim@acme.example")),
            ("roles", json!(["a", "b"])),
            (DEPARTMENT, json!("Sales")),
            ("title", Value::Null),
        ],
    );
    let password = Secret::new("pw");
    let order = order(Verb::Create, &desired, &[], None, Some(&password));
    assert_eq!(
        resource(&order),
        json!({
            "schemas": [CORE_USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
            "externalId": "00000000-0000-0000-0000-000000000007",
            "userName": "SALES/kim \"🙂\"",
            "active": true,
            "password": "pw",
            "name": {"givenName": "Kim"},
            "emails": [{"type": "work", "value": "kim@acme.example"}],
            "roles": [{"value": "a", "primary": true}, {"value": "b"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales"},
        })
    );
}

#[test]
fn a_patch_says_what_differs_and_no_more() {
    let desired = desired("kim", &[]);
    let link = link(
        &desired,
        "kim",
        json!({"title": "Dr", "emails[type eq \"work\"].value": "old@a", "addresses[type eq \"work\"].country": "NO"}),
    );
    let work = "emails[type eq \"work\"].value";
    let home = "emails[type eq \"home\"].value";
    for (remote, before, after, operation) in [
        (
            "title",
            json!("Dr"),
            json!("Prof"),
            json!({"op": "replace", "path": "title", "value": "Prof"}),
        ),
        (
            "title",
            json!("Dr"),
            Value::Null,
            json!({"op": "remove", "path": "title"}),
        ),
        (
            "name.givenName",
            Value::Null,
            json!("K"),
            json!({"op": "replace", "path": "name.givenName", "value": "K"}),
        ),
        (
            work,
            json!("old@a"),
            json!("new@a"),
            json!({"op": "replace", "path": work, "value": "new@a"}),
        ),
        (
            work,
            json!("old@a"),
            Value::Null,
            json!({"op": "remove", "path": "emails[type eq \"work\"]"}),
        ),
        (
            home,
            Value::Null,
            json!("h@a"),
            json!({"op": "add", "path": "emails", "value": [{"type": "home", "value": "h@a"}]}),
        ),
        (
            "emails",
            Value::Null,
            json!("x@a"),
            json!({"op": "replace", "path": "emails", "value": [{"value": "x@a", "primary": true}]}),
        ),
        (
            DEPARTMENT,
            json!("A"),
            json!("B"),
            json!({"op": "replace", "path": DEPARTMENT, "value": "B"}),
        ),
        (
            DEPARTMENT,
            json!("A"),
            Value::Null,
            json!({"op": "remove", "path": DEPARTMENT}),
        ),
        (
            "addresses[type eq \"work\"].locality",
            Value::Null,
            json!("Oslo"),
            json!({"op": "replace", "path": "addresses[type eq \"work\"].locality", "value": "Oslo"}),
        ),
    ] {
        let changes = changes(&[(remote, before, after)]);
        let order = order(Verb::Update, &desired, &changes, Some(&link), None);
        assert_eq!(operations(&order, None), [operation], "{remote}");
    }
}

#[test]
fn parts_of_one_new_element_are_added_together() {
    let desired = desired("kim", &[]);
    let link = link(&desired, "kim", json!({}));
    let changes = changes(&[
        (
            "addresses[type eq \"work\"].locality",
            Value::Null,
            json!("Oslo"),
        ),
        (
            "addresses[type eq \"work\"].country",
            Value::Null,
            json!("NO"),
        ),
    ]);
    let order = order(Verb::Update, &desired, &changes, Some(&link), None);
    assert_eq!(
        operations(&order, None),
        [
            json!({"op": "add", "path": "addresses", "value": [{"type": "work", "locality": "Oslo", "country": "NO"}]})
        ]
    );
}

#[test]
fn a_rename_a_waking_and_a_password_are_operations_of_their_own() {
    let desired = desired("kim2", &[]);
    let link = link(&desired, "kim", json!({}));
    let changes = changes(&[("userName", json!("kim"), json!("kim2"))]);
    let password = Secret::new("pw");
    let order = order(
        Verb::Update,
        &desired,
        &changes,
        Some(&link),
        Some(&password),
    );
    assert_eq!(
        operations(&order, Some(true)),
        [
            json!({"op": "replace", "path": "userName", "value": "kim2"}),
            json!({"op": "replace", "path": "active", "value": true}),
            json!({"op": "replace", "path": "password", "value": "pw"}),
        ]
    );
}

#[test]
fn a_put_keeps_what_is_not_ours_and_clears_what_is_cleared() {
    let desired = desired("kim", &[("title", json!("Prof"))]);
    let link = link(&desired, "kim", json!({"title": "Dr", "nickName": "K"}));
    let changes = changes(&[
        ("title", json!("Dr"), json!("Prof")),
        ("nickName", json!("K"), Value::Null),
    ]);
    let order = order(Verb::Update, &desired, &changes, Some(&link), None);
    let current = json!({
        "schemas": [CORE_USER], "id": "r1", "userName": "KIM", "externalId": "theirs", "nickName": "K",
        "title": "Dr", "locale": "nb-NO", "active": true, "groups": [{"value": "g"}], "meta": {"version": "1"},
    });
    assert_eq!(
        replaced(&current, &order, None),
        json!({
            "schemas": [CORE_USER], "id": "r1", "userName": "kim", "externalId": "theirs",
            "title": "Prof", "locale": "nb-NO", "active": true,
        })
    );
}

#[test]
fn members_join_in_one_operation_and_leave_by_filter() {
    let desired = group("g", &["b", "c"]);
    let link = link(&desired, "g", json!({"members": ["a", "b"]}));
    let order = order(Verb::Update, &desired, &[], Some(&link), None);
    let change = MemberChange::of(&order);
    let operations = |removal| -> Vec<Value> {
        change
            .patches(removal)
            .iter()
            .map(|patch| patch["Operations"].clone())
            .collect()
    };
    assert_eq!(
        operations(Removal::Filter),
        [
            json!([{"op": "add", "path": "members", "value": [{"value": "c"}]}]),
            json!([{"op": "remove", "path": "members[value eq \"a\"]"}]),
        ]
    );
    assert_eq!(
        operations(Removal::Values)[1],
        json!([{"op": "remove", "path": "members", "value": [{"value": "a"}]}])
    );
}

#[test]
fn no_patch_changes_more_than_a_hundred_members() {
    let ids: Vec<String> = (0..250).map(|id| format!("{id:03}")).collect();
    let change = MemberChange {
        added: ids.clone(),
        removed: ids,
    };
    let sizes: Vec<usize> = change
        .patches(Removal::Filter)
        .iter()
        .map(|patch| {
            let operations = patch["Operations"].as_array().unwrap();
            operations
                .iter()
                .map(|one| one["value"].as_array().map_or(1, Vec::len))
                .sum()
        })
        .collect();
    assert_eq!(sizes, [100, 100, 50, 100, 100, 50]);
}

#[test]
fn a_put_of_a_group_leaves_strangers_in_it() {
    let desired = group("g", &["b"]);
    let link = link(&desired, "g", json!({"members": ["a"]}));
    let order = order(Verb::Update, &desired, &[], Some(&link), None);
    let current =
        json!({"id": "r1", "displayName": "g", "members": [{"value": "a"}, {"value": "x"}]});
    assert_eq!(
        replaced(&current, &order, None)["members"],
        json!([{"value": "b"}, {"value": "x"}])
    );
}

#[test]
fn a_filter_quotes_what_it_is_given() {
    assert_eq!(
        equals("userName", "k\"i\\m 🙂\n"),
        r#"userName eq "k\"i\\m 🙂\n""#
    );
}

#[test]
fn accounts_are_read_in_the_spelling_of_every_server() {
    let mut list = json!({"totalResults": 1, "resources": [
        {"id": 12, "UserName": "Kim", "active": "False", "meta": {"created": "2026-11-22T10:00:00Z"}}
    ]});
    let (resources, total) = listed(&mut list).unwrap();
    assert_eq!(total, Some(1));
    let account = account(resources[0].clone(), Object::User).unwrap();
    assert_eq!(account.remote_id.0, "12");
    assert_eq!(account.remote_name, "Kim");
    assert!(!account.active && account.created_at.is_some());
}

#[test]
fn only_a_list_says_that_nobody_is_there() {
    for empty in [
        json!({"totalResults": 0}),
        json!({"totalResults": 0, "Resources": []}),
        json!({"Resources": []}),
        json!({"totalResults": 0, "Resources": null}),
    ] {
        assert_eq!(
            listed(&mut empty.clone()).map(|(found, _)| found.len()),
            Some(0),
            "{empty}"
        );
    }
    for none in [
        json!({}),
        json!(null),
        json!([]),
        json!({"error": "maintenance"}),
        json!({"totalResults": 3}),
        json!({"totalResults": 0, "Resources": "none"}),
    ] {
        assert_eq!(listed(&mut none.clone()), None, "{none}");
    }
}

#[test]
fn what_is_written_is_read_back_as_it_was_written() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
    let core = "urn:ietf:params:scim:schemas:core:2.0:User:title";
    let resource = json!({
        "title": "Dr", "name": {"familyName": "Ng"},
        "emails": [{"value": "k@a", "type": "work", "primary": true}, {"value": "h@a"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales"},
    });
    for (name, wanted) in [
        ("title", Some(json!("Dr"))),
        (core, Some(json!("Dr"))),
        ("name.familyName", Some(json!("Ng"))),
        ("emails[type eq \"work\"].value", Some(json!("k@a"))),
        ("emails", Some(json!(["k@a", "h@a"]))),
        ("emails.value", Some(json!(["k@a", "h@a"]))),
        (enterprise, Some(json!("Sales"))),
        ("nickName", None),
        ("phoneNumbers", None),
        ("emails[type eq \"home\"].value", None),
    ] {
        assert_eq!(shown(Object::User, &resource, name), wanted, "{name}");
    }
    let group = json!({"members": [{"value": "2"}, {"value": 1}]});
    assert_eq!(
        shown(Object::Group, &group, "members"),
        Some(json!(["1", "2"]))
    );
    assert_eq!(shown(Object::Group, &json!({}), "members"), None);
}
