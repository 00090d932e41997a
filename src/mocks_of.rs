//! The mocks that `workbench.toml` describes: started as it says, on its ports or on free ones.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::mocks::clock::{Clock, SystemClock};
use ::mocks::fault::FaultSpec;
use ::mocks::quota::{Quota, Rate};
use ::mocks::standalone::personality;
use ::mocks::{Lab, StandAlone, Target};
use domain::{Configuration, MockSettings, Setting};

use crate::workbench;

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

/// Draws what mocks draw ids and lots from when nobody asks for the same run again. A mock forgets its objects when it
/// ends and the journal keeps its links, so one that is started anew must not give an id of the last run.
pub fn any_seed() -> u64 {
    workbench::any_seed() >> 11 // a number that every reader of JSON keeps whole
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
    let seed = any_seed();
    let (lab, chosen) = build(clock, configuration, base, Ports::Configured, seed, None)?;
    if !chosen.is_empty() {
        tracing::info!(random_seed = seed, "the mocks draw ids and lots from this");
    }
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
            builder = builder.personality(personality(&personality_name(name, base))?);
        }
    }
    for path in seeds(chosen.iter().map(|(_, settings)| *settings), base) {
        builder = builder.seed_file(path);
    }
    let lab = builder.build()?;
    for (target, settings) in &chosen {
        prepare(&lab, *target, settings)?;
    }
    Ok((lab, chosen.into_iter().map(|(target, _)| target).collect()))
}

/// Returns the seed files of some mocks. One that several name is read once: it holds a table for each of them.
fn seeds<'s>(settings: impl Iterator<Item = &'s MockSettings>, base: &Path) -> BTreeSet<PathBuf> {
    settings
        .filter_map(|settings| settings.seed.as_ref())
        .map(|path| base.join(path))
        .collect()
}

/// Returns the name of a personality, or the path of one that lies beside the configuration.
fn personality_name(name: &str, base: &Path) -> String {
    let path = base.join(name);
    if path.is_file() {
        path.display().to_string()
    } else {
        name.to_owned()
    }
}

fn rate(quota: domain::Quota) -> Rate {
    Rate::new(quota.requests, quota.per.max(Duration::from_millis(1)))
}

/// Completes what was said of mocks that are to be started by what the configuration says of each. Whatever was said takes
/// the place of what the file says. Relative paths of the file are relative to `base`.
///
/// # Errors
/// [`MocksError`] when a setting cannot be used.
pub fn completed(
    said: &StandAlone,
    configuration: &Configuration,
    base: &Path,
) -> Result<StandAlone, MocksError> {
    let mut stand = said.clone();
    let mut meant = Vec::new();
    for (name, settings) in &configuration.mocks {
        let target = name
            .parse::<Target>()
            .map_err(|_| MocksError::Unknown(name.clone()))?;
        if said.targets.contains(&target) {
            meant.push((target, settings));
        }
    }
    for (target, settings) in &meant {
        let target = *target;
        stand.ports.insert(target, settings.port);
        if let Some(quota) = settings.quota {
            stand.rates.insert(target, rate(quota));
        }
        if let Some(licences) = settings.licences {
            stand.seats.insert(target, licences);
        }
        if let (Target::Scim2, None, Some(name)) =
            (target, &said.personality, &settings.personality)
        {
            stand.personality = Some(personality_name(name, base));
        }
        if said.faults.is_empty() {
            for fault in &settings.faults {
                let spec = fault_at(target, fault)
                    .map_err(|cause| MocksError::Setting { target, cause })?;
                stand.faults.push(spec);
            }
        }
    }
    if said.seeds.is_empty() {
        stand
            .seeds
            .extend(seeds(meant.iter().map(|(_, settings)| *settings), base));
    }
    Ok(stand)
}

/// Reads a fault that is armed at one mock.
fn fault_at(target: Target, fault: &str) -> Result<FaultSpec, String> {
    let mut spec = fault
        .parse::<FaultSpec>()
        .map_err(|error| error.to_string())?;
    spec.check_at(&[target])
        .map_err(|error| error.to_string())?;
    spec.target = Some(target);
    Ok(spec)
}

fn prepare(lab: &Lab, target: Target, settings: &MockSettings) -> Result<(), MocksError> {
    let mock = lab.mock(target);
    if let Some(quota) = settings.quota {
        let mut limits = Quota::rate(rate(quota));
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

    fn configured(mocks: &str) -> Configuration {
        let text =
            format!("[organization]\nname = \"Acme\"\ntenant_domain = \"acme.example\"\n{mocks}");
        config::parse(
            &text,
            "workbench.toml",
            Path::new("."),
            &connectors::CATALOGUE,
        )
        .unwrap()
        .configuration
    }

    #[test]
    fn what_the_file_says_of_mocks_is_taken_unless_something_else_was_said() {
        let configuration = configured(
            "[mocks.google]\nstart = false\nport = 7001\nseed = \"people.toml\"\n\
             [mocks.scim2]\nport = 7003\nseed = \"people.toml\"\npersonality = \"okta\"\nlicences = 5\n\
             quota = \"10/60s\"\nfaults = [\"drop-after:op=Users.create\"]\n",
        );
        let base = Path::new("/there");
        let said = StandAlone {
            targets: Target::ALL.to_vec(),
            ..StandAlone::default()
        };
        let stand = completed(&said, &configuration, base).unwrap();
        let ports = BTreeMap::from([(Target::Google, 7001), (Target::Scim2, 7003)]);
        assert_eq!(stand.ports, ports);
        assert_eq!(stand.seeds, [base.join("people.toml")], "read once");
        assert_eq!(stand.personality.as_deref(), Some("okta"));
        assert_eq!(stand.seats, BTreeMap::from([(Target::Scim2, 5)]));
        assert_eq!(stand.rates[&Target::Scim2].requests, 10);
        assert_eq!(stand.faults.len(), 1);
        assert_eq!(stand.faults[0].target, Some(Target::Scim2));

        let said = StandAlone {
            targets: vec![Target::Scim2],
            seeds: vec!["mine.toml".into()],
            personality: Some("slack".to_owned()),
            faults: vec!["latency".parse().unwrap()],
            ..StandAlone::default()
        };
        let stand = completed(&said, &configuration, base).unwrap();
        assert_eq!(stand.ports, BTreeMap::from([(Target::Scim2, 7003)]));
        assert_eq!(stand.seeds, [PathBuf::from("mine.toml")]);
        assert_eq!(stand.personality.as_deref(), Some("slack"));
        assert_eq!(stand.faults, said.faults);
    }

    #[tokio::test]
    async fn mocks_that_are_started_anew_give_other_ids() {
        let configuration = configured("[mocks.scim2]\nseed = \"people.toml\"\n");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("people.toml"),
            "[[scim2.users]]\nuserName = \"kim\"\n",
        )
        .unwrap();
        let mut ids = std::collections::BTreeSet::new();
        for _ in 0..2 {
            let (lab, elsewhere) = start_those_that_can(&configuration, folder.path())
                .await
                .unwrap();
            assert!(elsewhere.is_empty());
            ids.insert(lab.scim2().objects().remove(0).id);
            lab.shutdown().await;
        }
        assert_eq!(ids.len(), 2, "{ids:?}");
    }

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
