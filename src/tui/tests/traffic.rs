//! Traffic, Journal and Log: what is shown while things come, and what is told of what is past.

use std::ops::Range;
use std::sync::Arc;

use crossterm::event::KeyCode;
use domain::{FlowId, OperationId, Purpose};
use engine::{Fact, News, Record};
use uuid::Uuid;

use super::Stage;
use crate::action::Whose;
use crate::keymap::Key;
use crate::samples;
use crate::screen::Order;
use crate::seat::Submitted;
use crate::stream::{Row, WINDOW};
use crate::theme::ThemeName;
use crate::wish::{Answer, Happening, Query};

fn stage() -> Stage {
    Stage::played(ThemeName::Dark, (80, 24))
}

/// Lets requests of a flow end, each with its number in the journal.
fn arrive(stage: &mut Stage, flow: FlowId, numbers: Range<u64>) {
    let ended = samples::records()
        .into_iter()
        .find(|record| matches!(record.fact, Fact::ExchangeRecorded { .. }))
        .unwrap();
    let news = numbers.map(|seq| {
        News::Fact(Arc::new(Record {
            seq,
            flow: Some(flow),
            ..ended.clone()
        }))
    });
    stage.happen(Happening::News(news.collect()));
}

fn requests(stage: &Stage) -> usize {
    let text = stage.text();
    text.lines().filter(|line| line.contains("POST")).count()
}

#[test]
fn held_tells_what_came_since_and_not_what_was_read_back() {
    let mut stage = stage();
    stage.press(KeyCode::Up);
    arrive(&mut stage, samples::flow(), 20..23);
    assert!(stage.text().contains("HELD +3"), "{}", stage.text());
    let rows = vec![samples::row("a/b", "create", "old", Some(200), 1, 1)];
    let older = Answer::Older {
        rows,
        is_all: false,
    };
    stage.happen(Happening::Answer(Box::new(older)));
    let text = stage.text();
    assert!(
        text.contains("HELD +3") && text.contains("7 rows"),
        "{text}"
    );
    stage.press(KeyCode::End);
    let text = stage.text();
    assert!(text.contains("FOLLOW  7 rows"), "{text}");
}

#[test]
fn an_older_window_that_came_already_is_not_shown_twice() {
    let mut stage = stage();
    arrive(&mut stage, samples::flow(), 20..22);
    let oldest = stage.screen.world.board.stream.oldest().unwrap();
    let row = |seq: u64| crate::stream::Row {
        seq: Some(seq),
        ..samples::row("a/b", "create", "old", Some(200), 1, 1)
    };
    let older = Answer::Older {
        rows: vec![row(oldest - 1), row(oldest), row(oldest + 1)],
        is_all: true,
    };
    assert!(stage.text().contains("5 rows"), "{}", stage.text());
    stage.happen(Happening::Answer(Box::new(older)));
    assert!(stage.text().contains("6 rows"), "{}", stage.text());
}

#[test]
fn while_paused_nothing_new_is_drawn_and_nothing_is_lost() {
    let mut stage = stage();
    stage.press(KeyCode::Char(' '));
    let before = requests(&stage);
    arrive(&mut stage, samples::flow(), 20..25);
    assert!(stage.text().contains("PAUSED +5"), "{}", stage.text());
    assert_eq!(requests(&stage), before);
    stage.press(KeyCode::Char(' '));
    assert_eq!(requests(&stage), before + 5);
}

#[test]
fn only_marked_rows_are_shown_and_the_same_key_shows_all_again() {
    let mut stage = stage();
    stage.letters("m");
    stage.letters("M");
    assert!(stage.text().contains("1 of 3 match"), "{}", stage.text());
    stage.letters("m");
    assert!(stage.text().contains("0 of 3 match"), "{}", stage.text());
    stage.letters("M");
    assert!(stage.text().contains("3 rows"), "{}", stage.text());
}

