//! What can be done now, wherever: the one list that the palette shows, help tells, and keys are held against.

use super::{Order, Screen};
use crate::action::{Action, Whose};

impl Screen {
    /// Returns everything that can be done now: in the panel that is shown, everywhere, and in the other panels, whose
    /// titles stand before the words.
    pub(crate) fn everything(&self) -> Vec<(Action, Whose)> {
        let here = &self.panels[self.at];
        let mut all: Vec<(Action, Whose)> = Vec::new();
        let mut offer = |action: Action, whose: Whose| {
            // What stands there twice in the same words is the same.
            if !all.iter().any(|(one, _)| one.label == action.label) {
                all.push((action, whose));
            }
        };
        for action in here.actions(&self.world) {
            offer(action, Whose::Panel(here.id()));
        }
        for action in self.everywhere() {
            offer(action, Whose::Screen);
        }
        for (title, id, actions) in self.elsewhere() {
            for mut action in actions {
                if !action.label.starts_with(&format!("{title}: ")) {
                    action.label = format!("{title}: {}", action.label);
                }
                offer(action, Whose::Panel(id));
            }
        }
        all
    }

    /// Returns what can be done whatever is shown, each with its key where no action of the panel has that here.
    pub(super) fn everywhere(&self) -> Vec<Action> {
        let own = self.panels[self.at].actions(&self.world);
        let mut actions = self.global();
        for action in &mut actions {
            if own.iter().any(|one| one.key == action.key) {
                action.key = None;
            }
        }
        actions
    }

    /// Returns what can be done in the panels that are not shown, each with its title and id. Their keys hold there.
    pub(super) fn elsewhere(&self) -> Vec<(&'static str, &'static str, Vec<Action>)> {
        let global = self.global();
        let is_everywhere = |action: &Action| global.iter().any(|one| one.label == action.label);
        self.panels
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != self.at)
            .map(|(_, panel)| {
                let mut actions = panel.actions(&self.world);
                actions.retain(|action| !is_everywhere(action));
                (panel.title(), panel.id(), actions)
            })
            .filter(|(.., actions)| !actions.is_empty())
            .collect()
    }

    /// Does what was chosen from everything; another panel is shown for it, as if somebody had gone there.
    pub(super) fn choose(&mut self, id: &'static str, whose: Whose, orders: &mut Vec<Order>) {
        let panel = match whose {
            Whose::Screen => return self.act(id, orders),
            Whose::Panel(panel) => panel,
        };
        let Some(at) = self.place_of(panel) else {
            return;
        };
        if at != self.at {
            self.show(at);
        }
        // The list was made a while ago, and things happen meanwhile.
        let can = self.panels[at].actions(&self.world);
        if !can.iter().any(|action| action.id == id) {
            return self.say("not possible any more: what it was about has changed".to_owned());
        }
        let wishes = self.panels[at].act(&self.world, id);
        self.grant(wishes, orders);
    }
}
