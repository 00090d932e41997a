//! What is filled in under *Trigger*: handed in once, and told by what became of it.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyCode;
use domain::{Change, OperationId};
use engine::{Counts, Fact, News, Plan, Record, State};

use super::Stage;
use super::updates::{deeds, fill, press_button};
use crate::outcome::Outcome;
use crate::samples;
use crate::screen::Order;
use crate::seat::{Rejection, Submitted};
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening, Offer, Query};

const UNDER_WAY: &str = "under way; a blocking provisioner makes the caller wait";

fn answered(stage: &mut Stage, answer: Answer) {
    stage.happen(Happening::Answer(Box::new(answer)));
}

fn shows(stage: &mut Stage, plan: Plan) {
    answered(stage, Answer::Planned(Ok(Box::new(plan))));
}

/// Fills in an example, looks at the dry run, and hands the request in.
fn handed_in(stage: &mut Stage) {
    stage.letters("t");
    assert!(matches!(
        deeds(stage.press(KeyCode::Enter)).as_slice(),
        [Deed::Plan(_)]
    ));
    shows(stage, samples::plan());
    assert!(matches!(
        deeds(stage.press(KeyCode::Enter)).as_slice(),
        [Deed::Submit(_)]
    ));
}

fn submitted(operations: usize, rejected: Option<&str>) -> Answer {
    Answer::Submitted(Ok(Submitted {
        flow: samples::flow(),
        operations,
        braked: 0,
        rejected: rejected.map(Rejection::from),
    }))
}

/// The sample's operation, which fails for good without a request; everything before it is queued.
fn dead() -> (OperationId, Vec<News>) {
    let mut records = samples::records();
    let queued = records
        .iter()
        .position(|record| matches!(record.fact, Fact::OperationQueued { .. }))
        .unwrap();
    records.truncate(queued + 1);
    let id = records[queued].fact.moves().unwrap();
    records.push(Record {
        seq: 90,
        fact: samples::dead(id),
        ..records[queued].clone()
    });
    let news = records
        .into_iter()
        .map(|record| News::Fact(Arc::new(record)));
    (id, news.collect())
}

#[test]
fn what_concerns_no_connector_leads_to_no_why() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("t");
    stage.press(KeyCode::Enter);
    let mut plan = samples::plan();
    for trigger in &mut plan.triggers {
        trigger.decisions.clear();
    }
    shows(&mut stage, plan);
    stage.press(KeyCode::Enter);
    answered(&mut stage, submitted(0, None));
    let text = stage.text();
    assert!(text.contains("no connector asks for it"), "{text}");
    assert_ne!(stage.screen.section(), "traffic");
}

#[test]
fn a_request_is_handed_in_once_and_that_it_waits_is_said_until_it_is_answered() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    handed_in(&mut stage);
    assert!(stage.text().contains(UNDER_WAY), "{}", stage.text());
    // However long it takes, and whatever is pressed.
    stage.screen.world.passed += Duration::from_secs(20);
    stage.happen(Happening::Tick);
    assert!(stage.text().contains(UNDER_WAY), "{}", stage.text());
    assert!(!stage.text().contains("This is what would follow"));
    for code in [
        KeyCode::Enter,
        KeyCode::Char(' '),
        KeyCode::Char('p'),
        KeyCode::Char('t'),
    ] {
        assert!(deeds(stage.press(code)).is_empty(), "{code:?}");
    }
    assert!(stage.text().contains(UNDER_WAY), "{}", stage.text());
    stage.letters("3e");
    assert!(stage.text().contains(UNDER_WAY), "{}", stage.text());
    // The answer ends it, whatever it is.
    answered(
        &mut stage,
        Answer::Submitted(Err("no engine takes commands".to_owned())),
    );
    stage.screen.world.passed += Duration::from_secs(20);
    stage.happen(Happening::Tick);
    let text = stage.text();
    assert!(text.contains("x no engine takes commands"), "{text}");
    stage.press(KeyCode::Esc);
    assert!(!stage.text().contains("under way"), "{}", stage.text());
}

