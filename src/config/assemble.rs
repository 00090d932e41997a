//! Makes the configuration from the checked tree. What does not fit was reported by the check and is left out here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{
    Application, ApplicationId, AttributeMapping, BrakePolicy, Catalogue, Configuration,
    Connection, ConnectionId, ConnectorKind, ConnectorRef, ConnectorSettings, ConnectorType,
    Deprovision, EngineSettings, Field, FieldKind, JitSettings, LoginSettings, MetricsSettings,
    MockSettings, OnFailure, Organization, PolicyText, Provisioner, QuarantinePolicy,
    RetentionPolicy, RetryPolicy, RoleName, Rules, Secret, SecretRef, Setting, StoreDomain,
    TracesSettings,
};
use serde::de::DeserializeOwned;
use serde::de::value::{Error as WordError, StrDeserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::check::{find, is_shown};
use crate::finding::Problem;
use crate::source::Source;
use crate::words;

/// Builds the configuration; reads the policy files.
pub(crate) struct Assembly<'a> {
    pub(crate) source: &'a Source,
    pub(crate) base: &'a Path,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) problems: Vec<Problem>,
}

impl Assembly<'_> {
    pub(crate) fn configuration(&mut self, root: &DeTable<'_>) -> Configuration {
        let root = Node(Some(root));
        let engine = engine(root.child("engine"));
        let connections = root
            .children("connections")
            .map(|(node, line)| self.connection(node, line, &engine));
        let connections = connections.collect();
        Configuration {
            organization: organization(root.child("organization")),
            connections,
            applications: root
                .children("applications")
                .map(|(node, at)| Application {
                    id: ApplicationId(node.text("id").unwrap_or_default()),
                    name: node.text("name").or(node.text("id")).unwrap_or_default(),
                    login: node.texts("login").into_iter().map(ConnectionId).collect(),
                    provisioners: self.provisioners(node, false, &engine),
                    line: Some(self.source.line(at)),
                })
                .collect(),
            resident: self.provisioners(root.child("resident"), true, &engine),
            rules: self.rules(root.child("rules")),
            mocks: self.mocks(root.child("mocks")),
            engine,
        }
    }

    fn connection(&self, node: Node<'_, '_>, at: usize, engine: &EngineSettings) -> Connection {
        let id = node.text("id").unwrap_or_default();
        Connection {
            name: node.text("name").unwrap_or_else(|| id.clone()),
            id: ConnectionId(id),
            description: node.text("description").unwrap_or_default(),
            enabled: node.flag("enabled", true),
            outbound_roles: node
                .texts("outbound_roles")
                .iter()
                .map(|role| RoleName::new(role))
                .collect(),
            attributes: node
                .children("attributes")
                .map(|(node, at)| self.attribute(node, at))
                .collect(),
            jit: jit(node.child("jit")),
            login: node.child("login").0.map(|table| login(Node(Some(table)))),
            connectors: node
                .children("connectors")
                .map(|(node, at)| self.connector(node, at, engine))
                .collect(),
            line: Some(self.source.line(at)),
        }
    }

    fn attribute(&self, node: Node<'_, '_>, at: usize) -> AttributeMapping {
        AttributeMapping {
            remote: node.text("remote").unwrap_or_default(),
            local: node.text("local").map(|claim| claim.as_str().into()),
            default: node.text("default"),
            value: node.text("value"),
            on_empty: node.word("on_empty").unwrap_or_default(),
            connector: node.text("connector").map(|word| self.kind(&word)),
            line: Some(self.source.line(at)),
        }
    }

    /// One of an unknown type, which is an error already, keeps its place in the list.
    fn connector(
        &self,
        node: Node<'_, '_>,
        at: usize,
        engine: &EngineSettings,
    ) -> ConnectorSettings {
        let word = node.text("type").unwrap_or_default();
        let kind = self.catalogue.find(&word);
        let (retry, left_alone, brakes) = (
            node.child("retry"),
            node.child("quarantine"),
            node.child("brakes"),
        );
        let settings = kind.zip(node.0).map(|(kind, table)| {
            let of = |field: &Field| Some((field.key.to_owned(), setting(field, kind, table)?));
            kind.fields.iter().filter_map(of).collect()
        });
        let usual = kind.map_or(Deprovision::Delete, |kind| kind.target.default_deprovision);
        ConnectorSettings {
            kind: kind.map_or(word.as_str(), |kind| kind.kind).into(),
            enabled: node.flag("enabled", false),
            paused: node.flag("paused", false),
            settings: settings.unwrap_or_default(),
            deprovision: node.word("deprovision").unwrap_or(usual),
            on_existing: node.word("on_existing").unwrap_or_default(),
            keep_username: node.flag("keep_username", false),
            ca_file: node.path("ca_file"),
            request_timeout: node
                .duration("request_timeout")
                .unwrap_or(Duration::from_secs(30)),
            connect_timeout: node
                .duration("connect_timeout")
                .unwrap_or(Duration::from_secs(5)),
            concurrency: node.count("concurrency").unwrap_or(8),
            rate: node.text("rate").and_then(|text| words::quota(&text)),
            learn_limit: node.flag("learn_limit", true),
            retry: retry.0.map(|_| policy(retry)),
            quarantine: left_alone
                .0
                .map(|_| quarantine(left_alone, &engine.quarantine)),
            brakes: brakes.0.map(|_| brake(brakes, &engine.brakes)),
            line: Some(self.source.line(at)),
        }
    }

    fn kind(&self, word: &str) -> ConnectorKind {
        self.catalogue
            .find(word)
            .map_or(word, |kind| kind.kind)
            .into()
    }

    fn provisioners(
        &self,
        node: Node<'_, '_>,
        jit: bool,
        engine: &EngineSettings,
    ) -> Vec<Provisioner> {
        let provisioner = |(node, at): (Node<'_, '_>, usize)| Provisioner {
            connector: ConnectorRef {
                connection: ConnectionId(node.text("connection").unwrap_or_default()),
                kind: self.kind(&node.text("connector").unwrap_or_default()),
            },
            blocking: node.flag("blocking", false),
            rules: node.flag("rules", false),
            jit: node.flag("jit", jit),
            on_failure: node.word("on_failure").unwrap_or(engine.on_failure),
            timeout: node.duration("timeout"),
            line: Some(self.source.line(at)),
        };
        node.children("provisioners").map(provisioner).collect()
    }

    fn rules(&mut self, node: Node<'_, '_>) -> Rules {
        let mut policies = Vec::new();
        if let (Some(text), Some(value)) = (node.text("policies"), node.get("policies")) {
            let line = self.source.line(value.span().start);
            policies.push(PolicyText {
                from: format!("{}:{line}", self.source.name),
                text,
            });
        }
        let files = node
            .get("files")
            .and_then(|files| files.get_ref().as_array());
        for file in files.into_iter().flatten() {
            let Some(name) = file.get_ref().as_str() else {
                continue;
            };
            match std::fs::read_to_string(self.base.join(name)) {
                Ok(text) => policies.push(PolicyText {
                    from: name.to_owned(),
                    text,
                }),
                Err(cause) => self.problems.push(Problem::error(
                    "file-unreadable",
                    file.span(),
                    format!("the policies in `{name}` cannot be read: {cause}"),
                    "correct the path; it is relative to this file",
                )),
            }
        }
        Rules {
            policies,
            on_deny: node.word("on_deny").unwrap_or_default(),
        }
    }

    fn mocks(&self, node: Node<'_, '_>) -> BTreeMap<String, MockSettings> {
        let known = self
            .catalogue
            .0
            .iter()
            .filter(|kind| node.get(kind.kind).is_some());
        known
            .map(|kind| {
                let mock = node.child(kind.kind);
                let settings = MockSettings {
                    start: mock.flag("start", true),
                    port: mock.count("port").unwrap_or(0),
                    personality: mock.text("personality"),
                    seed: mock.path("seed"),
                    quota: mock.text("quota").and_then(|text| words::quota(&text)),
                    licences: mock.count("licences"),
                    faults: mock.texts("faults"),
                };
                (kind.kind.to_owned(), settings)
            })
            .collect()
    }
}

