//! The target is not as it was left: found, decided about, and everything else left alone.

use serde_json::Value;

use crate::program::{Mocks, Program};

const SCIM: &str = "corp-scim/scim2";

fn title(mocks: &Mocks) -> Value {
    mocks.object("scim2", "kim").unwrap()["title"].clone()
}

/// Compares at once: in a test nothing needs time to be shown.
fn compare(program: &Program, code: i32) -> Value {
    let words = ["reconcile", SCIM, "--patience", "0", "--json"];
    program.expect(code, &words).values().remove(0)
}

#[test]
fn a_change_at_the_target_is_found_and_brought_back() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let kim = [
        "user-created",
        "kim",
        "--claim",
        "lastname=Ng",
        "--claim",
        "title=Dr",
    ];
    program.expect(0, &[&["trigger"], &kim[..]].concat());
    mocks.steer(&["snapshot", "scim2", "before"]);
    let prof = ["trigger", "user-updated", "kim", "--set", "title=Prof"];
    program.expect(0, &prof);
    assert_eq!(compare(&program, 0)["tally"]["differing"], 0);

    // The target loses what was confirmed, as after a restored backup.
    mocks.steer(&["restore", "scim2", "before"]);
    assert_eq!(title(&mocks), "Dr");
    let young = program.expect(0, &["reconcile", SCIM]);
    assert!(young.out.contains("written only just now"), "{}", young.out);
    let report = compare(&program, 8);
    let field = &report["divergences"][0]["fields"][0];
    assert_eq!(
        (&field["field"], &field["drift"]),
        (&"title".into(), &"remote".into())
    );
    let listed = program.expect(8, &["reconcile", "list"]);
    assert!(listed.out.contains("title (remote)"), "{}", listed.out);
    assert_eq!(title(&mocks), "Dr", "comparing writes nothing");

    let said = program.expect(2, &["reconcile", "restore", "nobody"]);
    assert!(said.err.contains("no difference is known"), "{}", said.err);
    program.expect(0, &["reconcile", "restore", "kim", "--field", "title"]);
    assert_eq!(title(&mocks), "Prof");
    compare(&program, 0);
    program.expect(0, &["reconcile", "list"]);

    let budget = program.expect(8, &["reconcile", SCIM, "--budget", "1"]);
    assert!(
        budget.out.contains("not everything was read"),
        "{}",
        budget.out
    );
}

#[test]
fn a_link_is_lost_found_and_made_again() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    program.expect(
        0,
        &["trigger", "user-created", "kim", "--claim", "lastname=Ng"],
    );
    let before = compare(&program, 0)["tally"]["strangers"].clone();
    program.expect(0, &["links", "unlink", SCIM, "kim"]);
    let report = compare(&program, 8);
    let orphan = &report["orphans"][0];
    assert_eq!(
        (&orphan["remote_name"], &orphan["whose"]),
        (&"kim".into(), &"ours".into())
    );
    assert_eq!(
        report["tally"]["strangers"], before,
        "the others are not ours"
    );
    let id = orphan["remote_id"].as_str().unwrap();
    let shown = program.expect(8, &["reconcile", "take-away", SCIM, id]);
    assert!(shown.out.contains("--yes"), "{}", shown.out);
    let refused = program.expect(2, &["reconcile", "take-away", SCIM, id, "--yes"]);
    assert!(refused.err.contains("should be there"), "{}", refused.err);
    let nobody = program.expect(2, &["links", "link", SCIM, "kim", "no-such-id"]);
    assert!(
        nobody.err.contains("no account of the id"),
        "{}",
        nobody.err
    );
    program.expect(0, &["links", "link", SCIM, "kim", id]);
    let taken = program.expect(2, &["links", "link", SCIM, "kim", id]);
    assert!(taken.err.contains("already"), "{}", taken.err);
    compare(&program, 0);
    assert!(mocks.object("scim2", "kim").is_some());
}
