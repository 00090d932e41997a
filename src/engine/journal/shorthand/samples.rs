//! One of each kind of fact, with whatever texts and numbers a test draws.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::{
    ApplicationId, AttributeChange, Body, Brake, Candidate, Claim, Condition, Confirmation,
    ConnectionId, ConnectorRef, Decision, Deprovision, Desired, DesiredAttribute, Divergence,
    Drift, Exception, Exceptions, Exchange, ExchangeId, Failure, FailureKind, FieldDrift, FlowId,
    GroupId, Header, Level, Link, LinkOrigin, LocalRef, Member, Nothing, Object, OnFailure,
    OperationId, Origin, Orphan, PasswordPlan, PasswordSource, Planned, Purpose, QualifiedName,
    Reason, Remedy, RemoteId, Resolution, Response, RoleName, RunId, Source, Step, TraceLine,
    Trigger, TriggerId, TriggerKind, User, UserId, Verb, Verdict, Whose,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Anew, Answer, Approval, Cause, Compaction, CompactionCause, Continued, Culprit, Death,
    DeathCause, DirectoryChange, EngagedBrake, Fact, GivenUp, LearntLimit, Life, NotRead,
    Quarantine, QuarantineCause, Queued, ReadBudget, Settlement, Tally, WaitFailure, WaitVerdict,
};

/// What a test has drawn: texts that come again and again, and bits that say what is there and how large it is.
pub(super) struct Draw {
    texts: Vec<String>,
    next: usize,
    bits: u64,
}

impl Draw {
    /// With all bits set nothing is left out.
    pub(super) fn of(texts: Vec<String>, bits: u64) -> Self {
        Self {
            texts,
            next: 0,
            bits,
        }
    }

    fn text(&mut self) -> String {
        self.next += 1;
        self.texts[self.next % self.texts.len()].clone()
    }

    fn is(&mut self) -> bool {
        self.bits = self.bits.rotate_left(1);
        self.bits & 1 == 1
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.is().then(|| make(self))
    }

    fn number(&mut self) -> u32 {
        self.bits = self.bits.rotate_left(7);
        let number = u32::try_from(self.bits >> 40).unwrap();
        // Small ones are written otherwise.
        if self.is() { number } else { number % 20 }
    }

    fn large(&mut self) -> u64 {
        self.number().into()
    }

    fn id(&mut self) -> Uuid {
        self.bits = self.bits.rotate_left(11);
        Uuid::from_u64_pair(self.bits, self.bits.rotate_left(32))
    }

    fn at(&mut self) -> Timestamp {
        Timestamp::from_microsecond(self.number().into()).unwrap()
    }

    fn took(&mut self) -> Duration {
        Duration::from_micros(self.large())
    }

    /// A name without a slash, which would make part of it a user store when it is read again.
    fn name(&mut self) -> QualifiedName {
        let name = self.text().replace('/', "-");
        if self.is() {
            QualifiedName::new(&format!("SALES/{name}"))
        } else {
            QualifiedName::new(&name)
        }
    }

    fn value(&mut self) -> Value {
        let (text, number) = (self.text(), self.number());
        if self.is() {
            json!({ "value": text, "rank": [number, -1, 0.5, null, true] })
        } else {
            json!(text)
        }
    }

    fn values(&mut self) -> BTreeMap<String, Value> {
        BTreeMap::from([(self.text(), self.value()), (self.text(), self.value())])
    }

    fn operation(&mut self) -> OperationId {
        OperationId(self.id())
    }

    fn connector(&mut self) -> ConnectorRef {
        ConnectorRef::new(&self.text(), &self.text())
    }

    fn local(&mut self) -> LocalRef {
        let id = self.id();
        if self.is() {
            LocalRef::User(UserId(id))
        } else {
            LocalRef::Group(GroupId(id))
        }
    }

    fn object(&mut self) -> Object {
        self.local().object()
    }

    fn remote_id(&mut self) -> RemoteId {
        RemoteId(self.text())
    }

    fn verb(&mut self) -> Verb {
        if self.is() {
            Verb::Create
        } else {
            Verb::Deprovision
        }
    }

    fn reason(&mut self) -> Reason {
        let at = usize::try_from(self.number()).unwrap();
        Reason::ALL[at % Reason::ALL.len()]
    }

    fn failure(&mut self) -> Failure {
        Failure {
            kind: FailureKind::Quota,
            remedy: if self.is() {
                Remedy::Retry {
                    after: self.maybe(Self::took),
                }
            } else {
                Remedy::AskFirst
            },
            status: self.maybe(|_| 429),
            told: self.text(),
            advice: self.text(),
        }
    }

    fn life(&mut self) -> Life {
        if self.is() {
            Life::Retrying { at: self.at() }
        } else {
            Life::Queued
        }
    }

