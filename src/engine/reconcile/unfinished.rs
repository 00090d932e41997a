//! A comparison that stopped before its end: how far it came, and whether the next one may go on with it.
//!
//! What it saw, found and counted is committed page by page ([`Note`]), so that a process that dies loses one page at most.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use domain::{
    Configuration, ConnectorRef, Failure, FailureKind, LocalRef, Object, PageToken, RunId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::run::{REPORTED, Run, Walk};
use super::{Anew, Continued, GivenUp, NotRead, Tally};
use crate::journal::{JournalError, Note, Reader};
use crate::retry::later;

/// How long a comparison may stand where it stopped: what it saw tells little of a target after that.
const LASTS: Duration = Duration::from_hours(24);

/// How long it is kept: one that is taken up at the last moment must not lose whom it has seen before its next page.
pub(crate) const KEPT: Duration = Duration::from_hours(48);

/// How far a comparison has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unfinished {
    pub(crate) run: RunId,
    pub(crate) connector: ConnectorRef,
    /// When it began.
    pub(crate) began: Timestamp,
    /// What accounts are compared [by](basis).
    pub(crate) basis: u64,
    /// Which accounts are being read; users come before groups.
    pub(crate) object: Object,
    pub(crate) place: Place,
    pub(crate) asking: Option<Asking>,
    pub(crate) shows_members: bool,
    pub(crate) omitted: BTreeSet<String>,
    pub(crate) tally: Tally,
}

/// Where a comparison stands with the accounts of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// This page is read next; `None` is the first.
    Page(Option<PageToken>),
    /// All pages were read, and what none of them showed is looked for.
    Rest,
}

/// The account at which a comparison stopped in the middle of a page: it is asked for first when it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asking {
    pub(crate) local: LocalRef,
    /// The fields that the page did not show of it.
    pub(crate) fields: Vec<String>,
}

