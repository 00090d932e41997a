//! The caller's wait for blocking operations, and undoing what a refused request already did elsewhere.
//!
//! While a caller waits, its flow has a gate: an operation's result and the end of the wait pass it one at a time, so
//! that an operation which ends late knows whether its flow was refused meanwhile, and is undone in the same commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use decide::Shaped;
use domain::{
    AttributeChange, Confirmation, ConnectorRef, Deprovision, Desired, DesiredAttribute, Failure,
    FlowId, Link, LinkOrigin, LocalRef, Member, OnFailure, OperationId, Origin, PasswordPlan,
    Planned, Reason, RemoteId, Verb,
};
use serde_json::Value;
use tokio::sync::Notify;

use crate::doubt::Doubt;
use crate::inner::{Inner, Owed};
use crate::joining::Awaited;
use crate::journal::{JournalError, Reader, Unresolved};
use crate::lanes::Entry;
use crate::stir::Stir;
use crate::timer::sleep_until;
use crate::trace::OperationTrace;
use crate::{
    Cause, Death, DirectoryChange, Fact, Life, Queued, Settlement, WaitFailure, WaitVerdict,
};

/// The flows whose callers wait, or were refused while something was still under way.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    gates: Mutex<HashMap<FlowId, Arc<Gate>>>,
    pub(crate) stir: Stir,
}

/// One flow whose caller waits.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Whether the flow was refused. Held while a result, or the end of the wait, is committed.
    pub(crate) refused: Arc<tokio::sync::Mutex<bool>>,
    open: Mutex<Open>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    /// The operations that are waited for, with the monotonic time until which each is.
    operations: HashMap<OperationId, (ConnectorRef, Duration)>,
    failed: Option<WaitFailure>,
    last: Option<Failure>,
    /// The caller waits and has not been told anything new.
    resting: bool,
}

/// What an operation's progress means to a waiting caller.
#[derive(Debug)]
pub(crate) enum Progress {
    Done,
    Tried(Failure),
    Dead(Death),
    Discarded(String),
    /// Nothing is sent to its connector for the present.
    Held(Reason, String),
}

enum Standing {
    Done,
    Failed(WaitFailure),
    Until(Duration),
}

impl Waits {
    /// Starts a wait.
    pub(crate) fn open(
        &self,
        flow: FlowId,
        operations: impl Iterator<Item = (OperationId, ConnectorRef, Duration)>,
    ) -> Arc<Gate> {
        let gate = Arc::new(Gate {
            refused: Arc::default(),
            open: Mutex::new(Open {
                operations: operations
                    .map(|(id, connector, until)| (id, (connector, until)))
                    .collect(),
                ..Open::default()
            }),
            changed: Notify::new(),
        });
        self.lock().insert(flow, Arc::clone(&gate));
        gate
    }

    /// Sees to it that a flow that was refused has a gate.
    fn open_refused(&self, flow: FlowId) {
        self.lock().entry(flow).or_insert_with(|| {
            Arc::new(Gate {
                refused: Arc::new(tokio::sync::Mutex::new(true)),
                open: Mutex::default(),
                changed: Notify::new(),
            })
        });
    }

    pub(crate) fn close(&self, flow: FlowId) {
        self.lock().remove(&flow);
    }

    pub(crate) fn gate(&self, flow: FlowId) -> Option<Arc<Gate>> {
        self.lock().get(&flow).cloned()
    }

    /// Tells the flow's caller how one of its operations goes on.
    pub(crate) fn tell(&self, flow: FlowId, operation: OperationId, progress: Progress) {
        if let Some(gate) = self.gate(flow) {
            gate.tell(operation, progress, &self.stir);
        }
    }

