//! Traces reach a collector over real HTTP, and one that cannot be reached changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::Value;

use crate::program::{Mocks, Program, until};
use crate::service::{CREATE, Service, run, trigger};

/// A collector that keeps what it is sent.
struct Collector {
    address: String,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let bodies = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let kept = Arc::clone(&bodies);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || take(stream.unwrap(), &kept));
            }
        });
        Self { address, bodies }
    }

    fn spans(&self) -> Vec<Span> {
        let bodies = self.bodies.lock().unwrap();
        bodies
            .iter()
            .map(|body| ExportTraceServiceRequest::decode(body.as_slice()).unwrap())
            .flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }
}

/// Takes one request after the other from a connection.
fn take(stream: TcpStream, kept: &Mutex<Vec<Vec<u8>>>) {
    let mut write = stream.try_clone().unwrap();
    let mut read = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if read.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        assert!(first.starts_with("POST /v1/traces "), "{first}");
        let mut length = 0;
        loop {
            let mut line = String::new();
            read.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        read.read_exact(&mut body).unwrap();
        kept.lock().unwrap().push(body);
        write!(write, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    }
}

fn tracing_to(program: &Program, endpoint: &str) {
    let path = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = format!("{text}\n[engine.traces]\nendpoint = \"{endpoint}\"\n");
    std::fs::write(&path, text).unwrap();
}

fn named<'s>(spans: &'s [Span], name: &str) -> BTreeMap<Vec<u8>, &'s Span> {
    let named = spans.iter().filter(|span| span.name == name);
    named.map(|span| (span.span_id.clone(), span)).collect()
}

