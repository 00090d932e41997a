//! What a target has is compared with what was written and what should be there; what differs is told, and decided about.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{
    ACTIVE, Change, Condition, DEEPEST, Deprovision, Drift, FailureKind, LocalRef, Object,
    QualifiedName, Reason, Remedy, Resolution, RoleName, TriggerKind, Verb,
};
use serde_json::json;

use super::double::{Act, failure};
use super::world::{World, full, only_full};
use crate::{
    Anew, ClaimError, Fact, NotRead, Outcome, ReadBudget, ReconcileReport, ResolveError, State,
    Tally, Wish,
};

/// The attribute of this world.
const EMAIL: &str = "email";

/// Long enough for every target to show what was written.
async fn wait(world: &World) {
    world.settle().await;
    world.clock.advance(Duration::from_mins(5));
}

async fn compare(world: &World) -> ReconcileReport {
    compare_with(world, ReadBudget::default()).await
}

async fn compare_with(world: &World, budget: ReadBudget) -> ReconcileReport {
    let report = world.engine.reconcile(&full(), budget, false).await;
    report.unwrap()
}

async fn restart(world: &World, budget: ReadBudget) -> ReconcileReport {
    let report = world.engine.reconcile(&full(), budget, true).await;
    report.unwrap()
}

/// Starts with users who are there, long since.
async fn with(names: &[&str]) -> World {
    let world = World::with(only_full).await;
    for name in names {
        world.create(name).await;
    }
    wait(&world).await;
    world
}

fn local(world: &World, name: &str) -> LocalRef {
    let user = world.reader().user(&QualifiedName::new(name)).unwrap();
    LocalRef::User(user.unwrap().id)
}

fn wish(world: &World, name: &str, resolution: Resolution) -> Wish {
    Wish {
        connector: full(),
        local: local(world, name),
        fields: None,
        resolution,
        recreate: false,
        take_away: false,
    }
}

async fn resolve(world: &World, wish: &Wish) -> Result<Option<Outcome>, ResolveError> {
    let outcome = world.engine.resolve(wish).await;
    wait(world).await;
    outcome
}

fn fields(report: &ReconcileReport) -> Vec<(String, Drift)> {
    let differs = report
        .divergences
        .iter()
        .flat_map(|found| match &found.condition {
            Condition::Differs { fields } => fields.clone(),
            Condition::Missing | Condition::Unwanted { .. } => Vec::new(),
        });
    differs.map(|drift| (drift.field, drift.drift)).collect()
}

fn set_mail(world: &World, name: &str, value: &str) {
    let value = json!(value);
    world.full.edit(name, |account| {
        account.attributes.insert(EMAIL.to_owned(), value);
    });
}

fn the_mail(world: &World, name: &str) -> serde_json::Value {
    world.full.account(name).attributes[EMAIL].clone()
}

#[tokio::test]
async fn what_was_written_is_in_sync_and_nothing_is_written_for_it() {
    let world = with(&["kim", "lee"]).await;
    let before = world.full.verbs();
    let report = compare(&world).await;
    assert!(report.tally.is_in_sync(), "{report:?}");
    assert_eq!((report.tally.accounts, report.tally.in_sync), (2, 2));
    assert_eq!(report.tally.requests, 2, "one page of users, one of groups");
    assert_eq!(world.full.verbs(), before);
}

#[tokio::test]
async fn an_edit_at_the_target_is_found_and_restored_by_an_ordinary_operation() {
    let world = with(&["kim", "lee"]).await;
    set_mail(&world, "kim", "boss@evil.example");
    let report = compare(&world).await;
    assert_eq!(fields(&report), [(EMAIL.to_owned(), Drift::Remote)]);
    assert_eq!((report.tally.differing, report.tally.in_sync), (1, 1));
    let (kim, lee) = (local(&world, "kim"), local(&world, "lee"));
    let differing = || world.reader().differing([kim, lee]).unwrap();
    assert_eq!(differing(), BTreeSet::from([kim]));
    let outcome = resolve(&world, &wish(&world, "kim", Resolution::Restore)).await;
    let outcome = outcome.unwrap().unwrap();
    assert_eq!(the_mail(&world, "kim"), "kim@acme.example");
    let trace = world.trace(&outcome);
    assert_eq!(trace.triggers[0].trigger.kind, TriggerKind::UserReconciled);
    assert_eq!(world.lives(&outcome, &full()), [State::Settled]);
    assert_eq!(world.full.verbs().last(), Some(&Verb::Update));
    assert!(compare(&world).await.tally.is_in_sync());
    assert!(world.reader().drifts(None, None, 10).unwrap().is_empty());
    assert!(differing().is_empty());
}

#[tokio::test]
async fn a_restore_waits_in_its_lane_and_is_tried_again() {
    let world = with(&["kim"]).await;
    set_mail(&world, "kim", "boss@evil.example");
    compare(&world).await;
    world
        .full
        .on_write([super::double::down(), super::double::down()]);
    resolve(&world, &wish(&world, "kim", Resolution::Restore))
        .await
        .unwrap();
    assert_eq!(the_mail(&world, "kim"), "kim@acme.example");
    assert_eq!(
        world.full.verbs(),
        [Verb::Create, Verb::Update, Verb::Update, Verb::Update]
    );
}

#[tokio::test]
async fn what_was_written_only_just_now_is_not_called_different() {
    let world = with(&[]).await;
    world.create("kim").await;
    world.settle().await;
    set_mail(&world, "kim", "stale");
    let report = compare(&world).await;
    assert_eq!((fields(&report).len(), report.tally.fresh), (0, 1));
    world.full.lose("kim");
    let report = compare(&world).await;
    assert_eq!((report.tally.missing, report.tally.fresh), (0, 1));
    world.clock.advance(Duration::from_mins(2));
    assert_eq!(compare(&world).await.tally.missing, 1);
}

