//! Brakes and quarantines that are turned off, or set so that they do nothing.

use domain::{BrakePolicy, QuarantinePolicy, RetentionPolicy};

use super::Ground;
use crate::finding::Problem;

pub(super) fn brake_off(ground: &Ground<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, policy) in brakes(ground) {
        let (key, told) = match policy {
            BrakePolicy { enabled: false, .. } => ("enabled", "the brake is off"),
            BrakePolicy { percent: 100, .. } => (
                "percent",
                "more than 100 % can never be taken away, so the brake never engages",
            ),
            _ => continue,
        };
        let path = format!("{path}.{key}");
        // What a connector has from the engine is said once, at the engine.
        if ground.whole.places.has(&path) {
            problems.push(ground.warn_at(
                &path,
                "brake-off",
                format!("{told}: a mistake in a rule or a role may delete every account"),
                "leave it on and approve of what is meant: outbound brake approve",
            ));
        }
    }
    problems
}

pub(super) fn quarantine_off(ground: &Ground<'_>) -> Vec<Problem> {
    quarantines(ground)
        .filter(|(path, policy)| {
            !policy.enabled && ground.whole.places.has(&format!("{path}.enabled"))
        })
        .map(|(path, _)| {
            ground.warn_at(
                &format!("{path}.enabled"),
                "quarantine-off",
                "the quarantine is off: every operation is tried at a target that refuses all of them",
                "leave it on, or raise failed_percent",
            )
        })
        .collect()
}

pub(super) fn probe_longer_than_its_end(ground: &Ground<'_>) -> Vec<Problem> {
    quarantines(ground)
        .filter_map(|(path, policy)| {
            let key = ["probe", "probe_at_most"]
                .map(|key| format!("{path}.{key}"))
                .into_iter()
                .find(|path| ground.whole.places.has(path))?;
            (policy.probe > policy.probe_at_most).then(|| {
                ground.warn_at(
                    &key,
                    "probe-longer-than-its-end",
                    "the first probe comes later than probe_at_most allows; it comes then",
                    "make probe the shorter of the two",
                )
            })
        })
        .collect()
}

pub(super) fn retention_off(ground: &Ground<'_>) -> Vec<Problem> {
    let path = "engine.retention.enabled";
    let is_off = !ground.whole.configuration.engine.retention.enabled;
    let problem = (is_off && ground.whole.places.has(path)).then(|| {
        ground.warn_at(
            path,
            "retention-off",
            "nothing that is old is removed: the journal grows until the disk is full",
            "leave it on with longer times, or run `outbound journal compact` regularly",
        )
    });
    problem.into_iter().collect()
}

pub(super) fn retention_without_effect(ground: &Ground<'_>) -> Vec<Problem> {
    let RetentionPolicy { flows, bodies, .. } = ground.whole.configuration.engine.retention;
    let mut problems = Vec::new();
    for key in ["flows", "bodies"] {
        let path = format!("engine.retention.{key}");
        let written = ground.text.get(ground.whole.places.value(&path));
        let is_short = ground.whole.places.has(&path)
            && written
                .and_then(|text| crate::duration(text.trim_matches(['"', '\''])))
                .is_some_and(|time| time < RetentionPolicy::LEAST);
        if is_short {
            problems.push(ground.warn_at(
                &path,
                "retention-without-effect",
                "what happened within the last day is always kept: brakes and quarantines look back on it",
                "write a day or more, as in \"1d\"",
            ));
        }
    }
    let path = "engine.retention.bodies";
    if bodies > flows && ground.whole.places.has(path) {
        problems.push(ground.warn_at(
            path,
            "retention-without-effect",
            "bodies cannot be kept for longer than the flow that they belong to",
            "write a time that is not longer than `flows`",
        ));
    }
    problems
}

fn brakes<'a>(ground: &'a Ground<'_>) -> impl Iterator<Item = (String, &'a BrakePolicy)> {
    let engine = &ground.whole.configuration.engine.brakes;
    let own = ground.connectors().filter_map(|entry| {
        let policy = entry.settings.brakes.as_ref()?;
        Some((format!("{}.brakes", entry.path), policy))
    });
    std::iter::once(("engine.brakes".to_owned(), engine)).chain(own)
}

fn quarantines<'a>(ground: &'a Ground<'_>) -> impl Iterator<Item = (String, &'a QuarantinePolicy)> {
    let engine = &ground.whole.configuration.engine.quarantine;
    let own = ground.connectors().filter_map(|entry| {
        let policy = entry.settings.quarantine.as_ref()?;
        Some((format!("{}.quarantine", entry.path), policy))
    });
    std::iter::once(("engine.quarantine".to_owned(), engine)).chain(own)
}
