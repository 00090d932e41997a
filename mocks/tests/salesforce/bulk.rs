//! Collections, composite requests, batches and trees.

use serde_json::{Value, json};

use crate::kit::Org;

fn typed(mut person: Value) -> Value {
    person["attributes"] = json!({"type": "User"});
    person
}

#[test]
fn a_collection_answers_a_result_for_each_record_in_order() {
    let mut org = Org::open();
    let (good, mut bad) = (typed(org.person("kim")), typed(org.person("lee")));
    bad["Alias"] = json!("much too long");
    let (status, body) = org.post(
        "/composite/sobjects",
        &json!({"allOrNone": false, "records": [bad, good]}),
    );
    assert_eq!(status, 200);
    assert_eq!(body[0]["success"], false);
    assert_eq!(body[0]["errors"][0]["statusCode"], "STRING_TOO_LONG");
    assert_eq!(body[0]["errors"][0]["fields"], json!(["Alias"]));
    assert_eq!(body[0].get("id"), None);
    assert_eq!(
        (body[1]["success"].as_bool(), body[1]["errors"].clone()),
        (Some(true), json!([]))
    );
}

#[test]
fn all_or_none_leaves_nothing_behind() {
    let mut org = Org::open();
    let (good, mut bad) = (typed(org.person("kim")), typed(org.person("lee")));
    bad["Email"] = json!("x");
    let (status, body) = org.post(
        "/composite/sobjects",
        &json!({"allOrNone": true, "records": [good, bad]}),
    );
    assert_eq!(status, 200);
    assert_eq!(
        body[0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
    assert_eq!(body[1]["errors"][0]["statusCode"], "INVALID_EMAIL_ADDRESS");
    assert!(org.changes.is_empty());
    assert_eq!(org.soql("SELECT COUNT() FROM User")["totalSize"], 1);
}

#[test]
fn collections_change_upsert_and_read() {
    let mut org = Org::open();
    let (kim, lee) = (org.hire("kim"), org.hire("lee"));
    let record =
        |id: &str, title: &str| json!({"attributes": {"type": "User"}, "id": id, "Title": title});
    let (_, body) = org.patch("/composite/sobjects", &json!({"records": [record(&kim, "a"), record(&kim, "b"), record("x", "c"), record("005HX00000zzzzz", "d")]}));
    let codes: Vec<_> = body
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["errors"][0]["statusCode"].as_str())
        .collect();
    assert_eq!(
        codes,
        [
            None,
            Some("DUPLICATE_VALUE"),
            Some("MISSING_ARGUMENT"),
            Some("INVALID_CROSS_REFERENCE_KEY")
        ]
    );
    let mut fresh = typed(org.person("max"));
    fresh["External_Id__c"] = json!("m1");
    let (status, body) = org.patch(
        "/composite/sobjects/User/External_Id__c",
        &json!({"records": [fresh]}),
    );
    assert_eq!((status, body[0]["created"].as_bool()), (200, Some(true)));
    let again = json!({"records": [{"attributes": {"type": "User"}, "External_Id__c": "M1", "Title": "x"}]});
    let (_, body) = org.patch("/composite/sobjects/User/External_Id__c", &again);
    assert_eq!(
        (body[0]["created"].as_bool(), body[0]["success"].as_bool()),
        (Some(false), Some(true))
    );
    let (_, body) = org.get(&format!(
        "/composite/sobjects/User?ids={kim},{lee},005HX00000zzzzz&fields=Username,Title"
    ));
    assert_eq!(body[0]["Title"], "a");
    assert_eq!(body[1]["Username"], "lee@acme.example");
    assert_eq!(body[2], Value::Null);
    let (_, same) = org.post(
        "/composite/sobjects/User",
        &json!({"ids": [kim, lee, "005HX00000zzzzz"], "fields": ["Username", "Title"]}),
    );
    assert_eq!(same, body);
    let (_, body) = org.call(
        "DELETE",
        &format!("/composite/sobjects?ids={kim}&allOrNone=false"),
        &Value::Null,
    );
    assert_eq!(
        body[0]["errors"][0]["statusCode"],
        "INSUFFICIENT_ACCESS_OR_READONLY"
    );
}

#[test]
fn collections_keep_their_bounds() {
    let mut org = Org::open();
    let person = typed(org.person("kim"));
    let many = vec![person.clone(); 201];
    let (status, body) = org.post("/composite/sobjects", &json!({"records": many}));
    assert_eq!((status, Org::code(&body)), (400, "EXCEEDED_ID_LIMIT"));
    let role = json!({"attributes": {"type": "UserRole"}, "Name": "x"});
    let mixed: Vec<Value> = (0..12)
        .map(|n| {
            if n % 2 == 0 {
                person.clone()
            } else {
                role.clone()
            }
        })
        .collect();
    let (status, body) = org.post("/composite/sobjects", &json!({"records": mixed}));
    assert_eq!((status, Org::code(&body)), (400, "LIMIT_EXCEEDED"));
    assert_eq!(org.post("/composite/sobjects", &json!({})).0, 400);
    assert_eq!(
        org.post("/composite/sobjects", &json!({"records": [1]})).0,
        400
    );
}

fn part(method: &str, path: &str, name: &str, body: Value) -> Value {
    let mut part = json!({"method": method, "url": format!("/services/data/v59.0{path}"), "referenceId": name});
    if !body.is_null() {
        part["body"] = body;
    }
    part
}

#[test]
fn a_composite_request_hands_results_on() {
    let mut org = Org::open();
    let mut person = org.person("kim");
    person["ProfileId"] = json!("@{profile.records[0].Id}");
    let request = json!({"compositeRequest": [
        part("GET", "/query?q=SELECT+Id+FROM+Profile+WHERE+Name='Standard+User'", "profile", Value::Null),
        part("POST", "/sobjects/User", "kim", person),
        part("PATCH", "/sobjects/User/@{kim.id}", "titled", json!({"Title": "id @{kim.id}"})),
        part("GET", "/sobjects/User/@{kim.id}?fields=Title", "read", Value::Null),
    ]});
    let (status, body) = org.post("/composite", &request);
    assert_eq!(status, 200);
    let parts = body["compositeResponse"].as_array().unwrap();
    let codes: Vec<_> = parts
        .iter()
        .map(|part| part["httpStatusCode"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [200, 201, 204, 200], "{body}");
    let id = parts[1]["body"]["id"].as_str().unwrap();
    assert_eq!(
        parts[1]["httpHeaders"]["Location"],
        format!("/services/data/v59.0/sobjects/User/{id}")
    );
    assert_eq!(parts[2]["body"], Value::Null);
    assert_eq!(parts[3]["body"]["Title"], format!("id {id}"));
    assert_eq!(parts[3]["referenceId"], "read");
}

#[test]
fn a_failing_part_halts_what_refers_to_it_and_with_all_or_none_everything() {
    let mut org = Org::open();
    let person = org.person("kim");
    let mut parts = vec![
        part("POST", "/sobjects/User", "good", person),
        part("POST", "/sobjects/User", "bad", json!({"Username": "x"})),
        part("GET", "/sobjects/User/@{bad.id}", "after", Value::Null),
    ];
    let (_, body) = org.post(
        "/composite",
        &json!({"allOrNone": true, "compositeRequest": parts}),
    );
    let answer = |body: &Value, place: usize| {
        body["compositeResponse"][place]["body"][0]["errorCode"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(answer(&body, 0), "PROCESSING_HALTED");
    assert_eq!(answer(&body, 1), "REQUIRED_FIELD_MISSING");
    assert_eq!(answer(&body, 2), "PROCESSING_HALTED");
    assert!(org.changes.is_empty());
    assert_eq!(org.soql("SELECT COUNT() FROM User")["totalSize"], 1);
    let (_, body) = org.post("/composite", &json!({"compositeRequest": parts}));
    assert_eq!(body["compositeResponse"][0]["httpStatusCode"], 201);
    assert_eq!(
        body["compositeResponse"][2]["body"][0]["message"],
        "Invalid reference specified. No value for bad.id found in bad"
    );
    parts.push(part(
        "POST",
        "/composite",
        "nested",
        json!({"compositeRequest": []}),
    ));
    parts.push(json!({"method": "GET", "url": "http://elsewhere", "referenceId": "far"}));
    let (_, body) = org.post("/composite", &json!({"compositeRequest": parts}));
    assert_eq!(answer(&body, 3), "INVALID_INPUT");
    assert_eq!(answer(&body, 4), "INVALID_INPUT");
    let many: Vec<Value> = (0..26)
        .map(|n| part("GET", "/limits", &format!("p{n}"), Value::Null))
        .collect();
    assert_eq!(
        Org::code(&org.post("/composite", &json!({"compositeRequest": many})).1),
        "LIMIT_EXCEEDED"
    );
    let twice = [
        part("GET", "/limits", "a", Value::Null),
        part("GET", "/limits", "a", Value::Null),
    ];
    assert_eq!(
        org.post("/composite", &json!({"compositeRequest": twice}))
            .0,
        400
    );
}

#[test]
fn a_batch_runs_its_parts_and_halts_when_told() {
    let mut org = Org::open();
    let id = org.hire("kim");
    let url = format!("v48.0/sobjects/user/{id}");
    let requests = json!([
        {"method": "PATCH", "url": url, "richInput": {"IsActive": false}},
        {"method": "GET", "url": "v48.0/sobjects/user/none"},
        {"method": "GET", "url": url},
    ]);
    let (status, body) = org.post("/composite/batch", &json!({"batchRequests": requests}));
    assert_eq!((status, body["hasErrors"].as_bool()), (200, Some(true)));
    let codes = |body: &Value| -> Vec<u64> {
        body["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["statusCode"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(codes(&body), [204, 404, 200]);
    assert_eq!(body["results"][2]["result"]["IsActive"], false);
    let (_, body) = org.post(
        "/composite/batch",
        &json!({"haltOnError": true, "batchRequests": requests}),
    );
    assert_eq!(codes(&body), [204, 404, 412]);
}

#[test]
fn a_tree_is_planted_whole_or_not_at_all() {
    let mut org = Org::open();
    let named = |mut person: Value, name: &str| {
        person["attributes"] = json!({"type": "User", "referenceId": name});
        person
    };
    let (kim, lee) = (named(org.person("kim"), "k"), named(org.person("kim"), "l"));
    let (status, body) = org.post("/composite/tree/User", &json!({"records": [kim, lee]}));
    assert_eq!(
        (
            status,
            body["hasErrors"].as_bool(),
            body["results"][0]["referenceId"].as_str()
        ),
        (400, Some(true), Some("l"))
    );
    assert_eq!(org.soql("SELECT COUNT() FROM User")["totalSize"], 1);
    let (status, body) = org.post("/composite/tree/User", &json!({"records": [kim]}));
    assert_eq!((status, body["hasErrors"].as_bool()), (201, Some(false)));
    assert_eq!(org.post("/composite/graph", &json!({})).0, 501);
}
