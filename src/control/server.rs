//! The answering end.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::{Fact, News, Started, Subscription};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{Answer, Ask, BEAT, socket_of};
use crate::exit::Exit;

/// The longest question that is read, in bytes: a seed of some ten thousand users.
const LONGEST: u64 = 16 << 20;

/// How long news are gathered before they are told: a line for each of them would cost more than the news.
const GATHER: Duration = Duration::from_millis(40);

/// How many requests that are under way are told of in one line.
const UNDER_WAY: usize = 256;

/// How many questions are read, and short ones answered, at once; the next waits.
const COMMANDS: usize = 64;

/// How many may wait at once for what takes long: a blocking provisioner, a target that is read.
const WAITING: usize = 256;

/// How many may follow at once.
const FOLLOWERS: usize = 32;

/// How long a question may take to come in, and how long to wait for a slot among those who stay.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an answer may take to be read.
const LEAVE: Duration = Duration::from_secs(30);

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
    /// Device and number of the file: another process may have made one of the same name since.
    file: (u64, u64),
    patience: Duration,
    beat: Duration,
}

/// How many may be here at once. Those who stay have slots apart from the short commands, so that a command is answered
/// however many follow or wait.
#[derive(Debug)]
struct Slots {
    commands: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    followers: Arc<Semaphore>,
    patience: Duration,
    /// How often who follows hears something at least.
    beat: Duration,
}

impl Slots {
    fn new(patience: Duration, beat: Duration) -> Self {
        let of = |count| Arc::new(Semaphore::new(count));
        Self {
            commands: of(COMMANDS),
            waiting: of(WAITING),
            followers: of(FOLLOWERS),
            patience,
            beat,
        }
    }

    /// Waits for a slot to read a question.
    async fn command(&self) -> OwnedSemaphorePermit {
        let slot = Arc::clone(&self.commands).acquire_owned().await;
        slot.expect("the slots are never closed")
    }

