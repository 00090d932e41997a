use outbound_mocks::Vendor;
use serde_json::{Value, json};

use crate::lab::{Lab, address, person};

fn emails(list: &Value) -> Vec<String> {
    let all = list["users"]
        .as_array()
        .or_else(|| list["groups"].as_array());
    let name = |one: &Value| {
        one["primaryEmail"]
            .as_str()
            .or_else(|| one["email"].as_str())
            .unwrap()
            .to_owned()
    };
    all.into_iter()
        .flatten()
        .map(|one| name(one).split('@').next().unwrap().to_owned())
        .collect()
}

fn crowd() -> Lab {
    let mut lab = Lab::new();
    for (name, given, family) in [
        ("zoe", "Zoe", "Adams"),
        ("kim", "Kim", "Lee"),
        ("jane", "Jane Ann", "O'Neil"),
        ("janet", "Janet", "lee"),
        ("bob", "bob", "Zimmer"),
    ] {
        let mut body = person(name);
        body["name"] = json!({ "givenName": given, "familyName": family });
        lab.post("users", &body).ok();
    }
    lab
}

#[test]
fn a_list_needs_to_know_of_whom() {
    let mut lab = crowd();
    lab.get("users").refused(400, "badRequest", "Bad Request");
    lab.get("users?customer=C0elsewhere")
        .refused(404, "notFound", "Domain not found.");
    lab.get("users?domain=elsewhere.example")
        .refused(404, "notFound", "Domain not found.");
    let id = lab.google.customer_id().to_owned();
    for of in [
        "customer=my_customer",
        &format!("customer={id}"),
        "domain=acme.example",
        "domain=ACME.EXAMPLE",
    ] {
        assert_eq!(
            lab.get(&format!("users?{of}")).ok()["users"]
                .as_array()
                .unwrap()
                .len(),
            6,
            "{of}"
        );
    }
}

#[test]
fn order_ignores_case_and_goes_both_ways() {
    let mut lab = crowd();
    let mut list =
        |order: &str| emails(&lab.get(&format!("users?customer=my_customer{order}")).ok());
    assert_eq!(list(""), ["admin", "bob", "jane", "janet", "kim", "zoe"]);
    assert_eq!(
        list("&orderBy=email&sortOrder=DESCENDING"),
        ["zoe", "kim", "janet", "jane", "bob", "admin"]
    );
    assert_eq!(
        list("&orderBy=familyName"),
        ["zoe", "admin", "janet", "kim", "jane", "bob"]
    );
    assert_eq!(
        list("&orderBy=givenName&sortOrder=ASCENDING"),
        ["bob", "jane", "janet", "kim", "admin", "zoe"]
    );
    lab.get("users?customer=my_customer&orderBy=age").refused(
        400,
        "invalidParameter",
        "Allowed values",
    );
    lab.get("users?customer=my_customer&sortOrder=down")
        .refused(400, "invalidParameter", "Allowed values");
}

#[test]
fn pages_join_up_in_every_order_and_survive_changes_in_between() {
    let mut lab = crowd();
    for order in [
        "",
        "&orderBy=email&sortOrder=DESCENDING",
        "&orderBy=familyName",
        "&orderBy=givenName&sortOrder=DESCENDING",
    ] {
        let whole = emails(&lab.get(&format!("users?customer=my_customer{order}")).ok());
        for size in 1..=7 {
            let (mut found, mut token) = (Vec::new(), String::new());
            loop {
                let page = lab
                    .get(&format!(
                        "users?customer=my_customer{order}&maxResults={size}{token}"
                    ))
                    .ok();
                found.extend(emails(&page));
                let Some(next) = page["nextPageToken"].as_str() else {
                    break;
                };
                token = format!(
                    "&pageToken={}",
                    url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>()
                );
            }
            assert_eq!(found, whole, "{order} {size}");
        }
    }
    let first = lab.get("users?customer=my_customer&maxResults=3").ok();
    let token: String =
        url::form_urlencoded::byte_serialize(first["nextPageToken"].as_str().unwrap().as_bytes())
            .collect();
    lab.delete("users/jane@acme.example");
    lab.user("aaa");
    let second = lab
        .get(&format!(
            "users?customer=my_customer&maxResults=3&pageToken={token}"
        ))
        .ok();
    assert_eq!(emails(&second), ["janet", "kim", "zoe"]);
    lab.get(&format!("users?domain=acme.example&pageToken={token}"))
        .refused(400, "invalid", "pageToken");
    lab.get("users?customer=my_customer&pageToken=nonsense")
        .refused(400, "invalid", "pageToken");
    lab.later(73);
    lab.log_in();
    lab.get(&format!(
        "users?customer=my_customer&maxResults=3&pageToken={token}"
    ))
    .refused(400, "invalid", "pageToken");
}

