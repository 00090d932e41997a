//! Dead letters: told by their cause, tried again, decided anew against the directory of now, or given up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{
    AttributeChange, ConnectorRef, Decision, Desired, FailureKind, FlowId, LocalRef, Object,
    OperationId, Planned, QualifiedName, Subject, TriggerKind, Verb, Verdict,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::along::Along;
use crate::brake::Judged;
use crate::directory::{Draft, DraftStep};
use crate::flow::{Deciding, decided_by, is_fault};
use crate::handle::{CommandError, SubmitError};
use crate::inner::Inner;
use crate::journal::{JournalError, Open, Reader};
use crate::keys::Key;
use crate::{Death, DeathCause, Fact, Life, OperationView, Page, State};

/// Which dead letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadFilter {
    /// Only at this connector.
    pub connector: Option<ConnectorRef>,
    /// Only of this cause.
    pub cause: Option<DeathCause>,
    /// Only when the last answer had this status.
    pub status: Option<u16>,
    /// Only of this group, as [`DeadGroup::group`] names it.
    pub group: Option<String>,
    /// Only of users and groups of this name, whatever the store.
    pub name: Option<String>,
}

/// An operation that failed for good.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadLetter {
    /// The operation.
    pub operation: OperationView,
    /// Since when it is dead.
    pub since: Timestamp,
    /// Why.
    pub death: Death,
    /// The later operation of the same account that was done, so that this one is out of date.
    pub superseded_by: Option<OperationId>,
    /// The group that it belongs to.
    pub group: String,
}

/// Dead letters of one cause at one connector.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadGroup {
    /// The group's name: eight digits that stay the same as long as the cause does.
    pub group: String,
    /// The connector.
    pub connector: ConnectorRef,
    /// The kind of cause.
    pub cause: DeathCause,
    /// The kind of the last failure.
    pub kind: Option<FailureKind>,
    /// The status of the last answer.
    pub status: Option<u16>,
    /// What the target said, without what differs from letter to letter.
    pub told: String,
    /// How many.
    pub count: usize,
    /// How many of them are out of date.
    pub superseded: usize,
    /// Since when the oldest is dead.
    pub oldest: Timestamp,
    /// Since when the newest is.
    pub newest: Timestamp,
    /// What a person can do.
    pub advice: String,
    /// The newest of them.
    pub example: DeadLetter,
}

/// What became of a dead letter that was decided anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecidedAgain {
    /// The dead letter.
    pub operation: OperationId,
    /// The local user or group.
    pub name: QualifiedName,
    /// The new decision; `None` when no level proposes the connector any more.
    pub decision: Option<Decision>,
    /// What differs from what the dead letter would have written.
    pub differences: Vec<AttributeChange>,
    /// The operation that takes its place; `None` for a preview, and where there is nothing to do.
    pub replaced_by: Option<OperationId>,
    /// Whether the dead letter stays, because the new decision meets a fault.
    pub stays: bool,
    /// Whether its request was refused and its user or group is not here, so that there is nothing to decide about.
    #[serde(default)]
    pub is_moot: bool,
}

impl DecidedAgain {
    /// Returns what was decided, in words.
    pub fn told(&self) -> String {
        if self.is_moot {
            return format!(
                "its request was refused and there is no {}: nothing is to be done",
                self.name
            );
        }
        let Some(decision) = &self.decision else {
            return "no level proposes the connector any more: nothing is to be done".to_owned();
        };
        match &decision.verdict {
            Verdict::Operation(planned) if self.differences.is_empty() => {
                format!("{}, and nothing about it has changed", planned.verb)
            }
            Verdict::Operation(planned) => {
                let changes: Vec<String> = self.differences.iter().map(difference).collect();
                format!("{}, with {}", planned.verb, changes.join(", "))
            }
            Verdict::Nothing(nothing) => {
                format!("nothing ({}): {}", nothing.reason, nothing.detail)
            }
        }
    }
}

fn difference(change: &AttributeChange) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let before = change.before.as_ref().map_or("nothing".to_owned(), text);
    format!("{} = {} (was {before})", change.remote, text(&change.after))
}

