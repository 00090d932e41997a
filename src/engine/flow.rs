//! One request from its arrival to its commit: understood, decided, written; and the same without writing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decide::{Decisions, Needs};
use domain::{
    ConnectorRef, Decision, Desired, FlowId, Hold, Link, LocalRef, OnFailure, OperationId,
    PasswordPlan, Planned, Request, Snapshot, Source, Step, Subject, TraceLine, Trigger, TriggerId,
    TriggerKind, User, Verb, Verdict, visible,
};

use crate::blocking::Gate;
use crate::directory::{Draft, DraftStep, Drafter, keys};
use crate::handle::{Outcome, Plan, PlannedTrigger, SubmitError};
use crate::inner::{Inner, Owed};
use crate::journal::{JournalError, OperationView};
use crate::keys::Key;
use crate::retry::later;
use crate::setup::Setup;
use crate::trace::{Decided, TriggerTrace};
use crate::{Cause, DirectoryChange, Fact, Life, OperationFilter, Page, Queued};

/// A request with its decisions.
struct Deciding {
    flow: FlowId,
    draft: Draft,
    triggers: Vec<Trigger>,
    decisions: Vec<Decisions>,
}

/// The blocking operations of a flow.
struct Blocking {
    on_failure: OnFailure,
    /// Each with its connector and how long the caller waits for it.
    operations: Vec<(OperationId, ConnectorRef, Duration)>,
}

impl Inner {
    /// Takes a request: from its commit on, what follows from it is owed.
    pub(crate) async fn submit(self: Arc<Self>, request: Request) -> Result<Outcome, SubmitError> {
        if self.is_stopping() {
            return Err(SubmitError::Stopped);
        }
        let setup = self.setup();
        let subject_keys = self.keys.take(keys(&request, &setup.configuration)).await;
        let draft = self.draft(&setup, &request)?;
        let flow = FlowId(self.id());
        let triggers = self.triggers(&draft, &request, flow);
        let needs = needs(&setup, &draft, &triggers);
        let name_keys = self.keys.take(remote_keys(&needs)).await;
        let decisions = self.decide(&setup, &draft, &triggers, &needs)?;
        let mut deciding = Deciding {
            flow,
            draft,
            triggers,
            decisions,
        };
        let (owed, operations, blocking) = self.owe(&mut deciding);
        let gate = blocking.as_ref().map(|blocking| {
            let now = self.clock.monotonic();
            let deadlines = blocking
                .operations
                .iter()
                .map(|(id, connector, timeout)| (*id, connector.clone(), now + *timeout));
            self.waits.open(flow, deadlines)
        });
        if let Err(error) = self.commit(owed).await {
            self.waits.close(flow);
            for id in operations.iter().flatten().filter_map(|id| *id) {
                self.passwords.forget(id);
            }
            return Err(error.into());
        }
        drop(name_keys);
        self.pump();
        self.beat();
        let outcome = match (gate, blocking) {
            (Some(gate), Some(blocking)) => {
                let changes = std::mem::take(&mut deciding.draft.changes);
                self.wait_out(deciding, &operations, &gate, blocking.on_failure, changes)
                    .await?
            }
            _ => outcome(deciding, &operations, self.clock.now()),
        };
        drop(subject_keys);
        Ok(outcome)
    }

    async fn wait_out(
        self: &Arc<Self>,
        deciding: Deciding,
        operations: &[Vec<Option<OperationId>>],
        gate: &Arc<Gate>,
        on_failure: OnFailure,
        changes: Vec<DirectoryChange>,
    ) -> Result<Outcome, SubmitError> {
        let flow = deciding.flow;
        let verdict = self.wait(flow, gate, on_failure, changes).await?;
        let mut outcome = outcome(deciding, operations, self.clock.now());
        outcome.verdict = Some(verdict);
        let filter = OperationFilter {
            flow: Some(flow),
            ..OperationFilter::default()
        };
        outcome.operations = self.reader.operations(&filter, Page::newest(1000))?;
        outcome.operations.reverse();
        Ok(outcome)
    }

