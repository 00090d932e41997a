//! Editing through the panels: what is written, what is said of it, and that nothing that was filled in is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use config::LintOptions;
use connectors::CATALOGUE;
use crossterm::event::KeyCode;
use domain::{ConnectionId, ConnectorRef};

use super::Stage;
use super::updates::{deeds, fill, press_button};
use crate::draft::{Affected, Review};
use crate::editor::{Edited, Job};
use crate::samples::{self, TOML};
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening};

fn stage() -> Stage {
    Stage::played(ThemeName::Dark, (100, 40))
}

pub(super) fn answered(stage: &mut Stage, answer: Answer) -> Vec<Deed> {
    deeds(stage.happen(Happening::Answer(Box::new(answer))))
}

/// Writes the draft as the hands do, and tells the screen.
fn save(stage: &mut Stage) {
    let draft = stage.screen.world.draft.as_ref().unwrap();
    let loaded = draft.document().clone().save().unwrap();
    answered(stage, Answer::Saved(Ok(Box::new(loaded))));
}

/// Somebody else writes the file; the engine takes it.
fn somebody_writes(stage: &mut Stage, text: &str) -> Vec<Deed> {
    let file = stage.folder.path().join("workbench.toml");
    std::fs::write(&file, text).unwrap();
    let deeds = deeds(stage.happen(Happening::FileChanged));
    let loaded = config::load(&file, &CATALOGUE).unwrap();
    answered(stage, Answer::Reloaded(Ok(Box::new(loaded))));
    deeds
}

fn text_of_draft(stage: &Stage) -> &str {
    stage.screen.world.draft.as_ref().unwrap().document().text()
}

/// Returns the lines that the draft takes away and those that it adds.
fn changed(stage: &Stage) -> (Vec<String>, Vec<String>) {
    let diff = stage.screen.world.draft.as_ref().unwrap().document().diff();
    let lines = |sign: char, head: &str| {
        let all = diff.lines().filter(|line| !line.starts_with(head));
        all.filter_map(|line| line.strip_prefix(sign))
            .map(|line| line.trim().to_owned())
            .collect()
    };
    (lines('-', "---"), lines('+', "+++"))
}

fn id(id: &str) -> ConnectionId {
    id.into()
}

