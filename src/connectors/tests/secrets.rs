//! A canary in every secret field: whatever the target does with it, nobody sees it.

use domain::{Failure, FailureKind, PasswordPlan, Verb};

use crate::support::{Recorder, Reply, Server, Setup, answer, setup, user};

const KEY: &str = include_str!("keys/service-account.pem");
const CANARY: &str = "canary \"bird\"+/=&%9";

/// A target that throws everything it was sent back at us, in the body and in a header.
async fn parrot(token: &'static str) -> Server {
    Server::start(move |request| {
        if token == "granted" && request.contains("/token") {
            return answer(
                "200 OK",
                "Content-Type: application/json\r\n",
                r#"{"access_token": "granted-canary-token", "expires_in": 60}"#,
            );
        }
        echo(request, "400 Bad Request")
    })
    .await
}

fn echo(request: &str, status: &str) -> Reply {
    let head = request.split("\r\n\r\n").next().unwrap_or_default();
    let flat = request.replace(['\r', '\n'], " ");
    let ascii: String = flat.chars().filter(char::is_ascii).collect();
    let headers = format!("X-Echo: {ascii}\r\nContent-Type: application/json\r\n");
    let body = serde_json::json!({"detail": request, "error": {"message": request}, "head": head});
    answer(status, &headers, body.to_string())
}

/// Sends everything that can be sent, and returns all that can be seen of it.
async fn everything(setup: Setup, tap: &Recorder) -> String {
    let connector = setup.build();
    let created = user("kim").password(CANARY);
    let mut changed = user("kim").linked("r1").password(CANARY);
    changed.change("title", "Dr");
    let mut seen = String::new();
    let mut failed = |failure: Failure| {
        let json = serde_json::to_string(&failure).unwrap();
        seen.extend([failure.to_string(), format!("{failure:?}"), json]);
    };
    for (local, verb) in [
        (&created, Verb::Create),
        (&changed, Verb::Update),
        (&changed, Verb::Deprovision),
    ] {
        failed(
            connector
                .carry_out(&local.order(verb), tap)
                .await
                .unwrap_err(),
        );
    }
    for outcome in [
        connector.find(&created.key(None), tap).await.map(|_| ()),
        connector.check(tap).await.map(|_| ()),
    ] {
        if let Err(failure) = outcome {
            failed(failure);
        }
    }
    seen + &tap.text()
}

fn is_clean(seen: &str, server: &Server) {
    assert!(!server.requests().is_empty());
    for form in [
        "canary \"bird\"",
        "canary \\\"bird",
        "canary+%22bird",
        "canary%20%22bird",
        "granted-canary-token",
        "Basic Y2",
    ] {
        assert!(!seen.contains(form), "{form} in {seen}");
    }
    // What the requests really carried: pairs of Basic, bearer tokens, assertions.
    for request in server.requests() {
        for line in request.lines() {
            let carried = line
                .to_lowercase()
                .starts_with("authorization: ")
                .then(|| line.rsplit(' ').next().unwrap_or_default());
            let assertion = line
                .split('&')
                .find_map(|pair| pair.strip_prefix("assertion="));
            for secret in carried
                .into_iter()
                .chain(assertion)
                .filter(|secret| secret.len() > 3)
            {
                assert!(!seen.contains(secret), "{secret}");
            }
        }
    }
}

fn scim(server: &Server, mode: &str) -> Setup {
    setup("scim2")
        .text("authentication_mode", mode)
        .text("username", "admin")
        .secret("password", CANARY)
        .secret("access_token", CANARY)
        .text("api_key_header", "X-Acme")
        .secret("api_key_value", CANARY)
        .text("client_id", "client")
        .secret("client_secret", CANARY)
        .text("token_endpoint", format!("{}/token", server.url))
        .text("user_endpoint", format!("{}/scim/Users", server.url))
}

#[tokio::test]
async fn scim2_shows_no_secret_in_any_mode() {
    for mode in ["basic", "bearer", "apiKey", "clientCredential", "none"] {
        for token in ["granted", "refused"] {
            let server = parrot(token).await;
            let tap = Recorder::default();
            let seen = everything(scim(&server, mode), &tap).await;
            is_clean(&seen, &server);
            assert!(seen.contains("***"), "{mode}");
        }
    }
}

