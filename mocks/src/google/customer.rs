//! What can be read of the account itself: customer and domains. All of it read-only.

use serde_json::{Value, json};

use super::Google;
use super::error::Error;
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

/// Checks the customer in the path.
pub(super) fn check(google: &Google, call: &Call<'_>) -> Result<(), Error> {
    if google.tenant.is_customer(call.key(0)) {
        Ok(())
    } else {
        Err(Error::domain_not_found())
    }
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

/// Fills in the `etag` of what is shown.
pub(super) fn sealed(shown: Value) -> Value {
    match shown {
        Value::Object(map) => seal(map).into(),
        other => other,
    }
}
