//! A connection: an external identity provider or target with its connectors, mappings, roles, JIT and login settings.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    BrakePolicy, Claim, QuarantinePolicy, Quota, RetryPolicy, RoleName, SecretRef, StoreDomain,
};

/// The stable id of a connection. Links hang on it, so it stays when the name changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(pub String);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for ConnectionId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// The type of a connector: `google`, `salesforce` or `scim2`. The catalogue knows which exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectorKind(pub String);

impl fmt::Display for ConnectorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for ConnectorKind {
    fn from(kind: &str) -> Self {
        Self(kind.to_owned())
    }
}

/// One connector of one connection, written `connection/kind`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectorRef {
    /// The connection.
    pub connection: ConnectionId,
    /// The connector's type.
    pub kind: ConnectorKind,
}

impl ConnectorRef {
    /// Names a connector.
    pub fn new(connection: &str, kind: &str) -> Self {
        Self {
            connection: connection.into(),
            kind: kind.into(),
        }
    }
}

impl fmt::Display for ConnectorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.connection, self.kind)
    }
}

impl std::str::FromStr for ConnectorRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((connection, kind)) if !connection.is_empty() && !kind.is_empty() => {
                Ok(Self::new(connection, kind))
            }
            _ => Err(format!(
                "`{text}` does not name a connector; write CONNECTION/CONNECTOR, as in corp-scim/scim2"
            )),
        }
    }
}

/// An external identity provider or target.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The stable id.
    pub id: ConnectionId,
    /// The name people see; patterns use it as `IDP`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// A disabled connection provisions nothing.
    pub enabled: bool,
    /// *Outbound Provisioning Roles*: empty means everybody.
    pub outbound_roles: Vec<RoleName>,
    /// Remote attributes and where their values come from.
    pub attributes: Vec<AttributeMapping>,
    /// *Just-in-Time Provisioning*.
    pub jit: JitSettings,
    /// How people log in through it; `None` for a connection that is a target only.
    pub login: Option<LoginSettings>,
    /// The connectors; at most one of each type.
    pub connectors: Vec<ConnectorSettings>,
    /// The line in `workbench.toml`, from 1.
    pub line: Option<usize>,
}

impl Connection {
    /// Returns the connector of a type.
    pub fn connector(&self, kind: &ConnectorKind) -> Option<&ConnectorSettings> {
        self.connectors
            .iter()
            .find(|connector| connector.kind == *kind)
    }
}

/// One connector as configured.
#[derive(Debug, Clone)]
pub struct ConnectorSettings {
    /// The type.
    pub kind: ConnectorKind,
    /// The toggle of the Console; a new connector starts disabled.
    pub enabled: bool,
    /// Stops sending and keeps the work; set by hand.
    pub paused: bool,
    /// The type's own settings under their readable keys, as the catalogue names them.
    pub settings: BTreeMap<String, Setting>,
    /// What happens to the remote account of a user who is deleted or leaves the scope.
    pub deprovision: Deprovision,
    /// What happens when an account of that name exists that this workbench did not create.
    pub on_existing: OnExisting,
    /// Salesforce: keep the user name of a deactivated user instead of freeing it.
    pub keep_username: bool,
    /// A PEM file with the authorities to trust besides the system's; relative to `workbench.toml`.
    pub ca_file: Option<PathBuf>,
    /// The longest that one request may take.
    pub request_timeout: Duration,
    /// The longest that connecting may take.
    pub connect_timeout: Duration,
    /// How many requests may be in flight at once.
    pub concurrency: usize,
    /// How many requests may be sent in a time; `None` when only the target itself sets a limit.
    pub rate: Option<Quota>,
    /// Whether the target's limit is learnt from its answers, and kept to.
    pub learn_limit: bool,
    /// The retry schedule, when it differs from the engine's.
    pub retry: Option<RetryPolicy>,
    /// When the connector is left alone, when that differs from the engine's.
    pub quarantine: Option<QuarantinePolicy>,
    /// How much may be taken away here, when that differs from the engine's.
    pub brakes: Option<BrakePolicy>,
    /// The line in `workbench.toml`, from 1.
    pub line: Option<usize>,
}

