//! The filter language of the stream: `target:hr-scim st>=400 !op:list | (user:kim try>1)`.
//!
//! A blank means *and*, `|` means *or*, `!` means *not*; the words `and`, `or`, `not` do too, however they are written,
//! and in quotes they are text. Bare text searches the user, the target and the address; after `~` instead of `:` stands
//! a regular expression. mitmproxy's `~m ~u ~c ~d ~b` are understood.

mod read;

use std::fmt;
use std::ops::Range;

use regex::Regex;

use crate::stream::Row;
use read::{Reader, tokens};

/// A filter, read once and asked for every row.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Filter {
    text: String,
    root: Option<Node>,
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{told}")]
pub(crate) struct FilterError {
    /// Which part of the text, in bytes; empty at its end when something is missing there.
    pub(crate) part: Range<usize>,
    pub(crate) told: String,
}

impl FilterError {
    fn of(part: Range<usize>, told: impl Into<String>) -> Self {
        Self {
            part,
            told: told.into(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Text(Word, String),
    Pattern(Word, Pattern),
    Number(Count, Compare, f64),
    Is(Sign),
}

/// A regular expression; two are the same when they are written the same.
#[derive(Debug, Clone)]
struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

/// The words that hold text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Any,
    Target,
    Op,
    User,
    Trace,
    Body,
    Method,
    Url,
}

/// The words that hold a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    Status,
    Millis,
    Try,
    Size,
}

/// What a row may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Problem,
    Marked,
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The words, for help and completion.
pub(crate) const WORDS: &[(&str, &str)] = &[
    (
        "target:",
        "connection, connector or both: target:corp-scim/scim2",
    ),
    ("op:", "create, update, deprovision, token, lookup, decide"),
    ("user:", "the user or group"),
    ("st", "status: st>=400, st:4xx, st:none"),
    ("ms", "time taken: ms>200"),
    ("try", "attempt: try>1"),
    ("size", "bytes of both bodies: size>10000"),
    ("trace:", "flow or operation id, or its beginning"),
    (
        "body:",
        "text in a body; user~^k or body~\"a|b\" are regular expressions",
    ),
    ("method:", "GET, POST …"),
    ("url:", "text in the address"),
    ("is:", "problem, marked, nothing"),
];

impl Filter {
    /// Reads a filter; blank text lets everything pass.
    ///
    /// # Errors
    /// [`FilterError`] with the place.
    pub(crate) fn parse(text: &str) -> Result<Self, FilterError> {
        let tokens = tokens(text)?;
        let mut reader = Reader {
            tokens: &tokens,
            at: 0,
            end: text.len(),
            depth: 0,
        };
        let root = if tokens.is_empty() {
            None
        } else {
            Some(reader.or()?)
        };
        if let Some(token) = reader.peek() {
            return Err(FilterError::of(token.part.clone(), "`)` closes nothing"));
        }
        Ok(Self {
            text: text.trim().to_owned(),
            root,
        })
    }

    /// Tells whether everything passes.
    pub(crate) fn is_open(&self) -> bool {
        self.root.is_none()
    }

