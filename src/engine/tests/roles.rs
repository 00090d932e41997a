//! Roles of the directory: created, renamed and deleted, and what becomes of their holders.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{Brake, Change, Reason, TriggerKind, Verb, Verdict};

use super::double::rejected;
use super::journal::Folded;
use super::world::{World, console, full, mail, only_full, plain, provisioner, role, user};
use crate::{DirectoryChange, DirectoryError, Outcome, Page, SubmitError};

/// A world whose full target is for some roles.
async fn asking_for(roles: &[&str]) -> World {
    World::with(|configuration| {
        only_full(configuration);
        configuration.connections[0].outbound_roles = roles.iter().map(|name| role(name)).collect();
    })
    .await
}

async fn create_with(world: &World, name: &str, roles: &[&str]) {
    let mut new = user(name);
    new.roles = roles.iter().map(|name| role(name)).collect();
    let change = Change::CreateUser {
        user: new,
        password: None,
    };
    world.submit(change).await.unwrap();
}

fn delete(name: &str) -> Change {
    Change::DeleteRole { role: role(name) }
}

fn rename(name: &str, to: &str) -> Change {
    Change::RenameRole {
        role: role(name),
        to: to.to_owned(),
    }
}

fn roles_of(world: &World, name: &str) -> Vec<String> {
    let user = world.reader().user(&name.into()).unwrap().unwrap();
    user.roles.iter().map(ToString::to_string).collect()
}

fn known(world: &World) -> Vec<String> {
    let roles = world.reader().roles().unwrap();
    roles.iter().map(ToString::to_string).collect()
}

