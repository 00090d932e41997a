//! What the journal holds: a closed list of facts, each true for ever once it is committed.
//!
//! Everything else that the engine knows (operations, links, users) is a fold of these. A fact is written as JSON with
//! its name; a reader of an older file knows every older form.

use std::fmt;

use std::collections::BTreeSet;

use domain::{
    Brake, Confirmation, ConnectorRef, Decision, Divergence, Exchange, Failure, FlowId, Group,
    GroupId, Link, LocalRef, Object, OnFailure, OperationId, Orphan, PasswordSource, Planned,
    QualifiedName, Reason, RemoteId, Resolution, RoleName, RunId, TraceLine, Trigger, TriggerId,
    User, UserId, Verb,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::reconcile::{ReadBudget, Tally};
use crate::{Approval, Compaction, EngagedBrake, LearntLimit, Life, Quarantine};

/// One committed fact with its place in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its number; grows by one with every fact.
    pub seq: u64,
    /// When it was written, by the wall clock.
    pub at: Timestamp,
    /// The flow it belongs to; none for what concerns a whole connector or the seed.
    pub flow: Option<FlowId>,
    /// The fact.
    pub fact: Fact,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// Something happened to a user or group.
    TriggerRecorded {
        /// The trigger.
        trigger: Trigger,
    },
    /// It was decided what follows from a trigger.
    Decided {
        /// The trigger.
        trigger: TriggerId,
        /// The trace's first step, shared by all decisions.
        event: Vec<TraceLine>,
        /// One decision per candidate.
        decisions: Vec<Decision>,
        /// The operation that carries out the decision at the same place, when there is one.
        operations: Vec<Option<OperationId>>,
    },
    /// An operation is owed from now on.
    OperationQueued {
        /// The operation.
        queued: Queued,
    },
    /// An attempt is about to be made; committed before anything is sent.
    AttemptStarted {
        /// The operation.
        operation: OperationId,
        /// The attempt's number, from 1.
        number: u32,
        /// What is done, which may differ from what was planned when the account came or went meanwhile.
        verb: Verb,
        /// Which password goes with it.
        password: Option<PasswordSource>,
    },
    /// A request was made and answered, or never answered.
    ExchangeRecorded {
        /// The operation; none for a check by hand.
        operation: Option<OperationId>,
        /// The attempt's number; a lookup counts to the attempt it asks about.
        attempt: u32,
        /// The connector.
        connector: ConnectorRef,
        /// The exchange.
        exchange: Box<Exchange>,
    },
    /// An attempt failed.
    AttemptFailed {
        /// The operation.
        operation: OperationId,
        /// The attempt's number.
        number: u32,
        /// What went wrong.
        failure: Failure,
        /// What the operation does next.
        then: Life,
    },
    /// The target was asked what became of an attempt, or whether the account is there.
    Asked {
        /// The operation.
        operation: OperationId,
        /// The attempt's number.
        number: u32,
        /// What it said.
        answer: Answer,
        /// What the operation does next.
        then: Life,
    },
    /// The operation is done: the target confirmed it, or there is nothing left to do.
    Settled {
        /// The operation.
        operation: OperationId,
        /// The number of attempts it took.
        attempts: u32,
        /// How it ended.
        outcome: Settlement,
    },
    /// A link was made or changed.
    Linked {
        /// The link as it is from now on.
        link: Box<Link>,
    },
    /// A link ended.
    Unlinked {
        /// The link as it was.
        link: Box<Link>,
    },
    /// The operation failed for good: a dead letter, until somebody retries or discards it.
    OperationDead {
        /// The operation.
        operation: OperationId,
        /// Why.
        death: Death,
    },
    /// What an operation did is undone by another one, because its flow was refused.
    Compensated {
        /// The operation that is undone.
        operation: OperationId,
        /// The operation that undoes it.
        by: OperationId,
    },
    /// A caller waits for blocking operations.
    CallerWaited {
        /// The blocking operations.
        operations: Vec<OperationId>,
        /// When the wait ends at the latest.
        until: Timestamp,
        /// What a failure does to the local change.
        on_failure: OnFailure,
        /// The local change that is made when all of them are confirmed; empty when it was made at once.
        change: Vec<DirectoryChange>,
    },
    /// The caller goes on.
    CallerReleased {
        /// How the wait ended.
        verdict: WaitVerdict,
    },
    /// Local users, groups or roles changed.
    DirectoryChanged {
        /// The changes, in order.
        changes: Vec<DirectoryChange>,
    },
    /// An operation is kept and may not be sent.
    Held {
        /// The operation.
        operation: OperationId,
        /// `paused`, `quarantined` or `brake-engaged`.
        reason: Reason,
    },
    /// A held operation may be sent again.
    Released {
        /// The operation.
        operation: OperationId,
        /// What the operation does next: it is queued, or asks first when an attempt is in doubt.
        then: Life,
    },
    /// Nothing is sent to a connector from now on.
    ConnectorHeld {
        /// The connector.
        connector: ConnectorRef,
        /// `paused` or `quarantined`.
        reason: Reason,
        /// By whom, and what for.
        detail: String,
    },
    /// A connector may be sent to again.
    ConnectorReleased {
        /// The connector.
        connector: ConnectorRef,
        /// The hold that ended.
        reason: Reason,
        /// By whom, and what for.
        detail: String,
    },
    /// A connector is left alone because too much fails there, or a probe of one that is has failed.
    Quarantined {
        /// The quarantine as it stands from now on.
        quarantine: Box<Quarantine>,
    },
    /// Too much would be taken away at once: what is too much waits for an approval from now on.
    BrakeEngaged {
        /// The brake, with what made it engage.
        engaged: Box<EngagedBrake>,
    },
    /// Somebody approves of what a brake keeps, and of what comes until the approval expires.
    BrakeApproved {
        /// The approval.
        approval: Approval,
    },
    /// Somebody rejects what a brake keeps: it was given up, each by a `discarded` of its own.
    BrakeRejected {
        /// The connector.
        connector: ConnectorRef,
        /// What was kept.
        brake: Brake,
        /// Who says so.
        by: String,
        /// Why.
        reason: String,
        /// How many operations were given up.
        discarded: u64,
    },
    /// What was old and settled was removed from the journal.
    Compacted {
        /// What was removed.
        compaction: Compaction,
    },
    /// It was seen how much a target takes, and is kept to from now on.
    LimitLearnt {
        /// The connector.
        connector: ConnectorRef,
        /// What was learnt.
        limit: LearntLimit,
    },
    /// Somebody has an operation tried again now.
    Retried {
        /// The operation.
        operation: OperationId,
        /// What the operation does next: it is queued, or asks first when an attempt is in doubt.
        then: Life,
    },
    /// An operation is given up.
    Discarded {
        /// The operation.
        operation: OperationId,
        /// Why, in words.
        why: String,
    },
    /// The accounts of a connector are being read and compared. A comparison that goes on where it stopped says it again.
    ReconcileStarted {
        /// The comparison.
        run: RunId,
        /// The connector.
        connector: ConnectorRef,
        /// How much may be read.
        budget: ReadBudget,
    },
    /// A linked account is not as it should be.
    DriftFound {
        /// The comparison.
        run: RunId,
        /// What is wrong.
        divergence: Box<Divergence>,
    },
    /// An account that was found to differ does no longer.
    DriftCleared {
        /// The connector.
        connector: ConnectorRef,
        /// The user or group.
        local: LocalRef,
    },
    /// It was decided what becomes of a difference.
    DriftResolved {
        /// The connector.
        connector: ConnectorRef,
        /// The user or group.
        local: LocalRef,
        /// The fields; empty for the whole account.
        fields: Vec<String>,
        /// What was decided.
        resolution: Resolution,
    },
    /// An account of ours that nothing is linked to was found.
    OrphanFound {
        /// The comparison.
        run: RunId,
        /// The account.
        orphan: Box<Orphan>,
    },
    /// An account of ours that nothing was linked to is gone, is linked by now, or is not provably ours any more.
    OrphanCleared {
        /// The connector.
        connector: ConnectorRef,
        /// User or group.
        object: Object,
        /// The account.
        remote_id: RemoteId,
    },
    /// It was decided what becomes of such an account; the link follows.
    OrphanResolved {
        /// The account.
        orphan: Box<Orphan>,
        /// Whether it is taken away; else it is linked again.
        taken_away: bool,
    },
    /// The comparison of a connector ended, or stopped before its end.
    ReconcileEnded {
        /// The comparison.
        run: RunId,
        /// The connector.
        connector: ConnectorRef,
        /// What was counted, and what was not read.
        tally: Box<Tally>,
    },
}

