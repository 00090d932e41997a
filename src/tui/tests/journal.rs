//! The operations by state, what is done with several of them, and connectors that are left alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyCode;
use domain::{Brake, Confirmation, OperationId, Reason, Verb};
use engine::{Counts, EngagedBrake, Fact, Life, News, OperationView, Record, Settlement, State};
use uuid::Uuid;

use super::Stage;
use super::updates::deeds;
use crate::samples;
use crate::screen::Order;
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening, Query, Safeguards};

fn stage() -> Stage {
    Stage::played(ThemeName::Dark, (80, 24))
}

fn answered(stage: &mut Stage, answer: Answer) {
    stage.happen(Happening::Answer(Box::new(answer)));
}

/// Lets the engine tell a fact; returns what is to be done.
fn fact(stage: &mut Stage, seq: u64, fact: Fact) -> Vec<Order> {
    let at = samples::instant(5);
    let flow = None;
    let record = Record {
        seq,
        at,
        flow,
        fact,
    };
    let news = vec![News::Fact(Arc::new(record))];
    stage.screen.update(Happening::News(news))
}

/// A connector comes into quarantine, or so many of its probes have failed.
fn quarantined(stage: &mut Stage, seq: u64, probes: u32) {
    let quarantine = Box::new(samples::quarantine(probes));
    fact(stage, seq, Fact::Quarantined { quarantine });
}

fn released(stage: &mut Stage, seq: u64) {
    let released = Fact::ConnectorReleased {
        connector: samples::quarantine(0).connector,
        reason: Reason::Quarantined,
        detail: "a probe went well".to_owned(),
    };
    fact(stage, seq, released);
}

#[track_caller]
fn shows(stage: &Stage, wanted: &str, others: &[&str]) {
    let text = stage.text();
    assert!(text.contains(wanted), "{wanted}: {text}");
    for other in others {
        assert!(!text.contains(other), "{other}: {text}");
    }
}

#[test]
fn a_quarantine_is_told_wherever_one_is_and_so_are_its_probes_and_its_end() {
    let mut stage = stage();
    quarantined(&mut stage, 100, 0);
    shows(&stage, "x corp-scim/scim2 is in quarantine: ", &[]);
    // Not seen yet, it says what the probe met.
    quarantined(&mut stage, 101, 1);
    let met = "corp-scim/scim2 was probed: the target answered 401";
    shows(&stage, met, &[]);
    stage.letters("!");
    for wanted in [met, "is in quarantine", "Nothing is sent there", "Q names"] {
        shows(&stage, wanted, &[]);
    }
    stage.press(KeyCode::Esc);
    shows(&stage, "outbound", &["quarantine"]);
    quarantined(&mut stage, 102, 2);
    shows(&stage, met, &[]);
    released(&mut stage, 103);
    let over = "corp-scim/scim2 is out of quarantine and goes on (a probe went well)";
    shows(&stage, over, &[met]);
    // One that was not seen goes with its end.
    quarantined(&mut stage, 104, 0);
    released(&mut stage, 105);
    shows(&stage, over, &["is in quarantine"]);
    let messages: Vec<&str> = stage
        .screen
        .events
        .iter()
        .map(|one| one.text.as_str())
        .collect();
    for wanted in [" is in quarantine: ", met, over] {
        assert!(
            messages.iter().any(|one| one.contains(wanted)),
            "{messages:?}"
        );
    }
    // Nothing failed that was asked for here: line by line it is no reason for an exit code.
    assert!(stage.screen.events.iter().all(|one| !one.is_failure));
}

#[test]
fn a_quarantine_that_was_there_before_the_screen_is_told_when_it_opens() {
    let mut stage = Stage::new(ThemeName::Dark, (80, 24));
    let counts = Answer::Counts {
        last: 7,
        counts: BTreeMap::new(),
        quarantines: vec![samples::quarantine(2)],
    };
    answered(&mut stage, counts);
    shows(&stage, "x corp-scim/scim2 is in quarantine: ", &[]);
}

