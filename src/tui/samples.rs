//! Samples for tests: a board, a configuration and facts that are the same every time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use connectors::CATALOGUE;
use decide::{Decider, Policies};
use domain::{
    Body, Claim, Claims, Configuration, Confirmation, ConnectorRef, Exchange, ExchangeId, Failure,
    FailureKind, FlowId, Group, GroupId, Header, LabArmed, LabChange, LabEntry, LabFault, LabMock,
    LabObject, Link, LinkOrigin, LocalRef, OnFailure, OperationId, Purpose, QualifiedName, Reason,
    Remedy, RemoteId, Response, Snapshot, Source, Subject, Trigger, TriggerId, TriggerKind, User,
    UserId, Verb, Verdict,
};
use engine::{
    Cause, Death, DeathCause, Fact, FlowTrace, Life, News, OperationView, Plan, PlannedTrigger,
    Quarantine, QuarantineCause, Queued, Record, Settlement, WaitVerdict,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::board::Board;
use crate::stream::{Row, What};
use crate::theme::{Surroundings, Theme, ThemeName};
use crate::wish::{Answer, Known, Offer, Who};
use crate::world::{Exports, World};

pub(crate) const TOML: &str = include_str!("../../workbench.toml");

pub(crate) fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

pub(crate) fn flow() -> FlowId {
    FlowId(id(7))
}

fn text(text: &str) -> Body {
    Body {
        size_bytes: text.len() as u64,
        text: text.to_owned(),
        cut: false,
    }
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

pub(crate) fn exchange(status: Option<u16>, millis: u64) -> Exchange {
    Exchange {
        id: ExchangeId(id(1)),
        purpose: Purpose::Write,
        at: instant(0),
        method: "POST".to_owned(),
        url: "http://127.0.0.1:9103/scim/v2/Users".to_owned(),
        request_headers: vec![
            header("authorization", "***"),
            header("content-type", "application/scim+json"),
        ],
        request_body: text(
            r#"{"userName":"zoë.日本","name":{"givenName":"Zoë","familyName":"日本"},"active":true,"x":"a\u001b[2Jb"}"#,
        ),
        response: status.map(|status| Response {
            status,
            headers: vec![header("content-type", "application/scim+json")],
            body: text(if status < 400 {
                r#"{"id":"1893","userName":"zoë.日本"}"#
            } else {
                r#"{"detail":"armed: unavailable","status":"503"}"#
            }),
        }),
        error: status
            .is_none()
            .then(|| "connection closed before the status line".to_owned()),
        took: Duration::from_millis(millis),
    }
}

pub(crate) fn row(
    target: &str,
    op: &'static str,
    user: &str,
    status: Option<u16>,
    millis: u64,
    attempt: u32,
) -> Row {
    Row {
        number: 0,
        seq: None,
        at: instant(0),
        flow: Some(flow()),
        operation: Some(OperationId(id(8))),
        connector: target.parse().ok(),
        target: target.into(),
        op,
        subject: user.into(),
        attempt,
        what: What::Exchange(Arc::new(exchange(status, millis))),
        marked: false,
    }
}

pub(crate) fn configuration() -> Configuration {
    config::parse(
        TOML,
        "workbench.toml",
        std::path::Path::new("../.."),
        &CATALOGUE,
    )
    .unwrap()
    .configuration
}

pub(crate) fn user() -> User {
    User {
        id: UserId(id(20)),
        name: QualifiedName::new("zoë.日本"),
        claims: Claims::from([
            (Claim::new("givenname"), vec!["Zoë".to_owned()]),
            (Claim::new("lastname"), vec!["日本".to_owned()]),
            (
                Claim::new("emailaddress"),
                vec!["zoe@acme.example".to_owned()],
            ),
            (Claim::new("userType"), vec!["contractor".to_owned()]),
        ]),
        roles: BTreeSet::from(["Internal/sales".into()]),
        groups: BTreeSet::new(),
    }
}

fn users() -> Vec<User> {
    let plain = |number: u128, name: &str| User {
        id: UserId(id(number)),
        name: QualifiedName::new(name),
        claims: Claims::new(),
        roles: BTreeSet::new(),
        groups: BTreeSet::new(),
    };
    vec![plain(21, "ada.l"), plain(22, "EMPLOYEES/bob"), user()]
}

pub(crate) fn link() -> Link {
    Link {
        connector: ConnectorRef::new("corp-scim", "scim2"),
        local: LocalRef::User(user().id),
        remote_id: RemoteId("1893".to_owned()),
        remote_name: "zoë.日本".to_owned(),
        written: BTreeMap::from([("name.givenName".to_owned(), json!("Zoë"))]),
        origin: LinkOrigin::Created,
        active: true,
        gone: false,
        since: instant(3),
        exceptions: domain::Exceptions::new(),
    }
}

/// The facts of one flow: a user is created, the SCIM2 target is down once, Google's rules deny.
pub(crate) fn records() -> Vec<Record> {
    let configuration = configuration();
    let policies = Policies::compile(&configuration.rules).unwrap();
    let trigger = Trigger {
        id: TriggerId(id(6)),
        flow: flow(),
        at: instant(0),
        kind: TriggerKind::UserCreated,
        source: Source::Console,
        subject: LocalRef::User(user().id),
        subject_name: user().name,
        application: None,
        connection: None,
        role: None,
        changed: BTreeSet::new(),
        carries_password: false,
    };
    let snapshot = Snapshot {
        after: Some(Subject::User(user())),
        ..Snapshot::default()
    };
    let decider = Decider {
        configuration: &configuration,
        catalogue: &CATALOGUE,
        policies: &policies,
    };
    let decisions = decider.decide(&trigger, &snapshot);
    let operation = OperationId(id(8));
    let operations = decisions
        .decisions
        .iter()
        .map(|decision| matches!(decision.verdict, Verdict::Operation(_)).then_some(operation))
        .collect();
    let connector = ConnectorRef::new("corp-scim", "scim2");
    let mut first = exchange(Some(503), 4);
    first.id = ExchangeId(id(11));
    let mut second = exchange(Some(201), 9);
    second.id = ExchangeId(id(12));
    second.at = instant(2);
    let failure = Failure {
        kind: FailureKind::TargetError,
        remedy: Remedy::Retry { after: None },
        status: Some(503),
        told: "armed: unavailable".to_owned(),
        advice: "Wait; it is tried again.".to_owned(),
    };
    let exchanged = |attempt, exchange| Fact::ExchangeRecorded {
        operation: Some(operation),
        attempt,
        connector: connector.clone(),
        exchange: Box::new(exchange),
    };
    let started = |number| Fact::AttemptStarted {
        operation,
        number,
        verb: Verb::Create,
        password: None,
    };
    let facts = vec![
        (
            0,
            Fact::TriggerRecorded {
                trigger: trigger.clone(),
            },
        ),
        (
            0,
            Fact::Decided {
                trigger: trigger.id,
                event: decisions.event,
                decisions: decisions.decisions,
                operations,
            },
        ),
        (
            0,
            Fact::OperationQueued {
                queued: Queued {
                    operation,
                    trigger: trigger.id,
                    connector: connector.clone(),
                    local: LocalRef::User(user().id),
                    name: user().name,
                    remote_name: "zoë.日本".to_owned(),
                    verb: Verb::Create,
                    blocking: true,
                    cause: Cause::Decision(0),
                    held: None,
                },
            },
        ),
        (
            0,
            Fact::CallerWaited {
                operations: vec![operation],
                until: instant(20),
                on_failure: OnFailure::Reject,
                change: Vec::new(),
            },
        ),
        (0, started(1)),
        (0, exchanged(1, first)),
        (
            0,
            Fact::AttemptFailed {
                operation,
                number: 1,
                failure,
                then: Life::Retrying { at: instant(2) },
            },
        ),
        (2, started(2)),
        (2, exchanged(2, second)),
        (
            3,
            Fact::Settled {
                operation,
                attempts: 2,
                outcome: Settlement::Confirmed(Confirmation::Created),
            },
        ),
        (
            3,
            Fact::Linked {
                link: Box::new(link()),
            },
        ),
        (
            3,
            Fact::CallerReleased {
                verdict: WaitVerdict::Confirmed,
            },
        ),
    ];
    facts
        .into_iter()
        .zip(1..)
        .map(|((seconds, fact), seq)| Record {
            seq,
            at: instant(seconds),
            flow: Some(flow()),
            fact,
        })
        .collect()
}

/// A connector is left alone, and so many probes of it have failed.
pub(crate) fn quarantine(probes: u32) -> Quarantine {
    Quarantine {
        connector: ConnectorRef::new("corp-scim", "scim2"),
        since: instant(1),
        cause: QuarantineCause::Refused { running: 3 },
        culprits: Vec::new(),
        probes,
        pause: Duration::from_mins(1),
        next_probe: instant(61),
        last_probe: (probes > 0).then(|| "the target answered 401".to_owned()),
    }
}

/// An operation fails for good because its connector cannot be used: nothing was sent.
pub(crate) fn dead(operation: OperationId) -> Fact {
    Fact::OperationDead {
        operation,
        death: Death {
            cause: DeathCause::Unavailable,
            told: "the key file keys/google.p12 is not there".to_owned(),
            advice: "Put the file there, then retry.".to_owned(),
            failure: None,
        },
    }
}

pub(crate) fn news() -> Vec<News> {
    records()
        .into_iter()
        .map(|record| News::Fact(Arc::new(record)))
        .collect()
}

pub(crate) fn trace() -> FlowTrace {
    FlowTrace::of(flow(), records())
}

/// What would follow from the flow's trigger: the same decisions, with nothing done.
pub(crate) fn plan() -> Plan {
    let triggers = trace().triggers.into_iter();
    let planned = triggers.map(|entry| PlannedTrigger {
        trigger: entry.trigger,
        event: entry.event,
        decisions: entry
            .decisions
            .into_iter()
            .map(|decided| decided.decision)
            .collect(),
    });
    Plan {
        triggers: planned.collect(),
    }
}

pub(crate) fn operations() -> Vec<OperationView> {
    let view = |number: u128, life: Life, error: Option<&str>| OperationView {
        seq: u64::try_from(number).unwrap(),
        operation: OperationId(id(number)),
        flow: flow(),
        trigger: TriggerId(id(6)),
        connector: ConnectorRef::new("corp-scim", "scim2"),
        local: LocalRef::User(user().id),
        name: user().name,
        verb: Verb::Create,
        blocking: true,
        undoes: None,
        life,
        attempts: 2,
        queued: instant(0),
        started: Some(instant(0)),
        ended: None,
        last_error: error.map(str::to_owned),
    };
    vec![
        view(
            8,
            Life::Settled,
            Some("target-error: the target answered 503: armed: unavailable"),
        ),
        view(
            31,
            Life::Retrying { at: instant(30) },
            Some("target-error: the target answered 503: armed: unavailable"),
        ),
        view(
            32,
            Life::Dead,
            Some("rejected: the target answered 400: invalid emails[0].value"),
        ),
        view(
            33,
            Life::Held {
                reason: Reason::Paused,
            },
            None,
        ),
        view(
            34,
            Life::InDoubt { at: instant(40) },
            Some("reply-lost: connection closed before the status line"),
        ),
    ]
}

pub(crate) fn mocks() -> Vec<LabMock> {
    let mock = |target: &str, url: Option<&str>, armed: Vec<LabArmed>| LabMock {
        target: target.to_owned(),
        url: url.map(str::to_owned),
        elsewhere: None,
        access: url.map(|url| format!("User Endpoint {url}/Users")),
        personality: (target == "scim2").then(|| "strict".to_owned()),
        personalities: if target == "scim2" {
            vec!["okta".to_owned(), "strict".to_owned()]
        } else {
            Vec::new()
        },
        snapshots: vec!["before".to_owned()],
        armed,
        requests: 12,
        users: 3,
        groups: 1,
    };
    let armed = LabArmed {
        number: 1,
        spec: "unavailable:times=1".to_owned(),
        hits: 1,
        left: None,
    };
    vec![
        mock("google", Some("http://127.0.0.1:9101"), Vec::new()),
        mock("salesforce", None, Vec::new()),
        mock("scim2", Some("http://127.0.0.1:9103"), vec![armed]),
    ]
}

pub(crate) fn faults() -> Vec<LabFault> {
    vec![LabFault {
        name: "drop-after".to_owned(),
        sentence: "Does what it is told and hangs up before the answer.".to_owned(),
        effect: "The account is made, and the client does not hear of it.".to_owned(),
        parameters: vec![("op".to_owned(), "the operation: `Users.create`".to_owned())],
    }]
}

pub(crate) fn objects() -> Vec<LabObject> {
    vec![LabObject {
        object: "User".to_owned(),
        id: "1893".to_owned(),
        name: "zoë.日本".to_owned(),
        content: json!({"id": "1893", "userName": "zoë.日本", "active": true, "loginCount": 3}),
    }]
}

pub(crate) fn lab_entry() -> Arc<LabEntry> {
    let change = |field: &str, after: Value| LabChange {
        object: "User".to_owned(),
        id: "1893".to_owned(),
        name: "zoë.日本".to_owned(),
        field: field.to_owned(),
        before: None,
        after: Some(after),
    };
    Arc::new(LabEntry {
        target: "scim2".to_owned(),
        number: 2,
        at: instant(2),
        operation: "users.insert".to_owned(),
        method: "POST".to_owned(),
        path: "/scim/v2/Users".to_owned(),
        status: Some(201),
        answered: true,
        faults: Vec::new(),
        changes: vec![
            change("userName", json!("zoë.日本")),
            change("name.givenName", json!("Zoë")),
        ],
    })
}

pub(crate) fn directory() -> Answer {
    Answer::Directory {
        after: None,
        users: users(),
        groups: vec![Group {
            id: GroupId(id(40)),
            name: QualifiedName::new("staff"),
            members: BTreeSet::from([user().id]),
        }],
        roles: vec!["Internal/sales".into(), "Internal/manager".into()],
        count: 3,
        differing: BTreeSet::new(),
    }
}

/// The page of a large directory that a search finds: twelve users begin with `v`, and two of them are read at once.
pub(crate) fn found(text: &str, after: Option<QualifiedName>) -> Answer {
    let all = if text.starts_with('v') { 12 } else { 0 };
    let first = if after.is_some() { 302 } else { 300 };
    let users = (first..first + 2).map(|number| User {
        id: UserId(id(number)),
        name: QualifiedName::new(&format!("v{number}")),
        claims: Claims::new(),
        roles: BTreeSet::new(),
        groups: BTreeSet::new(),
    });
    Answer::Found {
        text: text.to_owned(),
        after,
        users: users.take(all).collect(),
        count: u64::try_from(all).unwrap(),
        differing: BTreeSet::new(),
    }
}

/// What the directory says of the user and the group of the samples.
pub(crate) fn known(who: &Who) -> Known {
    match who {
        Who::User(name) if *name == user().name => Known::User(Box::new(user())),
        Who::Group(name) if name.name == "staff" => Known::Group(vec![user().name], 1),
        Who::User(_) | Who::Group(_) => Known::Nobody,
    }
}

/// Who is there to begin with.
pub(crate) fn offer() -> Offer {
    Offer {
        user: Some(QualifiedName::new("ada.l")),
        group: Some(QualifiedName::new("staff")),
        free_group: QualifiedName::new("staff-2"),
    }
}

pub(crate) fn local() -> LocalRef {
    LocalRef::User(user().id)
}

pub(crate) fn world(theme: ThemeName, file: PathBuf) -> World {
    let surroundings = Surroundings {
        unicode: true,
        ..Surroundings::default()
    };
    World {
        running: Arc::new(configuration()),
        catalogue: CATALOGUE,
        file,
        draft: None,
        board: Board::default(),
        mocks: Vec::new(),
        faults: Vec::new(),
        theme: Theme::new(theme, &surroundings),
        exports: Exports {
            curl: |exchange| format!("curl {}", exchange.url),
            har: |exchanges| format!("{} entries", exchanges.len()),
        },
        zone: TimeZone::UTC,
        now: instant(5),
        passed: Duration::from_secs(5),
        width: 80,
        height: 24,
        seed: 1,
        may_replay: false,
        selected: None,
        standing: None,
        logged: 0,
        roles: vec!["Internal/sales".into(), "Internal/manager".into()],
        work: None,
    }
}
