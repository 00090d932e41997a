//! What is to be done at one connector, and the remote account it should lead to.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::user::uuid_id;
use crate::{Claim, LocalRef, Object, RemoteId};

uuid_id! {
    /// The id of one operation; its idempotency identity.
    OperationId
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Makes the account.
    Create,
    /// Brings the account to the desired state.
    Update,
    /// Deletes or deactivates the account.
    Deprovision,
}

impl Verb {
    /// Returns the word used in TOML, JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Deprovision => "deprovision",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The remote account as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// The local user or group it stands for; targets with an external id are given its UUID.
    pub local: LocalRef,
    /// The name at the target.
    pub remote_name: String,
    /// The attributes besides the name, in mapping order.
    pub attributes: Vec<DesiredAttribute>,
    /// The members of a group; empty for a user.
    #[serde(default)]
    pub members: Vec<Member>,
    /// Which password goes with it.
    pub password: PasswordPlan,
}

impl Desired {
    /// Returns the kind of the thing.
    pub fn object(&self) -> Object {
        self.local.object()
    }

    /// Returns attribute names with their values; a cleared attribute is `null`.
    pub fn values(&self) -> BTreeMap<String, Value> {
        self.attributes
            .iter()
            .map(|attribute| (attribute.remote.clone(), attribute.value.clone()))
            .collect()
    }
}

/// One attribute of the desired account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DesiredAttribute {
    /// The attribute in the target's words.
    pub remote: String,
    /// The value; `null` clears it.
    pub value: Value,
    /// Where the value came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A claim of the user.
    Claim(Claim),
    /// The mapping's default, since the user has no value.
    Default,
    /// The mapping's constant.
    Constant,
    /// The provisioning pattern or the user name.
    Pattern,
    /// Made up here (a password).
    Generated,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim(claim) => write!(f, "claim {claim}"),
            Self::Default => f.write_str("default"),
            Self::Constant => f.write_str("constant"),
            Self::Pattern => f.write_str("pattern"),
            Self::Generated => f.write_str("generated"),
        }
    }
}

/// A member of a desired group. Only members with a link at the same connector can be sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    /// The local user.
    pub local: LocalRef,
    /// The local name, for people.
    pub name: String,
    /// The remote id, when the user is linked at this connector.
    pub remote_id: Option<RemoteId>,
}

/// Which password goes with an operation. The value itself is in memory only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordPlan {
    /// None.
    None,
    /// The one that the trigger carried; a random one when it is no longer in memory.
    FromTrigger,
    /// A random one that meets the target's policy.
    Random,
    /// The configured default password.
    Default,
}

/// What a target wants to know of passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordRule {
    /// No password is ever sent (Salesforce).
    Never,
    /// A random one on create only (Google).
    RandomOnCreate,
    /// As the settings say: the trigger's, a random one, or the default (SCIM2).
    Provisioned {
        /// The setting that turns password provisioning on.
        enabled: &'static str,
        /// The setting with the default password.
        default: &'static str,
    },
}

/// Which password an attempt really carried, for the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordSource {
    /// The one that the trigger carried.
    Trigger,
    /// A random one, as planned.
    Random,
    /// A random one in place of the trigger's, which was lost with the process.
    RandomAfterRestart,
    /// The configured default.
    Default,
}

/// One difference between what was last written and what is desired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributeChange {
    /// The attribute; `members` for group membership, the name attribute for a rename.
    pub remote: String,
    /// What was last written; absent when nothing was.
    pub before: Option<Value>,
    /// What is desired; `null` clears.
    pub after: Value,
}
