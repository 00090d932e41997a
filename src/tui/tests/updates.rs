//! Keys in, orders and words out.

use std::collections::BTreeMap;

use crossterm::event::KeyCode;
use domain::{Change, Condition, Divergence, Drift, FieldDrift, Resolution, Source};
use engine::DriftView;

use super::Stage;
use crate::samples;
use crate::screen::Order;
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening, Query};

fn stage() -> Stage {
    Stage::played(ThemeName::Dark, (80, 24))
}

pub(super) fn deeds(orders: Vec<Order>) -> Vec<Deed> {
    orders
        .into_iter()
        .filter_map(|order| match order {
            Order::Do(deed) => Some(deed),
            Order::Ask(_) => None,
        })
        .collect()
}

#[test]
fn moving_up_ends_following_and_the_end_brings_it_back() {
    let mut stage = stage();
    assert!(stage.text().contains("FOLLOW"));
    stage.press(KeyCode::Up);
    assert!(stage.text().contains("HELD"));
    stage.press(KeyCode::Char('G'));
    assert!(stage.text().contains("FOLLOW"));
    stage.press(KeyCode::Char(' '));
    assert!(stage.text().contains("PAUSED"));
}

#[test]
fn a_filter_hides_rows_and_a_bad_one_keeps_the_last_good_one_and_says_why() {
    let mut stage = stage();
    stage.letters("/st>=400");
    stage.press(KeyCode::Enter);
    assert!(stage.text().contains("1 of 3 match"), "{}", stage.text());
    stage.letters("/ |");
    assert!(
        stage.text().contains("something is missing"),
        "{}",
        stage.text()
    );
    assert!(stage.text().contains("1 of 3 match"));
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::Esc);
    assert!(stage.text().contains("3 rows"), "{}", stage.text());
}

#[test]
fn the_next_problem_is_found_from_anywhere() {
    let mut stage = stage();
    stage.letters("1!");
    assert_eq!(stage.screen.section(), "traffic");
    assert!(
        stage
            .text()
            .lines()
            .any(|line| line.contains('▌') && line.contains("503")),
        "{}",
        stage.text()
    );
}

#[test]
fn three_keys_lead_from_the_first_frame_to_a_user_on_its_way() {
    let mut stage = Stage::new(ThemeName::Dark, (80, 24));
    assert!(stage.press(KeyCode::Char('t')).is_empty());
    let planned = deeds(stage.press(KeyCode::Enter));
    assert!(
        matches!(planned.as_slice(), [Deed::Plan(_)]),
        "the dry run comes first"
    );
    let plan = engine::Plan {
        triggers: Vec::new(),
    };
    stage.happen(Happening::Answer(Box::new(Answer::Planned(Ok(Box::new(
        plan,
    ))))));
    match deeds(stage.press(KeyCode::Enter)).as_slice() {
        [Deed::Submit(request)] => {
            assert_eq!(request.source, Source::Console);
            assert!(matches!(&request.change, Change::CreateUser { .. }));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn after_a_change_of_the_form_the_dry_run_is_shown_again() {
    let mut stage = Stage::new(ThemeName::Dark, (80, 24));
    stage.press(KeyCode::Char('t'));
    stage.press(KeyCode::Enter);
    let plan = engine::Plan {
        triggers: Vec::new(),
    };
    stage.happen(Happening::Answer(Box::new(Answer::Planned(Ok(Box::new(
        plan,
    ))))));
    stage.press(KeyCode::BackTab);
    stage.press(KeyCode::BackTab);
    stage.letters("x");
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Tab);
    assert!(matches!(
        deeds(stage.press(KeyCode::Enter)).as_slice(),
        [Deed::Plan(_)]
    ));
}

#[test]
fn a_password_is_masked_and_no_form_of_the_screen_shows_it() {
    let mut stage = Stage::new(ThemeName::Dark, (160, 50));
    stage.press(KeyCode::Char('t'));
    stage.press(KeyCode::BackTab);
    stage.press(KeyCode::BackTab);
    stage.letters("canary-7");
    assert!(!stage.text().contains("canary"), "{}", stage.text());
    assert!(stage.text().contains("••••••••"), "{}", stage.text());
}

#[test]
fn beside_other_changes_a_toggle_waits_with_them_and_update_says_what_it_writes() {
    let mut stage = stage();
    // The name of another connection is changed first.
    stage.letters("1j");
    stage.press(KeyCode::Enter);
    stage.letters("e");
    stage.letters("!");
    press_button(&mut stage, "[ Finish ]");
    stage.press(KeyCode::Esc);
    stage.letters("k");
    stage.press(KeyCode::Enter);
    assert!(deeds(stage.letters("]] ")).is_empty(), "nothing is written");
    assert!(stage.text().contains("[ ] Disabled"), "{}", stage.text());
    assert!(stage.text().contains("workbench.toml~"));
    assert_eq!(stage.file(), crate::samples::TOML);
    assert!(matches!(deeds(stage.ctrl('s')).as_slice(), [Deed::Review]));
    let diff = stage.screen.world.draft.as_ref().unwrap().document().diff();
    let changed: Vec<&str> = diff
        .lines()
        .filter(|line| {
            line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---")
        })
        .collect();
    assert_eq!(changed.len(), 4, "{diff}");
    stage.letters("u");
    assert!(stage.text().contains("[x] Enabled"));
    stage.letters("u");
    assert!(!stage.screen.world.draft.as_ref().unwrap().is_changed());
}

#[test]
fn leaving_with_a_draft_asks_and_the_safe_answer_has_the_keys() {
    let mut stage = stage();
    stage.letters("1 ");
    assert!(deeds(stage.letters("q")).is_empty());
    assert!(stage.text().contains("Unsaved changes"), "{}", stage.text());
    assert!(
        deeds(stage.press(KeyCode::Enter)).is_empty(),
        "Stay has the keys"
    );
    assert!(!stage.text().contains("Discard ]"));
}

#[test]
fn a_connection_that_is_used_cannot_be_deleted_and_says_by_whom() {
    let mut stage = stage();
    stage.letters("1D");
    assert!(
        stage.text().contains("Unable to Delete"),
        "{}",
        stage.text()
    );
    assert!(stage.text().contains("Outbound Provisioning Configuration"));
}

#[test]
fn deleting_needs_the_typed_name() {
    let mut stage = stage();
    stage.letters("2D");
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Enter);
    assert!(stage.text().contains("this is not"), "{}", stage.text());
    // The field has the keys, from the beginning and after a wrong text.
    stage.letters("Corporate directory");
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Enter);
    assert!(
        stage.text().contains("Delete provisioner"),
        "{}",
        stage.text()
    );
    assert_eq!(stage.screen.world.config().resident.len(), 1);
}

