//! Many users at once, recorded requests sent again, and secrets that hide by themselves.

use std::time::Duration;

use crossterm::event::KeyCode;
use domain::{Change, Purpose};

use super::Stage;
use super::updates::{deeds, fill, press_button};
use crate::action::Whose;
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening};
use crate::work::{Stage as WorkStage, Whom, Work};

#[test]
fn an_import_is_asked_for_and_its_progress_can_be_stopped() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("3i");
    stage.letters("users.csv");
    stage.press(KeyCode::Tab);
    let begun = deeds(stage.press(KeyCode::Enter));
    assert!(
        matches!(begun.as_slice(), [Deed::Import(path)] if path.ends_with("users.csv")),
        "{begun:?}"
    );
    stage.happen(Happening::Answer(Box::new(Answer::Importing)));
    let mut work = Work::begin("import users.csv".to_owned());
    (work.done, work.all) = (12, Some(30));
    work.told = "12 created".to_owned();
    stage.happen(Happening::Answer(Box::new(Answer::Work(work.clone()))));
    assert!(
        stage.text().contains("import users.csv: 40 %"),
        "{}",
        stage.text()
    );
    assert!(matches!(
        deeds(stage.ctrl('c')).as_slice(),
        [Deed::StopWork]
    ));
    work.stage = WorkStage::Stopped;
    work.wrong(
        Some(3),
        "kim".to_owned(),
        "there is a user kim already".to_owned(),
    );
    stage.happen(Happening::Answer(Box::new(Answer::Work(work))));
    let text = stage.text();
    assert!(text.contains("row 3 (kim)"), "the report is shown: {text}");
    stage.press(KeyCode::Esc);
    assert!(!stage.text().contains("40 %"));
}

