//! The whole of `workbench.toml`, as the engine and the decision understand it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::port_here;
use crate::{
    Application, ApplicationId, BrakePolicy, Catalogue, Connection, ConnectionId, ConnectorRef,
    ConnectorSettings, FieldKind, OnFailure, Provisioner, QuarantinePolicy, SecretRef, Setting,
    StoreDomain,
};

/// Everything that was configured, checked against the catalogue.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// The organization.
    pub organization: Organization,
    /// The connections in file order.
    pub connections: Vec<Connection>,
    /// The applications in file order.
    pub applications: Vec<Application>,
    /// The provisioners of the resident application: the organization level.
    pub resident: Vec<Provisioner>,
    /// The rules.
    pub rules: Rules,
    /// How the engine works.
    pub engine: EngineSettings,
    /// The built-in mock servers to start, by target name (`google`, `salesforce`, `scim2`).
    pub mocks: BTreeMap<String, MockSettings>,
}

impl Configuration {
    /// Returns a connection by id.
    pub fn connection(&self, id: &ConnectionId) -> Option<&Connection> {
        self.connections
            .iter()
            .find(|connection| connection.id == *id)
    }

    /// Returns an application by id.
    pub fn application(&self, id: &ApplicationId) -> Option<&Application> {
        self.applications
            .iter()
            .find(|application| application.id == *id)
    }

    /// Returns a connector's settings with its connection.
    pub fn connector(&self, connector: &ConnectorRef) -> Option<(&Connection, &ConnectorSettings)> {
        let connection = self.connection(&connector.connection)?;
        Some((connection, connection.connector(&connector.kind)?))
    }

    /// Tells whether a connector speaks to this machine only, so that its target is a mock.
    pub fn stays_here(&self, catalogue: &Catalogue, connector: &ConnectorRef) -> bool {
        let Some((_, settings)) = self.connector(connector) else {
            return false;
        };
        let Some(kind) = catalogue.of(&settings.kind) else {
            return false;
        };
        let address = |key: &&'static str| {
            let default = kind.field(key).and_then(|field| field.default);
            settings.text(key).or(default)
        };
        let mut addresses = kind
            .target
            .address_settings
            .iter()
            .filter_map(address)
            .peekable();
        addresses.peek().is_some() && addresses.all(crate::is_loopback)
    }

    /// Returns the files in which connectors look for the key of a built-in mock, each once. Such a key is public: a file
    /// that is not there is written when the mocks start, and only inside the folder of `workbench.toml`.
    pub fn mock_keys(&self, catalogue: &Catalogue) -> Vec<MockKey<'_>> {
        let mut keys: Vec<MockKey<'_>> = Vec::new();
        let connectors = self.connections.iter().flat_map(|one| &one.connectors);
        for settings in connectors {
            let Some(kind) = catalogue.of(&settings.kind) else {
                continue;
            };
            let Some(mock) = self.mocks.get(kind.kind) else {
                continue;
            };
            // It speaks to this mock and to nothing else.
            let mut ports = kind
                .addresses(settings)
                .map(|(_, address)| port_here(address))
                .peekable();
            if ports.peek().is_none() || !ports.all(|port| port == Some(mock.port)) {
                continue;
            }
            let files = kind
                .fields
                .iter()
                .filter(|field| field.kind == FieldKind::SecretFile)
                .filter_map(|field| match settings.settings.get(field.key) {
                    Some(Setting::Secret(SecretRef::File(file))) => Some(file.as_path()),
                    _ => None,
                });
            for file in files {
                let is_inside = file
                    .components()
                    .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
                if is_inside && keys.iter().all(|key| key.file != file) {
                    keys.push(MockKey {
                        target: kind.kind,
                        port: mock.port,
                        file,
                    });
                }
            }
        }
        keys
    }
}

/// A file in which a connector looks for the key of a built-in mock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MockKey<'c> {
    /// The mock.
    pub target: &'static str,
    /// Its port.
    pub port: u16,
    /// The file, relative to `workbench.toml`.
    pub file: &'c Path,
}

/// The organization whose users are provisioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The name people see.
    pub name: String,
    /// The tenant domain; patterns use it as `TD`.
    pub tenant_domain: String,
    /// The user store domains that exist; `PRIMARY` always does.
    pub user_stores: Vec<StoreDomain>,
    /// The stores whose users are provisioned; empty means all.
    pub provisioned_stores: Vec<StoreDomain>,
}

