//! Links by hand: an account is linked after the target has shown it, a link is dropped and the account kept, and an
//! account of ours that lost its link is linked again or taken away. An account that is not ours is never taken away.

use std::sync::Arc;

use domain::{
    ConnectorRef, Failure, Link, LinkOrigin, LocalRef, MatchKey, Object, Orphan, QualifiedName,
    Reason, Remedy, RemoteAccount, RemoteId, Subject, Unavailable, Whose,
};
use serde_json::Value;

use super::account::{Files, called};
use super::resolve::draft;
use super::tap::Listener;
use super::{NotRead, ResolveError};
use crate::along::{Along, Came, Must};
use crate::blocking::MEMBERS;
use crate::caught::caught;
use crate::engine::Engine;
use crate::inner::Inner;
use crate::journal::{Batch, JournalError};
use crate::keys::{Held, Key};
use crate::runner::broke_down;
use crate::{Fact, Outcome, SubmitError};

/// Why a link was not changed. Nothing was written at the target.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClaimError {
    /// No such connector.
    #[error("there is no connector {0}")]
    ConnectorUnknown(ConnectorRef),
    /// All links of a connector are forgotten only once it is configured no longer.
    #[error("{0} is configured: every account there would be a stranger's from then on")]
    Configured(ConnectorRef),
    /// The connector may not be spoken to.
    #[error("{connector} is {reason}: {detail}")]
    Held {
        /// The connector.
        connector: ConnectorRef,
        /// `paused`, `quarantined`, or not allowed.
        reason: Reason,
        /// Since when, by whom.
        detail: String,
    },
    /// The connector cannot be used as it is configured.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The target could not be asked.
    #[error("{0}")]
    Target(Failure),
    /// The target has no such account.
    #[error("the target has no account of the id {0}")]
    NotThere(RemoteId),
    /// The account is linked to somebody else, or the user or group to another account.
    #[error("{told}")]
    Taken {
        /// To whom, or to what.
        told: String,
    },
    /// The user or group has no link there.
    #[error("nothing is linked there")]
    NotLinked,
    /// An operation is on its way.
    #[error("an operation is on its way there; wait for it, or discard it")]
    OnItsWay,
    /// The journal does not prove that the account is ours.
    #[error("the account is not ours: {because}")]
    NotOurs {
        /// What is known of it.
        because: String,
    },
    /// Ours, and whose it was is here no longer.
    #[error("{who} is here no longer; the account can be taken away")]
    HasLeft {
        /// Whose it was.
        who: String,
    },
    /// The operation could not be decided or written.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

impl From<JournalError> for ClaimError {
    fn from(error: JournalError) -> Self {
        Self::Submit(SubmitError::Journal(error))
    }
}

impl From<ResolveError> for ClaimError {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Submit(error) => Self::Submit(error),
            other => Self::Taken {
                told: other.to_string(),
            },
        }
    }
}

impl Engine {
    /// Links a local user or group to an account after the target has shown it. Nothing of it is changed there; what it
    /// holds is noted as written, so that the next update says what differs. The groups there that a user is in get the
    /// account as a member.
    ///
    /// # Errors
    /// [`ClaimError`] when there is no such account, one of the two is linked already, or the target cannot be asked.
    pub async fn link(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
        name: &QualifiedName,
        remote_id: &RemoteId,
    ) -> Result<Link, ClaimError> {
        let inner = self.inner();
        let key = Key::local(local.object(), name);
        let _keys = inner.keys.take([key].into()).await;
        inner.is_free(connector, local)?;
        let (account, mut facts) = inner.shown(connector, local.object(), remote_id).await?;
        let (groups, _group_keys) = inner
            .look_into_groups(connector, local, remote_id, &mut facts)
            .await?;
        let link = inner.link_to(connector, local, &account, LinkOrigin::Adopted)?;
        facts.push(Fact::Linked {
            link: Box::new(link.clone()),
        });
        inner.commit_claimed(facts, &link, name, &groups).await?;
        Ok(link)
    }

    /// Forgets a link. The account stays at the target as it is, and is not ours any more until it is linked again.
    ///
    /// # Errors
    /// [`ClaimError`] when nothing is linked, or an operation is on its way.
    pub async fn unlink(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
        name: &QualifiedName,
    ) -> Result<Link, ClaimError> {
        let inner = self.inner();
        let key = Key::local(local.object(), name);
        let _keys = inner.keys.take([key].into()).await;
        let link = inner
            .reader
            .link(connector, local)?
            .ok_or(ClaimError::NotLinked)?;
        if inner.reader.lane_state(connector, local)?.is_open {
            return Err(ClaimError::OnItsWay);
        }
        let fact = Fact::Unlinked {
            link: Box::new(link.clone()),
        };
        inner.write(vec![fact]).await?;
        Ok(link)
    }

