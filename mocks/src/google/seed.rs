//! The `[google]` table of a seed file.
//!
//! ```toml
//! [google]
//! domain = "acme.example"              # together with `admin`, opens the account anew
//! admin = "admin@acme.example"
//! domains = ["acme.test"]              # more domains of the account
//! org_units = ["/Sales", "/Sales/EU"]
//! unmanaged = ["ghost@acme.example"]   # personal accounts that are in the way of an insert
//!
//! [[google.schemas]]                   # a body of schemas.insert: custom fields
//! schemaName = "Job"
//! fields = [{ fieldName = "level", fieldType = "INT64" }]
//!
//! [[google.users]]                     # a body of users.insert; `password` may be left out
//! primaryEmail = "kim@acme.example"
//! name = { givenName = "Kim", familyName = "Lee" }
//! aliases = ["k@acme.example"]
//! isAdmin = false
//!
//! [[google.groups]]                    # a body of groups.insert
//! email = "staff@acme.example"
//! members = ["kim@acme.example", { email = "x@else.example", role = "MANAGER" }]
//! ```

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::Error;
use super::limits::{self, Mode};
use super::schemas::Schema;
use super::shapes::{Delivery, Group, Role};
use super::store::Tenant;
use super::units::Unit;
use super::{Google, members};

const KEYS: [&str; 8] = [
    "domain",
    "admin",
    "domains",
    "org_units",
    "unmanaged",
    "schemas",
    "users",
    "groups",
];

/// Returns the account with everything of a table added.
///
/// # Errors
/// A sentence that names the entry and what is wrong with it.
pub(super) fn grow(google: &Google, table: &toml::Table, now: Timestamp) -> Result<Google, String> {
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!(
            "google.{key}: no such key; there are {}",
            KEYS.join(", ")
        ));
    }
    let mut google = account(google, table)?;
    let words = |key: &str| strings(table, key);
    let tenant = Arc::clone(&google.tenant);
    let lower = |text: String| -> Arc<str> { text.to_lowercase().into() };
    let mut domains = tenant.domains.clone();
    domains.extend(
        words("domains")?
            .into_iter()
            .map(lower)
            .filter(|domain| !tenant.holds(domain)),
    );
    let mut org_units = tenant.org_units.clone();
    for path in words("org_units")? {
        if !path.starts_with('/') || (path.len() > 1 && path.ends_with('/')) {
            return Err(format!(
                "google.org_units: `{path}` has to start with `/` and not to end with it"
            ));
        }
        if !org_units
            .iter()
            .any(|known| known.path.eq_ignore_ascii_case(&path))
        {
            org_units.push(Unit::new(path));
        }
    }
    let mut unmanaged = tenant.unmanaged.clone();
    unmanaged.extend(words("unmanaged")?.into_iter().map(lower));
    let mut schemas = tenant.schemas.clone();
    for (place, entry) in tables(table, "schemas")?.iter().enumerate() {
        let at = |why: String| format!("google.schemas[{place}]: {why}");
        let schema =
            Schema::read(entry, &mut || google.store.draw().1).map_err(|error| at(error.told()))?;
        if schemas.iter().any(|known| known.name == schema.name) {
            return Err(at(format!("`{}` is there already", schema.name)));
        }
        schemas.push(schema);
    }
    google.tenant = Arc::new(Tenant {
        domains,
        customer: Arc::clone(&tenant.customer),
        org_units,
        unmanaged,
        schemas,
        since: tenant.since,
    });
    for (place, entry) in tables(table, "users")?.into_iter().enumerate() {
        user(&mut google, &entry, now).map_err(|why| format!("google.users[{place}]: {why}"))?;
    }
    let groups = tables(table, "groups")?;
    for (place, entry) in groups.iter().enumerate() {
        group(&mut google, entry).map_err(|why| format!("google.groups[{place}]: {why}"))?;
    }
    for (place, entry) in groups.iter().enumerate() {
        join(&mut google, entry).map_err(|why| format!("google.groups[{place}].members: {why}"))?;
    }
    Ok(google)
}

/// Opens the account anew when a seed names another domain or administrator.
fn account(google: &Google, table: &toml::Table) -> Result<Google, String> {
    let text = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(toml::Value::String(text)) => Ok(Some(text.to_lowercase())),
        Some(_) => Err(format!("google.{key}: has to be a text")),
    };
    let (domain, admin) = (text("domain")?, text("admin")?);
    let same = domain
        .as_deref()
        .is_none_or(|domain| domain == google.domain())
        && admin
            .as_ref()
            .is_none_or(|admin| *admin == google.subject());
    if same {
        return Ok(google.clone());
    }
    if google.store.in_order().count() > 1 {
        return Err("google.domain: the account already holds users or groups".into());
    }
    let domain = domain.unwrap_or_else(|| google.domain().to_owned());
    let admin = admin.unwrap_or_else(|| format!("admin@{domain}"));
    if !limits::is_address(&admin) || !admin.ends_with(&format!("@{domain}")) {
        return Err(format!(
            "google.admin: `{admin}` is no address of `{domain}`"
        ));
    }
    let mut fresh = Google::open(&domain, &admin, google.store.numbers);
    fresh.licences = google.licences;
    Ok(fresh)
}

