//! What is done with the selected exchange: copied, or tried again.

use domain::Exchange;

use super::Traffic;
use crate::modal::{Menu, Modal, Question};
use crate::paint::Line;
use crate::panels::journal::is_retried;
use crate::stream::Row;
use crate::why::{self};
use crate::wish::{Deed, Wish};
use crate::world::World;

impl Traffic {
    pub(super) fn copy(&self, world: &World) -> Vec<Wish> {
        let Some(row) = self.row(world) else {
            return vec![Wish::Say("nothing to copy yet".to_owned())];
        };
        let mut items = Vec::new();
        let mut add = |label: &str, told: &str, what: &'static str, text: String| {
            items.push((
                label.to_owned(),
                told.to_owned(),
                vec![Wish::Do(Deed::Copy { what, text })],
            ));
        };
        if let Some(exchange) = row.exchange() {
            add(
                "curl",
                "the request as a command, secrets masked",
                "curl",
                (world.exports.curl)(exchange),
            );
            add(
                "HAR",
                "this exchange as an HTTP Archive",
                "HAR",
                (world.exports.har)(&[exchange]),
            );
            add(
                "JSON",
                "this exchange as the journal keeps it",
                "JSON",
                json(exchange),
            );
            add(
                "request body",
                "",
                "request body",
                exchange.request_body.text.clone(),
            );
            if let Some(response) = &exchange.response {
                add(
                    "response body",
                    "",
                    "response body",
                    response.body.text.clone(),
                );
            }
            add("address", "", "address", exchange.url.clone());
        }
        if let Some(trace) = self.shown_trace(row) {
            let lines = why::tell(trace, None, &world.theme, &|at| world.time(at), &|one| {
                world.next_probe(one)
            });
            let text: Vec<String> = lines.iter().map(|line| plain(&line.line)).collect();
            add("why", "the whole flow as text", "why", text.join("\n"));
        }
        let shown: Vec<&Exchange> = (0..self.len(world))
            .filter_map(|at| world.board.stream.get(at)?.exchange())
            .collect();
        let text = (world.exports.har)(&shown);
        let file = format!("outbound-{}.har", world.name_of_now());
        items.push((
            "HAR file".to_owned(),
            format!("all {} shown exchanges, to {file}", shown.len()),
            vec![Wish::Do(Deed::Write {
                path: file.into(),
                text,
            })],
        ));
        vec![Wish::Show(Box::new(Modal::Menu(Menu::new("Copy", items))))]
    }

    /// Asks whether the selected request is to be sent once more.
    pub(super) fn replay(&self, world: &World) -> Vec<Wish> {
        let Some(row) = self.row(world) else {
            return Vec::new();
        };
        let (Some(exchange), Some(connector), Some(number)) =
            (row.exchange(), &row.connector, row.seq)
        else {
            return vec![Wish::Fail(
                "this row has no request to send again".to_owned(),
            )];
        };
        if let Err(error) = exchange.replayable() {
            return vec![Wish::Fail(error.to_string())];
        }
        if !world.is_mock(connector) && !world.may_replay {
            return vec![Wish::Fail(format!(
                "{connector} is a real target: its requests are not sent again by hand, because the engine would not \
                 know of what they change. `r` tries the operation again in order; `outbound --allow-replay` allows this."
            ))];
        }
        let mut body = vec![
            format!("{} {}", exchange.method, exchange.url),
            format!(
                "It goes to {connector} once more, exactly as it was recorded, with the credentials of now. It is recorded \
                 as an exchange of its own (replay): no operation and no link changes by it."
            ),
        ];
        if exchange.method != "GET" {
            body.push("What it changes at the target the engine does not know.".to_owned());
        }
        let deed = Wish::Do(Deed::Replay {
            connector: connector.clone(),
            exchange: Box::new(exchange.clone()),
            number,
        });
        let answers = vec![("Send", vec![deed]), ("Cancel", Vec::new())];
        vec![Wish::Show(Box::new(Modal::Question(Question::new(
            "Send this request again?",
            body,
            None,
            answers,
        ))))]
    }

    /// Tells whether the operation of a row may be tried again. Of one that ended before anybody looked, the row tells.
    pub(super) fn can_retry(&self, world: &World, row: &Row) -> bool {
        let Some(operation) = row.operation else {
            return false;
        };
        let known = world.board.known(operation).map(|known| known.life);
        let traced = || {
            let trace = self.shown_trace(row)?.operation(operation)?;
            Some(trace.life)
        };
        known
            .or_else(traced)
            .map_or_else(|| row.is_problem(), |life| is_retried(&life))
    }

    pub(super) fn retry(&self, world: &World) -> Vec<Wish> {
        let Some(row) = self.row(world) else {
            return Vec::new();
        };
        let (Some(operation), Some(connector)) = (row.operation, &row.connector) else {
            return vec![Wish::Say(
                "this row has no operation to try again".to_owned(),
            )];
        };
        let deed = Wish::Do(Deed::Retry(vec![operation]));
        if world.is_mock(connector) {
            return vec![deed];
        }
        let body = vec![
            format!(
                "{connector} is not a mock: {} of {} is sent to it again.",
                row.op, row.subject
            ),
            "The engine looks first whether an earlier attempt arrived.".to_owned(),
        ];
        let answers = vec![("Send", vec![deed]), ("Cancel", Vec::new())];
        vec![Wish::Show(Box::new(Modal::Question(Question::new(
            "Try again at a real target?",
            body,
            None,
            answers,
        ))))]
    }
}

pub(super) fn json(exchange: &Exchange) -> String {
    serde_json::to_string_pretty(exchange).unwrap_or_else(|error| error.to_string())
}

pub(super) fn plain(line: &Line) -> String {
    line.iter().map(|span| span.text.as_str()).collect()
}