impl Fact {
    /// Returns the fact's name, as it stands in the journal and its exports.
    pub fn word(&self) -> &'static str {
        match self {
            Self::TriggerRecorded { .. } => "trigger-recorded",
            Self::Decided { .. } => "decided",
            Self::OperationQueued { .. } => "operation-queued",
            Self::AttemptStarted { .. } => "attempt-started",
            Self::ExchangeRecorded { .. } => "exchange-recorded",
            Self::AttemptFailed { .. } => "attempt-failed",
            Self::Asked { .. } => "asked",
            Self::Settled { .. } => "settled",
            Self::Linked { .. } => "linked",
            Self::Unlinked { .. } => "unlinked",
            Self::OperationDead { .. } => "operation-dead",
            Self::Compensated { .. } => "compensated",
            Self::CallerWaited { .. } => "caller-waited",
            Self::CallerReleased { .. } => "caller-released",
            Self::DirectoryChanged { .. } => "directory-changed",
            Self::Held { .. } => "held",
            Self::Released { .. } => "released",
            Self::ConnectorHeld { .. } => "connector-held",
            Self::ConnectorReleased { .. } => "connector-released",
            Self::Quarantined { .. } => "quarantined",
            Self::BrakeEngaged { .. } => "brake-engaged",
            Self::BrakeApproved { .. } => "brake-approved",
            Self::BrakeRejected { .. } => "brake-rejected",
            Self::Compacted { .. } => "compacted",
            Self::LimitLearnt { .. } => "limit-learnt",
            Self::Retried { .. } => "retried",
            Self::Discarded { .. } => "discarded",
            Self::ReconcileStarted { .. } => "reconcile-started",
            Self::DriftFound { .. } => "drift-found",
            Self::DriftCleared { .. } => "drift-cleared",
            Self::DriftResolved { .. } => "drift-resolved",
            Self::OrphanFound { .. } => "orphan-found",
            Self::OrphanCleared { .. } => "orphan-cleared",
            Self::OrphanResolved { .. } => "orphan-resolved",
            Self::ReconcileEnded { .. } => "reconcile-ended",
        }
    }

    /// Returns the operation that the fact moves from one state to another, when it does.
    pub fn moves(&self) -> Option<OperationId> {
        match self {
            Self::OperationQueued { queued } => Some(queued.operation),
            Self::AttemptStarted { operation, .. }
            | Self::AttemptFailed { operation, .. }
            | Self::Asked { operation, .. }
            | Self::Settled { operation, .. }
            | Self::OperationDead { operation, .. }
            | Self::Held { operation, .. }
            | Self::Released { operation, .. }
            | Self::Retried { operation, .. }
            | Self::Discarded { operation, .. } => Some(*operation),
            Self::TriggerRecorded { .. }
            | Self::Decided { .. }
            | Self::ExchangeRecorded { .. }
            | Self::Linked { .. }
            | Self::Unlinked { .. }
            | Self::Compensated { .. }
            | Self::CallerWaited { .. }
            | Self::CallerReleased { .. }
            | Self::DirectoryChanged { .. }
            | Self::ConnectorHeld { .. }
            | Self::ConnectorReleased { .. }
            | Self::Quarantined { .. }
            | Self::BrakeEngaged { .. }
            | Self::BrakeApproved { .. }
            | Self::BrakeRejected { .. }
            | Self::Compacted { .. }
            | Self::LimitLearnt { .. }
            | Self::ReconcileStarted { .. }
            | Self::DriftFound { .. }
            | Self::DriftCleared { .. }
            | Self::DriftResolved { .. }
            | Self::OrphanFound { .. }
            | Self::OrphanCleared { .. }
            | Self::OrphanResolved { .. }
            | Self::ReconcileEnded { .. } => None,
        }
    }
}