#[test]
fn a_flow_without_a_row_is_waited_for_and_no_other_is_shown_in_its_place() {
    let mut stage = stage();
    let flow = FlowId(Uuid::from_u128(99));
    submitted(&mut stage, flow);
    assert_eq!(stage.screen.section(), "traffic");
    let head = |stage: &Stage| stage.text().lines().next().unwrap_or_default().to_owned();
    assert!(!head(&stage).contains("Why"), "{}", stage.text());
    arrive(&mut stage, flow, 20..21);
    assert!(head(&stage).contains("Why"), "{}", stage.text());
}

/// Says that a request was handed in line by line, and of how many operations it is.
fn submitted(stage: &mut Stage, flow: FlowId) {
    let submitted = Submitted {
        flow,
        operations: 1,
        braked: 0,
        rejected: None,
    };
    let answer = Answer::Submitted(Ok(submitted));
    stage.happen(Happening::Answer(Box::new(answer)));
}

/// Lets it be decided that at one connector nothing is to be done in a flow.
fn left_out(stage: &mut Stage, flow: FlowId, seq: u64) {
    let decided = samples::records()
        .into_iter()
        .find(|record| matches!(record.fact, Fact::Decided { .. }))
        .unwrap();
    let record = Record {
        seq,
        flow: Some(flow),
        ..decided
    };
    stage.happen(Happening::News(vec![News::Fact(Arc::new(record))]));
}

/// Closes what is open over the list, and returns the row that is selected there.
fn selected(stage: &mut Stage) -> String {
    let head = stage.text().lines().next().unwrap_or_default().to_owned();
    assert!(head.contains("Traffic ▸ W"), "{}", stage.text());
    stage.press(KeyCode::Esc);
    let text = stage.text();
    let row = text.lines().find(|line| line.contains('▌'));
    row.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn why_is_of_what_was_done_and_not_of_what_was_left_out() {
    let flow = FlowId(Uuid::from_u128(99));
    // Whichever came last.
    let mut stage = stage();
    arrive(&mut stage, flow, 20..21);
    left_out(&mut stage, flow, 21);
    submitted(&mut stage, flow);
    let row = selected(&mut stage);
    assert!(row.contains("POST"), "{row}");
    // What was left out is there at once, what is done a moment later.
    for does_something in [false, true] {
        let mut stage = self::stage();
        left_out(&mut stage, flow, 20);
        submitted(&mut stage, flow);
        if does_something {
            stage.letters("]");
        }
        arrive(&mut stage, flow, 21..22);
        let row = selected(&mut stage);
        let wanted = if does_something { "skip" } else { "POST" };
        assert!(row.contains(wanted), "{row}");
    }
}

#[test]
fn the_journal_leads_to_the_request_of_the_operation_that_is_selected() {
    let of_another = |stage: &mut Stage, operation, seq| {
        let mut record = samples::records()
            .into_iter()
            .find(|record| matches!(record.fact, Fact::ExchangeRecorded { .. }))
            .unwrap();
        record.seq = seq;
        if let Fact::ExchangeRecorded { operation: of, .. } = &mut record.fact {
            *of = Some(operation);
        }
        stage.happen(Happening::News(vec![News::Fact(Arc::new(record))]));
    };
    let mut stage = stage();
    // The newest row of the flow is of another operation.
    of_another(&mut stage, OperationId(Uuid::from_u128(77)), 20);
    stage.letters("8o");
    let row = selected(&mut stage);
    assert!(row.contains("201"), "{row}");
    // One without a row is waited for, and no other is shown in its place.
    stage.letters("8jo");
    let text = stage.text();
    assert!(
        text.contains("none of these rows is of that operation"),
        "{text}"
    );
    let second = samples::operations()[1].operation;
    of_another(&mut stage, second, 21);
    let row = selected(&mut stage);
    assert!(row.contains("503"), "{row}");
}

#[test]
fn where_nothing_was_sent_it_says_so_and_why() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.press(KeyCode::Home);
    let text = stage.text();
    assert!(text.contains("Wire  nothing was sent"), "{text}");
    assert!(text.contains("Nothing was sent."), "{text}");
    assert!(text.contains("The rules do not permit it."), "{text}");
    assert!(!text.contains("try 0"), "{text}");
}

