//! Order within a lane, lanes side by side, retries and dead letters.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{Clock as _, FailureKind, GroupId, LocalRef, OperationId, Remedy, RetryPolicy, Verb};
use uuid::Uuid;

use super::double::{Act, down, failure, rejected};
use super::world::{World, full, only_full, plain, rename};
use crate::lanes::{Entry, Lanes};
use crate::limiter::Allowed;
use crate::{CommandError, DeathCause, Fact, Life, OperationFilter, Page, State};

#[tokio::test]
async fn a_created_user_is_created_at_every_connector_and_linked() {
    let world = World::new().await;
    let outcome = world.create("kim").await;
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    assert_eq!(world.plain.names(), ["kim"]);
    let user = world.reader().user(&"kim".into()).unwrap().unwrap();
    let links = world
        .reader()
        .links_of(domain::LocalRef::User(user.id))
        .unwrap();
    assert_eq!(links.len(), 2);
    assert_eq!(links[0].written["email"], "kim@acme.example");
    let trace = world.trace(&outcome);
    assert_eq!(trace.triggers[0].decisions.len(), 2);
    assert!(trace.operations.iter().all(|operation| {
        operation.life == Life::Settled
            && operation.attempts.len() == 1
            && operation.attempts[0].exchanges.len() == 1
            && operation.link.is_some()
    }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_is_served_in_order_while_others_go_side_by_side() {
    let world = World::with(only_full).await;
    world.full.open.send_replace(false);
    for name in ["a", "b", "c"] {
        world.create(name).await;
        world.mail(name, "new@acme.example").await;
        world.delete(name).await;
    }
    world.full.has_seen(3).await;
    world.full.open.send_replace(true);
    world.settle().await;
    let state = world.full.state();
    assert_eq!(state.most_at_once, 3);
    assert!(state.accounts.is_empty());
    for (local, _) in &state.log {
        let verbs: Vec<Verb> = state
            .log
            .iter()
            .filter(|(other, _)| other == local)
            .map(|(_, verb)| *verb)
            .collect();
        assert_eq!(verbs, [Verb::Create, Verb::Update, Verb::Deprovision]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_never_gets_more_at_once_than_it_may() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.connections[0].connectors[0].concurrency = 2;
    })
    .await;
    world.full.open.send_replace(false);
    for name in ["a", "b", "c", "d", "e"] {
        world.create(name).await;
    }
    world.full.has_seen(2).await;
    world.full.open.send_replace(true);
    world.settle().await;
    assert_eq!(world.full.names().len(), 5);
    assert_eq!(world.full.state().most_at_once, 2);
}

#[tokio::test]
async fn a_target_that_is_down_does_not_stop_the_other() {
    let world = World::new().await;
    world.full.on_write([down(), down(), down()]);
    let outcome = world.create("kim").await;
    world.engine.idle().await;
    assert_eq!(world.plain.names(), ["kim"]);
    assert!(matches!(
        world.life(&outcome, &full()),
        Life::Retrying { .. }
    ));
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn an_update_waits_for_the_create_it_depends_on_through_all_its_retries() {
    let world = World::with(only_full).await;
    world.full.on_write([down(), down()]);
    world.create("kim").await;
    world.mail("kim", "new@acme.example").await;
    world.engine.idle().await;
    assert_eq!(world.full.verbs(), [Verb::Create]);
    world.settle().await;
    assert_eq!(
        world.full.verbs(),
        [Verb::Create, Verb::Create, Verb::Create, Verb::Update]
    );
    assert_eq!(
        world.full.account("kim").attributes["email"],
        "new@acme.example"
    );
}

#[tokio::test]
async fn twenty_eight_days_of_retries_pass_in_a_moment_and_end_in_a_dead_letter() {
    let world = World::with(only_full).await;
    let start = world.clock.now();
    world.full.on_write(std::iter::repeat_n(down(), 100));
    let outcome = world.create("kim").await;
    world.settle().await;
    let trace = world.trace(&outcome);
    let death = trace.operations[0].death.as_ref().unwrap();
    assert_eq!(death.cause, DeathCause::ScheduleEnded);
    let attempts = &trace.operations[0].attempts;
    let seconds: Vec<i64> = attempts
        .iter()
        .map(|attempt| attempt.started.duration_since(start).as_secs())
        .collect();
    assert_eq!(&seconds[..6], [0, 1, 6, 36, 156, 756]);
    assert_eq!(seconds.last(), Some(&(28 * 86_400)));
}

#[tokio::test]
async fn the_targets_own_wish_for_quiet_holds_for_all_its_lanes() {
    let world = World::with(only_full).await;
    world.full.on_write([Act::Fail(failure(
        FailureKind::Quota,
        Remedy::Retry {
            after: Some(Duration::from_secs(90)),
        },
    ))]);
    world.create("kim").await;
    world.engine.idle().await;
    world.create("bob").await;
    let idle = world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 1, "bob waits too");
    let next = idle.next.unwrap();
    assert_eq!(next.duration_since(world.clock.now()).as_secs(), 90);
    world.clock.advance(Duration::from_secs(90));
    world.settle().await;
    assert_eq!(world.full.names(), ["bob", "kim"]);
}

#[tokio::test]
async fn a_connector_may_have_a_schedule_of_its_own() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.connections[0].connectors[0].retry = Some(RetryPolicy {
            ladder: vec![Duration::from_secs(7)],
            give_up_after: Duration::from_secs(10),
            jitter: false,
        });
    })
    .await;
    world.full.on_write(std::iter::repeat_n(down(), 9));
    let outcome = world.create("kim").await;
    world.settle().await;
    assert_eq!(world.lives(&outcome, &full()), [State::Dead]);
    assert_eq!(world.full.verbs().len(), 3, "at 0, 7 and 10 seconds");
}

