//! Every lint, with a change of the shipped file that it finds and one like it that it has nothing to say about.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{FileSecrets, Finding, LINTS, LintOptions, Severity, lint, parse};
use connectors::CATALOGUE;
use domain::{Secret, SecretError, SecretRef, Secrets};

struct Case {
    code: &'static str,
    /// Pieces of the shipped file and what stands there instead.
    bad: &'static [(&'static str, &'static str)],
    good: &'static [(&'static str, &'static str)],
    /// The text that is pointed at.
    at: &'static str,
}

const BLOCKING: &str = "on_failure = \"reject\"                   # and no user";
const SCIM_ENDPOINT: &str = "access_token = \"scim2-mock-token\"\n  user_endpoint = \"http://127.0.0.1:9103/scim/v2/Users\"";
/// Where the connections end, and one more before it that writes to the same target as `corp-scim`.
const LEVELS: &str = "# ── Organization level ──";
const OTHER_SCIM: &str = "[[connections]]\nid = \"other-scim\"\nname = \"The same once more\"\n\n  [[connections.connectors]]\n  type = \"scim2\"\n  enabled = true\n  authentication_mode = \"none\"\n  user_endpoint = \"http://127.0.0.1:9103/scim/v2/Users\"\n  group_endpoint = \"http://127.0.0.1:9103/scim/v2/Groups\"\n\n# ── Organization level ──";
/// One more that writes to the accounts of `corp-scim`, spelt otherwise and without groups, for the holders of a role.
const PARTNERS: &str = "[[connections]]\nid = \"partners\"\nname = \"Partners\"\noutbound_roles = [\"Internal/partners\"]\n\n  [[connections.connectors]]\n  type = \"scim2\"\n  enabled = true\n  authentication_mode = \"none\"\n  user_endpoint = \"http://127.0.0.1:9103/scim/v2/Users/\"\n\n# ── Organization level ──";
const PARTNERS_LISTED: (&str, &str) = (
    "[[resident.provisioners]]\nconnection = \"acme-google\"",
    "[[resident.provisioners]]\nconnection = \"partners\"\nconnector = \"scim2\"\n\n[[resident.provisioners]]\nconnection = \"acme-google\"",
);
/// The only provisioner that names the Salesforce connector.
const UNLISTED: &str = "  [[applications.provisioners]]\n  connection = \"acme-salesforce\"\n  connector = \"salesforce\"";
const SCIM_MODE: &str = "enabled = true\n  authentication_mode = \"bearer\"";

