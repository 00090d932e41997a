//! Random facts never panic, and replay ends where live ended.

use domain::{
    ConnectorRef, Failure, FailureKind, LocalRef, OperationId, QualifiedName, Reason, Remedy,
    TriggerId, UserId, Verb,
};
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use crate::{Answer, Cause, Death, DeathCause, Fact, Life, Queued, Settlement, State};

fn id() -> OperationId {
    OperationId(Uuid::nil())
}

fn failure() -> Failure {
    super::double::failure(FailureKind::TargetError, Remedy::Retry { after: None })
}

fn any_life() -> impl Strategy<Value = Life> {
    let at = Timestamp::UNIX_EPOCH;
    prop::sample::select(vec![
        Life::Queued,
        Life::InFlight,
        Life::Retrying { at },
        Life::InDoubt { at },
        Life::Held {
            reason: Reason::Paused,
        },
        Life::Settled,
        Life::Dead,
        Life::Discarded,
    ])
}

fn any_fact() -> impl Strategy<Value = Fact> {
    (0..11_usize, any_life(), any::<bool>()).prop_map(|(which, then, flag)| match which {
        0 => Fact::OperationQueued {
            queued: Queued {
                operation: id(),
                trigger: TriggerId(Uuid::nil()),
                connector: ConnectorRef::new("one", "full"),
                local: LocalRef::User(UserId(Uuid::nil())),
                name: QualifiedName::new("kim"),
                remote_name: "kim".to_owned(),
                verb: Verb::Create,
                blocking: false,
                cause: Cause::Decision(0),
                held: flag.then_some(Reason::Paused),
            },
        },
        1 => Fact::AttemptStarted {
            operation: id(),
            number: 1,
            verb: Verb::Create,
            password: None,
        },
        2 => Fact::AttemptFailed {
            operation: id(),
            number: 1,
            failure: failure(),
            then,
        },
        3 => Fact::Asked {
            operation: id(),
            number: 1,
            answer: Answer::Absent,
            then,
        },
        4 => Fact::Settled {
            operation: id(),
            attempts: 1,
            outcome: Settlement::Confirmed(domain::Confirmation::Created),
        },
        5 => Fact::OperationDead {
            operation: id(),
            death: Death {
                cause: DeathCause::Refused,
                told: String::new(),
                advice: String::new(),
                failure: None,
            },
        },
        6 => Fact::Held {
            operation: id(),
            reason: Reason::BrakeEngaged,
        },
        7 => Fact::Released {
            operation: id(),
            then,
        },
        8 => Fact::Retried {
            operation: id(),
            then,
        },
        9 => Fact::Discarded {
            operation: id(),
            why: String::new(),
        },
        _ => Fact::Compensated {
            operation: id(),
            by: id(),
        },
    })
}

proptest! {
    #[test]
    fn random_facts_never_panic_and_replay_ends_where_live_ended(facts in prop::collection::vec(any_fact(), 0..60)) {
        let mut live = None;
        let mut taken = Vec::new();
        for fact in facts {
            if let Ok(next) = Life::after(live, &fact) {
                prop_assert!(live.is_none_or(|life: Life| life != Life::Settled), "settled is for ever");
                prop_assert!(live.is_none_or(|life: Life| life != Life::Discarded), "discarded is for ever");
                live = Some(next);
                taken.push(fact);
            }
        }
        let read: Vec<Fact> = taken
            .iter()
            .map(|fact| serde_json::from_slice(&serde_json::to_vec(fact).unwrap()).unwrap())
            .collect();
        let replayed = read.iter().try_fold(None, |life, fact| Life::after(life, fact).map(Some));
        prop_assert_eq!(replayed.unwrap(), live);
    }
}

#[test]
fn nothing_is_sent_twice_without_a_word_in_between() {
    let start = Fact::AttemptStarted {
        operation: id(),
        number: 1,
        verb: Verb::Create,
        password: None,
    };
    assert_eq!(Life::after(Some(Life::Queued), &start), Ok(Life::InFlight));
    let error = Life::after(Some(Life::InFlight), &start).unwrap_err();
    assert_eq!(error.before, Some(State::InFlight));
    let in_doubt = Life::InDoubt {
        at: Timestamp::UNIX_EPOCH,
    };
    assert!(
        Life::after(Some(in_doubt), &start).is_err(),
        "a doubt is asked about first"
    );
}