impl Reader {
    /// Returns dead letters, the newest first.
    pub fn dead_letters(
        &self,
        filter: &DeadFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, JournalError> {
        const PAGE: usize = 500;
        let wanted = crate::OperationFilter {
            state: Some(State::Dead),
            connector: filter.connector.clone(),
            ..crate::OperationFilter::default()
        };
        let mut out = Vec::new();
        let mut page = Page::newest(PAGE);
        loop {
            let part = self.operations(&wanted, page)?;
            let Some(last) = part.last().map(|view| view.seq) else {
                return Ok(out);
            };
            for view in part {
                if let Some(letter) = self.dead_letter(view)?
                    && filter.takes(&letter)
                {
                    out.push(letter);
                    if out.len() == limit {
                        return Ok(out);
                    }
                }
            }
            page = Page::before(last, PAGE);
        }
    }

    /// Returns the dead letters told by their cause, the largest group first.
    pub fn dead_groups(&self, filter: &DeadFilter) -> Result<Vec<DeadGroup>, JournalError> {
        let mut groups: BTreeMap<String, DeadGroup> = BTreeMap::new();
        for letter in self.dead_letters(filter, usize::MAX)? {
            let is_old = usize::from(letter.superseded_by.is_some());
            if let Some(group) = groups.get_mut(&letter.group) {
                group.count += 1;
                group.superseded += is_old;
                group.oldest = group.oldest.min(letter.since);
                group.newest = group.newest.max(letter.since);
                continue;
            }
            let failure = letter.death.failure.as_ref();
            let group = DeadGroup {
                group: letter.group.clone(),
                connector: letter.operation.connector.clone(),
                cause: letter.death.cause,
                kind: failure.map(|failure| failure.kind),
                status: failure.and_then(|failure| failure.status),
                told: signature(&letter.death, &letter.operation.name),
                count: 1,
                superseded: is_old,
                oldest: letter.since,
                newest: letter.since,
                advice: letter.death.advice.clone(),
                example: letter.clone(),
            };
            groups.insert(letter.group, group);
        }
        let mut groups: Vec<DeadGroup> = groups.into_values().collect();
        groups.sort_by(|one, other| {
            (other.count, &one.connector, &one.group).cmp(&(
                one.count,
                &other.connector,
                &other.group,
            ))
        });
        Ok(groups)
    }

    fn dead_letter(&self, view: OperationView) -> Result<Option<DeadLetter>, JournalError> {
        let Some((since, death)) = self.death_of(view.operation)? else {
            return Ok(None);
        };
        let superseded_by = match self.head(view.operation)? {
            Some(head) => self.done_after(&head)?,
            None => None,
        };
        let group = group_of(&view.connector, &death, &view.name);
        Ok(Some(DeadLetter {
            operation: view,
            since,
            death,
            superseded_by,
            group,
        }))
    }
}

impl DeadFilter {
    fn takes(&self, letter: &DeadLetter) -> bool {
        let failure = letter.death.failure.as_ref();
        let is_named = |name: &String| {
            letter.operation.name.name.eq_ignore_ascii_case(name)
                || letter.operation.name.to_string().eq_ignore_ascii_case(name)
        };
        self.cause.is_none_or(|cause| cause == letter.death.cause)
            && self
                .status
                .is_none_or(|status| failure.and_then(|failure| failure.status) == Some(status))
            && self
                .group
                .as_ref()
                .is_none_or(|group| *group == letter.group)
            && self.name.as_ref().is_none_or(is_named)
    }
}

/// Returns the name of the group that a death belongs to: a hash of its cause (FNV-1a).
fn group_of(connector: &ConnectorRef, death: &Death, name: &QualifiedName) -> String {
    let failure = death.failure.as_ref();
    let text = format!(
        "{connector}\n{}\n{}\n{}\n{}",
        death.cause.word(),
        failure.map_or("", |failure| failure.kind.word()),
        failure
            .and_then(|failure| failure.status)
            .unwrap_or_default(),
        signature(death, name)
    );
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{hash:08x}")
}

/// Returns what a target said without what differs from one account to another: names, quoted values, numbers, addresses.
fn signature(death: &Death, name: &QualifiedName) -> String {
    let told = death
        .failure
        .as_ref()
        .map_or(&death.told, |failure| &failure.told);
    let mut plain = String::with_capacity(told.len());
    let mut quote = None;
    for c in told.chars() {
        match quote {
            Some(end) if c == end => {
                quote = None;
                plain.push('…');
            }
            Some(_) => {}
            None => match c {
                '"' | '`' => quote = Some(c),
                '“' => quote = Some('”'),
                '‘' => quote = Some('’'),
                c => plain.push(c),
            },
        }
    }
    let own = name.name.to_lowercase();
    let words: Vec<String> = plain
        .split_whitespace()
        .map(|word| {
            let core = word.trim_matches(|c: char| !c.is_alphanumeric());
            let varies = core.contains('@')
                || core.chars().any(|c| c.is_ascii_digit())
                || !own.is_empty() && core.to_lowercase() == own;
            if varies {
                word.replace(core, "…")
            } else {
                word.to_owned()
            }
        })
        .collect();
    words.join(" ")
}

impl Inner {
    /// Decides a dead letter anew, against the directory and the configuration of now, at its own connector alone.
    ///
    /// A new operation takes its place. Where nothing is to be done any more it is given up; where the decision meets a
    /// fault it stays. A preview writes nothing.
    pub(crate) async fn decide_again(
        self: &Arc<Self>,
        operation: OperationId,
        is_preview: bool,
    ) -> Result<DecidedAgain, CommandError> {
        let open = self.decidable(operation)?;
        if self.is_moot(&open)? {
            return self.give_up_moot(&open, is_preview).await;
        }
        let (object, name) = (open.local.object(), self.subject_name(&open)?);
        let own_keys = self
            .keys
            .take(BTreeSet::from([Key::local(object, &name)]))
            .await;
        // Now that nobody else decides about it.
        let open = self.decidable(operation)?;
        let setup = self.setup();
        let mut deciding = self.draft_again(&open)?;
        let desk = self.desk(&setup);
        let needs = desk.needs(&deciding.draft, &deciding.triggers);
        drop(desk);
        let wanted = decided_by(&deciding.draft, &needs);
        let decided_keys = self.keys.take_wanted(wanted).await;
        let desk = self.desk(&setup);
        let along = Along {
            only: Some(open.connector.clone()),
            ..Along::default()
        };
        let mut decisions = desk
            .decide(&mut deciding.draft, &deciding.triggers, &needs, &along)
            .map_err(CommandError::Journal)?;
        drop(desk);
        for decided in &mut decisions {
            decided
                .decisions
                .retain(|decision| decision.candidate.connector == open.connector);
            for decision in &mut decided.decisions {
                // Nobody waits for it any more.
                decision.candidate.blocking = false;
            }
        }
        let judged = if is_preview {
            None
        } else {
            Some(self.brake(&mut decisions, &setup)?)
        };
        let decision = decisions
            .iter()
            .flat_map(|decided| &decided.decisions)
            .next()
            .cloned();
        let old = self.reader.planned(operation)?;
        let mut again = DecidedAgain {
            operation,
            name,
            differences: differences(old.as_ref(), decision.as_ref()),
            stays: matches!(
                decision.as_ref().map(|decision| &decision.verdict),
                Some(Verdict::Nothing(nothing)) if is_fault(nothing.reason)
            ),
            decision,
            replaced_by: None,
            is_moot: false,
        };
        if is_preview || again.stays {
            return Ok(again);
        }
        deciding.decisions = decisions;
        let (mut owed, operations, _) = self.owe(&mut deciding, false);
        again.replaced_by = operations.iter().flatten().find_map(|id| *id);
        owed.apart(judged.iter().flat_map(Judged::facts));
        let why = match again.replaced_by {
            Some(by) => format!("decided anew: {by} takes its place"),
            None => format!("decided anew: {}", again.told()),
        };
        owed.push(open.flow, Fact::Discarded { operation, why });
        self.commit(owed).await?;
        if let Some(judged) = judged {
            judged.stands();
        }
        drop(decided_keys);
        drop(own_keys);
        self.passwords.forget(operation);
        if let Some(id) = again.replaced_by {
            self.release_late(&[id]).await;
        }
        if deciding.is_braked() {
            // The brake may have been let go of since it was decided.
            self.brakes.loosen();
        }
        self.pump();
        self.beat();
        Ok(again)
    }

