//! What a federated login does to the local directory.

use std::collections::BTreeSet;

use decide::{LoginPlan, local_names, login_plan};
use domain::{AttributeSync, Claim, Claims, Connection, NewUser, RoleName, StoreDomain, User};

use crate::fixture::*;

fn connection(change: impl FnOnce(&mut Connection)) -> Connection {
    let mut world = World::new();
    let connection = world.connection(SCIM);
    connection.jit.enabled = true;
    connection.jit.user_store = StoreDomain::new("PARTNERS");
    change(connection);
    connection.clone()
}

fn identity() -> NewUser {
    let User { name, claims, .. } = user("kim", 0, &[("givenname", "Kim"), ("mail", "new@x")]);
    NewUser {
        name,
        claims,
        roles: BTreeSet::from([RoleName::new("reader")]),
        groups: BTreeSet::new(),
    }
}

fn local() -> User {
    let mut user = user(
        "PARTNERS/kim",
        1,
        &[("mail", "old@x"), ("title", "Dr"), ("givenname", "")],
    );
    user.roles.insert(RoleName::new("writer"));
    user
}

fn update(connection: &Connection) -> (Vec<String>, Vec<String>, usize, usize) {
    let words = |claims: &mut dyn Iterator<Item = &Claim>| {
        claims.map(|claim| claim.short().to_owned()).collect()
    };
    match login_plan(connection, &identity(), Some(&local())) {
        LoginPlan::Update {
            set,
            remove,
            assign,
            revoke,
        } => (
            words(&mut set.keys()),
            words(&mut remove.iter()),
            assign.len(),
            revoke.len(),
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_login_creates_the_user_in_the_store_of_the_connection() {
    let plan = login_plan(&connection(|_| {}), &identity(), None);
    let expected = NewUser {
        name: "PARTNERS/kim".into(),
        ..identity()
    };
    assert_eq!(plan, LoginPlan::Create(expected));
}

#[test]
fn with_jit_off_no_local_user_comes_of_it_even_when_one_exists() {
    let off = connection(|connection| connection.jit.enabled = false);
    for existing in [None, Some(&local())] {
        let plan = login_plan(&off, &identity(), existing);
        assert!(
            matches!(plan, LoginPlan::NoLocalUser(why) if why.contains("off on connection corp-scim"))
        );
    }
}

#[test]
fn skip_when_not_found_creates_nobody_and_still_updates_who_exists() {
    let skip = connection(|connection| connection.jit.skip_when_not_found = true);
    assert!(matches!(
        login_plan(&skip, &identity(), None),
        LoginPlan::NoLocalUser(_)
    ));
    assert!(matches!(
        login_plan(&skip, &identity(), Some(&local())),
        LoginPlan::Update { .. }
    ));
}

#[test]
fn override_all_makes_the_local_claims_the_federated_ones() {
    let (set, remove, ..) = update(&connection(|_| {}));
    assert_eq!(set, ["givenname", "mail"]);
    assert_eq!(remove, ["title"]);
}

#[test]
fn preserve_local_fills_only_what_is_absent_or_empty() {
    let preserve =
        connection(|connection| connection.jit.attribute_sync = AttributeSync::PreserveLocal);
    let (set, remove, ..) = update(&preserve);
    assert_eq!(set, ["givenname"]);
    assert!(remove.is_empty());
}

#[test]
fn without_synchronization_the_claims_stay() {
    let none = connection(|connection| connection.jit.attribute_sync = AttributeSync::None);
    let (set, remove, ..) = update(&none);
    assert!(set.is_empty() && remove.is_empty());
}

#[test]
fn roles_are_added_and_only_overridden_when_asked() {
    let (.., assign, revoke) = update(&connection(|_| {}));
    assert_eq!((assign, revoke), (1, 0));
    let overriding = connection(|connection| connection.jit.override_roles = true);
    let (.., assign, revoke) = update(&overriding);
    assert_eq!((assign, revoke), (1, 1));
}

#[test]
fn a_login_that_brings_nothing_new_changes_nothing() {
    let same = NewUser {
        name: local().name,
        claims: local().claims,
        roles: local().roles,
        groups: BTreeSet::new(),
    };
    let plan = login_plan(&connection(|_| {}), &same, Some(&local()));
    let nothing = LoginPlan::Update {
        set: Claims::new(),
        remove: BTreeSet::new(),
        assign: BTreeSet::new(),
        revoke: BTreeSet::new(),
    };
    assert_eq!(plan, nothing);
}

#[test]
fn account_linking_widens_where_the_local_user_is_looked_for() {
    let stores = [StoreDomain::default(), StoreDomain::new("SALES")];
    let names = |connection: &Connection| -> Vec<String> {
        local_names(connection, &identity(), &stores)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(names(&connection(|_| {})), ["PARTNERS/kim"]);
    let linking = connection(|connection| connection.jit.associate_local_user = true);
    assert_eq!(names(&linking), ["PARTNERS/kim", "kim", "SALES/kim"]);
}
