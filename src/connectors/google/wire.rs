//! The shapes of the Directory API's users.

use std::collections::BTreeMap;

use domain::{AccountPage, Failure, Order, PageToken, RemoteAccount, RemoteId};
use serde_json::{Map, Value};

use crate::confirm;
use crate::http::{Replay, classify};
use crate::path::AttributePath;

const NAME: &str = "primaryEmail";

/// Returns the body of users.insert. The password is one that nobody knows; Google wants one (discovery, users.insert).
pub(crate) fn inserted(order: &Order<'_>) -> Value {
    let mut user = Value::Object(Map::new());
    user[NAME] = order.desired.remote_name.as_str().into();
    if let Some(password) = order.password {
        user["password"] = password.expose().into();
    }
    for attribute in &order.desired.attributes {
        AttributePath::parse(&attribute.remote).put(&mut user, &attribute.value);
    }
    user
}

/// Returns the body of users.update: what differs, where absent stays and `null` clears.
///
/// Lists are replaced whole and objects are sent whole, so a difference inside one brings its desired siblings along.
/// Never a password: an update that carried one would reset the user's own.
pub(crate) fn updated(order: &Order<'_>) -> Value {
    let mut body = Value::Object(Map::new());
    let renamed = order
        .link
        .is_none_or(|link| link.remote_name != order.desired.remote_name);
    if renamed {
        body[NAME] = order.desired.remote_name.as_str().into();
    }
    for change in order.changes {
        let path = AttributePath::parse(&change.remote);
        if path.name == NAME || path.name == "password" {
            continue;
        }
        for sibling in &order.desired.attributes {
            let other = AttributePath::parse(&sibling.remote);
            if other.name == path.name {
                other.put(&mut body, &sibling.value);
            }
        }
        if change.after.is_null() {
            clear(&mut body, &path);
        } else {
            path.put(&mut body, &change.after);
        }
    }
    if confirm::at_rest(order).is_some() && confirm::mapped(order, "suspended").is_none() {
        body["suspended"] = false.into();
    }
    body
}

/// Writes the `null` that clears. A list that keeps other elements was sent whole without this one.
fn clear(body: &mut Value, path: &AttributePath) {
    if !path.filter.is_empty() {
        if body.get(&path.name).is_none() {
            body[&path.name] = Value::Null;
        }
        return;
    }
    let mut place = &mut body[&path.name];
    for name in &path.rest {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[name];
    }
    *place = Value::Null;
}

/// Returns a user's immutable id.
pub(crate) fn id(user: &Value) -> Option<RemoteId> {
    confirm::remote_id(user.get("id")?.as_str()?)
}

/// Returns a user's primary address.
pub(crate) fn name(user: &Value) -> Option<&str> {
    user.get(NAME)?.as_str()
}

/// Tells whether a user's primary address is this one; addresses compare without case.
pub(crate) fn is_named(user: &Value, address: &str) -> bool {
    name(user).is_some_and(|name| name.to_lowercase() == address.to_lowercase())
}

/// Returns a user as an account.
pub(crate) fn account(user: Value) -> Option<RemoteAccount> {
    let flag = |name: &str| user.get(name) == Some(&Value::Bool(true));
    let created = user.get("creationTime").and_then(Value::as_str);
    Some(RemoteAccount {
        remote_id: id(&user)?,
        remote_name: confirm::remote_name(name(&user)?)?,
        external_id: None,
        active: !flag("suspended") && !flag("archived"),
        created_at: created.and_then(|created| created.parse().ok()),
        content: user,
    })
}

