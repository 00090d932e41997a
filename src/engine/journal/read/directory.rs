//! The directory: users, groups and roles.

use std::collections::BTreeSet;

use domain::{Group, GroupId, LocalRef, QualifiedName, RoleName, StoreDomain, User, UserId};
use rusqlite::{Connection, params};

use super::super::JournalError;
use super::super::code::{self, key, unsigned};
use super::super::pack;
use super::{Reader, brought, cap};

/// A name as it is written, in the form in which names are compared: with its store where that is not the primary one.
const WRITTEN: &str = "CASE store WHEN 'PRIMARY' THEN key ELSE lower(store) || '/' || key END";

impl Reader {
    /// Lists users by name, after one of them.
    pub fn users(
        &self,
        after: Option<&QualifiedName>,
        limit: usize,
    ) -> Result<Vec<User>, JournalError> {
        self.with(|db| {
            let (name, store) = name_key(after);
            let mut statement = db.prepare_cached(
                "SELECT body FROM users WHERE (key, store) > (?1, ?2) ORDER BY key, store LIMIT ?3",
            )?;
            let mut users: Vec<User> =
                brought(db, statement.query(params![name, store, cap(limit)])?)?;
            for user in &mut users {
                user.groups = groups_of(db, user.id)?;
            }
            Ok(users)
        })
    }

    /// Returns a user by name, without regard to case.
    pub fn user(&self, name: &QualifiedName) -> Result<Option<User>, JournalError> {
        self.with(|db| {
            let mut statement =
                db.prepare_cached("SELECT body FROM users WHERE key = ?1 AND store = ?2")?;
            let rows = statement.query(params![key(&name.name), name.store.as_str()])?;
            let users = brought(db, rows)?;
            whole_user(db, users)
        })
    }

    /// Returns a user by id.
    pub fn user_by_id(&self, id: UserId) -> Result<Option<User>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached("SELECT body FROM users WHERE id = ?1")?;
            let users = brought(db, statement.query([id.0.as_bytes()])?)?;
            whole_user(db, users)
        })
    }

    /// Lists users whose names contain a text, without regard to case, by name, after one of them. Every name is looked
    /// at, in an index that holds nothing else.
    pub fn find_users(
        &self,
        text: &str,
        after: Option<&QualifiedName>,
        limit: usize,
    ) -> Result<Vec<User>, JournalError> {
        self.with(|db| {
            let (name, store) = name_key(after);
            // What does not fit is left out before any user is read.
            let mut statement = db.prepare_cached(&format!(
                "SELECT u.body FROM (
                    SELECT id, key, store FROM users WHERE (key, store) > (?1, ?2) AND instr({WRITTEN}, ?3) > 0
                    ORDER BY key, store LIMIT ?4
                 ) found JOIN users u ON u.id = found.id ORDER BY found.key, found.store"
            ))?;
            let rows = statement.query(params![name, store, key(text), cap(limit)])?;
            let mut users: Vec<User> = brought(db, rows)?;
            for user in &mut users {
                user.groups = groups_of(db, user.id)?;
            }
            Ok(users)
        })
    }

    /// Counts the users that [`find_users`](Self::find_users) finds.
    pub fn found_count(&self, text: &str) -> Result<u64, JournalError> {
        self.with(|db| {
            let sql = format!("SELECT count(*) FROM users WHERE instr({WRITTEN}, ?1) > 0");
            let mut statement = db.prepare_cached(&sql)?;
            let count: i64 = statement.query_row([key(text)], |row| row.get(0))?;
            Ok(unsigned(count))
        })
    }

    /// Lists the names of a group's members, by name.
    pub fn members(
        &self,
        group: GroupId,
        limit: usize,
    ) -> Result<Vec<QualifiedName>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT u.body FROM memberships m JOIN users u ON u.id = m.member WHERE m.grp = ?1
                 ORDER BY u.key, u.store LIMIT ?2",
            )?;
            let users: Vec<User> = brought(
                db,
                statement.query(params![group.0.as_bytes(), cap(limit)])?,
            )?;
            Ok(users.into_iter().map(|user| user.name).collect())
        })
    }

    /// Returns those of these users and groups at whose accounts the last comparison found a difference that nobody has
    /// decided about.
    pub fn differing(
        &self,
        locals: impl IntoIterator<Item = LocalRef>,
    ) -> Result<BTreeSet<LocalRef>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached("SELECT 1 FROM drifts WHERE local = ?1")?;
            let mut out = BTreeSet::new();
            for local in locals {
                if statement.exists([local.uuid().as_bytes()])? {
                    out.insert(local);
                }
            }
            Ok(out)
        })
    }

    /// Counts the users.
    pub fn user_count(&self) -> Result<u64, JournalError> {
        self.with(|db| {
            let count: i64 = db
                .prepare_cached("SELECT count(*) FROM users")?
                .query_row([], |row| row.get(0))?;
            Ok(unsigned(count))
        })
    }

    /// Lists groups by name, after one of them.
    pub fn groups(
        &self,
        after: Option<&QualifiedName>,
        limit: usize,
    ) -> Result<Vec<Group>, JournalError> {
        self.with(|db| {
            let (name, store) = name_key(after);
            let mut statement = db.prepare_cached(
                "SELECT id, store, name FROM groups WHERE (key, store) > (?1, ?2)
                 ORDER BY key, store LIMIT ?3",
            )?;
            groups(db, statement.query(params![name, store, cap(limit)])?)
        })
    }

    /// Returns a group by name, without regard to case.
    pub fn group(&self, name: &QualifiedName) -> Result<Option<Group>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id, store, name FROM groups WHERE key = ?1 AND store = ?2",
            )?;
            let found = groups(
                db,
                statement.query(params![key(&name.name), name.store.as_str()])?,
            )?;
            Ok(found.into_iter().next())
        })
    }

    /// Returns a group by id.
    pub fn group_by_id(&self, id: GroupId) -> Result<Option<Group>, JournalError> {
        self.with(|db| {
            let mut statement =
                db.prepare_cached("SELECT id, store, name FROM groups WHERE id = ?1")?;
            let found = groups(db, statement.query([id.0.as_bytes()])?)?;
            Ok(found.into_iter().next())
        })
    }

    /// Lists the roles that the directory knows.
    pub fn roles(&self) -> Result<Vec<RoleName>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached("SELECT name FROM roles ORDER BY name")?;
            let names = statement
                .query_map([], |row| row.get::<_, String>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            Ok(names.iter().map(|name| RoleName::new(name)).collect())
        })
    }

    /// Lists the users who hold a role, by name.
    pub fn holders(&self, role: &RoleName) -> Result<Vec<User>, JournalError> {
        self.holding(|roles| roles.contains(role))
    }

    /// Lists the users whose roles are meant, by name. Roles stand with the users alone, so that all are looked through: in
    /// the order in which they stand, for by name each would have to be looked up.
    pub(crate) fn holding(
        &self,
        is_meant: impl Fn(&BTreeSet<RoleName>) -> bool,
    ) -> Result<Vec<User>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached("SELECT body FROM users")?;
            let mut rows = statement.query([])?;
            let mut holders: Vec<User> = Vec::new();
            while let Some(row) = rows.next()? {
                let body = row.get_ref(0)?.as_blob().unwrap_or(&[]);
                let user: User = pack::brought(db, body)?;
                if is_meant(&user.roles) {
                    holders.push(user);
                }
            }
            drop(rows);
            holders.sort_by_cached_key(|user| name_key(Some(&user.name)));
            for holder in &mut holders {
                holder.groups = groups_of(db, holder.id)?;
            }
            Ok(holders)
        })
    }

    /// Tells whether the directory knows a role.
    pub fn has_role(&self, role: &RoleName) -> Result<bool, JournalError> {
        self.with(|db| {
            Ok(db
                .prepare_cached("SELECT 1 FROM roles WHERE name = ?1")?
                .exists([role.as_str()])?)
        })
    }
}

