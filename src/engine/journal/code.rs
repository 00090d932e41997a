//! How values stand in columns: ids as bytes, instants as microseconds, closed lists as small numbers.

use domain::{ConnectorRef, GroupId, LocalRef, Object, Reason, UserId, Verb};
use jiff::Timestamp;
use uuid::Uuid;

use super::JournalError;
use crate::{Life, State};

pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(super) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Sequence numbers are below 2^63 because the database counts them.
pub(super) fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}

pub(super) fn state_code(state: State) -> i64 {
    match state {
        State::Queued => 0,
        State::InFlight => 1,
        State::Retrying => 2,
        State::InDoubt => 3,
        State::Held => 4,
        State::Settled => 5,
        State::Dead => 6,
        State::Discarded => 7,
    }
}

pub(super) fn state(code: i64) -> State {
    match code {
        0 => State::Queued,
        1 => State::InFlight,
        2 => State::Retrying,
        3 => State::InDoubt,
        4 => State::Held,
        5 => State::Settled,
        6 => State::Dead,
        _ => State::Discarded,
    }
}

/// Returns the states as bits, for a condition on the column.
pub(super) fn mask(states: &[State]) -> i64 {
    states
        .iter()
        .fold(0, |mask, state| mask | (1 << state_code(*state)))
}

pub(super) fn life(state_code: i64, due: Option<i64>, reason: Option<&str>) -> Life {
    let at = due.map_or(Timestamp::UNIX_EPOCH, instant);
    match state(state_code) {
        State::Queued => Life::Queued,
        State::InFlight => Life::InFlight,
        State::Retrying => Life::Retrying { at },
        State::InDoubt => Life::InDoubt { at },
        State::Held => Life::Held {
            reason: reason
                .and_then(|code| code.parse().ok())
                .unwrap_or(Reason::Paused),
        },
        State::Settled => Life::Settled,
        State::Dead => Life::Dead,
        State::Discarded => Life::Discarded,
    }
}

pub(super) fn verb_code(verb: Verb) -> i64 {
    match verb {
        Verb::Create => 0,
        Verb::Update => 1,
        Verb::Deprovision => 2,
    }
}

pub(super) fn verb(code: i64) -> Verb {
    match code {
        0 => Verb::Create,
        1 => Verb::Update,
        _ => Verb::Deprovision,
    }
}

pub(super) fn object_code(object: Object) -> i64 {
    match object {
        Object::User => 0,
        Object::Group => 1,
    }
}

pub(super) fn local(object: i64, id: Uuid) -> LocalRef {
    match object {
        0 => LocalRef::User(UserId(id)),
        _ => LocalRef::Group(GroupId(id)),
    }
}

pub(super) fn uuid(bytes: &[u8]) -> Result<Uuid, JournalError> {
    Uuid::from_slice(bytes).map_err(|error| JournalError::Store {
        told: error.to_string(),
    })
}

pub(super) fn connector(text: &str) -> Result<ConnectorRef, JournalError> {
    text.parse().map_err(|told| JournalError::Store { told })
}

/// Returns the form in which names are compared: without regard to case.
pub(crate) fn key(name: &str) -> String {
    name.to_lowercase()
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, JournalError> {
    serde_json::to_vec(value).map_err(|error| JournalError::Store {
        told: error.to_string(),
    })
}
