//! What may be written into a user or a group, and how much of it.
//!
//! Sizes and lengths: discovery document `admin:directory_v1`, revision 20261104, schema `User`; passwords: the
//! users reference; characters of addresses: support.google.com/a/answer/9193374.

use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::error::Error;
use super::password;
use super::schemas;
use super::shapes::User;
use super::store::Tenant;

/// The most aliases that one user or group can have (support.google.com/a/answer/33327).
pub(super) const ALIASES: usize = 30;

const NAME_CHARS: usize = 60;
const DISPLAY_CHARS: usize = 256;
const NAME_BYTES: usize = 1024;
const DESCRIPTION_CHARS: usize = 4096;
const LOCAL_PART: usize = 64;

/// How a body is laid over what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// `users.insert`: the required fields have to be there.
    Insert,
    /// `users.update`: absent stays, `null` clears, arrays are replaced.
    Update,
    /// `users.patch`: the same, but repeated fields cannot be cleared.
    Patch,
}

/// The shape of an array or object field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    List,
    Object,
}

/// The fields that are kept as they come, with their shape and largest size in bytes of JSON.
const KEPT: [(&str, Shape, Option<usize>); 15] = [
    ("emails", Shape::List, Some(10 * 1024)),
    ("externalIds", Shape::List, Some(2 * 1024)),
    ("relations", Shape::List, Some(2 * 1024)),
    ("addresses", Shape::List, Some(10 * 1024)),
    ("organizations", Shape::List, Some(10 * 1024)),
    ("phones", Shape::List, Some(1024)),
    ("languages", Shape::List, Some(1024)),
    ("posixAccounts", Shape::List, None),
    ("sshPublicKeys", Shape::List, None),
    ("ims", Shape::List, Some(2 * 1024)),
    ("websites", Shape::List, Some(2 * 1024)),
    ("locations", Shape::List, Some(10 * 1024)),
    ("keywords", Shape::List, Some(1024)),
    ("gender", Shape::Object, Some(1024)),
    ("notes", Shape::Object, None),
];

/// Lays a body over a user. Returns whether a password was set.
///
/// Unknown and read-only fields are ignored, as the API does
/// (googleapis/google-api-python-client#1440: `familyname` counts as nothing).
///
/// # Errors
/// The first field that is not good; the user may be half changed then and must be thrown away.
pub(super) fn lay(
    user: &mut User,
    body: &Map<String, Value>,
    mode: Mode,
    tenant: &Tenant,
    now: jiff::Timestamp,
) -> Result<bool, Error> {
    name(user, body.get("name"), mode)?;
    if let Some(primary) = present(body, "primaryEmail") {
        let primary = primary
            .as_str()
            .ok_or_else(|| Error::invalid("primary_user_email"))?;
        user.primary = address(primary, tenant, "primary_user_email")?;
    } else if mode == Mode::Insert {
        return Err(Error::required("primaryEmail"));
    }
    let password = password::check(body)?;
    if mode == Mode::Insert && !password {
        return Err(Error::new(400, "invalid", "Invalid Password"));
    }
    if let Some(flag) = flag(body, "suspended")? {
        user.suspended = if flag {
            user.suspended.or(Some(now))
        } else {
            None
        };
    }
    if let Some(flag) = flag(body, "archived")? {
        user.archived = if flag {
            user.archived.or(Some(now))
        } else {
            None
        };
    }
    user.change_password = flag(body, "changePasswordAtNextLogin")?.unwrap_or(user.change_password);
    user.ip_allowed = flag(body, "ipWhitelisted")?.unwrap_or(user.ip_allowed);
    user.listed = flag(body, "includeInGlobalAddressList")?.unwrap_or(user.listed);
    if let Some(path) = present(body, "orgUnitPath") {
        let path = path
            .as_str()
            .ok_or_else(|| Error::invalid("INVALID_OU_ID"))?;
        user.org_unit = org_unit(path, tenant)?;
    }
    recovery(user, body)?;
    for (field, shape, limit) in KEPT {
        if let Some(value) = body.get(field) {
            keep(user, field, shape, limit, value, mode)?;
        }
    }
    if let Some(value) = body.get("customSchemas") {
        schemas::merge(user, value, &tenant.schemas)?;
    }
    Ok(password)
}

