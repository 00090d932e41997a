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
    assert!(text.contains("nothing is sent · E runs it here"), "{text}");
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
        text.contains("engine of /srv/other.toml: not commanded from here"),
        "{text}"
    );
    assert!(text.contains("outbound --config /srv/other.toml"), "{text}");
    assert!(
        deeds(stage.letters("E")).is_empty(),
        "it runs, so none is run here"
    );
}