/// Returns what accounts are compared by, as a number that is another one when it was changed in `workbench.toml`.
pub(super) fn basis(configuration: &Configuration, connector: &ConnectorRef) -> u64 {
    let mut configuration = configuration.clone();
    configuration
        .connections
        .retain(|connection| connection.id == connector.connection);
    // On which line something stands and whether the connector is paused change nothing.
    for connection in &mut configuration.connections {
        connection.line = None;
        connection
            .connectors
            .retain(|settings| settings.kind == connector.kind);
        for settings in &mut connection.connectors {
            settings.line = None;
            settings.paused = false;
        }
        for mapping in &mut connection.attributes {
            mapping.line = None;
        }
    }
    for application in &mut configuration.applications {
        application.line = None;
    }
    let applications = configuration.applications.iter_mut();
    let provisioners = applications
        .flat_map(|application| application.provisioners.iter_mut())
        .chain(configuration.resident.iter_mut());
    for provisioner in provisioners {
        provisioner.line = None;
    }
    for policy in &mut configuration.rules.policies {
        policy.from.clear();
    }
    let text = format!(
        "{:?}",
        (
            &configuration.organization,
            &configuration.connections,
            &configuration.applications,
            &configuration.resident,
            &configuration.rules,
            configuration.engine.application_fallback,
        )
    );
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Tells whether a target may have refused a page because it does not know any more where that page begins. Targets have
/// many words for it, and the same page from the beginning says whether it was that.
pub(super) fn is_about_the_place(failure: &Failure) -> bool {
    matches!(
        failure.kind,
        FailureKind::Rejected
            | FailureKind::NotFound
            | FailureKind::Conflict
            | FailureKind::Unsupported
    )
}

/// Tells whether a comparison that stopped for this may come further where it stopped. What is refused there is refused
/// again, and would keep everything before from being compared anew.
pub(super) fn may_go_on(why: &NotRead) -> bool {
    match why {
        NotRead::Failed { failure } => !is_about_the_place(failure),
        NotRead::Requests { .. }
        | NotRead::Accounts { .. }
        | NotRead::Held { .. }
        | NotRead::Quiet { .. }
        | NotRead::Stopped => true,
    }
}

impl Reader {
    /// Tells whether the last comparison of a connector came to its end and read everything.
    pub fn is_compared(&self, connector: &ConnectorRef) -> Result<bool, JournalError> {
        if self.unfinished(connector)?.is_some() {
            return Ok(false);
        }
        let ended = self.reconciles()?;
        Ok(ended
            .iter()
            .any(|view| view.connector == *connector && view.tally.not_read.is_none()))
    }
}

impl Run<'_> {
    /// Goes on with what an earlier comparison left, unless that may not be; then says why not.
    pub(super) fn take_up(
        &mut self,
        left: Option<(Timestamp, Unfinished)>,
    ) -> Result<Option<Unfinished>, JournalError> {
        let Some((stopped, left)) = left else {
            return Ok(None);
        };
        let is_old = later(stopped, LASTS) < self.began;
        if is_old || left.basis != self.basis {
            self.tally.given_up = Some(GivenUp {
                began: left.began,
                stopped,
                why: if is_old {
                    Anew::Age
                } else {
                    Anew::Configuration
                },
            });
            return Ok(None);
        }
        let found = self.inner.reader.found_so_far(&left, REPORTED)?;
        self.is_kept = true;
        self.id = left.run;
        self.began = left.began;
        self.requests_before = left.tally.requests;
        self.omitted.clone_from(&left.omitted);
        self.tally = Tally {
            differing: found.differing,
            missing: found.missing,
            unwanted: found.unwanted,
            ours: found.ours,
            continued: Some(Continued {
                began: left.began,
                stopped,
                pages: left.tally.pages,
                accounts: left.tally.accounts,
            }),
            ..left.tally.clone()
        };
        self.divergences = found.divergences;
        self.orphans = found.orphans;
        Ok(Some(left))
    }

    /// Begins another comparison because the target does not know where this one stopped.
    pub(super) fn begin_anew(&mut self, failure: Failure) -> Result<(), JournalError> {
        let given_up = self.tally.continued.take().map(|left| GivenUp {
            began: left.began,
            stopped: left.stopped,
            why: Anew::Place { failure },
        });
        self.is_kept = false;
        self.id = RunId(self.inner.id());
        self.began = self.inner.clock.now();
        self.requests_before = 0;
        self.tally = Tally {
            given_up,
            ..Tally::default()
        };
        self.known = self.inner.known_drifts(self.connector)?;
        self.omitted.clear();
        self.divergences.clear();
        self.orphans.clear();
        Ok(())
    }

    /// Commits what was heard and found since the last time, and how far it has come with it.
    pub(super) async fn keep(&mut self, walk: &mut Walk) -> Result<(), JournalError> {
        if !walk.has_gone_on {
            return self.commit(None).await;
        }
        self.note(walk).await
    }

    /// Commits the same where reading stops: what was asked in vain counts as well when it goes on.
    pub(super) async fn keep_at_stop(&mut self, walk: &mut Walk) -> Result<(), JournalError> {
        if self.is_kept {
            return self.note(walk).await;
        }
        self.keep(walk).await
    }

    async fn note(&mut self, walk: &mut Walk) -> Result<(), JournalError> {
        let unfinished = Unfinished {
            run: self.id,
            connector: self.connector.clone(),
            began: self.began,
            basis: self.basis,
            object: walk.object,
            place: walk.place.clone(),
            asking: walk.asking.clone(),
            shows_members: walk.shows_members,
            omitted: self.omitted.clone(),
            tally: Tally {
                requests: self.requests(),
                ..self.tally.clone()
            },
        };
        let note = Note {
            unfinished,
            seen: std::mem::take(&mut walk.newly_seen),
            has_gone_on: std::mem::take(&mut walk.has_gone_on),
        };
        self.commit(Some(note)).await?;
        self.is_kept = true;
        Ok(())
    }
}
