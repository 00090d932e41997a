//! A directory larger than what was read, and what differs at the targets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyCode;
use engine::{Fact, News, Record, Tally};
use uuid::Uuid;

use super::Stage;
use super::updates::{deeds, press_button};
use crate::keymap::Key;
use crate::samples;
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening};
use crate::work::{Stage as WorkStage, Whom, Work};

fn answered(stage: &mut Stage, answer: Answer) {
    stage.happen(Happening::Answer(Box::new(answer)));
}

/// A directory of 3,002 users, three of whom were read; some differ at a target.
fn large(differing: BTreeSet<domain::LocalRef>) -> Answer {
    let Answer::Directory {
        after,
        users,
        groups,
        roles,
        ..
    } = samples::directory()
    else {
        panic!("the sample is a directory");
    };
    Answer::Directory {
        after,
        users,
        groups,
        roles,
        count: 3_002,
        differing,
    }
}

fn whom(stage: &mut Stage) -> Whom {
    press_button(stage, "[ Go on ]");
    assert!(
        stage.text().contains("Trigger for many?"),
        "{}",
        stage.text()
    );
    stage.press(KeyCode::BackTab);
    let begun = deeds(stage.press(KeyCode::Enter));
    match begun.as_slice() {
        [Deed::Bulk { whom, .. }] => whom.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_search_finds_users_that_were_not_read_and_a_bulk_trigger_is_about_all_that_match() {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    stage.letters("3");
    answered(&mut stage, large(BTreeSet::new()));
    stage.letters("B");
    assert!(
        stage.text().contains("3002 users: ada.l"),
        "{}",
        stage.text()
    );
    assert_eq!(
        whom(&mut stage),
        Whom::All {
            search: String::new(),
            count: 3_002
        }
    );
    stage.letters("/V30");
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(text.contains("v300") && !text.contains("ada.l"), "{text}");
    assert!(
        text.contains("12 of 3002 users match, 2 of them read"),
        "{text}"
    );
    // The end of the list reads on.
    stage.letters("Gj");
    assert!(stage.text().contains("v303"), "{}", stage.text());
    stage.letters("B");
    assert!(stage.text().contains("12 users: v300"), "{}", stage.text());
    assert_eq!(
        whom(&mut stage),
        Whom::All {
            search: "v30".to_owned(),
            count: 12
        }
    );
    // A mark stays when the search goes, and is enough.
    stage.letters("G ");
    stage.press(KeyCode::Esc);
    stage.letters("B");
    match whom(&mut stage) {
        Whom::Named(names) => assert_eq!(names, [domain::QualifiedName::new("v303")]),
        other @ Whom::All { .. } => panic!("{other:?}"),
    }
    stage.letters("/nobody");
    stage.press(KeyCode::Enter);
    assert!(
        stage.text().contains("Nothing of that name"),
        "{}",
        stage.text()
    );
}

#[test]
fn those_that_are_not_as_they_should_be_have_a_sign_and_values_say_when_they_were_written() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("3G");
    answered(&mut stage, large(BTreeSet::from([samples::local()])));
    let text = stage.text();
    assert!(text.contains("! zoë"), "{text}");
    assert!(!text.contains("! ada.l"), "{text}");
    assert!(text.contains("At the targets  as last written"), "{text}");
    let written = stage.screen.world.moment(samples::instant(4));
    let mut lines = text.lines();
    assert!(
        lines.any(|line| line.contains("1893 (zoë") && line.contains(&written)),
        "{text}"
    );
}

#[test]
fn that_accounts_are_compared_is_told_at_once_and_when_they_were_stays_to_be_seen() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("3G");
    let compared = deeds(stage.letters("c"));
    assert!(matches!(&compared[..], [Deed::Compare(_)]), "{compared:?}");
    let text = stage.text();
    assert!(
        text.contains("comparing everybody's accounts at "),
        "{text}"
    );
    assert!(
        text.contains("At the targets  being compared since "),
        "{text}"
    );
    assert!(deeds(stage.letters("c")).is_empty(), "once at a time");
    let ended = |whole: bool| Record {
        seq: if whole { 101 } else { 102 },
        at: samples::instant(7),
        flow: None,
        fact: Fact::ReconcileEnded {
            run: domain::RunId(Uuid::from_u128(1)),
            connector: samples::link().connector,
            tally: Box::new(Tally {
                fresh: u64::from(!whole),
                ..Tally::default()
            }),
        },
    };
    let at = stage.screen.world.moment(samples::instant(7));
    let told = format!("compared with what is there {at}");
    for (whole, rest) in [(true, ""), (false, ", but not all accounts there")] {
        let news = vec![News::Fact(Arc::new(ended(whole)))];
        stage.happen(Happening::News(news));
        let text = stage.text();
        let mut lines = text.lines();
        let line = lines.find(|line| line.contains(&told));
        let line = line.unwrap_or_default();
        assert!(line.contains(&format!("{told}{rest}")), "{text}");
        assert_eq!(line.contains("but not all"), !whole, "{text}");
    }
    let said = "21 accounts compared, 0 not as they should be".to_owned();
    answered(&mut stage, Answer::Compared(Ok(said.clone())));
    let text = stage.text();
    assert!(text.contains(&said), "{text}");
    assert!(text.contains("c compares with what is there"), "{text}");
    // That none could be is an end, too.
    for _ in 0..2 {
        assert_eq!(deeds(stage.letters("c")).len(), 1);
        answered(
            &mut stage,
            Answer::Compared(Err("no engine runs".to_owned())),
        );
    }
}