const CASES: &[Case] = &[
    Case {
        code: "brake-off",
        bad: &[("[engine]\n", "[engine]\nbrakes = { enabled = false }\n")],
        good: &[("[engine]\n", "[engine]\nbrakes = { count = 50 }\n")],
        at: "false",
    },
    Case {
        code: "brake-off",
        bad: &[(
            SCIM_MODE,
            "brakes = { percent = 100 }\n  enabled = true\n  authentication_mode = \"bearer\"",
        )],
        good: &[(
            SCIM_MODE,
            "brakes = { percent = 99 }\n  enabled = true\n  authentication_mode = \"bearer\"",
        )],
        at: "100",
    },
    Case {
        code: "quarantine-off",
        bad: &[("[engine]\n", "[engine]\nquarantine = { enabled = false }\n")],
        good: &[("[engine]\n", "[engine]\nquarantine = { enabled = true }\n")],
        at: "false",
    },
    Case {
        code: "retention-off",
        bad: &[("[engine]\n", "[engine]\nretention = { enabled = false }\n")],
        good: &[("[engine]\n", "[engine]\nretention = { enabled = true }\n")],
        at: "false",
    },
    Case {
        code: "retention-without-effect",
        bad: &[("[engine]\n", "[engine]\nretention = { bodies = \"90m\" }\n")],
        good: &[("[engine]\n", "[engine]\nretention = { bodies = \"1d\" }\n")],
        at: "\"90m\"",
    },
    Case {
        code: "retention-without-effect",
        bad: &[(
            "[engine]\n",
            "[engine]\nretention = { flows = \"7d\", bodies = \"8d\" }\n",
        )],
        good: &[(
            "[engine]\n",
            "[engine]\nretention = { flows = \"7d\", bodies = \"7d\" }\n",
        )],
        at: "\"8d\"",
    },
    Case {
        code: "probe-longer-than-its-end",
        bad: &[("[engine]\n", "[engine]\nquarantine = { probe = \"2h\" }\n")],
        good: &[(
            "[engine]\n",
            "[engine]\nquarantine = { probe = \"2h\", probe_at_most = \"3h\" }\n",
        )],
        at: "\"2h\"",
    },
    Case {
        code: "disabled-and-listed",
        bad: &[(
            SCIM_MODE,
            "enabled = false\n  authentication_mode = \"bearer\"",
        )],
        good: &[(
            SCIM_MODE,
            "enabled = true\n  paused = true\n  authentication_mode = \"bearer\"",
        )],
        at: "\"scim2\"",
    },
    Case {
        code: "disabled-and-listed",
        bad: &[("id = \"corp-scim\"", "id = \"corp-scim\"\nenabled = false")],
        good: &[("id = \"corp-oidc\"", "id = \"corp-oidc\"\nenabled = true")],
        at: "\"corp-scim\"",
    },
    Case {
        code: "enabled-and-unlisted",
        bad: &[(UNLISTED, "")],
        good: &[(
            "connector = \"salesforce\"",
            "connector = \"salesforce\"\n  timeout = \"5s\"",
        )],
        at: "true",
    },
    Case {
        code: "enabled-and-unlisted",
        bad: &[(UNLISTED, "")],
        good: &[
            (UNLISTED, ""),
            (
                "id = \"acme-salesforce\"",
                "id = \"acme-salesforce\"\nenabled = false",
            ),
        ],
        at: "true",
    },
    Case {
        code: "jit-half-configured",
        bad: &[("enabled = true\n  scheme", "enabled = false\n  scheme")],
        good: &[
            ("enabled = true\n  scheme", "enabled = false\n  scheme"),
            ("jit = true  ", "jit = false  "),
        ],
        at: "true",
    },
    Case {
        code: "jit-half-configured",
        bad: &[
            (
                "enabled = true\n  authentication_mode = \"basic\"",
                "enabled = false\n  authentication_mode = \"basic\"",
            ),
            ("jit = true  ", "jit = false  "),
        ],
        good: &[(
            "enabled = true\n  authentication_mode = \"basic\"",
            "enabled = false\n  authentication_mode = \"basic\"",
        )],
        at: "true",
    },
    Case {
        code: "one-target-twice",
        bad: &[
            (
                "group_endpoint = \"http://127.0.0.1:9103/scim/v2/Groups\"",
                "",
            ),
            ("user_store_domain = \"FEDERATED\"", ""),
        ],
        good: &[(
            "user_store_domain = \"FEDERATED\"",
            "user_store_domain = \"OTHER\"",
        )],
        at: "[[connections.connectors]]",
    },
    // Users of a store of ours bring its name along, also where a connector puts it in front of everybody's.
    Case {
        code: "one-target-twice",
        bad: &[
            (
                "group_endpoint = \"http://127.0.0.1:9103/scim/v2/Groups\"",
                "",
            ),
            (
                "user_store_domain = \"FEDERATED\"",
                "user_store_domain = \"employees\"",
            ),
        ],
        good: &[
            (
                "group_endpoint = \"http://127.0.0.1:9103/scim/v2/Groups\"",
                "",
            ),
            (
                "user_store_domain = \"FEDERATED\"",
                "user_store_domain = \"employees\"",
            ),
            (
                "provisioned_stores = []",
                "provisioned_stores = [\"PRIMARY\"]",
            ),
        ],
        at: "[[connections.connectors]]",
    },
    // That one of the two is for some roles only, and keeps no groups, makes no second target of it.
    Case {
        code: "one-target-twice",
        bad: &[(LEVELS, PARTNERS), PARTNERS_LISTED],
        good: &[
            (LEVELS, PARTNERS),
            PARTNERS_LISTED,
            ("scim/v2/Users/\"", "scim/partners/Users\""),
        ],
        at: "[[connections.connectors]]",
    },
    // An application with provisioners of its own speaks instead of the organization.
    Case {
        code: "one-target-twice",
        bad: &[
            (LEVELS, OTHER_SCIM),
            (
                "[[resident.provisioners]]\nconnection = \"acme-google\"",
                "[[resident.provisioners]]\nconnection = \"other-scim\"\nconnector = \"scim2\"\n\n[[resident.provisioners]]\nconnection = \"acme-google\"",
            ),
        ],
        good: &[
            (LEVELS, OTHER_SCIM),
            (
                "  [[applications.provisioners]]\n  connection = \"acme-google\"",
                "  [[applications.provisioners]]\n  connection = \"other-scim\"\n  connector = \"scim2\"\n\n  [[applications.provisioners]]\n  connection = \"acme-google\"",
            ),
        ],
        at: "[[connections.connectors]]",
    },
    Case {
        code: "one-target-twice",
        bad: &[(
            "connector = \"salesforce\"\n\n#",
            "connector = \"salesforce\"\n\n  [[applications.provisioners]]\n  connection = \"corp-oidc\"\n  connector = \"scim2\"\n  jit = true\n\n#",
        )],
        good: &[(
            "connector = \"salesforce\"\n\n#",
            "connector = \"salesforce\"\n\n  [[applications.provisioners]]\n  connection = \"corp-oidc\"\n  connector = \"scim2\"\n\n#",
        )],
        at: "[[applications.provisioners]]",
    },
    Case {
        code: "blocking-without-on-failure",
        bad: &[(BLOCKING, "# ")],
        good: &[
            (BLOCKING, "# "),
            (
                "blocking_timeout = \"30s\"",
                "blocking_timeout = \"30s\"\non_failure = \"reject\"",
            ),
        ],
        at: "true",
    },
    Case {
        code: "role-unqualified",
        bad: &[("\"Internal/manager\"", "\"manager\"")],
        good: &[("\"Internal/manager\"", "\"Application/manager\"")],
        at: "\"manager\"",
    },
    Case {
        code: "mapping-missing",
        bad: &[("remote = \"LocaleSidKey\"", "remote = \"Title\"")],
        good: &[(
            "remote = \"LocaleSidKey\"",
            "remote = \"localesidkey\"\n  connector = \"salesforce\"",
        )],
        at: "\"salesforce\"",
    },
    Case {
        code: "pattern-invalid",
        bad: &[("pattern = \"{UD,UN}\"", "pattern = \"{UD,NAME}\"")],
        good: &[("pattern = \"{UD,UN}\"", "pattern = \"{ UN , UD, TD,IDP }\"")],
        at: "\"{UD,NAME}\"",
    },
    Case {
        code: "pattern-without-store",
        bad: &[("pattern = \"{UD,UN}\"", "pattern = \"{UN}\"")],
        good: &[
            ("pattern = \"{UD,UN}\"", "pattern = \"{UN}\""),
            (
                "provisioned_stores = []",
                "provisioned_stores = [\"EMPLOYEES\"]",
            ),
        ],
        at: "\"{UN}\"",
    },
    Case {
        code: "pattern-without-store",
        bad: &[("pattern = \"{UD,UN}\"", "")],
        good: &[
            ("pattern = \"{UD,UN}\"", ""),
            (
                "user_stores = [\"PRIMARY\", \"EMPLOYEES\"]",
                "user_stores = []",
            ),
        ],
        at: "[[connections.connectors]]",
    },
    Case {
        code: "separator-is-a-regex",
        bad: &[("separator = \"-\"", "separator = \".\"")],
        good: &[("separator = \"-\"", "separator = \"_-\"")],
        at: "\".\"",
    },
    Case {
        code: "store-domain-blank",
        bad: &[(
            "user_store_domain = \"FEDERATED\"",
            "user_store_domain = \" \"",
        )],
        good: &[(
            "user_store_domain = \"FEDERATED\"",
            "user_store_domain = \"X\"",
        )],
        at: "\" \"",
    },
    Case {
        code: "password-without-trigger",
        bad: &[(
            "id = \"corp-scim\"",
            "id = \"corp-scim\"\noutbound_roles = [\"Internal/x\"]",
        )],
        good: &[
            (
                "id = \"corp-scim\"",
                "id = \"corp-scim\"\noutbound_roles = [\"Internal/x\"]",
            ),
            (
                "on_existing = \"fail\"",
                "default_password = \"x\"\n  on_existing = \"fail\"",
            ),
        ],
        at: "true",
    },
    Case {
        code: "api-version-without-v",
        bad: &[("\"v62.0\"", "\"62.0\"")],
        good: &[("\"v62.0\"", "\"v45.0\"")],
        at: "\"62.0\"",
    },
    Case {
        code: "plain-http",
        bad: &[(
            SCIM_ENDPOINT,
            "access_token = { env = \"TOKEN\" }\n  user_endpoint = \"http://scim.example/Users\"",
        )],
        good: &[(
            SCIM_ENDPOINT,
            "access_token = { env = \"TOKEN\" }\n  user_endpoint = \"https://scim.example/Users\"",
        )],
        at: "\"http://scim.example/Users\"",
    },
    Case {
        code: "plain-http",
        bad: &[(
            "\"https://login.corp.example/oauth2/token\"",
            "\"http://login.corp.example/oauth2/token\"",
        )],
        good: &[(
            "\"https://login.corp.example/oauth2/token\"",
            "\"http://localhost/oauth2/token\"",
        )],
        at: "\"http://login.corp.example/oauth2/token\"",
    },
    Case {
        code: "real-target-not-allowed",
        bad: &[(
            SCIM_ENDPOINT,
            "access_token = { env = \"TOKEN\" }\n  user_endpoint = \"https://scim.example/Users\"",
        )],
        good: &[
            (
                SCIM_ENDPOINT,
                "access_token = { env = \"TOKEN\" }\n  user_endpoint = \"https://scim.example/Users\"",
            ),
            ("real_targets = false", "real_targets = true"),
        ],
        at: "\"https://scim.example/Users\"",
    },
    Case {
        code: "ca-file-unreadable",
        bad: &[("request_timeout = \"10s\"", "ca_file = \"no/such.pem\"")],
        good: &[("request_timeout = \"10s\"", "ca_file = \"Cargo.toml\"")],
        at: "\"no/such.pem\"",
    },
];

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn changed(changes: &[(&str, &str)]) -> String {
    let mut text = std::fs::read_to_string(root().join("workbench.toml")).unwrap();
    for (from, to) in changes {
        assert!(
            text.contains(from),
            "the shipped file has no {from:?} any more"
        );
        text = text.replacen(from, to, 1);
    }
    text
}

