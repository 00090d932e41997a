//! The workbench in a pseudo-terminal: how it begins, and that every way out gives the terminal back as it was.

use std::time::Duration;

use outbound::pty::{Exited, Modes, Pty};
use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal};

use crate::program::Program;

/// Longer than the slowest machine needs; nothing waits so long unless something is wrong.
const LONG: Duration = Duration::from_mins(2);

/// What a shell expects of its terminal.
const COOKED: Modes = Modes {
    edits_lines: true,
    echoes: true,
    sends_signals: true,
    reads_return_as_newline: true,
    writes_newline_as_both: true,
};

const RAW: Modes = Modes {
    edits_lines: false,
    echoes: false,
    sends_signals: false,
    reads_return_as_newline: false,
    writes_newline_as_both: false,
};

/// An organization without connections: nothing is sent, and no port is taken.
const QUIET: &str = "[organization]\nname = \"Acme\"\ntenant_domain = \"acme.example\"\n";

/// A shell's environment and nothing of the machine that the tests run on.
fn environment(command: &mut CommandBuilder) {
    command.env_clear();
    for name in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("TERM", "xterm-256color");
    command.env("LANG", "en_US.UTF-8");
}

fn workbench(program: &Program, words: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_outbound"));
    command.args(words);
    command.cwd(program.path());
    environment(&mut command);
    command
}

/// Opens the workbench at 80x24 and waits for its first full frame.
fn open(program: &Program) -> Pty {
    opened(workbench(program, &[]))
}

fn opened(command: CommandBuilder) -> Pty {
    let pty = Pty::start(command, 80, 24).unwrap();
    pty.wait("the first full frame", LONG, |screen| {
        let text = screen.contents();
        screen.alternate_screen()
            && text.contains("outbound ▸ Traffic")
            && text.contains("Nothing yet")
            && text.contains("? help")
    })
    .unwrap();
    pty
}

fn pid(pty: &Pty) -> Pid {
    Pid::from_raw(i32::try_from(pty.pid()).unwrap()).unwrap()
}

fn holds(bytes: &[u8], sequence: &[u8]) -> bool {
    bytes.windows(sequence.len()).any(|part| part == sequence)
}

/// Says that the terminal is as a shell wants it, by what was written and by what a terminal made of it.
#[track_caller]
fn given_back(pty: &Pty, exited: &Exited) {
    assert_eq!(exited.modes, COOKED);
    modes_undone(pty);
    let bytes = pty.bytes(0);
    assert!(
        holds(&bytes, b"\x1b[22;0t") && holds(&bytes, b"\x1b[23;0t"),
        "the title was not kept and given back"
    );
}

#[track_caller]
fn modes_undone(pty: &Pty) {
    pty.look(|screen| {
        assert!(!screen.alternate_screen(), "still on the other screen");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "pastes are still bracketed");
        assert!(!screen.application_cursor(), "arrows are the application's");
        assert_eq!(
            screen.mouse_protocol_mode(),
            vt100::MouseProtocolMode::None,
            "the mouse is still caught"
        );
        assert_eq!(screen.fgcolor(), vt100::Color::Default);
        assert_eq!(screen.bgcolor(), vt100::Color::Default);
        assert!(!screen.bold() && !screen.inverse() && !screen.underline());
    });
    let bytes = pty.bytes(0);
    for off in [
        &b"\x1b[?1049l"[..],
        b"\x1b[?25h",
        b"\x1b[?2004l",
        b"\x1b[?1000l",
        b"\x1b[?7h",
    ] {
        assert!(
            holds(&bytes, off),
            "{} was not written",
            String::from_utf8_lossy(off).escape_debug()
        );
    }
}

#[test]
fn the_first_frame_is_full_and_the_mouse_stays_the_terminals() {
    let program = Program::with(QUIET);
    let mut pty = open(&program);
    assert_eq!(pty.modes().unwrap(), RAW);
    pty.look(|screen| {
        assert!(screen.bracketed_paste());
        assert!(screen.hide_cursor());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    });
    for mouse in [&b"\x1b[?1000h"[..], b"\x1b[?1002h", b"\x1b[?1003h"] {
        assert!(!holds(&pty.bytes(0), mouse), "the mouse was asked for");
    }
    pty.send("q").unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    assert_eq!((exited.code, &exited.signal), (0, &None));
    given_back(&pty, &exited);
}

