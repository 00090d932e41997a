//! What counts as a password: 8 to 100 ASCII characters, or a hash of the form that `hashFunction` names.
//!
//! Sources: the users reference; discovery document `admin:directory_v1`, `User.hashFunction`.

use serde_json::{Map, Value};

use super::error::Error;
use super::limits::present;

const CRYPT_ROUNDS: u32 = 10_000;

/// Checks the password of a body. Returns whether there is one.
///
/// # Errors
/// `invalid` for a password or hash function that is not good.
pub(super) fn check(body: &Map<String, Value>) -> Result<bool, Error> {
    let hash = match present(body, "hashFunction") {
        None => None,
        Some(Value::String(name)) if ["MD5", "SHA-1", "crypt"].contains(&name.as_str()) => {
            Some(name.as_str())
        }
        Some(_) => return Err(Error::invalid("hashFunction")),
    };
    let Some(value) = present(body, "password") else {
        return Ok(false);
    };
    let text = value.as_str().unwrap_or_default();
    let hex =
        |length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let good = match hash {
        Some("MD5") => hex(32),
        Some("SHA-1") => hex(40),
        Some(_) => is_crypt(text),
        None => {
            (8..=100).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        }
    };
    if good {
        Ok(true)
    } else {
        Err(Error::new(400, "invalid", "Invalid Password"))
    }
}

/// Tells whether a text is a hash of the C crypt library: DES, `$1$`, `$5$` or `$6$`.
fn is_crypt(text: &str) -> bool {
    let plain = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"./".contains(&byte))
    };
    let Some(rest) = text.strip_prefix('$') else {
        return text.len() == 13 && plain(text);
    };
    let mut parts = rest.split('$');
    let (Some(kind), Some(second)) = (parts.next(), parts.next()) else {
        return false;
    };
    let salt = match second.strip_prefix("rounds=") {
        None => Some(second),
        Some(rounds)
            if kind != "1"
                && rounds
                    .parse::<u32>()
                    .is_ok_and(|rounds| rounds <= CRYPT_ROUNDS) =>
        {
            parts.next()
        }
        Some(_) => return false,
    };
    let (Some(salt), Some(sum), None) = (salt, parts.next(), parts.next()) else {
        return false;
    };
    let length = match kind {
        "1" => 22,
        "5" => 43,
        "6" => 86,
        _ => return false,
    };
    salt.len() <= 16 && plain(salt) && sum.len() == length && plain(sum)
}
