//! All three mocks together: started, seeded, armed, watched and forked as one.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use outbound_mocks::{Lab, Target};
//!
//! let lab = Lab::builder().fault("drop-after:target=scim2,kind=write").start().await?;
//! assert!(lab.url(Target::Scim2).is_some());
//! assert_eq!(lab.mock(Target::Scim2).armed().len(), 1);
//! assert!(lab.mock(Target::Google).armed().is_empty());
//! # Ok(())
//! # }
//! ```

mod credentials;
mod feed;
mod handle;
mod ready;
mod stand;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

pub use feed::LabFeed;
pub use handle::Handle;
pub use ready::{Control, Ready};

use self::stand::Stand;
use crate::{
    Builder, Mock, StartError, Target,
    clock::{Clock, SystemClock},
    fault::{FaultId, FaultSpec, SpecError},
    google::Google,
    quota::QuotaSpec,
    salesforce::Salesforce,
    scim2::{Personality, Scim2},
    server::NoSnapshot,
};

/// The allocation of a day that nobody limited; Salesforce shows it in every answer.
const UNLIMITED: u64 = 100_000_000;

/// The three mocks of one workbench. All of them have state from the beginning; each listens when it is started.
#[derive(Debug)]
pub struct Lab {
    google: Stand<Google>,
    salesforce: Stand<Salesforce>,
    scim2: Stand<Scim2>,
    expose: bool,
}

impl Lab {
    /// Starts to describe a lab: all three targets, on free ports, empty, without a fault.
    pub fn builder() -> LabBuilder {
        LabBuilder::default()
    }

    /// Returns one of the mocks, whatever its vendor.
    pub fn mock(&self, target: Target) -> &dyn Handle {
        match target {
            Target::Google => self.google.mock(),
            Target::Salesforce => self.salesforce.mock(),
            Target::Scim2 => self.scim2.mock(),
        }
    }

    /// Returns the Google mock.
    pub fn google(&self) -> &Mock<Google> {
        self.google.mock()
    }

    /// Returns the Salesforce mock.
    pub fn salesforce(&self) -> &Mock<Salesforce> {
        self.salesforce.mock()
    }

    /// Returns the SCIM2 mock.
    pub fn scim2(&self) -> &Mock<Scim2> {
        self.scim2.mock()
    }

    /// Lets one mock listen and returns its URL; nothing happens when it does already. After a stop it comes back
    /// under the address it had.
    ///
    /// # Errors
    /// [`StartError`] when the address cannot be had.
    pub async fn start(&self, target: Target) -> Result<String, StartError> {
        match target {
            Target::Google => self.google.start(self.expose).await,
            Target::Salesforce => self.salesforce.start(self.expose).await,
            Target::Scim2 => self.scim2.start(self.expose).await,
        }
    }

    /// Stops one mock, as if its machine went down; the state stays.
    pub async fn stop(&self, target: Target) {
        match target {
            Target::Google => self.google.stop().await,
            Target::Salesforce => self.salesforce.stop().await,
            Target::Scim2 => self.scim2.stop().await,
        }
    }

    /// Stops all of them.
    pub async fn shutdown(&self) {
        for target in Target::ALL {
            self.stop(target).await;
        }
    }

    /// Returns the URL of one mock, when it listens.
    pub fn url(&self, target: Target) -> Option<String> {
        match target {
            Target::Google => self.google.url(),
            Target::Salesforce => self.salesforce.url(),
            Target::Scim2 => self.scim2.url(),
        }
    }

    /// Lists the mocks that listen.
    pub fn running(&self) -> Vec<Target> {
        Target::ALL
            .into_iter()
            .filter(|target| self.url(*target).is_some())
            .collect()
    }

    /// Arms a fault from its text form, at the mock it names or at all that know its operation.
    ///
    /// # Errors
    /// [`SpecError`] when it is written wrong.
    pub fn arm(&self, spec: &str) -> Result<Vec<(Target, FaultId)>, SpecError> {
        self.arm_spec(&spec.parse()?)
    }

    /// Arms a fault at the mock it names or at all that know its operation.
    ///
    /// # Errors
    /// [`SpecError::UnknownOperation`] when none of them does.
    pub fn arm_spec(&self, spec: &FaultSpec) -> Result<Vec<(Target, FaultId)>, SpecError> {
        spec.check()?;
        let meant = Target::ALL
            .into_iter()
            .filter(|target| spec.acts_at(*target));
        meant
            .map(|target| Ok((target, self.mock(target).arm_spec(spec.clone())?)))
            .collect()
    }