#[tokio::test]
async fn an_accepted_value_stays_until_something_else_is_desired() {
    let world = with(&["kim"]).await;
    set_mail(&world, "kim", "other@acme.example");
    compare(&world).await;
    let outcome = resolve(&world, &wish(&world, "kim", Resolution::Accept)).await;
    assert_eq!(outcome.unwrap(), None);
    let report = compare(&world).await;
    assert!(report.tally.is_in_sync());
    assert_eq!(report.tally.excepted, 1);
    let rename = Change::UpdateUser {
        user: "kim".into(),
        set: domain::Claims::new(),
        remove: BTreeSet::new(),
        rename: Some("kimberly".to_owned()),
    };
    world.submit(rename).await.unwrap();
    wait(&world).await;
    assert_eq!(
        the_mail(&world, "kimberly"),
        "other@acme.example",
        "it is not fought"
    );
    assert_eq!(compare(&world).await.tally.excepted, 1);
    world.mail("kimberly", "new@acme.example").await;
    wait(&world).await;
    assert_eq!(the_mail(&world, "kimberly"), "new@acme.example");
    let link = world
        .reader()
        .link(&full(), local(&world, "kimberly"))
        .unwrap()
        .unwrap();
    assert!(link.exceptions.is_empty());
    assert!(compare(&world).await.tally.is_in_sync());
}

#[tokio::test]
async fn an_ignored_difference_is_told_again_when_it_changes() {
    let world = with(&["kim"]).await;
    set_mail(&world, "kim", "one");
    compare(&world).await;
    resolve(&world, &wish(&world, "kim", Resolution::Ignore))
        .await
        .unwrap();
    assert!(compare(&world).await.tally.is_in_sync());
    set_mail(&world, "kim", "two");
    assert_eq!(compare(&world).await.tally.differing, 1);
}

#[tokio::test]
async fn a_name_and_a_deactivation_are_found_and_restored() {
    let world = with(&["kim"]).await;
    world.full.edit("kim", |account| {
        account.name = "boss".to_owned();
        account.active = false;
    });
    let report = compare(&world).await;
    let found: Vec<String> = fields(&report)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(found, [ACTIVE, "userName"]);
    resolve(&world, &wish(&world, "kim", Resolution::Restore))
        .await
        .unwrap();
    assert!(world.full.account("kim").active);
    assert!(compare(&world).await.tally.is_in_sync());
}

#[tokio::test]
async fn an_accepted_deactivation_is_not_undone_by_an_update() {
    let world = with(&["kim"]).await;
    world.full.edit("kim", |account| account.active = false);
    compare(&world).await;
    resolve(&world, &wish(&world, "kim", Resolution::Accept))
        .await
        .unwrap();
    let link = world
        .reader()
        .link(&full(), local(&world, "kim"))
        .unwrap()
        .unwrap();
    assert!(link.active, "so that no update wakes the account");
    assert!(compare(&world).await.tally.is_in_sync());
}

#[tokio::test]
async fn who_was_put_to_rest_here_and_woken_there_is_put_to_rest_again() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.connections[0].connectors[0].deprovision = Deprovision::Deactivate;
    })
    .await;
    world.create("kim").await;
    wait(&world).await;
    let kim = local(&world, "kim");
    world.delete("kim").await;
    wait(&world).await;
    assert!(compare(&world).await.tally.is_in_sync());
    world.full.edit("kim", |account| account.active = true);
    let report = compare(&world).await;
    assert_eq!(fields(&report), [(ACTIVE.to_owned(), Drift::Remote)]);
    let wish = Wish {
        connector: full(),
        local: kim,
        fields: None,
        resolution: Resolution::Restore,
        recreate: false,
        take_away: false,
    };
    resolve(&world, &wish).await.unwrap();
    assert!(!world.full.account("kim").active);
}

#[tokio::test]
async fn a_missing_account_is_made_anew_only_when_asked_for() {
    let world = with(&["kim"]).await;
    world.full.lose("kim");
    let report = compare(&world).await;
    assert_eq!(report.tally.missing, 1);
    let mut wish = wish(&world, "kim", Resolution::Restore);
    let error = resolve(&world, &wish).await.unwrap_err();
    assert!(matches!(error, ResolveError::NotPossible { .. }));
    assert!(world.full.names().is_empty());
    wish.recreate = true;
    resolve(&world, &wish).await.unwrap();
    assert_eq!(world.full.names(), ["kim"]);
    assert!(compare(&world).await.tally.is_in_sync());
}

#[tokio::test]
async fn an_account_that_should_not_be_there_is_taken_away_only_when_asked_for() {
    let mut world = with(&["kim"]).await;
    world
        .reconfigure(|configuration| {
            configuration.connections[0].outbound_roles = vec![RoleName::new("Internal/manager")];
        })
        .await;
    let report = compare(&world).await;
    let [found] = report.divergences.as_slice() else {
        panic!("{report:?}");
    };
    assert!(
        matches!(&found.condition, Condition::Unwanted { why } if why.reason == Reason::RoleNotHeld)
    );
    let mut wish = wish(&world, "kim", Resolution::Restore);
    assert!(resolve(&world, &wish).await.is_err());
    assert_eq!(world.full.names(), ["kim"]);
    wish.take_away = true;
    resolve(&world, &wish).await.unwrap();
    assert!(world.full.names().is_empty());
}

#[tokio::test]
async fn accounts_that_are_not_ours_are_counted_and_never_touched() {
    let world = with(&["kim"]).await;
    let created = domain::Clock::now(&world.clock);
    world.full.plant("root", created);
    let before = (world.full.account("root"), world.full.verbs());
    let report = compare(&world).await;
    assert!(report.tally.is_in_sync());
    assert_eq!(report.tally.strangers, 1);
    assert_eq!(report.tally.stranger_names, ["root"]);
    let id = world.full.id("root");
    for object in [Object::User, Object::Group] {
        let adopted = world.engine.adopt(&full(), object, &id).await;
        assert!(matches!(adopted, Err(ClaimError::NotOurs { .. })));
        let taken = world.engine.take_away(&full(), object, &id).await;
        assert!(matches!(taken, Err(ClaimError::NotOurs { .. })));
    }
    wait(&world).await;
    assert_eq!((world.full.account("root"), world.full.verbs()), before);
}