    /// Decides without doing: nothing is written, nothing is sent, nothing waits.
    pub(crate) fn plan(&self, request: &Request) -> Result<Plan, SubmitError> {
        let setup = self.setup();
        let draft = self.draft(&setup, request)?;
        let triggers = self.triggers(&draft, request, FlowId(self.id()));
        let needs = needs(&setup, &draft, &triggers);
        let decisions = self.decide(&setup, &draft, &triggers, &needs)?;
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

    fn draft(&self, setup: &Setup, request: &Request) -> Result<Draft, SubmitError> {
        Drafter {
            configuration: &setup.configuration,
            reader: &self.reader,
            ids: &|| self.id(),
        }
        .draft(request)
    }

    fn triggers(&self, draft: &Draft, request: &Request, flow: FlowId) -> Vec<Trigger> {
        let now = self.clock.now();
        draft
            .steps
            .iter()
            .map(|step| Trigger {
                id: TriggerId(self.id()),
                flow,
                at: now,
                kind: step.kind,
                source: step.source,
                subject: step.subject,
                subject_name: step.name.clone(),
                application: request.application.clone(),
                connection: request.connection.clone(),
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

    /// Decides the triggers in order; a later one sees what an earlier one has put on its way.
    fn decide(
        &self,
        setup: &Setup,
        draft: &Draft,
        triggers: &[Trigger],
        needs: &[Needs],
    ) -> Result<Vec<Decisions>, JournalError> {
        let mut on_their_way: Vec<(LocalRef, ConnectorRef, Option<Desired>)> = Vec::new();
        let mut out = Vec::with_capacity(triggers.len());
        for ((step, trigger), needs) in draft.steps.iter().zip(triggers).zip(needs) {
            let mut snapshot = self.snapshot(draft, step, needs)?;
            for (local, connector, desired) in &on_their_way {
                if *local == step.subject {
                    snapshot.pending.retain(|(known, _)| known != connector);
                    snapshot.pending.push((connector.clone(), desired.clone()));
                }
            }
            let mut decided = setup.decider().decide(trigger, &snapshot);
            if let Some(note) = &step.note {
                decided.event.push(TraceLine {
                    step: Step::Event,
                    text: visible(note).into_owned(),
                    reason: None,
                });
            }
            for decision in &decided.decisions {
                if let Verdict::Operation(planned) = &decision.verdict {
                    let desired =
                        (planned.verb != Verb::Deprovision).then(|| planned.desired.clone());
                    let connector = decision.candidate.connector.clone();
                    on_their_way.push((planned.local, connector, desired));
                }
            }
            out.push(decided);
        }
        Ok(out)
    }

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
            before: step.before.clone(),
            after: step.after.clone(),
            links,
            pending,
            owners: self.reader.owners(&needs.names, step.subject)?,
            doubtful: self.reader.doubtful(step.subject)?,
            holds: self.holds_now(),
            members: if needs.members {
                self.members(draft, step)?
            } else {
                Vec::new()
            },
        })
    }

    fn holds_now(&self) -> Vec<Hold> {
        self.holds
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
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

    /// Collects what is committed together: triggers, decisions, operations, the change or the caller's wait.
    fn owe(
        &self,
        deciding: &mut Deciding,
    ) -> (Owed, Vec<Vec<Option<OperationId>>>, Option<Blocking>) {
        let flow = deciding.flow;
        let mut owed = Owed::default();
        let mut queued = Vec::new();
        let mut blocking: Option<Blocking> = None;
        let mut all = Vec::new();
        for (trigger, decisions) in deciding.triggers.iter().zip(&deciding.decisions) {
            let ids: Vec<Option<OperationId>> = decisions
                .decisions
                .iter()
                .map(|decision| match &decision.verdict {
                    Verdict::Operation(_) => Some(OperationId(self.id())),
                    Verdict::Nothing(_) => None,
                })
                .collect();
            for (nth, (decision, id)) in decisions.decisions.iter().zip(&ids).enumerate() {
                if let (Verdict::Operation(planned), Some(id)) = (&decision.verdict, id) {
                    if let Some(password) = &deciding.draft.password
                        && planned.desired.password == PasswordPlan::FromTrigger
                    {
                        self.passwords.keep(*id, password.clone());
                    }
                    Blocking::add(&mut blocking, decision, *id);
                    queued.push((queue(*id, trigger, nth, decision, planned), planned));
                }
            }
            let trigger_id = trigger.id;
            owed.push(
                flow,
                Fact::TriggerRecorded {
                    trigger: trigger.clone(),
                },
            );
            owed.push(
                flow,
                Fact::Decided {
                    trigger: trigger_id,
                    event: decisions.event.clone(),
                    decisions: decisions.decisions.clone(),
                    operations: ids.clone(),
                },
            );
            all.push(ids);
        }
        for (queued, planned) in queued {
            owed.queue(flow, queued, planned.as_ref().clone());
        }
        let deferred = blocking
            .as_ref()
            .is_some_and(|blocking| blocking.on_failure == OnFailure::Reject);
        if !deferred && !deciding.draft.changes.is_empty() {
            let changes = std::mem::take(&mut deciding.draft.changes);
            owed.push(flow, Fact::DirectoryChanged { changes });
        }
        if let Some(blocking) = &blocking {
            let longest = blocking
                .operations
                .iter()
                .map(|(_, _, timeout)| *timeout)
                .max()
                .unwrap_or_default();
            owed.push(
                flow,
                Fact::CallerWaited {
                    operations: blocking.operations.iter().map(|(id, ..)| *id).collect(),
                    until: later(self.clock.now(), longest),
                    on_failure: blocking.on_failure,
                    change: deciding.draft.changes.clone(),
                },
            );
        }
        (owed, all, blocking)
    }
}

impl Blocking {
    fn add(blocking: &mut Option<Self>, decision: &Decision, id: OperationId) {
        let candidate = &decision.candidate;
        if !candidate.blocking {
            return;
        }
        let blocking = blocking.get_or_insert_with(|| Self {
            on_failure: OnFailure::Accept,
            operations: Vec::new(),
        });
        // The change is made or it is not: one that rejects decides for all.
        if candidate.on_failure == OnFailure::Reject {
            blocking.on_failure = OnFailure::Reject;
        }
        blocking
            .operations
            .push((id, candidate.connector.clone(), candidate.timeout));
    }
}

fn queue(
    id: OperationId,
    trigger: &Trigger,
    nth: usize,
    decision: &Decision,
    planned: &Planned,
) -> Queued {
    Queued {
        operation: id,
        trigger: trigger.id,
        connector: decision.candidate.connector.clone(),
        local: planned.local,
        name: trigger.subject_name.clone(),
        remote_name: planned.desired.remote_name.clone(),
        verb: planned.verb,
        blocking: decision.candidate.blocking,
        cause: Cause::Decision(nth),
        held: planned.held,
    }
}

fn needs(setup: &Setup, draft: &Draft, triggers: &[Trigger]) -> Vec<Needs> {
    draft
        .steps
        .iter()
        .zip(triggers)
        .map(|(step, trigger)| {
            setup
                .decider()
                .needs(trigger, step.before.as_ref(), step.after.as_ref())
        })
        .collect()
}

fn remote_keys(needs: &[Needs]) -> BTreeSet<Key> {
    needs
        .iter()
        .flat_map(|needs| &needs.names)
        .map(|(connector, name)| Key::Remote(connector.clone(), name.clone()))
        .collect()
}

/// Tells the caller what was committed, as it stood then.
fn outcome(
    deciding: Deciding,
    operations: &[Vec<Option<OperationId>>],
    now: jiff::Timestamp,
) -> Outcome {
    let mut views = Vec::new();
    let mut triggers = Vec::new();
    let all = deciding.triggers.into_iter().zip(deciding.decisions);
    for ((trigger, decisions), ids) in all.zip(operations) {
        let mut decided = Vec::new();
        for (decision, id) in decisions.decisions.into_iter().zip(ids) {
            if let (Verdict::Operation(planned), Some(id)) = (&decision.verdict, id) {
                views.push(view(&trigger, &decision, planned, *id, now));
            }
            decided.push(Decided {
                decision,
                operation: *id,
            });
        }
        triggers.push(TriggerTrace {
            trigger,
            event: decisions.event,
            decisions: decided,
        });
    }
    Outcome {
        flow: deciding.flow,
        triggers,
        operations: views,
        verdict: None,
    }
}

fn view(
    trigger: &Trigger,
    decision: &Decision,
    planned: &Planned,
    id: OperationId,
    now: jiff::Timestamp,
) -> OperationView {
    OperationView {
        seq: 0,
        operation: id,
        flow: trigger.flow,
        trigger: trigger.id,
        connector: decision.candidate.connector.clone(),
        local: planned.local,
        name: trigger.subject_name.clone(),
        verb: planned.verb,
        blocking: decision.candidate.blocking,
        undoes: None,
        life: planned
            .held
            .map_or(Life::Queued, |reason| Life::Held { reason }),
        attempts: 0,
        queued: now,
        started: None,
        ended: None,
        last_error: None,
    }
}

/// Makes a request of an import's row.
pub(crate) fn import_request(user: domain::NewUser) -> Request {
    Request {
        change: domain::Change::CreateUser {
            user,
            password: None,
        },
        source: Source::Import,
        application: None,
        connection: None,
    }
}
