//! Groups whose member gets its account only now: the membership follows behind whatever the group's lane holds.
//!
//! A target takes accounts into its groups, not people. Who has no account yet is left out when the group is written, and
//! is put in by an operation of its own once the account is linked. Such an operation brings the membership and nothing
//! else: name, attributes and the other members are those that the group has when its turn comes.
//!
//! The operation is committed together with the link, so that no membership is lost when the process ends in between. It
//! is not needed when the group still waits to be written, for then it is written with the new account; so that this is
//! certain, the group is kept waiting until the link is committed. When that write is given up after all, who counted on it
//! is put in by an operation of its own then.
//!
//! A change whose request is refused is not undone by writing the group as it was before: whoever came meanwhile would be
//! taken out again. When its turn comes, what undoes it takes out whom the change named and the directory does not have,
//! and puts back whom the change had taken out and the directory still has; everybody else stays. Of a user it puts back
//! what no later change that was done has named.
//!
//! Whoever puts a user into a group looks whether there is an account, and whoever has made an account looks which groups
//! there are. So that neither misses the other, both hold the key of the user's accounts ([`Key::Account`]) from their look
//! to their commit. A change that is made only when its caller is released looks once more then.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{
    ConnectorRef, Deprovision, Desired, FlowId, GroupId, Link, LocalRef, Member, OperationId,
    PasswordPlan, Planned, QualifiedName, RemoteId, Source, Step, TraceLine, Trigger, TriggerId,
    TriggerKind, UserId, Verb,
};
use jiff::Timestamp;

use crate::blocking::{MEMBERS, attributes_of, known_members};
use crate::inner::{Inner, Owed, Tried};
use crate::journal::{JournalError, Open, Reader};
use crate::keys::{Held, Key, Wanted};
use crate::runner::{Work, member_ids};
use crate::{Cause, DirectoryChange, Fact, Life, Queued};

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
    /// Those that were written, or are to be by an operation that has not ended, and this one. Without such an operation, and
    /// where nothing was written, the newest one that is under way makes the group.
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
    /// Links of groups as they are with this commit, which the journal does not have yet.
    groups: &'a [Link],
    /// Whether the directory has the membership only with this commit.
    is_new: bool,
}

