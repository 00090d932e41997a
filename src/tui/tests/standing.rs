//! How the workbench stands to an engine that is not its own, and what can be done about it.

use std::time::Duration;

use connectors::CATALOGUE;
use crossterm::event::KeyCode;

use super::Stage;
use super::updates::deeds;
use crate::Note;
use crate::action::Whose;
use crate::samples;
use crate::seat::{NO_ENGINE, Standing};
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening};
use crate::work::{Stage as WorkStage, Work};

fn stage(standing: Standing) -> Stage {
    let mut stage = Stage::played(ThemeName::Dark, (120, 30));
    stage.happen(Happening::Standing(standing));
    stage
}

fn answered(stage: &mut Stage, answer: Answer) {
    stage.happen(Happening::Answer(Box::new(answer)));
}

fn note(stage: &mut Stage, text: &str, is_failure: bool) {
    let text = text.to_owned();
    stage.happen(Happening::Note(Note { text, is_failure }));
}

/// The file as it is.
fn loaded(stage: &Stage) -> Box<config::Loaded> {
    let file = stage.folder.path().join("workbench.toml");
    Box::new(config::load(&file, &CATALOGUE).unwrap())
}

/// Longer than anything that is said stays.
fn later(stage: &mut Stage) {
    stage.screen.world.passed += Duration::from_secs(5);
    stage.happen(Happening::Tick);
}

#[track_caller]
fn shows(stage: &Stage, wanted: &str, others: &[&str]) {
    let text = stage.text();
    assert!(text.contains(wanted), "{wanted}: {text}");
    for other in others {
        assert!(!text.contains(other), "{other}: {text}");
    }
}

#[test]
fn an_engine_that_has_gone_is_run_here_by_one_key() {
    let mut stage = stage(Standing::Attached { process: 4711 });
    assert!(deeds(stage.letters("E")).is_empty(), "an engine runs");
    stage.happen(Happening::Standing(Standing::Alone));
    assert!(
        stage.text().contains("the engine has ended"),
        "{}",
        stage.text()
    );
    stage.letters("!");
    assert!(
        stage.text().contains("E runs the engine in this process"),
        "{}",
        stage.text()
    );
    // The text is closed, and the word before it goes.
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::Esc);
    let text = stage.text();
    let line = "E runs the engine here · no engine runs: nothing is sent";
    assert!(text.contains(line), "{text}");
    stage.letters(":run the engine");
    assert!(
        stage.text().contains("Run the engine here"),
        "{}",
        stage.text()
    );
    assert!(matches!(
        deeds(stage.press(KeyCode::Enter)).as_slice(),
        [Deed::RunHere]
    ));

    let refused = Answer::RunsHere(Err("another process has the journal".to_owned()));
    stage.happen(Happening::Answer(Box::new(refused)));
    assert!(
        stage.text().contains("no engine runs here"),
        "{}",
        stage.text()
    );
    stage.press(KeyCode::Esc);
    assert!(matches!(
        deeds(stage.letters("E")).as_slice(),
        [Deed::RunHere]
    ));
    stage.happen(Happening::Standing(Standing::Here));
    let text = stage.text();
    assert!(text.contains("the engine runs here"), "{text}");
    assert!(deeds(stage.letters("E")).is_empty());
}

#[test]
fn what_was_said_of_an_engine_that_had_gone_is_taken_back_when_one_is_there() {
    let mut stage = stage(Standing::Alone);
    assert!(
        stage.text().contains("x the engine has ended"),
        "{}",
        stage.text()
    );
    stage.happen(Happening::Standing(Standing::Attached { process: 7 }));
    let text = stage.text();
    assert!(!text.contains("has ended"), "{text}");
    assert!(
        text.contains("attached to the engine of process 7"),
        "{text}"
    );
    // What else went wrong stays until it was seen.
    let failed = Answer::Done(Err("the port is taken".to_owned()));
    stage.happen(Happening::Answer(Box::new(failed)));
    stage.happen(Happening::Standing(Standing::Here));
    assert!(
        stage.text().contains("the port is taken"),
        "{}",
        stage.text()
    );
}

#[test]
fn an_engine_by_another_file_is_named_with_what_to_do() {
    let mut stage = stage(Standing::OtherFile {
        process: 4711,
        file: "/srv/other.toml".into(),
    });
    let text = stage.text();
    assert!(
        text.contains("x the engine of /srv/other.toml runs on this journal"),
        "{text}"
    );
    assert!(!text.contains("takes no commands"), "{text}");
    stage.press(KeyCode::Esc);
    let text = stage.text();
    assert!(
        text.contains("· engine of that file: not commanded from here"),
        "{text}"
    );
    assert!(text.contains("outbound --config /srv/other.toml"), "{text}");
    assert!(
        deeds(stage.letters("E")).is_empty(),
        "it runs, so none is run here"
    );
}

