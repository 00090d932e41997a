//! Carries out one operation whose turn has come: intent first, then the request, then the result with the link.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use decide::Shaped;
use domain::{
    AttributeChange, Confirmation, Confirmed, Connector, ConnectorRef, Desired, Failure,
    FailureKind, Link, LinkOrigin, LocalRef, Object, OperationId, Order, PasswordPlan, Reason,
    Remedy, RemoteId, Secret, Verb,
};
use tokio::sync::OwnedMutexGuard;

use crate::begin::Begun;
use crate::blocking::{Done, MEMBERS, Progress, REFUSED, Unseen, what_was_done};
use crate::caught::caught;
use crate::doubt::Doubt;
use crate::inner::{Inner, JOURNAL_PAUSE, Owed};
use crate::journal::{Batch, Course, JournalError, Open};
use crate::keys::Held;
use crate::lanes::{Fate, Job, Turn};
use crate::limiter::{Answered, LearntLimit, Said};
use crate::passwords::Choice;
use crate::quarantine::{Culprit, Showing};
use crate::reconcile;
use crate::retry::{self, Next, later};
use crate::setup::Setup;
use crate::tap::Recorder;
use crate::ward::Bearing;
use crate::{Cause, Death, DeathCause, Fact, Life, Queued, Settlement};

/// What happens after a step.
#[derive(Debug)]
pub(crate) enum Then {
    /// The next step follows at once.
    Continue,
    /// The turn is over.
    End(Fate),
}

/// One operation while it is worked on.
pub(crate) struct Work<'a> {
    pub(crate) inner: &'a Arc<Inner>,
    pub(crate) setup: Arc<Setup>,
    pub(crate) job: Arc<Job>,
    pub(crate) life: Life,
    pub(crate) attempts: u32,
    pub(crate) doubt: Doubt,
    /// Whether nobody can have set it going by hand: it is worked on as it was queued.
    is_fresh: bool,
    /// What the last attempt of this turn came to.
    pub(crate) failure: Option<Failure>,
    /// How often the target said that the name is taken and then did not know it.
    pub(crate) phantoms: u32,
    /// How often a look, or what it was for, was repeated because links changed while it was under way.
    pub(crate) looks: u32,
    /// How many commits had changed links before the last look.
    pub(crate) looked_at: u64,
    /// How many commits had changed links before the last request left.
    pub(crate) sent_at: u64,
    /// When the last request left, in monotonic time.
    started: Duration,
    trail: Trail,
}

/// What a turn leaves behind for the connector it was made at.
#[derive(Debug, Default)]
struct Trail {
    /// How the target answered its requests.
    answered: Option<Answered>,
    /// What that shows of the connector.
    showing: Showing,
}

/// What a target's wish for quiet came to.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    /// For how long nothing is sent, when the target named no time itself.
    pub(crate) pause: Option<Duration>,
    /// What was learnt of its limit, to be committed with the failure.
    pub(crate) learnt: Option<Fact>,
}

/// What is sent.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) verb: Verb,
    pub(crate) changes: Vec<AttributeChange>,
    pub(crate) password: PasswordPlan,
}

impl Inner {
    /// Works on an operation until it has ended or has to wait, then gives its lane free.
    pub(crate) async fn work(self: Arc<Self>, mut turn: Turn) -> Showing {
        let mut trail = Trail::default();
        let fate = match caught(self.carry(&mut turn, &mut trail)).await {
            Ok(Ok(fate)) => fate,
            Ok(Err(error)) => self.stumbled(&turn, &error),
            Err(told) => {
                // An attempt that was begun is found in the journal, and is in doubt.
                tracing::error!(operation.id = %turn.operation, %told, "the work on an operation broke down; it is taken up again");
                Fate::Again(self.in_a_while(JOURNAL_PAUSE))
            }
        };
        let now = self.clock.monotonic();
        trail.showing.answered = trail.answered.is_some();
        let learnt = self.lanes().finish(
            &turn.connector,
            turn.local,
            turn.operation,
            fate,
            trail.answered,
            now,
        );
        if let Some(learnt) = learnt {
            Box::pin(self.keep_limit(&turn.connector, learnt)).await;
        }
        let mut showing = trail.showing;
        if let Some((cause, culprits)) = showing.tripped.take()
            && let Err(error) = Box::pin(self.quarantine(&turn.connector, cause, culprits)).await
        {
            tracing::error!(connector = %turn.connector, %error, "the quarantine is in force and could not be written down");
        }
        self.pump();
        self.beat();
        showing
    }