    /// Takes the slot that a question needs for the one that it was read in.
    ///
    /// # Errors
    /// What to answer when none is free.
    async fn exchange(
        &self,
        slot: OwnedSemaphorePermit,
        ask: &Ask,
    ) -> Result<OwnedSemaphorePermit, Answer> {
        let (slots, told) = match ask {
            Ask::Follow => (
                &self.followers,
                format!("{FOLLOWERS} others follow this engine already"),
            ),
            ask if ask.takes_long() => (
                &self.waiting,
                format!("{WAITING} others wait already for what takes long"),
            ),
            _ => return Ok(slot),
        };
        drop(slot);
        match timeout(self.patience, Arc::clone(slots).acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(refused(
                Exit::Journal,
                "answer",
                told,
                "try again when one of them has ended; short commands are answered meanwhile",
            )),
        }
    }
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
        let file = std::fs::metadata(&path)?;
        Ok(Self {
            socket: listener,
            path,
            owner: file.uid(),
            file: (file.dev(), file.ino()),
            patience: PATIENCE,
            beat: BEAT,
        })
    }

    /// Takes the socket away, so that nobody new comes; to be called before the journal's lock is given back. A socket that
    /// another process has made in its place stays.
    pub fn close(&self) {
        let is_ours = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|file| (file.dev(), file.ino()) == self.file);
        if is_ours {
            let _ = std::fs::remove_file(&self.path); // gone already is what is wanted
        }
    }

    /// Answers until it is dropped.
    pub async fn serve(&self, door: Arc<dyn Door>) {
        let slots = Arc::new(Slots::new(self.patience, self.beat));
        let mut guests = JoinSet::new();
        loop {
            // Until one is free, whoever comes waits in the system's queue.
            let slot = slots.command().await;
            match self.socket.accept().await {
                Ok((stream, _)) if self.is_ours(&stream) => {
                    guests.spawn(receive(stream, Arc::clone(&door), Arc::clone(&slots), slot));
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
        self.close();
    }
}

async fn receive(
    stream: UnixStream,
    door: Arc<dyn Door>,
    slots: Arc<Slots>,
    slot: OwnedSemaphorePermit,
) {
    let (read, mut write) = stream.into_split();
    // The question may hold a password.
    let mut line = Zeroizing::new(String::new());
    let mut reader = BufReader::new(read.take(LONGEST));
    let is_whole = match timeout(slots.patience, reader.read_line(&mut line)).await {
        Ok(Ok(0)) => return, // somebody looked whether we are here
        Ok(Ok(_)) => line.ends_with('\n'),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a question could not be read from the control socket");
            return;
        }
        Err(_) => {
            let answer = refused(
                Exit::Usage,
                "take the question",
                format!("it did not come within {:?}", slots.patience),
                "write the question as soon as the socket is open, with a line feed at its end",
            );
            say(&mut write, answer).await;
            return;
        }
    };
    let ask = match serde_json::from_str::<Ask>(&line) {
        Ok(ask) => ask,
        Err(error) => {
            drop(line);
            say(&mut write, not_understood(is_whole, error.column())).await;
            return;
        }
    };
    drop(line);
    let _slot = match slots.exchange(slot, &ask).await {
        Ok(slot) => slot,
        Err(full) => {
            say(&mut write, full).await;
            return;
        }
    };
    if matches!(ask, Ask::Follow) {
        let news = door.follow();
        tokio::select! {
            () = leaves(reader.into_inner().into_inner()) => {}
            () = tell(news, slots.beat, &mut write) => {}
        }
        return;
    }
    let answer = door.answer(ask).await;
    say(&mut write, answer).await;
}

fn not_understood(is_whole: bool, column: usize) -> Answer {
    if is_whole {
        return refused(
            Exit::Usage,
            "understand the question",
            // Of the kind and the place only: the question may hold a password.
            format!("it is no question of this version (column {column})"),
            "use the same version of the program on both ends",
        );
    }
    refused(
        Exit::Usage,
        "take the question",
        format!("it is longer than {} MiB", LONGEST >> 20),
        "ask for less at once, or stop the running engine first",
    )
}

fn refused(exit: Exit, tried: &str, happened: String, advice: &str) -> Answer {
    Answer::Refused {
        exit: exit.code(),
        tried: tried.to_owned(),
        happened: vec![happened],
        advice: Some(advice.to_owned()),
        there: false,
    }
}

/// Returns when a guest has left.
async fn leaves(mut read: OwnedReadHalf) {
    let mut byte = [0];
    while matches!(read.read(&mut byte).await, Ok(1)) {}
}

/// Writes an answer. A guest who does not read it is not waited for: the slot is another's.
async fn say(write: &mut OwnedWriteHalf, answer: Answer) {
    let text = match serde_json::to_string(&answer) {
        Ok(text) => format!("{text}\n"),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            return;
        }
    };
    let _ = timeout(LEAVE, write.write_all(text.as_bytes())).await; // a client that left needs no answer
}

/// Tells a guest what happens, until the engine ends or the guest has left. The first line comes at once: whatever is
/// committed after it will be told, and what was committed before is in the journal. When nothing happens that is told, too:
/// who hears nothing at all knows that the engine is stopped.
async fn tell(mut news: Subscription, beat: Duration, to: &mut OwnedWriteHalf) {
    let mut last = 0;
    let begun = Answer::Heard {
        last,
        under_way: Vec::new(),
    };
    if !heard(begun, to).await {
        return;
    }
    loop {
        let mut under_way: Vec<Started> = Vec::new();
        let Ok(first) = timeout(beat, news.next()).await else {
            if heard(Answer::Heard { last, under_way }, to).await {
                continue;
            }
            return;
        };
        let Some(first) = first else { return };
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
        if !heard(Answer::Heard { last, under_way }, to).await {
            return;
        }
    }
}

/// Writes one line to who follows, and tells whether that was possible.
async fn heard(answer: Answer, to: &mut OwnedWriteHalf) -> bool {
    let Ok(text) = serde_json::to_string(&answer) else {
        tracing::error!("what happens cannot be told");
        return false;
    };
    to.write_all(format!("{text}\n").as_bytes()).await.is_ok()
}

#[cfg(test)]
mod tests {
    use domain::{Change, QualifiedName, Request, Source};
    use tokio::sync::broadcast;

    use super::*;
    use crate::control::{Client, Follower};