    /// Returns when the first caller's time runs out.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let gates = self.lock();
        gates.values().filter_map(|gate| gate.patience()).min()
    }

    /// Tells every caller who waits for a connector that nothing is sent there for the present.
    pub(crate) fn hold(&self, connector: &ConnectorRef, reason: Reason, detail: &str) {
        let gates: Vec<(FlowId, Arc<Gate>)> = self
            .lock()
            .iter()
            .map(|(flow, gate)| (*flow, Arc::clone(gate)))
            .collect();
        for (flow, gate) in gates {
            for operation in gate.waits_for(connector) {
                self.tell(flow, operation, Progress::Held(reason, detail.to_owned()));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FlowId, Arc<Gate>>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn rise(&mut self, stir: &Stir) {
        if std::mem::take(&mut self.resting) {
            stir.rise();
        }
    }
}

/// Counts a caller as being worked on again when its wait is over, however it ended.
struct Resting<'a> {
    gate: &'a Gate,
    stir: &'a Stir,
}

impl Drop for Resting<'_> {
    fn drop(&mut self) {
        self.gate.lock().rise(self.stir);
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, operation: OperationId, progress: Progress, stir: &Stir) {
        {
            let mut open = self.lock();
            let Some((connector, _)) = open.operations.get(&operation).cloned() else {
                return;
            };
            match progress {
                Progress::Done => {
                    open.operations.remove(&operation);
                }
                Progress::Tried(failure) => open.last = Some(failure),
                Progress::Dead(death) => {
                    open.failed.get_or_insert(WaitFailure::Failed {
                        operation,
                        connector,
                        death,
                    });
                }
                Progress::Discarded(why) => {
                    open.failed.get_or_insert(WaitFailure::Discarded {
                        operation,
                        connector,
                        why,
                    });
                }
                Progress::Held(reason, detail) => {
                    open.failed.get_or_insert(WaitFailure::Held {
                        connector,
                        reason,
                        detail,
                    });
                }
            }
            // From here on, and not only when its task runs, the caller goes on.
            open.rise(stir);
        }
        self.changed.notify_one();
    }

    fn patience(&self) -> Option<Duration> {
        let open = self.lock();
        let untils = open.operations.values().map(|(_, until)| *until);
        open.resting.then(|| untils.min()).flatten()
    }

    /// Lets the caller rest until it is told something or the guard is dropped.
    fn rest<'a>(&'a self, inner: &'a Inner) -> Resting<'a> {
        self.lock().resting = true;
        inner.waits.stir.rest();
        inner.beat();
        Resting {
            gate: self,
            stir: &inner.waits.stir,
        }
    }

    fn waits_for(&self, connector: &ConnectorRef) -> Vec<OperationId> {
        let open = self.lock();
        let here = open
            .operations
            .iter()
            .filter(|(_, (known, _))| known == connector);
        here.map(|(operation, _)| *operation).collect()
    }

    fn standing(&self, now: Duration) -> Standing {
        let open = self.lock();
        if let Some(failed) = &open.failed {
            return Standing::Failed(failed.clone());
        }
        let Some(first) = open.operations.values().map(|(_, until)| *until).min() else {
            return Standing::Done;
        };
        if first > now {
            return Standing::Until(first);
        }
        let mut waiting_for: Vec<ConnectorRef> = open
            .operations
            .values()
            .map(|(connector, _)| connector.clone())
            .collect();
        waiting_for.sort();
        Standing::Failed(WaitFailure::TimedOut {
            waiting_for,
            last: open.last.clone(),
        })
    }

    /// Waits until all are done, one has failed for good, time runs out or the engine stops.
    async fn outcome(&self, inner: &Inner) -> Result<(), WaitFailure> {
        let mut stopping = inner.stopping.subscribe();
        loop {
            match self.standing(inner.clock.monotonic()) {
                Standing::Done => return Ok(()),
                Standing::Failed(cause) => return Err(cause),
                Standing::Until(at) => {
                    let _resting = self.rest(inner);
                    tokio::select! {
                        () = self.changed.notified() => {}
                        () = sleep_until(inner.clock.as_ref(), at) => {}
                        _ = stopping.wait_for(|stopping| *stopping) => return Err(WaitFailure::ProcessEnded),
                    }
                }
            }
        }
    }
}

impl Inner {
    /// Waits for a flow's blocking operations and releases the caller; the memberships that are made then are `awaited`.
    pub(crate) async fn wait(
        self: &Arc<Self>,
        flow: FlowId,
        gate: &Gate,
        on_failure: OnFailure,
        changes: Vec<DirectoryChange>,
        awaited: &[Awaited],
    ) -> Result<WaitVerdict, JournalError> {
        let outcome = gate.outcome(self).await;
        let verdict = match outcome {
            Ok(()) => WaitVerdict::Confirmed,
            Err(cause) if on_failure == OnFailure::Accept => WaitVerdict::Accepted { cause },
            Err(cause) => WaitVerdict::Rejected { cause },
        };
        if let WaitVerdict::Rejected { .. } = &verdict {
            self.refuse(flow, gate, verdict.clone()).await?;
        } else {
            let mut owed = Owed::of(
                flow,
                [Fact::CallerReleased {
                    verdict: verdict.clone(),
                }],
            );
            let is_made = if on_failure == OnFailure::Reject && !changes.is_empty() {
                owed.push(flow, Fact::DirectoryChanged { changes });
                self.commit_released(flow, owed, awaited).await?
            } else {
                self.commit_surely(owed).await?
            };
            if !is_made {
                return Err(JournalError::Closed);
            }
            self.waits.close(flow);
        }
        // What undoes the flow is in the lanes now, and nothing else would wake them.
        self.pump();
        self.beat();
        Ok(verdict)
    }

