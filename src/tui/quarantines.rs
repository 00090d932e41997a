//! Which connectors are left alone, folded from facts, and what became of that since it was told last.

use std::collections::BTreeMap;

use domain::ConnectorRef;
use engine::Quarantine;

/// What became of a quarantine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Turn {
    /// It has begun, or was there when the journal was read.
    Began(ConnectorRef),
    /// A probe has failed; this is how it stands since.
    Probed(Box<Quarantine>),
    /// It has ended, and by whom where that is known.
    Ended(ConnectorRef, Option<String>),
}

/// The connectors in quarantine.
#[derive(Debug, Default)]
pub(crate) struct Quarantines {
    all: BTreeMap<ConnectorRef, Quarantine>,
    /// The number of the newest fact that is part of it.
    newest: u64,
    turns: Vec<Turn>,
}

impl Quarantines {
    /// Takes all that there are, as they were read after a fact; what was heard since is newer.
    pub(crate) fn read(&mut self, last: u64, all: Vec<Quarantine>) {
        if last < self.newest {
            return;
        }
        let mut ended: Vec<ConnectorRef> = self.all.keys().cloned().collect();
        ended.retain(|known| all.iter().all(|one| one.connector != *known));
        for connector in ended {
            self.all.remove(&connector);
            self.turns.push(Turn::Ended(connector, None));
        }
        for one in all {
            self.stands(one);
        }
    }

    /// Takes the fact that a connector is left alone, or that a probe of one that is has failed.
    pub(crate) fn hear(&mut self, seq: u64, quarantine: &Quarantine) {
        self.newest = self.newest.max(seq);
        self.stands(quarantine.clone());
    }

    /// Takes the fact that a quarantine has ended.
    pub(crate) fn end(&mut self, seq: u64, connector: &ConnectorRef, why: &str) {
        self.newest = self.newest.max(seq);
        if self.all.remove(connector).is_some() {
            let why = Some(why.to_owned());
            self.turns.push(Turn::Ended(connector.clone(), why));
        }
    }

    fn stands(&mut self, quarantine: Quarantine) {
        let connector = quarantine.connector.clone();
        match self.all.insert(connector.clone(), quarantine.clone()) {
            Some(known) if known.since != quarantine.since => {
                self.turns.push(Turn::Began(connector));
            }
            Some(known) if known.probes < quarantine.probes => {
                self.turns.push(Turn::Probed(Box::new(quarantine)));
            }
            // It was read and is heard, or the other way round.
            Some(_) => {}
            None => self.turns.push(Turn::Began(connector)),
        }
    }

    /// Returns the quarantine of a connector.
    pub(crate) fn of(&self, connector: &ConnectorRef) -> Option<&Quarantine> {
        self.all.get(connector)
    }

    /// Returns all of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Quarantine> {
        self.all.values()
    }

    /// Takes what was not told yet.
    pub(crate) fn take_turns(&mut self) -> Vec<Turn> {
        std::mem::take(&mut self.turns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn what_was_read_is_not_told_again_when_it_is_heard_and_never_takes_back_what_is_newer() {
        let mut all = Quarantines::default();
        let began = samples::quarantine(0);
        let connector = began.connector.clone();
        all.read(7, vec![began.clone()]);
        all.hear(6, &began);
        assert_eq!(all.take_turns(), [Turn::Began(connector.clone())]);
        let probed = samples::quarantine(1);
        all.hear(8, &probed);
        assert_eq!(all.take_turns(), [Turn::Probed(Box::new(probed))]);
        all.end(9, &connector, "a probe went well");
        // It was asked for before that.
        all.read(8, vec![began.clone()]);
        let why = Some("a probe went well".to_owned());
        assert_eq!(all.take_turns(), [Turn::Ended(connector.clone(), why)]);
        assert!(all.of(&connector).is_none());
        // News were missed: what is read says how it stands.
        all.read(12, vec![began]);
        all.read(20, Vec::new());
        let turns = [Turn::Began(connector.clone()), Turn::Ended(connector, None)];
        assert_eq!(all.take_turns(), turns);
    }
}
