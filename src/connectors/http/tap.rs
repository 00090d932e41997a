//! Where bytes become an [`Exchange`](domain::Exchange): redaction happens here, before anyone can look.
//!
//! Two nets lie over each other: what is known to hold a secret by its name (headers, form fields, JSON keys) is masked
//! whatever it holds, and every secret value that this connector has had in its hands is masked wherever it appears.

use std::borrow::Cow;

use domain::{Body, Header, Purpose};
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::Value;
use url::Url;

use super::veil::{Hidden, MASK, Veil};

/// So much of a body is kept, in bytes.
const KEPT_BYTES: usize = 64 * 1024;

/// So much of an answer's or a request's headers is kept, in bytes.
const KEPT_HEADERS: usize = 16 * 1024;

/// Headers that hold a secret whatever they say.
const SECRET_HEADERS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
];

/// Form fields, query parameters and JSON keys that hold a secret, in lower case.
const SECRET_NAMES: &[&str] = &[
    "password",
    "newpassword",
    "client_secret",
    "clientsecret",
    "assertion",
    "client_assertion",
    "access_token",
    "refresh_token",
    "id_token",
    "private_key",
    "security_token",
    "signature",
    "sig",
    "api_key",
    "apikey",
    "secret",
];

/// Without one of these in it, a body cannot hold a secret by name.
const HINTS: &[&str] = &["password", "token", "secret", "assertion", "key", "sig"];

/// Everything that tells secrets from the rest, for one request.
pub(crate) struct Redaction<'a> {
    /// The secrets known to the connector.
    pub(crate) veil: &'a Veil,
    /// The secrets of this request alone: a user's password.
    pub(crate) more: Hidden,
    /// A header that the settings name as holding a key.
    pub(crate) header: Option<&'a HeaderName>,
    /// What the request is for; an unreadable token answer is masked whole.
    pub(crate) purpose: Purpose,
}

impl Redaction<'_> {
    /// Returns text without secrets.
    pub(crate) fn text<'t>(&self, text: impl Into<Cow<'t, str>>) -> String {
        self.veil.hide(text.into(), &self.more)
    }

    /// Returns an address without secrets.
    pub(crate) fn url(&self, url: &Url) -> String {
        if url.password().is_none() && url.query().is_none() {
            return self.text(url.as_str());
        }
        let mut shown = url.clone();
        if shown.password().is_some() && shown.set_password(Some(MASK)).is_err() {
            return MASK.to_owned();
        }
        if let Some(query) = url.query() {
            shown.set_query(Some(&pairs(query)));
        }
        self.text(shown.as_str())
    }

    /// Returns headers without secrets; the scheme of an `Authorization` stays readable. Beyond 16 KiB they are cut.
    pub(crate) fn headers(&self, headers: &HeaderMap) -> Vec<Header> {
        let mut kept = Vec::new();
        let mut room = KEPT_HEADERS;
        for (name, value) in headers {
            let mut value = self.header_value(name, &readable(value.as_bytes()));
            let size = name.as_str().len() + value.len();
            if size > room {
                value.truncate(value.floor_char_boundary(room));
                value.push('…');
            }
            kept.push(Header {
                name: name.as_str().to_owned(),
                value,
            });
            room = room.saturating_sub(size);
            if room == 0 {
                break;
            }
        }
        kept
    }

    fn header_value(&self, name: &HeaderName, value: &str) -> String {
        let secret = SECRET_HEADERS.contains(&name.as_str()) || self.header == Some(name);
        if !secret {
            return self.text(value);
        }
        match value.split_once(' ') {
            Some((scheme, _)) if name == "authorization" && scheme.len() <= 16 => {
                self.text(format!("{scheme} {MASK}"))
            }
            _ => MASK.to_owned(),
        }
    }

    /// Returns a body without secrets, cut at 64 KiB. `received` is the whole size when less of it is at hand.
    pub(crate) fn body(&self, content_type: &str, bytes: &[u8], received: u64) -> Body {
        let text = readable(bytes);
        let named = if content_type.starts_with("application/x-www-form-urlencoded") {
            pairs(&text).into()
        } else {
            self.json(text)
        };
        let mut text = self.text(named);
        let cut = text.len() > KEPT_BYTES || received > bytes.len() as u64;
        if text.len() > KEPT_BYTES {
            text.truncate(text.floor_char_boundary(KEPT_BYTES));
        }
        Body {
            text,
            size_bytes: received.max(bytes.len() as u64),
            cut,
        }
    }

    fn json<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        let lower = text.to_ascii_lowercase();
        if !HINTS.iter().any(|hint| lower.contains(hint)) {
            return text;
        }
        if self.purpose != Purpose::Token
            && let Some(masked) = mask_in_place(&text)
        {
            return masked.into();
        }
        match super::json::parse(text.as_bytes()) {
            Ok(mut value) => {
                if mask_names(&mut value) {
                    value.to_string().into()
                } else {
                    text
                }
            }
            Err(_) if self.purpose == Purpose::Token => MASK.into(),
            Err(_) => mask_loosely(&text).into(),
        }
    }
}

