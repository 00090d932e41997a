//! Lost answers, accounts that are there already, and processes that end at the wrong moment.

use std::time::Duration;

use domain::{
    Change, Clock as _, Deprovision, FailureKind, LinkOrigin, OnExisting, PasswordSource, Reason,
    Remedy, Secret, Verb,
};

use super::double::{Act, down, failure};
use super::world::{World, create, create_with, full, only_full, rename};
use crate::{Answer, DeathCause, Fact, Life, Settlement, State};

#[tokio::test]
async fn a_lost_reply_to_a_create_is_asked_for_before_it_is_sent_again() {
    for keeps_external_id in [true, false] {
        let world = World::keeping(keeps_external_id, only_full).await;
        world.full.on_write([Act::LoseReply]);
        let outcome = world.create("kim").await;
        world.settle().await;
        assert_eq!(world.full.names(), ["kim"]);
        assert_eq!(world.full.verbs(), [Verb::Create]);
        let operation = &world.trace(&outcome).operations[0];
        assert!(matches!(
            operation.settlement,
            Some(Settlement::Found(domain::Confirmation::Created))
        ));
        assert!(matches!(
            operation.attempts[0].asked[0].answer,
            Answer::Ours { .. }
        ));
        assert_eq!(operation.link.as_ref().unwrap().origin, LinkOrigin::Created);
        assert_eq!(operation.attempts[0].exchanges.len(), 2);
    }
}

#[tokio::test]
async fn a_lost_request_is_sent_again_after_the_target_was_asked() {
    let world = World::with(only_full).await;
    world.full.on_write([Act::LoseRequest]);
    world.create("kim").await;
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    assert_eq!(world.full.verbs(), [Verb::Create, Verb::Create]);
}

#[tokio::test]
async fn a_target_that_loses_every_request_is_not_hammered() {
    let world = World::with(only_full).await;
    world
        .full
        .on_write(std::iter::repeat_n(Act::LoseRequest, 4));
    let start = world.clock.now();
    world.create("kim").await;
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 2, "one at once, then by schedule");
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    assert!(world.clock.now().duration_since(start).as_secs() >= 5 + 30);
}

#[tokio::test]
async fn a_target_that_cannot_be_asked_keeps_the_doubt_and_is_asked_later() {
    let world = World::with(only_full).await;
    world.full.on_write([Act::LoseReply]);
    world.full.on_find([down(), down()]);
    let outcome = world.create("kim").await;
    world.engine.idle().await;
    assert!(matches!(
        world.life(&outcome, &full()),
        Life::InDoubt { .. }
    ));
    world.settle().await;
    assert_eq!(world.full.verbs(), [Verb::Create]);
    assert_eq!(world.lives(&outcome, &full()), [State::Settled]);
}

#[tokio::test]
async fn a_target_that_answers_no_question_is_not_hammered() {
    let world = World::with(only_full).await;
    world.full.on_write([Act::LoseReply]);
    world.full.on_find(std::iter::repeat_with(down).take(4));
    let start = world.clock.now();
    let outcome = world.create("kim").await;
    world.settle().await;
    assert_eq!(world.lives(&outcome, &full()), [State::Settled]);
    assert_eq!(*world.full.looked.borrow(), 5);
    let took = world.clock.now().duration_since(start).as_secs();
    assert!(took >= 1 + 5 + 30 + 120, "{took}");
}

#[tokio::test]
async fn a_lost_reply_to_an_update_or_a_delete_is_sent_again() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    world.settle().await;
    world.full.on_write([Act::LoseReply]);
    world.mail("kim", "new@acme.example").await;
    world.settle().await;
    assert_eq!(
        world.full.account("kim").attributes["email"],
        "new@acme.example"
    );
    world.full.on_write([Act::LoseReply]);
    let deleted = world.delete("kim").await;
    world.settle().await;
    assert!(world.full.names().is_empty());
    let operation = &world.trace(&deleted).operations[0];
    assert!(matches!(
        operation.settlement,
        Some(Settlement::Confirmed(domain::Confirmation::AlreadyGone))
    ));
    assert!(operation.unlinked);
}

