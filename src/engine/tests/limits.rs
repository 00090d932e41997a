//! How fast a target is sent to, and that none is kept from its turn by another.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{ConnectorRef, LocalRef, OperationId, UserId};
use uuid::Uuid;

use super::double::{Act, Bucket, quota};
use super::world::{World, full, only_full, plain};
use crate::lanes::{Entry, Lanes};
use crate::limiter::Allowed;
use crate::{Fact, Life, LimitView};

fn limit(world: &World, connector: &ConnectorRef) -> LimitView {
    let limits = world.engine.limits();
    let found = limits.into_iter().find(|(known, _)| known == connector);
    found.expect("the connector is configured").1
}

#[tokio::test]
async fn a_quota_that_one_operation_meets_quiets_its_connector_and_no_other() {
    let world = World::new().await;
    world
        .full
        .on_write([Act::Fail(quota(Some(Duration::from_secs(30))))]);
    world.create("kim").await;
    world.engine.idle().await;
    for name in ["bob", "ann"] {
        world.create(name).await;
    }
    let idle = world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 1);
    assert_eq!(world.plain.names(), ["ann", "bob", "kim"]);
    assert_eq!(idle.waiting, 3);
    assert_eq!(
        limit(&world, &full()).quiet_for,
        Duration::from_secs(30),
        "the screen shows for how long"
    );
    world.clock.advance(Duration::from_millis(29_999));
    world.engine.idle().await;
    assert_eq!(world.full.verbs().len(), 1);
    world.settle().await;
    assert_eq!(world.full.names(), ["ann", "bob", "kim"]);
}

#[tokio::test]
async fn a_quota_without_a_pause_is_given_one_that_the_ladder_does_not_stretch() {
    let world = World::with(only_full).await;
    world.full.on_write((0..6).map(|_| Act::Fail(quota(None))));
    let kim = world.create("kim").await;
    world.settle().await;
    assert!(matches!(world.life(&kim, &full()), Life::Settled));
    let passed = domain::Clock::monotonic(&world.clock);
    // Six pauses of at most 1, 2, 4, 8, 16 and 32 seconds; the ladder would have waited for hours.
    assert!(passed <= Duration::from_secs(63), "{passed:?}");
}

#[tokio::test]
async fn a_targets_limit_is_found_kept_to_written_down_and_taken_up_by_the_next_process() {
    let mut world = World::with(only_full).await;
    world.full.state().bucket = Some(Bucket::new(20, Duration::from_secs(10)));
    for at in 0..400 {
        world.create(&format!("u{at}")).await;
    }
    world.settle().await;
    assert_eq!(world.full.names().len(), 400);
    let taken = world.full.state().bucket.take().unwrap().taken;
    let refusals: Vec<usize> = (0..taken.len()).filter(|at| !taken[*at]).collect();
    let after: Vec<&bool> = taken.iter().skip(60).collect();
    let refused = after.iter().filter(|is_taken| !***is_taken).count();
    assert!(
        refused * 20 < after.len(),
        "{refused} of {} were over the limit after the first sixty; refused were {refusals:?}",
        after.len()
    );
    let seen = limit(&world, &full());
    let learnt = seen.learnt.unwrap();
    assert!((1.2..3.0).contains(&learnt), "{seen:?}");
    assert!(seen.why.unwrap().contains("refused more than"));
    assert_eq!(usize::try_from(seen.refused).unwrap(), refusals.len());
    world
        .until(|fact| matches!(fact, Fact::LimitLearnt { .. }))
        .await;
    world.crash().await;
    let again = limit(&world, &full());
    let kept = again.learnt.unwrap();
    assert!((kept / learnt - 1.0).abs() < 0.3, "{kept} and {learnt}");
    assert!(again.rate.unwrap() < kept);
}

#[tokio::test]
async fn a_configured_rate_is_kept_to_from_the_first_request_on() {
    let world = World::with(|configuration| {
        only_full(configuration);
        configuration.connections[0].connectors[0].rate = Some(domain::Quota {
            requests: 10,
            per: Duration::from_secs(10),
        });
    })
    .await;
    world.full.state().bucket = Some(Bucket::new(10, Duration::from_secs(10)));
    for at in 0..40 {
        world.create(&format!("u{at}")).await;
    }
    world.settle().await;
    let bucket = world.full.state().bucket.take().unwrap();
    assert_eq!(bucket.taken, vec![true; 40]);
    let passed = domain::Clock::monotonic(&world.clock);
    assert!(passed >= Duration::from_secs(39), "{passed:?}");
}

#[tokio::test]
async fn a_target_that_never_answers_keeps_nobody_else_from_being_sent_to() {
    let world = World::new().await;
    world.full.open.send_replace(false);
    for at in 0..100 {
        world.create(&format!("u{at}")).await;
    }
    while world.plain.names().len() < 100 {
        let seen = *world.plain.arrived.borrow();
        world.plain.has_seen(seen + usize::from(seen < 100)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(world.full.state().most_at_once, 8);
    world.full.open.send_replace(true);
    world.settle().await;
    assert_eq!(world.full.names().len(), 100);
}

fn lanes_of(connectors: &[ConnectorRef], overall: usize, each: usize) -> Lanes {
    let mut lanes = Lanes::default();
    let limits = connectors.iter().map(|connector| {
        let allowed = Allowed {
            concurrency: each,
            rate: None,
            learns: true,
        };
        (connector.clone(), allowed)
    });
    lanes.configure(overall, limits, &BTreeSet::new());
    lanes
}

fn fill(lanes: &mut Lanes, connector: &ConnectorRef, from: u128, count: u128) {
    for at in from..from + count {
        let entry = Entry {
            seq: u64::try_from(at).unwrap(),
            operation: OperationId(Uuid::from_u128(at)),
            due: Duration::ZERO,
            held: false,
            job: None,
        };
        let local = LocalRef::User(UserId(Uuid::from_u128(at)));
        lanes.push(connector, local, entry, Duration::ZERO);
    }
}

#[test]
fn however_many_targets_are_black_holes_the_last_one_has_its_part() {
    for holes in [1, 2, 7, 8, 15, 20] {
        let mut connectors: Vec<ConnectorRef> = (0..holes)
            .map(|at| ConnectorRef::new(&format!("hole{at}"), "full"))
            .collect();
        connectors.push(plain());
        let mut lanes = lanes_of(&connectors, 64, 16);
        for (at, hole) in connectors[..holes].iter().enumerate() {
            fill(&mut lanes, hole, 1000 * (at as u128 + 1), 100);
        }
        let stuck = lanes.take(Duration::ZERO).len();
        assert!(stuck <= 64, "{holes} black holes hold {stuck}");
        fill(&mut lanes, &plain(), 1, 100);
        let turns = lanes.take(Duration::ZERO);
        let part = 64 / 2 / (holes + 1);
        assert!(
            turns.len() >= part.clamp(1, 16),
            "{holes} black holes leave {} of {part}",
            turns.len()
        );
        assert!(turns.iter().all(|turn| turn.connector == plain()));
        assert!(stuck + turns.len() <= 64);
    }
}

#[test]
fn what_one_connector_does_not_use_another_may_but_for_the_parts_set_aside() {
    let connectors = [full(), plain()];
    let mut lanes = lanes_of(&connectors, 64, 64);
    fill(&mut lanes, &full(), 1, 100);
    assert_eq!(lanes.take(Duration::ZERO).len(), 48);
    let alone = [full()];
    let mut lanes = lanes_of(&alone, 64, 64);
    fill(&mut lanes, &full(), 1, 100);
    assert_eq!(lanes.take(Duration::ZERO).len(), 64);
}
