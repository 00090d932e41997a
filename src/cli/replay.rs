//! `outbound replay`: a recorded request sent once more, exactly as it was.

use clap::Args;
use domain::Purpose;
use engine::{ExchangeFilter, Page};

use super::out::Out;
use super::seat::Seat;
use super::session::journal_trouble;
use super::trouble::Trouble;
use super::{Global, session};
use crate::control::Ask;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The request's number, as `outbound journal exchanges` lists it
    number: u64,
    /// Sends it to a target that is no mock as well: the engine does not know what it changes there
    #[arg(long)]
    allow_replay: bool,
}

/// Sends a request again; no operation and no link changes by it.
pub(super) async fn replay(global: &Global, out: Out, args: &ReplayArgs) -> Result<Exit, Trouble> {
    let tried = format!("send request #{} once more", args.number);
    let reader = session::reader(global)?;
    let found = reader.exchange(args.number);
    let Some(view) = found.map_err(|error| journal_trouble(&error))? else {
        return Err(
            Trouble::new(Exit::Usage, tried, "the journal has no such request")
                .advise("`outbound journal exchanges` lists them with their numbers"),
        );
    };
    // An engine at rest sends nothing, a replay neither. Whether the target is a mock is the engine's to say: what it works
    // by counts, and not the file that is here.
    let (_, seat) = Seat::take(global, true).await?;
    let result = async {
        let connector = &view.connector;
        let before = seat
            .reader()
            .last()
            .map_err(|error| journal_trouble(&error))?;
        seat.done(Ask::Replay {
            exchange: args.number,
            allow: args.allow_replay,
        })
        .await?;
        let filter = ExchangeFilter {
            connector: Some(connector.clone()),
            ..ExchangeFilter::default()
        };
        let newest = seat.reader().exchanges(&filter, Page::newest(10));
        let newest = newest.map_err(|error| journal_trouble(&error))?;
        let sent = newest
            .into_iter()
            .find(|sent| sent.seq > before && sent.exchange.purpose == Purpose::Replay);
        Ok::<_, Trouble>(sent)
    };
    let result = result.await;
    seat.leave().await;
    let sent = result?;
    let status = sent
        .as_ref()
        .and_then(|sent| sent.exchange.response.as_ref())
        .map_or_else(
            || "no answer".to_owned(),
            |answer| answer.status.to_string(),
        );
    out.text(&format!(
        "{}  {} {} -> {status}",
        view.connector, view.exchange.method, view.exchange.url
    ));
    out.value(&sent);
    Ok(Exit::Done)
}
