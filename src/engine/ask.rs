//! Look before sending again: after a lost answer, a name that is taken, or an account that is gone.
//!
//! | what was done | the target says | what follows |
//! |---|---|---|
//! | create | the account is there and ours | link it, done |
//! | create | an account of that name is there, not ours | `on_existing`: adopt it and update, or a dead letter |
//! | create | nothing there | send again |
//! | create | another of ours has the name, and is about to leave it | send again by the schedule |
//! | create | another of ours has the name, and a later operation leaves it here | nothing left to do |
//! | update | the account is there | send again: an update may be repeated; a name that stays taken is a dead letter |
//! | update | the account is there, and another of ours has its new name, or may have got it unheard, and is about to leave it | send again by the schedule |
//! | update | the account is there, another of ours has its new name, and a later operation leaves it here | nothing left to do, unless it brings a new password |
//! | update | it is gone, another of ours is there | link that one, update |
//! | update | it is gone | forget the account, create |
//! | deprovision | it is gone, or deactivated as wanted | done |
//! | deprovision | it is there | send again |
//! | deprovision of what an earlier create may have made | the account is there and ours | link it, take it away |
//! | deprovision of what an earlier create may have made | nothing there, or not ours | nothing left to do |

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::{
    Confirmation, Connector, Deprovision, Failure, FailureKind, Link, LinkOrigin, LocalRef,
    MatchKey, OnExisting, PasswordPlan, Reason, Remedy, RemoteAccount, RemoteId, Verb,
};

use crate::blocking::MEMBERS;
use crate::caught::caught;
use crate::doubt::Doubt;
use crate::journal::JournalError;
use crate::lanes::Fate;
use crate::owner::Owned;
use crate::retry::{Next, later};
use crate::runner::{Then, Work, broke_down, member_ids, schedule_ended};
use crate::{Answer, Death, DeathCause, Fact, Life, Settlement};

/// How often a target is looked at again because links changed meanwhile; under load they always do.
const LOOKS: u32 = 3;

