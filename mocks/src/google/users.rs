//! The methods of `users`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Google;
use super::error::Error;
use super::etag;
use super::ids::user_key;
use super::limits::{self, Mode};
use super::page;
use super::params::Params;
use super::query;
use super::route::{Call, Reply};
use super::schemas;
use super::search;
use super::shapes::{Projection, User, seal};
use super::store::Owner;
use crate::vendor::Change;

const DEFAULT: usize = 100;
const MOST: usize = 500;

/// Finds a user by any of its keys.
///
/// # Errors
/// `notFound`; `badRequest` for a group's address (googleapis/google-api-php-client#1523).
pub(super) fn find(google: &Google, key: &str) -> Result<Arc<User>, Error> {
    if let Some(user) = google.store.find_user(key) {
        return Ok(Arc::clone(user));
    }
    if google.store.find_group(key).is_some() {
        return Err(Error::bad_request("Type not supported: userKey"));
    }
    Err(Error::not_found("userKey"))
}

pub(super) fn insert(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let replace = call.params.flag("resolveConflictAccount")?.unwrap_or(false);
    let tenant = Arc::clone(&google.tenant);
    let mut user = google.blank(call.request.now);
    limits::lay(
        &mut user,
        call.body,
        Mode::Insert,
        &tenant,
        call.request.now,
    )?;
    if google.store.owner(&user.primary).is_some() {
        return Err(Error::duplicate());
    }
    if tenant.unmanaged.contains(&user.primary) && !replace {
        return Err(Error::duplicate());
    }
    seat(google, u64::from(user.archived.is_none()))?;
    let user = google.put_user(user);
    report(changes, &user, "*", None, Some(Value::Object(user.facts())));
    Ok(Reply::User(user, Projection::Full))
}

pub(super) fn get(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let projection = projection(&call.params)?;
    let user = find(google, call.key(0))?;
    Ok(Reply::User(user, projection))
}

pub(super) fn update(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    change(google, call, changes, Mode::Update)
}

pub(super) fn patch(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    change(google, call, changes, Mode::Patch)
}

fn change(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
    mode: Mode,
) -> Result<Reply, Error> {
    let before = find(google, call.key(0))?;
    call.if_match(&before.etag())?;
    let tenant = Arc::clone(&google.tenant);
    let mut user = User::clone(&before);
    let password = limits::lay(&mut user, call.body, mode, &tenant, call.request.now)?;
    if user.primary != before.primary {
        match google.store.owner(&user.primary) {
            None => {}
            Some(Owner::User(key)) if key == user.key => {}
            Some(_) => return Err(Error::duplicate()),
        }
        // The old address stays as an alias (googleapis/google-api-go-client#556).
        user.aliases.retain(|alias| *alias != user.primary);
        user.aliases.push(Arc::clone(&before.primary));
    }
    if before.archived.is_some() && user.archived.is_none() {
        seat(google, 1)?;
    }
    let user = google.put_user(user);
    tell(changes, &before, &user);
    if password {
        report(changes, &user, "password", None, None);
    }
    Ok(Reply::User(user, Projection::Full))
}

pub(super) fn delete(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let user = find(google, call.key(0))?;
    call.if_match(&user.etag())?;
    if user.key == call.caller {
        // Nobody deletes the account they act as; the vendor names no text of its own for it.
        return Err(Error::forbidden());
    }
    leave_groups(google, user.key, &user.primary, changes);
    report(changes, &user, "*", Some(Value::Object(user.facts())), None);
    let mut gone = User::clone(&user);
    gone.deleted = Some(call.request.now);
    gone.seal();
    google.store.bury(gone);
    Ok(Reply::Done)
}

/// Reports the memberships that end with a user or group.
pub(super) fn leave_groups(google: &Google, key: u64, name: &str, changes: &mut Vec<Change>) {
    for group in google
        .store
        .groups_of(key)
        .filter_map(|key| google.store.group(key))
    {
        changes.push(Change {
            object: "Group",
            id: group.id(),
            name: group.email.to_string(),
            field: "members".into(),
            before: Some(name.into()),
            after: None,
        });
    }
}