#[test]
fn the_end_of_a_request_takes_no_screen_from_whoever_looks_elsewhere() {
    let head = |stage: &Stage| stage.text().lines().next().unwrap_or_default().to_owned();
    // Another section, the list of requests, a form of another section, and a dialog over this one.
    for (keys, section) in [
        ("1", "connections"),
        ("4", "traffic"),
        ("1n\n", "connections"),
        (":", "trigger"),
    ] {
        let mut stage = Stage::played(ThemeName::Dark, (100, 40));
        handed_in(&mut stage);
        assert!(!head(&stage).contains("waits"), "{}", head(&stage));
        for key in keys.chars() {
            stage.press(match key {
                '\n' => KeyCode::Enter,
                letter => KeyCode::Char(letter),
            });
        }
        let waits = head(&stage).contains("Trigger waits");
        assert_eq!(waits, section != "trigger", "{}", head(&stage));
        let depth = stage.screen.depth();
        answered(&mut stage, submitted(2, None));
        assert_eq!(stage.screen.section(), section);
        assert_eq!(stage.screen.depth(), depth);
        assert!(!head(&stage).contains("Why"), "{keys}: {}", stage.text());
        assert!(!head(&stage).contains("waits"), "{}", head(&stage));
        // What became of it is told all the same: every question is answered by the stage.
        let text = stage.text();
        assert!(text.contains("done: 1 operation"), "{keys}: {text}");
    }
    // Neither does what fails of it later.
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    handed_in(&mut stage);
    stage.letters("4");
    let (id, _) = dead();
    stage
        .screen
        .update(Happening::Answer(Box::new(submitted(2, None))));
    let outcome = Outcome {
        failed: 1,
        why: Some((id, "the key file is not there".to_owned())),
        ..Outcome::default()
    };
    answered(&mut stage, Answer::Outcome(samples::flow(), outcome));
    let text = stage.text();
    assert!(text.contains("1 failed for good"), "{text}");
    assert!(!head(&stage).contains("Why"), "{text}");
    // Whoever still is at Trigger is led there.
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    handed_in(&mut stage);
    answered(&mut stage, submitted(2, None));
    assert!(head(&stage).contains("Why"), "{}", stage.text());
}

#[test]
fn a_dry_run_of_what_the_form_said_before_is_not_taken_for_one_of_now() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("t");
    stage.press(KeyCode::Enter);
    // To the user's name, which changes while the dry run is worked out, and back.
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Tab);
    stage.letters("x");
    press_button(&mut stage, "[ Trigger ]");
    shows(&mut stage, samples::plan());
    assert!(
        deeds(stage.press(KeyCode::Enter)).is_empty(),
        "it was of the other name"
    );
    shows(&mut stage, samples::plan());
    assert!(matches!(
        deeds(stage.press(KeyCode::Enter)).as_slice(),
        [Deed::Submit(_)]
    ));
}

#[test]
fn a_refusal_is_told_no_longer_once_another_request_is_handed_in() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    handed_in(&mut stage);
    answered(&mut stage, submitted(1, Some("the target answered 503")));
    assert!(
        stage.text().contains("the change was NOT made"),
        "{}",
        stage.text()
    );
    // Whose it was, by which trigger, and what is to be done.
    let told = &stage.screen.events.last().unwrap().text;
    let trigger = &samples::plan().triggers[0].trigger;
    let wanted = format!(
        "{} {}: the change was NOT made, because the target answered 503\ndo: make the change again",
        trigger.kind, trigger.subject_name
    );
    assert!(told.contains(&wanted), "{told}");
    handed_in(&mut stage);
    assert!(!stage.text().contains("NOT made"), "{}", stage.text());
    answered(&mut stage, submitted(1, None));
    let text = stage.text();
    assert!(
        text.contains("done: 1 operation") && !text.contains("NOT made"),
        "{text}"
    );
}

