//! Which levels speak for which trigger and source, and how they are merged.

use std::time::Duration;

use domain::{Candidate, Level, OnFailure, RoleName, Source, Trigger, TriggerKind};

use crate::fixture::*;

const OWN: &str = "application-has-own-provisioners";

/// The organization lists Google, the portal lists Salesforce.
fn portal() -> World {
    World::listing(&[GOOGLE]).application("portal", &[SALESFORCE])
}

fn by(source: Source) -> Trigger {
    through("portal", trigger(TriggerKind::UserCreated, source))
}

fn outcomes(world: &World, trigger: &Trigger) -> [String; 3] {
    let decisions = world.decide(trigger);
    [GOOGLE, SALESFORCE, SCIM].map(|connector| outcome(&decisions, connector))
}

fn candidate(world: &World, trigger: &Trigger, connector: &str) -> Candidate {
    let wanted = reference(connector);
    let decisions = world.decide(trigger).decisions;
    let found = decisions
        .into_iter()
        .find(|decision| decision.candidate.connector == wanted);
    found.unwrap().candidate
}

#[test]
fn console_and_import_ask_the_organization_whatever_the_application() {
    for source in [Source::Console, Source::Import] {
        assert_eq!(outcomes(&portal(), &by(source)), ["create", "-", "-"]);
    }
}

#[test]
fn api_and_self_signup_ask_an_application_that_has_provisioners() {
    for source in [Source::Api, Source::SelfSignup] {
        assert_eq!(outcomes(&portal(), &by(source)), [OWN, "create", "-"]);
    }
}

#[test]
fn api_without_an_application_asks_the_organization() {
    let trigger = trigger(TriggerKind::UserCreated, Source::Api);
    assert_eq!(outcomes(&portal(), &trigger), ["create", "-", "-"]);
}

#[test]
fn an_application_without_provisioners_uses_the_organization() {
    let world = World::listing(&[GOOGLE]).application("portal", &[]);
    assert_eq!(
        outcomes(&world, &by(Source::SelfSignup)),
        ["create", "-", "-"]
    );
    assert_eq!(
        outcomes(&World::listing(&[GOOGLE]), &by(Source::Api)),
        ["create", "-", "-"]
    );
}

#[test]
fn without_the_fallback_an_application_without_provisioners_provisions_nothing_and_says_so() {
    let world = World::listing(&[GOOGLE])
        .application("portal", &[])
        .with(|world| world.configuration.engine.application_fallback = false);
    let decisions = world.decide(&by(Source::SelfSignup));
    assert!(decisions.decisions.is_empty());
    assert!(
        decisions.event[1]
            .text
            .contains("application_fallback = false")
    );
    let last = decisions.event.last().unwrap();
    assert_eq!(last.reason, Some(domain::Reason::NoProvisioners));
}

#[test]
fn jit_asks_the_application_or_the_organization_for_entries_with_jit() {
    let jit = |world: &mut World| world.connection(SCIM).jit.enabled = true;
    let trigger = through("portal", jit_created("corp-scim"));
    assert_eq!(
        outcomes(&portal().with(jit), &trigger),
        [OWN, "create", "-"]
    );
    let off = portal().with(jit).with(|world| {
        world.configuration.applications[0].provisioners[0].jit = false;
        world.configuration.resident[0].jit = false;
    });
    assert_eq!(outcomes(&off, &trigger), ["-", "jit-outbound-off", "-"]);
    let resident = World::listing(&[GOOGLE]).with(jit);
    assert_eq!(outcomes(&resident, &trigger), ["create", "-", "-"]);
}

#[test]
fn jit_through_a_connection_with_jit_off_is_refused() {
    let trigger = jit_created("corp-scim");
    let reason = "jit-disabled-on-connection";
    assert_eq!(
        outcomes(&World::listing(&[GOOGLE]), &trigger),
        [reason, "-", "-"]
    );
}

#[test]
fn a_login_asks_every_connector_of_its_connection_and_nobody_else() {
    let trigger = logged_in("corp-scim");
    assert_eq!(outcomes(&portal(), &trigger), ["-", "-", "create"]);
    let disabled = portal().with(|world| world.settings(SCIM).enabled = false);
    assert_eq!(
        outcomes(&disabled, &trigger),
        ["-", "-", "connector-disabled"]
    );
}