#[test]
fn the_size_of_a_page_has_bounds() {
    let mut lab = crowd();
    let range = "Values must be within the range: [1, 500]";
    for wrong in ["0", "501", "-1"] {
        lab.get(&format!("users?customer=my_customer&maxResults={wrong}"))
            .refused(400, "invalidParameter", range);
    }
    lab.get("users?customer=my_customer&maxResults=x")
        .refused(400, "invalidParameter", "integer");
    lab.get("groups?customer=my_customer&maxResults=500").ok();
    lab.get("groups?customer=my_customer&maxResults=0")
        .refused(400, "invalidParameter", "range");
}

#[test]
fn the_search_language_is_kept() {
    let mut lab = crowd();
    let seed = r#"
        [[schemas]]
        schemaName = "Job"
        fields = [
            { fieldName = "level", fieldType = "INT64" },
            { fieldName = "since", fieldType = "DATE" },
            { fieldName = "tags", fieldType = "STRING", multiValued = true },
        ]
    "#;
    lab.google.seed(&seed.parse().unwrap(), lab.now).unwrap();
    lab.put("users/bob@acme.example", &json!({
        "suspended": true,
        "relations": [{ "type": "manager", "value": address("kim") }],
        "organizations": [{ "name": "Acme", "title": "Fitter", "department": "Works Hall", "costCenter": "77" }],
        "addresses": [{ "streetAddress": "1 Long Road", "locality": "Basel", "country": "CH" }],
        "externalIds": [{ "type": "organization", "value": "E-12" }],
        "phones": [{ "type": "work", "value": "+41 44" }],
        "ims": [{ "im": "bob.im" }],
        "customSchemas": { "Job": { "level": 7, "since": "2024-02-03", "tags": [{ "value": "a b" }, { "value": "c" }] } },
    })).ok();
    lab.put(
        "users/kim@acme.example",
        &json!({ "relations": [{ "type": "manager", "value": address("zoe") }] }),
    )
    .ok();
    lab.post(
        "users/zoe@acme.example/aliases",
        &json!({ "alias": address("z") }),
    )
    .ok();
    lab.put("users/admin@acme.example", &json!({ "archived": true }))
        .ok();
    let cases: &[(&str, &[&str])] = &[
        ("email=kim@acme.example", &["kim"]),
        ("email=z@acme.example", &["zoe"]),
        ("email:jan*", &["jane", "janet"]),
        ("email:z", &["zoe"]),
        ("givenName:jane", &["jane"]),
        ("givenName='Jane Ann'", &["jane"]),
        ("givenName=Jane", &[]),
        ("givenName:jan*", &["jane", "janet"]),
        ("familyName=LEE", &["janet", "kim"]),
        ("familyName='O\\'Neil'", &["jane"]),
        ("name='Kim Lee'", &["kim"]),
        ("name:'ann o\\'neil'", &["jane"]),
        ("isSuspended=true", &["bob"]),
        ("isSuspended=false familyName=lee", &["janet", "kim"]),
        ("isAdmin=TRUE", &["admin"]),
        ("isDelegatedAdmin=true", &[]),
        ("isArchived=true", &["admin"]),
        ("manager=kim@acme.example", &["bob"]),
        ("manager=zoe@acme.example", &["bob", "kim"]),
        ("directManager=zoe@acme.example", &["kim"]),
        ("orgName=Acme orgTitle:fitter", &["bob"]),
        ("orgDepartment:works", &["bob"]),
        ("orgDepartment=works", &[]),
        ("orgCostCenter=77", &["bob"]),
        ("address:basel", &["bob"]),
        ("addressStreet:'long road'", &["bob"]),
        ("addressCountry=CH", &["bob"]),
        ("externalId=E-12", &["bob"]),
        ("phone='+41 44'", &["bob"]),
        ("im=bob.im", &["bob"]),
        (
            "orgUnitPath=/",
            &["admin", "bob", "jane", "janet", "kim", "zoe"],
        ),
        ("Job.level=7", &["bob"]),
        ("Job.level>6", &["bob"]),
        ("Job.level>=8", &[]),
        ("Job.level<10", &["bob"]),
        ("Job.level:[5,7]", &["bob"]),
        ("Job.since:[2024-01-01,2024-12-31]", &["bob"]),
        ("Job.tags='a b'", &["bob"]),
        ("Job.nothing=1", &[]),
        ("kim", &["kim"]),
        ("jan*", &["jane", "janet"]),
        ("'jane ann'", &["jane"]),
        ("", &["admin", "bob", "jane", "janet", "kim", "zoe"]),
    ];
    for (query, expected) in cases {
        for encoded in [
            url::form_urlencoded::byte_serialize(query.as_bytes()).collect::<String>(),
            percent_encoding::utf8_percent_encode(query, percent_encoding::NON_ALPHANUMERIC)
                .to_string(),
        ] {
            let list = lab
                .get(&format!("users?customer=my_customer&query={encoded}"))
                .ok();
            assert_eq!(emails(&list), *expected, "{query}");
            assert_eq!(
                list.get("users").is_none(),
                expected.is_empty(),
                "an empty list has no key"
            );
        }
    }
    for wrong in [
        "nonsense=1",
        "email='open",
        "=x",
        "isAdmin=maybe",
        "orgUnitPath:x",
        "phone:1*",
        "name:x*",
        "Job.level:[1",
        "email=",
    ] {
        let encoded: String = url::form_urlencoded::byte_serialize(wrong.as_bytes()).collect();
        lab.get(&format!("users?customer=my_customer&query={encoded}"))
            .refused(400, "invalid", "Invalid Input: query");
    }
}

