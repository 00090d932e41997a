//! What was found to differ at the targets: how it is shown, and what can be decided about it.

use domain::{Condition, ConnectorRef, Resolution};
use engine::DriftView;

use crate::modal::{Menu, Modal};
use crate::wish::{Deed, Wish};
use crate::world::World;

/// Asks what becomes of the differences of one user or group. An account that is gone is made anew by a restore; one
/// that should not be there is taken away on the command line only.
pub(crate) fn decide<'d>(drifts: impl Iterator<Item = &'d DriftView>) -> Vec<Wish> {
    let drifts: Vec<&DriftView> = drifts.collect();
    let Some(name) = drifts.first().map(|drift| &drift.divergence.name) else {
        return Vec::new();
    };
    let item = |label: &str, told: &str, resolution: Resolution| {
        let wishes = drifts
            .iter()
            .map(|drift| engine::Wish {
                connector: drift.divergence.connector.clone(),
                local: drift.divergence.local,
                fields: None,
                resolution,
                recreate: resolution == Resolution::Restore,
                take_away: false,
            })
            .collect();
        let does = vec![Wish::Do(Deed::Resolve(wishes))];
        (label.to_owned(), told.to_owned(), does)
    };
    let items = vec![
        item(
            "Restore",
            "bring it back, by an ordinary operation",
            Resolution::Restore,
        ),
        item("Accept", "the target's values stand", Resolution::Accept),
        item(
            "Ignore",
            "not told again while it stays as it is",
            Resolution::Ignore,
        ),
    ];
    let title = format!("What differs of {name}");
    vec![Wish::Show(Box::new(Modal::Menu(Menu::new(title, items))))]
}

/// Returns the connectors whose accounts can be compared.
pub(crate) fn connectors(world: &World) -> Vec<ConnectorRef> {
    let enabled = world.config().connections.iter().filter(|one| one.enabled);
    enabled
        .flat_map(|connection| {
            let settings = connection.connectors.iter().filter(|one| one.enabled);
            settings.map(|settings| ConnectorRef {
                connection: connection.id.clone(),
                kind: settings.kind.clone(),
            })
        })
        .collect()
}

/// Says what differs, one line for each field.
pub(crate) fn lines(drift: &DriftView) -> Vec<String> {
    match &drift.divergence.condition {
        Condition::Differs { fields } => fields
            .iter()
            .map(|field| {
                format!(
                    "   ! {} there {}, desired {} ({})",
                    field.field, field.actual, field.desired, field.drift
                )
            })
            .collect(),
        Condition::Missing => vec!["   ! missing at the target".to_owned()],
        Condition::Unwanted { why } => vec![format!("   ! should not be there: {}", why.detail)],
    }
}
