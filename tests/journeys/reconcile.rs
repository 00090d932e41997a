//! The target is not as it was left: found, decided about, and everything else left alone.

use serde_json::Value;

use crate::program::{Mocks, Program};

const SCIM: &str = "corp-scim/scim2";

/// Compares at once: in a test nothing needs time to be shown.
fn compare(program: &Program, code: i32) -> Value {
    let words = ["reconcile", SCIM, "--patience", "0", "--json"];
    program.expect(code, &words).values().remove(0)
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
