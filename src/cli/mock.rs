//! `outbound mock`: starts mock targets, and steers those that were started.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use mocks::fault::{Fault, FaultSpec};
use mocks::quota::QuotaSpec;
use mocks::{Ready, StandAlone, Target};
use serde::Deserialize;
use serde_json::{Value, json};

use super::out::Out;
use super::trouble::Trouble;
use super::{Global, out};
use crate::exit::Exit;
use crate::mock_keys;
use crate::mocks_of::{self, MocksError, Ports};

#[derive(Debug, Subcommand)]
pub(super) enum MockCommand {
    /// Starts the Google Directory mock
    Google(StartArgs),
    /// Starts the Salesforce mock
    Salesforce(StartArgs),
    /// Starts the SCIM 2.0 mock
    Scim2(StartArgs),
    /// Starts all three, as workbench.toml describes them
    All(StartArgs),
    /// Starts only the mocks that workbench.toml says to start, as it says
    Configured {
        /// What ids and the lots of faults are drawn from; another one at each start when left out
        #[arg(long, value_name = "N")]
        random_seed: Option<u64>,
    },
    /// Lists the faults that can be armed, and those that are
    Faults {
        #[command(flatten)]
        at: At,
    },
    /// Arms a fault at a running mock: NAME:KEY=VALUE,…, as in drop-after:op=Users.create,times=1
    Arm {
        #[command(flatten)]
        at: At,
        /// The fault
        spec: String,
    },
    /// Disarms one fault, or all
    Disarm {
        #[command(flatten)]
        at: At,
        /// The number that arming gave it
        id: Option<u64>,
    },
    /// Shows what a running mock was asked, and what changed
    Log {
        #[command(flatten)]
        at: At,
        /// Only entries after this number
        #[arg(long, default_value_t = 0)]
        after: u64,
    },
    /// Shows what a running mock holds
    Objects {
        #[command(flatten)]
        at: At,
    },
    /// Puts a running mock back to its seed
    Reset {
        #[command(flatten)]
        at: At,
    },
    /// Keeps the state of a running mock under a name
    Snapshot {
        #[command(flatten)]
        at: At,
        /// The name
        name: String,
    },
    /// Goes back to a kept state
    Restore {
        #[command(flatten)]
        at: At,
        /// The name
        name: String,
    },
    /// Makes every token that a running mock gave out void
    ExpireTokens {
        #[command(flatten)]
        at: At,
    },
}

/// How a mock is started. What is said here takes the place of what workbench.toml says, where there is one.
#[derive(Debug, Args)]
pub(super) struct StartArgs {
    /// The address; port 0 for a free one. Several mocks take this port and those after it. Without it each has its port
    /// of workbench.toml, or 9101, 9102 and 9103 where nothing is said of it
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Allows an address that other machines can reach
    #[arg(long)]
    expose: bool,
    /// What the mocks hold at the start, a TOML file with the tables [google], [salesforce], [scim2]
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// The SCIM2 mock's manners: a built-in name or a TOML file
    #[arg(long, value_name = "NAME")]
    personality: Option<String>,
    /// Arms a fault from the start; repeat for several
    #[arg(long = "fault", value_name = "SPEC", value_parser = fault)]
    faults: Vec<FaultSpec>,
    /// Limits the rate: N/SECONDS, `published` for the vendor's own figures, or `none`
    #[arg(long, value_name = "N/SECONDS")]
    quota: Option<QuotaSpec>,
    /// Limits the calls of 24 hours
    #[arg(long, value_name = "N")]
    daily_limit: Option<u64>,
    /// Limits the active accounts
    #[arg(long, value_name = "N")]
    licences: Option<u64>,
    /// Where the credentials are written; a folder of their own that goes with the mocks when left out
    #[arg(long, value_name = "DIR")]
    credentials_dir: Option<PathBuf>,
    /// What ids and the lots of faults are drawn from; another one at each start when left out
    #[arg(long, value_name = "N")]
    random_seed: Option<u64>,
}

/// Which running mock is meant.
#[derive(Debug, Args)]
pub(super) struct At {
    /// google, salesforce or scim2
    target: Target,
}

