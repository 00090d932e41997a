//! Whose an account is that nothing is linked to: only proof from the journal makes it ours.

use domain::{LocalRef, RemoteAccount, Whose};

/// What the journal knows that may concern an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Who was linked to this id once.
    pub former: Option<Former>,
    /// The user or group whose id is the account's external id, when it was ever provisioned at this connector.
    pub served: Option<LocalRef>,
    /// What whoever of them there is is called, for people.
    pub called: String,
    /// Whether whoever of them there is has a link to another account here by now.
    pub linked_elsewhere: bool,
}

/// A link that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// Whose it was.
    pub local: LocalRef,
    /// When it ended, for people.
    pub until: String,
    /// When the account was made.
    pub made: Made,
}

/// When an account was made, seen from the end of a link to its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// Before: it may be the account of that link.
    Before,
    /// After: it is another.
    After,
    /// The target does not say.
    Unknown,
}

/// Says whose an account is, and how that is known.
///
/// An id alone proves nothing where the target takes the name for one: somebody else may have got it since.
pub fn whose(account: &RemoteAccount, evidence: &Evidence) -> (Whose, String) {
    let ours = |local: LocalRef, because: String| {
        if evidence.linked_elsewhere {
            let because = format!("{because}, who is linked to another account here");
            (Whose::Duplicate { local }, because)
        } else {
            (Whose::Ours { local }, because)
        }
    };
    let stranger = |because: &str| (Whose::Stranger, because.to_owned());
    if let Some(local) = evidence.served {
        let because = format!("its external id is that of {}", evidence.called);
        return ours(local, because);
    }
    if account
        .external_id
        .as_deref()
        .is_some_and(|id| !id.trim().is_empty())
    {
        return stranger("its external id is not one of ours");
    }
    let Some(former) = &evidence.former else {
        return stranger("the journal knows nothing of it");
    };
    let because = format!(
        "it was linked to {} until {}",
        evidence.called, former.until
    );
    match former.made {
        Made::After => stranger("it was made after the account of ours that had its id was gone"),
        Made::Unknown if account.remote_id.0 == account.remote_name => stranger(
            "its id is its name, and nothing tells whether it is the account that was ours",
        ),
        Made::Before | Made::Unknown => ours(former.local, because),
    }
}
