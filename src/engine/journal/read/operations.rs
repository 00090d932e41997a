//! Operations and exchanges: lists whose conditions depend on what is asked for.

use std::collections::BTreeMap;

use domain::{
    ConnectorRef, Exchange, FlowId, LocalRef, OperationId, QualifiedName, TriggerId, Verb,
};
use jiff::Timestamp;
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};
use serde::Serialize;

use super::super::code::{self, instant, signed, unsigned};
use super::super::{JournalError, pack};
use super::{Page, Reader, bounds};
use crate::{Fact, Life, State};

/// How many operations are in which state, by connector.
pub type Counts = BTreeMap<ConnectorRef, BTreeMap<State, u64>>;

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

impl OperationView {
    /// Says what went wrong last, and that it is past where it is: an error of which an operation recovered is no error
    /// of now.
    pub fn told_error(&self) -> Option<String> {
        let error = self.last_error.as_ref()?;
        Some(match self.life {
            Life::Settled => format!("recovered after: {error}"),
            Life::Queued | Life::InFlight | Life::Held { .. } => format!("before: {error}"),
            Life::Retrying { .. } | Life::InDoubt { .. } | Life::Dead | Life::Discarded => {
                error.clone()
            }
        })
    }
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
    /// Lists operations, the newest first.
    pub fn operations(
        &self,
        filter: &OperationFilter,
        page: Page,
    ) -> Result<Vec<OperationView>, JournalError> {
        let mut query = Query::new(OPERATION_COLUMNS, "operations");
        if let Some(state) = filter.state {
            query.and("state =", code::state_code(state));
            if state != State::Settled {
                // Said so that the index is used, which leaves out what is settled.
                query.sql += " AND state <> 5";
            }
        }
        if let Some(connector) = &filter.connector {
            query.and("connector =", connector.to_string());
        }
        if let Some(local) = filter.local {
            query.and("local =", *local.uuid().as_bytes());
        }
        if let Some(flow) = filter.flow {
            query.of_flow(flow);
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

    /// Returns when the operation was queued that is owed longest.
    pub fn oldest_open(&self) -> Result<Option<Timestamp>, JournalError> {
        self.with(|db| {
            let mut oldest: Option<i64> = None;
            for state in State::ALL.into_iter().filter(|state| state.is_open()) {
                let first: Option<i64> = db
                    .prepare_cached(
                        "SELECT queued_at FROM operations WHERE state = ?1 AND state <> 5 ORDER BY seq LIMIT 1",
                    )?
                    .query_row([code::state_code(state)], |row| row.get(0))
                    .optional()?;
                oldest = [oldest, first].into_iter().flatten().min();
            }
            Ok(oldest.map(instant))
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
    pub fn counts(&self) -> Result<Counts, JournalError> {
        self.with(counts)
    }

    /// Counts operations by connector and state, and tells the newest fact that is part of the counts.
    pub fn counts_now(&self) -> Result<(u64, Counts), JournalError> {
        self.at_once(|db| Ok((super::last(db)?, counts(db)?)))
    }

    /// Lists exchanges, the newest first.
    pub fn exchanges(
        &self,
        filter: &ExchangeFilter,
        page: Page,
    ) -> Result<Vec<ExchangeView>, JournalError> {
        // The exchanges of an operation are found by the facts of its flow, all others from the newest on.
        let from = match filter.operation {
            Some(_) => EXCHANGES_BY_FACTS,
            None => FACTS_BY_EXCHANGE,
        };
        let mut query = Query::new(EXCHANGE_COLUMNS, from);
        if let Some(operation) = filter.operation {
            query.and(
                "f.flow = (SELECT flow FROM operations WHERE id = x.operation) AND x.operation =",
                *operation.0.as_bytes(),
            );
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
            let mut statement = db.prepare_cached(&format!(
                "SELECT {EXCHANGE_COLUMNS} FROM {FACTS_BY_EXCHANGE} WHERE x.seq = ?1"
            ))?;
            let mut rows = statement.query([signed(seq)])?;
            match rows.next()? {
                Some(row) => exchange_view(row),
                None => Ok(None),
            }
        })
    }
}

fn counts(db: &Connection) -> Result<Counts, JournalError> {
    let mut statement = db.prepare_cached(
        "SELECT connector, state, count(*) FROM operations GROUP BY connector, state",
    )?;
    let mut rows = statement.query([])?;
    let mut out = Counts::new();
    while let Some(row) = rows.next()? {
        let connector = code::connector(&row.get::<_, String>(0)?)?;
        let count = unsigned(row.get(2)?);
        out.entry(connector)
            .or_default()
            .insert(code::state(row.get(1)?), count);
    }
    Ok(out)
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

const EXCHANGE_COLUMNS: &str = "x.seq, f.flow, f.format, f.body, f.seq";

/// Each exchange with the row of facts that it stands in.
const FACTS_BY_EXCHANGE: &str = "exchanges x CROSS JOIN facts f \
     ON f.seq = (SELECT max(seq) FROM facts WHERE seq <= x.seq)";

/// Each row of facts with the exchanges that stand in it.
const EXCHANGES_BY_FACTS: &str =
    "facts f CROSS JOIN exchanges x ON x.seq >= f.seq AND x.seq < f.seq + f.count";

fn exchange_view(row: &Row<'_>) -> Result<Option<ExchangeView>, JournalError> {
    let seq: i64 = row.get(0)?;
    let first: i64 = row.get(4)?;
    let flow = row
        .get::<_, Option<[u8; 16]>>(1)?
        .map(|bytes| code::uuid(&bytes).map(FlowId))
        .transpose()?;
    let body = row.get_ref(3)?.as_blob().unwrap_or(&[]);
    match pack::nth(first, row.get(2)?, body, seq - first)? {
        Some(Fact::ExchangeRecorded {
            operation,
            attempt,
            connector,
            exchange,
        }) => Ok(Some(ExchangeView {
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

    /// Only operations that the facts of a flow have queued.
    fn of_flow(&mut self, flow: FlowId) {
        self.values.push(Box::new(*flow.0.as_bytes()));
        self.sql = format!(
            "{} AND seq IN (SELECT o.seq FROM facts f CROSS JOIN operations o
                ON o.seq >= f.seq AND o.seq < f.seq + f.count WHERE f.flow = ?{})",
            self.sql,
            self.values.len()
        );
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
