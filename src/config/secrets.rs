//! Secrets are read when they are needed: from the environment, a file, a program, or the configuration itself.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Secret, SecretError, SecretRef, Secrets};
use zeroize::{Zeroize, Zeroizing};

/// The longest that a program may take to print a secret.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most that is read of a file or of a program's output.
const MOST_BYTES: u64 = 1024 * 1024;

/// Resolves references as `workbench.toml` writes them.
///
/// [`resolve`](Secrets::resolve) may wait up to ten seconds for a program; it belongs on a thread that may block.
#[derive(Debug, Clone)]
pub struct FileSecrets {
    /// The folder of `workbench.toml`: relative files start there, programs run there.
    pub base: PathBuf,
}

impl FileSecrets {
    /// Resolves relative to a folder.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }

    /// Says whether a secret could be had now, for whoever writes a reference down.
    ///
    /// Variables and files are read as [`resolve`](Secrets::resolve) reads them; no program is run for it, and no pipe
    /// is emptied.
    ///
    /// # Errors
    /// [`SecretError`] as `resolve` would say it.
    pub fn look(&self, reference: &SecretRef) -> Result<(), SecretError> {
        let is_left_alone = match reference {
            SecretRef::Command(_) | SecretRef::Inline(_) => true,
            SecretRef::File(path) => fs::metadata(self.base.join(path))
                .is_ok_and(|found| !found.is_file() && !found.is_dir()),
            SecretRef::Env(_) => false,
        };
        if is_left_alone {
            return Ok(());
        }
        self.resolve(reference).map(drop)
    }
}

impl Secrets for FileSecrets {
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        let value = match reference {
            SecretRef::Env(name) => variable(name),
            SecretRef::File(path) => content(&self.base.join(path)),
            SecretRef::Command(words) => output(words, &self.base, PATIENCE),
            SecretRef::Inline(secret) => Ok(secret.clone()),
        };
        value.map_err(|cause| SecretError {
            reference: reference.to_string(),
            cause,
        })
    }
}

fn variable(name: &str) -> Result<Secret, String> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Err("the variable is empty".to_owned()),
        Ok(value) => Ok(Secret::new(value)),
        Err(std::env::VarError::NotPresent) => Err("the variable is not set".to_owned()),
        Err(std::env::VarError::NotUnicode(_)) => Err("the variable is not UTF-8".to_owned()),
    }
}

/// Reads a file; what is no text (a P12 key store) is returned as base64.
fn content(path: &Path) -> Result<Secret, String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let bytes = bounded(file).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("the file is larger than {MOST_BYTES} bytes"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => not_empty(text, "the file"),
        Err(_) => Ok(Secret::new(STANDARD.encode(&*bytes))),
    }
}

/// Runs a program without a shell and returns what it prints. What it writes to its error output is never kept.
fn output(words: &[String], base: &Path, patience: Duration) -> Result<Secret, String> {
    let [program, arguments @ ..] = words else {
        return Err("no program is named".to_owned());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if !base.as_os_str().is_empty() {
        command.current_dir(base);
    }
    let mut child = command
        .spawn()
        .map_err(|error| format!("the program cannot be started: {error}"))?;
    let stdout = child.stdout.take().ok_or("the program has no output")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody listens any more once the patience is over.
        let _ = sender.send(bounded(stdout));
    });
    let read = receiver.recv_timeout(patience);
    let too_long = matches!(&read, Ok(Ok(bytes)) if bytes.len() as u64 > MOST_BYTES);
    if read.is_err() || too_long {
        let _ = child.kill(); // it may have ended in the meantime
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let Ok(bytes) = read else {
        return Err(format!(
            "the program took longer than {} s",
            patience.as_secs()
        ));
    };
    if too_long {
        return Err(format!("the program printed more than {MOST_BYTES} bytes"));
    }
    if !status.success() {
        return Err(format!(
            "the program failed ({status}); run it by hand to see why"
        ));
    }
    let bytes = bytes.map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "the program printed no UTF-8")?;
    not_empty(text, "the program's output")
}