/// Rule-based provisioning: Cedar policies and what a denial does.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The policies, each text with its place.
    pub policies: Vec<PolicyText>,
    /// What a denial does to an account that exists.
    pub on_deny: OnDeny,
}

/// One text of Cedar policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText {
    /// Where it was read: `workbench.toml:88` or a file.
    pub from: String,
    /// The policies.
    pub text: String,
}

/// What a denial does to an account that exists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDeny {
    /// It is left as it is.
    #[default]
    Keep,
    /// It is deprovisioned.
    Deprovision,
}

/// How the engine works.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The journal's file; relative to `workbench.toml`.
    pub journal: PathBuf,
    /// Whether an application without provisioners uses the organization level.
    pub application_fallback: bool,
    /// Whether targets outside the loopback range may be spoken to.
    pub real_targets: bool,
    /// The retry schedule.
    pub retry: RetryPolicy,
    /// How long a blocking caller waits when its provisioner does not say.
    pub blocking_timeout: Duration,
    /// What a failed blocking operation does when its provisioner does not say.
    pub on_failure: OnFailure,
    /// How many operations may be in flight at once over all connectors.
    pub concurrency: usize,
    /// When a connector is left alone because too much fails there.
    pub quarantine: QuarantinePolicy,
    /// How much may be taken away at one connector before somebody has to approve of it.
    pub brakes: BrakePolicy,
    /// How long the journal keeps what has settled.
    pub retention: RetentionPolicy,
    /// Where the figures for a monitoring system are told; nowhere when left out.
    pub metrics: Option<MetricsSettings>,
    /// Where traces are sent; nowhere when left out.
    pub traces: Option<TracesSettings>,
}

/// Where traces are sent, over OTLP/HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracesSettings {
    /// The collector's address with its path.
    pub endpoint: String,
}

/// How long the journal keeps what has settled. What is owed, dead, in doubt or held is kept whatever this says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Whether anything is removed by itself.
    pub enabled: bool,
    /// How long a flow is kept after the last thing that happened in it, with its exchanges.
    pub flows: Duration,
    /// How long the bodies of its exchanges are kept.
    pub bodies: Duration,
    /// How large the file may become, in bytes: from there on the oldest goes before its time.
    pub size_bytes: u64,
}

impl RetentionPolicy {
    /// What happened within this time is never removed: brakes and quarantines look back on it.
    pub const LEAST: Duration = Duration::from_hours(24);
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            flows: Duration::from_hours(90 * 24),
            bodies: Duration::from_hours(30 * 24),
            size_bytes: 4 << 30,
        }
    }
}

/// Where the figures for a monitoring system are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsSettings {
    /// The address.
    pub listen: SocketAddr,
    /// Whether it may be one that other machines can reach.
    pub expose: bool,
}

/// When a failed operation is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The waits after the first, second … failed attempt; the last one repeats until `give_up_after`.
    pub ladder: Vec<Duration>,
    /// When to stop trying, counted from the first attempt.
    pub give_up_after: Duration,
    /// Full jitter: each wait is drawn between zero and the ladder's step. `Retry-After` is never shortened.
    pub jitter: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        Self {
            ladder: [
                1,
                5,
                30,
                2 * MINUTE,
                10 * MINUTE,
                HOUR,
                6 * HOUR,
                12 * HOUR,
                24 * HOUR,
            ]
            .map(Duration::from_secs)
            .to_vec(),
            give_up_after: Duration::from_secs(28 * 24 * HOUR),
            jitter: true,
        }
    }
}

/// One built-in mock server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockSettings {
    /// Whether it is started with the workbench.
    pub start: bool,
    /// The loopback port; 0 for any free one.
    pub port: u16,
    /// The name of a personality (SCIM2) or the path of one's own.
    pub personality: Option<String>,
    /// A seed file; relative to `workbench.toml`.
    pub seed: Option<PathBuf>,
    /// A limit of requests per time, in the vendor's manner of refusing.
    pub quota: Option<Quota>,
    /// The number of licences (seats).
    pub licences: Option<u64>,
    /// Faults armed from the start, each as the command line writes it.
    pub faults: Vec<String>,
}

/// So many requests in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The number of requests.
    pub requests: u32,
    /// The time.
    pub per: Duration,
}
