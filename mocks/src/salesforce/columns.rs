//! `query?columns=true`: what the columns of a query are, without its rows. The Salesforce CLI asks for it before it prints
//! a table (`sf data query`, @salesforce/plugin-data, `query.js`).

use serde_json::{Value, json};

use super::{
    Salesforce,
    schema::{self, CREATE, Kind, UPDATE},
    soql::{Function, Output, Path, Query},
};

impl Salesforce {
    /// Describes the columns of a query.
    pub(crate) fn columns(&self, query: &Query) -> Value {
        let object = self.schema.get(query.object);
        let mut columns: Vec<Value> = Vec::new();
        for output in &query.outputs {
            let column = match output {
                Output::Field(path) => self.joined(path, 0),
                Output::Grouped(path, name) => {
                    let mut column = leaf(self.field(path));
                    column["columnName"] = json!(name);
                    column["displayName"] = json!(name);
                    column
                }
                Output::Aggregate(function, path, name) => {
                    self.computed(*function, path.as_ref(), name)
                }
            };
            // What comes over the same reference stands together.
            let before = columns.last_mut().filter(|before| {
                before["columnName"] == column["columnName"]
                    && is_joined(before)
                    && is_joined(&column)
            });
            match before.and_then(|before| before["joinColumns"].as_array_mut()) {
                Some(joined) => joined.extend(
                    column["joinColumns"]
                        .as_array()
                        .cloned()
                        .unwrap_or_default(),
                ),
                None => columns.push(column),
            }
        }
        let id_selected = query.outputs.iter().any(|output| {
            matches!(output, Output::Field(path) if path.ways.is_empty() && self.field(path).kind == Kind::Id)
        });
        json!({
            "columnMetadata": columns,
            "entityName": object.name,
            "groupBy": !query.group.is_empty(),
            "idSelected": id_selected,
            "keyPrefix": object.prefix,
        })
    }

    fn field(&self, path: &Path) -> &schema::Field {
        &self.schema.get(path.object).fields[path.place]
    }

    /// Describes a field inside the references that lead to it, from the given one on.
    fn joined(&self, path: &Path, from: usize) -> Value {
        let Some((object, way)) = path.ways.get(from) else {
            return leaf(self.field(path));
        };
        let reference = &self.schema.get(*object).fields[*way];
        let name = reference.refers.map_or(&*reference.name, |(_, name)| name);
        column(name, None, false, &[self.joined(path, from + 1)])
    }

    fn computed(&self, function: Function, path: Option<&Path>, name: &str) -> Value {
        let field = path.map(|path| self.field(path));
        let kind = match function {
            Function::Count | Function::CountDistinct => Kind::Integer,
            Function::Min | Function::Max => field.map_or(Kind::Integer, |field| field.kind),
        };
        let mut computed = column(name, Some(kind), true, &[]);
        let of = field.map_or("", |field| &*field.name);
        computed["displayName"] = json!(format!("{}({of})", function.word()));
        computed
    }
}

fn is_joined(column: &Value) -> bool {
    column["joinColumns"]
        .as_array()
        .is_some_and(|joined| !joined.is_empty())
}

fn leaf(field: &schema::Field) -> Value {
    let mut leaf = column(&field.name, Some(field.kind), false, &[]);
    leaf["custom"] = json!(field.is_custom());
    leaf["insertable"] = json!(field.has(CREATE));
    leaf["updatable"] = json!(field.has(UPDATE));
    leaf
}

fn column(name: &str, kind: Option<Kind>, aggregate: bool, joined: &[Value]) -> Value {
    let numeric = matches!(kind, Some(Kind::Integer | Kind::Double));
    let apex = kind.map(|kind| match kind {
        Kind::Id | Kind::Reference => "Id",
        Kind::Boolean => "Boolean",
        Kind::Integer => "Integer",
        Kind::Double => "Double",
        Kind::Date => "Date",
        Kind::DateTime => "Datetime",
        Kind::Address => "Address",
        _ => "String",
    });
    json!({
        "aggregate": aggregate,
        "apexType": apex,
        "booleanType": kind == Some(Kind::Boolean),
        "columnName": name,
        "custom": false,
        "displayName": name,
        "foreignKeyName": null,
        "insertable": false,
        "joinColumns": joined,
        "numberType": numeric,
        "textType": apex == Some("String"),
        "updatable": false,
    })
}
