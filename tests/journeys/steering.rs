//! The commands around the engine: mocks, configuration, import, exports.

use crate::program::{Mocks, Program, house};

#[test]
fn without_a_command_it_says_how_to_begin() {
    let program = Program::with("");
    let said = program.expect(0, &[]);
    assert!(
        said.out
            .contains("outbound run fixtures/scenarios/tour.toml"),
        "{}",
        said.out
    );
    assert!(program.expect(0, &["--help"]).out.contains("trigger"));
    assert!(
        program
            .expect(2, &["trigger", "user-crated", "kim"])
            .err
            .contains("user-created")
    );
}

#[test]
fn a_mock_is_steered_from_another_process() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    assert_eq!(
        mocks.steer(&["faults", "scim2"])[0]["armed"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    mocks.steer(&["arm", "scim2", "drop-after:op=Users.create,times=1"]);
    assert_eq!(
        mocks.steer(&["faults", "scim2"])[0]["armed"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    mocks.steer(&["snapshot", "scim2", "before"]);
    let said = program.expect(
        0,
        &[
            "trigger",
            "user-created",
            "kim",
            "--claim",
            "lastname=Ng",
            "--claim",
            "givenname=K",
            "--trace",
        ],
    );
    assert!(
        said.out.contains("asked: it has the account"),
        "{}",
        said.out
    );
    assert_eq!(
        mocks.steer(&["faults", "scim2"])[0]["armed"]
            .as_array()
            .unwrap()
            .len(),
        0,
        "it disarms itself"
    );
    assert_eq!(
        mocks
            .names("scim2", "User")
            .iter()
            .filter(|name| *name == "kim")
            .count(),
        1
    );
    assert!(
        mocks
            .steer(&["log", "scim2"])
            .iter()
            .any(|entry| entry["operation"] == "Users.create")
    );
    mocks.steer(&["restore", "scim2", "before"]);
    assert!(mocks.object("scim2", "kim").is_none());
    mocks.steer(&["disarm", "scim2"]);
    mocks.steer(&["reset", "scim2"]);
}

#[test]
fn a_workbench_replaces_the_note_of_mocks_that_are_gone_and_leaves_anothers_alone() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let file = program.path().join("workbench.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    for port in ["9101", "9102", "9103"] {
        text = text.replace(&format!("port = {port}"), "port = 0");
    }
    std::fs::write(&file, text).unwrap();
    // What a workbench leaves that is killed: nobody listens there any more.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/_mock", gone.local_addr().unwrap());
    drop(gone);
    let note = program.path().join(".outbound/mocks.json");
    std::fs::create_dir_all(program.path().join(".outbound")).unwrap();
    let control = serde_json::json!({ "url": url, "authorization": "Bearer made-up" });
    let left = serde_json::json!([{ "mock": "scim2", "control": control }]);
    std::fs::write(&note, left.to_string()).unwrap();
    program.expect(7, &["mock", "faults", "scim2"]);

    let mut workbench = program
        .command(&["--plain"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while program.run(&["mock", "faults", "scim2"]).code != 0 {
        assert!(workbench.try_wait().unwrap().is_none(), "it is open");
    }

    // Others were noted in their place: that is not the workbench's to remove.
    std::fs::write(&note, "[]").unwrap();
    drop(workbench.stdin.take());
    assert_eq!(workbench.wait().unwrap().code(), Some(0));
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "[]");
}

#[test]
fn a_mock_is_not_exposed_by_accident() {
    let program =
        Program::with("[organization]\nname = \"Acme\"\ntenant_domain = \"acme.example\"\n");
    let said = program.run(&["mock", "scim2", "--listen", "0.0.0.0:0"]);
    assert_ne!(said.code, 0);
    assert!(said.err.contains("--expose"), "{}", said.err);
}

#[test]
fn the_shipped_configuration_has_no_mistakes_and_no_doubts() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let said = program.expect(0, &["check", "--strict"]);
    assert!(said.out.contains("0 mistakes, 0 doubts"), "{}", said.out);
    let said = program.expect(0, &["check", "--targets"]);
    assert!(
        said.out.contains("acme-google/google") && said.out.contains("acme-salesforce/salesforce"),
        "{}",
        said.out
    );
}

#[test]
fn what_the_journal_knows_of_a_connection_that_is_gone_is_told_with_the_way_out_of_it() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let set = |path: &str, value: &str| {
        program.expect(0, &["config", "set", path, value]);
    };
    set(
        "resident.provisioners[connection=corp-scim].blocking",
        "false",
    );
    for name in ["kim", "lee"] {
        let came = ["trigger", "user-created", name];
        let claims = ["--claim", "lastname=Ng", "--claim", "givenname=K"];
        program.expect(0, &[&came[..], &claims[..]].concat());
    }
    // Lee leaves while nothing is sent there; the account stays, and is let go of by its id.
    let enabled = "connections[id=corp-scim].connectors[type=scim2].enabled";
    set(enabled, "false");
    program.expect(0, &["trigger", "user-deleted", "lee"]);
    set(enabled, "true");
    let left = program
        .expect(0, &["links", "leftover", "--json"])
        .values()
        .remove(0);
    // When Lee left, and not when the account came.
    let flows = program.expect(0, &["journal", "list", "--json"]).values();
    assert_eq!(flows[0]["triggers"][0]["kind"], "user-deleted");
    assert_eq!(left["since"], flows[0]["triggers"][0]["at"]);
    assert_ne!(left["since"], left["link"]["since"]);
    let lee = left["link"]["remote_id"].as_str().unwrap().to_owned();
    let by_id = [
        "links",
        "unlink",
        "corp-scim/scim2",
        "--account",
        lee.as_str(),
    ];
    program.expect(0, &by_id);
    program.expect(2, &by_id);
    let left = program.expect(0, &["links", "leftover"]);
    assert!(
        left.out.contains("no account was left behind"),
        "{}",
        left.out
    );

    let all = ["links", "unlink", "corp-scim/scim2", "--all"];
    let said = program.expect(2, &all);
    assert!(said.err.contains("is configured"), "{}", said.err);
    let path = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("corp-scim", "corp-directory")).unwrap();
    let said = program.expect(0, &["check"]);
    for told in [
        "the journal knows corp-scim/scim2, which is not configured any more: 1 linked account",
        "`outbound links unlink corp-scim/scim2 --all`",
    ] {
        assert!(said.out.contains(told), "{}", said.out);
    }
    let said = program.expect(0, &all);
    assert!(said.out.contains("kim is linked to kim"), "{}", said.out);
    let said = program.expect(0, &["check", "--strict"]);
    assert!(said.out.contains("0 mistakes, 0 doubts"), "{}", said.out);
    assert!(mocks.object("scim2", "kim").is_some());
}

