//! Names, attributes, passwords and collisions.

use decide::{Policies, collisions};
use domain::{OnEmpty, Origin, Owner, PasswordPlan, Reason, SecretRef, Setting, TriggerKind};
use serde_json::{Value, json};

use crate::fixture::*;

fn scim() -> World {
    World::listing(&[SCIM])
}

/// Adds a mapping to corp-scim.
fn mapped(remote: &str, change: impl FnOnce(&mut domain::AttributeMapping)) -> World {
    scim().with(|world| {
        world
            .connection(SCIM)
            .attributes
            .push(mapping(remote, change));
    })
}

/// Returns an attribute of the account that kim's creation or update wants.
fn attribute(world: &World, trigger: &domain::Trigger, remote: &str) -> Option<(Value, Origin)> {
    let desired = planned(&world.decide(trigger), SCIM).desired;
    let found = desired
        .attributes
        .into_iter()
        .find(|attribute| attribute.remote == remote)?;
    Some((found.value, found.origin))
}

fn created_with(world: &World, remote: &str) -> Option<Value> {
    attribute(world, &created(), remote).map(|(value, _)| value)
}

#[test]
fn the_origin_of_every_value_is_kept_and_told() {
    let world = mapped("title", |row| row.value = Some("Clerk".to_owned()));
    assert_eq!(
        attribute(&world, &created(), "name.givenName"),
        Some((json!("Kim"), Origin::Claim("givenname".into())))
    );
    assert_eq!(
        attribute(&world, &created(), "title"),
        Some((json!("Clerk"), Origin::Constant))
    );
    let told = told(&world.decide(&created()), SCIM);
    assert!(
        told.contains("title = \"Clerk\" (constant, workbench.toml:41)"),
        "{told}"
    );
    assert!(told.contains("userName = kim (user name)"), "{told}");
}

#[test]
fn a_connection_mapping_takes_the_place_of_the_target_default_whatever_its_case() {
    let world = mapped("Name.GivenName", |row| {
        row.local = Some("department".into());
    });
    assert_eq!(created_with(&world, "Name.GivenName"), Some(json!("Sales")));
    assert_eq!(created_with(&world, "name.givenName"), None);
}

#[test]
fn a_mapping_for_one_connector_wins_there_and_is_unknown_elsewhere() {
    let world = mapped("title", |row| {
        row.value = Some("one".to_owned());
        row.connector = Some("scim2".into());
    })
    .with(|world| {
        world
            .connection(SCIM)
            .attributes
            .push(mapping("title", |row| row.value = Some("all".to_owned())));
        world
            .connection(SCIM)
            .attributes
            .push(mapping("nickName", |row| {
                row.value = Some("other".to_owned());
                row.connector = Some("google".into());
            }));
    });
    assert_eq!(created_with(&world, "title"), Some(json!("one")));
    assert_eq!(created_with(&world, "nickName"), None);
}

#[test]
fn a_constant_is_never_overridden_by_a_value_of_the_user() {
    let world = mapped("title", |row| {
        row.local = Some("department".into());
        row.value = Some("fixed".to_owned());
    });
    assert_eq!(created_with(&world, "title"), Some(json!("fixed")));
}

/// Name, the user's values, `default`, `on_empty`, what is sent.
type EmptyCase = (
    &'static str,
    Option<Vec<String>>,
    Option<&'static str>,
    OnEmpty,
    Option<Value>,
);