#[test]
fn what_to_do_is_told_first_and_in_full_however_narrow_the_screen() {
    let other = Standing::OtherFile {
        process: 4711,
        file: "/srv/other.toml".into(),
    };
    for (standing, wide, narrow) in [
        (
            Standing::Alone,
            "E runs the engine here",
            "E runs it · nothing is sent",
        ),
        (
            Standing::Deaf,
            "E runs the engine here once the other process has ended",
            "E runs it once the other ends",
        ),
        (
            other,
            "q, then outbound --config /srv/other.toml · not commanded here",
            "q leaves · engine of another file",
        ),
    ] {
        for (size, wanted) in [((80, 24), wide), ((40, 12), narrow)] {
            let mut stage = Stage::played(ThemeName::Dark, size);
            stage.happen(Happening::Standing(standing.clone()));
            stage.press(KeyCode::Esc);
            assert!(stage.text().contains(wanted), "{wanted}: {}", stage.text());
        }
    }
}

#[test]
fn where_the_key_means_something_else_the_status_names_what_works() {
    let mut stage = stage(Standing::Alone);
    stage.press(KeyCode::Esc);
    // Raw TOML, where E is the editor's.
    stage.letters("1");
    stage.press(KeyCode::Enter);
    stage.letters("[");
    let text = stage.text();
    assert!(text.contains(":run the engine · no engine runs"), "{text}");
    stage.letters(":run the engine");
    assert!(matches!(
        deeds(stage.press(KeyCode::Enter)).as_slice(),
        [Deed::RunHere]
    ));
}

#[test]
fn an_engine_is_started_once_however_often_the_key_is_pressed() {
    let mut stage = stage(Standing::Alone);
    assert_eq!(deeds(stage.letters("EE")).len(), 1);
    shows(&stage, "is being started here already", &["x the engine"]);
    later(&mut stage);
    shows(&stage, "x the engine has ended", &[]);
    let refused = Answer::RunsHere(Err("another process has the journal".to_owned()));
    stage.happen(Happening::Answer(Box::new(refused)));
    assert_eq!(deeds(stage.letters("E")).len(), 1);
}

#[test]
fn what_is_unsaved_says_how_to_save_it_at_40_columns() {
    let mut stage = Stage::played(ThemeName::Dark, (40, 12));
    stage.letters("1 ");
    let text = stage.text();
    assert!(text.contains("not saved: Ctrl-S updates"), "{text}");
    stage.press(KeyCode::Esc);
    let text = stage.text();
    assert!(text.contains("Ctrl-S"), "{text}");
}

const WROTE: &str = "wrote mocks/keys/google.p12 for the google mock";
const ATTACHED: &str = "attached to the engine of process 7: it sends";

#[test]
fn what_is_told_unasked_waits_for_its_turn_and_what_a_key_says_only_puts_it_off() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 30));
    note(&mut stage, WROTE, false);
    stage.happen(Happening::Standing(Standing::Attached { process: 7 }));
    shows(&stage, WROTE, &[ATTACHED]);
    stage.letters("u");
    shows(&stage, "nothing to undo", &[WROTE, ATTACHED]);
    later(&mut stage);
    shows(&stage, WROTE, &[ATTACHED]);
    later(&mut stage);
    shows(&stage, ATTACHED, &[WROTE]);
    later(&mut stage);
    shows(
        &stage,
        "attached to the engine of process 7",
        &[WROTE, ATTACHED],
    );
}

#[test]
fn a_failure_hides_nothing_for_good_and_one_of_another_kind_stays_below_it() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 30));
    note(&mut stage, WROTE, false);
    note(&mut stage, "the other key is not there", true);
    stage.happen(Happening::Standing(Standing::Deaf));
    shows(&stage, "x another process works on this journal", &[WROTE]);
    later(&mut stage);
    stage.press(KeyCode::Esc);
    shows(&stage, "x the other key is not there", &[WROTE]);
    stage.press(KeyCode::Esc);
    shows(&stage, WROTE, &["the other key"]);
    // What is told of the engine is told as it is now.
    stage.happen(Happening::Standing(Standing::Attached { process: 7 }));
    stage.happen(Happening::Standing(Standing::Here));
    later(&mut stage);
    shows(&stage, "the engine runs here", &[ATTACHED]);
}

