//! The server around one vendor: socket, body, gzip, faults, quotas and the request log.
//!
//! [`Mock`] is the state and can be used without a socket; [`Server`] is a mock that listens.

mod body;
mod control;
mod history;
mod state;
mod wire;

use std::{
    net::{Ipv4Addr, SocketAddr},
    ops::Deref,
    path::PathBuf,
    sync::Arc,
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use control::PREFIX as CONTROL_PREFIX;
pub use state::{Mock, NoSnapshot};

use crate::{
    Vendor,
    clock::{Clock, SystemClock},
    fault::{FaultSpec, SpecError},
    quota::Quota,
};

/// How large a request body may be after it is unpacked.
pub const BODY_LIMIT_BYTES: usize = 16 * 1024 * 1024;
/// How large the request log may grow.
pub const LOG_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// Why a mock did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is reachable from outside, and nobody said it should be.
    #[error(
        "{0} is reachable from other machines, and a mock takes anybody's requests; expose it explicitly or listen on 127.0.0.1"
    )]
    Exposed(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file cannot be read or written.
    #[error("cannot {verb} `{}`", path.display())]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The seed is no TOML.
    #[error("the seed{} is no TOML", in_file(.path.as_ref()))]
    SeedSyntax {
        /// The file, unless the seed was given as text.
        path: Option<PathBuf>,
        /// What the parser says, with line and column.
        source: toml::de::Error,
    },
    /// The seed is TOML, but no seed.
    #[error("the seed{}: {reason}", in_file(.path.as_ref()))]
    Seed {
        /// The file, unless the seed was given as text.
        path: Option<PathBuf>,
        /// Which entry, and what is wrong with it.
        reason: String,
    },
    /// A fault is written wrong.
    #[error(transparent)]
    Fault(#[from] SpecError),
    /// A setting makes no sense for what is started.
    #[error("{0}")]
    Setting(String),
}

fn in_file(path: Option<&PathBuf>) -> String {
    path.map_or_else(String::new, |path| format!(" `{}`", path.display()))
}

/// A mock that listens. It stops when it is dropped.
#[derive(Debug)]
pub struct Server<V: Vendor> {
    mock: Mock<V>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl<V: Vendor + Default> Server<V> {
    /// Starts to describe a server with the vendor's defaults, on a free port of the loopback interface.
    pub fn builder() -> Builder<V> {
        Builder::new(V::default())
    }
}

impl<V: Vendor> Server<V> {
    /// Returns `http://host:port` followed by the path under which clients find the vendor's API.
    pub fn url(&self) -> String {
        format!(
            "{}{}",
            self.base_url(),
            self.with_vendor(|vendor| vendor.path().to_owned())
        )
    }

    /// Returns `http://host:port`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address it listens on, the port never 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the state behind it, which outlives it.
    pub fn mock(&self) -> &Mock<V> {
        &self.mock
    }

    /// Stops listening and cuts what is connected. The state lives on in clones of [`Server::mock`].
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true); // a loop that ended by itself hears nothing
        let _ = (&mut self.accepting).await; // a panic in the loop was already reported by its thread
    }
}

impl<V: Vendor> Deref for Server<V> {
    type Target = Mock<V>;

    fn deref(&self) -> &Mock<V> {
        &self.mock
    }
}

impl<V: Vendor> Drop for Server<V> {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl<V: Vendor> Mock<V> {
    /// Listens on an address; port 0 takes a free one.
    ///
    /// # Errors
    /// [`StartError::Exposed`] when the address is not of the loopback interface and `expose` is not set,
    /// [`StartError::Bind`] when it cannot be had.
    pub async fn serve(&self, address: SocketAddr, expose: bool) -> Result<Server<V>, StartError> {
        if !address.ip().is_loopback() && !expose {
            return Err(StartError::Exposed(address));
        }
        let bind = |source| StartError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(wire::accept(listener, address, self.clone(), stopped));
        tracing::debug!(mock = V::NAME, %address, "listening");
        Ok(Server {
            mock: self.clone(),
            address,
            stop,
            accepting,
        })
    }
}

/// Where a seed comes from.
#[derive(Debug, Clone)]
enum Seed {
    Text(String),
    File(PathBuf),
}

/// Describes a server before it starts.
#[derive(Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder<V: Vendor> {
    vendor: V,
    seeds: Vec<Seed>,
    listen: SocketAddr,
    expose: bool,
    faults: Vec<Result<FaultSpec, SpecError>>,
    quota: Quota,
    licences: Option<u64>,
    clock: Arc<dyn Clock>,
    random_seed: u64,
    log_limit_bytes: usize,
    body_limit_bytes: usize,
}

impl<V: Vendor> Builder<V> {
    /// Starts to describe a server around a vendor.
    pub fn new(vendor: V) -> Self {
        Self {
            vendor,
            seeds: Vec::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            expose: false,
            faults: Vec::new(),
            quota: Quota::none(),
            licences: None,
            clock: Arc::new(SystemClock::new()),
            random_seed: 0,
            log_limit_bytes: LOG_LIMIT_BYTES,
            body_limit_bytes: BODY_LIMIT_BYTES,
        }
    }

