//! The mock behind its server, over real HTTP, and judged by published testers where they are installed.

use std::{path::Path, process::Command};

use outbound_mocks::{
    Builder, Server,
    scim2::{Personality, Scim2},
};
use serde_json::{Value, json};

use super::USER;

fn client() -> reqwest::Client {
    // Only plain HTTP is spoken, but the client is built with a TLS library that wants its provider named.
    let _ = rustls::crypto::ring::default_provider().install_default(); // another test may have been first
    reqwest::Client::builder().build().unwrap()
}

#[tokio::test]
async fn a_user_comes_and_goes_over_http() {
    let server = Server::<Scim2>::builder()
        .seed("[scim2]\nusers = [{ userName = 'kim' }]")
        .start()
        .await
        .unwrap();
    let token = server
        .mock()
        .with_vendor(|scim2| scim2.credentials().bearer_token.clone());
    let users = format!("{}/Users", server.url());
    let found: Value = client()
        .get(&users)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(found["Resources"][0]["userName"], "kim");
    let body = json!({"schemas": [USER], "userName": "lee"}).to_string();
    let made = client()
        .post(&users)
        .bearer_auth(&token)
        .header("content-type", "application/scim+json")
        .body(body);
    let made = made.send().await.unwrap();
    assert_eq!(made.status(), 201);
    let location = made.headers()["location"].to_str().unwrap().to_owned();
    let gone = client()
        .delete(&location)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), 204);
    let ignored = client()
        .get(format!("{users}?colour=red"))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(ignored.status(), 200);
    assert!(
        format!("{:?}", server.mock().log()).contains("colour"),
        "what is not looked at is logged"
    );
}

/// Runs `tests/clients/scim2.py`; passes with a word when Python or the libraries are absent.
///
/// `SCIM2_PYTHON` names the interpreter of an environment that has them.
#[tokio::test(flavor = "multi_thread")]
async fn published_testers_find_nothing_to_say() {
    let server = Builder::new(Scim2::new(Personality::named("strict").unwrap()))
        .start()
        .await
        .unwrap();
    let token = server
        .mock()
        .with_vendor(|scim2| scim2.credentials().bearer_token.clone());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/scim2.py");
    let python = std::env::var("SCIM2_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let url = server.url();
    let run = tokio::task::spawn_blocking(move || {
        Command::new(python).arg(script).args([url, token]).output()
    });
    match run.await.unwrap() {
        Err(error) => eprintln!("skipped: no Python ({error})"),
        Ok(output) if output.status.code() == Some(77) => {
            eprintln!("{}", String::from_utf8_lossy(&output.stdout).trim());
        }
        Ok(output) => assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}
