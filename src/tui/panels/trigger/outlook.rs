//! What a dry run comes to, in one line.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ConnectorRef, Reason, Verdict};
use engine::Plan;

use crate::paint::counted;

/// Says how much would be sent where, what of it would be kept, whom the caller would wait for, and how much would not be
/// sent.
pub(super) fn outlook(plan: &Plan) -> String {
    let (mut operations, mut blocking, mut nothing) = (0, 0, 0);
    let mut targets: BTreeSet<&ConnectorRef> = BTreeSet::new();
    let mut held: BTreeMap<Reason, usize> = BTreeMap::new();
    for decision in plan.triggers.iter().flat_map(|entry| &entry.decisions) {
        match &decision.verdict {
            Verdict::Operation(planned) => {
                operations += 1;
                blocking += usize::from(decision.candidate.blocking);
                targets.insert(&decision.candidate.connector);
                if let Some(reason) = planned.held {
                    *held.entry(reason).or_default() += 1;
                }
            }
            Verdict::Nothing(_) => nothing += 1,
        }
    }
    if operations == 0 {
        return match nothing {
            0 => "Nothing would be sent: no provisioner is concerned.".to_owned(),
            _ => "Nothing would be sent; why stands below.".to_owned(),
        };
    }
    let mut parts = vec![format!(
        "{} at {}",
        counted(operations, "operation"),
        counted(targets.len(), "target")
    )];
    parts.extend(
        held.iter()
            .map(|(reason, count)| format!("{count} kept: {reason}")),
    );
    if blocking > 0 {
        parts.push(format!("the caller waits for {blocking}"));
    }
    if nothing > 0 {
        parts.push(format!("{nothing} times nothing, and why"));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_dry_run_says_in_words_what_it_comes_to() {
        let mut plan = samples::plan();
        let told = outlook(&plan);
        assert!(told.starts_with("1 operation at 1 target"), "{told}");
        assert!(told.contains("times nothing, and why"), "{told}");
        let is_nothing = |one: &domain::Decision| matches!(one.verdict, Verdict::Nothing(_));
        plan.triggers[0].decisions.retain(is_nothing);
        assert_eq!(outlook(&plan), "Nothing would be sent; why stands below.");
        plan.triggers[0].decisions.clear();
        assert!(outlook(&plan).contains("no provisioner is concerned"));
    }
}