#[tokio::test]
async fn what_a_dead_process_sent_may_still_be_under_way_when_the_next_one_starts() {
    let mut world = World::with(only_full).await;
    world.full.open.send_replace(false);
    let outcome = world.create("kim").await;
    world.full.has_seen(1).await;
    world.crash().await;
    world.engine.idle().await;
    assert!(matches!(
        world.life(&outcome, &full()),
        Life::InDoubt { .. }
    ));
    assert_eq!(*world.full.looked.borrow(), 0, "asked too early");
    let operation = outcome.operations[0].operation;
    let told = world.engine.retry(operation).await.unwrap_err().to_string();
    assert!(told.contains("may still be under way"), "{told}");
    // Given up now, the next of its lane would come before it.
    let given_up = world.engine.discard(operation, "by hand").await;
    assert!(given_up.is_err());
    // Only now it is carried out.
    world.full.plant("kim", world.clock.now());
    let local = world.trace(&outcome).operations[0].queued.local;
    world.full.edit("kim", |account| {
        account.external_id = Some(local.uuid().to_string());
    });
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    assert_eq!(world.full.verbs(), [Verb::Create]);
    assert_eq!(world.lives(&outcome, &full()), [State::Settled]);
}

#[tokio::test]
async fn an_account_that_anothers_broken_off_attempt_may_have_made_is_nobodys_yet() {
    let mut world = World::keeping(false, only_full).await;
    world.full.open.send_replace(false);
    let first = world.create("kim").await;
    world.full.has_seen(1).await;
    world.full.plant("kim", world.clock.now());
    world.crash().await;
    world.delete("kim").await;
    let second = world.create("kim").await;
    world.settle().await;
    assert_eq!(world.lives(&first, &full()), [State::Settled]);
    assert_eq!(world.lives(&second, &full()), [State::Settled]);
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn a_deprovision_whose_process_ended_is_found_done() {
    for deprovision in [Deprovision::Delete, Deprovision::Deactivate] {
        let mut world = World::with(|configuration| {
            only_full(configuration);
            configuration.connections[0].connectors[0].deprovision = deprovision;
        })
        .await;
        world.create("kim").await;
        world.settle().await;
        world.full.open.send_replace(false);
        let deleted = world.delete("kim").await;
        world.full.has_seen(2).await;
        world.engine.abort().await;
        // The target carries out what reached it although the process has gone.
        let found = match deprovision {
            Deprovision::Delete => {
                world.full.state().accounts.clear();
                domain::Confirmation::AlreadyGone
            }
            Deprovision::Deactivate => {
                for account in world.full.state().accounts.values_mut() {
                    account.active = false;
                }
                domain::Confirmation::Deactivated
            }
        };
        world.crash().await;
        world.settle().await;
        let operation = &world.trace(&deleted).operations[0];
        assert!(matches!(operation.settlement, Some(Settlement::Found(what)) if what == found));
        assert_eq!(operation.unlinked, deprovision == Deprovision::Delete);
    }
}

#[tokio::test]
async fn a_foreign_account_is_left_alone_unless_it_may_be_adopted() {
    let mut world = World::with(only_full).await;
    world.full.plant("kim", world.clock.now());
    let refused = world.create("kim").await;
    world.settle().await;
    let death = world.trace(&refused).operations[0].death.clone().unwrap();
    assert_eq!(death.cause, DeathCause::ForeignAccount);
    assert!(world.full.account("kim").attributes.is_empty());
    world
        .reconfigure(|configuration| {
            configuration.connections[0].connectors[0].on_existing = OnExisting::Adopt;
        })
        .await;
    let operation = refused.operations[0].operation;
    world.engine.retry(operation).await.unwrap();
    world.settle().await;
    let adopted = world.trace(&refused).operations[0].clone();
    assert_eq!(adopted.life, Life::Settled);
    assert_eq!(adopted.link.unwrap().origin, LinkOrigin::Adopted);
    assert_eq!(
        world.full.account("kim").attributes["email"],
        "kim@acme.example"
    );
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn an_adopted_account_that_was_gone_and_is_there_again_is_still_an_adopted_one() {
    let world = World::keeping(false, |configuration| {
        only_full(configuration);
        configuration.connections[0].connectors[0].on_existing = OnExisting::Adopt;
    })
    .await;
    world.full.plant("kim", world.clock.now());
    world.full.edit("kim", |account| {
        account.external_id = Some(uuid::Uuid::new_v4().to_string());
    });
    world.create("kim").await;
    world.settle().await;
    let id = world.full.id("kim");
    let kept = std::mem::take(&mut world.full.state().accounts);
    let gone = failure(FailureKind::NotFound, Remedy::AskFirst);
    world.full.on_write([Act::Fail(gone), down()]);
    world.mail("kim", "new@acme.example").await;
    world.engine.idle().await;
    assert!(world.reader().links(None, None, 9).unwrap()[0].gone);
    // Back before the create that would replace it is sent again: its name is taken.
    world.full.state().accounts = kept;
    world.settle().await;
    let links = world.reader().links(None, None, 9).unwrap();
    assert_eq!(links.len(), 1);
    let link = &links[0];
    assert_eq!((&link.remote_id, link.gone), (&id, false));
    assert_eq!(link.origin, LinkOrigin::Adopted);
}

#[tokio::test]
async fn an_account_older_than_our_attempt_is_not_ours_even_after_a_lost_reply() {
    let world = World::keeping(false, only_full).await;
    world.full.plant("kim", world.clock.now());
    world.clock.advance(Duration::from_hours(1));
    world.full.on_write([Act::LoseReply]);
    let outcome = world.create("kim").await;
    world.settle().await;
    let death = world.trace(&outcome).operations[0].death.clone().unwrap();
    assert_eq!(death.cause, DeathCause::ForeignAccount);
}

#[tokio::test]
async fn a_name_that_is_taken_by_nobody_ends_in_a_dead_letter_after_two_tries() {
    let world = World::with(only_full).await;
    let conflict = || Act::Fail(failure(FailureKind::Conflict, Remedy::AskFirst));
    world.full.on_write([conflict(), conflict(), conflict()]);
    let outcome = world.create("kim").await;
    world.settle().await;
    assert_eq!(world.full.verbs().len(), 2);
    let death = world.trace(&outcome).operations[0].death.clone().unwrap();
    assert_eq!(death.cause, DeathCause::Refused);
}

#[tokio::test]
async fn an_account_that_somebody_deleted_there_is_made_again_by_the_next_update() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    world.settle().await;
    world.full.state().accounts.clear();
    let outcome = world.mail("kim", "new@acme.example").await;
    world.settle().await;
    assert_eq!(
        world.full.account("kim").attributes["email"],
        "new@acme.example"
    );
    assert_eq!(
        world.full.verbs(),
        [Verb::Create, Verb::Update, Verb::Create]
    );
    assert_eq!(world.lives(&outcome, &full()), [State::Settled]);
}

#[tokio::test]
async fn a_process_that_ends_while_a_request_is_under_way_leaves_one_account() {
    for act in [None, Some(Act::LoseReply), Some(Act::LoseRequest)] {
        let mut world = World::with(only_full).await;
        world.full.open.send_replace(false);
        let outcome = world.create("kim").await;
        world.full.has_seen(1).await;
        if act.is_some() {
            // The target carries out what reached it although the process has gone.
            let arrived_before_death = matches!(act, Some(Act::LoseReply));
            world.engine.abort().await;
            if arrived_before_death {
                world.full.plant("kim", world.clock.now());
                let id = world
                    .reader()
                    .user(&"kim".into())
                    .unwrap()
                    .unwrap()
                    .id
                    .0
                    .to_string();
                for account in world.full.state().accounts.values_mut() {
                    account.external_id = Some(id.clone());
                }
            }
        }
        world.crash().await;
        world.settle().await;
        assert_eq!(world.full.names(), ["kim"]);
        assert_eq!(world.lives(&outcome, &full()), [State::Settled]);
    }
}

#[tokio::test]
async fn committed_work_is_taken_up_after_a_restart_and_due_times_hold() {
    let mut world = World::with(only_full).await;
    world.full.on_write([down(), down(), down()]);
    world.create("kim").await;
    world.engine.idle().await;
    world.clock.advance(Duration::from_secs(1));
    world.engine.idle().await;
    world.crash().await;
    let idle = world.engine.idle().await;
    let wait = idle.next.unwrap().duration_since(world.clock.now());
    assert_eq!(wait.as_secs(), 5);
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn schedules_hold_when_the_wall_clock_jumps() {
    let world = World::with(only_full).await;
    world.full.on_write([down(), down()]);
    world.create("kim").await;
    world.engine.idle().await;
    let hour_back = world.clock.now() - jiff::SignedDuration::from_hours(1);
    world.clock.jump_to(hour_back);
    world.clock.advance(Duration::from_secs(1));
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 2);
}

#[tokio::test]
async fn a_password_goes_from_the_trigger_to_the_target_and_into_no_file() {
    let world = World::with(only_full).await;
    world.full.on_write([down()]);
    let outcome = world
        .submit(create_with("kim", "canary-pass-1"))
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(
        world.full.account("kim").password.as_deref(),
        Some("canary-pass-1")
    );
    assert_eq!(
        world.trace(&outcome).operations[0].attempts[1].password,
        Some(PasswordSource::Trigger)
    );
    world
        .submit(Change::SetPassword {
            user: "kim".into(),
            password: Secret::new("canary-pass-2"),
        })
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(
        world.full.account("kim").password.as_deref(),
        Some("canary-pass-2")
    );
    world.engine.shutdown().await;
    for file in std::fs::read_dir(world.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"canary-pass"));
    }
}