#[test]
fn a_value_is_changed_and_everything_else_stays_to_the_letter() {
    let text = std::fs::read_to_string(house().join("workbench.toml")).unwrap();
    let program = Program::with(&text);
    program.expect(
        0,
        &[
            "config",
            "set",
            "connections[id=corp-scim].connectors[type=scim2].enabled",
            "false",
        ],
    );
    let changed = std::fs::read_to_string(program.path().join("workbench.toml")).unwrap();
    let differing: Vec<(&str, &str)> = text
        .lines()
        .zip(changed.lines())
        .filter(|(before, after)| before != after)
        .collect();
    assert_eq!(differing.len(), 1, "{differing:?}");
    assert_eq!(text.lines().count(), changed.lines().count());
    let said = program.expect(3, &["config", "set", "engine.concurrency", "\"many\""]);
    assert!(said.err.contains("concurrency"), "{}", said.err);
    assert_eq!(
        std::fs::read_to_string(program.path().join("workbench.toml")).unwrap(),
        changed,
        "nothing was written"
    );
}

#[test]
fn a_plan_writes_nothing_and_sends_nothing() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let said = program.expect(
        0,
        &[
            "plan",
            "user-created",
            "kim",
            "--claim",
            "lastname=Ng",
            "--claim",
            "givenname=Kim",
        ],
    );
    for step in [
        "1 event", "2 level", "3 scope", "4 match", "5 map", "6 shape",
    ] {
        assert!(said.out.contains(step), "{step}: {}", said.out);
    }
    assert!(mocks.object("scim2", "kim").is_none());
    let said = program.expect(4, &["users", "list"]);
    assert!(said.err.contains("does not exist yet"), "{}", said.err);
}

