//! What is old goes, what is needed stays, and nothing is ever half removed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{Change, Clock, FlowId, LocalRef, ManualClock, Object, RetentionPolicy, Wake};
use tokio::sync::watch;

use super::double::rejected;
use super::world::{World, full, plain};
use crate::journal::{FormerKey, Step};
use crate::{
    Compaction, CompactionCause, Engine, Fact, Outcome, Reader, State, write_made_up_journal,
};

const DAY: Duration = Duration::from_hours(24);

fn compactions(reader: &Reader) -> Vec<Compaction> {
    reader
        .export(0)
        .filter_map(|record| match record.unwrap().fact {
            Fact::Compacted { compaction } => Some(compaction),
            _ => None,
        })
        .collect()
}

/// The number of the fact that tells of the newest one; older ones go with what is old.
fn newest_compaction(reader: &Reader) -> Option<u64> {
    reader
        .export(0)
        .map(|record| record.unwrap())
        .filter(|record| matches!(record.fact, Fact::Compacted { .. }))
        .map(|record| record.seq)
        .last()
}

/// Nothing is removed by itself.
async fn by_hand() -> World {
    World::with(|configuration| configuration.engine.retention.enabled = false).await
}

fn exchanges(world: &World, outcome: &Outcome) -> usize {
    let trace = world.trace(outcome);
    let attempts = trace
        .operations
        .iter()
        .flat_map(|operation| &operation.attempts);
    attempts.map(|attempt| attempt.exchanges.len()).sum()
}

/// Does what a running engine does every hour.
async fn remove_old(world: &World) {
    let inner = world.engine.inner_for_tests();
    let mut too_large = inner.compacting.lock().await;
    inner.remove_old(&mut too_large).await.unwrap();
}

/// Tells of the last walk after which the file was too large still.
async fn walked(world: &World) -> String {
    let inner = world.engine.inner_for_tests();
    let walked = inner.compacting.lock().await;
    format!("{walked:?}")
}

fn is_kept(world: &World, flow: FlowId) -> bool {
    world.reader().trace(flow).unwrap().is_some()
}

#[tokio::test]
async fn what_has_settled_goes_and_what_tells_how_accounts_stand_stays() {
    let mut world = by_hand().await;
    let created = world.create("kim").await;
    world.settle().await;
    let changed = world.mail("kim", "new@acme.example").await;
    let came = world.create("lee").await;
    world.settle().await;
    let left = world.delete("lee").await;
    world.settle().await;
    world.full.on_write([rejected()]);
    let refused = world.create("bob").await;
    world.settle().await;
    world.mail("bob", "first@acme.example").await;
    world.settle().await;
    let mended = world.mail("bob", "robert@acme.example").await;
    world.settle().await;
    world.create("ann").await;
    world.settle().await;
    // Nothing follows from this at a target, so that all of it goes; what it brought is known all the same.
    let named = world
        .submit(Change::UpdateUser {
            user: "ann".into(),
            set: domain::Claims::from([("nickname".into(), vec!["annie".to_owned()])]),
            remove: std::collections::BTreeSet::new(),
            rename: None,
        })
        .await
        .unwrap();
    assert!(named.operations.is_empty());
    world.create("tim").await;
    world.settle().await;
    world.clock.advance(100 * DAY);
    let (users, links) = (
        world.reader().users(None, 10).unwrap(),
        world.reader().links(None, None, 10).unwrap(),
    );

    let preview = world.engine.compact_preview(None).await.unwrap();
    assert!(is_kept(&world, created.flow), "a preview removes nothing");
    let report = world.engine.compact(None).await.unwrap();
    assert_eq!(preview.removed, report.removed);
    assert!(!report.preview);
    assert_eq!(report.removed.cause, CompactionCause::ByHand);

    // How the accounts came to be is gone; how they stand is not, and who they belong to can still be told.
    assert!(!is_kept(&world, created.flow));
    assert!(!is_kept(&world, came.flow));
    assert!(!is_kept(&world, named.flow));
    for outcome in [&changed, &left, &mended] {
        assert!(!world.trace(outcome).operations.is_empty());
        assert_eq!(exchanges(&world, outcome), 0);
    }
    // A dead letter keeps what it was about.
    assert_eq!(world.lives(&refused, &full()), [State::Dead]);
    assert!(exchanges(&world, &refused) > 0);
    assert_eq!(world.reader().users(None, 10).unwrap(), users);
    assert_eq!(world.reader().links(None, None, 10).unwrap(), links);
    let kept = world.reader().kept().unwrap();
    assert!(kept.may_have_had(created.flow));
    assert_eq!(kept.since, Some(report.removed.before));
    assert_eq!(compactions(&world.reader()), [report.removed]);

    // Numbers go on, what follows works, and there is nothing to do a second time.
    let last = world.reader().last().unwrap();
    world.crash().await;
    assert_eq!(world.reader().last().unwrap(), last);
    world.create("zoe").await;
    world.delete("kim").await;
    world.settle().await;
    assert_eq!(world.full.names(), ["ann", "bob", "tim", "zoe"]);
    let again = world.engine.compact(None).await.unwrap();
    assert_eq!(again.removed.flows, 1, "Kim's change was overtaken");
    let again = world.engine.compact(None).await.unwrap();
    assert!(again.removed.is_empty(), "{again:?}");
    assert_eq!(compactions(&world.reader()).len(), 2);
}

