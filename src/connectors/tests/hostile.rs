//! Servers that mean harm, or mean well and fail: bounded time, bounded memory, a clear failure.

use std::io::Write as _;
use std::time::Duration;

use domain::{
    Confirmation, DEEPEST, Failure, FailureKind, LinkOrigin, Object, Remedy, RemoteAccount,
    RemoteId, Verb,
};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::samples::{google, salesforce};
use crate::support::{Recorder, Reply, Server, answer, group, scim, setup, user};

const RETRY: Remedy = Remedy::Retry { after: None };

/// Sends a create to a server that always does the same, and returns how it failed.
async fn create(server: &Server) -> Failure {
    let connector = scim(server).timeout(Duration::from_millis(400)).build();
    let user = user("kim");
    connector
        .carry_out(&user.order(Verb::Create), &Recorder::default())
        .await
        .unwrap_err()
}

/// Looks for a user at a server that always does the same, and returns how it failed.
async fn find(server: &Server) -> Failure {
    let connector = scim(server).timeout(Duration::from_millis(400)).build();
    let user = user("kim");
    connector
        .find(&user.key(None), &Recorder::default())
        .await
        .unwrap_err()
}

fn kind(failure: &Failure) -> (FailureKind, Remedy) {
    (failure.kind, failure.remedy)
}

#[tokio::test]
async fn an_announced_body_of_ten_gigabytes_is_not_read() {
    let server = Server::start(|_| {
        let head = "HTTP/1.1 201 Created\r\nContent-Length: 10000000000\r\n\r\n";
        Reply::Endless(head.into(), vec![b'x'; 65536])
    })
    .await;
    let failure = create(&server).await;
    assert_eq!(kind(&failure), (FailureKind::Garbled, Remedy::AskFirst));
    assert!(failure.told.contains("8 MiB"), "{failure}");
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let server = Server::start(|_| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut chunk = b"10000\r\n".to_vec();
        chunk.extend(vec![b'x'; 0x10000]);
        chunk.extend(b"\r\n");
        Reply::Endless(head.into(), chunk)
    })
    .await;
    let connector = scim(&server).build();
    let tap = Recorder::default();
    let failure = connector
        .carry_out(&user("kim").order(Verb::Create), &tap)
        .await
        .unwrap_err();
    assert_eq!(kind(&failure), (FailureKind::Garbled, Remedy::AskFirst));
    let exchange = tap.finished().remove(0);
    let body = exchange.response.unwrap().body;
    assert!(body.cut && body.text.len() <= 64 * 1024 && body.size_bytes <= 8 * 1024 * 1024);
}

#[tokio::test]
async fn a_gzip_bomb_stays_packed() {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        packer.write_all(&vec![b' '; 1024 * 1024]).unwrap();
    }
    let bomb = packer.finish().unwrap();
    assert!(bomb.len() < 100_000);
    let server =
        Server::start(move |_| answer("200 OK", "Content-Encoding: gzip\r\n", &bomb)).await;
    let connector = scim(&server).build();
    let failure = connector
        .find(&user("kim").key(None), &Recorder::default())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Garbled);
}

#[tokio::test]
async fn a_body_that_is_not_the_gzip_it_claims_to_be_is_garbled() {
    let server =
        Server::start(|_| answer("201 Created", "Content-Encoding: gzip\r\n", "plain")).await;
    assert_eq!(create(&server).await.kind, FailureKind::Garbled);
}

