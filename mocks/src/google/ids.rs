//! Immutable ids, as the API shows them, and the keys behind them.
//!
//! Both forms are one to one with a 64-bit key, so an id needs no index.

/// Writes a user's immutable id: 21 digits.
pub(super) fn user_id(key: u64) -> String {
    format!("1{key:020}")
}

/// Reads a user's immutable id back.
pub(super) fn user_key(id: &str) -> Option<u64> {
    let rest = id.strip_prefix('1')?;
    if rest.len() == 20 && rest.bytes().all(|byte| byte.is_ascii_digit()) {
        rest.parse().ok()
    } else {
        None
    }
}

const LETTERS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// Writes a group's id: 15 letters and digits that start with `0`.
pub(super) fn group_id(key: u64) -> String {
    let mut id = String::from("01");
    for place in (0..13).rev() {
        let digit = usize::try_from((key >> (place * 5)) & 31).unwrap_or(0);
        id.push(char::from(LETTERS[digit]));
    }
    id
}

/// Reads a group's id back.
pub(super) fn group_key(id: &str) -> Option<u64> {
    let rest = id.strip_prefix("01")?;
    if rest.len() != 13 {
        return None;
    }
    rest.bytes().try_fold(0_u64, |key, byte| {
        let digit = LETTERS.iter().position(|letter| *letter == byte)?;
        if key >> 59 != 0 {
            return None;
        }
        Some((key << 5) | u64::try_from(digit).ok()?)
    })
}
