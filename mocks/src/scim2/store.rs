//! Keeps the resources: rows in the order of creation, indexes beside them, all persistent, so that a clone is cheap.
//!
//! A row holds its resource as JSON text, without `meta` and without what is derived; reading it by id copies that
//! text and adds a tail. An index holds hashes only: a candidate is held against its row, so a collision costs time and
//! never truth.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Bound,
    sync::Arc,
};

use imbl::{HashMap, OrdMap};
use jiff::{Timestamp, Unit};
use serde_json::{Map, Value};

use super::{links, schema::Kind};
use crate::numbers::Numbers;

/// One resource.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: Arc<str>,
    /// The userName or displayName.
    pub(crate) name: Box<str>,
    /// The resource's JSON, from its opening brace, without the closing one.
    pub(crate) body: Box<[u8]>,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    /// A hash of what the client sees, the derived part left out.
    pub(crate) hash: u64,
    /// The hash of the password, salted with the id.
    pub(crate) password: Option<Box<str>>,
    pub(crate) active: bool,
    /// Whether the body has addresses to complete.
    pub(crate) has_references: bool,
}

impl Row {
    /// Returns the resource as a map: no `meta`, no `groups`, addresses not completed.
    pub(crate) fn content(&self) -> Map<String, Value> {
        let mut text = Vec::with_capacity(self.body.len() + 1);
        text.extend_from_slice(&self.body);
        text.push(b'}');
        serde_json::from_slice(&text).expect("the body was written by `Row::new`")
    }

    fn new(draft: Draft<'_>, kind: Kind, created: Timestamp, modified: Timestamp) -> (Self, Keys) {
        let keys = Keys::of(draft.content);
        let mut body = serde_json::to_vec(draft.content).expect("a map with text keys is JSON");
        body.pop();
        let has_references = body
            .windows(REFERENCE.len())
            .any(|window| window == REFERENCE);
        let row = Self {
            name: text_of(draft.content, kind.naming_attribute()).into(),
            active: kind == Kind::User && draft.content.get("active") != Some(&Value::Bool(false)),
            id: draft.id,
            hash: hash_of(&body),
            body: body.into_boxed_slice(),
            created,
            modified,
            password: draft.password,
            has_references,
        };
        (row, keys)
    }
}

/// How an address to complete looks in a row's body.
pub(crate) const REFERENCE: &[u8] = br#""$ref":"\u0001"#;

/// A resource that is to be kept.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) id: Arc<str>,
    pub(crate) content: &'a Map<String, Value>,
    pub(crate) password: Option<Box<str>>,
}

/// The hashes a row is found by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Keys {
    user_name: Option<u64>,
    external_id: Option<u64>,
    display_name: Option<u64>,
}

impl Keys {
    fn of(content: &Map<String, Value>) -> Self {
        let text = |name: &str| content.get(name).and_then(Value::as_str);
        Self {
            user_name: text("userName").map(|text| hash_of(text.to_lowercase().as_bytes())),
            external_id: text("externalId").map(|text| hash_of(text.as_bytes())),
            display_name: text("displayName").map(|text| hash_of(text.to_lowercase().as_bytes())),
        }
    }
}

/// The attributes an equality is looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Id,
    UserName,
    ExternalId,
    DisplayName,
}

/// One kind of resource.
#[derive(Debug, Clone, Default)]
struct Table {
    rows: OrdMap<u64, Arc<Row>>,
    ids: Index,
    user_names: Index,
    external_ids: Index,
    display_names: Index,
}

impl Table {
    fn index(&mut self, at: u64, id: &str, keys: Keys) {
        self.ids.insert(hash_of(id.as_bytes()), at);
        keys.user_name
            .into_iter()
            .for_each(|hash| self.user_names.insert(hash, at));
        keys.external_id
            .into_iter()
            .for_each(|hash| self.external_ids.insert(hash, at));
        keys.display_name
            .into_iter()
            .for_each(|hash| self.display_names.insert(hash, at));
    }

    fn unindex(&mut self, at: u64, id: &str, keys: Keys) {
        self.ids.remove(hash_of(id.as_bytes()), at);
        keys.user_name
            .into_iter()
            .for_each(|hash| self.user_names.remove(hash, at));
        keys.external_id
            .into_iter()
            .for_each(|hash| self.external_ids.remove(hash, at));
        keys.display_name
            .into_iter()
            .for_each(|hash| self.display_names.remove(hash, at));
    }
}