#[tokio::test]
async fn a_create_after_a_restart_carries_a_random_password_and_its_trace_says_so() {
    let mut world = World::with(only_full).await;
    world.full.on_write([down()]);
    let outcome = world.submit(create_with("kim", "secret")).await.unwrap();
    world.engine.idle().await;
    world.crash().await;
    world.settle().await;
    let password = world.full.account("kim").password.unwrap();
    assert_eq!(password.len(), 24);
    assert_eq!(
        world.trace(&outcome).operations[0].attempts[1].password,
        Some(PasswordSource::RandomAfterRestart)
    );
}

#[tokio::test]
async fn a_password_change_that_was_lost_with_the_process_is_a_dead_letter_and_never_random() {
    let mut world = World::with(only_full).await;
    world.submit(create_with("kim", "first")).await.unwrap();
    world.settle().await;
    world.full.on_write([down()]);
    let outcome = world
        .submit(Change::SetPassword {
            user: "kim".into(),
            password: Secret::new("second"),
        })
        .await
        .unwrap();
    world.engine.idle().await;
    world.crash().await;
    world.settle().await;
    let death = world.trace(&outcome).operations[0].death.clone().unwrap();
    assert_eq!(death.cause, DeathCause::PasswordLost);
    assert_eq!(world.full.account("kim").password.as_deref(), Some("first"));
}

