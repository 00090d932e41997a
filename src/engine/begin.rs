//! The first attempt of an operation, begun in the commit that queues it.
//!
//! Usually an operation's lane is empty and its connector has a free place at the moment it is decided. Then nothing is
//! gained by queueing it first and beginning later: intent and beginning are committed together, one commit earlier. It
//! takes its place before the commit, so that nobody else takes it, and gives it back when the journal refuses.

use std::collections::BTreeSet;

use domain::{ConnectorRef, LocalRef, OperationId, Secret, Verb};

use crate::Fact;
use crate::directory::DraftStep;
use crate::inner::{Inner, Owed};
use crate::passwords::Choice;
use crate::runner::Shape;
use crate::setup::Setup;

/// What the first attempt sends; it was shaped against no link, because the user is only just coming into being.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) shape: Shape,
    pub(crate) password: Option<Secret>,
}

/// An operation that has taken its place and is about to be committed.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) operation: OperationId,
    pub(crate) connector: ConnectorRef,
    pub(crate) local: LocalRef,
    pub(crate) begun: Begun,
}

impl Inner {
    /// Begins what can be sent at once: creates of users who come with this request, and for whom nobody waits.
    pub(crate) fn begin(&self, setup: &Setup, steps: &[DraftStep], owed: &mut Owed) {
        if self.is_stopping() || !self.sends {
            return;
        }
        let now = self.clock.monotonic();
        let mut facts = Vec::new();
        let mut beginnings = Vec::new();
        let new: BTreeSet<LocalRef> = steps
            .iter()
            .filter(|step| step.before.is_none())
            .map(|step| step.subject)
            .collect();
        for (flow, queued, planned) in owed.queued() {
            let can_begin = new.contains(&queued.local)
                && matches!(queued.local, LocalRef::User(_))
                && queued.verb == Verb::Create
                && queued.held.is_none()
                && !queued.blocking
                && setup.connector(&queued.connector).is_ok();
            if !can_begin {
                continue;
            }
            let has_place =
                self.lanes()
                    .claim(&queued.connector, queued.local, queued.operation, now);
            if !has_place {
                continue;
            }
            let verb = Verb::Create;
            let password = planned.desired.password;
            let choice = self.passwords.choose(queued.operation, password, verb);
            let (secret, source) = match choice {
                Choice::Send(secret, source) => (secret, Some(source)),
                // A create never lacks its password: a random one takes its place.
                Choice::None | Choice::Lost => (None, None),
            };
            facts.push((
                flow,
                Fact::AttemptStarted {
                    operation: queued.operation,
                    number: 1,
                    verb,
                    password: source,
                },
            ));
            beginnings.push(Beginning {
                operation: queued.operation,
                connector: queued.connector.clone(),
                local: queued.local,
                begun: Begun {
                    // As it would be shaped against no link; what a create writes is what is desired, all of it.
                    shape: Shape {
                        verb,
                        changes: Vec::new(),
                        password,
                    },
                    password: secret,
                },
            });
        }
        for (flow, fact) in facts {
            owed.push(flow, fact);
        }
        owed.beginnings = beginnings;
    }

    /// Gives the places back of what was not committed.
    pub(crate) fn abandon(&self, beginnings: Vec<Beginning>) {
        let now = self.clock.monotonic();
        let mut lanes = self.lanes();
        for beginning in beginnings {
            lanes.abandon(
                &beginning.connector,
                beginning.local,
                beginning.operation,
                now,
            );
        }
    }
}
