//! The cases that every target with users must pass.

use std::time::Duration;

use domain::{Confirmation, Deprovision, FailureKind, Remedy, Verb};
use mocks::Target;
use serde_json::Value;

use super::stage::Stage;

const RETRY: Remedy = Remedy::Retry { after: None };

/// Runs each case against each target.
macro_rules! every_target {
    ($($case:ident)+) => {
        $(mod $case {
            use super::{Stage, Target};

            #[tokio::test]
            async fn google() {
                super::case::$case(Stage::of(Target::Google).await).await;
            }

            #[tokio::test]
            async fn salesforce() {
                super::case::$case(Stage::of(Target::Salesforce).await).await;
            }

            #[tokio::test]
            async fn scim2() {
                super::case::$case(Stage::of(Target::Scim2).await).await;
            }
        })+
    };
}

every_target! {
    a_create_is_confirmed_with_the_targets_own_id
    an_update_changes_what_differs
    an_update_without_a_difference_writes_nothing
    a_rename_keeps_the_account
    a_cleared_attribute_is_gone
    a_deactivated_account_rests_and_wakes_up
    a_delete_is_confirmed_and_already_gone_is_success
    an_update_of_a_lost_account_asks_first
    a_taken_name_is_a_conflict
    an_account_is_found_by_each_key
    a_used_up_quota_is_waited_for
    a_lost_token_is_renewed_once_for_all
    a_lost_reply_is_asked_for_and_found
    a_reply_that_cannot_be_read_is_asked_for
    a_failing_target_is_tried_again_when_it_says
    wrong_credentials_are_told
    a_check_says_what_it_found
    a_name_with_emoji_and_quotes_is_taken_or_refused_in_clear
}

mod case {
    use super::*;

    pub(super) async fn a_create_is_confirmed_with_the_targets_own_id(stage: Stage) {
        let mut kim = stage.user("kim");
        let confirmed = stage.done(&mut kim, Verb::Create).await;
        assert_eq!(confirmed.what, Confirmation::Created);
        assert_eq!(confirmed.remote_name, stage.name("kim"));
        let kept = stage.kept(&confirmed.remote_id).unwrap();
        let (attribute, place) = stage.family_name();
        assert_eq!(kept.pointer(place), Some(&Value::from("Ng")));
        assert_eq!(confirmed.written[attribute], "Ng");
        assert!(stage.is_active(&kept));
        assert!(!stage.tap.text().contains("correct horse"));
    }

    pub(super) async fn an_update_changes_what_differs(stage: Stage) {
        let mut kim = stage.created("kim").await;
        let (attribute, place) = stage.family_name();
        kim.change(attribute, "New");
        let confirmed = stage.done(&mut kim, Verb::Update).await;
        assert_eq!(confirmed.what, Confirmation::Updated);
        assert_eq!(confirmed.written[attribute], "New");
        let kept = stage.kept(&confirmed.remote_id).unwrap();
        assert_eq!(kept.pointer(place), Some(&Value::from("New")));
        let (_, other) = stage.clearable();
        assert!(kept.pointer(other).is_some_and(|value| !value.is_null()));
    }

    pub(super) async fn an_update_without_a_difference_writes_nothing(stage: Stage) {
        let mut kim = stage.created("kim").await;
        let before = stage.writes();
        let confirmed = stage.done(&mut kim, Verb::Update).await;
        assert_eq!(confirmed.what, Confirmation::Updated);
        assert_eq!(stage.writes(), before);
    }

    pub(super) async fn a_rename_keeps_the_account(stage: Stage) {
        let mut kim = stage.created("kim").await;
        let id = kim.link.as_ref().unwrap().remote_id.clone();
        kim.rename(&stage.name("kimberly"));
        let confirmed = stage.done(&mut kim, Verb::Update).await;
        assert_eq!(confirmed.remote_id, id);
        assert_eq!(confirmed.remote_name, stage.name("kimberly"));
        assert_eq!(stage.count(&stage.name("kimberly")), 1);
        assert_eq!(stage.count(&stage.name("kim")), 0);
    }

    pub(super) async fn a_cleared_attribute_is_gone(stage: Stage) {
        let mut kim = stage.created("kim").await;
        let (attribute, place) = stage.clearable();
        kim.change(attribute, Value::Null);
        let confirmed = stage.done(&mut kim, Verb::Update).await;
        assert_eq!(confirmed.written[attribute], Value::Null);
        let kept = stage.kept(&confirmed.remote_id).unwrap();
        assert!(kept.pointer(place).is_none_or(Value::is_null), "{kept}");
    }

