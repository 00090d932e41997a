//! The User object: create, read, change, upsert, describe, passwords, and every refusal.

use serde_json::{Value, json};

use crate::kit::Org;

#[test]
fn a_created_user_is_answered_and_read_as_the_vendor_writes_it() {
    let mut org = Org::open();
    let mut person = org.person("kim");
    person["FirstName"] = json!("Kim");
    person["LastName"] = json!("Doe");
    let (status, body) = org.post("/sobjects/User/", &person);
    assert_eq!(status, 201);
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(body, json!({"id": id, "success": true, "errors": []}));
    assert_eq!(
        org.last.headers["location"],
        format!("/services/data/v59.0/sobjects/User/{id}")
    );
    assert_eq!(
        org.last.headers["content-type"],
        "application/json;charset=UTF-8"
    );
    assert_eq!((id.len(), &id[..3]), (18, "005"));
    let (status, user) = org.get(&format!("/sobjects/User/{id}"));
    assert_eq!(status, 200);
    assert_eq!(
        user["attributes"],
        json!({"type": "User", "url": format!("/services/data/v59.0/sobjects/User/{id}")})
    );
    assert_eq!(user["Name"], "Kim Doe");
    assert_eq!(user["IsActive"], true);
    assert_eq!(user["UserType"], "Standard");
    assert_eq!(user["CreatedDate"], "2026-11-22T10:00:00.000+0000");
    assert_eq!(user["Address"], Value::Null);
    assert_eq!(user["Department"], Value::Null);
    assert!(
        user["CommunityNickname"]
            .as_str()
            .unwrap()
            .starts_with("User")
    );
    // 15 characters do as well, and so does any case of the object's name
    let (status, same) = org.get(&format!("/sobjects/user/{}", &id[..15]));
    assert_eq!((status, &same), (200, &user));
    let (_, part) = org.get(&format!("/sobjects/User/{id}?fields=Username,email"));
    let names: Vec<&String> = part.as_object().unwrap().keys().collect();
    assert_eq!(names, ["attributes", "Username", "Email", "Id"]);
}

#[test]
fn all_that_is_missing_is_named_at_once() {
    let mut org = Org::open();
    let (status, body) = org.post(
        "/sobjects/User",
        &json!({"Username": "kim@acme.example", "FirstName": "Kim"}),
    );
    assert_eq!(status, 400);
    let fields = [
        "LastName",
        "Email",
        "Alias",
        "TimeZoneSidKey",
        "LocaleSidKey",
        "EmailEncodingKey",
        "ProfileId",
        "LanguageLocaleKey",
    ];
    let message = format!("Required fields are missing: [{}]", fields.join(", "));
    assert_eq!(
        body,
        json!([{"message": message, "errorCode": "REQUIRED_FIELD_MISSING", "fields": fields}])
    );
    assert!(org.changes.is_empty());
}

#[test]
fn a_value_that_does_not_fit_is_refused_for_what_it_is() {
    let mut org = Org::open();
    let long = "x".repeat(81);
    let cases = [
        (
            "Alias",
            json!("ninechars"),
            "STRING_TOO_LONG",
            "Alias: data value too large: ninechars (max length=8)",
            json!(["Alias"]),
        ),
        (
            "LastName",
            json!(long),
            "STRING_TOO_LONG",
            &format!("Last Name: data value too large: {long} (max length=80)"),
            json!(["LastName"]),
        ),
        (
            "Email",
            json!("kim"),
            "INVALID_EMAIL_ADDRESS",
            "Email: invalid email address: kim",
            json!(["Email"]),
        ),
        (
            "TimeZoneSidKey",
            json!("Mars"),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Time Zone: bad value for restricted picklist field: Mars",
            json!(["TimeZoneSidKey"]),
        ),
        (
            "LanguageLocaleKey",
            json!("xx"),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Language: bad value for restricted picklist field: xx",
            json!(["LanguageLocaleKey"]),
        ),
        (
            "ProfileId",
            json!("00eHX00000000ZZ"),
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
            json!([]),
        ),
        (
            "ProfileId",
            json!("Standard User"),
            "MALFORMED_ID",
            "Profile ID: id value of incorrect type: Standard User",
            json!(["ProfileId"]),
        ),
        (
            "ManagerId",
            json!("00eHX0000000002"),
            "MALFORMED_ID",
            "Manager ID: id value of incorrect type: 00eHX0000000002",
            json!(["ManagerId"]),
        ),
        (
            "Username",
            json!("kim"),
            "FIELD_INTEGRITY_EXCEPTION",
            "Username must be in the form of an email address (for example, john@acme.com): Username",
            json!(["Username"]),
        ),
        (
            "IsActive",
            json!(null),
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            "Active: value not of required type: ",
            json!(["IsActive"]),
        ),
    ];
    for (field, value, code, message, fields) in cases {
        let mut person = org.person("kim");
        person[field] = value;
        let (status, body) = org.post("/sobjects/User", &person);
        assert_eq!(status, 400, "{field}: {body}");
        assert_eq!(
            body,
            json!([{"message": message, "errorCode": code, "fields": fields}])
        );
    }
    assert_eq!(org.soql("SELECT COUNT() FROM User")["totalSize"], 1);
}

