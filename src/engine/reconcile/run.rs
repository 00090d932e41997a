//! One comparison of one connector: pages first, then what the pages left open, within the budget.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use decide::reconcile::{Actual, Compared, Wanted};
use domain::{
    AccountPage, Condition, Connector, ConnectorRef, Divergence, Failure, Link, LocalRef, MatchKey,
    Object, Orphan, PageRequest, PageToken, Reason, Remedy, RemoteAccount, RunId,
};
use jiff::Timestamp;
use serde_json::Value;

use super::account::Files;
use super::tap::Listener;
use super::unfinished::{Asking, Place, Unfinished, basis, is_about_the_place, may_go_on};
use super::{NotRead, ReadBudget, ReconcileError, ReconcileReport, Tally};
use crate::Fact;
use crate::blocking::MEMBERS;
use crate::caught::caught;
use crate::engine::Engine;
use crate::inner::Inner;
use crate::journal::{Batch, JournalError, Note};
use crate::keys::Key;
use crate::retry::later;
use crate::runner::broke_down;
use crate::setup::Setup;

/// How many differences are read from the journal at once.
const DRIFTS: usize = 500;

/// How many divergences a report holds; the journal holds all.
pub(super) const REPORTED: usize = 10_000;

impl Engine {
    /// Reads the accounts of a connector's target, compares them with the links and with what should be there, and
    /// reports. Nothing is written at the target, so an engine that sends nothing compares as well.
    ///
    /// A comparison that stopped before its end, whatever stopped it, is gone on with, unless `restart` asks for another,
    /// it is too old or the configuration is another one.
    ///
    /// # Errors
    /// [`ReconcileError`] when it could not begin, or the journal refused. What the target refused is in the report.
    pub async fn reconcile(
        &self,
        connector: &ConnectorRef,
        budget: ReadBudget,
        restart: bool,
    ) -> Result<ReconcileReport, ReconcileError> {
        let inner = self.inner();
        // Two at once would both go on where one of them has read already.
        let key = Key::Comparison(connector.clone());
        let _alone = inner.keys.take([key].into()).await;
        let setup = inner.setup();
        if setup.configuration.connector(connector).is_none() {
            return Err(ReconcileError::ConnectorUnknown(connector.clone()));
        }
        let run = Run {
            target: setup.connector(connector)?,
            inner,
            setup: &setup,
            connector,
            budget,
            id: RunId(inner.id()),
            began: inner.clock.now(),
            basis: basis(&setup.configuration, connector),
            tap: Listener::default(),
            requests_before: 0,
            listed_now: 0,
            is_kept: false,
            tally: Tally::default(),
            known: inner.known_drifts(connector)?,
            omitted: BTreeSet::new(),
            divergences: Vec::new(),
            orphans: Vec::new(),
            facts: Vec::new(),
        };
        let left = if restart {
            None
        } else {
            inner.reader.unfinished(connector)?
        };
        run.run(left).await
    }
}

impl Inner {
    /// Returns whose accounts were found to differ before.
    pub(super) fn known_drifts(
        &self,
        connector: &ConnectorRef,
    ) -> Result<HashSet<LocalRef>, JournalError> {
        let mut known = HashSet::new();
        let mut after: Option<LocalRef> = None;
        loop {
            let from = after.map(|local| (connector, local));
            let page = self.reader.drifts(Some(connector), from, DRIFTS)?;
            let Some(last) = page.last() else {
                return Ok(known);
            };
            after = Some(last.divergence.local);
            known.extend(page.into_iter().map(|drift| drift.divergence.local));
        }
    }

    /// A target that asks for quiet is left in quiet by everybody.
    pub(super) fn keep_quiet(&self, connector: &ConnectorRef, failure: &Failure) {
        if let Remedy::Retry { after: Some(after) } = failure.remedy {
            let until = self.in_a_while(after);
            self.lanes().quiet(connector, until);
        }
    }

    /// Says why a connector may not be spoken to.
    pub(super) fn held_because(&self, setup: &Setup, connector: &ConnectorRef) -> Option<NotRead> {
        let by_hand = self
            .holds
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        setup
            .holds()
            .chain(by_hand)
            .find(|hold| hold.connector == *connector && hold.reason != Reason::BrakeEngaged)
            .map(|hold| NotRead::Held {
                reason: hold.reason,
                detail: hold.detail,
            })
    }
}

