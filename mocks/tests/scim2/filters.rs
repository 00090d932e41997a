//! The filter language over HTTP's query: RFC 7644, section 3.4.2.2.

use serde_json::json;

use super::{Desk, ENTERPRISE, USER};

fn town() -> Desk {
    let mut desk = Desk::new();
    desk.user_with(
        "Alice@x.example",
        json!({"externalId": "A-1", "title": "Guide", "name": {"familyName": "Ng", "givenName": "Alice"},
            "emails": [{"value": "alice@x.example", "type": "work", "primary": true}, {"value": "a@home.example", "type": "home"}],
            ENTERPRISE: {"department": "Tours", "employeeNumber": "7"}}),
    );
    desk.user_with(
        "bob@x.example",
        json!({"externalId": "a-1", "active": false, "name": {"familyName": "O'Malley"},
            "emails": [{"value": "bob@x.example", "type": "home"}, {"value": "bob@y.example", "type": "work"}]}),
    );
    desk.user_with(
        "cara",
        json!({"title": "Chef \"de\" cuisine", "nickName": "CC"}),
    );
    desk
}

#[test]
fn every_operator_and_form_finds_what_it_should() {
    const ALL: &[&str] = &["Alice@x.example", "bob@x.example", "cara"];
    const ALICE: &[&str] = &["Alice@x.example"];
    const BOB: &[&str] = &["bob@x.example"];
    const CARA: &[&str] = &["cara"];
    const NONE: &[&str] = &[];
    let mut desk = town();
    let cases: &[(&str, &[&str])] = &[
        // case: userName ignores it, externalId and id do not
        (r#"userName eq "alice@X.example""#, ALICE),
        (r#"USERNAME EQ "ALICE@x.example""#, ALICE),
        (r#"externalId eq "A-1""#, ALICE),
        (r#"externalId eq "a-1""#, BOB),
        (r#"externalId sw "A""#, ALICE),
        (
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "cara""#,
            CARA,
        ),
        // the operators
        (
            r#"userName ne "cara""#,
            &["Alice@x.example", "bob@x.example"],
        ),
        (r#"title ne "Guide""#, &["bob@x.example", "cara"]),
        (r#"name.familyName co "o'mal""#, BOB),
        (r#"userName sw "B""#, BOB),
        (
            r#"userName ew ".EXAMPLE""#,
            &["Alice@x.example", "bob@x.example"],
        ),
        ("title pr", &["Alice@x.example", "cara"]),
        ("emails pr", &["Alice@x.example", "bob@x.example"]),
        ("name pr", &["Alice@x.example", "bob@x.example"]),
        (r#"userName gt "bob""#, &["bob@x.example", "cara"]),
        (r#"userName ge "bob@x.example""#, &["bob@x.example", "cara"]),
        (r#"userName lt "bob""#, ALICE),
        (
            r#"userName le "BOB@x.example""#,
            &["Alice@x.example", "bob@x.example"],
        ),
        (r#"title eq "Chef \"de\" cuisine""#, CARA),
        // booleans, null, dates
        ("active eq false", BOB),
        ("active eq True", &["Alice@x.example", "cara"]),
        (r#"active eq "False""#, BOB),
        ("active ne true", BOB),
        ("title eq null", BOB),
        ("title ne null", &["Alice@x.example", "cara"]),
        (
            r#"meta.created ge "2026-11-22T01:02:05Z""#,
            &["bob@x.example", "cara"],
        ),
        (
            r#"meta.lastModified lt "2026-11-22T02:02:05.456+01:00""#,
            ALICE,
        ),
        (r#"meta.resourceType eq "User""#, ALL),
        (
            r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
            ALICE,
        ),
        // several values, value paths, Entra's form
        (r#"emails co "@y.example""#, BOB),
        (
            r#"emails.type eq "home""#,
            &["Alice@x.example", "bob@x.example"],
        ),
        (r#"emails.value eq "BOB@Y.example""#, BOB),
        (
            r#"emails[type eq "work"]"#,
            &["Alice@x.example", "bob@x.example"],
        ),
        (r#"emails[type eq "work" and value co "@x.example"]"#, ALICE),
        (r#"emails[not (type eq "work") and value sw "bob"]"#, BOB),
        (r#"emails[type eq "work"].value eq "bob@y.example""#, BOB),
        (
            r#"emails[type eq "home"].value ew "home.example" and active eq true"#,
            ALICE,
        ),
        (r#"emails[type eq "work"].display pr"#, NONE),
        ("emails.primary eq true", ALICE),
        // extensions
        (
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "tours""#,
            ALICE,
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber pr",
            ALICE,
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr",
            ALICE,
        ),
        (r#"urn:example:unknown:User:x eq "1""#, NONE),
        // logic: and binds tighter than or, not needs parentheses
        (
            r#"title eq "Guide" or nickName eq "CC" and userName eq "x""#,
            ALICE,
        ),
        (
            r#"(title eq "Guide" or nickName eq "CC") and userName eq "cara""#,
            CARA,
        ),
        (
            r#"not (userName eq "cara")"#,
            &["Alice@x.example", "bob@x.example"],
        ),
        (r#"userName eq "cara" and title sw "chef""#, CARA),
        (r#"userName eq "cara" and title sw "x""#, NONE),
        (
            r#"userName eq "cara" or userName eq "bob@x.example""#,
            &["bob@x.example", "cara"],
        ),
        // what there is not has no value
        (r#"unknown eq "x""#, NONE),
        ("unknown pr", NONE),
        ("not (unknown pr)", ALL),
        (r#"userName eq "nobody""#, NONE),
        ("userName eq 7", NONE),
    ];
    for (filter, expected) in cases {
        assert_eq!(desk.names("/Users", filter), *expected, "{filter}");
    }
}

#[test]
fn what_is_no_filter_is_refused() {
    let mut desk = town();
    let deep = format!("{}title pr{}", "(".repeat(200), ")".repeat(200));
    for filter in [
        "userName",
        "userName eq",
        r#"userName is "x""#,
        r#"eq "x""#,
        r#"userName eq "x" and"#,
        r#"userName eq "x"#,
        "userName eq kim",
        r#"(userName eq "x""#,
        r#"userName eq "x")"#,
        r#"emails[type eq "work""#,
        r#"emails[type eq "work"].value"#,
        r#"emails.type[value eq "x"]"#,
        r#"not userName eq "x""#,
        r#"userName eq "\x""#,
        r#"user name eq "x""#,
        "active gt true",
        r#"x509Certificates.value gt "a""#,
        "userName gt null",
        r#"password eq "x""#,
        "password pr",
        r#"userName eq "x" "y""#,
        "]",
        &deep,
    ] {
        desk.filter("/Users", filter).refused(400, "invalidFilter");
    }
}

#[test]
fn a_long_chain_is_no_deep_nest() {
    let mut desk = town();
    let chain = vec![r#"userName eq "cara""#; 500].join(" or ");
    assert_eq!(desk.names("/Users", &chain), ["cara"]);
}

#[test]
fn groups_are_found_by_name_and_by_member() {
    let mut desk = town();
    let id = desk.user("dora");
    desk.group("Staff", &[&id]);
    desk.group("Empty", &[]);
    assert_eq!(
        desk.names("/Groups", r#"displayName eq "staff""#),
        ["Staff"]
    );
    for filter in [
        format!(r#"members eq "{id}""#),
        format!(r#"members.value eq "{id}""#),
        format!(r#"members[value eq "{id}"]"#),
        format!(r#"members[value eq "{id}" and type eq "User"] and displayName pr"#),
    ] {
        assert_eq!(desk.names("/Groups", &filter), ["Staff"], "{filter}");
    }
    let group =
        desk.filter("/Groups", r#"displayName eq "staff""#).body["Resources"][0]["id"].clone();
    assert_eq!(
        desk.names("/Users", &format!("groups.value eq {group}")),
        ["dora"]
    );
    assert_eq!(
        desk.names("/Users", r#"groups[display eq "Staff"]"#),
        ["dora"]
    );
    // Over all kinds at the root (RFC 7644, section 3.4.2.1).
    let both = desk
        .get("?filter=displayName%20pr%20or%20userName%20eq%20%22dora%22")
        .expect(200);
    assert_eq!(both.names(), ["dora", "Staff", "Empty"]);
}

#[test]
fn an_index_follows_every_change() {
    let mut desk = Desk::new();
    let id = desk.user_with("kim", json!({"externalId": "1", "displayName": "Kim"}));
    desk.put(
        &format!("/Users/{id}"),
        &json!({"schemas": [USER], "userName": "lee", "externalId": "2"}),
    )
    .expect(200);
    for gone in [
        r#"userName eq "kim""#,
        r#"externalId eq "1""#,
        r#"displayName eq "Kim""#,
    ] {
        assert!(desk.names("/Users", gone).is_empty(), "{gone}");
    }
    for there in [
        r#"userName eq "LEE""#,
        r#"externalId eq "2""#,
        &format!(r#"id eq "{id}""#),
    ] {
        assert_eq!(desk.names("/Users", there), ["lee"], "{there}");
    }
    desk.delete(&format!("/Users/{id}")).expect(204);
    assert!(desk.names("/Users", r#"externalId eq "2""#).is_empty());
}
