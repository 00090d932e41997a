//! The life of one operation: which fact may follow which state, as a table.

use domain::{OperationId, Reason};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Fact;

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Life {
    /// Owed, and sent as soon as its lane and its connector are free.
    Queued,
    /// An attempt is under way.
    InFlight,
    /// An attempt failed; the next one is made not before `at`.
    Retrying {
        /// When.
        at: Timestamp,
    },
    /// An attempt may have been carried out; the target is asked not before `at`.
    InDoubt {
        /// When.
        at: Timestamp,
    },
    /// Kept, and not sent.
    Held {
        /// `paused`, `quarantined` or `brake-engaged`.
        reason: Reason,
    },
    /// Done.
    Settled,
    /// Failed for good.
    Dead,
    /// Given up.
    Discarded,
}

impl Life {
    /// Returns the state's word.
    pub fn word(self) -> &'static str {
        self.state().word()
    }

    /// Returns the state without its details.
    pub fn state(self) -> State {
        match self {
            Self::Queued => State::Queued,
            Self::InFlight => State::InFlight,
            Self::Retrying { .. } => State::Retrying,
            Self::InDoubt { .. } => State::InDoubt,
            Self::Held { .. } => State::Held,
            Self::Settled => State::Settled,
            Self::Dead => State::Dead,
            Self::Discarded => State::Discarded,
        }
    }

    /// Tells whether the operation is still owed.
    pub fn is_open(self) -> bool {
        self.state().is_open()
    }

    /// Tells whether a brake keeps the operation.
    pub(crate) fn is_braked(self) -> bool {
        matches!(
            self,
            Self::Held {
                reason: Reason::BrakeEngaged
            }
        )
    }

    /// Returns the instant before which nothing is sent, when there is one.
    pub fn due(self) -> Option<Timestamp> {
        match self {
            Self::Retrying { at } | Self::InDoubt { at } => Some(at),
            Self::Queued
            | Self::InFlight
            | Self::Held { .. }
            | Self::Settled
            | Self::Dead
            | Self::Discarded => None,
        }
    }

    /// Returns the state after a fact.
    ///
    /// `life` is `None` before the operation was queued.
    ///
    /// # Errors
    /// [`IllegalFact`] when the table does not allow it.
    pub fn after(life: Option<Self>, fact: &Fact) -> Result<Self, IllegalFact> {
        let before = life.map(Self::state);
        let Some(step) = Move::of(fact) else {
            return Err(IllegalFact::new(before, fact));
        };
        let allowed = match before {
            None => step.from.is_empty(),
            Some(state) => step.from.contains(&state),
        };
        if allowed && step.to_is_legal() {
            Ok(step.to)
        } else {
            Err(IllegalFact::new(before, fact))
        }
    }
}

/// A state without its details, for lists and filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// See [`Life::Queued`].
    Queued,
    /// See [`Life::InFlight`].
    InFlight,
    /// See [`Life::Retrying`].
    Retrying,
    /// See [`Life::InDoubt`].
    InDoubt,
    /// See [`Life::Held`].
    Held,
    /// See [`Life::Settled`].
    Settled,
    /// See [`Life::Dead`].
    Dead,
    /// See [`Life::Discarded`].
    Discarded,
}

impl State {
    /// Every state, the open ones first.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::InFlight,
        Self::Retrying,
        Self::InDoubt,
        Self::Held,
        Self::Settled,
        Self::Dead,
        Self::Discarded,
    ];

    /// Returns the word used in JSON, filters and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InFlight => "in-flight",
            Self::Retrying => "retrying",
            Self::InDoubt => "in-doubt",
            Self::Held => "held",
            Self::Settled => "settled",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }

    /// Tells whether an operation in this state is still owed.
    pub fn is_open(self) -> bool {
        match self {
            Self::Queued | Self::InFlight | Self::Retrying | Self::InDoubt | Self::Held => true,
            Self::Settled | Self::Dead | Self::Discarded => false,
        }
    }
}

