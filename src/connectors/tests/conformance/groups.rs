//! Groups, for the targets that hold them.

use domain::{Confirmation, FailureKind, RemoteId, Verb};
use mocks::Target;
use serde_json::Value;

use super::stage::Stage;
use crate::support::{Local, group};

fn id(local: &Local) -> &RemoteId {
    &local.link.as_ref().unwrap().remote_id
}

/// Returns the ids of a group's members, as the target keeps them.
fn members(stage: &Stage, group: &Local) -> Vec<String> {
    let kept = stage.kept(id(group)).unwrap();
    let members = kept["members"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> = members
        .iter()
        .filter_map(|member| member["value"].as_str().map(str::to_owned))
        .collect();
    ids.sort();
    ids
}

fn sorted(ids: &[&RemoteId]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| id.0.clone()).collect();
    ids.sort();
    ids
}

/// Creates, fills, renames, empties and deletes a group.
pub(crate) async fn lives(stage: &Stage, kim: &Local, lee: &Local) {
    let mut staff = group("staff");
    staff.members(&[id(kim)]);
    let confirmed = stage.done(&mut staff, Verb::Create).await;
    assert_eq!(confirmed.what, Confirmation::Created);
    assert_eq!(
        confirmed.written["members"],
        Value::from(sorted(&[id(kim)]))
    );
    assert_eq!(members(stage, &staff), sorted(&[id(kim)]));

    staff.members(&[id(kim), id(lee)]);
    stage.done(&mut staff, Verb::Update).await;
    assert_eq!(members(stage, &staff), sorted(&[id(kim), id(lee)]));

    staff.members(&[id(lee)]);
    staff.rename("crew");
    let confirmed = stage.done(&mut staff, Verb::Update).await;
    assert_eq!(confirmed.remote_name, "crew");
    assert_eq!(members(stage, &staff), sorted(&[id(lee)]));
    assert_eq!((stage.count("staff"), stage.count("crew")), (0, 1));

    let found = stage
        .connector
        .find(&staff.key(None), &stage.tap)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&found.remote_id, id(&staff));

    staff.members(&[]);
    stage.done(&mut staff, Verb::Update).await;
    assert_eq!(members(stage, &staff), Vec::<String>::new());

    let confirmed = stage.done(&mut staff, Verb::Deprovision).await;
    assert_eq!(confirmed.what, Confirmation::Deleted);
    assert_eq!(stage.count("crew"), 0);
    let again = stage.done(&mut staff, Verb::Deprovision).await;
    assert_eq!(again.what, Confirmation::AlreadyGone);
}

#[tokio::test]
async fn a_target_without_groups_says_so() {
    for target in [Target::Google, Target::Salesforce] {
        let stage = Stage::of(target).await;
        let failure = stage
            .connector
            .carry_out(&group("staff").order(Verb::Create), &stage.tap)
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported);
        assert!(stage.mock().log().is_empty());
    }
}

#[tokio::test]
async fn a_group_of_many_is_changed_in_pieces() {
    let stage = Stage::wearing("aws-iam-identity-center").await;
    let mut people = Vec::new();
    for at in 0..130 {
        people.push(stage.created(&format!("user{at}")).await);
    }
    let ids: Vec<&RemoteId> = people.iter().map(id).collect();
    let mut staff = group("staff");
    stage.done(&mut staff, Verb::Create).await;
    staff.members(&ids);
    stage.done(&mut staff, Verb::Update).await;
    assert_eq!(members(&stage, &staff).len(), 130);
    staff.members(&ids[..5]);
    stage.done(&mut staff, Verb::Update).await;
    assert_eq!(members(&stage, &staff), sorted(&ids[..5]));
}