impl Work<'_> {
    /// Asks the target what became of the last attempt.
    pub(crate) async fn ask(&mut self) -> Result<Then, JournalError> {
        let connector = match self.connector().await? {
            Ok(connector) => connector,
            Err(then) => return Ok(then),
        };
        self.looked_at = self.inner.link_changes.load(Ordering::Acquire);
        let link = self.link()?.filter(|link| !link.gone);
        let recorder = self.recorder();
        self.begin();
        let found = caught(self.look(connector.as_ref(), link.as_ref(), &recorder))
            .await
            .unwrap_or_else(|told| Err(broke_down(&told, Remedy::Retry { after: None })));
        let facts = recorder.into_facts();
        self.heard(facts.len(), found.as_ref().err(), true);
        match (found, link) {
            (Err(failure), _) => self.unanswered(failure, facts).await,
            (Ok(Found::AsLinked(account)), Some(link)) => {
                self.still_there(&account, &link, facts).await
            }
            (Ok(Found::AsLinked(account) | Found::Other(account)), None) => {
                self.there(account, None, facts).await
            }
            (Ok(Found::Other(account)), Some(link)) => {
                self.there(account, Some(&link), facts).await
            }
            (Ok(Found::Nothing), Some(link)) => self.gone(&link, facts).await,
            (Ok(Found::Nothing), None) => self.absent(facts).await,
        }
    }

    /// Looks for the linked account; when it is gone, or none is linked, for one of our id or of the same name.
    async fn look(
        &self,
        connector: &dyn Connector,
        link: Option<&Link>,
        recorder: &crate::tap::Recorder,
    ) -> Result<Found, Failure> {
        let desired = &self.job.planned.desired;
        let mut key = MatchKey {
            object: desired.object(),
            remote_id: link.map(|link| link.remote_id.clone()),
            external_id: self.head().local.uuid().to_string(),
            remote_name: desired.remote_name.clone(),
        };
        if key.remote_id.is_some() {
            if let Some(account) = connector.find(&key, recorder).await? {
                return Ok(Found::AsLinked(account));
            }
            if self.job.planned.verb == Verb::Deprovision {
                return Ok(Found::Nothing);
            }
            key.remote_id = None;
        }
        Ok(connector
            .find(&key, recorder)
            .await?
            .map_or(Found::Nothing, Found::Other))
    }

    /// The target could not be asked: the doubt stays, and the question is put again.
    async fn unanswered(
        &mut self,
        failure: Failure,
        mut facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        let quiet = self.keep_quiet(&failure)?;
        let wish = match failure.remedy {
            Remedy::Retry { after } => after.or(quiet.pause),
            Remedy::AskFirst => None,
            Remedy::GiveUp => {
                let death = Death {
                    cause: DeathCause::Refused,
                    told: format!(
                        "an attempt is in doubt, and the target does not let itself be asked: {failure}"
                    ),
                    advice: failure.advice.clone(),
                    failure: Some(failure),
                };
                return self.die(death, facts).await;
            }
        };
        let Next::After(pause) = self.next(wish)? else {
            return self.die(schedule_ended(failure), facts).await;
        };
        let then = Life::InDoubt {
            at: later(self.inner.clock.now(), pause),
        };
        facts.push(self.asked(Answer::Unanswered { failure }, then));
        let mut owed = self.owed(facts);
        owed.apart(quiet.learnt);
        self.inner.commit_surely(owed).await?;
        self.life = then;
        Ok(Then::End(Fate::Again(self.inner.in_a_while(pause))))
    }

    fn asked(&mut self, answer: Answer, then: Life) -> Fact {
        if Doubt::is_ended_by(&answer) {
            self.doubt = Doubt::NONE;
        }
        Fact::Asked {
            operation: self.id(),
            number: self.attempts,
            answer,
            then,
        }
    }

    /// The linked account is there: what was in doubt is sent again, unless it is a deactivation that worked.
    async fn still_there(
        &mut self,
        account: &RemoteAccount,
        link: &Link,
        mut facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        let answer = Answer::Ours {
            remote_id: account.remote_id.clone(),
            because: "it has the id that is linked".to_owned(),
        };
        let job = Arc::clone(&self.job);
        let planned = &job.planned;
        if let Some(failure) = self.conflict()
            && !self.name_is_being_freed()?
            && (self.is_overtaken()? || !self.name_is_passed_through()?)
        {
            return self.name_stays_taken(failure, answer, facts).await;
        }
        let planned_again = planned.verb == Verb::Update && self.conflict().is_some();
        let deactivated = planned.verb == Verb::Deprovision
            && planned.deprovision == Deprovision::Deactivate
            && !account.active;
        if planned_again {
            return self.send_later(answer, facts).await;
        }
        if !deactivated {
            return self.send_again(answer, facts).await;
        }
        facts.push(self.asked(
            answer,
            Life::InDoubt {
                at: self.inner.clock.now(),
            },
        ));
        facts.push(self.settled(Confirmation::Deactivated));
        let after = Link {
            active: false,
            remote_name: account.remote_name.clone(),
            ..link.clone()
        };
        self.done(
            Confirmation::Deactivated,
            &[],
            Some(link),
            Some(after),
            facts,
        )
        .await
    }

    /// Nobody of ours is about to leave the name that the linked account was to get.
    async fn name_stays_taken(
        &mut self,
        failure: Failure,
        answer: Answer,
        mut facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        let at = self.inner.clock.now();
        if self.is_overtaken()? && (self.name_is_anothers()? || self.name_is_passed_through()?) {
            facts.push(self.asked(answer, Life::InDoubt { at }));
            let detail = "the name is another's by now, and a later operation lets go of it anyway";
            return self.nothing_because(Reason::Unchanged, detail, facts).await;
        }
        // Whoever had it may have left between the target's answer and now.
        if self.looks < LOOKS && self.links_changed_since(self.sent_at) {
            self.looks += 1;
            facts.push(self.asked(answer, Life::Queued));
            return self.go_on(Life::Queued, facts).await;
        }
        let death = Death {
            cause: DeathCause::Refused,
            told: failure.to_string(),
            advice: failure.advice.clone(),
            failure: Some(failure),
        };
        facts.push(self.asked(answer, Life::InDoubt { at }));
        self.die(death, facts).await
    }

    fn settled(&self, what: Confirmation) -> Fact {
        Fact::Settled {
            operation: self.id(),
            attempts: self.attempts,
            outcome: Settlement::Found(what),
        }
    }

    /// The linked account is gone, and there is no other of ours.
    async fn gone(&mut self, link: &Link, mut facts: Vec<Fact>) -> Result<Then, JournalError> {
        if self.job.planned.verb == Verb::Deprovision {
            let was_in_doubt = self.doubt.done;
            facts.push(self.asked(
                Answer::Absent,
                Life::InDoubt {
                    at: self.inner.clock.now(),
                },
            ));
            facts.push(self.settled(Confirmation::AlreadyGone));
            let what = self.what_was_done(Confirmation::AlreadyGone, was_in_doubt);
            return self.done(what, &[], Some(link), None, facts).await;
        }
        facts.push(self.asked(Answer::Absent, Life::Queued));
        facts.push(Fact::Linked {
            link: Box::new(Link {
                gone: true,
                ..link.clone()
            }),
        });
        self.go_on(Life::Queued, facts).await
    }

    /// Returns the answer that a name is taken, when the last attempt got it.
    fn conflict(&self) -> Option<Failure> {
        self.failure
            .clone()
            .filter(|failure| failure.kind == FailureKind::Conflict)
    }

    /// Tells whether the name is that of somebody of ours who is about to leave it.
    pub(crate) fn name_is_being_freed(&self) -> Result<bool, JournalError> {
        let head = self.head();
        self.inner.reader.is_being_freed(
            &head.connector,
            &self.job.planned.desired.remote_name,
            head.local,
        )
    }

    /// Tells whether somebody of ours may have got the name unheard, and is about to leave it.
    ///
    /// No create waits for that unsent: of two that wait, each may be what the other waits for.
    fn name_is_passed_through(&self) -> Result<bool, JournalError> {
        let head = self.head();
        self.inner.reader.is_passed_through(
            &head.connector,
            &self.job.planned.desired.remote_name,
            head.local,
        )
    }

    /// Tells whether another of ours has the name, or is about to get it, and keeps it.
    fn name_is_anothers(&self) -> Result<bool, JournalError> {
        let head = self.head();
        let name = self.job.planned.desired.remote_name.clone();
        let names = [(head.connector.clone(), name)];
        Ok(!self.inner.reader.owners(&names, head.local)?.is_empty())
    }

    /// Tells whether a later operation of this lane lets go of the name anyway. What else this one would write is written by
    /// that; a new password is not.
    fn is_overtaken(&self) -> Result<bool, JournalError> {
        Ok(self.job.planned.desired.password == PasswordPlan::None
            && self.is_letting_go(self.head().local)?)
    }

    /// Tells whether the newest open operation of a lane at this connector leaves the name.
    fn is_letting_go(&self, local: LocalRef) -> Result<bool, JournalError> {
        self.inner.reader.is_letting_go(
            &self.head().connector,
            &self.job.planned.desired.remote_name,
            local,
        )
    }

    /// Nothing is there: the create is sent again.
    async fn absent(&mut self, mut facts: Vec<Fact>) -> Result<Then, JournalError> {
        if let Some(failure) = self.conflict() {
            self.phantoms += 1;
            if self.phantoms > 1 {
                let death = Death {
                    cause: DeathCause::Refused,
                    told: format!(
                        "{failure}; yet no account with our id or of that name can be found"
                    ),
                    advice: "Another attribute may be taken there; compare it with the target's accounts."
                        .to_owned(),
                    failure: Some(failure),
                };
                return self.die(death, facts).await;
            }
            facts.push(self.asked(Answer::Absent, Life::Queued));
            return self.go_on(Life::Queued, facts).await;
        }
        if self.job.planned.verb == Verb::Deprovision {
            return self.no_ghost(Answer::Absent, facts).await;
        }
        self.send_again(Answer::Absent, facts).await
    }

    /// There is nothing to take away: no account, or none of ours.
    async fn no_ghost(
        &mut self,
        answer: Answer,
        mut facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        let at = self.inner.clock.now();
        facts.push(self.asked(answer, Life::InDoubt { at }));
        let detail = "there is no account to take away: the target was asked for one that an earlier attempt may have made";
        self.nothing_because(Reason::NeverProvisioned, detail, facts)
            .await
    }

    /// Sends again: the first time at once, later by the schedule.
    async fn send_again(
        &mut self,
        answer: Answer,
        mut facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        if self.attempts >= 2 {
            return self.send_later(answer, facts).await;
        }
        facts.push(self.asked(answer, Life::Queued));
        self.go_on(Life::Queued, facts).await
    }

    /// Sends again by the schedule.
    async fn send_later(
        &mut self,
        answer: Answer,
        mut facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        let Next::After(pause) = self.next(None)? else {
            let death = self.failure.clone().map_or_else(
                || Death {
                    cause: DeathCause::ScheduleEnded,
                    told: "the retry schedule has ended".to_owned(),
                    advice: "Retry it by hand when the target answers again.".to_owned(),
                    failure: None,
                },
                schedule_ended,
            );
            return self.die(death, facts).await;
        };
        let then = Life::Retrying {
            at: later(self.inner.clock.now(), pause),
        };
        facts.push(self.asked(answer, then));
        let again = Fate::Again(self.inner.in_a_while(pause));
        Ok(match self.go_on(then, facts).await? {
            Then::Continue => Then::End(again),
            end @ Then::End(_) => end,
        })
    }

    /// Commits what was found and goes on; in a refused flow nothing more is sent.
    async fn go_on(&mut self, then: Life, mut facts: Vec<Fact>) -> Result<Then, JournalError> {
        let gate = self.gate().await;
        if gate.as_deref() == Some(&true) {
            let is_taken_over = |fact: &Fact| match fact {
                Fact::Linked { link } => link.origin == LinkOrigin::Adopted && !link.gone,
                // The account of somebody who has left stays theirs when nobody takes it over.
                Fact::Unlinked { .. } => true,
                _ => false,
            };
            facts.retain(|fact| !is_taken_over(fact));
            return self.refused(facts).await;
        }
        let linked = facts.iter().find_map(|fact| match fact {
            Fact::Linked { link } if !link.gone => Some(link.as_ref().clone()),
            _ => None,
        });
        let local = self.head().local;
        // What happens to another's link is not part of this flow's story.
        let of_another =
            |fact: &Fact| matches!(fact, Fact::Unlinked { link } if link.local != local);
        let (others, facts): (Vec<Fact>, Vec<Fact>) = facts.into_iter().partition(of_another);
        let mut owed = self.owed(facts);
        for fact in others {
            owed.batch.push(None, fact);
        }
        if !self.commit_linked(owed, linked.as_ref()).await? {
            return Ok(Then::End(Fate::Again(self.inner.clock.monotonic())));
        }
        if linked.is_some() {
            // This turn goes on; the groups that waited for the link go on as well.
            self.inner.pump();
        }
        self.life = then;
        Ok(Then::Continue)
    }

    /// An account is there that is not linked: it is ours, or `on_existing` says what to do.
    async fn there(
        &mut self,
        account: RemoteAccount,
        gone: Option<&Link>,
        mut facts: Vec<Fact>,
    ) -> Result<Then, JournalError> {
        let remote_id = account.remote_id.clone();
        let refused = self.gate().await.as_deref() == Some(&true);
        let takes_away = self.job.planned.verb == Verb::Deprovision;
        // Some servers make a group and leave its members out, so what a group holds is only known once it was written.
        let is_complete = self.job.planned.desired.members.is_empty();
        match self.owner(&account)? {
            Owned::Ours { because, is_new }
                if !takes_away && (refused || is_new && is_complete && gone.is_none()) =>
            {
                facts.push(self.asked(
                    Answer::Ours { remote_id, because },
                    Life::InDoubt {
                        at: self.inner.clock.now(),
                    },
                ));
                facts.push(self.settled(Confirmation::Created));
                let link = self.as_created(account)?;
                self.done(Confirmation::Created, &[], None, Some(link), facts)
                    .await
            }
            // Ours from before: what it holds is not known, so it is linked and written.
            Owned::Ours { because, .. } => {
                let origin = self.origin_of(&remote_id)?;
                facts.push(self.asked(Answer::Ours { remote_id, because }, Life::Queued));
                facts.push(self.linked(account, origin));
                self.go_on(Life::Queued, facts).await
            }
            Owned::Foreign(because) | Owned::Another(_, because) | Owned::Undecided(because)
                if takes_away =>
            {
                self.no_ghost(Answer::Foreign { remote_id, because }, facts)
                    .await
            }
            Owned::Another(other, because) if self.is_letting_go(other)? => {
                self.send_later(Answer::Foreign { remote_id, because }, facts)
                    .await
            }
            Owned::Another(_, because) | Owned::Undecided(because)
                if self.is_letting_go(self.head().local)? =>
            {
                facts.push(self.asked(
                    Answer::Foreign { remote_id, because },
                    Life::InDoubt {
                        at: self.inner.clock.now(),
                    },
                ));
                let detail = "the name belongs to another by now, and a later operation lets go of it anyway";
                self.nothing_because(Reason::NeverProvisioned, detail, facts)
                    .await
            }
            Owned::Undecided(because) => {
                self.send_later(Answer::Foreign { remote_id, because }, facts)
                    .await
            }
            // Its owner may have left between the target's answer and now: what was seen is no longer so.
            Owned::Foreign(_) | Owned::Another(..) if self.is_out_of_date() => {
                self.looks += 1;
                self.go_on(self.life, facts).await
            }
            Owned::Foreign(because) if self.adopts() => {
                facts.extend(self.let_go(&remote_id)?);
                facts.push(self.asked(Answer::Foreign { remote_id, because }, Life::Queued));
                facts.push(self.linked(account, LinkOrigin::Adopted));
                self.go_on(Life::Queued, facts).await
            }
            Owned::Foreign(because) | Owned::Another(_, because) => {
                let death = Death {
                    cause: DeathCause::ForeignAccount,
                    told: format!(
                        "there is an account {} ({remote_id}) that did not come from here: {because}",
                        account.remote_name
                    ),
                    advice: "Set on_existing = \"adopt\" on the connector to take it over, or rename one of the two."
                        .to_owned(),
                    failure: self.failure.clone(),
                };
                facts.push(self.asked(
                    Answer::Foreign { remote_id, because },
                    Life::InDoubt {
                        at: self.inner.clock.now(),
                    },
                ));
                self.die(death, facts).await
            }
        }
    }

    /// Tells whether links changed while the target was looked at, so that it has to be looked at again: whoever had the
    /// account took it away there before that was written here.
    fn is_out_of_date(&self) -> bool {
        self.looks < LOOKS && self.links_changed_since(self.looked_at)
    }

    fn links_changed_since(&self, changes: u64) -> bool {
        self.inner.link_changes.load(Ordering::Acquire) != changes
    }

    /// Ends the link of somebody who has left, when there is one to this account.
    fn let_go(&self, remote_id: &RemoteId) -> Result<Option<Fact>, JournalError> {
        let connector = &self.head().connector;
        let reader = &self.inner.reader;
        let link = match reader.linked_to(connector, remote_id)? {
            Some(other) if other != self.head().local => reader.link(connector, other)?,
            _ => None,
        };
        Ok(link.map(|link| Fact::Unlinked {
            link: Box::new(link),
        }))
    }

    fn adopts(&self) -> bool {
        self.setup
            .configuration
            .connector(&self.head().connector)
            .is_some_and(|(_, settings)| settings.on_existing == OnExisting::Adopt)
    }

    /// The link of an account that our own attempt made: it holds what that attempt sent.
    fn as_created(&self, account: RemoteAccount) -> Result<Link, JournalError> {
        let origin = self.origin_of(&account.remote_id)?;
        let desired = &self.job.planned.desired;
        let mut written = desired.values();
        if let domain::Object::Group = desired.object() {
            written.insert(MEMBERS.to_owned(), member_ids(desired));
        }
        Ok(Link {
            written,
            ..self.link_to(account, origin)
        })
    }

    /// Returns how an account of ours came to be that: as an earlier link to it says, for an adopted one that was gone and
    /// is there again was not made here.
    fn origin_of(&self, remote_id: &RemoteId) -> Result<LinkOrigin, JournalError> {
        let earlier = self.link()?.filter(|link| link.remote_id == *remote_id);
        Ok(earlier.map_or(LinkOrigin::Created, |link| link.origin))
    }

    fn linked(&self, account: RemoteAccount, origin: LinkOrigin) -> Fact {
        Fact::Linked {
            link: Box::new(self.link_to(account, origin)),
        }
    }

    fn link_to(&self, account: RemoteAccount, origin: LinkOrigin) -> Link {
        let head = self.head();
        Link {
            connector: head.connector.clone(),
            local: head.local,
            remote_id: account.remote_id,
            remote_name: account.remote_name,
            written: std::collections::BTreeMap::new(),
            origin,
            active: account.active,
            gone: false,
            since: self.inner.clock.now(),
            exceptions: domain::Exceptions::new(),
        }
    }
}

/// What looking came to.
enum Found {
    /// The account that is linked.
    AsLinked(RemoteAccount),
    /// One of our id or of the same name.
    Other(RemoteAccount),
    /// Nothing.
    Nothing,
}
