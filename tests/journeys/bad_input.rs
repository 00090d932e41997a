//! What goes wrong is said clearly, loses nothing, and leaves the other connectors alone.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::program::{Mocks, Program, Said, house};

const ADA: [&str; 8] = [
    "user-created",
    "ada",
    "--claim",
    "givenname=Ada",
    "--claim",
    "lastname=Byron",
    "--claim",
    "emailaddress=ada@acme.example",
];

/// The shipped configuration with nobody waiting, so that one target's trouble does not refuse the change.
fn unblocked(mocks: &Mocks, change: impl Fn(String) -> String) -> Program {
    let program = Program::shipped(mocks);
    let path = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("blocking = true ", "blocking = false");
    std::fs::write(&path, change(text)).unwrap();
    program
}

fn create_ada(program: &Program, wait: &str) -> Said {
    let mut words = vec!["trigger"];
    words.extend(ADA);
    words.extend(["--wait", wait]);
    program.run(&words)
}

fn google_has_ada(mocks: &Mocks) -> bool {
    mocks
        .names("google", "User")
        .iter()
        .any(|name| name == "primary-ada@acme.example")
}

#[test]
fn broken_toml_and_unknown_keys_are_told_with_line_and_the_word_that_was_meant() {
    let program = Program::with("[organization\nname = 1\n");
    let said = program.expect(3, &["check"]);
    assert!(said.out.contains("workbench.toml:1:"), "{}", said.out);

    let text = std::fs::read_to_string(house().join("workbench.toml")).unwrap();
    let program = Program::with(
        &text
            .replace("google_domain =", "gogle_domain =")
            .replace("tenant_domain", "tenant_domian"),
    );
    let said = program.expect(3, &["check"]);
    assert!(
        said.out.contains("gogle_domain") && said.out.contains("google_domain"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("tenant_domian"),
        "all mistakes at once: {}",
        said.out
    );
    let said = program.expect(3, &["trigger", "user-deleted", "nobody"]);
    assert!(said.err.contains("gogle_domain"), "{}", said.err);
}

#[test]
fn a_missing_secret_is_named_and_the_others_go_on() {
    let mocks = Mocks::start();
    let program = unblocked(&mocks, |text| {
        text.replace(
            "access_token = \"scim2-mock-token\"",
            "access_token = { env = \"OUTBOUND_TEST_UNSET\" }",
        )
    });
    let said = create_ada(&program, "20");
    assert!(said.out.contains("OUTBOUND_TEST_UNSET"), "{}", said.out);
    assert!(matches!(said.code, 1 | 6), "{}", said.code);
    assert!(google_has_ada(&mocks), "{}", said.out);
}

#[test]
fn an_unreachable_target_is_owed_and_the_others_go_on() {
    let mocks = Mocks::start();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let program = unblocked(&mocks, |text| {
        text.replace(&mocks.origin("scim2"), &format!("http://{closed}"))
    });
    let said = create_ada(&program, "1");
    assert_eq!(said.code, 6, "{}\n{}", said.out, said.err);
    assert!(said.out.contains("retrying"), "{}", said.out);
    assert!(google_has_ada(&mocks));
    // What was owed is carried out once the target is there.
    let path = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace(&format!("http://{closed}"), &mocks.origin("scim2"));
    std::fs::write(&path, text).unwrap();
    program.expect(0, &["drain"]);
    assert_eq!(
        mocks
            .names("scim2", "User")
            .iter()
            .filter(|name| *name == "ada")
            .count(),
        1
    );
}

#[test]
fn credentials_that_are_refused_fail_for_good_and_say_so() {
    let mocks = Mocks::start();
    let program = unblocked(&mocks, |text| {
        text.replace("scim2-mock-token", "not-the-token")
    });
    let said = create_ada(&program, "10");
    assert_eq!(said.code, 1, "{}\n{}", said.out, said.err);
    assert!(said.out.contains("401"), "{}", said.out);
    assert!(google_has_ada(&mocks));
    let said = program.expect(7, &["connector", "check", "corp-scim/scim2"]);
    assert!(said.err.contains("401"), "{}", said.err);
}

#[test]
fn a_garbled_answer_is_asked_about_and_makes_no_second_account() {
    let mocks = Mocks::start();
    mocks.steer(&["arm", "scim2", "garbled-body:op=Users.create,times=1"]);
    let program = unblocked(&mocks, |text| text);
    let said = create_ada(&program, "20");
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    assert_eq!(
        mocks
            .names("scim2", "User")
            .iter()
            .filter(|name| *name == "ada")
            .count(),
        1
    );
}

#[test]
fn an_endless_body_is_cut_off_and_the_others_go_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            std::thread::spawn(move || {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head); // whatever was asked, the answer is the same
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/scim+json\r\ncontent-length: 10737418240\r\n\r\n";
                let _ = stream.write_all(head.as_bytes());
                let chunk = vec![b' '; 1 << 16];
                while stream.write_all(&chunk).is_ok() {}
            });
        }
    });
    let mocks = Mocks::start();
    let program = unblocked(&mocks, |text| {
        text.replace(&mocks.origin("scim2"), &format!("http://{address}"))
    });
    let said = create_ada(&program, "5");
    assert!(matches!(said.code, 1 | 6), "{}\n{}", said.out, said.err);
    assert!(
        said.out.contains("large") || said.out.contains("bytes"),
        "{}",
        said.out
    );
    assert!(google_has_ada(&mocks));
    let journal: u64 = std::fs::metadata(program.path().join("outbound.db"))
        .unwrap()
        .len();
    assert!(
        journal < 4 << 20,
        "the body went into the journal: {journal} bytes"
    );
}