/// A whole editing session: new connection, connector, toggle, provisioner, role filter, delete.
#[test]
fn an_editing_session_changes_only_the_intended_lines() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("1n");
    for _ in 0..4 {
        stage.press(KeyCode::Down);
    }
    stage.press(KeyCode::Enter);
    stage.letters("HR application");
    press_button(&mut stage, "[ Next ]");
    fill(&mut stage, "Authentication Mode", |stage| {
        stage.press(KeyCode::Right);
    });
    fill(&mut stage, "Access Token", |stage| {
        stage.letters("env:HR_TOKEN");
    });
    fill(&mut stage, "User Endpoint", |stage| {
        stage.letters("http://127.0.0.1:9103/scim/v2/Users");
    });
    press_button(&mut stage, "[ Next ]");
    assert!(stage.text().contains("3 of 3: Summary"), "{}", stage.text());
    assert!(stage.text().contains("HR_TOKEN"));
    stage.press(KeyCode::Enter);
    assert!(
        stage
            .screen
            .world
            .config()
            .connection(&"hr-application".into())
            .is_some(),
        "{}",
        stage.text()
    );

    stage.letters("2n");
    for _ in 0..3 {
        stage.press(KeyCode::Right);
    }
    assert!(
        stage.text().contains("Corporate login") || stage.text().contains("HR application"),
        "{}",
        stage.text()
    );
    for _ in 0..5 {
        if stage.text().contains("‹ HR application (hr-application) ›") {
            break;
        }
        stage.press(KeyCode::Right);
    }
    press_button(&mut stage, "[ Finish ]");
    assert_eq!(
        stage.screen.world.config().resident.len(),
        3,
        "{}",
        stage.text()
    );
    // The role filter of the new connection, the toggle of its connector, and the mapping of another one deleted.
    stage.letters("1");
    stage.letters("/HR app");
    stage.press(KeyCode::Enter);
    stage.press(KeyCode::Enter);
    stage.letters("]]]e");
    stage.letters("Internal/manager");
    press_button(&mut stage, "[ Finish ]");
    stage.letters("[ ");
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::Esc);
    stage.letters("2G");
    stage.letters("kD");
    let typed = stage.text();
    let name = typed
        .lines()
        .find_map(|line| line.split("Type ").nth(1)?.split(" to confirm").next())
        .unwrap_or_else(|| panic!("{typed}"))
        .to_owned();
    // A wrong text keeps the question open, and what is typed then goes into the field, spaces too.
    stage.letters("x y");
    press_button(&mut stage, "[ Delete ]");
    assert!(stage.text().contains("this is not"), "{}", stage.text());
    for _ in 0..3 {
        stage.press(KeyCode::Backspace);
    }
    stage.letters(&name);
    press_button(&mut stage, "[ Delete ]");
    assert_eq!(
        stage.screen.world.config().resident.len(),
        2,
        "{}",
        stage.text()
    );

    let draft = stage.screen.world.draft.as_ref().unwrap();
    assert!(draft.errors.is_empty(), "{:?}", draft.errors);
    let folder = format!("{}/", stage.folder.path().display());
    let diff = draft.document().diff().replace(&folder, "");
    insta::assert_snapshot!("editing-session", diff);
    assert!(matches!(deeds(stage.ctrl('s')).as_slice(), [Deed::Review]));
}

