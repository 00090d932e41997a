//! What the engine itself asks of the journal while it works: heads of lanes, what is pending, who owns a name.

use std::sync::Arc;

use domain::{
    ConnectorRef, Deprovision, Desired, FlowId, GroupId, Link, LocalRef, OnFailure, OperationId,
    Owner, Planned, QualifiedName, RemoteId, TriggerId, User, UserId, Verb, Verdict,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::code::{self, key, signed, unsigned};
use super::{JournalError, Reader, pack};
use crate::backlog::OpenPage;
use crate::doubt::Doubt;
use crate::{Answer, Cause, Fact, Life, Record, State};

/// An open operation as its lane needs it: without its body.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) seq: u64,
    pub(crate) operation: OperationId,
    pub(crate) flow: FlowId,
    pub(crate) trigger: TriggerId,
    pub(crate) connector: ConnectorRef,
    pub(crate) local: LocalRef,
    pub(crate) name: QualifiedName,
    pub(crate) life: Life,
    pub(crate) attempts: u32,
    /// Whether an attempt may have been carried out without an answer.
    pub(crate) unsure: bool,
    /// What exactly may have been.
    pub(crate) doubt: Doubt,
    /// Whether it undoes an operation of a refused flow.
    pub(crate) undoes: bool,
    /// Whether it only puts a member into a group whose account came late.
    pub(crate) joins: bool,
}

/// What operations that are on their way will have written, as a snapshot holds it; `None` for a deprovision.
pub(crate) type Pending = Vec<(ConnectorRef, Option<Desired>)>;

/// How an operation fares since somebody last set it going.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Course {
    /// When its schedule began: with the first attempt or question after it was queued, released or retried by hand.
    pub(crate) since: Option<Timestamp>,
    /// How many attempts were made from then on.
    pub(crate) attempts: u32,
    /// How many questions about the newest of them the target did not answer.
    pub(crate) unanswered: u32,
    /// When the newest attempt of all was started.
    pub(crate) last_started: Option<Timestamp>,
}

/// A caller's wait that no process resolves any more, or whose refusal still has open operations.
#[derive(Debug, Clone)]
pub(crate) struct Unresolved {
    pub(crate) flow: FlowId,
    pub(crate) on_failure: OnFailure,
    /// Whether it was refused already.
    pub(crate) refused: bool,
}

const OPEN_COLUMNS: &str = "seq, id, flow, trigger_id, connector, object, local, name, state, due, reason, attempts, \
     unsure, undoes IS NOT NULL, nth IS NULL AND undoes IS NULL";

/// Says that an operation belongs to the flow `?1`: it was queued by one of the flow's facts.
pub(super) const OF_FLOW: &str = "seq IN (SELECT o.seq FROM facts f \
     CROSS JOIN operations o ON o.seq >= f.seq AND o.seq < f.seq + f.count WHERE f.flow = ?1)";

impl Reader {
    /// Returns the connectors that have open operations.
    pub(crate) fn open_connectors(&self) -> Result<Vec<ConnectorRef>, JournalError> {
        self.at_once(|db| {
            // From one to the next by the index: there may be a million operations, and there are few connectors.
            let mut statement = db.prepare_cached(
                "SELECT min(connector) FROM operations WHERE state <= 4 AND connector > ?1",
            )?;
            let mut out = Vec::new();
            let mut last = String::new();
            while let Some(next) = statement.query_row([&last], |row| row.get(0))? {
                last = next;
                out.push(code::connector(&last)?);
            }
            Ok(out)
        })
    }

    /// Reads the open operations of a connector after a number, in order.
    pub(crate) fn open_page(
        &self,
        connector: &ConnectorRef,
        after: u64,
        limit: usize,
    ) -> Result<OpenPage, JournalError> {
        self.at_once(|db| {
            // One ordered walk per state over (state, seq); merging five short lists beats sorting a million rows.
            let mut statement = db.prepare_cached(&format!(
                "SELECT {OPEN_COLUMNS} FROM operations
                 WHERE state = ?1 AND state <> 5 AND seq > ?2 AND connector = ?3 ORDER BY seq LIMIT ?4"
            ))?;
            let name = connector.to_string();
            let mut operations = Vec::new();
            for state in crate::State::ALL.into_iter().filter(|state| state.is_open()) {
                let mut rows = statement.query(params![
                    code::state_code(state),
                    signed(after),
                    name,
                    i64::try_from(limit).unwrap_or(i64::MAX)
                ])?;
                while let Some(row) = rows.next()? {
                    operations.push(open(row)?);
                }
            }
            operations.sort_by_key(|open| open.seq);
            let whole = operations.len() < limit;
            operations.truncate(limit);
            let up_to = match operations.last() {
                Some(last) if !whole => last.seq,
                _ => super::read::last(db)?,
            };
            Ok(OpenPage {
                operations,
                up_to,
                whole,
            })
        })
    }

