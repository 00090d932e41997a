//! The methods of `members`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::error::Error;
use super::ids::{group_id, group_key, user_id, user_key};
use super::limits;
use super::page;
use super::route::{Call, Reply};
use super::shapes::{Delivery, Group, Member, MemberKind, Role, seal};
use super::{Google, etag, groups, users};
use crate::vendor::Change;

const MOST: usize = 200;
/// The key of the membership of everybody.
const EVERYBODY: u64 = 0;

pub(super) fn insert(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let group = groups::find(google, call.key(0))?;
    if call.body.is_empty() {
        return Err(Error::required("member"));
    }
    let text =
        |field| limits::present(call.body, field).map(|value| value.as_str().unwrap_or_default());
    let wanted = text("email")
        .or_else(|| text("id"))
        .ok_or_else(|| Error::required("memberKey"))?;
    let (key, mut member) = resolve(google, wanted)?;
    lay(&mut member, call.body)?;
    if group.members.contains_key(&key) {
        return Err(Error::new(409, "duplicate", "Member already exists."));
    }
    if member.kind == MemberKind::Group
        && (key == group.key || google.store.reaches(key, group.key))
    {
        return Err(Error::condition("Cyclic memberships not allowed"));
    }
    google.store.join(group.key, key, member.clone());
    let shown = show(google, key, &member, member.role, true);
    report(changes, &group, None, Some(&shown));
    Ok(Reply::Shown("member", shown))
}

pub(super) fn get(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let group = groups::find(google, call.key(0))?;
    let (key, member) = held(google, &group, call.key(1))?;
    Ok(Reply::Shown(
        "member",
        show(google, key, &member, member.role, true),
    ))
}

/// Answers `members.update` and `members.patch`: role and mail delivery can change, nothing else.
pub(super) fn update(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let group = groups::find(google, call.key(0))?;
    let (key, before) = held(google, &group, call.key(1))?;
    let mut member = before.clone();
    lay(&mut member, call.body)?;
    let old = show(google, key, &before, before.role, true);
    let new = show(google, key, &member, member.role, true);
    call.if_match(old["etag"].as_str().unwrap_or_default())?;
    if before != member {
        google.store.join(group.key, key, member);
        report(changes, &group, Some(&old), Some(&new));
    }
    Ok(Reply::Shown("member", new))
}

pub(super) fn delete(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let group = groups::find(google, call.key(0))?;
    let (key, member) = held(google, &group, call.key(1))?;
    let old = show(google, key, &member, member.role, true);
    google.store.part(group.key, key);
    report(changes, &group, Some(&old), None);
    Ok(Reply::Done)
}

pub(super) fn has_member(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let group = groups::find(google, call.key(0))?;
    let wanted = call.key(1);
    // Addresses outside of the account are refused (googleapis/google-api-java-client#1082).
    if wanted.contains('@') && !google.tenant.owns(wanted) {
        return Err(Error::invalid("memberKey"));
    }
    let (key, member) = resolve(google, wanted)?;
    let everybody = member.kind == MemberKind::User && google.store.reaches(group.key, EVERYBODY);
    let found = everybody || google.store.reaches(group.key, key);
    Ok(Reply::Shown("hasMember", json!({ "isMember": found })))
}

pub(super) fn list(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    let params = &call.params;
    let group = groups::find(google, call.key(0))?;
    let most = params.max_results(MOST, MOST, false)?;
    let derived = params.flag("includeDerivedMembership")?.unwrap_or(false);
    let roles = match params.get("roles").filter(|roles| !roles.is_empty()) {
        None => Role::ALL.to_vec(),
        Some(text) => text
            .split(',')
            .map(|word| Role::parse(word.trim()).ok_or_else(|| Error::invalid("roles")))
            .collect::<Result<_, _>>()?,
    };
    let question = format!(
        "{}\0{}",
        users::question("members.list", params),
        group.id()
    );
    let after = params.get("pageToken").filter(|token| !token.is_empty());
    let after = after
        .map(|token| page::resume(&question, token, call.request.now))
        .transpose()?;
    let after: Option<u64> = after.and_then(|text| text.parse().ok());

    let all = if derived {
        derive(google, &group)
    } else {
        direct(&group)
    };
    let mut found: Vec<(u64, (Member, Role))> = all
        .into_iter()
        .filter(|(key, (_, role))| roles.contains(role) && after.is_none_or(|after| *key > after))
        .take(most + 1)
        .collect();
    let more = found.len() > most;
    found.truncate(most);
    let next = found
        .last()
        .filter(|_| more)
        .map(|(key, _)| page::token(&question, &key.to_string(), call.request.now));
    let members = found
        .iter()
        .map(|(key, (member, role))| show(google, *key, member, *role, false))
        .collect();
    Ok(Reply::Shown(
        "members",
        users::collection("members", members, next),
    ))
}

/// Shows a group with its members, for the inspector.
pub(super) fn with_members(google: &Google, group: &Group) -> Value {
    let mut shown = group.show();
    let all = group
        .members
        .iter()
        .map(|(key, member)| show(google, *key, member, member.role, false));
    let all: Vec<Value> = all.collect();
    if !all.is_empty() {
        shown.insert("members".into(), all.into());
    }
    shown.into()
}

fn direct(group: &Group) -> BTreeMap<u64, (Member, Role)> {
    group
        .members
        .iter()
        .map(|(key, member)| (*key, (member.clone(), member.role)))
        .collect()
}

