//! A member's account and the group's change come at the same moment; the change is refused or given up; the account is linked
//! by hand.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{
    Change, Clock as _, FailureKind, Link, LocalRef, Object, QualifiedName, Remedy, RemoteId,
    Resolution, Verb,
};
use serde_json::json;
use tokio::task::JoinHandle;

use super::double::{Act, down, failure, rejected};
use super::recovery::{breathe, group, join, late};
use super::world::{World, console, full, only_full, user};
use crate::keys::Key;
use crate::{ClaimError, Fact, Outcome, ReadBudget, SubmitError, WaitVerdict, Wish};

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

fn leaves(name: &str, members: &[&str]) -> Change {
    Change::ChangeGroup {
        group: name.into(),
        add: BTreeSet::new(),
        remove: members.iter().map(|member| (*member).into()).collect(),
    }
}

/// Kim is put into a group of these members and has no account yet: the first attempt failed, and the next is made in a
/// second.
async fn kim_is_late(world: &World, members: &[&str]) {
    for member in members {
        world.create(member).await;
    }
    world.settle().await;
    group(world, "sales", members).await;
    world.settle().await;
    world.full.on_write([down()]);
    world.create("kim").await;
    world.engine.idle().await;
    join(world, "sales", "kim").await;
}

/// Waits until the engine has written down that somebody has an account.
async fn is_linked(world: &World, name: &str) {
    let is_theirs = |fact: &Fact| {
        matches!(fact, Fact::Linked { link }
            if link.connector == full() && link.remote_name == name)
    };
    world.until(is_theirs).await;
}

/// Has callers wait for every target from now on, or for none.
async fn callers_wait(world: &mut World, wait: bool) {
    world
        .reconfigure(|configuration| {
            for entry in &mut configuration.resident {
                entry.blocking = wait;
            }
        })
        .await;
}

/// Has a change of the group arrive at the target and stay there; its caller waits.
async fn under_way(world: &World, change: Change) -> JoinHandle<Result<Outcome, SubmitError>> {
    world.full.stuck.send_replace(Some("sales".to_owned()));
    let arrived = *world.full.arrived.borrow();
    let caller = spawn(world, change);
    world.full.has_seen(arrived + 1).await;
    caller
}

async fn is_rejected(caller: JoinHandle<Result<Outcome, SubmitError>>) -> bool {
    let verdict = caller.await.unwrap().unwrap().verdict;
    matches!(verdict, Some(WaitVerdict::Rejected { .. }))
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

#[tokio::test]
async fn who_gets_an_account_while_a_change_is_under_way_that_is_refused_stays_in_the_group() {
    for dies in [false, true] {
        let mut world = World::with(only_full).await;
        world.create("lee").await;
        kim_is_late(&world, &[]).await;
        callers_wait(&mut world, true).await;
        let refused = under_way(&world, joins("sales", &["lee"])).await;
        world.clock.advance(Duration::from_secs(1));
        is_linked(&world, "kim").await;
        if dies {
            world.crash().await;
        } else {
            world.clock.advance(Duration::from_secs(30));
            assert!(is_rejected(refused).await);
        }
        // The change is carried out, and taken back.
        world.full.stuck.send_replace(None);
        world.settle().await;
        assert_eq!(members(&world, "sales"), names(&["kim"]), "{dies}");
    }
}

#[tokio::test]
async fn who_gets_an_account_before_a_removal_is_refused_is_put_into_the_group() {
    let delete = Change::DeleteGroup {
        group: "sales".into(),
    };
    for change in [leaves("sales", &["kim", "lee"]), delete] {
        for is_done in [true, false] {
            let mut world = World::with(only_full).await;
            kim_is_late(&world, &["lee"]).await;
            callers_wait(&mut world, true).await;
            if !is_done {
                let down = failure(FailureKind::TargetError, Remedy::Retry { after: None });
                world.full.state().poisoned.insert("sales".to_owned(), down);
            }
            let refused = under_way(&world, change.clone()).await;
            if !is_done {
                world.full.stuck.send_replace(None);
            }
            world.clock.advance(Duration::from_secs(1));
            is_linked(&world, "kim").await;
            world.clock.advance(Duration::from_secs(30));
            assert!(is_rejected(refused).await);
            world.full.state().poisoned.clear();
            world.full.stuck.send_replace(None);
            world.settle().await;
            let both = names(&["kim", "lee"]);
            assert_eq!(members(&world, "sales"), both, "{change:?} {is_done}");
        }
    }
}

#[tokio::test]
async fn a_deletion_that_is_refused_leaves_everybody_in_the_group() {
    let mut world = World::new().await;
    kim_is_late(&world, &["lee"]).await;
    callers_wait(&mut world, true).await;
    world.plain.open.send_replace(false);
    let refused = spawn(&world, Change::DeleteUser { user: "lee".into() });
    // Lee is taken out of the group and deleted at one target, and Kim's account comes; the other one refuses.
    let is_empty = |fact: &Fact| {
        matches!(fact, Fact::Linked { link }
            if link.remote_name == "sales" && link.written.get("members") == Some(&json!([])))
    };
    world.until(is_empty).await;
    world.clock.advance(Duration::from_secs(1));
    is_linked(&world, "kim").await;
    world.plain.on_write([rejected()]);
    world.plain.open.send_replace(true);
    assert!(is_rejected(refused).await);
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&["kim", "lee"]));
}

