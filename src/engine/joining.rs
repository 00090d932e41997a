//! Groups whose member gets its account only now: the membership follows behind whatever the group's lane holds.
//!
//! A target takes accounts into its groups, not people. Who has no account yet is left out when the group is written, and
//! is put in by an operation of its own once the account is linked. Such an operation brings the membership and nothing
//! else: name, attributes and the other members are those that the group has when its turn comes.
//!
//! The operation is committed together with the link, so that no membership is lost when the process ends in between. It
//! is not needed when the group still waits to be written, for then it is written with the new account; so that this is
//! certain, the group is kept waiting until the link is committed.
//!
//! Whoever puts a user into a group looks whether there is an account, and whoever has made an account looks which groups
//! there are. So that neither misses the other, both hold the key of the user's accounts ([`Key::Account`]) from their look
//! to their commit. A change that is made only when its caller is released looks once more then.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{
    ConnectorRef, Deprovision, Desired, FlowId, GroupId, Link, LocalRef, Member, OperationId,
    PasswordPlan, Planned, RemoteId, Trigger, TriggerId, UserId, Verb,
};

use crate::blocking::{MEMBERS, attributes_of, known_members};
use crate::inner::{Inner, Owed, Tried};
use crate::journal::{JournalError, Open};
use crate::keys::{Held, Key, Wanted};
use crate::runner::{Work, member_ids};
use crate::{Cause, DirectoryChange, Life, Queued};

/// Groups that are not sent until a member's link is committed, and see it then by themselves. They go on when this is
/// dropped, whether it was committed or not.
struct Kept<'a> {
    inner: &'a Arc<Inner>,
    groups: Vec<(ConnectorRef, LocalRef)>,
}

impl<'a> Kept<'a> {
    /// Keeps nothing.
    fn none(inner: &'a Arc<Inner>) -> Self {
        Self {
            inner,
            groups: Vec::new(),
        }
    }

    /// Keeps an operation of a group that waits. Returns whether it could.
    fn keep(&mut self, head: &Open) -> bool {
        let now = self.inner.clock.monotonic();
        let mut lanes = self.inner.lanes();
        // What has ended stands in no lane, and nowhere in the journal where a lane will take it from.
        let is_kept = head.life.is_open()
            && lanes.keep(&head.connector, head.local, head.operation, head.seq, now);
        drop(lanes);
        if is_kept {
            self.groups.push((head.connector.clone(), head.local));
        }
        is_kept
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        if self.groups.is_empty() {
            return;
        }
        let now = self.inner.clock.monotonic();
        let mut lanes = self.inner.lanes();
        for (connector, group) in &self.groups {
            lanes.let_go(connector, *group, now);
        }
    }
}