#[tokio::test]
async fn salesforce_shows_no_secret_with_either_grant() {
    for grant in ["true", "false"] {
        for token in ["granted", "refused"] {
            let server = parrot(token).await;
            let tap = Recorder::default();
            let setup = setup("salesforce")
                .text("api_version", "v68.0")
                .text("domain_name", server.url.as_str())
                .text("client_id", "client")
                .secret("client_secret", CANARY)
                .text("use_password_grant", grant)
                .text("username", "admin@acme.example")
                .secret("password", CANARY)
                .text("token_endpoint", format!("{}/token", server.url));
            let seen = everything(setup, &tap).await;
            is_clean(&seen, &server);
        }
    }
}

#[tokio::test]
async fn google_shows_neither_key_nor_assertion_nor_token() {
    for token in ["granted", "refused"] {
        let server = parrot(token).await;
        let tap = Recorder::default();
        let setup = setup("google")
            .text(
                "service_account_email",
                "robot@project.iam.gserviceaccount.com",
            )
            .text("administrators_email", "admin@acme.example")
            .text("application_name", "acme")
            .secret("private_key", KEY)
            .text("base_url", server.url.as_str())
            .text("token_endpoint", format!("{}/token", server.url));
        let seen = everything(setup, &tap).await;
        is_clean(&seen, &server);
        for line in KEY.lines() {
            assert!(!seen.contains(line));
        }
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_not_quoted() {
    let server = parrot("refused").await;
    let tap = Recorder::default();
    let failure = setup("google")
        .text(
            "service_account_email",
            "robot@project.iam.gserviceaccount.com",
        )
        .text("administrators_email", "admin@acme.example")
        .text("application_name", "acme")
        .secret("private_key", CANARY)
        .text("base_url", server.url.as_str())
        .text("token_endpoint", format!("{}/token", server.url))
        .build()
        .carry_out(&user("kim@acme.example").order(Verb::Create), &tap)
        .await
        .unwrap_err();
    assert_eq!(failure.kind, domain::FailureKind::Misconfigured);
    assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn the_default_password_reaches_a_new_account_and_nobody_else() {
    let server = Server::start(|request| {
        if request.starts_with("POST ") {
            return echo(request, "400 Bad Request");
        }
        let body = r#"{"id": "r1", "userName": "kim"}"#;
        answer("200 OK", "Content-Type: application/json\r\n", body)
    })
    .await;
    let connector = setup("scim2")
        .text("authentication_mode", "none")
        .text("user_endpoint", format!("{}/scim/Users", server.url))
        .secret("default_password", CANARY)
        .build();
    let tap = Recorder::default();
    let mut fresh = user("kim");
    fresh.desired.password = PasswordPlan::Default;
    let failure = connector
        .carry_out(&fresh.order(Verb::Create), &tap)
        .await
        .unwrap_err();
    let sent = server.requests().pop().unwrap();
    let body: serde_json::Value =
        serde_json::from_str(sent.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["password"], CANARY);
    assert!(!failure.to_string().contains("canary"), "{failure}");
    is_clean(&tap.text(), &server);

    let mut known = user("kim").linked("r1");
    known.change("title", "Dr");
    connector
        .carry_out(&known.order(Verb::Update), &tap)
        .await
        .unwrap();
    assert!(!server.requests().pop().unwrap().contains("canary"));
}

#[tokio::test]
async fn a_trigger_s_password_goes_before_the_default_and_a_missing_default_is_a_clear_failure() {
    let server = parrot("refused").await;
    let scim = || {
        setup("scim2")
            .text("authentication_mode", "none")
            .text("user_endpoint", format!("{}/scim/Users", server.url))
    };
    let mut carried = user("kim").password("of the trigger");
    carried.desired.password = PasswordPlan::Default;
    let tap = Recorder::default();
    scim()
        .secret("default_password", CANARY)
        .build()
        .carry_out(&carried.order(Verb::Create), &tap)
        .await
        .unwrap_err();
    assert!(server.requests().pop().unwrap().contains("of the trigger"));
    let asked = server.requests().len();
    carried.password = None;
    let failure = scim()
        .build()
        .carry_out(&carried.order(Verb::Create), &tap)
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Misconfigured);
    assert!(failure.told.contains("default_password"), "{failure}");
    assert_eq!(server.requests().len(), asked);
}
