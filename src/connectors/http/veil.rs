//! What must not be seen: the secret values that are known, masked wherever they appear.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

use domain::Secret;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in place of a secret.
pub(crate) const MASK: &str = "***";

/// Secrets renewed over a long life are forgotten beyond so many, oldest first.
const KEPT: usize = 128;

/// Shorter values are no secrets worth the name, and masking them would eat the text around them.
const SHORTEST: usize = 3;

/// The secret values that one connector has had in its hands.
#[derive(Default)]
pub(crate) struct Veil {
    known: RwLock<Vec<Secret>>,
}

impl Veil {
    /// Remembers a value, so that it is masked from now on in every form it may take on the wire.
    pub(crate) fn learn(&self, value: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms(value) {
            if form.len() >= SHORTEST && !known.iter().any(|secret| secret.expose() == form) {
                known.push(Secret::new(form));
            }
        }
        if known.len() > KEPT {
            let surplus = known.len() - KEPT;
            known.drain(..surplus);
        }
    }

    /// Returns the text with every known secret, and every one of `more`, masked.
    pub(crate) fn hide(&self, text: Cow<'_, str>, more: &Hidden) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut hidden = text.into_owned();
        for secret in known.iter().chain(&more.0) {
            mask(&mut hidden, secret.expose());
        }
        hidden
    }
}

/// The secrets of one call in every form that they may take on the wire, found once for all that is shown of the call.
#[derive(Default)]
pub(crate) struct Hidden(Vec<Secret>);

impl Hidden {
    /// Finds the forms.
    pub(crate) fn of(secrets: &[Secret]) -> Self {
        let forms = secrets.iter().flat_map(|secret| forms(secret.expose()));
        Self(forms.map(Secret::new).collect())
    }
}

fn mask(text: &mut String, secret: &str) {
    if !secret.is_empty() && secret.len() <= text.len() && text.contains(secret) {
        *text = text.replace(secret, MASK);
    }
}

/// Returns a value as it is, percent-encoded, form-encoded and as the inside of a JSON string; each once.
fn forms(value: &str) -> Vec<String> {
    let value = value.trim();
    let mut forms = vec![value.to_owned()];
    let percent = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let json = serde_json::Value::from(value).to_string();
    let json = json[1..json.len() - 1].to_owned(); // a JSON string always has its two quotes
    for other in [percent, form, json] {
        if !forms.contains(&other) {
            forms.push(other);
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_secret_is_masked_in_every_form() {
        let veil = Veil::default();
        veil.learn("pa ss\"w/ord");
        for text in [
            "x pa ss\"w/ord y",
            "x pa%20ss%22w%2Ford y",
            "x pa+ss%22w%2Ford y",
            "x pa ss\\\"w/ord y",
        ] {
            assert_eq!(veil.hide(text.into(), &Hidden::default()), "x *** y");
        }
    }

    #[test]
    fn a_secret_of_one_call_is_masked_in_that_call() {
        let veil = Veil::default();
        assert_eq!(
            veil.hide("abc".into(), &Hidden::of(&[Secret::new("b")])),
            "a***c"
        );
        assert_eq!(
            veil.hide("abc".into(), &Hidden::of(&[Secret::new("")])),
            "abc"
        );
    }

    #[test]
    fn the_veil_does_not_grow_for_ever() {
        let veil = Veil::default();
        for token in 0..1_000 {
            veil.learn(&format!("token{token}"));
        }
        assert!(veil.known.read().unwrap().len() <= KEPT);
        assert_eq!(veil.hide("token999".into(), &Hidden::default()), MASK);
    }
}
