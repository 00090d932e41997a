//! Callers who wait: confirmed, refused with compensation, accepted, timed out, crashed.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{
    AttributeMapping, Change, Claim, Claims, Clock as _, FailureKind, OnEmpty, OnFailure, Remedy,
    Request, Source, Verb,
};
use serde_json::Value;

use super::double::{Act, down, failure, rejected};
use super::world::{World, console, create, full, mail, only_full, plain, provisioner, user};
use crate::{Engine, Outcome, State, WaitFailure, WaitVerdict};

async fn blocking(on_failure: OnFailure) -> World {
    World::with(|configuration| {
        let mut entry = provisioner(full());
        entry.blocking = true;
        entry.on_failure = on_failure;
        configuration.resident = vec![entry, provisioner(plain())];
    })
    .await
}

fn is_there(world: &World, name: &str) -> bool {
    world.reader().user(&name.into()).unwrap().is_some()
}

fn spawn(engine: &Engine, change: Change) -> tokio::task::JoinHandle<Outcome> {
    let engine = engine.clone();
    tokio::spawn(async move { engine.submit(console(change)).await.unwrap() })
}

#[tokio::test]
async fn the_caller_waits_and_the_change_is_made_when_the_target_has_confirmed() {
    let world = blocking(OnFailure::Reject).await;
    world.full.open.send_replace(false);
    let caller = spawn(&world.engine, create("kim"));
    world.full.has_seen(1).await;
    assert!(!is_there(&world, "kim"));
    assert!(!caller.is_finished());
    world.clock.advance(Duration::from_secs(3));
    world.full.open.send_replace(true);
    let outcome = caller.await.unwrap();
    assert_eq!(outcome.verdict, Some(WaitVerdict::Confirmed));
    assert!(is_there(&world, "kim"));
    let wait = world.trace(&outcome).wait.unwrap();
    let (ended, _) = wait.ended.unwrap();
    assert_eq!(ended.duration_since(wait.began).as_secs(), 3);
}

#[tokio::test]
async fn a_refusal_makes_no_local_change_and_takes_away_what_was_created_elsewhere() {
    let world = blocking(OnFailure::Reject).await;
    world.full.open.send_replace(false);
    world.full.on_write([rejected()]);
    let caller = spawn(&world.engine, create("kim"));
    world
        .until(|fact| matches!(fact, crate::Fact::Linked { .. }))
        .await;
    assert_eq!(world.plain.names(), ["kim"]);
    world.full.open.send_replace(true);
    let outcome = caller.await.unwrap();
    let Some(WaitVerdict::Rejected {
        cause: WaitFailure::Failed { death, .. },
    }) = &outcome.verdict
    else {
        panic!("{:?}", outcome.verdict);
    };
    assert!(death.told.contains("the double says rejected"));
    world.settle().await;
    assert!(!is_there(&world, "kim"));
    assert!(world.plain.names().is_empty(), "no ghost stays");
    assert_eq!(world.plain.verbs(), [Verb::Create, Verb::Deprovision]);
    let trace = world.trace(&outcome);
    assert!(
        trace
            .operations
            .iter()
            .any(|operation| operation.undone_by.is_some())
    );
}

#[tokio::test]
async fn an_account_that_comes_late_for_a_refused_request_is_taken_away_too() {
    let world = blocking(OnFailure::Reject).await;
    world.plain.open.send_replace(false);
    world.full.on_write([rejected()]);
    let outcome = world.create("kim").await;
    assert!(!outcome.is_accepted());
    world.plain.open.send_replace(true);
    world.settle().await;
    assert!(world.plain.names().is_empty());
    assert_eq!(world.plain.verbs(), [Verb::Create, Verb::Deprovision]);
}

#[tokio::test]
async fn a_doubtful_account_of_a_refused_request_is_asked_for_and_taken_away() {
    let world = blocking(OnFailure::Reject).await;
    world.plain.on_write([Act::LoseReply]);
    world.plain.on_find([down()]);
    world.full.open.send_replace(false);
    world.full.on_write([rejected()]);
    let caller = spawn(&world.engine, create("kim"));
    world
        .until(|fact| matches!(fact, crate::Fact::Asked { .. }))
        .await;
    assert_eq!(world.plain.names(), ["kim"]);
    world.full.open.send_replace(true);
    assert!(!caller.await.unwrap().is_accepted());
    world.settle().await;
    assert!(world.plain.names().is_empty());
}

