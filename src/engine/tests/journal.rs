//! The journal file: who may open it, what it refuses, and that its tables are a fold of its facts.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Group, Link, User};

use super::double::{down, rejected};
use super::world::{World, full};
use crate::{
    DirectoryChange, Engine, ExchangeFilter, Fact, JournalError, Life, News, OperationFilter, Page,
    Reader, StartError,
};

#[tokio::test]
async fn a_second_engine_on_the_same_file_is_refused_with_the_number_of_the_first() {
    let world = World::new().await;
    let error = Engine::start(world.options()).await.unwrap_err();
    let StartError::Journal(JournalError::InUse { pid, .. }) = &error else {
        panic!("{error}");
    };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(error.to_string().contains("in use by process"));
    world.engine.shutdown().await;
    Engine::start(world.options()).await.unwrap();
}

#[tokio::test]
async fn a_file_of_a_newer_format_or_of_something_else_is_refused_with_a_clear_word() {
    let world = World::new().await;
    let path = world.options().journal;
    world.engine.shutdown().await;
    let file = rusqlite::Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    let error = Engine::start(world.options()).await.unwrap_err();
    let known = crate::journal::FORMAT;
    assert_eq!(
        error.to_string(),
        format!(
            "the journal has format 99, and this program knows formats up to {known}; use a newer one"
        )
    );
    assert!(matches!(
        Reader::open(&path),
        Err(JournalError::Newer { found: 99, .. })
    ));
    let other = world.folder.path().join("other.db");
    let file = rusqlite::Connection::open(&other).unwrap();
    file.execute_batch("CREATE TABLE mine (x)").unwrap();
    drop(file);
    assert_eq!(Reader::open(&other).unwrap_err(), JournalError::NotAJournal);
    let text = world.folder.path().join("text.db");
    std::fs::write(&text, "this is no database at all, but a long enough text").unwrap();
    assert!(Reader::open(&text).is_err());
    assert!(Reader::open(&world.folder.path().join("missing.db")).is_err());
}

#[tokio::test]
async fn a_reader_works_beside_the_engine_and_without_it() {
    let world = World::new().await;
    let outcome = world.create("kim").await;
    world.settle().await;
    let path = world.options().journal;
    let beside = Reader::open(&path).unwrap();
    assert_eq!(beside.user_count().unwrap(), 1);
    world.engine.shutdown().await;
    let without = Reader::open(&path).unwrap();
    assert!(without.trace(outcome.flow).unwrap().is_some());
    assert_eq!(without.counts().unwrap()[&full()].values().sum::<u64>(), 1);
}

#[tokio::test]
async fn lists_are_paged_by_number_and_exchanges_are_filtered() {
    let world = World::new().await;
    world.full.on_write([rejected()]);
    for name in ["a", "b", "c"] {
        world.create(name).await;
        world.settle().await;
    }
    let reader = world.reader();
    let first = reader.flows(Page::newest(2)).unwrap();
    assert_eq!(first.len(), 2);
    let rest = reader.flows(Page::before(first[1].seq, 2)).unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].triggers[0].subject_name.name, "a");
    let at_full = ExchangeFilter {
        connector: Some(full()),
        ..ExchangeFilter::default()
    };
    let exchanges = reader.exchanges(&at_full, Page::newest(2)).unwrap();
    assert_eq!(exchanges.len(), 2);
    assert!(exchanges[0].seq > exchanges[1].seq);
    let one = reader.exchange(exchanges[0].seq).unwrap().unwrap();
    assert_eq!(one, exchanges[0]);
    let unanswered = ExchangeFilter {
        unanswered: true,
        status: None,
        ..ExchangeFilter::default()
    };
    assert_eq!(
        reader
            .exchanges(&unanswered, Page::newest(9))
            .unwrap()
            .len(),
        6
    );
    assert_eq!(
        reader
            .operations(&OperationFilter::default(), Page::newest(4))
            .unwrap()
            .len(),
        4
    );
    let links = reader.links(None, None, 2).unwrap();
    let last = links.last().unwrap();
    let more = reader
        .links(None, Some((last.local, &last.connector)), 9)
        .unwrap();
    assert_eq!(links.len() + more.len(), 5);
}

