//! Reads a filter or a PATCH path into a tree (RFC 7644, sections 3.4.2.2 and 3.5.2).
//!
//! Recursion is bounded by [`MAX_DEPTH`]; a chain of `and` or `or` is a list and costs no depth.

use super::{
    Comparison, Filter, Literal, Operator, PatchPath,
    lexer::{Token, tokens},
};
use crate::scim2::path::AttributePath;

/// How deep parentheses and value paths may nest.
const MAX_DEPTH: usize = 40;

/// How long a filter may be, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
    /// Takes `userName eq kim` for `userName eq "kim"`.
    unquoted: bool,
    text: &'a str,
}

/// Reads a filter.
///
/// # Errors
/// A sentence that says what was expected and what stands there.
pub(crate) fn parse(text: &str, unquoted: bool) -> Result<Filter, String> {
    let mut parser = Parser::new(text, unquoted)?;
    let filter = parser.disjunction()?;
    parser.end()?;
    Ok(filter)
}

/// Reads the path of a PATCH operation: a name, or a name with a value filter and perhaps a sub-attribute behind it.
///
/// # Errors
/// A sentence that says what was expected and what stands there.
pub(crate) fn parse_path(text: &str) -> Result<PatchPath, String> {
    let mut parser = Parser::new(text, false)?;
    let name = parser.name()?;
    let filter = if parser.take(&Token::OpenBracket) {
        Some(parser.inside_brackets()?)
    } else {
        None
    };
    let sub = if filter.is_some() {
        parser.trailing_sub()?
    } else {
        None
    };
    parser.end()?;
    if filter.is_some() && name.sub.is_some() {
        return Err(format!(
            "a sub-attribute has no values to select in '{text}'"
        ));
    }
    Ok(PatchPath { name, filter, sub })
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, unquoted: bool) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("longer than {MAX_LENGTH} bytes"));
        }
        Ok(Self {
            tokens: tokens(text)?.into_iter().peekable(),
            depth: 0,
            unquoted,
            text,
        })
    }

    fn end(&mut self) -> Result<(), String> {
        match self.tokens.next() {
            None => Ok(()),
            Some(token) => Err(format!(
                "nothing may follow, but {} does",
                named(Some(&token))
            )),
        }
    }

    fn take(&mut self, wanted: &Token) -> bool {
        self.tokens.next_if(|token| token == wanted).is_some()
    }

    fn keyword(&mut self, wanted: &str) -> bool {
        self.tokens
            .next_if(
                |token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted)),
            )
            .is_some()
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(format!("nested deeper than {MAX_DEPTH}"))
        } else {
            Ok(())
        }
    }

    fn disjunction(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.conjunction()?];
        while self.keyword("or") {
            parts.push(self.conjunction()?);
        }
        Ok(joined(parts, Filter::Or))
    }

    fn conjunction(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.term()?];
        while self.keyword("and") {
            parts.push(self.term()?);
        }
        Ok(joined(parts, Filter::And))
    }

    fn term(&mut self) -> Result<Filter, String> {
        if self.take(&Token::Open) {
            return self.inside_parentheses();
        }
        if self.keyword("not") {
            if self.take(&Token::Open) {
                return Ok(Filter::Not(Box::new(self.inside_parentheses()?)));
            }
            return Err("'not' must be followed by a parenthesis".to_owned());
        }
        let name = self.name()?;
        if self.take(&Token::OpenBracket) {
            return self.value_path(name);
        }
        Ok(match self.comparison()? {
            Comparison::Present => Filter::Present(name),
            Comparison::Test(operator, literal) => Filter::Test(name, operator, literal),
        })
    }

    fn inside_parentheses(&mut self) -> Result<Filter, String> {
        self.deeper()?;
        let filter = self.disjunction()?;
        self.depth -= 1;
        if self.take(&Token::Close) {
            Ok(filter)
        } else {
            Err(self.expected("')'"))
        }
    }

    fn inside_brackets(&mut self) -> Result<Filter, String> {
        self.deeper()?;
        let filter = self.disjunction()?;
        self.depth -= 1;
        if self.take(&Token::CloseBracket) {
            Ok(filter)
        } else {
            Err(self.expected("']'"))
        }
    }

    /// Reads the rest of `emails[…]`, and Entra's `emails[…].value eq "…"`, which the RFC's grammar does not have.
    fn value_path(&mut self, name: AttributePath) -> Result<Filter, String> {
        if name.sub.is_some() {
            return Err(format!(
                "a sub-attribute has no values to select in '{}'",
                self.text
            ));
        }
        let inner = Box::new(self.inside_brackets()?);
        let behind = match self.trailing_sub()? {
            None => None,
            Some(sub) => Some((sub, self.comparison()?)),
        };
        Ok(Filter::Values {
            name,
            inner,
            behind,
        })
    }

    fn trailing_sub(&mut self) -> Result<Option<String>, String> {
        let Some(Token::Word(word)) = self.tokens.peek() else {
            return Ok(None);
        };
        let Some(sub) = word.strip_prefix('.') else {
            return Ok(None);
        };
        let parsed =
            AttributePath::parse(sub).filter(|path| path.urn.is_none() && path.sub.is_none());
        let parsed = parsed.ok_or_else(|| format!("'{sub}' is no sub-attribute"))?;
        self.tokens.next();
        Ok(Some(parsed.name))
    }

    fn name(&mut self) -> Result<AttributePath, String> {
        match self.tokens.next() {
            Some(Token::Word(word)) => {
                AttributePath::parse(&word).ok_or_else(|| format!("'{word}' is no attribute name"))
            }
            other => Err(format!(
                "an attribute name is expected, not {}",
                named(other.as_ref())
            )),
        }
    }

    fn comparison(&mut self) -> Result<Comparison, String> {
        let operator = match self.tokens.next() {
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("pr") => {
                return Ok(Comparison::Present);
            }
            Some(Token::Word(word)) => {
                Operator::parse(&word).ok_or_else(|| format!("'{word}' is no operator"))?
            }
            other => {
                return Err(format!(
                    "an operator is expected, not {}",
                    named(other.as_ref())
                ));
            }
        };
        Ok(Comparison::Test(operator, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal, String> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) => self.word_literal(word),
            other => Err(format!(
                "a value is expected, not {}",
                named(other.as_ref())
            )),
        }
    }

    fn word_literal(&self, word: String) -> Result<Literal, String> {
        if word.eq_ignore_ascii_case("true") {
            return Ok(Literal::Boolean(true));
        }
        if word.eq_ignore_ascii_case("false") {
            return Ok(Literal::Boolean(false));
        }
        if word.eq_ignore_ascii_case("null") {
            return Ok(Literal::Null);
        }
        if let Ok(number) = serde_json::from_str::<serde_json::Number>(&word) {
            return Ok(Literal::Number(number));
        }
        if self.unquoted {
            Ok(Literal::Text(word))
        } else {
            Err(format!("the value '{word}' must be in double quotes"))
        }
    }

    fn expected(&mut self, what: &str) -> String {
        format!("{what} is expected, not {}", named(self.tokens.peek()))
    }
}

fn joined(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    if parts.len() > 1 {
        return join(parts);
    }
    parts.pop().expect("callers start the list with one part")
}

fn named(token: Option<&Token>) -> String {
    match token {
        None => "the end".to_owned(),
        Some(Token::Open) => "'('".to_owned(),
        Some(Token::Close) => "')'".to_owned(),
        Some(Token::OpenBracket) => "'['".to_owned(),
        Some(Token::CloseBracket) => "']'".to_owned(),
        Some(Token::Word(word)) => format!("'{word}'"),
        Some(Token::Text(_)) => "a string".to_owned(),
    }
}