fn findings(text: &str, base: &Path, secrets: Option<&dyn Secrets>) -> Vec<Finding> {
    let loaded =
        parse(text, "workbench.toml", base, &CATALOGUE).unwrap_or_else(|error| panic!("{error}"));
    lint(&loaded, &CATALOGUE, LintOptions { secrets })
}

#[test]
fn every_lint_finds_its_case_and_leaves_the_neighbour_alone() {
    for case in CASES {
        let found = findings(&changed(case.bad), &root(), None);
        let hit = found.iter().find(|finding| finding.code == case.code);
        let hit =
            hit.unwrap_or_else(|| panic!("{} does not find {:?}: {found:?}", case.code, case.bad));
        assert_eq!(hit.offending, case.at, "{hit}");
        let found = findings(&changed(case.good), &root(), None);
        assert!(
            !found.iter().any(|finding| finding.code == case.code),
            "{} finds {:?}: {found:?}",
            case.code,
            case.good
        );
    }
}

#[test]
fn one_target_twice_says_what_becomes_of_the_account_of_both() {
    let told = |changes: &[(&str, &str)]| {
        let found = findings(&changed(changes), &root(), None);
        let hit = found
            .into_iter()
            .find(|finding| finding.code == "one-target-twice");
        hit.expect("two connectors write to one target").message
    };
    let plain = told(&[
        (LEVELS, OTHER_SCIM),
        (
            PARTNERS_LISTED.0,
            "[[resident.provisioners]]\nconnection = \"other-scim\"\nconnector = \"scim2\"\n\n[[resident.provisioners]]\nconnection = \"acme-google\"",
        ),
    ]);
    assert!(plain.contains("the second takes it over"), "{plain}");
    assert!(!plain.contains("loses the roles"), "{plain}");
    let filtered = told(&[(LEVELS, PARTNERS), PARTNERS_LISTED]);
    assert!(
        filtered.contains("whoever loses the roles of one keeps the account"),
        "{filtered}"
    );
}