#[test]
fn unknown_and_read_only_fields_are_told_apart() {
    let mut org = Org::open();
    let mut person = org.person("kim");
    person["Shoe"] = json!(42);
    let (status, body) = org.post("/sobjects/User", &person);
    assert_eq!(
        (status, body),
        (
            400,
            json!([{"message": "No such column 'Shoe' on sobject of type User", "errorCode": "INVALID_FIELD"}])
        )
    );
    let mut person = org.person("kim");
    person["Name"] = json!("x");
    person["CreatedDate"] = json!("2026-01-01T00:00:00Z");
    let (_, body) = org.post("/sobjects/User", &person);
    assert_eq!(Org::code(&body), "INVALID_FIELD_FOR_INSERT_UPDATE");
    assert_eq!(body[0]["fields"], json!(["Name", "CreatedDate"]));
    let id = org.hire("lee");
    let (_, body) = org.patch(&format!("/sobjects/User/{id}"), &json!({"Id": id}));
    assert_eq!(
        body,
        json!([{"message": "The Id field should not be specified in the sobject data.", "errorCode": "INVALID_FIELD", "fields": ["Id"]}])
    );
}

#[test]
fn types_are_coerced_where_the_vendor_does_and_refused_where_not() {
    let mut org = Org::open();
    let id = org.hire("kim");
    let user = format!("/sobjects/User/{id}");
    assert_eq!(org.patch(&user, &json!({"IsActive": "False"})).0, 204);
    assert_eq!(org.get(&user).1["IsActive"], false);
    let (status, body) = org.patch(&user, &json!({"IsActive": "yes"}));
    let message = "Cannot deserialize instance of boolean from VALUE_STRING value yes or request may be missing a required field at [line:1, column:13]";
    assert_eq!(
        (status, body),
        (
            400,
            json!([{"message": message, "errorCode": "JSON_PARSER_ERROR"}])
        )
    );
    for (value, token) in [
        (json!(5), "VALUE_NUMBER_INT value 5"),
        (json!(true), "VALUE_TRUE value true"),
        (json!([]), "START_ARRAY value ["),
    ] {
        let (_, body) = org.patch(&user, &json!({"Title": value}));
        assert!(
            body[0]["message"].as_str().unwrap().contains(token),
            "{body}"
        );
    }
    for text in [
        "",
        "{",
        "[]",
        "{\"a\":}",
        "nope",
        "{\"Title\":\"x\"} trailing",
    ] {
        let path = format!("/services/data/v59.0{user}");
        let (status, body) = org.send(
            "PATCH",
            &path,
            &[("content-type", "application/json")],
            text.as_bytes(),
        );
        assert_eq!(
            (status, Org::code(&body)),
            (400, "JSON_PARSER_ERROR"),
            "{text}"
        );
    }
    let path = format!("/services/data/v59.0{user}");
    assert_eq!(
        org.send(
            "PATCH",
            &path,
            &[("content-type", "application/json")],
            b"\xff\xfe"
        )
        .0,
        400
    );
    assert_eq!(
        org.send("PATCH", &path, &[("content-type", "text/plain")], b"{}")
            .0,
        415
    );
}

