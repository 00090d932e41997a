//! Reading all accounts page by page, at every target and every kind of SCIM server.

use std::collections::BTreeMap;

use domain::{FailureKind, Object, PageRequest, PageToken, Remedy, RemoteAccount, Verb};
use mocks::Target;
use serde_json::{Value, json};

use super::stage::Stage;
use crate::support::{Local, group};

/// Walks all pages; each account must come once.
async fn all(stage: &Stage, object: Object, size: usize, names: &[String]) -> Vec<RemoteAccount> {
    let mut from: Option<PageToken> = None;
    let mut accounts: Vec<RemoteAccount> = Vec::new();
    for _ in 0..100 {
        let request = PageRequest {
            object,
            from: from.as_ref(),
            size,
            attributes: names,
        };
        let page = stage.connector.list(&request, &stage.tap).await.unwrap();
        assert_eq!(page.unreadable, 0, "{}", stage.tap.text());
        for account in page.accounts {
            assert!(
                accounts
                    .iter()
                    .all(|known| known.remote_id != account.remote_id),
                "{} came twice",
                account.remote_name
            );
            accounts.push(account);
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return accounts,
        }
    }
    panic!("the pages never end");
}

fn names(local: &Local) -> Vec<String> {
    let attributes = local.desired.attributes.iter();
    attributes
        .map(|attribute| attribute.remote.clone())
        .collect()
}

fn of<'a>(accounts: &'a [RemoteAccount], local: &Local) -> &'a RemoteAccount {
    let id = &local.link.as_ref().unwrap().remote_id;
    accounts
        .iter()
        .find(|account| account.remote_id == *id)
        .unwrap()
}

async fn users_are_listed(stage: &Stage, size: usize) {
    let mut people = Vec::new();
    for name in ["kim", "lee", "mia"] {
        people.push(stage.created(name).await);
    }
    let names = names(&people[0]);
    let accounts = all(stage, Object::User, size, &names).await;
    for person in &people {
        let account = of(&accounts, person);
        let link = person.link.as_ref().unwrap();
        assert_eq!(
            account.remote_name.to_lowercase(),
            link.remote_name.to_lowercase()
        );
        assert!(account.active);
        let shown = stage.connector.attributes(Object::User, account, &names);
        let written: BTreeMap<String, Value> = link.written.clone();
        assert_eq!(shown, written, "what is shown is what was written");
    }
}

#[tokio::test]
async fn google() {
    let stage = Stage::of(Target::Google).await;
    users_are_listed(&stage, 2).await;
    let pages = stage.mock().log();
    let pages = pages.iter().filter(|entry| entry.method == "GET").count();
    assert!(pages > 1, "more than one page was read");
}

#[tokio::test]
async fn salesforce() {
    users_are_listed(&Stage::of(Target::Salesforce).await, 2).await;
}

#[tokio::test]
async fn salesforce_goes_on_where_a_page_ended() {
    let stage = Stage::of(Target::Salesforce).await;
    for at in 0..205 {
        stage.created(&format!("user{at:03}")).await;
    }
    let accounts = all(&stage, Object::User, 200, &[]).await;
    let ours = accounts
        .iter()
        .filter(|account| account.remote_name.starts_with("user"))
        .count();
    assert_eq!(ours, 205);
}

#[tokio::test]
async fn every_personality_shows_its_users() {
    for name in mocks::scim2::Personality::ALL {
        let stage = Stage::wearing(name).await;
        users_are_listed(&stage, 2).await;
    }
}

#[tokio::test]
async fn a_cursor_is_followed_where_one_is_announced() {
    let stage = Stage::wearing("strict").await;
    users_are_listed(&stage, 1).await;
    let exchanges = stage.tap.finished();
    let by_cursor = exchanges
        .iter()
        .filter(|exchange| exchange.url.contains("cursor="))
        .count();
    assert!(by_cursor >= 3, "{by_cursor} pages by cursor");
    assert!(
        exchanges
            .iter()
            .all(|exchange| !exchange.url.contains("startIndex"))
    );
}

#[tokio::test]
async fn groups_are_listed_with_their_members() {
    let stage = Stage::wearing("strict").await;
    let kim = stage.created("kim").await;
    let mut staff = group("staff");
    staff.members(&[&kim.link.as_ref().unwrap().remote_id]);
    stage.done(&mut staff, Verb::Create).await;
    let names = ["members".to_owned()];
    let accounts = all(&stage, Object::Group, 10, &names).await;
    let account = of(&accounts, &staff);
    assert_eq!(account.remote_name, "staff");
    let shown = stage.connector.attributes(Object::Group, account, &names);
    assert_eq!(
        shown["members"],
        json!([kim.link.as_ref().unwrap().remote_id.0])
    );
}

#[tokio::test]
async fn a_target_without_groups_lists_none() {
    for target in [Target::Google, Target::Salesforce] {
        let stage = Stage::of(target).await;
        let request = PageRequest {
            object: Object::Group,
            from: None,
            size: 10,
            attributes: &[],
        };
        let failure = stage
            .connector
            .list(&request, &stage.tap)
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported);
        assert!(stage.mock().log().is_empty());
    }
}

#[tokio::test]
async fn a_used_up_quota_and_a_broken_answer_are_told() {
    for target in [Target::Google, Target::Salesforce, Target::Scim2] {
        let quota = match target {
            Target::Salesforce => "daily-limit",
            Target::Google | Target::Scim2 => "user-rate",
        };
        for (fault, kind) in [
            (quota, FailureKind::Quota),
            ("garbled-body", FailureKind::Garbled),
            ("garbled-body:as=html", FailureKind::Garbled),
            ("garbled-body:as=endless", FailureKind::Garbled),
            ("garbled-body:as=bomb", FailureKind::Garbled),
        ] {
            let stage = Stage::of(target).await;
            let request = PageRequest {
                object: Object::User,
                from: None,
                size: 10,
                attributes: &[],
            };
            // What has to be read first, a token and what the target announces, is there already.
            stage.connector.list(&request, &stage.tap).await.unwrap();
            stage.mock().arm(fault).unwrap();
            let failure = stage
                .connector
                .list(&request, &stage.tap)
                .await
                .unwrap_err();
            assert_eq!(failure.kind, kind, "{target:?} {fault}: {failure}");
            assert!(matches!(failure.remedy, Remedy::Retry { .. }));
        }
    }
}
