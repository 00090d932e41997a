//! What the mock keeps of a user, a group and a member, and how the API shows them.
//!
//! Key order follows recorded answers of the API. Everything that a client may not write is computed here.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::etag::{self, Digest};
use super::ids::{group_id, user_id};
use super::store::{Tenant, shadow};

/// The time of a first login that never was, as the API shows it.
const NEVER: &str = "1970-01-01T00:00:00.000Z";

/// One account. Big or rare parts are boxed: ten thousand of these are resident at once.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) key: u64,
    pub(super) born: u64,
    pub(super) primary: Arc<str>,
    pub(super) given: Box<str>,
    pub(super) family: Box<str>,
    pub(super) display: Option<Box<str>>,
    pub(super) aliases: Vec<Arc<str>>,
    pub(super) created: Timestamp,
    pub(super) suspended: Option<Timestamp>,
    pub(super) archived: Option<Timestamp>,
    pub(super) deleted: Option<Timestamp>,
    pub(super) admin: bool,
    pub(super) delegated_admin: bool,
    pub(super) change_password: bool,
    pub(super) ip_allowed: bool,
    pub(super) listed: bool,
    pub(super) org_unit: Arc<str>,
    pub(super) recovery_email: Option<Box<str>>,
    pub(super) recovery_phone: Option<Box<str>>,
    /// The array and object fields, and `customSchemas`, as they came: JSON text, a fifth of the size of its tree.
    pub(super) more: Option<Box<str>>,
    pub(super) version: Digest,
}

/// How much of a user is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Projection {
    /// Everything but custom fields.
    Basic,
    /// Everything and the custom fields of these schemas.
    Custom(Vec<String>),
    /// Everything.
    Full,
    /// What a colleague without privileges sees.
    Public,
}

impl User {
    pub(super) fn id(&self) -> String {
        user_id(self.key)
    }

    pub(super) fn etag(&self) -> String {
        etag::show(&self.version)
    }