    /// Refuses a flow: the local change is not made, what waits is discarded, and what was done is undone.
    async fn refuse(
        self: &Arc<Self>,
        flow: FlowId,
        gate: &Gate,
        verdict: WaitVerdict,
    ) -> Result<(), JournalError> {
        let mut refused = gate.refused.lock().await;
        *refused = true;
        let mut owed = Owed::of(flow, [Fact::CallerReleased { verdict }]);
        let trace = self.reader.trace(flow)?;
        let doubts: HashMap<OperationId, Doubt> = self
            .reader
            .heads_of(flow)?
            .into_iter()
            .map(|head| (head.operation, head.doubt))
            .collect();
        let mut asked_again = Vec::new();
        let mut discarded = Vec::new();
        let mut asked = Vec::new();
        for operation in trace.iter().flat_map(|trace| &trace.operations) {
            let id = operation.queued.operation;
            if matches!(operation.queued.cause, Cause::Undoes { .. }) {
                continue;
            }
            let doubt = doubts.get(&id).copied().unwrap_or_default();
            let makes =
                operation.planned.as_ref().map(|planned| planned.verb) == Some(Verb::Create);
            match operation.life {
                Life::Settled => {
                    if let Some(done) = Done::of(operation, doubt) {
                        self.undo(&mut owed, flow, &operation.queued, &done)?;
                    }
                }
                // It may have made an account before it failed for good: that is asked once more.
                Life::Dead if doubt.made && makes => {
                    let then = Life::InDoubt {
                        at: self.clock.now(),
                    };
                    owed.push(
                        flow,
                        Fact::Retried {
                            operation: id,
                            then,
                        },
                    );
                    asked_again.push(&operation.queued);
                }
                Life::Dead if !doubt.done => {}
                Life::Queued | Life::Retrying { .. } | Life::Held { .. } | Life::Dead => {
                    owed.push(
                        flow,
                        Fact::Discarded {
                            operation: id,
                            why: REFUSED.to_owned(),
                        },
                    );
                    if let Some(planned) = &operation.planned {
                        let unseen = Unseen {
                            planned,
                            doubt,
                            joins: matches!(operation.queued.cause, Cause::MemberLinked { .. }),
                            link: self
                                .reader
                                .link(&operation.queued.connector, operation.queued.local)?,
                        };
                        self.undo_unseen(&mut owed, flow, &operation.queued, unseen)?;
                    }
                    discarded.push(&operation.queued);
                }
                // Whether it was done is asked now; its result finds the gate and is undone.
                Life::InDoubt { .. } => asked.push(&operation.queued),
                Life::InFlight | Life::Discarded => {}
            }
        }
        let began = trace.as_ref().and_then(|trace| trace.triggers.first());
        let began = began.map(|entry| entry.trigger.at);
        if !self.commit_refused(flow, began, owed).await? {
            return Err(JournalError::Closed);
        }
        let mut again = Vec::new();
        for queued in &asked_again {
            again.extend(self.reader.head(queued.operation)?);
        }
        let now = self.clock.monotonic();
        let mut lanes = self.lanes();
        for queued in discarded {
            self.passwords.forget(queued.operation);
            lanes.remove(&queued.connector, queued.local, queued.operation, now);
        }
        for (queued, head) in asked_again.iter().zip(again) {
            let entry = Entry {
                seq: head.seq,
                operation: queued.operation,
                due: Duration::ZERO,
                held: false,
                job: None,
            };
            lanes.push(&queued.connector, queued.local, entry, now);
        }
        for queued in asked {
            lanes.hurry(&queued.connector, queued.local, queued.operation, now);
        }
        drop(lanes);
        drop(refused);
        self.close_when_ended(flow)
    }