#[test]
fn what_answers_a_key_stands_before_what_failed_and_what_fails_then_before_both() {
    let mut stage = stage(Standing::Alone);
    let ended = "x the engine has ended";
    let nothing = "nothing to undo";
    stage.letters("u");
    shows(&stage, nothing, &[ended]);
    later(&mut stage);
    shows(&stage, ended, &[nothing]);
    // Esc takes what is shown, and only that.
    stage.letters("u");
    stage.press(KeyCode::Esc);
    shows(&stage, ended, &[nothing]);
    stage.letters("u");
    answered(
        &mut stage,
        Answer::Done(Err("the port is taken".to_owned())),
    );
    shows(&stage, "x the port is taken", &[ended, nothing]);
    stage.press(KeyCode::Esc);
    shows(&stage, ended, &[nothing]);
    stage.press(KeyCode::Esc);
    shows(&stage, "E runs the engine here · no engine runs", &[ended]);
}

#[test]
fn a_file_that_was_mended_while_no_engine_runs_is_not_told_as_broken_again() {
    let broken = "workbench.toml was changed and cannot be used";
    let mut stage = stage(Standing::Alone);
    stage.press(KeyCode::Esc);
    let fault = || Answer::Reloaded(Err("workbench.toml:1: this is no TOML".to_owned()));
    answered(&mut stage, fault());
    shows(&stage, broken, &[]);
    let untaken = Answer::Untaken {
        loaded: loaded(&stage),
        why: NO_ENGINE.to_owned(),
        is_ours: false,
    };
    answered(&mut stage, untaken);
    shows(&stage, "no engine works by it yet", &[broken]);
    stage.press(KeyCode::Esc);
    shows(&stage, "no engine runs", &[broken]);
    // And when an engine is started by it.
    answered(&mut stage, fault());
    shows(&stage, broken, &[]);
    let here = Answer::RunsHere(Ok(loaded(&stage)));
    answered(&mut stage, here);
    stage.happen(Happening::Standing(Standing::Here));
    shows(&stage, "the engine runs here", &[broken]);
}

#[test]
fn that_no_engine_could_be_started_here_is_past_when_there_is_one() {
    for standing in [Standing::Here, Standing::Attached { process: 8 }] {
        let mut stage = stage(Standing::Alone);
        let refused = "another process has the journal".to_owned();
        answered(&mut stage, Answer::RunsHere(Err(refused)));
        shows(&stage, "x no engine runs here", &[]);
        stage.happen(Happening::Standing(standing));
        shows(&stage, "the engine", &["no engine runs here"]);
    }
}

#[test]
fn a_message_of_several_lines_stands_in_several_lines() {
    let mut stage = stage(Standing::Deaf);
    stage.screen.run("events", Whose::Screen);
    shows(&stage, "What it does is shown here as it happens", &["␊"]);
}

#[test]
fn what_others_and_long_work_did_waits_behind_what_a_key_says() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 30));
    let (nothing, theirs) = ("nothing to undo", "the engine works by it now");
    stage.letters("u");
    let reloaded = Answer::Reloaded(Ok(loaded(&stage)));
    answered(&mut stage, reloaded);
    shows(&stage, nothing, &[theirs]);
    later(&mut stage);
    shows(&stage, theirs, &[nothing]);
    later(&mut stage);
    stage.letters("u");
    let mut work = Work::begin("import users.csv".to_owned());
    (work.stage, work.told) = (WorkStage::Ended, "2 created".to_owned());
    answered(&mut stage, Answer::Work(work));
    shows(&stage, nothing, &["import users.csv"]);
    later(&mut stage);
    shows(&stage, "import users.csv: 2 created", &[nothing]);
    // What waits and is not true any more is not told.
    let reloaded = Answer::Reloaded(Ok(loaded(&stage)));
    answered(&mut stage, reloaded);
    let fault = "workbench.toml:1: this is no TOML".to_owned();
    answered(&mut stage, Answer::Reloaded(Err(fault)));
    shows(&stage, "cannot be used", &[theirs]);
    stage.press(KeyCode::Esc);
    for _ in 0..2 {
        later(&mut stage);
        assert!(!stage.text().contains(theirs), "{}", stage.text());
    }
}

