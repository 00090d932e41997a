//! The question before a role is deleted or renamed: who holds it, and what that does at the targets.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Change, ConnectorRef, Deprovision, Reason, Request, RoleName, Verb, Verdict};
use engine::Plan;

use super::HAND_IN;
use crate::modal::{Modal, Question};
use crate::paint::counted;
use crate::wish::Wish;
use crate::world::World;

/// How many holders are named.
const NAMES: usize = 6;

/// Returns the question before a role goes, or is no longer the one that connections ask for; `None` when a request needs
/// none. `plan` is what would follow.
pub(super) fn question(world: &World, request: &Request, plan: &Plan) -> Option<Modal> {
    let (title, label, role, to) = match &request.change {
        Change::DeleteRole { role } => (format!("Delete role {role}?"), "Delete", role, None),
        Change::RenameRole { role, to } => {
            let to = role.renamed(to);
            (format!("Rename role {role}?"), "Rename", role, Some(to))
        }
        _ => return None,
    };
    let asked_by = asked_by(world, role);
    if to.is_some() && plan.triggers.is_empty() && asked_by.is_empty() {
        // Nobody is concerned, and giving it the old name again undoes it.
        return None;
    }
    let mut body = vec![holders(plan, to.as_ref())];
    let targets = targets(plan);
    let is_felt = !targets.is_empty();
    if is_felt {
        body.extend(targets);
    } else {
        body.push("No account changes at any target.".to_owned());
    }
    if !asked_by.is_empty() {
        let asked_by = asked_by.join(", ");
        body.push(match &to {
            None => format!(
                "Asked for by {asked_by} (Outbound Provisioning Roles), which is not changed: it can be assigned again."
            ),
            Some(to) => format!(
                "Asked for by {asked_by} under this name, which does not follow. Add {to} to the Outbound Provisioning \
                 Roles there first, and the accounts stay."
            ),
        });
    }
    let typed = is_felt.then(|| role.to_string());
    let hand_in = vec![Wish::Act("trigger", HAND_IN)];
    let answers = vec![(label, hand_in), ("Cancel", Vec::new())];
    Some(Modal::Question(Question::new(title, body, typed, answers)))
}

/// Returns the connections that ask for a role, by their names.
fn asked_by(world: &World, role: &RoleName) -> Vec<String> {
    let connections = world.config().connections.iter();
    connections
        .filter(|connection| connection.outbound_roles.contains(role))
        .map(|connection| connection.name.clone())
        .collect()
}

fn holders(plan: &Plan, to: Option<&RoleName>) -> String {
    let names: BTreeSet<String> = plan
        .triggers
        .iter()
        .map(|entry| entry.trigger.subject_name.to_string())
        .collect();
    if names.is_empty() {
        return "Nobody holds it.".to_owned();
    }
    let some: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
    let more = if names.len() > NAMES { ", …" } else { "" };
    let what = match to {
        None => "who loses it".to_owned(),
        Some(to) => format!("to whom it is {to} then"),
    };
    let count = counted(names.len(), "user");
    format!("Held by {count}, {what}: {}{more}", some.join(", "))
}

/// Says what is done at each target, in numbers; nothing where nothing is done.
fn targets(plan: &Plan) -> Vec<String> {
    let mut all: BTreeMap<&ConnectorRef, BTreeMap<&'static str, usize>> = BTreeMap::new();
    let decisions = plan.triggers.iter().flat_map(|entry| &entry.decisions);
    for decision in decisions {
        if let Verdict::Operation(planned) = &decision.verdict {
            let done = match (planned.verb, planned.deprovision) {
                _ if planned.held == Some(Reason::BrakeEngaged) => {
                    "kept by the brake until somebody approves"
                }
                (Verb::Create, _) => "made",
                (Verb::Update, _) => "changed",
                (Verb::Deprovision, Deprovision::Delete) => "deleted",
                (Verb::Deprovision, Deprovision::Deactivate) => "deactivated",
            };
            let of = all.entry(&decision.candidate.connector).or_default();
            *of.entry(done).or_default() += 1;
        }
    }
    all.into_iter()
        .map(|(connector, done)| {
            let done: Vec<String> = done
                .into_iter()
                .map(|(what, count)| format!("{} {what}", counted(count, "account")))
                .collect();
            format!("{connector}: {}", done.join(", "))
        })
        .collect()
}
