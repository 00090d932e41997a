//! A connector that is left alone: who brought it about, probes, the ways out, and what a caller hears.

use std::time::Duration;

use domain::{Change, FailureKind, OnFailure, Reason, Remedy, Secret, Verb};

use super::double::{Act, down, failure, rejected};
use super::world::{World, create, full, only_full, plain, provisioner};
use crate::{Fact, Life, QuarantineCause, State, WaitFailure, WaitVerdict};

fn unauthenticated() -> Act {
    let mut refused = failure(FailureKind::Unauthenticated, Remedy::GiveUp);
    refused.status = Some(401);
    Act::Fail(refused)
}

/// Three users whose creation the target refuses for the credentials, one after the other.
async fn refused(world: &World) -> Vec<crate::Outcome> {
    world.full.on_write((0..3).map(|_| unauthenticated()));
    let mut outcomes = Vec::new();
    for name in ["kim", "bob", "ann"] {
        outcomes.push(world.create(name).await);
        world.engine.idle().await;
    }
    outcomes
}

#[tokio::test]
async fn three_refusals_running_stop_the_connector_name_who_met_them_and_stop_nobody_else() {
    let world = World::new().await;
    let outcomes = refused(&world).await;
    let quarantines = world.engine.quarantines();
    let [quarantine] = quarantines.as_slice() else {
        panic!("{quarantines:?}");
    };
    assert_eq!(quarantine.connector, full());
    assert_eq!(quarantine.cause, QuarantineCause::Refused { running: 3 });
    let named: Vec<(String, Option<u16>)> = quarantine
        .culprits
        .iter()
        .map(|culprit| (culprit.name.to_string(), culprit.failure.status))
        .collect();
    let expected = ["ann", "bob", "kim"].map(|name| (name.to_owned(), Some(401)));
    assert_eq!(named, expected);
    // Each is found with the requests that it made.
    for culprit in &quarantine.culprits {
        let filter = crate::ExchangeFilter {
            operation: Some(culprit.operation),
            ..crate::ExchangeFilter::default()
        };
        let page = crate::Page::newest(10);
        let exchanges = world.reader().exchanges(&filter, page).unwrap();
        assert!(exchanges.iter().any(|view| view.attempt == culprit.attempt));
    }
    let eve = world.create("eve").await;
    world.engine.idle().await;
    assert_eq!(
        world.life(&eve, &full()),
        Life::Held {
            reason: Reason::Quarantined
        }
    );
    assert_eq!(world.life(&eve, &plain()), Life::Settled);
    assert_eq!(world.full.verbs().len(), 3);
    assert_eq!(outcomes.len(), 3);
}

#[tokio::test]
async fn once_the_credentials_are_mended_a_probe_ends_it_and_everything_is_made_up_for() {
    let world = World::with(only_full).await;
    let outcomes = refused(&world).await;
    let eve = world.create("eve").await;
    world.engine.idle().await;
    world.clock.advance(Duration::from_secs(59));
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 3, "not before its time");
    world.clock.advance(Duration::from_secs(1));
    world.settle().await;
    assert!(world.engine.quarantines().is_empty());
    assert_eq!(world.full.names(), ["ann", "bob", "eve", "kim"]);
    for outcome in outcomes.iter().chain([&eve]) {
        assert_eq!(world.life(outcome, &full()), Life::Settled);
    }
    world
        .until(|fact| {
            matches!(fact, Fact::ConnectorReleased { reason: Reason::Quarantined, detail, .. } if detail == "a probe went well")
        })
        .await;
}