pub(super) async fn mock(global: &Global, out: Out, command: MockCommand) -> Result<Exit, Trouble> {
    match command {
        MockCommand::Google(args) => stand_alone(global, out, vec![Target::Google], args).await,
        MockCommand::Salesforce(args) => {
            stand_alone(global, out, vec![Target::Salesforce], args).await
        }
        MockCommand::Scim2(args) => stand_alone(global, out, vec![Target::Scim2], args).await,
        MockCommand::All(args) => stand_alone(global, out, Target::ALL.to_vec(), args).await,
        MockCommand::Configured { random_seed } => configured(global, out, random_seed).await,
        MockCommand::Faults { at } => faults(&Control::of(global, at.target)?, out).await,
        MockCommand::Arm { at, spec } => {
            let said = Control::of(global, at.target)?
                .ask("POST", "faults", Some(json!({ "spec": spec })))
                .await?;
            out.text(&format!("armed as {}", said["id"]));
            out.value(&said);
            Ok(Exit::Done)
        }
        MockCommand::Disarm { at, id } => {
            let path = id.map_or_else(|| "faults".to_owned(), |id| format!("faults/{id}"));
            let said = Control::of(global, at.target)?
                .ask("DELETE", &path, None)
                .await?;
            out.text("disarmed");
            out.value(&said);
            Ok(Exit::Done)
        }
        MockCommand::Log { at, after } => log(&Control::of(global, at.target)?, out, after).await,
        MockCommand::Objects { at } => objects(&Control::of(global, at.target)?, out).await,
        MockCommand::Reset { at } => steer(global, out, at.target, "POST", "reset").await,
        MockCommand::Snapshot { at, name } => {
            steer(
                global,
                out,
                at.target,
                "PUT",
                &format!("snapshots/{}", segment(&name)),
            )
            .await
        }
        MockCommand::Restore { at, name } => {
            steer(
                global,
                out,
                at.target,
                "POST",
                &format!("snapshots/{}/restore", segment(&name)),
            )
            .await
        }
        MockCommand::ExpireTokens { at } => {
            steer(global, out, at.target, "POST", "tokens/expire").await
        }
    }
}

async fn stand_alone(
    global: &Global,
    out: Out,
    targets: Vec<Target>,
    args: StartArgs,
) -> Result<Exit, Trouble> {
    if args.expose {
        out::note(
            "warning: --expose lets other machines reach a mock whose credentials are public",
        );
    }
    let said = StandAlone {
        targets,
        listen: args.listen,
        expose: args.expose,
        seeds: args.seed.into_iter().collect(),
        personality: args.personality,
        faults: args.faults,
        quota: args.quota,
        daily_limit: args.daily_limit,
        licences: args.licences,
        credentials_dir: args.credentials_dir,
        random_seed: args.random_seed.unwrap_or_else(mocks_of::any_seed),
        ..StandAlone::default()
    };
    let targets = said.targets.clone();
    let base = super::session::base(global);
    let loaded = if global.config.exists() {
        Some(super::session::load(global)?)
    } else {
        None
    };
    let stand = if let Some(loaded) = &loaded {
        mocks_of::completed(&said, &loaded.configuration, &base).map_err(not_started)?
    } else {
        if out.shows_progress() {
            out::note(&format!(
                "there is no {}, so nothing of the mocks is taken from it",
                global.config.display()
            ));
        }
        said
    };
    let running = stand.start().await.map_err(|error| {
        let exposed = matches!(error, mocks::StartError::Exposed(_));
        let trouble = not_started(error);
        if exposed {
            trouble.advise("add --expose when that is meant: the credentials of a mock are public")
        } else {
            trouble
        }
    })?;
    if let Some(loaded) = &loaded {
        tell_keys(out, loaded, &base, &targets);
    }
    announce(global, out, running.ready()).await?;
    running.shutdown().await;
    Ok(Exit::Done)
}

async fn configured(global: &Global, out: Out, random_seed: Option<u64>) -> Result<Exit, Trouble> {
    let loaded = super::session::load(global)?;
    let base = super::session::base(global);
    let seed = random_seed.unwrap_or_else(mocks_of::any_seed);
    let lab = mocks_of::start(&loaded.configuration, &base, Ports::Configured, seed, None)
        .await
        .map_err(not_started)?;
    tell_keys(out, &loaded, &base, &lab.running());
    let folder = tempfile::tempdir()
        .map_err(|error| Trouble::new(Exit::Failed, "make a folder for credentials", error))?;
    let ready = lab.credentials(folder.path()).map_err(not_started)?;
    announce(global, out, &ready).await?;
    lab.shutdown().await;
    Ok(Exit::Done)
}

/// Writes the key files of mocks that are not there where the configuration looks for them, and says so.
fn tell_keys(out: Out, loaded: &config::Loaded, base: &Path, targets: &[Target]) {
    let catalogue = &connectors::CATALOGUE;
    for key in mock_keys::provide(&loaded.configuration, catalogue, base, targets) {
        if !key.is_there || out.shows_progress() {
            out::note(&key.told);
        }
    }
}

