use std::fs;
use std::path::PathBuf;

use connectors::CATALOGUE;
use domain::{Secret, SecretRef};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const TEXT: &str = r#"# The head of the file.
[organization]
name   =   "Acme"   # spaces are kept
tenant_domain = 'acme.example'

# Above the connection.
[[connections]]
id = "scim"  # the id
outbound_roles = [
  "Internal/manager", # one
]

  # Above the connector.
  [[connections.connectors]]
  type = "SCIM2"
  enabled = true
  scim2-user-ep = "http://127.0.0.1:9103/Users"
  authentication_mode = "none"
  retry = { jitter = true, ladder = ["1s"] }   # inline
  # At the end of the connector.

[[connections]]
id = "other"

[[applications]]
id = "portal"
login = ["other", "scim"]

  [[applications.provisioners]]
  connection = "scim"
  connector = "scim2"

[engine]
journal = "a.db"
retry.jitter = false
# The end.
"#;

fn open(text: &str) -> (TempDir, Document) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("workbench.toml");
    fs::write(&path, text).unwrap();
    let document = Document::open(&path, &CATALOGUE).unwrap();
    (folder, document)
}

fn tree(text: &str) -> Table {
    toml_edit::Document::parse(text.to_owned())
        .unwrap()
        .into_table()
}

/// Makes one change and returns the lines that went and the lines that came.
fn change(
    text: &str,
    change: impl FnOnce(&mut Document) -> Result<(), EditError>,
) -> (Vec<String>, Vec<String>) {
    let (_folder, mut document) = open(text);
    change(&mut document).unwrap_or_else(|error| panic!("{error}"));
    let diff = similar::TextDiff::from_lines(text, document.text());
    let lines = |tag| {
        let changes = diff.iter_all_changes().filter(|change| change.tag() == tag);
        changes
            .map(|change| change.value().trim_end_matches('\n').to_owned())
            .collect()
    };
    (
        lines(similar::ChangeTag::Delete),
        lines(similar::ChangeTag::Insert),
    )
}

#[test]
fn one_value_is_set_and_nothing_else_moves() {
    let table: &[(&str, Value, &str, &str)] = &[
        (
            "organization.name",
            "Bcme".into(),
            "name   =   \"Acme\"   # spaces are kept",
            "name   =   \"Bcme\"   # spaces are kept",
        ),
        (
            "connections[id=scim].connectors[type=scim2].enabled",
            false.into(),
            "  enabled = true",
            "  enabled = false",
        ),
        (
            "connections[0].connectors[0].user_endpoint",
            "http://localhost/".into(),
            "  scim2-user-ep = \"http://127.0.0.1:9103/Users\"",
            "  scim2-user-ep = \"http://localhost/\"",
        ),
        (
            "connections[id=scim].connectors[type=SCIM2].retry.jitter",
            false.into(),
            "  retry = { jitter = true, ladder = [\"1s\"] }   # inline",
            "  retry = { jitter = false, ladder = [\"1s\"] }   # inline",
        ),
        (
            "connections[id=scim].connectors[type=scim2].retry.give_up_after",
            "1d".into(),
            "  retry = { jitter = true, ladder = [\"1s\"] }   # inline",
            "  retry = { jitter = true, ladder = [\"1s\"], give_up_after = \"1d\" }   # inline",
        ),
        (
            "engine.retry.jitter",
            true.into(),
            "retry.jitter = false",
            "retry.jitter = true",
        ),
        (
            "applications[id=portal].login",
            Value::Array(Array::new()),
            "login = [\"other\", \"scim\"]",
            "login = []",
        ),
    ];
    for (at, value, gone, came) in table {
        let (old, new) = change(TEXT, |document| document.set(at, value.clone()));
        assert_eq!(
            (old, new),
            (vec![(*gone).to_owned()], vec![(*came).to_owned()]),
            "{at}"
        );
    }
}