#[test]
fn an_operation_that_recovered_tells_its_error_as_past() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("8");
    let text = stage.text();
    let line = |word: &str| {
        let found = text.lines().find(|line| line.contains(word));
        found.unwrap_or_else(|| panic!("{word}\n{text}"))
    };
    assert!(line(" settled  ").contains("recovered after: target-error"));
    assert!(!line(" retrying ").contains("recovered"));
    assert!(text.contains("nothing is owed now · settled 1"), "{text}");
}

#[test]
fn the_end_of_a_text_is_a_page_of_it_and_one_key_goes_one_line_up() {
    let mut stage = stage();
    stage.letters("8");
    stage.press(KeyCode::Enter);
    let begin = stage.text();
    stage.letters("G");
    let end = stage.text();
    assert!(end.contains("the caller"), "{end}");
    let is_filled = |line: &&str| !line.trim_matches(['│', ' ']).is_empty();
    let filled = end.lines().filter(is_filled).count();
    assert!(filled > 15, "a page, and not its last line alone: {end}");
    stage.letters("k");
    assert_ne!(stage.text(), end);
    stage.letters("g");
    assert_eq!(stage.text(), begin);
}

#[test]
fn the_log_comes_by_itself_and_its_end_is_shown_until_somebody_goes_up() {
    let mut stage = stage();
    stage.letters("9");
    assert!(
        stage.text().contains("a target is slow"),
        "{}",
        stage.text()
    );
    let orders = stage.screen.update(Happening::Logged);
    assert!(
        matches!(orders.as_slice(), [Order::Ask(Query::Log)]),
        "it is read again because something was logged"
    );
    let lines = |count: usize| {
        let lines = (1..=count).map(|nth| format!("INFO line {nth}.")).collect();
        Happening::Answer(Box::new(Answer::Log(lines)))
    };
    stage.happen(lines(100));
    assert!(stage.text().contains("line 100."), "{}", stage.text());
    stage.press(KeyCode::Home);
    assert!(stage.text().contains("line 1."), "{}", stage.text());
    stage.happen(lines(101));
    assert!(
        stage.text().contains("line 1."),
        "it stays where it was put"
    );
    stage.press(KeyCode::End);
    assert!(stage.text().contains("line 101."), "{}", stage.text());
}

#[test]
fn an_empty_log_says_why_and_what_to_do() {
    let mut stage = stage();
    stage.letters("9");
    let nothing = Happening::Answer(Box::new(Answer::Log(Vec::new())));
    stage.happen(nothing);
    let text = stage.text();
    assert!(text.contains("Nothing was logged since"), "{text}");
    assert!(text.contains("OUTBOUND_LOG=debug"), "{text}");
}

#[test]
fn a_marked_row_keeps_its_whole_time() {
    for (size, time) in [((80, 24), "20:26:42*"), ((160, 50), "20:26:42.000*")] {
        let mut stage = Stage::played(ThemeName::Dark, size);
        stage.letters("m");
        assert!(stage.text().contains(time), "{}", stage.text());
        stage.letters("8 ");
        assert!(
            stage.text().contains("20:26:40* settled"),
            "{}",
            stage.text()
        );
    }
}

