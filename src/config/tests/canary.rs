//! A secret in the file is never in what is said about the file.

use std::path::Path;

use crate::edit::Document;
use crate::{LintOptions, LoadError, lint, parse};
use connectors::CATALOGUE;
use proptest::prelude::*;

const CANARY: &str = "cAnArY-5f1d";

/// The secrets of the shipped file, each in place of which the canary is put.
const SECRETS: [&str; 4] = [
    "5F0BA77E0B0C4D19A1B3C2D4E5F60718293A4B5C6D7E8F901A2B3C4D5E6F7081",
    "workbench2026oUtB0undT0kenSecur1ty",
    "scim2-mock-token",
    "scim2-mock-password",
];

fn shipped() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workbench.toml");
    let mut text = std::fs::read_to_string(path).unwrap();
    for secret in SECRETS {
        assert!(text.contains(secret));
        text = text.replace(secret, CANARY);
    }
    text
}

/// Returns everything that is ever said about a text.
fn said(text: &str) -> String {
    match parse(text, "workbench.toml", Path::new(""), &CATALOGUE) {
        Ok(loaded) => {
            let found = lint(&loaded, &CATALOGUE, LintOptions::default());
            let all = loaded.warnings.iter().chain(&found);
            let shown: Vec<String> = all
                .map(|finding| {
                    format!(
                        "{finding}\n{finding:?}\n{}",
                        serde_json::to_string(finding).unwrap()
                    )
                })
                .collect();
            format!("{}{loaded:?}", shown.join("\n"))
        }
        Err(error) => {
            let LoadError::Invalid(findings) = &error else {
                panic!("{error}")
            };
            format!(
                "{error}\n{error:?}\n{}",
                serde_json::to_string(findings).unwrap()
            )
        }
    }
}

#[test]
fn no_secret_is_shown_when_every_target_is_foreign() {
    let text = shipped().replace("http://127.0.0.1", "http://target.example");
    let said = said(&text);
    assert_eq!(said.matches("error[inline-secret]").count(), SECRETS.len());
    assert!(!said.contains(CANARY), "{said}");
}

#[test]
fn no_secret_is_shown_in_any_way_of_writing_it() {
    for written in [
        "password = 'cAnArY-5f1d'",
        "'password' = \"cAnArY-5f1d\"",
        "scim2-password = \"\"\"\nfirst\ncAnArY-5f1d\n\"\"\"",
        "pasword = \"cAnArY-5f1d\"",
        "nobody_knows_this = { deep = [\"cAnArY-5f1d\"] }",
        "password = { value = \"cAnArY-5f1d\" }",
        "password = { command = [\"echo\", \"cAnArY-5f1d\"], env = 5 }",
        "password = [\"cAnArY-5f1d\"]",
        "password.inline = \"cAnArY-5f1d\"",
        "password = \"cAnArY-5f1d\" \"cAnArY-5f1d\"",
        "password = \"cAnArY-5f1d",
        "password = \"a\"\n  password = \"cAnArY-5f1d\"",
        "authentication_mode = 7 # password\n  password = \"cAnArY-5f1d\"",
    ] {
        let text = shipped().replace(
            "password = \"cAnArY-5f1d\"\n  user_endpoint",
            &format!("{written}\n  user_endpoint"),
        );
        assert!(text.contains(written), "{written}");
        let text = text.replace("type = \"scim2\"", "type = \"scim2\" \n  oops = 1");
        let said = said(&text);
        assert!(!said.contains(CANARY), "{written}: {said}");
    }
}

#[test]
fn no_secret_is_shown_by_a_diff() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("workbench.toml");
    std::fs::write(&path, shipped()).unwrap();
    let mut document = Document::open(&path, &CATALOGUE).unwrap();
    document
        .set(
            "connections[id=acme-salesforce].connectors[type=salesforce].password",
            format!("{CANARY}-new"),
        )
        .unwrap();
    document
        .set(
            "connections[id=acme-salesforce].connectors[type=salesforce].username",
            "other",
        )
        .unwrap();
    let diff = document.diff();
    assert!(
        diff.contains("-  password = ••••") && diff.contains("+  password = ••••"),
        "{diff}"
    );
    assert!(
        diff.contains("+  username = \"other\"") && !diff.contains(CANARY),
        "{diff}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Any file, however broken, gets an answer, and the answer shows no secret.
    #[test]
    fn a_mangled_file_shows_no_secret(cuts in proptest::collection::vec((0_usize..9000, 0_usize..60, "[\\[\\]{}=\"'# a.\\n]{0,3}"), 1..5)) {
        let mut text = shipped();
        for (at, length, put) in cuts {
            let start = floor(&text, at % text.len());
            let end = floor(&text, (start + length).min(text.len()));
            // A canary that is cut, or whose key is, is no secret any more that anybody could know.
            if text[line(&text, start)..].lines().take(1 + text[start..end].matches('\n').count()).any(|line| line.contains(CANARY)) {
                continue;
            }
            text.replace_range(start..end, &put);
        }
        let said = said(&text);
        prop_assert!(!said.contains(CANARY), "{}", said);
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn line(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |at| at + 1)
}
