//! Every row of the verdict table.

use domain::{
    Deprovision, Hold, OnDeny, PasswordPlan, Reason, RoleName, Snapshot, TriggerKind, Verb,
};
use serde_json::json;

use crate::fixture::*;

fn scim() -> World {
    World::listing(&[SCIM])
}

/// corp-scim is for managers only.
fn managers() -> World {
    scim().with(|world| world.connection(SCIM).outbound_roles = vec![RoleName::new("manager")])
}

fn manager(world: &mut World) {
    world.kim().roles.insert(RoleName::new("manager"));
}

#[test]
fn no_link_in_scope_created_is_a_create() {
    assert_eq!(scim().outcome(&created(), SCIM), "create");
}

#[test]
fn no_link_in_scope_logged_in_is_a_create() {
    assert_eq!(scim().outcome(&logged_in("corp-scim"), SCIM), "create");
}

#[test]
fn no_link_in_scope_role_assigned_is_a_create() {
    let world = managers().with(manager);
    assert_eq!(
        world.outcome(&role(TriggerKind::RoleAssigned, "manager"), SCIM),
        "create"
    );
}

#[test]
fn no_link_in_scope_updated_is_a_create() {
    assert_eq!(scim().outcome(&updated(), SCIM), "create");
}

#[test]
fn no_link_in_scope_password_changed_is_a_create_with_that_password() {
    let decisions = scim().decide(&password_changed());
    let planned = planned(&decisions, SCIM);
    assert_eq!(planned.verb, Verb::Create);
    assert_eq!(planned.desired.password, PasswordPlan::FromTrigger);
}

#[test]
fn no_link_in_scope_deleted_is_nothing() {
    assert_eq!(
        scim().deleted().outcome(&deleted(), SCIM),
        "never-provisioned"
    );
}

#[test]
fn no_link_in_scope_revoked_is_nothing() {
    let world = managers().with(|world| {
        world
            .connection(SCIM)
            .outbound_roles
            .push(RoleName::new("lead"));
        world.kim().roles.insert(RoleName::new("lead"));
    });
    assert_eq!(
        world.outcome(&role(TriggerKind::RoleRevoked, "manager"), SCIM),
        "never-provisioned"
    );
}

#[test]
fn a_link_in_scope_with_a_difference_is_an_update_of_what_differs() {
    let world = scim().linked(SCIM).with(|world| {
        world
            .kim()
            .claims
            .insert("title".into(), vec!["Dr".to_owned()]);
    });
    for trigger in [created(), updated(), logged_in("corp-scim")] {
        let planned = planned(&world.decide(&trigger), SCIM);
        assert_eq!(planned.verb, Verb::Update);
        let changes: Vec<_> = planned
            .changes
            .iter()
            .map(|change| (change.remote.as_str(), &change.before, &change.after))
            .collect();
        assert_eq!(changes, [("title", &None, &json!("Dr"))]);
    }
}

#[test]
fn a_link_in_scope_with_a_difference_and_a_role_assigned_is_an_update() {
    let world = managers().with(manager).linked(SCIM).with(|world| {
        world
            .kim()
            .claims
            .insert("title".into(), vec!["Dr".to_owned()]);
    });
    assert_eq!(
        world.outcome(&role(TriggerKind::RoleAssigned, "manager"), SCIM),
        "update"
    );
}

#[test]
fn a_link_in_scope_without_a_difference_is_unchanged() {
    let world = scim().linked(SCIM);
    for trigger in [created(), updated(), logged_in("corp-scim")] {
        assert_eq!(world.outcome(&trigger, SCIM), "unchanged");
    }
    let world = managers().with(manager).linked(SCIM);
    assert_eq!(
        world.outcome(&role(TriggerKind::RoleAssigned, "manager"), SCIM),
        "unchanged"
    );
}

#[test]
fn a_link_in_scope_and_a_role_revoked_while_another_is_held_is_unchanged() {
    let world = managers()
        .with(|world| {
            world
                .connection(SCIM)
                .outbound_roles
                .push(RoleName::new("lead"));
            world.kim().roles.insert(RoleName::new("lead"));
        })
        .linked(SCIM);
    assert_eq!(
        world.outcome(&role(TriggerKind::RoleRevoked, "manager"), SCIM),
        "unchanged"
    );
}

