//! The methods of `users.aliases` and `groups.aliases`.

use std::sync::Arc;

use super::error::Error;
use super::limits;
use super::route::{Call, Reply};
use super::shapes::{Group, User};
use super::store::Store;
use super::{Google, groups, users};
use crate::vendor::Change;

pub(super) fn insert_user(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let before = users::find(google, call.key(0))?;
    let alias = wanted(google, call, before.aliases.len())?;
    let mut user = User::clone(&before);
    user.aliases.push(Arc::clone(&alias));
    let user = google.put_user(user);
    users::tell(changes, &before, &user);
    Ok(Reply::Shown(
        "alias",
        users::alias(&user.id(), &user.primary, &alias),
    ))
}

pub(super) fn insert_group(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let before = groups::find(google, call.key(0))?;
    let alias = wanted(google, call, before.aliases.len())?;
    let mut group = Group::clone(&before);
    group.aliases.push(Arc::clone(&alias));
    let group = google.store.put_group(group);
    groups::tell(changes, &before, &group);
    Ok(Reply::Shown(
        "alias",
        users::alias(&group.id(), &group.email, &alias),
    ))
}

pub(super) fn list_user(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    call.params.choice("event", &["add", "delete"])?;
    let user = users::find(google, call.key(0))?;
    Ok(list(&user.id(), &user.primary, &user.aliases))
}

pub(super) fn list_group(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let group = groups::find(google, call.key(0))?;
    Ok(list(&group.id(), &group.email, &group.aliases))
}

pub(super) fn delete_user(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let before = users::find(google, call.key(0))?;
    let mut user = User::clone(&before);
    remove(&mut user.aliases, call.key(1))?;
    let user = google.put_user(user);
    users::tell(changes, &before, &user);
    Ok(Reply::Done)
}

pub(super) fn delete_group(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let before = groups::find(google, call.key(0))?;
    let mut group = Group::clone(&before);
    remove(&mut group.aliases, call.key(1))?;
    let group = google.store.put_group(group);
    groups::tell(changes, &before, &group);
    Ok(Reply::Done)
}

fn list(id: &str, primary: &str, aliases: &[Arc<str>]) -> Reply {
    let all = aliases
        .iter()
        .map(|alias| users::alias(id, primary, alias))
        .collect();
    Reply::Shown("aliases", users::collection("aliases", all, None))
}

/// Reads the alias of a body: well-formed, in one of the domains, and free.
fn wanted(google: &Google, call: &Call<'_>, held: usize) -> Result<Arc<str>, Error> {
    let alias = limits::present(call.body, "alias").ok_or_else(|| Error::required("alias"))?;
    let alias = alias
        .as_str()
        .ok_or_else(|| Error::invalid("alias_email"))?;
    let alias = limits::address(alias, &google.tenant, "alias_email")?;
    free(&google.store, &alias)?;
    if held >= limits::ALIASES {
        return Err(Error::new(412, "limitExceeded", "Too many aliases."));
    }
    Ok(alias)
}

/// Checks that nobody has an address.
fn free(store: &Store, address: &str) -> Result<(), Error> {
    if store.owner(address).is_some() {
        Err(Error::duplicate())
    } else {
        Ok(())
    }
}

fn remove(aliases: &mut Vec<Arc<str>>, alias: &str) -> Result<(), Error> {
    let alias = alias.to_lowercase();
    let place = aliases
        .iter()
        .position(|known| **known == *alias)
        .ok_or_else(|| Error::not_found("resource_id"))?;
    aliases.remove(place);
    Ok(())
}
