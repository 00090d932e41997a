//! What lies around the objects: versions, limits, licences, seeds, armed failures, names of operations.

use http::StatusCode;
use outbound_mocks::{Kind, Trouble, Vendor, salesforce::Salesforce};
use serde_json::{Value, json};

use crate::kit::{BASE, Org};

#[test]
fn versions_need_no_session_and_every_version_is_served_alike() {
    let mut org = Org::locked();
    let (status, body) = org.send("GET", "/services/data/", &[], b"");
    assert_eq!((status, body[0]["version"].as_str()), (200, Some("20.0")));
    let mut org = Org::open();
    for version in ["20.0", "50.0", "59.0", "68.0", "70.0"] {
        let (status, body) = org.send("GET", &format!("/services/data/v{version}/"), &[], b"");
        assert_eq!(status, 200);
        assert_eq!(
            body["sobjects"],
            format!("/services/data/v{version}/sobjects")
        );
        assert!(body["identity"].as_str().unwrap().starts_with(BASE));
    }
    for version in ["59.0", "v59", "v5.0", "v99.0", "latest"] {
        let (status, body) = org.send("GET", &format!("/services/data/{version}/limits"), &[], b"");
        assert_eq!((status, Org::code(&body)), (404, "NOT_FOUND"), "{version}");
    }
    for path in [
        "/",
        "/services",
        "/services/async/59.0/job",
        "/services/data/v59.0/jobs/ingest",
        "/services/data/v59.0/tooling/query",
    ] {
        assert!(org.send("GET", path, &[], b"").0 >= 404, "{path}");
    }
    let (status, body) = org.send("HEAD", "/services/data/v59.0/limits", &[], b"");
    assert_eq!((status, body), (200, json!("")));
}

#[test]
fn every_call_counts_and_the_last_one_is_refused() {
    let mut org = Org::open();
    org.vendor.set_daily_limit(3);
    assert_eq!(
        org.get("/limits").1["DailyApiRequests"],
        json!({"Max": 3, "Remaining": 2})
    );
    assert_eq!(org.last.headers["sforce-limit-info"], "api-usage=1/3");
    assert_eq!(org.get("/sobjects/User/none").0, 404);
    assert_eq!(org.last.headers["sforce-limit-info"], "api-usage=2/3");
    org.get("/sobjects");
    let (status, body) = org.get("/sobjects");
    assert_eq!(status, 403);
    assert_eq!(
        body,
        json!([{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}])
    );
    assert_eq!(org.last.headers["sforce-limit-info"], "api-usage=3/3");
}

#[test]
fn the_usage_that_the_server_tells_is_the_one_that_is_shown() {
    let mut org = Org::open();
    let (status, body) = org.send(
        "GET",
        "/services/data/v59.0/limits",
        &[("x-mock-api-usage", "18/5000")],
        b"",
    );
    assert_eq!(
        (status, &body["DailyApiRequests"]),
        (200, &json!({"Max": 5000, "Remaining": 4982}))
    );
    assert_eq!(org.last.headers["sforce-limit-info"], "api-usage=18/5000");
}

#[test]
fn seats_are_taken_and_given_back_by_licence() {
    let mut org = Org::open();
    org.vendor.set_licences(Some(2));
    let kim = org.hire("kim");
    let lee = org.person("lee");
    let (status, body) = org.post("/sobjects/User", &lee);
    assert_eq!(status, 400);
    assert_eq!(
        body,
        json!([{"message": "License Limit Exceeded", "errorCode": "LICENSE_LIMIT_EXCEEDED", "fields": ["ProfileId"]}])
    );
    // an inactive user takes no seat, and another licence has seats of its own
    let mut idle = lee.clone();
    idle["IsActive"] = json!(false);
    let (status, body) = org.post("/sobjects/User", &idle);
    assert_eq!(status, 201);
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(
        Org::code(
            &org.patch(&format!("/sobjects/User/{id}"), &json!({"IsActive": true}))
                .1
        ),
        "LICENSE_LIMIT_EXCEEDED"
    );
    let chatter = org.profile("Chatter Free User");
    assert_eq!(
        org.patch(
            &format!("/sobjects/User/{id}"),
            &json!({"IsActive": true, "ProfileId": chatter})
        )
        .0,
        204
    );
    assert_eq!(
        org.get(&format!("/sobjects/User/{id}")).1["UserType"],
        "CsnOnly"
    );
    org.patch(
        &format!("/sobjects/User/{kim}"),
        &json!({"IsActive": false}),
    );
    org.hire("max");
    let used = org.soql("SELECT Name, TotalLicenses, UsedLicenses FROM UserLicense ORDER BY Name");
    let used: Vec<_> = used["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| {
            (
                l["Name"].as_str().unwrap(),
                l["UsedLicenses"].as_i64().unwrap_or(0),
            )
        })
        .collect();
    assert_eq!(
        used,
        [
            ("Chatter Free", 1),
            ("Salesforce", 2),
            ("Salesforce Platform", 0)
        ]
    );
    org.vendor.set_licences(None);
    org.hire("joe");
}

