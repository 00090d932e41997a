//! Deleting a connection or a connector, and who stands in the way.

use domain::{Connection, ConnectorRef};

use super::{Connections, path};
use crate::draft::Edit;
use crate::modal::{Modal, Question};
use crate::wish::Wish;
use crate::world::World;

impl Connections {
    /// Says who uses a connection, so that it cannot be deleted.
    pub(super) fn users_of(world: &World, one: &Connection) -> Vec<String> {
        let config = world.config();
        let mut out = Vec::new();
        for entry in &config.resident {
            if entry.connector.connection == one.id {
                out.push(format!(
                    "Outbound Provisioning Configuration: {}",
                    entry.connector
                ));
            }
        }
        for application in &config.applications {
            if application.login.contains(&one.id) {
                out.push(format!("login flow of {}", application.name));
            }
            for entry in &application.provisioners {
                if entry.connector.connection == one.id {
                    out.push(format!(
                        "Provisioning of {}: {}",
                        application.name, entry.connector
                    ));
                }
            }
        }
        out
    }

    pub(super) fn delete(world: &World, one: &Connection) -> Vec<Wish> {
        let used = Self::users_of(world, one);
        if !used.is_empty() {
            let mut body = vec![format!("{} is used. Remove these first:", one.name)];
            body.extend(used.into_iter().map(|line| format!("  {line}")));
            let question =
                Question::new("Unable to Delete", body, None, vec![("Close", Vec::new())]);
            return vec![Wish::Show(Box::new(Modal::Question(question)))];
        }
        let body = vec![
            format!("{} and its connectors are taken out of the file with Update.", one.name),
            "Accounts at the targets stay. Operations that are owed to it wait until they are discarded.".to_owned(),
        ];
        let edit = Edit::new(format!("Delete connection {}", one.name)).remove(path(one));
        let answers = vec![("Delete", vec![Wish::Edit(edit)]), ("Cancel", Vec::new())];
        let question = Question::new("Are you sure?", body, Some(one.id.0.clone()), answers);
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
        let config = world.config();
        let used = config
            .resident
            .iter()
            .chain(config.applications.iter().flat_map(|app| &app.provisioners));
        let used = used.filter(|entry| entry.connector == connector).count();
        if used > 0 {
            return vec![Wish::Fail(format!(
                "{connector} is named by {used} provisioner(s); delete those first"
            ))];
        }
        let body = vec![
            format!("{connector} is taken out of the file for good with Update."),
            "Accounts at the target stay, and so do their links until the connector is put back."
                .to_owned(),
        ];
        let edit = Edit::new(format!("Delete connector {connector}")).remove(format!(
            "{}.connectors[type={}]",
            path(one),
            settings.kind
        ));
        let answers = vec![("Delete", vec![Wish::Edit(edit)]), ("Cancel", Vec::new())];
        let question = Question::new(
            "Are you sure?",
            body,
            Some(settings.kind.0.clone()),
            answers,
        );
        vec![Wish::Show(Box::new(Modal::Question(question)))]
    }
}
