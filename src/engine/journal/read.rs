//! The reading end: lists, traces and exports, paged by key; works beside a running engine and without one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::{
    ConnectorRef, Exchange, FlowId, Group, GroupId, Hold, Link, LocalRef, OperationId,
    QualifiedName, RoleName, StoreDomain, Trigger, TriggerId, User, UserId, Verb,
};
use jiff::Timestamp;
use rusqlite::types::ToSql;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params, params_from_iter};
use serde::Serialize;

use super::code::{self, instant, key, signed, unsigned};
use super::{JournalError, schema};
use crate::trace::FlowTrace;
use crate::{Fact, Life, Record, State, WaitVerdict};

/// Reads a journal. Cheap to clone; clones share a few connections.
#[derive(Debug, Clone)]
pub struct Reader {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    free: Mutex<Vec<Connection>>,
}

/// Where a page starts and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Entries older than this number; `None` for the newest.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: usize,
}

impl Page {
    /// The newest entries.
    pub fn newest(limit: usize) -> Self {
        Self {
            before: None,
            limit,
        }
    }

    /// The entries before a number.
    pub fn before(seq: u64, limit: usize) -> Self {
        Self {
            before: Some(seq),
            limit,
        }
    }
}

/// One flow in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowSummary {
    /// The flow.
    pub flow: FlowId,
    /// The number of its first trigger, for paging.
    pub seq: u64,
    /// When it began.
    pub at: Timestamp,
    /// Its triggers.
    pub triggers: Vec<Trigger>,
    /// How many of its operations are in which state.
    pub operations: BTreeMap<State, u64>,
    /// How the caller's wait ended; `None` when nobody waited or somebody still does.
    pub verdict: Option<WaitVerdict>,
}

/// One operation in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperationView {
    /// Its number, for paging; also the order within a lane.
    pub seq: u64,
    /// The operation.
    pub operation: OperationId,
    /// The flow.
    pub flow: FlowId,
    /// The trigger.
    pub trigger: TriggerId,
    /// The connector.
    pub connector: ConnectorRef,
    /// The local user or group.
    pub local: LocalRef,
    /// Its local name when the operation was queued.
    pub name: QualifiedName,
    /// What is to be done.
    pub verb: Verb,
    /// Whether a caller waits for it.
    pub blocking: bool,
    /// The operation that it undoes.
    pub undoes: Option<OperationId>,
    /// Where it stands.
    pub life: Life,
    /// The number of attempts made.
    pub attempts: u32,
    /// When it was queued.
    pub queued: Timestamp,
    /// When the first attempt started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What went wrong last, in words.
    pub last_error: Option<String>,
}

/// Which operations to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Only in this state.
    pub state: Option<State>,
    /// Only at this connector.
    pub connector: Option<ConnectorRef>,
    /// Only of this user or group.
    pub local: Option<LocalRef>,
    /// Only of this flow.
    pub flow: Option<FlowId>,
}

/// One recorded exchange with where it belongs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExchangeView {
    /// Its number, for paging.
    pub seq: u64,
    /// The flow.
    pub flow: Option<FlowId>,
    /// The operation.
    pub operation: Option<OperationId>,
    /// The attempt's number.
    pub attempt: u32,
    /// The connector.
    pub connector: ConnectorRef,
    /// The exchange.
    pub exchange: Exchange,
}

/// Which exchanges to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExchangeFilter {
    /// Only of this operation.
    pub operation: Option<OperationId>,
    /// Only with this connector.
    pub connector: Option<ConnectorRef>,
    /// Only with this method, in upper case.
    pub method: Option<String>,
    /// Only with a status in this range, both ends included.
    pub status: Option<(u16, u16)>,
    /// Only those that got no answer.
    pub unanswered: bool,
}

