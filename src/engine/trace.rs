//! One flow, told from its facts: what happened, what was decided and why, what was sent, and what came back.

use domain::{
    Decision, Exchange, Failure, FlowId, Link, OnFailure, OperationId, PasswordSource, Planned,
    TraceLine, Trigger, TriggerId, Verb, Verdict,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    Answer, Cause, Death, DirectoryChange, Fact, Life, Queued, Record, Settlement, WaitVerdict,
};

/// Everything that came of one caller's request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowTrace {
    /// The flow.
    pub flow: FlowId,
    /// The triggers with their decisions, in order.
    pub triggers: Vec<TriggerTrace>,
    /// The operations in the order in which they were queued; compensating ones too.
    pub operations: Vec<OperationTrace>,
    /// The caller's wait, when a blocking operation made it wait.
    pub wait: Option<WaitTrace>,
    /// What changed in the local directory, and when.
    pub directory: Vec<(Timestamp, DirectoryChange)>,
}

/// One trigger and what was decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriggerTrace {
    /// The trigger.
    pub trigger: Trigger,
    /// The first step, shared by all decisions.
    pub event: Vec<TraceLine>,
    /// One decision per candidate, with the operation that carries it out.
    pub decisions: Vec<Decided>,
}

/// One decision with the operation that carries it out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decided {
    /// The decision with its steps.
    pub decision: Decision,
    /// The operation, when the verdict is one.
    pub operation: Option<OperationId>,
}

/// One operation with everything that was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperationTrace {
    /// The operation as it was queued.
    pub queued: Queued,
    /// When it was queued.
    pub at: Timestamp,
    /// What is to be done.
    pub planned: Option<Planned>,
    /// Where it stands.
    pub life: Life,
    /// The attempts.
    pub attempts: Vec<AttemptTrace>,
    /// When it ended, for good or not.
    pub ended: Option<Timestamp>,
    /// How it was done.
    pub settlement: Option<Settlement>,
    /// Why it failed for good.
    pub death: Option<Death>,
    /// Why it was given up, in words.
    pub discarded: Option<String>,
    /// The operation that undoes it, because the flow was refused.
    pub undone_by: Option<OperationId>,
    /// The link as this operation left it; as it was, when the operation ended it.
    pub link: Option<Link>,
    /// Whether this operation ended the link.
    pub unlinked: bool,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttemptTrace {
    /// The number, from 1.
    pub number: u32,
    /// When it started.
    pub started: Timestamp,
    /// What was done.
    pub verb: Verb,
    /// Which password went with it.
    pub password: Option<PasswordSource>,
    /// The requests, lookups afterwards included.
    pub exchanges: Vec<Exchange>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What went wrong.
    pub failure: Option<Failure>,
    /// What the operation did next.
    pub then: Option<Life>,
    /// What the target said when it was asked what became of this attempt.
    pub asked: Vec<AskedTrace>,
}

/// One question to the target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AskedTrace {
    /// When the answer was written.
    pub at: Timestamp,
    /// What it said.
    pub answer: Answer,
    /// What the operation did next.
    pub then: Life,
}

/// A caller's wait, with its begin and end for the time line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitTrace {
    /// When it began.
    pub began: Timestamp,
    /// When it would have ended at the latest.
    pub until: Timestamp,
    /// The operations waited for.
    pub operations: Vec<OperationId>,
    /// What a failure does.
    pub on_failure: OnFailure,
    /// When and how it ended; `None` while the caller waits.
    pub ended: Option<(Timestamp, WaitVerdict)>,
}

impl FlowTrace {
    /// Tells a flow from its facts, which are given in order.
    pub fn of(flow: FlowId, records: impl IntoIterator<Item = Record>) -> Self {
        let mut trace = Self {
            flow,
            triggers: Vec::new(),
            operations: Vec::new(),
            wait: None,
            directory: Vec::new(),
        };
        let mut last_moved = None;
        for record in records {
            let moves = record.fact.moves();
            trace.add(record.at, record.fact, last_moved);
            last_moved = moves.or(last_moved);
        }
        trace
    }

    /// Returns an operation by its id.
    pub fn operation(&self, id: OperationId) -> Option<&OperationTrace> {
        self.operations
            .iter()
            .find(|operation| operation.queued.operation == id)
    }

    fn operation_mut(&mut self, id: OperationId) -> Option<&mut OperationTrace> {
        self.operations
            .iter_mut()
            .find(|operation| operation.queued.operation == id)
    }

    fn trigger_mut(&mut self, id: TriggerId) -> Option<&mut TriggerTrace> {
        // What was decided follows its trigger, and a flow may have many.
        self.triggers
            .iter_mut()
            .rev()
            .find(|entry| entry.trigger.id == id)
    }

