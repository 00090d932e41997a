//! The workbench on an engine that runs in another process.

use std::time::Duration;

use outbound::pty::Pty;
use portable_pty::CommandBuilder;

use crate::program::{Mocks, Program};
use crate::service::Service;

/// Longer than the slowest machine needs; nothing waits so long unless something is wrong.
const LONG: Duration = Duration::from_mins(2);

fn open(program: &Program) -> Pty {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_outbound"));
    prepare(&mut command, program);
    Pty::start(command, 160, 50).unwrap()
}

/// A shell's environment and nothing of the machine that the tests run on.
fn prepare(command: &mut CommandBuilder, program: &Program) {
    command.cwd(program.path());
    command.env_clear();
    for name in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("TERM", "xterm-256color");
    command.env("LANG", "en_US.UTF-8");
}

/// Makes a workbench whose mocks are those of the test: none is started by it.
fn program(mocks: &Mocks) -> Program {
    let program = Program::shipped(mocks);
    for mock in ["google", "salesforce", "scim2"] {
        let start = format!("mocks.{mock}.start");
        program.expect(0, &["config", "set", &start, "false"]);
    }
    program
}

fn create(program: &Program, name: &str) {
    let claim = ["--claim", "lastname=Ng", "--claim", "givenname=Kim"];
    program.expect(
        0,
        &[&["trigger", "user-created", name], &claim[..]].concat(),
    );
}

#[test]
fn the_screen_follows_and_commands_an_engine_that_runs_already() {
    let mocks = Mocks::start();
    let program = program(&mocks);
    let service = Service::start(&program);
    let process = service.child.id();
    let mut pty = open(&program);
    pty.wait_text(
        &format!("attached to the engine of process {process}"),
        LONG,
    )
    .unwrap();

    // What happens there is seen here, without a key being pressed.
    create(&program, "kim");
    pty.wait("the create at the SCIM2 target", LONG, |screen| {
        let text = screen.contents();
        text.contains("corp-scim/scim2") && text.contains("201") && text.contains("kim")
    })
    .unwrap();

    // What is asked for here is done there: a connector is paused.
    pty.send("8").unwrap();
    pty.wait_text("outbound ▸ Journal", LONG).unwrap();
    pty.wait("the operations", LONG, |screen| {
        screen.contents().contains("settled            corp-scim")
    })
    .unwrap();
    pty.send("gj").unwrap();
    pty.send(":pause corp-scim").unwrap();
    pty.wait_text("Pause corp-scim/scim2", LONG).unwrap();
    pty.send("\r").unwrap();
    pty.wait_text("corp-scim/scim2 is paused", LONG).unwrap();
    let listed = program.expect(0, &["connector", "list"]);
    assert!(listed.out.contains("paused"), "{}", listed.out);

    // The engine ends, and a new one is followed.
    assert_eq!(service.stop(), Some(0));
    pty.wait_text("the engine has ended", LONG).unwrap();
    pty.send("\x1b").unwrap();
    pty.wait_text("no engine runs: nothing is sent", LONG)
        .unwrap();
    let service = Service::start(&program);
    let process = service.child.id();
    pty.wait_text(
        &format!("attached to the engine of process {process}"),
        LONG,
    )
    .unwrap();
    create_held(&program);
    pty.wait_text("ann", LONG).unwrap();
    pty.send("q").unwrap();
    assert_eq!(pty.wait_exit(LONG).unwrap().code, 0);
    assert_eq!(
        service.stop(),
        Some(0),
        "the engine is not the screen's to stop"
    );
}

/// Creates somebody while a connector is paused: the operation is kept.
fn create_held(program: &Program) {
    let claim = ["--claim", "lastname=Ng", "--wait", "1"];
    let said = program.run(&[&["trigger", "user-created", "ann"], &claim[..]].concat());
    assert!([5, 6].contains(&said.code), "{}", said.err);
}

