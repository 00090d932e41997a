//! Carries out what an engine is asked: by a command that has one of its own, or by another process through the socket.

use std::time::Duration;

use connectors::CATALOGUE;
use domain::{Configuration, ConnectorRef};
use engine::{CommandError, Engine, ReconcileError, ReplayError, ResolveError, Seed, SubmitError};

use super::journal::refused;
use super::session::journal_trouble;
use super::trigger::{known_application, not_taken};
use super::trouble::Trouble;
use crate::control::{Answer, Ask};
use crate::exit::Exit;

/// Does what is asked and says what came of it.
///
/// What concerns the process and not the engine (`Reload`, `Status`, `Follow`) is not done here.
pub(super) async fn carry_out(engine: &Engine, ask: Ask) -> Result<Answer, Trouble> {
    let done = |result: Result<(), CommandError>| result.map(|()| Answer::Done).map_err(refused);
    let count = |result: Result<u64, CommandError>| {
        let told = result.map(|count| Answer::Count { count });
        told.map_err(refused)
    };
    match ask {
        Ask::Submit { request } => {
            known_application(&engine.configuration(), &request)?;
            let outcome = engine.submit(request).await.map_err(not_taken)?;
            Ok(Answer::Taken {
                flow: outcome.flow,
                accepted: outcome.is_accepted(),
            })
        }
        Ask::Retry { operation } => done(engine.retry(operation).await),
        Ask::DecideAgain { operation, preview } => {
            let again = engine.decide_again(operation, preview).await;
            let again = Box::new(again.map_err(refused)?);
            Ok(Answer::DecidedAgain { again })
        }
        Ask::Discard { operation, why } => done(engine.discard(operation, &why).await),
        Ask::Pause { connector, why } => done(engine.pause(&connector, &why).await),
        Ask::Resume { connector, why } => done(engine.resume(&connector, &why).await),
        Ask::Probe { connector } => done(engine.probe(&connector)),
        Ask::Release { connector, why } => done(engine.release_quarantine(&connector, &why).await),
        Ask::Approve {
            connector,
            brake,
            by,
            reason,
            seconds,
        } => {
            let expires = Duration::from_secs(seconds);
            let result = engine.approve_brake(&connector, brake, &by, &reason, expires);
            count(result.await)
        }
        Ask::Reject {
            connector,
            brake,
            by,
            reason,
        } => count(engine.reject_brake(&connector, brake, &by, &reason).await),
        Ask::Reconcile {
            connector,
            budget,
            restart,
        } => {
            let report = engine.reconcile(&connector, budget, restart).await;
            let report = report.map_err(|error| not_compared(&connector, &error))?;
            Ok(Answer::Compared {
                report: Box::new(report),
            })
        }
        Ask::Resolve { wish } => {
            let outcome = engine.resolve(&wish).await.map_err(not_resolved)?;
            Ok(Answer::Resolved {
                flow: outcome.map(|outcome| outcome.flow),
            })
        }
        Ask::Link {
            connector,
            local,
            name,
            remote_id,
        } => {
            let link = engine.link(&connector, local, &name, &remote_id).await;
            linked(link, "link")
        }
        Ask::Unlink {
            connector,
            local,
            name,
            leftover: false,
        } => linked(engine.unlink(&connector, local, &name).await, "unlink"),
        Ask::Unlink {
            connector,
            local,
            name,
            leftover: true,
        } => {
            let link = engine.unlink_leftover(&connector, local, &name).await;
            linked(link, "unlink all")
        }
        Ask::Adopt {
            connector,
            object,
            remote_id,
        } => {
            let link = engine.adopt(&connector, object, &remote_id).await;
            linked(link, "link the account again")
        }
        Ask::TakeAway {
            connector,
            object,
            remote_id,
        } => {
            let outcome = engine.take_away(&connector, object, &remote_id).await;
            let tried = "take the account away";
            let outcome = outcome.map_err(|error| super::links::claim_trouble(tried, &error))?;
            Ok(Answer::Taken {
                flow: outcome.flow,
                accepted: true,
            })
        }
        Ask::Seed { seed } => {
            let failed = |error: &dyn std::fmt::Display| {
                Trouble::new(Exit::Input, "put the seed in place", error)
            };
            let seed = Seed::parse(&seed).map_err(|error| failed(&error))?;
            match engine.seed(&seed).await {
                Ok(seeded) => Ok(Answer::Seeded { seeded }),
                Err(SubmitError::Journal(error)) => Err(journal_trouble(&error)),
                Err(error) => Err(failed(&error)),
            }
        }
        Ask::Replay { exchange, allow } => replay(engine, exchange, allow).await,
        Ask::Compact { before, preview } => {
            let report = super::compact::with(engine, before, preview).await?;
            Ok(Answer::Compacted {
                report: Box::new(report),
            })
        }
        Ask::Reload | Ask::Status | Ask::Follow => Err(Trouble::new(
            Exit::Usage,
            "do that",
            "this is a question to a process, and no work for an engine",
        )),
    }
}