#[test]
fn what_failed_for_good_is_not_called_done_and_leads_to_the_operation() {
    let mut stage = Stage::new(ThemeName::Dark, (100, 15));
    handed_in(&mut stage);
    let (id, news) = dead();
    stage.happen(Happening::News(news));
    let asked = stage
        .screen
        .update(Happening::Answer(Box::new(submitted(2, None))));
    let is_asked = |order: &Order| matches!(order, Order::Ask(Query::Outcome(flow)) if *flow == samples::flow());
    assert!(asked.iter().any(is_asked));
    assert!(
        stage.text().contains("taken: 2 operations"),
        "{}",
        stage.text()
    );
    let outcome = Outcome {
        done: 1,
        failed: 1,
        why: Some((id, "the key file keys/google.p12 is not there".to_owned())),
        ..Outcome::default()
    };
    answered(&mut stage, Answer::Outcome(samples::flow(), outcome));
    let text = stage.text();
    assert!(
        text.contains("1 done, 1 failed for good (8 shows it): the key file"),
        "{text}"
    );
    assert!(!text.contains("done: 2"), "{text}");
    assert!(text.contains("Why"), "{text}");
    stage.letters("!");
    assert!(stage.text().contains("What failed"), "{}", stage.text());
}

#[test]
fn an_operation_that_failed_without_a_request_is_the_next_problem() {
    let mut stage = Stage::new(ThemeName::Dark, (80, 24));
    let (_, news) = dead();
    stage.happen(Happening::News(news));
    stage.letters("1!");
    assert_eq!(stage.screen.section(), "traffic");
    let text = stage.text();
    let mut lines = text.lines();
    assert!(
        lines.any(|line| line.contains('▌') && line.contains("dead")),
        "{text}"
    );
    stage.press(KeyCode::Enter);
    stage.letters("]");
    let text = stage.text();
    assert!(
        text.contains("Nothing was sent.") && text.contains("keys/google.p12"),
        "{text}"
    );
}

#[test]
fn a_dead_letter_without_a_row_is_found_in_the_journal() {
    let mut stage = Stage::new(ThemeName::Dark, (80, 24));
    let connector = samples::link().connector;
    let states = std::collections::BTreeMap::from([(State::Dead, 1)]);
    let counts = Counts::from([(connector, states)]);
    let quarantines = Vec::new();
    answered(
        &mut stage,
        Answer::Counts {
            last: 0,
            counts,
            quarantines,
        },
    );
    stage.letters("!");
    assert_eq!(stage.screen.section(), "journal");
    assert!(stage.text().contains("[dead]"), "{}", stage.text());
}

#[test]
fn a_dry_run_says_first_what_it_comes_to_and_the_key_row_says_how_to_scroll() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    stage.letters("t");
    stage.press(KeyCode::Enter);
    shows(&mut stage, samples::plan());
    let text = stage.text();
    assert!(text.contains("1 operation at 1 target"), "{text}");
    let row = text.lines().last().unwrap_or_default();
    assert!(row.contains("v scroll"), "{row}");
    stage.press(KeyCode::PageDown);
    let text = stage.text();
    assert!(
        !text.contains("1 operation at 1 target"),
        "a page needs no other key: {text}"
    );

    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    stage.letters("t");
    stage.press(KeyCode::Enter);
    answered(
        &mut stage,
        Answer::Planned(Err("there is a user kim already".to_owned())),
    );
    let text = stage.text();
    assert!(
        text.contains("Would be refused: there is a user kim already"),
        "{text}"
    );
}

