//! What is decided about a difference: the target's value stands, ours is brought back, or it is not told again.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{
    ACTIVE, Condition, ConnectorRef, Divergence, Exception, FieldDrift, Group, Link, LocalRef,
    MatchKey, Object, QualifiedName, Remedy, Resolution, Source, Subject, User,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NotRead;
use super::account::{called, kind};
use super::tap::Listener;
use crate::along::{Along, Came, Must};
use crate::blocking::MEMBERS;
use crate::caught::caught;
use crate::directory::{Draft, DraftStep};
use crate::engine::Engine;
use crate::inner::Inner;
use crate::journal::{Batch, DriftView};
use crate::keys::Key;
use crate::runner::broke_down;
use crate::{Fact, Outcome, SubmitError};

/// What is to become of the difference of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The connector.
    pub connector: ConnectorRef,
    /// The user or group.
    pub local: LocalRef,
    /// The fields; `None` for all that differ.
    pub fields: Option<BTreeSet<String>>,
    /// What is decided.
    pub resolution: Resolution,
    /// With `restore`: an account that is gone is made anew.
    pub recreate: bool,
    /// With `restore`: an account that should not be there is taken away.
    pub take_away: bool,
}

/// Why nothing was done about a difference. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ResolveError {
    /// Nothing was found to differ there.
    #[error("no difference is known of {name} at {connector}")]
    NothingFound {
        /// The connector.
        connector: ConnectorRef,
        /// The user or group.
        name: String,
    },
    /// The account was written, or is about to be, since it was compared.
    #[error("{name} at {connector} was written since it was compared, or is about to be")]
    OutOfDate {
        /// The connector.
        connector: ConnectorRef,
        /// The user or group.
        name: String,
    },
    /// A field that does not differ.
    #[error("{field} of {name} does not differ; there are {}", known.join(", "))]
    FieldUnknown {
        /// The field.
        field: String,
        /// The user or group.
        name: String,
        /// Those that differ.
        known: Vec<String>,
    },
    /// The difference cannot be decided about in this way.
    #[error("{told}")]
    NotPossible {
        /// Why not.
        told: String,
        /// What can be done.
        advice: String,
    },
    /// The operation could not be decided or written.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

impl Engine {
    /// Decides about the difference of one account. A restore becomes an ordinary operation in the account's lane, with
    /// everything that holds for one; its outcome is returned.
    ///
    /// # Errors
    /// [`ResolveError`]; nothing was written then.
    pub async fn resolve(&self, wish: &Wish) -> Result<Option<Outcome>, ResolveError> {
        self.inner().resolve_drift(wish).await
    }
}

impl Inner {
    async fn resolve_drift(self: &Arc<Self>, wish: &Wish) -> Result<Option<Outcome>, ResolveError> {
        let found = self.found(wish)?;
        let object = wish.local.object();
        let keys = BTreeSet::from([Key::local(object, &found.divergence.name)]);
        let _keys = self.keys.take(keys).await;
        // Somebody else may have decided while the key was waited for.
        let found = self.found(wish)?;
        let link = self.unchanged_link(wish, &found)?;
        let divergence = found.divergence;
        let setup = self.setup();
        let name = setup.decider().name_field(&wish.connector, object);
        match (&divergence.condition, wish.resolution) {
            (Condition::Differs { fields }, Resolution::Restore) => {
                let chosen = chosen(&divergence, fields, wish.fields.as_ref())?;
                let must = if takes_away(&link, &chosen) {
                    Must::TakeAway
                } else {
                    Must::Bring
                };
                let link = as_it_is(link, &chosen, name);
                self.restore(wish, &divergence, link, &chosen, must).await
            }
            (Condition::Differs { fields }, _) => {
                let chosen = chosen(&divergence, fields, wish.fields.as_ref())?;
                let link = let_stand(link, &chosen, wish.resolution, name);
                let mut batch = Batch::default();
                batch.push(
                    None,
                    Fact::Linked {
                        link: Box::new(link),
                    },
                );
                batch.push(None, resolved(wish, &chosen));
                self.append(batch).await?;
                self.beat();
                Ok(None)
            }
            (Condition::Missing, Resolution::Restore) if wish.recreate => {
                self.is_nowhere(wish, &divergence).await?;
                let link = Link { gone: true, ..link };
                self.restore(wish, &divergence, link, &[], Must::Bring).await
            }
            (Condition::Unwanted { .. }, Resolution::Restore) if wish.take_away => {
                self.restore(wish, &divergence, link, &[], Must::TakeAway)
                    .await
            }
            (Condition::Missing, _) => Err(ResolveError::NotPossible {
                told: format!("the account {} is gone at the target", divergence.remote_name),
                advice: "make it anew (restore with --recreate), or forget the link (`outbound links unlink`)"
                    .to_owned(),
            }),
            (Condition::Unwanted { why }, _) => Err(ResolveError::NotPossible {
                told: format!(
                    "the account {} should not be there: {}",
                    divergence.remote_name, why.detail
                ),
                advice: "take it away (restore with --take-away), or forget the link (`outbound links unlink`)"
                    .to_owned(),
            }),
        }
    }

