//! Whose an account is that a target holds: told by links, by the external id, and by when it was made.

use std::time::Duration;

use domain::{ConnectorRef, GroupId, Link, LocalRef, RemoteAccount, UserId, Verb};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::journal::{JournalError, Open};
use crate::retry::later;
use crate::runner::Work;

/// How far a target's clock may be behind ours when an account's age says whose it is.
const SKEW: Duration = Duration::from_mins(2);

/// Whose an account is.
pub(crate) enum Owned {
    /// Ours: made under this very id, or while our attempt was under way.
    Ours {
        because: String,
        /// Whether the attempt in doubt made it, so that it holds what that attempt sent.
        is_new: bool,
    },
    /// Not ours, or it cannot be told.
    Foreign(String),
    /// That of another local user or group: linked, or made under its id.
    Another(LocalRef, String),
    /// Perhaps that of another, whose attempt is in doubt and has not been asked about yet.
    Undecided(String),
}

impl Work<'_> {
    pub(crate) fn owner(&self, account: &RemoteAccount) -> Result<Owned, JournalError> {
        let head = self.head();
        let ours = head.local.uuid().to_string();
        let reader = &self.inner.reader;
        let window = self.window()?;
        let is_new = window
            .zip(account.created_at)
            .is_some_and(|((from, to), created)| from <= created && created <= to);
        let ours_because = |because: &str| Owned::Ours {
            because: because.to_owned(),
            is_new,
        };
        let another = |other: LocalRef, because: String| -> Result<Owned, JournalError> {
            Ok(if reader.has_left(&head.connector, other)? {
                Owned::Foreign(format!("{because}, who is here no longer"))
            } else {
                Owned::Another(other, because)
            })
        };
        match reader.linked_to(&head.connector, &account.remote_id)? {
            Some(other) if other != head.local => {
                return another(other, format!("it is linked to {other}"));
            }
            Some(_) => return Ok(ours_because("it has the id that was linked")),
            None => {}
        }
        match account.external_id.as_deref().map(str::trim) {
            Some(id) if id.eq_ignore_ascii_case(&ours) => {
                return Ok(ours_because("its external id is ours"));
            }
            Some(id) if !id.is_empty() => {
                let other = id.parse().ok().map(|id| same_kind(head.local, id));
                return match other {
                    Some(other) if self.is_served(other)? => {
                        another(other, format!("its external id is that of {other}"))
                    }
                    _ => Ok(Owned::Foreign("its external id is not ours".to_owned())),
                };
            }
            _ => {}
        }
        if !is_new
            && let Some(other) =
                reader.may_have_made(&head.connector, &account.remote_name, head.local)?
        {
            return Ok(Owned::Undecided(format!(
                "an attempt for {other} under this name is in doubt"
            )));
        }
        Ok(match (window, account.created_at) {
            (Some(_), Some(_)) if is_new => {
                ours_because("it was made while our attempt was under way")
            }
            (Some((from, _)), Some(created)) if created < from => {
                Owned::Foreign("it is older than our attempt".to_owned())
            }
            (Some(_), Some(_)) => {
                Owned::Foreign("it was made after our attempt had ended".to_owned())
            }
            (Some(_), None) => Owned::Foreign("nothing at the target tells who made it".to_owned()),
            (None, _) => Owned::Foreign("no attempt of ours can have made it".to_owned()),
        })
    }

    /// Returns the time in which an account must have been made for the attempt in doubt to have made it.
    ///
    /// The doubt is that of the newest attempt, or, for a deprovision without a link, that of an earlier operation.
    fn window(&self) -> Result<Option<(Timestamp, Timestamp)>, JournalError> {
        let reader = &self.inner.reader;
        let course = if self.doubt.made {
            Some(reader.course(self.head())?)
        } else if self.job.planned.verb == Verb::Deprovision {
            self.ghost()?
                .map(|earlier| reader.course(&earlier))
                .transpose()?
        } else {
            None
        };
        let Some(started) = course.and_then(|course| course.last_started) else {
            return Ok(None);
        };
        let patience = self.setup.patience(&self.head().connector);
        let end = later(started, patience.saturating_add(SKEW));
        Ok(Some((before_skew(started), end)))
    }

    /// Returns another connector to the same target that keeps the account of a link of ours.
    pub(crate) fn keeper(&self, link: &Link) -> Result<Option<ConnectorRef>, JournalError> {
        let sharing = self.setup.decider().sharing(&link.connector);
        self.inner.reader.keeper(link, &sharing)
    }

    /// Returns the earlier operation of this lane that may have made an account which nobody knows of.
    pub(crate) fn ghost(&self) -> Result<Option<Open>, JournalError> {
        let head = self.head();
        self.inner.reader.left_in_doubt(&head.connector, head.local)
    }

    /// Tells whether a user or group ever had an operation at this connector.
    fn is_served(&self, local: LocalRef) -> Result<bool, JournalError> {
        let newest = self
            .inner
            .reader
            .newest_in_lane(&self.head().connector, local)?;
        Ok(newest.is_some())
    }
}

fn same_kind(local: LocalRef, id: Uuid) -> LocalRef {
    match local {
        LocalRef::User(_) => LocalRef::User(UserId(id)),
        LocalRef::Group(_) => LocalRef::Group(GroupId(id)),
    }
}

fn before_skew(at: Timestamp) -> Timestamp {
    SignedDuration::try_from(SKEW)
        .ok()
        .and_then(|skew| at.checked_sub(skew).ok())
        .unwrap_or(at)
}
