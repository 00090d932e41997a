//! A member's account and the group's change come at the same moment.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::Change;
use tokio::task::JoinHandle;

use super::double::down;
use super::recovery::{breathe, group, join, late};
use super::world::{World, console, only_full, user};
use crate::keys::Key;
use crate::{Outcome, SubmitError, WaitVerdict};

/// Makes the journal's writer stand still until what is returned is dropped.
fn stall(world: &World) -> std::sync::mpsc::Sender<()> {
    let (go_on, stalled) = std::sync::mpsc::channel::<()>();
    let inner = world.engine.inner_for_tests();
    inner.journal.run(move |_| {
        let _ = stalled.recv(); // goes on when the other end is dropped
    });
    go_on
}

fn spawn(world: &World, change: Change) -> JoinHandle<Result<Outcome, SubmitError>> {
    let engine = world.engine.clone();
    tokio::spawn(async move { engine.submit(console(change)).await })
}

fn joins(name: &str, members: &[&str]) -> Change {
    Change::ChangeGroup {
        group: name.into(),
        add: members.iter().map(|member| (*member).into()).collect(),
        remove: BTreeSet::new(),
    }
}

/// Returns who is in a group at the target.
fn members(world: &World, name: &str) -> BTreeSet<String> {
    let ids = world.full.account(name).members;
    let names = world.full.names().into_iter();
    names
        .filter(|name| ids.contains(&world.full.id(name).0))
        .collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn whoever_joins_at_the_moment_in_which_the_account_comes_is_put_into_the_group() {
    for joins_first in [true, false] {
        for dies in [false, true] {
            let mut world = World::with(only_full).await;
            group(&world, "sales", &[]).await;
            world.settle().await;
            world.full.open.send_replace(false);
            let arrived = *world.full.arrived.borrow();
            world.create("kim").await;
            world.full.has_seen(arrived + 1).await;
            // Neither of the two is in the journal when the other one looks.
            let go_on = stall(&world);
            let joined = if joins_first {
                let joined = spawn(&world, joins("sales", &["kim"]));
                breathe().await;
                world.full.open.send_replace(true);
                joined
            } else {
                world.full.open.send_replace(true);
                breathe().await;
                spawn(&world, joins("sales", &["kim"]))
            };
            breathe().await;
            assert_eq!(world.full.names(), ["kim", "sales"]);
            drop(go_on);
            joined.await.unwrap().unwrap();
            if dies {
                world.crash().await;
            }
            world.settle().await;
            assert_eq!(
                members(&world, "sales"),
                names(&["kim"]),
                "{joins_first} {dies}"
            );
        }
    }
}

#[tokio::test]
async fn whoever_joins_while_the_account_cannot_be_written_down_is_put_into_the_group() {
    let world = World::with(only_full).await;
    group(&world, "sales", &[]).await;
    world.settle().await;
    world.full.open.send_replace(false);
    let arrived = *world.full.arrived.borrow();
    world.create("kim").await;
    world.full.has_seen(arrived + 1).await;
    // Kim's account is made, and there is no room to write it down.
    let inner = world.engine.inner_for_tests();
    let refuse = |on: bool| {
        inner.journal.run(move |db| {
            db.pragma_update(None, "query_only", on).unwrap();
        });
    };
    refuse(true);
    world.full.open.send_replace(true);
    breathe().await;
    assert_eq!(world.full.names(), ["kim", "sales"]);
    // Whoever changes the group is told so at once, and before the account is tried again there is room.
    let full = spawn(&world, joins("sales", &["kim"])).await.unwrap();
    full.unwrap_err();
    refuse(false);
    join(&world, "sales", "kim").await;
    drop(inner);
    world.clock.advance(Duration::from_secs(1));
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&["kim"]));
    assert_eq!(late(&world), 1);
}

#[tokio::test]
async fn a_group_is_not_sent_without_a_member_whose_account_is_being_written_down() {
    let world = World::with(only_full).await;
    world.full.on_write([down(), down()]);
    world.create("kim").await;
    world.engine.idle().await;
    group(&world, "sales", &["kim"]).await;
    world.engine.idle().await;
    // Somebody looks which groups Kim is in, and has not committed what follows from it.
    let kim = world.reader().user(&"kim".into()).unwrap().unwrap();
    let inner = world.engine.inner_for_tests();
    let held = inner.keys.take([Key::Account(kim.id)].into()).await;
    world.clock.advance(Duration::from_secs(1));
    let arrived = *world.full.arrived.borrow();
    world.full.has_seen(arrived + 1).await;
    // What comes after the group is sent, and the group is not.
    world.create("lee").await;
    while !world.full.names().contains(&"lee".to_owned()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.full.names(), ["kim", "lee"]);
    drop(held);
    drop(inner);
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&["kim"]));
}

#[tokio::test]
async fn who_gets_an_account_while_a_caller_waits_for_the_group_is_put_into_it() {
    let mut world = World::with(only_full).await;
    world.create("lee").await;
    group(&world, "sales", &[]).await;
    world.settle().await;
    world.full.open.send_replace(false);
    let arrived = *world.full.arrived.borrow();
    world.create("kim").await;
    world.full.has_seen(arrived + 1).await;
    world
        .reconfigure(|configuration| configuration.resident[0].blocking = true)
        .await;
    // Both are under way: the group without Kim, who is not in it yet, and Kim's account.
    let waits = spawn(&world, joins("sales", &["kim", "lee"]));
    world.full.has_seen(arrived + 2).await;
    world.full.open.send_replace(true);
    waits.await.unwrap().unwrap();
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&["kim", "lee"]));
    assert_eq!(late(&world), 1, "nothing is owed to Lee");
}

#[tokio::test]
async fn a_new_user_for_whose_account_the_caller_waits_is_put_into_the_groups() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.resident[0].blocking = true;
    })
    .await;
    group(&world, "sales", &[]).await;
    world.settle().await;
    let mut kim = user("kim");
    kim.groups = ["sales".into()].into();
    let change = Change::CreateUser {
        user: kim,
        password: None,
    };
    world.submit(change).await.unwrap();
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&["kim"]));
    assert!(late(&world) <= 1);
}

#[tokio::test]
async fn who_gets_an_account_before_anothers_change_of_the_group_is_refused_is_put_into_it() {
    let half = Duration::from_millis(500);
    let mut world = World::with(only_full).await;
    world.create("lee").await;
    group(&world, "sales", &[]).await;
    world.settle().await;
    world.full.on_write([down()]);
    world.create("kim").await;
    world.engine.idle().await;
    join(&world, "sales", "kim").await;
    world
        .reconfigure(|configuration| configuration.resident[0].blocking = true)
        .await;
    // Lee's change of the group would bring Kim as well, and its caller waits in vain.
    world.clock.advance(half);
    world.full.on_write([down()]);
    let arrived = *world.full.arrived.borrow();
    let refused = spawn(&world, joins("sales", &["lee"]));
    world.full.has_seen(arrived + 1).await;
    breathe().await;
    world.clock.advance(half);
    world.full.has_seen(arrived + 2).await;
    while !world.full.names().contains(&"kim".to_owned()) {
        tokio::task::yield_now().await;
    }
    world.full.on_write(std::iter::repeat_with(down).take(8));
    world.settle().await;
    let verdict = refused.await.unwrap().unwrap().verdict;
    assert!(matches!(verdict, Some(WaitVerdict::Rejected { .. })));
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&["kim"]));
}
