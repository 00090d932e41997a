//! Where the engine of a journal is found, and whether it is the one that is meant.

use std::path::PathBuf;

use crate::control::{Answer, Client, Follower, GREETING};

/// An engine that works by another `workbench.toml`: what is seen and changed in the forms here would not be what it does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the engine of process {process} runs on this journal by {}", .file.display())]
pub struct OtherFile {
    /// The process.
    pub process: u32,
    /// Its file.
    pub file: PathBuf,
}

impl OtherFile {
    /// Returns what to do about it.
    pub fn advice(&self) -> String {
        format!(
            "open it with --config {}, or on another journal with --journal",
            self.file.display()
        )
    }
}

/// Where the engine of a journal is found, and which `workbench.toml` it has to work by.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) journal: PathBuf,
    pub(super) file: PathBuf,
}

impl Place {
    /// Finds the engine; returns its process and its news, or nothing when none answers. Whatever is committed after this
    /// returns is among the news.
    pub(super) async fn attach(&self) -> Result<Option<(u32, Follower)>, OtherFile> {
        let Ok(client) = Client::of(&self.journal).await else {
            return Ok(None);
        };
        let Ok(mut follower) = client.follow().await else {
            return Ok(None);
        };
        // It is said at once that nothing is missed any more; or that too many follow already.
        let begun = tokio::time::timeout(GREETING, follower.next()).await;
        if !matches!(begun, Ok(Ok(Answer::Heard { .. }))) {
            return Ok(None);
        }
        let process = self.look_at(&client).await?;
        Ok(process.map(|process| (process, follower)))
    }

    /// Asks an engine how it stands; returns its process, or nothing when it does not answer that.
    pub(super) async fn look_at(&self, client: &Client) -> Result<Option<u32>, OtherFile> {
        let Some(status) = client.status().await else {
            return Ok(None);
        };
        if status.works_by(&self.file) {
            return Ok(Some(status.pid));
        }
        Err(OtherFile {
            process: status.pid,
            file: status.configuration,
        })
    }
}
