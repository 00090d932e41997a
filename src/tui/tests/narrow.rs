//! Where there is room for one pane only: nothing that is to be known is lost with the others, on the screen and line by
//! line.

use std::sync::Arc;

use crossterm::event::KeyCode;
use domain::{ConnectorRef, LabArmed, LabMock};

use super::Stage;
use crate::samples;
use crate::theme::{Theme, ThemeName};
use crate::wish::{Answer, Happening};

/// The shipped configuration with a third provisioner, at the address of the first, and a connector that is off.
pub(super) fn with_three_provisioners() -> domain::Configuration {
    let mut configuration = samples::configuration();
    let mut third = configuration.resident[0].clone();
    third.connector = ConnectorRef::new("corp-oidc", "scim2");
    configuration.resident.push(third);
    configuration.connections[0].connectors[0].enabled = false;
    configuration
}

/// The shipped configuration whose first connection has two connectors, one of which is off.
pub(super) fn with_two_connectors() -> domain::Configuration {
    let mut configuration = samples::configuration();
    let mut second = configuration.connections[2].connectors[0].clone();
    second.enabled = false;
    configuration.connections[0].connectors.push(second);
    configuration
}

fn stage(size: (u16, u16)) -> Stage {
    Stage::played(ThemeName::Dark, size)
}

fn show_mocks(stage: &mut Stage, mocks: Vec<LabMock>) {
    stage.letters("5");
    let mocks = Answer::Mocks(mocks, samples::faults());
    stage.happen(Happening::Answer(Box::new(mocks)));
}

#[test]
fn what_is_to_be_warned_of_stands_below_provisioners_that_are_too_many_for_all_words() {
    let mut stage = stage((80, 24));
    stage.screen.world.running = Arc::new(with_three_provisioners());
    stage.letters("2");
    let pane = |stage: &Stage| {
        let text = stage.text();
        text[text.find("What this means").unwrap()..].to_owned()
    };
    let first = pane(&stage);
    for told in [
        "Enter says in words",
        "Corporate directory (SCIM2)",
        "! Corporate login writes to the same address",
        "Acme Google (Google)",
        "! Nothing is sent as it is",
        "! Corporate directory writes to the same address",
    ] {
        assert!(first.contains(told), "{told}: {first}");
    }
    stage.letters("j");
    assert_eq!(pane(&stage), first, "it does not follow the selection");
    stage.press(KeyCode::Enter);
    assert!(
        stage.text().contains("account made at Acme Google"),
        "{}",
        stage.text()
    );
    // Where not even the warnings have room, that is said.
    let mut stage = self::stage((80, 18));
    stage.screen.world.running = Arc::new(with_three_provisioners());
    stage.letters("2");
    let text = stage.text();
    assert!(text.contains("… and more, which Enter tells"), "{text}");
}

#[test]
fn of_several_connectors_enter_opens_the_settings_of_the_selected_one() {
    let mut stage = stage((80, 24));
    stage.screen.world.running = Arc::new(with_two_connectors());
    stage.letters("1");
    stage.press(KeyCode::Enter);
    stage.letters("]]");
    let text = stage.text();
    assert!(text.contains("Enter opens the settings"), "{text}");
    assert!(!text.contains("Google Domain"), "{text}");
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(text.contains("acme-google/google"), "{text}");
    assert!(text.contains("Google Domain"), "{text}");
    stage.press(KeyCode::Esc);
    stage.letters("j");
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(text.contains("acme-google/scim2"), "{text}");
    assert!(text.contains("User Endpoint"), "{text}");
    // Line by line nothing is written anew.
    stage.press(KeyCode::Esc);
    stage.screen.world.theme = Theme::plain();
    let lines = stage.screen.lines(40).join("\n");
    assert!(lines.contains("User Endpoint"), "{lines}");
}