#[tokio::test]
async fn who_is_put_into_the_group_once_more_while_the_refused_change_is_under_way_stays_in_it() {
    let mut world = World::with(only_full).await;
    world.create("lee").await;
    group(&world, "sales", &[]).await;
    world.settle().await;
    callers_wait(&mut world, true).await;
    let refused = under_way(&world, joins("sales", &["lee"])).await;
    world.clock.advance(Duration::from_secs(30));
    assert!(is_rejected(refused).await);
    callers_wait(&mut world, false).await;
    join(&world, "sales", "lee").await;
    world.full.stuck.send_replace(None);
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&["lee"]));
}

#[tokio::test]
async fn who_joins_while_another_member_is_deleted_stays_in_the_group() {
    let mut world = World::with(only_full).await;
    world.create("lee").await;
    world.create("max").await;
    world.settle().await;
    group(&world, "sales", &["max"]).await;
    world.settle().await;
    callers_wait(&mut world, true).await;
    let joined = under_way(&world, joins("sales", &["lee"])).await;
    let deleted = spawn(&world, Change::DeleteUser { user: "max".into() });
    breathe().await;
    world.full.stuck.send_replace(None);
    assert!(!is_rejected(joined).await && !is_rejected(deleted).await);
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&["lee"]));
}

#[tokio::test]
async fn who_counted_on_a_change_that_is_given_up_is_put_into_the_group_all_the_same() {
    let half = Duration::from_millis(500);
    for kind in [FailureKind::TargetError, FailureKind::Rejected] {
        let world = World::with(only_full).await;
        world.create("lee").await;
        kim_is_late(&world, &[]).await;
        world.clock.advance(half);
        let remedy = match kind {
            FailureKind::Rejected => Remedy::GiveUp,
            _ => Remedy::Retry { after: None },
        };
        let fails = failure(kind, remedy);
        world
            .full
            .state()
            .poisoned
            .insert("sales".to_owned(), fails);
        // It would bring Kim with its next attempt, or with a retry by hand.
        let outcome = join(&world, "sales", "lee").await;
        world.engine.idle().await;
        world.clock.advance(half);
        is_linked(&world, "kim").await;
        world.engine.idle().await;
        assert_eq!(late(&world), 0, "{kind:?}");
        world.full.state().poisoned.clear();
        let given_up = outcome.operations[0].operation;
        world.engine.discard(given_up, "not wanted").await.unwrap();
        world.settle().await;
        assert_eq!(members(&world, "sales"), names(&["kim"]), "{kind:?}");
        assert_eq!(late(&world), 1);
    }
}

#[tokio::test]
async fn a_dead_letter_of_a_refused_request_keeps_nobody_out_of_the_group() {
    let mut world = World::with(only_full).await;
    world.create("lee").await;
    kim_is_late(&world, &[]).await;
    callers_wait(&mut world, true).await;
    world.full.on_write([rejected()]);
    assert!(is_rejected(spawn(&world, joins("sales", &["lee"]))).await);
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&["kim"]));
}

