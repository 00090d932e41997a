//! Made-up history, for measuring what reads and shows it: facts as a running engine commits them, in any number.
//!
//! Nothing is sent for them and no target knows of them. They are written into journals that were made for measuring.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{
    AttributeChange, Body, Candidate, Claim, Claims, Confirmation, ConnectorRef, Decision,
    Deprovision, Desired, DesiredAttribute, Exchange, ExchangeId, FlowId, Header, Level, Link,
    LinkOrigin, LocalRef, OnFailure, OperationId, Origin, PasswordPlan, Planned, Purpose,
    QualifiedName, RemoteId, Response, Source, Step, TraceLine, Trigger, TriggerId, TriggerKind,
    User, UserId, Verb, Verdict,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::handle::{News, Started};
use crate::journal::{Batch, JournalError, write_history};
use crate::{Cause, DirectoryChange, Engine, Fact, Queued, Settlement};

/// How many exchanges one made-up flow has: one at each connector.
pub const EXCHANGES_PER_FLOW: u64 = 3;

/// Writes a new journal with at least so many exchanges, and returns how many facts it has.
///
/// Written in large transactions without waiting for the disk: this is no way to keep anything that matters.
///
/// # Errors
/// [`JournalError`] when the file exists, or cannot be written.
pub fn write_made_up_journal(
    path: &Path,
    exchanges: u64,
    end: Timestamp,
) -> Result<u64, JournalError> {
    if path.exists() {
        return Err(JournalError::Unusable {
            path: path.display().to_string(),
            told: "made-up history goes into new journals only".to_owned(),
        });
    }
    let flows = exchanges.div_ceil(EXCHANGES_PER_FLOW);
    // A flow a second, the last one now.
    let at = |nth: u64| {
        let ago = i64::try_from(flows - nth).unwrap_or(i64::MAX);
        end - jiff::SignedDuration::from_secs(ago)
    };
    write_history(
        path,
        (0..flows).map(|nth| {
            let flow = MadeUp { nth, at: at(nth) };
            (flow.at, flow.id(), flow.facts())
        }),
    )
}

impl Engine {
    /// Records a made-up flow as if it had been carried out at this moment; subscribers hear of it like of any other.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be written.
    pub async fn record_made_up(&self, nth: u64) -> Result<(), JournalError> {
        let inner = self.inner();
        let flow = MadeUp {
            nth,
            at: inner.clock.now(),
        };
        let id = flow.id();
        let mut owed = flow.facts();
        // What is owed is committed first, then the requests begin, then what came of them is committed.
        let came = owed.split_off(3 + flow.started().len());
        let commit = async |facts: Vec<Fact>| {
            let batch = Batch::of(id, facts);
            let done = inner.journal.append(flow.at, batch).await;
            done.map(|_| ()).map_err(|refused| refused.error)
        };
        commit(owed).await?;
        for started in flow.started() {
            let _ = inner.news.send(News::Started(std::sync::Arc::new(started))); // nobody listening is fine
        }
        commit(came).await
    }
}

/// One made-up flow: a user is created at three targets.
struct MadeUp {
    nth: u64,
    at: Timestamp,
}

impl MadeUp {
    fn uuid(&self, of: u64) -> Uuid {
        let millis = u64::try_from(self.at.as_millisecond()).unwrap_or(0);
        // Ids sort by time as real ones do, and are told apart by what they are of.
        let random = (u128::from(self.nth) << 8) | u128::from(of);
        uuid::Builder::from_unix_timestamp_millis(millis, &low_bytes(random)).into_uuid()
    }

    fn id(&self) -> FlowId {
        FlowId(self.uuid(0))
    }

    fn trigger(&self) -> TriggerId {
        TriggerId(self.uuid(1))
    }

    fn local(&self) -> LocalRef {
        LocalRef::User(UserId(self.uuid(2)))
    }

    fn name(&self) -> QualifiedName {
        QualifiedName::new(&format!("made-{:07}", self.nth))
    }