    pub(super) async fn a_deactivated_account_rests_and_wakes_up(stage: Stage) {
        let mut kim = stage.created("kim").await;
        kim.deprovision = Deprovision::Deactivate;
        let confirmed = stage.done(&mut kim, Verb::Deprovision).await;
        assert_eq!(confirmed.what, Confirmation::Deactivated);
        assert!(!stage.is_active(&stage.kept(&confirmed.remote_id).unwrap()));
        if stage.target == Target::Salesforce {
            assert_eq!(stage.count(&stage.name("kim")), 0, "the name is free again");
        }
        let found = stage
            .connector
            .find(&kim.key(Some(confirmed.remote_id.clone())), &stage.tap)
            .await
            .unwrap()
            .unwrap();
        assert!(!found.active);
        let woken = stage.done(&mut kim, Verb::Update).await;
        assert_eq!(woken.remote_id, confirmed.remote_id);
        assert!(stage.is_active(&stage.kept(&woken.remote_id).unwrap()));
        assert_eq!(stage.count(&stage.name("kim")), 1);
    }

    pub(super) async fn a_delete_is_confirmed_and_already_gone_is_success(stage: Stage) {
        let mut kim = stage.created("kim").await;
        if !stage.kind().target.can_delete {
            let refused = stage
                .connector
                .carry_out(&kim.order(Verb::Deprovision), &stage.tap)
                .await
                .unwrap_err();
            assert_eq!(refused.kind, FailureKind::Unsupported);
            assert!(stage.is_active(&stage.kept(&kim.link.unwrap().remote_id).unwrap()));
            return;
        }
        let confirmed = stage.done(&mut kim, Verb::Deprovision).await;
        assert_eq!(confirmed.what, Confirmation::Deleted);
        assert_eq!(stage.count(&stage.name("kim")), 0);
        let again = stage.done(&mut kim, Verb::Deprovision).await;
        assert_eq!(again.what, Confirmation::AlreadyGone);
    }

    pub(super) async fn an_update_of_a_lost_account_asks_first(stage: Stage) {
        let mut kim = stage.created("kim").await;
        kim.link.as_mut().unwrap().remote_id = stage.unknown_id();
        let (attribute, _) = stage.family_name();
        kim.change(attribute, "New");
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
        kim.deprovision = Deprovision::Deactivate;
        let confirmed = stage.done(&mut kim, Verb::Deprovision).await;
        assert_eq!(confirmed.what, Confirmation::AlreadyGone);
    }

    pub(super) async fn a_taken_name_is_a_conflict(stage: Stage) {
        stage.created("kim").await;
        let stranger = stage.user("kim");
        let failure = stage
            .connector
            .carry_out(&stranger.order(Verb::Create), &stage.tap)
            .await
            .unwrap_err();
        assert_eq!(
            (failure.kind, failure.remedy),
            (FailureKind::Conflict, Remedy::AskFirst),
            "{failure}"
        );
        let mut lee = stage.created("lee").await;
        lee.rename(&stage.name("kim"));
        let failure = stage
            .connector
            .carry_out(&lee.order(Verb::Update), &stage.tap)
            .await
            .unwrap_err();
        assert_eq!(
            (failure.kind, failure.remedy),
            (FailureKind::Conflict, Remedy::AskFirst),
            "{failure}"
        );
    }

    pub(super) async fn an_account_is_found_by_each_key(stage: Stage) {
        let kim = stage.created("kim").await;
        let id = kim.link.as_ref().unwrap().remote_id.clone();
        let by_id = kim.key(Some(id.clone()));
        let by_name = stage.user("KIM").key(None);
        let mut keys = vec![by_id, by_name];
        if stage.target == Target::Scim2 {
            let mut by_external_id = kim.key(None);
            "another".clone_into(&mut by_external_id.remote_name);
            keys.push(by_external_id);
        }
        for key in keys {
            let found = stage.connector.find(&key, &stage.tap).await.unwrap();
            let found = found.unwrap_or_else(|| panic!("{key:?}"));
            assert_eq!(found.remote_id, id);
            assert_eq!(found.remote_name, stage.name("kim"));
            assert!(found.active && found.created_at.is_some());
        }
        let lost = kim.key(Some(stage.unknown_id()));
        assert_eq!(
            stage.connector.find(&lost, &stage.tap).await.unwrap(),
            None,
            "an id is not answered with whoever has the name"
        );
        let nobody = stage.user("nobody").key(None);
        assert_eq!(
            stage.connector.find(&nobody, &stage.tap).await.unwrap(),
            None
        );
    }

