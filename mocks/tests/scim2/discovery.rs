//! The discovery endpoints: RFC 7644, section 4.

use serde_json::{Value, json};

use super::{BASE, Desk, ENTERPRISE, GROUP, USER};

#[test]
fn discovery_is_open_and_says_what_there_is() {
    let mut desk = Desk::new();
    desk.without("authorization");
    let config = desk.get("/ServiceProviderConfig").expect(200).body;
    for feature in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
        assert_eq!(config[feature]["supported"], true, "{feature}");
    }
    assert_eq!(config["pagination"]["cursor"], true);
    let types = desk.get("/ResourceTypes").expect(200).body;
    assert_eq!(types["totalResults"], 2);
    assert_eq!(
        types["Resources"][0]["schemaExtensions"],
        json!([{"schema": ENTERPRISE, "required": false}])
    );
    assert_eq!(
        desk.get("/ResourceTypes/User").expect(200).body,
        types["Resources"][0]
    );
    let schemas = desk.get("/Schemas").expect(200).body;
    assert_eq!(schemas["totalResults"], 6);
    for urn in [USER, GROUP, ENTERPRISE] {
        let one = desk.get(&format!("/Schemas/{urn}")).expect(200).body;
        assert!(schemas["Resources"].as_array().unwrap().contains(&one));
        assert_eq!(
            one["meta"]["location"],
            format!("{BASE}/scim/v2/Schemas/{urn}")
        );
    }
    desk.get("/Schemas/urn:x").refused(404, "");
    desk.get("/ResourceTypes/x").refused(404, "");
    for endpoint in [
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/Schemas",
        "/Schemas/x",
        "/ResourceTypes/User",
    ] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let refused = desk.send(method, endpoint, "{}").refused(405, "");
            assert_eq!(refused.headers["allow"], "GET");
        }
        desk.get(&format!("{endpoint}?filter=id%20pr"))
            .refused(403, "");
    }
}

/// Makes a value of an announced attribute.
fn sample(attribute: &Value) -> Value {
    let one = match attribute["type"].as_str().unwrap() {
        "boolean" => json!(true),
        "integer" => json!(5),
        "dateTime" => json!("2026-01-01T00:00:00Z"),
        "complex" => {
            let subs = attribute["subAttributes"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|sub| sub["mutability"] != "readOnly");
            Value::Object(
                subs.map(|sub| (sub["name"].as_str().unwrap().to_owned(), sample(sub)))
                    .collect(),
            )
        }
        _ => attribute["canonicalValues"]
            .get(0)
            .cloned()
            .unwrap_or_else(|| json!(format!("a-{}", attribute["name"].as_str().unwrap()))),
    };
    if attribute["multiValued"] == true {
        json!([one])
    } else {
        one
    }
}

#[test]
fn every_announced_attribute_is_kept_returned_and_can_be_found() {
    for (endpoint, urn) in [("/Users", USER), ("/Groups", GROUP)] {
        let mut desk = Desk::new();
        let schema = desk.get(&format!("/Schemas/{urn}")).body;
        let attributes: Vec<Value> = schema["attributes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["mutability"] != "readOnly")
            .cloned()
            .collect();
        let mut body = json!({"schemas": [urn]});
        for attribute in &attributes {
            body[attribute["name"].as_str().unwrap()] = sample(attribute);
        }
        if urn == USER {
            let extension = desk.get(&format!("/Schemas/{ENTERPRISE}")).body;
            for attribute in extension["attributes"].as_array().unwrap() {
                body[ENTERPRISE][attribute["name"].as_str().unwrap()] = sample(attribute);
            }
        }
        let made = desk.post(endpoint, &body).expect(201).body;
        for attribute in &attributes {
            let name = attribute["name"].as_str().unwrap();
            if attribute["returned"] == "never" {
                assert!(made.get(name).is_none(), "{name}");
                continue;
            }
            assert_eq!(made[name], body[name], "{name}");
            assert_eq!(
                desk.filter(endpoint, &format!("{name} pr")).body["totalResults"],
                1,
                "{name}"
            );
            assert_eq!(
                desk.get(&format!("{endpoint}?attributes={name}")).body["Resources"][0][name],
                body[name]
            );
            desk.get(&format!("{endpoint}?sortBy={name}")).expect(200);
        }
        assert_eq!(made.get(ENTERPRISE), body.get(ENTERPRISE));
        let announced: Vec<&str> = schema["attributes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        for key in made.as_object().unwrap().keys() {
            assert!(
                announced.contains(&key.as_str())
                    || ["schemas", "id", "meta", "externalId", ENTERPRISE].contains(&key.as_str()),
                "{key}"
            );
        }
    }
}
