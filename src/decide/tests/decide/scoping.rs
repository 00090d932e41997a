//! User stores, outbound roles and rules.

use domain::{OnDeny, RoleName, Source, StoreDomain, TriggerKind};

use crate::fixture::*;

fn scim() -> World {
    World::listing(&[SCIM])
}

fn only_employees(world: &mut World) {
    world.configuration.organization.provisioned_stores = vec![StoreDomain::new("employees")];
}

#[test]
fn a_store_that_is_not_provisioned_keeps_users_out_and_others_in() {
    let world = scim().with(only_employees);
    assert_eq!(
        world.outcome(&created(), SCIM),
        "user-store-not-provisioned"
    );
    let employee = world.with(|world| world.kim().name = "EMPLOYEES/kim".into());
    assert_eq!(employee.outcome(&created(), SCIM), "create");
}

#[test]
fn a_store_that_is_no_longer_provisioned_keeps_its_accounts_until_the_user_is_deleted() {
    let world = scim().linked(SCIM).with(only_employees);
    assert_eq!(
        world.outcome(&updated(), SCIM),
        "user-store-not-provisioned"
    );
    assert_eq!(world.deleted().outcome(&deleted(), SCIM), "deprovision");
}

#[test]
fn a_group_of_a_store_that_is_not_provisioned_is_kept_out() {
    let created = trigger(TriggerKind::GroupCreated, Source::Console);
    let world = group_world(&[SCIM]).with(only_employees);
    assert_eq!(world.outcome(&created, SCIM), "user-store-not-provisioned");
}

#[test]
fn internal_and_application_roles_are_not_the_same() {
    let world = scim().with(|world| {
        world.connection(SCIM).outbound_roles = vec![RoleName::new("manager")];
        world
            .kim()
            .roles
            .insert(RoleName::new("Application/manager"));
    });
    assert_eq!(world.outcome(&created(), SCIM), "role-not-held");
    let internal = world.with(|world| {
        world.kim().roles.insert(RoleName::new("Internal/manager"));
    });
    assert_eq!(internal.outcome(&created(), SCIM), "create");
}

#[test]
fn any_one_of_several_roles_is_enough() {
    let world = scim().with(|world| {
        world.connection(SCIM).outbound_roles = vec![RoleName::new("a"), RoleName::new("b")];
        world.kim().roles.insert(RoleName::new("b"));
    });
    assert_eq!(world.outcome(&created(), SCIM), "create");
}

#[test]
fn rules_are_not_asked_unless_the_provisioner_asks_for_them() {
    let world = scim()
        .rules("forbid(principal, action, resource);")
        .with(|world| world.configuration.resident[0].rules = false);
    assert_eq!(world.outcome(&created(), SCIM), "create");
}

#[test]
fn no_permit_is_a_denial() {
    let decisions = scim().rules("").decide(&created());
    assert_eq!(outcome(&decisions, SCIM), "rule-denied");
    assert!(told(&decisions, SCIM).contains("no policy permits it"));
}

#[test]
fn the_policies_that_decided_are_named_by_id_or_by_position() {
    let world = scim().rules(
        "@id(\"sales-only\")\npermit(principal, action, resource) when { principal.claims.department == \"Sales\" };\n\
         permit(principal, action, resource);",
    );
    let told = told(&world.decide(&created()), SCIM);
    assert!(
        told.contains("permitted by policy 2 of workbench.toml:90, sales-only (workbench.toml:90)"),
        "{told}"
    );
}

#[test]
fn a_forbid_wins_over_a_permit_and_is_named() {
    let world = scim().rules(
        "permit(principal, action, resource);\n@id(\"not-kim\") forbid(principal, action, resource) when { principal.name == \"kim\" };",
    );
    let decisions = world.decide(&created());
    assert_eq!(outcome(&decisions, SCIM), "rule-denied");
    assert!(told(&decisions, SCIM).contains("forbidden by not-kim"));
}

#[test]
fn an_error_in_one_policy_is_never_a_permit_though_another_permits() {
    let world = scim()
        .rules(
            "permit(principal, action, resource);\n@id(\"badge\") forbid(principal, action, resource) when { principal.claims.badge == \"x\" };",
        )
        .with(|world| world.configuration.rules.on_deny = OnDeny::Deprovision)
        .linked(SCIM);
    let decisions = world.decide(&updated());
    assert_eq!(outcome(&decisions, SCIM), "rule-error");
    assert!(told(&decisions, SCIM).contains("badge (workbench.toml:90)"));
}

#[test]
fn everything_a_rule_may_look_at_is_there() {
    let world = scim()
        .rules(
            "permit(principal in Role::\"Internal/manager\", action == Action::\"create\", resource in Connection::\"corp-scim\")
             when {
               principal in Group::\"SALES/leads\" && principal.groups.contains(\"SALES/leads\") &&
               principal.roles.contains(\"Internal/manager\") && principal.store == \"PRIMARY\" &&
               principal.values.mail.containsAll([\"a\", \"b\"]) && principal.claims.mail == \"a\" &&
               principal.claims[\"urn:x:y\"] == \"z\" && !(principal.claims has badge) &&
               resource == Connector::\"corp-scim/scim2\" && resource.connector == \"scim2\" &&
               resource.connection == \"corp-scim\" && context.application == \"portal\" &&
               context.source == \"api\" && context.trigger == \"user-created\" &&
               context.time < datetime(\"2027-01-01\") && context.time > datetime(\"2026-01-01\")
             };",
        )
        .with(|world| {
            let kim = world.kim();
            kim.roles.insert(RoleName::new("manager"));
            kim.groups.insert("SALES/leads".into());
            kim.claims.insert("mail".into(), vec!["a".to_owned(), "b".to_owned()]);
            kim.claims.insert("urn:x:y".into(), vec!["z".to_owned()]);
        });
    let trigger = through("portal", trigger(TriggerKind::UserCreated, Source::Api));
    let decisions = world.decide(&trigger);
    assert_eq!(
        outcome(&decisions, SCIM),
        "create",
        "{}",
        told(&decisions, SCIM)
    );
}

#[test]
fn a_rule_is_asked_about_the_operation_that_would_follow() {
    let only = |action: &str| {
        scim().rules(&format!(
            "permit(principal, action == Action::\"{action}\", resource);"
        ))
    };
    assert_eq!(only("create").outcome(&created(), SCIM), "create");
    assert_eq!(
        only("create").linked(SCIM).outcome(&updated(), SCIM),
        "rule-denied"
    );
    assert_eq!(
        only("update").linked(SCIM).outcome(&updated(), SCIM),
        "unchanged"
    );
    let linked = only("deprovision").linked(SCIM);
    assert_eq!(linked.deleted().outcome(&deleted(), SCIM), "deprovision");
}

#[test]
fn a_denied_deprovision_keeps_the_account_unless_denials_take_away() {
    let world = scim()
        .linked(SCIM)
        .deleted()
        .rules("permit(principal, action == Action::\"create\", resource);");
    assert_eq!(world.outcome(&deleted(), SCIM), "rule-denied");
    let world = world.with(|world| world.configuration.rules.on_deny = OnDeny::Deprovision);
    assert_eq!(world.outcome(&deleted(), SCIM), "deprovision");
}

#[test]
fn rules_are_said_not_to_speak_of_groups() {
    let world = group_world(&[SCIM]).rules("");
    let decisions = world.decide(&trigger(TriggerKind::GroupCreated, Source::Console));
    assert_eq!(outcome(&decisions, SCIM), "create");
    assert!(told(&decisions, SCIM).contains("none is evaluated for a group"));
}
