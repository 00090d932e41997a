//! Every fault, as a client sees it and as the log tells it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "toy/raw.rs"]
mod raw;
#[path = "toy/mod.rs"]
mod toy;

use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use flate2::read::GzDecoder;
use outbound_mocks::{
    Server,
    clock::{Clock, ManualClock},
    fault::Fault,
};
use raw::{ask, exchange, get, post};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use toy::Toy;

const SEED: &str = "[toy]\nthings = ['kim@acme.example', 'lee@acme.example']";

async fn start(fault: &str) -> (Server<Toy>, ManualClock) {
    let clock = ManualClock::at("2026-11-22T00:00:00Z".parse().unwrap());
    let builder = Server::<Toy>::builder()
        .seed(SEED)
        .clock(Arc::new(clock.clone()))
        .random_seed(7);
    (builder.fault(fault).start().await.unwrap(), clock)
}

async fn failure(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> ErrorKind {
    ask(address, method, path, "", body)
        .await
        .expect_err("the connection was to fail")
        .kind()
}

/// Returns which faults acted on each request.
fn acted(server: &Server<Toy>) -> Vec<Vec<Fault>> {
    server
        .log()
        .iter()
        .map(|entry| entry.faults.clone())
        .collect()
}

/// Waits until a request is held by the clock.
async fn held(clock: &ManualClock) {
    while clock.waiting() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn latency_holds_a_request_until_its_time() {
    let (server, clock) = start("latency:delay=3s").await;
    let address = server.address();
    let late = tokio::spawn(async move { get(address, "/v1/things/1").await });
    held(&clock).await;
    assert!(server.log().is_empty());
    clock.advance(Duration::from_secs(3));
    assert_eq!(late.await.unwrap().status, 200);
    assert_eq!(server.log()[0].duration_micros, 3_000_000);
    assert_eq!(server.armed().len(), 1, "latency stays");
}

#[tokio::test]
async fn the_work_is_done_even_if_the_client_stops_waiting() {
    let (server, clock) = start("latency:delay=3s").await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream
        .write_all(b"POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nmax")
        .await
        .unwrap();
    held(&clock).await;
    drop(stream);
    let mut feed = server.subscribe();
    clock.advance(Duration::from_secs(3));
    assert_eq!(feed.next().await.unwrap().status, Some(201));
}

#[tokio::test]
async fn a_slow_body_comes_in_pieces() {
    let (server, clock) = start("slow-body:over=16s").await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream
        .write_all(b"GET /v1/things/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let reading = tokio::spawn(async move {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    // Every piece waits for a second of its own: one jump of the clock frees one piece.
    while !reading.is_finished() {
        if clock.waiting() > 0 {
            clock.advance(Duration::from_secs(1));
        }
        tokio::task::yield_now().await;
    }
    assert!(clock.now() >= "2026-11-22T00:00:16Z".parse().unwrap());
    let answer = reading.await.unwrap();
    assert!(
        answer.contains("content-length: 16") && answer.ends_with("kim@acme.example"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_status_comes_in_the_vendors_words_and_nothing_is_done() {
    let (server, _) = start("status:code=503,retry-after=1500ms,op=things.insert").await;
    let reply = post(server.address(), "/v1/things", b"max").await;
    assert_eq!(
        (
            reply.status,
            reply.text().as_str(),
            reply.header("retry-after")
        ),
        (503, "failed", Some("2"))
    );
    assert_eq!(server.objects().len(), 2);
    assert_eq!(
        post(server.address(), "/v1/things", b"max").await.status,
        201,
        "it disarmed itself"
    );
    assert_eq!(acted(&server), [vec![Fault::Status], vec![]]);
}

#[tokio::test]
async fn rates_refuse_at_once_or_beyond_a_real_bucket() {
    let (server, clock) = start("user-rate:retry-after=9s").await;
    let address = server.address();
    let reply = get(address, "/v1/things").await;
    assert_eq!(
        (reply.text().as_str(), reply.header("retry-after")),
        ("user rate", Some("9"))
    );
    server.arm("account-rate:rate=2/60,times=always").unwrap();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(get(address, "/v1/things").await.status);
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
    clock.advance(Duration::from_secs(30));
    assert_eq!(get(address, "/v1/things").await.status, 200);
    assert_eq!(server.armed()[0].acted, 2, "only refusals count");
}

#[tokio::test]
async fn concurrency_refuses_what_is_too_many_at_once() {
    let (server, clock) = start("concurrency:limit=2,times=always").await;
    server.arm("latency:delay=1s").unwrap();
    let address = server.address();
    let mut held_back = Vec::new();
    for count in 1..=2 {
        held_back.push(tokio::spawn(async move {
            get(address, "/v1/things").await.status
        }));
        while clock.waiting() < count {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(get(address, "/v1/things").await.text(), "concurrency");
    clock.advance(Duration::from_secs(1));
    for waiting in held_back {
        assert_eq!(waiting.await.unwrap(), 200);
    }
}

#[tokio::test]
async fn reset_and_drop_before_leave_the_work_undone() {
    let (server, _) = start("reset").await;
    let address = server.address();
    assert_eq!(
        failure(address, "POST", "/v1/things", b"max").await,
        ErrorKind::ConnectionReset
    );
    server.arm("drop-before").unwrap();
    assert_eq!(
        failure(address, "POST", "/v1/things", b"max").await,
        ErrorKind::UnexpectedEof
    );
    assert_eq!(server.objects().len(), 2);
    let log = server.log();
    assert!(
        log.iter()
            .all(|entry| !entry.answered && entry.status.is_none()),
        "{log:?}"
    );
}

#[tokio::test]
async fn drop_after_does_the_work_and_tells_nobody() {
    let (server, _) = start("drop-after").await;
    let address = server.address();
    assert_eq!(
        failure(address, "POST", "/v1/things", b"max").await,
        ErrorKind::UnexpectedEof
    );
    server.arm("drop-after:how=reset").unwrap();
    assert_eq!(
        failure(address, "PUT", "/v1/things/3", b"Max").await,
        ErrorKind::ConnectionReset
    );
    assert_eq!(get(address, "/v1/things/3").await.text(), "Max");
    let log = server.log();
    assert_eq!(
        (log[0].status, log[0].answered, log[0].changes.len()),
        (Some(201), false, 1)
    );
}

#[tokio::test]
async fn a_garbled_body_stands_under_a_good_status() {
    let (server, _) = start("garbled-body:as=cut").await;
    let address = server.address();
    let cut = get(address, "/v1/things/1").await;
    assert_eq!(
        (cut.header("content-length"), cut.text().as_str()),
        (Some("16"), "kim@acme")
    );
    let garbled = async |way: &str| {
        server.arm(&format!("garbled-body:as={way}")).unwrap();
        get(address, "/v1/things/1").await
    };
    assert_eq!(
        (
            garbled("empty").await.status,
            garbled("empty").await.body.len()
        ),
        (200, 0)
    );
    let page = garbled("html").await;
    assert!(
        page.status == 200
            && page
                .header("content-type")
                .unwrap()
                .starts_with("text/html")
    );
    assert!(std::str::from_utf8(&garbled("bytes").await.body).is_err());
    assert_eq!(garbled("deep").await.body.len(), 100_000);
    let bomb = garbled("bomb").await;
    assert!(bomb.body.len() < 100_000 && bomb.header("content-encoding") == Some("gzip"));
    assert_eq!(
        std::io::copy(&mut GzDecoder::new(&bomb.body[..]), &mut std::io::sink()).unwrap(),
        64 << 20
    );
    server.arm("garbled-body:as=cut").unwrap();
    let kept = ask(address, "PUT", "/v1/things/1", "", b"Kim")
        .await
        .unwrap();
    assert_eq!(
        (kept.status, kept.body.len()),
        (204, 0),
        "there is no body to damage"
    );
}

#[tokio::test]
async fn an_endless_body_ends_with_the_client() {
    let (server, _) = start("garbled-body:as=endless").await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream
        .write_all(b"GET /v1/things HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut taken = vec![0; 1 << 20];
    for _ in 0..8 {
        stream.read_exact(&mut taken).await.unwrap();
    }
}

#[tokio::test]
async fn token_expired_voids_every_token_once() {
    let (server, _) = start("token-expired:nth=2").await;
    let address = server.address();
    let get_with = async |token: &str| {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        ask(address, "GET", "/v1/things", &bearer, b"")
            .await
            .unwrap()
            .status
    };
    let (first, second) = (
        post(address, "/token", b"").await.text(),
        post(address, "/token", b"").await.text(),
    );
    assert_eq!([get_with(&first).await, get_with(&first).await], [200, 401]);
    assert_eq!(
        [get_with(&first).await, get_with(&second).await],
        [401, 401]
    );
    let fresh = post(address, "/token", b"").await.text();
    assert_eq!(get_with(&fresh).await, 200);
}

#[tokio::test]
async fn reads_lag_behind_writes_by_time() {
    let (server, clock) = start("lag:for=5s,op=things.list").await;
    let address = server.address();
    let list = async || get(address, "/v1/things").await.text().lines().count();
    clock.advance(Duration::from_mins(1));
    post(address, "/v1/things", b"max").await;
    assert_eq!(list().await, 2);
    assert_eq!(
        get(address, "/v1/things/3").await.status,
        200,
        "a list may lag where a get does not"
    );
    let token = post(address, "/token", b"").await.text();
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let known = ask(address, "GET", "/v1/things", &bearer, b"")
        .await
        .unwrap();
    assert_eq!(
        (known.status, known.text().lines().count()),
        (200, 2),
        "a young token is good for an old state"
    );
    clock.advance(Duration::from_secs(4));
    assert_eq!(list().await, 2);
    clock.advance(Duration::from_secs(1));
    assert_eq!(list().await, 3);
}

#[tokio::test]
async fn reads_lag_behind_writes_by_requests_and_writes_may_too() {
    let (server, _) = start("lag:requests=2,writes=yes").await;
    let address = server.address();
    post(address, "/v1/things", b"max").await;
    assert_eq!(
        ask(address, "PUT", "/v1/things/3", "", b"Max")
            .await
            .unwrap()
            .status,
        404
    );
    assert_eq!(get(address, "/v1/things/3").await.status, 404);
    assert_eq!(get(address, "/v1/things/3").await.status, 200);
    server.disarm_all();
    post(address, "/v1/things", b"zoe").await;
    assert_eq!(get(address, "/v1/things/4").await.status, 200);
}

#[tokio::test]
async fn licences_refuse_what_takes_a_seat_and_nothing_else() {
    let (server, _) = start("licences:times=1").await;
    let address = server.address();
    assert_eq!(
        ask(address, "PUT", "/v1/things/1", "", b"Kim")
            .await
            .unwrap()
            .status,
        204
    );
    assert_eq!(post(address, "/v1/things", b"max").await.text(), "licences");
    assert_eq!(post(address, "/v1/things", b"max").await.status, 201);
    assert_eq!(acted(&server), [vec![], vec![Fault::Licences], vec![]]);
    let limited = Server::<Toy>::builder()
        .seed(SEED)
        .licences(3)
        .start()
        .await
        .unwrap();
    assert_eq!(
        post(limited.address(), "/v1/things", b"max").await.status,
        201
    );
    assert_eq!(
        post(limited.address(), "/v1/things", b"zoe").await.text(),
        "licences"
    );
}

#[tokio::test]
async fn a_duplicate_delivery_is_worked_on_twice() {
    let (server, _) = start("duplicate-delivery").await;
    let reply = post(server.address(), "/v1/things", b"max").await;
    assert_eq!((reply.status, reply.text().as_str()), (201, "4"));
    assert_eq!(server.objects().len(), 4);
    assert_eq!(
        acted(&server),
        [
            vec![Fault::DuplicateDelivery],
            vec![Fault::DuplicateDelivery]
        ]
    );
}

#[tokio::test]
async fn the_daily_limit_can_be_faked() {
    let (server, _) = start("daily-limit").await;
    assert_eq!(
        get(server.address(), "/v1/things").await.text(),
        "daily limit"
    );
}

#[tokio::test]
async fn a_subject_is_found_by_name_even_where_the_request_has_only_an_id() {
    let (server, _) = start("status:subject=lee,times=always").await;
    let address = server.address();
    assert_eq!(get(address, "/v1/things/1").await.status, 200);
    assert_eq!(get(address, "/v1/things/2").await.status, 503);
    assert_eq!(get(address, "/v1/things").await.status, 200);
    assert_eq!(
        post(address, "/v1/things", b"Lee@acme.example")
            .await
            .status,
        503
    );
}

#[tokio::test]
async fn the_second_to_third_match_is_hit_and_then_no_more() {
    let (server, _) = start("status:nth=2..3,times=always").await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(get(server.address(), "/v1/things").await.status);
    }
    assert_eq!(statuses, [200, 503, 503, 200, 200]);
    assert_eq!((server.armed()[0].matched, server.armed()[0].acted), (5, 2));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_run() {
    let run = async |seed| {
        let builder = Server::<Toy>::builder()
            .random_seed(seed)
            .fault("status:chance=0.5,times=always");
        let server = builder
            .fault("user-rate:chance=0.2,times=always")
            .start()
            .await
            .unwrap();
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(get(server.address(), "/v1/things").await.status);
        }
        statuses
    };
    assert_eq!(run(1).await, run(1).await);
    assert_ne!(run(1).await, run(2).await);
}

#[tokio::test]
async fn faults_add_up_and_a_refusal_leaves_the_later_ones_armed() {
    let (server, clock) = start("latency:delay=1s,times=1").await;
    server.arm("drop-before").unwrap();
    server.arm("daily-limit").unwrap();
    let address = server.address();
    let lost = tokio::spawn(async move { failure(address, "GET", "/v1/things", b"").await });
    held(&clock).await;
    clock.advance(Duration::from_secs(1));
    assert_eq!(lost.await.unwrap(), ErrorKind::UnexpectedEof);
    let armed: Vec<_> = server
        .armed()
        .iter()
        .map(|armed| armed.spec.to_string())
        .collect();
    assert_eq!(armed, ["daily-limit:times=1"]);
    assert_eq!(acted(&server), [vec![Fault::Latency, Fault::DropBefore]]);
}

#[tokio::test]
async fn a_fault_for_another_mock_is_refused() {
    let (server, _) = start("drop-after").await;
    let refused = server.arm("reset:target=google").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the fault is meant for google, and this is toy"
    );
    assert!(server.disarm(1).is_some() && server.disarm(1).is_none());
}

#[tokio::test]
async fn a_reset_hits_one_connection_only() {
    let (server, _) = start("reset:nth=2").await;
    let request = b"GET /v1/things/1 HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = b"GET /v1/things/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut first = TcpStream::connect(server.address()).await.unwrap();
    first.write_all(request).await.unwrap();
    let mut seen = vec![0; 4096];
    assert!(first.read(&mut seen).await.unwrap() > 0);
    first.write_all(request).await.unwrap();
    assert_eq!(
        first.read(&mut seen).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert!(
        exchange(server.address(), last)
            .await
            .unwrap()
            .starts_with(b"HTTP/1.1 200")
    );
}

#[test]
fn every_sentence_fits_beside_its_name_at_eighty_columns() {
    for row in &Fault::ALL {
        let long = row.sentence.chars().count();
        assert!(long <= 50, "{}: {long} letters", row.name);
    }
}