pub(super) fn undelete(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    google.store.sweep(call.request.now);
    // The immutable id only (discovery document, users.undelete).
    let key = user_key(call.key(0)).ok_or_else(|| Error::not_found("userKey"))?;
    if google.store.user(key).is_some() {
        return Err(Error::condition(
            "User is not deleted, nothing to undelete.",
        ));
    }
    let gone = google
        .store
        .find_deleted(key)
        .cloned()
        .ok_or_else(|| Error::not_found("userKey"))?;
    let mut user = User::clone(&gone);
    user.deleted = None;
    schemas::fit(&mut user, &google.tenant.schemas);
    user.org_unit = match limits::present(call.body, "orgUnitPath") {
        None => Arc::clone(&google.tenant.org_units[0].path),
        Some(path) => limits::org_unit(path.as_str().unwrap_or_default(), &google.tenant)?,
    };
    if google.store.owner(&user.primary).is_some() {
        return Err(Error::duplicate());
    }
    // An alias that somebody else took in the meantime is lost.
    user.aliases
        .retain(|alias| google.store.owner(alias).is_none());
    seat(google, u64::from(user.archived.is_none()))?;
    google.store.exhume(key);
    let user = google.put_user(user);
    report(changes, &user, "*", None, Some(Value::Object(user.facts())));
    Ok(Reply::Done)
}

pub(super) fn make_admin(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let before = find(google, call.key(0))?;
    let status = limits::flag(call.body, "status")?.ok_or_else(|| Error::required("status"))?;
    let mut user = User::clone(&before);
    user.admin = status;
    let user = google.put_user(user);
    tell(changes, &before, &user);
    Ok(Reply::Done)
}

pub(super) fn sign_out(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    find(google, call.key(0))?;
    Ok(Reply::Done)
}

pub(super) fn list(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let params = &call.params;
    let projection = projection(params)?;
    let most = params.max_results(DEFAULT, MOST, true)?;
    let order = params.choice("orderBy", &["email", "familyName", "givenName"])?;
    let descending =
        params.choice("sortOrder", &["ASCENDING", "DESCENDING"])? == Some("DESCENDING");
    params.choice(
        "event",
        &["add", "delete", "makeAdmin", "undelete", "update"],
    )?;
    let deleted = params.flag("showDeleted")?.unwrap_or(false);
    if deleted {
        google.store.sweep(call.request.now);
    }
    let domain = scope(google, params)?;
    let clauses = query::parse(params.get("query").unwrap_or_default())?;
    search::check_users(&clauses)?;

    let question = question("users.list", params);
    let after = params.get("pageToken").filter(|token| !token.is_empty());
    let after = after
        .map(|token| page::resume(&question, token, call.request.now))
        .transpose()?;
    let wanted = |user: &User| {
        domain
            .as_deref()
            .is_none_or(|domain| within(&user.primary, domain))
            && search::user_matches(&google.store, user, &clauses)
    };

    let mut found: Vec<(String, Arc<User>)> = Vec::new();
    if let (Some(email), false) = (search::exact_email(&clauses), deleted) {
        // An exact address needs no scan; secondary addresses are not in the index.
        match google.store.find_user(email) {
            Some(user) if wanted(user) => found.push((place(user, order), Arc::clone(user))),
            Some(_) => {}
            None => {
                let all = google.store.with_emails().filter(|user| wanted(user));
                found.extend(all.map(|user| (place(user, order), Arc::clone(user))));
            }
        }
    } else if let (Some(id), false) = (search::exact_external_id(&clauses), deleted) {
        let all = google
            .store
            .with_external_id(id)
            .filter(|user| wanted(user));
        found.extend(all.map(|user| (place(user, order), Arc::clone(user))));
    } else if deleted {
        let all = google.store.deleted().filter(|user| wanted(user));
        found.extend(all.map(|user| (place(user, order), Arc::clone(user))));
    } else if matches!(order, None | Some("email")) && !(descending && order.is_some()) {
        let start = after.as_deref().and_then(|after| after.split('\0').next());
        let live = google
            .store
            .addresses_after(start)
            .filter_map(|(address, owner)| match owner {
                Owner::User(key) => google
                    .store
                    .user(key)
                    .filter(|user| user.primary == *address),
                Owner::Group(_) => None,
            });
        let page = live.filter(|user| wanted(user)).take(most + 1);
        found.extend(page.map(|user| (place(user, order), Arc::clone(user))));
    } else {
        let all = google.store.users().filter(|user| wanted(user));
        found.extend(all.map(|user| (place(user, order), Arc::clone(user))));
    }
    found.sort_by(|left, right| left.0.cmp(&right.0));
    if descending && order.is_some() {
        found.reverse();
        found.retain(|(place, _)| after.as_ref().is_none_or(|after| place < after));
    } else {
        found.retain(|(place, _)| after.as_ref().is_none_or(|after| place > after));
    }

    let more = found.len() > most;
    found.truncate(most);
    let next = found
        .last()
        .filter(|_| more)
        .map(|(place, _)| page::token(&question, place, call.request.now));
    let users = found
        .iter()
        .map(|(_, user)| Value::Object(user.show(&google.tenant, &projection)))
        .collect();
    Ok(Reply::Shown("users", collection("users", users, next)))
}

