//! The shapes of the User object and of the queries for it.

use std::collections::BTreeMap;

use domain::{AccountPage, Failure, OperationId, Order, PageToken, RemoteAccount};
use jiff::Timestamp;
use jiff::fmt::strtime;
use serde_json::{Map, Value};

use crate::confirm;
use crate::http::{Replay, classify};
use crate::path::find;

/// What is read of a user.
pub(crate) const FIELDS: &str =
    "Id,Username,IsActive,CreatedDate,Email,FirstName,LastName,Alias,ProfileId";

/// Records of one page of a query, at least and at most. Source: api_rest, headers_queryoptions.
pub(crate) const SMALLEST_PAGE: usize = 200;
/// See [`SMALLEST_PAGE`].
pub(crate) const LARGEST_PAGE: usize = 2000;

/// The longest user name. Source: field reference, User.
const LONGEST_NAME: usize = 80;

/// Takes the place of a domain that leaves no room for the rest of a freed name (RFC 2606 keeps `.invalid` free).
const NO_DOMAIN: &str = "deactivated.invalid";

/// Returns the body of a create: the mapping, and the name, which overrides a mapped one.
pub(crate) fn created(order: &Order<'_>) -> Value {
    let mut user = Map::new();
    for attribute in &order.desired.attributes {
        if !attribute.value.is_null() {
            user.insert(
                attribute.remote.clone(),
                typed(&attribute.remote, &attribute.value),
            );
        }
    }
    user.insert(
        "Username".to_owned(),
        order.desired.remote_name.as_str().into(),
    );
    user.into()
}

/// Returns the body of an update: what differs; `null` clears. An account at rest wakes up, under its own name again.
pub(crate) fn updated(order: &Order<'_>) -> Value {
    let mut user = Map::new();
    for change in order.changes {
        user.insert(change.remote.clone(), typed(&change.remote, &change.after));
    }
    user.remove("Username");
    if order
        .link
        .is_none_or(|link| link.remote_name != order.desired.remote_name)
    {
        user.insert(
            "Username".to_owned(),
            order.desired.remote_name.as_str().into(),
        );
    }
    if confirm::at_rest(order).is_some() && confirm::mapped(order, "IsActive").is_none() {
        user.insert("IsActive".to_owned(), true.into());
    }
    user.into()
}

/// Returns a permission or preference as the boolean that Salesforce insists on, also where a mapping holds text.
fn typed(name: &str, value: &Value) -> Value {
    let flag = ["UserPermissions", "UserPreferences", "IsActive"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    match value.as_str() {
        Some(text) if flag && text.eq_ignore_ascii_case("true") => true.into(),
        Some(text) if flag && text.eq_ignore_ascii_case("false") => false.into(),
        _ => value.clone(),
    }
}

/// Returns the name that a deactivated user gets so that its own is free again.
///
/// It has the form of an address and holds the operation's id, so it is unique, and the same when the operation is
/// sent again.
pub(crate) fn freed(name: &str, operation: OperationId) -> String {
    let (local, domain) = name.rsplit_once('@').unwrap_or((name, NO_DOMAIN));
    let prefix = format!("old{}.", operation.0.simple());
    let fits = prefix.len() + 2 + domain.len() <= LONGEST_NAME;
    let is_host = domain.split('.').all(|label| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    });
    let domain = if fits && is_host { domain } else { NO_DOMAIN };
    let room = LONGEST_NAME - prefix.len() - 1 - domain.len();
    let local: String = local
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'))
        .take(room)
        .collect();
    let local = local.trim_matches('.');
    format!(
        "{}{local}@{domain}",
        if local.is_empty() {
            prefix.trim_end_matches('.')
        } else {
            &prefix
        }
    )
}

/// Returns the query for the user of a name.
pub(crate) fn by_username(name: &str) -> String {
    let fields = FIELDS.replace(',', ", ");
    format!(
        "SELECT {fields} FROM User WHERE Username = '{}' LIMIT 1",
        escaped(name)
    )
}

/// Returns the query for all users with what is always read of them and further fields, each once.
///
/// What cannot be the name of a field is left out: a query is no place for anything else.
pub(crate) fn all(attributes: &[String]) -> String {
    let mut fields: Vec<&str> = FIELDS.split(',').collect();
    for name in attributes {
        let is_field = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_field && !fields.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            fields.push(name);
        }
    }
    format!("SELECT {} FROM User", fields.join(", "))
}