#[test]
fn a_login_without_a_local_user_says_that_jit_is_off() {
    let world = portal().with(|world| world.snapshot.after = None);
    let decisions = world.decide(&logged_in("corp-scim"));
    assert_eq!(outcome(&decisions, SCIM), "jit-disabled-on-connection");
    let bare = world.with(|world| world.connection(SCIM).connectors.clear());
    let decisions = bare.decide(&logged_in("corp-scim"));
    let last = decisions.event.last().unwrap();
    assert_eq!(last.reason, Some(domain::Reason::JitDisabledOnConnection));
}

#[test]
fn a_login_without_a_local_user_because_of_skip_when_not_found_gives_the_same_reason() {
    let world = portal().with(|world| {
        world.snapshot.after = None;
        world.connection(SCIM).jit.enabled = true;
        world.connection(SCIM).jit.skip_when_not_found = true;
    });
    assert_eq!(
        world.outcome(&logged_in("corp-scim"), SCIM),
        "jit-disabled-on-connection"
    );
}

#[test]
fn a_login_through_an_unknown_connection_says_so() {
    let decisions = portal().decide(&logged_in("nowhere"));
    assert!(decisions.decisions.is_empty());
    let last = decisions.event.last().unwrap();
    assert_eq!(last.reason, Some(domain::Reason::ConnectionUnknown));
}

#[test]
fn updates_passwords_and_deletes_reach_every_connector_that_holds_a_link() {
    let world = World::new().linked(SCIM);
    assert_eq!(outcomes(&world, &updated()), ["-", "-", "unchanged"]);
    assert_eq!(outcomes(&world, &password_changed()), ["-", "-", "update"]);
    assert_eq!(outcomes(&world, &created()), ["-", "-", "-"]);
    assert_eq!(
        outcomes(&world.deleted(), &deleted()),
        ["-", "-", "deprovision"]
    );
}

#[test]
fn an_update_asks_the_levels_as_if_the_user_were_created_now() {
    let world = portal().linked(GOOGLE);
    let update = through("portal", trigger(TriggerKind::UserUpdated, Source::Api));
    // The link speaks for Google although the application keeps the organization silent.
    assert_eq!(outcomes(&world, &update), ["unchanged", "create", "-"]);
    assert_eq!(candidate(&world, &update, GOOGLE).levels, [Level::Link]);
}

#[test]
fn an_update_through_a_connection_names_it_where_a_link_is_held() {
    let world = World::listing(&[SCIM]).linked(SCIM);
    let update = Trigger {
        connection: Some("corp-scim".into()),
        ..updated()
    };
    assert_eq!(
        candidate(&world, &update, SCIM).levels,
        [
            Level::Organization,
            Level::Connection("corp-scim".into()),
            Level::Link
        ]
    );
}

#[test]
fn a_jit_update_reaches_a_linked_account_though_jit_outbound_is_off() {
    let world = World::listing(&[SCIM]).linked(SCIM).with(|world| {
        world.configuration.resident[0].jit = false;
        world.connection(SCIM).jit.enabled = true;
        world
            .kim()
            .claims
            .insert("title".into(), vec!["Dr".to_owned()]);
    });
    let update = trigger(TriggerKind::UserUpdated, Source::Jit);
    assert_eq!(world.outcome(&update, SCIM), "update");
}

#[test]
fn a_role_concerns_only_connections_that_a_level_lists_and_whose_roles_name_it() {
    let world = World::listing(&[GOOGLE, SCIM]).with(|world| {
        world.connection(SCIM).outbound_roles = vec![RoleName::new("manager")];
        world.connection(SALESFORCE).outbound_roles = vec![RoleName::new("manager")];
        world.kim().roles.insert(RoleName::new("manager"));
    });
    let assigned = role(TriggerKind::RoleAssigned, "manager");
    assert_eq!(outcomes(&world, &assigned), ["-", "-", "create"]);
    let other = world.decide(&role(TriggerKind::RoleAssigned, "Application/manager"));
    assert!(other.decisions.is_empty());
    assert_eq!(
        other.event.last().unwrap().reason,
        Some(domain::Reason::RoleNotNamed)
    );
}