fn kim(world: &World) -> (LocalRef, QualifiedName, RemoteId) {
    let user = world.reader().user(&"kim".into()).unwrap().unwrap();
    (LocalRef::User(user.id), user.name, world.full.id("kim"))
}

/// Kim is in a group, and the target has an account of that name to which nobody is linked.
async fn kim_is_a_strangers() -> World {
    let world = World::with(only_full).await;
    group(&world, "sales", &[]).await;
    world.settle().await;
    world.full.plant("kim", world.clock.now());
    world.engine.pause(&full(), "by a test").await.unwrap();
    let outcome = world.create("kim").await;
    let held = outcome.operations[0].operation;
    world.engine.discard(held, "by a test").await.unwrap();
    world.engine.resume(&full(), "by a test").await.unwrap();
    join(&world, "sales", "kim").await;
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&[]));
    world
}

fn updates(world: &World) -> usize {
    let verbs = world.full.verbs();
    verbs.iter().filter(|verb| **verb == Verb::Update).count()
}

#[tokio::test]
async fn an_account_that_is_linked_by_hand_is_put_into_the_groups_once() {
    for dies in [false, true] {
        let mut world = kim_is_a_strangers().await;
        let (local, name, id) = kim(&world);
        world.full.stuck.send_replace(Some("sales".to_owned()));
        let arrived = *world.full.arrived.borrow();
        let engine = &world.engine;
        engine.link(&full(), local, &name, &id).await.unwrap();
        // The account was looked at, and the group is on its way.
        world.full.has_seen(arrived + 2).await;
        if dies {
            world.crash().await;
        }
        world.full.stuck.send_replace(None);
        world.settle().await;
        assert_eq!(members(&world, "sales"), names(&["kim"]), "{dies}");
        assert_eq!(late(&world), 1);
        let sent = world.full.verbs();
        let engine = &world.engine;
        engine.unlink(&full(), local, &name).await.unwrap();
        engine.link(&full(), local, &name, &id).await.unwrap();
        world.settle().await;
        assert_eq!(world.full.verbs(), sent);
        assert_eq!(late(&world), 1, "it is in the group already");
    }
}

#[tokio::test]
async fn an_account_that_is_linked_once_more_while_the_group_is_on_its_way_is_sent_once() {
    let world = kim_is_a_strangers().await;
    let (local, name, id) = kim(&world);
    let before = updates(&world);
    world.full.stuck.send_replace(Some("sales".to_owned()));
    let arrived = *world.full.arrived.borrow();
    world.engine.link(&full(), local, &name, &id).await.unwrap();
    world.full.has_seen(arrived + 2).await;
    let engine = &world.engine;
    engine.unlink(&full(), local, &name).await.unwrap();
    engine.link(&full(), local, &name, &id).await.unwrap();
    world.full.stuck.send_replace(None);
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&["kim"]));
    assert_eq!(updates(&world), before + 1);
}

#[tokio::test]
async fn an_account_whose_link_was_lost_and_is_adopted_is_put_into_the_groups() {
    let world = World::keeping(false, only_full).await;
    world.create("kim").await;
    group(&world, "sales", &[]).await;
    world.settle().await;
    let (local, name, id) = kim(&world);
    world.engine.unlink(&full(), local, &name).await.unwrap();
    join(&world, "sales", "kim").await;
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&[]));
    let adopted = world.engine.adopt(&full(), Object::User, &id).await;
    assert_eq!(adopted.unwrap().local, local);
    world.settle().await;
    assert_eq!(members(&world, "sales"), names(&["kim"]));
    assert_eq!(late(&world), 1);
}

/// Kim and Lee were written into a group; Kim's account has no link any more, and somebody took it out of the group.
async fn kim_was_taken_out() -> World {
    let world = World::with(only_full).await;
    for name in ["kim", "lee"] {
        world.create(name).await;
    }
    world.settle().await;
    group(&world, "sales", &["kim", "lee"]).await;
    world.settle().await;
    let (local, name, id) = kim(&world);
    world.engine.unlink(&full(), local, &name).await.unwrap();
    world.full.edit("sales", |group| {
        group.members.remove(&id.0);
    });
    world
}

