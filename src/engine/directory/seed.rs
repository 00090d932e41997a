//! A starting state of the directory, as TOML: roles, users, groups.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Claim, Claims, Group, GroupId, NewUser, Object, QualifiedName, RoleName, StoreDomain, User,
    UserId,
};
use serde::{Deserialize, Serialize};

use super::change::no_password;
use crate::handle::{DirectoryError, SubmitError};
use crate::inner::Inner;
use crate::journal::Batch;
use crate::keys::{Key, Wanted};
use crate::{DirectoryChange, Fact};

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
        let users: Vec<NewUser> = file.users.into_iter().map(FileUser::into_user).collect();
        for user in &users {
            no_password(&user.claims).map_err(|error| SeedError {
                told: format!("user {}: {error}", user.name),
            })?;
        }
        Ok(Self {
            roles: file.roles,
            users,
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

/// How many changes are committed together.
const CHUNK: usize = 500;

/// Puts a seed in, without triggers. What is there already is left alone, so that it can be put in again.
pub(crate) async fn put_seed(inner: &Inner, seed: &Seed) -> Result<Seeded, SubmitError> {
    let alone = seed
        .users
        .iter()
        .map(|user| Key::local(Object::User, &user.name))
        .chain(
            seed.groups
                .iter()
                .map(|group| Key::local(Object::Group, &group.name)),
        )
        .collect();
    let beside = roles(seed).map(|role| Key::role(&role)).collect();
    let _keys = inner.keys.take_wanted(Wanted { alone, beside }).await;
    let mut report = Seeded::default();
    let mut changes: Vec<DirectoryChange> = roles(seed).map(DirectoryChange::RolePut).collect();
    let mut memberships: BTreeMap<QualifiedName, BTreeSet<UserId>> = BTreeMap::new();
    let mut ids: BTreeMap<QualifiedName, UserId> = BTreeMap::new();
    for new in &seed.users {
        no_password(&new.claims)?;
        known_store(inner, &new.name.store)?;
        let key = folded(&new.name);
        if let Some(user) = inner.reader.user(&new.name)? {
            ids.insert(key, user.id);
            report.kept += 1;
            continue;
        }
        let user = User {
            id: UserId(inner.id()),
            name: new.name.clone(),
            claims: new.claims.clone(),
            roles: new.roles.clone(),
            groups: BTreeSet::new(),
        };
        if ids.insert(key, user.id).is_some() {
            return Err(DirectoryError::NameTaken {
                object: Object::User,
                name: new.name.clone(),
            }
            .into());
        }
        for group in &new.groups {
            memberships
                .entry(folded(group))
                .or_default()
                .insert(user.id);
        }
        changes.push(DirectoryChange::UserPut(user));
        report.users += 1;
    }
    for new in &seed.groups {
        known_store(inner, &new.name.store)?;
        let mut members = memberships.remove(&folded(&new.name)).unwrap_or_default();
        for name in &new.members {
            let id = match ids.get(&folded(name)) {
                Some(id) => *id,
                None => match inner.reader.user(name)? {
                    Some(user) => user.id,
                    None => {
                        return Err(DirectoryError::UserUnknown { name: name.clone() }.into());
                    }
                },
            };
            members.insert(id);
        }
        if inner.reader.group(&new.name)?.is_some() {
            report.kept += 1;
            continue;
        }
        let group = Group {
            id: GroupId(inner.id()),
            name: new.name.clone(),
            members,
        };
        changes.extend(DirectoryChange::group(&group));
        report.groups += 1;
    }
    for (group, members) in memberships {
        let Some(known) = inner.reader.group(&group)? else {
            return Err(DirectoryError::GroupUnknown { name: group }.into());
        };
        changes.push(DirectoryChange::MembersChanged {
            group: known.id,
            added: members,
            removed: BTreeSet::new(),
        });
    }
    for chunk in changes.chunks(CHUNK) {
        let mut batch = Batch::default();
        batch.push(
            None,
            Fact::DirectoryChanged {
                changes: chunk.to_vec(),
            },
        );
        inner.append(batch).await?;
    }
    Ok(report)
}

/// Returns the roles of a seed: the listed ones and those that users hold.
fn roles(seed: &Seed) -> impl Iterator<Item = RoleName> {
    let held = seed.users.iter().flat_map(|user| &user.roles);
    let all: BTreeSet<RoleName> = seed.roles.iter().chain(held).cloned().collect();
    all.into_iter()
}

fn folded(name: &QualifiedName) -> QualifiedName {
    name.renamed(&name.name.to_lowercase())
}

fn known_store(inner: &Inner, store: &StoreDomain) -> Result<(), DirectoryError> {
    super::known_store(&inner.setup().configuration, store)
}
