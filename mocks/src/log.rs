//! The request log of one mock: what came, what it was about, what it changed, what went wrong on purpose.
//!
//! Bounded in bytes, oldest first out, so that a mock can run for a week. No header and no body is ever in it: neither
//! `Authorization` nor a password has a place to stand.

use std::{collections::VecDeque, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::{Change, fault::Fault};

/// How many entries a follower may be behind before it loses the oldest.
const FEED: usize = 4096;
/// What stands in the log where a secret would.
const REDACTED: &str = "…";

/// One request that a mock saw, or one intervention from outside (`mock.reset`, `mock.restore`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Counts the requests of this mock from 1.
    pub number: u64,
    /// When it arrived.
    pub at: Timestamp,
    /// The mock's name.
    pub mock: &'static str,
    /// The vendor's method name, as in [`Operation`](crate::Operation).
    pub operation: &'static str,
    /// The user or group it was about, when the request alone told.
    pub subject: Option<String>,
    /// The method.
    pub method: String,
    /// Path and query as sent, values of secret parameters replaced.
    pub path: String,
    /// The status that was answered; absent when the connection was cut before the work.
    pub status: Option<u16>,
    /// Whether the answer was put on the wire. `false` after `drop-before`, `drop-after` and `reset`.
    pub answered: bool,
    /// From the arrival of the headers to the answer, armed latency included.
    pub duration_micros: u64,
    /// The armed faults that acted on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Whether a quota refused it.
    pub throttled: bool,
    /// What the mock does not offer: the endpoint, or the parameter the vendor named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<String>,
    /// What it changed, field by field.
    pub changes: Vec<Change>,
}

impl Entry {
    fn size_bytes(&self) -> usize {
        let texts =
            self.path.len() + self.method.len() + self.subject.as_ref().map_or(0, String::len);
        let changes: usize = self.changes.iter().map(change_size).sum();
        size_of::<Self>() + texts + changes
    }
}

fn change_size(change: &Change) -> usize {
    let values = [&change.before, &change.after]
        .into_iter()
        .flatten()
        .map(value_size)
        .sum::<usize>();
    size_of::<Change>() + change.id.len() + change.name.len() + change.field.len() + values
}

fn value_size(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(value_size).sum(),
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| key.len() + 48 + value_size(value))
                .sum(),
        }
}

/// The last entries of one mock, bounded in bytes.
#[derive(Debug)]
pub(crate) struct Log {
    /// Each with the bytes it counts for.
    entries: VecDeque<(usize, Arc<Entry>)>,
    bytes: usize,
    limit_bytes: usize,
    /// What fell out and waits to be freed where nobody waits for the log.
    fallen: Vec<Arc<Entry>>,
    last: u64,
    feed: broadcast::Sender<Arc<Entry>>,
}

impl Log {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            limit_bytes,
            fallen: Vec::new(),
            last: 0,
            feed: broadcast::Sender::new(FEED),
        }
    }

    pub(crate) fn limit_bytes(&self) -> usize {
        self.limit_bytes
    }

    /// Numbers an entry, keeps it and tells the followers.
    pub(crate) fn push(&mut self, mut entry: Entry) {
        self.last += 1;
        entry.number = self.last;
        entry.changes.iter_mut().for_each(redact_change);
        let bytes = entry.size_bytes();
        self.bytes += bytes;
        let entry = Arc::new(entry);
        if self.feed.receiver_count() > 0 {
            let _ = self.feed.send(Arc::clone(&entry)); // nobody listening any more is fine
        }
        self.entries.push_back((bytes, entry));
        while self.bytes > self.limit_bytes && self.entries.len() > 1 {
            if let Some((bytes, oldest)) = self.entries.pop_front() {
                self.bytes -= bytes;
                self.fallen.push(oldest);
            }
        }
    }

    /// Hands over what fell out of the log; to free it takes longer than to write it.
    pub(crate) fn take_fallen(&mut self) -> Vec<Arc<Entry>> {
        std::mem::take(&mut self.fallen)
    }

    /// Returns the kept entries with a number above `after`, oldest first.
    pub(crate) fn after(&self, after: u64) -> Vec<Arc<Entry>> {
        let first = self.entries.front().map_or(0, |(_, entry)| entry.number);
        let skip = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let kept = self.entries.iter().skip(skip);
        kept.map(|(_, entry)| Arc::clone(entry)).collect()
    }

    pub(crate) fn subscribe(&self) -> Feed {
        Feed {
            entries: self.feed.subscribe(),
            missed: 0,
        }
    }
}

/// Follows one mock's log while it is written.
#[derive(Debug)]
pub struct Feed {
    entries: broadcast::Receiver<Arc<Entry>>,
    missed: u64,
}

