//! Queries as tokens.

use super::malformed;
use crate::salesforce::error::Problem;

/// One piece of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    /// A name or keyword.
    Word(String),
    /// Text between quotes: its value, and itself as a pattern in which `\%` and `\_` are still escaped.
    Text { value: String, pattern: String },
    /// A number, as written.
    Number(String),
    /// A date or a date with time, as written.
    Moment(String),
    /// Punctuation or a comparison.
    Symbol(&'static str),
    /// Behind the last piece.
    End,
}

/// A piece and where it begins, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) piece: Piece,
    pub(crate) at: usize,
}

impl Piece {
    /// The piece as a complaint shows it.
    pub(crate) fn shown(&self) -> &str {
        match self {
            Self::Word(text)
            | Self::Number(text)
            | Self::Moment(text)
            | Self::Text { value: text, .. } => text,
            Self::Symbol(symbol) => symbol,
            Self::End => "<EOF>",
        }
    }

    /// Tells whether it is this keyword.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

const SYMBOLS: [&str; 13] = [
    "<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", ",", ".", ":", "*",
];

/// Cuts a query into tokens; the last one is [`Piece::End`].
pub(crate) fn tokens(query: &str) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = query[at..].chars().next() {
        let rest = &query[at..];
        let (piece, length) = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if first == '\'' {
            text(query, at)?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            (Piece::Word(rest[..length].to_owned()), length)
        } else if first.is_ascii_digit()
            || (matches!(first, '-' | '+') && rest[1..].starts_with(|c: char| c.is_ascii_digit()))
        {
            number_or_moment(rest)
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            (Piece::Symbol(symbol), symbol.len())
        } else {
            return Err(malformed(
                query,
                at,
                &format!("unexpected token: '{first}'"),
            ));
        };
        tokens.push(Token { piece, at });
        at += length;
    }
    tokens.push(Token {
        piece: Piece::End,
        at: query.len(),
    });
    Ok(tokens)
}

fn number_or_moment(rest: &str) -> (Piece, usize) {
    let bytes = rest.as_bytes();
    let dated = bytes.len() >= 10
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[..4].iter().all(u8::is_ascii_digit);
    let part = |c: char| {
        if dated {
            c.is_ascii_digit() || "-T:Z+.".contains(c)
        } else {
            c.is_ascii_digit() || c == '.'
        }
    };
    let length = 1 + rest[1..].find(|c| !part(c)).unwrap_or(rest.len() - 1);
    let text = rest[..length].to_owned();
    (
        if dated {
            Piece::Moment(text)
        } else {
            Piece::Number(text)
        },
        length,
    )
}

/// Reads a text from its opening quote on.
fn text(query: &str, start: usize) -> Result<(Piece, usize), Problem> {
    let (mut value, mut pattern) = (String::new(), String::new());
    let mut characters = query[start + 1..].char_indices();
    while let Some((at, character)) = characters.next() {
        let plain = match character {
            '\'' => return Ok((Piece::Text { value, pattern }, at + 2)),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('n' | 'N') => '\n',
                Some('r' | 'R') => '\r',
                Some('t' | 'T') => '\t',
                Some('b' | 'B') => '\u{8}',
                Some('f' | 'F') => '\u{c}',
                Some(same @ ('"' | '\'')) => same,
                Some(special @ ('\\' | '%' | '_')) => {
                    value.push(special);
                    pattern.extend(['\\', special]);
                    continue;
                }
                Some('u' | 'U') => {
                    let digits: String = characters
                        .by_ref()
                        .take(4)
                        .map(|(_, digit)| digit)
                        .collect();
                    let code = u32::from_str_radix(&digits, 16)
                        .ok()
                        .filter(|_| digits.len() == 4);
                    code.and_then(char::from_u32)
                        .ok_or_else(|| illegal(query, start + 1 + at, "u"))?
                }
                Some(other) => return Err(illegal(query, start + 1 + at, &other.to_string())),
                None => break,
            },
            other => other,
        };
        value.push(plain);
        pattern.push(plain);
    }
    Err(malformed(
        query,
        start,
        "line 1: mismatched character '<EOF>' expecting '''",
    ))
}

fn illegal(query: &str, at: usize, sequence: &str) -> Problem {
    malformed(
        query,
        at,
        &format!(
            "Invalid string literal. Illegal character sequence '\\{sequence}' in string literal."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(query: &str) -> Vec<Piece> {
        tokens(query)
            .unwrap()
            .into_iter()
            .map(|token| token.piece)
            .collect()
    }

    #[test]
    fn a_query_is_cut_where_it_should_be() {
        assert_eq!(
            pieces("Id>=-1.5,a.b__c!='x'"),
            [
                Piece::Word("Id".into()),
                Piece::Symbol(">="),
                Piece::Number("-1.5".into()),
                Piece::Symbol(","),
                Piece::Word("a".into()),
                Piece::Symbol("."),
                Piece::Word("b__c".into()),
                Piece::Symbol("!="),
                Piece::Text {
                    value: "x".into(),
                    pattern: "x".into()
                },
                Piece::End,
            ]
        );
        assert_eq!(
            pieces("2026-11-22T01:02:03.000+01:00")[0],
            Piece::Moment("2026-11-22T01:02:03.000+01:00".into())
        );
    }

    #[test]
    fn escapes_stand_for_what_the_reference_says() {
        let text = pieces(r"'O\'Neil \\ \u0041 \n 100\% a\_b'").remove(0);
        assert_eq!(
            text,
            Piece::Text {
                value: "O'Neil \\ A \n 100% a_b".into(),
                pattern: "O'Neil \\\\ A \n 100\\% a\\_b".into()
            }
        );
    }

    #[test]
    fn what_does_not_close_or_belong_is_refused() {
        for query in ["'abc", r"'a\q'", r"'a\u00'", "a ; b", "'a\\"] {
            assert_eq!(
                tokens(query).unwrap_err().code,
                "MALFORMED_QUERY",
                "{query}"
            );
        }
    }
}
