//! Dead letters: told by their cause, tried again, decided anew, given up.

use domain::{FailureKind, OnFailure, Remedy, Verb};

use super::double::{Act, failure, rejected};
use super::world::{World, full, only_full, plain, provisioner, role};
use crate::{CommandError, DeadFilter, DeathCause, Life};

fn says(told: &str) -> Act {
    let mut refused = failure(FailureKind::Rejected, Remedy::GiveUp);
    refused.status = Some(400);
    told.clone_into(&mut refused.told);
    Act::Fail(refused)
}

/// Four users whose creation was refused: three for one cause, one for another.
async fn letters() -> (World, Vec<crate::Outcome>) {
    let world = World::with(only_full).await;
    let mut outcomes = Vec::new();
    for (name, told) in [
        ("kim", "kim has no `title` (REQUIRED)"),
        ("bob", "bob has no `title` (REQUIRED)"),
        ("ann", "ann has no `title` (REQUIRED)"),
        ("eve", "no licence is left"),
    ] {
        world.full.on_write([says(told)]);
        outcomes.push(world.create(name).await);
        world.engine.idle().await;
        world.clock.advance(std::time::Duration::from_mins(1));
    }
    (world, outcomes)
}

#[tokio::test]
async fn they_are_told_by_their_cause_with_number_age_example_and_advice() {
    let (world, _) = letters().await;
    let groups = world.reader().dead_groups(&DeadFilter::default()).unwrap();
    assert_eq!(groups.len(), 2);
    let first = &groups[0];
    assert_eq!((first.count, first.superseded), (3, 0));
    assert_eq!(first.told, "… has no … (REQUIRED)");
    assert_eq!(
        (first.cause, first.kind, first.status),
        (DeathCause::Refused, Some(FailureKind::Rejected), Some(400))
    );
    assert_eq!(first.example.operation.name.to_string(), "ann");
    let age = first.newest.duration_since(first.oldest);
    assert_eq!(age.as_secs(), 120);
    assert_eq!(first.advice, "Look at the test.");
    let filter = DeadFilter {
        group: Some(first.group.clone()),
        ..DeadFilter::default()
    };
    let letters = world.reader().dead_letters(&filter, 10).unwrap();
    let names: Vec<String> = letters
        .iter()
        .map(|letter| letter.operation.name.to_string())
        .collect();
    assert_eq!(names, ["ann", "bob", "kim"]);
    for (filter, count) in [
        (
            DeadFilter {
                name: Some("EVE".to_owned()),
                ..DeadFilter::default()
            },
            1,
        ),
        (
            DeadFilter {
                status: Some(401),
                ..DeadFilter::default()
            },
            0,
        ),
        (
            DeadFilter {
                cause: Some(DeathCause::ScheduleEnded),
                ..DeadFilter::default()
            },
            0,
        ),
        (
            DeadFilter {
                connector: Some(plain()),
                ..DeadFilter::default()
            },
            0,
        ),
        (
            DeadFilter {
                connector: Some(full()),
                ..DeadFilter::default()
            },
            4,
        ),
    ] {
        let found = world.reader().dead_letters(&filter, 10).unwrap();
        assert_eq!(found.len(), count, "{filter:?}");
    }
    assert_eq!(
        world
            .reader()
            .dead_letters(&DeadFilter::default(), 2)
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn decided_anew_it_writes_what_the_directory_says_now_and_tells_what_changed() {
    let world = World::with(only_full).await;
    world.full.on_write([rejected()]);
    let kim = world.create("kim").await;
    world.engine.idle().await;
    let dead = kim.operations[0].operation;
    // The correction itself is refused, too, so that the dead letter is not out of date.
    world.full.on_write([rejected()]);
    world.mail("kim", "right@acme.example").await;
    world.engine.idle().await;
    let preview = world.engine.decide_again(dead, true).await.unwrap();
    assert_eq!(preview.replaced_by, None);
    assert_eq!(preview.differences.len(), 1);
    assert!(
        preview
            .told()
            .contains("email = right@acme.example (was kim@acme.example)"),
        "{}",
        preview.told()
    );
    assert_eq!(
        world.life(&kim, &full()),
        Life::Dead,
        "a preview does nothing"
    );
    let again = world.engine.decide_again(dead, false).await.unwrap();
    assert_eq!(again.differences, preview.differences);
    world.settle().await;
    assert_eq!(
        world.full.account("kim").attributes["email"],
        "right@acme.example"
    );
    assert_eq!(world.life(&kim, &full()), Life::Discarded);
    let why = world.trace(&kim).operations[0].discarded.clone().unwrap();
    let by = again.replaced_by.unwrap();
    assert!(why.contains(&by.to_string()), "{why}");
    super::journal::Folded::of(&world.reader()).check(&world.reader());
}

#[tokio::test]
async fn decided_anew_against_another_mapping_or_scope_it_follows_the_file_of_now() {
    let mut world = World::with(only_full).await;
    world.full.on_write([rejected(), rejected()]);
    let kim = world.create("kim").await;
    let bob = world.create("bob").await;
    world.engine.idle().await;
    world
        .reconfigure(|configuration| {
            configuration.connections[0].attributes = vec![domain::AttributeMapping {
                remote: "title".to_owned(),
                local: None,
                default: None,
                value: Some("staff".to_owned()),
                on_empty: domain::OnEmpty::Skip,
                connector: None,
                line: None,
            }];
        })
        .await;
    let dead = kim.operations[0].operation;
    let again = world.engine.decide_again(dead, false).await.unwrap();
    assert!(
        again.told().contains("title = staff (was nothing)"),
        "{}",
        again.told()
    );
    world.settle().await;
    assert_eq!(world.full.account("kim").attributes["title"], "staff");
    world
        .reconfigure(|configuration| {
            configuration.connections[0].outbound_roles = vec![role("Internal/manager")];
        })
        .await;
    let dead = bob.operations[0].operation;
    let again = world.engine.decide_again(dead, false).await.unwrap();
    assert_eq!(again.replaced_by, None);
    assert!(again.told().contains("role-not-held"), "{}", again.told());
    assert_eq!(world.life(&bob, &full()), Life::Discarded);
}

#[tokio::test]
async fn one_that_is_out_of_date_gone_or_no_dead_letter_is_not_decided_anew() {
    let world = World::with(only_full).await;
    world.full.on_write([rejected()]);
    let kim = world.create("kim").await;
    world.engine.idle().await;
    let dead = kim.operations[0].operation;
    let later = world.mail("kim", "new@acme.example").await;
    world.settle().await;
    let groups = world.reader().dead_groups(&DeadFilter::default()).unwrap();
    assert_eq!(groups[0].superseded, 1);
    assert_eq!(
        groups[0].example.superseded_by,
        Some(later.operations[0].operation)
    );
    assert!(matches!(
        world.engine.decide_again(dead, false).await,
        Err(CommandError::Superseded { .. })
    ));
    let done = later.operations[0].operation;
    assert!(matches!(
        world.engine.decide_again(done, false).await,
        Err(CommandError::WrongState { .. })
    ));
    world.full.on_write([rejected(), rejected()]);
    let bob = world.create("bob").await;
    world.engine.idle().await;
    world.delete("bob").await;
    world.engine.idle().await;
    let error = world
        .engine
        .decide_again(bob.operations[0].operation, false)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not here any more"), "{error}");
}

/// Callers wait for the only target, and are refused when it refuses.
async fn refusing() -> World {
    World::with(|configuration| {
        let mut entry = provisioner(full());
        entry.blocking = true;
        entry.on_failure = OnFailure::Reject;
        configuration.resident = vec![entry];
    })
    .await
}

#[tokio::test]
async fn one_of_a_refused_request_that_may_have_made_an_account_is_kept_until_that_is_taken_away() {
    let world = refusing().await;
    world.full.on_write([Act::LoseReply]);
    // Asked by the operation, and once more when its request is refused.
    world.full.on_find([rejected(), rejected()]);
    let kim = world.create("kim").await;
    world.settle().await;
    assert!(!kim.is_accepted());
    let dead = kim.operations[0].operation;
    assert_eq!(world.life(&kim, &full()), Life::Dead);
    assert_eq!(world.full.names(), ["kim"]);
    for is_preview in [true, false] {
        let error = world.engine.decide_again(dead, is_preview).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("retry"), "{error}");
        assert_eq!(world.life(&kim, &full()), Life::Dead);
    }
    world.engine.retry(dead).await.unwrap();
    world.settle().await;
    assert!(world.full.names().is_empty(), "no ghost stays");
    assert_eq!(world.life(&kim, &full()), Life::Settled);
    let inner = world.engine.inner_for_tests();
    assert!(inner.waits.gate(kim.flow).is_none());
    super::journal::Folded::of(&world.reader()).check(&world.reader());
}

#[tokio::test]
async fn what_a_refused_request_left_in_doubt_is_not_sent_again_when_nothing_is_found() {
    let world = refusing().await;
    world.full.on_write([Act::LoseRequest]);
    world.full.on_find([rejected(), rejected()]);
    let kim = world.create("kim").await;
    world.settle().await;
    let dead = kim.operations[0].operation;
    world.engine.retry(dead).await.unwrap();
    world.settle().await;
    assert!(world.full.names().is_empty());
    assert_eq!(world.full.verbs(), [Verb::Create]);
    assert_eq!(world.life(&kim, &full()), Life::Discarded);
}

#[tokio::test]
async fn one_of_a_refused_request_whose_user_was_never_made_is_given_up() {
    let world = refusing().await;
    world.full.on_write([rejected()]);
    let kim = world.create("kim").await;
    world.engine.idle().await;
    assert!(!kim.is_accepted());
    let dead = kim.operations[0].operation;
    assert_eq!(world.life(&kim, &full()), Life::Dead);
    // What retry says leads out of it, and not in a circle.
    let retried = world.engine.retry(dead).await.unwrap_err();
    assert!(retried.to_string().contains("discard"), "{retried}");
    let preview = world.engine.decide_again(dead, true).await.unwrap();
    assert!(preview.told().contains("was refused"), "{}", preview.told());
    assert_eq!(
        world.life(&kim, &full()),
        Life::Dead,
        "a preview does nothing"
    );
    let again = world.engine.decide_again(dead, false).await.unwrap();
    assert_eq!((again.stays, again.replaced_by), (false, None));
    assert_eq!(world.life(&kim, &full()), Life::Discarded);
    let left = world.reader().dead_groups(&DeadFilter::default()).unwrap();
    assert_eq!(left, []);
    super::journal::Folded::of(&world.reader()).check(&world.reader());
}

#[tokio::test]
async fn tried_again_in_bulk_what_was_mended_is_done_and_the_rest_stays() {
    let (world, outcomes) = letters().await;
    let groups = world.reader().dead_groups(&DeadFilter::default()).unwrap();
    let filter = DeadFilter {
        group: Some(groups[0].group.clone()),
        ..DeadFilter::default()
    };
    for letter in world.reader().dead_letters(&filter, 100).unwrap() {
        world
            .engine
            .retry(letter.operation.operation)
            .await
            .unwrap();
    }
    world.settle().await;
    assert_eq!(world.full.names(), ["ann", "bob", "kim"]);
    assert_eq!(world.life(&outcomes[3], &full()), Life::Dead);
}
