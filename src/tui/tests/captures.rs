//! Pictures and recordings show what the screen shows, and no secret, not even one that is revealed.

use std::collections::BTreeSet;
use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Stage;
use crate::cast::Cast;
use crate::keymap::Key;
use crate::samples;
use crate::screen::Order;
use crate::theme::ThemeName;
use crate::wish::{Deed, Happening};

const SECRET: &str = "hunter2-very-secret";

/// The trigger form with a password in it that is revealed.
fn revealed() -> Stage {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("t");
    // Forth from the way it happens: user, given name, family name, mail, roles, groups, password.
    for _ in 0..8 {
        stage.press(KeyCode::Tab);
    }
    stage.letters(SECRET);
    assert!(!stage.text().contains(SECRET), "{}", stage.text());
    stage.ctrl('r');
    assert!(stage.text().contains(SECRET), "{}", stage.text());
    stage
}

fn written(orders: &[Order]) -> Vec<(String, String)> {
    orders
        .iter()
        .filter_map(|order| match order {
            Order::Do(Deed::Write { path, text }) => {
                Some((path.display().to_string(), text.clone()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn exchanges_go_into_a_file_with_a_name_of_its_own() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("4y");
    stage.press(KeyCode::End);
    let orders = stage.press(KeyCode::Enter);
    let files = written(&orders);
    let [(name, _)] = &files[..] else {
        panic!("one file is written");
    };
    let now = stage.screen.world.name_of_now();
    assert_eq!(*name, format!("outbound-{now}.har"));
}

#[test]
fn a_revealed_secret_is_in_no_picture() {
    let mut stage = revealed();
    stage.press(KeyCode::F(12));
    assert!(stage.text().contains("Screenshot"));
    stage.press(KeyCode::End);
    let orders = stage.press(KeyCode::Enter);
    let files = written(&orders);
    let endings: BTreeSet<&str> = files
        .iter()
        .filter_map(|(name, _)| name.rsplit('.').next())
        .collect();
    assert_eq!(endings, ["ansi", "html", "svg", "txt"].into());
    for (name, text) in files {
        assert!(text.contains("Password"), "{name} shows another screen");
        assert!(text.contains("••••••••"), "{name} has no mask");
        assert!(!text.contains(SECRET), "{name} holds the secret");
    }
}

#[test]
fn a_revealed_secret_is_in_no_recording_and_the_recording_shows_the_screen() {
    let mut stage = revealed();
    let path = stage.folder.path().join("screen.cast");
    let mut cast = Cast::create(&path, samples::instant(0)).unwrap();
    let size = stage.size;
    let screen = &mut stage.screen;
    cast.frame(Duration::ZERO, size, |buffer, area| {
        screen.draw_masked(buffer, area);
    })
    .unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(SECRET));
    let mut player = crate::emit::tests::terminal(size.0, size.1);
    for line in text.lines().skip(1) {
        let (_, _, data): (f64, String, String) = serde_json::from_str(line).unwrap();
        player.process(data.as_bytes());
    }
    let area = Rect::new(0, 0, size.0, size.1);
    let mut masked = Buffer::empty(area);
    stage.screen.draw_masked(&mut masked, area);
    assert_eq!(
        player.screen().contents().trim_end(),
        crate::shot::text(&masked).trim_end()
    );
}

#[test]
fn a_revealed_secret_is_masked_again_by_itself() {
    let mut stage = revealed();
    let wait = stage
        .screen
        .wakes()
        .unwrap()
        .saturating_sub(stage.screen.world.passed);
    assert!(wait <= Duration::from_secs(10), "{wait:?}");
    stage.screen.world.passed += Duration::from_secs(10);
    stage.happen(Happening::Tick);
    assert!(!stage.text().contains(SECRET));
    assert_eq!(stage.screen.wakes(), None);
}

#[test]
fn recording_is_begun_and_ended_from_the_palette_and_is_said_above() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    stage.happen(Happening::Key(Key::letter(':')));
    stage.letters("record");
    let orders = stage.press(KeyCode::Enter);
    assert!(orders.iter().any(|order| matches!(
        order,
        Order::Do(Deed::Record(Some(path))) if path.extension().is_some_and(|end| end == "cast")
    )));
    stage.screen.recording = Some("outbound-120411.cast".to_owned());
    assert!(stage.text().lines().next().unwrap().contains("REC"));
    stage.happen(Happening::Key(Key::letter(':')));
    stage.letters("stop rec");
    let orders = stage.press(KeyCode::Enter);
    assert!(
        orders
            .iter()
            .any(|order| matches!(order, Order::Do(Deed::Record(None))))
    );
}
