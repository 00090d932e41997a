//! What *Update* would do: said to be worked out, given up, and shown where it lies over nothing else.

use std::time::Duration;

use crossterm::event::KeyCode;

use super::Stage;
use super::editing::{answered, review};
use super::updates::deeds;
use crate::samples::TOML;
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
fn whoever_discards_is_asked_how_many_changes_may_be_lost() {
    for is_review in [true, false] {
        let mut stage = Stage::played(ThemeName::Dark, (100, 40));
        stage.letters("1 j ");
        if is_review {
            stage.ctrl('s');
            let known = Answer::Reviewed(Box::new(review(&stage)));
            answered(&mut stage, known);
            let text = stage.text();
            let keys = text.lines().last().unwrap_or_default();
            assert!(keys.contains("Tab next  Enter press"), "{keys}");
            // Update has the keys.
            stage.press(KeyCode::Tab);
        } else {
            stage.letters(":discard unsaved changes");
        }
        assert!(deeds(stage.press(KeyCode::Enter)).is_empty());
        shows(&stage, "Discard 2 changes?", SHOWN);
        // Stay has the keys.
        assert!(deeds(stage.press(KeyCode::Enter)).is_empty());
        assert_eq!(stage.screen.world.draft.as_ref().unwrap().changes(), 2);
        stage.letters(":discard unsaved changes");
        stage.press(KeyCode::Enter);
        stage.press(KeyCode::BackTab);
        stage.press(KeyCode::Enter);
        assert!(stage.screen.world.draft.is_none(), "{}", stage.text());
        shows(&stage, "changes discarded", "Discard 2");
        stage.letters(":discard unsaved changes");
        stage.press(KeyCode::Enter);
        shows(&stage, "nothing to discard", "Discard 2");
    }
}

/// A stage that is to be left with *Update*; and what comes of that.
fn leaving() -> (Stage, Answer) {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("1 q");
    stage.press(KeyCode::BackTab);
    stage.press(KeyCode::BackTab);
    let pressed = deeds(stage.press(KeyCode::Enter));
    assert!(matches!(pressed.as_slice(), [Deed::Review]), "{pressed:?}");
    let answer = Answer::Reviewed(Box::new(review(&stage)));
    (stage, answer)
}

/// Writes the draft as the hands do, and returns what the screen makes of that.
fn saved(stage: &mut Stage) -> Vec<Deed> {
    let draft = stage.screen.world.draft.as_ref().unwrap();
    let loaded = draft.document().clone().save().unwrap();
    answered(stage, Answer::Saved(Ok(Box::new(loaded))))
}

#[test]
fn whoever_wanted_to_leave_and_did_something_else_is_asked_again() {
    let (mut stage, answer) = leaving();
    stage.letters("4");
    answered(&mut stage, answer);
    assert!(deeds(stage.ctrl('c')).is_empty(), "nothing is lost");
    shows(&stage, "Unsaved changes", SHOWN);
}

#[test]
fn whoever_wanted_to_leave_and_took_the_change_back_stays_with_the_next_one() {
    for is_saved in [false, true] {
        let (mut stage, answer) = leaving();
        let stopped = deeds(stage.letters("u"));
        assert!(
            matches!(stopped.as_slice(), [Deed::StopReview]),
            "{stopped:?}"
        );
        shows(&stage, "undone: ", UNDER_WAY);
        assert!(answered(&mut stage, answer).is_empty());
        stage.letters(" ");
        if is_saved {
            let done = saved(&mut stage);
            assert!(done.is_empty(), "{done:?}");
        } else {
            assert!(deeds(stage.ctrl('c')).is_empty(), "nothing is lost");
            shows(&stage, "Unsaved changes", SHOWN);
        }
    }
}

#[test]
fn whoever_wanted_to_leave_stays_when_the_file_is_no_toml_meanwhile() {
    let (mut stage, answer) = leaving();
    let file = stage.folder.path().join("workbench.toml");
    std::fs::write(&file, "[organization\n").unwrap();
    let stopped = deeds(stage.happen(Happening::FileChanged));
    assert!(
        matches!(stopped.as_slice(), [Deed::Reload, Deed::StopReview]),
        "{stopped:?}"
    );
    assert!(answered(&mut stage, answer).is_empty());
    std::fs::write(&file, TOML).unwrap();
    stage.happen(Happening::FileChanged);
    let done = saved(&mut stage);
    assert!(done.is_empty(), "{done:?}");
}

#[test]
fn what_comes_below_the_question_whether_to_leave_does_not_answer_it() {
    let (mut stage, answer) = asked();
    stage.letters("q");
    answered(&mut stage, answer);
    shows(&stage, "Unsaved changes", SHOWN);
    // Discard.
    stage.press(KeyCode::BackTab);
    let pressed = deeds(stage.press(KeyCode::Enter));
    assert!(matches!(pressed.as_slice(), [Deed::Quit]), "{pressed:?}");
}

/// The ways to be without a change again.
const WAYS_BACK: [&str; 2] = ["u", ":discard unsaved changes\n"];

fn goes_back(stage: &mut Stage, way: &str) -> Vec<Deed> {
    let letters = way.trim_end_matches('\n');
    let mut done = deeds(stage.letters(letters));
    if letters.len() < way.len() {
        done.extend(deeds(stage.press(KeyCode::Enter)));
        // Yes.
        done.extend(deeds(stage.press(KeyCode::BackTab)));
        done.extend(deeds(stage.press(KeyCode::Enter)));
    }
    let draft = stage.screen.world.draft.as_ref();
    assert!(draft.is_none_or(|draft| !draft.is_changed()), "{way:?}");
    done
}

#[test]
fn without_its_change_what_update_would_do_is_worked_out_no_longer() {
    for way in WAYS_BACK {
        let (mut stage, answer) = asked();
        let stopped = goes_back(&mut stage, way);
        assert!(
            matches!(stopped.as_slice(), [Deed::StopReview]),
            "{way:?}: {stopped:?}"
        );
        shows(&stage, "workbench.toml", UNDER_WAY);
        assert!(answered(&mut stage, answer).is_empty());
        shows(&stage, "workbench.toml", SHOWN);
    }
}

#[test]
fn that_it_is_ready_is_told_only_as_long_as_the_draft_is_the_same() {
    const READY: &str = "(Ctrl-S shows it)";
    for way in WAYS_BACK {
        let (mut stage, answer) = asked();
        stage.letters("n");
        passes(&mut stage, 9);
        answered(&mut stage, answer);
        stage.press(KeyCode::Esc);
        shows(&stage, READY, SHOWN);
        goes_back(&mut stage, way);
        for _ in 0..3 {
            passes(&mut stage, 5);
            shows(&stage, "workbench.toml", READY);
        }
    }
}

#[test]
fn esc_does_not_stop_what_is_worked_out_for_a_toggle() {
    let (mut stage, _) = asked();
    goes_back(&mut stage, "u");
    stage.press(KeyCode::Enter);
    let toggled = deeds(stage.letters("]] "));
    assert!(
        matches!(toggled.as_slice(), [Deed::Review, Deed::Save]),
        "{toggled:?}"
    );
    let pressed = deeds(stage.press(KeyCode::Esc));
    assert!(pressed.is_empty(), "{pressed:?}");
}

#[test]
fn without_a_change_there_is_nothing_to_work_out() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("1 u");
    assert!(deeds(stage.ctrl('s')).is_empty());
    shows(&stage, "nothing to update", UNDER_WAY);
}