    /// Checks that no account of ours is there under another id: making one anew would make two.
    async fn is_nowhere(&self, wish: &Wish, divergence: &Divergence) -> Result<(), ResolveError> {
        let not_asked = |told: String, advice: String| ResolveError::NotPossible { told, advice };
        let setup = self.setup();
        if let Some(NotRead::Held { reason, detail }) = self.held_because(&setup, &wish.connector) {
            let told = format!("the target cannot be asked first: {reason}, {detail}");
            return Err(not_asked(told, reason.fix().to_owned()));
        }
        let target = setup
            .connector(&wish.connector)
            .map_err(|error| not_asked(error.to_string(), error.advice))?;
        let key = MatchKey {
            object: wish.local.object(),
            remote_id: None,
            external_id: wish.local.uuid().to_string(),
            remote_name: divergence.remote_name.clone(),
        };
        let tap = Listener::default();
        let found = caught(target.find(&key, &tap))
            .await
            .unwrap_or_else(|told| Err(broke_down(&told, Remedy::GiveUp)));
        let mut batch = Batch::default();
        for fact in tap.take_facts(&wish.connector) {
            batch.push(None, fact);
        }
        if !batch.is_empty() {
            self.append(batch).await?;
        }
        match found {
            Ok(None) => Ok(()),
            Ok(Some(account)) => Err(not_asked(
                format!(
                    "there is an account {} ({}) already",
                    account.remote_name, account.remote_id
                ),
                "unlink the user and link that account (`outbound links unlink`, `outbound links link`), if it is theirs"
                    .to_owned(),
            )),
            Err(failure) => Err(not_asked(
                format!("the target cannot be asked first: {failure}"),
                failure.advice,
            )),
        }
    }

    fn found(&self, wish: &Wish) -> Result<DriftView, ResolveError> {
        match self.reader.drift(&wish.connector, wish.local)? {
            Some(found) => Ok(found),
            None => Err(ResolveError::NothingFound {
                connector: wish.connector.clone(),
                name: called(&self.reader, &wish.connector, wish.local)?,
            }),
        }
    }

    /// Returns the link when it is still the one that was compared.
    fn unchanged_link(&self, wish: &Wish, found: &DriftView) -> Result<Link, ResolveError> {
        let (connector, divergence) = (&wish.connector, &found.divergence);
        let state = self.reader.lane_state(connector, wish.local)?;
        let link = self.reader.link(connector, wish.local)?;
        let is_as_found = !state.is_open && state.last_done.is_none_or(|done| done < found.at);
        match link {
            Some(link) if is_as_found && link.remote_id == divergence.remote_id => Ok(link),
            _ => Err(ResolveError::OutOfDate {
                connector: connector.clone(),
                name: divergence.name.to_string(),
            }),
        }
    }

    /// Commits the link as the target has it, and the operation that brings it back, together.
    async fn restore(
        self: &Arc<Self>,
        wish: &Wish,
        divergence: &Divergence,
        link: Link,
        chosen: &[FieldDrift],
        must: Must,
    ) -> Result<Option<Outcome>, ResolveError> {
        if self.is_stopping() {
            return Err(SubmitError::Stopped.into());
        }
        let subject = self.subject_of(wish.local)?;
        let along = Along {
            only: Some(wish.connector.clone()),
            facts: vec![
                Fact::Linked {
                    link: Box::new(link.clone()),
                },
                resolved(wish, chosen),
            ],
            links: vec![link],
            must: Some(must),
        };
        let draft = draft(wish.local, &divergence.name, subject);
        let setup = self.setup();
        let outcome = self
            .carry_on(&setup, draft, &Came::default(), &along)
            .await?;
        Ok(Some(outcome))
    }

