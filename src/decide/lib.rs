//! From a trigger to explained decisions: a pure function of configuration, directory, links and event.
//!
//! The steps, in the order of the trace, one file each:
//!
//! 1. `event` what happened, to whom
//! 2. `level` the candidates and who proposed them
//! 3. `scope` JIT gate, user store, outbound roles, and the `rules`
//! 4. `links` what the user already has there
//! 5. `map` the desired account: [`pattern`], `attribute`, `password`, and the `collision` with another's name
//! 6. `shape` create, update, deprovision or nothing
//!
//! `shared` adds, where two connectors write to one target, which account stays because the other keeps it.
//!
//! `reconcile` compares what these steps want with what a target has.
//!
//! Steps 7 (send) and 8 (verify) are the engine's. Nothing here reads a file, opens a socket or looks at a clock; the
//! real run, the plan and the what-if call the same [`Decider::decide`].

mod attribute;
mod collision;
mod event;
mod level;
mod links;
pub mod login;
mod map;
mod password;
pub mod pattern;
pub mod reconcile;
mod rules;
mod scope;
mod shape;
mod shared;
mod target;
pub mod trace;

use std::sync::Arc;

use domain::{
    Candidate, Catalogue, Configuration, ConnectorRef, Decision, Deprovision, Desired, Nothing,
    Object, Planned, Reason, Snapshot, Step, Subject, TraceLine, Trigger, TriggerKind, User,
    Verdict, visible,
};
use serde::{Deserialize, Serialize};

pub use collision::{Collision, collisions};
pub use login::{LoginPlan, local_names, login_plan};
pub use rules::{Policies, PolicyError};
pub use shape::Shaped;

use crate::level::Proposal;
use crate::links::Known;
use crate::scope::Standing;
use crate::target::Target;
use crate::trace::Trace;

/// Decides. Borrows what was configured; keeps nothing between two decisions.
#[derive(Debug, Clone, Copy)]
pub struct Decider<'a> {
    /// The configuration.
    pub configuration: &'a Configuration,
    /// The connector types that exist.
    pub catalogue: &'a Catalogue,
    /// The compiled policies of `[rules]`.
    pub policies: &'a Policies,
}

/// What the engine must look up before a decision can be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Remote names, in lower case, whose holders must be in [`Snapshot::owners`].
    pub names: Vec<(ConnectorRef, String)>,
    /// Whether [`Snapshot::members`] must hold the group's members with their links.
    pub members: bool,
}

/// What one trigger leads to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    /// The steps *event* and *level* for the trigger as a whole. When nobody proposes, its last line has the reason.
    pub event: Vec<TraceLine>,
    /// One decision per candidate, at most one per connector.
    pub decisions: Vec<Decision>,
}

impl Decider<'_> {
    /// Says what a decision about this trigger needs to know besides the subject and its links.
    pub fn needs(
        &self,
        trigger: &Trigger,
        before: Option<&Subject>,
        after: Option<&Subject>,
    ) -> Needs {
        let object = event::object(trigger.kind);
        if event::deletes(trigger.kind) {
            return Needs::default();
        }
        let name = match after.or(before) {
            Some(Subject::User(user)) => &user.name,
            Some(Subject::Group(group)) => &group.name,
            None => &trigger.subject_name,
        };
        let names = self
            .targets()
            .filter(|target| object == Object::User || target.keeps_groups())
            .filter_map(|target| {
                let remote = map::remote_name(self, &target, name).ok()?;
                Some((target.connector(), remote.to_lowercase()))
            })
            .collect();
        Needs {
            names,
            members: object == Object::Group,
        }
    }

    /// Decides what a trigger leads to at every connector that some level proposes.
    ///
    /// Never fails: what is wrong with one candidate is that candidate's reason.
    pub fn decide(&self, trigger: &Trigger, snapshot: &Snapshot) -> Decisions {
        let proposals = level::proposals(self, trigger, snapshot);
        let mut event = Trace::default();
        event.say(Step::Event, event::describe(trigger));
        let mut decisions: Vec<Decision> = proposals
            .list
            .iter()
            .map(|proposal| self.decide_one(trigger, snapshot, proposal))
            .collect();
        shared::say(self, snapshot, &mut decisions);
        for line in proposals.lines {
            event.push(line);
        }
        Decisions {
            event: event.into_lines(),
            decisions,
        }
    }

    fn decide_one(
        &self,
        trigger: &Trigger,
        snapshot: &Snapshot,
        proposal: &Proposal<'_>,
    ) -> Decision {
        let mut trace = Trace::default();
        trace.say(Step::Event, event::describe(trigger));
        let verdict = match self.walk(trigger, snapshot, proposal, &mut trace) {
            Ok(planned) => Verdict::Operation(Arc::new(planned)),
            Err(mut nothing) => {
                nothing.detail = visible(&nothing.detail).into_owned();
                trace.end(&nothing);
                Verdict::Nothing(nothing)
            }
        };
        Decision {
            candidate: proposal.candidate.clone(),
            verdict,
            trace: Arc::new(trace.into_lines()),
        }
    }

    /// Walks steps 2 to 6 for one candidate.
    fn walk(
        &self,
        trigger: &Trigger,
        snapshot: &Snapshot,
        proposal: &Proposal<'_>,
        trace: &mut Trace,
    ) -> Result<Planned, Nothing> {
        level::say(proposal, trace);
        level::heard(proposal)?;
        let connector = &proposal.candidate.connector;
        let known_name = links::name_at(snapshot, connector);
        let target = target::available(self, connector, event::object(trigger.kind), known_name)?;
        let subject = subject(trigger, snapshot)?;
        let walk = Walk {
            decider: self,
            trigger,
            snapshot,
            candidate: &proposal.candidate,
            known: links::known(snapshot, connector, target.deprovision()),
            deprovision: target.deprovision(),
            target,
        };
        let planned = match subject {
            Subject::User(user) => walk.user(user, trace)?,
            Subject::Group(group) => walk.group(group, trace)?,
        };
        Ok(shape::hold(&walk, planned, trace))
    }

    /// Returns the connectors that are enabled and whose type exists.
    fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        self.configuration
            .connections
            .iter()
            .filter(|connection| connection.enabled)
            .flat_map(move |connection| {
                connection.connectors.iter().filter_map(move |settings| {
                    let kind = self.catalogue.of(&settings.kind)?;
                    settings.enabled.then_some(Target {
                        connection,
                        settings,
                        kind,
                    })
                })
            })
    }
}