    /// Gives a flow its gate back that was refused and forgotten: something that it left in doubt is asked about once more,
    /// and what is found is undone.
    pub(crate) fn recall_refused(&self, flow: FlowId) -> Result<(), JournalError> {
        if self.waits.gate(flow).is_none() && self.reader.is_refused(flow)? {
            self.waits.open_refused(flow);
        }
        Ok(())
    }

    /// Forgets a refused flow when nothing of it is under way any more.
    pub(crate) fn close_when_ended(&self, flow: FlowId) -> Result<(), JournalError> {
        let heads = self.reader.heads_of(flow)?;
        if heads.iter().all(|head| head.undoes || !head.life.is_open()) {
            self.waits.close(flow);
        }
        Ok(())
    }

    /// Resolves a wait whose process ended: a change that waited is refused, one that was made stands.
    pub(crate) async fn resolve(
        self: &Arc<Self>,
        unresolved: &Unresolved,
    ) -> Result<(), JournalError> {
        let flow = unresolved.flow;
        if unresolved.refused {
            self.waits.open_refused(flow);
            return Ok(());
        }
        let cause = WaitFailure::ProcessEnded;
        match unresolved.on_failure {
            OnFailure::Reject => {
                let gate = self.waits.open(flow, std::iter::empty());
                self.refuse(flow, &gate, WaitVerdict::Rejected { cause })
                    .await
            }
            OnFailure::Accept => {
                let verdict = WaitVerdict::Accepted { cause };
                let owed = Owed::of(flow, [Fact::CallerReleased { verdict }]);
                self.commit(owed).await.map(|_| ())
            }
        }
    }

    /// Adds what undoes an operation of which nobody knows whether it was carried out.
    ///
    /// It is taken as carried out: the link says so from now on, so that what undoes it is really sent.
    pub(crate) fn undo_unseen(
        &self,
        owed: &mut Owed,
        flow: FlowId,
        queued: &Queued,
        unseen: Unseen<'_>,
    ) -> Result<(), JournalError> {
        let planned = unseen.planned;
        let Some(link) = unseen.link.filter(|link| !link.gone) else {
            return Ok(());
        };
        match planned.verb {
            // A create with a link has found what it made, or has taken an account over.
            Verb::Create => {
                let done = Done {
                    what: Confirmation::Updated,
                    planned,
                    changes: &[],
                    link: Some(&link),
                };
                self.undo(owed, flow, queued, &done)
            }
            Verb::Update if unseen.doubt.done && !link.written.is_empty() => {
                let changes = if unseen.joins {
                    let setup = self.setup();
                    let shaped = setup.decider().reshape(
                        &queued.connector,
                        &planned.desired,
                        Verb::Update,
                        Some(&link),
                    );
                    let Shaped::Send { changes, .. } = shaped else {
                        return Ok(());
                    };
                    changes
                } else {
                    planned.changes.clone()
                };
                let assumed = as_if_written(&link, planned, &changes);
                owed.push(flow, Fact::Linked { link: assumed });
                let done = Done {
                    what: Confirmation::Updated,
                    planned,
                    changes: &changes,
                    link: Some(&link),
                };
                self.undo(owed, flow, queued, &done)
            }
            Verb::Deprovision if unseen.doubt.done => {
                let what = match planned.deprovision {
                    Deprovision::Delete => Confirmation::Deleted,
                    Deprovision::Deactivate => Confirmation::Deactivated,
                };
                let assumed = Link {
                    active: false,
                    written: BTreeMap::new(),
                    ..link.clone()
                };
                owed.push(
                    flow,
                    Fact::Linked {
                        link: Box::new(assumed),
                    },
                );
                let done = Done {
                    what,
                    planned,
                    changes: &[],
                    link: Some(&link),
                };
                self.undo(owed, flow, queued, &done)
            }
            Verb::Update | Verb::Deprovision => Ok(()),
        }
    }

