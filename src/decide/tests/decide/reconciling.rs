//! Desired, last written and actual: what is a difference, whose it is, and what is done about it.

use std::collections::BTreeMap;

use decide::Policies;
use decide::reconcile::same::is_same;
use decide::reconcile::{Actual, Compared, Evidence, Former, Made, Wanted, whose};
use domain::{
    Deprovision, Drift, Exception, Link, LocalRef, Object, OnFailure, RemoteAccount, RemoteId,
    Resolution, RoleName, Source, Subject, TriggerKind, Verdict, Whose,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixture::*;

fn reconciled() -> domain::Trigger {
    trigger(TriggerKind::UserReconciled, Source::Console)
}

fn wanted(world: &World, connector: &str) -> Wanted {
    let policies = Policies::default();
    let decider = world.decider(&policies);
    decider.wanted(&reconciled(), &world.snapshot, &reference(connector))
}

/// Kim at the SCIM target, linked with what was written.
fn kim_there() -> World {
    World::listing(&[SCIM])
        .with(|world| {
            let claims = [("givenname", "Kim"), ("title", "Dr")];
            for (claim, value) in claims {
                world
                    .kim()
                    .claims
                    .insert(claim.into(), vec![value.to_owned()]);
            }
        })
        .linked(SCIM)
}

/// What the target has after somebody changed it there.
struct There {
    name: String,
    active: bool,
    attributes: BTreeMap<String, Value>,
}

impl There {
    fn of(link: &Link) -> Self {
        Self {
            name: link.remote_name.clone(),
            active: link.active,
            attributes: link.written.clone(),
        }
    }

    fn with(mut self, attribute: &str, value: Value) -> Self {
        self.attributes.insert(attribute.to_owned(), value);
        self
    }
}

fn compared(world: &World, there: &There) -> Compared {
    let desired = match wanted(world, SCIM) {
        Wanted::Account(desired) => Some(desired),
        Wanted::Nobody(_) => None,
        Wanted::Unsaid(nothing) => panic!("{nothing:?}"),
    };
    let policies = Policies::default();
    world
        .decider(&policies)
        .compare(
            &reference(SCIM),
            Object::User,
            desired.as_deref(),
            &world.snapshot.links[0],
            &Actual {
                name: &there.name,
                active: there.active,
                attributes: &there.attributes,
            },
        )
        .unwrap()
}

fn drifts(compared: &Compared) -> Vec<(&str, Drift)> {
    let drifts = compared.drifts.iter();
    drifts
        .map(|drift| (drift.field.as_str(), drift.drift))
        .collect()
}

#[test]
fn who_changed_a_field_is_told_by_three_values() {
    // desired, last written, actual: what is reported.
    for (desired, written, actual, drift) in [
        ("a", "a", "a", None),
        ("a", "a", "b", Some(Drift::Remote)),
        ("b", "a", "a", Some(Drift::Stale)),
        ("b", "a", "b", None),
        ("c", "a", "b", Some(Drift::Both)),
        ("a", "a", "", Some(Drift::Remote)),
        ("a", "", "a", None),
    ] {
        let world = kim_there().with(|world| {
            let title = vec![desired.to_owned()];
            world.kim().claims.insert("title".into(), title);
            let link = &mut world.snapshot.links[0];
            link.written.insert("title".to_owned(), json!(written));
        });
        let there = There::of(&world.snapshot.links[0]).with("title", json!(actual));
        let expected: Vec<_> = drift.map(|drift| ("title", drift)).into_iter().collect();
        assert_eq!(
            drifts(&compared(&world, &there)),
            expected,
            "{desired} {written} {actual}"
        );
    }
}

#[test]
fn a_name_and_whether_the_account_may_be_used_are_fields_too() {
    let world = kim_there();
    let link = &world.snapshot.links[0];
    let mut there = There::of(link);
    there.name = "KIM".to_owned();
    assert_eq!(
        drifts(&compared(&world, &there)),
        [],
        "case is no difference"
    );
    there.name = "boss".to_owned();
    there.active = false;
    assert_eq!(
        drifts(&compared(&world, &there)),
        [("active", Drift::Remote), ("userName", Drift::Remote)]
    );
}

#[test]
fn what_is_not_desired_is_not_compared_and_what_is_not_shown_is_said() {
    let world = kim_there();
    let link = &world.snapshot.links[0];
    let there = There::of(link).with("nickName", json!("added by the target"));
    assert_eq!(compared(&world, &there), Compared::default());
    let mut there = There::of(link);
    there.attributes.remove("title");
    let compared = compared(&world, &there);
    assert_eq!(
        (drifts(&compared), compared.unseen.as_slice()),
        (vec![], &["title".to_owned()][..])
    );
}

#[test]
fn what_a_target_changes_by_itself_is_no_difference() {
    let spec = &CATALOGUE.0[2].target;
    for (field, one, other, same) in [
        ("title", json!("Dr"), json!("Dr"), true),
        ("title", json!("Dr"), json!(" Dr "), true),
        ("title", json!("Dr"), json!("dr"), false),
        ("title", json!("a\r\nb"), json!("a\nb"), true),
        ("title", Value::Null, json!(""), true),
        ("title", json!([]), Value::Null, true),
        ("title", json!({"a": null}), Value::Null, true),
        ("title", json!("0"), Value::Null, false),
        ("title", json!(false), Value::Null, false),
        ("active", json!("True"), json!(true), true),
        ("title", json!(5), json!("5"), true),
        (
            "emails",
            json!("Kim@Acme.example"),
            json!("kim@acme.example"),
            true,
        ),
        ("emails", json!(["a", "b"]), json!(["b", "a", "a"]), true),
        ("emails", json!("a"), json!(["a"]), true),
        ("emails", json!(["a", "b"]), json!(["a"]), false),
        (
            "address",
            json!({"City": "Oslo", "zip": null}),
            json!({"city": "Oslo"}),
            true,
        ),
        (
            "address",
            json!({"city": "Oslo"}),
            json!({"city": "Bergen"}),
            false,
        ),
    ] {
        assert_eq!(
            is_same(spec, field, &one, &other),
            same,
            "{field}: {one} {other}"
        );
        assert_eq!(
            is_same(spec, field, &other, &one),
            same,
            "{field}: {other} {one}"
        );
    }
}

#[test]
fn a_group_is_compared_by_who_is_in_it() {
    let kim = kim();
    let linked = World::listing(&[SCIM]).linked(SCIM).snapshot.links[0].clone();
    let world = World::listing(&[SCIM]).with(|world| {
        world.snapshot.after = Some(Subject::Group(group(&[&kim])));
        world.snapshot.members = vec![(kim.clone(), vec![linked.clone()])];
    });
    let world = world.linked(SCIM);
    let policies = Policies::default();
    let decider = world.decider(&policies);
    let trigger = trigger(TriggerKind::GroupReconciled, Source::Console);
    let Wanted::Account(desired) = decider.wanted(&trigger, &world.snapshot, &reference(SCIM))
    else {
        panic!("a group is wanted");
    };
    let link = &world.snapshot.links[0];
    let compare = |members: Value| {
        let attributes = BTreeMap::from([("members".to_owned(), members)]);
        let actual = Actual {
            name: &link.remote_name,
            active: true,
            attributes: &attributes,
        };
        decider
            .compare(
                &reference(SCIM),
                Object::Group,
                Some(&desired),
                link,
                &actual,
            )
            .unwrap()
    };
    assert_eq!(compare(json!(["r-1"])), Compared::default());
    assert_eq!(
        drifts(&compare(json!(["r-1", "stranger"]))),
        [("members", Drift::Remote)]
    );
    assert_eq!(drifts(&compare(json!([]))), [("members", Drift::Remote)]);
}

#[test]
fn somebody_who_is_out_of_scope_should_not_be_there() {
    let world = kim_there().with(|world| {
        world.connection(SCIM).outbound_roles = vec![RoleName::new("manager")];
    });
    assert!(matches!(wanted(&world, SCIM), Wanted::Nobody(_)));
    let gone = kim_there().deleted();
    assert!(matches!(wanted(&gone, SCIM), Wanted::Nobody(_)));
    let disabled = kim_there().with(|world| world.settings(SCIM).enabled = false);
    assert!(matches!(wanted(&disabled, SCIM), Wanted::Unsaid(_)));
}

fn except(
    world: World,
    field: &str,
    resolution: Resolution,
    actual: Value,
    desired: Value,
) -> World {
    world.with(|world| {
        world.snapshot.links[0].exceptions.insert(
            field.to_owned(),
            Exception {
                resolution,
                actual,
                desired,
            },
        );
    })
}

#[test]
fn what_was_let_stand_is_no_difference_until_either_side_changes() {
    for resolution in [Resolution::Accept, Resolution::Ignore] {
        let world = except(kim_there(), "title", resolution, json!("Boss"), json!("Dr"));
        let there = There::of(&world.snapshot.links[0]).with("title", json!("Boss"));
        let found = compared(&world, &there);
        assert_eq!(
            (drifts(&found), found.excepted.as_slice()),
            (vec![], &["title".to_owned()][..])
        );
        let there = there.with("title", json!("King"));
        assert_eq!(
            drifts(&compared(&world, &there)),
            [("title", Drift::Remote)]
        );
        let world = world.with(|world| {
            let title = vec!["Prof".to_owned()];
            world.kim().claims.insert("title".into(), title);
        });
        let there = there.with("title", json!("Boss"));
        assert_eq!(drifts(&compared(&world, &there)), [("title", Drift::Both)]);
    }
}

#[test]
fn an_accepted_value_is_not_written_over_until_something_else_is_desired() {
    let accepted = |desired: &str| {
        except(
            kim_there(),
            "title",
            Resolution::Accept,
            json!("Boss"),
            json!("Dr"),
        )
        .with(|world| {
            let link = &mut world.snapshot.links[0];
            link.written.insert("title".to_owned(), json!("Boss"));
            let kim = world.kim();
            kim.claims.insert("title".into(), vec![desired.to_owned()]);
            kim.claims
                .insert("givenname".into(), vec!["Kimberly".to_owned()]);
        })
    };
    let decisions = accepted("Dr").decide(&updated());
    let update = planned(&decisions, SCIM);
    let changed: Vec<&str> = update
        .changes
        .iter()
        .map(|change| change.remote.as_str())
        .collect();
    assert_eq!(changed, ["name.givenName"]);
    assert_eq!(
        update.desired.values()["title"],
        "Boss",
        "nothing else is sent whole either"
    );
    assert!(told(&decisions, SCIM).contains("accepted as the target has it"));
    let update = planned(&accepted("Prof").decide(&updated()), SCIM);
    assert!(update.changes.iter().any(|change| change.after == "Prof"));
}

#[test]
fn an_ignored_value_is_written_over_by_the_next_update_of_the_field() {
    let world = except(
        kim_there(),
        "title",
        Resolution::Ignore,
        json!("Boss"),
        json!("Dr"),
    )
    .with(|world| {
        world.snapshot.links[0]
            .written
            .insert("title".to_owned(), json!("Boss"));
    });
    let update = planned(&world.decide(&updated()), SCIM);
    assert_eq!(update.desired.values()["title"], "Dr");
}

#[test]
fn a_restore_is_about_one_connector_and_rejects_nothing() {
    let world = World::listing(&[SCIM, GOOGLE])
        .with(|world| {
            for entry in &mut world.configuration.resident {
                entry.blocking = true;
                entry.on_failure = OnFailure::Reject;
            }
            world.set(GOOGLE, "given_name_default", "Kim");
        })
        .linked(SCIM)
        .with(|world| {
            world.snapshot.only = Some(reference(SCIM));
            let link = &mut world.snapshot.links[0];
            link.written
                .insert("name.givenName".to_owned(), json!("Other"));
        });
    let decisions = world.decide(&reconciled());
    assert_eq!(decisions.decisions.len(), 1);
    let decision = &decisions.decisions[0];
    assert!(matches!(decision.verdict, Verdict::Operation(_)));
    assert!(decision.candidate.blocking);
    assert_eq!(decision.candidate.on_failure, OnFailure::Accept);
}

#[test]
fn the_account_of_somebody_who_has_left_is_taken_away() {
    let world = kim_there().deleted().with(|world| {
        world.snapshot.only = Some(reference(SCIM));
        world.settings(SCIM).deprovision = Deprovision::Deactivate;
    });
    assert_eq!(world.outcome(&reconciled(), SCIM), "deprovision");
}

fn account(id: &str, external: Option<&str>) -> RemoteAccount {
    RemoteAccount {
        remote_id: RemoteId(id.to_owned()),
        remote_name: "kim".to_owned(),
        external_id: external.map(str::to_owned),
        active: true,
        created_at: None,
        content: Value::Null,
    }
}

#[test]
fn an_account_is_ours_only_by_proof() {
    let local = LocalRef::User(kim().id);
    let ours = || Whose::Ours { local };
    let twice = || Whose::Duplicate { local };
    let nothing = Evidence::default();
    let served = Evidence {
        served: Some(local),
        called: "user kim".to_owned(),
        ..nothing.clone()
    };
    let former = |made| Evidence {
        former: Some(Former {
            local,
            until: "2026-05-01T00:00:00Z".to_owned(),
            made,
        }),
        called: "user kim".to_owned(),
        ..Evidence::default()
    };
    let elsewhere = |evidence: Evidence| Evidence {
        linked_elsewhere: true,
        ..evidence
    };
    for (account, evidence, expected) in [
        (account("r9", None), nothing, Whose::Stranger),
        (account("r9", Some("u1")), served.clone(), ours()),
        (account("r9", Some(" ")), former(Made::Before), ours()),
        (account("r9", None), former(Made::After), Whose::Stranger),
        (account("r9", None), former(Made::Unknown), ours()),
        (account("kim", None), former(Made::Unknown), Whose::Stranger),
        (account("kim", None), former(Made::Before), ours()),
        (
            account("r9", Some("x")),
            former(Made::Before),
            Whose::Stranger,
        ),
        (account("r9", Some("u1")), elsewhere(served), twice()),
        (
            account("r9", None),
            elsewhere(former(Made::Before)),
            twice(),
        ),
    ] {
        let (whose, because) = whose(&account, &evidence);
        assert_eq!(whose, expected, "{account:?} {evidence:?}: {because}");
        let is_named = because.contains("user kim");
        assert_eq!(is_named, whose != Whose::Stranger, "{because}");
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        "[aA ]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[aAb]{1,2}", inner, 0..3)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sameness_is_an_equivalence(one in values(), two in values(), three in values()) {
        let spec = &CATALOGUE.0[2].target;
        let same = |one: &Value, two: &Value| is_same(spec, "title", one, two);
        prop_assert!(same(&one, &one));
        prop_assert_eq!(same(&one, &two), same(&two, &one));
        if same(&one, &two) && same(&two, &three) {
            prop_assert!(same(&one, &three));
        }
    }

    #[test]
    fn an_account_as_it_was_written_has_no_difference_and_any_change_is_found(
        title in "[a-z]{1,5}",
        given in "[A-Z][a-z]{0,5}",
        changed in "[0-9]{1,4}",
        which in 0..2_usize,
    ) {
        let world = World::listing(&[SCIM]).with(|world| {
            world.kim().claims.insert("title".into(), vec![title]);
            world.kim().claims.insert("givenname".into(), vec![given]);
        }).linked(SCIM);
        let there = There::of(&world.snapshot.links[0]);
        prop_assert_eq!(compared(&world, &there), Compared::default());
        let field = ["title", "name.givenName"][which];
        let there = there.with(field, json!(changed));
        let found = compared(&world, &there);
        prop_assert_eq!(drifts(&found), vec![(field, Drift::Remote)]);
    }

    #[test]
    fn whatever_is_accepted_is_not_sent(actual in values(), desired in "[a-z]{1,4}") {
        let world = World::listing(&[SCIM]).with(|world| {
            world.kim().claims.insert("title".into(), vec![desired.clone()]);
        }).linked(SCIM);
        let world = except(world, "title", Resolution::Accept, actual.clone(), json!(desired))
            .with(|world| {
                world.snapshot.links[0].written.insert("title".to_owned(), actual.clone());
            });
        prop_assert_eq!(world.outcome(&updated(), SCIM), "unchanged");
        let there = There::of(&world.snapshot.links[0]);
        let found = compared(&world, &there);
        prop_assert_eq!(drifts(&found), vec![]);
    }
}
