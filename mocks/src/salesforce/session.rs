//! Sessions: tokens that carry their own proof, so that forks and lagging reads of the same organization know them.

use std::{collections::VecDeque, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use imbl::{HashMap, HashSet};
use jsonwebtoken::{Algorithm, EncodingKey};

use super::id::Id;

/// How long a session lasts, in milliseconds. The vendor counts from the last use, this mock from the login.
const LIFETIME: i64 = 2 * 60 * 60 * 1000;

/// How many signed tokens are remembered.
const SIGNED: usize = 8;

/// The tokens that were handed out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions {
    serial: u32,
    generation: u32,
    revoked: HashSet<u32>,
    /// The claims that were signed here last, with their proofs: most requests bring one of them, and signing anew
    /// costs more than all the rest of a small answer.
    signed: VecDeque<Arc<str>>,
    refresh: HashMap<Arc<str>, Id>,
}

/// What a good access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) user: Id,
    pub(crate) serial: u32,
    /// Milliseconds since 1970.
    pub(crate) issued: i64,
    /// Milliseconds since 1970.
    pub(crate) expires: i64,
}

/// Signs a text with HMAC-SHA256.
pub(crate) fn hmac(secret: &str, message: &str) -> Vec<u8> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signed = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256)
        .expect("HS256 signs with any secret");
    URL_SAFE_NO_PAD
        .decode(signed)
        .expect("the signature is base64url")
}

impl Sessions {
    /// Issues an access token: the organization's id, `!`, and the rest.
    pub(crate) fn issue(&mut self, organization: Id, secret: &str, user: Id, now: i64) -> String {
        self.serial = self.serial.wrapping_add(1);
        let claim = format!(
            "{}{:012x}{:08x}{:08x}",
            user.short(),
            now.max(0),
            self.serial,
            self.generation
        );
        let sealed = format!("{claim}.{}", seal(secret, &claim));
        let token = format!("{}!AQE{sealed}", organization.short());
        self.signed.truncate(SIGNED - 1);
        self.signed.push_front(sealed.into());
        token
    }

    /// Reads an access token; `None` when it is foreign, forged, revoked or too old.
    pub(crate) fn check(
        &self,
        organization: Id,
        secret: &str,
        token: &str,
        now: i64,
    ) -> Option<Session> {
        let sealed = token
            .strip_prefix(organization.short())?
            .strip_prefix("!AQE")?;
        let (claim, proof) = sealed.split_once('.')?;
        let known = self.signed.iter().any(|signed| **signed == *sealed);
        if claim.len() != 43 || !claim.is_ascii() || !(known || seal(secret, claim) == proof) {
            return None;
        }
        let user = Id::parse(&claim[..15])?;
        let issued = i64::from_str_radix(&claim[15..27], 16).ok()?;
        let serial = u32::from_str_radix(&claim[27..35], 16).ok()?;
        let generation = u32::from_str_radix(&claim[35..], 16).ok()?;
        let expires = issued + LIFETIME;
        let good =
            generation >= self.generation && !self.revoked.contains(&serial) && now < expires;
        good.then_some(Session {
            user,
            serial,
            issued,
            expires,
        })
    }

    /// Ends one session.
    pub(crate) fn revoke(&mut self, session: Session) {
        self.revoked.insert(session.serial);
    }

    /// Ends every session.
    pub(crate) fn expire(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.revoked = HashSet::new();
    }

    /// Registers a refresh token.
    pub(crate) fn remember(&mut self, token: &str, user: Id) {
        self.refresh.insert(Arc::from(token), user);
    }

    /// Returns whose refresh token this is.
    pub(crate) fn refreshes(&self, token: &str) -> Option<Id> {
        self.refresh.get(token).copied()
    }

    /// Forgets a refresh token; `false` when there was none.
    pub(crate) fn forget(&mut self, token: &str) -> bool {
        self.refresh.remove(token).is_some()
    }
}

fn seal(secret: &str, claim: &str) -> String {
    use std::fmt::Write;
    hmac(secret, claim)
        .iter()
        .take(20)
        .fold(String::with_capacity(40), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_until_it_is_revoked_expired_or_old() {
        let (organization, user) = (Id::new("00D", 1), Id::new("005", 7));
        let mut sessions = Sessions::default();
        let token = sessions.issue(organization, "secret", user, 1_000);
        let session = sessions
            .check(organization, "secret", &token, 1_000)
            .unwrap();
        assert_eq!((session.user, session.issued), (user, 1_000));
        // Another organization never signed it, whatever this one remembers.
        let elsewhere = Sessions::default();
        assert_eq!(elsewhere.check(organization, "other", &token, 1_000), None);
        assert_eq!(
            elsewhere.check(organization, "secret", &token, 1_000),
            Some(session)
        );
        assert_eq!(
            sessions.check(organization, "secret", &token, 1_000 + LIFETIME),
            None
        );
        let fork = sessions.clone();
        sessions.revoke(session);
        assert_eq!(sessions.check(organization, "secret", &token, 1_000), None);
        assert_eq!(
            fork.check(organization, "secret", &token, 1_000),
            Some(session)
        );
        sessions.expire();
        let next = sessions.issue(organization, "secret", user, 2_000);
        assert!(
            sessions
                .check(organization, "secret", &next, 2_000)
                .is_some()
        );
    }

    #[test]
    fn no_text_in_the_place_of_a_token_does_harm() {
        let sessions = Sessions::default();
        for token in [
            "",
            "!",
            "00DHX0000000001!AQE",
            "00DHX0000000001!AQE.",
            "00DHX0000000001!AQEäöü.x",
            "ä!ö",
        ] {
            assert_eq!(sessions.check(Id::new("00D", 1), "secret", token, 0), None);
        }
    }
}
