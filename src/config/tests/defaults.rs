//! The defaults that the shape tells are the ones that are used.

use std::path::Path;

use connectors::CATALOGUE;

use crate::parse;
use crate::shape::{CONNECTION, CONNECTOR, FILE, Kind, MOCK, Shape};

/// Returns a table's entries with every default said.
fn said(shape: &Shape) -> Vec<String> {
    let mut entries = Vec::new();
    for key in shape.keys {
        match (key.kind, key.default) {
            (_, Some(default)) => entries.push(format!("{} = {default}", key.name)),
            // These are tables that mean something by being there.
            (Kind::Table(_), None)
                if ["login", "retry", "quarantine", "brakes"].contains(&key.name)
                    && shape.noun != "the engine" => {}
            (Kind::Table(inner), None) => {
                entries.push(format!("{} = {{ {} }}", key.name, said(inner).join(", ")));
            }
            _ => {}
        }
    }
    entries
}

fn inner(shape: &Shape, name: &str) -> &'static Shape {
    let key = shape
        .keys
        .iter()
        .find(|key| key.name == name)
        .expect("is in the shape");
    match key.kind {
        Kind::Table(inner) | Kind::Tables(inner) => inner,
        _ => panic!("{name} is no table"),
    }
}

/// Reads a file that has one of everything; all of a kind on one line, so that line numbers do not differ.
fn configuration(defaults: fn(&Shape) -> Vec<String>) -> String {
    let table = |least: &[&str], shape: &Shape| {
        let least = least.iter().map(ToString::to_string);
        let entries: Vec<String> = least.chain(defaults(shape)).collect();
        format!("{{ {} }}", entries.join(", "))
    };
    let resident = inner(&FILE, "resident");
    let names = ["connection = \"x\"", "connector = \"scim2\""];
    let provisioners = format!(
        "provisioners = [{}]",
        table(&names, inner(resident, "provisioners"))
    );
    let mapping = table(
        &["remote = \"title\"", "local = \"title\""],
        inner(&CONNECTION, "attributes"),
    );
    let least = [
        "type = \"scim2\"",
        "authentication_mode = \"none\"",
        "user_endpoint = \"http://localhost/\"",
    ];
    let connector = table(&least, &CONNECTOR);
    let inside = [
        format!("attributes = [{mapping}]"),
        format!("connectors = [{connector}]"),
    ];
    let text = [
        format!(
            "organization = {}",
            table(
                &["name = \"a\"", "tenant_domain = \"b\""],
                inner(&FILE, "organization")
            )
        ),
        format!(
            "connections = [{}]",
            table(&["id = \"x\"", &inside[0], &inside[1]], &CONNECTION)
        ),
        format!(
            "applications = [{}]",
            table(&["id = \"a\"", &provisioners], inner(&FILE, "applications"))
        ),
        format!("resident = {{ {provisioners} }}"),
        format!("rules = {}", table(&[], inner(&FILE, "rules"))),
        format!("engine = {}", table(&[], inner(&FILE, "engine"))),
        format!("mocks = {{ google = {} }}", table(&[], &MOCK)),
    ];
    let text = text.join("\n");
    let loaded = parse(&text, "x", Path::new(""), &CATALOGUE)
        .unwrap_or_else(|error| panic!("{text}\n{error}"));
    format!("{:#?}", loaded.configuration)
}

#[test]
fn what_is_left_out_is_what_the_shape_says() {
    assert_eq!(configuration(|_| Vec::new()), configuration(said));
}