/// The table in `attribute`: what the user has, `default`, `on_empty`, and what is sent to a linked account that holds
/// a title.
#[test]
fn absent_empty_and_cleared_are_three_different_things() {
    let has = |value: &'static str| Some(vec![value.to_owned()]);
    let cases: [EmptyCase; 9] = [
        (
            "a value is sent",
            has("Dr"),
            Some("-"),
            OnEmpty::Clear,
            Some(json!("Dr")),
        ),
        (
            "absent, default",
            None,
            Some("-"),
            OnEmpty::Skip,
            Some(json!("-")),
        ),
        (
            "absent, default, clear",
            None,
            Some("-"),
            OnEmpty::Clear,
            Some(json!("-")),
        ),
        ("absent stays", None, None, OnEmpty::Skip, None),
        (
            "absent is cleared",
            None,
            None,
            OnEmpty::Clear,
            Some(Value::Null),
        ),
        (
            "empty, default",
            Some(vec![]),
            Some("-"),
            OnEmpty::Skip,
            Some(json!("-")),
        ),
        (
            "empty is cleared in spite of a default",
            has(" "),
            Some("-"),
            OnEmpty::Clear,
            Some(Value::Null),
        ),
        ("empty stays", has(""), None, OnEmpty::Skip, None),
        (
            "empty is cleared",
            Some(vec![]),
            None,
            OnEmpty::Clear,
            Some(Value::Null),
        ),
    ];
    for (name, value, default, on_empty, sent) in cases {
        let world = mapped("title", |row| {
            row.local = Some("title".into());
            row.default = default.map(str::to_owned);
            row.on_empty = on_empty;
        })
        .with(|world| {
            world
                .kim()
                .claims
                .insert("title".into(), vec!["Prof".to_owned()]);
        })
        .linked(SCIM)
        .with(|world| {
            match value {
                Some(values) => world.kim().claims.insert("title".into(), values),
                None => world.kim().claims.remove(&"title".into()),
            };
            // Something else differs too, so that there always is an operation to look at.
            world
                .kim()
                .claims
                .insert("givenname".into(), vec!["Kimberly".to_owned()]);
        });
        let found = attribute(&world, &updated(), "title").map(|(value, _)| value);
        assert_eq!(found, sent, "{name}");
    }
}

#[test]
fn there_is_nothing_to_clear_at_a_new_account() {
    let world = mapped("title", |row| {
        row.local = Some("title".into());
        row.on_empty = OnEmpty::Clear;
    });
    assert_eq!(created_with(&world, "title"), None);
}

#[test]
fn a_cleared_attribute_is_cleared_once() {
    let world = mapped("title", |row| {
        row.local = Some("title".into());
        row.on_empty = OnEmpty::Clear;
    })
    .linked(SCIM)
    .with(|world| {
        world.snapshot.links[0]
            .written
            .insert("title".to_owned(), Value::Null);
    });
    assert_eq!(world.outcome(&updated(), SCIM), "unchanged");
}

#[test]
fn several_values_are_a_list_only_where_the_mapping_says_so() {
    let two = |world: &mut World| {
        world.kim().claims.insert(
            "mail".into(),
            vec!["a".to_owned(), String::new(), "b".to_owned()],
        );
    };
    let many = mapped("emails[]", |row| row.local = Some("mail".into())).with(two);
    assert_eq!(created_with(&many, "emails"), Some(json!(["a", "b"])));
    let one = mapped("email", |row| row.local = Some("mail".into())).with(two);
    assert_eq!(created_with(&one, "email"), Some(json!("a")));
    let told = told(&one.decide(&created()), SCIM);
    assert!(
        told.contains("1 more left out (write email[] to send all)"),
        "{told}"
    );
    let filtered = mapped("emails[type eq \"work\"].value", |row| {
        row.local = Some("mail".into());
    })
    .with(two);
    assert_eq!(
        created_with(&filtered, "emails[type eq \"work\"].value"),
        Some(json!("a"))
    );
}

#[test]
fn true_and_false_are_json_where_the_target_holds_them() {
    let flag = |value: &str| mapped("active", |row| row.value = Some(value.to_owned()));
    assert_eq!(created_with(&flag("TRUE"), "active"), Some(json!(true)));
    assert_eq!(created_with(&flag("false"), "active"), Some(json!(false)));
    let decisions = flag("yes").decide(&created());
    assert_eq!(outcome(&decisions, SCIM), "attribute-missing");
    assert!(told(&decisions, SCIM).contains("holds true or false, not yes"));
    let other = mapped("title", |row| row.value = Some("true".to_owned()));
    assert_eq!(created_with(&other, "title"), Some(json!("true")));
}

#[test]
fn reserved_attributes_and_the_name_are_left_to_the_connector() {
    let world = mapped("id", |row| row.value = Some("7".to_owned())).with(|world| {
        world
            .connection(SCIM)
            .attributes
            .push(mapping("USERNAME", |row| row.value = Some("x".to_owned())));
    });
    let decisions = world.decide(&created());
    assert_eq!(planned(&decisions, SCIM).desired.remote_name, "kim");
    assert!(
        planned(&decisions, SCIM)
            .desired
            .attributes
            .iter()
            .all(|attribute| attribute.remote == "name.givenName")
    );
    assert_eq!(told(&decisions, SCIM).matches("is left aside").count(), 2);
}

/// A user to Salesforce with one more constant.
fn with_constant(remote: &str, value: &str) -> World {
    World::listing(&[SALESFORCE]).with(|world| {
        world
            .connection(SALESFORCE)
            .attributes
            .push(mapping(remote, |row| row.value = Some(value.to_owned())));
    })
}

