//! Places in a list, and the text a client holds for one (RFC 9865).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::Hit;
use crate::scim2::{error::Refusal, schema::Kind};

/// How long a cursor lives.
pub(crate) const CURSOR_SECONDS: i64 = 3600;

/// Where a page begins: behind this row, or, in a sorted list, at this offset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) kind: usize,
    pub(super) row: u64,
    pub(super) offset: usize,
}

impl Position {
    pub(super) fn of(kinds: &[Kind], (kind, row, _): &Hit, offset: usize) -> Self {
        Self {
            kind: kinds.iter().position(|other| other == kind).unwrap_or(0),
            row: *row,
            offset,
        }
    }

    pub(super) fn is_before(self, kinds: &[Kind], hit: &Hit) -> bool {
        let other = Self::of(kinds, hit, 0);
        (self.kind, self.row) < (other.kind, other.row)
    }
}

/// A place in a list, as text that says nothing to a client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    pub(super) after: Position,
}

impl Cursor {
    pub(super) fn write(self, digest: u64, now: Timestamp) -> String {
        let Position { kind, row, offset } = self.after;
        BASE64_URL_SAFE_NO_PAD.encode(format!(
            "{kind} {row} {offset} {digest} {}",
            now.as_second()
        ))
    }

    /// Reads a cursor; the empty one begins (RFC 9865, section 2).
    pub(super) fn read(text: &str, digest: u64, now: Timestamp) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Ok(Self {
                after: Position::default(),
            });
        }
        let parsed = Self::parse(text)
            .ok_or_else(|| Refusal::paging("invalidCursor", "The cursor is not valid."))?;
        let (cursor, of, made) = parsed;
        if of != digest {
            return Err(Refusal::paging(
                "invalidCursor",
                "The cursor belongs to another query.",
            ));
        }
        if now.as_second().saturating_sub(made) > CURSOR_SECONDS {
            return Err(Refusal::paging("expiredCursor", "The cursor has expired."));
        }
        Ok(cursor)
    }

    fn parse(text: &str) -> Option<(Self, u64, i64)> {
        let decoded = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = decoded.split(' ');
        let after = Position {
            kind: parts.next()?.parse().ok()?,
            row: parts.next()?.parse().ok()?,
            offset: parts.next()?.parse().ok()?,
        };
        let (digest, made) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        parts
            .next()
            .is_none()
            .then_some((Self { after }, digest, made))
    }
}
