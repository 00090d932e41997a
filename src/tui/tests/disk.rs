//! `workbench.toml` is changed by somebody else while the screen runs.

use std::time::Duration;

use crossterm::event::KeyCode;

use super::Stage;
use super::updates::{deeds, fill};
use crate::samples::TOML;
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening};

/// A stage with one unsaved change: the first connection is disabled.
fn with_draft() -> Stage {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("1 ");
    assert!(stage.screen.world.draft.as_ref().unwrap().is_changed());
    stage
}

fn somebody_writes(stage: &mut Stage, text: &str) -> Vec<Deed> {
    std::fs::write(stage.folder.path().join("workbench.toml"), text).unwrap();
    deeds(stage.happen(Happening::FileChanged))
}

/// Longer than anything that is said stays.
fn later(stage: &mut Stage) {
    stage.screen.world.passed += Duration::from_secs(5);
    stage.happen(Happening::Tick);
}

fn text_of_draft(stage: &Stage) -> String {
    let draft = stage.screen.world.draft.as_ref().unwrap();
    draft.document().text().to_owned()
}

#[test]
fn what_does_not_touch_the_draft_is_merged_and_nothing_is_lost() {
    let mut stage = with_draft();
    let theirs = format!("# somebody was here\n{TOML}");
    let deeds = somebody_writes(&mut stage, &theirs);
    assert!(
        matches!(deeds.as_slice(), [Deed::Reload]),
        "the engine takes the new file: {deeds:?}"
    );
    let merged = text_of_draft(&stage);
    assert!(merged.starts_with("# somebody was here\n"));
    assert!(merged.contains("enabled = false"), "{merged}");
    // Nobody has asked for it: what the key said is read first.
    let text = stage.text();
    assert!(
        text.contains("(not saved") && !text.contains("on top of that"),
        "{text}"
    );
    later(&mut stage);
    assert!(stage.text().contains("on top of that"), "{}", stage.text());
    assert_eq!(stage.file(), theirs, "nothing is written before Update");
    stage.letters("u");
    assert!(!stage.screen.world.draft.as_ref().unwrap().is_changed());
}

#[test]
fn what_became_of_the_changes_here_is_told_to_its_end_at_80_columns() {
    let mut stage = with_draft();
    (stage.screen.world.width, stage.size) = (80, (80, 24));
    later(&mut stage);
    somebody_writes(&mut stage, &format!("# somebody was here\n{TOML}"));
    let whole = "workbench.toml was changed by somebody else; yours on top of that (1 change)";
    assert!(stage.text().contains(whole), "{}", stage.text());
    let file = stage.folder.path().join("workbench.toml");
    let loaded = config::load(&file, &connectors::CATALOGUE).unwrap();
    let answer = Answer::Reloaded(Ok(Box::new(loaded)));
    stage.happen(Happening::Answer(Box::new(answer)));
    let whole = "workbench.toml was changed by somebody else; in use now; 1 change kept here";
    assert!(stage.text().contains(whole), "{}", stage.text());
}

#[test]
fn a_value_that_both_changed_is_asked_about_and_mine_goes_on_top_only_when_asked() {
    let mut stage = with_draft();
    let id = stage.screen.world.config().connections[0].id.to_string();
    let line = format!("id = \"{id}\"\n");
    let theirs = TOML.replacen(&line, &format!("{line}enabled = true\n"), 1);
    assert_ne!(theirs, TOML);
    somebody_writes(&mut stage, &theirs);
    let text = stage.text();
    assert!(text.contains("was changed by somebody else"), "{text}");
    assert!(text.contains("was changed there, too"), "{text}");
    // Deciding later has the keys; that it is to be decided stays to be seen, and saving asks again.
    stage.press(KeyCode::Enter);
    for _ in 0..3 {
        later(&mut stage);
    }
    let text = stage.text();
    let told = "Conflict, unsaved (1): somebody else changed workbench.toml, too";
    assert!(text.contains(told), "{text}");
    assert!(text.contains(" · Ctrl-S asks"), "{text}");
    assert!(
        deeds(stage.ctrl('s'))
            .iter()
            .all(|deed| !matches!(deed, Deed::Save | Deed::Review))
    );
    assert!(stage.text().contains("Mine on top"), "{}", stage.text());
    stage.press(KeyCode::BackTab);
    let asked = deeds(stage.press(KeyCode::Enter));
    assert!(matches!(asked.as_slice(), [Deed::Review]), "{asked:?}");
    let merged = text_of_draft(&stage);
    assert!(
        !merged.contains(&format!("{line}enabled = true")),
        "{merged}"
    );
    assert!(
        merged.contains(&format!("{line}enabled = false")),
        "{merged}"
    );
    assert!(
        deeds(stage.ctrl('s')).is_empty(),
        "it is worked out already"
    );
}

