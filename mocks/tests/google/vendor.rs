//! The port: what a request is about, armed failures, seeds, endpoints that are not kept.

use http::StatusCode;
use outbound_mocks::google::Google;
use outbound_mocks::{Kind, Trouble, Vendor};
use serde_json::{Value, json};

use crate::lab::{Lab, address, person};

/// Method, path, body, and the name, subject and kind that they make.
type Case<'a> = (&'a str, &'a str, &'a Value, &'a str, Option<&'a str>, Kind);

#[test]
fn a_request_is_named_by_method_subject_and_kind() {
    let lab = Lab::new();
    let cases: &[Case<'_>] = &[
        ("POST", "/token", &Value::Null, "token", None, Kind::Token),
        (
            "POST",
            "/batch/admin/directory_v1",
            &Value::Null,
            "batch",
            None,
            Kind::Write,
        ),
        (
            "POST",
            "/admin/directory/v1/users",
            &person("kim"),
            "users.insert",
            Some("kim@acme.example"),
            Kind::Write,
        ),
        (
            "GET",
            "/admin/directory/v1/users/kim%40acme.example",
            &Value::Null,
            "users.get",
            Some("kim@acme.example"),
            Kind::Read,
        ),
        (
            "POST",
            "/admin/directory/v1/groups",
            &json!({ "email": "g@acme.example" }),
            "groups.insert",
            Some("g@acme.example"),
            Kind::Write,
        ),
        (
            "GET",
            "/admin/directory/v1/groups?userKey=kim@acme.example",
            &Value::Null,
            "groups.list",
            Some("kim@acme.example"),
            Kind::Read,
        ),
        (
            "DELETE",
            "/admin/directory/v1/groups/g/members/m",
            &Value::Null,
            "members.delete",
            Some("g"),
            Kind::Write,
        ),
        (
            "GET",
            "/admin/directory/v1/customer/my_customer/roles",
            &Value::Null,
            "roles",
            None,
            Kind::Read,
        ),
        (
            "GET",
            "/elsewhere",
            &Value::Null,
            "unknown",
            None,
            Kind::Meta,
        ),
    ];
    for (method, path, body, name, subject, kind) in cases {
        let request = lab.request(method, path, body.to_string().as_bytes());
        let operation = lab.google.classify(&request);
        assert_eq!(
            (operation.name, operation.subject.as_deref(), operation.kind),
            (*name, *subject, *kind),
            "{path}"
        );
    }
}

#[test]
fn armed_failures_speak_the_vendors_language() {
    let lab = Lab::new();
    let at = |trouble| {
        let answer = lab.google.trouble(
            &lab.request("GET", "/admin/directory/v1/users", b""),
            trouble,
        );
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let error = &body["error"]["errors"][0];
        let text = |field: &str| error[field].as_str().unwrap().to_owned();
        assert!(
            !answer.headers.contains_key("retry-after"),
            "no Retry-After is promised"
        );
        (answer.status.as_u16(), text("domain"), text("reason"))
    };
    let told = |status, domain: &str, reason: &str| (status, domain.to_owned(), reason.to_owned());
    let seconds = 3;
    assert_eq!(
        at(Trouble::UserRate {
            retry_after_seconds: seconds
        }),
        told(403, "usageLimits", "userRateLimitExceeded")
    );
    assert_eq!(
        at(Trouble::Concurrency),
        told(403, "usageLimits", "quotaExceeded")
    );
    assert_eq!(
        at(Trouble::AccountRate {
            retry_after_seconds: seconds
        }),
        told(429, "usageLimits", "rateLimitExceeded")
    );
    assert_eq!(
        at(Trouble::DailyLimit),
        told(403, "usageLimits", "dailyLimitExceeded")
    );
    assert_eq!(at(Trouble::TokenExpired), told(401, "global", "authError"));
    assert_eq!(at(Trouble::Licences), told(412, "global", "limitExceeded"));
    for (status, reason) in [
        (400, "badRequest"),
        (401, "authError"),
        (403, "forbidden"),
        (404, "notFound"),
        (409, "duplicate"),
        (412, "conditionNotMet"),
        (500, "backendError"),
        (503, "backendError"),
        (418, "badRequest"),
    ] {
        let (code, _, said) = at(Trouble::Status(StatusCode::from_u16(status).unwrap()));
        assert_eq!((code, said.as_str()), (status, reason));
    }
    let answer = lab.google.trouble(
        &lab.request("POST", "/token", b""),
        Trouble::Status(StatusCode::SERVICE_UNAVAILABLE),
    );
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        (answer.status.as_u16(), &body["error"]),
        (503, &json!("internal_failure"))
    );
}

