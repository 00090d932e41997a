//! Google, Salesforce and SCIM2 over one HTTP floor.
//!
//! A connector tries once and says what happened; it knows of no journal, no retry and no screen. Every request, token
//! calls too, passes the [`Tap`](domain::Tap), already without secrets. The three folders have the same rooms: `fields`
//! (the settings), `target` (what can be held and done), `wire` (the shapes), `credential` (how we are let in), `error`
//! (what a refusal means), and the connector itself in `mod`.

mod catalogue;
mod confirm;
mod google;
mod http;
mod path;
mod salesforce;
#[cfg(test)]
mod samples;
mod scim2;
mod settings;

use std::path::PathBuf;
use std::sync::Arc;

use domain::{Clock, Configuration, Connector, ConnectorRef, Connectors, Secrets, Unavailable};

pub use catalogue::CATALOGUE;
pub use http::client::install_crypto;

use http::vault::Vault;
use settings::Reader;

/// The name that we give of ourselves; some targets refuse those who give none (GitHub).
const USER_AGENT: &str = concat!("outbound/", env!("CARGO_PKG_VERSION"));

/// Builds connectors that speak HTTP.
pub struct HttpConnectors {
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    base: PathBuf,
}

impl HttpConnectors {
    /// Makes the builder. Relative paths of the settings start at `base`, the configuration's folder.
    pub fn new(secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>, base: PathBuf) -> Self {
        install_crypto();
        Self {
            secrets,
            clock,
            base,
        }
    }
}

impl Connectors for HttpConnectors {
    fn build(
        &self,
        configuration: &Configuration,
        connector: &ConnectorRef,
    ) -> Result<Arc<dyn Connector>, Unavailable> {
        let unknown = |cause: &str| Unavailable {
            connector: connector.clone(),
            cause: cause.to_owned(),
            advice: "Correct the connector's name, or configure it.".to_owned(),
        };
        let (_, settings) = configuration
            .connector(connector)
            .ok_or_else(|| unknown("it is not configured"))?;
        let kind = CATALOGUE
            .of(&connector.kind)
            .ok_or_else(|| unknown("there is no connector of this type"))?;
        let settings = Reader::new(connector, kind, settings);
        let vault = Vault::new(Arc::clone(&self.secrets));
        let clock = Arc::clone(&self.clock);
        match kind.kind {
            "google" => Ok(Arc::new(google::Google::build(
                &settings, vault, clock, &self.base,
            )?)),
            "salesforce" => Ok(Arc::new(salesforce::Salesforce::build(
                &settings, vault, clock, &self.base,
            )?)),
            "scim2" => Ok(Arc::new(scim2::Scim2::build(
                &settings, vault, clock, &self.base,
            )?)),
            _ => Err(unknown("there is no connector of this type")),
        }
    }
}