    /// Counts the open operations of a connector after a number.
    pub(crate) fn open_count(
        &self,
        connector: &ConnectorRef,
        after: u64,
    ) -> Result<usize, JournalError> {
        self.with(|db| {
            let count: i64 = db
                .prepare_cached(
                    "SELECT count(*) FROM operations
                     WHERE state IN (0, 1, 2, 3, 4) AND state <> 5 AND seq > ?1 AND connector = ?2",
                )?
                .query_row(params![signed(after), connector.to_string()], |row| {
                    row.get(0)
                })?;
            Ok(usize::try_from(count).unwrap_or(0))
        })
    }

    /// Returns operations that were under way when their process ended.
    pub(crate) fn in_flight(&self, limit: usize) -> Result<Vec<Open>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {OPEN_COLUMNS} FROM operations WHERE state = 1 AND state <> 5 ORDER BY seq LIMIT ?1"
            ))?;
            let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(open(row)?);
            }
            Ok(out)
        })
    }

    /// Returns an operation whatever its state.
    pub(crate) fn head(&self, id: OperationId) -> Result<Option<Open>, JournalError> {
        self.with(|db| head(db, id))
    }

    /// Returns the operations of a flow in order, whatever their state.
    pub(crate) fn heads_of(&self, flow: FlowId) -> Result<Vec<Open>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {OPEN_COLUMNS} FROM operations WHERE {OF_FLOW} ORDER BY seq"
            ))?;
            let mut rows = statement.query([flow.0.as_bytes()])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(open(row)?);
            }
            Ok(out)
        })
    }

    /// Returns how an operation has fared, from its facts.
    pub(crate) fn course(&self, operation: &Open) -> Result<Course, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT seq, at, flow, format, body FROM facts WHERE flow = ?1
                    AND kind IN ('', 'attempt-started', 'asked', 'released', 'retried') ORDER BY seq",
            )?;
            let records = super::read::collect(statement.query([operation.flow.0.as_bytes()])?)?;
            let mut course = Course::default();
            for Record { at, fact, .. } in records {
                if fact.moves() != Some(operation.operation) {
                    continue;
                }
                match fact {
                    Fact::AttemptStarted { .. } => {
                        course.since.get_or_insert(at);
                        course.attempts += 1;
                        course.unanswered = 0;
                        course.last_started = Some(at);
                    }
                    Fact::Asked { answer, .. } => {
                        course.since.get_or_insert(at);
                        course.unanswered += u32::from(matches!(answer, Answer::Unanswered { .. }));
                    }
                    Fact::Released { .. } | Fact::Retried { .. } => {
                        course.since = None;
                        course.attempts = 0;
                        course.unanswered = 0;
                    }
                    _ => {}
                }
            }
            Ok(course)
        })
    }

    /// Returns the operation of a lane that ended while it was in doubt whether it had made an account.
    ///
    /// A later one that was done has looked since.
    pub(crate) fn left_in_doubt(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
    ) -> Result<Option<Open>, JournalError> {
        self.with(|db| in_doubt(db, &connector.to_string(), local))
    }

    /// Returns the accounts that may have been made by operations that ended in doubt, where none is linked.
    pub(crate) fn doubtful(
        &self,
        local: LocalRef,
    ) -> Result<Vec<(ConnectorRef, Desired)>, JournalError> {
        self.at_once(|db| {
            let mut statement = db.prepare_cached(
                "SELECT DISTINCT connector FROM operations o
                 WHERE local = ?1 AND state IN (6, 7) AND unsure & 1 AND NOT EXISTS
                    (SELECT 1 FROM links l WHERE l.local = o.local AND l.connector = o.connector)",
            )?;
            let mut rows = statement.query([local.uuid().as_bytes()])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let connector: String = row.get(0)?;
                if let Some(open) = in_doubt(db, &connector, local)?
                    && let Some(planned) = planned(db, open.operation)?
                {
                    out.push((open.connector, planned.desired));
                }
            }
            Ok(out)
        })
    }

    /// Tells whether somebody who is linked, or was, is here no longer and only left a deactivated account behind.
    pub(crate) fn has_left(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
    ) -> Result<bool, JournalError> {
        self.at_once(|db| has_left(db, &connector.to_string(), local))
    }

    /// Returns what an operation is to do.
    pub(crate) fn planned(&self, id: OperationId) -> Result<Option<Planned>, JournalError> {
        self.with(|db| planned(db, id))
    }

    /// Returns the links of a user or group, and what its newest open operation at each connector will have written.
    ///
    /// Both are of one moment: an operation that ends in between is seen either as open or by its link.
    pub(crate) fn standing(&self, local: LocalRef) -> Result<(Vec<Link>, Pending), JournalError> {
        self.at_once(|db| Ok((super::read::links_of(db, local)?, pending(db, local)?)))
    }

    /// Returns the newest operation of a lane with what it wrote or is to write.
    pub(crate) fn newest_in_lane(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
    ) -> Result<Option<(Open, Option<Planned>)>, JournalError> {
        self.with(|db| newest(db, connector, local, "", u64::MAX))
    }

    /// Returns the newest operation of a lane that has not ended.
    pub(crate) fn newest_open_in_lane(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
    ) -> Result<Option<(Open, Option<Planned>)>, JournalError> {
        self.with(|db| newest(db, connector, local, "AND state <= 4", u64::MAX))
    }

    /// Returns the operation of the same lane that was decided, or made to undo one, last before another one: those that
    /// only put a member into a group are passed over.
    pub(crate) fn decided_before(
        &self,
        operation: &Open,
    ) -> Result<Option<(Open, Option<Planned>)>, JournalError> {
        let Open {
            connector,
            local,
            seq,
            ..
        } = operation;
        let is_decided = "AND (nth IS NOT NULL OR undoes IS NOT NULL)";
        self.with(|db| newest(db, connector, *local, is_decided, *seq))
    }

    /// Returns the operation that another one undoes, as it was decided.
    pub(crate) fn undone_by(
        &self,
        undo: OperationId,
    ) -> Result<Option<(Open, Planned)>, JournalError> {
        self.with(|db| {
            let id: Option<[u8; 16]> = db
                .prepare_cached(
                    "SELECT undoes FROM operations WHERE id = ?1 AND undoes IS NOT NULL",
                )?
                .query_row([undo.0.as_bytes()], |row| row.get(0))
                .optional()?;
            let Some(id) = id else {
                return Ok(None);
            };
            let undone = OperationId(code::uuid(&id)?);
            Ok(head(db, undone)?.zip(planned(db, undone)?))
        })
    }

    /// Returns what was decided about a lane between two of its operations, and was done, by requests that were not
    /// refused.
    pub(crate) fn decided_between(
        &self,
        earlier: &Open,
        later: &Open,
    ) -> Result<Vec<Planned>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT body_seq, nth FROM operations o
                 WHERE local = ?1 AND connector = ?2 AND seq > ?3 AND seq < ?4 AND state = 5 AND nth IS NOT NULL
                    AND NOT EXISTS (SELECT 1 FROM waits w WHERE w.flow = o.flow AND w.verdict = 2)",
            )?;
            let mut rows = statement.query(params![
                later.local.uuid().as_bytes(),
                later.connector.to_string(),
                signed(earlier.seq),
                signed(later.seq)
            ])?;
            let mut decided = Vec::new();
            while let Some(row) = rows.next()? {
                decided.extend(body(db, row.get(0)?, row.get(1)?)?);
            }
            Ok(decided)
        })
    }

    /// Returns the operation of the same lane that was done after another one, if there is one.
    pub(crate) fn done_after(&self, operation: &Open) -> Result<Option<OperationId>, JournalError> {
        self.with(|db| {
            let found: Option<[u8; 16]> = db
                .prepare_cached(
                    "SELECT id FROM operations WHERE local = ?1 AND connector = ?2 AND seq > ?3 AND state = 5
                     ORDER BY seq DESC LIMIT 1",
                )?
                .query_row(
                    params![
                        operation.local.uuid().as_bytes(),
                        operation.connector.to_string(),
                        signed(operation.seq)
                    ],
                    |row| row.get(0),
                )
                .optional()?;
            found
                .map(|id| code::uuid(&id).map(OperationId))
                .transpose()
        })
    }

    /// Returns who else holds, or is about to hold, one of these names.
    ///
    /// The deactivated account of somebody who is here no longer is left out: at the target it is found, and
    /// `on_existing` decides.
    pub(crate) fn owners(
        &self,
        names: &[(ConnectorRef, String)],
        except: LocalRef,
    ) -> Result<Vec<Owner>, JournalError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        self.at_once(|db| {
            let mut linked = db.prepare_cached(
                "SELECT object, local FROM links WHERE connector = ?1 AND remote_key = ?2",
            )?;
            let mut coming = db.prepare_cached(
                "SELECT object, local FROM operations
                 WHERE connector = ?1 AND remote_key = ?2 AND state <= 4 AND verb <> 2",
            )?;
            let mut out: Vec<Owner> = Vec::new();
            for (connector, name) in names {
                let at = connector.to_string();
                let name = key(name);
                for (is_link, statement) in [(true, &mut linked), (false, &mut coming)] {
                    let mut rows = statement.query(params![at, name])?;
                    while let Some(row) = rows.next()? {
                        let id = code::uuid(&row.get::<_, [u8; 16]>(1)?)?;
                        let local = code::local(row.get(0)?, id);
                        let known = out.iter().any(|owner| {
                            owner.local == local
                                && owner.connector == *connector
                                && owner.remote_name == name
                        });
                        if local == except || known || leaves(db, &at, local, &name)? {
                            continue;
                        }
                        if !is_link || !has_left(db, &at, local)? {
                            out.push(Owner {
                                connector: connector.clone(),
                                remote_name: name.clone(),
                                local,
                                name: local_name(db, local)?,
                            });
                        }
                    }
                }
            }
            Ok(out)
        })
    }

    /// Tells whether whoever is linked under a name is about to let go of it: deleted there, or renamed.
    pub(crate) fn is_being_freed(
        &self,
        connector: &ConnectorRef,
        name: &str,
        except: LocalRef,
    ) -> Result<bool, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT object, local FROM links WHERE connector = ?1 AND remote_key = ?2",
            )?;
            let at = connector.to_string();
            let name = key(name);
            let mut rows = statement.query(params![at, name])?;
            while let Some(row) = rows.next()? {
                let id = code::uuid(&row.get::<_, [u8; 16]>(1)?)?;
                let local = code::local(row.get(0)?, id);
                if local != except && leaves(db, &at, local, &name)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Tells whether another of ours with an operation under this name is about to let go of it.
    ///
    /// The operation may have been carried out although no link says so yet.
    pub(crate) fn is_passed_through(
        &self,
        connector: &ConnectorRef,
        name: &str,
        except: LocalRef,
    ) -> Result<bool, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT object, local FROM operations
                 WHERE connector = ?1 AND remote_key = ?2 AND state <= 4",
            )?;
            let at = connector.to_string();
            let name = key(name);
            let mut rows = statement.query(params![at, name])?;
            while let Some(row) = rows.next()? {
                let id = code::uuid(&row.get::<_, [u8; 16]>(1)?)?;
                let local = code::local(row.get(0)?, id);
                if local != except && leaves(db, &at, local, &name)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Returns another of ours whose request under this name is under way or in doubt, and so may have made what is there.
    pub(crate) fn may_have_made(
        &self,
        connector: &ConnectorRef,
        name: &str,
        except: LocalRef,
    ) -> Result<Option<LocalRef>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT object, local FROM operations
                 WHERE connector = ?1 AND remote_key = ?2 AND state <= 4 AND (unsure & 1 OR state = ?3)",
            )?;
            let in_flight = code::state_code(State::InFlight);
            let mut rows = statement.query(params![connector.to_string(), key(name), in_flight])?;
            while let Some(row) = rows.next()? {
                let id = code::uuid(&row.get::<_, [u8; 16]>(1)?)?;
                let local = code::local(row.get(0)?, id);
                if local != except {
                    return Ok(Some(local));
                }
            }
            Ok(None)
        })
    }

    /// Tells whether a later operation of the same lane lets go of a name.
    pub(crate) fn is_letting_go(
        &self,
        connector: &ConnectorRef,
        name: &str,
        local: LocalRef,
    ) -> Result<bool, JournalError> {
        self.with(|db| leaves(db, &connector.to_string(), local, &key(name)))
    }

    /// Returns the groups that a user is in.
    pub(crate) fn groups_with(&self, member: UserId) -> Result<Vec<GroupId>, JournalError> {
        self.with(|db| {
            let mut statement =
                db.prepare_cached("SELECT grp FROM memberships WHERE member = ?1")?;
            let mut rows = statement.query([member.0.as_bytes()])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(GroupId(code::uuid(&row.get::<_, [u8; 16]>(0)?)?));
            }
            Ok(out)
        })
    }

    /// Returns the local user or group that is linked to an account.
    pub(crate) fn linked_to(
        &self,
        connector: &ConnectorRef,
        remote: &RemoteId,
    ) -> Result<Option<LocalRef>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT object, local FROM links WHERE connector = ?1 AND remote_id = ?2 LIMIT 1",
            )?;
            let mut rows = statement.query(params![connector.to_string(), remote.0])?;
            match rows.next()? {
                Some(row) => {
                    let id = code::uuid(&row.get::<_, [u8; 16]>(1)?)?;
                    Ok(Some(code::local(row.get(0)?, id)))
                }
                None => Ok(None),
            }
        })
    }

    /// Returns which of some connectors to the same target keeps the account of a link: has it linked and in use for somebody
    /// who is here, and has no newest operation on its way that takes it away.
    ///
    /// A target may count from one in each tenant, so the same id counts only for the same user or group, or under the same
    /// name.
    pub(crate) fn keeper(
        &self,
        link: &Link,
        connectors: &[ConnectorRef],
    ) -> Result<Option<ConnectorRef>, JournalError> {
        if connectors.is_empty() {
            return Ok(None);
        }
        self.at_once(|db| {
            let mut statement = db
                .prepare_cached("SELECT body FROM links WHERE connector = ?1 AND remote_id = ?2")?;
            for connector in connectors {
                let rows = statement.query(params![connector.to_string(), link.remote_id.0])?;
                let others: Vec<Link> = super::read::brought(db, rows)?;
                for other in others {
                    let is_one = other.local == link.local
                        || other.local.object() == link.local.object()
                            && key(&other.remote_name) == key(&link.remote_name);
                    if is_one && other.active && !other.gone && stays(db, &other)? {
                        return Ok(Some(other.connector));
                    }
                }
            }
            Ok(None)
        })
    }

    /// Returns the waits that were open when the process ended, and the refusals that still have open operations.
    pub(crate) fn unresolved(&self) -> Result<Vec<Unresolved>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(
                "SELECT w.flow, w.reject, w.verdict FROM waits w
                 WHERE w.verdict = 0 OR (w.verdict = 2 AND EXISTS
                    (SELECT 1 FROM facts f CROSS JOIN operations o ON o.seq >= f.seq AND o.seq < f.seq + f.count
                     WHERE f.flow = w.flow AND o.state <= 4))",
            )?;
            let mut rows = statement.query([])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(Unresolved {
                    flow: FlowId(code::uuid(&row.get::<_, [u8; 16]>(0)?)?),
                    on_failure: if row.get(1)? {
                        OnFailure::Reject
                    } else {
                        OnFailure::Accept
                    },
                    refused: row.get::<_, i64>(2)? == 2,
                });
            }
            Ok(out)
        })
    }

    /// Tells whether a flow's caller was refused.
    pub(crate) fn is_refused(&self, flow: FlowId) -> Result<bool, JournalError> {
        self.with(|db| {
            Ok(db
                .prepare_cached("SELECT 1 FROM waits WHERE flow = ?1 AND verdict = 2")?
                .exists([flow.0.as_bytes()])?)
        })
    }

    /// Returns the held operations, a page at a time.
    pub(crate) fn held(&self, after: u64, limit: usize) -> Result<Vec<Open>, JournalError> {
        self.with(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {OPEN_COLUMNS} FROM operations WHERE state = 4 AND state <> 5 AND seq > ?1 ORDER BY seq LIMIT ?2"
            ))?;
            let mut rows = statement.query(params![
                signed(after),
                i64::try_from(limit).unwrap_or(i64::MAX)
            ])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(open(row)?);
            }
            Ok(out)
        })
    }
}