#[tokio::test]
async fn a_full_disk_stops_sending_tells_the_caller_and_work_resumes_when_there_is_room() {
    let world = World::with(only_full).await;
    world.full.on_write([down()]);
    world.create("kim").await;
    world.engine.idle().await;
    let inner = world.engine.inner_for_tests();
    inner.journal.run(|db| {
        let pages: i64 = db
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        db.pragma_update(None, "max_page_count", pages).unwrap();
    });
    let mut refused = None;
    for at in 0..200 {
        if let Err(error) = world.submit(create(&format!("user{at}"))).await {
            refused = Some(error);
            break;
        }
    }
    let told = refused.expect("the disk is full").to_string();
    assert!(told.contains("full"), "{told}");
    let reader = world.reader();
    for (local, verb) in world.full.state().log.clone() {
        let known = reader.flows_about(local, 1).unwrap();
        assert_eq!((verb, known.len()), (Verb::Create, 1), "sent, so committed");
    }
    inner.journal.run(|db| {
        db.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    });
    // A result that there was no room for is written a second later, and this clock goes by hand.
    let tick = async {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            world.clock.advance(Duration::from_secs(1));
        }
    };
    tokio::select! {
        _ = world.settle() => {}
        () = tick => {}
    }
    let users = usize::try_from(reader.user_count().unwrap()).unwrap();
    assert_eq!(
        world.full.names().len(),
        users,
        "nothing lost, nothing twice"
    );
}

#[tokio::test]
async fn a_disabled_connectors_open_work_waits_until_it_is_enabled_again() {
    let mut world = World::with(only_full).await;
    world.full.on_write([down()]);
    world.create("kim").await;
    world.engine.idle().await;
    world
        .reconfigure(|configuration| configuration.connections[0].connectors[0].enabled = false)
        .await;
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.engine.idle().await.held, 1);
    world
        .reconfigure(|configuration| configuration.connections[0].connectors[0].enabled = true)
        .await;
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn a_member_whose_account_comes_late_is_put_into_the_group_afterwards() {
    let world = World::with(only_full).await;
    world.full.on_write([down()]);
    world.create("kim").await;
    world.engine.idle().await;
    world
        .submit(Change::CreateGroup {
            group: "sales".into(),
            members: ["kim".into()].into(),
        })
        .await
        .unwrap();
    world.engine.idle().await;
    assert!(world.full.account("sales").members.is_empty());
    world.settle().await;
    assert_eq!(world.full.account("sales").members.len(), 1);
    world
        .until(|fact| {
            matches!(fact, Fact::OperationQueued { queued }
                if matches!(queued.cause, crate::Cause::MemberLinked { .. }))
        })
        .await;
}

