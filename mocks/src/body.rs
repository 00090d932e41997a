//! The body of a request: its bytes, and the JSON that they are.
//!
//! A vendor works under a lock, and reading a JSON text and freeing its tree is a good part of a write. The tree is
//! therefore kept with the bytes: the server has it read before it takes the lock, and it goes with the request, after
//! the lock was given back.

use std::{ops::Deref, sync::OnceLock};

use bytes::Bytes;
use serde_json::Value;

/// The bytes of a body, with the JSON that they are once somebody has asked for it.
#[derive(Debug, Default)]
pub struct Body {
    bytes: Bytes,
    json: OnceLock<Result<Value, serde_json::Error>>,
}

impl Body {
    /// Returns the body as JSON; it is read once.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn json(&self) -> Result<&Value, &serde_json::Error> {
        self.json
            .get_or_init(|| serde_json::from_slice(&self.bytes))
            .as_ref()
    }

    /// Reads the body now if it looks like a JSON object or list, so that [`Body::json`] is free.
    pub fn read_ahead(&self) {
        let first = self.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if matches!(first, Some(b'{' | b'[')) {
            let _ = self.json(); // what is wrong with it is told to who asks
        }
    }
}

/// The bytes alone: a copy is made to be changed.
impl Clone for Body {
    fn clone(&self) -> Self {
        self.bytes.clone().into()
    }
}

impl Deref for Body {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

impl<B: Into<Bytes>> From<B> for Body {
    fn from(bytes: B) -> Self {
        Self {
            bytes: bytes.into(),
            json: OnceLock::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_read_once_and_a_copy_by_itself() {
        let body = Body::from(r#" {"a": 1}"#);
        assert!(body.json.get().is_none());
        body.read_ahead();
        assert!(body.json.get().is_some());
        assert_eq!(body.json().unwrap(), &json!({"a": 1}));
        assert!(body.clone().json.get().is_none());
        assert_eq!(body.len(), 9);
    }

    #[test]
    fn only_what_looks_like_json_is_read_ahead() {
        for text in ["", "  ", "a=b&c=d", "<xml/>", "\"text\""] {
            let body = Body::from(text);
            body.read_ahead();
            assert!(body.json.get().is_none(), "{text}");
        }
        let broken = Body::from("[1,");
        broken.read_ahead();
        assert!(broken.json().unwrap_err().is_eof());
    }
}
