//! What the pages left open: linked accounts that none of them showed, and accounts that nothing is linked to.

use decide::reconcile::Wanted;
use domain::{Condition, Link, LocalRef, Whose};

use super::NAMED;
use super::account::external_local;
use super::run::{REPORTED, Run, Stop, Walk};
use crate::Fact;
use crate::journal::JournalError;

/// How many links are read from the journal at once.
const LINKS: usize = 500;

impl Run<'_> {
    /// Looks for the linked accounts that no page has shown.
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
                self.look_for(walk, &link).await?;
                walk.seen.insert(link.local);
            }
            self.commit().await?;
        }
        Ok(())
    }

    async fn look_for(&mut self, walk: &mut Walk, link: &Link) -> Result<(), Stop> {
        if self.is_on_its_way(link)? {
            return Ok(());
        }
        let asked = self.inner.clock.now();
        if !link.gone {
            if let Some(account) = self.ask(link).await? {
                return self.compare(walk, link, &account, asked).await;
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

    /// Says whose the accounts are that nothing is linked to.
    pub(super) fn sort_out(&mut self, walk: &Walk) -> Result<(), JournalError> {
        for account in &walk.unlinked {
            // Somebody else may have linked it since the page was read.
            let reader = &self.inner.reader;
            let link = reader.linked_as(self.connector, &account.remote_id, walk.object)?;
            let is_coming = match external_local(walk.object, account) {
                Some(local) => reader.lane_state(self.connector, local)?.is_open,
                None => false,
            };
            if link.is_some() || is_coming {
                self.tally.on_their_way += 1;
                continue;
            }
            let orphan = self.files().orphan(walk.object, account)?;
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
                }
                Whose::Stranger => {
                    self.tally.strangers += 1;
                    if self.tally.stranger_names.len() < NAMED {
                        let name = domain::visible(&orphan.remote_name).into_owned();
                        self.tally.stranger_names.push(name);
                    }
                }
            }
        }
        Ok(())
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
