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
fn a_small_budget_comes_to_the_end_of_a_target_bit_by_bit() {
    let mocks = Mocks::wearing(
        "name = \"small\"\nsummary = \"Pages of two.\"\n[lists]\ndefault_page = 2\nmax_page = 2\n",
    );
    let program = Program::shipped(&mocks);
    for name in ["ann", "bob", "cem", "dan", "eva"] {
        program.expect(
            0,
            &["trigger", "user-created", name, "--claim", "lastname=Ng"],
        );
    }
    let whole = compare(&program, 0);
    assert_eq!(whole["tally"]["compared"], 5);

    let small = ["reconcile", SCIM, "--patience", "0", "--budget", "1"];
    let first = program.expect(8, &small);
    assert!(first.out.contains("goes on there"), "{}", first.out);
    let second = program.expect(8, &small);
    assert!(second.out.contains("continued: begun"), "{}", second.out);
    let mut last = Value::Null;
    for _ in 0..20 {
        let said = program.run(&[&small[..], &["--json"]].concat());
        last = said.values().remove(0);
        assert!(last["tally"]["continued"].is_object(), "{last}");
        let goes_on = last["tally"]["goes_on"] == true;
        assert_eq!(said.code, if goes_on { 8 } else { 0 }, "{last}");
        if !goes_on {
            break;
        }
    }
    assert_eq!(last["tally"]["not_read"], Value::Null, "{last}");
    for count in ["accounts", "pages", "compared", "in_sync", "strangers"] {
        assert_eq!(last["tally"][count], whole["tally"][count], "{count}");
    }

    // By hand from the beginning; and when something else is compared by.
    program.expect(8, &small);
    let again = program.run(&[&small[..], &["--restart", "--json"]].concat());
    let again = again.values().remove(0);
    assert_eq!(again["tally"]["continued"], Value::Null);
    assert_eq!(again["tally"]["pages"], 1);
    let file = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("tenant_domain = \"", "tenant_domain = \"new.");
    std::fs::write(&file, text).unwrap();
    let anew = compare(&program, 0);
    assert_eq!(anew["tally"]["given_up"]["anew"], "configuration");
    assert_eq!(anew["tally"]["accounts"], whole["tally"]["accounts"]);
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
