//! The asking end.

use std::io;
use std::path::Path;

use domain::{ConnectorRef, OperationId, Request};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use super::{Answer, socket_of, wire};

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 4 << 20;

/// Why a running engine could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens, or we may not speak.
    #[error("the engine's socket cannot be used: {0}")]
    Unreachable(#[from] io::Error),
    /// The connection ended before the answer.
    #[error("the engine went away before it answered")]
    Gone,
    /// The answer makes no sense: another version, perhaps.
    #[error("the engine's answer cannot be read: {0}")]
    Unreadable(serde_json::Error),
}

/// Asks the engine that runs on a journal. Every question has a connection of its own.
#[derive(Debug, Clone)]
pub struct Client {
    socket: std::path::PathBuf,
}

impl Client {
    /// Finds the engine of a journal.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when none listens.
    pub async fn of(journal: &Path) -> Result<Self, ClientError> {
        let socket = socket_of(journal);
        UnixStream::connect(&socket).await?;
        Ok(Self { socket })
    }

    /// Hands in a request; answered when the caller may go on.
    pub async fn submit(&self, request: &Request) -> Result<Answer, ClientError> {
        self.ask(&wire::submit(request)).await
    }

    /// Has an operation tried again now.
    pub async fn retry(&self, operation: OperationId) -> Result<Answer, ClientError> {
        self.ask(&wire::retry(operation)).await
    }

    /// Gives an operation up.
    pub async fn discard(&self, operation: OperationId, why: &str) -> Result<Answer, ClientError> {
        self.ask(&wire::discard(operation, why)).await
    }

    /// Has nothing more sent to a connector.
    pub async fn pause(&self, connector: &ConnectorRef, why: &str) -> Result<Answer, ClientError> {
        self.ask(&wire::pause(connector, why)).await
    }

    /// Has a connector sent to again.
    pub async fn resume(&self, connector: &ConnectorRef, why: &str) -> Result<Answer, ClientError> {
        self.ask(&wire::resume(connector, why)).await
    }

    /// Has the configuration read again.
    pub async fn reload(&self) -> Result<Answer, ClientError> {
        self.ask(&json!({ "ask": "reload" })).await
    }

    /// Asks how the engine stands.
    pub async fn status(&self) -> Result<Answer, ClientError> {
        self.ask(&json!({ "ask": "status" })).await
    }

    async fn ask(&self, question: &Value) -> Result<Answer, ClientError> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        stream.write_all(format!("{question}\n").as_bytes()).await?;
        let mut line = String::new();
        let mut reader = BufReader::new(tokio::io::AsyncReadExt::take(stream, LONGEST));
        if reader.read_line(&mut line).await? == 0 {
            return Err(ClientError::Gone);
        }
        serde_json::from_str(&line).map_err(ClientError::Unreadable)
    }
}
