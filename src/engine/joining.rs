//! Groups whose member gets its account only now: the membership follows behind whatever the group's lane holds.
//!
//! A target takes accounts into its groups, not people. Who has no account yet is left out when the group is written, and
//! is put in by an operation of its own once the account is linked. Such an operation brings the membership and nothing
//! else: name and attributes are those that the group has when its turn comes.

use std::borrow::Cow;
use std::collections::BTreeSet;

use domain::{
    Deprovision, Desired, GroupId, Link, LocalRef, Member, OperationId, PasswordPlan, Planned, Verb,
};

use crate::blocking::{MEMBERS, attributes_of, known_members};
use crate::inner::Owed;
use crate::journal::{JournalError, Open};
use crate::runner::{Work, member_ids};
use crate::{Cause, Life, Queued};

/// What is to be looked at again once the member's link is committed.
#[derive(Debug, Default)]
pub(crate) struct FollowUps {
    /// Operations of groups that still waited, and so see the new link by themselves.
    waiting: Vec<OperationId>,
    /// Operations that were queued for it, each with the newest of its lane at that time.
    queued: Vec<(OperationId, OperationId)>,
}

impl FollowUps {
    /// Tells whether there is nothing to look at.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.queued.is_empty()
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

impl Work<'_> {
    /// A user has got an account: groups there whose members it belongs to are brought up to date.
    ///
    /// What counts is the group as its newest operation leaves it, against the directory's members with the accounts they
    /// have now.
    pub(crate) fn member_linked(
        &self,
        owed: &mut Owed,
        link: Option<&Link>,
    ) -> Result<FollowUps, JournalError> {
        let mut ups = FollowUps::default();
        let (Some(link), LocalRef::User(user)) = (link, self.head().local) else {
            return Ok(ups);
        };
        if !self.setup.keeps_groups(&link.connector) {
            return Ok(ups);
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
            self.join(owed, link, LocalRef::Group(group), &mut ups)?;
        }
        Ok(ups)
    }

    fn join(
        &self,
        owed: &mut Owed,
        link: &Link,
        group: LocalRef,
        ups: &mut FollowUps,
    ) -> Result<(), JournalError> {
        let reader = &self.inner.reader;
        let newest = reader.newest_in_lane(&link.connector, group)?;
        let Some((head, Some(planned))) = newest else {
            return Ok(());
        };
        let is_meant = is_member(&planned, link);
        let is_waiting =
            self.inner
                .lanes()
                .is_waiting(&head.connector, head.local, head.operation, head.seq);
        let queued = match head.life {
            // It fills in its members' accounts when its turn comes.
            _ if is_waiting && is_meant => {
                ups.waiting.push(head.operation);
                None
            }
            _ if planned.verb == Verb::Deprovision => None,
            // A retry by hand brings the member; nothing of the dead letter itself is carried out here.
            Life::Dead if is_meant => None,
            // What was given up stays given up: this member comes, and everything else stays as it is.
            Life::Dead | Life::Discarded => {
                let before = reader.newest_open_in_lane(&link.connector, group)?;
                let before = before.and_then(|(_, planned)| planned);
                match &before {
                    Some(planned) if planned.verb == Verb::Deprovision => None,
                    before => self.follow_up(owed, &head, link, Joining::Alone(before.as_ref()))?,
                }
            }
            // Whether it counts is known when its caller is released.
            life if life.is_open() && !is_meant && self.inner.waits.gate(head.flow).is_some() => {
                None
            }
            life if life.is_open() && is_meant => {
                self.follow_up(owed, &head, link, Joining::Planned(&planned))?
            }
            _ => self.follow_up(owed, &head, link, Joining::All(&planned))?,
        };
        ups.queued
            .extend(queued.map(|operation| (operation, head.operation)));
        Ok(())
    }

    /// Queues a change of a group's members behind whatever its lane holds.
    fn follow_up(
        &self,
        owed: &mut Owed,
        group: &Open,
        member: &Link,
        joining: Joining<'_>,
    ) -> Result<Option<OperationId>, JournalError> {
        let reader = &self.inner.reader;
        let LocalRef::Group(id) = group.local else {
            return Ok(None);
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
            (_, None) => return Ok(None),
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
                    return Ok(None);
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
        let operation = OperationId(self.inner.id());
        let queued = Queued {
            operation,
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
        Ok(Some(operation))
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

    /// What was taken up or queued while the link was committed may have been missed.
    pub(crate) async fn check_follow_ups(
        &self,
        ups: FollowUps,
        link: Option<&Link>,
    ) -> Result<(), JournalError> {
        let Some(link) = link else {
            return Ok(());
        };
        let reader = &self.inner.reader;
        for operation in ups.waiting {
            let Some(head) = reader.head(operation)? else {
                continue;
            };
            let still_waits =
                self.inner
                    .lanes()
                    .is_waiting(&link.connector, head.local, operation, head.seq);
            if let (false, Some(planned)) = (still_waits, reader.planned(operation)?) {
                let mut owed = Owed::default();
                self.follow_up(&mut owed, &head, link, Joining::Planned(&planned))?;
                self.commit_follow_up(owed).await?;
            }
        }
        for (operation, basis) in ups.queued {
            let Some(head) = reader.head(operation)? else {
                continue;
            };
            let Some((before, Some(planned))) = reader.before_in_lane(&head)? else {
                continue;
            };
            if before.operation == basis || planned.verb == Verb::Deprovision {
                continue;
            }
            let joining = if is_member(&planned, link) {
                Joining::Planned(&planned)
            } else {
                Joining::All(&planned)
            };
            let mut owed = Owed::default();
            self.follow_up(&mut owed, &before, link, joining)?;
            self.commit_follow_up(owed).await?;
        }
        Ok(())
    }

    async fn commit_follow_up(&self, owed: Owed) -> Result<(), JournalError> {
        if !self.inner.commit_surely(owed).await? {
            let head = self.head();
            tracing::error!(
                user = %head.name, connector = %head.connector,
                "the engine stopped before a membership could be written; the group's next change brings it"
            );
        }
        Ok(())
    }

    /// Leaves a group as it is but for its members, when this operation is there to put one in; `None` when there is no
    /// group any more.
    pub(crate) fn joined<'d>(
        &self,
        desired: Cow<'d, Desired>,
        link: Option<&Link>,
    ) -> Option<Cow<'d, Desired>> {
        if !self.head().joins {
            return Some(desired);
        }
        let link = link.filter(|link| link.active)?;
        Some(Cow::Owned(Desired {
            members: desired.into_owned().members,
            ..as_written(link)
        }))
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
