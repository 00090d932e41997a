use jiff::SignedDuration;
use outbound_mocks::Vendor;
use serde_json::{Value, json};

use crate::lab::{ADMIN, Lab, address, person};

#[test]
fn an_inserted_user_is_found_by_address_alias_and_id_whatever_the_case() {
    let mut lab = Lab::new();
    let kim = lab
        .post(
            "users",
            &json!({
                "primaryEmail": "Kim@ACME.example", "password": "correct horse",
                "name": { "givenName": "Kim", "familyName": "Lee" },
            }),
        )
        .ok();
    assert_eq!(kim["kind"], "admin#directory#user");
    assert_eq!(kim["primaryEmail"], address("kim"));
    assert_eq!(
        kim["name"],
        json!({ "givenName": "Kim", "familyName": "Lee", "fullName": "Kim Lee" })
    );
    assert_eq!(kim["creationTime"], "2026-11-22T10:00:00.000Z");
    assert_eq!(kim["lastLoginTime"], "1970-01-01T00:00:00.000Z");
    assert_eq!(kim["orgUnitPath"], "/");
    assert_eq!(kim["suspended"], false);
    assert!(kim.get("suspensionReason").is_none() && kim.get("aliases").is_none());
    let id = kim["id"].as_str().unwrap();
    assert!(id.len() == 21 && id.bytes().all(|byte| byte.is_ascii_digit()));
    let etag = kim["etag"].as_str().unwrap();
    let (shared, own) = etag.trim_matches('"').split_once('/').unwrap();
    assert_eq!((shared.len(), own.len()), (43, 27));
    assert!(!kim.to_string().contains("correct horse"));
    lab.post(
        &format!("users/{id}/aliases"),
        &json!({ "alias": address("k") }),
    )
    .ok();
    for key in [
        id,
        "kim@acme.example",
        "KIM@Acme.Example",
        "k@acme.example",
        "kim%40acme.example",
    ] {
        assert_eq!(lab.get(&format!("users/{key}")).ok()["id"], id, "{key}");
    }
    lab.get("users/nobody@acme.example")
        .refused(404, "notFound", "Resource Not Found: userKey");
    lab.get("users/111111111111111111111")
        .refused(404, "notFound", "Resource Not Found: userKey");
    lab.group("staff");
    lab.get("users/staff@acme.example")
        .refused(400, "badRequest", "Type not supported: userKey");
}

#[test]
fn an_address_is_one_users_or_groups_only() {
    let mut lab = Lab::new();
    lab.user("kim");
    lab.group("staff");
    lab.post(
        "users/kim@acme.example/aliases",
        &json!({ "alias": address("k") }),
    )
    .ok();
    for taken in ["kim", "KIM", "k", "staff"] {
        lab.post("users", &person(taken))
            .refused(409, "duplicate", "Entity already exists.");
        lab.post("groups", &json!({ "email": address(taken) }))
            .refused(409, "duplicate", "Entity already exists.");
        lab.post(
            "users/admin@acme.example/aliases",
            &json!({ "alias": address(taken) }),
        )
        .refused(409, "duplicate", "");
        lab.put(
            "users/admin@acme.example",
            &json!({ "primaryEmail": address(taken) }),
        )
        .refused(409, "duplicate", "");
    }
    assert_eq!(lab.google.objects().len(), 3);
}