#[test]
fn a_bulk_trigger_is_about_the_marked_and_is_confirmed() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("3g jB");
    assert!(stage.text().contains("1 user: "), "{}", stage.text());
    fill(&mut stage, "Role", |stage| {
        stage.letters("Internal/manager");
    });
    press_button(&mut stage, "[ Go on ]");
    let text = stage.text();
    let role = &stage.screen.world.known_roles()[0];
    assert!(
        text.contains("Trigger for many?") && text.contains(&format!("Assign {role} to 1 user: ")),
        "{text}"
    );
    assert!(deeds(stage.press(KeyCode::BackTab)).is_empty());
    let begun = deeds(stage.press(KeyCode::Enter));
    match begun.as_slice() {
        [
            Deed::Bulk {
                each,
                whom: Whom::Named(names),
                ..
            },
        ] => {
            assert_eq!(names.len(), 1);
            let request = each.of(names[0].clone());
            assert!(matches!(request.change, Change::AssignRole { .. }));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_is_sent_again_after_a_question_and_a_real_target_is_refused() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("4");
    assert!(deeds(stage.letters("R")).is_empty());
    assert!(
        stage.text().contains("Send this request again?"),
        "{}",
        stage.text()
    );
    stage.press(KeyCode::BackTab);
    let sent = deeds(stage.press(KeyCode::Enter));
    assert!(matches!(sent.as_slice(), [Deed::Replay { .. }]), "{sent:?}");

    let real = crate::samples::TOML.replace(
        "http://127.0.0.1:9103/scim/v2/Users\"\n  group_endpoint",
        "https://real.example/Users\"\n  group_endpoint",
    );
    let loaded = config::parse(
        &real.replace(
            "access_token = \"scim2-mock-token\"",
            "access_token = { env = \"TOKEN\" }",
        ),
        "workbench.toml",
        std::path::Path::new("../.."),
        &connectors::CATALOGUE,
    )
    .unwrap();
    stage.screen.world.running = std::sync::Arc::new(loaded.configuration);
    assert!(deeds(stage.letters("R")).is_empty());
    assert!(
        stage.text().contains("is a real target"),
        "{}",
        stage.text()
    );
    stage.screen.world.may_replay = true;
    stage.letters("R");
    assert!(
        stage.text().contains("Send this request again?"),
        "{}",
        stage.text()
    );
}

#[test]
fn what_is_secret_or_incomplete_cannot_be_sent_again() {
    let whole = crate::samples::exchange(Some(200), 5);
    assert_eq!(whole.replayable(), Ok(()));
    let mut token = whole.clone();
    token.purpose = Purpose::Token;
    let mut masked = whole.clone();
    masked.request_body.text = r#"{"password":"***"}"#.to_owned();
    let mut cut = whole.clone();
    cut.request_body.cut = true;
    let mut open = whole;
    open.response = None;
    open.error = None;
    let told: Vec<String> = [token, masked, cut, open]
        .iter()
        .map(|exchange| exchange.replayable().unwrap_err().to_string())
        .collect();
    for (told, word) in told
        .iter()
        .zip(["token", "masked", "beginning", "under way"])
    {
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn a_revealed_secret_hides_after_ten_seconds_by_itself_and_is_in_no_picture() {
    let mut stage = Stage::new(ThemeName::Dark, (160, 50));
    stage.press(KeyCode::Char('t'));
    fill(&mut stage, "Password", |stage| {
        stage.letters("canary-7");
    });
    assert!(!stage.text().contains("canary-7"));
    stage.ctrl('r');
    assert!(stage.text().contains("canary-7"), "{}", stage.text());
    let until = stage.screen.wakes().expect("somebody wakes up to hide it");
    let wait = until.saturating_sub(stage.screen.world.passed);
    assert!(wait <= Duration::from_secs(10), "{wait:?}");
    assert!(stage.screen.run("shot", Whose::Screen).is_empty());
    let written = deeds(stage.press(KeyCode::Enter));
    assert!(!written.is_empty());
    for deed in written {
        if let Deed::Write { text, .. } = deed {
            assert!(!text.contains("canary-7"), "{text}");
        }
    }
    stage.screen.world.passed += Duration::from_secs(10);
    stage.happen(Happening::Tick);
    assert!(!stage.text().contains("canary-7"), "{}", stage.text());
}

#[test]
fn the_journal_counts_down_to_the_next_attempt_and_only_while_it_is_shown() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("8");
    let due = crate::samples::instant(40);
    stage.screen.world.now = due - Duration::from_secs(75);
    assert!(stage.text().contains("in 1m 15s"), "{}", stage.text());
    let second = stage.screen.world.passed + Duration::from_secs(1);
    assert_eq!(stage.screen.wakes(), Some(second));
    stage.screen.world.now = due - Duration::from_secs(5);
    stage.happen(Happening::Tick);
    assert!(stage.text().contains("in doubt in 5s"), "{}", stage.text());
    // What is due in hours is told by the time of day, and nobody wakes up for that before the seconds count.
    let first = crate::samples::instant(30);
    stage.screen.world.now = first - Duration::from_hours(2);
    let minutes = stage.screen.world.passed + Duration::from_mins(110);
    assert_eq!(stage.screen.wakes(), Some(minutes));
    stage.letters("6");
    assert_eq!(stage.screen.wakes(), None);
}

#[test]
fn a_bulk_trigger_that_is_not_begun_keeps_its_marks_and_bad_claims_keep_the_form() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("3g jB");
    fill(&mut stage, "What happens", |stage| {
        stage.press(KeyCode::Right);
        stage.press(KeyCode::Right);
    });
    fill(&mut stage, "Claims", |stage| {
        stage.letters("nonsense");
    });
    press_button(&mut stage, "[ Go on ]");
    assert!(
        stage.text().contains("Trigger for many") && stage.text().contains("nonsense"),
        "{}",
        stage.text()
    );
    fill(&mut stage, "Claims", |stage| {
        for _ in 0.."nonsense".len() {
            stage.press(KeyCode::Backspace);
        }
        stage.letters("title=Dr");
    });
    press_button(&mut stage, "[ Go on ]");
    assert!(
        stage.text().contains("Trigger for many?"),
        "{}",
        stage.text()
    );
    // Cancel has the keys.
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(text.contains("1 marked"), "{text}");
    stage.letters("B");
    assert!(stage.text().contains("1 user"), "{}", stage.text());
    fill(&mut stage, "Role", |stage| {
        stage.letters("Internal/manager");
    });
    press_button(&mut stage, "[ Go on ]");
    stage.press(KeyCode::BackTab);
    let begun = deeds(stage.press(KeyCode::Enter));
    let [Deed::Bulk { what, .. }] = begun.as_slice() else {
        panic!("{begun:?}");
    };
    let work = Work::begin(what.clone());
    stage.happen(Happening::Answer(Box::new(Answer::Work(work))));
    assert!(!stage.text().contains("1 marked"), "{}", stage.text());
}

#[test]
fn a_file_that_cannot_be_imported_keeps_its_form_with_the_reason() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("3i");
    stage.letters("usrs.csv");
    stage.press(KeyCode::Tab);
    assert_eq!(deeds(stage.press(KeyCode::Enter)).len(), 1);
    assert!(
        deeds(stage.press(KeyCode::Enter)).is_empty(),
        "one press, one import"
    );
    let told = "cannot import usrs.csv: No such file or directory".to_owned();
    stage.happen(Happening::Answer(Box::new(Answer::NotImported(told))));
    let text = stage.text();
    assert!(
        text.contains("Import users") && text.contains("x cannot import usrs.csv"),
        "{text}"
    );
    // What was typed stands there, and is mended.
    stage.press(KeyCode::Home);
    stage.letters("my-");
    stage.press(KeyCode::Tab);
    let begun = deeds(stage.press(KeyCode::Enter));
    assert!(
        matches!(begun.as_slice(), [Deed::Import(path)] if path.ends_with("my-usrs.csv")),
        "{begun:?}"
    );
    stage.happen(Happening::Answer(Box::new(Answer::Importing)));
    assert!(!stage.text().contains("Import users"), "{}", stage.text());
}