#[tokio::test]
async fn a_member_whose_account_comes_late_does_not_bring_back_a_name_that_changed_meanwhile() {
    let world = World::with(only_full).await;
    world.full.on_write([down()]);
    world.create("kim").await;
    world.engine.idle().await;
    let create = Change::CreateGroup {
        group: "sales".into(),
        members: [].into(),
    };
    world.submit(create).await.unwrap();
    world.engine.idle().await;
    world.engine.pause(&full(), "in between").await.unwrap();
    let rename = Change::RenameGroup {
        group: "sales".into(),
        to: "selling".to_owned(),
    };
    world.submit(rename).await.unwrap();
    let join = Change::ChangeGroup {
        group: "selling".into(),
        add: ["kim".into()].into(),
        remove: [].into(),
    };
    world.submit(join).await.unwrap();
    world.engine.resume(&full(), "again").await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["kim", "selling"]);
    assert_eq!(world.full.account("selling").members.len(), 1);
}

#[tokio::test]
async fn a_second_user_of_the_same_remote_name_is_a_collision_even_at_the_same_moment() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.connections[0].connectors[0]
            .settings
            .insert("store".to_owned(), domain::Setting::Text("ALL".to_owned()));
    })
    .await;
    let (first, second) = tokio::join!(
        world.submit(create("kim")),
        world.submit(create("EMPLOYEES/kim"))
    );
    world.settle().await;
    assert_eq!(world.full.names(), ["ALL/kim"]);
    let reasons: Vec<Reason> = [first.unwrap(), second.unwrap()]
        .iter()
        .flat_map(|outcome| outcome.triggers[0].decisions.clone())
        .filter_map(|decided| match decided.decision.verdict {
            domain::Verdict::Nothing(nothing) => Some(nothing.reason),
            domain::Verdict::Operation(_) => None,
        })
        .collect();
    assert_eq!(reasons, [Reason::NameCollision]);
}

#[tokio::test]
async fn an_account_made_long_after_the_attempt_in_doubt_is_not_ours() {
    let world = World::keeping(false, only_full).await;
    world.full.on_write([Act::LoseRequest]);
    world.full.on_find([down()]);
    let outcome = world.create("kim").await;
    world.engine.idle().await;
    let later = world.clock.now() + jiff::SignedDuration::from_mins(30);
    world.full.plant("kim", later);
    world.clock.advance(Duration::from_hours(1));
    world.settle().await;
    let death = world.trace(&outcome).operations[0].death.clone().unwrap();
    assert_eq!(death.cause, DeathCause::ForeignAccount);
}

#[tokio::test]
async fn once_the_target_knew_nothing_of_an_attempt_what_comes_later_is_not_ours() {
    let world = World::keeping(false, only_full).await;
    world.full.on_write([Act::LoseRequest, down()]);
    let outcome = world.create("kim").await;
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 2);
    world.full.plant("kim", world.clock.now());
    world.settle().await;
    let death = world.trace(&outcome).operations[0].death.clone().unwrap();
    assert_eq!(death.cause, DeathCause::ForeignAccount);
}

#[tokio::test]
async fn a_create_that_died_in_doubt_is_looked_for_when_its_user_is_deleted() {
    let forbidden = || Act::Fail(failure(FailureKind::Forbidden, Remedy::GiveUp));
    for keeps_external_id in [true, false] {
        for arrived in [true, false] {
            let mut world = World::keeping(keeps_external_id, only_full).await;
            world.full.on_write([if arrived {
                Act::LoseReply
            } else {
                Act::LoseRequest
            }]);
            world.full.on_find([forbidden()]);
            let created = world.create("kim").await;
            world.settle().await;
            assert_eq!(world.lives(&created, &full()), [State::Dead]);
            world.full.on_find([down()]);
            let deleted = world.delete("kim").await;
            world.engine.idle().await;
            world.crash().await;
            world.settle().await;
            assert!(world.full.names().is_empty(), "no ghost stays");
            let settlement = world.trace(&deleted).operations[0].settlement.clone();
            if arrived {
                assert_eq!(world.full.verbs(), [Verb::Create, Verb::Deprovision]);
            } else {
                assert!(matches!(
                    settlement,
                    Some(Settlement::Nothing {
                        reason: Reason::NeverProvisioned,
                        ..
                    })
                ));
            }
        }
    }
}