#[tokio::test]
async fn an_account_of_ours_whose_link_is_lost_is_linked_again() {
    let world = World::keeping(false, only_full).await;
    world.create("kim").await;
    wait(&world).await;
    let kim = local(&world, "kim");
    let name = QualifiedName::new("kim");
    world.engine.unlink(&full(), kim, &name).await.unwrap();
    assert_eq!(world.full.names(), ["kim"], "the account stays");
    let report = compare(&world).await;
    assert_eq!((report.tally.ours, report.tally.strangers), (1, 0));
    assert_eq!(report.orphans[0].remote_id, world.full.id("kim"));
    let because = &report.orphans[0].because;
    assert!(
        because.starts_with("it was linked to user kim until"),
        "{because}"
    );
    assert_eq!(world.reader().orphans(None).unwrap(), report.orphans);
    let refused = world
        .engine
        .take_away(&full(), Object::User, &world.full.id("kim"))
        .await;
    assert!(refused.is_err(), "kim should have it");
    let id = world.full.id("kim");
    let link = world
        .engine
        .adopt(&full(), Object::User, &id)
        .await
        .unwrap();
    assert_eq!((link.local, &link.remote_id), (kim, &id));
    assert!(compare(&world).await.tally.is_in_sync());
    assert!(world.reader().orphans(None).unwrap().is_empty());
}

#[tokio::test]
async fn what_a_connector_left_behind_is_let_go_of_only_once_the_engine_knows_it_no_longer() {
    let mut world = with(&["kim"]).await;
    let kim = local(&world, "kim");
    let name = QualifiedName::new("kim");
    let refused = world.engine.unlink_leftover(&full(), kim, &name).await;
    assert!(matches!(refused, Err(ClaimError::Configured(_))));
    world
        .reconfigure(|configuration| {
            configuration.resident.clear();
            configuration.connections.remove(0);
        })
        .await;
    let link = world.engine.unlink_leftover(&full(), kim, &name).await;
    assert_eq!(link.unwrap().local, kim);
    assert_eq!(world.full.names(), ["kim"], "the account stays");
}

#[tokio::test]
async fn an_account_of_somebody_who_has_left_is_taken_away_when_asked_for() {
    let world = with(&["kim"]).await;
    let kim = local(&world, "kim");
    let name = QualifiedName::new("kim");
    world.engine.unlink(&full(), kim, &name).await.unwrap();
    world.delete("kim").await;
    wait(&world).await;
    assert_eq!(world.full.names(), ["kim"]);
    assert_eq!(compare(&world).await.tally.ours, 1);
    let id = world.full.id("kim");
    let adopted = world.engine.adopt(&full(), Object::User, &id).await;
    assert!(matches!(&adopted, Err(ClaimError::HasLeft { who }) if who == "user kim"));
    let outcome = world
        .engine
        .take_away(&full(), Object::User, &id)
        .await
        .unwrap();
    wait(&world).await;
    assert!(world.full.names().is_empty());
    assert_eq!(world.lives(&outcome, &full()), [State::Settled]);
    assert!(compare(&world).await.tally.is_in_sync());
}

#[tokio::test]
async fn a_user_is_linked_by_hand_only_to_what_the_target_shows() {
    let world = with(&[]).await;
    let created = domain::Clock::now(&world.clock);
    world.full.plant("kim", created);
    world.engine.pause(&full(), "by a test").await.unwrap();
    let outcome = world.create("kim").await;
    let held = outcome.operations[0].operation;
    world.engine.discard(held, "by a test").await.unwrap();
    let kim = local(&world, "kim");
    let name = QualifiedName::new("kim");
    let id = world.full.id("kim");
    let linked = world.engine.link(&full(), kim, &name, &id).await;
    assert!(matches!(linked, Err(ClaimError::Held { .. })));
    world.engine.resume(&full(), "by a test").await.unwrap();
    let nobody = domain::RemoteId("nobody".to_owned());
    let linked = world.engine.link(&full(), kim, &name, &nobody).await;
    assert!(matches!(linked, Err(ClaimError::NotThere(_))));
    let link = world.engine.link(&full(), kim, &name, &id).await.unwrap();
    assert_eq!(link.origin, domain::LinkOrigin::Adopted);
    let again = world.engine.link(&full(), kim, &name, &id).await;
    assert!(matches!(again, Err(ClaimError::Taken { .. })));
    let report = compare(&world).await;
    assert_eq!(fields(&report), [(EMAIL.to_owned(), Drift::Stale)]);
    resolve(&world, &wish(&world, "kim", Resolution::Restore))
        .await
        .unwrap();
    assert_eq!(the_mail(&world, "kim"), "kim@acme.example");
}

#[tokio::test]
async fn reading_stops_at_its_budget_and_says_what_was_not_read() {
    let world = with(&["ann", "bob", "cem", "dan"]).await;
    set_mail(&world, "dan", "boss");
    assert_eq!(compare(&world).await.tally.differing, 1);
    let budget = ReadBudget {
        requests: 2,
        page: 1,
        ..ReadBudget::default()
    };
    let report = compare_with(&world, budget).await;
    let tally = &report.tally;
    assert_eq!((tally.requests, tally.accounts, tally.missing), (2, 2, 0));
    assert_eq!(tally.not_looked_for, 2);
    assert_eq!(tally.not_read, Some(NotRead::Requests { budget: 2 }));
    let known = world.reader().drifts(Some(&full()), None, 10).unwrap();
    assert_eq!(known.len(), 1, "what was not read again is not forgotten");
    let budget = ReadBudget {
        accounts: 3,
        ..ReadBudget::default()
    };
    let report = restart(&world, budget).await;
    assert_eq!(report.tally.accounts, 3);
    assert_eq!(report.tally.not_read, Some(NotRead::Accounts { budget: 3 }));
    // What was read before does not count a second time: there are three more for the fourth.
    let report = compare_with(&world, budget).await;
    assert_eq!((report.tally.accounts, report.tally.not_read), (4, None));
}