#[tokio::test]
async fn while_it_fails_one_operation_at_a_time_is_tried_ever_more_rarely() {
    let world = World::with(only_full).await;
    refused(&world).await;
    for at in 0..30 {
        world.create(&format!("u{at}")).await;
    }
    world.engine.idle().await;
    world.full.on_write((0..9).map(|_| unauthenticated()));
    let mut pauses = Vec::new();
    for probe in 0..9 {
        let before = world.full.verbs().len();
        let quarantine = world.engine.quarantines().remove(0);
        pauses.push(quarantine.pause.as_secs() / 60);
        world.clock.advance(quarantine.pause);
        world.engine.idle().await;
        assert_eq!(world.full.verbs().len(), before + 1, "probe {probe}");
        let told = world.engine.quarantines().remove(0).last_probe.unwrap();
        assert!(told.contains("401"), "{told}");
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    world.settle().await;
    assert_eq!(world.full.names().len(), 33);
}

#[tokio::test]
async fn it_outlasts_the_process_and_so_does_what_led_to_it() {
    let mut world = World::with(only_full).await;
    world.full.on_write([unauthenticated(), unauthenticated()]);
    for name in ["kim", "bob"] {
        world.create(name).await;
        world.engine.idle().await;
    }
    world.crash().await;
    world.full.on_write([unauthenticated()]);
    world.create("ann").await;
    world.engine.idle().await;
    let before = world.engine.quarantines();
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].culprits.len(), 3);
    world.crash().await;
    assert_eq!(world.engine.quarantines(), before);
    world.create("eve").await;
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 3);
    world.clock.advance(Duration::from_mins(1));
    world.settle().await;
    assert_eq!(world.full.names().len(), 4);
    super::journal::Folded::of(&world.reader()).check(&world.reader());
    // What was before it ended is no reason for the next one.
    world.crash().await;
    world.full.on_write([unauthenticated()]);
    world.create("joe").await;
    world.engine.idle().await;
    assert!(world.engine.quarantines().is_empty());
}

#[tokio::test]
async fn half_of_twenty_is_enough_and_a_targets_trouble_keeps_its_operations() {
    let world = World::with(only_full).await;
    for at in 0..10 {
        world.create(&format!("good{at}")).await;
    }
    world.settle().await;
    world.full.on_write((0..10).map(|_| down()));
    for at in 0..10 {
        world.create(&format!("bad{at}")).await;
        world.engine.idle().await;
    }
    let quarantine = world.engine.quarantines().remove(0);
    assert!(
        matches!(
            quarantine.cause,
            QuarantineCause::TooManyFailed {
                failed: 10,
                of: 20,
                ..
            }
        ),
        "{:?}",
        quarantine.cause
    );
    world.settle().await;
    assert_eq!(world.full.names().len(), 20);
    assert!(world.engine.quarantines().is_empty());
}

#[tokio::test]
async fn by_hand_it_ends_at_once_and_comes_back_when_nothing_was_mended() {
    let world = World::with(only_full).await;
    refused(&world).await;
    world.full.on_write((0..3).map(|_| unauthenticated()));
    world
        .engine
        .release_quarantine(&full(), "by a test")
        .await
        .unwrap();
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 6);
    assert_eq!(world.engine.quarantines().len(), 1);
    world
        .engine
        .release_quarantine(&full(), "by a test")
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["ann", "bob", "kim"]);
    let error = world.engine.release_quarantine(&full(), "x").await;
    assert!(error.unwrap_err().to_string().contains("not in quarantine"));
}

#[tokio::test]
async fn another_configuration_is_tried_at_once_or_ends_it() {
    let mut world = World::with(only_full).await;
    refused(&world).await;
    world.reconfigure(|_| {}).await;
    world.settle().await;
    assert_eq!(world.full.names(), ["ann", "bob", "kim"]);

    let mut world = World::with(only_full).await;
    refused(&world).await;
    world
        .reconfigure(|configuration| configuration.engine.quarantine.enabled = false)
        .await;
    assert!(world.engine.quarantines().is_empty());
    world.settle().await;
    assert_eq!(world.full.names(), ["ann", "bob", "kim"]);
}

#[tokio::test]
async fn what_was_refused_for_its_content_stays_a_dead_letter() {
    let world = World::with(only_full).await;
    world.full.on_write([rejected()]);
    let bad = world.create("bad").await;
    world.engine.idle().await;
    refused(&world).await;
    world.clock.advance(Duration::from_mins(1));
    world.settle().await;
    assert_eq!(world.full.names(), ["ann", "bob", "kim"]);
    assert_eq!(world.life(&bad, &full()), Life::Dead);
}

