//! What *Update* would do: said to be worked out, given up, and shown where it lies over nothing else.

use std::time::Duration;

use crossterm::event::KeyCode;

use super::Stage;
use super::editing::{answered, review};
use super::updates::deeds;
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening};

const SHOWN: &str = "What Update writes";
const UNDER_WAY: &str = "working out who is affected";

/// A stage on which *Update* was asked for with one change in the draft; and what comes of it.
fn asked() -> (Stage, Answer) {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("1 ");
    assert!(matches!(deeds(stage.ctrl('s')).as_slice(), [Deed::Review]));
    let answer = Answer::Reviewed(Box::new(review(&stage)));
    (stage, answer)
}

fn passes(stage: &mut Stage, seconds: u64) {
    stage.screen.world.passed += Duration::from_secs(seconds);
    stage.happen(Happening::Tick);
}

#[track_caller]
fn shows(stage: &Stage, wanted: &str, other: &str) {
    let text = stage.text();
    assert!(text.contains(wanted), "{wanted}: {text}");
    assert!(!text.contains(other), "{other}: {text}");
}

#[test]
fn that_it_is_worked_out_who_is_affected_is_said_at_once_and_esc_gives_it_up() {
    let (mut stage, answer) = asked();
    shows(
        &stage,
        "working out who is affected … (Esc cancels)",
        "(not saved",
    );
    passes(&mut stage, 20);
    shows(&stage, UNDER_WAY, SHOWN);
    assert!(deeds(stage.ctrl('s')).is_empty(), "it is under way already");
    let given_up = deeds(stage.press(KeyCode::Esc));
    assert!(
        matches!(given_up.as_slice(), [Deed::StopReview]),
        "{given_up:?}"
    );
    shows(&stage, "the changes stay unsaved", UNDER_WAY);
    assert!(answered(&mut stage, answer).is_empty());
    shows(&stage, "workbench.toml~", SHOWN);
    // Ctrl-C does the same, and does not leave.
    assert!(matches!(deeds(stage.ctrl('s')).as_slice(), [Deed::Review]));
    let given_up = deeds(stage.ctrl('c'));
    assert!(
        matches!(given_up.as_slice(), [Deed::StopReview]),
        "{given_up:?}"
    );
}

#[test]
fn at_40_columns_it_is_said_how_to_give_it_up() {
    let mut stage = Stage::played(ThemeName::Dark, (40, 12));
    stage.letters("1 ");
    stage.ctrl('s');
    shows(&stage, "… (Esc cancels)", SHOWN);
}

#[test]
fn what_comes_late_lies_over_no_form_and_no_other_section_and_the_key_shows_it() {
    for keys in ["n", "4"] {
        let (mut stage, answer) = asked();
        stage.letters(keys);
        passes(&mut stage, 9);
        shows(&stage, UNDER_WAY, SHOWN);
        answered(&mut stage, answer);
        shows(
            &stage,
            "worked out who is affected (Ctrl-S shows it)",
            SHOWN,
        );
        if keys == "n" {
            stage.press(KeyCode::Esc);
        }
        for _ in 0..3 {
            passes(&mut stage, 5);
        }
        shows(&stage, "Ctrl-S shows who is affected", SHOWN);
        assert!(deeds(stage.ctrl('s')).is_empty(), "it is known");
        shows(&stage, SHOWN, UNDER_WAY);
        // It answers the key.
        let pressed = deeds(stage.press(KeyCode::Enter));
        assert!(matches!(pressed.as_slice(), [Deed::Save]), "{pressed:?}");
    }
}

#[test]
fn what_is_ready_and_out_of_date_is_worked_out_anew() {
    let (mut stage, answer) = asked();
    stage.letters("n");
    answered(&mut stage, answer);
    stage.press(KeyCode::Esc);
    stage.letters("j ");
    passes(&mut stage, 5);
    passes(&mut stage, 5);
    shows(&stage, "Ctrl-S updates", "Ctrl-S shows");
    assert!(matches!(deeds(stage.ctrl('s')).as_slice(), [Deed::Review]));
}

#[test]
fn update_has_the_keys_only_where_the_review_comes_right_behind_the_key() {
    let (mut stage, answer) = asked();
    answered(&mut stage, answer);
    let pressed = deeds(stage.press(KeyCode::Enter));
    assert!(matches!(pressed.as_slice(), [Deed::Save]), "{pressed:?}");
    // Whoever waited, or did something else, may have pressed Enter for that.
    for (keys, seconds) in [("", 9), ("j", 0)] {
        let (mut stage, answer) = asked();
        stage.letters(keys);
        passes(&mut stage, seconds);
        answered(&mut stage, answer);
        shows(&stage, SHOWN, UNDER_WAY);
        let pressed = deeds(stage.press(KeyCode::Enter));
        assert!(pressed.is_empty(), "{keys:?} {seconds}: {pressed:?}");
        shows(&stage, "workbench.toml~", SHOWN);
    }
}

#[test]
fn whoever_wanted_to_leave_and_did_something_else_is_asked_again() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("1 q");
    stage.press(KeyCode::BackTab);
    stage.press(KeyCode::BackTab);
    let pressed = deeds(stage.press(KeyCode::Enter));
    assert!(matches!(pressed.as_slice(), [Deed::Review]), "{pressed:?}");
    let answer = Answer::Reviewed(Box::new(review(&stage)));
    stage.letters("4");
    answered(&mut stage, answer);
    assert!(deeds(stage.ctrl('c')).is_empty(), "nothing is lost");
    shows(&stage, "Unsaved changes", SHOWN);
}

#[test]
fn without_a_change_there_is_nothing_to_work_out() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("1 u");
    assert!(deeds(stage.ctrl('s')).is_empty());
    shows(&stage, "nothing to update", UNDER_WAY);
}
