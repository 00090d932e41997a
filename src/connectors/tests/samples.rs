//! What the vendors' documents and users say that targets answer (`fixtures/wire/`, each with its source), as a connector
//! understands it.

use std::path::Path;

use domain::{FailureKind, Remedy, SecretRef, Setting, Verb};
use serde_json::Value;

use crate::support::{Recorder, Server, Setup, answer, scim, setup, user};

const RETRY: Remedy = Remedy::Retry { after: None };

/// Returns status and body of a recorded answer.
fn recorded(name: &str) -> (u16, Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/wire")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let sample: Value = serde_json::from_str(&text).unwrap();
    let said = sample.get("response").unwrap_or(&sample["expect"]);
    let status = said["status"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    (status.unwrap(), said["body"].clone())
}

/// Starts a server that grants a token and answers everything else with a sample.
async fn saying(name: &str) -> Server {
    let (status, body) = recorded(name);
    Server::start(move |request| {
        if request.contains(" /token") {
            answer("200 OK", "", r#"{"access_token": "t"}"#)
        } else {
            answer(&format!("{status} So"), "", body.to_string())
        }
    })
    .await
}

pub(crate) fn google(server: &Server) -> Setup {
    setup("google")
        .text(
            "service_account_email",
            "robot@project.iam.gserviceaccount.com",
        )
        .text("administrators_email", "admin@acme.example")
        .text("application_name", "acme")
        .secret("private_key", include_str!("keys/service-account.pem"))
        .text("base_url", server.url.as_str())
        .text("token_endpoint", format!("{}/token", server.url))
}

pub(crate) fn salesforce(server: &Server) -> Setup {
    setup("salesforce")
        .text("api_version", "v68.0")
        .text("domain_name", server.url.as_str())
        .text("client_id", "client")
        .secret("client_secret", "secret")
        .text("use_password_grant", "false")
        .text("token_endpoint", format!("{}/token", server.url))
}

#[tokio::test]
async fn a_recorded_refusal_of_a_create_has_its_remedy() {
    for (name, kind, remedy) in [
        (
            "google/error-duplicate-user.json",
            FailureKind::Conflict,
            Remedy::AskFirst,
        ),
        (
            "google/error-not-authorized.json",
            FailureKind::Forbidden,
            Remedy::GiveUp,
        ),
        (
            "google/error-family-name.json",
            FailureKind::Rejected,
            Remedy::GiveUp,
        ),
        ("google/error-backend.json", FailureKind::TargetError, RETRY),
        ("google/quota-user.json", FailureKind::Quota, RETRY),
        ("google/quota-account.json", FailureKind::Quota, RETRY),
        ("google/quota-concurrency.json", FailureKind::Quota, RETRY),
        (
            "salesforce/error-duplicate-username.json",
            FailureKind::Conflict,
            Remedy::AskFirst,
        ),
        (
            "salesforce/error-required-field-missing.json",
            FailureKind::Rejected,
            Remedy::GiveUp,
        ),
        (
            "salesforce/error-request-limit.json",
            FailureKind::Quota,
            RETRY,
        ),
        (
            "salesforce/error-invalid-session.json",
            FailureKind::Unauthenticated,
            Remedy::GiveUp,
        ),
        (
            "salesforce/error-picklist.json",
            FailureKind::Rejected,
            Remedy::GiveUp,
        ),
        (
            "scim2/rfc7644-3.3-create-twice.json",
            FailureKind::Conflict,
            Remedy::AskFirst,
        ),
    ] {
        let server = saying(name).await;
        let connector = match name.split('/').next() {
            Some("google") => google(&server),
            Some("salesforce") => salesforce(&server),
            _ => scim(&server),
        }
        .build();
        let failure = connector
            .carry_out(
                &user("kim@acme.example").order(Verb::Create),
                &Recorder::default(),
            )
            .await
            .unwrap_err();
        assert_eq!(
            (failure.kind, failure.remedy),
            (kind, remedy),
            "{name}: {failure}"
        );
        assert!(
            !failure.told.is_empty() && !failure.advice.is_empty(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn recorded_accounts_are_understood() {
    let server = saying("google/user.json").await;
    let found = google(&server)
        .build()
        .find(&user("Kim@acme.example").key(None), &Recorder::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.remote_id.0, "107960286522194355700");
    assert!(found.active && found.created_at.is_some());

    let server = saying("salesforce/query-one.json").await;
    let found = salesforce(&server)
        .build()
        .find(&user("kim@acme.example").key(None), &Recorder::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.remote_id.0, "005300000000002AAA");
    assert_eq!(found.remote_name, "kim@acme.example");

    let server = saying("salesforce/user-created.json").await;
    let confirmed = salesforce(&server)
        .build()
        .carry_out(
            &user("kim@acme.example").order(Verb::Create),
            &Recorder::default(),
        )
        .await
        .unwrap();
    assert_eq!(confirmed.remote_id.0, "005300000000002AAA");
}

#[tokio::test]
async fn a_p12_file_is_read_although_it_is_no_text() {
    let server = saying("google/user.json").await;
    let mut setup = google(&server);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys/service-account.p12");
    setup.set("private_key", Setting::Secret(SecretRef::File(file)));
    let health = setup.build().check(&Recorder::default()).await.unwrap();
    assert!(!health.findings.is_empty());
    assert!(server.requests()[0].contains("assertion=ey"));
}

#[tokio::test]
async fn a_key_says_where_its_tokens_come_from() {
    let server = saying("google/user.json").await;
    let key = serde_json::json!({
        "private_key": include_str!("keys/service-account.pem"),
        "token_uri": format!("{}/token", server.url),
    });
    let mut setup = google(&server).secret("private_key", key.to_string());
    setup.settings.settings.remove("token_endpoint");
    setup.build().check(&Recorder::default()).await.unwrap();
    assert!(server.requests()[0].starts_with("POST /token "));
}

#[test]
fn a_setting_that_cannot_be_used_is_named() {
    let salesforce = || {
        setup("salesforce")
            .text("api_version", "v68.0")
            .text("domain_name", "https://acme.my.salesforce.com")
            .text("client_id", "client")
            .secret("client_secret", "secret")
            .text("use_password_grant", "false")
    };
    assert!(salesforce().try_build().is_ok());
    for (setup, named) in [
        (salesforce().text("api_version", "68.0"), "api_version"),
        (salesforce().text("api_version", "v68/../x"), "api_version"),
        (
            salesforce().text("domain_name", "acme.my.salesforce.com"),
            "domain_name",
        ),
        (
            salesforce().text("domain_name", "http://acme.my.salesforce.com"),
            "domain_name",
        ),
        (
            salesforce().text("token_endpoint", "ftp://x"),
            "token_endpoint",
        ),
        (salesforce().text("use_password_grant", "true"), "username"),
        (
            scim_setup().text("authentication_mode", "magic"),
            "authentication_mode",
        ),
        (
            scim_setup().text("authentication_mode", "bearer"),
            "access_token",
        ),
        (scim_setup().text("user_endpoint", "Users"), "user_endpoint"),
    ] {
        let Err(unavailable) = setup.try_build() else {
            panic!("{named} should be refused");
        };
        assert!(unavailable.cause.contains(named), "{unavailable}");
        assert!(!unavailable.advice.is_empty());
    }
}

fn scim_setup() -> Setup {
    setup("scim2")
        .text("authentication_mode", "none")
        .text("user_endpoint", "https://scim.example/Users")
}