#[test]
fn every_lint_has_a_case() {
    let tested: BTreeSet<&str> = CASES
        .iter()
        .map(|case| case.code)
        .chain([
            "secret-file-open",
            "secret-file-missing",
            "secret-unresolved",
        ])
        .collect();
    let known: BTreeSet<&str> = LINTS.iter().map(|lint| lint.code).collect();
    assert_eq!(tested, known);
}

#[test]
fn only_a_pattern_a_ca_file_and_a_secret_that_cannot_be_used_are_errors() {
    for case in CASES {
        let found = findings(&changed(case.bad), &root(), None);
        let hit = found
            .iter()
            .find(|finding| finding.code == case.code)
            .expect("found above");
        let grave = ["pattern-invalid", "ca-file-unreadable"].contains(&case.code);
        assert_eq!(hit.severity == Severity::Error, grave, "{hit}");
    }
}

#[cfg(unix)]
#[test]
fn a_secret_file_that_everybody_may_read_is_found_unless_it_opens_a_mock() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("token");
    std::fs::write(&key, "canary").unwrap();
    let real =
        "access_token = { file = \"token\" }\n  user_endpoint = \"https://scim.example/Users\"";
    let mock = "access_token = { file = \"token\" }\n  user_endpoint = \"http://localhost/Users\"";
    let codes = |endpoint: &str, mode: u32| {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let found = findings(&changed(&[(SCIM_ENDPOINT, endpoint)]), folder.path(), None);
        found
            .iter()
            .filter(|finding| finding.code == "secret-file-open")
            .count()
    };
    assert_eq!(
        [codes(real, 0o644), codes(real, 0o600), codes(mock, 0o644)],
        [1, 0, 0]
    );
}