/// One request at a time, two accounts a page.
fn smallest() -> ReadBudget {
    ReadBudget {
        requests: 1,
        page: 2,
        ..ReadBudget::default()
    }
}

/// Compares with the smallest budget until everything was read; returns all reports.
async fn bit_by_bit(world: &World) -> Vec<ReconcileReport> {
    let mut reports = Vec::new();
    for _ in 0..50 {
        reports.push(compare_with(world, smallest()).await);
        if reports.last().unwrap().tally.not_read.is_none() {
            return reports;
        }
    }
    panic!("it comes to no end: {:?}", reports.last());
}

/// Returns what a report says, whatever the way to it.
fn said(report: ReconcileReport) -> (Tally, Vec<domain::Divergence>, Vec<domain::Orphan>) {
    let tally = Tally {
        continued: None,
        ..report.tally
    };
    (tally, report.divergences, report.orphans)
}

/// Five users and a group, of whom one differs, one is gone and one has lost the link; and somebody who is not ours.
async fn with_all_kinds() -> World {
    let world = with(&["ann", "bob", "cem", "dan", "eva"]).await;
    let members = BTreeSet::from([QualifiedName::new("ann")]);
    let group = QualifiedName::new("staff");
    world
        .submit(Change::CreateGroup { group, members })
        .await
        .unwrap();
    wait(&world).await;
    // One that the pages show, and one before it that they do not.
    set_mail(&world, "cem", "boss");
    world.full.lose("bob");
    let dan = local(&world, "dan");
    let name = QualifiedName::new("dan");
    world.engine.unlink(&full(), dan, &name).await.unwrap();
    world.full.plant("root", domain::Clock::now(&world.clock));
    world
}

#[tokio::test]
async fn bit_by_bit_it_comes_to_the_same_report_as_at_once() {
    let mut world = with_all_kinds().await;
    let budget = ReadBudget {
        page: 2,
        ..ReadBudget::default()
    };
    let whole = compare_with(&world, budget).await;
    let tally = &whole.tally;
    let found = (tally.differing, tally.missing, tally.ours, tally.strangers);
    assert_eq!(found, (1, 1, 1, 1));
    let whole = said(whole);

    let reports = bit_by_bit(&world).await;
    let each: Vec<u32> = reports.iter().map(|report| report.tally.requests).collect();
    let so_many: Vec<u32> = (1..).take(reports.len()).collect();
    assert_eq!(each, so_many, "no request is made twice");
    let run = reports[0].run;
    assert!(reports.iter().all(|report| report.run == run));
    for (at, report) in reports.iter().enumerate() {
        let tally = &report.tally;
        assert_eq!(tally.continued.is_some(), at > 0);
        assert_eq!(tally.goes_on, tally.not_read.is_some());
        // The users are on three pages.
        let missing = u64::from(tally.pages > 3 || tally.requests > 3);
        assert_eq!(tally.missing, missing, "only when all pages were seen");
    }
    let before = reports[1].tally.continued.as_ref().unwrap();
    assert_eq!((before.pages, before.accounts), (1, 2));
    let told = reports.last().unwrap().divergences.iter();
    let told: Vec<&str> = told.map(|found| found.name.name.as_str()).collect();
    assert_eq!(told, ["bob", "cem"], "by name, however they were found");
    assert_eq!(said(reports.last().unwrap().clone()), whole);
    let drifts = || world.reader().drifts(None, None, 10).unwrap();
    assert_eq!(drifts().len(), 2);
    assert_eq!(world.reader().unfinished(&full()).unwrap(), None);

    // A process that dies between two pages takes nothing along.
    for _ in 0..3 {
        let report = compare_with(&world, smallest()).await;
        assert!(report.tally.goes_on);
        world.crash().await;
    }
    let reports = bit_by_bit(&world).await;
    assert_eq!(said(reports.last().unwrap().clone()), whole);
}

#[tokio::test]
async fn it_is_known_whose_comparison_did_not_come_to_its_end() {
    let mut world = with(&["ann", "bob", "cem"]).await;
    let is_compared = |world: &World| world.reader().is_compared(&full()).unwrap();
    assert!(!is_compared(&world), "never compared");
    assert!(compare_with(&world, smallest()).await.tally.goes_on);
    assert!(!is_compared(&world));
    world.crash().await;
    assert!(!is_compared(&world));
    bit_by_bit(&world).await;
    assert!(is_compared(&world));
    // Where nothing could be read there is nothing to go on with, and everything is left.
    world.engine.pause(&full(), "by a test").await.unwrap();
    assert!(!compare(&world).await.tally.goes_on);
    assert!(!is_compared(&world));
}

#[tokio::test]
async fn the_smallest_budget_comes_through_where_lists_leave_fields_out() {
    let world = with(&["ann", "bob", "cem"]).await;
    world.full.state().unlisted.insert(EMAIL.to_owned());
    set_mail(&world, "ann", "boss");
    let whole = said(compare_with(&world, ReadBudget::default()).await);
    assert_eq!((whole.0.differing, whole.0.unseen[EMAIL]), (1, 2));
    let reports = bit_by_bit(&world).await;
    let last = said(reports.last().unwrap().clone());
    let same = |tally: &Tally| Tally {
        requests: 0,
        pages: 0,
        ..tally.clone()
    };
    assert_eq!(same(&last.0), same(&whole.0));
    assert_eq!(last.1, whole.1);
}