/// Returns the subject that the decision is about: after the change, or before it for a delete.
fn subject<'s>(trigger: &Trigger, snapshot: &'s Snapshot) -> Result<&'s Subject, Nothing> {
    let (first, second) = if event::deletes(trigger.kind) {
        (&snapshot.before, &snapshot.after)
    } else {
        (&snapshot.after, &snapshot.before)
    };
    let found = first
        .as_ref()
        .or(second.as_ref())
        .filter(|subject| match subject {
            Subject::User(_) => event::object(trigger.kind) == Object::User,
            Subject::Group(_) => event::object(trigger.kind) == Object::Group,
        });
    found.ok_or_else(|| {
        let name = &trigger.subject_name;
        match trigger.kind {
            TriggerKind::LoggedIn => Nothing {
                reason: Reason::JitDisabledOnConnection,
                detail: format!("no local user came of the login of {name}"),
            },
            _ => Nothing {
                reason: Reason::NeverProvisioned,
                detail: format!("{name} is not in the local directory"),
            },
        }
    })
}

/// One candidate on its way through the steps.
struct Walk<'a> {
    decider: &'a Decider<'a>,
    trigger: &'a Trigger,
    snapshot: &'a Snapshot,
    candidate: &'a Candidate,
    target: Target<'a>,
    known: Option<Known>,
    deprovision: Deprovision,
}

impl Walk<'_> {
    fn user(&self, user: &User, trace: &mut Trace) -> Result<Planned, Nothing> {
        if self.has_left() {
            links::say(self.known.as_ref(), trace);
            return shape::take_away(self, trace);
        }
        let mut goes = self.trigger.kind == TriggerKind::UserDeleted;
        match scope::user(self, user, trace)? {
            Standing::In => {}
            Standing::Out(nothing) if self.known.is_none() => return Err(nothing),
            Standing::Out(nothing) => {
                scope::say_out(&nothing, trace);
                goes = true;
            }
        }
        links::say(self.known.as_ref(), trace);
        if goes {
            return shape::take_away(self, trace);
        }
        if self.trigger.kind == TriggerKind::RoleRevoked && !self.is_there() {
            return Err(shape::never_provisioned(self));
        }
        let desired = map::user(self, user, trace)?;
        shape::bring(self, self.heeding(desired, trace), trace)
    }

    fn group(&self, group: &domain::Group, trace: &mut Trace) -> Result<Planned, Nothing> {
        if self.has_left() {
            links::say(self.known.as_ref(), trace);
            return shape::take_away(self, trace);
        }
        scope::group(self, group, trace)?;
        links::say(self.known.as_ref(), trace);
        if self.trigger.kind == TriggerKind::GroupDeleted {
            return shape::take_away(self, trace);
        }
        let desired = map::group(self, group, trace)?;
        shape::bring(self, self.heeding(desired, trace), trace)
    }

    /// Tells whether a comparison found the account of somebody who is here no longer: nothing is known to judge by, and
    /// nobody is left to be in scope.
    fn has_left(&self) -> bool {
        self.trigger.kind.is_reconciled() && self.snapshot.after.is_none()
    }

    /// Leaves at the target what was accepted there.
    fn heeding(&self, mut desired: Desired, trace: &mut Trace) -> Desired {
        if let Some(known) = self.known.as_ref().filter(|known| known.is_there()) {
            for said in reconcile::heed(&self.target, &mut desired, &known.exceptions) {
                trace.say(Step::Map, said);
            }
        }
        desired
    }

    /// Tells whether there is an account to update: a link that is not gone, or a create on its way.
    fn is_there(&self) -> bool {
        self.known.as_ref().is_some_and(Known::is_there)
    }
}