/// Tabs until a button has the keys, then presses it.
pub(super) fn press_button(stage: &mut Stage, label: &str) {
    for _ in 0..40 {
        let buffer = stage.buffer();
        let text = stage.text();
        let found = text.lines().zip(0_u16..).find_map(|(line, y)| {
            let at = line.find(label)?;
            Some((u16::try_from(crate::paint::cells(&line[..at])).unwrap(), y))
        });
        if let Some(place) = found
            && buffer[place]
                .modifier
                .contains(ratatui::style::Modifier::REVERSED)
        {
            stage.press(KeyCode::Enter);
            return;
        }
        stage.press(KeyCode::Tab);
    }
    panic!("{label} was not found in\n{}", stage.text());
}

/// Tabs until a field has the keys, then fills it in.
pub(super) fn fill(stage: &mut Stage, label: &str, with: impl FnOnce(&mut Stage)) {
    for _ in 0..40 {
        if stage
            .text()
            .lines()
            .any(|line| line.contains('▌') && line.contains(label))
        {
            return with(stage);
        }
        stage.press(KeyCode::Tab);
    }
    panic!("{label} was not found in\n{}", stage.text());
}

#[test]
fn what_the_hands_do_not_manage_is_said_and_kept() {
    let mut stage = stage();
    stage.happen(Happening::Answer(Box::new(Answer::Done(Err(
        "the port is taken\nby another".to_owned(),
    )))));
    assert!(stage.text().contains("x the port is taken"));
    stage.letters("!");
    assert!(stage.text().contains("by another"));
}

#[test]
fn retrying_at_a_real_target_asks_first() {
    // As far as the first attempt, which failed.
    let mut stage = Stage::new(ThemeName::Dark, (80, 24));
    let orders = stage.screen.begin();
    stage.answer(orders);
    let failed = samples::news().into_iter().take(7).collect();
    stage.happen(Happening::News(failed));
    let configuration = crate::samples::TOML
        .replace(
            "access_token = \"scim2-mock-token\"",
            "access_token = { env = \"TOKEN\" }",
        )
        .replace(
            "http://127.0.0.1:9103/scim/v2/Users\"\n  group_endpoint",
            "https://real.example/Users\"\n  group_endpoint",
        );
    let loaded = config::parse(
        &configuration,
        "workbench.toml",
        std::path::Path::new("../.."),
        &connectors::CATALOGUE,
    )
    .unwrap();
    stage.screen.world.running = std::sync::Arc::new(loaded.configuration);
    assert!(deeds(stage.letters("r")).is_empty());
    assert!(stage.text().contains("real target"), "{}", stage.text());
}

#[test]
fn the_palette_runs_what_was_found_by_typing() {
    let mut stage = stage();
    stage.letters(":go to: journal");
    stage.press(KeyCode::Enter);
    assert_eq!(stage.screen.section(), "journal");
}

#[test]
fn a_field_that_is_selected_is_marked_in_why_wire_and_target() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("n");
    let buffer = stage.buffer();
    let marked: Vec<u16> = (0..160)
        .filter(|x| {
            (10..46).any(|y| {
                buffer[(*x, y)]
                    .modifier
                    .contains(ratatui::style::Modifier::REVERSED)
            })
        })
        .collect();
    let thirds: Vec<bool> = (0..3)
        .map(|third| marked.iter().any(|x| x / 54 == third))
        .collect();
    assert_eq!(thirds, [true, true, true], "{}", stage.text());
}

