//! Secrets: how the configuration refers to them, and the value while it is in memory.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A secret value in memory. It has no `Display` and no `Serialize`; its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// Returns the value, for the one place that puts it on the wire.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Where a secret comes from, as written in `workbench.toml`.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `{ env = "NAME" }`: an environment variable.
    Env(String),
    /// `{ file = "path" }`: a file's content without the trailing newline; relative to `workbench.toml`.
    File(PathBuf),
    /// `{ command = ["program", "argument"] }`: a program's standard output without the trailing newline.
    Command(Vec<String>),
    /// Written in the file itself; accepted for a loopback target only.
    Inline(Secret),
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Command(words) => {
                write!(f, "command:{}", words.first().map_or("", String::as_str))
            }
            Self::Inline(_) => f.write_str("inline"),
        }
    }
}

/// Why a secret could not be had. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("secret {reference} cannot be read: {cause}")]
pub struct SecretError {
    /// The reference, as its `Display` shows it.
    pub reference: String,
    /// What went wrong.
    pub cause: String,
}

/// Resolves references to values, when they are needed and not before.
pub trait Secrets: Send + Sync {
    /// Reads the value behind a reference.
    ///
    /// # Errors
    /// [`SecretError`] when the variable is unset, the file unreadable or the command fails.
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_secret_shows_its_value() {
        let reference = SecretRef::Inline(Secret::new("canary"));
        assert_eq!(format!("{reference:?} {reference}"), "inline inline");
        assert!(!format!("{:?}", Secret::new("canary")).contains("canary"));
    }
}