/// A refused request's update that is still under way is taken back as soon as it has ended, so it is not counted on.
fn pending(db: &Connection, local: LocalRef) -> Result<Pending, JournalError> {
    let mut statement = db.prepare_cached(
        "SELECT connector, verb, body_seq, nth FROM operations o
         WHERE local = ?1 AND state <= 4 AND (verb <> ?2 OR undoes IS NOT NULL
            OR NOT EXISTS (SELECT 1 FROM waits w WHERE w.flow = o.flow AND w.verdict = 2))
         ORDER BY connector, seq",
    )?;
    let mut rows = statement.query(params![
        local.uuid().as_bytes(),
        code::verb_code(Verb::Update)
    ])?;
    let mut newest: Vec<(ConnectorRef, i64, i64, Option<i64>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let connector = code::connector(&row.get::<_, String>(0)?)?;
        newest.retain(|(known, ..)| *known != connector);
        newest.push((connector, row.get(1)?, row.get(2)?, row.get(3)?));
    }
    let mut out = Pending::new();
    for (connector, verb, seq, nth) in newest {
        let desired = match code::verb(verb) {
            Verb::Create | Verb::Update => body(db, seq, nth)?.map(|planned| planned.desired),
            Verb::Deprovision => None,
        };
        out.push((connector, desired));
    }
    Ok(out)
}

