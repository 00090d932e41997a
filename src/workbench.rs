//! The wiring: configuration, secrets, connectors and engine joined together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::{FileSecrets, Finding, Loaded};
use connectors::{CATALOGUE, HttpConnectors};
use domain::{Clock, Configuration, SystemClock};
use engine::{Engine, Options, StartError};

/// Makes what an engine is started with.
///
/// Relative paths of secrets and authorities are relative to `base`, the folder of `workbench.toml`.
pub fn options(
    configuration: Arc<Configuration>,
    base: &Path,
    journal: PathBuf,
    seed: u64,
) -> Options {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    options_by(clock, configuration, base, journal, seed)
}

/// Makes what an engine is started with that goes by another clock than the system's.
pub fn options_by(
    clock: Arc<dyn Clock>,
    configuration: Arc<Configuration>,
    base: &Path,
    journal: PathBuf,
    seed: u64,
) -> Options {
    connectors::install_crypto();
    let secrets = Arc::new(FileSecrets::new(base));
    Options {
        configuration,
        catalogue: CATALOGUE,
        connectors: Arc::new(HttpConnectors::new(
            secrets,
            Arc::clone(&clock),
            base.to_owned(),
        )),
        clock,
        journal,
        seed,
        sends: true,
    }
}

/// Starts the engine of a loaded configuration.
///
/// # Errors
/// [`StartError`] when the journal or the rules cannot be used.
pub async fn start(loaded: &Loaded, base: &Path, journal: PathBuf) -> Result<Engine, StartError> {
    Engine::start(options(
        Arc::new(loaded.configuration.clone()),
        base,
        journal,
        any_seed(),
    ))
    .await
}

/// Draws a seed: ids and jitter must differ from run to run; only scenarios ask for the same run again.
pub fn any_seed() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}

/// Returns the journal's file: the one asked for, or the configured one relative to `base`.
pub fn journal_file(configuration: &Configuration, base: &Path, asked: Option<&Path>) -> PathBuf {
    asked.map_or_else(|| base.join(&configuration.engine.journal), Path::to_owned)
}

/// Returns the errors among findings.
pub fn errors(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings
        .iter()
        .filter(|finding| finding.severity == config::Severity::Error)
}

/// Waits until the process is asked to stop: Ctrl-C, SIGTERM or SIGHUP. Listens from the call on, not only from the
/// first poll: who says that it is ready has to be stopped in order from then on.
///
/// # Panics
/// Outside a runtime.
pub fn stop_signal() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let signals = {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        kinds.map(signal)
    };
    async move {
        #[cfg(unix)]
        if let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            return;
        }
        let _ = tokio::signal::ctrl_c().await; // without a handler the signals end the process by themselves
    }
}