#[test]
fn the_engine_runs_here_by_one_key_when_the_other_has_ended() {
    let mocks = Mocks::start();
    let program = program(&mocks);
    let service = Service::start(&program);
    let mut pty = open(&program);
    pty.wait_text("attached to the engine of process", LONG)
        .unwrap();
    assert_eq!(service.stop(), Some(0));
    pty.wait_text(":run the engine", LONG).unwrap();
    pty.send("E").unwrap();
    pty.wait_text("the engine runs here: what is owed goes on", LONG)
        .unwrap();

    // It sends, other processes reach it, and what they ask for is seen here.
    let status = program.expect(0, &["status", "--json"]);
    assert_eq!(status.values()[0]["pid"], pty.pid());
    create(&program, "kim");
    pty.wait("the create at the SCIM2 target", LONG, |screen| {
        let text = screen.contents();
        text.contains("corp-scim/scim2") && text.contains("201") && text.contains("kim")
    })
    .unwrap();

    // It ends with the screen, in good order.
    pty.send("q").unwrap();
    assert_eq!(pty.wait_exit(LONG).unwrap().code, 0);
    assert!(!program.path().join("outbound.db.socket").exists());
    program.expect(0, &["drain"]);
}

#[test]
fn suspended_it_leaves_the_engine_alone_and_shows_afterwards_what_was_done_meanwhile() {
    let mocks = Mocks::start();
    let program = program(&mocks);
    let service = Service::start(&program);
    let process = service.child.id();
    let attached = format!("attached to the engine of process {process}");
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-i"]);
    prepare(&mut shell, &program);
    shell.env("PS1", "shell> ");
    shell.env("ENV", "");
    shell.env("BIN", env!("CARGO_BIN_EXE_outbound"));
    let mut pty = Pty::start(shell, 160, 50).unwrap();
    let prompt = |screen: &vt100::Screen| {
        !screen.alternate_screen() && screen.contents().trim_end().ends_with("shell>")
    };
    pty.wait("the shell's prompt", LONG, prompt).unwrap();
    pty.send("\"$BIN\"\r").unwrap();
    pty.wait_text(&attached, LONG).unwrap();

    pty.send("\x1a").unwrap();
    pty.wait("the shell's prompt", LONG, prompt).unwrap();
    create(&program, "kim");

    pty.send("fg\r").unwrap();
    pty.wait("what was done meanwhile", LONG, |screen| {
        let text = screen.contents();
        screen.alternate_screen()
            && text.contains("corp-scim/scim2")
            && text.contains("201")
            && text.contains("kim")
    })
    .unwrap();
    let text = pty.text();
    assert!(!text.contains("the engine has ended"), "{text}");

    // What is asked for here is done there, as before.
    pty.send("8").unwrap();
    pty.wait("the operations", LONG, |screen| {
        screen.contents().contains("settled            corp-scim")
    })
    .unwrap();
    pty.send("gj").unwrap();
    pty.send(":pause corp-scim").unwrap();
    pty.wait_text("Pause corp-scim/scim2", LONG).unwrap();
    pty.send("\r").unwrap();
    pty.wait_text("corp-scim/scim2 is paused", LONG).unwrap();
    pty.send("q").unwrap();
    pty.wait("the shell's prompt", LONG, prompt).unwrap();
    pty.send("exit\r").unwrap();
    pty.wait_exit(LONG).unwrap();
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn of_a_file_that_somebody_else_changed_theirs_is_taken_and_the_draft_goes() {
    let mocks = Mocks::start();
    let program = program(&mocks);
    let service = Service::start(&program);
    let mut pty = open(&program);
    pty.wait_text("attached to the engine of process", LONG)
        .unwrap();
    pty.send("1").unwrap();
    pty.wait_text("Acme Google", LONG).unwrap();
    pty.send(" ").unwrap();
    pty.wait_text("workbench.toml~", LONG).unwrap();

    // They change the same value, and another one.
    let file = program.path().join("workbench.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let line = "id = \"acme-google\"\n";
    let theirs = before
        .replacen(line, &format!("{line}enabled = true\n"), 1)
        .replacen("name = \"Acme Google\"", "name = \"Acme Mail\"", 1);
    assert_ne!(theirs, before);
    std::fs::write(&file, &theirs).unwrap();
    pty.wait_text("[ Take theirs ]", LONG).unwrap();
    pty.send("\t\r").unwrap();
    // What was changed here is given up, so that is asked about, and staying is at hand.
    pty.wait_text("[ Discard ]", LONG).unwrap();
    pty.send("\t\r").unwrap();
    pty.wait("their file, and no draft", LONG, |screen| {
        let text = screen.contents();
        text.contains("Acme Mail")
            && !text.contains("[ Take theirs ]")
            && !text.contains("workbench.toml~")
    })
    .unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), theirs);
    // Nothing is left to ask about.
    pty.send("q").unwrap();
    assert_eq!(pty.wait_exit(LONG).unwrap().code, 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), theirs);
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_second_screen_attaches_to_the_first_and_commands_reach_it() {
    let mocks = Mocks::start();
    let program = program(&mocks);
    let mut first = open(&program);
    first.wait_text("Nothing yet", LONG).unwrap();
    let socket = program.path().join("outbound.db.socket");
    first.wait("the socket", LONG, |_| socket.exists()).unwrap();
    let mut second = open(&program);
    let told = format!("attached to the engine of process {}", first.pid());
    second.wait_text(&told, LONG).unwrap();
    create(&program, "kim");
    for pty in [&first, &second] {
        pty.wait("the create", LONG, |screen| {
            screen.contents().contains("kim")
        })
        .unwrap();
    }
    second.send("q").unwrap();
    assert_eq!(second.wait_exit(LONG).unwrap().code, 0);
    assert!(socket.exists(), "the first screen still answers");
    first.send("q").unwrap();
    assert_eq!(first.wait_exit(LONG).unwrap().code, 0);
    assert!(!socket.exists());
}

