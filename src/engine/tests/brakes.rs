//! The brakes: how much may be taken away, what waits, and whose word lets it go on.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{Brake, Change, Deprovision, QualifiedName, Reason, Verb};

use super::double::rejected;
use super::world::{World, console, full, only_full, plain, role};
use crate::{CommandError, Fact, Life, State};

/// A world with so many users at the full target.
async fn peopled(count: usize, change: impl FnOnce(&mut domain::Configuration)) -> World {
    let world = World::with(|configuration| {
        only_full(configuration);
        change(configuration);
    })
    .await;
    for at in 0..count {
        world.create(&format!("u{at}")).await;
    }
    world.settle().await;
    world
}

fn kept(world: &World, brake: Brake) -> usize {
    world.reader().kept_by(&full(), brake, 1000).unwrap().len()
}

#[tokio::test]
async fn a_mass_delete_takes_away_no_more_than_the_brake_allows() {
    for (accounts, allowed) in [(30, 10), (50, 10), (100, 20)] {
        let world = peopled(accounts, |_| {}).await;
        for at in 0..accounts {
            world.delete(&format!("u{at}")).await;
        }
        world.settle().await;
        assert_eq!(world.full.names().len(), accounts - allowed);
        assert_eq!(kept(&world, Brake::Deletes), accounts - allowed);
        let engaged = world.engine.brakes().remove(0);
        assert_eq!(engaged.counted, allowed as u64 + 1);
        assert_eq!(engaged.accounts, accounts as u64);
    }
}

#[tokio::test]
async fn a_role_mistyped_in_the_file_takes_away_no_more_than_the_brake_allows() {
    let mut world = peopled(30, |configuration| {
        configuration.connections[0].outbound_roles = Vec::new();
    })
    .await;
    world
        .reconfigure(|configuration| {
            configuration.connections[0].outbound_roles = vec![role("Internal/manger")];
        })
        .await;
    for at in 0..30 {
        let name = format!("u{at}");
        world.mail(&name, &format!("{name}@new.example")).await;
    }
    world.settle().await;
    assert_eq!(world.full.names().len(), 20);
    world
        .engine
        .reject_brake(&full(), Brake::Deletes, "Ada", "a slip in the role's name")
        .await
        .unwrap();
    world
        .reconfigure(|configuration| configuration.connections[0].outbound_roles = Vec::new())
        .await;
    for at in 10..30 {
        let name = format!("u{at}");
        world.mail(&name, &format!("{name}@newer.example")).await;
    }
    world.settle().await;
    assert_eq!(world.full.names().len(), 20);
    assert!(world.engine.brakes().is_empty());
}

#[tokio::test]
async fn what_is_kept_says_so_in_its_trace_and_others_of_the_connector_go_on_in_order() {
    let world = peopled(20, |_| {}).await;
    for at in 0..10 {
        world.delete(&format!("u{at}")).await;
    }
    let outcome = world.delete("u10").await;
    world.settle().await;
    assert_eq!(
        world.life(&outcome, &full()),
        Life::Held {
            reason: Reason::BrakeEngaged
        }
    );
    let trace = &outcome.triggers[0].decisions[0].decision.trace;
    let line = trace.last().unwrap();
    assert_eq!(line.reason, Some(Reason::BrakeEngaged));
    assert!(
        line.text.contains("11 accounts deleted of 20"),
        "{}",
        line.text
    );
    // Another user's change and creation go on.
    world.mail("u11", "new@acme.example").await;
    world.create("new").await;
    world.settle().await;
    assert!(world.full.names().contains(&"new".to_owned()));
    assert_eq!(
        world.full.account("u11").attributes["email"],
        "new@acme.example"
    );
    let minute = Duration::from_mins(1);
    world
        .engine
        .approve_brake(&full(), Brake::Deletes, "Ada", "the year ends", minute)
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.life(&outcome, &full()), Life::Settled);
}

