//! Carries out one operation whose turn has come: intent first, then the request, then the result with the link.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use decide::Shaped;
use domain::{
    AttributeChange, Confirmation, Confirmed, Connector, Desired, Failure, FailureKind, Link,
    LinkOrigin, LocalRef, Object, OperationId, Order, PasswordPlan, Reason, Remedy, Secret, Verb,
};
use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;

use crate::blocking::{Done, MEMBERS, Progress, REFUSED};
use crate::inner::{Inner, JOURNAL_PAUSE, Owed};
use crate::journal::{JournalError, Open};
use crate::lanes::{Fate, Job, Turn};
use crate::passwords::Choice;
use crate::retry::{self, Next, later};
use crate::setup::Setup;
use crate::tap::Recorder;
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
    pub(crate) unsure: bool,
    pub(crate) first_started: Option<Timestamp>,
    /// What the last attempt of this turn came to.
    pub(crate) failure: Option<Failure>,
    /// How often the target said that the name is taken and then did not know it.
    pub(crate) phantoms: u32,
}

/// What is sent.
struct Shape {
    verb: Verb,
    changes: Vec<AttributeChange>,
    password: PasswordPlan,
}

impl Inner {
    /// Works on an operation until it has ended or has to wait, then gives its lane free.
    pub(crate) async fn work(self: Arc<Self>, turn: Turn) {
        let fate = match self.carry(&turn).await {
            Ok(fate) => fate,
            Err(error) => self.stumbled(&turn, &error),
        };
        let now = self.clock.monotonic();
        self.lanes()
            .finish(&turn.connector, turn.local, turn.operation, fate, now);
        self.pump();
        self.beat();
    }

