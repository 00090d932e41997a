//! What every test needs: a configuration, an order, a tap that remembers, and a server that says what it is told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{
    AttributeChange, Clock, Configuration, Connection, Connector, ConnectorRef, ConnectorSettings,
    Connectors, Deprovision, Desired, DesiredAttribute, EngineSettings, Exchange, GroupId,
    JitSettings, Link, LinkOrigin, LocalRef, ManualClock, MatchKey, Member, OnExisting, OnFailure,
    OperationId, Order, Organization, Origin, PasswordPlan, RemoteId, RetryPolicy, Rules, Secret,
    SecretError, SecretRef, Secrets, Setting, Tap, Unavailable, UserId, Verb,
};
use jiff::Timestamp;
use outbound_connectors::HttpConnectors;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

/// Resolves what stands in the configuration itself.
pub(crate) struct Written;

impl Secrets for Written {
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        let failed = |cause: &str| SecretError {
            reference: reference.to_string(),
            cause: cause.to_owned(),
        };
        match reference {
            SecretRef::Inline(secret) => Ok(secret.clone()),
            SecretRef::File(path) => std::fs::read_to_string(path)
                .map(Secret::new)
                .map_err(|error| failed(&error.to_string())),
            SecretRef::Env(_) | SecretRef::Command(_) => Err(failed("it is not there")),
        }
    }
}

/// Remembers every exchange, as it started and as it ended.
#[derive(Default)]
pub(crate) struct Recorder {
    started: Mutex<Vec<Exchange>>,
    finished: Mutex<Vec<Exchange>>,
}

impl Tap for Recorder {
    fn started(&self, exchange: &Exchange) {
        self.started.lock().unwrap().push(exchange.clone());
    }

    fn finished(&self, exchange: Exchange) {
        self.finished.lock().unwrap().push(exchange);
    }
}

impl Recorder {
    pub(crate) fn finished(&self) -> Vec<Exchange> {
        self.finished.lock().unwrap().clone()
    }

    /// Returns everything that anyone could look at.
    pub(crate) fn text(&self) -> String {
        let started = self.started.lock().unwrap();
        let finished = self.finished.lock().unwrap();
        format!(
            "{}\n{}\n{finished:?}",
            serde_json::to_string(&*started).unwrap(),
            serde_json::to_string(&*finished).unwrap()
        )
    }
}

/// A connector's settings on their way into a configuration.
pub(crate) struct Setup {
    pub(crate) settings: ConnectorSettings,
    pub(crate) clock: Arc<dyn Clock>,
}

pub(crate) fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

pub(crate) fn setup(kind: &str) -> Setup {
    Setup {
        settings: ConnectorSettings {
            kind: kind.into(),
            enabled: true,
            paused: false,
            settings: BTreeMap::new(),
            deprovision: Deprovision::Delete,
            on_existing: OnExisting::Fail,
            keep_username: false,
            ca_file: None,
            request_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(5),
            concurrency: 8,
            rate: None,
            learn_limit: true,
            retry: None,
            quarantine: None,
            brakes: None,
            line: None,
        },
        clock: Arc::new(ManualClock::at(now())),
    }
}

impl Setup {
    pub(crate) fn text(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, Setting::Text(value.into()));
        self
    }

    pub(crate) fn secret(mut self, key: &str, value: impl Into<String>) -> Self {
        let secret = SecretRef::Inline(Secret::new(value));
        self.set(key, Setting::Secret(secret));
        self
    }

    pub(crate) fn set(&mut self, key: &str, value: Setting) {
        self.settings.settings.insert(key.to_owned(), value);
    }

    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = timeout;
        self
    }

    pub(crate) fn ca_file(mut self, file: &Path) -> Self {
        self.settings.ca_file = Some(file.to_owned());
        self
    }

    pub(crate) fn try_build(self) -> Result<Arc<dyn Connector>, Unavailable> {
        let name = ConnectorRef {
            connection: "target".into(),
            kind: self.settings.kind.clone(),
        };
        let configuration = configuration(self.settings);
        let connectors = HttpConnectors::new(Arc::new(Written), self.clock, PathBuf::new());
        connectors.build(&configuration, &name)
    }

    pub(crate) fn build(self) -> Arc<dyn Connector> {
        self.try_build().unwrap()
    }
}

/// A SCIM2 connector to a server made by hand.
pub(crate) fn scim(server: &Server) -> Setup {
    setup("scim2")
        .text("authentication_mode", "bearer")
        .secret("access_token", "bearer-token")
        .text("user_endpoint", format!("{}/scim/Users", server.url))
        .text("group_endpoint", format!("{}/scim/Groups", server.url))
}

fn configuration(settings: ConnectorSettings) -> Configuration {
    Configuration {
        organization: Organization {
            name: "Acme".to_owned(),
            tenant_domain: "acme.example".to_owned(),
            user_stores: Vec::new(),
            provisioned_stores: Vec::new(),
        },
        connections: vec![Connection {
            id: "target".into(),
            name: "Target".to_owned(),
            description: String::new(),
            enabled: true,
            outbound_roles: Vec::new(),
            attributes: Vec::new(),
            jit: JitSettings::default(),
            login: None,
            connectors: vec![settings],
            line: None,
        }],
        applications: Vec::new(),
        resident: Vec::new(),
        rules: Rules::default(),
        engine: EngineSettings {
            journal: PathBuf::new(),
            application_fallback: true,
            real_targets: false,
            retry: RetryPolicy::default(),
            blocking_timeout: Duration::from_secs(30),
            on_failure: OnFailure::Reject,
            concurrency: 8,
            quarantine: domain::QuarantinePolicy::default(),
            brakes: domain::BrakePolicy::default(),
            retention: domain::RetentionPolicy::default(),
            metrics: None,
            traces: None,
        },
        mocks: BTreeMap::new(),
    }
}

