//! Reads the text of a filter.

use std::ops::Range;

use regex::RegexBuilder;

use super::{Compare, Count, FilterError, Node, Pattern, Sign, WORDS, Word};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    /// Where it stands, in bytes of the text.
    pub(super) part: Range<usize>,
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

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
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
            let part = start..at;
            out.push(Token { part, kind });
        } else {
            let (word, quoted, len) = term(&text[at..], start)?;
            at += len;
            let kind = match (quoted, word.to_ascii_lowercase().as_str()) {
                (false, "and") => Kind::And,
                (false, "or") => Kind::Or,
                (false, "not") => Kind::Not,
                _ => Kind::Term { text: word, quoted },
            };
            let part = start..at;
            out.push(Token { part, kind });
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
                    let part = at + here..at + text.len();
                    return Err(FilterError::of(part, "the quote is not closed"));
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

pub(super) struct Reader<'t> {
    pub(super) tokens: &'t [Token],
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) depth: usize,
}

/// Deeper nesting than this is a mistake, and would use up the stack.
const DEEPEST: usize = 64;

impl Reader<'_> {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, kind: &Kind) -> bool {
        let found = self.peek().is_some_and(|token| token.kind == *kind);
        self.at += usize::from(found);
        found
    }

    pub(super) fn or(&mut self) -> Result<Node, FilterError> {
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
        let part = self
            .peek()
            .map_or(self.end..self.end, |token| token.part.clone());
        FilterError::of(
            part,
            "something is missing here; in quotes `and`, `or` and `not` are text",
        )
    }

    fn unary(&mut self) -> Result<Node, FilterError> {
        let Some(token) = self.peek().cloned() else {
            return Err(self.missing());
        };
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(FilterError::of(token.part, "this is nested too deeply"));
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
                    return Err(FilterError::of(token.part, "`(` is not closed"));
                }
                inner
            }
            Kind::Term { text, quoted } => {
                self.at += 1;
                if quoted {
                    Node::Text(Word::Any, text)
                } else if let Some(short) = text.strip_prefix('~') {
                    self.short(short, token.part)?
                } else {
                    leaf(&text, &token.part)?
                }
            }
            Kind::Close | Kind::Or | Kind::And => return Err(self.missing()),
        };
        self.depth -= 1;
        Ok(node)
    }

    /// mitmproxy's short words, each followed by its value.
    fn short(&mut self, short: &str, part: Range<usize>) -> Result<Node, FilterError> {
        let word = match short {
            "m" => "method",
            "u" | "d" => "url",
            "c" => "st",
            "b" => "body",
            other => {
                let told = format!("`~{other}` is not known; there are ~m ~u ~c ~d ~b");
                return Err(FilterError::of(part, told));
            }
        };
        match self.peek().cloned() {
            Some(Token {
                kind: Kind::Term { text, .. },
                part: value,
            }) => {
                self.at += 1;
                leaf(&format!("{word}:{text}"), &(part.start..value.end))
            }
            _ => Err(FilterError::of(part, format!("`~{short}` needs a value"))),
        }
    }
}

/// Reads a word with its value. Quotes were taken out of the text, so that its letters stand somewhere in `part`, but not
/// always where they stand in the text.
fn leaf(text: &str, part: &Range<usize>) -> Result<Node, FilterError> {
    let from = |letters: usize| (part.start + letters).min(part.end);
    let Some(place) = text.find([':', '<', '>', '=', '~']) else {
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
        return number(count, rest, from(place)..part.end);
    }
    if let Some(pattern) = rest.strip_prefix('~') {
        return match text_word(word) {
            Some(word) => Ok(Node::Pattern(
                word,
                expression(pattern, from(place + 1)..part.end)?,
            )),
            None => Ok(Node::Text(Word::Any, text.to_owned())),
        };
    }
    let Some(value) = rest.strip_prefix(':') else {
        let told = format!("`{word}` holds no number; compare st, ms, try or size");
        return Err(FilterError::of(part.start..from(place), told));
    };
    if let Some(word) = text_word(word) {
        return Ok(Node::Text(word, value.to_owned()));
    }
    match word.to_ascii_lowercase().as_str() {
        "is" => match value {
            "problem" => Ok(Node::Is(Sign::Problem)),
            "marked" => Ok(Node::Is(Sign::Marked)),
            "nothing" => Ok(Node::Is(Sign::Nothing)),
            _ => Err(FilterError::of(
                part.clone(),
                "is: takes problem, marked or nothing",
            )),
        },
        // An address or a name with a colon in it is text.
        _ if word.is_empty() || value.starts_with("//") => {
            Ok(Node::Text(Word::Any, text.to_owned()))
        }
        other => {
            let known: Vec<&str> = WORDS
                .iter()
                .map(|(word, _)| word.trim_end_matches(':'))
                .collect();
            let told = format!("`{other}:` is not known; there are {}", known.join(", "));
            Err(FilterError::of(part.start..from(place + 1), told))
        }
    }
}

fn text_word(word: &str) -> Option<Word> {
    Some(match word.to_ascii_lowercase().as_str() {
        "target" => Word::Target,
        "op" => Word::Op,
        "user" => Word::User,
        "trace" => Word::Trace,
        "body" => Word::Body,
        "method" => Word::Method,
        "url" => Word::Url,
        _ => return None,
    })
}

/// Reads a regular expression; case makes no difference, as everywhere in a filter.
fn expression(text: &str, part: Range<usize>) -> Result<Pattern, FilterError> {
    RegexBuilder::new(text)
        .case_insensitive(true)
        .size_limit(1 << 20)
        .build()
        .map(Pattern)
        .map_err(|_| FilterError::of(part, format!("`{text}` is no regular expression")))
}

fn number(count: Count, rest: &str, part: Range<usize>) -> Result<Node, FilterError> {
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
        _ => Err(FilterError::of(part, format!("`{value}` is no number"))),
    }
}