/// Every resource, and which groups each is a member of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    users: Table,
    groups: Table,
    memberships: HashMap<Arc<str>, Arc<[Arc<str>]>>,
    /// Places of rows are counted over both kinds, so that they order them all.
    pub(crate) numbers: Numbers,
    active_users: u64,
}

impl Store {
    fn table(&self, kind: Kind) -> &Table {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }

    fn table_mut(&mut self, kind: Kind) -> &mut Table {
        match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
        }
    }

    /// Returns the number for the id of the next row.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.at(self.numbers.coming())
    }

    pub(crate) fn active_users(&self) -> u64 {
        self.active_users
    }

    pub(crate) fn len(&self, kind: Kind) -> usize {
        self.table(kind).rows.len()
    }

    pub(crate) fn row(&self, kind: Kind, at: u64) -> Option<&Arc<Row>> {
        self.table(kind).rows.get(&at)
    }

    /// Walks the rows behind a number, in the order of creation.
    pub(crate) fn rows_after(
        &self,
        kind: Kind,
        after: u64,
    ) -> impl Iterator<Item = (u64, &Arc<Row>)> {
        self.table(kind)
            .rows
            .range((Bound::Excluded(after), Bound::Unbounded))
            .map(|(at, row)| (*at, row))
    }

    pub(crate) fn by_id(&self, kind: Kind, id: &str) -> Option<(u64, Arc<Row>)> {
        let table = self.table(kind);
        let candidates = table.ids.get(hash_of(id.as_bytes())).iter();
        candidates
            .filter_map(|at| Some((*at, table.rows.get(at)?)))
            .find_map(|(at, row)| (*row.id == *id).then(|| (at, row.clone())))
    }

    /// Finds a user or a group by its id.
    pub(crate) fn find_any(&self, id: &str) -> Option<(Kind, Arc<Row>)> {
        Kind::ALL
            .into_iter()
            .find_map(|kind| Some((kind, self.by_id(kind, id)?.1)))
    }

    /// Finds a user by its name, case ignored.
    pub(crate) fn by_user_name(&self, name: &str) -> Option<(u64, Arc<Row>)> {
        let folded = name.to_lowercase();
        let candidates = self.users.user_names.get(hash_of(folded.as_bytes())).iter();
        candidates
            .filter_map(|at| Some((*at, self.users.rows.get(at)?)))
            .find_map(|(at, row)| (row.name.to_lowercase() == folded).then(|| (at, row.clone())))
    }

    /// Returns the rows that may have this value, in the order of creation; rows without it may be among them.
    pub(crate) fn candidates(&self, kind: Kind, key: Key, value: &str) -> &[u64] {
        let table = self.table(kind);
        match key {
            Key::Id => table.ids.get(hash_of(value.as_bytes())),
            Key::UserName => table
                .user_names
                .get(hash_of(value.to_lowercase().as_bytes())),
            Key::ExternalId => table.external_ids.get(hash_of(value.as_bytes())),
            Key::DisplayName => table
                .display_names
                .get(hash_of(value.to_lowercase().as_bytes())),
        }
    }

    /// Returns the groups that have this member.
    pub(crate) fn groups_with(&self, member: &str) -> &[Arc<str>] {
        self.memberships.get(member).map_or(&[], |groups| groups)
    }

    /// Adds a resource.
    pub(crate) fn insert(&mut self, kind: Kind, draft: Draft<'_>, now: Timestamp) -> Arc<Row> {
        let at = self.numbers.draw();
        let now = to_milliseconds(now);
        let members = if kind == Kind::Group {
            links::member_ids(draft.content)
        } else {
            Vec::new()
        };
        let (row, keys) = Row::new(draft, kind, now, now);
        let row = Arc::new(row);
        let table = self.table_mut(kind);
        table.index(at, &row.id, keys);
        table.rows.insert(at, row.clone());
        self.active_users += u64::from(row.active);
        self.relink(&row.id, &[], &members);
        row
    }

    /// Replaces a resource. The row stays as it is when nothing that the client sees, and no password, changed.
    pub(crate) fn replace(
        &mut self,
        kind: Kind,
        at: u64,
        draft: Draft<'_>,
        now: Timestamp,
    ) -> Option<Arc<Row>> {
        let old = self.row(kind, at)?.clone();
        let old_content = old.content();
        let members = if kind == Kind::Group {
            links::member_ids(draft.content)
        } else {
            Vec::new()
        };
        let (mut row, keys) = Row::new(draft, kind, old.created, to_milliseconds(now));
        if row.body == old.body {
            if row.password == old.password {
                return Some(old);
            }
            row.modified = old.modified;
        }
        let row = Arc::new(row);
        let table = self.table_mut(kind);
        table.unindex(at, &old.id, Keys::of(&old_content));
        table.index(at, &row.id, keys);
        table.rows.insert(at, row.clone());
        self.active_users = self.active_users + u64::from(row.active) - u64::from(old.active);
        if kind == Kind::Group {
            self.relink(&old.id, &links::member_ids(&old_content), &[]);
            self.relink(&row.id, &[], &members);
        }
        Some(row)
    }

    /// Takes a resource away. Its place in groups is the caller's to clear.
    pub(crate) fn remove(&mut self, kind: Kind, at: u64) -> Option<Arc<Row>> {
        let table = self.table_mut(kind);
        let row = table.rows.remove(&at)?;
        let content = row.content();
        table.unindex(at, &row.id, Keys::of(&content));
        self.active_users -= u64::from(row.active);
        if kind == Kind::Group {
            self.relink(&row.id, &links::member_ids(&content), &[]);
        }
        Some(row)
    }

    /// Notes which members a group lost and won.
    fn relink(&mut self, group: &Arc<str>, before: &[Arc<str>], after: &[Arc<str>]) {
        for member in before {
            let left: Vec<Arc<str>> = self
                .groups_with(member)
                .iter()
                .filter(|id| *id != group)
                .cloned()
                .collect();
            if left.is_empty() {
                self.memberships.remove(member);
            } else {
                self.memberships.insert(member.clone(), left.into());
            }
        }
        for member in after {
            let mut groups = self.groups_with(member).to_vec();
            if !groups.contains(group) {
                groups.push(group.clone());
                self.memberships.insert(member.clone(), groups.into());
            }
        }
    }
}

