//! One request from its arrival to its commit: decided, written, and waited for.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use decide::{Decisions, Needs};
use domain::{
    Change, ConnectorRef, Decision, FlowId, LocalRef, NewUser, OnFailure, OperationId,
    PasswordPlan, Planned, Reason, Request, Secret, Source, Trigger, TriggerKind, Verb, Verdict,
};

use crate::along::{Along, Came};
use crate::blocking::{Gate, Progress, REFUSED};
use crate::brake::{Judged, Tick};
use crate::desk::Desk;
use crate::directory::{Draft, keys};
use crate::handle::{DirectoryError, Outcome, Plan, SubmitError};
use crate::inner::{Inner, Owed};
use crate::joining::{Awaited, accounts_of};
use crate::journal::{JournalError, OperationView};
use crate::keys::{Held, Key, Wanted};
use crate::retry::later;
use crate::setup::Setup;
use crate::trace::{Decided, TriggerTrace};
use crate::{Cause, Fact, Life, OperationFilter, Page, Queued, WaitFailure, WaitVerdict};

/// A request with its decisions.
pub(crate) struct Deciding {
    pub(crate) flow: FlowId,
    pub(crate) draft: Draft,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) decisions: Vec<Decisions>,
}

impl Deciding {
    /// Tells whether a caller has to wait for an operation.
    fn makes_wait(&self) -> bool {
        let mut decisions = self.decisions.iter().flat_map(|all| &all.decisions);
        decisions.any(|decision| {
            decision.candidate.blocking && matches!(decision.verdict, Verdict::Operation(_))
        })
    }

    /// Tells whether a brake keeps one of the operations.
    pub(crate) fn is_braked(&self) -> bool {
        let mut decisions = self.decisions.iter().flat_map(|all| &all.decisions);
        decisions.any(|decision| match &decision.verdict {
            Verdict::Operation(planned) => planned.held == Some(Reason::BrakeEngaged),
            Verdict::Nothing(_) => false,
        })
    }

    /// Returns the operations that are kept because their connector is held.
    fn held(&self, operations: &[Vec<Option<OperationId>>]) -> Vec<OperationId> {
        let decisions = self.decisions.iter().flat_map(|all| &all.decisions);
        decisions
            .zip(operations.iter().flatten())
            .filter_map(|(decision, id)| match &decision.verdict {
                Verdict::Operation(planned)
                    if matches!(planned.held, Some(Reason::Paused | Reason::Quarantined)) =>
                {
                    *id
                }
                _ => None,
            })
            .collect()
    }
}

/// Says to a caller that an operation it waits for is kept, and why.
fn held_back(decision: &Decision, reason: Reason) -> WaitFailure {
    let told = decision
        .trace
        .iter()
        .find(|line| line.reason == Some(reason));
    WaitFailure::Held {
        connector: decision.candidate.connector.clone(),
        reason,
        detail: told.map_or_else(|| reason.sentence().to_owned(), |line| line.text.clone()),
    }
}

/// Tells whether a reason means that a user who was meant for a target cannot be there as wanted; the others say that
/// the user was not meant for it, or that nothing is left to do.
pub(crate) fn is_fault(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ConnectionUnknown
            | Reason::ConnectionDisabled
            | Reason::ConnectorUnknown
            | Reason::ConnectorDisabled
            | Reason::RealTargetNotAllowed
            | Reason::RuleError
            | Reason::NameCollision
            | Reason::PatternInvalid
            | Reason::AttributeMissing
    )
}

fn takes_away(kind: TriggerKind) -> bool {
    matches!(
        kind,
        TriggerKind::UserDeleted | TriggerKind::GroupDeleted | TriggerKind::RoleRevoked
    )
}

/// The blocking operations of a flow.
#[derive(Default)]
pub(crate) struct Blocking {
    on_failure: OnFailure,
    /// Each with its connector and how long the caller waits for it.
    operations: Vec<(OperationId, ConnectorRef, Duration)>,
    /// What takes an account away, and which no caller waits for: it is not sent before the flow is known to stand,
    /// because an account that was deleted can only be made anew.
    deferred: Vec<(OperationId, ConnectorRef, LocalRef)>,
    /// Those that are kept, because nothing is sent to their connector.
    held: Vec<(OperationId, Reason, String)>,
}

