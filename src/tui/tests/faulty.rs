//! What the file would refuse: at its field where it is filled in, and to be seen, named and taken back in the draft.

use connectors::CATALOGUE;
use crossterm::event::KeyCode;

use super::Stage;
use super::updates::{fill, press_button};
use crate::draft::{Draft, Edit};
use crate::paint::parts;
use crate::samples;
use crate::theme::ThemeName;

fn type_in(stage: &mut Stage, label: &str, text: &str) {
    fill(stage, label, |stage| {
        stage.ctrl('u');
        stage.letters(text);
    });
}

/// Opens the form of a template of *New Connection* by its place in the menu.
fn template(size: (u16, u16), place: usize) -> Stage {
    let mut stage = Stage::played(ThemeName::Dark, size);
    stage.letters("1n");
    stage.letters(&"j".repeat(place));
    stage.press(KeyCode::Enter);
    stage
}

#[test]
fn a_secret_itself_is_refused_at_its_field_where_an_endpoint_is_elsewhere() {
    let mut stage = template((100, 40), 1);
    stage.letters("Login Two");
    type_in(&mut stage, "▌Client ID", "us");
    type_in(&mut stage, "▌Client secret", "s3cret");
    for (at, is_refused) in [("https://idp.example", true), ("http://127.0.0.1:9", false)] {
        for (label, path) in [
            ("▌Authorization", "authorize"),
            ("▌Token endpoint", "token"),
        ] {
            type_in(&mut stage, label, &format!("{at}/{path}"));
        }
        // It is said, or no longer said, when the field with the reason is left.
        stage.press(KeyCode::Tab);
        let text = stage.text();
        let says = text.contains("x its endpoints are not all on");
        assert_eq!(says, is_refused, "{text}");
        assert!(!text.contains("s3cret"), "{text}");
        stage.ctrl('s');
        let text = stage.text();
        let is_open = text.contains("New Connection: Standard-Based IdP");
        assert_eq!(is_open, is_refused, "{text}");
        assert_eq!(stage.screen.world.draft.is_none(), is_refused);
    }
    let draft = stage.screen.world.draft.as_ref().unwrap();
    assert!(draft.errors.is_empty(), "{:?}", draft.errors);
}

#[test]
fn the_addresses_of_a_connector_keep_its_secrets_out_of_the_file_defaults_too() {
    let mut stage = template((100, 40), 3);
    stage.letters("Sales two");
    press_button(&mut stage, "[ Next ]");
    type_in(&mut stage, "▌Domain Name", "http://127.0.0.1:9102");
    type_in(&mut stage, "▌Client Secret", "s3cret");
    stage.press(KeyCode::Tab);
    let refused = "x `OAuth2 Token Endpoint` is not on";
    assert!(stage.text().contains(refused), "{}", stage.text());
    fill(&mut stage, "▌OAuth2 Token Endpoint", |stage| {
        stage.letters("http://127.0.0.1:9102/token");
        stage.press(KeyCode::Tab);
    });
    assert!(!stage.text().contains(refused), "{}", stage.text());
    // A secret that stands in the file already, when the address is changed.
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("1jj");
    stage.press(KeyCode::Enter);
    stage.letters("]]e");
    type_in(&mut stage, "▌User Endpoint", "https://corp.example/Users");
    stage.ctrl('s');
    let text = stage.text();
    assert!(text.contains("x `User Endpoint` is not on"), "{text}");
    assert!(stage.screen.world.draft.is_none());
    type_in(&mut stage, "▌Access Token", "env:CORP_TOKEN");
    stage.ctrl('s');
    let draft = stage.screen.world.draft.as_ref().unwrap();
    assert!(draft.errors.is_empty(), "{:?}", draft.errors);
}

fn new_connection(id: &str) -> Edit {
    let entry = vec![("id".to_owned(), id.into()), ("name".to_owned(), id.into())];
    Edit::new(format!("New Connection {id}")).insert("connections", entry)
}

