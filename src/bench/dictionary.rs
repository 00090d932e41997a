//! The traffic on which the journal's dictionary is trained: users who come, change and go at all three targets, and groups.

use std::path::Path;

use domain::{Change, Claim, QualifiedName, Request, Source};
use engine::Engine;

use super::durable::{Load, engine, provision};
use super::venue::{Mocks, Targets, journal};
use super::{BenchError, people};

/// How large the dictionary is, in bytes: a larger one makes rows hardly smaller.
const SIZE: usize = 24 << 10;

/// How many users come; every third of them changes, every sixth leaves, ten at a time are a group.
const USERS: u64 = 1_200;

/// Makes the traffic and returns the dictionary.
async fn train(seed: u64) -> Result<Vec<u8>, BenchError> {
    let mocks = Mocks::start().await?;
    let folder = super::folder()?;
    let load = Load {
        seed,
        users: USERS,
        concurrency: 16,
        targets: Targets::Three,
    };
    let engine = engine(folder.path(), &mocks.addresses, load, true).await?;
    provision(&engine, load, 0, USERS).await?;
    change(&engine).await?;
    engine.shutdown().await;
    Ok(engine::train_dictionary(&journal(folder.path()), SIZE)?)
}

async fn change(engine: &Engine) -> Result<(), BenchError> {
    let user = |number| QualifiedName::new(&people::name(number));
    for number in 0..USERS {
        if number % 3 == 0 {
            let mail = format!("{}@new.example", people::name(number));
            let update = Change::UpdateUser {
                user: user(number),
                set: [
                    (Claim::new("emailaddress"), vec![mail]),
                    (Claim::new("title"), vec!["Head of Sales".to_owned()]),
                ]
                .into(),
                remove: [Claim::new("mobile")].into(),
                rename: None,
            };
            submit(engine, update).await?;
        }
        if number % 10 == 9 {
            let group = Change::CreateGroup {
                group: QualifiedName::new(&format!("team{number}")),
                members: (number - 9..=number).map(user).collect(),
            };
            submit(engine, group).await?;
        }
    }
    let _ = engine.idle().await;
    for number in (0..USERS).filter(|number| number % 6 == 1) {
        submit(engine, Change::DeleteUser { user: user(number) }).await?;
    }
    let _ = engine.idle().await;
    Ok(())
}

async fn submit(engine: &Engine, change: Change) -> Result<(), BenchError> {
    let request = Request {
        change,
        source: Source::Console,
        application: None,
        connection: None,
    };
    engine.submit(request).await?;
    Ok(())
}

/// Writes the dictionary to a file.
///
/// # Errors
/// [`BenchError`] when an engine or a mock does not do as it should, or the file cannot be written.
pub async fn write(seed: u64, to: &Path) -> Result<usize, BenchError> {
    let dictionary = train(seed).await?;
    std::fs::write(to, &dictionary).map_err(|error| BenchError::Process(error.to_string()))?;
    Ok(dictionary.len())
}