impl Inner {
    /// Takes a request: from its commit on, what follows from it is owed.
    pub(crate) async fn submit(self: Arc<Self>, request: Request) -> Result<Outcome, SubmitError> {
        if self.is_stopping() {
            return Err(SubmitError::Stopped);
        }
        let setup = self.setup();
        let (subject_keys, draft) = self.understand(&setup, &request).await?;
        let outcome = self
            .carry_on(&setup, draft, &Came::of(&request), &Along::default())
            .await;
        drop(subject_keys);
        outcome
    }

    /// Understands a request, and takes the keys of all whom it is about.
    async fn understand(
        self: &Arc<Self>,
        setup: &Arc<Setup>,
        request: &Request,
    ) -> Result<(Held, Draft), SubmitError> {
        let mut wanted = keys(request, &setup.configuration);
        loop {
            let held = self.aside(self.keys.take_wanted(wanted.clone())).await;
            let draft = self.draft(setup, request).await?;
            let missing = draft.missing(request, &wanted);
            if missing.is_empty() {
                return Ok((held, draft));
            }
            // Keys are taken in their order, so those that are held are given back first.
            drop(held);
            wanted.alone.extend(missing);
        }
    }

    /// Decides a draft and commits it with what goes along; whoever calls holds the keys of its subjects.
    pub(crate) async fn carry_on(
        self: &Arc<Self>,
        setup: &Setup,
        mut draft: Draft,
        came: &Came,
        along: &Along,
    ) -> Result<Outcome, SubmitError> {
        let flow = FlowId(self.id());
        let triggers = self.desk(setup).triggers(&draft, came, flow);
        let needs = self.desk(setup).needs(&draft, &triggers);
        let wanted = decided_by(&draft, &needs);
        let decided_keys = self.aside(self.keys.take_wanted(wanted)).await;
        let mut decisions = self
            .desk(setup)
            .decide(&mut draft, &triggers, &needs, along)?;
        let mut judged = self.brake(&mut decisions, setup)?;
        let mut deciding = Deciding {
            flow,
            draft,
            triggers,
            decisions,
        };
        along.check(&deciding.decisions)?;
        let unmet = self.unmet(&deciding)?;
        let awaited = if deciding.makes_wait() {
            self.awaited(&deciding.triggers, &deciding.draft.changes)?
        } else {
            Vec::new()
        };
        if unmet.is_none() && !self.sends && deciding.makes_wait() {
            return Err(DirectoryError::Unusable {
                told: "a blocking provisioner waits for its target, and nothing is sent now"
                    .to_owned(),
            }
            .into());
        }
        let (mut owed, operations, blocking) = self.owe(&mut deciding, unmet.is_some());
        for fact in &along.facts {
            owed.push(flow, fact.clone());
        }
        if let Some(refusing) = unmet.as_ref().and_then(WaitFailure::connector) {
            judged.refused_by(refusing);
        }
        owed.apart(judged.facts());
        if let Some(cause) = unmet {
            return self
                .turn_away(deciding, &operations, owed, judged, cause)
                .await;
        }
        if blocking.is_none() && along.facts.is_empty() {
            self.begin(setup, &deciding.draft.steps, &mut owed);
        }
        let held = deciding.held(&operations);
        let is_braked = deciding.is_braked();
        let gate = blocking.as_ref().map(|blocking| {
            let now = self.clock.monotonic();
            let deadlines = blocking.operations.iter().map(|(id, connector, timeout)| {
                (*id, connector.clone(), now.saturating_add(*timeout))
            });
            self.waits.open(flow, deadlines)
        });
        if let Err(error) = self.commit(owed).await {
            self.waits.close(flow);
            for id in operations.iter().flatten().filter_map(|id| *id) {
                self.passwords.forget(id);
            }
            return Err(error.into());
        }
        judged.stands();
        drop(decided_keys);
        if !held.is_empty() {
            self.release_late(&held).await;
        }
        if is_braked {
            // The brake may have been let go of since it was decided.
            self.brakes.loosen();
        }
        if let Some(blocking) = &blocking {
            for (operation, connector, _) in &blocking.operations {
                // Held since it was decided, or just now.
                if let Some(hold) = self.hold_on(connector) {
                    let told = Progress::Held(hold.reason, hold.detail);
                    self.waits.tell(flow, *operation, told);
                }
            }
        }
        self.pump();
        self.beat();
        let outcome = match (gate, blocking) {
            (Some(gate), Some(blocking)) => {
                self.wait_out(deciding, &operations, &gate, blocking, &awaited)
                    .await?
            }
            _ => outcome(deciding, &operations, self.clock.now()),
        };
        Ok(outcome)
    }

