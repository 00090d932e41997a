//! What can be read of the account itself: customer, domains, organizational units. All of it read-only.

use serde_json::{Map, Value, json};

use super::Google;
use super::error::Error;
use super::etag;
use super::ids::group_id;
use super::route::{Call, Reply};
use super::shapes::{seal, time};
use super::users::collection;
use crate::vendor::Change;

pub(super) fn get(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let tenant = &google.tenant;
    let shown = json!({
        "kind": "admin#directory#customer",
        "id": *tenant.customer,
        "etag": "",
        "customerDomain": tenant.domain(),
        "alternateEmail": google.subject(),
        "customerCreationTime": time(tenant.since),
        "language": "en",
        "postalAddress": { "countryCode": "US" },
    });
    Ok(reply(shown))
}

pub(super) fn domains(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let all = google
        .tenant
        .domains
        .iter()
        .map(|domain| show_domain(google, domain))
        .collect();
    Ok(Reply::Shown("other", collection("domains", all, None)))
}

pub(super) fn domain(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let known = google
        .tenant
        .domains
        .iter()
        .find(|known| known.eq_ignore_ascii_case(call.key(1)));
    let domain = known.ok_or_else(Error::domain_not_found)?;
    Ok(Reply::Shown("other", show_domain(google, domain)))
}

pub(super) fn org_units(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let kind = call
        .params
        .choice("type", &["all", "children", "allIncludingParent"])?;
    let above = call
        .params
        .get("orgUnitPath")
        .filter(|path| !path.is_empty())
        .unwrap_or("/");
    let above = find_unit(google, above)?;
    let all = google.tenant.org_units.iter().filter(|path| {
        let inside = ***path != above
            && (above == "/"
                || path
                    .strip_prefix(&above)
                    .is_some_and(|rest| rest.starts_with('/')));
        match kind {
            Some("allIncludingParent") => inside || ***path == above,
            Some("all") => inside,
            _ => inside && parent(path) == above,
        }
    });
    let all: Vec<Value> = all.map(|path| show_unit(path)).collect();
    let mut out = Map::new();
    out.insert("kind".into(), "admin#directory#orgUnits".into());
    out.insert("etag".into(), "".into());
    if !all.is_empty() {
        out.insert("organizationUnits".into(), all.into());
    }
    Ok(Reply::Shown("other", seal(out).into()))
}

pub(super) fn org_unit(
    google: &mut Google,
    call: &Call<'_>,
    _: &mut Vec<Change>,
) -> Result<Reply, Error> {
    check(google, call)?;
    let path = find_unit(google, call.key(1))?;
    Ok(Reply::Shown("other", show_unit(&path)))
}

/// Checks the customer in the path.
fn check(google: &Google, call: &Call<'_>) -> Result<(), Error> {
    if google.tenant.is_customer(call.key(0)) {
        Ok(())
    } else {
        Err(Error::domain_not_found())
    }
}

/// Finds a unit by its path, with or without the leading `/`, or by its id.
fn find_unit(google: &Google, wanted: &str) -> Result<String, Error> {
    let plain = wanted.trim_matches('/').to_lowercase();
    let found = google
        .tenant
        .org_units
        .iter()
        .find(|path| path.trim_matches('/').to_lowercase() == plain || unit_id(path) == wanted);
    found
        .map(ToString::to_string)
        .ok_or_else(|| Error::new(404, "notFound", "Org unit not found"))
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        None | Some(("", _)) => "/",
        Some((above, _)) => above,
    }
}

fn unit_id(path: &str) -> String {
    let digest = etag::digest(path.as_bytes());
    let mut word = [0; 8];
    word.copy_from_slice(&digest[..8]);
    format!("id:{}", group_id(u64::from_be_bytes(word)))
}

fn show_unit(path: &str) -> Value {
    let name = path
        .rsplit('/')
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or("/");
    let mut shown = json!({
        "kind": "admin#directory#orgUnit",
        "etag": "",
        "name": name,
        "description": "",
        "orgUnitPath": path,
        "orgUnitId": unit_id(path),
    });
    if path != "/" {
        shown["parentOrgUnitPath"] = parent(path).into();
        shown["parentOrgUnitId"] = unit_id(parent(path)).into();
    }
    sealed(shown)
}

fn show_domain(google: &Google, domain: &str) -> Value {
    let shown = json!({
        "kind": "admin#directory#domain",
        "etag": "",
        "domainName": domain,
        "isPrimary": domain == google.tenant.domain(),
        "verified": true,
        "creationTime": google.tenant.since.as_millisecond().to_string(),
    });
    sealed(shown)
}

fn reply(shown: Value) -> Reply {
    Reply::Shown("other", sealed(shown))
}

fn sealed(shown: Value) -> Value {
    match shown {
        Value::Object(map) => seal(map).into(),
        other => other,
    }
}
