//! README's *By hand*, word for word, on a `workbench.toml` whose mocks have other ports.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Stdio};

use crate::program::{Program, house};

/// Ports that nobody has at the moment.
fn free_ports() -> [u16; 3] {
    let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|one| one.local_addr().unwrap().port())
}

/// A folder with what the commands name, and the shipped configuration on these ports.
fn workbench(ports: [u16; 3]) -> Program {
    let mut text = std::fs::read_to_string(house().join("workbench.toml")).unwrap();
    // In two steps: a port may hold the digits of another one.
    for (at, usual) in ["9101", "9102", "9103"].iter().enumerate() {
        text = text.replace(usual, &format!("@{at}@"));
    }
    for (at, port) in ports.iter().enumerate() {
        text = text.replace(&format!("@{at}@"), &port.to_string());
    }
    let program = Program::with(&text);
    // The key of the Google mock is not among them: the mocks write it when they start.
    let file = "fixtures/directory/acme.toml";
    let to = program.path().join(file);
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(house().join(file), to).unwrap();
    program
}

/// The commands of README's *By hand*, without what they begin with.
fn by_hand() -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(house().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("## By hand").unwrap();
    let block = rest.split("```").nth(1).unwrap();
    let commands = block.lines().filter_map(|line| {
        let line = line.split_once('#').map_or(line, |(command, _)| command);
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let (first, rest) = words.split_first()?;
        (first == "outbound").then(|| rest.to_vec())
    });
    commands.collect()
}

/// Mocks in a process of their own, ended with the test.
struct Running(Child);

impl Running {
    /// Starts them; nothing when they do not come up.
    fn start(program: &Program, words: &[&str]) -> Option<(Self, Vec<String>)> {
        let child = program
            .command(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut running = Self(child);
        let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
        let told: Vec<String> = lines.take(3).map(Result::unwrap).collect();
        (told.len() == 3).then_some((running, told))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended by itself
        let _ = self.0.wait();
    }
}

#[test]
fn every_command_of_the_readme_works_as_it_is_written_on_other_ports() {
    // Another test may take a port before the mocks do.
    for _ in 0..10 {
        let ports = free_ports();
        if follow(&workbench(ports), ports) {
            return;
        }
    }
    panic!("no three ports stayed free");
}

/// Does what README says; `false` when the mocks do not get their ports.
fn follow(program: &Program, ports: [u16; 3]) -> bool {
    let commands = by_hand();
    assert!(commands.len() > 8, "{commands:?}");
    let mut mocks = None;
    let mut last = String::new();
    for command in commands {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        if words == ["mock", "all"] {
            let Some((running, told)) = Running::start(program, &words) else {
                return false;
            };
            for (line, port) in told.iter().zip(ports) {
                assert!(line.contains(&format!("127.0.0.1:{port}")), "{line}");
            }
            mocks = Some(running);
        } else {
            last = program.expect(0, &words).out;
        }
    }
    assert!(mocks.is_some(), "README starts the mocks");
    // The end of the story: the reply to the create was lost, the target was asked, and there is one account.
    assert!(last.contains("asked: it has the account"), "{last}");
    let held = program
        .expect(0, &["mock", "objects", "scim2", "--json"])
        .values();
    let count = held.iter().filter(|one| one["name"] == "ned").count();
    assert_eq!(count, 1, "{held:?}");
    let key = "mocks/keys/google-service-account.p12";
    let [written, shipped] =
        [program.path().join(key), house().join(key)].map(|file| std::fs::read(file).unwrap());
    assert_eq!(written, shipped);
    let dead = ["journal", "operations", "--state", "dead", "--json"];
    let dead = program.expect(0, &dead).values();
    assert!(dead.is_empty(), "{dead:?}");
    true
}