    fn line(&mut self) -> TraceLine {
        TraceLine {
            step: Step::Scope,
            text: self.text(),
            reason: self.maybe(Self::reason),
        }
    }

    fn nothing(&mut self) -> Nothing {
        Nothing {
            reason: self.reason(),
            detail: self.text(),
        }
    }

    fn planned(&mut self) -> Planned {
        Planned {
            local: self.local(),
            verb: self.verb(),
            desired: Desired {
                local: self.local(),
                remote_name: self.text(),
                attributes: vec![DesiredAttribute {
                    remote: self.text(),
                    value: self.value(),
                    origin: if self.is() {
                        Origin::Claim(Claim::new(&self.text()))
                    } else {
                        Origin::Pattern
                    },
                }],
                members: vec![Member {
                    local: self.local(),
                    name: self.text(),
                    remote_id: self.maybe(Self::remote_id),
                }],
                password: PasswordPlan::FromTrigger,
            },
            changes: vec![AttributeChange {
                remote: self.text(),
                before: self.maybe(|draw| json!(draw.text())),
                after: self.value(),
            }],
            deprovision: Deprovision::Deactivate,
            held: self.maybe(Self::reason),
        }
    }

    fn decision(&mut self, verdict: Verdict) -> Decision {
        Decision {
            candidate: Candidate {
                connector: self.connector(),
                levels: vec![
                    Level::Organization,
                    Level::Application(ApplicationId(self.text())),
                ],
                blocking: self.is(),
                rules: self.is(),
                jit: self.is(),
                on_failure: OnFailure::Accept,
                timeout: self.took(),
            },
            verdict,
            trace: Arc::new(vec![self.line(), self.line()]),
        }
    }

    fn decisions(&mut self) -> Vec<Decision> {
        let operation = Verdict::Operation(Arc::new(self.planned()));
        let nothing = Verdict::Nothing(self.nothing());
        vec![self.decision(operation), self.decision(nothing)]
    }

    fn trigger(&mut self) -> Trigger {
        Trigger {
            id: TriggerId(self.id()),
            flow: FlowId(self.id()),
            at: self.at(),
            kind: TriggerKind::RoleAssigned,
            source: Source::SelfSignup,
            subject: self.local(),
            subject_name: self.name(),
            application: self.maybe(|draw| ApplicationId(draw.text())),
            connection: self.maybe(|draw| ConnectionId(draw.text())),
            role: self.maybe(|draw| RoleName::new(&draw.text())),
            changed: BTreeSet::from([Claim::new(&self.text())]),
            carries_password: self.is(),
        }
    }

    fn cause(&mut self) -> Cause {
        if self.is() {
            Cause::MemberLinked {
                member: self.local(),
                planned: Box::new(self.planned()),
            }
        } else {
            Cause::Decision(1)
        }
    }

    fn queued(&mut self) -> Queued {
        Queued {
            operation: self.operation(),
            trigger: TriggerId(self.id()),
            connector: self.connector(),
            local: self.local(),
            name: self.name(),
            remote_name: self.text(),
            verb: self.verb(),
            blocking: self.is(),
            cause: self.cause(),
            held: self.maybe(Self::reason),
        }
    }

    fn headers(&mut self) -> Vec<Header> {
        vec![Header {
            name: self.text(),
            value: self.text(),
        }]
    }

    fn body(&mut self) -> Body {
        Body {
            text: json!({ "id": self.text(), "emails": [self.text()] }).to_string(),
            size_bytes: self.large(),
            cut: self.is(),
        }
    }

    fn exchange(&mut self) -> Exchange {
        Exchange {
            id: ExchangeId(self.id()),
            purpose: Purpose::Write,
            at: self.at(),
            method: "POST".to_owned(),
            url: self.text(),
            request_headers: self.headers(),
            request_body: self.body(),
            response: self.maybe(|draw| Response {
                status: 201,
                headers: draw.headers(),
                body: draw.body(),
            }),
            error: self.maybe(Self::text),
            took: self.took(),
        }
    }

    fn exceptions(&mut self) -> Exceptions {
        let exception = self.maybe(|draw| {
            let exception = Exception {
                resolution: Resolution::Ignore,
                actual: draw.value(),
                desired: draw.value(),
            };
            (draw.text(), exception)
        });
        exception.into_iter().collect()
    }

    fn link(&mut self) -> Box<Link> {
        Box::new(Link {
            connector: self.connector(),
            local: self.local(),
            remote_id: self.remote_id(),
            remote_name: self.text(),
            written: self.values(),
            origin: LinkOrigin::Adopted,
            active: self.is(),
            gone: self.is(),
            since: self.at(),
            exceptions: self.exceptions(),
        })
    }

    fn death(&mut self) -> Death {
        Death {
            cause: DeathCause::ScheduleEnded,
            told: self.text(),
            advice: self.text(),
            failure: self.maybe(Self::failure),
        }
    }