    /// Adds objects from a TOML text with the tables `[google]`, `[salesforce]` and `[scim2]`; those of other targets
    /// are left alone.
    pub fn seed(mut self, toml: impl Into<String>) -> Self {
        self.seeds.push(Seed::Text(toml.into()));
        self
    }

    /// Adds objects from a TOML file, as [`Builder::seed`] does.
    pub fn seed_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.seeds.push(Seed::File(path.into()));
        self
    }

    /// Listens on this address instead of a free port of the loopback interface.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Allows an address that other machines can reach.
    pub fn expose(mut self, expose: bool) -> Self {
        self.expose = expose;
        self
    }

    /// Arms a fault from its text form from the start.
    pub fn fault(mut self, spec: &str) -> Self {
        self.faults.push(spec.parse());
        self
    }

    /// Arms a fault from the start.
    pub fn fault_spec(mut self, spec: FaultSpec) -> Self {
        self.faults.push(Ok(spec));
        self
    }

    /// Limits rates, concurrency and the calls of a day.
    pub fn quota(mut self, quota: Quota) -> Self {
        self.quota = quota;
        self
    }

    /// Limits the calls of 24 hours.
    pub fn daily_limit(mut self, calls: u64) -> Self {
        self.quota.daily = Some(calls);
        self
    }

    /// Limits the active accounts.
    pub fn licences(mut self, licences: u64) -> Self {
        self.licences = Some(licences);
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Draws ids and lots from this seed: the same seed and the same requests give the same run. Without it they are drawn
    /// from 0, so that a test is the same every time; mocks that take turns at one address want a new seed each.
    pub fn random_seed(mut self, seed: u64) -> Self {
        self.random_seed = seed;
        self
    }

    /// Bounds the request log.
    pub fn log_limit_bytes(mut self, bytes: usize) -> Self {
        self.log_limit_bytes = bytes;
        self
    }

    /// Bounds the request bodies, unpacked.
    pub fn body_limit_bytes(mut self, bytes: usize) -> Self {
        self.body_limit_bytes = bytes;
        self
    }

    /// Changes the vendor, for instance its personality.
    pub fn map_vendor(mut self, change: impl FnOnce(V) -> V) -> Self {
        self.vendor = change(self.vendor);
        self
    }

    /// Makes the state without a socket.
    ///
    /// # Errors
    /// [`StartError`] when a seed or a fault is written wrong.
    pub fn build(mut self) -> Result<Mock<V>, StartError> {
        let now = self.clock.now();
        self.vendor.number_from(self.random_seed);
        for seed in std::mem::take(&mut self.seeds) {
            let (path, text) = match seed {
                Seed::Text(text) => (None, text),
                Seed::File(path) => {
                    let text =
                        std::fs::read_to_string(&path).map_err(|source| StartError::File {
                            verb: "read",
                            path: path.clone(),
                            source,
                        })?;
                    (Some(path), text)
                }
            };
            sow(&mut self.vendor, &text, now).map_err(|reason| match reason {
                Barren::Syntax(source) => StartError::SeedSyntax {
                    path: path.clone(),
                    source,
                },
                Barren::Reason(reason) => StartError::Seed {
                    path: path.clone(),
                    reason,
                },
            })?;
        }
        if self.licences.is_some() {
            self.vendor.set_licences(self.licences);
        }
        let mock = Mock::new(
            self.vendor,
            state::Settings {
                quota: self.quota,
                licences: self.licences,
                clock: self.clock,
                random_seed: self.random_seed,
                log_limit_bytes: self.log_limit_bytes,
                body_limit_bytes: self.body_limit_bytes,
            },
        );
        for spec in self.faults {
            mock.arm_spec(spec?)?;
        }
        Ok(mock)
    }

    /// Makes the state and listens.
    ///
    /// # Errors
    /// [`StartError`] when a seed or a fault is written wrong, or the address cannot be had.
    pub async fn start(self) -> Result<Server<V>, StartError> {
        let (listen, expose) = (self.listen, self.expose);
        self.build()?.serve(listen, expose).await
    }
}

/// Why a seed did not grow.
enum Barren {
    Syntax(toml::de::Error),
    Reason(String),
}

/// Seeds one vendor from its table of a seed text. A table that belongs to nobody is an error, so that a slip of the
/// pen does not seed nothing.
fn sow<V: Vendor>(vendor: &mut V, text: &str, now: jiff::Timestamp) -> Result<(), Barren> {
    let seed: toml::Table = toml::from_str(text).map_err(Barren::Syntax)?;
    for (name, value) in &seed {
        if name != V::NAME {
            name.parse::<crate::Target>()
                .map_err(|unknown| Barren::Reason(unknown.to_string()))?;
            continue;
        }
        let table = value
            .as_table()
            .ok_or_else(|| Barren::Reason(format!("`{name}` is not a table")))?;
        vendor.seed(table, now).map_err(Barren::Reason)?;
    }
    Ok(())
}