#[tokio::test]
async fn what_comes_after_what_is_kept_waits_for_it_in_its_lane() {
    let manager = || BTreeSet::from([role("Internal/manager")]);
    let world = peopled(0, |configuration| {
        configuration.connections[0].outbound_roles = vec![role("Internal/manager")];
        configuration.engine.brakes.count = 0;
        configuration.engine.brakes.percent = 0;
    })
    .await;
    let mut kim = super::world::user("kim");
    kim.roles = manager();
    world
        .submit(Change::CreateUser {
            user: kim,
            password: None,
        })
        .await
        .unwrap();
    world.settle().await;
    let gone = world
        .submit(Change::RevokeRole {
            user: "kim".into(),
            role: role("Internal/manager"),
        })
        .await
        .unwrap();
    let back = world
        .submit(Change::AssignRole {
            user: "kim".into(),
            role: role("Internal/manager"),
        })
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.lives(&gone, &full()), [State::Held]);
    assert_eq!(world.lives(&back, &full()), [State::Queued]);
    world
        .engine
        .approve_brake(
            &full(),
            Brake::Deletes,
            "Ada",
            "meant",
            Duration::from_mins(1),
        )
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(
        world.full.verbs(),
        [Verb::Create, Verb::Deprovision, Verb::Create]
    );
}

#[tokio::test]
async fn an_approval_has_a_name_and_an_end_and_what_it_covers_is_not_counted() {
    let world = peopled(60, |_| {}).await;
    for at in 0..20 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    let kept_before = kept(&world, Brake::Deletes);
    assert!(kept_before > 0);
    let connector = full();
    let approve = |by: &'static str, expires| {
        world
            .engine
            .approve_brake(&connector, Brake::Deletes, by, "leavers", expires)
    };
    let hour = Duration::from_hours(1);
    assert!(matches!(
        approve(" ", hour).await,
        Err(CommandError::NobodyApproves)
    ));
    assert!(matches!(
        approve("Ada", 8 * 24 * hour).await,
        Err(CommandError::ApprovedTooLong)
    ));
    assert_eq!(kept(&world, Brake::Deletes), kept_before);
    assert_eq!(approve("Ada", hour).await.unwrap(), kept_before as u64);
    for at in 20..35 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    assert_eq!(world.full.names().len(), 25);
    assert!(matches!(
        approve("Ada", hour).await,
        Err(CommandError::NotBraked(..))
    ));
    let approval = world.reader().approvals().unwrap().remove(0);
    assert_eq!(
        (approval.by.as_str(), approval.reason.as_str()),
        ("Ada", "leavers")
    );
    world.clock.advance(hour);
    for at in 35..60 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    assert_eq!(
        world.full.names().len(),
        15,
        "ten more, then it engages again"
    );
    assert_eq!(world.engine.brakes().len(), 1);
}

#[tokio::test]
async fn a_rejection_gives_each_up_explicitly_and_the_accounts_stay() {
    let world = peopled(30, |_| {}).await;
    let mut outcomes = Vec::new();
    for at in 0..15 {
        outcomes.push(world.delete(&format!("u{at}")).await);
    }
    world.settle().await;
    let discarded = world
        .engine
        .reject_brake(&full(), Brake::Deletes, "Ada", "nobody leaves")
        .await
        .unwrap();
    assert_eq!(discarded, 5);
    world.settle().await;
    assert_eq!(world.full.names().len(), 20);
    assert_eq!(world.lives(&outcomes[14], &full()), [State::Discarded]);
    let trace = world.trace(&outcomes[14]);
    let why = trace.operations[0].discarded.clone().unwrap();
    assert_eq!(why, "rejected by Ada: nobody leaves");
    world
        .until(|fact| matches!(fact, Fact::BrakeRejected { discarded: 5, .. }))
        .await;
    super::journal::Folded::of(&world.reader()).check(&world.reader());
}

