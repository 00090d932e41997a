//! The mocks that `workbench.toml` describes: started as it says, on its ports or on free ones.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::mocks::clock::{Clock, SystemClock};
use ::mocks::quota::{Quota, Rate};
use ::mocks::standalone::personality;
use ::mocks::{Lab, Target};
use domain::{Configuration, MockSettings, Setting};

/// Which ports the mocks take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// The configured ones.
    Configured,
    /// Free ones, so that nothing outside this run is met.
    Free,
}

/// Why the mocks could not be started.
#[derive(Debug, thiserror::Error)]
pub enum MocksError {
    /// The configuration names a mock that does not exist.
    #[error("[mocks.{0}] names no mock: there are google, salesforce and scim2")]
    Unknown(String),
    /// A setting cannot be used.
    #[error("[mocks.{target}]: {cause}")]
    Setting {
        /// The mock.
        target: Target,
        /// What is wrong.
        cause: String,
    },
    /// A mock does not start.
    #[error(transparent)]
    Start(#[from] ::mocks::StartError),
}

/// Starts the mocks that the configuration says to start. Relative paths are relative to `base`.
///
/// # Errors
/// [`MocksError`] when a setting cannot be used or a port is taken.
pub async fn start(
    configuration: &Configuration,
    base: &Path,
    ports: Ports,
    seed: u64,
    seed_file: Option<&Path>,
) -> Result<Lab, MocksError> {
    let clock = Arc::new(SystemClock::new());
    start_by(clock, configuration, base, ports, seed, seed_file).await
}

/// Starts the mocks as [`start`] does, on another clock than the system's.
///
/// # Errors
/// [`MocksError`] when a setting cannot be used or a port is taken.
pub async fn start_by(
    clock: Arc<dyn Clock>,
    configuration: &Configuration,
    base: &Path,
    ports: Ports,
    seed: u64,
    seed_file: Option<&Path>,
) -> Result<Lab, MocksError> {
    let (lab, chosen) = build(clock, configuration, base, ports, seed, seed_file)?;
    for target in chosen {
        lab.start(target).await?;
    }
    Ok(lab)
}

/// Starts the mocks that the configuration says to start on its ports, but for those whose port another process has: they
/// are returned with their addresses.
///
/// # Errors
/// [`MocksError`] when a setting cannot be used.
pub async fn start_those_that_can(
    configuration: &Configuration,
    base: &Path,
) -> Result<(Lab, BTreeMap<Target, SocketAddr>), MocksError> {
    let clock = Arc::new(SystemClock::new());
    let (lab, chosen) = build(clock, configuration, base, Ports::Configured, 0, None)?;
    let mut elsewhere = BTreeMap::new();
    for target in chosen {
        match lab.start(target).await {
            Ok(_) => {}
            Err(::mocks::StartError::Bind { address, source })
                if source.kind() == std::io::ErrorKind::AddrInUse =>
            {
                elsewhere.insert(target, address);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((lab, elsewhere))
}

fn build(
    clock: Arc<dyn Clock>,
    configuration: &Configuration,
    base: &Path,
    ports: Ports,
    seed: u64,
    seed_file: Option<&Path>,
) -> Result<(Lab, Vec<Target>), MocksError> {
    let mut chosen = Vec::new();
    for (name, settings) in configuration
        .mocks
        .iter()
        .filter(|(_, settings)| settings.start)
    {
        let target = name
            .parse::<Target>()
            .map_err(|_| MocksError::Unknown(name.clone()))?;
        chosen.push((target, settings));
    }
    let mut builder = Lab::builder()
        .clock(clock)
        .targets(chosen.iter().map(|(target, _)| *target))
        .random_seed(seed);
    if let Some(path) = seed_file {
        builder = builder.seed_file(path);
    }
    for (target, settings) in &chosen {
        let port = if ports == Ports::Configured {
            settings.port
        } else {
            0
        };
        builder = builder.listen(*target, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        if let Some(name) = &settings.personality {
            let path = base.join(name);
            let name = if path.is_file() {
                path.display().to_string()
            } else {
                name.clone()
            };
            builder = builder.personality(personality(&name)?);
        }
        if let Some(path) = &settings.seed {
            builder = builder.seed_file(base.join(path));
        }
    }
    let lab = builder.build()?;
    for (target, settings) in &chosen {
        prepare(&lab, *target, settings)?;
    }
    Ok((lab, chosen.into_iter().map(|(target, _)| target).collect()))
}

fn prepare(lab: &Lab, target: Target, settings: &MockSettings) -> Result<(), MocksError> {
    let mock = lab.mock(target);
    if let Some(quota) = settings.quota {
        let mut limits = Quota::rate(Rate::new(
            quota.requests,
            quota.per.max(Duration::from_millis(1)),
        ));
        limits.daily = mock.usage().map(|(_, limit)| limit);
        mock.set_quota(limits);
    }
    if settings.licences.is_some() {
        mock.set_licences(settings.licences);
    }
    for fault in &settings.faults {
        mock.arm(fault).map_err(|error| MocksError::Setting {
            target,
            cause: error.to_string(),
        })?;
    }
    Ok(())
}

/// Points every connector that speaks to a configured mock's port at the mock that really runs.
pub fn redirect(configuration: &mut Configuration, lab: &Lab) {
    let addresses: Vec<(u16, String)> = configuration
        .mocks
        .iter()
        .filter_map(|(name, settings)| {
            let url = lab.url(name.parse().ok()?)?;
            let url = url::Url::parse(&url).ok()?;
            Some((settings.port, url.origin().ascii_serialization()))
        })
        .collect();
    for connection in &mut configuration.connections {
        for connector in &mut connection.connectors {
            for setting in connector.settings.values_mut() {
                if let Setting::Text(text) = setting
                    && let Some(moved) = moved(text, &addresses)
                {
                    *text = moved;
                }
            }
        }
    }
}

/// Returns the address with another origin when it lies on one of the configured ports of this machine.
fn moved(text: &str, addresses: &[(u16, String)]) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    let here = matches!(url.host_str()?, "127.0.0.1" | "localhost" | "[::1]");
    let (_, origin) = addresses
        .iter()
        .find(|(port, _)| here && url.port() == Some(*port))?;
    text.strip_prefix(&url.origin().ascii_serialization())
        .map(|rest| format!("{origin}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_on_a_mocks_port_of_this_machine_move() {
        let to = [(9103, "http://127.0.0.1:40001".to_owned())];
        assert_eq!(
            moved("http://127.0.0.1:9103/scim/v2/Users", &to).as_deref(),
            Some("http://127.0.0.1:40001/scim/v2/Users")
        );
        for left in [
            "http://127.0.0.1:9104/x",
            "https://corp.example:9103/x",
            "v60.0",
            "9103",
        ] {
            assert_eq!(moved(left, &to), None, "{left}");
        }
    }
}