    async fn wait_out(
        self: &Arc<Self>,
        mut deciding: Deciding,
        operations: &[Vec<Option<OperationId>>],
        gate: &Arc<Gate>,
        blocking: Blocking,
        awaited: &[Awaited],
    ) -> Result<Outcome, SubmitError> {
        let flow = deciding.flow;
        // They are made with the caller's release, when it is not refused.
        let changes = std::mem::take(&mut deciding.draft.changes);
        for (operation, reason, detail) in blocking.held {
            self.waits
                .tell(flow, operation, Progress::Held(reason, detail));
        }
        let verdict = self
            .wait(flow, gate, blocking.on_failure, changes, awaited)
            .await?;
        if !matches!(verdict, WaitVerdict::Rejected { .. }) {
            let now = self.clock.monotonic();
            let mut lanes = self.lanes();
            for (operation, connector, local) in blocking.deferred {
                lanes.hurry(&connector, local, operation, now);
            }
            drop(lanes);
            self.pump();
        }
        self.told(deciding, operations, verdict)
    }

    pub(crate) fn desk<'a>(&'a self, setup: &'a Setup) -> Desk<'a> {
        let holds = self.holds.read();
        Desk {
            brakes: &self.brakes,
            tick: Tick::of(self.clock.as_ref()),
            setup,
            reader: &self.reader,
            ids: &self.ids,
            now: self.clock.now(),
            holds: holds.unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Decides without doing: nothing is written, nothing is sent, nothing waits.
    pub(crate) fn plan(&self, request: &Request) -> Result<Plan, SubmitError> {
        self.desk(&self.setup()).plan(request)
    }

    /// Returns why a request with a blocking provisioner is refused before anything is sent: a fault keeps the account
    /// from being made or kept right, so the target cannot confirm.
    fn unmet(&self, deciding: &Deciding) -> Result<Option<WaitFailure>, JournalError> {
        for (trigger, decisions) in deciding.triggers.iter().zip(&deciding.decisions) {
            for decision in &decisions.decisions {
                let candidate = &decision.candidate;
                if !candidate.blocking || candidate.on_failure != OnFailure::Reject {
                    continue;
                }
                let nothing = match &decision.verdict {
                    Verdict::Nothing(nothing) => nothing,
                    Verdict::Operation(planned) => match planned.held {
                        Some(reason) => return Ok(Some(held_back(decision, reason))),
                        None => continue,
                    },
                };
                if !is_fault(nothing.reason) {
                    continue;
                }
                // Where there is no account, there is none to be taken away either.
                if takes_away(trigger.kind)
                    && self
                        .reader
                        .link(&candidate.connector, trigger.subject)?
                        .is_none()
                {
                    continue;
                }
                return Ok(Some(WaitFailure::NotProvisioned {
                    connector: candidate.connector.clone(),
                    reason: nothing.reason,
                    detail: nothing.detail.clone(),
                }));
            }
        }
        Ok(None)
    }

    /// Commits a request that is refused as it stands: what was decided is on record, and none of it is sent.
    async fn turn_away(
        &self,
        deciding: Deciding,
        operations: &[Vec<Option<OperationId>>],
        mut owed: Owed,
        judged: Judged<'_>,
        cause: WaitFailure,
    ) -> Result<Outcome, SubmitError> {
        let flow = deciding.flow;
        let verdict = WaitVerdict::Rejected { cause };
        let ids: Vec<OperationId> = operations.iter().flatten().filter_map(|id| *id).collect();
        owed.push(
            flow,
            Fact::CallerReleased {
                verdict: verdict.clone(),
            },
        );
        for id in &ids {
            self.passwords.forget(*id);
            owed.push(
                flow,
                Fact::Discarded {
                    operation: *id,
                    why: REFUSED.to_owned(),
                },
            );
        }
        self.commit(owed.unsent()).await?;
        judged.stands();
        self.beat();
        self.told(deciding, operations, verdict)
    }

    /// Tells the caller how its wait ended, with the operations as they stand now.
    fn told(
        &self,
        deciding: Deciding,
        operations: &[Vec<Option<OperationId>>],
        verdict: WaitVerdict,
    ) -> Result<Outcome, SubmitError> {
        let filter = OperationFilter {
            flow: Some(deciding.flow),
            ..OperationFilter::default()
        };
        let mut outcome = outcome(deciding, operations, self.clock.now());
        outcome.verdict = Some(verdict);
        outcome.operations = self.reader.operations(&filter, Page::newest(1000))?;
        outcome.operations.reverse();
        Ok(outcome)
    }

    /// Releases what was committed as held although its hold ended while it was decided.
    pub(crate) async fn release_late(&self, operations: &[OperationId]) {
        let held = self.held_connectors();
        let released = async {
            let mut late = Vec::new();
            for id in operations {
                if let Some(open) = self.reader.head(*id)?
                    && !open.life.is_braked()
                    && !held.contains(&open.connector)
                {
                    if matches!(open.life, Life::Held { .. }) {
                        late.push(open);
                    } else if open.life == Life::Queued {
                        // It was released before it stood in its lane, which has it as held. What was tried meanwhile keeps
                        // its time.
                        let now = self.clock.monotonic();
                        self.lanes().hurry(&open.connector, open.local, *id, now);
                    }
                }
            }
            if late.is_empty() {
                return Ok(());
            }
            self.release(&late).await
        };
        if let Err(error) = released.await {
            // The request stands all the same; the next resume or start releases it.
            tracing::error!(%error, "operations that are held no longer could not be released");
        }
    }

    /// Collects what is committed together: triggers, decisions, operations, the change or the caller's wait.
    pub(crate) fn owe(
        &self,
        deciding: &mut Deciding,
        refused: bool,
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
            owed.queue(flow, queued, Arc::clone(planned));
        }
        if refused {
            blocking.get_or_insert_with(Blocking::default).on_failure = OnFailure::Reject;
        }
        let deferred = blocking
            .as_ref()
            .is_some_and(|blocking| blocking.on_failure == OnFailure::Reject);
        if !deferred && !deciding.draft.changes.is_empty() {
            let changes = std::mem::take(&mut deciding.draft.changes);
            owed.push(flow, Fact::DirectoryChanged { changes });
        }
        if let Some(blocking) = blocking.as_mut().filter(|_| deferred) {
            blocking.defer(deciding, &all);
            for (operation, ..) in &blocking.deferred {
                owed.defer(*operation);
            }
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
            ..Self::default()
        });
        // The change is made or it is not: one that rejects decides for all.
        if candidate.on_failure == OnFailure::Reject {
            blocking.on_failure = OnFailure::Reject;
        }
        blocking
            .operations
            .push((id, candidate.connector.clone(), candidate.timeout));
        if let Verdict::Operation(planned) = &decision.verdict
            && let Some(reason) = planned.held
            && let WaitFailure::Held { detail, .. } = held_back(decision, reason)
        {
            blocking.held.push((id, reason, detail));
        }
    }

    /// Notes what takes an account away and is to wait for the verdict.
    fn defer(&mut self, deciding: &Deciding, operations: &[Vec<Option<OperationId>>]) {
        let decisions = deciding.decisions.iter().flat_map(|all| &all.decisions);
        for (decision, id) in decisions.zip(operations.iter().flatten()) {
            if let (Verdict::Operation(planned), Some(id)) = (&decision.verdict, id)
                && planned.verb == Verb::Deprovision
                && planned.held.is_none()
                && !decision.candidate.blocking
            {
                let connector = decision.candidate.connector.clone();
                self.deferred.push((*id, connector, planned.local));
            }
        }
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

/// Returns the keys of what a decision is made by, besides its subjects: they are held until it is committed.
pub(crate) fn decided_by(draft: &Draft, needs: &[Needs]) -> Wanted {
    Wanted {
        alone: remote_keys(needs),
        beside: accounts_of(draft.joining()),
    }
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
pub(crate) fn import_request(user: NewUser, password: Option<Secret>) -> Request {
    Request {
        change: Change::CreateUser { user, password },
        source: Source::Import,
        application: None,
        connection: None,
    }
}