#[tokio::test]
async fn subscribers_hear_of_requests_under_way_and_of_facts_and_how_many_they_missed() {
    let world = World::new().await;
    let mut news = world.engine.subscribe();
    world.create("kim").await;
    world.settle().await;
    let mut started = 0;
    let mut facts = Vec::new();
    while let Some(piece) = news.try_next() {
        match piece {
            News::Started(_) => started += 1,
            News::Fact(record) => facts.push(record.seq),
            News::Missed(_) => panic!("nothing was missed"),
        }
    }
    assert_eq!(started, 2);
    assert!(facts.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let mut slow = world.engine.subscribe();
    for at in 0..1200 {
        world.create(&format!("user{at}")).await;
    }
    world.settle().await;
    assert!(matches!(slow.next().await, Some(News::Missed(missed)) if missed > 0));
}

/// The tables, folded by hand from the facts.
#[derive(Default)]
pub(super) struct Folded {
    lives: BTreeMap<domain::OperationId, Life>,
    links: BTreeMap<(domain::LocalRef, domain::ConnectorRef), Link>,
    users: BTreeMap<domain::UserId, User>,
    groups: BTreeMap<domain::GroupId, Group>,
    roles: BTreeSet<domain::RoleName>,
}

impl Folded {
    pub(super) fn of(reader: &Reader) -> Self {
        let mut folded = Self::default();
        for record in reader.export(0) {
            folded.add(record.unwrap().fact);
        }
        folded
    }

    fn add(&mut self, fact: Fact) {
        if let Some(id) = fact.moves() {
            let life = Life::after(self.lives.get(&id).copied(), &fact).unwrap();
            self.lives.insert(id, life);
        }
        match fact {
            Fact::Linked { link } => {
                self.links
                    .insert((link.local, link.connector.clone()), *link);
            }
            Fact::Unlinked { link } => {
                self.links.remove(&(link.local, link.connector.clone()));
            }
            Fact::DirectoryChanged { changes } => {
                for change in changes {
                    self.change(change);
                }
            }
            _ => {}
        }
    }

    fn change(&mut self, change: DirectoryChange) {
        match change {
            DirectoryChange::UserPut(user) => {
                self.users.insert(user.id, user);
            }
            DirectoryChange::UserRemoved(id) => {
                self.users.remove(&id);
                for group in self.groups.values_mut() {
                    group.members.remove(&id);
                }
            }
            DirectoryChange::GroupPut { id, name } => {
                let members = self
                    .groups
                    .remove(&id)
                    .map(|group| group.members)
                    .unwrap_or_default();
                self.groups.insert(id, Group { id, name, members });
            }
            DirectoryChange::GroupRemoved(id) => {
                self.groups.remove(&id);
            }
            DirectoryChange::MembersChanged {
                group,
                added,
                removed,
            } => {
                if let Some(group) = self.groups.get_mut(&group) {
                    let users = &self.users;
                    group
                        .members
                        .extend(added.into_iter().filter(|id| users.contains_key(id)));
                    group.members.retain(|id| !removed.contains(id));
                }
            }
            DirectoryChange::RolePut(role) => {
                self.roles.insert(role);
            }
            DirectoryChange::RoleRenamed { role, to } => {
                self.roles.remove(&role);
                self.roles.insert(to);
            }
            DirectoryChange::RoleRemoved(role) => {
                self.roles.remove(&role);
            }
        }
    }

    /// Compares with the tables.
    pub(super) fn check(&self, reader: &Reader) {
        let mut listed = 0;
        for (id, life) in &self.lives {
            let view = reader.operation(*id).unwrap().unwrap();
            assert_eq!(view.life, *life, "operation {id}");
            listed += 1;
        }
        let counted: u64 = reader
            .counts()
            .unwrap()
            .values()
            .flat_map(BTreeMap::values)
            .sum();
        assert_eq!(counted, listed);
        let links = reader.links(None, None, usize::MAX).unwrap();
        assert_eq!(links.len(), self.links.len());
        for link in links {
            assert_eq!(self.links[&(link.local, link.connector.clone())], link);
        }
        let users = reader.users(None, usize::MAX).unwrap();
        assert_eq!(users.len(), self.users.len());
        for user in users {
            let groups = self
                .groups
                .values()
                .filter(|group| group.members.contains(&user.id))
                .map(|group| group.name.clone())
                .collect();
            let folded = User {
                groups,
                ..self.users[&user.id].clone()
            };
            assert_eq!(folded, user);
        }
        let groups = reader.groups(None, usize::MAX).unwrap();
        assert_eq!(groups.len(), self.groups.len());
        for group in groups {
            assert_eq!(self.groups[&group.id], group);
        }
        let roles: Vec<_> = self.roles.iter().cloned().collect();
        assert_eq!(reader.roles().unwrap(), roles);
    }
}

#[tokio::test]
async fn an_export_reads_back_as_the_same_facts_and_folds_to_the_same_tables() {
    let world = World::new().await;
    world.full.on_write([down(), rejected()]);
    world.create("kim").await;
    world.create("bob").await;
    world.mail("kim", "new@acme.example").await;
    world.delete("bob").await;
    world.settle().await;
    let reader = world.reader();
    for record in reader.export(0) {
        let record = record.unwrap();
        let line = serde_json::to_string(&record).unwrap();
        assert_eq!(
            serde_json::from_str::<crate::Record>(&line).unwrap(),
            record
        );
    }
    Folded::of(&reader).check(&reader);
    // Nothing had to be written as JSON: what the list of records says of each type is what the type holds.
    let file = rusqlite::Connection::open(world.options().journal).unwrap();
    let json = "SELECT count(*) FROM facts WHERE format < 2";
    let json: i64 = file.query_row(json, [], |row| row.get(0)).unwrap();
    assert_eq!(json, 0);
}

/// A journal as the program of another format left it.
fn fixture(format: i64) -> std::path::PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/journal");
    std::path::Path::new(folder).join(format!("format-{format}.journal"))
}