    /// Forgets a link that a connector left behind which is not configured any more.
    ///
    /// # Errors
    /// [`ClaimError`] when the connector is configured, nothing is linked, or an operation is on its way.
    pub async fn unlink_leftover(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
        name: &QualifiedName,
    ) -> Result<Link, ClaimError> {
        if self.configuration().connector(connector).is_some() {
            return Err(ClaimError::Configured(connector.clone()));
        }
        self.unlink(connector, local, name).await
    }

    /// Links an account again that the journal proves to be ours; the groups there that its user is in get it as a member.
    ///
    /// # Errors
    /// [`ClaimError`] when it is not, or whoever it belongs to is here no longer.
    pub async fn adopt(
        &self,
        connector: &ConnectorRef,
        object: Object,
        remote_id: &RemoteId,
    ) -> Result<Link, ClaimError> {
        let inner = self.inner();
        let (orphan, local, account, mut facts) =
            inner.proven(connector, object, remote_id).await?;
        let Some((name, _keys)) = inner.alone_with(local).await? else {
            inner.write(facts).await?;
            let who = called(&inner.reader, connector, local)?;
            return Err(ClaimError::HasLeft { who });
        };
        inner.is_free(connector, local)?;
        let (groups, _group_keys) = inner
            .look_into_groups(connector, local, remote_id, &mut facts)
            .await?;
        let link = inner.link_to(connector, local, &account, LinkOrigin::Created)?;
        facts.push(Fact::Linked {
            link: Box::new(link.clone()),
        });
        facts.push(Fact::OrphanResolved {
            orphan: Box::new(orphan),
            taken_away: false,
        });
        inner.commit_claimed(facts, &link, &name, &groups).await?;
        Ok(link)
    }

    /// Takes an account away that the journal proves to be ours, by an ordinary operation in its lane.
    ///
    /// # Errors
    /// [`ClaimError`] when it is not ours, or whoever it belongs to should have it.
    pub async fn take_away(
        &self,
        connector: &ConnectorRef,
        object: Object,
        remote_id: &RemoteId,
    ) -> Result<Outcome, ClaimError> {
        let inner = self.inner();
        let (orphan, local, account, mut facts) =
            inner.proven(connector, object, remote_id).await?;
        let link = inner.link_to(connector, local, &account, LinkOrigin::Created)?;
        facts.push(Fact::Linked {
            link: Box::new(link.clone()),
        });
        facts.push(Fact::OrphanResolved {
            orphan: Box::new(orphan),
            taken_away: true,
        });
        let name = inner.last_name(connector, local, &account)?;
        let key = Key::local(object, &name);
        let _keys = inner.keys.take([key].into()).await;
        let along = Along {
            only: Some(connector.clone()),
            links: vec![link],
            facts,
            must: Some(Must::TakeAway),
        };
        let draft = draft(local, &name, inner.subject_of(local)?);
        let setup = inner.setup();
        Ok(inner
            .carry_on(&setup, draft, &Came::default(), &along)
            .await?)
    }
}