#[tokio::test]
async fn what_waits_for_a_retry_in_a_refused_request_is_given_up() {
    let world = blocking(OnFailure::Reject).await;
    world.plain.on_write([down()]);
    world.full.open.send_replace(false);
    world.full.on_write([rejected()]);
    let caller = spawn(&world.engine, create("kim"));
    world
        .until(|fact| matches!(fact, crate::Fact::AttemptFailed { .. }))
        .await;
    world.full.open.send_replace(true);
    let outcome = caller.await.unwrap();
    world.settle().await;
    assert_eq!(world.lives(&outcome, &plain()), [State::Discarded]);
    assert!(world.plain.names().is_empty());
}

/// Both provisioners block: what one of them deletes cannot wait for the other's verdict.
async fn both_blocking() -> World {
    World::with(|configuration| {
        configuration.resident = [full(), plain()]
            .map(|connector| {
                let mut entry = provisioner(connector);
                entry.blocking = true;
                entry
            })
            .to_vec();
    })
    .await
}

#[tokio::test]
async fn a_refused_update_and_a_refused_delete_are_undone_where_they_were_made() {
    let world = both_blocking().await;
    world.create("kim").await;
    world.settle().await;
    for change in [
        mail("kim", "new@acme.example"),
        Change::DeleteUser { user: "kim".into() },
    ] {
        world.full.open.send_replace(false);
        world.full.on_write([rejected()]);
        let caller = spawn(&world.engine, change);
        let plain_writes = world.plain.state().log.len();
        world.plain.has_seen(plain_writes + 1).await;
        world.engine.subscribe();
        while world.plain.state().log.len() == plain_writes {
            tokio::task::yield_now().await;
        }
        world.full.open.send_replace(true);
        assert!(!caller.await.unwrap().is_accepted());
        world.settle().await;
        assert!(is_there(&world, "kim"));
        assert_eq!(
            world.plain.account("kim").attributes["email"],
            "kim@acme.example"
        );
        assert_eq!(
            world.full.account("kim").attributes["email"],
            "kim@acme.example"
        );
    }
}

#[tokio::test]
async fn accept_lets_the_change_stand_and_goes_on_trying() {
    let world = blocking(OnFailure::Accept).await;
    world.full.on_write([down(), down()]);
    let caller = spawn(&world.engine, create("kim"));
    world
        .until(|fact| matches!(fact, crate::Fact::AttemptFailed { .. }))
        .await;
    assert!(is_there(&world, "kim"), "made at once");
    world.clock.advance(Duration::from_secs(1));
    world.full.has_seen(2).await;
    world.clock.advance(Duration::from_secs(29));
    let outcome = caller.await.unwrap();
    assert!(outcome.is_accepted());
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn a_retry_that_works_in_time_confirms_the_wait() {
    let world = blocking(OnFailure::Reject).await;
    world.full.on_write([down()]);
    let caller = spawn(&world.engine, create("kim"));
    world
        .until(|fact| matches!(fact, crate::Fact::AttemptFailed { .. }))
        .await;
    world.clock.advance(Duration::from_secs(1));
    let outcome = caller.await.unwrap();
    assert_eq!(outcome.verdict, Some(WaitVerdict::Confirmed));
}

#[tokio::test]
async fn a_wait_ends_when_its_time_runs_out_and_names_who_was_slow() {
    let world = blocking(OnFailure::Reject).await;
    world.full.open.send_replace(false);
    let caller = spawn(&world.engine, create("kim"));
    world.full.has_seen(1).await;
    world.plain.has_seen(1).await;
    world.clock.advance(Duration::from_secs(30));
    let outcome = caller.await.unwrap();
    let Some(WaitVerdict::Rejected {
        cause: WaitFailure::TimedOut { waiting_for, .. },
    }) = &outcome.verdict
    else {
        panic!("{:?}", outcome.verdict);
    };
    assert_eq!(waiting_for, &[full()]);
    world.full.open.send_replace(true);
    world.settle().await;
    assert!(world.full.names().is_empty() && world.plain.names().is_empty());
    assert!(!is_there(&world, "kim"));
}

#[tokio::test]
async fn a_change_whose_caller_died_with_the_process_is_refused_and_undone() {
    let mut world = blocking(OnFailure::Reject).await;
    world.full.open.send_replace(false);
    let caller = spawn(&world.engine, create("kim"));
    world
        .until(|fact| matches!(fact, crate::Fact::Linked { .. }))
        .await;
    world.full.has_seen(1).await;
    world.crash().await;
    assert!(caller.await.is_err(), "the engine is gone");
    world.settle().await;
    assert!(!is_there(&world, "kim"));
    assert!(world.full.names().is_empty() && world.plain.names().is_empty());
    let flows = world.reader().flows(crate::Page::newest(1)).unwrap();
    assert_eq!(
        flows[0].verdict,
        Some(WaitVerdict::Rejected {
            cause: WaitFailure::ProcessEnded
        })
    );
    world.create("kim").await;
    world.settle().await;
    assert!(is_there(&world, "kim"));
}

#[tokio::test]
async fn two_callers_about_one_user_are_served_one_after_the_other() {
    let world = blocking(OnFailure::Reject).await;
    world.full.open.send_replace(false);
    let first = spawn(&world.engine, create("kim"));
    world.full.has_seen(1).await;
    let engine = world.engine.clone();
    let second = tokio::spawn(async move { engine.submit(console(create("KIM"))).await });
    world.full.open.send_replace(true);
    assert!(first.await.unwrap().is_accepted());
    let error = second.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("already"), "{error}");
}

