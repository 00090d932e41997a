//! How an account at a target differs from what should be there and from what was last written, and what was decided
//! about it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::user::uuid_id;
use crate::{ConnectorRef, LocalRef, Nothing, Object, QualifiedName, RemoteId};

uuid_id! {
    /// The id of one reconciliation of one connector.
    RunId
}

/// The field that says whether an account may be used, whatever the target calls it.
pub const ACTIVE: &str = "active";

/// How the three values of one field stand to each other when they are not the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// Somebody changed it at the target: it is not what was last written, which is what it should be.
    Remote,
    /// It was never brought: the target has what was last written, and something else is desired by now.
    Stale,
    /// Both: changed at the target, and something else is desired by now.
    Both,
}

impl Drift {
    /// Returns the word used in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Remote => "remote",
            Self::Stale => "stale",
            Self::Both => "both",
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One field that differs. `null` stands for no value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldDrift {
    /// The remote attribute, the name attribute, `members`, or `active`.
    pub field: String,
    /// Who changed it.
    pub drift: Drift,
    /// What it should be now.
    pub desired: Value,
    /// What was last written.
    pub written: Value,
    /// What the target has.
    pub actual: Value,
}

/// What is wrong with a linked account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "condition", rename_all = "kebab-case")]
pub enum Condition {
    /// Fields differ.
    Differs {
        /// Those that do.
        fields: Vec<FieldDrift>,
    },
    /// The target was asked for the account and has none.
    Missing,
    /// The account may be used and should not be there.
    Unwanted {
        /// Why not, with the reason of the decision.
        why: Nothing,
    },
}

/// A linked account that is not as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// The connector.
    pub connector: ConnectorRef,
    /// The local user or group.
    pub local: LocalRef,
    /// Its local name; the remote one when it is here no longer.
    pub name: QualifiedName,
    /// The target's id.
    pub remote_id: RemoteId,
    /// The name at the target.
    pub remote_name: String,
    /// What is wrong.
    #[serde(flatten)]
    pub condition: Condition,
}

/// Whose an account without a link is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "whose", rename_all = "kebab-case")]
pub enum Whose {
    /// Ours: the journal proves that it was created or adopted for this user or group, and the link was lost.
    Ours {
        /// The local user or group, who may be here no longer.
        local: LocalRef,
    },
    /// Ours as well, beside the account to which the user or group is linked.
    Duplicate {
        /// The local user or group.
        local: LocalRef,
    },
    /// Not ours, or not provably: it is never touched.
    Stranger,
}

/// An account at a target that nothing is linked to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Orphan {
    /// The connector.
    pub connector: ConnectorRef,
    /// User or group.
    pub object: Object,
    /// The target's id.
    pub remote_id: RemoteId,
    /// The name at the target.
    pub remote_name: String,
    /// When it was created, where the target says so.
    pub created_at: Option<Timestamp>,
    /// Whose it is.
    #[serde(flatten)]
    pub whose: Whose,
    /// How that is known, in words.
    pub because: String,
}

/// What is decided about a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// The target's value stands: updates leave it, until something else is desired.
    Accept,
    /// The account is brought back to what it should be.
    Restore,
    /// It is not reported again while it stays as it is; the next update of the field writes over it.
    Ignore,
}

impl Resolution {
    /// Returns the word used on the command line, in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Restore => "restore",
            Self::Ignore => "ignore",
        }
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A difference that somebody let stand. It holds while the target has this value and this is what is desired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exception {
    /// Whether updates leave the target's value (`accept`), or it is only not reported (`ignore`).
    pub resolution: Resolution,
    /// What the target has; `null` for no value.
    pub actual: Value,
    /// What would be desired; `null` for no value.
    pub desired: Value,
}

/// The differences of one account that somebody let stand, by field.
pub type Exceptions = BTreeMap<String, Exception>;
