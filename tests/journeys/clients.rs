//! The vendors' own client libraries, and published testers, cannot tell the mocks from the real thing.

use std::process::{Command, Stdio};

use crate::program::{Mocks, house};

/// What the scripts end with when their library is not installed.
const SKIPPED: i32 = 77;

/// Runs `mocks/tests/clients/<script>`; skipped with a word when Python or the library is absent.
fn drive(script: &str, words: &[&str]) {
    let must = std::env::var("OUTBOUND_PYTHON").ok();
    let python = must.as_deref().unwrap_or("python3");
    let path = house().join("mocks/tests/clients").join(script);
    let run = Command::new(python)
        .arg(path)
        .args(words)
        .stdin(Stdio::null())
        .output();
    let output = match run {
        Ok(output) => output,
        Err(error) => {
            assert!(must.is_none(), "OUTBOUND_PYTHON cannot be run: {error}");
            eprintln!("skipped: {python} is not here");
            return;
        }
    };
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if output.status.code() == Some(SKIPPED) {
        assert!(must.is_none(), "OUTBOUND_PYTHON lacks the library: {told}");
        eprintln!(
            "{} (pip install -r tests/peers/requirements.txt)",
            told.trim()
        );
        return;
    }
    assert!(output.status.success(), "{told}");
}

#[test]
fn googles_own_client_cannot_tell() {
    let mocks = Mocks::start();
    let ready = mocks.ready("google");
    let word = |key: &str| ready[key].as_str().unwrap().to_owned();
    drive(
        "google.py",
        &[&word("credentials"), &word("url"), &word("subject")],
    );
}

#[test]
fn a_published_salesforce_client_cannot_tell() {
    let mocks = Mocks::start();
    let ready = mocks.ready("salesforce");
    let word = |key: &str| ready[key].as_str().unwrap().to_owned();
    drive("salesforce.py", &[&word("credentials"), &word("url")]);
}

#[test]
fn published_scim_testers_find_nothing_to_say() {
    let mocks = Mocks::start();
    let ready = mocks.ready("scim2");
    let token = ready["authorization"]
        .as_str()
        .unwrap()
        .trim_start_matches("Bearer ");
    drive("scim2.py", &[ready["url"].as_str().unwrap(), token]);
}
