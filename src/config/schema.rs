//! The JSON Schema for editors and the reference for people, both made from the table that the check uses.

use std::fmt::Write as _;

use domain::{Catalogue, ConnectorType, Field};
use serde_json::{Map, Value, json};

use crate::lint::LINTS;
use crate::shape::{CONNECTOR, FILE, Key, Kind, MOCK, Shape};
use crate::wording::quoted;

const DURATION: &str = "^([0-9]+(ms|s|m|h|d))+$";
/// What can be seen, as far as a pattern of an editor says it.
const SEEN: &str = r"^[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]*$";

/// Returns the JSON Schema (draft 2020-12) of `workbench.toml` with the connector types of a catalogue.
pub fn json_schema(catalogue: &Catalogue) -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "workbench.toml",
        "description": "The configuration of outbound. Generated; see docs/configuration.md.",
    });
    merge(&mut schema, object(FILE.keys, catalogue));
    schema["$defs"] = json!({
        "secret": {
            "description": "Where a secret comes from. Text is accepted for targets on this machine only.",
            "anyOf": [
                { "type": "string" },
                source("env", &json!({ "type": "string", "minLength": 1 }), "An environment variable."),
                source("file", &json!({ "type": "string", "minLength": 1 }), "A file, relative to workbench.toml."),
                source("command", &json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }), "A program that prints it; no shell is involved."),
            ],
        },
    });
    schema
}

fn source(key: &str, value: &Value, says: &str) -> Value {
    json!({ "type": "object", "description": says, "properties": { key: value }, "required": [key], "additionalProperties": false })
}

fn object(keys: &[Key], catalogue: &Catalogue) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let schema = property(key, catalogue);
        properties.extend(key.alias.map(|alias| (alias.to_owned(), schema.clone())));
        properties.insert(key.name.to_owned(), schema);
    }
    // A key may stand under its WSO2 name instead, which `required` cannot say.
    let required: Vec<&str> = keys
        .iter()
        .filter(|key| key.required && key.alias.is_none())
        .map(|key| key.name)
        .collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn property(key: &Key, catalogue: &Catalogue) -> Value {
    let mut schema = json!({ "description": key.doc });
    if let Some(default) = key
        .default
        .and_then(|default| serde_json::from_str::<Value>(&quoted(key.kind, default)).ok())
    {
        schema["default"] = default;
    }
    merge(&mut schema, holds(key.kind, catalogue));
    schema
}