#[test]
fn what_differs_at_a_target_is_shown_with_the_user_and_decided_about() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("3GG");
    let compared = deeds(stage.letters("c"));
    assert!(
        matches!(compared.as_slice(), [Deed::Compare(connectors)] if !connectors.is_empty()),
        "{compared:?}"
    );
    assert!(deeds(stage.letters("x")).is_empty(), "nothing differs yet");
    let link = samples::link();
    let divergence = Divergence {
        connector: link.connector.clone(),
        local: link.local,
        name: "zoe".into(),
        remote_id: link.remote_id.clone(),
        remote_name: link.remote_name.clone(),
        condition: Condition::Differs {
            fields: vec![FieldDrift {
                field: "title".to_owned(),
                drift: Drift::Remote,
                desired: "Dr".into(),
                written: "Dr".into(),
                actual: "Boss".into(),
            }],
        },
    };
    let drift = DriftView {
        at: link.since,
        divergence,
    };
    let local = samples::local();
    let found = Answer::Links(
        local,
        vec![link.clone()],
        vec![drift.clone()],
        BTreeMap::new(),
    );
    stage.happen(Happening::Answer(Box::new(found)));
    let text = stage.text();
    assert!(
        text.contains("! title there \"Boss\", desired \"Dr\" (remote)"),
        "{text}"
    );
    stage.letters("x");
    assert!(
        stage.text().contains("What differs of zoe"),
        "{}",
        stage.text()
    );
    let decided = deeds(stage.press(KeyCode::Enter));
    let [Deed::Resolve(wishes)] = decided.as_slice() else {
        panic!("{decided:?}");
    };
    assert_eq!(wishes[0].connector, link.connector);
    assert_eq!(wishes[0].resolution, Resolution::Restore);
    assert!(!wishes[0].take_away, "never from here");

    // One that is gone is made anew; that has to be said, and the command line has to say it, too.
    let mut gone = drift;
    gone.divergence.condition = Condition::Missing;
    let found = Answer::Links(local, vec![link], vec![gone], BTreeMap::new());
    stage.happen(Happening::Answer(Box::new(found)));
    stage.letters(":decide about");
    let text = stage.text();
    assert!(text.contains("reconcile restore zoe --recreate"), "{text}");
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(text.contains("the account is gone at"), "{text}");
    assert!(text.contains("it is made anew"), "{text}");
    assert!(!text.contains("the target's values stand"), "{text}");
    let decided = deeds(stage.press(KeyCode::Enter));
    let [Deed::Resolve(wishes)] = decided.as_slice() else {
        panic!("{decided:?}");
    };
    assert!(wishes[0].recreate);
}

#[test]
fn just_in_time_provisioning_that_a_login_flow_needs_cannot_be_switched_off() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    let config = stage.screen.world.config();
    let at = config
        .connections
        .iter()
        .position(|one| {
            let used = |app: &domain::Application| app.login.contains(&one.id);
            one.jit.enabled && config.applications.iter().any(used)
        })
        .expect("a login flow of the shipped file provisions just in time");
    stage.letters("1");
    for _ in 0..at {
        stage.press(KeyCode::Down);
    }
    stage.press(KeyCode::Enter);
    stage.letters("]]]]e ");
    press_button(&mut stage, "[ Finish ]");
    assert!(
        stage.text().contains("Operation Not Allowed"),
        "{}",
        stage.text()
    );
    assert!(stage.screen.world.draft.is_none());
    // The form is as it was left: finished once more, it is refused once more.
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(!text.contains("Operation Not Allowed"), "{text}");
    press_button(&mut stage, "[ Finish ]");
    let text = stage.text();
    assert!(text.contains("Operation Not Allowed"), "{text}");
}

