//! What a key costs on a slow line at 80x24: the goals of `outbound bench screen`, where it is known what is on the screen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossterm::event::KeyCode;
use domain::{Configuration, Divergence};
use engine::{Counts, DriftView, State};

use super::Stage;
use super::narrow::{with_three_provisioners, with_two_connectors};
use crate::emit::Emitter;
use crate::samples;
use crate::theme::ThemeName;
use crate::wish::{Answer, Happening};

/// The most bytes of an arrow key or a letter.
const KEY: usize = 64;
/// The most bytes when another field gets the keys.
const FOCUS: usize = 300;

/// What a fault can be told, as long as those of the mocks are.
const SETTINGS: [(&str, &str); 8] = [
    (
        "as",
        "`cut` (half of it, then the end), `empty`, `html` (a proxy's page), `bytes` (no UTF-8), `deep` (nested \
         100,000 times), `bomb` (64 MiB in a small gzip), `endless` (default cut)",
    ),
    (
        "op",
        "the operation, with `*` for anything and `|` for or: `users.insert`, `Users.*` (default: see `kind`)",
    ),
    (
        "kind",
        "read, write, token or meta, with `|` for or (default: reads and writes; with `op`: all)",
    ),
    (
        "subject",
        "the user or group: name, the part before the `@`, or id; `*` for anything",
    ),
    ("method", "the HTTP method"),
    (
        "nth",
        "only the nth match, or a range: `2`, `2..5`, `2..` (default: all)",
    ),
    (
        "times",
        "default 1 (some stay): how often it acts before it disarms itself, a number or `always`",
    ),
    (
        "chance",
        "the probability that a match is hit, 0 to 1 (default 1)",
    ),
];

/// A screen and the terminal that it is written to.
struct Line {
    stage: Stage,
    emitter: Emitter,
}

impl Line {
    /// Types what leads to a place, and draws it.
    fn at(way: &str) -> Self {
        Self::over(samples::configuration(), way)
    }

    /// The same over another configuration.
    fn over(configuration: Configuration, way: &str) -> Self {
        let mut faults = samples::faults();
        let settings = SETTINGS.map(|(name, told)| (name.to_owned(), told.to_owned()));
        faults[0].parameters = settings.to_vec();
        let mut line = Self {
            stage: Stage::played(ThemeName::Dark, (80, 24)),
            emitter: Emitter::new(),
        };
        line.stage.screen.world.running = Arc::new(configuration);
        // The section is shown first: it may read the mocks itself.
        let (section, rest) = way.split_at(1);
        line.keys(section);
        line.answered(Answer::Mocks(samples::mocks(), faults));
        line.keys(rest);
        line
    }

    /// Lets something be answered that was asked, and draws it.
    fn answered(&mut self, answer: Answer) {
        self.stage.happen(Happening::Answer(Box::new(answer)));
        self.frame();
    }

    /// Draws, and returns how many bytes that takes.
    fn frame(&mut self) -> usize {
        let mut out = Vec::new();
        self.emitter.frame(&mut self.stage.buffer(), &mut out);
        out.len()
    }

    /// Presses keys one by one, each with its frame, and returns how many bytes each of them takes.
    fn keys(&mut self, keys: &str) -> Vec<usize> {
        let mut costs = Vec::new();
        for key in keys.chars() {
            self.stage.press(match key {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '<' => KeyCode::BackTab,
                letter => KeyCode::Char(letter),
            });
            costs.push(self.frame());
        }
        costs
    }

    /// Says that each of some keys changes something, for so many bytes at most.
    fn costs_at_most(&mut self, most: usize, keys: &str) {
        for (nth, cost) in self.keys(keys).into_iter().enumerate() {
            let text = self.stage.text();
            assert!(cost > 0, "key {nth} of {keys:?} changes nothing\n{text}");
            assert!(cost <= most, "key {nth} of {keys:?}: {cost} bytes\n{text}");
        }
    }
}

#[test]
fn an_arrow_in_a_list_is_a_mark_that_moves() {
    for (way, arrows) in [
        ("1", "jjjkkk"),
        ("2", "jk"),
        ("3g", "jjkk"),
        // The first one ends following.
        ("4", "kkjj"),
        // One that runs, one that is stopped, one with a fault.
        ("5", "jjkk"),
        ("6", "jk"),
        ("8j", "jk"),
    ] {
        Line::at(way).costs_at_most(KEY, arrows);
    }
}

