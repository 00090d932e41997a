//! What an account should be now: the decision's own steps up to *map*, without shaping an operation.

use domain::{
    ConnectorRef, Desired, Nothing, Object, Reason, Snapshot, Subject, Trigger, TriggerKind, User,
};

use crate::scope::{self, Standing};
use crate::shape::name_attribute;
use crate::trace::Trace;
use crate::{Decider, Walk, attribute, event, level, links, map, target};

/// What should be at a connector for a subject.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// This account.
    Account(Box<Desired>),
    /// No account that may be used, and why not.
    Nobody(Nothing),
    /// It cannot be said, or is not for us to say; the account is left alone.
    Unsaid(Nothing),
}

impl Decider<'_> {
    /// Says what should be at a connector for the subject of a *reconciled* trigger.
    ///
    /// What was let stand at the target ([`domain::Exception`]) is not heeded: this is what the mapping says.
    pub fn wanted(
        &self,
        trigger: &Trigger,
        snapshot: &Snapshot,
        connector: &ConnectorRef,
    ) -> Wanted {
        if snapshot.after.is_none() {
            return Wanted::Nobody(not_here(trigger));
        }
        self.walk_to_map(trigger, snapshot, connector)
            .unwrap_or_else(Wanted::Unsaid)
    }

    fn walk_to_map(
        &self,
        trigger: &Trigger,
        snapshot: &Snapshot,
        connector: &ConnectorRef,
    ) -> Result<Wanted, Nothing> {
        let proposals = level::proposals(self, trigger, snapshot);
        let proposal = proposals
            .list
            .iter()
            .find(|proposal| proposal.candidate.connector == *connector)
            .ok_or_else(|| Nothing {
                reason: Reason::NoProvisioners,
                detail: format!("nothing is linked at {connector}"),
            })?;
        let object = event::object(trigger.kind);
        let target = target::available(self, connector, object, None)?;
        let walk = Walk {
            decider: self,
            trigger,
            snapshot,
            candidate: &proposal.candidate,
            known: links::known(snapshot, connector, target.deprovision()),
            deprovision: target.deprovision(),
            target,
        };
        let mut trace = Trace::default();
        match crate::subject(trigger, snapshot)? {
            Subject::User(user) => walk.wanted_user(user, &mut trace),
            Subject::Group(group) => {
                scope::group(&walk, group, &mut trace)?;
                let desired = map::group(&walk, group, &mut trace)?;
                Ok(Wanted::Account(Box::new(desired)))
            }
        }
    }

    /// Tells whether a connector's target keeps groups, and the settings say where.
    pub fn keeps_groups(&self, connector: &ConnectorRef) -> bool {
        self.target(connector)
            .is_some_and(|target| target.keeps_groups())
    }

    /// Returns the field that holds an account's name.
    pub fn name_field(&self, connector: &ConnectorRef, object: Object) -> &'static str {
        name_attribute(self.target(connector).as_ref(), object)
    }

    /// Returns the names of the attributes that a connector's accounts are compared by, groups apart.
    pub fn compared_attributes(&self, connector: &ConnectorRef) -> Vec<String> {
        self.target(connector)
            .map(|target| attribute::names(&target))
            .unwrap_or_default()
    }
}

impl Walk<'_> {
    fn wanted_user(&self, user: &User, trace: &mut Trace) -> Result<Wanted, Nothing> {
        match scope::user(self, user, trace)? {
            Standing::Out(nothing) => Ok(Wanted::Nobody(nothing)),
            Standing::In => {
                let desired = map::user(self, user, trace)?;
                Ok(Wanted::Account(Box::new(desired)))
            }
        }
    }
}

fn not_here(trigger: &Trigger) -> Nothing {
    let kind = match trigger.kind {
        TriggerKind::GroupReconciled => "group",
        _ => "user",
    };
    Nothing {
        reason: Reason::NeverProvisioned,
        detail: format!(
            "{kind} {} is not in the local directory any more",
            trigger.subject_name
        ),
    }
}