/// Which members a group is to have once one of its members has got an account.
enum Joining<'p> {
    /// Those of an operation that is under way and may have been sent without it.
    Planned(&'p Planned),
    /// Those of the directory; its newest operation is to do this.
    All(&'p Planned),
    /// Those that were written, or are to be by an operation that has not ended, and this one.
    Alone(Option<&'p Planned>),
}

/// A membership that is made only when its caller is released.
#[derive(Debug)]
pub(crate) struct Awaited {
    trigger: TriggerId,
    group: GroupId,
    user: UserId,
    /// Where the user had accounts when it was decided.
    known: BTreeSet<ConnectorRef>,
}

/// Whoever has got an account, and in whose flow that is told.
struct Joiner<'a> {
    inner: &'a Inner,
    flow: FlowId,
    trigger: TriggerId,
    link: &'a Link,
    /// Whether the directory has the membership only with this commit.
    is_new: bool,
}

/// Returns what is to be held beside others while users are put into groups.
pub(crate) fn accounts_of(users: impl IntoIterator<Item = UserId>) -> BTreeSet<Key> {
    users.into_iter().map(Key::Account).collect()
}

impl Inner {
    /// Returns the memberships that are to be made when the caller is released, with the accounts that are there now.
    pub(crate) fn awaited(
        &self,
        triggers: &[Trigger],
        changes: &[DirectoryChange],
    ) -> Result<Vec<Awaited>, JournalError> {
        let mut awaited = Vec::new();
        for change in changes {
            let DirectoryChange::MembersChanged { group, added, .. } = change else {
                continue;
            };
            let of_group = |trigger: &&Trigger| trigger.subject == LocalRef::Group(*group);
            let Some(trigger) = triggers.iter().find(of_group) else {
                continue;
            };
            for user in added {
                let links = self.reader.links_of(LocalRef::User(*user))?.into_iter();
                awaited.push(Awaited {
                    trigger: trigger.id,
                    group: *group,
                    user: *user,
                    known: links
                        .filter(|link| !link.gone)
                        .map(|link| link.connector)
                        .collect(),
                });
            }
        }
        Ok(awaited)
    }

    /// Commits that a caller is released and its memberships are made; who has got an account while the caller waited is
    /// put into the groups there in the same commit.
    ///
    /// Returns `false` when the engine stops before there is room.
    pub(crate) async fn commit_released(
        self: &Arc<Self>,
        flow: FlowId,
        owed: Owed,
        awaited: &[Awaited],
    ) -> Result<bool, JournalError> {
        let accounts = Wanted {
            beside: accounts_of(awaited.iter().map(|awaited| awaited.user)),
            ..Wanted::default()
        };
        let setup = self.setup();
        self.commit_joining(owed, accounts, |owed, kept| {
            for awaited in awaited {
                for link in self.reader.links_of(LocalRef::User(awaited.user))? {
                    let is_late = !link.gone
                        && setup.keeps_groups(&link.connector)
                        && !awaited.known.contains(&link.connector);
                    if !is_late {
                        continue;
                    }
                    let joiner = Joiner {
                        inner: self,
                        flow,
                        trigger: awaited.trigger,
                        link: &link,
                        is_new: true,
                    };
                    let group = LocalRef::Group(awaited.group);
                    if !joiner.is_in(group)? {
                        joiner.join(owed, group, kept)?;
                    }
                }
            }
            Ok(())
        })
        .await
    }

    /// Commits what has happened already with what follows from it for groups. The key of the accounts is not held while
    /// there is no room, so what follows is found anew each time.
    async fn commit_joining(
        self: &Arc<Self>,
        mut owed: Owed,
        accounts: Wanted,
        join: impl Fn(&mut Owed, &mut Kept<'_>) -> Result<(), JournalError>,
    ) -> Result<bool, JournalError> {
        let mark = owed.mark();
        loop {
            let held = self.keys.take_wanted(accounts.clone()).await;
            let mut kept = Kept::none(self);
            join(&mut owed, &mut kept)?;
            match self.try_surely(owed).await? {
                Tried::Committed => return Ok(true),
                Tried::Closed => return Ok(false),
                Tried::Refused(back) => owed = back,
            }
            drop(kept);
            drop(held);
            owed.back_to(mark);
            if !self.wait_for_room().await {
                return Ok(false);
            }
        }
    }
}

impl Work<'_> {
    /// Commits a result. When a user has got an account by it, groups there whose members it belongs to are brought up to
    /// date in the same commit.
    ///
    /// Whoever calls holds the flow's gate, when there is one: it is taken before the key of the accounts. Returns `false`
    /// when the engine stops before there is room.
    pub(crate) async fn commit_linked(
        &self,
        owed: Owed,
        link: Option<&Link>,
    ) -> Result<bool, JournalError> {
        let (Some(link), LocalRef::User(user)) = (link, self.head().local) else {
            return self.inner.commit_surely(owed).await;
        };
        if !self.setup.keeps_groups(&link.connector) {
            return self.inner.commit_surely(owed).await;
        }
        let accounts = Wanted {
            alone: accounts_of([user]),
            ..Wanted::default()
        };
        let joiner = Joiner {
            inner: self.inner,
            flow: self.head().flow,
            trigger: self.head().trigger,
            link,
            is_new: false,
        };
        let joined = |owed: &mut Owed, kept: &mut Kept<'_>| {
            for group in self.groups_of(user)? {
                joiner.join(owed, LocalRef::Group(group), kept)?;
            }
            Ok(())
        };
        self.inner.commit_joining(owed, accounts, joined).await
    }

    /// Returns the groups that a user is in, or gets into by the same request.
    fn groups_of(&self, user: UserId) -> Result<BTreeSet<GroupId>, JournalError> {
        let reader = &self.inner.reader;
        let mut groups: BTreeSet<GroupId> = reader.groups_with(user)?.into_iter().collect();
        // A group that is joined by the same request is not joined yet while its caller waits.
        if !self.job.alone {
            for head in reader.heads_of(self.head().flow)? {
                if let LocalRef::Group(group) = head.local {
                    groups.insert(group);
                }
            }
        }
        Ok(groups)
    }

    /// Makes sure that nobody whom a group is about to be written without gets an account before that is known in the
    /// journal. Returns what holds that; `None` when somebody has got one since the group was looked at.
    pub(crate) async fn without(&self, desired: &Desired) -> Result<Option<Held>, JournalError> {
        let left_out = || {
            let members = desired.members.iter();
            members.filter(|member| member.remote_id.is_none())
        };
        let users = left_out().filter_map(|member| match member.local {
            LocalRef::User(user) => Some(user),
            LocalRef::Group(_) => None,
        });
        let accounts = Wanted {
            beside: accounts_of(users),
            ..Wanted::default()
        };
        let held = self.inner.keys.take_wanted(accounts).await;
        for member in left_out() {
            if self.account_of(member.local)?.is_some() {
                return Ok(None);
            }
        }
        Ok(Some(held))
    }

    /// Brings a group to what it holds by now and who joins it, when this operation is there to put somebody in; `None`
    /// when there is no group any more.
    ///
    /// What came into its lane while it was queued stands before it: nothing of that is undone.
    pub(crate) fn joined<'d>(
        &self,
        desired: Cow<'d, Desired>,
        link: Option<&Link>,
    ) -> Result<Option<Cow<'d, Desired>>, JournalError> {
        if !self.head().joins {
            return Ok(Some(desired));
        }
        let Some(link) = link.filter(|link| link.active) else {
            return Ok(None);
        };
        let held = match link.written.get(MEMBERS) {
            Some(ids) => known_members(&self.inner.reader, &link.connector, ids)?,
            None => Vec::new(),
        };
        let meant = self.meant()?;
        let joining = desired.into_owned().members.into_iter();
        let joining = joining.filter(|member| meant.contains(&member.local));
        let members: BTreeMap<LocalRef, Member> = held
            .into_iter()
            .chain(joining)
            .map(|member| (member.local, member))
            .collect();
        Ok(Some(Cow::Owned(Desired {
            members: members.into_values().collect(),
            ..as_written(link)
        })))
    }

    /// Returns who belongs into the group at this place of its lane: whom the operation decided last before it put there,
    /// and whom the directory has, unless that operation's caller still waits for the change.
    fn meant(&self) -> Result<BTreeSet<LocalRef>, JournalError> {
        let reader = &self.inner.reader;
        let before = reader.decided_before(self.head())?;
        let is_awaited = before
            .as_ref()
            .is_some_and(|(head, _)| self.inner.waits.gate(head.flow).is_some());
        let planned = before.and_then(|(_, planned)| planned);
        let mut meant: BTreeSet<LocalRef> = planned
            .into_iter()
            .flat_map(|planned| planned.desired.members)
            .map(|member| member.local)
            .collect();
        if let LocalRef::Group(id) = self.head().local
            && !is_awaited
            && let Some(group) = reader.group_by_id(id)?
        {
            meant.extend(group.members.into_iter().map(LocalRef::User));
        }
        Ok(meant)
    }
}

