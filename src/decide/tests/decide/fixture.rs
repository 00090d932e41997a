//! A small world: three connector types, one connection of each, and kim.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use decide::{Decider, Decisions, Policies};
use domain::{
    Application, ApplicationId, AttributeMapping, Catalogue, Claim, Configuration, Connection,
    ConnectorRef, ConnectorSettings, ConnectorType, DefaultMapping, Deprovision, Desired,
    EngineSettings, Fallback, Field, FieldKind, FlowId, Form, Group, GroupId, JitSettings, Link,
    LinkOrigin, LocalRef, MappedFrom, NameRule, Object, OnEmpty, OnExisting, OnFailure,
    Organization, PasswordRule, Planned, PolicyText, Provisioner, QualifiedName, RemoteId,
    RetryPolicy, RoleName, Rules, Setting, Snapshot, Source, StoreDomain, Subject, TargetSpec,
    Trigger, TriggerId, TriggerKind, User, UserId, Verdict,
};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

pub(crate) const GOOGLE: &str = "acme-google/google";
pub(crate) const SALESFORCE: &str = "acme-sales/salesforce";
pub(crate) const SCIM: &str = "corp-scim/scim2";
/// Where there is one, it writes to the same target as [`SCIM`].
pub(crate) const TWIN: &str = "partner/scim2";

const fn field(key: &'static str, default: Option<&'static str>) -> Field {
    Field {
        key,
        wso2_key: None,
        label: key,
        kind: FieldKind::Text,
        required: false,
        default,
        hint: "",
        only_when: None,
    }
}

/// What the targets of this world do with a text: addresses lose their case.
fn lower_mail(field: &str, text: &str) -> String {
    if field.to_ascii_lowercase().contains("mail") {
        text.to_lowercase()
    } else {
        text.to_owned()
    }
}

