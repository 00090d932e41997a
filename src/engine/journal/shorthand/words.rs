//! What shorthand knows beforehand: the records and their fields, and the words that are used everywhere.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::mark;

/// So many different words at most: those of the list, and those of the row.
pub(super) const WORDS: usize = 1 << 15;

/// The number of a row's own first word. The list may grow up to it; were its own words counted from where the list ends,
/// whatever was written would read otherwise with each word that is added.
pub(super) const FIRST_OF_ROW: usize = WORDS / 4;

/// Texts of a row that may come again.
const SHORTEST: usize = 3;
pub(super) const LONGEST: usize = 255;

/// The records whose fields have no names: the name of the type, the word that stands first when it says which of several it
/// is, and the fields.
pub(super) const RECORDS: &[(&str, &str, &[&str])] = &[
    ("TraceLine", "", &["step", "text", "reason"]),
    ("DesiredAttribute", "", &["remote", "value", "origin"]),
    ("AttributeChange", "", &["remote", "before", "after"]),
    ("Header", "", &["name", "value"]),
    ("ConnectorRef", "", &["connection", "kind"]),
    ("LocalRef", "", &["object", "id"]),
    ("Duration", "", &["secs", "nanos"]),
    ("Body", "", &["text", "size_bytes", "cut"]),
    ("Response", "", &["status", "headers", "body"]),
    (
        "Exchange",
        "",
        &[
            "id",
            "purpose",
            "at",
            "method",
            "url",
            "request_headers",
            "request_body",
            "response",
            "error",
            "took",
        ],
    ),
    (
        "Trigger",
        "",
        &[
            "id",
            "flow",
            "at",
            "kind",
            "source",
            "subject",
            "subject_name",
            "application",
            "connection",
            "role",
            "changed",
            "carries_password",
        ],
    ),
    (
        "Candidate",
        "",
        &[
            "connector",
            "levels",
            "blocking",
            "rules",
            "jit",
            "on_failure",
            "timeout",
        ],
    ),
    ("Decision", "", &["candidate", "verdict", "trace"]),
    (
        "Planned",
        "",
        &["local", "verb", "desired", "changes", "deprovision", "held"],
    ),
    (
        "Desired",
        "",
        &["local", "remote_name", "attributes", "members", "password"],
    ),
    ("Member", "", &["local", "name", "remote_id"]),
    (
        "Queued",
        "",
        &[
            "operation",
            "trigger",
            "connector",
            "local",
            "name",
            "remote_name",
            "verb",
            "blocking",
            "cause",
            "held",
        ],
    ),
    (
        "Link",
        "",
        &[
            "connector",
            "local",
            "remote_id",
            "remote_name",
            "written",
            "origin",
            "active",
            "gone",
            "since",
            "exceptions",
        ],
    ),
    ("User", "", &["id", "name", "claims", "roles", "groups"]),
    ("Nothing", "", &["reason", "detail"]),
    (
        "Failure",
        "",
        &["kind", "remedy", "status", "told", "advice"],
    ),
    ("Fact", "trigger-recorded", &["fact", "trigger"]),
    (
        "Fact",
        "decided",
        &["fact", "trigger", "event", "decisions", "operations"],
    ),
    ("Fact", "operation-queued", &["fact", "queued"]),
    (
        "Fact",
        "attempt-started",
        &["fact", "operation", "number", "verb", "password"],
    ),
    (
        "Fact",
        "exchange-recorded",
        &["fact", "operation", "attempt", "connector", "exchange"],
    ),
    (
        "Fact",
        "attempt-failed",
        &["fact", "operation", "number", "failure", "then"],
    ),
    (
        "Fact",
        "settled",
        &["fact", "operation", "attempts", "outcome"],
    ),
    ("Fact", "linked", &["fact", "link"]),
    ("Fact", "unlinked", &["fact", "link"]),
    ("Fact", "directory-changed", &["fact", "changes"]),
];

/// The types whose first field says which of several records it is.
pub(super) const TAGGED: &str = "Fact";

/// Texts that are used everywhere, one a line, each as JSON.
pub(super) const LIST: &str = include_str!("words-1.txt");

pub(super) static BY_NAME: LazyLock<HashMap<&'static str, u8>> = LazyLock::new(|| {
    let all = RECORDS.iter().zip(mark::RECORD..mark::RECORD_END);
    all.map(|((name, word, _), mark)| (if word.is_empty() { *name } else { *word }, mark))
        .collect()
});

