//! Local users, groups and roles, and how they are named.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use crate::Claims;

/// A user store domain: `PRIMARY` or the name of a secondary store. Compares without case, kept in upper case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct StoreDomain(String);

impl StoreDomain {
    /// The name of the primary user store.
    pub const PRIMARY: &'static str = "PRIMARY";

    /// Makes a store domain; blank means `PRIMARY`.
    pub fn new(name: &str) -> Self {
        let name = name.trim();
        if name.is_empty() {
            Self::default()
        } else {
            Self(name.to_uppercase())
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether this is the primary store, whose users are written without a prefix.
    pub fn is_primary(&self) -> bool {
        self.0 == Self::PRIMARY
    }
}

impl Default for StoreDomain {
    fn default() -> Self {
        Self(Self::PRIMARY.to_owned())
    }
}

impl From<String> for StoreDomain {
    fn from(name: String) -> Self {
        Self::new(&name)
    }
}

impl Serialize for StoreDomain {
    // By hand, here and below: `into` would copy the text, and a user is written several times for every operation.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl From<StoreDomain> for String {
    fn from(store: StoreDomain) -> Self {
        store.0
    }
}

impl fmt::Display for StoreDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A user or group name with its store: `kim` (primary) or `SALES/kim`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct QualifiedName {
    /// The user store domain.
    pub store: StoreDomain,
    /// The name within the store, as it was written.
    pub name: String,
}

impl QualifiedName {
    /// Reads `STORE/name` or a bare name of the primary store. Everything after the first `/` is the name.
    pub fn new(text: &str) -> Self {
        match text.split_once('/') {
            Some((store, name)) => Self {
                store: StoreDomain::new(store),
                name: name.to_owned(),
            },
            None => Self {
                store: StoreDomain::default(),
                name: text.to_owned(),
            },
        }
    }

    /// Returns the same store with another name.
    #[must_use]
    pub fn renamed(&self, name: &str) -> Self {
        Self {
            store: self.store.clone(),
            name: name.to_owned(),
        }
    }
}

impl From<String> for QualifiedName {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<&str> for QualifiedName {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl Serialize for QualifiedName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.store.is_primary() {
            serializer.serialize_str(&self.name)
        } else {
            serializer.collect_str(self)
        }
    }
}

impl From<QualifiedName> for String {
    fn from(name: QualifiedName) -> Self {
        name.to_string()
    }
}

impl FromStr for QualifiedName {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.store.is_primary() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.store, self.name)
        }
    }
}

/// A role name with its audience: `Internal/manager` (organization) or `Application/manager`.
///
/// An unqualified name is the internal role; the lint says so where it stands in `workbench.toml`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct RoleName(String);

impl RoleName {
    /// Makes a role name; a name without `/` gets the prefix `Internal/`.
    pub fn new(name: &str) -> Self {
        let name = name.trim();
        if name.contains('/') {
            Self(name.to_owned())
        } else {
            Self(format!("Internal/{name}"))
        }
    }

    /// Returns the qualified name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the audience: `Internal` of `Internal/manager`.
    pub fn audience(&self) -> &str {
        self.0.split_once('/').map_or("", |(audience, _)| audience)
    }

    /// Returns the name within the audience: `manager` of `Internal/manager`.
    pub fn short(&self) -> &str {
        self.0
            .split_once('/')
            .map_or(self.as_str(), |(_, name)| name)
    }

    /// Returns the role of another name. A name without an audience is one of the same audience.
    #[must_use]
    pub fn renamed(&self, to: &str) -> Self {
        let to = to.trim();
        if to.contains('/') {
            Self::new(to)
        } else {
            Self(format!("{}/{to}", self.audience()))
        }
    }
}

impl From<String> for RoleName {
    fn from(name: String) -> Self {
        Self::new(&name)
    }
}

impl From<&str> for RoleName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl Serialize for RoleName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl From<RoleName> for String {
    fn from(role: RoleName) -> Self {
        role.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}
pub(crate) use uuid_id;

uuid_id! {
    /// The stable id of a local user; a rename keeps it.
    UserId
}
uuid_id! {
    /// The stable id of a local group; a rename keeps it.
    GroupId
}

/// A local user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The stable id.
    pub id: UserId,
    /// The qualified user name.
    pub name: QualifiedName,
    /// The claims.
    #[serde(default)]
    pub claims: Claims,
    /// The roles held.
    #[serde(default)]
    pub roles: BTreeSet<RoleName>,
    /// The names of the groups the user is in.
    #[serde(default)]
    pub groups: BTreeSet<QualifiedName>,
}

impl User {
    /// Returns the first value of a claim, when there is one.
    pub fn claim(&self, claim: &crate::Claim) -> Option<&str> {
        self.claims
            .get(claim)
            .and_then(|values| values.first())
            .map(String::as_str)
    }
}

/// A local group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The stable id.
    pub id: GroupId,
    /// The qualified group name.
    pub name: QualifiedName,
    /// The users in it.
    #[serde(default)]
    pub members: BTreeSet<UserId>,
}

/// The kind of a thing that is provisioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Object {
    /// A user.
    User,
    /// A group.
    Group,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Group => "group",
        })
    }
}

/// One local user or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "object", content = "id", rename_all = "kebab-case")]
pub enum LocalRef {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
}

impl LocalRef {
    /// Returns the kind of the thing.
    pub fn object(&self) -> Object {
        match self {
            Self::User(_) => Object::User,
            Self::Group(_) => Object::Group,
        }
    }

    /// Returns the id as it is sent to targets that keep an external id.
    pub fn uuid(&self) -> Uuid {
        match self {
            Self::User(id) => id.0,
            Self::Group(id) => id.0,
        }
    }
}

impl fmt::Display for LocalRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.object(), self.uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_what_stands_before_the_first_slash() {
        assert_eq!(QualifiedName::new("sales/kim/x").store.as_str(), "SALES");
        assert_eq!(QualifiedName::new("sales/kim/x").name, "kim/x");
        assert_eq!(QualifiedName::new("PRIMARY/kim").to_string(), "kim");
    }

    #[test]
    fn an_unqualified_role_is_the_internal_one() {
        assert_eq!(RoleName::new("manager"), RoleName::new("Internal/manager"));
        assert_ne!(
            RoleName::new("manager"),
            RoleName::new("Application/manager")
        );
    }

    #[test]
    fn a_role_is_renamed_within_its_audience_unless_another_is_named() {
        let role = RoleName::new("Application/manager");
        assert_eq!((role.audience(), role.short()), ("Application", "manager"));
        for (to, renamed) in [
            (" boss ", "Application/boss"),
            ("Application/boss", "Application/boss"),
            ("Internal/boss", "Internal/boss"),
        ] {
            assert_eq!(role.renamed(to), RoleName::new(renamed), "{to}");
        }
    }
}
