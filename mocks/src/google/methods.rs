//! The methods of the API: those that the mock keeps, those that it does not, and which one a request means.

use http::Method;

use super::error::Error;
use super::route::{Call, Reply};
use super::scope::Scopes;
use super::{Google, aliases, customer, groups, members, schemas, units, users};
use crate::vendor::{Change, Kind, Operation, Request};

type Handler = fn(&mut Google, &Call<'_>, &mut Vec<Change>) -> Result<Reply, Error>;

/// One method of the API that the mock keeps.
pub(super) struct Endpoint {
    pub(super) name: &'static str,
    method: Method,
    /// The path below `/admin/directory/v1`; `{}` is a key, `{*}` the rest.
    path: &'static str,
    kind: Kind,
    pub(super) scopes: Scopes,
    pub(super) params: &'static [&'static str],
    pub(super) handler: Handler,
}

const USER_LIST: &[&str] = &[
    "customFieldMask",
    "customer",
    "domain",
    "event",
    "maxResults",
    "orderBy",
    "pageToken",
    "projection",
    "query",
    "showDeleted",
    "sortOrder",
    "viewType",
];
const GROUP_LIST: &[&str] = &[
    "customer",
    "domain",
    "maxResults",
    "orderBy",
    "pageToken",
    "query",
    "sortOrder",
    "userKey",
];

macro_rules! endpoints {
    ($($name:literal $method:ident $path:literal $kind:ident $scopes:ident $params:expr => $handler:path;)*) => {
        [$(Endpoint {
            name: $name,
            method: Method::$method,
            path: $path,
            kind: Kind::$kind,
            scopes: Scopes::$scopes,
            params: $params,
            handler: $handler,
        }),*]
    };
}

static ENDPOINTS: [Endpoint; 44] = endpoints! {
    "users.insert" POST "users" Write USER &["resolveConflictAccount"] => users::insert;
    "users.list" GET "users" Read USER_READ USER_LIST => users::list;
    "users.get" GET "users/{}" Read USER_GET &["customFieldMask", "projection", "viewType"] => users::get;
    "users.update" PUT "users/{}" Write USER &[] => users::update;
    "users.patch" PATCH "users/{}" Write USER &[] => users::patch;
    "users.delete" DELETE "users/{}" Write USER &[] => users::delete;
    "users.undelete" POST "users/{}/undelete" Write USER &[] => users::undelete;
    "users.makeAdmin" POST "users/{}/makeAdmin" Write USER &[] => users::make_admin;
    "users.signOut" POST "users/{}/signOut" Write SECURITY &[] => users::sign_out;
    "users.aliases.insert" POST "users/{}/aliases" Write ALIAS &[] => aliases::insert_user;
    "users.aliases.list" GET "users/{}/aliases" Read ALIAS_READ &["event"] => aliases::list_user;
    "users.aliases.delete" DELETE "users/{}/aliases/{}" Write ALIAS &[] => aliases::delete_user;
    "groups.insert" POST "groups" Write GROUP &[] => groups::insert;
    "groups.list" GET "groups" Read GROUP_READ GROUP_LIST => groups::list;
    "groups.get" GET "groups/{}" Read GROUP_READ &[] => groups::get;
    "groups.update" PUT "groups/{}" Write GROUP &[] => groups::update;
    "groups.patch" PATCH "groups/{}" Write GROUP &[] => groups::update;
    "groups.delete" DELETE "groups/{}" Write GROUP &[] => groups::delete;
    "groups.aliases.insert" POST "groups/{}/aliases" Write GROUP &[] => aliases::insert_group;
    "groups.aliases.list" GET "groups/{}/aliases" Read GROUP_READ &[] => aliases::list_group;
    "groups.aliases.delete" DELETE "groups/{}/aliases/{}" Write GROUP &[] => aliases::delete_group;
    "members.insert" POST "groups/{}/members" Write MEMBER &[] => members::insert;
    "members.list" GET "groups/{}/members" Read MEMBER_READ &["includeDerivedMembership", "maxResults", "pageToken", "roles"] => members::list;
    "members.get" GET "groups/{}/members/{}" Read MEMBER_READ &[] => members::get;
    "members.update" PUT "groups/{}/members/{}" Write MEMBER &[] => members::update;
    "members.patch" PATCH "groups/{}/members/{}" Write MEMBER &[] => members::update;
    "members.delete" DELETE "groups/{}/members/{}" Write MEMBER &[] => members::delete;
    "members.hasMember" GET "groups/{}/hasMember/{}" Read MEMBER_READ &[] => members::has_member;
    "customers.get" GET "customers/{}" Read CUSTOMER_READ &[] => customer::get;
    "domains.list" GET "customer/{}/domains" Read DOMAIN_READ &[] => customer::domains;
    "domains.get" GET "customer/{}/domains/{}" Read DOMAIN_READ &[] => customer::domain;
    "orgunits.list" GET "customer/{}/orgunits" Read ORGUNIT_READ &["orgUnitPath", "type"] => units::list;
    "orgunits.get" GET "customer/{}/orgunits/{*}" Read ORGUNIT_READ &[] => units::get;
    "orgunits.insert" POST "customer/{}/orgunits" Write ORGUNIT &[] => units::insert;
    "orgunits.update" PUT "customer/{}/orgunits/{*}" Write ORGUNIT &[] => units::update;
    "orgunits.patch" PATCH "customer/{}/orgunits/{*}" Write ORGUNIT &[] => units::update;
    "orgunits.delete" DELETE "customer/{}/orgunits/{*}" Write ORGUNIT &[] => units::delete;
    "schemas.insert" POST "customer/{}/schemas" Write SCHEMA &[] => schemas::insert;
    "schemas.list" GET "customer/{}/schemas" Read SCHEMA_READ &[] => schemas::list;
    "schemas.get" GET "customer/{}/schemas/{}" Read SCHEMA_READ &[] => schemas::get;
    "schemas.update" PUT "customer/{}/schemas/{}" Write SCHEMA &[] => schemas::update;
    "schemas.patch" PATCH "customer/{}/schemas/{}" Write SCHEMA &[] => schemas::patch;
    "schemas.delete" DELETE "customer/{}/schemas/{}" Write SCHEMA &[] => schemas::delete;
    "users.watch" POST "users/watch" Read USER_READ USER_LIST => not_kept_watch;
};