    async fn carry(self: &Arc<Self>, turn: &Turn) -> Result<Fate, JournalError> {
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
            unsure: head.unsure,
            first_started: head.first_started,
            failure: None,
            phantoms: 0,
            job,
        };
        loop {
            if self.is_stopping() {
                return Ok(Fate::Again(self.clock.monotonic()));
            }
            let then = match work.life {
                Life::Queued | Life::Retrying { .. } => work.send().await?,
                Life::InDoubt { .. } => work.ask().await?,
                Life::InFlight => work.interrupted().await?,
                Life::Held { .. } => Then::End(Fate::Held),
                Life::Settled | Life::Dead | Life::Discarded => Then::End(Fate::Gone),
            };
            if let Then::End(fate) = then {
                return Ok(fate);
            }
        }
    }

    fn load(&self, operation: OperationId) -> Result<Option<Arc<Job>>, JournalError> {
        let (Some(head), Some(planned)) = (
            self.reader.head(operation)?,
            self.reader.planned(operation)?,
        ) else {
            return Ok(None);
        };
        Ok(Some(Arc::new(Job { head, planned })))
    }

    /// Decides what becomes of an operation when the journal refused: the journal's own word counts.
    fn stumbled(&self, turn: &Turn, error: &JournalError) -> Fate {
        let again = Fate::Again(self.clock.monotonic() + JOURNAL_PAUSE);
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
                self.die(death, Vec::new()).await.map(Err)
            }
        }
    }

    /// An attempt whose process ended is in doubt.
    async fn interrupted(&mut self) -> Result<Then, JournalError> {
        let then = Life::InDoubt {
            at: self.inner.clock.now(),
        };
        let fact = Fact::AttemptFailed {
            operation: self.id(),
            number: self.attempts,
            failure: process_ended(),
            then,
        };
        self.inner.commit(self.owed([fact])).await?;
        self.life = then;
        self.unsure = true;
        Ok(Then::Continue)
    }

    /// Makes one attempt.
    async fn send(&mut self) -> Result<Then, JournalError> {
        let connector = match self.connector().await? {
            Ok(connector) => connector,
            Err(then) => return Ok(then),
        };
        let link = self.link()?;
        let job = Arc::clone(&self.job);
        let desired = self.fill(&job.planned.desired)?;
        let shaped = self.setup.decider().reshape(
            &job.head.connector,
            &desired,
            job.planned.verb,
            link.as_ref(),
        );
        let shape = match shaped {
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
        // The order says which password goes with it now: a connector sends its configured default by itself.
        let desired = if desired.password == shape.password {
            desired
        } else {
            Cow::Owned(Desired {
                password: shape.password,
                ..desired.into_owned()
            })
        };
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
        self.first_started
            .get_or_insert_with(|| self.inner.clock.now());
        let recorder = self.recorder();
        let result = connector
            .carry_out(
                &order(&job, &shape, &desired, link.as_ref(), password.as_ref()),
                &recorder,
            )
            .await;
        let exchanges = recorder.into_facts();
        match result {
            Ok(confirmed) => {
                self.confirmed(&confirmed, &shape, &desired, link, exchanges)
                    .await
            }
            Err(failure) => self.failed(failure, exchanges).await,
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

    /// Fills in the accounts that a group's members have got since the decision.
    fn fill<'d>(&self, desired: &'d Desired) -> Result<Cow<'d, Desired>, JournalError> {
        if desired.object() == Object::User
            || desired
                .members
                .iter()
                .all(|member| member.remote_id.is_some())
        {
            return Ok(Cow::Borrowed(desired));
        }
        let mut desired = desired.clone();
        for member in &mut desired.members {
            if member.remote_id.is_none() {
                let link = self
                    .inner
                    .reader
                    .link(&self.head().connector, member.local)?;
                member.remote_id = link.filter(|link| !link.gone).map(|link| link.remote_id);
            }
        }
        Ok(Cow::Owned(desired))
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

    /// Settles the operation because there is nothing left to do.
    pub(crate) async fn nothing_because(
        &mut self,
        reason: Reason,
        detail: &str,
        mut facts: Vec<Fact>,
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
        let head = self.head();
        let mut owed = self.owed(facts);
        // An update in doubt may have been carried out; writing the old values again does no harm when it was not.
        if self.unsure
            && self.job.planned.verb == Verb::Update
            && let Some(link) = self.link()?
        {
            let done = Done {
                what: Confirmation::Updated,
                planned: &self.job.planned,
                changes: &self.job.planned.changes,
                link: Some(&link),
            };
            self.inner
                .undo(&mut owed, head.flow, &self.as_queued(), &done)?;
        }
        self.inner.commit_surely(owed).await?;
        self.inner.passwords.forget(self.id());
        self.inner.close_when_ended(self.head().flow)?;
        Ok(Then::End(Fate::Gone))
    }

    /// The target confirmed it.
    async fn confirmed(
        &mut self,
        confirmed: &Confirmed,
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
        let after = self.after(confirmed, desired, before.as_ref());
        self.done(
            confirmed.what,
            &shape.changes,
            before.as_ref(),
            after,
            facts,
        )
        .await
    }

    /// Commits a result with its link; undoes it in the same commit when the flow was refused meanwhile.
    pub(crate) async fn done(
        &mut self,
        what: Confirmation,
        changes: &[AttributeChange],
        before: Option<&Link>,
        after: Option<Link>,
        facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        let head = self.head();
        let mut owed = self.owed(facts);
        let link = after.as_ref().or(before);
        if let Some(link) = link {
            let link = Box::new(link.clone());
            owed.push(
                head.flow,
                if after.is_some() {
                    Fact::Linked { link }
                } else {
                    Fact::Unlinked { link }
                },
            );
        }
        let is_new = after.is_some() && before.is_none_or(|link| link.gone);
        let follow_ups = if is_new {
            self.member_linked(&mut owed, after.as_ref())?
        } else {
            Vec::new()
        };
        let gate = self.gate().await;
        let refused = gate.as_deref() == Some(&true);
        if refused {
            let done = Done {
                what,
                planned: &self.job.planned,
                changes,
                link,
            };
            self.inner
                .undo(&mut owed, head.flow, &self.as_queued(), &done)?;
        }
        if !self.inner.commit_surely(owed).await? {
            return Ok(Then::End(Fate::Again(self.inner.clock.monotonic())));
        }
        drop(gate);
        self.inner.passwords.forget(self.id());
        self.tell(Progress::Done);
        if refused {
            self.inner.close_when_ended(self.head().flow)?;
        }
        self.check_follow_ups(follow_ups, after.as_ref()).await?;
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
        confirmed: &Confirmed,
        desired: &Desired,
        before: Option<&Link>,
    ) -> Option<Link> {
        let active = match confirmed.what {
            Confirmation::Created | Confirmation::Updated => true,
            Confirmation::Deactivated => false,
            Confirmation::Deleted | Confirmation::AlreadyGone => return None,
        };
        let before = before.filter(|link| !link.gone);
        let mut written = before.map_or_else(Default::default, |link| link.written.clone());
        written.extend(confirmed.written.clone());
        if desired.object() == Object::Group && active && !written.contains_key(MEMBERS) {
            written.insert(MEMBERS.to_owned(), member_ids(desired));
        }
        let head = self.head();
        Some(Link {
            connector: head.connector.clone(),
            local: head.local,
            remote_id: confirmed.remote_id.clone(),
            remote_name: confirmed.remote_name.clone(),
            written,
            origin: before.map_or(LinkOrigin::Created, |link| link.origin),
            active,
            gone: false,
            since: before.map_or_else(|| self.inner.clock.now(), |link| link.since),
        })
    }

    /// The attempt failed: it is tried again, asked about, or given up, as the failure itself says.
    async fn failed(
        &mut self,
        failure: Failure,
        mut facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        let now = self.inner.clock.now();
        self.unsure |= crate::ask::leaves_doubt(&failure);
        if let Remedy::Retry { after: Some(after) } = failure.remedy
            && failure.kind == FailureKind::Quota
        {
            let until = self.inner.clock.monotonic() + after;
            self.inner.lanes().quiet(&self.head().connector, until);
        }
        let gate = self.gate().await;
        let refused = gate.as_deref() == Some(&true);
        let (then, fate) = match failure.remedy {
            Remedy::GiveUp => {
                drop(gate);
                return self.die(refused_death(failure), facts).await;
            }
            Remedy::AskFirst => (Life::InDoubt { at: now }, None),
            Remedy::Retry { .. } if refused => (Life::Retrying { at: now }, None),
            Remedy::Retry { after } => match self.next(after) {
                Next::After(pause) => (
                    Life::Retrying {
                        at: later(now, pause),
                    },
                    Some(Fate::Again(self.inner.clock.monotonic() + pause)),
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
        if !self.inner.commit_surely(self.owed(facts)).await? {
            return Ok(Then::End(Fate::Again(self.inner.clock.monotonic())));
        }
        drop(gate);
        self.tell(Progress::Tried(failure.clone()));
        self.failure = Some(failure);
        self.life = then;
        Ok(fate.map_or(Then::Continue, Then::End))
    }

    pub(crate) fn next(&self, wish: Option<Duration>) -> Next {
        retry::next(
            self.setup.retry(&self.head().connector),
            self.attempts,
            wish,
            self.head().queued,
            self.inner.clock.now(),
            |most| self.inner.ids.jitter(most),
        )
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
        if !self.inner.commit_surely(self.owed(facts)).await? {
            return Ok(Then::End(Fate::Again(self.inner.clock.monotonic())));
        }
        drop(gate);
        self.tell(Progress::Dead(death));
        if refused {
            self.inner.close_when_ended(self.head().flow)?;
        }
        Ok(Then::End(Fate::Gone))
    }

    /// A user has got an account: groups there that were sent without this member are brought up to date.
    ///
    /// Returns the groups' operations that still wait and so will see the new link by themselves.
    fn member_linked(
        &self,
        owed: &mut Owed,
        link: Option<&Link>,
    ) -> Result<Vec<OperationId>, JournalError> {
        let (Some(link), LocalRef::User(user)) = (link, self.head().local) else {
            return Ok(Vec::new());
        };
        let mut waiting = Vec::new();
        if !self.setup.keeps_groups(&link.connector) {
            return Ok(waiting);
        }
        for group in self.inner.reader.groups_with(user)? {
            let newest = self
                .inner
                .reader
                .newest_in_lane(&link.connector, LocalRef::Group(group))?;
            let Some((head, Some(planned))) = newest else {
                continue;
            };
            let lacks = planned
                .desired
                .members
                .iter()
                .any(|member| member.local == link.local && member.remote_id.is_none());
            if !lacks || planned.verb == Verb::Deprovision {
                continue;
            }
            let is_waiting =
                self.inner
                    .lanes()
                    .is_waiting(&head.connector, head.local, head.operation);
            if is_waiting {
                waiting.push(head.operation);
            } else {
                self.follow_up(owed, &head, planned);
            }
        }
        Ok(waiting)
    }

    fn follow_up(&self, owed: &mut Owed, group: &Open, mut planned: domain::Planned) {
        planned.verb = Verb::Update;
        planned.changes = Vec::new();
        let queued = Queued {
            operation: OperationId(self.inner.id()),
            trigger: self.head().trigger,
            connector: group.connector.clone(),
            local: group.local,
            name: group.name.clone(),
            remote_name: planned.desired.remote_name.clone(),
            verb: Verb::Update,
            blocking: false,
            cause: Cause::MemberLinked {
                member: self.head().local,
                planned: Box::new(planned.clone()),
            },
            held: None,
        };
        owed.queue(self.head().flow, queued, planned);
    }

    /// An operation that was taken up while the link was committed may have missed it.
    async fn check_follow_ups(
        &self,
        waiting: Vec<OperationId>,
        link: Option<&Link>,
    ) -> Result<(), JournalError> {
        let Some(link) = link else {
            return Ok(());
        };
        for operation in waiting {
            let Some(head) = self.inner.reader.head(operation)? else {
                continue;
            };
            let still_waits = self
                .inner
                .lanes()
                .is_waiting(&link.connector, head.local, operation);
            if let (false, Some(planned)) = (still_waits, self.inner.reader.planned(operation)?) {
                let mut owed = Owed::default();
                self.follow_up(&mut owed, &head, planned);
                self.inner.commit_surely(owed).await?;
            }
        }
        Ok(())
    }
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

/// The failure of an attempt whose process ended while it was under way.
pub(crate) fn process_ended() -> Failure {
    Failure {
        kind: FailureKind::ReplyLost,
        remedy: Remedy::AskFirst,
        status: None,
        told: "the process ended while the request was under way".to_owned(),
        advice: "Nothing to do: the target is asked before anything is sent again.".to_owned(),
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