#[tokio::test]
async fn a_journal_of_any_older_format_is_brought_up_to_date_with_all_that_it_knows() {
    for format in 1..crate::journal::FORMAT {
        let mut world = World::new().await;
        world.engine.shutdown().await;
        let path = world.folder.path().join("old.db");
        std::fs::copy(fixture(format), &path).unwrap();
        assert!(matches!(
            Reader::open(&path),
            Err(JournalError::Older { found, .. }) if found == format
        ));
        let options = crate::Options {
            journal: path.clone(),
            ..world.options()
        };
        world.engine = Engine::start(options).await.unwrap();
        let reader = world.reader();
        assert!(reader.user(&"kim".into()).unwrap().is_some());
        Folded::of(&reader).check(&reader);
        for flow in reader.flows(Page::newest(100)).unwrap() {
            assert!(reader.trace(flow.flow).unwrap().is_some());
        }
        // Lee had an account at both targets until he was deleted.
        let ended: Vec<_> = reader
            .export(0)
            .filter_map(|record| match record.unwrap().fact {
                crate::Fact::Unlinked { link } => Some(link),
                _ => None,
            })
            .collect();
        assert_eq!(ended.len(), 2, "format {format}");
        for link in ended {
            let former = reader
                .former_link(&link.connector, &link.remote_id, link.local.object())
                .unwrap();
            assert_eq!(former.map(|(local, _)| local), Some(link.local));
        }
        let copy = format!("old.db.format-{format}");
        assert!(world.folder.path().join(copy).exists());
    }
}