pub(crate) static CATALOGUE: Catalogue = Catalogue(&[
    ConnectorType {
        kind: "google",
        wso2_name: "googleapps",
        label: "Google",
        fields: &[
            field("given_name_claim", Some("givenname")),
            field("family_name_claim", Some("lastname")),
            field("given_name_default", None),
            field("google_domain", None),
            field("pattern", None),
            field("separator", None),
            field("base_url", Some("https://admin.googleapis.com")),
        ],
        target: TargetSpec {
            name: NameRule::Pattern {
                pattern: "pattern",
                separator: "separator",
                domain: "google_domain",
            },
            name_attribute: "primaryEmail",
            name_form: Form::Mailbox {
                forbidden: "+",
                most: 64,
                reserved: &["abuse"],
            },
            default_mappings: &[
                DefaultMapping {
                    remote: "name.givenName",
                    from: MappedFrom::Setting("given_name_claim"),
                    fallback: Fallback::Setting("given_name_default"),
                },
                DefaultMapping {
                    remote: "name.familyName",
                    from: MappedFrom::Setting("family_name_claim"),
                    fallback: Fallback::UserName,
                },
            ],
            starters: &[],
            required: &["primaryEmail", "name.givenName", "name.familyName"],
            max_lengths: &[],
            forms: &[],
            booleans: &[],
            active_attributes: &["suspended"],
            normal: lower_mail,
            reserved: &["password"],
            groups: false,
            password: PasswordRule::RandomOnCreate,
            default_deprovision: Deprovision::Delete,
            can_delete: true,
            address_settings: &["base_url"],
        },
    },
    ConnectorType {
        kind: "salesforce",
        wso2_name: "salesforce",
        label: "Salesforce",
        fields: &[
            field("domain_name", None),
            field("pattern", None),
            field("separator", None),
            field("provisioning_domain", None),
        ],
        target: TargetSpec {
            name: NameRule::Pattern {
                pattern: "pattern",
                separator: "separator",
                domain: "provisioning_domain",
            },
            name_attribute: "Username",
            name_form: Form::Any,
            default_mappings: &[],
            starters: &[],
            required: &["Username", "LastName", "ProfileId"],
            max_lengths: &[("Alias", 8), ("Username", 80)],
            forms: &[("Email", Form::Address)],
            booleans: &["ForecastEnabled"],
            active_attributes: &["IsActive"],
            normal: lower_mail,
            reserved: &["Username"],
            groups: false,
            password: PasswordRule::Never,
            default_deprovision: Deprovision::Deactivate,
            can_delete: false,
            address_settings: &["domain_name"],
        },
    },
    ConnectorType {
        kind: "scim2",
        wso2_name: "SCIM2",
        label: "SCIM2",
        fields: &[
            field("authentication_mode", Some("basic")),
            field("user_endpoint", None),
            field("group_endpoint", None),
            Field {
                only_when: Some(("authentication_mode", &["clientCredential"])),
                ..field("token_endpoint", None)
            },
            field("user_store_domain", None),
            field("enable_password_provisioning", Some("true")),
            field("default_password", None),
            Field {
                kind: FieldKind::Secret,
                ..field("password", None)
            },
        ],
        target: TargetSpec {
            name: NameRule::UserName {
                store_domain: "user_store_domain",
            },
            name_attribute: "userName",
            name_form: Form::Any,
            default_mappings: &[
                DefaultMapping {
                    remote: "name.givenName",
                    from: MappedFrom::Claim("givenname"),
                    fallback: Fallback::None,
                },
                DefaultMapping {
                    remote: "title",
                    from: MappedFrom::Claim("title"),
                    fallback: Fallback::None,
                },
            ],
            starters: &[],
            required: &["userName"],
            max_lengths: &[],
            forms: &[],
            booleans: &["active"],
            active_attributes: &["active"],
            normal: lower_mail,
            reserved: &["id"],
            groups: true,
            password: PasswordRule::Provisioned {
                enabled: "enable_password_provisioning",
                default: "default_password",
            },
            default_deprovision: Deprovision::Delete,
            can_delete: true,
            address_settings: &["user_endpoint", "group_endpoint", "token_endpoint"],
        },
    },
]);

/// Everything a decision looks at.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) configuration: Configuration,
    pub(crate) snapshot: Snapshot,
}

