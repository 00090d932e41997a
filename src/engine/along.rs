//! What goes along with a draft besides the request: how it came, the links as they are from then on, and what must come
//! of it.

use decide::Decisions;
use domain::{
    ApplicationId, ConnectionId, ConnectorRef, Link, Reason, Request, Snapshot, Verb, Verdict,
};

use crate::Fact;
use crate::handle::{DirectoryError, SubmitError};

/// How a request came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Came {
    /// The application through which it came.
    pub(crate) application: Option<ApplicationId>,
    /// The connection of a login.
    pub(crate) connection: Option<ConnectionId>,
}

impl Came {
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            application: request.application.clone(),
            connection: request.connection.clone(),
        }
    }
}

/// What goes along with a draft: the subject's links as they are from then on, and the facts that make them so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Along {
    /// The one connector that the draft is about.
    pub(crate) only: Option<ConnectorRef>,
    /// Links that take the place of the journal's.
    pub(crate) links: Vec<Link>,
    /// Facts to commit together with what was decided.
    pub(crate) facts: Vec<Fact>,
    /// Set when an operation must come of it; whether it may take the account away.
    pub(crate) must: Option<Must>,
}

/// What must come of a draft, or nothing is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Must {
    /// An operation that makes or changes the account.
    Bring,
    /// An operation that takes the account away.
    TakeAway,
}

impl Along {
    pub(crate) fn put_into(&self, snapshot: &mut Snapshot) {
        snapshot.only.clone_from(&self.only);
        for link in &self.links {
            snapshot
                .links
                .retain(|known| known.connector != link.connector);
            snapshot.links.push(link.clone());
        }
    }

    /// Checks that what was decided is what was meant.
    ///
    /// # Errors
    /// `Unusable`, in words, when it is not; nothing was written then.
    pub(crate) fn check(&self, decisions: &[Decisions]) -> Result<(), SubmitError> {
        let Some(must) = self.must else {
            return Ok(());
        };
        let unusable = |told: String| Err(DirectoryError::Unusable { told }.into());
        let first = decisions.iter().flat_map(|all| &all.decisions).next();
        match (first.map(|decision| &decision.verdict), must) {
            (Some(Verdict::Operation(planned)), Must::Bring)
                if planned.verb == Verb::Deprovision =>
            {
                unusable("the account should not be there: it would be taken away".to_owned())
            }
            (Some(Verdict::Operation(planned)), Must::TakeAway)
                if planned.verb != Verb::Deprovision =>
            {
                unusable("the account should be there: it would not be taken away".to_owned())
            }
            (Some(Verdict::Operation(_)), _) => Ok(()),
            // An account that is wanted is as it was written, so nothing differs.
            (Some(Verdict::Nothing(nothing)), Must::TakeAway)
                if nothing.reason == Reason::Unchanged =>
            {
                unusable(format!(
                    "the account should be there: it would not be taken away ({})",
                    nothing.detail
                ))
            }
            (Some(Verdict::Nothing(nothing)), _) => {
                unusable(format!("{}: {}", nothing.reason, nothing.detail))
            }
            (None, _) => unusable("nothing is linked there".to_owned()),
        }
    }
}
