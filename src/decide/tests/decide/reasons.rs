//! Every reason code is reached by a decision.

use domain::{Hold, Owner, Reason, RoleName, Setting, Source, StoreDomain, TriggerKind, Verdict};

use crate::fixture::*;

/// Makes the world and the trigger that lead to a reason.
fn case(reason: Reason) -> (World, domain::Trigger) {
    let scim = World::listing(&[SCIM]);
    let held = |reason| {
        World::listing(&[SCIM]).with(|world| {
            world.snapshot.holds = vec![Hold {
                connector: reference(SCIM),
                reason,
                detail: "by hand".to_owned(),
            }];
        })
    };
    match reason {
        Reason::NoProvisioners => (World::new(), created()),
        Reason::RoleNotNamed => (scim, role(TriggerKind::RoleAssigned, "manager")),
        Reason::ApplicationHasOwnProvisioners => (
            scim.application("portal", &[GOOGLE]),
            through(
                "portal",
                trigger(TriggerKind::UserCreated, Source::SelfSignup),
            ),
        ),
        Reason::ConnectionUnknown => (World::listing(&["nowhere/scim2"]), created()),
        Reason::ConnectionDisabled => (
            scim.with(|world| world.connection(SCIM).enabled = false),
            created(),
        ),
        Reason::ConnectorUnknown => (World::listing(&["corp-scim/google"]), created()),
        Reason::ConnectorDisabled => (
            scim.with(|world| world.settings(SCIM).enabled = false),
            created(),
        ),
        Reason::RealTargetNotAllowed => (
            scim.with(|world| world.set(SCIM, "user_endpoint", "https://scim.example/Users")),
            created(),
        ),
        Reason::GroupsNotSupported => (
            group_world(&[GOOGLE]),
            trigger(TriggerKind::GroupCreated, Source::Console),
        ),
        Reason::JitOutboundOff => (
            scim.with(|world| {
                world.configuration.resident[0].jit = false;
                world.connection(SCIM).jit.enabled = true;
            }),
            jit_created("corp-scim"),
        ),
        Reason::JitDisabledOnConnection => (
            scim.with(|world| world.snapshot.after = None),
            logged_in("corp-scim"),
        ),
        Reason::UserStoreNotProvisioned => (
            scim.with(|world| {
                world.configuration.organization.provisioned_stores =
                    vec![StoreDomain::new("EMPLOYEES")];
            }),
            created(),
        ),
        Reason::RoleNotHeld => (
            scim.with(|world| {
                world.connection(SCIM).outbound_roles = vec![RoleName::new("manager")];
            }),
            created(),
        ),
        Reason::RuleDenied => (
            scim.rules("forbid(principal, action, resource);"),
            created(),
        ),
        Reason::RuleError => (
            scim.rules(
                "permit(principal, action, resource) when { principal.claims.badge == \"1\" };",
            ),
            created(),
        ),
        Reason::NameCollision => (
            scim.with(|world| {
                world.snapshot.owners = vec![Owner {
                    connector: reference(SCIM),
                    remote_name: "kim".to_owned(),
                    local: domain::LocalRef::User(user("x", 2, &[]).id),
                    name: "SALES/kim".to_owned(),
                }];
            }),
            created(),
        ),
        Reason::PatternInvalid => (
            World::listing(&[GOOGLE]).with(|world| world.set(GOOGLE, "pattern", "UN")),
            created(),
        ),
        Reason::AttributeMissing => (
            World::listing(&[SALESFORCE])
                .with(|world| world.connection(SALESFORCE).attributes.clear()),
            created(),
        ),
        Reason::PasswordNotProvisioned => (World::listing(&[GOOGLE]), password_changed()),
        Reason::NeverProvisioned => (scim.deleted(), deleted()),
        Reason::Unchanged => (scim.linked(SCIM), updated()),
        Reason::Paused => (
            scim.with(|world| world.settings(SCIM).paused = true),
            created(),
        ),
        Reason::Quarantined => (held(reason), created()),
        Reason::BrakeEngaged => (held(reason).linked(SCIM).deleted(), deleted()),
        Reason::AccountShared => (
            scim.twin().linked(SCIM).linked(TWIN).with(|world| {
                world.connection(TWIN).outbound_roles = vec![RoleName::new("manager")];
            }),
            role(TriggerKind::RoleRevoked, "manager"),
        ),
    }
}