    /// Tells whether nothing can come of a dead letter any more: its request was refused, whom it was about is not here, and
    /// it has made no account.
    fn is_moot(&self, open: &Open) -> Result<bool, JournalError> {
        Ok(self.is_nobodys(open)? && !self.may_have_made(open)?)
    }

    /// Tells whether a dead letter may have made an account that is nobody's, for its request was refused: retried, it asks
    /// the target, and what is found is taken away.
    pub(crate) fn is_stray(&self, open: &Open) -> Result<bool, JournalError> {
        Ok(self.is_nobodys(open)? && self.may_have_made(open)?)
    }

    /// Tells whether an operation's request was refused, and whom it was about is not here. Of anybody else who is not here
    /// the account may still have to be taken away.
    fn is_nobodys(&self, open: &Open) -> Result<bool, JournalError> {
        let is_here = match open.local {
            LocalRef::User(id) => self.reader.user_by_id(id)?.is_some(),
            LocalRef::Group(id) => self.reader.group_by_id(id)?.is_some(),
        };
        Ok(!is_here && self.reader.is_refused(open.flow)?)
    }

    fn may_have_made(&self, open: &Open) -> Result<bool, JournalError> {
        if !open.doubt.made {
            return Ok(false);
        }
        let planned = self.reader.planned(open.operation)?;
        Ok(planned.is_some_and(|planned| planned.verb == Verb::Create))
    }