    /// Longer than the slowest machine needs; nothing waits so long unless something is wrong.
    const LONG: Duration = Duration::from_mins(2);

    /// A door behind which a request is never done, and nothing happens.
    struct Slow {
        taken: Semaphore,
        news: broadcast::Sender<News>,
    }

    #[async_trait]
    impl Door for Slow {
        async fn answer(&self, ask: Ask) -> Answer {
            if matches!(ask, Ask::Submit { .. }) {
                self.taken.add_permits(1);
                std::future::pending::<()>().await;
            }
            Answer::Done
        }

        fn follow(&self) -> Subscription {
            Subscription::of(self.news.subscribe())
        }
    }

    /// A journal's folder, the door behind its socket, and the way to it.
    async fn answering(patience: Duration) -> (tempfile::TempDir, Arc<Slow>, Client) {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("j.db");
        let mut listener = Listener::bind(&journal).unwrap();
        listener.patience = patience;
        listener.beat = Duration::from_millis(20);
        let door = Arc::new(Slow {
            taken: Semaphore::new(0),
            news: broadcast::Sender::new(8),
        });
        let answers = Arc::clone(&door);
        tokio::spawn(async move { listener.serve(answers).await });
        let client = Client::of(&journal).await.unwrap();
        (folder, door, client)
    }

    async fn is_answered(client: &Client) {
        let answer = timeout(LONG, client.ask(&Ask::Status)).await;
        assert_eq!(answer.unwrap().unwrap(), Answer::Done);
    }

    #[tokio::test]
    async fn who_follows_leaves_the_commands_alone_and_one_too_many_is_told() {
        let (_folder, _door, client) = answering(Duration::from_millis(200)).await;
        let mut followers: Vec<Follower> = Vec::new();
        for _ in 0..FOLLOWERS {
            let mut follower = client.follow().await.unwrap();
            let first = timeout(LONG, follower.next()).await.unwrap().unwrap();
            assert!(matches!(first, Answer::Heard { last: 0, .. }), "{first:?}");
            followers.push(follower);
        }
        let mut next = client.follow().await.unwrap();
        let told = timeout(LONG, next.next()).await.unwrap().unwrap();
        assert!(
            matches!(&told, Answer::Refused { happened, .. } if happened[0].contains("follow")),
            "{told:?}"
        );
        is_answered(&client).await;
    }

    #[tokio::test]
    async fn who_follows_hears_that_the_engine_is_there_although_nothing_happens() {
        let (_folder, _door, client) = answering(LONG).await;
        let mut follower = client.follow().await.unwrap();
        for _ in 0..3 {
            let heard = timeout(LONG, follower.next()).await.unwrap().unwrap();
            let nothing = Answer::Heard {
                last: 0,
                under_way: Vec::new(),
            };
            assert_eq!(heard, nothing);
        }
    }

    #[tokio::test]
    async fn a_command_is_answered_while_many_wait_for_a_blocking_provisioner() {
        let (_folder, door, client) = answering(LONG).await;
        let mut asking = JoinSet::new();
        let many = COMMANDS + 1;
        for _ in 0..many {
            let client = client.clone();
            let user = QualifiedName::new("kim");
            let request = Request {
                change: Change::DeleteUser { user },
                source: Source::Api,
                application: None,
                connection: None,
            };
            asking.spawn(async move { client.ask(&Ask::Submit { request }).await });
        }
        let many = u32::try_from(many).unwrap();
        let taken = timeout(LONG, door.taken.acquire_many(many)).await;
        assert!(taken.unwrap().is_ok(), "all of them wait");
        is_answered(&client).await;
    }

    #[tokio::test]
    async fn who_says_nothing_is_sent_away() {
        let (folder, _door, client) = answering(Duration::from_millis(200)).await;
        let mut silent = Vec::new();
        for _ in 0..COMMANDS {
            let stream = UnixStream::connect(socket_of(&folder.path().join("j.db"))).await;
            silent.push(stream.unwrap());
        }
        is_answered(&client).await;
        let mut told = String::new();
        let read = timeout(LONG, silent[0].read_to_string(&mut told)).await;
        read.unwrap().unwrap();
        assert!(told.contains("did not come within"), "{told}");
    }
}