fn organization(node: Node<'_, '_>) -> Organization {
    let stores = |key| -> Vec<StoreDomain> {
        node.texts(key)
            .iter()
            .map(|name| StoreDomain::new(name))
            .collect()
    };
    let mut user_stores = stores("user_stores");
    if !user_stores.iter().any(StoreDomain::is_primary) {
        user_stores.insert(0, StoreDomain::default());
    }
    Organization {
        name: node.text("name").unwrap_or_default(),
        tenant_domain: node.text("tenant_domain").unwrap_or_default(),
        user_stores,
        provisioned_stores: stores("provisioned_stores"),
    }
}

fn jit(node: Node<'_, '_>) -> JitSettings {
    JitSettings {
        enabled: node.flag("enabled", false),
        scheme: node.word("scheme").unwrap_or_default(),
        user_store: StoreDomain::new(&node.text("user_store").unwrap_or_default()),
        associate_local_user: node.flag("associate_local_user", false),
        skip_when_not_found: node.flag("skip_when_not_found", false),
        attribute_sync: node.word("attribute_sync").unwrap_or_default(),
        override_roles: node.flag("override_roles", false),
    }
}

fn login(node: Node<'_, '_>) -> LoginSettings {
    LoginSettings {
        protocol: node.word("protocol").unwrap_or_default(),
        client_id: node.text("client_id"),
        client_secret: node
            .get("client_secret")
            .and_then(|value| secret(value.get_ref())),
        authorization_endpoint: node.text("authorization_endpoint"),
        token_endpoint: node.text("token_endpoint"),
    }
}

