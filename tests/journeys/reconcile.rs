//! The target is not as it was left: found, decided about, and everything else left alone.

use serde_json::Value;

use crate::program::{Mocks, Program, Said, until};

const SCIM: &str = "corp-scim/scim2";
const GOOGLE: &str = "acme-google/google";

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
fn several_targets_come_to_their_ends_one_after_another_with_a_small_budget() {
    let mocks = Mocks::wearing(
        "name = \"small\"\nsummary = \"Pages of two.\"\n[lists]\ndefault_page = 2\nmax_page = 2\n",
    );
    let program = Program::shipped(&mocks);
    let names = [
        "ann", "bob", "cem", "dan", "eva", "fay", "gus", "hal", "ina",
    ];
    let rows = names.map(|name| format!("{name},Ng,Kim\n")).concat();
    let file = format!("userName,lastname,givenname\n{rows}");
    std::fs::write(program.path().join("users.csv"), file).unwrap();
    program.expect(0, &["import", "csv", "users.csv"]);

    let words = [
        "reconcile",
        GOOGLE,
        SCIM,
        "--patience",
        "0",
        "--budget",
        "4",
    ];
    let compare = |more: &[&str]| program.run(&[&words[..], more].concat());
    let first = compare(&["--json"]).values();
    assert_eq!(first[0]["tally"]["not_read"], Value::Null, "{first:?}");
    assert_eq!(first[1]["tally"]["goes_on"], true, "{first:?}");
    for _ in 0..20 {
        let said = compare(&["--continue", "--json"]);
        let reports = said.values();
        if reports.is_empty() {
            let said = compare(&["--continue"]);
            assert_eq!(said.code, 0, "{said:?}");
            assert_eq!(said.out.matches("came to its end").count(), 2, "{said:?}");
            return;
        }
        assert_eq!(reports.len(), 1, "who has finished is left out");
        let tally = &reports[0]["tally"];
        assert!(tally["continued"].is_object(), "{tally}");
    }
    panic!("it comes to no end");
}

#[test]
fn what_is_decided_about_one_field_is_about_that_field_alone() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let create = ["trigger", "user-created", "kim"];
    let claims = ["lastname=Ng", "givenname=Kim", "title=Dr"].map(|claim| ["--claim", claim]);
    program.expect(0, &[&create[..], &claims.concat()[..]].concat());
    for mock in ["scim2", "google"] {
        mocks.steer(&["snapshot", mock, "before"]);
    }
    let update = ["trigger", "user-updated", "kim"];
    let sets = ["lastname=Nguyen", "title=Prof"].map(|claim| ["--set", claim]);
    program.expect(0, &[&update[..], &sets.concat()[..]].concat());
    for mock in ["scim2", "google"] {
        mocks.steer(&["restore", mock, "before"]);
    }
    program.expect(8, &["reconcile", SCIM, GOOGLE, "--patience", "0"]);

    let accept = |field| ["reconcile", "accept", "kim", "--field", field];
    let typo = program.expect(2, &accept("nonsense"));
    assert!(
        typo.err.contains("nonsense does not differ"),
        "{}",
        typo.err
    );
    assert!(typo.err.contains("title"), "{}", typo.err);
    // Both accounts have another last name, and one of them another title.
    let preview = program.expect(8, &accept("name.familyName"));
    for connector in [SCIM, GOOGLE] {
        assert!(preview.out.contains(connector), "{}", preview.out);
    }
    assert!(!preview.out.contains("title"), "{}", preview.out);
    let done = program.expect(0, &accept("title"));
    let told = format!("{SCIM}  user kim  accept title");
    assert_eq!(done.out.trim_end(), told);
    for connector in [SCIM, GOOGLE] {
        let left = program.expect(8, &["reconcile", "list", "--connector", connector]);
        assert!(left.out.contains("name.familyName"), "{}", left.out);
        assert!(!left.out.contains("title"), "{}", left.out);
    }
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
    let because = orphan["because"].as_str().unwrap();
    assert!(because.contains("user kim"), "{because}");
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
    program.expect(0, &["links", "unlink", SCIM, "kim"]);
    let adopted = program.expect(0, &["reconcile", "adopt", SCIM, id]);
    let told = "user kim is linked to kim";
    assert!(adopted.out.contains(told), "{}", adopted.out);
    compare(&program, 0);
    assert!(mocks.object("scim2", "kim").is_some());
}

#[test]
#[cfg(unix)]
fn a_comparison_that_a_signal_stops_says_so_and_where_it_goes_on() {
    use std::process::{Command, Stdio};

    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    mocks.steer(&["arm", "scim2", "latency:op=Users.list,times=1,delay=20s"]);
    let comparing = program
        .command(&["reconcile", SCIM])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the target is being read", || {
        let faults = mocks.steer(&["faults", "scim2"]);
        let mut armed = faults[0]["armed"].as_array().unwrap().iter();
        armed.all(|fault| fault["acted"] != 0)
    });
    let sent = Command::new("kill")
        .args(["-TERM", &comparing.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let said: Said = comparing.wait_with_output().unwrap().into();
    assert_eq!(said.code, 130, "{}\n{}", said.out, said.err);
    for word in ["stopped by a signal", "goes on there"] {
        assert!(said.err.contains(word), "{word}: {}", said.err);
    }
}

#[test]
fn a_membership_that_a_link_leaves_owed_is_told_by_the_exit_code() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    for name in ["kim", "lee"] {
        let came = ["trigger", "user-created", name, "--claim", "lastname=Ng"];
        program.expect(0, &came);
    }
    program.expect(0, &["trigger", "group-created", "staff"]);
    let links = program.expect(0, &["links", "list", "--connector", SCIM, "--json"]);
    let links = links.values();
    let id = |name: &str| {
        let link = links.iter().find(|link| link["remote_name"] == name);
        link.unwrap()["remote_id"].as_str().unwrap()
    };
    for name in ["kim", "lee"] {
        program.expect(0, &["links", "unlink", SCIM, name]);
        // Who has no account there is left out of the group there.
        program.expect(0, &["trigger", "group-changed", "staff", "--add", name]);
    }
    for (count, words) in [
        (1, &["links", "link", SCIM, "kim", id("kim")][..]),
        (2, &["reconcile", "adopt", SCIM, id("lee")][..]),
    ] {
        let said = program.expect(6, words);
        assert!(said.out.contains("outbound drain"), "{}", said.out);
        program.expect(0, &["drain"]);
        let staff = mocks.object("scim2", "staff").unwrap();
        let members = staff["members"].as_array().unwrap();
        assert_eq!(members.len(), count, "{staff}");
        let last = words.last().unwrap();
        assert!(
            members.iter().any(|member| member["value"] == *last),
            "{staff}"
        );
    }
}