impl Reader {
    /// Opens a journal for reading.
    ///
    /// # Errors
    /// [`JournalError`] when there is no such file, or a newer program wrote it.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let reader = Self {
            pool: Arc::new(Pool {
                path: path.to_owned(),
                free: Mutex::new(Vec::new()),
            }),
        };
        reader.with(|_| Ok(()))?;
        Ok(reader)
    }

    /// Opens an empty journal that is kept nowhere.
    pub(crate) fn empty() -> Result<Self, JournalError> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection, 0)?;
        schema::prepare_reader(&connection)?;
        Ok(Self {
            pool: Arc::new(Pool {
                path: PathBuf::from(":memory:"),
                free: Mutex::new(vec![connection]),
            }),
        })
    }

    /// Lends one of the connections.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let free = self.lock().pop();
        let connection = match free {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let result = work(&connection);
        self.lock().push(connection);
        result
    }

    /// Lends a connection on which everything is seen as it is at one moment.
    pub(super) fn at_once<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        self.with(|db| {
            let moment = db.unchecked_transaction()?;
            let result = work(&moment)?;
            moment.commit()?;
            Ok(result)
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.pool
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> Result<Connection, JournalError> {
        let path = &self.pool.path;
        // Read and write, because the shared memory beside the file may have to be made; `query_only` forbids the rest.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).map_err(|error| JournalError::Unusable {
                path: path.display().to_string(),
                told: error.to_string(),
            })?;
        schema::prepare_reader(&connection)?;
        if schema::check(&connection)? == 0 {
            return Err(JournalError::NotAJournal);
        }
        Ok(connection)
    }

    /// Returns the number of the newest fact.
    pub fn last(&self) -> Result<u64, JournalError> {
        self.with(|db| {
            let last: i64 = db
                .prepare_cached("SELECT coalesce(max(seq), 0) FROM facts")?
                .query_row([], |row| row.get(0))?;
            Ok(unsigned(last))
        })
    }

    /// Lists flows, the newest first.
    pub fn flows(&self, page: Page) -> Result<Vec<FlowSummary>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT t.seq, t.flow, t.at FROM triggers t
                 WHERE t.seq < ?1 AND NOT EXISTS
                    (SELECT 1 FROM triggers o WHERE o.flow = t.flow AND o.seq < t.seq)
                 ORDER BY t.seq DESC LIMIT ?2",
            )?;
            let firsts = statement
                .query_map(bounds(page), |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect::<Result<Vec<(i64, [u8; 16], i64)>, _>>()?;
            firsts
                .into_iter()
                .map(|(seq, flow, at)| {
                    let flow = FlowId(code::uuid(&flow)?);
                    Ok(FlowSummary {
                        flow,
                        seq: unsigned(seq),
                        at: instant(at),
                        triggers: triggers(db, flow)?,
                        operations: states(db, flow)?,
                        verdict: verdict(db, flow)?,
                    })
                })
                .collect()
        })
    }

    /// Tells one flow; `None` when there is none of that id.
    pub fn trace(&self, flow: FlowId) -> Result<Option<FlowTrace>, JournalError> {
        let records = self.facts_of(flow)?;
        Ok((!records.is_empty()).then(|| FlowTrace::of(flow, records)))
    }

    /// Returns the facts of one flow in order.
    pub fn facts_of(&self, flow: FlowId) -> Result<Vec<Record>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT seq, at, flow, format, body FROM facts WHERE flow = ?1 ORDER BY seq",
            )?;
            collect(statement.query([flow.0.as_bytes()])?)
        })
    }

    /// Returns the flow of an operation.
    pub fn flow_of(&self, operation: OperationId) -> Result<Option<FlowId>, JournalError> {
        Ok(self.operation(operation)?.map(|view| view.flow))
    }

    /// Returns the flows in which something happened to a user or group, the newest first.
    pub fn flows_about(&self, local: LocalRef, limit: usize) -> Result<Vec<FlowId>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT flow FROM triggers WHERE local = ?1 ORDER BY seq DESC LIMIT ?2",
            )?;
            let flows = statement
                .query_map(params![local.uuid().as_bytes(), cap(limit)], |row| {
                    row.get::<_, [u8; 16]>(0)
                })?
                .collect::<Result<Vec<_>, _>>()?;
            let mut seen = BTreeSet::new();
            let mut out = Vec::new();
            for flow in flows {
                let flow = FlowId(code::uuid(&flow)?);
                if seen.insert(flow) {
                    out.push(flow);
                }
            }
            Ok(out)
        })
    }

    /// Returns facts after a number, the oldest first.
    pub fn facts_since(&self, seq: u64, limit: usize) -> Result<Vec<Record>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT seq, at, flow, format, body FROM facts WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            )?;
            collect(statement.query(params![signed(seq), cap(limit)])?)
        })
    }

    /// Walks all facts after a number, the oldest first, a page at a time.
    pub fn export(&self, since: u64) -> impl Iterator<Item = Result<Record, JournalError>> + use<> {
        Export {
            reader: self.clone(),
            after: since,
            page: Vec::new().into_iter(),
            done: false,
        }
    }

    /// Lists operations, the newest first.
    pub fn operations(
        &self,
        filter: &OperationFilter,
        page: Page,
    ) -> Result<Vec<OperationView>, JournalError> {
        let mut query = Query::new(OPERATION_COLUMNS, "operations");
        if let Some(state) = filter.state {
            query.and("state =", code::state_code(state));
        }
        if let Some(connector) = &filter.connector {
            query.and("connector =", connector.to_string());
        }
        if let Some(local) = filter.local {
            query.and("local =", *local.uuid().as_bytes());
        }
        if let Some(flow) = filter.flow {
            query.and("flow =", *flow.0.as_bytes());
        }
        self.with(|db| {
            let (sql, values) = query.page("seq", page);
            let mut statement = db.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(operation_view(row)?);
            }
            Ok(out)
        })
    }

    /// Returns one operation.
    pub fn operation(&self, id: OperationId) -> Result<Option<OperationView>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {OPERATION_COLUMNS} FROM operations WHERE id = ?1"
            ))?;
            let mut rows = statement.query([id.0.as_bytes()])?;
            rows.next()?.map(operation_view).transpose()
        })
    }

    /// Counts operations by connector and state.
    pub fn counts(&self) -> Result<BTreeMap<ConnectorRef, BTreeMap<State, u64>>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT connector, state, count(*) FROM operations GROUP BY connector, state",
            )?;
            let mut rows = statement.query([])?;
            let mut out: BTreeMap<ConnectorRef, BTreeMap<State, u64>> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let connector = code::connector(&row.get::<_, String>(0)?)?;
                let count = unsigned(row.get(2)?);
                out.entry(connector)
                    .or_default()
                    .insert(code::state(row.get(1)?), count);
            }
            Ok(out)
        })
    }

    /// Lists exchanges, the newest first.
    pub fn exchanges(
        &self,
        filter: &ExchangeFilter,
        page: Page,
    ) -> Result<Vec<ExchangeView>, JournalError> {
        let mut query = Query::new(
            "x.seq, f.flow, f.format, f.body",
            "exchanges x JOIN facts f ON f.seq = x.seq",
        );
        if let Some(operation) = filter.operation {
            query.and("x.operation =", *operation.0.as_bytes());
        }
        if let Some(connector) = &filter.connector {
            query.and("x.connector =", connector.to_string());
        }
        if let Some(method) = &filter.method {
            query.and("x.method =", method.clone());
        }
        if let Some((from, to)) = filter.status {
            query.and("x.status >=", i64::from(from));
            query.and("x.status <=", i64::from(to));
        }
        if filter.unanswered {
            query.and("x.status IS NULL AND 1 =", 1);
        }
        self.with(|db| {
            let (sql, values) = query.page("x.seq", page);
            let mut statement = db.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.extend(exchange_view(row)?);
            }
            Ok(out)
        })
    }

    /// Returns one exchange by its number.
    pub fn exchange(&self, seq: u64) -> Result<Option<ExchangeView>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT x.seq, f.flow, f.format, f.body FROM exchanges x JOIN facts f ON f.seq = x.seq
                 WHERE x.seq = ?1",
            )?;
            let mut rows = statement.query([signed(seq)])?;
            match rows.next()? {
                Some(row) => exchange_view(row),
                None => Ok(None),
            }
        })
    }

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
                bodies(statement.query(params![name, store, cap(limit)])?)?;
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
            let users = bodies(statement.query(params![key(&name.name), name.store.as_str()])?)?;
            whole_user(db, users)
        })
    }

    /// Returns a user by id.
    pub fn user_by_id(&self, id: UserId) -> Result<Option<User>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached("SELECT body FROM users WHERE id = ?1")?;
            let users = bodies(statement.query([id.0.as_bytes()])?)?;
            whole_user(db, users)
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

    /// Tells whether the directory knows a role.
    pub fn has_role(&self, role: &RoleName) -> Result<bool, JournalError> {
        self.with(|db| {
            Ok(db
                .prepare_cached("SELECT 1 FROM roles WHERE name = ?1")?
                .exists([role.as_str()])?)
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

const OPERATION_COLUMNS: &str = "seq, id, flow, trigger_id, connector, object, local, name, verb, blocking, undoes, \
     state, due, reason, attempts, queued_at, first_started, ended_at, last_error";

fn operation_view(row: &Row<'_>) -> Result<OperationView, JournalError> {
    let id = |at| -> Result<uuid::Uuid, JournalError> { code::uuid(&row.get::<_, [u8; 16]>(at)?) };
    Ok(OperationView {
        seq: unsigned(row.get(0)?),
        operation: OperationId(id(1)?),
        flow: FlowId(id(2)?),
        trigger: TriggerId(id(3)?),
        connector: code::connector(&row.get::<_, String>(4)?)?,
        local: code::local(row.get(5)?, id(6)?),
        name: QualifiedName::new(&row.get::<_, String>(7)?),
        verb: code::verb(row.get(8)?),
        blocking: row.get(9)?,
        undoes: row
            .get::<_, Option<[u8; 16]>>(10)?
            .map(|bytes| code::uuid(&bytes).map(OperationId))
            .transpose()?,
        life: code::life(
            row.get(11)?,
            row.get(12)?,
            row.get::<_, Option<String>>(13)?.as_deref(),
        ),
        attempts: row.get(14)?,
        queued: instant(row.get(15)?),
        started: row.get::<_, Option<i64>>(16)?.map(instant),
        ended: row.get::<_, Option<i64>>(17)?.map(instant),
        last_error: row.get(18)?,
    })
}

fn exchange_view(row: &Row<'_>) -> Result<Option<ExchangeView>, JournalError> {
    let seq: i64 = row.get(0)?;
    let flow = row
        .get::<_, Option<[u8; 16]>>(1)?
        .map(|bytes| code::uuid(&bytes).map(FlowId))
        .transpose()?;
    match code::parse(seq, row.get(2)?, row.get_ref(3)?.as_blob().unwrap_or(&[]))? {
        Fact::ExchangeRecorded {
            operation,
            attempt,
            connector,
            exchange,
        } => Ok(Some(ExchangeView {
            seq: unsigned(seq),
            flow,
            operation,
            attempt,
            connector,
            exchange: *exchange,
        })),
        _ => Ok(None),
    }
}

/// Reads rows of `seq, at, flow, format, body`.
pub(super) fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Record>, JournalError> {
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let flow = row
            .get::<_, Option<[u8; 16]>>(2)?
            .map(|bytes| code::uuid(&bytes).map(FlowId))
            .transpose()?;
        out.push(Record {
            seq: unsigned(seq),
            at: instant(row.get(1)?),
            flow,
            fact: code::parse(seq, row.get(3)?, row.get_ref(4)?.as_blob().unwrap_or(&[]))?,
        });
    }
    Ok(out)
}

/// Reads rows whose only column is a JSON body.
pub(super) fn bodies<T: serde::de::DeserializeOwned>(
    mut rows: rusqlite::Rows<'_>,
) -> Result<Vec<T>, JournalError> {
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(code::parse(
            0,
            code::JSON,
            row.get_ref(0)?.as_blob().unwrap_or(&[]),
        )?);
    }
    Ok(out)
}

pub(super) fn links_of(db: &Connection, local: LocalRef) -> Result<Vec<Link>, JournalError> {
    let mut statement =
        db.prepare_cached("SELECT body FROM links WHERE local = ?1 ORDER BY connector")?;
    bodies(statement.query([local.uuid().as_bytes()])?)
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
pub(super) fn groups(
    db: &Connection,
    mut rows: rusqlite::Rows<'_>,
) -> Result<Vec<Group>, JournalError> {
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

fn triggers(db: &Connection, flow: FlowId) -> Result<Vec<Trigger>, JournalError> {
    let mut statement = db.prepare_cached(
        "SELECT f.seq, f.at, f.flow, f.format, f.body FROM triggers t JOIN facts f ON f.seq = t.seq
         WHERE t.flow = ?1 ORDER BY t.seq",
    )?;
    let records = collect(statement.query([flow.0.as_bytes()])?)?;
    Ok(records
        .into_iter()
        .filter_map(|record| match record.fact {
            Fact::TriggerRecorded { trigger } => Some(trigger),
            _ => None,
        })
        .collect())
}

fn states(db: &Connection, flow: FlowId) -> Result<BTreeMap<State, u64>, JournalError> {
    let mut statement =
        db.prepare_cached("SELECT state, count(*) FROM operations WHERE flow = ?1 GROUP BY state")?;
    let mut rows = statement.query([flow.0.as_bytes()])?;
    let mut out = BTreeMap::new();
    while let Some(row) = rows.next()? {
        out.insert(code::state(row.get(0)?), unsigned(row.get(1)?));
    }
    Ok(out)
}

fn verdict(db: &Connection, flow: FlowId) -> Result<Option<WaitVerdict>, JournalError> {
    let ended: Option<i64> = db
        .prepare_cached("SELECT verdict FROM waits WHERE flow = ?1 AND verdict <> 0")?
        .query_row([flow.0.as_bytes()], |row| row.get(0))
        .optional()?;
    if ended.is_none() {
        return Ok(None);
    }
    let mut statement = db.prepare_cached(
        "SELECT seq, at, flow, format, body FROM facts WHERE flow = ?1 AND kind = 'caller-released'
         ORDER BY seq DESC LIMIT 1",
    )?;
    let records = collect(statement.query([flow.0.as_bytes()])?)?;
    Ok(records.into_iter().find_map(|record| match record.fact {
        Fact::CallerReleased { verdict } => Some(verdict),
        _ => None,
    }))
}

fn name_key(name: Option<&QualifiedName>) -> (String, String) {
    name.map_or_else(
        || (String::new(), String::new()),
        |name| (key(&name.name), name.store.as_str().to_owned()),
    )
}

fn cap(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn bounds(page: Page) -> [i64; 2] {
    [page.before.map_or(i64::MAX, signed), cap(page.limit)]
}

/// A statement whose conditions depend on what is asked for; values never stand in the text.
struct Query {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Query {
    fn new(columns: &str, from: &str) -> Self {
        Self {
            sql: format!("SELECT {columns} FROM {from} WHERE 1"),
            values: Vec::new(),
        }
    }

    fn and(&mut self, condition: &str, value: impl ToSql + 'static) {
        self.values.push(Box::new(value));
        self.sql = format!("{} AND {condition} ?{}", self.sql, self.values.len());
    }

    fn page(mut self, key: &str, page: Page) -> (String, Vec<Box<dyn ToSql>>) {
        let [before, limit] = bounds(page);
        self.and(&format!("{key} <"), before);
        self.values.push(Box::new(limit));
        let sql = format!(
            "{} ORDER BY {key} DESC LIMIT ?{}",
            self.sql,
            self.values.len()
        );
        (sql, self.values)
    }
}

/// How many facts an export reads at once.
const EXPORT_PAGE: usize = 500;

struct Export {
    reader: Reader,
    after: u64,
    page: std::vec::IntoIter<Record>,
    done: bool,
}

impl Iterator for Export {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(record) = self.page.next() {
            self.after = record.seq;
            return Some(Ok(record));
        }
        if self.done {
            return None;
        }
        match self.reader.facts_since(self.after, EXPORT_PAGE) {
            Ok(page) => {
                self.done = page.len() < EXPORT_PAGE;
                self.page = page.into_iter();
                let record = self.page.next()?;
                self.after = record.seq;
                Some(Ok(record))
            }
            Err(error) => {
                self.done = true;
                Some(Err(error))
            }
        }
    }
}