#[test]
fn a_connection_that_is_off_changes_the_end_of_the_key_row_only() {
    let mut line = Line::at("1j k");
    assert!(line.stage.text().contains("disabled"));
    line.costs_at_most(KEY, "jjkk");
}

#[test]
fn an_operation_of_another_state_changes_the_end_of_the_key_row_only() {
    let mut line = Line::at("8");
    let connector = samples::operations()[0].connector.clone();
    let states = BTreeMap::from([(State::Dead, 1), (State::Retrying, 1)]);
    let counts = Counts::from([(connector, states)]);
    line.answered(Answer::Counts {
        last: 0,
        counts,
        quarantines: Vec::new(),
    });
    // Settled, retrying, dead, held, in doubt.
    line.costs_at_most(KEY, "jjjjkkkkjkjk");
    assert!(line.stage.text().contains("dead 1"));
    line.keys("j");
    let text = line.stage.text();
    assert!(text.contains("r retry  D discard"), "{text}");
    // Further down in a long list, to and fro.
    let mut line = Line::at("8");
    let mut list: Vec<engine::OperationView> = (0..4).flat_map(|_| samples::operations()).collect();
    for (one, number) in list.iter_mut().zip(1_u128..) {
        one.operation = domain::OperationId(uuid::Uuid::from_u128(number));
    }
    list.truncate(16);
    line.stage.screen.world.board.operations_version += 1;
    line.stage.screen.update(Happening::Tick);
    line.answered(Answer::Operations {
        state: None,
        before: None,
        list,
    });
    line.costs_at_most(KEY, "jjjjjjjjjjjjjjkjkjkkkk");
}

#[test]
fn whoever_differs_changes_the_beginning_of_the_key_row_only() {
    let Answer::Directory {
        after,
        users,
        groups,
        roles,
        count,
        ..
    } = samples::directory()
    else {
        panic!("the sample is a directory");
    };
    let mut line = Line::at("3G");
    let local = samples::local();
    line.answered(Answer::Directory {
        after,
        users,
        groups,
        roles,
        count,
        differing: BTreeSet::from([local]),
    });
    let link = samples::link();
    let divergence = Divergence {
        connector: link.connector.clone(),
        local,
        name: "zoe".into(),
        remote_id: link.remote_id.clone(),
        remote_name: link.remote_name.clone(),
        condition: domain::Condition::Missing,
    };
    let at = link.since;
    let drifts = vec![DriftView { at, divergence }];
    let none = BTreeMap::new();
    line.answered(Answer::Links(local, vec![link], drifts, none));
    assert!(line.stage.text().contains("x differs"));
    line.costs_at_most(KEY, "kjkjkkjj");
}

#[test]
fn below_what_has_no_room_for_all_nothing_follows_the_selection() {
    let provisioners = with_three_provisioners();
    Line::over(provisioners, "2").costs_at_most(KEY, "jjkk");
    // One is on, the other off.
    let connectors = with_two_connectors();
    Line::over(connectors, "1\n]]").costs_at_most(KEY, "jkjk");
}

#[test]
fn a_letter_in_a_form_is_a_letter() {
    for way in ["5f\n", "6n", "1\ne", "3i", "t\t\t\t\t\t\t"] {
        Line::at(way).costs_at_most(KEY, "adal");
    }
}

#[test]
fn another_field_gets_the_keys_and_little_else_changes() {
    // To the last button and back again, too.
    for (way, fields) in [
        ("5f\n", "\t\t\t\t\t\t\t\t\t<<<<<<<<<<\t"),
        ("6n", "\t\t<<<\t"),
        ("1\ne", "\t\t<<<\t"),
        ("2n", "\t\t\t\t<<<<<\t"),
        ("t\t\t\t\t\t\t\t", "\t<<"),
    ] {
        Line::at(way).costs_at_most(FOCUS, fields);
    }
}

#[test]
fn a_form_that_is_longer_than_the_screen_scrolls_as_little_as_can_be() {
    // Sixteen fields and two buttons, once around.
    let mut line = Line::at("1");
    // Where it is not, that is said below its field.
    let keys = line.stage.folder.path().join("mocks/keys");
    std::fs::create_dir_all(&keys).unwrap();
    let key = include_bytes!("../../../mocks/keys/google-service-account.p12");
    std::fs::write(keys.join("google-service-account.p12"), key).unwrap();
    line.keys("\n]]e");
    assert!(line.stage.text().contains("↓1"), "{}", line.stage.text());
    line.costs_at_most(FOCUS, &"\t".repeat(18));
    assert!(line.stage.text().contains("▌Google Domain"));
    line.costs_at_most(FOCUS, "<\t");
}
