//! The format of the file: which one this program writes, and how an older file is brought up to it.
//!
//! Each step runs in one transaction with its new number, so that a process that dies in between leaves the old format or
//! the new one. Before the first step the file is copied beside itself, for whoever has to go back to the older program.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::{JournalError, reconcile, schema};

/// The format that this program writes.
#[expect(
    clippy::cast_possible_wrap,
    reason = "the steps can be counted on two hands"
)]
pub(crate) const VERSION: i64 = STEPS.len() as i64;

/// Marks the file as one of ours (`application_id`): "outb".
const APPLICATION_ID: i64 = 0x6f75_7462;

/// The steps from one format to the next; the first makes an empty file into format 1.
///
/// A new format is a new step at the end, and a file of the last one in `fixtures/journal/`; a step is never changed.
const STEPS: &[Step] = &[
    Step::Tables(schema::FORMAT_1),
    Step::Rows(reconcile::introduce),
    Step::Tables(schema::FORMAT_3),
    Step::Tables(schema::STANDING),
    Step::Tables(schema::RETENTION),
    Step::Tables(schema::ONE_COPY),
    Step::Tables(schema::SHORTHAND),
];

/// How a file comes from one format to the next.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// By statements.
    Tables(&'static str),
    /// By reading and writing rows; what it returns is committed together with the new number.
    Rows(fn(&Transaction<'_>) -> Result<(), JournalError>),
}

/// Refuses a file that is not a journal or that a newer program wrote; returns its format, 0 for an empty file.
pub(super) fn check(connection: &Connection) -> Result<i64, JournalError> {
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: Option<i64> = connection
        .query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |row| row.get(0))
        .optional()?;
    if application != APPLICATION_ID && (application != 0 || tables.is_some()) {
        return Err(JournalError::NotAJournal);
    }
    if version > VERSION {
        return Err(JournalError::Newer {
            found: version,
            known: VERSION,
        });
    }
    Ok(version)
}

/// Refuses for reading what only a writer may bring up to date.
pub(super) fn check_for_reading(connection: &Connection) -> Result<(), JournalError> {
    match check(connection)? {
        0 => Err(JournalError::NotAJournal),
        VERSION => Ok(()),
        found => Err(JournalError::Older {
            found,
            known: VERSION,
        }),
    }
}

/// Makes the tables of an empty file that is kept nowhere.
pub(super) fn make(connection: &mut Connection) -> Result<(), JournalError> {
    run(connection, STEPS, 0, 0)
}

/// Brings a file to the present format; an older one is copied first.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    now: i64,
) -> Result<(), JournalError> {
    migrate_by(connection, path, STEPS, now)
}

fn migrate_by(
    connection: &mut Connection,
    path: &Path,
    steps: &[Step],
    now: i64,
) -> Result<(), JournalError> {
    let found = check(connection)?;
    let is_old = usize::try_from(found).is_ok_and(|found| found < steps.len());
    if found > 0 && is_old {
        let copy = keep_copy(connection, path, found)?;
        tracing::info!(from = found, to = steps.len(), copy = %copy.display(), "the journal is brought to the present format; the copy has the old one");
    }
    run(connection, steps, found, now)
}

fn run(
    connection: &mut Connection,
    steps: &[Step],
    found: i64,
    now: i64,
) -> Result<(), JournalError> {
    let first = usize::try_from(found).map_err(|_| JournalError::NotAJournal)?;
    for (step, version) in steps.iter().skip(first).zip(found + 1..) {
        let transaction = connection.transaction()?;
        match step {
            Step::Tables(statements) => transaction.execute_batch(statements)?,
            Step::Rows(rewrite) => rewrite(&transaction)?,
        }
        transaction.execute(
            "INSERT INTO migrations (version, at) VALUES (?1, ?2)",
            [version, now],
        )?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Copies the file under `NAME.format-N`, readable by its owner only; a copy that is there already is the one to keep.
fn keep_copy(connection: &Connection, path: &Path, format: i64) -> Result<PathBuf, JournalError> {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".format-{format}{ending}"));
        PathBuf::from(name)
    };
    let (copy, part) = (beside(""), beside(".part"));
    if copy.exists() {
        return Ok(copy);
    }
    let failed = |told: String| JournalError::Unusable {
        path: path.display().to_string(),
        told: format!(
            "it has format {format}, and before it is brought to format {VERSION} a copy is kept as {}, which failed ({told}); nothing was changed",
            copy.display()
        ),
    };
    let written = || -> std::io::Result<()> {
        if part.exists() {
            std::fs::remove_file(&part)?; // an earlier process died while it wrote this
        }
        super::write::make_private(&part)
    };
    written().map_err(|error| failed(error.to_string()))?;
    connection
        .execute("VACUUM INTO ?1", [part.to_string_lossy()])
        .map_err(|error| failed(error.to_string()))?;
    std::fs::rename(&part, &copy).map_err(|error| failed(error.to_string()))?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(path: &Path) -> Connection {
        let mut connection = Connection::open(path).unwrap();
        migrate(&mut connection, path, 1).unwrap();
        connection
    }

    fn mark(transaction: &Transaction<'_>) -> Result<(), JournalError> {
        transaction.execute("UPDATE roles SET name = name || '-marked'", [])?;
        Ok(())
    }

    fn fail(transaction: &Transaction<'_>) -> Result<(), JournalError> {
        transaction.execute("DELETE FROM roles", [])?;
        Err(JournalError::NotAJournal)
    }

    fn roles(path: &Path) -> (i64, Vec<String>) {
        let connection = Connection::open(path).unwrap();
        let version = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        let mut statement = connection.prepare("SELECT name FROM roles").unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        (version, names.map(Result::unwrap).collect())
    }

    #[test]
    fn an_older_file_is_copied_and_then_brought_up_to_date_in_one_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let mut connection = journal(&path);
        connection
            .execute("INSERT INTO roles VALUES ('manager')", [])
            .unwrap();
        let (now, next) = (VERSION, VERSION + 1);
        let copy = folder.path().join(format!("journal.db.format-{now}"));

        let mut bad = STEPS.to_vec();
        bad.push(Step::Rows(fail));
        migrate_by(&mut connection, &path, &bad, 2).unwrap_err();
        assert_eq!(roles(&path), (now, vec!["manager".to_owned()]));

        let mut good = STEPS.to_vec();
        good.push(Step::Rows(mark));
        migrate_by(&mut connection, &path, &good, 3).unwrap();
        assert_eq!(roles(&path), (next, vec!["manager-marked".to_owned()]));
        assert_eq!(roles(&copy), (now, vec!["manager".to_owned()]));

        let refused = Connection::open(&path).unwrap();
        assert!(matches!(
            check(&refused),
            Err(JournalError::Newer { found, .. }) if found == next
        ));
    }

    #[test]
    fn without_a_copy_nothing_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let mut connection = journal(&path);
        // Where the copy would be written there is a folder that is in the way.
        let part = folder
            .path()
            .join(format!("journal.db.format-{VERSION}.part"));
        std::fs::create_dir(&part).unwrap();
        let mut steps = STEPS.to_vec();
        steps.push(Step::Rows(mark));
        let error = migrate_by(&mut connection, &path, &steps, 2).unwrap_err();
        assert!(error.to_string().contains("nothing was changed"), "{error}");
        assert_eq!(roles(&path).0, VERSION);
    }
}