/// Why reading stopped.
pub(super) enum Stop {
    /// For this time.
    Read(NotRead),
    /// The target does not know any more where an earlier comparison had stopped.
    Lost(Failure),
    /// The journal refused.
    Journal(JournalError),
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

pub(super) struct Run<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) setup: &'a Setup,
    pub(super) connector: &'a ConnectorRef,
    pub(super) target: Arc<dyn Connector>,
    pub(super) budget: ReadBudget,
    pub(super) id: RunId,
    /// When the comparison began, which may be long ago when it went on.
    pub(super) began: Timestamp,
    /// What accounts are compared by.
    pub(super) basis: u64,
    pub(super) tap: Listener,
    /// Requests that were made before it went on.
    pub(super) requests_before: u32,
    /// Accounts that were listed since.
    listed_now: u64,
    /// Whether the journal has how far the comparison has come.
    pub(super) is_kept: bool,
    pub(super) tally: Tally,
    /// Whose accounts differed before.
    pub(super) known: HashSet<LocalRef>,
    /// Fields that the target's lists leave out although its accounts have them.
    pub(super) omitted: BTreeSet<String>,
    pub(super) divergences: Vec<Divergence>,
    pub(super) orphans: Vec<Orphan>,
    /// Facts that are to be committed next.
    pub(super) facts: Vec<Fact>,
}

/// What one kind of accounts has come to so far.
pub(super) struct Walk {
    pub(super) object: Object,
    pub(super) names: Vec<String>,
    pub(super) place: Place,
    /// Whether the place is that of an earlier comparison, and nothing was asked there yet.
    is_left: bool,
    pub(super) asking: Option<Asking>,
    /// Whose accounts were seen.
    pub(super) seen: HashSet<LocalRef>,
    /// Those of them that are not committed yet.
    pub(super) newly_seen: Vec<LocalRef>,
    /// Whether there is more to commit of how far it has come.
    pub(super) has_gone_on: bool,
    /// Whether any account of this kind shows members.
    pub(super) shows_members: bool,
}

impl Walk {
    pub(super) fn saw(&mut self, local: LocalRef) {
        if self.seen.insert(local) {
            self.newly_seen.push(local);
            self.has_gone_on = true;
        }
    }
}