    /// Adds what undoes an operation to the facts to be committed.
    pub(crate) fn undo(
        &self,
        owed: &mut Owed,
        flow: FlowId,
        queued: &Queued,
        done: &Done<'_>,
    ) -> Result<(), JournalError> {
        let planned = match done.undoing(&self.reader, &queued.connector, queued.local)? {
            Undoing::Nothing => return Ok(()),
            Undoing::LetGo(link) => {
                owed.push(flow, Fact::Unlinked { link });
                return Ok(());
            }
            Undoing::Operation(planned) => *planned,
        };
        let by = OperationId(self.id());
        owed.push(
            flow,
            Fact::Compensated {
                operation: queued.operation,
                by,
            },
        );
        let undo = Queued {
            operation: by,
            remote_name: planned.desired.remote_name.clone(),
            verb: planned.verb,
            blocking: false,
            cause: Cause::Undoes {
                operation: queued.operation,
                planned: Box::new(planned.clone()),
            },
            held: None,
            ..queued.clone()
        };
        owed.queue(flow, undo, planned);
        Ok(())
    }
}

/// Why an operation of a refused flow is given up.
pub(crate) const REFUSED: &str = "the request that it belongs to was refused";

/// An operation that may have been carried out unseen.
pub(crate) struct Unseen<'a> {
    pub(crate) planned: &'a Planned,
    pub(crate) doubt: Doubt,
    /// Whether it only puts a member into a group whose account came late.
    pub(crate) joins: bool,
    /// The link as it stands.
    pub(crate) link: Option<Link>,
}

/// Returns a link as an update would leave it.
fn as_if_written(link: &Link, planned: &Planned, changes: &[AttributeChange]) -> Box<Link> {
    let mut assumed = link.clone();
    let desired = &planned.desired;
    for change in changes {
        let is_attribute = desired
            .attributes
            .iter()
            .any(|entry| entry.remote == change.remote);
        let is_membership = change.remote == MEMBERS && matches!(desired.local, LocalRef::Group(_));
        if is_attribute || is_membership {
            assumed
                .written
                .insert(change.remote.clone(), change.after.clone());
        } else {
            assumed.remote_name.clone_from(&desired.remote_name);
        }
    }
    Box::new(assumed)
}

/// Returns what a result means when an attempt before it may have been carried out: the account was gone because that
/// attempt had deleted it.
pub(crate) fn what_was_done(what: Confirmation, planned: &Planned) -> Confirmation {
    let deletes = planned.verb == Verb::Deprovision && planned.deprovision == Deprovision::Delete;
    match what {
        Confirmation::AlreadyGone if deletes => Confirmation::Deleted,
        other => other,
    }
}

/// What an operation did, as far as undoing it needs to know.
#[derive(Debug)]
pub(crate) struct Done<'a> {
    pub(crate) what: Confirmation,
    pub(crate) planned: &'a Planned,
    /// What is undone of an update: what was decided. What was sent may have taken back another refused request as well, and
    /// that must not be undone. A late membership was not decided: of that it is what was sent.
    pub(crate) changes: &'a [AttributeChange],
    /// The link afterwards; for an account that was deleted, the link as it was.
    pub(crate) link: Option<&'a Link>,
}

enum Undoing {
    Nothing,
    /// The account was there before and was only taken over: it is let go as it is.
    LetGo(Box<Link>),
    Operation(Box<Planned>),
}

impl<'a> Done<'a> {
    fn of(operation: &'a OperationTrace, doubt: Doubt) -> Option<Self> {
        let planned = operation.planned.as_ref()?;
        match operation.settlement.as_ref()? {
            Settlement::Confirmed(what) | Settlement::Found(what) => Some(Self {
                what: if doubt.done {
                    what_was_done(*what, planned)
                } else {
                    *what
                },
                planned,
                changes: &planned.changes,
                link: operation.link.as_ref(),
            }),
            Settlement::Nothing { .. } => None,
        }
    }

    fn undoing(
        &self,
        reader: &Reader,
        connector: &ConnectorRef,
        local: LocalRef,
    ) -> Result<Undoing, JournalError> {
        match self.what {
            Confirmation::Created => Ok(self.take_away()),
            Confirmation::Updated => match self.link {
                Some(link) if self.planned.verb == Verb::Create => Ok(match link.origin {
                    LinkOrigin::Adopted => Undoing::LetGo(Box::new(link.clone())),
                    LinkOrigin::Created => self.take_away(),
                }),
                link => self.put_back(reader, connector, local, link),
            },
            Confirmation::Deleted | Confirmation::Deactivated => match self.link {
                Some(link) => self.bring_back(reader, connector, local, link),
                None => Ok(Undoing::Nothing),
            },
            Confirmation::AlreadyGone => Ok(Undoing::Nothing),
        }
    }