#[tokio::test]
async fn a_trickle_ends_with_the_request_timeout() {
    let server = Server::start(|_| {
        Reply::Trickle(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n{".to_vec())
    })
    .await;
    let failure = create(&server).await;
    assert_eq!(kind(&failure), (FailureKind::Garbled, Remedy::AskFirst));
    assert!(failure.told.contains("timeout"), "{failure}");
}

#[tokio::test]
async fn a_reply_that_never_comes_is_asked_for_after_a_create_and_repeated_after_an_update() {
    for reply in [|_: &str| Reply::Silence, |_: &str| Reply::Close] {
        let server = Server::start(reply).await;
        assert_eq!(
            kind(&create(&server).await),
            (FailureKind::ReplyLost, Remedy::AskFirst)
        );
        let server = Server::start(move |request| {
            if request.contains("ServiceProviderConfig") {
                answer("404 Not Found", "", "")
            } else {
                reply(request)
            }
        })
        .await;
        let connector = scim(&server).timeout(Duration::from_millis(400)).build();
        let mut user = user("kim").linked("r1");
        user.change("title", "Dr");
        let failure = connector
            .carry_out(&user.order(Verb::Update), &Recorder::default())
            .await
            .unwrap_err();
        assert_eq!(kind(&failure), (FailureKind::ReplyLost, RETRY));
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let line = format!("x-filler: {}\r\n", "x".repeat(1_000)).into_bytes();
    for (head, more) in [
        // A header after the other; one header without an end; "continue" for ever.
        ("HTTP/1.1 200 OK\r\n", line),
        ("HTTP/1.1 200 OK\r\nx-filler: ", vec![b'x'; 4096]),
        ("", b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
    ] {
        let server = Server::start(move |_| Reply::Endless(head.into(), more.clone())).await;
        assert_eq!(
            kind(&create(&server).await),
            (FailureKind::ReplyLost, Remedy::AskFirst),
            "{head:?}"
        );
    }
}

#[tokio::test]
async fn a_head_that_trickles_ends_with_the_request_timeout() {
    let server =
        Server::start(|_| Reply::Trickle(b"HTTP/1.1 201 Created\r\nx-slow: ".to_vec())).await;
    let failure = create(&server).await;
    assert_eq!(
        kind(&failure),
        (FailureKind::ReplyLost, Remedy::AskFirst),
        "{failure}"
    );
}

#[tokio::test]
async fn what_is_no_http_at_all_is_a_lost_reply() {
    for bytes in [
        b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
        b"HTTP/1.1 999999 What\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx".to_vec(),
        b"HTTP/1.1 200 OK\r\nX-\x00: \x01\r\n\r\n".to_vec(),
    ] {
        let server = {
            let bytes = bytes.clone();
            Server::start(move |_| Reply::Bytes(bytes.clone())).await
        };
        assert_eq!(
            kind(&create(&server).await),
            (FailureKind::ReplyLost, Remedy::AskFirst),
            "{:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

#[tokio::test]
async fn two_answers_to_one_request_stay_one() {
    let first = r#"{"id": "1", "userName": "kim"}"#;
    let smuggled = r#"{"id": "666", "userName": "mallory"}"#;
    let reply = format!(
        "HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{first}HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{smuggled}",
        first.len(),
        smuggled.len()
    );
    let server = Server::start(move |request| {
        if request.starts_with("POST") {
            Reply::Bytes(reply.clone().into_bytes())
        } else {
            answer("200 OK", "", r#"{"totalResults": 0}"#)
        }
    })
    .await;
    let connector = scim(&server).build();
    let tap = Recorder::default();
    let created = connector
        .carry_out(&user("kim").order(Verb::Create), &tap)
        .await
        .unwrap();
    assert_eq!(created.remote_id.0, "1");
    let found = connector.find(&user("kim").key(None), &tap).await.unwrap();
    assert!(found.is_none(), "the second answer belongs to nobody");
}

#[tokio::test]
async fn json_that_would_fill_the_memory_is_not_built() {
    let bomb = format!("[{}{{}}]", "{\"\":0},".repeat(900_000));
    let server = Server::start(move |_| answer("200 OK", "", &bomb)).await;
    let connector = scim(&server).build();
    let failure = connector
        .find(&user("kim").key(None), &Recorder::default())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Garbled);
    assert!(failure.told.contains("memory"), "{failure}");
}

#[tokio::test]
async fn what_is_nested_without_sense_is_shown_as_text_from_some_depth_on() {
    let server = Server::start(|_| answer("200 OK", "", "")).await;
    let nested = |levels: usize, inner: &str| {
        (0..levels).fold(serde_json::json!(inner), |value, level| {
            if level % 2 == 0 {
                serde_json::json!([value])
            } else {
                serde_json::json!({ "value": value })
            }
        })
    };
    let names = ["title".to_owned()];
    for connector in [
        google(&server).build(),
        salesforce(&server).build(),
        scim(&server).build(),
    ] {
        let shown = |title: serde_json::Value| {
            let account = RemoteAccount {
                remote_id: RemoteId("r1".to_owned()),
                remote_name: "kim".to_owned(),
                external_id: None,
                active: true,
                created_at: None,
                content: serde_json::json!({ "title": title }),
            };
            connector.attributes(Object::User, &account, &names)["title"].clone()
        };
        let usual = nested(DEEPEST, "a");
        assert_eq!(shown(usual.clone()), usual);
        let mut deep = shown(nested(120, "a"));
        assert_ne!(deep, shown(nested(120, "b")), "it still says what differs");
        let mut levels = 0;
        while let Some(inner) = deep.get(0).or(deep.get("value")).cloned() {
            deep = inner;
            levels += 1;
        }
        assert_eq!(levels, DEEPEST);
        assert!(deep.is_string(), "{deep}");
    }
}

#[tokio::test]
async fn a_success_that_is_no_list_does_not_say_that_nobody_is_there() {
    for body in [
        "{}",
        "null",
        "[]",
        r#"{"status": "maintenance"}"#,
        r#"{"totalResults": 3}"#,
    ] {
        let server = Server::start(move |_| answer("200 OK", "", body)).await;
        assert_eq!(
            kind(&find(&server).await),
            (FailureKind::Garbled, RETRY),
            "{body}"
        );
        let connector = scim(&server).build();
        let by_id = user("kim").key(Some(domain::RemoteId("r1".to_owned())));
        let failure = connector
            .find(&by_id, &Recorder::default())
            .await
            .unwrap_err();
        assert_eq!(kind(&failure), (FailureKind::Garbled, RETRY), "{body}");
    }
}

#[tokio::test]
async fn an_error_about_an_id_does_not_hide_its_account_behind_another() {
    let kim = user("kim");
    let of_kim = kim.key(None).external_id;
    for (can_filter, external_id, name) in [
        (true, of_kim.clone(), "renamed"),
        (true, String::new(), "kim"),
        (false, of_kim, "renamed"),
        (false, String::new(), "kim"),
    ] {
        let list = format!(
            r#"{{"totalResults": 1000, "Resources": [
                {{"id": "r1", "userName": "kim.two", "externalId": "{external_id}"}},
                {{"id": "r2", "userName": "{name}", "externalId": "{external_id}"}}]}}"#
        );
        let server = Server::start(move |request| {
            if request.contains("ServiceProviderConfig") {
                let filter = format!(r#"{{"filter": {{"supported": {can_filter}}}}}"#);
                answer("200 OK", "", filter)
            } else if request.starts_with("GET /scim/Users/r2") {
                answer("500 Internal Server Error", "", "")
            } else {
                answer("200 OK", "", &list)
            }
        })
        .await;
        let connector = scim(&server).build();
        let mut key = kim.key(Some(domain::RemoteId("r2".to_owned())));
        key.external_id = external_id;
        let found = connector.find(&key, &Recorder::default()).await.unwrap();
        assert_eq!(found.unwrap().remote_id.0, "r2", "{can_filter} {key:?}");
        let lists = server
            .requests()
            .iter()
            .filter(|request| request.starts_with("GET /scim/Users?"))
            .count();
        assert_eq!(lists, 1, "no further than to the account");
    }
}

#[tokio::test]
async fn no_vendor_takes_a_strange_success_for_an_account_that_is_not_there() {
    for body in ["{}", "[]", r#""down""#, r#"{"records": "none", "id": 7}"#] {
        let server = Server::start(move |request| {
            let token = r#"{"access_token": "t"}"#;
            let is_token = request.starts_with("POST /token");
            answer("200 OK", "", if is_token { token } else { body })
        })
        .await;
        for connector in [google(&server).build(), salesforce(&server).build()] {
            for id in [None, Some(domain::RemoteId("005x".to_owned()))] {
                let failure = connector
                    .find(&user("kim@acme.example").key(id), &Recorder::default())
                    .await
                    .unwrap_err();
                assert_eq!(kind(&failure), (FailureKind::Garbled, RETRY), "{body}");
            }
        }
    }
}

#[tokio::test]
async fn an_id_or_a_name_without_end_is_none() {
    let long = "x".repeat(100_000);
    for body in [
        serde_json::json!({ "id": long, "userName": "kim" }),
        serde_json::json!({ "id": "", "userName": "kim" }),
    ] {
        let body = body.to_string();
        let server = Server::start(move |request| {
            if request.starts_with("POST") {
                answer("201 Created", "", &body)
            } else {
                answer("200 OK", "", r#"{"totalResults": 0}"#)
            }
        })
        .await;
        assert_eq!(
            kind(&create(&server).await),
            (FailureKind::Garbled, Remedy::AskFirst)
        );
    }
    let body = serde_json::json!({ "id": "1", "userName": long }).to_string();
    let server = Server::start(move |_| answer("201 Created", "", &body)).await;
    let confirmed = scim(&server)
        .build()
        .carry_out(&user("kim").order(Verb::Create), &Recorder::default())
        .await
        .unwrap();
    assert_eq!(confirmed.remote_name, "kim");
}

#[tokio::test]
async fn an_id_with_line_breaks_stays_within_its_address() {
    let server = Server::start(|request| {
        if request.starts_with("POST") {
            answer(
                "201 Created",
                "",
                r#"{"id": "7\r\nX-Evil: 1\r\n\r\nGET /admin"}"#,
            )
        } else {
            answer("204 No Content", "", "")
        }
    })
    .await;
    let connector = scim(&server).build();
    let tap = Recorder::default();
    let kim = user("kim");
    let created = connector
        .carry_out(&kim.order(Verb::Create), &tap)
        .await
        .unwrap();
    let gone = kim.linked(&created.remote_id.0);
    connector
        .carry_out(&gone.order(Verb::Deprovision), &tap)
        .await
        .unwrap();
    let requests = server.requests();
    let last = requests.last().unwrap();
    assert!(
        last.starts_with(
            "DELETE /scim/Users/7%0D%0AX-Evil:%201%0D%0A%0D%0AGET%20%2Fadmin HTTP/1.1\r\n"
        ),
        "{last}"
    );
    assert!(
        requests
            .iter()
            .all(|request| !request.contains("\r\nX-Evil"))
    );
}

#[tokio::test]
async fn a_version_with_line_breaks_becomes_no_header() {
    let server = Server::start(|request| {
        if request.contains("ServiceProviderConfig") {
            answer(
                "200 OK",
                "",
                r#"{"patch": {"supported": false}, "etag": {"supported": true}}"#,
            )
        } else {
            answer(
                "200 OK",
                "",
                r#"{"id": "r1", "userName": "kim", "meta": {"version": "W/\"1\"\r\nX-Evil: 1"}}"#,
            )
        }
    })
    .await;
    let connector = scim(&server).build();
    let mut kim = user("kim").linked("r1");
    kim.change("title", "Dr\r\nX-Evil: 1");
    connector
        .carry_out(&kim.order(Verb::Update), &Recorder::default())
        .await
        .unwrap();
    assert!(
        server
            .requests()
            .iter()
            .all(|request| !request.to_lowercase().contains("\r\nx-evil"))
    );
}

#[tokio::test]
async fn a_token_with_line_breaks_or_a_promise_without_end_does_no_harm() {
    let grant = |token: &'static str| {
        let body = serde_json::json!({ "access_token": token, "expires_in": u64::MAX }).to_string();
        move |request: &str| {
            if request.starts_with("POST /token") {
                answer("200 OK", "", &body)
            } else {
                answer("201 Created", "", r#"{"id": "1"}"#)
            }
        }
    };
    let connector = |server: &Server| {
        setup("scim2")
            .text("authentication_mode", "clientCredential")
            .text("client_id", "me")
            .secret("client_secret", "canary-secret")
            .text("token_endpoint", format!("{}/token", server.url))
            .text("user_endpoint", format!("{}/scim/Users", server.url))
            .build()
    };
    let server = Server::start(grant("abc\r\nX-Evil: 1")).await;
    let failure = connector(&server)
        .carry_out(&user("kim").order(Verb::Create), &Recorder::default())
        .await
        .unwrap_err();
    assert_eq!(kind(&failure), (FailureKind::Misconfigured, Remedy::GiveUp));
    assert_eq!(
        server.requests().len(),
        1,
        "nothing goes out with such a token"
    );

    let server = Server::start(grant("abc")).await;
    let created = connector(&server)
        .carry_out(&user("kim").order(Verb::Create), &Recorder::default())
        .await;
    assert!(created.is_ok(), "{created:?}");
}

#[tokio::test]
async fn a_wish_to_wait_for_ever_is_passed_on_as_it_is() {
    let server = Server::start(|_| {
        answer(
            "503 Service Unavailable",
            "Retry-After: 18446744073709551615\r\n",
            "",
        )
    })
    .await;
    let after = Some(Duration::from_secs(u64::MAX));
    assert_eq!(
        kind(&create(&server).await),
        (FailureKind::TargetError, Remedy::Retry { after })
    );
}

#[tokio::test]
async fn a_name_of_this_machine_is_reached_without_asking_anybody() {
    let server = Server::start(|_| answer("201 Created", "", r#"{"id": "1"}"#)).await;
    let url = server.url.replace("127.0.0.1", "target.localhost");
    let connector = scim(&server)
        .text("user_endpoint", format!("{url}/scim/Users"))
        .build();
    let created = connector
        .carry_out(&user("kim").order(Verb::Create), &Recorder::default())
        .await;
    assert!(created.is_ok(), "{created:?}");
}

#[tokio::test]
async fn what_is_no_json_is_garbled() {
    let deep = "[".repeat(200_000);
    for body in [
        b"{\"id\": \"\xff\xfe\"}".to_vec(),
        deep.into_bytes(),
        b"<html>login</html>".to_vec(),
        b"{\"id\": ".to_vec(),
    ] {
        let server = Server::start(move |request| {
            if request.starts_with("POST") {
                answer("201 Created", "", &body)
            } else {
                answer("200 OK", "", &body)
            }
        })
        .await;
        assert_eq!(
            kind(&create(&server).await),
            (FailureKind::Garbled, Remedy::AskFirst)
        );
        assert_eq!(kind(&find(&server).await), (FailureKind::Garbled, RETRY));
    }
}

#[tokio::test]
async fn a_create_without_an_id_is_no_confirmation() {
    let server = Server::start(|request| {
        if request.starts_with("POST") {
            answer("201 Created", "", r#"{"userName": "kim"}"#)
        } else {
            answer("200 OK", "", r#"{"totalResults": 0}"#)
        }
    })
    .await;
    assert_eq!(
        kind(&create(&server).await),
        (FailureKind::Garbled, Remedy::AskFirst)
    );
}

#[tokio::test]
async fn a_create_without_a_body_is_read_back() {
    let server = Server::start(|request| {
        if request.starts_with("POST") {
            answer("204 No Content", "", "")
        } else if request.contains("ServiceProviderConfig") {
            answer("200 OK", "", "no")
        } else {
            answer(
                "200 OK",
                "Content-Type: text/html\r\n",
                r#"{"totalResults": 1, "Resources": [{"id": "other", "userName": "other"}, {"id": "77", "userName": "KIM"}]}"#,
            )
        }
    })
    .await;
    let connector = scim(&server).build();
    let confirmed = connector
        .carry_out(&user("kim").order(Verb::Create), &Recorder::default())
        .await
        .unwrap();
    assert_eq!(confirmed.remote_id.0, "77");
    assert_eq!(confirmed.what, Confirmation::Created);
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed_and_the_token_does_not_travel() {
    let other = Server::start(|_| answer("200 OK", "", "{}")).await;
    let to = other.url.clone();
    let server = Server::start(move |_| {
        answer(
            "302 Found",
            &format!("Location: {to}/latest/meta-data\r\n"),
            "",
        )
    })
    .await;
    assert_eq!(
        kind(&create(&server).await),
        (FailureKind::Redirected, Remedy::GiveUp)
    );
    assert_eq!(
        kind(&find(&server).await),
        (FailureKind::Redirected, Remedy::GiveUp)
    );
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_read_follows_a_redirect_within_the_host_and_a_write_does_not() {
    let server = Server::start(|request| {
        if request.contains("/moved") {
            answer(
                "200 OK",
                "",
                r#"{"totalResults": 1, "Resources": [{"id": "1", "userName": "kim"}]}"#,
            )
        } else if request.contains("ServiceProviderConfig") {
            answer("404 Not Found", "", "")
        } else {
            answer("307 Temporary Redirect", "Location: /moved\r\n", "")
        }
    })
    .await;
    let connector = scim(&server).build();
    let found = connector
        .find(&user("kim").key(None), &Recorder::default())
        .await
        .unwrap();
    assert_eq!(found.unwrap().remote_id.0, "1");
    assert_eq!(
        kind(&create(&server).await),
        (FailureKind::Redirected, Remedy::GiveUp)
    );
}

#[tokio::test]
async fn another_port_of_the_same_host_is_another_host() {
    let other = Server::start(|_| answer("200 OK", "", r#"{"totalResults": 0}"#)).await;
    let port = other.url.rsplit(':').next().unwrap().to_owned();
    let server = Server::start(move |request| {
        let host = request
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .and_then(|host| host.split(':').next())
            .unwrap_or_default();
        let location = format!("Location: http://{host}:{port}/scim/Users\r\n");
        answer("307 Temporary Redirect", &location, "")
    })
    .await;
    assert_eq!(
        kind(&find(&server).await),
        (FailureKind::Redirected, Remedy::GiveUp)
    );
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_that_is_no_address_or_leaves_http_is_told_and_not_followed() {
    for location in [
        "",
        "Location: file:///etc/passwd\r\n",
        "Location: gopher://127.0.0.1:70/\r\n",
        "Location: http://[broken\r\n",
        "Location: \u{fffd}\r\n",
        "Location: http://169.254.169.254/latest/meta-data\r\n",
        "Location: //localhost.evil.example/\r\n",
        "Location: http://127.0.0.1@evil.example/\r\n",
    ] {
        let server = Server::start(move |_| answer("302 Found", location, "")).await;
        assert_eq!(
            kind(&find(&server).await),
            (FailureKind::Redirected, Remedy::GiveUp),
            "{location:?}"
        );
        // What it announces, and the lookup: neither goes anywhere else, and neither comes again.
        assert!(server.requests().len() <= 2, "{location:?}");
    }
}

#[tokio::test]
async fn a_circle_of_redirects_ends() {
    let server = Server::start(|_| answer("302 Found", "Location: /scim/again\r\n", "")).await;
    assert_eq!(find(&server).await.kind, FailureKind::Redirected);
    assert!(server.requests().len() < 15);
}

#[tokio::test]
async fn line_breaks_and_quotes_in_names_stay_data() {
    let name = "kim\r\nX-Evil: 1\r\n\r\n\" or true 🙂";
    let server = Server::start(|request| {
        if request.starts_with("POST") {
            answer("201 Created", "", r#"{"id": "1"}"#)
        } else {
            answer("200 OK", "", r#"{"totalResults": 0}"#)
        }
    })
    .await;
    let connector = scim(&server).build();
    let user = user(name);
    let tap = Recorder::default();
    connector
        .carry_out(&user.order(Verb::Create), &tap)
        .await
        .unwrap();
    connector.find(&user.key(None), &tap).await.unwrap();
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .all(|request| !request.to_lowercase().contains("\r\nx-evil"))
    );
    let body = requests[0].split_once("\r\n\r\n").unwrap().1;
    let sent: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(sent["userName"], name);
    let asked = requests.last().unwrap().lines().next().unwrap().to_owned();
    assert!(asked.contains("userName%20eq%20%22kim%5Cr%5Cn"), "{asked}");
    assert!(
        asked.contains("%5C%22%20or%20true%20%F0%9F%99%82%22"),
        "{asked}"
    );
}

#[tokio::test]
async fn a_refusal_is_told_in_visible_characters_and_not_at_length() {
    let words = format!("\u{1b}[2Jno\u{202e}{}", "x".repeat(5_000));
    let body = serde_json::json!({ "detail": words }).to_string();
    let server = Server::start(move |_| answer("400 Bad Request", "", &body)).await;
    let failure = create(&server).await;
    assert_eq!(kind(&failure), (FailureKind::Rejected, Remedy::GiveUp));
    assert!(failure.told.starts_with("␛[2Jno<U+202E>"), "{failure}");
    assert!(failure.told.chars().count() < 1_000);
}

#[tokio::test]
async fn a_refusal_stays_one_however_bad_its_body_is() {
    let server = Server::start(|_| {
        let head = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 10000000000\r\n\r\n";
        Reply::Endless(head.into(), vec![b'x'; 4096])
    })
    .await;
    let failure = create(&server).await;
    let after = Some(Duration::from_secs(7));
    assert_eq!(
        kind(&failure),
        (FailureKind::Quota, Remedy::Retry { after })
    );
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let server = Server::start(|_| Reply::Close).await;
    let url = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/Users", listener.local_addr().unwrap())
    };
    let connector = scim(&server).text("user_endpoint", url).build();
    let failure = connector
        .carry_out(&user("kim").order(Verb::Create), &Recorder::default())
        .await
        .unwrap_err();
    assert_eq!(kind(&failure), (FailureKind::Unreachable, RETRY));
    assert!(failure.told.contains("refused"), "{failure}");
}

#[tokio::test]
async fn every_request_says_who_we_are_and_which_operation_it_belongs_to() {
    let server = Server::start(|_| answer("201 Created", "", r#"{"id": "1"}"#)).await;
    let connector = scim(&server).build();
    let user = user("kim");
    let order = user.order(Verb::Create);
    connector
        .carry_out(&order, &Recorder::default())
        .await
        .unwrap();
    let request = server.requests()[0].to_lowercase();
    assert!(request.contains("user-agent: outbound/"));
    assert!(request.contains(&format!("x-request-id: {}", order.operation)));
    assert!(request.contains("content-type: application/scim+json"));
}

#[tokio::test]
async fn an_announcement_that_cannot_be_read_once_is_asked_for_again_and_obeyed() {
    for trouble in [
        ("500 Internal Server Error", ""),
        ("403 Forbidden", ""),
        ("200 OK", "<html>"),
    ] {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let server = Server::start(move |request| {
            if !request.contains("ServiceProviderConfig") {
                return answer("200 OK", "", r#"{"id": "r1", "userName": "kim"}"#);
            }
            if asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
                return answer(trouble.0, "", trouble.1);
            }
            answer("200 OK", "", r#"{"patch": {"supported": false}}"#)
        })
        .await;
        let connector = scim(&server).build();
        for title in ["Dr", "Prof"] {
            let mut kim = user("kim").linked("r1");
            kim.change("title", title);
            connector
                .carry_out(&kim.order(Verb::Update), &Recorder::default())
                .await
                .unwrap();
        }
        let methods: Vec<String> = server
            .requests()
            .iter()
            .filter(|request| !request.starts_with("GET"))
            .map(|request| request.split(' ').next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(methods, ["PATCH", "PUT"], "{trouble:?}");
    }
}

#[tokio::test]
async fn an_account_that_shows_the_external_id_of_somebody_else_is_not_confirmed() {
    let somebody = uuid::Uuid::new_v4().to_string();
    for can_patch in [true, false] {
        for (external_id, origin, is_ours) in [
            (None, LinkOrigin::Created, true),
            (Some("E-4711".to_owned()), LinkOrigin::Created, true),
            (Some(somebody.clone()), LinkOrigin::Adopted, true),
            (Some(somebody.clone()), LinkOrigin::Created, false),
        ] {
            let mut kim = user("kim").linked("r1");
            kim.link.as_mut().unwrap().origin = origin;
            kim.change("title", "Dr");
            let external_id = external_id.unwrap_or_else(|| kim.key(None).external_id);
            let shown =
                format!(r#"{{"id": "r1", "userName": "kim", "externalId": "{external_id}"}}"#);
            let server = Server::start(move |request| {
                if request.contains("ServiceProviderConfig") {
                    let config = format!(r#"{{"patch": {{"supported": {can_patch}}}}}"#);
                    return answer("200 OK", "", config);
                }
                answer("200 OK", "", &shown)
            })
            .await;
            let connector = scim(&server).build();
            let outcome = connector
                .carry_out(&kim.order(Verb::Update), &Recorder::default())
                .await;
            let written = server
                .requests()
                .iter()
                .any(|request| request.starts_with("PUT") || request.starts_with("PATCH"));
            if is_ours {
                assert_eq!(outcome.unwrap().remote_id.0, "r1");
                assert!(written);
                continue;
            }
            let failure = outcome.unwrap_err();
            assert_eq!(kind(&failure), (FailureKind::Rejected, Remedy::GiveUp));
            assert!(failure.told.contains(&somebody), "{failure}");
            // Before a PUT the account is read; of a PATCH only the answer tells.
            assert_eq!(written, can_patch, "{failure}");
            assert_eq!(failure.told.contains("nothing of this"), !can_patch);
        }
    }
}

#[tokio::test]
async fn members_that_went_to_the_group_of_another_are_not_confirmed() {
    let another = uuid::Uuid::new_v4().to_string();
    let of_another = format!(r#"{{"id": "g1", "externalId": "{another}"}}"#);
    for (body, origin, is_ours) in [
        (String::new(), LinkOrigin::Created, true),
        ("done".to_owned(), LinkOrigin::Created, true),
        (r#"{"id": "g1"}"#.to_owned(), LinkOrigin::Created, true),
        (of_another.clone(), LinkOrigin::Adopted, true),
        (of_another, LinkOrigin::Created, false),
    ] {
        let answered = body.clone();
        let server = Server::start(move |request| {
            if request.contains("ServiceProviderConfig") {
                return answer("200 OK", "", r#"{"patch": {"supported": true}}"#);
            }
            answer("200 OK", "", &answered)
        })
        .await;
        let connector = scim(&server).build();
        let mut sales = group("sales").linked("g1");
        sales.link.as_mut().unwrap().origin = origin;
        sales.members(&[&domain::RemoteId("r1".to_owned())]);
        let outcome = connector
            .carry_out(&sales.order(Verb::Update), &Recorder::default())
            .await;
        if is_ours {
            assert_eq!(outcome.unwrap().remote_id.0, "g1", "{body}");
            continue;
        }
        let failure = outcome.unwrap_err();
        assert_eq!(kind(&failure), (FailureKind::Rejected, Remedy::GiveUp));
        assert!(failure.told.contains(&another), "{failure}");
    }
}

#[tokio::test]
async fn a_deactivation_of_somebody_elses_account_is_not_confirmed() {
    let shown = format!(
        r#"{{"id": "r1", "userName": "kim", "active": false, "externalId": "{}"}}"#,
        uuid::Uuid::new_v4()
    );
    let server = Server::start(move |request| {
        if request.contains("ServiceProviderConfig") {
            return answer("200 OK", "", r#"{"patch": {"supported": true}}"#);
        }
        answer("200 OK", "", &shown)
    })
    .await;
    let connector = scim(&server).build();
    let mut kim = user("kim").linked("r1");
    kim.deprovision = domain::Deprovision::Deactivate;
    let failure = connector
        .carry_out(&kim.order(Verb::Deprovision), &Recorder::default())
        .await
        .unwrap_err();
    assert_eq!(kind(&failure), (FailureKind::Rejected, Remedy::GiveUp));
}

#[tokio::test]
async fn a_new_group_gets_its_members_without_a_patch_where_there_is_none() {
    let server = Server::start(|request| {
        if request.contains("ServiceProviderConfig") {
            answer("200 OK", "", r#"{"patch": {"supported": false}}"#)
        } else if request.starts_with("PUT") {
            answer(
                "200 OK",
                "",
                r#"{"id": "g1", "members": [{"value": "r1"}]}"#,
            )
        } else {
            answer("201 Created", "", r#"{"id": "g1", "displayName": "sales"}"#)
        }
    })
    .await;
    let connector = scim(&server).build();
    let mut sales = group("sales");
    sales.members(&[&domain::RemoteId("r1".to_owned())]);
    connector
        .carry_out(&sales.order(Verb::Create), &Recorder::default())
        .await
        .unwrap();
    let requests = server.requests();
    assert!(requests.iter().all(|request| !request.starts_with("PATCH")));
    let put = requests.iter().find(|request| request.starts_with("PUT"));
    assert!(put.unwrap().contains("r1"));
}
