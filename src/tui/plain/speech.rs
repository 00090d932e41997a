//! What happens, one line each.

use domain::{Exchange, Verdict};
use engine::{Fact, News, Plan};

use crate::stream::purpose;
use crate::why;
use crate::world::World;

/// Tells a piece of news; most need no word.
pub(super) fn told(world: &World, news: &News) -> Vec<String> {
    let record = match news {
        News::Fact(record) => record,
        News::Started(_) => return Vec::new(),
        News::Missed(count) => {
            return vec![format!("{count} facts came too fast; the journal has them")];
        }
    };
    let time = world.time(record.at);
    let name = |id| {
        world.board.known(id).map_or_else(
            || "an operation".to_owned(),
            |known| format!("{} of {} at {}", known.verb, known.name, known.connector),
        )
    };
    match &record.fact {
        Fact::ExchangeRecorded {
            operation,
            connector,
            exchange,
            attempt,
        } => {
            let known = operation.and_then(|id| world.board.known(id));
            let op = purpose(exchange, known.map(|known| known.verb.word()));
            let name = known.map_or("", |known| &known.name);
            let attempt = if *attempt > 1 {
                format!("  try {attempt}")
            } else {
                String::new()
            };
            vec![format!(
                "{time} {connector} {op} {name}  {}{attempt}",
                exchanged(exchange)
            )]
        }
        Fact::Decided { decisions, .. } => decisions
            .iter()
            .filter_map(|decision| match &decision.verdict {
                Verdict::Nothing(nothing) => Some(format!(
                    "{time} {} nothing: {} ({})",
                    decision.candidate.connector, nothing.reason, nothing.detail
                )),
                Verdict::Operation(_) => None,
            })
            .collect(),
        Fact::Settled { operation, .. } => vec![format!("{time} settled: {}", name(*operation))],
        Fact::OperationDead { operation, death } => {
            vec![format!("{time} dead: {}: {}", name(*operation), death.told)]
        }
        Fact::AttemptFailed {
            operation, failure, ..
        } => vec![format!("{time} failed: {}: {failure}", name(*operation))],
        _ => Vec::new(),
    }
}

fn exchanged(exchange: &Exchange) -> String {
    let what = format!("{} {}", exchange.method, exchange.url);
    match (&exchange.response, &exchange.error) {
        (Some(response), _) => format!(
            "{what}  {}  {} ms",
            response.status,
            exchange.took.as_millis()
        ),
        (None, Some(error)) => format!("{what}  no answer: {error}"),
        (None, None) => what,
    }
}

/// Tells what would follow.
pub(super) fn plan(world: &World, plan: &Plan) -> Vec<String> {
    if plan.triggers.is_empty() {
        return vec![
            "nobody is concerned: only the directory changes, and nothing is sent".to_owned(),
        ];
    }
    why::tell_plan(&plan.triggers, &world.theme, &|at| world.time(at))
        .into_iter()
        .map(|line| line.line.iter().map(|span| span.text.as_str()).collect())
        .collect()
}