#[tokio::test]
async fn a_restart_forgets_neither_the_count_nor_the_brake_nor_the_approval() {
    let mut world = peopled(30, |_| {}).await;
    for at in 0..8 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    world.crash().await;
    for at in 8..15 {
        world.delete(&format!("u{at}")).await;
        world.settle().await;
        world.crash().await;
    }
    assert_eq!(world.full.names().len(), 20);
    assert_eq!(kept(&world, Brake::Deletes), 5);
    let hour = Duration::from_hours(1);
    world
        .engine
        .approve_brake(&full(), Brake::Deletes, "Ada", "leavers", hour)
        .await
        .unwrap();
    world.crash().await;
    for at in 15..30 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    assert!(world.full.names().is_empty());
    assert!(world.engine.brakes().is_empty());
}

#[tokio::test]
async fn what_was_approved_just_before_the_process_ended_goes_on_with_the_next() {
    let hour = Duration::from_hours(1);
    // As long as the approval stands; what has not gone on by then is counted.
    for (passed, left) in [(Duration::ZERO, 15), (hour, 20)] {
        let mut world = peopled(40, |_| {}).await;
        for at in 0..25 {
            world.delete(&format!("u{at}")).await;
        }
        world.settle().await;
        let engaged = world.engine.brakes().remove(0);
        let mut batch = crate::journal::Batch::default();
        let now = domain::Clock::now(&world.clock);
        batch.push(
            None,
            Fact::BrakeApproved {
                approval: crate::Approval {
                    connector: full(),
                    brake: engaged.brake,
                    by: "Ada".to_owned(),
                    reason: "leavers".to_owned(),
                    at: now,
                    until: crate::retry::later(now, hour),
                },
            },
        );
        world.engine.inner_for_tests().append(batch).await.unwrap();
        world.clock.advance(passed);
        world.crash().await;
        world.settle().await;
        assert_eq!(world.full.names().len(), left, "{passed:?}");
    }
}

#[tokio::test]
async fn what_was_kept_by_a_brake_that_was_never_written_down_is_counted_by_the_next_process() {
    let mut world = peopled(40, |_| {}).await;
    for at in 0..25 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    // As when the process ends before what made the brake engage is committed, and after what it keeps was.
    let inner = world.engine.inner_for_tests();
    inner.journal.run(|db| {
        db.execute_batch("DELETE FROM standing WHERE what LIKE 'brake/%'")
            .unwrap();
    });
    drop(inner);
    world.crash().await;
    world.settle().await;
    assert_eq!(world.full.names().len(), 30);
    assert_eq!(kept(&world, Brake::Deletes), 15);
    assert_eq!(world.engine.brakes().len(), 1);
}

#[tokio::test]
async fn each_kind_is_counted_by_itself_and_a_window_passes() {
    let world = peopled(40, |configuration| {
        configuration.connections[0].connectors[0].deprovision = Deprovision::Deactivate;
    })
    .await;
    let users = |range: std::ops::Range<usize>| -> BTreeSet<QualifiedName> {
        range
            .map(|at| QualifiedName::new(&format!("u{at}")))
            .collect()
    };
    world
        .submit(Change::CreateGroup {
            group: "staff".into(),
            members: users(0..40),
        })
        .await
        .unwrap();
    world.settle().await;
    for at in 0..10 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    assert!(world.engine.brakes().is_empty());
    let outcome = world
        .submit(Change::ChangeGroup {
            group: "staff".into(),
            add: BTreeSet::new(),
            remove: users(10..30),
        })
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(
        world.life(&outcome, &full()),
        Life::Held {
            reason: Reason::BrakeEngaged
        }
    );
    let engaged: Vec<Brake> = world
        .engine
        .brakes()
        .iter()
        .map(|brake| brake.brake)
        .collect();
    assert_eq!(engaged, [Brake::GroupRemovals]);
    world.clock.advance(Duration::from_secs(3601));
    for at in 10..17 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    assert_eq!(world.engine.brakes().len(), 1);
}