/// An operation as it was queued. What it is to do stands in the decision or, without one, here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queued {
    /// The operation.
    pub operation: OperationId,
    /// The trigger that it follows from.
    pub trigger: TriggerId,
    /// The connector.
    pub connector: ConnectorRef,
    /// The local user or group.
    pub local: LocalRef,
    /// Its local name at that time, for people.
    pub name: QualifiedName,
    /// The name wanted at the target.
    pub remote_name: String,
    /// What is to be done.
    pub verb: Verb,
    /// Whether a caller waits for it.
    pub blocking: bool,
    /// Where it came from.
    pub cause: Cause,
    /// Set when it may not be sent yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held: Option<Reason>,
}

/// Where an operation came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The trigger's decision at this place of the list.
    Decision(usize),
    /// It undoes an operation of a refused flow.
    Undoes {
        /// The operation that is undone.
        operation: OperationId,
        /// What is to be done.
        planned: Box<Planned>,
    },
    /// A member of the group got its account there only now.
    MemberLinked {
        /// The member.
        member: LocalRef,
        /// What is to be done.
        planned: Box<Planned>,
    },
}

/// What the target said when it was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It has the account, and it is ours.
    Ours {
        /// Its id.
        remote_id: RemoteId,
        /// How that is known, in words.
        because: String,
    },
    /// It has an account of that name which did not come from here.
    Foreign {
        /// Its id.
        remote_id: RemoteId,
        /// How that is known, in words.
        because: String,
    },
    /// It has no such account.
    Absent,
    /// It could not be asked.
    Unanswered {
        /// Why.
        failure: Failure,
    },
}