fn engine(node: Node<'_, '_>) -> EngineSettings {
    EngineSettings {
        journal: node.path("journal").unwrap_or_else(|| "outbound.db".into()),
        application_fallback: node.flag("application_fallback", true),
        real_targets: node.flag("real_targets", false),
        retry: policy(node.child("retry")),
        blocking_timeout: node
            .duration("blocking_timeout")
            .unwrap_or(Duration::from_secs(30)),
        on_failure: node.word("on_failure").unwrap_or(OnFailure::Reject),
        concurrency: node.count("concurrency").unwrap_or(64),
        quarantine: quarantine(node.child("quarantine"), &QuarantinePolicy::default()),
        brakes: brake(node.child("brakes"), &BrakePolicy::default()),
        retention: retention(node.child("retention")),
        metrics: metrics(node.child("metrics")),
        traces: traces(node.child("traces")),
    }
}

fn traces(node: Node<'_, '_>) -> Option<TracesSettings> {
    let endpoint = node.text("endpoint")?;
    let mut url = url::Url::parse(&endpoint).ok()?;
    if url.path() == "/" {
        url.set_path("/v1/traces");
    }
    Some(TracesSettings {
        endpoint: url.into(),
    })
}

/// Less than the least that is kept counts as that.
fn retention(node: Node<'_, '_>) -> RetentionPolicy {
    let usual = RetentionPolicy::default();
    let time = |key, usual| {
        node.duration(key)
            .unwrap_or(usual)
            .max(RetentionPolicy::LEAST)
    };
    RetentionPolicy {
        enabled: node.flag("enabled", usual.enabled),
        flows: time("flows", usual.flows),
        bodies: time("bodies", usual.bodies),
        size_bytes: node
            .text("size")
            .and_then(|text| words::size(&text))
            .unwrap_or(usual.size_bytes),
    }
}

/// What is left out is as in `usual`.
fn quarantine(node: Node<'_, '_>, usual: &QuarantinePolicy) -> QuarantinePolicy {
    QuarantinePolicy {
        enabled: node.flag("enabled", usual.enabled),
        operations: node.count("operations").unwrap_or(usual.operations),
        failed_percent: node.count("failed_percent").unwrap_or(usual.failed_percent),
        window: node.duration("window").unwrap_or(usual.window),
        refusals: node.count("refusals").unwrap_or(usual.refusals),
        probe: node.duration("probe").unwrap_or(usual.probe),
        probe_at_most: node
            .duration("probe_at_most")
            .unwrap_or(usual.probe_at_most),
    }
}

/// What is left out is as in `usual`.
fn brake(node: Node<'_, '_>, usual: &BrakePolicy) -> BrakePolicy {
    BrakePolicy {
        enabled: node.flag("enabled", usual.enabled),
        percent: node.count("percent").unwrap_or(usual.percent),
        count: node.count("count").unwrap_or(usual.count),
        window: node.duration("window").unwrap_or(usual.window),
    }
}

fn metrics(node: Node<'_, '_>) -> Option<MetricsSettings> {
    Some(MetricsSettings {
        listen: node.text("listen")?.parse().ok()?,
        expose: node.flag("expose", false),
    })
}

fn policy(node: Node<'_, '_>) -> RetryPolicy {
    let usual = RetryPolicy::default();
    let ladder: Vec<Duration> = node
        .texts("ladder")
        .iter()
        .filter_map(|text| words::duration(text))
        .collect();
    RetryPolicy {
        ladder: if ladder.is_empty() {
            usual.ladder
        } else {
            ladder
        },
        give_up_after: node
            .duration("give_up_after")
            .unwrap_or(usual.give_up_after),
        jitter: node.flag("jitter", usual.jitter),
    }
}