    fn operation(&self, at: u64) -> OperationId {
        OperationId(self.uuid(16 + at))
    }

    fn connectors() -> [ConnectorRef; 3] {
        [
            ConnectorRef::new("corp-scim", "scim2"),
            ConnectorRef::new("acme-google", "google"),
            ConnectorRef::new("acme-salesforce", "salesforce"),
        ]
    }

    fn claims(&self) -> Claims {
        Claims::from([
            (Claim::new("givenname"), vec!["Made".to_owned()]),
            (Claim::new("lastname"), vec![format!("Up {}", self.nth)]),
            (
                Claim::new("emailaddress"),
                vec![format!("{}@acme.example", self.name())],
            ),
        ])
    }

    fn attributes(&self) -> [(&'static str, &'static str, Value); 3] {
        [
            ("name.givenName", "givenname", json!("Made")),
            (
                "name.familyName",
                "lastname",
                json!(format!("Up {}", self.nth)),
            ),
            (
                "emails[type eq \"work\"].value",
                "emailaddress",
                json!(format!("{}@acme.example", self.name())),
            ),
        ]
    }

    fn decision(&self, connector: &ConnectorRef) -> Decision {
        let desired = Desired {
            local: self.local(),
            remote_name: self.name().to_string(),
            attributes: self
                .attributes()
                .into_iter()
                .map(|(remote, claim, value)| DesiredAttribute {
                    remote: remote.to_owned(),
                    value,
                    origin: Origin::Claim(Claim::new(claim)),
                })
                .collect(),
            members: Vec::new(),
            password: PasswordPlan::Random,
        };
        let line = |step, text: &str| TraceLine {
            step,
            text: text.to_owned(),
            reason: None,
        };
        Decision {
            candidate: Candidate {
                connector: connector.clone(),
                levels: vec![Level::Organization],
                blocking: false,
                rules: true,
                jit: false,
                on_failure: OnFailure::Reject,
                timeout: Duration::from_secs(20),
            },
            trace: Arc::new(vec![
                line(Step::Level, "proposed by the organization level"),
                line(
                    Step::Scope,
                    "in scope: user store, roles and rules allow it",
                ),
                line(Step::Match, "no link: the account is not known there"),
                line(Step::Map, "three attributes of three claims"),
                line(Step::Shape, "create"),
            ]),
            verdict: Verdict::Operation(Arc::new(Planned {
                local: self.local(),
                verb: Verb::Create,
                changes: desired
                    .values()
                    .into_iter()
                    .map(|(remote, after)| AttributeChange {
                        remote,
                        before: None,
                        after,
                    })
                    .collect(),
                desired,
                deprovision: Deprovision::Delete,
                held: None,
            })),
        }
    }

