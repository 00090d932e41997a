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
use crate::seat::Submitted;
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening, Query};

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
        rejected: rejected.map(str::to_owned),
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
    answered(&mut stage, Answer::Counts { last: 0, counts });
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
    for told in ["Join", "Leave", "staff now: 1 member(s)", "zoë.日本"] {
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