    /// Gives up a dead letter of which nothing can come any more. A preview writes nothing.
    async fn give_up_moot(
        self: &Arc<Self>,
        open: &Open,
        is_preview: bool,
    ) -> Result<DecidedAgain, CommandError> {
        let operation = open.operation;
        let again = DecidedAgain {
            operation,
            name: open.name.clone(),
            decision: None,
            differences: Vec::new(),
            replaced_by: None,
            stays: false,
            is_moot: true,
        };
        if !is_preview {
            let why = format!("decided anew: {}", again.told());
            self.discard(operation, &why).await?;
        }
        Ok(again)
    }

    /// Returns a dead letter that may be decided anew.
    fn decidable(&self, operation: OperationId) -> Result<Open, CommandError> {
        let open = self
            .reader
            .head(operation)?
            .ok_or(CommandError::OperationUnknown(operation))?;
        let wrong = |told: &str| CommandError::WrongState {
            operation,
            state: open.life.word(),
            told: told.to_owned(),
        };
        if open.life != Life::Dead {
            return Err(wrong("only a dead letter is decided anew"));
        }
        if open.undoes {
            return Err(wrong("it undoes a refused request; retry or discard it"));
        }
        if let Some(by) = self.reader.done_after(&open)? {
            return Err(CommandError::Superseded { operation, by });
        }
        Ok(open)
    }

    fn subject_name(&self, open: &Open) -> Result<QualifiedName, CommandError> {
        let name = match open.local {
            LocalRef::User(id) => self.reader.user_by_id(id)?.map(|user| user.name),
            LocalRef::Group(id) => self.reader.group_by_id(id)?.map(|group| group.name),
        };
        name.ok_or_else(|| CommandError::WrongState {
            operation: open.operation,
            state: open.life.word(),
            told: format!(
                "the {} is not here any more; retry or discard it",
                open.local.object()
            ),
        })
    }