#[test]
fn a_user_without_a_required_attribute_is_told_which_one() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    program.expect(
        0,
        &[
            "seed",
            &house()
                .join("fixtures/directory/acme.toml")
                .display()
                .to_string(),
        ],
    );
    let said = program.run(&[
        "plan",
        "user-created",
        "nemo",
        "--role",
        "Internal/sales",
        "--source",
        "self-signup",
        "--application",
        "employee-portal",
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("attribute-missing"), "{}", said.out);
    assert!(
        said.out.contains("LastName") && said.out.contains("Email"),
        "{}",
        said.out
    );
}

#[test]
fn names_with_emoji_and_quotes_reach_a_scim_target_whole() {
    let mocks = Mocks::start();
    let program = unblocked(&mocks, |text| text);
    for name in ["zoë🙂", "o\"brien", "a'b\\c"] {
        let said = program.run(&[
            "trigger",
            "user-created",
            name,
            "--claim",
            "lastname=X",
            "--wait",
            "15",
        ]);
        assert!(
            matches!(said.code, 0 | 1),
            "{name}: {}\n{}",
            said.out,
            said.err
        );
        assert!(
            mocks.object("scim2", name).is_some(),
            "{name}: {}",
            said.out
        );
        program.run(&[
            "trigger",
            "user-updated",
            name,
            "--set",
            "lastname=Y",
            "--wait",
            "15",
        ]);
        assert_eq!(
            mocks.object("scim2", name).unwrap()["name"]["familyName"],
            "Y",
            "{name}"
        );
        program.run(&["trigger", "user-deleted", name, "--wait", "15"]);
        assert!(mocks.object("scim2", name).is_none(), "{name}");
    }
}

#[test]
fn control_characters_from_outside_never_reach_the_terminal() {
    let mocks = Mocks::start();
    let program = unblocked(&mocks, |text| text);
    let clean = |what: &str, text: &str| {
        let odd = text
            .split('\n')
            .find(|line| domain::visible(line) != **line);
        assert_eq!(odd, None, "{what}");
    };
    let logs = program.path().join("logs");
    let log_dir = logs.display().to_string();
    let words = [
        "--log-dir",
        &log_dir,
        "trigger",
        "user-created",
        "eve\u{1b}[2J\u{9b}\r\n\u{202e}\u{200b}x",
        "--claim",
        "lastname=\u{202e}x\u{7f}",
        "--trace",
    ];
    let mut command = program.command(&words);
    let said: Said = command
        .env("OUTBOUND_LOG", "trace")
        .output()
        .unwrap()
        .into();
    clean("the trace", &said.out);
    clean("what goes wrong", &said.err);
    for words in [
        &["users", "list"][..],
        &["users", "list", "--json"],
        &["links", "list"],
        &["journal", "list"],
        &["journal", "show"],
        &["journal", "show", "--json"],
        &["journal", "exchanges"],
        &["journal", "export", "--format", "jsonl"],
        &["journal", "export", "--format", "har"],
        &["journal", "export", "--format", "curl"],
    ] {
        let said = program.run(words);
        assert!(!said.out.is_empty(), "{words:?}: {}", said.err);
        clean(&words.join(" "), &said.out);
    }
    let mut logged = 0;
    for entry in std::fs::read_dir(&logs).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        logged += text.len();
        clean("the log", &text);
    }
    assert!(logged > 0, "something was logged");
    let scenario = program.path().join("evil.toml");
    let report = program.path().join("evil.xml");
    std::fs::write(
        &scenario,
        "title = \"t\\u001B[2J\\u202E\"\n[[steps]]\nname = \"s\\u202E\"\n\
         trigger = { kind = \"user-created\", user = \"e\\u001B\\u202E\", source = \"console\" }\n",
    )
    .unwrap();
    let said = program.run(&[
        "run",
        &scenario.display().to_string(),
        "--junit",
        &report.display().to_string(),
    ]);
    clean("the scenario", &said.out);
    let xml = std::fs::read_to_string(&report).unwrap();
    clean("the report", &xml);
    assert!(xml.contains("e␛&lt;U+202E&gt;"), "{xml}");
}

