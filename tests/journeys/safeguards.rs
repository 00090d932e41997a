//! Quarantine, brakes and dead letters by hand: each command a process of its own, as an administrator types them.

use crate::program::{Mocks, Program};

fn create(program: &Program, name: &str) -> i32 {
    let mail = format!("emailaddress={name}@acme.example");
    let said = program.run(&[
        "trigger",
        "user-created",
        name,
        "--claim",
        "lastname=Ng",
        "--claim",
        "givenname=K",
        "--claim",
        &mail,
    ]);
    said.code
}

/// A workbench whose only provisioner is the SCIM2 one, and does not block.
fn scim_only(mocks: &Mocks) -> Program {
    let program = Program::shipped(mocks);
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
    program
}

#[test]
fn a_quarantine_names_its_requests_keeps_the_work_and_is_probed_by_hand() {
    let mocks = Mocks::start();
    let program = scim_only(&mocks);
    mocks.steer(&["arm", "scim2", "status:code=401,op=Users.create,times=3"]);
    for name in ["kim", "bob", "ann"] {
        assert_eq!(create(&program, name), 1, "{name}");
    }
    let list = program.expect(0, &["quarantine", "list", "--json"]);
    assert!(
        list.values()[0]["connector"]["connection"] == "corp-scim",
        "{}",
        list.out
    );
    let shown = program.expect(0, &["quarantine", "show", "corp-scim/scim2"]);
    for word in [
        "kim",
        "bob",
        "ann",
        "401",
        "POST",
        "/scim/v2/Users",
        "probe",
    ] {
        assert!(shown.out.contains(word), "{word}: {}", shown.out);
    }
    assert_eq!(create(&program, "eve"), 6, "kept, and said so");
    let said = program.expect(0, &["quarantine", "probe", "corp-scim/scim2"]);
    assert!(said.out.contains("is sent to again"), "{}", said.out);
    let names = mocks.names("scim2", "User");
    for name in ["kim", "bob", "ann", "eve"] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
    let list = program.expect(0, &["quarantine", "list"]);
    assert!(list.out.contains("no connector is in quarantine"));
    let groups = program.expect(0, &["journal", "dead"]);
    assert!(groups.out.contains("no dead letters"), "{}", groups.out);
}

#[test]
fn a_brake_keeps_counting_over_processes_and_goes_on_in_somebodys_name() {
    let mocks = Mocks::start();
    let program = scim_only(&mocks);
    program.expect(0, &["config", "set", "engine.brakes.count", "1"]);
    program.expect(0, &["config", "set", "engine.brakes.percent", "0"]);
    for name in ["kim", "bob", "ann"] {
        assert_eq!(create(&program, name), 0, "{name}");
    }
    program.expect(0, &["trigger", "user-deleted", "kim"]);
    let plan = program.run(&["plan", "user-deleted", "bob"]);
    assert!(plan.out.contains("brake-engaged"), "{}", plan.out);
    for name in ["bob", "ann"] {
        let said = program.expect(6, &["trigger", "user-deleted", name]);
        assert!(said.out.contains("held"), "{}", said.out);
    }
    assert!(mocks.object("scim2", "bob").is_some());
    let shown = program.expect(0, &["brake", "show", "corp-scim/scim2"]);
    assert!(
        shown.out.contains("bob") && shown.out.contains("ann"),
        "{}",
        shown.out
    );
    let nobody = program.run(&["brake", "approve", "corp-scim/scim2", "--reason", "x"]);
    assert_eq!(nobody.code, 2);
    program.expect(
        0,
        &[
            "brake",
            "approve",
            "corp-scim/scim2",
            "--by",
            "Ada Admin",
            "--reason",
            "leavers",
            "--expires",
            "30m",
        ],
    );
    assert!(mocks.object("scim2", "bob").is_none());
    assert!(mocks.object("scim2", "ann").is_none());
    let list = program.expect(0, &["brake", "list"]);
    assert!(list.out.contains("approved by Ada Admin"), "{}", list.out);
    let log = program.expect(0, &["journal", "export"]);
    assert!(log.out.contains("brake-approved"));
}

#[test]
fn dead_letters_are_told_by_cause_and_decided_anew_after_the_user_was_put_right() {
    let mocks = Mocks::start();
    let program = scim_only(&mocks);
    mocks.steer(&["arm", "scim2", "status:code=400,op=Users.create,times=2"]);
    for name in ["kim", "bob"] {
        assert_eq!(create(&program, name), 1, "{name}");
    }
    let groups = program.expect(0, &["journal", "dead", "--json"]);
    let groups = groups.values();
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!(groups[0]["count"], 2);
    let group = groups[0]["group"].as_str().unwrap().to_owned();
    let refused = program.run(&["journal", "dead", "retry"]);
    assert_eq!(refused.code, 2, "nobody means all without saying so");
    let preview = program.expect(
        0,
        &["journal", "dead", "retry", "--group", &group, "--preview"],
    );
    assert!(preview.out.contains("nothing was done"), "{}", preview.out);
    let redo = program.expect(0, &["journal", "dead", "redo", "--group", &group]);
    assert!(redo.out.contains("2 done"), "{}", redo.out);
    assert!(mocks.object("scim2", "kim").is_some());
    assert!(mocks.object("scim2", "bob").is_some());
    let groups = program.expect(0, &["journal", "dead"]);
    assert!(groups.out.contains("no dead letters"), "{}", groups.out);
}

#[test]
fn a_dead_letter_of_a_refused_request_is_given_up_when_it_is_decided_anew() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    mocks.steer(&["arm", "scim2", "status:code=400,op=Users.create,times=1"]);
    assert_eq!(create(&program, "kim"), 5, "refused");
    let redo = ["journal", "dead", "redo", "--all"];
    let preview = program.expect(0, &[&redo[..], &["--preview"]].concat());
    assert!(preview.out.contains("was refused"), "{}", preview.out);
    let letters = program.expect(0, &["journal", "dead", "--json"]).values();
    assert_eq!(letters.len(), 1, "a preview does nothing");
    let retried = program.expect(1, &["journal", "dead", "retry", "--all"]);
    assert!(retried.out.contains("discard"), "{}", retried.out);
    let redone = program.expect(0, &redo);
    assert!(redone.out.contains("1 done"), "{}", redone.out);
    let left = program.expect(0, &["journal", "dead"]);
    assert!(left.out.contains("no dead letters"), "{}", left.out);
}
