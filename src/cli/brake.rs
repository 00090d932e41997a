//! `outbound brake`: what would be taken away too much at once, and somebody's word on it.

use std::time::Duration;

use clap::Subcommand;
use domain::{Brake, ConnectorRef, OperationId};
use engine::{EngagedBrake, Reader};

use super::out::{Out, counted, note};
use super::seat::{Seat, nonsense};
use super::session::journal_trouble;
use super::trouble::Trouble;
use super::{Global, session};
use crate::control::{Answer, Ask};
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum BrakeCommand {
    /// Lists the brakes that have engaged, and the approvals that hold
    List,
    /// Shows what a brake keeps: each operation with its user
    Show {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Lets what a brake keeps go on, in your name and for a time
    Approve {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// deletes, deactivations or group-removals; everything that a brake keeps there when none is named
        brake: Option<Brake>,
        /// Who approves
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why it is meant, for the journal
        #[arg(long)]
        reason: String,
        /// For how long what comes is not counted either, as in 30m or 8h; seven days at most
        #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
        expires: Duration,
        /// How long to wait for what goes on, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15)]
        wait: u64,
    },
    /// Gives up what a brake keeps: nothing of it is taken away
    Reject {
        /// CONNECTION/CONNECTOR
        connector: ConnectorRef,
        /// deletes, deactivations or group-removals; everything that a brake keeps there when none is named
        brake: Option<Brake>,
        /// Who rejects
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why it was not meant, for the journal
        #[arg(long)]
        reason: String,
    },
}

fn duration(text: &str) -> Result<Duration, String> {
    config::duration(text).ok_or_else(|| "write a number and a unit, as in 30m or 8h".to_owned())
}

pub(super) async fn brake(
    global: &Global,
    out: Out,
    command: BrakeCommand,
) -> Result<Exit, Trouble> {
    match command {
        BrakeCommand::List => list(&session::reader(global)?, out),
        BrakeCommand::Show { connector, limit } => {
            let reader = session::reader(global)?;
            show(global, &reader, out, &connector, limit)
        }
        BrakeCommand::Approve {
            connector,
            brake,
            by,
            reason,
            expires,
            wait,
        } => {
            let (_, seat) = Seat::take(global, true).await?;
            let result = async {
                let (mut kept, mut tries) = (Vec::new(), Tries::default());
                for kind in which(&seat.reader(), &connector, brake)? {
                    let here = keeps(&seat.reader(), &connector, kind)?;
                    let ask = Ask::Approve {
                        connector: connector.clone(),
                        brake: kind,
                        by: by.clone(),
                        reason: reason.clone(),
                        seconds: expires.as_secs(),
                    };
                    let answer = seat.ask(ask).await;
                    let Some(count) = tries.count(answer) else {
                        continue;
                    };
                    kept.extend(here);
                    out.text(&format!(
                        "{connector}: approved by {by}, to go on: {} ({kind})",
                        counted(count, "operation")
                    ));
                    out.value(&serde_json::json!({
                        "connector": connector.to_string(), "brake": kind, "by": by, "released": count,
                    }));
                }
                let is_done = tries.is_done;
                let ended = tries.end();
                if is_done {
                    seat.settle(&kept, Duration::from_secs(wait)).await?;
                }
                ended
            };
            let result = result.await;
            seat.leave().await;
            result.map(|()| Exit::Done)
        }
        BrakeCommand::Reject {
            connector,
            brake,
            by,
            reason,
        } => {
            let (_, seat) = Seat::take(global, false).await?;
            let result = async {
                let mut tries = Tries::default();
                for kind in which(&seat.reader(), &connector, brake)? {
                    let ask = Ask::Reject {
                        connector: connector.clone(),
                        brake: kind,
                        by: by.clone(),
                        reason: reason.clone(),
                    };
                    let answer = seat.ask(ask).await;
                    let Some(count) = tries.count(answer) else {
                        continue;
                    };
                    out.text(&format!(
                        "{connector}: rejected by {by}, given up: {} ({kind})",
                        counted(count, "operation")
                    ));
                    out.value(&serde_json::json!({
                        "connector": connector.to_string(), "brake": kind, "by": by, "discarded": count,
                    }));
                }
                tries.end()
            };
            let result = result.await;
            seat.leave().await;
            result.map(|()| Exit::Done)
        }
    }
}

/// What came of the kinds, one after the other: that one is refused does not keep the others from being done.
#[derive(Default)]
struct Tries {
    is_done: bool,
    failed: Vec<Trouble>,
}

impl Tries {
    /// Takes what was answered for a kind; returns how many operations it was about when it was done.
    fn count(&mut self, answer: Result<Answer, Trouble>) -> Option<u64> {
        match answer {
            Ok(Answer::Count { count }) => {
                self.is_done = true;
                return Some(count);
            }
            Ok(_) => self.failed.push(nonsense()),
            Err(trouble) => self.failed.push(trouble),
        }
        None
    }

    /// Reports each kind that was not done. It is a failure when none was, or when it was not for the kind itself: a kind
    /// that keeps nothing any more is no failure beside another that was done.
    fn end(self) -> Result<(), Trouble> {
        let is_done = self.is_done;
        let (refused, mut failed): (Vec<_>, Vec<_>) = self
            .failed
            .into_iter()
            .partition(|trouble| is_done && trouble.exit == Exit::Usage);
        let last = failed.pop();
        for trouble in refused.iter().chain(&failed) {
            note(&trouble.to_string());
        }
        last.map_or(Ok(()), Err)
    }
}

fn keeps(
    reader: &Reader,
    connector: &ConnectorRef,
    brake: Brake,
) -> Result<Vec<OperationId>, Trouble> {
    let kept = reader.kept_by(connector, brake, usize::MAX);
    let kept = kept.map_err(|error| journal_trouble(&error))?;
    Ok(kept.into_iter().map(|view| view.operation).collect())
}

/// Returns the kinds that a command is about; one that has not engaged is named all the same, and refused by the engine.
fn which(
    reader: &Reader,
    connector: &ConnectorRef,
    named: Option<Brake>,
) -> Result<Vec<Brake>, Trouble> {
    if let Some(named) = named {
        return Ok(vec![named]);
    }
    let engaged = reader.brakes().map_err(|error| journal_trouble(&error))?;
    let here: Vec<Brake> = engaged
        .iter()
        .filter(|brake| brake.connector == *connector)
        .map(|brake| brake.brake)
        .collect();
    Ok(if here.is_empty() {
        vec![Brake::Deletes]
    } else {
        here
    })
}

fn list(reader: &Reader, out: Out) -> Result<Exit, Trouble> {
    let failed = |error| journal_trouble(&error);
    let engaged = reader.brakes().map_err(failed)?;
    let now = domain::Clock::now(&domain::SystemClock::default());
    let mut approvals = reader.approvals().map_err(failed)?;
    approvals.retain(|approval| approval.until > now);
    if engaged.is_empty() {
        out.text("no brake has engaged");
    }
    for brake in &engaged {
        let kept = reader
            .kept_by(&brake.connector, brake.brake, usize::MAX)
            .map_err(failed)?
            .len();
        out.text(&format!(
            "{} {}  since {}: {} kept\n  {}",
            brake.connector,
            brake.brake,
            clock_text(brake.since),
            counted(kept, "operation"),
            brake.told()
        ));
        out.value(&serde_json::json!({ "engaged": brake, "waiting": kept }));
    }
    for approval in &approvals {
        out.text(&format!(
            "{} {}  approved by {} until {}: {}",
            approval.connector,
            approval.brake,
            approval.by,
            clock_text(approval.until),
            approval.reason
        ));
        out.value(&serde_json::json!({ "approval": approval }));
    }
    Ok(Exit::Done)
}

fn show(
    global: &Global,
    reader: &Reader,
    out: Out,
    connector: &ConnectorRef,
    limit: usize,
) -> Result<Exit, Trouble> {
    let failed = |error| journal_trouble(&error);
    let engaged = reader.brakes().map_err(failed)?;
    let here: Vec<&EngagedBrake> = engaged
        .iter()
        .filter(|brake| brake.connector == *connector)
        .collect();
    if here.is_empty() {
        session::configured(global, connector)?;
        out.text(&format!("no brake keeps anything of {connector}"));
    }
    for brake in here {
        out.text(&format!("{} {}: {}", connector, brake.brake, brake.told()));
        let kept = reader
            .kept_by(connector, brake.brake, limit)
            .map_err(failed)?;
        let rows: Vec<Vec<String>> = kept
            .iter()
            .map(|view| {
                vec![
                    clock_text(view.queued),
                    view.verb.to_string(),
                    view.name.to_string(),
                    view.operation.to_string(),
                ]
            })
            .collect();
        out.table(&["SINCE", "VERB", "WHO", "OPERATION"], &rows);
        out.value(&serde_json::json!({ "engaged": brake, "kept": kept }));
    }
    Ok(Exit::Done)
}

fn clock_text(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(exit: Exit) -> Result<Answer, Trouble> {
        Err(Trouble::new(exit, "do that", "made up"))
    }

    fn end(answers: Vec<Result<Answer, Trouble>>) -> Result<(), Trouble> {
        let mut tries = Tries::default();
        for answer in answers {
            tries.count(answer);
        }
        tries.end()
    }

    #[test]
    fn a_kind_that_is_refused_is_no_failure_beside_one_that_was_done() {
        let done = || Ok(Answer::Count { count: 2 });
        assert_eq!(Tries::default().count(done()), Some(2));
        assert!(end(vec![failed(Exit::Usage), done()]).is_ok());
        let none = end(vec![failed(Exit::Usage), failed(Exit::Usage)]);
        assert_eq!(none.unwrap_err().exit, Exit::Usage);
        let broken = end(vec![failed(Exit::Journal), done()]);
        assert_eq!(broken.unwrap_err().exit, Exit::Journal);
    }
}