    async fn carry(
        self: &Arc<Self>,
        turn: &mut Turn,
        trail: &mut Trail,
    ) -> Result<Fate, JournalError> {
        let job = match &turn.job {
            Some(job) => Arc::clone(job),
            None => match self.load(turn.operation)? {
                Some(job) => job,
                None => return Ok(Fate::Gone),
            },
        };
        let head = &job.head;
        let mut work = Work {
            inner: self,
            setup: self.setup(),
            life: head.life,
            attempts: head.attempts,
            doubt: head.doubt,
            is_fresh: turn.job.is_some(),
            failure: None,
            phantoms: 0,
            looks: 0,
            looked_at: 0,
            sent_at: 0,
            started: Duration::ZERO,
            trail: Trail::default(),
            job,
        };
        let mut begun = turn.begun.take();
        loop {
            if self.is_stopping() && begun.is_none() {
                return Ok(Fate::Again(self.clock.monotonic()));
            }
            let then = match work.life {
                Life::InFlight if begun.is_some() => work.go_on_sending(begun.take()).await?,
                // Apart, as everything below that is seldom gone through: a future has room for all its ways.
                Life::Queued | Life::Retrying { .. } => Box::pin(work.send()).await?,
                Life::InDoubt { .. } => {
                    // What undoes another passes no gate.
                    if !work.head().undoes {
                        self.recall_refused(work.head().flow)?;
                    }
                    Box::pin(work.ask()).await?
                }
                Life::InFlight => Box::pin(work.interrupted()).await?,
                Life::Held { .. } => Then::End(Fate::Held),
                Life::Settled | Life::Dead | Life::Discarded => Then::End(Fate::Gone),
            };
            if let Then::End(fate) = then {
                *trail = std::mem::take(&mut work.trail);
                return Ok(fate);
            }
        }
    }

    /// Returns the monotonic time after a pause, however long the pause is.
    pub(crate) fn in_a_while(&self, pause: Duration) -> Duration {
        self.clock.monotonic().saturating_add(pause)
    }

    /// Writes down what was learnt of a target's limit. It is worth a line, not a stop: it is learnt again if need be.
    async fn keep_limit(&self, connector: &ConnectorRef, limit: LearntLimit) {
        let mut batch = Batch::default();
        batch.push(
            None,
            Fact::LimitLearnt {
                connector: connector.clone(),
                limit,
            },
        );
        if let Err(error) = self.append(batch).await {
            tracing::warn!(%connector, %error, "what was learnt of the target's limit could not be written down");
        }
    }

    fn load(&self, operation: OperationId) -> Result<Option<Arc<Job>>, JournalError> {
        let (Some(head), Some(planned)) = (
            self.reader.head(operation)?,
            self.reader.planned(operation)?,
        ) else {
            return Ok(None);
        };
        Ok(Some(Arc::new(Job {
            head,
            planned: planned.into(),
            alone: false,
        })))
    }

    /// Decides what becomes of an operation when the journal refused: the journal's own word counts.
    fn stumbled(&self, turn: &Turn, error: &JournalError) -> Fate {
        let again = Fate::Again(self.in_a_while(JOURNAL_PAUSE));
        if matches!(error, JournalError::Illegal(_))
            && let Ok(Some(head)) = self.reader.head(turn.operation)
            && !head.life.is_open()
        {
            // Discarded in the very moment in which its turn came.
            return Fate::Gone;
        }
        tracing::error!(operation.id = %turn.operation, %error, "the journal refused; the operation waits");
        again
    }
}