    fn changes(&mut self) -> Vec<DirectoryChange> {
        let user = User {
            id: UserId(self.id()),
            name: self.name(),
            claims: BTreeMap::from([(Claim::new(&self.text()), vec![self.text()])]),
            roles: BTreeSet::from([RoleName::new(&self.text())]),
            groups: BTreeSet::from([self.name()]),
        };
        vec![
            DirectoryChange::UserPut(user),
            DirectoryChange::UserRemoved(UserId(self.id())),
            DirectoryChange::GroupPut {
                id: GroupId(self.id()),
                name: self.name(),
            },
            DirectoryChange::MembersChanged {
                group: GroupId(self.id()),
                added: BTreeSet::from([UserId(self.id())]),
                removed: BTreeSet::new(),
            },
        ]
    }

    fn quarantine(&mut self) -> Quarantine {
        Quarantine {
            connector: self.connector(),
            since: self.at(),
            cause: QuarantineCause::TooManyFailed {
                failed: self.large(),
                of: self.large(),
                window: self.took(),
            },
            culprits: vec![Culprit {
                operation: self.operation(),
                flow: FlowId(self.id()),
                name: self.name(),
                verb: self.verb(),
                attempt: self.number(),
                at: self.at(),
                failure: self.failure(),
            }],
            probes: self.number(),
            pause: self.took(),
            next_probe: self.at(),
            last_probe: self.maybe(Self::text),
        }
    }

    fn divergence(&mut self) -> Divergence {
        Divergence {
            connector: self.connector(),
            local: self.local(),
            name: self.name(),
            remote_id: self.remote_id(),
            remote_name: self.text(),
            condition: if self.is() {
                Condition::Differs {
                    fields: vec![FieldDrift {
                        field: self.text(),
                        drift: Drift::Both,
                        desired: self.value(),
                        written: Value::Null,
                        actual: self.value(),
                    }],
                }
            } else {
                Condition::Unwanted {
                    why: self.nothing(),
                }
            },
        }
    }

    fn orphan(&mut self) -> Box<Orphan> {
        Box::new(Orphan {
            connector: self.connector(),
            object: self.object(),
            remote_id: self.remote_id(),
            remote_name: self.text(),
            created_at: self.maybe(Self::at),
            whose: if self.is() {
                Whose::Ours {
                    local: self.local(),
                }
            } else {
                Whose::Stranger
            },
            because: self.text(),
        })
    }

    fn tally(&mut self) -> Tally {
        Tally {
            accounts: self.large(),
            requests: self.number(),
            unsaid: BTreeMap::from([(self.reason(), self.large())]),
            unseen: BTreeMap::from([(self.text(), self.large())]),
            stranger_names: vec![self.text()],
            not_read: self.maybe(|draw| NotRead::Failed {
                failure: draw.failure(),
            }),
            goes_on: self.is(),
            continued: self.maybe(|draw| Continued {
                began: draw.at(),
                stopped: draw.at(),
                pages: draw.large(),
                accounts: draw.large(),
            }),
            given_up: self.maybe(|draw| GivenUp {
                began: draw.at(),
                stopped: draw.at(),
                why: Anew::Place {
                    failure: draw.failure(),
                },
            }),
            ..Tally::default()
        }
    }
}

/// Returns one of each kind of fact.
pub(super) fn facts(draw: &mut Draw) -> Vec<Fact> {
    let mut facts = of_operations(draw);
    facts.extend(of_callers_and_the_directory(draw));
    facts.extend(of_connectors(draw));
    facts.extend(of_comparisons(draw));
    facts
}

fn of_operations(draw: &mut Draw) -> Vec<Fact> {
    vec![
        Fact::TriggerRecorded {
            trigger: draw.trigger(),
        },
        Fact::Decided {
            trigger: TriggerId(draw.id()),
            event: vec![draw.line()],
            decisions: draw.decisions(),
            operations: vec![draw.maybe(Draw::operation), None],
        },
        Fact::OperationQueued {
            queued: draw.queued(),
        },
        Fact::AttemptStarted {
            operation: draw.operation(),
            number: draw.number(),
            verb: draw.verb(),
            password: draw.maybe(|_| PasswordSource::RandomAfterRestart),
        },
        Fact::ExchangeRecorded {
            operation: draw.maybe(Draw::operation),
            attempt: draw.number(),
            connector: draw.connector(),
            exchange: Box::new(draw.exchange()),
        },
        Fact::AttemptFailed {
            operation: draw.operation(),
            number: draw.number(),
            failure: draw.failure(),
            then: draw.life(),
        },
        Fact::Asked {
            operation: draw.operation(),
            number: draw.number(),
            answer: if draw.is() {
                Answer::Ours {
                    remote_id: draw.remote_id(),
                    because: draw.text(),
                }
            } else {
                Answer::Absent
            },
            then: draw.life(),
        },
        Fact::Settled {
            operation: draw.operation(),
            attempts: draw.number(),
            outcome: if draw.is() {
                Settlement::Confirmed(Confirmation::AlreadyGone)
            } else {
                Settlement::Nothing {
                    reason: draw.reason(),
                    detail: draw.text(),
                }
            },
        },
        Fact::Linked { link: draw.link() },
        Fact::Unlinked { link: draw.link() },
        Fact::OperationDead {
            operation: draw.operation(),
            death: draw.death(),
        },
        Fact::Compensated {
            operation: draw.operation(),
            by: draw.operation(),
        },
        Fact::Held {
            operation: draw.operation(),
            reason: draw.reason(),
        },
        Fact::Released {
            operation: draw.operation(),
            then: draw.life(),
        },
        Fact::Retried {
            operation: draw.operation(),
            then: draw.life(),
        },
        Fact::Discarded {
            operation: draw.operation(),
            why: draw.text(),
        },
    ]
}