#[test]
fn ctrl_c_leaves() {
    let program = Program::with(QUIET);
    let mut pty = open(&program);
    pty.send("\x03").unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    assert_eq!(exited.code, 0);
    given_back(&pty, &exited);
}

#[test]
fn a_signal_to_end_gives_the_terminal_back_first() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let program = Program::with(QUIET);
        let mut pty = open(&program);
        rustix::process::kill_process(pid(&pty), signal).unwrap();
        let exited = pty.wait_exit(LONG).unwrap();
        assert_eq!((exited.code, &exited.signal), (130, &None), "{signal:?}");
        given_back(&pty, &exited);
    }
}

#[test]
fn a_panic_of_the_screen_gives_the_terminal_back_and_is_told_below() {
    let program = Program::with(QUIET);
    let mut command = workbench(&program, &[]);
    command.env("OUTBOUND_PROVOKE", "panic");
    let mut pty = opened(command);
    pty.send("\x07").unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    assert_eq!((exited.code, &exited.signal), (1, &None));
    given_back(&pty, &exited);
    let text = pty.text();
    assert!(text.contains("provoked"), "{text}");
    assert!(
        text.contains("error: cannot go on with the screen"),
        "{text}"
    );
    assert!(text.contains("outbound journal list"), "{text}");
}

#[test]
fn a_panic_elsewhere_is_said_and_the_screen_goes_on() {
    let program = Program::with(QUIET);
    let mut command = workbench(&program, &[]);
    command.env("OUTBOUND_PROVOKE", "panic-elsewhere");
    let mut pty = opened(command);
    pty.send("\x07").unwrap();
    pty.wait_text("a part of the program broke down: provoked", LONG)
        .unwrap();
    pty.look(|screen| assert!(screen.alternate_screen()));
    pty.send("\x1bq").unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    assert_eq!(exited.code, 0);
    given_back(&pty, &exited);
}

#[test]
fn an_error_on_the_way_in_leaves_no_mode_behind() {
    let program = Program::with("[organization]\nname = 3\n");
    let mut pty = Pty::start(workbench(&program, &[]), 80, 24).unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    assert_ne!(exited.code, 0);
    assert_eq!(exited.modes, COOKED);
    assert!(pty.text().contains("workbench.toml"), "{}", pty.text());
    pty.look(|screen| assert!(!screen.alternate_screen()));
}

#[test]
fn an_error_behind_the_first_frame_gives_the_terminal_back_and_is_told_below() {
    let program = Program::with(QUIET);
    let other = program.path().join("notes.db");
    std::fs::write(&other, "these are notes, and no journal at all".repeat(40)).unwrap();
    let mut pty = Pty::start(workbench(&program, &["--journal", "notes.db"]), 80, 24).unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    assert_eq!((exited.code, &exited.signal), (4, &None));
    given_back(&pty, &exited);
    assert!(
        pty.text().contains("error: cannot use the journal"),
        "{}",
        pty.text()
    );
}

#[test]
fn what_cannot_be_recorded_into_is_said_before_the_screen_opens() {
    let program = Program::with(QUIET);
    std::fs::write(program.path().join("kept.cast"), "kept").unwrap();
    let mut pty = Pty::start(workbench(&program, &["--record", "kept.cast"]), 80, 24).unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    assert_eq!(exited.code, 2);
    assert!(pty.text().contains("kept.cast"), "{}", pty.text());
    assert!(!holds(&pty.bytes(0), b"\x1b[?1049h"));
    let kept = std::fs::read_to_string(program.path().join("kept.cast")).unwrap();
    assert_eq!(kept, "kept");
}

#[test]
fn a_recording_plays_to_what_the_screen_showed() {
    let program = Program::with(QUIET);
    let mut pty = opened(workbench(&program, &["--record", "shown.cast"]));
    pty.wait_text("REC", LONG).unwrap();
    pty.send("1").unwrap();
    pty.wait_text("outbound ▸ Connections", LONG).unwrap();
    let path = program.path().join("shown.cast");
    // Frames are taken at most every tenth of a second: the last one may follow a little later.
    let played = loop {
        let played = play(&std::fs::read_to_string(&path).unwrap());
        if played.contains("outbound ▸ Connections") || pty.now() > LONG {
            break played;
        }
        std::thread::yield_now();
    };
    assert_eq!(played.trim_end(), pty.text().trim_end());
    pty.send("q").unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    given_back(&pty, &exited);
}