/// Row numbers by the hash of a value.
#[derive(Debug, Clone, Default)]
struct Index {
    slots: HashMap<u64, Slot>,
}

/// Nearly every value is had by one row.
#[derive(Debug, Clone)]
enum Slot {
    One(u64),
    Many(Arc<[u64]>),
}

impl Index {
    fn get(&self, hash: u64) -> &[u64] {
        match self.slots.get(&hash) {
            None => &[],
            Some(Slot::One(at)) => std::slice::from_ref(at),
            Some(Slot::Many(all)) => all,
        }
    }

    fn insert(&mut self, hash: u64, at: u64) {
        let mut all = self.get(hash).to_vec();
        if let Err(place) = all.binary_search(&at) {
            all.insert(place, at);
        }
        self.set(hash, &all);
    }

    fn remove(&mut self, hash: u64, at: u64) {
        let mut all = self.get(hash).to_vec();
        all.retain(|other| *other != at);
        self.set(hash, &all);
    }

    fn set(&mut self, hash: u64, all: &[u64]) {
        match all {
            [] => self.slots.remove(&hash),
            [one] => self.slots.insert(hash, Slot::One(*one)),
            many => self.slots.insert(hash, Slot::Many(many.into())),
        };
    }
}

/// Hashes the same way in every run: versions and made-up ids must repeat with the seed.
pub(crate) fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Makes the identifier of a number look like any other UUID.
pub(crate) fn made_up_uuid(number: u64) -> uuid::Uuid {
    let halves = [
        hash_of(&number.to_le_bytes()),
        hash_of(&(!number).to_be_bytes()),
    ];
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&halves[0].to_le_bytes());
    bytes[8..].copy_from_slice(&halves[1].to_le_bytes());
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn text_of<'a>(content: &'a Map<String, Value>, name: &str) -> &'a str {
    content
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// What `meta` shows is what is kept, so that `lastModified eq` finds it.
fn to_milliseconds(now: Timestamp) -> Timestamp {
    now.round(Unit::Millisecond).unwrap_or(now)
}
