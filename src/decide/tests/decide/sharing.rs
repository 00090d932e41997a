//! Two connectors to one target: the account of both stays while one of them keeps it.

use domain::{Reason, RemoteId, RoleName, TriggerKind};

use crate::fixture::*;

/// Kim has one account that both connectors have linked; the twin is for managers only, and kim is none any more.
fn shared() -> World {
    World::listing(&[SCIM])
        .twin()
        .linked(SCIM)
        .linked(TWIN)
        .with(|world| world.connection(TWIN).outbound_roles = vec![RoleName::new("manager")])
}

fn revoked() -> domain::Trigger {
    role(TriggerKind::RoleRevoked, "manager")
}

/// Tells whether the trace of the twin says that the account stays.
fn stays(world: &World, trigger: &domain::Trigger) -> bool {
    let decisions = world.decide(trigger);
    assert_eq!(outcome(&decisions, TWIN), "deprovision");
    let wanted = reference(TWIN);
    let decision = decisions
        .decisions
        .iter()
        .find(|decision| decision.candidate.connector == wanted)
        .unwrap();
    decision
        .trace
        .iter()
        .any(|line| line.reason == Some(Reason::AccountShared))
}

#[test]
fn what_is_taken_away_at_one_stays_where_the_other_keeps_it_and_the_trace_says_so() {
    let world = shared();
    assert!(stays(&world, &revoked()));
    assert!(
        told(&world.decide(&revoked()), TWIN).contains("corp-scim/scim2 keeps the same account")
    );
}

#[test]
fn an_account_that_nobody_keeps_is_taken_away() {
    let trigger = revoked();
    for (why, world) in [
        (
            "another account",
            shared().with(|world| world.snapshot.links[0].remote_id = RemoteId("r-2".to_owned())),
        ),
        (
            "deactivated there",
            shared().with(|world| world.snapshot.links[0].active = false),
        ),
        (
            "gone there",
            shared().with(|world| world.snapshot.links[0].gone = true),
        ),
        (
            "about to be taken away there",
            shared().with(|world| world.snapshot.pending = vec![(reference(SCIM), None)]),
        ),
        (
            "taken away there, too",
            shared().with(|world| {
                world.connection(SCIM).outbound_roles = vec![RoleName::new("manager")];
            }),
        ),
        (
            "disabled there",
            shared().with(|world| world.settings(SCIM).enabled = false),
        ),
        (
            "another tenant",
            shared().with(|world| world.set(SCIM, "password", "env:OTHER")),
        ),
        (
            "another target",
            shared().with(|world| {
                world.set(SCIM, "user_endpoint", "http://127.0.0.1:9103/other/Users");
            }),
        ),
    ] {
        assert!(!stays(&world, &trigger), "{why}");
    }
    assert!(
        !stays(&shared().deleted(), &deleted()),
        "who goes keeps nothing"
    );
}
