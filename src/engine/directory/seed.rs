//! A starting state of the directory, as TOML: roles, users, groups.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Claim, Claims, NewUser, QualifiedName, RoleName};
use serde::Deserialize;

/// A starting state: put in without triggers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seed {
    /// The roles; those that users hold need not be listed.
    pub roles: BTreeSet<RoleName>,
    /// The users.
    pub users: Vec<NewUser>,
    /// The groups.
    pub groups: Vec<SeedGroup>,
}

/// A group of a seed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedGroup {
    /// The qualified name.
    pub name: QualifiedName,
    /// The members.
    #[serde(default)]
    pub members: BTreeSet<QualifiedName>,
}

/// How much of a seed was new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Users put in.
    pub users: usize,
    /// Groups put in.
    pub groups: usize,
    /// Users and groups that were there already and were left alone.
    pub kept: usize,
}

/// Why a seed cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the seed cannot be read: {told}")]
pub struct SeedError {
    /// What is wrong, with line and column.
    pub told: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    roles: BTreeSet<RoleName>,
    #[serde(default)]
    users: Vec<FileUser>,
    #[serde(default)]
    groups: Vec<SeedGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileUser {
    name: QualifiedName,
    #[serde(default)]
    claims: BTreeMap<Claim, Values>,
    #[serde(default)]
    roles: BTreeSet<RoleName>,
    #[serde(default)]
    groups: BTreeSet<QualifiedName>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Seed {
    /// Reads a seed: `roles = […]`, `[[users]]` with `name`, `claims`, `roles`, `groups`, and `[[groups]]` with `name`, `members`.
    ///
    /// # Errors
    /// [`SeedError`] with the place.
    pub fn parse(text: &str) -> Result<Self, SeedError> {
        let file: File = toml::from_str(text).map_err(|error| SeedError {
            told: error.to_string(),
        })?;
        Ok(Self {
            roles: file.roles,
            users: file.users.into_iter().map(FileUser::into_user).collect(),
            groups: file.groups,
        })
    }
}

impl FileUser {
    fn into_user(self) -> NewUser {
        let claims: Claims = self
            .claims
            .into_iter()
            .map(|(claim, values)| {
                let values = match values {
                    Values::One(value) => vec![value],
                    Values::Many(values) => values,
                };
                (claim, values)
            })
            .collect();
        NewUser {
            name: self.name,
            claims,
            roles: self.roles,
            groups: self.groups,
        }
    }
}