impl Inner {
    async fn write(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        let mut batch = Batch::default();
        for fact in facts {
            batch.push(None, fact);
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.append(batch).await?;
        self.beat();
        Ok(())
    }

    /// Checks that a user or group has no account at a connector, and none on its way.
    fn is_free(&self, connector: &ConnectorRef, local: LocalRef) -> Result<(), ClaimError> {
        if self.setup().configuration.connector(connector).is_none() {
            return Err(ClaimError::ConnectorUnknown(connector.clone()));
        }
        if self.reader.lane_state(connector, local)?.is_open {
            return Err(ClaimError::OnItsWay);
        }
        match self.reader.link(connector, local)? {
            Some(link) if !link.gone => Err(ClaimError::Taken {
                told: format!(
                    "there is a link to {} ({}) already",
                    link.remote_name, link.remote_id
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Takes the key of a user or group by the name it has now, so that nobody changes or deletes it meanwhile. Returns the
    /// name too; `None` when it is here no longer.
    async fn alone_with(
        &self,
        local: LocalRef,
    ) -> Result<Option<(QualifiedName, Held)>, ClaimError> {
        loop {
            let Some(name) = self.name_of(local)? else {
                return Ok(None);
            };
            let key = Key::local(local.object(), &name);
            let keys = self.keys.take([key].into()).await;
            // Somebody else may have renamed or deleted it while the key was waited for.
            if self.name_of(local)?.as_ref() == Some(&name) {
                return Ok(Some((name, keys)));
            }
        }
    }

    fn name_of(&self, local: LocalRef) -> Result<Option<QualifiedName>, ClaimError> {
        Ok(self.subject_of(local)?.map(|subject| match subject {
            Subject::User(user) => user.name,
            Subject::Group(group) => group.name,
        }))
    }

    /// Has the target show an account, and returns it with what was said and heard.
    async fn shown(
        &self,
        connector: &ConnectorRef,
        object: Object,
        remote_id: &RemoteId,
    ) -> Result<(RemoteAccount, Vec<Fact>), ClaimError> {
        let setup = self.setup();
        if setup.configuration.connector(connector).is_none() {
            return Err(ClaimError::ConnectorUnknown(connector.clone()));
        }
        if let Some(NotRead::Held { reason, detail }) = self.held_because(&setup, connector) {
            return Err(ClaimError::Held {
                connector: connector.clone(),
                reason,
                detail,
            });
        }
        let key = MatchKey {
            object,
            remote_id: Some(remote_id.clone()),
            external_id: String::new(),
            remote_name: String::new(),
        };
        let tap = Listener::default();
        let target = setup.connector(connector)?;
        let found = caught(target.find(&key, &tap))
            .await
            .unwrap_or_else(|told| Err(broke_down(&told, Remedy::GiveUp)));
        let facts = tap.take_facts(connector);
        match found {
            Ok(Some(account)) if account.remote_id == *remote_id => Ok((account, facts)),
            Ok(_) => {
                self.write(facts).await?;
                Err(ClaimError::NotThere(remote_id.clone()))
            }
            Err(failure) => {
                self.write(facts).await?;
                Err(ClaimError::Target(failure))
            }
        }
    }

    /// Looks at the groups there that were last written with an account which is about to be linked: while nobody was
    /// linked to it, somebody may have taken it out there. What was last written is put right then, so that the account is
    /// put back into them like into any other group.
    ///
    /// Returns the links of such groups as they are from then on, to be committed together with the account's, and what keeps
    /// others from these groups until then. A group that has something on its way is left to the next comparison. Whoever
    /// calls holds the user's key.
    async fn look_into_groups(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
        account: &RemoteId,
        facts: &mut Vec<Fact>,
    ) -> Result<(Vec<Link>, Held), ClaimError> {
        let setup = self.setup();
        let LocalRef::User(user) = local else {
            return Ok((Vec::new(), Held::default()));
        };
        if !setup.keeps_groups(connector) {
            return Ok((Vec::new(), Held::default()));
        }
        let target = setup.connector(connector)?;
        let mut left_out = Vec::new();
        let mut is_asked = true;
        for id in self.reader.groups_with(user)? {
            let group = LocalRef::Group(id);
            let Some(link) = self.written_with(connector, group, account)? else {
                continue;
            };
            let Some(name) = self.name_of(group)? else {
                continue;
            };
            // The user's key is held meanwhile, so a target that does not answer once is asked no more.
            is_asked = is_asked && self.may_look(connector);
            let is_in = if is_asked {
                let key = MatchKey {
                    object: Object::Group,
                    remote_id: Some(link.remote_id),
                    external_id: group.uuid().to_string(),
                    remote_name: link.remote_name,
                };
                let tap = Listener::default();
                let found = caught(target.find(&key, &tap))
                    .await
                    .unwrap_or_else(|told| Err(broke_down(&told, Remedy::GiveUp)));
                facts.extend(tap.take_facts(connector));
                match found {
                    Ok(Some(shown)) => {
                        let names = [MEMBERS.to_owned()];
                        let shown = target.attributes(Object::Group, &shown, &names);
                        shown.get(MEMBERS).is_some_and(|ids| holds(ids, account))
                    }
                    // The group itself is gone, which is for the comparison to say.
                    Ok(None) => true,
                    Err(failure) => {
                        self.keep_quiet(connector, &failure);
                        is_asked = false;
                        false
                    }
                }
            } else {
                false
            };
            // Who is not shown is put in: a membership that is there already changes nothing.
            if !is_in {
                left_out.push((group, name));
            }
        }
        self.put_right(connector, left_out, account).await
    }

    /// Tells whether a target may be asked about one more group.
    fn may_look(&self, connector: &ConnectorRef) -> bool {
        let now = self.clock.monotonic();
        !self.is_stopping() && self.lanes().quiet_for(connector, now).is_none()
    }

    /// Returns the links of groups without an account that was last written into them, and the keys of these groups.
    async fn put_right(
        &self,
        connector: &ConnectorRef,
        left_out: Vec<(LocalRef, QualifiedName)>,
        account: &RemoteId,
    ) -> Result<(Vec<Link>, Held), ClaimError> {
        let keys = left_out
            .iter()
            .map(|(group, name)| Key::local(group.object(), name));
        let held = self.keys.take(keys.collect()).await;
        let mut links = Vec::new();
        for (group, name) in left_out {
            // Looked at anew: while the target was asked it may have been written, decided about or renamed.
            if self.name_of(group)?.as_ref() != Some(&name)
                || self.reader.lane_state(connector, group)?.is_open
            {
                continue;
            }
            let Some(mut link) = self.written_with(connector, group, account)? else {
                continue;
            };
            if let Some(Value::Array(ids)) = link.written.get_mut(MEMBERS) {
                ids.retain(|id| id.as_str() != Some(&account.0));
            }
            links.push(link);
        }
        Ok((links, held))
    }

    /// Returns the link of a group when it was last written with an account as a member.
    fn written_with(
        &self,
        connector: &ConnectorRef,
        group: LocalRef,
        account: &RemoteId,
    ) -> Result<Option<Link>, JournalError> {
        let link = self.reader.link(connector, group)?;
        Ok(link.filter(|link| {
            let members = link.written.get(MEMBERS);
            !link.gone && members.is_some_and(|ids| holds(ids, account))
        }))
    }

    /// Has the target show an account of ours, and proves anew that it is ours.
    async fn proven(
        &self,
        connector: &ConnectorRef,
        object: Object,
        remote_id: &RemoteId,
    ) -> Result<(Orphan, LocalRef, RemoteAccount, Vec<Fact>), ClaimError> {
        let (account, facts) = self.shown(connector, object, remote_id).await?;
        self.is_unlinked(connector, object, &account)?;
        let setup = self.setup();
        let files = Files {
            setup: &setup,
            reader: &self.reader,
            connector,
            now: self.clock.now(),
        };
        let orphan = files.orphan(object, &account)?;
        match orphan.whose {
            Whose::Ours { local } => Ok((orphan, local, account, facts)),
            Whose::Duplicate { .. } | Whose::Stranger => {
                self.write(facts).await?;
                Err(ClaimError::NotOurs {
                    because: orphan.because,
                })
            }
        }
    }

    fn is_unlinked(
        &self,
        connector: &ConnectorRef,
        object: Object,
        account: &RemoteAccount,
    ) -> Result<(), ClaimError> {
        match self
            .reader
            .linked_as(connector, &account.remote_id, object)?
        {
            Some(link) => Err(ClaimError::Taken {
                told: format!(
                    "{} is linked to {}",
                    link.remote_name,
                    called(&self.reader, connector, link.local)?
                ),
            }),
            None => Ok(()),
        }
    }

    /// Makes the link to an account that was shown, when both are still free: what it holds counts as written.
    fn link_to(
        &self,
        connector: &ConnectorRef,
        local: LocalRef,
        account: &RemoteAccount,
        origin: LinkOrigin,
    ) -> Result<Link, ClaimError> {
        let object = local.object();
        self.is_free(connector, local)?;
        self.is_unlinked(connector, object, account)?;
        let setup = self.setup();
        let names = match object {
            Object::User => setup.decider().compared_attributes(connector),
            Object::Group => vec![MEMBERS.to_owned()],
        };
        let target = setup.connector(connector)?;
        Ok(Link {
            connector: connector.clone(),
            local,
            remote_id: account.remote_id.clone(),
            remote_name: account.remote_name.clone(),
            written: target.attributes(object, account, &names),
            origin,
            active: account.active,
            gone: false,
            since: self.clock.now(),
            exceptions: domain::Exceptions::new(),
        })
    }

    /// Returns the local name of whoever an account belonged to, who may be here no longer.
    fn last_name(
        self: &Arc<Self>,
        connector: &ConnectorRef,
        local: LocalRef,
        account: &RemoteAccount,
    ) -> Result<QualifiedName, JournalError> {
        let newest = self.reader.newest_in_lane(connector, local)?;
        Ok(newest.map_or_else(
            || QualifiedName::new(&account.remote_name),
            |(head, _)| head.name,
        ))
    }
}

/// Tells whether an account is among the members of a group.
fn holds(members: &Value, account: &RemoteId) -> bool {
    let ids = members.as_array();
    ids.is_some_and(|ids| ids.iter().any(|id| id.as_str() == Some(&account.0)))
}