#[test]
fn what_waits_for_a_probe_is_called_so_and_the_ways_out_have_their_names() {
    let mut stage = stage();
    stage.letters("8");
    shows(&stage, "retrying in ", &["waits for a probe"]);
    assert!(stage.screen.wakes().is_some(), "it is counted down");
    quarantined(&mut stage, 100, 0);
    stage.press(KeyCode::Esc);
    // One that is to be tried again and one in doubt, whose times come before the probe.
    let text = stage.text();
    assert_eq!(text.matches("waits for a probe").count(), 2, "{text}");
    shows(&stage, "held paused", &["retrying in ", "in doubt in "]);

    let known = Safeguards {
        quarantines: vec![samples::quarantine(0)],
        ..Safeguards::default()
    };
    answered(&mut stage, Answer::Safeguards(Box::new(known)));
    let next = stage.screen.world.time(samples::instant(61));
    let banner = format!("is in quarantine, next probe {next} (Q: probe, release)");
    shows(&stage, &banner, &[]);
    stage.letters("Q");
    shows(&stage, "[ Release ]", &["Go on"]);
}

/// A brake that has engaged and keeps so many operations.
fn braked(stage: &mut Stage, kept: usize) {
    let brake = EngagedBrake {
        connector: samples::quarantine(0).connector,
        brake: Brake::Deletes,
        since: samples::instant(1),
        counted: 21,
        accounts: 100,
        percent: 10,
        count: 20,
        window: Duration::from_hours(1),
    };
    let known = Safeguards {
        quarantines: vec![samples::quarantine(0)],
        brakes: vec![(brake, kept)],
        groups: Vec::new(),
    };
    stage.screen.world.board.operations_version += 1;
    stage.screen.update(Happening::Tick);
    let answer = Answer::Safeguards(Box::new(known));
    stage.screen.update(Happening::Answer(Box::new(answer)));
}

#[test]
fn what_is_left_alone_or_kept_is_told_to_its_end_at_80_columns() {
    let mut stage = stage();
    stage.letters("8");
    braked(&mut stage, 19);
    let text = stage.text();
    let told = text.replace('│', " ");
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in [
        "the target refused the credentials of 3 operations running",
        "corp-scim/scim2 brake on deletes (B: approve, reject): 19 operations kept until somebody approves",
    ] {
        assert!(told.contains(wanted), "{wanted}: {text}");
    }
    stage.letters("B");
    shows(&stage, "[ Reject: give them up ]", &["Let go"]);
}

#[test]
fn a_brake_that_keeps_nothing_is_approved_for_what_comes_and_nothing_is_given_up() {
    let mut stage = stage();
    stage.letters("8");
    braked(&mut stage, 0);
    shows(&stage, "nothing is kept", &["0 operations"]);
    stage.letters("B");
    shows(
        &stage,
        "[ Approve what comes ]",
        &["0 operations", "give them up"],
    );
}

#[test]
fn in_40_columns_a_row_says_what_is_done_to_whom() {
    let mut stage = Stage::played(ThemeName::Dark, (40, 12));
    stage.letters("8");
    let text = stage.text();
    let one = &samples::operations()[1];
    let row = text.lines().find(|row| row.contains("retrying"));
    let row = row.unwrap_or_else(|| panic!("{text}"));
    for wanted in [one.verb.word().to_owned(), one.name.to_string()] {
        assert!(row.contains(&wanted), "{wanted}: {text}");
    }
}

#[test]
fn the_keys_mean_what_is_marked_and_who_cancels_has_the_marks_still() {
    let mut stage = stage();
    // One that failed for good and one in doubt; the selected one is settled.
    stage.letters("8jj jj g");
    shows(&stage, "2 marked", &[]);
    assert!(deeds(stage.letters("r")).is_empty());
    shows(&stage, "Tried again now: 2 operations", &[]);
    stage.press(KeyCode::Enter);
    shows(&stage, "2 marked", &["Tried again now"]);
    stage.letters("D");
    shows(&stage, "Discard 2 operations?", &[]);
    stage.press(KeyCode::Esc);
    shows(&stage, "2 marked", &["Discard 2"]);
    // One that is marked and cannot be tried again is left out.
    stage.letters("jjj g");
    shows(&stage, "3 marked", &[]);
    stage.letters("r");
    shows(&stage, "Tried again now: 2 operations", &[]);
    stage.press(KeyCode::BackTab);
    let done = deeds(stage.press(KeyCode::Enter));
    let all = samples::operations();
    let [Deed::Retry(retried)] = &done[..] else {
        panic!("{done:?}");
    };
    assert_eq!(retried[..], [all[2].operation, all[4].operation]);
    shows(&stage, "[ ] states", &["marked"]);
}