#[tokio::test]
async fn letters_that_cannot_be_written_down_as_tried_again_are_tried_when_it_ends_the_next_time() {
    let mut world = World::with(only_full).await;
    let outcomes = refused(&world).await;
    // Everything can be written but that a dead letter (6) lives again.
    let inner = world.engine.inner_for_tests();
    inner.journal.run(|db| {
        db.execute_batch(
            "CREATE TEMP TRIGGER no_room BEFORE UPDATE OF state ON operations WHEN old.state = 6
                BEGIN SELECT RAISE(ABORT, 'no room'); END",
        )
        .unwrap();
    });
    drop(inner);
    let released = world.engine.release_quarantine(&full(), "mended").await;
    released.unwrap_err();
    assert_eq!(world.engine.quarantines().len(), 1);
    world.crash().await;
    assert_eq!(world.engine.quarantines().len(), 1);
    world.clock.advance(Duration::from_mins(1));
    world.settle().await;
    assert!(world.engine.quarantines().is_empty());
    assert_eq!(world.full.names(), ["ann", "bob", "kim"]);
    for outcome in &outcomes {
        assert_eq!(world.life(outcome, &full()), Life::Settled);
    }
}

#[tokio::test]
async fn what_fails_while_the_end_is_written_down_is_tried_again_as_well() {
    let world = World::with(only_full).await;
    world.full.open.send_replace(false);
    world.full.on_write([unauthenticated()]);
    let eve = world.create("eve").await;
    world.full.has_seen(1).await;
    let inner = world.engine.inner_for_tests();
    let cause = QuarantineCause::Refused { running: 3 };
    inner.quarantine(&full(), cause, Vec::new()).await.unwrap();
    // The writer waits until it has both: the end, and that what was under way has failed.
    let (go_on, waits) = std::sync::mpsc::channel::<()>();
    inner.journal.run(move |_| waits.recv().unwrap());
    drop(inner);
    let engine = world.engine.clone();
    let released = tokio::spawn(async move { engine.release_quarantine(&full(), "mended").await });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    world.full.open.send_replace(true);
    while !world.full.state().writes.is_empty() {
        tokio::task::yield_now().await;
    }
    go_on.send(()).unwrap();
    released.await.unwrap().unwrap();
    world.settle().await;
    assert_eq!(world.life(&eve, &full()), Life::Settled);
    assert_eq!(world.full.names(), ["eve"]);
}

#[tokio::test]
async fn a_probe_passes_over_what_a_brake_keeps_and_tries_the_next() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.engine.brakes = domain::BrakePolicy {
            percent: 0,
            count: 1,
            window: Duration::from_secs(30),
            ..domain::BrakePolicy::default()
        };
    })
    .await;
    for name in ["joe", "lee"] {
        world.create(name).await;
    }
    world.settle().await;
    for outcome in refused(&world).await {
        let given_up = outcome.operations[0].operation;
        world.engine.discard(given_up, "by a test").await.unwrap();
    }
    let old = world.delete("joe").await;
    world.clock.advance(Duration::from_secs(31));
    let new = world.delete("lee").await;
    world.full.on_write([unauthenticated()]);
    world.clock.advance(Duration::from_secs(29));
    world.engine.idle().await;
    assert_eq!(
        world.life(&old, &full()),
        Life::Held {
            reason: Reason::BrakeEngaged
        }
    );
    assert_eq!(world.life(&new, &full()), Life::Dead);
    let quarantines = world.engine.quarantines();
    let told = quarantines[0].last_probe.as_ref().unwrap();
    assert!(told.contains("401"), "{told}");
}

#[tokio::test]
async fn what_the_last_process_left_is_tried_before_a_quarantine_ends() {
    let mut world = World::with(only_full).await;
    refused(&world).await;
    world.create("eve").await;
    world.engine.idle().await;
    for tries in [4, 5] {
        world.crash().await;
        world.full.on_write([unauthenticated()]);
        world.clock.advance(Duration::from_mins(2));
        world.engine.idle().await;
        assert_eq!(world.full.verbs().len(), tries);
        assert_eq!(world.engine.quarantines().len(), 1);
    }
    world.crash().await;
    world.settle().await;
    assert!(world.engine.quarantines().is_empty());
    assert_eq!(world.full.names(), ["ann", "bob", "eve", "kim"]);
}

