//! Custom schemas: the methods of `schemas`, and what becomes of the values in users.

use serde_json::{Value, json};

use crate::lab::Lab;

const ALL: &str = "customer/my_customer/schemas";
const ONE: &str = "customer/my_customer/schemas/employmentData";

/// The guide's own request: flags as text and all.
fn employment() -> Value {
    json!({
        "schemaName": "employmentData",
        "fields": [
            { "fieldName": "EmployeeNumber", "fieldType": "STRING", "multiValued": "false" },
            { "fieldName": "JobFamily", "fieldType": "STRING", "multiValued": "false" },
        ],
    })
}

fn field(name: &str, kind: &str) -> Value {
    json!({ "fieldName": name, "fieldType": kind })
}

fn custom(lab: &mut Lab, key: &str) -> Value {
    let path = format!("users/{key}?projection=full");
    lab.get(&path).ok()["customSchemas"].take()
}

#[test]
fn a_schema_is_made_found_by_name_and_id_and_listed() {
    let mut lab = Lab::new();
    let none = lab.get(ALL).ok();
    assert_eq!(none["kind"], "admin#directory#schemas");
    assert!(none.get("schemas").is_none());

    let made = lab.post(ALL, &employment()).ok();
    assert_eq!(lab.changes.len(), 1);
    assert_eq!(lab.changes[0].object, "Schema");
    assert_eq!(made["kind"], "admin#directory#schema");
    assert_eq!(made["schemaName"], "employmentData");
    // Sixteen bytes in the alphabet of addresses, as in `5JijaVh6R7ar7zK0u95XSw==`.
    let id = made["schemaId"].as_str().unwrap();
    assert!(id.len() == 24 && id.ends_with("=="), "{id}");
    let first = &made["fields"][0];
    assert_eq!(first["kind"], "admin#directory#schema#fieldspec");
    assert_eq!(first["fieldType"], "STRING");
    assert_eq!(first["fieldName"], "EmployeeNumber");
    assert_eq!(first["multiValued"], false);
    assert_eq!(first["readAccessType"], "ALL_DOMAIN_USERS");
    assert!(
        first["etag"].as_str().unwrap().len() > 40
            && first["fieldId"] != made["fields"][1]["fieldId"]
    );

    assert_eq!(lab.get(ONE).ok(), made);
    assert_eq!(lab.get(&format!("{ALL}/{id}")).ok(), made);
    assert_eq!(lab.get(ALL).ok()["schemas"], json!([made]));
    let part = lab
        .get(&format!("{ONE}?fields=schemaName,fields(fieldName)"))
        .ok();
    assert_eq!(
        part,
        json!({ "schemaName": "employmentData", "fields": [{ "fieldName": "EmployeeNumber" }, { "fieldName": "JobFamily" }] })
    );
    lab.get(&format!("{ONE}?fields=fields/pet")).refused(
        400,
        "invalidParameter",
        "Invalid field selection pet",
    );
    lab.get(&format!("{ALL}/nobody"))
        .refused(404, "notFound", "Resource Not Found: schemaKey");
    lab.get("customer/C999/schemas")
        .refused(404, "notFound", "Domain not found.");
    lab.post(ALL, &employment())
        .refused(409, "duplicate", "Entity already exists.");
}

#[test]
fn what_a_field_says_of_itself_is_kept() {
    let mut lab = Lab::new();
    let fields = json!([{
        "fieldName": "jobLevel", "fieldType": "INT64", "displayName": "Level", "multiValued": true, "indexed": true,
        "readAccessType": "ADMINS_AND_SELF", "numericIndexingSpec": { "minValue": 1, "maxValue": 9.5 },
    }]);
    let body = json!({ "schemaName": "Job", "displayName": "The job", "fields": fields });
    let made = lab.post(ALL, &body).ok();
    assert_eq!(made["displayName"], "The job");
    for (key, value) in fields[0].as_object().unwrap() {
        assert_eq!(&made["fields"][0][key], value, "{key}");
    }
}