#[test]
fn armed_failures_speak_the_vendors_language() {
    let org = Org::open();
    let ask = |path: &str, trouble: Trouble| {
        let answer = org
            .vendor
            .trouble(&org.request("GET", path, &[], b""), trouble);
        (
            answer.status.as_u16(),
            String::from_utf8(answer.body.to_vec()).unwrap(),
            answer.headers.contains_key("retry-after"),
        )
    };
    let rest = "/services/data/v59.0/sobjects/User";
    let busy = Trouble::UserRate {
        retry_after_seconds: 3,
    };
    for (trouble, status, word) in [
        (
            Trouble::Status(StatusCode::SERVICE_UNAVAILABLE),
            503,
            "SERVER_UNAVAILABLE",
        ),
        (
            Trouble::Status(StatusCode::INTERNAL_SERVER_ERROR),
            500,
            "UNKNOWN_EXCEPTION",
        ),
        (
            Trouble::Status(StatusCode::BAD_REQUEST),
            400,
            "UNKNOWN_EXCEPTION",
        ),
        (busy, 403, "ConcurrentPerOrgLongTxn Limit exceeded."),
        (
            Trouble::Concurrency,
            403,
            "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        ),
        (
            Trouble::AccountRate {
                retry_after_seconds: 1,
            },
            403,
            "REQUEST_LIMIT_EXCEEDED",
        ),
        (Trouble::DailyLimit, 403, "TotalRequests Limit exceeded."),
        (Trouble::TokenExpired, 401, "INVALID_SESSION_ID"),
        (Trouble::Licences, 400, "LICENSE_LIMIT_EXCEEDED"),
    ] {
        let (got, body, retry) = ask(rest, trouble);
        assert_eq!((got, retry), (status, false), "{trouble:?}");
        assert!(body.contains(word) && body.starts_with('['), "{body}");
        let (got, body, _) = ask("/services/Soap/u/59.0", trouble);
        assert!(got == 500 && body.contains("<faultcode>sf:"), "{body}");
        let (got, body, _) = ask("/services/oauth2/token", trouble);
        assert!(
            got >= 400 && body.contains("\"error_description\""),
            "{body}"
        );
    }
}

#[test]
fn requests_are_named_with_their_subject() {
    type Case<'a> = (&'a str, &'a str, &'a [u8], &'a str, Option<&'a str>, Kind);
    let org = Org::locked();
    let body = br#"{"Username":"kim@acme.example"}"#;
    let cases: [Case<'_>; 17] = [
        (
            "POST",
            "/services/oauth2/token",
            b"username=kim%40acme.example",
            "token",
            Some("kim@acme.example"),
            Kind::Token,
        ),
        (
            "POST",
            "/services/data/v59.0/sobjects/user/",
            body,
            "User.create",
            Some("kim@acme.example"),
            Kind::Write,
        ),
        (
            "PATCH",
            "/services/data/v59.0/sobjects/User/005x",
            body,
            "User.update",
            Some("005x"),
            Kind::Write,
        ),
        (
            "POST",
            "/services/data/v59.0/sobjects/User/005x?_HttpMethod=PATCH",
            body,
            "User.update",
            Some("005x"),
            Kind::Write,
        ),
        (
            "PATCH",
            "/services/data/v59.0/sobjects/User/External_Id__c/7",
            b"{}",
            "User.upsert",
            Some("7"),
            Kind::Write,
        ),
        (
            "GET",
            "/services/data/v59.0/sobjects/User/005x",
            b"",
            "User.get",
            Some("005x"),
            Kind::Read,
        ),
        (
            "DELETE",
            "/services/data/v59.0/sobjects/User/005x",
            b"",
            "User.delete",
            Some("005x"),
            Kind::Write,
        ),
        (
            "POST",
            "/services/data/v59.0/sobjects/User/005x/password",
            b"{}",
            "User.setPassword",
            Some("005x"),
            Kind::Write,
        ),
        (
            "GET",
            "/services/data/v59.0/sobjects/User/describe",
            b"",
            "describe",
            None,
            Kind::Meta,
        ),
        (
            "GET",
            "/services/data/v59.0/query?q=SELECT+Id+FROM+User+WHERE+Username='kim@acme.example'",
            b"",
            "query",
            Some("kim@acme.example"),
            Kind::Read,
        ),
        (
            "GET",
            "/services/data/v59.0/query/01g-200",
            b"",
            "queryMore",
            None,
            Kind::Read,
        ),
        (
            "POST",
            "/services/data/v59.0/composite/sobjects",
            b"{}",
            "collections.create",
            None,
            Kind::Write,
        ),
        (
            "POST",
            "/services/data/v59.0/composite",
            b"{}",
            "composite",
            None,
            Kind::Write,
        ),
        ("GET", "/services/data/", b"", "versions", None, Kind::Meta),
        (
            "POST",
            "/services/Soap/u/59.0",
            b"<a><Body><login><username>kim</username></login></Body></a>",
            "soap.login",
            Some("kim"),
            Kind::Token,
        ),
        ("GET", "/favicon.ico", b"", "unknown", None, Kind::Read),
        (
            "POST",
            "/services/data/v59.0/sobjects/User",
            b"\xff{",
            "User.create",
            None,
            Kind::Write,
        ),
    ];
    for (method, target, body, name, subject, kind) in cases {
        let operation = org.vendor.classify(&org.request(method, target, &[], body));
        assert_eq!(
            (operation.name, operation.subject.as_deref(), operation.kind),
            (name, subject, kind),
            "{method} {target}"
        );
    }
}