/// A role that is renamed is revoked under the old name and assigned under the new one, and both triggers see its holder
/// with the new one.
#[test]
fn a_role_that_is_renamed_moves_its_holder_from_who_asks_for_the_old_name_to_who_asks_for_the_new_one()
 {
    for (asked, linked, revoked, assigned) in [
        ("manager", true, "deprovision", "-"),
        ("manager", false, "role-not-held", "-"),
        ("boss", false, "-", "create"),
        ("manager boss", true, "unchanged", "unchanged"),
        ("manager boss", false, "never-provisioned", "create"),
    ] {
        let mut world = scim().with(|world| {
            world.connection(SCIM).outbound_roles = asked.split(' ').map(RoleName::new).collect();
            world.kim().roles.insert(RoleName::new("boss"));
        });
        if linked {
            world = world.linked(SCIM);
        }
        let outcomes = [
            world.outcome(&role(TriggerKind::RoleRevoked, "manager"), SCIM),
            world.outcome(&role(TriggerKind::RoleAssigned, "boss"), SCIM),
        ];
        assert_eq!(outcomes, [revoked, assigned], "{asked}, linked: {linked}");
    }
}

#[test]
fn a_link_in_scope_deleted_is_a_deprovision_of_the_known_account() {
    let planned = planned(&scim().linked(SCIM).deleted().decide(&deleted()), SCIM);
    assert_eq!(planned.verb, Verb::Deprovision);
    assert_eq!(planned.deprovision, Deprovision::Delete);
    assert_eq!(planned.desired.remote_name, "kim");
}

#[test]
fn a_link_no_longer_in_scope_by_role_is_a_deprovision_whatever_the_trigger() {
    let world = managers().linked(SCIM);
    for trigger in [
        role(TriggerKind::RoleRevoked, "manager"),
        updated(),
        password_changed(),
        logged_in("corp-scim"),
    ] {
        assert_eq!(
            world.outcome(&trigger, SCIM),
            "deprovision",
            "{}",
            trigger.kind
        );
    }
    assert_eq!(world.deleted().outcome(&deleted(), SCIM), "deprovision");
}

#[test]
fn a_link_no_longer_in_scope_by_rule_is_a_deprovision_when_denials_take_away() {
    let denied = scim()
        .linked(SCIM)
        .rules("forbid(principal, action, resource);");
    assert_eq!(denied.outcome(&updated(), SCIM), "rule-denied");
    let denied = denied.with(|world| world.configuration.rules.on_deny = OnDeny::Deprovision);
    assert_eq!(denied.outcome(&updated(), SCIM), "deprovision");
}

#[test]
fn no_link_out_of_scope_is_nothing_with_the_reason_of_the_step() {
    let world = managers();
    for trigger in [
        created(),
        updated(),
        role(TriggerKind::RoleRevoked, "manager"),
    ] {
        assert_eq!(world.outcome(&trigger, SCIM), "role-not-held");
    }
    let denied = scim().rules("").with(|world| {
        world.configuration.rules.on_deny = OnDeny::Deprovision;
    });
    assert_eq!(denied.outcome(&created(), SCIM), "rule-denied");
}

#[test]
fn a_link_whose_account_is_gone_is_created_again() {
    let world = scim()
        .linked(SCIM)
        .with(|world| world.snapshot.links[0].gone = true);
    assert_eq!(world.outcome(&updated(), SCIM), "create");
    assert_eq!(world.deleted().outcome(&deleted(), SCIM), "deprovision");
}

#[test]
fn a_deactivated_account_is_activated_by_an_update_and_not_deactivated_twice() {
    let world = World::listing(&[SALESFORCE])
        .linked(SALESFORCE)
        .with(|world| world.snapshot.links[0].active = false);
    let decisions = world.decide(&updated());
    assert_eq!(outcome(&decisions, SALESFORCE), "update");
    assert!(told(&decisions, SALESFORCE).contains("activate the account again"));
    assert_eq!(world.deleted().outcome(&deleted(), SALESFORCE), "unchanged");
}

#[test]
fn an_update_after_a_queued_create_is_an_update_against_what_is_on_its_way() {
    let queued = planned(&scim().decide(&created()), SCIM).desired;
    let world = scim().with(|world| {
        world.snapshot.pending.push((reference(SCIM), Some(queued)));
    });
    assert_eq!(world.outcome(&updated(), SCIM), "unchanged");
    let renamed = world.clone().with(|world| {
        world
            .kim()
            .claims
            .insert("givenname".into(), vec!["Kimberly".to_owned()]);
    });
    let planned = planned(&renamed.decide(&updated()), SCIM);
    assert_eq!(planned.verb, Verb::Update);
    assert_eq!(planned.changes[0].before, Some(json!("Kim")));
    assert_eq!(world.deleted().outcome(&deleted(), SCIM), "deprovision");
}

