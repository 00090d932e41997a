//! Forms that keep what was typed, help for their fields, and what *Targets* says it did.

use crossterm::event::KeyCode;
use domain::{LabArmed, LabChange, LabError, LabMock};
use ratatui::style::Modifier;
use serde_json::json;

use super::Stage;
use super::updates::{deeds, fill, press_button};
use crate::keymap::Key;
use crate::paint::cells;
use crate::samples;
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening, PutBack};

fn answered(stage: &mut Stage, answer: Answer) {
    stage.happen(Happening::Answer(Box::new(answer)));
}

fn key_row(stage: &Stage) -> String {
    let text = stage.text();
    text.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn a_fault_that_cannot_be_armed_stays_open_and_says_why_at_its_field() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("5f");
    stage.press(KeyCode::Enter);
    // The first field has the keys.
    stage.letters("Users.crate");
    let armed = deeds(stage.ctrl('s'));
    assert!(
        matches!(&armed[..], [Deed::Arm { target, spec }] if target == "google" && spec == "drop-after:op=Users.crate"),
        "{armed:?}"
    );
    assert!(
        deeds(stage.ctrl('s')).is_empty(),
        "one press, one fault: the answer is awaited"
    );
    let refused = LabError {
        told: "`op=Users.crate` in `drop-after`: there is no such operation".to_owned(),
        setting: Some("op".to_owned()),
        more: Vec::new(),
    };
    answered(&mut stage, Answer::Steered(Err(refused)));
    let text = stage.text();
    assert!(
        text.contains("Arm drop-after at google")
            && text.contains("x `op=Users.crate` in `drop-after`: there is no such operation"),
        "{text}"
    );
    // The keys are at the bad field, behind what was typed.
    for _ in 0..4 {
        stage.press(KeyCode::Backspace);
    }
    stage.letters("reate");
    let armed = deeds(stage.ctrl('s'));
    assert!(
        matches!(&armed[..], [Deed::Arm { spec, .. }] if spec == "drop-after:op=Users.create"),
        "{armed:?}"
    );
    answered(
        &mut stage,
        Answer::Steered(Ok("armed at google as 1".to_owned())),
    );
    let text = stage.text();
    assert!(
        !text.contains("Arm drop-after") && text.contains("armed at google as 1"),
        "{text}"
    );
}

#[test]
fn every_field_that_is_wrong_says_so_and_the_first_has_the_keys() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    let mut faults = samples::faults();
    let times = ("times".to_owned(), "how often it acts".to_owned());
    faults[0].parameters.push(times);
    stage.letters("5");
    answered(&mut stage, Answer::Mocks(samples::mocks(), faults));
    stage.letters("f");
    stage.press(KeyCode::Enter);
    stage.letters("Users.crate");
    stage.press(KeyCode::Tab);
    stage.letters("0");
    stage.ctrl('s');
    let refused = LabError {
        told: "there is no such operation".to_owned(),
        setting: Some("op".to_owned()),
        more: vec![("times".to_owned(), "a number from 1 is expected".to_owned())],
    };
    answered(&mut stage, Answer::Steered(Err(refused)));
    let text = stage.text();
    for told in [
        "x there is no such operation",
        "x a number from 1 is expected",
        "▌op",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn of_many_armed_faults_it_is_told_how_many_more_there_are() {
    let mut mocks = samples::mocks();
    let armed = (1..=14).map(|number| LabArmed {
        number,
        spec: format!("latency:delay={number}s,times=always"),
        hits: 0,
        left: None,
    });
    mocks[0].armed = armed.collect();
    for (size, told) in [
        ((160, 50), "! latency:delay=1s,times=always and 13 more"),
        ((80, 24), "! latency:delay=1s,times=always and 13 more"),
        ((48, 14), "! 14 faults"),
    ] {
        let mut stage = Stage::played(ThemeName::Dark, size);
        stage.letters("5");
        answered(&mut stage, Answer::Mocks(mocks.clone(), samples::faults()));
        assert!(stage.text().contains(told), "{told}: {}", stage.text());
    }
}

#[test]
fn that_a_fault_acts_once_is_told_where_its_specification_is_cut() {
    let mut mocks = samples::mocks();
    mocks[0].armed = vec![LabArmed {
        number: 1,
        spec: "status:code=503,op=Users.create,subject=somebody@example.com,times=1".to_owned(),
        hits: 0,
        left: Some(1),
    }];
    for size in [(160, 50), (80, 24)] {
        let mut stage = Stage::played(ThemeName::Dark, size);
        stage.letters("5");
        answered(&mut stage, Answer::Mocks(mocks.clone(), samples::faults()));
        let text = stage.text();
        let at = text.find("! once status:code=503").expect(&text);
        let row = text[at..].lines().next().unwrap();
        assert!(row.contains('…') && !row.contains("times=1"), "{row}");
    }
}

#[test]
fn of_a_mock_of_another_process_nothing_is_offered_that_cannot_be_done() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    let away = |mock: LabMock| LabMock {
        url: None,
        access: None,
        elsewhere: Some("127.0.0.1:9101".to_owned()),
        ..mock
    };
    let mocks = samples::mocks().into_iter().map(away).collect();
    stage.letters("5");
    answered(&mut stage, Answer::Mocks(mocks, samples::faults()));
    let row = key_row(&stage);
    for key in ["s start", "f fault", "Enter", "d requests", "R reset"] {
        assert!(!row.contains(key), "{key}: {row}");
    }
    assert!(
        stage.text().contains("arm|disarm|objects"),
        "{}",
        stage.text()
    );
    assert!(deeds(stage.letters("fdcRp")).is_empty());
    assert_eq!(stage.screen.depth(), 0, "{}", stage.text());
}

