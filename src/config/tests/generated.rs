//! The files that are made from the shape and the catalogue are what they would be made to now.
//!
//! To make them anew: `OUTBOUND_REGENERATE=1 cargo test -p outbound-config generated`.

use std::path::{Path, PathBuf};

use connectors::CATALOGUE;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn is_current(path: &Path, wanted: &str) {
    if std::env::var_os("OUTBOUND_REGENERATE").is_some() {
        std::fs::write(path, wanted).unwrap();
    }
    let present = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        present == wanted,
        "{} is stale; run OUTBOUND_REGENERATE=1 cargo test -p outbound-config generated",
        path.display()
    );
}

#[test]
fn the_json_schema_is_current() {
    let schema = crate::schema::json_schema(&CATALOGUE);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    is_current(&root().join("docs/workbench.schema.json"), &text);
}

#[test]
fn the_reference_in_the_documentation_is_current() {
    const MARK: &str = "<!-- From here on generated: see src/config/tests/generated.rs -->\n\n";
    let path = root().join("docs/configuration.md");
    let present = std::fs::read_to_string(&path).unwrap();
    let (written, _) = present.split_once(MARK).expect("the mark is there");
    let wanted = format!("{written}{MARK}{}", crate::schema::reference(&CATALOGUE));
    is_current(&path, &wanted);
}
