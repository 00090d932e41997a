//! How the workbench stands to an engine that is not its own, and what can be done about it.

use crossterm::event::KeyCode;

use super::Stage;
use super::updates::deeds;
use crate::seat::Standing;
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening};

fn stage(standing: Standing) -> Stage {
    let mut stage = Stage::played(ThemeName::Dark, (120, 30));
    stage.happen(Happening::Standing(standing));
    stage
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
    let text = stage.text();
    assert!(
        text.contains("the engine has ended"),
        "no other failure: {text}"
    );
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
