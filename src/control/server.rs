//! The answering end.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::{Answer, Ask, socket_of};

/// The longest question that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// How many are answered at once; the next waits.
const GUESTS: usize = 64;

/// Answers questions.
#[async_trait]
pub trait Door: Send + Sync + 'static {
    /// Answers one question.
    async fn answer(&self, ask: Ask) -> Answer;
}

/// The socket of a journal whose lock this process holds. Dropping it takes the socket away.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl Listener {
    /// Makes the socket. What a dead process left is removed: whoever holds the journal's lock is the only one.
    ///
    /// # Errors
    /// When the socket cannot be made: the path is longer than the system allows, the folder is not ours.
    pub fn bind(journal: &Path) -> io::Result<Self> {
        let path = socket_of(journal);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let owner = std::fs::metadata(&path)?.uid();
        Ok(Self {
            socket: listener,
            path,
            owner,
        })
    }

    /// Answers until it is dropped.
    pub async fn serve(&self, door: Arc<dyn Door>) {
        let mut guests = JoinSet::new();
        loop {
            if guests.len() >= GUESTS {
                let _ = guests.join_next().await; // a guest that broke down has got no answer
            }
            match self.socket.accept().await {
                Ok((stream, _)) if self.is_ours(&stream) => {
                    guests.spawn(receive(stream, Arc::clone(&door)));
                }
                Ok(_) => tracing::warn!(
                    "a process of another user was turned away from the control socket"
                ),
                Err(error) => {
                    tracing::error!(%error, "the control socket takes nobody in");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
            while guests.try_join_next().is_some() {}
        }
    }

    fn is_ours(&self, stream: &UnixStream) -> bool {
        stream
            .peer_cred()
            .is_ok_and(|peer| peer.uid() == self.owner)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path); // gone already is what is wanted
    }
}

async fn receive(stream: UnixStream, door: Arc<dyn Door>) {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(read.take(LONGEST));
    match reader.read_line(&mut line).await {
        Ok(0) => return, // somebody looked whether we are here
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(%error, "a question could not be read from the control socket");
            return;
        }
    }
    let answer = match serde_json::from_str::<Ask>(&line) {
        Ok(ask) => door.answer(ask).await,
        Err(error) => Answer::Refused {
            exit: 2,
            tried: "understand the question".to_owned(),
            // Of the kind and the place only: the question may hold a password.
            happened: vec![format!(
                "it is no question of this version (column {})",
                error.column()
            )],
            advice: Some("use the same version of the program on both ends".to_owned()),
        },
    };
    zeroize::Zeroize::zeroize(&mut line);
    let text = match serde_json::to_string(&answer) {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            return;
        }
    };
    let _ = write.write_all(format!("{text}\n").as_bytes()).await; // a client that left needs no answer
}