#[test]
fn an_unknown_key_in_a_scenario_or_a_seed_is_told_with_its_line() {
    let program = Program::with("");
    for (command, file, text, line, word) in [
        (
            "run",
            "a.toml",
            "title = \"x\"\ntitel = \"y\"\n",
            "a.toml:2:1",
            "titel",
        ),
        (
            "run",
            "b.toml",
            "title = \"x\"\n\n[[steps]]\nname = \"s\"\ntriger = { kind = \"user-created\" }\n",
            "b.toml:5:1",
            "triger",
        ),
        (
            "run",
            "c.toml",
            "title = \"x\"\n[[steps]]\nname = \"s\"\ntrigger = { kind = \"user-craeted\", user = \"kim\" }\n",
            "c.toml:4:20",
            "user-craeted",
        ),
        ("run", "d.toml", "[[steps]\n", "d.toml:1:", "unclosed"),
        (
            "seed",
            "e.toml",
            "[[users]]\nname = \"kim\"\nclams = { givenname = \"K\" }\n",
            "line 3",
            "clams",
        ),
        (
            "seed",
            "f.toml",
            "[[user]]\nname = \"kim\"\n",
            "line 1",
            "user",
        ),
        ("seed", "g.toml", "[[users]]\nname\n", "line 2", "key"),
    ] {
        std::fs::write(program.path().join(file), text).unwrap();
        let said = program.expect(3, &[command, file]);
        assert!(
            said.err.contains(line) && said.err.contains(word),
            "{file}: {}",
            said.err
        );
    }
}

#[test]
fn a_fault_on_an_operation_that_nobody_knows_is_refused_wherever_it_is_written() {
    let meant = "did you mean `Users.create`?";
    let text = std::fs::read_to_string(house().join("workbench.toml")).unwrap();
    let spec = "drop-after:op=Users.crate";
    let faulty = text.replace(
        "[mocks.scim2]",
        &format!("[mocks.scim2]\nfaults = [\"{spec}\"]"),
    );
    let line = faulty
        .lines()
        .position(|line| line.starts_with("faults"))
        .unwrap()
        + 1;
    let program = Program::with(&faulty);
    let said = program.expect(3, &["check"]);
    assert!(
        said.out.contains(meant) && said.out.contains(&format!("workbench.toml:{line}")),
        "{}",
        said.out
    );
    let said = program.expect(
        2,
        &["mock", "scim2", "--listen", "127.0.0.1:0", "--fault", spec],
    );
    assert!(said.err.contains(meant), "{}", said.err);

    let scenario = program.path().join("wrong.toml");
    let steps = format!(
        "title = 'x'\n[[steps]]\nname = 'y'\nfault = {{ target = 'scim2', spec = '{spec}' }}\n"
    );
    std::fs::write(&scenario, steps).unwrap();
    let said = program.run(&["run", scenario.to_str().unwrap()]);
    assert!(
        said.err.contains(meant) && said.err.contains("wrong.toml:4:"),
        "{}{}",
        said.err,
        said.out
    );

    let mocks = Mocks::start();
    let said = mocks.asked(&["arm", "scim2", spec]);
    assert!(
        said.code != 0 && said.err.contains(meant),
        "{}{}",
        said.err,
        said.out
    );
}
