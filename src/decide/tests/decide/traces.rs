//! Whole traces as people read them.

use decide::trace::render;
use domain::{Source, TriggerKind};

use crate::fixture::*;

#[test]
fn a_self_signup_through_a_portal_of_its_own() {
    let world = World::listing(&[GOOGLE, SCIM])
        .application("portal", &[SALESFORCE, GOOGLE])
        .with(|world| {
            world.configuration.applications[0].provisioners[0].blocking = true;
            world.connection(GOOGLE).outbound_roles = vec!["manager".into()];
        });
    let trigger = through(
        "portal",
        trigger(TriggerKind::UserCreated, Source::SelfSignup),
    );
    insta::assert_snapshot!(render(&world.decide(&trigger)));
}

#[test]
fn an_update_of_a_linked_user_with_a_rule_and_a_hold() {
    let world = World::listing(&[SCIM])
        .rules("@id(\"sales-only\") permit(principal, action, resource) when { principal.claims.department == \"Sales\" };")
        .linked(SCIM)
        .with(|world| {
            world.kim().claims.insert("title".into(), vec!["Dr".to_owned(), "Prof".to_owned()]);
            world.settings(SCIM).paused = true;
        });
    insta::assert_snapshot!(render(&world.decide(&updated())));
}

#[test]
fn a_delete_where_one_connector_never_knew_the_user() {
    let world = World::listing(&[GOOGLE, SALESFORCE, SCIM])
        .linked(SALESFORCE)
        .linked(SCIM)
        .deleted();
    insta::assert_snapshot!(render(&world.decide(&deleted())));
}

#[test]
fn a_role_that_is_revoked_takes_the_account_away() {
    let world = World::listing(&[SCIM])
        .linked(SCIM)
        .with(|world| world.connection(SCIM).outbound_roles = vec!["manager".into()]);
    let revoked = role(TriggerKind::RoleRevoked, "manager");
    insta::assert_snapshot!(render(&world.decide(&revoked)));
}

#[test]
fn nobody_proposes() {
    insta::assert_snapshot!(render(&World::new().decide(&created())));
}

#[test]
fn a_name_that_would_drive_a_terminal_is_made_visible() {
    let world = World::listing(&[SCIM]).with(|world| world.kim().name = "k\u{1b}[2Jim".into());
    let text = render(&world.decide(&created()));
    assert!(!text.contains('\u{1b}'), "{text:?}");
}