/// How an operation was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settlement {
    /// The target confirmed it.
    Confirmed(Confirmation),
    /// The target was asked, and has what an earlier attempt whose answer was lost had done.
    Found(Confirmation),
    /// When its turn came there was nothing left to do.
    Nothing {
        /// Why.
        reason: Reason,
        /// Why exactly, in words.
        detail: String,
    },
}

/// Why an operation failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// The kind of cause.
    pub cause: DeathCause,
    /// What happened, in words; the target's own where it had any.
    pub told: String,
    /// What a person can do about it.
    pub advice: String,
    /// The last failure, when an attempt was made.
    pub failure: Option<Failure>,
}

/// The kinds of causes of a dead letter: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeathCause {
    /// Trying again cannot help until somebody changes something.
    Refused,
    /// The retry schedule has ended.
    ScheduleEnded,
    /// The account there did not come from here, and `on_existing` is `fail`.
    ForeignAccount,
    /// The connector cannot be used as it is configured.
    Unavailable,
    /// The new password was in memory only, and the process that held it ended.
    PasswordLost,
}

impl DeathCause {
    /// Every cause.
    pub const ALL: [Self; 5] = [
        Self::Refused,
        Self::ScheduleEnded,
        Self::ForeignAccount,
        Self::Unavailable,
        Self::PasswordLost,
    ];

    /// Returns the word used in JSON, filters and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::ScheduleEnded => "schedule-ended",
            Self::ForeignAccount => "foreign-account",
            Self::Unavailable => "unavailable",
            Self::PasswordLost => "password-lost",
        }
    }
}

/// How a caller's wait ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitVerdict {
    /// Every blocking operation is done; the local change is made.
    Confirmed,
    /// One failed or took too long, and the provisioner says `accept`: the local change stands.
    Accepted {
        /// What went wrong.
        cause: WaitFailure,
    },
    /// One failed or took too long: the local change is not made, and a login is refused.
    Rejected {
        /// What went wrong.
        cause: WaitFailure,
    },
}

