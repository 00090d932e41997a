//! Two connectors to one target: an account that both have linked stays while one of them keeps it.

use domain::{Change, LocalRef, Provisioner, Reason, Verb};

use super::double::{down, rejected};
use super::world::{World, console, full, plain, provisioner, role, shared, twin};
use crate::{Outcome, Settlement};

fn assign() -> Change {
    Change::AssignRole {
        user: "kim".into(),
        role: role("manager"),
    }
}

fn revoke() -> Change {
    Change::RevokeRole {
        user: "kim".into(),
        role: role("manager"),
    }
}

fn linked(world: &World) -> Vec<domain::Link> {
    let user = world.reader().user(&"kim".into()).unwrap().unwrap();
    world.reader().links_of(LocalRef::User(user.id)).unwrap()
}

/// Kim is made through the one connector, and as a manager taken over through the other.
async fn with_kim_at_both() -> World {
    let world = World::with(shared).await;
    world.create("kim").await;
    world.settle().await;
    world.submit(assign()).await.unwrap();
    world.settle().await;
    let links = linked(&world);
    assert_eq!(links.len(), 2, "{links:?}");
    assert_eq!(links[0].remote_id, links[1].remote_id);
    world
}

fn settled_as(world: &World, outcome: &Outcome) -> Vec<Settlement> {
    let operations = world.trace(outcome).operations;
    operations
        .into_iter()
        .filter(|operation| operation.queued.connector == twin())
        .filter_map(|operation| operation.settlement)
        .collect()
}

fn is_shared(settlement: &Settlement) -> bool {
    matches!(settlement, Settlement::Nothing { reason: Reason::AccountShared, detail } if detail.contains("one/full"))
}

#[tokio::test]
async fn a_role_that_goes_ends_the_link_and_leaves_the_account_that_the_other_connector_keeps() {
    let world = with_kim_at_both().await;
    let plan = world.engine.plan(&console(revoke())).unwrap();
    let mut said = plan.triggers[0]
        .decisions
        .iter()
        .flat_map(|decision| decision.trace.iter());
    assert!(said.any(|line| line.reason == Some(Reason::AccountShared)));
    let outcome = world.submit(revoke()).await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    assert!(!world.full.verbs().contains(&Verb::Deprovision));
    let settled = settled_as(&world, &outcome);
    assert!(
        matches!(&settled[..], [one] if is_shared(one)),
        "{settled:?}"
    );
    let trace = world.trace(&outcome);
    assert!(trace.operations[0].unlinked, "the flow tells of the link");
    let left = linked(&world);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].connector, full());
    // Whose it is alone now takes it away.
    world.delete("kim").await;
    world.settle().await;
    assert!(world.full.names().is_empty());
}

#[tokio::test]
async fn a_user_who_is_deleted_goes_although_both_connectors_have_the_account() {
    let world = with_kim_at_both().await;
    world.delete("kim").await;
    world.settle().await;
    assert!(world.full.names().is_empty(), "no ghost stays");
}

#[tokio::test]
async fn an_account_whose_other_connector_failed_to_take_it_away_goes_with_its_user() {
    let world = with_kim_at_both().await;
    world.full.on_write([rejected()]);
    world.delete("kim").await;
    world.settle().await;
    assert!(world.full.names().is_empty(), "nobody keeps it");
}

#[tokio::test]
async fn a_connector_that_failed_to_take_the_account_away_does_not_keep_it() {
    let mut world = with_kim_at_both().await;
    world
        .reconfigure(|configuration| {
            configuration.connections[0].outbound_roles = vec![role("manager")];
        })
        .await;
    // Whichever goes first is refused for good, and the other comes after it.
    world.full.on_write([rejected(), down()]);
    world.submit(revoke()).await.unwrap();
    world.settle().await;
    assert!(world.full.names().is_empty(), "nobody wants to keep it");
}

#[tokio::test]
async fn a_disabled_connector_keeps_no_account() {
    let mut world = with_kim_at_both().await;
    world
        .reconfigure(|configuration| configuration.connections[0].enabled = false)
        .await;
    world.submit(revoke()).await.unwrap();
    world.settle().await;
    assert!(world.full.names().is_empty());
}

#[tokio::test]
async fn an_account_of_the_same_id_at_another_address_is_another_account() {
    let mut world = with_kim_at_both().await;
    world
        .reconfigure(|configuration| {
            let elsewhere = domain::Setting::Text("http://127.0.0.1:9/others".to_owned());
            let settings = &mut configuration.connections[0].connectors[0].settings;
            settings.insert("address".to_owned(), elsewhere);
        })
        .await;
    world.submit(revoke()).await.unwrap();
    world.settle().await;
    assert!(world.full.names().is_empty());
}

#[tokio::test]
async fn what_a_refused_request_took_over_is_let_go_and_not_taken_away() {
    let world = World::with(|configuration| {
        shared(configuration);
        configuration.connections[1].outbound_roles = vec![role("manager")];
        let waits = |connector| Provisioner {
            blocking: true,
            ..provisioner(connector)
        };
        configuration.resident = vec![provisioner(full()), waits(twin()), waits(plain())];
    })
    .await;
    world.create("kim").await;
    world.settle().await;
    world.plain.on_write([rejected()]);
    let outcome = world.submit(assign()).await.unwrap();
    assert!(!outcome.is_accepted());
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    assert!(!world.full.verbs().contains(&Verb::Deprovision));
    let left = linked(&world);
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].connector, full());
}