#[test]
fn what_was_dead_before_the_screen_and_is_taken_up_again_is_counted_again() {
    let mut stage = Stage::new(ThemeName::Dark, (80, 24));
    let connector = samples::link().connector;
    let counts = |last: u64, states: &[(State, u64)]| Answer::Counts {
        last,
        counts: Counts::from([(connector.clone(), states.iter().copied().collect())]),
        quarantines: Vec::new(),
    };
    let counting = |orders: &[Order]| {
        let is_count = |order: &&Order| matches!(order, Order::Ask(Query::Counts));
        orders.iter().filter(is_count).count()
    };
    let answer = |stage: &mut Stage, answer: Answer| {
        stage.screen.update(Happening::Answer(Box::new(answer)));
    };
    answer(&mut stage, counts(10, &[(State::Dead, 9)]));
    let operation = OperationId(Uuid::from_u128(77));
    let then = Life::Queued;
    let orders = fact(&mut stage, 11, Fact::Retried { operation, then });
    assert_eq!(counting(&orders), 1);
    answer(
        &mut stage,
        counts(11, &[(State::Dead, 8), (State::Queued, 1)]),
    );
    let board = &stage.screen.world.board;
    assert_eq!((board.count(State::Dead), board.owed()), (8, 1));
    // It is counted again until it has ended.
    let started = Fact::AttemptStarted {
        operation,
        number: 2,
        verb: Verb::Create,
        password: None,
    };
    assert_eq!(counting(&fact(&mut stage, 12, started)), 1);
    answer(
        &mut stage,
        counts(12, &[(State::Dead, 8), (State::InFlight, 1)]),
    );
    let settled = || Fact::Settled {
        operation,
        attempts: 2,
        outcome: Settlement::Confirmed(Confirmation::Created),
    };
    assert_eq!(counting(&fact(&mut stage, 13, settled())), 1);
    answer(
        &mut stage,
        counts(13, &[(State::Dead, 8), (State::Settled, 1)]),
    );
    assert_eq!(stage.screen.world.board.owed(), 0);
    assert_eq!(counting(&fact(&mut stage, 14, settled())), 0);
}

/// Lets the journal be read: operations of these numbers, the newest first.
fn read(stage: &mut Stage, numbers: std::ops::Range<u128>) {
    let sample = samples::operations().swap_remove(0);
    let list: Vec<OperationView> = numbers
        .rev()
        .map(|number| OperationView {
            seq: u64::try_from(number).unwrap(),
            operation: OperationId(Uuid::from_u128(number)),
            ..sample.clone()
        })
        .collect();
    stage.screen.world.board.operations_version += 1;
    stage.screen.update(Happening::Tick);
    let answer = Answer::Operations {
        state: None,
        before: None,
        list,
    };
    stage.screen.update(Happening::Answer(Box::new(answer)));
}

#[test]
fn newer_operations_above_are_told_of_and_who_never_left_the_newest_comes_back_to_it() {
    let mut stage = stage();
    stage.letters("8");
    read(&mut stage, 0..30);
    assert!(!stage.text().contains(" newer"), "{}", stage.text());
    // What is selected stays selected while somebody looks.
    read(&mut stage, 0..60);
    shows(&stage, "↑14 newer", &[]);
    stage.letters("18");
    shows(&stage, "[all]", &[" newer"]);

    // Somebody went down, and finds the row again.
    stage.letters("j");
    read(&mut stage, 0..90);
    shows(&stage, "↑15 newer", &[]);
    stage.letters("18");
    shows(&stage, "↑15 newer", &[]);
    stage.letters("g");
    shows(&stage, "[all]", &[" newer"]);

    // What came while another section was shown is read when somebody is back.
    stage.letters("1");
    stage.screen.world.board.operations_version += 1;
    let key = crate::keymap::Key::letter('8');
    stage.screen.update(Happening::Key(key));
    read(&mut stage, 0..120);
    shows(&stage, "[all]", &[" newer"]);
}