#[test]
fn from_the_directory_the_first_field_to_fill_in_has_the_keys_and_escape_leads_back() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    // The sample's user is the last one.
    stage.letters("3Ge");
    let text = stage.text();
    assert!(text.contains("zoë.日本 now"), "{text}");
    assert!(text.contains("contractor"), "the present claims: {text}");
    stage.letters("title=Dr");
    press_button(&mut stage, "[ Dry run ]");
    stage.press(KeyCode::Esc);
    assert!(
        stage.text().contains("Discard what was typed?"),
        "{}",
        stage.text()
    );
    stage.press(KeyCode::BackTab);
    stage.press(KeyCode::Enter);
    assert_eq!(stage.screen.section(), "directory", "{}", stage.text());

    // A role that the user holds is offered first.
    stage.letters("A");
    let text = stage.text();
    assert!(text.contains("‹ Internal/sales ›"), "{text}");
    stage.press(KeyCode::Right);
    assert!(stage.text().contains("(not held)"), "{}", stage.text());
    stage.press(KeyCode::Esc);
    assert_eq!(stage.screen.section(), "directory");
    // From anywhere else it leads nowhere.
    stage.letters("7");
    stage.press(KeyCode::Esc);
    assert_eq!(stage.screen.section(), "trigger");
}

#[test]
fn a_change_of_a_group_shows_its_members_by_name() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("3]");
    assert!(stage.text().contains("zoë.日本"), "{}", stage.text());
    stage.letters("e");
    let text = stage.text();
    for told in ["Join", "Leave", "staff now: 1 member", "zoë.日本"] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    assert!(!text.contains("Members "), "{text}");
    fill(&mut stage, "Leave", |stage| {
        stage.letters("zoë.日本");
    });
    stage.press(KeyCode::Tab);
    let planned = deeds(stage.press(KeyCode::Enter));
    let [Deed::Plan(request)] = planned.as_slice() else {
        panic!("{planned:?}\n{}", stage.text());
    };
    assert!(matches!(&request.change, Change::ChangeGroup { remove, .. } if remove.len() == 1));
}

/// The value that stands in a field of the form, as it is shown.
fn stands(stage: &Stage, label: &str) -> String {
    let text = stage.text();
    let row = text.lines().find_map(|line| {
        let rest = line.trim_start_matches(['│', '▌', ' ']);
        let value = rest
            .strip_prefix(label)?
            .trim_start_matches(['*', '!', '~', ' ']);
        Some(value.split(['│', '┌']).next()?.trim().to_owned())
    });
    row.unwrap_or_else(|| panic!("{label}\n{text}"))
}

/// Fills the form in for something by its name.
fn by_name(stage: &mut Stage, words: &str) {
    // Out of a form that is open, where letters would be typed.
    stage.press(KeyCode::Esc);
    stage.letters(&format!(":trigger: {words}"));
    stage.press(KeyCode::Enter);
}

#[test]
fn whoever_leaves_while_text_is_still_in_the_form_is_asked_first() {
    for by_letter in [false, true] {
        let mut stage = Stage::played(ThemeName::Dark, (100, 40));
        stage.letters("t");
        stage.press(KeyCode::Tab);
        stage.press(KeyCode::Tab);
        stage.letters("kim");
        let leave = |stage: &mut Stage| {
            if by_letter {
                stage.letters("q")
            } else {
                stage.ctrl('c')
            }
        };
        if by_letter {
            // From the root of another section, where `q` is no letter.
            stage.press(KeyCode::BackTab);
            stage.letters("4");
        }
        assert!(deeds(leave(&mut stage)).is_empty());
        let text = stage.text();
        assert!(text.contains("Leave, and lose what was typed?"), "{text}");
        assert!(text.contains("Trigger (Console: add user)"), "{text}");
        // Stay has the keys.
        assert!(deeds(stage.press(KeyCode::Enter)).is_empty());
        assert!(deeds(leave(&mut stage)).is_empty(), "it is asked again");
        stage.press(KeyCode::BackTab);
        assert!(matches!(
            deeds(stage.press(KeyCode::Enter)).as_slice(),
            [Deed::Quit]
        ));
    }
    // Whoever insists goes, and beside unsaved changes there is one question about both.
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("t");
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Tab);
    stage.letters("kim");
    stage.press(KeyCode::BackTab);
    stage.letters("1 ");
    assert!(deeds(stage.ctrl('c')).is_empty());
    let text = stage.text();
    assert!(
        text.contains("Unsaved changes") && text.contains("What was typed in Trigger"),
        "{text}"
    );
    assert!(matches!(deeds(stage.ctrl('c')).as_slice(), [Deed::Quit]));
    // An example that nobody has touched is nobody's work.
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("t");
    assert!(matches!(deeds(stage.ctrl('c')).as_slice(), [Deed::Quit]));
}

