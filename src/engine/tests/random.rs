//! Random requests against random failures end with the targets as the directory wants them.

use std::collections::BTreeMap;

use domain::{Change, FailureKind, Remedy, Verb};
use proptest::prelude::*;

use super::double::{Act, Target, down, failure};
use super::journal::Folded;
use super::world::{World, create, mail, rename};

#[derive(Debug, Clone)]
enum Move {
    Create(u8),
    Mail(u8, u8),
    Rename(u8, u8),
    Delete(u8),
    Fail(bool, u8),
    FailFind(bool),
    Let,
    Tick(u16),
    Crash,
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (0..4_u8).prop_map(Move::Create),
        4 => (0..4_u8, 0..5_u8).prop_map(|(user, value)| Move::Mail(user, value)),
        1 => (0..4_u8, 0..4_u8).prop_map(|(user, to)| Move::Rename(user, to)),
        2 => (0..4_u8).prop_map(Move::Delete),
        4 => (any::<bool>(), 0..4_u8).prop_map(|(full, act)| Move::Fail(full, act)),
        1 => any::<bool>().prop_map(Move::FailFind),
        2 => Just(Move::Let),
        2 => (0..4000_u16).prop_map(Move::Tick),
        1 => Just(Move::Crash),
    ]
}

fn act(which: u8) -> Act {
    match which {
        0 => Act::LoseRequest,
        1 => Act::LoseReply,
        2 => down(),
        _ => Act::Fail(failure(
            FailureKind::Quota,
            Remedy::Retry {
                after: Some(std::time::Duration::from_secs(20)),
            },
        )),
    }
}

async fn play(moves: Vec<Move>) {
    let mut world = World::new().await;
    for step in moves {
        let target = |world: &World, full: bool| {
            if full {
                world.full.clone()
            } else {
                world.plain.clone()
            }
        };
        // A change that the directory refuses (no such user, a name that is taken) is part of the game.
        match step {
            Move::Create(user) => drop(world.submit(create(&format!("u{user}"))).await),
            Move::Mail(user, value) => drop(
                world
                    .submit(mail(&format!("u{user}"), &format!("m{value}@acme.example")))
                    .await,
            ),
            Move::Rename(user, to) => drop(
                world
                    .submit(rename(&format!("u{user}"), &format!("u{to}")))
                    .await,
            ),
            Move::Delete(user) => drop(
                world
                    .submit(Change::DeleteUser {
                        user: format!("u{user}").as_str().into(),
                    })
                    .await,
            ),
            Move::Fail(full, which) => target(&world, full).on_write([act(which)]),
            Move::FailFind(full) => target(&world, full).on_find([down()]),
            Move::Let => drop(world.engine.idle().await),
            Move::Tick(seconds) => world
                .clock
                .advance(std::time::Duration::from_secs(u64::from(seconds))),
            Move::Crash => world.crash().await,
        }
    }
    for target in [&world.full, &world.plain] {
        target.state().writes.clear();
        target.state().finds.clear();
    }
    world.settle().await;
    check(&world, &world.full);
    check(&world, &world.plain);
    let reader = world.reader();
    Folded::of(&reader).check(&reader);
}

fn check(world: &World, target: &Target) {
    let reader = world.reader();
    let dead: Vec<String> = reader
        .operations(
            &crate::OperationFilter {
                state: Some(crate::State::Dead),
                ..crate::OperationFilter::default()
            },
            crate::Page::newest(100),
        )
        .unwrap()
        .iter()
        .map(|view| format!("{}: {:?}", view.name, view.last_error))
        .collect();
    assert!(dead.is_empty(), "no dead letters: {dead:?}");
    let state = target.state();
    let mut accounts: BTreeMap<String, &super::double::Account> = BTreeMap::new();
    for account in state.accounts.values() {
        let id = account.external_id.clone().unwrap();
        assert!(accounts.insert(id, account).is_none(), "no duplicates");
    }
    let users = reader.users(None, 100).unwrap();
    for user in &users {
        let account = accounts.remove(&user.id.0.to_string());
        let Some(account) = account else {
            panic!("{} has no account", user.name);
        };
        assert_eq!(account.name, user.name.to_string());
        assert_eq!(
            account.attributes["email"].as_str(),
            user.claim(&"emailaddress".into())
        );
    }
    assert!(accounts.is_empty(), "no ghosts: {accounts:?}");
    let mut last: BTreeMap<_, Verb> = BTreeMap::new();
    for (local, verb) in &state.log {
        if let (Some(Verb::Deprovision), Verb::Update) = (last.get(local), verb) {
            panic!("an update after the deprovision of {local}");
        }
        last.insert(*local, *verb);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn targets_end_as_the_directory_wants_them_whatever_fails(moves in prop::collection::vec(any_move(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(moves));
    }
}
