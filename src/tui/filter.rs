//! The filter language of the stream: `target:hr-scim st>=400 !op:list | (user:kim try>1)`.
//!
//! A blank means *and*, `|` means *or*, `!` means *not*; the words `and`, `or`, `not` do too. Bare text searches the
//! user, the target and the address. mitmproxy's `~m ~u ~c ~d ~b` are understood.

use std::fmt;

use crate::stream::Row;

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
    /// Where, in bytes of the text.
    pub(crate) at: usize,
    pub(crate) told: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Text(Word, String),
    Number(Count, Compare, f64),
    Is(Sign),
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
    ("body:", "text in a body"),
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
            return Err(FilterError {
                at: token.at,
                told: "`)` closes nothing".to_owned(),
            });
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

#[derive(Debug, Clone, PartialEq)]
struct Token {
    at: usize,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Open,
    Close,
    Or,
    And,
    Not,
    Term { text: String, quoted: bool },
}

fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let start = at;
        let single = match first {
            '(' => Some(Kind::Open),
            ')' => Some(Kind::Close),
            '|' => Some(Kind::Or),
            '&' => Some(Kind::And),
            '!' => Some(Kind::Not),
            _ => None,
        };
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if let Some(kind) = single {
            at += 1;
            out.push(Token { at: start, kind });
        } else {
            let (word, quoted, len) = term(&text[at..], start)?;
            at += len;
            let kind = match (quoted, word.to_ascii_lowercase().as_str()) {
                (false, "and") => Kind::And,
                (false, "or") => Kind::Or,
                (false, "not") => Kind::Not,
                _ => Kind::Term { text: word, quoted },
            };
            out.push(Token { at: start, kind });
        }
    }
    Ok(out)
}

/// Reads one term: letters up to a blank or a sign, with quoted parts anywhere in it.
fn term(text: &str, at: usize) -> Result<(String, bool, usize), FilterError> {
    let mut word = String::new();
    let mut quoted_from_start = false;
    let mut letters = text.char_indices();
    while let Some((here, letter)) = letters.next() {
        match letter {
            '"' => {
                quoted_from_start |= here == 0;
                let rest = &text[here + 1..];
                let Some(len) = rest.find('"') else {
                    return Err(FilterError {
                        at: at + here,
                        told: "the quote is not closed".to_owned(),
                    });
                };
                word.push_str(&rest[..len]);
                letters = text.char_indices();
                let _ = letters
                    .by_ref()
                    .take_while(|(place, _)| *place < here + len + 1)
                    .last(); // goes behind the quote
            }
            '(' | ')' | '|' | '&' => return Ok((word, quoted_from_start, here)),
            letter if letter.is_whitespace() => return Ok((word, quoted_from_start, here)),
            letter => word.push(letter),
        }
    }
    Ok((word, quoted_from_start, text.len()))
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    end: usize,
    depth: usize,
}

/// Deeper nesting than this is a mistake, and would use up the stack.
const DEEPEST: usize = 64;

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, kind: &Kind) -> bool {
        let found = self.peek().is_some_and(|token| token.kind == *kind);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Node, FilterError> {
        let mut nodes = vec![self.and()?];
        while self.take(&Kind::Or) {
            nodes.push(self.and()?);
        }
        Ok(if nodes.len() == 1 {
            nodes.remove(0)
        } else {
            Node::Or(nodes)
        })
    }

    fn and(&mut self) -> Result<Node, FilterError> {
        let mut nodes = vec![self.unary()?];
        loop {
            let joined = self.take(&Kind::And);
            match self.peek().map(|token| &token.kind) {
                Some(Kind::Open | Kind::Not | Kind::Term { .. }) => nodes.push(self.unary()?),
                _ if joined => return Err(self.missing()),
                _ => break,
            }
        }
        Ok(if nodes.len() == 1 {
            nodes.remove(0)
        } else {
            Node::And(nodes)
        })
    }

    fn missing(&self) -> FilterError {
        FilterError {
            at: self.peek().map_or(self.end, |token| token.at),
            told: "something is missing here".to_owned(),
        }
    }

    fn unary(&mut self) -> Result<Node, FilterError> {
        let Some(token) = self.peek().cloned() else {
            return Err(self.missing());
        };
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(FilterError {
                at: token.at,
                told: "this is nested too deeply".to_owned(),
            });
        }
        let node = match token.kind {
            Kind::Not => {
                self.at += 1;
                Node::Not(Box::new(self.unary()?))
            }
            Kind::Open => {
                self.at += 1;
                let inner = self.or()?;
                if !self.take(&Kind::Close) {
                    return Err(FilterError {
                        at: token.at,
                        told: "`(` is not closed".to_owned(),
                    });
                }
                inner
            }
            Kind::Term { text, quoted } => {
                self.at += 1;
                if quoted {
                    Node::Text(Word::Any, text)
                } else if let Some(short) = text.strip_prefix('~') {
                    self.short(short, token.at)?
                } else {
                    leaf(&text, token.at)?
                }
            }
            Kind::Close | Kind::Or | Kind::And => return Err(self.missing()),
        };
        self.depth -= 1;
        Ok(node)
    }

    /// mitmproxy's short words, each followed by its value.
    fn short(&mut self, short: &str, at: usize) -> Result<Node, FilterError> {
        let word = match short {
            "m" => "method",
            "u" | "d" => "url",
            "c" => "st",
            "b" => "body",
            other => {
                return Err(FilterError {
                    at,
                    told: format!("`~{other}` is not known; there are ~m ~u ~c ~d ~b"),
                });
            }
        };
        match self.peek().map(|token| token.kind.clone()) {
            Some(Kind::Term { text, .. }) => {
                self.at += 1;
                leaf(&format!("{word}:{text}"), at)
            }
            _ => Err(FilterError {
                at,
                told: format!("`~{short}` needs a value"),
            }),
        }
    }
}