#[tokio::test]
async fn what_changes_before_it_goes_on_is_seen_where_it_was_not_read_yet() {
    let world = with(&["ann", "bob", "cem", "dan"]).await;
    compare_with(&world, smallest()).await;
    set_mail(&world, "ann", "one");
    set_mail(&world, "dan", "two");
    // Cem is on no page because somebody before was deleted: asked for, and there.
    world.full.state().passed_over.insert("cem".to_owned());
    world.create("eva").await;
    wait(&world).await;
    let report = compare(&world).await;
    let tally = &report.tally;
    assert_eq!((tally.differing, tally.missing), (1, 0));
    assert_eq!(report.divergences[0].name.name, "dan");
    assert_eq!((tally.in_sync, tally.compared), (4, 5));
    // The next one begins at the beginning.
    let report = compare(&world).await;
    assert_eq!(report.tally.continued, None);
    assert_eq!(report.tally.differing, 2);
}

#[tokio::test]
async fn what_was_decided_about_before_it_goes_on_is_told_no_more() {
    let world = with(&["ann", "bob", "cem"]).await;
    set_mail(&world, "ann", "one");
    set_mail(&world, "bob", "two");
    assert_eq!(compare_with(&world, smallest()).await.tally.differing, 2);
    resolve(&world, &wish(&world, "ann", Resolution::Accept))
        .await
        .unwrap();
    let report = compare(&world).await;
    assert!(report.tally.continued.is_some());
    assert_eq!(report.tally.differing, 1);
    assert_eq!(report.divergences[0].name.name, "bob");
}

#[tokio::test]
async fn it_begins_anew_when_the_target_does_not_know_any_more_where_it_stopped() {
    let world = with(&["ann", "bob", "cem", "dan"]).await;
    let first = compare_with(&world, smallest()).await;
    // A target that is down knows it still.
    world.full.state().lists.push_back(super::double::down());
    let report = compare(&world).await;
    assert!(matches!(
        report.tally.not_read,
        Some(NotRead::Failed { .. })
    ));
    assert!(report.tally.goes_on);
    assert_eq!(report.run, first.run);

    world
        .full
        .state()
        .lists
        .push_back(super::double::rejected());
    let report = compare(&world).await;
    let given_up = report.tally.given_up.clone().unwrap();
    assert_eq!(given_up.began, first.at);
    assert!(
        matches!(&given_up.why, Anew::Place { failure } if failure.kind == FailureKind::Rejected)
    );
    assert_eq!(report.tally.continued, None);
    assert_ne!(report.run, first.run);
    assert!(report.tally.is_in_sync());
    assert_eq!((report.tally.accounts, report.tally.in_sync), (4, 4));
    assert_eq!(report.tally.requests, 3, "the one that was refused as well");
}

#[tokio::test]
async fn a_refused_first_page_is_no_lost_place() {
    let world = with(&["ann"]).await;
    world
        .full
        .state()
        .lists
        .push_back(super::double::rejected());
    let report = compare(&world).await;
    assert!(matches!(
        report.tally.not_read,
        Some(NotRead::Failed { .. })
    ));
    assert_eq!((report.tally.goes_on, report.tally.requests), (false, 1));
}

#[tokio::test]
async fn a_target_that_shows_no_groups_does_not_keep_its_users_from_being_compared_again() {
    let world = with(&["ann"]).await;
    let users = ReadBudget {
        requests: 1,
        ..ReadBudget::default()
    };
    assert!(compare_with(&world, users).await.tally.goes_on);
    world
        .full
        .state()
        .lists
        .push_back(super::double::rejected());
    let report = compare(&world).await;
    assert!(matches!(
        report.tally.not_read,
        Some(NotRead::Failed { .. })
    ));
    assert!(report.tally.continued.is_some() && !report.tally.goes_on);
    set_mail(&world, "ann", "boss");
    let report = compare(&world).await;
    assert_eq!((report.tally.continued, report.tally.differing), (None, 1));
}

#[tokio::test]
async fn it_begins_anew_when_it_would_compare_by_something_else() {
    let mut world = with(&["ann", "bob", "cem"]).await;
    let first = compare_with(&world, smallest()).await;
    // Where it stands in the file is nothing that is compared by, nor is another connection.
    world
        .reconfigure(|configuration| {
            configuration.connections[0].line = Some(7);
            configuration.connections[0].connectors[0].line = Some(8);
            configuration.resident[0].line = Some(9);
            configuration.connections[1].name = "another".to_owned();
        })
        .await;
    let second = compare_with(&world, smallest()).await;
    assert_eq!(second.run, first.run);
    world
        .reconfigure(|configuration| {
            configuration.organization.tenant_domain = "other.example".to_owned();
        })
        .await;
    let report = compare(&world).await;
    let given_up = report.tally.given_up.unwrap();
    assert_eq!(
        (given_up.began, given_up.why),
        (first.at, Anew::Configuration)
    );
    assert_eq!(report.tally.accounts, 3);
    assert_ne!(report.run, first.run);
}

#[tokio::test]
async fn it_begins_anew_after_a_day_and_when_asked_to() {
    let world = with(&["ann", "bob", "cem"]).await;
    compare_with(&world, smallest()).await;
    world.clock.advance(Duration::from_hours(23));
    let report = compare_with(&world, smallest()).await;
    assert!(report.tally.continued.is_some(), "{report:?}");
    world.clock.advance(Duration::from_hours(25));
    let report = compare_with(&world, smallest()).await;
    assert_eq!(report.tally.given_up.unwrap().why, Anew::Age);
    assert_eq!((report.tally.accounts, report.tally.continued), (2, None));
    let report = restart(&world, ReadBudget::default()).await;
    let tally = &report.tally;
    assert_eq!((tally.accounts, tally.not_read.as_ref()), (3, None));
    assert_eq!((&tally.continued, &tally.given_up), (&None, &None));
}

#[tokio::test]
async fn what_nobody_goes_on_with_is_forgotten() {
    let world = with(&["ann", "bob", "cem"]).await;
    compare_with(&world, smallest()).await;
    let left = || world.reader().unfinished(&full()).unwrap();
    let (_, unfinished) = left().unwrap();
    assert_eq!(world.reader().seen(&unfinished).unwrap().len(), 2);
    world.engine.compact(None).await.unwrap();
    assert!(left().is_some());
    world.clock.advance(Duration::from_hours(49));
    world.engine.compact(None).await.unwrap();
    assert!(left().is_none());
    assert!(world.reader().seen(&unfinished).unwrap().is_empty());
}