#[test]
fn an_update_answers_nothing_and_reports_each_field_once() {
    let mut org = Org::open();
    let id = org.hire("kim");
    org.wait(60);
    let (status, body) = org.patch(
        &format!("/sobjects/User/{id}"),
        &json!({"Title": " Boss ", "Department": "Sales", "LastName": "kim"}),
    );
    assert_eq!((status, body), (204, json!("")));
    let reported: Vec<_> = org
        .changes
        .iter()
        .map(|change| {
            (
                change.field.clone(),
                change.before.clone(),
                change.after.clone(),
            )
        })
        .collect();
    assert_eq!(
        reported,
        [
            (
                "Department".to_owned(),
                Some(Value::Null),
                Some(json!("Sales"))
            ),
            ("Title".to_owned(), Some(Value::Null), Some(json!("Boss"))),
        ]
    );
    assert_eq!(
        (org.changes[0].object, org.changes[0].name.as_str()),
        ("User", "kim@acme.example")
    );
    let (_, user) = org.get(&format!("/sobjects/User/{id}"));
    assert_eq!(user["Title"], "Boss");
    assert_eq!(user["SystemModstamp"], "2026-11-22T10:01:00.000+0000");
    assert_eq!(user["CreatedDate"], "2026-11-22T10:00:00.000+0000");
    // null and blank text clear; what is required cannot be cleared
    assert_eq!(
        org.patch(
            &format!("/sobjects/User/{id}"),
            &json!({"Title": null, "Department": ""})
        )
        .0,
        204
    );
    assert_eq!(
        org.get(&format!("/sobjects/User/{id}")).1["Department"],
        Value::Null
    );
    let (_, body) = org.patch(&format!("/sobjects/User/{id}"), &json!({"LastName": null}));
    assert_eq!(
        body[0]["message"],
        "Required fields are missing: [LastName]"
    );
}

#[test]
fn clients_without_patch_say_it_in_the_query() {
    let mut org = Org::open();
    let id = org.hire("kim");
    assert_eq!(
        org.post(
            &format!("/sobjects/User/{id}?_HttpMethod=PATCH"),
            &json!({"Title": "x"})
        )
        .0,
        204
    );
    assert_eq!(
        org.post(&format!("/sobjects/User/{id}"), &json!({"Title": "x"}))
            .0,
        405
    );
    assert!(org.last.headers.contains_key("sforce-limit-info"));
}

#[test]
fn a_username_is_taken_whatever_its_case_here_and_elsewhere() {
    let mut org = Org::open();
    let id = org.hire("kim");
    assert_eq!(
        org.patch(&format!("/sobjects/User/{id}"), &json!({"IsActive": false}))
            .0,
        204
    );
    for taken in [
        "kim@acme.example",
        "KIM@ACME.example",
        "test@gmail.com",
        "Test@Gmail.com",
    ] {
        let mut person = org.person("lee");
        person["Username"] = json!(taken);
        let (status, body) = org.post("/sobjects/User", &person);
        assert_eq!(
            (status, Org::code(&body)),
            (400, "DUPLICATE_USERNAME"),
            "{taken}"
        );
        assert!(body[0]["message"].as_str().unwrap().starts_with("Duplicate Username.<br>The username already exists in this or another Salesforce organization."));
        assert_eq!(body[0]["fields"], json!(["Username"]));
    }
    // renamed, the old name is free; a user keeps its own
    assert_eq!(
        org.patch(
            &format!("/sobjects/User/{id}"),
            &json!({"Username": "old1kim@acme.example"})
        )
        .0,
        204
    );
    org.hire("kim");
    assert_eq!(
        org.patch(
            &format!("/sobjects/User/{id}"),
            &json!({"Username": "OLD1KIM@acme.example", "IsActive": "true"})
        )
        .0,
        204
    );
}

#[test]
fn nicknames_federation_and_external_ids_are_unique() {
    let mut org = Org::open();
    for (field, code) in [
        ("CommunityNickname", "DUPLICATE_COMM_NICKNAME"),
        ("FederationIdentifier", "DUPLICATE_VALUE"),
        ("External_Id__c", "DUPLICATE_VALUE"),
    ] {
        let mut first = org.person(&format!("a{}", field.len()));
        first[field] = json!("Same");
        assert_eq!(org.post("/sobjects/User", &first).0, 201);
        let mut second = org.person(&format!("b{}", field.len()));
        second[field] = json!("same");
        let (status, body) = org.post("/sobjects/User", &second);
        assert_eq!((status, Org::code(&body)), (400, code));
    }
}