#[test]
fn what_is_about_no_field_is_said_and_the_form_stays() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("5:snapshot of");
    stage.press(KeyCode::Enter);
    // The name that is offered gives way to what is typed.
    stage.letters("mine");
    let kept = deeds(stage.ctrl('s'));
    assert!(
        matches!(&kept[..], [Deed::Snapshot { name, .. }] if name == "mine"),
        "{kept:?}"
    );
    let refused = LabError::new("the mock is gone");
    answered(&mut stage, Answer::Steered(Err(refused)));
    let text = stage.text();
    assert!(
        text.contains("x the mock is gone") && text.contains("mine"),
        "{text}"
    );
}

#[test]
fn the_trigger_is_filled_in_when_its_section_is_shown_and_keeps_what_was_typed() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("7");
    assert!(stage.text().contains("Given name"), "{}", stage.text());
    assert!(key_row(&stage).contains("dry run"), "{}", key_row(&stage));
    // From the button on to what happens, and to the user.
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Tab);
    let row = key_row(&stage);
    assert!(
        row.contains("Tab next") && row.contains("F1 help") && !row.contains("dry run"),
        "letters are no commands there: {row}"
    );
    stage.letters("-typed");
    stage.press(KeyCode::Esc);
    assert!(
        stage.text().contains("Discard what was typed?"),
        "{}",
        stage.text()
    );
    stage.press(KeyCode::Enter);
    assert!(stage.text().contains("-typed"), "Stay has the keys");
    // Another section and back: the form is as it was left.
    stage.press(KeyCode::BackTab);
    stage.letters("4t");
    assert_eq!(stage.screen.section(), "trigger");
    assert!(stage.text().contains("-typed"), "{}", stage.text());
    stage.letters("t");
    assert!(
        stage.text().contains("Discard what was typed?"),
        "another example is asked about, too: {}",
        stage.text()
    );
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::BackTab);
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(
        text.contains("Nothing is filled in. t fills in"),
        "an empty section says what to do: {text}"
    );
    assert!(stage.screen.is_at_root());
}

#[test]
fn help_is_there_for_the_section_a_dialog_and_a_field() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.press(KeyCode::F(1));
    assert!(stage.text().contains("Help: Traffic"), "{}", stage.text());
    stage.press(KeyCode::F(1));
    assert!(!stage.text().contains("Help: Traffic"));
    stage.letters("5f?");
    assert!(
        stage.text().contains("Help: Faults for google"),
        "{}",
        stage.text()
    );
    stage.letters("?");
    stage.press(KeyCode::Enter);
    stage.press(KeyCode::F(1));
    let text = stage.text();
    for wanted in [
        "Help: op",
        "the operation: `Users.create`",
        "What it takes",
        "and the client does not hear of it",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    stage.press(KeyCode::Esc);
    assert!(stage.text().contains("Arm drop-after"), "{}", stage.text());
    // Where letters are typed, a question mark is one.
    stage.letters("?");
    assert!(!stage.text().contains("Help:"), "{}", stage.text());
}

