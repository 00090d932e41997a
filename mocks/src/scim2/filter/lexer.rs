//! Cuts the text of a filter into tokens.

/// One token. Words are told apart by the parser: names, operators and literals share their letters.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// Anything without blanks, quotes, parentheses and brackets.
    Word(String),
    /// A JSON string, unescaped.
    Text(String),
}

/// Cuts a filter into tokens.
///
/// # Errors
/// A sentence that says what is wrong and where.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let used = match first {
            ' ' | '\t' | '\r' | '\n' => first.len_utf8(),
            '(' => push(&mut found, Token::Open),
            ')' => push(&mut found, Token::Close),
            '[' => push(&mut found, Token::OpenBracket),
            ']' => push(&mut found, Token::CloseBracket),
            '"' => {
                let length = quoted_length(rest).ok_or("a string is not closed")?;
                let value = serde_json::from_str(&rest[..length])
                    .map_err(|_| "a string is not a JSON string")?;
                found.push(Token::Text(value));
                length
            }
            _ => {
                let length = rest
                    .find([' ', '\t', '\r', '\n', '(', ')', '[', ']', '"'])
                    .unwrap_or(rest.len());
                found.push(Token::Word(rest[..length].to_owned()));
                length
            }
        };
        rest = &rest[used..];
    }
    Ok(found)
}

fn push(found: &mut Vec<Token>, token: Token) -> usize {
    found.push(token);
    1
}

/// Returns the bytes up to and with the closing quote.
fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}