/// Returns where a user stands in a list; the address makes it unique.
fn place(user: &User, order: Option<&str>) -> String {
    let id = user.id();
    match order {
        Some("familyName") => format!("{}\0{}\0{id}", user.family.to_lowercase(), user.primary),
        Some("givenName") => format!("{}\0{}\0{id}", user.given.to_lowercase(), user.primary),
        _ => format!("{}\0{id}", user.primary),
    }
}

/// Reads `customer` and `domain`; returns the domain to keep to.
///
/// # Errors
/// `badRequest` without either, `notFound` for those of somebody else.
pub(super) fn scope(google: &Google, params: &Params) -> Result<Option<String>, Error> {
    let given = |name| params.get(name).filter(|value| !value.is_empty());
    let (customer, domain) = (given("customer"), given("domain"));
    if customer.is_none() && domain.is_none() {
        return Err(Error::bad_request("Bad Request"));
    }
    let foreign = customer.is_some_and(|word| !google.tenant.is_customer(word))
        || domain.is_some_and(|domain| !google.tenant.holds(domain));
    if foreign {
        return Err(Error::domain_not_found());
    }
    Ok(domain.map(str::to_lowercase))
}

/// Tells whether an address lies in a domain.
pub(super) fn within(address: &str, domain: &str) -> bool {
    address
        .rsplit_once('@')
        .is_some_and(|(_, own)| own == domain)
}

/// Describes what a list is of, so that a page token fits that list only.
pub(super) fn question(method: &str, params: &Params) -> String {
    let names = [
        "customer",
        "domain",
        "userKey",
        "query",
        "orderBy",
        "sortOrder",
        "showDeleted",
        "roles",
        "includeDerivedMembership",
    ];
    names.iter().fold(method.to_owned(), |all, name| {
        format!("{all}\0{}", params.get(name).unwrap_or_default())
    })
}

/// Writes a list; its key is absent when there is nothing in it.
pub(super) fn collection(name: &str, all: Vec<Value>, next: Option<String>) -> Value {
    let mut out = Map::new();
    out.insert("kind".into(), format!("admin#directory#{name}").into());
    out.insert("etag".into(), "".into());
    if !all.is_empty() {
        out.insert(name.into(), all.into());
    }
    if let Some(next) = next {
        out.insert("nextPageToken".into(), next.into());
    }
    seal(out).into()
}

fn projection(params: &Params) -> Result<Projection, Error> {
    let view = params.choice("viewType", &["admin_view", "domain_public"])?;
    let wanted = params.choice("projection", &["basic", "custom", "full"])?;
    let mask = params
        .get("customFieldMask")
        .filter(|mask| !mask.is_empty());
    if view == Some("domain_public") {
        return Ok(Projection::Public);
    }
    match (wanted, mask) {
        (Some("custom"), Some(mask)) => Ok(Projection::Custom(
            mask.split(',').map(|name| name.trim().to_owned()).collect(),
        )),
        (Some("custom"), None) => Err(Error::invalid("custom_field_mask")),
        (_, Some(_)) => Err(Error::bad_request(
            "customFieldMask should only be set when projection=custom.",
        )),
        (Some("full"), None) => Ok(Projection::Full),
        _ => Ok(Projection::Basic),
    }
}

/// Checks that there is a licence for one more.
fn seat(google: &Google, more: u64) -> Result<(), Error> {
    match google.licences {
        Some(licences) if more > 0 && google.store.seats().saturating_add(more) > licences => {
            Err(Error::no_licence())
        }
        _ => Ok(()),
    }
}

/// Reports every field that differs.
pub(super) fn tell(changes: &mut Vec<Change>, before: &User, after: &User) {
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
    user: &User,
    field: &str,
    before: Option<Value>,
    after: Option<Value>,
) {
    changes.push(Change {
        object: "User",
        id: user.id(),
        name: user.primary.to_string(),
        field: field.into(),
        before,
        after,
    });
}

/// Shows one alias of a user or group.
pub(super) fn alias(id: &str, primary: &str, alias: &str) -> Value {
    let mut out = json!({ "kind": "admin#directory#alias", "id": id, "etag": "", "primaryEmail": primary, "alias": alias });
    let version = etag::show(&etag::digest(
        format!("{id}\0{primary}\0{alias}").as_bytes(),
    ));
    out["etag"] = version.into();
    out
}