#[test]
fn every_reason_code_is_reached_and_stands_in_the_trace_at_its_own_step() {
    for reason in Reason::ALL.iter().copied() {
        let (world, trigger) = case(reason);
        let decisions = world.decide(&trigger);
        let by_verdict = decisions
            .decisions
            .iter()
            .any(|decision| match &decision.verdict {
                Verdict::Nothing(nothing) => nothing.reason == reason,
                Verdict::Operation(planned) => {
                    planned.held == Some(reason)
                        // The operation is made, and comes to the end of the link alone.
                        || reason == Reason::AccountShared
                            && decision.trace.last().and_then(|line| line.reason) == Some(reason)
                }
            });
        let by_event = decisions.decisions.is_empty()
            && decisions
                .event
                .last()
                .is_some_and(|line| line.reason == Some(reason));
        assert!(
            by_verdict || by_event,
            "{reason} is not reached: {decisions:#?}"
        );
        let lines = decisions
            .decisions
            .iter()
            .flat_map(|decision| decision.trace.iter());
        let line = lines
            .chain(&decisions.event)
            .find(|line| line.reason == Some(reason))
            .unwrap_or_else(|| panic!("{reason} is in no trace"));
        assert_eq!(line.step, reason.step(), "{reason}");
        assert!(!line.text.is_empty());
    }
}

#[test]
fn a_provisioner_with_a_mistake_does_not_hurt_the_others() {
    let world = World::listing(&[
        "nowhere/scim2",
        "corp-scim/google",
        GOOGLE,
        SALESFORCE,
        SCIM,
    ])
    .with(|world| {
        world.set(GOOGLE, "pattern", "{FOO}");
        world.connection(SALESFORCE).enabled = false;
    });
    let decisions = world.decide(&created());
    let outcomes: Vec<String> = decisions
        .decisions
        .iter()
        .map(|decision| outcome(&decisions, &decision.candidate.connector.to_string()))
        .collect();
    assert_eq!(
        outcomes,
        [
            "connection-unknown",
            "connector-unknown",
            "pattern-invalid",
            "connection-disabled",
            "create"
        ]
    );
}

#[test]
fn a_delete_at_a_disabled_connector_says_that_the_account_stays() {
    let world = World::listing(&[SCIM])
        .linked(SCIM)
        .with(|world| world.settings(SCIM).enabled = false)
        .deleted();
    let decisions = world.decide(&deleted());
    assert_eq!(outcome(&decisions, SCIM), "connector-disabled");
    assert!(told(&decisions, SCIM).contains("kim stays as it is"));
}

#[test]
fn an_address_outside_counts_by_default_and_only_when_its_setting_is_in_use() {
    let world = World::listing(&[GOOGLE, SCIM]).with(|world| {
        world.settings(GOOGLE).settings.remove("base_url");
        world.set(SCIM, "token_endpoint", "https://login.example/token");
    });
    assert_eq!(world.outcome(&created(), GOOGLE), "real-target-not-allowed");
    assert_eq!(
        world.outcome(&created(), SCIM),
        "create",
        "basic asks no token endpoint"
    );
    let world = world.with(|world| world.set(SCIM, "authentication_mode", "clientcredential"));
    assert_eq!(world.outcome(&created(), SCIM), "real-target-not-allowed");
    let world = world.with(|world| world.configuration.engine.real_targets = true);
    assert_eq!(world.outcome(&created(), SCIM), "create");
}

#[test]
fn a_scim2_connector_without_a_group_endpoint_provisions_no_groups() {
    let world = group_world(&[SCIM]).with(|world| {
        world
            .settings(SCIM)
            .settings
            .insert("group_endpoint".to_owned(), Setting::Text(String::new()));
    });
    let created = trigger(TriggerKind::GroupCreated, Source::Console);
    assert_eq!(world.outcome(&created, SCIM), "groups-not-supported");
}
