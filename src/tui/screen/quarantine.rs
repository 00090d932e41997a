//! What is said of connectors that are left alone: that it has begun, what a probe met, that it is over.

use super::{Concern, Screen};
use crate::quarantines::Turn;

impl Screen {
    /// Tells what became of quarantines. That one stands stays in the status row until it was seen or is over.
    pub(super) fn tell_quarantines(&mut self) {
        for turn in self.world.board.quarantines.take_turns() {
            match turn {
                Turn::Began(connector) => {
                    // It may be over already: all of it was read at once.
                    if self.world.board.quarantines.of(&connector).is_some()
                        && let Some(told) = self.quarantined()
                    {
                        self.warn_of_quarantine(told);
                    }
                }
                Turn::Probed(quarantine) => {
                    let met = quarantine.last_probe.as_deref().unwrap_or("no answer");
                    let told = format!(
                        "{} was probed: {met}; the next probe is at {}",
                        quarantine.connector,
                        self.world.time(quarantine.next_probe)
                    );
                    // What was not seen yet is told with it: it would stand before it for good.
                    let unseen = self.notes.is_failing(Concern::Quarantine);
                    match self.quarantined().filter(|_| unseen) {
                        Some(stands) => self.warn_of_quarantine(format!("{told}\n{stands}")),
                        None => self.tell_of(Concern::Quarantine, told),
                    }
                }
                Turn::Ended(connector, why) => {
                    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
                    let was_unseen = self.notes.is_failing(Concern::Quarantine);
                    self.righted(Concern::Quarantine);
                    // Messages has named the others already.
                    if was_unseen && let Some(told) = self.quarantined() {
                        self.notes.fail(Some(Concern::Quarantine), told);
                    }
                    let told = format!("{connector} is out of quarantine and goes on{why}");
                    self.tell_of(Concern::Quarantine, told);
                }
            }
        }
    }

    /// Tells it as what failed is told, though nothing failed that was asked for here.
    fn warn_of_quarantine(&mut self, told: String) {
        self.keep_message(&told, false);
        self.notes.fail(Some(Concern::Quarantine), told);
    }

    /// Says which connectors are left alone, and what can be done; nothing where none is.
    fn quarantined(&self) -> Option<String> {
        let all: Vec<_> = self.world.board.quarantines.all().collect();
        let head = match &all[..] {
            [] => return None,
            [one] => format!("{} is in quarantine: {}", one.connector, one.cause.told()),
            several => {
                let names: Vec<String> = several
                    .iter()
                    .map(|one| one.connector.to_string())
                    .collect();
                format!("in quarantine: {}", names.join(", "))
            }
        };
        let mut lines = vec![
            head,
            "Nothing is sent there until a probe goes well; what is owed is kept.".to_owned(),
        ];
        lines.extend(all.iter().map(|one| {
            format!(
                "{}: {}; the next probe is at {}.",
                one.connector,
                one.cause.told(),
                self.world.time(one.next_probe)
            )
        }));
        lines.push(
            "In the Journal (8) Q names the requests that brought it about, probes now, or releases it."
                .to_owned(),
        );
        Some(lines.join("\n"))
    }
}
