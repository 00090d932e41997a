//! Mocks as a program of their own: what `outbound mock` starts.

use std::{
    collections::BTreeMap,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Lab, Ready, StartError, Target,
    clock::Clock,
    fault::FaultSpec,
    quota::{Quota, QuotaSpec, Rate},
    scim2::Personality,
};

/// What to start and how. The default starts all three on their own ports of the loopback interface.
#[derive(Clone, Default)]
pub struct StandAlone {
    /// Which mocks; empty for all three.
    pub targets: Vec<Target>,
    /// Where. Several mocks take this port and the ones after it; port 0 gives each a free one. Without it each has
    /// its own port of the loopback interface.
    pub listen: Option<SocketAddr>,
    /// The mocks' own ports, where they are not the [usual ones](Target::port); 0 for a free one.
    pub ports: BTreeMap<Target, u16>,
    /// Allows an address that other machines can reach.
    pub expose: bool,
    /// The seed files.
    pub seeds: Vec<PathBuf>,
    /// The SCIM2 mock's personality: the name of a built-in one, or a TOML file.
    pub personality: Option<String>,
    /// The faults that are armed from the start.
    pub faults: Vec<FaultSpec>,
    /// The rates; without it those of the personality, if it publishes any.
    pub quota: Option<QuotaSpec>,
    /// The rates of single mocks, for each caller, where none are given for all.
    pub rates: BTreeMap<Target, Rate>,
    /// How many calls 24 hours may see.
    pub daily_limit: Option<u64>,
    /// How many active accounts there may be.
    pub licences: Option<u64>,
    /// The same at single mocks, where it is not given for all.
    pub seats: BTreeMap<Target, u64>,
    /// Where the credentials are written; without it to a folder of their own that goes with the mocks.
    pub credentials_dir: Option<PathBuf>,
    /// The clock; without it the system's.
    pub clock: Option<Arc<dyn Clock>>,
    /// What ids and lots are drawn from; see [`Builder::random_seed`](crate::Builder::random_seed).
    pub random_seed: u64,
}

impl fmt::Debug for StandAlone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandAlone")
            .field("targets", &self.targets)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

impl StandAlone {
    /// Starts what is described.
    ///
    /// # Errors
    /// [`StartError`] when a file cannot be read or written, a setting fits none of the mocks, or an address cannot be
    /// had; nothing listens then.
    pub async fn start(self) -> Result<Running, StartError> {
        let targets = self.chosen()?;
        let mut builder = Lab::builder()
            .targets(targets.iter().copied())
            .expose(self.expose)
            .random_seed(self.random_seed);
        for (place, target) in targets.iter().enumerate() {
            builder = builder.listen(*target, self.address(*target, place)?);
        }
        for path in &self.seeds {
            builder = builder.seed_file(path);
        }
        if let Some(name) = &self.personality {
            builder = builder.personality(personality(name)?);
        }
        if let Some(quota) = self.quota {
            builder = builder.quota(quota);
        }
        if let Some(calls) = self.daily_limit {
            builder = builder.daily_limit(calls);
        }
        if let Some(licences) = self.licences {
            builder = builder.licences(licences);
        }
        if let Some(clock) = self.clock {
            builder = builder.clock(clock);
        }
        for spec in self.faults {
            builder = builder.fault_spec(spec);
        }
        let lab = builder.build()?;
        for target in &targets {
            let mock = lab.mock(*target);
            if let Some(rate) = self.rates.get(target).filter(|_| self.quota.is_none()) {
                mock.set_quota(Quota {
                    // The calls of a day are another limit, and stay.
                    daily: mock.usage().map(|(_, limit)| limit),
                    ..Quota::rate(*rate)
                });
            }
            if let Some(seats) = self.seats.get(target).filter(|_| self.licences.is_none()) {
                mock.set_licences(Some(*seats));
            }
        }
        for target in targets {
            lab.start(target).await?;
        }
        let own = self.credentials_dir.is_none().then(OwnFolder::new);
        let folder = self
            .credentials_dir
            .or_else(|| own.as_ref().map(|own| own.0.clone()))
            .unwrap_or_default();
        let ready = lab.credentials(&folder)?;
        Ok(Running {
            lab,
            ready,
            _own: own,
        })
    }

    fn chosen(&self) -> Result<Vec<Target>, StartError> {
        let mut targets = if self.targets.is_empty() {
            Target::ALL.to_vec()
        } else {
            self.targets.clone()
        };
        targets.sort_unstable();
        targets.dedup();
        if self.personality.is_some() && !targets.contains(&Target::Scim2) {
            return Err(StartError::Setting(
                "a personality is for the scim2 mock, which is not started".to_owned(),
            ));
        }
        for spec in &self.faults {
            if let Some(target) = spec.target.filter(|target| !targets.contains(target)) {
                return Err(StartError::Setting(format!(
                    "`{spec}` is for the {target} mock, which is not started"
                )));
            }
            spec.check_at(&targets)?;
        }
        Ok(targets)
    }

    fn address(&self, target: Target, place: usize) -> Result<SocketAddr, StartError> {
        let Some(listen) = self.listen else {
            let own = self.ports.get(&target).copied();
            let port = own.unwrap_or_else(|| target.port());
            return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        };
        if listen.port() == 0 {
            return Ok(listen);
        }
        let port = u16::try_from(place)
            .ok()
            .and_then(|place| listen.port().checked_add(place));
        let port = port.ok_or_else(|| {
            StartError::Setting(format!("there is no port for {target} after {listen}"))
        })?;
        Ok(SocketAddr::new(listen.ip(), port))
    }
}

/// Finds a personality by the name of a built-in one or by its file.
///
/// # Errors
/// [`StartError::Setting`] with the known names, or with what is wrong in the file.
pub fn personality(name: &str) -> Result<Personality, StartError> {
    if let Some(built_in) = Personality::named(name) {
        return Ok(built_in);
    }
    if !name.contains(['/', '\\']) && Path::new(name).extension().is_none() {
        let near = Personality::ALL
            .iter()
            .min_by_key(|known| strsim::damerau_levenshtein(name, known));
        let near = near.filter(|known| strsim::damerau_levenshtein(name, known) <= 3);
        let guess = near.map_or_else(String::new, |known| format!(", did you mean `{known}`?"));
        let known = Personality::ALL.join(", ");
        let message = format!(
            "no personality is called `{name}`{guess}; there are {known}, and files ending in .toml"
        );
        return Err(StartError::Setting(message));
    }
    let text = std::fs::read_to_string(name).map_err(|source| StartError::File {
        verb: "read",
        path: name.into(),
        source,
    })?;
    Personality::from_toml(&text).map_err(|error| {
        let cause = std::error::Error::source(&error)
            .map_or_else(String::new, |cause| format!(": {cause}"));
        StartError::Setting(format!("`{name}`: {error}{cause}"))
    })
}

/// Mocks that listen. They stop when this is dropped.
#[derive(Debug)]
pub struct Running {
    lab: Lab,
    ready: Vec<Ready>,
    _own: Option<OwnFolder>,
}

impl Running {
    /// Returns how to reach each mock, in the order in which they started.
    pub fn ready(&self) -> &[Ready] {
        &self.ready
    }

    /// Returns the mocks.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Stops them and removes the credentials, unless they were written to a folder of the caller's.
    pub async fn shutdown(self) {
        self.lab.shutdown().await;
    }
}

/// A folder for credentials that nobody chose a place for.
#[derive(Debug)]
struct OwnFolder(PathBuf);

impl OwnFolder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("outbound-mock-{:032x}", rand::random::<u128>())))
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "cannot remove the credentials");
        }
    }
}
