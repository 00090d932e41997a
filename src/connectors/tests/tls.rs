//! TLS is verified: a server's authority must be the system's or the connector's own.

use std::sync::Arc;

use domain::{Confirmation, FailureKind, Remedy, Verb};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::{Recorder, Server, answer, setup, user};

/// Starts a server whose certificate nobody signed; returns its address and the certificate.
async fn self_signed(host: &str) -> (String, String) {
    let created =
        "HTTP/1.1 201 Created\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{\"id\": \"1\"}";
    self_signed_saying(host, created.to_owned()).await
}

/// The same with an answer of its own.
async fn self_signed_saying(host: &str, answer: String) -> (String, String) {
    outbound_connectors::install_crypto();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![host.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust us hangs up in the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (format!("https://localhost:{port}/Users"), cert.pem())
}

#[tokio::test]
async fn a_self_signed_server_needs_a_ca_file() {
    let (url, pem) = self_signed("localhost").await;
    let scim = || {
        setup("scim2")
            .text("authentication_mode", "none")
            .text("user_endpoint", url.as_str())
    };
    let user = user("kim");
    let tap = Recorder::default();

    let refused = scim()
        .build()
        .carry_out(&user.order(Verb::Create), &tap)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, FailureKind::Unreachable);
    assert_eq!(refused.remedy, Remedy::Retry { after: None });
    assert!(refused.advice.contains("ca_file"), "{refused:?}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    let confirmed = scim()
        .ca_file(&file)
        .build()
        .carry_out(&user.order(Verb::Create), &tap)
        .await
        .unwrap();
    assert_eq!(confirmed.what, Confirmation::Created);
}

#[tokio::test]
async fn a_certificate_of_another_host_is_refused_even_when_its_authority_is_trusted() {
    let (url, pem) = self_signed("elsewhere.example").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    let failure = setup("scim2")
        .text("authentication_mode", "none")
        .text("user_endpoint", url)
        .ca_file(&file)
        .build()
        .carry_out(&user("kim").order(Verb::Create), &Recorder::default())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert!(failure.told.contains("certificate"), "{failure:?}");
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_not_followed() {
    let plain = Server::start(|_| answer("200 OK", "", r#"{"totalResults": 0}"#)).await;
    let location = plain.url.replace("127.0.0.1", "localhost");
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}/Users\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let (url, pem) = self_signed_saying("localhost", redirect).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    let failure = setup("scim2")
        .text("authentication_mode", "bearer")
        .secret("access_token", "bearer-token")
        .text("user_endpoint", url)
        .ca_file(&file)
        .build()
        .find(&user("kim").key(None), &Recorder::default())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Redirected, "{failure:?}");
    assert_eq!(failure.remedy, Remedy::GiveUp);
    assert!(plain.requests().is_empty(), "the token stays encrypted");
}

#[tokio::test]
async fn a_ca_file_that_is_none_makes_the_connector_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let scim = || {
        setup("scim2")
            .text("authentication_mode", "none")
            .text("user_endpoint", "https://localhost/Users")
            .ca_file(&file)
    };
    let Err(missing) = scim().try_build() else {
        panic!("a missing ca_file is an error");
    };
    assert!(missing.cause.contains("ca_file"), "{missing}");
    std::fs::write(&file, "no certificate").unwrap();
    let Err(empty) = scim().try_build() else {
        panic!("an empty ca_file is an error");
    };
    assert!(empty.cause.contains("ca_file"), "{empty}");
}

#[tokio::test]
async fn a_machine_without_authorities_reaches_its_loopback_and_trusts_nobody() {
    let (url, _) = self_signed("localhost").await;
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("none.pem");
    std::fs::write(&empty, "").unwrap();
    // The system's authorities are read from the environment, which is the whole process's: so this is another one.
    let run = |test: &str| {
        tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--include-ignored", test])
            .env("SSL_CERT_FILE", &empty)
            .env("SSL_CERT_DIR", folder.path())
            .env("SELF_SIGNED", &url)
            .output()
    };
    for test in [
        "conformance::cases::a_check_says_what_it_found::scim2",
        "tls::nobody_is_trusted",
    ] {
        let output = run(test).await.unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && told.contains("1 passed"),
            "{told}"
        );
    }
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn nobody_is_trusted() {
    let failure = setup("scim2")
        .text("authentication_mode", "none")
        .text("user_endpoint", std::env::var("SELF_SIGNED").unwrap())
        .build()
        .carry_out(&user("kim").order(Verb::Create), &Recorder::default())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert!(failure.advice.contains("ca_file"), "{failure:?}");
}
