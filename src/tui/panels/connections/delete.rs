//! Deleting a connection or a connector: who stands in the way, and what becomes of accounts and of what is owed.

use domain::{Connection, ConnectorRef};

use super::{Connections, path};
use crate::draft::Edit;
use crate::modal::{Modal, Question};
use crate::paint::counted;
use crate::wish::Wish;
use crate::world::World;

impl Connections {
    /// Says who uses a connection, so that it cannot be deleted.
    pub(super) fn users_of(world: &World, one: &Connection) -> Vec<String> {
        let mut out = provisioners_of(world, |connector| connector.connection == one.id);
        let applications = world.config().applications.iter();
        out.extend(
            applications
                .filter(|application| application.login.contains(&one.id))
                .map(|application| format!("login flow of {}", application.name)),
        );
        out
    }

    pub(super) fn delete(world: &World, one: &Connection) -> Vec<Wish> {
        let used = Self::users_of(world, one);
        if !used.is_empty() {
            return unable(&one.name, used);
        }
        let connectors: Vec<ConnectorRef> = one
            .connectors
            .iter()
            .map(|settings| ConnectorRef {
                connection: one.id.clone(),
                kind: settings.kind.clone(),
            })
            .collect();
        let mut body = vec![format!(
            "{} and its {} are taken out of the file with Update.",
            one.name,
            counted(connectors.len(), "connector")
        )];
        body.extend(what_stays(world, &connectors));
        let edit = Edit::new(format!("Delete connection {}", one.name)).remove(path(one));
        let answers = vec![("Delete", vec![Wish::Edit(edit)]), ("Cancel", Vec::new())];
        let question = Question::new("Are you sure?", body, Some(one.name.clone()), answers);
        vec![Wish::Show(Box::new(Modal::Question(question)))]
    }

    pub(super) fn delete_connector(&self, world: &World, one: &Connection) -> Vec<Wish> {
        let Some(settings) = self.connector(one) else {
            return Vec::new();
        };
        if settings.enabled {
            return vec![Wish::Fail(
                "an enabled connector cannot be deleted; Space disables it first".to_owned(),
            )];
        }
        let connector = ConnectorRef {
            connection: one.id.clone(),
            kind: settings.kind.clone(),
        };
        let used = provisioners_of(world, |named| *named == connector);
        if !used.is_empty() {
            return unable(&connector.to_string(), used);
        }
        let mut body = vec![format!(
            "{connector} is taken out of the file for good with Update."
        )];
        body.extend(what_stays(world, std::slice::from_ref(&connector)));
        let edit = Edit::new(format!("Delete connector {connector}")).remove(format!(
            "{}.connectors[type={}]",
            path(one),
            settings.kind
        ));
        let answers = vec![("Delete", vec![Wish::Edit(edit)]), ("Cancel", Vec::new())];
        let kind = settings.kind.to_string();
        let question = Question::new("Are you sure?", body, Some(kind), answers);
        vec![Wish::Show(Box::new(Modal::Question(question)))]
    }
}

/// Names the provisioners of a connector, each with where it is to be found.
fn provisioners_of(world: &World, is_meant: impl Fn(&ConnectorRef) -> bool) -> Vec<String> {
    let config = world.config();
    let resident = config.resident.iter();
    let resident = resident
        .filter(|entry| is_meant(&entry.connector))
        .map(|entry| format!("Outbound Provisioning Configuration: {}", entry.connector));
    let mut out: Vec<String> = resident.collect();
    for application in &config.applications {
        let own = application.provisioners.iter();
        out.extend(
            own.filter(|entry| is_meant(&entry.connector))
                .map(|entry| format!("Provisioning of {}: {}", application.name, entry.connector)),
        );
    }
    out
}

fn unable(name: &str, used: Vec<String>) -> Vec<Wish> {
    let mut body = vec![format!("{name} is used. Remove these first:")];
    body.extend(used.into_iter().map(|line| format!("  {line}")));
    let answers = vec![("Close", Vec::new())];
    let question = Question::new("Unable to Delete", body, None, answers);
    vec![Wish::Show(Box::new(Modal::Question(question)))]
}

/// Says what becomes of the accounts at the targets, and of what is owed to them.
fn what_stays(world: &World, connectors: &[ConnectorRef]) -> Vec<String> {
    let mut out = vec![
        "Accounts at the target stay as they are: nothing keeps them up to date any more, and nobody is deprovisioned \
         there. Their links stay, and hold again when the same id and type are put back."
            .to_owned(),
    ];
    let states = connectors
        .iter()
        .filter_map(|connector| world.board.counts.get(connector))
        .flatten();
    let owed: u64 = states
        .filter(|(state, _)| state.is_open())
        .map(|(_, count)| count)
        .sum();
    if owed > 0 {
        out.push(format!(
            "{owed} operation(s) are owed to it: they wait until they are discarded (Journal)."
        ));
    }
    out
}