#[test]
fn the_target_tells_what_a_write_changed_and_that_a_token_changes_nothing() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    let text = stage.text();
    assert!(text.contains("What this operation changed"), "{text}");
    assert!(
        !text.contains("differs from what was last written"),
        "{text}"
    );
    let mut token = samples::records()
        .into_iter()
        .find(|record| matches!(record.fact, Fact::ExchangeRecorded { .. }))
        .unwrap();
    token.seq = 30;
    if let Fact::ExchangeRecorded { exchange, .. } = &mut token.fact {
        exchange.purpose = Purpose::Token;
        "http://127.0.0.1:9103/token".clone_into(&mut exchange.url);
    }
    stage.happen(Happening::News(vec![News::Fact(Arc::new(token))]));
    let text = stage.text();
    assert!(
        text.contains("It asks for a token: nothing changes"),
        "{text}"
    );
    assert!(!text.contains("What this operation changed"), "{text}");
}

/// Says whether the panel that is shown offers to try the selected operation again.
fn offers_retry(stage: &Stage) -> bool {
    let here = Whose::Panel(stage.screen.section());
    let offered = stage.screen.everything();
    offered
        .iter()
        .any(|(action, whose)| action.id == "retry" && *whose == here)
}

#[test]
fn only_what_the_engine_would_try_again_is_offered_to_be() {
    let mut stage = Stage::new(ThemeName::Dark, (160, 50));
    let orders = stage.screen.begin();
    stage.answer(orders);
    let mut news = samples::news();
    let later = news.split_off(7);
    stage.happen(Happening::News(news));
    assert!(
        offers_retry(&stage),
        "it failed, and waits for its next attempt"
    );
    stage.happen(Happening::News(later));
    assert!(!offers_retry(&stage), "it is settled");
    // Settled, retrying, dead, held, in doubt.
    stage.letters("8");
    let offered: Vec<bool> = (0..5)
        .map(|_| {
            let offers = offers_retry(&stage);
            stage.letters("j");
            offers
        })
        .collect();
    assert_eq!(offered, [false, true, true, false, true]);
}

#[test]
fn the_next_problem_is_on_the_command_line_what_nobody_tries_again() {
    let stage = stage();
    let offered = stage.screen.everything();
    let (action, _) = offered.iter().find(|(one, _)| one.id == "problem").unwrap();
    assert_eq!(action.command.as_deref(), Some("outbound journal dead"));
}

#[test]
fn the_states_do_not_change_behind_why_and_enter_is_offered_where_it_opens_something() {
    let mut stage = stage();
    let row = |stage: &Stage| stage.text().lines().last().unwrap_or_default().to_owned();
    stage.letters("8");
    stage.press(KeyCode::Enter);
    let why = stage.text();
    stage.letters("]");
    assert_eq!(stage.text(), why);
    stage.press(KeyCode::Esc);
    assert!(stage.text().contains("[all]"), "{}", stage.text());
    stage.letters("4");
    assert!(row(&stage).contains("Enter detail"), "{}", row(&stage));
    stage.press(KeyCode::Enter);
    assert!(!row(&stage).contains("Enter"), "{}", row(&stage));
}

#[test]
fn what_a_mock_noted_is_not_told_of_a_target_that_is_none() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    assert!(
        stage.text().contains("users.insert -> 201"),
        "{}",
        stage.text()
    );
    // In the same moment, to the same path, at another port.
    let mut elsewhere = samples::records()
        .into_iter()
        .rfind(|record| matches!(record.fact, Fact::ExchangeRecorded { .. }))
        .unwrap();
    elsewhere.seq = 30;
    if let Fact::ExchangeRecorded { exchange, .. } = &mut elsewhere.fact {
        "http://127.0.0.1:9214/scim/v2/Users".clone_into(&mut exchange.url);
        exchange.response.as_mut().unwrap().status = 400;
    }
    stage.happen(Happening::News(vec![News::Fact(Arc::new(elsewhere))]));
    let text = stage.text();
    assert!(text.contains("This target is no mock"), "{text}");
    assert!(!text.contains("users.insert -> 201"), "{text}");
}