#[tokio::test]
async fn a_plan_shows_the_brake_and_counts_nothing() {
    let world = peopled(20, |_| {}).await;
    for at in 0..10 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    let request = super::world::console(Change::DeleteUser { user: "u10".into() });
    let held = |plan: &crate::Plan| match &plan.triggers[0].decisions[0].verdict {
        domain::Verdict::Operation(planned) => planned.held,
        domain::Verdict::Nothing(_) => None,
    };
    for _ in 0..3 {
        let plan = world.engine.plan(&request).unwrap();
        assert_eq!(held(&plan), Some(Reason::BrakeEngaged));
        let plan = crate::plan(&world.options(), &request).unwrap();
        assert_eq!(held(&plan), Some(Reason::BrakeEngaged));
    }
    assert!(world.engine.brakes().is_empty());
}

#[tokio::test]
async fn a_brake_that_is_off_keeps_nothing() {
    let world = peopled(30, |configuration| {
        configuration.connections[0].connectors[0].brakes = Some(domain::BrakePolicy {
            enabled: false,
            ..domain::BrakePolicy::default()
        });
    })
    .await;
    for at in 0..30 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    assert!(world.full.names().is_empty());
}

#[tokio::test]
async fn one_who_would_wait_for_what_a_brake_keeps_hears_it_at_once() {
    let world = peopled(20, |configuration| {
        configuration.resident[0].blocking = true;
        configuration
            .resident
            .push(super::world::provisioner(plain()));
    })
    .await;
    for at in 0..10 {
        assert!(world.delete(&format!("u{at}")).await.is_accepted());
    }
    let outcome = world.delete("u10").await;
    assert!(!outcome.is_accepted());
    world.settle().await;
    assert!(world.plain.names().contains(&"u10".to_owned()));
    assert_eq!(world.reader().user_count().unwrap(), 10);
    assert_eq!(world.engine.brakes().len(), 1);
}

/// Has the journal refuse everything, or nothing any more.
fn refuse(world: &World, on: bool) {
    let inner = world.engine.inner_for_tests();
    inner.journal.run(move |db| {
        db.pragma_update(None, "query_only", on).unwrap();
    });
}

#[tokio::test]
async fn a_request_that_could_not_be_written_is_not_counted() {
    let world = peopled(40, |_| {}).await;
    for at in 0..8 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    refuse(&world, true);
    for at in 8..14 {
        let user = format!("u{at}").as_str().into();
        world.submit(Change::DeleteUser { user }).await.unwrap_err();
    }
    refuse(&world, false);
    assert!(world.engine.brakes().is_empty());
    for at in 8..10 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    assert!(world.engine.brakes().is_empty());
    assert_eq!(world.full.names().len(), 30);
    world.delete("u10").await;
    world.settle().await;
    assert_eq!(world.engine.brakes().remove(0).counted, 11);
}

#[tokio::test]
async fn a_letter_that_could_not_be_decided_anew_is_not_counted() {
    let world = peopled(0, |configuration| {
        configuration.connections[0].outbound_roles = vec![role("Internal/manager")];
        configuration.engine.brakes.count = 1;
        configuration.engine.brakes.percent = 0;
    })
    .await;
    let mut user = super::world::user("kim");
    user.roles = BTreeSet::from([role("Internal/manager")]);
    let password = None;
    let created = world.submit(Change::CreateUser { user, password }).await;
    assert!(created.unwrap().is_accepted());
    world.settle().await;
    world.full.on_write([rejected()]);
    let revoked = world
        .submit(Change::RevokeRole {
            user: "kim".into(),
            role: role("Internal/manager"),
        })
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.life(&revoked, &full()), Life::Dead);
    world.clock.advance(PASSED);
    let letter = revoked.operations[0].operation;
    refuse(&world, true);
    for _ in 0..3 {
        let again = world.engine.decide_again(letter, false).await;
        again.unwrap_err();
    }
    refuse(&world, false);
    let again = world.engine.decide_again(letter, false).await.unwrap();
    assert!(again.replaced_by.is_some());
    world.settle().await;
    assert!(world.engine.brakes().is_empty());
    assert!(world.full.names().is_empty());
}