/// A new connection whose secret may not stand in the file.
fn faulty() -> Edit {
    let login = "connections[id=login-two].login";
    new_connection("login-two")
        .set(format!("{login}.protocol"), "oidc")
        .set(format!("{login}.client_id"), "us")
        .set(format!("{login}.client_secret"), "s3cret")
        .set(
            format!("{login}.token_endpoint"),
            "https://idp.example/token",
        )
}

/// Shows the list of connections with a draft of these changes.
fn with_changes(size: (u16, u16), edits: &[Edit]) -> Stage {
    let mut stage = Stage::played(ThemeName::Dark, size);
    let world = &mut stage.screen.world;
    let mut draft = Draft::open(&world.file, &world.catalogue, &world.running).unwrap();
    for edit in edits {
        draft.make(edit).unwrap();
    }
    assert_eq!(draft.errors.len(), 1, "{:?}", draft.errors);
    world.draft = Some(draft);
    stage.letters("1");
    stage
}

#[test]
fn a_faulty_connection_and_what_came_after_it_are_in_the_list() {
    let mut stage = with_changes((80, 24), &[new_connection("second"), faulty()]);
    let text = stage.text();
    for wanted in [
        "login-two",
        "second",
        "1 error (! shows it): `client_secret` is",
        "· Unsaved (2) · u undoes",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    // It can be opened, and its lines are its own.
    stage.letters("G");
    stage.press(KeyCode::Enter);
    stage.letters("[");
    let text = stage.text();
    assert!(
        text.contains("id = \"login-two\"") && text.contains("client_secret = "),
        "{text}"
    );
    assert!(!text.contains("id = \"second\""), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    // Where `!` would be a letter it is not offered.
    stage.press(KeyCode::Esc);
    stage.letters("/");
    let text = stage.text();
    assert!(text.contains("1 error: `client_secret`"), "{text}");
}

#[test]
fn the_faulty_change_alone_is_taken_back_and_redo_brings_it_again() {
    for key in ['!', 's'] {
        let edits = [faulty(), new_connection("second")];
        let mut stage = with_changes((100, 40), &edits);
        if key == 's' {
            stage.ctrl('s');
        } else {
            stage.letters("!");
        }
        let text = stage.text();
        for wanted in [
            "error[inline-secret]",
            "It came with: New Connection login-two",
            "[ Stay ]",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        press_button(&mut stage, "[ Undo it ]");
        let text = stage.text();
        assert!(text.contains("undone: New Connection login-two"), "{text}");
        let draft = stage.screen.world.draft.as_ref().unwrap();
        assert!(draft.errors.is_empty(), "{:?}", draft.errors);
        let left: Vec<&str> = draft.words().collect();
        assert_eq!(left, ["New Connection second"]);
        stage.ctrl('r');
        let config = stage.screen.world.config();
        assert!(config.connection(&"login-two".into()).is_some());
        assert!(config.connection(&"second".into()).is_some());
    }
}

#[test]
fn where_the_last_change_goes_it_is_told_which_that_is() {
    let described = Edit::new("login-two: General")
        .set("connections[id=login-two].description", "what it is for");
    for (edits, last) in [
        (
            [new_connection("second"), faulty()],
            "New Connection login-two",
        ),
        // Without the first, the second is not possible.
        ([faulty(), described], "login-two: General"),
    ] {
        let mut stage = with_changes((100, 40), &edits);
        stage.letters("!");
        let text = stage.text();
        let told = format!("Undo the last takes back: {last}");
        assert!(text.contains(&told), "{told}: {text}");
        press_button(&mut stage, "[ Undo the last ]");
        assert_eq!(stage.screen.world.draft.as_ref().unwrap().changes(), 1);
    }
}

#[test]
fn a_change_is_not_taken_back_alone_where_a_later_one_would_be_made_at_another_entry() {
    let list = "connections[id=acme-salesforce].attributes";
    let mapping = |remote: &str, local: Option<&str>| {
        let remote = ("remote".to_owned(), remote.into());
        let local = local.map(|local| ("local".to_owned(), local.into()));
        let entry = std::iter::once(remote).chain(local).collect();
        Edit::new("a new mapping").insert(list, entry)
    };
    let first = samples::configuration().connections[1].attributes.len();
    let edits = [
        mapping("Title", None),
        mapping("Division", Some("division")),
        Edit::new("what becomes of it").set(format!("{list}[{first}].on_empty"), "clear"),
    ];
    // Without the first, the last would be a change of the second.
    let mut stage = with_changes((100, 40), &edits);
    stage.letters("!");
    let text = stage.text();
    assert!(
        text.contains("Undo the last takes back: what becomes of it"),
        "{text}"
    );
    // An entry that was changed has the number that it had, and so have those of other lists.
    let sourceless = Edit::new("no source").remove(format!("{list}[2].local"));
    for bad in [sourceless, faulty()] {
        let edits = [
            bad,
            Edit::new("the default").set(format!("{list}[0].default"), "crew"),
        ];
        let stage = with_changes((100, 40), &edits);
        let draft = stage.screen.world.draft.as_ref().unwrap();
        let rest = draft.without(0).unwrap();
        let alias = &rest.configuration.connections[1].attributes[0];
        assert_eq!(
            (alias.remote.as_str(), alias.default.as_deref()),
            ("Alias", Some("crew"))
        );
    }
}

#[test]
fn what_is_told_of_a_field_is_not_cut_at_80_columns() {
    for kind in CATALOGUE.0 {
        for field in kind.fields {
            let told = format!("{}: {}", field.label, field.hint);
            assert!(parts(&told, 76).count() <= 2, "{told}");
        }
    }
    let mut stage = template((80, 24), 1);
    fill(&mut stage, "▌Client secret", |_| {});
    let text = stage.text();
    let row = text.lines().last().unwrap_or_default();
    assert!(row.contains("Ctrl-R show"), "{row}");
    assert!(text.contains("Client secret: Shows the"), "{text}");
    let mut stage = template((80, 24), 3);
    stage.letters("Sales two");
    press_button(&mut stage, "[ Next ]");
    fill(&mut stage, "▌OAuth2 Token Endpoint", |_| {});
    let text = stage.text();
    assert!(
        text.contains("! nothing is sent there: it is not") && text.contains("mock's address"),
        "{text}"
    );
    // What matters of it is not cut while another field has the keys.
    stage.press(KeyCode::Tab);
    let text = stage.text();
    assert!(
        text.contains("! nothing is sent there: ") && !text.contains("mock's address"),
        "{text}"
    );
}

#[test]
fn a_summary_that_goes_on_says_so() {
    let mut stage = template((80, 24), 2);
    stage.letters("Google two");
    press_button(&mut stage, "[ Next ]");
    for (label, text) in [
        ("▌Google Domain", "acme.example"),
        ("▌Primary Email Claim", "emailaddress"),
        ("▌Given Name Claim", "givenname"),
        ("▌Family Name Claim", "lastname"),
        ("▌Service Account Email", "sync@acme.example"),
        ("▌Private Key", "file:key.json"),
        ("▌Administrator's Email", "admin@acme.example"),
        ("▌Application Name", "outbound"),
        ("▌Directory API Address", "http://127.0.0.1:9101"),
        ("▌Token Endpoint", "http://127.0.0.1:9101/token"),
    ] {
        type_in(&mut stage, label, text);
    }
    press_button(&mut stage, "[ Next ]");
    let text = stage.text();
    assert!(text.contains("3 of 3") && text.contains('↓'), "{text}");
    stage.letters("G");
    let text = stage.text();
    assert!(
        text.contains("application_name = ") && !text.contains('↓'),
        "{text}"
    );
}

#[test]
fn a_new_connection_is_told_with_its_id_at_80_columns() {
    let mut stage = template((80, 24), 0);
    stage.letters("Bad Target");
    stage.ctrl('s');
    let text = stage.text();
    let told = "New Connection bad-target: Bad Target (not saved: Ctrl-S updates, u undoes)";
    assert!(text.contains(told), "{text}");
}
