//! The tables, and how connections to them behave.

use rusqlite::Connection;

use super::JournalError;

/// `facts` is append-only; everything below it is a fold of the facts, made in the same transaction.
///
/// Ids are 16 bytes, instants are microseconds since 1970. `body_seq` and `nth` point at the fact that holds what an
/// operation is to do, so that nothing is written twice. The partial indexes hold open operations only and stay small.
pub(crate) const FORMAT_1: &str = "
CREATE TABLE facts (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    flow BLOB,
    kind TEXT NOT NULL,
    format INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX facts_by_flow ON facts (flow, seq) WHERE flow IS NOT NULL;

CREATE TABLE triggers (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    flow BLOB NOT NULL,
    at INTEGER NOT NULL,
    local BLOB NOT NULL
) STRICT;
CREATE INDEX triggers_by_flow ON triggers (flow);
CREATE INDEX triggers_by_subject ON triggers (local, seq);

CREATE TABLE operations (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    flow BLOB NOT NULL,
    trigger_id BLOB NOT NULL,
    connector TEXT NOT NULL,
    object INTEGER NOT NULL,
    local BLOB NOT NULL,
    name TEXT NOT NULL,
    remote_key TEXT NOT NULL,
    verb INTEGER NOT NULL,
    blocking INTEGER NOT NULL,
    undoes BLOB,
    body_seq INTEGER NOT NULL,
    nth INTEGER,
    queued_at INTEGER NOT NULL,
    state INTEGER NOT NULL,
    due INTEGER,
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_started INTEGER,
    unsure INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER,
    last_error TEXT
) STRICT;
CREATE INDEX operations_by_state ON operations (state, seq);
CREATE INDEX operations_by_lane ON operations (local, connector, seq);
CREATE INDEX operations_by_flow ON operations (flow);
CREATE INDEX operations_due ON operations (due) WHERE due IS NOT NULL;
CREATE INDEX operations_open_names ON operations (connector, remote_key) WHERE state <= 4;

CREATE TABLE exchanges (
    seq INTEGER PRIMARY KEY,
    operation BLOB,
    attempt INTEGER NOT NULL,
    connector TEXT NOT NULL,
    method TEXT NOT NULL,
    status INTEGER
) STRICT;
CREATE INDEX exchanges_by_operation ON exchanges (operation, seq) WHERE operation IS NOT NULL;

CREATE TABLE links (
    connector TEXT NOT NULL,
    local BLOB NOT NULL,
    object INTEGER NOT NULL,
    remote_id TEXT NOT NULL,
    remote_key TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (local, connector)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_name ON links (connector, remote_key);
CREATE INDEX links_by_remote ON links (connector, remote_id);

CREATE TABLE users (
    id BLOB PRIMARY KEY,
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX users_by_name ON users (key, store);

CREATE TABLE groups (
    id BLOB PRIMARY KEY,
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX groups_by_name ON groups (key, store);

CREATE TABLE memberships (
    member BLOB NOT NULL,
    grp BLOB NOT NULL,
    PRIMARY KEY (member, grp)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_group ON memberships (grp, member);

CREATE TABLE roles (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE waits (
    flow BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,
    reject INTEGER NOT NULL,
    verdict INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX waits_open ON waits (verdict) WHERE verdict <> 1;

CREATE TABLE holds (
    connector TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (connector, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE migrations (
    version INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
";

/// Facts that are committed together share a row of `facts`: `count` of them, from `seq` on; `kind` is empty when there are
/// several. Bodies are packed from now on, and what an older program wrote is left as it is.
///
/// The indexes hold what is looked for while the engine works, and nothing for what has settled: writing a fact is mostly
/// writing its index entries. A flow's triggers and an operation's exchanges are found by the flow's facts.
pub(super) const FORMAT_3: &str = "
ALTER TABLE facts ADD COLUMN count INTEGER NOT NULL DEFAULT 1;

CREATE TABLE triggers_3 (
    seq INTEGER PRIMARY KEY,
    flow BLOB NOT NULL,
    at INTEGER NOT NULL,
    local BLOB NOT NULL,
    first INTEGER NOT NULL
) STRICT;
INSERT INTO triggers_3 (seq, flow, at, local, first)
    SELECT seq, flow, at, local, NOT EXISTS
        (SELECT 1 FROM triggers o WHERE o.flow = t.flow AND o.seq < t.seq)
    FROM triggers t;
DROP TABLE triggers;
ALTER TABLE triggers_3 RENAME TO triggers;
CREATE INDEX triggers_by_subject ON triggers (local, seq);

DROP INDEX exchanges_by_operation;
DROP INDEX operations_due;
DROP INDEX operations_by_state;
CREATE INDEX operations_by_state ON operations (state, seq, connector) WHERE state <> 5;
";

/// What stands at each connector until something ends it: a learnt limit, a quarantine, a brake and its approval. The
/// bodies are whole, so that they outlive the facts that they came of. The index finds what was taken away lately.
pub(super) const STANDING: &str = "
CREATE TABLE standing (
    connector TEXT NOT NULL,
    what TEXT NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (connector, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX operations_taking ON operations (queued_at) WHERE verb = 2 OR object = 1;
";

/// What was removed because it was old: one row. `kept_since` and `bodies_since` say from when on everything is still
/// there; `bared` (a flow) and `apart` (a fact) how far bodies and facts of no flow were looked at; the counts say what
/// was removed and is not told by a fact yet.
pub(super) const RETENTION: &str = "
CREATE TABLE retention (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    kept_since INTEGER,
    bodies_since INTEGER,
    bared BLOB NOT NULL,
    apart INTEGER NOT NULL,
    flows INTEGER NOT NULL,
    operations INTEGER NOT NULL,
    exchanges INTEGER NOT NULL,
    bodies INTEGER NOT NULL,
    facts INTEGER NOT NULL
) STRICT;
INSERT INTO retention VALUES (1, NULL, NULL, zeroblob(16), 0, 0, 0, 0, 0, 0);
";

/// The exchanges of an attempt share the row of what came of it, in front: `exchanges` of its `count` facts. (Those that an
/// older program wrote stand alone, and say so by their kind.)
///
/// The bodies of users and links may refer to the fact that brought them, so `active` says what is counted without reading
/// them; it is NULL where an older program wrote the link. A flow's operations are found by the facts that queued them.
pub(super) const ONE_COPY: &str = "
ALTER TABLE facts ADD COLUMN exchanges INTEGER NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN active INTEGER;
DROP INDEX operations_by_flow;
";

/// How far a comparison has come that is not at its end, and whose accounts it has seen: 16 bytes each, those of a page in
/// one row. From this format on facts are also written in shorthand (`shorthand/mod.rs`), which an older program cannot
/// read; what stands in a file stays as it is.
///
/// The tables are no fold of the facts: they are of use until the comparison ends, and without them it only begins anew.
pub(super) const UNFINISHED: &str = "
CREATE TABLE unfinished_reconciles (
    connector TEXT PRIMARY KEY,
    run BLOB NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reconcile_seen (
    connector TEXT NOT NULL,
    run BLOB NOT NULL,
    object INTEGER NOT NULL,
    locals BLOB NOT NULL
) STRICT;
CREATE INDEX reconcile_seen_by_connector ON reconcile_seen (connector);
";

/// Sets how a connection that may write behaves.
pub(super) fn prepare_writer(connection: &Connection) -> Result<(), JournalError> {
    // Of effect in a new file only, or when an older one is written anew: room that is not used is given back in steps.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Sets how a connection that only reads behaves.
pub(super) fn prepare_reader(connection: &Connection) -> Result<(), JournalError> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -4_000)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}
