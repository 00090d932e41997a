//! A scenario file: a starting state, changes of the configuration, steps, and what is expected.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use domain::TriggerKind;
use mocks::Target;
use mocks::fault::FaultSpec;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use toml::Spanned;

/// One scenario, as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// A line for lists and reports.
    pub title: String,
    /// What it shows, for people.
    #[serde(default)]
    pub story: String,
    /// The seed of everything drawn by chance; the same seed gives the same run.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// The configuration to start from; relative to the scenario file. The shipped `workbench.toml` when left out.
    pub config: Option<PathBuf>,
    /// A directory seed; relative to the scenario file.
    pub directory: Option<PathBuf>,
    /// A seed file of the mocks; relative to the scenario file.
    pub targets: Option<PathBuf>,
    /// The time that engine and mocks go by.
    #[serde(default)]
    pub clock: ClockKind,
    /// Values of the configuration to change before the start, by their path.
    #[serde(default)]
    pub overrides: Vec<Override>,
    /// What happens, in order.
    pub steps: Vec<Spanned<StepEntry>>,
}

fn default_seed() -> u64 {
    1
}

/// The time that a scenario goes by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockKind {
    /// The system's.
    #[default]
    System,
    /// One that begins on 1 January 2026 and moves by itself to the next instant for which anything waits.
    Virtual,
}

/// One changed value of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The value's path: `connections[id=corp-scim].connectors[type=scim2].enabled`.
    pub path: String,
    /// The new value.
    pub value: toml::Value,
}

/// One step: what is done, then what is expected.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepEntry {
    /// What the step shows.
    pub name: String,
    /// What to watch, for people.
    #[serde(default)]
    pub watch: String,
    /// Somebody changes accounts at the targets, unknown to the engine; before everything else.
    #[serde(default)]
    pub edit: Vec<EditEntry>,
    /// Something happens to a user or group.
    pub trigger: Option<TriggerEntry>,
    /// The connectors whose accounts are compared, before anything is decided about.
    #[serde(default)]
    pub reconcile: Vec<String>,
    /// What is decided about a difference that a comparison found.
    pub resolve: Option<ResolveEntry>,
    /// A fault is armed at a mock, before the trigger.
    pub fault: Option<FaultEntry>,
    /// A value of the configuration changes while the engine runs, before the trigger.
    #[serde(default)]
    pub configure: Vec<Override>,
    /// Lets so much time pass before the trigger, `3d`; what becomes due meanwhile is done at its time. Virtual clock only.
    pub advance: Option<String>,
    /// What to wait for after the trigger; everything settled when left out.
    pub wait: Option<Wait>,
    /// Stops the engine as a power cut would and starts it again on the same journal, after the trigger.
    #[serde(default)]
    pub restart: bool,
    /// What is expected now.
    #[serde(default)]
    pub expect: Expect,
}

/// A trigger in the words of the command line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerEntry {
    /// `user-created`, `logged-in`, `role-deleted` …
    pub kind: EntryKind,
    /// The user, for a trigger about a user.
    pub user: Option<String>,
    /// The group, for a trigger about a group.
    pub group: Option<String>,
    /// `console`, `api`, `self-signup`, `import`.
    pub source: Option<domain::Source>,
    /// The application whose token or portal was used.
    pub application: Option<String>,
    /// The connection of a login.
    pub connection: Option<String>,
    /// Claims: of a new user, or to set. A value or a list.
    #[serde(default)]
    pub claims: BTreeMap<String, OneOrMany>,
    /// Claims to remove.
    #[serde(default)]
    pub remove_claims: Vec<String>,
    /// A new name.
    pub rename: Option<String>,
    /// The role assigned or revoked, created, renamed or deleted.
    pub role: Option<String>,
    /// The roles of a new user.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The groups of a new user.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The password that the trigger carries. A scenario's passwords are made up, so they may stand here.
    pub password: Option<domain::Secret>,
    /// Members of a new group, or to add; holders of a new role.
    #[serde(default)]
    pub add: Vec<String>,
    /// Members to remove.
    #[serde(default)]
    pub remove: Vec<String>,
}

/// What a trigger entry makes happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// Something happens to one user or group.
    One(TriggerKind),
    /// A role is created; it is assigned to its first holders.
    RoleCreated,
    /// A role is renamed, which is a trigger for each of its holders.
    RoleRenamed,
    /// A role is deleted, which is a trigger for each of its holders.
    RoleDeleted,
}

impl EntryKind {
    const ROLES: [Self; 3] = [Self::RoleCreated, Self::RoleRenamed, Self::RoleDeleted];

    fn word(self) -> &'static str {
        match self {
            Self::One(kind) => kind.word(),
            Self::RoleCreated => "role-created",
            Self::RoleRenamed => "role-renamed",
            Self::RoleDeleted => "role-deleted",
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl<'de> Deserialize<'de> for EntryKind {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        let text = String::deserialize(text)?;
        let all = TriggerKind::ALL
            .into_iter()
            .map(Self::One)
            .chain(Self::ROLES);
        all.clone().find(|kind| kind.word() == text).ok_or_else(|| {
            let words: Vec<&str> = all.map(Self::word).collect();
            let told = format!(
                "there is no trigger `{text}`; there are {}",
                words.join(", ")
            );
            D::Error::custom(told)
        })
    }
}

/// What somebody does at a target with a tool of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditEntry {
    /// The connector whose target it is: `corp-scim/scim2`.
    pub connector: String,
    /// The account's name there.
    pub name: String,
    /// Attributes to set, in the words of a mapping.
    #[serde(default)]
    pub set: BTreeMap<String, toml::Value>,
    /// A new name.
    pub rename: Option<String>,
    /// The account is made.
    #[serde(default)]
    pub create: bool,
    /// The account is deleted.
    #[serde(default)]
    pub delete: bool,
}

