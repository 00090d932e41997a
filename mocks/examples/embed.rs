//! A SCIM 2.0 server inside a test of yours: start it, break it once, look at what it holds.
//!
//! ```text
//! cargo run -p outbound-mocks --example embed
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use outbound_mocks::Scim2Mock;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mock = Scim2Mock::builder()
        .seed("[[scim2.users]]\nuserName = 'kim'\n")
        .fault("drop-after:op=Users.create,times=1")
        .start()
        .await?;
    let (url, authorization) = (format!("{}/Users", mock.url()), mock.authorization());
    // reqwest wants a TLS provider even where nothing speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().build()?;
    let lee = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "lee"})
        .to_string();
    let create = || {
        let request = client.post(&url).header("authorization", &authorization);
        request
            .header("content-type", "application/scim+json")
            .body(lee.clone())
    };

    // The account is made, but the connection ends before the status line: what would your code do now?
    let lost = create().send().await;
    println!(
        "first create:  {}",
        lost.map_or_else(
            |error| format!("failed, {error}"),
            |reply| reply.status().to_string()
        )
    );
    println!("second create: {}", create().send().await?.status());

    for object in mock.objects() {
        println!("{} {} {}", object.object, object.id, object.name);
    }
    for entry in mock.log() {
        println!(
            "{} {} {:?} answered={} faults={:?}",
            entry.method, entry.path, entry.status, entry.answered, entry.faults
        );
    }
    mock.shutdown().await;
    Ok(())
}
