//! What the account holds: users, groups, and one index of every address that is taken.
//!
//! All maps are persistent, so a clone of the whole store costs next to nothing. An address belongs to one owner
//! because there is one index; nothing else has to look after uniqueness.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use imbl::{OrdMap, OrdSet};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::ids::{group_key, user_key};
use super::schemas::Schema;
use super::shapes::{Group, Member, MemberKind, User};
use super::units::Unit;
use crate::numbers::{Numbers, mix};

/// How long a deleted user can be brought back.
///
/// Source: knowledge.workspace.google.com, "Restore a user who was recently deleted".
const RESTORABLE: SignedDuration = SignedDuration::from_hours(20 * 24);

/// The account itself: what changes rarely, so that everybody shares it.
#[derive(Debug, Clone)]
pub(super) struct Tenant {
    /// All domains, the primary one first.
    pub(super) domains: Vec<Arc<str>>,
    pub(super) customer: Arc<str>,
    /// The organizational units, `/` first.
    pub(super) org_units: Vec<Unit>,
    /// Personal accounts under an address of ours, which an insert meets as a conflict.
    pub(super) unmanaged: Vec<Arc<str>>,
    /// The schemas of custom fields.
    pub(super) schemas: Vec<Schema>,
    pub(super) since: Timestamp,
}

impl Tenant {
    pub(super) fn domain(&self) -> &str {
        &self.domains[0]
    }

    pub(super) fn holds(&self, domain: &str) -> bool {
        self.domains
            .iter()
            .any(|own| own.eq_ignore_ascii_case(domain))
    }

    /// Tells whether an address lies in one of the account's domains.
    pub(super) fn owns(&self, address: &str) -> bool {
        address
            .rsplit_once('@')
            .is_some_and(|(_, domain)| self.holds(domain))
    }

    pub(super) fn is_customer(&self, word: &str) -> bool {
        word == "my_customer" || word == self.customer.as_ref()
    }
}

const SHADOW: &str = ".test-google-a.com";

/// Returns the address that every account has in the test domain beside its own.
pub(super) fn shadow(address: &str) -> String {
    format!("{address}{SHADOW}")
}

/// Who an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    User(u64),
    Group(u64),
}

/// Users, groups and addresses.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    pub(super) numbers: Numbers,
    users: OrdMap<u64, Arc<User>>,
    deleted: OrdMap<u64, Arc<User>>,
    groups: OrdMap<u64, Arc<Group>>,
    addresses: OrdMap<Arc<str>, Owner>,
    /// Live objects by order of creation.
    born: OrdMap<u64, Owner>,
    /// Users with secondary addresses of their own.
    secondary: OrdSet<u64>,
    /// The hash of an external id in lower case, and a user who has it. Whoever looks compares the id itself.
    external: OrdSet<(u64, u64)>,
    /// Member to the groups it is a direct member of.
    belongs: OrdMap<u64, OrdSet<u64>>,
}

impl Store {
    /// Makes an empty store that draws from these numbers.
    pub(super) fn new(numbers: Numbers) -> Self {
        Self {
            numbers,
            ..Self::default()
        }
    }

    /// Draws the next place in the order of creation and the key that is made for it.
    pub(super) fn draw(&mut self) -> (u64, u64) {
        let place = self.numbers.draw();
        (place, mix(self.numbers.at(place)))
    }

    // --- addresses ---

    /// Finds the owner of an address, whatever its case; the shadow address counts.
    pub(super) fn owner(&self, address: &str) -> Option<Owner> {
        let address = address.to_lowercase();
        let address = address.strip_suffix(SHADOW).unwrap_or(&address);
        self.addresses.get(address).copied()
    }

