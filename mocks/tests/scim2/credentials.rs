//! Who is let in: Basic, bearer, an API key, the token endpoint, and users at `/Me`.

use base64::{Engine, prelude::BASE64_STANDARD};
use outbound_mocks::{Kind, Trouble, Vendor};
use serde_json::json;

use super::{BASE, Desk};

fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

#[test]
fn each_way_in_is_open_and_nothing_else_is() {
    let mut desk = Desk::new();
    let known = desk.scim.credentials().clone();
    desk.header("authorization", &basic(&known.user_name, &known.password));
    desk.get("/Users").expect(200);
    desk.without("authorization");
    let refused = desk.get("/Users").refused(401, "");
    assert!(
        refused.headers["www-authenticate"]
            .to_str()
            .unwrap()
            .contains("Bearer")
    );
    for wrong in [
        "Bearer no",
        "Bearer",
        "Basic no",
        "Digest x",
        "",
        &basic("admin", "no"),
        &basic("no", &known.password),
    ] {
        desk.header("authorization", wrong);
        desk.get("/Users").refused(401, "");
    }
    desk.without("authorization")
        .header("x-api-key", &known.api_key);
    desk.get("/Users").expect(200);
    desk.header("x-api-key", "no");
    desk.get("/Users").refused(401, "");
    assert!(!format!("{:?}", desk.scim.credentials()).contains(&known.password));
}

#[test]
fn a_token_is_handed_out_for_client_credentials_and_ends() {
    let mut desk = Desk::new();
    let known = desk.scim.credentials().clone();
    desk.without("authorization")
        .header("content-type", "application/x-www-form-urlencoded");
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=scim",
        known.client_id, known.client_secret
    );
    let got = desk.send("POST", "/token", form.clone()).expect(200).body;
    assert_eq!(
        (&got["token_type"], &got["expires_in"], &got["scope"]),
        (&json!("Bearer"), &json!(3600), &json!("scim"))
    );
    let token = format!("Bearer {}", got["access_token"].as_str().unwrap());
    desk.header(
        "authorization",
        &basic(&known.client_id, &known.client_secret),
    );
    let by_header = desk
        .send("POST", "/token", "grant_type=client_credentials")
        .expect(200)
        .body;
    assert_ne!(by_header["access_token"], got["access_token"]);
    let wrong = desk
        .send("POST", "/token", "grant_type=password")
        .expect(400)
        .body;
    assert_eq!(wrong["error"], "unsupported_grant_type");
    assert_eq!(
        desk.send("POST", "/token", "").expect(400).body["error"],
        "invalid_request"
    );
    desk.header("authorization", &basic(&known.client_id, "no"));
    assert_eq!(
        desk.send("POST", "/token", form.clone()).expect(401).body["error"],
        "invalid_client"
    );
    desk.without("authorization");
    assert_eq!(
        desk.send("POST", "/token", "grant_type=client_credentials")
            .expect(401)
            .body["error"],
        "invalid_client"
    );

    desk.without("content-type").header("authorization", &token);
    desk.get("/Users").expect(200);
    let before = desk.now;
    desk.now += jiff::SignedDuration::from_mins(61);
    desk.get("/Users").refused(401, "");
    desk.now = before;
    desk.get("/Users").expect(200);
    desk.scim.expire_tokens();
    desk.get("/Users").refused(401, "");
}

#[test]
fn a_user_may_see_and_change_itself_with_the_password_that_was_provisioned() {
    let mut desk = Desk::new();
    let id = desk.user_with("kim", json!({"password": "Secret-1"}));
    desk.get("/Me").refused(404, "");
    desk.header("authorization", &basic("KIM", "Secret-1"));
    let me = desk.get("/Me").expect(200);
    assert_eq!(
        me.headers["location"],
        format!("{BASE}/scim/v2/Users/{id}").as_str()
    );
    desk.get("/Users").refused(403, "");
    desk.patch(
        "/Me",
        &json!([{"op": "replace", "path": "password", "value": "Secret-2"}]),
    )
    .expect(200);
    desk.get("/Me").refused(401, "");
    desk.header("authorization", &basic("kim", "Secret-2"));
    desk.post("/Me", &json!({})).refused(501, "");
    desk.patch(
        "/Me",
        &json!([{"op": "replace", "path": "active", "value": false}]),
    )
    .expect(200);
    desk.get("/Me").refused(401, "");
    // The administrator's own Basic name is a user when one is called so.
    let known = desk.scim.credentials().clone();
    desk.header("authorization", &basic(&known.user_name, &known.password));
    desk.get("/Me").refused(404, "");
    desk.user(&known.user_name);
    desk.get("/Me").expect(200);
}