/// Plays a recording on a terminal of its size and returns what it shows at the end.
fn play(cast: &str) -> String {
    let mut lines = cast.lines();
    let header: serde_json::Value = serde_json::from_str(lines.next().unwrap_or("{}")).unwrap();
    let size = |key: &str| {
        let cells = header[key].as_u64().unwrap_or(1);
        u16::try_from(cells).unwrap().try_into().unwrap()
    };
    let mut player = vt100::Parser::new(size("height"), size("width"), 0);
    // The last line may be half written.
    for event in lines.map_while(|line| serde_json::from_str::<(f64, String, String)>(line).ok()) {
        assert_eq!(event.1, "o");
        player.process(event.2.as_bytes());
    }
    player.screen().contents()
}

#[test]
fn ctrl_z_stops_it_and_fg_brings_the_whole_screen_back() {
    let program = Program::with(QUIET);
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-i"]);
    shell.cwd(program.path());
    environment(&mut shell);
    shell.env("PS1", "shell> ");
    shell.env("ENV", "");
    shell.env("BIN", env!("CARGO_BIN_EXE_outbound"));
    let mut pty = Pty::start(shell, 80, 24).unwrap();
    pty.wait_text("shell> ", LONG).unwrap();
    pty.send("\"$BIN\"\r").unwrap();
    let opened =
        |screen: &vt100::Screen| screen.alternate_screen() && screen.contents().contains("? help");
    pty.wait("the first frame", LONG, opened).unwrap();

    pty.send("\x1a").unwrap();
    pty.wait("the shell's prompt", LONG, |screen| {
        !screen.alternate_screen() && screen.contents().trim_end().ends_with("shell>")
    })
    .unwrap();
    modes_undone(&pty);
    pty.send("stty -a\r").unwrap();
    pty.wait_text(" icanon", LONG).unwrap();

    let before = pty.written().1;
    pty.send("fg\r").unwrap();
    pty.wait("the screen again", LONG, opened).unwrap();
    pty.wait_text("Nothing yet", LONG).unwrap();
    assert_eq!(pty.modes().unwrap(), RAW);
    pty.look(|screen| assert!(screen.bracketed_paste() && screen.hide_cursor()));
    assert!(holds(&pty.bytes(before), b"\x1b[?1049h"));

    pty.send("q").unwrap();
    // What is typed before the prompt would still be read by the program that ends.
    pty.wait("the shell again", LONG, |screen| {
        !screen.alternate_screen() && screen.contents().trim_end().ends_with("shell>")
    })
    .unwrap();
    pty.send("exit\r").unwrap();
    pty.wait_exit(LONG).unwrap();
    modes_undone(&pty);
}

