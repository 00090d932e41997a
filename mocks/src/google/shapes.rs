//! What the mock keeps of a user, a group and a member, and how the API shows them.
//!
//! Key order follows recorded answers of the API. Everything that a client may not write is computed here.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::{Map, Value, json};

use super::etag::{self, Digest};
use super::ids::{group_id, user_id};
use super::store::{Tenant, shadow};

/// The time of a first login that never was, as the API shows it.
const NEVER: &str = "1970-01-01T00:00:00.000Z";

/// One account. Big or rare parts are boxed: ten thousand of these are resident at once.
#[derive(Debug, Clone, Hash)]
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
    pub(super) fn more(&self) -> Map<String, Value> {
        let Some(text) = &self.more else {
            return Map::new();
        };
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
    pub(super) fn seal(&mut self) {
        self.version = Digest::default();
        self.version = etag::digest_of(self);
    }

    /// Returns the user as the API shows it, ready to be written.
    pub(super) fn view<'a>(&'a self, tenant: &'a Tenant, projection: &'a Projection) -> View<'a> {
        View {
            user: self,
            tenant,
            projection,
        }
    }

    /// Shows the user as the API does.
    pub(super) fn show(&self, tenant: &Tenant, projection: &Projection) -> Map<String, Value> {
        match serde_json::to_value(self.view(tenant, projection)) {
            Ok(Value::Object(shown)) => shown,
            _ => unreachable!("a view is an object with text keys"),
        }
    }

    /// Lists what a client wrote, in the vendor's words, for the change feed: nothing computed, no password.
    pub(super) fn facts(&self) -> Map<String, Value> {
        let mut out = Map::with_capacity(24);
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
}

/// A user as the API shows it. Written piece by piece: every read and every write of a user ends with it.
#[derive(Debug)]
pub(super) struct View<'a> {
    user: &'a User,
    tenant: &'a Tenant,
    projection: &'a Projection,
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (user, mut more) = (self.user, self.user.more());
        let written = match more.shift_remove("emails") {
            Some(Value::Array(written)) => written,
            _ => Vec::new(),
        };
        let emails = Emails { user, written };
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("kind", "admin#directory#user")?;
        out.serialize_entry("id", &user.id())?;
        out.serialize_entry("etag", &user.etag())?;
        out.serialize_entry("primaryEmail", &*user.primary)?;
        out.serialize_entry("name", &Name(user))?;
        if *self.projection == Projection::Public {
            out.serialize_entry("emails", &emails)?;
            for field in [
                "externalIds",
                "relations",
                "addresses",
                "organizations",
                "phones",
                "locations",
            ] {
                if let Some(value) = more.get(field) {
                    out.serialize_entry(field, value)?;
                }
            }
            return out.end();
        }
        out.serialize_entry("isAdmin", &user.admin)?;
        out.serialize_entry("isDelegatedAdmin", &user.delegated_admin)?;
        out.serialize_entry("lastLoginTime", NEVER)?;
        out.serialize_entry("creationTime", &time(user.created))?;
        if let Some(at) = user.deleted {
            out.serialize_entry("deletionTime", &time(at))?;
        }
        out.serialize_entry("agreedToTerms", &false)?;
        out.serialize_entry("suspended", &user.suspended.is_some())?;
        if let Some(at) = user.suspended {
            out.serialize_entry("suspensionReason", "ADMIN")?;
            out.serialize_entry("suspensionTime", &time(at))?;
        }
        out.serialize_entry("archived", &user.archived.is_some())?;
        if let Some(at) = user.archived {
            out.serialize_entry("archivalTime", &time(at))?;
        }
        out.serialize_entry("changePasswordAtNextLogin", &user.change_password)?;
        out.serialize_entry("ipWhitelisted", &user.ip_allowed)?;
        out.serialize_entry("emails", &emails)?;
        let custom = more.shift_remove("customSchemas");
        for (field, value) in &more {
            out.serialize_entry(field, value)?;
        }
        if !user.aliases.is_empty() {
            out.serialize_entry("aliases", &user.aliases)?;
        }
        out.serialize_entry("nonEditableAliases", &[shadow(&user.primary)])?;
        out.serialize_entry("customerId", &*self.tenant.customer)?;
        out.serialize_entry("orgUnitPath", &*user.org_unit)?;
        out.serialize_entry("isMailboxSetup", &user.deleted.is_none())?;
        out.serialize_entry("isEnrolledIn2Sv", &false)?;
        out.serialize_entry("isEnforcedIn2Sv", &false)?;
        out.serialize_entry("includeInGlobalAddressList", &user.listed)?;
        if let Some(email) = &user.recovery_email {
            out.serialize_entry("recoveryEmail", email)?;
        }
        if let Some(phone) = &user.recovery_phone {
            out.serialize_entry("recoveryPhone", phone)?;
        }
        if let Some(custom) = self.custom(custom) {
            out.serialize_entry("customSchemas", &custom)?;
        }
        out.end()
    }
}

impl View<'_> {
    fn custom(&self, kept: Option<Value>) -> Option<Map<String, Value>> {
        let Some(Value::Object(mut kept)) = kept else {
            return None;
        };
        match self.projection {
            Projection::Basic | Projection::Public => return None,
            Projection::Custom(names) => kept.retain(|name, _| names.contains(name)),
            Projection::Full => {}
        }
        (!kept.is_empty()).then_some(kept)
    }
}

struct Name<'a>(&'a User);

impl Serialize for Name<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut name = serializer.serialize_map(None)?;
        name.serialize_entry("givenName", &self.0.given)?;
        name.serialize_entry("familyName", &self.0.family)?;
        name.serialize_entry("fullName", &self.0.full_name())?;
        if let Some(display) = &self.0.display {
            name.serialize_entry("displayName", display)?;
        }
        name.end()
    }
}

/// The addresses that were written, then the primary one, the aliases and the shadow of the test domain.
struct Emails<'a> {
    user: &'a User,
    written: Vec<Value>,
}

#[derive(Serialize)]
struct Email<'a> {
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary: Option<bool>,
}

impl Emails<'_> {
    fn are_told(&self, address: &str) -> bool {
        self.written.iter().any(|one| {
            one["address"]
                .as_str()
                .is_some_and(|known| known.eq_ignore_ascii_case(address))
        })
    }
}

impl Serialize for Emails<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let email = |address, primary| Email { address, primary };
        let mut all = serializer.serialize_seq(None)?;
        for one in &self.written {
            all.serialize_element(one)?;
        }
        if !self.are_told(&self.user.primary) {
            all.serialize_element(&email(&self.user.primary, Some(true)))?;
        }
        for alias in self.user.aliases.iter().filter(|one| !self.are_told(one)) {
            all.serialize_element(&email(alias, None))?;
        }
        all.serialize_element(&email(&shadow(&self.user.primary), None))?;
        all.end()
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
    let whole = Timestamp::from_second(at.as_second()).unwrap_or(at);
    let mut text = format!("{whole:.0}");
    text.pop(); // the `Z`
    text.push_str(".000Z");
    text
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
