//! What the pages left open: linked accounts that none of them showed, and accounts that nothing is linked to.

use decide::reconcile::Wanted;
use domain::{
    Condition, Failure, FailureKind, Link, LocalRef, MatchKey, Object, Orphan, Remedy,
    RemoteAccount, RemoteId, Whose,
};

use super::account::external_local;
use super::run::{REPORTED, Run, Stop, Walk};
use super::{NAMED, NotRead};
use crate::Fact;
use crate::journal::JournalError;

/// How many links are read from the journal at once.
const LINKS: usize = 500;

impl Run<'_> {
    /// Asks for the account at which the comparison had stopped in the middle of a page. With what the page left out it is
    /// known what pages leave out, so that the smallest budget comes further, too.
    pub(super) async fn ask_first(&mut self, walk: &mut Walk) -> Result<(), Stop> {
        let Some(asking) = walk.asking.clone() else {
            return Ok(());
        };
        if let Some(link) = self.inner.reader.link(self.connector, asking.local)?
            && !walk.seen.contains(&link.local)
        {
            self.look_for(walk, &link, &asking.fields).await?;
            walk.saw(link.local);
        }
        walk.asking = None;
        walk.has_gone_on = true;
        self.keep(walk).await?;
        Ok(())
    }

    /// Looks for the linked accounts that no page has shown: only the target's own word for it says that one is missing.
    pub(super) async fn look_for_the_rest(&mut self, walk: &mut Walk) -> Result<(), Stop> {
        let connector = self.connector;
        let mut after: Option<LocalRef> = None;
        loop {
            let from = after.map(|local| (local, connector));
            let page = self.inner.reader.links(Some(connector), from, LINKS)?;
            let Some(last) = page.last() else {
                break;
            };
            after = Some(last.local);
            for link in page {
                if link.local.object() != walk.object || walk.seen.contains(&link.local) {
                    continue;
                }
                self.look_for(walk, &link, &[]).await?;
                walk.saw(link.local);
            }
            self.keep(walk).await?;
        }
        Ok(())
    }

    /// Looks for one linked account, and learns which of the fields it shows that a page left out.
    async fn look_for(
        &mut self,
        walk: &mut Walk,
        link: &Link,
        left_out: &[String],
    ) -> Result<(), Stop> {
        if self.is_on_its_way(link)? {
            return Ok(());
        }
        let asked = self.inner.clock.now();
        if !link.gone {
            if let Some(account) = self.ask(link).await? {
                let shown = self.target.attributes(walk.object, &account, &walk.names);
                let omitted = left_out.iter().filter(|field| shown.contains_key(*field));
                self.omitted.extend(omitted.cloned());
                return self.compare(walk, link, &account, asked, true).await;
            }
            if self.is_fresh(link, asked)? {
                return Ok(());
            }
        }
        let (wanted, name) = self.files().wanted(link)?;
        match wanted {
            Wanted::Account(_) => {
                self.tally.compared += 1;
                self.tally.missing += 1;
                self.found(link, name, Condition::Missing);
            }
            Wanted::Nobody(_) => {
                self.tally.compared += 1;
                self.in_sync(link);
            }
            Wanted::Unsaid(why) => *self.tally.unsaid.entry(why.reason).or_default() += 1,
        }
        Ok(())
    }

    /// Tells whether an account is on its way: its link is committed together with the end of its operation.
    fn is_coming(&self, local: Option<LocalRef>, remote_name: &str) -> Result<bool, JournalError> {
        let reader = &self.inner.reader;
        if let Some(local) = local
            && reader.lane_state(self.connector, local)?.is_open
        {
            return Ok(true);
        }
        reader.is_being_made(self.connector, remote_name)
    }

    /// Says whose an account is that nothing is linked to.
    pub(super) fn sort_out(
        &mut self,
        object: Object,
        account: &RemoteAccount,
    ) -> Result<(), JournalError> {
        // Asked before the link is: its operation may end in between.
        let local = external_local(object, account);
        let is_coming = self.is_coming(local, &account.remote_name)?;
        // Somebody else may have linked it since it was shown.
        let reader = &self.inner.reader;
        let link = reader.linked_as(self.connector, &account.remote_id, object)?;
        if link.is_some() || is_coming {
            self.tally.on_their_way += 1;
            return Ok(());
        }
        let orphan = self.files().orphan(object, account)?;
        match orphan.whose {
            Whose::Ours { .. } | Whose::Duplicate { .. } => self.found_orphan(orphan),
            Whose::Stranger => {
                self.tally.strangers += 1;
                if self.tally.stranger_names.len() < NAMED {
                    let name = domain::visible(&orphan.remote_name).into_owned();
                    self.tally.stranger_names.push(name);
                }
                let reader = &self.inner.reader;
                if reader.is_orphan(self.connector, &orphan.remote_id, object)? {
                    self.clear_orphan(object, orphan.remote_id);
                }
            }
        }
        Ok(())
    }

    /// Looks for the accounts of ours without a link that are known from before and that no page has shown: a list may
    /// pass over an account when it changes while it is read.
    pub(super) async fn look_for_orphans(&mut self, walk: &mut Walk) -> Result<(), Stop> {
        let (connector, object) = (self.connector, walk.object);
        for (run, orphan) in self.inner.reader.orphans_by_run(connector, object)? {
            let reader = &self.inner.reader;
            let link = reader.linked_as(connector, &orphan.remote_id, object)?;
            if link.is_some() {
                self.forget_orphan(&orphan.remote_id);
                self.clear_orphan(object, orphan.remote_id);
            } else {
                if run == self.id || self.is_coming(whose(&orphan), &orphan.remote_name)? {
                    continue;
                }
                self.look_for_orphan(orphan).await?;
            }
            walk.has_gone_on = true;
            self.keep(walk).await?;
        }
        Ok(())
    }

    async fn look_for_orphan(&mut self, known: Orphan) -> Result<(), Stop> {
        match self.show(&known).await {
            Ok(Some(account)) => self.sort_out(known.object, &account)?,
            Ok(None) => self.clear_orphan(known.object, known.remote_id),
            // It stays known, and is no reason to leave everything after it unread for ever.
            Err(Stop::Read(NotRead::Failed { failure })) if is_about_the_account(&failure) => {
                let because =
                    format!("it was ours when it was shown last, and is not shown now: {failure}");
                self.found_orphan(Orphan { because, ..known });
            }
            Err(stop) => return Err(stop),
        }
        Ok(())
    }

    /// Keeps the accounts of ours that are only on their way: what a comparison does not name is forgotten at its end.
    pub(super) fn keep_orphans(&mut self, object: Object) -> Result<(), JournalError> {
        for (run, orphan) in self.inner.reader.orphans_by_run(self.connector, object)? {
            let reader = &self.inner.reader;
            let link = reader.linked_as(self.connector, &orphan.remote_id, object)?;
            if run != self.id && link.is_none() {
                self.facts.push(Fact::OrphanFound {
                    run: self.id,
                    orphan: Box::new(orphan),
                });
            }
        }
        Ok(())
    }

    fn found_orphan(&mut self, orphan: Orphan) {
        self.tally.ours += 1;
        self.facts.push(Fact::OrphanFound {
            run: self.id,
            orphan: Box::new(orphan.clone()),
        });
        if self.orphans.len() < REPORTED {
            self.orphans.push(orphan);
        }
    }

    fn clear_orphan(&mut self, object: Object, remote_id: RemoteId) {
        self.facts.push(Fact::OrphanCleared {
            connector: self.connector.clone(),
            object,
            remote_id,
        });
    }

    /// Takes an account back that was found earlier in this comparison and is linked by now.
    fn forget_orphan(&mut self, remote: &RemoteId) {
        let before = self.orphans.len();
        self.orphans.retain(|orphan| orphan.remote_id != *remote);
        if self.orphans.len() < before {
            self.tally.ours -= 1;
        }
    }

    /// Has the target show an account by its id. Some targets answer an unknown id with an error, and then its names are
    /// searched for.
    async fn show(&mut self, known: &Orphan) -> Result<Option<RemoteAccount>, Stop> {
        let key = MatchKey {
            object: known.object,
            remote_id: Some(known.remote_id.clone()),
            external_id: whose(known)
                .map(|local| local.uuid().to_string())
                .unwrap_or_default(),
            remote_name: known.remote_name.clone(),
        };
        let found = self.find(&key).await?;
        Ok(found.filter(|account| account.remote_id == known.remote_id))
    }

    /// Counts the links whose accounts were not looked for because reading stopped before.
    pub(super) fn leave(&mut self, walk: &Walk) -> Result<(), JournalError> {
        let connector = self.connector;
        let mut after: Option<LocalRef> = None;
        loop {
            let from = after.map(|local| (local, connector));
            let page = self.inner.reader.links(Some(connector), from, LINKS)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.local);
            let unseen = page.iter().filter(|link| {
                link.local.object() == walk.object && !walk.seen.contains(&link.local)
            });
            self.tally.not_looked_for += unseen.count() as u64;
        }
    }
}

/// Returns the local user or group that an account of ours belongs to.
fn whose(orphan: &Orphan) -> Option<LocalRef> {
    match orphan.whose {
        Whose::Ours { local } | Whose::Duplicate { local } => Some(local),
        Whose::Stranger => None,
    }
}

/// Tells whether a target refuses to show this one account, for good; else it would refuse every other as well.
fn is_about_the_account(failure: &Failure) -> bool {
    failure.remedy == Remedy::GiveUp
        && !matches!(
            failure.kind,
            FailureKind::Misconfigured | FailureKind::Unauthenticated | FailureKind::Redirected
        )
}