#[tokio::test]
async fn an_account_made_unheard_is_found_by_its_id_when_another_of_ours_has_its_name_by_now() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    world.settle().await;
    world.full.on_write([Act::LoseReply]);
    world.full.on_find([down()]);
    world.create("bob").await;
    world.engine.idle().await;
    world
        .full
        .edit("bob", |account| "robert".clone_into(&mut account.name));
    world.delete("bob").await;
    world.submit(rename("kim", "bob")).await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["bob"], "no ghost stays");
}

#[tokio::test]
async fn what_others_made_is_not_taken_away_for_a_create_that_died_in_doubt() {
    let world = World::keeping(false, |configuration| {
        only_full(configuration);
        configuration.connections[0].connectors[0].on_existing = OnExisting::Adopt;
    })
    .await;
    world.full.on_write([Act::LoseRequest]);
    world
        .full
        .on_find([Act::Fail(failure(FailureKind::Forbidden, Remedy::GiveUp))]);
    world.create("kim").await;
    world.settle().await;
    world.clock.advance(Duration::from_hours(1));
    world.full.plant("kim", world.clock.now());
    world.delete("kim").await;
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn the_name_of_a_deactivated_account_is_free_once_its_user_has_left() {
    for adopt in [true, false] {
        let world = World::with(|configuration| {
            only_full(configuration);
            let connector = &mut configuration.connections[0].connectors[0];
            connector.deprovision = Deprovision::Deactivate;
            if adopt {
                connector.on_existing = OnExisting::Adopt;
            }
        })
        .await;
        world.create("kim").await;
        world.settle().await;
        world.delete("kim").await;
        world.settle().await;
        assert!(!world.full.account("kim").active);
        let again = world.create("kim").await;
        world.settle().await;
        let operation = world.trace(&again).operations[0].clone();
        assert_eq!(world.full.names(), ["kim"]);
        assert_eq!(world.full.account("kim").active, adopt);
        if adopt {
            assert_eq!(operation.link.unwrap().origin, LinkOrigin::Adopted);
            assert!(!operation.unlinked);
            assert_eq!(world.reader().links(None, None, 9).unwrap().len(), 1);
        } else {
            assert_eq!(operation.death.unwrap().cause, DeathCause::ForeignAccount);
        }
    }
}

#[tokio::test]
async fn a_connector_that_breaks_down_leaves_its_lane_free_and_its_attempt_in_doubt() {
    let world = World::with(only_full).await;
    world.full.on_write([Act::Panic]);
    world.full.on_find([Act::Panic]);
    let outcome = world.create("kim").await;
    world.settle().await;
    world.mail("kim", "new@acme.example").await;
    world.settle().await;
    assert_eq!(world.lives(&outcome, &full()), [State::Settled]);
    assert_eq!(
        world.full.account("kim").attributes["email"],
        "new@acme.example"
    );
    let trace = world.trace(&outcome);
    let failure = trace.operations[0].attempts[0].failure.as_ref().unwrap();
    assert!(failure.told.contains("the double broke down"));
}

#[tokio::test]
async fn a_wish_for_quiet_without_end_is_a_dead_letter_and_a_resume_ends_the_quiet() {
    for seconds in [u64::MAX, 4_000_000_000] {
        let world = World::with(only_full).await;
        world.full.on_write([Act::Fail(failure(
            FailureKind::Quota,
            Remedy::Retry {
                after: Some(Duration::from_secs(seconds)),
            },
        ))]);
        let outcome = world.create("kim").await;
        world.engine.idle().await;
        assert_eq!(world.lives(&outcome, &full()), [State::Dead]);
        world.create("bob").await;
        let next = world.engine.idle().await.next.unwrap();
        let wait = next.duration_since(world.clock.now());
        assert_eq!(wait.as_hours(), 28 * 24, "no longer than the schedule");
        world.engine.pause(&full(), "").await.unwrap();
        world.engine.resume(&full(), "").await.unwrap();
        world.engine.idle().await;
        assert_eq!(world.full.names(), ["bob"]);
    }
}

pub(super) async fn group(world: &World, name: &str, members: &[&str]) -> crate::Outcome {
    world
        .submit(Change::CreateGroup {
            group: name.into(),
            members: members.iter().map(|member| (*member).into()).collect(),
        })
        .await
        .unwrap()
}

pub(super) async fn join(world: &World, name: &str, member: &str) -> crate::Outcome {
    world
        .submit(Change::ChangeGroup {
            group: name.into(),
            add: [member.into()].into(),
            remove: std::collections::BTreeSet::new(),
        })
        .await
        .unwrap()
}

async fn leave(
    world: &World,
    name: &str,
    member: &str,
) -> Result<crate::Outcome, crate::SubmitError> {
    world
        .submit(Change::ChangeGroup {
            group: name.into(),
            add: std::collections::BTreeSet::new(),
            remove: [member.into()].into(),
        })
        .await
}

#[tokio::test]
async fn a_group_found_after_a_lost_reply_gets_the_members_that_it_lacks() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    world.settle().await;
    world.full.on_write([Act::LoseReply]);
    world.full.on_find([down()]);
    let outcome = group(&world, "sales", &["kim"]).await;
    world.engine.idle().await;
    for account in world.full.state().accounts.values_mut() {
        account.members.clear();
    }
    world.settle().await;
    assert_eq!(world.full.account("sales").members.len(), 1);
    assert_eq!(world.lives(&outcome, &full()), [State::Settled]);
}