#[test]
fn what_is_told_unasked_waits_until_there_is_a_row_for_it() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 30));
    note(&mut stage, WROTE, false);
    stage.letters("z");
    assert!(!stage.text().contains(WROTE), "{}", stage.text());
    later(&mut stage);
    stage.letters("z");
    shows(&stage, WROTE, &[]);
    later(&mut stage);
    assert!(!stage.text().contains(WROTE), "{}", stage.text());
}

#[test]
fn that_no_engine_takes_commands_is_told_only_as_long_as_it_is_so() {
    for standing in [Standing::Here, Standing::Attached { process: 8 }] {
        let mut stage = stage(Standing::Attached { process: 7 });
        let refused = || Answer::Done(Err(NO_ENGINE.to_owned()));
        answered(&mut stage, refused());
        shows(&stage, "x no engine takes commands", &[]);
        stage.happen(Happening::Standing(Standing::Alone));
        shows(&stage, "x the engine has ended", &[]);
        answered(&mut stage, refused());
        shows(&stage, "x no engine takes commands", &[]);
        stage.happen(Happening::Standing(standing));
        shows(&stage, "the engine", &["takes commands", "has ended"]);
    }
}

#[test]
fn an_engine_that_was_started_here_puts_right_what_was_told_while_there_was_none() {
    let mut stage = stage(Standing::Alone);
    let untaken = Answer::Untaken {
        loaded: loaded(&stage),
        why: NO_ENGINE.to_owned(),
        is_ours: false,
    };
    answered(&mut stage, untaken);
    answered(&mut stage, Answer::Done(Err(NO_ENGINE.to_owned())));
    stage.letters(":run the engine");
    stage.press(KeyCode::Enter);
    let here = Answer::RunsHere(Ok(loaded(&stage)));
    answered(&mut stage, here);
    stage.happen(Happening::Standing(Standing::Here));
    shows(
        &stage,
        "the engine runs here: what is owed goes on",
        &["takes commands", "works by it yet", "has ended"],
    );
}

#[test]
fn an_engine_that_says_nothing_any_more_is_told_with_since_when_and_what_to_do() {
    let mut stage = stage(Standing::Attached { process: 7058 });
    let since = samples::instant(4);
    let silent = format!(
        "the engine has not answered since {}",
        stage.screen.world.time(since)
    );
    let process = 7058;
    stage.happen(Happening::Standing(Standing::Silent { process, since }));
    shows(&stage, &format!("x {silent}"), &["attached to"]);
    stage.letters("!");
    shows(&stage, "kill -CONT 7058", &[]);
    stage.press(KeyCode::Esc);
    // Seen or not, it stays in the status row as long as it is so.
    later(&mut stage);
    shows(&stage, &format!("{silent} · "), &["x the engine"]);
    assert!(deeds(stage.letters("E")).is_empty(), "it may go on");
    stage.happen(Happening::Standing(Standing::Attached { process }));
    shows(&stage, "the engine answers again", &["has not answered"]);
}

#[test]
fn whose_engine_is_followed_cuts_nothing_that_the_panel_says() {
    let follows = |size| {
        let mut stage = Stage::played(ThemeName::Dark, size);
        stage.happen(Happening::Standing(Standing::Attached { process: 7058 }));
        later(&mut stage);
        stage
    };
    let mut narrow = follows((80, 24));
    narrow.letters("7");
    let whole = "The dry run is shown first; nothing is sent before Trigger is pressed again.";
    shows(&narrow, whole, &["attached"]);
    narrow.letters("6");
    shows(&narrow, "attached to process 7058", &[]);
    shows(
        &follows((160, 30)),
        "attached to the engine of process 7058",
        &[],
    );
}

#[test]
fn what_an_earlier_key_was_answered_with_makes_room_for_what_is_under_way() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    let armed = |stage: &mut Stage| {
        answered(stage, Answer::Done(Ok("armed at scim2 as 1".to_owned())));
        shows(stage, "armed at scim2", &[]);
    };
    stage.letters("7");
    armed(&mut stage);
    assert!(matches!(
        deeds(stage.press(KeyCode::Enter)).as_slice(),
        [Deed::Plan(_)]
    ));
    shows(&stage, "asking", &["armed at scim2"]);
    let plan = Box::new(samples::plan());
    answered(&mut stage, Answer::Planned(Ok(plan)));
    armed(&mut stage);
    assert!(matches!(
        deeds(stage.press(KeyCode::Enter)).as_slice(),
        [Deed::Submit(_)]
    ));
    shows(
        &stage,
        "under way; a blocking provisioner",
        &["armed at scim2"],
    );
}
