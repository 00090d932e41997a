//! The panels: the one list of sections, in the order of their digits.

mod applications;
mod changes;
mod connections;
mod directory;
mod journal;
mod log;
mod provisioners;
mod provisioning;
mod safeguards;
mod settings;
mod targets;
mod traffic;
mod trigger;

use crate::panel::Panel;

/// Makes every panel.
pub(crate) fn all() -> Vec<Box<dyn Panel>> {
    vec![
        Box::new(connections::Connections::default()),
        Box::new(provisioning::Provisioning::default()),
        Box::new(directory::Directory::default()),
        Box::new(traffic::Traffic::default()),
        Box::new(targets::Targets::default()),
        Box::new(applications::Applications::default()),
        Box::new(trigger::Trigger::default()),
        Box::new(journal::Journal::default()),
        Box::new(log::Log::default()),
    ]
}
