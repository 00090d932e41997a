use jiff::SignedDuration;
use outbound_mocks::Vendor;
use outbound_mocks::google::Google;
use serde_json::{Value, json};

use crate::lab::{ADMIN, BASE, Lab, Told, address, person, sign};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[track_caller]
fn refused(told: &Told, status: u16, code: &str, text: &str) {
    assert_eq!(told.status.as_u16(), status, "{told:?}");
    assert_eq!(told.body["error"], code, "{told:?}");
    assert!(
        told.body["error_description"]
            .as_str()
            .unwrap()
            .contains(text),
        "{told:?}"
    );
}

#[test]
fn a_signed_assertion_is_exchanged_for_a_bearer_token() {
    let mut lab = Lab::new();
    let told = lab.exchange(&lab.claims(ADMIN, &["user"]));
    let body = told.ok();
    assert_eq!(body["expires_in"], 3599);
    assert_eq!(body["token_type"], "Bearer");
    assert!(body["access_token"].as_str().unwrap().starts_with("ya29."));
    assert_eq!(body.as_object().unwrap().len(), 3);
}

#[test]
fn the_audience_may_be_googles_or_ours_and_nobody_elses() {
    let mut lab = Lab::new();
    for good in [
        "https://oauth2.googleapis.com/token",
        &format!("{BASE}/token"),
        &format!("{BASE}/oauth2/v4/token"),
    ] {
        let mut claims = lab.claims(ADMIN, &["user"]);
        claims["aud"] = good.into();
        lab.exchange(&claims).ok();
    }
    for bad in [json!("https://example.com/token"), Value::Null, json!(7)] {
        let mut claims = lab.claims(ADMIN, &["user"]);
        claims["aud"] = bad;
        refused(
            &lab.exchange(&claims),
            400,
            "invalid_grant",
            "Failed audience check",
        );
    }
}

#[test]
fn issuer_subject_and_scope_are_checked() {
    let mut lab = Lab::new();
    let mut claims = lab.claims(ADMIN, &["user"]);
    claims["iss"] = "somebody@else.iam.gserviceaccount.com".into();
    refused(
        &lab.exchange(&claims),
        400,
        "invalid_grant",
        "account not found",
    );
    refused(
        &lab.exchange(&lab.claims(&address("nobody"), &["user"])),
        400,
        "invalid_grant",
        "Invalid email or User ID",
    );
    let mut claims = lab.claims(ADMIN, &["user"]);
    claims["scope"] = "https://www.googleapis.com/auth/drive".into();
    refused(
        &lab.exchange(&claims),
        401,
        "unauthorized_client",
        "not authorized for any of the scopes requested",
    );
    claims["scope"] = "".into();
    refused(
        &lab.exchange(&claims),
        400,
        "invalid_scope",
        "Empty or missing scope not allowed.",
    );
}

#[test]
fn an_assertion_lives_for_an_hour_at_most_and_clocks_may_differ_a_little() {
    let mut lab = Lab::new();
    let now = lab.now.as_second();
    let mut with = |iat: Value, exp: Value| {
        let mut claims = lab.claims(ADMIN, &["user"]);
        claims["iat"] = iat;
        claims["exp"] = exp;
        lab.exchange(&claims)
    };
    with(json!(now - 60), json!(now + 600)).ok();
    with(json!(now + 60), json!(now + 3660)).ok();
    for (iat, exp) in [
        (now, now + 3601),
        (now - 7200, now - 3700),
        (now + 3600, now + 7200),
        (now, now),
        (now, now - 1),
    ] {
        refused(
            &with(json!(iat), json!(exp)),
            400,
            "invalid_grant",
            "short-lived token (60 minutes)",
        );
    }
    refused(
        &with(Value::Null, json!(now + 60)),
        400,
        "invalid_grant",
        "Check your iat and exp",
    );
    refused(
        &with(json!("soon"), json!(now + 60)),
        400,
        "invalid_grant",
        "Check your iat and exp",
    );
}

#[test]
fn a_broken_assertion_is_told_apart_from_a_forged_one() {
    let mut lab = Lab::new();
    let good = sign(&lab.google, &lab.claims(ADMIN, &["user"]));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let forged = format!("{message}.{}", signature.chars().rev().collect::<String>());
    for (assertion, text) in [
        (forged.as_str(), "Invalid JWT Signature."),
        ("a.b", "three parts"),
        ("a.b.c", "header"),
        ("", "three parts"),
        ("eyJhbGciOiJub25lIn0.e30.", "algorithm"),
    ] {
        refused(
            &lab.form(&[("grant_type", GRANT), ("assertion", assertion)]),
            400,
            "invalid_grant",
            text,
        );
    }
    refused(
        &lab.form(&[("grant_type", GRANT)]),
        400,
        "invalid_request",
        "assertion",
    );
    refused(&lab.form(&[]), 400, "invalid_request", "grant_type");
    refused(
        &lab.form(&[("grant_type", "password")]),
        400,
        "unsupported_grant_type",
        "Invalid grant_type: password",
    );
}

#[test]
fn the_endpoint_takes_json_and_its_older_address_too() {
    let mut lab = Lab::new();
    let assertion = sign(&lab.google, &lab.claims(ADMIN, &["user"]));
    let body = json!({ "grant_type": GRANT, "assertion": assertion }).to_string();
    let request = lab.request("POST", "/oauth2/v4/token", body.as_bytes());
    lab.send(&request).ok();
    let request = lab.request("GET", "/token", b"");
    assert_eq!(lab.send(&request).status, 404);
}

