//! The same question asked again right before sending.

use decide::{Policies, Shaped};
use domain::{AttributeChange, Desired, Link, PasswordPlan, Reason, Verb};
use serde_json::json;

use crate::fixture::*;

fn desired(connector: &str) -> Desired {
    planned(&World::listing(&[connector]).decide(&created()), connector).desired
}

fn reshape(connector: &str, desired: &Desired, verb: Verb, link: Option<&Link>) -> Shaped {
    let world = World::new();
    let policies = Policies::default();
    world
        .decider(&policies)
        .reshape(&reference(connector), desired, verb, link)
}

fn sent(shaped: Shaped) -> (Verb, Vec<AttributeChange>, PasswordPlan) {
    match shaped {
        Shaped::Send {
            verb,
            changes,
            password,
        } => (verb, changes, password),
        Shaped::Nothing(reason) => panic!("nothing: {reason}"),
    }
}

#[test]
fn a_create_without_a_link_is_sent_whole() {
    let desired = desired(SCIM);
    let (verb, changes, password) = sent(reshape(SCIM, &desired, Verb::Create, None));
    assert_eq!(verb, Verb::Create);
    let names: Vec<&str> = changes
        .iter()
        .map(|change| change.remote.as_str())
        .collect();
    assert_eq!(names, ["userName", "name.givenName"]);
    assert_eq!(password, desired.password);
}

#[test]
fn a_create_with_a_live_link_is_an_update_without_a_password() {
    let mut desired = desired(SCIM);
    let link = link(SCIM, &desired);
    let unchanged = reshape(SCIM, &desired, Verb::Create, Some(&link));
    assert_eq!(unchanged, Shaped::Nothing(Reason::Unchanged));
    desired.attributes[0].value = json!("Kimberly");
    let (verb, changes, password) = sent(reshape(SCIM, &desired, Verb::Create, Some(&link)));
    assert_eq!((verb, password), (Verb::Update, PasswordPlan::None));
    assert_eq!(changes.len(), 1);
}

#[test]
fn an_update_without_a_link_is_a_create_with_the_password_that_a_create_carries() {
    let mut desired = desired(GOOGLE);
    desired.password = PasswordPlan::None;
    let (verb, _, password) = sent(reshape(GOOGLE, &desired, Verb::Update, None));
    assert_eq!((verb, password), (Verb::Create, PasswordPlan::Random));
}

#[test]
fn an_update_without_a_difference_is_nothing_unless_it_carries_a_password() {
    let mut desired = desired(SCIM);
    let link = link(SCIM, &desired);
    desired.password = PasswordPlan::None;
    let shaped = reshape(SCIM, &desired, Verb::Update, Some(&link));
    assert_eq!(shaped, Shaped::Nothing(Reason::Unchanged));
    desired.password = PasswordPlan::FromTrigger;
    let (verb, _, password) = sent(reshape(SCIM, &desired, Verb::Update, Some(&link)));
    assert_eq!((verb, password), (Verb::Update, PasswordPlan::FromTrigger));
}

#[test]
fn an_account_that_is_gone_is_created_again_and_a_deprovision_clears_it_away() {
    let desired = desired(SCIM);
    let gone = Link {
        gone: true,
        ..link(SCIM, &desired)
    };
    for verb in [Verb::Create, Verb::Update] {
        assert_eq!(
            sent(reshape(SCIM, &desired, verb, Some(&gone))).0,
            Verb::Create
        );
    }
    let (verb, changes, _) = sent(reshape(SCIM, &desired, Verb::Deprovision, Some(&gone)));
    assert_eq!((verb, changes), (Verb::Deprovision, Vec::new()));
}

#[test]
fn a_deprovision_without_a_link_is_nothing() {
    let shaped = reshape(SCIM, &desired(SCIM), Verb::Deprovision, None);
    assert_eq!(shaped, Shaped::Nothing(Reason::NeverProvisioned));
}

#[test]
fn a_deactivated_account_is_updated_and_not_deactivated_again() {
    let mut desired = desired(SALESFORCE);
    desired.password = PasswordPlan::None;
    let inactive = Link {
        active: false,
        ..link(SALESFORCE, &desired)
    };
    let (verb, changes, _) = sent(reshape(SALESFORCE, &desired, Verb::Update, Some(&inactive)));
    assert_eq!((verb, changes), (Verb::Update, Vec::new()));
    let shaped = reshape(SALESFORCE, &desired, Verb::Deprovision, Some(&inactive));
    assert_eq!(shaped, Shaped::Nothing(Reason::Unchanged));
}

#[test]
fn a_rename_is_a_change_of_the_name_attribute() {
    let mut desired = desired(GOOGLE);
    let link = link(GOOGLE, &desired);
    desired.remote_name = "kimberly@acme.example".to_owned();
    let (_, changes, _) = sent(reshape(GOOGLE, &desired, Verb::Update, Some(&link)));
    assert_eq!(changes[0].remote, "primaryEmail");
}