/// Finds every `traceparent` in what was printed.
fn traceparents(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.len() == 55 && text.starts_with("00-") => {
            into.insert(text.clone());
        }
        Value::Array(list) => list.iter().for_each(|one| traceparents(one, into)),
        Value::Object(map) => map.values().for_each(|one| traceparents(one, into)),
        _ => {}
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_flow_is_a_trace_and_what_a_request_names_as_its_span_is_its_attempt() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let collector = Collector::start();
    tracing_to(&program, &format!("http://{}", collector.address));
    let service = Service::start(&program);
    mocks.steer(&["arm", "google", "status:code=503,kind=write,times=1"]);
    run(&program, 0, &trigger(&CREATE));
    assert_eq!(service.stop(), Some(0));

    let spans = collector.spans();
    let flow = &program.expect(0, &["--json", "journal", "list"]).values()[0];
    let flow = flow["flow"].as_str().unwrap().replace('-', "");
    for span in &spans {
        assert_eq!(hex(&span.trace_id), flow);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    let (flows, decided) = (named(&spans, "flow"), named(&spans, "decide"));
    let operations = named(&spans, "operation");
    let attempts = named(&spans, "attempt");
    let requests = named(&spans, "request");
    assert_eq!((flows.len(), decided.len()), (1, 1));
    assert!(operations.len() >= 2 && attempts.len() > operations.len());
    for (children, parents) in [
        (&decided, &flows),
        (&operations, &flows),
        (&attempts, &operations),
        (&requests, &attempts),
    ] {
        for child in children.values() {
            assert!(parents.contains_key(&child.parent_span_id), "{child:?}");
        }
    }
    // One attempt failed, and so did its request.
    let failed = |spans: &BTreeMap<_, &Span>| {
        let failed = spans.values().filter(|span| {
            let status = span.status.as_ref();
            status.is_some_and(|status| status.code == 2)
        });
        failed.count()
    };
    assert_eq!(failed(&attempts), 1);
    // What the targets were told is what the collector was told.
    let mut told = BTreeSet::new();
    for value in program
        .expect(0, &["--json", "journal", "exchanges"])
        .values()
    {
        traceparents(&value, &mut told);
    }
    let known: BTreeSet<String> = attempts
        .keys()
        .map(|span| format!("00-{flow}-{}-01", hex(span)))
        .collect();
    assert_eq!(told, known);
    // No name, no secret, no body.
    for body in collector.bodies.lock().unwrap().iter() {
        let text = String::from_utf8_lossy(body);
        for word in ["kim", "Bearer", "mock-token", "schemas", "lastname"] {
            assert!(!text.contains(word), "{word}");
        }
    }
}

/// Returns the text of an attribute.
fn text<'s>(span: &'s Span, key: &str) -> &'s str {
    let attribute = span.attributes.iter().find(|pair| pair.key == key);
    let value = attribute.and_then(|pair| pair.value.as_ref());
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text,
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn what_an_earlier_process_left_is_told_as_whole_and_no_span_is_told_twice() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let collector = Collector::start();
    for (path, value) in [
        (
            "connections[id=acme-google].connectors[type=google].enabled",
            "false",
        ),
        (
            "resident.provisioners[connection=corp-scim].blocking",
            "false",
        ),
    ] {
        program.expect(0, &["config", "set", path, value]);
    }
    tracing_to(&program, &format!("http://{}", collector.address));
    let create = |name| trigger(&["user-created", name, "--claim", "lastname=Ng"]);
    let scim = "corp-scim/scim2";

    // Two dead letters, one given up at once, and an operation that waits for another process.
    let first = Service::start(&program);
    mocks.steer(&["arm", "scim2", "status:code=400,op=Users.create,times=2"]);
    run(&program, 1, &create("kim"));
    run(&program, 1, &create("bob"));
    let dead = program
        .expect(0, &["journal", "operations", "--state", "dead", "--json"])
        .values();
    let id = |user: &str| {
        let letter = dead.iter().find(|view| view["name"] == user);
        letter.unwrap()["operation"].as_str().unwrap().to_owned()
    };
    program.expect(0, &["journal", "discard", &id("bob"), "--why", "a test"]);
    program.expect(0, &["connector", "pause", scim]);
    let waits = [create("ann"), vec!["--wait".to_owned(), "1".to_owned()]].concat();
    run(&program, 6, &waits);
    assert_eq!(first.stop(), Some(0));

    let second = Service::start(&program);
    program.expect(0, &["connector", "resume", scim]);
    until("ann is there", || mocks.object("scim2", "ann").is_some());
    program.expect(0, &["journal", "retry", &id("kim")]);
    assert_eq!(second.stop(), Some(0));

    let spans = collector.spans();
    let told: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
    assert_eq!(told.len(), spans.len());
    let (flows, operations) = (named(&spans, "flow"), named(&spans, "operation"));
    let (attempts, requests) = (named(&spans, "attempt"), named(&spans, "request"));
    assert_eq!(flows.len(), 3);
    for (children, parents) in [
        (&operations, &flows),
        (&attempts, &operations),
        (&requests, &attempts),
    ] {
        assert!(!children.is_empty());
        for child in children.values() {
            assert!(parents.contains_key(&child.parent_span_id), "{child:?}");
        }
    }
    let ends = |user: &str| {
        let of = id(user);
        let of = operations
            .values()
            .filter(|span| text(span, "outbound.operation") == of);
        let mut ends: Vec<_> = of
            .map(|span| (span.start_time_unix_nano, text(span, "outbound.outcome")))
            .collect();
        ends.sort_unstable();
        let outcomes = ends.into_iter().map(|(_, outcome)| outcome);
        outcomes.collect::<Vec<_>>()
    };
    assert_eq!(ends("kim"), ["dead", "done"]);
    assert_eq!(ends("bob"), ["dead", "discarded"]);
    // Two of Kim, one of Bob, one of Ann.
    assert_eq!((operations.len(), attempts.len()), (5, 4));
}

#[test]
fn a_collector_that_cannot_be_reached_changes_nothing_and_is_told_once() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    tracing_to(&program, &format!("http://{}", free.local_addr().unwrap()));
    drop(free);
    let service = Service::with(&program, &["--log-dir", "logs"]);
    let told = || -> usize {
        let files = std::fs::read_dir(program.path().join("logs")).unwrap();
        let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        texts
            .map(|text| text.matches("does not take traces").count())
            .sum()
    };
    run(&program, 0, &trigger(&CREATE));
    assert!(mocks.object("scim2", "kim").is_some());
    for _ in 0..600 {
        if told() > 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(told(), 1);
    run(
        &program,
        0,
        &trigger(&["user-updated", "kim", "--set", "lastname=Nguyen"]),
    );
    assert_eq!(service.stop(), Some(0));
    assert_eq!(told(), 1);
}
