//! The triggers as subcommands: `outbound trigger …` and `outbound plan …` take the same words.

use std::collections::BTreeSet;
use std::io::Read as _;

use clap::{Args, Subcommand, ValueEnum};
use domain::{
    ApplicationId, Change, Claim, Claims, ConnectionId, NewUser, QualifiedName, Request, RoleName,
    Secret, Source,
};

use super::trouble::Trouble;
use crate::exit::Exit;

/// What happened, as a subcommand.
#[derive(Debug, Subcommand)]
pub(super) enum TriggerCommand {
    /// A user was created (console, api, self sign-up, import)
    UserCreated {
        #[command(flatten)]
        user: UserArgs,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// A user's claims or name changed
    UserUpdated {
        /// The user: name or STORE/name
        user: String,
        /// Sets a claim; repeat the option for several claims or several values
        #[arg(long = "set", visible_alias = "claim", value_name = "CLAIM=VALUE")]
        set: Vec<String>,
        /// Removes a claim
        #[arg(long = "remove", value_name = "CLAIM")]
        remove: Vec<String>,
        /// Gives the user a new name within the same store
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// A user was deleted
    UserDeleted {
        /// The user: name or STORE/name
        user: String,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// A user's password changed
    PasswordChanged {
        /// The user: name or STORE/name
        user: String,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// A user logged in through a connection into an application
    LoggedIn {
        #[command(flatten)]
        user: UserArgs,
        /// The connection (external identity provider) of the login
        #[arg(long, value_name = "CONNECTION")]
        connection: String,
        /// The application logged in to
        #[arg(long, value_name = "APPLICATION")]
        application: Option<String>,
    },
    /// A role was assigned to a user
    RoleAssigned {
        /// The user: name or STORE/name
        user: String,
        /// The role: Internal/name or Application/name
        role: String,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// A role was revoked from a user
    RoleRevoked {
        /// The user: name or STORE/name
        user: String,
        /// The role: Internal/name or Application/name
        role: String,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// A role was created
    RoleCreated {
        /// The role: Internal/name or Application/name
        role: String,
        /// A user who holds it from the start; repeat for several
        #[arg(long = "holder", value_name = "USER")]
        holders: Vec<String>,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// A role was renamed: its holders lose the old name and get the new one
    RoleRenamed {
        /// The role: Internal/name or Application/name
        role: String,
        /// The new name within the same audience
        to: String,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// A role was deleted: everybody who holds it loses it
    RoleDeleted {
        /// The role: Internal/name or Application/name
        role: String,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// A group was created
    GroupCreated {
        /// The group: name or STORE/name
        group: String,
        /// A first member; repeat for several
        #[arg(long = "member", value_name = "USER")]
        members: Vec<String>,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// Members were added to or removed from a group
    GroupChanged {
        /// The group: name or STORE/name
        group: String,
        /// A user to add; repeat for several
        #[arg(long = "add", value_name = "USER")]
        add: Vec<String>,
        /// A user to remove; repeat for several
        #[arg(long = "remove", value_name = "USER")]
        remove: Vec<String>,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// A group was renamed
    GroupRenamed {
        /// The group: name or STORE/name
        group: String,
        /// The new name within the same store
        to: String,
        #[command(flatten)]
        origin: OriginArgs,
    },
    /// A group was deleted
    GroupDeleted {
        /// The group: name or STORE/name
        group: String,
        #[command(flatten)]
        origin: OriginArgs,
    },
}

/// Who a user is.
#[derive(Debug, Args)]
pub(super) struct UserArgs {
    /// The user: name or STORE/name
    user: String,
    /// A claim; repeat the option for several claims or several values
    #[arg(long = "claim", visible_alias = "set", value_name = "CLAIM=VALUE")]
    claims: Vec<String>,
    /// A role held; repeat for several
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A group the user is in; repeat for several
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
}

/// More than any password; a pipe without an end must not fill the memory.
const PASSWORD_LIMIT_BYTES: u64 = 4096;

/// Where a password comes from; never the command line itself, which other users of the machine can read.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct PasswordArgs {
    /// Takes the password from an environment variable
    #[arg(long, value_name = "VARIABLE")]
    password_env: Option<String>,
    /// Takes the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

/// How a trigger came.
#[derive(Debug, Args)]
pub(super) struct OriginArgs {
    /// How it came
    #[arg(long, value_enum, default_value_t = SourceWord::Console)]
    source: SourceWord,
    /// The application whose token or portal was used
    #[arg(long, value_name = "APPLICATION")]
    application: Option<String>,
}

/// The sources that a caller can name; `jit` and `login` come of `logged-in`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SourceWord {
    /// An administrator in the Console
    Console,
    /// The SCIM API
    Api,
    /// Self sign-up at a portal
    SelfSignup,
    /// A bulk import
    Import,
}

impl From<SourceWord> for Source {
    fn from(word: SourceWord) -> Self {
        match word {
            SourceWord::Console => Self::Console,
            SourceWord::Api => Self::Api,
            SourceWord::SelfSignup => Self::SelfSignup,
            SourceWord::Import => Self::Import,
        }
    }
}

impl TriggerCommand {
    /// Makes the request that the engine takes.
    pub(super) fn into_request(self) -> Result<Request, Trouble> {
        Ok(match self {
            Self::UserCreated {
                user,
                password,
                origin,
            } => origin.request(Change::CreateUser {
                user: user.new_user()?,
                password: password.read()?,
            }),
            Self::UserUpdated {
                user,
                set,
                remove,
                rename,
                origin,
            } => origin.request(Change::UpdateUser {
                user: QualifiedName::new(&user),
                set: claims(&set)?,
                remove: remove.iter().map(|claim| Claim::new(claim)).collect(),
                rename,
            }),
            Self::UserDeleted { user, origin } => origin.request(Change::DeleteUser {
                user: QualifiedName::new(&user),
            }),
            Self::PasswordChanged {
                user,
                password,
                origin,
            } => {
                let password = password.read()?.ok_or_else(|| {
                    Trouble::new(Exit::Usage, "change the password", "no password was given")
                        .advise("add --password-stdin or --password-env VARIABLE")
                })?;
                origin.request(Change::SetPassword {
                    user: QualifiedName::new(&user),
                    password,
                })
            }
            Self::LoggedIn {
                user,
                connection,
                application,
            } => Request {
                change: Change::LogIn {
                    identity: user.new_user()?,
                },
                source: Source::Login,
                application: application.as_deref().map(ApplicationId::from),
                connection: Some(ConnectionId(connection)),
            },
            Self::RoleAssigned { user, role, origin } => origin.request(Change::AssignRole {
                user: QualifiedName::new(&user),
                role: RoleName::new(&role),
            }),
            Self::RoleRevoked { user, role, origin } => origin.request(Change::RevokeRole {
                user: QualifiedName::new(&user),
                role: RoleName::new(&role),
            }),
            Self::RoleCreated {
                role,
                holders,
                origin,
            } => origin.request(Change::CreateRole {
                role: RoleName::new(&role),
                holders: names(&holders),
            }),
            Self::RoleRenamed { role, to, origin } => origin.request(Change::RenameRole {
                role: RoleName::new(&role),
                to,
            }),
            Self::RoleDeleted { role, origin } => origin.request(Change::DeleteRole {
                role: RoleName::new(&role),
            }),
            Self::GroupCreated {
                group,
                members,
                origin,
            } => origin.request(Change::CreateGroup {
                group: QualifiedName::new(&group),
                members: names(&members),
            }),
            Self::GroupChanged {
                group,
                add,
                remove,
                origin,
            } => origin.request(Change::ChangeGroup {
                group: QualifiedName::new(&group),
                add: names(&add),
                remove: names(&remove),
            }),
            Self::GroupRenamed { group, to, origin } => origin.request(Change::RenameGroup {
                group: QualifiedName::new(&group),
                to,
            }),
            Self::GroupDeleted { group, origin } => origin.request(Change::DeleteGroup {
                group: QualifiedName::new(&group),
            }),
        })
    }
}

impl OriginArgs {
    fn request(self, change: Change) -> Request {
        Request {
            change,
            source: self.source.into(),
            application: self.application.as_deref().map(ApplicationId::from),
            connection: None,
        }
    }
}

impl UserArgs {
    fn new_user(&self) -> Result<NewUser, Trouble> {
        Ok(NewUser {
            name: QualifiedName::new(&self.user),
            claims: claims(&self.claims)?,
            roles: self.roles.iter().map(|role| RoleName::new(role)).collect(),
            groups: names(&self.groups),
        })
    }
}

impl PasswordArgs {
    fn read(&self) -> Result<Option<Secret>, Trouble> {
        if let Some(variable) = &self.password_env {
            return match std::env::var(variable) {
                Ok(value) if !value.is_empty() => Ok(Some(Secret::new(value))),
                _ => Err(Trouble::new(
                    Exit::Usage,
                    "read the password",
                    format!("the environment variable {variable} is not set"),
                )
                .advise("set it, or use --password-stdin")),
            };
        }
        if !self.password_stdin {
            return Ok(None);
        }
        let mut text = String::new();
        std::io::stdin()
            .take(PASSWORD_LIMIT_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| {
                Trouble::new(Exit::Usage, "read the password from standard input", error)
            })?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(
                Trouble::new(Exit::Usage, "read the password", "standard input is empty")
                    .advise("write the password and a newline to standard input"),
            );
        }
        Ok(Some(Secret::new(line)))
    }
}

fn claims(words: &[String]) -> Result<Claims, Trouble> {
    let mut claims = Claims::new();
    for word in words {
        // A claim URI may hold `=`, but never before its value's: the last `/` segment has none in any known dialect.
        let (claim, value) = word.split_once('=').ok_or_else(|| {
            Trouble::new(Exit::Usage, "read a claim", format!("`{word}` has no `=`"))
                .advise("write CLAIM=VALUE, as in givenname=Kim; CLAIM= empties it")
        })?;
        if claim.trim().is_empty() {
            return Err(Trouble::new(
                Exit::Usage,
                "read a claim",
                format!("`{word}` names no claim"),
            )
            .advise("write CLAIM=VALUE, as in givenname=Kim"));
        }
        let values = claims.entry(Claim::new(claim)).or_default();
        if !value.is_empty() {
            values.push(value.to_owned());
        }
    }
    Ok(claims)
}

fn names(words: &[String]) -> BTreeSet<QualifiedName> {
    words.iter().map(|word| QualifiedName::new(word)).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        what: TriggerCommand,
    }

    #[test]
    fn a_claim_is_given_under_either_word() {
        let wanted = Claims::from([(Claim::new("lastname"), vec!["Ng".to_owned()])]);
        for option in ["--claim", "--set"] {
            for kind in ["user-created", "user-updated"] {
                let line = ["trigger", kind, "kim", option, "lastname=Ng"];
                let line = Line::try_parse_from(line).unwrap();
                let claims = match line.what.into_request() {
                    Ok(Request {
                        change: Change::CreateUser { user, .. },
                        ..
                    }) => user.claims,
                    Ok(Request {
                        change: Change::UpdateUser { set, .. },
                        ..
                    }) => set,
                    _ => panic!("{kind} {option}"),
                };
                assert_eq!(claims, wanted, "{kind} {option}");
            }
        }
    }
}