/// One local user or group with what is known of it at the target.
#[derive(Clone)]
pub(crate) struct Local {
    pub(crate) desired: Desired,
    pub(crate) changes: Vec<AttributeChange>,
    pub(crate) link: Option<Link>,
    pub(crate) password: Option<Secret>,
    pub(crate) deprovision: Deprovision,
}

fn local(local: LocalRef, name: &str) -> Local {
    Local {
        desired: Desired {
            local,
            remote_name: name.to_owned(),
            attributes: Vec::new(),
            members: Vec::new(),
            password: PasswordPlan::None,
        },
        changes: Vec::new(),
        link: None,
        password: None,
        deprovision: Deprovision::Delete,
    }
}

pub(crate) fn user(name: &str) -> Local {
    local(LocalRef::User(UserId(Uuid::new_v4())), name)
}

pub(crate) fn group(name: &str) -> Local {
    local(LocalRef::Group(GroupId(Uuid::new_v4())), name)
}

impl Local {
    pub(crate) fn with(mut self, remote: &str, value: impl Into<Value>) -> Self {
        self.put(remote, value.into());
        self
    }

    fn put(&mut self, remote: &str, value: Value) {
        self.desired
            .attributes
            .retain(|attribute| attribute.remote != remote);
        self.desired.attributes.push(DesiredAttribute {
            remote: remote.to_owned(),
            value,
            origin: Origin::Constant,
        });
    }

    /// Says what is wanted from now on, and notes the difference as the decision would.
    pub(crate) fn change(&mut self, remote: &str, value: impl Into<Value>) {
        let value = value.into();
        let before = self
            .link
            .as_ref()
            .and_then(|link| link.written.get(remote))
            .filter(|before| !before.is_null())
            .cloned();
        self.changes.push(AttributeChange {
            remote: remote.to_owned(),
            before,
            after: value.clone(),
        });
        self.put(remote, value);
    }

    pub(crate) fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.desired.remote_name);
    }

    pub(crate) fn members(&mut self, ids: &[&RemoteId]) {
        self.desired.members = ids
            .iter()
            .map(|id| Member {
                local: LocalRef::User(UserId(Uuid::new_v4())),
                name: id.to_string(),
                remote_id: Some((*id).clone()),
            })
            .collect();
    }

    pub(crate) fn password(mut self, password: &str) -> Self {
        self.password = Some(Secret::new(password));
        self
    }

    pub(crate) fn linked(mut self, id: &str) -> Self {
        self.link = Some(Link {
            connector: ConnectorRef::new("target", "scim2"),
            local: self.desired.local,
            remote_id: RemoteId(id.to_owned()),
            remote_name: self.desired.remote_name.clone(),
            written: self.desired.values(),
            origin: LinkOrigin::Created,
            active: true,
            gone: false,
            since: now(),
            exceptions: domain::Exceptions::new(),
        });
        self
    }

    pub(crate) fn order(&self, verb: Verb) -> Order<'_> {
        Order {
            operation: OperationId(Uuid::new_v4()),
            verb,
            desired: &self.desired,
            changes: &self.changes,
            link: self.link.as_ref(),
            deprovision: self.deprovision,
            password: self.password.as_ref(),
        }
    }

    pub(crate) fn key(&self, remote_id: Option<RemoteId>) -> MatchKey {
        MatchKey {
            object: self.desired.object(),
            remote_id,
            external_id: self.desired.local.uuid().to_string(),
            remote_name: self.desired.remote_name.clone(),
        }
    }
}

/// What a server made by hand does with a request.
pub(crate) enum Reply {
    /// Writes these bytes and closes.
    Bytes(Vec<u8>),
    /// Writes the first, then the second until nobody listens any more.
    Endless(Vec<u8>, Vec<u8>),
    /// Writes the first, then one byte after the other, far apart.
    Trickle(Vec<u8>),
    /// Says nothing and waits.
    Silence,
    /// Closes without a word.
    Close,
}

/// An answer with a body.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    Reply::Bytes(bytes)
}

/// A server that does what it is told, and keeps what it was asked.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts on a port of its own; the handler gets head and body as they came.
    pub(crate) async fn start(handle: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let handle = Arc::new(handle);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, handle) = (Arc::clone(&seen), Arc::clone(&handle));
                tokio::spawn(async move {
                    // A client that hangs up in the middle is what these tests are about.
                    let _ = speak(stream, &seen, handle.as_ref()).await;
                });
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn speak(
    mut stream: TcpStream,
    seen: &Mutex<Vec<String>>,
    handle: &(impl Fn(&str) -> Reply + ?Sized),
) -> std::io::Result<()> {
    let request = read(&mut stream).await?;
    seen.lock().unwrap().push(request.clone());
    match handle(&request) {
        Reply::Bytes(bytes) => stream.write_all(&bytes).await?,
        Reply::Endless(head, chunk) => {
            stream.write_all(&head).await?;
            loop {
                stream.write_all(&chunk).await?;
            }
        }
        Reply::Trickle(head) => {
            stream.write_all(&head).await?;
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                stream.write_all(b" ").await?;
            }
        }
        Reply::Silence => {
            // Ends when the client gives up.
            while stream.read(&mut [0; 1024]).await? > 0 {}
        }
        Reply::Close => {}
    }
    stream.shutdown().await
}

async fn read(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let got = stream.read(&mut chunk).await?;
        bytes.extend_from_slice(&chunk[..got]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text[..end]
                .lines()
                .find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length:")
                        .map(str::to_owned)
                })
                .and_then(|length| length.trim().parse::<usize>().ok())
                .unwrap_or_default();
            if bytes.len() >= end + 4 + length {
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        if got == 0 {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}
