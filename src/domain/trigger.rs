//! What happened, and what a caller asks for.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::user::uuid_id;
use crate::{
    ApplicationId, Claim, Claims, ConnectionId, LocalRef, QualifiedName, RoleName, Secret,
};

uuid_id! {
    /// The id of one trigger; sorts by time.
    TriggerId
}
uuid_id! {
    /// The id of one flow: what one caller asked for, with every trigger, decision and operation that came of it.
    FlowId
}

/// How a trigger came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// An administrator in the Console.
    Console,
    /// The SCIM API, possibly with an application's token.
    Api,
    /// Self sign-up at a portal.
    SelfSignup,
    /// Just-in-time provisioning at the first federated login.
    Jit,
    /// A bulk import.
    Import,
    /// A federated login.
    Login,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 6] = [
        Self::Console,
        Self::Api,
        Self::SelfSignup,
        Self::Jit,
        Self::Import,
        Self::Login,
    ];

    /// Returns the word used in TOML, JSON and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Api => "api",
            Self::SelfSignup => "self-signup",
            Self::Jit => "jit",
            Self::Import => "import",
            Self::Login => "login",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriggerKind {
    /// A user was created.
    UserCreated,
    /// A user's claims or name changed.
    UserUpdated,
    /// A user was deleted.
    UserDeleted,
    /// A user's password changed.
    PasswordChanged,
    /// A user logged in through a connection.
    LoggedIn,
    /// A role was assigned to a user.
    RoleAssigned,
    /// A role was revoked from a user.
    RoleRevoked,
    /// What a target has of a user was compared, and is to be as it should be.
    UserReconciled,
    /// A group was created.
    GroupCreated,
    /// A group's members changed.
    GroupChanged,
    /// A group was renamed.
    GroupRenamed,
    /// A group was deleted.
    GroupDeleted,
    /// What a target has of a group was compared, and is to be as it should be.
    GroupReconciled,
}

impl TriggerKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::UserCreated,
        Self::UserUpdated,
        Self::UserDeleted,
        Self::PasswordChanged,
        Self::LoggedIn,
        Self::RoleAssigned,
        Self::RoleRevoked,
        Self::UserReconciled,
        Self::GroupCreated,
        Self::GroupChanged,
        Self::GroupRenamed,
        Self::GroupDeleted,
        Self::GroupReconciled,
    ];

    /// Returns the word used in TOML, JSON and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::UserCreated => "user-created",
            Self::UserUpdated => "user-updated",
            Self::UserDeleted => "user-deleted",
            Self::PasswordChanged => "password-changed",
            Self::LoggedIn => "logged-in",
            Self::RoleAssigned => "role-assigned",
            Self::RoleRevoked => "role-revoked",
            Self::UserReconciled => "user-reconciled",
            Self::GroupCreated => "group-created",
            Self::GroupChanged => "group-changed",
            Self::GroupRenamed => "group-renamed",
            Self::GroupDeleted => "group-deleted",
            Self::GroupReconciled => "group-reconciled",
        }
    }
}

impl TriggerKind {
    /// Tells whether it comes of a comparison with a target and not of a change here.
    pub fn is_reconciled(self) -> bool {
        matches!(self, Self::UserReconciled | Self::GroupReconciled)
    }
}

impl fmt::Display for TriggerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One trigger as the journal keeps it. A password is noted, never held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The id.
    pub id: TriggerId,
    /// The flow it belongs to; a first federated login is one flow with two triggers.
    pub flow: FlowId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: TriggerKind,
    /// How it came.
    pub source: Source,
    /// To whom or what.
    pub subject: LocalRef,
    /// The subject's qualified name at that time (after the change; before it for a delete).
    pub subject_name: QualifiedName,
    /// The application through which it came, when there is one.
    pub application: Option<ApplicationId>,
    /// The connection of a login, when there is one.
    pub connection: Option<ConnectionId>,
    /// The role that was assigned or revoked.
    pub role: Option<RoleName>,
    /// The claims that changed.
    #[serde(default)]
    pub changed: BTreeSet<Claim>,
    /// Whether the trigger carried a password.
    #[serde(default)]
    pub carries_password: bool,
}

/// A user as a caller describes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The qualified user name.
    pub name: QualifiedName,
    /// The claims.
    #[serde(default)]
    pub claims: Claims,
    /// The roles.
    #[serde(default)]
    pub roles: BTreeSet<RoleName>,
    /// The groups.
    #[serde(default)]
    pub groups: BTreeSet<QualifiedName>,
}

/// What a caller asks for: one change of the local directory, or a login.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// Create a user.
    CreateUser {
        /// The user.
        user: NewUser,
        /// The password, when the caller has it in clear.
        password: Option<Secret>,
    },
    /// Change claims, or the name, of a user.
    UpdateUser {
        /// The user.
        user: QualifiedName,
        /// Claims to set; an empty list of values empties the claim.
        set: Claims,
        /// Claims to remove.
        remove: BTreeSet<Claim>,
        /// The new name within the same store.
        rename: Option<String>,
    },
    /// Delete a user.
    DeleteUser {
        /// The user.
        user: QualifiedName,
    },
    /// Change a user's password.
    SetPassword {
        /// The user.
        user: QualifiedName,
        /// The new password.
        password: Secret,
    },
    /// A federated login through `Request::connection` into `Request::application`.
    LogIn {
        /// The identity that the external provider vouches for.
        identity: NewUser,
    },
    /// Assign a role.
    AssignRole {
        /// The user.
        user: QualifiedName,
        /// The role.
        role: RoleName,
    },
    /// Revoke a role.
    RevokeRole {
        /// The user.
        user: QualifiedName,
        /// The role.
        role: RoleName,
    },
    /// Create a role.
    CreateRole {
        /// The role.
        role: RoleName,
        /// Users to whom it is assigned at once.
        holders: BTreeSet<QualifiedName>,
    },
    /// Rename a role within its audience; whoever holds it holds it under the new name.
    RenameRole {
        /// The role.
        role: RoleName,
        /// The new name.
        to: String,
    },
    /// Delete a role; whoever holds it loses it.
    DeleteRole {
        /// The role.
        role: RoleName,
    },
    /// Create a group.
    CreateGroup {
        /// The group's qualified name.
        group: QualifiedName,
        /// Its first members.
        members: BTreeSet<QualifiedName>,
    },
    /// Add and remove members of a group.
    ChangeGroup {
        /// The group.
        group: QualifiedName,
        /// Users to add.
        add: BTreeSet<QualifiedName>,
        /// Users to remove.
        remove: BTreeSet<QualifiedName>,
    },
    /// Rename a group within its store.
    RenameGroup {
        /// The group.
        group: QualifiedName,
        /// The new name.
        to: String,
    },
    /// Delete a group.
    DeleteGroup {
        /// The group.
        group: QualifiedName,
    },
}

/// What a caller asks for, with how it came.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The change.
    pub change: Change,
    /// How it came.
    pub source: Source,
    /// The application through which it came.
    pub application: Option<ApplicationId>,
    /// The connection of a login.
    pub connection: Option<ConnectionId>,
}
