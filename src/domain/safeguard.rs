//! What keeps a mistake from spreading: when a connector is left alone, and how much may be taken away at once.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Deprovision, Object, Planned, Verb};

/// When a connector is sent to no more because too much fails there, and how it is looked after meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinePolicy {
    /// Whether a connector is ever put into quarantine.
    pub enabled: bool,
    /// How many operations must have been tried within the window before their share counts.
    pub operations: u32,
    /// The share of them that failed, in percent, from which on the connector is left alone.
    pub failed_percent: u32,
    /// The time that is looked back on.
    pub window: Duration,
    /// How many operations running that are refused for the credentials (401, or a 403 that is no quota) are enough.
    pub refusals: u32,
    /// The pause before the first probe; it doubles with every probe that fails.
    pub probe: Duration,
    /// The longest pause between two probes.
    pub probe_at_most: Duration,
}

impl Default for QuarantinePolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            operations: 20,
            failed_percent: 50,
            window: Duration::from_mins(10),
            refusals: 3,
            probe: Duration::from_mins(1),
            probe_at_most: Duration::from_hours(1),
        }
    }
}

/// How much may be taken away at one connector within a time before somebody has to approve of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrakePolicy {
    /// Whether there is a brake at all.
    pub enabled: bool,
    /// More than this share of the connector's accounts, in percent, and
    pub percent: u32,
    /// more than so many of them,
    pub count: u32,
    /// within this time.
    pub window: Duration,
}

impl Default for BrakePolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            percent: 20,
            count: 10,
            window: Duration::from_hours(1),
        }
    }
}

/// What takes something away at a target: the three kinds that the brakes count, each by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Brake {
    /// Accounts are deleted.
    Deletes,
    /// Accounts are deactivated.
    Deactivations,
    /// Members are taken out of groups, by a change of the group or because it is deleted.
    GroupRemovals,
}

impl Brake {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Deletes, Self::Deactivations, Self::GroupRemovals];

    /// Returns the word used in JSON, on the command line and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deletes => "deletes",
            Self::Deactivations => "deactivations",
            Self::GroupRemovals => "group-removals",
        }
    }

    /// Returns what is taken away, in the plural, for a sentence with a number before it.
    pub fn says(self) -> &'static str {
        match self {
            Self::Deletes => "accounts deleted",
            Self::Deactivations => "accounts deactivated",
            Self::GroupRemovals => "members taken out of groups",
        }
    }

    /// Returns what an operation takes away and how many; `None` when it takes nothing away.
    ///
    /// A deleted group counts its members as far as they are known, at least one.
    pub fn of(planned: &Planned) -> Option<(Self, u32)> {
        match (planned.local.object(), planned.verb, planned.deprovision) {
            (Object::User, Verb::Deprovision, Deprovision::Delete) => Some((Self::Deletes, 1)),
            (Object::User, Verb::Deprovision, Deprovision::Deactivate) => {
                Some((Self::Deactivations, 1))
            }
            (Object::Group, Verb::Deprovision, _) => {
                let members = u32::try_from(planned.desired.members.len()).unwrap_or(u32::MAX);
                Some((Self::GroupRemovals, members.max(1)))
            }
            (Object::Group, Verb::Update, _) => {
                let gone: usize = planned
                    .changes
                    .iter()
                    .filter(|change| change.remote == "members")
                    .map(|change| missing(change.before.as_ref(), &change.after))
                    .sum();
                let gone = u32::try_from(gone).unwrap_or(u32::MAX);
                (gone > 0).then_some((Self::GroupRemovals, gone))
            }
            (Object::User | Object::Group, Verb::Create, _) | (Object::User, Verb::Update, _) => {
                None
            }
        }
    }
}

/// Counts the entries of a list that are in another no longer.
fn missing(before: Option<&Value>, after: &Value) -> usize {
    let after = after.as_array().map(Vec::as_slice).unwrap_or_default();
    before
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|entry| !after.contains(entry))
        .count()
}

impl fmt::Display for Brake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Brake {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|brake| brake.word() == word)
            .ok_or_else(|| {
                let words: Vec<&str> = Self::ALL.iter().map(|brake| brake.word()).collect();
                format!("there are {}", words.join(", "))
            })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{AttributeChange, Desired, GroupId, LocalRef, Member, PasswordPlan, UserId};

    fn planned(local: LocalRef, verb: Verb, deprovision: Deprovision) -> Planned {
        Planned {
            local,
            verb,
            desired: Desired {
                local,
                remote_name: "kim".to_owned(),
                attributes: Vec::new(),
                members: Vec::new(),
                password: PasswordPlan::None,
            },
            changes: Vec::new(),
            deprovision,
            held: None,
        }
    }

    #[test]
    fn only_what_takes_something_away_is_counted() {
        let user = LocalRef::User(UserId(uuid::Uuid::nil()));
        let group = LocalRef::Group(GroupId(uuid::Uuid::nil()));
        let of = |local, verb, deprovision| Brake::of(&planned(local, verb, deprovision));
        let (delete, off) = (Deprovision::Delete, Deprovision::Deactivate);
        assert_eq!(
            of(user, Verb::Deprovision, delete),
            Some((Brake::Deletes, 1))
        );
        assert_eq!(
            of(user, Verb::Deprovision, off),
            Some((Brake::Deactivations, 1))
        );
        for verb in [Verb::Create, Verb::Update] {
            assert_eq!(of(user, verb, delete), None);
            assert_eq!(of(group, verb, delete), None);
        }
        let mut gone = planned(group, Verb::Deprovision, delete);
        assert_eq!(Brake::of(&gone), Some((Brake::GroupRemovals, 1)));
        gone.desired.members = (0..3)
            .map(|n| Member {
                local: user,
                name: n.to_string(),
                remote_id: None,
            })
            .collect();
        assert_eq!(Brake::of(&gone), Some((Brake::GroupRemovals, 3)));
    }

    #[test]
    fn members_who_come_do_not_make_up_for_members_who_go() {
        let group = LocalRef::Group(GroupId(uuid::Uuid::nil()));
        let mut change = planned(group, Verb::Update, Deprovision::Delete);
        change.changes = vec![AttributeChange {
            remote: "members".to_owned(),
            before: Some(json!(["a", "b", "c"])),
            after: json!(["c", "d", "e"]),
        }];
        assert_eq!(Brake::of(&change), Some((Brake::GroupRemovals, 2)));
        change.changes[0].before = None;
        assert_eq!(Brake::of(&change), None);
    }
}