    fn take_away(&self) -> Undoing {
        Undoing::Operation(Box::new(Planned {
            verb: Verb::Deprovision,
            desired: Desired {
                password: PasswordPlan::None,
                ..self.planned.desired.clone()
            },
            changes: Vec::new(),
            held: None,
            ..self.planned.clone()
        }))
    }

    /// An update is undone by writing what was there before.
    fn put_back(
        &self,
        reader: &Reader,
        connector: &ConnectorRef,
        local: LocalRef,
        link: Option<&Link>,
    ) -> Result<Undoing, JournalError> {
        let wanted = &self.planned.desired;
        let is_attribute = |name: &str| wanted.attributes.iter().any(|entry| entry.remote == name);
        let mut remote_name = link
            .map_or(&wanted.remote_name, |link| &link.remote_name)
            .clone();
        let mut attributes = Vec::new();
        let mut members = wanted.members.clone();
        for change in self.changes {
            let before = change.before.clone().unwrap_or(Value::Null);
            if change.remote == MEMBERS && !is_attribute(MEMBERS) {
                members = known_members(reader, connector, &before)?;
            } else if is_attribute(&change.remote) {
                attributes.push(DesiredAttribute {
                    remote: change.remote.clone(),
                    value: before,
                    origin: Origin::Constant,
                });
            } else if let Value::String(name) = before {
                remote_name = name;
            }
        }
        Ok(Undoing::Operation(Box::new(Planned {
            local,
            verb: Verb::Update,
            desired: Desired {
                local,
                remote_name,
                attributes,
                members,
                password: PasswordPlan::None,
            },
            changes: Vec::new(),
            held: None,
            deprovision: self.planned.deprovision,
        })))
    }

    /// An account that was taken away is made, or activated, again as it was last written; a group, with whoever gets an
    /// account meanwhile.
    fn bring_back(
        &self,
        reader: &Reader,
        connector: &ConnectorRef,
        local: LocalRef,
        link: &Link,
    ) -> Result<Undoing, JournalError> {
        let mut members = Vec::new();
        if let LocalRef::Group(id) = local {
            if let Some(ids) = link.written.get(MEMBERS) {
                members = known_members(reader, connector, ids)?;
            }
            let known: BTreeSet<LocalRef> = members.iter().map(|member| member.local).collect();
            let group = reader.group_by_id(id)?;
            let users = group.into_iter().flat_map(|group| group.members);
            let others = users
                .map(LocalRef::User)
                .filter(|user| !known.contains(user));
            members.extend(others.map(|user| Member {
                local: user,
                name: user.to_string(),
                remote_id: None,
            }));
        }
        Ok(Undoing::Operation(Box::new(Planned {
            local,
            // Shaped into a create before it is sent when the account is gone, with the password that a create carries.
            verb: Verb::Update,
            desired: Desired {
                local,
                // The name before; a target that cannot delete may have freed it.
                remote_name: self.planned.desired.remote_name.clone(),
                attributes: attributes_of(&link.written, local),
                members,
                password: PasswordPlan::None,
            },
            changes: Vec::new(),
            held: None,
            deprovision: self.planned.deprovision,
        })))
    }
}

/// The name under which a group's members stand in a link.
pub(crate) const MEMBERS: &str = "members";

pub(crate) fn attributes_of(
    written: &BTreeMap<String, Value>,
    local: LocalRef,
) -> Vec<DesiredAttribute> {
    written
        .iter()
        .filter(|(name, value)| {
            let is_membership = matches!(local, LocalRef::Group(_)) && *name == MEMBERS;
            !value.is_null() && !is_membership
        })
        .map(|(name, value)| DesiredAttribute {
            remote: name.clone(),
            value: value.clone(),
            origin: Origin::Constant,
        })
        .collect()
}

pub(crate) fn known_members(
    reader: &Reader,
    connector: &ConnectorRef,
    ids: &Value,
) -> Result<Vec<Member>, JournalError> {
    let mut members = Vec::new();
    for id in ids
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let remote_id = RemoteId(id.to_owned());
        if let Some(local) = reader.linked_to(connector, &remote_id)? {
            members.push(Member {
                local,
                name: id.to_owned(),
                remote_id: Some(remote_id),
            });
        }
    }
    Ok(members)
}
