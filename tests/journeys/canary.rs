//! A secret set in every secret field appears in no output and in no file.

use std::fmt::Write as _;
use std::path::Path;

use crate::program::{Mocks, Program};

/// The passwords that the triggers carry.
const PASSWORD: &str = "c4nary-Passw0rd-of-the-user";

fn scan(place: &str, bytes: &[u8], secrets: &[&str], found: &mut String) {
    for secret in secrets {
        if bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
        {
            writeln!(found, "{secret} in {place}").unwrap();
        }
    }
}

fn scan_folder(folder: &Path, secrets: &[&str], found: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scan_folder(&path, secrets, found);
        } else if path.file_name().is_none_or(|name| name != "workbench.toml") {
            scan(
                &path.display().to_string(),
                &std::fs::read(&path).unwrap(),
                secrets,
                found,
            );
        }
    }
}

fn play(program: &Program, secrets: &[&str]) {
    let mut found = String::new();
    let mut run = |words: &[&str]| {
        let mut words = words.to_vec();
        words.extend(["--log-dir", "logs"]);
        let mut command = program.command(&words);
        command
            .env("OUTBOUND_LOG", "trace")
            .env("RUST_BACKTRACE", "1");
        for name in [
            "CANARY_TOKEN",
            "CANARY_SECRET",
            "CANARY_PASSWORD",
            "CANARY_BASIC",
            "CANARY_OIDC",
        ] {
            command.env(name, format!("c4nary-{name}-value"));
        }
        let output = command.output().unwrap();
        scan(
            &format!("stdout of {words:?}"),
            &output.stdout,
            secrets,
            &mut found,
        );
        scan(
            &format!("stderr of {words:?}"),
            &output.stderr,
            secrets,
            &mut found,
        );
    };
    for json in [&[][..], &["--json"][..]] {
        let user = if json.is_empty() { "ada" } else { "bea" };
        let mut words = vec![
            "trigger",
            "user-created",
            user,
            "--claim",
            "lastname=X",
            "--claim",
            "givenname=Y",
        ];
        words.extend([
            "--role",
            "Internal/sales",
            "--password-env",
            "USER_PASSWORD",
            "--trace",
            "--wait",
            "4",
        ]);
        words.extend(json);
        // The password travels by the environment of this one command.
        let mut command = program.command(&words);
        for name in [
            "CANARY_TOKEN",
            "CANARY_SECRET",
            "CANARY_PASSWORD",
            "CANARY_BASIC",
            "CANARY_OIDC",
        ] {
            command.env(name, format!("c4nary-{name}-value"));
        }
        let output = command
            .env("USER_PASSWORD", PASSWORD)
            .env("OUTBOUND_LOG", "trace")
            .args(["--log-dir", "logs"])
            .output()
            .unwrap();
        let mut seen = String::new();
        scan("stdout", &output.stdout, secrets, &mut seen);
        scan("stderr", &output.stderr, secrets, &mut seen);
        assert_eq!(seen, "");
        for words in [
            &["journal", "show", "--wire"][..],
            &["journal", "list"],
            &["journal", "operations"],
            &["journal", "exchanges", "--wire"],
            &["journal", "export", "--format", "jsonl"],
            &["journal", "export", "--format", "har"],
            &["journal", "export", "--format", "curl"],
            &["users", "list"],
            &["links", "list"],
            &["check", "--secrets"],
            &["check", "--targets"],
            &["config", "set", "engine.concurrency", "7", "--dry-run"],
        ] {
            let mut words = words.to_vec();
            words.extend(json);
            run(&words);
        }
    }
    scan_folder(program.path(), secrets, &mut found);
    assert_eq!(found, "");
    assert!(
        std::fs::read_dir(program.path().join("logs"))
            .unwrap()
            .next()
            .is_some(),
        "there was a log to look into"
    );
}

#[test]
fn secrets_that_work_appear_nowhere() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    play(
        &program,
        &[
            PASSWORD,
            "scim2-mock-token",
            "scim2-mock-password",
            "5F0BA77E0B0C4D19A1B3C2D4E5F60718293A4B5C6D7E8F901A2B3C4D5E6F7081",
            "workbench2026oUtB0und",
        ],
    );
}

#[test]
fn secrets_that_are_refused_appear_nowhere_either() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let path = program.path().join("workbench.toml");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("\"scim2-mock-token\"", "{ env = \"CANARY_TOKEN\" }")
        .replace("\"scim2-mock-password\"", "\"c4nary-inline-value\"")
        .replace(
            "\"5F0BA77E0B0C4D19A1B3C2D4E5F60718293A4B5C6D7E8F901A2B3C4D5E6F7081\"",
            "{ command = [\"printenv\", \"CANARY_SECRET\"] }",
        )
        .replace(
            "\"workbench2026oUtB0undT0kenSecur1ty\"",
            "{ env = \"CANARY_PASSWORD\" }",
        )
        .replace("CORP_OIDC_SECRET", "CANARY_OIDC")
        .replace("blocking = true ", "blocking = false");
    std::fs::write(&path, text).unwrap();
    play(&program, &[PASSWORD, "c4nary-"]);
}