/// The file with a value that the draft of [`with_draft`] changes, too.
fn contrary(stage: &Stage) -> String {
    let id = stage.screen.world.config().connections[0].id.to_string();
    let line = format!("id = \"{id}\"\n");
    TOML.replacen(&line, &format!("{line}enabled = true\n"), 1)
}

const CONFLICT: &str = "Conflict: somebody else changed workbench.toml, too";

#[test]
fn a_conflict_lies_over_no_form_and_takes_none_of_its_keys() {
    let mut stage = with_draft();
    let before = text_of_draft(&stage);
    stage.letters("n");
    stage.press(KeyCode::Enter);
    fill(&mut stage, "Name", |stage| {
        stage.letters("typ");
    });
    later(&mut stage);
    let theirs = contrary(&stage);
    somebody_writes(&mut stage, &theirs);
    let text = stage.text();
    assert!(text.contains(CONFLICT), "{text}");
    assert!(!text.contains("Take theirs"), "{text}");
    // It is told in full on a small screen, too.
    stage.size = (80, 24);
    let text = stage.text();
    assert!(text.contains("too (after this, Ctrl-S asks)"), "{text}");
    stage.size = (100, 40);
    // The keys go on into the form.
    stage.letters("ing");
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(text.contains("typing"), "{text}");
    assert!(!text.contains("Take theirs"), "{text}");
    assert_eq!(text_of_draft(&stage), before);
    assert_eq!(stage.file(), theirs);
    // Once it is closed, the key asks.
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::BackTab);
    stage.press(KeyCode::Enter);
    assert!(!stage.text().contains("typing"), "{}", stage.text());
    stage.ctrl('s');
    assert!(stage.text().contains("Take theirs"), "{}", stage.text());
}

#[test]
fn a_conflict_does_not_come_while_something_is_typed_and_is_told_only_as_long_as_it_is_one() {
    let mut stage = with_draft();
    stage.letters("4/st");
    later(&mut stage);
    let theirs = contrary(&stage);
    somebody_writes(&mut stage, &theirs);
    let text = stage.text();
    assert!(text.contains(CONFLICT), "{text}");
    assert!(!text.contains("Take theirs"), "{text}");
    stage.letters(">=4");
    assert!(stage.text().contains("st>=4"), "{}", stage.text());
    // They take it back.
    somebody_writes(&mut stage, TOML);
    assert!(!stage.text().contains("Conflict"), "{}", stage.text());
}

#[test]
fn taking_theirs_is_asked_about_and_gives_the_draft_up() {
    let mut stage = with_draft();
    let theirs = contrary(&stage);
    somebody_writes(&mut stage, &theirs);
    // A key too many loses nothing.
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Enter);
    assert!(
        stage.text().contains("Discard 1 change?"),
        "{}",
        stage.text()
    );
    stage.press(KeyCode::Enter);
    assert!(stage.screen.world.draft.as_ref().unwrap().is_changed());
    stage.ctrl('s');
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Enter);
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Enter);
    assert!(stage.screen.world.draft.is_none(), "{}", stage.text());
    assert_eq!(stage.file(), theirs);
    stage.size = (80, 24);
    let told = "given up here; workbench.toml stays as somebody else left it";
    assert!(stage.text().contains(told), "{}", stage.text());
}