#[tokio::test]
async fn a_refused_create_is_a_dead_letter_and_a_later_update_becomes_the_create() {
    let world = World::with(only_full).await;
    world.full.on_write([rejected()]);
    let created = world.create("kim").await;
    let updated = world.mail("kim", "new@acme.example").await;
    world.settle().await;
    assert_eq!(world.lives(&created, &full()), [State::Dead]);
    assert_eq!(world.lives(&updated, &full()), [State::Settled]);
    assert_eq!(world.full.verbs(), [Verb::Create, Verb::Create]);
    assert_eq!(
        world.full.account("kim").attributes["email"],
        "new@acme.example"
    );
    let dead = created.operations[0].operation;
    let error = world.engine.retry(dead).await.unwrap_err();
    assert!(matches!(error, CommandError::Superseded { .. }), "{error}");
}

#[tokio::test]
async fn a_deprovision_after_a_refused_create_has_nothing_to_do_and_says_so() {
    let world = World::with(only_full).await;
    world.full.open.send_replace(false);
    world.full.on_write([rejected()]);
    world.create("kim").await;
    let deleted = world.delete("kim").await;
    world.full.open.send_replace(true);
    world.settle().await;
    let trace = world.trace(&deleted);
    assert!(matches!(
        trace.operations[0].settlement,
        Some(crate::Settlement::Nothing {
            reason: domain::Reason::NeverProvisioned,
            ..
        })
    ));
    assert_eq!(world.full.verbs(), [Verb::Create]);
}

#[tokio::test]
async fn a_delete_does_not_stop_at_a_connector_that_never_knew_the_user() {
    let world = World::new().await;
    world.full.on_write([rejected()]);
    world.create("kim").await;
    world.settle().await;
    world.delete("kim").await;
    world.settle().await;
    assert_eq!(world.plain.names(), Vec::<String>::new());
    assert_eq!(world.plain.verbs(), [Verb::Create, Verb::Deprovision]);
}

#[tokio::test]
async fn a_dead_letter_is_retried_or_discarded_by_hand() {
    let world = World::with(only_full).await;
    world.full.on_write([rejected(), rejected()]);
    let kim = world.create("kim").await.operations[0].operation;
    let bob = world.create("bob").await.operations[0].operation;
    world.settle().await;
    let dead = OperationFilter {
        state: Some(State::Dead),
        ..OperationFilter::default()
    };
    let listed = world.reader().operations(&dead, Page::newest(10)).unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed[0].last_error.as_ref().unwrap().contains("rejected"));
    world.engine.retry(kim).await.unwrap();
    world.engine.discard(bob, "bob has left").await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    assert!(matches!(
        world.engine.retry(bob).await.unwrap_err(),
        CommandError::WrongState {
            state: "discarded",
            ..
        }
    ));
    assert!(matches!(
        world.engine.discard(kim, "").await.unwrap_err(),
        CommandError::WrongState {
            state: "settled",
            ..
        }
    ));
}