    /// Lists the addresses after one, in order, each with its owner.
    pub(super) fn addresses_after(
        &self,
        after: Option<&str>,
    ) -> impl Iterator<Item = (&Arc<str>, Owner)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = after.map_or(Unbounded, Excluded);
        self.addresses
            .range::<_, str>((start, Unbounded))
            .map(|(address, owner)| (address, *owner))
    }

    // --- users ---

    pub(super) fn user(&self, key: u64) -> Option<&Arc<User>> {
        self.users.get(&key)
    }

    /// Finds a live user by address, alias or id.
    pub(super) fn find_user(&self, key: &str) -> Option<&Arc<User>> {
        if let Some(key) = user_key(key) {
            return self.users.get(&key);
        }
        match self.owner(key)? {
            Owner::User(key) => self.users.get(&key),
            Owner::Group(_) => None,
        }
    }

    pub(super) fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// Lists the users who have secondary addresses of their own.
    pub(super) fn with_emails(&self) -> impl Iterator<Item = &Arc<User>> {
        self.secondary.iter().filter_map(|key| self.users.get(key))
    }

    /// Lists the users who may have an external id; a few who do not may be among them.
    pub(super) fn with_external_id(&self, id: &str) -> impl Iterator<Item = &Arc<User>> {
        let hash = hash_of(id);
        self.external
            .range((hash, 0)..=(hash, u64::MAX))
            .filter_map(|(_, key)| self.users.get(key))
    }

    pub(super) fn deleted(&self) -> impl Iterator<Item = &Arc<User>> {
        self.deleted.values()
    }

    pub(super) fn find_deleted(&self, key: u64) -> Option<&Arc<User>> {
        self.deleted.get(&key)
    }

    /// Counts the accounts that hold a licence.
    pub(super) fn seats(&self) -> u64 {
        self.users
            .values()
            .filter(|user| user.archived.is_none())
            .count()
            .try_into()
            .unwrap_or(u64::MAX)
    }

    /// Puts a user in, new or changed; its addresses must be free or its own.
    pub(super) fn put_user(&mut self, user: User) -> Arc<User> {
        let owner = Owner::User(user.key);
        if let Some(before) = self.users.get(&user.key).cloned() {
            self.withdraw(&before);
        }
        self.claim(&user.primary, &user.aliases, owner);
        self.born.insert(user.born, owner);
        let indexed = Indexed::of(&user);
        if indexed.emails.is_some() {
            self.secondary.insert(user.key);
        }
        for hash in indexed.hashes() {
            self.external.insert((hash, user.key));
        }
        let user = Arc::new(user);
        self.users.insert(user.key, Arc::clone(&user));
        user
    }

    /// Takes a user out of everything and keeps it among the deleted, as given.
    pub(super) fn bury(&mut self, user: User) {
        if let Some(before) = self.users.remove(&user.key) {
            self.withdraw(&before);
        }
        self.born.remove(&user.born);
        self.leave_all(user.key);
        self.deleted.insert(user.key, Arc::new(user));
    }

    /// Takes a user out of the deleted.
    pub(super) fn exhume(&mut self, key: u64) {
        self.deleted.remove(&key);
    }

    /// Forgets the deleted who can no longer be brought back.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        let gone: Vec<u64> = self
            .deleted
            .values()
            .filter(|user| {
                user.deleted
                    .is_some_and(|at| now.duration_since(at) > RESTORABLE)
            })
            .map(|user| user.key)
            .collect();
        for key in gone {
            self.deleted.remove(&key);
        }
    }

    // --- groups ---

    pub(super) fn group(&self, key: u64) -> Option<&Arc<Group>> {
        self.groups.get(&key)
    }

    /// Finds a group by address, alias or id.
    pub(super) fn find_group(&self, key: &str) -> Option<&Arc<Group>> {
        if key.contains('@') {
            return match self.owner(key)? {
                Owner::Group(key) => self.groups.get(&key),
                Owner::User(_) => None,
            };
        }
        self.groups.get(&group_key(key)?)
    }

    pub(super) fn put_group(&mut self, group: Group) -> Arc<Group> {
        let owner = Owner::Group(group.key);
        if let Some(before) = self.groups.get(&group.key).cloned() {
            self.release(&before.email, &before.aliases);
        }
        self.claim(&group.email, &group.aliases, owner);
        self.born.insert(group.born, owner);
        let group = Arc::new(group);
        self.groups.insert(group.key, Arc::clone(&group));
        group
    }

    pub(super) fn drop_group(&mut self, key: u64) {
        let Some(group) = self.groups.remove(&key) else {
            return;
        };
        self.release(&group.email, &group.aliases);
        self.born.remove(&group.born);
        for member in group.members.keys() {
            self.forget(*member, key);
        }
        self.leave_all(key);
    }

    /// Returns the keys of the groups that something is a direct member of.
    pub(super) fn groups_of(&self, member: u64) -> impl Iterator<Item = u64> {
        self.belongs
            .get(&member)
            .into_iter()
            .flat_map(|groups| groups.iter().copied())
    }

    /// Adds or changes one membership.
    pub(super) fn join(&mut self, group: u64, key: u64, member: Member) {
        if let Some(known) = self.groups.get(&group) {
            let mut changed = Group::clone(known);
            changed.members.insert(key, member);
            self.groups.insert(group, Arc::new(changed));
            self.belongs.entry(key).or_default().insert(group);
        }
    }

    /// Ends one membership.
    pub(super) fn part(&mut self, group: u64, key: u64) {
        if let Some(known) = self.groups.get(&group) {
            let mut changed = Group::clone(known);
            changed.members.remove(&key);
            self.groups.insert(group, Arc::new(changed));
            self.forget(key, group);
        }
    }

    /// Tells whether a member is in a group, directly or through other groups.
    pub(super) fn reaches(&self, group: u64, member: u64) -> bool {
        let mut seen = std::collections::BTreeSet::from([group]);
        let mut next = vec![group];
        while let Some(at) = next.pop() {
            let Some(group) = self.groups.get(&at) else {
                continue;
            };
            if group.members.contains_key(&member) {
                return true;
            }
            for (key, _) in group
                .members
                .iter()
                .filter(|(_, one)| one.kind == MemberKind::Group)
            {
                if seen.insert(*key) {
                    next.push(*key);
                }
            }
        }
        false
    }

    // --- all ---

    /// Lists users and groups in the order of creation.
    pub(super) fn in_order(&self) -> impl Iterator<Item = Owner> {
        self.born.values().copied()
    }

    fn claim(&mut self, primary: &Arc<str>, aliases: &[Arc<str>], owner: Owner) {
        self.addresses.insert(Arc::clone(primary), owner);
        for alias in aliases {
            self.addresses.insert(Arc::clone(alias), owner);
        }
    }

    /// Takes a user out of everything it is found by, its key aside.
    fn withdraw(&mut self, user: &User) {
        self.release(&user.primary, &user.aliases);
        self.secondary.remove(&user.key);
        for hash in Indexed::of(user).hashes() {
            self.external.remove(&(hash, user.key));
        }
    }

    fn release(&mut self, primary: &Arc<str>, aliases: &[Arc<str>]) {
        self.addresses.remove(primary);
        for alias in aliases {
            self.addresses.remove(alias);
        }
    }

    fn leave_all(&mut self, key: u64) {
        for group in self.belongs.remove(&key).unwrap_or_default() {
            if let Some(known) = self.groups.get(&group) {
                let mut changed = Group::clone(known);
                changed.members.remove(&key);
                self.groups.insert(group, Arc::new(changed));
            }
        }
    }

    fn forget(&mut self, member: u64, group: u64) {
        if let Some(groups) = self.belongs.get_mut(&member) {
            groups.remove(&group);
            if groups.is_empty() {
                self.belongs.remove(&member);
            }
        }
    }
}

/// What the indexes want of a user's array fields; the rest is passed over without being built.
#[derive(Debug, Default, Deserialize)]
struct Indexed {
    emails: Option<IgnoredAny>,
    #[serde(default, rename = "externalIds")]
    external_ids: Vec<ExternalId>,
}

#[derive(Debug, Deserialize)]
struct ExternalId {
    #[serde(default)]
    value: Value,
}

impl Indexed {
    fn of(user: &User) -> Self {
        let text = user.more.as_deref().unwrap_or("{}");
        serde_json::from_str(text).expect("a list holds objects, see limits")
    }

    /// Lists the hashes of the external ids.
    fn hashes(&self) -> impl Iterator<Item = u64> {
        let ids = self.external_ids.iter();
        ids.filter_map(|id| id.value.as_str()).map(hash_of)
    }
}

/// Case does not count; the same for the same text in every run.
fn hash_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.to_lowercase().hash(&mut hasher);
    hasher.finish()
}