#[test]
fn help_for_a_connectors_setting_names_its_key_in_the_file() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("1");
    stage.press(KeyCode::Enter);
    stage.letters("]]e");
    fill(&mut stage, "Google Domain", |stage| {
        stage.press(KeyCode::F(1));
    });
    let text = stage.text();
    for wanted in [
        "In workbench.toml",
        "google_domain",
        "google_prov_domain_name",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn every_field_of_the_forms_of_the_file_says_what_it_is_and_its_key() {
    for (keys, forms) in [
        ("1jjj\n]]]]e", 7),
        ("1\ne", 3),
        ("1j\n]n", 5),
        ("2n", 5),
        ("6e", 2),
        ("1nj\n", 7),
    ] {
        for field in 0..forms {
            let mut stage = Stage::played(ThemeName::Dark, (100, 40));
            for letter in keys.chars() {
                stage.press(match letter {
                    '\n' => KeyCode::Enter,
                    letter => KeyCode::Char(letter),
                });
            }
            for _ in 0..field {
                stage.press(KeyCode::Tab);
            }
            stage.press(KeyCode::F(1));
            let text = stage.text();
            let told = text.split("What it takes").next().unwrap_or_default();
            let told = told.split("Help: ").nth(1).unwrap_or_default();
            assert!(told.lines().count() > 3, "{keys} {field}: {text}");
            assert!(text.contains("In workbench.toml"), "{keys} {field}: {text}");
        }
    }
}

#[test]
fn the_key_row_says_how_a_choice_is_changed() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("2n");
    let row = key_row(&stage);
    assert!(row.contains("←→ Space choose"), "{row}");
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Tab);
    let row = key_row(&stage);
    assert!(row.contains("Space on/off"), "{row}");
}

#[test]
fn what_is_no_filter_is_not_taken_for_one() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("/foo:(");
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(text.contains("x `foo:` is not known; there are"), "{text}");
    let filter = stage.screen.world.board.stream.filter().to_string();
    assert_eq!(
        filter, "",
        "what held before, and not the beginning of a word"
    );
    assert!(text.contains("3 rows"), "the list is not emptied: {text}");
    // Why is told in full where it stands, and no key is offered that would be a letter.
    assert!(text.contains("body, method,"), "{text}");
    assert!(!text.contains("(!"), "{text}");
    // The wrong part is underlined, and nothing else of it.
    let (y, line) = text
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains("foo:("))
        .unwrap();
    let x = cells(&line[..line.find("foo:(").unwrap()]);
    let buffer = stage.buffer();
    let underlined = (x..x + 5).map(|x| {
        let place = (u16::try_from(x).unwrap(), u16::try_from(y).unwrap());
        buffer[place].modifier.contains(Modifier::UNDERLINED)
    });
    let underlined: Vec<bool> = underlined.collect();
    assert_eq!(underlined, [true, true, true, true, false]);
    // Given up, the filter in force is what stands there.
    stage.press(KeyCode::Esc);
    let text = stage.text();
    assert!(
        text.contains("filter: (none)") && !text.contains("not known"),
        "{text}"
    );
    stage.letters("/op:create");
    stage.press(KeyCode::Enter);
    let filter = |stage: &Stage| stage.screen.world.board.stream.filter().to_string();
    assert_eq!(filter(&stage), "op:create");
    // The whole words before the one that is being written hold, and else what held before.
    stage.letters("/ st>=");
    assert_eq!(filter(&stage), "op:create");
    stage.ctrl('u');
    stage.letters("user:kim bar:");
    assert_eq!(filter(&stage), "user:kim");
    stage.ctrl('u');
    stage.letters("bar:");
    assert_eq!(filter(&stage), "op:create");
    stage.press(KeyCode::Esc);
    assert_eq!(filter(&stage), "op:create");
}