#[test]
fn a_body_that_is_one_line_is_wrapped_and_can_be_read_to_its_end() {
    let mut stage = stage();
    let mut refused = samples::records()
        .into_iter()
        .find(|record| matches!(record.fact, Fact::ExchangeRecorded { .. }))
        .unwrap();
    refused.seq = 30;
    if let Fact::ExchangeRecorded { exchange, .. } = &mut refused.fact {
        let body = &mut exchange.response.as_mut().unwrap().body;
        body.text = "no such thing here ".repeat(4_000) + "THE END";
    }
    stage.happen(Happening::News(vec![News::Fact(Arc::new(refused))]));
    stage.press(KeyCode::Enter);
    stage.letters("]");
    // Past the request and the head of the answer.
    for _ in 0..12 {
        stage.press(KeyCode::PageDown);
    }
    let text = stage.text();
    let rows = text.lines().filter(|line| line.contains("such thing"));
    assert!(rows.count() > 10, "{text}");
    assert!(!text.contains("THE END"), "{text}");
    let page = stage.text();
    stage.press(KeyCode::PageDown);
    assert_ne!(stage.text(), page, "it scrolls within the line");
    stage.letters("G");
    assert!(stage.text().contains("THE END"), "{}", stage.text());
}

#[test]
fn a_filter_that_matches_nothing_here_says_where_older_rows_are_and_looks_until_it_finds_some() {
    let window = |from: u64, user: &str| -> Vec<Row> {
        let one = samples::row("a/b", "create", user, Some(200), 1, 1);
        (from..)
            .take(WINDOW)
            .map(|seq| Row {
                seq: Some(seq),
                ..one.clone()
            })
            .collect()
    };
    let asked = |orders: Vec<Order>| -> Vec<u64> {
        let before = orders.into_iter().filter_map(|order| match order {
            Order::Ask(Query::Older { before }) => Some(before),
            Order::Ask(_) | Order::Do(_) => None,
        });
        before.collect()
    };
    let mut stage = Stage::new(ThemeName::Dark, (80, 24));
    let begun = Answer::Begun {
        last: 1_200,
        open: Vec::new(),
        rows: window(1_000, "kim"),
        roles: Vec::new(),
    };
    stage.happen(Happening::Answer(Box::new(begun)));
    let text = stage.text();
    assert!(text.contains("200 rows  older in the journal"), "{text}");
    stage.letters("/user:zoe");
    stage.press(KeyCode::Enter);
    let text = stage.text();
    assert!(
        text.contains("None of the 200 rows here matches") && text.contains("PgUp looks"),
        "{text}"
    );
    let page_up = Happening::Key(Key::of(KeyCode::PageUp));
    assert_eq!(asked(stage.screen.update(page_up)), [1_000]);
    let text = stage.text();
    assert!(text.contains("being read from the journal"), "{text}");
    let older = |stage: &mut Stage, from: u64, user: &str, is_all: bool| {
        let rows = window(from, user);
        let older = Answer::Older { rows, is_all };
        asked(stage.screen.update(Happening::Answer(Box::new(older))))
    };
    // Nothing yet: it goes on by itself, until something is found.
    assert_eq!(older(&mut stage, 800, "ada", false), [800]);
    assert_eq!(older(&mut stage, 600, "zoe", false), [0; 0]);
    let text = stage.text();
    assert!(text.contains("200 of 600 match"), "{text}");
    // With another filter that finds nothing, to the end of the journal.
    stage.press(KeyCode::Esc);
    stage.letters("/user:nobody");
    stage.press(KeyCode::Enter);
    let page_up = Happening::Key(Key::of(KeyCode::PageUp));
    assert_eq!(asked(stage.screen.update(page_up)), [600]);
    assert_eq!(older(&mut stage, 400, "ada", true), [0; 0]);
    let text = stage.text();
    assert!(
        text.contains("0 of 800 match. Esc clears the filter.") && !text.contains("older in"),
        "{text}"
    );
}
