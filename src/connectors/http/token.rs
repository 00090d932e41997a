//! What a credential was granted, kept until shortly before it expires and shared by everybody who sends.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::{Clock, Failure};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Mutex;

use super::classify;

/// A token is renewed so long before it expires, or a tenth of its life before when that is less.
const EARLY: Duration = Duration::from_mins(1);

/// What goes with a request so that the target knows who asks. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Pass {
    header: Option<(HeaderName, HeaderValue)>,
}

impl Pass {
    /// Makes a pass of one header.
    ///
    /// # Errors
    /// `Misconfigured` when the value holds what no header can (a line break).
    pub(crate) fn header(name: HeaderName, value: &str) -> Result<Self, Failure> {
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            classify::failure(
                domain::FailureKind::Misconfigured,
                domain::Remedy::GiveUp,
                format!("the value for the header {name} holds characters that a header cannot"),
                "Look for a line break or control character in the secret.",
            )
        })?;
        value.set_sensitive(true);
        Ok(Self {
            header: Some((name, value)),
        })
    }

    /// Adds the pass to a request's headers.
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        if let Some((name, value)) = &self.header {
            headers.insert(name.clone(), value.clone());
        }
    }
}

/// A pass with the time for which it is good.
pub(crate) struct Granted {
    /// The pass.
    pub(crate) pass: Pass,
    /// How long it is good from now; `None` until the target refuses it.
    pub(crate) lifetime: Option<Duration>,
}

/// The pass that is kept.
#[derive(Default)]
pub(crate) struct Tokens {
    kept: Mutex<Kept>,
    /// Counts the calls for a pass, so that those who waited for a failed one need not repeat it.
    calls: AtomicU64,
}

#[derive(Default)]
struct Kept {
    pass: Option<(Pass, Option<Duration>)>,
    failed: Option<Failure>,
}

impl Tokens {
    /// Returns a pass that is good, asking for one when there is none. Of many who ask at once, one does.
    ///
    /// # Errors
    /// What the call for a pass failed with; everybody who waited for that call gets the same.
    pub(crate) async fn get<F>(
        &self,
        clock: &dyn Clock,
        obtain: impl FnOnce() -> F,
    ) -> Result<Pass, Failure>
    where
        F: Future<Output = Result<Granted, Failure>>,
    {
        let seen = self.calls.load(Ordering::Acquire);
        let mut kept = self.kept.lock().await;
        let waited = self.calls.load(Ordering::Acquire) != seen;
        if let Some((pass, until)) = &kept.pass
            && until.is_none_or(|until| clock.monotonic() < until)
        {
            return Ok(pass.clone());
        }
        if let Some(failure) = kept.failed.as_ref().filter(|_| waited) {
            return Err(failure.clone());
        }
        let asked_at = clock.monotonic();
        let outcome = obtain().await;
        self.calls.fetch_add(1, Ordering::Release);
        match outcome {
            Ok(granted) => {
                // What a target says of its token is data: however long it promises, nothing runs over.
                let until = granted.lifetime.map(|lifetime| {
                    asked_at.saturating_add(lifetime.saturating_sub(EARLY.min(lifetime / 10)))
                });
                kept.pass = Some((granted.pass.clone(), until));
                kept.failed = None;
                Ok(granted.pass)
            }
            Err(failure) => {
                kept.pass = None;
                kept.failed = Some(failure.clone());
                Err(failure)
            }
        }
    }

    /// Drops a pass that the target refused, unless it was renewed meanwhile.
    pub(crate) async fn refused(&self, pass: &Pass) {
        let mut kept = self.kept.lock().await;
        if kept.pass.as_ref().is_some_and(|(have, _)| have == pass) {
            kept.pass = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use domain::{FailureKind, ManualClock, Remedy};
    use jiff::Timestamp;

    use super::*;

    fn granted(value: &str, seconds: u64) -> Result<Granted, Failure> {
        Ok(Granted {
            pass: Pass::header(HeaderName::from_static("authorization"), value)?,
            lifetime: Some(Duration::from_secs(seconds)),
        })
    }

    #[tokio::test]
    async fn many_who_ask_at_once_cause_one_call() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let tokens = Tokens::default();
        let calls = AtomicUsize::new(0);
        let ask = || {
            tokens.get(&clock, || async {
                calls.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                granted("a", 3600)
            })
        };
        let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
        assert!(a.is_ok() && b.is_ok() && c.is_ok() && d.is_ok());
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn two_hundred_and_fifty_six_in_flight_renew_a_refused_pass_with_one_call() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let tokens = Arc::new(Tokens::default());
        let calls = Arc::new(AtomicUsize::new(0));
        let all_have_it = Arc::new(tokio::sync::Barrier::new(256));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..256 {
            let (clock, tokens) = (Arc::clone(&clock), Arc::clone(&tokens));
            let (calls, all_have_it) = (Arc::clone(&calls), Arc::clone(&all_have_it));
            tasks.spawn(async move {
                let obtain = || async {
                    let nth = calls.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    granted(&format!("token-{nth}"), 3600)
                };
                let pass = tokens.get(clock.as_ref(), obtain).await.unwrap();
                all_have_it.wait().await;
                // The target refuses all of them at the same moment.
                tokens.refused(&pass).await;
                tokens.get(clock.as_ref(), obtain).await.unwrap()
            });
        }
        let renewed = tasks.join_all().await;
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        assert!(renewed.iter().all(|pass| *pass == renewed[0]));
    }

    #[tokio::test]
    async fn those_who_waited_for_a_failed_call_share_its_failure() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let tokens = Tokens::default();
        let calls = AtomicUsize::new(0);
        let ask = || {
            tokens.get(&clock, || async {
                calls.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Err(classify::failure(
                    FailureKind::Unauthenticated,
                    Remedy::GiveUp,
                    "no",
                    "",
                ))
            })
        };
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        assert!(a.is_err() && b.is_err() && c.is_err());
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        assert!(ask().await.is_err());
        assert_eq!(
            calls.load(Ordering::SeqCst),
            2,
            "who comes later asks again"
        );
    }

    #[tokio::test]
    async fn a_pass_that_is_promised_for_ever_or_for_no_time_is_taken() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        clock.advance(Duration::from_secs(1));
        for seconds in [u64::MAX, 0] {
            let tokens = Tokens::default();
            assert!(
                tokens
                    .get(&clock, || async { granted("a", seconds) })
                    .await
                    .is_ok()
            );
        }
    }

    #[tokio::test]
    async fn a_pass_is_renewed_shortly_before_it_expires_and_after_a_refusal() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let tokens = Tokens::default();
        let first = tokens
            .get(&clock, || async { granted("one", 600) })
            .await
            .unwrap();
        clock.advance(Duration::from_secs(539));
        assert!(
            tokens
                .get(&clock, || async { granted("two", 600) })
                .await
                .unwrap()
                == first
        );
        clock.advance(Duration::from_secs(1));
        let second = tokens
            .get(&clock, || async { granted("two", 600) })
            .await
            .unwrap();
        assert!(second != first);
        tokens.refused(&first).await;
        assert!(
            tokens
                .get(&clock, || async { granted("three", 600) })
                .await
                .unwrap()
                == second,
            "a refusal of an old pass does not touch the new one"
        );
        tokens.refused(&second).await;
        assert!(
            tokens
                .get(&clock, || async { granted("three", 600) })
                .await
                .unwrap()
                != second
        );
    }
}