    /// Adds one fact. A link's facts come right after the fact that settled its operation (`last_moved`).
    fn add(&mut self, at: Timestamp, fact: Fact, last_moved: Option<OperationId>) {
        if let Some(operation) = fact.moves().and_then(|id| self.operation_mut(id))
            && let Ok(life) = Life::after(Some(operation.life), &fact)
        {
            operation.life = life;
            operation.ended = (!life.is_open()).then_some(at);
        }
        match fact {
            Fact::TriggerRecorded { trigger } => self.triggers.push(TriggerTrace {
                trigger,
                event: Vec::new(),
                decisions: Vec::new(),
            }),
            Fact::Decided {
                trigger,
                event,
                decisions,
                operations,
            } => {
                if let Some(entry) = self.trigger_mut(trigger) {
                    entry.event = event;
                    entry.decisions = decisions
                        .into_iter()
                        .zip(operations)
                        .map(|(decision, operation)| Decided {
                            decision,
                            operation,
                        })
                        .collect();
                }
            }
            Fact::OperationQueued { queued } => {
                let entry = OperationTrace::queued(at, self.planned(&queued), queued);
                self.operations.push(entry);
            }
            Fact::AttemptStarted {
                operation,
                number,
                verb,
                password,
            } => {
                if let Some(entry) = self.operation_mut(operation) {
                    entry.attempts.push(AttemptTrace {
                        number,
                        started: at,
                        verb,
                        password,
                        exchanges: Vec::new(),
                        ended: None,
                        failure: None,
                        then: None,
                        asked: Vec::new(),
                    });
                }
            }
            Fact::ExchangeRecorded {
                operation: Some(operation),
                attempt,
                exchange,
                ..
            } => {
                if let Some(attempt) = self.attempt_mut(operation, attempt) {
                    attempt.exchanges.push(*exchange);
                }
            }
            Fact::AttemptFailed {
                operation,
                number,
                failure,
                then,
            } => {
                if let Some(attempt) = self.attempt_mut(operation, number) {
                    attempt.ended = Some(at);
                    attempt.failure = Some(failure);
                    attempt.then = Some(then);
                }
            }
            Fact::Asked {
                operation,
                number,
                answer,
                then,
            } => {
                if let Some(attempt) = self.attempt_mut(operation, number) {
                    attempt.asked.push(AskedTrace { at, answer, then });
                }
            }
            Fact::Settled {
                operation,
                attempts,
                outcome,
            } => {
                if let Some(entry) = self.operation_mut(operation) {
                    entry.end_attempt(attempts, at, None);
                    entry.settlement = Some(outcome);
                }
            }
            Fact::OperationDead { operation, death } => {
                if let Some(entry) = self.operation_mut(operation) {
                    let last = entry.attempts.last().map_or(0, |attempt| attempt.number);
                    entry.end_attempt(last, at, death.failure.clone());
                    entry.death = Some(death);
                }
            }
            Fact::Linked { link } => {
                if let Some(entry) = last_moved.and_then(|id| self.operation_mut(id)) {
                    entry.link = Some(*link);
                }
            }
            Fact::Unlinked { link } => {
                if let Some(entry) = last_moved.and_then(|id| self.operation_mut(id)) {
                    entry.link = Some(*link);
                    entry.unlinked = true;
                }
            }
            Fact::Compensated { operation, by } => {
                if let Some(entry) = self.operation_mut(operation) {
                    entry.undone_by = Some(by);
                }
            }
            Fact::CallerWaited {
                operations,
                until,
                on_failure,
                ..
            } => {
                self.wait = Some(WaitTrace {
                    began: at,
                    until,
                    operations,
                    on_failure,
                    ended: None,
                });
            }
            Fact::CallerReleased { verdict } => {
                if let Some(wait) = &mut self.wait {
                    wait.ended = Some((at, verdict));
                }
            }
            Fact::DirectoryChanged { changes } => self
                .directory
                .extend(changes.into_iter().map(|change| (at, change))),
            Fact::Discarded { operation, why } => {
                if let Some(entry) = self.operation_mut(operation) {
                    entry.discarded = Some(why);
                }
            }
            Fact::Retried { operation, .. } => {
                if let Some(entry) = self.operation_mut(operation) {
                    entry.death = None;
                }
            }
            Fact::ExchangeRecorded {
                operation: None, ..
            }
            | Fact::Held { .. }
            | Fact::Released { .. }
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
            | Fact::ReconcileEnded { .. } => {}
        }
    }

    fn attempt_mut(&mut self, operation: OperationId, number: u32) -> Option<&mut AttemptTrace> {
        self.operation_mut(operation)?
            .attempts
            .iter_mut()
            .find(|attempt| attempt.number == number)
    }

    fn planned(&self, queued: &Queued) -> Option<Planned> {
        match &queued.cause {
            Cause::Decision(nth) => {
                let entry = self
                    .triggers
                    .iter()
                    .find(|entry| entry.trigger.id == queued.trigger)?;
                match &entry.decisions.get(*nth)?.decision.verdict {
                    Verdict::Operation(planned) => Some(planned.as_ref().clone()),
                    Verdict::Nothing(_) => None,
                }
            }
            Cause::Undoes { planned, .. } | Cause::MemberLinked { planned, .. } => {
                Some(planned.as_ref().clone())
            }
        }
    }
}

impl OperationTrace {
    fn queued(at: Timestamp, planned: Option<Planned>, queued: Queued) -> Self {
        let life = queued
            .held
            .map_or(Life::Queued, |reason| Life::Held { reason });
        Self {
            queued,
            at,
            planned,
            life,
            attempts: Vec::new(),
            ended: None,
            settlement: None,
            death: None,
            discarded: None,
            undone_by: None,
            link: None,
            unlinked: false,
        }
    }

    fn end_attempt(&mut self, number: u32, at: Timestamp, failure: Option<Failure>) {
        if let Some(attempt) = self
            .attempts
            .iter_mut()
            .find(|attempt| attempt.number == number && attempt.ended.is_none())
        {
            attempt.ended = Some(at);
            attempt.failure = failure;
        }
    }
}
