//! Two local users, one remote name: found before anything is sent.

use std::collections::BTreeMap;

use domain::{ConnectorRef, LocalRef, Nothing, QualifiedName, Reason, User, UserId};

use crate::{Decider, Walk, map};

/// Users who would get the same remote name at one connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The connector.
    pub connector: ConnectorRef,
    /// The remote name, in lower case.
    pub remote_name: String,
    /// The users, in the order they were given; at least two.
    pub users: Vec<(UserId, QualifiedName)>,
}

/// Ends the decision when somebody else holds, or is about to hold, the name. An account keeps the name it has.
pub(crate) fn check(
    walk: &Walk<'_>,
    local: LocalRef,
    name: &QualifiedName,
    remote_name: &str,
) -> Result<(), Nothing> {
    let wanted = remote_name.to_lowercase();
    let has_it = walk
        .known
        .as_ref()
        .is_some_and(|known| known.is_there() && known.name.to_lowercase() == wanted);
    if has_it {
        return Ok(());
    }
    let holder = walk.snapshot.owners.iter().find(|owner| {
        owner.connector == walk.candidate.connector
            && owner.remote_name == wanted
            && owner.local != local
            && owner.local.object() == local.object()
    });
    match holder {
        None => Ok(()),
        Some(holder) => Err(Nothing {
            reason: Reason::NameCollision,
            detail: format!(
                "{remote_name} is wanted for {name} and belongs to {}",
                holder.name
            ),
        }),
    }
}

/// Finds the collisions in a whole directory, over every enabled connector.
///
/// Users whose store or roles keep them out are left aside; rules are not asked.
pub fn collisions<'u>(
    decider: &Decider<'_>,
    users: impl Iterator<Item = &'u User>,
) -> Vec<Collision> {
    let users: Vec<&User> = users.collect();
    let mut found = Vec::new();
    for target in decider.targets() {
        let stores = &decider.configuration.organization.provisioned_stores;
        let roles = &target.connection.outbound_roles;
        let mut holders: BTreeMap<String, Vec<&User>> = BTreeMap::new();
        for user in &users {
            let in_store = stores.is_empty() || stores.contains(&user.name.store);
            let in_role = roles.is_empty() || roles.iter().any(|role| user.roles.contains(role));
            if !in_store || !in_role {
                continue;
            }
            if let Ok(remote) = map::remote_name(decider, &target, &user.name) {
                holders.entry(remote.to_lowercase()).or_default().push(user);
            }
        }
        for (remote_name, users) in holders {
            if users.len() > 1 {
                found.push(Collision {
                    connector: target.connector(),
                    remote_name,
                    users: users
                        .iter()
                        .map(|user| (user.id, user.name.clone()))
                        .collect(),
                });
            }
        }
    }
    found
}
