//! One test's world: two targets, a configuration, a clock that is moved by hand, a journal of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::{
    Catalogue, Change, Claim, Claims, Configuration, Connection, ConnectorRef, ConnectorSettings,
    ConnectorType, DefaultMapping, Deprovision, EngineSettings, Fallback, Form, JitSettings,
    ManualClock, MappedFrom, NameRule, NewUser, OnExisting, OnFailure, Organization, PasswordRule,
    Provisioner, QualifiedName, Request, RetryPolicy, RoleName, Rules, Secret, Setting, Source,
    StoreDomain, TargetSpec,
};
use jiff::Timestamp;
use tempfile::TempDir;

use super::double::{Doubles, Target};
use crate::{Engine, FlowTrace, Idle, Life, Options, Outcome, Reader, State, SubmitError};

/// These targets keep a text as it is.
fn as_it_is(_: &str, text: &str) -> String {
    text.to_owned()
}

const fn spec(groups: bool) -> TargetSpec {
    TargetSpec {
        name: NameRule::UserName {
            store_domain: "store",
        },
        name_attribute: "userName",
        name_form: Form::Any,
        default_mappings: &[DefaultMapping {
            remote: "email",
            from: MappedFrom::Claim("emailaddress"),
            fallback: Fallback::None,
        }],
        starters: &[],
        required: &[],
        max_lengths: &[],
        forms: &[],
        booleans: &[],
        active_attributes: &[],
        normal: as_it_is,
        reserved: &[],
        groups,
        password: PasswordRule::Provisioned {
            enabled: "passwords",
            default: "default_password",
        },
        default_deprovision: Deprovision::Delete,
        can_delete: true,
        address_settings: &["address"],
    }
}

const TYPES: &[ConnectorType] = &[
    ConnectorType {
        kind: "full",
        wso2_name: "FULL",
        label: "Full",
        fields: &[],
        target: spec(true),
    },
    ConnectorType {
        kind: "plain",
        wso2_name: "PLAIN",
        label: "Plain",
        fields: &[],
        target: spec(false),
    },
];

pub(crate) fn full() -> ConnectorRef {
    ConnectorRef::new("one", "full")
}

pub(crate) fn plain() -> ConnectorRef {
    ConnectorRef::new("two", "plain")
}

/// A second connector to the full target, where [`shared`] configures it.
pub(crate) fn twin() -> ConnectorRef {
    ConnectorRef::new("three", "full")
}

pub(crate) fn settings(kind: &str) -> ConnectorSettings {
    ConnectorSettings {
        kind: kind.into(),
        enabled: true,
        paused: false,
        settings: BTreeMap::from([("passwords".to_owned(), Setting::Flag(true))]),
        deprovision: Deprovision::Delete,
        on_existing: OnExisting::Fail,
        keep_username: false,
        ca_file: None,
        request_timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(5),
        concurrency: 8,
        rate: None,
        learn_limit: true,
        retry: None,
        quarantine: None,
        brakes: None,
        line: None,
    }
}

fn connection(id: &str, kind: &str) -> Connection {
    Connection {
        id: id.into(),
        name: id.to_owned(),
        description: String::new(),
        enabled: true,
        outbound_roles: Vec::new(),
        attributes: Vec::new(),
        jit: JitSettings {
            enabled: true,
            ..JitSettings::default()
        },
        login: None,
        connectors: vec![settings(kind)],
        line: None,
    }
}

pub(crate) fn provisioner(connector: ConnectorRef) -> Provisioner {
    Provisioner {
        connector,
        blocking: false,
        rules: false,
        jit: true,
        on_failure: OnFailure::Reject,
        timeout: Some(Duration::from_secs(30)),
        line: None,
    }
}

