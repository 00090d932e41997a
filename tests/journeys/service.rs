//! The engine under a service manager: commands reach it by its socket, a signal stops it, another has it read its file.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::program::{Mocks, Program, house, until};

/// A running `outbound serve`, ended with the test.
pub(crate) struct Service {
    pub(crate) child: Child,
}

impl Service {
    pub(crate) fn start(program: &Program) -> Self {
        Self::with(program, &[])
    }

    /// Starts with options before the command.
    pub(crate) fn with(program: &Program, options: &[&str]) -> Self {
        let mut child = program
            .command(&[options, &["serve"]].concat())
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

    pub(crate) fn stop(mut self) -> Option<i32> {
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

pub(crate) const CREATE: [&str; 6] = [
    "user-created",
    "kim",
    "--claim",
    "lastname=Ng",
    "--claim",
    "givenname=Kim",
];

pub(crate) fn trigger(words: &[&str]) -> Vec<String> {
    let words = ["trigger"].iter().chain(words);
    words.map(|word| (*word).to_owned()).collect()
}

pub(crate) fn run(program: &Program, code: i32, words: &[String]) -> crate::program::Said {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    program.expect(code, &words)
}

#[test]
fn an_import_beside_a_running_engine_tells_of_its_own_rows_only() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let _service = Service::start(&program);
    run(&program, 0, &trigger(&CREATE));
    program.expect(0, &["connector", "pause", "acme-google/google"]);
    let update = ["user-updated", "kim", "--set", "lastname=Nagel"];
    run(
        &program,
        6,
        &trigger(&[&update[..], &["--wait", "2"]].concat()),
    );
    let import = |code, row: &str| {
        let file = format!("userName,lastname,givenname\n{row}\n");
        std::fs::write(program.path().join("users.csv"), file).unwrap();
        let said = program.expect(code, &["import", "csv", "users.csv", "--json"]);
        said.values().remove(0)
    };
    // What is owed to Kim is none of the import's.
    let there = import(0, "kim,Ng,Kim");
    assert_eq!((&there["skipped"], &there["owed"]), (&1.into(), &0.into()));
    let new = import(6, "lee,Ray,Lee");
    assert_eq!((&new["created"], &new["owed"]), (&1.into(), &1.into()));
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
fn what_is_old_is_removed_beside_a_running_engine_and_without_one() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    // A journal of 22 November 2026, in which Lee came and left; its targets are not configured any more.
    let journal = program.path().join("outbound.db");
    std::fs::copy(house().join("fixtures/journal/format-4.journal"), journal).unwrap();
    let lee = "01a202b2-c500-7e53-a951-0acbaee2b631";
    let service = Service::start(&program);
    program.expect(0, &["journal", "show", lee]);
    let came = [
        "user-created",
        "noa",
        "--claim",
        "lastname=Ng",
        "--claim",
        "givenname=Noa",
    ];
    run(&program, 0, &trigger(&came));
    let compact = |words: &[&str]| -> Value {
        let compact = ["--json", "journal", "compact", "--before", "1d"];
        let said = program.expect(0, &[&compact[..], words].concat());
        said.values().remove(0)
    };
    let counted = compact(&["--dry-run"]);
    assert_eq!(counted["preview"], true);
    assert_eq!(counted["removed"]["cause"], "by-hand");
    // How Lee came, which Lee's leaving overtook, and a change that nobody was told of.
    assert_eq!(counted["removed"]["flows"], 2);
    program.expect(0, &["journal", "show", lee]);
    let done = compact(&[]);
    assert_eq!(done["preview"], false);
    for what in ["flows", "operations", "exchanges", "facts", "bodies"] {
        assert_eq!(done["removed"][what], counted["removed"][what], "{what}");
    }
    let said = program.expect(2, &["journal", "show", lee]);
    assert!(said.err.contains("is no longer kept"), "{}", said.err);
    assert_eq!(compact(&[])["removed"]["flows"], 0);
    assert_eq!(service.stop(), Some(0));

    let said = program.expect(0, &["journal", "compact", "--before", "1d"]);
    assert!(
        said.out.contains("nothing that had settled before"),
        "{}",
        said.out
    );
    // A flow of another century: of what is that new the journal is whole, so there never was one.
    let unknown = "0fffffff-f400-7000-8000-000000000000";
    let said = program.expect(2, &["journal", "show", unknown]);
    assert!(said.err.contains("there is no flow"), "{}", said.err);
    let users = program.expect(0, &["users", "list", "--json"]).values();
    let names: Vec<&Value> = users.iter().map(|user| &user["name"]).collect();
    assert_eq!(names, ["bob", "kim", "noa"]);
}

#[test]
fn a_journal_of_an_older_format_is_written_anew_when_no_engine_runs() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let journal = program.path().join("outbound.db");
    let old = house().join("fixtures/journal/format-4.journal");
    std::fs::copy(&old, &journal).unwrap();
    let compact = ["--json", "journal", "compact", "--before", "1d"];
    let report = program.expect(0, &compact).values().remove(0);
    assert_eq!(report["removed"]["flows"], 2);
    assert_eq!(report["after"]["file_bytes"], report["after"]["used_bytes"]);
    let file = std::fs::read(&journal).unwrap();
    assert_eq!(report["after"]["file_bytes"], file.len());
    // SQLite's file format, 1.3: from now on room is given back in steps.
    let is_incremental = |file: &[u8]| file[64..68] != [0; 4];
    assert!(is_incremental(&file));
    assert!(!is_incremental(&std::fs::read(old).unwrap()));
    assert!(program.path().join("outbound.db.format-4").exists());
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
    let findings = |program: &Program| -> Vec<Value> {
        let status = program.expect(0, &["status", "--json"]).values().remove(0);
        status["findings"].as_array().unwrap().clone()
    };
    until("the bad file is told", || !findings(&program).is_empty());
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
fn a_running_engine_is_seen_and_commanded_while_its_file_has_errors() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let path = program.path().join("workbench.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    let service = Service::start(&program);
    std::fs::write(&path, format!("{good}\nnonsense = 1\n")).unwrap();
    service.signal("HUP");
    until("the findings are told", || {
        let status = program.expect(0, &["status", "--json"]).values().remove(0);
        let findings = status["findings"].as_array().unwrap();
        !findings.is_empty()
    });
    let said = program.expect(0, &["status"]);
    assert!(said.out.contains("nonsense"), "{}", said.out);
    assert!(said.err.contains("has errors"), "{}", said.err);
    let named = program.expect(0, &["--journal", "outbound.db", "status"]);
    assert_eq!(named.out, said.out);
    let said = program.expect(3, &["reload"]);
    assert!(said.err.contains("nonsense"), "{}", said.err);
    run(&program, 0, &trigger(&CREATE));
    for words in [
        &["journal", "list"][..],
        &["users", "list"],
        &["connector", "list"],
        &["drain"],
        &["reconcile", "corp-scim/scim2"],
    ] {
        program.expect(0, words);
    }
    // No TOML at all: the journal is the one that its readable part names.
    std::fs::write(&path, format!("{good}\nnonsense\n")).unwrap();
    let renamed = ["user-updated", "kim", "--set", "lastname=Nguyen"];
    run(&program, 0, &trigger(&renamed));
    assert_eq!(service.stop(), Some(0));
    // Nobody works by the earlier file any more; what happened can be read all the same.
    run(&program, 3, &trigger(&["user-deleted", "kim"]));
    program.expect(3, &["status"]);
    program.expect(0, &["journal", "list"]);
    std::fs::remove_file(program.path().join("outbound.db")).unwrap();
    let said = program.expect(3, &["journal", "list"]);
    assert!(
        said.err.contains("cannot use workbench.toml"),
        "{}",
        said.err
    );
}

#[test]
fn a_file_with_errors_commands_no_engine_that_works_by_another() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let service = Service::start(&program);
    run(&program, 0, &trigger(&CREATE));
    // What names its journal is not understood, and the usual one is that of the other file's engine.
    let text = std::fs::read_to_string(program.path().join("workbench.toml")).unwrap();
    let named = "journal = \"outbound.db\"";
    for unreadable in ["journl = \"prod.db\"", "journal = 7"] {
        let broken = text.replacen(named, unreadable, 1);
        assert_ne!(broken, text);
        std::fs::write(program.path().join("prod.toml"), broken).unwrap();
        for words in [
            &["trigger", "user-deleted", "kim"][..],
            &["drain"],
            &["connector", "pause", "corp-scim/scim2"],
            &["reload"],
            &["status"],
        ] {
            let said = program.expect(3, &[&["--config", "prod.toml"][..], words].concat());
            assert!(said.err.contains("is asked nothing"), "{}", said.err);
            assert!(said.err.contains("workbench.toml"), "{}", said.err);
            assert_eq!(said.out, "");
        }
        let list = ["--config", "prod.toml", "connector", "list", "--json"];
        for connector in program.expect(0, &list).values() {
            assert_eq!(connector["in_force"], Value::Null, "{connector}");
        }
        // Named by hand it is no guess.
        let named = [
            "--config",
            "prod.toml",
            "--journal",
            "outbound.db",
            "status",
        ];
        program.expect(0, &named);
    }
    assert!(mocks.object("scim2", "kim").is_some());
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn the_limit_of_a_connector_is_told_as_the_running_engine_has_it() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let service = Service::start(&program);
    mocks.steer(&["arm", "scim2", "status:code=429,op=Users.create,times=1"]);
    run(&program, 0, &trigger(&CREATE));
    let told = || {
        let listed = program.expect(0, &["connector", "list", "--json"]).values();
        let mut listed = listed.into_iter();
        let scim = listed.find(|one| one["connector"] == "corp-scim/scim2");
        scim.unwrap()
    };
    let scim = told();
    assert_eq!(scim["in_force"]["refused"], 1, "{scim}");
    assert!(scim["in_force"]["rate"].is_number(), "{scim}");
    let listed = program.expect(0, &["connector", "list"]);
    assert!(listed.out.contains("; now "), "{}", listed.out);
    assert_eq!(service.stop(), Some(0));
    // What the next engine begins with is all that is known then.
    assert_eq!(told()["in_force"], Value::Null);
    let listed = program.expect(0, &["connector", "list"]);
    assert!(
        listed.out.contains("may have risen since"),
        "{}",
        listed.out
    );
}

#[test]
fn a_connector_that_there_is_not_is_said_to_be_none_and_each_refusal_has_its_own_advice() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    program.expect(0, &["drain"]); // makes the journal
    let by = ["--by", "Ada", "--reason", "it is meant"];
    let approve = [&["brake", "approve", "nope/x"], &by[..]].concat();
    let reject = [&["brake", "reject", "nope/x"], &by[..]].concat();
    let nope = [
        &["quarantine", "show", "nope/x"][..],
        &["quarantine", "probe", "nope/x"],
        &["quarantine", "release", "nope/x"],
        &["connector", "pause", "nope/x"],
        &["brake", "show", "nope/x"],
        &approve[..],
        &reject[..],
    ];
    for words in nope {
        let said = program.expect(2, words);
        for word in ["there is no connector nope/x", "outbound connector list"] {
            assert!(said.err.contains(word), "{words:?}: {}", said.err);
        }
    }
    let scim = "corp-scim/scim2";
    let said = program.expect(2, &["quarantine", "probe", scim]);
    assert!(
        said.err.contains("outbound quarantine list"),
        "{}",
        said.err
    );
    let long = [&["brake", "approve", scim, "--expires", "8d"], &by[..]].concat();
    let said = program.expect(2, &long);
    assert!(said.err.contains("--expires"), "{}", said.err);
    assert!(!said.err.contains("journal operations"), "{}", said.err);
    program.expect(0, &["quarantine", "show", scim]);
    program.expect(0, &["brake", "show", scim]);
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
    until("the request is under way", || {
        program.run(&in_flight).out.contains("corp-scim")
    });
    assert_eq!(service.stop(), Some(0));
    let settled = ["journal", "operations", "--state", "settled", "--json"];
    assert!(program.run(&settled).out.contains("corp-scim"));
    assert!(mocks.object("scim2", "kim").is_some());
}