    /// Disarms everything and returns how many faults that were.
    pub fn disarm_all(&self) -> usize {
        Target::ALL
            .into_iter()
            .map(|target| self.mock(target).disarm_all())
            .sum()
    }

    /// Adds the objects of a seed text with the tables `[google]`, `[salesforce]` and `[scim2]`, and makes the result
    /// what [`Lab::reset`] goes back to.
    ///
    /// # Errors
    /// [`StartError`] when it is written wrong. A table is taken whole or not at all; those before the bad one are in.
    pub fn seed(&self, toml: &str) -> Result<(), StartError> {
        Target::ALL
            .into_iter()
            .try_for_each(|target| self.mock(target).seed(toml))
    }

    /// Takes every mock back to its seed. Faults, quotas and logs stay.
    pub fn reset(&self) {
        for target in Target::ALL {
            self.mock(target).reset();
        }
    }

    /// Keeps the present state of all three under a name.
    pub fn snapshot(&self, name: &str) {
        for target in Target::ALL {
            self.mock(target).snapshot(name);
        }
    }

    /// Takes all three back to a snapshot of the lab.
    ///
    /// # Errors
    /// [`NoSnapshot`] when one of them has none of that name; the others are left where they are.
    pub fn restore(&self, name: &str) -> Result<(), NoSnapshot> {
        let known = |target: &Target| {
            self.mock(*target)
                .snapshots()
                .iter()
                .any(|known| known == name)
        };
        if !Target::ALL.iter().all(known) {
            return Err(NoSnapshot(name.to_owned()));
        }
        Target::ALL
            .into_iter()
            .try_for_each(|target| self.mock(target).restore(name))
    }

    /// Gives the SCIM2 mock another personality with the rates that it publishes; what it holds stays.
    pub fn wear(&self, personality: &Personality) {
        let scim2 = self.scim2();
        scim2.reshape(|vendor| vendor.with_personality(personality.clone()));
        scim2.set_quota(scim2.with_vendor(stand::Station::published_quota));
    }

    /// Makes another lab with the same states, for a dry run; it has no fault, and nothing of it listens yet.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            google: self.google.fork(),
            salesforce: self.salesforce.fork(),
            scim2: self.scim2.fork(),
            expose: false,
        }
    }

    /// Follows the logs of all three from here on.
    pub fn subscribe(&self) -> LabFeed {
        LabFeed::new(
            self.google().subscribe(),
            self.salesforce().subscribe(),
            self.scim2().subscribe(),
        )
    }

    /// Writes the credentials that a client needs into a folder, readable by its owner only, and tells for each mock
    /// that listens how to reach it.
    ///
    /// # Errors
    /// [`StartError::File`] when the folder or a file cannot be written.
    pub fn credentials(&self, directory: &Path) -> Result<Vec<Ready>, StartError> {
        let stations = [
            self.google.ready(directory),
            self.salesforce.ready(directory),
            self.scim2.ready(directory),
        ];
        stations.into_iter().filter_map(Result::transpose).collect()
    }
}

/// Describes a lab before it starts.
#[derive(Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct LabBuilder {
    targets: Vec<Target>,
    listen: [Option<SocketAddr>; 3],
    expose: bool,
    seeds: Vec<Seed>,
    faults: Vec<Result<FaultSpec, SpecError>>,
    personality: Option<Personality>,
    quota: Option<QuotaSpec>,
    daily_limit: Option<u64>,
    licences: Option<u64>,
    clock: Arc<dyn Clock>,
    random_seed: u64,
}

#[derive(Clone)]
enum Seed {
    Text(String),
    File(PathBuf),
}

impl fmt::Debug for LabBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabBuilder")
            .field("targets", &self.targets)
            .finish_non_exhaustive()
    }
}

impl Default for LabBuilder {
    fn default() -> Self {
        Self {
            targets: Target::ALL.to_vec(),
            listen: [None; 3],
            expose: false,
            seeds: Vec::new(),
            faults: Vec::new(),
            personality: None,
            quota: None,
            daily_limit: None,
            licences: None,
            clock: Arc::new(SystemClock::new()),
            random_seed: 0,
        }
    }
}