fn not_started(error: impl Into<MocksError>) -> Trouble {
    let error = error.into();
    let mut told = vec![error.to_string()];
    let mut cause = std::error::Error::source(&error);
    while let Some(this) = cause {
        told.push(this.to_string());
        cause = this.source();
    }
    if matches!(error, MocksError::Start(mocks::StartError::Bind { .. })) {
        let trouble = Trouble::new(Exit::Target, "start the mocks", told.join("\n"));
        return trouble.advise(
            "another process listens there. When it is an open workbench, its mocks are steered as they are (`outbound \
             mock faults TARGET`); else give them other ports under [mocks] of workbench.toml, or an address with --listen",
        );
    }
    Trouble::new(Exit::Input, "start the mocks", told.join("\n"))
}

/// Prints how to reach the mocks, notes it for the steering commands, and waits for the end.
async fn announce(global: &Global, out: Out, ready: &[Ready]) -> Result<(), Trouble> {
    let stopped = crate::workbench::stop_signal();
    let note = ControlFile::write(global, ready)?;
    for mock in ready {
        out.text(&mock.to_string());
        out.value(mock);
    }
    if out.shows_progress() {
        out::note(
            "ready; Ctrl-C stops them. Steer them with `outbound mock arm|faults|log|objects|reset|snapshot|restore`",
        );
        if let Some(mock) = ready.first() {
            let seed = mock.random_seed();
            out::note(&format!(
                "what they create has ids of its own in this run; --random-seed {seed} gives the same ids and lots again"
            ));
        }
    }
    stopped.await;
    drop(note);
    Ok(())
}

async fn steer(
    global: &Global,
    out: Out,
    target: Target,
    method: &'static str,
    path: &str,
) -> Result<Exit, Trouble> {
    let said = Control::of(global, target)?.ask(method, path, None).await?;
    out.text(&format!("{target}: done"));
    out.value(&said);
    Ok(Exit::Done)
}

/// Reads a fault that some mock can have.
fn fault(text: &str) -> Result<FaultSpec, mocks::fault::SpecError> {
    let spec: FaultSpec = text.parse()?;
    spec.check()?;
    Ok(spec)
}

async fn faults(control: &Control, out: Out) -> Result<Exit, Trouble> {
    let said = control.ask("GET", "faults", None).await?;
    let armed = said["armed"].as_array().cloned().unwrap_or_default();
    if armed.is_empty() {
        out.text("nothing is armed");
    }
    for entry in &armed {
        out.text(&format!("armed {entry}"));
    }
    out.text("\ncan be armed:");
    for row in Fault::ALL {
        out.text(&format!("  {:<20}{}", row.name, row.sentence));
    }
    out.value(&said);
    Ok(Exit::Done)
}

async fn log(control: &Control, out: Out, after: u64) -> Result<Exit, Trouble> {
    let said = control
        .ask("GET", &format!("log?after={after}"), None)
        .await?;
    for entry in said["entries"].as_array().into_iter().flatten() {
        let fault = match entry["faults"].as_array() {
            Some(faults) if !faults.is_empty() => format!("  faults {}", entry["faults"]),
            _ => String::new(),
        };
        out.text(&format!(
            "{:>5}  {} {} -> {}  {}{fault}",
            entry["number"],
            entry["method"].as_str().unwrap_or_default(),
            entry["path"].as_str().unwrap_or_default(),
            entry["status"],
            entry["operation"].as_str().unwrap_or_default(),
        ));
        for change in entry["changes"].as_array().into_iter().flatten() {
            out.text(&format!(
                "         {} {}.{}: {} -> {}",
                change["object"].as_str().unwrap_or_default(),
                change["name"].as_str().unwrap_or_default(),
                change["field"].as_str().unwrap_or_default(),
                change["before"],
                change["after"]
            ));
        }
        out.value(entry);
    }
    Ok(Exit::Done)
}

async fn objects(control: &Control, out: Out) -> Result<Exit, Trouble> {
    let said = control.ask("GET", "objects", None).await?;
    for object in said["objects"].as_array().into_iter().flatten() {
        out.text(&format!(
            "{} {}  {}",
            object["object"].as_str().unwrap_or_default(),
            object["name"].as_str().unwrap_or_default(),
            object["content"]
        ));
        out.value(object);
    }
    Ok(Exit::Done)
}