#[test]
fn what_a_client_needs_is_cut_with_a_mark_and_leaves_a_row_for_what_the_mock_holds() {
    let mut mocks = samples::mocks();
    let access = "Directory API Address: http://127.0.0.1:9101 · Token Endpoint: http://127.0.0.1:9101/token · Google \
                  Domain: acme.example · Service Account Email: outbound@outbound-mock.iam.gserviceaccount.com";
    mocks[0].access = Some(access.to_owned());
    for (size, is_cut) in [((40, 12), true), ((80, 24), false)] {
        let mut stage = stage(size);
        show_mocks(&mut stage, mocks.clone());
        stage.press(KeyCode::Enter);
        let text = stage.text();
        assert!(text.contains("Directory API"), "{text}");
        assert!(text.contains("zoë"), "{text}");
        assert_eq!(text.contains('…'), is_cut, "{text}");
        assert_ne!(text.contains("gserviceaccount.com"), is_cut, "{text}");
    }
}

#[test]
fn line_by_line_the_selected_mock_tells_its_faults_and_how_another_process_is_steered() {
    let mut mocks = samples::mocks();
    mocks[0].armed = vec![LabArmed {
        number: 1,
        spec: "quota:times=2".to_owned(),
        hits: 0,
        left: Some(2),
    }];
    (mocks[1].url, mocks[1].access) = (None, None);
    mocks[1].elsewhere = Some("127.0.0.1:9102".to_owned());
    let mut stage = stage((80, 24));
    stage.screen.world.theme = Theme::plain();
    show_mocks(&mut stage, mocks);
    let told = stage.screen.selected_lines(40).unwrap();
    assert!(told.starts_with(">google"), "{told}");
    assert!(told.contains("! 2 times quota:times=2"), "{told}");
    assert!(!told.contains("salesforce"), "{told}");
    stage.letters("j");
    let told = stage.screen.selected_lines(40).unwrap();
    assert!(told.contains("of another process: Enter tells"), "{told}");
    // `open` is the word for it there.
    let here = stage.screen.here();
    let offered = stage.screen.offered();
    let mut own = offered.iter().filter(|(_, whose)| *whose == here);
    assert!(own.any(|(action, _)| action.id == "open"), "{offered:?}");
    stage.screen.run("open", here);
    let text = stage.screen.lines(40).join("\n");
    assert!(text.contains("Another process has"), "{text}");
}

#[test]
fn labels_are_told_from_their_values_and_what_was_asked_last_is_not_cut_early() {
    let mut stage = stage((80, 24));
    stage.letters("1");
    let text = stage.text();
    assert!(text.contains("201 create zoë.日本"), "{text}");
    // To JIT: past Attributes, Outbound and Roles.
    stage.press(KeyCode::Enter);
    stage.letters("]]]]");
    let text = stage.text();
    for told in [
        "User store domain to always provision users: PRIMARY",
        "Skip user provisioning when no local account is found: [ ]",
        "Enable local account linking    [ ]",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn below_the_form_of_a_provisioner_what_is_to_be_warned_of_comes_first() {
    let mut stage = stage((80, 24));
    stage.letters("2n");
    let text = stage.text();
    assert!(!text.contains("same address"), "{text}");
    for _ in 0..4 {
        if stage.text().contains("Corporate login") {
            break;
        }
        stage.press(KeyCode::Right);
    }
    let text = stage.text();
    let place = |told: &str| text.find(told).unwrap_or_else(|| panic!("{told}: {text}"));
    assert!(
        place("! Corporate directory writes") < place("Whoever creates a user"),
        "{text}"
    );
}

#[test]
fn what_the_rows_say_is_read_to_its_end() {
    let mut log = stage((80, 24));
    log.letters("9");
    let text = log.text();
    assert!(text.contains("--log-dir DIR keeps them in files"), "{text}");
    let mut palette = stage((80, 24));
    palette.letters(":screenshot");
    let text = palette.text();
    assert!(text.contains("(.txt .svg .html .ansi)"), "{text}");
    // The title of what there is to choose and the row of keys say the same.
    let mut chooser = stage((80, 24));
    chooser.letters("5f");
    let text = chooser.text();
    assert!(text.contains("Enter chooses, Esc closes"), "{text}");
    let row = text.lines().last().unwrap_or_default();
    assert!(row.contains("Enter choose"), "{row}");
}

#[test]
fn help_names_what_a_section_does_by_itself_once() {
    let mut stage = stage((120, 100));
    stage.letters("?");
    let text = stage.text();
    assert_eq!(text.matches("Next problem").count(), 1, "{text}");
}