#[tokio::test]
async fn a_dead_letter_is_out_of_date_after_what_overtook_it_is_old() {
    let world = by_hand().await;
    let created = world.create("kim").await;
    world.settle().await;
    world.full.on_write([rejected()]);
    let refused = world.mail("kim", "one@acme.example").await;
    world.settle().await;
    world.mail("kim", "two@acme.example").await;
    world.settle().await;
    world.mail("kim", "three@acme.example").await;
    world.settle().await;
    world.clock.advance(100 * DAY);
    world.mail("kim", "four@acme.example").await;
    world.settle().await;
    world.engine.compact(None).await.unwrap();
    assert!(!is_kept(&world, created.flow));
    let letter = world.trace(&refused).operations[0].queued.operation;
    let error = world.engine.retry(letter).await.unwrap_err();
    assert!(
        matches!(error, crate::CommandError::Superseded { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn of_all_that_came_after_a_dead_letter_the_newest_that_was_done_stays() {
    let world = by_hand().await;
    world.create("kim").await;
    world.settle().await;
    world.full.on_write([rejected()]);
    let refused = world.mail("kim", "one@acme.example").await;
    world.settle().await;
    let mut done = Vec::new();
    for at in 2..5 {
        done.push(world.mail("kim", &format!("{at}@acme.example")).await);
        world.settle().await;
    }
    // What was given up after it says nothing of the letter.
    for connector in [full(), plain()] {
        world.engine.pause(&connector, "works on it").await.unwrap();
    }
    let given_up = world.mail("kim", "five@acme.example").await;
    for view in &given_up.operations {
        let discarded = world.engine.discard(view.operation, "not wanted").await;
        discarded.unwrap();
    }
    world.clock.advance(100 * DAY);
    world.engine.compact(None).await.unwrap();
    let kept: Vec<bool> = done.iter().map(|one| is_kept(&world, one.flow)).collect();
    assert_eq!(kept, [false, false, true]);
    assert!(is_kept(&world, given_up.flow), "the newest of its lane");
    let letter = world.trace(&refused).operations[0].queued.operation;
    let error = world.engine.retry(letter).await.unwrap_err();
    assert!(
        matches!(error, crate::CommandError::Superseded { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn the_end_of_a_link_is_forgotten_when_the_target_confirmed_that_the_account_is_gone() {
    // Nothing but the link that ended tells whose an account is.
    let world = World::keeping(false, |configuration| {
        configuration.engine.retention.enabled = false;
    })
    .await;
    for name in ["kim", "lee", "ann"] {
        world.create(name).await;
    }
    world.settle().await;
    let [kim, lee, ann] = ["kim", "lee", "ann"].map(|name| world.full.id(name));
    world.delete("kim").await;
    // The target does not find it: whatever it is that hides it may end.
    world.full.lose("ann");
    world.delete("ann").await;
    world.settle().await;
    let user = world.reader().user(&"lee".into()).unwrap().unwrap();
    let local = LocalRef::User(user.id);
    let unlinked = world.engine.unlink(&full(), local, &user.name).await;
    unlinked.unwrap();
    let ended = |id: &domain::RemoteId| {
        let reader = world.reader();
        let former = reader.former_link(&full(), id, Object::User).unwrap();
        former.is_some()
    };
    world.clock.advance(40 * DAY);
    let report = world.engine.compact(None).await.unwrap();
    assert_eq!(report.removed.former_links, 0);
    assert_eq!([&kim, &lee, &ann].map(ended), [true, true, true]);
    world.clock.advance(60 * DAY);
    let preview = world.engine.compact_preview(None).await.unwrap();
    let report = world.engine.compact(None).await.unwrap();
    assert_eq!([&kim, &lee, &ann].map(ended), [false, true, true]);
    // Kim's at both targets, Ann's at the other one.
    assert_eq!(report.removed.former_links, 3);
    assert_eq!(preview.removed.former_links, 3);
    assert_eq!(
        compactions(&world.reader()).pop().as_ref(),
        Some(&report.removed)
    );
    // Lee's account is there, and known to be ours.
    let link = world.engine.adopt(&full(), Object::User, &lee).await;
    assert_eq!(link.unwrap().local, local);
}

#[tokio::test]
async fn bodies_go_first_and_their_exchanges_say_so() {
    let world = by_hand().await;
    let created = world.create("kim").await;
    world.settle().await;
    world.clock.advance(40 * DAY);
    let report = world.engine.compact(None).await.unwrap();
    assert_eq!((report.removed.flows, report.removed.facts), (0, 0));
    assert_eq!(report.removed.bodies, 2);
    let trace = world.trace(&created);
    for operation in &trace.operations {
        let mut exchange = operation.attempts[0].exchanges[0].clone();
        exchange.error = Some("no answer is kept here".to_owned());
        assert!(exchange.request_body.is_forgotten());
        assert!(exchange.request_body.size_bytes > 0);
        assert_eq!(exchange.replayable(), Err(domain::NotReplayable::Forgotten));
    }
    let again = world.engine.compact(None).await.unwrap();
    assert!(again.removed.is_empty(), "{again:?}");
}

#[tokio::test]
async fn nothing_that_is_owed_or_waits_for_somebody_goes_however_old_it_is() {
    let world = by_hand().await;
    world.engine.pause(&full(), "works on it").await.unwrap();
    let held = world.create("kim").await;
    world.settle().await;
    world.clock.advance(400 * DAY);
    let before = world.reader().facts_of(held.flow).unwrap();
    world.engine.compact(None).await.unwrap();
    assert_eq!(world.reader().facts_of(held.flow).unwrap(), before);
    assert_eq!(world.lives(&held, &full()), [State::Held]);
    world.engine.resume(&full(), "done").await.unwrap();
    world.settle().await;
    assert_eq!(world.full.names(), ["kim"]);
    assert_eq!(world.lives(&held, &plain()), [State::Settled]);
}

#[tokio::test]
async fn the_last_day_is_kept_whatever_is_asked_for() {
    let world = by_hand().await;
    let created = world.create("kim").await;
    world.settle().await;
    world.mail("kim", "new@acme.example").await;
    world.settle().await;
    let now = domain::Clock::now(&world.clock);
    let report = world.engine.compact(Some(now)).await.unwrap();
    assert!(report.removed.is_empty(), "{report:?}");
    world.clock.advance(2 * DAY);
    let now = domain::Clock::now(&world.clock);
    world.engine.compact(Some(now)).await.unwrap();
    assert!(!is_kept(&world, created.flow));
}

#[tokio::test]
async fn a_process_that_dies_in_between_leaves_nothing_half_removed_and_it_is_told_later() {
    let mut world = by_hand().await;
    let mut flows = Vec::new();
    for at in 0..4 {
        world.mail_or_create(at).await;
        flows.push(world.reader().flows(crate::Page::newest(1)).unwrap()[0].flow);
    }
    world.clock.advance(100 * DAY);
    let before = ago(&world, 90);
    let inner = world.engine.inner_for_tests();
    let step = Step::Flows {
        flows: flows[..2].to_vec(),
        before,
    };
    let removed = inner.journal.tend(step).await.unwrap();
    assert_eq!(removed.flows, 2);
    drop(inner);
    world.crash().await;
    assert!(!is_kept(&world, flows[0]) && !is_kept(&world, flows[1]));
    assert!(is_kept(&world, flows[2]));
    assert!(compactions(&world.reader()).is_empty());
    let report = world.engine.compact(None).await.unwrap();
    assert_eq!(report.removed.flows, 3, "the two of before are told, too");
    assert_eq!(compactions(&world.reader()), [report.removed]);
}

#[tokio::test]
async fn ends_of_links_that_a_process_removed_before_it_died_are_told_once_by_the_next() {
    let mut world = by_hand().await;
    for name in ["kim", "lee"] {
        world.create(name).await;
    }
    world.settle().await;
    for name in ["kim", "lee"] {
        world.delete(name).await;
    }
    world.settle().await;
    world.clock.advance(100 * DAY);
    let before = ago(&world, 90);
    let former = world
        .reader()
        .former_links(&FormerKey::default(), before, 10)
        .unwrap();
    assert_eq!(former.spent.len(), 4, "two users at two targets");
    let step = Step::FormerLinks {
        keys: former.spent[..3].to_vec(),
        before,
    };
    let inner = world.engine.inner_for_tests();
    let removed = inner.journal.tend(step).await.unwrap();
    assert_eq!(removed.former_links, 3);
    drop(inner);
    world.crash().await;
    assert!(compactions(&world.reader()).is_empty());
    let report = world.engine.compact(None).await.unwrap();
    assert_eq!(
        report.removed.former_links, 4,
        "the three of before are told, too"
    );
    let again = world.engine.compact(None).await.unwrap();
    assert_eq!(again.removed.former_links, 0);
}

#[tokio::test]
async fn a_step_that_the_disk_refuses_changes_nothing_and_is_made_later() {
    let world = by_hand().await;
    let created = world.create("kim").await;
    world.settle().await;
    world.mail("kim", "new@acme.example").await;
    world.settle().await;
    world.clock.advance(100 * DAY);
    let inner = world.engine.inner_for_tests();
    let refuse = |on: bool| {
        inner.journal.run(move |db| {
            db.pragma_update(None, "query_only", on).unwrap();
        });
    };
    refuse(true);
    world.engine.compact(None).await.unwrap_err();
    assert!(is_kept(&world, created.flow));
    refuse(false);
    world.engine.compact(None).await.unwrap();
    assert!(!is_kept(&world, created.flow));
}

/// A clock that seems to run by itself, and whose minutes and hours are over at once. The time that it shows is moved by
/// hand.
struct Hasty {
    shown: ManualClock,
    /// The pauses of a minute and more that somebody made, in order.
    pauses: watch::Sender<Vec<Duration>>,
}

impl Clock for Hasty {
    fn now(&self) -> jiff::Timestamp {
        self.shown.now()
    }

    fn monotonic(&self) -> Duration {
        self.shown.monotonic()
    }

    fn wake(&self, at: Duration) -> Wake {
        let pause = at.saturating_sub(self.monotonic());
        if pause >= Duration::from_mins(1) {
            self.pauses.send_modify(|pauses| pauses.push(pause));
        }
        Wake::After(Duration::from_millis(1))
    }
}

/// Starts the world's engine anew, by a clock that runs by itself.
async fn hurry(world: &mut World) -> Arc<Hasty> {
    world.engine.shutdown().await;
    let clock = Arc::new(Hasty {
        shown: world.clock.clone(),
        pauses: watch::Sender::new(Vec::new()),
    });
    let options = crate::Options {
        clock: Arc::<Hasty>::clone(&clock),
        ..world.options()
    };
    world.engine = Engine::start(options).await.unwrap();
    clock
}

/// Waits until the engine has looked so many times more for what is old, from begin to end.
async fn looks(clock: &Hasty, times: usize) {
    let mut pauses = clock.pauses.subscribe();
    // One look may be under way.
    let wanted = pauses.borrow().len() + times + 1;
    let long = Duration::from_mins(1);
    let come = pauses.wait_for(|pauses| pauses.len() >= wanted);
    let come = tokio::time::timeout(long, come).await;
    assert!(come.is_ok_and(|come| come.is_ok()), "nobody looks");
}

#[tokio::test]
async fn the_running_engine_removes_what_is_old_by_itself_again_and_again() {
    let mut world = World::new().await;
    let created = world.create("kim").await;
    world.settle().await;
    let changed = world.mail("kim", "new@acme.example").await;
    world.settle().await;
    world.clock.advance(100 * DAY);
    let clock = hurry(&mut world).await;
    looks(&clock, 1).await;
    assert!(!is_kept(&world, created.flow));
    assert!(is_kept(&world, changed.flow));
    let told = compactions(&world.reader());
    assert_eq!(told[0].cause, CompactionCause::Age);
    let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
    assert_eq!(clock.pauses.borrow()[..2], [minute, hour]);

    world.mail("kim", "newer@acme.example").await;
    world.settle().await;
    world.clock.advance(100 * DAY);
    looks(&clock, 1).await;
    assert!(!is_kept(&world, changed.flow));
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn nothing_is_removed_by_itself_until_the_configuration_wants_it() {
    let mut world = by_hand().await;
    let created = world.create("kim").await;
    world.settle().await;
    world.mail("kim", "new@acme.example").await;
    world.settle().await;
    world.clock.advance(100 * DAY);
    let clock = hurry(&mut world).await;
    let last = world.reader().last().unwrap();
    looks(&clock, 3).await;
    assert!(is_kept(&world, created.flow));
    assert_eq!(world.reader().last().unwrap(), last);
    world
        .reconfigure(|configuration| configuration.engine.retention.enabled = true)
        .await;
    looks(&clock, 1).await;
    assert!(!is_kept(&world, created.flow));
}

#[tokio::test]
async fn a_file_that_is_too_large_loses_the_oldest_before_its_time() {
    let world = World::with(|configuration| {
        configuration.engine.retention = RetentionPolicy {
            size_bytes: 1,
            ..RetentionPolicy::default()
        };
    })
    .await;
    let created = world.create("kim").await;
    world.settle().await;
    world.mail("kim", "new@acme.example").await;
    world.settle().await;
    world.clock.advance(2 * DAY);
    remove_old(&world).await;
    assert!(
        compactions(&world.reader())
            .iter()
            .any(|one| one.cause == CompactionCause::Size)
    );
    assert!(!is_kept(&world, created.flow));
    assert_eq!(world.full.names(), ["kim"]);
}

#[tokio::test]
async fn a_file_that_stays_too_large_is_not_walked_again_until_something_can_go() {
    let world = World::with(|configuration| {
        configuration.engine.retention = RetentionPolicy {
            size_bytes: 1,
            ..RetentionPolicy::default()
        };
    })
    .await;
    world.create("kim").await;
    world.settle().await;
    world.clock.advance(2 * DAY);
    remove_old(&world).await;
    // Overtaken a moment later: it goes with the walk of the next day.
    let changed = world.mail("kim", "new@acme.example").await;
    world.settle().await;
    world.clock.advance(DAY / 2);
    let overtaken = world.mail("kim", "newer@acme.example").await;
    world.settle().await;
    let told = newest_compaction(&world.reader());
    remove_old(&world).await;
    assert_eq!(newest_compaction(&world.reader()), told);
    world.clock.advance(DAY);
    remove_old(&world).await;
    assert!(!is_kept(&world, changed.flow));
    assert!(newest_compaction(&world.reader()) > told);

    // Once all is old and nothing happens, there is no walk at all, however long; then there is one again.
    world.clock.advance(DAY);
    remove_old(&world).await;
    let walked = walked(&world).await;
    for _ in 0..3 {
        world.clock.advance(2 * DAY);
        remove_old(&world).await;
        assert_eq!(self::walked(&world).await, walked);
    }
    world.mail("kim", "newest@acme.example").await;
    world.settle().await;
    remove_old(&world).await;
    assert!(!is_kept(&world, overtaken.flow));
}

#[tokio::test]
async fn the_file_becomes_smaller_beside_a_running_engine_and_without_one() {
    let mut world = by_hand().await;
    world.engine.shutdown().await;
    let path = world.folder.path().join("large.db");
    let end = domain::Clock::now(&world.clock);
    write_made_up_journal(&path, 300, end).unwrap();
    let options = crate::Options {
        journal: path.clone(),
        ..world.options()
    };
    world.engine = Engine::start(options.clone()).await.unwrap();
    world.clock.advance(1_000 * DAY);
    // Room that is not used any more: 8 MiB.
    let inner = world.engine.inner_for_tests();
    inner.journal.run(|db| {
        db.execute_batch(
            "CREATE TABLE x (b); INSERT INTO x VALUES (zeroblob(8 << 20)); DROP TABLE x",
        )
        .unwrap();
    });
    let nothing = Step::Shrink { pages: 0 };
    inner.journal.tend(nothing).await.unwrap(); // the writer has done it
    drop(inner);
    let report = world.engine.compact(None).await.unwrap();
    assert_eq!(report.removed.exchanges, 297, "but for the newest flow");
    let (before, after) = (report.before.file_bytes, report.after.file_bytes);
    assert!(after + (6 << 20) < before, "{before} {after}");
    world.engine.shutdown().await;
    assert_eq!(std::fs::metadata(&path).unwrap().len(), after);

    world.engine = Engine::start(crate::Options {
        sends: false,
        ..options
    })
    .await
    .unwrap();
    let report = world.engine.compact(None).await.unwrap();
    assert!(report.after.file_bytes < after);
    assert_eq!(report.after.file_bytes, report.after.used_bytes);
}

/// Tells how a file gives back room: 0 not at all, 2 in steps.
fn auto_vacuum(path: &Path) -> i64 {
    let file = rusqlite::Connection::open(path).unwrap();
    file.pragma_query_value(None, "auto_vacuum", |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn a_file_of_an_older_format_is_written_anew_when_nobody_waits_for_it() {
    let mut world = by_hand().await;
    world.engine.shutdown().await;
    let path = world.folder.path().join("old.db");
    let old = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/journal/format-4.journal"
    );
    std::fs::copy(old, &path).unwrap();
    // Room that is not used any more: 2 MiB.
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch(
        "CREATE TABLE x (b); INSERT INTO x VALUES (zeroblob(2 << 20)); DROP TABLE x",
    )
    .unwrap();
    drop(file);
    assert_eq!(auto_vacuum(&path), 0);
    let options = |sends| crate::Options {
        journal: path.clone(),
        sends,
        ..world.options()
    };
    let (sending, alone) = (options(true), options(false));
    world.clock.advance(100 * DAY);

    // Beside its work an engine does not write the file anew.
    world.engine = Engine::start(sending).await.unwrap();
    let report = world.engine.compact(None).await.unwrap();
    assert!(report.removed.flows > 0);
    assert!(report.after.file_bytes >= report.before.file_bytes);
    world.engine.shutdown().await;
    assert_eq!(auto_vacuum(&path), 0);

    world.engine = Engine::start(alone).await.unwrap();
    let users = world.reader().users(None, 10).unwrap();
    let report = world.engine.compact(None).await.unwrap();
    let (before, after) = (report.before.file_bytes, report.after.file_bytes);
    assert!(after + (1 << 20) <= before, "{before} {after}");
    assert_eq!(world.reader().users(None, 10).unwrap(), users);
    assert!(!users.is_empty());
    world.engine.shutdown().await;
    assert_eq!(std::fs::metadata(&path).unwrap().len(), after);
    assert_eq!(auto_vacuum(&path), 2);
}

/// Tells whether this process has a temporary file of SQLite open that holds so many bytes; it has no name by then. Other
/// tests have such files too, but small ones.
#[cfg(target_os = "linux")]
fn has_temporary_file(bytes: u64) -> bool {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
        return false;
    };
    open.flatten().any(|entry| {
        let Ok(file) = std::fs::read_link(entry.path()) else {
            return false;
        };
        let file = file.to_string_lossy();
        // By SQLite's own name, or never named at all (`O_TMPFILE`).
        let is_temporary = file.contains("etilqs") || file.contains("/#");
        is_temporary
            && file.ends_with("(deleted)")
            && std::fs::metadata(entry.path()).is_ok_and(|file| file.len() >= bytes)
    })
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_written_anew_stands_in_a_file_meanwhile_and_not_in_memory() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let mut world = by_hand().await;
    world.engine.shutdown().await;
    let path = world.folder.path().join("old.db");
    let old = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/journal/format-4.journal"
    );
    std::fs::copy(old, &path).unwrap();
    // 48 MiB, three times what the writer keeps in memory, and more than any other test has.
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch(
        "CREATE TABLE x (b);
         INSERT INTO x WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 768)
            SELECT zeroblob(65536) FROM n",
    )
    .unwrap();
    drop(file);
    world.engine = Engine::start(crate::Options {
        journal: path.clone(),
        sends: false,
        ..world.options()
    })
    .await
    .unwrap();
    let is_done = Arc::new(AtomicBool::new(false));
    let watch = {
        let is_done = Arc::clone(&is_done);
        std::thread::spawn(move || {
            let mut seen = false;
            while !seen && !is_done.load(Ordering::Acquire) {
                seen = has_temporary_file(16 << 20);
            }
            seen
        })
    };
    world.engine.compact(None).await.unwrap();
    is_done.store(true, Ordering::Release);
    assert!(watch.join().unwrap());
    assert_eq!(auto_vacuum(&path), 2);
    // What is small is sorted in memory again.
    let (tell, told) = std::sync::mpsc::channel();
    let inner = world.engine.inner_for_tests();
    inner.journal.run(move |db| {
        let store = db.pragma_query_value(None, "temp_store", |row| row.get::<_, i64>(0));
        tell.send(store.unwrap()).unwrap();
    });
    assert_eq!(told.recv().unwrap(), 2);
}

/// Returns the instant so many days ago.
fn ago(world: &World, days: u32) -> jiff::Timestamp {
    let hours = i64::from(days) * 24;
    domain::Clock::now(&world.clock) - jiff::SignedDuration::from_hours(hours)
}

impl World {
    /// Creates Kim, or changes Kim's address once more.
    async fn mail_or_create(&self, at: usize) {
        if at == 0 {
            self.create("kim").await;
        } else {
            self.mail("kim", &format!("kim{at}@acme.example")).await;
        }
        self.settle().await;
    }
}