fn segment(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// Where `outbound mock` notes how its mocks are steered, for the commands that steer them: beside `workbench.toml`,
/// readable by its owner only, gone when the mocks stop.
pub(super) struct ControlFile {
    path: PathBuf,
    /// What was noted: other mocks may have been noted in its place since.
    text: String,
}

/// How long a mock that was noted may take to answer; it is on this machine.
const ANSWERS: Duration = Duration::from_secs(2);

impl ControlFile {
    fn path(global: &Global) -> PathBuf {
        super::session::base(global)
            .join(".outbound")
            .join("mocks.json")
    }

    /// Notes how the mocks of an open workbench are steered; where other mocks were noted already and still run, they stay.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be written. The mocks run all the same.
    pub(super) async fn beside(global: &Global, lab: &mocks::Lab) -> Result<Option<Self>, Trouble> {
        for control in noted(&Self::path(global)) {
            if control.answers().await {
                return Ok(None);
            }
        }
        let folder = tempfile::tempdir()
            .map_err(|error| Trouble::new(Exit::Failed, "make a folder for credentials", error))?;
        let ready = lab.credentials(folder.path()).map_err(not_started)?;
        if ready.is_empty() {
            return Ok(None);
        }
        Self::write(global, &ready).map(Some)
    }

    fn write(global: &Global, ready: &[Ready]) -> Result<Self, Trouble> {
        let path = Self::path(global);
        let failed = |error: &dyn std::fmt::Display| {
            Trouble::new(Exit::Failed, format!("write {}", path.display()), error)
                .advise("run it in a folder that can be written to, or name one with --config")
        };
        let text = serde_json::to_string(ready).map_err(|error| failed(&error))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        write_private(&path, &text).map_err(|error| failed(&error))?;
        Ok(Self { path, text })
    }
}

impl Drop for ControlFile {
    fn drop(&mut self) {
        let is_ours = fs::read_to_string(&self.path).is_ok_and(|text| text == self.text);
        if is_ours {
            let _ = fs::remove_file(&self.path); // it only names mocks that no longer run
        }
    }
}

/// Reads how the mocks are steered that were noted; nothing where nothing was, or nothing that can be read.
fn noted(path: &Path) -> Vec<Control> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let noted: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
    let controls = noted.iter().map(|ready| ready["control"].clone());
    controls
        .filter_map(|control| serde_json::from_value(control).ok())
        .collect()
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}

/// How one running mock is steered.
#[derive(Debug, Deserialize)]
struct Control {
    url: String,
    authorization: String,
}

impl Control {
    fn of(global: &Global, target: Target) -> Result<Self, Trouble> {
        let path = ControlFile::path(global);
        let tried = format!("steer the {target} mock");
        let text = fs::read_to_string(&path).map_err(|_| {
            Trouble::new(
                Exit::Target,
                tried.clone(),
                format!("no mock was started beside {}", global.config.display()),
            )
            .advise("start it in another terminal: outbound mock all")
        })?;
        let noted: Vec<Value> = serde_json::from_str(&text).map_err(|error| {
            Trouble::new(Exit::Failed, format!("read {}", path.display()), error)
        })?;
        noted
            .into_iter()
            .find(|ready| ready["mock"] == target.name())
            .and_then(|ready| serde_json::from_value(ready["control"].clone()).ok())
            .ok_or_else(|| {
                Trouble::new(
                    Exit::Target,
                    tried,
                    format!("the mocks that run do not include {target}"),
                )
                .advise(format!("start it: outbound mock {target}"))
            })
    }

    /// Tells whether the mock still runs. That somebody listens at its address is not enough: a mock that was started since
    /// has the same port and another bearer.
    async fn answers(&self) -> bool {
        let asked = tokio::time::timeout(ANSWERS, self.ask("GET", "faults", None)).await;
        matches!(asked, Ok(Ok(_)))
    }

    async fn ask(
        &self,
        method: &'static str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Trouble> {
        let tried = "steer the mock";
        let failed = |error: &dyn std::fmt::Display| {
            Trouble::new(Exit::Target, tried, error)
                .advise("is it still running? start it with `outbound mock`")
        };
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| failed(&error))?;
        let method =
            reqwest::Method::from_bytes(method.as_bytes()).map_err(|error| failed(&error))?;
        let mut request = client
            .request(method, format!("{}/{path}", self.url))
            .header(reqwest::header::AUTHORIZATION, &self.authorization);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let status = answer.status();
        let said: Value = answer.json().await.map_err(|error| failed(&error))?;
        if status.is_success() {
            return Ok(said);
        }
        let told = said["error"]
            .as_str()
            .unwrap_or("the mock refused")
            .to_owned();
        Err(Trouble::new(Exit::Usage, tried, told)
            .advise("see `outbound mock faults TARGET` for what can be armed"))
    }
}