/// What is decided about the differences of one account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolveEntry {
    /// The connector.
    pub connector: String,
    /// The user, or
    pub user: Option<String>,
    /// the group.
    pub group: Option<String>,
    /// `accept`, `restore` or `ignore`.
    pub resolution: domain::Resolution,
    /// The fields; all that differ when left out.
    #[serde(default)]
    pub fields: Vec<String>,
    /// An account that is gone is made anew.
    #[serde(default)]
    pub recreate: bool,
    /// An account that should not be there is taken away.
    #[serde(default)]
    pub take_away: bool,
}

/// One value or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One value.
    One(String),
    /// Several values.
    Many(Vec<String>),
}

impl OneOrMany {
    /// Returns the values; an empty text stands for none.
    pub fn values(&self) -> Vec<String> {
        match self {
            Self::One(value) if value.is_empty() => Vec::new(),
            Self::One(value) => vec![value.clone()],
            Self::Many(values) => values.clone(),
        }
    }
}

/// A fault to arm.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultEntry {
    /// The mock: `google`, `salesforce`, `scim2`.
    #[serde(deserialize_with = "target")]
    pub target: Target,
    /// The fault as the command line writes it: `drop-after:op=Users.create,times=1`.
    #[serde(deserialize_with = "fault")]
    pub spec: String,
}

fn target<'de, D: Deserializer<'de>>(text: D) -> Result<Target, D::Error> {
    String::deserialize(text)?.parse().map_err(D::Error::custom)
}

/// Takes a fault that some mock can have; whether it is this one's is seen when it is armed.
fn fault<'de, D: Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    let text = String::deserialize(text)?;
    let spec: FaultSpec = text.parse().map_err(D::Error::custom)?;
    spec.check().map_err(D::Error::custom)?;
    Ok(text)
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// Every operation of the step has settled, is dead or is held.
    Settled,
    /// Every operation of the step has been tried at least once.
    Tried,
    /// Nothing.
    Nothing,
}

/// What is expected after a step. Only what is written is checked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// What the caller was told.
    pub caller: Option<Caller>,
    /// The decisions of the step. When given, they are *all* decisions: one too many fails as well.
    pub decisions: Option<Vec<DecisionExpected>>,
    /// Exchanges of the step, in order, other than token and discovery calls. When given, they are all.
    pub exchanges: Option<Vec<ExchangeExpected>>,
    /// How long the step lasted, by the virtual clock: `28d`.
    pub lasts: Option<String>,
    /// What the comparison found, one line each, in any order. When given, they are all.
    pub found: Option<Vec<String>>,
    /// What targets hold now.
    #[serde(default)]
    pub target: Vec<TargetExpected>,
    /// Whether the local directory holds these users (name = there or not).
    #[serde(default)]
    pub directory: BTreeMap<String, bool>,
}

/// What the caller was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caller {
    /// The change was made.
    Accepted,
    /// A blocking provisioner failed; the change was not made, or the login was refused.
    Rejected,
}

/// One expected decision.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionExpected {
    /// The connector: `acme-google/google`; left out for the event itself when no candidate was found.
    pub connector: Option<String>,
    /// `create`, `update` or `deprovision`.
    pub operation: Option<domain::Verb>,
    /// The reason code of *nothing*.
    pub reason: Option<String>,
    /// How the operation ended: `settled`, `dead`, `retrying`, `in-doubt`, `held` …
    pub state: Option<String>,
    /// Levels that proposed it, as the trace words them.
    pub levels: Option<Vec<String>>,
}

/// One expected exchange.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeExpected {
    /// The method.
    pub method: String,
    /// The path with its query, without scheme and host; `*` stands for one path segment or query value.
    pub path: String,
    /// The status; 0 when no answer came.
    pub status: Option<u16>,
    /// How often in a row.
    #[serde(default = "once")]
    pub times: usize,
}

fn once() -> usize {
    1
}

/// What one target holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetExpected {
    /// The mock: `google`, `salesforce`, `scim2`.
    pub target: String,
    /// The object's name there.
    pub name: String,
    /// Whether it must be there (default) or must not.
    #[serde(default = "yes")]
    pub present: bool,
    /// Fields by JSON pointer without the first slash (`name/givenName`, `emails/0/value`) and their values.
    #[serde(default)]
    pub fields: BTreeMap<String, toml::Value>,
    /// Fields that it must not have.
    #[serde(default)]
    pub absent: Vec<String>,
}

fn yes() -> bool {
    true
}

/// Why a scenario file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a scenario.
    #[error("{path}:{line}:{column}: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// [`FileError`] with the place of the first mistake.
    pub fn read(path: &Path) -> Result<(Self, String), FileError> {
        let text = std::fs::read_to_string(path).map_err(|source| FileError::Read {
            path: path.to_owned(),
            source,
        })?;
        match toml::from_str::<Self>(&text) {
            Ok(scenario) => Ok((scenario, text)),
            Err(error) => {
                let (line, column) =
                    line_and_column(&text, error.span().map_or(0, |span| span.start));
                Err(FileError::Parse {
                    path: path.to_owned(),
                    line,
                    column,
                    message: error.message().to_owned(),
                })
            }
        }
    }
}

/// Returns line and column, from 1, of a byte offset.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |rest| rest.chars().count())
        + 1;
    (line, column)
}