#[test]
fn a_failure_offers_its_key_only_where_that_is_no_letter() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    answered(
        &mut stage,
        Answer::Done(Err("the port is taken".to_owned())),
    );
    assert!(stage.text().contains("(! shows it"), "{}", stage.text());
    stage.letters("/");
    let text = stage.text();
    assert!(
        text.contains("x the port is taken") && !text.contains("(! shows it"),
        "{text}"
    );
    stage.press(KeyCode::Enter);
    stage.letters("5f");
    assert!(
        !stage.text().contains("(! shows it"),
        "a dialog has the keys"
    );
}

#[test]
fn a_mock_is_put_back_to_a_kept_state_only_when_that_was_confirmed() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    stage.letters("5:restore google");
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(text.contains("Go back to a kept state"), "{text}");
    assert!(deeds(stage.press(KeyCode::Enter)).is_empty());
    let text = stage.text();
    assert!(
        text.contains("Restore google?") && text.contains("goes back to"),
        "{text}"
    );
    stage.press(KeyCode::BackTab);
    let restored = deeds(stage.press(KeyCode::Enter));
    assert!(
        matches!(&restored[..], [Deed::Restore { name, .. }] if name == "before"),
        "{restored:?}"
    );
}

#[test]
fn putting_a_mock_back_says_what_it_changed_before_and_after() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("5R");
    assert!(stage.text().contains("Reset google?"), "{}", stage.text());
    stage.press(KeyCode::BackTab);
    let reset = deeds(stage.press(KeyCode::Enter));
    assert!(matches!(&reset[..], [Deed::Reset(_)]), "{reset:?}");
    let change = |id: &str, field: &str, before, after| LabChange {
        object: "User".to_owned(),
        id: id.to_owned(),
        name: format!("name-{id}"),
        field: field.to_owned(),
        before,
        after,
    };
    let put_back = PutBack::new(
        "google".to_owned(),
        "its seed".to_owned(),
        vec![
            change("1893", "active", Some(json!(false)), Some(json!(true))),
            change("7", "*", Some(json!({"userName": "kim"})), None),
        ],
    );
    answered(&mut stage, Answer::PutBack(Ok(put_back)));
    let text = stage.text();
    for wanted in [
        "google: 1 object gone, 1 changed back; it is back at its seed",
        "put back to its seed",
        "User name-7 went",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    // The state browser tells of the one object what it was and is.
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(
        text.contains("Before and after") && text.contains("active false → true"),
        "{text}"
    );
    stage.letters("/nobody");
    assert!(stage.text().contains("0 of 1 match"), "{}", stage.text());
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::Esc);
    assert!(stage.text().contains("Before and after"));
}

#[test]
fn where_all_mocks_are_stopped_it_says_what_starts_them() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    let stopped = |mock: LabMock| LabMock {
        url: None,
        access: None,
        ..mock
    };
    let mocks = samples::mocks().into_iter().map(stopped).collect();
    stage.letters("5");
    answered(&mut stage, Answer::Mocks(mocks, samples::faults()));
    assert!(
        stage.text().contains("all stopped: S starts all"),
        "{}",
        stage.text()
    );
    assert!(key_row(&stage).contains("S start all"), "{}", stage.text());
    let started = deeds(stage.letters("S"));
    assert_eq!(started.len(), 3, "{started:?}");
    assert!(started.iter().all(|deed| matches!(deed, Deed::LabStart(_))));
}

#[test]
fn a_form_that_was_filled_in_is_given_up_only_when_that_is_said_again() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("5f");
    stage.press(KeyCode::Enter);
    assert!(stage.text().contains("Arm drop-after"), "{}", stage.text());
    // Nothing was filled in, so nothing is lost.
    stage.press(KeyCode::Esc);
    assert!(!stage.text().contains("Arm drop-after"), "{}", stage.text());
    stage.letters("f");
    stage.press(KeyCode::Enter);
    stage.letters("Users.create");
    for leaves in [Key::of(KeyCode::Esc), Key::ctrl('c')] {
        stage.happen(Happening::Key(leaves));
        let text = stage.text();
        assert!(text.contains("Discard what was filled in?"), "{text}");
        // Stay has the keys.
        stage.press(KeyCode::Enter);
        let text = stage.text();
        assert!(
            text.contains("Users.create") && !text.contains("Discard"),
            "{text}"
        );
    }
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::BackTab);
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(
        !text.contains("Arm drop-after") && !text.contains("Discard"),
        "{text}"
    );
    // Whoever insists is not asked twice.
    stage.letters("f");
    stage.press(KeyCode::Enter);
    stage.letters("x");
    stage.ctrl('c');
    assert!(deeds(stage.ctrl('c')).is_empty());
    assert_eq!(stage.screen.depth(), 0, "{}", stage.text());
}