#[test]
fn a_stop_from_elsewhere_gives_the_terminal_back_first() {
    let program = Program::with(QUIET);
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-i"]);
    shell.cwd(program.path());
    environment(&mut shell);
    shell.env("PS1", "shell> ");
    shell.env("ENV", "");
    shell.env("BIN", env!("CARGO_BIN_EXE_outbound"));
    let mut pty = Pty::start(shell, 80, 24).unwrap();
    pty.wait_text("shell> ", LONG).unwrap();
    pty.send("\"$BIN\" & echo $! > pid; fg\r").unwrap();
    let opened =
        |screen: &vt100::Screen| screen.alternate_screen() && screen.contents().contains("? help");
    pty.wait("the first frame", LONG, opened).unwrap();
    let one = std::fs::read_to_string(program.path().join("pid")).unwrap();
    let one = Pid::from_raw(one.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(one, Signal::TSTP).unwrap();
    pty.wait("the shell's prompt", LONG, |screen| {
        !screen.alternate_screen() && screen.contents().trim_end().ends_with("shell>")
    })
    .unwrap();
    modes_undone(&pty);
    pty.send("fg\r").unwrap();
    pty.wait("the screen again", LONG, opened).unwrap();
    assert_eq!(pty.modes().unwrap(), RAW);
    pty.send("q").unwrap();
    // What is typed before the program has gone is thrown away with its terminal modes.
    pty.wait("the shell again", LONG, |screen| {
        !screen.alternate_screen() && screen.contents().trim_end().ends_with("shell>")
    })
    .unwrap();
    pty.send("exit\r").unwrap();
    pty.wait_exit(LONG).unwrap();
    modes_undone(&pty);
}

#[test]
fn a_terminal_that_takes_nothing_keeps_nobody_from_ending_it() {
    let program = Program::with(QUIET);
    let mut pty = open(&program);
    let one = pid(&pty);
    let is_gone = pty.stalled(|keys| {
        // Each is a full frame: more than any terminal holds.
        for _ in 0..100 {
            keys.write_all(b"\x0c").unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        rustix::process::kill_process(one, Signal::TERM).unwrap();
        (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            rustix::process::test_kill_process(one).is_err()
        })
    });
    assert!(is_gone, "the signal was not heard");
    assert_eq!(pty.wait_exit(LONG).unwrap().code, 130);
}

#[test]
fn a_terminal_that_stalls_gets_the_newest_frame_when_it_goes_on() {
    let program = Program::with(QUIET);
    let mut pty = open(&program);
    pty.stalled(|keys| {
        for key in ["\x0c"; 100].iter().chain(["1", "2", "3"].iter()) {
            keys.write_all(key.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    pty.wait_text("outbound ▸ Directory", LONG).unwrap();
    pty.send("\x03").unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    assert_eq!(exited.code, 0);
    given_back(&pty, &exited);
}

#[test]
fn a_paste_is_text_and_never_commands() {
    let program = Program::with(QUIET);
    let mut pty = open(&program);
    // At a section's root nothing takes text: `q` would quit, and Return would open.
    pty.send("\x1b[200~q\rq\r\x1b[201~").unwrap();
    pty.send("/").unwrap();
    pty.send("\x1b[200~target:corp\tscim\nq\x1b[201~").unwrap();
    pty.wait_text("target:corp", LONG).unwrap();
    pty.send("\x1b\x1b").unwrap();
    pty.send("\x03").unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    assert_eq!(exited.code, 0);
    given_back(&pty, &exited);
}

#[test]
fn what_is_said_and_a_revealed_secret_go_by_themselves() {
    let soon = Duration::from_secs(40);
    let program = Program::with(QUIET);
    let mut pty = open(&program);
    pty.send("u").unwrap();
    pty.wait_text("nothing to undo", LONG).unwrap();
    pty.wait("the message is gone", soon, |screen| {
        !screen.contents().contains("nothing to undo")
    })
    .unwrap();
    pty.send("t").unwrap();
    pty.wait_text("Password", LONG).unwrap();
    // From the button to the last field, which is the password.
    pty.send("\x1b[Z\x1b[Zcanary-7").unwrap();
    pty.wait_text("••••••••", LONG).unwrap();
    pty.send("\x12").unwrap();
    pty.wait_text("canary-7", LONG).unwrap();
    pty.wait("the secret is masked again", soon, |screen| {
        let text = screen.contents();
        !text.contains("canary-7") && text.contains("••••••••")
    })
    .unwrap();
}

#[test]
fn a_key_in_the_instant_of_a_resize_is_heard() {
    let program = Program::with(QUIET);
    let mut pty = open(&program);
    // Whether the program hears of both at once is a matter of luck, so it is tried often.
    for round in 0..60_u16 {
        let (key, section) = if round % 2 == 0 {
            ("1", "outbound ▸ Connections")
        } else {
            ("4", "outbound ▸ Traffic")
        };
        pty.resize(90 + round % 7, 24 + round % 5).unwrap();
        pty.send(key).unwrap();
        pty.wait_text(section, LONG).unwrap();
    }
    pty.send("q").unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    given_back(&pty, &exited);
}

#[test]
fn another_size_is_drawn_in_full_and_too_small_is_said_in_a_word() {
    let program = Program::with(QUIET);
    let mut pty = open(&program);
    for (columns, rows) in [(160, 50), (40, 12), (80, 24)] {
        pty.resize(columns, rows).unwrap();
        pty.wait(&format!("{columns}x{rows}"), LONG, |screen| {
            let last = screen.rows(0, columns).nth(usize::from(rows) - 1);
            last.is_some_and(|row| row.trim_end().ends_with(['?', 'p']) && row.contains('?'))
        })
        .unwrap();
    }
    pty.resize(39, 11).unwrap();
    pty.wait_text("39x11", LONG).unwrap();
    pty.wait_text("40x12", LONG).unwrap();
    pty.resize(80, 24).unwrap();
    pty.wait_text("? help", LONG).unwrap();
    pty.resize(10, 2).unwrap();
    // A key that comes in the same instant as another size is read with the next one (crossterm).
    pty.wait_text("10x2", LONG).unwrap();
    // Too small for anything, and it can still be left.
    pty.send("\x03").unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    assert_eq!(exited.code, 0);
    given_back(&pty, &exited);
}

#[test]
fn without_a_terminal_it_says_what_to_run_instead() {
    let program = Program::with(QUIET);
    let said = program.expect(0, &[]);
    assert!(
        said.out.contains("There is no terminal here"),
        "{}",
        said.out
    );
    assert!(said.out.contains("outbound trigger"), "{}", said.out);
    assert!(!said.out.contains('\x1b'), "{:?}", said.out);

    let mut command = workbench(&program, &[]);
    command.env("TERM", "dumb");
    let mut pty = Pty::start(command, 80, 24).unwrap();
    pty.wait_text("outbound, plain", LONG).unwrap();
    pty.send(b"quit\n").unwrap();
    assert_eq!(pty.wait_exit(LONG).unwrap().code, 0);
    assert!(!holds(&pty.bytes(0), b"\x1b["));
}

#[test]
fn no_color_means_no_colour_and_states_keep_their_signs() {
    let program = Program::with(QUIET);
    let mut command = workbench(&program, &["--theme", "dark"]);
    command.env("NO_COLOR", "1");
    let mut pty = opened(command);
    pty.send("1").unwrap();
    pty.wait_text("outbound ▸ Connections", LONG).unwrap();
    pty.send("q").unwrap();
    pty.wait_exit(LONG).unwrap();
    let text = String::from_utf8_lossy(&pty.bytes(0)).into_owned();
    for part in text.split("\x1b[").skip(1) {
        let Some((codes, _)) = part.split_once('m') else {
            continue;
        };
        if !codes
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b';')
        {
            continue; // another sequence, and the `m` belongs to the text behind it
        }
        for code in codes.split(';') {
            let code: u16 = code.parse().unwrap_or(0);
            assert!(
                !(30..=38).contains(&code) && !(40..=48).contains(&code) && code < 90,
                "colour {code} in {codes:?}"
            );
        }
    }
}

#[test]
fn a_terminal_that_says_it_is_light_gets_the_colours_for_it() {
    const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";
    let program = Program::with(QUIET);
    let mut pty = open(&program);
    assert!(holds(&pty.bytes(0), QUESTION));
    let before = pty.written().1;
    pty.send("\x1b]11;rgb:ffff/ffff/ffff\x1b\\").unwrap();
    pty.wait_more("a frame in other colours", before, LONG)
        .unwrap();
    // Dark blue where the dark theme has light cyan, and no digit of the answer was a key.
    pty.wait("the light colours", LONG, |screen| {
        let cell = screen.cell(1, 22).map(vt100::Cell::fgcolor);
        screen.contents().contains("outbound ▸ Traffic") && cell == Some(vt100::Color::Idx(4))
    })
    .unwrap();
    pty.send("q").unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    given_back(&pty, &exited);

    for words in [&["--theme", "dark"][..], &["--theme", "mono"]] {
        let mut pty = opened(workbench(&program, words));
        pty.send("q").unwrap();
        pty.wait_exit(LONG).unwrap();
        assert!(!holds(&pty.bytes(0), QUESTION), "{words:?}");
    }
}

#[test]
fn where_the_locale_knows_ascii_only_so_does_the_screen() {
    let program = Program::with(QUIET);
    let mut command = workbench(&program, &[]);
    command.env("LANG", "C");
    let mut pty = Pty::start(command, 80, 24).unwrap();
    pty.wait_text("outbound > Traffic", LONG).unwrap();
    pty.wait_text("? help", LONG).unwrap();
    pty.send("q").unwrap();
    pty.wait_exit(LONG).unwrap();
    assert!(pty.bytes(0).is_ascii());
}

/// What `VISUAL` names: says who may read its file, waits for a line, and changes a name in the file.
const EDITOR: &str = "#!/bin/sh
ls -l \"$2\" | cut -c1-10
printf 'the editor has the terminal\\n'
read line
sed \"s/$1/$line/\" \"$2\" > edited && cat edited > \"$2\"
";

#[test]
fn a_key_is_answered_when_nothing_else_happens() {
    let program = Program::with(QUIET);
    let mut pty = opened(workbench(&program, &[]));
    let half_a_second = Duration::from_millis(500);
    for (key, shown) in ["1", "4"]
        .iter()
        .zip(["▸ Connections", "▸ Traffic"])
        .cycle()
        .take(6)
    {
        // Nothing is under way that would wake the screen by chance.
        pty.wait_quiet(half_a_second, LONG).unwrap();
        pty.send(key).unwrap();
        pty.wait_text(shown, LONG).unwrap();
    }
    pty.send("q").unwrap();
    pty.wait_exit(LONG).unwrap();
}

#[test]
fn an_editor_gets_the_terminal_and_what_it_leaves_is_written_with_update_only() {
    let connection = "\n[[connections]]\nid = \"corp\"\nname = \"Corporate\"\n";
    let program = Program::with(&format!("{QUIET}{connection}"));
    let file = program.path().join("workbench.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    std::fs::write(program.path().join("editor.sh"), EDITOR).unwrap();
    let mut command = workbench(&program, &[]);
    // With an argument of its own, and with quotes.
    command.env("VISUAL", "sh 'editor.sh' Corporate");
    command.env("EDITOR", "false");
    let mut pty = opened(command);
    pty.send(":mouse on\r").unwrap();
    pty.wait_text("mouse on", LONG).unwrap();
    // Connections, the first one, its last tab, the editor.
    pty.send("1\r[E").unwrap();
    pty.wait("the editor", LONG, |screen| {
        !screen.alternate_screen() && screen.contents().contains("the editor has the terminal")
    })
    .unwrap();
    assert_eq!(pty.modes().unwrap(), COOKED);
    modes_undone(&pty);
    assert!(pty.text().contains("-rw-------"), "{}", pty.text());
    pty.send("Company\r").unwrap();
    pty.wait("the screen again", LONG, |screen| {
        screen.alternate_screen()
            && screen.contents().contains("edited by hand")
            && screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None
    })
    .unwrap();
    assert_eq!(pty.modes().unwrap(), RAW);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    pty.send("\x13").unwrap();
    pty.wait_text("Who is affected", LONG).unwrap();
    pty.send("\r").unwrap();
    pty.wait_text("Updated ", LONG).unwrap();
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        before.replace("Corporate", "Company")
    );
    let left = std::fs::read_dir(program.path()).unwrap().flatten();
    let left: Vec<_> = left
        .map(|one| one.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".workbench"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    pty.send("q").unwrap();
    // From the tab to the list first.
    pty.send("q").unwrap();
    let exited = pty.wait_exit(LONG).unwrap();
    assert_eq!(exited.code, 0);
    given_back(&pty, &exited);
}

#[test]
fn a_signal_to_end_while_the_editor_is_open_ends_both_and_loses_no_text() {
    let connection = "\n[[connections]]\nid = \"corp\"\nname = \"Corporate\"\n";
    for (signal, changes) in [(Signal::TERM, false), (Signal::HUP, true)] {
        let program = Program::with(&format!("{QUIET}{connection}"));
        let change = if changes {
            "echo '# mine' >> \"$1\"\n"
        } else {
            ""
        };
        let script = format!("{change}printf 'the editor has the terminal\\n'\nread line\n");
        std::fs::write(program.path().join("editor.sh"), script).unwrap();
        let mut command = workbench(&program, &[]);
        command.env("VISUAL", "sh editor.sh");
        let mut pty = opened(command);
        pty.send("1\r[E").unwrap();
        pty.wait("the editor", LONG, |screen| {
            !screen.alternate_screen() && screen.contents().contains("the editor has the terminal")
        })
        .unwrap();
        rustix::process::kill_process(pid(&pty), signal).unwrap();
        pty.wait_exit(LONG).unwrap();
        let left = std::fs::read_dir(program.path()).unwrap().flatten();
        let left: Vec<_> = left
            .map(|one| one.file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with(".workbench-edit"))
            .collect();
        assert_eq!(left.len(), usize::from(changes), "{left:?}");
        let text = pty.text();
        assert_eq!(text.contains("is kept in"), changes, "{text}");
    }
}