#[tokio::test]
async fn a_member_who_joins_without_an_account_is_put_into_the_group_when_it_comes() {
    let world = World::with(only_full).await;
    group(&world, "sales", &[]).await;
    world.settle().await;
    world.full.on_write([down()]);
    world.create("kim").await;
    world.engine.idle().await;
    join(&world, "sales", "kim").await;
    world.settle().await;
    assert_eq!(world.full.account("sales").members.len(), 1);
}

#[tokio::test]
async fn a_member_who_joins_a_group_that_is_on_its_way_is_put_into_it() {
    let world = World::with(only_full).await;
    // Twice down: the group comes to the target after its member's account, and was decided before.
    world.full.on_write([down()]);
    group(&world, "sales", &[]).await;
    world.engine.idle().await;
    world.full.on_write([down()]);
    world.clock.advance(std::time::Duration::from_secs(1));
    world.engine.idle().await;
    world.full.on_write([down()]);
    world.create("kim").await;
    world.engine.idle().await;
    join(&world, "sales", "kim").await;
    world.settle().await;
    assert_eq!(world.full.account("sales").members.len(), 1);
}

#[tokio::test]
async fn an_account_whose_owner_left_while_it_was_looked_at_is_looked_at_again() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    world.settle().await;
    world.full.on_write([down()]);
    world.delete("kim").await;
    world.engine.idle().await;
    // The name is still taken, and the answer that tells whose it is stays under way until it is free.
    world.full.answers.send_replace(false);
    let outcome = world.create("kim").await;
    let mut looked = world.full.looked.subscribe();
    looked.wait_for(|looked| *looked > 0).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(1));
    world
        .until(|fact| matches!(fact, Fact::Unlinked { .. }))
        .await;
    world.full.answers.send_replace(true);
    world.settle().await;
    assert_eq!(world.lives(&outcome, &full()), [State::Settled]);
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn what_anothers_attempt_in_doubt_may_have_made_is_not_called_foreign() {
    let world = World::keeping(false, only_full).await;
    // The first kim never came through, and leaves; the second one's account is made, and nobody knows yet.
    world.full.on_write([down()]);
    let first = world.create("kim").await;
    world.engine.idle().await;
    world.delete("kim").await;
    world.full.on_write([Act::LoseReply]);
    world.full.on_find([down()]);
    let second = world.create("kim").await;
    world.engine.idle().await;
    assert_eq!(world.lives(&second, &full()), [State::InDoubt]);
    world.settle().await;
    assert_eq!(world.lives(&first, &full()), [State::Settled]);
    assert_eq!(world.lives(&second, &full()), [State::Settled]);
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn a_member_whose_account_is_made_anew_is_put_into_its_groups_again() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    group(&world, "sales", &["kim"]).await;
    world.settle().await;
    {
        let mut state = world.full.state();
        state.accounts.retain(|_, account| account.name == "sales");
        for account in state.accounts.values_mut() {
            account.members.clear();
        }
    }
    world.mail("kim", "new@acme.example").await;
    world.settle().await;
    let kim = world.reader().user(&"kim".into()).unwrap().unwrap();
    let link = world
        .reader()
        .link(&full(), domain::LocalRef::User(kim.id))
        .unwrap()
        .unwrap();
    assert_eq!(
        world.full.account("sales").members,
        [link.remote_id.0].into()
    );
}