fn open(row: &Row<'_>) -> Result<Open, JournalError> {
    let id = |at| -> Result<uuid::Uuid, JournalError> { code::uuid(&row.get::<_, [u8; 16]>(at)?) };
    let doubt = Doubt::of_code(row.get(12)?);
    Ok(Open {
        seq: unsigned(row.get(0)?),
        operation: OperationId(id(1)?),
        flow: FlowId(id(2)?),
        trigger: TriggerId(id(3)?),
        connector: code::connector(&row.get::<_, String>(4)?)?,
        local: code::local(row.get(5)?, id(6)?),
        name: QualifiedName::new(&row.get::<_, String>(7)?),
        life: code::life(
            row.get(8)?,
            row.get(9)?,
            row.get::<_, Option<String>>(10)?.as_deref(),
        ),
        attempts: row.get(11)?,
        unsure: doubt.is_any(),
        doubt,
        undoes: row.get(13)?,
        joins: row.get(14)?,
    })
}

pub(super) fn head(db: &Connection, id: OperationId) -> Result<Option<Open>, JournalError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {OPEN_COLUMNS} FROM operations WHERE id = ?1"
    ))?;
    let mut rows = statement.query([id.0.as_bytes()])?;
    rows.next()?.map(open).transpose()
}

pub(super) fn planned(db: &Connection, id: OperationId) -> Result<Option<Planned>, JournalError> {
    let found: Option<(i64, Option<i64>)> = db
        .prepare_cached("SELECT body_seq, nth FROM operations WHERE id = ?1")?
        .query_row([id.0.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        Some((seq, nth)) => body(db, seq, nth),
        None => Ok(None),
    }
}

/// Returns the newest operation of a lane before a number, of those that a condition leaves.
fn newest(
    db: &Connection,
    connector: &ConnectorRef,
    local: LocalRef,
    condition: &str,
    before: u64,
) -> Result<Option<(Open, Option<Planned>)>, JournalError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {OPEN_COLUMNS}, body_seq, nth FROM operations
         WHERE local = ?1 AND connector = ?2 AND seq < ?3 {condition} ORDER BY seq DESC LIMIT 1"
    ))?;
    let mut rows = statement.query(params![
        local.uuid().as_bytes(),
        connector.to_string(),
        signed(before)
    ])?;
    match rows.next()? {
        Some(row) => Ok(Some((open(row)?, body(db, row.get(15)?, row.get(16)?)?))),
        None => Ok(None),
    }
}

