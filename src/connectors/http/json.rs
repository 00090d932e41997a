//! JSON from outside: how deep it goes, and what it would take of memory, is bounded before anything is built from it.

use serde_json::Value;

/// The most memory that a value read from an answer may take, by estimate, in bytes.
const LARGEST: usize = 128 * 1024 * 1024;

/// What an object takes beside its fields: its index and its first entries.
const OBJECT: usize = 512;

/// What a value takes where it stands, its key or its place in a list included.
const VALUE: usize = 96;

/// Reads JSON. A body of a few bytes per object grows a hundredfold in memory, so the size of a body is no bound.
///
/// # Errors
/// A sentence: it is none, is nested deeper than 128 levels, or would take too much memory.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, String> {
    if estimate(bytes) > LARGEST {
        return Err(format!(
            "the answer is JSON that would take more than {} MiB of memory",
            LARGEST / 1024 / 1024
        ));
    }
    serde_json::from_slice(bytes).map_err(|error| format!("the answer is not JSON: {error}"))
}

/// Returns about what the values of a text will take, strings apart: those are no longer than the text itself.
fn estimate(bytes: &[u8]) -> usize {
    let mut total = VALUE;
    let mut quoted = false;
    let mut escaped = false;
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' => total += OBJECT,
            b'[' | b',' => total += VALUE,
            _ => {}
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_strings_costs_nothing() {
        let text = r#"{"a": "{[,,\"{{", "b": [1, 2]}"#;
        assert_eq!(estimate(text.as_bytes()), VALUE + OBJECT + 3 * VALUE);
        assert!(parse(text.as_bytes()).is_ok());
    }

    #[test]
    fn small_objects_without_end_are_not_built() {
        let many = format!("[{}{{}}]", "{},".repeat(1_000_000));
        let told = parse(many.as_bytes()).unwrap_err();
        assert!(told.contains("128 MiB"), "{told}");
        let list = format!("[{}0]", "0,".repeat(3_000_000));
        assert!(parse(list.as_bytes()).is_err());
    }

    #[test]
    fn a_large_group_is_read() {
        let member = r#"{"value":"0198c1de-0000-7000-8000-000000000000","display":"kim"},"#;
        let group = format!(r#"{{"members":[{}{{}}]}}"#, member.repeat(100_000));
        assert!(parse(group.as_bytes()).is_ok());
    }

    #[test]
    fn too_deep_is_no_json() {
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        assert!(parse(deep.as_bytes()).is_err());
    }
}
