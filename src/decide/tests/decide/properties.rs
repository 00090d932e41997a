//! What holds for every configuration, snapshot and trigger.

use std::collections::BTreeSet;

use decide::pattern::{Pattern, remote_name};
use domain::{
    Application, Hold, OnDeny, OnEmpty, Owner, Reason, RoleName, Source, StoreDomain, Subject,
    Trigger, TriggerKind, Verdict,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::fixture::*;

const CONNECTORS: [&str; 5] = [
    GOOGLE,
    SALESFORCE,
    SCIM,
    "nowhere/scim2",
    "corp-scim/google",
];
const RULES: [&str; 4] = [
    "",
    "permit(principal, action, resource);",
    "forbid(principal, action, resource);",
    "permit(principal, action, resource) when { principal.claims.badge == \"1\" };",
];

fn entries() -> impl Strategy<Value = Vec<domain::Provisioner>> {
    let one = (select(&CONNECTORS[..]), any::<[bool; 3]>()).prop_map(|(connector, flags)| {
        let mut entry = entry(connector);
        [entry.blocking, entry.rules, entry.jit] = flags;
        entry
    });
    prop::collection::vec(one, 0..5)
}

prop_compose! {
    fn worlds()(
        resident in entries(),
        own in entries(),
        fallback in any::<bool>(),
        jit in any::<bool>(),
        disabled in prop::collection::vec(select(&CONNECTORS[..3]), 0..2),
        roles in any::<[bool; 2]>(),
        links in prop::collection::btree_set(select(&CONNECTORS[..3]), 0..3),
        states in any::<[bool; 4]>(),
        rules in select(&RULES[..]),
        subject in 0..4_u8,
        claims in prop::collection::btree_map("[a-z]{1,6}|givenname|lastname|title", prop::collection::vec(".{0,6}", 0..3), 0..5),
        name in ".{0,8}",
        pattern in "\\{?(UN|UD|TD|IDP|,| |X)*\\}?",
        mapped in prop::collection::vec(("[a-z]{1,4}(\\[\\])?", any::<[bool; 3]>()), 0..4),
    ) -> World {
        let mut world = World::new();
        for connector in links {
            world = world.linked(connector);
        }
        let [gone, inactive, pending, queued_away] = states;
        for link in &mut world.snapshot.links {
            link.gone = gone;
            link.active = !inactive;
        }
        if pending {
            let desired = planned(&World::listing(&[SCIM]).decide(&created()), SCIM).desired;
            world.snapshot.pending.push((reference(SCIM), (!queued_away).then_some(desired)));
        }
        world.configuration.resident = resident;
        world.configuration.applications = vec![Application {
            id: "portal".into(),
            name: "portal".to_owned(),
            login: Vec::new(),
            provisioners: own,
            line: None,
        }];
        world.configuration.engine.application_fallback = fallback;
        for connector in disabled {
            world.settings(connector).enabled = false;
        }
        if roles[0] {
            world.connection(SCIM).outbound_roles = vec![RoleName::new("manager")];
        }
        world.connection(SCIM).jit.enabled = jit;
        world.set(GOOGLE, "pattern", &pattern);
        for (remote, [default, value, clear]) in mapped {
            world.connection(SCIM).attributes.push(mapping(&remote, |row| {
                row.local = Some("title".into());
                row.default = default.then(|| "d".to_owned());
                row.value = value.then(|| "v".to_owned());
                row.on_empty = if clear { OnEmpty::Clear } else { OnEmpty::Skip };
            }));
        }
        world.configuration.rules.policies = vec![domain::PolicyText {
            from: "workbench.toml:1".to_owned(),
            text: rules.to_owned(),
        }];
        world.configuration.rules.on_deny = if roles[1] { OnDeny::Deprovision } else { OnDeny::Keep };
        world.configuration.organization.provisioned_stores =
            if states[0] && states[1] { vec![StoreDomain::new("SALES")] } else { Vec::new() };
        let mut kim = kim();
        kim.name.name = name;
        kim.claims.extend(claims.into_iter().map(|(claim, values)| (claim.into(), values)));
        if roles[1] {
            kim.roles.insert(RoleName::new("manager"));
        }
        world.snapshot.owners = vec![Owner {
            connector: reference(SCIM),
            remote_name: "a".to_owned(),
            local: domain::LocalRef::User(user("a", 7, &[]).id),
            name: "a".to_owned(),
        }];
        world.snapshot.holds = vec![Hold {
            connector: reference(GOOGLE),
            reason: Reason::Quarantined,
            detail: String::new(),
        }];
        let member = kim.clone();
        (world.snapshot.before, world.snapshot.after) = match subject {
            0 => (None, None),
            1 => (None, Some(Subject::User(kim))),
            2 => (Some(Subject::User(kim)), None),
            _ => (None, Some(Subject::Group(group(&[&member])))),
        };
        world.snapshot.members = vec![(member, world.snapshot.links.clone())];
        world
    }
}

prop_compose! {
    fn triggers()(
        kind in select(&TriggerKind::ALL[..]),
        source in select(&Source::ALL[..]),
        application in prop::option::of(select(&["portal", "unknown"][..])),
        connection in prop::option::of(select(&["corp-scim", "acme-google", "unknown"][..])),
        role in prop::option::of(select(&["manager", "other"][..])),
        carries_password in any::<bool>(),
    ) -> Trigger {
        Trigger {
            application: application.map(Into::into),
            connection: connection.map(Into::into),
            role: role.map(RoleName::new),
            carries_password,
            ..trigger(kind, source)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_decision_never_panics_is_the_same_twice_and_is_one_per_connector(
        world in worlds(),
        trigger in triggers(),
    ) {
        let first = world.decide(&trigger);
        prop_assert_eq!(&first, &world.decide(&trigger));
        let connectors: BTreeSet<_> =
            first.decisions.iter().map(|decision| &decision.candidate.connector).collect();
        prop_assert_eq!(connectors.len(), first.decisions.len());
        for decision in &first.decisions {
            let reasons = decision.trace.iter().filter_map(|line| line.reason).collect::<Vec<_>>();
            match &decision.verdict {
                Verdict::Nothing(nothing) => prop_assert_eq!(reasons, vec![nothing.reason]),
                Verdict::Operation(planned) => {
                    prop_assert_eq!(reasons.first().copied(), planned.held);
                    prop_assert!(!planned.desired.remote_name.trim().is_empty());
                }
            }
            let steps = decision.trace.iter().map(|line| line.step).collect::<Vec<_>>();
            prop_assert!(steps.is_sorted(), "{:?}", steps);
            prop_assert!(!decision.candidate.levels.is_empty());
        }
        if first.decisions.is_empty() {
            prop_assert!(first.event.last().is_some_and(|line| line.reason.is_some()));
        }
        let policies = decide::Policies::default();
        let snapshot = &world.snapshot;
        let _ = world.decider(&policies).needs(&trigger, snapshot.before.as_ref(), snapshot.after.as_ref());
        decide::trace::render(&first);
    }

    #[test]
    fn an_update_right_after_the_create_is_unchanged(world in worlds()) {
        let listed = |world: &World| world.clone().with(|world| {
            world.snapshot.links.clear();
            world.snapshot.pending.clear();
        });
        let first = listed(&world).decide(&created());
        for decision in &first.decisions {
            let Verdict::Operation(planned) = &decision.verdict else { continue };
            let connector = decision.candidate.connector.to_string();
            let linked = listed(&world).with(|world| {
                world.snapshot.links = vec![link(&connector, &planned.desired)];
            });
            prop_assert_eq!(linked.outcome(&updated(), &connector), "unchanged");
            let queued = listed(&world).with(|world| {
                world.snapshot.pending = vec![(reference(&connector), Some(planned.desired.clone()))];
            });
            prop_assert_eq!(queued.outcome(&updated(), &connector), "unchanged");
        }
    }

    #[test]
    fn a_pattern_makes_lower_case_names_that_end_with_the_domain(
        store in "[A-Za-z]{0,6}",
        name in "\\PC{1,12}",
        tenant in "\\PC{0,12}",
        connection in "\\PC{0,12}",
        separator in "\\PC{0,2}",
        domain in "[A-Za-z]{1,8}\\.[a-z]{2,3}",
        tokens in prop::collection::vec(select(&["UN", "UD", "TD", "IDP"][..]), 1..5),
    ) {
        let pattern = Pattern::parse(&format!("{{{}}}", tokens.join(", "))).unwrap();
        let user = domain::QualifiedName { store: StoreDomain::new(&store), name };
        let made = remote_name(&pattern, &separator, &user, &tenant, &connection, Some(&domain));
        prop_assert_eq!(&made, &made.to_lowercase());
        let ending = format!("@{}", domain.to_lowercase());
        prop_assert!(made.ends_with(&ending));
    }

    #[test]
    fn no_text_makes_the_pattern_reader_panic(text in "\\PC*") {
        if let Err(error) = Pattern::parse(&text) {
            prop_assert!(error.position >= 1 && error.position <= text.chars().count() + 1);
        }
    }
}