#[tokio::test]
async fn a_waiting_operation_is_retried_at_once_when_somebody_asks_for_it() {
    let world = World::with(only_full).await;
    world.full.on_write([down()]);
    let outcome = world.create("kim").await;
    world.engine.idle().await;
    let told = || {
        let any = OperationFilter::default();
        let listed = world.reader().operations(&any, Page::newest(1)).unwrap();
        listed[0].told_error().unwrap()
    };
    let failed = told();
    world
        .engine
        .retry(outcome.operations[0].operation)
        .await
        .unwrap();
    world.engine.idle().await;
    assert_eq!(world.full.names(), ["kim"]);
    assert_eq!(told(), format!("recovered after: {failed}"));
}

#[tokio::test]
async fn a_paused_connector_keeps_its_work_over_a_restart_and_sends_it_when_resumed() {
    let mut world = World::new().await;
    world.engine.pause(&full(), "maintenance").await.unwrap();
    let outcome = world.create("kim").await;
    world.engine.idle().await;
    world.crash().await;
    let idle = world.engine.idle().await;
    assert_eq!(idle.held, 1);
    assert_eq!(world.plain.names(), ["kim"]);
    assert_eq!(world.lives(&outcome, &full()), [State::Held]);
    assert_eq!(world.reader().holds().unwrap()[0].detail, "maintenance");
    world.engine.resume(&full(), "done").await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn what_was_queued_before_a_pause_waits_as_well() {
    let world = World::with(only_full).await;
    world.full.on_write([down()]);
    world.create("kim").await;
    world.engine.idle().await;
    world.engine.pause(&full(), "").await.unwrap();
    world.clock.advance(Duration::from_hours(1));
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 1);
    world.engine.resume(&full(), "").await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn a_pause_in_the_configuration_holds_and_its_end_releases() {
    let mut world = World::with(|configuration| {
        configuration.connections[0].connectors[0].paused = true;
    })
    .await;
    let outcome = world.create("kim").await;
    world.settle().await;
    assert_eq!(world.lives(&outcome, &full()), [State::Held]);
    world
        .reconfigure(|configuration| configuration.connections[0].connectors[0].paused = false)
        .await;
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn an_operation_whose_connector_is_gone_from_the_configuration_is_a_dead_letter_with_the_reason()
 {
    let mut world = World::new().await;
    world.plain.on_write([down()]);
    let outcome = world.create("kim").await;
    world.engine.idle().await;
    world
        .reconfigure(|configuration| {
            configuration.resident.pop();
            configuration.connections.pop();
        })
        .await;
    world.settle().await;
    let trace = world.trace(&outcome);
    let operation = trace
        .operations
        .iter()
        .find(|operation| operation.queued.connector == plain())
        .unwrap();
    assert_eq!(
        operation.death.as_ref().unwrap().cause,
        DeathCause::Unavailable
    );
}

#[tokio::test]
async fn a_rename_of_a_connection_keeps_its_links() {
    let mut world = World::with(only_full).await;
    world.create("kim").await;
    world.settle().await;
    world
        .reconfigure(|configuration| "Renamed".clone_into(&mut configuration.connections[0].name))
        .await;
    world.mail("kim", "new@acme.example").await;
    world.settle().await;
    assert_eq!(world.full.verbs(), [Verb::Create, Verb::Update]);
}

#[tokio::test]
async fn any_wish_of_the_target_to_be_left_alone_holds_for_all_its_lanes() {
    let world = World::with(only_full).await;
    world.full.on_write([Act::Fail(failure(
        FailureKind::TargetError,
        Remedy::Retry {
            after: Some(Duration::from_secs(90)),
        },
    ))]);
    world.create("kim").await;
    world.engine.idle().await;
    world.create("bob").await;
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 1, "bob waits too");
    world.settle().await;
    assert_eq!(world.full.names(), ["bob", "kim"]);
}

#[tokio::test]
async fn time_in_which_an_operation_was_only_kept_is_not_taken_from_its_schedule() {
    let world = World::with(only_full).await;
    world.engine.pause(&full(), "").await.unwrap();
    world.create("kim").await;
    world.clock.advance(Duration::from_hours(29 * 24));
    world.full.on_write([down()]);
    world.engine.resume(&full(), "").await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn a_dead_letter_that_is_retried_by_hand_gets_a_whole_schedule_again() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.connections[0].connectors[0].retry = Some(RetryPolicy {
            ladder: vec![Duration::from_secs(7)],
            give_up_after: Duration::from_secs(10),
            jitter: false,
        });
    })
    .await;
    world.full.on_write(std::iter::repeat_n(down(), 5));
    let outcome = world.create("kim").await;
    world.settle().await;
    assert_eq!(world.lives(&outcome, &full()), [State::Dead]);
    world
        .engine
        .retry(outcome.operations[0].operation)
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.full.verbs().len(), 6, "two of three more fail");
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn a_create_retried_while_a_later_update_is_under_way_does_not_write_older_values() {
    let world = World::with(only_full).await;
    world.full.on_write([rejected()]);
    let created = world.create("kim").await;
    world.settle().await;
    world.full.open.send_replace(false);
    world.mail("kim", "new@acme.example").await;
    world.full.has_seen(2).await;
    world
        .engine
        .retry(created.operations[0].operation)
        .await
        .unwrap();
    world.full.open.send_replace(true);
    world.settle().await;
    assert_eq!(
        world.full.account("kim").attributes["email"],
        "new@acme.example"
    );
    assert_eq!(world.lives(&created, &full()), [State::Settled]);
    assert_eq!(world.full.verbs().len(), 2);
}