/// Reads up to one byte more than is allowed, into memory that is wiped.
fn bounded(from: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
    if let Err(error) = from.take(MOST_BYTES + 1).read_to_end(&mut bytes) {
        bytes.zeroize();
        return Err(error);
    }
    Ok(bytes)
}

fn not_empty(text: &str, what: &str) -> Result<Secret, String> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(format!("{what} is empty"));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(base: &Path, reference: &SecretRef) -> Result<String, String> {
        let secrets = FileSecrets {
            base: base.to_owned(),
        };
        let secret = secrets
            .resolve(reference)
            .map_err(|error| error.to_string())?;
        Ok(secret.expose().to_owned())
    }

    fn run(words: &[&str]) -> SecretRef {
        SecretRef::Command(words.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_file_is_relative_to_the_configuration_and_loses_one_newline() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "s3cret\n\n").unwrap();
        assert_eq!(
            resolve(folder.path(), &SecretRef::File("key".into())),
            Ok("s3cret\n".to_owned())
        );
    }

    #[test]
    fn a_key_store_comes_as_base64() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key.p12"), [0xff, 0x00, 0xfe]).unwrap();
        assert_eq!(
            resolve(folder.path(), &SecretRef::File("key.p12".into())),
            Ok("/wD+".to_owned())
        );
    }

    #[test]
    fn a_program_runs_without_a_shell_where_the_configuration_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "from the file\r\n").unwrap();
        assert_eq!(
            resolve(folder.path(), &run(&["cat", "key"])),
            Ok("from the file".to_owned())
        );
        assert_eq!(
            resolve(folder.path(), &run(&["echo", "$HOME"])),
            Ok("$HOME".to_owned())
        );
    }

    #[test]
    fn every_failure_says_what_happened_and_nothing_of_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("empty"), "\n").unwrap();
        let table = [
            (
                SecretRef::Env("OUTBOUND_NO_SUCH_VARIABLE".into()),
                "not set",
            ),
            (SecretRef::File("nowhere".into()), "No such file"),
            (SecretRef::File("empty".into()), "is empty"),
            (run(&["outbound-no-such-program"]), "cannot be started"),
            (
                run(&["sh", "-c", "echo canary; echo canary >&2; exit 3"]),
                "exit status: 3",
            ),
            (run(&["true"]), "is empty"),
            (run(&[]), "no program"),
        ];
        for (reference, expected) in table {
            let error = resolve(folder.path(), &reference).expect_err(expected);
            assert!(
                error.contains(expected) && !error.contains("canary"),
                "{error}"
            );
        }
    }

    #[test]
    fn looking_for_a_secret_says_what_is_not_there_and_runs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "s3cret").unwrap();
        let secrets = FileSecrets::new(folder.path());
        let touches = run(&["touch", "ran"]);
        for there in [
            SecretRef::File("key".into()),
            SecretRef::Inline(Secret::new("x")),
            touches,
        ] {
            assert_eq!(secrets.look(&there), Ok(()), "{there}");
        }
        assert!(!folder.path().join("ran").exists());
        for missing in [
            SecretRef::File("nowhere.p12".into()),
            SecretRef::File(".".into()),
            SecretRef::Env("OUTBOUND_NO_SUCH_VARIABLE".into()),
        ] {
            let told = secrets.look(&missing).expect_err("it is not there");
            assert!(told.to_string().contains("cannot be read"), "{told}");
        }
    }

    #[test]
    fn a_program_that_never_ends_is_stopped() {
        let words: Vec<String> = ["sleep", "600"].map(String::from).to_vec();
        let cause = output(&words, Path::new(""), Duration::from_millis(20)).expect_err("stopped");
        assert!(cause.contains("took longer"), "{cause}");
    }

    #[test]
    fn a_program_that_prints_without_end_is_stopped() {
        let words = vec!["yes".to_owned()];
        let cause = output(&words, Path::new(""), PATIENCE).expect_err("stopped");
        assert!(cause.contains("printed more"), "{cause}");
    }
}
