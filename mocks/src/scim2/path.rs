//! Attribute names as they are written, and what they point to in the schema tables.
//!
//! The written form is `[URN:]attribute[.sub]` (RFC 7644, section 3.10). It is kept as text until it meets a kind of
//! resource, because the same filter may run over users and over groups.

use std::fmt;

use super::schema::{self, Attribute, Kind, Schema};

/// An attribute name as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttributePath {
    /// The schema's URN, when the name carries one.
    pub(crate) urn: Option<String>,
    /// The attribute; empty when the URN stands alone and means the whole extension.
    pub(crate) name: String,
    /// The sub-attribute.
    pub(crate) sub: Option<String>,
}

/// What a name points to at one kind of resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// The extension it lives in; none for common and core attributes.
    pub(crate) extension: Option<&'static Schema>,
    /// The attribute; none when the whole extension is meant.
    pub(crate) attribute: Option<&'static Attribute>,
    /// The sub-attribute.
    pub(crate) sub: Option<&'static Attribute>,
}

impl AttributePath {
    /// Reads a name. `None` when it is not one (RFC 7643, section 2.1: `ALPHA *(nameChar)`, and `$ref`).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (urn, rest) = split_urn(text);
        if rest.is_empty() {
            return urn.map(|urn| Self {
                urn: Some(urn.to_owned()),
                name: String::new(),
                sub: None,
            });
        }
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        let legal = is_name(name) && sub.is_none_or(is_name);
        legal.then(|| Self {
            urn: urn.map(str::to_owned),
            name: name.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }

    /// Finds what the name points to. `None` when resources of this kind have no such attribute.
    pub(crate) fn resolve(&self, kind: Kind) -> Option<Target> {
        let extension = match &self.urn {
            Some(urn) if urn.eq_ignore_ascii_case(kind.core().id) => None,
            Some(urn) => Some(kind.extension(urn)?),
            None => None,
        };
        if self.name.is_empty() {
            return extension.map(|schema| Target {
                extension: Some(schema),
                attribute: None,
                sub: None,
            });
        }
        let attribute = match extension {
            Some(schema) => schema.attribute(&self.name)?,
            None => kind.attribute(&self.name)?,
        };
        let sub = match &self.sub {
            Some(sub) => Some(attribute.sub(sub)?),
            None => None,
        };
        Some(Target {
            extension,
            attribute: Some(attribute),
            sub,
        })
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.urn, self.name.is_empty()) {
            (Some(urn), true) => write!(out, "{urn}")?,
            (Some(urn), false) => write!(out, "{urn}:{}", self.name)?,
            (None, _) => write!(out, "{}", self.name)?,
        }
        self.sub
            .as_ref()
            .map_or(Ok(()), |sub| write!(out, ".{sub}"))
    }
}

impl Target {
    /// Returns the name in full, as changes and messages spell it.
    pub(crate) fn spelling(&self) -> String {
        let mut text = self
            .extension
            .map_or_else(String::new, |schema| schema.id.to_owned());
        if let Some(attribute) = self.attribute {
            if !text.is_empty() {
                text.push(':');
            }
            text.push_str(attribute.name);
        }
        if let Some(sub) = self.sub {
            text.push('.');
            text.push_str(sub.name);
        }
        text
    }

    /// Returns the attribute whose type and case rule a comparison goes by: the sub-attribute, the default
    /// sub-attribute `value` of a complex one, or the attribute itself.
    pub(crate) fn leaf(&self) -> Option<&'static Attribute> {
        let attribute = self.attribute?;
        self.sub
            .or_else(|| attribute.sub("value"))
            .or(Some(attribute))
    }
}

/// Splits `URN:rest`. A known schema's URN is cut exactly; an unknown one at its last colon.
fn split_urn(text: &str) -> (Option<&str>, &str) {
    for schema in [&schema::USER, &schema::GROUP, &schema::ENTERPRISE] {
        let Some(head) = text.get(..schema.id.len()) else {
            continue;
        };
        if !head.eq_ignore_ascii_case(schema.id) {
            continue;
        }
        match text[schema.id.len()..].strip_prefix(':') {
            Some(rest) if !rest.is_empty() => return (Some(head), rest),
            None if text.len() == schema.id.len() => return (Some(head), ""),
            _ => {}
        }
    }
    if text
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("urn:"))
    {
        return text
            .rsplit_once(':')
            .map_or((None, text), |(urn, rest)| (Some(urn), rest));
    }
    (None, text)
}

fn is_name(name: &str) -> bool {
    let rest = name.strip_prefix('$').unwrap_or(name);
    rest.starts_with(|first: char| first.is_ascii_alphabetic())
        && rest
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_')
}