/// Links Kim by hand, beside everything else.
fn link_kim(world: &World) -> JoinHandle<Result<Link, ClaimError>> {
    let (local, name, id) = kim(world);
    let engine = world.engine.clone();
    tokio::spawn(async move { engine.link(&full(), local, &name, &id).await })
}

/// Waits until the target has looked for so many accounts.
async fn has_looked(world: &World, count: usize) {
    let mut looked = world.full.looked.subscribe();
    looked.wait_for(|seen| *seen >= count).await.unwrap();
}

fn link_of_sales(world: &World) -> Link {
    let sales = world.reader().group(&"sales".into()).unwrap().unwrap();
    let link = world.reader().link(&full(), LocalRef::Group(sales.id));
    link.unwrap().unwrap()
}

#[tokio::test]
async fn an_account_that_somebody_took_out_of_a_group_while_it_had_no_link_is_put_back_once() {
    for adopts in [false, true] {
        let world = kim_was_taken_out().await;
        let (local, name, id) = kim(&world);
        let engine = &world.engine;
        assert_eq!(members(&world, "sales"), names(&["lee"]));
        let before = updates(&world);
        if adopts {
            engine.adopt(&full(), Object::User, &id).await.unwrap();
        } else {
            engine.link(&full(), local, &name, &id).await.unwrap();
        }
        world.settle().await;
        assert_eq!(members(&world, "sales"), names(&["kim", "lee"]), "{adopts}");
        assert_eq!((late(&world), updates(&world)), (1, before + 1));
        // Shown with the account, the group is not written.
        engine.unlink(&full(), local, &name).await.unwrap();
        engine.link(&full(), local, &name, &id).await.unwrap();
        world.settle().await;
        assert_eq!((late(&world), updates(&world)), (1, before + 1));
    }
}

#[tokio::test]
async fn nobody_is_deleted_while_their_account_is_adopted() {
    let world = kim_was_taken_out().await;
    let (local, _, id) = kim(&world);
    let looked = *world.full.looked.borrow();
    let arrived = *world.full.arrived.borrow();
    world.full.answers.send_replace(false);
    let engine = world.engine.clone();
    let adopted = tokio::spawn(async move { engine.adopt(&full(), Object::User, &id).await });
    has_looked(&world, looked + 1).await;
    // The account is shown, and the question about the group stays at the target.
    world.full.open.send_replace(false);
    world.full.answers.send_replace(true);
    world.full.has_seen(arrived + 2).await;
    let deleted = spawn(&world, Change::DeleteUser { user: "kim".into() });
    breathe().await;
    // Whatever the deletion may have written by now is in the journal before this is.
    world.create("max").await;
    world.full.open.send_replace(true);
    adopted.await.unwrap().unwrap();
    deleted.await.unwrap().unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["lee", "max", "sales"]);
    assert_eq!(world.reader().link(&full(), local).unwrap(), None);
    assert_eq!(members(&world, "sales"), names(&["lee"]));
}