#[tokio::test]
async fn what_a_brake_kept_goes_on_when_what_made_it_engage_was_not_written() {
    // How many are taken out of the second group, and whether that is too much by itself.
    for (amount, is_too_much) in [(1, false), (15, true)] {
        let world = peopled(40, |_| {}).await;
        let users = |range: std::ops::Range<usize>| -> BTreeSet<QualifiedName> {
            range
                .map(|at| QualifiedName::new(&format!("u{at}")))
                .collect()
        };
        for (group, members) in [("staff", users(0..40)), ("board", users(0..20))] {
            let group = group.into();
            world
                .submit(Change::CreateGroup { group, members })
                .await
                .unwrap();
        }
        world.settle().await;
        // Everything can be written but what is to be done with the first group; and not before the writer has both.
        let (go_on, waits) = std::sync::mpsc::channel::<()>();
        let inner = world.engine.inner_for_tests();
        inner.journal.run(move |db| {
            db.execute_batch(
                "CREATE TEMP TRIGGER no_room BEFORE INSERT ON operations WHEN new.name LIKE '%staff'
                    BEGIN SELECT RAISE(ABORT, 'no room'); END",
            )
            .unwrap();
            waits.recv().unwrap();
        });
        drop(inner);
        let take_out = |group: &str, remove| {
            let engine = world.engine.clone();
            let change = Change::ChangeGroup {
                group: group.into(),
                add: BTreeSet::new(),
                remove,
            };
            tokio::spawn(async move { engine.submit(console(change)).await })
        };
        let many = take_out("staff", users(20..40));
        while world.engine.brakes().is_empty() {
            tokio::task::yield_now().await;
        }
        let others = take_out("board", users(0..amount));
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        go_on.send(()).unwrap();
        many.await.unwrap().unwrap_err();
        let others = others.await.unwrap().unwrap();
        let trace = &others.triggers[0].decisions[0].decision.trace;
        assert_eq!(trace.last().unwrap().reason, Some(Reason::BrakeEngaged));
        world.settle().await;
        let counted: Vec<u64> = world
            .engine
            .brakes()
            .iter()
            .map(|brake| brake.counted)
            .collect();
        if is_too_much {
            assert_eq!(counted, [15], "it is kept by a brake of its own");
            assert_eq!(kept(&world, Brake::GroupRemovals), 1);
        } else {
            assert!(counted.is_empty(), "{counted:?}");
            assert_eq!(world.life(&others, &full()), Life::Settled);
        }
    }
}

#[tokio::test]
async fn an_approval_that_could_not_be_written_lets_nothing_go_on() {
    let world = peopled(30, |_| {}).await;
    for at in 0..15 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    let before = world.engine.brakes();
    let connector = full();
    let approve = || {
        let hour = Duration::from_hours(1);
        world
            .engine
            .approve_brake(&connector, Brake::Deletes, "Ada", "leavers", hour)
    };
    refuse(&world, true);
    approve().await.unwrap_err();
    refuse(&world, false);
    assert_eq!(world.engine.brakes(), before);
    world.delete("u15").await;
    world.settle().await;
    assert_eq!(world.full.names().len(), 20);
    assert_eq!(approve().await.unwrap(), 6);
}

/// So long that nothing is counted any more that was before.
const PASSED: Duration = Duration::from_secs(3601);

/// A world with forty users, of whom so many were deleted long ago while the full target was paused.
async fn paused(deleted: usize) -> World {
    let world = peopled(40, |_| {}).await;
    world.engine.pause(&full(), "works on it").await.unwrap();
    // Never more within an hour than the brake allows.
    for at in 0..deleted {
        if at % 10 == 0 {
            world.clock.advance(PASSED);
        }
        world.delete(&format!("u{at}")).await;
    }
    assert!(world.engine.brakes().is_empty());
    world.clock.advance(PASSED);
    world
}

#[tokio::test]
async fn what_a_pause_kept_for_long_is_counted_when_it_ends() {
    let mut world = paused(30).await;
    world.engine.resume(&full(), "done").await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names().len(), 30);
    assert_eq!(kept(&world, Brake::Deletes), 20);
    let engaged = world.engine.brakes().remove(0);
    assert_eq!((engaged.counted, engaged.accounts), (11, 40));
    super::journal::Folded::of(&world.reader()).check(&world.reader());
    world.crash().await;
    world.settle().await;
    assert_eq!(world.full.names().len(), 30);
    let minute = Duration::from_mins(1);
    world
        .engine
        .approve_brake(&full(), Brake::Deletes, "Ada", "leavers", minute)
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.full.names().len(), 10);
}