#[test]
fn a_value_that_the_target_refuses_for_certain_is_not_sent() {
    for (remote, value, told_so) in [
        (
            "Alias",
            "ninechars",
            "Alias (constant): it holds at most 8 characters, not 9",
        ),
        ("ALIAS", "ninechars", "at most 8 characters"),
        (
            "Email",
            "kim at acme",
            "Email (constant): it has not the form of an address",
        ),
        ("ForecastEnabled", "maybe", "holds true or false, not maybe"),
    ] {
        let decisions = with_constant(remote, value).decide(&created());
        assert_eq!(
            outcome(&decisions, SALESFORCE),
            "attribute-missing",
            "{remote}"
        );
        let told = told(&decisions, SALESFORCE);
        assert!(told.contains(told_so), "{told}");
    }
    for (remote, value) in [
        ("Alias", "eightchr"),
        ("Email", "kim@acme.example"),
        ("Title", "an attribute of which nothing is said"),
    ] {
        let world = with_constant(remote, value);
        assert_eq!(world.outcome(&created(), SALESFORCE), "create", "{remote}");
    }
}

#[test]
fn all_that_is_wrong_with_an_account_is_said_at_once() {
    let world = with_constant("Alias", "ninechars").with(|world| {
        world.kim().claims.remove(&"lastname".into());
    });
    let told = told(&world.decide(&created()), SALESFORCE);
    assert!(
        told.contains("no value for LastName (claim lastname); Alias (constant): it holds"),
        "{told}"
    );
}

#[test]
fn a_value_that_was_written_before_was_taken_and_stands() {
    let world = World::listing(&[SALESFORCE])
        .linked(SALESFORCE)
        .with(|world| {
            world
                .connection(SALESFORCE)
                .attributes
                .push(mapping("Alias", |row| {
                    row.value = Some("ninechars".to_owned());
                }));
        });
    let refused = world.outcome(&updated(), SALESFORCE);
    assert_eq!(refused, "attribute-missing");
    let world = world.with(|world| {
        let link = world.snapshot.links.first_mut().unwrap();
        link.written.insert("Alias".to_owned(), json!("ninechars"));
    });
    assert_eq!(world.outcome(&updated(), SALESFORCE), "unchanged");
}

#[test]
fn a_name_that_the_target_refuses_for_certain_is_not_sent() {
    let named = |connector: &str, name: &str| {
        World::listing(&[connector]).with(|world| {
            name.clone_into(&mut world.kim().name.name);
            world.set(GOOGLE, "google_domain", "acme.example");
        })
    };
    for (name, told_so) in [
        (
            "zo\u{eb}",
            "primaryEmail = zo\u{eb}@acme.example: `\u{eb}` is not taken before the @",
        ),
        ("zo\u{1f642}", "an address holds no `\u{1f642}`"),
        ("a+b", "`+` is not taken"),
        ("kim.", "dots"),
        ("abuse", "for itself"),
    ] {
        let decisions = named(GOOGLE, name).decide(&created());
        assert_eq!(outcome(&decisions, GOOGLE), "pattern-invalid", "{name}");
        let told = told(&decisions, GOOGLE);
        assert!(told.contains(told_so), "{told}");
        assert_eq!(
            named(SCIM, name).outcome(&created(), SCIM),
            "create",
            "{name}"
        );
    }
    let long = "k".repeat(81);
    let decisions = named(SALESFORCE, &long).decide(&created());
    assert_eq!(outcome(&decisions, SALESFORCE), "pattern-invalid");
    assert!(told(&decisions, SALESFORCE).contains("at most 80 characters, not 81"));
}

#[test]
fn every_missing_attribute_is_named_with_its_claim() {
    let world = World::listing(&[SALESFORCE]).with(|world| {
        world.connection(SALESFORCE).attributes.pop();
        world.kim().claims.remove(&"lastname".into());
    });
    let decisions = world.decide(&created());
    assert_eq!(outcome(&decisions, SALESFORCE), "attribute-missing");
    let told = told(&decisions, SALESFORCE);
    assert!(
        told.contains("no value for LastName (claim lastname), ProfileId (not mapped)"),
        "{told}"
    );
    // A claim of the user helps nothing there: it says where the mapping belongs.
    let place = "Attributes of acme-sales, [[connections.attributes]] (workbench.toml:";
    assert!(
        told.contains(place) && told.contains("), is where to map ProfileId"),
        "{told}"
    );
    let fix = Reason::AttributeMissing.fix();
    assert!(fix.starts_with("Map it where it is not mapped"), "{fix}");
}