#[tokio::test]
async fn what_is_gone_on_with_at_the_last_moment_keeps_whom_it_has_seen() {
    let world = with(&["ann", "bob", "cem", "dan", "eva"]).await;
    compare_with(&world, smallest()).await;
    world
        .clock
        .advance(Duration::from_hours(24) - Duration::from_secs(1));
    let before = *world.full.arrived.borrow();
    world.full.open.send_replace(false);
    let (second, ()) = tokio::join!(compare_with(&world, smallest()), async {
        world.full.has_seen(before + 1).await;
        world.clock.advance(Duration::from_secs(2));
        world.engine.compact(None).await.unwrap();
        world.full.open.send_replace(true);
    });
    assert!(second.tally.continued.is_some() && second.tally.goes_on);
    let (_, unfinished) = world.reader().unfinished(&full()).unwrap().unwrap();
    assert_eq!(world.reader().seen(&unfinished).unwrap().len(), 4);
    let reports = bit_by_bit(&world).await;
    let tally = &reports.last().unwrap().tally;
    assert_eq!((tally.in_sync, tally.compared), (5, 5));
    assert_eq!(tally.requests, 4, "three pages of users, one of groups");
}

#[tokio::test]
async fn what_was_asked_in_vain_counts_when_it_goes_on_and_is_no_step_further() {
    let world = with(&["ann", "bob", "cem", "dan"]).await;
    let first = compare_with(&world, smallest()).await;
    world.clock.advance(Duration::from_hours(23));
    world.full.state().lists.push_back(super::double::down());
    let report = compare(&world).await;
    assert_eq!((report.run, report.tally.requests), (first.run, 2));
    let again = compare_with(&world, smallest()).await;
    let tally = &again.tally;
    assert_eq!((tally.requests, tally.accounts), (3, 4));
    let stopped = |report: &ReconcileReport| report.tally.continued.clone().unwrap().stopped;
    assert_eq!(stopped(&again), stopped(&report));
    // Whoever only tries every day begins anew in the end.
    world.clock.advance(Duration::from_hours(23));
    world.full.state().lists.push_back(super::double::down());
    assert!(compare(&world).await.tally.goes_on);
    world.clock.advance(Duration::from_hours(2));
    let report = compare(&world).await;
    assert_eq!(report.tally.given_up.unwrap().why, Anew::Age);
}

#[tokio::test]
async fn two_comparisons_of_one_connector_follow_each_other() {
    let world = with(&["ann", "bob", "cem"]).await;
    let (one, other) = tokio::join!(compare(&world), compare(&world));
    assert_ne!(one.run, other.run);
    for report in [&one, &other] {
        assert_eq!((report.tally.accounts, report.tally.requests), (3, 2));
        assert_eq!(report.tally.continued, None);
    }
    let mut order = Vec::new();
    for record in world.reader().export(0) {
        let fact = record.unwrap().fact;
        if let Fact::ReconcileStarted { run, .. } | Fact::ReconcileEnded { run, .. } = &fact {
            order.push((fact.word(), *run));
        }
    }
    let (first, second) = (order[0].1, order[2].1);
    assert_eq!(
        order,
        [
            ("reconcile-started", first),
            ("reconcile-ended", first),
            ("reconcile-started", second),
            ("reconcile-ended", second),
        ]
    );
}

#[tokio::test]
async fn an_account_of_ours_that_no_page_shows_any_more_is_asked_for_before_it_is_forgotten() {
    let world = with(&["kim", "lee"]).await;
    let kim = local(&world, "kim");
    let name = QualifiedName::new("kim");
    world.engine.unlink(&full(), kim, &name).await.unwrap();
    assert_eq!(compare(&world).await.tally.ours, 1);
    world.full.state().passed_over.insert("kim".to_owned());
    let report = compare(&world).await;
    assert_eq!((report.tally.ours, report.tally.requests), (1, 3));
    assert_eq!(world.reader().orphans(None).unwrap(), report.orphans);
    world.full.lose("kim");
    let report = compare(&world).await;
    assert!(report.tally.is_in_sync(), "{report:?}");
    assert!(world.reader().orphans(None).unwrap().is_empty());
    assert_eq!(compare(&world).await.tally.requests, 2);
}

/// Starts with Kim, whose account has lost its link; that is known.
async fn with_orphan() -> (World, LocalRef) {
    let world = with(&["kim", "lee"]).await;
    let kim = local(&world, "kim");
    let name = QualifiedName::new("kim");
    world.engine.unlink(&full(), kim, &name).await.unwrap();
    assert_eq!(compare(&world).await.tally.ours, 1);
    (world, kim)
}

#[tokio::test]
async fn an_account_of_ours_is_asked_for_with_all_that_is_known_of_it() {
    let (world, kim) = with_orphan().await;
    world.full.state().passed_over.insert("kim".to_owned());
    assert_eq!(compare(&world).await.tally.ours, 1);
    // A target that does not say clearly whether it knows an id is searched by the others.
    let asked = world.full.state().asked.last().unwrap().clone();
    assert_eq!(asked.remote_id, Some(world.full.id("kim")));
    assert_eq!(
        (asked.remote_name, asked.external_id),
        ("kim".to_owned(), kim.uuid().to_string())
    );
}