#[test]
fn after_a_queued_deprovision_there_is_nothing_to_update_or_take_away() {
    let gone = |world: &mut World| world.snapshot.pending.push((reference(SCIM), None));
    let world = scim().linked(SCIM).with(gone);
    assert_eq!(world.outcome(&created(), SCIM), "create");
    assert_eq!(
        world.deleted().outcome(&deleted(), SCIM),
        "never-provisioned"
    );
    let unlisted = World::new().linked(SCIM).with(gone);
    assert_eq!(
        unlisted.outcome(&updated(), SCIM),
        "-",
        "the link does not speak any more"
    );
}

#[test]
fn what_an_unanswered_create_may_have_made_is_taken_away_and_is_no_account_otherwise() {
    let world = scim();
    let desired = planned(&world.decide(&created()), SCIM).desired;
    let world = world.with(|world| world.snapshot.doubtful.push((reference(SCIM), desired)));
    assert_eq!(world.outcome(&updated(), SCIM), "create");
    let deleting = world.deleted();
    let planned = planned(&deleting.decide(&deleted()), SCIM);
    assert_eq!(planned.verb, Verb::Deprovision);
    assert!(planned.desired.attributes.is_empty());
}

#[test]
fn an_update_lies_over_what_the_link_already_holds() {
    let world = scim().linked(SCIM);
    let mut partial = planned(&scim().decide(&created()), SCIM).desired;
    partial.attributes.clear();
    let world = world.with(|world| {
        world
            .snapshot
            .pending
            .push((reference(SCIM), Some(partial)));
    });
    assert_eq!(world.outcome(&updated(), SCIM), "unchanged");
}

#[test]
fn a_hold_keeps_the_operation_and_says_why() {
    let hold = |reason| Hold {
        connector: reference(SCIM),
        reason,
        detail: "since 09:14".to_owned(),
    };
    let world = scim().with(|world| world.snapshot.holds = vec![hold(Reason::Quarantined)]);
    assert_eq!(
        planned(&world.decide(&created()), SCIM).held,
        Some(Reason::Quarantined)
    );
    let paused = world.with(|world| world.settings(SCIM).paused = true);
    assert_eq!(
        planned(&paused.decide(&created()), SCIM).held,
        Some(Reason::Paused)
    );
}

#[test]
fn the_brake_holds_only_what_takes_accounts_away() {
    let world = scim().linked(SCIM).with(|world| {
        world.snapshot.holds = vec![Hold {
            connector: reference(SCIM),
            reason: Reason::BrakeEngaged,
            detail: "41 of 50".to_owned(),
        }];
        world
            .kim()
            .claims
            .insert("title".into(), vec!["Dr".to_owned()]);
    });
    assert_eq!(planned(&world.decide(&updated()), SCIM).held, None);
    let world = world.deleted();
    assert_eq!(
        planned(&world.decide(&deleted()), SCIM).held,
        Some(Reason::BrakeEngaged)
    );
}

#[test]
fn a_group_is_created_updated_and_taken_away_like_a_user() {
    let kind = |kind| trigger(kind, domain::Source::Console);
    let world = group_world(&[SCIM]);
    assert_eq!(
        world.outcome(&kind(TriggerKind::GroupCreated), SCIM),
        "create"
    );
    assert_eq!(
        world.outcome(&kind(TriggerKind::GroupChanged), SCIM),
        "create"
    );
    assert_eq!(
        world
            .clone()
            .deleted()
            .outcome(&kind(TriggerKind::GroupDeleted), SCIM),
        "never-provisioned"
    );
    let linked = world.linked(SCIM);
    assert_eq!(
        linked.outcome(&kind(TriggerKind::GroupChanged), SCIM),
        "unchanged"
    );
    let joined = linked.clone().with(|world| {
        let kim = scim().linked(SCIM).snapshot.links;
        world.snapshot.members = vec![(crate::fixture::kim(), kim)];
    });
    let changed = planned(&joined.decide(&kind(TriggerKind::GroupChanged)), SCIM);
    assert_eq!(changed.changes[0].remote, "members");
    assert_eq!(changed.changes[0].after, json!(["r-1"]));
    let renamed = linked.clone().with(|world| {
        if let Some(domain::Subject::Group(group)) = &mut world.snapshot.after {
            group.name = "Leads".into();
        }
    });
    let renamed = planned(&renamed.decide(&kind(TriggerKind::GroupRenamed)), SCIM);
    assert_eq!(renamed.changes[0].remote, "displayName");
    assert_eq!(
        linked
            .deleted()
            .outcome(&kind(TriggerKind::GroupDeleted), SCIM),
        "deprovision"
    );
}

#[test]
fn a_subject_that_is_nowhere_is_nothing_and_not_a_panic() {
    let world = scim().with(|world| world.snapshot = Snapshot::default());
    for trigger in [created(), updated(), deleted(), password_changed()] {
        assert_eq!(world.outcome(&trigger, SCIM), "never-provisioned");
    }
}
