//! Whole files: the shipped one, valid ones and broken ones, each broken one with everything that is said about it.

use std::path::{Path, PathBuf};

use crate::{LintOptions, LoadError, Loaded, lint, load};
use connectors::CATALOGUE;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn samples(folder: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(root().join("fixtures/config").join(folder)).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Reads a sample under its bare name, so that what is said does not depend on where the tree stands.
fn read(path: &Path) -> Result<Loaded, LoadError> {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    crate::parse(&text, name, path.parent().unwrap(), &CATALOGUE)
}

fn said(loaded: &Loaded) -> String {
    let found = lint(loaded, &CATALOGUE, LintOptions::default());
    let all = loaded.warnings.iter().chain(&found);
    all.map(ToString::to_string).collect::<Vec<_>>().join(
        "

",
    )
}

#[test]
fn the_shipped_file_loads_without_a_word() {
    let loaded =
        load(&root().join("workbench.toml"), &CATALOGUE).unwrap_or_else(|error| panic!("{error}"));
    let said = said(&loaded);
    assert!(said.is_empty(), "{said}");
    assert_eq!(loaded.configuration.connections.len(), 4);
    assert_eq!(loaded.configuration.mocks.len(), 3);
}

#[test]
fn every_valid_sample_loads_without_a_word() {
    for path in samples("valid") {
        let loaded = read(&path).unwrap_or_else(|error| panic!("{error}"));
        let said = said(&loaded);
        assert!(said.is_empty(), "{said}");
    }
}

#[test]
fn every_invalid_sample_is_told_everything_that_is_wrong_with_it() {
    for path in samples("invalid") {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let error = read(&path).expect_err(name);
        insta::with_settings!({ snapshot_path => "../../../fixtures/config/invalid", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, error.to_string());
        });
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load(Path::new("no/such/workbench.toml"), &CATALOGUE).expect_err("not there");
    assert_eq!(error.to_string(), "cannot read no/such/workbench.toml");
    assert!(std::error::Error::source(&error).is_some() && error.findings().is_empty());
}