fn refusal(result: Result<Outcome, SubmitError>) -> DirectoryError {
    match result {
        Err(SubmitError::Directory(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn triggers(outcome: &Outcome) -> Vec<(TriggerKind, String)> {
    outcome
        .triggers
        .iter()
        .map(|entry| (entry.trigger.kind, entry.trigger.subject_name.to_string()))
        .collect()
}

#[tokio::test]
async fn a_deleted_role_is_taken_from_each_holder_and_the_last_one_takes_the_account_along() {
    let world = asking_for(&["manager", "lead"]).await;
    create_with(&world, "kim", &["manager", "lead"]).await;
    create_with(&world, "bob", &["manager"]).await;
    create_with(&world, "ann", &["lead"]).await;
    world.settle().await;
    let plan = world.engine.plan(&console(delete("manager"))).unwrap();
    assert_eq!(
        roles_of(&world, "bob"),
        ["Internal/manager"],
        "only planned"
    );
    let outcome = world.submit(delete("manager")).await.unwrap();
    let revoked = |name: &str| (TriggerKind::RoleRevoked, name.to_owned());
    assert_eq!(triggers(&outcome), [revoked("bob"), revoked("kim")]);
    assert_eq!(plan.triggers.len(), 2);
    for (planned, done) in plan.triggers.iter().zip(&outcome.triggers) {
        assert_eq!(planned.event, done.event);
        assert_eq!(
            planned.decisions[0].verdict,
            done.decisions[0].decision.verdict
        );
    }
    let told = &outcome.triggers[0].event;
    assert!(
        told.iter()
            .any(|line| line.text == "role Internal/manager was deleted"),
        "{told:?}"
    );
    world.settle().await;
    assert_eq!(world.full.names(), ["ann", "kim"]);
    assert_eq!(roles_of(&world, "kim"), ["Internal/lead"]);
    assert!(roles_of(&world, "bob").is_empty());
    assert!(known(&world).is_empty());
    assert_eq!(world.reader().flows(Page::newest(9)).unwrap().len(), 4);
    let reader = world.reader();
    Folded::of(&reader).check(&reader);
    // The connection goes on naming it, so that it can be given again; there is nothing left to delete.
    let again = refusal(world.submit(delete("manager")).await).to_string();
    assert!(
        again.contains("outbound roles of connection one"),
        "{again}"
    );
    let unknown = refusal(world.submit(delete("nobody")).await);
    assert!(matches!(unknown, DirectoryError::RoleUnknown { .. }));
}

#[tokio::test]
async fn what_happens_to_a_role_that_nobody_holds_is_listed_among_the_flows() {
    let world = asking_for(&["manager"]).await;
    create_with(&world, "kim", &["manager"]).await;
    let created = Change::CreateRole {
        role: role("auditor"),
        holders: BTreeSet::new(),
    };
    let created = world.submit(created).await.unwrap();
    create_with(&world, "bob", &["manager"]).await;
    let renamed = world.submit(rename("auditor", "examiner")).await.unwrap();
    world.settle().await;
    let reader = world.reader();
    let listed = reader.flows(Page::newest(9)).unwrap();
    let names: Vec<Option<String>> = listed
        .iter()
        .map(|flow| Some(flow.triggers.first()?.subject_name.to_string()))
        .collect();
    let user = |name: &str| Some(name.to_owned());
    assert_eq!(names, [None, user("bob"), None, user("kim")]);
    assert_eq!(
        (listed[0].flow, listed[2].flow),
        (renamed.flow, created.flow)
    );
    // The pages fit to each other.
    let mut paged = reader.flows(Page::newest(2)).unwrap();
    let next = paged.last().unwrap().seq;
    paged.extend(reader.flows(Page::before(next, 2)).unwrap());
    assert_eq!(paged, listed);
}

#[tokio::test]
async fn a_process_that_ends_in_the_middle_of_a_role_deletion_leaves_all_of_it_or_nothing() {
    let mut world = asking_for(&["manager"]).await;
    for name in ["kim", "bob"] {
        create_with(&world, name, &["manager"]).await;
    }
    world.settle().await;
    world.full.open.send_replace(false);
    let seen = *world.full.arrived.borrow();
    let outcome = world.submit(delete("manager")).await.unwrap();
    assert_eq!(outcome.operations.len(), 2);
    world.full.has_seen(seen + 1).await;
    world.crash().await;
    for name in ["kim", "bob"] {
        assert!(roles_of(&world, name).is_empty());
    }
    assert!(known(&world).is_empty());
    world.settle().await;
    assert!(world.full.names().is_empty());
    let reader = world.reader();
    Folded::of(&reader).check(&reader);
}

#[tokio::test]
async fn a_renamed_role_takes_its_holders_out_of_the_scope_of_whoever_asks_for_the_old_name() {
    let world = World::with(|configuration| {
        configuration.resident = vec![provisioner(full()), provisioner(plain())];
        configuration.connections[0].outbound_roles = vec![role("manager")];
        configuration.connections[1].outbound_roles = vec![role("boss")];
    })
    .await;
    create_with(&world, "kim", &["manager"]).await;
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    let outcome = world.submit(rename("manager", "boss")).await.unwrap();
    assert_eq!(
        triggers(&outcome),
        [
            (TriggerKind::RoleRevoked, "kim".to_owned()),
            (TriggerKind::RoleAssigned, "kim".to_owned())
        ]
    );
    world.settle().await;
    assert!(world.full.names().is_empty());
    assert_eq!(world.plain.names(), ["kim"]);
    assert_eq!(roles_of(&world, "kim"), ["Internal/boss"]);
    assert_eq!(known(&world), ["Internal/boss"]);
    let reader = world.reader();
    Folded::of(&reader).check(&reader);
}

#[tokio::test]
async fn a_renamed_role_keeps_the_accounts_where_both_names_are_asked_for() {
    let world = asking_for(&["manager", "boss"]).await;
    create_with(&world, "kim", &["manager"]).await;
    world.settle().await;
    let outcome = world
        .submit(rename("manager", "Internal/boss"))
        .await
        .unwrap();
    assert!(outcome.operations.is_empty());
    world.settle().await;
    assert_eq!(world.full.verbs(), [Verb::Create]);
    for (name, to, told) in [
        ("boss", "Application/boss", "a role keeps its audience"),
        ("boss", " ", "it is blank"),
        ("boss", "boss", "has that name already"),
        ("nobody", "somebody", "there is no role Internal/nobody"),
    ] {
        let error = refusal(world.submit(rename(name, to)).await).to_string();
        assert!(error.contains(told), "{error}");
    }
    world.submit(rename("boss", "Boss")).await.unwrap();
    assert_eq!(known(&world), ["Internal/Boss"], "its own name's case");
}

#[tokio::test]
async fn a_role_is_created_with_holders_and_a_name_of_another_case_is_the_same() {
    let world = asking_for(&["auditor"]).await;
    world.create("kim").await;
    let before = world.reader().last().unwrap();
    let new = |name: &str, holders: &[&str]| Change::CreateRole {
        role: role(name),
        holders: holders.iter().map(|name| (*name).into()).collect(),
    };
    let unknown = refusal(world.submit(new("auditor", &["kim", "nobody"])).await);
    assert!(matches!(unknown, DirectoryError::UserUnknown { .. }));
    let blank = refusal(world.submit(new("Internal/", &[])).await);
    assert!(matches!(blank, DirectoryError::NameUnusable { .. }));
    assert_eq!(world.reader().last().unwrap(), before);
    let outcome = world.submit(new("auditor", &["kim", "KIM"])).await.unwrap();
    assert_eq!(
        triggers(&outcome),
        [(TriggerKind::RoleAssigned, "kim".to_owned())]
    );
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    let taken = refusal(world.submit(new("AUDITOR", &[])).await);
    assert_eq!(
        taken.to_string(),
        "there is a role Internal/auditor already"
    );
    assert!(matches!(taken, DirectoryError::RoleTaken { .. }));
}

#[tokio::test]
async fn a_role_without_holders_is_a_flow_without_triggers_and_is_told_all_the_same() {
    let world = World::new().await;
    let change = Change::CreateRole {
        role: role("Application/auditor"),
        holders: BTreeSet::new(),
    };
    let plan = world.engine.plan(&console(change.clone())).unwrap();
    assert!(plan.triggers.is_empty());
    let outcome = world.submit(change).await.unwrap();
    assert!(outcome.is_accepted() && outcome.operations.is_empty());
    let trace = world.trace(&outcome);
    assert!(trace.triggers.is_empty());
    let [(_, DirectoryChange::RolePut(made))] = &trace.directory[..] else {
        panic!("{:?}", trace.directory);
    };
    assert_eq!(*made, role("Application/auditor"));
    assert!(known(&world).contains(&"Application/auditor".to_owned()));
}

#[tokio::test]
async fn a_role_deletion_that_takes_many_accounts_away_meets_the_brake() {
    let world = asking_for(&["manager"]).await;
    for at in 0..30 {
        create_with(&world, &format!("u{at}"), &["manager"]).await;
    }
    world.settle().await;
    let plan = world.engine.plan(&console(delete("manager"))).unwrap();
    let held = plan.triggers.iter().flat_map(|trigger| &trigger.decisions);
    let held = held.filter(|decision| {
        matches!(&decision.verdict, Verdict::Operation(planned) if planned.held == Some(Reason::BrakeEngaged))
    });
    assert_eq!(held.count(), 20);
    assert!(world.engine.brakes().is_empty());
    world.submit(delete("manager")).await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names().len(), 20);
    assert_eq!(world.engine.brakes().remove(0).brake, Brake::Deletes);
    let hour = Duration::from_hours(1);
    world
        .engine
        .approve_brake(&full(), Brake::Deletes, "Ada", "the role is gone", hour)
        .await
        .unwrap();
    world.settle().await;
    assert!(world.full.names().is_empty());
}

#[tokio::test]
async fn a_role_that_a_blocking_target_does_not_let_go_stays_with_its_holders() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.resident[0].blocking = true;
        configuration.connections[0].outbound_roles = vec![role("manager")];
    })
    .await;
    create_with(&world, "kim", &["manager"]).await;
    world.full.on_write([rejected()]);
    let outcome = world.submit(delete("manager")).await.unwrap();
    assert!(!outcome.is_accepted());
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    assert_eq!(roles_of(&world, "kim"), ["Internal/manager"]);
    assert_eq!(known(&world), ["Internal/manager"]);
}

#[tokio::test]
async fn nobody_gets_a_role_while_it_is_deleted_and_no_other_change_brings_it_back() {
    let world = World::with(only_full).await;
    create_with(&world, "kim", &["manager"]).await;
    world.create("ann").await;
    let assign = Change::AssignRole {
        user: "ann".into(),
        role: role("manager"),
    };
    let (_, changed, deleted) = tokio::join!(
        world.submit(assign),
        world.submit(mail("kim", "new@acme.example")),
        world.submit(delete("manager")),
    );
    changed.unwrap();
    deleted.unwrap();
    assert!(world.reader().holders(&role("manager")).unwrap().is_empty());
    let kim = world.reader().user(&"kim".into()).unwrap().unwrap();
    assert_eq!(kim.claim(&"emailaddress".into()), Some("new@acme.example"));
}