fn of_callers_and_the_directory(draw: &mut Draw) -> Vec<Fact> {
    vec![
        Fact::CallerWaited {
            operations: vec![draw.operation()],
            until: draw.at(),
            on_failure: OnFailure::Reject,
            change: draw.changes(),
        },
        Fact::CallerReleased {
            verdict: WaitVerdict::Rejected {
                cause: WaitFailure::TimedOut {
                    waiting_for: vec![draw.connector()],
                    last: draw.maybe(Draw::failure),
                },
            },
        },
        Fact::DirectoryChanged {
            changes: draw.changes(),
        },
    ]
}

fn of_connectors(draw: &mut Draw) -> Vec<Fact> {
    vec![
        Fact::ConnectorHeld {
            connector: draw.connector(),
            reason: draw.reason(),
            detail: draw.text(),
        },
        Fact::ConnectorReleased {
            connector: draw.connector(),
            reason: draw.reason(),
            detail: draw.text(),
        },
        Fact::Quarantined {
            quarantine: Box::new(draw.quarantine()),
        },
        Fact::BrakeEngaged {
            engaged: Box::new(EngagedBrake {
                connector: draw.connector(),
                brake: Brake::GroupRemovals,
                since: draw.at(),
                counted: draw.large(),
                accounts: draw.large(),
                percent: draw.number(),
                count: draw.number(),
                window: draw.took(),
            }),
        },
        Fact::BrakeApproved {
            approval: Approval {
                connector: draw.connector(),
                brake: Brake::Deletes,
                by: draw.text(),
                reason: draw.text(),
                at: draw.at(),
                until: draw.at(),
            },
        },
        Fact::BrakeRejected {
            connector: draw.connector(),
            brake: Brake::Deactivations,
            by: draw.text(),
            reason: draw.text(),
            discarded: draw.large(),
        },
        Fact::Compacted {
            compaction: Compaction {
                cause: CompactionCause::ByHand,
                before: draw.at(),
                bodies_before: draw.at(),
                flows: draw.large(),
                operations: draw.large(),
                exchanges: draw.large(),
                bodies: draw.large(),
                facts: draw.large(),
                former_links: draw.large(),
            },
        },
        Fact::LimitLearnt {
            connector: draw.connector(),
            limit: LearntLimit {
                requests_per_second: draw.maybe(|draw| f64::from(draw.number()) / 3.0),
                held_per_second: draw.maybe(|draw| f64::from(draw.number())),
                concurrency: 4,
                why: draw.text(),
            },
        },
    ]
}

fn of_comparisons(draw: &mut Draw) -> Vec<Fact> {
    vec![
        Fact::ReconcileStarted {
            run: RunId(draw.id()),
            connector: draw.connector(),
            budget: ReadBudget::default(),
        },
        Fact::DriftFound {
            run: RunId(draw.id()),
            divergence: Box::new(draw.divergence()),
        },
        Fact::DriftCleared {
            connector: draw.connector(),
            local: draw.local(),
        },
        Fact::DriftResolved {
            connector: draw.connector(),
            local: draw.local(),
            fields: vec![draw.text()],
            resolution: Resolution::Accept,
        },
        Fact::OrphanFound {
            run: RunId(draw.id()),
            orphan: draw.orphan(),
        },
        Fact::OrphanCleared {
            connector: draw.connector(),
            object: draw.object(),
            remote_id: draw.remote_id(),
        },
        Fact::OrphanResolved {
            orphan: draw.orphan(),
            taken_away: draw.is(),
        },
        Fact::ReconcileEnded {
            run: RunId(draw.id()),
            connector: draw.connector(),
            tally: Box::new(draw.tally()),
        },
    ]
}
