//! A claim is a named attribute of a local user, under a URI of a dialect.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// The dialect that short claim names belong to.
pub const WSO2_DIALECT: &str = "http://wso2.org/claims/";

/// A claim URI. A short name (`emailaddress`) stands for the same name in the WSO2 dialect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct Claim(String);

impl Claim {
    /// Makes a claim from a URI or a short name of the WSO2 dialect.
    pub fn new(name: &str) -> Self {
        let name = name.trim();
        if name.contains(':') {
            Self(name.to_owned())
        } else {
            Self([WSO2_DIALECT, name].concat())
        }
    }

    /// Returns the whole URI.
    pub fn uri(&self) -> &str {
        &self.0
    }

    /// Returns the short name within the WSO2 dialect, or the URI of another dialect.
    pub fn short(&self) -> &str {
        self.0.strip_prefix(WSO2_DIALECT).unwrap_or(&self.0)
    }
}

impl From<String> for Claim {
    fn from(name: String) -> Self {
        Self::new(&name)
    }
}

impl From<&str> for Claim {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl Serialize for Claim {
    // By hand: `into` would copy the text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl From<Claim> for String {
    fn from(claim: Claim) -> Self {
        claim.0
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

/// The claims of one user: each claim with its values in order. An empty list means *present but empty*.
pub type Claims = BTreeMap<Claim, Vec<String>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_and_its_uri_are_the_same_claim() {
        assert_eq!(
            Claim::new("givenname"),
            Claim::new("http://wso2.org/claims/givenname")
        );
        assert_eq!(Claim::new("urn:x:y").short(), "urn:x:y");
    }
}