impl Feed {
    /// Waits for the next entry; `None` once the mock is gone.
    pub async fn next(&mut self) -> Option<Arc<Entry>> {
        loop {
            match self.entries.recv().await {
                Ok(entry) => return Some(entry),
                Err(broadcast::error::RecvError::Lagged(count)) => self.missed += count,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// Returns the next entry if there is one by now.
    pub fn try_next(&mut self) -> Option<Arc<Entry>> {
        loop {
            match self.entries.try_recv() {
                Ok(entry) => return Some(entry),
                Err(broadcast::error::TryRecvError::Lagged(count)) => self.missed += count,
                Err(
                    broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed,
                ) => return None,
            }
        }
    }

    /// Returns how many entries came faster than they were taken and are lost to this feed.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

/// Holds the vendors to their word: a field that is called a password shows no value.
fn redact_change(change: &mut Change) {
    if names_password(&change.field) {
        for value in [&mut change.before, &mut change.after]
            .into_iter()
            .flatten()
        {
            *value = Value::from(REDACTED);
        }
    }
    for value in [&mut change.before, &mut change.after]
        .into_iter()
        .flatten()
    {
        redact_value(value);
    }
}

fn redact_value(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if value.is_string() && names_password(name) {
                    *value = Value::from(REDACTED);
                } else {
                    redact_value(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact_value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn names_password(name: &str) -> bool {
    const WORD: &[u8] = b"password";
    let mut places = name.as_bytes().windows(WORD.len());
    places.any(|place| place.eq_ignore_ascii_case(WORD))
}

/// Returns path and query with the values of secret parameters replaced.
pub(crate) fn redacted_path(path: &str, query: &str) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let mut text = String::with_capacity(path.len() + query.len() + 1);
    text.push_str(path);
    for (index, pair) in query.split('&').enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => {
                text.push_str(name);
                text.push('=');
                text.push_str(REDACTED);
            }
            _ => text.push_str(pair),
        }
    }
    text
}

fn is_secret(parameter: &str) -> bool {
    let name = percent_encoding::percent_decode_str(parameter)
        .decode_utf8_lossy()
        .to_ascii_lowercase();
    ["token", "password", "secret", "assertion", "api_key", "apikey"].iter().any(|word| name.contains(word))
        // Google's page tokens are no secret, and a trace is unreadable without them.
        && name != "pagetoken"
        || name == "key"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(path: &str) -> Entry {
        Entry {
            number: 0,
            at: Timestamp::UNIX_EPOCH,
            mock: "toy",
            operation: "things.get",
            subject: None,
            method: "GET".to_owned(),
            path: path.to_owned(),
            status: Some(200),
            answered: true,
            duration_micros: 1,
            faults: Vec::new(),
            throttled: false,
            unsupported: None,
            changes: Vec::new(),
        }
    }

    #[test]
    fn the_log_stays_within_its_bytes_and_keeps_the_newest() {
        let mut log = Log::new(16 * 1024);
        for number in 0..10_000 {
            log.push(entry(&format!("/things/{number}")));
        }
        let kept = log.after(0);
        assert!(kept.len() < 100, "{} entries kept", kept.len());
        assert_eq!(kept.last().unwrap().number, 10_000);
        assert_eq!(
            log.after(9_998)
                .iter()
                .map(|entry| entry.number)
                .collect::<Vec<_>>(),
            [9_999, 10_000]
        );
        assert!(log.after(20_000).is_empty());
        assert_eq!(log.after(1).len(), kept.len());
    }

    #[test]
    fn a_slow_follower_loses_the_oldest_and_knows_how_many() {
        let mut log = Log::new(1 << 20);
        let mut feed = log.subscribe();
        for _ in 0..FEED + 10 {
            log.push(entry("/"));
        }
        let first = feed.try_next().unwrap();
        assert_eq!((first.number, feed.missed()), (11, 10));
    }

    #[test]
    fn secrets_in_query_and_changes_are_not_kept() {
        assert_eq!(
            redacted_path(
                "/a",
                "access_token=abc&q=kim&pageToken=7&client%5Fsecret=s&key=k&flag"
            ),
            "/a?access_token=…&q=kim&pageToken=7&client%5Fsecret=…&key=…&flag"
        );
        let mut log = Log::new(1 << 20);
        let change = |field: &str, after| Change {
            object: "User",
            id: "1".to_owned(),
            name: "kim".to_owned(),
            field: field.to_owned(),
            before: None,
            after: Some(after),
        };
        let changes = vec![
            change("Password", json!("canary")),
            change("*", json!({"a": [{"newPassword": "canary"}]})),
        ];
        log.push(Entry {
            changes,
            ..entry("/")
        });
        assert!(
            !serde_json::to_string(&log.after(0)[0].as_ref())
                .unwrap()
                .contains("canary")
        );
    }
}