#[test]
fn a_seed_adds_users_fields_profiles_and_bounds() {
    let seed = r#"
        licences = 3
        daily_limit = 100
        usernames_elsewhere = ["Taken@acme.example"]
        fields = [{ name = "Badge__c", length = 5, external_id = true, unique = true }]
        profiles = [{ name = "Provisioned", licence = "Salesforce Platform" }]
        roles = [{ Name = "Engineer" }]
        [[users]]
        Username = "kim@acme.example"
        Badge__c = "B7"
        Profile = "Provisioned"
        Role = "Engineer"
        Password = "secret4kim"
        [[users]]
        Username = "lee@acme.example"
        IsActive = false
    "#;
    let mut org = Org::open();
    org.vendor
        .seed(&toml::from_str(seed).unwrap(), org.now)
        .unwrap();
    let (_, kim) = org.get("/sobjects/User/Badge__c/b7");
    assert_eq!(kim["Username"], "kim@acme.example");
    let body = org.soql("SELECT Profile.Name, UserRole.Name FROM User WHERE Badge__c = 'B7'");
    assert_eq!(body["records"][0]["Profile"]["Name"], "Provisioned");
    assert_eq!(body["records"][0]["UserRole"]["Name"], "Engineer");
    let names: Vec<String> = org
        .vendor
        .objects()
        .into_iter()
        .filter(|o| o.object == "User")
        .map(|o| o.name)
        .collect();
    assert_eq!(
        names,
        [
            org.credential("username"),
            "kim@acme.example".into(),
            "lee@acme.example".into()
        ]
    );
    let id = kim["Id"].as_str().unwrap();
    assert_eq!(org.vendor.name_of(id).as_deref(), Some("kim@acme.example"));
    for (wrong, sentence) in [
        (
            "users = [{ LastName = 'x' }]",
            "salesforce.users[0]: Username is missing",
        ),
        (
            "users = [{ Username = 'a@b.example' }, { Username = 'A@b.example' }]",
            "salesforce.users[1]: A@b.example: Duplicate Username.",
        ),
        (
            "users = [{ Username = 'a@b.example', Profile = 'x' }]",
            "there is no Profile x",
        ),
        ("shoes = 1", "salesforce.shoes is not known"),
        ("licences = 'x'", "salesforce.licences is not a number"),
        ("users = 3", "salesforce.users is not a list"),
    ] {
        let before = org.vendor.objects();
        let refusal = org
            .vendor
            .seed(&toml::from_str(wrong).unwrap(), org.now)
            .unwrap_err();
        assert!(refusal.contains(sentence), "{refusal}");
        assert_eq!(org.vendor.objects(), before);
    }
}

#[test]
fn a_fork_goes_its_own_way_and_a_new_organization_is_always_the_same() {
    let mut org = Org::open();
    let fork = org.vendor.clone();
    org.hire("kim");
    assert_eq!(fork.objects().len() + 1, org.vendor.objects().len());
    let dump = |salesforce: &Salesforce| -> Vec<Value> {
        salesforce
            .objects()
            .into_iter()
            .map(|object| object.content)
            .collect()
    };
    assert_eq!(dump(&Salesforce::default()), dump(&Salesforce::default()));
    assert!(!format!("{:?}", org.vendor).contains(&org.credential("consumer_secret")));
}

#[test]
fn an_older_state_knows_the_sessions_and_cursors_of_a_newer_one() {
    let mut org = Org::locked();
    let mut older = org.vendor.clone();
    let fresh = Org::open();
    org.vendor = fresh.vendor;
    org.token = fresh.token;
    older.adopt_sessions(&org.vendor);
    let answer = older.answer(
        &org.request("GET", "/services/data/v59.0/limits", &[], b""),
        &mut Vec::new(),
    );
    assert_eq!(answer.status, StatusCode::OK);
    org.vendor.expire_tokens();
    older.adopt_sessions(&org.vendor);
    let answer = older.answer(
        &org.request("GET", "/services/data/v59.0/limits", &[], b""),
        &mut Vec::new(),
    );
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
