//! Listing users and groups page by page, by index or by cursor (RFC 7644, section 3.4.2.4; RFC 9865).

use std::collections::BTreeMap;

use domain::{
    AccountPage, Failure, FailureKind, Object, PageRequest, PageToken, Remedy, RemoteAccount, Tap,
};
use serde_json::Value;

use super::discovery::Paging;
use super::error::Doing;
use super::lookup::lookup;
use super::{Scim2, wire};
use crate::confirm;
use crate::http::{Replay, address, classify};

/// Marks a token as a cursor of the target; any other is the number of the next entry.
const CURSOR: &str = "cursor:";

impl Scim2 {
    /// Reads one page.
    pub(super) async fn page(
        &self,
        page: &PageRequest<'_>,
        tap: &dyn Tap,
    ) -> Result<AccountPage, Failure> {
        let collection = self.collection(page.object)?;
        let from = match page.from {
            Some(token) => From::read(token)?,
            None => match self.discovery.provider(&self.channel, tap).await?.paging {
                Paging::Cursor => From::Cursor(String::new()),
                Paging::Index => From::Index(1),
                Paging::Never => return Err(no_lists("announces that it pages no lists")),
            },
        };
        let count = page.size.max(1).to_string();
        let start = match &from {
            From::Cursor(cursor) => ("cursor", cursor.clone()),
            From::Index(index) => ("startIndex", index.to_string()),
        };
        let url = address::asking(
            collection,
            &[(start.0, start.1.as_str()), ("count", count.as_str())],
        );
        let call = lookup(url);
        let answer = self.channel.send(call.clone(), tap).await?;
        if !answer.is_success() {
            return Err(match answer.status {
                404 | 405 | 410 | 501 => no_lists("refuses to list"),
                _ => self.refused(&call, &answer, Doing::Ask),
            });
        }
        from.page(answer.json()?, page.object)
    }
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    Cursor(String),
    Index(u64),
}

impl From {
    fn read(token: &PageToken) -> Result<Self, Failure> {
        if let Some(cursor) = token.0.strip_prefix(CURSOR) {
            return Ok(Self::Cursor(cursor.to_owned()));
        }
        token.0.parse().map(Self::Index).map_err(|_| {
            classify::failure(
                FailureKind::Rejected,
                Remedy::GiveUp,
                "what says where the next page begins did not come from here",
                "List the accounts from the beginning.",
            )
        })
    }

    /// Reads the answer, and where the next page begins.
    ///
    /// A server may give fewer entries than asked for, so by index the list has ended when its total is reached or a
    /// page is empty.
    fn page(&self, mut list: Value, object: Object) -> Result<AccountPage, Failure> {
        let (resources, total) = wire::listed(&mut list).ok_or_else(|| {
            classify::garbled(200, "the answer to a list is no list", Replay::Safe)
        })?;
        let told = resources.len();
        let next = match self {
            Self::Cursor(cursor) => crate::path::find(&list, "nextCursor")
                .and_then(Value::as_str)
                .filter(|next| !next.is_empty() && next != cursor)
                .map(|next| format!("{CURSOR}{next}")),
            Self::Index(start) => {
                let next = start.saturating_add(told as u64);
                let goes_on = told > 0 && total.is_none_or(|total| next <= total);
                goes_on.then(|| next.to_string())
            }
        };
        let accounts: Vec<RemoteAccount> = resources
            .into_iter()
            .filter_map(|resource| wire::account(resource, object))
            .collect();
        Ok(AccountPage {
            unreadable: told - accounts.len(),
            accounts,
            next: next.map(PageToken),
            total,
        })
    }
}

/// Reads attributes back as they are written: a list of complex values as their plain ones, members as their ids.
pub(super) fn attributes(
    object: Object,
    resource: &Value,
    names: &[String],
) -> BTreeMap<String, Value> {
    names
        .iter()
        .filter_map(|name| {
            let value = wire::shown(object, resource, name)?;
            Some((name.clone(), confirm::value(value)))
        })
        .collect()
}

fn no_lists(what: &str) -> Failure {
    classify::failure(
        FailureKind::Unsupported,
        Remedy::GiveUp,
        format!("the target {what}"),
        "Accounts there can only be looked up one by one.",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn next(from: &From, list: Value) -> Option<String> {
        from.page(list, Object::User)
            .unwrap()
            .next
            .map(|token| token.0)
    }

    #[test]
    fn a_list_ends_where_its_total_or_an_empty_page_says() {
        let user = json!({"id": "1", "userName": "k"});
        let page = |total: Value, users: usize| json!({"totalResults": total, "Resources": vec![user.clone(); users]});
        let first = From::Index(1);
        for (list, wanted) in [
            (page(json!(5), 2), Some("3")),
            (page(json!(2), 2), None),
            (page(json!(9), 0), None),
            (page(Value::Null, 2), Some("3")),
            (json!({"totalResults": 0}), None),
        ] {
            assert_eq!(next(&first, list.clone()).as_deref(), wanted, "{list}");
        }
        let cursor = From::Cursor("a".to_owned());
        for (told, wanted) in [
            (json!("b"), Some("cursor:b")),
            (json!("a"), None),
            (json!(1), None),
        ] {
            let list = json!({"nextCursor": told, "Resources": [user.clone()]});
            assert_eq!(next(&cursor, list).as_deref(), wanted);
        }
        for none in [json!([1]), json!({}), json!({"totalResults": 3})] {
            assert!(first.page(none.clone(), Object::User).is_err(), "{none}");
        }
    }

    #[test]
    fn entries_without_an_id_are_counted() {
        let list = json!({"totalResults": 2, "resources": [{"id": 7, "userName": "k"}, {"userName": "x"}]});
        let page = From::Index(1).page(list, Object::User).unwrap();
        assert_eq!((page.accounts.len(), page.unreadable), (1, 1));
        assert_eq!(page.accounts[0].remote_id.0, "7");
    }

    #[test]
    fn a_token_of_somebody_else_is_refused() {
        assert!(From::read(&PageToken("x".to_owned())).is_err());
        assert_eq!(
            From::read(&PageToken("12".to_owned())).unwrap(),
            From::Index(12)
        );
    }
}