#[tokio::test]
async fn a_login_that_blocks_and_fails_is_refused_and_its_user_is_not_made() {
    let world = blocking(OnFailure::Reject).await;
    world.full.on_write([rejected()]);
    let login = || Request {
        change: Change::LogIn {
            identity: user("kim"),
        },
        source: Source::Login,
        application: None,
        connection: Some("two".into()),
    };
    let outcome = world.engine.submit(login()).await.unwrap();
    assert!(!outcome.is_accepted());
    assert!(!is_there(&world, "kim"));
    world.settle().await;
    assert!(world.plain.names().is_empty());
    let outcome = world.engine.submit(login()).await.unwrap();
    assert!(outcome.is_accepted());
    assert_eq!(outcome.triggers.len(), 2, "created, then logged in");
    assert!(is_there(&world, "kim"));
    world.settle().await;
    assert_eq!(world.plain.names(), ["kim"]);
}

#[tokio::test]
async fn a_shutdown_refuses_who_waits_and_lets_what_is_in_flight_end() {
    let world = blocking(OnFailure::Reject).await;
    world.full.open.send_replace(false);
    let caller = spawn(&world.engine, create("kim"));
    world.full.has_seen(1).await;
    world.plain.has_seen(1).await;
    let engine = world.engine.clone();
    let stopping = tokio::spawn(async move { engine.shutdown().await });
    assert!(!caller.await.unwrap().is_accepted());
    world.full.open.send_replace(true);
    stopping.await.unwrap();
    let mut world = world;
    world.engine = Engine::start(world.options()).await.unwrap();
    world.settle().await;
    assert!(world.full.names().is_empty() && world.plain.names().is_empty());
}

#[tokio::test]
async fn waiting_callers_do_not_hold_up_others() {
    let world = blocking(OnFailure::Reject).await;
    world.full.open.send_replace(false);
    let caller = spawn(&world.engine, create("kim"));
    world.full.has_seen(1).await;
    let before = world.clock.now();
    let other = spawn(&world.engine, create("bob"));
    world.full.has_seen(2).await;
    world.full.open.send_replace(true);
    assert!(other.await.unwrap().is_accepted() && caller.await.unwrap().is_accepted());
    assert_eq!(world.clock.now(), before);
}

#[tokio::test]
async fn a_refused_request_undoes_an_update_or_a_delete_whose_reply_was_lost() {
    for tried_again in [false, true] {
        for change in [
            mail("kim", "new@acme.example"),
            Change::DeleteUser { user: "kim".into() },
        ] {
            let world = both_blocking().await;
            world.create("kim").await;
            world.settle().await;
            world.plain.on_write([Act::LoseReply]);
            world.full.open.send_replace(false);
            world.full.on_write([rejected()]);
            let caller = spawn(&world.engine, change);
            world
                .until(|fact| matches!(fact, crate::Fact::AttemptFailed { .. }))
                .await;
            if tried_again {
                world.clock.advance(Duration::from_secs(1));
                world.plain.has_seen(3).await;
            }
            world.full.open.send_replace(true);
            assert!(!caller.await.unwrap().is_accepted());
            world.settle().await;
            assert!(is_there(&world, "kim"));
            let account = world.plain.account("kim");
            assert_eq!(account.attributes["email"], "kim@acme.example");
            let kim = world.reader().user(&"kim".into()).unwrap().unwrap();
            let link = world
                .reader()
                .link(&plain(), domain::LocalRef::User(kim.id))
                .unwrap()
                .unwrap();
            assert!(link.active && !link.gone);
            assert_eq!(link.written["email"], "kim@acme.example");
        }
    }
}

#[tokio::test]
async fn a_create_that_failed_for_good_in_doubt_is_asked_for_once_more_and_taken_away() {
    let world = blocking(OnFailure::Reject).await;
    world.full.on_write([Act::LoseReply]);
    world
        .full
        .on_find([Act::Fail(failure(FailureKind::Forbidden, Remedy::GiveUp))]);
    let outcome = world.create("kim").await;
    assert!(!outcome.is_accepted());
    world.settle().await;
    assert!(world.full.names().is_empty() && world.plain.names().is_empty());
    assert!(!is_there(&world, "kim"));
}

