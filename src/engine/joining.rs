//! Groups whose member gets its account only now: the membership follows behind whatever the group's lane holds.
//!
//! A target takes accounts into its groups, not people. Who has no account yet is left out when the group is written, and
//! is put in by an operation of its own once the account is linked. Such an operation brings the membership and nothing
//! else: name, attributes and the other members are those that the group has when its turn comes.
//!
//! The operation is committed together with the link, so that no membership is lost when the process ends in between. It
//! is not needed when the group still waits to be written, for then it is written with the new account; so that this is
//! certain, the group is kept waiting until the link is committed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{
    ConnectorRef, Deprovision, Desired, GroupId, Link, LocalRef, Member, OperationId, PasswordPlan,
    Planned, Verb,
};

use crate::blocking::{MEMBERS, attributes_of, known_members};
use crate::inner::{Inner, Owed};
use crate::journal::{JournalError, Open};
use crate::runner::{Work, member_ids};
use crate::{Cause, Life, Queued};

/// Groups that are not sent until a member's link is committed, and see it then by themselves. They go on when this is
/// dropped, whether it was committed or not.
pub(crate) struct Kept<'a> {
    inner: &'a Arc<Inner>,
    groups: Vec<(ConnectorRef, LocalRef)>,
}

impl<'a> Kept<'a> {
    /// Keeps nothing.
    pub(crate) fn none(inner: &'a Arc<Inner>) -> Self {
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

impl<'a> Work<'a> {
    /// A user has got an account: groups there whose members it belongs to are brought up to date.
    ///
    /// What counts is the group as its newest operation leaves it, against the directory's members with the accounts they
    /// have now. What is returned is to be kept until the link is committed, or is known not to be.
    pub(crate) fn member_linked(
        &self,
        owed: &mut Owed,
        link: Option<&Link>,
    ) -> Result<Kept<'a>, JournalError> {
        let mut kept = Kept::none(self.inner);
        let (Some(link), LocalRef::User(user)) = (link, self.head().local) else {
            return Ok(kept);
        };
        if !self.setup.keeps_groups(&link.connector) {
            return Ok(kept);
        }
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
        for group in groups {
            self.join(owed, link, LocalRef::Group(group), &mut kept)?;
        }
        Ok(kept)
    }

    fn join(
        &self,
        owed: &mut Owed,
        link: &Link,
        group: LocalRef,
        kept: &mut Kept<'_>,
    ) -> Result<(), JournalError> {
        let reader = &self.inner.reader;
        let newest = reader.newest_in_lane(&link.connector, group)?;
        let Some((head, Some(planned))) = newest else {
            return Ok(());
        };
        let is_meant = is_member(&planned, link);
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
                    before => self.follow_up(owed, &head, link, Joining::Alone(before.as_ref())),
                }
            }
            // Whether it counts is known when its caller is released.
            life if life.is_open() && !is_meant && self.inner.waits.gate(head.flow).is_some() => {
                Ok(())
            }
            life if life.is_open() && is_meant => {
                self.follow_up(owed, &head, link, Joining::Planned(&planned))
            }
            _ => self.follow_up(owed, &head, link, Joining::All(&planned)),
        }
    }

    /// Queues a change of a group's members behind whatever its lane holds.
    fn follow_up(
        &self,
        owed: &mut Owed,
        group: &Open,
        member: &Link,
        joining: Joining<'_>,
    ) -> Result<(), JournalError> {
        let reader = &self.inner.reader;
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
                members: self.members_here(id, member)?,
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
                    _ => self.members_here(id, member)?,
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
        Ok(())
    }

    /// Returns a group's members in the directory, with the accounts they have now.
    fn members_here(&self, group: GroupId, member: &Link) -> Result<Vec<Member>, JournalError> {
        let reader = &self.inner.reader;
        let Some(group) = reader.group_by_id(group)? else {
            return Ok(Vec::new());
        };
        let mut members = Vec::with_capacity(group.members.len());
        for user in group.members {
            let local = LocalRef::User(user);
            members.push(Member {
                local,
                name: reader
                    .user_by_id(user)?
                    .map_or_else(|| local.to_string(), |user| user.name.to_string()),
                remote_id: if local == member.local {
                    Some(member.remote_id.clone())
                } else {
                    self.account_of(local)?
                },
            });
        }
        Ok(members)
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