fn whole_user(db: &Connection, users: Vec<User>) -> Result<Option<User>, JournalError> {
    match users.into_iter().next() {
        Some(mut user) => {
            user.groups = groups_of(db, user.id)?;
            Ok(Some(user))
        }
        None => Ok(None),
    }
}

fn groups_of(db: &Connection, user: UserId) -> Result<BTreeSet<QualifiedName>, JournalError> {
    let mut statement = db.prepare_cached(
        "SELECT g.store, g.name FROM memberships m JOIN groups g ON g.id = m.grp WHERE m.member = ?1",
    )?;
    let mut rows = statement.query([user.0.as_bytes()])?;
    let mut out = BTreeSet::new();
    while let Some(row) = rows.next()? {
        out.insert(QualifiedName {
            store: StoreDomain::new(&row.get::<_, String>(0)?),
            name: row.get(1)?,
        });
    }
    Ok(out)
}

/// Reads rows of `id, store, name` and adds the members.
fn groups(db: &Connection, mut rows: rusqlite::Rows<'_>) -> Result<Vec<Group>, JournalError> {
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let id = GroupId(code::uuid(&row.get::<_, [u8; 16]>(0)?)?);
        let mut statement =
            db.prepare_cached("SELECT member FROM memberships WHERE grp = ?1 ORDER BY member")?;
        let members = statement
            .query_map([id.0.as_bytes()], |row| row.get::<_, [u8; 16]>(0))?
            .map(|member| Ok(UserId(code::uuid(&member?)?)))
            .collect::<Result<BTreeSet<_>, JournalError>>()?;
        out.push(Group {
            id,
            name: QualifiedName {
                store: StoreDomain::new(&row.get::<_, String>(1)?),
                name: row.get(2)?,
            },
            members,
        });
    }
    Ok(out)
}

fn name_key(name: Option<&QualifiedName>) -> (String, String) {
    name.map_or_else(
        || (String::new(), String::new()),
        |name| (key(&name.name), name.store.as_str().to_owned()),
    )
}