#[test]
fn what_an_insert_needs_is_asked_for_in_the_vendors_words() {
    let mut lab = Lab::new();
    let mut with = |change: &dyn Fn(&mut Value)| {
        let mut body = person("kim");
        change(&mut body);
        lab.post("users", &body)
    };
    let name = "Invalid Given/Family Name: ";
    with(&|body| *body = json!({})).refused(400, "invalid", &format!("{name}FamilyName"));
    with(&|body| *body = json!("{}")).refused(400, "invalid", &format!("{name}FamilyName"));
    with(&|body| body["name"] = json!({ "familyName": "Lee" })).refused(
        400,
        "invalid",
        &format!("{name}GivenName"),
    );
    with(&|body| body["name"]["familyName"] = "x".repeat(61).into()).refused(400, "invalid", name);
    with(&|body| body["name"]["givenName"] = "a<b".into()).refused(400, "invalid", name);
    with(&|body| body["name"]["displayName"] = "x".repeat(257).into()).refused(
        400,
        "invalid",
        "displayName",
    );
    with(&|body| body["primaryEmail"] = Value::Null).refused(400, "required", "primaryEmail");
    for bad in [
        "kim",
        "@acme.example",
        "k im@acme.example",
        "k..m@acme.example",
        "k\"m@acme.example",
        "\u{1f600}@acme.example",
    ] {
        with(&|body| body["primaryEmail"] = bad.into()).refused(
            400,
            "invalid",
            "Invalid Input: primary_user_email",
        );
    }
    with(&|body| body["primaryEmail"] = "kim@elsewhere.example".into()).refused(
        403,
        "forbidden",
        "Not Authorized to access this resource/api",
    );
    for bad in ["short", "p\u{e4}sswords", &"x".repeat(101), ""] {
        with(&|body| body["password"] = bad.into()).refused(400, "invalid", "Invalid Password");
    }
    with(&|body| body["password"] = Value::Null).refused(400, "invalid", "Invalid Password");
    with(&|body| body["orgUnitPath"] = "/Nowhere".into()).refused(400, "invalid", "INVALID_OU_ID");
    with(&|body| body["suspended"] = "true".into()).refused(400, "invalid", "suspended");
    with(&|body| body["recoveryPhone"] = "0441234567".into()).refused(
        400,
        "invalid",
        "recovery_phone",
    );
    with(&|body| body["recoveryEmail"] = "nowhere".into()).refused(
        400,
        "invalid",
        "recovery_email",
    );
    with(&|_| ()).ok();
}

#[test]
fn hashed_passwords_have_the_form_of_their_hash() {
    let mut lab = Lab::new();
    let sum = |letters: usize| "a".repeat(letters);
    let cases = [
        ("MD5", sum(32), true),
        ("MD5", sum(31), false),
        ("SHA-1", sum(40), true),
        ("SHA-1", "z".repeat(40), false),
        ("SHA-256", sum(64), false),
        ("crypt", sum(13), true),
        ("crypt", format!("$1$salt${}", sum(22)), true),
        ("crypt", format!("$5$salt${}", sum(43)), true),
        ("crypt", format!("$6$rounds=10000$salt${}", sum(86)), true),
        ("crypt", format!("$6$rounds=10001$salt${}", sum(86)), false),
        ("crypt", format!("$9$salt${}", sum(22)), false),
    ];
    for (number, (function, password, good)) in cases.into_iter().enumerate() {
        let mut body = person(&format!("user{number}"));
        body["hashFunction"] = function.into();
        body["password"] = password.clone().into();
        let told = lab.post("users", &body);
        assert_eq!(
            told.status.is_success(),
            good,
            "{function} {password}: {told:?}"
        );
    }
}

#[test]
fn update_keeps_what_is_absent_clears_null_and_replaces_lists() {
    let mut lab = Lab::new();
    let mut body = person("kim");
    body["phones"] = json!([{ "type": "work", "value": "1" }, { "type": "home", "value": "2" }]);
    body["organizations"] = json!([{ "title": "Boss", "primary": true }]);
    body["recoveryEmail"] = "kim@home.example".into();
    body["gender"] = json!({ "type": "female" });
    lab.post("users", &body).ok();
    let kim = lab
        .put(
            "users/kim@acme.example",
            &json!({
                "name": { "familyName": "Park" }, "phones": [{ "type": "mobile", "value": "3" }],
                "organizations": null, "recoveryEmail": null,
            }),
        )
        .ok();
    assert_eq!(kim["name"]["fullName"], "kim Park");
    assert_eq!(kim["phones"], json!([{ "type": "mobile", "value": "3" }]));
    assert!(kim.get("organizations").is_none() && kim.get("recoveryEmail").is_none());
    assert_eq!(kim["gender"], json!({ "type": "female" }));
    let told = lab.told();
    assert_eq!(
        told["name.familyName"],
        (Some(&json!("Lee")), Some(&json!("Park")))
    );
    assert_eq!(
        told["recoveryEmail"],
        (Some(&json!("kim@home.example")), None)
    );
    assert_eq!(told.len(), 4, "{told:?}");
    lab.put(
        "users/kim@acme.example",
        &json!({ "name": { "familyname": "Lee" } }),
    )
    .refused(400, "required", "Required parameter: [resource.name.field]");
}

