//! Roles of the directory on the command line: created, renamed and deleted, and what becomes of their holders.

use crate::program::{Mocks, Program};
use crate::service::Service;

/// A workbench whose only provisioner is the SCIM2 one, for two roles.
fn program(mocks: &Mocks) -> Program {
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
        (
            "connections[id=corp-scim].outbound_roles",
            "[\"Internal/crew\", \"Internal/lead\"]",
        ),
        ("mocks.google.start", "false"),
        ("mocks.salesforce.start", "false"),
        ("mocks.scim2.start", "false"),
    ] {
        program.expect(0, &["config", "set", path, value]);
    }
    for name in ["kim", "bob"] {
        let claims = ["--claim", "lastname=Ng", "--claim", "givenname=K"];
        let words = [&["trigger", "user-created", name], &claims[..]].concat();
        program.expect(0, &words);
    }
    program
}

#[test]
fn a_role_brings_its_holders_and_takes_them_along_when_it_goes() {
    let mocks = Mocks::start();
    let program = program(&mocks);
    let is_there = |name: &str| mocks.object("scim2", name).is_some();
    let create = ["role-created", "crew", "--holder", "kim", "--holder", "bob"];
    let planned = program.expect(0, &[&["plan"], &create[..]].concat());
    assert!(planned.out.contains("role-assigned kim"), "{}", planned.out);
    assert!(!is_there("kim") && !is_there("bob"));
    let made = program.expect(0, &[&["trigger"], &create[..]].concat());
    assert!(
        made.out.contains("role Internal/crew was created"),
        "{}",
        made.out
    );
    assert!(is_there("kim") && is_there("bob"));
    let again = program.expect(2, &["trigger", "role-created", "Crew"]);
    assert!(
        again.err.contains("there is a role Internal/crew already"),
        "{}",
        again.err
    );
    let shown = program.expect(0, &["roles", "show", "crew", "--json"]);
    assert_eq!(
        shown.values()[0],
        serde_json::json!({ "role": "Internal/crew", "holders": ["bob", "kim"] })
    );

    // Kim has another role that the connection is for, Bob has not.
    program.expect(0, &["trigger", "role-assigned", "kim", "lead"]);
    let planned = program.expect(0, &["plan", "role-deleted", "crew"]);
    for told in [
        "deprovision bob",
        "unchanged",
        "role Internal/crew was deleted",
    ] {
        assert!(planned.out.contains(told), "{told}: {}", planned.out);
    }
    assert!(is_there("bob"), "only planned");
    let deleted = program.expect(0, &["trigger", "role-deleted", "crew", "--json"]);
    let flow = &deleted.values()[0];
    assert_eq!(flow["triggers"].as_array().unwrap().len(), 2, "{flow}");
    assert_eq!(flow["operations"].as_array().unwrap().len(), 1, "{flow}");
    assert!(is_there("kim") && !is_there("bob"));
    program.expect(2, &["roles", "show", "crew"]);

    // The connection asks for the old name.
    program.expect(0, &["trigger", "role-renamed", "lead", "boss"]);
    assert!(!is_there("kim"));
    let kim = program.expect(0, &["users", "show", "kim"]);
    assert!(kim.out.contains("Internal/boss"), "{}", kim.out);
    assert!(!kim.out.contains("Internal/lead"), "{}", kim.out);
}

#[test]
fn a_role_without_holders_is_told_and_another_process_engine_takes_it_too() {
    let mocks = Mocks::start();
    let program = program(&mocks);
    let planned = program.expect(0, &["plan", "role-created", "auditor"]);
    assert!(planned.out.contains("nobody holds it"), "{}", planned.out);
    let made = program.expect(0, &["trigger", "role-created", "auditor"]);
    for told in ["role Internal/auditor was created", "nobody holds it"] {
        assert!(made.out.contains(told), "{told}: {}", made.out);
    }
    let _service = Service::start(&program);
    let renamed = program.expect(0, &["trigger", "role-renamed", "auditor", "checker"]);
    let told = "role Internal/auditor was renamed Internal/checker";
    assert!(renamed.out.contains(told), "{}", renamed.out);
    program.expect(0, &["trigger", "role-deleted", "checker"]);
    let unknown = program.expect(2, &["trigger", "role-deleted", "checker"]);
    assert!(
        unknown.err.contains("there is no role Internal/checker"),
        "{}",
        unknown.err
    );
    let list = program.expect(0, &["roles", "list"]);
    assert!(!list.out.contains("checker"), "{}", list.out);
}