impl ConnectorSettings {
    /// Returns a text setting that is set and not blank.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.settings.get(key) {
            Some(Setting::Text(text)) if !text.trim().is_empty() => Some(text.as_str()),
            _ => None,
        }
    }

    /// Returns a yes/no setting.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.settings.get(key) {
            Some(Setting::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// Returns the reference of a secret setting.
    pub fn secret(&self, key: &str) -> Option<&SecretRef> {
        match self.settings.get(key) {
            Some(Setting::Secret(reference)) => Some(reference),
            _ => None,
        }
    }
}

/// The value of one connector setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// Text, a choice, a URL or a claim.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A secret, by reference.
    Secret(SecretRef),
    /// A list of texts.
    List(Vec<String>),
}

/// What *deprovision* means at one connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deprovision {
    /// The account is deleted.
    Delete,
    /// The account is kept and may not be used.
    Deactivate,
}

/// What to do with an account of the same name that this workbench did not create.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnExisting {
    /// Link it and bring it to the desired state.
    Adopt,
    /// Leave it alone and report the conflict.
    #[default]
    Fail,
}

/// One remote attribute and where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeMapping {
    /// The attribute in the target's words: `LastName`, `name.givenName`, `emails[type eq "work"].value`.
    pub remote: String,
    /// The claim that provides the value.
    pub local: Option<Claim>,
    /// Used when the user has no value.
    pub default: Option<String>,
    /// A constant that a user's value never overrides.
    pub value: Option<String>,
    /// What an empty value means.
    pub on_empty: OnEmpty,
    /// Limits the mapping to one connector of the connection; `None` for all.
    pub connector: Option<ConnectorKind>,
    /// The line in `workbench.toml`, from 1.
    pub line: Option<usize>,
}

/// What an empty local value does to the remote one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnEmpty {
    /// The remote attribute is left as it is.
    #[default]
    Skip,
    /// The remote attribute is cleared.
    Clear,
}

/// *Just-in-Time Provisioning* of a connection: whether and how federated users become local ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JitSettings {
    /// *Just-in-Time (JIT) User Provisioning*.
    pub enabled: bool,
    /// *Provisioning scheme*.
    pub scheme: JitScheme,
    /// *User store domain to always provision users*.
    pub user_store: StoreDomain,
    /// *Enable local account linking*: a federated login of a name that exists locally is that user.
    pub associate_local_user: bool,
    /// *Skip user provisioning when no local account is found*.
    pub skip_when_not_found: bool,
    /// *Attribute synchronization method*.
    pub attribute_sync: AttributeSync,
    /// *Override existing roles with external IDP group roles*.
    pub override_roles: bool,
}

/// *Provisioning scheme* of Just-in-Time Provisioning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JitScheme {
    /// *Prompt for username, password and consent*.
    PromptUsernamePasswordConsent,
    /// *Prompt for password and consent*.
    PromptPasswordConsent,
    /// *Prompt for consent*.
    PromptConsent,
    /// *Provision silently*.
    #[default]
    ProvisionSilently,
}

/// *Attribute synchronization method*: what a later login does to the local user's claims.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttributeSync {
    /// *Override all*: the local claims become the federated ones.
    #[default]
    OverrideAll,
    /// *None*: the local claims stay.
    None,
    /// *Preserve local*: federated claims are added, local values win.
    PreserveLocal,
}

/// How people log in through a connection. Kept for the Console's forms and for export; logins themselves are triggers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSettings {
    /// The protocol.
    pub protocol: LoginProtocol,
    /// *Client ID*.
    pub client_id: Option<String>,
    /// *Client secret*.
    pub client_secret: Option<SecretRef>,
    /// *Authorization endpoint URL*.
    pub authorization_endpoint: Option<String>,
    /// *Token endpoint URL*.
    pub token_endpoint: Option<String>,
}

/// The protocol of federated login.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginProtocol {
    /// OpenID Connect.
    #[default]
    Oidc,
    /// SAML 2.0.
    Saml,
}

/// Where the value of a mapping comes from when no claim of the user gives one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// The user name without its store.
    UserName,
    /// The text of a connector setting (its key); where that is unset, the user name without its store.
    Setting(&'static str),
    /// Nothing.
    None,
}