#[tokio::test]
async fn who_is_deleted_before_the_account_is_adopted_is_not_linked() {
    // In no group: a deletion that is about groups lets go of its keys once, and the other would be first.
    let world = World::with(only_full).await;
    world.create("kim").await;
    world.settle().await;
    let (local, name, id) = kim(&world);
    world.engine.unlink(&full(), local, &name).await.unwrap();
    let inner = world.engine.inner_for_tests();
    let key = Key::local(Object::User, &name);
    let held = inner.keys.take([key].into()).await;
    let deleted = spawn(&world, Change::DeleteUser { user: "kim".into() });
    breathe().await;
    let looked = *world.full.looked.borrow();
    let engine = world.engine.clone();
    let adopted = tokio::spawn(async move { engine.adopt(&full(), Object::User, &id).await });
    has_looked(&world, looked + 1).await;
    breathe().await;
    drop(held);
    deleted.await.unwrap().unwrap();
    let adopted = adopted.await.unwrap();
    assert!(
        matches!(adopted, Err(ClaimError::HasLeft { .. })),
        "{adopted:?}"
    );
    world.settle().await;
    assert_eq!(world.reader().link(&full(), local).unwrap(), None);
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_not_asked_about_every_group() {
    for after in [None, Some(Duration::from_secs(90))] {
        let world = World::with(only_full).await;
        world.create("kim").await;
        world.settle().await;
        for name in ["sales", "staff", "board"] {
            group(&world, name, &["kim"]).await;
        }
        world.settle().await;
        let (local, name, _) = kim(&world);
        world.engine.unlink(&full(), local, &name).await.unwrap();
        let looked = *world.full.looked.borrow();
        world.full.answers.send_replace(false);
        let linked = link_kim(&world);
        has_looked(&world, looked + 1).await;
        // The account is shown, and the first group is not.
        let fails = failure(FailureKind::TargetError, Remedy::Retry { after });
        world.full.on_find([Act::Fail(fails)]);
        world.full.answers.send_replace(true);
        linked.await.unwrap().unwrap();
        assert_eq!(*world.full.looked.borrow(), looked + 2, "{after:?}");
        let inner = world.engine.inner_for_tests();
        let now = world.clock.monotonic();
        let quiet = inner.lanes().quiet_for(&full(), now);
        assert_eq!(quiet, after);
        world.settle().await;
        for name in ["sales", "staff", "board"] {
            assert_eq!(members(&world, name), names(&["kim"]), "{after:?} {name}");
        }
        assert_eq!(late(&world), 3);
    }
}

#[tokio::test]
async fn what_is_decided_about_a_group_meanwhile_is_not_written_over_by_a_link() {
    let world = kim_was_taken_out().await;
    world.full.edit("sales", |group| {
        group.members.insert("stranger".to_owned());
    });
    world.clock.advance(Duration::from_mins(5));
    let budget = ReadBudget::default();
    world
        .engine
        .reconcile(&full(), budget, false)
        .await
        .unwrap();
    let wish = Wish {
        connector: full(),
        local: link_of_sales(&world).local,
        fields: None,
        resolution: Resolution::Accept,
        recreate: false,
        take_away: false,
    };
    // Whatever is sent because of the link changes it only later.
    world.full.stuck.send_replace(Some("sales".to_owned()));
    let looked = *world.full.looked.borrow();
    let go_on = stall(&world);
    let engine = world.engine.clone();
    let accepted = tokio::spawn(async move { engine.resolve(&wish).await });
    breathe().await;
    let linked = link_kim(&world);
    has_looked(&world, looked + 2).await;
    breathe().await;
    drop(go_on);
    accepted.await.unwrap().unwrap();
    linked.await.unwrap().unwrap();
    let link = link_of_sales(&world);
    assert!(link.exceptions.contains_key("members"), "{link:?}");
    assert_eq!(link.written["members"], json!([world.full.id("lee")]));
    world.full.stuck.send_replace(None);
    world.settle().await;
}

#[tokio::test]
async fn a_link_that_is_not_made_changes_nothing_of_a_group() {
    let world = kim_was_taken_out().await;
    let (_, _, id) = kim(&world);
    // In no group, so that nothing is waited for.
    world.create("max").await;
    world.settle().await;
    let max = world.reader().user(&"max".into()).unwrap().unwrap();
    let engine = &world.engine;
    let local = LocalRef::User(max.id);
    engine.unlink(&full(), local, &max.name).await.unwrap();
    let before = link_of_sales(&world);
    let inner = engine.inner_for_tests();
    let key = Key::local(Object::Group, &"sales".into());
    let held = inner.keys.take([key].into()).await;
    let looked = *world.full.looked.borrow();
    let linked = link_kim(&world);
    // The account and the group were looked at; the group is about to be put right.
    has_looked(&world, looked + 2).await;
    breathe().await;
    engine.link(&full(), local, &max.name, &id).await.unwrap();
    drop(held);
    let linked = linked.await.unwrap();
    assert!(
        matches!(linked, Err(ClaimError::Taken { .. })),
        "{linked:?}"
    );
    assert_eq!(link_of_sales(&world), before);
}