#[test]
fn another_file_than_the_engines_is_refused_with_its_name() {
    let mocks = Mocks::start();
    let program = program(&mocks);
    let service = Service::start(&program);
    let other = program.path().join("other.toml");
    std::fs::copy(program.path().join("workbench.toml"), &other).unwrap();
    let said = program.expect(4, &["--plain", "--config", "other.toml"]);
    assert!(said.err.contains("workbench.toml"), "{}", said.err);
    assert!(said.err.contains("open it with --config"), "{}", said.err);
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn whether_a_replay_goes_to_a_mock_is_told_by_what_the_running_engine_works_by() {
    let mocks = Mocks::start();
    let program = program(&mocks);
    let path = program.path().join("workbench.toml");
    let mock = std::fs::read_to_string(&path).unwrap();
    let real = mock
        .replacen(&mocks.origin("scim2"), "https://scim.invalid", 2)
        .replacen("\"scim2-mock-token\"", "{ file = \"token\" }", 1);
    std::fs::write(program.path().join("token"), "made up").unwrap();
    let service = Service::start(&program);
    create(&program, "kim");
    program.run(&["reconcile", "corp-scim/scim2", "--patience", "0"]);
    let listed = program.expect(0, &["journal", "exchanges", "--json", "--limit", "50"]);
    let read = listed.values().into_iter().find(|one| {
        one["connector"]["connection"] == "corp-scim" && one["exchange"]["method"] == "GET"
    });
    let number = read.unwrap()["seq"].to_string();

    // The file was changed, and the engine has not read it: it still speaks to the mock.
    std::fs::write(&path, &real).unwrap();
    program.expect(0, &["replay", &number]);
    assert_eq!(service.stop(), Some(0));

    // The other way round the request would go to the real target.
    let service = Service::start(&program);
    std::fs::write(&path, &mock).unwrap();
    let said = program.expect(2, &["replay", &number]);
    assert!(said.err.contains("is a real target"), "{}", said.err);
    assert_eq!(service.stop(), Some(0));
}