fn leaf(text: &str, at: usize) -> Result<Node, FilterError> {
    let Some(place) = text.find([':', '<', '>', '=']) else {
        return Ok(Node::Text(Word::Any, text.to_owned()));
    };
    let (word, rest) = text.split_at(place);
    let count = match word.to_ascii_lowercase().as_str() {
        "st" | "status" => Some(Count::Status),
        "ms" => Some(Count::Millis),
        "try" => Some(Count::Try),
        "size" => Some(Count::Size),
        _ => None,
    };
    if let Some(count) = count {
        return number(count, rest, at + place);
    }
    let Some(value) = rest.strip_prefix(':') else {
        return Err(FilterError {
            at,
            told: format!("`{word}` holds no number; compare st, ms, try or size"),
        });
    };
    let word = match word.to_ascii_lowercase().as_str() {
        "target" => Word::Target,
        "op" => Word::Op,
        "user" => Word::User,
        "trace" => Word::Trace,
        "body" => Word::Body,
        "method" => Word::Method,
        "url" => Word::Url,
        "is" => {
            return match value {
                "problem" => Ok(Node::Is(Sign::Problem)),
                "marked" => Ok(Node::Is(Sign::Marked)),
                "nothing" => Ok(Node::Is(Sign::Nothing)),
                _ => Err(FilterError {
                    at,
                    told: "is: takes problem, marked or nothing".to_owned(),
                }),
            };
        }
        // An address or a name with a colon in it is text.
        _ if word.is_empty() || value.starts_with("//") => {
            return Ok(Node::Text(Word::Any, text.to_owned()));
        }
        other => {
            let known: Vec<&str> = WORDS
                .iter()
                .map(|(word, _)| word.trim_end_matches(':'))
                .collect();
            return Err(FilterError {
                at,
                told: format!("`{other}:` is not known; there are {}", known.join(", ")),
            });
        }
    };
    Ok(Node::Text(word, value.to_owned()))
}

fn number(count: Count, rest: &str, at: usize) -> Result<Node, FilterError> {
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (compare, value) = [
        (">=", Compare::GreaterOrEqual),
        ("<=", Compare::LessOrEqual),
        (">", Compare::Greater),
        ("<", Compare::Less),
        ("=", Compare::Equal),
    ]
    .into_iter()
    .find_map(|(sign, compare)| Some((compare, rest.strip_prefix(sign)?)))
    .unwrap_or((Compare::Equal, rest));
    if count == Count::Status {
        if value == "none" {
            return Ok(Node::Number(count, Compare::Equal, f64::NAN));
        }
        if let Some(Ok(class)) = value.strip_suffix("xx").map(str::parse::<u8>) {
            let from = f64::from(class) * 100.0;
            return Ok(Node::And(vec![
                Node::Number(count, Compare::GreaterOrEqual, from),
                Node::Number(count, Compare::Less, from + 100.0),
            ]));
        }
    }
    match value.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Node::Number(count, compare, value)),
        _ => Err(FilterError {
            at,
            told: format!("`{value}` is no number"),
        }),
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
            ("st:429", true),
            ("st:4xx", true),
            ("st:5xx", false),
            ("st>=400 ms<10 try>1", true),
            ("st<400", false),
            ("st:none", false),
            ("is:problem", true),
            ("is:marked", false),
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
        for (filter, at, told) in [
            ("(op:create", 0, "not closed"),
            ("op:create)", 9, "closes nothing"),
            ("st>=many", 2, "no number"),
            ("colour:red", 0, "not known"),
            ("op:create |", 11, "missing"),
            ("a and", 5, "missing"),
            ("\"kim", 0, "not closed"),
            ("is:blue", 0, "problem, marked or nothing"),
            ("user>3", 0, "no number"),
            ("~x 3", 0, "not known"),
        ] {
            let error = Filter::parse(filter).unwrap_err();
            assert_eq!(error.at, at, "{filter}: {error}");
            assert!(error.told.contains(told), "{filter}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_filter_or_an_error_inside_the_text(text in "[a-z:<>=!|()&~\" 0-9é]{0,40}") {
            match Filter::parse(&text) {
                Ok(filter) => { filter.passes(&samples::row("a/b", "create", "kim", None, 0, 1)); }
                Err(error) => prop_assert!(error.at <= text.len()),
            }
        }

        #[test]
        fn not_turns_every_answer_around(word in "(op:(create|update)|st>=(200|400)|user:(kim|ada)|is:problem)") {
            let row = samples::row("corp-scim/scim2", "create", "kim", Some(429), 4, 2);
            prop_assert_ne!(passes(&word, &row), passes(&format!("!({word})"), &row));
        }
    }
}
