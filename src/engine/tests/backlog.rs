//! A backlog that is longer than what lanes hold: taken up in order, counted, and steered by hand where it stands.

use std::collections::HashMap;

use domain::{LocalRef, Verb};

use super::world::{World, console, create, full, mail, only_full};
use crate::{Engine, OperationFilter, Options, Page, State};

/// More than is read at once, twice over.
const USERS: usize = 1_300;

/// Queues a create and an update for each user, with nobody who sends.
async fn queued(world: &World) {
    world.engine.shutdown().await;
    let options = Options {
        sends: false,
        ..world.options()
    };
    let engine = Engine::start(options).await.unwrap();
    for at in 0..USERS {
        let name = format!("user{at}");
        engine.submit(console(create(&name))).await.unwrap();
    }
    for at in 0..USERS {
        let change = mail(&format!("user{at}"), "new@acme.example");
        engine.submit(console(change)).await.unwrap();
    }
    engine.shutdown().await;
}

fn in_state(world: &World, state: State) -> Vec<crate::OperationView> {
    let filter = OperationFilter {
        state: Some(state),
        ..OperationFilter::default()
    };
    let page = Page::newest(usize::MAX);
    world.reader().operations(&filter, page).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_backlog_is_sent_in_the_order_of_its_lanes() {
    let mut world = World::with(only_full).await;
    queued(&world).await;
    world.crash().await;
    // What comes meanwhile is behind what waits in the journal.
    world.delete("user1299").await;
    world.delete("user0").await;
    world.settle().await;
    let state = world.full.state();
    assert_eq!(state.accounts.len(), USERS - 2);
    let mut verbs: HashMap<LocalRef, Vec<Verb>> = HashMap::new();
    for (local, verb) in &state.log {
        verbs.entry(*local).or_default().push(*verb);
    }
    assert_eq!(verbs.len(), USERS);
    for verbs in verbs.values() {
        assert_eq!(verbs[..2], [Verb::Create, Verb::Update]);
        assert!(matches!(verbs[2..], [] | [Verb::Deprovision]));
    }
    drop(state);
    assert_eq!(in_state(&world, State::Settled).len(), 2 * USERS + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_a_held_connector_stays_in_the_journal_is_counted_and_goes_on() {
    let mut world = World::with(only_full).await;
    world.engine.pause(&full(), "by hand").await.unwrap();
    queued(&world).await;
    world.crash().await;
    let idle = world.engine.idle().await;
    assert_eq!(idle.held, 2 * USERS);
    // The newest is given up where it stands.
    let newest = in_state(&world, State::Held)[0].operation;
    world.engine.discard(newest, "not any more").await.unwrap();
    assert_eq!(world.engine.idle().await.held, 2 * USERS - 1);
    world.engine.resume(&full(), "go on").await.unwrap();
    world.settle().await;
    assert_eq!(world.full.state().accounts.len(), USERS);
    assert_eq!(in_state(&world, State::Settled).len(), 2 * USERS - 1);
    assert_eq!(in_state(&world, State::Discarded).len(), 1);
}