fn holds(kind: Kind, catalogue: &Catalogue) -> Value {
    match kind {
        Kind::Text | Kind::Path | Kind::Pattern | Kind::Domain | Kind::Listen => {
            json!({ "type": "string" })
        }
        Kind::Name => json!({ "type": "string", "pattern": SEEN }),
        Kind::Names => {
            json!({ "type": "array", "items": { "type": "string", "pattern": SEEN } })
        }
        Kind::Prose { most } => json!({ "type": "string", "maxLength": most }),
        Kind::Id => json!({ "type": "string", "pattern": r"^[^\s/,\[\]]+$" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count { least, most } => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Kind::Duration => json!({ "type": "string", "pattern": DURATION }),
        Kind::Durations => {
            json!({ "type": "array", "items": { "type": "string", "pattern": DURATION }, "minItems": 1 })
        }
        Kind::Size => json!({ "type": "string", "pattern": "^[0-9]+ ?(KiB|MiB|GiB|TiB)$" }),
        Kind::Quota => json!({ "type": "string", "pattern": "^[0-9]+/([0-9]+(ms|s|m|h|d))+$" }),
        Kind::Url => json!({ "type": "string", "format": "uri" }),
        Kind::Email => json!({ "type": "string", "format": "email" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Secret => json!({ "$ref": "#/$defs/secret" }),
        Kind::Table(shape) => object(shape.keys, catalogue),
        Kind::Tables(shape) => json!({ "type": "array", "items": object(shape.keys, catalogue) }),
        Kind::Connectors => {
            let types: Vec<Value> = catalogue
                .0
                .iter()
                .map(|kind| connector(kind, catalogue))
                .collect();
            json!({ "type": "array", "items": { "anyOf": types } })
        }
        Kind::Mocks => {
            let mocks: Map<String, Value> = catalogue
                .0
                .iter()
                .map(|kind| (kind.kind.to_owned(), object(MOCK.keys, catalogue)))
                .collect();
            json!({ "type": "object", "properties": mocks, "additionalProperties": false })
        }
    }
}

fn connector(kind: &ConnectorType, catalogue: &Catalogue) -> Value {
    let mut keys = CONNECTOR.keys.to_vec();
    keys.extend(
        kind.fields
            .iter()
            .map(|field| Key::of(field, field.only_when.is_none())),
    );
    let mut schema = object(&keys, catalogue);
    schema["title"] = json!(kind.label);
    let mut words = vec![kind.kind];
    words.extend(Some(kind.wso2_name).filter(|name| *name != kind.kind));
    schema["properties"]["type"] = json!({ "enum": words });
    schema
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// Returns the reference as Markdown: every table, every key, every lint.
pub fn reference(catalogue: &Catalogue) -> String {
    let mut out = String::new();
    tables(&mut out, "", &FILE);
    for kind in catalogue.0 {
        let _ = writeln!(
            out,
            "### A {} connector: `type = \"{}\"`\n",
            kind.label, kind.kind
        );
        let _ = writeln!(
            out,
            "Beside what every connector has. WSO2 Identity Server calls the type `{}`.\n",
            kind.wso2_name
        );
        out.push_str("| key | holds | default | what for | WSO2 |\n|---|---|---|---|---|\n");
        for field in kind.fields {
            let key = Key::of(field, true);
            let _ = writeln!(
                out,
                "| `{}` | {}{} | {} | **{}.** {}{} | {} |",
                field.key,
                words(key.kind),
                if key.required { ", required" } else { "" },
                key.default.map_or(String::new(), |default| format!(
                    "`{}`",
                    quoted(key.kind, default)
                )),
                cell(field.label),
                cell(field.hint),
                only_when(field),
                field
                    .wso2_key
                    .map_or(String::new(), |key| format!("`{key}`")),
            );
        }
        out.push('\n');
    }
    out.push_str("### Lints\n\nWhat `outbound check` says about a file that loads.\n\n| code | what it finds |\n|---|---|\n");
    for lint in LINTS {
        let _ = writeln!(out, "| `{}` | {} |", lint.code, cell(lint.says));
    }
    out
}

fn tables(out: &mut String, path: &str, shape: &Shape) {
    if !path.is_empty() {
        let _ = writeln!(out, "### `{path}`\n");
        out.push_str("| key | holds | default | what for |\n|---|---|---|---|\n");
        for key in shape.keys.iter().filter(|key| !is_table(key.kind)) {
            let _ = writeln!(
                out,
                "| `{}` | {}{} | {} | {} |",
                key.name,
                words(key.kind),
                if key.required { ", required" } else { "" },
                key.default
                    .map_or(String::new(), |default| format!("`{default}`")),
                cell(key.doc)
            );
        }
        out.push('\n');
    }
    let bare = path.trim_matches(['[', ']']);
    let within = |name: &str| {
        if bare.is_empty() {
            name.to_owned()
        } else {
            format!("{bare}.{name}")
        }
    };
    for key in shape.keys {
        match key.kind {
            Kind::Table(inner) => tables(out, &format!("[{}]", within(key.name)), inner),
            Kind::Tables(inner) => tables(out, &format!("[[{}]]", within(key.name)), inner),
            Kind::Connectors => tables(out, &format!("[[{}]]", within(key.name)), &CONNECTOR),
            Kind::Mocks => tables(out, &format!("[{}.TYPE]", within(key.name)), &MOCK),
            _ => {}
        }
    }
}

fn is_table(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Table(_) | Kind::Tables(_) | Kind::Connectors | Kind::Mocks
    )
}

fn words(kind: Kind) -> String {
    match kind {
        Kind::Choice(words) => words
            .iter()
            .map(|word| format!("`\"{word}\"`"))
            .collect::<Vec<_>>()
            .join(", "),
        Kind::Count { least, most } => format!("a number from {least} to {most}"),
        kind => kind.says().to_owned(),
    }
}

fn only_when(field: &Field) -> String {
    field.only_when.map_or(String::new(), |(key, words)| {
        format!(" Only when `{key}` is `{}`.", words.join("` or `"))
    })
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use connectors::CATALOGUE;

    use super::*;
    use crate::shape::CONNECTION;

    #[test]
    fn every_connector_type_has_its_settings_under_both_names() {
        let schema = json_schema(&CATALOGUE);
        let types = &schema["properties"]["connections"]["items"]["properties"]["connectors"]["items"]
            ["anyOf"];
        assert_eq!(types.as_array().map(Vec::len), Some(CATALOGUE.0.len()));
        for (kind, schema) in CATALOGUE
            .0
            .iter()
            .zip(types.as_array().expect("checked above"))
        {
            for field in kind.fields {
                assert!(
                    schema["properties"].get(field.key).is_some(),
                    "{}",
                    field.key
                );
                assert!(
                    field
                        .wso2_key
                        .is_none_or(|key| schema["properties"].get(key).is_some())
                );
            }
        }
        assert!(CONNECTION.keys.iter().all(|key| {
            schema["properties"]["connections"]["items"]["properties"]
                .get(key.name)
                .is_some()
        }));
    }
}