#[test]
fn a_part_of_a_resource_can_be_asked_for() {
    let mut lab = crowd();
    let cases = [
        ("primaryEmail", json!({ "primaryEmail": address("kim") })),
        (
            "name/fullName",
            json!({ "name": { "fullName": "Kim Lee" } }),
        ),
        (
            "name(givenName,familyName),suspended",
            json!({ "name": { "givenName": "Kim", "familyName": "Lee" }, "suspended": false }),
        ),
        (
            "name/givenName,name/familyName",
            json!({ "name": { "givenName": "Kim", "familyName": "Lee" } }),
        ),
        (
            "emails/address",
            json!({ "emails": [{ "address": address("kim") }, { "address": address("kim") + ".test-google-a.com" }] }),
        ),
        (
            "emails(primary)",
            json!({ "emails": [{ "primary": true }, {}] }),
        ),
        ("phones", json!({})),
        (
            "name/*",
            json!({ "name": { "givenName": "Kim", "familyName": "Lee", "fullName": "Kim Lee" } }),
        ),
    ];
    for (fields, expected) in cases {
        assert_eq!(
            lab.get(&format!("users/kim@acme.example?fields={fields}"))
                .ok(),
            expected,
            "{fields}"
        );
    }
    let whole = lab.get("users/kim@acme.example").ok();
    assert_eq!(lab.get("users/kim@acme.example?fields=*").ok(), whole);
    let list = lab
        .get("users?customer=my_customer&maxResults=1&fields=users(primaryEmail),nextPageToken")
        .ok();
    assert_eq!(
        list["users"],
        json!([{ "primaryEmail": "admin@acme.example" }])
    );
    assert!(list["nextPageToken"].is_string() && list.get("kind").is_none());
    for wrong in [
        "nonsense",
        "name/nonsense",
        "users",
        "name(",
        "name)",
        ",",
        "a,,b",
        "name(givenName",
        "/",
        "*x",
    ] {
        let told = lab.get(&format!("users/kim@acme.example?fields={wrong}"));
        let body = told.refused(400, "invalidParameter", "Invalid field selection");
        assert_eq!(body["error"]["errors"][0]["location"], "fields");
    }
    lab.post("users?fields=nonsense", &person("new"))
        .refused(400, "invalidParameter", "");
    lab.get("users/new@acme.example")
        .refused(404, "notFound", "userKey");
}

#[test]
fn common_parameters_do_what_they_say() {
    let mut lab = crowd();
    let pretty = lab.get("users/kim@acme.example").text;
    assert!(
        pretty.starts_with("{\n  \"kind\": \"admin#directory#user\",\n  \"id\": "),
        "{pretty}"
    );
    let plain = lab
        .get("users/kim@acme.example?prettyPrint=false&alt=json&quotaUser=x&key=k&userIp=1.2.3.4")
        .text;
    assert!(
        plain.starts_with("{\"kind\":\"admin#directory#user\","),
        "{plain}"
    );
    let script = lab.get("users/kim@acme.example?callback=got.it&fields=id&prettyPrint=false");
    assert!(
        script.text.starts_with("// API callback\ngot.it({\"id\":") && script.text.ends_with("});"),
        "{script:?}"
    );
    lab.get("users/kim@acme.example?callback=al(1)")
        .refused(400, "invalidParameter", "");
    lab.get("users/kim@acme.example?alt=media")
        .refused(400, "unsupportedOutputFormat", "");
    lab.get("users/kim@acme.example?prettyPrint=perhaps")
        .refused(400, "invalidParameter", "boolean");
    let told = lab.get("users/kim@acme.example?nonsense=1");
    assert_eq!(told.headers["x-mock-unsupported"], "nonsense");
    told.refused(400, "badRequest", "Unknown name \"nonsense\"");
    let newer = lab.get("users/nobody@acme.example?$.xgafv=2").body;
    assert_eq!(newer["error"]["status"], "NOT_FOUND");
    assert!(newer["error"].get("errors").is_none());
}

#[test]
fn a_long_query_may_travel_as_a_form_under_an_overridden_method() {
    let mut lab = crowd();
    let body = "customer=my_customer&query=email%3Akim*&alt=json";
    let mut request = lab.request("POST", "/admin/directory/v1/users", body.as_bytes());
    request
        .headers
        .insert("x-http-method-override", "GET".parse().unwrap());
    request.headers.insert(
        "content-type",
        "application/x-www-form-urlencoded".parse().unwrap(),
    );
    assert_eq!(emails(&lab.send(&request).ok()), ["kim"]);
}
