//! What a dry run comes to, in one line.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ConnectorRef, OnFailure, Reason, Verdict};
use engine::Plan;

use crate::paint::counted;

/// Says how much would be sent where, what of it would be kept, whom the caller would wait for, and how much would not be
/// sent.
pub(super) fn outlook(plan: &Plan) -> String {
    let (mut operations, mut blocking) = (0, 0);
    let mut targets: BTreeSet<&ConnectorRef> = BTreeSet::new();
    let mut nothing: BTreeSet<&ConnectorRef> = BTreeSet::new();
    let mut held: BTreeMap<Reason, usize> = BTreeMap::new();
    for decision in plan.triggers.iter().flat_map(|entry| &entry.decisions) {
        match &decision.verdict {
            Verdict::Operation(planned) => {
                operations += 1;
                blocking += usize::from(decision.candidate.blocking);
                targets.insert(&decision.candidate.connector);
                if let Some(reason) = planned.held {
                    let candidate = &decision.candidate;
                    if candidate.blocking && candidate.on_failure == OnFailure::Reject {
                        return format!(
                            "The change would not be made: its caller waits for {}, and nothing is sent there now ({reason}).",
                            candidate.connector
                        );
                    }
                    *held.entry(reason).or_default() += 1;
                }
            }
            Verdict::Nothing(_) => {
                nothing.insert(&decision.candidate.connector);
            }
        }
    }
    if operations == 0 {
        return if nothing.is_empty() {
            "Nothing would be sent: no provisioner is concerned.".to_owned()
        } else {
            "Nothing would be sent; why stands below.".to_owned()
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
    if !nothing.is_empty() {
        let connectors = counted(nothing.len(), "connector");
        parts.push(format!("nothing for {connectors}: why is below"));
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
        let nothing = plan.triggers[0].decisions.iter();
        let nothing = nothing.filter(|one| matches!(one.verdict, Verdict::Nothing(_)));
        let connectors = counted(nothing.count(), "connector");
        let last = told.rsplit(" · ").next().unwrap();
        assert_eq!(last, format!("nothing for {connectors}: why is below"));
        for decision in &mut plan.triggers[0].decisions {
            if let Verdict::Operation(planned) = &mut decision.verdict {
                std::sync::Arc::make_mut(planned).held = Some(Reason::BrakeEngaged);
                decision.candidate.blocking = true;
                decision.candidate.on_failure = OnFailure::Reject;
            }
        }
        let told = outlook(&plan);
        assert!(
            told.starts_with("The change would not be made") && told.contains("brake-engaged"),
            "{told}"
        );
        let is_nothing = |one: &domain::Decision| matches!(one.verdict, Verdict::Nothing(_));
        plan.triggers[0].decisions.retain(is_nothing);
        assert_eq!(outlook(&plan), "Nothing would be sent; why stands below.");
        plan.triggers[0].decisions.clear();
        assert!(outlook(&plan).contains("no provisioner is concerned"));
    }
}
