//! What the pages left open: linked accounts that none of them showed, and accounts that nothing is linked to.

use decide::reconcile::Wanted;
use domain::{Condition, Link, LocalRef, MatchKey, Object, RemoteAccount, RemoteId, Whose};

use super::NAMED;
use super::account::external_local;
use super::run::{REPORTED, Run, Stop, Walk};
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

    /// Says whose an account is that nothing is linked to, and whether it is ours.
    pub(super) fn sort_out(
        &mut self,
        object: Object,
        account: &RemoteAccount,
    ) -> Result<bool, JournalError> {
        // First whether it is on its way: its link is committed together with the end of its operation.
        let reader = &self.inner.reader;
        let is_owed = match external_local(object, account) {
            Some(local) => reader.lane_state(self.connector, local)?.is_open,
            None => false,
        };
        let is_coming = is_owed || reader.is_being_made(self.connector, &account.remote_name)?;
        // Somebody else may have linked it since it was shown.
        let link = reader.linked_as(self.connector, &account.remote_id, object)?;
        if link.is_some() || is_coming {
            self.tally.on_their_way += 1;
            return Ok(false);
        }
        let orphan = self.files().orphan(object, account)?;
        match orphan.whose {
            Whose::Ours { .. } | Whose::Duplicate { .. } => {
                self.tally.ours += 1;
                self.facts.push(Fact::OrphanFound {
                    run: self.id,
                    orphan: Box::new(orphan.clone()),
                });
                if self.orphans.len() < REPORTED {
                    self.orphans.push(orphan);
                }
                Ok(true)
            }
            Whose::Stranger => {
                self.tally.strangers += 1;
                if self.tally.stranger_names.len() < NAMED {
                    let name = domain::visible(&orphan.remote_name).into_owned();
                    self.tally.stranger_names.push(name);
                }
                Ok(false)
            }
        }
    }

    /// Looks for the accounts of ours without a link that are known from before and that no page has shown: a list may
    /// pass over an account when it changes while it is read.
    pub(super) async fn look_for_orphans(&mut self, object: Object) -> Result<(), Stop> {
        let connector = self.connector;
        for (run, orphan) in self.inner.reader.orphans_by_run(connector, object)? {
            let reader = &self.inner.reader;
            let link = reader.linked_as(connector, &orphan.remote_id, object)?;
            let is_ours = match link {
                Some(_) => {
                    self.forget_orphan(&orphan.remote_id);
                    false
                }
                None if run == self.id => true,
                None => match self.show(object, &orphan.remote_id).await? {
                    Some(account) => self.sort_out(object, &account)?,
                    None => false,
                },
            };
            if !is_ours {
                self.facts.push(Fact::OrphanCleared {
                    connector: connector.clone(),
                    object,
                    remote_id: orphan.remote_id,
                });
            }
            self.commit(None).await?;
        }
        Ok(())
    }

    /// Takes an account back that was found earlier in this comparison and is linked by now.
    fn forget_orphan(&mut self, remote: &RemoteId) {
        let before = self.orphans.len();
        self.orphans.retain(|orphan| orphan.remote_id != *remote);
        if self.orphans.len() < before {
            self.tally.ours -= 1;
        }
    }

    /// Has the target show an account by its id.
    async fn show(
        &mut self,
        object: Object,
        remote: &RemoteId,
    ) -> Result<Option<RemoteAccount>, Stop> {
        let key = MatchKey {
            object,
            remote_id: Some(remote.clone()),
            external_id: String::new(),
            remote_name: String::new(),
        };
        let found = self.find(&key).await?;
        Ok(found.filter(|account| account.remote_id == *remote))
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