#[test]
fn upsert_creates_then_changes_and_answers_by_version() {
    let mut org = Org::open();
    let person = org.person("kim");
    let path = "/sobjects/User/External_Id__c/emp%2F7";
    let (status, body) = org.patch(path, &person);
    let id = body["id"].clone();
    assert_eq!(
        (status, body),
        (
            201,
            json!({"id": id, "success": true, "errors": [], "created": true})
        )
    );
    let (status, body) = org.patch(path, &json!({"Title": "Boss"}));
    assert_eq!(
        (status, body),
        (
            200,
            json!({"id": id, "success": true, "errors": [], "created": false})
        )
    );
    assert_eq!(org.get(path).1["Title"], "Boss");
    assert_eq!(org.get(path).1["External_Id__c"], "emp/7");
    let json = [("content-type", "application/json")];
    assert_eq!(
        org.send(
            "PATCH",
            &format!("/services/data/v45.0{path}"),
            &json,
            b"{\"Title\":\"x\"}"
        )
        .0,
        204
    );
    let other = org.person("lee");
    let (status, body) = org.send(
        "PATCH",
        "/services/data/v45.0/sobjects/User/External_Id__c/8",
        &json,
        other.to_string().as_bytes(),
    );
    assert_eq!((status, body.get("created")), (201, None));
    assert_eq!(
        org.patch("/sobjects/User/External_Id__c/9?updateOnly=true", &person)
            .0,
        404
    );
    let (status, body) = org.patch(path, &json!({"External_Id__c": "7"}));
    assert_eq!((status, Org::code(&body)), (400, "INVALID_FIELD"));
    let (status, body) = org.patch("/sobjects/User/Shoe__c/7", &person);
    assert_eq!(
        (status, body[0]["message"].as_str()),
        (
            404,
            Some("Provided external ID field does not exist or is not accessible: Shoe__c")
        )
    );
    assert_eq!(org.get("/sobjects/User/External_Id__c/none").0, 404);
    assert_eq!(org.get("/sobjects/User/Username/kim@acme.example").0, 200);
}

#[test]
fn a_key_that_fits_several_answers_all_of_them() {
    let mut org = Org::open();
    for name in ["kim", "lee"] {
        let mut person = org.person(name);
        person["Email"] = json!("team@acme.example");
        assert_eq!(org.post("/sobjects/User", &person).0, 201);
    }
    let (status, body) = org.patch(
        "/sobjects/User/Email/team@acme.example",
        &json!({"Title": "x"}),
    );
    assert_eq!((status, body.as_array().unwrap().len()), (300, 2));
    assert!(
        body[0]
            .as_str()
            .unwrap()
            .starts_with("/services/data/v59.0/sobjects/User/005")
    );
    assert!(org.changes.is_empty());
}

#[test]
fn a_reference_may_be_given_through_a_key_of_its_target() {
    let mut org = Org::open();
    org.hire("boss");
    let mut person = org.person("kim");
    person["Manager"] = json!({"Username": "boss@acme.example"});
    let (status, body) = org.post("/sobjects/User", &person);
    assert_eq!(status, 201, "{body}");
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(
        org.get(&format!("/sobjects/User/{id}/Manager")).1["Username"],
        "boss@acme.example"
    );
    assert_eq!(
        org.get(&format!("/sobjects/User/{id}/Profile?fields=Name"))
            .1["Name"],
        "Standard User"
    );
    let (status, body) = org.patch(
        &format!("/sobjects/User/{id}"),
        &json!({"Manager": {"Username": "no@acme.example"}}),
    );
    assert_eq!((status, Org::code(&body)), (400, "INVALID_FIELD"));
}

#[test]
fn what_does_not_exist_is_not_found_and_users_are_never_deleted() {
    let mut org = Org::open();
    let id = org.hire("kim");
    for (path, code) in [
        ("/sobjects/User/005HX00000zzzzz", "NOT_FOUND"),
        ("/sobjects/User/nobody", "NOT_FOUND"),
        ("/sobjects/User/005HX0000000001AAA", "MALFORMED_ID"),
        ("/sobjects/Shoe/1", "NOT_FOUND"),
        ("/shoes", "NOT_FOUND"),
    ] {
        assert_eq!(Org::code(&org.get(path).1), code, "{path}");
    }
    let (status, body) = org.call("DELETE", &format!("/sobjects/User/{id}"), &Value::Null);
    assert_eq!(
        (status, Org::code(&body)),
        (400, "INSUFFICIENT_ACCESS_OR_READONLY")
    );
    assert_eq!(
        org.call("PUT", &format!("/sobjects/User/{id}"), &json!({}))
            .0,
        405
    );
    assert_eq!(org.get(&format!("/sobjects/User/{id}")).0, 200);
}

