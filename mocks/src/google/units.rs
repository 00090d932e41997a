//! The methods of `orgunits`: the tree of organizational units in which every user has a place.
//!
//! Sources: discovery document; developers.google.com/workspace/admin/directory/v1/guides/manage-org-units. The refusals
//! are those that GAM tells apart (GAM-team/GAM, `glgapi.py`): `Invalid Ou Id`, `Invalid Ou Name`, `Invalid Parent
//! Orgunit Id`, `Org unit not found`, and 412 for a unit that is not empty.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Google;
use super::customer::{check, sealed};
use super::error::Error;
use super::etag;
use super::ids::group_id;
use super::limits::present;
use super::route::{Call, Reply};
use super::shapes::{User, seal};
use super::store::Tenant;
use super::users;
use crate::vendor::Change;

/// How deep the tree may be (discovery document, `OrgUnit`).
const DEEPEST: usize = 35;

/// One organizational unit.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    /// `/` for the top, else without a slash at the end.
    pub(super) path: Arc<str>,
    key: u64,
    description: Box<str>,
}

impl Unit {
    /// Makes a unit of a path that no other one has; the id follows from the path.
    pub(super) fn new(path: impl Into<Arc<str>>) -> Self {
        let path = path.into();
        let digest = etag::digest(path.as_bytes());
        let mut word = [0; 8];
        word.copy_from_slice(&digest[..8]);
        Self {
            path,
            key: u64::from_be_bytes(word),
            description: "".into(),
        }
    }

    fn id(&self) -> String {
        format!("id:{}", group_id(self.key))
    }

    fn is_top(&self) -> bool {
        &*self.path == "/"
    }

    /// Tells whether a path lies below this unit.
    fn holds(&self, path: &str) -> bool {
        below(&self.path, path).is_some()
    }

    fn show(&self, tenant: &Tenant) -> Value {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let mut shown = json!({
            "kind": "admin#directory#orgUnit",
            "etag": "",
            "name": if self.is_top() { "/" } else { name },
            "description": *self.description,
            "orgUnitPath": *self.path,
            "orgUnitId": self.id(),
        });
        let above = tenant
            .org_units
            .iter()
            .find(|unit| *unit.path == *parent(&self.path));
        if let Some(above) = above.filter(|_| !self.is_top()) {
            shown["parentOrgUnitPath"] = (*above.path).into();
            shown["parentOrgUnitId"] = above.id().into();
        }
        sealed(shown)
    }
}

pub(super) fn list(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let tenant = &google.tenant;
    let kind = call
        .params
        .choice("type", &["all", "children", "allIncludingParent"])?;
    let above = call
        .params
        .get("orgUnitPath")
        .filter(|path| !path.is_empty())
        .unwrap_or("/");
    let above = &tenant.org_units[find(tenant, above)?];
    let all = tenant.org_units.iter().filter(|unit| match kind {
        Some("allIncludingParent") => above.holds(&unit.path) || unit.path == above.path,
        Some("all") => above.holds(&unit.path),
        _ => above.holds(&unit.path) && parent(&unit.path) == &*above.path,
    });
    let all: Vec<Value> = all.map(|unit| unit.show(tenant)).collect();
    let mut out = Map::new();
    out.insert("kind".into(), "admin#directory#orgUnits".into());
    out.insert("etag".into(), "".into());
    if !all.is_empty() {
        out.insert("organizationUnits".into(), all.into());
    }
    Ok(Reply::Shown("orgUnits", seal(out).into()))
}

pub(super) fn get(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let at = find(&google.tenant, call.key(1))?;
    Ok(show(google, at))
}

pub(super) fn insert(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let name = name(call.body)?.ok_or_else(wrong_name)?;
    let above = above(&google.tenant, call.body)?.ok_or_else(wrong_parent)?;
    let mut unit = Unit::new(free(&google.tenant, &above, &name, None)?);
    unit.key = google.store.draw().1;
    unit.description = description(call.body)?.unwrap_or_default();
    let units = &mut Arc::make_mut(&mut google.tenant).org_units;
    units.push(unit);
    let at = units.len() - 1;
    tell(changes, None, Some((&google.tenant, at)));
    Ok(show(google, at))
}

/// Answers `orgunits.update` and `orgunits.patch`: both keep what is absent. A unit that is renamed or moved takes along
/// the units below it and everybody in them.
pub(super) fn update(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let tenant = Arc::clone(&google.tenant);
    let at = find(&tenant, call.key(1))?;
    let before = &tenant.org_units[at];
    if let Some(etag) = before.show(&tenant).get("etag").and_then(Value::as_str) {
        call.if_match(etag)?;
    }
    let name = name(call.body)?;
    let above = above(&tenant, call.body)?;
    let description = description(call.body)?;
    let mut path = Arc::clone(&before.path);
    if before.is_top() {
        if name.is_some() || above.is_some() {
            return Err(Error::new(400, "invalid", "Invalid Ou Id"));
        }
    } else {
        let above = above.unwrap_or_else(|| parent(&before.path).into());
        if *above == *before.path || before.holds(&above) {
            return Err(wrong_parent());
        }
        let old = before.path.rsplit('/').next().unwrap_or_default();
        path = free(&tenant, &above, name.as_deref().unwrap_or(old), Some(at))?;
    }
    let units = &mut Arc::make_mut(&mut google.tenant).org_units;
    if let Some(description) = description {
        units[at].description = description;
    }
    if path != before.path {
        for unit in units.iter_mut() {
            if let Some(moved) = moved(&before.path, &path, &unit.path) {
                unit.path = moved;
            }
        }
    }
    tell(changes, Some((&tenant, at)), Some((&google.tenant, at)));
    if path != before.path {
        take_along(google, &before.path, &path, changes);
    }
    Ok(show(google, at))
}