#[tokio::test]
async fn a_members_new_account_carries_out_no_group_change_that_was_given_up_or_is_dead() {
    for discard in [true, false] {
        let world = World::with(only_full).await;
        world.full.on_write([down()]);
        world.create("kim").await;
        world.engine.idle().await;
        world
            .full
            .on_write([Act::Fail(failure(FailureKind::Rejected, Remedy::GiveUp))]);
        let outcome = group(&world, "sales", &["kim"]).await;
        world.engine.idle().await;
        let operation = outcome.operations[0].operation;
        if discard {
            world.engine.discard(operation, "not wanted").await.unwrap();
        }
        world.settle().await;
        assert_eq!(world.full.names(), ["kim"]);
        if !discard {
            world.engine.retry(operation).await.unwrap();
            world.settle().await;
            assert_eq!(world.full.account("sales").members.len(), 1);
        }
    }
}

/// Returns how many operations put a member into a group whose account came late.
pub(super) fn late(world: &World) -> usize {
    let records = world.reader().export(0).map(Result::unwrap);
    records
        .filter(|record| {
            matches!(&record.fact, Fact::OperationQueued { queued }
                if matches!(queued.cause, crate::Cause::MemberLinked { .. }))
        })
        .count()
}

/// Lets everything go on that waits for neither the clock, the journal nor a target.
pub(super) async fn breathe() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_group_that_is_due_while_its_members_account_is_written_down_waits_for_it() {
    let half = Duration::from_millis(500);
    for dies in [false, true] {
        let mut world = World::with(only_full).await;
        world.full.on_write([down()]);
        world.create("kim").await;
        world.engine.idle().await;
        world.clock.advance(half);
        world.full.on_write([down()]);
        group(&world, "sales", &["kim"]).await;
        world.engine.idle().await;
        // Kim's account is made, and the journal takes its time.
        world.full.open.send_replace(false);
        let arrived = *world.full.arrived.borrow();
        world.clock.advance(half);
        world.full.has_seen(arrived + 1).await;
        let (go_on, stalled) = std::sync::mpsc::channel::<()>();
        let inner = world.engine.inner_for_tests();
        inner.journal.run(move |_| {
            let _ = stalled.recv(); // goes on when the other end is dropped
        });
        drop(inner);
        world.full.open.send_replace(true);
        breathe().await;
        assert_eq!(world.full.names(), ["kim"]);
        // Meanwhile the group is due.
        world.clock.advance(half);
        breathe().await;
        drop(go_on);
        if dies {
            world.crash().await;
        }
        world.settle().await;
        assert_eq!(world.full.account("sales").members.len(), 1);
        assert_eq!(late(&world), 0, "the group was not sent without Kim");
    }
}

#[tokio::test]
async fn a_late_membership_undoes_nothing_that_came_into_the_groups_lane_before_it() {
    let mut world = World::with(only_full).await;
    world.create("lee").await;
    world.settle().await;
    group(&world, "sales", &["lee"]).await;
    world.settle().await;
    world.full.on_write([down()]);
    world.create("kim").await;
    world.engine.idle().await;
    join(&world, "sales", "kim").await;
    world.engine.idle().await;
    world.full.open.send_replace(false);
    let arrived = *world.full.arrived.borrow();
    world.clock.advance(Duration::from_secs(1));
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
    assert_eq!(world.full.names(), ["kim", "lee", "sales"]);
    // Nor is there for Lee, who leaves the group; and then Lee does so before it is tried again.
    leave(&world, "sales", "lee").await.unwrap_err();
    refuse(false);
    leave(&world, "sales", "lee").await.unwrap();
    drop(inner);
    while !world.full.account("sales").members.is_empty() {
        tokio::task::yield_now().await;
    }
    world.clock.advance(Duration::from_secs(1));
    world.settle().await;
    let kim = world.full.id("kim").0;
    assert_eq!(world.full.account("sales").members, [kim.clone()].into());
    assert_eq!(late(&world), 1, "one operation, which brings Kim alone");
    // Nor is anything missing or put back when the process ends.
    world.crash().await;
    world.settle().await;
    assert_eq!(world.full.account("sales").members, [kim].into());
    assert_eq!(late(&world), 1);
}