impl Run<'_> {
    async fn run(
        mut self,
        left: Option<(Timestamp, Unfinished)>,
    ) -> Result<ReconcileReport, ReconcileError> {
        let left = self.take_up(left)?;
        self.start().await?;
        let mut outcome = self.read(left).await;
        if let Err(Stop::Lost(failure)) = outcome {
            self.begin_anew(failure)?;
            self.start().await?;
            outcome = self.read(None).await;
        }
        self.tally.requests = self.requests();
        self.tally.not_read = match outcome {
            Ok(()) => None,
            Err(Stop::Read(why)) => Some(why),
            Err(Stop::Lost(failure)) => Some(NotRead::Failed { failure }),
            Err(Stop::Journal(error)) => return Err(error.into()),
        };
        self.tally.goes_on = self.is_kept && self.tally.not_read.as_ref().is_some_and(may_go_on);
        self.facts.push(Fact::ReconcileEnded {
            run: self.id,
            connector: self.connector.clone(),
            tally: Box::new(self.tally.clone()),
        });
        self.commit(None).await?;
        tracing::info!(
            run = %self.id, connector = %self.connector, accounts = self.tally.accounts, requests = self.tally.requests,
            found = self.tally.found(), complete = self.tally.not_read.is_none(),
            continued = self.tally.continued.is_some(), "a connector was compared"
        );
        // One that went on found them in another order than one that did not.
        self.divergences
            .sort_by_cached_key(|found| (found.local.object(), found.name.clone()));
        self.orphans.sort_by_cached_key(|orphan| {
            let (name, id) = (orphan.remote_name.clone(), orphan.remote_id.0.clone());
            (orphan.object, name, id)
        });
        Ok(ReconcileReport {
            run: self.id,
            connector: self.connector.clone(),
            at: self.began,
            tally: self.tally,
            divergences: self.divergences,
            orphans: self.orphans,
        })
    }

    async fn start(&mut self) -> Result<(), JournalError> {
        self.facts.push(Fact::ReconcileStarted {
            run: self.id,
            connector: self.connector.clone(),
            budget: self.budget,
        });
        self.commit(None).await
    }

    async fn read(&mut self, mut left: Option<Unfinished>) -> Result<(), Stop> {
        let mut kinds = vec![Object::User];
        if self.setup.decider().keeps_groups(self.connector) {
            kinds.push(Object::Group);
        }
        let mut stopped = None;
        for &object in &kinds {
            if left.as_ref().is_some_and(|left| left.object > object) {
                continue; // the earlier comparison has come to its end with these
            }
            let left = left.take_if(|left| left.object == object);
            let mut walk = self.begin(object, left)?;
            if stopped.is_none() {
                match self.walk(&mut walk).await {
                    Ok(()) => {}
                    Err(Stop::Read(why)) => {
                        self.keep_at_stop(&mut walk).await?;
                        stopped = Some(why);
                    }
                    Err(stop) => return Err(stop),
                }
            }
            if stopped.is_some() {
                self.leave(&walk)?;
            }
            self.commit(None).await?;
        }
        if let Some(why) = stopped {
            return Err(Stop::Read(why));
        }
        for object in kinds {
            self.keep_orphans(object)?;
        }
        Ok(())
    }

    /// Begins with the accounts of one kind, or goes on with them.
    fn begin(&self, object: Object, left: Option<Unfinished>) -> Result<Walk, JournalError> {
        let names = match object {
            Object::User => self.setup.decider().compared_attributes(self.connector),
            Object::Group => vec![MEMBERS.to_owned()],
        };
        let seen = match &left {
            Some(left) => self.inner.reader.seen(left)?,
            None => HashSet::new(),
        };
        let is_left = left.is_some();
        let (place, asking, shows_members) = match left {
            Some(left) => (left.place, left.asking, left.shows_members),
            None => (Place::Page(None), None, false),
        };
        Ok(Walk {
            object,
            names,
            place,
            is_left,
            asking,
            seen,
            newly_seen: Vec::new(),
            has_gone_on: false,
            shows_members,
        })
    }

    async fn walk(&mut self, walk: &mut Walk) -> Result<(), Stop> {
        self.ask_first(walk).await?;
        self.list(walk).await?;
        self.look_for_the_rest(walk).await?;
        self.look_for_orphans(walk).await
    }

    /// Commits what was heard and found since the last time.
    pub(super) async fn commit(&mut self, note: Option<Note>) -> Result<(), JournalError> {
        let mut batch = Batch::default();
        for fact in self.tap.take_facts(self.connector) {
            batch.push(None, fact);
        }
        for fact in self.facts.drain(..) {
            batch.push(None, fact);
        }
        if let Some(note) = note {
            batch.note(note);
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.inner.append(batch).await
    }

    /// Returns how many requests were made since the comparison began.
    pub(super) fn requests(&self) -> u32 {
        self.requests_before.saturating_add(self.tap.requests())
    }

    /// Tells whether another request may be made.
    fn may_ask(&self) -> Result<(), Stop> {
        if self.inner.is_stopping() {
            return Err(Stop::Read(NotRead::Stopped));
        }
        if self.tap.requests() >= self.budget.requests {
            let budget = self.budget.requests;
            return Err(Stop::Read(NotRead::Requests { budget }));
        }
        if let Some(held) = self.inner.held_because(self.setup, self.connector) {
            return Err(Stop::Read(held));
        }
        let now = self.inner.clock.monotonic();
        if let Some(left) = self.inner.lanes().quiet_for(self.connector, now) {
            let until = later(self.inner.clock.now(), left);
            return Err(Stop::Read(NotRead::Quiet { until }));
        }
        Ok(())
    }

    fn failed(&self, failure: Failure) -> Stop {
        self.inner.keep_quiet(self.connector, &failure);
        Stop::Read(NotRead::Failed { failure })
    }

    /// Reads a page that the walk has come to.
    async fn page(
        &mut self,
        walk: &mut Walk,
        from: Option<&PageToken>,
    ) -> Result<AccountPage, Stop> {
        self.may_ask()?;
        let left = self.budget.accounts.saturating_sub(self.listed_now);
        if left == 0 {
            let budget = self.budget.accounts;
            return Err(Stop::Read(NotRead::Accounts { budget }));
        }
        let request = PageRequest {
            object: walk.object,
            from,
            size: self
                .budget
                .page
                .min(usize::try_from(left).unwrap_or(usize::MAX)),
            attributes: &walk.names,
        };
        let is_left = std::mem::take(&mut walk.is_left) && from.is_some();
        let page = caught(self.target.list(&request, &self.tap))
            .await
            .unwrap_or_else(|told| Err(broke_down(&told, Remedy::GiveUp)));
        match page {
            Ok(page) => Ok(page),
            Err(failure) => {
                let stop = if is_left && is_about_the_place(&failure) {
                    Stop::Lost(failure)
                } else {
                    self.failed(failure)
                };
                self.commit(None).await?;
                Err(stop)
            }
        }
    }

    async fn list(&mut self, walk: &mut Walk) -> Result<(), Stop> {
        while let Place::Page(from) = walk.place.clone() {
            let asked = self.inner.clock.now();
            let page = self.page(walk, from.as_ref()).await?;
            let accounts = page.accounts.len() as u64;
            let mut unlinked = Vec::new();
            for mut account in page.accounts {
                let reader = &self.inner.reader;
                let link = reader.linked_as(self.connector, &account.remote_id, walk.object)?;
                if let Some(link) = link {
                    self.listed(walk, &link, &account, asked).await?;
                } else {
                    account.content = Value::Null;
                    unlinked.push(account);
                }
            }
            // Where comparing stops in the middle, the page is read once more: it is counted at its end.
            self.listed_now += accounts;
            self.tally.accounts += accounts;
            self.tally.pages += 1;
            self.tally.unreadable += page.unreadable as u64;
            if from.is_none() {
                self.tally.announced += page.total.unwrap_or(0);
            }
            for account in &unlinked {
                self.sort_out(walk.object, account)?;
            }
            // A target that names the same page again would be read for ever.
            walk.place = if page.next.is_none() || page.next == from {
                Place::Rest
            } else {
                Place::Page(page.next)
            };
            walk.has_gone_on = true;
            self.keep(walk).await?;
        }
        Ok(())
    }

    async fn listed(
        &mut self,
        walk: &mut Walk,
        link: &Link,
        account: &RemoteAccount,
        asked: Timestamp,
    ) -> Result<(), Stop> {
        // A list that changes while it is read may name an account twice.
        if !walk.seen.contains(&link.local) {
            self.compare(walk, link, account, asked, false).await?;
            walk.saw(link.local);
        }
        Ok(())
    }

    pub(super) fn files(&self) -> Files<'_> {
        Files {
            setup: self.setup,
            reader: &self.inner.reader,
            connector: self.connector,
            now: self.inner.clock.now(),
        }
    }

    /// Compares one account that is linked. A list may have shown less of it than there is; asked for by its id it is whole.
    pub(super) async fn compare(
        &mut self,
        walk: &mut Walk,
        link: &Link,
        account: &RemoteAccount,
        asked: Timestamp,
        is_whole: bool,
    ) -> Result<(), Stop> {
        if self.is_on_its_way(link)? {
            return Ok(());
        }
        let (wanted, name) = self.files().wanted(link)?;
        let desired = match wanted {
            Wanted::Account(desired) => Some(desired),
            Wanted::Nobody(why) if link.active => {
                if account.active && !self.is_fresh(link, asked)? {
                    self.tally.compared += 1;
                    self.tally.unwanted += 1;
                    self.found(link, name, Condition::Unwanted { why });
                } else {
                    self.in_sync(link);
                }
                return Ok(());
            }
            Wanted::Nobody(_) => None,
            Wanted::Unsaid(why) => {
                *self.tally.unsaid.entry(why.reason).or_default() += 1;
                return Ok(());
            }
        };
        let (connector, object) = (self.connector, walk.object);
        let mut shown = self.target.attributes(object, account, &walk.names);
        walk.shows_members |= shown
            .get(MEMBERS)
            .is_some_and(|ids| ids.as_array().is_some_and(|ids| !ids.is_empty()));
        let decider = self.setup.decider();
        let compare = |account: &RemoteAccount, shown: &BTreeMap<String, Value>| {
            let actual = Actual {
                name: &account.remote_name,
                active: account.active,
                attributes: shown,
            };
            decider
                .compare(connector, object, desired.as_deref(), link, &actual)
                .unwrap_or_default()
        };
        let mut compared = compare(account, &shown);
        let open: Vec<String> = compared
            .unseen
            .iter()
            .filter(|field| is_whole || !self.omitted.contains(*field))
            .cloned()
            .collect();
        if !open.is_empty() {
            // What a list does not show is asked for before it is called gone.
            let whole = if is_whole {
                BTreeMap::new()
            } else {
                match self.ask(link).await {
                    Ok(Some(found)) => self.target.attributes(object, &found, &walk.names),
                    Ok(None) => return Ok(()),
                    Err(stop) => {
                        let (local, fields) = (link.local, open);
                        walk.asking = Some(Asking { local, fields });
                        walk.has_gone_on = true;
                        return Err(stop);
                    }
                }
            };
            for field in &open {
                match whole.get(field) {
                    Some(value) => {
                        self.omitted.insert(field.clone());
                        shown.insert(field.clone(), value.clone());
                    }
                    // Nobody here shows any members: whether there are some cannot be told.
                    None if field == MEMBERS && !walk.shows_members => {}
                    None => {
                        shown.insert(field.clone(), Value::Null);
                    }
                }
            }
            compared = compare(account, &shown);
        }
        self.judge(link, name, compared, asked)?;
        Ok(())
    }

    fn judge(
        &mut self,
        link: &Link,
        name: domain::QualifiedName,
        compared: Compared,
        asked: Timestamp,
    ) -> Result<(), JournalError> {
        if !compared.drifts.is_empty() && self.is_fresh(link, asked)? {
            return Ok(());
        }
        self.tally.compared += 1;
        self.tally.excepted += compared.excepted.len() as u64;
        for field in compared.unseen {
            *self.tally.unseen.entry(field).or_default() += 1;
        }
        if compared.drifts.is_empty() {
            self.in_sync(link);
        } else {
            self.tally.differing += 1;
            let fields = compared.drifts;
            self.found(link, name, Condition::Differs { fields });
        }
        Ok(())
    }

    pub(super) fn in_sync(&mut self, link: &Link) {
        self.tally.in_sync += 1;
        self.clear(link);
    }

    /// Takes back what was found before.
    fn clear(&mut self, link: &Link) {
        if self.known.remove(&link.local) {
            self.facts.push(Fact::DriftCleared {
                connector: self.connector.clone(),
                local: link.local,
            });
        }
    }

    pub(super) fn found(&mut self, link: &Link, name: domain::QualifiedName, condition: Condition) {
        let divergence = Divergence {
            connector: self.connector.clone(),
            local: link.local,
            name,
            remote_id: link.remote_id.clone(),
            remote_name: link.remote_name.clone(),
            condition,
        };
        if self.divergences.len() < REPORTED {
            self.divergences.push(divergence.clone());
        }
        self.facts.push(Fact::DriftFound {
            run: self.id,
            divergence: Box::new(divergence),
        });
    }

    /// Tells whether an operation is owed; such an account is looked at next time.
    pub(super) fn is_on_its_way(&mut self, link: &Link) -> Result<bool, JournalError> {
        let state = self.inner.reader.lane_state(self.connector, link.local)?;
        if state.is_open {
            self.tally.on_their_way += 1;
        }
        Ok(state.is_open)
    }

    /// Tells whether an account was written so late that what was read may be older.
    pub(super) fn is_fresh(&mut self, link: &Link, asked: Timestamp) -> Result<bool, JournalError> {
        let state = self.inner.reader.lane_state(self.connector, link.local)?;
        let fresh = state
            .last_done
            .is_some_and(|done| asked < later(done, self.budget.patience));
        if fresh {
            self.tally.fresh += 1;
        }
        Ok(fresh)
    }

    /// Asks for one account that is linked, by its id.
    pub(super) async fn ask(&mut self, link: &Link) -> Result<Option<RemoteAccount>, Stop> {
        let key = MatchKey {
            object: link.local.object(),
            remote_id: Some(link.remote_id.clone()),
            external_id: link.local.uuid().to_string(),
            remote_name: link.remote_name.clone(),
        };
        self.find(&key).await
    }

    pub(super) async fn find(&mut self, key: &MatchKey) -> Result<Option<RemoteAccount>, Stop> {
        self.may_ask()?;
        caught(self.target.find(key, &self.tap))
            .await
            .unwrap_or_else(|told| Err(broke_down(&told, Remedy::GiveUp)))
            .map_err(|failure| self.failed(failure))
    }
}