/// A fact that an operation's state does not allow: a fault in the engine, never in what came from outside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fact `{fact}` may not follow the state `{}` of operation {}", before.map_or("none", State::word), operation.map_or_else(|| "none".to_owned(), |id| id.to_string()))]
pub struct IllegalFact {
    /// The state before; `None` when the operation was not there.
    pub before: Option<State>,
    /// The fact's name.
    pub fact: &'static str,
    /// The operation.
    pub operation: Option<OperationId>,
}

impl IllegalFact {
    fn new(before: Option<State>, fact: &Fact) -> Self {
        Self {
            before,
            fact: fact.word(),
            operation: fact.moves(),
        }
    }
}

/// One row of the table.
pub(crate) struct Move {
    /// The states from which it is allowed; empty for the first.
    pub(crate) from: &'static [State],
    /// Where it leads.
    pub(crate) to: Life,
    /// The states it may lead to.
    into: &'static [State],
}

impl Move {
    /// Returns the row of a fact; `None` for a fact that moves no operation.
    pub(crate) fn of(fact: &Fact) -> Option<Self> {
        use State::{Dead, Discarded, Held, InDoubt, InFlight, Queued, Retrying, Settled};
        let (from, to, into): (&'static [State], Life, &'static [State]) = match fact {
            Fact::OperationQueued { queued } => {
                let to = queued
                    .held
                    .map_or(Life::Queued, |reason| Life::Held { reason });
                (&[], to, &[Queued, Held])
            }
            Fact::AttemptStarted { .. } => (&[Queued, Retrying], Life::InFlight, &[InFlight]),
            Fact::AttemptFailed { then, .. } => (&[InFlight], *then, &[Retrying, InDoubt]),
            // Before anything is sent it is asked for what an earlier operation of the lane may have left behind.
            Fact::Asked { then, .. } => (
                &[InDoubt, Queued, Retrying],
                *then,
                &[Queued, Retrying, InDoubt],
            ),
            Fact::Settled { .. } => (
                &[Queued, Retrying, InFlight, InDoubt],
                Life::Settled,
                &[Settled],
            ),
            Fact::OperationDead { .. } => {
                (&[Queued, Retrying, InFlight, InDoubt], Life::Dead, &[Dead])
            }
            Fact::Held { reason, .. } => (
                &[Queued, Retrying, InDoubt],
                Life::Held { reason: *reason },
                &[Held],
            ),
            Fact::Released { then, .. } => (&[Held], *then, &[Queued, InDoubt]),
            Fact::Retried { then, .. } => (
                &[Queued, Retrying, InDoubt, Dead],
                *then,
                &[Queued, InDoubt],
            ),
            Fact::Discarded { .. } => (
                &[Queued, Retrying, InDoubt, Held, Dead],
                Life::Discarded,
                &[Discarded],
            ),
            Fact::TriggerRecorded { .. }
            | Fact::Decided { .. }
            | Fact::ExchangeRecorded { .. }
            | Fact::Linked { .. }
            | Fact::Unlinked { .. }
            | Fact::Compensated { .. }
            | Fact::CallerWaited { .. }
            | Fact::CallerReleased { .. }
            | Fact::DirectoryChanged { .. }
            | Fact::ConnectorHeld { .. }
            | Fact::ConnectorReleased { .. }
            | Fact::Quarantined { .. }
            | Fact::BrakeEngaged { .. }
            | Fact::BrakeApproved { .. }
            | Fact::BrakeRejected { .. }
            | Fact::Compacted { .. }
            | Fact::LimitLearnt { .. }
            | Fact::ReconcileStarted { .. }
            | Fact::DriftFound { .. }
            | Fact::DriftCleared { .. }
            | Fact::DriftResolved { .. }
            | Fact::OrphanFound { .. }
            | Fact::OrphanCleared { .. }
            | Fact::OrphanResolved { .. }
            | Fact::ReconcileEnded { .. } => return None,
        };
        Some(Self { from, to, into })
    }

    /// Tells whether the fact leads to a state that this row knows.
    pub(crate) fn to_is_legal(&self) -> bool {
        self.into.contains(&self.to.state())
    }
}
