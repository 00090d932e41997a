//! Record ids: 15 characters that differ by case, or 18 with a case checksum. No state lives here.

use std::fmt;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
/// The two characters behind the prefix name the instance that made the record.
const INSTANCE: &[u8; 2] = b"HX";

/// The id of one record. Ordered by creation within one object; shown with its 18 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id([u8; 15]);

impl Id {
    /// Comes before every other id.
    pub(crate) const FIRST: Self = Self([0; 15]);
    /// Comes behind every other id.
    pub(crate) const LAST: Self = Self([u8::MAX; 15]);

    /// Makes the id of one object type (`prefix`, three characters) and serial number.
    pub(crate) fn new(prefix: &str, serial: u64) -> Self {
        let mut id = [b'0'; 15];
        for (place, byte) in id
            .iter_mut()
            .zip(prefix.bytes().chain(INSTANCE.iter().copied()))
        {
            *place = byte;
        }
        let mut rest = serial;
        for place in id[5..].iter_mut().rev() {
            *place = DIGITS[usize::try_from(rest % 62).unwrap_or(0)];
            rest /= 62;
        }
        Self(id)
    }

    /// Reads an id of 15 or 18 characters.
    ///
    /// The three last of 18 are a checksum over the case of the others; a text that lost its case (all of it lower)
    /// gets it back from there, any other mismatch makes the id malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !matches!(bytes.len(), 15 | 18) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let mut id = [0; 15];
        id.copy_from_slice(&bytes[..15]);
        let id = Self(id);
        if bytes.len() == 15 || id.suffix().eq_ignore_ascii_case(&bytes[15..]) {
            return Some(id);
        }
        let folded = !bytes.iter().any(u8::is_ascii_uppercase);
        if folded {
            id.with_case_of(&bytes[15..])
        } else {
            None
        }
    }

    /// Returns the three characters that tell the object type.
    pub(crate) fn prefix(&self) -> &str {
        &self.short()[..3]
    }

    /// Returns the 15 characters without the checksum.
    pub(crate) fn short(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an id is made of ASCII only")
    }

    fn suffix(&self) -> [u8; 3] {
        let mut suffix = [b'A'; 3];
        for (place, five) in suffix.iter_mut().zip(self.0.chunks(5)) {
            let bits = five.iter().rev().fold(0_usize, |bits, byte| {
                bits << 1 | usize::from(byte.is_ascii_uppercase())
            });
            *place = SUFFIX[bits];
        }
        suffix
    }

    fn with_case_of(self, suffix: &[u8]) -> Option<Self> {
        let mut id = self.0;
        for (five, check) in id.chunks_mut(5).zip(suffix) {
            let bits = SUFFIX
                .iter()
                .position(|known| known.eq_ignore_ascii_case(check))?;
            for (place, byte) in five.iter_mut().enumerate() {
                let upper = bits >> place & 1 == 1;
                *byte = if upper {
                    byte.to_ascii_uppercase()
                } else {
                    byte.to_ascii_lowercase()
                };
            }
        }
        let id = Self(id);
        id.suffix().eq_ignore_ascii_case(suffix).then_some(id)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())?;
        f.write_str(std::str::from_utf8(&self.suffix()).expect("the checksum is ASCII"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        // Ids that stand in the REST API Developer Guide.
        for (short, long) in [
            ("001D000000INjVe", "001D000000INjVeIAL"),
            ("001D000000IRFma", "001D000000IRFmaIAH"),
            ("005D0000001bVZb", "005D0000001bVZbIAM"),
        ] {
            assert_eq!(Id::parse(short).unwrap().to_string(), long);
            assert_eq!(Id::parse(long), Id::parse(short));
        }
    }

    #[test]
    fn case_that_was_lost_comes_back_from_the_checksum() {
        let id = Id::parse("001D000000IRFmaIAH").unwrap();
        assert_eq!(Id::parse("001d000000irfmaiah"), Some(id));
        assert_eq!(Id::parse("001D000000IRFMAIAH"), None);
    }

    #[test]
    fn wrong_checksums_and_lengths_are_malformed() {
        for text in [
            "001D000000IRFmaIAA",
            "001D000000IRFm",
            "001D000000IRFmaI",
            "001D000000IRF-a",
            "",
            "001D000000IRFmaIAHH",
        ] {
            assert_eq!(Id::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_sort_by_their_serial_number() {
        let ids: Vec<Id> = (0..500).map(|serial| Id::new("005", serial * 37)).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids[1].prefix(), "005");
    }
}