/// Checks an address of the account and brings it to lower case.
///
/// # Errors
/// `invalid` for a malformed address, `forbidden` for a foreign domain.
pub(super) fn address(text: &str, tenant: &Tenant, field: &str) -> Result<Arc<str>, Error> {
    let (local, _) = text.rsplit_once('@').ok_or_else(|| Error::invalid(field))?;
    let good = |letter: char| letter.is_ascii_alphanumeric() || "-_.'".contains(letter);
    if local.is_empty()
        || local.len() > LOCAL_PART
        || !local.chars().all(good)
        || local.contains("..")
        || local.starts_with('.')
        || local.ends_with('.')
    {
        return Err(Error::invalid(field));
    }
    if !tenant.owns(text) {
        return Err(Error::forbidden());
    }
    Ok(text.to_lowercase().into())
}

/// Tells whether a text has the form of an address at all.
pub(super) fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains('@')
            && !text.chars().any(|letter| {
                letter.is_whitespace() || letter.is_control() || "<>,;\"".contains(letter)
            })
    })
}

/// Finds an organizational unit of the account.
///
/// # Errors
/// `invalid` when there is none (GAM-team/GAM#204).
pub(super) fn org_unit(path: &str, tenant: &Tenant) -> Result<Arc<str>, Error> {
    let found = tenant
        .org_units
        .iter()
        .find(|known| known.path.eq_ignore_ascii_case(path));
    found
        .map(|unit| Arc::clone(&unit.path))
        .ok_or_else(|| Error::invalid("INVALID_OU_ID"))
}

/// Checks a group's description.
///
/// # Errors
/// `invalid` when it is no text or longer than 4,096 characters.
pub(super) fn description(value: &Value) -> Result<&str, Error> {
    let text = value
        .as_str()
        .filter(|text| text.chars().count() <= DESCRIPTION_CHARS);
    text.ok_or_else(|| Error::invalid("description"))
}

/// Returns a field that is there and not `null`.
pub(super) fn present<'a>(body: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    body.get(field).filter(|value| !value.is_null())
}

/// Returns a boolean field.
///
/// # Errors
/// `invalid` for anything else.
pub(super) fn flag(body: &Map<String, Value>, field: &str) -> Result<Option<bool>, Error> {
    match present(body, field) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(Error::new(
            400,
            "invalid",
            format!("Invalid value at '{field}' (TYPE_BOOL), {other}"),
        )),
    }
}