    pub(super) fn subject_of(&self, local: LocalRef) -> Result<Option<Subject>, ResolveError> {
        Ok(match local {
            LocalRef::User(id) => self.reader.user_by_id(id)?.map(Subject::User),
            LocalRef::Group(id) => self.reader.group_by_id(id)?.map(Subject::Group),
        })
    }
}

/// Makes the draft of a *reconciled* trigger. Of somebody who is here no longer, no more than the name is known.
pub(super) fn draft(local: LocalRef, name: &QualifiedName, subject: Option<Subject>) -> Draft {
    let left = match local {
        LocalRef::User(id) => Subject::User(User {
            id,
            name: name.clone(),
            claims: domain::Claims::default(),
            roles: BTreeSet::new(),
            groups: BTreeSet::new(),
        }),
        LocalRef::Group(id) => Subject::Group(Group {
            id,
            name: name.clone(),
            members: BTreeSet::new(),
        }),
    };
    Draft {
        steps: vec![DraftStep {
            kind: kind(local),
            source: Source::Console,
            subject: local,
            name: name.clone(),
            role: None,
            changed: BTreeSet::new(),
            before: Some(subject.clone().unwrap_or(left)),
            after: subject,
            note: None,
        }],
        ..Draft::default()
    }
}

fn resolved(wish: &Wish, chosen: &[FieldDrift]) -> Fact {
    Fact::DriftResolved {
        connector: wish.connector.clone(),
        local: wish.local,
        fields: chosen.iter().map(|drift| drift.field.clone()).collect(),
        resolution: wish.resolution,
    }
}

fn chosen(
    divergence: &Divergence,
    fields: &[FieldDrift],
    wanted: Option<&BTreeSet<String>>,
) -> Result<Vec<FieldDrift>, ResolveError> {
    let Some(wanted) = wanted else {
        return Ok(fields.to_vec());
    };
    wanted
        .iter()
        .map(|name| {
            let found = fields
                .iter()
                .find(|drift| drift.field.eq_ignore_ascii_case(name));
            found.cloned().ok_or_else(|| ResolveError::FieldUnknown {
                field: domain::visible(name).into_owned(),
                name: divergence.name.to_string(),
                known: fields.iter().map(|drift| drift.field.clone()).collect(),
            })
        })
        .collect()
}

/// Tells whether what is brought back is that the account may not be used: it was deactivated here and woken there.
fn takes_away(link: &Link, chosen: &[FieldDrift]) -> bool {
    !link.active
        && chosen
            .iter()
            .any(|drift| drift.field == ACTIVE && drift.desired == Value::Bool(false))
}

/// Returns the link with what the target really has, so that an update says exactly what differs from it.
fn as_it_is(mut link: Link, chosen: &[FieldDrift], name: &str) -> Link {
    for drift in chosen {
        link.exceptions.remove(&drift.field);
        put(&mut link, drift, name);
    }
    link
}

/// Returns the link with the differences that stand.
fn let_stand(mut link: Link, chosen: &[FieldDrift], resolution: Resolution, name: &str) -> Link {
    for drift in chosen {
        link.exceptions.insert(
            drift.field.clone(),
            Exception {
                resolution,
                actual: drift.actual.clone(),
                desired: drift.desired.clone(),
            },
        );
        // Members and whether an account may be used stay as they were last written: nothing differs then, so nothing
        // is sent, and nobody is thrown out of a group or woken up.
        let is_kept = drift.field == ACTIVE || drift.field == MEMBERS;
        if resolution == Resolution::Accept && !is_kept {
            put(&mut link, drift, name);
        }
    }
    link
}

fn put(link: &mut Link, drift: &FieldDrift, name: &str) {
    if drift.field == ACTIVE && link.local.object() == Object::User {
        link.active = drift.actual == Value::Bool(true);
    } else if drift.field == name {
        if let Some(name) = drift.actual.as_str() {
            name.clone_into(&mut link.remote_name);
        }
    } else {
        link.written
            .insert(drift.field.clone(), drift.actual.clone());
    }
}
