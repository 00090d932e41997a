//! A request understood and decided, from the directory as the journal has it. Nothing is written here.

use std::collections::HashMap;
use std::sync::Arc;

use decide::{Decisions, Needs};
use domain::{
    Change, ConnectorRef, Desired, FlowId, Hold, Link, LocalRef, Request, Snapshot, Step, Subject,
    TraceLine, Trigger, TriggerId, TriggerKind, User, Verb, Verdict, visible,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::along::{Along, Came};
use crate::brake::{Brakes, Tick};
use crate::directory::{Draft, DraftStep, Drafter};
use crate::handle::{Options, Plan, PlanError, PlannedTrigger, StartError, SubmitError};
use crate::ids::Ids;
use crate::inner::Inner;
use crate::journal::{JournalError, Reader};
use crate::setup::Setup;

/// Decides what a request would lead to, without an engine: another one may run on the same journal.
///
/// Nothing is written and nothing sent; where there is no journal yet, the directory is empty.
///
/// # Errors
/// [`PlanError`] when the journal or the rules cannot be used, or the directory does not allow the request.
pub fn plan(options: &Options, request: &Request) -> Result<Plan, PlanError> {
    let setup = Setup::new(
        options.configuration.clone(),
        options.catalogue,
        options.connectors.clone(),
    )
    .map_err(StartError::Rules)?;
    let path = &options.journal;
    let reader = if path.exists() {
        Reader::open(path)
    } else {
        Reader::empty()
    }
    .map_err(StartError::Journal)?;
    let tick = Tick::of(options.clock.as_ref());
    let brakes = Brakes::load(&reader, &setup, tick).map_err(StartError::Journal)?;
    let desk = Desk {
        brakes: &brakes,
        tick,
        setup: &setup,
        reader: &reader,
        ids: &Ids::new(options.seed, reader.last().map_err(StartError::Journal)?),
        now: options.clock.now(),
        holds: reader.holds().map_err(StartError::Journal)?,
    };
    Ok(desk.plan(request)?)
}

impl Inner {
    /// Understands a request. Whoever changes a role has all users looked through for it, which keeps no worker of the
    /// runtime from its work.
    pub(crate) async fn draft(
        self: &Arc<Self>,
        setup: &Arc<Setup>,
        request: &Request,
    ) -> Result<Draft, SubmitError> {
        let changes_role = matches!(
            request.change,
            Change::CreateRole { .. } | Change::RenameRole { .. } | Change::DeleteRole { .. }
        );
        if !changes_role {
            return self.desk(setup).draft(request);
        }
        let (inner, setup, request) = (Arc::clone(self), Arc::clone(setup), request.clone());
        let drafted = tokio::task::spawn_blocking(move || inner.desk(&setup).draft(&request)).await;
        drafted.map_err(|_| JournalError::Closed)?
    }
}

/// What a request is decided by at one moment.
pub(crate) struct Desk<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) reader: &'a Reader,
    pub(crate) ids: &'a Ids,
    pub(crate) now: Timestamp,
    /// Connectors held by hand or by quarantine.
    pub(crate) holds: Vec<Hold>,
    pub(crate) brakes: &'a Brakes,
    pub(crate) tick: Tick,
}

