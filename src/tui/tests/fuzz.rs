//! Random keys, pastes and sizes against the real update and draw.

use crossterm::event::KeyCode;
use proptest::prelude::*;

use super::Stage;
use crate::keymap::Key;
use crate::theme::ThemeName;
use crate::wish::Happening;

fn key() -> impl Strategy<Value = Key> {
    let codes = prop::sample::select(vec![
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::F(1),
    ]);
    prop_oneof![
        4 => prop::char::range(' ', '~').prop_map(Key::letter),
        4 => codes.prop_map(Key::of),
        1 => prop::char::range('a', 'z').prop_map(Key::ctrl),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Key(Key),
    Paste(String),
    Resize(u16, u16),
    News,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => key().prop_map(Step::Key),
        1 => prop::sample::select(vec!["日本", "a\nb\r\nc\u{1b}[2J", "x\u{202e}y", "\u{0}", "env:NAME"]).prop_map(|text| Step::Paste(text.repeat(3))),
        1 => (1..200_u16, 1..70_u16).prop_map(|(width, height)| Step::Resize(width, height)),
        1 => Just(Step::News),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_escape_leads_back_to_a_section(steps in prop::collection::vec(step(), 1..80)) {
        let mut stage = Stage::played(ThemeName::Dark, (80, 24));
        for step in steps {
            match step {
                Step::Key(key) => { stage.happen(Happening::Key(key)); }
                Step::Paste(text) => { stage.happen(Happening::Paste(text)); }
                Step::Resize(width, height) => {
                    stage.size = (width, height);
                    stage.screen.world.width = width;
                    stage.happen(Happening::Resize);
                }
                Step::News => { stage.happen(Happening::News(crate::samples::news())); }
            }
            stage.buffer();
        }
        stage.size = (80, 24);
        for _ in 0..12 {
            stage.press(KeyCode::Esc);
            // What was typed is asked about; here it may go.
            if stage.text().contains("Discard what was ") {
                stage.press(KeyCode::BackTab);
                stage.press(KeyCode::Enter);
            }
        }
        prop_assert!(stage.screen.is_at_root());
    }
}

#[test]
fn a_pasted_megabyte_is_one_step() {
    let mut stage = Stage::new(ThemeName::Dark, (80, 24));
    stage.letters("/");
    stage.happen(Happening::Paste("x ".repeat(500_000)));
    stage.buffer();
    stage.press(KeyCode::Esc);
    assert!(stage.text().contains("Traffic"));
}
