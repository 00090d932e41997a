//! Turns rows into what a client sees: the kept JSON, completed addresses, derived groups, `meta`.

use http::{HeaderMap, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::{
    links,
    personality::Personality,
    schema::Kind,
    store::{REFERENCE, Row, Store, hash_of},
};

/// What stands for itself in a path segment; `@` does, as servers with names for ids show.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b':');

/// Percent-encodes an identifier for an address.
pub(crate) fn encoded(id: &str) -> String {
    utf8_percent_encode(id, SEGMENT).to_string()
}

/// Shows resources the way one personality does, under one address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Renderer<'a> {
    pub(crate) store: &'a Store,
    pub(crate) personality: &'a Personality,
    /// The address of the base path, without a trailing slash.
    pub(crate) base: &'a str,
}

impl Renderer<'_> {
    /// Returns the resource as the client sees it in full.
    pub(crate) fn text(&self, kind: Kind, row: &Row) -> Vec<u8> {
        let mut out = Vec::with_capacity(row.body.len() + 320);
        self.write_text(kind, row, &mut out);
        out
    }

    /// Appends the resource as the client sees it in full.
    pub(crate) fn write_text(&self, kind: Kind, row: &Row, out: &mut Vec<u8>) {
        if row.has_references {
            write_completed(&row.body, self.base, out);
        } else {
            out.extend_from_slice(&row.body);
        }
        let groups = self.groups(kind, row);
        if !groups.is_empty() {
            out.extend_from_slice(br#","groups":"#);
            out.extend_from_slice(Value::Array(groups).to_string().as_bytes());
        }
        self.write_meta(kind, row, out);
        out.push(b'}');
    }

    /// Appends `meta`; piece by piece, because every read ends with it.
    fn write_meta(&self, kind: Kind, row: &Row, out: &mut Vec<u8>) {
        let mut text = |name: &str, value: &str| {
            out.extend_from_slice(name.as_bytes());
            // Writing text into memory cannot fail.
            let _ = serde_json::to_writer(&mut *out, value);
        };
        if self.personality.resources.lower_case_type {
            text(
                r#","meta":{"resourceType":"#,
                &kind.name().to_ascii_lowercase(),
            );
        } else {
            text(r#","meta":{"resourceType":"#, kind.name());
        }
        if self.personality.resources.timestamps {
            let created = format!("{:.3}", row.created);
            text(r#","created":"#, &created);
            if row.modified == row.created {
                text(r#","lastModified":"#, &created);
            } else {
                text(r#","lastModified":"#, &format!("{:.3}", row.modified));
            }
        }
        text(r#","location":"#, &self.location(kind, row));
        if self.personality.features.etag {
            text(r#","version":"#, &self.version(kind, row));
        }
        out.push(b'}');
    }

    /// Returns the resource as a map, as filters, sorting and projection want it.
    pub(crate) fn view(&self, kind: Kind, row: &Row) -> Map<String, Value> {
        serde_json::from_slice(&self.text(kind, row)).expect("`text` writes JSON")
    }

    /// Returns the resource's address.
    pub(crate) fn location(&self, kind: Kind, row: &Row) -> String {
        format!("{}/{}/{}", self.base, kind.endpoint(), encoded(&row.id))
    }

    /// Returns the weak entity tag (RFC 7644, section 3.14). It covers the derived groups, so it changes with them.
    pub(crate) fn version(&self, kind: Kind, row: &Row) -> String {
        let hash = if kind == Kind::User && !self.store.groups_with(&row.id).is_empty() {
            let groups = Value::Array(links::groups_value(self.store, &row.id, "")).to_string();
            row.hash ^ hash_of(groups.as_bytes())
        } else {
            row.hash
        };
        format!(r#"W/"{hash:016x}""#)
    }

    /// Returns the headers that go with a resource.
    pub(crate) fn headers(&self, kind: Kind, row: &Row) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.personality.http.location_header
            && let Ok(value) = HeaderValue::from_str(&self.location(kind, row))
        {
            headers.insert(header::LOCATION, value);
        }
        if self.personality.features.etag
            && let Ok(value) = HeaderValue::from_str(&self.version(kind, row))
        {
            headers.insert(header::ETAG, value);
        }
        headers
    }

    fn groups(&self, kind: Kind, row: &Row) -> Vec<Value> {
        let hidden = || {
            self.personality
                .resources
                .absent
                .iter()
                .any(|name| name == "groups")
        };
        if kind != Kind::User || self.store.groups_with(&row.id).is_empty() || hidden() {
            return Vec::new();
        }
        links::groups_value(self.store, &row.id, self.base)
    }
}

/// Copies a body and puts the base address into its references.
fn write_completed(body: &[u8], base: &str, out: &mut Vec<u8>) {
    let mut rest = body;
    while let Some(at) = rest
        .windows(REFERENCE.len())
        .position(|window| window == REFERENCE)
    {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(br#""$ref":""#);
        out.extend_from_slice(base.as_bytes());
        rest = &rest[at + REFERENCE.len()..];
    }
    out.extend_from_slice(rest);
}
