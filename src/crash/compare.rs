//! Holds the targets' content against the directory. Nothing here asks the engine: names and values are told apart by
//! the directory alone, and the campaign's configuration makes the remote names plain.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::{Claim, RoleName, User};
use engine::Reader;
use mocks::log::Entry;
use mocks::{Lab, Object, Target};
use serde::Serialize;
use serde_json::Value;

use super::CrashError;
use super::traffic::ROLE;

/// What is wrong at the end of a run; everything is 0 when the promise was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Users and groups of the directory that a target does not have.
    pub lost: u64,
    /// Users and groups that a target has more than once.
    pub duplicated: u64,
    /// Accounts and groups at a target that belong to nobody in the directory.
    pub ghosts: u64,
    /// Values at a target that are not the directory's newest, and changes that went back to an older one on the way.
    pub order_violations: u64,
    /// Each of them in words.
    pub told: Vec<String>,
}

impl Verdict {
    /// Tells whether the promise was kept.
    pub fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.ghosts + self.order_violations == 0
    }

    fn lost(&mut self, told: &str) {
        self.lost += 1;
        self.told.push(format!("lost: {told}"));
    }

    fn ghost(&mut self, told: &str) {
        self.ghosts += 1;
        self.told.push(format!("ghost: {told}"));
    }

    fn disorder(&mut self, told: &str) {
        self.order_violations += 1;
        self.told.push(format!("order: {told}"));
    }
}

/// Watches the changes at the targets: a version that goes back was written in the wrong order.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) requests: u64,
    /// Changes that were not seen because they came too fast.
    pub(super) missed: u64,
    wrong: Vec<String>,
}

impl Watch {
    pub(super) fn see(&mut self, entry: &Entry) {
        self.requests += 1;
        for change in &entry.changes {
            let (Some(before), Some(after)) = (
                version(change.before.as_ref()),
                version(change.after.as_ref()),
            ) else {
                continue;
            };
            if after < before {
                self.wrong.push(format!(
                    "{}: {} {} went from {before} back to {after}",
                    entry.mock, change.object, change.name
                ));
            }
        }
    }
}

fn version(value: Option<&Value>) -> Option<&str> {
    let text = value?.as_str()?;
    let digits = text.strip_prefix('v')?;
    (digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// Names the objects that a target had before anything was sent.
pub(super) fn known(lab: &Lab) -> HashSet<(Target, String)> {
    Target::ALL
        .into_iter()
        .flat_map(|target| {
            let held = lab.mock(target).objects();
            held.into_iter().map(move |object| (target, object.id))
        })
        .collect()
}

/// Compares every target with the directory.
pub(super) fn compare(
    reader: &Reader,
    lab: &Lab,
    known: &HashSet<(Target, String)>,
    watch: &Watch,
) -> Result<Verdict, CrashError> {
    let users = reader.users(None, usize::MAX)?;
    let groups = reader.groups(None, usize::MAX)?;
    let mut verdict = Verdict::default();
    for told in &watch.wrong {
        verdict.disorder(told);
    }
    if watch.missed > 0 {
        verdict.disorder(&format!(
            "{} requests came too fast to be watched",
            watch.missed
        ));
    }
    for target in Target::ALL {
        let held: Vec<Object> = lab
            .mock(target)
            .objects()
            .into_iter()
            .filter(|object| {
                !known.contains(&(target, object.id.clone())) && is_live(target, object)
            })
            .collect();
        let wanted: BTreeMap<String, &User> = users
            .iter()
            .filter(|user| is_wanted(target, user))
            .map(|user| (remote_name(target, user), user))
            .collect();
        let mut seen = BTreeMap::new();
        for object in held.iter().filter(|object| object.object == "User") {
            *seen.entry(object.name.to_lowercase()).or_insert(0) += 1;
            match wanted.get(&object.name.to_lowercase()) {
                None => verdict.ghost(&format!("{target}: {} ({})", object.name, object.id)),
                Some(user) => same_name(&mut verdict, target, object, user),
            }
        }
        let names = wanted.keys().map(String::as_str);
        counted(&mut verdict, target, names, &seen);
        if target == Target::Scim2 {
            let by_id: BTreeMap<_, _> = users.iter().map(|user| (user.id, user)).collect();
            let wanted: BTreeMap<String, BTreeSet<String>> = groups
                .iter()
                .map(|group| {
                    let members = group.members.iter().filter_map(|id| by_id.get(id));
                    let names = members.map(|user| remote_name(target, user)).collect();
                    (group.name.to_string(), names)
                })
                .collect();
            compare_groups(&mut verdict, &held, &wanted);
        }
    }
    Ok(verdict)
}

fn counted<'n>(
    verdict: &mut Verdict,
    target: Target,
    names: impl Iterator<Item = &'n str>,
    seen: &BTreeMap<String, u64>,
) {
    for name in names {
        match seen.get(name).copied().unwrap_or(0) {
            0 => verdict.lost(&format!("{target}: {name}")),
            1 => {}
            more => {
                verdict.duplicated += more - 1;
                verdict.told.push(format!(
                    "duplicated: {target}: {name} is there {more} times"
                ));
            }
        }
    }
}

fn compare_groups(
    verdict: &mut Verdict,
    held: &[Object],
    wanted: &BTreeMap<String, BTreeSet<String>>,
) {
    let names: BTreeMap<&str, &str> = held
        .iter()
        .map(|object| (object.id.as_str(), object.name.as_str()))
        .collect();
    let mut seen = BTreeMap::new();
    for group in held.iter().filter(|object| object.object == "Group") {
        *seen.entry(group.name.to_lowercase()).or_insert(0) += 1;
        let Some(members) = wanted.get(&group.name.to_lowercase()) else {
            verdict.ghost(&format!("scim2: group {} ({})", group.name, group.id));
            continue;
        };
        let had: BTreeSet<String> = group.content["members"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|member| member["value"].as_str())
            .map(|id| names.get(id).copied().unwrap_or(id).to_lowercase())
            .collect();
        if had != *members {
            verdict.disorder(&format!(
                "scim2: group {} has {had:?} and should have {members:?}",
                group.name
            ));
        }
    }
    counted(
        verdict,
        Target::Scim2,
        wanted.keys().map(String::as_str),
        &seen,
    );
}

/// A deactivated account is what Salesforce leaves of one that was taken away.
fn is_live(target: Target, object: &Object) -> bool {
    target != Target::Salesforce || object.content["IsActive"] == Value::Bool(true)
}

fn is_wanted(target: Target, user: &User) -> bool {
    target != Target::Salesforce || user.roles.contains(&RoleName::new(ROLE))
}

fn remote_name(target: Target, user: &User) -> String {
    match target {
        Target::Scim2 => user.name.name.clone(),
        Target::Google | Target::Salesforce => format!("{}@acme.example", user.name.name),
    }
}

fn same_name(verdict: &mut Verdict, target: Target, object: &Object, user: &User) {
    let pointer = match target {
        Target::Google | Target::Scim2 => "/name/familyName",
        Target::Salesforce => "/LastName",
    };
    let had = object.content.pointer(pointer).and_then(Value::as_str);
    let wanted = user.claim(&Claim::new("lastname"));
    if had != wanted {
        verdict.disorder(&format!(
            "{target}: {} has {} and should have {}",
            object.name,
            had.unwrap_or("nothing"),
            wanted.unwrap_or("nothing")
        ));
    }
}
