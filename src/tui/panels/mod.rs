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

/// From so many columns on, what is told of the selected row stands beside the list or below it and follows the selection.
/// Where there are fewer, an arrow would have all of it written anew over a slow line: it is opened instead.
pub(crate) const BESIDE: u16 = 100;

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