#[test]
fn what_is_not_kept_says_so_and_what_is_not_there_is_lost() {
    let mut lab = Lab::new();
    for (method, path, name) in [
        ("GET", "customer/my_customer/roles", "roles"),
        ("GET", "customer/my_customer/roles/ALL/privileges", "roles"),
        (
            "GET",
            "customer/my_customer/devices/chromeos/x",
            "chromeosdevices",
        ),
        (
            "GET",
            "customer/my_customer/devices/mobile",
            "mobiledevices",
        ),
        (
            "PUT",
            "users/kim@acme.example/photos/thumbnail",
            "users.photos",
        ),
        ("GET", "users/kim@acme.example/tokens", "tokens.list"),
        ("POST", "users/watch", "users.watch"),
        ("POST", "users:createGuest", "users.createGuest"),
    ] {
        let told = lab.call(method, path, &Value::Null);
        assert_eq!(
            told.headers["x-mock-unsupported"],
            format!("directory.{name}")
        );
        told.refused(501, "notImplemented", "Operation is not implemented");
    }
    for (method, path) in [
        ("GET", "nonsense"),
        ("PUT", "users"),
        ("DELETE", "groups"),
        ("POST", "users/kim/nonsense"),
    ] {
        let told = lab.call(method, path, &Value::Null);
        assert_eq!(told.status, 404);
        assert_eq!(told.headers["content-type"], "text/html; charset=UTF-8");
    }
    let request = lab.request("GET", "/<script>", b"");
    assert!(lab.send(&request).text.contains("&lt;script&gt;"));
    lab.token = "nonsense".into();
    lab.get("customer/my_customer/roles")
        .refused(401, "authError", "");
}

#[test]
fn bodies_that_are_no_json_are_told_so() {
    let mut lab = Lab::new();
    let request = lab.request("POST", "/admin/directory/v1/users", b"{\"primaryEmail\":");
    lab.send(&request).refused(400, "parseError", "Parse Error");
    let mut request = lab.request("POST", "/admin/directory/v1/users", b"a=b");
    request.headers.insert(
        "content-type",
        "application/x-www-form-urlencoded".parse().unwrap(),
    );
    lab.send(&request)
        .refused(400, "badRequest", "form-encoded");
}

const SEED: &str = r#"
    domain = "globex.example"
    admin = "root@globex.example"
    domains = ["globex.test"]
    org_units = ["/Sales", "/Sales/EU"]
    unmanaged = ["ghost@globex.example"]
    [[users]]
    primaryEmail = "kim@globex.example"
    name = { givenName = "Kim", familyName = "Lee" }
    aliases = ["k@globex.test"]
    orgUnitPath = "/Sales/EU"
    [[groups]]
    email = "all@globex.example"
    members = [{ email = "staff@globex.example" }]
    [[groups]]
    email = "staff@globex.example"
    name = "Staff"
    members = ["k@globex.test", { email = "guest@elsewhere.example", role = "MANAGER" }]
"#;

fn seeded() -> Lab {
    let mut lab = Lab::new();
    lab.google.seed(&SEED.parse().unwrap(), lab.now).unwrap();
    let told = lab.exchange(&lab.claims(
        "root@globex.example",
        &["user", "group", "orgunit", "customer", "domain"],
    ));
    lab.token = told.token();
    lab
}