/// Why a wait did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitFailure {
    /// A blocking operation failed for good.
    Failed {
        /// The operation.
        operation: OperationId,
        /// Its connector.
        connector: ConnectorRef,
        /// Why.
        death: Death,
    },
    /// A blocking operation was given up by hand.
    Discarded {
        /// The operation.
        operation: OperationId,
        /// Its connector.
        connector: ConnectorRef,
        /// Why, in words.
        why: String,
    },
    /// Time ran out while these were still under way.
    TimedOut {
        /// The connectors that had not confirmed.
        waiting_for: Vec<ConnectorRef>,
        /// The last failure that was seen, when there was one.
        last: Option<Failure>,
    },
    /// A blocking provisioner's decision came to nothing for a fault, so nothing was sent anywhere.
    NotProvisioned {
        /// Its connector.
        connector: ConnectorRef,
        /// Why.
        reason: Reason,
        /// The values behind the reason.
        detail: String,
    },
    /// Nothing is sent to a blocking operation's connector for the present, so waiting would help nobody.
    Held {
        /// The connector.
        connector: ConnectorRef,
        /// `paused`, `quarantined` or `brake-engaged`.
        reason: Reason,
        /// Since when, by whom, how it ends.
        detail: String,
    },
    /// The process ended while the caller waited.
    ProcessEnded,
}

impl WaitFailure {
    /// Returns the connector that is to blame, when it is one.
    pub fn connector(&self) -> Option<&ConnectorRef> {
        match self {
            Self::Failed { connector, .. }
            | Self::Discarded { connector, .. }
            | Self::NotProvisioned { connector, .. }
            | Self::Held { connector, .. } => Some(connector),
            Self::TimedOut { .. } | Self::ProcessEnded => None,
        }
    }
}

impl fmt::Display for WaitFailure {
    /// Fits after "because" and "although".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed {
                connector, death, ..
            } => write!(
                f,
                "{connector} failed: {} (do: {})",
                death.told, death.advice
            ),
            Self::Discarded { connector, why, .. } => write!(f, "{connector} was given up: {why}"),
            Self::TimedOut { waiting_for, last } => {
                let names: Vec<String> = waiting_for.iter().map(ToString::to_string).collect();
                write!(f, "{} did not confirm in time", names.join(", "))?;
                match last {
                    // Its advice speaks of what goes on, and after a refusal nothing does.
                    Some(failure) => write!(f, "; last: {failure}"),
                    None => Ok(()),
                }
            }
            Self::NotProvisioned {
                connector,
                reason,
                detail,
            } => write!(
                f,
                "{connector} is not provisioned ({reason}): {detail} (do: {})",
                reason.fix()
            ),
            Self::Held {
                connector,
                reason,
                detail,
            } => write!(
                f,
                "nothing is sent to {connector} now ({reason}): {detail} (do: {})",
                reason.fix()
            ),
            Self::ProcessEnded => f.write_str("the process ended while the caller waited"),
        }
    }
}

/// One change of the local directory. A password is never part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryChange {
    /// A user is there as described; groups are kept by the groups.
    UserPut(User),
    /// A user is gone, from all groups too.
    UserRemoved(UserId),
    /// A group is there under this name; members stay as they are.
    GroupPut {
        /// The group.
        id: GroupId,
        /// The name.
        name: QualifiedName,
    },
    /// A group is gone.
    GroupRemoved(GroupId),
    /// Members came and went.
    MembersChanged {
        /// The group.
        group: GroupId,
        /// Who came.
        added: BTreeSet<UserId>,
        /// Who went.
        removed: BTreeSet<UserId>,
    },
    /// A role exists.
    RolePut(RoleName),
    /// A role has another name; what it makes of its holders stands in their own changes.
    RoleRenamed {
        /// The role as it was.
        role: RoleName,
        /// The role as it is.
        to: RoleName,
    },
    /// A role is gone; what it makes of its holders stands in their own changes.
    RoleRemoved(RoleName),
}

impl DirectoryChange {
    /// Returns what makes a group of this name and these members.
    pub fn group(group: &Group) -> [Self; 2] {
        [
            Self::GroupPut {
                id: group.id,
                name: group.name.clone(),
            },
            Self::MembersChanged {
                group: group.id,
                added: group.members.clone(),
                removed: BTreeSet::new(),
            },
        ]
    }
}