#[tokio::test]
async fn an_account_of_ours_that_the_target_refuses_to_show_stays_known_and_the_rest_is_read() {
    let (world, _) = with_orphan().await;
    world.full.state().passed_over.insert("kim".to_owned());
    let refused = |kind| [Act::Fail(failure(kind, Remedy::GiveUp))];
    for _ in 0..2 {
        world.full.on_find(refused(FailureKind::Forbidden));
        let report = compare(&world).await;
        let tally = &report.tally;
        assert_eq!(tally.not_read, None);
        assert_eq!((tally.ours, tally.requests), (1, 3), "the groups as well");
        assert_eq!(report.orphans[0].because.matches("forbidden").count(), 2);
        assert_eq!(world.reader().orphans(None).unwrap(), report.orphans);
    }
    // What refuses us altogether tells nothing of this account.
    world.full.on_find(refused(FailureKind::Unauthenticated));
    let report = compare(&world).await;
    assert!(
        matches!(&report.tally.not_read, Some(NotRead::Failed { failure }) if failure.kind == FailureKind::Unauthenticated)
    );
    assert_eq!(world.reader().orphans(None).unwrap().len(), 1);
    // Shown again, it is what it was.
    let report = restart(&world, ReadBudget::default()).await;
    assert_eq!((report.tally.ours, report.tally.not_read), (1, None));
    assert!(!report.orphans[0].because.contains("forbidden"));
}

#[tokio::test]
async fn an_account_of_ours_that_is_on_its_way_is_counted_once_and_stays_known() {
    let (world, _) = with_orphan().await;
    world.full.on_write([super::double::down()]);
    world.mail("kim", "new@acme.example").await;
    world.engine.idle().await;
    let budget = ReadBudget {
        requests: 1,
        ..ReadBudget::default()
    };
    let known = || world.reader().orphans(None).unwrap().len();
    for (not_read, requests) in [(Some(NotRead::Requests { budget: 1 }), 1), (None, 2)] {
        let report = compare_with(&world, budget).await;
        let tally = &report.tally;
        assert_eq!((&tally.not_read, tally.requests), (&not_read, requests));
        assert_eq!((tally.on_their_way, tally.ours), (1, 0));
        assert_eq!(known(), 1);
    }
    for record in world.reader().export(0) {
        let fact = record.unwrap().fact;
        assert!(!matches!(fact, Fact::OrphanCleared { .. }), "{fact:?}");
    }
    wait(&world).await;
    let report = compare(&world).await;
    assert!(report.tally.is_in_sync(), "{report:?}");
    assert_eq!(known(), 0);
}

#[tokio::test]
async fn an_account_that_is_ours_no_longer_is_counted_once() {
    let world = with(&["kim"]).await;
    world.full.plant("root", domain::Clock::now(&world.clock));
    let kim = local(&world, "kim").uuid().to_string();
    let known = || world.reader().orphans(None).unwrap().len();
    let budget = |requests| ReadBudget {
        requests,
        ..ReadBudget::default()
    };
    for (passed_over, asked) in [(false, 0), (true, 1)] {
        world.full.state().passed_over.clear();
        world
            .full
            .edit("root", |account| account.external_id = Some(kim.clone()));
        assert_eq!(compare(&world).await.tally.ours, 1);
        assert_eq!(known(), 1);
        world
            .full
            .edit("root", |account| account.external_id = None);
        if passed_over {
            world.full.state().passed_over.insert("root".to_owned());
        }
        // It stops before the groups, and goes on.
        for requests in [asked + 1, asked + 2] {
            let report = compare_with(&world, budget(asked + 1)).await;
            let tally = &report.tally;
            assert_eq!((tally.strangers, tally.ours), (1, 0));
            assert_eq!((tally.requests, known()), (requests, 0));
            assert_eq!(tally.goes_on, requests == asked + 1);
        }
    }
}

#[tokio::test]
async fn an_account_that_is_linked_before_it_goes_on_is_no_orphan_in_the_end() {
    let world = with(&["kim", "lee", "mia"]).await;
    let kim = local(&world, "kim");
    let name = QualifiedName::new("kim");
    world.engine.unlink(&full(), kim, &name).await.unwrap();
    assert_eq!(compare_with(&world, smallest()).await.tally.ours, 1);
    let id = world.full.id("kim");
    world.engine.link(&full(), kim, &name, &id).await.unwrap();
    let report = compare(&world).await;
    assert!(report.tally.continued.is_some());
    assert!(report.tally.is_in_sync(), "{report:?}");
    assert!(world.reader().orphans(None).unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_read_from_a_target_that_is_held_or_wants_quiet() {
    let world = with(&["kim"]).await;
    let arrived = *world.full.arrived.borrow();
    world.engine.pause(&full(), "by a test").await.unwrap();
    let report = compare(&world).await;
    assert!(matches!(
        report.tally.not_read,
        Some(NotRead::Held {
            reason: Reason::Paused,
            ..
        })
    ));
    world.engine.resume(&full(), "by a test").await.unwrap();
    assert_eq!(*world.full.arrived.borrow(), arrived);
    let quiet = Remedy::Retry {
        after: Some(Duration::from_secs(90)),
    };
    world
        .full
        .state()
        .lists
        .push_back(Act::Fail(failure(FailureKind::Quota, quiet)));
    let report = compare(&world).await;
    assert!(
        matches!(&report.tally.not_read, Some(NotRead::Failed { failure }) if failure.kind == FailureKind::Quota)
    );
    assert_eq!(report.tally.not_looked_for, 1);
    let report = compare(&world).await;
    assert!(matches!(report.tally.not_read, Some(NotRead::Quiet { .. })));
    assert_eq!(*world.full.arrived.borrow(), arrived + 1);
    world.clock.advance(Duration::from_secs(91));
    assert!(compare(&world).await.tally.is_in_sync());
}

#[tokio::test]
async fn a_connector_that_breaks_down_ends_the_comparison_and_nothing_else() {
    let world = with(&["kim"]).await;
    world.full.state().lists.push_back(Act::Panic);
    let report = compare(&world).await;
    assert!(matches!(
        report.tally.not_read,
        Some(NotRead::Failed { .. })
    ));
    assert!(compare(&world).await.tally.is_in_sync());
}

#[tokio::test]
async fn what_lists_leave_out_is_asked_for_once() {
    let world = with(&["ann", "bob", "cem"]).await;
    world.full.state().unlisted.insert(EMAIL.to_owned());
    let report = compare(&world).await;
    assert!(report.tally.is_in_sync(), "{report:?}");
    assert_eq!(report.tally.requests, 3, "two pages, one question");
    assert_eq!(report.tally.unseen[EMAIL], 2);
    world.full.state().unlisted.clear();
    world.full.edit("bob", |account| {
        account.attributes.remove(EMAIL);
    });
    let report = compare(&world).await;
    assert_eq!(
        fields(&report),
        [(EMAIL.to_owned(), Drift::Remote)],
        "it is gone, and was asked for"
    );
}

#[tokio::test]
async fn an_account_with_an_operation_on_its_way_is_looked_at_next_time() {
    let world = with(&["kim"]).await;
    set_mail(&world, "kim", "boss");
    compare(&world).await;
    world.full.on_write([super::double::down()]);
    world.mail("kim", "new@acme.example").await;
    world.engine.idle().await;
    let report = compare(&world).await;
    assert_eq!((report.tally.on_their_way, report.tally.differing), (1, 0));
    let error = world
        .engine
        .resolve(&wish(&world, "kim", Resolution::Restore))
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        ResolveError::OutOfDate { .. } | ResolveError::NothingFound { .. }
    ));
    wait(&world).await;
    assert!(compare(&world).await.tally.is_in_sync());
}