#[test]
fn a_schema_that_is_not_good_is_refused() {
    let mut lab = Lab::new();
    let with = |fields: Value| json!({ "schemaName": "Job", "fields": fields });
    for (body, reason, message) in [
        (
            json!({ "fields": [field("a", "STRING")] }),
            "required",
            "schemaName",
        ),
        (json!({ "schemaName": "Job" }), "required", "fields"),
        (with(json!([])), "required", "fields"),
        (with(json!("a")), "invalid", "fields"),
        (with(json!(["a"])), "invalid", "fields"),
        (
            with(json!([{ "fieldType": "STRING" }])),
            "required",
            "fieldName",
        ),
        (with(json!([{ "fieldName": "a" }])), "required", "fieldType"),
        (with(json!([field("a", "TEXT")])), "invalid", "fieldType"),
        (
            with(json!([field("a b", "STRING")])),
            "invalid",
            "fieldName",
        ),
        (
            with(json!([field("a", "STRING"), field("a", "BOOL")])),
            "invalid",
            "fields",
        ),
        (
            json!({ "schemaName": "a.b", "fields": [field("a", "STRING")] }),
            "invalid",
            "schemaName",
        ),
        (
            with(json!([{ "fieldName": "a", "fieldType": "STRING", "readAccessType": "NOBODY" }])),
            "invalid",
            "readAccessType",
        ),
        (
            with(
                json!([{ "fieldName": "a", "fieldType": "STRING", "numericIndexingSpec": { "minValue": 1 } }]),
            ),
            "invalid",
            "numericIndexingSpec",
        ),
        (
            with(json!([{ "fieldName": "a", "fieldType": "STRING", "multiValued": 1 }])),
            "invalid",
            "multiValued",
        ),
    ] {
        lab.post(ALL, &body).refused(400, reason, message);
        assert!(lab.changes.is_empty());
    }
    let many: Vec<Value> = (0..101).map(|n| field(&format!("f{n}"), "BOOL")).collect();
    lab.post(ALL, &with(many.into()))
        .refused(412, "conditionNotMet", "no room");
    assert!(lab.get(ALL).ok().get("schemas").is_none());
}

#[test]
fn values_follow_the_schema() {
    let mut lab = Lab::new();
    lab.user("kim");
    let values = json!({ "customSchemas": { "employmentData": { "EmployeeNumber": "7", "JobFamily": "Engineering" } } });
    lab.put("users/kim@acme.example", &values).refused(
        400,
        "invalid",
        "Invalid Input: custom_schema",
    );
    let made = lab.post(ALL, &employment()).ok();
    lab.put("users/kim@acme.example", &values).ok();
    let found = lab
        .get("users?customer=my_customer&query=employmentData.JobFamily=Engineering")
        .ok();
    assert_eq!(found["users"].as_array().unwrap().len(), 1);

    // The list of fields is replaced as a whole; what is left out goes with its values (GAM-team/GAM#229).
    let fewer = json!({ "fields": [{ "fieldName": "EmployeeNumber", "fieldType": "STRING", "multiValued": true }] });
    let changed = lab.put(ONE, &fewer).ok();
    assert_eq!(changed["schemaId"], made["schemaId"]);
    assert_eq!(
        changed["fields"][0]["fieldId"],
        made["fields"][0]["fieldId"]
    );
    assert_ne!(changed["etag"], made["etag"]);
    assert!(lab.told().contains_key("customSchemas"));
    assert_eq!(
        custom(&mut lab, "kim@acme.example"),
        json!({ "employmentData": { "EmployeeNumber": [{ "value": "7" }] } })
    );

    for (body, what) in [
        (json!({ "schemaName": "other" }), "schemaName"),
        (
            json!({ "fields": [field("EmployeeNumber", "INT64")] }),
            "fieldType",
        ),
        (
            json!({ "fields": [field("EmployeeNumber", "STRING")] }),
            "multiValued",
        ),
        (
            json!({ "fields": [{ "fieldName": "Number", "fieldType": "STRING", "fieldId": made["fields"][0]["fieldId"] }] }),
            "fieldName",
        ),
    ] {
        lab.patch(ONE, &body).refused(400, "invalid", what);
    }
    lab.put(ONE, &json!({ "displayName": "x" }))
        .refused(400, "required", "fields");
    let named = lab.patch(ONE, &json!({ "displayName": "Employment" })).ok();
    assert_eq!(named["displayName"], "Employment");
    assert_eq!(named["fields"], changed["fields"]);
    lab.call_with(
        "PATCH",
        ONE,
        &json!({ "displayName": "y" }),
        &[("if-match", "\"old\"")],
    )
    .refused(412, "conditionNotMet", "Precondition Failed");

    // A user who is restored has lost what was defined no more in the meantime.
    lab.user("lee");
    lab.put(
        "users/lee@acme.example",
        &json!({ "customSchemas": { "employmentData": { "EmployeeNumber": [{ "value": "8" }] } } }),
    )
    .ok();
    let lee = lab.get("users/lee@acme.example").ok()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    lab.delete("users/lee@acme.example").ok();
    assert_eq!(lab.delete(ONE).status, 204);
    lab.get(ONE).refused(404, "notFound", "schemaKey");
    assert_eq!(custom(&mut lab, "kim@acme.example"), Value::Null);
    lab.post(&format!("users/{lee}/undelete"), &json!({})).ok();
    assert_eq!(custom(&mut lab, "lee@acme.example"), Value::Null);
    lab.put("users/kim@acme.example", &values)
        .refused(400, "invalid", "custom_schema");
}

#[test]
fn who_may_only_read_schemas_cannot_write_them() {
    let mut lab = Lab::new();
    let claims = lab.claims("admin@acme.example", &["userschema.readonly"]);
    lab.token = lab.exchange(&claims).token();
    lab.get(ALL).ok();
    lab.post(ALL, &employment()).refused(
        403,
        "insufficientPermissions",
        "insufficient authentication scopes",
    );
}
