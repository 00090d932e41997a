//! The answering end.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::{Fact, News, Started, Subscription};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::{Answer, Ask, socket_of};

/// The longest question that is read, in bytes: a seed of some ten thousand users.
const LONGEST: u64 = 16 << 20;

/// How long news are gathered before they are told: a line for each of them would cost more than the news.
const GATHER: Duration = Duration::from_millis(40);

/// How many requests that are under way are told of in one line.
const UNDER_WAY: usize = 256;

/// How many are answered at once; the next waits.
const GUESTS: usize = 64;

/// Answers questions.
#[async_trait]
pub trait Door: Send + Sync + 'static {
    /// Answers one question.
    async fn answer(&self, ask: Ask) -> Answer;

    /// Follows what happens from now on.
    fn follow(&self) -> Subscription;
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
                    tokio::time::sleep(Duration::from_secs(1)).await;
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
    let is_whole = match reader.read_line(&mut line).await {
        Ok(0) => return, // somebody looked whether we are here
        Ok(_) => line.ends_with('\n'),
        Err(error) => {
            tracing::warn!(%error, "a question could not be read from the control socket");
            return;
        }
    };
    let answer = match serde_json::from_str::<Ask>(&line) {
        Ok(Ask::Follow) => {
            let mut rest = reader.into_inner().into_inner();
            let leaves = async {
                let mut byte = [0];
                while matches!(rest.read(&mut byte).await, Ok(1)) {}
            };
            tokio::select! {
                () = leaves => {}
                () = tell(door.follow(), &mut write) => {}
            }
            return;
        }
        Ok(ask) => door.answer(ask).await,
        Err(_) if !is_whole => Answer::Refused {
            exit: 2,
            tried: "take the question".to_owned(),
            happened: vec![format!("it is longer than {} MiB", LONGEST >> 20)],
            advice: Some("ask for less at once, or stop the running engine first".to_owned()),
            there: false,
        },
        Err(error) => Answer::Refused {
            exit: 2,
            tried: "understand the question".to_owned(),
            // Of the kind and the place only: the question may hold a password.
            happened: vec![format!(
                "it is no question of this version (column {})",
                error.column()
            )],
            advice: Some("use the same version of the program on both ends".to_owned()),
            there: false,
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

/// Tells a guest what happens, until the engine ends or the guest has left.
async fn tell(mut news: Subscription, to: &mut tokio::net::unix::OwnedWriteHalf) {
    let mut last = 0;
    while let Some(first) = news.next().await {
        let mut under_way: Vec<Started> = Vec::new();
        let mut take = |one: News| match one {
            News::Fact(record) => {
                last = record.seq;
                if let Fact::ExchangeRecorded { exchange, .. } = &record.fact {
                    under_way.retain(|started| started.exchange.id != exchange.id);
                }
            }
            News::Started(started) if under_way.len() < UNDER_WAY => {
                under_way.push((*started).clone());
            }
            // The facts are in the journal, and whatever goes on is told when it ends.
            News::Started(_) | News::Missed(_) => {}
        };
        take(first);
        tokio::time::sleep(GATHER).await;
        while let Some(next) = news.try_next() {
            take(next);
        }
        let heard = Answer::Heard { last, under_way };
        let Ok(text) = serde_json::to_string(&heard) else {
            tracing::error!("what happens cannot be told");
            return;
        };
        if to.write_all(format!("{text}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