impl Work<'_> {
    pub(crate) fn head(&self) -> &Open {
        &self.job.head
    }

    pub(crate) fn id(&self) -> OperationId {
        self.job.head.operation
    }

    pub(crate) fn owed(&self, facts: impl IntoIterator<Item = Fact>) -> Owed {
        Owed::of(self.head().flow, facts)
    }

    pub(crate) fn link(&self) -> Result<Option<Link>, JournalError> {
        let head = self.head();
        self.inner.reader.link(&head.connector, head.local)
    }

    /// Passes the gate of a flow whose caller waits, or was refused; `true` inside when it was refused.
    pub(crate) async fn gate(&self) -> Option<OwnedMutexGuard<bool>> {
        if self.head().undoes {
            return None;
        }
        let gate = self.inner.waits.gate(self.head().flow)?;
        Some(Arc::clone(&gate.refused).lock_owned().await)
    }

    pub(crate) fn tell(&self, progress: Progress) {
        self.inner.waits.tell(self.head().flow, self.id(), progress);
    }

    /// Returns the connector, or ends the operation because there is none.
    pub(crate) async fn connector(
        &mut self,
    ) -> Result<Result<Arc<dyn Connector>, Then>, JournalError> {
        match self.setup.connector(&self.head().connector) {
            Ok(connector) => Ok(Ok(connector)),
            Err(unavailable) => {
                let death = Death {
                    cause: DeathCause::Unavailable,
                    told: unavailable.cause,
                    advice: unavailable.advice,
                    failure: None,
                };
                Box::pin(self.die(death, Vec::new())).await.map(Err)
            }
        }
    }

    /// An attempt that broke off is in doubt. The target is asked when nothing of it can be on its way any more.
    async fn interrupted(&mut self) -> Result<Then, JournalError> {
        let patience = self.setup.patience(&self.head().connector);
        let then = Life::InDoubt {
            at: later(self.inner.clock.now(), patience),
        };
        let fact = Fact::AttemptFailed {
            operation: self.id(),
            number: self.attempts,
            failure: process_ended(),
            then,
        };
        self.inner.commit(self.owed([fact])).await?;
        Ok(Then::End(Fate::Again(self.inner.in_a_while(patience))))
    }

    /// Makes one attempt.
    async fn send(&mut self) -> Result<Then, JournalError> {
        let connector = match self.connector().await? {
            Ok(connector) => connector,
            Err(then) => return Ok(then),
        };
        let job = Arc::clone(&self.job);
        if !self.is_fresh && self.inner.reader.done_after(&job.head)?.is_some() {
            let detail =
                "a later operation was done meanwhile, and what this one would write is older";
            return self
                .nothing_because(Reason::Unchanged, detail, Vec::new())
                .await;
        }
        let link = self.link()?;
        let filled = self.fill(&job.planned.desired)?;
        let desired = match self.by_now(filled, link.as_ref())? {
            Ok(desired) => desired,
            Err(detail) => {
                return self
                    .nothing_because(Reason::Unchanged, detail, Vec::new())
                    .await;
            }
        };
        let desired = self.heed(desired, link.as_ref());
        let shaped = self.setup.decider().reshape(
            &job.head.connector,
            &desired,
            job.planned.verb,
            link.as_ref(),
        );
        let shape = match shaped {
            Shaped::Nothing(Reason::NeverProvisioned) if self.ghost()?.is_some() => {
                return self.ask().await;
            }
            Shaped::Nothing(reason) => return self.nothing(reason).await,
            Shaped::Send {
                verb,
                changes,
                password,
            } => Shape {
                verb,
                changes,
                password,
            },
        };
        if shape.verb == Verb::Deprovision
            && let Some(link) = &link
            && let Some(keeper) = self.keeper(link)?
        {
            return Box::pin(self.leave_to(&keeper, link)).await;
        }
        // To ask for a name before it is free would only use up what the target takes.
        let is_refused = matches!(self.life, Life::Retrying { .. });
        if is_refused
            && shape.verb == Verb::Create
            && self.name_is_being_freed()?
            && let Next::After(pause) = self.next(None)?
        {
            return Ok(Then::End(Fate::Again(self.inner.in_a_while(pause))));
        }
        // The order says which password goes with it now: a connector sends its configured default by itself.
        let desired = with_password(desired, shape.password);
        let choice = self
            .inner
            .passwords
            .choose(self.id(), shape.password, shape.verb);
        let (password, source) = match choice {
            Choice::None => (None, None),
            Choice::Send(password, source) => (password, Some(source)),
            Choice::Lost => return self.die(password_lost(), Vec::new()).await,
        };
        let number = self.attempts + 1;
        {
            let gate = self.gate().await;
            if gate.as_deref() == Some(&true) {
                return self.refused(Vec::new()).await;
            }
            let takes_members =
                matches!(desired.local, LocalRef::Group(_)) && shape.verb != Verb::Deprovision;
            let without = if takes_members {
                self.without(&desired).await?
            } else {
                Some(Held::default())
            };
            if without.is_none() {
                // It is shaped once more, with the account that has come.
                return Ok(Then::Continue);
            }
            let fact = Fact::AttemptStarted {
                operation: self.id(),
                number,
                verb: shape.verb,
                password: source,
            };
            self.inner.commit(self.owed([fact])).await?;
        }
        self.life = Life::InFlight;
        self.attempts = number;
        self.perform(connector.as_ref(), shape, &desired, link, password)
            .await
    }

    /// Carries out the attempt that was begun with its operation.
    async fn go_on_sending(&mut self, begun: Option<Begun>) -> Result<Then, JournalError> {
        let Some(begun) = begun else {
            return Box::pin(self.interrupted()).await;
        };
        let connector = match self.connector().await? {
            Ok(connector) => connector,
            Err(then) => return Ok(then),
        };
        let job = Arc::clone(&self.job);
        let desired = with_password(Cow::Borrowed(&job.planned.desired), begun.shape.password);
        self.perform(
            connector.as_ref(),
            begun.shape,
            &desired,
            None,
            begun.password,
        )
        .await
    }

    /// Sends what was committed as begun, and takes the result.
    async fn perform(
        &mut self,
        connector: &dyn Connector,
        shape: Shape,
        desired: &Desired,
        link: Option<Link>,
        password: Option<Secret>,
    ) -> Result<Then, JournalError> {
        let job = Arc::clone(&self.job);
        let recorder = self.recorder();
        self.sent_at = self.inner.link_changes.load(Ordering::Acquire);
        self.begin();
        let result = caught(connector.carry_out(
            &order(&job, &shape, desired, link.as_ref(), password.as_ref()),
            &recorder,
        ))
        .await
        .unwrap_or_else(|told| Err(broke_down(&told, Remedy::AskFirst)));
        let exchanges = recorder.into_facts();
        self.heard(exchanges.len(), result.as_ref().err(), false);
        match result {
            Ok(confirmed) => {
                self.confirmed(confirmed, &shape, desired, link, exchanges)
                    .await
            }
            Err(failure) => Box::pin(self.failed(failure, exchanges)).await,
        }
    }

    pub(crate) fn recorder(&self) -> Recorder {
        Recorder::new(
            self.head().flow,
            self.id(),
            self.attempts,
            self.head().connector.clone(),
            self.inner.news.clone(),
        )
    }

    /// Fills in the accounts that a group's members have now: got, lost or changed since the decision.
    fn fill<'d>(&self, desired: &'d Desired) -> Result<Cow<'d, Desired>, JournalError> {
        if desired.members.is_empty() {
            return Ok(Cow::Borrowed(desired));
        }
        let mut desired = desired.clone();
        for member in &mut desired.members {
            member.remote_id = self.account_of(member.local)?;
        }
        Ok(Cow::Owned(desired))
    }

    /// Leaves at the target what was accepted there, also since the decision.
    fn heed<'d>(&self, desired: Cow<'d, Desired>, link: Option<&Link>) -> Cow<'d, Desired> {
        match link {
            Some(link) if !link.exceptions.is_empty() => {
                let mut desired = desired.into_owned();
                let connector = &self.head().connector;
                self.setup.decider().heed(connector, &mut desired, link);
                Cow::Owned(desired)
            }
            _ => desired,
        }
    }

    pub(crate) fn account_of(&self, member: LocalRef) -> Result<Option<RemoteId>, JournalError> {
        let link = self.inner.reader.link(&self.head().connector, member)?;
        Ok(link.filter(|link| !link.gone).map(|link| link.remote_id))
    }

    /// When its turn came there was nothing left to do.
    async fn nothing(&mut self, reason: Reason) -> Result<Then, JournalError> {
        let detail = match reason {
            Reason::NeverProvisioned => {
                "there is no account to take away: it was never made, or is gone already"
            }
            _ => "the account is as it should be already",
        };
        self.nothing_because(reason, detail, Vec::new()).await
    }

    /// Ends the link and leaves the account alone, because another connector to the same target keeps it.
    async fn leave_to(&mut self, keeper: &ConnectorRef, link: &Link) -> Result<Then, JournalError> {
        let detail = format!(
            "{keeper} keeps the same account {} ({}), so it stays there and only the link ended",
            link.remote_name, link.remote_id
        );
        let ended = Fact::Unlinked {
            link: Box::new(link.clone()),
        };
        self.end_as_nothing(Reason::AccountShared, &detail, Vec::new(), Some(ended))
            .await
    }

    /// Settles the operation because there is nothing left to do.
    pub(crate) async fn nothing_because(
        &mut self,
        reason: Reason,
        detail: &str,
        facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        self.end_as_nothing(reason, detail, facts, None).await
    }

    /// Settles it with what became of its link; in a refused flow the link stays as it is.
    async fn end_as_nothing(
        &mut self,
        reason: Reason,
        detail: &str,
        mut facts: Vec<Fact>,
        of_link: Option<Fact>,
    ) -> Result<Then, JournalError> {
        let gate = self.gate().await;
        if gate.as_deref() == Some(&true) {
            return self.refused(facts).await;
        }
        facts.push(Fact::Settled {
            operation: self.id(),
            attempts: self.attempts,
            outcome: Settlement::Nothing {
                reason,
                detail: detail.to_owned(),
            },
        });
        facts.extend(of_link);
        self.inner.commit(self.owed(facts)).await?;
        drop(gate);
        self.inner.passwords.forget(self.id());
        self.tell(Progress::Done);
        Ok(Then::End(Fate::Gone))
    }

    /// The operation's flow was refused before it was sent: it is given up.
    pub(crate) async fn refused(&mut self, mut facts: Vec<Fact>) -> Result<Then, JournalError> {
        facts.push(Fact::Discarded {
            operation: self.id(),
            why: REFUSED.to_owned(),
        });
        let found = facts.iter().find_map(|fact| match fact {
            Fact::Linked { link } if !link.gone => Some(link.as_ref().clone()),
            _ => None,
        });
        let mut owed = self.owed(facts);
        self.undo_doubt(&mut owed, found)?;
        self.inner.commit_surely(owed).await?;
        self.inner.passwords.forget(self.id());
        self.inner.close_when_ended(self.head().flow)?;
        Ok(Then::End(Fate::Gone))
    }

    /// Undoes what may have been done unseen, or was found, in a flow that was refused.
    fn undo_doubt(&self, owed: &mut Owed, found: Option<Link>) -> Result<(), JournalError> {
        let head = self.head();
        let unseen = Unseen {
            planned: &self.job.planned,
            doubt: self.doubt,
            joins: head.joins,
            link: match found {
                Some(link) => Some(link),
                None => self.link()?,
            },
        };
        self.inner
            .undo_unseen(owed, head.flow, &self.as_queued(), unseen)
    }

    /// Returns what a result means to whoever undoes it: an account that a lost attempt deleted is found gone.
    pub(crate) fn what_was_done(&self, what: Confirmation, was_in_doubt: bool) -> Confirmation {
        if was_in_doubt {
            what_was_done(what, &self.job.planned)
        } else {
            what
        }
    }

    /// The target confirmed it.
    async fn confirmed(
        &mut self,
        confirmed: Confirmed,
        shape: &Shape,
        desired: &Desired,
        before: Option<Link>,
        mut facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        let id = self.id();
        facts.push(Fact::Settled {
            operation: id,
            attempts: self.attempts,
            outcome: Settlement::Confirmed(confirmed.what),
        });
        let what = self.what_was_done(confirmed.what, self.doubt.done);
        let after = self.after(confirmed, desired, before.as_ref());
        self.done(what, &shape.changes, before.as_ref(), after, facts)
            .await
    }

    /// Commits a result with its link; undoes it in the same commit when the flow was refused meanwhile. The changes are what
    /// was sent.
    pub(crate) async fn done(
        &mut self,
        what: Confirmation,
        changes: &[AttributeChange],
        before: Option<&Link>,
        after: Option<Link>,
        facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        let gate = self.gate().await;
        let refused = gate.as_deref() == Some(&true);
        let head = self.head();
        let mut owed = self.owed(facts);
        // An account that is taken away again gets into no group. What it holds is of no matter for that.
        let is_new = before.is_none_or(|link| link.gone) && !refused;
        let linked = after.as_ref().filter(|_| is_new).map(without_contents);
        let undone = after.as_ref().or(before).filter(|_| refused).cloned();
        let fact = match after {
            Some(link) => Some(Fact::Linked {
                link: Box::new(link),
            }),
            None => before.cloned().map(|link| Fact::Unlinked {
                link: Box::new(link),
            }),
        };
        if let Some(fact) = fact {
            owed.push(head.flow, fact);
        }
        if refused {
            let done = Done {
                what,
                planned: &self.job.planned,
                changes: if head.joins {
                    changes
                } else {
                    &self.job.planned.changes
                },
                link: undone.as_ref(),
            };
            self.inner
                .undo(&mut owed, head.flow, &self.as_queued(), &done)?;
        }
        if !self.commit_linked(owed, linked.as_ref()).await? {
            return Ok(Then::End(Fate::Again(self.inner.clock.monotonic())));
        }
        drop(gate);
        self.inner.passwords.forget(self.id());
        self.tell(Progress::Done);
        if refused {
            self.inner.close_when_ended(self.head().flow)?;
        }
        Ok(Then::End(Fate::Gone))
    }

    fn as_queued(&self) -> Queued {
        let head = self.head();
        Queued {
            operation: head.operation,
            trigger: head.trigger,
            connector: head.connector.clone(),
            local: head.local,
            name: head.name.clone(),
            remote_name: self.job.planned.desired.remote_name.clone(),
            verb: self.job.planned.verb,
            blocking: false,
            cause: Cause::Decision(0),
            held: None,
        }
    }

    /// Returns the link after a confirmation; `None` when there is no account any more.
    fn after(
        &self,
        confirmed: Confirmed,
        desired: &Desired,
        before: Option<&Link>,
    ) -> Option<Link> {
        let active = match confirmed.what {
            Confirmation::Created | Confirmation::Updated => true,
            Confirmation::Deactivated => false,
            Confirmation::Deleted | Confirmation::AlreadyGone => return None,
        };
        let before = before.filter(|link| !link.gone);
        let mut written = confirmed.written;
        if let Some(link) = before {
            let mut all = link.written.clone();
            all.extend(written);
            written = all;
        }
        if desired.object() == Object::Group && active && !written.contains_key(MEMBERS) {
            written.insert(MEMBERS.to_owned(), member_ids(desired));
        }
        let exceptions = before.map_or_else(Default::default, |link| {
            reconcile::left(&link.exceptions, &written)
        });
        let head = self.head();
        Some(Link {
            connector: head.connector.clone(),
            local: head.local,
            remote_id: confirmed.remote_id,
            remote_name: confirmed.remote_name,
            written,
            origin: before.map_or(LinkOrigin::Created, |link| link.origin),
            active,
            gone: false,
            since: before.map_or_else(|| self.inner.clock.now(), |link| link.since),
            exceptions,
        })
    }

    /// The attempt failed: it is tried again, asked about, or given up, as the failure itself says.
    async fn failed(
        &mut self,
        failure: Failure,
        mut facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        let now = self.inner.clock.now();
        self.doubt = self.doubt.and(Doubt::left_by(&failure));
        let quiet = self.keep_quiet(&failure)?;
        let gate = self.gate().await;
        let refused = gate.as_deref() == Some(&true);
        let (then, fate) = match failure.remedy {
            Remedy::GiveUp => {
                drop(gate);
                return self.die(refused_death(failure), facts).await;
            }
            Remedy::AskFirst => (Life::InDoubt { at: now }, None),
            Remedy::Retry { .. } if refused => (Life::Retrying { at: now }, None),
            Remedy::Retry { after } => match self.next(after.or(quiet.pause))? {
                Next::After(pause) => (
                    Life::Retrying {
                        at: later(now, pause),
                    },
                    Some(Fate::Again(self.inner.in_a_while(pause))),
                ),
                Next::Never => {
                    drop(gate);
                    return self.die(schedule_ended(failure), facts).await;
                }
            },
        };
        facts.push(Fact::AttemptFailed {
            operation: self.id(),
            number: self.attempts,
            failure: failure.clone(),
            then,
        });
        if refused && matches!(then, Life::Retrying { .. }) {
            return self.refused(facts).await;
        }
        tracing::info!(operation.id = %self.id(), attempt = self.attempts, %failure, next = then.word(), "an attempt failed");
        let mut owed = self.owed(facts);
        owed.apart(quiet.learnt);
        if !self.inner.commit_surely(owed).await? {
            return Ok(Then::End(Fate::Again(self.inner.clock.monotonic())));
        }
        drop(gate);
        self.tell(Progress::Tried(failure.clone()));
        self.failure = Some(failure);
        self.life = then;
        Ok(fate.map_or(Then::Continue, Then::End))
    }

    /// Sends nothing to a target that asked for quiet; no longer than this operation itself would wait.
    ///
    /// A used-up quota is that of all operations of the connector: the limiter learns from it, and names a pause where
    /// the target did not.
    pub(crate) fn keep_quiet(&self, failure: &Failure) -> Result<Quiet, JournalError> {
        let Remedy::Retry { after } = failure.remedy else {
            return Ok(Quiet::default());
        };
        let is_quota = failure.kind == FailureKind::Quota;
        if after.is_none() && !is_quota {
            return Ok(Quiet::default());
        }
        let connector = &self.head().connector;
        let since = self.course()?.since;
        let left = retry::left(self.setup.retry(connector), since, self.inner.clock.now());
        let after = after.map(|after| after.min(left));
        if !is_quota {
            let until = self.inner.in_a_while(after.unwrap_or_default());
            self.inner.lanes().quiet(connector, until);
            return Ok(Quiet::default());
        }
        let now = self.inner.clock.monotonic();
        let refusal = self
            .inner
            .lanes()
            .too_many(connector, self.started, after, now, |most| {
                self.inner.ids.jitter(most)
            });
        Ok(Quiet {
            pause: after.is_none().then_some(refusal.pause),
            learnt: refusal.learnt.map(|limit| Fact::LimitLearnt {
                connector: connector.clone(),
                limit,
            }),
        })
    }

    /// Notes when requests leave.
    pub(crate) fn begin(&mut self) {
        self.started = self.inner.clock.monotonic();
    }

    /// Notes how they were answered.
    ///
    /// That a lookup went well says nothing about the operation itself.
    pub(crate) fn heard(&mut self, requests: usize, failure: Option<&Failure>, is_lookup: bool) {
        let before = self.trail.answered.map_or(0, |answered| answered.requests);
        let requests = u32::try_from(requests.max(1)).unwrap_or(u32::MAX);
        self.trail.answered = Some(Answered {
            started: self.started,
            took: self.inner.clock.monotonic().saturating_sub(self.started),
            requests: before.saturating_add(requests),
            said: failure.map_or(Said::Fine, |failure| said(failure.kind)),
        });
        if failure.is_some() || !is_lookup {
            self.show(failure);
        }
    }

    /// Counts what an answer shows of the connector.
    fn show(&mut self, failure: Option<&Failure>) {
        let bearing = Bearing::of(failure);
        let (wards, head) = (&self.inner.wards, self.head());
        let policy = self.setup.quarantine(&head.connector);
        let now = self.inner.clock.monotonic();
        let (Some(failure), true) = (failure, bearing.is_failure()) else {
            if bearing == Bearing::Well {
                wards.well(&head.connector, policy, head.operation, now);
            }
            self.trail.showing.failed = None;
            return;
        };
        let culprit = Culprit {
            operation: head.operation,
            flow: head.flow,
            name: head.name.clone(),
            verb: self.job.planned.verb,
            attempt: self.attempts,
            at: self.inner.clock.now(),
            failure: failure.clone(),
        };
        let tripped = wards.failed(&head.connector, policy, bearing, culprit, now);
        self.trail.showing = Showing {
            failed: Some(failure.clone()),
            tripped: tripped.or(self.trail.showing.tripped.take()),
            ..Showing::default()
        };
    }

    fn course(&self) -> Result<Course, JournalError> {
        self.inner.reader.course(self.head())
    }

    /// Says when the operation goes on. Its schedule began with the first attempt after somebody set it going; a question
    /// that the target did not answer is a step of it, too.
    pub(crate) fn next(&self, wish: Option<Duration>) -> Result<Next, JournalError> {
        let course = self.course()?;
        Ok(retry::next(
            self.setup.retry(&self.head().connector),
            course.attempts.saturating_add(course.unanswered),
            wish,
            course.since,
            self.inner.clock.now(),
            |most| self.inner.ids.jitter(most),
        ))
    }

    /// The operation failed for good.
    pub(crate) async fn die(
        &mut self,
        death: Death,
        mut facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        tracing::warn!(operation.id = %self.id(), cause = death.cause.word(), told = %death.told, "an operation failed for good");
        facts.push(Fact::OperationDead {
            operation: self.id(),
            death: death.clone(),
        });
        let gate = self.gate().await;
        let refused = gate.as_deref() == Some(&true);
        if let Some(failure) = &death.failure {
            self.doubt = self.doubt.and(Doubt::left_by(failure));
        }
        let mut owed = self.owed(facts);
        if refused && self.job.planned.verb != Verb::Create {
            self.undo_doubt(&mut owed, None)?;
        }
        if !self.inner.commit_surely(owed).await? {
            return Ok(Then::End(Fate::Again(self.inner.clock.monotonic())));
        }
        drop(gate);
        self.tell(Progress::Dead(death));
        if refused {
            self.inner.close_when_ended(self.head().flow)?;
        }
        Ok(Then::End(Fate::Gone))
    }
}