#[test]
fn what_a_wizard_was_told_in_an_earlier_step_is_asked_about_too() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("1njj");
    stage.press(KeyCode::Enter);
    stage.letters("Second Google");
    press_button(&mut stage, "[ Next ]");
    for back in [false, true] {
        if back {
            press_button(&mut stage, "[ Previous ]");
        }
        stage.press(KeyCode::Esc);
        assert!(
            stage.text().contains("Discard what was filled in?"),
            "{}",
            stage.text()
        );
        stage.press(KeyCode::Esc);
        assert_eq!(stage.screen.depth(), 1, "{}", stage.text());
    }
    // The last step of a connector that is complete.
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::BackTab);
    stage.press(KeyCode::Enter);
    assert_eq!(stage.screen.depth(), 0, "{}", stage.text());
    stage.letters("jj");
    stage.press(KeyCode::Enter);
    stage.letters("]]n");
    stage.press(KeyCode::Left);
    press_button(&mut stage, "[ Next ]");
    for (label, text) in [
        ("▌Username", "admin"),
        ("▌Password", "env:SCIM_PASSWORD"),
        ("▌User Endpoint", "http://127.0.0.1:9103/scim/v2/Users"),
    ] {
        fill(&mut stage, label, |stage| {
            stage.letters(text);
        });
    }
    press_button(&mut stage, "[ Next ]");
    assert!(stage.text().contains("3 of 3: Summary"), "{}", stage.text());
    stage.letters("q");
    assert!(
        stage.text().contains("Discard what was filled in?"),
        "{}",
        stage.text()
    );
    stage.press(KeyCode::Enter);
    assert!(stage.text().contains("3 of 3: Summary"), "{}", stage.text());
}

/// What a mock takes, as long as that of Salesforce.
const ACCESS: &str = "Domain Name: http://127.0.0.1:9102 · OAuth2 Token Endpoint: \
                      http://127.0.0.1:9102/services/oauth2/token · Client ID: \
                      3MVG9outboundMockConsumerKey.0123456789abcdefghijklmnop · Client Secret: \
                      5F0BA77E0B0C4D19A1B3C2D4E5F60718293A4B5C6D7E8F901A2B3C4D5E6F7081 · Username: \
                      admin@outbound.example · Password: the-very-last-word";

#[test]
fn what_a_mock_takes_is_never_cut_neither_in_targets_nor_in_the_wizard() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    let told = |mock: LabMock| LabMock {
        access: Some(ACCESS.to_owned()),
        ..mock
    };
    let mocks = samples::mocks().into_iter().map(told).collect();
    answered(&mut stage, Answer::Mocks(mocks, samples::faults()));
    stage.letters("1");
    stage.press(KeyCode::Enter);
    stage.letters("]]n");
    press_button(&mut stage, "[ Next ]");
    let text = stage.text();
    for word in ACCESS.split(' ') {
        assert!(text.contains(word), "{word}: {text}");
    }
    stage.press(KeyCode::Esc);
    for (size, opens) in [((80, 24), true), ((160, 50), false)] {
        let mut stage = Stage::played(ThemeName::Dark, size);
        let mocks = samples::mocks().into_iter().map(told).collect();
        stage.letters("5");
        answered(&mut stage, Answer::Mocks(mocks, samples::faults()));
        if opens {
            stage.press(KeyCode::Enter);
        }
        let text = stage.text();
        for word in ACCESS.split(' ') {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(text.contains("What google holds"), "{text}");
    }
}

#[test]
fn where_there_is_no_room_for_what_a_mock_takes_the_key_that_tells_it_is_named() {
    let mut stage = Stage::played(ThemeName::Dark, (40, 12));
    let told = |mock: LabMock| LabMock {
        access: Some(ACCESS.to_owned()),
        ..mock
    };
    let mocks = samples::mocks().into_iter().map(told).collect();
    answered(&mut stage, Answer::Mocks(mocks, samples::faults()));
    stage.letters("1");
    stage.press(KeyCode::Enter);
    stage.letters("]]n");
    press_button(&mut stage, "[ Next ]");
    let text = stage.text();
    let is_cut = |row: &str| row.contains('…') && row.contains("F1");
    assert!(text.lines().any(is_cut), "{text}");
    stage.press(KeyCode::F(1));
    stage.letters("G");
    assert!(
        stage.text().contains("the-very-last-word"),
        "{}",
        stage.text()
    );
}

