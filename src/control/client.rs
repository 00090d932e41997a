//! The asking end.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

use super::{Answer, Ask, Status, socket_of};

/// How long an engine may take to say how it stands, or that it is followed.
pub const GREETING: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 64 << 20;

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

    /// Asks something and waits for the answer, as long as it takes.
    ///
    /// # Errors
    /// [`ClientError`] when no answer came.
    pub async fn ask(&self, ask: &Ask) -> Result<Answer, ClientError> {
        let stream = self.say(ask).await?;
        let mut reader = BufReader::new(stream.take(LONGEST));
        let mut line = String::new();
        if reader.read_line(&mut line).await? == 0 {
            return Err(ClientError::Gone);
        }
        serde_json::from_str(&line).map_err(ClientError::Unreadable)
    }

    /// Asks how the engine stands; nothing when it does not say so in time, as one that is stopped or of another version.
    pub async fn status(&self) -> Option<Box<Status>> {
        let asked = tokio::time::timeout(GREETING, self.ask(&Ask::Status)).await;
        let Ok(Ok(Answer::Status { status })) = asked else {
            return None;
        };
        Some(status)
    }

    /// Follows what happens in the engine from now on.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when it is not there any more.
    pub async fn follow(&self) -> Result<Follower, ClientError> {
        let stream = self.say(&Ask::Follow).await?;
        Ok(Follower {
            reader: BufReader::new(stream),
        })
    }

    async fn say(&self, ask: &Ask) -> Result<UnixStream, ClientError> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        // The question may hold a password.
        let mut line = Zeroizing::new(serde_json::to_string(ask).map_err(ClientError::Unreadable)?);
        line.push('\n');
        stream.write_all(line.as_bytes()).await?;
        Ok(stream)
    }
}

/// Hears what happens in a running engine.
#[derive(Debug)]
pub struct Follower {
    reader: BufReader<UnixStream>,
}

impl Follower {
    /// Waits for the next line.
    ///
    /// # Errors
    /// [`ClientError::Gone`] when the engine has ended.
    pub async fn next(&mut self) -> Result<Answer, ClientError> {
        let mut line = String::new();
        let read = (&mut self.reader)
            .take(LONGEST)
            .read_line(&mut line)
            .await?;
        if read == 0 {
            return Err(ClientError::Gone);
        }
        serde_json::from_str(&line).map_err(ClientError::Unreadable)
    }
}
