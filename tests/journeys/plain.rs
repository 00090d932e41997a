//! The workbench without a screen, over a pipe: the same panels and actions, line by line.

use crate::program::{Mocks, Program, Said};

/// The shipped configuration, with mocks that belong to the test.
fn workbench(mocks: &Mocks) -> Program {
    let program = Program::shipped(mocks);
    let file = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("start = true", "start = false")).unwrap();
    program
}

fn lines(program: &Program, lines: &[&str]) -> Said {
    program.run_with_line(&["--plain"], &lines.join("\n"))
}

#[test]
fn a_user_is_created_and_followed_line_by_line() {
    let mocks = Mocks::start();
    let program = workbench(&mocks);
    let user = "user-created kim --claim lastname=Ng --claim givenname=Kim --claim emailaddress=kim@acme.example";
    let said = lines(
        &program,
        &[
            &format!("plan {user}"),
            &format!("trigger {user}"),
            "wait 20",
            "go journal",
            "go directory",
            "open",
        ],
    );
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    for wanted in [
        "`help` lists what can be done",
        "corp-scim/scim2  create",
        "POST",
        "settled: create of kim at corp-scim/scim2",
        "== Journal",
        "At the targets",
    ] {
        assert!(said.out.contains(wanted), "{wanted}\n{}", said.out);
    }
    assert!(!said.out.contains('\u{1b}'), "no escape sequence");
    assert!(mocks.names("scim2", "User").contains(&"kim".to_owned()));
}

#[test]
fn a_form_is_filled_in_line_by_line_and_the_file_is_written_after_a_question() {
    let mocks = Mocks::start();
    let program = workbench(&mocks);
    let file = program.path().join("workbench.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let said = lines(
        &program,
        &[
            "go connections",
            "new connection",
            "Custom Connector",
            "HR", // too short
            "HR system",
            "",
            "Finish",
            "update",
            "Update",
        ],
    );
    assert!(said.out.contains("3 to 120 characters"), "{}", said.out);
    assert!(said.out.contains("Who is affected"), "{}", said.out);
    let after = std::fs::read_to_string(&file).unwrap();
    assert!(
        after.contains("name = \"HR system\""),
        "{}\n{after}",
        said.out
    );
    let kept = before.lines().all(|line| after.contains(line));
    assert!(kept, "every line that was there is there");
}

#[test]
fn what_is_logged_is_shown_though_no_folder_was_named_for_it() {
    let mocks = Mocks::start();
    let program = workbench(&mocks);
    mocks.steer(&["arm", "scim2", "drop-after:op=Users.create,times=1"]);
    let said = lines(
        &program,
        &[
            "go log",
            "trigger user-created kim --claim lastname=Ng --claim givenname=Kim --claim emailaddress=kim@acme.example",
            "wait 30",
            "go log",
        ],
    );
    assert!(
        said.out.contains("Nothing was logged since"),
        "{}",
        said.out
    );
    assert!(said.out.contains("an attempt failed"), "{}", said.out);
    // It was found by asking, so the error is past.
    let listed = program.expect(0, &["journal", "operations"]);
    assert!(listed.out.contains("recovered after: "), "{}", listed.out);
}

#[test]
fn what_is_not_understood_is_said_and_makes_the_run_fail() {
    let program =
        Program::with("[organization]\nname = \"Acme\"\ntenant_domain = \"acme.example\"\n");
    let said = lines(
        &program,
        &["frobnicate", "go nowhere-at-all", "help", "quit"],
    );
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(
        said.out
            .contains("`frobnicate` is nothing that can be done here"),
        "{}",
        said.out
    );
    assert!(said.out.contains("there is no section"), "{}", said.out);
    assert!(said.out.contains("same as: outbound"), "{}", said.out);
    assert!(said.err.contains("2 of them failed"), "{}", said.err);
}