fn in_doubt(
    db: &Connection,
    connector: &str,
    local: LocalRef,
) -> Result<Option<Open>, JournalError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {OPEN_COLUMNS} FROM operations o
         WHERE local = ?1 AND connector = ?2 AND state IN (6, 7) AND unsure & 1 AND NOT EXISTS
            (SELECT 1 FROM operations later WHERE later.local = o.local AND later.connector = o.connector
                AND later.seq > o.seq AND later.state = 5)
         ORDER BY seq DESC LIMIT 1"
    ))?;
    let mut rows = statement.query(params![local.uuid().as_bytes(), connector])?;
    rows.next()?.map(open).transpose()
}

fn has_left(db: &Connection, connector: &str, local: LocalRef) -> Result<bool, JournalError> {
    let id = local.uuid();
    let is_open = db
        .prepare_cached(
            "SELECT 1 FROM operations WHERE local = ?1 AND connector = ?2 AND state <= 4",
        )?
        .exists(params![id.as_bytes(), connector])?;
    if is_open || is_here(db, local)? {
        return Ok(false);
    }
    let mut statement =
        db.prepare_cached("SELECT body FROM links WHERE local = ?1 AND connector = ?2")?;
    let rows = statement.query(params![id.as_bytes(), connector])?;
    let links: Vec<Link> = super::read::brought(db, rows)?;
    Ok(links.iter().all(|link| !link.active && !link.gone))
}