fn name(user: &mut User, value: Option<&Value>, mode: Mode) -> Result<(), Error> {
    let wrong =
        |part: &str| Error::new(400, "invalid", format!("Invalid Given/Family Name: {part}"));
    let empty = Map::new();
    let name = match value {
        Some(Value::Object(name)) => name,
        Some(Value::Null) | None if mode == Mode::Insert => &empty,
        Some(Value::Null) | None => return Ok(()),
        Some(_) => return Err(wrong("FamilyName")),
    };
    let known = ["givenName", "familyName", "displayName", "fullName"];
    if mode != Mode::Insert && !name.keys().any(|key| known.contains(&key.as_str())) {
        return Err(Error::new(
            400,
            "required",
            "Required parameter: [resource.name.field]",
        ));
    }
    if size(name) > NAME_BYTES {
        return Err(Error::invalid("name"));
    }
    for (field, word) in [("familyName", "FamilyName"), ("givenName", "GivenName")] {
        let Some(value) = present(name, field) else {
            if mode == Mode::Insert {
                return Err(wrong(word));
            }
            continue;
        };
        let text = value
            .as_str()
            .filter(|text| is_name(text))
            .ok_or_else(|| wrong(word))?;
        if field == "familyName" {
            user.family = text.into();
        } else {
            user.given = text.into();
        }
    }
    match name.get("displayName") {
        None => {}
        Some(Value::Null) => user.display = None,
        Some(value) => {
            let text = value
                .as_str()
                .filter(|text| text.chars().count() <= DISPLAY_CHARS);
            let text = text.ok_or_else(|| Error::invalid("name.displayName"))?;
            user.display = if text.is_empty() {
                None
            } else {
                Some(text.into())
            };
        }
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    let length = text.chars().count();
    (1..=NAME_CHARS).contains(&length)
        && !text.trim().is_empty()
        && !text
            .chars()
            .any(|letter| letter.is_control() || "<>=".contains(letter))
}

fn recovery(user: &mut User, body: &Map<String, Value>) -> Result<(), Error> {
    match body.get("recoveryEmail") {
        None => {}
        Some(Value::Null) => user.recovery_email = None,
        Some(Value::String(text)) if text.is_empty() => user.recovery_email = None,
        Some(Value::String(text)) if is_address(text) => {
            user.recovery_email = Some(text.as_str().into());
        }
        Some(_) => return Err(Error::invalid("recovery_email")),
    }
    match body.get("recoveryPhone") {
        None => {}
        Some(Value::Null) => user.recovery_phone = None,
        Some(Value::String(text)) if text.is_empty() => user.recovery_phone = None,
        Some(Value::String(text)) if is_e164(text) => {
            user.recovery_phone = Some(text.as_str().into());
        }
        Some(_) => return Err(Error::invalid("recovery_phone")),
    }
    Ok(())
}

fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn keep(
    user: &mut User,
    field: &'static str,
    shape: Shape,
    limit: Option<usize>,
    value: &Value,
    mode: Mode,
) -> Result<(), Error> {
    let empty = match (shape, value) {
        (_, Value::Null) => true,
        (Shape::List, Value::Array(all)) => {
            check_list(field, all)?;
            all.is_empty()
        }
        (Shape::Object, Value::Object(one)) => one.is_empty(),
        _ => return Err(Error::invalid(field)),
    };
    if empty {
        // "This method is unable to clear fields that contain repeated objects" (users.patch).
        if mode != Mode::Patch || shape == Shape::Object {
            user.set_extra(field, None);
        }
        return Ok(());
    }
    if limit.is_some_and(|limit| measured(field, value) > limit) {
        return Err(Error::invalid(field));
    }
    user.set_extra(field, Some(value.clone()));
    Ok(())
}

fn check_list(field: &str, all: &[Value]) -> Result<(), Error> {
    let objects = all.iter().all(Value::is_object);
    let primaries = all
        .iter()
        .filter(|one| one["primary"] == Value::Bool(true))
        .count();
    // "Only one entry could be marked as primary"; of POSIX accounts one per system.
    let addressed = field != "emails"
        || all
            .iter()
            .all(|one| one["address"].as_str().is_some_and(is_address));
    if objects && addressed && (primaries <= 1 || field == "posixAccounts") {
        Ok(())
    } else {
        Err(Error::invalid(field))
    }
}

/// Measures a field; the limit of `emails` leaves certificates out.
fn measured(field: &str, value: &Value) -> usize {
    if field != "emails" {
        return size(value);
    }
    let mut value = value.clone();
    for one in value
        .as_array_mut()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        one.shift_remove("public_key_encryption_certificates");
    }
    size(&value)
}

/// Counts the bytes of a value's JSON without writing it.
fn size(value: &impl Serialize) -> usize {
    let mut bytes = Counted(0);
    serde_json::to_writer(&mut bytes, value).expect("JSON with text keys, and a counter takes all");
    bytes.0
}

struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
