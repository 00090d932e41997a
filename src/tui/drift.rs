//! What was found to differ at the targets: how it is shown, and what can be decided about it.

use domain::{Condition, ConnectorRef, Object, Resolution};
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
    let (gone, there): (Vec<&DriftView>, Vec<&DriftView>) =
        drifts.iter().copied().partition(|drift| is_gone(drift));
    let item = |label: &str, told: &str, resolution: Resolution, of: &[&DriftView]| {
        let wishes = of
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
    let at: Vec<String> = gone
        .iter()
        .map(|drift| drift.divergence.connector.to_string())
        .collect();
    let at = at.join(", ");
    let told = match (gone.is_empty(), there.is_empty()) {
        (true, _) => "bring it back, by an ordinary operation".to_owned(),
        (false, true) => format!("the account is gone at {at}: it is made anew"),
        (false, false) => {
            format!("bring it back; at {at} the account is gone and is made anew")
        }
    };
    let mut items = vec![item("Restore", &told, Resolution::Restore, &drifts)];
    // An account that is gone has no values that could stand.
    if !there.is_empty() {
        items.push(item(
            "Accept",
            "the target's values stand",
            Resolution::Accept,
            &there,
        ));
        items.push(item(
            "Ignore",
            "not told again while it stays as it is",
            Resolution::Ignore,
            &there,
        ));
    }
    let title = format!("What differs of {name}");
    vec![Wish::Show(Box::new(Modal::Menu(Menu::new(title, items))))]
}

fn is_gone(drift: &DriftView) -> bool {
    matches!(drift.divergence.condition, Condition::Missing)
}

/// Returns the command line that restores them.
pub(crate) fn command<'d>(drifts: impl Iterator<Item = &'d DriftView>) -> String {
    let drifts: Vec<&DriftView> = drifts.collect();
    let mut command = "outbound reconcile restore".to_owned();
    if let Some(first) = drifts.first() {
        let divergence = &first.divergence;
        if divergence.local.object() == Object::Group {
            command.push_str(" --group");
        }
        command.push_str(&format!(" {}", divergence.name));
    }
    if drifts.iter().any(|drift| is_gone(drift)) {
        command.push_str(" --recreate");
    }
    // More than one account is only shown without it.
    if drifts.len() > 1 {
        command.push_str(" --yes");
    }
    command
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