#[test]
fn an_update_misses_only_what_it_would_clear() {
    let world = World::listing(&[SALESFORCE])
        .linked(SALESFORCE)
        .with(|world| {
            world.kim().claims.remove(&"lastname".into());
        });
    assert_eq!(world.outcome(&updated(), SALESFORCE), "unchanged");
    let cleared = world.with(|world| {
        world.connection(SALESFORCE).attributes[0].on_empty = OnEmpty::Clear;
    });
    assert_eq!(cleared.outcome(&updated(), SALESFORCE), "attribute-missing");
}

#[test]
fn google_names_fall_back_to_the_setting_and_then_to_the_user_name() {
    let world = World::listing(&[GOOGLE]).with(|world| world.kim().claims.clear());
    let names = |world: &World| -> Vec<Value> {
        let desired = planned(&world.decide(&created()), GOOGLE).desired;
        desired
            .attributes
            .into_iter()
            .map(|attribute| attribute.value)
            .collect()
    };
    assert_eq!(names(&world), [json!("kim"), json!("kim")]);
    let world = world.with(|world| world.set(GOOGLE, "given_name_default", "Staff"));
    assert_eq!(names(&world), [json!("Staff"), json!("kim")]);
}

#[test]
fn a_configured_store_domain_takes_the_place_of_the_users_own() {
    let world = scim().with(|world| world.kim().name = "SALES/kim".into());
    assert_eq!(
        planned(&world.decide(&created()), SCIM).desired.remote_name,
        "SALES/kim"
    );
    let world = world.with(|world| world.set(SCIM, "user_store_domain", "PARTNERS"));
    assert_eq!(
        planned(&world.decide(&created()), SCIM).desired.remote_name,
        "PARTNERS/kim"
    );
}

#[test]
fn a_rename_changes_the_remote_name() {
    let world = World::listing(&[GOOGLE])
        .linked(GOOGLE)
        .with(|world| world.kim().name = "kimberly".into());
    let changes = planned(&world.decide(&updated()), GOOGLE).changes;
    assert_eq!(changes[0].remote, "primaryEmail");
    assert_eq!(changes[0].before, Some(json!("kim@acme.example")));
    assert_eq!(changes[0].after, json!("kimberly@acme.example"));
}

#[test]
fn a_rename_in_case_only_is_no_change_at_the_target() {
    let world = scim()
        .linked(SCIM)
        .with(|world| world.kim().name = "Kim".into());
    assert_eq!(world.outcome(&updated(), SCIM), "unchanged");
}

/// The table in `password`.
#[test]
fn passwords_go_with_creates_as_the_connector_and_the_trigger_say() {
    let plan = |world: &World, connector: &str, carries_password: bool| {
        let trigger = domain::Trigger {
            carries_password,
            ..created()
        };
        planned(&world.decide(&trigger), connector).desired.password
    };
    let all = World::listing(&[GOOGLE, SALESFORCE, SCIM]);
    assert_eq!(plan(&all, GOOGLE, true), PasswordPlan::Random);
    assert_eq!(plan(&all, SALESFORCE, true), PasswordPlan::None);
    assert_eq!(plan(&all, SCIM, true), PasswordPlan::FromTrigger);
    assert_eq!(plan(&all, SCIM, false), PasswordPlan::Random);
    let default = all.clone().with(|world| {
        let secret = Setting::Secret(SecretRef::Env("PW".to_owned()));
        world
            .settings(SCIM)
            .settings
            .insert("default_password".to_owned(), secret);
    });
    assert_eq!(plan(&default, SCIM, true), PasswordPlan::FromTrigger);
    assert_eq!(plan(&default, SCIM, false), PasswordPlan::Default);
    let off = |world: &mut World| world.set(SCIM, "enable_password_provisioning", "false");
    assert_eq!(plan(&default.with(off), SCIM, true), PasswordPlan::Default);
    assert_eq!(plan(&all.with(off), SCIM, true), PasswordPlan::None);
}