#[test]
fn a_new_key_stands_at_the_end_of_its_table() {
    let table: &[(&str, Value, &[&str])] = &[
        (
            "connections[id=scim].connectors[type=scim2].paused",
            true.into(),
            &["  paused = true"],
        ),
        (
            "connections[id=other].name",
            "Other".into(),
            &["name = \"Other\""],
        ),
        ("engine.concurrency", 8.into(), &["concurrency = 8"]),
        (
            "engine.retry.give_up_after",
            "1d".into(),
            &["retry.give_up_after = \"1d\""],
        ),
        (
            "rules.on_deny",
            "keep".into(),
            &["[rules]", "on_deny = \"keep\""],
        ),
        ("mocks.scim2.port", 1.into(), &["[mocks.scim2]", "port = 1"]),
        (
            "connections[id=scim].jit.enabled",
            true.into(),
            &["  [connections.jit]", "  enabled = true"],
        ),
    ];
    for (at, value, lines) in table {
        let (old, mut new) = change(TEXT, |document| document.set(at, value.clone()));
        new.retain(|line| !line.is_empty());
        assert_eq!(
            (old.len(), new.as_slice()),
            (
                0,
                lines
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .as_slice()
            ),
            "{at}"
        );
    }
}

#[test]
fn what_was_set_is_what_is_read() {
    let (_folder, mut document) = open(TEXT);
    document
        .set("connections[id=scim].jit.enabled", true)
        .unwrap();
    document
        .set(
            "connections[id=other].login.client_secret",
            secret(&SecretRef::Env("X".into())),
        )
        .unwrap();
    document.set("engine.retry.give_up_after", "2d").unwrap();
    let loaded = document.check().unwrap_or_else(|error| panic!("{error}"));
    let configuration = loaded.configuration;
    assert!(configuration.connections[0].jit.enabled && !configuration.connections[1].jit.enabled);
    let login = configuration.connections[1]
        .login
        .as_ref()
        .expect("just set");
    assert_eq!(login.client_secret, Some(SecretRef::Env("X".into())));
    assert_eq!(
        configuration.engine.retry.give_up_after.as_secs(),
        2 * 86_400
    );
}

#[test]
fn a_value_goes_with_its_line_and_the_comments_around_it_stay() {
    let (old, new) = change(TEXT, |document| {
        document.remove("connections[id=scim].connectors[type=scim2].enabled")
    });
    assert_eq!((old, new.len()), (vec!["  enabled = true".to_owned()], 0));
    let (old, new) = change(TEXT, |document| {
        document.remove("connections[id=scim].outbound_roles")
    });
    assert_eq!((old.len(), new.len()), (3, 0));
    for (at, left) in [
        ("jitter", "{ ladder = [\"1s\"] }"),
        ("ladder", "{ jitter = true }"),
    ] {
        let (_, new) = change(TEXT, |document| {
            document.remove(&format!(
                "connections[id=scim].connectors[type=scim2].retry.{at}"
            ))
        });
        assert_eq!(new, [format!("  retry = {left}   # inline")]);
    }
}

#[test]
fn a_value_that_was_taken_out_comes_back_below_its_remark() {
    let shipped = shipped();
    let (_folder, mut document) = open(&shipped);
    let at = "connections[id=acme-salesforce].outbound_roles";
    let roles: Value = ["Internal/sales", "Internal/manager"].into_iter().collect();
    document.remove(at).unwrap();
    // As it is read again after it was saved.
    let (_folder, mut again) = open(document.text());
    for document in [&mut document, &mut again] {
        document.set(at, roles.clone()).unwrap();
        assert_eq!(document.text(), shipped);
    }
    // What was commented out is not parted from what stands above either.
    let text = "[organization]\nname = \"Acme\"\ntenant_domain = \"acme.example\"\n\n[engine]\njournal = \"a.db\"\n# real_targets = true\n\n[rules]\non_deny = \"keep\"\n";
    let (_folder, mut document) = open(text);
    document.set("engine.concurrency", 8).unwrap();
    assert!(
        document
            .text()
            .contains("# real_targets = true\nconcurrency = 8\n\n[rules]"),
        "{}",
        document.text()
    );
}

#[test]
fn an_entry_goes_with_everything_in_it() {
    let (old, new) = change(TEXT, |document| document.remove("connections[id=scim]"));
    assert!(
        old.contains(&"id = \"scim\"  # the id".to_owned())
            && old.contains(&"  type = \"SCIM2\"".to_owned())
    );
    assert!(
        !old.iter()
            .any(|line| line.contains("Above the connection.") || line.contains("At the end"))
    );
    assert!(new.is_empty());
    let (old, _) = change(TEXT, |document| document.remove("engine"));
    assert_eq!(
        old,
        ["[engine]", "journal = \"a.db\"", "retry.jitter = false"]
    );
}

