//! The server around a vendor: bodies in and out, bounds, seeds, snapshots, forks, the log and the control surface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "toy/raw.rs"]
mod raw;
#[path = "toy/mod.rs"]
mod toy;

use std::{io::Write, sync::Arc, time::Duration};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use outbound_mocks::{
    Server, StartError,
    clock::ManualClock,
    quota::{Quota, Rate},
};
use raw::{ask, exchange, get, post};
use serde_json::{Value, json};
use toy::Toy;

async fn start() -> Server<Toy> {
    Server::<Toy>::builder().start().await.unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[tokio::test]
async fn state_outlives_a_request_and_a_listener() {
    let server = start().await;
    assert_eq!(
        post(server.address(), "/v1/things", b"kim").await.status,
        201
    );
    assert_eq!(get(server.address(), "/v1/things/1").await.text(), "kim");
    assert_eq!(server.url(), format!("http://{}/v1", server.address()));
    let (mock, address) = (server.mock().clone(), server.address());
    server.shutdown().await;
    assert!(
        ask(address, "GET", "/v1/things/1", "", b"").await.is_err(),
        "nobody listens any more"
    );
    let again = mock
        .serve("127.0.0.1:0".parse().unwrap(), false)
        .await
        .unwrap();
    assert_eq!(get(again.address(), "/v1/things/1").await.text(), "kim");
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused_unless_it_is_exposed() {
    let listen = "0.0.0.0:0".parse().unwrap();
    let refused = Server::<Toy>::builder()
        .listen(listen)
        .start()
        .await
        .unwrap_err();
    assert!(matches!(refused, StartError::Exposed(_)), "{refused}");
    Server::<Toy>::builder()
        .listen(listen)
        .expose(true)
        .start()
        .await
        .unwrap();
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let server = start().await;
    let refused = Server::<Toy>::builder()
        .listen(server.address())
        .start()
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("cannot listen on {}", server.address())
    );
}

#[tokio::test]
async fn a_head_is_a_get_without_its_body() {
    let server = start().await;
    post(server.address(), "/v1/things", b"kim").await;
    let head = ask(server.address(), "HEAD", "/v1/things/1", "", b"")
        .await
        .unwrap();
    assert_eq!(
        (head.status, head.header("content-length"), &head.body[..]),
        (200, Some("3"), &b""[..])
    );
    assert_eq!(server.log().last().unwrap().method, "HEAD");
}

#[tokio::test]
async fn a_chunked_body_is_taken_like_any_other() {
    let server = start().await;
    let request = b"POST /v1/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
        2\r\nki\r\n1\r\nm\r\n0\r\n\r\n";
    exchange(server.address(), request).await.unwrap();
    assert_eq!(get(server.address(), "/v1/things/1").await.text(), "kim");
}

#[tokio::test]
async fn a_get_that_announces_an_empty_body_is_a_get() {
    let server = start().await;
    let reply = ask(
        server.address(),
        "GET",
        "/v1/things",
        "Content-Length: 0\r\n",
        b"",
    )
    .await
    .unwrap();
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn gzip_goes_both_ways() {
    let server = start().await;
    let long = "k".repeat(5000);
    let packed = gzip(long.as_bytes());
    let sent = ask(
        server.address(),
        "POST",
        "/v1/things",
        "Content-Encoding: gzip\r\n",
        &packed,
    )
    .await
    .unwrap();
    assert_eq!(sent.status, 201);
    let plain = get(server.address(), "/v1/things/1").await;
    assert_eq!(
        (plain.text(), plain.header("content-encoding")),
        (long.clone(), None)
    );
    let reply = ask(
        server.address(),
        "GET",
        "/v1/things/1",
        "Accept-Encoding: gzip\r\n",
        b"",
    )
    .await
    .unwrap();
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert!(reply.body.len() < 200);
    assert_eq!(
        std::io::read_to_string(GzDecoder::new(&reply.body[..])).unwrap(),
        long
    );
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_413_however_it_comes() {
    let server = Server::<Toy>::builder()
        .body_limit_bytes(1000)
        .start()
        .await
        .unwrap();
    let address = server.address();
    assert_eq!(post(address, "/v1/things", &[b'x'; 1001]).await.status, 413);
    let bomb = ask(
        address,
        "POST",
        "/v1/things",
        "Content-Encoding: gzip\r\n",
        &gzip(&vec![b'x'; 100_000]),
    )
    .await
    .unwrap();
    assert_eq!((bomb.status, bomb.text().as_str()), (413, "failed"));
    let announced = exchange(
        address,
        b"POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
    )
    .await;
    assert!(announced.unwrap().starts_with(b"HTTP/1.1 413"));
    let garbage = ask(
        address,
        "POST",
        "/v1/things",
        "Content-Encoding: gzip\r\n",
        b"no gzip",
    )
    .await
    .unwrap();
    assert_eq!(garbage.status, 400);
    let unknown = ask(
        address,
        "POST",
        "/v1/things",
        "Content-Encoding: br\r\n",
        b"x",
    )
    .await
    .unwrap();
    assert_eq!(unknown.status, 415);
    assert!(server.objects().is_empty());
    assert_eq!(server.log().len(), 5, "what was refused is in the log, too");
}

#[tokio::test]
async fn links_lead_back_the_way_the_client_came() {
    let server = start().await;
    let base_url = |headers: &'static str| async move {
        let request = format!("GET /v1/meta HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
        let answer = exchange(server.address(), request.as_bytes())
            .await
            .unwrap();
        let body = String::from_utf8(answer)
            .unwrap()
            .split_once("\r\n\r\n")
            .unwrap()
            .1
            .to_owned();
        let body: Value = serde_json::from_str(&body).unwrap();
        (body["base_url"].as_str().unwrap().to_owned(), server)
    };
    let (url, server) = base_url("Host: localhost:8443\r\nX-Forwarded-Proto: https\r\n").await;
    assert_eq!(url, "https://localhost:8443");
    let request = b"GET /v1/meta HTTP/1.1\r\nConnection: close\r\nHost: a b\"<>\r\n\r\n";
    let answer = exchange(server.address(), request).await.unwrap();
    assert!(
        String::from_utf8(answer)
            .unwrap()
            .contains(&format!("\"base_url\":\"http://{}\"", server.address()))
    );
}

#[tokio::test]
async fn seeds_grow_and_a_slip_in_one_is_named() {
    let seed = "[toy]\nthings = ['kim', 'lee']\n[google]\n";
    let server = Server::<Toy>::builder().seed(seed).start().await.unwrap();
    assert_eq!(
        get(server.address(), "/v1/things").await.text(),
        "kim\nlee\n"
    );
    let refused = |seed: &str| {
        Server::<Toy>::builder()
            .seed(seed)
            .build()
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused("[toy]\nthings = [1]"),
        "the seed: a thing is a text"
    );
    assert_eq!(
        refused("[gogle]"),
        "the seed: no mock is called `gogle`, did you mean `google`?; there are google, salesforce and scim2"
    );
    assert_eq!(refused("[toy"), "the seed is no TOML");
    let missing = Server::<Toy>::builder()
        .seed_file("/nowhere/seed.toml")
        .build()
        .unwrap_err();
    assert_eq!(missing.to_string(), "cannot read `/nowhere/seed.toml`");
}

#[tokio::test]
async fn snapshots_resets_and_forks_do_not_touch_each_other() {
    let server = Server::<Toy>::builder()
        .seed("[toy]\nthings = ['kim']")
        .start()
        .await
        .unwrap();
    let names = |mock: &outbound_mocks::Mock<Toy>| {
        mock.objects()
            .into_iter()
            .map(|object| object.name)
            .collect::<Vec<_>>()
            .join(",")
    };
    post(server.address(), "/v1/things", b"lee").await;
    server.snapshot("two");
    let fork = server
        .fork()
        .serve("127.0.0.1:0".parse().unwrap(), false)
        .await
        .unwrap();
    post(fork.address(), "/v1/things", b"max").await;
    assert_eq!(
        (names(&server).as_str(), names(&fork).as_str()),
        ("kim,lee", "kim,lee,max")
    );
    let token = post(server.address(), "/token", b"").await.text();
    server.reset();
    assert_eq!(names(&server), "kim");
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let held = ask(server.address(), "GET", "/v1/things", &bearer, b"")
        .await
        .unwrap();
    assert_eq!(held.status, 200, "a reset throws nobody out");
    server.restore("two").unwrap();
    assert_eq!(names(&server), "kim,lee");
    assert_eq!(
        server.restore("three").unwrap_err().to_string(),
        "no snapshot is called `three`"
    );
    assert_eq!(server.snapshots(), ["two"]);
    let operations: Vec<_> = server.log().iter().map(|entry| entry.operation).collect();
    assert_eq!(
        operations,
        [
            "things.insert",
            "token",
            "mock.reset",
            "things.list",
            "mock.restore"
        ]
    );
}

#[tokio::test]
async fn the_feed_tells_which_request_changed_what() {
    let server = start().await;
    let mut feed = server.subscribe();
    post(server.address(), "/v1/things?access_token=canary", b"kim").await;
    ask(
        server.address(),
        "PUT",
        "/v1/things/1",
        "Authorization: Basic canary\r\n",
        b"Kim",
    )
    .await
    .unwrap();
    ask(server.address(), "PUT", "/v1/things/1", "", b"Kim")
        .await
        .unwrap();
    let inserted = feed.next().await.unwrap();
    assert_eq!(
        (inserted.operation, inserted.status, inserted.answered),
        ("things.insert", Some(201), true)
    );
    assert_eq!(inserted.changes[0].after, Some(json!("kim")));
    assert_eq!(feed.next().await.unwrap().status, Some(401));
    let updated = feed.next().await.unwrap();
    assert_eq!(
        (
            updated.changes[0].before.clone(),
            updated.changes[0].after.clone()
        ),
        (Some(json!("kim")), Some(json!("Kim")))
    );
    let written: Vec<String> = server
        .log()
        .iter()
        .map(|entry| serde_json::to_string(&**entry).unwrap())
        .collect();
    assert!(!written.join("\n").contains("canary"));
}

#[tokio::test]
async fn what_the_mock_does_not_offer_is_in_the_log() {
    let server = start().await;
    assert_eq!(get(server.address(), "/v2/rockets").await.status, 404);
    let sorted = get(server.address(), "/v1/things?sort=up").await;
    assert_eq!(
        (sorted.status, sorted.header("x-mock-unsupported")),
        (200, None)
    );
    get(server.address(), "/v1/things/7").await;
    let noted: Vec<_> = server
        .log()
        .iter()
        .map(|entry| entry.unsupported.clone())
        .collect();
    assert_eq!(
        noted,
        [
            Some("GET /v2/rockets".to_owned()),
            Some("parameter sort".to_owned()),
            None
        ]
    );
}

#[tokio::test]
async fn quotas_are_counted_by_caller_and_by_day() {
    let clock = ManualClock::at("2026-11-22T00:00:00Z".parse().unwrap());
    let quota = Quota {
        daily: Some(4),
        ..Quota::rate(Rate::new(2, Duration::from_mins(1)))
    };
    let server = Server::<Toy>::builder()
        .clock(Arc::new(clock.clone()))
        .quota(quota)
        .start()
        .await
        .unwrap();
    let address = server.address();
    let statuses = [
        get(address, "/v1/things").await,
        get(address, "/v1/things").await,
        get(address, "/v1/things").await,
    ];
    assert_eq!(
        statuses.each_ref().map(|reply| reply.status),
        [200, 200, 429]
    );
    assert_eq!(statuses[2].header("retry-after"), Some("30"));
    assert!(server.log()[2].throttled);
    clock.advance(Duration::from_mins(1));
    assert_eq!(get(address, "/v1/things").await.status, 200);
    let meta = get(address, "/v1/meta").await;
    assert_eq!(
        serde_json::from_slice::<Value>(&meta.body).unwrap()["usage"],
        "3/4"
    );
    assert_eq!(meta.header("date"), Some("Sun, 22 Nov 2026 00:01:00 GMT"));
    assert_eq!(get(address, "/v1/things").await.status, 200);
    assert_eq!(get(address, "/v1/things").await.text(), "daily limit");
    clock.advance(Duration::from_hours(24));
    assert_eq!(get(address, "/v1/things").await.status, 200);
}

#[tokio::test]
async fn another_process_steers_a_mock_with_its_bearer() {
    let clock = ManualClock::at("2026-11-22T00:00:00Z".parse().unwrap());
    let seed = "[toy]\nthings = ['kim']";
    let server = Server::<Toy>::builder()
        .seed(seed)
        .clock(Arc::new(clock))
        .start()
        .await
        .unwrap();
    let address = server.address();
    assert_eq!(get(address, "/_mock/objects").await.status, 401);
    let bearer = format!("Authorization: Bearer {}\r\n", server.control_token());
    let tell = async |method: &str, path: &str, body: &str| {
        let reply = ask(address, method, path, &bearer, body.as_bytes())
            .await
            .unwrap();
        (
            reply.status,
            serde_json::from_slice::<Value>(&reply.body).unwrap(),
        )
    };
    let (status, armed) = tell(
        "POST",
        "/_mock/faults",
        r#"{"spec":"status:code=500,times=2"}"#,
    )
    .await;
    assert_eq!((status, armed), (201, json!({"id": 1})));
    assert_eq!(get(address, "/v1/things").await.status, 500);
    let (_, faults) = tell("GET", "/_mock/faults", "").await;
    assert_eq!(faults["armed"][0]["remaining"], 1);
    assert_eq!(faults["known"].as_array().unwrap().len(), 15);
    let (status, refused) = tell("POST", "/_mock/faults", r#"{"spec":"statsu"}"#).await;
    assert!(
        status == 400
            && refused["error"]
                .as_str()
                .unwrap()
                .contains("did you mean `status`?")
    );
    assert_eq!(tell("DELETE", "/_mock/faults/9", "").await.0, 404);
    assert_eq!(
        tell("DELETE", "/_mock/faults", "").await.1,
        json!({"disarmed": 1})
    );
    assert_eq!(
        tell("PUT", "/_mock/snapshots/a%20b", "").await.1,
        json!({"snapshots": ["a b"]})
    );
    post(address, "/v1/things", b"lee").await;
    assert_eq!(tell("GET", "/_mock", "").await.1["objects"], 2);
    assert_eq!(
        tell("POST", "/_mock/snapshots/a%20b/restore", "").await.0,
        200
    );
    assert_eq!(
        tell("GET", "/_mock/objects", "").await.1["objects"][0]["name"],
        "kim"
    );
    assert_eq!(
        tell("POST", "/_mock/clock", r#"{"advance":"1h"}"#).await.1["now"],
        "2026-11-22T01:00:00Z"
    );
    assert_eq!(tell("POST", "/_mock/reset", "").await.0, 200);
    let (_, log) = tell("GET", "/_mock/log?after=1&wait=1s", "").await;
    assert_eq!(log["entries"][0]["operation"], "things.insert");
    assert_eq!(tell("GET", "/_mock/log?since=1", "").await.0, 400);
    assert_eq!(tell("GET", "/_mock/rockets", "").await.0, 404);
    assert_eq!(server.log().len(), 4, "steering is not traffic");
}

#[tokio::test]
async fn a_waiting_look_at_the_log_ends_with_the_next_entry() {
    let server = start().await;
    let (address, bearer) = (
        server.address(),
        format!("Authorization: Bearer {}\r\n", server.control_token()),
    );
    let look = tokio::spawn(async move {
        ask(address, "GET", "/_mock/log?wait=60s", &bearer, b"")
            .await
            .unwrap()
    });
    get(address, "/v1/things").await;
    let log: Value = serde_json::from_slice(&look.await.unwrap().body).unwrap();
    assert_eq!(log["entries"][0]["operation"], "things.list");
}