#[test]
fn an_update_never_resets_a_password_unless_it_is_a_password_change_that_is_provisioned() {
    let world = World::listing(&[GOOGLE, SCIM])
        .linked(GOOGLE)
        .linked(SCIM)
        .with(|world| {
            world
                .kim()
                .claims
                .insert("givenname".into(), vec!["Kimberly".to_owned()]);
        });
    let update = domain::Trigger {
        carries_password: true,
        ..updated()
    };
    for connector in [GOOGLE, SCIM] {
        let desired = planned(&world.decide(&update), connector).desired;
        assert_eq!(desired.password, PasswordPlan::None);
    }
    let changed = world.decide(&password_changed());
    assert_eq!(outcome(&changed, GOOGLE), "password-not-provisioned");
    assert_eq!(
        planned(&changed, SCIM).desired.password,
        PasswordPlan::FromTrigger
    );
}

#[test]
fn a_password_change_is_an_update_though_no_attribute_differs() {
    let world = scim().linked(SCIM);
    assert_eq!(world.outcome(&password_changed(), SCIM), "update");
    let lost = trigger(TriggerKind::PasswordChanged, domain::Source::Console);
    assert_eq!(world.outcome(&lost, SCIM), "password-not-provisioned");
    let off = world.with(|world| world.set(SCIM, "enable_password_provisioning", "false"));
    assert_eq!(
        off.outcome(&password_changed(), SCIM),
        "password-not-provisioned"
    );
}

#[test]
fn a_collision_names_both_and_is_about_the_same_connector_and_kind_only() {
    let owner = |connector, name: &str, number| Owner {
        connector: reference(connector),
        remote_name: name.to_owned(),
        local: domain::LocalRef::User(user("x", number, &[]).id),
        name: "SALES/kim".to_owned(),
    };
    let world = scim().with(|world| world.snapshot.owners = vec![owner(SCIM, "kim", 2)]);
    let decisions = world.decide(&created());
    assert_eq!(outcome(&decisions, SCIM), "name-collision");
    assert!(told(&decisions, SCIM).contains("kim is wanted for kim and belongs to SALES/kim"));
    for other in [
        owner(GOOGLE, "kim", 2),
        owner(SCIM, "lee", 2),
        owner(SCIM, "kim", 1),
    ] {
        let world = scim().with(|world| world.snapshot.owners = vec![other]);
        assert_eq!(world.outcome(&created(), SCIM), "create");
    }
    // Whoever has the name keeps it.
    let linked = scim()
        .linked(SCIM)
        .with(|world| world.snapshot.owners = vec![owner(SCIM, "kim", 2)]);
    assert_eq!(linked.outcome(&updated(), SCIM), "unchanged");
}

#[test]
fn collisions_of_a_whole_directory_are_found_per_connector() {
    let users = [
        user("Kim", 1, &[]),
        user("SALES/kim", 2, &[]),
        user("lee", 3, &[]),
    ];
    let world = World::new();
    let policies = Policies::default();
    let found = collisions(&world.decider(&policies), users.iter());
    let names: Vec<String> = found
        .iter()
        .map(|collision| {
            format!(
                "{} {} {}",
                collision.connector,
                collision.remote_name,
                collision.users.len()
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            "acme-google/google kim@acme.example 2",
            "acme-sales/salesforce kim 2"
        ],
        "SCIM2 keeps the store in the name"
    );
    let told_apart = world.with(|world| {
        world.set(GOOGLE, "pattern", "{UD,UN}");
        world.set(SALESFORCE, "pattern", "{UD,UN}");
    });
    assert!(collisions(&told_apart.decider(&policies), users.iter()).is_empty());
}

#[test]
fn collisions_leave_users_aside_who_are_out_of_scope_anyway() {
    let users = [user("Kim", 1, &[]), user("SALES/kim", 2, &[])];
    let world = World::new().with(|world| {
        world.configuration.organization.provisioned_stores = vec![domain::StoreDomain::default()];
    });
    let policies = Policies::default();
    assert!(collisions(&world.decider(&policies), users.iter()).is_empty());
}

#[test]
fn group_members_without_an_account_there_are_named_and_left_out() {
    let world = group_world(&[SCIM]);
    let decisions = world.decide(&trigger(TriggerKind::GroupCreated, domain::Source::Console));
    let members = planned(&decisions, SCIM).desired.members;
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].remote_id, None);
    assert!(told(&decisions, SCIM).contains("left out, no account there: kim"));
}

#[test]
fn a_groups_name_is_told_under_the_attribute_that_holds_it() {
    let world = group_world(&[SCIM]);
    let decisions = world.decide(&trigger(TriggerKind::GroupCreated, domain::Source::Console));
    let told = told(&decisions, SCIM);
    assert!(told.contains("displayName = leads (group name)"), "{told}");
    assert!(!told.contains("userName"), "{told}");
}