pub(super) fn delete(
    google: &mut Google,
    call: &Call<'_>,
    changes: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let tenant = Arc::clone(&google.tenant);
    let at = find(&tenant, call.key(1))?;
    let gone = &tenant.org_units[at];
    let inhabited = tenant.org_units.iter().any(|unit| gone.holds(&unit.path))
        || google.store.users().any(|user| user.org_unit == gone.path);
    if gone.is_top() || inhabited {
        return Err(Error::condition("Cannot delete non-empty org unit"));
    }
    Arc::make_mut(&mut google.tenant).org_units.remove(at);
    tell(changes, Some((&tenant, at)), None);
    Ok(Reply::Done)
}

/// Gives the users of a unit, and of those below it, their new path.
fn take_along(google: &mut Google, from: &str, to: &str, changes: &mut Vec<Change>) {
    let all: Vec<(Arc<User>, Arc<str>)> = google
        .store
        .users()
        .filter_map(|user| Some((Arc::clone(user), moved(from, to, &user.org_unit)?)))
        .collect();
    for (before, path) in all {
        let mut user = User::clone(&before);
        user.org_unit = path;
        let user = google.put_user(user);
        users::tell(changes, &before, &user);
    }
}

/// Returns where a path lies once a unit was moved; `None` when it stays.
fn moved(from: &str, to: &str, path: &str) -> Option<Arc<str>> {
    if path == from {
        return Some(to.into());
    }
    below(from, path).map(|rest| format!("{to}/{rest}").into())
}

/// Returns what of a path lies below another one.
fn below<'a>(above: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(above.trim_end_matches('/'))?;
    rest.strip_prefix('/').filter(|rest| !rest.is_empty())
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        None | Some(("", _)) => "/",
        Some((above, _)) => above,
    }
}

/// Finds a unit by its path, with or without the leading `/`, or by its id.
fn find(tenant: &Tenant, wanted: &str) -> Result<usize, Error> {
    let plain = wanted.trim_matches('/').to_lowercase();
    let found = tenant.org_units.iter().position(|unit| {
        unit.path.trim_matches('/').to_lowercase() == plain || unit.id() == wanted
    });
    found.ok_or_else(|| Error::new(404, "notFound", "Org unit not found"))
}

/// Joins a path that no unit but the one at `own` has.
fn free(tenant: &Tenant, above: &str, name: &str, own: Option<usize>) -> Result<Arc<str>, Error> {
    let path = format!("{}/{name}", above.trim_end_matches('/'));
    let taken = find(tenant, &path).is_ok_and(|at| Some(at) != own);
    if taken || path.matches('/').count() > DEEPEST {
        return Err(Error::new(400, "invalid", "Invalid Ou Id"));
    }
    Ok(path.into())
}

/// Reads the name of a unit, which is one part of a path.
fn name(body: &Map<String, Value>) -> Result<Option<String>, Error> {
    match present(body, "name") {
        None => Ok(None),
        Some(Value::String(name)) if !name.trim().is_empty() && !name.contains('/') => {
            Ok(Some(name.trim().to_owned()))
        }
        Some(_) => Err(wrong_name()),
    }
}

/// Reads what unit is to be above, by path or id, and returns its path.
fn above(tenant: &Tenant, body: &Map<String, Value>) -> Result<Option<Arc<str>>, Error> {
    let named = present(body, "parentOrgUnitId").or_else(|| present(body, "parentOrgUnitPath"));
    let Some(named) = named else {
        return Ok(None);
    };
    let at = find(tenant, named.as_str().ok_or_else(wrong_parent)?);
    let at = at.map_err(|_| wrong_parent())?;
    Ok(Some(Arc::clone(&tenant.org_units[at].path)))
}

fn description(body: &Map<String, Value>) -> Result<Option<Box<str>>, Error> {
    match body.get("description") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some("".into())),
        Some(Value::String(text)) => Ok(Some(text.as_str().into())),
        Some(_) => Err(Error::invalid("description")),
    }
}

fn wrong_name() -> Error {
    Error::new(400, "invalid", "Invalid Ou Name")
}

fn wrong_parent() -> Error {
    Error::new(400, "invalid", "Invalid Parent Orgunit Id")
}

fn show(google: &Google, at: usize) -> Reply {
    let tenant = &google.tenant;
    Reply::Shown("orgUnit", tenant.org_units[at].show(tenant))
}

/// Reports a unit that came, changed or went.
fn tell(
    changes: &mut Vec<Change>,
    before: Option<(&Arc<Tenant>, usize)>,
    after: Option<(&Arc<Tenant>, usize)>,
) {
    let Some((tenant, at)) = after.or(before) else {
        return;
    };
    let unit = &tenant.org_units[at];
    let shown = |(tenant, at): (&Arc<Tenant>, usize)| tenant.org_units[at].show(tenant);
    changes.push(Change {
        object: "OrgUnit",
        id: unit.id(),
        name: unit.path.to_string(),
        field: "*".to_owned(),
        before: before.map(shown),
        after: after.map(shown),
    });
}