#[tokio::test]
async fn a_difference_that_was_written_over_meanwhile_is_not_decided_about() {
    let world = with(&["kim"]).await;
    set_mail(&world, "kim", "boss");
    compare(&world).await;
    world.mail("kim", "new@acme.example").await;
    wait(&world).await;
    let error = resolve(&world, &wish(&world, "kim", Resolution::Accept))
        .await
        .unwrap_err();
    assert!(matches!(error, ResolveError::OutOfDate { .. }));
    let mut other = wish(&world, "kim", Resolution::Accept);
    compare(&world).await;
    assert!(matches!(
        resolve(&world, &other).await,
        Err(ResolveError::NothingFound { .. })
    ));
    set_mail(&world, "kim", "boss");
    compare(&world).await;
    other.fields = Some(BTreeSet::from(["title".to_owned()]));
    assert!(matches!(
        resolve(&world, &other).await,
        Err(ResolveError::FieldUnknown { .. })
    ));
}

async fn with_group() -> World {
    let world = with(&["kim", "lee"]).await;
    let members = BTreeSet::from([QualifiedName::new("kim")]);
    let group = QualifiedName::new("staff");
    world
        .submit(Change::CreateGroup { group, members })
        .await
        .unwrap();
    wait(&world).await;
    world
}

fn staff(world: &World, resolution: Resolution) -> Wish {
    let group = world.reader().group(&QualifiedName::new("staff")).unwrap();
    Wish {
        local: LocalRef::Group(group.unwrap().id),
        ..wish(world, "kim", resolution)
    }
}

#[tokio::test]
async fn a_stranger_in_a_group_is_found_and_sent_away_again() {
    let world = with_group().await;
    assert!(compare(&world).await.tally.is_in_sync());
    world.full.edit("staff", |group| {
        group.members.insert("stranger".to_owned());
    });
    let report = compare(&world).await;
    assert_eq!(fields(&report), [("members".to_owned(), Drift::Remote)]);
    resolve(&world, &staff(&world, Resolution::Restore))
        .await
        .unwrap();
    let members = world.full.account("staff").members;
    assert_eq!(members, BTreeSet::from([world.full.id("kim").0]));
}

#[tokio::test]
async fn a_group_whose_members_the_target_never_shows_is_not_called_empty() {
    let world = with_group().await;
    world.full.state().unlisted.insert("members".to_owned());
    world.full.edit("staff", |group| {
        group.members.clear();
    });
    let report = compare(&world).await;
    assert_eq!(
        fields(&report),
        [("members".to_owned(), Drift::Remote)],
        "a GET shows that it is empty"
    );
}

#[tokio::test]
async fn a_difference_that_is_nested_as_deep_as_a_connector_may_show_is_read_again() {
    let mut world = with(&["kim"]).await;
    let deep = (0..DEEPEST).fold(json!("x"), |value, _| json!({ "value": value }));
    world.full.edit("kim", |account| {
        account.attributes.insert(EMAIL.to_owned(), deep);
    });
    let report = compare(&world).await;
    assert_eq!(fields(&report), [(EMAIL.to_owned(), Drift::Remote)]);
    world.crash().await;
    let drifts = world.reader().drifts(None, None, 10).unwrap();
    assert_eq!(drifts[0].divergence, report.divergences[0]);
    let is_told = world.reader().export(0).any(|record| {
        matches!(record.unwrap().fact, Fact::DriftFound { divergence, .. } if *divergence == report.divergences[0])
    });
    assert!(is_told);
    resolve(&world, &wish(&world, "kim", Resolution::Accept))
        .await
        .unwrap();
    assert!(compare(&world).await.tally.is_in_sync());
}

#[tokio::test]
async fn every_step_is_a_fact_and_a_restart_changes_nothing() {
    let mut world = with(&["kim"]).await;
    set_mail(&world, "kim", "boss");
    let report = compare(&world).await;
    world.crash().await;
    let drifts = world.reader().drifts(None, None, 10).unwrap();
    assert_eq!(drifts.len(), 1);
    assert_eq!(drifts[0].divergence, report.divergences[0]);
    let ended = world.reader().reconciles().unwrap();
    assert_eq!((ended.len(), &ended[0].tally), (1, &report.tally));
    resolve(&world, &wish(&world, "kim", Resolution::Restore))
        .await
        .unwrap();
    let words: Vec<&str> = world
        .reader()
        .export(0)
        .map(|record| record.unwrap().fact)
        .filter(|fact| {
            matches!(
                fact,
                Fact::ReconcileStarted { .. }
                    | Fact::DriftFound { .. }
                    | Fact::DriftResolved { .. }
                    | Fact::ReconcileEnded { .. }
            )
        })
        .map(|fact| fact.word())
        .collect();
    assert_eq!(
        words,
        [
            "reconcile-started",
            "drift-found",
            "reconcile-ended",
            "drift-resolved"
        ]
    );
}