/// The methods of the API that the mock does not keep; they answer `501 notImplemented`.
///
/// Source: discovery document, all of `resources` that is not in [`ENDPOINTS`].
const NOT_KEPT: &[(&str, &str, &str)] = &[
    ("asps.delete", "DELETE", "users/{}/asps/{}"),
    ("asps.get", "GET", "users/{}/asps/{}"),
    ("asps.list", "GET", "users/{}/asps"),
    ("chromeosdevices", "*", "customer/{}/devices/chromeos/{*}"),
    (
        "chromeosdevices.list",
        "GET",
        "customer/{}/devices/chromeos",
    ),
    (
        "customer.devices.chromeos.batchChangeStatus",
        "POST",
        "customer/{}/devices/chromeos:batchChangeStatus",
    ),
    (
        "customer.devices.chromeos.countChromeOsDevices",
        "GET",
        "customer/{}/devices/chromeos:countChromeOsDevices",
    ),
    ("customers.patch", "PATCH", "customers/{}"),
    ("customers.update", "PUT", "customers/{}"),
    ("customers.chrome", "*", "customers/{}/chrome/{*}"),
    ("domainAliases", "*", "customer/{}/domainaliases"),
    ("domainAliases", "*", "customer/{}/domainaliases/{}"),
    ("domains.delete", "DELETE", "customer/{}/domains/{}"),
    ("domains.insert", "POST", "customer/{}/domains"),
    ("mobiledevices", "*", "customer/{}/devices/mobile"),
    ("mobiledevices", "*", "customer/{}/devices/mobile/{*}"),
    ("resources", "*", "customer/{}/resources/{*}"),
    ("roleAssignments", "*", "customer/{}/roleassignments"),
    ("roleAssignments", "*", "customer/{}/roleassignments/{}"),
    ("roles", "*", "customer/{}/roles"),
    ("roles", "*", "customer/{}/roles/{*}"),
    ("tokens.delete", "DELETE", "users/{}/tokens/{}"),
    ("tokens.get", "GET", "users/{}/tokens/{}"),
    ("tokens.list", "GET", "users/{}/tokens"),
    (
        "twoStepVerification.turnOff",
        "POST",
        "users/{}/twoStepVerification/turnOff",
    ),
    ("users.createGuest", "POST", "users:createGuest"),
    ("users.aliases.watch", "POST", "users/{}/aliases/watch"),
    ("users.photos", "*", "users/{}/photos/thumbnail"),
    (
        "verificationCodes.generate",
        "POST",
        "users/{}/verificationCodes/generate",
    ),
    (
        "verificationCodes.invalidate",
        "POST",
        "users/{}/verificationCodes/invalidate",
    ),
    (
        "verificationCodes.list",
        "GET",
        "users/{}/verificationCodes",
    ),
];