#[tokio::test]
async fn a_journal_of_the_fourth_format_goes_on_where_it_stood() {
    let mut world = World::new().await;
    world.engine.shutdown().await;
    let path = world.folder.path().join("old.db");
    std::fs::copy(fixture(4), &path).unwrap();
    let options = crate::Options {
        journal: path.clone(),
        ..world.options()
    };
    world.engine = Engine::start(options).await.unwrap();
    let reader = world.reader();
    assert!(reader.user(&"kim".into()).unwrap().is_some());
    // Bob is a dead letter at one of the two targets, Lee came and went.
    let dead = OperationFilter {
        state: Some(crate::State::Dead),
        ..OperationFilter::default()
    };
    let dead = reader.operations(&dead, Page::newest(9)).unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(reader.links(None, None, 10).unwrap().len(), 3);
    assert_eq!(reader.kept().unwrap(), crate::Kept::default());
    Folded::of(&reader).check(&reader);
    world.engine.retry(dead[0].operation).await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["bob"]);
    let before = reader.last().unwrap();
    world
        .clock
        .advance(std::time::Duration::from_hours(100 * 24));
    let report = world.engine.compact(None).await.unwrap();
    assert!(report.removed.flows > 0);
    assert!(reader.last().unwrap() > before);
    assert!(world.folder.path().join("old.db.format-4").exists());
}

#[tokio::test]
async fn a_comparison_stops_and_goes_on_in_a_journal_of_the_sixth_format() {
    let mut world = World::with(super::world::only_full).await;
    world.create("kim").await;
    world.create("bob").await;
    world.settle().await;
    world.engine.shutdown().await;
    // As a program of that format left it: the next format only brought tables.
    let path = world.options().journal;
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch(
        "DROP TABLE unfinished_reconciles;
         DROP TABLE reconcile_seen;
         DELETE FROM migrations WHERE version = 7;
         PRAGMA user_version = 6;",
    )
    .unwrap();
    drop(file);
    assert!(matches!(
        Reader::open(&path),
        Err(JournalError::Older { found: 6, .. })
    ));
    world.engine = Engine::start(world.options()).await.unwrap();
    Folded::of(&world.reader()).check(&world.reader());
    world.clock.advance(std::time::Duration::from_mins(5));
    let budget = crate::ReadBudget {
        requests: 1,
        ..crate::ReadBudget::default()
    };
    let first = world.engine.reconcile(&full(), budget, false).await;
    let first = first.unwrap();
    assert!(first.tally.goes_on);
    let rest = world.engine.reconcile(&full(), budget, false).await;
    let rest = rest.unwrap();
    assert_eq!(rest.run, first.run);
    assert!(rest.tally.is_in_sync(), "{rest:?}");
    assert_eq!(rest.tally.in_sync, 2);
}

/// Writes what a journal holds as the first format had it: a row per fact, and everything as plain JSON.
fn as_first_format(from: &std::path::Path, to: &std::path::Path) {
    let reader = Reader::open(from).unwrap();
    let old = rusqlite::Connection::open(to).unwrap();
    old.pragma_update(None, "journal_mode", "WAL").unwrap();
    old.execute_batch(crate::journal::FORMAT_1).unwrap();
    old.execute("INSERT INTO migrations (version, at) VALUES (1, 0)", [])
        .unwrap();
    old.pragma_update(None, "application_id", 0x6f75_7462)
        .unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    let seq = |seq: u64| i64::try_from(seq).unwrap();
    for record in reader.export(0) {
        let record = record.unwrap();
        let body = serde_json::to_vec(&record.fact).unwrap();
        let flow = record.flow.map(|flow| *flow.0.as_bytes());
        let at = record.at.as_microsecond();
        old.execute(
            "INSERT INTO facts VALUES (?1, ?2, ?3, ?4, 0, ?5)",
            rusqlite::params![seq(record.seq), at, flow, record.fact.word(), body],
        )
        .unwrap();
        if let Fact::TriggerRecorded { trigger } = &record.fact {
            old.execute(
                "INSERT INTO triggers VALUES (?1, ?2, ?3, ?4, ?5)",
                rusqlite::params![
                    seq(record.seq),
                    trigger.id.0.as_bytes(),
                    flow,
                    at,
                    trigger.subject.uuid().as_bytes()
                ],
            )
            .unwrap();
        }
    }
    old.execute("ATTACH ?1 AS new", [from.to_str().unwrap()])
        .unwrap();
    for table in [
        "operations",
        "exchanges",
        "links",
        "users",
        "groups",
        "memberships",
        "roles",
        "waits",
        "holds",
    ] {
        let columns: String = old
            .query_row(
                "SELECT group_concat(name, ', ') FROM pragma_table_info(?1, 'main')",
                [table],
                |row| row.get(0),
            )
            .unwrap();
        old.execute(
            &format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}"),
            [],
        )
        .unwrap();
    }
    for link in reader.links(None, None, usize::MAX).unwrap() {
        old.execute(
            "UPDATE main.links SET body = ?1 WHERE local = ?2 AND connector = ?3",
            rusqlite::params![
                serde_json::to_vec(&link).unwrap(),
                link.local.uuid().as_bytes(),
                link.connector.to_string()
            ],
        )
        .unwrap();
    }
    for user in reader.users(None, usize::MAX).unwrap() {
        let kept = User {
            groups: std::collections::BTreeSet::new(),
            ..user
        };
        old.execute(
            "UPDATE main.users SET body = ?1 WHERE id = ?2",
            rusqlite::params![serde_json::to_vec(&kept).unwrap(), kept.id.0.as_bytes()],
        )
        .unwrap();
    }
}