#[test]
fn patch_cannot_clear_repeated_fields_and_update_can() {
    let mut lab = Lab::new();
    let mut body = person("kim");
    body["phones"] = json!([{ "type": "work", "value": "1" }]);
    body["recoveryPhone"] = "+41440000000".into();
    lab.post("users", &body).ok();
    for nothing in [Value::Null, json!([])] {
        let kim = lab
            .patch(
                "users/kim@acme.example",
                &json!({ "phones": nothing, "recoveryPhone": null }),
            )
            .ok();
        assert_eq!(kim["phones"][0]["value"], "1");
        assert!(kim.get("recoveryPhone").is_none());
    }
    assert!(lab.changes.is_empty());
    assert!(
        lab.put("users/kim@acme.example", &json!({ "phones": [] }))
            .ok()
            .get("phones")
            .is_none()
    );
}

#[test]
fn read_only_and_unknown_fields_are_ignored() {
    let mut lab = Lab::new();
    let mut body = person("kim");
    for (field, value) in [
        ("id", json!("1")),
        ("isAdmin", json!(true)),
        ("aliases", json!(["x@acme.example"])),
        ("etag", json!("x")),
        ("creationTime", json!("2001-01-01T00:00:00.000Z")),
        ("customerId", json!("C0")),
        ("nonsense", json!(1)),
        ("kind", json!("x")),
        ("suspensionReason", json!("ABUSE")),
        ("isMailboxSetup", json!(false)),
    ] {
        body[field] = value;
    }
    let kim = lab.post("users", &body).ok();
    assert_eq!(kim["isAdmin"], false);
    assert_ne!(kim["id"], "1");
    assert!(kim.get("aliases").is_none() && kim.get("nonsense").is_none());
    let again = lab.put("users/kim@acme.example", &body).ok();
    assert_eq!(again["etag"], kim["etag"]);
}

#[test]
fn a_rename_keeps_the_old_address_as_an_alias_that_can_be_given_away() {
    let mut lab = Lab::new();
    let kim = lab.user("kim");
    let renamed = lab
        .put(
            "users/kim@acme.example",
            &json!({ "primaryEmail": address("kim.lee") }),
        )
        .ok();
    assert_eq!(
        (&renamed["primaryEmail"], &renamed["aliases"]),
        (&json!(address("kim.lee")), &json!([address("kim")]))
    );
    assert_eq!(lab.get("users/kim@acme.example").ok()["id"], kim["id"]);
    lab.post("users", &person("kim"))
        .refused(409, "duplicate", "Entity already exists.");
    let back = lab
        .put(
            "users/kim@acme.example",
            &json!({ "primaryEmail": address("kim") }),
        )
        .ok();
    assert_eq!(
        (&back["primaryEmail"], &back["aliases"]),
        (&json!(address("kim")), &json!([address("kim.lee")]))
    );
    assert_eq!(
        lab.delete("users/kim@acme.example/aliases/KIM.lee@acme.example")
            .status,
        204
    );
    lab.delete("users/kim@acme.example/aliases/kim.lee@acme.example")
        .refused(404, "notFound", "Resource Not Found");
    lab.user("kim.lee");
}

#[test]
fn suspension_shows_its_reason_only_while_it_lasts() {
    let mut lab = Lab::new();
    lab.user("kim");
    let off = lab
        .put("users/kim@acme.example", &json!({ "suspended": true }))
        .ok();
    assert_eq!(
        (&off["suspended"], &off["suspensionReason"]),
        (&json!(true), &json!("ADMIN"))
    );
    assert_eq!(
        lab.told()["suspended"],
        (Some(&json!(false)), Some(&json!(true)))
    );
    let on = lab
        .put("users/kim@acme.example", &json!({ "suspended": false }))
        .ok();
    assert!(on.get("suspensionReason").is_none());
}

