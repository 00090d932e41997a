//! What a machine does to a journal and a configuration: no room, no permission, a process killed while it writes, a file of
//! an older or a newer program.

use std::process::Stdio;
use std::time::Duration;

use crate::program::{Mocks, Program, Said, house};
use crate::service::Service;

const CREATE: [&str; 6] = [
    "trigger",
    "user-created",
    "kim",
    "--claim",
    "lastname=Ng",
    "--claim",
];

fn create() -> Vec<&'static str> {
    [&CREATE[..], &["givenname=Kim"]].concat()
}

#[test]
#[cfg(unix)]
fn without_room_for_the_journal_nothing_is_sent_and_afterwards_all_is_well() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    program.expect(0, &["drain"]); // makes the journal, while there is room
    // Files may not grow beyond a few kilobytes, and growing further is an error instead of the process's end (signal 25).
    let limited = format!(
        "trap '' 25; ulimit -f 8; exec {} {}",
        env!("CARGO_BIN_EXE_outbound"),
        create().join(" ")
    );
    let said: Said = std::process::Command::new("sh")
        .args(["-c", &limited])
        .current_dir(program.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
        .into();
    assert_eq!(said.code, 4, "{}\n{}", said.out, said.err);
    assert!(said.err.contains("journal"), "{}", said.err);
    for mock in ["scim2", "google"] {
        assert!(
            mocks
                .names(mock, "User")
                .iter()
                .all(|name| !name.contains("kim")),
            "nothing is sent whose intent could not be written"
        );
    }
    program.expect(0, &create());
    let kims = mocks.names("scim2", "User");
    assert_eq!(kims.iter().filter(|name| *name == "kim").count(), 1);
}

#[test]
#[cfg(unix)]
fn an_import_that_meets_a_full_disk_says_so_and_not_that_its_file_is_wrong() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let set = |path: &str| {
        program.expect(0, &["config", "set", path, "false"]);
    };
    set("connections[id=acme-google].connectors[type=google].enabled");
    set("resident.provisioners[connection=corp-scim].blocking");
    program.expect(0, &["drain"]); // makes the journal
    let rows: Vec<String> = (0..1500)
        .map(|number| format!("u{number},Ng,u{number}@acme.example"))
        .collect();
    let file = format!("userName,lastname,emailaddress\n{}\n", rows.join("\n"));
    std::fs::write(program.path().join("users.csv"), file).unwrap();
    // Room for the journal as it is, and for the first of these; growing further is an error (signal 25).
    let limited = format!(
        "trap '' 25; ulimit -f 1024; exec {} import csv users.csv",
        env!("CARGO_BIN_EXE_outbound"),
    );
    let said: Said = std::process::Command::new("sh")
        .args(["-c", &limited])
        .current_dir(program.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
        .into();
    assert_eq!(said.code, 4, "{}\n{}", said.out, said.err);
    for word in [
        "the import stopped after row",
        "look at the disk",
        "run the same command again",
    ] {
        assert!(said.err.contains(word), "{word}: {}", said.err);
    }
    assert!(!said.err.contains("mend the file"), "{}", said.err);
}

#[test]
fn a_journal_that_cannot_be_had_is_named_and_nothing_is_sent() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    // Below a file there is no folder, for root neither.
    let words = [&["--journal", "workbench.toml/outbound.db"], &create()[..]].concat();
    let said = program.expect(4, &words);
    assert!(
        said.err.contains("workbench.toml/outbound.db"),
        "{}",
        said.err
    );
    assert!(mocks.object("scim2", "kim").is_none());
}

#[test]
#[cfg(unix)]
fn a_journal_that_may_only_be_read_is_told_and_nothing_is_sent() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;

    /// Whoever has no rights of their own.
    const NOBODY: u32 = 65_534;
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    program.expect(0, &["drain"]); // makes the journal
    let journal = program.path().join("outbound.db");
    let before = std::fs::read(&journal).unwrap();
    let is_root = std::fs::metadata(&journal).unwrap().uid() == 0;
    // Root may write whatever the mode says, so that the program runs as somebody else then.
    let told = |words: &[&str]| -> Said {
        let mut command = program.command(words);
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output().unwrap().into()
    };
    mode(&journal, 0o444);
    for folder in [0o555, 0o777] {
        mode(program.path(), folder);
        let said = told(&create());
        assert_eq!(said.code, 4, "{}\n{}", said.out, said.err);
        assert!(said.err.contains("outbound.db"), "{}", said.err);
    }
    assert_eq!(std::fs::read(&journal).unwrap(), before);
    assert!(mocks.object("scim2", "kim").is_none());
    mode(program.path(), 0o700);
    mode(&journal, 0o600);
    for companion in ["outbound.db.lock", "outbound.db-wal", "outbound.db-shm"] {
        let _ = std::fs::remove_file(program.path().join(companion)); // what the other user made, if anything
    }
    program.expect(0, &create());
    assert!(mocks.object("scim2", "kim").is_some());
}

#[test]
fn a_second_engine_on_a_journal_is_refused_and_readers_are_not() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let service = Service::start(&program);
    let said = program.expect(4, &["serve"]);
    assert!(said.err.contains("in use by process"), "{}", said.err);
    program.expect(0, &["journal", "list"]);
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_configuration_whose_writer_is_killed_is_the_old_one_or_the_new_one() {
    let program = Program::with(&std::fs::read_to_string(house().join("workbench.toml")).unwrap());
    let path = program.path().join("workbench.toml");
    let mut held = std::fs::read_to_string(&path).unwrap();
    for number in 1..=40_u32 {
        let value = (100 + number).to_string();
        let new = {
            let at = held.find("\nconcurrency = ").unwrap() + "\nconcurrency = ".len();
            let end = at + held[at..].find('\n').unwrap();
            format!("{}{value}{}", &held[..at], &held[end..])
        };
        let mut child = program
            .command(&["config", "set", "engine.concurrency", &value])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Each a little later than the one before, so that every step of the writing is met by one.
        std::thread::sleep(Duration::from_micros(u64::from(number) * 700));
        let _ = child.kill(); // one that was done already was quick
        child.wait().unwrap();
        let now = std::fs::read_to_string(&path).unwrap();
        assert!(now == held || now == new, "half a file:\n{now}");
        held = now;
    }
    program.expect(0, &["config", "set", "engine.concurrency", "64"]);
}

#[test]
fn a_journal_of_the_first_format_is_brought_up_to_date_and_work_goes_on_in_it() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let journal = program.path().join("outbound.db");
    std::fs::copy(house().join("fixtures/journal/format-1.journal"), &journal).unwrap();
    let said = program.run(&["drain", "--wait", "30"]);
    assert!(matches!(said.code, 0 | 6), "{}\n{}", said.out, said.err);
    let users = program.expect(0, &["users", "list", "--json"]).values();
    assert!(users.iter().any(|user| user["name"] == "kim"), "{users:?}");
    assert!(program.path().join("outbound.db.format-1").exists());
    // Its history is told, and work goes on in it.
    let told = program.expect(0, &["journal", "list", "--json"]).values();
    assert!(!told.is_empty());
    let words = "trigger user-created noa --claim givenname=Noa --claim lastname=Nguyen --claim emailaddress=noa@acme.example";
    program.expect(0, &words.split(' ').collect::<Vec<_>>());
    let noa = mocks.object("scim2", "noa").unwrap();
    assert_eq!(noa["name"]["familyName"], "Nguyen");
}