fn linked(link: Result<domain::Link, engine::ClaimError>, tried: &str) -> Result<Answer, Trouble> {
    let link = link.map_err(|error| super::links::claim_trouble(tried, &error))?;
    Ok(Answer::Linked {
        link: Box::new(link),
    })
}

async fn replay(engine: &Engine, number: u64, allow: bool) -> Result<Answer, Trouble> {
    let tried = format!("send request #{number} once more");
    let found = engine.reader().exchange(number);
    let view = found
        .map_err(|error| journal_trouble(&error))?
        .ok_or_else(|| {
            Trouble::new(Exit::Usage, &tried, "the journal has no such request")
                .advise("`outbound journal exchanges` lists them with their numbers")
        })?;
    may_replay(&engine.configuration(), &view.connector, allow, &tried)?;
    match engine.replay(&view.connector, &view.exchange).await {
        Ok(()) => Ok(Answer::Done),
        Err(ReplayError::Journal(error)) => Err(journal_trouble(&error)),
        Err(error @ ReplayError::NotReplayable(_)) => Err(Trouble::new(Exit::Usage, &tried, error)
            .advise("have the operation tried again instead: `outbound journal retry`")),
        Err(error @ ReplayError::AtRest) => Err(Trouble::new(Exit::Usage, &tried, error)),
        Err(ReplayError::Unavailable(unavailable)) => {
            Err(Trouble::new(Exit::Input, &tried, &unavailable.cause)
                .advise(unavailable.advice.clone()))
        }
        Err(ReplayError::Failed(failure)) => {
            Err(Trouble::new(Exit::Target, &tried, &failure).advise(failure.advice.clone()))
        }
    }
}

/// Makes sure that a request that is sent once more goes to a mock, unless somebody meant it otherwise. Only the
/// configuration in force tells: a file that was changed since, or another, may name other addresses.
fn may_replay(
    configuration: &Configuration,
    connector: &ConnectorRef,
    allow: bool,
    tried: &str,
) -> Result<(), Trouble> {
    if allow || configuration.stays_here(&CATALOGUE, connector) {
        return Ok(());
    }
    let told = format!(
        "{connector} is a real target, and the engine would not know what the request changes there"
    );
    Err(Trouble::new(Exit::Usage, tried, told).advise(
        "have the operation tried again, in order: `outbound journal retry`; or write --allow-replay",
    ))
}

fn not_compared(connector: &domain::ConnectorRef, error: &ReconcileError) -> Trouble {
    let tried = format!("compare {connector}");
    match error {
        ReconcileError::ConnectorUnknown(_) => {
            Trouble::new(Exit::Usage, tried, error).advise("see `outbound connector list`")
        }
        ReconcileError::Unavailable(unavailable) => {
            Trouble::new(Exit::Input, tried, &unavailable.cause).advise(unavailable.advice.clone())
        }
        ReconcileError::Journal(error) => journal_trouble(error),
    }
}

fn not_resolved(error: ResolveError) -> Trouble {
    let tried = "decide about the difference";
    match error {
        ResolveError::Submit(error) => not_taken(error),
        ResolveError::NotPossible { told, advice } => {
            Trouble::new(Exit::Usage, tried, told).advise(advice)
        }
        ResolveError::OutOfDate { .. } => {
            Trouble::new(Exit::Usage, tried, &error).advise("compare again: `outbound reconcile`")
        }
        ResolveError::NothingFound { .. } | ResolveError::FieldUnknown { .. } => {
            Trouble::new(Exit::Usage, tried, &error).advise("see `outbound reconcile list`")
        }
    }
}