/// Returns bytes as text; what is no text is replaced. Nearly all of it is some, and is looked at many bytes at a time.
fn readable(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

fn is_secret_name(name: &str) -> bool {
    SECRET_NAMES
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

/// Masks the secret fields of a form or query; everything else keeps its spelling.
fn pairs(text: &str) -> String {
    let masked: Vec<String> = text
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret_name(name) => format!("{name}={MASK}"),
            _ => pair.to_owned(),
        })
        .collect();
    masked.join("&")
}

/// Masks the values of secret keys at any depth, and the value of a patch operation on a secret path.
fn mask_names(value: &mut Value) -> bool {
    match value {
        Value::Object(fields) => {
            let secret_path = fields.iter().any(|(name, path)| {
                name.eq_ignore_ascii_case("path")
                    && path.as_str().is_some_and(|path| {
                        is_secret_name(path.rsplit([':', '.']).next().unwrap_or(path))
                    })
            });
            let mut masked = false;
            for (name, field) in fields.iter_mut() {
                if is_secret_name(name) || (secret_path && name.eq_ignore_ascii_case("value")) {
                    *field = Value::from(MASK);
                    masked = true;
                } else {
                    masked |= mask_names(field);
                }
            }
            masked
        }
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |masked, item| mask_names(item) | masked),
        _ => false,
    }
}

/// Masks the values of secret keys at any depth without building anything of the text, which keeps its spelling.
///
/// Returns `None` for what has to be looked at as a whole: no JSON, keys with escapes, and a patch, where the value's key does
/// not say that it is secret.
fn mask_in_place(text: &str) -> Option<String> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        let (before, quoted) = rest.split_at(at);
        out.push_str(before);
        let (name, after) = quoted.split_at(string_end(quoted));
        out.push_str(name);
        rest = after;
        let Some(value) = after.trim_start().strip_prefix(':') else {
            continue;
        };
        let name = inside(name);
        if name.contains('\\') || name.eq_ignore_ascii_case("path") {
            return None;
        }
        if is_secret_name(name) {
            out.push_str(":\"***\"");
            rest = behind_value(value.trim_start());
        }
    }
    out.push_str(rest);
    Some(out)
}

/// Returns what stands behind a value at the beginning of the rest of a JSON text.
fn behind_value(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut rest = text;
    loop {
        let skipped = match rest.as_bytes().first() {
            None => return rest,
            Some(b'"') => string_end(rest),
            Some(b'{' | b'[') => {
                depth += 1;
                1
            }
            Some(b'}' | b']' | b',') if depth == 0 => return rest,
            Some(b'}' | b']') => {
                depth -= 1;
                1
            }
            Some(_) => {
                let end = rest[1..].find(['"', '{', '[', '}', ']', ',']);
                end.map_or(rest.len(), |end| end + 1)
            }
        };
        let is_string = rest.starts_with('"');
        let is_end = rest.starts_with(['}', ']']);
        rest = &rest[skipped..];
        if depth == 0 && (is_string || is_end) {
            return rest;
        }
    }
}

/// Masks what follows a secret key in something that is almost JSON: cut off, too deep, or broken on purpose.
fn mask_loosely(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        let (before, quoted) = rest.split_at(at);
        out.push_str(before);
        let end = string_end(quoted);
        let (name, after) = quoted.split_at(end);
        out.push_str(name);
        rest = after;
        if !is_secret_name(inside(name)) {
            continue;
        }
        let value = after.trim_start();
        if let Some(value) = value.strip_prefix(':').map(str::trim_start) {
            let length = if value.starts_with('"') {
                string_end(value)
            } else {
                value.find([',', '}', ']']).unwrap_or(value.len())
            };
            out.push_str(":\"***\"");
            rest = &value[length..];
        }
    }
    out.push_str(rest);
    out
}

/// Returns what stands between the quotes of a string, whose end may be missing.
fn inside(quoted: &str) -> &str {
    let text = quoted.strip_prefix('"').unwrap_or(quoted);
    text.strip_suffix('"').unwrap_or(text)
}