#[test]
fn calls_without_a_good_token_are_challenged() {
    let mut lab = Lab::new();
    let mut request = lab.request("GET", "/admin/directory/v1/users?customer=my_customer", b"");
    request.headers.remove("authorization");
    let told = lab.send(&request);
    assert!(
        told.headers["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Bearer realm=")
    );
    let body = told.refused(
        401,
        "required",
        "missing required authentication credential",
    );
    assert_eq!(body["error"]["errors"][0]["message"], "Login Required.");
    assert_eq!(body["error"]["errors"][0]["location"], "Authorization");

    for wrong in [
        "Bearer ya29.c.nonsense",
        "Bearer",
        "Basic dXNlcjpwYXNz",
        "Bearer ya29.c.AAAAAAAAAAE",
    ] {
        request
            .headers
            .insert("authorization", wrong.parse().unwrap());
        let told = lab.send(&request);
        assert!(
            told.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .contains("invalid_token"),
            "{wrong}"
        );
        let body = told.refused(401, "authError", "invalid authentication credentials");
        assert_eq!(body["error"]["errors"][0]["message"], "Invalid Credentials");
    }
    request.headers.remove("authorization");
    request.query = format!("customer=my_customer&access_token={}", lab.token);
    lab.send(&request).ok();
}

#[test]
fn a_token_dies_after_an_hour_or_when_all_are_forgotten() {
    let mut lab = Lab::new();
    lab.now += SignedDuration::from_secs(3599);
    lab.get("users?customer=my_customer").ok();
    lab.now += SignedDuration::from_secs(1);
    lab.get("users?customer=my_customer")
        .refused(401, "authError", "");
    lab.log_in();
    lab.get("users?customer=my_customer").ok();
    lab.google.expire_tokens();
    lab.get("users?customer=my_customer")
        .refused(401, "authError", "");
}

#[test]
fn every_method_wants_one_of_its_scopes() {
    let mut lab = Lab::new();
    lab.user("kim");
    lab.group("staff");
    let cases: [(&str, &str, &str, &[&str]); 9] = [
        (
            "GET",
            "users?customer=my_customer",
            "user.readonly",
            &["group", "user.alias"],
        ),
        ("GET", "users/kim@acme.example", "user", &["group.readonly"]),
        ("POST", "users", "user", &["user.readonly", "user.security"]),
        (
            "POST",
            "users/kim@acme.example/signOut",
            "user.security",
            &["user"],
        ),
        (
            "GET",
            "users/kim@acme.example/aliases",
            "user.alias.readonly",
            &["group"],
        ),
        (
            "GET",
            "groups?customer=my_customer",
            "group.readonly",
            &["user", "group.member"],
        ),
        (
            "GET",
            "groups/staff@acme.example/members",
            "group.member.readonly",
            &["user"],
        ),
        (
            "GET",
            "customers/my_customer",
            "customer.readonly",
            &["user"],
        ),
        (
            "GET",
            "customer/my_customer/orgunits",
            "orgunit.readonly",
            &["user"],
        ),
    ];
    for (method, path, enough, little) in cases {
        let told = lab.exchange(&lab.claims(ADMIN, &[enough]));
        lab.token = told.token();
        let told = lab.call(method, path, &person("new"));
        assert!(
            told.status.is_success(),
            "{method} {path} with {enough}: {told:?}"
        );
        let told = lab.exchange(&lab.claims(ADMIN, little));
        lab.token = told.token();
        let body = lab.call(method, path, &person("new")).refused(
            403,
            "insufficientPermissions",
            "insufficient",
        );
        assert_eq!(body["error"]["status"], "PERMISSION_DENIED");
        assert_eq!(
            body["error"]["details"][0]["reason"],
            "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
        );
    }
}

#[test]
fn only_administrators_may_and_colleagues_may_look() {
    let mut lab = Lab::new();
    lab.user("kim");
    let told = lab.exchange(&lab.claims(&address("kim"), &["user"]));
    lab.token = told.token();
    lab.get("users?customer=my_customer").refused(
        403,
        "forbidden",
        "Not Authorized to access this resource/api",
    );
    let seen = lab
        .get("users/admin@acme.example?viewType=domain_public")
        .ok();
    assert_eq!(seen["primaryEmail"], ADMIN);
    assert!(seen.get("isAdmin").is_none() && seen.get("customerId").is_none());
    // The service account itself, without anybody to act for, has no rights in the directory.
    let mut claims = lab.claims(ADMIN, &["user"]);
    claims.as_object_mut().unwrap().remove("sub");
    lab.token = lab.exchange(&claims).token();
    lab.get("users?customer=my_customer")
        .refused(403, "forbidden", "Not Authorized");
}

#[test]
fn the_key_file_is_in_googles_own_format() {
    let google = Google::default();
    let key = google.service_account_json(BASE);
    let fields = [
        "type",
        "project_id",
        "private_key_id",
        "private_key",
        "client_email",
        "client_id",
        "auth_uri",
        "token_uri",
        "auth_provider_x509_cert_url",
        "client_x509_cert_url",
        "universe_domain",
    ];
    assert_eq!(key.as_object().unwrap().keys().collect::<Vec<_>>(), fields);
    assert_eq!(key["type"], "service_account");
    assert_eq!(key["token_uri"], format!("{BASE}/token"));
    assert!(
        key["private_key"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY-----\n")
    );
    assert_eq!(google.subject(), ADMIN);
    assert_eq!(google.domain(), "acme.example");
}