#[test]
fn what_happens_to_somebody_begins_with_somebody_who_is_there() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    for words in [
        "change claims",
        "rename a user",
        "delete a user",
        "change a password",
        "assign a role",
    ] {
        by_name(&mut stage, words);
        assert_eq!(stands(&stage, "User"), "ada.l", "{words}: the first");
        // It is seen who that is before anything happens.
        let text = stage.text();
        assert!(text.contains("▌User"), "{words}: {text}");
    }
    by_name(&mut stage, "delete a group");
    assert_eq!(stands(&stage, "Group"), "staff");
    // Who is selected in the Directory comes first.
    stage.press(KeyCode::Esc);
    stage.letters("3G");
    by_name(&mut stage, "change claims");
    assert_eq!(stands(&stage, "User"), "zoë.日本");
    // Another way needs somebody new, and back.
    stage.press(KeyCode::BackTab);
    for _ in 0..9 {
        stage.press(KeyCode::Left);
    }
    assert!(
        stage.text().contains("SCIM API: create user"),
        "{}",
        stage.text()
    );
    let new = stands(&stage, "User");
    assert!(
        !new.is_empty() && new != "zoë.日本" && new != "ada.l",
        "{new}"
    );
    stage.press(KeyCode::Right);
    stage.press(KeyCode::Right);
    stage.press(KeyCode::Right);
    assert_eq!(stands(&stage, "User"), "zoë.日本");
    // Nobody there: that is said, and nothing is made up.
    let mut stage = Stage::new(ThemeName::Dark, (100, 40));
    stage.letters("7");
    let nobody = Offer {
        user: None,
        group: None,
        ..samples::offer()
    };
    answered(&mut stage, Answer::Offer(nobody));
    by_name(&mut stage, "delete a user");
    let text = stage.text();
    assert!(text.contains("There is no user yet"), "{text}");
    by_name(&mut stage, "delete a group");
    assert!(
        stage.text().contains("There is no group yet"),
        "{}",
        stage.text()
    );
}

#[test]
fn what_is_new_is_offered_under_a_name_that_is_free() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    by_name(&mut stage, "create a group");
    assert_eq!(stands(&stage, "Group"), "staff-2", "there is a group staff");
    stage.screen.world.roles.push("Internal/auditor".into());
    by_name(&mut stage, "create a role");
    assert_eq!(stands(&stage, "Role"), "auditor-2");
}

#[test]
fn an_example_gives_way_to_what_is_typed_and_the_mail_follows_the_name() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("3n");
    assert_eq!(stage.screen.section(), "trigger");
    let text = stage.text();
    assert!(
        text.contains("▌User"),
        "it begins at the first field: {text}"
    );
    stage.letters("Zoe");
    assert_eq!(stands(&stage, "User"), "Zoe");
    assert_eq!(stands(&stage, "Mail"), "Zoe@acme.example");
    stage.press(KeyCode::Tab);
    stage.letters("Z");
    assert_eq!(stands(&stage, "Given name"), "Z");
    fill(&mut stage, "Mail", |stage| {
        stage.letters("z@x.example");
    });
    fill(&mut stage, "User", |stage| {
        stage.letters("2");
    });
    assert_eq!(stands(&stage, "User"), "Zoe2");
    assert_eq!(stands(&stage, "Mail"), "z@x.example", "it was typed");
}