/// The line with the mark of the selection in what is shown.
fn marked(stage: &Stage) -> String {
    let text = stage.text();
    let line = text.lines().find(|line| line.contains('▌'));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// Says that what was filled in may go.
fn discard(stage: &mut Stage) {
    assert!(
        stage.text().contains("Discard what was filled in?"),
        "{}",
        stage.text()
    );
    stage.press(KeyCode::BackTab);
    stage.press(KeyCode::Enter);
}

fn type_in(stage: &mut Stage, label: &str, text: &str) {
    fill(stage, label, |stage| {
        stage.letters(text);
    });
}

/// Opens a connection by its place in the list, at a tab.
fn open(stage: &mut Stage, place: usize, tab: usize) {
    stage.letters("1");
    stage.letters(&"j".repeat(place));
    stage.press(KeyCode::Enter);
    stage.letters(&"]".repeat(tab));
}

#[test]
fn the_toggle_of_a_connector_is_written_at_once_and_says_so() {
    let mut stage = stage();
    open(&mut stage, 0, 2);
    assert!(stage.text().contains("disable at once"), "{}", stage.text());
    let asked = deeds(stage.letters(" "));
    assert!(
        matches!(asked.as_slice(), [Deed::Review, Deed::Save]),
        "{asked:?}"
    );
    save(&mut stage);
    assert!(stage.text().contains(": saved "), "{}", stage.text());
    let toggled = TOML.replacen("enabled = true", "enabled = false", 1);
    assert_eq!(stage.file(), toggled, "one word");
    assert!(stage.screen.world.draft.is_none());
}

#[test]
fn a_toggle_says_whom_it_concerns_when_that_is_somebody() {
    for is_saved_first in [false, true] {
        // Where the row is short, whom it concerns is not cut.
        let mut stage = Stage::played(ThemeName::Dark, (80, 24));
        open(&mut stage, 0, 2);
        stage.letters(" ");
        let mut review = review(&stage);
        let who = Affected {
            left: vec!["kim".to_owned()],
            ..Affected::default()
        };
        review.affected = BTreeMap::from([("acme-google/google".to_owned(), who)]);
        let reviewed = Answer::Reviewed(Box::new(review));
        if is_saved_first {
            save(&mut stage);
            answered(&mut stage, reviewed);
        } else {
            answered(&mut stage, reviewed);
            save(&mut stage);
        }
        let text = stage.text();
        assert!(
            text.contains("saved: 1 stay, not kept up to date any more"),
            "{text}"
        );
        assert!(!text.contains("What Update writes"), "{text}");
    }
}

#[test]
fn a_toggle_goes_on_top_of_what_somebody_else_wrote_just_before() {
    let mut stage = stage();
    open(&mut stage, 0, 2);
    stage.letters(" ");
    // Somebody was faster, and nobody has noticed it yet.
    let theirs = format!("# somebody was here\n{TOML}");
    std::fs::write(stage.folder.path().join("workbench.toml"), &theirs).unwrap();
    let refused = || Answer::Saved(Err("it was changed by somebody else".to_owned()));
    let again = answered(&mut stage, refused());
    assert!(matches!(again.as_slice(), [Deed::Save]), "{again:?}");
    save(&mut stage);
    let toggled = theirs.replacen("enabled = true", "enabled = false", 1);
    assert_eq!(stage.file(), toggled, "both");
    // What cannot be saved then either waits, and says so.
    stage.letters(" ");
    answered(&mut stage, refused());
    assert!(answered(&mut stage, refused()).is_empty());
    let text = stage.text();
    assert!(
        text.contains("x not saved, Ctrl-S saves it: acme-google/google"),
        "{text}"
    );
    assert!(stage.screen.world.draft.as_ref().unwrap().is_changed());
    // Once it is saved, the failure is past.
    save(&mut stage);
    assert!(!stage.text().contains("x not saved"), "{}", stage.text());
}

#[test]
fn what_is_changed_while_the_file_is_being_written_is_not_lost() {
    let mut stage = stage();
    open(&mut stage, 0, 2);
    stage.letters(" ");
    let mut under_way = {
        let draft = stage.screen.world.draft.as_ref().unwrap();
        draft.document().clone()
    };
    assert!(
        deeds(stage.letters(" ")).is_empty(),
        "it waits for the first"
    );
    let loaded = under_way.save().unwrap();
    answered(&mut stage, Answer::Saved(Ok(Box::new(loaded))));
    let draft = stage.screen.world.draft.as_ref().expect("the second one");
    assert_eq!((draft.changes(), draft.is_changed()), (1, true));
    let google = ConnectorRef::new("acme-google", "google");
    let (_, settings) = stage.screen.world.config().connector(&google).unwrap();
    assert!(settings.enabled, "as it was left");
}

#[test]
fn an_offered_default_gives_way_and_what_is_doubtful_is_said_at_its_field() {
    let mut stage = stage();
    stage.letters("1njj");
    stage.press(KeyCode::Enter);
    stage.letters("Second Google");
    press_button(&mut stage, "[ Next ]");
    type_in(&mut stage, "Directory API Address", "http://127.0.0.1:9101");
    let text = stage.text();
    assert!(
        text.contains("http://127.0.0.1:9101") && !text.contains("googleapis.comhttp"),
        "{text}"
    );
    // What was walked through is kept, and two addresses are none.
    fill(&mut stage, "Token Endpoint", |stage| {
        stage.press(KeyCode::End);
        stage.letters("http://127.0.0.1:9101/token");
        stage.press(KeyCode::Tab);
    });
    assert!(stage.text().contains("two addresses"), "{}", stage.text());
    type_in(&mut stage, "Private Key", "file:nowhere.p12");
    stage.press(KeyCode::Tab);
    assert!(
        stage
            .text()
            .contains("! secret file:nowhere.p12 cannot be read"),
        "{}",
        stage.text()
    );
    std::fs::write(stage.folder.path().join("nowhere.p12"), "key").unwrap();
    fill(&mut stage, "Private Key", |stage| {
        stage.press(KeyCode::Tab);
    });
    assert!(!stage.text().contains("cannot be read"), "{}", stage.text());
}

#[test]
fn a_pasted_address_takes_the_place_of_an_offered_one() {
    let mut stage = stage();
    stage.letters("1njj");
    stage.press(KeyCode::Enter);
    stage.letters("Second Google");
    press_button(&mut stage, "[ Next ]");
    fill(&mut stage, "Token Endpoint", |stage| {
        stage.happen(Happening::Paste("http://127.0.0.1:9101/token\n".to_owned()));
    });
    assert!(
        marked(&stage).contains(" http://127.0.0.1:9101/token"),
        "{}",
        stage.text()
    );
}

#[test]
fn a_new_connector_begins_with_a_type_that_is_not_there_and_previous_loses_nothing() {
    let mut stage = stage();
    open(&mut stage, 0, 2);
    stage.letters("n");
    let text = stage.text();
    assert!(
        text.contains("‹ Salesforce ›") && text.contains("Acme Google has Google"),
        "{text}"
    );
    stage.press(KeyCode::Left);
    let text = stage.text();
    assert!(
        text.contains("‹ Google ›") && text.contains("is replaced"),
        "{text}"
    );
    stage.press(KeyCode::Left);
    assert!(!stage.text().contains("is replaced"), "{}", stage.text());
    press_button(&mut stage, "[ Next ]");
    type_in(&mut stage, "▌User Endpoint", "http://127.0.0.1:9103/kept");
    press_button(&mut stage, "[ Previous ]");
    assert!(stage.text().contains("‹ SCIM2 ›"), "{}", stage.text());
    // Another type in between.
    stage.press(KeyCode::Left);
    press_button(&mut stage, "[ Next ]");
    press_button(&mut stage, "[ Previous ]");
    stage.press(KeyCode::Right);
    press_button(&mut stage, "[ Next ]");
    assert!(
        stage.text().contains("http://127.0.0.1:9103/kept"),
        "{}",
        stage.text()
    );
}

#[test]
fn the_step_is_shown_on_a_narrow_screen_too() {
    for size in [(80, 24), (40, 12)] {
        let mut stage = Stage::played(ThemeName::Dark, size);
        open(&mut stage, 0, 2);
        stage.letters("n");
        press_button(&mut stage, "[ Next ]");
        assert!(
            stage.text().contains("2 of 3") && stage.text().contains(": Salesforce"),
            "{}",
            stage.text()
        );
    }
}

#[test]
fn a_connector_of_a_type_that_is_there_is_replaced_after_a_warning() {
    let mut stage = stage();
    open(&mut stage, 2, 2);
    stage.letters("n");
    stage.press(KeyCode::Left);
    assert!(stage.text().contains("is replaced"), "{}", stage.text());
    press_button(&mut stage, "[ Next ]");
    type_in(&mut stage, "▌Username", "admin");
    type_in(&mut stage, "▌Password", "env:SCIM_PASSWORD");
    type_in(
        &mut stage,
        "▌User Endpoint",
        "http://127.0.0.1:9103/scim/v2/Users",
    );
    press_button(&mut stage, "[ Next ]");
    let text = stage.text();
    for wanted in [
        "Create outbound provisioning connector: SCIM2",
        "3 of 3: Summary",
        "Ctrl-S finish",
        "goes for it",
        "enabled = false",
        "starts disabled",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    stage.ctrl('s');
    let config = stage.screen.world.config();
    let one = config.connection(&id("corp-scim")).unwrap();
    assert_eq!(one.connectors.len(), 1);
    assert_eq!(one.connectors[0].text("username"), Some("admin"));
    assert!(!one.connectors[0].enabled);
    assert!(stage.screen.world.draft.as_ref().unwrap().errors.is_empty());
}

#[test]
fn the_salesforce_template_brings_the_mappings_without_which_nobody_is_created() {
    let mut stage = stage();
    stage.letters("1njjj");
    stage.press(KeyCode::Enter);
    stage.letters("Sales two");
    type_in(&mut stage, "Description", "for the east");
    press_button(&mut stage, "[ Next ]");
    // Back and forth: the name is still there.
    press_button(&mut stage, "[ Previous ]");
    assert!(
        stage.text().contains("Sales two") && stage.text().contains("for the east"),
        "{}",
        stage.text()
    );
    press_button(&mut stage, "[ Next ]");
    for (label, text) in [
        ("▌API version", "v62.0"),
        ("▌Domain Name", "http://127.0.0.1:9102"),
        ("▌Client ID", "3MVG9"),
        ("▌Client Secret", "env:SALES_SECRET"),
        ("▌Username", "admin@outbound.example"),
        ("▌Password", "env:SALES_PASSWORD"),
        ("▌OAuth2 Token Endpoint", "http://127.0.0.1:9102/token"),
        ("▌ProfileId", "00eHX0000000006YAA"),
    ] {
        type_in(&mut stage, label, text);
    }
    press_button(&mut stage, "[ Next ]");
    let text = stage.text();
    for wanted in [
        "3 of 3: Summary",
        "description = \"for the east\"",
        "remote = \"Alias\"",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    stage.press(KeyCode::Enter);
    assert!(marked(&stage).contains("Sales two"), "{}", stage.text());
    let draft = stage.screen.world.draft.as_ref().unwrap();
    assert!(draft.errors.is_empty(), "{:?}", draft.errors);
    let one = draft.configuration.connection(&id("sales-two")).unwrap();
    assert!(one.connectors[0].enabled, "as the template's words say");
    let profile = one
        .attributes
        .iter()
        .find(|mapping| mapping.remote == "ProfileId")
        .unwrap();
    assert_eq!(profile.value.as_deref(), Some("00eHX0000000006YAA"));
    let loaded = draft.document().check().unwrap();
    let doubts = config::lint(&loaded, &CATALOGUE, LintOptions::default());
    let missing: Vec<_> = doubts
        .iter()
        .filter(|doubt| doubt.code == "mapping-missing")
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let (gone, _) = changed(&stage);
    assert!(gone.is_empty(), "{gone:?}");
}

#[test]
fn emptied_roles_leave_no_key_behind_and_comments_stay() {
    let mut stage = stage();
    open(&mut stage, 1, 3);
    stage.letters("e");
    stage.ctrl('u');
    press_button(&mut stage, "[ Finish ]");
    let (gone, came) = changed(&stage);
    assert_eq!(
        gone,
        ["outbound_roles = [\"Internal/sales\", \"Internal/manager\"]"]
    );
    assert!(came.is_empty(), "{came:?}");
    assert!(text_of_draft(&stage).contains("# A restriction and a trigger"));
    // Nothing changed, nothing done.
    let changes = stage.screen.world.draft.as_ref().unwrap().changes();
    stage.letters("e");
    press_button(&mut stage, "[ Finish ]");
    let draft = stage.screen.world.draft.as_ref().unwrap();
    assert_eq!(draft.changes(), changes);
}

#[test]
fn a_mapping_is_added_edited_and_refused_where_it_contradicts_itself() {
    let mut stage = stage();
    open(&mut stage, 1, 1);
    stage.letters("n");
    type_in(&mut stage, "▌Remote attribute", "Title");
    type_in(&mut stage, "▌Local claim", "title");
    type_in(&mut stage, "▌Constant", "Boss");
    press_button(&mut stage, "[ Finish ]");
    assert!(
        stage.text().contains("a constant is never overridden"),
        "{}",
        stage.text()
    );
    fill(&mut stage, "▌Constant", |stage| {
        stage.ctrl('u');
    });
    press_button(&mut stage, "[ Finish ]");
    let (gone, came) = changed(&stage);
    assert!(gone.is_empty(), "{gone:?}");
    assert_eq!(
        came.iter().filter(|line| !line.is_empty()).count(),
        3,
        "{came:?}"
    );
    // The same attribute twice.
    stage.letters("n");
    type_in(&mut stage, "▌Remote attribute", "title");
    type_in(&mut stage, "▌Local claim", "title");
    press_button(&mut stage, "[ Finish ]");
    assert!(stage.text().contains("mapped already"), "{}", stage.text());
    stage.press(KeyCode::Esc);
    discard(&mut stage);
    // Switched on and off again is no change.
    stage.letters("ge");
    fill(&mut stage, "▌Clear when empty", |stage| {
        stage.letters("  ");
    });
    press_button(&mut stage, "[ Finish ]");
    assert_eq!(stage.screen.world.draft.as_ref().unwrap().changes(), 1);
    stage.letters("e");
    type_in(&mut stage, "▌Default", "x");
    press_button(&mut stage, "[ Finish ]");
    let (gone, came) = changed(&stage);
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert!(
        came.iter().any(|line| line.contains("default = \"acmex\"")),
        "{came:?}"
    );
}

#[test]
fn a_connection_keeps_its_id_when_it_is_renamed_and_no_name_is_given_twice() {
    let mut stage = stage();
    open(&mut stage, 0, 0);
    stage.letters("e");
    assert!(stage.text().contains("hang on the id"), "{}", stage.text());
    stage.ctrl('u');
    stage.letters("corporate DIRECTORY");
    press_button(&mut stage, "[ Finish ]");
    assert!(
        stage.text().contains("already exists with this name"),
        "{}",
        stage.text()
    );
    stage.ctrl('u');
    stage.letters("Gmail");
    press_button(&mut stage, "[ Finish ]");
    let config = stage.screen.world.config();
    assert_eq!(config.connection(&id("acme-google")).unwrap().name, "Gmail");
    assert!(
        config
            .resident
            .iter()
            .any(|one| one.connector.connection == id("acme-google"))
    );
    let (gone, came) = changed(&stage);
    assert_eq!((gone.len(), came.len()), (1, 1), "{gone:?} {came:?}");
}

#[test]
fn what_is_chosen_with_an_arrow_is_saved() {
    let mut stage = stage();
    open(&mut stage, 3, 4);
    stage.letters("e");
    fill(&mut stage, "▌Provisioning scheme", |stage| {
        stage.press(KeyCode::Right);
    });
    press_button(&mut stage, "[ Finish ]");
    assert_eq!(
        changed(&stage),
        (
            vec!["scheme = \"provision-silently\"".to_owned()],
            vec!["scheme = \"prompt-username-password-consent\"".to_owned()]
        )
    );
}

#[test]
fn the_raw_text_of_a_connection_ends_where_the_next_part_begins() {
    let mut stage = stage();
    open(&mut stage, 3, 5);
    let text = stage.text();
    assert!(text.contains("attribute_sync"), "{text}");
    assert!(!text.contains("Organization level"), "{text}");
    // The end is the last page, not the last line.
    stage.letters("G");
    assert!(stage.text().contains("attribute_sync"), "{}", stage.text());
    assert!(stage.text().contains("corp-oidc"), "{}", stage.text());
}

#[test]
fn what_is_to_be_typed_and_the_field_for_it_are_seen_on_every_screen() {
    for size in [(80, 24), (40, 12)] {
        let mut stage = Stage::played(ThemeName::Dark, size);
        stage.letters("2D");
        stage.letters("Corporate direct");
        let text = stage.text();
        for wanted in [
            "Type Corporate directory to confirm:",
            "Confirm",
            "Corporate direct ",
            "[ Delete ]",
        ] {
            assert!(text.contains(wanted), "{wanted} at {size:?}: {text}");
        }
        stage.press(KeyCode::Tab);
        stage.press(KeyCode::Enter);
        let text = stage.text();
        assert!(
            text.contains("this is not") && text.contains("to confirm:"),
            "{text}"
        );
    }
}

#[test]
fn a_connector_in_use_cannot_be_deleted_and_one_that_was_added_leaves_no_trace() {
    let mut stage = stage();
    open(&mut stage, 0, 2);
    stage.letters(" ");
    save(&mut stage);
    stage.letters("D");
    let text = stage.text();
    for wanted in [
        "Unable to Delete",
        "Outbound Provisioning Configuration: acme-google/google",
        "Provisioning of Employee portal: acme-google/google",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    stage.press(KeyCode::Enter);
    let before = stage.file();

    stage.letters("n");
    stage.press(KeyCode::Right);
    press_button(&mut stage, "[ Next ]");
    type_in(&mut stage, "▌Username", "admin");
    type_in(&mut stage, "▌Password", "env:SCIM_PASSWORD");
    type_in(
        &mut stage,
        "▌User Endpoint",
        "http://127.0.0.1:9103/scim/v2/Users",
    );
    press_button(&mut stage, "[ Next ]");
    stage.press(KeyCode::Enter);
    let row = marked(&stage);
    assert!(
        row.contains("SCIM2") && row.contains("[ ] Disabled"),
        "the selection is at the new one: {}",
        stage.text()
    );
    let (gone, came) = changed(&stage);
    assert!(gone.is_empty(), "{gone:?}");
    assert_eq!(
        came.iter().filter(|line| !line.is_empty()).count(),
        6,
        "{came:?}"
    );
    stage.letters("D");
    assert!(
        stage.text().contains("nobody is deprovisioned"),
        "{}",
        stage.text()
    );
    stage.letters("scim2");
    press_button(&mut stage, "[ Delete ]");
    assert_eq!(text_of_draft(&stage), before);
}

#[test]
fn the_selection_moves_to_what_was_made() {
    let mut stage = stage();
    stage.letters("2n");
    press_button(&mut stage, "[ Finish ]");
    assert!(
        marked(&stage).contains("Acme Salesforce"),
        "{}",
        stage.text()
    );
    stage.letters("6n");
    stage.letters("Partner portal");
    type_in(&mut stage, "▌Login flow", "corp-oidc, nobody");
    press_button(&mut stage, "[ Finish ]");
    assert!(
        stage.text().contains("no connection with the id `nobody`"),
        "{}",
        stage.text()
    );
    for _ in 0..", nobody".len() {
        stage.press(KeyCode::Backspace);
    }
    press_button(&mut stage, "[ Finish ]");
    assert!(
        marked(&stage).contains("Partner portal"),
        "{}",
        stage.text()
    );
    // An emptied login flow leaves no key behind.
    stage.letters("e");
    fill(&mut stage, "▌Login flow", |stage| {
        stage.ctrl('u');
    });
    press_button(&mut stage, "[ Finish ]");
    let text = text_of_draft(&stage);
    let own = text.split("name = \"Partner portal\"").nth(1).unwrap();
    assert!(!own.contains("login ="), "{own}");
}

#[test]
fn a_provisioner_that_is_there_is_refused_in_the_form() {
    let mut stage = stage();
    stage.letters("2n");
    assert!(
        stage.text().contains("Acme Salesforce (acme-salesforce)"),
        "{}",
        stage.text()
    );
    stage.press(KeyCode::Left);
    press_button(&mut stage, "[ Finish ]");
    let text = stage.text();
    assert!(
        text.contains("acme-google/google is a provisioner here already")
            && text.contains("Add Outbound Provisioner"),
        "{text}"
    );
    // The keys are where something is left to choose, and what was said is about that choice only.
    assert!(marked(&stage).contains("Provisioning Connection"), "{text}");
    stage.press(KeyCode::Right);
    let text = stage.text();
    assert!(!text.contains("is a provisioner here already"), "{text}");
}

#[test]
fn a_login_flow_takes_no_connection_that_is_a_target_only() {
    let mut stage = stage();
    stage.letters("6n");
    stage.letters("Partner portal");
    type_in(&mut stage, "▌Login flow", "acme-google");
    let text = stage.text();
    assert!(text.contains("through: corp-oidc"), "{text}");
    press_button(&mut stage, "[ Finish ]");
    let text = stage.text();
    assert!(
        text.contains("`acme-google`: it is a target only"),
        "{text}"
    );
    assert!(stage.screen.world.draft.is_none());
}

#[test]
fn a_name_that_cannot_be_read_is_refused_at_its_field() {
    for keys in ["1n\n", "6n"] {
        for (name, told) in [
            ("HR", "3 to 120 characters"),
            ("HR\u{202e}ppa", "cannot be seen: <U+202E>"),
            ("HR\u{1b}[31m", "cannot be seen: ␛"),
            ("🙂🙂🙂", "needs a letter or a digit"),
        ] {
            let mut stage = stage();
            for letter in keys.chars() {
                stage.press(match letter {
                    '\n' => KeyCode::Enter,
                    letter => KeyCode::Char(letter),
                });
            }
            stage.happen(Happening::Paste(name.to_owned()));
            press_button(&mut stage, "[ Finish ]");
            let text = stage.text();
            assert!(text.contains(told), "{name:?}: {text}");
            assert!(stage.screen.world.draft.is_none());
        }
    }
}

#[test]
fn a_long_text_is_refused_and_a_line_without_end_is_painted() {
    let mut stage = stage();
    open(&mut stage, 0, 0);
    stage.letters("e");
    fill(&mut stage, "▌Description", |stage| {
        stage.happen(Happening::Paste("x".repeat(1 << 20)));
    });
    let text = stage.text();
    assert!(text.contains("1048576 characters"), "{text}");
    stage.happen(Happening::Paste("y".repeat(1_023)));
    press_button(&mut stage, "[ Finish ]");
    let text = stage.text();
    assert!(text.contains("1023 at most"), "{text}");
    stage.press(KeyCode::Esc);
    discard(&mut stage);
    stage.press(KeyCode::Esc);
    stage.letters(" ");
    stage.ctrl('s');
    let mut review = review(&stage);
    review.diff = format!("+description = \"{}\"", "no end ".repeat(1 << 17));
    answered(&mut stage, Answer::Reviewed(Box::new(review)));
    let text = stage.text();
    assert!(
        text.contains("What Update writes") && text.contains("no end"),
        "{text}"
    );
}

#[test]
fn a_description_that_gets_too_long_says_so_while_it_is_typed() {
    let mut stage = stage();
    open(&mut stage, 0, 0);
    stage.letters("e");
    fill(&mut stage, "▌Description", |stage| {
        stage.ctrl('u');
        stage.happen(Happening::Paste("x".repeat(1_023)));
    });
    let told = "x this text has 1024 characters; write 1023 at most";
    assert!(!stage.text().contains("this text has"), "{}", stage.text());
    stage.letters("y");
    assert!(stage.text().contains(told), "{}", stage.text());
    stage.press(KeyCode::Backspace);
    assert!(!stage.text().contains("this text has"), "{}", stage.text());
}

#[test]
fn a_review_tells_what_these_changes_bring_and_counts_the_rest() {
    let mut stage = stage();
    stage.letters("1 ");
    stage.ctrl('s');
    let mut review = review(&stage);
    review.warnings = vec!["it is doubtful (a-lint:7)\n  do: mend it".to_owned()];
    review.older = 6;
    answered(&mut stage, Answer::Reviewed(Box::new(review)));
    let text = stage.text();
    for wanted in [
        "it is doubtful (a-lint:7)",
        "do: mend it",
        "6 older warnings",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn a_version_without_its_letter_is_doubted_while_it_is_typed() {
    let mut stage = stage();
    stage.letters("1njjj");
    stage.press(KeyCode::Enter);
    stage.letters("Sales two");
    press_button(&mut stage, "[ Next ]");
    type_in(&mut stage, "▌API version", "62");
    let text = stage.text();
    assert!(
        text.contains("! `62` goes into the address as it is"),
        "{text}"
    );
    assert!(text.contains("`v62.0`?"), "{text}");
    stage.press(KeyCode::Home);
    stage.letters("v");
    assert!(!stage.text().contains("did you mean"), "{}", stage.text());
}

#[test]
fn a_new_mapping_is_selected_and_its_neighbour_when_it_goes() {
    let mut stage = stage();
    open(&mut stage, 1, 1);
    stage.letters("n");
    type_in(&mut stage, "▌Remote attribute", "Title");
    type_in(&mut stage, "▌Local claim", "title");
    press_button(&mut stage, "[ Finish ]");
    assert!(marked(&stage).contains("Title"), "{}", stage.text());
    stage.letters("D");
    assert!(
        marked(&stage).contains("UserPermissionsMarketingUser"),
        "{}",
        stage.text()
    );
}

#[test]
fn a_connection_without_connectors_goes_without_a_word_about_them() {
    let mut stage = stage();
    stage.letters("1n");
    stage.press(KeyCode::Enter);
    stage.letters("Spare one");
    press_button(&mut stage, "[ Finish ]");
    stage.letters("D");
    let text = stage.text();
    assert!(
        text.contains("Spare one is taken out of the file with Update."),
        "{text}"
    );
    assert!(!text.contains("connectors are"), "{text}");
}

#[test]
fn a_text_that_an_earlier_session_kept_is_named_at_the_start() {
    let mut stage = Stage::new(ThemeName::Dark, (100, 40));
    let copy = stage.folder.path().join(".workbench-edit-x1.toml");
    std::fs::write(&copy, TOML).unwrap();
    stage.screen.begin();
    let named = copy.display().to_string();
    let events = &stage.screen.events;
    assert!(events.iter().any(|event| event.text.contains(&named)));
    // However long an engine takes to start: nobody could read it until then.
    stage.screen.world.passed += Duration::from_mins(1);
    stage.happen(Happening::Tick);
    let text = stage.text();
    assert!(text.contains(".workbench-edit-x1.toml"), "{text}");
    assert!(copy.exists());
}

#[test]
fn an_open_form_stays_with_its_connection_when_the_file_changes() {
    let mut stage = stage();
    open(&mut stage, 0, 0);
    stage.letters("e");
    let first = "[[connections]]\nid = \"acme-google\"";
    let theirs = TOML.replacen(
        first,
        &format!("[[connections]]\nid = \"new\"\n\n{first}"),
        1,
    );
    assert_ne!(theirs, TOML);
    somebody_writes(&mut stage, &theirs);
    type_in(&mut stage, "▌Description", "!");
    press_button(&mut stage, "[ Finish ]");
    let (gone, came) = changed(&stage);
    assert_eq!((gone.len(), came.len()), (1, 1), "{gone:?} {came:?}");
    assert!(came[0].contains("who works here!"), "{came:?}");
}

/// What the hands would say of the draft.
pub(super) fn review(stage: &Stage) -> Review {
    let document = stage.screen.world.draft.as_ref().unwrap().document();
    Review {
        of: document.stamp(),
        diff: document.diff(),
        ..Review::default()
    }
}

#[test]
fn what_update_would_do_is_worked_out_anew_when_the_file_changes() {
    let mut stage = stage();
    stage.letters("1 ");
    assert!(matches!(deeds(stage.ctrl('s')).as_slice(), [Deed::Review]));
    let stale = review(&stage);
    answered(&mut stage, Answer::Reviewed(Box::new(stale.clone())));
    assert!(
        stage.text().contains("What Update writes"),
        "{}",
        stage.text()
    );
    let deeds = somebody_writes(&mut stage, &format!("# somebody\n{TOML}"));
    assert!(
        matches!(deeds.as_slice(), [Deed::Reload, Deed::Review]),
        "{deeds:?}"
    );
    assert!(
        !stage.text().contains("What Update writes"),
        "{}",
        stage.text()
    );
    // An answer about the draft as it was is not shown; the one about the draft as it is comes yet.
    let again = answered(&mut stage, Answer::Reviewed(Box::new(stale)));
    assert!(again.is_empty(), "{again:?}");
    assert!(!stage.text().contains("What Update writes"));
    let fresh = review(&stage);
    answered(&mut stage, Answer::Reviewed(Box::new(fresh)));
    assert!(
        stage.text().contains("What Update writes"),
        "{}",
        stage.text()
    );
}

#[test]
fn a_conflict_says_what_each_answer_keeps_and_loses_and_no_stale_review_lies_below() {
    let mut stage = stage();
    // One change that touches theirs, and one that does not.
    stage.letters("1j j ");
    stage.ctrl('s');
    let stale = review(&stage);
    answered(&mut stage, Answer::Reviewed(Box::new(stale)));
    let line = "id = \"acme-salesforce\"\n";
    let theirs = TOML.replacen(line, &format!("{line}enabled = true\n"), 1);
    assert_ne!(theirs, TOML);
    somebody_writes(&mut stage, &theirs);
    let text = stage.text();
    for wanted in [
        "What was changed here is lost (2 changes)",
        "Corporate directory: Enabled",
        "Of theirs this is overwritten",
        "`connections[id=acme-salesforce].enabled` was changed",
        "Nothing is lost",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("What Update writes"), "{text}");
    // Mine on top: what Update would do is worked out at once.
    stage.press(KeyCode::BackTab);
    let asked = deeds(stage.press(KeyCode::Enter));
    assert!(matches!(asked.as_slice(), [Deed::Review]), "{asked:?}");
    assert!(
        !stage.text().contains("was changed by somebody else"),
        "{}",
        stage.text()
    );
}

/// Presses the key of the editor on *Raw TOML*, and returns what it is given.
fn opened_editor(stage: &mut Stage) -> Job {
    match deeds(stage.letters("E")).as_slice() {
        [Deed::Editor(job)] => job.as_ref().clone(),
        other => panic!("{other:?}\n{}", stage.text()),
    }
}

/// Ends the editor with a text in a copy of its own.
fn leave_editor(stage: &mut Stage, given: &str, text: &str) -> std::path::PathBuf {
    let copy = stage.folder.path().join(".workbench-edit-test.toml");
    std::fs::write(&copy, text).unwrap();
    let edited = Edited {
        given: given.to_owned(),
        text: text.to_owned(),
        copy: copy.clone(),
        trouble: None,
    };
    answered(stage, Answer::Edited(Ok(Box::new(edited))));
    copy
}

#[test]
fn a_file_that_was_edited_by_hand_is_a_draft_like_any_other() {
    let mut stage = stage();
    open(&mut stage, 0, 5);
    assert!(stage.text().contains("E editor"), "{}", stage.text());
    let job = opened_editor(&mut stage);
    assert_eq!((job.given.as_str(), &job.copy), (TOML, &None));
    assert!(!format!("{job:?}").contains("scim2-mock-token"), "{job:?}");
    // Nothing changed, nothing kept.
    let copy = leave_editor(&mut stage, TOML, TOML);
    assert!(!copy.exists() && stage.screen.world.draft.is_none());
    let text = TOML.replace("name = \"Acme Google\"", "name = \"Acme Mail\"");
    let copy = leave_editor(&mut stage, TOML, &text);
    assert!(!copy.exists(), "what was taken is not kept");
    assert!(
        stage.text().contains("edited by hand (not saved"),
        "{}",
        stage.text()
    );
    assert_eq!(stage.file(), TOML, "nothing is written before Update");
    assert_eq!(text_of_draft(&stage), text);
    assert!(matches!(deeds(stage.ctrl('s')).as_slice(), [Deed::Review]));
    // With other changes on top it is edited again as it stands, and taken back in one step.
    stage.letters("[[[[[");
    stage.letters("e!");
    press_button(&mut stage, "[ Finish ]");
    stage.letters("[");
    let job = opened_editor(&mut stage);
    assert!(job.given.contains("name = \"Acme Mail!\""));
    stage.letters("uu");
    assert!(!stage.screen.world.draft.as_ref().unwrap().is_changed());
}

#[test]
fn a_text_with_mistakes_is_kept_and_opened_again_with_what_is_wrong_told() {
    let mut stage = stage();
    open(&mut stage, 0, 5);
    opened_editor(&mut stage);
    for (bad, told) in [
        (
            TOML.replace(
                "tenant_domain = \"acme.example\"",
                "tenant_domain = \"acme.example",
            ),
            "workbench.toml:",
        ),
        (
            TOML.replace("type = \"google\"", "type = \"gogle\""),
            "gogle",
        ),
    ] {
        let copy = leave_editor(&mut stage, TOML, &bad);
        let text = stage.text();
        for wanted in [
            "cannot be used like this",
            told,
            ".workbench-edit-test.toml",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        assert!(copy.exists() && stage.screen.world.draft.is_none());
        // The first answer opens it again, and so does the key.
        let again = deeds(stage.press(KeyCode::Enter));
        assert!(
            matches!(&again[..], [Deed::Editor(job)] if job.copy.as_ref() == Some(&copy)),
            "{again:?}"
        );
        assert_eq!(opened_editor(&mut stage).copy, Some(copy));
    }
    let good = TOML.replace("Acme Google", "Acme Mail");
    leave_editor(&mut stage, TOML, &good);
    assert_eq!(text_of_draft(&stage), good);
    assert_eq!(opened_editor(&mut stage).copy, None, "it was taken");
}

#[test]
fn an_editor_that_failed_loses_nothing_and_what_others_wrote_meanwhile_is_asked_about() {
    let mut stage = stage();
    open(&mut stage, 0, 5);
    let told = "the editor `vi` was not found: set VISUAL or EDITOR to one that is here";
    answered(&mut stage, Answer::Edited(Err(told.to_owned())));
    assert!(stage.text().contains("x the editor `vi` was not found"));
    let mine = TOML.replace("Acme Google", "Acme Mail");
    let copy = stage.folder.path().join("kept.toml");
    std::fs::write(&copy, &mine).unwrap();
    let edited = Edited {
        given: TOML.to_owned(),
        text: mine.clone(),
        copy: copy.clone(),
        trouble: Some("the editor `vi` gave up (exit status: 1)".to_owned()),
    };
    answered(&mut stage, Answer::Edited(Ok(Box::new(edited))));
    assert!(stage.screen.world.draft.is_none());
    assert_eq!(opened_editor(&mut stage).copy, Some(copy));
    // Somebody else writes while the editor is open.
    let theirs = TOML.replace("Corporate directory", "Directory");
    std::fs::write(stage.folder.path().join("workbench.toml"), &theirs).unwrap();
    leave_editor(&mut stage, TOML, &mine);
    let text = stage.text();
    for wanted in [
        "was changed by somebody else",
        "all that they changed is undone",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert_eq!(stage.file(), theirs);
}

#[test]
fn a_target_without_defaults_is_not_said_to_have_some() {
    let mut stage = stage();
    let mut configuration = samples::configuration();
    configuration.connections[1].attributes.clear();
    stage.screen.world.running = Arc::new(configuration);
    open(&mut stage, 1, 1);
    let text = stage.text();
    assert!(
        text.contains("! Salesforce refuses every user until these are mapped: Alias, Email"),
        "{text}"
    );
    stage.press(KeyCode::Esc);
    stage.letters("j");
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(
        text.contains("SCIM2 has defaults for name.givenName"),
        "{text}"
    );
}

#[test]
fn the_connectors_of_a_disabled_connection_are_not_counted_as_enabled() {
    let mut stage = stage();
    let mut configuration = samples::configuration();
    configuration.connections[0].enabled = false;
    stage.screen.world.running = Arc::new(configuration);
    stage.letters("1");
    let text = stage.text();
    assert!(
        text.contains("4 connections (1 disabled) · 3 connectors enabled"),
        "{text}"
    );
}

#[test]
fn what_is_written_while_no_engine_takes_it_is_saved_all_the_same() {
    let mut stage = stage();
    open(&mut stage, 0, 2);
    let untaken = |stage: &mut Stage| {
        let draft = stage.screen.world.draft.as_ref().unwrap();
        let loaded = Box::new(draft.document().clone().save().unwrap());
        let why = "no engine takes commands on this journal at the moment".to_owned();
        let is_ours = true;
        answered(
            stage,
            Answer::Untaken {
                loaded,
                why,
                is_ours,
            },
        );
    };
    // At once, and then with Update: neither leaves anything that could not be saved any more.
    stage.letters(" ");
    untaken(&mut stage);
    let text = stage.text();
    assert!(
        text.contains("is written; no engine has taken it yet"),
        "{text}"
    );
    assert!(stage.screen.world.draft.is_none());
    let toggled = TOML.replacen("enabled = true", "enabled = false", 1);
    assert_eq!(stage.file(), toggled);
    let asked = deeds(stage.letters(" "));
    assert!(matches!(asked.as_slice(), [Deed::Review, Deed::Save]));
    untaken(&mut stage);
    assert_eq!(stage.file(), TOML);
    assert!(stage.screen.world.draft.is_none());
}

#[test]
fn a_form_is_about_the_connection_that_it_was_opened_on() {
    let without = |name: &str| {
        let mut configuration = samples::configuration();
        configuration.connections.retain(|one| one.name != name);
        Arc::new(configuration)
    };
    let first = samples::configuration().connections[0].name.clone();
    for (tab, keys) in [(0, "e"), (1, "n"), (2, "e"), (2, "n"), (3, "e"), (4, "e")] {
        let mut stage = stage();
        open(&mut stage, 0, tab);
        stage.letters(keys);
        stage.screen.world.running = without(&first);
        // The first button: what was filled in is right as far as the form goes, or it says what is missing.
        stage.ctrl('s');
        assert!(
            stage.screen.world.draft.is_none(),
            "{tab} {keys}: {}",
            stage.text()
        );
        // The form about the connector may have something to say first.
        if keys == "e" && tab != 2 {
            let text = stage.text();
            assert!(text.contains("there is no connection"), "{tab}: {text}");
        }
    }
}

#[test]
fn a_text_that_was_kept_is_asked_about_when_there_is_a_newer_one() {
    let mut stage = stage();
    open(&mut stage, 0, 5);
    opened_editor(&mut stage);
    let bad = TOML.replace("type = \"google\"", "type = \"gogle\"");
    let copy = leave_editor(&mut stage, TOML, &bad);
    stage.press(KeyCode::Esc);
    assert_eq!(stage.screen.kept_copy(), Some(copy.as_path()));
    let newer = TOML.replace("Corporate directory", "Directory");
    somebody_writes(&mut stage, &newer);
    assert!(deeds(stage.letters("E")).is_empty());
    let text = stage.text();
    assert!(text.contains("An older text is kept"), "{text}");
    // Discard it, and the text as it is now is edited.
    stage.press(KeyCode::BackTab);
    let asked = deeds(stage.press(KeyCode::Enter));
    assert!(
        matches!(&asked[..], [Deed::Editor(job)] if job.copy.is_none() && job.given == newer),
        "{asked:?}"
    );
    assert!(!copy.exists() && stage.screen.kept_copy().is_none());
}

#[test]
fn help_over_the_question_whether_to_leave_changes_nothing_about_it() {
    let mut stage = stage();
    stage.letters("1 ");
    stage.letters("q");
    assert!(stage.text().contains("Unsaved changes"), "{}", stage.text());
    stage.letters("?");
    stage.press(KeyCode::Esc);
    assert!(stage.text().contains("Unsaved changes"), "{}", stage.text());
    assert!(matches!(deeds(stage.ctrl('c')).as_slice(), [Deed::Quit]));
}