/// Reads a page of a query's answer.
///
/// # Errors
/// `Garbled` when the answer is none, or when it goes on and does not say where.
pub(crate) fn page(mut answer: Value) -> Result<AccountPage, Failure> {
    let garbled = |told: &str| classify::garbled(200, told, Replay::Safe);
    let Some(Value::Array(records)) = answer.get_mut("records").map(Value::take) else {
        return Err(garbled("the answer to a query holds no records"));
    };
    let told = records.len();
    let accounts: Vec<RemoteAccount> = records.into_iter().filter_map(account).collect();
    let next = match answer.get("done") {
        Some(Value::Bool(false)) => Some(
            locator(&answer)
                .ok_or_else(|| garbled("the answer to a query goes on, and does not say where"))?,
        ),
        _ => None,
    };
    Ok(AccountPage {
        unreadable: told - accounts.len(),
        accounts,
        next,
        total: answer.get("totalSize").and_then(Value::as_u64),
    })
}

/// Returns the last part of `nextRecordsUrl`, a path: whose host it is says the configuration, not the answer.
fn locator(answer: &Value) -> Option<PageToken> {
    let path = answer.get("nextRecordsUrl")?.as_str()?;
    let (_, locator) = path.rsplit_once("/query/")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!locator.is_empty() && locator.chars().all(is_plain)).then(|| PageToken(locator.to_owned()))
}

/// Reads fields back. A field that was asked for and is empty is `null`; one that was not asked for is left out.
pub(crate) fn attributes(user: &Value, names: &[String]) -> BTreeMap<String, Value> {
    names
        .iter()
        .filter_map(|name| {
            let value = find(user, name)?;
            Some((name.clone(), confirm::value(value.clone())))
        })
        .collect()
}

/// Escapes text for a SOQL string. Source: SOQL reference, "Quoted String Escape Sequences".
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c => out.push(c),
        }
    }
    out
}

/// Returns the records of a query's answer; `None` when it is no answer to a query.
pub(crate) fn records(mut answer: Value) -> Option<Vec<Value>> {
    match answer.get_mut("records")?.take() {
        Value::Array(records) => Some(records),
        _ => None,
    }
}

/// Returns a user as an account.
pub(crate) fn account(user: Value) -> Option<RemoteAccount> {
    let text = |name: &str| user.get(name).and_then(Value::as_str);
    Some(RemoteAccount {
        remote_id: confirm::remote_id(text("Id")?)?,
        remote_name: confirm::remote_name(text("Username")?)?,
        external_id: None,
        active: user.get("IsActive") != Some(&Value::Bool(false)),
        created_at: text("CreatedDate").and_then(instant),
        content: user,
    })
}

/// Reads `2026-11-22T01:02:03.000+0000`, whose offset has no colon.
fn instant(text: &str) -> Option<Timestamp> {
    strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text)
        .ok()?
        .to_timestamp()
        .ok()
}

#[cfg(test)]
mod tests {
    use domain::Verb;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::samples::Sample;

    #[test]
    fn a_create_is_the_mapping_and_the_name() {
        let sample = Sample::user("kim@acme.example")
            .attribute("LastName", json!("Ng"))
            .attribute("Alias", json!("true"))
            .attribute("UserPermissionsMarketingUser", json!("False"))
            .attribute("Title", Value::Null);
        assert_eq!(
            created(&sample.order(Verb::Create)),
            json!({"LastName": "Ng", "Alias": "true", "UserPermissionsMarketingUser": false, "Username": "kim@acme.example"})
        );
    }

    #[test]
    fn an_update_is_what_differs_and_wakes_who_is_at_rest() {
        let sample = Sample::user("kim@acme.example")
            .attribute("LastName", json!("New"))
            .attribute("Email", json!("kim@acme.example"))
            .change("LastName", json!("Ng"), json!("New"))
            .change("Title", json!("Dr"), Value::Null)
            .linked("005", "old0.kim@acme.example")
            .at_rest();
        assert_eq!(
            updated(&sample.order(Verb::Update)),
            json!({"LastName": "New", "Title": null, "Username": "kim@acme.example", "IsActive": true})
        );
        let same = Sample::user("kim@acme.example").linked("005", "kim@acme.example");
        assert_eq!(updated(&same.order(Verb::Update)), json!({}));
    }