#[test]
fn passwords_are_set_asked_for_and_reset() {
    let mut org = Org::open();
    let id = org.hire("kim");
    let path = format!("/sobjects/User/{id}/password");
    assert_eq!(org.get(&path).1, json!({"isExpired": false}));
    assert_eq!(
        org.post(&path, &json!({"NewPassword": "short1"})).1[0]["errorCode"],
        "INVALID_NEW_PASSWORD"
    );
    assert_eq!(
        org.post(&path, &json!({"NewPassword": "onlyletters"})).0,
        400
    );
    assert_eq!(
        org.post(&path, &json!({"NewPassword": "secret4kim"})),
        (204, json!(""))
    );
    assert!(org.changes.is_empty());
    assert_eq!(
        org.post(&path, &json!({"NewPassword": "secret4kim"})).1[0]["message"],
        "invalid repeated password"
    );
    let (status, body) = org.call("DELETE", &path, &Value::Null);
    assert_eq!(status, 200);
    assert!(body["NewPassword"].as_str().unwrap().len() >= 8);
    assert!(
        !org.get(&format!("/sobjects/User/{id}"))
            .1
            .to_string()
            .contains("secret4kim")
    );
}

#[test]
fn describe_says_what_create_demands() {
    let mut org = Org::open();
    let (status, body) = org.get("/sobjects/User/describe");
    assert_eq!(status, 200);
    let fields = body["fields"].as_array().unwrap();
    let mut required: Vec<&str> = fields
        .iter()
        .filter(|field| {
            field["createable"] == true
                && field["nillable"] == false
                && field["defaultedOnCreate"] == false
        })
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    required.sort_unstable();
    assert_eq!(
        required,
        [
            "Alias",
            "Email",
            "EmailEncodingKey",
            "LanguageLocaleKey",
            "LastName",
            "LocaleSidKey",
            "ProfileId",
            "TimeZoneSidKey",
            "Username"
        ]
    );
    let find = |name: &str| fields.iter().find(|field| field["name"] == name).unwrap();
    assert_eq!(find("External_Id__c")["externalId"], true);
    assert_eq!(find("External_Id__c")["custom"], true);
    assert_eq!(find("Username")["idLookup"], true);
    assert_eq!(find("ProfileId")["referenceTo"], json!(["Profile"]));
    assert_eq!(find("Alias")["length"], 8);
    assert!(
        find("TimeZoneSidKey")["picklistValues"]
            .as_array()
            .unwrap()
            .iter()
            .any(|value| value["value"] == "Europe/Berlin")
    );
    assert_eq!(
        (body["deletable"].as_bool(), body["createable"].as_bool()),
        (Some(false), Some(true))
    );
    let modified = org.last.headers["last-modified"]
        .to_str()
        .unwrap()
        .to_owned();
    let target = "/services/data/v59.0/sobjects/User/describe";
    assert_eq!(
        org.send("GET", target, &[("if-modified-since", &modified)], b"")
            .0,
        304
    );
    let (_, global) = org.get("/sobjects");
    assert_eq!(global["sobjects"][0]["name"], "User");
    assert_eq!(
        org.get("/sobjects/User").1["objectDescribe"]["keyPrefix"],
        "005"
    );
}

#[test]
fn what_changed_in_a_span_of_time_is_listed() {
    let mut org = Org::open();
    let id = org.hire("kim");
    org.wait(120);
    let span = "start=2026-11-22T09:00:00%2B00:00&end=2026-11-22T10:01:00Z";
    let (status, body) = org.get(&format!("/sobjects/User/updated/?{span}"));
    assert_eq!((status, &body["ids"]), (200, &json!([id])));
    assert_eq!(
        org.get(&format!("/sobjects/User/deleted/?{span}")).1["deletedRecords"],
        json!([])
    );
    assert_eq!(org.get("/sobjects/User/updated?start=x&end=y").0, 400);
}

#[test]
fn permission_sets_are_assigned_once_and_taken_away() {
    let mut org = Org::open();
    let user = org.hire("kim");
    let set = org.soql("SELECT Id FROM PermissionSet")["records"][0]["Id"].clone();
    let body = json!({"AssigneeId": user, "PermissionSetId": set});
    let (status, made) = org.post("/sobjects/PermissionSetAssignment", &body);
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        Org::code(&org.post("/sobjects/PermissionSetAssignment", &body).1),
        "DUPLICATE_VALUE"
    );
    let found = org.soql("SELECT Id, Username FROM User WHERE Id IN (SELECT AssigneeId FROM PermissionSetAssignment)");
    assert_eq!(found["records"][0]["Username"], "kim@acme.example");
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(
        org.call(
            "DELETE",
            &format!("/sobjects/PermissionSetAssignment/{id}"),
            &Value::Null
        )
        .0,
        204
    );
    assert_eq!(
        org.soql("SELECT COUNT() FROM PermissionSetAssignment")["totalSize"],
        0
    );
    let (status, body) = org.post("/sobjects/Profile", &json!({"Name": "x"}));
    assert_eq!(
        (status, Org::code(&body)),
        (400, "INVALID_TYPE_FOR_OPERATION")
    );
}
