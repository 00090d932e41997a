//! Links, and what is held.

use std::collections::BTreeMap;

use domain::{ConnectorRef, Hold, Link, LocalRef, QualifiedName};
use rusqlite::{Connection, params};
use serde::Serialize;

use super::super::{JournalError, code, pack};
use super::{Reader, brought, cap};

/// An account that stayed at a target when its user or group left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftBehind {
    /// The local name when it was last sent there.
    pub name: Option<QualifiedName>,
    /// The link, which still stands.
    pub link: Link,
}

impl Reader {
    /// Lists links in the order of their local ids, after one of them.
    pub fn links(
        &self,
        connector: Option<&ConnectorRef>,
        after: Option<(LocalRef, &ConnectorRef)>,
        limit: usize,
    ) -> Result<Vec<Link>, JournalError> {
        self.with(|db| {
            let from = after.map_or([0; 16], |(local, _)| *local.uuid().as_bytes());
            let at = after.map_or_else(String::new, |(_, connector)| connector.to_string());
            let only = connector.map(ToString::to_string);
            let mut statement = db.prepare_cached(
                "SELECT body FROM links WHERE (local, connector) > (?1, ?2)
                    AND (?3 IS NULL OR connector = ?3)
                 ORDER BY local, connector LIMIT ?4",
            )?;
            brought(db, statement.query(params![from, at, only, cap(limit)])?)
        })
    }

    /// Counts the links of each connector.
    pub fn link_counts(&self) -> Result<BTreeMap<ConnectorRef, u64>, JournalError> {
        self.with(|db| {
            let mut statement =
                db.prepare_cached("SELECT connector, count(*) FROM links GROUP BY connector")?;
            let mut rows = statement.query([])?;
            let mut out = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let connector = code::connector(&row.get::<_, String>(0)?)?;
                out.insert(connector, code::unsigned(row.get(1)?));
            }
            Ok(out)
        })
    }

    /// Returns the links of one user or group at all connectors.
    pub fn links_of(&self, local: LocalRef) -> Result<Vec<Link>, JournalError> {
        self.with(|db| links_of(db, local))
    }

    /// Returns the link of one user or group at one connector.
    pub fn link(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
    ) -> Result<Option<Link>, JournalError> {
        self.with(|db| {
            let mut statement =
                db.prepare_cached("SELECT body FROM links WHERE local = ?1 AND connector = ?2")?;
            let rows = statement.query(params![local.uuid().as_bytes(), connector.to_string()])?;
            let links: Vec<Link> = brought(db, rows)?;
            Ok(links.into_iter().next())
        })
    }

    /// Lists the links of users and groups who are here no longer, whose accounts nothing is about to take away.
    ///
    /// They were deleted while the connector was disabled or unknown, or the deprovision failed for good. An account
    /// that was deactivated, as its connector wants it, is not among them.
    pub fn left_behind(&self) -> Result<Vec<LeftBehind>, JournalError> {
        self.with(|db| {
            // The states up to 4 are open: what is queued, retried, in doubt or held may still take the account away.
            let mut statement = db.prepare_cached(
                "SELECT l.body,
                    (SELECT o.name FROM operations o WHERE o.local = l.local AND o.connector = l.connector
                        ORDER BY o.seq DESC LIMIT 1)
                 FROM links l
                 WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = l.local)
                    AND NOT EXISTS (SELECT 1 FROM groups g WHERE g.id = l.local)
                    AND NOT EXISTS (SELECT 1 FROM operations o
                        WHERE o.local = l.local AND o.connector = l.connector AND o.state <= 4)
                 ORDER BY l.connector, l.local",
            )?;
            let mut rows = statement.query([])?;
            let mut left = Vec::new();
            while let Some(row) = rows.next()? {
                let link: Link = pack::brought(db, row.get_ref(0)?.as_blob().unwrap_or(&[]))?;
                if link.gone || !link.active {
                    continue;
                }
                let name = row.get::<_, Option<String>>(1)?;
                left.push(LeftBehind {
                    name: name.map(|name| QualifiedName::new(&name)),
                    link,
                });
            }
            Ok(left)
        })
    }

    /// Returns the connectors that are held by hand or by quarantine; what `workbench.toml` pauses is not among them.
    pub fn holds(&self) -> Result<Vec<Hold>, JournalError> {
        self.with(|db| {
            let mut statement = db
                .prepare_cached("SELECT connector, reason, detail FROM holds ORDER BY connector")?;
            let mut rows = statement.query([])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let code: String = row.get(1)?;
                out.push(Hold {
                    connector: code::connector(&row.get::<_, String>(0)?)?,
                    reason: code.parse().map_err(|told| JournalError::Store { told })?,
                    detail: row.get(2)?,
                });
            }
            Ok(out)
        })
    }
}

pub(in crate::journal) fn links_of(
    db: &Connection,
    local: LocalRef,
) -> Result<Vec<Link>, JournalError> {
    let mut statement =
        db.prepare_cached("SELECT body FROM links WHERE local = ?1 ORDER BY connector")?;
    brought(db, statement.query([local.uuid().as_bytes()])?)
}