#[test]
fn a_conflict_leaves_the_question_whether_to_leave_as_it_was() {
    let mut stage = with_draft();
    stage.letters("q");
    let theirs = contrary(&stage);
    somebody_writes(&mut stage, &theirs);
    let text = stage.text();
    assert!(
        text.contains("Unsaved changes") && !text.contains("Decide later"),
        "{text}"
    );
    // Discard.
    stage.press(KeyCode::BackTab);
    let asked = deeds(stage.press(KeyCode::Enter));
    assert!(matches!(asked.as_slice(), [Deed::Quit]), "{asked:?}");
    assert_eq!(stage.file(), theirs);
}

#[test]
fn to_give_up_the_upper_question_line_by_line_leaves_the_one_below_as_it_was() {
    let mut stage = with_draft();
    stage.letters("q?");
    assert!(stage.text().contains("Help: "), "{}", stage.text());
    stage.screen.close();
    assert!(stage.text().contains("Unsaved changes"), "{}", stage.text());
    // Discard.
    stage.press(KeyCode::BackTab);
    let asked = deeds(stage.press(KeyCode::Enter));
    assert!(matches!(asked.as_slice(), [Deed::Quit]), "{asked:?}");
    // The last of them is given up: the program is not left any more.
    let mut stage = with_draft();
    stage.letters("q");
    stage.screen.close();
    assert!(deeds(stage.ctrl('c')).is_empty());
    assert!(stage.text().contains("Unsaved changes"), "{}", stage.text());
}

#[test]
fn a_file_that_is_no_toml_leaves_the_draft_and_the_engine_as_they_are() {
    let mut stage = with_draft();
    let before = text_of_draft(&stage);
    somebody_writes(&mut stage, "[organization\n");
    assert_eq!(text_of_draft(&stage), before);
    stage.happen(Happening::Answer(Box::new(Answer::Reloaded(Err(
        "workbench.toml:1: this is no TOML".to_owned(),
    )))));
    let text = stage.text();
    assert!(text.contains("the engine goes on as before"), "{text}");
    stage.letters("!");
    assert!(stage.text().contains("this is no TOML"), "{}", stage.text());
}

#[test]
fn what_was_put_right_is_told_no_longer() {
    let mut stage = with_draft();
    somebody_writes(&mut stage, "[organization\n");
    assert!(stage.text().contains("cannot be used"), "{}", stage.text());
    somebody_writes(&mut stage, TOML);
    assert!(!stage.text().contains("cannot be used"), "{}", stage.text());
    // And without a draft, by what the hands say of it.
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    let told = "workbench.toml:1: this is no TOML".to_owned();
    stage.happen(Happening::Answer(Box::new(Answer::Reloaded(Err(told)))));
    assert!(stage.text().contains("cannot be used"), "{}", stage.text());
    let file = stage.folder.path().join("workbench.toml");
    let loaded = Box::new(config::load(&file, &connectors::CATALOGUE).unwrap());
    stage.happen(Happening::Answer(Box::new(Answer::Reloaded(Ok(loaded)))));
    assert!(!stage.text().contains("cannot be used"), "{}", stage.text());
    // A failure of another kind stays.
    let failed = Answer::Done(Err("the port is taken".to_owned()));
    stage.happen(Happening::Answer(Box::new(failed)));
    stage.letters("1 ");
    later(&mut stage);
    assert!(
        stage.text().contains("the port is taken"),
        "{}",
        stage.text()
    );
    assert!(stage.screen.events.iter().any(|event| event.is_failure));
}

#[test]
fn without_a_draft_the_new_file_is_taken_at_once() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    let deeds = somebody_writes(&mut stage, &format!("# new\n{TOML}"));
    assert!(matches!(deeds.as_slice(), [Deed::Reload]), "{deeds:?}");
}