#[cfg(unix)]
#[test]
fn the_journal_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    program.expect(
        0,
        &["trigger", "user-created", "kim", "--claim", "lastname=Ng"],
    );
    let mode = std::fs::metadata(program.path().join("outbound.db"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_import_reports_each_row_and_can_be_repeated() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    std::fs::write(
        program.path().join("people.csv"),
        "userName,store,givenname,lastname,emailaddress\n\
         kim,,Kim,Ng,kim@acme.example\n\
         bob,NOWHERE,Bob,Lee,bob@acme.example\n\
         \"o\"\"brien\",,Pat,O'Brien,pat@acme.example\n",
    )
    .unwrap();
    let said = program.expect(1, &["import", "csv", "people.csv"]);
    assert!(
        said.err.contains("row 2 (NOWHERE/bob)") || said.err.contains("row 2 (bob)"),
        "{}",
        said.err
    );
    assert!(said.out.contains("3 rows: 2 created"), "{}", said.out);
    assert!(mocks.object("scim2", "kim").is_some() && mocks.object("scim2", "o\"brien").is_some());
    let said = program.expect(1, &["import", "csv", "people.csv"]);
    assert!(said.out.contains("2 were there already"), "{}", said.out);
    assert_eq!(
        mocks
            .names("scim2", "User")
            .iter()
            .filter(|name| *name == "kim")
            .count(),
        1
    );
}

#[test]
fn exports_are_what_other_tools_read() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    program.expect(
        0,
        &[
            "trigger",
            "user-created",
            "kim",
            "--claim",
            "lastname=Ng",
            "--claim",
            "givenname=Kim",
        ],
    );
    let facts = program.expect(0, &["journal", "export"]).values();
    assert!(
        facts
            .iter()
            .any(|fact| fact.to_string().contains("trigger-recorded"))
    );
    let har = program
        .expect(0, &["journal", "export", "--format", "har"])
        .values()
        .remove(0);
    let entries = har["log"]["entries"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["request"]["method"] == "POST" && entry["response"]["status"] == 201));
    let curl = program
        .expect(0, &["journal", "export", "--format", "curl"])
        .out;
    assert!(
        curl.contains("curl -i -X POST") && curl.contains("***"),
        "{curl}"
    );
}

#[test]
fn a_paused_connector_keeps_its_work_and_goes_on_later() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    program.expect(
        0,
        &[
            "connector",
            "pause",
            "acme-google/google",
            "--why",
            "maintenance",
        ],
    );
    let said = program.expect(
        6,
        &[
            "trigger",
            "user-created",
            "kim",
            "--claim",
            "lastname=Ng",
            "--claim",
            "givenname=Kim",
        ],
    );
    assert!(said.out.contains("held: paused"), "{}", said.out);
    assert!(mocks.object("google", "primary-kim@acme.example").is_none());
    program.expect(0, &["connector", "resume", "acme-google/google"]);
    assert!(mocks.object("google", "primary-kim@acme.example").is_some());
}

#[test]
fn a_dead_operation_is_retried_and_another_discarded() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let path = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("blocking = true ", "blocking = false");
    std::fs::write(&path, text).unwrap();
    mocks.steer(&["arm", "scim2", "status:code=400,op=Users.create,times=2"]);
    for user in ["kim", "bob"] {
        program.expect(
            1,
            &[
                "trigger",
                "user-created",
                user,
                "--claim",
                "lastname=Ng",
                "--claim",
                "givenname=K",
            ],
        );
    }
    let dead = program
        .expect(0, &["journal", "operations", "--state", "dead", "--json"])
        .values();
    assert_eq!(dead.len(), 2);
    let id = |user: &str| {
        dead.iter().find(|view| view["name"] == user).unwrap()["operation"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    program.expect(0, &["journal", "retry", &id("kim")]);
    assert!(mocks.object("scim2", "kim").is_some());
    program.expect(
        0,
        &["journal", "discard", &id("bob"), "--why", "not wanted"],
    );
    assert!(
        program
            .expect(0, &["journal", "show", &id("bob")])
            .out
            .contains("not wanted")
    );
}