pub(super) static LISTED: LazyLock<Vec<Box<str>>> = LazyLock::new(|| {
    let lines = LIST.lines().filter(|line| !line.is_empty());
    // A line that is no text would move the numbers of all that follow; a test reads them all.
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_default())
        .collect()
});

/// The words of the list by their texts, which stand one behind the other.
pub(super) static START: LazyLock<(Words, Vec<u8>)> = LazyLock::new(|| {
    let mut words = Words::default();
    let mut texts = Vec::new();
    words.grow(4 * LISTED.len().max(64));
    for word in LISTED.iter() {
        let from = texts.len();
        texts.extend_from_slice(word.as_bytes());
        words.enter(from, texts.len(), hash(word.as_bytes()));
    }
    (words, texts)
});

/// The words of the list that are one byte, which are half of what stands between quotation marks: one more than their number.
pub(super) static SINGLE: LazyLock<[u16; 128]> = LazyLock::new(|| {
    let mut single = [0; 128];
    for (number, word) in (1..).zip(LISTED.iter()) {
        if let [byte] = word.as_bytes()
            && let Some(place) = single.get_mut(usize::from(*byte))
        {
            *place = number;
        }
    }
    single
});

/// What was written, with its numbers. The bytes themselves stand elsewhere.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// From where to where each one's bytes stand, and their hash.
    places: Vec<(u32, u32, u32)>,
    /// Numbers by hash, one more than the number; 0 is free. The size is a power of two.
    table: Vec<u16>,
}

/// A quick hash: texts are short, and whoever chooses them gains nothing by collisions but a slower row of his own.
pub(super) fn hash(bytes: &[u8]) -> u32 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(K);
    let mut hash = bytes.len() as u64;
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let (chunks, _) = bytes.as_chunks::<8>();
        for chunk in &chunks[1..] {
            hash = mix(hash, u64::from_le_bytes(*chunk));
        }
        // The last eight may be looked at twice, which is quicker than to copy what is left over.
        hash = mix(hash, u64::from_le_bytes(*first));
        hash = mix(hash, u64::from_le_bytes(*last));
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        hash = mix(hash, (u64::from(first) << 32) | u64::from(last));
    } else {
        let word = bytes
            .iter()
            .fold(0, |word, byte| (word << 8) | u64::from(*byte));
        hash = mix(hash, word);
    }
    u32::try_from(hash >> 32).unwrap_or(0)
}

impl Words {
    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns the number of what was written before.
    pub(super) fn find(&self, all: &[u8], bytes: &[u8], hash: u32) -> Option<usize> {
        let last = self.table.len().checked_sub(1)?;
        let mut at = hash as usize & last;
        loop {
            let number = usize::from(self.table[at]).checked_sub(1)?;
            let (from, to, known) = self.places[number];
            if known == hash && all[from as usize..to as usize] == *bytes {
                return Some(number);
            }
            at = (at + 1) & last;
        }
    }

    pub(super) fn enter(&mut self, from: usize, to: usize, hash: u32) {
        if 2 * (self.places.len() + 1) > self.table.len() {
            self.grow(2 * self.table.len().max(256));
        }
        let (Ok(from), Ok(to), Ok(number)) = (
            u32::try_from(from),
            u32::try_from(to),
            u16::try_from(self.places.len() + 1),
        ) else {
            return;
        };
        self.places.push((from, to, hash));
        self.put(hash, number);
    }

    fn put(&mut self, hash: u32, number: u16) {
        let last = self.table.len() - 1;
        let mut at = hash as usize & last;
        while self.table[at] != 0 {
            at = (at + 1) & last;
        }
        self.table[at] = number;
    }

    fn grow(&mut self, size: usize) {
        self.table.clear();
        self.table.resize(size.next_power_of_two(), 0);
        for (number, at) in (1..).zip(0..self.places.len()) {
            self.put(self.places[at].2, number);
        }
    }

    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.table.fill(0);
    }
}

/// Whether a text that is written enters the words of the row.
pub(super) fn comes_again(size: usize, known: usize) -> bool {
    (SHORTEST..=LONGEST).contains(&size) && FIRST_OF_ROW + known < WORDS
}

/// Returns the fields of a record.
pub(super) fn fields(record: u8) -> &'static [&'static str] {
    RECORDS[usize::from(record - mark::RECORD)].2
}