impl Desk<'_> {
    pub(crate) fn plan(&self, request: &Request) -> Result<Plan, SubmitError> {
        let mut draft = self.draft(request)?;
        let triggers = self.triggers(&draft, &Came::of(request), FlowId(self.id()));
        let needs = self.needs(&draft, &triggers);
        let mut decisions = self.decide(&mut draft, &triggers, &needs, &Along::default())?;
        let all = decisions.iter_mut();
        self.brakes
            .judge(all, self.setup, self.reader, self.tick, false)?;
        Ok(Plan {
            triggers: triggers
                .into_iter()
                .zip(decisions)
                .map(|(trigger, decisions)| PlannedTrigger {
                    trigger,
                    event: decisions.event,
                    decisions: decisions.decisions,
                })
                .collect(),
        })
    }

    fn id(&self) -> Uuid {
        self.ids.next(self.now)
    }

    pub(crate) fn draft(&self, request: &Request) -> Result<Draft, SubmitError> {
        Drafter {
            configuration: &self.setup.configuration,
            reader: self.reader,
            ids: &|| self.id(),
        }
        .draft(request)
    }

    pub(crate) fn triggers(&self, draft: &Draft, came: &Came, flow: FlowId) -> Vec<Trigger> {
        draft
            .steps
            .iter()
            .map(|step| Trigger {
                id: TriggerId(self.id()),
                flow,
                at: self.now,
                kind: step.kind,
                source: step.source,
                subject: step.subject,
                subject_name: step.name.clone(),
                application: came.application.clone(),
                connection: came.connection.clone(),
                role: step.role.clone(),
                changed: step.changed.clone(),
                carries_password: draft.password.is_some()
                    && matches!(
                        step.kind,
                        TriggerKind::UserCreated | TriggerKind::PasswordChanged
                    ),
            })
            .collect()
    }

    pub(crate) fn needs(&self, draft: &Draft, triggers: &[Trigger]) -> Vec<Needs> {
        let decider = self.setup.decider();
        draft
            .steps
            .iter()
            .zip(triggers)
            .map(|(step, trigger)| {
                decider.needs(trigger, step.before.as_ref(), step.after.as_ref())
            })
            .collect()
    }

    /// Decides the triggers in order; a later one sees what an earlier one has put on its way.
    pub(crate) fn decide(
        &self,
        draft: &mut Draft,
        triggers: &[Trigger],
        needs: &[Needs],
        along: &Along,
    ) -> Result<Vec<Decisions>, JournalError> {
        let mut on_their_way: HashMap<LocalRef, Vec<(ConnectorRef, Option<Desired>)>> =
            HashMap::new();
        let mut out = Vec::with_capacity(triggers.len());
        for (at, (trigger, needs)) in triggers.iter().zip(needs).enumerate() {
            let mut snapshot = self.snapshot(draft, &draft.steps[at], needs)?;
            let step = &mut draft.steps[at];
            // Lent while it is decided: a user is dear to copy.
            (snapshot.before, snapshot.after) = (step.before.take(), step.after.take());
            along.put_into(&mut snapshot);
            for (connector, desired) in on_their_way.get(&step.subject).into_iter().flatten() {
                snapshot.pending.retain(|(known, _)| known != connector);
                snapshot.pending.push((connector.clone(), desired.clone()));
            }
            let mut decided = self.setup.decider().decide(trigger, &snapshot);
            (step.before, step.after) = (snapshot.before, snapshot.after);
            if let Some(note) = &step.note {
                decided.event.push(TraceLine {
                    step: Step::Event,
                    text: visible(note).into_owned(),
                    reason: None,
                });
            }
            let is_last = out.len() + 1 == triggers.len();
            for decision in &decided.decisions {
                if let Verdict::Operation(planned) = &decision.verdict
                    && !is_last
                {
                    let desired =
                        (planned.verb != Verb::Deprovision).then(|| planned.desired.clone());
                    let connector = decision.candidate.connector.clone();
                    let on_its_way = on_their_way.entry(planned.local).or_default();
                    on_its_way.push((connector, desired));
                }
            }
            out.push(decided);
        }
        Ok(out)
    }

    /// Looks up what a decision has to know, besides the subject itself.
    fn snapshot(
        &self,
        draft: &Draft,
        step: &DraftStep,
        needs: &Needs,
    ) -> Result<Snapshot, JournalError> {
        // Nothing can be known yet of somebody who is only just being created.
        let is_new = step.before.is_none();
        let (links, pending) = if is_new {
            Default::default()
        } else {
            self.reader.standing(step.subject)?
        };
        Ok(Snapshot {
            before: None,
            after: None,
            links,
            pending,
            owners: self.reader.owners(&needs.names, step.subject)?,
            doubtful: if is_new {
                Vec::new()
            } else {
                self.reader.doubtful(step.subject)?
            },
            holds: self.holds.clone(),
            only: None,
            members: if needs.members {
                self.members(draft, step)?
            } else {
                Vec::new()
            },
        })
    }

    /// Returns a group's members with their links; one whom the same request creates has none yet.
    fn members(
        &self,
        draft: &Draft,
        step: &DraftStep,
    ) -> Result<Vec<(User, Vec<Link>)>, JournalError> {
        let Some(Subject::Group(group)) = step.after.as_ref().or(step.before.as_ref()) else {
            return Ok(Vec::new());
        };
        let mut out = Vec::with_capacity(group.members.len());
        let created = draft.steps.iter().filter(|step| step.before.is_none());
        for step in created {
            if let Some(Subject::User(user)) = &step.after
                && group.members.contains(&user.id)
            {
                out.push((user.clone(), Vec::new()));
            }
        }
        for id in &group.members {
            if let Some(user) = self.reader.user_by_id(*id)? {
                out.push((user, self.reader.links_of(LocalRef::User(*id))?));
            }
        }
        Ok(out)
    }
}