#[test]
fn a_stop_takes_the_socket_away_before_it_waits_for_what_is_under_way() {
    let mocks = Mocks::start();
    mocks.steer(&["arm", "scim2", "latency:op=Users.create,times=1,delay=5s"]);
    let program = Program::shipped(&mocks);
    let path = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("blocking = true ", "blocking = false")).unwrap();
    let service = Service::start(&program);
    let words = [&CREATE[..], &["--no-wait"]].concat();
    run(&program, 6, &trigger(&words));
    let in_flight = ["journal", "operations", "--state", "in-flight", "--json"];
    let is_in_flight = || program.run(&in_flight).out.contains("corp-scim");
    until("the request is under way", is_in_flight);
    let socket = program.path().join("outbound.db.socket");
    assert!(socket.exists());
    service.signal("TERM");
    until("the socket is taken away", || !socket.exists());
    // Whoever comes now is told that the journal is taken, and does not ask an engine that answers nothing any more.
    let said = program.expect(4, &["connector", "pause", "acme-google/google"]);
    assert!(said.err.contains("is in use by process"), "{}", said.err);
    assert!(is_in_flight(), "it was waited for all the while");
    assert_eq!(service.stop(), Some(0));
    assert!(mocks.object("scim2", "kim").is_some());
}

#[test]
fn the_unit_gives_a_stop_more_time_than_it_takes() {
    let unit = std::fs::read_to_string(house().join("docs/outbound.service")).unwrap();
    let seconds = |before: &str| -> u64 {
        let (_, rest) = unit.split_once(before).unwrap();
        let digits = rest.chars().take_while(char::is_ascii_digit);
        digits.collect::<String>().parse().unwrap()
    };
    // Beside what is under way, the last traces (3 s) and the journal's log take a moment.
    assert!(seconds("TimeoutStopSec=") >= seconds("--stop-timeout ") + 10);
    // How it is told to read workbench.toml again depends on how it says that it has.
    for line in [
        "Type=notify\n",
        "ExecReload=/bin/kill -HUP $MAINPID\n",
        "WorkingDirectory=/var/lib/outbound\n",
        "StateDirectory=outbound\n",
    ] {
        assert!(unit.contains(line), "{line}");
    }
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
    let mut text = String::new();
    until("the counters have followed the commit", || {
        text = told();
        text.contains(done) && text.contains("outbound_retries_total")
    });
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

#[test]
fn what_writes_is_carried_out_by_the_running_engine() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
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
    let service = Service::start(&program);
    let seed = "[[users]]\nname = \"ann\"\nclaims = { lastname = \"Lee\" }\n";
    std::fs::write(program.path().join("seed.toml"), seed).unwrap();
    let said = program.expect(0, &["seed", "seed.toml", "--json"]).values();
    assert_eq!(
        (&said[0]["users"], &said[0]["kept"]),
        (&1.into(), &0.into())
    );
    std::fs::write(program.path().join("bad.toml"), "users = 3").unwrap();
    let said = program.expect(3, &["seed", "bad.toml"]);
    assert!(said.err.contains("bad.toml"), "{}", said.err);

    // One row is new, one is there already, one cannot be.
    let rows = "userName,lastname\nbob,Orr\nann,Lee\nNOWHERE/cyd,Ray\n";
    std::fs::write(program.path().join("users.csv"), rows).unwrap();
    let said = program.run(&["import", "csv", "users.csv", "--json"]);
    let report = said.values();
    assert_eq!(said.code, 1, "{}", said.err);
    for (key, count) in [("created", 1), ("skipped", 1), ("failed", 1), ("owed", 0)] {
        assert_eq!(report[0][key], count, "{key}: {}", said.out);
    }
    assert!(mocks.object("scim2", "bob").is_some());

    // Three refused credentials: a quarantine, left by its probe; its letters are tried again by themselves.
    mocks.steer(&["arm", "scim2", "status:code=401,op=Users.create,times=3"]);
    for name in ["dan", "eve", "fay"] {
        let create = ["user-created", name, "--claim", "lastname=Ng"];
        run(&program, 1, &trigger(&create));
    }
    let status = program.expect(0, &["status"]);
    let told = "corp-scim/scim2  in quarantine since ";
    assert!(status.out.contains(told), "{}", status.out);
    let status = program.expect(0, &["status", "--json"]).values().remove(0);
    assert_eq!(
        status["quarantines"][0]["connector"]["connection"],
        "corp-scim"
    );
    let probed = program.expect(0, &["quarantine", "probe", "corp-scim/scim2"]);
    assert!(probed.out.contains("sent to again"), "{}", probed.out);
    assert!(
        program
            .expect(2, &["quarantine", "release", "corp-scim/scim2"])
            .err
            .contains("not in quarantine")
    );

    // A dead letter decided anew, and one given up.
    mocks.steer(&["arm", "scim2", "status:code=400,op=Users.create,times=2"]);
    for name in ["gus", "hal"] {
        let create = ["user-created", name, "--claim", "lastname=Ng"];
        run(&program, 1, &trigger(&create));
    }
    let preview = program.expect(
        0,
        &["journal", "dead", "redo", "--name", "gus", "--preview"],
    );
    assert!(preview.out.contains("1 done"), "{}", preview.out);
    assert!(mocks.object("scim2", "gus").is_none());
    program.expect(0, &["journal", "dead", "redo", "--name", "gus"]);
    assert!(mocks.object("scim2", "gus").is_some());
    let why = ["--why", "a test"];
    program.expect(
        0,
        &[&["journal", "dead", "discard", "--name", "hal"], &why[..]].concat(),
    );
    let left = program.expect(0, &["journal", "dead"]);
    assert!(left.out.contains("no dead letters"), "{}", left.out);

    // The target was changed by somebody else: found and brought back; a link forgotten and made again.
    mocks.steer(&["snapshot", "scim2", "before"]);
    run(
        &program,
        0,
        &trigger(&["user-updated", "bob", "--set", "lastname=Ode"]),
    );
    mocks.steer(&["restore", "scim2", "before"]);
    let compare = ["reconcile", "corp-scim/scim2", "--patience", "0"];
    program.expect(8, &compare);
    program.expect(0, &["reconcile", "restore", "bob"]);
    assert_eq!(
        mocks.object("scim2", "bob").unwrap()["name"]["familyName"],
        "Ode"
    );
    program.expect(0, &compare);
    program.expect(0, &["links", "unlink", "corp-scim/scim2", "bob"]);
    let found = program
        .expect(8, &[&compare[..], &["--json"]].concat())
        .values();
    let orphan = found[0]["orphans"][0]["remote_id"]
        .as_str()
        .unwrap()
        .to_owned();
    program.expect(0, &["reconcile", "adopt", "corp-scim/scim2", &orphan]);
    // All links go with their connector only: as the engine has it, whatever another file says.
    let path = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let without = program.path().join("without.toml");
    std::fs::write(&without, text.replace("corp-scim", "corp-directory")).unwrap();
    let all = [
        "--config",
        "without.toml",
        "links",
        "unlink",
        "corp-scim/scim2",
        "--all",
    ];
    let said = program.expect(2, &all);
    assert!(said.err.contains("is configured"), "{}", said.err);
    let linked = program.expect(0, &["links", "list", "--connector", "corp-scim/scim2"]);
    assert!(linked.out.contains("bob"), "{}", linked.out);

    // A recorded request once more: the engine knows it as one.
    let listed = program.expect(0, &["journal", "exchanges", "--json", "--limit", "50"]);
    let read = listed
        .values()
        .into_iter()
        .find(|one| one["exchange"]["method"] == "GET");
    let number = read.unwrap()["seq"].to_string();
    let said = program.expect(0, &["replay", &number, "--json"]).values();
    assert_eq!(said[0]["exchange"]["purpose"], "replay");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_brake_is_approved_and_rejected_beside_a_running_engine() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    for (path, value) in [
        (
            "connections[id=acme-google].connectors[type=google].enabled",
            "false",
        ),
        (
            "resident.provisioners[connection=corp-scim].blocking",
            "false",
        ),
        ("engine.brakes.count", "1"),
    ] {
        program.expect(0, &["config", "set", path, value]);
    }
    let service = Service::start(&program);
    let names = ["kim", "bob", "ann", "dan"];
    for name in names {
        let create = ["user-created", name, "--claim", "lastname=Ng"];
        run(&program, 0, &trigger(&create));
    }
    for (name, code) in [("kim", 0), ("bob", 6), ("ann", 6)] {
        run(&program, code, &trigger(&["user-deleted", name]));
    }
    assert!(mocks.object("scim2", "bob").is_some());
    let by = ["--by", "Ada", "--reason", "it is meant"];
    let scim = ["corp-scim/scim2"];
    program.expect(
        2,
        &[&["brake", "approve", "acme-salesforce/salesforce"], &by[..]].concat(),
    );
    let said = program.expect(
        0,
        &[
            &["brake", "approve"],
            &scim[..],
            &by[..],
            &["--expires", "1s"],
        ]
        .concat(),
    );
    assert!(
        said.out.contains("to go on: 2 operations (deletes)"),
        "{}",
        said.out
    );
    assert!(mocks.object("scim2", "bob").is_none());
    assert_eq!(service.stop(), Some(0));
}