/// Reads a connector's setting; one that was left out has its default while it is shown.
fn setting(field: &Field, kind: &ConnectorType, table: &DeTable<'_>) -> Option<Setting> {
    let written = find(table, field).map(Spanned::get_ref);
    let blank = matches!(written, Some(DeValue::String(text)) if text.trim().is_empty());
    match (field.kind, written.filter(|_| !blank)) {
        (FieldKind::Secret | FieldKind::SecretFile, value) => secret(value?).map(Setting::Secret),
        (FieldKind::Flag, Some(DeValue::Boolean(flag))) => Some(Setting::Flag(*flag)),
        (FieldKind::List, Some(DeValue::Array(items))) => Some(Setting::List(texts(items))),
        (FieldKind::Choice(choices), Some(DeValue::String(text))) => {
            let choice = choices
                .iter()
                .find(|choice| choice.eq_ignore_ascii_case(text))?;
            Some(Setting::Text((*choice).to_owned()))
        }
        (_, Some(DeValue::String(text))) => Some(Setting::Text(text.to_string())),
        (_, Some(_)) | (FieldKind::List, None) => None,
        (FieldKind::Flag, None) => Some(Setting::Flag(
            field.default.filter(|_| is_shown(field, kind, table))? == "true",
        )),
        (_, None) => field
            .default
            .filter(|_| is_shown(field, kind, table))
            .map(|text| Setting::Text(text.to_owned())),
    }
}

fn secret(value: &DeValue<'_>) -> Option<SecretRef> {
    match value {
        DeValue::String(text) if text.trim().is_empty() => None,
        DeValue::String(text) => Some(SecretRef::Inline(Secret::new(text.as_ref()))),
        DeValue::Table(table) => {
            let node = Node(Some(table));
            let env = node.text("env").map(SecretRef::Env);
            let command = Some(node.texts("command")).filter(|words| !words.is_empty());
            env.or_else(|| node.path("file").map(SecretRef::File))
                .or_else(|| command.map(SecretRef::Command))
        }
        _ => None,
    }
}

fn texts(items: &[Spanned<DeValue<'_>>]) -> Vec<String> {
    items
        .iter()
        .filter_map(|item| item.get_ref().as_str())
        .map(ToOwned::to_owned)
        .collect()
}

/// A table that may be absent. Blank texts count as absent.
#[derive(Clone, Copy)]
struct Node<'t, 'i>(Option<&'t DeTable<'i>>);

impl<'t, 'i> Node<'t, 'i> {
    fn get(self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.0?.get(key)
    }

    fn text(self, key: &str) -> Option<String> {
        let text = self.get(key)?.get_ref().as_str()?;
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    fn texts(self, key: &str) -> Vec<String> {
        self.get(key)
            .and_then(|value| value.get_ref().as_array())
            .map(|items| texts(items))
            .unwrap_or_default()
    }

    fn path(self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    fn flag(self, key: &str, default: bool) -> bool {
        self.get(key)
            .and_then(|value| value.get_ref().as_bool())
            .unwrap_or(default)
    }

    fn count<T: TryFrom<u64>>(self, key: &str) -> Option<T> {
        let number = self.get(key)?.get_ref().as_integer()?;
        T::try_from(u64::from_str_radix(number.as_str(), number.radix()).ok()?).ok()
    }

    fn duration(self, key: &str) -> Option<Duration> {
        words::duration(&self.text(key)?)
    }

    /// Reads a word of a closed list as serde spells it.
    fn word<T: DeserializeOwned>(self, key: &str) -> Option<T> {
        let word = self.text(key)?.to_ascii_lowercase();
        T::deserialize(StrDeserializer::<WordError>::new(&word)).ok()
    }

    fn child(self, key: &str) -> Node<'t, 'i> {
        Node(self.get(key).and_then(|value| value.get_ref().as_table()))
    }

    /// Returns the tables of an array with the offset of each.
    fn children(self, key: &str) -> impl Iterator<Item = (Node<'t, 'i>, usize)> + use<'t, 'i> {
        let items = self.get(key).and_then(|value| value.get_ref().as_array());
        items
            .into_iter()
            .flatten()
            .filter_map(|item| Some((Node(Some(item.get_ref().as_table()?)), item.span().start)))
    }
}