#[test]
fn a_seed_opens_another_account_and_fills_it() {
    let mut lab = seeded();
    assert_eq!(
        (lab.google.subject().as_str(), lab.google.domain()),
        ("root@globex.example", "globex.example")
    );
    assert_eq!(
        lab.get("users/k@globex.test").ok()["orgUnitPath"],
        "/Sales/EU"
    );
    assert_eq!(
        lab.get("users?domain=globex.test&query=orgUnitPath=/Sales")
            .ok()
            .get("users"),
        None
    );
    assert_eq!(
        lab.get("users?customer=my_customer&query=orgUnitPath=/Sales")
            .ok()["users"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        lab.get("groups/staff@globex.example/members").ok()["members"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        lab.get("groups/all@globex.example/hasMember/kim@globex.example")
            .ok()["isMember"],
        true
    );
    let units = lab.get("customer/my_customer/orgunits?type=all").ok();
    assert_eq!(units["organizationUnits"].as_array().unwrap().len(), 2);
    let unit = lab.get("customer/my_customer/orgunits/Sales/EU").ok();
    assert_eq!(
        (&unit["orgUnitPath"], &unit["parentOrgUnitPath"]),
        (&json!("/Sales/EU"), &json!("/Sales"))
    );
    lab.get("customer/my_customer/orgunits/Nowhere")
        .refused(404, "notFound", "Org unit not found");
    assert_eq!(
        lab.get("customer/my_customer/domains").ok()["domains"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    lab.get("customer/my_customer/domains/elsewhere.example")
        .refused(404, "notFound", "Domain not found.");
    assert_eq!(
        lab.get("customers/my_customer").ok()["customerDomain"],
        "globex.example"
    );
    let names: Vec<String> = lab
        .google
        .objects()
        .into_iter()
        .map(|object| object.name)
        .collect();
    assert_eq!(
        names,
        [
            "root@globex.example",
            "kim@globex.example",
            "all@globex.example",
            "staff@globex.example"
        ]
    );
}

#[test]
fn an_unmanaged_account_is_in_the_way_until_it_is_resolved() {
    let mut lab = seeded();
    let mut ghost = person("ghost");
    ghost["primaryEmail"] = "ghost@globex.example".into();
    lab.post("users", &ghost).refused(409, "duplicate", "");
    lab.post("users?resolveConflictAccount=perhaps", &ghost)
        .refused(400, "invalidParameter", "boolean");
    lab.post("users?resolveConflictAccount=true", &ghost).ok();
    lab.post("users?resolveConflictAccount=true", &ghost)
        .refused(409, "duplicate", "");
}

#[test]
fn a_bad_seed_names_its_entry_and_adds_nothing() {
    for (seed, complaint) in [
        ("nonsense = 1", "google.nonsense"),
        (
            "[[users]]\nprimaryEmail = \"kim@acme.example\"",
            "google.users[0]: Invalid Given/Family Name",
        ),
        (
            "[[users]]\nprimaryEmail = \"admin@acme.example\"\nname = { givenName = \"a\", familyName = \"b\" }",
            "is taken",
        ),
        (
            "[[groups]]\nemail = \"g@acme.example\"\nmembers = [\"nobody@acme.example\"]",
            "google.groups[0].members: `nobody@acme.example`",
        ),
        (
            "[[groups]]\nemail = \"g@elsewhere.example\"",
            "google.groups[0]: Not Authorized",
        ),
        (
            "[[groups]]\nemail = \"g@acme.example\"\nmembers = [\"g@acme.example\"]",
            "circle",
        ),
        ("org_units = [\"Sales\"]", "google.org_units"),
        ("admin = \"root@elsewhere.example\"", "google.admin"),
        ("users = 1", "google.users"),
        (
            "[[schemas]]\nschemaName = \"Job\"",
            "google.schemas[0]: Missing required field: fields",
        ),
    ] {
        let mut google = Google::default();
        let error = google
            .seed(&seed.parse().unwrap(), Lab::new().now)
            .unwrap_err();
        assert!(error.contains(complaint), "{seed}: {error}");
        assert_eq!(google.objects().len(), 1);
    }
}

#[test]
fn a_clone_goes_its_own_way() {
    let mut lab = Lab::new();
    lab.user("kim");
    let mut fork = lab.clone();
    fork.delete("users/kim@acme.example");
    fork.user("lee");
    assert!(lab.get("users/kim@acme.example").status.is_success());
    lab.get("users/lee@acme.example")
        .refused(404, "notFound", "");
    let mut older = lab.google.clone();
    lab.google.expire_tokens();
    lab.log_in();
    older.adopt_sessions(&lab.google);
    lab.google = older;
    lab.get("users/kim@acme.example").ok();
    assert_eq!(
        lab.google.name_of(&lab.google.objects()[1].id),
        Some(address("kim"))
    );
    assert_eq!(
        lab.google.caller(&lab.request("GET", "/", b"")),
        Some("admin@acme.example".into())
    );
}
