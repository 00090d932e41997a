//! The methods of `groups`.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::Error;
use super::limits;
use super::page;
use super::query;
use super::route::{Call, Reply};
use super::search;
use super::shapes::Group;
use super::store::Owner;
use super::{Google, members, users};
use crate::vendor::Change;

const MOST: usize = 200;

/// Finds a group by any of its keys.
///
/// # Errors
/// `notFound`.
pub(super) fn find(google: &Google, key: &str) -> Result<Arc<Group>, Error> {
    google
        .store
        .find_group(key)
        .cloned()
        .ok_or_else(|| Error::not_found("groupKey"))
}

pub(super) fn insert(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    if call.body.is_empty() {
        return Err(Error::required("group"));
    }
    let email = limits::present(call.body, "email").ok_or_else(|| Error::required("groupKey"))?;
    let email = limits::address(
        email.as_str().unwrap_or_default(),
        &google.tenant,
        "groupKey",
    )?;
    let (born, key) = google.store.draw();
    let name = email.split('@').next().unwrap_or_default().into();
    let mut group = Group {
        key,
        born,
        email,
        name,
        description: "".into(),
        aliases: Vec::new(),
        external_ids: None,
        members: imbl::OrdMap::new(),
    };
    lay(&mut group, call.body)?;
    if google.store.owner(&group.email).is_some() {
        return Err(Error::duplicate());
    }
    let group = google.store.put_group(group);
    report(
        changes,
        &group,
        "*",
        None,
        Some(Value::Object(group.facts())),
    );
    Ok(show(&group))
}

pub(super) fn get(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let group = find(google, call.key(0))?;
    Ok(show(&group))
}

/// Answers `groups.update` and `groups.patch`: both keep what is absent.
pub(super) fn update(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let before = find(google, call.key(0))?;
    call.if_match(&before.etag())?;
    let mut group = Group::clone(&before);
    lay(&mut group, call.body)?;
    if let Some(email) = limits::present(call.body, "email") {
        let email = limits::address(
            email.as_str().unwrap_or_default(),
            &google.tenant,
            "groupKey",
        )?;
        if email != before.email {
            match google.store.owner(&email) {
                None => {}
                Some(Owner::Group(key)) if key == group.key => {}
                Some(_) => return Err(Error::duplicate()),
            }
            group.aliases.retain(|alias| *alias != email);
            group.aliases.push(Arc::clone(&before.email));
            group.email = email;
        }
    }
    let group = google.store.put_group(group);
    tell(changes, &before, &group);
    Ok(show(&group))
}

pub(super) fn delete(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let group = find(google, call.key(0))?;
    call.if_match(&group.etag())?;
    users::leave_groups(google, group.key, &group.email, changes);
    report(
        changes,
        &group,
        "*",
        Some(Value::Object(group.facts())),
        None,
    );
    google.store.drop_group(group.key);
    Ok(Reply::Done)
}

pub(super) fn list(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let params = &call.params;
    let most = params.max_results(MOST, MOST, false)?;
    let order = params.choice("orderBy", &["email"])?;
    let descending = params.choice("sortOrder", &["ASCENDING", "DESCENDING"])?
        == Some("DESCENDING")
        && order.is_some();
    let clauses = query::parse(params.get("query").unwrap_or_default())?;
    search::check_groups(&clauses)?;
    let member = params.get("userKey").filter(|key| !key.is_empty());
    if member.is_some()
        && params
            .get("customer")
            .is_some_and(|customer| !customer.is_empty())
    {
        // "Cannot be used with the `customer` parameter" (discovery document, groups.list).
        return Err(Error::bad_request("Bad Request"));
    }
    let of = member.map(|key| member_key(google, key)).transpose()?;
    let domain = if of.is_some() && params.get("domain").is_none() {
        None
    } else {
        users::scope(google, params)?
    };

    let question = users::question("groups.list", params);
    let after = params.get("pageToken").filter(|token| !token.is_empty());
    let after = after
        .map(|token| page::resume(&question, token, call.request.now))
        .transpose()?;
    let wanted = |group: &Group| {
        domain
            .as_deref()
            .is_none_or(|domain| users::within(&group.email, domain))
            && of.is_none_or(|key| group.members.contains_key(&key))
            && search::group_matches(&google.store, group, &clauses)
    };
    let all = google
        .store
        .addresses_after(None)
        .filter_map(|(address, owner)| match owner {
            Owner::Group(key) => google
                .store
                .group(key)
                .filter(|group| group.email == *address && wanted(group)),
            Owner::User(_) => None,
        });
    let mut found: Vec<&Arc<Group>> = all.collect();
    if descending {
        found.reverse();
    }
    found.retain(|group| match after.as_deref() {
        None => true,
        Some(after) if descending => *group.email < *after,
        Some(after) => *group.email > *after,
    });
    let more = found.len() > most;
    found.truncate(most);
    let next = found
        .last()
        .filter(|_| more)
        .map(|group| page::token(&question, &group.email, call.request.now));
    let groups = found
        .iter()
        .map(|group| Value::Object(group.show()))
        .collect();
    Ok(Reply::Shown(
        "groups",
        users::collection("groups", groups, next),
    ))
}

fn member_key(google: &Google, key: &str) -> Result<u64, Error> {
    // An outsider can be a member too.
    if key.contains('@') && !google.tenant.owns(key) {
        return members::resolve(google, key).map(|(key, _)| key);
    }
    match google.store.find_user(key) {
        Some(user) => Ok(user.key),
        None => google
            .store
            .find_group(key)
            .map(|group| group.key)
            .ok_or_else(|| Error::not_found("userKey")),
    }
}

/// Lays name, description and external ids over a group; read-only fields are ignored.
fn lay(group: &mut Group, body: &Map<String, Value>) -> Result<(), Error> {
    if let Some(name) = limits::present(body, "name") {
        group.name = name.as_str().ok_or_else(|| Error::invalid("name"))?.into();
    }
    match body.get("description") {
        None => {}
        Some(Value::Null) => group.description = "".into(),
        Some(value) => group.description = limits::description(value)?.into(),
    }
    match body.get("externalIds") {
        None => {}
        Some(Value::Null) => group.external_ids = None,
        Some(Value::Array(all)) if all.iter().all(Value::is_object) => {
            group.external_ids = if all.is_empty() {
                None
            } else {
                Some(Value::Array(all.clone()))
            };
        }
        Some(_) => return Err(Error::invalid("externalIds")),
    }
    Ok(())
}

fn show(group: &Group) -> Reply {
    Reply::Shown("group", group.show().into())
}

/// Reports every field that differs.
pub(super) fn tell(changes: &mut Vec<Change>, before: &Group, after: &Group) {
    let (old, new) = (before.facts(), after.facts());
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    for key in new.keys().chain(gone) {
        let (old, new) = (old.get(key), new.get(key));
        if old != new {
            report(changes, after, key, old.cloned(), new.cloned());
        }
    }
}

fn report(
    changes: &mut Vec<Change>,
    group: &Group,
    field: &str,
    before: Option<Value>,
    after: Option<Value>,
) {
    changes.push(Change {
        object: "Group",
        id: group.id(),
        name: group.email.to_string(),
        field: field.into(),
        before,
        after,
    });
}