#[test]
fn a_new_entry_stands_behind_the_last_of_its_kind() {
    let entry = || [("id", Value::from("new")), ("enabled", Value::from(false))];
    let (_folder, mut document) = open(TEXT);
    document.insert("connections", entry()).unwrap();
    document
        .insert("connections[id=new].connectors", [("type", "scim2")])
        .unwrap();
    document
        .insert(
            "connections[id=scim].attributes",
            [("remote", "title"), ("value", "Dr")],
        )
        .unwrap();
    document
        .insert(
            "resident.provisioners",
            [("connection", "scim"), ("connector", "scim2")],
        )
        .unwrap();
    document
        .insert(
            "applications[id=portal].provisioners",
            [("connection", "new"), ("connector", "scim2")],
        )
        .unwrap();
    insta::assert_snapshot!(document.text());
}

#[test]
fn a_new_id_is_followed_by_everything_that_names_it() {
    let (old, new) = change(TEXT, |document| {
        document.rename("connections[id=scim]", "corp-scim")
    });
    assert_eq!(
        old,
        [
            "id = \"scim\"  # the id",
            "login = [\"other\", \"scim\"]",
            "  connection = \"scim\""
        ]
    );
    assert_eq!(
        new,
        [
            "id = \"corp-scim\"  # the id",
            "login = [\"other\", \"corp-scim\"]",
            "  connection = \"corp-scim\""
        ]
    );
    let (old, _) = change(TEXT, |document| {
        document.rename("applications[id=portal]", "scim")
    });
    assert_eq!(old, ["id = \"portal\""]);
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let (_folder, mut document) = open(TEXT);
    let refusals = [
        document.set("connections[id=nobody].enabled", true),
        document.set("connections[7].enabled", true),
        document.set("connections", "x"),
        document.set("organization.name.deeper", "x"),
        document.set("a b", "x"),
        document.remove("engine.nothing"),
        document.remove("connections"),
        document.remove("applications[id=portal].login[0]"),
        document.insert("engine", [("x", 1)]),
        document.insert("connections[id=nobody].connectors", [("x", 1)]),
        document.rename("engine", "x"),
        document.insert("connections", [("no key", 1)]),
    ];
    for refusal in refusals {
        assert!(!refusal.expect_err("refused").to_string().is_empty());
    }
    assert!(!document.is_changed() && document.diff().is_empty());
}

#[test]
fn line_endings_and_a_missing_last_newline_are_kept() {
    let text = TEXT.replace('\n', "\r\n");
    let (_folder, mut document) = open(text.trim_end());
    document.set("engine.concurrency", 8).unwrap();
    document.set("rules.on_deny", "keep").unwrap();
    let (_folder, mut plain) = open(TEXT);
    plain.set("engine.concurrency", 8).unwrap();
    plain.set("rules.on_deny", "keep").unwrap();
    assert_eq!(document.text().replace("\r\n", "\n"), plain.text());
    assert!(!document.text().replace("\r\n", "").contains('\n'));
}

#[test]
fn saving_writes_the_change_and_keeps_permissions_and_links() {
    let (folder, document) = open(TEXT);
    let link = folder.path().join("link.toml");
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        symlink(&document.path, &link).unwrap();
        fs::set_permissions(&document.path, fs::Permissions::from_mode(0o640)).unwrap();
    }
    #[cfg(not(unix))]
    fs::copy(&document.path, &link).unwrap();
    let mut document = Document::open(&link, &CATALOGUE).unwrap();
    document.set("engine.concurrency", 8).unwrap();
    assert!(document.diff().contains("+concurrency = 8"));
    assert_eq!(document.save().unwrap().configuration.engine.concurrency, 8);
    assert!(!document.is_changed());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::metadata(&link).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }
    assert_eq!(fs::read_to_string(&link).unwrap(), document.text());
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "nothing is left behind"
    );
    // A second change of the same document is no foreign one.
    document.set("engine.concurrency", 9).unwrap();
    document.save().unwrap();
}

#[test]
fn a_file_that_somebody_else_changed_is_not_overwritten() {
    let (_folder, mut document) = open(TEXT);
    document.set("engine.concurrency", 8).unwrap();
    fs::write(&document.path, "# mine\n").unwrap();
    assert!(matches!(
        document.save(),
        Err(EditError::ChangedUnderneath(_))
    ));
    assert_eq!(fs::read_to_string(&document.path).unwrap(), "# mine\n");
}