    pub(super) fn full_name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }

    /// Returns the array and object fields, read from their text.
    fn more(&self) -> Map<String, Value> {
        let text = self.more.as_deref().unwrap_or("{}");
        serde_json::from_str(text).unwrap_or_default() // written below, from what was read before
    }

    /// Returns one of the array or object fields.
    pub(super) fn extra(&self, field: &str) -> Option<Value> {
        self.more.as_ref()?;
        self.more().shift_remove(field)
    }

    /// Returns the entries of one of the array fields.
    pub(super) fn entries(&self, field: &str) -> Vec<Value> {
        match self.extra(field) {
            Some(Value::Array(all)) => all,
            _ => Vec::new(),
        }
    }

    /// Sets or, with `None`, clears one of the array or object fields.
    pub(super) fn set_extra(&mut self, field: &str, value: Option<Value>) {
        let mut more = self.more();
        match value {
            Some(value) => {
                more.insert(field.into(), value);
            }
            None => {
                more.shift_remove(field);
            }
        }
        self.more = if more.is_empty() {
            None
        } else {
            Some(Value::Object(more).to_string().into())
        };
    }

    /// Takes over what was changed: the version follows from the content.
    pub(super) fn seal(&mut self, tenant: &Tenant) {
        self.version = Digest::default();
        let content = Value::Object(self.show(tenant, &Projection::Full)).to_string();
        self.version = etag::digest(content.as_bytes());
    }

    /// Shows the user as the API does.
    pub(super) fn show(&self, tenant: &Tenant, projection: &Projection) -> Map<String, Value> {
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| {
            out.insert(key.into(), value);
        };
        put("kind", "admin#directory#user".into());
        put("id", self.id().into());
        put("etag", self.etag().into());
        put("primaryEmail", (*self.primary).into());
        put("name", self.name());
        if *projection == Projection::Public {
            put("emails", self.emails());
            for field in [
                "externalIds",
                "relations",
                "addresses",
                "organizations",
                "phones",
                "locations",
            ] {
                if let Some(value) = self.extra(field) {
                    put(field, value);
                }
            }
            return out;
        }
        put("isAdmin", self.admin.into());
        put("isDelegatedAdmin", self.delegated_admin.into());
        put("lastLoginTime", NEVER.into());
        put("creationTime", time(self.created).into());
        if let Some(at) = self.deleted {
            put("deletionTime", time(at).into());
        }
        put("agreedToTerms", false.into());
        put("suspended", self.suspended.is_some().into());
        if let Some(at) = self.suspended {
            put("suspensionReason", "ADMIN".into());
            put("suspensionTime", time(at).into());
        }
        put("archived", self.archived.is_some().into());
        if let Some(at) = self.archived {
            put("archivalTime", time(at).into());
        }
        put("changePasswordAtNextLogin", self.change_password.into());
        put("ipWhitelisted", self.ip_allowed.into());
        put("emails", self.emails());
        for (field, value) in self.more() {
            if field != "emails" && field != "customSchemas" {
                put(&field, value);
            }
        }
        if !self.aliases.is_empty() {
            put("aliases", strings(&self.aliases));
        }
        put("nonEditableAliases", json!([shadow(&self.primary)]));
        put("customerId", tenant.customer.as_ref().into());
        put("orgUnitPath", self.org_unit.as_ref().into());
        put("isMailboxSetup", self.deleted.is_none().into());
        put("isEnrolledIn2Sv", false.into());
        put("isEnforcedIn2Sv", false.into());
        put("includeInGlobalAddressList", self.listed.into());
        if let Some(email) = &self.recovery_email {
            put("recoveryEmail", email.as_ref().into());
        }
        if let Some(phone) = &self.recovery_phone {
            put("recoveryPhone", phone.as_ref().into());
        }
        if let Some(custom) = self.custom(projection) {
            put("customSchemas", custom);
        }
        out
    }

    /// Lists what a client wrote, in the vendor's words, for the change feed: nothing computed, no password.
    pub(super) fn facts(&self) -> Map<String, Value> {
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| {
            out.insert(key.into(), value);
        };
        put("primaryEmail", (*self.primary).into());
        put("name.givenName", self.given.as_ref().into());
        put("name.familyName", self.family.as_ref().into());
        if let Some(display) = &self.display {
            put("name.displayName", display.as_ref().into());
        }
        if !self.aliases.is_empty() {
            put("aliases", strings(&self.aliases));
        }
        put("isAdmin", self.admin.into());
        put("suspended", self.suspended.is_some().into());
        put("archived", self.archived.is_some().into());
        put("changePasswordAtNextLogin", self.change_password.into());
        put("ipWhitelisted", self.ip_allowed.into());
        put("includeInGlobalAddressList", self.listed.into());
        put("orgUnitPath", self.org_unit.as_ref().into());
        if let Some(email) = &self.recovery_email {
            put("recoveryEmail", email.as_ref().into());
        }
        if let Some(phone) = &self.recovery_phone {
            put("recoveryPhone", phone.as_ref().into());
        }
        for (field, value) in self.more() {
            put(&field, value);
        }
        out
    }

    fn name(&self) -> Value {
        let mut name = Map::new();
        name.insert("givenName".into(), self.given.as_ref().into());
        name.insert("familyName".into(), self.family.as_ref().into());
        name.insert("fullName".into(), self.full_name().into());
        if let Some(display) = &self.display {
            name.insert("displayName".into(), display.as_ref().into());
        }
        name.into()
    }

    /// The addresses that were written, then the primary one, the aliases and the shadow of the test domain.
    fn emails(&self) -> Value {
        let written = self.entries("emails");
        let told = |address: &str| {
            written.iter().any(|one| {
                one["address"]
                    .as_str()
                    .is_some_and(|known| known.eq_ignore_ascii_case(address))
            })
        };
        let mut rest = Vec::new();
        if !told(&self.primary) {
            rest.push(json!({ "address": *self.primary, "primary": true }));
        }
        for alias in self.aliases.iter().filter(|alias| !told(alias)) {
            rest.push(json!({ "address": **alias }));
        }
        rest.push(json!({ "address": shadow(&self.primary) }));
        let mut all = written;
        all.append(&mut rest);
        all.into()
    }

    fn custom(&self, projection: &Projection) -> Option<Value> {
        if matches!(projection, Projection::Basic | Projection::Public) {
            return None;
        }
        let Some(Value::Object(mut kept)) = self.extra("customSchemas") else {
            return None;
        };
        if let Projection::Custom(names) = projection {
            kept.retain(|name, _| names.contains(name));
        }
        if kept.is_empty() {
            None
        } else {
            Some(kept.into())
        }
    }
}