/// Reads a page of users.list. Without users the list itself is left out.
///
/// # Errors
/// `Garbled` when the answer is no list of users.
pub(crate) fn page(mut answer: Value) -> Result<AccountPage, Failure> {
    let garbled = |told: &str| classify::garbled(200, told, Replay::Safe);
    if !answer.is_object() {
        return Err(garbled("the answer to a list is no object"));
    }
    let users = match answer.get_mut("users").map(Value::take) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(users)) => users,
        Some(_) => return Err(garbled("the answer to a list holds no list of users")),
    };
    let told = users.len();
    let accounts: Vec<RemoteAccount> = users.into_iter().filter_map(account).collect();
    let next = answer.get("nextPageToken").and_then(Value::as_str);
    Ok(AccountPage {
        unreadable: told - accounts.len(),
        accounts,
        next: next
            .filter(|token| !token.is_empty())
            .map(|token| PageToken(token.to_owned())),
        total: None,
    })
}

/// Reads attributes back by the paths under which they are written.
pub(crate) fn attributes(user: &Value, names: &[String]) -> BTreeMap<String, Value> {
    names
        .iter()
        .filter_map(|name| {
            let value = AttributePath::parse(name).get(user)?;
            Some((name.clone(), confirm::value(value.clone())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::Verb;
    use serde_json::json;

    use super::*;
    use crate::samples::Sample;

    #[test]
    fn a_page_is_read_also_when_it_is_empty() {
        let user = json!({"id": "117", "primaryEmail": "kim@acme.example", "suspended": true});
        let found = page(json!({"users": [user, {"id": "1"}], "nextPageToken": "n"})).unwrap();
        assert_eq!((found.accounts.len(), found.unreadable), (1, 1));
        assert!(!found.accounts[0].active);
        assert_eq!(found.next, Some(PageToken("n".to_owned())));
        assert_eq!(
            page(json!({"kind": "admin#directory#users"})).unwrap().next,
            None
        );
        assert!(page(json!([])).is_err() && page(json!({"users": 1})).is_err());
    }

    #[test]
    fn an_insert_holds_what_google_wants() {
        let sample = Sample::user("kim@acme.example")
            .attribute("name.givenName", json!("Kim \"🙂\""))
            .attribute("name.familyName", json!("Ng"))
            .attribute("phones[type eq \"work\"].value", json!("+47 1"))
            .password("random");
        assert_eq!(
            inserted(&sample.order(Verb::Create)),
            json!({
                "primaryEmail": "kim@acme.example", "password": "random",
                "name": {"givenName": "Kim \"🙂\"", "familyName": "Ng"},
                "phones": [{"type": "work", "value": "+47 1"}],
            })
        );
    }

    #[test]
    fn an_update_holds_what_differs_and_never_a_password() {
        let sample = Sample::user("kim2@acme.example")
            .attribute("name.givenName", json!("Kim"))
            .attribute("name.familyName", json!("New"))
            .attribute("phones[type eq \"work\"].value", json!("1"))
            .attribute("phones[type eq \"home\"].value", json!("2"))
            .attribute("orgUnitPath", json!("/Sales"))
            .linked("117", "kim@acme.example")
            .change("name.familyName", json!("Ng"), json!("New"))
            .change("phones[type eq \"home\"].value", json!("0"), json!("2"))
            .change("recoveryPhone", json!("+4"), Value::Null)
            .change("locations[type eq \"desk\"].area", json!("x"), Value::Null)
            .change("name.displayName", json!("x"), Value::Null)
            .password("random");
        assert_eq!(
            updated(&sample.order(Verb::Update)),
            json!({
                "primaryEmail": "kim2@acme.example",
                "name": {"givenName": "Kim", "familyName": "New", "displayName": null},
                "phones": [{"type": "work", "value": "1"}, {"type": "home", "value": "2"}],
                "recoveryPhone": null,
                "locations": null,
            })
        );
    }

    #[test]
    fn an_account_at_rest_wakes_up_with_its_update() {
        let sample = Sample::user("kim@acme.example")
            .linked("117", "kim@acme.example")
            .at_rest();
        assert_eq!(
            updated(&sample.order(Verb::Update)),
            json!({"suspended": false})
        );
    }
}