#[test]
fn a_run_that_goes_on_is_told_before_an_older_failure_and_ctrl_c_right_behind_its_end_does_not_leave()
 {
    let mut stage = Stage::played(ThemeName::Dark, (100, 40));
    answered(
        &mut stage,
        Answer::Done(Err("the port is taken".to_owned())),
    );
    let mut work = Work::begin("Delete for 40 users".to_owned());
    (work.done, work.all) = (16, Some(40));
    answered(&mut stage, Answer::Work(work.clone()));
    let text = stage.text();
    assert!(
        text.contains("40 %") && text.contains("! shows what failed"),
        "{text}"
    );
    stage.letters("!");
    assert!(
        stage.text().contains("the port is taken"),
        "{}",
        stage.text()
    );
    stage.press(KeyCode::Esc);
    work.stopping = true;
    answered(&mut stage, Answer::Work(work.clone()));
    assert!(
        stage.text().contains("stopping, 1 begun and waited for"),
        "{}",
        stage.text()
    );
    work.stage = WorkStage::Ended;
    work.told = "40 of 40: 40 made, 80 operations, 0 failed".to_owned();
    answered(&mut stage, Answer::Work(work));
    for _ in 0..2 {
        assert!(
            deeds(stage.ctrl('c')).is_empty(),
            "it was meant for the run"
        );
        let text = stage.text();
        assert!(
            text.contains("nothing to stop any more: Delete for 40"),
            "{text}"
        );
    }
    stage.screen.world.passed += Duration::from_secs(4);
    assert!(matches!(deeds(stage.ctrl('c')).as_slice(), [Deed::Quit]));
}

#[test]
fn what_is_searched_for_is_shown_while_it_hides_anything_and_ends_with_its_list() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    stage.letters("3g ");
    stage.letters("/bob");
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(text.contains("1 of 3 users · 1 marked"), "{text}");
    let is_word = |line: &str| line.trim().starts_with('/') && line.trim().ends_with("bob");
    assert!(text.lines().any(is_word), "{text}");
    assert!(!text.contains("ada.l"), "its mark is counted all the same");
    stage.letters("]");
    let text = stage.text();
    assert!(text.contains("staff") && !text.contains("bob"), "{text}");
    stage.letters("[");
    let text = stage.text();
    assert!(
        text.contains("ada.l") && text.contains("3 users · 1 marked"),
        "{text}"
    );
}

#[test]
fn what_the_sign_asks_for_is_in_the_key_row_however_narrow_it_is() {
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    let row = |stage: &Stage| stage.text().lines().last().unwrap_or_default().to_owned();
    stage.letters("3G");
    // Enter opens what is not open yet.
    assert!(row(&stage).contains("Enter open"), "{}", row(&stage));
    stage.press(KeyCode::Enter);
    assert!(!row(&stage).contains("Enter open"), "{}", row(&stage));
    stage.press(KeyCode::Esc);
    let link = samples::link();
    let divergence = domain::Divergence {
        connector: link.connector.clone(),
        local: link.local,
        name: "zoe".into(),
        remote_id: link.remote_id.clone(),
        remote_name: link.remote_name.clone(),
        condition: domain::Condition::Missing,
    };
    let drift = engine::DriftView {
        at: link.since,
        divergence,
    };
    let found = Answer::Links(
        samples::local(),
        vec![link],
        vec![drift],
        std::collections::BTreeMap::new(),
    );
    answered(&mut stage, found);
    for size in [(40, 12), (80, 24)] {
        stage.size = size;
        let row = row(&stage);
        assert!(row.starts_with(" x differs"), "{row}");
    }
    stage.letters("x");
    let text = stage.text();
    assert!(text.contains("What differs of zoe"), "{text}");
}

#[test]
fn of_whom_the_list_says_that_they_differ_the_row_says_so_before_it_is_read_how() {
    let Answer::Directory { users, .. } = samples::directory() else {
        panic!("the sample is a directory");
    };
    let mut stage = Stage::played(ThemeName::Dark, (80, 24));
    stage.letters("3G");
    let middle = domain::LocalRef::User(users[1].id);
    answered(&mut stage, large(BTreeSet::from([middle])));
    // What is asked now is not answered.
    for (letter, told) in [
        ('k', " x differs  / search"),
        ('x', "what differs is still being read"),
    ] {
        stage.screen.update(Happening::Key(Key::letter(letter)));
        let text = stage.text();
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn the_row_of_keys_names_those_that_change_the_list() {
    for size in [(80, 24), (160, 50)] {
        let mut stage = Stage::played(ThemeName::Dark, size);
        let row = |stage: &Stage| stage.text().lines().last().unwrap_or_default().to_owned();
        stage.letters("3");
        assert!(row(&stage).contains("[ ] lists"), "{}", stage.text());
        stage.letters("]");
        assert!(row(&stage).contains("[ ] lists"), "{}", stage.text());
        // They are letters where something is typed.
        stage.letters("/");
        assert!(!row(&stage).contains("lists"), "{}", stage.text());
    }
}