impl Joiner<'_> {
    /// Tells whether the group holds the account already, or is about to be written with it.
    fn is_in(&self, group: LocalRef) -> Result<bool, JournalError> {
        let (reader, link) = (&self.inner.reader, self.link);
        let newest = reader.newest_in_lane(&link.connector, group)?;
        if let Some((head, Some(planned))) = newest
            && head.life.is_open()
        {
            let mut members = planned.desired.members.iter();
            return Ok(members.any(|member| member.remote_id.as_ref() == Some(&link.remote_id)));
        }
        let written = reader.link(&link.connector, group)?;
        let written = written.and_then(|link| link.written.get(MEMBERS).cloned());
        let mut ids = written.iter().filter_map(|ids| ids.as_array()).flatten();
        Ok(ids.any(|id| id.as_str() == Some(&link.remote_id.0)))
    }

    /// Brings a group up to date.
    ///
    /// What counts is the group as its newest operation leaves it, against the directory's members with the accounts they
    /// have now.
    fn join(
        &self,
        owed: &mut Owed,
        group: LocalRef,
        kept: &mut Kept<'_>,
    ) -> Result<(), JournalError> {
        let (reader, link) = (&self.inner.reader, self.link);
        let newest = reader.newest_in_lane(&link.connector, group)?;
        let Some((head, Some(planned))) = newest else {
            return Ok(());
        };
        let is_meant = is_member(&planned, link);
        if is_meant && head.flow != self.flow && self.inner.waits.gate(head.flow).is_some() {
            // Its caller may have it taken back, and this member with it.
            return self.follow_up(owed, &head, Joining::Alone(None));
        }
        // It fills in its members' accounts when its turn comes.
        if is_meant && kept.keep(&head) {
            return Ok(());
        }
        match head.life {
            _ if planned.verb == Verb::Deprovision => Ok(()),
            // A retry by hand brings the member; nothing of the dead letter itself is carried out here.
            Life::Dead if is_meant => Ok(()),
            // What was given up stays given up: this member comes, and everything else stays as it is.
            Life::Dead | Life::Discarded => {
                let before = reader.newest_open_in_lane(&link.connector, group)?;
                let before = before.and_then(|(_, planned)| planned);
                match &before {
                    Some(planned) if planned.verb == Verb::Deprovision => Ok(()),
                    before => self.follow_up(owed, &head, Joining::Alone(before.as_ref())),
                }
            }
            // Whether it counts is known when its caller is released.
            life if life.is_open() && !is_meant && self.inner.waits.gate(head.flow).is_some() => {
                Ok(())
            }
            life if life.is_open() && is_meant => {
                self.follow_up(owed, &head, Joining::Planned(&planned))
            }
            _ => self.follow_up(owed, &head, Joining::All(&planned)),
        }
    }

    /// Queues a change of a group's members behind whatever its lane holds.
    fn follow_up(
        &self,
        owed: &mut Owed,
        group: &Open,
        joining: Joining<'_>,
    ) -> Result<(), JournalError> {
        let (reader, member) = (&self.inner.reader, self.link);
        let LocalRef::Group(id) = group.local else {
            return Ok(());
        };
        let link = reader
            .link(&group.connector, group.local)?
            .filter(|link| !link.gone && link.active);
        let desired = match (joining, link) {
            (Joining::Planned(planned), _) => planned.desired.clone(),
            // What is under way leaves the group otherwise than it was written last, and does not know of the member.
            (Joining::All(planned), _) if group.life.is_open() => Desired {
                members: self.members_here(id)?,
                ..planned.desired.clone()
            },
            (Joining::Alone(Some(planned)), _) => {
                let mut desired = planned.desired.clone();
                put(&mut desired.members, member);
                desired
            }
            // Without a link there is no group to bring up to date.
            (_, None) => return Ok(()),
            (joining, Some(link)) => {
                let written = link.written.get(MEMBERS).cloned().unwrap_or_default();
                let members = match joining {
                    Joining::Alone(_) => {
                        let mut members = known_members(reader, &group.connector, &written)?;
                        put(&mut members, member);
                        members
                    }
                    _ => self.members_here(id)?,
                };
                let desired = Desired {
                    members,
                    ..as_written(&link)
                };
                if member_ids(&desired) == written && !group.life.is_open() {
                    return Ok(());
                }
                desired
            }
        };
        let planned = Planned {
            local: group.local,
            verb: Verb::Update,
            desired,
            changes: Vec::new(),
            deprovision: Deprovision::Delete,
            held: None,
        };
        let queued = Queued {
            operation: OperationId(self.inner.id()),
            trigger: self.trigger,
            connector: group.connector.clone(),
            local: group.local,
            name: group.name.clone(),
            remote_name: planned.desired.remote_name.clone(),
            verb: Verb::Update,
            blocking: false,
            cause: Cause::MemberLinked {
                member: self.link.local,
                planned: Box::new(planned.clone()),
            },
            held: None,
        };
        owed.queue(self.flow, queued, planned);
        Ok(())
    }

    /// Returns a group's members in the directory, with the accounts they have now.
    fn members_here(&self, group: GroupId) -> Result<Vec<Member>, JournalError> {
        let reader = &self.inner.reader;
        let Some(group) = reader.group_by_id(group)? else {
            return Ok(Vec::new());
        };
        let mut locals: BTreeSet<LocalRef> =
            group.members.into_iter().map(LocalRef::User).collect();
        if self.is_new {
            locals.insert(self.link.local);
        }
        let mut members = Vec::with_capacity(locals.len());
        for local in locals {
            members.push(Member {
                local,
                name: self.name_of(local)?,
                remote_id: if local == self.link.local {
                    Some(self.link.remote_id.clone())
                } else {
                    self.account_of(local)?
                },
            });
        }
        Ok(members)
    }

    fn name_of(&self, local: LocalRef) -> Result<String, JournalError> {
        let user = match local {
            LocalRef::User(user) => self.inner.reader.user_by_id(user)?,
            LocalRef::Group(_) => None,
        };
        Ok(user.map_or_else(|| local.to_string(), |user| user.name.to_string()))
    }

    fn account_of(&self, member: LocalRef) -> Result<Option<RemoteId>, JournalError> {
        let link = self.inner.reader.link(&self.link.connector, member)?;
        Ok(link.filter(|link| !link.gone).map(|link| link.remote_id))
    }
}

fn is_member(planned: &Planned, link: &Link) -> bool {
    let mut members = planned.desired.members.iter();
    members.any(|member| member.local == link.local)
}

fn put(members: &mut Vec<Member>, link: &Link) {
    members.retain(|known| known.local != link.local);
    members.push(Member {
        local: link.local,
        name: link.remote_name.clone(),
        remote_id: Some(link.remote_id.clone()),
    });
}

/// Returns a group as it was written last, without its members.
fn as_written(link: &Link) -> Desired {
    Desired {
        local: link.local,
        remote_name: link.remote_name.clone(),
        attributes: attributes_of(&link.written, link.local),
        members: Vec::new(),
        password: PasswordPlan::None,
    }
}