#[test]
fn a_deleted_user_is_gone_listed_as_deleted_and_back_within_twenty_days() {
    let mut lab = Lab::new();
    let kim = lab.user("kim");
    let id = kim["id"].as_str().unwrap().to_owned();
    lab.post(
        "users/kim@acme.example/aliases",
        &json!({ "alias": address("k") }),
    )
    .ok();
    lab.post(&format!("users/{id}/undelete"), &json!({}))
        .refused(412, "conditionNotMet", "undelete");
    let told = lab.delete("users/kim@acme.example");
    assert_eq!((told.status.as_u16(), told.text.as_str()), (204, ""));
    assert_eq!(lab.told()["*"].1, None);
    for key in [id.as_str(), "kim@acme.example", "k@acme.example"] {
        lab.get(&format!("users/{key}"))
            .refused(404, "notFound", "userKey");
        lab.delete(&format!("users/{key}"))
            .refused(404, "notFound", "userKey");
    }
    let gone = lab.get("users?customer=my_customer&showDeleted=true").ok();
    assert_eq!(gone["users"][0]["id"], kim["id"]);
    assert_eq!(gone["users"][0]["deletionTime"], "2026-11-22T10:00:00.000Z");
    assert_eq!(
        lab.get("users?customer=my_customer").ok()["users"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    lab.post(
        "users/kim@acme.example/undelete",
        &json!({ "orgUnitPath": "/" }),
    )
    .refused(404, "notFound", "userKey");
    let taker = lab.user("kim");
    lab.post(&format!("users/{id}/undelete"), &json!({}))
        .refused(409, "duplicate", "");
    lab.delete(&format!("users/{}", taker["id"].as_str().unwrap()));
    assert_eq!(
        lab.post(
            &format!("users/{id}/undelete"),
            &json!({ "orgUnitPath": "/" })
        )
        .status,
        204
    );
    let back = lab.get("users/k@acme.example").ok();
    assert_eq!(
        (&back["id"], &back["creationTime"]),
        (&kim["id"], &kim["creationTime"])
    );
    lab.delete("users/kim@acme.example");
    lab.later(20 * 24);
    lab.now += SignedDuration::from_secs(1);
    lab.log_in();
    lab.post(&format!("users/{id}/undelete"), &json!({}))
        .refused(404, "notFound", "userKey");
    let left = lab.get("users?customer=my_customer&showDeleted=true").ok();
    assert!(left.get("users").is_none());
}

#[test]
fn nobody_deletes_the_account_they_act_as() {
    let mut lab = Lab::new();
    lab.delete(&format!("users/{ADMIN}"))
        .refused(403, "forbidden", "");
}

#[test]
fn make_admin_and_sign_out_answer_nothing() {
    let mut lab = Lab::new();
    lab.user("kim");
    lab.post("users/kim@acme.example/makeAdmin", &json!({}))
        .refused(400, "required", "status");
    assert_eq!(
        lab.post(
            "users/kim@acme.example/makeAdmin",
            &json!({ "status": true })
        )
        .status,
        204
    );
    assert_eq!(
        lab.told()["isAdmin"],
        (Some(&json!(false)), Some(&json!(true)))
    );
    assert_eq!(lab.get("users/kim@acme.example").ok()["isAdmin"], true);
    assert_eq!(
        lab.post("users/kim@acme.example/signOut", &Value::Null)
            .status,
        204
    );
}

#[test]
fn lists_of_values_are_bounded_and_well_formed() {
    let mut lab = Lab::new();
    lab.user("kim");
    let entry = |bytes: usize| json!([{ "type": "work", "value": "x".repeat(bytes) }]);
    for (field, limit) in [
        ("phones", 1024),
        ("keywords", 1024),
        ("languages", 1024),
        ("externalIds", 2048),
        ("ims", 2048),
        ("relations", 2048),
        ("websites", 2048),
        ("addresses", 10240),
        ("organizations", 10240),
        ("locations", 10240),
    ] {
        lab.put(
            "users/kim@acme.example",
            &json!({ field: entry(limit - 40) }),
        )
        .ok();
        lab.put("users/kim@acme.example", &json!({ field: entry(limit) }))
            .refused(400, "invalid", field);
        lab.put("users/kim@acme.example", &json!({ field: "text" }))
            .refused(400, "invalid", field);
        lab.put("users/kim@acme.example", &json!({ field: ["text"] }))
            .refused(400, "invalid", field);
        let two = json!([{ "primary": true }, { "primary": true }]);
        lab.put("users/kim@acme.example", &json!({ field: two }))
            .refused(400, "invalid", field);
    }
    lab.put(
        "users/kim@acme.example",
        &json!({ "emails": [{ "address": "nowhere" }] }),
    )
    .refused(400, "invalid", "emails");
    let kim = lab
        .put(
            "users/kim@acme.example",
            &json!({ "emails": [{ "address": "kim@home.example", "type": "home" }] }),
        )
        .ok();
    let emails: Vec<&str> = kim["emails"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["address"].as_str())
        .collect();
    assert_eq!(
        emails,
        [
            "kim@home.example",
            "kim@acme.example",
            "kim@acme.example.test-google-a.com"
        ]
    );
}

/// An account with two schemas of custom fields.
fn with_schemas() -> Lab {
    let mut lab = Lab::new();
    let seed = r#"
        [[schemas]]
        schemaName = "Job"
        fields = [
            { fieldName = "level", fieldType = "INT64" },
            { fieldName = "title", fieldType = "STRING" },
            { fieldName = "since", fieldType = "DATE" },
            { fieldName = "share", fieldType = "DOUBLE" },
            { fieldName = "remote", fieldType = "BOOL" },
            { fieldName = "desk", fieldType = "PHONE" },
            { fieldName = "lead", fieldType = "EMAIL" },
            { fieldName = "password", fieldType = "STRING" },
            { fieldName = "tags", fieldType = "STRING", multiValued = true },
        ]
        [[schemas]]
        schemaName = "Desk"
        fields = [{ fieldName = "room", fieldType = "STRING" }]
    "#;
    lab.google.seed(&seed.parse().unwrap(), lab.now).unwrap();
    lab
}

#[test]
fn a_custom_field_is_defined_before_it_is_written_and_takes_what_fits() {
    let mut lab = with_schemas();
    lab.user("kim");
    for (wrong, why) in [
        // What was once kept and shown as it came, a member called `password` in it.
        (
            json!({ "primaryEmail": { "name": "x", "password": "canary-P4ssw0rd" } }),
            "no schema",
        ),
        (json!({ "Job": { "pet": "cat" } }), "no field"),
        (json!({ "Nobody": null }), "no schema to clear"),
        (json!({ "Job": 1 }), "no object"),
        (json!([]), "no object"),
        (json!({ "Job": { "level": 1.5 } }), "no integer"),
        (json!({ "Job": { "level": "many" } }), "no integer"),
        (json!({ "Job": { "title": 7 } }), "no text"),
        (json!({ "Job": { "title": ["x"] } }), "single-valued"),
        (json!({ "Job": { "since": "2024-02-30" } }), "no date"),
        (json!({ "Job": { "share": "half" } }), "no number"),
        (json!({ "Job": { "remote": 1 } }), "no flag"),
        (json!({ "Job": { "desk": true } }), "no text"),
        (json!({ "Job": { "lead": "kim" } }), "no address"),
        (json!({ "Job": { "tags": "x" } }), "multi-valued"),
        (json!({ "Job": { "tags": ["x"] } }), "no entries"),
        (
            json!({ "Job": { "tags": [{ "type": "work" }] } }),
            "no value",
        ),
        (
            json!({ "Job": { "tags": [{ "type": "club", "value": "x" }] } }),
            "no such type",
        ),
        (
            json!({ "Job": { "tags": [{ "type": "custom", "value": "x" }] } }),
            "no customType",
        ),
    ] {
        let body = json!({ "customSchemas": wrong });
        let error = lab.put("users/kim@acme.example", &body);
        assert_eq!(error.status, 400, "{why}: {error:?}");
        error.refused(400, "invalid", "Invalid Input: custom_schema");
    }
    let fields = json!({ "Job": {
        "level": "3", "title": "x", "since": "2024-02-29", "share": 0.5, "remote": true, "desk": "+41 44",
        "lead": "lee@else.example", "password": "a word like any other",
        "tags": [{ "type": "custom", "customType": "pet", "value": "cat" }, { "value": "dog" }],
    }});
    lab.put(
        "users/kim@acme.example",
        &json!({ "customSchemas": fields.clone() }),
    )
    .ok();
    // An object for a single value changes nothing, and nobody is told.
    lab.put(
        "users/kim@acme.example",
        &json!({ "customSchemas": { "Job": { "level": { "type": "work", "value": 4 } } } }),
    )
    .ok();
    let full = lab.get("users/kim@acme.example?projection=full").ok();
    assert_eq!(full["customSchemas"], fields);
}

#[test]
fn custom_fields_show_only_when_asked_for_and_merge() {
    let mut lab = with_schemas();
    lab.user("kim");
    lab.put(
        "users/kim@acme.example",
        &json!({ "customSchemas": { "Job": { "level": 3 }, "Desk": { "room": "7" } } }),
    )
    .ok();
    lab.patch(
        "users/kim@acme.example",
        &json!({ "customSchemas": { "Job": { "title": "x" }, "Desk": null } }),
    )
    .ok();
    assert!(
        lab.get("users/kim@acme.example")
            .ok()
            .get("customSchemas")
            .is_none()
    );
    let full = lab.get("users/kim@acme.example?projection=full").ok();
    assert_eq!(
        full["customSchemas"],
        json!({ "Job": { "level": 3, "title": "x" } })
    );
    let some = lab
        .get("users/kim@acme.example?projection=custom&customFieldMask=Job,Desk")
        .ok();
    assert_eq!(some["customSchemas"]["Job"]["level"], 3);
    lab.get("users/kim@acme.example?projection=custom").refused(
        400,
        "invalid",
        "custom_field_mask",
    );
    lab.get("users/kim@acme.example?projection=most").refused(
        400,
        "invalidParameter",
        "Allowed values: [basic, custom, full]",
    );
}

#[test]
fn versions_guard_writes_and_save_reads() {
    let mut lab = Lab::new();
    let kim = lab.user("kim");
    let etag = kim["etag"].as_str().unwrap().to_owned();
    let told = lab.call_with(
        "GET",
        "users/kim@acme.example",
        &Value::Null,
        &[("if-none-match", &etag)],
    );
    assert_eq!(
        (
            told.status.as_u16(),
            told.text.as_str(),
            &told.headers["etag"]
        ),
        (304, "", &etag.parse().unwrap())
    );
    let off = json!({ "suspended": true });
    lab.call_with(
        "PUT",
        "users/kim@acme.example",
        &off,
        &[("if-match", &etag)],
    )
    .ok();
    lab.call_with(
        "PUT",
        "users/kim@acme.example",
        &json!({ "suspended": false }),
        &[("if-match", &etag)],
    )
    .refused(412, "conditionNotMet", "Precondition Failed");
    lab.call_with(
        "DELETE",
        "users/kim@acme.example",
        &Value::Null,
        &[("if-match", &etag)],
    )
    .refused(412, "conditionNotMet", "");
    assert_eq!(lab.get("users/kim@acme.example").ok()["suspended"], true);
}

#[test]
fn licences_bound_what_is_active() {
    let mut lab = Lab::new();
    lab.google.set_licences(Some(2));
    lab.user("kim");
    lab.post("users", &person("lee"))
        .refused(412, "limitExceeded", "Domain user limit reached.");
    lab.put("users/kim@acme.example", &json!({ "archived": true }))
        .ok();
    lab.user("lee");
    lab.put("users/kim@acme.example", &json!({ "archived": false }))
        .refused(412, "limitExceeded", "");
    let lee = lab.delete("users/lee@acme.example");
    assert_eq!(lee.status, 204);
    lab.put("users/kim@acme.example", &json!({ "archived": false }))
        .ok();
}

#[test]
fn a_password_is_reported_but_never_shown() {
    let mut lab = Lab::new();
    lab.user("kim");
    lab.put(
        "users/kim@acme.example",
        &json!({ "password": "another secret" }),
    )
    .ok();
    assert_eq!(lab.told()["password"], (None, None));
    let all = format!(
        "{:?}{:?}{:?}",
        lab.google.objects(),
        lab.changes,
        lab.google
    );
    assert!(!all.contains("another secret") && !all.contains("correct horse"));
}
