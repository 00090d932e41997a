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
            // The tokens that the Google mock grants begin like this, and a JWT assertion like that.
            "ya29.",
            "eyJ",
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

#[test]
fn secrets_of_every_other_field_appear_nowhere_either() {
    let mocks = Mocks::start();
    let program = Program::shipped(&mocks);
    let path = program.path().join("workbench.toml");
    let shipped = std::fs::read_to_string(&path).unwrap();
    for mode in [
        "authentication_mode = \"apiKey\"\n  api_key_header = \"X-API-Key\"\n  api_key_value = { env = \"CANARY_TOKEN\" }",
        "authentication_mode = \"clientCredential\"\n  client_id = \"id\"\n  client_secret = { env = \"CANARY_SECRET\" }\n  \
         token_endpoint = \"http://127.0.0.1:9103/token\"",
    ] {
        let mode = format!("{mode}\n  default_password = {{ env = \"CANARY_PASSWORD\" }}");
        let text = shipped
            .replace("authentication_mode = \"bearer\"", &mocks.pointed(&mode))
            .replace("access_token = \"scim2-mock-token\"\n", "\n")
            .replace(
                "enable_password_provisioning = true ",
                "enable_password_provisioning = false",
            )
            .replace(
                "{ file = \"mocks/keys/google-service-account.p12\" }",
                "{ env = \"CANARY_BASIC\" }",
            )
            .replace("blocking = true ", "blocking = false");
        std::fs::write(&path, text).unwrap();
        for file in ["outbound.db", "outbound.db-wal", "outbound.db-shm"] {
            let _ = std::fs::remove_file(program.path().join(file)); // there is none before the first mode
        }
        play(&program, &[PASSWORD, "c4nary-"]);
    }
}

#[test]
fn a_panic_that_prints_the_configuration_prints_no_secret() {
    let text = std::fs::read_to_string(crate::program::house().join("workbench.toml")).unwrap();
    let text = text
        .replace("scim2-mock-token", "c4nary-token")
        .replace("scim2-mock-password", "c4nary-password");
    let loaded = config::parse(
        &text,
        "workbench.toml",
        &crate::program::house(),
        &connectors::CATALOGUE,
    )
    .unwrap();
    let panic =
        std::panic::catch_unwind(|| panic!("{loaded:?} {:#?}", loaded.configuration)).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(
        message.contains("corp-scim"),
        "the configuration was in the message"
    );
    assert!(!message.contains("c4nary"), "{message}");
}