/// Returns a link without what was written, which is dear to copy.
fn without_contents(link: &Link) -> Link {
    Link {
        connector: link.connector.clone(),
        local: link.local,
        remote_id: link.remote_id.clone(),
        remote_name: link.remote_name.clone(),
        written: std::collections::BTreeMap::new(),
        origin: link.origin,
        active: link.active,
        gone: link.gone,
        since: link.since,
        exceptions: domain::Exceptions::new(),
    }
}

fn with_password(desired: Cow<'_, Desired>, password: PasswordPlan) -> Cow<'_, Desired> {
    if desired.password == password {
        return desired;
    }
    Cow::Owned(Desired {
        password,
        ..desired.into_owned()
    })
}

fn order<'o>(
    job: &'o Job,
    shape: &'o Shape,
    desired: &'o Desired,
    link: Option<&'o Link>,
    password: Option<&'o Secret>,
) -> Order<'o> {
    Order {
        operation: job.head.operation,
        verb: shape.verb,
        desired,
        changes: match shape.verb {
            Verb::Update => &shape.changes,
            Verb::Create | Verb::Deprovision => &[],
        },
        link: match shape.verb {
            Verb::Create => None,
            Verb::Update | Verb::Deprovision => link,
        },
        deprovision: job.planned.deprovision,
        password,
    }
}