#[tokio::test]
async fn what_is_asked_for_once_more_while_the_refused_request_is_under_way_stands() {
    let world = blocking(OnFailure::Reject).await;
    world.create("kim").await;
    world.settle().await;
    let change = || mail("kim", "new@acme.example");
    world.full.stuck.send_replace(Some("kim".to_owned()));
    let arrived = *world.full.arrived.borrow();
    let first = spawn(&world.engine, change());
    world.full.has_seen(arrived + 1).await;
    world.clock.advance(Duration::from_secs(30));
    assert!(!first.await.unwrap().is_accepted());
    let second = spawn(&world.engine, change());
    // Made, changed, put back, and changed once more.
    while world.plain.verbs().len() < 4 {
        tokio::task::yield_now().await;
    }
    world.full.stuck.send_replace(None);
    assert!(second.await.unwrap().is_accepted());
    world.settle().await;
    for target in [&world.full, &world.plain] {
        assert_eq!(
            target.account("kim").attributes["email"],
            "new@acme.example"
        );
    }
}

/// A world whose callers wait for the only target, which keeps a title beside the mail.
async fn titled(on_empty: OnEmpty) -> World {
    World::with(|configuration| {
        only_full(configuration);
        configuration.resident[0].blocking = true;
        configuration.connections[0].attributes = vec![AttributeMapping {
            remote: "title".to_owned(),
            local: Some(Claim::new("title")),
            default: None,
            value: None,
            on_empty,
            connector: None,
            line: None,
        }];
    })
    .await
}

fn title(name: &str, value: &str) -> Change {
    Change::UpdateUser {
        user: name.into(),
        set: Claims::from([(Claim::new("title"), vec![value.to_owned()])]),
        remove: BTreeSet::new(),
        rename: None,
    }
}

/// Makes Kim, and has a change of hers arrive at the target and stay there until its caller is refused.
async fn refused_under_way(world: &World, change: Change) {
    world.create("kim").await;
    world.settle().await;
    world.full.stuck.send_replace(Some("kim".to_owned()));
    let arrived = *world.full.arrived.borrow();
    let caller = spawn(&world.engine, change);
    world.full.has_seen(arrived + 1).await;
    world.clock.advance(Duration::from_secs(30));
    assert!(!caller.await.unwrap().is_accepted());
}

#[tokio::test]
async fn what_no_later_change_names_is_put_back_although_one_was_done_meanwhile() {
    for on_empty in [OnEmpty::Skip, OnEmpty::Clear] {
        let mut world = titled(on_empty).await;
        refused_under_way(&world, title("kim", "Boss")).await;
        world
            .reconfigure(|configuration| configuration.resident[0].blocking = false)
            .await;
        world.mail("kim", "new@acme.example").await;
        world.full.stuck.send_replace(None);
        world.settle().await;
        let attributes = world.full.account("kim").attributes;
        assert_eq!(attributes["email"], "new@acme.example", "{on_empty:?}");
        assert_eq!(attributes["title"], Value::Null, "{on_empty:?}");
    }
}

#[tokio::test]
async fn undoing_one_refused_change_brings_nothing_back_of_an_earlier_one() {
    for lost in [None, Some(Act::LoseReply), Some(Act::LoseRequest)] {
        let world = titled(OnEmpty::Skip).await;
        refused_under_way(&world, mail("kim", "refused@acme.example")).await;
        // The next is decided while that is under way, so that it is sent with the mail of before.
        let caller = spawn(&world.engine, title("kim", "Boss"));
        while world.reader().flows(crate::Page::newest(5)).unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
        world.full.open.send_replace(false);
        let arrived = *world.full.arrived.borrow();
        world.full.stuck.send_replace(None);
        world.full.has_seen(arrived + 1).await;
        if let Some(act) = lost.clone() {
            world.full.on_write([act]);
            world.full.open.send_replace(true);
            world
                .until(|fact| matches!(fact, crate::Fact::AttemptFailed { .. }))
                .await;
        }
        // Its caller is refused as well, while it is under way or waits to be sent again.
        world.engine.pause(&full(), "by a test").await.unwrap();
        assert!(!caller.await.unwrap().is_accepted());
        world.full.open.send_replace(true);
        world.engine.resume(&full(), "by a test").await.unwrap();
        world.settle().await;
        let attributes = world.full.account("kim").attributes;
        assert_eq!(attributes["email"], "kim@acme.example", "{lost:?}");
        assert_eq!(attributes["title"], Value::Null, "{lost:?}");
    }
}
