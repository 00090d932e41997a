//! What is kept and not sent: engines at rest, holds that end in the wrong moment, targets that may not be spoken to;
//! and requests that are refused before anything is sent.

use domain::{Change, OnFailure, Reason, Request, Source};

use super::double::{Act, rejected};
use super::world::{World, console, create, full, only_full, plain, provisioner, user};
use crate::{
    DirectoryError, Engine, Fact, Life, Options, Seed, State, SubmitError, WaitFailure, WaitVerdict,
};

/// Ends the engine and starts one that sends nothing on the same journal.
async fn rest(world: &mut World) {
    world.engine.shutdown().await;
    world.engine = Engine::start(Options {
        sends: false,
        ..world.options()
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_engine_at_rest_writes_and_commands_and_sends_nothing_that_is_owed() {
    let mut world = World::with(only_full).await;
    world.full.on_write([Act::LoseRequest]);
    world.full.open.send_replace(false);
    let kim = world.create("kim").await;
    world.full.has_seen(1).await;
    world.engine.abort().await;
    world.full.open.send_replace(true);
    let arrived = *world.full.arrived.borrow();
    rest(&mut world).await;
    let bob = world.create("bob").await;
    world
        .engine
        .seed(&Seed::parse("[[users]]\nname = 'ann'").unwrap())
        .await
        .unwrap();
    world.engine.idle().await;
    let doubted = kim.operations[0].operation;
    // Until then the request may still be under way.
    world.clock.advance(std::time::Duration::from_secs(10));
    world.engine.discard(doubted, "by a test").await.unwrap();
    world.engine.pause(&full(), "by a test").await.unwrap();
    world.engine.resume(&full(), "by a test").await.unwrap();
    assert_eq!(*world.full.arrived.borrow(), arrived);
    assert_eq!(world.life(&bob, &full()), Life::Queued);
    assert_eq!(world.life(&kim, &full()), Life::Discarded);
    world.engine.shutdown().await;
    world.engine = Engine::start(world.options()).await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["bob"]);
}

#[tokio::test]
async fn an_engine_at_rest_takes_no_request_whose_caller_would_wait() {
    let mut world = blocking(OnFailure::Reject).await;
    rest(&mut world).await;
    let before = world.reader().last().unwrap();
    let error = world.submit(create("kim")).await.unwrap_err();
    assert!(matches!(
        error,
        SubmitError::Directory(DirectoryError::Unusable { .. })
    ));
    assert_eq!(world.reader().last().unwrap(), before);
}

#[tokio::test]
async fn an_operation_that_was_discarded_meanwhile_does_not_keep_the_others_held() {
    let world = World::with(only_full).await;
    world.engine.pause(&full(), "by a test").await.unwrap();
    let kim = world.create("kim").await;
    let bob = world.create("bob").await;
    let inner = world.engine.inner_for_tests();
    let held = inner.reader.held(0, 10).unwrap();
    assert_eq!(held.len(), 2);
    let given_up = kim.operations[0].operation;
    world.engine.discard(given_up, "by a test").await.unwrap();
    inner.release(&held).await.unwrap();
    assert_eq!(world.life(&kim, &full()), Life::Discarded);
    assert_eq!(world.life(&bob, &full()), Life::Queued);
    world.engine.resume(&full(), "by a test").await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["bob"]);
}

#[tokio::test]
async fn what_was_committed_as_held_after_its_hold_had_ended_is_sent() {
    let world = World::with(only_full).await;
    world.engine.pause(&full(), "by a test").await.unwrap();
    let kim = world.create("kim").await;
    let ids = [kim.operations[0].operation];
    let inner = world.engine.inner_for_tests();
    inner.release_late(&ids).await;
    assert!(matches!(world.life(&kim, &full()), Life::Held { .. }));
    // As if the connector had been resumed just before the commit.
    inner.holds.write().unwrap().clear();
    inner.regulate();
    inner.release_late(&ids).await;
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn what_was_released_and_has_failed_since_keeps_its_time() {
    let world = World::with(only_full).await;
    world.engine.pause(&full(), "by a test").await.unwrap();
    let kim = world.create("kim").await;
    let ids = [kim.operations[0].operation];
    world.full.on_write([super::double::down()]);
    world.engine.resume(&full(), "by a test").await.unwrap();
    world.engine.idle().await;
    assert!(matches!(world.life(&kim, &full()), Life::Retrying { .. }));
    let arrived = *world.full.arrived.borrow();
    // As if its request looked only now whether the hold had ended.
    world.engine.inner_for_tests().release_late(&ids).await;
    world.engine.idle().await;
    assert_eq!(*world.full.arrived.borrow(), arrived);
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn what_a_brake_keeps_is_not_released_for_a_hold_that_has_ended() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.engine.brakes.count = 0;
        configuration.engine.brakes.percent = 0;
    })
    .await;
    world.create("kim").await;
    world.settle().await;
    let gone = world.delete("kim").await;
    let ids = [gone.operations[0].operation];
    world.engine.inner_for_tests().release_late(&ids).await;
    world.settle().await;
    assert_eq!(
        world.life(&gone, &full()),
        Life::Held {
            reason: Reason::BrakeEngaged
        }
    );
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_stays_held_when_a_request_and_a_resume_meet() {
    let world = World::with(only_full).await;
    for at in 0..30 {
        world.engine.pause(&full(), "by a test").await.unwrap();
        let engine = world.engine.clone();
        let submitted =
            tokio::spawn(async move { engine.submit(console(create(&format!("u{at}")))).await });
        world.engine.resume(&full(), "by a test").await.unwrap();
        submitted.await.unwrap().unwrap();
        assert_eq!(world.settle().await.held, 0, "round {at}");
    }
    assert_eq!(world.full.names().len(), 30);
}

#[tokio::test]
async fn what_was_queued_for_a_real_target_is_kept_once_real_targets_are_off() {
    let mut world = World::with(|configuration| {
        only_full(configuration);
        configuration.engine.real_targets = true;
        configuration.connections[0].connectors[0].settings.insert(
            "address".to_owned(),
            domain::Setting::Text("https://scim.example/Users".to_owned()),
        );
    })
    .await;
    world.full.on_write([super::double::down()]);
    let kim = world.create("kim").await;
    world.engine.idle().await;
    world
        .reconfigure(|configuration| configuration.engine.real_targets = false)
        .await;
    let idle = world.settle().await;
    assert_eq!((idle.held, world.full.names().len()), (1, 0));
    world.crash().await;
    assert_eq!(world.settle().await.held, 1);
    let nothing = world.create("bob").await;
    assert!(nothing.operations.is_empty());
    world
        .reconfigure(|configuration| configuration.engine.real_targets = true)
        .await;
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    assert_eq!(world.life(&kim, &full()), Life::Settled);
}

async fn blocking(on_failure: OnFailure) -> World {
    World::with(|configuration| {
        let mut entry = provisioner(full());
        entry.blocking = true;
        entry.on_failure = on_failure;
        configuration.resident = vec![entry, provisioner(plain())];
    })
    .await
}

fn login(name: &str) -> Request {
    Request {
        change: Change::LogIn {
            identity: user(name),
        },
        source: Source::Login,
        application: None,
        connection: Some("one".into()),
    }
}

#[tokio::test]
async fn a_fault_at_a_blocking_provisioner_refuses_the_change_before_anything_is_sent() {
    let mut world = blocking(OnFailure::Reject).await;
    world.create("kim").await;
    world.settle().await;
    let sent = *world.plain.arrived.borrow();
    world
        .reconfigure(|configuration| configuration.connections[0].enabled = false)
        .await;
    for request in [console(create("bob")), login("ann")] {
        let outcome = world.engine.submit(request).await.unwrap();
        let Some(WaitVerdict::Rejected {
            cause: WaitFailure::NotProvisioned {
                connector, reason, ..
            },
        }) = &outcome.verdict
        else {
            panic!("{:?}", outcome.verdict);
        };
        assert_eq!((connector, *reason), (&full(), Reason::ConnectionDisabled));
        assert!(!outcome.is_accepted());
        world.settle().await;
        assert_eq!(world.lives(&outcome, &plain()), [State::Discarded]);
        let wait = world.trace(&outcome).wait.unwrap();
        assert!(wait.ended.is_some());
    }
    assert_eq!(*world.plain.arrived.borrow(), sent);
    assert_eq!(world.reader().user_count().unwrap(), 1);
    // An account stays there that the target cannot be asked to take away.
    assert!(!world.delete("kim").await.is_accepted());
    world.crash().await;
    world.settle().await;
    assert_eq!(*world.plain.arrived.borrow(), sent);
    super::journal::Folded::of(&world.reader()).check(&world.reader());
}

#[tokio::test]
async fn a_reason_that_means_not_this_user_and_a_provisioner_that_accepts_refuse_nothing() {
    let world = World::with(|configuration| {
        let mut entry = provisioner(full());
        entry.blocking = true;
        configuration.resident = vec![entry];
        configuration.connections[0].outbound_roles = vec![super::world::role("manager")];
    })
    .await;
    assert!(world.create("kim").await.is_accepted());
    assert!(world.delete("kim").await.is_accepted());

    let mut world = blocking(OnFailure::Accept).await;
    world
        .reconfigure(|configuration| configuration.connections[0].enabled = false)
        .await;
    assert!(world.create("bob").await.is_accepted());

    let mut world = World::with(|configuration| {
        configuration.connections[0].enabled = false;
        configuration.resident = vec![provisioner(plain())];
    })
    .await;
    world.create("eve").await;
    world
        .reconfigure(|configuration| {
            let mut entry = provisioner(full());
            entry.blocking = true;
            configuration.resident.push(entry);
        })
        .await;
    assert!(
        world.delete("eve").await.is_accepted(),
        "where there never was an account, there is none to be taken away"
    );
}

#[tokio::test]
async fn a_refused_flow_of_which_only_the_undoing_is_left_has_no_gate_after_a_restart() {
    let mut world = blocking(OnFailure::Reject).await;
    world.full.open.send_replace(false);
    world.full.on_write([rejected()]);
    let engine = world.engine.clone();
    let caller = tokio::spawn(async move { engine.submit(console(create("kim"))).await.unwrap() });
    world
        .until(|fact| matches!(fact, Fact::Linked { .. }))
        .await;
    // What undoes it does not get through before the end.
    world.plain.open.send_replace(false);
    world.full.open.send_replace(true);
    let outcome = caller.await.unwrap();
    assert!(!outcome.is_accepted());
    world.crash().await;
    let inner = world.engine.inner_for_tests();
    assert!(inner.waits.gate(outcome.flow).is_none());
    world.settle().await;
    assert!(world.plain.names().is_empty());
}

#[tokio::test]
async fn a_wait_without_end_is_no_reason_to_fall_over() {
    let world = World::with(|configuration| {
        let mut entry = provisioner(full());
        entry.blocking = true;
        entry.timeout = Some(std::time::Duration::MAX);
        configuration.resident = vec![entry];
    })
    .await;
    let outcome = world.create("kim").await;
    assert_eq!(outcome.verdict, Some(WaitVerdict::Confirmed));
    world.mail("kim", "new@acme.example").await;
}