/// Tells what a failure says about how much the target can take.
fn said(kind: FailureKind) -> Said {
    match kind {
        FailureKind::Quota => Said::TooMany,
        FailureKind::Unreachable | FailureKind::ReplyLost | FailureKind::TargetError => {
            Said::Overloaded
        }
        FailureKind::Misconfigured
        | FailureKind::Unauthenticated
        | FailureKind::Forbidden
        | FailureKind::NotFound
        | FailureKind::Conflict
        | FailureKind::Rejected
        | FailureKind::Garbled
        | FailureKind::Redirected
        | FailureKind::Unsupported => Said::Fine,
    }
}

/// Returns the remote ids of a group's members, sorted, each once: as a link holds them.
pub(crate) fn member_ids(desired: &Desired) -> serde_json::Value {
    let ids: std::collections::BTreeSet<&str> = desired
        .members
        .iter()
        .filter_map(|member| member.remote_id.as_ref())
        .map(|id| id.0.as_str())
        .collect();
    ids.into_iter().collect()
}

/// The failure of a connector that broke down instead of answering.
pub(crate) fn broke_down(told: &str, remedy: Remedy) -> Failure {
    Failure {
        kind: FailureKind::ReplyLost,
        remedy,
        status: None,
        told: format!("the connector broke down: {told}"),
        advice: "This is a fault of the program: report it with the exchanges of this operation."
            .to_owned(),
    }
}

/// The failure of an attempt whose process ended while it was under way.
pub(crate) fn process_ended() -> Failure {
    Failure {
        kind: FailureKind::ReplyLost,
        remedy: Remedy::AskFirst,
        status: None,
        told: "the process ended while the request was under way".to_owned(),
        advice: "Nothing to do: once the request can no longer be under way, the target is asked what became of it, and nothing is sent before."
            .to_owned(),
    }
}

fn refused_death(failure: Failure) -> Death {
    Death {
        cause: DeathCause::Refused,
        told: failure.to_string(),
        advice: failure.advice.clone(),
        failure: Some(failure),
    }
}

pub(crate) fn schedule_ended(failure: Failure) -> Death {
    Death {
        cause: DeathCause::ScheduleEnded,
        told: format!("the retry schedule has ended; the last answer: {failure}"),
        advice: failure.advice.clone(),
        failure: Some(failure),
    }
}

fn password_lost() -> Death {
    Death {
        cause: DeathCause::PasswordLost,
        told: "the new password was kept in memory only, and the process that held it ended"
            .to_owned(),
        advice: "Change the password once more.".to_owned(),
        failure: None,
    }
}