#[test]
fn where_there_is_room_for_one_pane_each_mock_tells_what_it_is_in_rows_of_its_own() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    stage.letters("5");
    let text = stage.text();
    for told in [
        "http://127.0.0.1:9101",
        "stopped",
        "manners of strict",
        "! unavailable:times=1",
        "12 requests",
        "Enter shows what a client needs",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    // What is beside it elsewhere comes after it here, and Esc leads back.
    let list = text;
    for (keys, told) in [("\t", "zoë.日本"), ("d", "POST /scim/v2/Users")] {
        stage.letters("G");
        for key in keys.chars() {
            stage.press(if key == '\t' {
                KeyCode::Tab
            } else {
                KeyCode::Char(key)
            });
        }
        let text = stage.text();
        assert!(text.contains(told), "{told}: {text}");
        assert!(text.contains("▸ Targets ▸ scim2"), "{text}");
        stage.press(KeyCode::Esc);
    }
    stage.letters("g");
    assert_eq!(stage.text(), list);
}

#[test]
fn of_a_mock_of_another_process_it_is_told_how_it_is_steered() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    let mut mocks = samples::mocks();
    mocks[1].elsewhere = Some("127.0.0.1:9102".to_owned());
    stage.letters("5");
    answered(&mut stage, Answer::Mocks(mocks, samples::faults()));
    stage.letters("j");
    let text = stage.text();
    assert!(
        text.contains("elsewhere 127.0.0.1:9102") && text.contains("of another process: Enter"),
        "{text}"
    );
    // `Tab` does the same as what is told to be pressed.
    for code in [KeyCode::Enter, KeyCode::Tab] {
        stage.press(code);
        let text = stage.text();
        assert!(text.contains("outbound mock"), "{text}");
        assert!(!text.contains("state browser"), "it is open: {text}");
        stage.press(KeyCode::Esc);
    }
}

#[test]
fn a_form_tells_at_40_columns_how_it_is_filled_in() {
    let mut stage = Stage::played(ThemeName::Dark, (40, 12));
    stage.letters("2n");
    let row = key_row(&stage);
    assert!(
        row.contains("←→ Space choose") && row.contains("Tab next"),
        "{row}"
    );
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Tab);
    let row = key_row(&stage);
    assert!(row.contains("Space on/off"), "{row}");
    let text = stage.text();
    assert!(text.contains("Enable Rules: Provision"), "{text}");
    let mut stage = Stage::played(ThemeName::Dark, (60, 24));
    stage.letters("2n");
    let row = key_row(&stage);
    assert!(
        row.contains("←→ Space choose") && row.contains("Ctrl-S finish"),
        "{row}"
    );
}

#[test]
fn what_is_to_be_done_is_not_cut_from_the_status_row() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    let status = |stage: &Stage| {
        let text = stage.text();
        let rows: Vec<&str> = text.lines().collect();
        rows[rows.len() - 2].to_owned()
    };
    let long = format!("the port is taken by {}", "another process, ".repeat(8));
    answered(&mut stage, Answer::Done(Err(format!("{long}finally"))));
    let row = status(&stage);
    assert!(
        row.contains("x the port is taken") && row.contains("(! shows it)"),
        "{row}"
    );
    stage.letters("!");
    assert!(stage.text().contains("finally"), "{}", stage.text());
    stage.press(KeyCode::Esc);
    stage.letters("1");
    stage.press(KeyCode::Enter);
    // The second change names the connection as the first one left it.
    for more in [" and still the same one".repeat(3).as_str(), "!"] {
        stage.letters("e");
        stage.letters(more);
        press_button(&mut stage, "[ Finish ]");
    }
    // The message that it was done goes first.
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::Esc);
    let row = status(&stage);
    assert!(
        row.contains("Unsaved (2): Acme") && row.contains("… · u undoes · Ctrl-S updates"),
        "{row}"
    );
}