    #[test]
    fn a_freed_name_is_an_address_of_at_most_eighty_characters() {
        let operation = OperationId(Uuid::from_u128(0xabc));
        let prefix = "old00000000000000000000000000000abc";
        for (name, freed_name) in [
            ("kim@acme.example", format!("{prefix}.kim@acme.example")),
            (
                "SALES/k i'm",
                format!("{prefix}.SALESkim@deactivated.invalid"),
            ),
            ("🙂@acme.example", format!("{prefix}@acme.example")),
            (
                "kim@a-very-long-domain-name-that-leaves-no-room.acme.example",
                format!("{prefix}.kim@deactivated.invalid"),
            ),
        ] {
            assert_eq!(freed(name, operation), freed_name);
        }
        let long = format!("{}@acme.example", "k".repeat(200));
        assert_eq!(freed(&long, operation).len(), LONGEST_NAME);
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_name_what_is_freed_is_short_and_email_shaped(name in ".{0,120}") {
            let freed = freed(&name, OperationId(Uuid::from_u128(1)));
            let (local, domain) = freed.split_once('@').unwrap();
            assert!(freed.chars().count() <= LONGEST_NAME, "{freed}");
            assert!(!local.is_empty() && !local.ends_with('.') && !domain.is_empty());
        }
    }

    #[test]
    fn a_query_cannot_be_broken_out_of() {
        assert!(
            by_username("o'neil\\' OR Name LIKE '%\n")
                .ends_with("WHERE Username = 'o\\'neil\\\\\\' OR Name LIKE \\'%\\n' LIMIT 1")
        );
    }

    #[test]
    fn a_query_for_all_asks_for_each_field_once_and_for_nothing_else() {
        let names = ["email", "Title", "Title, Id FROM Secret--", "Grade__c"].map(str::to_owned);
        assert_eq!(
            all(&names),
            format!(
                "SELECT {}, Title, Grade__c FROM User",
                FIELDS.replace(',', ", ")
            )
        );
    }

    #[test]
    fn a_page_says_where_the_next_one_begins_within_the_same_host() {
        let record = json!({"Id": "005x", "Username": "k@a", "Title": null});
        let of = |next: &str| {
            page(
                json!({"totalSize": 9, "done": false, "nextRecordsUrl": next,
                "records": [record.clone(), {"Id": 7}]}),
            )
        };
        let found = of("/services/data/v68.0/query/01gD-200").unwrap();
        assert_eq!(found.next, Some(PageToken("01gD-200".to_owned())));
        assert_eq!(
            (found.accounts.len(), found.unreadable, found.total),
            (1, 1, Some(9))
        );
        let shown = attributes(
            &found.accounts[0].content,
            &["title", "Email"].map(str::to_owned),
        );
        assert_eq!(shown, BTreeMap::from([("title".to_owned(), Value::Null)]));
        for wrong in [
            "https://evil.example/query/x?y=/z",
            "/query/../x",
            "",
            "/query/",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert!(page(json!({"records": {}})).is_err());
        assert_eq!(
            page(json!({"records": [], "done": true})).unwrap().next,
            None
        );
    }

    #[test]
    fn a_record_is_read_with_its_odd_date() {
        let mut list = records(json!({"totalSize": 1, "done": true, "records": [
            {"attributes": {"type": "User"}, "Id": "005x", "Username": "k@a", "IsActive": false,
             "CreatedDate": "2026-11-22T01:02:03.000+0000"}]}))
        .unwrap();
        let account = account(list.remove(0)).unwrap();
        assert_eq!(account.created_at, "2026-11-22T01:02:03Z".parse().ok());
        assert!(!account.active);
    }

    #[test]
    fn only_an_empty_list_says_that_nobody_is_there() {
        let empty = json!({"totalSize": 0, "done": true, "records": []});
        assert_eq!(records(empty), Some(Vec::new()));
        for none in [json!({}), json!([]), json!({"records": null})] {
            assert_eq!(records(none.clone()), None, "{none}");
        }
    }
}
