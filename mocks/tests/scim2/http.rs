//! The mock behind its server, over real HTTP. Published testers judge it in the journeys of the whole program.

use outbound_mocks::{Server, scim2::Scim2};
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
