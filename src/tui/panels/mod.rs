//! The panels: the one list of sections, in the order of their digits.

mod applications;
pub(crate) mod changes;
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

/// The key of *Journal*, for words that lead there.
pub(crate) const JOURNAL: char = '8';

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_lead_to_the_journal_name_its_key() {
        let at = all()
            .iter()
            .position(|panel| panel.id() == "journal")
            .unwrap();
        assert_eq!(
            char::from_digit(u32::try_from(at + 1).unwrap(), 10),
            Some(JOURNAL)
        );
    }
}