#[tokio::test]
async fn a_create_waits_for_a_name_that_another_is_about_to_leave_and_asks_for_nothing_meanwhile() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    world.settle().await;
    world.full.on_write([down()]);
    let gone = world.delete("kim").await;
    world.engine.idle().await;
    // The name is found taken, by an account that is to be deleted.
    let second = world.create("kim").await;
    world.engine.idle().await;
    let life = world.life(&second, &full());
    assert!(matches!(life, Life::Retrying { .. }), "{life:?}");
    let looked = *world.full.looked.borrow();
    // It stays for some seconds more.
    world.full.on_write([down()]);
    world.settle().await;
    for outcome in [&gone, &second] {
        assert_eq!(world.life(outcome, &full()), Life::Settled);
    }
    let verbs = world.full.verbs();
    let creates = verbs.iter().filter(|verb| **verb == Verb::Create).count();
    assert_eq!(creates, 3, "one more when the name was free: {verbs:?}");
    assert_eq!(*world.full.looked.borrow(), looked);
    let trace = world.trace(&second);
    assert_eq!(trace.operations[0].attempts.len(), 2);
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn a_rename_waits_for_a_name_that_an_account_in_doubt_is_about_to_leave() {
    for keeps_external_id in [true, false] {
        let world = World::keeping(keeps_external_id, only_full).await;
        world.create("kim").await;
        world.settle().await;
        // Bob's account is made, nobody hears of it, and the target cannot be asked: no link names it.
        world.full.on_write([Act::LoseReply]);
        world.full.on_find([down()]);
        let made = world.create("bob").await;
        world.engine.idle().await;
        let gone = world.delete("bob").await;
        let renamed = world.submit(rename("kim", "bob")).await.unwrap();
        world.engine.idle().await;
        let life = world.life(&renamed, &full());
        assert!(matches!(life, Life::Retrying { .. }), "{life:?}");
        world.settle().await;
        for outcome in [&made, &gone, &renamed] {
            assert_eq!(world.life(outcome, &full()), Life::Settled);
        }
        assert_eq!(world.full.names(), ["bob"]);
        let mail = &world.full.account("bob").attributes["email"];
        assert_eq!(mail, "kim@acme.example", "it is the one that was kim's");
    }
}

#[tokio::test]
async fn a_rename_waits_for_a_name_that_another_got_unheard_and_is_about_to_leave() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    world.create("bob").await;
    world.settle().await;
    // Bob's account is ann at the target, and bob still in its link.
    world.full.on_write([Act::LoseReply]);
    let passing = world.submit(rename("bob", "ann")).await.unwrap();
    world.engine.idle().await;
    let left = world.submit(rename("ann", "eve")).await.unwrap();
    let renamed = world.submit(rename("kim", "ann")).await.unwrap();
    world.engine.idle().await;
    let life = world.life(&renamed, &full());
    assert!(matches!(life, Life::Retrying { .. }), "{life:?}");
    world.settle().await;
    for outcome in [&passing, &left, &renamed] {
        assert_eq!(world.life(outcome, &full()), Life::Settled);
    }
    let mail = |name| world.full.account(name).attributes["email"].clone();
    assert_eq!(mail("ann"), "kim@acme.example");
    assert_eq!(mail("eve"), "bob@acme.example");
}

