//! What is on its way when the configuration changes, and what stands behind an operation that died.

use std::time::Duration;

use domain::{AttributeMapping, Clock as _, LocalRef, OnEmpty, RemoteId, Verb};

use super::double::rejected;
use super::world::{World, full, only_full};
use crate::{Settlement, State};

/// A mapping of a constant to the attribute `title`.
fn title(value: &str) -> AttributeMapping {
    AttributeMapping {
        remote: "title".to_owned(),
        connector: None,
        local: None,
        value: Some(value.to_owned()),
        default: None,
        on_empty: OnEmpty::Skip,
        line: None,
    }
}

/// Returns the accounts that a user is linked to.
fn remote_ids(world: &World, name: &str) -> Vec<RemoteId> {
    let reader = world.reader();
    let user = reader.user(&name.into()).unwrap().unwrap();
    let links = reader.links_of(LocalRef::User(user.id)).unwrap();
    links.into_iter().map(|link| link.remote_id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_edited_under_load_loses_no_work_and_no_link() {
    let mut world = World::new().await;
    let settled = ["ann", "bob", "cy"];
    for name in settled {
        world.create(name).await;
    }
    world.settle().await;
    let before = settled.map(|name| remote_ids(&world, name));

    world.full.open.send_replace(false);
    let under_way = ["dan", "eve", "fay", "gus", "hal", "ida"];
    for name in under_way {
        world.create(name).await;
    }
    for name in settled {
        world.mail(name, "new@acme.example").await;
    }
    world.full.has_seen(settled.len() + 1).await;
    world
        .reconfigure(|configuration| {
            let connection = &mut configuration.connections[0];
            "Renamed".clone_into(&mut connection.name);
            connection.connectors[0].concurrency = 2;
            connection.attributes.push(title("Dr"));
            configuration.engine.concurrency = 3;
        })
        .await;
    world.create("late").await;
    world.full.open.send_replace(true);
    world.settle().await;

    let mut everybody: Vec<&str> = settled.into_iter().chain(under_way).collect();
    everybody.push("late");
    everybody.sort_unstable();
    assert_eq!(world.full.names(), everybody);
    assert_eq!(world.plain.names(), everybody);
    for name in settled {
        assert_eq!(
            world.full.account(name).attributes["email"],
            "new@acme.example"
        );
    }
    let after = settled.map(|name| remote_ids(&world, name));
    assert_eq!(after, before, "links hang on ids, not on names");
}

#[tokio::test]
async fn what_was_decided_is_sent_as_decided_and_the_next_change_brings_what_is_new() {
    let mut world = World::with(only_full).await;
    world.full.open.send_replace(false);
    let created = world.create("kim").await;
    world.mail("kim", "new@acme.example").await;
    world.full.has_seen(1).await;
    world
        .reconfigure(|configuration| configuration.connections[0].attributes.push(title("Dr")))
        .await;
    world.full.open.send_replace(true);
    world.settle().await;
    assert_eq!(world.lives(&created, &full()), [State::Settled]);
    let kim = world.full.account("kim").attributes;
    assert_eq!(kim["email"], "new@acme.example");
    assert_eq!(kim.get("title"), None, "decided before there was a title");

    world.mail("kim", "newer@acme.example").await;
    world.settle().await;
    let kim = world.full.account("kim").attributes;
    assert_eq!(kim["email"], "newer@acme.example");
    assert_eq!(kim["title"], "Dr");
    assert_eq!(
        world.full.verbs(),
        [Verb::Create, Verb::Update, Verb::Update]
    );
}

#[tokio::test]
async fn behind_a_dead_create_an_update_becomes_the_create_and_a_delete_takes_it_away() {
    let world = World::with(only_full).await;
    world.full.open.send_replace(false);
    world.full.on_write([rejected()]);
    let created = world.create("kim").await;
    let updated = world.mail("kim", "new@acme.example").await;
    let deleted = world.delete("kim").await;
    world.full.open.send_replace(true);
    world.settle().await;
    assert_eq!(world.lives(&created, &full()), [State::Dead]);
    assert_eq!(world.lives(&updated, &full()), [State::Settled]);
    assert_eq!(world.lives(&deleted, &full()), [State::Settled]);
    assert_eq!(
        world.full.verbs(),
        [Verb::Create, Verb::Create, Verb::Deprovision]
    );
    assert!(world.full.names().is_empty());
}

#[tokio::test]
async fn behind_a_dead_create_and_a_dead_update_a_delete_has_nothing_to_take_away() {
    let world = World::with(only_full).await;
    world.full.open.send_replace(false);
    world.full.on_write([rejected(), rejected()]);
    let created = world.create("kim").await;
    let updated = world.mail("kim", "new@acme.example").await;
    let deleted = world.delete("kim").await;
    world.full.open.send_replace(true);
    world.settle().await;
    assert_eq!(world.lives(&created, &full()), [State::Dead]);
    assert_eq!(world.lives(&updated, &full()), [State::Dead]);
    assert!(matches!(
        world.trace(&deleted).operations[0].settlement,
        Some(Settlement::Nothing {
            reason: domain::Reason::NeverProvisioned,
            ..
        })
    ));
    assert_eq!(world.full.verbs(), [Verb::Create, Verb::Create]);
}

#[tokio::test]
async fn an_account_whose_user_left_while_its_connector_was_disabled_is_left_behind_and_listed() {
    let mut world = World::with(only_full).await;
    for name in ["kim", "bob"] {
        world.create(name).await;
    }
    world.settle().await;
    world.delete("bob").await;
    world.settle().await;
    let left = world.reader().left_behind().unwrap();
    assert_eq!(left, [], "bob's account was taken away");
    world
        .reconfigure(|configuration| configuration.connections[0].connectors[0].enabled = false)
        .await;
    world.delete("kim").await;
    world.settle().await;
    world
        .reconfigure(|configuration| configuration.connections[0].connectors[0].enabled = true)
        .await;
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"], "nothing is taken away unasked");
    let left = world.reader().left_behind().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].name, Some("kim".into()));
    assert_eq!(left[0].link.connector, full());
    assert_eq!(left[0].link.remote_name, "kim");
}

#[tokio::test]
async fn a_deactivated_account_is_as_it_should_be_and_not_left_behind() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.connections[0].connectors[0].deprovision = domain::Deprovision::Deactivate;
    })
    .await;
    world.create("kim").await;
    world.delete("kim").await;
    world.settle().await;
    assert!(!world.full.account("kim").active);
    assert_eq!(world.reader().left_behind().unwrap(), []);
}

#[tokio::test]
async fn since_when_a_configuration_is_in_force_is_known() {
    let mut world = World::with(only_full).await;
    assert_eq!(world.engine.configured_at(), world.clock.now());
    world.clock.advance(Duration::from_mins(5));
    world.reconfigure(|_| {}).await;
    assert_eq!(world.engine.configured_at(), world.clock.now());
}
