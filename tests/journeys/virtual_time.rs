//! A month on the virtual clock: what is counted is the journal's time, never ours.

use jiff::Timestamp;
use serde_json::Value;

use crate::program::{Program, house};

/// The seconds from the first attempt, of every attempt of one user's operation.
fn attempts(journal: &[Value], name: &str) -> Vec<i64> {
    let operation = journal
        .iter()
        .filter(|record| record["fact"]["fact"] == "operation-queued")
        .find(|record| record["fact"]["queued"]["name"] == name)
        .map(|record| &record["fact"]["queued"]["operation"])
        .unwrap();
    let at: Vec<Timestamp> = journal
        .iter()
        .filter(|record| {
            record["fact"]["fact"] == "attempt-started" && record["fact"]["operation"] == *operation
        })
        .map(|record| record["at"].as_str().unwrap().parse().unwrap())
        .collect();
    at.iter()
        .map(|now| now.as_second() - at[0].as_second())
        .collect()
}

#[test]
fn a_month_of_retries_is_made_at_the_ladders_times_and_at_no_other() {
    let program = Program::with("");
    let scenario = house().join("fixtures/scenarios/28-days.toml");
    let said = program.run(&["run", scenario.to_str().unwrap(), "--keep", "kept"]);
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    let export = ["--journal", "kept/28-days/journal.db", "journal", "export"];
    let journal = program.expect(0, &export).values();
    let mut ladder = vec![0, 1, 6, 36, 156, 756, 4356, 25_956, 69_156];
    let day = 86_400;
    ladder.extend((1..=27).map(|days| 69_156 + days * day));
    ladder.push(28 * day);
    assert_eq!(attempts(&journal, "eli"), ladder);
    assert_eq!(attempts(&journal, "dora"), ladder[..11]);
}

#[test]
fn a_blocking_callers_patience_and_a_mocks_delay_pass_on_the_same_clock() {
    let program = Program::with("");
    std::fs::write(
        program.path().join("slow.toml"),
        r#"
title = "slow"
clock = "virtual"
overrides = [{ path = "connections[id=acme-google].connectors[type=google].enabled", value = false }]
[[steps]]
name = "the target needs five minutes, the caller has twenty seconds"
fault = { target = "scim2", spec = "latency:op=Users.create,times=1,delay=5m" }
trigger = { kind = "user-created", user = "kim", claims = { givenname = "Kim", lastname = "Ng", emailaddress = "kim@acme.example" } }
[steps.expect]
caller = "rejected"
lasts = "5m"
[[steps]]
name = "what was made all the same is taken away again"
advance = "1h"
[steps.expect]
lasts = "1h"
[[steps.expect.target]]
target = "scim2"
name = "kim"
present = false
"#,
    )
    .unwrap();
    let said = program.run(&["run", "slow.toml", "--keep", "kept"]);
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    let export = ["--journal", "kept/slow/journal.db", "journal", "export"];
    let journal = program.expect(0, &export).values();
    let at = |fact: &str| -> Timestamp {
        let found = journal.iter().find(|record| record["fact"]["fact"] == fact);
        found.unwrap()["at"].as_str().unwrap().parse().unwrap()
    };
    let waited = at("caller-released").duration_since(at("trigger-recorded"));
    assert_eq!(waited.as_secs(), 20);
}

#[test]
fn time_is_moved_on_the_virtual_clock_only() {
    let program = Program::with("");
    let scenario = "title = \"x\"\n[[steps]]\nname = \"y\"\nadvance = \"3d\"\n";
    std::fs::write(program.path().join("x.toml"), scenario).unwrap();
    let said = program.expect(3, &["run", "x.toml"]);
    assert!(said.err.contains("clock = \"virtual\""), "{}", said.err);
}