/// Collects direct and indirect members; the indirect ones are plain members of the outer group.
fn derive(google: &Google, group: &Group) -> BTreeMap<u64, (Member, Role)> {
    let mut all = direct(group);
    let mut next: Vec<u64> = group
        .members
        .iter()
        .filter(|(_, one)| one.kind == MemberKind::Group)
        .map(|(key, _)| *key)
        .collect();
    let mut seen: std::collections::BTreeSet<u64> =
        next.iter().copied().chain([group.key]).collect();
    while let Some(inner) = next.pop().and_then(|key| google.store.group(key)) {
        for (key, member) in &inner.members {
            all.entry(*key)
                .or_insert_with(|| (member.clone(), Role::Member));
            if member.kind == MemberKind::Group && seen.insert(*key) {
                next.push(*key);
            }
        }
    }
    all
}

/// Finds out who is meant by an address or an id.
///
/// # Errors
/// `notFound` for an address of ours that nobody has, `invalid` for what is no key at all.
pub(super) fn resolve(google: &Google, wanted: &str) -> Result<(u64, Member), Error> {
    let member = |kind, outside| Member {
        kind,
        role: Role::Member,
        delivery: Delivery::AllMail,
        outside,
    };
    if let Some(user) = google.store.find_user(wanted) {
        return Ok((user.key, member(MemberKind::User, None)));
    }
    if let Some(group) = google.store.find_group(wanted) {
        return Ok((group.key, member(MemberKind::Group, None)));
    }
    if google.tenant.is_customer(wanted) {
        return Ok((EVERYBODY, member(MemberKind::Customer, None)));
    }
    if !wanted.contains('@') {
        return Err(Error::not_found("memberKey"));
    }
    if google.tenant.owns(wanted) {
        return Err(Error::not_found("memberKey"));
    }
    if !limits::is_address(wanted) {
        return Err(Error::invalid("memberKey"));
    }
    let address: Arc<str> = wanted.to_lowercase().into();
    Ok((
        outside_key(&address),
        member(MemberKind::User, Some(address)),
    ))
}

/// Finds one membership by the member's address, alias or id.
///
/// # Errors
/// `notFound`.
fn held(google: &Google, group: &Group, wanted: &str) -> Result<(u64, Member), Error> {
    let by_id = user_key(wanted)
        .or_else(|| group_key(wanted))
        .filter(|key| group.members.contains_key(key));
    let key = match by_id {
        Some(key) => key,
        None => resolve(google, wanted)?.0,
    };
    let member = group
        .members
        .get(&key)
        .ok_or_else(|| Error::not_found("memberKey"))?;
    Ok((key, member.clone()))
}

/// Returns the key of an address outside of the account; the same in every group.
fn outside_key(address: &str) -> u64 {
    let digest = etag::digest(address.as_bytes());
    let mut word = [0; 8];
    word.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(word)
}

/// Lays role and mail delivery over a membership.
///
/// # Errors
/// `invalid`; a group can be nothing but `MEMBER` (googleapis/google-api-dotnet-client#565).
fn lay(member: &mut Member, body: &Map<String, Value>) -> Result<(), Error> {
    if let Some(role) = limits::present(body, "role") {
        member.role = role
            .as_str()
            .and_then(Role::parse)
            .ok_or_else(|| Error::invalid("role"))?;
    }
    if let Some(delivery) = limits::present(body, "delivery_settings") {
        let known = delivery.as_str().and_then(Delivery::parse);
        member.delivery = known.ok_or_else(|| Error::invalid("delivery_settings"))?;
    }
    if member.kind != MemberKind::User && member.role != Role::Member {
        return Err(Error::invalid("memberKey"));
    }
    Ok(())
}

fn show(google: &Google, key: u64, member: &Member, role: Role, whole: bool) -> Value {
    let user = google.store.user(key);
    let (id, email, kind) = match member.kind {
        MemberKind::Customer => (google.tenant.customer.to_string(), None, "CUSTOMER"),
        MemberKind::Group => (
            group_id(key),
            google
                .store
                .group(key)
                .map(|group| Arc::clone(&group.email)),
            "GROUP",
        ),
        MemberKind::User => (
            user_id(key),
            user.map(|user| Arc::clone(&user.primary))
                .or_else(|| member.outside.clone()),
            "USER",
        ),
    };
    let mut out = Map::new();
    out.insert("kind".into(), "admin#directory#member".into());
    out.insert("etag".into(), "".into());
    out.insert("id".into(), id.into());
    if let Some(email) = email {
        out.insert("email".into(), email.as_ref().into());
    }
    out.insert("role".into(), role.word().into());
    out.insert("type".into(), kind.into());
    let suspended = user.is_some_and(|user| user.suspended.is_some());
    out.insert(
        "status".into(),
        if suspended { "SUSPENDED" } else { "ACTIVE" }.into(),
    );
    let delivery = Value::from(member.delivery.word());
    // One version for the short and the long form, so that a list's etags fit a later `If-Match`.
    out.insert("delivery_settings".into(), delivery);
    let mut out = seal(out);
    if !whole {
        out.shift_remove("delivery_settings");
    }
    out.into()
}

fn report(changes: &mut Vec<Change>, group: &Group, before: Option<&Value>, after: Option<&Value>) {
    let name = |shown: &Value| {
        let mut short = Map::new();
        for field in ["email", "id", "role", "delivery_settings"] {
            if let Some(value) = shown.get(field) {
                short.insert(field.into(), value.clone());
            }
        }
        Value::Object(short)
    };
    changes.push(Change {
        object: "Group",
        id: group.id(),
        name: group.email.to_string(),
        field: "members".into(),
        before: before.map(name),
        after: after.map(name),
    });
}