#[tokio::test]
async fn what_waits_for_its_next_attempt_is_tried_before_a_quarantine_ends() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.engine.retry.ladder = vec![Duration::from_hours(1)];
    })
    .await;
    world.full.on_write((0..21).map(|_| down()));
    for at in 0..20 {
        world.create(&format!("u{at}")).await;
        world.engine.idle().await;
    }
    assert_eq!(world.engine.quarantines().len(), 1);
    assert_eq!(world.full.verbs().len(), 20);
    // The target may be spoken to, and yet it does nothing; none of the twenty is due.
    world.clock.advance(Duration::from_mins(1));
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 21, "one of them is tried");
    let quarantines = world.engine.quarantines();
    let told = quarantines[0].last_probe.as_ref().unwrap();
    assert!(told.contains("the double says"), "{told}");
    world.clock.advance(Duration::from_mins(2));
    world.engine.idle().await;
    assert!(world.engine.quarantines().is_empty());
    assert_eq!(world.full.names().len(), 1, "the others wait as before");
    world.settle().await;
    assert_eq!(world.full.names().len(), 20);
}

/// Puts the full target into quarantine, whoever brought it about.
async fn quarantined(world: &World) {
    let cause = QuarantineCause::Refused { running: 3 };
    let inner = world.engine.inner_for_tests();
    inner.quarantine(&full(), cause, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn what_may_be_under_way_still_is_not_asked_about_for_a_probe() {
    let mut world = World::with(|configuration| {
        only_full(configuration);
        configuration.connections[0].connectors[0].request_timeout = Duration::from_mins(5);
    })
    .await;
    world.full.open.send_replace(false);
    world.create("eve").await;
    world.full.has_seen(1).await;
    quarantined(&world).await;
    world.crash().await;
    world.clock.advance(Duration::from_mins(1));
    world.engine.idle().await;
    assert!(
        world.engine.quarantines().is_empty(),
        "where nothing may be sent the target's word is enough"
    );
    assert_eq!(*world.full.arrived.borrow(), 1, "nothing was asked");
    world.settle().await;
    assert_eq!(world.full.names(), ["eve"]);
}

#[tokio::test]
async fn a_target_that_asked_for_quiet_is_not_taken_at_its_word() {
    let world = World::with(only_full).await;
    let hour = Duration::from_hours(1);
    let later = Remedy::Retry { after: Some(hour) };
    world
        .full
        .on_write([Act::Fail(failure(FailureKind::TargetError, later))]);
    world.create("eve").await;
    world.engine.idle().await;
    quarantined(&world).await;
    world.clock.advance(Duration::from_mins(1));
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 1);
    let quarantines = world.engine.quarantines();
    let told = quarantines[0].last_probe.as_ref().unwrap();
    assert!(told.contains("asked for quiet"), "{told}");
    world.settle().await;
    assert!(world.engine.quarantines().is_empty());
    assert_eq!(world.full.names(), ["eve"]);
}

#[tokio::test]
async fn an_operation_that_had_nothing_to_send_proves_nothing() {
    let world = World::with(only_full).await;
    quarantined(&world).await;
    let created = world.create("bob").await;
    let left = world.delete("bob").await;
    let given_up = created.operations[0].operation;
    world.engine.discard(given_up, "by a test").await.unwrap();
    world.create("eve").await;
    world.full.on_write([unauthenticated()]);
    world.clock.advance(Duration::from_mins(1));
    world.engine.idle().await;
    assert_eq!(world.life(&left, &full()), Life::Settled);
    assert_eq!(world.full.verbs(), [Verb::Create], "the next is tried");
    let quarantines = world.engine.quarantines();
    let told = quarantines[0].last_probe.as_ref().unwrap();
    assert!(told.contains("401"), "{told}");
}

#[tokio::test]
async fn a_letter_that_dies_again_without_a_request_proves_nothing() {
    let mut world = World::with(only_full).await;
    for name in ["bob", "ann", "kim"] {
        world.create(name).await;
    }
    world.settle().await;
    world.full.on_write((0..3).map(|_| unauthenticated()));
    for name in ["bob", "ann"] {
        world.mail(name, "new@acme.example").await;
        world.engine.idle().await;
    }
    let password = world
        .submit(Change::SetPassword {
            user: "kim".into(),
            password: Secret::new("second"),
        })
        .await
        .unwrap();
    world.engine.idle().await;
    assert_eq!(world.engine.quarantines()[0].culprits.len(), 3);
    assert_eq!(world.full.verbs().len(), 6);
    // The new password goes with the process.
    world.crash().await;
    world.full.on_write([unauthenticated()]);
    world.clock.advance(Duration::from_mins(1));
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 7, "the next is tried");
    let quarantines = world.engine.quarantines();
    let told = quarantines[0].last_probe.as_ref().unwrap();
    assert!(told.contains("401"), "{told}");
    world.clock.advance(Duration::from_mins(2));
    world.settle().await;
    assert!(world.engine.quarantines().is_empty());
    assert_eq!(world.life(&password, &full()), Life::Dead);
    for name in ["bob", "ann"] {
        let account = world.full.account(name);
        assert_eq!(account.attributes["email"], "new@acme.example");
    }
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

fn reason(outcome: &crate::Outcome) -> Option<Reason> {
    match outcome.verdict.as_ref()? {
        WaitVerdict::Rejected {
            cause: WaitFailure::Held { reason, .. },
        }
        | WaitVerdict::Accepted {
            cause: WaitFailure::Held { reason, .. },
        } => Some(*reason),
        _ => None,
    }
}

#[tokio::test]
async fn a_caller_hears_at_once_that_nothing_is_sent_to_its_connector() {
    for on_failure in [OnFailure::Reject, OnFailure::Accept] {
        let world = blocking(on_failure).await;
        world.engine.pause(&full(), "by a test").await.unwrap();
        // The clock stands still: whoever waited for it would wait for ever.
        let outcome = world.create("kim").await;
        assert_eq!(reason(&outcome), Some(Reason::Paused));
        world.engine.idle().await;
        let is_accepted = on_failure == OnFailure::Accept;
        assert_eq!(outcome.is_accepted(), is_accepted);
        let users = world.reader().user_count().unwrap();
        assert_eq!(users, u64::from(is_accepted));
        assert_eq!(world.plain.names().len(), usize::from(is_accepted));
        world.engine.resume(&full(), "by a test").await.unwrap();
        world.settle().await;
        assert_eq!(world.full.names().len(), usize::from(is_accepted));
    }
}

#[tokio::test]
async fn a_caller_who_waits_already_hears_it_when_the_connector_is_stopped() {
    let world = blocking(OnFailure::Reject).await;
    world.full.on_write([down()]);
    let engine = world.engine.clone();
    let caller = tokio::spawn(async move {
        engine
            .submit(super::world::console(create("kim")))
            .await
            .unwrap()
    });
    world
        .until(|fact| matches!(fact, Fact::AttemptFailed { .. }))
        .await;
    world.engine.pause(&full(), "by a test").await.unwrap();
    let outcome = caller.await.unwrap();
    assert_eq!(reason(&outcome), Some(Reason::Paused));
    world.settle().await;
    assert!(world.full.names().is_empty() && world.plain.names().is_empty());
    assert_eq!(world.lives(&outcome, &full()), [State::Discarded]);
}

#[tokio::test]
async fn an_account_is_not_taken_away_elsewhere_before_the_deletion_stands() {
    let mut world = blocking(OnFailure::Reject).await;
    world.create("kim").await;
    world.settle().await;
    world.full.on_write([rejected()]);
    let outcome = world.delete("kim").await;
    assert!(!outcome.is_accepted());
    world.settle().await;
    assert_eq!(world.full.verbs(), [Verb::Create, Verb::Deprovision]);
    assert_eq!(
        world.plain.verbs(),
        [Verb::Create],
        "nothing had to be undone"
    );
    assert_eq!(world.lives(&outcome, &plain()), [State::Discarded]);
    assert_eq!(world.plain.names(), ["kim"]);

    let outcome = world.delete("kim").await;
    assert!(outcome.is_accepted());
    world.settle().await;
    assert_eq!(world.plain.verbs(), [Verb::Create, Verb::Deprovision]);

    // A process that ends before the verdict leaves nothing behind that would be sent.
    world.create("bob").await;
    world.settle().await;
    world.full.open.send_replace(false);
    let engine = world.engine.clone();
    let caller = tokio::spawn(async move {
        engine
            .submit(super::world::console(domain::Change::DeleteUser {
                user: "bob".into(),
            }))
            .await
    });
    world
        .until(|fact| {
            matches!(
                fact,
                Fact::AttemptStarted {
                    verb: Verb::Deprovision,
                    number: 1,
                    ..
                }
            )
        })
        .await;
    let arrived = *world.full.arrived.borrow();
    world.full.has_seen(arrived).await;
    world.crash().await;
    let _ = caller.await.unwrap();
    world.settle().await;
    assert_eq!(world.plain.names(), ["bob"]);
    assert_eq!(world.full.names(), ["bob"]);
}
