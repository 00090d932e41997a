//! The search languages of `users.list` and `groups.list`.
//!
//! Clauses separated by blanks are joined by AND; `=` is the whole value, `:` its words, `:prefix*` its beginning;
//! custom fields know order and ranges too. Case never counts.
//! Sources: developers.google.com/workspace/admin/directory/v1/guides/search-users and …/search-groups.

use super::error::Error;

/// How a clause compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    /// `=`: the whole value.
    Is,
    /// `:`: the words, in order.
    Has,
    /// `:…*`: the beginning.
    Starts,
    /// `:[…,…]`, `>`, `>=`, `<`, `<=`: order, for numbers and dates of custom fields.
    Between,
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// One clause; without a field it is about names and addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) field: Option<String>,
    pub(super) op: Op,
    pub(super) value: String,
}

fn wrong() -> Error {
    Error::invalid("query")
}

/// Reads a query into its clauses.
///
/// # Errors
/// `invalid` for an open quote, an empty value, or an operator without a field.
pub(super) fn parse(text: &str) -> Result<Vec<Clause>, Error> {
    let letters: Vec<char> = text.chars().collect();
    let mut reader = Reader {
        letters: &letters,
        at: 0,
    };
    let mut all = Vec::new();
    loop {
        reader.blanks();
        if reader.peek().is_none() {
            return Ok(all);
        }
        all.push(reader.clause()?);
    }
}

struct Reader<'a> {
    letters: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn eat(&mut self, letter: char) -> bool {
        let found = self.peek() == Some(letter);
        self.at += usize::from(found);
        found
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn clause(&mut self) -> Result<Clause, Error> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|letter| letter.is_alphanumeric() || "_.-".contains(letter))
        {
            self.at += 1;
        }
        let field: String = self.letters[start..self.at].iter().collect();
        let op = match self.peek() {
            Some('=') => Op::Is,
            Some(':') => Op::Has,
            Some('>') => Op::Above,
            Some('<') => Op::Below,
            _ => {
                self.at = start;
                let (value, starts) = self.value()?;
                let op = if starts { Op::Starts } else { Op::Has };
                return Ok(Clause {
                    field: None,
                    op,
                    value,
                });
            }
        };
        if field.is_empty() {
            return Err(wrong());
        }
        self.at += 1;
        let op = match op {
            Op::Above if self.eat('=') => Op::AtLeast,
            Op::Below if self.eat('=') => Op::AtMost,
            op => op,
        };
        if op == Op::Has && self.peek() == Some('[') {
            return self.range(field);
        }
        let (value, starts) = self.value()?;
        match (op, starts) {
            (Op::Has, true) => Ok(Clause {
                field: Some(field),
                op: Op::Starts,
                value,
            }),
            (op, false) => Ok(Clause {
                field: Some(field),
                op,
                value,
            }),
            _ => Err(wrong()),
        }
    }

    fn range(&mut self, field: String) -> Result<Clause, Error> {
        let start = self.at + 1;
        while self.peek().is_some_and(|letter| letter != ']') {
            self.at += 1;
        }
        let value: String = self.letters[start.min(self.at)..self.at].iter().collect();
        if self.eat(']') && value.split(',').count() == 2 {
            Ok(Clause {
                field: Some(field),
                op: Op::Between,
                value,
            })
        } else {
            Err(wrong())
        }
    }

    /// Reads a value and whether a `*` follows it.
    fn value(&mut self) -> Result<(String, bool), Error> {
        let Some(quote @ ('\'' | '"')) = self.peek() else {
            let start = self.at;
            while self.peek().is_some_and(|letter| !letter.is_whitespace()) {
                self.at += 1;
            }
            let value: String = self.letters[start..self.at].iter().collect();
            let bare = value.strip_suffix('*');
            let starts = bare.is_some();
            let value = bare.unwrap_or(&value).replace("\\'", "'");
            return if value.is_empty() {
                Err(wrong())
            } else {
                Ok((value, starts))
            };
        };
        self.at += 1;
        let mut value = String::new();
        loop {
            match self.peek().ok_or_else(wrong)? {
                '\\' => {
                    self.at += 1;
                    value.push(self.peek().ok_or_else(wrong)?);
                }
                letter if letter == quote => break,
                letter => value.push(letter),
            }
            self.at += 1;
        }
        self.at += 1;
        let starts = self.eat('*');
        if self.peek().is_some_and(|letter| !letter.is_whitespace()) {
            return Err(wrong());
        }
        // `'foo*'` is written in the wild for `'foo'*`.
        match value.strip_suffix('*') {
            Some(bare) if !starts => Ok((bare.to_owned(), true)),
            _ => Ok((value, starts)),
        }
    }
}