fn not_kept_watch(_: &mut Google, _: &Call<'_>, _: &mut Vec<Change>) -> Result<Reply, Error> {
    Err(Error::not_kept("users.watch"))
}

/// Where a request goes.
pub(super) enum Target {
    Token,
    Batch,
    Kept(&'static Endpoint, Vec<String>),
    NotKept(&'static str),
    Nowhere,
}

pub(super) fn target(request: &Request) -> Target {
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match parts[..] {
        ["token"] | ["oauth2", "v4", "token"] => return Target::Token,
        ["batch", ..] => return Target::Batch,
        _ => {}
    }
    let Some(["admin", "directory", "v1"]) = parts.get(..3) else {
        return match (&request.method, &parts[..]) {
            (&Method::POST, ["admin", "directory_v1", "channels", "stop"]) => {
                Target::NotKept("channels.stop")
            }
            _ => Target::Nowhere,
        };
    };
    let rest = &segments[3..];
    for endpoint in &ENDPOINTS {
        if endpoint.method == request.method
            && let Some(keys) = keys(endpoint.path, rest)
        {
            return Target::Kept(endpoint, keys);
        }
    }
    NOT_KEPT
        .iter()
        .find(|(_, method, path)| {
            (*method == "*" || *method == request.method.as_str()) && keys(path, rest).is_some()
        })
        .map_or(Target::Nowhere, |(name, _, _)| Target::NotKept(name))
}

/// Matches a path and returns its keys.
fn keys(pattern: &str, segments: &[String]) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = segments.iter();
    for part in pattern.split('/') {
        if part == "{*}" {
            let tail: Vec<&str> = rest.as_slice().iter().map(String::as_str).collect();
            found.push(tail.join("/"));
            return if tail.is_empty() { None } else { Some(found) };
        }
        let segment = rest.next()?;
        if part == "{}" {
            found.push(segment.clone());
        } else if part != segment {
            return None;
        }
    }
    rest.next().is_none().then_some(found)
}

/// Lists the names that [`classify`] gives: the methods that are kept, then those that are not.
pub(super) fn names() -> Vec<&'static str> {
    let kept = ENDPOINTS.iter().map(|endpoint| endpoint.name);
    let mut names: Vec<_> = ["token", "batch"].into_iter().chain(kept).collect();
    names.extend(NOT_KEPT.iter().map(|(name, ..)| *name));
    names.push("unknown");
    names.dedup();
    names
}

/// Tells what a request is about, once its method is the one that is meant.
pub(super) fn classify(request: &Request) -> Operation {
    match target(request) {
        Target::Token => Operation {
            name: "token",
            subject: None,
            kind: Kind::Token,
        },
        Target::Batch => Operation {
            name: "batch",
            subject: None,
            kind: Kind::Write,
        },
        Target::Kept(endpoint, keys) => {
            // What lies below the customer is about the second key.
            let skipped = usize::from(endpoint.path.starts_with("customer/"));
            let subject = keys.into_iter().nth(skipped).or_else(|| named(request));
            Operation {
                name: endpoint.name,
                subject,
                kind: endpoint.kind,
            }
        }
        Target::NotKept(name) => {
            let kind = if request.method == Method::GET {
                Kind::Read
            } else {
                Kind::Write
            };
            Operation {
                name,
                subject: None,
                kind,
            }
        }
        Target::Nowhere => Operation {
            name: "unknown",
            subject: None,
            kind: Kind::Meta,
        },
    }
}

/// Returns the address that an insert is for.
fn named(request: &Request) -> Option<String> {
    if request.method != Method::POST {
        return request.query_value("userKey");
    }
    request.body_text(&["primaryEmail", "email", "schemaName", "name"])
}

/// Returns the kind of resource that a method answers with.
pub(super) fn kind_of(name: &str) -> &'static str {
    match name {
        "users.insert" | "users.get" | "users.update" | "users.patch" => "user",
        "users.list" => "users",
        "groups.insert" | "groups.get" | "groups.update" | "groups.patch" => "group",
        "groups.list" => "groups",
        "members.insert" | "members.get" | "members.update" | "members.patch" => "member",
        "members.list" => "members",
        "members.hasMember" => "hasMember",
        "users.aliases.insert" | "groups.aliases.insert" => "alias",
        "users.aliases.list" | "groups.aliases.list" => "aliases",
        "schemas.insert" | "schemas.get" | "schemas.update" | "schemas.patch" => "schema",
        "schemas.list" => "schemas",
        "orgunits.insert" | "orgunits.get" | "orgunits.update" | "orgunits.patch" => "orgUnit",
        "orgunits.list" => "orgUnits",
        _ => "other",
    }
}