/// One group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) key: u64,
    pub(super) born: u64,
    pub(super) email: Arc<str>,
    pub(super) name: Box<str>,
    pub(super) description: Box<str>,
    pub(super) aliases: Vec<Arc<str>>,
    pub(super) external_ids: Option<Value>,
    pub(super) members: imbl::OrdMap<u64, Member>,
}

impl Group {
    pub(super) fn id(&self) -> String {
        group_id(self.key)
    }

    pub(super) fn etag(&self) -> String {
        etag_of(&self.show())
    }

    /// Counts the direct members that are no groups.
    pub(super) fn direct_members(&self) -> usize {
        self.members
            .values()
            .filter(|member| member.kind != MemberKind::Group)
            .count()
    }

    /// Shows the group as the API does.
    pub(super) fn show(&self) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("kind".into(), "admin#directory#group".into());
        out.insert("id".into(), self.id().into());
        out.insert("etag".into(), "".into());
        out.insert("email".into(), (*self.email).into());
        out.insert("name".into(), self.name.as_ref().into());
        out.insert(
            "directMembersCount".into(),
            self.direct_members().to_string().into(),
        );
        out.insert("description".into(), self.description.as_ref().into());
        out.insert("adminCreated".into(), true.into());
        if !self.aliases.is_empty() {
            out.insert("aliases".into(), strings(&self.aliases));
        }
        out.insert("nonEditableAliases".into(), json!([shadow(&self.email)]));
        if let Some(ids) = &self.external_ids {
            out.insert("externalIds".into(), ids.clone());
        }
        seal(out)
    }

    /// Lists what a client wrote, for the change feed.
    pub(super) fn facts(&self) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("email".into(), (*self.email).into());
        out.insert("name".into(), self.name.as_ref().into());
        out.insert("description".into(), self.description.as_ref().into());
        if !self.aliases.is_empty() {
            out.insert("aliases".into(), strings(&self.aliases));
        }
        if let Some(ids) = &self.external_ids {
            out.insert("externalIds".into(), ids.clone());
        }
        out
    }
}

/// What stands behind a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MemberKind {
    /// A user of the account, or an address outside of it.
    User,
    /// A group of the account.
    Group,
    /// Everybody in the account.
    Customer,
}

/// One membership, kept under the member's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) kind: MemberKind,
    pub(super) role: Role,
    pub(super) delivery: Delivery,
    /// The address of a member outside of the account; those inside are looked up, so a rename shows.
    pub(super) outside: Option<Arc<str>>,
}

/// A member's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `OWNER`.
    Owner,
    /// `MANAGER`.
    Manager,
    /// `MEMBER`.
    Member,
}

impl Role {
    pub(super) const ALL: [Self; 3] = [Self::Owner, Self::Manager, Self::Member];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Owner => "OWNER",
            Self::Manager => "MANAGER",
            Self::Member => "MEMBER",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// How a member wants its mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// `ALL_MAIL`.
    AllMail,
    /// `DAILY`.
    Daily,
    /// `DIGEST`.
    Digest,
    /// `DISABLED`.
    Disabled,
    /// `NONE`.
    None,
}

impl Delivery {
    const ALL: [Self; 5] = [
        Self::AllMail,
        Self::Daily,
        Self::Digest,
        Self::Disabled,
        Self::None,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::AllMail => "ALL_MAIL",
            Self::Daily => "DAILY",
            Self::Digest => "DIGEST",
            Self::Disabled => "DISABLED",
            Self::None => "NONE",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// Writes an instant as the Directory API does: whole seconds, then three zeros and `Z`.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// Fills in the `etag` of a shown resource from its other fields.
pub(super) fn seal(mut shown: Map<String, Value>) -> Map<String, Value> {
    let etag = etag_of(&shown);
    shown.insert("etag".into(), etag.into());
    shown
}

/// Returns the version that belongs to a shown resource, whatever its `etag` says now.
fn etag_of(shown: &Map<String, Value>) -> String {
    if let Some(Value::String(known)) = shown.get("etag")
        && !known.is_empty()
    {
        return known.clone();
    }
    let mut bytes = Vec::new();
    for (key, value) in shown.iter().filter(|(key, _)| *key != "etag") {
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(value.to_string().as_bytes());
    }
    etag::show(&etag::digest(&bytes))
}

fn strings(all: &[Arc<str>]) -> Value {
    all.iter().map(|one| Value::from(one.as_ref())).collect()
}