    /// The request at one connector, under way or answered.
    fn exchange(&self, at: u64, answered: bool) -> Exchange {
        let url = [
            "http://127.0.0.1:9103/scim/v2/Users",
            "http://127.0.0.1:9101/admin/directory/v1/users",
            "http://127.0.0.1:9102/services/data/v62.0/sobjects/User",
        ][usize::try_from(at % EXCHANGES_PER_FLOW).unwrap_or(0)];
        let header = |name: &str, value: &str| Header {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let body = |text: String| Body {
            size_bytes: text.len() as u64,
            text,
            cut: false,
        };
        let sent = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": self.name().to_string(),
            "name": { "givenName": "Made", "familyName": format!("Up {}", self.nth) },
            "emails": [{ "type": "work", "primary": true, "value": format!("{}@acme.example", self.name()) }],
            "externalId": self.local().uuid().to_string(),
            "password": "***",
            "active": true,
        });
        let mut got = sent.clone();
        got["id"] = json!(format!("{}-{at}", self.nth));
        Exchange {
            id: ExchangeId(self.uuid(32 + at)),
            purpose: Purpose::Write,
            at: self.at,
            method: "POST".to_owned(),
            url: url.to_owned(),
            request_headers: vec![
                header("authorization", "***"),
                header("content-type", "application/scim+json"),
                header("accept", "application/scim+json"),
            ],
            request_body: body(sent.to_string()),
            response: answered.then(|| Response {
                status: 201,
                headers: vec![header("content-type", "application/scim+json")],
                body: body(got.to_string()),
            }),
            error: None,
            took: if answered {
                Duration::from_millis(3 + self.nth % 40)
            } else {
                Duration::ZERO
            },
        }
    }

    /// What subscribers hear while the requests are under way.
    fn started(&self) -> Vec<Started> {
        Self::connectors()
            .into_iter()
            .zip(0..)
            .map(|(connector, at)| Started {
                flow: self.id(),
                operation: self.operation(at),
                attempt: 1,
                connector,
                exchange: self.exchange(at, false),
            })
            .collect()
    }

    fn facts(&self) -> Vec<Fact> {
        let connectors = Self::connectors();
        let mut facts = vec![
            Fact::DirectoryChanged {
                changes: vec![DirectoryChange::UserPut(User {
                    id: UserId(self.local().uuid()),
                    name: self.name(),
                    claims: self.claims(),
                    roles: BTreeSet::new(),
                    groups: BTreeSet::new(),
                })],
            },
            Fact::TriggerRecorded {
                trigger: Trigger {
                    id: self.trigger(),
                    flow: self.id(),
                    at: self.at,
                    kind: TriggerKind::UserCreated,
                    source: Source::Console,
                    subject: self.local(),
                    subject_name: self.name(),
                    application: None,
                    connection: None,
                    role: None,
                    changed: BTreeSet::new(),
                    carries_password: false,
                },
            },
            Fact::Decided {
                trigger: self.trigger(),
                event: vec![TraceLine {
                    step: Step::Event,
                    text: format!("user-created {} by console", self.name()),
                    reason: None,
                }],
                decisions: connectors.iter().map(|one| self.decision(one)).collect(),
                operations: (0..EXCHANGES_PER_FLOW)
                    .map(|at| Some(self.operation(at)))
                    .collect(),
            },
        ];
        for (connector, at) in connectors.iter().zip(0..) {
            facts.push(Fact::OperationQueued {
                queued: Queued {
                    operation: self.operation(at),
                    trigger: self.trigger(),
                    connector: connector.clone(),
                    local: self.local(),
                    name: self.name(),
                    remote_name: self.name().to_string(),
                    verb: Verb::Create,
                    blocking: false,
                    cause: Cause::Decision(usize::try_from(at).unwrap_or(0)),
                    held: None,
                },
            });
        }
        for (connector, at) in connectors.iter().zip(0..) {
            let operation = self.operation(at);
            facts.extend([
                Fact::AttemptStarted {
                    operation,
                    number: 1,
                    verb: Verb::Create,
                    password: None,
                },
                Fact::ExchangeRecorded {
                    operation: Some(operation),
                    attempt: 1,
                    connector: connector.clone(),
                    exchange: Box::new(self.exchange(at, true)),
                },
                Fact::Settled {
                    operation,
                    attempts: 1,
                    outcome: Settlement::Confirmed(Confirmation::Created),
                },
                Fact::Linked {
                    link: Box::new(Link {
                        connector: connector.clone(),
                        local: self.local(),
                        remote_id: RemoteId(format!("{}-{at}", self.nth)),
                        remote_name: self.name().to_string(),
                        written: self
                            .attributes()
                            .into_iter()
                            .map(|(remote, _, value)| (remote.to_owned(), value))
                            .collect::<BTreeMap<_, _>>(),
                        origin: LinkOrigin::Created,
                        active: true,
                        gone: false,
                        since: self.at,
                        exceptions: domain::Exceptions::new(),
                    }),
                },
            ]);
        }
        facts
    }
}

/// The ten bytes that tell ids of one millisecond apart.
fn low_bytes(number: u128) -> [u8; 10] {
    let bytes = number.to_be_bytes();
    let mut low = [0; 10];
    low.copy_from_slice(&bytes[6..]);
    low
}
