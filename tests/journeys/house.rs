//! The map is true: paths exist, and no room imports what it may not.

use std::collections::BTreeSet;

use crate::program::house;

#[test]
fn every_path_that_the_map_names_exists() {
    for document in ["ARCHITECTURE.md", "README.md"] {
        let text = std::fs::read_to_string(house().join(document)).unwrap();
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let words = text.split('`').skip(1).step_by(2).filter(|word| {
            word.contains('/')
                && !word.contains([' ', '<', '{', '*', '('])
                && !word.contains("://")
                && !word.contains("/scim2")
                && !word.contains("STORE/")
        });
        for path in links.filter(|link| !link.starts_with("http")).chain(words) {
            assert!(
                house().join(path).exists(),
                "{document} names {path}, which is not there"
            );
        }
    }
}

#[test]
fn every_arrow_between_the_rooms_is_an_allowed_one() {
    // Test dependencies included: connectors meet the mocks on the wire, in their tests only.
    let allowed: [(&str, &[&str], &[&str]); 7] = [
        ("src/domain", &[], &[]),
        ("src/decide", &["domain"], &[]),
        ("src/connectors", &["domain"], &["mocks"]),
        ("src/engine", &["domain", "decide"], &[]),
        ("src/config", &["domain"], &["connectors"]),
        (
            "src/tui",
            &["domain", "decide", "engine", "config"],
            &["connectors"],
        ),
        ("mocks", &[], &[]),
    ];
    let rooms: BTreeSet<&str> = [
        "config",
        "connectors",
        "decide",
        "domain",
        "engine",
        "mocks",
    ]
    .into();
    for (room, normal, tests) in allowed {
        let text = std::fs::read_to_string(house().join(room).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let named = |section: &str| -> BTreeSet<String> {
            let table = manifest.get(section).and_then(toml::Value::as_table);
            table
                .into_iter()
                .flat_map(|table| table.keys().cloned())
                .filter(|name| rooms.contains(name.as_str()))
                .collect()
        };
        let expected = |list: &[&str]| {
            list.iter()
                .map(|&name| name.to_owned())
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(named("dependencies"), expected(normal), "{room}");
        assert!(
            named("dev-dependencies").is_subset(&expected(tests)),
            "{room}: {:?}",
            named("dev-dependencies")
        );
    }
}

#[test]
fn the_decision_has_nothing_to_do_input_or_output_with() {
    for room in ["src/domain", "src/decide"] {
        let manifest = std::fs::read_to_string(house().join(room).join("Cargo.toml")).unwrap();
        let normal = manifest.split("[dev-dependencies]").next().unwrap();
        for forbidden in ["tokio", "reqwest", "rusqlite", "ratatui", "axum"] {
            assert!(!normal.contains(forbidden), "{room} depends on {forbidden}");
        }
    }
    for entry in std::fs::read_dir(house().join("src/decide")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for forbidden in [
                "std::fs",
                "std::net",
                "std::time::Instant",
                "SystemTime",
                "Timestamp::now",
                "std::env",
            ] {
                assert!(
                    !text.contains(forbidden),
                    "{} uses {forbidden}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_dependency_has_its_line() {
    let manifest: toml::Table = std::fs::read_to_string(house().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let document = std::fs::read_to_string(house().join("docs/dependencies.md")).unwrap();
    let dependencies = manifest["workspace"]["dependencies"].as_table().unwrap();
    for (name, entry) in dependencies {
        if entry.get("path").is_none() {
            assert!(
                document.contains(name.as_str()),
                "docs/dependencies.md has no line for {name}"
            );
        }
    }
}
