//! Requests against the directory: what is refused, what is planned, what is seeded and imported.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use domain::{Change, Claim, Object, Request, Source, TriggerKind, Verb, Verdict};

use super::world::{World, console, create, mail, only_full, role, user};
use crate::{DirectoryError, Import, ImportFormat, Page, PlanError, Seed, State, SubmitError};

fn refusal(error: SubmitError) -> DirectoryError {
    match error {
        SubmitError::Directory(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_is_not_in_the_directory_is_a_typed_error_and_writes_nothing() {
    let world = World::new().await;
    let before = world.reader().last().unwrap();
    let unknown = world
        .submit(Change::DeleteUser { user: "kim".into() })
        .await
        .unwrap_err();
    assert!(matches!(
        refusal(unknown),
        DirectoryError::UserUnknown { .. }
    ));
    let store = world.submit(create("MARS/kim")).await.unwrap_err();
    assert_eq!(
        refusal(store).to_string(),
        "user store domain MARS does not exist; there are PRIMARY, EMPLOYEES"
    );
    let blank = world.submit(create("  ")).await.unwrap_err();
    assert!(matches!(
        refusal(blank),
        DirectoryError::NameUnusable { .. }
    ));
    let mut with_role = user("kim");
    with_role.roles = [role("nobody")].into();
    let unknown = world
        .submit(Change::CreateUser {
            user: with_role,
            password: None,
        })
        .await
        .unwrap_err();
    assert!(matches!(
        refusal(unknown),
        DirectoryError::RoleUnknown { .. }
    ));
    let group = world
        .submit(Change::DeleteGroup { group: "x".into() })
        .await
        .unwrap_err();
    assert!(matches!(
        refusal(group),
        DirectoryError::GroupUnknown { .. }
    ));
    let login = world
        .engine
        .submit(Request {
            change: Change::LogIn {
                identity: user("kim"),
            },
            source: Source::Login,
            application: None,
            connection: Some("nowhere".into()),
        })
        .await
        .unwrap_err();
    assert!(matches!(
        refusal(login),
        DirectoryError::ConnectionUnknown { .. }
    ));
    assert_eq!(world.reader().last().unwrap(), before);
}

#[tokio::test]
async fn a_name_is_unique_within_its_store_without_regard_to_case() {
    let world = World::new().await;
    world.create("Kim").await;
    let taken = world.submit(create("kIM")).await.unwrap_err();
    assert!(matches!(
        refusal(taken),
        DirectoryError::NameTaken {
            object: Object::User,
            ..
        }
    ));
    world.create("EMPLOYEES/kim").await;
    assert_eq!(world.reader().user_count().unwrap(), 2);
    let rename = Change::UpdateUser {
        user: "KIM".into(),
        set: domain::Claims::new(),
        remove: BTreeSet::new(),
        rename: Some("kim".to_owned()),
    };
    world.submit(rename).await.unwrap();
    let kim = world.reader().user(&"kim".into()).unwrap().unwrap();
    assert_eq!(
        kim.name.name, "kim",
        "the case of one's own name may change"
    );
}

#[tokio::test]
async fn of_two_creates_at_the_same_moment_one_wins() {
    let world = World::new().await;
    let (first, second) = tokio::join!(world.submit(create("kim")), world.submit(create("Kim")));
    assert!(first.is_ok() != second.is_ok());
}

#[tokio::test]
async fn roles_and_groups_change_the_user_and_are_triggers() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    let outcome = world
        .submit(Change::AssignRole {
            user: "kim".into(),
            role: role("manager"),
        })
        .await
        .unwrap();
    assert_eq!(outcome.triggers[0].trigger.role, Some(role("manager")));
    let create_group = Change::CreateGroup {
        group: "sales".into(),
        members: ["kim".into()].into(),
    };
    world.submit(create_group).await.unwrap();
    let mut bob = user("bob");
    bob.groups = ["sales".into()].into();
    let outcome = world
        .submit(Change::CreateUser {
            user: bob,
            password: None,
        })
        .await
        .unwrap();
    let kinds: Vec<TriggerKind> = outcome
        .triggers
        .iter()
        .map(|trigger| trigger.trigger.kind)
        .collect();
    assert_eq!(kinds, [TriggerKind::UserCreated, TriggerKind::GroupChanged]);
    world.settle().await;
    assert_eq!(world.full.account("sales").members.len(), 2);
    let kim = world.reader().user(&"kim".into()).unwrap().unwrap();
    assert!(kim.roles.contains(&role("manager")) && kim.groups.contains(&"sales".into()));
    world.delete("kim").await;
    let group = world.reader().group(&"SALES".into()).unwrap().unwrap();
    assert_eq!(group.members.len(), 1);
}

#[tokio::test]
async fn a_plan_decides_the_same_and_writes_and_sends_nothing() {
    let world = World::new().await;
    let before = world.reader().last().unwrap();
    let plan = world.engine.plan(&console(create("kim"))).unwrap();
    assert_eq!(world.reader().last().unwrap(), before);
    let outcome = world.create("kim").await;
    let verbs = |verdict: &Verdict| match verdict {
        Verdict::Operation(planned) => Some((planned.verb, planned.desired.remote_name.clone())),
        Verdict::Nothing(_) => None,
    };
    let planned: Vec<_> = plan.triggers[0]
        .decisions
        .iter()
        .map(|decision| verbs(&decision.verdict))
        .collect();
    let done: Vec<_> = outcome.triggers[0]
        .decisions
        .iter()
        .map(|decided| verbs(&decided.decision.verdict))
        .collect();
    assert_eq!(planned, done);
    assert_eq!(plan.triggers[0].event, outcome.triggers[0].event);
}

#[tokio::test]
async fn a_plan_needs_no_engine_works_beside_one_and_begins_with_an_empty_directory() {
    let world = World::with(only_full).await;
    world.create("kim").await;
    world.settle().await;
    let before = world.reader().last().unwrap();
    let request = console(mail("kim", "new@acme.example"));
    let plan = crate::plan(&world.options(), &request).unwrap();
    let Verdict::Operation(planned) = &plan.triggers[0].decisions[0].verdict else {
        panic!("{plan:?}");
    };
    assert_eq!(planned.verb, Verb::Update, "the link is known");
    assert_eq!(world.reader().last().unwrap(), before);
    let mut nowhere = world.options();
    nowhere.journal = world.folder.path().join("none").join("journal.db");
    let plan = crate::plan(&nowhere, &console(create("kim"))).unwrap();
    assert_eq!(plan.triggers.len(), 1);
    assert!(!nowhere.journal.exists() && !nowhere.journal.parent().unwrap().exists());
    let unknown = crate::plan(&nowhere, &request).unwrap_err();
    assert!(matches!(
        unknown,
        PlanError::Request(SubmitError::Directory(DirectoryError::UserUnknown { .. }))
    ));
}

#[tokio::test]
async fn a_password_is_no_claim_and_is_written_nowhere() {
    let world = World::with(only_full).await;
    let before = world.reader().last().unwrap();
    let secret = domain::Claims::from([(Claim::new("Password"), vec!["canary".to_owned()])]);
    let mut kim = user("kim");
    kim.claims.extend(secret.clone());
    let login = Request {
        change: Change::LogIn {
            identity: kim.clone(),
        },
        source: Source::Login,
        application: None,
        connection: Some("one".into()),
    };
    let set = Change::UpdateUser {
        user: "kim".into(),
        set: secret,
        remove: BTreeSet::new(),
        rename: None,
    };
    let make = Change::CreateUser {
        user: kim.clone(),
        password: None,
    };
    for request in [console(make), console(set), login] {
        let error = world.engine.submit(request).await.unwrap_err().to_string();
        assert!(error.contains("`password` is not a claim"), "{error}");
        assert!(!error.contains("canary"));
    }
    let text = "[[users]]\nname = \"kim\"\nclaims = { password = \"canary\" }\n";
    let error = Seed::parse(text).unwrap_err().to_string();
    assert!(
        error.contains("user kim") && !error.contains("canary"),
        "{error}"
    );
    let seed = Seed {
        users: vec![kim],
        ..Seed::default()
    };
    assert!(world.engine.seed(&seed).await.is_err());
    assert_eq!(world.reader().last().unwrap(), before);
}

#[tokio::test]
async fn an_imported_password_reaches_the_target_and_not_the_journal() {
    let world = World::with(only_full).await;
    let source = Import {
        content: Box::new("userName,emailaddress,password\nkim,k@x.example,canary\n".as_bytes()),
        format: ImportFormat::Csv,
        concurrency: 1,
    };
    assert_eq!(
        world.engine.import(source, |_| {}).await.unwrap().created,
        1
    );
    world.settle().await;
    assert_eq!(
        world.full.account("kim").password.as_deref(),
        Some("canary")
    );
    for record in world.reader().export(0) {
        let text = serde_json::to_string(&record.unwrap()).unwrap();
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn a_login_without_just_in_time_provisioning_sends_nothing_and_says_why() {
    let world = World::with(|configuration| {
        configuration.connections[0].jit.enabled = false;
    })
    .await;
    let outcome = world
        .engine
        .submit(Request {
            change: Change::LogIn {
                identity: user("kim"),
            },
            source: Source::Login,
            application: None,
            connection: Some("one".into()),
        })
        .await
        .unwrap();
    assert!(outcome.operations.is_empty());
    let trigger = &outcome.triggers[0];
    assert!(
        trigger
            .event
            .iter()
            .any(|line| line.text.contains("just-in-time provisioning is off"))
    );
}

#[tokio::test]
async fn a_seed_is_put_in_without_triggers_and_a_second_time_changes_nothing() {
    let world = World::new().await;
    let text = include_str!("../../../fixtures/directory/acme.toml");
    let seed = Seed::parse(text).unwrap();
    let first = world.engine.seed(&seed).await.unwrap();
    assert_eq!((first.users, first.groups), (seed.users.len(), 2));
    let after = world.reader().last().unwrap();
    let second = world.engine.seed(&seed).await.unwrap();
    assert_eq!((second.users, second.groups), (0, 0));
    assert_eq!(second.kept, seed.users.len() + 2);
    assert!(world.reader().last().unwrap() >= after);
    assert!(world.reader().flows(Page::newest(1)).unwrap().is_empty());
    assert!(world.full.names().is_empty());
    let alice = world.reader().user(&"alice".into()).unwrap().unwrap();
    assert!(!alice.groups.is_empty());
}

#[tokio::test]
async fn an_import_reports_each_row_makes_one_trigger_per_user_and_can_be_run_again() {
    let world = World::with(only_full).await;
    let text = "userName,emailaddress,roles,store\n\
                kim,kim@acme.example,manager,\n\
                bob,bob@acme.example,unheard-of,\n\
                ann,ann@acme.example,,EMPLOYEES\n\
                ,nobody@acme.example,,\n\
                Kim,again@acme.example,,\n";
    let source = || Import {
        content: Box::new(text.as_bytes()),
        format: ImportFormat::Csv,
        concurrency: 1,
    };
    let mut seen = 0;
    let report = world
        .engine
        .import(source(), |report| seen = seen.max(report.rows))
        .await
        .unwrap();
    assert_eq!((report.rows, seen), (5, 5));
    assert_eq!((report.created, report.skipped, report.failed), (2, 1, 2));
    let rows: Vec<u64> = report.errors.iter().map(|error| error.row).collect();
    assert_eq!(rows, [2, 4]);
    let again = world.engine.import(source(), |_| {}).await.unwrap();
    assert_eq!((again.created, again.skipped), (0, 3));
    world.settle().await;
    assert_eq!(world.full.names(), ["EMPLOYEES/ann", "kim"]);
    let flows = world.reader().flows(Page::newest(10)).unwrap();
    assert_eq!(flows.len(), 2);
    assert!(flows.iter().all(|flow| {
        flow.triggers[0].source == Source::Import && flow.operations[&State::Settled] == 1
    }));
}

#[tokio::test]
async fn a_large_import_runs_side_by_side_and_loses_nobody() {
    let world = World::with(only_full).await;
    let mut text = String::from("userName,emailaddress\n");
    for at in 0..300 {
        writeln!(text, "user{at},user{at}@acme.example").unwrap();
    }
    let source = Import {
        content: Box::new(std::io::Cursor::new(text.into_bytes())),
        format: ImportFormat::Csv,
        concurrency: 32,
    };
    let report = world.engine.import(source, |_| {}).await.unwrap();
    assert_eq!(report.created, 300);
    world.settle().await;
    assert_eq!(world.full.names().len(), 300);
}

#[tokio::test]
async fn a_stopped_import_waits_for_the_rows_that_it_took_and_counts_them() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.resident[0].blocking = true;
    })
    .await;
    world.full.open.send_replace(false);
    let mut text = String::from("userName,emailaddress\n");
    for at in 0..40 {
        writeln!(text, "user{at},user{at}@acme.example").unwrap();
    }
    let source = Import {
        content: Box::new(std::io::Cursor::new(text.into_bytes())),
        format: ImportFormat::Csv,
        concurrency: 4,
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut under_way = Vec::new();
    let importing = crate::import_until(
        Arc::new(world.engine.clone()),
        source,
        |report| under_way.push((report.stopped, report.under_way())),
        async move { stopped.await.unwrap() },
    );
    let stopping = async {
        world.full.has_seen(4).await;
        stop.send(()).unwrap();
        world.full.open.send_replace(true);
    };
    let (report, ()) = tokio::join!(importing, stopping);
    let report = report.unwrap();
    assert_eq!((report.rows, report.created, report.failed), (4, 4, 0));
    assert!(report.stopped);
    assert_eq!(under_way.first(), Some(&(true, 4)));
    assert_eq!(under_way.last(), Some(&(true, 0)));
    world.settle().await;
    assert_eq!(world.full.names().len(), 4);
}

#[tokio::test]
async fn names_are_found_by_a_part_of_them_in_pages() {
    let world = World::new().await;
    for name in ["v300", "v301", "v302", "Ada.V30", "EMPLOYEES/v309", "kim"] {
        world.create(name).await;
    }
    let reader = world.reader();
    let found = |text: &str, after: Option<&str>, limit: usize| -> Vec<String> {
        let after = after.map(domain::QualifiedName::new);
        let users = reader.find_users(text, after.as_ref(), limit).unwrap();
        users.iter().map(|user| user.name.to_string()).collect()
    };
    let all = ["Ada.V30", "v300", "v301", "v302", "EMPLOYEES/v309"];
    assert_eq!(found("v30", None, 10), all);
    assert_eq!(reader.found_count("V30").unwrap(), 5);
    assert_eq!(found("v30", None, 2), all[..2]);
    assert_eq!(found("v30", Some("v300"), 2), all[2..4]);
    assert_eq!(found("employees/v3", None, 10), ["EMPLOYEES/v309"]);
    assert_eq!(
        found("%", None, 10),
        [""; 0],
        "no sign has a meaning of its own"
    );
    assert_eq!(found("", None, 10).len(), 6);
}

#[tokio::test]
async fn members_are_told_by_their_names() {
    let world = World::new().await;
    for name in ["zoe", "ada", "kim"] {
        world.create(name).await;
    }
    let group = Change::CreateGroup {
        group: "staff".into(),
        members: BTreeSet::from(["zoe".into(), "ada".into()]),
    };
    world.submit(group).await.unwrap();
    let reader = world.reader();
    let staff = reader.group(&"staff".into()).unwrap().unwrap();
    let members = |limit: usize| -> Vec<String> {
        let members = reader.members(staff.id, limit).unwrap();
        members.iter().map(ToString::to_string).collect()
    };
    assert_eq!(members(10), ["ada", "zoe"]);
    assert_eq!(members(1), ["ada"]);
}

#[tokio::test]
async fn a_stopped_engine_takes_nothing() {
    let world = World::new().await;
    world.engine.shutdown().await;
    assert!(matches!(
        world.submit(create("kim")).await,
        Err(SubmitError::Stopped)
    ));
}