#[test]
fn an_operation_is_named_with_its_subject() {
    let mut desk = Desk::new();
    let id = desk.user("kim");
    let group = desk.group("staff", &[]);
    let name = |method: &str, target: &str, body: &str| {
        let operation = desk
            .scim
            .classify(&desk.request(method, target, body.to_owned()));
        (
            operation.name,
            operation.subject.unwrap_or_default(),
            operation.kind,
        )
    };
    let kim = || "kim".to_owned();
    assert_eq!(
        name("POST", "/Users", r#"{"userName":"kim"}"#),
        ("Users.create", kim(), Kind::Write)
    );
    assert_eq!(
        name("POST", "/Users", "\u{0}"),
        ("Users.create", String::new(), Kind::Write)
    );
    assert_eq!(
        name("GET", &format!("/Users/{id}"), ""),
        ("Users.get", kim(), Kind::Read)
    );
    assert_eq!(
        name("PATCH", &format!("/Users/{id}"), ""),
        ("Users.patch", kim(), Kind::Write)
    );
    assert_eq!(
        name("PUT", &format!("/Groups/{group}"), ""),
        ("Groups.replace", "staff".to_owned(), Kind::Write)
    );
    assert_eq!(
        name("DELETE", "/Users/gone", ""),
        ("Users.delete", "gone".to_owned(), Kind::Write)
    );
    let filter = "/Users?filter=active%20eq%20true%20and%20userName%20eq%20%22kim%22";
    assert_eq!(name("GET", filter, ""), ("Users.list", kim(), Kind::Read));
    assert_eq!(
        name("GET", "/Users?filter=%22%5B", ""),
        ("Users.list", String::new(), Kind::Read)
    );
    assert_eq!(
        name(
            "POST",
            "/Groups/.search",
            r#"{"filter":"displayName eq \"staff\""}"#
        ),
        ("Groups.search", "staff".to_owned(), Kind::Read)
    );
    assert_eq!(
        name("POST", "/Bulk", ""),
        ("Bulk", String::new(), Kind::Write)
    );
    assert_eq!(
        name("POST", "/token", ""),
        ("token", String::new(), Kind::Token)
    );
    assert_eq!(
        name("GET", "/ServiceProviderConfig", ""),
        ("ServiceProviderConfig", String::new(), Kind::Meta)
    );
    assert_eq!(
        name("GET", "/%ff/%00", ""),
        ("unknown", String::new(), Kind::Meta)
    );
    assert_eq!(desk.scim.name_of(&id), Some(kim()));
}

#[test]
fn trouble_is_told_in_scims_words() {
    let desk = Desk::new();
    let request = desk.request("GET", "/Users", "");
    let told = |desk: &Desk, trouble| {
        let answer = desk.scim.trouble(&request, trouble);
        let retry = answer
            .headers
            .get("retry-after")
            .map(|it| it.to_str().unwrap().to_owned());
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["status"], answer.status.as_str());
        (
            answer.status.as_u16(),
            retry,
            body["detail"].as_str().unwrap().to_owned(),
        )
    };
    let (status, retry, _) = told(
        &desk,
        Trouble::UserRate {
            retry_after_seconds: 7,
        },
    );
    assert_eq!((status, retry.as_deref()), (429, Some("7")));
    let (status, retry, _) = told(
        &desk,
        Trouble::AccountRate {
            retry_after_seconds: 9,
        },
    );
    assert_eq!((status, retry.as_deref()), (429, Some("9")));
    assert_eq!(told(&desk, Trouble::Concurrency).0, 429);
    assert_eq!(told(&desk, Trouble::DailyLimit).0, 429);
    assert_eq!(
        told(
            &desk,
            Trouble::Status(super::StatusCode::SERVICE_UNAVAILABLE)
        )
        .0,
        503
    );
    assert_eq!(told(&desk, Trouble::TokenExpired).0, 401);
    assert_eq!(told(&desk, Trouble::Licences).0, 403);
    let aws = Desk::personality("aws-iam-identity-center");
    assert!(
        told(
            &aws,
            Trouble::UserRate {
                retry_after_seconds: 1
            }
        )
        .2
        .starts_with("ThrottlingException")
    );
}
