//! What the engine works by at the moment: the configuration with its compiled rules and its connectors.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use decide::{Decider, Policies};
use domain::{
    BrakePolicy, Catalogue, Configuration, Connector, ConnectorRef, ConnectorSettings, Connectors,
    Hold, QuarantinePolicy, Reason, RetryPolicy, Unavailable,
};

use crate::limiter::Allowed;

/// A connector, or why there is none.
type Built = Result<Arc<dyn Connector>, Unavailable>;

/// One configuration, ready to work by. Replaced as a whole.
pub(crate) struct Setup {
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) catalogue: Catalogue,
    policies: Policies,
    connectors: Arc<dyn Connectors>,
    built: Mutex<HashMap<ConnectorRef, Built>>,
}

impl Setup {
    /// Compiles the rules.
    ///
    /// # Errors
    /// Every policy that cannot be used, in words.
    pub(crate) fn new(
        configuration: Arc<Configuration>,
        catalogue: Catalogue,
        connectors: Arc<dyn Connectors>,
    ) -> Result<Self, String> {
        let policies = Policies::compile(&configuration.rules).map_err(|errors| {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            texts.join("; ")
        })?;
        Ok(Self {
            configuration,
            catalogue,
            policies,
            connectors,
            built: Mutex::new(HashMap::new()),
        })
    }

    pub(crate) fn with(&self, configuration: Arc<Configuration>) -> Result<Self, String> {
        Self::new(configuration, self.catalogue, Arc::clone(&self.connectors))
    }

    pub(crate) fn decider(&self) -> Decider<'_> {
        Decider {
            configuration: &self.configuration,
            catalogue: &self.catalogue,
            policies: &self.policies,
        }
    }

    /// Returns a connector, built at its first use.
    pub(crate) fn connector(&self, connector: &ConnectorRef) -> Built {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = built.get(connector) {
            return known.clone();
        }
        let made = if self.configuration.connector(connector).is_some() {
            self.connectors.build(&self.configuration, connector)
        } else {
            Err(Unavailable {
                connector: connector.clone(),
                cause: "it is not in the configuration any more".to_owned(),
                advice: "Put it back with the same id, or discard its operations.".to_owned(),
            })
        };
        built.insert(connector.clone(), made.clone());
        made
    }

    /// Returns every configured connector with how fast it may be sent to.
    pub(crate) fn limits(&self) -> impl Iterator<Item = (ConnectorRef, Allowed)> {
        self.configuration
            .connections
            .iter()
            .flat_map(|connection| {
                connection.connectors.iter().map(|settings| {
                    let connector = ConnectorRef {
                        connection: connection.id.clone(),
                        kind: settings.kind.clone(),
                    };
                    let allowed = Allowed {
                        concurrency: settings.concurrency.max(1),
                        rate: settings.rate,
                        learns: settings.learn_limit,
                    };
                    (connector, allowed)
                })
            })
    }

    /// Returns the connectors that the configuration itself holds back: paused, or since the decision disabled or left
    /// without leave to speak to another machine.
    pub(crate) fn holds(&self) -> impl Iterator<Item = Hold> {
        self.configuration
            .connections
            .iter()
            .flat_map(|connection| {
                connection.connectors.iter().filter_map(|settings| {
                    let (reason, detail) = if settings.paused {
                        (Reason::Paused, "paused = true in workbench.toml".to_owned())
                    } else if !(connection.enabled && settings.enabled) {
                        (Reason::Paused, "disabled in workbench.toml".to_owned())
                    } else {
                        (Reason::RealTargetNotAllowed, self.not_allowed(settings)?)
                    };
                    Some(Hold {
                        connector: ConnectorRef {
                            connection: connection.id.clone(),
                            kind: settings.kind.clone(),
                        },
                        reason,
                        detail,
                    })
                })
            })
    }

    /// Says which address of a connector may not be spoken to.
    fn not_allowed(&self, settings: &ConnectorSettings) -> Option<String> {
        if self.configuration.engine.real_targets {
            return None;
        }
        let kind = self.catalogue.of(&settings.kind)?;
        let (key, address) = kind.outside_address(settings)?;
        Some(format!("{key} is {address}, outside this machine"))
    }

    /// Returns how long a request may be under way: whoever sent it gives up then, and the target is taken to have carried
    /// it out by then or not to carry it out at all.
    pub(crate) fn patience(&self, connector: &ConnectorRef) -> Duration {
        self.configuration
            .connector(connector)
            .map_or(Duration::ZERO, |(_, settings)| settings.request_timeout)
    }

    pub(crate) fn retry(&self, connector: &ConnectorRef) -> &RetryPolicy {
        self.configuration
            .connector(connector)
            .and_then(|(_, settings)| settings.retry.as_ref())
            .unwrap_or(&self.configuration.engine.retry)
    }

    pub(crate) fn brakes(&self, connector: &ConnectorRef) -> &BrakePolicy {
        self.configuration
            .connector(connector)
            .and_then(|(_, settings)| settings.brakes.as_ref())
            .unwrap_or(&self.configuration.engine.brakes)
    }

    /// Returns the longest time within which any brake counts.
    pub(crate) fn longest_brake(&self) -> Duration {
        let connectors = self
            .configuration
            .connections
            .iter()
            .flat_map(|connection| &connection.connectors);
        connectors
            .filter_map(|settings| settings.brakes.as_ref())
            .chain([&self.configuration.engine.brakes])
            .map(|policy| policy.window)
            .max()
            .unwrap_or_default()
    }

    pub(crate) fn quarantine(&self, connector: &ConnectorRef) -> &QuarantinePolicy {
        self.configuration
            .connector(connector)
            .and_then(|(_, settings)| settings.quarantine.as_ref())
            .unwrap_or(&self.configuration.engine.quarantine)
    }

    /// Tells whether a connector's target keeps groups.
    pub(crate) fn keeps_groups(&self, connector: &ConnectorRef) -> bool {
        self.catalogue
            .of(&connector.kind)
            .is_some_and(|kind| kind.target.groups)
    }
}
