//! What a federated login does to the local directory: just-in-time provisioning.

use std::collections::BTreeSet;

use domain::{
    AttributeSync, Claim, Claims, Connection, NewUser, QualifiedName, RoleName, StoreDomain, User,
};

/// What a federated login does to the local directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginPlan {
    /// The first login: the user is created (a trigger with source *jit*), then logged in.
    Create(NewUser),
    /// A later login: the user is brought up to date (a trigger with source *jit*, unless all is empty), then logged in.
    Update {
        /// Claims to set.
        set: Claims,
        /// Claims to remove.
        remove: BTreeSet<Claim>,
        /// Roles to assign.
        assign: BTreeSet<RoleName>,
        /// Roles to revoke.
        revoke: BTreeSet<RoleName>,
    },
    /// No local user comes of it; only the login itself is a trigger. Holds why, in words.
    NoLocalUser(String),
}

/// Plans what a login through `connection` does.
///
/// `existing` is the local user that the identity stands for: the first one found under [`local_names`].
pub fn login_plan(
    connection: &Connection,
    identity: &NewUser,
    existing: Option<&User>,
) -> LoginPlan {
    let jit = &connection.jit;
    if !jit.enabled {
        let why = format!(
            "just-in-time provisioning is off on connection {}",
            connection.id
        );
        return LoginPlan::NoLocalUser(why);
    }
    match existing {
        Some(user) => later(connection, identity, user),
        None if jit.skip_when_not_found => LoginPlan::NoLocalUser(format!(
            "no local account is found, and skip_when_not_found = true on connection {}",
            connection.id
        )),
        None => LoginPlan::Create(NewUser {
            name: jit_name(connection, identity),
            ..identity.clone()
        }),
    }
}

/// Returns the names under which the identity's local user may be found, the first one that exists counts.
///
/// It is the name in the connection's JIT user store. With *Enable local account linking* a user of that name in any
/// other store is that user too.
pub fn local_names(
    connection: &Connection,
    identity: &NewUser,
    stores: &[StoreDomain],
) -> Vec<QualifiedName> {
    let first = jit_name(connection, identity);
    let mut names = vec![first.clone()];
    if connection.jit.associate_local_user {
        let primary = StoreDomain::default();
        for store in std::iter::once(&primary).chain(stores) {
            let name = QualifiedName {
                store: store.clone(),
                name: first.name.clone(),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

fn jit_name(connection: &Connection, identity: &NewUser) -> QualifiedName {
    QualifiedName {
        store: connection.jit.user_store.clone(),
        name: identity.name.name.clone(),
    }
}

fn later(connection: &Connection, identity: &NewUser, user: &User) -> LoginPlan {
    let jit = &connection.jit;
    let differs = |claim: &Claim, values: &Vec<String>| user.claims.get(claim) != Some(values);
    let is_empty = |claim: &Claim| {
        user.claim(claim)
            .is_none_or(|value| value.trim().is_empty())
    };
    let told = || identity.claims.iter();
    let (set, remove): (Claims, BTreeSet<Claim>) = match jit.attribute_sync {
        AttributeSync::None => Default::default(),
        AttributeSync::OverrideAll => (
            told()
                .filter(|(claim, values)| differs(claim, values))
                .map(|(claim, values)| (claim.clone(), values.clone()))
                .collect(),
            user.claims
                .keys()
                .filter(|claim| !identity.claims.contains_key(*claim))
                .cloned()
                .collect(),
        ),
        AttributeSync::PreserveLocal => (
            told()
                .filter(|(claim, values)| is_empty(claim) && differs(claim, values))
                .map(|(claim, values)| (claim.clone(), values.clone()))
                .collect(),
            BTreeSet::new(),
        ),
    };
    let assign = identity.roles.difference(&user.roles).cloned().collect();
    let revoke = if jit.override_roles {
        user.roles.difference(&identity.roles).cloned().collect()
    } else {
        BTreeSet::new()
    };
    LoginPlan::Update {
        set,
        remove,
        assign,
        revoke,
    }
}