fn is_here(db: &Connection, local: LocalRef) -> Result<bool, JournalError> {
    let here = match local {
        LocalRef::User(_) => "SELECT 1 FROM users WHERE id = ?1",
        LocalRef::Group(_) => "SELECT 1 FROM groups WHERE id = ?1",
    };
    Ok(db.prepare_cached(here)?.exists([local.uuid().as_bytes()])?)
}

/// Tells whether the account of a link is to stay: whose it is is here, and the newest operation that is owed there does not
/// take it away. A dead letter is owed: that the account could not be taken away is no wish to keep it.
fn stays(db: &Connection, link: &Link) -> Result<bool, JournalError> {
    if !is_here(db, link.local)? {
        return Ok(false);
    }
    let newest: Option<i64> = db
        .prepare_cached(
            "SELECT verb FROM operations
             WHERE local = ?1 AND connector = ?2 AND (state <= 4 OR state = ?3) ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(
            params![
                link.local.uuid().as_bytes(),
                link.connector.to_string(),
                code::state_code(State::Dead)
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(newest.is_none_or(|verb| code::verb(verb) != Verb::Deprovision))
}

/// Tells whether the newest open operation of a lane lets go of a name.
fn leaves(
    db: &Connection,
    connector: &str,
    local: LocalRef,
    name: &str,
) -> Result<bool, JournalError> {
    let newest: Option<(i64, String, i64, Option<i64>)> = db
        .prepare_cached(
            "SELECT verb, remote_key, body_seq, nth FROM operations
             WHERE local = ?1 AND connector = ?2 AND state <= 4 ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![local.uuid().as_bytes(), connector], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((verb, wanted, seq, nth)) = newest else {
        return Ok(false);
    };
    if code::verb(verb) != Verb::Deprovision {
        return Ok(wanted != name);
    }
    // A deactivated account keeps a name, so only a deletion frees it for certain.
    let planned = body(db, seq, nth)?;
    Ok(planned.is_some_and(|planned| planned.deprovision == Deprovision::Delete))
}

/// Reads what an operation is to do from the fact that holds it.
fn body(db: &Connection, seq: i64, nth: Option<i64>) -> Result<Option<Planned>, JournalError> {
    let Some(fact) = pack::fact(db, seq)? else {
        return Ok(None);
    };
    Ok(match (fact, nth.map(usize::try_from)) {
        (Fact::Decided { mut decisions, .. }, Some(Ok(nth))) if nth < decisions.len() => {
            match decisions.swap_remove(nth).verdict {
                Verdict::Operation(planned) => Some(Arc::unwrap_or_clone(planned)),
                Verdict::Nothing(_) => None,
            }
        }
        (Fact::OperationQueued { queued }, _) => match queued.cause {
            Cause::Undoes { planned, .. } | Cause::MemberLinked { planned, .. } => Some(*planned),
            Cause::Decision(_) => None,
        },
        _ => None,
    })
}

/// Returns the name of whoever owns a remote name; a user whose creation is not made yet is known by its operation.
fn local_name(db: &Connection, local: LocalRef) -> Result<String, JournalError> {
    if let LocalRef::User(_) = local {
        let mut statement = db.prepare_cached("SELECT body FROM users WHERE id = ?1")?;
        let users: Vec<User> =
            super::read::brought(db, statement.query([local.uuid().as_bytes()])?)?;
        if let Some(user) = users.into_iter().next() {
            return Ok(user.name.to_string());
        }
    }
    let name: Option<String> = db
        .prepare_cached("SELECT name FROM operations WHERE local = ?1 ORDER BY seq DESC LIMIT 1")?
        .query_row([local.uuid().as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(name.unwrap_or_else(|| local.to_string()))
}
