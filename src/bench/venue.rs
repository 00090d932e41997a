//! Where a part is measured: the mocks in a process of their own, and a folder with a configuration that speaks to them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use connectors::CATALOGUE;
use domain::Configuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::BenchError;

const WORKBENCH: &str = include_str!("workbench.toml");
const KEY: &[u8] = include_bytes!("../../mocks/keys/google-service-account.p12");

/// The other two targets, beside SCIM2.
const OTHERS: &str = r#"[[resident.provisioners]]
connection = "acme-google"
connector = "google"

[[resident.provisioners]]
connection = "acme-salesforce"
connector = "salesforce"
"#;

/// Which targets are provisioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Targets {
    /// SCIM2 alone.
    One,
    /// All three.
    Three,
}

impl Targets {
    pub(super) fn count(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Three => 3,
        }
    }
}

/// The addresses of the mocks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Addresses {
    pub(super) google: String,
    pub(super) salesforce: String,
    pub(super) scim2: String,
    /// The value of an `Authorization` header that SCIM2 lets in.
    pub(super) authorization: String,
    /// How each is put back to empty: address and `Authorization` of its control surface.
    controls: Vec<(String, String)>,
}

/// All three mocks, empty and without limits, in a process of their own that ends with this value.
pub(super) struct Mocks {
    pub(super) addresses: Addresses,
    _process: Child,
    _folder: tempfile::TempDir,
}

impl Mocks {
    pub(super) async fn start() -> Result<Self, BenchError> {
        let failed = |error: std::io::Error| BenchError::Process(error.to_string());
        let folder = tempfile::tempdir().map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        let mut process = Command::new(program)
            .args(["mock", "all", "--json", "--quota", "none"])
            .args(["--listen", "127.0.0.1:0", "--random-seed", "0"])
            .arg("--config")
            .arg(folder.path().join("workbench.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let told = process.stdout.take().ok_or(BenchError::NoMocks)?;
        let mut lines = BufReader::new(told).lines();
        let mut addresses = Addresses {
            google: String::new(),
            salesforce: String::new(),
            scim2: String::new(),
            authorization: String::new(),
            controls: Vec::new(),
        };
        for _ in 0..3 {
            let line = lines.next_line().await.map_err(failed)?;
            let ready: Value = serde_json::from_str(&line.ok_or(BenchError::NoMocks)?)
                .map_err(|_| BenchError::NoMocks)?;
            let text = |at: &str| {
                let value = ready.pointer(at).and_then(Value::as_str);
                value.map(str::to_owned).ok_or(BenchError::NoMocks)
            };
            match ready["mock"].as_str() {
                Some("google") => addresses.google = text("/url")?,
                Some("salesforce") => addresses.salesforce = text("/url")?,
                _ => {
                    addresses.scim2 = text("/url")?;
                    addresses.authorization = text("/authorization")?;
                }
            }
            addresses
                .controls
                .push((text("/control/url")?, text("/control/authorization")?));
        }
        Ok(Self {
            addresses,
            _process: process,
            _folder: folder,
        })
    }
}

impl Addresses {
    /// Returns address and `Authorization` of the SCIM2 mock's control surface.
    pub(super) fn control(&self) -> (&str, &str) {
        let at = format!("{}/", self.scim2.trim_end_matches("/scim/v2"));
        self.controls
            .iter()
            .find(|(url, _)| url.starts_with(&at))
            .map_or(("", ""), |(url, authorization)| (url, authorization))
    }

    /// Empties the mocks.
    pub(super) async fn reset(&self) -> Result<(), BenchError> {
        let failed = |error: reqwest::Error| BenchError::Wire(error.to_string());
        let client = client(1)?;
        for (url, authorization) in &self.controls {
            let answer = client
                .post(format!("{url}/reset"))
                .header(reqwest::header::AUTHORIZATION, authorization)
                .send()
                .await;
            answer
                .and_then(reqwest::Response::error_for_status)
                .map_err(failed)?;
        }
        Ok(())
    }
}

/// Returns a bare client.
pub(super) fn client(connections: usize) -> Result<reqwest::Client, BenchError> {
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(connections)
        .build()
        .map_err(|error| BenchError::Wire(error.to_string()))
}

/// Writes and loads a configuration, as a user would have it.
pub(super) fn configuration(
    folder: &Path,
    addresses: &Addresses,
    targets: Targets,
    concurrency: usize,
) -> Result<Arc<Configuration>, BenchError> {
    let failed = |error: std::io::Error| BenchError::Process(error.to_string());
    let three = targets == Targets::Three;
    let token = addresses.authorization.trim_start_matches("Bearer ");
    let overall = concurrency.saturating_mul(usize::try_from(targets.count()).unwrap_or(1));
    let text = WORKBENCH
        .replace("{scim2_token}", token)
        .replace("{scim2}", &addresses.scim2)
        .replace("{google}", &addresses.google)
        .replace("{salesforce}", &addresses.salesforce)
        .replace("{concurrency}", &concurrency.to_string())
        .replace("{overall}", &overall.to_string())
        .replace("{three}", &three.to_string())
        .replace("{provisioners}", if three { OTHERS } else { "" });
    let path = folder.join("workbench.toml");
    std::fs::write(&path, text).map_err(failed)?;
    std::fs::write(folder.join("google-service-account.p12"), KEY).map_err(failed)?;
    let loaded = config::load(&path, &CATALOGUE)
        .map_err(|error| BenchError::Configuration(error.to_string()))?;
    Ok(Arc::new(loaded.configuration))
}

/// Returns the journal's file in a folder.
pub(super) fn journal(folder: &Path) -> PathBuf {
    folder.join("outbound.db")
}
