//! When two values are the same for a target: without regard to what it changes on its own when it keeps a value.
//!
//! No value, an empty text, an empty list and an empty object are the same. So are a value and the list of that one
//! value, `true` and `"true"`, and lists in another order. Blanks around a text do not count. What else a vendor's
//! target changes (case, the length of an id) says its [`domain::TargetSpec::normal`].

use std::collections::BTreeSet;

use domain::TargetSpec;
use serde_json::Value;

/// A value in the form in which two of them are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Nothing,
    Text(String),
    Many(BTreeSet<Form>),
    Fields(BTreeSet<(String, Form)>),
}

/// Tells whether two values of a field are the same at a target.
pub fn is_same(spec: &TargetSpec, field: &str, one: &Value, other: &Value) -> bool {
    one == other || form(spec, field, one) == form(spec, field, other)
}

/// Tells whether a value is none.
pub fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_nothing),
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn form(spec: &TargetSpec, field: &str, value: &Value) -> Form {
    match value {
        Value::Null => Form::Nothing,
        Value::Bool(flag) => Form::Text(flag.to_string()),
        Value::Number(number) => Form::Text(number.to_string()),
        Value::String(text) => text_form(spec, field, text),
        Value::Array(items) => {
            let mut forms: BTreeSet<Form> =
                items.iter().map(|item| form(spec, field, item)).collect();
            forms.remove(&Form::Nothing);
            match (forms.len(), forms.pop_first()) {
                (_, None) => Form::Nothing,
                (1, Some(only)) => only,
                (_, Some(first)) => {
                    forms.insert(first);
                    Form::Many(forms)
                }
            }
        }
        Value::Object(fields) => {
            let named: BTreeSet<(String, Form)> = fields
                .iter()
                .map(|(name, value)| (name.to_lowercase(), form(spec, field, value)))
                .filter(|(_, form)| *form != Form::Nothing)
                .collect();
            if named.is_empty() {
                Form::Nothing
            } else {
                Form::Fields(named)
            }
        }
    }
}

fn text_form(spec: &TargetSpec, field: &str, text: &str) -> Form {
    let text = text.trim().replace("\r\n", "\n");
    if text.is_empty() {
        return Form::Nothing;
    }
    let is_flag = spec
        .booleans
        .iter()
        .any(|name| name.eq_ignore_ascii_case(field));
    if is_flag {
        return Form::Text(text.to_ascii_lowercase());
    }
    Form::Text((spec.normal)(field, &text))
}