#[test]
fn a_change_that_would_not_load_is_refused_with_the_findings() {
    let (_folder, mut document) = open(TEXT);
    document
        .set(
            "connections[id=scim].connectors[type=scim2].authentication_mode",
            "bearer",
        )
        .unwrap();
    document
        .set(
            "connections[id=scim].connectors[type=scim2].user_endpoint",
            "https://real.example/Users",
        )
        .unwrap();
    document
        .set(
            "connections[id=scim].connectors[type=scim2].access_token",
            secret(&SecretRef::Inline(Secret::new("canary"))),
        )
        .unwrap();
    let error = document
        .save()
        .expect_err("an inline secret for a foreign target");
    let EditError::Invalid(error) = error else {
        panic!("{error}")
    };
    assert_eq!(error.findings()[0].code, "inline-secret");
    assert!(!error.to_string().contains("canary"));
    assert_eq!(fs::read_to_string(&document.path).unwrap(), TEXT);
}

#[test]
fn a_text_with_errors_makes_a_configuration_as_far_as_it_goes() {
    let (_folder, mut document) = open(TEXT);
    document.insert("connections", [("id", "third")]).unwrap();
    let login = "connections[id=third].login";
    for (key, value) in [
        ("protocol", "oidc"),
        ("client_secret", "canary"),
        ("token_endpoint", "https://idp.example/token"),
    ] {
        document.set(&format!("{login}.{key}"), value).unwrap();
    }
    let error = document.check().expect_err("a secret for elsewhere");
    assert!(!error.findings().is_empty());
    let configuration = document.in_part().unwrap();
    let ids: Vec<&str> = configuration
        .connections
        .iter()
        .map(|one| one.id.0.as_str())
        .collect();
    assert_eq!(ids, ["scim", "other", "third"]);
    assert!(configuration.connections[2].login.is_some());
}

#[test]
fn what_is_no_toml_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("workbench.toml");
    assert!(matches!(
        Document::open(&path, &CATALOGUE),
        Err(EditError::Unreadable { .. })
    ));
    fs::write(&path, "access_token = \"canary").unwrap();
    let Err(EditError::Broken(error)) = Document::open(&path, &CATALOGUE) else {
        panic!("it is no TOML")
    };
    assert!(!error.findings().is_empty() && !error.to_string().contains("canary"));
}

fn shipped() -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../workbench.toml"))
        .unwrap()
}

fn comments(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.find("# ").map(|at| &line[at..]))
        .collect()
}

/// Places that exist in the shipped file, and ones that do not yet.
const PLACES: [&str; 12] = [
    "organization.name",
    "connections[id=acme-google].description",
    "connections[id=acme-google].connectors[type=google].application_name",
    "connections[id=acme-google].connectors[type=google].given_name_default",
    "connections[id=acme-salesforce].attributes[remote=Email].default",
    "connections[id=acme-salesforce].connectors[type=salesforce].username",
    "connections[id=corp-oidc].login.client_id",
    "connections[id=corp-oidc].connectors[type=SCIM2].default_password",
    "connections[2].name",
    "applications[id=customer-portal].name",
    "mocks.scim2.personality",
    "mocks.google.personality",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_edits_keep_every_comment_and_every_other_line(edits in proptest::collection::vec((0..PLACES.len(), "\\PC{0,12}"), 1..8)) {
        let text = shipped();
        let (_folder, mut document) = open(&text);
        for (place, value) in &edits {
            document.set(PLACES[*place], value.as_str()).unwrap();
        }
        let touched: std::collections::BTreeSet<usize> = edits.iter().map(|(place, _)| *place).collect();
        prop_assert_eq!(comments(&text).len(), comments(document.text()).len() - edits_with_marks(document.text(), &edits));
        let diff = similar::TextDiff::from_lines(text.as_str(), document.text());
        let gone = diff.iter_all_changes().filter(|change| change.tag() == similar::ChangeTag::Delete).count();
        let came = diff.iter_all_changes().filter(|change| change.tag() == similar::ChangeTag::Insert).count();
        prop_assert!(gone <= touched.len() && came <= touched.len(), "{} {}", gone, came);
        // Each place holds what was written there last.
        let root = tree(document.text());
        for place in touched {
            let last = edits.iter().rev().find(|(at, _)| *at == place).map(|(_, value)| value.as_str());
            let found = spot::find(&root, &steps(PLACES[place]).unwrap(), &CATALOGUE).expect("was set");
            let Spot::Value(value) = found.spot else { panic!("a text was set") };
            prop_assert_eq!(value.as_str(), last);
        }
    }

    #[test]
    fn setting_and_removing_leaves_the_file_as_it_was(place in 0..PLACES.len(), value in "[a-z]{1,8}") {
        let text = shipped();
        let (_folder, mut document) = open(&text);
        let was_there = spot::find(&tree(&text), &steps(PLACES[place]).unwrap(), &CATALOGUE).is_some();
        document.set(PLACES[place], value.as_str()).unwrap();
        document.remove(PLACES[place]).unwrap();
        if !was_there {
            prop_assert_eq!(document.text(), text);
        }
    }
}