#[test]
fn under_a_form_that_is_filled_in_anew_nothing_is_told_of_an_earlier_request() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    handed_in(&mut stage);
    answered(&mut stage, submitted(1, Some("the target answered 503")));
    assert!(stage.text().contains("NOT made"), "{}", stage.text());
    stage.letters("t");
    assert!(!stage.text().contains("NOT made"), "{}", stage.text());
    // Neither is what went well, though it would be told for a while yet.
    stage.press(KeyCode::Enter);
    shows(&mut stage, samples::plan());
    stage.press(KeyCode::Enter);
    answered(&mut stage, submitted(1, None));
    assert!(
        stage.text().contains("done: 1 operation"),
        "{}",
        stage.text()
    );
    stage.letters("7");
    assert!(!stage.text().contains("done: 1"), "{}", stage.text());
}

#[test]
fn on_the_smallest_screen_the_form_begins_at_its_top() {
    let mut stage = Stage::played(ThemeName::Dark, (40, 12));
    stage.letters("t");
    let text = stage.text();
    assert!(text.contains("How") && text.contains("User"), "{text}");
}

#[test]
fn the_key_row_offers_no_more_than_can_be_done() {
    let row = |stage: &Stage| stage.text().lines().last().unwrap_or_default().to_owned();
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("t");
    assert!(row(&stage).contains("t fill in another example"));
    stage.press(KeyCode::Esc);
    assert!(
        row(&stage).contains("t fill in an example"),
        "{}",
        row(&stage)
    );
    // All that would follow fits, so that there is nothing to scroll.
    stage.letters("3GA");
    stage.press(KeyCode::Down);
    let text = stage.text();
    assert!(text.contains("zoë.日本 now"), "{text}");
    assert!(!row(&stage).contains("v scroll"), "{}", row(&stage));
}

#[test]
fn what_would_be_refused_stands_below_the_form_in_which_it_is_mended() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    by_name(&mut stage, "create a group");
    fill(&mut stage, "Members", |stage| {
        stage.letters("nobodyhere");
    });
    press_button(&mut stage, "[ Dry run ]");
    let told = "there is no user nobodyhere".to_owned();
    answered(&mut stage, Answer::Planned(Err(told)));
    let text = stage.text();
    for wanted in [
        "Would be refused: there is no user nobodyhere",
        "Group *",
        "Members",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    // What would follow has the room, as ever.
    press_button(&mut stage, "[ Dry run ]");
    shows(&mut stage, samples::plan());
    assert!(!stage.text().contains("Members"), "{}", stage.text());
}

#[test]
fn the_key_that_finishes_other_forms_finishes_this_one() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("t");
    // Out of a field that letters are typed into.
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Tab);
    assert!(stage.text().contains("▌User"), "{}", stage.text());
    assert!(matches!(deeds(stage.ctrl('s')).as_slice(), [Deed::Plan(_)]));
    assert!(
        deeds(stage.ctrl('s')).is_empty(),
        "nothing is done before that was seen"
    );
    shows(&mut stage, samples::plan());
    assert!(matches!(
        deeds(stage.ctrl('s')).as_slice(),
        [Deed::Submit(_)]
    ));
    // What is missing is said at its field.
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    by_name(&mut stage, "rename a user");
    assert!(deeds(stage.ctrl('s')).is_empty());
    assert!(
        stage.text().contains("New name is required"),
        "{}",
        stage.text()
    );
    // Unsaved changes of the file are what it saves.
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("1 7");
    let done = deeds(stage.ctrl('s'));
    let is_trigger = |deed: &Deed| matches!(deed, Deed::Plan(_) | Deed::Submit(_));
    assert!(!done.is_empty() && !done.iter().any(is_trigger), "{done:?}");
}