/// Returns where a string that starts with a quote ends: behind its closing quote, or with the text.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'\\' if !escaped => escaped = true,
            b'"' if !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Map;

    use super::*;

    fn body(purpose: Purpose, content_type: &str, text: &str) -> String {
        let veil = Veil::default();
        let redaction = Redaction {
            veil: &veil,
            more: Hidden::default(),
            header: None,
            purpose,
        };
        redaction
            .body(content_type, text.as_bytes(), text.len() as u64)
            .text
    }

    #[test]
    fn secret_fields_of_a_form_are_masked_and_the_rest_is_readable() {
        assert_eq!(
            body(
                Purpose::Token,
                "application/x-www-form-urlencoded",
                "grant_type=password&username=k&password=canary&client_secret=canary"
            ),
            "grant_type=password&username=k&password=***&client_secret=***"
        );
    }

    #[test]
    fn secret_keys_of_json_are_masked_at_any_depth_and_in_patches() {
        for (text, shown) in [
            (r#"{"NewPassword":"canary"}"#, r#"{"NewPassword":"***"}"#),
            (
                r#"{"a":[{"Password":{"x":"canary"}}]}"#,
                r#"{"a":[{"Password":"***"}]}"#,
            ),
            (
                r#"{"Operations":[{"op":"replace","path":"password","value":"canary"}]}"#,
                r#"{"Operations":[{"op":"replace","path":"password","value":"***"}]}"#,
            ),
            (r#"{"userName" : "kim"}"#, r#"{"userName" : "kim"}"#),
        ] {
            assert_eq!(body(Purpose::Write, "application/json", text), shown);
        }
    }

    #[test]
    fn broken_json_is_masked_too() {
        for (text, shown) in [
            (
                r#"{"userName":"k","password" : "can\"ary","x":"#,
                r#"{"userName":"k","password":"***","x":"#,
            ),
            (r#"{"password":"canar"#, r#"{"password":"***""#),
            (r#"{"access_token": 12345, "#, r#"{"access_token":"***", "#),
        ] {
            assert_eq!(body(Purpose::Write, "text/html", text), shown);
        }
        assert_eq!(body(Purpose::Token, "", "access_token=canary {"), MASK);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let name = prop_oneof![
            Just("password".to_owned()),
            Just("Access_Token".to_owned()),
            Just("sig\u{6e}al".to_owned()),
            Just("pa\"th".to_owned()),
            "[a-z\\\\\"]{0,4}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ -~é]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..5)
                    .prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_masked_in_place_is_what_is_masked_in_a_tree(mut value in any_json(), pretty in any::<bool>()) {
            let text = if pretty {
                serde_json::to_string_pretty(&value).unwrap()
            } else {
                value.to_string()
            };
            let in_place = mask_in_place(&text);
            mask_names(&mut value);
            if let Some(text) = in_place {
                let read: Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(read, value);
            }
        }
    }

    #[test]
    fn an_ordinary_body_is_masked_in_place() {
        let text = r#"{"userName":"kim","password":"x\"y","emails":[{"value":"k@x"}]}"#;
        let shown = r#"{"userName":"kim","password":"***","emails":[{"value":"k@x"}]}"#;
        assert_eq!(mask_in_place(text).as_deref(), Some(shown));
        assert_eq!(mask_in_place(r#"{"path":"password","value":"x"}"#), None);
        assert_eq!(mask_in_place(r#"{"pass\u0077ord":"x"}"#), None);
        assert_eq!(mask_in_place(r#"{"password":"x""#), None);
    }

    #[test]
    fn headers_and_addresses_lose_their_secrets() {
        let veil = Veil::default();
        veil.learn("canary");
        let named = HeaderName::from_static("x-acme-key");
        let redaction = Redaction {
            veil: &veil,
            more: Hidden::default(),
            header: Some(&named),
            purpose: Purpose::Write,
        };
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer abc".parse().unwrap());
        headers.insert("x-acme-key", "abc".parse().unwrap());
        headers.insert("x-echo", "you sent canary".parse().unwrap());
        let shown: Vec<String> = redaction
            .headers(&headers)
            .into_iter()
            .map(|header| header.value)
            .collect();
        assert_eq!(shown, ["Bearer ***", "***", "you sent ***"]);
        let url = Url::parse("https://u:p@h.example/canary?access_token=x&q=y").unwrap();
        assert_eq!(
            redaction.url(&url),
            "https://u:***@h.example/***?access_token=***&q=y"
        );
    }

    #[test]
    fn headers_without_end_are_cut() {
        let veil = Veil::default();
        let redaction = Redaction {
            veil: &veil,
            more: Hidden::default(),
            header: None,
            purpose: Purpose::Write,
        };
        let mut headers = HeaderMap::new();
        for number in 0..100 {
            let name: HeaderName = format!("x-{number}").parse().unwrap();
            headers.insert(name, "é".repeat(1_000).parse().unwrap());
        }
        let shown = redaction.headers(&headers);
        let size: usize = shown.iter().map(|header| header.value.len()).sum();
        assert!(size <= KEPT_HEADERS + "…".len(), "{size}");
        assert!(shown.len() < 12);
        assert!(shown.last().unwrap().value.ends_with('…'));
    }

    #[test]
    fn a_long_body_is_cut_and_its_whole_size_said() {
        let veil = Veil::default();
        let redaction = Redaction {
            veil: &veil,
            more: Hidden::default(),
            header: None,
            purpose: Purpose::Write,
        };
        let long = "é".repeat(KEPT_BYTES);
        let body = redaction.body("text/plain", long.as_bytes(), long.len() as u64);
        assert!(body.cut && body.text.len() <= KEPT_BYTES);
        assert_eq!(body.size_bytes, long.len() as u64);
    }
}
