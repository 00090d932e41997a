//! Links, and what is held.

use domain::{ConnectorRef, Hold, Link, LocalRef};
use rusqlite::{Connection, params};

use super::super::{JournalError, code};
use super::{Reader, bodies, cap};

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
            bodies(statement.query(params![from, at, only, cap(limit)])?)
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
            let links: Vec<Link> =
                bodies(statement.query(params![local.uuid().as_bytes(), connector.to_string()])?)?;
            Ok(links.into_iter().next())
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
    bodies(statement.query([local.uuid().as_bytes()])?)
}