impl World {
    /// Three connections, nobody listed, kim in the primary store.
    pub(crate) fn new() -> Self {
        let connections = vec![
            connection(
                GOOGLE,
                20,
                Deprovision::Delete,
                &[
                    ("google_domain", "acme.example"),
                    ("base_url", "http://127.0.0.1:9101"),
                ],
            ),
            Connection {
                attributes: vec![
                    mapping("LastName", |row| row.local = Some("lastname".into())),
                    mapping("ProfileId", |row| row.value = Some("00e1".to_owned())),
                ],
                ..connection(
                    SALESFORCE,
                    40,
                    Deprovision::Deactivate,
                    &[("domain_name", "http://localhost:9102")],
                )
            },
            connection(
                SCIM,
                60,
                Deprovision::Delete,
                &[
                    ("user_endpoint", "http://127.0.0.1:9103/scim2/Users"),
                    ("group_endpoint", "http://127.0.0.1:9103/scim2/Groups"),
                ],
            ),
        ];
        Self {
            configuration: Configuration {
                organization: Organization {
                    name: "Acme".to_owned(),
                    tenant_domain: "carbon.super".to_owned(),
                    user_stores: vec![StoreDomain::default(), StoreDomain::new("SALES")],
                    provisioned_stores: Vec::new(),
                },
                connections,
                applications: Vec::new(),
                resident: Vec::new(),
                rules: Rules::default(),
                engine: EngineSettings {
                    journal: "outbound.db".into(),
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
            },
            snapshot: Snapshot {
                after: Some(Subject::User(kim())),
                ..Snapshot::default()
            },
        }
    }

    /// A world where the organization lists connectors.
    pub(crate) fn listing(connectors: &[&str]) -> Self {
        let mut world = Self::new();
        for connector in connectors {
            world.configuration.resident.push(entry(connector));
        }
        world
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Gives an application provisioners of its own.
    pub(crate) fn application(self, id: &str, connectors: &[&str]) -> Self {
        let application = Application {
            id: id.into(),
            name: id.to_owned(),
            login: Vec::new(),
            provisioners: connectors
                .iter()
                .map(|connector| entry(connector))
                .collect(),
            line: Some(80),
        };
        self.with(|world| world.configuration.applications.push(application))
    }

    /// Adds a connector that the organization lists and that writes to the accounts of [`SCIM`], spelt otherwise.
    pub(crate) fn twin(self) -> Self {
        self.with(|world| {
            let address = [("user_endpoint", "HTTP://127.0.0.1:9103/scim2/Users/")];
            let twin = connection(TWIN, 100, Deprovision::Delete, &address);
            world.configuration.connections.push(twin);
            world.configuration.resident.push(entry(TWIN));
        })
    }

    pub(crate) fn connection(&mut self, connector: &str) -> &mut Connection {
        let id = reference(connector).connection;
        self.configuration
            .connections
            .iter_mut()
            .find(|connection| connection.id == id)
            .unwrap()
    }

    pub(crate) fn settings(&mut self, connector: &str) -> &mut ConnectorSettings {
        &mut self.connection(connector).connectors[0]
    }

    pub(crate) fn set(&mut self, connector: &str, key: &str, value: &str) {
        let value = match value {
            "true" | "false" => Setting::Flag(value == "true"),
            value => Setting::Text(value.to_owned()),
        };
        self.settings(connector)
            .settings
            .insert(key.to_owned(), value);
    }

    pub(crate) fn rules(self, policies: &str) -> Self {
        self.with(|world| {
            world.configuration.rules.policies = vec![PolicyText {
                from: "workbench.toml:90".to_owned(),
                text: policies.to_owned(),
            }];
            for entry in &mut world.configuration.resident {
                entry.rules = true;
            }
        })
    }

    pub(crate) fn kim(&mut self) -> &mut User {
        match &mut self.snapshot.after {
            Some(Subject::User(user)) => user,
            _ => panic!("kim is not there"),
        }
    }

    /// Moves the subject to *before*: it was deleted.
    pub(crate) fn deleted(self) -> Self {
        self.with(|world| world.snapshot.before = world.snapshot.after.take())
    }

    /// Links the subject at a connector with what the decision itself would have written.
    pub(crate) fn linked(mut self, connector: &str) -> Self {
        let kind = match self.snapshot.after {
            Some(Subject::Group(_)) => TriggerKind::GroupCreated,
            _ => TriggerKind::UserCreated,
        };
        let mut listed = self.clone().plain();
        listed.configuration.resident = vec![entry(connector)];
        listed.snapshot.links.clear();
        let decisions = listed.decide(&trigger(kind, Source::Console));
        let link = link(connector, &planned(&decisions, connector).desired);
        self.snapshot.links.push(link);
        self
    }

    /// Drops what could keep kim out.
    fn plain(mut self) -> Self {
        self.configuration.organization.provisioned_stores.clear();
        for connection in &mut self.configuration.connections {
            connection.outbound_roles.clear();
            connection.enabled = true;
            connection.connectors[0].enabled = true;
        }
        self.snapshot.owners.clear();
        self
    }

    pub(crate) fn decide(&self, trigger: &Trigger) -> Decisions {
        let policies = Policies::compile(&self.configuration.rules).unwrap();
        self.decider(&policies).decide(trigger, &self.snapshot)
    }

    pub(crate) fn decider<'a>(&'a self, policies: &'a Policies) -> Decider<'a> {
        Decider {
            configuration: &self.configuration,
            catalogue: &CATALOGUE,
            policies,
        }
    }

    /// Decides and returns the outcome at one connector.
    pub(crate) fn outcome(&self, trigger: &Trigger, connector: &str) -> String {
        outcome(&self.decide(trigger), connector)
    }
}

fn connection(
    connector: &str,
    line: usize,
    deprovision: Deprovision,
    settings: &[(&str, &str)],
) -> Connection {
    let reference = reference(connector);
    Connection {
        name: reference.connection.0.clone(),
        id: reference.connection,
        description: String::new(),
        enabled: true,
        outbound_roles: Vec::new(),
        attributes: Vec::new(),
        jit: JitSettings::default(),
        login: None,
        connectors: vec![ConnectorSettings {
            kind: reference.kind,
            enabled: true,
            paused: false,
            settings: settings
                .iter()
                .map(|(key, value)| ((*key).to_owned(), Setting::Text((*value).to_owned())))
                .collect(),
            deprovision,
            on_existing: OnExisting::default(),
            keep_username: false,
            ca_file: None,
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            concurrency: 8,
            rate: None,
            learn_limit: true,
            retry: None,
            quarantine: None,
            brakes: None,
            line: Some(line + 5),
        }],
        line: Some(line),
    }
}

pub(crate) fn mapping(
    remote: &str,
    change: impl FnOnce(&mut AttributeMapping),
) -> AttributeMapping {
    let mut mapping = AttributeMapping {
        remote: remote.to_owned(),
        local: None,
        default: None,
        value: None,
        on_empty: OnEmpty::Skip,
        connector: None,
        line: Some(41),
    };
    change(&mut mapping);
    mapping
}

pub(crate) fn entry(connector: &str) -> Provisioner {
    Provisioner {
        connector: reference(connector),
        blocking: false,
        rules: false,
        jit: true,
        on_failure: OnFailure::Reject,
        timeout: None,
        line: Some(70),
    }
}

pub(crate) fn reference(connector: &str) -> ConnectorRef {
    connector.parse().unwrap()
}

pub(crate) fn user(name: &str, number: u128, claims: &[(&str, &str)]) -> User {
    User {
        id: UserId(Uuid::from_u128(number)),
        name: name.into(),
        claims: claims
            .iter()
            .map(|(claim, value)| (Claim::new(claim), vec![(*value).to_owned()]))
            .collect(),
        roles: BTreeSet::default(),
        groups: BTreeSet::default(),
    }
}

pub(crate) fn kim() -> User {
    user(
        "kim",
        1,
        &[
            ("givenname", "Kim"),
            ("lastname", "Ng"),
            ("department", "Sales"),
        ],
    )
}

pub(crate) fn group(members: &[&User]) -> Group {
    Group {
        id: GroupId(Uuid::from_u128(9)),
        name: "leads".into(),
        members: members.iter().map(|user| user.id).collect(),
    }
}

/// A world whose subject is a group with kim in it, and the organization listing connectors.
pub(crate) fn group_world(connectors: &[&str]) -> World {
    World::listing(connectors).with(|world| {
        world.snapshot.after = Some(Subject::Group(group(&[&kim()])));
        world.snapshot.members = vec![(kim(), Vec::new())];
    })
}

pub(crate) fn trigger(kind: TriggerKind, source: Source) -> Trigger {
    let (subject, name) = match object(kind) {
        Object::User => (LocalRef::User(kim().id), "kim"),
        Object::Group => (LocalRef::Group(group(&[]).id), "leads"),
    };
    Trigger {
        id: TriggerId(Uuid::from_u128(100)),
        flow: FlowId(Uuid::from_u128(101)),
        at: "2026-03-04T05:06:07.5Z".parse::<Timestamp>().unwrap(),
        kind,
        source,
        subject,
        subject_name: QualifiedName::new(name),
        application: None,
        connection: None,
        role: None,
        changed: BTreeSet::default(),
        carries_password: false,
    }
}

fn object(kind: TriggerKind) -> Object {
    match kind {
        TriggerKind::GroupCreated
        | TriggerKind::GroupChanged
        | TriggerKind::GroupRenamed
        | TriggerKind::GroupDeleted
        | TriggerKind::GroupReconciled => Object::Group,
        _ => Object::User,
    }
}

pub(crate) fn created() -> Trigger {
    trigger(TriggerKind::UserCreated, Source::Console)
}

pub(crate) fn updated() -> Trigger {
    trigger(TriggerKind::UserUpdated, Source::Console)
}

pub(crate) fn deleted() -> Trigger {
    trigger(TriggerKind::UserDeleted, Source::Console)
}

pub(crate) fn password_changed() -> Trigger {
    Trigger {
        carries_password: true,
        ..trigger(TriggerKind::PasswordChanged, Source::Console)
    }
}

pub(crate) fn role(kind: TriggerKind, role: &str) -> Trigger {
    Trigger {
        role: Some(RoleName::new(role)),
        ..trigger(kind, Source::Console)
    }
}

pub(crate) fn logged_in(connection: &str) -> Trigger {
    Trigger {
        connection: Some(connection.into()),
        application: Some(ApplicationId::from("portal")),
        ..trigger(TriggerKind::LoggedIn, Source::Login)
    }
}

pub(crate) fn jit_created(connection: &str) -> Trigger {
    Trigger {
        connection: Some(connection.into()),
        ..trigger(TriggerKind::UserCreated, Source::Jit)
    }
}

pub(crate) fn through(application: &str, trigger: Trigger) -> Trigger {
    Trigger {
        application: Some(application.into()),
        ..trigger
    }
}

/// Makes the link that a confirmed create of a desired account leaves.
pub(crate) fn link(connector: &str, desired: &Desired) -> Link {
    let mut written = desired.values();
    if desired.object() == Object::Group {
        let ids: Value = desired
            .members
            .iter()
            .filter_map(|member| Some(member.remote_id.as_ref()?.0.as_str()))
            .collect();
        written.insert("members".to_owned(), ids);
    }
    Link {
        connector: reference(connector),
        local: desired.local,
        remote_id: RemoteId("r-1".to_owned()),
        remote_name: desired.remote_name.clone(),
        written,
        origin: LinkOrigin::Created,
        active: true,
        gone: false,
        since: "2026-01-01T00:00:00Z".parse().unwrap(),
        exceptions: domain::Exceptions::new(),
    }
}

/// The outcome at one connector in a word: the verb, the reason code, or `-` when it is no candidate.
pub(crate) fn outcome(decisions: &Decisions, connector: &str) -> String {
    let wanted = reference(connector);
    decisions
        .decisions
        .iter()
        .find(|decision| decision.candidate.connector == wanted)
        .map_or_else(
            || "-".to_owned(),
            |decision| match &decision.verdict {
                Verdict::Operation(planned) => planned.verb.to_string(),
                Verdict::Nothing(nothing) => nothing.reason.to_string(),
            },
        )
}

/// The operation at one connector.
pub(crate) fn planned(decisions: &Decisions, connector: &str) -> Planned {
    let wanted = reference(connector);
    let decision = decisions
        .decisions
        .iter()
        .find(|decision| decision.candidate.connector == wanted);
    match decision.map(|decision| &decision.verdict) {
        Some(Verdict::Operation(planned)) => Planned::clone(planned),
        other => panic!("no operation at {connector}: {other:?}"),
    }
}

/// All the text of one connector's trace.
pub(crate) fn told(decisions: &Decisions, connector: &str) -> String {
    let wanted = reference(connector);
    let lines: Vec<&str> = decisions
        .decisions
        .iter()
        .filter(|decision| decision.candidate.connector == wanted)
        .flat_map(|decision| decision.trace.iter())
        .map(|line| line.text.as_str())
        .collect();
    lines.join("\n")
}