fn configuration() -> Configuration {
    Configuration {
        organization: Organization {
            name: "Acme".to_owned(),
            tenant_domain: "acme.example".to_owned(),
            user_stores: vec![StoreDomain::new("EMPLOYEES")],
            provisioned_stores: Vec::new(),
        },
        connections: vec![connection("one", "full"), connection("two", "plain")],
        applications: Vec::new(),
        resident: vec![provisioner(full()), provisioner(plain())],
        rules: Rules::default(),
        engine: EngineSettings {
            journal: PathBuf::new(),
            application_fallback: true,
            real_targets: false,
            retry: RetryPolicy {
                jitter: false,
                ..RetryPolicy::default()
            },
            blocking_timeout: Duration::from_secs(30),
            on_failure: OnFailure::Reject,
            concurrency: 64,
            quarantine: domain::QuarantinePolicy::default(),
            brakes: domain::BrakePolicy::default(),
            retention: domain::RetentionPolicy::default(),
            metrics: None,
            traces: None,
        },
        mocks: BTreeMap::new(),
    }
}

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) clock: ManualClock,
    pub(crate) full: Arc<Target>,
    pub(crate) plain: Arc<Target>,
    pub(crate) configuration: Configuration,
    pub(crate) engine: Engine,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts with a changed configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut Configuration)) -> Self {
        Self::keeping(true, change).await
    }

    /// Starts with targets that keep an external id, or do not.
    pub(crate) async fn keeping(
        external_id: bool,
        change: impl FnOnce(&mut Configuration),
    ) -> Self {
        let mut configuration = configuration();
        change(&mut configuration);
        let clock = ManualClock::at("2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap());
        let full = Target::new(clock.clone(), external_id);
        let plain = Target::new(clock.clone(), external_id);
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder, &clock, &full, &plain, configuration.clone());
        let engine = Engine::start(options).await.unwrap();
        engine
            .seed(&crate::Seed::parse("roles = ['Internal/manager']").unwrap())
            .await
            .unwrap();
        Self {
            folder,
            clock,
            full,
            plain,
            configuration,
            engine,
        }
    }

    pub(crate) fn options(&self) -> Options {
        options(
            &self.folder,
            &self.clock,
            &self.full,
            &self.plain,
            self.configuration.clone(),
        )
    }

    /// Ends the engine as a killed process would, and starts another on the same journal.
    pub(crate) async fn crash(&mut self) {
        self.engine.abort().await;
        self.full.open.send_replace(true);
        self.plain.open.send_replace(true);
        self.engine = Engine::start(self.options()).await.unwrap();
    }

    pub(crate) async fn reconfigure(&mut self, change: impl FnOnce(&mut Configuration)) {
        change(&mut self.configuration);
        self.engine
            .reconfigure(Arc::new(self.configuration.clone()))
            .await
            .unwrap();
    }

    pub(crate) fn reader(&self) -> Reader {
        self.engine.reader()
    }

    pub(crate) async fn submit(&self, change: Change) -> Result<Outcome, SubmitError> {
        self.engine.submit(console(change)).await
    }

    pub(crate) async fn create(&self, name: &str) -> Outcome {
        self.submit(create(name)).await.unwrap()
    }

    pub(crate) async fn mail(&self, name: &str, value: &str) -> Outcome {
        self.submit(mail(name, value)).await.unwrap()
    }

    pub(crate) async fn delete(&self, name: &str) -> Outcome {
        self.submit(Change::DeleteUser { user: name.into() })
            .await
            .unwrap()
    }

    /// Moves the clock from one due instant to the next until nothing waits any more.
    pub(crate) async fn settle(&self) -> Idle {
        loop {
            let idle = self.engine.idle().await;
            let Some(next) = idle.next else {
                return idle;
            };
            let now = domain::Clock::now(&self.clock);
            let step = Duration::try_from(next.duration_since(now)).unwrap_or(Duration::ZERO);
            self.clock.advance(step.max(Duration::from_micros(1)));
        }
    }

    pub(crate) fn trace(&self, outcome: &Outcome) -> FlowTrace {
        self.reader().trace(outcome.flow).unwrap().unwrap()
    }

    /// Returns the states of a flow's operations at one connector.
    pub(crate) fn lives(&self, outcome: &Outcome, connector: &ConnectorRef) -> Vec<State> {
        self.trace(outcome)
            .operations
            .iter()
            .filter(|operation| operation.queued.connector == *connector)
            .map(|operation| operation.life.state())
            .collect()
    }

    pub(crate) fn life(&self, outcome: &Outcome, connector: &ConnectorRef) -> Life {
        self.trace(outcome)
            .operations
            .iter()
            .find(|operation| operation.queued.connector == *connector)
            .expect("an operation at the connector")
            .life
    }

    /// Waits until the engine has written a fact that the test looks for.
    pub(crate) async fn until(&self, wanted: impl Fn(&crate::Fact) -> bool) {
        let mut news = self.engine.subscribe();
        for record in self.reader().export(0) {
            if wanted(&record.unwrap().fact) {
                return;
            }
        }
        while let Some(piece) = news.next().await {
            if let crate::News::Fact(record) = piece
                && wanted(&record.fact)
            {
                return;
            }
        }
        panic!("the engine ended before the fact came");
    }
}