/// Values that look like a comment themselves do not count as one.
fn edits_with_marks(text: &str, edits: &[(usize, String)]) -> usize {
    let root = tree(text);
    let places: std::collections::BTreeSet<usize> = edits.iter().map(|(place, _)| *place).collect();
    places
        .into_iter()
        .filter(|place| {
            let span = spot::find(&root, &steps(PLACES[*place]).unwrap(), &CATALOGUE)
                .and_then(|found| span_of(found.spot))
                .expect("was set");
            let line = &text[line_start(text, span.start)..line_end(text, span.end)];
            let after = &text[span.end..line_end(text, span.end)];
            line.contains("# ") && !after.contains("# ")
        })
        .count()
}

#[test]
fn what_stands_at_a_path_is_told_as_it_is_written() {
    let (_folder, document) = open(TEXT);
    for (path, text) in [
        ("organization.name", Some("\"Acme\"")),
        (
            "connections[id=scim].connectors[type=scim2].user_endpoint",
            Some("\"http://127.0.0.1:9103/Users\""),
        ),
        (
            "connections[id=scim].connectors[type=scim2].retry",
            Some("{ jitter = true, ladder = [\"1s\"] }"),
        ),
        (
            "connections[id=other]",
            Some("[[connections]]\nid = \"other\""),
        ),
        ("connections[id=nobody]", None),
        ("organization.colour", None),
    ] {
        assert_eq!(document.at(path).unwrap().as_deref(), text, "{path}");
    }
    let connections = document.at("connections").unwrap().unwrap();
    assert!(connections.contains("id = \"scim\"") && connections.contains("id = \"other\""));
    assert!(!connections.contains("applications"));
}

/// An array, an entry of it, and where that is then.
type Addition = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

/// What is added and removed again leaves no trace, wherever it stood and whatever blank lines and remarks are around it.
#[test]
fn adding_and_removing_leaves_the_file_as_it_was() {
    let shipped =
        fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../workbench.toml"));
    let bare = "[organization]\nname = \"Acme\"\ntenant_domain = \"acme.example\"\n".to_owned();
    for text in [shipped.unwrap(), bare] {
        let (_folder, mut document) = open(&text);
        let steps: [Addition; 4] = [
            (
                "connections",
                &[("id", "new"), ("name", "New")],
                "connections[id=new]",
            ),
            (
                "connections[id=new].connectors",
                &[("type", "scim2"), ("authentication_mode", "none")],
                "connections[id=new].connectors[type=scim2]",
            ),
            (
                "resident.provisioners",
                &[("connection", "new"), ("connector", "scim2")],
                "resident.provisioners[connection=new]",
            ),
            (
                "applications",
                &[("id", "new"), ("name", "New")],
                "applications[id=new]",
            ),
        ];
        let mut texts = vec![document.text().to_owned()];
        for (array, entry, _) in steps {
            document.insert(array, entry.iter().copied()).unwrap();
            texts.push(document.text().to_owned());
        }
        for (_, _, at) in steps.iter().rev() {
            texts.pop();
            document.remove(at).unwrap();
            let wanted = texts.last().unwrap();
            let diff = similar::TextDiff::from_lines(wanted.as_str(), document.text());
            assert_eq!(document.text(), wanted, "{}", diff.unified_diff());
        }
    }
}
