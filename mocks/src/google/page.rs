//! Page tokens: opaque to clients, sealed, and good for three days.
//!
//! A token holds where the last page ended, not how far it came, so a change between two pages neither repeats nor
//! drops anybody else. Source of the three days: discovery document, `Users.nextPageToken`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::error::Error;
use super::etag;

const GOOD_FOR: SignedDuration = SignedDuration::from_hours(72);
const SEAL: usize = 8;

/// Writes a token for the page after `last` of the list that `question` describes.
pub(super) fn token(question: &str, last: &str, now: Timestamp) -> String {
    let mut bytes = now.as_second().to_be_bytes().to_vec();
    bytes.extend_from_slice(last.as_bytes());
    let seal = seal(question, &bytes);
    bytes.splice(0..0, seal);
    format!("~!!~{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads a token back: where the last page ended.
///
/// # Errors
/// `invalid` for a token that was made up, is for another question, or is older than three days.
pub(super) fn resume(question: &str, token: &str, now: Timestamp) -> Result<String, Error> {
    let wrong = || Error::invalid("pageToken");
    let text = token.strip_prefix("~!!~").ok_or_else(wrong)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    let (given, rest) = bytes.split_at_checked(SEAL).ok_or_else(wrong)?;
    if given != seal(question, rest) {
        return Err(wrong());
    }
    let (made, last) = rest.split_first_chunk::<8>().ok_or_else(wrong)?;
    let made = Timestamp::from_second(i64::from_be_bytes(*made)).map_err(|_| wrong())?;
    if now.duration_since(made) > GOOD_FOR {
        return Err(wrong());
    }
    String::from_utf8(last.to_vec()).map_err(|_| wrong())
}

fn seal(question: &str, bytes: &[u8]) -> [u8; SEAL] {
    let mut all = question.as_bytes().to_vec();
    all.push(0);
    all.extend_from_slice(bytes);
    let mut out = [0; SEAL];
    out.copy_from_slice(&etag::digest(&all)[..SEAL]);
    out
}