fn options(
    folder: &TempDir,
    clock: &ManualClock,
    full_target: &Arc<Target>,
    plain_target: &Arc<Target>,
    configuration: Configuration,
) -> Options {
    Options {
        configuration: Arc::new(configuration),
        catalogue: Catalogue(TYPES),
        connectors: Arc::new(Doubles(HashMap::from([
            (full(), Arc::clone(full_target)),
            (plain(), Arc::clone(plain_target)),
            (twin(), Arc::clone(full_target)),
        ]))),
        clock: Arc::new(clock.clone()),
        journal: folder.path().join("journal.db"),
        seed: 7,
        sends: true,
    }
}

pub(crate) fn console(change: Change) -> Request {
    Request {
        change,
        source: Source::Console,
        application: None,
        connection: None,
    }
}

pub(crate) fn user(name: &str) -> NewUser {
    NewUser {
        name: QualifiedName::new(name),
        claims: claims(&format!("{name}@acme.example")),
        roles: BTreeSet::new(),
        groups: BTreeSet::new(),
    }
}

fn claims(mail: &str) -> Claims {
    Claims::from([(Claim::new("emailaddress"), vec![mail.to_owned()])])
}

pub(crate) fn create(name: &str) -> Change {
    Change::CreateUser {
        user: user(name),
        password: None,
    }
}

pub(crate) fn create_with(name: &str, password: &str) -> Change {
    Change::CreateUser {
        user: user(name),
        password: Some(Secret::new(password)),
    }
}

pub(crate) fn mail(name: &str, value: &str) -> Change {
    Change::UpdateUser {
        user: name.into(),
        set: claims(value),
        remove: BTreeSet::new(),
        rename: None,
    }
}

pub(crate) fn rename(name: &str, to: &str) -> Change {
    Change::UpdateUser {
        user: name.into(),
        set: Claims::new(),
        remove: BTreeSet::new(),
        rename: Some(to.to_owned()),
    }
}

pub(crate) fn role(name: &str) -> RoleName {
    RoleName::new(name)
}

/// Makes a configuration's only provisioner the full target, so that a test has one lane.
pub(crate) fn only_full(configuration: &mut Configuration) {
    configuration.resident = vec![provisioner(full())];
}

/// Adds a second connector to the full target, for managers only. Both are listed, and the plain one is not.
pub(crate) fn shared(configuration: &mut Configuration) {
    let mut partner = connection("three", "full");
    partner.outbound_roles = vec![role("manager")];
    configuration.connections.push(partner);
    for connection in &mut configuration.connections {
        if connection.id.0 != "two" {
            let address = Setting::Text("http://127.0.0.1:9/accounts".to_owned());
            let settings = &mut connection.connectors[0].settings;
            settings.insert("address".to_owned(), address);
        }
    }
    configuration.resident = vec![provisioner(full()), provisioner(twin())];
}