#[test]
fn what_was_missed_is_read_once_at_a_time_and_from_before_the_hole() {
    let mut stage = Stage::new(ThemeName::Dark, (80, 24));
    let asked = |orders: Vec<Order>| -> Vec<Query> {
        let queries = orders.into_iter().filter_map(|order| match order {
            Order::Ask(query @ (Query::Since { .. } | Query::Counts)) => Some(query),
            Order::Ask(_) | Order::Do(_) => None,
        });
        queries.collect()
    };
    let answer = |stage: &mut Stage, answer: Answer| {
        stage.screen.update(Happening::Answer(Box::new(answer)))
    };
    let counts = |last: u64| Answer::Counts {
        last,
        counts: BTreeMap::new(),
        quarantines: Vec::new(),
    };
    assert_eq!(asked(stage.screen.begin()), [Query::Counts]);
    let news = samples::news();
    let mut first = vec![engine::News::Missed(1)];
    first.extend(news.iter().skip(1).cloned());
    let orders = stage.screen.update(Happening::News(first));
    assert_eq!(asked(orders), [Query::Since { seq: 0 }]);
    // More is missed while all of that is under way: nothing is asked a second time.
    let orders = stage
        .screen
        .update(Happening::News(vec![engine::News::Missed(2)]));
    assert!(asked(orders).is_empty());
    let orders = answer(&mut stage, counts(1));
    assert_eq!(asked(orders), [Query::Counts], "and once more after that");
    let orders = answer(&mut stage, Answer::Since(news[..1].to_vec()));
    assert_eq!(asked(orders), [Query::Since { seq: 1 }]);
    let orders = answer(&mut stage, Answer::Since(news[1..].to_vec()));
    assert!(asked(orders).is_empty());
    let orders = answer(&mut stage, counts(99));
    assert!(asked(orders).is_empty());
    assert_eq!(stage.screen.world.board.missed, 0);
}

#[test]
fn what_could_not_be_read_is_told_once_and_asked_for_again() {
    let mut stage = Stage::new(ThemeName::Dark, (100, 40));
    stage.screen.begin();
    let lists = |orders: Vec<Order>| {
        let is_list = |order: &&Order| matches!(order, Order::Ask(Query::Operations { .. }));
        orders.iter().filter(is_list).count()
    };
    let orders = stage
        .screen
        .update(Happening::Key(crate::keymap::Key::letter('8')));
    assert_eq!(lists(orders), 1);
    for _ in 0..3 {
        let query = Query::Operations {
            state: None,
            before: None,
        };
        let told = "cannot read the journal: disk I/O error".to_owned();
        let unread = Happening::Answer(Box::new(Answer::Unread(query, told)));
        assert_eq!(lists(stage.screen.update(unread)), 1);
    }
    assert_eq!(stage.screen.events.len(), 1);
}

#[test]
fn what_targets_could_not_read_is_asked_for_again() {
    let mut stage = stage();
    stage.letters("5");
    let asked = |orders: Vec<Order>| -> Vec<Query> {
        let queries = orders.into_iter().filter_map(|order| match order {
            Order::Ask(query @ (Query::Mocks | Query::Objects(_))) => Some(query),
            Order::Ask(_) | Order::Do(_) => None,
        });
        queries.collect()
    };
    let changed = Happening::Lab(vec![samples::lab_entry()]);
    let first = asked(stage.screen.update(changed));
    assert!(
        matches!(&first[..], [Query::Mocks, Query::Objects(_)]),
        "{first:?}"
    );
    for query in first {
        let told = "cannot read the journal: the reader broke down".to_owned();
        let unread = Happening::Answer(Box::new(Answer::Unread(query.clone(), told)));
        assert_eq!(asked(stage.screen.update(unread)), [query]);
    }
}

#[test]
fn what_changed_at_a_mock_is_counted_though_it_is_not_kept_and_that_is_said() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("5G");
    let came = |number: u64| {
        let mut entry = domain::LabEntry::clone(&samples::lab_entry());
        entry.number = number;
        entry.changes.truncate(1);
        for change in &mut entry.changes {
            change.id = format!("new-{number}");
            "*".clone_into(&mut change.field);
        }
        std::sync::Arc::new(entry)
    };
    stage.happen(Happening::Lab((3..3_003).map(came).collect()));
    assert!(stage.text().contains("+3000 ~1 -0"), "{}", stage.text());
    stage.letters("d");
    stage.press(KeyCode::End);
    let text = stage.text();
    assert!(
        text.contains("2801 older requests, not shown here: outbound mock log scim2"),
        "{text}"
    );
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(text.contains("are not kept here"), "{text}");
    // Put back to its seed, it begins anew.
    let reset = domain::LabEntry {
        operation: "mock.reset".to_owned(),
        changes: Vec::new(),
        ..domain::LabEntry::clone(&came(3_003))
    };
    stage.happen(Happening::Lab(vec![std::sync::Arc::new(reset)]));
    assert!(!stage.text().contains("+3000"), "{}", stage.text());
    stage.letters("d");
    assert!(stage.text().contains("mock.reset"), "{}", stage.text());
}
