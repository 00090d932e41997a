//! What changed at a mock, field by field: an object that came or went as a whole is told in its fields, too.

use std::collections::BTreeMap;

use domain::LabChange;
use serde_json::Value;

/// One field before and after.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldChange {
    pub(crate) field: String,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

/// Returns the fields of a change; `*` stands for the whole object, which is spread into its own fields.
pub(crate) fn fields(change: &LabChange) -> Vec<FieldChange> {
    let whole = change.field == "*";
    match (&change.before, &change.after) {
        (None, Some(Value::Object(_))) | (Some(Value::Object(_)), None) if whole => {
            let mut out = Vec::new();
            if let Some(before) = &change.before {
                spread("", before, &mut |field, value| {
                    out.push(FieldChange {
                        field,
                        before: Some(value),
                        after: None,
                    });
                });
            }
            if let Some(after) = &change.after {
                spread("", after, &mut |field, value| {
                    out.push(FieldChange {
                        field,
                        before: None,
                        after: Some(value),
                    });
                });
            }
            out
        }
        (before, after) => vec![FieldChange {
            field: change.field.clone(),
            before: before.clone(),
            after: after.clone(),
        }],
    }
}

/// Returns an object's fields by their places, down to what is no object; lists stay whole.
pub(crate) fn leaves(value: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    spread("", value, &mut |field, value| {
        found.insert(field, value);
    });
    found
}

/// Walks through objects down to what is none; lists stay whole.
fn spread(lead: &str, value: &Value, found: &mut impl FnMut(String, Value)) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let name = if lead.is_empty() {
                    name.clone()
                } else {
                    format!("{lead}.{name}")
                };
                spread(&name, value, found);
            }
        }
        value => found(lead.to_owned(), value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(field: &str, before: Option<Value>, after: Option<Value>) -> LabChange {
        LabChange {
            object: "User".to_owned(),
            id: "1".to_owned(),
            name: "kim".to_owned(),
            field: field.to_owned(),
            before,
            after,
        }
    }

    #[test]
    fn an_object_that_came_is_told_in_its_fields_and_a_field_as_it_is() {
        let content =
            json!({"userName": "kim", "name": {"givenName": "Kim"}, "emails": [{"value": "k@x"}]});
        let came = fields(&change("*", None, Some(content.clone())));
        let names: Vec<&str> = came.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(names, ["userName", "name.givenName", "emails"]);
        assert_eq!(came[1].after, Some(json!("Kim")));
        let went = fields(&change("*", Some(content), None));
        assert_eq!(went[0].before, Some(json!("kim")));
        assert_eq!(went[0].after, None);
        let one = fields(&change("title", Some(json!("a")), Some(json!("b"))));
        assert_eq!((one.len(), one[0].field.as_str()), (1, "title"));
    }
}
