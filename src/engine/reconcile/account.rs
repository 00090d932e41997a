//! What the journal knows of one account, and what should be there.

use std::time::Duration;

use decide::reconcile::{Evidence, Former, Made, Wanted, whose};
use domain::{
    ConnectorRef, FlowId, Group, GroupId, Link, LocalRef, Object, Orphan, QualifiedName,
    RemoteAccount, Snapshot, Source, Subject, Trigger, TriggerId, TriggerKind, User, UserId,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::journal::{JournalError, Reader};
use crate::retry::later;
use crate::setup::Setup;

/// How far a target's clock may be ahead of ours when an account's age says whose it is.
const SKEW: Duration = Duration::from_mins(2);

/// Looks things up for one connector.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) setup: &'a Setup,
    pub(super) reader: &'a Reader,
    pub(super) connector: &'a ConnectorRef,
    pub(super) now: Timestamp,
}

impl Files<'_> {
    /// Says what should be there for whoever a link is of, and under which local name.
    pub(super) fn wanted(&self, link: &Link) -> Result<(Wanted, QualifiedName), JournalError> {
        let subject = self.subject(link.local)?;
        let name = match &subject {
            Some(Subject::User(user)) => user.name.clone(),
            Some(Subject::Group(group)) => group.name.clone(),
            None => QualifiedName::new(&link.remote_name),
        };
        let members = match &subject {
            Some(Subject::Group(group)) => self.members(group)?,
            _ => Vec::new(),
        };
        let snapshot = Snapshot {
            before: subject.clone(),
            after: subject,
            links: vec![link.clone()],
            only: Some(self.connector.clone()),
            members,
            ..Snapshot::default()
        };
        let trigger = trigger(link.local, &name, self.now);
        let wanted = self
            .setup
            .decider()
            .wanted(&trigger, &snapshot, self.connector);
        Ok((wanted, name))
    }

    pub(super) fn subject(&self, local: LocalRef) -> Result<Option<Subject>, JournalError> {
        Ok(match local {
            LocalRef::User(id) => self.reader.user_by_id(id)?.map(Subject::User),
            LocalRef::Group(id) => self.reader.group_by_id(id)?.map(Subject::Group),
        })
    }

    fn members(&self, group: &Group) -> Result<Vec<(User, Vec<Link>)>, JournalError> {
        let mut members = Vec::with_capacity(group.members.len());
        for id in &group.members {
            if let Some(user) = self.reader.user_by_id(*id)? {
                members.push((user, self.reader.links_of(LocalRef::User(*id))?));
            }
        }
        Ok(members)
    }

    /// Says whose an account is that nothing is linked to.
    pub(super) fn orphan(
        &self,
        object: Object,
        account: &RemoteAccount,
    ) -> Result<Orphan, JournalError> {
        let (reader, connector) = (self.reader, self.connector);
        let served = match external_local(object, account) {
            Some(local) if reader.newest_in_lane(connector, local)?.is_some() => Some(local),
            _ => None,
        };
        let former = reader.former_link(connector, &account.remote_id, object)?;
        let former = former.map(|(local, ended)| Former {
            local,
            until: ended.to_string(),
            made: match account.created_at {
                None => Made::Unknown,
                Some(created) if created > later(ended, SKEW) => Made::After,
                Some(_) => Made::Before,
            },
        });
        let local = served.or(former.as_ref().map(|former| former.local));
        let (called, linked_elsewhere) = match local {
            Some(local) => {
                let link = reader.link(connector, local)?;
                let is_elsewhere = link.is_some_and(|link| !link.gone);
                (called(reader, connector, local)?, is_elsewhere)
            }
            None => (String::new(), false),
        };
        let evidence = Evidence {
            former,
            served,
            called,
            linked_elsewhere,
        };
        let (whose, because) = whose(account, &evidence);
        Ok(Orphan {
            connector: connector.clone(),
            object,
            remote_id: account.remote_id.clone(),
            remote_name: account.remote_name.clone(),
            created_at: account.created_at,
            whose,
            because,
        })
    }
}

/// Says to people who somebody is, who may be here no longer.
pub(super) fn called(
    reader: &Reader,
    connector: &ConnectorRef,
    local: LocalRef,
) -> Result<String, JournalError> {
    let here = match local {
        LocalRef::User(id) => reader.user_by_id(id)?.map(|user| user.name),
        LocalRef::Group(id) => reader.group_by_id(id)?.map(|group| group.name),
    };
    let name = match here {
        Some(name) => Some(name),
        None => reader
            .newest_in_lane(connector, local)?
            .map(|(head, _)| head.name),
    };
    Ok(match name {
        Some(name) => format!("{} {name}", local.object()),
        None => local.to_string(),
    })
}

/// Returns the local user or group that an account's external id would be of.
pub(super) fn external_local(object: Object, account: &RemoteAccount) -> Option<LocalRef> {
    let id: Uuid = account.external_id.as_deref()?.trim().parse().ok()?;
    Some(match object {
        Object::User => LocalRef::User(UserId(id)),
        Object::Group => LocalRef::Group(GroupId(id)),
    })
}

/// Makes the trigger that asks what should be there; it is never committed.
fn trigger(local: LocalRef, name: &QualifiedName, at: Timestamp) -> Trigger {
    Trigger {
        id: TriggerId(Uuid::nil()),
        flow: FlowId(Uuid::nil()),
        at,
        kind: kind(local),
        source: Source::Console,
        subject: local,
        subject_name: name.clone(),
        application: None,
        connection: None,
        role: None,
        changed: std::collections::BTreeSet::default(),
        carries_password: false,
    }
}

/// Returns the kind of trigger that brings an account back to what it should be.
pub(super) fn kind(local: LocalRef) -> TriggerKind {
    match local {
        LocalRef::User(_) => TriggerKind::UserReconciled,
        LocalRef::Group(_) => TriggerKind::GroupReconciled,
    }
}