#[test]
fn what_another_section_offers_is_listed_and_done_there_when_that_is_named() {
    let program =
        Program::with("[organization]\nname = \"Acme\"\ntenant_domain = \"acme.example\"\n");
    let said = lines(
        &program,
        &[
            "go log",
            "help",
            "new connection",
            "connections new",
            ".",
            "quit",
        ],
    );
    for wanted in [
        "In the other sections",
        "Connections: New Connection",
        "Go to: Directory",
        "`new connection` is nothing that can be done here",
        "Connections: New Connection …",
        "given up",
    ] {
        assert!(said.out.contains(wanted), "{wanted}\n{}", said.out);
    }
    assert!(said.err.contains("1 of them failed"), "{}", said.err);
}

#[test]
fn what_trigger_offers_is_done_by_its_name_and_no_mistyped_request_is_taken_for_it() {
    let program =
        Program::with("[organization]\nname = \"Acme\"\ntenant_domain = \"acme.example\"\n");
    let said = lines(
        &program,
        &[
            "trigger self sign-up",
            ".",
            "trigger user-crated kim --claim lastname=Ng",
            "outbound journal retry",
            "quit",
        ],
    );
    for wanted in ["Trigger: Self sign-up …", "given up", "user-crated"] {
        assert!(said.out.contains(wanted), "{wanted}\n{}", said.out);
    }
    assert!(said.err.contains("2 of them failed"), "{}", said.err);
}

#[test]
fn a_recorded_request_is_sent_again_by_hand_and_the_engine_does_not_count_it() {
    let mocks = Mocks::start();
    let program = workbench(&mocks);
    let said = lines(
        &program,
        &[
            "trigger user-created kim --claim lastname=Ng --claim givenname=Kim --claim emailaddress=kim@acme.example",
            "trigger user-updated kim --set lastname=Lee",
            "wait 20",
            "go traffic",
            "filter target:corp-scim op:update",
            "replay",
            "Send",
            "filter op:token",
            "replay",
            "filter target:corp-scim op:create",
            "replay",
        ],
    );
    for wanted in [
        "Send this request again?",
        "a token call cannot be sent again",
        "a secret in it was masked",
    ] {
        assert!(said.out.contains(wanted), "{wanted}\n{}", said.out);
    }
    let again = said
        .out
        .lines()
        .find(|line| line.contains("corp-scim/scim2 replay"))
        .unwrap_or_else(|| panic!("{}", said.out));
    assert!(again.contains("PATCH") && again.contains("200"), "{again}");
    let names = mocks.names("scim2", "User");
    assert_eq!(names.iter().filter(|name| *name == "kim").count(), 1);
    let operations = program
        .expect(0, &["journal", "operations", "--json"])
        .values();
    assert!(
        operations.iter().all(|one| one["attempts"] == 1),
        "{operations:?}"
    );
}

/// Every action says which command line would do the same; that command must exist.
#[test]
fn every_command_line_that_an_action_names_exists() {
    let mocks = Mocks::start();
    let program = workbench(&mocks);
    let mut script = vec![
        "trigger user-created kim --claim lastname=Ng --claim givenname=Kim --claim emailaddress=kim@acme.example".to_owned(),
        "wait 20".to_owned(),
    ];
    for section in 1..=9 {
        script.push(format!("go {section}"));
        for _ in 0..4 {
            script.push("actions".to_owned());
            script.push("tab".to_owned());
        }
        script.push("open".to_owned());
        for _ in 0..6 {
            script.push("actions".to_owned());
            script.push("tab".to_owned());
        }
    }
    let said = program.run_with_line(&["--plain"], &script.join("\n"));
    let mut commands: Vec<&str> = said
        .out
        .lines()
        .filter_map(|line| line.split("same as: outbound ").nth(1))
        .collect();
    commands.sort_unstable();
    commands.dedup();
    assert!(commands.len() > 30, "{commands:?}");
    for command in commands {
        let mut words: Vec<&str> = command
            .split_whitespace()
            .filter(|word| *word != "…")
            .collect();
        words.push("--help");
        let said = program.run(&words);
        assert_eq!(said.code, 0, "outbound {command}\n{}", said.err);
    }
}