#[test]
fn a_secret_file_that_is_not_there_is_found_unless_the_mocks_write_it_at_their_start() {
    let folder = tempfile::tempdir().unwrap();
    let missing = |changes: &[(&str, &str)]| {
        let found = findings(&changed(changes), folder.path(), None);
        let found = found.into_iter();
        found
            .filter(|finding| finding.code == "secret-file-missing")
            .map(|finding| (finding.severity, finding.message))
            .collect::<Vec<_>>()
    };
    // The shipped file alone, without the folder of the keys.
    assert!(missing(&[]).is_empty(), "{:?}", missing(&[]));
    let key = "{ file = \"mocks/keys/google-service-account.p12\" }";
    for elsewhere in [
        "{ file = \"../keys/google.p12\" }",
        "{ file = \"/nowhere/google.p12\" }",
    ] {
        assert_eq!(missing(&[(key, elsewhere)]).len(), 1, "{elsewhere}");
    }
    // Another port is another target, and its key is not written by anybody.
    let moved = [(
        "base_url = \"http://127.0.0.1:9101\"",
        "base_url = \"http://127.0.0.1:9109\"",
    )];
    assert_eq!(missing(&moved).len(), 1);
    let token = [(
        SCIM_ENDPOINT,
        "access_token = { file = \"token\" }\n  user_endpoint = \"http://localhost/Users\"",
    )];
    let found = missing(&token);
    assert!(
        matches!(&found[..], [(Severity::Warning, told)] if told.contains("file:token cannot be read")),
        "{found:?}"
    );
    std::fs::write(folder.path().join("token"), "t0ken").unwrap();
    assert!(missing(&token).is_empty(), "{:?}", missing(&token));
}

#[test]
fn secrets_are_resolved_on_demand_only_and_each_that_cannot_be_had_is_named() {
    struct Nothing;
    impl Secrets for Nothing {
        fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
            Err(SecretError {
                reference: reference.to_string(),
                cause: "it is not there".to_owned(),
            })
        }
    }
    let text = changed(&[]);
    let unresolved = |secrets: Option<&dyn Secrets>| {
        let found = findings(&text, &root(), secrets);
        found
            .into_iter()
            .filter(|finding| finding.code == "secret-unresolved")
            .map(|finding| finding.message)
            .collect::<Vec<_>>()
    };
    assert!(unresolved(None).is_empty());
    assert_eq!(unresolved(Some(&Nothing)).len(), 5);
    // What the shipped file needs for its mocks is there.
    let missing = unresolved(Some(&FileSecrets { base: root() }));
    assert!(missing.is_empty(), "{missing:?}");
}
