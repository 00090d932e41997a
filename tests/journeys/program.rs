//! The real program in a folder of its own, with mocks that belong to the test.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The repository's folder.
pub(crate) fn house() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Looks again and again until something is so.
///
/// # Panics
/// When it is not so within a minute.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not yet: {what}");
}

/// A folder with a `workbench.toml`, and the program run in it.
pub(crate) struct Program {
    folder: TempDir,
}

/// What a run of the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Said {
    /// The standard output as one JSON value per line.
    pub(crate) fn values(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect()
    }
}

impl Program {
    /// Makes a folder with this configuration.
    pub(crate) fn with(configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("workbench.toml"), configuration).unwrap();
        Self { folder }
    }

    /// Makes a folder with the shipped configuration, pointed at running mocks.
    pub(crate) fn shipped(mocks: &Mocks) -> Self {
        let text = std::fs::read_to_string(house().join("workbench.toml")).unwrap();
        let program = Self::with(&mocks.pointed(&text));
        let keys = program.path().join("mocks/keys");
        std::fs::create_dir_all(&keys).unwrap();
        std::fs::copy(
            house().join("mocks/keys/google-service-account.p12"),
            keys.join("google-service-account.p12"),
        )
        .unwrap();
        program
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outbound"));
        command
            .current_dir(self.path())
            .args(words)
            .env_remove("OUTBOUND_CONFIG")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Said {
        self.command(words).output().unwrap().into()
    }

    /// Runs a command that must end with this code.
    pub(crate) fn expect(&self, code: i32, words: &[&str]) -> Said {
        let said = self.run(words);
        assert_eq!(
            said.code,
            code,
            "outbound {}\n{}\n{}",
            words.join(" "),
            said.out,
            said.err
        );
        said
    }

    /// Runs a command with one line on standard input.
    pub(crate) fn run_with_line(&self, words: &[&str], line: &str) -> Said {
        use std::io::Write as _;
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{line}").unwrap();
        child.wait_with_output().unwrap().into()
    }
}

/// Mocks in a process of their own, stopped at the end.
pub(crate) struct Mocks {
    child: Child,
    folder: TempDir,
    ready: Vec<Value>,
}

/// A test that fails must fail again.
const SAME_EVERY_TIME: [&str; 2] = ["--random-seed", "0"];

impl Mocks {
    /// Starts all three on free ports; their ids are the same in every run.
    pub(crate) fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), &SAME_EVERY_TIME)
    }

    /// Starts all three on free ports, with what every start brings of its own.
    pub(crate) fn anew() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), &[])
    }

    /// Starts all three on free ports, the SCIM2 mock with a personality of the test's own.
    pub(crate) fn wearing(personality: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("own.toml"), personality).unwrap();
        let words = [&SAME_EVERY_TIME[..], &["--personality", "own.toml"]].concat();
        Self::start_in(folder, &words)
    }

    fn start_in(folder: TempDir, words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_outbound"))
            .args(["mock", "all", "--listen", "127.0.0.1:0", "--json"])
            .args(words)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready: Vec<Value> = lines
            .take(3)
            .map(|line| serde_json::from_str(&line.unwrap()).expect("a ready line"))
            .collect();
        assert_eq!(ready.len(), 3, "the mocks did not start");
        Self {
            child,
            folder,
            ready,
        }
    }

    /// What one mock said when it was ready.
    pub(crate) fn ready(&self, mock: &str) -> &Value {
        self.ready
            .iter()
            .find(|ready| ready["mock"] == mock)
            .expect("a mock of that name")
    }

    /// `http://host:port` of one mock.
    pub(crate) fn origin(&self, mock: &str) -> String {
        let ready = self.ready(mock);
        let url = url::Url::parse(ready["url"].as_str().unwrap()).unwrap();
        url.origin().ascii_serialization()
    }

    /// The text with the configured addresses of the mocks replaced by the real ones.
    pub(crate) fn pointed(&self, text: &str) -> String {
        text.replace("http://127.0.0.1:9101", &self.origin("google"))
            .replace("http://127.0.0.1:9102", &self.origin("salesforce"))
            .replace("http://127.0.0.1:9103", &self.origin("scim2"))
    }

    /// Steers a mock with `outbound mock …` and returns what it said.
    pub(crate) fn steer(&self, words: &[&str]) -> Vec<Value> {
        let said = self.asked(words);
        assert_eq!(said.code, 0, "{words:?}\n{}\n{}", said.out, said.err);
        said.values()
    }

    /// Steers a mock with `outbound mock …`, whatever comes of it.
    pub(crate) fn asked(&self, words: &[&str]) -> Said {
        Command::new(env!("CARGO_BIN_EXE_outbound"))
            .arg("mock")
            .args(words)
            .arg("--json")
            .current_dir(self.folder.path())
            .output()
            .unwrap()
            .into()
    }

    /// The names of what a mock holds of one kind.
    pub(crate) fn names(&self, mock: &str, object: &str) -> Vec<String> {
        self.steer(&["objects", mock])
            .into_iter()
            .filter(|held| held["object"] == object)
            .map(|held| held["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// One object that a mock holds.
    pub(crate) fn object(&self, mock: &str, name: &str) -> Option<Value> {
        self.steer(&["objects", mock])
            .into_iter()
            .find(|held| held["name"] == name)
            .map(|held| held["content"].clone())
    }
}

impl Drop for Mocks {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}