impl LabBuilder {
    /// Starts only these; the others have state, and can be started later.
    pub fn targets(mut self, targets: impl IntoIterator<Item = Target>) -> Self {
        self.targets = targets.into_iter().collect();
        self
    }

    /// Lets one mock listen on this address instead of a free port of the loopback interface.
    pub fn listen(mut self, target: Target, address: SocketAddr) -> Self {
        self.listen[target as usize] = Some(address);
        self
    }

    /// Allows addresses that other machines can reach.
    pub fn expose(mut self, expose: bool) -> Self {
        self.expose = expose;
        self
    }

    /// Adds objects from a TOML text with the tables `[google]`, `[salesforce]` and `[scim2]`.
    pub fn seed(mut self, toml: impl Into<String>) -> Self {
        self.seeds.push(Seed::Text(toml.into()));
        self
    }

    /// Adds objects from a TOML file.
    pub fn seed_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.seeds.push(Seed::File(path.into()));
        self
    }

    /// Arms a fault from its text form from the start, at the mock it names or at all three.
    pub fn fault(mut self, spec: &str) -> Self {
        self.faults.push(spec.parse());
        self
    }

    /// Arms a fault from the start.
    pub fn fault_spec(mut self, spec: FaultSpec) -> Self {
        self.faults.push(Ok(spec));
        self
    }

    /// Gives the SCIM2 mock a personality. The rates it publishes are counted unless [`LabBuilder::quota`] says
    /// otherwise.
    pub fn personality(mut self, personality: Personality) -> Self {
        self.personality = Some(personality);
        self
    }

    /// Limits rates at every mock.
    pub fn quota(mut self, quota: QuotaSpec) -> Self {
        self.quota = Some(quota);
        self
    }

    /// Limits the calls of 24 hours at every mock.
    pub fn daily_limit(mut self, calls: u64) -> Self {
        self.daily_limit = Some(calls);
        self
    }

    /// Limits the active accounts at every mock.
    pub fn licences(mut self, licences: u64) -> Self {
        self.licences = Some(licences);
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Draws ids and lots from this seed; see [`Builder::random_seed`].
    pub fn random_seed(mut self, seed: u64) -> Self {
        self.random_seed = seed;
        self
    }

    /// Makes the lab; nothing listens yet.
    ///
    /// # Errors
    /// [`StartError`] when a seed or a fault is written wrong.
    pub fn build(self) -> Result<Lab, StartError> {
        let scim2 = self
            .personality
            .clone()
            .map_or_else(Scim2::default, Scim2::new);
        let lab = Lab {
            google: self.stand(Target::Google, Google::default())?,
            salesforce: self.stand(Target::Salesforce, Salesforce::default())?,
            scim2: self.stand(Target::Scim2, scim2)?,
            expose: self.expose,
        };
        for spec in self.faults {
            lab.arm_spec(&spec?)?;
        }
        Ok(lab)
    }

    fn stand<V: stand::Station>(
        &self,
        target: Target,
        mut vendor: V,
    ) -> Result<Stand<V>, StartError> {
        let mut quota = match self.quota {
            Some(spec) => spec.at(target),
            None => vendor.published_quota(),
        };
        quota.daily = self.daily_limit.or(quota.daily);
        // Where nobody asked for a limit, a lesson or a load test must not run into one.
        if vendor.limit_day(quota.daily.unwrap_or(UNLIMITED)) {
            quota.daily = None;
        }
        let mut builder = Builder::new(vendor)
            .clock(Arc::clone(&self.clock))
            .random_seed(self.random_seed)
            .quota(quota);
        for seed in &self.seeds {
            builder = match seed {
                Seed::Text(text) => builder.seed(text),
                Seed::File(path) => builder.seed_file(path),
            };
        }
        if let Some(licences) = self.licences {
            builder = builder.licences(licences);
        }
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Stand::new(
            builder.build()?,
            self.listen[target as usize].unwrap_or(loopback),
        ))
    }

    /// Makes the lab and lets the chosen mocks listen.
    ///
    /// # Errors
    /// [`StartError`] when a seed or a fault is written wrong, or an address cannot be had.
    pub async fn start(self) -> Result<Lab, StartError> {
        let targets = self.targets.clone();
        let lab = self.build()?;
        for target in targets {
            lab.start(target).await?;
        }
        Ok(lab)
    }
}
