//! `outbound serve` and `outbound status`: the engine without a screen, under a service manager, and how it stands.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use domain::{Clock as _, SystemClock};
use engine::{Engine, Subscription};
use jiff::Timestamp;

use super::journal::refused;
use super::out::{Out, note};
use super::seat::heard;
use super::trouble::Trouble;
use super::{Global, answer, session};
use crate::control::{Answer, Ask, Client, Door, GREETING, Listener, Status};
use crate::exit::Exit;
use crate::metrics::{self, Metrics};
use crate::traces::Traces;

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// How long a stop waits for requests that are under way, in seconds; those that take longer are asked about at the
    /// next start
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    stop_timeout: u64,
}

/// An engine that answers at its socket.
pub(super) struct Served {
    engine: Engine,
    global: Global,
    since: Timestamp,
    state: Mutex<State>,
}

struct State {
    /// Why the file was not taken the last time.
    findings: Vec<String>,
}

impl Served {
    pub(super) fn new(engine: Engine, global: &Global) -> Arc<Self> {
        let now = SystemClock::default().now();
        Arc::new(Self {
            engine,
            global: global.clone(),
            since: now,
            state: Mutex::new(State {
                findings: Vec::new(),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the configuration again; one that cannot be used leaves the earlier one in force.
    async fn reload(&self) -> Result<(), Trouble> {
        let reloaded = async {
            let loaded = session::load(&self.global)?;
            self.engine
                .reconfigure(loaded.configuration.into())
                .await
                .map_err(refused)
        };
        match reloaded.await {
            Ok(()) => {
                let mut state = self.state();
                state.findings.clear();
                tracing::info!(file = %self.global.config.display(), "the configuration was read again and is in force");
                Ok(())
            }
            Err(trouble) => {
                for told in &trouble.happened {
                    tracing::error!(file = %self.global.config.display(), %told, "the configuration cannot be used; the earlier one stays in force");
                }
                self.state().findings.clone_from(&trouble.happened);
                Err(trouble)
            }
        }
    }

    fn status(&self) -> Result<Status, Trouble> {
        let counts = self
            .engine
            .reader()
            .counts()
            .map_err(|error| session::journal_trouble(&error))?;
        let owed = counts
            .into_iter()
            .map(|(connector, states)| {
                let open = states.into_iter().filter(|(state, _)| state.is_open());
                (connector.to_string(), open.map(|(_, count)| count).sum())
            })
            .collect();
        let state = self.state();
        Ok(Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.since,
            configuration: std::path::absolute(&self.global.config)
                .unwrap_or_else(|_| self.global.config.clone()),
            configured: self.engine.configured_at(),
            findings: state.findings.clone(),
            owed,
            limits: (self.engine.limits().into_iter())
                .map(|(connector, limit)| (connector.to_string(), limit))
                .collect(),
            quarantines: self.engine.quarantines(),
        })
    }

    async fn work(&self, ask: Ask) -> Result<Answer, Trouble> {
        match ask {
            Ask::Reload => self.reload().await.map(|()| Answer::Done),
            Ask::Status => Ok(Answer::Status {
                status: Box::new(self.status()?),
            }),
            ask => answer::carry_out(&self.engine, ask).await,
        }
    }
}

#[async_trait]
impl Door for Served {
    async fn answer(&self, ask: Ask) -> Answer {
        self.work(ask)
            .await
            .unwrap_or_else(|trouble| Answer::Refused {
                exit: trouble.exit.code(),
                tried: trouble.tried,
                happened: trouble.happened,
                advice: trouble.advice,
                there: trouble.there,
            })
    }

    fn follow(&self) -> Subscription {
        self.engine.subscribe()
    }
}

/// Finds the engine that runs on the journal, whatever is wrong with the file since it was taken.
async fn running(global: &Global, advice: &str) -> Result<Client, Trouble> {
    let place = session::place(global)?;
    match place.engine(global).await {
        Ok(client) => {
            place.tell(global);
            Ok(client)
        }
        Err(trouble) if place.broken.is_none() => Err(trouble.advise(advice)),
        Err(trouble) => Err(trouble),
    }
}

/// Opens the socket of an engine's journal.
pub(super) fn listen(global: &Global) -> Result<Listener, Trouble> {
    let journal = session::place(global)?.path;
    Listener::bind(&journal).map_err(|error| {
        Trouble::new(
            Exit::Journal,
            format!("open the socket beside {}", journal.display()),
            error,
        )
        .advise("the path of a socket has room for about 100 bytes: put the journal into a folder with a shorter name")
    })
}

#[cfg(unix)]
pub(super) async fn serve(global: &Global, out: Out, args: ServeArgs) -> Result<Exit, Trouble> {
    use tokio::signal::unix::{SignalKind, signal};

    let signals = |kind| {
        signal(kind).map_err(|error| Trouble::new(Exit::Failed, "listen for signals", error))
    };
    let mut terminate = signals(SignalKind::terminate())?;
    let mut interrupt = signals(SignalKind::interrupt())?;
    let mut hangup = signals(SignalKind::hangup())?;
    let (_, engine) = session::engine(global).await?;
    let listener = match listen(global) {
        Ok(listener) => listener,
        Err(trouble) => {
            engine.shutdown().await;
            return Err(trouble);
        }
    };
    let served = Served::new(engine.clone(), global);
    let figures = match figures(&engine).await {
        Ok(figures) => figures,
        Err(trouble) => {
            engine.shutdown().await;
            return Err(trouble);
        }
    };
    let traces = match traces(&engine) {
        Ok(traces) => traces,
        Err(trouble) => {
            engine.shutdown().await;
            return Err(trouble);
        }
    };
    let door: Arc<dyn Door> = Arc::clone(&served) as Arc<dyn Door>;
    let answering = listener.serve(door);
    tokio::pin!(answering);
    tracing::info!(pid = std::process::id(), "the engine runs");
    manager(&[sd_notify::NotifyState::Ready]);
    out.text(&format!("the engine runs (process {})", std::process::id()));
    out.value(&serde_json::json!({ "running": std::process::id() }));
    loop {
        tokio::select! {
            () = &mut answering => {}
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {
                reloading();
                if let Err(trouble) = served.reload().await {
                    note(&trouble.to_string());
                }
                manager(&[sd_notify::NotifyState::Ready]);
            }
        }
    }
    if let Some(figures) = figures {
        figures.abort();
    }
    manager(&[sd_notify::NotifyState::Stopping]);
    listener.close();
    tracing::info!("stopping: nothing new is sent, and what is under way ends");
    let patience = Duration::from_secs(args.stop_timeout);
    if tokio::time::timeout(patience, engine.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            ?patience,
            "requests are still under way; they are asked about at the next start"
        );
        engine.abort().await;
    }
    if let Some(traces) = traces {
        traces.end().await;
    }
    tracing::info!("stopped");
    Ok(Exit::Done)
}

/// Begins to send traces, when the configuration says where.
fn traces(engine: &Engine) -> Result<Option<Traces>, Trouble> {
    let configuration = engine.configuration();
    let Some(settings) = &configuration.engine.traces else {
        return Ok(None);
    };
    let traces = Traces::of(engine, settings).map_err(|told| {
        let tried = format!("send traces to {}", settings.endpoint);
        Trouble::new(Exit::Input, tried, told).advise("mend `endpoint` under [engine.traces]")
    })?;
    tracing::info!(endpoint = %settings.endpoint, "traces are sent");
    Ok(Some(traces))
}

/// Begins to tell figures, when the configuration says where.
async fn figures(engine: &Engine) -> Result<Option<tokio::task::JoinHandle<()>>, Trouble> {
    let configuration = engine.configuration();
    let Some(settings) = configuration.engine.metrics else {
        return Ok(None);
    };
    let tried = format!("tell figures at {}", settings.listen);
    if !settings.expose && !settings.listen.ip().is_loopback() {
        return Err(
            Trouble::new(Exit::Input, tried, "other machines can reach that address").advise(
                "name an address of this machine (127.0.0.1), or set `expose = true` under [engine.metrics]",
            ),
        );
    }
    let metrics = Metrics::of(engine);
    let (address, telling) = metrics::listen(metrics, settings.listen)
        .await
        .map_err(|error| {
            Trouble::new(Exit::Input, tried, error)
                .advise("stop the other process that has the port, or change `listen` under [engine.metrics]")
        })?;
    tracing::info!(%address, "figures are told at /metrics");
    Ok(Some(tokio::spawn(async move {
        if let Err(error) = telling.await {
            tracing::error!(%error, "figures are no longer told");
        }
    })))
}

fn reloading() {
    match sd_notify::NotifyState::monotonic_usec_now() {
        Ok(at) => manager(&[sd_notify::NotifyState::Reloading, at]),
        Err(error) => tracing::debug!(%error, "the service manager is not told of the reload"),
    }
}

/// Tells the service manager, when there is one.
fn manager(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

pub(super) async fn status(global: &Global, out: Out) -> Result<Exit, Trouble> {
    let advice = "no engine answers on this journal; start one with `outbound serve`";
    let client = running(global, advice).await?;
    let Some(status) = client.status().await else {
        return Err(Trouble::new(
            Exit::Journal,
            "ask the running engine",
            format!(
                "it has not said how it stands within {} seconds",
                GREETING.as_secs()
            ),
        )
        .advise("it may be stopped (`fg`, or `kill -CONT`), or be of another version"));
    };
    out.text(&format!(
        "process {} (version {}) runs since {}\nconfiguration {} of {}",
        status.pid,
        status.version,
        status.since,
        status.configuration.display(),
        status.configured
    ));
    if !status.findings.is_empty() {
        out.text(
            "the file was changed since and cannot be used; the earlier configuration is in force:",
        );
        for finding in &status.findings {
            out.text(&format!("  {finding}"));
        }
    }
    for (connector, owed) in &status.owed {
        out.text(&format!("{connector}  {owed} owed"));
    }
    for quarantine in &status.quarantines {
        out.text(&format!("{}  {}", quarantine.connector, quarantine.told()));
    }
    out.value(&status);
    Ok(Exit::Done)
}

pub(super) async fn reload(global: &Global, out: Out) -> Result<Exit, Trouble> {
    let advice = "no engine answers on this journal; a new one reads the file at its start";
    let client = running(global, advice).await?;
    heard(client.ask(&Ask::Reload).await)?;
    out.text("the configuration was read again and is in force");
    out.value(&serde_json::json!({ "reloaded": true }));
    Ok(Exit::Done)
}
