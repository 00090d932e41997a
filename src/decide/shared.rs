//! Two connectors to one target: an account that both have linked is one account, and stays while one of the two keeps it.

use std::sync::Arc;

use domain::{ConnectorRef, Decision, Reason, Snapshot, Step, Verb, Verdict};

use crate::Decider;
use crate::trace::line;

impl Decider<'_> {
    /// Returns the other enabled connectors of the same type that keep accounts at the same address with the same credentials:
    /// by its credentials a target may tell whose accounts they are, and where that is not known nothing is shared.
    pub fn sharing(&self, connector: &ConnectorRef) -> Vec<ConnectorRef> {
        let Some(own) = self.target(connector) else {
            return Vec::new();
        };
        let Some(address) = own.kind.account_address(own.settings) else {
            return Vec::new();
        };
        self.targets()
            .filter(|target| target.kind.kind == own.kind.kind)
            .filter(|target| target.connector() != *connector)
            .filter(|target| {
                target.kind.account_address(target.settings).as_deref() == Some(address.as_str())
            })
            .filter(|target| {
                let mut secrets = own
                    .kind
                    .fields
                    .iter()
                    .filter(|field| field.kind.is_secret());
                secrets.all(|field| {
                    own.settings.settings.get(field.key) == target.settings.settings.get(field.key)
                })
            })
            .map(|target| target.connector())
            .collect()
    }
}

/// Says of what is to be taken away that the account stays, because another connector keeps it.
///
/// The operation is made all the same: it ends the link. Whether the account stays is asked once more right before it
/// would be sent.
pub(crate) fn say(decider: &Decider<'_>, snapshot: &Snapshot, decisions: &mut [Decision]) {
    // Nobody keeps the account of somebody who goes.
    if snapshot.after.is_none() || snapshot.links.len() < 2 {
        return;
    }
    let keepers: Vec<Option<ConnectorRef>> = decisions
        .iter()
        .map(|decision| {
            takes_away(decision)
                .then(|| keeper(decider, snapshot, decisions, &decision.candidate.connector))
                .flatten()
        })
        .collect();
    for (decision, keeper) in decisions.iter_mut().zip(keepers) {
        let Some(keeper) = keeper else { continue };
        let text = format!("{keeper} keeps the same account, so it stays and only the link ends");
        let said = line(Step::Send, text, Some(Reason::AccountShared));
        Arc::make_mut(&mut decision.trace).push(said);
    }
}

/// Returns who keeps the account that is linked at a connector: another one to the same target, which neither takes it away
/// now nor is about to.
fn keeper(
    decider: &Decider<'_>,
    snapshot: &Snapshot,
    decisions: &[Decision],
    connector: &ConnectorRef,
) -> Option<ConnectorRef> {
    let own = snapshot
        .links
        .iter()
        .find(|link| link.connector == *connector)?;
    let goes = |other: &ConnectorRef| {
        let on_its_way = snapshot.pending.iter();
        on_its_way
            .filter(|(at, _)| at == other)
            .any(|(_, desired)| desired.is_none())
            || decisions
                .iter()
                .any(|decision| decision.candidate.connector == *other && takes_away(decision))
    };
    decider.sharing(connector).into_iter().find(|other| {
        snapshot.links.iter().any(|link| {
            let is_kept = link.active && !link.gone && link.remote_id == own.remote_id;
            link.connector == *other && is_kept
        }) && !goes(other)
    })
}

fn takes_away(decision: &Decision) -> bool {
    matches!(&decision.verdict, Verdict::Operation(planned) if planned.verb == Verb::Deprovision)
}