    /// Tells whether a row passes.
    pub(crate) fn passes(&self, row: &Row) -> bool {
        self.root.as_ref().is_none_or(|node| node.passes(row))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Node {
    fn passes(&self, row: &Row) -> bool {
        match self {
            Self::And(nodes) => nodes.iter().all(|node| node.passes(row)),
            Self::Or(nodes) => nodes.iter().any(|node| node.passes(row)),
            Self::Not(node) => !node.passes(row),
            Self::Text(word, wanted) => word.holds(row, wanted),
            Self::Pattern(word, pattern) => word.matches(row, &pattern.0),
            Self::Number(count, compare, wanted) => match count.of(row) {
                None => wanted.is_nan(),
                Some(value) => !wanted.is_nan() && compare.holds(value, *wanted),
            },
            Self::Is(Sign::Problem) => row.is_problem(),
            Self::Is(Sign::Marked) => row.marked,
            Self::Is(Sign::Nothing) => row.is_nothing(),
        }
    }
}

fn contains(text: &str, wanted: &str) -> bool {
    if wanted.is_empty() {
        return true;
    }
    if text.is_ascii() && wanted.is_ascii() {
        return text
            .as_bytes()
            .windows(wanted.len())
            .any(|part| part.eq_ignore_ascii_case(wanted.as_bytes()));
    }
    text.to_lowercase().contains(&wanted.to_lowercase())
}

impl Word {
    fn holds(self, row: &Row, wanted: &str) -> bool {
        let url = || row.exchange().map_or("", |exchange| exchange.url.as_str());
        match self {
            Self::Any => {
                contains(&row.subject, wanted)
                    || contains(&row.target, wanted)
                    || contains(url(), wanted)
            }
            Self::Target => contains(&row.target, wanted),
            Self::Op => contains(row.op, wanted),
            Self::User => contains(&row.subject, wanted),
            Self::Trace => {
                let begins = |id: Option<String>| {
                    id.is_some_and(|id| id.starts_with(wanted) || id.ends_with(wanted))
                };
                begins(row.flow.map(|id| id.to_string()))
                    || begins(row.operation.map(|id| id.to_string()))
            }
            Self::Body => row.exchange().is_some_and(|exchange| {
                contains(&exchange.request_body.text, wanted)
                    || exchange
                        .response
                        .as_ref()
                        .is_some_and(|response| contains(&response.body.text, wanted))
            }),
            Self::Method => row
                .exchange()
                .is_some_and(|exchange| exchange.method.eq_ignore_ascii_case(wanted)),
            Self::Url => contains(url(), wanted),
        }
    }
}

impl Word {
    fn matches(self, row: &Row, pattern: &Regex) -> bool {
        let exchange = row.exchange();
        let url = || exchange.is_some_and(|exchange| pattern.is_match(&exchange.url));
        let id = |id: Option<String>| id.is_some_and(|id| pattern.is_match(&id));
        match self {
            Self::Any => pattern.is_match(&row.subject) || pattern.is_match(&row.target) || url(),
            Self::Target => pattern.is_match(&row.target),
            Self::Op => pattern.is_match(row.op),
            Self::User => pattern.is_match(&row.subject),
            Self::Trace => {
                id(row.flow.map(|id| id.to_string())) || id(row.operation.map(|id| id.to_string()))
            }
            Self::Body => exchange.is_some_and(|exchange| {
                pattern.is_match(&exchange.request_body.text)
                    || exchange
                        .response
                        .as_ref()
                        .is_some_and(|response| pattern.is_match(&response.body.text))
            }),
            Self::Method => exchange.is_some_and(|exchange| pattern.is_match(&exchange.method)),
            Self::Url => url(),
        }
    }
}

impl Count {
    #[expect(
        clippy::cast_precision_loss,
        reason = "sizes and times are far below 2^52"
    )]
    fn of(self, row: &Row) -> Option<f64> {
        let exchange = row.exchange()?;
        match self {
            Self::Status => exchange
                .response
                .as_ref()
                .map(|response| f64::from(response.status)),
            Self::Millis => Some(exchange.took.as_secs_f64() * 1000.0),
            Self::Try => Some(f64::from(row.attempt)),
            Self::Size => {
                let answer = exchange
                    .response
                    .as_ref()
                    .map_or(0, |response| response.body.size_bytes);
                Some((exchange.request_body.size_bytes + answer) as f64)
            }
        }
    }
}

impl Compare {
    fn holds(self, value: f64, wanted: f64) -> bool {
        match self {
            Self::Equal => (value - wanted).abs() < 0.5,
            Self::Less => value < wanted,
            Self::LessOrEqual => value <= wanted,
            Self::Greater => value > wanted,
            Self::GreaterOrEqual => value >= wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples;

    fn passes(filter: &str, row: &Row) -> bool {
        Filter::parse(filter)
            .unwrap_or_else(|error| panic!("{filter}: {error}"))
            .passes(row)
    }

    #[test]
    fn words_numbers_and_their_connections_mean_what_they_say() {
        let row = samples::row("corp-scim/scim2", "create", "kim", Some(429), 4, 2);
        for (filter, wanted) in [
            ("", true),
            ("kim", true),
            ("KIM", true),
            ("ada", false),
            ("target:corp-scim", true),
            ("target:google", false),
            ("op:create user:kim", true),
            ("op:create user:ada", false),
            ("op:update | user:kim", true),
            ("op:update or st>=400", true),
            ("!op:update", true),
            ("not op:create", false),
            ("not (op:create and st:2xx)", true),
            ("op:create AND NOT st:2xx", true),
            ("ada Or op:create And st:2xx", false),
            ("\"and\"", false),
            ("op:create \"or\" op:update", false),
            ("user:and", false),
            ("st:429", true),
            ("st:4xx", true),
            ("st:5xx", false),
            ("st>=400 ms<10 try>1", true),
            ("st<400", false),
            ("st:none", false),
            ("is:problem", true),
            ("is:marked", false),
            ("user~^k.m$", true),
            ("user~^K", true),
            ("user~^i", false),
            ("op~\"^(create|update)$\" !target~google", true),
            ("body~\"user.?name\"", true),
            ("~c 429", true),
            ("~m POST ~u Users", true),
            ("body:\"userName\"", true),
            ("\"kim\"", true),
            ("http://127.0.0.1", true),
            ("(op:update | op:create) !(st:200 | st:201)", true),
        ] {
            assert_eq!(passes(filter, &row), wanted, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_says_where_and_why() {
        for (filter, part, told) in [
            ("(op:create", 0..1, "not closed"),
            ("op:create)", 9..10, "closes nothing"),
            ("st>=many", 2..8, "no number"),
            ("op:create colour:red", 10..17, "not known"),
            ("foo:(", 0..4, "not known"),
            ("op:create |", 11..11, "missing"),
            ("(op:create | )", 13..14, "missing"),
            ("a and", 5..5, "missing"),
            ("st:200 AND", 10..10, "in quotes"),
            ("or a", 0..2, "missing"),
            ("\"kim", 0..4, "not closed"),
            ("is:blue", 0..7, "problem, marked or nothing"),
            ("user>3", 0..4, "no number"),
            ("~x 3", 0..2, "not known"),
            ("~c many", 2..7, "no number"),
            ("user~[", 5..6, "no regular expression"),
        ] {
            let error = Filter::parse(filter).unwrap_err();
            assert_eq!(error.part, part, "{filter}: {error}");
            assert!(error.told.contains(told), "{filter}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_filter_or_an_error_inside_the_text(text in "[a-z:<>=!|()&~\" 0-9é]{0,40}") {
            match Filter::parse(&text) {
                Ok(filter) => { filter.passes(&samples::row("a/b", "create", "kim", None, 0, 1)); }
                Err(error) => prop_assert!(error.part.start <= error.part.end && error.part.end <= text.len()),
            }
        }

        #[test]
        fn not_turns_every_answer_around(word in "(op:(create|update)|st>=(200|400)|user:(kim|ada)|is:problem)") {
            let row = samples::row("corp-scim/scim2", "create", "kim", Some(429), 4, 2);
            prop_assert_ne!(passes(&word, &row), passes(&format!("!({word})"), &row));
        }
    }
}