fn user(google: &mut Google, entry: &Map<String, Value>, now: Timestamp) -> Result<(), String> {
    let tenant = Arc::clone(&google.tenant);
    let mut user = google.blank(now);
    let mut body = entry.clone();
    body.entry("password")
        .or_insert_with(|| "a seeded passphrase".into());
    limits::lay(&mut user, &body, Mode::Insert, &tenant, now).map_err(Error::told)?;
    user.admin = limits::flag(entry, "isAdmin")
        .map_err(Error::told)?
        .unwrap_or(false);
    user.delegated_admin = limits::flag(entry, "isDelegatedAdmin")
        .map_err(Error::told)?
        .unwrap_or(false);
    user.aliases = aliases(entry, &tenant)?;
    for address in user.aliases.iter().chain([&user.primary]) {
        if google.store.owner(address).is_some() {
            return Err(format!("`{address}` is taken"));
        }
    }
    google.put_user(user);
    Ok(())
}

fn group(google: &mut Google, entry: &Map<String, Value>) -> Result<(), String> {
    let tenant = Arc::clone(&google.tenant);
    let text = |field: &str| entry.get(field).and_then(Value::as_str);
    let email = text("email").ok_or("`email` is missing")?;
    let email = limits::address(email, &tenant, "email").map_err(Error::told)?;
    let (born, key) = google.store.draw();
    let group = Group {
        key,
        born,
        name: text("name")
            .unwrap_or_else(|| email.split('@').next().unwrap_or_default())
            .into(),
        description: text("description").unwrap_or_default().into(),
        aliases: aliases(entry, &tenant)?,
        external_ids: entry.get("externalIds").cloned(),
        members: imbl::OrdMap::new(),
        email,
    };
    for address in group.aliases.iter().chain([&group.email]) {
        if google.store.owner(address).is_some() {
            return Err(format!("`{address}` is taken"));
        }
    }
    google.store.put_group(group);
    Ok(())
}

fn join(google: &mut Google, entry: &Map<String, Value>) -> Result<(), String> {
    let email = entry
        .get("email")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let group = google
        .store
        .find_group(email)
        .map(|group| group.key)
        .ok_or("its group is not there")?;
    let all = match entry.get("members") {
        None => return Ok(()),
        Some(Value::Array(all)) => all,
        Some(_) => return Err("has to be a list".into()),
    };
    for one in all {
        let wanted = one
            .as_str()
            .or_else(|| one["email"].as_str())
            .ok_or("an entry has no `email`")?;
        let (key, mut member) = members::resolve(google, wanted)
            .map_err(|error| format!("`{wanted}`: {}", error.told()))?;
        let word = |field: &str| one.get(field).and_then(Value::as_str);
        if let Some(role) = word("role") {
            member.role =
                Role::parse(role).ok_or_else(|| format!("`{wanted}`: no role `{role}`"))?;
        }
        if let Some(delivery) = word("delivery_settings") {
            let known = Delivery::parse(delivery);
            member.delivery =
                known.ok_or_else(|| format!("`{wanted}`: no delivery setting `{delivery}`"))?;
        }
        if key == group || google.store.reaches(key, group) {
            return Err(format!("`{wanted}`: that is a circle"));
        }
        google.store.join(group, key, member);
    }
    Ok(())
}

fn aliases(entry: &Map<String, Value>, tenant: &Tenant) -> Result<Vec<Arc<str>>, String> {
    let Some(all) = entry.get("aliases") else {
        return Ok(Vec::new());
    };
    let all = all.as_array().ok_or("`aliases` has to be a list")?;
    all.iter()
        .map(|alias| {
            let alias = alias.as_str().ok_or("`aliases` has to hold texts")?;
            limits::address(alias, tenant, "aliases")
                .map_err(|error| format!("`{alias}`: {}", error.told()))
        })
        .collect()
}

fn strings(table: &toml::Table, key: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("google.{key}: has to be a list of texts");
    match table.get(key) {
        None => Ok(Vec::new()),
        Some(toml::Value::Array(all)) => all
            .iter()
            .map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

fn tables(table: &toml::Table, key: &str) -> Result<Vec<Map<String, Value>>, String> {
    let wrong = || format!("google.{key}: has to be a list of tables");
    let Some(value) = table.get(key) else {
        return Ok(Vec::new());
    };
    match serde_json::to_value(value) {
        Ok(Value::Array(all)) => all
            .into_iter()
            .map(|one| match one {
                Value::Object(map) => Ok(map),
                _ => Err(wrong()),
            })
            .collect(),
        _ => Err(wrong()),
    }
}
