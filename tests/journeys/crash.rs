//! The process is killed at the worst moment; afterwards there is one account, not none and not two.

use std::process::Stdio;
use std::time::Duration;

use crate::program::{Mocks, Program};

fn unblocked(mocks: &Mocks) -> Program {
    let program = Program::shipped(mocks);
    let path = program.path().join("workbench.toml");
    // What is in flight when the process is killed is asked about once this time has passed.
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("blocking = true ", "blocking = false")
        .replace("request_timeout = \"10s\"", "")
        .replace("\n  type = ", "\n  request_timeout = \"4s\"\n  type = ");
    std::fs::write(&path, text).unwrap();
    program
}

/// Starts a trigger and kills it as soon as its operation at SCIM2 is in flight.
fn kill_in_flight(program: &Program, words: &[&str]) {
    let mut child = program
        .command(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        let said = program.run(&["journal", "operations", "--state", "in-flight", "--json"]);
        if said.out.contains("corp-scim") {
            child.kill().unwrap();
            child.wait().unwrap();
            return;
        }
        assert!(
            child.try_wait().unwrap().is_none(),
            "the trigger ended before it could be killed"
        );
        std::thread::sleep(Duration::from_millis(5)); // between two looks, not instead of one
    }
    panic!("the operation was never in flight");
}

/// Returns how many creates the mock has worked on.
fn creates(mocks: &Mocks) -> usize {
    let log = mocks.steer(&["log", "scim2"]);
    let seen = log
        .iter()
        .filter(|entry| entry["operation"] == "Users.create");
    seen.count()
}

#[test]
fn killed_while_the_target_works_leaves_exactly_one_account() {
    let mocks = Mocks::start();
    mocks.steer(&["arm", "scim2", "latency:op=Users.create,nth=1,delay=1500ms"]);
    let program = unblocked(&mocks);
    let create = [
        "trigger",
        "user-created",
        "kim",
        "--claim",
        "lastname=Ng",
        "--claim",
        "givenname=Kim",
    ];
    kill_in_flight(&program, &create);
    let said = program.expect(0, &["drain"]);
    // The dead process's own request was the only one: the next process asked when it had been carried out.
    assert_eq!(creates(&mocks), 1, "{}", said.out);
    let count = |mock: &str, name: &str| {
        let names = mocks.names(mock, "User");
        names.iter().filter(|held| *held == name).count()
    };
    assert_eq!(count("scim2", "kim"), 1, "{}", said.out);
    assert_eq!(count("google", "primary-kim@acme.example"), 1);
    // The link points at that account: an update changes it, and a delete takes it away.
    program.expect(
        0,
        &["trigger", "user-updated", "kim", "--set", "lastname=Nguyen"],
    );
    assert_eq!(
        mocks.object("scim2", "kim").unwrap()["name"]["familyName"],
        "Nguyen"
    );
    program.expect(0, &["trigger", "user-deleted", "kim"]);
    assert!(mocks.object("scim2", "kim").is_none());
}

#[test]
fn a_password_is_lost_with_the_process_and_the_trace_says_so() {
    let mocks = Mocks::start();
    mocks.steer(&["arm", "scim2", "status:code=503,op=Users.create,times=1"]);
    let program = unblocked(&mocks);
    let said = program.run_with_line(
        &[
            "trigger",
            "user-created",
            "kim",
            "--claim",
            "lastname=Ng",
            "--claim",
            "givenname=Kim",
            "--password-stdin",
            "--wait",
            "0",
        ],
        "Secret-of-kim-1",
    );
    assert!(matches!(said.code, 0 | 6), "{}\n{}", said.out, said.err);
    program.expect(0, &["drain"]);
    let said = program.expect(0, &["journal", "show"]);
    assert!(said.out.contains("random after restart"), "{}", said.out);
    assert!(mocks.object("scim2", "kim").is_some());
}

#[test]
fn two_processes_cannot_work_on_one_journal() {
    let mocks = Mocks::start();
    mocks.steer(&["arm", "scim2", "latency:op=Users.create,times=1,delay=2s"]);
    let program = unblocked(&mocks);
    let mut child = program
        .command(&["trigger", "user-created", "kim", "--claim", "lastname=Ng"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !program
        .run(&["journal", "operations", "--state", "in-flight", "--json"])
        .out
        .contains("corp-scim")
    {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the first process ended early"
        );
    }
    let second = program.run(&["trigger", "user-deleted", "nobody"]);
    assert_eq!(second.code, 4, "{}\n{}", second.out, second.err);
    assert!(second.err.contains("in use"), "{}", second.err);
    // Reading goes on.
    program.expect(0, &["journal", "list"]);
    child.wait().unwrap();
}

#[test]
fn after_kills_and_faults_the_targets_hold_what_the_directory_says() {
    let program = Program::with("");
    let campaign = [
        "bench", "crash", "--runs", "1", "--kills", "3", "--seed", "7", "--json",
    ];
    let said = program.run(&campaign);
    assert!(matches!(said.code, 0 | 1), "{}\n{}", said.out, said.err);
    let run = &said.values()[0];
    assert_eq!(run["kills"], 3);
    assert!(run["operations"].as_u64().unwrap() > 50, "{run}");
    for wrong in [
        "lost",
        "duplicated",
        "ghosts",
        "order_violations",
        "open",
        "dead",
    ] {
        assert_eq!(run[wrong], 0, "{run}");
    }
}
