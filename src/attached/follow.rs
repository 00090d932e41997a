//! Following an engine: what it commits is read from the journal as it says so, and when it ends the next one is looked for.

use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use engine::{JournalError, News, Reader};
use tokio::sync::{Notify, broadcast, watch};
use tui::Standing;

use super::place::{OtherFile, Place};
use crate::control::{Answer, BEAT, Follower};

/// How many facts are read at once; of more than that the screen is told how many it missed, and reads the newest.
const FACTS: usize = 4096;
/// How often it is looked whether an engine is there again, and what a process without a socket has written.
const LOOK: Duration = Duration::from_secs(1);
/// How many of these looks are let pass after an engine was met that works by another file.
const PASSED: u32 = 10;
/// How long an engine that is followed may say nothing, before that is told.
const PATIENCE: Duration = BEAT.saturating_mul(5);

/// Says how one stands to an engine that is followed.
pub(super) fn stands(process: u32) -> Standing {
    if process == std::process::id() {
        Standing::Here
    } else {
        Standing::Attached { process }
    }
}

/// What follows an engine and tells the screen.
pub(super) struct Follows {
    pub(super) engine: Place,
    pub(super) reader: Reader,
    pub(super) news: broadcast::Sender<News>,
    /// The number of the newest fact that was told.
    pub(super) at: u64,
    /// Says that an engine was started here: it is looked for at once.
    pub(super) started: Arc<Notify>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Follows {
    /// Tells what happens until it is ended.
    pub(super) async fn run(
        mut self,
        mut follower: Option<Follower>,
        standing: watch::Sender<Standing>,
    ) {
        let (mut passed, mut is_other) = (0, false);
        loop {
            if let Some(mut heard) = follower.take() {
                // What happened while there was nobody to tell it.
                self.catch_up().await;
                while let Some(answer) =
                    hear(&mut heard, &standing, self.clock.as_ref(), PATIENCE).await
                {
                    let Answer::Heard { last, under_way } = answer else {
                        break;
                    };
                    if last > self.at {
                        self.catch_up().await;
                    }
                    for started in under_way {
                        self.tell(News::Started(Arc::new(started)));
                    }
                }
                standing.send_replace(Standing::Alone);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.started.notified() => passed = 0,
            }
            if passed > 0 {
                passed -= 1;
                self.catch_up().await;
                continue;
            }
            match self.engine.attach().await {
                Ok(Some((process, again))) => {
                    standing.send_replace(stands(process));
                    (follower, is_other) = (Some(again), false);
                    continue;
                }
                Ok(None) => {
                    if is_other {
                        standing.send_replace(Standing::Alone);
                    }
                    is_other = false;
                }
                Err(other) => {
                    // It works on the journal, and takes nothing from here.
                    if !is_other {
                        tracing::warn!(%other, "the engine is not commanded from here: it works by another file");
                        let OtherFile { process, file } = other;
                        standing.send_replace(Standing::OtherFile { process, file });
                    }
                    (passed, is_other) = (PASSED, true);
                }
            }
            self.catch_up().await;
        }
    }

    fn tell(&self, news: News) {
        let _ = self.news.send(news); // nobody may be listening yet
    }

    /// Reads the facts after the last one that was told, and tells them.
    async fn catch_up(&mut self) {
        loop {
            let (reader, at) = (self.reader.clone(), self.at);
            let read = tokio::task::spawn_blocking(move || {
                let last = reader.last()?;
                if last <= at {
                    return Ok((at, Vec::new()));
                }
                if last - at > FACTS as u64 {
                    return Ok((last, Vec::new()));
                }
                Ok::<_, JournalError>((last, reader.facts_since(at, FACTS)?))
            });
            match read.await {
                Ok(Ok((last, facts))) if facts.is_empty() => {
                    if last > at {
                        self.at = last;
                        self.tell(News::Missed(last - at));
                    }
                    return;
                }
                Ok(Ok((_, facts))) => {
                    for record in facts {
                        self.at = record.seq;
                        self.tell(News::Fact(Arc::new(record)));
                    }
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the journal cannot be followed at the moment");
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "reading the journal broke down");
                    return;
                }
            }
        }
    }
}

/// Waits for what an engine says next, and tells when it says nothing for long; `None` when it has ended.
async fn hear(
    follower: &mut Follower,
    standing: &watch::Sender<Standing>,
    clock: &dyn Clock,
    patience: Duration,
) -> Option<Answer> {
    let since = clock.now();
    // The one line is waited for all along: half of it may have come.
    let mut line = std::pin::pin!(follower.next());
    if let Ok(heard) = tokio::time::timeout(patience, line.as_mut()).await {
        return heard.ok();
    }
    let before = standing.borrow().clone();
    let Standing::Attached { process } = before else {
        return line.await.ok();
    };
    tracing::warn!(process, "the engine says nothing any more");
    standing.send_replace(Standing::Silent { process, since });
    let heard = line.await.ok()?;
    standing.send_replace(before);
    Some(heard)
}

#[cfg(test)]
mod tests {
    use domain::SystemClock;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::UnixListener;

    use super::*;
    use crate::control::{Client, socket_of};

    #[tokio::test]
    async fn an_engine_that_says_nothing_is_told_of_until_it_speaks_again() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("j.db");
        let listener = UnixListener::bind(socket_of(&journal)).unwrap();
        let client = Client::of(&journal).await.unwrap();
        let mut follower = client.follow().await.unwrap();
        // The first one only looked whether anybody is there.
        listener.accept().await.unwrap();
        let (mut engine, _) = listener.accept().await.unwrap();
        let (tells, mut standing) = watch::channel(Standing::Attached { process: 7 });
        let hears = tokio::spawn(async move {
            let patience = Duration::from_millis(20);
            let heard = hear(&mut follower, &tells, &SystemClock::default(), patience).await;
            (heard, tells)
        });
        let is_silent = |now: &Standing| matches!(now, Standing::Silent { process: 7, .. });
        standing.wait_for(is_silent).await.unwrap();
        let said = Answer::Heard {
            last: 1,
            under_way: Vec::new(),
        };
        let line = format!("{}\n", serde_json::to_string(&said).unwrap());
        // In two halves, as a line may come.
        let (one, other) = line.as_bytes().split_at(9);
        engine.write_all(one).await.unwrap();
        engine.write_all(other).await.unwrap();
        let (heard, tells) = hears.await.unwrap();
        assert_eq!(heard, Some(said));
        assert_eq!(*tells.borrow(), Standing::Attached { process: 7 });
    }
}