#[tokio::test]
async fn what_a_pause_kept_is_counted_once_when_it_was_short_and_outlasts_the_process_when_it_was_long()
 {
    for pause in [Duration::from_mins(5), PASSED] {
        let mut world = peopled(40, |_| {}).await;
        world.engine.pause(&full(), "works on it").await.unwrap();
        for at in 0..8 {
            world.delete(&format!("u{at}")).await;
        }
        world.clock.advance(pause);
        world.engine.resume(&full(), "done").await.unwrap();
        world.settle().await;
        assert_eq!(world.full.names().len(), 32);
        world.crash().await;
        for at in 8..14 {
            world.delete(&format!("u{at}")).await;
        }
        world.settle().await;
        assert_eq!(world.full.names().len(), 30, "after {pause:?}");
        assert_eq!(kept(&world, Brake::Deletes), 4);
    }
}

#[tokio::test]
async fn nothing_stays_kept_when_a_pause_ends_while_somebody_approves_or_rejects() {
    for is_approved in [true, false] {
        let world = paused(30).await;
        let engine = world.engine.clone();
        let answer = async {
            // It has engaged, and what it is to keep is not written down yet.
            while engine.brakes().is_empty() {
                tokio::task::yield_now().await;
            }
            let (connector, kind) = (full(), Brake::Deletes);
            if is_approved {
                let minute = Duration::from_mins(1);
                let approved = engine.approve_brake(&connector, kind, "Ada", "leavers", minute);
                approved.await.unwrap()
            } else {
                let rejected = engine.reject_brake(&connector, kind, "Ada", "nobody leaves");
                rejected.await.unwrap()
            }
        };
        let connector = full();
        let resumed = world.engine.resume(&connector, "done");
        let (resumed, answered) = tokio::join!(resumed, answer);
        resumed.unwrap();
        world.settle().await;
        assert_eq!(answered, 20);
        assert!(world.engine.brakes().is_empty());
        assert_eq!(kept(&world, Brake::Deletes), 0);
        let left = if is_approved { 10 } else { 30 };
        assert_eq!(world.full.names().len(), left);
    }
}

#[tokio::test]
async fn what_two_release_at_once_is_counted_once() {
    let world = paused(8).await;
    let connector = full();
    let (one, other) = tokio::join!(
        world.engine.resume(&connector, "done"),
        world.engine.resume(&connector, "done, too")
    );
    one.unwrap();
    other.unwrap();
    world.settle().await;
    assert!(world.engine.brakes().is_empty());
    assert_eq!(world.full.names().len(), 32);
    for at in 8..12 {
        world.delete(&format!("u{at}")).await;
    }
    world.settle().await;
    assert_eq!(world.full.names().len(), 30);
    assert_eq!(kept(&world, Brake::Deletes), 2);
}

#[tokio::test]
async fn what_the_journal_does_not_let_go_on_is_not_counted() {
    let world = paused(8).await;
    // Everything can be written but that a held operation (4) goes on.
    let inner = world.engine.inner_for_tests();
    inner.journal.run(|db| {
        db.execute_batch(
            "CREATE TEMP TRIGGER no_room BEFORE UPDATE OF state ON operations WHEN old.state = 4
                BEGIN SELECT RAISE(ABORT, 'no room'); END",
        )
        .unwrap();
    });
    for _ in 0..2 {
        let resumed = world.engine.resume(&full(), "done").await;
        resumed.unwrap_err();
    }
    inner.journal.run(|db| {
        db.execute_batch("DROP TRIGGER no_room").unwrap();
    });
    drop(inner);
    world.engine.resume(&full(), "done").await.unwrap();
    world.settle().await;
    assert!(world.engine.brakes().is_empty());
    assert_eq!(world.full.names().len(), 32);
}
