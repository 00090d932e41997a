//! The campaign's folder and its mocks: three organization-level targets, their faults drawn from the seed.

use std::path::Path;

use domain::Configuration;
use mocks::{Lab, Target};

use super::{CrashError, system};
use crate::mocks_of::{self, Ports};

/// The retry ladder is short, so that a campaign ends; everything else is as in the shipped configuration.
const CONFIGURATION: &str = include_str!("crash.toml");
const KEY: (&str, &[u8]) = (
    "mocks/keys/google-service-account.p12",
    include_bytes!("../../mocks/keys/google-service-account.p12"),
);

/// What is armed at every mock while the traffic runs; each draws its lots from the run's seed.
pub(super) const FAULTS: [&str; 6] = [
    "drop-before:chance=0.04,times=always",
    "drop-after:chance=0.06,times=always",
    "status:code=503,chance=0.04,times=always",
    "status:code=500,chance=0.03,times=always",
    "status:code=429,retry-after=1s,chance=0.01,times=always",
    "latency:delay=5ms..400ms,chance=0.15",
];

/// Writes the folder and starts the mocks that the working processes will speak to.
pub(super) async fn set(folder: &Path, seed: u64) -> Result<Lab, CrashError> {
    let key = folder.join(KEY.0);
    if let Some(parent) = key.parent() {
        std::fs::create_dir_all(parent).map_err(system("make the campaign's folder"))?;
    }
    std::fs::write(&key, KEY.1).map_err(system("write the mock's key"))?;
    let configuration = parse(CONFIGURATION, folder)?;
    let lab = mocks_of::start(&configuration, folder, Ports::Free, seed, None).await?;
    let text = Target::ALL
        .into_iter()
        .filter_map(|target| {
            let url = url::Url::parse(&lab.url(target)?).ok()?;
            Some((port_of(target), url.origin().ascii_serialization()))
        })
        .fold(CONFIGURATION.to_owned(), |text, (port, origin)| {
            text.replace(&format!("http://127.0.0.1:{port}"), &origin)
        });
    std::fs::write(folder.join("workbench.toml"), text)
        .map_err(system("write the campaign's configuration"))?;
    Ok(lab)
}

fn port_of(target: Target) -> u16 {
    match target {
        Target::Google => 9101,
        Target::Salesforce => 9102,
        Target::Scim2 => 9103,
    }
}

/// Reads the campaign's configuration.
pub(super) fn load(folder: &Path) -> Result<Configuration, CrashError> {
    let path = folder.join("workbench.toml");
    let text =
        std::fs::read_to_string(&path).map_err(system(format!("read {}", path.display())))?;
    parse(&text, folder)
}

fn parse(text: &str, folder: &Path) -> Result<Configuration, CrashError> {
    config::parse(text, "workbench.toml", folder, &connectors::CATALOGUE)
        .map(|loaded| loaded.configuration)
        .map_err(|error| CrashError::Configuration(error.to_string()))
}