#[tokio::test]
async fn two_renames_that_pass_through_a_name_of_a_stranger_do_not_wait_for_each_other() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    world.create("ann").await;
    world.settle().await;
    world.full.plant("bob", world.clock.now());
    // Both lanes stand until all four are queued.
    world.full.on_write([down(), down()]);
    for (user, through, to) in [("kim", "bob", "eve"), ("ann", "bob", "zoe")] {
        world.submit(rename(user, through)).await.unwrap();
        world.engine.idle().await;
        world.submit(rename(through, to)).await.unwrap();
    }
    world.settle().await;
    assert_eq!(world.full.names(), ["bob", "eve", "zoe"]);
}

#[tokio::test]
async fn a_rename_is_sent_again_when_whoever_had_the_name_has_left_since_it_was_refused() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    world.create("bob").await;
    world.settle().await;
    world.full.on_write([down()]);
    world.delete("kim").await;
    world.engine.idle().await;
    world.full.answers.send_replace(false);
    let renamed = world.submit(rename("bob", "kim")).await.unwrap();
    let mut looked = world.full.looked.subscribe();
    looked.wait_for(|count| *count > 0).await.unwrap();
    world.clock.advance(Duration::from_mins(1));
    world
        .until(|fact| matches!(fact, Fact::Unlinked { .. }))
        .await;
    world.full.answers.send_replace(true);
    world.settle().await;
    assert_eq!(world.lives(&renamed, &full()), [State::Settled]);
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn a_rename_that_is_overtaken_in_its_name_is_nothing_when_its_own_lane_goes_on_to_another() {
    for leaves in [true, false] {
        let world = World::with(only_full).await;
        world.create("kim").await;
        world.settle().await;
        world.full.on_write([down()]);
        let passing = world.submit(rename("kim", "bob")).await.unwrap();
        world.engine.idle().await;
        if leaves {
            world.delete("bob").await;
        } else {
            world.submit(rename("bob", "eve")).await.unwrap();
        }
        let second = world.create("bob").await;
        world.settle().await;
        assert_eq!(world.lives(&passing, &full()), [State::Settled]);
        assert_eq!(world.lives(&second, &full()), [State::Settled]);
        let names = world.full.names();
        assert_eq!(
            names,
            if leaves {
                vec!["bob"]
            } else {
                vec!["bob", "eve"]
            }
        );
    }
}

#[tokio::test]
async fn a_rename_to_the_name_of_an_account_that_is_not_ours_is_a_dead_letter() {
    for goes_on in [true, false] {
        let world = World::with(only_full).await;
        world.create("kim").await;
        world.settle().await;
        world.full.plant("bob", world.clock.now());
        world.full.on_write([down()]);
        let renamed = world.submit(rename("kim", "bob")).await.unwrap();
        world.engine.idle().await;
        if goes_on {
            world.submit(rename("bob", "eve")).await.unwrap();
        }
        world.settle().await;
        assert_eq!(world.lives(&renamed, &full()), [State::Dead]);
        let other = if goes_on { "eve" } else { "kim" };
        assert_eq!(world.full.names(), ["bob", other]);
    }
}

#[test]
fn a_lane_that_is_kept_goes_on_when_everybody_has_let_go_and_is_not_kept_for_ever() {
    let mut lanes = Lanes::default();
    let allowed = Allowed {
        concurrency: 4,
        rate: None,
        learns: false,
    };
    lanes.configure(4, [(full(), allowed)].into_iter(), &BTreeSet::new());
    let group = LocalRef::Group(GroupId(Uuid::from_u128(1)));
    let operation = OperationId(Uuid::from_u128(2));
    let entry = Entry {
        seq: 7,
        operation,
        due: Duration::ZERO,
        held: false,
        job: None,
    };
    let second = Duration::from_secs;
    lanes.push(&full(), group, entry, second(0));
    assert!(lanes.keep(&full(), group, operation, 7, second(0)));
    assert!(lanes.keep(&full(), group, operation, 7, second(1)));
    assert!(lanes.take(second(1)).is_empty());
    let is_kept = lanes.keep(&full(), group, operation, 7, second(2));
    assert!(!is_kept, "others have kept it for long enough");
    lanes.let_go(&full(), group, second(2));
    assert!(lanes.take(second(2)).is_empty());
    lanes.let_go(&full(), group, second(2));
    assert_eq!(lanes.take(second(2)).len(), 1);
    let is_kept = lanes.keep(&full(), group, operation, 7, second(2));
    assert!(!is_kept, "it is taken");
}