/// An account that was linked by no flow that still counts, and what is told of it.
struct Apart<'a> {
    link: &'a Link,
    name: &'a QualifiedName,
    told: String,
    /// See [`Joiner::groups`].
    groups: &'a [Link],
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
                        groups: &[],
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

    /// Commits that a flow is refused which began then.
    ///
    /// Who got an account meanwhile, and is in a group that the flow would have taken them out of, or taken away, was not put
    /// into it: that was for the verdict to say. So they are put in now, by what belongs to undoing the flow. Returns
    /// `false` when the engine stops before there is room.
    pub(crate) async fn commit_refused(
        self: &Arc<Self>,
        flow: FlowId,
        began: Option<Timestamp>,
        owed: Owed,
    ) -> Result<bool, JournalError> {
        let Some(began) = began else {
            return self.commit_surely(owed).await;
        };
        let setup = self.setup();
        // Of several operations of one lane the last counts.
        let mut groups: BTreeMap<(ConnectorRef, GroupId), (Open, Vec<LocalRef>)> = BTreeMap::new();
        let mut without = BTreeSet::new();
        for head in self.reader.heads_of(flow)? {
            let LocalRef::Group(id) = head.local else {
                continue;
            };
            if head.undoes || head.joins || !setup.keeps_groups(&head.connector) {
                continue;
            }
            let (Some(planned), Some(group)) = (
                self.reader.planned(head.operation)?,
                self.reader.group_by_id(id)?,
            ) else {
                continue;
            };
            let named = locals(&planned.desired.members);
            let members = group.members.into_iter().map(LocalRef::User);
            let left_out: Vec<LocalRef> =
                members.filter(|member| !named.contains(member)).collect();
            without.extend(self.without_account(&head.connector, &left_out)?);
            groups.insert((head.connector.clone(), id), (head, left_out));
        }
        if groups.is_empty() {
            return self.commit_surely(owed).await;
        }
        let accounts = Wanted {
            beside: accounts_of(without),
            ..Wanted::default()
        };
        self.commit_joining(owed, accounts, |owed, _| {
            for (head, left_out) in groups.values() {
                self.put_in(owed, head, left_out, began)?;
            }
            Ok(())
        })
        .await
    }

    /// Adds what puts those into a group, of whom a refused change would have left out, whose accounts came since it began.
    fn put_in(
        &self,
        owed: &mut Owed,
        refused: &Open,
        left_out: &[LocalRef],
        began: Timestamp,
    ) -> Result<(), JournalError> {
        let connector = &refused.connector;
        let group = self.reader.link(connector, refused.local)?;
        let Some(group) = group.filter(|group| group.active && !group.gone) else {
            return Ok(());
        };
        let mut desired = as_written(&group);
        desired.members = held_by(&self.reader, &group)?;
        let held = locals(&desired.members);
        for member in left_out.iter().filter(|member| !held.contains(*member)) {
            let link = self.reader.link(connector, *member)?;
            if let Some(link) = link.filter(|link| !link.gone && link.since >= began) {
                put(&mut desired.members, &link);
            }
        }
        if desired.members.len() > held.len() {
            let flow = (refused.flow, refused.trigger);
            self.queue_members(owed, flow, refused, desired, |planned| Cause::Undoes {
                operation: refused.operation,
                planned,
            });
        }
        Ok(())
    }

    /// Commits that an operation is given up. Who has got an account since it was decided, and would have been put into a
    /// group by it, is put into it by an operation of its own.
    pub(crate) async fn commit_given_up(
        self: &Arc<Self>,
        given_up: &Open,
        fact: Fact,
    ) -> Result<(), JournalError> {
        let mut owed = Owed::of(given_up.flow, [fact]);
        let mut held = Held::default();
        if let LocalRef::Group(id) = given_up.local
            && self.setup().keeps_groups(&given_up.connector)
            && !given_up.undoes
            // Nobody counted on it.
            && !self.reader.is_refused(given_up.flow)?
            && let Some(planned) = self.reader.planned(given_up.operation)?
            && planned.verb != Verb::Deprovision
        {
            let members: Vec<LocalRef> = locals(&planned.desired.members).into_iter().collect();
            let accounts = Wanted {
                beside: accounts_of(self.without_account(&given_up.connector, &members)?),
                ..Wanted::default()
            };
            held = self.keys.take_wanted(accounts).await;
            self.make_up(&mut owed, given_up, &planned, id)?;
        }
        self.commit(owed).await?;
        drop(held);
        Ok(())
    }

    /// Adds what puts those into a group who counted on an operation that is given up.
    fn make_up(
        &self,
        owed: &mut Owed,
        given_up: &Open,
        planned: &Planned,
        group: GroupId,
    ) -> Result<(), JournalError> {
        let connector = &given_up.connector;
        let here = self.reader.group_by_id(group)?;
        let here = here.map(|group| group.members).unwrap_or_default();
        for member in &planned.desired.members {
            let link = self.reader.link(connector, member.local)?;
            // Who had the account already when it was decided is its own business, and given up with it.
            let late = link
                .filter(|link| !link.gone && member.remote_id.as_ref() != Some(&link.remote_id));
            let is_here = matches!(member.local, LocalRef::User(user) if here.contains(&user));
            if let Some(link) = late
                && is_here
            {
                let joiner = Joiner {
                    inner: self,
                    flow: given_up.flow,
                    trigger: given_up.trigger,
                    link: &link,
                    groups: &[],
                    is_new: false,
                };
                joiner.join_without(owed, given_up)?;
            }
        }
        Ok(())
    }

    /// Commits that an account was linked by hand. When it is a user's, the groups there that the user is in get it as a
    /// member, as they do when an account is made; what puts it in is committed together with the link, and with the links
    /// of groups that were found without it.
    ///
    /// # Errors
    /// [`JournalError`]; nothing was written then.
    pub(crate) async fn commit_claimed(
        self: &Arc<Self>,
        facts: Vec<Fact>,
        link: &Link,
        name: &QualifiedName,
        groups: &[Link],
    ) -> Result<(), JournalError> {
        let mut owed = Owed::default();
        owed.apart(facts);
        owed.apart(groups.iter().map(|group| Fact::Linked {
            link: Box::new(group.clone()),
        }));
        let mut kept = Kept::none(self);
        let mut held = Held::default();
        if let LocalRef::User(user) = link.local
            && self.setup().keeps_groups(&link.connector)
        {
            held = self.keys.take(accounts_of([user])).await;
            let apart = Apart {
                link,
                name,
                told: format!(
                    "an account at {} was linked by hand; the groups that the user is in get it as a member",
                    link.connector
                ),
                groups,
            };
            let joined = self.reader.groups_with(user)?;
            self.join_apart(&mut owed, apart, joined, &mut kept)?;
        }
        self.commit(owed).await?;
        drop(kept);
        drop(held);
        self.pump();
        self.beat();
        Ok(())
    }

    /// Adds what brings groups up to date as a flow of its own: the link came of no flow, or of one that was refused, whose
    /// operations are given up.
    fn join_apart(
        &self,
        owed: &mut Owed,
        apart: Apart<'_>,
        joined: impl IntoIterator<Item = GroupId>,
        kept: &mut Kept<'_>,
    ) -> Result<(), JournalError> {
        let Apart {
            link,
            name,
            told,
            groups,
        } = apart;
        let (flow, trigger) = (FlowId(self.id()), TriggerId(self.id()));
        let before = owed.mark();
        owed.push(
            flow,
            Fact::TriggerRecorded {
                trigger: Trigger {
                    id: trigger,
                    flow,
                    at: self.clock.now(),
                    kind: TriggerKind::UserReconciled,
                    source: Source::Console,
                    subject: link.local,
                    subject_name: name.clone(),
                    application: None,
                    connection: None,
                    role: None,
                    changed: BTreeSet::new(),
                    carries_password: false,
                },
            },
        );
        owed.push(
            flow,
            Fact::Decided {
                trigger,
                event: vec![TraceLine {
                    step: Step::Event,
                    text: told,
                    reason: None,
                }],
                decisions: Vec::new(),
                operations: Vec::new(),
            },
        );
        let joiner = Joiner {
            inner: self,
            flow,
            trigger,
            link,
            groups,
            is_new: false,
        };
        let queued = owed.queued().count();
        for group in joined {
            joiner.join(owed, LocalRef::Group(group), kept)?;
        }
        if owed.queued().count() == queued {
            owed.back_to(before);
        }
        Ok(())
    }

    /// Returns those of some users who have no account at a connector.
    fn without_account(
        &self,
        connector: &ConnectorRef,
        members: &[LocalRef],
    ) -> Result<BTreeSet<UserId>, JournalError> {
        let mut without = BTreeSet::new();
        for member in members {
            if let LocalRef::User(user) = member
                && self
                    .reader
                    .link(connector, *member)?
                    .is_none_or(|link| link.gone)
            {
                without.insert(*user);
            }
        }
        Ok(without)
    }

    /// Queues a change of a group's members behind whatever its lane holds.
    fn queue_members(
        &self,
        owed: &mut Owed,
        (flow, trigger): (FlowId, TriggerId),
        group: &Open,
        desired: Desired,
        cause: impl FnOnce(Box<Planned>) -> Cause,
    ) {
        let planned = Planned {
            local: group.local,
            verb: Verb::Update,
            desired,
            changes: Vec::new(),
            deprovision: Deprovision::Delete,
            held: None,
        };
        let queued = Queued {
            operation: OperationId(self.id()),
            trigger,
            connector: group.connector.clone(),
            local: group.local,
            name: group.name.clone(),
            remote_name: planned.desired.remote_name.clone(),
            verb: Verb::Update,
            blocking: false,
            cause: cause(Box::new(planned.clone())),
            held: None,
        };
        owed.queue(flow, queued, planned);
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
            groups: &[],
            is_new: false,
        };
        let joined = |owed: &mut Owed, kept: &mut Kept<'_>| {
            let groups = self.groups_of(user)?;
            if self.head().undoes {
                let apart = Apart {
                    link,
                    name: &self.head().name,
                    told: format!(
                        "a refused request had taken the account at {} away; the groups that the user is in get the new one as a member",
                        link.connector
                    ),
                    groups: &[],
                };
                return self.inner.join_apart(owed, apart, groups, kept);
            }
            for group in groups {
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
        // A group that is joined by the same request is not joined yet while its caller waits, and never when it is refused.
        if !self.job.alone && !self.head().undoes {
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

    /// Brings what is desired to what counts by now, when the operation is no decision but a late membership, or undoes what
    /// a refused request did. The error says why there is nothing left to do.
    pub(crate) fn by_now<'d>(
        &self,
        desired: Cow<'d, Desired>,
        link: Option<&Link>,
    ) -> Result<Result<Cow<'d, Desired>, &'static str>, JournalError> {
        if self.head().undoes {
            return self.put_back(desired, link);
        }
        if !self.head().joins {
            return Ok(Ok(desired));
        }
        let joined = self.joined(&desired, link)?;
        let gone = "the group is not there by now, so nobody is put into it";
        Ok(joined.map(Cow::Owned).ok_or(gone))
    }

    /// Returns a group as it is by now, with who joins it; `None` when there is no group any more.
    ///
    /// What came into its lane while the operation was queued stands before it: nothing of that is undone.
    fn joined(
        &self,
        desired: &Desired,
        link: Option<&Link>,
    ) -> Result<Option<Desired>, JournalError> {
        let Some(link) = link.filter(|link| link.active) else {
            return Ok(None);
        };
        let held = held_by(&self.inner.reader, link)?;
        let meant = self.meant()?;
        let joining = desired.members.iter();
        let joining = joining.filter(|member| meant.contains(&member.local));
        Ok(Some(Desired {
            members: merged(held, joining.cloned()),
            ..as_written(link)
        }))
    }

    /// Keeps of what is to be put back what is not out of date by now.
    fn put_back<'d>(
        &self,
        desired: Cow<'d, Desired>,
        link: Option<&Link>,
    ) -> Result<Result<Cow<'d, Desired>, &'static str>, JournalError> {
        let reader = &self.inner.reader;
        let Some((undone, refused)) = reader.undone_by(self.id())? else {
            return Ok(Ok(desired));
        };
        let older = "a later change was done meanwhile, and what this one would put back is older";
        let later = reader.decided_between(&undone, self.head())?;
        let verb = self.job.planned.verb;
        let is_update = verb == Verb::Update && refused.verb == Verb::Update;
        let is_group = matches!(desired.local, LocalRef::Group(_));
        // A decision names everything of a group, and of a user all that the directory has.
        let is_out_of_date = is_group
            || !is_update
            || later
                .iter()
                .any(|planned| planned.verb == Verb::Deprovision);
        if !later.is_empty() && is_out_of_date {
            return Ok(Err(older));
        }
        let Some(link) = link else {
            if is_update {
                return Ok(Err("it is not there by now, so nothing of it is put back"));
            }
            return Ok(Ok(desired));
        };
        if !later.is_empty() {
            let left = left_by(&later, desired.into_owned(), link);
            return Ok(left.map(Cow::Owned).ok_or(older));
        }
        if !is_group || verb == Verb::Deprovision || !link.active || link.gone {
            return Ok(Ok(desired));
        }
        let meant = self.meant()?;
        let mut named = locals(&refused.desired.members);
        if undone.joins {
            // It names whoever was in the group already, and is there for the others.
            for member in &desired.members {
                named.remove(&member.local);
            }
        }
        let mut held = held_by(reader, link)?;
        held.retain(|member| meant.contains(&member.local) || !named.contains(&member.local));
        let back = desired.members.iter();
        let back = back.filter(|member| meant.contains(&member.local));
        let members = merged(held, back.cloned());
        Ok(Ok(Cow::Owned(Desired {
            members,
            ..desired.into_owned()
        })))
    }

    /// Returns who belongs into the group at this place of its lane: whom the operation decided last before it put there,
    /// and whom the directory has, unless that operation's caller still waits for the change. Of a request that was refused
    /// nothing counts.
    fn meant(&self) -> Result<BTreeSet<LocalRef>, JournalError> {
        let reader = &self.inner.reader;
        let mut meant = BTreeSet::new();
        let mut is_awaited = false;
        if let Some((head, planned)) = reader.decided_before(self.head())?
            && !reader.is_refused(head.flow)?
        {
            is_awaited = self.inner.waits.gate(head.flow).is_some();
            meant.extend(
                planned
                    .iter()
                    .flat_map(|planned| locals(&planned.desired.members)),
            );
        }
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
        let written = self.link_of(group)?;
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
        let is_open = head.life.is_open();
        let has_caller = !head.undoes && self.inner.waits.gate(head.flow).is_some();
        let is_refused = !head.undoes
            && (has_caller || head.life == Life::Dead)
            && reader.is_refused(head.flow)?;
        if is_open && is_refused || is_meant && has_caller && head.flow != self.flow {
            // It is taken back, or its caller may have that done, and this member with it.
            return self.follow_up(owed, &head, Joining::Alone(None));
        }
        // It fills in its members' accounts when its turn comes. What undoes another brings nobody new.
        if is_meant && !head.undoes && kept.keep(&head) {
            return Ok(());
        }
        // A retry by hand does not bring the member either, for it is refused.
        let is_void = head.life == Life::Discarded || head.life == Life::Dead && is_refused;
        match head.life {
            _ if planned.verb == Verb::Deprovision && !is_void => Ok(()),
            // A retry by hand brings the member; nothing of the dead letter itself is carried out here.
            Life::Dead if is_meant && !is_void => Ok(()),
            // What was given up stays given up: this member comes, and everything else stays as it is.
            Life::Dead | Life::Discarded => {
                let before = reader.newest_open_in_lane(&link.connector, group)?;
                let before = before.and_then(|(_, planned)| planned);
                match &before {
                    Some(planned) if planned.verb == Verb::Deprovision => Ok(()),
                    before => self.follow_up(owed, &head, Joining::Alone(before.as_ref())),
                }
            }
            // Whether it counts is known when its caller is released, or refused.
            _ if is_open && !is_meant && has_caller => Ok(()),
            _ if is_open && is_meant => self.follow_up(owed, &head, Joining::Planned(&planned)),
            _ => self.follow_up(owed, &head, Joining::All(&planned)),
        }
    }

    /// Brings a group up to date whose newest operation is given up: nothing of that counts, and a later one that names the
    /// member brings it.
    fn join_without(&self, owed: &mut Owed, given_up: &Open) -> Result<(), JournalError> {
        let (reader, link) = (&self.inner.reader, self.link);
        let newest = reader.newest_in_lane(&link.connector, given_up.local)?;
        if let Some((head, Some(planned))) = newest
            && head.operation != given_up.operation
            && head.life.is_open()
            && is_member(&planned, link)
        {
            return Ok(());
        }
        let group = self.link_of(given_up.local)?;
        if let Some(group) = group
            && held_by(reader, &group)?
                .iter()
                .any(|member| member.local == link.local)
        {
            return Ok(());
        }
        let before = reader.decided_before(given_up)?;
        let before = before
            .filter(|(head, _)| head.life.is_open())
            .and_then(|(_, planned)| planned)
            .filter(|planned| planned.verb != Verb::Deprovision);
        self.follow_up(owed, given_up, Joining::Alone(before.as_ref()))
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
        let link = self.link_of(group.local)?;
        let link = link.filter(|link| !link.gone && link.active);
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
            (Joining::Alone(None), None) => {
                let newest = reader.newest_open_in_lane(&group.connector, group.local)?;
                let Some(planned) = newest
                    .and_then(|(_, planned)| planned)
                    .filter(|planned| planned.verb != Verb::Deprovision)
                else {
                    return Ok(());
                };
                let mut desired = planned.desired;
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
        let local = member.local;
        let flow = (self.flow, self.trigger);
        self.inner
            .queue_members(owed, flow, group, desired, |planned| Cause::MemberLinked {
                member: local,
                planned,
            });
        Ok(())
    }

    /// Returns the link of a group as it is with this commit.
    fn link_of(&self, group: LocalRef) -> Result<Option<Link>, JournalError> {
        match self.groups.iter().find(|link| link.local == group) {
            Some(link) => Ok(Some(link.clone())),
            None => self.inner.reader.link(&self.link.connector, group),
        }
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

/// Returns what later changes leave of what is to be put back of a user; `None` when that is nothing.
///
/// They name the name, and no attribute that the user has no value for.
fn left_by(later: &[Planned], mut desired: Desired, link: &Link) -> Option<Desired> {
    let named: BTreeSet<&str> = later
        .iter()
        .flat_map(|planned| &planned.desired.attributes)
        .map(|attribute| attribute.remote.as_str())
        .collect();
    desired
        .attributes
        .retain(|attribute| !named.contains(attribute.remote.as_str()));
    desired.remote_name.clone_from(&link.remote_name);
    (!desired.attributes.is_empty()).then_some(desired)
}

/// Returns whom members are of.
fn locals(members: &[Member]) -> BTreeSet<LocalRef> {
    members.iter().map(|member| member.local).collect()
}

/// Returns the members that a group was last written with, as far as they are linked.
fn held_by(reader: &Reader, group: &Link) -> Result<Vec<Member>, JournalError> {
    match group.written.get(MEMBERS) {
        Some(ids) => known_members(reader, &group.connector, ids),
        None => Ok(Vec::new()),
    }
}

/// Puts members together, each once.
fn merged(held: Vec<Member>, others: impl Iterator<Item = Member>) -> Vec<Member> {
    let members: BTreeMap<LocalRef, Member> = held
        .into_iter()
        .chain(others)
        .map(|member| (member.local, member))
        .collect();
    members.into_values().collect()
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