    /// Tells what happened once more, as if it happened to the subject as it is now.
    fn draft_again(&self, open: &Open) -> Result<Deciding, CommandError> {
        let trace = self.reader.trace(open.flow)?;
        let trigger = trace
            .into_iter()
            .flat_map(|trace| trace.triggers)
            .map(|entry| entry.trigger)
            .find(|trigger| trigger.id == open.trigger)
            .ok_or(CommandError::OperationUnknown(open.operation))?;
        let subject = match open.local {
            LocalRef::User(id) => self.reader.user_by_id(id)?.map(Subject::User),
            LocalRef::Group(id) => self.reader.group_by_id(id)?.map(Subject::Group),
        };
        let is_same = open.local == trigger.subject;
        let kind = match (trigger.kind, open.local.object()) {
            (_, Object::User) if !is_same => TriggerKind::UserUpdated,
            (_, Object::Group) if !is_same => TriggerKind::GroupChanged,
            (TriggerKind::UserCreated | TriggerKind::PasswordChanged, _) => {
                TriggerKind::UserUpdated
            }
            (TriggerKind::GroupCreated | TriggerKind::GroupRenamed, _) => TriggerKind::GroupChanged,
            (kind, _) => kind,
        };
        let flow = FlowId(self.id());
        let draft = Draft {
            steps: vec![DraftStep {
                kind,
                source: trigger.source,
                subject: open.local,
                name: self.subject_name(open)?,
                role: trigger.role.clone(),
                changed: BTreeSet::new(),
                before: subject.clone(),
                after: subject,
                note: Some(format!("decided anew, in the place of {}", open.operation)),
            }],
            changes: Vec::new(),
            password: None,
        };
        let triggers = vec![domain::Trigger {
            id: domain::TriggerId(self.id()),
            flow,
            at: self.clock.now(),
            kind,
            subject: open.local,
            subject_name: draft.steps[0].name.clone(),
            changed: BTreeSet::new(),
            carries_password: false,
            ..trigger
        }];
        Ok(Deciding {
            flow,
            draft,
            triggers,
            decisions: Vec::new(),
        })
    }
}

impl From<SubmitError> for CommandError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Journal(error) => Self::Journal(error),
            SubmitError::Directory(error) => Self::Rules(error.to_string()),
            SubmitError::Stopped => Self::Journal(JournalError::Closed),
        }
    }
}

/// Returns what differs between what a dead letter would have written and what is to be written now.
fn differences(old: Option<&Planned>, decision: Option<&Decision>) -> Vec<AttributeChange> {
    let new = decision.and_then(|decision| match &decision.verdict {
        Verdict::Operation(planned) => Some(planned.as_ref()),
        Verdict::Nothing(_) => None,
    });
    let (Some(old), Some(new)) = (old, new) else {
        return Vec::new();
    };
    let (before, after) = (content(&old.desired), content(&new.desired));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| AttributeChange {
            remote: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned().unwrap_or(Value::Null),
        })
        .collect()
}

fn content(desired: &Desired) -> BTreeMap<String, Value> {
    let mut content = desired.values();
    content.insert("name".to_owned(), desired.remote_name.clone().into());
    if desired.object() == Object::Group {
        let members: Vec<&str> = desired
            .members
            .iter()
            .map(|member| member.name.as_str())
            .collect();
        content.insert("members".to_owned(), members.into());
    }
    content
}

#[cfg(test)]
mod tests {
    use domain::{Failure, Remedy};

    use super::*;

    fn death(told: &str) -> Death {
        Death {
            cause: DeathCause::Refused,
            told: String::new(),
            advice: String::new(),
            failure: Some(Failure {
                kind: FailureKind::Rejected,
                remedy: Remedy::GiveUp,
                status: Some(400),
                told: told.to_owned(),
                advice: String::new(),
            }),
        }
    }

    #[test]
    fn what_differs_from_account_to_account_makes_no_group_of_its_own() {
        let connector = ConnectorRef::new("corp", "scim2");
        let group =
            |told: &str, name: &str| group_of(&connector, &death(told), &QualifiedName::new(name));
        for (one, other) in [
            (
                "`kim@acme.example` is no phone number",
                "`bob@acme.example` is no phone number",
            ),
            (
                "user kim has no LastName (REQUIRED_FIELD_MISSING)",
                "user bob has no LastName (REQUIRED_FIELD_MISSING)",
            ),
            (
                "limit of 5 reached at 10:31:07",
                "limit of 7 reached at 11:02:59",
            ),
            (
                "kim@acme.example: no such org",
                "bob@acme.example: no such org",
            ),
        ] {
            assert_eq!(group(one, "kim"), group(other, "bob"), "{one}");
        }
        let all: BTreeSet<String> = [
            "has no LastName (REQUIRED_FIELD_MISSING)",
            "has no Alias (REQUIRED_FIELD_MISSING)",
            "licence limit reached (LICENSE_LIMIT_EXCEEDED)",
        ]
        .iter()
        .map(|told| group(told, "kim"))
        .collect();
        assert_eq!(all.len(), 3);
        let elsewhere = ConnectorRef::new("other", "scim2");
        let told = death("has no LastName");
        let name = QualifiedName::new("kim");
        assert_ne!(
            group_of(&connector, &told, &name),
            group_of(&elsewhere, &told, &name)
        );
    }
}