    pub(super) async fn a_used_up_quota_is_waited_for(stage: Stage) {
        let fault = match stage.target {
            Target::Salesforce => "daily-limit",
            Target::Google => "user-rate",
            Target::Scim2 => "user-rate:retry-after=3s",
        };
        stage.created("lee").await;
        stage.mock().arm(fault).unwrap();
        let failure = stage
            .connector
            .carry_out(&stage.user("kim").order(Verb::Create), &stage.tap)
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Quota, "{failure}");
        let expected = match stage.target {
            Target::Scim2 => Remedy::Retry {
                after: Some(Duration::from_secs(3)),
            },
            Target::Google | Target::Salesforce => RETRY,
        };
        assert_eq!(failure.remedy, expected);
        assert_eq!(stage.count(&stage.name("kim")), 0);
    }

    pub(super) async fn a_lost_token_is_renewed_once_for_all(stage: Stage) {
        let mut kim = stage.created("kim").await;
        assert_eq!(stage.token_calls(), 1);
        stage.created("lee").await;
        assert_eq!(stage.token_calls(), 1, "the token is kept");
        stage.mock().expire_tokens();
        let (attribute, _) = stage.family_name();
        kim.change(attribute, "New");
        let order = kim.order(Verb::Update);
        let send = || stage.connector.carry_out(&order, &stage.tap);
        let (a, b, c, d) = tokio::join!(send(), send(), send(), send());
        for outcome in [a, b, c, d] {
            assert_eq!(outcome.unwrap().what, Confirmation::Updated);
        }
        assert_eq!(stage.token_calls(), 2);
    }

    pub(super) async fn a_lost_reply_is_asked_for_and_found(stage: Stage) {
        stage.created("lee").await;
        stage.mock().arm("drop-after:kind=write").unwrap();
        let kim = stage.user("kim");
        let failure = stage
            .connector
            .carry_out(&kim.order(Verb::Create), &stage.tap)
            .await
            .unwrap_err();
        assert_eq!(
            (failure.kind, failure.remedy),
            (FailureKind::ReplyLost, Remedy::AskFirst),
            "{failure}"
        );
        let found = stage
            .connector
            .find(&kim.key(None), &stage.tap)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.remote_name, stage.name("kim"));
        if stage.target == Target::Scim2 {
            assert_eq!(
                found.external_id,
                Some(kim.desired.local.uuid().to_string())
            );
        }
        assert_eq!(stage.count(&stage.name("kim")), 1);
    }

    pub(super) async fn a_reply_that_cannot_be_read_is_asked_for(stage: Stage) {
        stage.created("lee").await;
        for (at, form) in ["cut", "empty", "html", "bytes", "deep"]
            .into_iter()
            .enumerate()
        {
            stage
                .mock()
                .arm(&format!("garbled-body:kind=write,as={form}"))
                .unwrap();
            let kim = stage.user(&format!("kim{at}"));
            let outcome = stage
                .connector
                .carry_out(&kim.order(Verb::Create), &stage.tap)
                .await;
            match outcome {
                Err(failure) => assert_eq!(failure.remedy, Remedy::AskFirst, "{form}: {failure}"),
                // SCIM tells the id in a header, too.
                Ok(confirmed) => {
                    assert_eq!((form, stage.target), ("empty", Target::Scim2));
                    assert!(stage.kept(&confirmed.remote_id).is_some());
                }
            }
        }
    }

    pub(super) async fn a_failing_target_is_tried_again_when_it_says(stage: Stage) {
        stage.created("lee").await;
        stage
            .mock()
            .arm("status:code=503,retry-after=7s,kind=write")
            .unwrap();
        let kim = stage.user("kim");
        let failure = stage
            .connector
            .carry_out(&kim.order(Verb::Create), &stage.tap)
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::TargetError);
        let after = Some(Duration::from_secs(7));
        assert_eq!(failure.remedy, Remedy::Retry { after });
        stage.mock().arm("status:code=504,kind=write").unwrap();
        let failure = stage
            .connector
            .carry_out(&kim.order(Verb::Create), &stage.tap)
            .await
            .unwrap_err();
        assert_eq!(failure.remedy, Remedy::AskFirst);
    }

    pub(super) async fn wrong_credentials_are_told(stage: Stage) {
        stage.mock().arm("status:code=400,kind=token").unwrap();
        let failure = stage
            .connector
            .carry_out(&stage.user("kim").order(Verb::Create), &stage.tap)
            .await
            .unwrap_err();
        assert_eq!(
            (failure.kind, failure.remedy),
            (FailureKind::Unauthenticated, Remedy::GiveUp),
            "{failure}"
        );
    }

    pub(super) async fn a_check_says_what_it_found(stage: Stage) {
        let health = stage.connector.check(&stage.tap).await.unwrap();
        assert!(!health.findings.is_empty());
        assert_eq!(stage.writes(), 0);
    }

    pub(super) async fn a_name_with_emoji_and_quotes_is_taken_or_refused_in_clear(stage: Stage) {
        let mut odd = stage.user("kim \"the 🙂\" o'neil + 100% \\ ");
        if stage.target != Target::Scim2 {
            let failure = stage
                .connector
                .carry_out(&odd.order(Verb::Create), &stage.tap)
                .await
                .unwrap_err();
            assert_eq!(failure.kind, FailureKind::Rejected, "{failure}");
            assert!(!failure.told.is_empty());
            let found = stage
                .connector
                .find(&odd.key(None), &stage.tap)
                .await
                .unwrap();
            assert_eq!(found, None);
            return;
        }
        let confirmed = stage.done(&mut odd, Verb::Create).await;
        let mut by_name = stage.user("x").key(None);
        by_name.remote_name.clone_from(&odd.desired.remote_name);
        let found = stage
            .connector
            .find(&by_name, &stage.tap)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.remote_id, confirmed.remote_id);
        let confirmed = stage.done(&mut odd, Verb::Deprovision).await;
        assert_eq!(confirmed.what, Confirmation::Deleted);
    }
}
