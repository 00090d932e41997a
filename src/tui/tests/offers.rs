//! Palette, help and keys are made from one list, and what they offer is done wherever it is asked for.

use crossterm::event::KeyCode;

use super::Stage;
use super::updates::deeds;
use crate::action::{Action, GO_TO, Whose};
use crate::modal::Said;
use crate::samples;
use crate::screen::Order;
use crate::theme::ThemeName;
use crate::wish::{Deed, Happening};

fn sections() -> impl Iterator<Item = char> {
    '1'..='9'
}

/// A stage on which every section was looked at, and this one is shown.
fn at(section: char) -> Stage {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    for digit in sections().chain([section]) {
        stage.press(KeyCode::Char(digit));
    }
    stage
}

/// Chooses an action in the palette.
fn choose(stage: &mut Stage, id: &'static str, whose: Whose) -> Vec<Order> {
    stage.press(KeyCode::Char(':'));
    let orders = stage.screen.hear(Said::Act(id, whose));
    stage.answer(orders)
}

/// What came of it: what is shown, and what is to be done outside.
fn outcome(stage: &Stage, orders: Vec<Order>) -> (String, String) {
    (stage.text(), format!("{:?}", deeds(orders)))
}

/// Returns the words of an action as its own panel writes them.
fn words(action: &Action) -> &str {
    match action.label.split_once(": ") {
        Some((title, rest)) if title != "Go to" => rest,
        _ => &action.label,
    }
}

#[test]
fn what_one_panel_offers_every_other_offers_too() {
    let of = |section: char| {
        let stage = at(section);
        let here = stage.screen.section();
        let offered = stage.screen.everything();
        let panels: Vec<(Whose, &'static str, String)> = offered
            .iter()
            .map(|(action, whose)| (*whose, action.id, action.label.clone()))
            .collect();
        (here, panels)
    };
    let all: Vec<_> = sections().map(of).collect();
    for (here, panels) in &all {
        let own = panels
            .iter()
            .filter(|(whose, ..)| *whose == Whose::Panel(here));
        for (whose, id, label) in own {
            for (there, others) in &all {
                let is_there = others.iter().any(|(of, one, words)| {
                    let is_same = of == whose && one == id;
                    // What is the screen's own as well is told once, as the screen's.
                    is_same || *of == Whose::Screen && words == label
                });
                assert!(is_there, "{label} ({here}) is not offered in {there}");
            }
        }
    }
}

#[test]
fn help_tells_everything_that_the_palette_offers_with_the_same_key() {
    for section in sections() {
        let mut stage = at(section);
        let all = stage.screen.everything();
        // A buffer has 65,535 cells at most.
        stage.size = (104, 620);
        choose(&mut stage, "help", Whose::Screen);
        let mut help = stage.text();
        stage.press(KeyCode::End);
        help.push_str(&stage.text());
        for (action, _) in &all {
            if action.label.starts_with(GO_TO) {
                continue;
            }
            let key = action.key.map(|key| key.to_string());
            let key = key.as_deref().unwrap_or(":");
            let is_told = [action.label.as_str(), words(action)]
                .iter()
                .any(|words| help.contains(&format!(" {key:<10}{words}")));
            assert!(is_told, "{key} {} is not in\n{help}", action.label);
        }
    }
}

#[test]
fn a_key_does_what_the_palette_does() {
    // Letters are typed in the form of section 7.
    for section in sections().filter(|section| *section != '7') {
        let stage = at(section);
        let own = Whose::Panel(stage.screen.section());
        for (action, whose) in stage.screen.everything() {
            let is_meant = whose == own || section == '4' && whose == Whose::Screen;
            let Some(key) = action.key.filter(|_| is_meant) else {
                continue;
            };
            let mut by_key = at(section);
            let orders = by_key.happen(Happening::Key(key));
            let by_key = outcome(&by_key, orders);
            let mut chosen = at(section);
            let orders = choose(&mut chosen, action.id, whose);
            let chosen = outcome(&chosen, orders);
            assert_eq!(by_key, chosen, "{key} {}", action.label);
        }
    }
}

#[test]
fn what_another_panel_offers_is_done_there() {
    let places: Vec<(Whose, char)> = sections()
        .map(|section| (Whose::Panel(at(section).screen.section()), section))
        .collect();
    for (action, whose) in at('4').screen.everything() {
        let Some((_, section)) = places.iter().find(|(of, _)| *of == whose) else {
            continue; // the screen's own
        };
        let mut there = at('4');
        there.press(KeyCode::Char(*section));
        let orders = choose(&mut there, action.id, whose);
        let there = outcome(&there, orders);
        let mut from_here = at('4');
        let orders = choose(&mut from_here, action.id, whose);
        let from_here = outcome(&from_here, orders);
        assert_eq!(from_here, there, "{}", action.label);
    }
}

#[test]
fn another_panels_action_is_found_by_its_panel_and_goes_there() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    stage.letters(":connections new");
    let text = stage.text();
    assert!(text.contains("Connections: New Connection"), "{text}");
    assert!(text.contains("same as: outbound config add"), "{text}");
    stage.press(KeyCode::Enter);
    assert_eq!(stage.screen.section(), "connections");
    assert_eq!(stage.screen.depth(), 1, "{}", stage.text());
}

#[test]
fn what_cannot_be_done_any_more_is_said() {
    let mut stage = at('4');
    choose(&mut stage, "retry", Whose::Panel("log"));
    assert_eq!(stage.screen.section(), "log");
    assert!(
        stage.text().contains("not possible any more"),
        "{}",
        stage.text()
    );
}

#[test]
fn without_a_screen_everything_is_offered_that_needs_none() {
    for section in sections() {
        let stage = at(section);
        let plain = stage.screen.offered();
        for one in stage.screen.everything() {
            let needs_a_screen = [
                "palette", "help", "mouse", "zoom", "shot", "record", "editor",
            ]
            .contains(&one.0.id);
            assert_eq!(plain.contains(&one), !needs_a_screen, "{}", one.0.label);
        }
    }
}

#[test]
fn the_editor_is_offered_wherever_the_file_is_open() {
    for section in sections() {
        let mut stage = at(section);
        let orders = choose(&mut stage, "editor", Whose::Screen);
        let asked = deeds(orders);
        assert!(
            matches!(&asked[..], [Deed::Editor(job)] if job.given == samples::TOML),
            "{section}: {asked:?}"
        );
        let offered = stage.screen.everything();
        let mut editors = offered.iter().filter(|(action, _)| action.id == "editor");
        assert!(editors.next().is_some() && editors.next().is_none());
    }
}
