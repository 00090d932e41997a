//! OAuth: every grant, every refusal, and what a token opens.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use outbound_mocks::{Vendor, salesforce::Salesforce};
use serde_json::{Value, json};

use crate::kit::{BASE, Org};

const TOKEN: &str = "/services/oauth2/token";
const JWT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn password_login(org: &mut Org, username: &str, password: &str) -> (u16, Value) {
    let (key, secret) = (
        org.credential("consumer_key"),
        org.credential("consumer_secret"),
    );
    org.form(
        TOKEN,
        &[
            ("grant_type", "password"),
            ("client_id", &key),
            ("client_secret", &secret),
            ("username", username),
            ("password", password),
        ],
    )
}

fn assertion(org: &Org, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = json!({
        "iss": org.credential("consumer_key"),
        "sub": org.credential("username"),
        "aud": "https://login.salesforce.com",
        "exp": org.now.as_second() + 170,
    });
    change(&mut claims);
    let key = EncodingKey::from_rsa_pem(Salesforce::private_key_pem().as_bytes()).unwrap();
    encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap()
}

fn jwt_login(org: &mut Org, assertion: &str) -> (u16, Value) {
    org.form(TOKEN, &[("grant_type", JWT), ("assertion", assertion)])
}

#[test]
fn a_password_with_its_security_token_opens_a_session_in_the_vendors_words() {
    let mut org = Org::locked();
    let joined = org.credential("password") + &org.credential("security_token");
    let username = org.credential("username");
    let (status, body) = password_login(&mut org, &username, &joined);
    assert_eq!(status, 200, "{body}");
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "access_token",
            "signature",
            "scope",
            "instance_url",
            "id",
            "token_type",
            "issued_at"
        ]
    );
    let token = body["access_token"].as_str().unwrap();
    let organization = token.split('!').next().unwrap();
    assert_eq!((organization.len(), &organization[..3]), (15, "00D"));
    assert_eq!(body["instance_url"], BASE);
    assert!(
        body["id"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{BASE}/id/00D"))
    );
    assert_eq!(body["issued_at"], org.now.as_millisecond().to_string());
    let signed = format!(
        "{}{}",
        body["id"].as_str().unwrap(),
        body["issued_at"].as_str().unwrap()
    );
    let key = EncodingKey::from_secret(org.credential("consumer_secret").as_bytes());
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
    assert_eq!(
        body["signature"],
        STANDARD.encode(URL_SAFE_NO_PAD.decode(signature).unwrap())
    );
    assert_eq!(org.last.headers["cache-control"], "no-cache, no-store");
}

#[test]
fn a_password_without_the_security_token_or_for_nobody_fails_alike() {
    let mut org = Org::locked();
    let (password, username) = (org.credential("password"), org.credential("username"));
    let joined = password.clone() + &org.credential("security_token");
    for (username, password) in [
        (username.as_str(), password.as_str()),
        ("nobody@acme.example", &joined),
        (&username, ""),
        ("", ""),
    ] {
        let (status, body) = password_login(&mut org, username, password);
        assert_eq!(status, 400);
        assert_eq!(
            body,
            json!({"error": "invalid_grant", "error_description": "authentication failure"})
        );
    }
}