#[test]
fn a_role_that_nothing_follows_from_says_whether_it_is_named_nowhere_or_its_connection_is_not_listed()
 {
    let world = World::listing(&[GOOGLE, SCIM]).with(|world| {
        world.connection(SALESFORCE).outbound_roles = vec![RoleName::new("manager")];
    });
    for kind in [TriggerKind::RoleAssigned, TriggerKind::RoleRevoked] {
        let why = |name: &str| {
            let decisions = world.decide(&role(kind, name));
            assert!(decisions.decisions.is_empty());
            let last = decisions.event.last().unwrap();
            (last.reason.unwrap(), last.text.clone())
        };
        let (reason, text) = why("auditors");
        assert_eq!(reason, domain::Reason::RoleNotNamed);
        assert!(text.contains("no connection names role Internal/auditors"));
        assert!(reason.fix().contains("outbound_roles"));
        let (reason, text) = why("manager");
        assert_eq!(reason, domain::Reason::NoProvisioners);
        assert!(text.contains("acme-sales"), "{text}");
    }
}

#[test]
fn a_revoked_role_reaches_a_linked_account_that_nobody_lists_any_more() {
    let world = World::new().linked(SCIM).with(|world| {
        world.connection(SCIM).outbound_roles = vec![RoleName::new("manager")];
    });
    assert_eq!(
        world.outcome(&role(TriggerKind::RoleRevoked, "manager"), SCIM),
        "deprovision"
    );
}

#[test]
fn a_role_assigned_at_a_login_concerns_the_connection_of_the_login() {
    let world = World::new().with(|world| {
        world.connection(SCIM).outbound_roles = vec![RoleName::new("manager")];
        world.kim().roles.insert(RoleName::new("manager"));
    });
    let assigned = Trigger {
        connection: Some("corp-scim".into()),
        source: Source::Login,
        ..role(TriggerKind::RoleAssigned, "manager")
    };
    assert_eq!(world.outcome(&assigned, SCIM), "create");
}

#[test]
fn groups_ask_the_organization_and_only_where_groups_are_kept() {
    let world = group_world(&[GOOGLE, SCIM]).application("portal", &[SALESFORCE]);
    let group = through("portal", trigger(TriggerKind::GroupCreated, Source::Api));
    assert_eq!(
        outcomes(&world, &group),
        ["groups-not-supported", "-", "create"]
    );
}

#[test]
fn one_connector_proposed_twice_is_one_candidate_with_the_flags_merged() {
    let world = World::listing(&[SCIM, SCIM]).linked(SCIM).with(|world| {
        let [first, second] = &mut world.configuration.resident[..] else {
            panic!("two entries");
        };
        first.blocking = true;
        first.on_failure = OnFailure::Accept;
        first.timeout = Some(Duration::from_secs(45));
        first.jit = false;
        second.rules = true;
        second.on_failure = OnFailure::Reject;
    });
    assert_eq!(world.decide(&updated()).decisions.len(), 1);
    let merged = candidate(&world, &updated(), SCIM);
    assert_eq!(merged.levels, [Level::Organization, Level::Link]);
    assert!(merged.blocking && merged.rules && merged.jit);
    assert_eq!(merged.on_failure, OnFailure::Reject);
    assert_eq!(merged.timeout, Duration::from_secs(45));
}

#[test]
fn a_failure_is_accepted_only_when_every_entry_accepts_it() {
    let world = World::listing(&[SCIM]).with(|world| {
        world.configuration.resident[0].on_failure = OnFailure::Accept;
    });
    let merged = candidate(&world, &created(), SCIM);
    assert_eq!(merged.on_failure, OnFailure::Accept);
    assert_eq!(
        merged.timeout,
        Duration::from_secs(30),
        "the engine's default"
    );
}

#[test]
fn the_engine_is_asked_to_look_up_names_at_enabled_connectors_and_members_of_groups() {
    let world = World::listing(&[SCIM]).with(|world| world.settings(SALESFORCE).enabled = false);
    let policies = decide::Policies::default();
    let needs = world
        .decider(&policies)
        .needs(&created(), None, world.snapshot.after.as_ref());
    assert_eq!(
        needs.names,
        [
            (reference(GOOGLE), "kim@acme.example".to_owned()),
            (reference(SCIM), "kim".to_owned())
        ]
    );
    assert!(!needs.members);
    let group = group_world(&[SCIM]).snapshot.after;
    let changed = trigger(TriggerKind::GroupChanged, Source::Console);
    let needs = world
        .decider(&policies)
        .needs(&changed, group.as_ref(), group.as_ref());
    assert_eq!(needs.names, [(reference(SCIM), "leads".to_owned())]);
    assert!(needs.members);
}
