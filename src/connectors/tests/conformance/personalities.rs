//! The same life of users and groups at every kind of SCIM server that is known.

use domain::{Confirmation, Deprovision, FailureKind, Remedy, Verb};
use serde_json::Value;

use super::groups;
use super::stage::Stage;
use crate::support::Local;

/// Runs the life at each personality.
macro_rules! personalities {
    ($($test:ident $name:literal)+) => {
        $(#[tokio::test]
        async fn $test() {
            life(&Stage::wearing($name).await).await;
        })+

        const NAMES: &[&str] = &[$($name),+];
    };
}

personalities! {
    strict "strict"
    no_body "no-body"
    aws "aws-iam-identity-center"
    slack "slack"
    github "github-emu"
    entra "entra"
    okta "okta"
    awkward "awkward"
    mutable_id "mutable-id"
    loose "loose"
    wso2 "wso2"
}

#[test]
fn every_built_in_personality_is_lived_through() {
    let mut names = mocks::scim2::Personality::ALL.to_vec();
    let mut lived = NAMES.to_vec();
    names.sort_unstable();
    lived.sort_unstable();
    assert_eq!(names, lived);
}

fn content(stage: &Stage, local: &Local) -> Value {
    stage.kept(&local.link.as_ref().unwrap().remote_id).unwrap()
}

async fn life(stage: &Stage) {
    let mut kim = stage.created("kim").await;
    let mut lee = stage.created("lee").await;

    kim.change("title", "Prof");
    kim.change("emails[type eq \"work\"].value", "kim.ng@acme.example");
    stage.done(&mut kim, Verb::Update).await;
    let kept = content(stage, &kim);
    assert_eq!(kept["title"], "Prof");
    assert_eq!(kept["emails"][0]["value"], "kim.ng@acme.example");
    assert_eq!(kept["emails"].as_array().map(Vec::len), Some(1), "{kept}");
    assert_eq!(kept["name"]["familyName"], "Ng");

    kim.change("title", Value::Null);
    stage.done(&mut kim, Verb::Update).await;
    assert!(content(stage, &kim).get("title").is_none_or(Value::is_null));

    kim.rename("kim@acme.example");
    let confirmed = stage.done(&mut kim, Verb::Update).await;
    assert_eq!(confirmed.remote_name, "kim@acme.example");
    assert_eq!(content(stage, &kim)["userName"], "kim@acme.example");

    let found = stage
        .connector
        .find(&kim.key(None), &stage.tap)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.remote_id, kim.link.as_ref().unwrap().remote_id);
    let nobody = stage.user("nobody").key(None);
    assert_eq!(
        stage.connector.find(&nobody, &stage.tap).await.unwrap(),
        None
    );

    let stranger = stage.user("lee");
    let failure = stage
        .connector
        .carry_out(&stranger.order(Verb::Create), &stage.tap)
        .await
        .unwrap_err();
    assert_eq!(failure.remedy, Remedy::AskFirst, "{failure}");

    groups::lives(stage, &kim, &lee).await;

    lee.deprovision = Deprovision::Deactivate;
    let confirmed = stage.done(&mut lee, Verb::Deprovision).await;
    assert_eq!(confirmed.what, Confirmation::Deactivated);
    assert_eq!(content(stage, &lee)["active"], false);
    stage.done(&mut lee, Verb::Update).await;
    assert_eq!(content(stage, &lee)["active"], true);

    let confirmed = stage.done(&mut kim, Verb::Deprovision).await;
    assert_eq!(confirmed.what, Confirmation::Deleted);
    let again = stage.done(&mut kim, Verb::Deprovision).await;
    assert_eq!(again.what, Confirmation::AlreadyGone);
    kim.change("title", "Dr");
    let failure = stage
        .connector
        .carry_out(&kim.order(Verb::Update), &stage.tap)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.kind, failure.remedy),
        (FailureKind::NotFound, Remedy::AskFirst),
        "{failure}"
    );
}