#[test]
fn client_credentials_come_in_the_body_or_as_basic() {
    let mut org = Org::locked();
    let pair = format!(
        "{}:{}",
        org.credential("consumer_key"),
        org.credential("consumer_secret")
    );
    let basic = format!("Basic {}", STANDARD.encode(pair));
    let headers = [
        ("authorization", basic.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let (status, body) = org.send("POST", TOKEN, &headers, b"grant_type=client_credentials");
    assert_eq!(status, 200, "{body}");
    let (key, secret) = (
        org.credential("consumer_key"),
        org.credential("consumer_secret"),
    );
    let (status, _) = org.form(
        TOKEN,
        &[
            ("grant_type", "client_credentials"),
            ("client_id", &key),
            ("client_secret", &secret),
        ],
    );
    assert_eq!(status, 200);
    let (status, body) = org.form(
        TOKEN,
        &[
            ("grant_type", "client_credentials"),
            ("client_id", "x"),
            ("client_secret", &secret),
        ],
    );
    assert_eq!(
        (status, body["error"].as_str()),
        (400, Some("invalid_client_id"))
    );
    let (status, body) = org.form(
        TOKEN,
        &[
            ("grant_type", "client_credentials"),
            ("client_id", &key),
            ("client_secret", "x"),
        ],
    );
    assert_eq!(
        (status, body),
        (
            400,
            json!({"error": "invalid_client", "error_description": "invalid client credentials"})
        )
    );
}

#[test]
fn a_signed_assertion_is_taken_with_its_expiry_as_number_or_text() {
    let mut org = Org::locked();
    let number = assertion(&org, |_| {});
    assert_eq!(jwt_login(&mut org, &number).0, 200);
    let soon = (org.now.as_second() + 180).to_string();
    let text = assertion(&org, |claims| claims["exp"] = json!(soon));
    assert_eq!(jwt_login(&mut org, &text).0, 200);
    // aiosalesforce and salesforce-jwt-bearer-token-flow sign five minutes; Salesforce's own @salesforce/core writes
    // `Date.now() + 300`, which is milliseconds.
    let five_minutes = assertion(&org, |claims| {
        claims["exp"] = json!(org.now.as_second() + 300);
    });
    assert_eq!(jwt_login(&mut org, &five_minutes).0, 200);
    let milliseconds = assertion(&org, |claims| {
        claims["exp"] = json!(org.now.as_millisecond() + 300);
    });
    org.now += jiff::Span::new().seconds(2);
    assert_eq!(jwt_login(&mut org, &milliseconds).0, 200);
    let own = assertion(&org, |claims| claims["aud"] = json!(BASE));
    assert_eq!(jwt_login(&mut org, &own).0, 200);
    let sandbox = assertion(&org, |claims| {
        claims["aud"] = json!("https://test.salesforce.com/");
    });
    assert_eq!(jwt_login(&mut org, &sandbox).0, 200);
}

#[test]
fn an_assertion_that_is_wrong_in_one_point_is_refused_for_it() {
    let mut org = Org::locked();
    let now = org.now.as_second();
    let cases: [(Value, Value, &str, &str); 9] = [
        (
            json!("iss"),
            json!("other"),
            "invalid_client_id",
            "client identifier invalid",
        ),
        (
            json!("sub"),
            json!("nobody@acme.example"),
            "invalid_grant",
            "user hasn't approved this consumer",
        ),
        (
            json!("aud"),
            json!("https://example.com"),
            "invalid_grant",
            "Audience validation failed",
        ),
        (
            json!("exp"),
            json!(now - 1),
            "invalid_grant",
            "token validity expired",
        ),
        (
            json!("exp"),
            json!(now + 3600),
            "invalid_grant",
            "token validity expired",
        ),
        (
            json!("exp"),
            json!((now - 61) * 1000),
            "invalid_grant",
            "token validity expired",
        ),
        (
            json!("exp"),
            json!((now + 3600) * 1000),
            "invalid_grant",
            "token validity expired",
        ),
        (
            json!("exp"),
            json!(i64::MAX),
            "invalid_grant",
            "invalid assertion",
        ),
        (
            json!("exp"),
            json!(null),
            "invalid_grant",
            "invalid assertion",
        ),
    ];
    for (claim, value, error, description) in cases {
        let token = assertion(&org, |claims| claims[claim.as_str().unwrap()] = value);
        let (status, body) = jwt_login(&mut org, &token);
        assert_eq!(
            (status, body),
            (
                400,
                json!({"error": error, "error_description": description})
            ),
            "{claim}"
        );
    }
    let mut forged = assertion(&org, |_| {});
    forged.pop();
    forged.push('x');
    assert_eq!(
        jwt_login(&mut org, &forged).1["error_description"],
        "invalid assertion"
    );
    for text in ["", "a.b.c", "..", "ä"] {
        assert_eq!(jwt_login(&mut org, text).0, 400);
    }
}

#[test]
fn a_refresh_token_works_until_it_is_revoked() {
    let mut org = Org::locked();
    let (key, refresh) = (
        org.credential("consumer_key"),
        org.credential("refresh_token"),
    );
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", key.as_str()),
        ("refresh_token", refresh.as_str()),
    ];
    let (status, body) = org.form(TOKEN, &form);
    assert_eq!(status, 200);
    assert_eq!(body.get("refresh_token"), None);
    assert_eq!(
        org.form("/services/oauth2/revoke", &[("token", &refresh)])
            .0,
        200
    );
    let (status, body) = org.form(TOKEN, &form);
    assert_eq!(
        (status, body["error_description"].as_str()),
        (400, Some("expired access/refresh token"))
    );
}

#[test]
fn unknown_grants_and_methods_are_told_so() {
    let mut org = Org::locked();
    let (status, body) = org.form(TOKEN, &[("grant_type", "authorization_code")]);
    assert_eq!(
        (status, body),
        (
            400,
            json!({"error": "unsupported_grant_type", "error_description": "grant type not supported"})
        )
    );
    let (status, body) = org.send("GET", TOKEN, &[], b"");
    assert_eq!(
        (status, body["error_description"].as_str()),
        (400, Some("must use HTTP POST"))
    );
}

#[test]
fn both_schemes_open_and_a_missing_expired_or_revoked_token_does_not() {
    let mut org = Org::open();
    let token = std::mem::take(&mut org.token);
    for scheme in ["Bearer", "OAuth", "bearer"] {
        let (status, _) = org.send(
            "GET",
            "/services/data/v59.0/limits",
            &[("authorization", &format!("{scheme} {token}"))],
            b"",
        );
        assert_eq!(status, 200, "{scheme}");
    }
    for header in ["Bearer x", "Basic x", "Bearer", "Token 00D!x"] {
        let (status, body) = org.send(
            "GET",
            "/services/data/v59.0/limits",
            &[("authorization", header)],
            b"",
        );
        assert_eq!(status, 401);
        assert_eq!(
            body,
            json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
        );
        assert!(!org.last.headers.contains_key("sforce-limit-info"));
    }
    assert_eq!(org.get("/limits").0, 401);
    org.token = token;
    org.vendor.expire_tokens();
    assert_eq!(org.get("/limits").0, 401);
    let mut org = Org::open();
    let token = org.token.clone();
    assert_eq!(
        org.form("/services/oauth2/revoke", &[("token", &token)]).0,
        200
    );
    assert_eq!(org.get("/limits").0, 401);
    assert_eq!(
        org.form("/services/oauth2/revoke", &[("token", &token)]).0,
        400
    );
    let mut org = Org::open();
    org.wait(2 * 3600);
    assert_eq!(org.get("/limits").0, 401);
}

#[test]
fn userinfo_and_the_identity_url_tell_who_is_logged_in() {
    let mut org = Org::open();
    let (status, info) = org.send("GET", "/services/oauth2/userinfo", &[], b"");
    assert_eq!(status, 200);
    assert_eq!(info["preferred_username"], org.credential("username"));
    assert_eq!(info["active"], true);
    let url = info["sub"]
        .as_str()
        .unwrap()
        .strip_prefix(BASE)
        .unwrap()
        .to_owned();
    let (status, identity) = org.send("GET", &format!("{url}?format=json"), &[], b"");
    assert_eq!(status, 200);
    assert_eq!(identity["username"], info["preferred_username"]);
    assert_eq!(
        identity["urls"]["rest"],
        format!("{BASE}/services/data/v{{version}}/")
    );
    let (status, body) = org.send("GET", &url, &[("authorization", "Bearer x")], b"");
    assert_eq!((status, body), (403, json!("Bad_OAuth_Token")));
    org.token.clear();
    let (status, body) = org.send("GET", "/services/oauth2/userinfo", &[], b"");
    assert_eq!((status, body), (403, json!("Missing_OAuth_Token")));
}

#[test]
fn introspection_tells_a_good_token_from_a_bad_one() {
    let mut org = Org::open();
    let (key, secret, token) = (
        org.credential("consumer_key"),
        org.credential("consumer_secret"),
        org.token.clone(),
    );
    let ask = |org: &mut Org, token: &str| {
        org.form(
            "/services/oauth2/introspect",
            &[
                ("client_id", &key),
                ("client_secret", &secret),
                ("token", token),
            ],
        )
    };
    let (_, body) = ask(&mut org, &token);
    assert_eq!(
        (body["active"].as_bool(), body["token_type"].as_str()),
        (Some(true), Some("access_token"))
    );
    assert_eq!(ask(&mut org, "x").1, json!({"active": false}));
    assert_eq!(
        org.form("/services/oauth2/introspect", &[("token", &token)])
            .0,
        401
    );
}

#[test]
fn a_user_who_is_deactivated_is_thrown_out() {
    let mut org = Org::open();
    let id = org.hire("kim");
    assert_eq!(
        org.post(
            &format!("/sobjects/User/{id}/password"),
            &json!({"NewPassword": "secret4kim"})
        )
        .0,
        204
    );
    let joined = "secret4kim".to_owned() + &org.credential("security_token");
    let (status, body) = password_login(&mut org, "KIM@acme.example", &joined);
    assert_eq!(status, 200);
    let admin = std::mem::replace(
        &mut org.token,
        body["access_token"].as_str().unwrap().to_owned(),
    );
    assert_eq!(org.get("/limits").0, 200);
    let kim = std::mem::replace(&mut org.token, admin);
    assert_eq!(
        org.patch(&format!("/sobjects/User/{id}"), &json!({"IsActive": false}))
            .0,
        204
    );
    org.token = kim;
    assert_eq!(org.get("/limits").0, 401);
    assert_eq!(password_login(&mut org, "kim@acme.example", &joined).0, 400);
}

#[test]
fn who_does_not_manage_users_changes_nobody_else() {
    let mut org = Org::open();
    let (kim, lee) = (org.hire("kim"), org.hire("lee"));
    let person = org.person("max");
    org.post(
        &format!("/sobjects/User/{kim}/password"),
        &json!({"NewPassword": "secret4kim"}),
    );
    let joined = "secret4kim".to_owned() + &org.credential("security_token");
    org.token = password_login(&mut org, "kim@acme.example", &joined).1["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let (status, body) = org.patch(&format!("/sobjects/User/{lee}"), &json!({"Title": "x"}));
    assert_eq!(
        (status, Org::code(&body)),
        (400, "INSUFFICIENT_ACCESS_OR_READONLY")
    );
    assert_eq!(
        Org::code(&org.post("/sobjects/User", &person).1),
        "INSUFFICIENT_ACCESS_OR_READONLY"
    );
    assert_eq!(
        org.patch(&format!("/sobjects/User/{kim}"), &json!({"Title": "x"}))
            .0,
        204
    );
}
