//! The engine under a service manager: commands reach it by its socket, a signal stops it, another has it read its file.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::program::{Mocks, Program};

/// A running `outbound serve`, ended with the test.
struct Service {
    child: Child,
}

impl Service {
    fn start(program: &Program) -> Self {
        let mut child = program
            .command(&["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert!(first.contains("the engine runs"), "{first}");
        Self { child }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill(); // ended already is what is wanted
        let _ = self.child.wait();
    }
}

const CREATE: [&str; 6] = [
    "user-created",
    "kim",
    "--claim",
    "lastname=Ng",
    "--claim",
    "givenname=Kim",
];

fn trigger(words: &[&str]) -> Vec<String> {
    let words = ["trigger"].iter().chain(words);
    words.map(|word| (*word).to_owned()).collect()
}

fn run(program: &Program, code: i32, words: &[String]) -> crate::program::Said {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    program.expect(code, &words)
}

#[test]
fn commands_reach_a_running_engine_by_its_socket_and_a_signal_stops_it() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let service = Service::start(&program);
    // A blocking create with a password, an update, a pause with work that waits, a resume, a discard.
    run(&program, 0, &trigger(&CREATE));
    assert!(mocks.object("scim2", "kim").is_some());
    run(
        &program,
        0,
        &trigger(&["user-updated", "kim", "--set", "lastname=Nguyen"]),
    );
    assert_eq!(
        mocks.object("scim2", "kim").unwrap()["name"]["familyName"],
        "Nguyen"
    );
    program.expect(0, &["connector", "pause", "acme-google/google"]);
    run(
        &program,
        6,
        &trigger(&[
            "user-updated",
            "kim",
            "--set",
            "lastname=Nagel",
            "--wait",
            "2",
        ]),
    );
    // Every request of an operation leads back to its flow.
    let flow = program.expect(0, &["journal", "show", "--json"]).values();
    let trace = flow[0]["flow"].as_str().unwrap().replace('-', "");
    let exchanges = program.expect(0, &["journal", "exchanges", "--json", "--limit", "1"]);
    let exchanges = exchanges.values();
    let headers = exchanges[0]["exchange"]["request_headers"]
        .as_array()
        .unwrap();
    let parent = headers
        .iter()
        .find(|header| header["name"] == "traceparent");
    let parent = parent.unwrap()["value"].as_str().unwrap().to_owned();
    assert!(parent.starts_with(&format!("00-{trace}-")), "{parent}");
    let status = program.expect(0, &["status", "--json"]).values().remove(0);
    assert_eq!(status["pid"], service.child.id());
    assert_eq!(status["owed"]["acme-google/google"], 1);
    let held = ["journal", "operations", "--state", "held", "--json"];
    let held = program.expect(0, &held).values();
    let operation = held[0]["operation"].as_str().unwrap();
    program.expect(0, &["journal", "discard", operation, "--why", "a test"]);
    program.expect(0, &["connector", "resume", "acme-google/google"]);
    let said = run(&program, 2, &trigger(&["user-deleted", "nobody"]));
    assert!(said.err.contains("nobody"), "{}", said.err);
    let socket = program.path().join("outbound.db.socket");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(service.stop(), Some(0));
    assert!(!socket.exists());
    // Nothing holds the journal any more.
    run(&program, 0, &trigger(&["user-deleted", "kim"]));
}

#[test]
fn a_bad_file_is_told_and_the_earlier_configuration_stays_in_force() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let path = program.path().join("workbench.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    let service = Service::start(&program);
    std::fs::write(&path, format!("{good}\n[engine]\nnonsense = true\n")).unwrap();
    service.signal("HUP");
    // The file cannot be read by a command either, so the journal is named.
    let findings = |program: &Program| -> Vec<serde_json::Value> {
        std::fs::write(program.path().join("good.toml"), &good).unwrap();
        let words = ["--config", "good.toml", "status", "--json"];
        let status = program.expect(0, &words).values().remove(0);
        status["findings"].as_array().unwrap().clone()
    };
    while findings(&program).is_empty() {}
    std::fs::write(&path, &good).unwrap();
    run(&program, 0, &trigger(&CREATE));
    let disabled = good.replacen("enabled = true ", "enabled = false ", 1);
    assert_ne!(disabled, good);
    std::fs::write(&path, disabled).unwrap();
    program.expect(0, &["reload"]);
    assert!(findings(&program).is_empty());
    let said = run(
        &program,
        0,
        &trigger(&["user-updated", "kim", "--set", "lastname=Nguyen"]),
    );
    assert!(said.out.contains("disabled"), "{}", said.out);
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_stop_lets_a_request_that_is_under_way_end() {
    let mocks = Mocks::start();
    mocks.steer(&["arm", "scim2", "latency:op=Users.create,times=1,delay=1s"]);
    let program = Program::shipped(&mocks);
    let path = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("blocking = true ", "blocking = false")).unwrap();
    let service = Service::start(&program);
    let words = [&CREATE[..], &["--no-wait"]].concat();
    run(&program, 6, &trigger(&words));
    let in_flight = ["journal", "operations", "--state", "in-flight", "--json"];
    while !program.run(&in_flight).out.contains("corp-scim") {}
    assert_eq!(service.stop(), Some(0));
    let settled = ["journal", "operations", "--state", "settled", "--json"];
    assert!(program.run(&settled).out.contains("corp-scim"));
    assert!(mocks.object("scim2", "kim").is_some());
}

#[test]
fn figures_are_told_where_the_configuration_says_and_never_to_other_machines_unasked() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let path = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let listening = |address: &str| format!("{text}\n[engine.metrics]\nlisten = \"{address}\"\n");
    std::fs::write(&path, listening("0.0.0.0:0")).unwrap();
    let said = program.expect(3, &["serve"]);
    assert!(said.err.contains("expose = true"), "{}", said.err);
    // A port that is free now; whoever else might take it would be told apart by what it answers.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    std::fs::write(&path, listening(&address)).unwrap();
    let service = Service::start(&program);
    mocks.steer(&["arm", "google", "status:code=503,kind=write,times=1"]);
    run(&program, 0, &trigger(&CREATE));
    let told = || {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(stream, "GET /metrics HTTP/1.0\r\nhost: {address}\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let done = "outbound_operations_total{connector=\"corp-scim/scim2\",verb=\"create\",outcome=\"done\"} 1";
    let mut text = told();
    while !(text.contains(done) && text.contains("outbound_retries_total")) {
        text = told(); // the counters follow the commit
    }
    for line in [
        "outbound_attempt_failures_total{connector=\"acme-google/google\",kind=\"target-error\"} 1",
        "outbound_retries_total{connector=\"acme-google/google\"} 1",
        "outbound_exchange_seconds_bucket",
        "outbound_oldest_open_timestamp_seconds",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(service.stop(), Some(0));
}