#[tokio::test]
async fn a_journal_of_the_first_format_tells_the_same_and_goes_on() {
    let world = World::new().await;
    world.full.on_write([down(), rejected()]);
    world.create("kim").await;
    let bob = world.create("bob").await;
    world.mail("kim", "new@acme.example").await;
    world.settle().await;
    let told = |reader: &Reader| {
        let facts: Vec<crate::Record> = reader.export(0).map(Result::unwrap).collect();
        let flows = reader.flows(Page::newest(9)).unwrap();
        let exchanges = reader.exchanges(&ExchangeFilter::default(), Page::newest(9));
        let links = reader.links(None, None, 9).unwrap();
        (facts, flows, exchanges.unwrap(), links)
    };
    let path = world.options().journal;
    world.engine.shutdown().await;
    let before = told(&Reader::open(&path).unwrap());
    let old = world.folder.path().join("old.db");
    as_first_format(&path, &old);

    let options = crate::Options {
        journal: old.clone(),
        ..world.options()
    };
    let engine = Engine::start(options).await.unwrap();
    let reader = engine.reader();
    assert_eq!(told(&reader), before);
    Folded::of(&reader).check(&reader);
    assert_eq!(reader.facts_of(bob.flow).unwrap().len(), {
        let of_bob = before.0.iter();
        of_bob
            .filter(|record| record.flow == Some(bob.flow))
            .count()
    });
    // What is written now stands beside what stood there, in rows of several facts.
    let change = super::world::mail("bob", "bob@new.example");
    engine.submit(super::world::console(change)).await.unwrap();
    engine.idle().await;
    Folded::of(&reader).check(&reader);
    for page in [1, 2, 3, 7] {
        let mut after = 0;
        let mut seen = Vec::new();
        loop {
            let records = reader.facts_since(after, page).unwrap();
            let Some(last) = records.last() else { break };
            after = last.seq;
            seen.extend(records.iter().map(|record| record.seq));
        }
        assert_eq!(seen, (1..=reader.last().unwrap()).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_exchanges_of_one_operation_are_found_by_its_flow() {
    let world = World::new().await;
    world.full.on_write([rejected()]);
    let outcome = world.create("kim").await;
    world.settle().await;
    for operation in &outcome.operations {
        let only = ExchangeFilter {
            operation: Some(operation.operation),
            ..ExchangeFilter::default()
        };
        let exchanges = world.reader().exchanges(&only, Page::newest(9)).unwrap();
        assert_eq!(exchanges.len(), 1);
        assert_eq!(exchanges[0].operation, Some(operation.operation));
    }
}
